// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "json.h"
#include "nl.h"
#include "opt.h"
#include "table.h"
#include "tunable.h"
#include "util.h"

static const char help[] = "Usage: kstallmon get [OPTION]... [NAME]\n"
			   "Print all tunables, or the one called NAME.\n"
			   "\n"
			   "      --json         one JSON object per line\n"
			   "  -h, --help         this text\n"
			   "\n"
			   "Example: nothing but the value\n"
			   "  kstallmon get --json threshold | jq .value\n";

enum { NAME, VALUE, UNIT, MIN, MAX, DEFAULT, DESCRIPTION };

static const struct table_column columns[] = {
	[NAME] = { "NAME", 0 },
	[VALUE] = { "VALUE", SCOLS_FL_RIGHT },
	[UNIT] = { "UNIT", 0 },
	[MIN] = { "MIN", SCOLS_FL_RIGHT },
	[MAX] = { "MAX", SCOLS_FL_RIGHT },
	[DEFAULT] = { "DEFAULT", SCOLS_FL_RIGHT },
	[DESCRIPTION] = { "DESCRIPTION", SCOLS_FL_WRAP },
};

static int take_line(struct nlmsghdr *nlh, void *arg)
{
	static const struct {
		int column;
		int number;
		int text;
	} cells[] = {
		{ VALUE, KSTALLMON_A_TUNABLE_VALUE, KSTALLMON_A_TUNABLE_TEXT },
		{ MIN, KSTALLMON_A_TUNABLE_MIN },
		{ MAX, KSTALLMON_A_TUNABLE_MAX },
		{ DEFAULT, KSTALLMON_A_TUNABLE_DEFAULT, KSTALLMON_A_TUNABLE_DEFAULT_TEXT },
	};
	struct nlattr *tb[KSTALLMON_A_TUNABLE_LAST + 1];
	struct libscols_table *table = arg;
	struct libscols_line *line;

	if (!nlh) {
		scols_table_remove_lines(table);
		return 0;
	}
	spec_parse_message(&spec_tunable, nlh, tb);
	line = table_line(table);
	table_cell(line, NAME, "%s", spec_string(tb[KSTALLMON_A_TUNABLE_NAME]));
	table_cell(line, UNIT, "%s", spec_string(tb[KSTALLMON_A_TUNABLE_UNIT]));
	table_cell(line, DESCRIPTION, "%s", spec_string(tb[KSTALLMON_A_TUNABLE_DOC]));
	for (size_t i = 0; i < ARRAY_SIZE(cells); i++) {
		struct nlattr *number = tb[cells[i].number], *text = tb[cells[i].text];

		if (number)
			table_cell(line, cells[i].column, "%" PRIu64, nla_get_u64(number));
		else
			table_cell(line, cells[i].column, "%s", text ? nla_get_string(text) : "-");
	}
	return 0;
}

/* A refusal may mean that nothing has this name, which has an error of its own. */
static bool is_unknown(struct knl *nl, const char *name)
{
	struct tunables tunables;
	char text[sizeof(nl->text)];
	bool unknown;

	/* The reason for the first refusal is still wanted. */
	memcpy(text, nl->text, sizeof(text));
	unknown = !tunables_get(nl, &tunables) && !tunable_find(&tunables, name);
	memcpy(nl->text, text, sizeof(text));
	if (unknown)
		tunable_unknown(&tunables, "get", name);
	tunables_free(&tunables);
	return unknown;
}

static int ask(struct knl *nl, const char *name, knl_reply reply, void *arg)
{
	int ret;

	if (!name) {
		ret = knl_dump(nl, KSTALLMON_CMD_TUNABLE_GET, NULL, reply, arg);
	} else {
		struct nl_msg *msg = knl_message(nl, KSTALLMON_CMD_TUNABLE_GET);

		if (msg && nla_put_string(msg, KSTALLMON_A_TUNABLE_NAME, name))
			die("get: '%s' is too long for a name", name);
		ret = knl_request(nl, msg, reply, arg);
	}
	if (ret && (ret == -EPERM || !name || !is_unknown(nl, name)))
		knl_error(nl, ret, "get");
	return ret;
}

static int print_json(struct knl *nl, const char *name)
{
	struct json_dump dump = { &spec_tunable, json_object_new_array() };
	int ret = ask(nl, name, json_take, &dump);

	for (size_t i = 0; !ret && i < json_object_array_length(dump.array); i++)
		json_write(stdout, json_object_get(json_object_array_get_idx(dump.array, i)));
	json_object_put(dump.array);
	return ret;
}

static int print_text(struct knl *nl, const char *name)
{
	struct libscols_table *table = table_new(columns, ARRAY_SIZE(columns));
	int ret = ask(nl, name, take_line, table);

	if (!ret)
		return table_print(table);
	scols_unref_table(table);
	return ret;
}

int cmd_get(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		OPT_HELP,
		{ 0 },
	};
	const char *name = NULL;
	bool json = false;
	struct knl nl;
	int c, ret;

	while ((c = opt_next(argc, argv, ":h", options, help)) >= 0)
		json |= c == 'j';
	if (optind < argc)
		name = argv[optind++];
	opt_no_args(argc, argv);

	if (knl_open(&nl, argv[0]))
		return EXIT_FAILURE;
	ret = json ? print_json(&nl, name) : print_text(&nl, name);
	knl_close(&nl);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}
