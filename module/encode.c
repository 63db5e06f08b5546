// SPDX-License-Identifier: GPL-2.0
/*
 * Records to netlink attributes: one function for each event type, in a table.
 */
#include <net/netlink.h>

#include "encode.h"
#include "netlink.h"

static int kst_put_u64(struct sk_buff *skb, int type, u64 value)
{
	return nla_put_u64_64bit(skb, type, value, KSTALLMON_A_EVENT_PAD);
}

static int kst_put_task(struct sk_buff *skb, const struct kst_task *task)
{
	struct nlattr *nest = nla_nest_start(skb, KSTALLMON_A_EVENT_TASK);

	if (!nest || nla_put_string(skb, KSTALLMON_A_TASK_COMM, task->comm) ||
	    nla_put_u32(skb, KSTALLMON_A_TASK_PID, task->pid) ||
	    nla_put_u32(skb, KSTALLMON_A_TASK_TGID, task->tgid) ||
	    nla_put_u64_64bit(skb, KSTALLMON_A_TASK_CGROUP_ID, task->cgroup_id,
			      KSTALLMON_A_TASK_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int kst_put_stack(struct sk_buff *skb, const struct kst_logged *rec)
{
	const char *name = rec->names;
	struct nlattr *nest;
	unsigned int i;

	if (!rec->nr_names)
		return 0;
	nest = nla_nest_start(skb, KSTALLMON_A_EVENT_STACK);
	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < rec->nr_names; i++) {
		if (nla_put_string(skb, KSTALLMON_A_STACK_FRAME, name))
			return -EMSGSIZE;
		name += strlen(name) + 1;
	}
	if (rec->names_truncated && nla_put_flag(skb, KSTALLMON_A_STACK_TRUNCATED))
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
	       kst_put_u64(skb, KSTALLMON_A_EVENT_DURATION_MAX, stall->duration_max) ||
	       nla_put_u32(skb, KSTALLMON_A_EVENT_CONTEXT, stall->context) ||
	       kst_put_task(skb, &rec->ev.task) || kst_put_stack(skb, rec);
}

/* Puts what is a type's own; returns 0, or not 0 if @skb is full. */
static int (*const kst_put_type[KST_NR_TYPES])(struct sk_buff *skb,
					       const struct kst_logged *rec) = {
	[KSTALLMON_EVENT_TYPE_STALL_END] = kst_put_stall,
};

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

	/* A string's attribute adds its header and less than NLA_ALIGNTO of padding. */
	return size + rec->names_len + rec->nr_names * (NLA_HDRLEN + NLA_ALIGNTO) + NLA_HDRLEN;
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

	BUILD_BUG_ON(sizeof(struct kst_logged) + KST_FRAMES_MAX * (NLA_HDRLEN + NLA_ALIGNTO) +
			     (KSTALLMON_A_EVENT_MAX + KSTALLMON_A_TASK_MAX + 4) * 16 >
		     KST_EVENT_MSG_MAX);

	if (nla_put_u32(skb, KSTALLMON_A_EVENT_INSTANCE, kst_instance()) ||
	    kst_put_u64(skb, KSTALLMON_A_EVENT_SEQ, rec->seq) ||
	    nla_put_u32(skb, KSTALLMON_A_EVENT_TYPE, ev->type) ||
	    kst_put_u64(skb, KSTALLMON_A_EVENT_TIME_BOOT, ev->time_boot) ||
	    kst_put_u64(skb, KSTALLMON_A_EVENT_TIME_REAL, ev->time_real) ||
	    nla_put_u32(skb, KSTALLMON_A_EVENT_CPU, ev->cpu) ||
	    (ev->dropped && kst_put_u64(skb, KSTALLMON_A_EVENT_DROPPED, ev->dropped)) ||
	    (ev->suppressed &&
	     (kst_put_u64(skb, KSTALLMON_A_EVENT_SUPPRESSED, ev->suppressed) ||
	      kst_put_u64(skb, KSTALLMON_A_EVENT_SUPPRESSED_LONGEST, ev->suppressed_longest))) ||
	    kst_put_type[ev->type](skb, rec))
		return -EMSGSIZE;
	return 0;
}
