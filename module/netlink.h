/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_NETLINK_H
#define KST_NETLINK_H

#include <linux/types.h>

struct kst_logged;

int kst_netlink_init(void);
void kst_netlink_exit(void);
void kst_netlink_publish(const struct kst_logged *rec);
u32 kst_instance(void);

#endif /* KST_NETLINK_H */
