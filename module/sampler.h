/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What looks at something every now and then, as a task.
 */
#ifndef KST_SAMPLER_H
#define KST_SAMPLER_H

#include <linux/irq_work.h>
#include <linux/types.h>
#include <linux/workqueue.h>

/**
 * struct kst_sampler - a sampler
 * @sample: takes a sample; returns the time until the next one, in ms
 * @urgent: it is short, and goes before what the host does for its users
 * @work: calls @sample
 * @kick: queues @work at once
 * @late: when a beat does so if it has not run by then, CLOCK_MONOTONIC in ns
 * @on: between kst_sampler_start() and kst_sampler_stop()
 *
 * Only @sample and @urgent are the owner's to set.
 */
struct kst_sampler {
	u32 (*sample)(void);
	bool urgent;
	struct delayed_work work;
	struct irq_work kick;
	u64 late;
	bool on;
};

int kst_samplers_init(void);
void kst_samplers_exit(void);
void kst_samplers_see(u64 now);

extern u64 kst_samplers_late;

/**
 * kst_samplers_look() - see to samples that are late
 * @now: CLOCK_MONOTONIC in ns
 *
 * Context: hard interrupt.
 */
static inline void kst_samplers_look(u64 now)
{
	if (unlikely(now > READ_ONCE(kst_samplers_late)))
		kst_samplers_see(now);
}

void kst_sampler_start(struct kst_sampler *sampler, u32 ms);
void kst_sampler_stop(struct kst_sampler *sampler);
void kst_sampler_within(struct kst_sampler *sampler, u32 ms);

#endif /* KST_SAMPLER_H */
