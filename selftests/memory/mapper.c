// SPDX-License-Identifier: GPL-2.0
/*
 * A process that maps as it is told. It prints its process id, then answers each line of stdin
 * with "done", after what it has to say:
 *
 *   map N           maps N more single pages, none of which can merge with another
 *   unmap N         takes the last N back
 *   full            maps until the kernel refuses; "N": how many there are then
 *   pace N MS       maps one every MS / N ms; "BEFORE AFTER COUNT" for each: CLOCK_BOOTTIME in ns
 *                   around it, and how many there are then; ends when the kernel refuses one
 *   vfork           has a vfork child that sleeps; "PID" of the child
 *   clone           has a child that shares its memory and sleeps; "PID" of the child
 *   leave           goes on in another thread and ends the first
 *   children N MORE has N children that sleep, of which MORE have mappings more than it has itself:
 *                   one of them 1, one 2, and so on; "PID" for each
 *   reap            kills all children
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096UL
#define MAPPINGS_MAX 131072UL
#define CHILDREN_MAX 16384

static char *const window = (char *)0x100000000000; /* where nothing else is mapped */
static unsigned long mapped;
static pid_t children[CHILDREN_MAX];
static unsigned int nr_children;

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* Neighbours differ in their protection, or they would be one mapping. */
static bool map_one(void)
{
	if (mapped == MAPPINGS_MAX)
		errx(1, "no more addresses");
	if (mmap(window + mapped * PAGE, PAGE, mapped % 2 ? PROT_READ : PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED) {
		if (errno != ENOMEM)
			err(1, "mmap");
		return false;
	}
	mapped++;
	return true;
}

static void map_more(unsigned long nr)
{
	while (nr--)
		if (!map_one())
			err(1, "mmap, after %lu", mapped);
}

static void unmap(unsigned long nr)
{
	while (nr--) {
		mapped--;
		if (munmap(window + mapped * PAGE, PAGE))
			err(1, "munmap");
	}
}

/* Due times do not depend on when the mappings before were made. */
static void pace(unsigned long nr, uint64_t ms)
{
	uint64_t begin = now(), due, before, after;
	struct timespec ts;
	unsigned long i;

	for (i = 1; i <= nr; i++) {
		due = begin + ms * 1000000 / nr * i;
		ts.tv_sec = due / 1000000000;
		ts.tv_nsec = due % 1000000000;
		while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &ts, NULL) == EINTR)
			;
		before = now();
		if (!map_one())
			return;
		after = now();
		printf("%lu %lu %lu\n", before, after, mapped);
	}
}

static void add_child(pid_t pid)
{
	if (pid < 0)
		err(1, "child");
	if (nr_children == CHILDREN_MAX)
		errx(1, "too many children");
	children[nr_children++] = pid;
}

static void sleep_for_ever(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

/* Set by a child that shares this memory. */
static atomic_int sharer;

static int sharing_child(void *unused)
{
	/* It shares errno and all else with its parent: nothing but bare system calls. */
	syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
	atomic_store(&sharer, syscall(SYS_getpid));
	for (;;)
		syscall(SYS_ppoll, NULL, 0, NULL, NULL); /* every architecture has it */
	return 0;
}

static void *vfork_thread(void *stack)
{
	/* This thread does not go on before the child is killed. */
	clone(sharing_child, stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
	return NULL;
}

static void share(bool with_vfork)
{
	char *stack = malloc(65536);
	pthread_t thread;

	if (!stack)
		err(1, "malloc");
	atomic_store(&sharer, 0);
	if (with_vfork) {
		if (pthread_create(&thread, NULL, vfork_thread, stack + 65536))
			errx(1, "no thread");
		pthread_detach(thread);
	} else if (clone(sharing_child, stack + 65536, CLONE_VM | SIGCHLD, NULL) < 0) {
		err(1, "clone");
	}
	while (!atomic_load(&sharer))
		usleep(1000);
	add_child(sharer);
	printf("%d\n", sharer);
}

static void have_children(unsigned long nr, unsigned long more)
{
	unsigned long i;
	pid_t pid;

	for (i = 0; i < nr; i++) {
		/* A prime, so that heights come in no order. */
		unsigned long place = i * 7919 % nr;

		fflush(stdout);
		pid = fork();
		if (!pid) {
			map_more(place < more ? more - place : 0);
			sleep_for_ever();
		}
		add_child(pid);
		printf("%d\n", pid);
	}
}

static void reap(void)
{
	unsigned int i;

	for (i = 0; i < nr_children; i++)
		kill(children[i], SIGKILL);
	for (i = 0; i < nr_children; i++)
		while (waitpid(children[i], NULL, __WALL) < 0 && errno == EINTR)
			;
	nr_children = 0;
}

static void *obey(void *unused);

static void leave(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, obey, NULL))
		errx(1, "no thread");
	pthread_exit(NULL);
}

static void full(void)
{
	while (map_one())
		;
	printf("%lu\n", mapped);
}

static void *obey(void *unused)
{
	unsigned long a, b;
	char line[128], word[16];

	if (getpid() != syscall(SYS_gettid)) {
		prctl(PR_SET_NAME, "survivor");
		puts("done");
		fflush(stdout);
	}
	while (fgets(line, sizeof(line), stdin)) {
		a = 0;
		b = 0;
		if (sscanf(line, "%15s %lu %lu", word, &a, &b) < 1)
			errx(2, "an empty line");
		if (!strcmp(word, "map"))
			map_more(a);
		else if (!strcmp(word, "unmap"))
			unmap(a);
		else if (!strcmp(word, "full"))
			full();
		else if (!strcmp(word, "pace"))
			pace(a, b);
		else if (!strcmp(word, "vfork"))
			share(true);
		else if (!strcmp(word, "clone"))
			share(false);
		else if (!strcmp(word, "leave"))
			leave();
		else if (!strcmp(word, "children"))
			have_children(a, b);
		else if (!strcmp(word, "reap"))
			reap();
		else
			errx(2, "what is '%s'?", word);
		puts("done");
		fflush(stdout);
	}
	reap();
	exit(0);
}

int main(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	printf("%d\n", getpid());
	fflush(stdout);
	obey(NULL);
	return 0;
}
