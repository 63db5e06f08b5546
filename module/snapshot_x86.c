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

/*
 * Thunks jump by a return: they call themselves, put the target in place of that return address,
 * and return, by an instruction or by a jump to one.
 */
#define KST_INSN_RET 0xc3
#define KST_INSN_JMP 0xe9
#define KST_THUNK_WORDS 2

/**
 * kst_snapshot_walk_on() - go on where the unwinder ended in a thunk
 * @trace: KST_TRACE_LEN entries of room
 * @skip: the interrupted program counter is here
 * @nr: entries that are filled
 * @regs: of the interrupted code, in the kernel
 *
 * The thunk's own return address is on top of the stack or next below. What is taken for it is one
 * if the unwinder finds a caller from there. When the thunk is about to return, the top is the
 * target, which the unwinder takes for a caller.
 *
 * Context: any.
 *
 * Return: how many entries are filled now, @nr as it was if that code is no thunk.
 */
unsigned int kst_snapshot_walk_on(unsigned long *trace, unsigned int skip, unsigned int nr,
				  struct pt_regs *regs)
{
	unsigned long second;
	struct unwind_state state;
	unsigned int word, end;
	bool returns;
	u8 insn;

	if (skip >= nr || nr - skip > 2 || skip + 1 >= KST_TRACE_LEN ||
	    copy_from_kernel_nofault(&insn, (void *)regs->ip, sizeof(insn)))
		return nr;
	returns = insn == KST_INSN_RET || insn == KST_INSN_JMP;
	if (nr - skip > 1 && !returns)
		return nr;

	second = trace[skip + 1];
	for (word = returns ? 2 : 1; word <= KST_THUNK_WORDS; word++) {
		unsigned long *sp = (unsigned long *)regs->sp + word;
		struct pt_regs caller = *regs;

		/* In the first instructions of a system call the stack is still the user's. */
		if (copy_from_kernel_nofault(&caller.ip, sp - 1, sizeof(caller.ip)))
			break;
		caller.sp = (unsigned long)sp;
		/* Begun from registers, the unwinder tells of their callers alone. */
		end = skip + 1;
		trace[end++] = caller.ip;
		for (unwind_start(&state, current, &caller, NULL);
		     !unwind_done(&state) && end < KST_TRACE_LEN; unwind_next_frame(&state)) {
			trace[end] = unwind_get_return_address(&state);
			if (!trace[end])
				break;
			end++;
		}
		if (end > skip + 2)
			return end;
	}
	trace[skip + 1] = second;
	return nr;
}
