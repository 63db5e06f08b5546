// SPDX-License-Identifier: GPL-2.0
/*
 * Causes stalls on request, so that tests can ask whether they were seen. Never installed.
 *
 * Write "KIND CPU MS [COUNT [GAP_MS [STEAL [late|tick]]]]" to stall in debugfs: the writing task
 * moves to the CPU and causes COUNT stalls (1 if not given) of MS ms, GAP_MS ms apart (50). Then
 * read from the same open file what really was, a line for each stall:
 *
 *	kind=irq cpu=1 requested_ns=120000000 actual_ns=120000842 unticked_ns=120000842
 *
 * The actual length is measured within the stall, so the true one is a little longer. Kinds, with
 * the functions that a stack of the stall has, innermost first:
 *
 *	irq			interrupts off
 *		inject_irq_off_inner, inject_irq_off_outer
 *	softirq			softirqs disabled by the task
 *		inject_bh_off_inner, inject_bh_off_outer
 *	softirq-handler		in a tasklet
 *		inject_handler_inner, inject_handler_outer
 *	softirq-pointer		as softirq, calling a function through a pointer all the time
 *		inject_pointer_inner, inject_pointer_outer
 *	sched			preemption off while a task of a higher priority wants the CPU;
 *				measured from need_resched() on, 0 if that was never seen
 *		inject_no_sched_inner, inject_no_sched_outer
 *	sched-fair		as sched, but the task is an ordinary one: where preemption is lazy
 *				need_resched() holds from a tick on
 *		inject_no_sched_inner, inject_no_sched_outer
 *	irq-in-softirq		as irq, with softirqs disabled around it
 *		inject_irq_off_inner, inject_irq_in_bh_outer
 *	irq-in-sched		as irq, within what sched does
 *		inject_irq_off_inner, inject_irq_in_no_sched_outer
 *	softirq-in-sched	as softirq, within what sched does (not on PREEMPT_RT)
 *		inject_bh_off_inner, inject_bh_in_no_sched_outer
 *	ksoftirqd		as softirq-handler; then spins as long again and holds nothing
 *				off: ksoftirqd waits if the writing task has real-time priority
 *	lockup			as irq, for ever; MS must be 0
 *		inject_irq_off_inner, inject_irq_off_outer
 *
 * STEAL percent of the actual length are accounted as time that a hypervisor took from the CPU: at
 * the end of the stall while it still lasts or, with "late", when it is over, as by a tick that
 * comes after the heartbeat.
 *
 * In a virtual machine the host may take the CPU, or let timers come late. What is left of the
 * stall is of another kind or length then. The longest time in the stall without a tick of its CPU
 * tells; and with "tick" a stall begins soon after one, when no timer is overdue.
 *
 * Write N to starve, and the next N messages of events can't be allocated; it reads as how many
 * are left. Not where the kernel does not allow for that: then the write fails.
 */
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "inject.h"

#define INJECT_MS_MAX 10000
#define INJECT_COUNT_MAX 100000
#define INJECT_GAP_MS_MAX 10000
#define INJECT_GAP_MS_DEFAULT 50

/* What an open file has caused. */
struct inject {
	struct mutex lock; /* protects all below */
	const struct inject_kind *kind;
	struct inject_order order;
	unsigned int nr;
	struct inject_truth *truth;
};

/* Wants the CPU once each time it is woken. */
static int inject_compete(void *unused)
{
	for (;;) {
		set_current_state(TASK_IDLE);
		if (kthread_should_stop())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

static int inject_one(struct inject *inject)
{
	struct inject_truth truth;

	if (signal_pending(current))
		return -EINTR;
	if (raw_smp_processor_id() != inject->order.cpu)
		return -EAGAIN; /* it went offline */
	if (inject->order.after_tick)
		inject_after_tick(inject->order.cpu);
	/*
	 * Late is after the beat that finds the end, but before the next. Tasks that waited for
	 * the stall's end must not come in between, except for the competitor.
	 */
	if (inject->order.steal_late)
		sched_set_fifo_low(current);
	truth = inject->kind->stall(&inject->order);
	if (inject->order.steal_late) {
		inject_steal(&inject->order, truth.actual);
		sched_set_normal(current, 0);
	}
	inject->truth[inject->nr++] = truth;
	return 0;
}

static int inject_stalls(struct inject *inject, unsigned int count, unsigned int gap_ms)
{
	struct inject_order *order = &inject->order;
	cpumask_var_t allowed;
	int err;

	if (inject->kind->competes) {
		order->competitor = kthread_create(inject_compete, NULL, "inject/%u", order->cpu);
		if (IS_ERR(order->competitor))
			return PTR_ERR(order->competitor);
		kthread_bind(order->competitor, order->cpu);
		if (!inject->kind->fair)
			sched_set_fifo(order->competitor);
	}
	if (!alloc_cpumask_var(&allowed, GFP_KERNEL)) {
		err = -ENOMEM;
		goto out;
	}
	cpumask_copy(allowed, current->cpus_ptr);

	err = set_cpus_allowed_ptr(current, cpumask_of(order->cpu));
	while (!err && inject->nr < count) {
		if (inject->nr && gap_ms)
			usleep_range(gap_ms * USEC_PER_MSEC, gap_ms * USEC_PER_MSEC + 100);
		err = inject_one(inject);
	}
	set_cpus_allowed_ptr(current, allowed);
	free_cpumask_var(allowed);
out:
	if (inject->kind->competes)
		kthread_stop(order->competitor);
	return err;
}

static int inject_request(struct inject *inject, const char *text)
{
	unsigned long long cpu, ms, count = 1, gap_ms = INJECT_GAP_MS_DEFAULT, steal = 0;
	const struct inject_kind *kind;
	char name[20], flag[5], junk;
	bool late, tick;
	int words;

	words = sscanf(text, "%19s %llu %llu %llu %llu %llu %4s %c", name, &cpu, &ms, &count,
		       &gap_ms, &steal, flag, &junk);
	late = words == 7 && !strcmp(flag, "late");
	tick = words == 7 && !strcmp(flag, "tick");
	if (words < 3 || words > 7 || (words == 7 && !late && !tick))
		return -EINVAL;
	kind = inject_kind(name);
	if (!kind)
		return -EINVAL;
	if (cpu >= nr_cpu_ids || !cpu_online(cpu))
		return -ENODEV;
	if (kind->endless ? ms : ms < 1 || ms > INJECT_MS_MAX)
		return -ERANGE;
	if (count < 1 || count > INJECT_COUNT_MAX || gap_ms > INJECT_GAP_MS_MAX || steal > 100)
		return -ERANGE;

	kvfree(inject->truth);
	inject->nr = 0;
	inject->truth = kvmalloc_array(count, sizeof(*inject->truth), GFP_KERNEL);
	if (!inject->truth)
		return -ENOMEM;
	inject->kind = kind;
	inject->order = (struct inject_order){
		.cpu = cpu,
		.ns = kind->endless ? U64_MAX : ms * NSEC_PER_MSEC,
		.steal = steal,
		.steal_late = late,
		.after_tick = tick,
	};
	return inject_stalls(inject, count, gap_ms);
}

static ssize_t inject_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	struct inject *inject = ((struct seq_file *)file->private_data)->private;
	char text[64];
	int err;

	if (len >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, buf, len))
		return -EFAULT;
	text[len] = '\0';

	mutex_lock(&inject->lock);
	err = inject_request(inject, text);
	mutex_unlock(&inject->lock);
	return err ?: len;
}

static int inject_show(struct seq_file *m, void *unused)
{
	struct inject *inject = m->private;
	unsigned int i;

	mutex_lock(&inject->lock);
	for (i = 0; i < inject->nr; i++)
		seq_printf(m, "kind=%s cpu=%u requested_ns=%llu actual_ns=%llu unticked_ns=%llu\n",
			   inject->kind->name, inject->order.cpu, inject->order.ns,
			   inject->truth[i].actual, inject->truth[i].unticked);
	mutex_unlock(&inject->lock);
	return 0;
}

static int inject_open(struct inode *inode, struct file *file)
{
	struct inject *inject = kzalloc(sizeof(*inject), GFP_KERNEL);
	int err;

	if (!inject)
		return -ENOMEM;
	mutex_init(&inject->lock);
	err = single_open(file, inject_show, inject);
	if (err)
		kfree(inject);
	return err;
}

static int inject_release(struct inode *inode, struct file *file)
{
	struct inject *inject = ((struct seq_file *)file->private_data)->private;

	kvfree(inject->truth);
	kfree(inject);
	return single_release(inode, file);
}

static const struct file_operations inject_fops = {
	.owner = THIS_MODULE,
	.open = inject_open,
	.read = seq_read,
	.write = inject_write,
	.llseek = seq_lseek,
	.release = inject_release,
};

static struct dentry *inject_dir;

static int __init inject_init(void)
{
	inject_dir = debugfs_create_dir("kstallmon_inject", NULL);
	if (IS_ERR(inject_dir))
		return PTR_ERR(inject_dir);
	debugfs_create_file("stall", 0600, inject_dir, NULL, &inject_fops);
	inject_starve_init(inject_dir);
	return 0;
}

static void __exit inject_exit(void)
{
	debugfs_remove(inject_dir);
	inject_starve_exit();
}

module_init(inject_init);
module_exit(inject_exit);
MODULE_LICENSE("GPL");
MODULE_AUTHOR("the kstallmon developers");
MODULE_DESCRIPTION("causes stalls for the selftests of kstallmon");
