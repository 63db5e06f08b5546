/* SPDX-License-Identifier: GPL-2.0 */
/*
 * In which state a zone is, and when that is worth telling. Pure: a test in user space has it, too.
 */
#ifndef KST_ZONE_STATE_H
#define KST_ZONE_STATE_H

#include <linux/types.h>
#include <linux/kstallmon.h>
#ifndef __KERNEL__
#include <stdbool.h>
#endif

/**
 * struct kst_zone_levels - a zone's free memory and its watermarks, in pages
 * @free: free
 * @min: the watermark, boost included, as are the other two
 * @low: likewise
 * @high: likewise
 */
struct kst_zone_levels {
	__u64 free;
	__u64 min;
	__u64 low;
	__u64 high;
};

/**
 * struct kst_zone_track - the states that a zone went through
 * @state: enum kstallmon_zone_state, by the last sample
 * @told: likewise, as last told
 * @better: @state is better than @told
 * @since: when the zone was first found in @state, in ns
 * @better_since: when it was first found better than @told, in ns; valid if @better
 * @changes: of @state
 */
struct kst_zone_track {
	__u32 state;
	__u32 told;
	bool better;
	__u64 since;
	__u64 better_since;
	__u64 changes;
};

__u32 kst_zone_state(__u32 before, const struct kst_zone_levels *levels);
void kst_zone_begin(struct kst_zone_track *track, __u64 now);
void kst_zone_step(struct kst_zone_track *track, const struct kst_zone_levels *levels, __u64 now);
bool kst_zone_due(const struct kst_zone_track *track, __u64 now, __u64 dwell);
void kst_zone_told(struct kst_zone_track *track);

#endif /* KST_ZONE_STATE_H */
