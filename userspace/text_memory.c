// SPDX-License-Identifier: GPL-2.0
/*
 * Events about memory, for people.
 */
#include <inttypes.h>
#include <netlink/genl/genl.h>

#include "memory.h"
#include "out.h"
#include "text.h"
#include "util.h"

/* Whether there was anything to reclaim, and with what success. */
static void put_efficiency(FILE *file, const struct event *event)
{
	struct reclaim reclaim;
	uint64_t scan;

	reclaim_decode(event->attrs[KSTALLMON_A_EVENT_RECLAIM], &reclaim);
	scan = reclaim.scan[0] + reclaim.scan[1];
	if (scan)
		fprintf(file, ", reclaimed %.1f %% of %" PRIu64 " pages scanned",
			memory_percent(reclaim.steal[0] + reclaim.steal[1], scan), scan);
}

static void put_zone(FILE *file, const struct zone *zone)
{
	fprintf(file, "node %" PRIu32 " ", zone->node);
	put_escaped(file, zone->name);
	fputc(' ', file);
	if (zone->before) {
		text_enum(file, &spec_zone_states, zone->before);
		fputs(" -> ", file);
	}
	text_enum(file, &spec_zone_states, zone->state);
	if (zone->reserved)
		fputs(" (reserved)", file);
	fprintf(file, ", free %.1f MiB (min %.1f, low %.1f, high %.1f)", memory_mib(zone->free),
		memory_mib(zone->min), memory_mib(zone->low), memory_mib(zone->high));
}

/**
 * text_zone_state - write what a zone-state has behind its number
 * @file: where to
 * @event: the event
 */
void text_zone_state(FILE *file, const struct event *event)
{
	struct zone zone;

	zone_decode(event->attrs[KSTALLMON_A_EVENT_ZONE], &zone);
	fputc(' ', file);
	put_zone(file, &zone);
	put_efficiency(file, event);
	if (zone.other_node_free)
		fprintf(file, ", other nodes have %.1f MiB to spare",
			memory_mib(zone.other_node_free));
}

/**
 * text_reclaim_stall - write what a reclaim-stall has behind number and CPU
 * @file: where to
 * @event: the event
 */
void text_reclaim_stall(FILE *file, const struct event *event)
{
	struct nlattr *const *attrs = event->attrs;
	struct nlattr *task[KSTALLMON_A_TASK_MAX + 1];
	uint32_t scope = spec_u32(attrs[KSTALLMON_A_EVENT_SCOPE]);

	fputs(" reclaim stall ", file);
	out_ms(file, spec_u64(attrs[KSTALLMON_A_EVENT_DURATION]));
	fputs(", ", file);
	text_enum(file, &spec_scopes, scope);
	fprintf(file, ", order %" PRIu32 ", %" PRIu64 " pages reclaimed",
		spec_u32(attrs[KSTALLMON_A_EVENT_ORDER]),
		spec_u64(attrs[KSTALLMON_A_EVENT_RECLAIMED]));
	text_task(file, attrs[KSTALLMON_A_EVENT_TASK]);
	/* Whose limit it was is not told, but where the task is. */
	spec_parse_nest(&spec_task, attrs[KSTALLMON_A_EVENT_TASK], task);
	if (scope == KSTALLMON_RECLAIM_SCOPE_MEMCG && task[KSTALLMON_A_TASK_CGROUP_ID])
		fprintf(file, " in cgroup %" PRIu64, spec_u64(task[KSTALLMON_A_TASK_CGROUP_ID]));
}

/**
 * text_oom_kill - write what an oom-kill has behind number and CPU
 * @file: where to
 * @event: the event
 */
void text_oom_kill(FILE *file, const struct event *event)
{
	fputs(" oom kill", file);
	text_task(file, event->attrs[KSTALLMON_A_EVENT_TASK]);
	put_efficiency(file, event);
}

/**
 * text_vma_state - write what a vma-state has behind its number
 * @file: where to
 * @event: the event
 */
void text_vma_state(FILE *file, const struct event *event)
{
	struct nlattr *task[KSTALLMON_A_TASK_MAX + 1];
	struct vma vma;

	spec_parse_nest(&spec_task, event->attrs[KSTALLMON_A_EVENT_TASK], task);
	vma_decode(event->attrs[KSTALLMON_A_EVENT_VMA], &vma);
	fputs(" process ", file);
	put_escaped(file, spec_string(task[KSTALLMON_A_TASK_COMM]));
	fprintf(file, "/%" PRIu32 " mappings ", spec_u32(task[KSTALLMON_A_TASK_TGID]));
	if (vma.before) {
		text_enum(file, &spec_vma_states, vma.before);
		fputs(" -> ", file);
	}
	text_enum(file, &spec_vma_states, vma.state);
	fprintf(file, ", %" PRIu32, vma.count);
	if (vma.limit)
		fprintf(file, " of %" PRIu32 " (%.1f %%)", vma.limit,
			memory_percent(vma.count, vma.limit));
	if (vma.grows) {
		fputs(", ", file);
		memory_put_growth(file, &vma);
	}
	if (vma.ends) {
		fputs(", at the limit in ", file);
		memory_put_span(file, vma.time_to_limit);
	}
}

/**
 * text_zones - write the zones of an oom-kill, one a line
 * @file: where to
 * @event: the event; of another type: nothing
 */
void text_zones(FILE *file, const struct event *event)
{
	struct genlmsghdr *genl = nlmsg_data(event->nlh);
	struct nlattr *attr;
	int rest;

	if (event->type != KSTALLMON_EVENT_TYPE_OOM_KILL)
		return;
	nla_for_each_attr(attr, genlmsg_attrdata(genl, 0), genlmsg_attrlen(genl, 0), rest) {
		struct zone zone;

		if (nla_type(attr) != KSTALLMON_A_EVENT_ZONE)
			continue;
		zone_decode(attr, &zone);
		fputs("    ", file);
		put_zone(file, &zone);
		fputc('\n', file);
	}
}
