/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the rooms of detection know of a CPU, in one place: its heart.
 */
#ifndef KST_HEART_H
#define KST_HEART_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/percpu.h>
#include <linux/smp.h>

#include "event.h"
#include "histogram.h"
#include "snapshot.h"

/* Latest time of a beat that nobody waits for. Half the range, so that sums do not overflow. */
#define KST_NEVER (U64_MAX / 2)

/**
 * struct kst_live - a stall while it lasts
 * @state: number of the stall and KST_LIVE_* flags; the number grows when a stall ends, so that
 *	whoever saw the old one cannot change the new
 * @kind: where its own beats find it: enum kstallmon_stall_kind
 * @context: enum kstallmon_context
 * @since: where its own beats find it: it has lasted since then, CLOCK_MONOTONIC
 * @asked: when its CPU was asked for its stack, likewise
 * @task: who ran
 * @stack: and where
 */
struct kst_live {
	atomic64_t state;
	u32 kind;
	u32 context;
	u64 since;
	u64 asked;
	struct kst_task task;
	struct kst_stack stack;
};

/* Stalls of one CPU that may last at the same time, and are never told for the same time. */
enum kst_live_nr {
	KST_LIVE_HARD, /* found by other CPUs: irq */
	KST_LIVE_SOFT, /* found by its own beats: softirq, sched */
	KST_NR_LIVE
};

/**
 * struct kst_hold - softirqs or the scheduler are held off
 * @since: the first beat that saw it, CLOCK_MONOTONIC; 0: they are not
 * @last: the last beat that saw it
 * @before: the beat before the first one
 * @steal: the CPU's steal time at that
 * @live: it has lasted longer than the threshold
 * @task: for the scheduler, from whom it wants to switch
 * @switches: of that task so far
 */
struct kst_hold {
	u64 since;
	u64 last;
	u64 before;
	u64 steal;
	bool live;
	struct task_struct *task;
	unsigned long switches;
};

/**
 * struct kst_heart - all about a CPU
 * @latest: the latest time of its next beat, CLOCK_MONOTONIC
 * @state: enum kstallmon_cpu_state
 * @live: its stalls that last
 * @timer: due at its soft expiry, late after its hard one
 * @cpu: which CPU
 * @up: between the online and the offline callback
 * @proof: last proof of life, CLOCK_MONOTONIC
 * @steal: steal time at that
 * @gap: time from the last beat to the next, in ns
 * @next_gap: what it is to be when the CPU is found idle
 * @beats: so far
 * @beat_time: ns spent in them
 * @stalls: so far
 * @longest: duration of the longest, in ns
 * @deferred: times that softirqs waited for ksoftirqd
 * @kick: makes the CPU look anew at what its heart should do
 * @kicked: @kick is on its way
 * @softirq: softirqs held off
 * @softirq_proof: runs as soon as they are not any more
 * @sched: the scheduler held off
 * @ending: the end of the last stall
 * @ending_steal: steal time before that stall
 * @ending_due: when that is accounted, CLOCK_MONOTONIC
 * @pending: @ending waits for a beat after that
 * @telling: room for the record of another CPU's stall
 * @epoch: of @histogram
 * @histogram: by kind
 * @trace: room for a stack in hard interrupts
 * @nmi_asked: an NMI is on its way here
 * @nmi_seen: when the last such came, CLOCK_MONOTONIC
 * @nmi_trace: room for a stack in NMIs
 *
 * @latest, @state and @live are there for other CPUs. All else is the CPU's own, touched with
 * interrupts off; numbers are read by others without lock.
 */
struct kst_heart {
	u64 latest;
	u32 state;
	struct kst_live live[KST_NR_LIVE];

	struct hrtimer timer ____cacheline_aligned_in_smp;
	unsigned int cpu;
	bool up;
	u64 proof;
	u64 steal;
	u64 gap;
	u64 next_gap;
	u64 beats;
	u64 beat_time;
	u64 stalls;
	u64 longest;
	u64 deferred;
	call_single_data_t kick;
	atomic_t kicked;

	struct kst_hold softirq;
	struct tasklet_struct softirq_proof;
	struct kst_hold sched;

	struct kst_record ending;
	u64 ending_steal;
	u64 ending_due;
	bool pending;
	struct kst_record telling;

	u32 epoch;
	struct kst_histogram histogram[KSTALLMON_STALL_KIND_MAX];

	unsigned long trace[KST_TRACE_LEN];
	atomic_t nmi_asked;
	u64 nmi_seen;
	unsigned long nmi_trace[KST_TRACE_LEN];
};

/* Not static per-CPU data: that of all modules together is 8 KiB. */
extern struct kst_heart __percpu *kst_hearts;

#endif /* KST_HEART_H */
