// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <sys/socket.h>

#include "nl.h"
#include "util.h"

/* The kernel fills no dump message beyond 32 KiB. */
#define MESSAGE_SIZE (64 * 1024)

#define DUMP_RETRIES 3 /* when the kernel says that it changed meanwhile */
#define BUSY_RETRIES 6 /* when the kernel is short of memory */

/**
 * knl_connect - open the socket for requests
 * @nl: filled in
 *
 * Return: 0 or a negative errno.
 */
int knl_connect(struct knl *nl)
{
	int on = 1;

	nl->text[0] = 0;
	nl->sk = nl_socket_alloc();
	if (!nl->sk)
		return -ENOMEM;
	errno = 0;
	if (genl_connect(nl->sk) || nl_socket_set_msg_buf_size(nl->sk, MESSAGE_SIZE)) {
		int error = errno ? -errno : -EIO;

		knl_close(nl);
		return error;
	}
	/* Without it there are errors without a text: no reason to fail. */
	setsockopt(nl_socket_get_fd(nl->sk), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	return 0;
}

/**
 * knl_close - close the socket for requests, and end a dump that is under way
 * @nl: may be closed already
 */
void knl_close(struct knl *nl)
{
	nl_socket_free(nl->sk);
	nl->sk = NULL;
}

struct request {
	struct knl *nl;
	knl_reply reply;
	void *arg;
	int result;
	bool done;
	bool interrupted;
};

static void take_text(struct knl *nl, struct nlattr *head, int len)
{
	struct nlattr *text = nla_find(head, len, NLMSGERR_ATTR_MSG);

	if (text)
		nla_strlcpy(nl->text, text, sizeof(nl->text));
}

static int on_valid(struct nl_msg *msg, void *arg)
{
	struct request *request = arg;
	struct nlmsghdr *nlh = nlmsg_hdr(msg);

	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		request->interrupted = true;
	if (!request->result && request->reply)
		request->result = request->reply(nlh, request->arg);
	return request->result ? NL_STOP : NL_OK;
}

static int on_ack(struct nl_msg *msg __attribute__((unused)), void *arg)
{
	struct request *request = arg;

	request->done = true;
	return NL_STOP;
}

/* A dump that fails half-way tells it in its last message. */
static int on_finish(struct nl_msg *msg, void *arg)
{
	struct request *request = arg;
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	int error = 0, len = nlmsg_datalen(nlh) - (int)NLMSG_ALIGN(sizeof(int));

	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		request->interrupted = true;
	if (len >= 0)
		memcpy(&error, nlmsg_data(nlh), sizeof(error));
	if (error < 0)
		request->result = error;
	if (len > 0 && nlh->nlmsg_flags & NLM_F_ACK_TLVS)
		take_text(request->nl, (void *)((char *)nlmsg_data(nlh) + NLMSG_ALIGN(sizeof(int))),
			  len);
	request->done = true;
	return NL_STOP;
}

/* Keeps libnl from failing the whole dump; on_valid() has seen the flag. */
static int on_interrupted(struct nl_msg *msg __attribute__((unused)),
			  void *arg __attribute__((unused)))
{
	return NL_OK;
}

static int on_error(struct sockaddr_nl *from __attribute__((unused)), struct nlmsgerr *error,
		    void *arg)
{
	struct request *request = arg;
	struct nlmsghdr *nlh = (void *)((char *)error - NLMSG_ALIGN(sizeof(*nlh)));
	int skip = sizeof(*error);

	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += NLMSG_ALIGN(error->msg.nlmsg_len) - NLMSG_ALIGN(sizeof(error->msg));
	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS && nlmsg_datalen(nlh) > skip)
		take_text(request->nl, (void *)((char *)error + skip), nlmsg_datalen(nlh) - skip);
	request->result = error->error;
	request->done = true;
	return NL_STOP;
}

static int exchange(struct request *request, struct nl_cb *cb, struct nl_msg *msg)
{
	struct nl_sock *sk = request->nl->sk;

	errno = 0;
	if (nl_send_auto(sk, msg) < 0)
		return errno ? -errno : -EIO;
	while (!request->done && !request->result) {
		errno = 0;
		if (nl_recvmsgs(sk, cb) < 0)
			break;
	}
	if (request->done || request->result)
		return request->result;
	return errno ? -errno : -EIO;
}

/**
 * knl_request - send a message and take in the answer to its end
 * @nl: where to
 * @msg: the message; freed in any case
 * @reply: called for each message of the answer; may be NULL
 * @arg: for @reply
 *
 * Return: 0, a negative errno, -EAGAIN for a dump of what changed meanwhile, or
 * what @reply ended with.
 */
int knl_request(struct knl *nl, struct nl_msg *msg, knl_reply reply, void *arg)
{
	struct request request = { .nl = nl, .reply = reply, .arg = arg };
	struct nl_cb *cb = msg ? nl_cb_alloc(NL_CB_DEFAULT) : NULL;
	int ret = -ENOMEM;

	nl->text[0] = 0;
	if (cb) {
		nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, &request);
		nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, &request);
		nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, &request);
		nl_cb_set(cb, NL_CB_DUMP_INTR, NL_CB_CUSTOM, on_interrupted, NULL);
		nl_cb_err(cb, NL_CB_CUSTOM, on_error, &request);
		ret = exchange(&request, cb, msg);
		nl_cb_put(cb);
	}
	nlmsg_free(msg);

	/* What is left of the answer must not be taken for the next one's. */
	if (!request.done) {
		int error;

		knl_close(nl);
		error = knl_connect(nl);
		if (error && ret >= 0)
			ret = error;
	}
	return !ret && request.interrupted ? -EAGAIN : ret;
}

struct wanted_family {
	const char *group;
	struct knl_family *family;
};

static int take_family(struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *tb[CTRL_ATTR_MAX + 1], *group;
	const struct wanted_family *want = arg;
	struct knl_family *family = want->family;
	int rest;

	if (genlmsg_parse(nlh, 0, tb, CTRL_ATTR_MAX, NULL) || !tb[CTRL_ATTR_FAMILY_ID])
		return -EBADMSG;
	if (tb[CTRL_ATTR_VERSION])
		family->version = nla_get_u32(tb[CTRL_ATTR_VERSION]);
	family->id = nla_get_u16(tb[CTRL_ATTR_FAMILY_ID]);
	if (!tb[CTRL_ATTR_MCAST_GROUPS])
		return 0;
	nla_for_each_nested(group, tb[CTRL_ATTR_MCAST_GROUPS], rest) {
		struct nlattr *ga[CTRL_ATTR_MCAST_GRP_MAX + 1];

		if (nla_parse_nested(ga, CTRL_ATTR_MCAST_GRP_MAX, group, NULL) ||
		    !ga[CTRL_ATTR_MCAST_GRP_NAME] || !ga[CTRL_ATTR_MCAST_GRP_ID])
			continue;
		if (!nla_strcmp(ga[CTRL_ATTR_MCAST_GRP_NAME], want->group))
			family->group = nla_get_u32(ga[CTRL_ATTR_MCAST_GRP_ID]);
	}
	return 0;
}

/**
 * knl_family_of - ask the kernel for a family by its name
 * @nl: where to
 * @name: the family's
 * @group: one of its multicast groups
 * @family: filled in
 *
 * Return: 0 or a negative errno, -ENOENT if there is no such family here.
 */
int knl_family_of(struct knl *nl, const char *name, const char *group, struct knl_family *family)
{
	struct nl_msg *msg = nlmsg_alloc();
	struct wanted_family want = { .group = group, .family = family };

	*family = (struct knl_family){ 0 };
	if (!msg ||
	    !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, GENL_ID_CTRL, 0, 0, CTRL_CMD_GETFAMILY,
			 1) ||
	    nla_put_string(msg, CTRL_ATTR_FAMILY_NAME, name)) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return knl_request(nl, msg, take_family, &want);
}

/**
 * knl_find - find the module, or find it again after a reload
 * @nl: @nl->family is filled in, with id 0 if it is not there
 *
 * Return: 0 or a negative errno; -ENOENT: not there, -EPROTO: it speaks another version.
 */
int knl_find(struct knl *nl)
{
	int ret = knl_family_of(nl, KSTALLMON_FAMILY_NAME, KSTALLMON_MCGRP_EVENTS, &nl->family);

	if (!ret && nl->family.version != KSTALLMON_FAMILY_VERSION)
		return -EPROTO;
	return ret;
}

/**
 * knl_open - open the socket for requests and find the module
 * @nl: filled in
 * @verb: for the error
 *
 * Return: 0, or -1 after having said why not.
 */
int knl_open(struct knl *nl, const char *verb)
{
	int ret;

	*nl = (struct knl){ 0 };
	ret = knl_connect(nl);
	if (ret) {
		err("%s: no netlink socket: %s", verb, strerror(-ret));
		return -1;
	}
	ret = knl_find(nl);
	if (ret) {
		knl_error(nl, ret, verb);
		knl_close(nl);
		return -1;
	}
	return 0;
}

/**
 * knl_message - begin a request to the module
 * @nl: where it will go
 * @command: KSTALLMON_CMD_*
 *
 * Return: the message, or NULL without memory.
 */
struct nl_msg *knl_message(const struct knl *nl, int command)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (msg && !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, nl->family.id, 0, 0, command,
				KSTALLMON_FAMILY_VERSION)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

/**
 * struct dump - what to dump
 * @command: KSTALLMON_CMD_*
 * @since: for events, from which number on; or NULL
 * @flag: an attribute that is there or not; 0: none
 */
struct dump {
	int command;
	const uint64_t *since;
	int flag;
};

static int dump_once(struct knl *nl, const struct dump *dump, knl_reply reply, void *arg)
{
	struct nl_msg *msg = knl_message(nl, dump->command);

	if (!msg)
		return -ENOMEM;
	nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_DUMP;
	if ((dump->since && nla_put_u64(msg, KSTALLMON_A_EVENT_SINCE, *dump->since)) ||
	    (dump->flag && nla_put_flag(msg, dump->flag))) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return knl_request(nl, msg, reply, arg);
}

static int dump_all(struct knl *nl, const struct dump *dump, knl_reply reply, void *arg)
{
	int changed = 0, busy = 0;

	for (;;) {
		int ret = dump_once(nl, dump, reply, arg);

		if (ret == -EAGAIN) {
			if (changed++ == DUMP_RETRIES)
				return ret;
		} else if (ret == -ENOBUFS || ret == -ENOMEM || ret == -EBUSY) {
			struct timespec wait = { .tv_nsec = 5000000L << busy };

			if (busy++ == BUSY_RETRIES)
				return ret;
			nanosleep(&wait, NULL);
		} else {
			return ret;
		}
		ret = reply(NULL, arg);
		if (ret)
			return ret;
	}
}

/**
 * knl_dump - ask for all of something
 * @nl: where to
 * @command: KSTALLMON_CMD_*
 * @since: for events, from which number on; read again for each attempt. Or NULL
 * @reply: called for each message; with NULL before another attempt
 * @arg: for @reply
 *
 * Return: as knl_request(), after some patience. With -EAGAIN @reply has got all messages of the
 * last attempt.
 */
int knl_dump(struct knl *nl, int command, const uint64_t *since, knl_reply reply, void *arg)
{
	return dump_all(nl, &(struct dump){ .command = command, .since = since }, reply, arg);
}

/**
 * knl_dump_flag - ask for all of something, in the manner that a flag says
 * @nl: where to
 * @command: KSTALLMON_CMD_*
 * @flag: an attribute of the command's; 0: none
 * @reply: as knl_dump()
 * @arg: for @reply
 *
 * Return: as knl_dump().
 */
int knl_dump_flag(struct knl *nl, int command, int flag, knl_reply reply, void *arg)
{
	return dump_all(nl, &(struct dump){ .command = command, .flag = flag }, reply, arg);
}

/**
 * knl_listen - open a socket for notifications
 * @rcvbuf: bytes it shall hold
 *
 * Return: the non-blocking socket, or NULL with errno set.
 */
struct nl_sock *knl_listen(int rcvbuf)
{
	struct nl_sock *sk = nl_socket_alloc();
	int fd;

	if (!sk) {
		errno = ENOMEM;
		return NULL;
	}
	if (genl_connect(sk) || nl_socket_set_nonblocking(sk)) {
		int error = errno;

		nl_socket_free(sk);
		errno = error;
		return NULL;
	}
	fd = nl_socket_get_fd(sk);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &rcvbuf, sizeof(rcvbuf)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
	return sk;
}

/**
 * knl_join - become a member of a multicast group
 * @sk: the socket; may be a member already
 * @group: the group's number
 *
 * Return: 0 or a negative errno.
 */
int knl_join(struct nl_sock *sk, uint32_t group)
{
	int number = group;

	if (!setsockopt(nl_socket_get_fd(sk), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &number,
			sizeof(number)))
		return 0;
	return -errno;
}
