/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_NETLINK_H
#define KST_NETLINK_H

#include <linux/types.h>

struct genl_family;
struct kst_logged;
struct netlink_ext_ack;
struct sk_buff;

extern struct genl_family kst_family;

int kst_netlink_init(void);
void kst_netlink_exit(void);
void kst_netlink_publish(const struct kst_logged *rec);
u32 kst_instance(void);
int kst_permit(const struct sk_buff *skb, struct netlink_ext_ack *extack);

#endif /* KST_NETLINK_H */
