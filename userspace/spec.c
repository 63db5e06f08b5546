// SPDX-License-Identifier: GPL-2.0
/*
 * kstallmon.yaml as tables. A new attribute is one row here and is then read,
 * and printed as JSON, like the others.
 */
#include <string.h>
#include <netlink/genl/genl.h>

#include "spec.h"
#include "util.h"

#define NAMES(array)                                         \
	{                                                    \
		.names = (array), .count = ARRAY_SIZE(array) \
	}
#define SET(array)                                                  \
	{                                                           \
		.attrs = (array), .max = (int)ARRAY_SIZE(array) - 1 \
	}

static const char *const event_types[] = {
	[KSTALLMON_EVENT_TYPE_STALL_END] = "stall-end",
	[KSTALLMON_EVENT_TYPE_STALL_BEGIN] = "stall-begin",
	[KSTALLMON_EVENT_TYPE_ZONE_STATE] = "zone-state",
	[KSTALLMON_EVENT_TYPE_RECLAIM_STALL] = "reclaim-stall",
	[KSTALLMON_EVENT_TYPE_OOM_KILL] = "oom-kill",
	[KSTALLMON_EVENT_TYPE_VMA_STATE] = "vma-state",
};
const struct spec_names spec_event_types = NAMES(event_types);

static const char *const kinds[] = {
	[KSTALLMON_STALL_KIND_IRQ] = "irq",
	[KSTALLMON_STALL_KIND_SOFTIRQ] = "softirq",
	[KSTALLMON_STALL_KIND_SCHED] = "sched",
};
const struct spec_names spec_kinds = NAMES(kinds);

static const char *const contexts[] = {
	[KSTALLMON_CONTEXT_KERNEL] = "kernel",
	[KSTALLMON_CONTEXT_USER] = "user",
	[KSTALLMON_CONTEXT_IDLE] = "idle",
};
const struct spec_names spec_contexts = NAMES(contexts);

static const char *const classes[] = {
	[KSTALLMON_STALL_CLASS_KERNEL] = "kernel",
	[KSTALLMON_STALL_CLASS_HYPERVISOR] = "hypervisor",
	[KSTALLMON_STALL_CLASS_UNKNOWN] = "unknown",
};
const struct spec_names spec_classes = NAMES(classes);

static const char *const cpu_states[] = {
	[KSTALLMON_CPU_STATE_BUSY] = "busy",
	[KSTALLMON_CPU_STATE_SENTRY] = "sentry",
	[KSTALLMON_CPU_STATE_BACKED_OFF] = "backed-off",
	[KSTALLMON_CPU_STATE_EXCLUDED] = "excluded",
	[KSTALLMON_CPU_STATE_OFFLINE] = "offline",
};
const struct spec_names spec_cpu_states = NAMES(cpu_states);

static const char *const zone_states[] = {
	[KSTALLMON_ZONE_STATE_OK] = "ok",
	[KSTALLMON_ZONE_STATE_HIGH] = "high",
	[KSTALLMON_ZONE_STATE_LOW] = "low",
	[KSTALLMON_ZONE_STATE_MIN] = "min",
};
const struct spec_names spec_zone_states = NAMES(zone_states);

static const char *const scopes[] = {
	[KSTALLMON_RECLAIM_SCOPE_GLOBAL] = "global",
	[KSTALLMON_RECLAIM_SCOPE_MEMCG] = "memcg",
};
const struct spec_names spec_scopes = NAMES(scopes);

static const char *const vma_states[] = {
	[KSTALLMON_VMA_STATE_OK] = "ok",
	[KSTALLMON_VMA_STATE_WARN] = "warn",
	[KSTALLMON_VMA_STATE_CRIT] = "crit",
};
const struct spec_names spec_vma_states = NAMES(vma_states);

static const struct spec_attr task_attrs[] = {
	[KSTALLMON_A_TASK_COMM] = { "comm", SPEC_STRING },
	[KSTALLMON_A_TASK_PID] = { "pid", SPEC_U32 },
	[KSTALLMON_A_TASK_TGID] = { "tgid", SPEC_U32 },
	[KSTALLMON_A_TASK_CGROUP_ID] = { "cgroup-id", SPEC_U64 },
};
const struct spec_set spec_task = SET(task_attrs);

static const struct spec_attr stack_attrs[] = {
	[KSTALLMON_A_STACK_FRAME] = { "frame", SPEC_STRING, .multi = true },
	[KSTALLMON_A_STACK_TRUNCATED] = { "truncated", SPEC_FLAG },
};
const struct spec_set spec_stack = SET(stack_attrs);

static const struct spec_attr zone_attrs[] = {
	[KSTALLMON_A_ZONE_NODE] = { "node", SPEC_U32 },
	[KSTALLMON_A_ZONE_NAME] = { "name", SPEC_STRING },
	[KSTALLMON_A_ZONE_STATE] = { "state", SPEC_U32, .names = &spec_zone_states },
	[KSTALLMON_A_ZONE_BEFORE] = { "before", SPEC_U32, .names = &spec_zone_states },
	[KSTALLMON_A_ZONE_SINCE_BOOT] = { "since-boot", SPEC_U64, SPEC_NS },
	[KSTALLMON_A_ZONE_FREE] = { "free", SPEC_U64 },
	[KSTALLMON_A_ZONE_MIN] = { "min", SPEC_U64 },
	[KSTALLMON_A_ZONE_LOW] = { "low", SPEC_U64 },
	[KSTALLMON_A_ZONE_HIGH] = { "high", SPEC_U64 },
	[KSTALLMON_A_ZONE_BOOST] = { "boost", SPEC_U64 },
	[KSTALLMON_A_ZONE_MANAGED] = { "managed", SPEC_U64 },
	[KSTALLMON_A_ZONE_PRESENT] = { "present", SPEC_U64 },
	[KSTALLMON_A_ZONE_PROTECTION] = { "protection", SPEC_U64 },
	[KSTALLMON_A_ZONE_OTHER_NODE_FREE] = { "other-node-free", SPEC_U64 },
	[KSTALLMON_A_ZONE_CHANGES] = { "changes", SPEC_U64 },
	[KSTALLMON_A_ZONE_RESERVED] = { "reserved", SPEC_FLAG },
};
const struct spec_set spec_zone = SET(zone_attrs);

static const struct spec_attr reclaim_attrs[] = {
	[KSTALLMON_A_RECLAIM_WINDOW] = { "window", SPEC_U64, SPEC_NS },
	[KSTALLMON_A_RECLAIM_PGSCAN_KSWAPD] = { "pgscan-kswapd", SPEC_U64 },
	[KSTALLMON_A_RECLAIM_PGSCAN_DIRECT] = { "pgscan-direct", SPEC_U64 },
	[KSTALLMON_A_RECLAIM_PGSTEAL_KSWAPD] = { "pgsteal-kswapd", SPEC_U64 },
	[KSTALLMON_A_RECLAIM_PGSTEAL_DIRECT] = { "pgsteal-direct", SPEC_U64 },
	[KSTALLMON_A_RECLAIM_ALLOCSTALL] = { "allocstall", SPEC_U64 },
	[KSTALLMON_A_RECLAIM_COMPACT_STALL] = { "compact-stall", SPEC_U64 },
	[KSTALLMON_A_RECLAIM_OOM_KILL] = { "oom-kill", SPEC_U64 },
};
const struct spec_set spec_reclaim = SET(reclaim_attrs);

static const struct spec_attr vma_attrs[] = {
	[KSTALLMON_A_VMA_COUNT] = { "count", SPEC_U32 },
	[KSTALLMON_A_VMA_LIMIT] = { "limit", SPEC_U32 },
	[KSTALLMON_A_VMA_STATE] = { "state", SPEC_U32, .names = &spec_vma_states },
	[KSTALLMON_A_VMA_BEFORE] = { "before", SPEC_U32, .names = &spec_vma_states },
	[KSTALLMON_A_VMA_GROWTH] = { "growth", SPEC_S64 },
	[KSTALLMON_A_VMA_TIME_TO_LIMIT] = { "time-to-limit", SPEC_U64, SPEC_NS },
};
const struct spec_set spec_vma = SET(vma_attrs);

static const struct spec_attr event_attrs[] = {
	[KSTALLMON_A_EVENT_SINCE] = { "since", SPEC_U64 },
	[KSTALLMON_A_EVENT_INSTANCE] = { "instance", SPEC_U32 },
	[KSTALLMON_A_EVENT_SEQ] = { "seq", SPEC_U64 },
	[KSTALLMON_A_EVENT_TYPE] = { "type", SPEC_U32, .names = &spec_event_types },
	[KSTALLMON_A_EVENT_TIME_BOOT] = { "time-boot", SPEC_U64, SPEC_NS },
	[KSTALLMON_A_EVENT_TIME_REAL] = { "time-real", SPEC_U64, SPEC_REAL },
	[KSTALLMON_A_EVENT_CPU] = { "cpu", SPEC_U32 },
	[KSTALLMON_A_EVENT_DROPPED] = { "dropped", SPEC_U64 },
	[KSTALLMON_A_EVENT_SUPPRESSED] = { "suppressed", SPEC_U64 },
	[KSTALLMON_A_EVENT_SUPPRESSED_LONGEST] = { "suppressed-longest", SPEC_U64, SPEC_NS },
	[KSTALLMON_A_EVENT_TASK] = { "task", SPEC_NEST, .nest = &spec_task },
	[KSTALLMON_A_EVENT_KIND] = { "kind", SPEC_U32, .names = &spec_kinds },
	[KSTALLMON_A_EVENT_STALL_ID] = { "stall-id", SPEC_U64 },
	[KSTALLMON_A_EVENT_DURATION_MIN] = { "duration-min", SPEC_U64, SPEC_NS },
	[KSTALLMON_A_EVENT_DURATION_MAX] = { "duration-max", SPEC_U64, SPEC_NS },
	[KSTALLMON_A_EVENT_CONTEXT] = { "context", SPEC_U32, .names = &spec_contexts },
	[KSTALLMON_A_EVENT_STACK] = { "stack", SPEC_NEST, .nest = &spec_stack },
	[KSTALLMON_A_EVENT_CLASS] = { "class", SPEC_U32, .names = &spec_classes },
	[KSTALLMON_A_EVENT_STEAL] = { "steal", SPEC_U64, SPEC_NS },
	[KSTALLMON_A_EVENT_LIVE_STACK] = { "live-stack", SPEC_NEST, .nest = &spec_stack },
	[KSTALLMON_A_EVENT_WATCHER] = { "watcher", SPEC_U32 },
	[KSTALLMON_A_EVENT_ZONE] = { "zone", SPEC_NEST, .multi = true, .nest = &spec_zone },
	[KSTALLMON_A_EVENT_RECLAIM] = { "reclaim", SPEC_NEST, .nest = &spec_reclaim },
	[KSTALLMON_A_EVENT_SCOPE] = { "scope", SPEC_U32, .names = &spec_scopes },
	[KSTALLMON_A_EVENT_ORDER] = { "order", SPEC_U32 },
	[KSTALLMON_A_EVENT_DURATION] = { "duration", SPEC_U64, SPEC_NS },
	[KSTALLMON_A_EVENT_RECLAIMED] = { "reclaimed", SPEC_U64 },
	[KSTALLMON_A_EVENT_VMA] = { "vma", SPEC_NEST, .nest = &spec_vma },
};
const struct spec_set spec_event = SET(event_attrs);

static const struct spec_attr status_attrs[] = {
	[KSTALLMON_A_STATUS_VERSION] = { "version", SPEC_STRING },
	[KSTALLMON_A_STATUS_INSTANCE] = { "instance", SPEC_U32 },
	[KSTALLMON_A_STATUS_TIME_BOOT] = { "time-boot", SPEC_U64, SPEC_NS },
	[KSTALLMON_A_STATUS_TIME_REAL] = { "time-real", SPEC_U64, SPEC_REAL },
	[KSTALLMON_A_STATUS_LOADED_BOOT] = { "loaded-boot", SPEC_U64, SPEC_NS },
	[KSTALLMON_A_STATUS_WATCHED] = { "watched", SPEC_U32 },
	[KSTALLMON_A_STATUS_BEATS] = { "beats", SPEC_U64 },
	[KSTALLMON_A_STATUS_BEAT_TIME] = { "beat-time", SPEC_U64, SPEC_NS },
	[KSTALLMON_A_STATUS_STALLS] = { "stalls", SPEC_U64 },
	[KSTALLMON_A_STATUS_NUMBERED] = { "numbered", SPEC_U64 },
	[KSTALLMON_A_STATUS_HISTORY_SIZE] = { "history-size", SPEC_U32 },
	[KSTALLMON_A_STATUS_HISTORY_HELD] = { "history-held", SPEC_U32 },
	[KSTALLMON_A_STATUS_OVERWRITTEN] = { "overwritten", SPEC_U64 },
	[KSTALLMON_A_STATUS_QUEUED] = { "queued", SPEC_U32 },
	[KSTALLMON_A_STATUS_DROPPED] = { "dropped", SPEC_U64 },
	[KSTALLMON_A_STATUS_SUPPRESSED] = { "suppressed", SPEC_U64 },
	[KSTALLMON_A_STATUS_UNSENT] = { "unsent", SPEC_U64 },
	[KSTALLMON_A_STATUS_SUBSCRIBERS] = { "subscribers", SPEC_U32 },
	[KSTALLMON_A_STATUS_MEMORY] = { "memory", SPEC_U64, SPEC_BYTES },
	[KSTALLMON_A_STATUS_MEMORY_HISTORY] = { "memory-history", SPEC_U64, SPEC_BYTES },
	[KSTALLMON_A_STATUS_BACKED_OFF] = { "backed-off", SPEC_U32 },
	[KSTALLMON_A_STATUS_EXCLUDED] = { "excluded", SPEC_U32 },
};
const struct spec_set spec_status = SET(status_attrs);

static const struct spec_attr cpu_attrs[] = {
	[KSTALLMON_A_CPU_CPU] = { "cpu", SPEC_U32 },
	[KSTALLMON_A_CPU_WATCHED] = { "watched", SPEC_U32 },
	[KSTALLMON_A_CPU_BEATS] = { "beats", SPEC_U64 },
	[KSTALLMON_A_CPU_BEAT_TIME] = { "beat-time", SPEC_U64, SPEC_NS },
	[KSTALLMON_A_CPU_STALLS] = { "stalls", SPEC_U64 },
	[KSTALLMON_A_CPU_LONGEST] = { "longest", SPEC_U64, SPEC_NS },
	[KSTALLMON_A_CPU_QUEUED] = { "queued", SPEC_U32 },
	[KSTALLMON_A_CPU_DROPPED] = { "dropped", SPEC_U64 },
	[KSTALLMON_A_CPU_SUPPRESSED] = { "suppressed", SPEC_U64 },
	[KSTALLMON_A_CPU_STATE] = { "state", SPEC_U32, .names = &spec_cpu_states },
	[KSTALLMON_A_CPU_GAP] = { "gap", SPEC_U64, SPEC_NS },
	[KSTALLMON_A_CPU_DEFERRED] = { "deferred", SPEC_U64 },
	[KSTALLMON_A_CPU_MEMORY] = { "memory", SPEC_U64, SPEC_BYTES },
};
const struct spec_set spec_cpu = SET(cpu_attrs);

static const struct spec_attr bucket_attrs[] = {
	[KSTALLMON_A_BUCKET_FROM] = { "from", SPEC_U64, SPEC_NS },
	[KSTALLMON_A_BUCKET_COUNT] = { "count", SPEC_U64 },
};
const struct spec_set spec_bucket = SET(bucket_attrs);

static const struct spec_attr histogram_attrs[] = {
	[KSTALLMON_A_HISTOGRAM_CPU] = { "cpu", SPEC_U32 },
	[KSTALLMON_A_HISTOGRAM_KIND] = { "kind", SPEC_U32, .names = &spec_kinds },
	[KSTALLMON_A_HISTOGRAM_SINCE_BOOT] = { "since-boot", SPEC_U64, SPEC_NS },
	[KSTALLMON_A_HISTOGRAM_COUNT] = { "count", SPEC_U64 },
	[KSTALLMON_A_HISTOGRAM_TIME] = { "time", SPEC_U64, SPEC_NS },
	[KSTALLMON_A_HISTOGRAM_LONGEST] = { "longest", SPEC_U64, SPEC_NS },
	[KSTALLMON_A_HISTOGRAM_BUCKET] = { "bucket", SPEC_NEST, .multi = true,
					   .nest = &spec_bucket },
};
const struct spec_set spec_histogram = SET(histogram_attrs);

static const struct spec_attr memory_attrs[] = {
	[KSTALLMON_A_MEMORY_ZONE] = { "zone", SPEC_NEST, .nest = &spec_zone },
	[KSTALLMON_A_MEMORY_TASK] = { "task", SPEC_NEST, .nest = &spec_task },
	[KSTALLMON_A_MEMORY_VMA] = { "vma", SPEC_NEST, .nest = &spec_vma },
	[KSTALLMON_A_MEMORY_TIME_BOOT] = { "time-boot", SPEC_U64, SPEC_NS },
	[KSTALLMON_A_MEMORY_RECLAIM] = { "reclaim", SPEC_NEST, .nest = &spec_reclaim },
	[KSTALLMON_A_MEMORY_PAGE_SIZE] = { "page-size", SPEC_U32, SPEC_BYTES },
	[KSTALLMON_A_MEMORY_TOTAL] = { "total", SPEC_U64 },
	[KSTALLMON_A_MEMORY_SLAB_RECLAIMABLE] = { "slab-reclaimable", SPEC_U64 },
	[KSTALLMON_A_MEMORY_SLAB_UNRECLAIMABLE] = { "slab-unreclaimable", SPEC_U64 },
	[KSTALLMON_A_MEMORY_COMMITTED] = { "committed", SPEC_U64 },
	[KSTALLMON_A_MEMORY_UNTIMED] = { "untimed", SPEC_U64 },
	[KSTALLMON_A_MEMORY_THROTTLED] = { "throttled", SPEC_U64 },
	[KSTALLMON_A_MEMORY_MISSING] = { "missing", SPEC_STRING, .multi = true },
	[KSTALLMON_A_MEMORY_MAX_MAP_COUNT] = { "max-map-count", SPEC_U32 },
	[KSTALLMON_A_MEMORY_SWEEPS] = { "sweeps", SPEC_U64 },
	[KSTALLMON_A_MEMORY_SWEEP_TIME] = { "sweep-time", SPEC_U64, SPEC_NS },
	[KSTALLMON_A_MEMORY_SWEEP_TASKS] = { "sweep-tasks", SPEC_U32 },
	[KSTALLMON_A_MEMORY_SLICE_LONGEST] = { "slice-longest", SPEC_U64, SPEC_NS },
	[KSTALLMON_A_MEMORY_UNTRACKED] = { "untracked", SPEC_U64 },
};
const struct spec_set spec_memory = SET(memory_attrs);

static const struct spec_attr reclaim_time_attrs[] = {
	[KSTALLMON_A_RECLAIM_TIME_CPU] = { "cpu", SPEC_U32 },
	[KSTALLMON_A_RECLAIM_TIME_SCOPE] = { "scope", SPEC_U32, .names = &spec_scopes },
	[KSTALLMON_A_RECLAIM_TIME_COUNT] = { "count", SPEC_U64 },
	[KSTALLMON_A_RECLAIM_TIME_TIME] = { "time", SPEC_U64, SPEC_NS },
	[KSTALLMON_A_RECLAIM_TIME_LONGEST] = { "longest", SPEC_U64, SPEC_NS },
	[KSTALLMON_A_RECLAIM_TIME_BUCKET] = { "bucket", SPEC_NEST, .multi = true,
					      .nest = &spec_bucket },
};
const struct spec_set spec_reclaim_time = SET(reclaim_time_attrs);

static const struct spec_attr tunable_attrs[] = {
	[KSTALLMON_A_TUNABLE_NAME] = { "name", SPEC_STRING },
	[KSTALLMON_A_TUNABLE_UNIT] = { "unit", SPEC_STRING },
	[KSTALLMON_A_TUNABLE_MIN] = { "min", SPEC_U64 },
	[KSTALLMON_A_TUNABLE_MAX] = { "max", SPEC_U64 },
	[KSTALLMON_A_TUNABLE_DEFAULT] = { "default", SPEC_U64 },
	[KSTALLMON_A_TUNABLE_VALUE] = { "value", SPEC_U64 },
	[KSTALLMON_A_TUNABLE_DOC] = { "doc", SPEC_STRING },
	[KSTALLMON_A_TUNABLE_TEXT] = { "text", SPEC_STRING },
	[KSTALLMON_A_TUNABLE_DEFAULT_TEXT] = { "default-text", SPEC_STRING },
};
const struct spec_set spec_tunable = SET(tunable_attrs);

static bool well_formed(enum spec_type type, const struct nlattr *attr)
{
	int len = nla_len(attr);

	switch (type) {
	case SPEC_U32:
		return len == sizeof(uint32_t);
	case SPEC_U64:
	case SPEC_S64:
		return len == sizeof(uint64_t);
	case SPEC_STRING:
		return len > 0 && memchr(nla_data(attr), 0, len);
	case SPEC_FLAG:
	case SPEC_NEST:
		return true;
	default:
		return false;
	}
}

/**
 * spec_of - look up what an attribute is
 * @set: the set it belongs to
 * @attr: the attribute
 *
 * Return: its row, or NULL if it is to be passed over: unknown, padding, or of a
 * length that it can't have.
 */
const struct spec_attr *spec_of(const struct spec_set *set, const struct nlattr *attr)
{
	const struct spec_attr *spec;

	if (nla_type(attr) > set->max)
		return NULL;
	spec = &set->attrs[nla_type(attr)];
	return well_formed(spec->type, attr) ? spec : NULL;
}

static void sort(const struct spec_set *set, struct nlattr *head, int len, struct nlattr **tb)
{
	struct nlattr *attr;
	int rest;

	memset(tb, 0, sizeof(*tb) * (set->max + 1));
	nla_for_each_attr(attr, head, len, rest) {
		if (spec_of(set, attr))
			tb[nla_type(attr)] = attr;
	}
}

/**
 * spec_parse_message - sort the attributes of a message by their number
 * @set: the set they belong to
 * @nlh: the message
 * @tb: @set->max + 1 pointers; NULL where there is no such attribute
 */
void spec_parse_message(const struct spec_set *set, struct nlmsghdr *nlh, struct nlattr **tb)
{
	struct genlmsghdr *genl = nlmsg_data(nlh);

	sort(set, genlmsg_attrdata(genl, 0), genlmsg_attrlen(genl, 0), tb);
}

/**
 * spec_parse_nest - sort the attributes of a nest by their number
 * @set: the set they belong to
 * @nest: the nest; NULL is an empty one
 * @tb: as in spec_parse_message()
 */
void spec_parse_nest(const struct spec_set *set, struct nlattr *nest, struct nlattr **tb)
{
	if (nest)
		sort(set, nla_data(nest), nla_len(nest), tb);
	else
		memset(tb, 0, sizeof(*tb) * (set->max + 1));
}

/**
 * spec_name - name an enumerator
 * @names: of the enum
 * @value: its number
 *
 * Return: the name, or NULL for a number newer than this program.
 */
const char *spec_name(const struct spec_names *names, uint32_t value)
{
	return value < names->count ? names->names[value] : NULL;
}

/**
 * spec_number - read a number of either width
 * @spec: a row with SPEC_U32 or SPEC_U64
 * @attr: its attribute
 *
 * Return: the number.
 */
uint64_t spec_number(const struct spec_attr *spec, const struct nlattr *attr)
{
	return spec->type == SPEC_U32 ? nla_get_u32(attr) : nla_get_u64(attr);
}

/**
 * spec_u64 - read a number that may be absent
 * @attr: the attribute, or NULL
 *
 * Return: the number, 0 if absent.
 */
uint64_t spec_u64(struct nlattr *attr)
{
	return attr ? nla_get_u64(attr) : 0;
}

/**
 * spec_s64 - read a number with a sign that may be absent
 * @attr: the attribute, or NULL
 *
 * Return: the number, 0 if absent.
 */
int64_t spec_s64(struct nlattr *attr)
{
	return attr ? nla_get_s64(attr) : 0;
}

/**
 * spec_u32 - read a number that may be absent
 * @attr: the attribute, or NULL
 *
 * Return: the number, 0 if absent.
 */
uint32_t spec_u32(struct nlattr *attr)
{
	return attr ? nla_get_u32(attr) : 0;
}

/**
 * spec_string - read a string that may be absent
 * @attr: the attribute, or NULL
 *
 * Return: the string, "?" if absent.
 */
const char *spec_string(struct nlattr *attr)
{
	return attr ? nla_get_string(attr) : "?";
}
