// SPDX-License-Identifier: GPL-2.0
/*
 * The event log: from detection, in hard interrupt context, to numbered events.
 *
 * Each CPU has a bounded queue with one producer, its own hard interrupt context, and one
 * consumer, its worker. The producer allocates nothing and takes no lock. It wakes the
 * worker through an irq_work, for where it runs the scheduler must not be called.
 *
 * What tasks of this module find out themselves is numbered at once.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpuhotplug.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/ktime.h>
#include <linux/vmalloc.h>

#include "compat/compat.h"
#include "eventlog.h"
#include "history.h"
#include "live.h"
#include "netlink.h"
#include "symbols.h"
#include "tunables.h"
#include "zones.h"

/*
 * At the default rate limit, three seconds in which tasks above the worker may hog the CPU: as many
 * events as go into five pages.
 */
#define KST_QUEUE_SIZE (20 << 10)
#define KST_QUEUE_LEN (KST_QUEUE_SIZE / sizeof(struct kst_record))

/**
 * struct kst_rate - rate limit of one event type on one CPU
 * @start: beginning of the current second, CLOCK_BOOTTIME
 * @told: events let through since
 * @suppressed: events held back since the last event of the type
 * @longest: worst severity of those
 */
struct kst_rate {
	u64 start;
	u32 told;
	u64 suppressed;
	u64 longest;
};

/**
 * struct kst_queue - the way of a CPU's events
 * @met: the CPU was up since the module was loaded
 * @ring: the events; NULL before that, or if there was no memory
 * @head: events ever committed; written by the producer
 * @tail: events ever taken; written by the worker
 * @dropped: events lost to a full ring
 * @dropped_told: how many of those an event has carried
 * @suppressed: events held back by the rate limits
 * @rate: the rate limits
 * @wake: queues @work
 * @work: the worker
 * @out: the worker's room for the event at hand
 */
struct kst_queue {
	bool met;
	struct kst_record *ring;
	unsigned long head;
	unsigned long tail;
	u64 dropped;
	u64 dropped_told;
	u64 suppressed;
	struct kst_rate rate[KST_NR_TYPES];
	struct irq_work wake;
	struct work_struct work;
	struct kst_logged *out;
};

static DEFINE_PER_CPU(struct kst_queue, kst_queues);
static struct workqueue_struct *kst_wq;
static int kst_cpuhp_state;

/* Of kst_eventlog_tell(). */
static DEFINE_MUTEX(kst_tell_lock);
static struct kst_rate kst_tell_rate[KST_NR_TYPES];

/* Whether the rate limit would let an event pass. */
static bool kst_rate_allows(struct kst_rate *rate, u64 now)
{
	u32 limit = kst_tunable(rate);

	if (now - rate->start >= NSEC_PER_SEC) {
		rate->start = now;
		rate->told = 0;
	}
	return !limit || rate->told < limit;
}

/* What the rate limit held back goes into the event that it lets pass. */
static void kst_rate_told(struct kst_rate *rate, struct kst_event *ev)
{
	ev->suppressed = rate->suppressed;
	ev->suppressed_longest = rate->longest;
	rate->suppressed = 0;
	rate->longest = 0;
}

/**
 * kst_event_begin() - begin an event
 * @ev: is overwritten
 * @type: enum kstallmon_event_type
 * @cpu: the CPU it is about, or KST_NO_CPU
 *
 * Context: any but NMI.
 */
void kst_event_begin(struct kst_event *ev, u32 type, u32 cpu)
{
	memset(ev, 0, sizeof(*ev));
	ev->type = type;
	ev->cpu = cpu;
	ev->time_boot = ktime_get_boottime_ns();
	ev->time_real = ktime_get_real_ns();
}

/**
 * kst_record_begin() - begin a record
 * @rec: is overwritten, except for the entries of stacks
 * @type: enum kstallmon_event_type
 * @cpu: the CPU it is about
 *
 * Context: hard interrupt, or interrupts off; not NMI.
 */
void kst_record_begin(struct kst_record *rec, u32 type, u32 cpu)
{
	unsigned int i;

	kst_event_begin(&rec->ev, type, cpu);
	for (i = 0; i < KST_NR_STACKS; i++)
		rec->stack[i].nr = 0;
}

/* Whether a line of the kernel log, type 0, or an event is within its rate limit. */
static bool kst_queue_allows(struct kst_queue *queue, u32 type)
{
	return !type || kst_rate_allows(&queue->rate[type], ktime_get_boottime_ns());
}

static bool kst_queue_room(struct kst_queue *queue)
{
	/* Pairs with the release in kst_eventlog_work(): the slot is the worker's until then. */
	unsigned long tail = smp_load_acquire(&queue->tail);

	return queue->ring && queue->head - tail < KST_QUEUE_LEN;
}

/**
 * kst_eventlog_room() - would this CPU's next event be sent on its way
 * @type: enum kstallmon_event_type, or 0 for a line of the kernel log
 *
 * For what can wait until it is.
 *
 * Context: hard interrupt, or interrupts off; not NMI. The answer holds until then.
 *
 * Return: false if the rate limit would hold it back, or there is no room for it.
 */
bool kst_eventlog_room(u32 type)
{
	struct kst_queue *queue = this_cpu_ptr(&kst_queues);

	return kst_queue_allows(queue, type) && kst_queue_room(queue);
}

/**
 * kst_eventlog_suppress() - count an event that was held back
 * @type: enum kstallmon_event_type
 * @severity: duration in ns, of which the longest suppressed one is told
 *
 * Context: as kst_eventlog_room().
 */
void kst_eventlog_suppress(u32 type, u64 severity)
{
	struct kst_queue *queue = this_cpu_ptr(&kst_queues);
	struct kst_rate *rate = &queue->rate[type];

	queue->suppressed++;
	rate->suppressed++;
	rate->longest = max(rate->longest, severity);
}

/**
 * kst_eventlog_post() - send an event on its way
 * @rec: the event; is copied
 * @severity: as above
 *
 * What the rate limit holds back or there is no room for is counted.
 *
 * Context: hard interrupt, or interrupts off; not NMI. Allocates nothing and takes no lock.
 */
void kst_eventlog_post(const struct kst_record *rec, u64 severity)
{
	struct kst_queue *queue = this_cpu_ptr(&kst_queues);
	struct kst_rate *rate = &queue->rate[rec->ev.type];
	struct kst_event *ev;

	if (!kst_queue_allows(queue, rec->ev.type)) {
		kst_eventlog_suppress(rec->ev.type, severity);
		return;
	}
	if (!kst_queue_room(queue)) {
		queue->dropped += !!rec->ev.type;
		return;
	}

	rate->told++;
	queue->ring[queue->head % KST_QUEUE_LEN] = *rec;
	if (rec->ev.type) {
		ev = &queue->ring[queue->head % KST_QUEUE_LEN].ev;
		ev->dropped = queue->dropped - queue->dropped_told;
		queue->dropped_told = queue->dropped;
		kst_rate_told(rate, ev);
	}

	/* Pairs with the acquire in kst_eventlog_work(): the event is complete. */
	smp_store_release(&queue->head, queue->head + 1);
	irq_work_queue(&queue->wake);
}

static void kst_eventlog_wake(struct irq_work *wake)
{
	struct kst_queue *queue = container_of(wake, struct kst_queue, wake);

	queue_work_on(smp_processor_id(), kst_wq, &queue->work);
}

/* What detection leaves out for lack of time or room. */
static void kst_eventlog_complete(struct kst_logged *out, const struct kst_record *rec)
{
	switch (rec->ev.type) {
	case KSTALLMON_EVENT_TYPE_OOM_KILL:
		kst_zones_now(&out->zones);
		break;
	case KSTALLMON_EVENT_TYPE_RECLAIM_STALL:
		break;
	default:
		kst_symbols_name(&out->names, rec->stack);
	}
}

static void kst_eventlog_work(struct work_struct *work)
{
	struct kst_queue *queue = container_of(work, struct kst_queue, work);
	struct kst_logged *out = queue->out;

	/* Pairs with the release in kst_eventlog_post(). */
	while (queue->tail != smp_load_acquire(&queue->head)) {
		const struct kst_record *rec = &queue->ring[queue->tail % KST_QUEUE_LEN];

		out->ev = rec->ev;
		kst_eventlog_complete(out, rec);
		if (out->ev.type) {
			kst_history_append(out);
			kst_netlink_publish(out);
		} else {
			kst_live_log(out);
		}
		/* The next sample may wait for the stalled CPU: have it taken on this one. */
		if (out->ev.type == KSTALLMON_EVENT_TYPE_STALL_BEGIN)
			kst_zones_retune();
		/* Pairs with the acquire in kst_eventlog_post(): the slot may be written again. */
		smp_store_release(&queue->tail, queue->tail + 1);
		cond_resched();
	}
}

/**
 * kst_eventlog_tell() - number an event and send it, without a queue
 * @rec: the event, whole
 *
 * Context: task, may sleep. Allocates nothing but the message.
 *
 * Return: false if the rate limit holds it back. It is not lost: the caller has to try again.
 */
bool kst_eventlog_tell(struct kst_logged *rec)
{
	struct kst_rate *rate = &kst_tell_rate[rec->ev.type];
	bool pass;

	mutex_lock(&kst_tell_lock);
	pass = kst_rate_allows(rate, rec->ev.time_boot);
	if (pass) {
		rate->told++;
		kst_history_append(rec);
		kst_netlink_publish(rec);
	}
	mutex_unlock(&kst_tell_lock);
	return pass;
}

/**
 * kst_eventlog_stats() - what a CPU's queue has seen
 * @cpu: which
 * @st: is overwritten
 *
 * Return: false if the CPU was never up since the module was loaded.
 */
bool kst_eventlog_stats(unsigned int cpu, struct kst_eventlog_stats *st)
{
	struct kst_queue *queue = per_cpu_ptr(&kst_queues, cpu);
	/* In this order: of two numbers that grow, the later must not be read first. */
	unsigned long tail = smp_load_acquire(&queue->tail); /* pairs with kst_eventlog_work() */

	st->queued = min_t(unsigned long, READ_ONCE(queue->head) - tail, KST_QUEUE_LEN);
	st->dropped = READ_ONCE(queue->dropped);
	st->suppressed = READ_ONCE(queue->suppressed);
	st->memory = sizeof(*queue);
	if (READ_ONCE(queue->ring))
		st->memory += KST_QUEUE_SIZE + KST_LOGGED_SIZE;
	return READ_ONCE(queue->met);
}

/*
 * Queues of CPUs that never come are never allocated. Without memory for its queue a CPU
 * comes up all the same: its events are counted as dropped.
 *
 * Not in a state of its own before the CPU is up (CPUHP_BP_PREPARE_DYN): in stable kernels that
 * lack "cpu/hotplug: Fix dynstate assignment in __cpuhp_setup_state_cpuslocked()" (6.1.69 to
 * 6.1.97) that calls nobody. This state comes before the heartbeat's, being set up before it.
 */
static int kst_eventlog_online(unsigned int cpu)
{
	struct kst_queue *queue = per_cpu_ptr(&kst_queues, cpu);
	int node = cpu_to_node(cpu);
	struct kst_record *ring;
	struct kst_logged *out;

	WRITE_ONCE(queue->met, true);
	if (queue->ring)
		return 0;
	out = kzalloc_node(KST_LOGGED_SIZE, GFP_KERNEL, node);
	/* By pages: the slab allocator would round it up to a power of two. */
	ring = vzalloc_node(KST_QUEUE_SIZE, node);
	if (!out || !ring) {
		pr_warn("no memory for the events of CPU %u\n", cpu);
		kfree(out);
		vfree(ring);
		return 0;
	}
	queue->out = out;
	WRITE_ONCE(queue->ring, ring);
	return 0;
}

/**
 * kst_eventlog_drain() - wait until every committed event is numbered and sent
 *
 * Context: task; nobody may commit events any more.
 */
void kst_eventlog_drain(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		irq_work_sync(&per_cpu_ptr(&kst_queues, cpu)->wake);
	drain_workqueue(kst_wq);
}

/**
 * kst_eventlog_init() - make a queue for every CPU that is or comes up
 *
 * Return: 0 or a negative errno.
 */
int kst_eventlog_init(void)
{
	unsigned int cpu;
	int ret;

	for_each_possible_cpu(cpu) {
		struct kst_queue *queue = per_cpu_ptr(&kst_queues, cpu);

		kst_irq_work_init_hard(&queue->wake, kst_eventlog_wake);
		INIT_WORK(&queue->work, kst_eventlog_work);
	}

	/* Per CPU, so that a stalled CPU holds up no other's events. */
	kst_wq = alloc_workqueue("kstallmon", WQ_MEM_RECLAIM | WQ_HIGHPRI | KST_WQ_PERCPU, 0);
	if (!kst_wq)
		return -ENOMEM;

	ret = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "kstallmon/eventlog:online",
				kst_eventlog_online, NULL);
	if (ret < 0) {
		destroy_workqueue(kst_wq);
		return ret;
	}
	kst_cpuhp_state = ret;
	return 0;
}

/**
 * kst_eventlog_exit() - give the queues back
 *
 * Context: task; kst_eventlog_drain() was called.
 */
void kst_eventlog_exit(void)
{
	unsigned int cpu;

	cpuhp_remove_state_nocalls(kst_cpuhp_state);
	destroy_workqueue(kst_wq);
	for_each_possible_cpu(cpu) {
		struct kst_queue *queue = per_cpu_ptr(&kst_queues, cpu);

		vfree(queue->ring);
		kfree(queue->out);
	}
}
