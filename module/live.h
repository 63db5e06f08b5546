/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_LIVE_H
#define KST_LIVE_H

#include <linux/cpumask.h>

#include "heart.h"

/* Flags in kst_live.state, below the number of the stall. */
#define KST_LIVE_CLAIMED BIT(0) /* somebody sees to it */
#define KST_LIVE_ASKED BIT(1) /* asked is valid; of own finds kind and since, too */
#define KST_LIVE_STACK BIT(2) /* context, task and stack are valid */
#define KST_LIVE_TOLD BIT(3) /* there was a begin */
#define KST_LIVE_LOGGED BIT(4) /* there was a line in the kernel log */
#define KST_LIVE_HELD_BACK BIT(5) /* the begin had to wait for the rate limit, or for room */
#define KST_LIVE_FLAGS GENMASK(7, 0)

/**
 * kst_live_claimed() - whether a stall is thought to last
 * @live: which
 *
 * Return: true or false.
 */
static inline bool kst_live_claimed(struct kst_live *live)
{
	return atomic64_read(&live->state) & KST_LIVE_CLAIMED;
}

bool kst_live_watch_others(struct kst_heart *heart, u64 now);

/**
 * kst_live_watch() - look at the next CPUs, up to one that watches on
 * @heart: this CPU's
 * @now: CLOCK_MONOTONIC
 *
 * Context: hard interrupt.
 *
 * Return: whether something is wrong with one of them, so that this CPU should look again soon.
 */
static inline bool kst_live_watch(struct kst_heart *heart, u64 now)
{
	return num_online_cpus() > 1 && kst_live_watch_others(heart, now);
}

void kst_live_own(struct kst_heart *heart, u32 kind, u64 since, struct pt_regs *regs);
void kst_live_end(struct kst_heart *heart, enum kst_live_nr nr, struct kst_record *rec);
bool kst_live_drop(struct kst_heart *heart, enum kst_live_nr nr);
void kst_live_fill(struct kst_heart *heart, struct pt_regs *regs);
void kst_live_log(const struct kst_logged *rec);

/* What the architecture has to give. */
#ifdef CONFIG_X86_LOCAL_APIC
/*
 * How long a beginning waits for its stack. An NMI comes at once, except to a CPU that a hypervisor
 * has taken away for the moment; and for a CPU that never comes back it is the only word.
 */
#define KST_LIVE_PATIENCE_NS (100 * NSEC_PER_MSEC)

int kst_live_arch_init(void);
void kst_live_arch_exit(void);
void kst_live_arch_ask(struct kst_heart *target);
#else
/* No NMI that a module can send: stalls with interrupts off are told without stack, and at once. */
#define KST_LIVE_PATIENCE_NS 0

static inline int kst_live_arch_init(void)
{
	return 0;
}

static inline void kst_live_arch_exit(void)
{
}

static inline void kst_live_arch_ask(struct kst_heart *target)
{
}
#endif

#endif /* KST_LIVE_H */
