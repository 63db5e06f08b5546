/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Probes for tracepoints whose arguments differ between kernels. The prototype is picked at
 * compile time by what the kernel's headers declare, and one that is not known fails the build.
 */
#ifndef KST_COMPAT_TRACEPOINT_H
#define KST_COMPAT_TRACEPOINT_H

#include <linux/build_bug.h>
#include <linux/tracepoint.h>
#include <trace/events/sched.h>

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

#endif /* KST_COMPAT_TRACEPOINT_H */
