/* SPDX-License-Identifier: GPL-2.0 */
#ifndef INJECT_H
#define INJECT_H

#include <linux/types.h>

struct dentry;
struct task_struct;

/**
 * struct inject_order - a stall that is wanted
 * @cpu: the CPU; whoever causes the stall runs there and stays
 * @ns: how long
 * @steal: share of the stall's length that counts as stolen from the CPU, in percent
 * @steal_late: whether it is accounted after the stall
 * @after_tick: whether it begins soon after a tick
 * @competitor: a sleeping task of @cpu, of a higher priority or not, for kinds that want one
 */
struct inject_order {
	unsigned int cpu;
	u64 ns;
	unsigned int steal;
	bool steal_late;
	bool after_tick;
	struct task_struct *competitor;
};

/**
 * struct inject_truth - a stall as it was
 * @actual: its length in ns
 * @unticked: the longest time in it without a tick of the CPU, in ns
 */
struct inject_truth {
	u64 actual;
	u64 unticked;
};

/**
 * struct inject_kind - a way to stall
 * @name: as requested
 * @stall: causes one stall
 * @competes: wants a competitor
 * @fair: that one has no priority over others
 * @endless: never comes back, and takes no length
 */
struct inject_kind {
	const char *name;
	struct inject_truth (*stall)(const struct inject_order *order);
	bool competes;
	bool fair;
	bool endless;
};

const struct inject_kind *inject_kind(const char *name);
void inject_after_tick(unsigned int cpu);
void inject_steal(const struct inject_order *order, u64 stalled);

void inject_starve_init(struct dentry *dir);
void inject_starve_exit(void);

#endif /* INJECT_H */
