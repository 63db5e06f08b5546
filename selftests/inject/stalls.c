// SPDX-License-Identifier: GPL-2.0
/*
 * The stalls themselves. Each is in a function ..._inner, called by one ..._outer: the names that
 * tests look for in the stacks.
 */
#include <linux/bottom_half.h>
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/kernel_stat.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/preempt.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/timekeeping.h>

#include "inject.h"

/* A stall's function must be in the stack: it is called, not inlined and not jumped to. */
#define inject_no_tail_call() barrier()

/**
 * inject_steal() - account a stall's share of steal time to this CPU, as the tick would
 * @order: says which share
 * @stalled: the stall's length in ns
 */
void inject_steal(const struct inject_order *order, u64 stalled)
{
	unsigned long flags;

	/* A tick may come in between. */
	local_irq_save(flags);
	kcpustat_this_cpu->cpustat[CPUTIME_STEAL] += div_u64(stalled * order->steal, 100);
	local_irq_restore(flags);
}

/* Changes with each tick of a CPU that runs kernel code. */
static u64 inject_ticks(unsigned int cpu)
{
	const u64 *stat = kcpustat_cpu(cpu).cpustat;

	return READ_ONCE(stat[CPUTIME_SYSTEM]) + READ_ONCE(stat[CPUTIME_SOFTIRQ]) +
	       READ_ONCE(stat[CPUTIME_IRQ]);
}

/**
 * inject_after_tick() - wait for some time in the first half of a tick
 * @cpu: this CPU
 *
 * A tick has just run all timers that were due.
 */
void inject_after_tick(unsigned int cpu)
{
	u64 ticks = inject_ticks(cpu);

	while (inject_ticks(cpu) == ticks && !signal_pending(current))
		cpu_relax();
	udelay(get_random_u32() % (TICK_NSEC / NSEC_PER_USEC / 2));
}

/*
 * How often to pause before the next look at the clock, if no tick comes. The clock is behind a
 * pointer, and where a thunk guards that against speculation the kernel's stacks end. To be found
 * there has to be rare.
 */
static unsigned int inject_pauses(u64 ns)
{
	return clamp_t(u64, ns >> 14, 1, 20000);
}

/* To be called inside the stall, which begins when @began() holds. */
static __always_inline struct inject_truth inject_spin(const struct inject_order *order,
						       bool (*began)(void))
{
	u64 now = ktime_get_mono_fast_ns(), start = now, from = 0, ticked = now;
	unsigned int i, pauses = inject_pauses(order->ns);
	u64 ticks = inject_ticks(order->cpu);
	struct inject_truth truth = {};

	while (now - start < order->ns) {
		if (!from && began())
			from = now;
		/* Without the pause a single-threaded emulator runs no other CPU meanwhile. */
		for (i = 0; i < pauses && inject_ticks(order->cpu) == ticks; i++)
			cpu_relax();
		now = ktime_get_mono_fast_ns();
		truth.unticked = max(truth.unticked, now - ticked);
		if (inject_ticks(order->cpu) != ticks) {
			ticks = inject_ticks(order->cpu);
			ticked = now;
		}
	}
	truth.actual = from ? now - from : 0;
	if (!order->steal_late)
		inject_steal(order, truth.actual);
	return truth;
}

static __always_inline bool inject_at_once(void)
{
	return true;
}

static noinline struct inject_truth inject_irq_off_inner(const struct inject_order *order)
{
	unsigned long flags;
	struct inject_truth truth;

	/* Not a spinlock: on PREEMPT_RT that would leave interrupts on. */
	local_irq_save(flags);
	truth = inject_spin(order, inject_at_once);
	local_irq_restore(flags);
	inject_no_tail_call();
	return truth;
}

static noinline struct inject_truth inject_irq_off_outer(const struct inject_order *order)
{
	struct inject_truth truth = inject_irq_off_inner(order);

	inject_no_tail_call();
	return truth;
}

static noinline struct inject_truth inject_bh_off_inner(const struct inject_order *order)
{
	struct inject_truth truth;

	local_bh_disable();
	truth = inject_spin(order, inject_at_once);
	local_bh_enable();
	inject_no_tail_call();
	return truth;
}

static noinline struct inject_truth inject_bh_off_outer(const struct inject_order *order)
{
	struct inject_truth truth = inject_bh_off_inner(order);

	inject_no_tail_call();
	return truth;
}

struct inject_handler {
	struct tasklet_struct tasklet;
	const struct inject_order *order;
	struct inject_truth truth;
};

static noinline struct inject_truth inject_handler_inner(const struct inject_order *order)
{
	struct inject_truth truth = inject_spin(order, inject_at_once);

	inject_no_tail_call();
	return truth;
}

static void inject_handler_outer(struct tasklet_struct *tasklet)
{
	struct inject_handler *handler = container_of(tasklet, struct inject_handler, tasklet);

	handler->truth = inject_handler_inner(handler->order);
	inject_no_tail_call();
}

static struct inject_truth inject_handler(const struct inject_order *order)
{
	struct inject_handler handler = { .order = order };

	tasklet_setup(&handler.tasklet, inject_handler_outer);
	/* It runs when these are enabled, as this task, unless ksoftirqd is at work. */
	local_bh_disable();
	tasklet_schedule(&handler.tasklet);
	local_bh_enable();
	/* Waits until it has run. */
	tasklet_kill(&handler.tasklet);
	return handler.truth;
}

static noinline struct inject_truth inject_no_sched_inner(const struct inject_order *order)
{
	struct inject_truth truth;

	/* With preemption off this is a stall on every preemption model. */
	preempt_disable();
	wake_up_process(order->competitor);
	truth = inject_spin(order, need_resched);
	preempt_enable();
	/* Where preemption is voluntary the switch is here. */
	cond_resched();
	inject_no_tail_call();
	return truth;
}

static noinline struct inject_truth inject_no_sched_outer(const struct inject_order *order)
{
	struct inject_truth truth = inject_no_sched_inner(order);

	inject_no_tail_call();
	return truth;
}

static noinline struct inject_truth inject_irq_in_bh_outer(const struct inject_order *order)
{
	struct inject_truth truth;

	local_bh_disable();
	truth = inject_irq_off_inner(order);
	local_bh_enable();
	inject_no_tail_call();
	return truth;
}

static noinline struct inject_truth inject_irq_in_no_sched_outer(const struct inject_order *order)
{
	struct inject_truth truth;

	preempt_disable();
	wake_up_process(order->competitor);
	truth = inject_irq_off_inner(order);
	preempt_enable();
	cond_resched();
	inject_no_tail_call();
	return truth;
}

#ifndef CONFIG_PREEMPT_RT
/* There softirqs are disabled by a lock that sleeps. */
static noinline struct inject_truth inject_bh_in_no_sched_outer(const struct inject_order *order)
{
	struct inject_truth truth;

	preempt_disable();
	wake_up_process(order->competitor);
	truth = inject_bh_off_inner(order);
	preempt_enable();
	cond_resched();
	inject_no_tail_call();
	return truth;
}
#endif

/* The handler takes so long that the kernel leaves what was raised meanwhile to ksoftirqd. */
static noinline struct inject_truth inject_leave_to_ksoftirqd(const struct inject_order *order)
{
	struct inject_truth truth = inject_handler(order);

	/* This can be interrupted, but by no ksoftirqd if the task has a real-time priority. */
	inject_spin(order, inject_at_once);
	return truth;
}

static noinline void inject_callee(void)
{
	barrier();
}

static void (*inject_pointer)(void) = inject_callee;

/* Most of the time is in whatever guards the call through a pointer. */
static noinline struct inject_truth inject_pointer_inner(const struct inject_order *order)
{
	u64 now = ktime_get_mono_fast_ns(), start = now;
	unsigned int i;

	local_bh_disable();
	while (now - start < order->ns) {
		for (i = 0; i < 10000; i++)
			READ_ONCE(inject_pointer)();
		now = ktime_get_mono_fast_ns();
	}
	local_bh_enable();
	inject_no_tail_call();
	return (struct inject_truth){ .actual = now - start };
}

static noinline struct inject_truth inject_pointer_outer(const struct inject_order *order)
{
	struct inject_truth truth = inject_pointer_inner(order);

	inject_no_tail_call();
	return truth;
}

static const struct inject_kind inject_kinds[] = {
	{ "irq", inject_irq_off_outer },
	{ "softirq", inject_bh_off_outer },
	{ "softirq-handler", inject_handler },
	{ "sched", inject_no_sched_outer, .competes = true },
	{ "sched-fair", inject_no_sched_outer, .competes = true, .fair = true },
	{ "irq-in-softirq", inject_irq_in_bh_outer },
	{ "irq-in-sched", inject_irq_in_no_sched_outer, .competes = true },
#ifndef CONFIG_PREEMPT_RT
	{ "softirq-in-sched", inject_bh_in_no_sched_outer, .competes = true },
#endif
	{ "softirq-pointer", inject_pointer_outer },
	{ "ksoftirqd", inject_leave_to_ksoftirqd },
	{ "lockup", inject_irq_off_outer, .endless = true },
};

/**
 * inject_kind() - the kind of this name
 * @name: as requested
 *
 * Return: the kind, NULL if there is none.
 */
const struct inject_kind *inject_kind(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(inject_kinds); i++)
		if (!strcmp(inject_kinds[i].name, name))
			return &inject_kinds[i];
	return NULL;
}
