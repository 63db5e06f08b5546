/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Free memory of each zone against its watermarks, and what is reclaimed meanwhile.
 */
#ifndef KST_ZONES_H
#define KST_ZONES_H

#include "event.h"

/**
 * struct kst_host_memory - the host's memory at a sample
 * @time_boot: when, CLOCK_BOOTTIME in ns
 * @reclaim: since the sample before
 * @total: pages, as are all below
 * @slab_reclaimable: of slab caches that can shrink
 * @slab_unreclaimable: of others
 * @committed: promised to processes
 */
struct kst_host_memory {
	u64 time_boot;
	struct kst_reclaim reclaim;
	u64 total;
	u64 slab_reclaimable;
	u64 slab_unreclaimable;
	u64 committed;
};

int kst_zones_init(void);
void kst_zones_exit(void);
void kst_zones_retune(void);
void kst_zones_host(struct kst_host_memory *host);
bool kst_zones_get(unsigned int nr, struct kst_zone *zone, u64 *time_boot);
size_t kst_zones_memory(void);
void kst_zones_now(struct kst_zones *zones);

#endif /* KST_ZONES_H */
