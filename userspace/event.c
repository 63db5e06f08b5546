// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <netlink/genl/genl.h>

#include "event.h"
#include "util.h"

/**
 * event_decode - read an event's message
 * @nlh: the message
 * @event: filled in
 *
 * Return: 0, or -EBADMSG if it lacks what every event has.
 */
int event_decode(struct nlmsghdr *nlh, struct event *event)
{
	struct nlattr **tb = &event->attrs[0];

	if (!genlmsg_valid_hdr(nlh, 0))
		return -EBADMSG;
	spec_parse_message(&spec_event, nlh, tb);
	if (!tb[KSTALLMON_A_EVENT_INSTANCE] || !tb[KSTALLMON_A_EVENT_SEQ] ||
	    !tb[KSTALLMON_A_EVENT_TYPE])
		return -EBADMSG;
	event->nlh = nlh;
	event->instance = nla_get_u32(tb[KSTALLMON_A_EVENT_INSTANCE]);
	event->seq = nla_get_u64(tb[KSTALLMON_A_EVENT_SEQ]);
	event->type = nla_get_u32(tb[KSTALLMON_A_EVENT_TYPE]);
	return 0;
}

/**
 * event_function - name the function of a frame, wherever in it that is
 * @frame: "symbol+0xoffset [module]"
 *
 * Return: "symbol [module]", to be freed.
 */
char *event_function(const char *frame)
{
	int symbol = strcspn(frame, "+ ");
	const char *module = frame + strcspn(frame, " ");
	char *function;

	if (asprintf(&function, "%.*s%s", symbol, frame, module) < 0)
		die("out of memory");
	return function;
}
