/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_STREAM_H
#define KST_STREAM_H

#include <stdint.h>

#include "event.h"
#include "nl.h"
#include "out.h"

#define STREAM_STASH 64

/**
 * enum stream_verdict - what else than an error may become of an event
 * @STREAM_OK: printed, kept for later or passed over
 * @STREAM_DONE: printed, and it was the last one wanted
 * @STREAM_BEHIND: events before it are missing: stream_dump() gets them
 * @STREAM_OTHER: it is from another load of the module than the stream
 */
enum stream_verdict {
	STREAM_OK,
	STREAM_DONE,
	STREAM_BEHIND,
	STREAM_OTHER,
};

/**
 * struct stream - events on their way to a printer, each once and in order
 * @nl: where the history is asked for
 * @out: the printer
 * @instance: the load of the module; 0: that of the first event
 * @next: the number of the event to be printed next; 0: any
 * @limit: of @events; 0: none
 * @events: that were printed
 * @gone: that were printed as lost
 * @stashed: how many in @stash
 * @stash: messages that came before their turn, by their numbers
 */
struct stream {
	struct knl *nl;
	struct out *out;
	uint32_t instance;
	uint64_t next;
	uint64_t limit;
	uint64_t events;
	uint64_t gone;
	unsigned int stashed;
	struct {
		uint64_t seq;
		struct nlmsghdr *nlh;
	} stash[STREAM_STASH];
};

void stream_begin(struct stream *s, uint32_t instance, uint64_t next);
int stream_live(struct stream *s, struct nlmsghdr *nlh);
int stream_dump(struct stream *s);
int stream_end(struct stream *s);

#endif
