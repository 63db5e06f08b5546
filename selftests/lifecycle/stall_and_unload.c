// SPDX-License-Identifier: GPL-2.0
/*
 * Causes a stall on a CPU and unloads the injector before the stall's frames can be named: as a
 * real-time task it leaves the CPU to the module's worker only when it sleeps, which within
 * delete_module() is after the module's symbols are gone.
 *
 * usage: stall_and_unload CPU MS
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sched_param param = { .sched_priority = 50 };
	char request[64];
	cpu_set_t cpus;
	int fd, cpu;

	if (argc != 3)
		errx(1, "usage: %s CPU MS", argv[0]);
	cpu = atoi(argv[1]);
	snprintf(request, sizeof(request), "irq %d %s", cpu, argv[2]);

	/* A page fault, or binding close() late, would sleep. */
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		err(1, "mlockall");
	close(-1);
	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		err(1, "sched_setaffinity");
	fd = open("/sys/kernel/debug/kstallmon_inject/stall", O_WRONLY);
	if (fd < 0)
		err(1, "stall");
	if (sched_setscheduler(0, SCHED_FIFO, &param))
		err(1, "sched_setscheduler");

	if (write(fd, request, strlen(request)) < 0)
		err(1, "write");
	close(fd);
	if (syscall(SYS_delete_module, "kstallmon_inject", O_NONBLOCK))
		err(1, "delete_module");
	return 0;
}
