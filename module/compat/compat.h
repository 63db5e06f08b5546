/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All that kstallmon knows of differences between kernels. Each wrapper names the
 * upstream change that made it needed, and asks for the thing, not for a version.
 */
#ifndef KST_COMPAT_H
#define KST_COMPAT_H

#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/sched/isolation.h>
#include <linux/thread_info.h>
#include <linux/workqueue.h>
#include <net/genetlink.h>

/* "hrtimers: Introduce hrtimer_setup() to replace hrtimer_init()", 6.13 */
static inline void kst_hrtimer_setup(struct hrtimer *timer,
				     enum hrtimer_restart (*function)(struct hrtimer *),
				     clockid_t clock, enum hrtimer_mode mode)
{
#ifdef KST_HAVE_HRTIMER_SETUP
	hrtimer_setup(timer, function, clock, mode);
#else
	hrtimer_init(timer, clock, mode);
	timer->function = function;
#endif
}

/*
 * An irq_work that runs in hard interrupt context on PREEMPT_RT too. "irq_work: Cleanup" (5.11)
 * gave it an initializer, before that the flag is set by hand.
 */
static inline void kst_irq_work_init_hard(struct irq_work *work, void (*func)(struct irq_work *))
{
#ifdef IRQ_WORK_INIT_HARD
	*work = IRQ_WORK_INIT_HARD(func);
#else
	init_irq_work(work, func);
	atomic_set(&work->flags, IRQ_WORK_HARD_IRQ);
#endif
}

/* "workqueue: Add new WQ_PERCPU flag", 6.17 and stable kernels from 6.12 on */
#ifdef KST_HAVE_WQ_PERCPU
#define KST_WQ_PERCPU WQ_PERCPU
#else
#define KST_WQ_PERCPU 0
#endif

/*
 * Whether the scheduler wants to switch from the current task. With lazy preemption ("sched: Add
 * TIF_NEED_RESCHED_LAZY infrastructure", 6.13, and in PREEMPT_RT's patches before) it first says so
 * in a flag of its own, on which the next tick acts.
 */
static inline bool kst_need_resched(void)
{
#ifdef TIF_NEED_RESCHED_LAZY
	if (test_thread_flag(TIF_NEED_RESCHED_LAZY))
		return true;
#endif
	return test_thread_flag(TIF_NEED_RESCHED);
}

/*
 * Whether a CPU does the kernel's own work: neither nohz_full nor isolated. The types were flags
 * until "sched/isolation: Use single feature type while referring to housekeeping cpumask" (5.18).
 */
static inline bool kst_housekeeping(unsigned int cpu)
{
#ifdef KST_HAVE_HK_TYPE
	return housekeeping_test_cpu(cpu, HK_TYPE_TICK) &&
	       housekeeping_test_cpu(cpu, HK_TYPE_DOMAIN);
#else
	return housekeeping_test_cpu(cpu, HK_FLAG_TICK) &&
	       housekeeping_test_cpu(cpu, HK_FLAG_DOMAIN);
#endif
}

/* "genetlink: add struct genl_info to struct genl_dumpit_info", 6.6 */
static inline struct nlattr **kst_genl_dump_attrs(struct netlink_callback *cb)
{
#ifdef KST_HAVE_GENL_INFO_DUMP
	return genl_info_dump(cb)->attrs;
#else
	return genl_dumpit_info(cb)->attrs;
#endif
}

/*
 * Initializer of a multicast group that only CAP_SYS_ADMIN may join: a bit of its own until
 * "genetlink: Use internal flags for multicast groups" (also in stable kernels). Where the macro
 * is missing, the flag's bit would compile and protect nothing. Kbuild.include refuses kernels
 * that have neither.
 */
#ifdef GENL_MCAST_CAP_SYS_ADMIN
#define KST_GENL_MCGRP_SYS_ADMIN .flags = GENL_MCAST_CAP_SYS_ADMIN
#else
#define KST_GENL_MCGRP_SYS_ADMIN .cap_sys_admin = 1
#endif

/*
 * The text of an extack, chosen at run time: NL_SET_ERR_MSG() wants a literal and
 * NL_SET_ERR_MSG_FMT() came with 6.2. @msg must outlive the request.
 */
static inline void kst_extack_msg(struct netlink_ext_ack *extack, const struct nlattr *attr,
				  const char *msg)
{
	if (!extack)
		return;
	extack->_msg = msg;
	if (attr)
		NL_SET_BAD_ATTR(extack, attr);
}

#ifdef CONFIG_X86_LOCAL_APIC
#include <asm/apic.h>
#include <asm/irq_vectors.h>

/* The call became a static one with "x86/apic: Turn on static calls" (6.6). */
static inline void kst_send_nmi(unsigned int cpu)
{
#ifdef KST_HAVE_APIC_STATIC_CALLS
	__apic_send_IPI_mask(cpumask_of(cpu), NMI_VECTOR);
#else
	apic->send_IPI_mask(cpumask_of(cpu), NMI_VECTOR);
#endif
}
#endif

#endif /* KST_COMPAT_H */
