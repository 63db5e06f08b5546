/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_HEARTBEAT_H
#define KST_HEARTBEAT_H

#include "heart.h"
#include "tunables.h"

/**
 * struct kst_heartbeat_stats - a CPU's heartbeat
 * @state: enum kstallmon_cpu_state
 * @gap: time from its last beat to the next, in ns; 0 without heartbeat
 * @beats: beats so far
 * @beat_time: ns spent in them
 * @stalls: those that were long enough
 * @longest: the longest of those, in ns
 * @deferred: times that softirqs waited for ksoftirqd
 * @pending: stalls over and not yet told
 * @memory: bytes
 */
struct kst_heartbeat_stats {
	u32 state;
	u64 gap;
	u64 beats;
	u64 beat_time;
	u64 stalls;
	u64 longest;
	u64 deferred;
	u32 pending;
	u64 memory;
};

/**
 * kst_heartbeat_watched() - whether a CPU has a heartbeat
 * @st: its
 *
 * Return: true or false.
 */
static inline bool kst_heartbeat_watched(const struct kst_heartbeat_stats *st)
{
	return st->state <= KSTALLMON_CPU_STATE_BACKED_OFF;
}

int kst_heartbeat_init(void);
int kst_heartbeat_start(void);
void kst_heartbeat_stop(void);
void kst_heartbeat_exit(void);

/**
 * kst_heartbeat_period() - time between the beats of a CPU that is not idle
 *
 * Return: ns.
 */
static inline u64 kst_heartbeat_period(void)
{
	return (u64)kst_tunable(period) * NSEC_PER_MSEC;
}

bool kst_heartbeat_kick(unsigned int cpu);
void kst_heartbeat_hasten(struct kst_heart *heart);
void kst_heartbeat_stats(unsigned int cpu, struct kst_heartbeat_stats *st);

#endif /* KST_HEARTBEAT_H */
