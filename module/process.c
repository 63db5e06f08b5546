// SPDX-License-Identifier: GPL-2.0
/*
 * Processes one after another, by process id, like readdir of /proc: one that lives throughout is
 * met once, there is no promise of one instant. Nobody is held up but by the moment that task_lock
 * takes; the lock of the mappings themselves is never taken, for a process that hangs may hold it.
 */
#include <linux/cgroup.h>
#include <linux/idr.h>
#include <linux/mm_types.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "process.h"

/*
 * Threads looked at for one that lives. Those that exited before their process are gone from the
 * list, unless a tracer has not waited for them. A process with more of these has no mappings for
 * us: to go on would take too long without a chance to reschedule.
 */
#define KST_THREADS_MAX 1024

/* The leader, or the first thread that has an mm, if there is one. */
static struct task_struct *kst_process_living(struct task_struct *leader)
{
	struct task_struct *thread;
	unsigned int nr = 0;

	if (READ_ONCE(leader->mm))
		return leader;
	for_each_thread(leader, thread) {
		if (READ_ONCE(thread->mm))
			return thread;
		if (++nr == KST_THREADS_MAX)
			break;
	}
	return NULL;
}

/*
 * Whether an mm is this process's own. Processes share one between vfork() and exec, or for good
 * after clone(CLONE_VM). The kernel keeps an owner for memory cgroups, and finds a new one when
 * it exits. Without these, the mm counts for the parent, which leaves siblings that share one.
 */
static bool kst_process_owns(const struct task_struct *task, const struct mm_struct *mm)
{
#ifdef CONFIG_MEMCG
	const struct task_struct *owner = rcu_dereference(mm->owner);

	return !owner || owner->tgid == task->tgid;
#else
	const struct task_struct *parent = rcu_dereference(task->real_parent);

	return parent->tgid == task->tgid || READ_ONCE(parent->mm) != mm;
#endif
}

/**
 * kst_process_step() - look at the next id in use
 * @pid: where to look from, in the initial pid namespace; is set to what comes after the id found
 * @process: is overwritten; its @task stays valid while RCU is held. It is NULL if the id is a
 *	thread's, a kernel thread's or a zombie's, or the process counts under the id of another
 *	with the same mappings
 *
 * Context: task, under rcu_read_lock(). Takes task_lock.
 *
 * Return: false if there are no more ids.
 */
bool kst_process_step(int *pid, struct kst_process *process)
{
	struct task_struct *leader, *task;
	struct mm_struct *mm;
	struct pid *found;

	process->task = NULL;
	found = idr_get_next(&init_pid_ns.idr, pid);
	if (!found)
		return false;
	++*pid;
	leader = pid_task(found, PIDTYPE_TGID);
	if (!leader || leader->flags & PF_KTHREAD)
		return true;
	task = kst_process_living(leader);
	if (!task)
		return true;

	/* Else the mm could go away. */
	task_lock(task);
	mm = task->mm;
	if (mm && kst_process_owns(task, mm)) {
		process->task = task;
		process->count = READ_ONCE(mm->map_count);
	}
	task_unlock(task);
	/* A thread that calls exec takes over its leader's id and start. */
	process->tgid = *pid - 1;
	process->start = leader->start_boottime;
	return true;
}

/**
 * kst_process_task() - name a process
 * @process: as met
 * @task: is overwritten
 *
 * Context: task, in the same RCU section as kst_process_step(). Takes task_lock.
 */
void kst_process_task(const struct kst_process *process, struct kst_task *task)
{
	get_task_comm(task->comm, process->task);
	task->pid = process->tgid;
	task->tgid = process->tgid;
	task->cgroup_id = 0;
#ifdef CONFIG_CGROUPS
	task->cgroup_id = cgroup_id(task_dfl_cgroup(process->task));
#endif
}
