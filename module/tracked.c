// SPDX-License-Identifier: GPL-2.0
/*
 * A hash table whose entries are all allocated beforehand. Only the sweep changes it, so that it
 * needs no lock to look something up; others do, and it needs one to change something.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/spinlock.h>

#include "tracked.h"

#define KST_TRACKED_HEADS 512
/* What does not fit is done without; no task is killed to make it fit. */
#define KST_GFP (GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)

/**
 * struct kst_tracked_chunk - entries that were allocated together
 * @next: allocated before
 * @nr: how many
 * @entry: the entries
 */
struct kst_tracked_chunk {
	struct kst_tracked_chunk *next;
	u32 nr;
	struct kst_tracked entry[];
};

/* Protects the table against those that read it beside the sweep. */
static DEFINE_SPINLOCK(kst_tracked_lock);
static struct hlist_head kst_tracked_heads[KST_TRACKED_HEADS];
/* The sweep's own. */
static HLIST_HEAD(kst_tracked_free);
static struct kst_tracked_chunk *kst_tracked_chunks;
static u32 kst_tracked_total;

static struct hlist_head *kst_tracked_head(u32 tgid)
{
	/* Ids are given one after another: their lowest bits spread best. */
	return &kst_tracked_heads[tgid % KST_TRACKED_HEADS];
}

/**
 * kst_tracked_room() - make room
 * @keep: for as many processes beside those near their limit; there may be room for more already
 *
 * Context: task, may sleep; the sweep, or while there is none.
 *
 * Return: 0, or -ENOMEM and nothing has changed.
 */
int kst_tracked_room(u32 keep)
{
	u32 nr, i, want = KST_NEAR_MAX + keep;
	struct kst_tracked_chunk *chunk;

	if (want <= kst_tracked_total)
		return 0;
	nr = want - kst_tracked_total;
	chunk = kvzalloc(struct_size(chunk, entry, nr), KST_GFP);
	if (!chunk)
		return -ENOMEM;
	chunk->nr = nr;
	chunk->next = kst_tracked_chunks;
	kst_tracked_chunks = chunk;
	for (i = 0; i < nr; i++)
		hlist_add_head(&chunk->entry[i].node, &kst_tracked_free);
	kst_tracked_total = want;
	return 0;
}

/**
 * kst_tracked_memory() - how much room there is
 *
 * Context: as kst_tracked_room().
 *
 * Return: bytes allocated.
 */
size_t kst_tracked_memory(void)
{
	const struct kst_tracked_chunk *chunk;
	size_t size = 0;

	for (chunk = kst_tracked_chunks; chunk; chunk = chunk->next)
		size += struct_size(chunk, entry, chunk->nr);
	return size;
}

/**
 * kst_tracked_exit() - forget all and give the room back
 *
 * Context: task; there is no sweep any more.
 */
void kst_tracked_exit(void)
{
	struct kst_tracked_chunk *chunk;

	spin_lock(&kst_tracked_lock);
	memset(kst_tracked_heads, 0, sizeof(kst_tracked_heads));
	spin_unlock(&kst_tracked_lock);
	INIT_HLIST_HEAD(&kst_tracked_free);
	kst_tracked_total = 0;
	while ((chunk = kst_tracked_chunks)) {
		kst_tracked_chunks = chunk->next;
		kvfree(chunk);
	}
}

/**
 * kst_tracked_find() - is a process remembered
 * @tgid: its id
 * @start: when it was started
 *
 * Context: the sweep.
 *
 * Return: what is remembered, or NULL.
 */
struct kst_tracked *kst_tracked_find(u32 tgid, u64 start)
{
	struct kst_tracked *tracked;

	hlist_for_each_entry(tracked, kst_tracked_head(tgid), node)
		if (tracked->tgid == tgid && tracked->start == start)
			return tracked;
	return NULL;
}

/**
 * kst_tracked_add() - remember a process
 * @tgid: its id
 * @start: when it was started
 * @count: its mappings
 * @now: when they were counted, in ns
 *
 * Context: the sweep; may not sleep.
 *
 * Return: what is remembered: that it was ok; or NULL if there is no room.
 */
struct kst_tracked *kst_tracked_add(u32 tgid, u64 start, u32 count, u64 now)
{
	struct kst_tracked *tracked;

	if (hlist_empty(&kst_tracked_free))
		return NULL;
	tracked = hlist_entry(kst_tracked_free.first, struct kst_tracked, node);
	hlist_del(&tracked->node);
	tracked->tgid = tgid;
	tracked->start = start;
	tracked->state = KSTALLMON_VMA_STATE_OK;
	tracked->told = KSTALLMON_VMA_STATE_OK;
	tracked->met = 0;
	tracked->kept = 0;
	kst_growth_begin(&tracked->growth, count, now);

	spin_lock(&kst_tracked_lock);
	hlist_add_head(&tracked->node, kst_tracked_head(tgid));
	spin_unlock(&kst_tracked_lock);
	return tracked;
}

/**
 * kst_tracked_count() - a process was counted again
 * @tracked: what is remembered of it
 * @state: its state now
 * @count: its mappings
 * @now: when they were counted, in ns
 * @window: see kst_growth_add()
 *
 * Context: the sweep; may not sleep.
 */
void kst_tracked_count(struct kst_tracked *tracked, u32 state, u32 count, u64 now, u64 window)
{
	spin_lock(&kst_tracked_lock);
	tracked->state = state;
	kst_growth_add(&tracked->growth, count, now, window);
	spin_unlock(&kst_tracked_lock);
}

/* Gone, or neither near its limit nor among the highest, and nothing is left to be told. */
static bool kst_tracked_idle(const struct kst_tracked *tracked, u32 sweep)
{
	return tracked->met != sweep ||
	       (tracked->state == KSTALLMON_VMA_STATE_OK &&
		tracked->told == KSTALLMON_VMA_STATE_OK && tracked->kept != sweep);
}

/**
 * kst_tracked_forget() - forget some more of those that need not be remembered
 * @cursor: where it is, 0 at the beginning
 * @sweep: the number of the sweep that is complete
 *
 * Context: the sweep; may not sleep.
 *
 * Return: false when it is through.
 */
bool kst_tracked_forget(unsigned int *cursor, u32 sweep)
{
	struct hlist_head *head = &kst_tracked_heads[*cursor];
	struct kst_tracked *tracked;
	struct hlist_node *next;

	hlist_for_each_entry_safe(tracked, next, head, node) {
		if (!kst_tracked_idle(tracked, sweep))
			continue;
		spin_lock(&kst_tracked_lock);
		hlist_del(&tracked->node);
		spin_unlock(&kst_tracked_lock);
		hlist_add_head(&tracked->node, &kst_tracked_free);
	}
	return ++*cursor < KST_TRACKED_HEADS;
}

/**
 * kst_tracked_get() - what is remembered of a process
 * @tgid: its id
 * @start: when it was started
 * @copy: is overwritten, if something is
 *
 * Context: any but interrupts.
 *
 * Return: whether something is.
 */
bool kst_tracked_get(u32 tgid, u64 start, struct kst_tracked *copy)
{
	struct kst_tracked *tracked;

	spin_lock(&kst_tracked_lock);
	tracked = kst_tracked_find(tgid, start);
	if (tracked)
		*copy = *tracked;
	spin_unlock(&kst_tracked_lock);
	return tracked;
}
