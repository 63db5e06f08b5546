// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <netlink/genl/genl.h>

#include "cmd.h"
#include "culprit.h"
#include "histogram.h"
#include "json.h"
#include "nl.h"
#include "opt.h"
#include "out.h"
#include "table.h"
#include "util.h"

#define CULPRITS 10 /* shown, unless asked for more */

static const char help[] =
	"Usage: kstallmon stalls [OPTION]...\n"
	"Print how many stalls there were of each length, and whose code it was.\n"
	"All durations are lower bounds.\n"
	"\n"
	"      --cpus         count each CPU that had any by itself\n"
	"  -n, --count N      at most N culprits (default 10, with --json all)\n"
	"      --json         one JSON object\n"
	"      --reset        print nothing, count anew from now on\n"
	"  -h, --help         this text\n"
	"\n"
	"Example: the function that took most of the time\n"
	"  kstallmon stalls --json | jq -r '.culprits[0]?.frame[0]?'\n";

static void cell_kinds(struct libscols_line *line, size_t column, uint32_t kinds)
{
	struct table_text text;
	FILE *file = table_text_begin(&text);
	const char *comma = "";

	for (uint32_t kind = 0; kind < 32; kind++) {
		const char *name = spec_name(&spec_kinds, kind);

		if (!(kinds & 1u << kind))
			continue;
		fprintf(file, "%s%s", comma, name ? name : "?");
		comma = ",";
	}
	table_text_end(&text, line, column);
}

static void cell_culprit(struct libscols_line *line, size_t column, const struct culprit *culprit)
{
	const char *class = spec_name(&spec_classes, culprit->class);
	struct table_text text;
	FILE *file = table_text_begin(&text);

	for (unsigned int i = 0; i < culprit->nr; i++)
		fprintf(file, "%s%s", i ? " <- " : "", culprit->frame[i]);
	if (!culprit->nr)
		fprintf(file, "(%s)", class ? class : "?");
	table_text_end(&text, line, column);
}

static void print_culprits(const struct culprits *culprits, uint64_t limit)
{
	enum { COUNT, TOTAL, LONGEST, SHARE, KIND, CULPRIT };
	static const struct table_column columns[] = {
		[COUNT] = { "COUNT", SCOLS_FL_RIGHT },
		[TOTAL] = { "TOTAL", SCOLS_FL_RIGHT },
		[LONGEST] = { "LONGEST", SCOLS_FL_RIGHT },
		[SHARE] = { "SHARE", SCOLS_FL_RIGHT },
		[KIND] = { "KIND", 0 },
		[CULPRIT] = { "CULPRIT", SCOLS_FL_WRAP },
	};
	struct libscols_table *table = table_new(columns, ARRAY_SIZE(columns));

	for (size_t i = 0; i < culprits->nr && i < limit; i++) {
		const struct culprit *culprit = &culprits->culprit[i];
		struct libscols_line *line = table_line(table);

		table_cell(line, COUNT, "%" PRIu64, culprit->count);
		table_ns(line, TOTAL, culprit->time);
		table_ns(line, LONGEST, culprit->longest);
		table_cell(line, SHARE, "%.1f %%", 100 * culprit_share(culprits, culprit));
		cell_kinds(line, KIND, culprit->kinds);
		cell_culprit(line, CULPRIT, culprit);
	}
	table_print(table);
	if (culprits->nr > limit)
		printf("and %" PRIu64 " more, see --count\n", culprits->nr - limit);
}

static int ask(struct knl *nl, knl_reply histogram, void *arg, struct culprits *culprits)
{
	int ret = knl_dump(nl, KSTALLMON_CMD_HISTOGRAM_GET, NULL, histogram, arg);

	if (!ret)
		ret = culprits_get(nl, culprits);
	if (ret)
		knl_error(nl, ret, "stalls");
	return ret;
}

static int print_text(struct knl *nl, bool by_cpu, uint64_t limit)
{
	struct histograms all = {
		.of = &spec_histogram,
		.names = &spec_kinds,
		.key = "KIND",
		.what = "STALLS",
		.by_cpu = by_cpu,
	};
	struct culprits culprits = { 0 };
	int ret = ask(nl, histograms_take, &all, &culprits);

	if (!ret) {
		fputs("Stalls since ", stdout);
		out_time(stdout, out_now(CLOCK_REALTIME) - out_now(CLOCK_BOOTTIME) + all.since);
		puts(":\n");
		histograms_print(&all);
		printf("\nStalls in the history: %" PRIu64 "\n", culprits.count);
		if (culprits.nr) {
			putchar('\n');
			print_culprits(&culprits, limit);
		}
	}
	histograms_forget(&all);
	culprits_free(&culprits);
	return ret;
}

static struct json_object *culprit_object(const struct culprits *culprits,
					  const struct culprit *culprit)
{
	struct json_object *object = json_object_new_object();
	struct json_object *kinds = json_object_new_array(), *frames = json_object_new_array();
	char share[16];

	for (uint32_t kind = 0; kind < 32; kind++)
		if (culprit->kinds & 1u << kind)
			json_object_array_add(kinds, json_enum(&spec_kinds, kind));
	for (unsigned int i = 0; i < culprit->nr; i++)
		json_object_array_add(frames, json_string(culprit->frame[i]));
	snprintf(share, sizeof(share), "%.4f", culprit_share(culprits, culprit));
	json_put_number(object, "count", culprit->count);
	json_put_number(object, "time", culprit->time);
	json_put_number(object, "longest", culprit->longest);
	json_object_object_add(object, "share",
			       json_object_new_double_s(culprit_share(culprits, culprit), share));
	json_object_object_add(object, "kind", kinds);
	json_object_object_add(object, "class", json_enum(&spec_classes, culprit->class));
	json_object_object_add(object, "frame", frames);
	return object;
}

static int print_json(struct knl *nl, uint64_t limit)
{
	struct json_dump dump = { &spec_histogram, json_object_new_array() };
	struct json_object *object = json_object_new_object(), *array = json_object_new_array();
	struct culprits culprits = { 0 };
	int ret = ask(nl, json_take, &dump, &culprits);

	for (size_t i = 0; i < culprits.nr && i < limit; i++)
		json_object_array_add(array, culprit_object(&culprits, &culprits.culprit[i]));
	json_object_object_add(object, "histograms", dump.array);
	json_object_object_add(object, "culprits", array);
	if (ret)
		json_object_put(object);
	else
		json_write(stdout, object);
	culprits_free(&culprits);
	return ret;
}

static int reset(struct knl *nl)
{
	int ret = knl_request(nl, knl_message(nl, KSTALLMON_CMD_HISTOGRAM_RESET), NULL, NULL);

	if (ret)
		knl_error(nl, ret, "stalls");
	return ret;
}

int cmd_stalls(int argc, char **argv)
{
	static const struct option options[] = {
		{ "cpus", no_argument, NULL, 'c' },
		{ "count", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "reset", no_argument, NULL, 'r' },
		OPT_HELP,
		{ 0 },
	};
	bool by_cpu = false, json = false, anew = false;
	uint64_t limit = 0;
	struct knl nl;
	int c, ret;

	while ((c = opt_next(argc, argv, ":n:h", options, help)) >= 0) {
		if (c == 'c')
			by_cpu = true;
		else if (c == 'n')
			limit = opt_number(argv[0], "--count", 1, UINT64_MAX);
		else if (c == 'j')
			json = true;
		else if (c == 'r')
			anew = true;
	}
	opt_no_args(argc, argv);

	if (knl_open(&nl, argv[0]))
		return EXIT_FAILURE;
	if (anew)
		ret = reset(&nl);
	else if (json)
		ret = print_json(&nl, limit ? limit : UINT64_MAX);
	else
		ret = print_text(&nl, by_cpu, limit ? limit : CULPRITS);
	knl_close(&nl);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}
