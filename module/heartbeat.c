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
 * F - E is compared with the threshold T. With period P and slack S, E - B is at most P + S, so
 * every stall of T + P + S or more is caught, and one of T or more by chance. A new period or slack
 * counts from the next beat on: to interrupt all CPUs for it would wait for those that stall.
 */
#include <linux/cgroup.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/hrtimer.h>
#include <linux/percpu.h>
#include <linux/ptrace.h>
#include <linux/stacktrace.h>
#include <asm/irq_regs.h>

#include "compat/compat.h"
#include "eventlog.h"
#include "heartbeat.h"
#include "tunables.h"

/* Room for the frames of the timer interrupt itself, which are cut off. */
#define KST_IRQ_FRAMES 24

/**
 * struct kst_heart - heartbeat of a CPU, touched by that CPU with interrupts off only
 * @timer: due at its soft expiry, late after its hard one
 * @proof: the CPU's last proof of life, CLOCK_MONOTONIC
 * @id: of its last stall
 * @stats: read by others without lock
 * @trace: room for a stack with the interrupt's own frames
 */
struct kst_heart {
	struct hrtimer timer;
	u64 proof;
	u32 id;
	struct kst_heartbeat_stats stats;
	unsigned long trace[KST_FRAMES_MAX + KST_IRQ_FRAMES];
};

static DEFINE_PER_CPU(struct kst_heart, kst_hearts);
static int kst_cpuhp_state;

static u64 kst_period_ns(void)
{
	return (u64)kst_tunable(period) * NSEC_PER_MSEC;
}

static u64 kst_slack_ns(void)
{
	return (u64)kst_tunable(slack) * NSEC_PER_USEC;
}

static void kst_fill_task(struct kst_task *task)
{
	/* Not get_task_comm(): its lock may be the interrupted task's. A torn name is bearable. */
	memcpy(task->comm, current->comm, sizeof(task->comm));
	task->comm[sizeof(task->comm) - 1] = '\0';
	task->pid = current->pid;
	task->tgid = current->tgid;
#ifdef CONFIG_CGROUPS
	rcu_read_lock();
	task->cgroup_id = cgroup_id(task_dfl_cgroup(current));
	rcu_read_unlock();
#endif
}

/* The stack of what the interrupt with @regs interrupted in the kernel. */
static void kst_fill_stack(struct kst_stack *stack, unsigned long *trace, struct pt_regs *regs)
{
	unsigned int nr, skip;

	nr = stack_trace_save(trace, KST_FRAMES_MAX + KST_IRQ_FRAMES, 0);

	/* The trace goes through the interrupt; what was interrupted begins at its pc. */
	for (skip = 0; skip < nr; skip++)
		if (trace[skip] == instruction_pointer(regs))
			break;
	stack->pc_first = true;
	if (skip == nr) {
		/* The unwinder lost its way: better the pc alone than the timer's own frames. */
		stack->entry[0] = instruction_pointer(regs);
		stack->nr = 1;
		stack->truncated = true;
		return;
	}

	stack->truncated = nr - skip > KST_FRAMES_MAX || nr == KST_FRAMES_MAX + KST_IRQ_FRAMES;
	stack->nr = min_t(unsigned int, nr - skip, KST_FRAMES_MAX);
	memcpy(stack->entry, trace + skip, stack->nr * sizeof(*trace));
}

/* A beat came @now, @late ns after its latest time. */
static noinline void kst_stalled(struct kst_heart *heart, u64 now, u64 late)
{
	struct pt_regs *regs = get_irq_regs();
	struct kst_event *ev;

	heart->stats.stalls++;
	heart->stats.longest = max(heart->stats.longest, late);
	heart->id++;

	ev = kst_eventlog_claim(KSTALLMON_EVENT_TYPE_STALL_END, late);
	if (!ev)
		return;

	ev->stall.kind = KSTALLMON_STALL_KIND_IRQ;
	ev->stall.id = (u64)ev->cpu << 32 | heart->id;
	ev->stall.duration_min = late;
	ev->stall.duration_max = now - heart->proof;
	kst_fill_task(&ev->task);
	if (regs && user_mode(regs)) {
		ev->stall.context = KSTALLMON_CONTEXT_USER;
	} else {
		ev->stall.context = KSTALLMON_CONTEXT_KERNEL;
		if (regs)
			kst_fill_stack(&ev->stack, heart->trace, regs);
	}
	kst_eventlog_commit();
}

static enum hrtimer_restart kst_beat(struct hrtimer *timer)
{
	struct kst_heart *heart = container_of(timer, struct kst_heart, timer);
	u64 latest = ktime_to_ns(hrtimer_get_expires(timer));
	u64 now = ktime_get_ns();

	heart->stats.beats++;
	if (unlikely(now >= latest + (u64)kst_tunable(threshold) * NSEC_PER_MSEC))
		kst_stalled(heart, now, now - latest);
	heart->proof = now;

	/* Not hrtimer_forward(): it knows no range, and would fire again until the hard expiry. */
	hrtimer_set_expires_range_ns(timer, ns_to_ktime(now + kst_period_ns()), kst_slack_ns());
	heart->stats.beat_time += ktime_get_ns() - now;
	return HRTIMER_RESTART;
}

/**
 * kst_heartbeat_stats() - a CPU's heartbeat so far
 * @cpu: which
 * @st: is overwritten
 */
void kst_heartbeat_stats(unsigned int cpu, struct kst_heartbeat_stats *st)
{
	const struct kst_heartbeat_stats *stats = &per_cpu_ptr(&kst_hearts, cpu)->stats;

	st->watched = READ_ONCE(stats->watched);
	st->beats = READ_ONCE(stats->beats);
	st->beat_time = READ_ONCE(stats->beat_time);
	st->stalls = READ_ONCE(stats->stalls);
	st->longest = READ_ONCE(stats->longest);
}

static int kst_heartbeat_online(unsigned int cpu)
{
	struct kst_heart *heart = this_cpu_ptr(&kst_hearts);

	kst_hrtimer_setup(&heart->timer, kst_beat, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_PINNED_HARD);
	heart->proof = ktime_get_ns();
	heart->stats.watched = true;
	hrtimer_start_range_ns(&heart->timer, ns_to_ktime(heart->proof + kst_period_ns()),
			       kst_slack_ns(), HRTIMER_MODE_ABS_PINNED_HARD);
	return 0;
}

static int kst_heartbeat_offline(unsigned int cpu)
{
	struct kst_heart *heart = this_cpu_ptr(&kst_hearts);

	hrtimer_cancel(&heart->timer);
	heart->stats.watched = false;
	return 0;
}

/**
 * kst_heartbeat_init() - let every CPU's heart beat, now and when it comes online
 *
 * Return: 0 or a negative errno.
 */
int kst_heartbeat_init(void)
{
	int ret = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "kstallmon/heartbeat:online",
				    kst_heartbeat_online, kst_heartbeat_offline);

	if (ret < 0)
		return ret;
	kst_cpuhp_state = ret;
	return 0;
}

/**
 * kst_heartbeat_exit() - stop all hearts; none beats any more on return
 */
void kst_heartbeat_exit(void)
{
	cpuhp_remove_state(kst_cpuhp_state);
}
