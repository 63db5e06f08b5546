// SPDX-License-Identifier: GPL-2.0
/*
 * Staying alive when nothing else can get memory: whatever the program will need it takes at its
 * start and keeps.
 *
 * What is allocated later comes from the heap and goes back there: libnl's buffer for an answer
 * (64 KiB) and a copy of each message in it, up to 64 events that wait for their turn, json-c's
 * objects and the text of one event. All that together is less than 1 MiB for events of
 * any size that the module sends.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "alive.h"
#include "util.h"

#define HEAP (4 * 1024 * 1024)
#define STACK (256 * 1024)

/* Others first; -1000 would be never. */
#define OOM_SCORE "-900"

/* A service manager may have set a lower one. Returns 0 or a positive errno. */
static int lower_oom_score(void)
{
	int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC), error = 0;
	char now[16] = "";

	if (fd < 0)
		return errno;
	if (pread(fd, now, sizeof(now) - 1, 0) < 0 ||
	    (atoi(now) > atoi(OOM_SCORE) && pwrite(fd, OOM_SCORE, strlen(OOM_SCORE), 0) < 0))
		error = errno;
	close(fd);
	return error;
}

/* The heap is given back neither to the kernel nor around it. */
static void keep_heap(void)
{
	char *heap;

	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TRIM_THRESHOLD, -1);
	heap = malloc(HEAP);
	if (!heap)
		die("out of memory");
	explicit_bzero(heap, HEAP);
	free(heap);
}

static __attribute__((noinline)) void keep_stack(void)
{
	char stack[STACK];

	explicit_bzero(stack, sizeof(stack));
}

/**
 * alive - take what memory the program will need, and keep it
 * @verb: for the complaint
 *
 * If the program may not, it says so and goes on.
 */
void alive(const char *verb)
{
	int score = lower_oom_score(), lock;

	keep_heap();
	keep_stack();
	lock = mlockall(MCL_CURRENT | MCL_FUTURE) ? errno : 0;
	if (score && lock)
		err("%s: when memory is short, this may be paged out (mlockall: %s) and killed (oom_score_adj: %s)",
		    verb, strerror(lock), strerror(score));
	else if (lock)
		err("%s: when memory is short, this may be paged out: mlockall: %s", verb,
		    strerror(lock));
	else if (score)
		err("%s: when memory is short, this may be killed: oom_score_adj: %s", verb,
		    strerror(score));
}
