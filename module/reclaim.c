// SPDX-License-Identifier: GPL-2.0
#include <linux/string.h>
#include "reclaim.h"

int kst_reclaim_init(void)
{
	return 0;
}

void kst_reclaim_exit(void)
{
}

void kst_reclaim_stats(struct kst_reclaim_stats *st)
{
	memset(st, 0, sizeof(*st));
}

const char *kst_reclaim_missing(unsigned int nr)
{
	return NULL;
}

bool kst_reclaim_time(unsigned int cpu, u32 scope, struct kst_histogram *histogram)
{
	return false;
}
