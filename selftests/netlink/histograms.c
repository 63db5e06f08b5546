// SPDX-License-Identifier: GPL-2.0
/*
 * Histograms: one of each kind for each CPU, that count every stall once, the events' own numbers
 * and nothing since before they were reset.
 */
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "harness.h"
#include "nlt.h"

#define MS 1000000ULL
#define KINDS KSTALLMON_STALL_KIND_MAX
#define MAX (NLT_CPUS * KINDS)

FIXTURE(histograms)
{
	struct nlt nlt;
	struct nlt_tunables before;
	struct nlt_histogram h[MAX];
	int nr;
};

static void get(struct __test_metadata *_metadata, FIXTURE_DATA(histograms) * self)
{
	self->nr = nlt_histograms(&self->nlt, self->h, MAX);
	ASSERT_LT(0, self->nr);
}

static void reset(struct __test_metadata *_metadata, FIXTURE_DATA(histograms) * self)
{
	struct nlt_reply reply;

	nlt_ask(&self->nlt, nlt_request(&self->nlt, KSTALLMON_CMD_HISTOGRAM_RESET, 0), &reply, NULL,
		NULL);
	ASSERT_EQ(0, reply.error);
}

FIXTURE_SETUP(histograms)
{
	ASSERT_EQ(0, nlt_open(&self->nlt));
	ASSERT_EQ(0, nlt_tunables(&self->nlt, &self->before));
	ASSERT_EQ(0, nlt_set_defaults(&self->nlt, &self->before));
	ASSERT_EQ(0, nlt_inject_load());
	ASSERT_EQ(0, nlt_quiet(&self->nlt, NULL));
}

FIXTURE_TEARDOWN(histograms)
{
	EXPECT_EQ(0, nlt_set_values(&self->nlt, &self->before));
	nlt_close(&self->nlt);
}

static uint64_t of(const struct nlt_histogram *h, int attr)
{
	return nlt_num(&h->top, attr);
}

static uint64_t boot_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * 1000 * MS + ts.tv_nsec;
}

/* What a histogram tells of its stalls fits together. */
static void expect_consistent(struct __test_metadata *_metadata, const struct nlt_histogram *h)
{
	uint64_t count = 0, least = 0, most = 0, last = 0;
	int i;

	for (i = 0; i < h->nr; i++) {
		uint64_t from = h->bucket[i].from, to = from ? 2 * from : 2 * MS;

		/* A power of two of ms, shortest first, none of them empty. */
		EXPECT_EQ(0, from % MS);
		EXPECT_EQ(0, from / MS & (from / MS - (from > 0)));
		EXPECT_NE(MS, from);
		EXPECT_LT(0, h->bucket[i].count);
		EXPECT_TRUE(i == 0 || last < from);
		last = from;
		count += h->bucket[i].count;
		least += from * h->bucket[i].count;
		most += to * h->bucket[i].count;
	}
	EXPECT_EQ(of(h, KSTALLMON_A_HISTOGRAM_COUNT), count);
	EXPECT_LE(least, of(h, KSTALLMON_A_HISTOGRAM_TIME));
	EXPECT_GE(most, of(h, KSTALLMON_A_HISTOGRAM_TIME));
	EXPECT_LE(of(h, KSTALLMON_A_HISTOGRAM_LONGEST), of(h, KSTALLMON_A_HISTOGRAM_TIME));
	EXPECT_LE(last, of(h, KSTALLMON_A_HISTOGRAM_LONGEST));
	EXPECT_EQ(h->nr, h->top.a[KSTALLMON_A_HISTOGRAM_BUCKET].count);
	EXPECT_EQ(0, h->top.unknown);
}

static void expect_empty(struct __test_metadata *_metadata, FIXTURE_DATA(histograms) * self)
{
	int i;

	get(_metadata, self);
	for (i = 0; i < self->nr; i++) {
		EXPECT_EQ(0, of(&self->h[i], KSTALLMON_A_HISTOGRAM_COUNT));
		EXPECT_EQ(0, of(&self->h[i], KSTALLMON_A_HISTOGRAM_TIME));
		EXPECT_EQ(0, of(&self->h[i], KSTALLMON_A_HISTOGRAM_LONGEST));
		EXPECT_EQ(0, self->h[i].nr);
	}
}

TEST_F(histograms, are_one_for_each_cpu_and_kind)
{
	static const struct {
		int attr;
		unsigned int len;
	} wanted[] = {
		{ KSTALLMON_A_HISTOGRAM_CPU, 4 },	 { KSTALLMON_A_HISTOGRAM_KIND, 4 },
		{ KSTALLMON_A_HISTOGRAM_SINCE_BOOT, 8 }, { KSTALLMON_A_HISTOGRAM_COUNT, 8 },
		{ KSTALLMON_A_HISTOGRAM_TIME, 8 },	 { KSTALLMON_A_HISTOGRAM_LONGEST, 8 },
	};
	unsigned int i, j;

	get(_metadata, self);
	ASSERT_EQ(KINDS * sysconf(_SC_NPROCESSORS_ONLN), self->nr);
	for (i = 0; i < self->nr; i++) {
		EXPECT_EQ(i / KINDS, of(&self->h[i], KSTALLMON_A_HISTOGRAM_CPU));
		EXPECT_EQ(i % KINDS + 1, of(&self->h[i], KSTALLMON_A_HISTOGRAM_KIND));
		for (j = 0; j < ARRAY_SIZE(wanted); j++) {
			EXPECT_EQ(1, self->h[i].top.a[wanted[j].attr].count);
			EXPECT_EQ(wanted[j].len, self->h[i].top.a[wanted[j].attr].len);
		}
	}
}

TEST_F(histograms, are_empty_when_they_were_reset)
{
	uint64_t before, after;
	int i;

	ASSERT_EQ(0, nlt_sensitive(&self->nlt));
	ASSERT_EQ(5, nlt_inject(NULL, 0, "irq 1 4 5 4"));
	ASSERT_EQ(0, nlt_quiet(&self->nlt, NULL));
	before = boot_time();
	reset(_metadata, self);
	after = boot_time();
	expect_empty(_metadata, self);
	for (i = 0; i < self->nr; i++) {
		EXPECT_LE(before, of(&self->h[i], KSTALLMON_A_HISTOGRAM_SINCE_BOOT));
		EXPECT_GE(after, of(&self->h[i], KSTALLMON_A_HISTOGRAM_SINCE_BOOT));
	}
}

/* Events are counted by what their rate limit let through; this is not. */
TEST_F(histograms, count_the_suppressed_as_well)
{
	struct nlt_record before, after;
	uint64_t count = 0;
	int i;

	ASSERT_EQ(0, nlt_quiet(&self->nlt, &before));
	reset(_metadata, self);
	ASSERT_EQ(0, nlt_sensitive(&self->nlt));
	ASSERT_EQ(0, nlt_set(&self->nlt, "rate", 1));
	ASSERT_EQ(30, nlt_inject(NULL, 0, "irq 1 4 30 4"));
	ASSERT_EQ(0, nlt_quiet(&self->nlt, &after));
	EXPECT_LT(nlt_num(&before, KSTALLMON_A_STATUS_SUPPRESSED),
		  nlt_num(&after, KSTALLMON_A_STATUS_SUPPRESSED));

	get(_metadata, self);
	for (i = 0; i < self->nr; i++) {
		expect_consistent(_metadata, &self->h[i]);
		count += of(&self->h[i], KSTALLMON_A_HISTOGRAM_COUNT);
	}
	EXPECT_LE(30, of(&self->h[KINDS], KSTALLMON_A_HISTOGRAM_COUNT));
	EXPECT_EQ(nlt_num(&after, KSTALLMON_A_STATUS_STALLS) -
			  nlt_num(&before, KSTALLMON_A_STATUS_STALLS),
		  count);
}

TEST_F(histograms, are_the_sums_of_the_events)
{
	struct {
		uint64_t count, time, longest;
	} want[MAX] = {};
	struct nlt_event *ev;
	uint64_t first;
	int i, nr, at;

	ASSERT_EQ(0, nlt_set(&self->nlt, "history", 4096));
	reset(_metadata, self);
	first = nlt_numbered(&self->nlt) + 1;
	ASSERT_EQ(0, nlt_sensitive(&self->nlt));
	ASSERT_EQ(20, nlt_inject(NULL, 0, "irq 1 4 20 4"));
	ASSERT_EQ(5, nlt_inject(NULL, 0, "irq 0 40 5 4"));
	ASSERT_EQ(0, nlt_set(&self->nlt, "threshold", 20));
	ASSERT_EQ(0, nlt_set(&self->nlt, "softirq_threshold", 50));
	ASSERT_EQ(0, nlt_set(&self->nlt, "sched_threshold", 100));
	ASSERT_EQ(2, nlt_inject(NULL, 0, "softirq 1 200 2 4"));
	ASSERT_EQ(2, nlt_inject(NULL, 0, "sched 0 300 2 4"));
	ASSERT_EQ(0, nlt_quiet(&self->nlt, NULL));
	nr = nlt_history(&self->nlt, first, &ev);
	ASSERT_LE(29, nr);
	for (i = 0; i < nr; i++) {
		const struct nlt_record *top = &ev[i].top;
		uint64_t duration = nlt_num(top, KSTALLMON_A_EVENT_DURATION_MIN);

		if (!nlt_is(&ev[i], KSTALLMON_EVENT_TYPE_STALL_END))
			continue;
		at = nlt_num(top, KSTALLMON_A_EVENT_CPU) * KINDS +
		     nlt_num(top, KSTALLMON_A_EVENT_KIND) - 1;
		ASSERT_GT(MAX, at);
		want[at].count++;
		want[at].time += duration;
		if (want[at].longest < duration)
			want[at].longest = duration;
	}
	free(ev);

	get(_metadata, self);
	for (i = 0; i < self->nr; i++) {
		EXPECT_EQ(want[i].count, of(&self->h[i], KSTALLMON_A_HISTOGRAM_COUNT));
		EXPECT_EQ(want[i].time, of(&self->h[i], KSTALLMON_A_HISTOGRAM_TIME));
		EXPECT_EQ(want[i].longest, of(&self->h[i], KSTALLMON_A_HISTOGRAM_LONGEST));
		expect_consistent(_metadata, &self->h[i]);
	}
}

TEST_F(histograms, are_reset_while_stalls_come)
{
	unsigned int resets = 0;
	int i, status;
	pid_t child;

	ASSERT_EQ(0, nlt_sensitive(&self->nlt));
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(nlt_inject(NULL, 0, "irq 1 2 300 2") != 300);
	while (!waitpid(child, &status, WNOHANG)) {
		reset(_metadata, self);
		get(_metadata, self);
		resets++;
	}
	EXPECT_EQ(0, status);
	EXPECT_LT(1, resets);

	ASSERT_EQ(0, nlt_quiet(&self->nlt, NULL));
	reset(_metadata, self);
	expect_empty(_metadata, self);
	ASSERT_EQ(0, nlt_sensitive(&self->nlt));
	ASSERT_EQ(5, nlt_inject(NULL, 0, "irq 1 4 5 4"));
	ASSERT_EQ(0, nlt_quiet(&self->nlt, NULL));
	get(_metadata, self);
	for (i = 0; i < self->nr; i++)
		expect_consistent(_metadata, &self->h[i]);
	EXPECT_LE(5, of(&self->h[KINDS], KSTALLMON_A_HISTOGRAM_COUNT));
}

TEST_HARNESS_MAIN
