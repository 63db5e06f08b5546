/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_HEARTBEAT_H
#define KST_HEARTBEAT_H

#include <linux/types.h>

/**
 * struct kst_heartbeat_stats - a CPU's heartbeat
 * @watched: whether it beats now
 * @beats: beats so far
 * @beat_time: ns spent in them
 * @stalls: late ones above the threshold
 * @longest: the largest lateness of those, in ns
 */
struct kst_heartbeat_stats {
	bool watched;
	u64 beats;
	u64 beat_time;
	u64 stalls;
	u64 longest;
};

int kst_heartbeat_init(void);
void kst_heartbeat_exit(void);
void kst_heartbeat_stats(unsigned int cpu, struct kst_heartbeat_stats *st);

#endif /* KST_HEARTBEAT_H */
