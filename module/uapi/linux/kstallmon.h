/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/*
 * kstallmon: why a host hangs, over generic netlink
 *
 * The family "kstallmon", version 1, serves the initial network namespace only;
 * elsewhere it is not found. Every command and the membership in its multicast
 * group "events" need CAP_SYS_ADMIN in the initial user namespace. kstallmon.yaml
 * describes the same protocol to programs; what stands below the manual is made
 * from it.
 *
 * Requests are validated strictly: an unknown attribute, one of a wrong type or
 * length, or one that the command does not take is refused. A refused request
 * changes nothing and is answered with an error and, to sockets that have set
 * NETLINK_EXT_ACK, a text that names the attribute and, where there is one, the
 * range. All numbers are in host byte order. Durations and times are in
 * nanoseconds. New attributes and enumerators may be added at the end of their
 * list, so readers pass over what they do not know.
 *
 * Events
 *
 *  KSTALLMON_CMD_EVENT_NTF goes to the group "events" for each event as it gets
 *  its number. KSTALLMON_CMD_EVENT_GET, a dump, answers with the same attributes
 *  for each event that the history holds, in the order of their numbers, from
 *  KSTALLMON_A_EVENT_SINCE on where that is given. A dump ends with the event
 *  that was the last when it began.
 *
 *  Numbers (..._SEQ) count from 1 without a gap over all event types, within one
 *  load of the module, which ..._INSTANCE names. Each event type has a share of
 *  the history and overwrites its own oldest, so the newest event of all is
 *  always held. Notifications may overtake one another: numbers are given before
 *  a message is sent, on each CPU by itself. To lose nothing a reader
 *
 *    - joins the group first and dumps the history then;
 *    - keeps the number it expects next, passes over smaller ones, and on a larger
 *      one dumps from the expected number on;
 *    - on ENOBUFS from its socket does the same, but only after having read it
 *      empty: until then the kernel drops what comes, and does not say so again;
 *    - takes numbers that such a dump skips as gone: they are overwritten;
 *    - starts anew where the instance changes.
 *
 *  The kernel reports ENOBUFS also to a reader for whom a notification could not
 *  be allocated. What was lost before numbers were given is counted in ..._DROPPED
 *  (the CPU's queue was full) and ..._SUPPRESSED (the rate limit, per CPU and
 *  type, with the longest of what it held back) of the CPU's next event. That CPU
 *  is ..._WATCHER where an event has one, ..._CPU otherwise. Events without either
 *  are told by the module's own tasks: they get their number at once and pass
 *  through no queue, so that none is dropped. Their rate limit is one per type for
 *  the whole host; what it holds back is not counted, but told later if it is
 *  still so then.
 *
 *  ..._TIME_BOOT and ..._TIME_REAL tell when the event was detected: for the end
 *  of a stall, when it ended.
 *
 * Stalls
 *
 *  KSTALLMON_EVENT_TYPE_STALL_BEGIN is told while a stall lasts, by another CPU;
 *  a stall that is over before another CPU has looked has none. It carries
 *  ..._KIND, ..._STALL_ID, how long the stall has lasted at least as
 *  ..._DURATION_MIN and, if the CPU could be looked into, ..._CONTEXT, ..._TASK and
 *  ..._LIVE_STACK: what it runs right now, the culprit itself.
 *
 *  KSTALLMON_EVENT_TYPE_STALL_END is told by the CPU itself one beat after the end.
 *  It has the same ..._STALL_ID and, where there is one, the same ..._LIVE_STACK,
 *  even if no begin was told. ..._TASK and ..._CONTEXT are what ran at the end;
 *  ..._STACK is the kernel stack there, innermost frame first: the code that had
 *  held the CPU, or its caller. ..._DURATION_MIN and ..._DURATION_MAX are bounds of
 *  the true length. Either event may be numbered before the other.
 *
 *  A stall is told as one of the deepest kind there was: with interrupts off
 *  neither softirqs nor the scheduler run.
 *    irq      the CPU's beat was DURATION_MIN later than its latest time, and the
 *             beat before it was DURATION_MAX ago;
 *    softirq  beats found softirqs disabled, or one of them running, and no other
 *             ran from the first such beat on;
 *    sched    beats found the same task in the kernel though the scheduler wanted
 *             to switch (need_resched), from the first such beat to the switch.
 *
 *  ..._CLASS and ..._STEAL say whether the CPU had been taken away by a hypervisor.
 *
 *  Frames are text; no address ever leaves the kernel. There are at most 32 of at
 *  most 127 bytes each in a stack, and about 3800 bytes in an event; ..._TRUNCATED
 *  marks that something was cut.
 *
 * Memory
 *
 *  Amounts of memory are in pages of KSTALLMON_A_MEMORY_PAGE_SIZE bytes.
 *
 *  KSTALLMON_EVENT_TYPE_ZONE_STATE tells that a zone's free memory came into
 *  another state, in one ..._ZONE: KSTALLMON_A_ZONE_STATE, and ..._BEFORE for the
 *  state told before. The state min is told as soon as it is seen, the others only
 *  after they have lasted for the tunable zone_dwell; ..._CHANGES counts all. A zone
 *  that is ..._RESERVED is not told of. ..._RECLAIM is what the host scanned and
 *  reclaimed between the last two samples: steal divided by scan is how well
 *  reclaim works. ..._OTHER_NODE_FREE is memory that this zone's node has not and
 *  others have.
 *
 *  KSTALLMON_EVENT_TYPE_RECLAIM_STALL tells of a ..._TASK that had to reclaim memory
 *  itself for ..._DURATION, on the ..._CPU where that ended, for an allocation of
 *  ..._ORDER, and got ..._RECLAIMED pages. In the ..._SCOPE memcg it was not the host
 *  that was short of memory but a cgroup at its limit.
 *
 *  KSTALLMON_EVENT_TYPE_OOM_KILL tells of a victim, ..._TASK, on the ..._CPU where it
 *  was chosen, with ..._RECLAIM and a ..._ZONE for each zone, in the order of
 *  KSTALLMON_CMD_ZONE_GET, as they were when the event got its number.
 *
 *  KSTALLMON_EVENT_TYPE_VMA_STATE tells that a process, ..._TASK, came nearer to the
 *  limit of its mappings or farther from it, in one ..._VMA.
 *
 *  Each sampler also answers for itself, with KSTALLMON_A_MEMORY_*:
 *  KSTALLMON_CMD_ZONE_GET, a dump, with one message for each zone;
 *  KSTALLMON_CMD_MEMORY_GET with one message about the host and the samplers;
 *  KSTALLMON_CMD_VMA_GET, a dump, with one message for each of the processes that
 *  have most mappings, most first, as the last complete sweep counted them. If
 *  another sweep ends while this dump is read, it is marked NLM_F_DUMP_INTR: ask
 *  again. With KSTALLMON_A_MEMORY_ALL it goes over all processes instead, by their
 *  id, and counts them as it meets them: each at most once, those that come or go
 *  meanwhile perhaps not, and not all in one instant.
 *
 *  KSTALLMON_CMD_RECLAIM_GET, a dump, answers with one message for each scope and
 *  each CPU on which a task was in reclaim, the KSTALLMON_A_RECLAIM_TIME_*, which
 *  count every time from the loading of the module on, told as an event or not.
 *
 * State
 *
 *  KSTALLMON_CMD_STATUS_GET answers with one message, the KSTALLMON_A_STATUS_*;
 *  KSTALLMON_CMD_CPU_GET, a dump, with one message for each CPU that was online
 *  at any time since the module was loaded, the KSTALLMON_A_CPU_*.
 *
 *  KSTALLMON_CMD_HISTOGRAM_GET, a dump, answers with one message for each of those
 *  CPUs and each kind of stall, the KSTALLMON_A_HISTOGRAM_*; it counts every stall,
 *  also those that the rate limit held back. A bucket counts durations from its
 *  ..._FROM up to twice that. KSTALLMON_CMD_HISTOGRAM_RESET lets all count anew.
 *
 * Tunables
 *
 *  KSTALLMON_CMD_TUNABLE_GET answers with the tunable of the given ..._NAME, or as
 *  a dump with one message for each. They describe themselves: a reader needs no
 *  list of them. One that is a number has ..._MIN, ..._MAX, ..._DEFAULT and
 *  ..._VALUE, one that is text has ..._TEXT and ..._DEFAULT_TEXT instead.
 *  KSTALLMON_CMD_TUNABLE_SET takes one or more KSTALLMON_A_TUNABLE_SETTING, each a
 *  nest of KSTALLMON_A_SETTING_NAME and, as the tunable is a number or text,
 *  KSTALLMON_A_SETTING_VALUE or KSTALLMON_A_SETTING_TEXT, and sets either all or
 *  none of them. Errors: ENOENT no such tunable, ERANGE the value is outside its
 *  range, EINVAL it is no such text, ENOMEM.
 */

#ifndef _UAPI_LINUX_KSTALLMON_H
#define _UAPI_LINUX_KSTALLMON_H

#define KSTALLMON_FAMILY_NAME		"kstallmon"
#define KSTALLMON_FAMILY_VERSION	1

/**
 * enum kstallmon_event_type - what an event tells of
 * @KSTALLMON_EVENT_TYPE_STALL_END: a CPU was held up and is alive again
 * @KSTALLMON_EVENT_TYPE_STALL_BEGIN: a CPU is held up right now
 * @KSTALLMON_EVENT_TYPE_ZONE_STATE: the free memory of a zone came into
 *   another state
 * @KSTALLMON_EVENT_TYPE_RECLAIM_STALL: a task had to reclaim memory itself and
 *   took long
 * @KSTALLMON_EVENT_TYPE_OOM_KILL: the OOM killer chose a victim, or let one
 *   that was ending have the last reserves
 * @KSTALLMON_EVENT_TYPE_VMA_STATE: a process came near the limit of its
 *   mappings, or back
 */
enum kstallmon_event_type {
	KSTALLMON_EVENT_TYPE_STALL_END = 1,
	KSTALLMON_EVENT_TYPE_STALL_BEGIN,
	KSTALLMON_EVENT_TYPE_ZONE_STATE,
	KSTALLMON_EVENT_TYPE_RECLAIM_STALL,
	KSTALLMON_EVENT_TYPE_OOM_KILL,
	KSTALLMON_EVENT_TYPE_VMA_STATE,

	/* private: */
	__KSTALLMON_EVENT_TYPE_MAX,
	KSTALLMON_EVENT_TYPE_MAX = (__KSTALLMON_EVENT_TYPE_MAX - 1)
};

/**
 * enum kstallmon_stall_kind - what was held off while the stall lasted
 * @KSTALLMON_STALL_KIND_IRQ: hard interrupts, and so the other two
 * @KSTALLMON_STALL_KIND_SOFTIRQ: softirqs, and so the scheduler
 * @KSTALLMON_STALL_KIND_SCHED: the scheduler, which wants to switch from a
 *   task in the kernel
 */
enum kstallmon_stall_kind {
	KSTALLMON_STALL_KIND_IRQ = 1,
	KSTALLMON_STALL_KIND_SOFTIRQ,
	KSTALLMON_STALL_KIND_SCHED,

	/* private: */
	__KSTALLMON_STALL_KIND_MAX,
	KSTALLMON_STALL_KIND_MAX = (__KSTALLMON_STALL_KIND_MAX - 1)
};

/**
 * enum kstallmon_context - which code was interrupted
 */
enum kstallmon_context {
	KSTALLMON_CONTEXT_KERNEL = 1,
	KSTALLMON_CONTEXT_USER,
	KSTALLMON_CONTEXT_IDLE,
};

/**
 * enum kstallmon_stall_class - who is to blame
 * @KSTALLMON_STALL_CLASS_KERNEL: kernel code ran
 * @KSTALLMON_STALL_CLASS_HYPERVISOR: steal time covers half of the stall or
 *   more
 * @KSTALLMON_STALL_CLASS_UNKNOWN: no kernel code was seen to run and no steal
 *   told, as with hardware, firmware or a paused host
 */
enum kstallmon_stall_class {
	KSTALLMON_STALL_CLASS_KERNEL = 1,
	KSTALLMON_STALL_CLASS_HYPERVISOR,
	KSTALLMON_STALL_CLASS_UNKNOWN,
};

/**
 * enum kstallmon_cpu_state - what a CPU's heartbeat does
 * @KSTALLMON_CPU_STATE_BUSY: beats each period
 * @KSTALLMON_CPU_STATE_SENTRY: idle, and beats each period all the same
 * @KSTALLMON_CPU_STATE_BACKED_OFF: idle, and beats seldom
 * @KSTALLMON_CPU_STATE_EXCLUDED: online and not watched
 */
enum kstallmon_cpu_state {
	KSTALLMON_CPU_STATE_BUSY = 1,
	KSTALLMON_CPU_STATE_SENTRY,
	KSTALLMON_CPU_STATE_BACKED_OFF,
	KSTALLMON_CPU_STATE_EXCLUDED,
	KSTALLMON_CPU_STATE_OFFLINE,
};

/**
 * enum kstallmon_zone_state - a zone's free memory against its watermarks
 * @KSTALLMON_ZONE_STATE_OK: above all
 * @KSTALLMON_ZONE_STATE_HIGH: at the high watermark or below, where kswapd
 *   goes on if it is at work
 * @KSTALLMON_ZONE_STATE_LOW: at the low watermark or below, where kswapd
 *   begins to work
 * @KSTALLMON_ZONE_STATE_MIN: nearly at the min watermark, where tasks reclaim
 *   memory themselves, or not yet well above it
 */
enum kstallmon_zone_state {
	KSTALLMON_ZONE_STATE_OK = 1,
	KSTALLMON_ZONE_STATE_HIGH,
	KSTALLMON_ZONE_STATE_LOW,
	KSTALLMON_ZONE_STATE_MIN,
};

/**
 * enum kstallmon_reclaim_scope - whose memory was short
 * @KSTALLMON_RECLAIM_SCOPE_GLOBAL: the host's
 * @KSTALLMON_RECLAIM_SCOPE_MEMCG: that of a memory cgroup, at its limit
 */
enum kstallmon_reclaim_scope {
	KSTALLMON_RECLAIM_SCOPE_GLOBAL = 1,
	KSTALLMON_RECLAIM_SCOPE_MEMCG,

	/* private: */
	__KSTALLMON_RECLAIM_SCOPE_MAX,
	KSTALLMON_RECLAIM_SCOPE_MAX = (__KSTALLMON_RECLAIM_SCOPE_MAX - 1)
};

/**
 * enum kstallmon_vma_state - a process's mappings against their limit
 * @KSTALLMON_VMA_STATE_WARN: 80 % of the limit or more, or not yet below 75 %
 * @KSTALLMON_VMA_STATE_CRIT: 95 % of the limit or more, or not yet below 90 %
 */
enum kstallmon_vma_state {
	KSTALLMON_VMA_STATE_OK = 1,
	KSTALLMON_VMA_STATE_WARN,
	KSTALLMON_VMA_STATE_CRIT,
};

enum {
	KSTALLMON_A_TASK_PAD = 1,
	KSTALLMON_A_TASK_COMM,
	KSTALLMON_A_TASK_PID,
	KSTALLMON_A_TASK_TGID,
	KSTALLMON_A_TASK_CGROUP_ID,

	__KSTALLMON_A_TASK_MAX,
	KSTALLMON_A_TASK_MAX = (__KSTALLMON_A_TASK_MAX - 1)
};

enum {
	KSTALLMON_A_STACK_FRAME = 1,
	KSTALLMON_A_STACK_TRUNCATED,

	__KSTALLMON_A_STACK_MAX,
	KSTALLMON_A_STACK_MAX = (__KSTALLMON_A_STACK_MAX - 1)
};

enum {
	KSTALLMON_A_ZONE_PAD = 1,
	KSTALLMON_A_ZONE_NODE,
	KSTALLMON_A_ZONE_NAME,
	KSTALLMON_A_ZONE_STATE,
	KSTALLMON_A_ZONE_BEFORE,
	KSTALLMON_A_ZONE_SINCE_BOOT,
	KSTALLMON_A_ZONE_FREE,
	KSTALLMON_A_ZONE_MIN,
	KSTALLMON_A_ZONE_LOW,
	KSTALLMON_A_ZONE_HIGH,
	KSTALLMON_A_ZONE_BOOST,
	KSTALLMON_A_ZONE_MANAGED,
	KSTALLMON_A_ZONE_PRESENT,
	KSTALLMON_A_ZONE_PROTECTION,
	KSTALLMON_A_ZONE_OTHER_NODE_FREE,
	KSTALLMON_A_ZONE_CHANGES,
	KSTALLMON_A_ZONE_RESERVED,

	__KSTALLMON_A_ZONE_MAX,
	KSTALLMON_A_ZONE_MAX = (__KSTALLMON_A_ZONE_MAX - 1)
};

enum {
	KSTALLMON_A_RECLAIM_PAD = 1,
	KSTALLMON_A_RECLAIM_WINDOW,
	KSTALLMON_A_RECLAIM_PGSCAN_KSWAPD,
	KSTALLMON_A_RECLAIM_PGSCAN_DIRECT,
	KSTALLMON_A_RECLAIM_PGSTEAL_KSWAPD,
	KSTALLMON_A_RECLAIM_PGSTEAL_DIRECT,
	KSTALLMON_A_RECLAIM_ALLOCSTALL,
	KSTALLMON_A_RECLAIM_COMPACT_STALL,
	KSTALLMON_A_RECLAIM_OOM_KILL,

	__KSTALLMON_A_RECLAIM_MAX,
	KSTALLMON_A_RECLAIM_MAX = (__KSTALLMON_A_RECLAIM_MAX - 1)
};

enum {
	KSTALLMON_A_VMA_PAD = 1,
	KSTALLMON_A_VMA_COUNT,
	KSTALLMON_A_VMA_LIMIT,
	KSTALLMON_A_VMA_STATE,
	KSTALLMON_A_VMA_BEFORE,
	KSTALLMON_A_VMA_GROWTH,
	KSTALLMON_A_VMA_TIME_TO_LIMIT,

	__KSTALLMON_A_VMA_MAX,
	KSTALLMON_A_VMA_MAX = (__KSTALLMON_A_VMA_MAX - 1)
};

enum {
	KSTALLMON_A_EVENT_PAD = 1,
	KSTALLMON_A_EVENT_SINCE,
	KSTALLMON_A_EVENT_INSTANCE,
	KSTALLMON_A_EVENT_SEQ,
	KSTALLMON_A_EVENT_TYPE,
	KSTALLMON_A_EVENT_TIME_BOOT,
	KSTALLMON_A_EVENT_TIME_REAL,
	KSTALLMON_A_EVENT_CPU,
	KSTALLMON_A_EVENT_DROPPED,
	KSTALLMON_A_EVENT_SUPPRESSED,
	KSTALLMON_A_EVENT_SUPPRESSED_LONGEST,
	KSTALLMON_A_EVENT_TASK,
	KSTALLMON_A_EVENT_KIND,
	KSTALLMON_A_EVENT_STALL_ID,
	KSTALLMON_A_EVENT_DURATION_MIN,
	KSTALLMON_A_EVENT_DURATION_MAX,
	KSTALLMON_A_EVENT_CONTEXT,
	KSTALLMON_A_EVENT_STACK,
	KSTALLMON_A_EVENT_CLASS,
	KSTALLMON_A_EVENT_STEAL,
	KSTALLMON_A_EVENT_LIVE_STACK,
	KSTALLMON_A_EVENT_WATCHER,
	KSTALLMON_A_EVENT_ZONE,
	KSTALLMON_A_EVENT_RECLAIM,
	KSTALLMON_A_EVENT_SCOPE,
	KSTALLMON_A_EVENT_ORDER,
	KSTALLMON_A_EVENT_DURATION,
	KSTALLMON_A_EVENT_RECLAIMED,
	KSTALLMON_A_EVENT_VMA,

	__KSTALLMON_A_EVENT_MAX,
	KSTALLMON_A_EVENT_MAX = (__KSTALLMON_A_EVENT_MAX - 1)
};

enum {
	KSTALLMON_A_STATUS_PAD = 1,
	KSTALLMON_A_STATUS_VERSION,
	KSTALLMON_A_STATUS_INSTANCE,
	KSTALLMON_A_STATUS_TIME_BOOT,
	KSTALLMON_A_STATUS_TIME_REAL,
	KSTALLMON_A_STATUS_LOADED_BOOT,
	KSTALLMON_A_STATUS_WATCHED,
	KSTALLMON_A_STATUS_BEATS,
	KSTALLMON_A_STATUS_BEAT_TIME,
	KSTALLMON_A_STATUS_STALLS,
	KSTALLMON_A_STATUS_NUMBERED,
	KSTALLMON_A_STATUS_HISTORY_SIZE,
	KSTALLMON_A_STATUS_HISTORY_HELD,
	KSTALLMON_A_STATUS_OVERWRITTEN,
	KSTALLMON_A_STATUS_QUEUED,
	KSTALLMON_A_STATUS_DROPPED,
	KSTALLMON_A_STATUS_SUPPRESSED,
	KSTALLMON_A_STATUS_UNSENT,
	KSTALLMON_A_STATUS_SUBSCRIBERS,
	KSTALLMON_A_STATUS_MEMORY,
	KSTALLMON_A_STATUS_MEMORY_HISTORY,
	KSTALLMON_A_STATUS_BACKED_OFF,
	KSTALLMON_A_STATUS_EXCLUDED,

	__KSTALLMON_A_STATUS_MAX,
	KSTALLMON_A_STATUS_MAX = (__KSTALLMON_A_STATUS_MAX - 1)
};

enum {
	KSTALLMON_A_CPU_PAD = 1,
	KSTALLMON_A_CPU_CPU,
	KSTALLMON_A_CPU_WATCHED,
	KSTALLMON_A_CPU_BEATS,
	KSTALLMON_A_CPU_BEAT_TIME,
	KSTALLMON_A_CPU_STALLS,
	KSTALLMON_A_CPU_LONGEST,
	KSTALLMON_A_CPU_QUEUED,
	KSTALLMON_A_CPU_DROPPED,
	KSTALLMON_A_CPU_SUPPRESSED,
	KSTALLMON_A_CPU_STATE,
	KSTALLMON_A_CPU_GAP,
	KSTALLMON_A_CPU_DEFERRED,
	KSTALLMON_A_CPU_MEMORY,

	__KSTALLMON_A_CPU_MAX,
	KSTALLMON_A_CPU_MAX = (__KSTALLMON_A_CPU_MAX - 1)
};

enum {
	KSTALLMON_A_BUCKET_PAD = 1,
	KSTALLMON_A_BUCKET_FROM,
	KSTALLMON_A_BUCKET_COUNT,

	__KSTALLMON_A_BUCKET_MAX,
	KSTALLMON_A_BUCKET_MAX = (__KSTALLMON_A_BUCKET_MAX - 1)
};

enum {
	KSTALLMON_A_HISTOGRAM_PAD = 1,
	KSTALLMON_A_HISTOGRAM_CPU,
	KSTALLMON_A_HISTOGRAM_KIND,
	KSTALLMON_A_HISTOGRAM_SINCE_BOOT,
	KSTALLMON_A_HISTOGRAM_COUNT,
	KSTALLMON_A_HISTOGRAM_TIME,
	KSTALLMON_A_HISTOGRAM_LONGEST,
	KSTALLMON_A_HISTOGRAM_BUCKET,

	__KSTALLMON_A_HISTOGRAM_MAX,
	KSTALLMON_A_HISTOGRAM_MAX = (__KSTALLMON_A_HISTOGRAM_MAX - 1)
};

enum {
	KSTALLMON_A_MEMORY_PAD = 1,
	KSTALLMON_A_MEMORY_ALL,
	KSTALLMON_A_MEMORY_ZONE,
	KSTALLMON_A_MEMORY_TASK,
	KSTALLMON_A_MEMORY_VMA,
	KSTALLMON_A_MEMORY_TIME_BOOT,
	KSTALLMON_A_MEMORY_RECLAIM,
	KSTALLMON_A_MEMORY_PAGE_SIZE,
	KSTALLMON_A_MEMORY_TOTAL,
	KSTALLMON_A_MEMORY_SLAB_RECLAIMABLE,
	KSTALLMON_A_MEMORY_SLAB_UNRECLAIMABLE,
	KSTALLMON_A_MEMORY_COMMITTED,
	KSTALLMON_A_MEMORY_UNTIMED,
	KSTALLMON_A_MEMORY_THROTTLED,
	KSTALLMON_A_MEMORY_MISSING,
	KSTALLMON_A_MEMORY_MAX_MAP_COUNT,
	KSTALLMON_A_MEMORY_SWEEPS,
	KSTALLMON_A_MEMORY_SWEEP_TIME,
	KSTALLMON_A_MEMORY_SWEEP_TASKS,
	KSTALLMON_A_MEMORY_SLICE_LONGEST,
	KSTALLMON_A_MEMORY_UNTRACKED,

	__KSTALLMON_A_MEMORY_MAX,
	KSTALLMON_A_MEMORY_MAX = (__KSTALLMON_A_MEMORY_MAX - 1)
};

enum {
	KSTALLMON_A_RECLAIM_TIME_PAD = 1,
	KSTALLMON_A_RECLAIM_TIME_CPU,
	KSTALLMON_A_RECLAIM_TIME_SCOPE,
	KSTALLMON_A_RECLAIM_TIME_COUNT,
	KSTALLMON_A_RECLAIM_TIME_TIME,
	KSTALLMON_A_RECLAIM_TIME_LONGEST,
	KSTALLMON_A_RECLAIM_TIME_BUCKET,

	__KSTALLMON_A_RECLAIM_TIME_MAX,
	KSTALLMON_A_RECLAIM_TIME_MAX = (__KSTALLMON_A_RECLAIM_TIME_MAX - 1)
};

enum {
	KSTALLMON_A_SETTING_PAD = 1,
	KSTALLMON_A_SETTING_NAME,
	KSTALLMON_A_SETTING_VALUE,
	KSTALLMON_A_SETTING_TEXT,

	__KSTALLMON_A_SETTING_MAX,
	KSTALLMON_A_SETTING_MAX = (__KSTALLMON_A_SETTING_MAX - 1)
};

enum {
	KSTALLMON_A_TUNABLE_PAD = 1,
	KSTALLMON_A_TUNABLE_NAME,
	KSTALLMON_A_TUNABLE_UNIT,
	KSTALLMON_A_TUNABLE_MIN,
	KSTALLMON_A_TUNABLE_MAX,
	KSTALLMON_A_TUNABLE_DEFAULT,
	KSTALLMON_A_TUNABLE_VALUE,
	KSTALLMON_A_TUNABLE_DOC,
	KSTALLMON_A_TUNABLE_SETTING,
	KSTALLMON_A_TUNABLE_TEXT,
	KSTALLMON_A_TUNABLE_DEFAULT_TEXT,

	__KSTALLMON_A_TUNABLE_MAX,
	KSTALLMON_A_TUNABLE_LAST = (__KSTALLMON_A_TUNABLE_MAX - 1)
};

enum {
	KSTALLMON_CMD_EVENT_GET = 1,
	KSTALLMON_CMD_EVENT_NTF,
	KSTALLMON_CMD_STATUS_GET,
	KSTALLMON_CMD_CPU_GET,
	KSTALLMON_CMD_TUNABLE_GET,
	KSTALLMON_CMD_TUNABLE_SET,
	KSTALLMON_CMD_HISTOGRAM_GET,
	KSTALLMON_CMD_HISTOGRAM_RESET,
	KSTALLMON_CMD_ZONE_GET,
	KSTALLMON_CMD_MEMORY_GET,
	KSTALLMON_CMD_VMA_GET,
	KSTALLMON_CMD_RECLAIM_GET,

	__KSTALLMON_CMD_MAX,
	KSTALLMON_CMD_MAX = (__KSTALLMON_CMD_MAX - 1)
};

#define KSTALLMON_MCGRP_EVENTS	"events"

#endif /* _UAPI_LINUX_KSTALLMON_H */
