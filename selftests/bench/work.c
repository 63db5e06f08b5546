// SPDX-License-Identifier: GPL-2.0
/*
 * Work whose length in instructions is known, to see what the rest of the machine takes away.
 *
 *	work spin MS         spins in user mode; for each window: ns taken away
 *	work pingpong MS     two processes wake each other; for each: round trips, ns they took
 *	work sleep US MS     sleeps US over and over; for each: sleeps, ns the CPU was busy
 *	work stall MS COUNT  causes stalls and spins after each; for each: ns taken away, without
 *	                     the stall itself
 *	work mmap MS         maps a page and unmaps it again; times it did, ns they took
 *
 * For the VM with one CPU under -icount: an instruction is 4 ns and the TSC counts ns.
 *
 * The scheduler tick comes every 4 ms, kstallmon's beat with every third one at defaults and the
 * empty timer every 10 ms: a window of 60 ms holds the same number of each, whatever the phase. It
 * begins between two ticks, so that nothing regular falls on its border.
 */
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define NS_PER_MS 1000000
#define TICK (4ULL * NS_PER_MS)
#define WINDOW (15 * TICK)
#define WINDOWS_MAX 1000
#define STALL "/sys/kernel/debug/kstallmon_inject/stall"

/* What a chunk takes when nothing interrupts it: the shortest that spin() has seen. */
static uint64_t chunk_ns = UINT64_MAX;

/* 80 us. The emulator makes no code of a nop: long spinning takes next to no time on the host. */
static void chunk(void)
{
	unsigned int n = 40;

	asm volatile("1: .rept 498; nop; .endr; dec %0; jnz 1b" : "+r"(n) : : "cc");
}

/* Spin from @from to about @end, then set to when it was. Returns how much was taken away. */
static uint64_t spin(uint64_t from, uint64_t *end)
{
	uint64_t last = from, now, chunks = 0;

	do {
		chunk();
		chunks++;
		now = __rdtsc();
		if (now - last < chunk_ns)
			chunk_ns = now - last;
		last = now;
	} while (now < *end);
	*end = now;
	return now - from - chunks * chunk_ns;
}

/* Returns a time that lies between two ticks: half a tick after one has interrupted us. */
static uint64_t between_ticks(void)
{
	uint64_t from, now;

	do {
		from = __rdtsc();
		now = from + 1;
	} while (spin(from, &now) < 1000);
	now += TICK / 2;
	spin(now, &now);
	return now;
}

static void run_spin(uint64_t ns)
{
	static uint64_t lost[WINDOWS_MAX];
	unsigned int i, nr = ns / WINDOW;
	uint64_t start = between_ticks(), from = start, end;

	for (i = 0; i < nr; i++, from = end) {
		end = start + (i + 1) * WINDOW;
		lost[i] = spin(from, &end);
	}
	for (i = 0; i < nr; i++)
		printf("%lu\n", lost[i]);
}

static void echo(int from, int to)
{
	char c;

	while (read(from, &c, 1) == 1)
		if (write(to, &c, 1) != 1)
			break;
	_exit(0);
}

static void run_pingpong(uint64_t ns)
{
	static struct {
		uint64_t trips, ns, shortest;
	} window[WINDOWS_MAX];
	unsigned int i, nr = ns / WINDOW;
	uint64_t start, from, last;
	int there[2], back[2];
	char c = 0;

	/* Else the one woken would sometimes run at once, sometimes when the other waits. */
	if (sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){ 0 }))
		err(1, "SCHED_BATCH");
	if (pipe(there) || pipe(back))
		err(1, "pipe");
	switch (fork()) {
	case -1:
		err(1, "fork");
	case 0:
		close(there[1]);
		close(back[0]);
		echo(there[0], back[1]);
	}

	start = between_ticks();
	last = start;
	for (i = 0; i < nr; i++) {
		for (from = last; last < start + (i + 1) * WINDOW; last = __rdtsc()) {
			if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1)
				err(1, "pipe");
			window[i].trips++;
		}
		window[i].ns = last - from;
	}
	for (i = 0; i < nr; i++)
		printf("%lu %lu\n", window[i].trips, window[i].ns);
}

/* How long the CPU has been idle, without the interrupts that came meanwhile. */
static uint64_t idle_ns(int timer_list)
{
	static char text[1 << 16];
	ssize_t len = pread(timer_list, text, sizeof(text) - 1, 0);
	const char *found;

	if (len < 0)
		err(1, "/proc/timer_list");
	text[len] = '\0';
	found = strstr(text, ".idle_sleeptime : ");
	if (!found)
		errx(1, "no idle_sleeptime in /proc/timer_list");
	return strtoull(strchr(found, ':') + 1, NULL, 10);
}

static void run_sleep(uint64_t us, uint64_t ns)
{
	static struct {
		uint64_t sleeps, busy;
	} window[WINDOWS_MAX];
	struct timespec length = { .tv_nsec = us * 1000 };
	int timer_list = open("/proc/timer_list", O_RDONLY);
	unsigned int i, nr = ns / WINDOW;
	uint64_t start, idle;

	prctl(PR_SET_TIMERSLACK, 1);
	for (i = 0; i < nr; i++) {
		idle = idle_ns(timer_list);
		start = __rdtsc();
		while (__rdtsc() - start < WINDOW) {
			nanosleep(&length, NULL);
			window[i].sleeps++;
		}
		window[i].busy = __rdtsc() - start;
		window[i].busy -= idle_ns(timer_list) - idle;
	}
	for (i = 0; i < nr; i++)
		printf("%lu %lu\n", window[i].sleeps, window[i].busy);
}

/*
 * Each stall begins in the same phase of the tick and, as a beat comes when it ends, is followed by
 * the same number of both. Three beats' time is left for whatever a stall entails.
 */
static void run_stall(uint64_t ms, unsigned int count)
{
	static uint64_t lost[WINDOWS_MAX];
	int inject = open(STALL, O_RDWR);
	uint64_t length = ms * NS_PER_MS / TICK * TICK + 10 * TICK;
	uint64_t start, from, end;
	char request[64], answer[256];
	const char *actual;
	unsigned int i;
	ssize_t len;

	if (inject < 0)
		err(1, STALL);
	snprintf(request, sizeof(request), "irq 0 %lu", ms);
	start = between_ticks();
	from = start;
	for (i = 0; i < count; i++, from = end) {
		if (write(inject, request, strlen(request)) < 0)
			err(1, STALL);
		len = pread(inject, answer, sizeof(answer) - 1, 0);
		answer[len > 0 ? len : 0] = '\0';
		actual = strstr(answer, "actual_ns=");
		if (!actual)
			errx(1, "the injector says '%s'", answer);
		end = start + (i + 1) * length;
		lost[i] = __rdtsc() - from - strtoull(strchr(actual, '=') + 1, NULL, 10);
		lost[i] += spin(__rdtsc(), &end);
	}
	for (i = 0; i < count; i++)
		printf("%lu\n", lost[i]);
}

static void run_mmap(uint64_t ns)
{
	uint64_t start = between_ticks(), times = 0, now;
	const size_t page = 4096;
	void *at;

	/* Of locked mappings most of the time is spent on the locks. */
	munlockall();
	do {
		at = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (at == MAP_FAILED || munmap(at, page))
			err(1, "mmap");
		times++;
		now = __rdtsc();
	} while (now - start < ns);
	printf("%lu %lu\n", times, now - start);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	uint64_t a = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	uint64_t b = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;

	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		err(1, "mlockall");
	between_ticks(); /* so that chunk_ns is known */
	if (!strcmp(what, "spin"))
		run_spin(a * NS_PER_MS);
	else if (!strcmp(what, "pingpong"))
		run_pingpong(a * NS_PER_MS);
	else if (!strcmp(what, "sleep"))
		run_sleep(a, b * NS_PER_MS);
	else if (!strcmp(what, "stall"))
		run_stall(a, b);
	else if (!strcmp(what, "mmap"))
		run_mmap(a * NS_PER_MS);
	else
		errx(2,
		     "usage: work spin MS | pingpong MS | sleep US MS | stall MS COUNT | mmap MS");
	return 0;
}
