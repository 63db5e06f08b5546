/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_MEMORY_H
#define KST_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "nl.h"
#include "spec.h"

/**
 * struct zone - a zone as the module sampled it; absent numbers are 0
 * @node: its NUMA node
 * @name: as in /proc/zoneinfo; valid as long as the message
 * @state: enum kstallmon_zone_state, or newer
 * @before: in events, the state told before
 * @reserved: allocations that could use any zone never get memory here
 * @since_boot: when it was first found in this state, CLOCK_BOOTTIME in ns
 * @free: pages, as are all below up to @other_node_free
 * @min: the watermark, likewise the next two
 * @low: see @min
 * @high: see @min
 * @boost: part of the watermarks that is there for some time only
 * @managed: by the page allocator
 * @protection: kept from allocations that could use any zone
 * @other_node_free: free above the high watermarks on all other nodes
 * @changes: of state since the module was loaded
 */
struct zone {
	uint32_t node;
	const char *name;
	uint32_t state;
	uint32_t before;
	bool reserved;
	uint64_t since_boot;
	uint64_t free;
	uint64_t min;
	uint64_t low;
	uint64_t high;
	uint64_t boost;
	uint64_t managed;
	uint64_t protection;
	uint64_t other_node_free;
	uint64_t changes;
};

/**
 * struct reclaim - what the host reclaimed between two samples
 * @window: time between them in ns; 0: there was only one
 * @scan: pages looked at, by kswapd and by tasks that allocate
 * @steal: pages reclaimed, likewise
 * @allocstall: allocations that had to reclaim
 * @compact_stall: allocations that had to compact
 * @oom_kill: victims of the OOM killer
 */
struct reclaim {
	uint64_t window;
	uint64_t scan[2];
	uint64_t steal[2];
	uint64_t allocstall;
	uint64_t compact_stall;
	uint64_t oom_kill;
};

/**
 * struct vma - a process's mappings
 * @count: how many
 * @limit: how many it may have; 0: not known
 * @state: enum kstallmon_vma_state, or newer
 * @before: in events, the state told before
 * @grows: @growth is known
 * @growth: gained per 1000 s
 * @ends: @time_to_limit is known
 * @time_to_limit: ns until @limit at this growth
 */
struct vma {
	uint32_t count;
	uint32_t limit;
	uint32_t state;
	uint32_t before;
	bool grows;
	int64_t growth;
	bool ends;
	uint64_t time_to_limit;
};

/**
 * struct host - the host's memory at the last sample, and what the samplers say of themselves
 * @time_boot: when that was, CLOCK_BOOTTIME in ns; 0: not yet
 * @reclaim: since the sample before
 * @total: pages, as are all below up to @committed
 * @slab_reclaimable: of slab caches that can shrink
 * @slab_unreclaimable: of others
 * @committed: promised to processes
 * @untimed: times in reclaim that could not be measured
 * @throttled: times that a task in reclaim was made to wait
 * @missing: tracepoints that the kernel has not, with commas between; NULL: it has all
 * @limit: vm.max_map_count; 0: it could not be read
 * @sweeps: times that all processes were looked at
 * @sweep_time: how long the last sweep worked, in ns
 * @sweep_tasks: processes that it met
 * @slice_longest: the longest time without a chance to reschedule, in ns
 * @untracked: times that there was no room to remember a process near the limit
 */
struct host {
	uint64_t time_boot;
	struct reclaim reclaim;
	uint64_t total;
	uint64_t slab_reclaimable;
	uint64_t slab_unreclaimable;
	uint64_t committed;
	uint64_t untimed;
	uint64_t throttled;
	char *missing;
	uint32_t limit;
	uint64_t sweeps;
	uint64_t sweep_time;
	uint32_t sweep_tasks;
	uint64_t slice_longest;
	uint64_t untracked;
};

int host_get(struct knl *nl, struct host *host);
void host_free(struct host *host);
void zone_decode(struct nlattr *nest, struct zone *zone);
void reclaim_decode(struct nlattr *nest, struct reclaim *reclaim);
void vma_decode(struct nlattr *nest, struct vma *vma);

double memory_mib(uint64_t pages);
double memory_percent(uint64_t part, uint64_t whole);
void memory_put_span(FILE *file, uint64_t ns);
void memory_put_growth(FILE *file, const struct vma *vma);

#endif
