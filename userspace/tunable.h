/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_TUNABLE_H
#define KST_TUNABLE_H

#include <stdbool.h>

#include "nl.h"

bool tunable_unknown(struct knl *nl, const char *verb, const char *name);

#endif
