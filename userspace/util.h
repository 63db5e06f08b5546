/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_UTIL_H
#define KST_UTIL_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

void err(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void put_escaped(FILE *file, const char *text);
int write_failed(int error);
int flush_stdout(void);
int parse_u64(const char *text, uint64_t *value);
const char *nearest(const char *word, const char *const *names, size_t count);

#endif
