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

/**
 * kst_symbols_name() - name the frames of a stack
 * @names: is overwritten
 * @stack: the stack
 *
 * Frames beyond the room there is are left out and marked. Context: task.
 */
void kst_symbols_name(struct kst_names *names, const struct kst_stack *stack)
{
	char frame[KST_FRAME_LEN];
	unsigned int i;

	names->len = 0;
	names->nr = 0;
	names->truncated = stack->truncated;

	for (i = 0; i < stack->nr; i++) {
		bool cut = kst_symbol(frame, stack->entry[i], i == 0 && stack->pc_first);
		size_t size = strlen(frame) + 1;

		if (size > sizeof(names->text) - names->len) {
			names->truncated = true;
			break;
		}
		memcpy(names->text + names->len, frame, size);
		names->len += size;
		names->nr++;
		names->truncated |= cut;
	}
}
