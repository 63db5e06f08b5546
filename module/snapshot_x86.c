// SPDX-License-Identifier: GPL-2.0
/*
 * Stacks that end at an indirect call, on x86.
 *
 * Thunks guard indirect calls against speculation. What they do to the stack no unwinder table can
 * say, so for the kernel a stack ends there. That hides the very culprits that walk long lists and
 * call a function for each entry.
 */
#include <linux/kernel.h>
#include <linux/ptrace.h>
#include <linux/uaccess.h>
#include <asm/unwind.h>

#include "snapshot.h"

/* A thunk puts one address of its own onto the stack at most. */
#define KST_THUNK_WORDS 2

/**
 * kst_snapshot_walk_on() - the callers of code in which the unwinder ends
 * @trace: KST_TRACE_LEN entries of room, of which
 * @nr: are filled
 * @regs: of the interrupted code, in the kernel
 *
 * A thunk is called: the return address is on top of the stack, or next below. The unwinder knows
 * that it is one if it finds a caller's caller from there.
 *
 * Context: any.
 *
 * Return: how many entries are filled now, @nr as it was if that code is no thunk.
 */
unsigned int kst_snapshot_walk_on(unsigned long *trace, unsigned int nr, struct pt_regs *regs)
{
	struct unwind_state state;
	unsigned int word, end;

	for (word = 1; word <= KST_THUNK_WORDS; word++) {
		unsigned long *sp = (unsigned long *)regs->sp + word;
		struct pt_regs caller = *regs;

		/* In the first instructions of a system call the stack is still the user's. */
		if (copy_from_kernel_nofault(&caller.ip, sp - 1, sizeof(caller.ip)))
			return nr;
		caller.sp = (unsigned long)sp;
		end = nr;
		for (unwind_start(&state, current, &caller, NULL);
		     !unwind_done(&state) && end < KST_TRACE_LEN; unwind_next_frame(&state)) {
			trace[end] = unwind_get_return_address(&state);
			if (!trace[end])
				break;
			end++;
		}
		if (end > nr + 1)
			return end;
	}
	return nr;
}
