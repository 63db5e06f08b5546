/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tasks that have to reclaim memory themselves, and victims of the OOM killer.
 */
#ifndef KST_RECLAIM_H
#define KST_RECLAIM_H

#include "event.h"
#include "histogram.h"

/**
 * struct kst_reclaim_stats - what could not be told of reclaim
 * @untimed: times in reclaim that were not measured, for lack of room
 * @throttled: times that a task in reclaim was made to wait
 * @memory: bytes allocated
 */
struct kst_reclaim_stats {
	u64 untimed;
	u64 throttled;
	u64 memory;
};

int kst_reclaim_init(void);
void kst_reclaim_exit(void);
void kst_reclaim_start(void);
void kst_reclaim_stop(void);
void kst_reclaim_stats(struct kst_reclaim_stats *st);
const char *kst_reclaim_missing(unsigned int nr);
bool kst_reclaim_time(unsigned int cpu, u32 scope, struct kst_histogram *histogram);

#endif /* KST_RECLAIM_H */
