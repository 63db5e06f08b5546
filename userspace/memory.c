// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>
#include <netlink/genl/genl.h>

#include "memory.h"
#include "util.h"

/**
 * zone_decode - read a zone
 * @nest: its attributes
 * @zone: filled in
 */
void zone_decode(struct nlattr *nest, struct zone *zone)
{
	struct nlattr *tb[KSTALLMON_A_ZONE_MAX + 1];

	spec_parse_nest(&spec_zone, nest, tb);
	*zone = (struct zone){
		.node = spec_u32(tb[KSTALLMON_A_ZONE_NODE]),
		.name = spec_string(tb[KSTALLMON_A_ZONE_NAME]),
		.state = spec_u32(tb[KSTALLMON_A_ZONE_STATE]),
		.before = spec_u32(tb[KSTALLMON_A_ZONE_BEFORE]),
		.reserved = tb[KSTALLMON_A_ZONE_RESERVED],
		.since_boot = spec_u64(tb[KSTALLMON_A_ZONE_SINCE_BOOT]),
		.free = spec_u64(tb[KSTALLMON_A_ZONE_FREE]),
		.min = spec_u64(tb[KSTALLMON_A_ZONE_MIN]),
		.low = spec_u64(tb[KSTALLMON_A_ZONE_LOW]),
		.high = spec_u64(tb[KSTALLMON_A_ZONE_HIGH]),
		.boost = spec_u64(tb[KSTALLMON_A_ZONE_BOOST]),
		.managed = spec_u64(tb[KSTALLMON_A_ZONE_MANAGED]),
		.protection = spec_u64(tb[KSTALLMON_A_ZONE_PROTECTION]),
		.other_node_free = spec_u64(tb[KSTALLMON_A_ZONE_OTHER_NODE_FREE]),
		.changes = spec_u64(tb[KSTALLMON_A_ZONE_CHANGES]),
	};
}

/**
 * reclaim_decode - read what was reclaimed
 * @nest: its attributes, or NULL
 * @reclaim: filled in
 */
void reclaim_decode(struct nlattr *nest, struct reclaim *reclaim)
{
	struct nlattr *tb[KSTALLMON_A_RECLAIM_MAX + 1];

	spec_parse_nest(&spec_reclaim, nest, tb);
	*reclaim = (struct reclaim){
		.window = spec_u64(tb[KSTALLMON_A_RECLAIM_WINDOW]),
		.scan = { spec_u64(tb[KSTALLMON_A_RECLAIM_PGSCAN_KSWAPD]),
			  spec_u64(tb[KSTALLMON_A_RECLAIM_PGSCAN_DIRECT]) },
		.steal = { spec_u64(tb[KSTALLMON_A_RECLAIM_PGSTEAL_KSWAPD]),
			   spec_u64(tb[KSTALLMON_A_RECLAIM_PGSTEAL_DIRECT]) },
		.allocstall = spec_u64(tb[KSTALLMON_A_RECLAIM_ALLOCSTALL]),
		.compact_stall = spec_u64(tb[KSTALLMON_A_RECLAIM_COMPACT_STALL]),
		.oom_kill = spec_u64(tb[KSTALLMON_A_RECLAIM_OOM_KILL]),
	};
}

/**
 * vma_decode - read a process's mappings
 * @nest: their attributes, or NULL
 * @vma: filled in
 */
void vma_decode(struct nlattr *nest, struct vma *vma)
{
	struct nlattr *tb[KSTALLMON_A_VMA_MAX + 1];

	spec_parse_nest(&spec_vma, nest, tb);
	*vma = (struct vma){
		.count = spec_u32(tb[KSTALLMON_A_VMA_COUNT]),
		.limit = spec_u32(tb[KSTALLMON_A_VMA_LIMIT]),
		.state = spec_u32(tb[KSTALLMON_A_VMA_STATE]),
		.before = spec_u32(tb[KSTALLMON_A_VMA_BEFORE]),
		.grows = tb[KSTALLMON_A_VMA_GROWTH],
		.growth = spec_s64(tb[KSTALLMON_A_VMA_GROWTH]),
		.ends = tb[KSTALLMON_A_VMA_TIME_TO_LIMIT],
		.time_to_limit = spec_u64(tb[KSTALLMON_A_VMA_TIME_TO_LIMIT]),
	};
}

static void take_missing(struct host *host, struct nlmsghdr *nlh)
{
	struct genlmsghdr *genl = nlmsg_data(nlh);
	struct nlattr *attr;
	int rest;

	nla_for_each_attr(attr, genlmsg_attrdata(genl, 0), genlmsg_attrlen(genl, 0), rest) {
		char *before = host->missing;

		if (nla_type(attr) != KSTALLMON_A_MEMORY_MISSING || !spec_of(&spec_memory, attr))
			continue;
		if (asprintf(&host->missing, "%s%s%s", before ? before : "", before ? ", " : "",
			     nla_get_string(attr)) < 0)
			die("out of memory");
		free(before);
	}
}

static int take_host(struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *tb[KSTALLMON_A_MEMORY_MAX + 1];
	struct host *host = arg;

	spec_parse_message(&spec_memory, nlh, tb);
	host_free(host);
	host->time_boot = spec_u64(tb[KSTALLMON_A_MEMORY_TIME_BOOT]);
	reclaim_decode(tb[KSTALLMON_A_MEMORY_RECLAIM], &host->reclaim);
	host->total = spec_u64(tb[KSTALLMON_A_MEMORY_TOTAL]);
	host->slab_reclaimable = spec_u64(tb[KSTALLMON_A_MEMORY_SLAB_RECLAIMABLE]);
	host->slab_unreclaimable = spec_u64(tb[KSTALLMON_A_MEMORY_SLAB_UNRECLAIMABLE]);
	host->committed = spec_u64(tb[KSTALLMON_A_MEMORY_COMMITTED]);
	host->untimed = spec_u64(tb[KSTALLMON_A_MEMORY_UNTIMED]);
	host->throttled = spec_u64(tb[KSTALLMON_A_MEMORY_THROTTLED]);
	host->limit = spec_u32(tb[KSTALLMON_A_MEMORY_MAX_MAP_COUNT]);
	host->sweeps = spec_u64(tb[KSTALLMON_A_MEMORY_SWEEPS]);
	host->sweep_time = spec_u64(tb[KSTALLMON_A_MEMORY_SWEEP_TIME]);
	host->sweep_tasks = spec_u32(tb[KSTALLMON_A_MEMORY_SWEEP_TASKS]);
	host->slice_longest = spec_u64(tb[KSTALLMON_A_MEMORY_SLICE_LONGEST]);
	host->untracked = spec_u64(tb[KSTALLMON_A_MEMORY_UNTRACKED]);
	take_missing(host, nlh);
	return 0;
}

/**
 * host_get - ask for the host's memory
 * @nl: where to
 * @host: filled in; free it with host_free() in any case
 *
 * Return: as knl_request().
 */
int host_get(struct knl *nl, struct host *host)
{
	*host = (struct host){ 0 };
	return knl_request(nl, knl_message(nl, KSTALLMON_CMD_MEMORY_GET), take_host, host);
}

/**
 * host_free - let go of what host_get() brought
 * @host: empty afterwards
 */
void host_free(struct host *host)
{
	free(host->missing);
	*host = (struct host){ 0 };
}

/**
 * memory_mib - tell how much memory pages are
 * @pages: of this machine, whose module has counted them
 *
 * Return: MiB.
 */
double memory_mib(uint64_t pages)
{
	return pages * (sysconf(_SC_PAGESIZE) / 1048576.0);
}

/**
 * memory_percent - tell a share
 * @part: of @whole
 * @whole: 0: there is no share, 0 either
 *
 * Return: from 0 to 100, or more.
 */
double memory_percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * part / whole : 0;
}

/**
 * memory_put_span - write a time that may be as short as a blink or as long as a year
 * @file: where to
 * @ns: the time
 */
void memory_put_span(FILE *file, uint64_t ns)
{
	static const struct {
		double seconds;
		const char *name;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" } };
	double seconds = ns / 1e9;

	/* From two of a unit on, so that the tenths still tell something. */
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (seconds >= 2 * units[i].seconds) {
			fprintf(file, "%.1f %s", seconds / units[i].seconds, units[i].name);
			return;
		}
	}
	fprintf(file, "%.1f s", seconds);
}

/**
 * memory_put_growth - write how fast a process gets mappings
 * @file: where to
 * @vma: the mappings, whose growth is known
 *
 * By the second or, where that would be less than one in ten seconds, by the hour.
 */
void memory_put_growth(FILE *file, const struct vma *vma)
{
	if (vma->growth >= 100 || vma->growth <= -100)
		fprintf(file, "%+.1f/s", vma->growth / 1000.0);
	else
		fprintf(file, "%+.1f/h", vma->growth * 3.6);
}
