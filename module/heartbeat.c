// SPDX-License-Identifier: GPL-2.0
/*
 * The heartbeat: a timer on every CPU that notices when its interrupt was held off.
 *
 * A beat due at D may come until E = D + slack, so that it can share an interrupt that comes
 * anyway. It comes at F, and the beat before it was at B. If F is later than E, then interrupts
 * were off from E or before until F, and from B or after:
 *
 *	F - E <= length of the stall <= F - B
 *
 * F - E is compared with the threshold T. With gap G, the period or more on an idle CPU, and slack
 * S, E - B is at most G + S, so every stall of T + G + S or more is caught, and one of T or more by
 * chance. A new period or slack counts from the next beat on: to interrupt all CPUs for it would
 * wait for those that stall.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/hrtimer.h>
#include <linux/percpu.h>
#include <asm/irq_regs.h>

#include "compat/compat.h"
#include "heartbeat.h"
#include "held.h"
#include "idle.h"
#include "live.h"
#include "sampler.h"
#include "stall.h"
#include "tunables.h"
#include "watched.h"

/* How often beats of a busy CPU look after samplers; those of an idle CPU do each time. */
#define KST_BEATS_TO_LOOK 8

static int kst_cpuhp_state;

static u64 kst_slack(void)
{
	return (u64)kst_tunable(slack) * NSEC_PER_USEC;
}

/* Start this CPU's timer, or start it anew for an earlier time. */
static void kst_heart_start(struct kst_heart *heart, u64 now, u64 gap)
{
	u64 slack = kst_slack();

	heart->proof = now;
	heart->steal = kst_stall_steal();
	heart->gap = gap;
	hrtimer_start_range_ns(&heart->timer, ns_to_ktime(now + gap), slack,
			       HRTIMER_MODE_ABS_PINNED_HARD);
	WRITE_ONCE(heart->latest, now + gap + slack);
}

/* This CPU is watched no more. What was found of stalls is told. */
static void kst_heart_rest(struct kst_heart *heart, u32 state)
{
	unsigned int i;

	WRITE_ONCE(heart->latest, KST_NEVER);
	smp_mb(); /* as in kst_beat() */
	heart->gap = 0;
	kst_held_cut(heart, ktime_get_ns());
	for (i = 0; i < KST_NR_LIVE; i++)
		if (kst_live_claimed(&heart->live[i]))
			kst_live_end(heart, i, NULL);
	if (heart->pending)
		kst_stall_judge(heart, kst_stall_steal());
	kst_idle_state(heart, state);
}

static bool kst_heart_beats(const struct kst_heart *heart)
{
	return heart->state <= KSTALLMON_CPU_STATE_BACKED_OFF;
}

/* A beat came @now; by @latest it should have. Interrupts were off, or somebody thought so. */
static noinline void kst_irq_stall(struct kst_heart *heart, u64 now, u64 latest,
				   struct pt_regs *regs)
{
	u64 threshold = (u64)kst_tunable(threshold) * NSEC_PER_MSEC;
	struct kst_record *rec;

	/* A hypervisor may have taken the CPU away after the beat had looked at the clock. */
	if (now < latest)
		now = ktime_get_ns();
	/* A stall that was begun must end, even if the threshold has been raised meanwhile. */
	if (now < latest + threshold && kst_live_drop(heart, KST_LIVE_HARD))
		return;
	now = max(now, latest);
	kst_held_cut(heart, latest);

	rec = kst_stall_end(heart, KSTALLMON_STALL_KIND_IRQ, now - latest, now - heart->proof,
			    heart->steal);
	rec->ev.stall.context = kst_snapshot_context(regs);
	kst_snapshot_task(&rec->ev.task, current);
	kst_snapshot_interrupted(&rec->stack[KST_STACK_END], heart->trace, regs);
	kst_live_end(heart, KST_LIVE_HARD, rec);

	/* What is held off from now on is another stall. */
	heart->proof = now;
	heart->steal = kst_stall_steal();
}

static enum hrtimer_restart kst_beat(struct hrtimer *timer)
{
	struct kst_heart *heart = container_of(timer, struct kst_heart, timer);
	u64 latest = ktime_to_ns(hrtimer_get_expires(timer));
	struct pt_regs *regs = get_irq_regs();
	u64 now = ktime_get_ns();
	u64 slack = kst_slack();
	bool late, trouble;
	u64 gap;

	WRITE_ONCE(heart->latest, KST_NEVER);
	smp_mb(); /* withdrawn before looking for a claim; kst_live_claim() the other way round */
	if (unlikely(!kst_watched(heart->cpu))) {
		if (kst_live_claimed(&heart->live[KST_LIVE_HARD]))
			kst_irq_stall(heart, now, latest, regs);
		kst_heart_rest(heart, KSTALLMON_CPU_STATE_EXCLUDED);
		return HRTIMER_NORESTART;
	}

	heart->beats++;
	late = now >= latest + (u64)kst_tunable(threshold) * NSEC_PER_MSEC;
	/* If there was another stall right after, what was stolen meanwhile is taken for its. */
	if (unlikely(heart->pending) && (late || now >= heart->ending_due))
		kst_stall_judge(heart, late ? heart->steal : kst_stall_steal());
	if (unlikely(late || kst_live_claimed(&heart->live[KST_LIVE_HARD])))
		kst_irq_stall(heart, now, latest, regs);
	if (unlikely(kst_held_worth_a_look(heart, regs)))
		kst_held_look(heart, now, regs);
	trouble = kst_live_watch(heart, now);

	if (unlikely(heart->sched.since)) {
		/* Neither with the tick nor late: see kst_held_gap(). */
		slack = 0;
		gap = kst_held_gap(kst_heartbeat_period());
		kst_idle_busy(heart);
	} else if (is_idle_task(current) && !softirq_count()) {
		gap = kst_idle_gap(heart, trouble || heart->pending);
		kst_samplers_look(now);
	} else {
		gap = kst_heartbeat_period();
		kst_idle_busy(heart);
		if (unlikely(!(heart->beats % KST_BEATS_TO_LOOK)))
			kst_samplers_look(now);
	}
	heart->gap = gap;
	heart->proof = now;
	heart->steal = kst_stall_steal();
	/* Not hrtimer_forward(): it knows no range, and would fire again until the hard expiry. */
	hrtimer_set_expires_range_ns(timer, ns_to_ktime(now + gap), slack);
	WRITE_ONCE(heart->latest, now + gap + slack);

	heart->beat_time += ktime_get_ns() - now;
	return HRTIMER_RESTART;
}

/**
 * kst_heartbeat_hasten() - this CPU, which had backed off, beats each period again
 * @heart: this CPU's
 *
 * Context: interrupts off; the run queue's lock may be held.
 */
void kst_heartbeat_hasten(struct kst_heart *heart)
{
	u64 now = ktime_get_ns();

	/* An overdue beat is about to come, and must not be put off: it is what tells a stall. */
	if (now < heart->latest)
		kst_heart_start(heart, now, kst_heartbeat_period());
}

/* What the heart of this CPU should do may have changed. Hard interrupt context. */
static void kst_heart_kicked(void *info)
{
	struct kst_heart *heart = info;

	atomic_set(&heart->kicked, 0);
	smp_mb(); /* another kick may be sent now; what this one is for is looked at below */

	if (!heart->up)
		return;
	if (!kst_watched(heart->cpu)) {
		/* An overdue beat is about to come, and is its last: it has a stall to tell. */
		if (kst_heart_beats(heart) && ktime_get_ns() < heart->latest) {
			hrtimer_try_to_cancel(&heart->timer);
			kst_heart_rest(heart, KSTALLMON_CPU_STATE_EXCLUDED);
		}
	} else if (!kst_heart_beats(heart)) {
		kst_idle_state(heart, KSTALLMON_CPU_STATE_BUSY);
		kst_heart_start(heart, ktime_get_ns(), kst_heartbeat_period());
	} else if (kst_idle_kicked(heart)) {
		kst_heartbeat_hasten(heart);
	}
}

/**
 * kst_heartbeat_kick() - let a CPU look anew at what its heart should do
 * @cpu: which
 *
 * Context: any with interrupts off, or task.
 *
 * Return: whether it will. If not, it is offline or about to look anyway.
 */
bool kst_heartbeat_kick(unsigned int cpu)
{
	struct kst_heart *heart = per_cpu_ptr(kst_hearts, cpu);
	bool done;

	/* Who may use the call is for its users to settle. The exchange orders what it is for. */
	if (atomic_xchg(&heart->kicked, 1))
		return false;
	preempt_disable();
	done = !smp_call_function_single_async(cpu, &heart->kick);
	preempt_enable();
	if (!done)
		atomic_set(&heart->kicked, 0);
	return done;
}

/**
 * kst_heartbeat_stats() - a CPU's heartbeat so far
 * @cpu: which
 * @st: is overwritten
 */
void kst_heartbeat_stats(unsigned int cpu, struct kst_heartbeat_stats *st)
{
	const struct kst_heart *heart = per_cpu_ptr(kst_hearts, cpu);

	st->state = READ_ONCE(heart->state);
	st->gap = READ_ONCE(heart->gap);
	st->beats = READ_ONCE(heart->beats);
	st->beat_time = READ_ONCE(heart->beat_time);
	st->stalls = READ_ONCE(heart->stalls);
	st->longest = READ_ONCE(heart->longest);
	st->deferred = READ_ONCE(heart->deferred);
	st->pending = READ_ONCE(heart->pending);
	st->memory = sizeof(*heart);
}

static int kst_heartbeat_online(unsigned int cpu)
{
	struct kst_heart *heart = this_cpu_ptr(kst_hearts);
	unsigned long flags;

	local_irq_save(flags);
	heart->up = true;
	/* One that was sent to it when it was offline does not come. */
	atomic_set(&heart->nmi_asked, 0);
	if (kst_watched(cpu)) {
		kst_idle_state(heart, KSTALLMON_CPU_STATE_BUSY);
		kst_heart_start(heart, ktime_get_ns(), kst_heartbeat_period());
	} else {
		kst_idle_state(heart, KSTALLMON_CPU_STATE_EXCLUDED);
	}
	local_irq_restore(flags);
	return 0;
}

static int kst_heartbeat_offline(unsigned int cpu)
{
	struct kst_heart *heart = this_cpu_ptr(kst_hearts);
	unsigned long flags;

	local_irq_save(flags);
	heart->up = false;
	/* Pinned, so it does not run right now; a beat after this would revive the heart. */
	hrtimer_try_to_cancel(&heart->timer);
	kst_heart_rest(heart, KSTALLMON_CPU_STATE_OFFLINE);
	local_irq_restore(flags);
	kst_held_stop(heart);
	return 0;
}

/**
 * kst_heartbeat_init() - make the hearts
 *
 * Return: 0 or -ENOMEM.
 */
int kst_heartbeat_init(void)
{
	unsigned int cpu;

	kst_hearts = alloc_percpu(struct kst_heart);
	if (!kst_hearts)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct kst_heart *heart = per_cpu_ptr(kst_hearts, cpu);

		heart->cpu = cpu;
		heart->latest = KST_NEVER;
		heart->state = KSTALLMON_CPU_STATE_OFFLINE;
		heart->kick.func = kst_heart_kicked;
		heart->kick.info = heart;
		kst_hrtimer_setup(&heart->timer, kst_beat, CLOCK_MONOTONIC,
				  HRTIMER_MODE_ABS_PINNED_HARD);
		kst_held_init(heart);
	}
	kst_histogram_reset();
	return 0;
}

/**
 * kst_heartbeat_start() - let every CPU's heart beat, now and when it comes online
 *
 * Return: 0 or a negative errno.
 */
int kst_heartbeat_start(void)
{
	int ret = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "kstallmon/heartbeat:online",
				    kst_heartbeat_online, kst_heartbeat_offline);

	if (ret < 0)
		return ret;
	kst_cpuhp_state = ret;
	return 0;
}

/**
 * kst_heartbeat_stop() - stop all hearts; none beats any more on return
 */
void kst_heartbeat_stop(void)
{
	cpuhp_remove_state(kst_cpuhp_state);
}

static void kst_heart_flush(void *unused)
{
}

/**
 * kst_heartbeat_exit() - give the hearts back
 *
 * Context: task; nobody kicks any more.
 */
void kst_heartbeat_exit(void)
{
	/*
	 * Calls are handled in batches, and within one those that somebody waits for come first. So
	 * a kick that was sent before this may come after the first call, but not after the second.
	 */
	on_each_cpu(kst_heart_flush, NULL, 1);
	on_each_cpu(kst_heart_flush, NULL, 1);
	free_percpu(kst_hearts);
}
