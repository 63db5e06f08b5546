// SPDX-License-Identifier: GPL-2.0
/*
 * The reader's side of "Events" in linux/kstallmon.h: every event once and in
 * order, and what can't be had told with its exact count at its place.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stream.h"

static void stash_pop(struct stream *s)
{
	free(s->stash[0].nlh);
	s->stashed--;
	memmove(&s->stash[0], &s->stash[1], s->stashed * sizeof(s->stash[0]));
}

/* An event that finds no room is in the history too. */
static void stash_push(struct stream *s, const struct nlmsghdr *nlh, uint64_t seq)
{
	unsigned int at = s->stashed;
	struct nlmsghdr *copy;

	while (at && s->stash[at - 1].seq >= seq)
		at--;
	if (s->stashed == STREAM_STASH || (at < s->stashed && s->stash[at].seq == seq))
		return;
	copy = malloc(nlh->nlmsg_len);
	if (!copy)
		return;
	memcpy(copy, nlh, nlh->nlmsg_len);
	memmove(&s->stash[at + 1], &s->stash[at], (s->stashed - at) * sizeof(s->stash[0]));
	s->stash[at].seq = seq;
	s->stash[at].nlh = copy;
	s->stashed++;
}

/* With @missing, the numbers before the event's are known to be gone. */
static int take(struct stream *s, const struct event *event, bool missing)
{
	int ret;

	if (s->instance && event->instance != s->instance)
		return STREAM_OTHER;
	s->instance = event->instance;
	if (event->seq < s->next)
		return STREAM_OK;
	if (s->next && event->seq > s->next) {
		if (!missing)
			return STREAM_BEHIND;
		ret = out_lost(s->out, s->instance, s->next, event->seq - 1);
		if (ret)
			return ret;
		s->gone += event->seq - s->next;
	}
	s->next = event->seq + 1;
	ret = out_event(s->out, event);
	if (ret)
		return ret;
	return ++s->events == s->limit ? STREAM_DONE : STREAM_OK;
}

/* Takes those of the stash below @before, or, without @missing, those in turn. */
static int take_stashed(struct stream *s, uint64_t before, bool missing)
{
	while (s->stashed) {
		uint64_t seq = s->stash[0].seq;
		struct event event;
		int ret;

		if (seq >= before || (!missing && seq > s->next))
			return STREAM_OK;
		ret = event_decode(s->stash[0].nlh, &event);
		if (!ret)
			ret = take(s, &event, missing);
		stash_pop(s);
		if (ret)
			return ret;
	}
	return STREAM_OK;
}

/**
 * stream_begin - start with another load of the module, or at another number
 * @s: the stream
 * @instance: as in struct stream
 * @next: as in struct stream
 */
void stream_begin(struct stream *s, uint32_t instance, uint64_t next)
{
	while (s->stashed)
		stash_pop(s);
	s->instance = instance;
	s->next = next;
}

/**
 * stream_live - take in an event as it was notified
 * @s: the stream
 * @nlh: its message
 *
 * Return: enum stream_verdict or a negative errno.
 */
int stream_live(struct stream *s, struct nlmsghdr *nlh)
{
	struct event event;
	int ret = event_decode(nlh, &event);

	if (!ret)
		ret = take(s, &event, false);
	if (ret == STREAM_BEHIND)
		stash_push(s, nlh, event.seq);
	return ret ? ret : take_stashed(s, UINT64_MAX, false);
}

static int take_dumped(struct nlmsghdr *nlh, void *arg)
{
	struct stream *s = arg;
	struct event event;
	int ret;

	if (!nlh) {
		s->changed = false;
		return 0;
	}
	/*
	 * What the dump skips after such a change need not be gone: the next
	 * attempt tells.
	 */
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		s->changed = true;
	if (s->changed)
		return 0;
	ret = event_decode(nlh, &event);
	if (!ret && event.instance == s->instance)
		ret = take_stashed(s, event.seq, true);
	return ret ? ret : take(s, &event, true);
}

/**
 * stream_dump - print from the history what is due
 * @s: the stream
 *
 * Return: enum stream_verdict or a negative errno, -EAGAIN as knl_dump().
 */
int stream_dump(struct stream *s)
{
	int ret;

	s->changed = false;
	ret = knl_dump(s->nl, KSTALLMON_CMD_EVENT_GET, &s->next, take_dumped, s);
	return ret ? ret : take_stashed(s, UINT64_MAX, true);
}

/**
 * stream_end - print what is left when nothing more can come
 * @s: the stream
 *
 * Return: enum stream_verdict or a negative errno.
 */
int stream_end(struct stream *s)
{
	return take_stashed(s, UINT64_MAX, true);
}
