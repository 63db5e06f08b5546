// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/genetlink.h>
#include <netlink/genl/genl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include "alive.h"
#include "cmd.h"
#include "nl.h"
#include "opt.h"
#include "stop.h"
#include "stream.h"
#include "util.h"

#define RCVBUF (1024 * 1024)
#define ATTEMPTS 8 /* when the module is reloaded all the time */

static const char help[] =
	"Usage: kstallmon monitor [OPTION]...\n"
	"Print events as they happen, until interrupted.\n"
	"\n"
	"      --json         one JSON object per line\n"
	"  -n, --count N      exit after N events\n"
	"      --timeout S    exit after S seconds (0.5 is fine)\n"
	"      --since SEQ    begin with event number SEQ, from the history\n"
	"  -t, --time         begin each line with the local time\n"
	"      --rcvbuf BYTES receive buffer for events (default 1048576)\n"
	"      --no-lock      keep no memory ready for when there is none\n"
	"  -h, --help         this text\n"
	"\n"
	"Example: all that the module still knows, and what comes in the next minute:\n"
	"  kstallmon monitor --time --since 1 --timeout 60\n";

/**
 * struct monitor - what monitor knows
 * @stream: the events; its instance is the module's when it was last there
 * @nl: for requests
 * @events: for notifications, of events and of families that come and go
 * @signals: readable when the program shall end
 * @timer: readable when the time is over
 * @present: whether the module is there
 * @behind: ask the history once @events is read empty
 * @check: before that, look whether this is still the same module
 * @wait: no memory in the kernel: wait a little with it
 * @reloads: how often the module came back
 */
struct monitor {
	struct stream stream;
	struct knl nl;
	struct nl_sock *events;
	int signals;
	int timer;
	bool present;
	bool behind;
	bool check;
	bool wait;
	unsigned int reloads;
};

struct where {
	uint32_t instance;
	uint64_t numbered;
};

static int take_status(struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *tb[KSTALLMON_A_STATUS_MAX + 1];
	struct where *where = arg;

	spec_parse_message(&spec_status, nlh, tb);
	where->instance = spec_u32(tb[KSTALLMON_A_STATUS_INSTANCE]);
	where->numbered = spec_u64(tb[KSTALLMON_A_STATUS_NUMBERED]);
	return where->instance ? 0 : -EBADMSG;
}

/* Joins before it asks for the last number: what comes later is notified. */
static int attach(struct monitor *m, struct where *where)
{
	int ret = knl_find(&m->nl);

	if (!ret)
		ret = knl_join(m->events, m->nl.family.group);
	if (!ret)
		ret = knl_request(&m->nl, knl_message(&m->nl, KSTALLMON_CMD_STATUS_GET),
				  take_status, where);
	return ret;
}

static int leave(struct monitor *m)
{
	int ret;

	if (!m->present)
		return 0;
	m->present = false;
	ret = stream_end(&m->stream);
	return ret ? ret : out_gone(m->stream.out, m->stream.instance);
}

static int enter(struct monitor *m, const struct where *where)
{
	int ret;

	if (m->present && m->stream.instance == where->instance)
		return 0;
	ret = leave(m);
	if (!ret)
		ret = out_back(m->stream.out, where->instance);
	stream_begin(&m->stream, where->instance, 1);
	m->present = true;
	m->reloads++;
	return ret;
}

/* Find out where the module stands and print what is due. */
static int catch_up(struct monitor *m)
{
	struct where where;
	int ret;

	for (int i = 0; i < ATTEMPTS; i++) {
		if (m->check) {
			ret = attach(m, &where);
			if (ret == -ENOENT && m->nl.family.id)
				continue;
			if (ret == -ENOENT) {
				m->behind = m->check = false;
				return leave(m);
			}
			if (!ret)
				ret = enter(m, &where);
			if (ret)
				return ret;
			m->check = false;
		}
		ret = m->present ? stream_dump(&m->stream) : 0;
		if (ret != -ENOENT && ret != STREAM_OTHER) {
			m->behind = ret < 0;
			return ret;
		}
		m->check = true;
	}
	return -EAGAIN;
}

/* As catch_up(), but what will pass is tried again later. */
static int catch_up_later(struct monitor *m)
{
	int ret = catch_up(m);

	/* A module that is just being unloaded is a protocol not supported. */
	m->wait = ret == -EAGAIN || ret == -ENOBUFS || ret == -ENOMEM || ret == -EBUSY ||
		  ret == -EPROTONOSUPPORT;
	return m->wait ? 0 : ret;
}

static int family_changed(struct monitor *m, struct nlmsghdr *nlh)
{
	struct genlmsghdr *genl = nlmsg_data(nlh);
	struct nlattr *tb[CTRL_ATTR_MAX + 1];

	if (genlmsg_parse(nlh, 0, tb, CTRL_ATTR_MAX, NULL) || !tb[CTRL_ATTR_FAMILY_NAME] ||
	    !tb[CTRL_ATTR_FAMILY_ID] ||
	    nla_strcmp(tb[CTRL_ATTR_FAMILY_NAME], KSTALLMON_FAMILY_NAME))
		return 0;
	if (genl->cmd == CTRL_CMD_NEWFAMILY)
		m->behind = m->check = true;
	/* It may be about an older load than the one we have found since. */
	if (genl->cmd == CTRL_CMD_DELFAMILY &&
	    nla_get_u16(tb[CTRL_ATTR_FAMILY_ID]) == m->nl.family.id)
		return leave(m);
	return 0;
}

static int dispatch(struct monitor *m, struct nlmsghdr *nlh)
{
	struct genlmsghdr *genl = nlmsg_data(nlh);
	int ret;

	if (!genlmsg_valid_hdr(nlh, 0))
		return 0;
	if (nlh->nlmsg_type == GENL_ID_CTRL)
		return family_changed(m, nlh);
	if (!m->present || nlh->nlmsg_type != m->nl.family.id) {
		m->behind = m->check = true;
		return 0;
	}
	if (genl->cmd != KSTALLMON_CMD_EVENT_NTF)
		return 0;
	ret = stream_live(&m->stream, nlh);
	if (ret != STREAM_BEHIND && ret != STREAM_OTHER)
		return ret;
	m->behind = true;
	m->check |= ret == STREAM_OTHER;
	return 0;
}

static int receive(struct monitor *m)
{
	static char buf[64 * 1024] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct sockaddr_nl from;
	socklen_t from_len = sizeof(from);
	struct nlmsghdr *nlh = (void *)buf;
	int ret = 0, len = recvfrom(nl_socket_get_fd(m->events), buf, sizeof(buf), MSG_TRUNC,
				    (void *)&from, &from_len);

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (len < 0 && errno != ENOBUFS)
		return -errno;
	/* Anything may be lost, a family's coming and going too. */
	if (len < 0 || (size_t)len > sizeof(buf)) {
		m->behind = m->check = true;
		return 0;
	}
	if (from.nl_pid)
		return 0;
	for (; !ret && nlmsg_ok(nlh, len); nlh = nlmsg_next(nlh, &len))
		ret = dispatch(m, nlh);
	return ret;
}

/*
 * A full socket takes nothing more until it is read empty, and does not tell
 * again meanwhile: only then may the history be asked.
 */
static int run(struct monitor *m)
{
	struct pollfd fds[] = {
		{ .fd = m->signals, .events = POLLIN },
		{ .fd = STDOUT_FILENO },
		{ .fd = nl_socket_get_fd(m->events), .events = POLLIN },
		{ .fd = m->timer, .events = POLLIN },
	};

	for (;;) {
		int timeout = !m->behind ? -1 : m->wait ? 100 : 0, ret = 0;

		if (poll(fds, ARRAY_SIZE(fds), timeout) < 0 && errno != EINTR)
			return -errno;
		if (fds[0].revents)
			return -EINTR;
		if (fds[1].revents)
			return -EPIPE;
		if (fds[3].revents) {
			m->check = true;
			return catch_up_later(m);
		}
		if (fds[2].revents)
			ret = receive(m);
		else if (m->behind)
			ret = catch_up_later(m);
		if (ret)
			return ret;
	}
}

/* Whoever may not ask hears of nothing else, so memory is taken only after the first answer. */
static int begin(struct monitor *m, bool since_given, uint64_t since, bool lock)
{
	struct knl_family control;
	struct where where;
	int ret = knl_family_of(&m->nl, "nlctrl", "notify", &control);

	if (!ret)
		ret = knl_join(m->events, control.group);
	if (!ret)
		ret = attach(m, &where);
	if (ret)
		return ret;
	out_rehearse(m->stream.out);
	if (lock)
		alive("monitor");
	m->present = true;
	stream_begin(&m->stream, where.instance, since_given ? since : where.numbered + 1);
	return since_given ? catch_up_later(m) : 0;
}

static void summary(const struct monitor *m)
{
	err("%" PRIu64 " events, %" PRIu64 " gone, %u reloads of the module%s", m->stream.events,
	    m->stream.gone, m->reloads, m->present ? "" : ", not loaded now");
}

static int finish(const struct monitor *m, int ret)
{
	struct signalfd_siginfo info;

	if (ret == -EINTR) {
		if (read(m->signals, &info, sizeof(info)) == sizeof(info))
			summary(m);
		return EXIT_SUCCESS;
	}
	if (ret == -EPIPE || ferror(m->stream.out->file))
		return write_failed(-ret);
	if (ret < 0)
		knl_error(&m->nl, ret, "monitor");
	return ret < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int cmd_monitor(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "count", required_argument, NULL, 'n' },
		{ "timeout", required_argument, NULL, 'T' },
		{ "since", required_argument, NULL, 's' },
		{ "time", no_argument, NULL, 't' },
		{ "rcvbuf", required_argument, NULL, 'r' },
		{ "no-lock", no_argument, NULL, 'L' },
		OPT_HELP,
		{ 0 },
	};
	struct monitor m = { 0 };
	bool json = false, time = false, since_given = false, lock = true;
	uint64_t since = 0, count = 0, rcvbuf = RCVBUF;
	double timeout = -1;
	struct out out;
	int c, ret;

	while ((c = opt_next(argc, argv, ":n:th", options, help)) >= 0) {
		if (c == 'j')
			json = true;
		else if (c == 'n')
			count = opt_number(argv[0], "--count", 1, UINT64_MAX);
		else if (c == 'T')
			timeout = opt_seconds(argv[0], "--timeout");
		else if (c == 's')
			since = opt_number(argv[0], "--since", 1, UINT64_MAX);
		else if (c == 't')
			time = true;
		else if (c == 'r')
			rcvbuf = opt_number(argv[0], "--rcvbuf", 1, INT_MAX / 2);
		else if (c == 'L')
			lock = false;
		since_given |= c == 's';
	}
	opt_no_args(argc, argv);

	if (knl_open(&m.nl, argv[0]))
		return EXIT_FAILURE;
	out_init(&out, json, time);
	m.signals = stop_signals();
	m.timer = stop_timer(timeout, 0);
	m.events = knl_listen(rcvbuf);
	if (m.signals < 0 || m.timer < 0 || !m.events)
		die("monitor: %s", strerror(errno));
	ret = out_stoppable(&out, (int[]){ m.signals, m.timer });
	if (!ret) {
		m.stream.nl = &m.nl;
		m.stream.out = &out;
		m.stream.limit = count;
		ret = begin(&m, since_given, since, lock);
	}
	if (!ret)
		ret = run(&m);
	ret = finish(&m, ret);
	stream_begin(&m.stream, 0, 0);
	out_close(&out);
	nl_socket_free(m.events);
	knl_close(&m.nl);
	return ret;
}
