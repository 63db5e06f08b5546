/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Probes for tracepoints whose arguments differ between kernels. The prototype is picked at
 * compile time by what the kernel's headers declare, and one that is not known fails the build.
 */
#ifndef KST_COMPAT_TRACEPOINT_H
#define KST_COMPAT_TRACEPOINT_H

#include <linux/build_bug.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/tracepoint.h>
#include <trace/events/oom.h>
#include <trace/events/sched.h>
#include <trace/events/vmscan.h>

#define KST_PROBE_FITS(event, probe)                                            \
	__builtin_types_compatible_p(typeof(check_trace_callback_type_##event), \
				     void(typeof(probe) *))

#define KST_PROBE_PICK(event, a, b) \
	__builtin_choose_expr(KST_PROBE_FITS(event, a), (void *)(a), (void *)(b))

/*
 * Defines @probe for sched_switch, which calls @handler. An argument was added
 * by "sched/tracing: Append prev_state to tp args instead" (5.19).
 */
#define KST_PROBE_SCHED_SWITCH(probe, handler)                                                   \
	static void __maybe_unused probe##_4(void *data, bool preempt, struct task_struct *prev, \
					     struct task_struct *next)                           \
	{                                                                                        \
		handler();                                                                       \
	}                                                                                        \
	static void __maybe_unused probe##_5(void *data, bool preempt, struct task_struct *prev, \
					     struct task_struct *next, unsigned int state)       \
	{                                                                                        \
		handler();                                                                       \
	}                                                                                        \
	static_assert(KST_PROBE_FITS(sched_switch, probe##_4) ||                                 \
			      KST_PROBE_FITS(sched_switch, probe##_5),                           \
		      "sched_switch has unknown arguments");                                     \
	static void *const probe = KST_PROBE_PICK(sched_switch, probe##_5, probe##_4)

/*
 * Defines @probe for @event, a beginning of reclaim, which calls @handler(order). The arguments
 * changed their order, and one was added, by a change of 7.2.
 */
#define KST_PROBE_RECLAIM_BEGIN(event, probe, handler)                                      \
	static void __maybe_unused probe##_2(void *data, int order, gfp_t gfp)              \
	{                                                                                   \
		handler(order);                                                             \
	}                                                                                   \
	static void __maybe_unused probe##_3(void *data, gfp_t gfp, int order,              \
					     struct mem_cgroup *memcg)                      \
	{                                                                                   \
		handler(order);                                                             \
	}                                                                                   \
	static_assert(KST_PROBE_FITS(event, probe##_2) || KST_PROBE_FITS(event, probe##_3), \
		      #event " has unknown arguments");                                     \
	static void *const probe = KST_PROBE_PICK(event, probe##_3, probe##_2)

/* Defines @probe for @event, an end of reclaim, which calls @handler(pages). See above. */
#define KST_PROBE_RECLAIM_END(event, probe, handler)                                        \
	static void __maybe_unused probe##_1(void *data, unsigned long pages)               \
	{                                                                                   \
		handler(pages);                                                             \
	}                                                                                   \
	static void __maybe_unused probe##_2(void *data, unsigned long pages,               \
					     struct mem_cgroup *memcg)                      \
	{                                                                                   \
		handler(pages);                                                             \
	}                                                                                   \
	static_assert(KST_PROBE_FITS(event, probe##_1) || KST_PROBE_FITS(event, probe##_2), \
		      #event " has unknown arguments");                                     \
	static void *const probe = KST_PROBE_PICK(event, probe##_2, probe##_1)

/*
 * Defines @probe for mm_vmscan_throttled, which calls @handler. It came with "mm/vmscan: throttle
 * reclaim until some writeback completes if congested" (5.16).
 */
#ifdef KST_HAVE_VMSCAN_THROTTLED
#define KST_PROBE_VMSCAN_THROTTLED(probe, handler)                                       \
	static void probe##_4(void *data, int nid, int timeout, int delayed, int reason) \
	{                                                                                \
		handler();                                                               \
	}                                                                                \
	static_assert(KST_PROBE_FITS(mm_vmscan_throttled, probe##_4),                    \
		      "mm_vmscan_throttled has unknown arguments");                      \
	static void *const probe = probe##_4
#else
#define KST_PROBE_VMSCAN_THROTTLED(probe, handler)      \
	static void __maybe_unused probe##_absent(void) \
	{                                               \
		handler();                              \
	}                                               \
	static void *const probe
#endif

/*
 * Defines @probe for mark_victim, which calls @handler(task) under RCU. It was given the process
 * id alone until "mm: update mark_victim tracepoints fields" (6.8 and stable kernels).
 */
#define KST_PROBE_MARK_VICTIM(probe, handler)                                                    \
	static void __maybe_unused probe##_pid(void *data, int pid)                              \
	{                                                                                        \
		struct task_struct *task;                                                        \
		rcu_read_lock();                                                                 \
		task = pid_task(find_pid_ns(pid, &init_pid_ns), PIDTYPE_PID);                    \
		if (task)                                                                        \
			handler(task);                                                           \
		rcu_read_unlock();                                                               \
	}                                                                                        \
	static void __maybe_unused probe##_task(void *data, struct task_struct *task, uid_t uid) \
	{                                                                                        \
		handler(task);                                                                   \
	}                                                                                        \
	static_assert(KST_PROBE_FITS(mark_victim, probe##_pid) ||                                \
			      KST_PROBE_FITS(mark_victim, probe##_task),                         \
		      "mark_victim has unknown arguments");                                      \
	static void *const probe = KST_PROBE_PICK(mark_victim, probe##_task, probe##_pid)

#endif /* KST_COMPAT_TRACEPOINT_H */
