/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_IDLE_H
#define KST_IDLE_H

#include "heart.h"

/* What the next switch of a CPU's task is of interest for. */
#define KST_ALERT_IDLE BIT(0) /* the heart takes the CPU for idle */
#define KST_ALERT_SCHED BIT(1) /* the scheduler is held off */

DECLARE_PER_CPU(u32, kst_alert);

/* CPUs in each state. */
extern atomic_t kst_in_state[KSTALLMON_CPU_STATE_OFFLINE + 1];

/**
 * kst_idle_alert() - want to know of the next switch, or not
 * @why: KST_ALERT_*
 * @on: whether
 *
 * Context: on the CPU concerned, interrupts off.
 */
static inline void kst_idle_alert(u32 why, bool on)
{
	u32 alert = this_cpu_read(kst_alert);

	this_cpu_write(kst_alert, on ? alert | why : alert & ~why);
}

void kst_idle_state(struct kst_heart *heart, u32 state);
u64 kst_idle_gap(struct kst_heart *heart, bool needed);
void kst_idle_busy_changed(struct kst_heart *heart);
bool kst_idle_kicked(struct kst_heart *heart);

/**
 * kst_idle_count() - how many CPUs are in a state
 * @state: enum kstallmon_cpu_state
 *
 * Return: their number.
 */
static inline unsigned int kst_idle_count(u32 state)
{
	return atomic_read(&kst_in_state[state]);
}

/**
 * kst_idle_busy() - a beat found its CPU busy
 * @heart: this CPU's
 *
 * Context: hard interrupt.
 */
static inline void kst_idle_busy(struct kst_heart *heart)
{
	heart->next_gap = 0;
	if (unlikely(heart->state != KSTALLMON_CPU_STATE_BUSY ||
		     (!kst_idle_count(KSTALLMON_CPU_STATE_SENTRY) &&
		      kst_idle_count(KSTALLMON_CPU_STATE_BACKED_OFF))))
		kst_idle_busy_changed(heart);
}

void kst_idle_init(void);
void kst_idle_exit(void);

#endif /* KST_IDLE_H */
