// SPDX-License-Identifier: GPL-2.0
/*
 * A sweep over all processes counts the mappings of each, in slices with a chance to reschedule
 * after each. Nothing is allocated for it but when task_keep has changed.
 *
 * Events need a state to be remembered. Of more than KST_NEAR_MAX processes near their limit at
 * once the rest is not told of, and counted; the answers of dumps have their states all the same.
 */
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "eventlog.h"
#include "kept.h"
#include "max_map_count.h"
#include "process.h"
#include "sampler.h"
#include "tasks.h"
#include "tracked.h"
#include "tunables.h"

/*
 * A slice ends after either, the time being asked for after so many ids. It leaves room below the
 * 200 us that are allowed for interrupts, which add to it.
 */
#define KST_SLICE_PIDS 256
#define KST_SLICE_NS 50000
#define KST_SLICE_ASK 8

/* So many steps of what follows a sweep are done between two chances to reschedule. */
#define KST_SLICE_STEPS 16

/* Growth looks back as many intervals. */
#define KST_GROWTH_INTERVALS 3

/* What the rate limit refused is tried again when it begins to count anew. */
#define KST_RETRY_MS 1000

/**
 * struct kst_sweep - a sweep under way
 * @pid: where it is
 * @keep: how many of the highest to keep
 * @limit: vm.max_map_count, 0 if it could not be read
 * @window: see kst_growth_add()
 * @number: the sweep's own
 * @tasks: processes met
 * @untracked: of those near the limit, those that there was no room to remember
 * @tell: whose new state kst_tasks_rec tells; NULL if there is nothing to tell
 * @refused: the rate limit let no more events pass
 * @since: end of the last chance to reschedule
 * @switches: of this task until then
 * @worked: time until then
 * @longest: longest time without a chance
 */
struct kst_sweep {
	int pid;
	u32 keep;
	u32 limit;
	u64 window;
	u32 number;
	u32 tasks;
	u64 untracked;
	struct kst_tracked *tell;
	bool refused;
	u64 since;
	unsigned long switches;
	u64 worked;
	u64 longest;
};

static u32 kst_tasks_sweep(void);
static struct kst_sampler kst_tasks_sampler = { .sample = kst_tasks_sweep };

/* Protects all down to the next empty line. */
static DEFINE_MUTEX(kst_tasks_lock);
static struct kst_kept kst_tasks_last; /* the highest of the last complete sweep */
static u32 kst_tasks_number; /* of that sweep, 0 if there was none */
static struct kst_tasks_stats kst_tasks_seen;

/* The sweep's own. */
static struct kst_kept kst_tasks_building;
static struct kst_logged *kst_tasks_rec;

static unsigned long kst_sweep_switches(void)
{
	return current->nvcsw + current->nivcsw;
}

/* A task that was switched had a chance, and the time is not all its own. */
static void kst_sweep_pause(struct kst_sweep *sweep)
{
	u64 worked = ktime_get_ns() - sweep->since;

	sweep->worked += worked;
	if (sweep->switches == kst_sweep_switches())
		sweep->longest = max(sweep->longest, worked);
	cond_resched();
	sweep->switches = kst_sweep_switches();
	sweep->since = ktime_get_ns();
}

/* @tracked: what is remembered of the process, NULL: nothing. */
static void kst_vma_fill(struct kst_vma *vma, u32 count, u32 limit,
			 const struct kst_tracked *tracked)
{
	memset(vma, 0, sizeof(*vma));
	vma->count = count;
	vma->limit = limit;
	if (limit)
		vma->state = kst_vma_state(count, limit,
					   tracked ? tracked->state : KSTALLMON_VMA_STATE_OK);
	if (!tracked || !kst_growth_known(&tracked->growth))
		return;
	vma->grows = true;
	vma->growth = tracked->growth.rate;
	vma->time_to_limit = kst_time_to_limit(count, limit, vma->growth);
}

static void kst_sweep_keep(struct kst_sweep *sweep, const struct kst_process *process,
			   const struct kst_tracked *tracked)
{
	struct kst_counted *rec =
		kst_kept_take(&kst_tasks_building, sweep->keep, process->tgid, process->count);

	if (!rec)
		return;
	kst_process_task(process, &rec->task);
	kst_vma_fill(&rec->vma, process->count, sweep->limit, tracked);
	rec->start = process->start;
	rec->time_boot = ktime_get_boottime_ns();
}

/* Find out a process's state, and remember it unless it is ok. */
static struct kst_tracked *kst_sweep_track(struct kst_sweep *sweep,
					   const struct kst_process *process)
{
	struct kst_tracked *tracked = kst_tracked_find(process->tgid, process->start);
	u32 state = tracked ? tracked->state : KSTALLMON_VMA_STATE_OK;
	u64 now;

	if (sweep->limit)
		state = kst_vma_state(process->count, sweep->limit, state);
	if (!tracked && state == KSTALLMON_VMA_STATE_OK)
		return NULL;
	now = ktime_get_boottime_ns();
	if (!tracked)
		tracked = kst_tracked_add(process->tgid, process->start, process->count, now);
	if (!tracked) {
		sweep->untracked++;
		return NULL;
	}
	kst_tracked_count(tracked, state, process->count, now, sweep->window);
	tracked->met = sweep->number;
	return tracked;
}

static void kst_sweep_meet(struct kst_sweep *sweep, const struct kst_process *process)
{
	struct kst_tracked *tracked = kst_sweep_track(sweep, process);
	struct kst_event *ev = &kst_tasks_rec->ev;

	sweep->tasks++;
	kst_sweep_keep(sweep, process, tracked);
	if (!tracked || !sweep->limit || tracked->state == tracked->told || sweep->refused)
		return;
	kst_event_begin(ev, KSTALLMON_EVENT_TYPE_VMA_STATE, KST_NO_CPU);
	kst_process_task(process, &ev->task);
	kst_vma_fill(&ev->vma, process->count, sweep->limit, tracked);
	ev->vma.before = tracked->told;
	sweep->tell = tracked;
}

/* Return: false if there are no more processes. */
static bool kst_sweep_slice(struct kst_sweep *sweep)
{
	struct kst_process process;
	unsigned int nr;
	bool more = true;

	rcu_read_lock();
	for (nr = 1; nr <= KST_SLICE_PIDS && !sweep->tell; nr++) {
		more = kst_process_step(&sweep->pid, &process);
		if (!more)
			break;
		if (process.task)
			kst_sweep_meet(sweep, &process);
		if (nr % KST_SLICE_ASK == 0 && ktime_get_ns() - sweep->since > KST_SLICE_NS)
			break;
	}
	rcu_read_unlock();
	return more;
}

/* A state that the rate limit does not let pass is told later, if it still differs then. */
static void kst_sweep_tell(struct kst_sweep *sweep)
{
	if (!sweep->tell)
		return;
	if (kst_eventlog_tell(kst_tasks_rec))
		sweep->tell->told = kst_tasks_rec->ev.vma.state;
	else
		sweep->refused = true;
	sweep->tell = NULL;
	kst_sweep_pause(sweep);
}

/* The highest are remembered for their growth; forgetting others before makes room. */
static void kst_sweep_remember(struct kst_sweep *sweep)
{
	struct kst_kept *kept = &kst_tasks_building;
	struct kst_tracked *tracked;
	unsigned int cursor = 0;
	u32 i;

	for (i = 0; i < kept->nr; i++) {
		tracked = kst_tracked_find(kept->rec[i].task.tgid, kept->rec[i].start);
		if (tracked)
			tracked->kept = sweep->number;
		if (i % KST_SLICE_STEPS == 0)
			kst_sweep_pause(sweep);
	}
	while (kst_tracked_forget(&cursor, sweep->number))
		if (cursor % KST_SLICE_STEPS == 0)
			kst_sweep_pause(sweep);
	for (i = 0; i < kept->nr; i++) {
		const struct kst_counted *rec = &kept->rec[i];

		if (!kst_tracked_find(rec->task.tgid, rec->start))
			kst_tracked_add(rec->task.tgid, rec->start, rec->vma.count, rec->time_boot);
		if (i % KST_SLICE_STEPS == 0)
			kst_sweep_pause(sweep);
	}
}

static void kst_sweep_publish(struct kst_sweep *sweep)
{
	struct kst_tasks_stats *seen = &kst_tasks_seen;

	mutex_lock(&kst_tasks_lock);
	swap(kst_tasks_last, kst_tasks_building);
	kst_tasks_number = sweep->number;
	seen->limit = sweep->limit;
	seen->sweeps++;
	seen->sweep_time = sweep->worked;
	seen->sweep_tasks = sweep->tasks;
	seen->slice_longest = max(seen->slice_longest, sweep->longest);
	seen->untracked += sweep->untracked;
	mutex_unlock(&kst_tasks_lock);
}

static size_t kst_kept_memory(const struct kst_kept *kept)
{
	return kept->room * (sizeof(*kept->rec) + sizeof(*kept->order));
}

/* Return: how many of the highest there is room for now. */
static u32 kst_tasks_room(u32 keep)
{
	struct kst_kept kept;

	if (keep != kst_tasks_building.room && !kst_tracked_room(keep) &&
	    !kst_kept_alloc(&kept, keep)) {
		kst_kept_free(&kst_tasks_building);
		kst_tasks_building = kept;
	}
	kst_kept_clear(&kst_tasks_building);

	mutex_lock(&kst_tasks_lock);
	kst_tasks_seen.memory = kst_kept_memory(&kst_tasks_building) +
				kst_kept_memory(&kst_tasks_last) + kst_tracked_memory() +
				kst_logged_room(KSTALLMON_EVENT_TYPE_VMA_STATE);
	mutex_unlock(&kst_tasks_lock);
	return min(keep, kst_tasks_building.room);
}

static u32 kst_tasks_sweep(void)
{
	u32 interval = kst_tunable(task_interval);
	struct kst_sweep sweep = {
		.pid = 1,
		.keep = kst_tasks_room(kst_tunable(task_keep)),
		.number = kst_tasks_number + 1 ?: 1,
		.window = (u64)interval * KST_GROWTH_INTERVALS * NSEC_PER_MSEC,
	};
	bool more;

	sweep.switches = kst_sweep_switches();
	sweep.since = ktime_get_ns();
	sweep.limit = kst_max_map_count(kst_tasks_seen.limit);
	kst_sweep_pause(&sweep);
	do {
		more = kst_sweep_slice(&sweep);
		kst_sweep_pause(&sweep);
		kst_sweep_tell(&sweep);
	} while (more);

	kst_sweep_remember(&sweep);
	while (kst_kept_sort(&kst_tasks_building, KST_SLICE_STEPS))
		kst_sweep_pause(&sweep);
	kst_sweep_pause(&sweep);
	kst_sweep_publish(&sweep);

	return sweep.refused ? min_t(u32, interval, KST_RETRY_MS) : interval;
}

/**
 * kst_tasks_retune() - begin a sweep at once, and keep to task_interval as it is now
 *
 * Context: task, may sleep; any time.
 */
void kst_tasks_retune(void)
{
	kst_sampler_within(&kst_tasks_sampler, 0);
}

/**
 * kst_tasks_stats() - what the sweeps have seen
 * @st: is overwritten
 *
 * Context: task, may sleep; any time.
 */
void kst_tasks_stats(struct kst_tasks_stats *st)
{
	mutex_lock(&kst_tasks_lock);
	*st = kst_tasks_seen;
	mutex_unlock(&kst_tasks_lock);
}

/**
 * kst_tasks_kept() - one of the processes with the most mappings
 * @nr: which, from 0 on; the one with the most comes first
 * @counted: is overwritten, if there is one
 * @sweep: is set to the number of the sweep that they are of; 0 before the first was complete
 *
 * Context: task, may sleep; any time.
 *
 * Return: whether there is one.
 */
bool kst_tasks_kept(unsigned int nr, struct kst_counted *counted, u32 *sweep)
{
	bool found;

	mutex_lock(&kst_tasks_lock);
	*sweep = kst_tasks_number;
	found = nr < kst_tasks_last.nr;
	if (found)
		*counted = kst_tasks_last.rec[kst_tasks_last.order[nr]];
	mutex_unlock(&kst_tasks_lock);
	return found;
}

/* Return: false if there are no more processes; @counted is left alone if none was found yet. */
static bool kst_tasks_next_slice(int *pid, u32 limit, struct kst_counted *counted, bool *found)
{
	struct kst_tracked tracked;
	struct kst_process process;
	unsigned int nr;
	bool more = true;

	rcu_read_lock();
	for (nr = 0; nr < KST_SLICE_PIDS && !*found; nr++) {
		more = kst_process_step(pid, &process);
		if (!more)
			break;
		if (!process.task)
			continue;
		kst_process_task(&process, &counted->task);
		kst_vma_fill(&counted->vma, process.count, limit,
			     kst_tracked_get(process.tgid, process.start, &tracked) ? &tracked :
										      NULL);
		counted->start = process.start;
		*found = true;
	}
	rcu_read_unlock();
	return more;
}

/**
 * kst_tasks_next() - find a process and count its mappings, now
 * @tgid: the lowest id wanted; is set to that found
 * @counted: is overwritten, if there is one
 *
 * Context: task, may sleep; any time.
 *
 * Return: false if there is none.
 */
bool kst_tasks_next(u32 *tgid, struct kst_counted *counted)
{
	struct kst_tasks_stats st;
	bool found = false;
	int pid = max(*tgid, 1U);

	if (*tgid > PID_MAX_LIMIT)
		return false;
	kst_tasks_stats(&st);
	while (kst_tasks_next_slice(&pid, st.limit, counted, &found) && !found)
		cond_resched();
	if (!found)
		return false;
	counted->time_boot = ktime_get_boottime_ns();
	*tgid = counted->task.tgid;
	return true;
}

/* There is no sweep, or none any more. */
static void kst_tasks_free(void)
{
	mutex_lock(&kst_tasks_lock);
	kst_kept_free(&kst_tasks_last);
	kst_tasks_number = 0;
	memset(&kst_tasks_seen, 0, sizeof(kst_tasks_seen));
	mutex_unlock(&kst_tasks_lock);
	kst_kept_free(&kst_tasks_building);
	kst_tracked_exit();
	kfree(kst_tasks_rec);
	kst_tasks_rec = NULL;
	kst_max_map_count_close();
}

/**
 * kst_tasks_init() - begin to sweep
 *
 * Context: task, may sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int kst_tasks_init(void)
{
	u32 keep = kst_tunable(task_keep);

	kst_tasks_rec = kzalloc(kst_logged_room(KSTALLMON_EVENT_TYPE_VMA_STATE), GFP_KERNEL);
	if (!kst_tasks_rec || kst_kept_alloc(&kst_tasks_last, keep) || !kst_tasks_room(keep)) {
		kst_tasks_free();
		return -ENOMEM;
	}
	kst_max_map_count_open();
	kst_sampler_start(&kst_tasks_sampler, 0);
	return 0;
}

/**
 * kst_tasks_exit() - sweep no more
 *
 * Context: task, may sleep; kst_tasks_init() has succeeded.
 */
void kst_tasks_exit(void)
{
	kst_sampler_stop(&kst_tasks_sampler);
	kst_tasks_free();
}
