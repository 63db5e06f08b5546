// SPDX-License-Identifier: GPL-2.0
/*
 * Causes a stall on a CPU and unloads the injector before the stall's frames can be named: a
 * real-time task keeps the CPU from the module's worker until a child on another CPU has unloaded
 * the injector.
 *
 * usage: stall_and_unload CPU OTHER_CPU MS
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WAIT, STALLED, UNLOADED };

static void run_on(const char *text)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(atoi(text), &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		err(1, "CPU %s", text);
}

int main(int argc, char **argv)
{
	struct sched_param param = { .sched_priority = 50 };
	time_t end = time(NULL) + 60;
	char request[64];
	int *step, fd, status;
	pid_t child;

	if (argc != 4)
		errx(1, "usage: %s CPU OTHER_CPU MS", argv[0]);
	snprintf(request, sizeof(request), "irq %s %s", argv[1], argv[3]);
	step = mmap(NULL, sizeof(*step), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (step == MAP_FAILED)
		err(1, "mmap");

	child = fork();
	if (child < 0)
		err(1, "fork");
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run_on(argv[2]);
		while (__atomic_load_n(step, __ATOMIC_ACQUIRE) != STALLED)
			usleep(1000);
		if (syscall(SYS_delete_module, "kstallmon_inject", O_NONBLOCK))
			err(1, "delete_module");
		__atomic_store_n(step, UNLOADED, __ATOMIC_RELEASE);
		return 0;
	}

	run_on(argv[1]);
	/* A page fault would sleep and let the worker run. */
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		err(1, "mlockall");
	fd = open("/sys/kernel/debug/kstallmon_inject/stall", O_WRONLY);
	if (fd < 0)
		err(1, "stall");
	if (sched_setscheduler(0, SCHED_FIFO, &param))
		err(1, "sched_setscheduler");
	if (write(fd, request, strlen(request)) < 0)
		err(1, "write");
	close(fd);
	__atomic_store_n(step, STALLED, __ATOMIC_RELEASE);
	while (__atomic_load_n(step, __ATOMIC_ACQUIRE) != UNLOADED)
		if (time(NULL) > end)
			errx(1, "the injector was not unloaded within 60 s");
	if (wait(&status) != child || status)
		errx(1, "the child failed");
	return 0;
}
