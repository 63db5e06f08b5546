// SPDX-License-Identifier: GPL-2.0
#include "vma_state.h"

/* In percent of the limit. That those to leave a state are lower keeps it from flapping. */
#define KST_WARN_ENTER 80
#define KST_WARN_LEAVE 75
#define KST_CRIT_ENTER 95
#define KST_CRIT_LEAVE 90

/* Counted again as soon, a single mapping would be a rate of a million per 1000 s. */
#define KST_GROWTH_MIN_NS 1000000

/**
 * kst_vma_state() - how near a process is to the limit of its mappings
 * @count: its mappings
 * @limit: vm.max_map_count, not 0
 * @before: its state so far, enum kstallmon_vma_state
 *
 * Context: any.
 *
 * Return: its state now.
 */
u32 kst_vma_state(u32 count, u32 limit, u32 before)
{
	u64 full = 100ULL * count;
	bool was_crit = before == KSTALLMON_VMA_STATE_CRIT;
	bool was_warn = before == KSTALLMON_VMA_STATE_WARN || was_crit;

	if (full >= (u64)limit * (was_crit ? KST_CRIT_LEAVE : KST_CRIT_ENTER))
		return KSTALLMON_VMA_STATE_CRIT;
	if (full >= (u64)limit * (was_warn ? KST_WARN_LEAVE : KST_WARN_ENTER))
		return KSTALLMON_VMA_STATE_WARN;
	return KSTALLMON_VMA_STATE_OK;
}

/**
 * kst_growth_begin() - a process was counted for the first time
 * @growth: is overwritten
 * @count: its mappings
 * @now: when, in ns
 */
void kst_growth_begin(struct kst_growth *growth, u32 count, u64 now)
{
	growth->count = count;
	growth->first = now;
	growth->last = now;
	growth->rate = 0;
}

/**
 * kst_growth_add() - a process was counted again
 * @growth: its growth
 * @count: its mappings
 * @now: when, in ns; not before the last time
 * @window: how far back to look, in ns
 *
 * A moving average with exponential weights of samples that need not be equally far apart: one
 * over dt has the weight dt / (window + dt). Until the process is known for as long, the weight
 * is dt / age, which makes it the plain average over the time that it is known.
 */
void kst_growth_add(struct kst_growth *growth, u32 count, u64 now, u64 window)
{
	/* In us and parts of 1024, as all products then fit: 2^31 mappings within 1 ms do. */
	u64 dt = (now - growth->last) / 1000;
	u64 age = (now - growth->first) / 1000;
	u64 span = window / 1000 + dt;
	s64 weight, step;

	if (now - growth->last < KST_GROWTH_MIN_NS)
		return;
	if (span > age)
		span = age;
	weight = dt * 1024 / span;
	step = ((s64)count - growth->count) * 1000000000 / (s64)dt - growth->rate;
	/* Away from 0, or the average would never arrive. */
	growth->rate += (step * weight + (step < 0 ? -1023 : 1023)) / 1024;
	growth->count = count;
	growth->last = now;
}

/**
 * kst_growth_known() - whether a process was counted often enough to know its growth
 * @growth: its growth
 *
 * Return: whether @growth->rate means something.
 */
bool kst_growth_known(const struct kst_growth *growth)
{
	return growth->last != growth->first;
}

/**
 * kst_time_to_limit() - when a process will reach the limit of its mappings
 * @count: its mappings
 * @limit: vm.max_map_count
 * @rate: mappings that it gains per 1000 s
 *
 * Return: the time until then in ns, at most U64_MAX; 0 if it does not come nearer or is there.
 */
u64 kst_time_to_limit(u32 count, u32 limit, s64 rate)
{
	u64 us;

	if (rate <= 0 || count >= limit)
		return 0;
	us = (u64)(limit - count) * 1000000000 / (u64)rate;
	if (us > ~0ULL / 1000)
		return ~0ULL;
	return us ? us * 1000 : 1;
}
