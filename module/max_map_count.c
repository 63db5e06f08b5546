// SPDX-License-Identifier: GPL-2.0
/*
 * The limit's variable is not exported. Its file stays open: to close one from a kernel thread
 * takes another wake-up, and to open one takes memory, and a root directory, which kernel threads
 * have none of since 7.3.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/sched/mm.h>

#include "max_map_count.h"

static struct file *kst_max_map_count_file;

/**
 * kst_max_map_count_open() - open the limit's file, if it is not open
 *
 * Context: task, may sleep; nobody reads. The first time in one that has /proc: what a later
 * attempt is made in, the sampler's thread, has it before 7.3 only.
 *
 * Return: the file, or an error as a pointer.
 */
struct file *kst_max_map_count_open(void)
{
	struct file *file = kst_max_map_count_file;

	if (!file)
		file = filp_open("/proc/sys/vm/max_map_count", O_RDONLY, 0);
	if (!IS_ERR(file))
		kst_max_map_count_file = file;
	return file;
}

/**
 * kst_max_map_count() - read the limit
 * @before: what it was
 *
 * Context: task, may sleep; one at a time.
 *
 * Return: the limit, 0 if it cannot be read. That there is not even memory for its digits is no
 * reason to think that it has changed.
 */
u32 kst_max_map_count(u32 before)
{
	struct file *file;
	char text[16];
	loff_t pos = 0;
	unsigned int flags;
	ssize_t len;
	u32 limit;

	/* Rather no answer than to reclaim memory for it. */
	flags = memalloc_noreclaim_save();
	file = kst_max_map_count_open();
	len = IS_ERR(file) ? PTR_ERR(file) : kernel_read(file, text, sizeof(text) - 1, &pos);
	memalloc_noreclaim_restore(flags);
	if (len == -ENOMEM)
		return before;
	if (len < 0)
		return 0;
	text[len] = '\0';
	return kstrtou32(text, 10, &limit) ? 0 : limit;
}

/**
 * kst_max_map_count_close() - read it no more
 *
 * Context: task, may sleep; nobody reads.
 */
void kst_max_map_count_close(void)
{
	if (kst_max_map_count_file)
		filp_close(kst_max_map_count_file, NULL);
	kst_max_map_count_file = NULL;
}
