/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_HISTOGRAM_H
#define KST_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netlink/msg.h>

#include "spec.h"

/* A bucket's number: its lower end as a power of 2, rounded down. */
#define HISTOGRAM_BUCKETS 64

/**
 * struct histogram_bucket - those of about the same duration
 * @from: the shortest counted here, in ns
 * @count: how many
 */
struct histogram_bucket {
	uint64_t from;
	uint64_t count;
};

/**
 * struct histogram - how many of each duration there were
 * @cpu: where, if they are counted by CPU
 * @key: an enumerator of what is counted
 * @count: of all
 * @time: that they lasted, in all
 * @longest: that one of them lasted
 * @bucket: by duration
 */
struct histogram {
	uint32_t cpu;
	uint32_t key;
	uint64_t count;
	uint64_t time;
	uint64_t longest;
	struct histogram_bucket bucket[HISTOGRAM_BUCKETS];
};

/**
 * struct histograms - all of them, in the order in which the module tells them
 * @of: &spec_histogram, of stalls, or &spec_reclaim_time
 * @names: of the enum that tells them apart
 * @key: heading of that
 * @what: heading of the counts
 * @by_cpu: count each CPU by itself
 * @since: when the counting began, CLOCK_BOOTTIME in ns; 0: not told
 * @most: the largest count in any bucket
 * @nr: how many of @histogram
 * @histogram: each of them
 */
struct histograms {
	const struct spec_set *of;
	const struct spec_names *names;
	const char *key;
	const char *what;
	bool by_cpu;
	uint64_t since;
	uint64_t most;
	size_t nr;
	struct histogram *histogram;
};

int histograms_take(struct nlmsghdr *nlh, void *arg);
void histograms_forget(struct histograms *all);
void histograms_print(const struct histograms *all);

#endif
