/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_EVENTLOG_H
#define KST_EVENTLOG_H

#include "event.h"

/**
 * struct kst_eventlog_stats - what a CPU's queue has seen
 * @queued: events waiting for their number
 * @dropped: events lost to a full queue
 * @suppressed: events held back by the rate limit
 * @memory: bytes allocated
 */
struct kst_eventlog_stats {
	u32 queued;
	u64 dropped;
	u64 suppressed;
	u64 memory;
};

int kst_eventlog_init(void);
void kst_eventlog_exit(void);
void kst_eventlog_drain(void);

void kst_event_begin(struct kst_event *ev, u32 type, u32 cpu);
void kst_record_begin(struct kst_record *rec, u32 type, u32 cpu);
bool kst_eventlog_room(u32 type);
void kst_eventlog_suppress(u32 type, u64 severity);
void kst_eventlog_post(const struct kst_record *rec, u64 severity);
bool kst_eventlog_tell(struct kst_logged *rec);

bool kst_eventlog_stats(unsigned int cpu, struct kst_eventlog_stats *st);

#endif /* KST_EVENTLOG_H */
