// SPDX-License-Identifier: GPL-2.0
/*
 * Causes stalls on request, so that tests can ask whether they were seen. Never installed.
 *
 * Write "KIND CPU MS [COUNT [GAP_MS]]" to stall in debugfs: the writing task moves to the CPU and
 * causes COUNT stalls (1 if not given) of MS ms, GAP_MS ms apart. Then read from the same open
 * file what really was, a line for each stall:
 *
 *	kind=irq cpu=1 requested_ns=120000000 actual_ns=120000842
 *
 * The actual length is measured within the stall, so the true one is a little longer.
 */
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#define INJECT_MS_MAX 10000
#define INJECT_COUNT_MAX 100000
#define INJECT_GAP_MS_MAX 10000
#define INJECT_GAP_MS_DEFAULT 50

/* A stall's function must be in the stack: it is called, not inlined and not jumped to. */
#define inject_no_tail_call() barrier()

static void inject_spin(u64 start, u64 ns)
{
	/* Without the pause a single-threaded emulator runs no other CPU meanwhile. */
	while (ktime_get_mono_fast_ns() - start < ns)
		cpu_relax();
}

static noinline u64 inject_irq_off_inner(u64 ns)
{
	unsigned long flags;
	u64 start, actual;

	/* Not a spinlock: on PREEMPT_RT that would leave interrupts on. */
	local_irq_save(flags);
	start = ktime_get_mono_fast_ns();
	inject_spin(start, ns);
	actual = ktime_get_mono_fast_ns() - start;
	local_irq_restore(flags);
	inject_no_tail_call();
	return actual;
}

static noinline u64 inject_irq_off_outer(u64 ns)
{
	u64 actual = inject_irq_off_inner(ns);

	inject_no_tail_call();
	return actual;
}

static const struct inject_kind {
	const char *name;
	u64 (*stall)(u64 ns);
} inject_kinds[] = {
	{ "irq", inject_irq_off_outer },
};

/* What an open file has caused. */
struct inject {
	struct mutex lock; /* protects all below */
	const struct inject_kind *kind;
	unsigned int cpu;
	u64 ns;
	unsigned int nr;
	u64 *actual;
};

static int inject_stalls(struct inject *inject, unsigned int count, unsigned int gap_ms)
{
	cpumask_var_t allowed;
	int err;

	if (!alloc_cpumask_var(&allowed, GFP_KERNEL))
		return -ENOMEM;
	cpumask_copy(allowed, current->cpus_ptr);

	err = set_cpus_allowed_ptr(current, cpumask_of(inject->cpu));
	while (!err && inject->nr < count) {
		if (inject->nr && gap_ms)
			usleep_range(gap_ms * USEC_PER_MSEC, gap_ms * USEC_PER_MSEC + 100);
		if (signal_pending(current))
			err = -EINTR;
		else if (raw_smp_processor_id() != inject->cpu)
			err = -EAGAIN; /* it went offline */
		else
			inject->actual[inject->nr++] = inject->kind->stall(inject->ns);
	}
	set_cpus_allowed_ptr(current, allowed);
	free_cpumask_var(allowed);
	return err;
}

static int inject_request(struct inject *inject, const char *text)
{
	unsigned long long cpu, ms, count = 1, gap_ms = INJECT_GAP_MS_DEFAULT;
	char name[16], junk;
	unsigned int i;
	int words;

	words = sscanf(text, "%15s %llu %llu %llu %llu %c", name, &cpu, &ms, &count, &gap_ms,
		       &junk);
	if (words < 3 || words > 5)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(inject_kinds); i++)
		if (!strcmp(inject_kinds[i].name, name))
			break;
	if (i == ARRAY_SIZE(inject_kinds))
		return -EINVAL;
	if (cpu >= nr_cpu_ids || !cpu_online(cpu))
		return -ENODEV;
	if (ms < 1 || ms > INJECT_MS_MAX || count < 1 || count > INJECT_COUNT_MAX ||
	    gap_ms > INJECT_GAP_MS_MAX)
		return -ERANGE;

	kvfree(inject->actual);
	inject->nr = 0;
	inject->actual = kvmalloc_array(count, sizeof(*inject->actual), GFP_KERNEL);
	if (!inject->actual)
		return -ENOMEM;
	inject->kind = &inject_kinds[i];
	inject->cpu = cpu;
	inject->ns = ms * NSEC_PER_MSEC;
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
		seq_printf(m, "kind=%s cpu=%u requested_ns=%llu actual_ns=%llu\n",
			   inject->kind->name, inject->cpu, inject->ns, inject->actual[i]);
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

	kvfree(inject->actual);
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
	return 0;
}

static void __exit inject_exit(void)
{
	debugfs_remove(inject_dir);
}

module_init(inject_init);
module_exit(inject_exit);
MODULE_LICENSE("GPL");
MODULE_AUTHOR("the kstallmon developers");
MODULE_DESCRIPTION("causes stalls for the selftests of kstallmon");
