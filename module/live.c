// SPDX-License-Identifier: GPL-2.0
/*
 * Stalls while they last. A stalled CPU cannot speak for itself, so each beat looks at the next
 * CPU's heart, past those that beat seldom or are known to be stalled, to the first that watches
 * on itself. One living CPU is enough to tell of all others.
 *
 * A CPU whose beat is overdue is claimed by whoever sees it first, and asked for its stack by NMI.
 * The handler there fills the slot; whoever looks next tells the beginning. Where the CPU's own
 * beats find the stall (softirq, sched) they fill the slot themselves: this CPU's worker may be
 * what is held up.
 *
 * All hangs on one word for each slot, whose number grows when the stall ends. That is for the
 * stalled CPU alone to say: a watcher's compare and exchange then fails.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/printk.h>

#include "eventlog.h"
#include "live.h"
#include "tunables.h"

/* A number ends where the CPU's begins in a stall's id. */
#define KST_LIVE_ID_BITS 40

struct kst_heart __percpu *kst_hearts;

static u64 kst_live_id(const struct kst_heart *heart, enum kst_live_nr nr, s64 state)
{
	u64 number = ((u64)state / (KST_LIVE_FLAGS + 1)) * KST_NR_LIVE + nr;

	return (u64)heart->cpu << KST_LIVE_ID_BITS |
	       (number & GENMASK_ULL(KST_LIVE_ID_BITS - 1, 0));
}

/*
 * Since when a stall has lasted. A late beat's latest time says so itself, and unlike a copy of it
 * made by who claimed the stall it cannot be that of another stall.
 */
static u64 kst_live_since(const struct kst_heart *target, enum kst_live_nr nr)
{
	return nr == KST_LIVE_HARD ? READ_ONCE(target->latest) : target->live[nr].since;
}

/* Make a record of the stall in slot @nr of @target, as its flags say it is. */
static void kst_live_record(struct kst_record *rec, const struct kst_heart *target,
			    enum kst_live_nr nr, s64 state, u32 type, u64 now)
{
	const struct kst_live *live = &target->live[nr];
	u64 since = kst_live_since(target, nr);

	kst_record_begin(rec, type, target->cpu);
	rec->ev.stall.kind = nr == KST_LIVE_HARD ? KSTALLMON_STALL_KIND_IRQ : live->kind;
	rec->ev.stall.id = kst_live_id(target, nr, state);
	rec->ev.stall.watcher = smp_processor_id();
	rec->ev.stall.duration_min = now > since ? now - since : 0;
	if (state & KST_LIVE_STACK) {
		rec->ev.stall.context = live->context;
		rec->ev.task = live->task;
		rec->stack[KST_STACK_LIVE] = live->stack;
	}
}

/*
 * Tell the beginning, or write the line. If it would not get through it waits for a later look:
 * of a CPU that is stalled for good, there will be no other word.
 */
static void kst_live_tell(struct kst_heart *heart, struct kst_heart *target, enum kst_live_nr nr,
			  s64 state, u32 type, u64 now)
{
	struct kst_live *live = &target->live[nr];
	struct kst_record *rec = &heart->telling;

	if (!kst_eventlog_room(type)) {
		if (type && !(state & KST_LIVE_HELD_BACK))
			atomic64_cmpxchg(&live->state, state, state | KST_LIVE_HELD_BACK);
		return;
	}
	/* Copied first: if the word has not changed until then, the copy is sound. */
	kst_live_record(rec, target, nr, state, type, now);
	if (atomic64_cmpxchg(&live->state, state,
			     state | (type ? KST_LIVE_TOLD : KST_LIVE_LOGGED)) == state)
		kst_eventlog_post(rec, rec->ev.stall.duration_min);
}

/* See to a stall that somebody has claimed. */
static void kst_live_see(struct kst_heart *heart, struct kst_heart *target, enum kst_live_nr nr,
			 s64 state, u64 now)
{
	u64 log_after = (u64)kst_tunable(log_after) * NSEC_PER_MSEC;
	u64 since = kst_live_since(target, nr);

	/* It beats again: the stall is over, though its number has not grown yet. */
	if (!(state & KST_LIVE_ASKED) || since == KST_NEVER)
		return;

	/* An NMI on its way from the stall before may have come for this one, and too early. */
	if (nr == KST_LIVE_HARD && !(state & KST_LIVE_STACK))
		kst_live_arch_ask(target);

	if (!(state & KST_LIVE_TOLD) &&
	    (state & KST_LIVE_STACK ||
	     now >= READ_ONCE(target->live[nr].asked) + KST_LIVE_PATIENCE_NS))
		kst_live_tell(heart, target, nr, state, KSTALLMON_EVENT_TYPE_STALL_BEGIN, now);
	else if (!(state & KST_LIVE_LOGGED) && log_after && now >= since + log_after)
		kst_live_tell(heart, target, nr, state, 0, now);
}

/*
 * The beat of @target is overdue: claim it, and ask it for its stack. It may beat this moment: it
 * withdraws its latest time before it looks for a claim, and here it is the other way round, so
 * that one of the two sees the other.
 */
static void kst_live_claim(struct kst_heart *target, s64 state, u64 latest, u64 now)
{
	struct kst_live *live = &target->live[KST_LIVE_HARD];
	s64 claimed = state | KST_LIVE_CLAIMED;

	if (atomic64_cmpxchg(&live->state, state, claimed) != state)
		return;
	if (READ_ONCE(target->latest) != latest) {
		atomic64_cmpxchg(&live->state, claimed, state);
		return;
	}
	WRITE_ONCE(live->asked, now);
	if (atomic64_cmpxchg_release(&live->state, claimed, claimed | KST_LIVE_ASKED) == claimed)
		kst_live_arch_ask(target);
}

/* Look at one CPU. Return: whether something is wrong with it. */
static bool kst_live_look(struct kst_heart *heart, struct kst_heart *target, u64 now)
{
	u64 threshold = (u64)kst_tunable(threshold) * NSEC_PER_MSEC;
	s64 soft = atomic64_read_acquire(&target->live[KST_LIVE_SOFT].state);
	s64 hard = atomic64_read_acquire(&target->live[KST_LIVE_HARD].state);
	u64 latest;

	if (unlikely(soft & KST_LIVE_CLAIMED))
		kst_live_see(heart, target, KST_LIVE_SOFT, soft, now);
	if (unlikely(hard & KST_LIVE_CLAIMED)) {
		kst_live_see(heart, target, KST_LIVE_HARD, hard, now);
		return true;
	}
	latest = READ_ONCE(target->latest);
	if (unlikely(now > latest + threshold)) {
		kst_live_claim(target, hard, latest, now);
		return true;
	}
	return soft & KST_LIVE_CLAIMED;
}

/**
 * kst_live_watch_others() - kst_live_watch() where there are others
 * @heart: this CPU's
 * @now: CLOCK_MONOTONIC
 *
 * Return: as told there.
 */
bool kst_live_watch_others(struct kst_heart *heart, u64 now)
{
	unsigned int cpu = heart->cpu, others;
	bool trouble = false;

	/* Not for_each_cpu_wrap(), which searches once more for where it begins. */
	for (others = num_online_cpus() - 1; others; others--) {
		struct kst_heart *target;
		u32 state;

		cpu = cpumask_next(cpu, cpu_online_mask);
		if (cpu >= nr_cpu_ids)
			cpu = cpumask_first(cpu_online_mask);
		if (cpu == heart->cpu)
			continue; /* one has gone offline meanwhile */
		target = per_cpu_ptr(kst_hearts, cpu);
		state = READ_ONCE(target->state);
		if (state > KSTALLMON_CPU_STATE_BACKED_OFF)
			continue;
		if (unlikely(kst_live_look(heart, target, now)))
			trouble = true;
		else if (state != KSTALLMON_CPU_STATE_BACKED_OFF)
			break;
	}
	return trouble;
}

/**
 * kst_live_own() - this CPU's beat found a stall that lasts
 * @heart: this CPU's
 * @kind: enum kstallmon_stall_kind
 * @since: it has lasted since then at least, CLOCK_MONOTONIC
 * @regs: of the interrupt
 *
 * Context: hard interrupt.
 */
void kst_live_own(struct kst_heart *heart, u32 kind, u64 since, struct pt_regs *regs)
{
	struct kst_live *live = &heart->live[KST_LIVE_SOFT];
	s64 state = atomic64_read(&live->state);

	if (state & KST_LIVE_CLAIMED)
		return;
	live->kind = kind;
	live->since = since;
	live->context = kst_snapshot_context(regs);
	kst_snapshot_task(&live->task, current);
	kst_snapshot_interrupted(&live->stack, heart->trace, regs);
	/* Others touch a slot only once it is claimed. */
	atomic64_set_release(&live->state,
			     state | KST_LIVE_CLAIMED | KST_LIVE_ASKED | KST_LIVE_STACK);
}

/**
 * kst_live_drop() - a stall of this CPU was none
 * @heart: this CPU's
 * @nr: its slot
 *
 * Context: hard interrupt.
 *
 * Return: false if its beginning was told, so that its end must be.
 */
bool kst_live_drop(struct kst_heart *heart, enum kst_live_nr nr)
{
	struct kst_live *live = &heart->live[nr];
	s64 state = atomic64_read(&live->state);

	do {
		if (state & KST_LIVE_TOLD)
			return false;
	} while (!atomic64_try_cmpxchg(&live->state, &state, (state | KST_LIVE_FLAGS) + 1));
	return true;
}

/**
 * kst_live_fill() - an NMI came that this CPU was sent for its stack
 * @heart: this CPU's
 * @regs: of the NMI
 *
 * If the stall is over, nobody wants the stack any more. Context: NMI.
 */
void kst_live_fill(struct kst_heart *heart, struct pt_regs *regs)
{
	struct kst_live *live = &heart->live[KST_LIVE_HARD];
	s64 state = atomic64_read(&live->state), seen;

	if (!(state & KST_LIVE_ASKED) || state & KST_LIVE_STACK)
		return;
	live->context = kst_snapshot_context(regs);
	kst_snapshot_task(&live->task, current);
	kst_snapshot_interrupted(&live->stack, heart->nmi_trace, regs);
	/* The number is this CPU's to change, so it stays; watchers may set flags meanwhile. */
	while ((seen = atomic64_cmpxchg(&live->state, state, state | KST_LIVE_STACK)) != state)
		state = seen;
}

/**
 * kst_live_end() - a stall of this CPU lasts no more
 * @heart: this CPU's
 * @nr: its slot
 * @rec: of its end, which gets the id and what was seen while it lasted, or NULL
 *
 * Context: hard interrupt, or interrupts off.
 */
void kst_live_end(struct kst_heart *heart, enum kst_live_nr nr, struct kst_record *rec)
{
	struct kst_live *live = &heart->live[nr];
	s64 state = atomic64_read(&live->state);
	s64 next = (state | KST_LIVE_FLAGS) + 1;

	/* Others only set flags, and a new number is given here alone. */
	state = atomic64_xchg(&live->state, next);
	if ((state & (KST_LIVE_HELD_BACK | KST_LIVE_TOLD)) == KST_LIVE_HELD_BACK)
		kst_eventlog_suppress(KSTALLMON_EVENT_TYPE_STALL_BEGIN,
				      rec ? rec->ev.stall.duration_max : 0);
	if (rec) {
		rec->ev.stall.id = kst_live_id(heart, nr, state);
		if (state & KST_LIVE_STACK) {
			rec->ev.stall.live_context = live->context;
			rec->stack[KST_STACK_LIVE] = live->stack;
		}
	}
}

/**
 * kst_live_log() - write a stall that lasts to the kernel log
 * @rec: the stall, named
 *
 * Context: task. From hard interrupt context it could wait for a console that the stalled CPU
 * holds.
 */
void kst_live_log(const struct kst_logged *rec)
{
	static const char *const kinds[] = { "?", "irq", "softirq", "sched" };
	const struct kst_stall *stall = &rec->ev.stall;
	u32 ms = div_u64(stall->duration_min, NSEC_PER_MSEC);
	const char *where = rec->names.nr[KST_STACK_LIVE] ? rec->names.text : "?";

	BUILD_BUG_ON(ARRAY_SIZE(kinds) != KSTALLMON_STALL_KIND_MAX + 1);
	if (stall->context)
		pr_warn("CPU %u: %s stall for %u.%u s so far, in %s, task %s/%u\n", rec->ev.cpu,
			kinds[stall->kind], ms / 1000, ms % 1000 / 100, where, rec->ev.task.comm,
			rec->ev.task.pid);
	else
		pr_warn("CPU %u: %s stall for %u.%u s so far\n", rec->ev.cpu, kinds[stall->kind],
			ms / 1000, ms % 1000 / 100);
}
