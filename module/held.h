/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_HELD_H
#define KST_HELD_H

#include <linux/preempt.h>
#include <linux/ptrace.h>

#include "compat/compat.h"
#include "heart.h"

void kst_held_init(struct kst_heart *heart);
void kst_held_stop(struct kst_heart *heart);
void kst_held_look(struct kst_heart *heart, u64 now, struct pt_regs *regs);
void kst_held_cut(struct kst_heart *heart, u64 until);
void kst_held_switched(struct kst_heart *heart);
u64 kst_held_gap(u64 period);

/**
 * kst_held_worth_a_look() - whether a beat has to call kst_held_look()
 * @heart: this CPU's
 * @regs: of the interrupt
 *
 * Return: true or false.
 */
static inline bool kst_held_worth_a_look(const struct kst_heart *heart, struct pt_regs *regs)
{
	return heart->softirq.since || heart->sched.since || softirq_count() ||
	       (kst_need_resched() && regs && !user_mode(regs));
}

#endif /* KST_HELD_H */
