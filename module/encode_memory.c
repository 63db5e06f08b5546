// SPDX-License-Identifier: GPL-2.0
/*
 * Records about memory to netlink attributes.
 */
#include <linux/mm.h>
#include <net/netlink.h>

#include "encode.h"

/**
 * kst_put_zone() - write a zone
 * @skb: message
 * @type: attribute that nests it
 * @zone: the zone
 *
 * Return: 0, or -EMSGSIZE if @skb is full.
 */
int kst_put_zone(struct sk_buff *skb, int type, const struct kst_zone *zone)
{
	const int pad = KSTALLMON_A_ZONE_PAD;
	struct nlattr *nest = nla_nest_start(skb, type);

	if (!nest || nla_put_u32(skb, KSTALLMON_A_ZONE_NODE, zone->node) ||
	    nla_put_string(skb, KSTALLMON_A_ZONE_NAME, zone->name) ||
	    nla_put_u32(skb, KSTALLMON_A_ZONE_STATE, zone->state) ||
	    (zone->before && nla_put_u32(skb, KSTALLMON_A_ZONE_BEFORE, zone->before)) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_ZONE_SINCE_BOOT, zone->since_boot, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_ZONE_FREE, zone->free, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_ZONE_MIN, zone->min, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_ZONE_LOW, zone->low, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_ZONE_HIGH, zone->high, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_ZONE_BOOST, zone->boost, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_ZONE_MANAGED, zone->managed, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_ZONE_PRESENT, zone->present, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_ZONE_PROTECTION, zone->protection, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_ZONE_OTHER_NODE_FREE, zone->other_node_free, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_ZONE_CHANGES, zone->changes, pad) ||
	    (zone->reserved && nla_put_flag(skb, KSTALLMON_A_ZONE_RESERVED)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int kst_put_reclaim(struct sk_buff *skb, int type, const struct kst_reclaim *reclaim)
{
	const int pad = KSTALLMON_A_RECLAIM_PAD;
	struct nlattr *nest = nla_nest_start(skb, type);

	if (!nest || nla_put_u64_64bit(skb, KSTALLMON_A_RECLAIM_WINDOW, reclaim->window, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_RECLAIM_PGSCAN_KSWAPD, reclaim->pgscan_kswapd,
			      pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_RECLAIM_PGSCAN_DIRECT, reclaim->pgscan_direct,
			      pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_RECLAIM_PGSTEAL_KSWAPD, reclaim->pgsteal_kswapd,
			      pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_RECLAIM_PGSTEAL_DIRECT, reclaim->pgsteal_direct,
			      pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_RECLAIM_ALLOCSTALL, reclaim->allocstall, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_RECLAIM_COMPACT_STALL, reclaim->compact_stall,
			      pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_RECLAIM_OOM_KILL, reclaim->oom_kill, pad))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int kst_put_vma(struct sk_buff *skb, int type, const struct kst_vma *vma)
{
	const int pad = KSTALLMON_A_VMA_PAD;
	struct nlattr *nest = nla_nest_start(skb, type);

	if (!nest || nla_put_u32(skb, KSTALLMON_A_VMA_COUNT, vma->count) ||
	    (vma->limit && nla_put_u32(skb, KSTALLMON_A_VMA_LIMIT, vma->limit)) ||
	    (vma->state && nla_put_u32(skb, KSTALLMON_A_VMA_STATE, vma->state)) ||
	    (vma->before && nla_put_u32(skb, KSTALLMON_A_VMA_BEFORE, vma->before)) ||
	    (vma->grows && nla_put_s64(skb, KSTALLMON_A_VMA_GROWTH, vma->growth, pad)) ||
	    (vma->time_to_limit &&
	     nla_put_u64_64bit(skb, KSTALLMON_A_VMA_TIME_TO_LIMIT, vma->time_to_limit, pad)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/**
 * kst_put_zone_event() - write what is zone-state's and oom-kill's own
 * @skb: message
 * @rec: the event
 *
 * Return: 0, or not 0 if @skb is full.
 */
int kst_put_zone_event(struct sk_buff *skb, const struct kst_logged *rec)
{
	u32 i;

	if (rec->ev.type == KSTALLMON_EVENT_TYPE_OOM_KILL &&
	    kst_put_task(skb, KSTALLMON_A_EVENT_TASK, &rec->ev.task))
		return -EMSGSIZE;
	for (i = 0; i < rec->zones.nr; i++)
		if (kst_put_zone(skb, KSTALLMON_A_EVENT_ZONE, &rec->zones.zone[i]))
			return -EMSGSIZE;
	return kst_put_reclaim(skb, KSTALLMON_A_EVENT_RECLAIM, &rec->zones.reclaim);
}

/**
 * kst_put_reclaim_event() - write what is reclaim-stall's own
 * @skb: message
 * @rec: the event
 *
 * Return: 0, or not 0 if @skb is full.
 */
int kst_put_reclaim_event(struct sk_buff *skb, const struct kst_logged *rec)
{
	const struct kst_reclaim_stall *reclaim = &rec->ev.reclaim;
	const int pad = KSTALLMON_A_EVENT_PAD;

	return kst_put_task(skb, KSTALLMON_A_EVENT_TASK, &rec->ev.task) ||
	       nla_put_u32(skb, KSTALLMON_A_EVENT_SCOPE, reclaim->scope) ||
	       nla_put_u32(skb, KSTALLMON_A_EVENT_ORDER, reclaim->order) ||
	       nla_put_u64_64bit(skb, KSTALLMON_A_EVENT_DURATION, reclaim->duration, pad) ||
	       nla_put_u64_64bit(skb, KSTALLMON_A_EVENT_RECLAIMED, reclaim->reclaimed, pad);
}

/**
 * kst_put_vma_event() - write what is vma-state's own
 * @skb: message
 * @rec: the event
 *
 * Return: 0, or not 0 if @skb is full.
 */
int kst_put_vma_event(struct sk_buff *skb, const struct kst_logged *rec)
{
	return kst_put_task(skb, KSTALLMON_A_EVENT_TASK, &rec->ev.task) ||
	       kst_put_vma(skb, KSTALLMON_A_EVENT_VMA, &rec->ev.vma);
}

/**
 * kst_encode_zone() - write a zone as an answer
 * @skb: message that its header was put to
 * @zone: the zone
 * @time_boot: when it was sampled, CLOCK_BOOTTIME in ns
 *
 * Return: 0, or -EMSGSIZE if @skb is full.
 */
int kst_encode_zone(struct sk_buff *skb, const struct kst_zone *zone, u64 time_boot)
{
	if (nla_put_u64_64bit(skb, KSTALLMON_A_MEMORY_TIME_BOOT, time_boot, KSTALLMON_A_MEMORY_PAD))
		return -EMSGSIZE;
	return kst_put_zone(skb, KSTALLMON_A_MEMORY_ZONE, zone);
}

/**
 * kst_encode_counted() - write a process and its mappings as an answer
 * @skb: message that its header was put to
 * @counted: the process
 *
 * Return: 0, or -EMSGSIZE if @skb is full.
 */
int kst_encode_counted(struct sk_buff *skb, const struct kst_counted *counted)
{
	const int pad = KSTALLMON_A_MEMORY_PAD;

	if (nla_put_u64_64bit(skb, KSTALLMON_A_MEMORY_TIME_BOOT, counted->time_boot, pad) ||
	    kst_put_task(skb, KSTALLMON_A_MEMORY_TASK, &counted->task))
		return -EMSGSIZE;
	return kst_put_vma(skb, KSTALLMON_A_MEMORY_VMA, &counted->vma);
}

/**
 * kst_encode_memory() - write the state of memory and of its samplers
 * @skb: message that its header was put to
 * @memory: the state
 *
 * Return: 0, or -EMSGSIZE if @skb is full.
 */
int kst_encode_memory(struct sk_buff *skb, const struct kst_memory *memory)
{
	const struct kst_host_memory *host = &memory->host;
	const struct kst_tasks_stats *tasks = &memory->tasks;
	const int pad = KSTALLMON_A_MEMORY_PAD;
	const char *name;
	unsigned int i;

	if (nla_put_u64_64bit(skb, KSTALLMON_A_MEMORY_TIME_BOOT, host->time_boot, pad) ||
	    kst_put_reclaim(skb, KSTALLMON_A_MEMORY_RECLAIM, &host->reclaim) ||
	    nla_put_u32(skb, KSTALLMON_A_MEMORY_PAGE_SIZE, PAGE_SIZE) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_MEMORY_TOTAL, host->total, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_MEMORY_SLAB_RECLAIMABLE, host->slab_reclaimable,
			      pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_MEMORY_SLAB_UNRECLAIMABLE, host->slab_unreclaimable,
			      pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_MEMORY_COMMITTED, host->committed, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_MEMORY_UNTIMED, memory->reclaim.untimed, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_MEMORY_THROTTLED, memory->reclaim.throttled, pad) ||
	    (tasks->limit && nla_put_u32(skb, KSTALLMON_A_MEMORY_MAX_MAP_COUNT, tasks->limit)) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_MEMORY_SWEEPS, tasks->sweeps, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_MEMORY_SWEEP_TIME, tasks->sweep_time, pad) ||
	    nla_put_u32(skb, KSTALLMON_A_MEMORY_SWEEP_TASKS, tasks->sweep_tasks) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_MEMORY_SLICE_LONGEST, tasks->slice_longest, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_MEMORY_UNTRACKED, tasks->untracked, pad))
		return -EMSGSIZE;
	for (i = 0; (name = kst_reclaim_missing(i)); i++)
		if (nla_put_string(skb, KSTALLMON_A_MEMORY_MISSING, name))
			return -EMSGSIZE;
	return 0;
}

/**
 * kst_encode_reclaim_time() - write how long tasks were in reclaim
 * @skb: message that its header was put to
 * @cpu: where it ended
 * @scope: enum kstallmon_reclaim_scope
 * @histogram: the durations
 *
 * Return: 0, or -EMSGSIZE if @skb is full.
 */
int kst_encode_reclaim_time(struct sk_buff *skb, unsigned int cpu, u32 scope,
			    const struct kst_histogram *histogram)
{
	const int pad = KSTALLMON_A_RECLAIM_TIME_PAD;

	if (nla_put_u32(skb, KSTALLMON_A_RECLAIM_TIME_CPU, cpu) ||
	    nla_put_u32(skb, KSTALLMON_A_RECLAIM_TIME_SCOPE, scope) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_RECLAIM_TIME_COUNT, histogram->count, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_RECLAIM_TIME_TIME, histogram->time, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_RECLAIM_TIME_LONGEST, histogram->longest, pad))
		return -EMSGSIZE;
	return kst_put_buckets(skb, KSTALLMON_A_RECLAIM_TIME_BUCKET, histogram);
}
