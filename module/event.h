/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The records: what detectors fill, in hard interrupt context, and what the history
 * keeps and encoders read.
 */
#ifndef KST_EVENT_H
#define KST_EVENT_H

#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <linux/kstallmon.h>

/* Event types are indices too; 0 is none. */
#define KST_NR_TYPES (KSTALLMON_EVENT_TYPE_MAX + 1)

#define KST_FRAMES_MAX 32
#define KST_FRAME_LEN 128 /* with its NUL */

/**
 * struct kst_task - the task that detection interrupted
 * @comm: its name, the bytes as they are, NUL-terminated
 * @pid: thread id in the initial pid namespace
 * @tgid: process id likewise
 * @cgroup_id: of its cgroup in the v2 hierarchy, 0 without cgroups
 */
struct kst_task {
	char comm[TASK_COMM_LEN];
	u32 pid;
	u32 tgid;
	u64 cgroup_id;
};

/**
 * struct kst_stack - a kernel stack as addresses, which never leave the kernel
 * @nr: frames in @entry, innermost first; 0: no stack
 * @pc_first: entry[0] is the interrupted program counter, not a return address
 * @truncated: there were more frames
 * @entry: the addresses
 */
struct kst_stack {
	u8 nr;
	bool pc_first;
	bool truncated;
	unsigned long entry[KST_FRAMES_MAX];
};

/* No other CPU has seen it. */
#define KST_NO_CPU U32_MAX

/**
 * struct kst_stall - a CPU is or was held up
 * @kind: enum kstallmon_stall_kind
 * @context: enum kstallmon_context; 0: not known
 * @class: enum kstallmon_stall_class; 0: not judged
 * @live_context: likewise of the stack while it lasted; not told
 * @watcher: the CPU that saw it, or KST_NO_CPU
 * @id: the same in every event about this stall
 * @duration_min: it has lasted at least this many ns
 * @duration_max: it lasted at most this many ns; 0: it still lasts
 * @steal: steal time within, in ns
 */
struct kst_stall {
	u32 kind;
	u32 context;
	u32 class;
	u32 live_context;
	u32 watcher;
	u64 id;
	u64 duration_min;
	u64 duration_max;
	u64 steal;
};

/**
 * struct kst_reclaim_stall - a task had to reclaim memory itself
 * @scope: enum kstallmon_reclaim_scope
 * @order: of the allocation
 * @duration: in ns
 * @reclaimed: pages
 */
struct kst_reclaim_stall {
	u32 scope;
	u32 order;
	u64 duration;
	u64 reclaimed;
};

/**
 * struct kst_vma - a process's mappings
 * @count: how many
 * @limit: vm.max_map_count
 * @state: enum kstallmon_vma_state
 * @before: in events, the state told before
 * @grows: @growth is known
 * @growth: mappings gained per 1000 s
 * @time_to_limit: ns until @limit at this growth; 0 if it does not grow
 */
struct kst_vma {
	u32 count;
	u32 limit;
	u32 state;
	u32 before;
	bool grows;
	s64 growth;
	u64 time_to_limit;
};

/**
 * struct kst_event - what is told of an event, stacks and zones apart
 * @type: enum kstallmon_event_type; 0 is a line for the kernel log
 * @cpu: the CPU it is about, or KST_NO_CPU
 * @time_boot: when, CLOCK_BOOTTIME in ns
 * @time_real: when, CLOCK_REALTIME in ns
 * @dropped: events the detecting CPU lost to a full queue since the event before
 * @suppressed: events of this type the rate limit held back on that CPU likewise
 * @suppressed_longest: severity of the worst of those, in ns
 * @task: who ran, or whom it is about
 * @stall: for stall events
 * @reclaim: for reclaim-stall
 * @vma: for vma-state
 */
struct kst_event {
	u32 type;
	u32 cpu;
	u64 time_boot;
	u64 time_real;
	u64 dropped;
	u64 suppressed;
	u64 suppressed_longest;
	struct kst_task task;
	union {
		struct kst_stall stall;
		struct kst_reclaim_stall reclaim;
		struct kst_vma vma;
	};
};

/* An event's stacks, in the order in which their names share the room there is. */
enum kst_stack_nr {
	KST_STACK_LIVE, /* while the stall lasted */
	KST_STACK_END, /* where it ended */
	KST_NR_STACKS
};

/**
 * struct kst_record - what a detector fills
 * @ev: the event; kst_record_begin() fills all up to its @time_real, the event log what was lost
 * @stack: its stacks
 */
struct kst_record {
	struct kst_event ev;
	struct kst_stack stack[KST_NR_STACKS];
};

#define KST_LOGGED_SIZE 4096
#define KST_NAMES_SIZE (KST_LOGGED_SIZE - sizeof(struct kst_event) - 24)

/**
 * struct kst_names - stacks as text
 * @len: bytes used in @text
 * @nr: strings of each stack in @text
 * @truncated: a frame of the stack or a part of one is missing
 * @text: one NUL-terminated string after another, one stack after another
 */
struct kst_names {
	u16 len;
	u8 nr[KST_NR_STACKS];
	bool truncated[KST_NR_STACKS];
	char text[KST_NAMES_SIZE];
};

#define KST_ZONE_NAME_LEN 12
#define KST_ZONES_MAX 24 /* in an event */

/**
 * struct kst_zone - a zone as sampled
 * @name: as in /proc/zoneinfo
 * @node: NUMA node
 * @state: enum kstallmon_zone_state
 * @before: in events, the state told before; otherwise 0
 * @reserved: allocations that could use any zone never get memory here
 * @index: of the zone in its node; not told
 * @since_boot: when it was first found in this state, CLOCK_BOOTTIME in ns
 * @free: pages, as are all below up to @other_node_free
 * @min: the watermark, @boost included
 * @low: likewise
 * @high: likewise
 * @boost: raises the watermarks for some time
 * @managed: by the page allocator
 * @present: there physically
 * @protection: kept from allocations that could use any zone
 * @other_node_free: free above the high watermarks on all other nodes
 * @changes: of state since the module was loaded
 */
struct kst_zone {
	char name[KST_ZONE_NAME_LEN];
	u32 node;
	u32 state;
	u32 before;
	bool reserved;
	u8 index;
	u64 since_boot;
	u64 free;
	u64 min;
	u64 low;
	u64 high;
	u64 boost;
	u64 managed;
	u64 present;
	u64 protection;
	u64 other_node_free;
	u64 changes;
};

/**
 * struct kst_reclaim - what was reclaimed on the host from one sample to the next
 * @window: time between the two in ns; 0: there was only one yet
 * @pgscan_kswapd: pages looked at by kswapd
 * @pgscan_direct: and by tasks that allocate
 * @pgsteal_kswapd: pages reclaimed by kswapd
 * @pgsteal_direct: and by tasks that allocate
 * @allocstall: allocations that had to reclaim
 * @compact_stall: allocations that had to compact
 * @oom_kill: victims of the OOM killer
 */
struct kst_reclaim {
	u64 window;
	u64 pgscan_kswapd;
	u64 pgscan_direct;
	u64 pgsteal_kswapd;
	u64 pgsteal_direct;
	u64 allocstall;
	u64 compact_stall;
	u64 oom_kill;
};

/**
 * struct kst_zones - zones as an event tells of them
 * @reclaim: meanwhile
 * @nr: how many
 * @zone: the zones
 */
struct kst_zones {
	struct kst_reclaim reclaim;
	u32 nr;
	struct kst_zone zone[KST_ZONES_MAX];
};

/**
 * struct kst_logged - an event as the history keeps it, in one page at most
 * @seq: its number
 * @ev: the event
 * @names: of stall events, the stacks' frames; what is unused of them is not copied
 * @zones: of zone-state and oom-kill, likewise
 */
struct kst_logged {
	u64 seq;
	struct kst_event ev;
	union {
		struct kst_names names;
		struct kst_zones zones;
	};
};

static_assert(sizeof(struct kst_logged) <= KST_LOGGED_SIZE);

/**
 * kst_logged_room() - how much room a record can need
 * @type: enum kstallmon_event_type
 *
 * Return: bytes.
 */
static inline size_t kst_logged_room(u32 type)
{
	switch (type) {
	case KSTALLMON_EVENT_TYPE_ZONE_STATE:
		return offsetof(struct kst_logged, zones.zone[1]);
	case KSTALLMON_EVENT_TYPE_RECLAIM_STALL:
	case KSTALLMON_EVENT_TYPE_VMA_STATE:
		return offsetof(struct kst_logged, names);
	default:
		return KST_LOGGED_SIZE;
	}
}

/**
 * kst_logged_used() - how much of a record is in use
 * @rec: the record
 *
 * Return: bytes from its start.
 */
static inline size_t kst_logged_used(const struct kst_logged *rec)
{
	switch (rec->ev.type) {
	case KSTALLMON_EVENT_TYPE_ZONE_STATE:
	case KSTALLMON_EVENT_TYPE_OOM_KILL:
		return offsetof(struct kst_logged, zones.zone) +
		       rec->zones.nr * sizeof(rec->zones.zone[0]);
	case KSTALLMON_EVENT_TYPE_RECLAIM_STALL:
	case KSTALLMON_EVENT_TYPE_VMA_STATE:
		return offsetof(struct kst_logged, names);
	default:
		return offsetof(struct kst_logged, names.text) + rec->names.len;
	}
}

#endif /* KST_EVENT_H */
