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
#include "json.h"
#include "nl.h"
#include "opt.h"
#include "out.h"
#include "table.h"
#include "util.h"

#define CULPRITS 10 /* shown, unless asked for more */
#define BAR 40 /* length of the longest */

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

/* A bucket's number: its lower end as a power of 2, rounded down. */
#define BUCKETS 64

struct bucket {
	uint64_t from;
	uint64_t count;
};

/**
 * struct histogram - how many stalls of each length there were
 * @cpu: where, if they are counted by CPU
 * @kind: enum kstallmon_stall_kind, or newer
 * @count: of all
 * @time: that they lasted at least, in all
 * @longest: that one of them lasted at least
 * @bucket: those that counted something
 */
struct histogram {
	uint32_t cpu;
	uint32_t kind;
	uint64_t count;
	uint64_t time;
	uint64_t longest;
	struct bucket bucket[BUCKETS];
};

/**
 * struct histograms - all of them, in the order in which the module tells them
 * @by_cpu: count each CPU by itself
 * @since: when the counting began, CLOCK_BOOTTIME in ns
 * @most: the largest count in any bucket
 * @nr: how many of @histogram
 * @histogram: each of them
 */
struct histograms {
	bool by_cpu;
	uint64_t since;
	uint64_t most;
	size_t nr;
	struct histogram *histogram;
};

static struct histogram *find(struct histograms *all, uint32_t cpu, uint32_t kind)
{
	struct histogram *list;

	for (size_t i = 0; i < all->nr; i++)
		if (all->histogram[i].kind == kind &&
		    (all->histogram[i].cpu == cpu || !all->by_cpu))
			return &all->histogram[i];
	list = reallocarray(all->histogram, all->nr + 1, sizeof(*list));
	if (!list)
		die("out of memory");
	all->histogram = list;
	list[all->nr] = (struct histogram){ .cpu = cpu, .kind = kind };
	return &list[all->nr++];
}

static void take_bucket(struct histograms *all, struct histogram *histogram, struct nlattr *nest)
{
	struct nlattr *tb[KSTALLMON_A_BUCKET_MAX + 1];
	struct bucket *bucket;
	uint64_t from;

	spec_parse_nest(&spec_bucket, nest, tb);
	from = spec_u64(tb[KSTALLMON_A_BUCKET_FROM]);
	bucket = &histogram->bucket[from ? BUCKETS - 1 - __builtin_clzll(from) : 0];
	bucket->from = from;
	bucket->count += spec_u64(tb[KSTALLMON_A_BUCKET_COUNT]);
	if (bucket->count > all->most)
		all->most = bucket->count;
}

static void forget(struct histograms *all)
{
	free(all->histogram);
	*all = (struct histograms){ .by_cpu = all->by_cpu };
}

static int take_histogram(struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *tb[KSTALLMON_A_HISTOGRAM_MAX + 1], *attr;
	struct histograms *all = arg;
	struct histogram *histogram;
	uint64_t longest;
	int rest;

	if (!nlh) {
		forget(all);
		return 0;
	}
	spec_parse_message(&spec_histogram, nlh, tb);
	histogram = find(all, spec_u32(tb[KSTALLMON_A_HISTOGRAM_CPU]),
			 spec_u32(tb[KSTALLMON_A_HISTOGRAM_KIND]));
	histogram->count += spec_u64(tb[KSTALLMON_A_HISTOGRAM_COUNT]);
	histogram->time += spec_u64(tb[KSTALLMON_A_HISTOGRAM_TIME]);
	longest = spec_u64(tb[KSTALLMON_A_HISTOGRAM_LONGEST]);
	if (longest > histogram->longest)
		histogram->longest = longest;
	all->since = spec_u64(tb[KSTALLMON_A_HISTOGRAM_SINCE_BOOT]);
	nla_for_each_attr(attr, genlmsg_attrdata(nlmsg_data(nlh), 0),
			  genlmsg_attrlen(nlmsg_data(nlh), 0), rest) {
		if (nla_type(attr) == KSTALLMON_A_HISTOGRAM_BUCKET)
			take_bucket(all, histogram, attr);
	}
	return 0;
}

static struct libscols_table *new_table(const struct histograms *all,
					const struct table_column *columns, size_t count)
{
	struct libscols_table *table = table_new(columns, count);
	struct libscols_column *cpu = scols_table_get_column(table, 0);

	if (!all->by_cpu)
		scols_column_set_flags(cpu, scols_column_get_flags(cpu) | SCOLS_FL_HIDDEN);
	return table;
}

static struct libscols_line *new_line(struct libscols_table *table,
				      const struct histogram *histogram)
{
	struct libscols_line *line = table_line(table);

	table_cell(line, 0, "%" PRIu32, histogram->cpu);
	table_name(line, 1, &spec_kinds, histogram->kind);
	return line;
}

static void print_sums(const struct histograms *all)
{
	enum { CPU, KIND, STALLS, TOTAL, LONGEST };
	static const struct table_column columns[] = {
		[CPU] = { "CPU", SCOLS_FL_RIGHT },	   [KIND] = { "KIND", 0 },
		[STALLS] = { "STALLS", SCOLS_FL_RIGHT },   [TOTAL] = { "TOTAL", SCOLS_FL_RIGHT },
		[LONGEST] = { "LONGEST", SCOLS_FL_RIGHT },
	};
	struct libscols_table *table = new_table(all, columns, ARRAY_SIZE(columns));

	for (size_t i = 0; i < all->nr; i++) {
		const struct histogram *histogram = &all->histogram[i];
		struct libscols_line *line;

		/* Of many CPUs most have nothing to tell. */
		if (all->by_cpu && !histogram->count)
			continue;
		line = new_line(table, histogram);
		table_cell(line, STALLS, "%" PRIu64, histogram->count);
		table_ns(line, TOTAL, histogram->time);
		table_ns(line, LONGEST, histogram->longest);
	}
	table_print(table);
}

/* Of no length at all only for what did not happen. */
static unsigned int bar_length(const struct histograms *all, uint64_t count)
{
	return ((double)count * BAR + all->most - 1) / all->most;
}

static void print_buckets(const struct histograms *all)
{
	enum { CPU, KIND, FROM, COUNT, PICTURE };
	static const struct table_column columns[] = {
		[CPU] = { "CPU", SCOLS_FL_RIGHT },
		[KIND] = { "KIND", 0 },
		[FROM] = { "FROM", SCOLS_FL_RIGHT },
		[COUNT] = { "COUNT", SCOLS_FL_RIGHT },
		[PICTURE] = { "", 0 },
	};
	struct libscols_table *table = new_table(all, columns, ARRAY_SIZE(columns));
	char bar[BAR + 1];

	memset(bar, '#', BAR);
	bar[BAR] = 0;
	for (size_t i = 0; i < all->nr; i++) {
		const struct histogram *histogram = &all->histogram[i];

		for (size_t j = 0; j < BUCKETS; j++) {
			const struct bucket *bucket = &histogram->bucket[j];
			struct libscols_line *line;

			if (!bucket->count)
				continue;
			line = new_line(table, histogram);
			table_ns(line, FROM, bucket->from);
			table_cell(line, COUNT, "%" PRIu64, bucket->count);
			table_cell(line, PICTURE, "%.*s", bar_length(all, bucket->count), bar);
		}
	}
	table_print(table);
}

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
	struct histograms all = { .by_cpu = by_cpu };
	struct culprits culprits = { 0 };
	int ret = ask(nl, take_histogram, &all, &culprits);

	if (!ret) {
		fputs("Stalls since ", stdout);
		out_time(stdout, out_now(CLOCK_REALTIME) - out_now(CLOCK_BOOTTIME) + all.since);
		puts(":\n");
		print_sums(&all);
		if (all.most) {
			putchar('\n');
			print_buckets(&all);
		}
		printf("\nStalls in the history: %" PRIu64 "\n", culprits.count);
		if (culprits.nr) {
			putchar('\n');
			print_culprits(&culprits, limit);
		}
	}
	forget(&all);
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
