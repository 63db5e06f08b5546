// SPDX-License-Identifier: GPL-2.0
/*
 * Preloaded, this makes a client read slowly: it waits for SLOW_MS before each look at a netlink
 * socket while it reads a dump, so that what is dumped changes meanwhile. At the end it says on
 * standard error how many dumps were asked for.
 */
#include <dlfcn.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static unsigned int dumps;

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	ssize_t (*next)(int, const struct msghdr *, int) = dlsym(RTLD_NEXT, "sendmsg");
	const struct nlmsghdr *nlh = msg->msg_iov[0].iov_base;

	dumps += (nlh->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	return next(fd, msg, flags);
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	ssize_t (*next)(int, struct msghdr *, int) = dlsym(RTLD_NEXT, "recvmsg");
	const char *ms = getenv("SLOW_MS");

	if (dumps && ms)
		usleep(atoi(ms) * 1000);
	return next(fd, msg, flags);
}

static __attribute__((destructor)) void say(void)
{
	fprintf(stderr, "slow: %u dumps\n", dumps);
}
