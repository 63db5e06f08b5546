// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "nlt.h"

/* What does not fit is counted as unknown to the event. */
static void parse_stack(struct nlt_event *ev, struct nlt_stack *stack, struct nlattr *nest)
{
	struct nlattr *attr;
	int rem;

	nla_for_each_nested(attr, nest, rem) {
		if (nla_type(attr) == KSTALLMON_A_STACK_TRUNCATED)
			stack->truncated++;
		else if (nla_type(attr) != KSTALLMON_A_STACK_FRAME || stack->nr == NLT_FRAMES)
			ev->top.unknown++;
		else
			snprintf(stack->frame[stack->nr++], sizeof(stack->frame[0]), "%.*s",
				 nla_len(attr), (char *)nla_data(attr));
	}
}

void nlt_event(struct nlt_event *ev, struct nlmsghdr *nlh)
{
	struct genlmsghdr *hdr = nlmsg_data(nlh);
	struct nlattr *attr;
	int rem;

	memset(ev, 0, sizeof(*ev));
	nlt_parse(&ev->top, genlmsg_attrdata(hdr, 0), genlmsg_attrlen(hdr, 0));
	nla_for_each_attr(attr, genlmsg_attrdata(hdr, 0), genlmsg_attrlen(hdr, 0), rem) {
		if (nla_type(attr) == KSTALLMON_A_EVENT_TASK)
			nlt_parse(&ev->task, nla_data(attr), nla_len(attr));
		if (nla_type(attr) == KSTALLMON_A_EVENT_STACK)
			parse_stack(ev, &ev->stack, attr);
		if (nla_type(attr) == KSTALLMON_A_EVENT_LIVE_STACK)
			parse_stack(ev, &ev->live, attr);
	}
}

uint64_t nlt_seq(const struct nlt_event *ev)
{
	return nlt_num(&ev->top, KSTALLMON_A_EVENT_SEQ);
}

/* Whether it is of an enum kstallmon_event_type. */
bool nlt_is(const struct nlt_event *ev, int type)
{
	return nlt_num(&ev->top, KSTALLMON_A_EVENT_TYPE) == type;
}

/* Whether a frame has @part in it. */
bool nlt_has_frame(const struct nlt_stack *stack, const char *part)
{
	unsigned int i;

	for (i = 0; i < stack->nr; i++)
		if (strstr(stack->frame[i], part))
			return true;
	return false;
}

struct events {
	struct nlt_event *ev;
	unsigned int nr;
	bool full;
};

static void take_event(struct nlmsghdr *nlh, void *arg)
{
	struct events *all = arg;
	struct nlt_event *ev = realloc(all->ev, (all->nr + 1) * sizeof(*ev));

	if (!ev) {
		all->full = true;
		return;
	}
	all->ev = ev;
	nlt_event(&all->ev[all->nr++], nlh);
}

/**
 * nlt_history() - dump the history
 * @nlt: by whom
 * @since: lowest number wanted; 0: leave the attribute out
 * @events: array to be freed, NULL if there are none
 *
 * Return: how many events came, or a negative errno.
 */
int nlt_history(struct nlt *nlt, uint64_t since, struct nlt_event **events)
{
	struct nl_msg *msg = nlt_request(nlt, KSTALLMON_CMD_EVENT_GET, NLM_F_DUMP);
	struct events all = {};
	struct nlt_reply reply;

	if (since)
		nla_put_u64(msg, KSTALLMON_A_EVENT_SINCE, since);
	nlt_ask(nlt, msg, &reply, take_event, &all);
	*events = all.ev;
	if (all.full)
		return -ENOMEM;
	return reply.error ? -reply.error : (int)all.nr;
}

/**
 * nlt_subscribe() - a socket in the group of events
 * @nlt: knows the group
 * @rcvbuf: size of its receive buffer, also beyond the system's limit; 0: the system's default
 *
 * Return: the socket, or NULL.
 */
struct nl_sock *nlt_subscribe(const struct nlt *nlt, unsigned int rcvbuf)
{
	struct nl_sock *sub = nl_socket_alloc();

	if (!sub || genl_connect(sub))
		goto fail;
	if (rcvbuf &&
	    setsockopt(nl_socket_get_fd(sub), SOL_SOCKET, SO_RCVBUFFORCE, &rcvbuf, sizeof(rcvbuf)))
		goto fail;
	if (nl_socket_add_membership(sub, nlt->group))
		goto fail;
	return sub;

fail:
	nl_socket_free(sub);
	return NULL;
}

/**
 * nlt_receive() - wait for the next notification
 * @sub: subscriber's socket
 * @ev: is overwritten
 * @timeout_ms: how long to wait at most
 *
 * Return: 1 if one came, 0 if none did, or a negative errno, such as -ENOBUFS.
 */
int nlt_receive(struct nl_sock *sub, struct nlt_event *ev, int timeout_ms)
{
	static char buf[1 << 16] __attribute__((aligned(8)));
	struct pollfd pfd = { .fd = nl_socket_get_fd(sub), .events = POLLIN };
	struct nlmsghdr *nlh = (void *)buf;
	ssize_t got;

	if (poll(&pfd, 1, timeout_ms) <= 0)
		return 0;
	got = recv(pfd.fd, buf, sizeof(buf), MSG_DONTWAIT);
	if (got < 0)
		return errno == EAGAIN ? 0 : -errno;
	/* Each notification is a message of its own and a datagram of its own. */
	if (!nlmsg_ok(nlh, got) || nlh->nlmsg_len != got ||
	    ((struct genlmsghdr *)nlmsg_data(nlh))->cmd != KSTALLMON_CMD_EVENT_NTF)
		return -EBADMSG;
	nlt_event(ev, nlh);
	return 1;
}

/* Takes what comes from now on. */
int nlt_reader_open(struct nlt_reader *reader, unsigned int rcvbuf)
{
	int err;

	memset(reader, 0, sizeof(*reader));
	err = nlt_open(&reader->nlt);
	if (err)
		return err;
	reader->sub = nlt_subscribe(&reader->nlt, rcvbuf);
	if (!reader->sub)
		return -EIO;
	reader->expected = nlt_numbered(&reader->nlt) + 1;
	return 0;
}

void nlt_reader_close(struct nlt_reader *reader)
{
	nl_socket_free(reader->sub);
	nlt_close(&reader->nlt);
}

static void reader_take(struct nlmsghdr *nlh, void *arg)
{
	struct nlt_reader *reader = arg;
	static struct nlt_event ev;

	nlt_event(&ev, nlh);
	if (nlt_seq(&ev) < reader->expected)
		return;
	reader->gone += nlt_seq(&ev) - reader->expected;
	reader->got++;
	reader->expected = nlt_seq(&ev) + 1;
}

/* Dump from the expected number on: what it skips is gone. Returns 0 or a negative errno. */
int nlt_reader_dump(struct nlt_reader *reader)
{
	struct nl_msg *msg = nlt_request(&reader->nlt, KSTALLMON_CMD_EVENT_GET, NLM_F_DUMP);
	struct nlt_reply reply;

	nla_put_u64(msg, KSTALLMON_A_EVENT_SINCE, reader->expected);
	nlt_ask(&reader->nlt, msg, &reply, reader_take, reader);
	reader->dumps++;
	return -reply.error;
}

/**
 * nlt_reader_catch_up() - take notifications until none comes
 * @reader: by the manual's rules
 * @timeout_ms: how long to wait for each
 *
 * Return: 0 or a negative errno.
 */
int nlt_reader_catch_up(struct nlt_reader *reader, int timeout_ms)
{
	static struct nlt_event ev;
	bool overrun = false;
	int got, err = 0;

	while (!err) {
		got = nlt_receive(reader->sub, &ev, overrun ? 0 : timeout_ms);
		if (got == -ENOBUFS) {
			reader->overruns++;
			overrun = true;
		} else if (got < 0) {
			err = got;
		} else if (!got && overrun) {
			/*
			 * Only now: until it has been read empty, the socket drops what comes and
			 * says nothing more about it.
			 */
			overrun = false;
			err = nlt_reader_dump(reader);
		} else if (!got) {
			break;
		} else if (nlt_seq(&ev) > reader->expected) {
			err = nlt_reader_dump(reader);
		} else if (nlt_seq(&ev) == reader->expected) {
			reader->got++;
			reader->expected++;
		}
	}
	return err;
}
