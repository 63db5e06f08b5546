// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opt.h"
#include "util.h"

/**
 * opt_next - get the next option of a verb
 * @argc: with @argv, the verb and what follows
 * @argv: see @argc
 * @shorts: as getopt's, beginning with a colon
 * @longs: as getopt_long's, with OPT_HELP
 * @help: printed for --help
 *
 * Ends the program for --help and for what is no option.
 *
 * Return: the option's letter, -1 after the last.
 */
int opt_next(int argc, char **argv, const char *shorts, const struct option *longs,
	     const char *help)
{
	int c;

	opterr = 0;
	c = getopt_long(argc, argv, shorts, longs, NULL);
	switch (c) {
	case 'h':
		fputs(help, stdout);
		exit(flush_stdout());
	case ':':
		die("%s: option '%s' needs an argument, see 'kstallmon %s --help'", argv[0],
		    argv[optind - 1], argv[0]);
	case '?':
		if (optopt && !strncmp(argv[optind - 1], "--", 2))
			die("%s: option '%s' takes no argument, see 'kstallmon %s --help'", argv[0],
			    argv[optind - 1], argv[0]);
		if (optopt)
			die("%s: unknown option '-%c', see 'kstallmon %s --help'", argv[0], optopt,
			    argv[0]);
		die("%s: unknown option '%s', see 'kstallmon %s --help'", argv[0], argv[optind - 1],
		    argv[0]);
	}
	return c;
}

/**
 * opt_no_args - refuse what stands after the options
 * @argc: with @argv, the verb and what follows
 * @argv: see @argc
 */
void opt_no_args(int argc, char **argv)
{
	if (optind < argc)
		die("%s: takes no argument '%s', see 'kstallmon %s --help'", argv[0], argv[optind],
		    argv[0]);
}

/**
 * opt_number - read an option's argument as a number
 * @verb: for the error
 * @option: likewise
 * @min: the smallest allowed
 * @max: the largest allowed
 *
 * Return: the number; ends the program if it is none.
 */
uint64_t opt_number(const char *verb, const char *option, uint64_t min, uint64_t max)
{
	uint64_t value;
	int ret = parse_u64(optarg, &value);

	if (ret == -EINVAL)
		die("%s: %s: '%s' is not a number from %" PRIu64 " to %" PRIu64, verb, option,
		    optarg, min, max);
	if (ret || value < min || value > max)
		die("%s: %s: %s is out of range, %" PRIu64 " to %" PRIu64, verb, option, optarg,
		    min, max);
	return value;
}

/**
 * opt_seconds - read an option's argument as a time, which need not be whole seconds
 * @verb: for the error
 * @option: likewise
 *
 * Return: the seconds; ends the program if it is no number of them.
 */
double opt_seconds(const char *verb, const char *option)
{
	size_t len = strspn(optarg, "0123456789.");
	double seconds;
	char *end;

	seconds = strtod(optarg, &end);
	if (!*optarg || optarg[len] || *end || seconds > INT_MAX)
		die("%s: %s: '%s' is not a number of seconds", verb, option, optarg);
	return seconds;
}

/**
 * opt_interval - read the argument of --watch
 * @verb: for the error
 *
 * Return: the seconds, more than 0; ends the program if it is no number of them.
 */
double opt_interval(const char *verb)
{
	double seconds = opt_seconds(verb, "--watch");

	if (seconds < 0.01)
		die("%s: --watch: %s is out of range, 0.01 to %d", verb, optarg, INT_MAX);
	return seconds;
}
