// SPDX-License-Identifier: GPL-2.0
/*
 * Tasks that have to reclaim memory themselves: how long, for whom, with what result; and victims
 * of the OOM killer.
 *
 * Tracepoints tell when a task begins and ends. In between it sleeps and moves from CPU to CPU, so
 * its beginning stands in a table of fixed size, hashed by task.
 */
#include <linux/atomic.h>
#include <linux/hash.h>
#include <linux/ktime.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "compat/tracepoint.h"
#include "eventlog.h"
#include "reclaim.h"
#include "snapshot.h"
#include "tunables.h"

/* Tasks in reclaim at the same time. A task finds its entry among the few that follow its hash. */
#define KST_RECLAIM_BITS 11
#define KST_RECLAIM_ENTRIES BIT(KST_RECLAIM_BITS)
#define KST_RECLAIM_PROBES 8

/**
 * struct kst_reclaiming - a task in reclaim
 * @task: the task; NULL: the entry is free. All else is that task's own
 * @since: when it began, CLOCK_MONOTONIC
 * @order: of its allocation
 */
struct kst_reclaiming {
	struct task_struct *task;
	u64 since;
	u32 order;
};

/**
 * struct kst_reclaim_cpu - what ended on a CPU; touched with interrupts off
 * @time: times in reclaim, by scope
 * @untimed: see struct kst_reclaim_stats
 * @throttled: likewise
 * @rec: room for an event
 */
struct kst_reclaim_cpu {
	struct kst_histogram time[KSTALLMON_RECLAIM_SCOPE_MAX];
	u64 untimed;
	u64 throttled;
	struct kst_record rec;
};

static struct kst_reclaiming *kst_reclaiming;
static struct kst_reclaim_cpu __percpu *kst_reclaim_cpus;

static struct kst_reclaiming *kst_reclaim_entry(unsigned int i)
{
	return &kst_reclaiming[(hash_ptr(current, KST_RECLAIM_BITS) + i) % KST_RECLAIM_ENTRIES];
}

/* The current task's entry, or NULL. */
static struct kst_reclaiming *kst_reclaim_find(void)
{
	unsigned int i;

	for (i = 0; i < KST_RECLAIM_PROBES; i++)
		if (READ_ONCE(kst_reclaim_entry(i)->task) == current)
			return kst_reclaim_entry(i);
	return NULL;
}

static struct kst_reclaiming *kst_reclaim_take(void)
{
	unsigned int i;

	for (i = 0; i < KST_RECLAIM_PROBES; i++)
		if (!cmpxchg(&kst_reclaim_entry(i)->task, NULL, current))
			return kst_reclaim_entry(i);
	return NULL;
}

static void kst_reclaim_begin(int order)
{
	struct kst_reclaiming *entry = kst_reclaim_find() ?: kst_reclaim_take();
	unsigned long flags;

	if (!entry) {
		local_irq_save(flags);
		this_cpu_ptr(kst_reclaim_cpus)->untimed++;
		local_irq_restore(flags);
		return;
	}
	entry->order = order;
	entry->since = ktime_get_mono_fast_ns();
}

static void kst_reclaim_tell(struct kst_record *rec, u32 scope, u32 order, u64 duration,
			     unsigned long pages)
{
	kst_record_begin(rec, KSTALLMON_EVENT_TYPE_RECLAIM_STALL, smp_processor_id());
	kst_snapshot_task(&rec->ev.task, current);
	rec->ev.reclaim.scope = scope;
	rec->ev.reclaim.order = order;
	rec->ev.reclaim.duration = duration;
	rec->ev.reclaim.reclaimed = pages;
	kst_eventlog_post(rec, duration);
}

static void kst_reclaim_end(u32 scope, unsigned long pages)
{
	u64 threshold = (u64)kst_tunable(reclaim_threshold) * NSEC_PER_MSEC;
	struct kst_reclaiming *entry = kst_reclaim_find();
	struct kst_reclaim_cpu *cpu;
	unsigned long flags;
	u64 duration;
	u32 order;

	/* It began before the module was loaded, or was not timed. */
	if (!entry)
		return;
	duration = ktime_get_mono_fast_ns() - entry->since;
	order = entry->order;
	/* The entry may be another's from here on. */
	smp_store_release(&entry->task, NULL);

	local_irq_save(flags);
	cpu = this_cpu_ptr(kst_reclaim_cpus);
	kst_histogram_add(&cpu->time[scope - 1], duration);
	if (threshold && duration >= threshold)
		kst_reclaim_tell(&cpu->rec, scope, order, duration, pages);
	local_irq_restore(flags);
}

static void kst_reclaim_end_global(unsigned long pages)
{
	kst_reclaim_end(KSTALLMON_RECLAIM_SCOPE_GLOBAL, pages);
}

static void kst_reclaim_throttled(void)
{
	unsigned long flags;

	local_irq_save(flags);
	this_cpu_ptr(kst_reclaim_cpus)->throttled++;
	local_irq_restore(flags);
}

static void kst_reclaim_victim(struct task_struct *victim)
{
	struct kst_record *rec;
	unsigned long flags;

	local_irq_save(flags);
	rec = &this_cpu_ptr(kst_reclaim_cpus)->rec;
	kst_record_begin(rec, KSTALLMON_EVENT_TYPE_OOM_KILL, smp_processor_id());
	kst_snapshot_task(&rec->ev.task, victim);
	kst_eventlog_post(rec, 0);
	local_irq_restore(flags);
}

KST_PROBE_RECLAIM_BEGIN(mm_vmscan_direct_reclaim_begin, kst_probe_begin, kst_reclaim_begin);
KST_PROBE_RECLAIM_END(mm_vmscan_direct_reclaim_end, kst_probe_end, kst_reclaim_end_global);
#ifdef CONFIG_MEMCG
static void kst_reclaim_end_memcg(unsigned long pages)
{
	kst_reclaim_end(KSTALLMON_RECLAIM_SCOPE_MEMCG, pages);
}

KST_PROBE_RECLAIM_BEGIN(mm_vmscan_memcg_reclaim_begin, kst_probe_memcg_begin, kst_reclaim_begin);
KST_PROBE_RECLAIM_END(mm_vmscan_memcg_reclaim_end, kst_probe_memcg_end, kst_reclaim_end_memcg);
#endif
KST_PROBE_VMSCAN_THROTTLED(kst_probe_throttled, kst_reclaim_throttled);
KST_PROBE_MARK_VICTIM(kst_probe_victim, kst_reclaim_victim);

/**
 * struct kst_reclaim_probe - a tracepoint that is wanted
 * @name: its name
 * @probe: to be called; NULL: this kernel's headers have no such tracepoint
 * @tp: the tracepoint, NULL if the running kernel has none
 * @on: the probe is called
 */
struct kst_reclaim_probe {
	const char *name;
	void *const *probe;
	struct tracepoint *tp;
	bool on;
};

/* Ends before beginnings: an end without beginning is ignored, the reverse would stay for ever. */
static struct kst_reclaim_probe kst_reclaim_probes[] = {
	{ "mm_vmscan_direct_reclaim_end", &kst_probe_end },
	{ "mm_vmscan_direct_reclaim_begin", &kst_probe_begin },
#ifdef CONFIG_MEMCG
	{ "mm_vmscan_memcg_reclaim_end", &kst_probe_memcg_end },
	{ "mm_vmscan_memcg_reclaim_begin", &kst_probe_memcg_begin },
#endif
	{ "mm_vmscan_throttled", &kst_probe_throttled },
	{ "mark_victim", &kst_probe_victim },
};

static void kst_reclaim_find_tp(struct tracepoint *tp, void *unused)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kst_reclaim_probes); i++)
		if (!strcmp(tp->name, kst_reclaim_probes[i].name))
			kst_reclaim_probes[i].tp = tp;
}

/* Whether this is a beginning whose end is not told. */
static bool kst_reclaim_endless(unsigned int i)
{
	return strstr(kst_reclaim_probes[i].name, "_begin") && !kst_reclaim_probes[i - 1].on;
}

/**
 * kst_reclaim_missing() - what this kernel does not tell
 * @nr: counts from 0
 *
 * Return: name of the @nr-th tracepoint that is missing, NULL if there are no more.
 */
const char *kst_reclaim_missing(unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kst_reclaim_probes); i++)
		if (!READ_ONCE(kst_reclaim_probes[i].on) && !nr--)
			return kst_reclaim_probes[i].name;
	return NULL;
}

/**
 * kst_reclaim_time() - how long tasks were in reclaim
 * @cpu: where it ended
 * @scope: enum kstallmon_reclaim_scope
 * @histogram: is overwritten
 *
 * Return: false if none was.
 */
bool kst_reclaim_time(unsigned int cpu, u32 scope, struct kst_histogram *histogram)
{
	*histogram = per_cpu_ptr(kst_reclaim_cpus, cpu)->time[scope - 1];
	return histogram->count;
}

/**
 * kst_reclaim_stats() - what could not be told of reclaim
 * @st: is overwritten
 */
void kst_reclaim_stats(struct kst_reclaim_stats *st)
{
	unsigned int cpu;

	memset(st, 0, sizeof(*st));
	for_each_possible_cpu(cpu) {
		st->untimed += READ_ONCE(per_cpu_ptr(kst_reclaim_cpus, cpu)->untimed);
		st->throttled += READ_ONCE(per_cpu_ptr(kst_reclaim_cpus, cpu)->throttled);
		st->memory += sizeof(struct kst_reclaim_cpu);
	}
	st->memory += KST_RECLAIM_ENTRIES * sizeof(*kst_reclaiming);
}

/**
 * kst_reclaim_init() - get the room for it
 *
 * Return: 0 or -ENOMEM.
 */
int kst_reclaim_init(void)
{
	kst_reclaim_cpus = alloc_percpu(struct kst_reclaim_cpu);
	kst_reclaiming = kvcalloc(KST_RECLAIM_ENTRIES, sizeof(*kst_reclaiming), GFP_KERNEL);
	if (kst_reclaim_cpus && kst_reclaiming)
		return 0;
	kst_reclaim_exit();
	return -ENOMEM;
}

/**
 * kst_reclaim_exit() - give it back
 *
 * Context: task; nobody reads any more.
 */
void kst_reclaim_exit(void)
{
	free_percpu(kst_reclaim_cpus);
	kvfree(kst_reclaiming);
}

/**
 * kst_reclaim_start() - learn of reclaim from now on
 *
 * Tracepoints that the kernel has not are told as missing; all else works without them.
 */
void kst_reclaim_start(void)
{
	unsigned int i;

	for_each_kernel_tracepoint(kst_reclaim_find_tp, NULL);
	for (i = 0; i < ARRAY_SIZE(kst_reclaim_probes); i++) {
		struct kst_reclaim_probe *p = &kst_reclaim_probes[i];

		if (p->tp && *p->probe && !kst_reclaim_endless(i))
			WRITE_ONCE(p->on, !tracepoint_probe_register(p->tp, *p->probe, NULL));
	}
}

/**
 * kst_reclaim_stop() - and no more
 */
void kst_reclaim_stop(void)
{
	unsigned int i;

	for (i = ARRAY_SIZE(kst_reclaim_probes); i--;)
		if (kst_reclaim_probes[i].on)
			tracepoint_probe_unregister(kst_reclaim_probes[i].tp,
						    *kst_reclaim_probes[i].probe, NULL);
	tracepoint_synchronize_unregister();
}
