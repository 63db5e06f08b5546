// SPDX-License-Identifier: GPL-2.0
/*
 * Lets the worker that tells events get no memory for its messages, as if there was none. The
 * kernel asks should_failslab() before each allocation, so that developers can let some fail; it
 * does on stock kernels too, up to 6.10.
 */
#include <linux/atomic.h>
#include <linux/debugfs.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/mutex.h>
#include <linux/ptrace.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "inject.h"

#define INJECT_WORKER "kst_eventlog_work"

static atomic_t inject_starve_left;
static DEFINE_MUTEX(inject_starve_lock); /* protects below */
static bool inject_starve_on;

static int inject_starve_asked(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct work_struct *work = current_work();
	char name[sizeof(INJECT_WORKER) + 1];

	if (!work || atomic_read(&inject_starve_left) <= 0)
		return 0;
	snprintf(name, sizeof(name), "%ps", work->func);
	if (str_has_prefix(name, INJECT_WORKER) && atomic_dec_if_positive(&inject_starve_left) >= 0)
		regs_set_return_value(regs, -ENOMEM);
	return 0;
}

static struct kretprobe inject_starve_probe = {
	.kp.symbol_name = "should_failslab",
	.handler = inject_starve_asked,
};

static int inject_starve_set(void *unused, u64 nr)
{
	int err = 0;

	if (nr > INT_MAX)
		return -ERANGE;
	mutex_lock(&inject_starve_lock);
	if (nr && !inject_starve_on) {
		err = register_kretprobe(&inject_starve_probe);
		inject_starve_on = !err;
	} else if (!nr && inject_starve_on) {
		unregister_kretprobe(&inject_starve_probe);
		/* It may be registered again. */
		inject_starve_probe.kp.addr = NULL;
		inject_starve_probe.kp.flags = 0;
		inject_starve_on = false;
	}
	if (!err)
		atomic_set(&inject_starve_left, nr);
	mutex_unlock(&inject_starve_lock);
	return err;
}

static int inject_starve_get(void *unused, u64 *nr)
{
	*nr = atomic_read(&inject_starve_left);
	return 0;
}

DEFINE_DEBUGFS_ATTRIBUTE(inject_starve_fops, inject_starve_get, inject_starve_set, "%llu\n");

/**
 * inject_starve_init() - offer it
 * @dir: where in debugfs
 */
void inject_starve_init(struct dentry *dir)
{
	debugfs_create_file_unsafe("starve", 0600, dir, NULL, &inject_starve_fops);
}

/**
 * inject_starve_exit() - let all have memory; the file is gone
 */
void inject_starve_exit(void)
{
	inject_starve_set(NULL, 0);
}
