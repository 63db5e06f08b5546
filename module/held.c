// SPDX-License-Identifier: GPL-2.0
/*
 * Softirqs and the scheduler held off. Hard interrupts come, so that the CPU's own beats see it.
 *
 * softirq: a beat finds softirqs disabled, or one of them running, and raises one of its own,
 * which runs as soon as any other can. Until then, if all beats find the same, the CPU is stalled.
 * A beat that finds softirqs free before that one ran has found it left to ksoftirqd, which waits
 * for its turn like any task. That is no stall; it is counted.
 *
 * sched: beats find the same task in the kernel although the scheduler wants to switch, and no
 * switch happens. In user mode it would have happened on the way there.
 *
 * Of two that last at the same time the deeper one is told. Once softirqs have been held off longer
 * than their threshold, the scheduler's case is closed until they are back.
 */
#include <linux/interrupt.h>
#include <linux/kthread.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/ktime.h>

#include "held.h"
#include "idle.h"
#include "live.h"
#include "stall.h"
#include "tunables.h"

static void kst_hold_begin(struct kst_heart *heart, struct kst_hold *hold, u64 now)
{
	hold->since = now;
	hold->last = now;
	hold->before = heart->proof;
	hold->steal = heart->steal;
	hold->live = false;
}

/*
 * A hold is over since @until, and was in force for @duration_min at least. It is told if that is
 * long enough. Return: the record for the caller to fill in what it knows of the end, or NULL.
 */
static struct kst_record *kst_hold_end(struct kst_heart *heart, struct kst_hold *hold, u32 kind,
				       u64 threshold, u64 duration_min, u64 until)
{
	bool live = hold->live;
	struct kst_record *rec = NULL;

	if (live || (threshold && duration_min >= threshold)) {
		rec = kst_stall_end(heart, kind, duration_min, until - hold->before, hold->steal);
		kst_live_end(heart, KST_LIVE_SOFT, rec);
	}
	hold->since = 0;
	hold->live = false;
	return rec;
}

static u64 kst_softirq_threshold(void)
{
	return (u64)kst_tunable(softirq_threshold) * NSEC_PER_MSEC;
}

static u64 kst_sched_threshold(void)
{
	return (u64)kst_tunable(sched_threshold) * NSEC_PER_MSEC;
}

static struct kst_record *kst_sched_end(struct kst_heart *heart, u64 duration_min, u64 until)
{
	kst_idle_alert(KST_ALERT_SCHED, false);
	return kst_hold_end(heart, &heart->sched, KSTALLMON_STALL_KIND_SCHED, kst_sched_threshold(),
			    duration_min, until);
}

/*
 * What ran when a hold's end was found. Its stack is the culprit's only where the end was seen as
 * it came, which is for the caller to say.
 */
static void kst_hold_describe(struct kst_record *rec, struct pt_regs *regs)
{
	rec->ev.stall.context = kst_snapshot_context(regs);
	kst_snapshot_task(&rec->ev.task, current);
}

/*
 * softirq
 */

/*
 * Softirqs have been held off since @since for so long that this is told: what the scheduler was
 * before is a case of its own, and what it was since then is none.
 */
static void kst_sched_yield(struct kst_heart *heart, u64 since, struct pt_regs *regs)
{
	u64 begin = heart->sched.since;
	struct kst_record *rec;

	if (!begin)
		return;
	rec = kst_sched_end(heart, since > begin ? since - begin : 0, since);
	if (rec)
		kst_hold_describe(rec, regs);
}

static struct kst_record *kst_softirq_end(struct kst_heart *heart, u64 duration_min, u64 until)
{
	u64 threshold = kst_softirq_threshold();

	if (threshold && duration_min >= threshold)
		kst_sched_yield(heart, heart->softirq.since, NULL);
	return kst_hold_end(heart, &heart->softirq, KSTALLMON_STALL_KIND_SOFTIRQ, threshold,
			    duration_min, until);
}

static void kst_softirq_look(struct kst_heart *heart, u64 now, struct pt_regs *regs)
{
	struct kst_hold *hold = &heart->softirq;
	struct kst_record *rec;
	u64 threshold = kst_softirq_threshold();

	if (threshold && softirq_count()) {
		if (!hold->since) {
			kst_hold_begin(heart, hold, now);
			tasklet_hi_schedule(&heart->softirq_proof);
			return;
		}
		hold->last = now;
		if (hold->live || now - hold->since < threshold)
			return;
		kst_sched_yield(heart, hold->since, regs);
		hold->live = true;
		kst_live_own(heart, KSTALLMON_STALL_KIND_SOFTIRQ, hold->since, regs);
	} else if (hold->since) {
		heart->deferred += !!threshold;
		rec = kst_softirq_end(heart, hold->last - hold->since, now);
		if (rec)
			kst_hold_describe(rec, regs);
	}
}

/* ksoftirqd may have been waiting since softirqs were free again; others run at once. */
static bool kst_in_ksoftirqd(void)
{
	return current->flags & PF_KTHREAD && strstarts(current->comm, "ksoftirqd/");
}

/* A softirq ran. */
static void kst_softirq_proven(struct tasklet_struct *tasklet)
{
	struct kst_heart *heart = container_of(tasklet, struct kst_heart, softirq_proof);
	struct kst_hold *hold = &heart->softirq;
	struct kst_record *rec;
	unsigned long flags;
	u64 now, end;

	local_irq_save(flags);
	if (hold->since) {
		now = ktime_get_ns();
		end = kst_in_ksoftirqd() ? hold->last : now;
		rec = kst_softirq_end(heart, end - hold->since, now);
		if (rec) {
			kst_hold_describe(rec, NULL);
			kst_snapshot_here(&rec->stack[KST_STACK_END], heart->trace);
		}
	}
	local_irq_restore(flags);
}

/*
 * sched
 */

static unsigned long kst_switches(void)
{
	return current->nvcsw + current->nivcsw;
}

static void kst_sched_look(struct kst_heart *heart, u64 now, struct pt_regs *regs)
{
	struct kst_hold *hold = &heart->sched;
	struct kst_record *rec;
	u64 threshold = kst_sched_threshold();
	bool held = threshold && !heart->softirq.live && kst_need_resched() && regs &&
		    !user_mode(regs) && !is_idle_task(current);

	if (hold->since && !(held && hold->task == current && hold->switches == kst_switches())) {
		rec = kst_sched_end(heart, hold->last - hold->since, now);
		if (rec)
			kst_hold_describe(rec, regs);
	}
	if (!held)
		return;
	if (!hold->since) {
		kst_hold_begin(heart, hold, now);
		hold->task = current;
		hold->switches = kst_switches();
		kst_idle_alert(KST_ALERT_SCHED, true);
		return;
	}
	hold->last = now;
	/* While softirqs are held off, this may yet turn out to be their case. */
	if (!hold->live && !heart->softirq.since && now - hold->since >= threshold) {
		hold->live = true;
		kst_live_own(heart, KSTALLMON_STALL_KIND_SCHED, hold->since, regs);
	}
}

/**
 * kst_held_switched() - the scheduler switches from a task that had held it off
 * @heart: this CPU's
 *
 * Context: interrupts off, the run queue's lock held.
 */
void kst_held_switched(struct kst_heart *heart)
{
	struct kst_hold *hold = &heart->sched;
	u64 now = ktime_get_ns();
	struct kst_record *rec = kst_sched_end(heart, now - hold->since, now);

	if (rec) {
		kst_hold_describe(rec, NULL);
		kst_snapshot_here(&rec->stack[KST_STACK_END], heart->trace);
	}
}

/**
 * kst_held_gap() - time to the next beat while the scheduler may be held off
 * @period: it must not be longer
 *
 * A tick asks for a switch, and a beat that shares its interrupt finds that asked for right now.
 * Whether it was is seen half way to the next tick: a task that calls the scheduler, be it to be
 * picked again, is not asked any more then. So beats alternate between the two.
 *
 * Return: ns.
 */
u64 kst_held_gap(u64 period)
{
	const u64 half = TICK_NSEC / 2;

	return period < half ? period : period - (period - half) % TICK_NSEC;
}

/**
 * kst_held_look() - a beat looks for holds
 * @heart: this CPU's
 * @now: CLOCK_MONOTONIC
 * @regs: of the interrupt
 *
 * Context: hard interrupt.
 */
void kst_held_look(struct kst_heart *heart, u64 now, struct pt_regs *regs)
{
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		kst_softirq_look(heart, now, regs);
	kst_sched_look(heart, now, regs);
}

/* The end that @rec tells of was @until, not now. */
static void kst_hold_cut(struct kst_record *rec, u64 until)
{
	u64 since = ktime_get_ns() - until;

	if (!rec)
		return;
	kst_hold_describe(rec, NULL);
	rec->ev.time_boot -= since;
	rec->ev.time_real -= since;
}

/**
 * kst_held_cut() - hard interrupts were held off: what was before is a case of its own
 * @heart: this CPU's
 * @until: since when they were at the latest, CLOCK_MONOTONIC
 *
 * Context: hard interrupt.
 */
void kst_held_cut(struct kst_heart *heart, u64 until)
{
	if (heart->softirq.since)
		kst_hold_cut(kst_softirq_end(heart, heart->softirq.last - heart->softirq.since,
					     until),
			     until);
	if (heart->sched.since)
		kst_hold_cut(kst_sched_end(heart, heart->sched.last - heart->sched.since, until),
			     until);
	/* Steal time that is accounted by now belongs to what came after. */
	if (heart->pending)
		kst_stall_judge(heart, heart->steal);
}

/**
 * kst_held_init() - once for each CPU
 * @heart: its
 */
void kst_held_init(struct kst_heart *heart)
{
	tasklet_setup(&heart->softirq_proof, kst_softirq_proven);
}

/**
 * kst_held_stop() - no beat of this CPU comes any more
 * @heart: this CPU's
 *
 * Context: task.
 */
void kst_held_stop(struct kst_heart *heart)
{
	tasklet_kill(&heart->softirq_proof);
}
