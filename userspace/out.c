// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <netlink/genl/genl.h>

#include "out.h"

/*
 * Larger than any record, so that only flush() writes, and sees the errors. The library would
 * allocate one of a size that it likes better.
 */
static char buffer[256 * 1024];

/**
 * out_colour - tell whether standard output may have colours
 *
 * Return: whether.
 */
bool out_colour(void)
{
	const char *no_color = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color);
}

/**
 * out_init - make a printer to standard output
 * @out: filled in
 * @json: for programs, not for people
 * @time: begin text with the local time
 */
void out_init(struct out *out, bool json, bool time)
{
	*out = (struct out){
		.ops = json ? &out_json : &out_text,
		.file = stdout,
		.time = time,
		.colour = out_colour(),
	};
	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
}

/* In pieces that a pipe takes without blocking when it says it is writable. */
static ssize_t write_or_stop(void *cookie, const char *buf, size_t size)
{
	struct pollfd *fds = cookie;
	size_t done = 0;

	while (done < size) {
		size_t piece = size - done < PIPE_BUF ? size - done : PIPE_BUF;
		ssize_t ret;

		if (poll(fds, 3, -1) < 0) {
			if (errno == EINTR)
				continue;
			break;
		}
		if (!fds[0].revents) {
			errno = EINTR;
			break;
		}
		ret = write(fds[0].fd, buf + done, piece);
		if (ret < 0 && errno != EAGAIN && errno != EINTR)
			break;
		if (ret > 0)
			done += ret;
	}
	return done;
}

/**
 * out_stoppable - let a printer give up when its reader is stuck
 * @out: the printer
 * @stops: descriptors; when one is readable while standard output blocks,
 *	printing fails with EINTR
 *
 * Return: 0 or a negative errno.
 */
int out_stoppable(struct out *out, const int stops[2])
{
	static struct pollfd fds[3];
	static const cookie_io_functions_t io = { .write = write_or_stop };
	FILE *file;

	fds[0] = (struct pollfd){ .fd = STDOUT_FILENO, .events = POLLOUT };
	fds[1] = (struct pollfd){ .fd = stops[0], .events = POLLIN };
	fds[2] = (struct pollfd){ .fd = stops[1], .events = POLLIN };
	file = fopencookie(fds, "w", io);
	if (!file)
		return -errno;
	/* Nothing was written there yet, and nothing will be. */
	setvbuf(stdout, NULL, _IONBF, 0);
	setvbuf(file, buffer, _IOFBF, sizeof(buffer));
	out->file = file;
	return 0;
}

/* A message as an event's might be; false without memory. */
static bool make_event(struct nl_msg *msg)
{
	struct nlattr *nest;

	if (!genlmsg_put(msg, 0, 0, 0, 0, 0, KSTALLMON_CMD_EVENT_NTF, KSTALLMON_FAMILY_VERSION) ||
	    nla_put_u32(msg, KSTALLMON_A_EVENT_INSTANCE, 1) ||
	    nla_put_u64(msg, KSTALLMON_A_EVENT_SEQ, 1) ||
	    nla_put_u32(msg, KSTALLMON_A_EVENT_TYPE, KSTALLMON_EVENT_TYPE_VMA_STATE) ||
	    nla_put_u64(msg, KSTALLMON_A_EVENT_TIME_REAL, out_now(CLOCK_REALTIME)))
		return false;
	nest = nla_nest_start(msg, KSTALLMON_A_EVENT_TASK);
	if (!nest || nla_put_string(msg, KSTALLMON_A_TASK_COMM, "\303\244\1"))
		return false;
	nla_nest_end(msg, nest);
	nest = nla_nest_start(msg, KSTALLMON_A_EVENT_VMA);
	if (!nest || nla_put_u32(msg, KSTALLMON_A_VMA_COUNT, 1) ||
	    nla_put_u32(msg, KSTALLMON_A_VMA_LIMIT, 3))
		return false;
	nla_nest_end(msg, nest);
	return true;
}

/**
 * out_rehearse - print an event to nowhere
 * @out: the printer
 *
 * What libraries load for their first use (the time zone, the locale's characters, random numbers)
 * they have afterwards.
 */
void out_rehearse(const struct out *out)
{
	struct out nowhere = { .ops = out->ops, .time = true, .colour = out->colour };
	struct nl_msg *msg = nlmsg_alloc();
	struct event event;

	nowhere.file = fopen("/dev/null", "we");
	if (nowhere.file && msg && make_event(msg) && !event_decode(nlmsg_hdr(msg), &event))
		out_event(&nowhere, &event);
	if (nowhere.file)
		fclose(nowhere.file);
	nlmsg_free(msg);
}

/**
 * out_close - let go of what out_stoppable() made
 * @out: the printer
 */
void out_close(struct out *out)
{
	if (out->file != stdout)
		fclose(out->file);
	out->file = stdout;
}

/* Readers wait for each record: it must not stay in a buffer. */
static int flush(struct out *out)
{
	errno = 0;
	if (fflush(out->file) || ferror(out->file))
		return errno ? -errno : -EIO;
	return 0;
}

/**
 * out_event - print an event
 * @out: the printer
 * @event: the event
 *
 * Return: 0 or a negative errno.
 */
int out_event(struct out *out, const struct event *event)
{
	out->ops->event(out, event);
	return flush(out);
}

/**
 * out_lost - print that events can't be had any more
 * @out: the printer
 * @instance: theirs
 * @from: the first
 * @to: the last
 *
 * Return: 0 or a negative errno.
 */
int out_lost(struct out *out, uint32_t instance, uint64_t from, uint64_t to)
{
	out->ops->lost(out, instance, from, to);
	return flush(out);
}

/**
 * out_gone - print that the module was unloaded
 * @out: the printer
 * @instance: which load of it
 *
 * Return: 0 or a negative errno.
 */
int out_gone(struct out *out, uint32_t instance)
{
	out->ops->gone(out, instance);
	return flush(out);
}

/**
 * out_back - print that the module is there again
 * @out: the printer
 * @instance: the new load of it
 *
 * Return: 0 or a negative errno.
 */
int out_back(struct out *out, uint32_t instance)
{
	out->ops->back(out, instance);
	return flush(out);
}

/**
 * out_time - write a time as local time with milliseconds
 * @file: where to
 * @real: nanoseconds of CLOCK_REALTIME
 */
void out_time(FILE *file, uint64_t real)
{
	time_t seconds = real / 1000000000;
	char text[64];
	struct tm tm;

	localtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%F %T", &tm);
	fprintf(file, "%s.%03" PRIu64, text, real / 1000000 % 1000);
}

/* In tenths of a millisecond, rounded down or up. */
static void put_ms(FILE *file, uint64_t ns, bool up)
{
	uint64_t tenths = ns / 100000 + (up && ns % 100000);

	fprintf(file, "%" PRIu64 ".%" PRIu64, tenths / 10, tenths % 10);
}

/**
 * out_ms - write a duration that is a lower bound
 * @file: where to
 * @ns: the duration
 */
void out_ms(FILE *file, uint64_t ns)
{
	put_ms(file, ns, false);
	fputs(" ms", file);
}

/**
 * out_bounds - write a duration's bounds, which stay bounds: they are rounded outwards
 * @file: where to
 * @min: the lower one in ns
 * @max: the upper one in ns
 */
void out_bounds(FILE *file, uint64_t min, uint64_t max)
{
	put_ms(file, min, false);
	fputs("..", file);
	put_ms(file, max, true);
	fputs(" ms", file);
}

/**
 * out_now - read a clock
 * @clock: CLOCK_*
 *
 * Return: nanoseconds.
 */
uint64_t out_now(int clock)
{
	struct timespec now = { 0 };

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}
