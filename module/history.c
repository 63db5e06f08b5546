// SPDX-License-Identifier: GPL-2.0
/*
 * The history: numbers events and keeps the newest of each type.
 *
 * Every slot is allocated when the history is sized, so that an event is kept however
 * short memory is. Each type has a ring of its own: a flood of one type cannot push
 * out the few events of another.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "history.h"

/* A history that does not fit is refused; no task is killed to make it fit. */
#define KST_GFP (GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)

struct kst_ring {
	struct kst_logged **slot;
	u32 size;
	u32 next; /* slot to be written next */
	u32 held;
};

/* Shares of the history, in parts of their sum. */
static const u8 kst_share[] = {
	[KSTALLMON_EVENT_TYPE_STALL_END] = 4,  [KSTALLMON_EVENT_TYPE_STALL_BEGIN] = 4,
	[KSTALLMON_EVENT_TYPE_ZONE_STATE] = 2, [KSTALLMON_EVENT_TYPE_RECLAIM_STALL] = 4,
	[KSTALLMON_EVENT_TYPE_OOM_KILL] = 1,   [KSTALLMON_EVENT_TYPE_VMA_STATE] = 1,
};

static_assert(ARRAY_SIZE(kst_share) == KST_NR_TYPES);

/*
 * Protects all below. Raw, so that a holder is never preempted, and held for no more than copying
 * a record or, on resizing, pointers: the worker of every CPU takes it, and must not wait long.
 */
static DEFINE_RAW_SPINLOCK(kst_history_lock);
static struct kst_ring kst_rings[KST_NR_TYPES];
static u64 kst_numbered;
static u64 kst_overwritten;

/* The @i-th oldest record of a ring. */
static struct kst_logged *kst_ring_at(const struct kst_ring *ring, u32 i)
{
	return ring->slot[(ring->next + ring->size - ring->held + i) % ring->size];
}

static u32 kst_ring_share(unsigned int type, u32 events)
{
	unsigned int i, sum = 0;

	for (i = 0; i < KST_NR_TYPES; i++)
		sum += kst_share[i];
	return kst_share[type] ? max(events * kst_share[type] / sum, 1U) : 0;
}

static void kst_ring_free(struct kst_ring *ring)
{
	u32 i;

	for (i = 0; ring->slot && i < ring->size; i++)
		kfree(ring->slot[i]);
	kvfree(ring->slot);
	memset(ring, 0, sizeof(*ring));
}

/*
 * Give @ring room for @size records, of which it brings those slots that @have does not
 * hold already: taking over the newest is then a matter of pointers.
 */
static int kst_ring_alloc(struct kst_ring *ring, unsigned int type, u32 size, u32 have)
{
	u32 i;

	ring->size = size;
	ring->slot = kvcalloc(size, sizeof(*ring->slot), KST_GFP);
	if (!ring->slot)
		return -ENOMEM;
	for (i = have; i < size; i++) {
		ring->slot[i] = kmalloc(kst_logged_room(type), KST_GFP);
		if (!ring->slot[i])
			return -ENOMEM;
	}
	return 0;
}

/* Move the newest records, and then the free slots, from @ring to the larger or smaller @to. */
static void kst_ring_move(struct kst_ring *ring, struct kst_ring *to)
{
	u32 keep = min(ring->held, to->size);
	u32 i, j, taken = min(ring->size, to->size);

	for (i = 0; i < taken; i++) {
		/* Oldest kept first; what follows the newest, modulo size, are the free ones. */
		j = (ring->next + ring->size - keep + i) % ring->size;
		swap(to->slot[i], ring->slot[j]);
	}
	to->held = keep;
	to->next = keep % to->size;
	kst_overwritten += ring->held - keep;
}

/**
 * kst_history_resize() - set how many events the history holds
 * @events: for all types together
 *
 * The newest events of each type stay. Context: task, one at a time (the tunables' mutex).
 *
 * Return: 0, or -ENOMEM and the history is as it was.
 */
int kst_history_resize(u32 events)
{
	struct kst_ring rings[KST_NR_TYPES] = {};
	unsigned int type;
	unsigned long flags;
	int err = 0;

	for (type = 0; type < KST_NR_TYPES && !err; type++) {
		u32 size = kst_ring_share(type, events);

		if (size)
			err = kst_ring_alloc(&rings[type], type, size,
					     min(kst_rings[type].size, size));
	}

	if (!err) {
		raw_spin_lock_irqsave(&kst_history_lock, flags);
		for (type = 0; type < KST_NR_TYPES; type++) {
			if (kst_rings[type].size)
				kst_ring_move(&kst_rings[type], &rings[type]);
			swap(kst_rings[type], rings[type]);
		}
		raw_spin_unlock_irqrestore(&kst_history_lock, flags);
	}

	for (type = 0; type < KST_NR_TYPES; type++)
		kst_ring_free(&rings[type]);
	return err;
}

/**
 * kst_history_free() - give all memory back
 *
 * Context: task; nobody may append or read any more.
 */
void kst_history_free(void)
{
	unsigned int type;

	for (type = 0; type < KST_NR_TYPES; type++)
		kst_ring_free(&kst_rings[type]);
}

/**
 * kst_history_append() - number an event and keep it
 * @rec: named event; its number is written to it
 *
 * Context: any but NMI. Allocates nothing.
 */
void kst_history_append(struct kst_logged *rec)
{
	struct kst_ring *ring = &kst_rings[rec->ev.type];
	unsigned long flags;

	raw_spin_lock_irqsave(&kst_history_lock, flags);
	rec->seq = ++kst_numbered;
	memcpy(ring->slot[ring->next], rec, kst_logged_used(rec));
	ring->next = (ring->next + 1) % ring->size;
	if (ring->held < ring->size)
		ring->held++;
	else
		kst_overwritten++;
	raw_spin_unlock_irqrestore(&kst_history_lock, flags);
}

/* The oldest record in @ring numbered @from or later, or NULL. */
static struct kst_logged *kst_ring_find(const struct kst_ring *ring, u64 from)
{
	u32 low = 0, high = ring->held;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (kst_ring_at(ring, mid)->seq < from)
			low = mid + 1;
		else
			high = mid;
	}
	return low < ring->held ? kst_ring_at(ring, low) : NULL;
}

/**
 * kst_history_get() - copy the next event
 * @from: lowest number wanted
 * @to: highest number wanted
 * @rec: where to
 *
 * Context: any but NMI.
 *
 * Return: whether an event in that range is held; if so the one with the lowest number.
 */
bool kst_history_get(u64 from, u64 to, struct kst_logged *rec)
{
	const struct kst_logged *first = NULL;
	unsigned int type;
	unsigned long flags;

	raw_spin_lock_irqsave(&kst_history_lock, flags);
	for (type = 0; type < KST_NR_TYPES; type++) {
		const struct kst_logged *r = kst_ring_find(&kst_rings[type], from);

		if (r && r->seq <= to && (!first || r->seq < first->seq))
			first = r;
	}
	if (first)
		memcpy(rec, first, kst_logged_used(first));
	raw_spin_unlock_irqrestore(&kst_history_lock, flags);
	return first;
}

/**
 * kst_history_last() - the last number given
 *
 * Return: the number, 0 before the first event.
 */
u64 kst_history_last(void)
{
	unsigned long flags;
	u64 last;

	raw_spin_lock_irqsave(&kst_history_lock, flags);
	last = kst_numbered;
	raw_spin_unlock_irqrestore(&kst_history_lock, flags);
	return last;
}

/**
 * kst_history_stats() - state of the history, at one instant
 * @st: is overwritten
 */
void kst_history_stats(struct kst_history_stats *st)
{
	unsigned int type;
	unsigned long flags;

	memset(st, 0, sizeof(*st));
	raw_spin_lock_irqsave(&kst_history_lock, flags);
	st->numbered = kst_numbered;
	st->overwritten = kst_overwritten;
	for (type = 0; type < KST_NR_TYPES; type++) {
		st->held += kst_rings[type].held;
		st->size += kst_rings[type].size;
		st->memory += (u64)kst_rings[type].size *
			      (kst_logged_room(type) + sizeof(struct kst_logged *));
	}
	raw_spin_unlock_irqrestore(&kst_history_lock, flags);
}
