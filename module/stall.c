// SPDX-License-Identifier: GPL-2.0
/*
 * The end of a stall: counted at once, told by the first beat a tick or more later. The steal time
 * that tells a hypervisor's fault from the kernel's own is accounted by the scheduler's tick, which
 * may run after the beat that found the end; and a beat may come right after an end that a switch
 * of tasks has found.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>

#include "eventlog.h"
#include "stall.h"

/* Grows with each reset: histograms of an older epoch count as empty. No CPU waits for another. */
static u32 kst_epoch = 1;
static u64 kst_epoch_start;

static void kst_stall_count(struct kst_heart *heart, u32 kind, u64 duration)
{
	struct kst_histogram *histogram = &heart->histogram[kind - 1];
	u32 epoch = READ_ONCE(kst_epoch);

	heart->stalls++;
	heart->longest = max(heart->longest, duration);

	if (heart->epoch != epoch) {
		memset(heart->histogram, 0, sizeof(heart->histogram));
		/* Readers that see the new epoch see no old numbers. */
		smp_store_release(&heart->epoch, epoch);
	}
	kst_histogram_add(histogram, duration);
}

/* Whom to blame for the end that is pending, given the steal time since before the stall. */
static u32 kst_stall_class(const struct kst_heart *heart, u64 steal)
{
	const struct kst_stall *stall = &heart->ending.ev.stall;

	if (steal && steal >= stall->duration_min / 2)
		return KSTALLMON_STALL_CLASS_HYPERVISOR;
	if (stall->context == KSTALLMON_CONTEXT_KERNEL ||
	    stall->live_context == KSTALLMON_CONTEXT_KERNEL)
		return KSTALLMON_STALL_CLASS_KERNEL;
	return KSTALLMON_STALL_CLASS_UNKNOWN;
}

/**
 * kst_stall_judge() - tell the end of a stall that is pending
 * @heart: this CPU's, with @pending
 * @steal: kst_stall_steal() after it
 *
 * Context: hard interrupt, or interrupts off.
 */
void kst_stall_judge(struct kst_heart *heart, u64 steal)
{
	struct kst_stall *stall = &heart->ending.ev.stall;

	steal -= heart->ending_steal;
	stall->class = kst_stall_class(heart, steal);
	stall->steal = min(steal, stall->duration_max);
	kst_eventlog_post(&heart->ending, stall->duration_min);
	/* Last: an event that is neither pending nor queued is in the history. */
	WRITE_ONCE(heart->pending, false);
}

/**
 * kst_stall_end() - a stall of this CPU is over
 * @heart: this CPU's
 * @kind: enum kstallmon_stall_kind
 * @duration_min: it lasted at least this many ns
 * @duration_max: and at most this many
 * @steal: kst_stall_steal() before it
 *
 * It is counted, and told by a beat to come.
 *
 * Context: hard interrupt, or interrupts off.
 *
 * Return: the record, in which the caller fills in the task, the context, the stacks and the id.
 */
struct kst_record *kst_stall_end(struct kst_heart *heart, u32 kind, u64 duration_min,
				 u64 duration_max, u64 steal)
{
	struct kst_record *rec = &heart->ending;

	if (heart->pending)
		kst_stall_judge(heart, kst_stall_steal());
	kst_stall_count(heart, kind, duration_min);

	kst_record_begin(rec, KSTALLMON_EVENT_TYPE_STALL_END, heart->cpu);
	rec->ev.stall.kind = kind;
	rec->ev.stall.watcher = KST_NO_CPU;
	rec->ev.stall.duration_min = duration_min;
	rec->ev.stall.duration_max = duration_max;
	heart->ending_steal = steal;
	heart->ending_due = ktime_get_ns() + TICK_NSEC;
	heart->pending = true;
	return rec;
}

/**
 * kst_histogram_read() - the stalls of a CPU
 * @cpu: which
 * @kind: enum kstallmon_stall_kind
 * @histogram: is overwritten
 */
void kst_histogram_read(unsigned int cpu, u32 kind, struct kst_histogram *histogram)
{
	const struct kst_heart *heart = per_cpu_ptr(kst_hearts, cpu);

	/* Pairs with the release in kst_stall_count(). */
	if (smp_load_acquire(&heart->epoch) == READ_ONCE(kst_epoch))
		*histogram = heart->histogram[kind - 1];
	else
		memset(histogram, 0, sizeof(*histogram));
}

/**
 * kst_histogram_reset() - let all histograms count anew
 */
void kst_histogram_reset(void)
{
	WRITE_ONCE(kst_epoch_start, ktime_get_boottime_ns());
	WRITE_ONCE(kst_epoch, kst_epoch + 1);
}

/**
 * kst_histogram_since() - when the histograms began to count
 *
 * Return: CLOCK_BOOTTIME in ns.
 */
u64 kst_histogram_since(void)
{
	return READ_ONCE(kst_epoch_start);
}
