/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_STALL_H
#define KST_STALL_H

#include <linux/kernel_stat.h>

#include "heart.h"

struct kst_record *kst_stall_end(struct kst_heart *heart, u32 kind, u64 duration_min,
				 u64 duration_max, u64 steal);
void kst_stall_judge(struct kst_heart *heart, u64 steal);

/**
 * kst_stall_steal() - steal time of this CPU so far
 *
 * Return: ns.
 */
static inline u64 kst_stall_steal(void)
{
	return kcpustat_this_cpu->cpustat[CPUTIME_STEAL];
}

void kst_histogram_read(unsigned int cpu, u32 kind, struct kst_histogram *histogram);
void kst_histogram_reset(void);
u64 kst_histogram_since(void);

#endif /* KST_STALL_H */
