// SPDX-License-Identifier: GPL-2.0
/*
 * How often a heart beats. A busy CPU beats each period. An idle one backs off, twice as long each
 * time, until a switch from its idle task; but while any CPU is busy, one of the idle ones stays
 * up as sentry, for else nobody might see that all busy ones stall together.
 *
 * A CPU that becomes busy counts itself first and looks for a sentry then; one that backs off
 * takes itself off the sentries first and looks for busy ones then. So one of them sees the other.
 */
#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/ktime.h>
#include <linux/tracepoint.h>

#include "compat/tracepoint.h"
#include "held.h"
#include "heartbeat.h"
#include "idle.h"
#include "tunables.h"

DEFINE_PER_CPU(u32, kst_alert);

atomic_t kst_in_state[KSTALLMON_CPU_STATE_OFFLINE + 1];

/* NULL without the tracepoint: then nobody backs off. */
static struct tracepoint *kst_switch;

/**
 * kst_idle_state() - give a CPU another state
 * @heart: its
 * @state: enum kstallmon_cpu_state
 *
 * Context: on that CPU, interrupts off.
 */
void kst_idle_state(struct kst_heart *heart, u32 state)
{
	bool idle = state == KSTALLMON_CPU_STATE_SENTRY || state == KSTALLMON_CPU_STATE_BACKED_OFF;

	/* Counted twice for a moment, not never: nobody must miss the only busy CPU. */
	atomic_inc_return(&kst_in_state[state]);
	atomic_dec_return(&kst_in_state[heart->state]);
	WRITE_ONCE(heart->state, state);
	kst_idle_alert(KST_ALERT_IDLE, idle);
}

/* If no idle CPU watches, make the next one that can. */
static void kst_idle_want_sentry(struct kst_heart *heart)
{
	unsigned int cpu;

	smp_mb(); /* the state of this CPU before the others' */
	if (kst_idle_count(KSTALLMON_CPU_STATE_SENTRY) ||
	    !kst_idle_count(KSTALLMON_CPU_STATE_BACKED_OFF))
		return;
	for_each_cpu_wrap(cpu, cpu_online_mask, heart->cpu)
		if (READ_ONCE(per_cpu_ptr(kst_hearts, cpu)->state) ==
			    KSTALLMON_CPU_STATE_BACKED_OFF &&
		    kst_heartbeat_kick(cpu))
			return;
}

/**
 * kst_idle_busy_changed() - kst_idle_busy() where something changed
 * @heart: this CPU's
 */
void kst_idle_busy_changed(struct kst_heart *heart)
{
	if (heart->state != KSTALLMON_CPU_STATE_BUSY)
		kst_idle_state(heart, KSTALLMON_CPU_STATE_BUSY);
	kst_idle_want_sentry(heart);
}

/* Whether @sentries of others are enough. */
static bool kst_idle_enough(unsigned int sentries)
{
	return sentries || !kst_idle_count(KSTALLMON_CPU_STATE_BUSY);
}

/* Whether this CPU is not needed as a sentry; then it is none any more. */
static bool kst_idle_back_off(struct kst_heart *heart)
{
	if (heart->state == KSTALLMON_CPU_STATE_BACKED_OFF &&
	    kst_idle_enough(kst_idle_count(KSTALLMON_CPU_STATE_SENTRY)))
		return true;
	/* The one sentry asks this at each beat, and should not look as if it went. */
	if (heart->state == KSTALLMON_CPU_STATE_SENTRY &&
	    !kst_idle_enough(kst_idle_count(KSTALLMON_CPU_STATE_SENTRY) - 1))
		return false;
	kst_idle_state(heart, KSTALLMON_CPU_STATE_BACKED_OFF);
	smp_mb(); /* as in kst_idle_want_sentry() */
	if (kst_idle_enough(kst_idle_count(KSTALLMON_CPU_STATE_SENTRY)))
		return true;
	kst_idle_state(heart, KSTALLMON_CPU_STATE_SENTRY);
	return false;
}

/**
 * kst_idle_gap() - a beat found its CPU idle
 * @heart: this CPU's
 * @needed: it has to beat again soon all the same
 *
 * Context: hard interrupt.
 *
 * Return: time to the next beat in ns.
 */
u64 kst_idle_gap(struct kst_heart *heart, bool needed)
{
	u64 period = kst_heartbeat_period();
	u64 longest = (u64)kst_tunable(longest_gap) * NSEC_PER_MSEC;
	u64 gap;

	if (needed || !kst_switch || longest <= period) {
		if (heart->state != KSTALLMON_CPU_STATE_SENTRY)
			kst_idle_state(heart, KSTALLMON_CPU_STATE_SENTRY);
		return period;
	}
	if (!kst_idle_back_off(heart))
		return period;
	/* Kept over a short time of being busy: a CPU that wakes often is not woken more for it. */
	gap = clamp(heart->next_gap, 2 * period, longest);
	heart->next_gap = 2 * gap;
	return gap;
}

/**
 * kst_idle_kicked() - another CPU is busy and wants a sentry
 * @heart: this CPU's, which has backed off
 *
 * Context: hard interrupt.
 *
 * Return: whether this CPU is to beat each period now.
 */
bool kst_idle_kicked(struct kst_heart *heart)
{
	if (heart->state != KSTALLMON_CPU_STATE_BACKED_OFF ||
	    !kst_idle_count(KSTALLMON_CPU_STATE_BUSY))
		return false;
	kst_idle_state(heart, KSTALLMON_CPU_STATE_SENTRY);
	return true;
}

/* A switch that is of interest. The run queue's lock is held, interrupts are off. */
static noinline void kst_idle_switched(void)
{
	struct kst_heart *heart = this_cpu_ptr(kst_hearts);
	u32 alert = this_cpu_read(kst_alert);
	bool slow;

	if (alert & KST_ALERT_SCHED)
		kst_held_switched(heart);
	if (!(alert & KST_ALERT_IDLE))
		return;
	slow = heart->state == KSTALLMON_CPU_STATE_BACKED_OFF;
	kst_idle_state(heart, KSTALLMON_CPU_STATE_BUSY);
	if (slow)
		kst_heartbeat_hasten(heart);
	kst_idle_want_sentry(heart);
}

static __always_inline void kst_idle_switch(void)
{
	if (unlikely(this_cpu_read(kst_alert)))
		kst_idle_switched();
}

KST_PROBE_SCHED_SWITCH(kst_probe_switch, kst_idle_switch);

static void kst_idle_find(struct tracepoint *tp, void *unused)
{
	if (!strcmp(tp->name, "sched_switch"))
		kst_switch = tp;
}

/**
 * kst_idle_init() - learn of switches from now on
 */
void kst_idle_init(void)
{
	atomic_set(&kst_in_state[KSTALLMON_CPU_STATE_OFFLINE], num_possible_cpus());
	for_each_kernel_tracepoint(kst_idle_find, NULL);
	if (kst_switch && tracepoint_probe_register(kst_switch, kst_probe_switch, NULL))
		kst_switch = NULL;
}

/**
 * kst_idle_exit() - and no more
 *
 * Context: task; no heart beats any more.
 */
void kst_idle_exit(void)
{
	if (!kst_switch)
		return;
	tracepoint_probe_unregister(kst_switch, kst_probe_switch, NULL);
	tracepoint_synchronize_unregister();
}
