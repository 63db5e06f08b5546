// SPDX-License-Identifier: GPL-2.0
#include <linux/kernel.h>
#include <linux/mm.h>

#include "kept.h"

/* What does not fit is done without; no task is killed to make it fit. */
#define KST_GFP (GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)

/**
 * kst_kept_alloc() - make room
 * @kept: is overwritten
 * @room: for how many processes
 *
 * Context: task, may sleep.
 *
 * Return: 0, or -ENOMEM and nothing has changed.
 */
int kst_kept_alloc(struct kst_kept *kept, u32 room)
{
	struct kst_counted *rec = kvcalloc(room, sizeof(*rec), KST_GFP);
	u32 *order = kvcalloc(room, sizeof(*order), KST_GFP);

	if (!rec || !order) {
		kvfree(rec);
		kvfree(order);
		return -ENOMEM;
	}
	*kept = (struct kst_kept){ .rec = rec, .order = order, .room = room };
	return 0;
}

/**
 * kst_kept_free() - give the room back
 * @kept: there is none then
 */
void kst_kept_free(struct kst_kept *kept)
{
	kvfree(kept->rec);
	kvfree(kept->order);
	memset(kept, 0, sizeof(*kept));
}

/**
 * kst_kept_clear() - begin anew
 * @kept: holds nobody then
 */
void kst_kept_clear(struct kst_kept *kept)
{
	kept->nr = 0;
	kept->heap = 0;
}

/* Of two with as many mappings the one with the lower id comes first. */
static bool kst_kept_lower(const struct kst_counted *a, const struct kst_counted *b)
{
	if (a->vma.count != b->vma.count)
		return a->vma.count < b->vma.count;
	return a->task.tgid > b->task.tgid;
}

static void kst_kept_sift_down(struct kst_kept *kept, u32 at)
{
	u32 *order = kept->order;
	u32 child;

	for (; (child = 2 * at + 1) < kept->heap; at = child) {
		if (child + 1 < kept->heap &&
		    kst_kept_lower(&kept->rec[order[child + 1]], &kept->rec[order[child]]))
			child++;
		if (kst_kept_lower(&kept->rec[order[at]], &kept->rec[order[child]]))
			return;
		swap(order[at], order[child]);
	}
}

static void kst_kept_sift_up(struct kst_kept *kept, u32 at)
{
	u32 *order = kept->order;

	while (at && kst_kept_lower(&kept->rec[order[at]], &kept->rec[order[(at - 1) / 2]])) {
		swap(order[at], order[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
}

/**
 * kst_kept_take() - keep a process if it is among the highest so far
 * @kept: the highest; not yet sorted
 * @most: how many to keep, not 0
 * @tgid: of the process
 * @count: its mappings
 *
 * Return: the process's record, of which the caller fills in the rest; NULL if it is not kept.
 */
struct kst_counted *kst_kept_take(struct kst_kept *kept, u32 most, u32 tgid, u32 count)
{
	struct kst_counted *lowest, *rec;

	if (kept->nr < min(most, kept->room)) {
		rec = &kept->rec[kept->nr];
		rec->vma.count = count;
		rec->task.tgid = tgid;
		kept->order[kept->heap++] = kept->nr++;
		kst_kept_sift_up(kept, kept->heap - 1);
		return rec;
	}
	lowest = &kept->rec[kept->order[0]];
	if (count < lowest->vma.count || (count == lowest->vma.count && tgid > lowest->task.tgid))
		return NULL;
	lowest->vma.count = count;
	lowest->task.tgid = tgid;
	kst_kept_sift_down(kept, 0);
	return lowest;
}

/**
 * kst_kept_sort() - sort some more of them
 * @kept: the highest, all taken
 * @steps: how many to find the place of
 *
 * Return: false if all are sorted.
 */
bool kst_kept_sort(struct kst_kept *kept, unsigned int steps)
{
	for (; steps && kept->heap > 1; steps--) {
		swap(kept->order[0], kept->order[kept->heap - 1]);
		kept->heap--;
		kst_kept_sift_down(kept, 0);
	}
	return kept->heap > 1;
}
