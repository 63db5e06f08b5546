// SPDX-License-Identifier: GPL-2.0
/*
 * The yardstick: a timer of 10 ms on every CPU that does nothing, as the least that a module which
 * looks at each CPU a hundred times a second costs without further thought.
 */
#include <linux/module.h>
#include <linux/smp.h>

#include "compat/compat.h"

static DEFINE_PER_CPU(struct hrtimer, empty_timers);

static enum hrtimer_restart empty_timer_fire(struct hrtimer *timer)
{
	hrtimer_forward_now(timer, ms_to_ktime(10));
	return HRTIMER_RESTART;
}

static void empty_timer_start(void *unused)
{
	struct hrtimer *timer = this_cpu_ptr(&empty_timers);

	kst_hrtimer_setup(timer, empty_timer_fire, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	hrtimer_start(timer, ms_to_ktime(10), HRTIMER_MODE_REL_PINNED_HARD);
}

static int __init empty_timer_init(void)
{
	on_each_cpu(empty_timer_start, NULL, 1);
	return 0;
}

static void __exit empty_timer_exit(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu)
		hrtimer_cancel(per_cpu_ptr(&empty_timers, cpu));
}

module_init(empty_timer_init);
module_exit(empty_timer_exit);
MODULE_LICENSE("GPL");
MODULE_AUTHOR("the kstallmon developers");
MODULE_DESCRIPTION("an empty timer, which kstallmon is compared with");
