// SPDX-License-Identifier: GPL-2.0
/*
 * Verbs that go on until they are told to stop.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "alive.h"
#include "out.h"
#include "stop.h"
#include "util.h"

/**
 * stop_signals - have SIGINT and SIGTERM told by a descriptor instead of being killed
 *
 * Return: the descriptor, readable once one of them has come, or -1 with errno set.
 */
int stop_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static struct timespec to_timespec(double seconds)
{
	struct timespec time = { .tv_sec = seconds };

	time.tv_nsec = (seconds - time.tv_sec) * 1e9;
	return time;
}

/**
 * stop_timer - have the end of a time told by a descriptor
 * @seconds: the time; less than 0: never
 * @again: and then each so many seconds; 0: no more
 *
 * Return: the descriptor, readable once the time is over, or -1 with errno set.
 */
int stop_timer(double seconds, double again)
{
	struct itimerspec when = { 0 };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0 || seconds < 0)
		return fd;
	when.it_value = to_timespec(seconds);
	when.it_interval = to_timespec(again);
	if (!when.it_value.tv_sec && !when.it_value.tv_nsec)
		when.it_value.tv_nsec = 1;
	timerfd_settime(fd, 0, &when, NULL);
	return fd;
}

/* Until the timer says that it is time; false: until there is no more use. */
static bool wait_for(struct pollfd fds[3])
{
	uint64_t times;

	for (;;) {
		if (poll(fds, 3, -1) < 0 && errno != EINTR)
			return false;
		if (fds[0].revents || fds[1].revents)
			return false;
		if (read(fds[2].fd, &times, sizeof(times)) == sizeof(times))
			return true;
	}
}

/* What could not be written: no matter if that is because nobody wants it any more. */
static int write_stopped(const struct pollfd *signals, int error)
{
	struct pollfd fd = *signals;

	return poll(&fd, 1, 0) == 1 ? EXIT_SUCCESS : write_failed(error);
}

static int show_again(const char *verb, struct pollfd fds[3], bool apart, watch_show show,
		      void *arg)
{
	bool clear = isatty(STDOUT_FILENO) && apart;

	for (bool first = true;; first = false) {
		int ret;

		if (clear)
			fputs("\033[H\033[2J", stdout);
		else if (apart && !first)
			putchar('\n');
		ret = show(arg);
		errno = 0;
		if (fflush(stdout) || ferror(stdout))
			return ret ? ret : write_stopped(&fds[0], errno);
		if (ret)
			return ret;
		/* Whoever may not ask hears of nothing else. */
		if (first)
			alive(verb);
		if (!wait_for(fds))
			return EXIT_SUCCESS;
	}
}

/**
 * watch - print something again and again
 * @verb: for the error
 * @seconds: from one time to the next; 0: only once
 * @apart: keep what is printed each time apart, on a terminal by clearing it
 * @show: prints it to standard output
 * @arg: for @show
 *
 * Keeps its memory from the second time on, see alive().
 *
 * Until SIGINT or SIGTERM comes, nobody reads standard output any more, or @show fails.
 *
 * Return: the exit status.
 */
int watch(const char *verb, double seconds, bool apart, watch_show show, void *arg)
{
	struct pollfd fds[3] = {
		{ .events = POLLIN },
		{ .fd = STDOUT_FILENO },
		{ .events = POLLIN },
	};
	FILE *plain = stdout;
	struct out out;
	int ret;

	if (!seconds)
		return show(arg);
	out_init(&out, false, false);
	fds[0].fd = stop_signals();
	fds[2].fd = stop_timer(seconds, seconds);
	if (fds[0].fd < 0 || fds[2].fd < 0)
		die("%s: %s", verb, strerror(errno));
	ret = out_stoppable(&out, (int[]){ fds[0].fd, fds[0].fd });
	if (ret)
		die("%s: %s", verb, strerror(-ret));
	/* Tables go there by themselves. */
	stdout = out.file;
	ret = show_again(verb, fds, apart, show, arg);
	stdout = plain;
	out_close(&out);
	close(fds[0].fd);
	close(fds[2].fd);
	return ret;
}
