/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_SYMBOLS_H
#define KST_SYMBOLS_H

#include "event.h"

void kst_symbols_name(struct kst_names *names, const struct kst_stack *stack);

#endif /* KST_SYMBOLS_H */
