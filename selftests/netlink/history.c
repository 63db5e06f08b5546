// SPDX-License-Identifier: GPL-2.0
/*
 * The history: what it keeps, what it overwrites and counts, and how it is resized.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "nlt.h"

FIXTURE(history)
{
	struct nlt nlt;
	struct nlt_tunables before;
	struct nlt_record status; /* after fill() */
};

FIXTURE_SETUP(history)
{
	ASSERT_EQ(0, nlt_open(&self->nlt));
	ASSERT_EQ(0, nlt_tunables(&self->nlt, &self->before));
	ASSERT_EQ(0, nlt_set_defaults(&self->nlt, &self->before));
	ASSERT_EQ(0, nlt_inject_load());
}

FIXTURE_TEARDOWN(history)
{
	EXPECT_EQ(0, nlt_set_values(&self->nlt, &self->before));
	nlt_close(&self->nlt);
}

static uint64_t of_status(const FIXTURE_DATA(history) * self, int attr)
{
	return nlt_num(&self->status, attr);
}

/* Causes at least @nr events and leaves the module quiet. */
static void fill(struct __test_metadata *_metadata, FIXTURE_DATA(history) * self, unsigned int nr)
{
	uint64_t before = nlt_numbered(&self->nlt);

	ASSERT_EQ(0, nlt_sensitive(&self->nlt));
	ASSERT_EQ(nr, nlt_inject(NULL, 0, "irq 1 4 %u 4", nr));
	ASSERT_EQ(0, nlt_quiet(&self->nlt, &self->status));
	ASSERT_LE(before + nr, of_status(self, KSTALLMON_A_STATUS_NUMBERED));
}

/* The history must be the newest @nr, and what is not in it be counted as overwritten. */
static void expect_newest(struct __test_metadata *_metadata, FIXTURE_DATA(history) * self,
			  unsigned int nr)
{
	struct nlt_event *ev;
	int i, got;

	ASSERT_EQ(0, nlt_status(&self->nlt, &self->status));
	EXPECT_EQ(nr, of_status(self, KSTALLMON_A_STATUS_HISTORY_HELD));
	EXPECT_EQ(of_status(self, KSTALLMON_A_STATUS_NUMBERED) - nr,
		  of_status(self, KSTALLMON_A_STATUS_OVERWRITTEN));
	got = nlt_history(&self->nlt, 0, &ev);
	ASSERT_EQ(nr, got);
	for (i = 0; i < got; i++)
		EXPECT_EQ(of_status(self, KSTALLMON_A_STATUS_NUMBERED) - nr + 1 + i,
			  nlt_seq(&ev[i]));
	free(ev);
}

TEST_F(history, keeps_the_newest_and_counts_the_overwritten)
{
	ASSERT_EQ(0, nlt_set(&self->nlt, "history", 16));
	fill(_metadata, self, 40);
	expect_newest(_metadata, self, 16);
	fill(_metadata, self, 1);
	expect_newest(_metadata, self, 16);
}

TEST_F(history, counts_each_overwritten_once)
{
	struct nlt_record before;

	ASSERT_EQ(0, nlt_set(&self->nlt, "history", 16));
	fill(_metadata, self, 20);
	before = self->status;
	fill(_metadata, self, 40);
	/* It was full before: each new one costs an old one. */
	EXPECT_EQ(of_status(self, KSTALLMON_A_STATUS_NUMBERED) -
			  nlt_num(&before, KSTALLMON_A_STATUS_NUMBERED),
		  of_status(self, KSTALLMON_A_STATUS_OVERWRITTEN) -
			  nlt_num(&before, KSTALLMON_A_STATUS_OVERWRITTEN));
}

TEST_F(history, loses_nothing_when_it_grows)
{
	ASSERT_EQ(0, nlt_set(&self->nlt, "history", 16));
	fill(_metadata, self, 40);
	ASSERT_EQ(0, nlt_set(&self->nlt, "history", 100));
	EXPECT_EQ(0, nlt_status(&self->nlt, &self->status));
	EXPECT_EQ(100, of_status(self, KSTALLMON_A_STATUS_HISTORY_SIZE));
	expect_newest(_metadata, self, 16);

	/* And then fills its new room. */
	fill(_metadata, self, 100);
	expect_newest(_metadata, self, 100);
}

TEST_F(history, keeps_the_newest_when_it_shrinks)
{
	ASSERT_EQ(0, nlt_set(&self->nlt, "history", 64));
	fill(_metadata, self, 80);
	expect_newest(_metadata, self, 64);
	ASSERT_EQ(0, nlt_set(&self->nlt, "history", 17));
	expect_newest(_metadata, self, 17);
	ASSERT_EQ(0, nlt_set(&self->nlt, "history", 16));
	expect_newest(_metadata, self, 16);
	fill(_metadata, self, 3);
	expect_newest(_metadata, self, 16);
}

TEST_F(history, of_the_same_size_stays_as_it_is)
{
	ASSERT_EQ(0, nlt_set(&self->nlt, "history", 20));
	fill(_metadata, self, 33);
	ASSERT_EQ(0, nlt_set(&self->nlt, "history", 20));
	expect_newest(_metadata, self, 20);
	fill(_metadata, self, 7);
	expect_newest(_metadata, self, 20);
}

TEST_F(history, partly_filled_survives_every_resize)
{
	static const unsigned int sizes[] = { 16384, 31, 512, 30, 16384 };
	unsigned int i;

	/* Empties the larger history down to sixteen, then adds some to the larger one. */
	ASSERT_EQ(0, nlt_set(&self->nlt, "history", 16));
	fill(_metadata, self, 16);
	ASSERT_EQ(0, nlt_set(&self->nlt, "history", 512));
	fill(_metadata, self, 14);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		unsigned int held = of_status(self, KSTALLMON_A_STATUS_HISTORY_HELD);

		ASSERT_EQ(0, nlt_set(&self->nlt, "history", sizes[i]));
		expect_newest(_metadata, self, held < sizes[i] ? held : sizes[i]);
		EXPECT_EQ(sizes[i], of_status(self, KSTALLMON_A_STATUS_HISTORY_SIZE));
	}
}

TEST_F(history, costs_the_memory_that_status_tells)
{
	uint64_t memory[3];
	unsigned int i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, nlt_set(&self->nlt, "history", i == 1 ? 1024 : 16));
		ASSERT_EQ(0, nlt_status(&self->nlt, &self->status));
		memory[i] = of_status(self, KSTALLMON_A_STATUS_MEMORY);
	}
	EXPECT_EQ(memory[0], memory[2]);
	EXPECT_LE(memory[0] + (1024 - 16) * 4096, memory[1]);
	EXPECT_GT(memory[0] + (1024 - 16) * 4096 * 2, memory[1]);
}

TEST_F_TIMEOUT(history, is_resized_while_events_flow, 90)
{
	static const unsigned int sizes[] = { 16, 700, 17, 64, 2048, 33, 512 };
	unsigned int i = 0;
	struct nlt_event *ev;
	int status, nr, j;
	uint64_t first;
	pid_t child;

	ASSERT_EQ(0, nlt_sensitive(&self->nlt));
	first = nlt_numbered(&self->nlt) + 1;
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(nlt_inject(NULL, 0, "irq 1 2 600 2") != 600);

	while (!waitpid(child, &status, WNOHANG)) {
		ASSERT_EQ(0, nlt_set(&self->nlt, "history", sizes[i++ % (ARRAY_SIZE(sizes))]));
		nr = nlt_history(&self->nlt, 0, &ev);
		ASSERT_LE(0, nr);
		/* What is overwritten before the dump comes to it is left out, no more. */
		for (j = 1; j < nr; j++)
			EXPECT_LT(nlt_seq(&ev[j - 1]), nlt_seq(&ev[j]));
		free(ev);
		usleep(1000);
	}
	EXPECT_EQ(0, status);
	EXPECT_LE(ARRAY_SIZE(sizes), i);
	TH_LOG("resized %u times", i);

	ASSERT_EQ(0, nlt_quiet(&self->nlt, &self->status));
	EXPECT_LE(first + 600 - 1, of_status(self, KSTALLMON_A_STATUS_NUMBERED) +
					   of_status(self, KSTALLMON_A_STATUS_DROPPED));
	expect_newest(_metadata, self, of_status(self, KSTALLMON_A_STATUS_HISTORY_HELD));
	/* The last number is always held. */
	nr = nlt_history(&self->nlt, of_status(self, KSTALLMON_A_STATUS_NUMBERED), &ev);
	EXPECT_EQ(1, nr);
	free(ev);
}

TEST_F(history, is_dumped_in_order_while_it_is_overwritten)
{
	struct nlt_event *ev;
	int status, nr, j, dumps = 0;
	pid_t child;

	ASSERT_EQ(0, nlt_sensitive(&self->nlt));
	ASSERT_EQ(0, nlt_set(&self->nlt, "history", 16));
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(nlt_inject(NULL, 0, "irq 1 2 200 2") != 200);

	while (!waitpid(child, &status, WNOHANG)) {
		uint64_t last = nlt_numbered(&self->nlt);

		nr = nlt_history(&self->nlt, 0, &ev);
		ASSERT_LE(0, nr);
		for (j = 1; j < nr; j++)
			EXPECT_LT(nlt_seq(&ev[j - 1]), nlt_seq(&ev[j]));
		if (nr)
			EXPECT_LE(last, nlt_seq(&ev[nr - 1]));
		free(ev);
		dumps++;
	}
	EXPECT_EQ(0, status);
	EXPECT_LT(1, dumps);
}

TEST_HARNESS_MAIN
