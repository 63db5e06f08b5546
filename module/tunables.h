/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one table of tunables. Module parameters, the netlink commands and so
 * `kstallmon get` are made from it; the manual page is tested against it.
 */
#ifndef KST_TUNABLES_H
#define KST_TUNABLES_H

#include <linux/time64.h>
#include <linux/types.h>

/* Softirqs are tasks there, and disabling them disables nothing. */
#ifdef CONFIG_PREEMPT_RT
#define KST_SOFTIRQ_MAX 0
#define KST_SOFTIRQ_DEFAULT 0
#else
#define KST_SOFTIRQ_MAX 60000
#define KST_SOFTIRQ_DEFAULT 50
#endif

#define KST_CPUS_AUTO "auto"

/*
 * KST_TUNABLE(name, unit, min, max, default, help)
 * KST_TUNABLE_TEXT(name, unit, default, help, refusal)
 *
 * @min and @max are literals: error texts are made from them at compile time.
 */
#define KST_TUNABLE_TABLE                                                                     \
	KST_TUNABLE(period, "ms", 1, 1000, 10, "time between the heartbeats of a CPU")        \
	KST_TUNABLE(slack, "us", 0, 1000000, USEC_PER_SEC / HZ,                               \
		    "how much later a heartbeat may come to share an interrupt")              \
	KST_TUNABLE(threshold, "ms", 1, 60000, 20, "lateness of a heartbeat that is a stall") \
	KST_TUNABLE(softirq_threshold, "ms", 0, KST_SOFTIRQ_MAX, KST_SOFTIRQ_DEFAULT,         \
		    "softirqs held off as long are a stall; 0: not watched")                  \
	KST_TUNABLE(sched_threshold, "ms", 0, 60000, 100,                                     \
		    "the scheduler held off as long is a stall; 0: not watched")              \
	KST_TUNABLE(longest_gap, "ms", 1, 10000, 1000,                                        \
		    "longest time between the heartbeats of an idle CPU")                     \
	KST_TUNABLE(log_after, "ms", 0, 3600000, 1000,                                        \
		    "stalls that last longer go to the kernel log; 0: none")                  \
	KST_TUNABLE(history, "events", 16, 16384, 1024, "events kept for later readers")      \
	KST_TUNABLE(rate, "events/s", 0, 10000, 10,                                           \
		    "events told per CPU and type each second; 0: all")                       \
	KST_TUNABLE(zone_interval, "ms", 100, 60000, 1000,                                    \
		    "time between samples of the zones' free memory")                         \
	KST_TUNABLE(zone_dwell, "ms", 0, 600000, 5000,                                        \
		    "how long a zone must stay in a state other than min to be told")         \
	KST_TUNABLE(reclaim_threshold, "ms", 0, 60000, 50,                                    \
		    "a task that reclaims memory as long is told; 0: none")                   \
	KST_TUNABLE(task_interval, "ms", 100, 3600000, 5000,                                  \
		    "time between counts of each process's mappings")                         \
	KST_TUNABLE(task_keep, "processes", 1, 1024, 32,                                      \
		    "processes with the most mappings that are kept for readers")             \
	KST_TUNABLE_TEXT(cpus, "cpulist", KST_CPUS_AUTO,                                      \
			 "CPUs to watch; " KST_CPUS_AUTO                                      \
			 ": all that are neither nohz_full nor isolated",                     \
			 "must be " KST_CPUS_AUTO " or a list of possible CPUs like 0-3,8")

enum kst_tunable_id {
#define KST_TUNABLE(name, ...) KST_T_##name,
#define KST_TUNABLE_TEXT(name, ...) KST_T_##name,
	KST_TUNABLE_TABLE
#undef KST_TUNABLE_TEXT
#undef KST_TUNABLE
		KST_NR_TUNABLES
};

/**
 * struct kst_tunable - a tunable
 * @name: as users spell it
 * @unit: of @min, @max, @def and @value
 * @doc: one line of help
 * @refusal: what to say to a value out of range
 * @min: smallest allowed value
 * @max: largest allowed value
 * @def: value if nobody sets one
 * @value: value in force; read without lock
 * @def_text: if the tunable is text, its default; it has no numbers then
 */
struct kst_tunable {
	const char *name;
	const char *unit;
	const char *doc;
	const char *refusal;
	u32 min;
	u32 max;
	u32 def;
	u32 value;
	const char *def_text;
};

/**
 * struct kst_setting - a tunable and its value to be
 * @id: which
 * @value: not yet checked
 * @text: likewise, if the tunable is text
 */
struct kst_setting {
	enum kst_tunable_id id;
	u64 value;
	const char *text;
};

extern struct kst_tunable kst_tunables[KST_NR_TUNABLES];

/**
 * kst_tunable() - value of a tunable in its unit
 * @id: which
 *
 * Context: any.
 *
 * Return: the value in force.
 */
#define kst_tunable(id) READ_ONCE(kst_tunables[KST_T_##id].value)

int kst_tunables_start(void);
void kst_tunables_stop(void);
struct kst_tunable *kst_tunable_find(const char *name);
int kst_setting_check(const struct kst_setting *setting);
int kst_tunable_text(const struct kst_tunable *tunable, char *buf, size_t size);
int kst_tunables_set(const struct kst_setting *settings, unsigned int nr);

#endif /* KST_TUNABLES_H */
