// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "nl.h"
#include "opt.h"
#include "tunable.h"
#include "util.h"

static const char help[] = "Usage: kstallmon set NAME=VALUE...\n"
			   "Set tunables: all of those given, or none if one is refused.\n"
			   "\n"
			   "  -h, --help         this text\n"
			   "\n"
			   "Example: report shorter stalls, and look for them more often\n"
			   "  kstallmon set period=2 threshold=5\n";

struct setting {
	const char *name;
	uint64_t value;
};

static struct setting parse_setting(char *text)
{
	struct setting setting = { .name = text };
	char *value = strchr(text, '=');
	int ret;

	if (!value || value == text)
		die("set: '%s' is not NAME=VALUE, see 'kstallmon set --help'", text);
	*value++ = 0;
	ret = parse_u64(value, &setting.value);
	if (ret == -EINVAL)
		die("set: %s: '%s' is not a number: give a decimal one without sign or unit",
		    setting.name, value);
	if (ret)
		die("set: %s: %s is too large for any tunable", setting.name, value);
	return setting;
}

static int put_setting(struct nl_msg *msg, const struct setting *setting)
{
	struct nlattr *nest = nla_nest_start(msg, KSTALLMON_A_TUNABLE_SETTING);

	if (!nest || nla_put_string(msg, KSTALLMON_A_SETTING_NAME, setting->name) ||
	    nla_put_u64(msg, KSTALLMON_A_SETTING_VALUE, setting->value))
		return -1;
	return nla_nest_end(msg, nest);
}

static int send_settings(struct knl *nl, const struct setting *settings, size_t count)
{
	struct nl_msg *msg = knl_message(nl, KSTALLMON_CMD_TUNABLE_SET);

	for (size_t i = 0; msg && i < count; i++)
		if (put_setting(msg, &settings[i]))
			die("set: too much for one request");
	return knl_request(nl, msg, NULL, NULL);
}

int cmd_set(int argc, char **argv)
{
	static const struct option options[] = { OPT_HELP, { 0 } };
	struct setting *settings;
	bool unknown = false;
	size_t count, i;
	struct knl nl;
	int ret;

	while (opt_next(argc, argv, ":h", options, help) >= 0)
		;
	count = argc - optind;
	if (!count)
		die("set: nothing to set: give NAME=VALUE, 'kstallmon get' lists the names");
	settings = calloc(count, sizeof(*settings));
	if (!settings)
		die("out of memory");
	for (i = 0; i < count; i++)
		settings[i] = parse_setting(argv[optind + i]);

	if (knl_open(&nl, argv[0]))
		return EXIT_FAILURE;
	ret = send_settings(&nl, settings, count);
	for (i = 0; i < count && ret && ret != -EPERM && !unknown; i++)
		unknown = tunable_unknown(&nl, "set", settings[i].name);
	if (ret && !unknown)
		knl_error(&nl, ret, "set");
	knl_close(&nl);
	free(settings);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}
