// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <netlink/genl/genl.h>

#include "histogram.h"
#include "table.h"
#include "util.h"

#define BAR 40 /* length of the longest */

/* Where the same things stand in messages of either sort. */
struct places {
	int cpu, key, count, time, longest, bucket;
};

static const struct places of_stalls = {
	.cpu = KSTALLMON_A_HISTOGRAM_CPU,
	.key = KSTALLMON_A_HISTOGRAM_KIND,
	.count = KSTALLMON_A_HISTOGRAM_COUNT,
	.time = KSTALLMON_A_HISTOGRAM_TIME,
	.longest = KSTALLMON_A_HISTOGRAM_LONGEST,
	.bucket = KSTALLMON_A_HISTOGRAM_BUCKET,
};

static const struct places of_reclaim = {
	.cpu = KSTALLMON_A_RECLAIM_TIME_CPU,
	.key = KSTALLMON_A_RECLAIM_TIME_SCOPE,
	.count = KSTALLMON_A_RECLAIM_TIME_COUNT,
	.time = KSTALLMON_A_RECLAIM_TIME_TIME,
	.longest = KSTALLMON_A_RECLAIM_TIME_LONGEST,
	.bucket = KSTALLMON_A_RECLAIM_TIME_BUCKET,
};

_Static_assert((int)KSTALLMON_A_HISTOGRAM_MAX >= (int)KSTALLMON_A_RECLAIM_TIME_MAX,
	       "attributes of either sort fit");

static struct histogram *find(struct histograms *all, uint32_t cpu, uint32_t key)
{
	struct histogram *list;

	for (size_t i = 0; i < all->nr; i++)
		if (all->histogram[i].key == key && (all->histogram[i].cpu == cpu || !all->by_cpu))
			return &all->histogram[i];
	list = reallocarray(all->histogram, all->nr + 1, sizeof(*list));
	if (!list)
		die("out of memory");
	all->histogram = list;
	list[all->nr] = (struct histogram){ .cpu = cpu, .key = key };
	return &list[all->nr++];
}

static void take_bucket(struct histograms *all, struct histogram *histogram, struct nlattr *nest)
{
	struct nlattr *tb[KSTALLMON_A_BUCKET_MAX + 1];
	struct histogram_bucket *bucket;
	uint64_t from;

	spec_parse_nest(&spec_bucket, nest, tb);
	from = spec_u64(tb[KSTALLMON_A_BUCKET_FROM]);
	bucket = &histogram->bucket[from ? HISTOGRAM_BUCKETS - 1 - __builtin_clzll(from) : 0];
	bucket->from = from;
	bucket->count += spec_u64(tb[KSTALLMON_A_BUCKET_COUNT]);
	if (bucket->count > all->most)
		all->most = bucket->count;
}

/**
 * histograms_forget - let go of what histograms_take() brought
 * @all: has none afterwards
 */
void histograms_forget(struct histograms *all)
{
	free(all->histogram);
	all->histogram = NULL;
	all->nr = all->most = all->since = 0;
}

/**
 * histograms_take - take in a histogram: a knl_reply
 * @nlh: as knl_reply's
 * @arg: struct histograms
 *
 * Return: 0.
 */
int histograms_take(struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *tb[KSTALLMON_A_HISTOGRAM_MAX + 1], *attr;
	struct histograms *all = arg;
	const struct places *at = all->of == &spec_histogram ? &of_stalls : &of_reclaim;
	struct histogram *histogram;
	uint64_t longest;
	int rest;

	if (!nlh) {
		histograms_forget(all);
		return 0;
	}
	spec_parse_message(all->of, nlh, tb);
	histogram = find(all, spec_u32(tb[at->cpu]), spec_u32(tb[at->key]));
	histogram->count += spec_u64(tb[at->count]);
	histogram->time += spec_u64(tb[at->time]);
	longest = spec_u64(tb[at->longest]);
	if (longest > histogram->longest)
		histogram->longest = longest;
	if (at == &of_stalls)
		all->since = spec_u64(tb[KSTALLMON_A_HISTOGRAM_SINCE_BOOT]);
	nla_for_each_attr(attr, genlmsg_attrdata(nlmsg_data(nlh), 0),
			  genlmsg_attrlen(nlmsg_data(nlh), 0), rest) {
		if (nla_type(attr) == at->bucket)
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

static struct libscols_line *new_line(const struct histograms *all, struct libscols_table *table,
				      const struct histogram *histogram)
{
	struct libscols_line *line = table_line(table);

	table_cell(line, 0, "%" PRIu32, histogram->cpu);
	table_name(line, 1, all->names, histogram->key);
	return line;
}

static void print_sums(const struct histograms *all)
{
	enum { CPU, KEY, COUNT, TOTAL, LONGEST };
	const struct table_column columns[] = {
		[CPU] = { "CPU", SCOLS_FL_RIGHT },	   [KEY] = { all->key, 0 },
		[COUNT] = { all->what, SCOLS_FL_RIGHT },   [TOTAL] = { "TOTAL", SCOLS_FL_RIGHT },
		[LONGEST] = { "LONGEST", SCOLS_FL_RIGHT },
	};
	struct libscols_table *table = new_table(all, columns, ARRAY_SIZE(columns));

	for (size_t i = 0; i < all->nr; i++) {
		const struct histogram *histogram = &all->histogram[i];
		struct libscols_line *line;

		/* Of many CPUs most have nothing to tell. */
		if (all->by_cpu && !histogram->count)
			continue;
		line = new_line(all, table, histogram);
		table_cell(line, COUNT, "%" PRIu64, histogram->count);
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
	enum { CPU, KEY, FROM, COUNT, PICTURE };
	const struct table_column columns[] = {
		[CPU] = { "CPU", SCOLS_FL_RIGHT },
		[KEY] = { all->key, 0 },
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

		for (size_t j = 0; j < HISTOGRAM_BUCKETS; j++) {
			const struct histogram_bucket *bucket = &histogram->bucket[j];
			struct libscols_line *line;

			if (!bucket->count)
				continue;
			line = new_line(all, table, histogram);
			table_ns(line, FROM, bucket->from);
			table_cell(line, COUNT, "%" PRIu64, bucket->count);
			table_cell(line, PICTURE, "%.*s", bar_length(all, bucket->count), bar);
		}
	}
	table_print(table);
}

/**
 * histograms_print - write a table of the sums and, if anything was counted, one of the buckets
 * @all: the histograms
 */
void histograms_print(const struct histograms *all)
{
	print_sums(all);
	if (!all->most)
		return;
	putchar('\n');
	print_buckets(all);
}
