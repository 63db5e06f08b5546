/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The processes with the most mappings, of all that are met one after another.
 */
#ifndef KST_KEPT_H
#define KST_KEPT_H

#include "tasks.h"

/**
 * struct kst_kept - the highest, as many as there is room for
 * @rec: the processes, in no order
 * @order: indices in @rec: a heap whose first is the lowest; sorted in the end, highest first
 * @room: length of both
 * @nr: how many there are
 * @heap: how many of @order are still a heap
 */
struct kst_kept {
	struct kst_counted *rec;
	u32 *order;
	u32 room;
	u32 nr;
	u32 heap;
};

int kst_kept_alloc(struct kst_kept *kept, u32 room);
void kst_kept_free(struct kst_kept *kept);
void kst_kept_clear(struct kst_kept *kept);
struct kst_counted *kst_kept_take(struct kst_kept *kept, u32 most, u32 tgid, u32 count);
bool kst_kept_sort(struct kst_kept *kept, unsigned int steps);

#endif /* KST_KEPT_H */
