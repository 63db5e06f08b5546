// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <netlink/genl/ctrl.h>

#include "nlt.h"

/**
 * nlt_open() - connect and find the family
 * @nlt: is overwritten; to be closed even after failure
 *
 * Return: 0 or a negative NLE_*.
 */
int nlt_open(struct nlt *nlt)
{
	struct timeval timeout = { .tv_sec = NLT_PATIENCE };
	int on = 1, err;

	memset(nlt, 0, sizeof(*nlt));
	nlt->sk = nl_socket_alloc();
	if (!nlt->sk)
		return -NLE_NOMEM;
	err = genl_connect(nlt->sk);
	if (err)
		return err;
	setsockopt(nl_socket_get_fd(nlt->sk), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	nlt->family = genl_ctrl_resolve(nlt->sk, KSTALLMON_FAMILY_NAME);
	if (nlt->family < 0)
		return nlt->family;
	nlt->group = genl_ctrl_resolve_grp(nlt->sk, KSTALLMON_FAMILY_NAME, KSTALLMON_MCGRP_EVENTS);
	if (nlt->group < 0)
		return nlt->group;

	/* Only now: libnl does not expect the attributes behind an acknowledgement. */
	setsockopt(nl_socket_get_fd(nlt->sk), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(nl_socket_get_fd(nlt->sk), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	return 0;
}

void nlt_close(struct nlt *nlt)
{
	nl_socket_free(nlt->sk);
	nlt->sk = NULL;
}

/**
 * nlt_request() - begin a request
 * @nlt: who will ask
 * @cmd: command, perhaps one that there is not
 * @flags: NLM_F_DUMP or 0
 *
 * Return: the message; nlt_ask() frees it.
 */
struct nl_msg *nlt_request(const struct nlt *nlt, int cmd, int flags)
{
	struct nl_msg *msg = nlmsg_alloc();

	genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, nlt->family, 0, flags, cmd,
		    KSTALLMON_FAMILY_VERSION);
	return msg;
}

void nlt_put_setting(struct nl_msg *msg, const char *name, uint64_t value)
{
	struct nlattr *nest = nla_nest_start(msg, KSTALLMON_A_TUNABLE_SETTING | NLA_F_NESTED);

	nla_put_string(msg, KSTALLMON_A_SETTING_NAME, name);
	nla_put_u64(msg, KSTALLMON_A_SETTING_VALUE, value);
	nla_nest_end(msg, nest);
}

void nlt_put_text(struct nl_msg *msg, const char *name, const char *text)
{
	struct nlattr *nest = nla_nest_start(msg, KSTALLMON_A_TUNABLE_SETTING | NLA_F_NESTED);

	nla_put_string(msg, KSTALLMON_A_SETTING_NAME, name);
	nla_put_string(msg, KSTALLMON_A_SETTING_TEXT, text);
	nla_nest_end(msg, nest);
}

/* Both kinds of last message begin with the errno and go on with attributes. */
static void take_verdict(struct nlt_reply *reply, struct nlmsghdr *nlh, size_t fixed)
{
	struct nlattr *head = nlmsg_data(nlh) + NLMSG_ALIGN(fixed), *attr;
	int len = (char *)nlh + nlh->nlmsg_len - (char *)head, rem;

	reply->error = -*(int *)nlmsg_data(nlh);
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	nla_for_each_attr(attr, head, len, rem) {
		if (nla_type(attr) == NLMSGERR_ATTR_MSG)
			snprintf(reply->text, sizeof(reply->text), "%s", nla_get_string(attr));
		if (nla_type(attr) == NLMSGERR_ATTR_OFFS)
			reply->offset = nla_get_u32(attr);
	}
}

/* Returns whether the message was the last of the answer. */
static bool take_message(struct nlmsghdr *nlh, struct nlt_reply *reply, nlt_take take, void *arg)
{
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		take_verdict(reply, nlh, sizeof(struct nlmsgerr));
		return true;
	}
	if (nlh->nlmsg_type == NLMSG_DONE) {
		/* A dump that fails on its way says so here. */
		take_verdict(reply, nlh, sizeof(int));
		return true;
	}
	reply->messages++;
	if (take)
		take(nlh, arg);
	return false;
}

/**
 * nlt_ask() - send a request and hear the answer out
 * @nlt: by whom
 * @msg: the request; is freed
 * @reply: the kernel's verdict; a failure to ask at all is put there, too
 * @take: called for every message of the answer, or NULL
 * @arg: for @take
 */
void nlt_ask(struct nlt *nlt, struct nl_msg *msg, struct nlt_reply *reply, nlt_take take, void *arg)
{
	static char buf[1 << 18] __attribute__((aligned(8)));
	struct nlmsghdr *nlh;
	uint32_t seq;
	ssize_t got;
	int len;

	memset(reply, 0, sizeof(*reply));
	nl_complete_msg(nlt->sk, msg);
	nlh = nlmsg_hdr(msg);
	seq = nlh->nlmsg_seq;
	/*
	 * Without an address, which is the kernel's then, the kernel looks at the rights of the
	 * socket's opener as well; with one, as nl_send() has it, only at those of the sender.
	 */
	got = send(nl_socket_get_fd(nlt->sk), nlh, nlh->nlmsg_len, 0);
	nlmsg_free(msg);
	if (got < 0) {
		reply->error = errno;
		snprintf(reply->text, sizeof(reply->text), "send: %m");
		return;
	}

	for (;;) {
		got = recv(nl_socket_get_fd(nlt->sk), buf, sizeof(buf), 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			reply->error = errno;
			snprintf(reply->text, sizeof(reply->text), "recv: %m");
			return;
		}
		len = got;
		for (nlh = (void *)buf; nlmsg_ok(nlh, len); nlh = nlmsg_next(nlh, &len))
			if (nlh->nlmsg_seq == seq && take_message(nlh, reply, take, arg))
				return;
	}
}

/**
 * nlt_parse() - sort attributes into a record
 * @rec: added to
 * @head: first attribute
 * @len: bytes of all
 */
void nlt_parse(struct nlt_record *rec, struct nlattr *head, int len)
{
	struct nlattr *attr;
	int rem;

	nla_for_each_attr(attr, head, len, rem) {
		int type = nla_type(attr);

		/* All sets but the stack's begin with their padding. */
		if (type == KSTALLMON_A_EVENT_PAD)
			continue;
		if (type >= NLT_ATTRS) {
			rec->unknown++;
			continue;
		}
		rec->a[type].count++;
		rec->a[type].len = nla_len(attr);
		if (nla_len(attr) == sizeof(uint32_t))
			rec->a[type].num = nla_get_u32(attr);
		if (nla_len(attr) == sizeof(uint64_t))
			rec->a[type].num = nla_get_u64(attr);
		if (!(attr->nla_type & NLA_F_NESTED))
			snprintf(rec->a[type].text, NLT_TEXT, "%.*s", nla_len(attr),
				 (char *)nla_data(attr));
	}
}
