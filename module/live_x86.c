// SPDX-License-Identifier: GPL-2.0
/*
 * Stacks of stalled CPUs by NMI, on x86.
 *
 * An NMI carries no name. All that is known is that one was sent to this CPU and did not come
 * yet, and while that is so every NMI is taken for it: one that nobody owns up to would be
 * "unknown", on which hosts may panic. Only the handler here says that it came.
 */
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/ktime.h>
#include <asm/nmi.h>

#include "compat/compat.h"
#include "live.h"

#define KST_NMI_NAME "kstallmon"

/* How long after one NMI a second one may come that was sent before it was handled. */
#define KST_NMI_ECHO_NS NSEC_PER_SEC

/* How long the unloading module waits for an NMI that was sent. */
#define KST_NMI_WAIT_MS 1000

static int kst_nmi(unsigned int type, struct pt_regs *regs)
{
	struct kst_heart *heart = this_cpu_ptr(kst_hearts);

	if (!atomic_read(&heart->nmi_asked))
		return NMI_DONE;
	kst_live_fill(heart, regs);
	heart->nmi_seen = ktime_get_mono_fast_ns();
	atomic_set(&heart->nmi_asked, 0);
	return NMI_HANDLED;
}

/*
 * Nobody wanted this one. It is ours if another's NMI, a performance counter's say, came between
 * asking and sending and was taken for ours.
 */
static int kst_nmi_unknown(unsigned int type, struct pt_regs *regs)
{
	struct kst_heart *heart = this_cpu_ptr(kst_hearts);
	u64 seen = heart->nmi_seen;

	heart->nmi_seen = 0;
	return seen && ktime_get_mono_fast_ns() - seen < KST_NMI_ECHO_NS ? NMI_HANDLED : NMI_DONE;
}

/**
 * kst_live_arch_ask() - ask a CPU for its stack
 * @target: its heart
 *
 * Context: hard interrupt on another CPU.
 */
void kst_live_arch_ask(struct kst_heart *target)
{
	if (!atomic_cmpxchg(&target->nmi_asked, 0, 1))
		kst_send_nmi(target->cpu);
}

/**
 * kst_live_arch_init() - be ready for what is asked
 *
 * Return: 0 or a negative errno.
 */
int kst_live_arch_init(void)
{
	int err = register_nmi_handler(NMI_LOCAL, kst_nmi, 0, KST_NMI_NAME);

	if (err)
		return err;
	err = register_nmi_handler(NMI_UNKNOWN, kst_nmi_unknown, 0, KST_NMI_NAME);
	if (err)
		unregister_nmi_handler(NMI_LOCAL, KST_NMI_NAME);
	return err;
}

/**
 * kst_live_arch_exit() - wait for NMIs on their way, and expect none any more
 *
 * Context: task; no heart beats any more.
 */
void kst_live_arch_exit(void)
{
	unsigned int cpu, ms;

	/* An offline CPU gets none. */
	cpus_read_lock();
	for_each_online_cpu(cpu)
		for (ms = 0; atomic_read(&per_cpu_ptr(kst_hearts, cpu)->nmi_asked); ms++) {
			if (WARN_ONCE(ms > KST_NMI_WAIT_MS, "no NMI came to CPU %u\n", cpu))
				break;
			usleep_range(1000, 2000);
		}
	cpus_read_unlock();
	unregister_nmi_handler(NMI_UNKNOWN, KST_NMI_NAME);
	unregister_nmi_handler(NMI_LOCAL, KST_NMI_NAME);
}
