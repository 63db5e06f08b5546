/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Callbacks of struct genl_ops.
 */
#ifndef KST_DUMP_H
#define KST_DUMP_H

#include <linux/netlink.h>
#include <linux/skbuff.h>

int kst_event_get_start(struct netlink_callback *cb);
int kst_event_get_dump(struct sk_buff *skb, struct netlink_callback *cb);
int kst_event_get_done(struct netlink_callback *cb);
int kst_cpu_get_dump(struct sk_buff *skb, struct netlink_callback *cb);
int kst_histogram_get_dump(struct sk_buff *skb, struct netlink_callback *cb);
int kst_tunable_get_dump(struct sk_buff *skb, struct netlink_callback *cb);

#endif /* KST_DUMP_H */
