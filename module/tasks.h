/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How many mappings each process has.
 */
#ifndef KST_TASKS_H
#define KST_TASKS_H

#include "event.h"

/**
 * struct kst_counted - a process and its mappings
 * @task: the process
 * @vma: its mappings
 * @start: when the process was started, CLOCK_BOOTTIME in ns
 * @time_boot: when they were counted, likewise
 */
struct kst_counted {
	struct kst_task task;
	struct kst_vma vma;
	u64 start;
	u64 time_boot;
};

/**
 * struct kst_tasks_stats - what the sweeps have seen
 * @limit: vm.max_map_count; 0: it could not be read
 * @sweeps: how many are complete
 * @sweep_time: how long the last one worked, in ns
 * @sweep_tasks: processes that it met
 * @slice_longest: longest time without a chance to reschedule of all, in ns
 * @untracked: times that a process near the limit was not told of, for lack of room
 * @memory: bytes allocated
 */
struct kst_tasks_stats {
	u32 limit;
	u64 sweeps;
	u64 sweep_time;
	u32 sweep_tasks;
	u64 slice_longest;
	u64 untracked;
	u64 memory;
};

int kst_tasks_init(void);
void kst_tasks_exit(void);
void kst_tasks_retune(void);
void kst_tasks_stats(struct kst_tasks_stats *st);
bool kst_tasks_kept(unsigned int nr, struct kst_counted *counted, u32 *sweep);
bool kst_tasks_next(u32 *tgid, struct kst_counted *counted);

#endif /* KST_TASKS_H */
