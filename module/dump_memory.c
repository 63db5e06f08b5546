// SPDX-License-Identifier: GPL-2.0
/*
 * Answers of many messages about memory: zones, processes, reclaim.
 */
#include <net/genetlink.h>

#include "compat/compat.h"
#include "dump.h"
#include "encode.h"
#include "netlink.h"

int kst_zone_get_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct kst_dump *dump = kst_dump(cb);
	struct kst_zone zone;
	u64 time_boot;
	int err = kst_permit_dump(cb);

	if (err)
		return err;
	for (; kst_zones_get(dump->next, &zone, &time_boot); dump->next++) {
		void *hdr = kst_dump_put(skb, cb, KSTALLMON_CMD_ZONE_GET);

		if (!hdr || kst_encode_zone(skb, &zone, time_boot))
			return kst_dump_full(skb, hdr);
		genlmsg_end(skb, hdr);
	}
	return skb->len;
}

/* The kept ones are of one sweep; if another ended meanwhile, the reader is told to try again. */
static int kst_vma_dump_kept(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct kst_dump *dump = kst_dump(cb);
	struct kst_counted counted;
	u32 sweep;

	for (; kst_tasks_kept(dump->next, &counted, &sweep); dump->next++) {
		void *hdr = kst_dump_put(skb, cb, KSTALLMON_CMD_VMA_GET);

		if (!hdr || kst_encode_counted(skb, &counted))
			return kst_dump_full(skb, hdr);
		cb->seq = sweep;
		genl_dump_check_consistent(cb, hdr);
		genlmsg_end(skb, hdr);
	}
	/* Looked at when the end is sent: it may be one because this sweep kept fewer. */
	cb->seq = sweep;
	return skb->len;
}

int kst_vma_get_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct kst_dump *dump = kst_dump(cb);
	struct kst_counted counted;
	int err = kst_permit_dump(cb);
	u32 tgid;

	if (err)
		return err;
	if (!kst_genl_dump_attrs(cb)[KSTALLMON_A_MEMORY_ALL])
		return kst_vma_dump_kept(skb, cb);
	for (tgid = dump->next; kst_tasks_next(&tgid, &counted); dump->next = ++tgid) {
		void *hdr = kst_dump_put(skb, cb, KSTALLMON_CMD_VMA_GET);

		if (!hdr || kst_encode_counted(skb, &counted))
			return kst_dump_full(skb, hdr);
		genlmsg_end(skb, hdr);
	}
	return skb->len;
}

int kst_reclaim_get_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct kst_dump *dump = kst_dump(cb);
	int err = kst_permit_dump(cb);

	if (err)
		return err;
	for (; dump->next < (u64)nr_cpu_ids * KSTALLMON_RECLAIM_SCOPE_MAX; dump->next++) {
		unsigned int cpu = div_u64(dump->next, KSTALLMON_RECLAIM_SCOPE_MAX);
		u32 scope = dump->next - cpu * KSTALLMON_RECLAIM_SCOPE_MAX + 1;
		struct kst_histogram histogram;
		void *hdr;

		if (!cpu_possible(cpu) || !kst_reclaim_time(cpu, scope, &histogram))
			continue;
		hdr = kst_dump_put(skb, cb, KSTALLMON_CMD_RECLAIM_GET);
		if (!hdr || kst_encode_reclaim_time(skb, cpu, scope, &histogram))
			return kst_dump_full(skb, hdr);
		genlmsg_end(skb, hdr);
	}
	return skb->len;
}
