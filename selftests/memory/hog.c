// SPDX-License-Identifier: GPL-2.0
/*
 * usage: hog NODE MIB
 *
 * Takes memory of a NUMA node page by page, at the pace of its reader: for each number that it
 * reads, it takes as many pages more and says how many it has now. It holds them until its input
 * ends, and has room for MIB mebibytes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/mempolicy.h>

static void die(const char *what)
{
	fprintf(stderr, "hog: %s: %s\n", what, strerror(errno));
	exit(1);
}

int main(int argc, char **argv)
{
	size_t page = sysconf(_SC_PAGESIZE), pages = 0, room, more;
	unsigned long nodes;
	char *memory;

	if (argc != 3) {
		fprintf(stderr, "usage: hog NODE MIB\n");
		return 2;
	}
	nodes = 1UL << strtoul(argv[1], NULL, 0);
	room = strtoul(argv[2], NULL, 0) << 20;
	memory = mmap(NULL, room, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		die("mmap");
	if (syscall(SYS_mbind, memory, room, MPOL_BIND, &nodes, 8 * sizeof(nodes), 0))
		die("mbind");
	/* A huge page would be many at once. */
	if (madvise(memory, room, MADV_NOHUGEPAGE) && errno != EINVAL)
		die("madvise");

	while (scanf("%zu", &more) == 1) {
		for (; more && pages < room / page; more--)
			memory[pages++ * page] = 1;
		printf("%zu\n", pages);
		fflush(stdout);
	}
	return 0;
}
