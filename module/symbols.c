// SPDX-License-Identifier: GPL-2.0
/*
 * Addresses to names. Done in the worker, shortly after detection: later the module
 * that an address lies in may be gone.
 */
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "symbols.h"

/*
 * Write @addr as "symbol+0xoffset [module]" to @out. A return address is looked up one byte
 * earlier: after a call that never returns it may lie in the next function already. What is too
 * long loses the end of the symbol's name, not the offset and the module.
 *
 * Return: whether something was cut.
 */
static bool kst_symbol(char out[KST_FRAME_LEN], unsigned long addr, bool is_pc)
{
	char buf[KSYM_SYMBOL_LEN], tail[96];
	char *offset, *end, *module;
	unsigned long off;
	int room;

	/* "symbol+0xoffset/0xsize [module]", or the bare address, which must not get out. */
	sprint_symbol(buf, is_pc ? addr : addr - 1);
	offset = strchr(buf, '+');
	end = offset ? strchr(offset, '/') : NULL;
	if (!end)
		goto unknown;
	*offset++ = '\0';
	*end++ = '\0';
	if (kstrtoul(offset, 16, &off))
		goto unknown;
	module = strchr(end, ' ');
	room = KST_FRAME_LEN - 1 -
	       scnprintf(tail, sizeof(tail), "+0x%lx%s", off + !is_pc, module ?: "");
	scnprintf(out, KST_FRAME_LEN, "%.*s%s", room, buf, tail);
	return strlen(buf) > room;

unknown:
	strscpy(out, "?", KST_FRAME_LEN);
	return false;
}

/* Append the frames of one stack, leaving @reserve bytes for what comes after it. */
static void kst_symbols_append(struct kst_names *names, enum kst_stack_nr which,
			       const struct kst_stack *stack, size_t reserve)
{
	char frame[KST_FRAME_LEN];
	unsigned int i;

	names->nr[which] = 0;
	names->truncated[which] = stack->truncated;
	for (i = 0; i < stack->nr; i++) {
		bool cut = kst_symbol(frame, stack->entry[i], i == 0 && stack->pc_first);
		size_t size = strlen(frame) + 1;

		if (size + reserve > sizeof(names->text) - names->len) {
			names->truncated[which] = true;
			break;
		}
		memcpy(names->text + names->len, frame, size);
		names->len += size;
		names->nr[which]++;
		names->truncated[which] |= cut;
	}
}

/**
 * kst_symbols_name() - name the frames of an event's stacks
 * @names: is overwritten
 * @stack: KST_NR_STACKS of them
 *
 * Frames beyond the room there is are left out and marked. Context: task.
 */
void kst_symbols_name(struct kst_names *names, const struct kst_stack *stack)
{
	/* The innermost frames of a stack are always told, however long the names before it. */
	const size_t reserve = sizeof(names->text) / 4;

	names->len = 0;
	kst_symbols_append(names, KST_STACK_LIVE, &stack[KST_STACK_LIVE],
			   stack[KST_STACK_END].nr ? reserve : 0);
	kst_symbols_append(names, KST_STACK_END, &stack[KST_STACK_END], 0);
}
