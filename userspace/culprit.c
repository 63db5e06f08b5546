// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "culprit.h"
#include "event.h"
#include "util.h"

static void take_frames(struct culprit *culprit, struct nlattr *stack)
{
	struct nlattr *attr;
	int rest;

	if (!stack)
		return;
	nla_for_each_nested(attr, stack, rest) {
		if (culprit->nr == CULPRIT_FRAMES)
			return;
		if (spec_of(&spec_stack, attr) && nla_type(attr) == KSTALLMON_A_STACK_FRAME)
			culprit->frame[culprit->nr++] = event_function(nla_get_string(attr));
	}
}

static void forget_frames(struct culprit *culprit)
{
	while (culprit->nr)
		free(culprit->frame[--culprit->nr]);
}

static bool same(const struct culprit *a, const struct culprit *b)
{
	if (a->class != b->class || a->nr != b->nr)
		return false;
	for (unsigned int i = 0; i < a->nr; i++)
		if (strcmp(a->frame[i], b->frame[i]))
			return false;
	return true;
}

/* Takes over the frames of @like. */
static struct culprit *find(struct culprits *culprits, struct culprit *like)
{
	struct culprit *list;

	for (size_t i = 0; i < culprits->nr; i++) {
		if (same(&culprits->culprit[i], like)) {
			forget_frames(like);
			return &culprits->culprit[i];
		}
	}
	list = reallocarray(culprits->culprit, culprits->nr + 1, sizeof(*list));
	if (!list)
		die("out of memory");
	culprits->culprit = list;
	list[culprits->nr] = *like;
	return &list[culprits->nr++];
}

static void add(struct culprits *culprits, const struct event *event)
{
	struct nlattr *live = event->attrs[KSTALLMON_A_EVENT_LIVE_STACK];
	uint64_t time = spec_u64(event->attrs[KSTALLMON_A_EVENT_DURATION_MIN]);
	uint32_t kind = spec_u32(event->attrs[KSTALLMON_A_EVENT_KIND]);
	struct culprit like = { .class = spec_u32(event->attrs[KSTALLMON_A_EVENT_CLASS]) };
	struct culprit *culprit;

	/* Where a hypervisor took the CPU away, the code is that of a victim. */
	if (like.class != KSTALLMON_STALL_CLASS_HYPERVISOR)
		take_frames(&like, live ? live : event->attrs[KSTALLMON_A_EVENT_STACK]);
	culprit = find(culprits, &like);
	if (kind < 32)
		culprit->kinds |= 1u << kind;
	culprit->count++;
	culprit->time += time;
	if (time > culprit->longest)
		culprit->longest = time;
	culprits->count++;
	culprits->time += time;
}

static int take(struct nlmsghdr *nlh, void *arg)
{
	struct culprits *culprits = arg;
	struct event event;
	int ret;

	if (!nlh) {
		culprits_free(culprits);
		return 0;
	}
	ret = event_decode(nlh, &event);
	if (!ret && event.type == KSTALLMON_EVENT_TYPE_STALL_END)
		add(culprits, &event);
	return ret;
}

static int by_time(const void *a, const void *b)
{
	const struct culprit *left = a, *right = b;

	return (left->time < right->time) - (left->time > right->time);
}

/**
 * culprits_get - group the stalls of the history by what they came from
 * @nl: where to ask for them
 * @culprits: filled in; free it with culprits_free() in any case
 *
 * Return: as knl_dump().
 */
int culprits_get(struct knl *nl, struct culprits *culprits)
{
	int ret;

	*culprits = (struct culprits){ 0 };
	ret = knl_dump(nl, KSTALLMON_CMD_EVENT_GET, NULL, take, culprits);
	if (culprits->nr)
		qsort(culprits->culprit, culprits->nr, sizeof(*culprits->culprit), by_time);
	return ret;
}

/**
 * culprits_free - let go of what culprits_get() brought
 * @culprits: empty afterwards
 */
void culprits_free(struct culprits *culprits)
{
	for (size_t i = 0; i < culprits->nr; i++)
		forget_frames(&culprits->culprit[i]);
	free(culprits->culprit);
	*culprits = (struct culprits){ 0 };
}

/**
 * culprit_share - tell how much of the stalled time is a culprit's
 * @culprits: all of them
 * @culprit: one of them
 *
 * Return: from 0 to 1.
 */
double culprit_share(const struct culprits *culprits, const struct culprit *culprit)
{
	return culprits->time ? (double)culprit->time / culprits->time : 0;
}
