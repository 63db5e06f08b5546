/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_EVENT_H
#define KST_EVENT_H

#include <stdint.h>
#include <netlink/msg.h>

#include "spec.h"

/**
 * struct event - one event, as it lies in its message
 * @instance: the load of the module that numbered it
 * @type: enum kstallmon_event_type, or newer
 * @seq: its number
 * @attrs: all its attributes by their number, of those that repeat the last; valid as long as the
 *	message
 * @nlh: the message
 */
struct event {
	uint32_t instance;
	uint32_t type;
	uint64_t seq;
	struct nlattr *attrs[KSTALLMON_A_EVENT_MAX + 1];
	struct nlmsghdr *nlh;
};

int event_decode(struct nlmsghdr *nlh, struct event *event);
char *event_function(const char *frame);

#endif
