// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <netlink/genl/genl.h>

#include "cmd.h"
#include "json.h"
#include "nl.h"
#include "opt.h"
#include "out.h"
#include "table.h"
#include "util.h"

static const char help[] =
	"Usage: kstallmon status [OPTION]...\n"
	"Print the state of the module and of each CPU.\n"
	"\n"
	"      --json         one JSON object, the CPUs in its array \"cpus\"\n"
	"  -h, --help         this text\n"
	"\n"
	"Example: is anything missing from the history?\n"
	"  kstallmon status --json | jq '.dropped + .suppressed + .overwritten'\n";

static const struct table_column global_columns[] = {
	{ "NAME", 0 },
	{ "VALUE", 0 },
};

enum { CPU, STATE, GAP, BEATS, COST, STALLS, LONGEST, DEFERRED, QUEUED, DROPPED, HELD_BACK, KIB };

static const struct table_column cpu_columns[] = {
	[CPU] = { "CPU", SCOLS_FL_RIGHT },
	[STATE] = { "STATE", 0 },
	[GAP] = { "GAP", SCOLS_FL_RIGHT },
	[BEATS] = { "BEATS", SCOLS_FL_RIGHT },
	[COST] = { "NS/BEAT", SCOLS_FL_RIGHT },
	[STALLS] = { "STALLS", SCOLS_FL_RIGHT },
	[LONGEST] = { "LONGEST", SCOLS_FL_RIGHT },
	[DEFERRED] = { "DEFERRED", SCOLS_FL_RIGHT },
	[QUEUED] = { "QUEUED", SCOLS_FL_RIGHT },
	[DROPPED] = { "DROPPED", SCOLS_FL_RIGHT },
	[HELD_BACK] = { "SUPPRESSED", SCOLS_FL_RIGHT },
	[KIB] = { "KIB", SCOLS_FL_RIGHT },
};

static void cell_real(struct libscols_line *line, size_t column, uint64_t real)
{
	struct table_text text;

	out_time(table_text_begin(&text), real);
	table_text_end(&text, line, column);
}

static void global_line(struct libscols_table *table, const struct spec_attr *spec,
			struct nlattr *attr)
{
	struct libscols_line *line = table_line(table);

	table_cell(line, 0, "%s", spec->name);
	if (spec->type == SPEC_STRING)
		table_cell(line, 1, "%s", nla_get_string(attr));
	else if (spec->unit == SPEC_NS)
		table_ns(line, 1, nla_get_u64(attr));
	else if (spec->unit == SPEC_REAL)
		cell_real(line, 1, nla_get_u64(attr));
	else if (spec->unit == SPEC_BYTES)
		table_cell(line, 1, "%.1f KiB", nla_get_u64(attr) / 1024.0);
	else
		table_cell(line, 1, "%" PRIu64, spec_number(spec, attr));
}

static int global_text(struct nlmsghdr *nlh, void *arg)
{
	struct genlmsghdr *genl = nlmsg_data(nlh);
	struct libscols_table *table = arg;
	struct nlattr *attr;
	int rest;

	nla_for_each_attr(attr, genlmsg_attrdata(genl, 0), genlmsg_attrlen(genl, 0), rest) {
		const struct spec_attr *spec = spec_of(&spec_status, attr);

		if (spec)
			global_line(table, spec, attr);
	}
	return 0;
}

static int cpu_text(struct nlmsghdr *nlh, void *arg)
{
	struct libscols_table *table = arg;
	struct nlattr *tb[KSTALLMON_A_CPU_MAX + 1];
	struct libscols_line *line;
	uint64_t beats;

	if (!nlh) {
		scols_table_remove_lines(table);
		return 0;
	}
	spec_parse_message(&spec_cpu, nlh, tb);
	line = table_line(table);
	beats = spec_u64(tb[KSTALLMON_A_CPU_BEATS]);
	table_cell(line, CPU, "%" PRIu32, spec_u32(tb[KSTALLMON_A_CPU_CPU]));
	table_name(line, STATE, &spec_cpu_states, spec_u32(tb[KSTALLMON_A_CPU_STATE]));
	table_ns(line, GAP, spec_u64(tb[KSTALLMON_A_CPU_GAP]));
	table_cell(line, BEATS, "%" PRIu64, beats);
	table_cell(line, COST, "%" PRIu64,
		   beats ? spec_u64(tb[KSTALLMON_A_CPU_BEAT_TIME]) / beats : 0);
	table_cell(line, STALLS, "%" PRIu64, spec_u64(tb[KSTALLMON_A_CPU_STALLS]));
	table_ns(line, LONGEST, spec_u64(tb[KSTALLMON_A_CPU_LONGEST]));
	table_cell(line, DEFERRED, "%" PRIu64, spec_u64(tb[KSTALLMON_A_CPU_DEFERRED]));
	table_cell(line, QUEUED, "%" PRIu32, spec_u32(tb[KSTALLMON_A_CPU_QUEUED]));
	table_cell(line, DROPPED, "%" PRIu64, spec_u64(tb[KSTALLMON_A_CPU_DROPPED]));
	table_cell(line, HELD_BACK, "%" PRIu64, spec_u64(tb[KSTALLMON_A_CPU_SUPPRESSED]));
	table_cell(line, KIB, "%.1f", spec_u64(tb[KSTALLMON_A_CPU_MEMORY]) / 1024.0);
	return 0;
}

static int global_json(struct nlmsghdr *nlh, void *arg)
{
	struct json_object **object = arg;

	json_object_put(*object);
	*object = json_from_message(&spec_status, nlh);
	return 0;
}

static int ask(struct knl *nl, knl_reply global, void *global_arg, knl_reply cpu, void *cpu_arg)
{
	int ret = knl_request(nl, knl_message(nl, KSTALLMON_CMD_STATUS_GET), global, global_arg);

	if (!ret)
		ret = knl_dump(nl, KSTALLMON_CMD_CPU_GET, NULL, cpu, cpu_arg);
	if (ret)
		knl_error(nl, ret, "status");
	return ret;
}

static int print_json(struct knl *nl)
{
	struct json_dump cpus = { &spec_cpu, json_object_new_array() };
	struct json_object *object = NULL;

	if (ask(nl, global_json, &object, json_take, &cpus)) {
		json_object_put(object);
		json_object_put(cpus.array);
		return EXIT_FAILURE;
	}
	json_object_object_add(object, "cpus", cpus.array);
	json_write(stdout, object);
	return EXIT_SUCCESS;
}

static int print_text(struct knl *nl)
{
	struct libscols_table *global, *cpus;

	global = table_new(global_columns, ARRAY_SIZE(global_columns));
	cpus = table_new(cpu_columns, ARRAY_SIZE(cpu_columns));
	if (ask(nl, global_text, global, cpu_text, cpus)) {
		scols_unref_table(global);
		scols_unref_table(cpus);
		return EXIT_FAILURE;
	}
	scols_table_enable_noheadings(global, 1);
	table_print(global);
	putchar('\n');
	table_print(cpus);
	return EXIT_SUCCESS;
}

int cmd_status(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		OPT_HELP,
		{ 0 },
	};
	bool json = false;
	struct knl nl;
	int c, ret;

	while ((c = opt_next(argc, argv, ":h", options, help)) >= 0)
		json |= c == 'j';
	opt_no_args(argc, argv);

	if (knl_open(&nl, argv[0]))
		return EXIT_FAILURE;
	ret = json ? print_json(&nl) : print_text(&nl);
	knl_close(&nl);
	return ret;
}
