// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <netlink/genl/genl.h>

#include "spec.h"
#include "tunable.h"
#include "util.h"

#define MAX_NAMES 256

struct names {
	char *name[MAX_NAMES];
	size_t count;
};

static void forget(struct names *names)
{
	while (names->count)
		free(names->name[--names->count]);
}

static int take_name(struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *tb[KSTALLMON_A_TUNABLE_LAST + 1];
	struct names *names = arg;
	char *name;

	if (!nlh) {
		forget(names);
		return 0;
	}
	spec_parse(&spec_tunable, genlmsg_attrdata(nlmsg_data(nlh), 0),
		   genlmsg_attrlen(nlmsg_data(nlh), 0), tb);
	if (!tb[KSTALLMON_A_TUNABLE_NAME] || names->count == MAX_NAMES)
		return 0;
	name = nla_strdup(tb[KSTALLMON_A_TUNABLE_NAME]);
	if (!name)
		return -ENOMEM;
	names->name[names->count++] = name;
	return 0;
}

/**
 * tunable_unknown - find out whether a name was refused because nothing has it
 * @nl: where to ask for the names there are
 * @verb: for the error
 * @name: the name
 *
 * Return: true after having said so, with the name that was probably meant.
 */
bool tunable_unknown(struct knl *nl, const char *verb, const char *name)
{
	struct names names = { 0 };
	char text[sizeof(nl->text)];
	bool unknown = true;

	/* The reason for the first refusal is still wanted. */
	memcpy(text, nl->text, sizeof(text));
	if (knl_dump(nl, KSTALLMON_CMD_TUNABLE_GET, NULL, take_name, &names))
		unknown = false;
	memcpy(nl->text, text, sizeof(text));
	for (size_t i = 0; i < names.count; i++)
		if (!strcmp(names.name[i], name))
			unknown = false;
	if (unknown) {
		const char *meant = nearest(name, (const char *const *)names.name, names.count);

		if (meant)
			err("%s: no tunable '%s': did you mean '%s'?", verb, name, meant);
		else
			err("%s: no tunable '%s': 'kstallmon get' lists them", verb, name);
	}
	forget(&names);
	return unknown;
}
