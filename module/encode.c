// SPDX-License-Identifier: GPL-2.0
/*
 * Records to netlink attributes: one function for each event type, in a table, and one for
 * each of the answers that tell of state.
 */
#include <linux/ktime.h>
#include <net/netlink.h>

#include "encode.h"
#include "netlink.h"
#include "watched.h"

static int kst_put_u64(struct sk_buff *skb, int type, u64 value)
{
	return nla_put_u64_64bit(skb, type, value, KSTALLMON_A_EVENT_PAD);
}

/**
 * kst_put_task() - write a task
 * @skb: message
 * @type: attribute that nests it
 * @task: the task
 *
 * Return: 0, or -EMSGSIZE if @skb is full.
 */
int kst_put_task(struct sk_buff *skb, int type, const struct kst_task *task)
{
	struct nlattr *nest = nla_nest_start(skb, type);

	if (!nest || nla_put_string(skb, KSTALLMON_A_TASK_COMM, task->comm) ||
	    nla_put_u32(skb, KSTALLMON_A_TASK_PID, task->pid) ||
	    nla_put_u32(skb, KSTALLMON_A_TASK_TGID, task->tgid) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_TASK_CGROUP_ID, task->cgroup_id,
			      KSTALLMON_A_TASK_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int kst_put_stack(struct sk_buff *skb, int type, const struct kst_names *names,
			 enum kst_stack_nr which)
{
	const char *name = names->text;
	struct nlattr *nest;
	unsigned int i, before = which == KST_STACK_END ? names->nr[KST_STACK_LIVE] : 0;

	if (!names->nr[which])
		return 0;
	nest = nla_nest_start(skb, type);
	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < before + names->nr[which]; i++) {
		if (i >= before && nla_put_string(skb, KSTALLMON_A_STACK_FRAME, name))
			return -EMSGSIZE;
		name += strlen(name) + 1;
	}
	if (names->truncated[which] && nla_put_flag(skb, KSTALLMON_A_STACK_TRUNCATED))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int kst_put_stall(struct sk_buff *skb, const struct kst_logged *rec)
{
	const struct kst_stall *stall = &rec->ev.stall;

	return nla_put_u32(skb, KSTALLMON_A_EVENT_KIND, stall->kind) ||
	       kst_put_u64(skb, KSTALLMON_A_EVENT_STALL_ID, stall->id) ||
	       kst_put_u64(skb, KSTALLMON_A_EVENT_DURATION_MIN, stall->duration_min) ||
	       (stall->duration_max &&
		kst_put_u64(skb, KSTALLMON_A_EVENT_DURATION_MAX, stall->duration_max)) ||
	       (stall->class && nla_put_u32(skb, KSTALLMON_A_EVENT_CLASS, stall->class)) ||
	       (stall->steal && kst_put_u64(skb, KSTALLMON_A_EVENT_STEAL, stall->steal)) ||
	       (stall->watcher != KST_NO_CPU &&
		nla_put_u32(skb, KSTALLMON_A_EVENT_WATCHER, stall->watcher)) ||
	       (stall->context && (nla_put_u32(skb, KSTALLMON_A_EVENT_CONTEXT, stall->context) ||
				   kst_put_task(skb, KSTALLMON_A_EVENT_TASK, &rec->ev.task))) ||
	       kst_put_stack(skb, KSTALLMON_A_EVENT_LIVE_STACK, &rec->names, KST_STACK_LIVE) ||
	       kst_put_stack(skb, KSTALLMON_A_EVENT_STACK, &rec->names, KST_STACK_END);
}

/* Puts what is a type's own; returns 0, or not 0 if @skb is full. */
static int (*const kst_put_type[])(struct sk_buff *skb, const struct kst_logged *rec) = {
	[KSTALLMON_EVENT_TYPE_STALL_END] = kst_put_stall,
	[KSTALLMON_EVENT_TYPE_STALL_BEGIN] = kst_put_stall,
	[KSTALLMON_EVENT_TYPE_ZONE_STATE] = kst_put_zone_event,
	[KSTALLMON_EVENT_TYPE_RECLAIM_STALL] = kst_put_reclaim_event,
	[KSTALLMON_EVENT_TYPE_OOM_KILL] = kst_put_zone_event,
	[KSTALLMON_EVENT_TYPE_VMA_STATE] = kst_put_vma_event,
};

static_assert(ARRAY_SIZE(kst_put_type) == KST_NR_TYPES);

/* Nests with as many numbers as they can have, all as wide as can be. */
#define KST_NEST_SIZE(max) (NLA_HDRLEN + (max) * (NLA_HDRLEN + NLA_HDRLEN + sizeof(u64)))
#define KST_ZONE_SIZE KST_NEST_SIZE(KSTALLMON_A_ZONE_MAX)
#define KST_RECLAIM_SIZE KST_NEST_SIZE(KSTALLMON_A_RECLAIM_MAX)
#define KST_VMA_SIZE KST_NEST_SIZE(KSTALLMON_A_VMA_MAX)

/**
 * kst_encode_size() - room that an event's attributes need at most
 * @rec: the event
 *
 * Return: bytes, less than KST_EVENT_MSG_MAX.
 */
size_t kst_encode_size(const struct kst_logged *rec)
{
	/* Every attribute of an event and of its task counts as the widest number there is. */
	size_t size = (KSTALLMON_A_EVENT_MAX + KSTALLMON_A_TASK_MAX) * nla_total_size_64bit(8) +
		      nla_total_size(TASK_COMM_LEN);
	unsigned int i;

	switch (rec->ev.type) {
	case KSTALLMON_EVENT_TYPE_ZONE_STATE:
	case KSTALLMON_EVENT_TYPE_OOM_KILL:
		return size + KST_RECLAIM_SIZE + rec->zones.nr * KST_ZONE_SIZE;
	case KSTALLMON_EVENT_TYPE_RECLAIM_STALL:
	case KSTALLMON_EVENT_TYPE_VMA_STATE:
		return size + KST_VMA_SIZE;
	}
	/* A string's attribute adds its header and less than NLA_ALIGNTO of padding. */
	for (i = 0; i < KST_NR_STACKS; i++)
		size += rec->names.nr[i] * (NLA_HDRLEN + NLA_ALIGNTO) + 2 * NLA_HDRLEN;
	return size + rec->names.len;
}

/**
 * kst_encode_event() - write an event's attributes
 * @skb: message that its header was put to
 * @rec: the event
 *
 * Return: 0, or -EMSGSIZE if @skb is full, with part of them written.
 */
int kst_encode_event(struct sk_buff *skb, const struct kst_logged *rec)
{
	const struct kst_event *ev = &rec->ev;

	BUILD_BUG_ON(sizeof(struct kst_logged) +
			     KST_NR_STACKS * KST_FRAMES_MAX * (NLA_HDRLEN + NLA_ALIGNTO) +
			     (KSTALLMON_A_EVENT_MAX + KSTALLMON_A_TASK_MAX + 8) * 16 >
		     KST_EVENT_MSG_MAX);

	BUILD_BUG_ON(KST_ZONES_MAX * KST_ZONE_SIZE + KST_RECLAIM_SIZE +
			     (KSTALLMON_A_EVENT_MAX + KSTALLMON_A_TASK_MAX + 8) * 16 >
		     KST_EVENT_MSG_MAX);

	if (nla_put_u32(skb, KSTALLMON_A_EVENT_INSTANCE, kst_instance()) ||
	    kst_put_u64(skb, KSTALLMON_A_EVENT_SEQ, rec->seq) ||
	    nla_put_u32(skb, KSTALLMON_A_EVENT_TYPE, ev->type) ||
	    kst_put_u64(skb, KSTALLMON_A_EVENT_TIME_BOOT, ev->time_boot) ||
	    kst_put_u64(skb, KSTALLMON_A_EVENT_TIME_REAL, ev->time_real) ||
	    (ev->cpu != KST_NO_CPU && nla_put_u32(skb, KSTALLMON_A_EVENT_CPU, ev->cpu)) ||
	    (ev->dropped && kst_put_u64(skb, KSTALLMON_A_EVENT_DROPPED, ev->dropped)) ||
	    (ev->suppressed &&
	     (kst_put_u64(skb, KSTALLMON_A_EVENT_SUPPRESSED, ev->suppressed) ||
	      kst_put_u64(skb, KSTALLMON_A_EVENT_SUPPRESSED_LONGEST, ev->suppressed_longest))) ||
	    kst_put_type[ev->type](skb, rec))
		return -EMSGSIZE;
	return 0;
}

/**
 * kst_encode_status() - write the module's state
 * @skb: message that its header was put to
 * @status: the state
 *
 * Return: 0, or -EMSGSIZE if @skb is full.
 */
int kst_encode_status(struct sk_buff *skb, const struct kst_status *status)
{
	const int pad = KSTALLMON_A_STATUS_PAD;

	if (nla_put_string(skb, KSTALLMON_A_STATUS_VERSION, KST_VERSION) ||
	    nla_put_u32(skb, KSTALLMON_A_STATUS_INSTANCE, kst_instance()) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_STATUS_TIME_BOOT, ktime_get_boottime_ns(), pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_STATUS_TIME_REAL, ktime_get_real_ns(), pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_STATUS_LOADED_BOOT, status->loaded_boot, pad) ||
	    nla_put_u32(skb, KSTALLMON_A_STATUS_WATCHED, status->watched) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_STATUS_BEATS, status->hearts.beats, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_STATUS_BEAT_TIME, status->hearts.beat_time, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_STATUS_STALLS, status->hearts.stalls, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_STATUS_NUMBERED, status->history.numbered, pad) ||
	    nla_put_u32(skb, KSTALLMON_A_STATUS_HISTORY_SIZE, status->history.size) ||
	    nla_put_u32(skb, KSTALLMON_A_STATUS_HISTORY_HELD, status->history.held) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_STATUS_OVERWRITTEN, status->history.overwritten,
			      pad) ||
	    nla_put_u32(skb, KSTALLMON_A_STATUS_QUEUED,
			status->logs.queued + status->hearts.pending) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_STATUS_DROPPED, status->logs.dropped, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_STATUS_SUPPRESSED, status->logs.suppressed, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_STATUS_UNSENT, status->unsent, pad) ||
	    nla_put_u32(skb, KSTALLMON_A_STATUS_SUBSCRIBERS, status->subscribers) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_STATUS_MEMORY,
			      status->history.memory + status->logs.memory + status->hearts.memory +
				      status->samplers,
			      pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_STATUS_MEMORY_HISTORY, status->history.memory,
			      pad) ||
	    nla_put_u32(skb, KSTALLMON_A_STATUS_BACKED_OFF, status->backed_off) ||
	    nla_put_u32(skb, KSTALLMON_A_STATUS_EXCLUDED, status->excluded))
		return -EMSGSIZE;
	return 0;
}

/**
 * kst_encode_cpu() - write the state of a CPU
 * @skb: message that its header was put to
 * @cpu: which
 * @heart: its heartbeat
 * @log: its queue
 *
 * Return: 0, or -EMSGSIZE if @skb is full.
 */
int kst_encode_cpu(struct sk_buff *skb, unsigned int cpu, const struct kst_heartbeat_stats *heart,
		   const struct kst_eventlog_stats *log)
{
	const int pad = KSTALLMON_A_CPU_PAD;

	if (nla_put_u32(skb, KSTALLMON_A_CPU_CPU, cpu) ||
	    nla_put_u32(skb, KSTALLMON_A_CPU_WATCHED, kst_heartbeat_watched(heart)) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_CPU_BEATS, heart->beats, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_CPU_BEAT_TIME, heart->beat_time, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_CPU_STALLS, heart->stalls, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_CPU_LONGEST, heart->longest, pad) ||
	    nla_put_u32(skb, KSTALLMON_A_CPU_QUEUED, log->queued + heart->pending) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_CPU_DROPPED, log->dropped, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_CPU_SUPPRESSED, log->suppressed, pad) ||
	    nla_put_u32(skb, KSTALLMON_A_CPU_STATE, heart->state) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_CPU_GAP, heart->gap, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_CPU_DEFERRED, heart->deferred, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_CPU_MEMORY, heart->memory + log->memory, pad))
		return -EMSGSIZE;
	return 0;
}

static int kst_put_bucket(struct sk_buff *skb, int type, unsigned int i, u64 count)
{
	struct nlattr *nest = nla_nest_start(skb, type);
	u64 from = i ? NSEC_PER_MSEC << i : 0;

	if (!nest ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_BUCKET_FROM, from, KSTALLMON_A_BUCKET_PAD) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_BUCKET_COUNT, count, KSTALLMON_A_BUCKET_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/**
 * kst_put_buckets() - write what a histogram has counted
 * @skb: message
 * @type: attribute that nests a bucket
 * @histogram: the histogram
 *
 * Return: 0, or -EMSGSIZE if @skb is full.
 */
int kst_put_buckets(struct sk_buff *skb, int type, const struct kst_histogram *histogram)
{
	unsigned int i;

	for (i = 0; i < KST_BUCKETS; i++)
		if (histogram->bucket[i] && kst_put_bucket(skb, type, i, histogram->bucket[i]))
			return -EMSGSIZE;
	return 0;
}

/**
 * kst_encode_histogram() - write the stalls of one kind on one CPU
 * @skb: message that its header was put to
 * @cpu: which
 * @kind: enum kstallmon_stall_kind
 * @histogram: the stalls
 * @since: when it began to count, CLOCK_BOOTTIME in ns
 *
 * Return: 0, or -EMSGSIZE if @skb is full.
 */
int kst_encode_histogram(struct sk_buff *skb, unsigned int cpu, u32 kind,
			 const struct kst_histogram *histogram, u64 since)
{
	const int pad = KSTALLMON_A_HISTOGRAM_PAD;

	if (nla_put_u32(skb, KSTALLMON_A_HISTOGRAM_CPU, cpu) ||
	    nla_put_u32(skb, KSTALLMON_A_HISTOGRAM_KIND, kind) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_HISTOGRAM_SINCE_BOOT, since, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_HISTOGRAM_COUNT, histogram->count, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_HISTOGRAM_TIME, histogram->time, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_HISTOGRAM_LONGEST, histogram->longest, pad))
		return -EMSGSIZE;
	return kst_put_buckets(skb, KSTALLMON_A_HISTOGRAM_BUCKET, histogram);
}

static int kst_put_tunable_text(struct sk_buff *skb, const struct kst_tunable *tunable)
{
	char text[KST_CPUS_MAX + 1];

	kst_tunable_text(tunable, text, sizeof(text));
	return nla_put_string(skb, KSTALLMON_A_TUNABLE_DOC, tunable->doc) ||
	       nla_put_string(skb, KSTALLMON_A_TUNABLE_TEXT, text) ||
	       nla_put_string(skb, KSTALLMON_A_TUNABLE_DEFAULT_TEXT, tunable->def_text);
}

/**
 * kst_encode_tunable() - write a tunable
 * @skb: message that its header was put to
 * @tunable: which
 *
 * Context: task, may sleep.
 *
 * Return: 0, or -EMSGSIZE if @skb is full.
 */
int kst_encode_tunable(struct sk_buff *skb, const struct kst_tunable *tunable)
{
	const int pad = KSTALLMON_A_TUNABLE_PAD;

	if (nla_put_string(skb, KSTALLMON_A_TUNABLE_NAME, tunable->name) ||
	    nla_put_string(skb, KSTALLMON_A_TUNABLE_UNIT, tunable->unit))
		return -EMSGSIZE;
	if (tunable->def_text)
		return kst_put_tunable_text(skb, tunable) ? -EMSGSIZE : 0;
	if (nla_put_u64_64bit(skb, KSTALLMON_A_TUNABLE_MIN, tunable->min, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_TUNABLE_MAX, tunable->max, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_TUNABLE_DEFAULT, tunable->def, pad) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_TUNABLE_VALUE, READ_ONCE(tunable->value), pad) ||
	    nla_put_string(skb, KSTALLMON_A_TUNABLE_DOC, tunable->doc))
		return -EMSGSIZE;
	return 0;
}
