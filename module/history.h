/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_HISTORY_H
#define KST_HISTORY_H

#include "event.h"

/**
 * struct kst_history_stats - state of the history
 * @numbered: last sequence number given
 * @overwritten: numbered events no longer held
 * @held: events held
 * @size: events that can be held
 * @memory: bytes allocated
 */
struct kst_history_stats {
	u64 numbered;
	u64 overwritten;
	u32 held;
	u32 size;
	u64 memory;
};

int kst_history_resize(u32 events);
void kst_history_free(void);
void kst_history_append(struct kst_logged *rec);
bool kst_history_get(u64 from, u64 to, struct kst_logged *rec);
u64 kst_history_last(void);
void kst_history_stats(struct kst_history_stats *st);

#endif /* KST_HISTORY_H */
