/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_WATCHED_H
#define KST_WATCHED_H

#include <linux/cpumask.h>
#include <linux/types.h>

#define KST_CPUS_MAX 1023 /* length of a list */

extern struct cpumask kst_watched_mask;
extern bool kst_watched_paused;

/**
 * kst_watched() - whether a CPU is to be watched
 * @cpu: which
 *
 * Context: any.
 *
 * Return: true or false.
 */
static inline bool kst_watched(unsigned int cpu)
{
	return cpumask_test_cpu(cpu, &kst_watched_mask) && likely(!READ_ONCE(kst_watched_paused));
}

int kst_watched_check(const char *list);
void kst_watched_set(const char *list, bool live);
const char *kst_watched_get(void);

int kst_watched_init(void);
void kst_watched_exit(void);

#endif /* KST_WATCHED_H */
