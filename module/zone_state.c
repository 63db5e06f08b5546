// SPDX-License-Identifier: GPL-2.0
/*
 * States of a zone's free memory. They are ordered: the larger, the worse.
 */
#include "zone_state.h"

/**
 * kst_zone_state() - judge a zone's free memory
 * @before: enum kstallmon_zone_state as it was
 * @levels: as they are
 *
 * Allocations that may reclaim stop at the min watermark, some pages above it when many CPUs
 * allocate at once. So min begins an eighth of the way from min to low, and ends only half way
 * up: in between are zones that reclaim holds at min. Other states end where they begin.
 *
 * A zone without watermarks has nothing to fall below: it is ok. While watermarks are being set
 * they may be seen out of order; then the lower one rules.
 *
 * Context: any.
 *
 * Return: enum kstallmon_zone_state.
 */
__u32 kst_zone_state(__u32 before, const struct kst_zone_levels *levels)
{
	__u64 low = levels->low > levels->min ? levels->low : levels->min;
	__u64 gap = low - levels->min;

	if (!levels->high)
		return KSTALLMON_ZONE_STATE_OK;
	if (levels->free <= levels->min + gap / 8)
		return KSTALLMON_ZONE_STATE_MIN;
	if (before == KSTALLMON_ZONE_STATE_MIN && levels->free <= levels->min + gap / 2)
		return KSTALLMON_ZONE_STATE_MIN;
	if (levels->free <= low)
		return KSTALLMON_ZONE_STATE_LOW;
	if (levels->free <= levels->high)
		return KSTALLMON_ZONE_STATE_HIGH;
	return KSTALLMON_ZONE_STATE_OK;
}

/**
 * kst_zone_begin() - begin to follow a zone: it is taken for ok, and for told so
 * @track: is overwritten
 * @now: time in ns
 *
 * Context: any.
 */
void kst_zone_begin(struct kst_zone_track *track, __u64 now)
{
	*track = (struct kst_zone_track){
		.state = KSTALLMON_ZONE_STATE_OK,
		.told = KSTALLMON_ZONE_STATE_OK,
		.since = now,
	};
}

/**
 * kst_zone_step() - follow a zone by one sample
 * @track: the zone's
 * @levels: the sample
 * @now: when it was taken, in ns; never less than before
 *
 * Context: any; callers serialise what they do with a track.
 */
void kst_zone_step(struct kst_zone_track *track, const struct kst_zone_levels *levels, __u64 now)
{
	__u32 state = kst_zone_state(track->state, levels);

	if (state != track->state) {
		track->state = state;
		track->since = now;
		track->changes++;
	}
	if (state < track->told && !track->better)
		track->better_since = now;
	track->better = state < track->told;
}

/**
 * kst_zone_due() - is the zone's state to be told now
 * @track: the zone's
 * @now: time of the last sample, in ns
 * @dwell: how long a state other than min must have lasted, in ns
 *
 * Free memory of a healthy host goes up and down between high and low for ever, so what becomes
 * worse is told once the same state has lasted. What becomes better is told once it has been
 * better, by whatever states: or a zone that was at min once and goes up and down since would be
 * said to be at min for ever.
 *
 * Context: any.
 *
 * Return: whether it differs from what was told last, and is min or has lasted.
 */
bool kst_zone_due(const struct kst_zone_track *track, __u64 now, __u64 dwell)
{
	if (track->state == track->told)
		return false;
	if (track->state == KSTALLMON_ZONE_STATE_MIN)
		return true;
	return now - (track->better ? track->better_since : track->since) >= dwell;
}

/**
 * kst_zone_told() - note that the zone's state was told
 * @track: the zone's
 *
 * Context: any; callers serialise what they do with a track.
 */
void kst_zone_told(struct kst_zone_track *track)
{
	track->told = track->state;
	track->better = false;
}
