// SPDX-License-Identifier: GPL-2.0
/*
 * Ten thousand events of two CPUs that stall, a history much smaller than that, and a subscriber that
 * sleeps through most of it: what it got and what it knows to be gone is what the kernel numbered.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "harness.h"
#include "nlt.h"

#define EVENTS 10000

/* Stalls of a CPU between two looks at how many there were. */
#define BATCH 500

/* Kernel memory for every notification of the storm, and some. */
#define ROOMY (256 << 20)

FIXTURE(storm)
{
	struct nlt nlt;
	struct nlt_tunables before;
};

FIXTURE_SETUP(storm)
{
	ASSERT_EQ(0, nlt_open(&self->nlt));
	ASSERT_EQ(0, nlt_tunables(&self->nlt, &self->before));
	ASSERT_EQ(0, nlt_set_defaults(&self->nlt, &self->before));
	ASSERT_EQ(0, nlt_inject_load());
	ASSERT_EQ(0, nlt_quiet(&self->nlt, NULL));
}

FIXTURE_TEARDOWN(storm)
{
	EXPECT_EQ(0, nlt_set_values(&self->nlt, &self->before));
	nlt_close(&self->nlt);
}

/* Stalls a CPU until so many events are numbered. */
static int rage(unsigned int cpu, uint64_t until)
{
	struct nlt own;
	int nr = BATCH;

	if (nlt_open(&own))
		return 1;
	while (nr == BATCH && nlt_numbered(&own) < until)
		nr = nlt_inject(NULL, 0, "irq %u %u %u 2", cpu, cpu ? 8 : 2, BATCH);
	nlt_close(&own);
	return nr != BATCH;
}

/* Every number of the storm by notification, once. */
static uint64_t count_each_once(struct __test_metadata *_metadata, struct nl_sock *witness,
				uint64_t first, uint64_t last)
{
	static struct nlt_event ev;
	uint8_t *seen = calloc(last - first + 1, 1);
	uint64_t nr = 0;
	int got;

	ASSERT_NE(NULL, seen);
	while ((got = nlt_receive(witness, &ev, 0)) > 0) {
		ASSERT_LE(first, nlt_seq(&ev));
		ASSERT_GE(last, nlt_seq(&ev));
		EXPECT_EQ(0, seen[nlt_seq(&ev) - first]);
		seen[nlt_seq(&ev) - first] = 1;
		nr++;
	}
	EXPECT_EQ(0, got);
	free(seen);
	return nr;
}

TEST_F(storm, is_got_or_known_to_be_gone)
{
	struct nl_sock *witness = nlt_subscribe(&self->nlt, ROOMY);
	struct nlt_record before, after;
	struct nlt_reader sleeper;
	unsigned int cpu, running = 2;
	uint64_t first, last;
	pid_t child[2];
	int status;

	ASSERT_NE(NULL, witness);
	ASSERT_EQ(0, nlt_set(&self->nlt, "history", 300));
	ASSERT_EQ(0, nlt_reader_open(&sleeper, 0));
	ASSERT_EQ(0, nlt_status(&self->nlt, &before));
	first = sleeper.expected;
	ASSERT_EQ(first, nlt_num(&before, KSTALLMON_A_STATUS_NUMBERED) + 1);
	ASSERT_EQ(0, nlt_sensitive(&self->nlt));

	for (cpu = 0; cpu < 2; cpu++) {
		child[cpu] = fork();
		ASSERT_LE(0, child[cpu]);
		if (!child[cpu])
			_exit(rage(cpu, first + EVENTS - 1));
	}
	while (running) {
		sleep(2);
		ASSERT_EQ(0, nlt_reader_catch_up(&sleeper, 0));
		while (running && waitpid(-1, &status, WNOHANG) > 0) {
			EXPECT_EQ(0, status);
			running--;
		}
	}
	ASSERT_EQ(0, nlt_quiet(&self->nlt, &after));
	ASSERT_EQ(0, nlt_reader_catch_up(&sleeper, 0));

	last = nlt_num(&after, KSTALLMON_A_STATUS_NUMBERED);
	TH_LOG("numbered %llu: got %llu, gone %llu, with %u overruns and %u dumps",
	       (unsigned long long)(last - first + 1), (unsigned long long)sleeper.got,
	       (unsigned long long)sleeper.gone, sleeper.overruns, sleeper.dumps);
	TH_LOG("dropped %llu, suppressed %llu, unsent %llu",
	       (unsigned long long)(nlt_num(&after, KSTALLMON_A_STATUS_DROPPED) -
				    nlt_num(&before, KSTALLMON_A_STATUS_DROPPED)),
	       (unsigned long long)(nlt_num(&after, KSTALLMON_A_STATUS_SUPPRESSED) -
				    nlt_num(&before, KSTALLMON_A_STATUS_SUPPRESSED)),
	       (unsigned long long)nlt_num(&after, KSTALLMON_A_STATUS_UNSENT));
	EXPECT_LE(EVENTS, last - first + 1);
	EXPECT_EQ(last - first + 1, sleeper.got + sleeper.gone);
	EXPECT_LT(0, sleeper.got);
	EXPECT_LT(0, sleeper.gone);
	EXPECT_LT(0, sleeper.overruns);
	/* Gone is what the history had overwritten, and no more. */
	EXPECT_GE(nlt_num(&after, KSTALLMON_A_STATUS_OVERWRITTEN) -
			  nlt_num(&before, KSTALLMON_A_STATUS_OVERWRITTEN),
		  sleeper.gone);
	EXPECT_EQ(last - nlt_num(&after, KSTALLMON_A_STATUS_HISTORY_HELD),
		  nlt_num(&after, KSTALLMON_A_STATUS_OVERWRITTEN));
	/* Its quarter for ends is full, that for begins may be. */
	EXPECT_LE(75, nlt_num(&after, KSTALLMON_A_STATUS_HISTORY_HELD));
	EXPECT_GE(300, nlt_num(&after, KSTALLMON_A_STATUS_HISTORY_HELD));

	/* One with room enough got every one of them. */
	EXPECT_EQ(last - first + 1, count_each_once(_metadata, witness, first, last));
	nlt_reader_close(&sleeper);
	nl_socket_free(witness);
}

TEST_HARNESS_MAIN
