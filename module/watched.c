// SPDX-License-Identifier: GPL-2.0
/*
 * Which CPUs are watched: those that the tunable cpus names, and none while the machine suspends.
 * CPUs that are to begin are told so; those that are to stop notice at their next beat. Nobody
 * waits for them, for one of them may be stalled.
 */
#include <linux/cpu.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/suspend.h>

#include "compat/compat.h"
#include "heartbeat.h"
#include "tunables.h"
#include "watched.h"

struct cpumask kst_watched_mask;
bool kst_watched_paused;

/* The list in force, as it was given. The tunables' mutex protects it. */
static char kst_watched_list[KST_CPUS_MAX + 1] = KST_CPUS_AUTO;

static int kst_watched_parse(const char *list, struct cpumask *mask)
{
	unsigned int cpu;
	int err;

	if (strcmp(list, KST_CPUS_AUTO)) {
		/* The parser stops there, whatever follows. */
		if (strchr(list, '\n'))
			return -EINVAL;
		err = cpulist_parse(list, mask);
		if (err)
			return -EINVAL;
		return !cpumask_empty(mask) && cpumask_subset(mask, cpu_possible_mask) ? 0 :
											 -EINVAL;
	}
	cpumask_clear(mask);
	for_each_possible_cpu(cpu)
		if (kst_housekeeping(cpu))
			cpumask_set_cpu(cpu, mask);
	return 0;
}

/**
 * kst_watched_check() - whether a text is a list of CPUs to watch
 * @list: the text
 *
 * Return: 0, -EINVAL, or -ENOMEM.
 */
int kst_watched_check(const char *list)
{
	cpumask_var_t mask;
	int err;

	if (strlen(list) > KST_CPUS_MAX)
		return -EINVAL;
	if (!alloc_cpumask_var(&mask, GFP_KERNEL))
		return -ENOMEM;
	err = kst_watched_parse(list, mask);
	free_cpumask_var(mask);
	return err;
}

static void kst_watched_tell(void)
{
	unsigned int cpu;

	cpus_read_lock();
	for_each_online_cpu(cpu)
		kst_heartbeat_kick(cpu);
	cpus_read_unlock();
}

/**
 * kst_watched_set() - set which CPUs are watched
 * @list: as checked
 * @live: whether there are hearts already
 *
 * Context: task, one at a time (the tunables' mutex).
 */
void kst_watched_set(const char *list, bool live)
{
	static struct cpumask mask;

	if (list != kst_watched_list)
		strscpy(kst_watched_list, list, sizeof(kst_watched_list));
	kst_watched_parse(list, &mask);
	cpumask_copy(&kst_watched_mask, &mask);
	if (live)
		kst_watched_tell();
}

/**
 * kst_watched_get() - the list in force
 *
 * Context: the tunables' mutex is held.
 *
 * Return: the list as it was given.
 */
const char *kst_watched_get(void)
{
	return kst_watched_list;
}

/*
 * While the machine goes to sleep and wakes, its CPUs go through firmware, with interrupts off and
 * clocks that stand still or do not. None of that is a stall.
 */
static int kst_watched_pm(struct notifier_block *block, unsigned long event, void *unused)
{
	switch (event) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		WRITE_ONCE(kst_watched_paused, true);
		break;
	case PM_POST_SUSPEND:
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE:
		WRITE_ONCE(kst_watched_paused, false);
		kst_watched_tell();
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block kst_watched_block = {
	.notifier_call = kst_watched_pm,
};

/**
 * kst_watched_init() - pause while the machine sleeps
 *
 * Return: 0 or a negative errno.
 */
int kst_watched_init(void)
{
	return register_pm_notifier(&kst_watched_block);
}

/**
 * kst_watched_exit() - watch no CPU any more
 */
void kst_watched_exit(void)
{
	unregister_pm_notifier(&kst_watched_block);
}
