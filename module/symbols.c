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
 * earlier: after a call that never returns it may lie in the next function already.
 *
 * Return: the length without NUL that the text needs, which is more than @size - 1 if it was cut.
 */
static size_t kst_symbol(char *out, size_t size, unsigned long addr, bool is_pc)
{
	char buf[KSYM_SYMBOL_LEN];
	char *offset, *end, *module;
	unsigned long off;

	/* "symbol+0xoffset/0xsize [module]", or the bare address, which must not get out. */
	sprint_symbol(buf, is_pc ? addr : addr - 1);
	offset = strchr(buf, '+');
	end = offset ? strchr(offset, '/') : NULL;
	if (!end)
		return strscpy(out, "?", size);
	*offset++ = '\0';
	*end++ = '\0';
	if (kstrtoul(offset, 16, &off))
		return strscpy(out, "?", size);
	module = strchr(end, ' ');
	return snprintf(out, size, "%s+0x%lx%s", buf, off + !is_pc, module ?: "");
}

/**
 * kst_symbols_name() - fill a record's names from its event's stack
 * @rec: the record; its names are overwritten
 *
 * Frames beyond the record's room are left out and marked. Context: task.
 */
void kst_symbols_name(struct kst_logged *rec)
{
	const struct kst_stack *stack = &rec->ev.stack;
	unsigned int i;

	rec->names_len = 0;
	rec->nr_names = 0;
	rec->names_truncated = stack->truncated;

	for (i = 0; i < stack->nr; i++) {
		char *out = rec->names + rec->names_len;
		size_t room = min_t(size_t, sizeof(rec->names) - rec->names_len, KST_FRAME_LEN);
		size_t len;

		if (room < KST_FRAME_LEN) {
			rec->names_truncated = true;
			break;
		}
		len = kst_symbol(out, room, stack->entry[i], i == 0 && stack->pc_first);
		if (len >= room) {
			len = room - 1;
			rec->names_truncated = true;
		}
		rec->names_len += len + 1;
		rec->nr_names++;
	}
}
