/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vm.max_map_count, the limit of a process's mappings.
 */
#ifndef KST_MAX_MAP_COUNT_H
#define KST_MAX_MAP_COUNT_H

#include <linux/types.h>

struct file;

struct file *kst_max_map_count_open(void);
u32 kst_max_map_count(u32 before);
void kst_max_map_count_close(void);

#endif /* KST_MAX_MAP_COUNT_H */
