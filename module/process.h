/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Processes one after another, and how many mappings each has.
 */
#ifndef KST_PROCESS_H
#define KST_PROCESS_H

#include "event.h"

struct task_struct;

/**
 * struct kst_process - a process as it is met
 * @task: its leader, or a thread that lives if the leader has exited; NULL: there is none
 * @tgid: process id in the initial pid namespace
 * @count: its mappings
 * @start: when it was started, CLOCK_BOOTTIME in ns; tells it from others of the same id
 */
struct kst_process {
	struct task_struct *task;
	u32 tgid;
	u32 count;
	u64 start;
};

bool kst_process_step(int *pid, struct kst_process *process);
void kst_process_task(const struct kst_process *process, struct kst_task *task);

#endif /* KST_PROCESS_H */
