// SPDX-License-Identifier: GPL-2.0
/*
 * usage: crowd N
 *
 * Has N processes that wait, and then does what its input says, a line for each:
 *
 *	maps      counts the mappings of all processes by their lines in /proc/PID/maps; says how
 *	          many processes, how many lines, and how many ns it took
 *	zoneinfo  reads /proc/zoneinfo a hundred times; says how many ns one time took
 */
#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* Returns the number of lines; 0 if there is no such file any more. */
static uint64_t lines_of(const char *path)
{
	static char buf[1 << 16];
	uint64_t lines = 0;
	ssize_t n, i;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return 0;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (i = 0; i < n; i++)
			lines += buf[i] == '\n';
	close(fd);
	return lines;
}

static void maps(void)
{
	uint64_t begin = now(), tasks = 0, lines = 0;
	struct dirent *entry;
	char path[300];
	DIR *proc = opendir("/proc");

	if (!proc)
		err(1, "/proc");
	while ((entry = readdir(proc))) {
		if (!isdigit(entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/maps", entry->d_name);
		lines += lines_of(path);
		tasks++;
	}
	closedir(proc);
	printf("%lu %lu %lu\n", tasks, lines, now() - begin);
}

static void zoneinfo(void)
{
	uint64_t begin = now();
	int i;

	for (i = 0; i < 100; i++)
		lines_of("/proc/zoneinfo");
	printf("%lu\n", (now() - begin) / 100);
}

int main(int argc, char **argv)
{
	char line[32];
	int i, n;

	if (argc != 2)
		errx(2, "usage: crowd N");
	n = atoi(argv[1]);
	for (i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
	}
	printf("%d\n", n);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		if (!strcmp(line, "maps\n"))
			maps();
		else
			zoneinfo();
		fflush(stdout);
	}
	return 0;
}
