/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_SNAPSHOT_H
#define KST_SNAPSHOT_H

#include "event.h"

struct pt_regs;
struct task_struct;

/* Room for the frames of an interrupt itself, which are cut off. */
#define KST_IRQ_FRAMES 24
#define KST_TRACE_LEN (KST_FRAMES_MAX + KST_IRQ_FRAMES)

u32 kst_snapshot_context(struct pt_regs *regs);
void kst_snapshot_task(struct kst_task *task, struct task_struct *p);
void kst_snapshot_interrupted(struct kst_stack *stack, unsigned long *trace, struct pt_regs *regs);
#ifdef CONFIG_X86_64
unsigned int kst_snapshot_walk_on(unsigned long *trace, unsigned int skip, unsigned int nr,
				  struct pt_regs *regs);
#else
static inline unsigned int kst_snapshot_walk_on(unsigned long *trace, unsigned int skip,
						unsigned int nr, struct pt_regs *regs)
{
	return nr;
}
#endif

void kst_snapshot_here(struct kst_stack *stack, unsigned long *trace);

#endif /* KST_SNAPSHOT_H */
