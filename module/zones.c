// SPDX-License-Identifier: GPL-2.0
/*
 * The sampler of zones.
 *
 * It reads without locks what allocations change meanwhile, as /proc/zoneinfo does. A sample is
 * made aside and then shown in the place of the one before.
 */
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "compat/vmstat.h"
#include "eventlog.h"
#include "sampler.h"
#include "tunables.h"
#include "zone_state.h"
#include "zones.h"

/**
 * struct kst_sample - a sample
 * @host: of the host
 * @nr: of zones
 * @zone: the populated zones of all online nodes, by node
 */
struct kst_sample {
	struct kst_host_memory host;
	unsigned int nr;
	struct kst_zone zone[];
};

/**
 * struct kst_zone_watch - what the sampler remembers of a zone
 * @track: its states
 * @sampled: time of its last sample, CLOCK_BOOTTIME in ns; 0: none yet
 */
struct kst_zone_watch {
	struct kst_zone_track track;
	u64 sampled;
};

static u32 kst_zones_sample(void);
static struct kst_sampler kst_zones_sampler = { .sample = kst_zones_sample, .urgent = true };
static u64 kst_zones_begun; /* the last sample, CLOCK_MONOTONIC in ns */

/* Protects kst_zones_shown and what it points to. */
static DEFINE_SPINLOCK(kst_zones_shown_lock);
static struct kst_sample *kst_zones_shown;

/* The sampler's own. */
static struct kst_sample *kst_zones_next;
static struct kst_zone_watch *kst_zones_watched; /* by node and zone, populated or not */
static struct kst_logged kst_zones_rec;
static unsigned long kst_zones_vm_events[NR_VM_EVENT_ITEMS];

static unsigned int kst_zones_possible(void)
{
	return nr_node_ids * MAX_NR_ZONES;
}

static void kst_zone_read(struct kst_zone *out, struct zone *zone, unsigned int index)
{
	memset(out, 0, sizeof(*out));
	strscpy(out->name, zone->name, sizeof(out->name));
	out->node = zone_to_nid(zone);
	out->index = index;
	out->free = zone_page_state_snapshot(zone, NR_FREE_PAGES);
	out->min = min_wmark_pages(zone);
	out->low = low_wmark_pages(zone);
	out->high = high_wmark_pages(zone);
	out->boost = READ_ONCE(zone->watermark_boost);
	out->managed = zone_managed_pages(zone);
	out->present = READ_ONCE(zone->present_pages);
	/*
	 * Zones that are not populated add nothing to what is kept: against all allocations that
	 * could use any zone it is as much as against those whose highest zone is ZONE_MOVABLE.
	 */
	out->protection = READ_ONCE(zone->lowmem_reserve[ZONE_MOVABLE]);
	out->reserved = out->protection >= out->managed;
}

/*
 * Reads the populated zones of all online nodes, and keeps as many as there is room for. States
 * are the caller's. Returns how many zones it kept.
 */
static unsigned int kst_zones_read(struct kst_zone *zones, unsigned int max)
{
	unsigned int nr = 0, first, i;
	u64 all = 0, own;
	int nid;

	for_each_online_node(nid) {
		first = nr;
		own = 0;
		for (i = 0; i < MAX_NR_ZONES; i++) {
			struct zone *zone = &NODE_DATA(nid)->node_zones[i];
			struct kst_zone spare, *out = nr < max ? &zones[nr] : &spare;

			if (!populated_zone(zone))
				continue;
			kst_zone_read(out, zone, i);
			if (out->free > out->high)
				own += out->free - out->high;
			if (out != &spare)
				nr++;
		}
		for (i = first; i < nr; i++)
			zones[i].other_node_free = own;
		all += own;
	}
	for (i = 0; i < nr; i++)
		zones[i].other_node_free = all - zones[i].other_node_free;
	return nr;
}

static struct kst_zone_levels kst_zone_levels(const struct kst_zone *zone)
{
	return (struct kst_zone_levels){
		.free = zone->free,
		.min = zone->min,
		.low = zone->low,
		.high = zone->high,
	};
}

/* Counters since boot. Waits while a CPU comes or goes. */
static void kst_reclaim_read(struct kst_reclaim *reclaim)
{
	unsigned long *events = kst_zones_vm_events;

	all_vm_events(events);
	reclaim->pgscan_kswapd = kst_vm_reclaimed(events, PGSCAN_KSWAPD);
	reclaim->pgscan_direct = kst_vm_reclaimed(events, PGSCAN_DIRECT);
	reclaim->pgsteal_kswapd = kst_vm_reclaimed(events, PGSTEAL_KSWAPD);
	reclaim->pgsteal_direct = kst_vm_reclaimed(events, PGSTEAL_DIRECT);
	reclaim->allocstall = kst_vm_allocstall(events);
	reclaim->compact_stall = kst_vm_compact_stall(events);
	reclaim->oom_kill = events[OOM_KILL];
}

/* @last: time of the last sample; 0: this is the first */
static void kst_reclaim_since_last(struct kst_host_memory *host, u64 last)
{
	static struct kst_reclaim before;
	struct kst_reclaim *window = &host->reclaim;
	struct kst_reclaim after;

	kst_reclaim_read(&after);
	host->time_boot = ktime_get_boottime_ns();
	memset(window, 0, sizeof(*window));
	if (last) {
		window->window = host->time_boot - last;
		window->pgscan_kswapd = after.pgscan_kswapd - before.pgscan_kswapd;
		window->pgscan_direct = after.pgscan_direct - before.pgscan_direct;
		window->pgsteal_kswapd = after.pgsteal_kswapd - before.pgsteal_kswapd;
		window->pgsteal_direct = after.pgsteal_direct - before.pgsteal_direct;
		window->allocstall = after.allocstall - before.allocstall;
		window->compact_stall = after.compact_stall - before.compact_stall;
		window->oom_kill = after.oom_kill - before.oom_kill;
	}
	before = after;
}

static struct kst_zone_watch *kst_zone_watch(const struct kst_zone *zone)
{
	return &kst_zones_watched[zone->node * MAX_NR_ZONES + zone->index];
}

/* What the sample makes of the zone's state. A zone that was gone meanwhile begins anew. */
static void kst_zone_follow(struct kst_zone *zone, u64 now, u64 last)
{
	const struct kst_zone_levels levels = kst_zone_levels(zone);
	struct kst_zone_watch *watch = kst_zone_watch(zone);

	if (!watch->sampled || watch->sampled != last)
		kst_zone_begin(&watch->track, now);
	watch->sampled = now;
	kst_zone_step(&watch->track, &levels, now);
	zone->state = watch->track.state;
	zone->since_boot = watch->track.since;
	zone->changes = watch->track.changes;
}

static void kst_zone_tell(const struct kst_zone *zone, const struct kst_host_memory *host)
{
	struct kst_zone_track *track = &kst_zone_watch(zone)->track;
	struct kst_zones *zones = &kst_zones_rec.zones;

	/* What an allocation can never get is no loss to it. */
	if (zone->reserved)
		return;
	if (!kst_zone_due(track, host->time_boot, (u64)kst_tunable(zone_dwell) * NSEC_PER_MSEC))
		return;
	kst_event_begin(&kst_zones_rec.ev, KSTALLMON_EVENT_TYPE_ZONE_STATE, KST_NO_CPU);
	zones->reclaim = host->reclaim;
	zones->nr = 1;
	zones->zone[0] = *zone;
	zones->zone[0].before = track->told;
	/* What the rate limit holds back is due again at the next sample. */
	if (kst_eventlog_tell(&kst_zones_rec))
		kst_zone_told(track);
}

/* Time until the next sample, in ms. */
static u32 kst_zones_left(void)
{
	u64 passed = div_u64(ktime_get_ns() - READ_ONCE(kst_zones_begun), NSEC_PER_MSEC);
	u32 interval = kst_tunable(zone_interval);

	return passed < interval ? interval - passed : 0;
}

static u32 kst_zones_sample(void)
{
	struct kst_sample *sample = kst_zones_next;
	struct kst_host_memory *host = &sample->host;
	/* Only the sampler changes what is shown. */
	u64 last = kst_zones_shown->host.time_boot;
	unsigned int i;

	WRITE_ONCE(kst_zones_begun, ktime_get_ns());
	kst_reclaim_since_last(host, last);
	host->total = totalram_pages();
	host->slab_reclaimable = global_node_page_state_pages(NR_SLAB_RECLAIMABLE_B);
	host->slab_unreclaimable = global_node_page_state_pages(NR_SLAB_UNRECLAIMABLE_B);
	host->committed = vm_memory_committed();
	sample->nr = kst_zones_read(sample->zone, kst_zones_possible());
	for (i = 0; i < sample->nr; i++)
		kst_zone_follow(&sample->zone[i], host->time_boot, last);

	spin_lock(&kst_zones_shown_lock);
	swap(kst_zones_shown, kst_zones_next);
	spin_unlock(&kst_zones_shown_lock);

	for (i = 0; i < sample->nr; i++)
		kst_zone_tell(&sample->zone[i], host);
	return kst_zones_left();
}

/**
 * kst_zones_retune() - have the next sample taken when it is due now, by this CPU's timer
 *
 * For a new interval to count at once, and for a sample that waits on a CPU which hangs. The
 * interval goes on from the last sample, so that calling this often is no reason to sample often.
 *
 * Context: task, may sleep; at any time, the sampler need not be there.
 */
void kst_zones_retune(void)
{
	kst_sampler_within(&kst_zones_sampler, kst_zones_left());
}

/**
 * kst_zones_host() - memory of the host, as last sampled
 * @host: is overwritten; all 0 if there is no sample
 *
 * Context: task; at any time, the sampler need not be there.
 */
void kst_zones_host(struct kst_host_memory *host)
{
	memset(host, 0, sizeof(*host));
	spin_lock(&kst_zones_shown_lock);
	if (kst_zones_shown)
		*host = kst_zones_shown->host;
	spin_unlock(&kst_zones_shown_lock);
}

/**
 * kst_zones_get() - a zone, as last sampled
 * @nr: which of the populated zones of all nodes, by node
 * @zone: is overwritten if there is one
 * @time_boot: likewise: when it was sampled, CLOCK_BOOTTIME in ns
 *
 * Context: task; at any time, the sampler need not be there.
 *
 * Return: false if there are not so many.
 */
bool kst_zones_get(unsigned int nr, struct kst_zone *zone, u64 *time_boot)
{
	bool found;

	spin_lock(&kst_zones_shown_lock);
	found = kst_zones_shown && nr < kst_zones_shown->nr;
	if (found) {
		*zone = kst_zones_shown->zone[nr];
		*time_boot = kst_zones_shown->host.time_boot;
	}
	spin_unlock(&kst_zones_shown_lock);
	return found;
}

/* The last sample of a zone, or NULL. Under kst_zones_shown_lock. */
static const struct kst_zone *kst_zone_shown(const struct kst_zone *zone)
{
	unsigned int i;

	for (i = 0; kst_zones_shown && i < kst_zones_shown->nr; i++) {
		const struct kst_zone *shown = &kst_zones_shown->zone[i];

		if (shown->node == zone->node && shown->index == zone->index)
			return shown;
	}
	return NULL;
}

/* Gives a zone read just now its state, which is not followed: the sampler does that. */
static void kst_zone_judge(struct kst_zone *zone, u64 now)
{
	const struct kst_zone_levels levels = kst_zone_levels(zone);
	const struct kst_zone *shown = kst_zone_shown(zone);

	zone->state = kst_zone_state(shown ? shown->state : KSTALLMON_ZONE_STATE_OK, &levels);
	zone->since_boot = shown && shown->state == zone->state ? shown->since_boot : now;
	zone->changes = shown ? shown->changes : 0;
}

/**
 * kst_zones_now() - the zones as they are now, for an event
 * @zones: is overwritten; the zones that have no room in an event are left out, and all of them
 *	   if there is no sampler. What was reclaimed is by the last sample.
 *
 * Context: task; at any time, the sampler need not be there. Allocates nothing.
 */
void kst_zones_now(struct kst_zones *zones)
{
	u64 now = ktime_get_boottime_ns();
	struct kst_host_memory host;
	unsigned int i;

	kst_zones_host(&host);
	zones->reclaim = host.reclaim;
	zones->nr = host.time_boot ? kst_zones_read(zones->zone, KST_ZONES_MAX) : 0;
	spin_lock(&kst_zones_shown_lock);
	for (i = 0; i < zones->nr; i++)
		kst_zone_judge(&zones->zone[i], now);
	spin_unlock(&kst_zones_shown_lock);
}

static size_t kst_sample_size(void)
{
	return struct_size(kst_zones_next, zone, kst_zones_possible());
}

/**
 * kst_zones_memory() - what the sampler holds
 *
 * Context: any.
 *
 * Return: bytes allocated.
 */
size_t kst_zones_memory(void)
{
	return 2 * kst_sample_size() + kst_zones_possible() * sizeof(*kst_zones_watched);
}

static void kst_zones_free(void)
{
	struct kst_sample *shown = kst_zones_shown;

	spin_lock(&kst_zones_shown_lock);
	kst_zones_shown = NULL;
	spin_unlock(&kst_zones_shown_lock);
	kvfree(shown);
	kvfree(kst_zones_next);
	kvfree(kst_zones_watched);
}

/**
 * kst_zones_init() - take the first sample, and one in each interval from then on
 *
 * Context: task; the event log is there.
 *
 * Return: 0 or -ENOMEM.
 */
int kst_zones_init(void)
{
	struct kst_sample *shown = kvzalloc(kst_sample_size(), GFP_KERNEL);

	kst_zones_next = kvzalloc(kst_sample_size(), GFP_KERNEL);
	kst_zones_watched = kvcalloc(kst_zones_possible(), sizeof(*kst_zones_watched), GFP_KERNEL);
	spin_lock(&kst_zones_shown_lock);
	kst_zones_shown = shown;
	spin_unlock(&kst_zones_shown_lock);
	if (!shown || !kst_zones_next || !kst_zones_watched) {
		kst_zones_free();
		return -ENOMEM;
	}
	/* So that who asks right after loading is told. */
	kst_zones_sample();

	kst_sampler_start(&kst_zones_sampler, kst_zones_left());
	return 0;
}

/**
 * kst_zones_exit() - sample no more
 *
 * Context: task.
 */
void kst_zones_exit(void)
{
	kst_sampler_stop(&kst_zones_sampler);
	kst_zones_free();
}
