// SPDX-License-Identifier: GPL-2.0
/*
 * Answers of many messages: the history, the CPUs, the histograms, the tunables.
 */
#include <linux/slab.h>
#include <net/genetlink.h>

#include "compat/compat.h"
#include "dump.h"
#include "encode.h"
#include "eventlog.h"
#include "heartbeat.h"
#include "history.h"
#include "netlink.h"
#include "stall.h"
#include "tunables.h"

/**
 * kst_dump() - where a dump is
 * @cb: the dump
 *
 * Return: all 0 at its beginning.
 */
struct kst_dump *kst_dump(struct netlink_callback *cb)
{
	BUILD_BUG_ON(sizeof(struct kst_dump) > sizeof(cb->ctx));
	return (struct kst_dump *)cb->ctx;
}

/**
 * kst_permit_dump() - whether the sender of a dump may do so
 * @cb: the dump
 *
 * Not in .start, where older kernels (6.1) have no extack to say why. The first call of .dumpit
 * comes from the request itself, later ones from whoever reads the answer.
 *
 * Return: 0 or -EPERM.
 */
int kst_permit_dump(struct netlink_callback *cb)
{
	struct kst_dump *dump = kst_dump(cb);
	int err = dump->permitted ? 0 : kst_permit(cb->skb, cb->extack);

	dump->permitted = !err;
	return err;
}

/**
 * kst_dump_put() - begin a message
 * @skb: what is sent next
 * @cb: the dump
 * @cmd: command
 *
 * Return: to be ended, NULL if @skb is full.
 */
void *kst_dump_put(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
{
	return genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, &kst_family,
			   NLM_F_MULTI, cmd);
}

/**
 * kst_dump_full() - the rest has to wait for the next call
 * @skb: what is sent next
 * @hdr: the message that did not fit, or NULL
 *
 * Return: what .dumpit returns then.
 */
int kst_dump_full(struct sk_buff *skb, void *hdr)
{
	if (hdr)
		genlmsg_cancel(skb, hdr);
	return skb->len ?: -EMSGSIZE;
}

int kst_event_get_start(struct netlink_callback *cb)
{
	const struct nlattr *since = kst_genl_dump_attrs(cb)[KSTALLMON_A_EVENT_SINCE];
	struct kst_dump *dump = kst_dump(cb);

	dump->next = since ? nla_get_u64(since) : 0;
	dump->last = kst_history_last();
	dump->rec = kmalloc(sizeof(*dump->rec), GFP_KERNEL);
	if (!dump->rec)
		return -ENOMEM;
	/* Else the first message has room for less than one event with a long stack. */
	cb->min_dump_alloc = KST_EVENT_MSG_MAX;
	return 0;
}

int kst_event_get_done(struct netlink_callback *cb)
{
	kfree(kst_dump(cb)->rec);
	return 0;
}

int kst_event_get_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct kst_dump *dump = kst_dump(cb);
	int err = kst_permit_dump(cb);

	if (err)
		return err;
	while (kst_history_get(dump->next, dump->last, dump->rec)) {
		void *hdr = kst_dump_put(skb, cb, KSTALLMON_CMD_EVENT_GET);

		if (!hdr || kst_encode_event(skb, dump->rec))
			return kst_dump_full(skb, hdr);
		genlmsg_end(skb, hdr);
		dump->next = dump->rec->seq + 1;
	}
	return skb->len;
}

int kst_cpu_get_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct kst_dump *dump = kst_dump(cb);
	int err = kst_permit_dump(cb);

	if (err)
		return err;
	for (; dump->next < nr_cpu_ids; dump->next++) {
		struct kst_heartbeat_stats heart;
		struct kst_eventlog_stats log;
		void *hdr;

		if (!cpu_possible(dump->next) || !kst_eventlog_stats(dump->next, &log))
			continue;
		kst_heartbeat_stats(dump->next, &heart);
		hdr = kst_dump_put(skb, cb, KSTALLMON_CMD_CPU_GET);
		if (!hdr || kst_encode_cpu(skb, dump->next, &heart, &log))
			return kst_dump_full(skb, hdr);
		genlmsg_end(skb, hdr);
	}
	return skb->len;
}

int kst_histogram_get_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct kst_dump *dump = kst_dump(cb);
	int err = kst_permit_dump(cb);

	if (err)
		return err;
	for (; dump->next < (u64)nr_cpu_ids * KSTALLMON_STALL_KIND_MAX; dump->next++) {
		unsigned int cpu = div_u64(dump->next, KSTALLMON_STALL_KIND_MAX);
		u32 kind = dump->next - cpu * KSTALLMON_STALL_KIND_MAX + 1;
		struct kst_histogram histogram;
		struct kst_eventlog_stats log;
		void *hdr;

		if (!cpu_possible(cpu) || !kst_eventlog_stats(cpu, &log))
			continue;
		kst_histogram_read(cpu, kind, &histogram);
		hdr = kst_dump_put(skb, cb, KSTALLMON_CMD_HISTOGRAM_GET);
		if (!hdr || kst_encode_histogram(skb, cpu, kind, &histogram, kst_histogram_since()))
			return kst_dump_full(skb, hdr);
		genlmsg_end(skb, hdr);
	}
	return skb->len;
}

int kst_tunable_get_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct nlattr *name = kst_genl_dump_attrs(cb)[KSTALLMON_A_TUNABLE_NAME];
	struct kst_dump *dump = kst_dump(cb);
	int err = kst_permit_dump(cb);

	if (err)
		return err;
	if (name) {
		NL_SET_ERR_MSG_ATTR(cb->extack, name, "a dump takes no name");
		return -EINVAL;
	}
	for (; dump->next < KST_NR_TUNABLES; dump->next++) {
		void *hdr = kst_dump_put(skb, cb, KSTALLMON_CMD_TUNABLE_GET);

		if (!hdr || kst_encode_tunable(skb, &kst_tunables[dump->next]))
			return kst_dump_full(skb, hdr);
		genlmsg_end(skb, hdr);
	}
	return skb->len;
}
