// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "opt.h"
#include "util.h"

static int cmd_help(int argc, char **argv);

static const struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *description;
} verbs[] = {
	{ "monitor", cmd_monitor, "print events as they happen" },
	{ "history", cmd_history, "print the events the module still holds" },
	{ "stalls", cmd_stalls, "count stalls by length, and name the top culprits" },
	{ "status", cmd_status, "print the state of the module and of each CPU" },
	{ "zones", cmd_zones, "print how full each zone of memory is, and what is reclaimed" },
	{ "tasks", cmd_tasks, "print the processes that have the most mappings" },
	{ "get", cmd_get, "print tunables" },
	{ "set", cmd_set, "set tunables" },
	{ "verify", cmd_verify,
	  "cause a stall of each kind and see whether it is told (tests only)" },
	{ "version", cmd_version, "print the versions of client and module" },
	{ "help", cmd_help, "print this list, or the help of a verb" },
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

static int run(int argc, char **argv)
{
	const char *names[ARRAY_SIZE(verbs)], *meant;
	const struct verb *verb = find_verb(argv[0]);

	if (verb)
		return verb->run(argc, argv);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		names[i] = verbs[i].name;
	meant = nearest(argv[0], names, ARRAY_SIZE(names));
	if (meant)
		err("no verb '%s': did you mean '%s'?", argv[0], meant);
	else
		err("no verb '%s', see 'kstallmon help'", argv[0]);
	return EXIT_FAILURE;
}

static int cmd_help(int argc, char **argv)
{
	static char option[] = "--help";

	if (argc > 2)
		die("help: takes one verb, not '%s'", argv[2]);
	if (argc == 2 && strcmp(argv[1], "help") && argv[1][0] != '-') {
		char *with_help[] = { argv[1], option, NULL };

		return run(2, with_help);
	}
	if (argc == 2 && argv[1][0] == '-' && strcmp(argv[1], option) && strcmp(argv[1], "-h"))
		die("help: unknown option '%s', see 'kstallmon help'", argv[1]);
	puts("Usage: kstallmon VERB [OPTION]...\n"
	     "Tell why a host hangs: what holds a CPU up, where memory is short, who runs out of it.\n");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		printf("  %-10s %s\n", verbs[i].name, verbs[i].description);
	puts("\nEach verb has its own --help. The manual page is kstallmon(8).\n"
	     "Example: kstallmon monitor --time");
	return EXIT_SUCCESS;
}

static int finish(int status)
{
	return flush_stdout() ? EXIT_FAILURE : status;
}

/* A descriptor below 3 that is closed would be given to a socket. */
static void open_standard_files(void)
{
	if (fcntl(STDOUT_FILENO, F_GETFD) < 0)
		die("standard output is closed");
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	static char help[] = "help", version[] = "version";

	open_standard_files();
	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2) {
		err("no verb given, see 'kstallmon help'");
		return EXIT_FAILURE;
	}
	argc--;
	argv++;
	if (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h"))
		argv[0] = help;
	else if (!strcmp(argv[0], "--version") || !strcmp(argv[0], "-V"))
		argv[0] = version;
	return finish(run(argc, argv));
}
