// SPDX-License-Identifier: GPL-2.0
/*
 * Who runs on this CPU right now, and where. In any context, NMI included: no locks.
 */
#include <linux/cgroup.h>
#include <linux/module.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/stacktrace.h>

#include "snapshot.h"

/**
 * kst_snapshot_context() - which code was interrupted
 * @regs: by the interrupt with these registers, NULL if not known
 *
 * Return: enum kstallmon_context.
 */
u32 kst_snapshot_context(struct pt_regs *regs)
{
	if (regs && user_mode(regs))
		return KSTALLMON_CONTEXT_USER;
	/* A softirq on top of the idle task, or an interrupt that an NMI found, is not idle. */
	if (is_idle_task(current) && hardirq_count() <= HARDIRQ_OFFSET && !softirq_count())
		return KSTALLMON_CONTEXT_IDLE;
	return KSTALLMON_CONTEXT_KERNEL;
}

/**
 * kst_snapshot_task() - who a task is
 * @task: is overwritten
 * @p: the task, which does not go away meanwhile
 *
 * Context: any.
 */
void kst_snapshot_task(struct kst_task *task, struct task_struct *p)
{
	/* Not get_task_comm(): its lock may be p's. A torn name is bearable. */
	memcpy(task->comm, p->comm, sizeof(task->comm));
	task->comm[sizeof(task->comm) - 1] = '\0';
	task->pid = p->pid;
	task->tgid = p->tgid;
#ifdef CONFIG_CGROUPS
	rcu_read_lock();
	task->cgroup_id = cgroup_id(task_dfl_cgroup(p));
	rcu_read_unlock();
#endif
}

/* Take over what is in @trace from frame @skip on. */
static void kst_take(struct kst_stack *stack, const unsigned long *trace, unsigned int nr,
		     unsigned int skip)
{
	stack->truncated = nr - skip > KST_FRAMES_MAX || nr == KST_TRACE_LEN;
	stack->nr = min_t(unsigned int, nr - skip, KST_FRAMES_MAX);
	memcpy(stack->entry, trace + skip, stack->nr * sizeof(*trace));
}

/**
 * kst_snapshot_interrupted() - the kernel stack that an interrupt or NMI found
 * @stack: is overwritten; empty if it found no kernel code
 * @trace: KST_TRACE_LEN entries of room, for this context alone
 * @regs: the interrupt's
 */
void kst_snapshot_interrupted(struct kst_stack *stack, unsigned long *trace, struct pt_regs *regs)
{
	unsigned int nr, skip;

	stack->nr = 0;
	stack->truncated = false;
	if (!regs || user_mode(regs))
		return;

	nr = stack_trace_save(trace, KST_TRACE_LEN, 0);
	/* The trace goes through the interrupt; what was interrupted begins at its pc. */
	for (skip = 0; skip < nr; skip++)
		if (trace[skip] == instruction_pointer(regs))
			break;
	stack->pc_first = true;
	nr = kst_snapshot_walk_on(trace, skip, nr, regs);
	if (skip < nr) {
		kst_take(stack, trace, nr, skip);
		return;
	}
	/* The unwinder lost its way: better the pc alone than the interrupt's own frames. */
	stack->entry[0] = instruction_pointer(regs);
	stack->nr = 1;
	stack->truncated = true;
}

/**
 * kst_snapshot_here() - the kernel stack that led here, without this module's own frames
 * @stack: is overwritten
 * @trace: KST_TRACE_LEN entries of room, for this context alone
 */
void kst_snapshot_here(struct kst_stack *stack, unsigned long *trace)
{
	unsigned int nr = stack_trace_save(trace, KST_TRACE_LEN, 0), skip = 0;

	while (skip < nr && within_module(trace[skip], THIS_MODULE))
		skip++;
	stack->pc_first = false;
	kst_take(stack, trace, nr, skip);
}
