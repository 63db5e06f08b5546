// SPDX-License-Identifier: GPL-2.0
/*
 * What gets lost on the way is either brought back by the history or counted: a subscriber that
 * sleeps, the rate limit, a full queue.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "harness.h"
#include "nlt.h"

#define MS 1000000ULL

/* Room for two or three events. */
#define NARROW 4096

FIXTURE(loss)
{
	struct nlt nlt;
	struct nlt_tunables before;
};

FIXTURE_SETUP(loss)
{
	ASSERT_EQ(0, nlt_open(&self->nlt));
	ASSERT_EQ(0, nlt_tunables(&self->nlt, &self->before));
	ASSERT_EQ(0, nlt_set_defaults(&self->nlt, &self->before));
	ASSERT_EQ(0, nlt_inject_load());
	ASSERT_EQ(0, nlt_quiet(&self->nlt, NULL));
}

FIXTURE_TEARDOWN(loss)
{
	EXPECT_EQ(0, nlt_set_values(&self->nlt, &self->before));
	nlt_close(&self->nlt);
}

TEST_F(loss, is_told_to_a_subscriber_that_sleeps)
{
	struct nl_sock *sub = nlt_subscribe(&self->nlt, NARROW);
	struct nlt_event ev;

	ASSERT_NE(NULL, sub);
	ASSERT_EQ(0, nlt_sensitive(&self->nlt));
	ASSERT_EQ(30, nlt_inject(NULL, 0, "irq 1 4 30 4"));
	ASSERT_EQ(0, nlt_quiet(&self->nlt, NULL));
	EXPECT_EQ(-ENOBUFS, nlt_receive(sub, &ev, 1000));
	/* What came before is still there. */
	EXPECT_EQ(1, nlt_receive(sub, &ev, 1000));
	nl_socket_free(sub);
}

TEST_F(loss, is_made_good_by_the_history)
{
	struct nlt_reader reader;
	uint64_t first;

	ASSERT_EQ(0, nlt_set(&self->nlt, "history", 4096));
	ASSERT_EQ(0, nlt_reader_open(&reader, NARROW));
	first = reader.expected;
	ASSERT_EQ(0, nlt_sensitive(&self->nlt));
	/* Falls asleep three times, and reads what came meanwhile. */
	ASSERT_EQ(40, nlt_inject(NULL, 0, "irq 1 4 40 4"));
	ASSERT_EQ(0, nlt_reader_catch_up(&reader, 0));
	ASSERT_EQ(40, nlt_inject(NULL, 0, "irq 0 4 40 4"));
	ASSERT_EQ(0, nlt_reader_catch_up(&reader, 0));
	ASSERT_EQ(40, nlt_inject(NULL, 0, "irq 1 4 40 4"));
	ASSERT_EQ(0, nlt_quiet(&self->nlt, NULL));
	ASSERT_EQ(0, nlt_reader_catch_up(&reader, 0));

	EXPECT_LE(1, reader.overruns);
	EXPECT_EQ(0, reader.gone);
	EXPECT_EQ(nlt_numbered(&self->nlt), reader.expected - 1);
	EXPECT_EQ(reader.expected - first, reader.got);
	EXPECT_LE(120, reader.got);
	nlt_reader_close(&reader);
}

TEST_F(loss, beyond_the_history_is_known_exactly)
{
	struct nlt_reader reader;
	struct nlt_record status;
	uint64_t first;

	ASSERT_EQ(0, nlt_set(&self->nlt, "history", 16));
	ASSERT_EQ(0, nlt_reader_open(&reader, NARROW));
	first = reader.expected;
	ASSERT_EQ(0, nlt_sensitive(&self->nlt));
	ASSERT_EQ(60, nlt_inject(NULL, 0, "irq 1 4 60 4"));
	ASSERT_EQ(0, nlt_quiet(&self->nlt, &status));
	/* It gets what its socket took, and the history, a quarter of which is for ends. */
	ASSERT_EQ(0, nlt_reader_catch_up(&reader, 0));
	EXPECT_LE(1, reader.overruns);
	EXPECT_LE(4 + 1, reader.got);
	EXPECT_LT(0, reader.gone);
	EXPECT_EQ(nlt_num(&status, KSTALLMON_A_STATUS_NUMBERED), reader.expected - 1);
	EXPECT_EQ(reader.expected - first, reader.got + reader.gone);
	EXPECT_GE(nlt_num(&status, KSTALLMON_A_STATUS_OVERWRITTEN), reader.gone);
	nlt_reader_close(&reader);
}

/*
 * The rate limit
 */

/* Who had to tell an event, and so tells what it lost before. */
static uint64_t teller(const struct nlt_record *top)
{
	return nlt_num(top, top->a[KSTALLMON_A_EVENT_WATCHER].count ? KSTALLMON_A_EVENT_WATCHER :
								      KSTALLMON_A_EVENT_CPU);
}

/* What the events of a CPU say was lost, from a number on. */
struct told {
	uint64_t suppressed;
	uint64_t longest;
	uint64_t dropped;
	uint64_t bearers; /* events that say so */
};

static void sum_told(struct __test_metadata *_metadata, struct nlt *nlt, unsigned int cpu,
		     uint64_t since, struct told *told)
{
	struct nlt_event *ev;
	int i, nr = nlt_history(nlt, since, &ev);

	ASSERT_LE(1, nr);
	memset(told, 0, sizeof(*told));
	for (i = 0; i < nr; i++) {
		const struct nlt_record *top = &ev[i].top;
		uint64_t longest = nlt_num(top, KSTALLMON_A_EVENT_SUPPRESSED_LONGEST);

		if (teller(top) != cpu)
			continue;
		/* Absent when none, and the longest comes with the count. */
		EXPECT_EQ(top->a[KSTALLMON_A_EVENT_SUPPRESSED].count,
			  nlt_num(top, KSTALLMON_A_EVENT_SUPPRESSED) > 0);
		EXPECT_EQ(top->a[KSTALLMON_A_EVENT_SUPPRESSED_LONGEST].count,
			  nlt_num(top, KSTALLMON_A_EVENT_SUPPRESSED) > 0);
		EXPECT_EQ(top->a[KSTALLMON_A_EVENT_DROPPED].count,
			  nlt_num(top, KSTALLMON_A_EVENT_DROPPED) > 0);
		told->suppressed += nlt_num(top, KSTALLMON_A_EVENT_SUPPRESSED);
		told->dropped += nlt_num(top, KSTALLMON_A_EVENT_DROPPED);
		if (longest > told->longest)
			told->longest = longest;
		if (nlt_num(top, KSTALLMON_A_EVENT_SUPPRESSED) ||
		    nlt_num(top, KSTALLMON_A_EVENT_DROPPED))
			told->bearers++;
	}
	free(ev);
}

/*
 * An event of each type by CPU 1, which tell all that was lost there before. Returns the next
 * number.
 */
static uint64_t flush(struct __test_metadata *_metadata, struct nlt *nlt)
{
	uint64_t since = nlt_numbered(nlt) + 1;
	bool told[KSTALLMON_EVENT_TYPE_MAX + 1] = {};
	unsigned int tries;
	struct nlt_event *ev;
	int i, nr;

	/* The host may hold up CPU 1 just when it should see that CPU 0 is stalled. */
	for (tries = 0; tries < NLT_TRIES && !(told[KSTALLMON_EVENT_TYPE_STALL_BEGIN] &&
					       told[KSTALLMON_EVENT_TYPE_STALL_END]);
	     tries++) {
		ASSERT_EQ(0, nlt_sensitive(nlt));
		ASSERT_EQ(1, nlt_inject(NULL, 0, "irq 1 20"));
		ASSERT_EQ(1, nlt_inject(NULL, 0, "irq 0 40"));
		ASSERT_EQ(0, nlt_quiet(nlt, NULL));
		nr = nlt_history(nlt, since, &ev);
		ASSERT_LE(1, nr);
		for (i = 0; i < nr; i++)
			if (teller(&ev[i].top) == 1)
				told[nlt_num(&ev[i].top, KSTALLMON_A_EVENT_TYPE)] = true;
		free(ev);
	}
	EXPECT_TRUE(told[KSTALLMON_EVENT_TYPE_STALL_BEGIN]);
	EXPECT_TRUE(told[KSTALLMON_EVENT_TYPE_STALL_END]);
	return nlt_numbered(nlt) + 1;
}

TEST_F(loss, to_the_rate_limit_is_told_by_the_next_event)
{
	struct nlt_record before, after, total[2];
	uint64_t since = flush(_metadata, &self->nlt);
	struct told told;

	ASSERT_EQ(0, nlt_cpu(&self->nlt, 1, &before));
	ASSERT_EQ(0, nlt_status(&self->nlt, &total[0]));
	ASSERT_EQ(0, nlt_sensitive(&self->nlt));
	ASSERT_EQ(0, nlt_set(&self->nlt, "rate", 1));
	ASSERT_EQ(30, nlt_inject(NULL, 0, "irq 1 4 30 4"));
	flush(_metadata, &self->nlt);

	sum_told(_metadata, &self->nlt, 1, since, &told);
	ASSERT_EQ(0, nlt_cpu(&self->nlt, 1, &after));
	ASSERT_EQ(0, nlt_status(&self->nlt, &total[1]));
	EXPECT_LE(1, told.bearers);
	EXPECT_LE(1, told.suppressed);
	EXPECT_LT(0, told.longest);
	EXPECT_EQ(nlt_num(&after, KSTALLMON_A_CPU_SUPPRESSED) -
			  nlt_num(&before, KSTALLMON_A_CPU_SUPPRESSED),
		  told.suppressed);
	/* Status counts the other CPU's as well. */
	EXPECT_LE(told.suppressed, nlt_num(&total[1], KSTALLMON_A_STATUS_SUPPRESSED) -
					   nlt_num(&total[0], KSTALLMON_A_STATUS_SUPPRESSED));
}

TEST_F(loss, to_the_rate_limit_keeps_the_longest)
{
	uint64_t since, truth = 80 * MS;
	struct told told = {};
	int tries;

	/* The long one is told itself if a second just began with it: then once more. */
	for (tries = 0; tries < NLT_TRIES && told.longest < truth - 5 * MS; tries++) {
		since = flush(_metadata, &self->nlt);
		ASSERT_EQ(0, nlt_sensitive(&self->nlt));
		ASSERT_EQ(0, nlt_set(&self->nlt, "rate", 1));
		ASSERT_EQ(5, nlt_inject(NULL, 0, "irq 1 4 5 4"));
		ASSERT_EQ(1, nlt_inject(&truth, 1, "irq 1 80"));
		ASSERT_EQ(5, nlt_inject(NULL, 0, "irq 1 4 5 4"));
		flush(_metadata, &self->nlt);
		sum_told(_metadata, &self->nlt, 1, since, &told);
	}
	/* Its latest time was at most a period of 1 ms after it began. */
	EXPECT_LE(truth - 5 * MS, told.longest);
}

TEST_F(loss, to_the_rate_limit_does_not_happen_without_one)
{
	struct nlt_record before, after;

	ASSERT_EQ(0, nlt_status(&self->nlt, &before));
	ASSERT_EQ(0, nlt_sensitive(&self->nlt));
	ASSERT_EQ(50, nlt_inject(NULL, 0, "irq 1 4 50 4"));
	ASSERT_EQ(0, nlt_quiet(&self->nlt, &after));
	EXPECT_EQ(nlt_num(&before, KSTALLMON_A_STATUS_SUPPRESSED),
		  nlt_num(&after, KSTALLMON_A_STATUS_SUPPRESSED));
	EXPECT_LE(nlt_num(&before, KSTALLMON_A_STATUS_NUMBERED) + 50,
		  nlt_num(&after, KSTALLMON_A_STATUS_NUMBERED) +
			  nlt_num(&after, KSTALLMON_A_STATUS_DROPPED));
}

TEST_F(loss, to_the_rate_limit_is_of_a_cpu_by_itself)
{
	struct nlt_event *ev;
	bool told[2] = {};
	uint64_t since;
	int i, nr;

	since = flush(_metadata, &self->nlt);
	sleep(1);
	ASSERT_EQ(0, nlt_sensitive(&self->nlt));
	ASSERT_EQ(0, nlt_set(&self->nlt, "rate", 1));
	ASSERT_EQ(10, nlt_inject(NULL, 0, "irq 1 4 10 4"));
	ASSERT_EQ(10, nlt_inject(NULL, 0, "irq 0 4 10 4"));
	ASSERT_EQ(0, nlt_quiet(&self->nlt, NULL));
	nr = nlt_history(&self->nlt, since, &ev);
	for (i = 0; i < nr; i++)
		if (nlt_is(&ev[i], KSTALLMON_EVENT_TYPE_STALL_END))
			told[nlt_num(&ev[i].top, KSTALLMON_A_EVENT_CPU) & 1] = true;
	EXPECT_TRUE(told[0]);
	EXPECT_TRUE(told[1]);
	free(ev);
}

/*
 * A full queue
 */

TEST_F(loss, to_a_full_queue_is_told_by_the_next_event)
{
	struct nlt_record before, after, total[2];
	uint64_t since = flush(_metadata, &self->nlt);
	struct told told;

	ASSERT_EQ(0, nlt_cpu(&self->nlt, 1, &before));
	ASSERT_EQ(0, nlt_status(&self->nlt, &total[0]));
	ASSERT_EQ(0, nlt_sensitive(&self->nlt));
	/* One after the other: the worker gets no turn if the kernel is not preemptible. */
	ASSERT_EQ(100, nlt_inject(NULL, 0, "irq 1 3 100 0"));
	flush(_metadata, &self->nlt);

	sum_told(_metadata, &self->nlt, 1, since, &told);
	ASSERT_EQ(0, nlt_cpu(&self->nlt, 1, &after));
	ASSERT_EQ(0, nlt_status(&self->nlt, &total[1]));
	EXPECT_EQ(nlt_num(&after, KSTALLMON_A_CPU_DROPPED) -
			  nlt_num(&before, KSTALLMON_A_CPU_DROPPED),
		  told.dropped);
	EXPECT_LE(told.dropped, nlt_num(&total[1], KSTALLMON_A_STATUS_DROPPED) -
					nlt_num(&total[0], KSTALLMON_A_STATUS_DROPPED));
	if (!told.dropped)
		SKIP(return, "the worker kept up: a preemptible kernel");
	/* Of a hundred the queue had held some. */
	EXPECT_GT(100, told.dropped);
}

TEST_HARNESS_MAIN
