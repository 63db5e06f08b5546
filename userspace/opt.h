/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KST_OPT_H
#define KST_OPT_H

#include <getopt.h>
#include <stdint.h>

#define OPT_HELP                               \
	{                                      \
		"help", no_argument, NULL, 'h' \
	}

int opt_next(int argc, char **argv, const char *shorts, const struct option *longs,
	     const char *help);
void opt_no_args(int argc, char **argv);
uint64_t opt_number(const char *verb, const char *option, uint64_t min, uint64_t max);
double opt_seconds(const char *verb, const char *option);
double opt_interval(const char *verb);

#endif
