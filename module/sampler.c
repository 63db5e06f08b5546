// SPDX-License-Identifier: GPL-2.0
/*
 * Samplers that wake no idle CPU.
 *
 * Their timers are deferrable: on a CPU that is busy they are in time, an idle one sees to them
 * when something else wakes it. That may take long while another CPU is busy, and a stalled CPU
 * sees to nothing. So beats, which come all the same, look after samples that are late. If all CPUs
 * are idle, and hardly beat, nothing happens that a sample could miss.
 */
#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>

#include "compat/compat.h"
#include "heart.h"
#include "sampler.h"

#define KST_SAMPLERS_MAX 2
#define KST_SAMPLER_GRACE_MS 20

/*
 * Timer and worker are on one CPU, so that a sample wakes no other. If that one is stalled, whoever
 * finds the sample late takes it over. An unbound worker would be no safer: the scheduler may well
 * put it on the CPU where it ran before, and leave it there.
 *
 * Workers of high priority are at nice -20: next to one, an ordinary task hardly runs, whatever
 * chances to reschedule it gives. So what takes long is not urgent.
 */
static struct workqueue_struct *kst_samplers_wq;
static struct workqueue_struct *kst_samplers_urgent_wq;
/* Changes only while no heart beats. */
static struct kst_sampler *kst_samplers[KST_SAMPLERS_MAX];
/* Protects @on of all samplers. */
static DEFINE_MUTEX(kst_samplers_lock);

u64 kst_samplers_late = KST_NEVER;

/* Raw, and held for a few instructions: in hard interrupts, too. */
static DEFINE_RAW_SPINLOCK(kst_samplers_late_lock);

/* After a change of what is late: beats look at one number. */
static void kst_samplers_refresh(void)
{
	u64 late = KST_NEVER;
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&kst_samplers_late_lock, flags);
	for (i = 0; i < KST_SAMPLERS_MAX; i++)
		if (kst_samplers[i])
			late = min(late, READ_ONCE(kst_samplers[i]->late));
	WRITE_ONCE(kst_samplers_late, late);
	raw_spin_unlock_irqrestore(&kst_samplers_late_lock, flags);
}

/* Late is a sample that has waited for twice its time, and not for a moment only. */
static void kst_sampler_expect(struct kst_sampler *sampler, u32 ms)
{
	WRITE_ONCE(sampler->late,
		   ktime_get_ns() + (2 * (u64)ms + KST_SAMPLER_GRACE_MS) * NSEC_PER_MSEC);
	kst_samplers_refresh();
}

static struct workqueue_struct *kst_sampler_wq(const struct kst_sampler *sampler)
{
	return sampler->urgent ? kst_samplers_urgent_wq : kst_samplers_wq;
}

static void kst_sampler_work(struct work_struct *work)
{
	struct kst_sampler *sampler = container_of(work, struct kst_sampler, work.work);
	u32 ms;

	WRITE_ONCE(sampler->late, KST_NEVER);
	ms = sampler->sample();
	kst_sampler_expect(sampler, ms);
	/* Does nothing if it is to run sooner by now. */
	queue_delayed_work(kst_sampler_wq(sampler), &sampler->work, msecs_to_jiffies(ms));
}

static void kst_sampler_kicked(struct irq_work *kick)
{
	struct kst_sampler *sampler = container_of(kick, struct kst_sampler, kick);

	mod_delayed_work(kst_sampler_wq(sampler), &sampler->work, 0);
}

/**
 * kst_samplers_see() - kst_samplers_look() where one is late
 * @now: CLOCK_MONOTONIC in ns
 *
 * Whoever takes a sample over has a second for it: then it is the next one's turn.
 */
void kst_samplers_see(u64 now)
{
	unsigned int i;

	for (i = 0; i < KST_SAMPLERS_MAX; i++) {
		struct kst_sampler *sampler = kst_samplers[i];
		u64 late;

		if (!sampler)
			continue;
		late = READ_ONCE(sampler->late);
		if (unlikely(now > late) &&
		    cmpxchg64(&sampler->late, late, now + NSEC_PER_SEC) == late)
			irq_work_queue(&sampler->kick);
	}
	kst_samplers_refresh();
}

/**
 * kst_sampler_within() - have the next sample taken soon
 * @sampler: need not be started
 * @ms: when, from now on
 *
 * Context: task, may sleep.
 */
void kst_sampler_within(struct kst_sampler *sampler, u32 ms)
{
	mutex_lock(&kst_samplers_lock);
	if (sampler->on) {
		kst_sampler_expect(sampler, ms);
		mod_delayed_work(kst_sampler_wq(sampler), &sampler->work, msecs_to_jiffies(ms));
	}
	mutex_unlock(&kst_samplers_lock);
}

/**
 * kst_sampler_start() - sample from now on
 * @sampler: with @sample and @urgent set
 * @ms: time until the first sample
 *
 * Context: task; no heart beats yet.
 */
void kst_sampler_start(struct kst_sampler *sampler, u32 ms)
{
	unsigned int i = 0;

	INIT_DEFERRABLE_WORK(&sampler->work, kst_sampler_work);
	kst_irq_work_init_hard(&sampler->kick, kst_sampler_kicked);
	while (kst_samplers[i])
		i++;
	kst_samplers[i] = sampler;
	mutex_lock(&kst_samplers_lock);
	sampler->on = true;
	mutex_unlock(&kst_samplers_lock);
	kst_sampler_within(sampler, ms);
}

/**
 * kst_sampler_stop() - and no more
 * @sampler: was started
 *
 * Context: task; no heart beats any more.
 */
void kst_sampler_stop(struct kst_sampler *sampler)
{
	mutex_lock(&kst_samplers_lock);
	sampler->on = false;
	mutex_unlock(&kst_samplers_lock);
	irq_work_sync(&sampler->kick);
	cancel_delayed_work_sync(&sampler->work);
}

/**
 * kst_samplers_init() - get what samplers need
 *
 * Return: 0 or -ENOMEM.
 */
int kst_samplers_init(void)
{
	const unsigned int flags = WQ_MEM_RECLAIM | WQ_CPU_INTENSIVE | KST_WQ_PERCPU;

	kst_samplers_wq = alloc_workqueue("kstallmon_samplers", flags, 0);
	if (!kst_samplers_wq)
		return -ENOMEM;
	kst_samplers_urgent_wq = alloc_workqueue("kstallmon_urgent", flags | WQ_HIGHPRI, 0);
	if (!kst_samplers_urgent_wq) {
		destroy_workqueue(kst_samplers_wq);
		return -ENOMEM;
	}
	return 0;
}

/**
 * kst_samplers_exit() - give it back
 *
 * Context: task; all are stopped.
 */
void kst_samplers_exit(void)
{
	destroy_workqueue(kst_samplers_urgent_wq);
	destroy_workqueue(kst_samplers_wq);
}
