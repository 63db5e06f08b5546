/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_CULPRIT_H
#define KST_CULPRIT_H

#include <stdio.h>

#include "nl.h"
#include "spec.h"

/* More callers would tell apart what is the same fault on many ways. */
#define CULPRIT_FRAMES 3

/**
 * struct culprit - what several stalls have in common
 * @class: enum kstallmon_stall_class, or newer
 * @nr: how many of @frame; 0: no code is known
 * @frame: the innermost functions, without offsets
 * @kinds: a bit for each kind of these stalls
 * @count: of the stalls
 * @time: that they lasted at least, in all
 * @longest: that one of them lasted at least
 */
struct culprit {
	uint32_t class;
	unsigned int nr;
	char *frame[CULPRIT_FRAMES];
	uint32_t kinds;
	uint64_t count;
	uint64_t time;
	uint64_t longest;
};

/**
 * struct culprits - what the stalls of the history came from
 * @nr: how many of @culprit
 * @culprit: each of them, the one that took most of the time first
 * @count: of the stalls
 * @time: that they lasted at least, in all
 */
struct culprits {
	size_t nr;
	struct culprit *culprit;
	uint64_t count;
	uint64_t time;
};

int culprits_get(struct knl *nl, struct culprits *culprits);
void culprits_free(struct culprits *culprits);
double culprit_share(const struct culprits *culprits, const struct culprit *culprit);

#endif
