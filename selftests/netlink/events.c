// SPDX-License-Identifier: GPL-2.0
/*
 * Events: what all of them tell, whom they name, and that they give nothing away.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "events.h"

static uint64_t now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000 * MS + ts.tv_nsec;
}

TEST_F(events, are_told_to_who_comes_after_the_fact)
{
	struct nlt late;
	struct nlt_event *ev;
	int nr;

	cause_mine(_metadata, self, "irq 1 120");
	ASSERT_EQ(0, nlt_open(&late));
	nr = nlt_history(&late, 0, &ev);
	ASSERT_LE(1, nr);
	EXPECT_NE(NULL, find_mine(ev, nr));
	free(ev);
	nlt_close(&late);
}

TEST_F(events, are_numbered_without_gaps)
{
	struct nlt_record status;
	struct nlt_event *ev;
	uint64_t first;
	int i, nr;

	ASSERT_EQ(0, nlt_quiet(&self->nlt, NULL));
	first = nlt_numbered(&self->nlt) + 1;
	ASSERT_EQ(0, nlt_sensitive(&self->nlt));
	ASSERT_EQ(20, nlt_inject(NULL, 0, "irq 1 4 20 4"));
	ASSERT_EQ(0, nlt_quiet(&self->nlt, &status));
	nr = nlt_history(&self->nlt, first, &ev);
	ASSERT_LE(20, nr);
	for (i = 1; i < nr; i++)
		ASSERT_EQ(nlt_seq(&ev[i - 1]) + 1, nlt_seq(&ev[i]));
	EXPECT_EQ(nlt_num(&status, KSTALLMON_A_STATUS_NUMBERED), nlt_seq(&ev[nr - 1]));
	free(ev);
}

TEST_F(events, since_any_held_number_begin_there)
{
	struct nlt_event *ev;
	uint64_t last;
	int i, nr;

	ASSERT_EQ(0, nlt_sensitive(&self->nlt));
	cause(_metadata, self, "irq 1 4 5 4");
	ASSERT_LE(5, self->nr);
	last = nlt_seq(&self->ev[self->nr - 1]);
	for (i = 0; i < self->nr; i++) {
		nr = nlt_history(&self->nlt, nlt_seq(&self->ev[i]), &ev);
		ASSERT_EQ(self->nr - i, nr);
		EXPECT_EQ(nlt_seq(&self->ev[i]), nlt_seq(&ev[0]));
		EXPECT_EQ(last, nlt_seq(&ev[nr - 1]));
		free(ev);
	}
}

static void take_nothing(struct nlmsghdr *nlh, void *arg)
{
}

TEST_F(events, since_zero_are_all_that_are_held)
{
	struct nl_msg *msg = nlt_request(&self->nlt, KSTALLMON_CMD_EVENT_GET, NLM_F_DUMP);
	struct nlt_record status;
	struct nlt_reply reply;

	cause(_metadata, self, "irq 1 120");
	ASSERT_EQ(0, nlt_status(&self->nlt, &status));
	nla_put_u64(msg, KSTALLMON_A_EVENT_SINCE, 0);
	nlt_ask(&self->nlt, msg, &reply, take_nothing, NULL);
	EXPECT_EQ(0, reply.error);
	EXPECT_EQ(nlt_num(&status, KSTALLMON_A_STATUS_HISTORY_HELD), reply.messages);
}

TEST_F(events, since_beyond_the_last_are_none)
{
	struct nlt_record status;
	struct nlt_event *ev;

	cause(_metadata, self, "irq 1 120");
	ASSERT_EQ(0, nlt_status(&self->nlt, &status));
	EXPECT_EQ(0,
		  nlt_history(&self->nlt, nlt_num(&status, KSTALLMON_A_STATUS_NUMBERED) + 1, &ev));
	EXPECT_EQ(0, nlt_history(&self->nlt, 1ULL << 32 | 1, &ev));
	EXPECT_EQ(0, nlt_history(&self->nlt, UINT64_MAX, &ev));
}

/*
 * What a stall tells
 */

TEST_F(events, have_every_attribute_of_a_task_once)
{
	const struct nlt_event *mine = cause_mine(_metadata, self, "irq 1 120");

	EXPECT_EQ(1, mine->task.a[KSTALLMON_A_TASK_COMM].count);
	EXPECT_EQ(1, mine->task.a[KSTALLMON_A_TASK_PID].count);
	EXPECT_EQ(1, mine->task.a[KSTALLMON_A_TASK_TGID].count);
	EXPECT_EQ(8, mine->task.a[KSTALLMON_A_TASK_CGROUP_ID].len);
	EXPECT_EQ(0, mine->task.unknown);
	EXPECT_EQ(KSTALLMON_EVENT_TYPE_STALL_END, nlt_num(&mine->top, KSTALLMON_A_EVENT_TYPE));
	EXPECT_EQ(KSTALLMON_STALL_KIND_IRQ, nlt_num(&mine->top, KSTALLMON_A_EVENT_KIND));
	EXPECT_EQ(KSTALLMON_CONTEXT_KERNEL, nlt_num(&mine->top, KSTALLMON_A_EVENT_CONTEXT));
	/* Nothing was lost before it that would have to be told. */
	EXPECT_EQ(mine->top.a[KSTALLMON_A_EVENT_SUPPRESSED].count,
		  mine->top.a[KSTALLMON_A_EVENT_SUPPRESSED_LONGEST].count);
}

TEST_F(events, are_of_the_instance_that_status_names)
{
	struct nlt_record status;
	int i;

	cause(_metadata, self, "irq 1 120");
	ASSERT_EQ(0, nlt_status(&self->nlt, &status));
	EXPECT_NE(0, nlt_num(&status, KSTALLMON_A_STATUS_INSTANCE));
	for (i = 0; i < self->nr; i++)
		EXPECT_EQ(nlt_num(&status, KSTALLMON_A_STATUS_INSTANCE),
			  nlt_num(&self->ev[i].top, KSTALLMON_A_EVENT_INSTANCE));
}

TEST_F(events, name_the_task)
{
	const struct nlt_event *mine;

	prctl(PR_SET_NAME, "the culprit");
	mine = cause_mine(_metadata, self, "irq 1 120");
	EXPECT_STREQ("the culprit", nlt_text(&mine->task, KSTALLMON_A_TASK_COMM));
	EXPECT_EQ(getpid(), nlt_num(&mine->task, KSTALLMON_A_TASK_PID));
	EXPECT_EQ(getpid(), nlt_num(&mine->task, KSTALLMON_A_TASK_TGID));
}

TEST_F(events, pass_on_a_name_of_any_bytes)
{
	/* As long as a name may be, and no UTF-8. */
	static const char name[] = "\xff\"\\\n\t\x01 \xc3 6789ab";
	const struct nlt_event *mine;

	ASSERT_EQ(15, strlen(name));
	prctl(PR_SET_NAME, name);
	mine = cause_mine(_metadata, self, "irq 1 120");
	EXPECT_STREQ(name, nlt_text(&mine->task, KSTALLMON_A_TASK_COMM));
}

static void *stall_thread(void *arg)
{
	pid_t *tid = arg;

	*tid = syscall(SYS_gettid);
	nlt_inject(NULL, 0, "irq 1 120");
	return NULL;
}

TEST_F(events, tell_a_thread_from_its_process)
{
	unsigned int tries;
	pthread_t thread;
	int i, found = 0;
	pid_t tid = 0;

	for (tries = 0; tries < NLT_TRIES && !found; tries++) {
		watch(_metadata, self);
		self->first = nlt_numbered(&self->nlt) + 1;
		ASSERT_EQ(0, pthread_create(&thread, NULL, stall_thread, &tid));
		ASSERT_EQ(0, pthread_join(thread, NULL));
		ASSERT_EQ(0, nlt_quiet(&self->nlt, NULL));
		free(self->ev);
		self->nr = nlt_history(&self->nlt, self->first, &self->ev);
		EXPECT_NE(getpid(), tid);
		for (i = 0; i < self->nr; i++) {
			if (nlt_num(&self->ev[i].task, KSTALLMON_A_TASK_PID) != tid)
				continue;
			EXPECT_EQ(getpid(), nlt_num(&self->ev[i].task, KSTALLMON_A_TASK_TGID));
			found++;
		}
	}
	EXPECT_LE(1, found);
}

TEST_F(events, name_the_cpu)
{
	const struct nlt_event *mine;
	int cpu;

	for (cpu = 0; cpu < 2; cpu++) {
		mine = cause_mine(_metadata, self, cpu ? "irq 1 120" : "irq 0 120");
		EXPECT_EQ(cpu, nlt_num(&mine->top, KSTALLMON_A_EVENT_CPU));
	}
}

TEST_F(events, of_different_stalls_have_different_ids)
{
	int i, j, ends = 0;

	ASSERT_EQ(0, nlt_quiet(&self->nlt, NULL));
	ASSERT_EQ(0, nlt_sensitive(&self->nlt));
	ASSERT_EQ(10, nlt_inject(NULL, 0, "irq 0 4 10 4"));
	cause(_metadata, self, "irq 1 4 10 4");
	for (i = 0; i < self->nr; i++) {
		ends += nlt_is(&self->ev[i], KSTALLMON_EVENT_TYPE_STALL_END);
		for (j = 0; j < i; j++)
			EXPECT_FALSE(nlt_num(&self->ev[i].top, KSTALLMON_A_EVENT_TYPE) ==
					     nlt_num(&self->ev[j].top, KSTALLMON_A_EVENT_TYPE) &&
				     nlt_num(&self->ev[i].top, KSTALLMON_A_EVENT_STALL_ID) ==
					     nlt_num(&self->ev[j].top, KSTALLMON_A_EVENT_STALL_ID));
	}
	EXPECT_LE(10, ends);
}

TEST_F(events, bound_the_true_duration)
{
	const struct nlt_event *mine = cause_mine(_metadata, self, "irq 1 120");

	EXPECT_LE(120 * MS, self->truth);
	EXPECT_LE(self->truth, nlt_num(&mine->top, KSTALLMON_A_EVENT_DURATION_MAX));
	EXPECT_LT(nlt_num(&mine->top, KSTALLMON_A_EVENT_DURATION_MIN),
		  nlt_num(&mine->top, KSTALLMON_A_EVENT_DURATION_MAX));
	/* No further below than period and slack: 10 ms and a jiffy of at most 10 ms. */
	EXPECT_LE(self->truth - 20 * MS, nlt_num(&mine->top, KSTALLMON_A_EVENT_DURATION_MIN));
}

TEST_F(events, tell_when_the_stall_was_detected)
{
	uint64_t boot = now(CLOCK_BOOTTIME), real = now(CLOCK_REALTIME);
	const struct nlt_event *mine = cause_mine(_metadata, self, "irq 1 120");

	EXPECT_LE(boot + self->truth, nlt_num(&mine->top, KSTALLMON_A_EVENT_TIME_BOOT));
	EXPECT_GE(now(CLOCK_BOOTTIME), nlt_num(&mine->top, KSTALLMON_A_EVENT_TIME_BOOT));
	/* A clock that may be stepped or slewed: near is enough. */
	EXPECT_LE(real - 1000 * MS, nlt_num(&mine->top, KSTALLMON_A_EVENT_TIME_REAL));
	EXPECT_GE(now(CLOCK_REALTIME) + 1000 * MS,
		  nlt_num(&mine->top, KSTALLMON_A_EVENT_TIME_REAL));
}

TEST_F(events, of_a_cpu_come_in_the_order_of_time)
{
	uint64_t time[2] = {};
	int i;

	ASSERT_EQ(0, nlt_sensitive(&self->nlt));
	cause(_metadata, self, "irq 1 4 20 4");
	for (i = 0; i < self->nr; i++) {
		uint64_t cpu = nlt_num(&self->ev[i].top, KSTALLMON_A_EVENT_CPU);

		ASSERT_GT(2, cpu);
		/* Begins are another CPU's word. */
		if (!nlt_is(&self->ev[i], KSTALLMON_EVENT_TYPE_STALL_END))
			continue;
		EXPECT_LT(time[cpu], nlt_num(&self->ev[i].top, KSTALLMON_A_EVENT_TIME_BOOT));
		time[cpu] = nlt_num(&self->ev[i].top, KSTALLMON_A_EVENT_TIME_BOOT);
	}
}

TEST_F(events, name_the_cgroup)
{
	static const char dir[] = "/sys/fs/cgroup/kstallmon_events";
	const struct nlt_event *mine;
	struct stat st;
	pid_t child;

	if (access("/sys/fs/cgroup/cgroup.procs", W_OK))
		SKIP(return, "no cgroup v2 hierarchy here");
	ASSERT_EQ(0, mkdir(dir, 0755));
	ASSERT_EQ(0, stat(dir, &st));

	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		FILE *procs = fopen("/sys/fs/cgroup/kstallmon_events/cgroup.procs", "w");

		EXPECT_NE(NULL, procs);
		EXPECT_LT(0, fprintf(procs, "%d", getpid()));
		EXPECT_EQ(0, fclose(procs));
		mine = cause_mine(_metadata, self, "irq 1 120");
		EXPECT_EQ(st.st_ino, nlt_num(&mine->task, KSTALLMON_A_TASK_CGROUP_ID));
		_exit(0);
	}
	EXPECT_EQ(child, waitpid(child, NULL, 0));
	EXPECT_EQ(0, rmdir(dir));

	/* This process is not in there. */
	mine = cause_mine(_metadata, self, "irq 1 120");
	EXPECT_NE(st.st_ino, nlt_num(&mine->task, KSTALLMON_A_TASK_CGROUP_ID));
	EXPECT_NE(0, nlt_num(&mine->task, KSTALLMON_A_TASK_CGROUP_ID));
}

TEST_F(events, have_the_culprit_innermost)
{
	const struct nlt_stack *stack = &cause_mine(_metadata, self, "irq 1 120")->stack;
	unsigned int i;

	ASSERT_LE(2, stack->nr);
	for (i = 0; i < stack->nr; i++)
		TH_LOG("%s", stack->frame[i]);
	for (i = 0; i < stack->nr; i++)
		if (strstr(stack->frame[i], "inject_irq_off"))
			break;
	EXPECT_EQ(0, strncmp(stack->frame[i], "inject_irq_off_inner+0x", 23));
	EXPECT_NE(NULL, strstr(stack->frame[i], " [kstallmon_inject]"));
	EXPECT_EQ(0, strncmp(stack->frame[i + 1], "inject_irq_off_outer+0x", 23));
	EXPECT_TRUE(nlt_has_frame(stack, "vfs_write+0x"));
	EXPECT_EQ(0, stack->truncated);
}

/* Looks like "symbol+0xoffset [module]" or "?", and like no address. */
static bool good_frame(const char *frame)
{
	const char *plus = strchr(frame, '+');

	if (!strcmp(frame, "?"))
		return true;
	return plus && plus != frame && !strncmp(plus, "+0x", 3) && strncmp(frame, "0x", 2) &&
	       !strstr(frame, "0xffff") && !strstr(frame, "ffffffff") && !strchr(frame, '/');
}

static void expect_good_frames(struct __test_metadata *_metadata, const struct nlt_stack *stack)
{
	unsigned int i;

	for (i = 0; i < stack->nr; i++) {
		EXPECT_TRUE(good_frame(stack->frame[i]))
		{
			TH_LOG("%s", stack->frame[i]);
		}
	}
}

TEST_F(events, give_no_address_away)
{
	struct nlt_event *ev;
	int i, nr;

	ASSERT_EQ(0, nlt_sensitive(&self->nlt));
	cause(_metadata, self, "irq 1 8 20 4");
	nr = nlt_history(&self->nlt, 0, &ev);
	for (i = 0; i < nr; i++) {
		expect_good_frames(_metadata, &ev[i].stack);
		expect_good_frames(_metadata, &ev[i].live);
		/* User code has no stack here. */
		if (nlt_num(&ev[i].top, KSTALLMON_A_EVENT_CONTEXT) == KSTALLMON_CONTEXT_USER)
			EXPECT_EQ(0, ev[i].stack.nr);
	}
	free(ev);
}

TEST_HARNESS_MAIN
