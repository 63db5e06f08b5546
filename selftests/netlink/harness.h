/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's harness, which ends each test after 30 s. A host that takes the CPUs away may need
 * longer; a test that hangs fails all the same.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include "kselftest_harness.h"
#include "nlt.h"

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT NLT_PATIENCE

#endif /* HARNESS_H */
