/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_TUNABLE_H
#define KST_TUNABLE_H

#include <stdbool.h>

#include "nl.h"

#define TUNABLES_MAX 256

/**
 * struct tunable - a tunable as the module describes it
 * @name: its name
 * @text: whether it is text and no number
 * @value: what it is set to, if it is a number
 */
struct tunable {
	char *name;
	bool text;
	uint64_t value;
};

/**
 * struct tunables - all tunables that the module has
 * @count: how many
 * @tunable: each of them
 */
struct tunables {
	size_t count;
	struct tunable tunable[TUNABLES_MAX];
};

int tunables_get(struct knl *nl, struct tunables *tunables);
void tunables_free(struct tunables *tunables);
const struct tunable *tunable_find(const struct tunables *tunables, const char *name);
void tunable_unknown(const struct tunables *tunables, const char *verb, const char *name);

#endif
