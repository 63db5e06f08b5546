/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the programs about events share: their fixture, and stalls caused for it. The machine may
 * stall of itself at any time, so an event counts as caused only if its stack says so.
 */
#ifndef EVENTS_H
#define EVENTS_H

#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness.h"
#include "nlt.h"

#define MS 1000000ULL

FIXTURE(events)
{
	struct nlt nlt;
	struct nlt_tunables before;
	struct nlt_event *ev; /* numbers from @first on, after cause(): all were held */
	int nr;
	uint64_t first;
	uint64_t truth; /* length of the last injected stall */
};

/* Back from quiet. */
static void watch(struct __test_metadata *_metadata, FIXTURE_DATA(events) * self)
{
	ASSERT_EQ(0, nlt_set_defaults(&self->nlt, &self->before));
	/* The machine's own stalls must not use up what the limit lets through. */
	ASSERT_EQ(0, nlt_set(&self->nlt, "rate", 0));
}

FIXTURE_SETUP(events)
{
	ASSERT_EQ(0, nlt_open(&self->nlt));
	ASSERT_EQ(0, nlt_tunables(&self->nlt, &self->before));
	watch(_metadata, self);
	ASSERT_EQ(0, nlt_inject_load());
}

FIXTURE_TEARDOWN(events)
{
	EXPECT_EQ(0, nlt_set_values(&self->nlt, &self->before));
	nlt_close(&self->nlt);
	free(self->ev);
}

/* Causes a stall and gets all events since. Leaves the module quiet. */
static void cause(struct __test_metadata *_metadata, FIXTURE_DATA(events) * self,
		  const char *request)
{
	self->first = nlt_numbered(&self->nlt) + 1;
	ASSERT_LT(0, nlt_inject(&self->truth, 1, "%s", request));
	ASSERT_EQ(0, nlt_quiet(&self->nlt, NULL));
	free(self->ev);
	self->nr = nlt_history(&self->nlt, self->first, &self->ev);
	ASSERT_LE(1, self->nr);
}

/* The end of the injected stall: of this thread, inside the injector. */
static const struct nlt_event *find_mine(const struct nlt_event *ev, int nr)
{
	uint32_t tid = syscall(SYS_gettid);
	int i;

	for (i = 0; i < nr; i++)
		if (nlt_is(&ev[i], KSTALLMON_EVENT_TYPE_STALL_END) &&
		    nlt_num(&ev[i].task, KSTALLMON_A_TASK_PID) == tid &&
		    nlt_has_frame(&ev[i].stack, "inject_irq_off"))
			return &ev[i];
	return NULL;
}

/*
 * Causes a stall until it is told as ours: where the host lets timers come late its end is found
 * late, and in whatever task runs then.
 */
static const struct nlt_event *cause_mine(struct __test_metadata *_metadata,
					  FIXTURE_DATA(events) * self, const char *request)
{
	const struct nlt_event *mine = NULL;
	unsigned int tries;

	for (tries = 0; tries < NLT_TRIES && !mine; tries++) {
		watch(_metadata, self);
		cause(_metadata, self, request);
		mine = find_mine(self->ev, self->nr);
	}
	ASSERT_NE(NULL, mine)
	{
		TH_LOG("%u tries, at last %d events of others", tries, self->nr);
	}
	return mine;
}

#endif /* EVENTS_H */
