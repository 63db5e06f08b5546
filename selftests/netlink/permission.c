// SPDX-License-Identifier: GPL-2.0
/*
 * Who may ask: CAP_SYS_ADMIN in the initial user namespace, nothing less, and the initial network
 * namespace only. Each test asks every command from a child that is somebody else.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "harness.h"
#include "nlt.h"

#define NOBODY 65534

#define SYS_ADMIN (1U << CAP_SYS_ADMIN)
#define NET_ADMIN (1U << CAP_NET_ADMIN)
#define EVERY_CAP UINT32_MAX

static const struct {
	const char *name;
	int cmd;
	int flags;
} commands[] = {
	{ "event-get", KSTALLMON_CMD_EVENT_GET, NLM_F_DUMP },
	{ "status-get", KSTALLMON_CMD_STATUS_GET, 0 },
	{ "cpu-get", KSTALLMON_CMD_CPU_GET, NLM_F_DUMP },
	{ "tunable-get", KSTALLMON_CMD_TUNABLE_GET, 0 },
	{ "tunable-get dump", KSTALLMON_CMD_TUNABLE_GET, NLM_F_DUMP },
	{ "tunable-set", KSTALLMON_CMD_TUNABLE_SET, 0 },
	{ "histogram-get", KSTALLMON_CMD_HISTOGRAM_GET, NLM_F_DUMP },
	{ "histogram-reset", KSTALLMON_CMD_HISTOGRAM_RESET, 0 },
	{ "zone-get", KSTALLMON_CMD_ZONE_GET, NLM_F_DUMP },
	{ "memory-get", KSTALLMON_CMD_MEMORY_GET, 0 },
	{ "vma-get", KSTALLMON_CMD_VMA_GET, NLM_F_DUMP },
	{ "reclaim-get", KSTALLMON_CMD_RECLAIM_GET, NLM_F_DUMP },
};

#define NR_COMMANDS (ARRAY_SIZE(commands))

FIXTURE(identity)
{
	struct nlt nlt;
	struct nlt_tunables before;
	uint64_t since;
};

/*
 * @uid: whose
 * @cap_lacks: capabilities taken from all there are
 * @cap_has: capabilities left, unless @cap_lacks
 * @namespaces: unshared at last, which gives all capabilities within
 * @granted: whether that is enough
 */
FIXTURE_VARIANT(identity)
{
	uid_t uid;
	uint32_t cap_lacks;
	uint32_t cap_has;
	int namespaces;
	bool granted;
};

FIXTURE_VARIANT_ADD(identity, root){
	.cap_lacks = 0,
	.cap_has = EVERY_CAP,
	.granted = true,
};

FIXTURE_VARIANT_ADD(identity, nobody){
	.uid = NOBODY,
};

FIXTURE_VARIANT_ADD(identity, nobody_with_net_admin){
	.uid = NOBODY,
	.cap_has = NET_ADMIN,
};

FIXTURE_VARIANT_ADD(identity, nobody_with_sys_admin){
	.uid = NOBODY,
	.cap_has = SYS_ADMIN,
	.granted = true,
};

FIXTURE_VARIANT_ADD(identity, nobody_with_all_but_sys_admin){
	.uid = NOBODY,
	.cap_lacks = SYS_ADMIN,
};

FIXTURE_VARIANT_ADD(identity, root_without_sys_admin){
	.cap_lacks = SYS_ADMIN,
};

FIXTURE_VARIANT_ADD(identity, nobody_in_a_user_namespace){
	.uid = NOBODY,
	.namespaces = CLONE_NEWUSER,
};

FIXTURE_VARIANT_ADD(identity, root_in_a_user_namespace){
	.cap_has = EVERY_CAP,
	.namespaces = CLONE_NEWUSER,
};

/* When the histograms were reset. */
static uint64_t reset_at(struct nlt *nlt)
{
	static struct nlt_histogram one;

	return nlt_histograms(nlt, &one, 1) == 1 ?
		       nlt_num(&one.top, KSTALLMON_A_HISTOGRAM_SINCE_BOOT) :
		       0;
}

FIXTURE_SETUP(identity)
{
	ASSERT_EQ(0, nlt_open(&self->nlt));
	ASSERT_EQ(0, nlt_tunables(&self->nlt, &self->before));
	self->since = reset_at(&self->nlt);
	ASSERT_NE(0, self->since);
}

FIXTURE_TEARDOWN(identity)
{
	EXPECT_EQ(0, nlt_set_values(&self->nlt, &self->before));
	nlt_close(&self->nlt);
}

/* Returns 0 or a negative errno. */
static int become(const FIXTURE_VARIANT(identity) * who)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = {};

	if (who->uid &&
	    (prctl(PR_SET_KEEPCAPS, 1) || setgroups(0, NULL) ||
	     setresgid(who->uid, who->uid, who->uid) || setresuid(who->uid, who->uid, who->uid)))
		return -errno;
	if (syscall(SYS_capget, &header, caps))
		return -errno;
	if (who->cap_lacks) {
		caps[0].permitted &= ~who->cap_lacks;
	} else if (who->cap_has != EVERY_CAP) {
		caps[0].permitted = who->cap_has;
		caps[1].permitted = 0;
	}
	caps[0].effective = caps[0].permitted;
	caps[1].effective = caps[1].permitted;
	caps[0].inheritable = 0;
	caps[1].inheritable = 0;
	if (syscall(SYS_capset, &header, caps))
		return -errno;
	if (who->namespaces && unshare(who->namespaces))
		return -errno;
	return 0;
}

/* Returns a command's request, as good as can be. */
static struct nl_msg *good_request(const struct nlt *nlt, unsigned int i)
{
	struct nl_msg *msg = nlt_request(nlt, commands[i].cmd, commands[i].flags);

	if (commands[i].cmd == KSTALLMON_CMD_TUNABLE_SET)
		nlt_put_setting(msg, "threshold", 12345);
	if (commands[i].cmd == KSTALLMON_CMD_TUNABLE_GET && !commands[i].flags)
		nla_put_string(msg, KSTALLMON_A_TUNABLE_NAME, "threshold");
	return msg;
}

static void ask_everything(struct __test_metadata *_metadata, struct nlt *nlt, bool granted)
{
	struct nlt_reply reply;
	unsigned int i;

	for (i = 0; i < NR_COMMANDS; i++) {
		nlt_ask(nlt, good_request(nlt, i), &reply, NULL, NULL);
		EXPECT_EQ(granted ? 0 : EPERM, reply.error)
		{
			TH_LOG("%s: %s", commands[i].name, reply.text);
		}
		if (granted)
			continue;
		EXPECT_EQ(0, reply.messages);
		EXPECT_NE(NULL, strstr(reply.text, "CAP_SYS_ADMIN"))
		{
			TH_LOG("%s: '%s'", commands[i].name, reply.text);
		}
	}
}

static void wait_for(struct __test_metadata *_metadata, pid_t child)
{
	int status;

	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

static void expect_unchanged(struct __test_metadata *_metadata, FIXTURE_DATA(identity) * self)
{
	struct nlt_tunables after;

	ASSERT_EQ(0, nlt_tunables(&self->nlt, &after));
	EXPECT_TRUE(nlt_same_values(&self->before, &after));
	EXPECT_EQ(self->since, reset_at(&self->nlt));
}

TEST_F(identity, may_or_may_not_use_every_command)
{
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child) {
		struct nlt own;

		EXPECT_EQ(0, become(variant));
		EXPECT_EQ(0, nlt_open(&own));
		ask_everything(_metadata, &own, variant->granted);
		_exit(0);
	}
	wait_for(_metadata, child);
	if (!variant->granted)
		expect_unchanged(_metadata, self);
}

TEST_F(identity, may_or_may_not_join_the_events)
{
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child) {
		struct nlt own;

		EXPECT_EQ(0, become(variant));
		EXPECT_EQ(0, nlt_open(&own));
		EXPECT_EQ(variant->granted ? 0 : -NLE_PERM,
			  nl_socket_add_membership(own.sk, own.group));
		_exit(0);
	}
	wait_for(_metadata, child);
}

/* A socket that was opened with every right gives none to whoever holds it. */
TEST_F(identity, is_judged_also_on_a_socket_of_somebody_mightier)
{
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child) {
		EXPECT_EQ(0, become(variant));
		ask_everything(_metadata, &self->nlt, variant->granted);
		_exit(0);
	}
	wait_for(_metadata, child);
	if (!variant->granted)
		expect_unchanged(_metadata, self);
}

/* Nor do the rights of whoever writes help a socket that somebody lesser has opened. */
TEST_F(identity, is_judged_also_where_somebody_mightier_writes)
{
	int to[2], from[2], fd = -1, pidfd;
	struct nlt lent;
	pid_t child;

	ASSERT_EQ(0, pipe(to));
	ASSERT_EQ(0, pipe(from));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		close(to[1]);
		EXPECT_EQ(0, become(variant));
		EXPECT_EQ(0, nlt_open(&lent));
		fd = nl_socket_get_fd(lent.sk);
		EXPECT_EQ(sizeof(fd), write(from[1], &fd, sizeof(fd)));
		/* Until the other one has it. */
		EXPECT_EQ(0, read(to[0], &fd, sizeof(fd)));
		_exit(0);
	}
	ASSERT_EQ(0, nlt_open(&lent));
	pidfd = syscall(SYS_pidfd_open, child, 0);
	ASSERT_LE(0, pidfd);
	EXPECT_EQ(sizeof(fd), read(from[0], &fd, sizeof(fd)));
	fd = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	ASSERT_LE(0, fd);
	ASSERT_LE(0, dup2(fd, nl_socket_get_fd(lent.sk)));
	close(to[1]);
	wait_for(_metadata, child);

	ask_everything(_metadata, &lent, variant->granted);
	nlt_close(&lent);
	if (!variant->granted)
		expect_unchanged(_metadata, self);
}

/*
 * Network namespaces
 */

FIXTURE(namespace)
{
	struct nlt nlt;
	struct nlt_tunables before;
	uint64_t since;
	int initial;
};

FIXTURE_SETUP(namespace)
{
	ASSERT_EQ(0, nlt_open(&self->nlt));
	ASSERT_EQ(0, nlt_tunables(&self->nlt, &self->before));
	self->since = reset_at(&self->nlt);
	ASSERT_NE(0, self->since);
	self->initial = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->initial);
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
}

FIXTURE_TEARDOWN(namespace)
{
	EXPECT_EQ(0, setns(self->initial, CLONE_NEWNET));
	EXPECT_EQ(0, nlt_set_values(&self->nlt, &self->before));
	nlt_close(&self->nlt);
	close(self->initial);
}

TEST_F(namespace, other_does_not_find_the_family)
{
	struct nlt other;

	EXPECT_EQ(-NLE_OBJ_NOTFOUND, nlt_open(&other));
	nlt_close(&other);
}

TEST_F(namespace, initial_finds_the_family_again)
{
	struct nlt other;

	EXPECT_EQ(-NLE_OBJ_NOTFOUND, nlt_open(&other));
	nlt_close(&other);
	ASSERT_EQ(0, setns(self->initial, CLONE_NEWNET));
	EXPECT_EQ(0, nlt_open(&other));
	ask_everything(_metadata, &other, true);
	nlt_close(&other);
}

TEST_F(namespace, other_is_refused_even_by_number)
{
	struct nlt_tunables after;
	struct nlt_reply reply;
	struct nlt other;
	unsigned int i;

	EXPECT_NE(0, nlt_open(&other));
	other.family = self->nlt.family;
	for (i = 0; i < NR_COMMANDS; i++) {
		nlt_ask(&other, good_request(&other, i), &reply, NULL, NULL);
		EXPECT_EQ(ENOENT, reply.error)
		{
			TH_LOG("%s", commands[i].name);
		}
		EXPECT_EQ(0, reply.messages);
	}
	nlt_close(&other);
	ASSERT_EQ(0, nlt_tunables(&self->nlt, &after));
	EXPECT_TRUE(nlt_same_values(&self->before, &after));
	EXPECT_EQ(self->since, reset_at(&self->nlt));
}

/* A socket belongs to the namespace that it was opened in, wherever its owner goes. */
TEST_F(namespace, initial_serves_its_sockets_elsewhere)
{
	ask_everything(_metadata, &self->nlt, true);
}

TEST_F(namespace, other_gets_no_events)
{
	struct nl_sock *sub;
	struct nlt_event ev;
	int got;

	ASSERT_EQ(0, nlt_inject_load());
	/* Joining by number may be refused; if it is not, it leads nowhere. */
	sub = nlt_subscribe(&self->nlt, 0);
	EXPECT_LT(0, nlt_inject(NULL, 0, "irq 1 120"));
	if (sub) {
		got = nlt_receive(sub, &ev, 1000);
		EXPECT_EQ(0, got);
	}
	nl_socket_free(sub);
}

TEST_HARNESS_MAIN
