/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a process's mappings mean: how near their limit, and how fast they come nearer. Knows of
 * nothing else, so that it can be tested in user space.
 */
#ifndef KST_VMA_STATE_H
#define KST_VMA_STATE_H

#include <linux/kstallmon.h>
#include <linux/types.h>

#ifndef __KERNEL__
#include <stdbool.h>
typedef __u32 u32;
typedef __u64 u64;
typedef __s64 s64;
#endif

/**
 * struct kst_growth - how fast a process gains mappings
 * @count: mappings at @last
 * @first: when they were first counted, in ns
 * @last: when they were last counted, in ns
 * @rate: mappings gained per 1000 s, smoothed; not known while @last is @first
 */
struct kst_growth {
	u32 count;
	u64 first;
	u64 last;
	s64 rate;
};

u32 kst_vma_state(u32 count, u32 limit, u32 before);
void kst_growth_begin(struct kst_growth *growth, u32 count, u64 now);
void kst_growth_add(struct kst_growth *growth, u32 count, u64 now, u64 window);
bool kst_growth_known(const struct kst_growth *growth);
u64 kst_time_to_limit(u32 count, u32 limit, s64 rate);

#endif /* KST_VMA_STATE_H */
