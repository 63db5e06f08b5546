// SPDX-License-Identifier: GPL-2.0
/*
 * Subscribers: that notifications carry what the history does, that all get all, and that the
 * counters of status, CPUs and events agree.
 */
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>

#include "harness.h"
#include "nlt.h"

/* Room for all that a test sends, as the readers sleep meanwhile. */
#define ROOMY (64 << 20)

FIXTURE(subscribers)
{
	struct nlt nlt;
	struct nlt_tunables before;
};

FIXTURE_SETUP(subscribers)
{
	ASSERT_EQ(0, nlt_open(&self->nlt));
	ASSERT_EQ(0, nlt_tunables(&self->nlt, &self->before));
	ASSERT_EQ(0, nlt_set_defaults(&self->nlt, &self->before));
	ASSERT_EQ(0, nlt_inject_load());
}

FIXTURE_TEARDOWN(subscribers)
{
	EXPECT_EQ(0, nlt_set_values(&self->nlt, &self->before));
	nlt_close(&self->nlt);
}

/* Numbers of the notifications that wait in a socket, in no order. Returns how many, or < 0. */
static int numbers(struct nl_sock *sub, bool *seen, uint64_t first, unsigned int max)
{
	struct nlt_event ev;
	int got, nr = 0;

	while ((got = nlt_receive(sub, &ev, 0)) > 0) {
		if (nlt_seq(&ev) < first || nlt_seq(&ev) >= first + max ||
		    seen[nlt_seq(&ev) - first])
			return -1;
		seen[nlt_seq(&ev) - first] = true;
		nr++;
	}
	return got ?: nr;
}

TEST_F(subscribers, are_told_what_the_history_tells)
{
	struct nlt_event *ev, ntf;
	struct nl_sock *sub;
	int nr, told = 0;
	uint64_t first;

	/* With room for what noise adds. */
	ASSERT_EQ(0, nlt_set(&self->nlt, "history", 4096));
	/* Numbered from here on, sent from here on. */
	ASSERT_EQ(0, nlt_quiet(&self->nlt, NULL));
	sub = nlt_subscribe(&self->nlt, ROOMY);
	ASSERT_NE(NULL, sub);
	first = nlt_numbered(&self->nlt) + 1;
	ASSERT_EQ(0, nlt_sensitive(&self->nlt));
	ASSERT_EQ(20, nlt_inject(NULL, 0, "irq 1 4 20 4"));
	ASSERT_EQ(0, nlt_quiet(&self->nlt, NULL));

	nr = nlt_history(&self->nlt, first, &ev);
	ASSERT_LE(20, nr);
	while (nlt_receive(sub, &ntf, 0) > 0) {
		ASSERT_LE(first, nlt_seq(&ntf));
		ASSERT_GT(first + nr, nlt_seq(&ntf));
		EXPECT_EQ(0, memcmp(&ntf, &ev[nlt_seq(&ntf) - first], sizeof(ntf)));
		told++;
	}
	EXPECT_EQ(nr, told);
	free(ev);
	nl_socket_free(sub);
}

TEST_F(subscribers, all_get_all)
{
	struct nl_sock *sub[3];
	uint64_t first, last;
	bool seen[3][4096] = {};
	int i;

	ASSERT_EQ(0, nlt_quiet(&self->nlt, NULL));
	for (i = 0; i < 3; i++) {
		sub[i] = nlt_subscribe(&self->nlt, ROOMY);
		ASSERT_NE(NULL, sub[i]);
	}
	first = nlt_numbered(&self->nlt) + 1;
	ASSERT_EQ(0, nlt_sensitive(&self->nlt));
	ASSERT_EQ(30, nlt_inject(NULL, 0, "irq 1 4 30 4"));
	ASSERT_EQ(20, nlt_inject(NULL, 0, "irq 0 4 20 4"));
	ASSERT_EQ(0, nlt_quiet(&self->nlt, NULL));
	last = nlt_numbered(&self->nlt);
	ASSERT_LE(first + 50 - 1, last);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(last - first + 1, numbers(sub[i], seen[i], first, 4096));
		nl_socket_free(sub[i]);
	}
	EXPECT_EQ(0, memcmp(seen[0], seen[1], sizeof(seen[0])));
	EXPECT_EQ(0, memcmp(seen[0], seen[2], sizeof(seen[0])));
}

TEST_F(subscribers, that_leave_take_nothing_from_the_others)
{
	struct nl_sock *stays, *leaves;
	bool seen[4096] = {};
	uint64_t first;

	ASSERT_EQ(0, nlt_quiet(&self->nlt, NULL));
	stays = nlt_subscribe(&self->nlt, ROOMY);
	leaves = nlt_subscribe(&self->nlt, ROOMY);
	ASSERT_NE(NULL, stays);
	ASSERT_NE(NULL, leaves);
	first = nlt_numbered(&self->nlt) + 1;
	ASSERT_EQ(0, nlt_sensitive(&self->nlt));
	ASSERT_EQ(10, nlt_inject(NULL, 0, "irq 1 4 10 4"));
	nl_socket_free(leaves);
	ASSERT_EQ(10, nlt_inject(NULL, 0, "irq 1 4 10 4"));
	ASSERT_EQ(0, nlt_quiet(&self->nlt, NULL));
	EXPECT_EQ(nlt_numbered(&self->nlt) - first + 1, numbers(stays, seen, first, 4096));
	nl_socket_free(stays);
}

TEST_F(subscribers, are_counted_by_status)
{
	struct nlt_record status;
	struct nl_sock *sub;

	ASSERT_EQ(0, nlt_status(&self->nlt, &status));
	if (nlt_num(&status, KSTALLMON_A_STATUS_SUBSCRIBERS))
		SKIP(return, "somebody else listens here");
	sub = nlt_subscribe(&self->nlt, 0);
	ASSERT_NE(NULL, sub);
	ASSERT_EQ(0, nlt_status(&self->nlt, &status));
	EXPECT_LE(1, nlt_num(&status, KSTALLMON_A_STATUS_SUBSCRIBERS));
	nl_socket_free(sub);
	ASSERT_EQ(0, nlt_status(&self->nlt, &status));
	EXPECT_EQ(0, nlt_num(&status, KSTALLMON_A_STATUS_SUBSCRIBERS));
}

TEST_F(subscribers, are_told_a_stall_without_having_to_ask)
{
	struct nl_sock *sub = nlt_subscribe(&self->nlt, ROOMY);
	struct nlt_event ev;
	unsigned int tries;
	bool mine = false;

	ASSERT_NE(NULL, sub);
	ASSERT_EQ(0, nlt_set(&self->nlt, "rate", 0));
	/* Where the host lets timers come late, another task may be found at its end. */
	for (tries = 0; tries < 10 * NLT_TRIES && !mine; tries++) {
		if (tries % 10 == 0)
			ASSERT_EQ(1, nlt_inject(NULL, 0, "irq 1 120"));
		mine = nlt_receive(sub, &ev, 500) > 0 &&
		       nlt_num(&ev.task, KSTALLMON_A_TASK_PID) == getpid() &&
		       nlt_has_frame(&ev.stack, "inject_irq_off_inner");
	}
	EXPECT_TRUE(mine);
	nl_socket_free(sub);
}

/* What the kernel's cpu_relax() is. */
#ifdef __aarch64__
#define RELAX "yield"
#else
#define RELAX "pause"
#endif

/* Spins in user mode on both CPUs until the host's noise has made one of them late. */
static void spin(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	for (;;)
		asm volatile(RELAX);
}

TEST_F(subscribers, see_no_stack_of_user_code)
{
	struct nl_sock *sub = nlt_subscribe(&self->nlt, ROOMY);
	unsigned int cpu, seen = 0;
	time_t end = time(NULL) + 8;
	struct nlt_event ev;
	pid_t child[2];

	ASSERT_NE(NULL, sub);
	ASSERT_EQ(0, nlt_sensitive(&self->nlt));
	for (cpu = 0; cpu < 2; cpu++) {
		child[cpu] = fork();
		ASSERT_LE(0, child[cpu]);
		if (!child[cpu])
			spin(cpu);
	}
	while (!seen && time(NULL) < end) {
		if (nlt_receive(sub, &ev, 500) <= 0 ||
		    !nlt_is(&ev, KSTALLMON_EVENT_TYPE_STALL_END) ||
		    nlt_num(&ev.top, KSTALLMON_A_EVENT_CONTEXT) != KSTALLMON_CONTEXT_USER)
			continue;
		seen++;
		EXPECT_EQ(0, ev.top.a[KSTALLMON_A_EVENT_STACK].count);
		EXPECT_EQ(0, ev.stack.nr);
		EXPECT_EQ(1, ev.top.a[KSTALLMON_A_EVENT_TASK].count);
		EXPECT_NE(0, nlt_num(&ev.task, KSTALLMON_A_TASK_PID));
	}
	for (cpu = 0; cpu < 2; cpu++) {
		kill(child[cpu], SIGKILL);
		waitpid(child[cpu], NULL, 0);
	}
	nl_socket_free(sub);
	if (!seen)
		SKIP(return, "no CPU was late in user mode within 8 s");
}

/*
 * Counters
 */

TEST_F(subscribers, can_read_a_complete_status)
{
	static const struct {
		int attr;
		unsigned int len; /* 0: a string */
	} wanted[] = {
		{ KSTALLMON_A_STATUS_VERSION, 0 },	{ KSTALLMON_A_STATUS_INSTANCE, 4 },
		{ KSTALLMON_A_STATUS_TIME_BOOT, 8 },	{ KSTALLMON_A_STATUS_TIME_REAL, 8 },
		{ KSTALLMON_A_STATUS_LOADED_BOOT, 8 },	{ KSTALLMON_A_STATUS_WATCHED, 4 },
		{ KSTALLMON_A_STATUS_BEATS, 8 },	{ KSTALLMON_A_STATUS_BEAT_TIME, 8 },
		{ KSTALLMON_A_STATUS_STALLS, 8 },	{ KSTALLMON_A_STATUS_NUMBERED, 8 },
		{ KSTALLMON_A_STATUS_HISTORY_SIZE, 4 }, { KSTALLMON_A_STATUS_HISTORY_HELD, 4 },
		{ KSTALLMON_A_STATUS_OVERWRITTEN, 8 },	{ KSTALLMON_A_STATUS_QUEUED, 4 },
		{ KSTALLMON_A_STATUS_DROPPED, 8 },	{ KSTALLMON_A_STATUS_SUPPRESSED, 8 },
		{ KSTALLMON_A_STATUS_UNSENT, 8 },	{ KSTALLMON_A_STATUS_SUBSCRIBERS, 4 },
		{ KSTALLMON_A_STATUS_MEMORY, 8 },	{ KSTALLMON_A_STATUS_MEMORY_HISTORY, 8 },
		{ KSTALLMON_A_STATUS_BACKED_OFF, 4 },	{ KSTALLMON_A_STATUS_EXCLUDED, 4 },
	};
	struct nlt_record status;
	struct timespec before, after;
	unsigned int i;

	clock_gettime(CLOCK_BOOTTIME, &before);
	ASSERT_EQ(0, nlt_status(&self->nlt, &status));
	clock_gettime(CLOCK_BOOTTIME, &after);
	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		EXPECT_EQ(1, status.a[wanted[i].attr].count)
		{
			TH_LOG("attribute %d", wanted[i].attr);
		}
		if (wanted[i].len)
			EXPECT_EQ(wanted[i].len, status.a[wanted[i].attr].len);
	}
	EXPECT_EQ(0, status.unknown);
	EXPECT_NE('\0', nlt_text(&status, KSTALLMON_A_STATUS_VERSION)[0]);
	EXPECT_LE(before.tv_sec * 1000000000ULL + before.tv_nsec,
		  nlt_num(&status, KSTALLMON_A_STATUS_TIME_BOOT));
	EXPECT_GE(after.tv_sec * 1000000000ULL + after.tv_nsec,
		  nlt_num(&status, KSTALLMON_A_STATUS_TIME_BOOT));
	EXPECT_LT(nlt_num(&status, KSTALLMON_A_STATUS_LOADED_BOOT),
		  nlt_num(&status, KSTALLMON_A_STATUS_TIME_BOOT));
	EXPECT_LT(0, nlt_num(&status, KSTALLMON_A_STATUS_LOADED_BOOT));
	EXPECT_EQ(sysconf(_SC_NPROCESSORS_ONLN), nlt_num(&status, KSTALLMON_A_STATUS_WATCHED));
	EXPECT_EQ(0, nlt_num(&status, KSTALLMON_A_STATUS_EXCLUDED));
	/* Who asks is busy. */
	EXPECT_GT(nlt_num(&status, KSTALLMON_A_STATUS_WATCHED),
		  nlt_num(&status, KSTALLMON_A_STATUS_BACKED_OFF));
	/* A slot of the history is a page for half of the events. */
	EXPECT_LE(nlt_num(&status, KSTALLMON_A_STATUS_HISTORY_SIZE) / 2 * 4096,
		  nlt_num(&status, KSTALLMON_A_STATUS_MEMORY_HISTORY));
}

TEST_F(subscribers, can_read_a_complete_cpu)
{
	static const struct {
		int attr;
		unsigned int len;
	} wanted[] = {
		{ KSTALLMON_A_CPU_CPU, 4 },	   { KSTALLMON_A_CPU_WATCHED, 4 },
		{ KSTALLMON_A_CPU_BEATS, 8 },	   { KSTALLMON_A_CPU_BEAT_TIME, 8 },
		{ KSTALLMON_A_CPU_STALLS, 8 },	   { KSTALLMON_A_CPU_LONGEST, 8 },
		{ KSTALLMON_A_CPU_QUEUED, 4 },	   { KSTALLMON_A_CPU_DROPPED, 8 },
		{ KSTALLMON_A_CPU_SUPPRESSED, 8 }, { KSTALLMON_A_CPU_STATE, 4 },
		{ KSTALLMON_A_CPU_GAP, 8 },	   { KSTALLMON_A_CPU_DEFERRED, 8 },
		{ KSTALLMON_A_CPU_MEMORY, 8 },
	};
	struct nlt_record cpus[2], status;
	uint64_t memory = 0;
	unsigned int cpu, i;

	ASSERT_EQ(2, nlt_cpus(&self->nlt, cpus, 2));
	for (cpu = 0; cpu < 2; cpu++) {
		for (i = 0; i < ARRAY_SIZE(wanted); i++) {
			EXPECT_EQ(1, cpus[cpu].a[wanted[i].attr].count);
			EXPECT_EQ(wanted[i].len, cpus[cpu].a[wanted[i].attr].len);
		}
		EXPECT_EQ(0, cpus[cpu].unknown);
		EXPECT_EQ(cpu, nlt_num(&cpus[cpu], KSTALLMON_A_CPU_CPU));
		EXPECT_EQ(1, nlt_num(&cpus[cpu], KSTALLMON_A_CPU_WATCHED));
		EXPECT_LE(KSTALLMON_CPU_STATE_BUSY, nlt_num(&cpus[cpu], KSTALLMON_A_CPU_STATE));
		EXPECT_GE(KSTALLMON_CPU_STATE_BACKED_OFF,
			  nlt_num(&cpus[cpu], KSTALLMON_A_CPU_STATE));
		EXPECT_LT(0, nlt_num(&cpus[cpu], KSTALLMON_A_CPU_GAP));
		EXPECT_GE(32 << 10, nlt_num(&cpus[cpu], KSTALLMON_A_CPU_MEMORY));
		memory += nlt_num(&cpus[cpu], KSTALLMON_A_CPU_MEMORY);
	}
	ASSERT_EQ(0, nlt_status(&self->nlt, &status));
	/* The samplers' is in neither: see SAMPLERS_MAX in many.py. */
	memory += nlt_num(&status, KSTALLMON_A_STATUS_MEMORY_HISTORY);
	EXPECT_LE(memory, nlt_num(&status, KSTALLMON_A_STATUS_MEMORY));
	EXPECT_GE(memory + (1 << 20), nlt_num(&status, KSTALLMON_A_STATUS_MEMORY));
}

static void expect_cpu(struct __test_metadata *_metadata, struct nlt *nlt, unsigned int cpu,
		       bool watched)
{
	struct nlt_record rec, status;

	ASSERT_EQ(0, nlt_cpu(nlt, cpu, &rec));
	ASSERT_EQ(0, nlt_status(nlt, &status));
	EXPECT_EQ(watched, nlt_num(&rec, KSTALLMON_A_CPU_WATCHED));
	EXPECT_EQ(watched, nlt_num(&rec, KSTALLMON_A_CPU_STATE) != KSTALLMON_CPU_STATE_EXCLUDED);
	EXPECT_EQ(watched, nlt_num(&rec, KSTALLMON_A_CPU_GAP) > 0);
	EXPECT_EQ(1 + watched, nlt_num(&status, KSTALLMON_A_STATUS_WATCHED));
	EXPECT_EQ(!watched, nlt_num(&status, KSTALLMON_A_STATUS_EXCLUDED));
}

/* Waits until a heart has stopped or beaten. */
static void wait_for_cpu(struct __test_metadata *_metadata, struct nlt *nlt, unsigned int cpu,
			 bool watched)
{
	struct nlt_record before, rec;

	ASSERT_EQ(0, nlt_cpu(nlt, cpu, &before));
	do {
		usleep(10000);
		ASSERT_EQ(0, nlt_cpu(nlt, cpu, &rec));
	} while (watched ? nlt_num(&rec, KSTALLMON_A_CPU_BEATS) ==
				   nlt_num(&before, KSTALLMON_A_CPU_BEATS) :
			   nlt_num(&rec, KSTALLMON_A_CPU_WATCHED));
}

TEST_F(subscribers, hear_nothing_of_a_cpu_that_is_not_watched)
{
	struct nlt_record before[2], after[2];
	unsigned int cpu;

	for (cpu = 0; cpu < 2; cpu++) {
		ASSERT_EQ(0, nlt_set_text(&self->nlt, "cpus", cpu ? "0" : "1"));
		wait_for_cpu(_metadata, &self->nlt, cpu, false);
		expect_cpu(_metadata, &self->nlt, cpu, false);
		ASSERT_EQ(2, nlt_cpus(&self->nlt, before, 2));
		ASSERT_EQ(3, nlt_inject(NULL, 0, "irq %u 120 3 50", cpu));
		wait_for_cpu(_metadata, &self->nlt, !cpu, true);
		ASSERT_EQ(2, nlt_cpus(&self->nlt, after, 2));
		EXPECT_EQ(nlt_num(&before[cpu], KSTALLMON_A_CPU_BEATS),
			  nlt_num(&after[cpu], KSTALLMON_A_CPU_BEATS));
		EXPECT_EQ(nlt_num(&before[cpu], KSTALLMON_A_CPU_STALLS),
			  nlt_num(&after[cpu], KSTALLMON_A_CPU_STALLS));
		EXPECT_EQ(nlt_num(&before[cpu], KSTALLMON_A_CPU_SUPPRESSED),
			  nlt_num(&after[cpu], KSTALLMON_A_CPU_SUPPRESSED));

		ASSERT_EQ(0, nlt_set_text(&self->nlt, "cpus", "0-1"));
		wait_for_cpu(_metadata, &self->nlt, cpu, true);
		expect_cpu(_metadata, &self->nlt, cpu, true);
		ASSERT_EQ(1, nlt_inject(NULL, 0, "irq %u 120", cpu));
		/* The beat that tells may come late. */
		wait_for_cpu(_metadata, &self->nlt, cpu, true);
		ASSERT_EQ(2, nlt_cpus(&self->nlt, after, 2));
		EXPECT_LT(nlt_num(&before[cpu], KSTALLMON_A_CPU_STALLS),
			  nlt_num(&after[cpu], KSTALLMON_A_CPU_STALLS));
	}
}

TEST_F(subscribers, can_watch_the_hearts_beat)
{
	struct nlt_record before[2], after[2];
	int cpu;

	ASSERT_EQ(2, nlt_cpus(&self->nlt, before, 2));
	for (cpu = 0; cpu < 2; cpu++)
		wait_for_cpu(_metadata, &self->nlt, cpu, true);
	ASSERT_EQ(2, nlt_cpus(&self->nlt, after, 2));
	for (cpu = 0; cpu < 2; cpu++) {
		EXPECT_LT(nlt_num(&before[cpu], KSTALLMON_A_CPU_BEATS),
			  nlt_num(&after[cpu], KSTALLMON_A_CPU_BEATS));
		EXPECT_LT(nlt_num(&before[cpu], KSTALLMON_A_CPU_BEAT_TIME),
			  nlt_num(&after[cpu], KSTALLMON_A_CPU_BEAT_TIME));
	}
}

TEST_F(subscribers, find_every_stall_in_one_counter)
{
	static const int of_cpu[] = { KSTALLMON_A_CPU_STALLS, KSTALLMON_A_CPU_DROPPED,
				      KSTALLMON_A_CPU_SUPPRESSED, KSTALLMON_A_CPU_QUEUED };
	static const int of_status[] = { KSTALLMON_A_STATUS_STALLS, KSTALLMON_A_STATUS_DROPPED,
					 KSTALLMON_A_STATUS_SUPPRESSED, KSTALLMON_A_STATUS_QUEUED };
	struct nlt_record status, cpus[NLT_CPUS];
	uint64_t sum, before = nlt_numbered(&self->nlt);
	int i, cpu, nr;

	/* With a rate limit, so that some are suppressed. */
	ASSERT_EQ(0, nlt_sensitive(&self->nlt));
	ASSERT_EQ(0, nlt_set(&self->nlt, "rate", 5));
	ASSERT_EQ(20, nlt_inject(NULL, 0, "irq 1 4 20 4"));
	ASSERT_EQ(0, nlt_quiet(&self->nlt, &status));
	EXPECT_LT(before, nlt_num(&status, KSTALLMON_A_STATUS_NUMBERED));
	EXPECT_LT(0, nlt_num(&status, KSTALLMON_A_STATUS_SUPPRESSED));
	EXPECT_EQ(0, nlt_num(&status, KSTALLMON_A_STATUS_QUEUED));
	EXPECT_EQ(nlt_num(&status, KSTALLMON_A_STATUS_NUMBERED) -
			  nlt_num(&status, KSTALLMON_A_STATUS_HISTORY_HELD),
		  nlt_num(&status, KSTALLMON_A_STATUS_OVERWRITTEN));

	nr = nlt_cpus(&self->nlt, cpus, NLT_CPUS);
	for (i = 0; i < 4; i++) {
		sum = 0;
		for (cpu = 0; cpu < nr; cpu++)
			sum += nlt_num(&cpus[cpu], of_cpu[i]);
		EXPECT_EQ(nlt_num(&status, of_status[i]), sum);
	}
}

TEST_F(subscribers, see_the_longest_of_a_cpu)
{
	struct nlt_record cpu;

	ASSERT_EQ(1, nlt_inject(NULL, 0, "irq 1 120"));
	/* The beat that tells may come late. */
	wait_for_cpu(_metadata, &self->nlt, 1, true);
	ASSERT_EQ(0, nlt_cpu(&self->nlt, 1, &cpu));
	EXPECT_LE(100000000ULL, nlt_num(&cpu, KSTALLMON_A_CPU_LONGEST));
}

TEST_HARNESS_MAIN
