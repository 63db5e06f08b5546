// SPDX-License-Identifier: GPL-2.0
/*
 * The history: what it keeps, what it overwrites and counts, and how it is resized.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "harness.h"
#include "nlt.h"

#define TYPES (KSTALLMON_EVENT_TYPE_MAX + 1)

/* Larger than any number given here. */
#define NUMBERS (1 << 20)

FIXTURE(history)
{
	struct nlt nlt;
	struct nlt_tunables before;
	struct nl_sock *witness; /* sees what is numbered */
	struct nlt_record status; /* after fill() */
	uint8_t *type; /* by number: what is held, as it should be; 0: nothing */
	unsigned int size;
};

/* Room for all that a test sends. */
#define ROOMY (64 << 20)

static uint64_t of_status(const FIXTURE_DATA(history) * self, int attr)
{
	return nlt_num(&self->status, attr);
}

/* How much of a history is for a type. */
static unsigned int share(unsigned int size, unsigned int type)
{
	static const unsigned int parts[] = { 0, 4, 4, 2, 4, 1, 1 };

	_Static_assert(ARRAY_SIZE(parts) == TYPES, "each type has a share");
	return type && size < 16 / parts[type] ? 1 : size * parts[type] / 16;
}

/* What a type has more than its share goes, oldest first. */
static void trim(FIXTURE_DATA(history) * self)
{
	unsigned int held[TYPES] = {};
	int i;

	for (i = NUMBERS - 1; i > 0; i--)
		if (self->type[i] && held[self->type[i]]++ >= share(self->size, self->type[i]))
			self->type[i] = 0;
}

static void resize(struct __test_metadata *_metadata, FIXTURE_DATA(history) * self,
		   unsigned int events)
{
	unsigned int type, sum = 0;

	ASSERT_EQ(0, nlt_set(&self->nlt, "history", events));
	self->size = events;
	for (type = 1; type < TYPES; type++)
		sum += share(events, type);
	trim(self);
	ASSERT_EQ(0, nlt_status(&self->nlt, &self->status));
	EXPECT_EQ(sum, of_status(self, KSTALLMON_A_STATUS_HISTORY_SIZE));
}

FIXTURE_SETUP(history)
{
	struct nlt_event *ev;
	int i, nr;

	ASSERT_EQ(0, nlt_open(&self->nlt));
	ASSERT_EQ(0, nlt_tunables(&self->nlt, &self->before));
	ASSERT_EQ(0, nlt_set_defaults(&self->nlt, &self->before));
	ASSERT_EQ(0, nlt_inject_load());
	ASSERT_EQ(0, nlt_quiet(&self->nlt, NULL));
	self->witness = nlt_subscribe(&self->nlt, ROOMY);
	ASSERT_NE(NULL, self->witness);

	self->type = calloc(NUMBERS, 1);
	ASSERT_NE(NULL, self->type);
	nr = nlt_history(&self->nlt, 0, &ev);
	for (i = 0; i < nr; i++)
		self->type[nlt_seq(&ev[i])] = nlt_num(&ev[i].top, KSTALLMON_A_EVENT_TYPE);
	free(ev);
}

FIXTURE_TEARDOWN(history)
{
	EXPECT_EQ(0, nlt_set_values(&self->nlt, &self->before));
	nl_socket_free(self->witness);
	free(self->type);
	nlt_close(&self->nlt);
}

/* Causes at least @nr events, most likely begins among them, and leaves the module quiet. */
static void fill(struct __test_metadata *_metadata, FIXTURE_DATA(history) * self, unsigned int nr)
{
	uint64_t before = nlt_numbered(&self->nlt);
	struct nlt_event ev;

	ASSERT_EQ(0, nlt_sensitive(&self->nlt));
	ASSERT_EQ(nr, nlt_inject(NULL, 0, "irq 1 8 %u 4", nr));
	ASSERT_EQ(0, nlt_quiet(&self->nlt, &self->status));
	ASSERT_LE(before + nr, of_status(self, KSTALLMON_A_STATUS_NUMBERED));

	while (nlt_receive(self->witness, &ev, 0) > 0) {
		ASSERT_GT(NUMBERS, nlt_seq(&ev));
		self->type[nlt_seq(&ev)] = nlt_num(&ev.top, KSTALLMON_A_EVENT_TYPE);
		before++;
	}
	ASSERT_EQ(before, of_status(self, KSTALLMON_A_STATUS_NUMBERED));
	trim(self);
}

/* The newest of each type must be held, and what is not held be counted as overwritten. */
static void expect_newest(struct __test_metadata *_metadata, FIXTURE_DATA(history) * self)
{
	struct nlt_event *ev;
	unsigned int i, held = 0;
	int nr;

	ASSERT_EQ(0, nlt_status(&self->nlt, &self->status));
	nr = nlt_history(&self->nlt, 0, &ev);
	for (i = 1; i < NUMBERS; i++) {
		if (!self->type[i])
			continue;
		ASSERT_GT(nr, held);
		EXPECT_EQ(i, nlt_seq(&ev[held]));
		EXPECT_EQ(self->type[i], nlt_num(&ev[held].top, KSTALLMON_A_EVENT_TYPE));
		held++;
	}
	EXPECT_EQ(held, nr);
	EXPECT_EQ(held, of_status(self, KSTALLMON_A_STATUS_HISTORY_HELD));
	EXPECT_EQ(of_status(self, KSTALLMON_A_STATUS_NUMBERED) - held,
		  of_status(self, KSTALLMON_A_STATUS_OVERWRITTEN));
	free(ev);
}

TEST_F(history, keeps_the_newest_of_each_type)
{
	bool has[TYPES] = {};
	unsigned int tries;
	int i;

	resize(_metadata, self, 16);
	/* Of those without a begin the host let no other CPU see any. */
	for (tries = 0; tries < NLT_TRIES && !has[KSTALLMON_EVENT_TYPE_STALL_BEGIN]; tries++) {
		fill(_metadata, self, 40);
		expect_newest(_metadata, self);
		for (i = 1; i < NUMBERS; i++)
			has[self->type[i]] = true;
	}
	EXPECT_TRUE(has[KSTALLMON_EVENT_TYPE_STALL_END]);
	EXPECT_TRUE(has[KSTALLMON_EVENT_TYPE_STALL_BEGIN]);
	fill(_metadata, self, 1);
	expect_newest(_metadata, self);
}

TEST_F(history, counts_each_overwritten_once)
{
	struct nlt_record before;
	uint64_t held;

	resize(_metadata, self, 16);
	fill(_metadata, self, 20);
	before = self->status;
	fill(_metadata, self, 40);
	held = of_status(self, KSTALLMON_A_STATUS_HISTORY_HELD) -
	       nlt_num(&before, KSTALLMON_A_STATUS_HISTORY_HELD);
	/* Each new one that found no free room cost an old one. */
	EXPECT_EQ(of_status(self, KSTALLMON_A_STATUS_NUMBERED) -
			  nlt_num(&before, KSTALLMON_A_STATUS_NUMBERED),
		  of_status(self, KSTALLMON_A_STATUS_OVERWRITTEN) -
			  nlt_num(&before, KSTALLMON_A_STATUS_OVERWRITTEN) + held);
}

TEST_F(history, loses_nothing_when_it_grows)
{
	resize(_metadata, self, 16);
	fill(_metadata, self, 40);
	resize(_metadata, self, 100);
	expect_newest(_metadata, self);

	/* And then fills its new room. */
	fill(_metadata, self, 100);
	expect_newest(_metadata, self);
}

TEST_F(history, keeps_the_newest_when_it_shrinks)
{
	resize(_metadata, self, 64);
	fill(_metadata, self, 80);
	expect_newest(_metadata, self);
	resize(_metadata, self, 18);
	expect_newest(_metadata, self);
	resize(_metadata, self, 16);
	expect_newest(_metadata, self);
	fill(_metadata, self, 3);
	expect_newest(_metadata, self);
}

TEST_F(history, of_the_same_size_stays_as_it_is)
{
	resize(_metadata, self, 20);
	fill(_metadata, self, 33);
	resize(_metadata, self, 20);
	expect_newest(_metadata, self);
	fill(_metadata, self, 7);
	expect_newest(_metadata, self);
}

TEST_F(history, partly_filled_survives_every_resize)
{
	static const unsigned int sizes[] = { 16384, 31, 512, 30, 16384 };
	unsigned int i;

	/* Empties the larger history down to sixteen, then adds some to the larger one. */
	resize(_metadata, self, 16);
	fill(_metadata, self, 16);
	resize(_metadata, self, 512);
	fill(_metadata, self, 14);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		resize(_metadata, self, sizes[i]);
		expect_newest(_metadata, self);
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
	/* Half of the events have no stack. */
	EXPECT_LE(memory[0] + (1024 - 16) / 2 * 4096, memory[1]);
	EXPECT_GT(memory[0] + (1024 - 16) * 4096, memory[1]);
}

TEST_F(history, is_resized_while_events_flow)
{
	static const unsigned int sizes[] = { 16, 700, 17, 64, 2048, 33, 512 };
	unsigned int i = 0;
	struct nlt_event *ev;
	int status, nr, j;
	uint64_t first;
	pid_t child;

	first = nlt_numbered(&self->nlt) + 1;
	ASSERT_EQ(0, nlt_sensitive(&self->nlt));
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
	EXPECT_EQ(of_status(self, KSTALLMON_A_STATUS_NUMBERED) -
			  of_status(self, KSTALLMON_A_STATUS_HISTORY_HELD),
		  of_status(self, KSTALLMON_A_STATUS_OVERWRITTEN));
	EXPECT_GE(of_status(self, KSTALLMON_A_STATUS_HISTORY_SIZE),
		  of_status(self, KSTALLMON_A_STATUS_HISTORY_HELD));
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
	ASSERT_EQ(0, nlt_set(&self->nlt, "history", 32));
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
