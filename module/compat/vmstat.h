/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters of reclaim, which moved between kernels.
 */
#ifndef KST_COMPAT_VMSTAT_H
#define KST_COMPAT_VMSTAT_H

#include <linux/vmstat.h>

/*
 * Pages scanned and reclaimed, by kswapd and directly. They were vm events, of global reclaim
 * alone, until "mm: move pgscan, pgsteal, pgrefill to node stats" (7.2), and count the reclaim of
 * memory cgroups as well since. @events is what all_vm_events() filled.
 */
#ifdef KST_HAVE_NODE_PGSCAN
#define kst_vm_reclaimed(events, item) ((void)(events), global_node_page_state(item))
#else
#define kst_vm_reclaimed(events, item) ((events)[item])
#endif

/* Allocations that had to reclaim: one vm event for each class of zones, in their order. */
static inline unsigned long kst_vm_allocstall(const unsigned long *events)
{
	unsigned long sum = 0;
	int zone;

	for (zone = 0; zone <= ZONE_MOVABLE; zone++)
		sum += events[ALLOCSTALL_NORMAL - ZONE_NORMAL + zone];
	return sum;
}

/* Allocations that had to compact. */
static inline unsigned long kst_vm_compact_stall(const unsigned long *events)
{
#ifdef CONFIG_COMPACTION
	return events[COMPACTSTALL];
#else
	return 0;
#endif
}

#endif /* KST_COMPAT_VMSTAT_H */
