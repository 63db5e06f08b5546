// SPDX-License-Identifier: GPL-2.0
/*
 * Stalls of each kind: the begin, the end, who is alive in between and who is to blame. What the
 * host's noise may have spoilt is tried again.
 */
#include <string.h>

#include "events.h"

FIXTURE(stall)
{
	FIXTURE_DATA(events) e;
	struct nlt_event begin, end;
};

/* A CPU with interrupts off is looked into by NMI, which modules can send on x86 only. */
static bool looked_into(uint32_t kind)
{
#ifdef __x86_64__
	return true;
#else
	return kind != KSTALLMON_STALL_KIND_IRQ;
#endif
}

/* @culprit: whom the live stack must have innermost of the injector's */
FIXTURE_VARIANT(stall)
{
	const char *request;
	uint32_t kind;
	const char *culprit;
};

FIXTURE_VARIANT_ADD(stall, irq){
	.request = "irq 1 300",
	.kind = KSTALLMON_STALL_KIND_IRQ,
	.culprit = "inject_irq_off_inner+0x",
};

FIXTURE_VARIANT_ADD(stall, softirq){
	.request = "softirq 1 300",
	.kind = KSTALLMON_STALL_KIND_SOFTIRQ,
	.culprit = "inject_bh_off_inner+0x",
};

FIXTURE_VARIANT_ADD(stall, sched){
	.request = "sched 1 500",
	.kind = KSTALLMON_STALL_KIND_SCHED,
	.culprit = "inject_no_sched_inner+0x",
};

FIXTURE_SETUP(stall)
{
	events_setup(_metadata, &self->e, NULL);
}

FIXTURE_TEARDOWN(stall)
{
	events_teardown(_metadata, &self->e, NULL);
}

static const struct nlt_event *find_stall(const FIXTURE_DATA(events) * e, int type, uint32_t kind,
					  const char *culprit)
{
	int i;

	for (i = 0; i < e->nr; i++)
		if (nlt_is(&e->ev[i], type) &&
		    nlt_num(&e->ev[i].top, KSTALLMON_A_EVENT_KIND) == kind &&
		    (!looked_into(kind) || nlt_has_frame(&e->ev[i].live, culprit)))
			return &e->ev[i];
	return NULL;
}

/*
 * Causes the variant's stall until it is told as that kind, with begin and both stacks. The host
 * may hold up either CPU meanwhile: then there is a stall of another kind, which may cut this one
 * short, or nobody who sees it.
 */
static void cause_both(struct __test_metadata *_metadata, FIXTURE_DATA(stall) * self,
		       const FIXTURE_VARIANT(stall) * variant)
{
	const struct nlt_event *begin = NULL, *end = NULL;
	FIXTURE_DATA(events) *e = &self->e;
	unsigned int tries;

	for (tries = 0; tries < NLT_TRIES && !(begin && end); tries++) {
		watch(_metadata, e);
		cause(_metadata, e, variant->request);
		begin = find_stall(e, KSTALLMON_EVENT_TYPE_STALL_BEGIN, variant->kind,
				   variant->culprit);
		end = find_stall(e, KSTALLMON_EVENT_TYPE_STALL_END, variant->kind,
				 variant->culprit);
		if (begin && end &&
		    (nlt_num(&begin->top, KSTALLMON_A_EVENT_STALL_ID) !=
			     nlt_num(&end->top, KSTALLMON_A_EVENT_STALL_ID) ||
		     !end->stack.nr))
			begin = NULL;
	}
	ASSERT_NE(NULL, begin);
	ASSERT_NE(NULL, end);
	self->begin = *begin;
	self->end = *end;
}

struct wanted {
	int attr;
	unsigned int len; /* 0: of no fixed length */
};

#define BOTH_HAVE                                                                  \
	{ KSTALLMON_A_EVENT_INSTANCE, 4 }, { KSTALLMON_A_EVENT_SEQ, 8 },           \
		{ KSTALLMON_A_EVENT_TYPE, 4 }, { KSTALLMON_A_EVENT_TIME_BOOT, 8 }, \
		{ KSTALLMON_A_EVENT_TIME_REAL, 8 }, { KSTALLMON_A_EVENT_CPU, 4 },  \
		{ KSTALLMON_A_EVENT_KIND, 4 }, { KSTALLMON_A_EVENT_STALL_ID, 8 },  \
	{                                                                          \
		KSTALLMON_A_EVENT_DURATION_MIN, 8                                  \
	}

/* Attributes that are not wanted are not there, but for those that tell of losses before. */
static void expect_attributes(struct __test_metadata *_metadata, const struct nlt_event *ev,
			      const struct wanted *wanted, unsigned int nr)
{
	bool seen[KSTALLMON_A_EVENT_MAX + 1] = {
		[KSTALLMON_A_EVENT_DROPPED] = true,
		[KSTALLMON_A_EVENT_SUPPRESSED] = true,
		[KSTALLMON_A_EVENT_SUPPRESSED_LONGEST] = true,
	};
	unsigned int i;

	for (i = 0; i < nr; i++) {
		seen[wanted[i].attr] = true;
		EXPECT_EQ(1, ev->top.a[wanted[i].attr].count)
		{
			TH_LOG("attribute %d", wanted[i].attr);
		}
		if (wanted[i].len)
			EXPECT_EQ(wanted[i].len, ev->top.a[wanted[i].attr].len);
	}
	for (i = 0; i <= KSTALLMON_A_EVENT_MAX; i++) {
		EXPECT_EQ(0, !seen[i] && ev->top.a[i].count)
		{
			TH_LOG("attribute %u", i);
		}
	}
	EXPECT_EQ(0, ev->top.unknown);
	EXPECT_EQ(0, ev->task.unknown);
}

TEST_F(stall, has_a_begin_and_an_end_with_all_there_is_to_tell)
{
	/* The last ones, three and one, are what a look into the stalled CPU finds out. */
	static const struct wanted of_begin[] = { BOTH_HAVE,
						  { KSTALLMON_A_EVENT_WATCHER, 4 },
						  { KSTALLMON_A_EVENT_TASK, 0 },
						  { KSTALLMON_A_EVENT_CONTEXT, 4 },
						  { KSTALLMON_A_EVENT_LIVE_STACK, 0 } };
	static const struct wanted of_end[] = { BOTH_HAVE,
						{ KSTALLMON_A_EVENT_DURATION_MAX, 8 },
						{ KSTALLMON_A_EVENT_CLASS, 4 },
						{ KSTALLMON_A_EVENT_TASK, 0 },
						{ KSTALLMON_A_EVENT_CONTEXT, 4 },
						{ KSTALLMON_A_EVENT_STACK, 0 },
						{ KSTALLMON_A_EVENT_LIVE_STACK, 0 } };
	bool looked = looked_into(variant->kind);

	cause_both(_metadata, self, variant);
	expect_attributes(_metadata, &self->begin, of_begin,
			  ARRAY_SIZE(of_begin) - (looked ? 0 : 3));
	expect_attributes(_metadata, &self->end, of_end, ARRAY_SIZE(of_end) - (looked ? 0 : 1));
}

TEST_F(stall, begins_before_it_ends)
{
	const struct nlt_record *begin = &self->begin.top, *end = &self->end.top;

	cause_both(_metadata, self, variant);
	EXPECT_LT(nlt_num(begin, KSTALLMON_A_EVENT_TIME_BOOT),
		  nlt_num(end, KSTALLMON_A_EVENT_TIME_BOOT));
	/* Seen no sooner than the threshold allows, and it went on after that. */
	EXPECT_LE(20 * MS, nlt_num(begin, KSTALLMON_A_EVENT_DURATION_MIN));
	EXPECT_LT(nlt_num(begin, KSTALLMON_A_EVENT_DURATION_MIN),
		  nlt_num(end, KSTALLMON_A_EVENT_DURATION_MAX));
	EXPECT_LE(nlt_num(end, KSTALLMON_A_EVENT_DURATION_MIN),
		  nlt_num(end, KSTALLMON_A_EVENT_DURATION_MAX));
}

TEST_F(stall, is_seen_by_another_cpu_while_it_lasts)
{
	cause_both(_metadata, self, variant);
	EXPECT_EQ(1, nlt_num(&self->begin.top, KSTALLMON_A_EVENT_CPU));
	EXPECT_EQ(0, nlt_num(&self->begin.top, KSTALLMON_A_EVENT_WATCHER));
	EXPECT_EQ(1, nlt_num(&self->end.top, KSTALLMON_A_EVENT_CPU));
}

TEST_F(stall, shows_its_culprit_alive)
{
	const struct nlt_stack *live = &self->begin.live;
	unsigned int i = 0;

	if (!looked_into(variant->kind))
		SKIP(return, "no NMI here");
	cause_both(_metadata, self, variant);
	EXPECT_EQ(getpid(), nlt_num(&self->begin.task, KSTALLMON_A_TASK_PID));
	EXPECT_EQ(KSTALLMON_CONTEXT_KERNEL, nlt_num(&self->begin.top, KSTALLMON_A_EVENT_CONTEXT));
	/* What the culprit calls may be further in, like a look at the clock. */
	while (i < live->nr && strncmp(live->frame[i], "inject_", strlen("inject_")))
		i++;
	ASSERT_GT(live->nr, i + 1);
	EXPECT_EQ(0, strncmp(live->frame[i], variant->culprit, strlen(variant->culprit)));
	EXPECT_NE(NULL, strstr(live->frame[i + 1], "_outer+0x"));
	EXPECT_TRUE(nlt_has_frame(live, "vfs_write+0x"));
	EXPECT_EQ(0, live->truncated);
	/* Both tell the same, and it is not where the stall ended. */
	EXPECT_EQ(0, memcmp(live, &self->end.live, sizeof(*live)));
	EXPECT_NE(0, memcmp(live, &self->end.stack, sizeof(*live)));
}

TEST_F(stall, is_the_kernels_fault_without_steal_time)
{
	cause_both(_metadata, self, variant);
	EXPECT_EQ(KSTALLMON_STALL_CLASS_KERNEL, nlt_num(&self->end.top, KSTALLMON_A_EVENT_CLASS));
}

TEST_F(events, blame_the_hypervisor_for_what_it_stole)
{
	const struct nlt_event *mine = cause_mine(_metadata, self, "irq 1 120 1 50 100");

	EXPECT_EQ(KSTALLMON_STALL_CLASS_HYPERVISOR, nlt_num(&mine->top, KSTALLMON_A_EVENT_CLASS));
	EXPECT_EQ(8, mine->top.a[KSTALLMON_A_EVENT_STEAL].len);
	/* Nobody else steals under an emulator. */
	EXPECT_EQ(self->truth, nlt_num(&mine->top, KSTALLMON_A_EVENT_STEAL));
}

TEST_F(events, tell_a_little_steal_time_and_blame_the_kernel)
{
	const struct nlt_event *mine = cause_mine(_metadata, self, "irq 1 200 1 50 10");

	EXPECT_EQ(KSTALLMON_STALL_CLASS_KERNEL, nlt_num(&mine->top, KSTALLMON_A_EVENT_CLASS));
	EXPECT_EQ(self->truth / 10, nlt_num(&mine->top, KSTALLMON_A_EVENT_STEAL));
}

TEST_F(events, pair_by_stall_id)
{
	int i, j, begins = 0;
	unsigned int tries;

	/* There are none while the host leaves one CPU at a time its turn. */
	for (tries = 0; tries < NLT_TRIES && !begins; tries++) {
		ASSERT_EQ(0, nlt_quiet(&self->nlt, NULL));
		ASSERT_EQ(0, nlt_sensitive(&self->nlt));
		cause(_metadata, self, "irq 1 20 20 4");
		for (i = 0; i < self->nr; i++)
			begins += nlt_is(&self->ev[i], KSTALLMON_EVENT_TYPE_STALL_BEGIN);
	}
	EXPECT_LE(1, begins);
	for (i = 0; i < self->nr; i++) {
		const struct nlt_event *begin = &self->ev[i], *end = NULL;

		if (!nlt_is(begin, KSTALLMON_EVENT_TYPE_STALL_BEGIN))
			continue;
		for (j = 0; j < self->nr; j++)
			if (nlt_is(&self->ev[j], KSTALLMON_EVENT_TYPE_STALL_END) &&
			    nlt_num(&self->ev[j].top, KSTALLMON_A_EVENT_STALL_ID) ==
				    nlt_num(&begin->top, KSTALLMON_A_EVENT_STALL_ID))
				end = &self->ev[j];
		ASSERT_NE(NULL, end);
		EXPECT_EQ(nlt_num(&begin->top, KSTALLMON_A_EVENT_CPU),
			  nlt_num(&end->top, KSTALLMON_A_EVENT_CPU));
		EXPECT_EQ(nlt_num(&begin->top, KSTALLMON_A_EVENT_KIND),
			  nlt_num(&end->top, KSTALLMON_A_EVENT_KIND));
	}
}

TEST_HARNESS_MAIN
