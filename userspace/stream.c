// SPDX-License-Identifier: GPL-2.0
/*
 * The reader's side of "Events" in linux/kstallmon.h: every event once and in
 * order, and what can't be had told with its exact count at its place.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stream.h"

/* A history of default size fits. */
#define KEPT_SIZE (1024 * 1024)
#define KEPT_FULL 1

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

/* Messages of a dump, aligned one after another. */
struct kept {
	size_t len;
	bool changed;
	char buf[KEPT_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
};

static int keep(struct nlmsghdr *nlh, void *arg)
{
	struct kept *kept = arg;

	if (!nlh) {
		kept->len = 0;
		kept->changed = false;
		return 0;
	}
	/*
	 * The history changed beneath the dump: what it skips from here on need
	 * not be gone, the next attempt tells.
	 */
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		kept->changed = true;
	if (kept->changed)
		return 0;
	if (NLMSG_ALIGN(nlh->nlmsg_len) > sizeof(kept->buf) - kept->len)
		return KEPT_FULL;
	memcpy(kept->buf + kept->len, nlh, nlh->nlmsg_len);
	kept->len += NLMSG_ALIGN(nlh->nlmsg_len);
	return 0;
}

static int take_kept(struct stream *s, struct kept *kept)
{
	struct nlmsghdr *nlh = (void *)kept->buf;
	int len = kept->len, ret = STREAM_OK;

	for (; !ret && nlmsg_ok(nlh, len); nlh = nlmsg_next(nlh, &len)) {
		struct event event;

		ret = event_decode(nlh, &event);
		if (!ret && event.instance == s->instance)
			ret = take_stashed(s, event.seq, true);
		if (!ret)
			ret = take(s, &event, true);
	}
	return ret;
}

/**
 * stream_dump - print from the history what is due
 * @s: the stream
 *
 * A dump is read without waiting for the printer, whose reader may be slow: as
 * long as it is not at its end, the module can't be unloaded.
 *
 * Return: enum stream_verdict or a negative errno, -EAGAIN as knl_dump().
 */
int stream_dump(struct stream *s)
{
	static struct kept kept;
	int ret, dumped;

	do {
		keep(NULL, &kept);
		dumped = knl_dump(s->nl, KSTALLMON_CMD_EVENT_GET, &s->next, keep, &kept);
		ret = take_kept(s, &kept);
	} while (!ret && dumped == KEPT_FULL);
	if (!ret)
		ret = dumped;
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
