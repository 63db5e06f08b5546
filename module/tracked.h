/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is remembered of processes from one sweep to the next: those near their limit, and those
 * with the most mappings.
 */
#ifndef KST_TRACKED_H
#define KST_TRACKED_H

#include <linux/list.h>

#include "vma_state.h"

/* How many near their limit can be remembered. */
#define KST_NEAR_MAX 1024

/**
 * struct kst_tracked - what is remembered of a process
 * @node: in the table, or among those free
 * @tgid: process id
 * @start: when it was started; with @tgid it means one process
 * @state: enum kstallmon_vma_state as last counted
 * @told: the state that was told of last; ok at the beginning
 * @met: the sweep that met it last
 * @kept: the last sweep after which it was among those with the most mappings
 * @growth: how fast it gains mappings
 */
struct kst_tracked {
	struct hlist_node node;
	u32 tgid;
	u32 state;
	u32 told;
	u32 met;
	u32 kept;
	u64 start;
	struct kst_growth growth;
};

int kst_tracked_room(u32 keep);
size_t kst_tracked_memory(void);
void kst_tracked_exit(void);
struct kst_tracked *kst_tracked_find(u32 tgid, u64 start);
struct kst_tracked *kst_tracked_add(u32 tgid, u64 start, u32 count, u64 now);
void kst_tracked_count(struct kst_tracked *tracked, u32 state, u32 count, u64 now, u64 window);
bool kst_tracked_forget(unsigned int *cursor, u32 sweep);
bool kst_tracked_get(u32 tgid, u64 start, struct kst_tracked *copy);

#endif /* KST_TRACKED_H */
