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

/**
 * struct setting - a tunable and what it shall be
 * @name: the tunable's name
 * @text: what it shall be
 * @is_text: it is text; otherwise a number
 * @value: @text, as a number
 */
struct setting {
	const char *name;
	const char *text;
	bool is_text;
	uint64_t value;
};

static struct setting split_setting(char *word)
{
	struct setting setting = { .name = word };
	char *text = strchr(word, '=');

	if (!text || text == word)
		die("set: '%s' is not NAME=VALUE, see 'kstallmon set --help'", word);
	*text++ = 0;
	setting.text = text;
	return setting;
}

/* Only the module knows which of its tunables are numbers. */
static void read_setting(struct setting *setting, const struct tunables *tunables)
{
	const struct tunable *tunable = tunable_find(tunables, setting->name);
	int ret;

	if (!tunable) {
		tunable_unknown(tunables, "set", setting->name);
		exit(EXIT_FAILURE);
	}
	setting->is_text = tunable->text;
	if (setting->is_text)
		return;
	ret = parse_u64(setting->text, &setting->value);
	if (ret == -EINVAL)
		die("set: %s: '%s' is not a number: give a decimal one without sign or unit",
		    setting->name, setting->text);
	if (ret)
		die("set: %s: %s is too large for any tunable", setting->name, setting->text);
}

static int put_setting(struct nl_msg *msg, const struct setting *setting)
{
	struct nlattr *nest = nla_nest_start(msg, KSTALLMON_A_TUNABLE_SETTING);

	if (!nest || nla_put_string(msg, KSTALLMON_A_SETTING_NAME, setting->name) ||
	    (setting->is_text ? nla_put_string(msg, KSTALLMON_A_SETTING_TEXT, setting->text) :
				nla_put_u64(msg, KSTALLMON_A_SETTING_VALUE, setting->value)))
		return -1;
	return nla_nest_end(msg, nest);
}

static int set(struct knl *nl, struct setting *settings, size_t count)
{
	struct tunables tunables;
	struct nl_msg *msg;
	int ret = tunables_get(nl, &tunables);

	if (!ret)
		for (size_t i = 0; i < count; i++)
			read_setting(&settings[i], &tunables);
	tunables_free(&tunables);
	if (ret)
		return ret;
	msg = knl_message(nl, KSTALLMON_CMD_TUNABLE_SET);
	for (size_t i = 0; msg && i < count; i++)
		if (put_setting(msg, &settings[i]))
			die("set: too much for one request");
	return knl_request(nl, msg, NULL, NULL);
}

int cmd_set(int argc, char **argv)
{
	static const struct option options[] = { OPT_HELP, { 0 } };
	struct setting *settings;
	struct knl nl;
	size_t count;
	int ret;

	while (opt_next(argc, argv, ":h", options, help) >= 0)
		;
	count = argc - optind;
	if (!count)
		die("set: nothing to set: give NAME=VALUE, 'kstallmon get' lists the names");
	settings = calloc(count, sizeof(*settings));
	if (!settings)
		die("out of memory");
	for (size_t i = 0; i < count; i++)
		settings[i] = split_setting(argv[optind + i]);

	if (knl_open(&nl, argv[0]))
		return EXIT_FAILURE;
	ret = set(&nl, settings, count);
	if (ret)
		knl_error(&nl, ret, "set");
	knl_close(&nl);
	free(settings);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}
