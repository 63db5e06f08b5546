// SPDX-License-Identifier: GPL-2.0
/*
 * usage: reader FILE FROM MIB once|hot
 *
 * Reads MIB mebibytes of a file from FROM on through the page cache, until a signal ends it. "once":
 * in order, each page soon forgotten. "hot": mapped, so that all are in use all the time.
 */
#define _FILE_OFFSET_BITS 64
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, "reader: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void once(int fd, off_t from, size_t size)
{
	static char buf[1 << 16];
	size_t done;
	ssize_t n;

	for (done = 0; done < size; done += n) {
		n = pread(fd, buf, sizeof(buf), from + done);
		if (n <= 0)
			die("pread");
	}
}

static void hot(const volatile char *map, size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE), i;

	for (i = 0; i < size; i += page)
		(void)map[i];
}

int main(int argc, char **argv)
{
	char *map = NULL;
	size_t size;
	off_t from;
	int fd;

	if (argc != 5 || (strcmp(argv[4], "once") && strcmp(argv[4], "hot"))) {
		fprintf(stderr, "usage: reader FILE FROM MIB once|hot\n");
		return 2;
	}
	from = (off_t)strtoul(argv[2], NULL, 0) << 20;
	size = strtoul(argv[3], NULL, 0) << 20;
	fd = open(argv[1], O_RDONLY);
	if (fd < 0)
		die(argv[1]);
	if (!strcmp(argv[4], "hot")) {
		map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, from);
		if (map == MAP_FAILED)
			die("mmap");
	}
	for (;;) {
		if (map)
			hot(map, size);
		else
			once(fd, from, size);
	}
}
