/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_HISTOGRAM_H
#define KST_HISTOGRAM_H

#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/time64.h>
#include <linux/types.h>

/* Buckets of [2^i, 2^(i+1)) ms; the first one begins at 0, the last one has no end. */
#define KST_BUCKETS 18

/**
 * struct kst_histogram - how often something took how long
 * @count: how often
 * @time: sum of the durations, in ns
 * @longest: the longest of them
 * @bucket: how many of which duration
 */
struct kst_histogram {
	u64 count;
	u64 time;
	u64 longest;
	u64 bucket[KST_BUCKETS];
};

/**
 * kst_histogram_add() - count one
 * @histogram: is written by nobody else meanwhile
 * @duration: in ns
 */
static inline void kst_histogram_add(struct kst_histogram *histogram, u64 duration)
{
	u64 ms = div_u64(duration, NSEC_PER_MSEC);

	histogram->count++;
	histogram->time += duration;
	histogram->longest = max(histogram->longest, duration);
	histogram->bucket[ms ? min_t(unsigned int, ilog2(ms), KST_BUCKETS - 1) : 0]++;
}

#endif /* KST_HISTOGRAM_H */
