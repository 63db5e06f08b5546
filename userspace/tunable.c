// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spec.h"
#include "tunable.h"
#include "util.h"

static int take(struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *tb[KSTALLMON_A_TUNABLE_LAST + 1];
	struct tunables *tunables = arg;
	struct tunable *tunable;

	if (!nlh) {
		tunables_free(tunables);
		return 0;
	}
	spec_parse_message(&spec_tunable, nlh, tb);
	if (!tb[KSTALLMON_A_TUNABLE_NAME] || tunables->count == TUNABLES_MAX)
		return 0;
	tunable = &tunables->tunable[tunables->count];
	tunable->name = nla_strdup(tb[KSTALLMON_A_TUNABLE_NAME]);
	if (!tunable->name)
		return -ENOMEM;
	tunable->text = tb[KSTALLMON_A_TUNABLE_TEXT];
	tunable->value = spec_u64(tb[KSTALLMON_A_TUNABLE_VALUE]);
	tunables->count++;
	return 0;
}

/**
 * tunables_get - ask the module which tunables it has
 * @nl: where to
 * @tunables: filled in; free them with tunables_free()
 *
 * Return: as knl_dump().
 */
int tunables_get(struct knl *nl, struct tunables *tunables)
{
	tunables->count = 0;
	return knl_dump(nl, KSTALLMON_CMD_TUNABLE_GET, NULL, take, tunables);
}

/**
 * tunables_free - let go of what tunables_get() brought
 * @tunables: the tunables
 */
void tunables_free(struct tunables *tunables)
{
	while (tunables->count)
		free(tunables->tunable[--tunables->count].name);
}

/**
 * tunable_find - look a tunable up
 * @tunables: all of them
 * @name: its name
 *
 * Return: the tunable, or NULL if nothing has this name.
 */
const struct tunable *tunable_find(const struct tunables *tunables, const char *name)
{
	for (size_t i = 0; i < tunables->count; i++)
		if (!strcmp(tunables->tunable[i].name, name))
			return &tunables->tunable[i];
	return NULL;
}

/**
 * tunable_unknown - say that nothing has a name, and which was probably meant
 * @tunables: all there are
 * @verb: for the error
 * @name: the name
 */
void tunable_unknown(const struct tunables *tunables, const char *verb, const char *name)
{
	const char *names[TUNABLES_MAX], *meant;

	for (size_t i = 0; i < tunables->count; i++)
		names[i] = tunables->tunable[i].name;
	meant = nearest(name, names, tunables->count);
	if (meant)
		err("%s: no tunable '%s': did you mean '%s'?", verb, name, meant);
	else
		err("%s: no tunable '%s': 'kstallmon get' lists them", verb, name);
}
