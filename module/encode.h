/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_ENCODE_H
#define KST_ENCODE_H

#include <linux/skbuff.h>

#include "event.h"
#include "eventlog.h"
#include "heartbeat.h"
#include "history.h"
#include "reclaim.h"
#include "tasks.h"
#include "tunables.h"
#include "zones.h"

/* No event needs more, headers included. */
#define KST_EVENT_MSG_MAX 8192

/**
 * struct kst_status - state of the module
 * @watched: CPUs with a heartbeat
 * @backed_off: those of them that are idle and beat seldom
 * @excluded: online CPUs without
 * @hearts: sums over all CPUs
 * @logs: likewise
 * @history: the history
 * @loaded_boot: when the module was loaded, CLOCK_BOOTTIME in ns
 * @samplers: bytes that they hold
 * @unsent: notifications that could not be allocated
 * @subscribers: 0 if nobody listens, else at least this many
 */
struct kst_status {
	u32 watched;
	u32 backed_off;
	u32 excluded;
	struct kst_heartbeat_stats hearts;
	struct kst_eventlog_stats logs;
	struct kst_history_stats history;
	u64 loaded_boot;
	u64 samplers;
	u64 unsent;
	u32 subscribers;
};

/**
 * struct kst_memory - memory, and what watches it
 * @host: as last sampled
 * @reclaim: tasks that reclaim
 * @tasks: the sweeps
 */
struct kst_memory {
	struct kst_host_memory host;
	struct kst_reclaim_stats reclaim;
	struct kst_tasks_stats tasks;
};

int kst_put_task(struct sk_buff *skb, int type, const struct kst_task *task);
int kst_put_buckets(struct sk_buff *skb, int type, const struct kst_histogram *histogram);
int kst_put_zone(struct sk_buff *skb, int type, const struct kst_zone *zone);
int kst_put_zone_event(struct sk_buff *skb, const struct kst_logged *rec);
int kst_put_reclaim_event(struct sk_buff *skb, const struct kst_logged *rec);
int kst_put_vma_event(struct sk_buff *skb, const struct kst_logged *rec);

size_t kst_encode_size(const struct kst_logged *rec);
int kst_encode_event(struct sk_buff *skb, const struct kst_logged *rec);
int kst_encode_status(struct sk_buff *skb, const struct kst_status *status);
int kst_encode_cpu(struct sk_buff *skb, unsigned int cpu, const struct kst_heartbeat_stats *heart,
		   const struct kst_eventlog_stats *log);
int kst_encode_histogram(struct sk_buff *skb, unsigned int cpu, u32 kind,
			 const struct kst_histogram *histogram, u64 since);
int kst_encode_zone(struct sk_buff *skb, const struct kst_zone *zone, u64 time_boot);
int kst_encode_counted(struct sk_buff *skb, const struct kst_counted *counted);
int kst_encode_memory(struct sk_buff *skb, const struct kst_memory *memory);
int kst_encode_reclaim_time(struct sk_buff *skb, unsigned int cpu, u32 scope,
			    const struct kst_histogram *histogram);
int kst_encode_tunable(struct sk_buff *skb, const struct kst_tunable *tunable);

#endif /* KST_ENCODE_H */
