/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Callbacks of struct genl_ops for dumps, and what they share.
 */
#ifndef KST_DUMP_H
#define KST_DUMP_H

#include <linux/netlink.h>
#include <linux/skbuff.h>

struct kst_logged;

/**
 * struct kst_dump - where a dump is; lives in the callback's own room
 * @permitted: the first call has checked its sender
 * @next: what comes next: a sequence number, a CPU, a tunable
 * @last: the last sequence number wanted
 * @rec: room for the event at hand
 */
struct kst_dump {
	bool permitted;
	u64 next;
	u64 last;
	struct kst_logged *rec;
};

struct kst_dump *kst_dump(struct netlink_callback *cb);
int kst_permit_dump(struct netlink_callback *cb);
void *kst_dump_put(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd);
int kst_dump_full(struct sk_buff *skb, void *hdr);

int kst_event_get_start(struct netlink_callback *cb);
int kst_event_get_dump(struct sk_buff *skb, struct netlink_callback *cb);
int kst_event_get_done(struct netlink_callback *cb);
int kst_cpu_get_dump(struct sk_buff *skb, struct netlink_callback *cb);
int kst_histogram_get_dump(struct sk_buff *skb, struct netlink_callback *cb);
int kst_zone_get_dump(struct sk_buff *skb, struct netlink_callback *cb);
int kst_vma_get_dump(struct sk_buff *skb, struct netlink_callback *cb);
int kst_reclaim_get_dump(struct sk_buff *skb, struct netlink_callback *cb);
int kst_tunable_get_dump(struct sk_buff *skb, struct netlink_callback *cb);

#endif /* KST_DUMP_H */
