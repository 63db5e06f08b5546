/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_ENCODE_H
#define KST_ENCODE_H

#include <linux/skbuff.h>

#include "event.h"

/* No event needs more, headers included. */
#define KST_EVENT_MSG_MAX 8192

size_t kst_encode_size(const struct kst_logged *rec);
int kst_encode_event(struct sk_buff *skb, const struct kst_logged *rec);

#endif /* KST_ENCODE_H */
