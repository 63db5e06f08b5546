// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "cmd.h"
#include "histogram.h"
#include "json.h"
#include "memory.h"
#include "nl.h"
#include "opt.h"
#include "out.h"
#include "stop.h"
#include "table.h"
#include "util.h"

#define BAR 20 /* length of the level; half of it is the high watermark */

static const char help[] =
	"Usage: kstallmon zones [OPTION]...\n"
	"Print the free memory of each zone against its watermarks, what the host\n"
	"reclaims, and how long tasks had to reclaim memory themselves.\n"
	"\n"
	"      --json         one JSON object per line: zones, host, times in reclaim\n"
	"      --watch S      again each S seconds, until interrupted (0.5 is fine)\n"
	"  -h, --help         this text\n"
	"\n"
	"Example: the zones in which tasks have to wait for memory\n"
	"  kstallmon zones --json | jq 'select(.zone.state == \"min\") | .zone'\n";

struct view {
	struct knl nl;
	bool json;
};

/**
 * struct zones - all of them
 * @table: a line for each
 * @now: CLOCK_BOOTTIME in ns
 */
struct zones {
	struct libscols_table *table;
	uint64_t now;
};

enum {
	NODE,
	ZONE,
	STATE,
	FREE,
	LEVEL,
	MIN,
	LOW,
	HIGH,
	BOOST,
	KEPT,
	MANAGED,
	SINCE,
	ELSEWHERE,
	CHANGES
};

static const struct table_column zone_columns[] = {
	[NODE] = { "NODE", SCOLS_FL_RIGHT },
	[ZONE] = { "ZONE", 0 },
	[STATE] = { "STATE", 0 },
	[FREE] = { "FREE", SCOLS_FL_RIGHT },
	[LEVEL] = { "LEVEL", 0 },
	[MIN] = { "MIN", SCOLS_FL_RIGHT },
	[LOW] = { "LOW", SCOLS_FL_RIGHT },
	[HIGH] = { "HIGH", SCOLS_FL_RIGHT },
	[BOOST] = { "BOOST", SCOLS_FL_RIGHT },
	[KEPT] = { "PROTECTION", SCOLS_FL_RIGHT },
	[MANAGED] = { "MANAGED", SCOLS_FL_RIGHT },
	[SINCE] = { "SINCE", SCOLS_FL_RIGHT },
	[ELSEWHERE] = { "OTHER-NODES", SCOLS_FL_RIGHT },
	[CHANGES] = { "CHANGES", SCOLS_FL_RIGHT },
};

static unsigned int place(const struct zone *zone, uint64_t pages)
{
	double at = zone->high ? (double)pages * BAR / 2 / zone->high : pages ? BAR : 0;

	return at < BAR ? at : BAR;
}

/* The part that is free, with the watermarks in it; > where there is more than fits. */
static void draw_level(const struct zone *zone, char *bar)
{
	unsigned int level = place(zone, zone->free);
	const struct {
		uint64_t pages;
		char mark;
	} marks[] = { { zone->min, 'm' }, { zone->low, 'l' }, { zone->high, 'h' } };

	for (unsigned int i = 0; i < BAR; i++)
		bar[i] = i < level ? '#' : '.';
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		if (place(zone, marks[i].pages) < BAR)
			bar[place(zone, marks[i].pages)] = marks[i].mark;
	if (level == BAR)
		bar[BAR - 1] = '>';
	bar[BAR] = 0;
}

static const char *state_colour(const struct zone *zone)
{
	switch (zone->reserved ? 0 : zone->state) {
	case KSTALLMON_ZONE_STATE_OK:
		return "green";
	case KSTALLMON_ZONE_STATE_LOW:
		return "yellow";
	case KSTALLMON_ZONE_STATE_MIN:
		return "red";
	default:
		return NULL;
	}
}

static void cell_state(struct libscols_line *line, const struct zone *zone)
{
	const char *name = spec_name(&spec_zone_states, zone->state);

	if (name)
		table_cell(line, STATE, "%s%s", name, zone->reserved ? " (reserved)" : "");
	else
		table_cell(line, STATE, "?%" PRIu32, zone->state);
	table_colour(line, STATE, state_colour(zone));
}

static void cell_since(struct libscols_line *line, uint64_t ns)
{
	struct table_text text;

	memory_put_span(table_text_begin(&text), ns);
	table_text_end(&text, line, SINCE);
}

static void cell_mib(struct libscols_line *line, size_t column, uint64_t pages)
{
	table_cell(line, column, "%.1f", memory_mib(pages));
}

static int take_zone(struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *tb[KSTALLMON_A_MEMORY_MAX + 1];
	struct libscols_line *line;
	struct zones *zones = arg;
	char bar[BAR + 1];
	struct zone zone;

	if (!nlh) {
		scols_table_remove_lines(zones->table);
		return 0;
	}
	spec_parse_message(&spec_memory, nlh, tb);
	zone_decode(tb[KSTALLMON_A_MEMORY_ZONE], &zone);
	draw_level(&zone, bar);
	line = table_line(zones->table);
	table_cell(line, NODE, "%" PRIu32, zone.node);
	table_cell(line, ZONE, "%s", zone.name);
	cell_state(line, &zone);
	cell_mib(line, FREE, zone.free);
	table_cell(line, LEVEL, "%s", bar);
	cell_mib(line, MIN, zone.min);
	cell_mib(line, LOW, zone.low);
	cell_mib(line, HIGH, zone.high);
	cell_mib(line, BOOST, zone.boost);
	cell_mib(line, KEPT, zone.protection);
	cell_mib(line, MANAGED, zone.managed);
	cell_since(line, zones->now > zone.since_boot ? zones->now - zone.since_boot : 0);
	cell_mib(line, ELSEWHERE, zone.other_node_free);
	table_cell(line, CHANGES, "%" PRIu64, zone.changes);
	return 0;
}

static double per_second(const struct reclaim *reclaim, uint64_t count)
{
	return reclaim->window ? count * 1e9 / reclaim->window : 0;
}

static void print_reclaim(const struct reclaim *reclaim)
{
	enum { BY, SCAN, STEAL, EFFICIENCY };
	static const struct table_column columns[] = {
		[BY] = { "RECLAIM", 0 },
		[SCAN] = { "SCAN/S", SCOLS_FL_RIGHT },
		[STEAL] = { "STEAL/S", SCOLS_FL_RIGHT },
		[EFFICIENCY] = { "EFFICIENCY", SCOLS_FL_RIGHT },
	};
	static const char *const who[] = { "kswapd", "direct" };
	struct libscols_table *table = table_new(columns, ARRAY_SIZE(columns));

	for (size_t i = 0; i < ARRAY_SIZE(who); i++) {
		struct libscols_line *line = table_line(table);

		table_cell(line, BY, "%s", who[i]);
		table_cell(line, SCAN, "%.1f", per_second(reclaim, reclaim->scan[i]));
		table_cell(line, STEAL, "%.1f", per_second(reclaim, reclaim->steal[i]));
		if (reclaim->scan[i])
			table_cell(line, EFFICIENCY, "%.1f %%",
				   memory_percent(reclaim->steal[i], reclaim->scan[i]));
		else
			table_cell(line, EFFICIENCY, "-");
	}
	table_print(table);
}

static struct libscols_line *named(struct libscols_table *table, const char *name)
{
	struct libscols_line *line = table_line(table);

	table_cell(line, 0, "%s", name);
	return line;
}

static void line_rate(struct libscols_table *table, const char *name, const struct reclaim *reclaim,
		      uint64_t count)
{
	table_cell(named(table, name), 1, "%.1f/s", per_second(reclaim, count));
}

static void line_share(struct libscols_table *table, const char *name, const struct host *host,
		       uint64_t pages)
{
	table_cell(named(table, name), 1, "%.1f MiB, %.1f %% of RAM", memory_mib(pages),
		   memory_percent(pages, host->total));
}

static void print_host(const struct host *host)
{
	static const struct table_column columns[] = { { "NAME", 0 }, { "VALUE", 0 } };
	struct libscols_table *table = table_new(columns, ARRAY_SIZE(columns));

	scols_table_enable_noheadings(table, 1);
	line_rate(table, "allocstall", &host->reclaim, host->reclaim.allocstall);
	line_rate(table, "compact-stall", &host->reclaim, host->reclaim.compact_stall);
	line_rate(table, "oom-kill", &host->reclaim, host->reclaim.oom_kill);
	line_share(table, "slab-reclaimable", host, host->slab_reclaimable);
	line_share(table, "slab-unreclaimable", host, host->slab_unreclaimable);
	line_share(table, "committed", host, host->committed);
	table_cell(named(table, "untimed"), 1, "%" PRIu64, host->untimed);
	table_cell(named(table, "throttled"), 1, "%" PRIu64, host->throttled);
	table_cell(named(table, "missing"), 1, "%s", host->missing ? host->missing : "-");
	table_print(table);
}

static int ask(struct knl *nl, struct host *host, struct zones *zones,
	       struct histograms *histograms)
{
	int ret = host_get(nl, host);

	if (!ret)
		ret = knl_dump(nl, KSTALLMON_CMD_ZONE_GET, NULL, take_zone, zones);
	if (!ret)
		ret = knl_dump(nl, KSTALLMON_CMD_RECLAIM_GET, NULL, histograms_take, histograms);
	return ret;
}

static int print_text(struct knl *nl)
{
	struct histograms histograms = {
		.of = &spec_reclaim_time,
		.names = &spec_scopes,
		.key = "SCOPE",
		.what = "COUNT",
	};
	struct zones zones = {
		.table = table_new(zone_columns, ARRAY_SIZE(zone_columns)),
		.now = out_now(CLOCK_BOOTTIME),
	};
	struct host host;
	int ret = ask(nl, &host, &zones, &histograms);

	if (ret) {
		scols_unref_table(zones.table);
	} else {
		fputs("Zones at ", stdout);
		out_time(stdout, out_now(CLOCK_REALTIME) - zones.now + host.time_boot);
		puts(", in MiB:\n");
		scols_table_enable_colors(zones.table, out_colour());
		table_print(zones.table);
		printf("\nHost, over the last %.3f s:\n\n", host.reclaim.window / 1e9);
		print_reclaim(&host.reclaim);
		putchar('\n');
		print_host(&host);
		printf("\nTimes in direct reclaim: %s\n", histograms.nr ? "\n" : "none");
		if (histograms.nr)
			histograms_print(&histograms);
	}
	histograms_forget(&histograms);
	host_free(&host);
	return ret;
}

static int print_json(struct knl *nl)
{
	static const struct {
		const char *type;
		int command;
		const struct spec_set *set;
		bool dump;
	} parts[] = {
		{ "zone", KSTALLMON_CMD_ZONE_GET, &spec_memory, true },
		{ "memory", KSTALLMON_CMD_MEMORY_GET, &spec_memory, false },
		{ "reclaim-time", KSTALLMON_CMD_RECLAIM_GET, &spec_reclaim_time, true },
	};
	struct json_dump dumps[ARRAY_SIZE(parts)] = { 0 };
	uint64_t now = out_now(CLOCK_REALTIME);
	int ret = 0;

	for (size_t i = 0; i < ARRAY_SIZE(parts) && !ret; i++) {
		dumps[i] = (struct json_dump){ parts[i].set, json_object_new_array(), parts[i].type,
					       now };
		if (parts[i].dump)
			ret = knl_dump(nl, parts[i].command, NULL, json_take, &dumps[i]);
		else
			ret = knl_request(nl, knl_message(nl, parts[i].command), json_take,
					  &dumps[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (ret)
			json_object_put(dumps[i].array);
		else
			json_write_all(stdout, dumps[i].array);
	}
	return ret;
}

static int show(void *arg)
{
	struct view *view = arg;
	int ret = view->json ? print_json(&view->nl) : print_text(&view->nl);

	if (ret)
		knl_error(&view->nl, ret, "zones");
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}

int cmd_zones(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "watch", required_argument, NULL, 'w' },
		OPT_HELP,
		{ 0 },
	};
	struct view view = { 0 };
	double seconds = 0;
	int c, ret;

	while ((c = opt_next(argc, argv, ":h", options, help)) >= 0) {
		if (c == 'j')
			view.json = true;
		else if (c == 'w')
			seconds = opt_interval(argv[0]);
	}
	opt_no_args(argc, argv);

	if (knl_open(&view.nl, argv[0]))
		return EXIT_FAILURE;
	ret = watch(argv[0], seconds, !view.json, show, &view);
	knl_close(&view.nl);
	return ret;
}
