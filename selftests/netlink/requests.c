// SPDX-License-Identifier: GPL-2.0
/*
 * Every command's good and bad requests. A refusal has an errno, a text where the family or a
 * policy refuses, points at the bad attribute where there is one, and changes no tunable.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "requests.h"

static void granted(struct __test_metadata *_metadata, FIXTURE_DATA(request) * self,
		    struct nl_msg *msg)
{
	nlt_ask(&self->nlt, msg, &self->reply, NULL, NULL);
	EXPECT_EQ(0, self->reply.error)
	{
		TH_LOG("%s", self->reply.text);
	}
	EXPECT_STREQ("", self->reply.text);
}

static struct nl_msg *dump_of(FIXTURE_DATA(request) * self, int cmd)
{
	return nlt_request(&self->nlt, cmd, NLM_F_DUMP);
}

TEST_F(request, event_get_dumps)
{
	granted(_metadata, self, dump_of(self, KSTALLMON_CMD_EVENT_GET));
}

TEST_F(request, event_get_takes_since)
{
	struct nl_msg *msg = dump_of(self, KSTALLMON_CMD_EVENT_GET);

	nla_put_u64(msg, KSTALLMON_A_EVENT_SINCE, 1);
	granted(_metadata, self, msg);
}

TEST_F(request, status_get_answers_once)
{
	granted(_metadata, self, do_of(self, KSTALLMON_CMD_STATUS_GET));
	EXPECT_EQ(1, self->reply.messages);
}

TEST_F(request, cpu_get_dumps_a_message_for_each_cpu)
{
	granted(_metadata, self, dump_of(self, KSTALLMON_CMD_CPU_GET));
	EXPECT_EQ(sysconf(_SC_NPROCESSORS_ONLN), self->reply.messages);
}

TEST_F(request, tunable_get_answers_once)
{
	struct nl_msg *msg = do_of(self, KSTALLMON_CMD_TUNABLE_GET);

	nla_put_string(msg, KSTALLMON_A_TUNABLE_NAME, "period");
	granted(_metadata, self, msg);
	EXPECT_EQ(1, self->reply.messages);
}

TEST_F(request, tunable_get_dumps_a_message_for_each)
{
	granted(_metadata, self, dump_of(self, KSTALLMON_CMD_TUNABLE_GET));
	EXPECT_EQ(self->before.nr, self->reply.messages);
}

TEST_F(request, histogram_get_dumps_a_message_for_each_cpu_and_kind)
{
	granted(_metadata, self, dump_of(self, KSTALLMON_CMD_HISTOGRAM_GET));
	EXPECT_EQ(KSTALLMON_STALL_KIND_MAX * sysconf(_SC_NPROCESSORS_ONLN), self->reply.messages);
}

TEST_F(request, histogram_reset_answers_with_an_acknowledgement_only)
{
	granted(_metadata, self, do_of(self, KSTALLMON_CMD_HISTOGRAM_RESET));
	EXPECT_EQ(0, self->reply.messages);
}

TEST_F(request, zone_get_dumps)
{
	granted(_metadata, self, dump_of(self, KSTALLMON_CMD_ZONE_GET));
	EXPECT_LT(0, self->reply.messages);
}

TEST_F(request, memory_get_answers_once)
{
	granted(_metadata, self, do_of(self, KSTALLMON_CMD_MEMORY_GET));
	EXPECT_EQ(1, self->reply.messages);
}

TEST_F(request, vma_get_dumps)
{
	granted(_metadata, self, dump_of(self, KSTALLMON_CMD_VMA_GET));
}

TEST_F(request, vma_get_takes_all)
{
	struct nl_msg *msg = dump_of(self, KSTALLMON_CMD_VMA_GET);

	nla_put_flag(msg, KSTALLMON_A_MEMORY_ALL);
	granted(_metadata, self, msg);
	/* This process and its parent at least. */
	EXPECT_LT(1, self->reply.messages);
}

TEST_F(request, reclaim_get_dumps)
{
	granted(_metadata, self, dump_of(self, KSTALLMON_CMD_RECLAIM_GET));
}

TEST_F(request, tunable_set_answers_with_an_acknowledgement_only)
{
	struct nl_msg *msg = do_of(self, KSTALLMON_CMD_TUNABLE_SET);

	nlt_put_setting(msg, "threshold", 30);
	granted(_metadata, self, msg);
	EXPECT_EQ(0, self->reply.messages);
}

/*
 * Commands
 */

TEST_F(request, unknown_command_is_refused)
{
	refused(_metadata, self, do_of(self, KSTALLMON_CMD_MAX + 1), EOPNOTSUPP, "", 0);
	refused(_metadata, self, dump_of(self, KSTALLMON_CMD_MAX + 1), EOPNOTSUPP, "", 0);
	refused(_metadata, self, do_of(self, 255), EOPNOTSUPP, "", 0);
	refused(_metadata, self, do_of(self, 0), EOPNOTSUPP, "", 0);
}

TEST_F(request, notification_is_no_command)
{
	refused(_metadata, self, do_of(self, KSTALLMON_CMD_EVENT_NTF), EOPNOTSUPP, "", 0);
	refused(_metadata, self, dump_of(self, KSTALLMON_CMD_EVENT_NTF), EOPNOTSUPP, "", 0);
}

TEST_F(request, do_of_a_dump_command_is_refused)
{
	refused(_metadata, self, do_of(self, KSTALLMON_CMD_EVENT_GET), EOPNOTSUPP, "", 0);
	refused(_metadata, self, do_of(self, KSTALLMON_CMD_CPU_GET), EOPNOTSUPP, "", 0);
	refused(_metadata, self, do_of(self, KSTALLMON_CMD_HISTOGRAM_GET), EOPNOTSUPP, "", 0);
	refused(_metadata, self, do_of(self, KSTALLMON_CMD_ZONE_GET), EOPNOTSUPP, "", 0);
	refused(_metadata, self, do_of(self, KSTALLMON_CMD_VMA_GET), EOPNOTSUPP, "", 0);
	refused(_metadata, self, do_of(self, KSTALLMON_CMD_RECLAIM_GET), EOPNOTSUPP, "", 0);
}

TEST_F(request, dump_of_a_do_command_is_refused)
{
	struct nl_msg *msg = dump_of(self, KSTALLMON_CMD_TUNABLE_SET);

	nlt_put_setting(msg, "threshold", 30);
	refused(_metadata, self, msg, EOPNOTSUPP, "", 0);
	refused(_metadata, self, dump_of(self, KSTALLMON_CMD_STATUS_GET), EOPNOTSUPP, "", 0);
	refused(_metadata, self, dump_of(self, KSTALLMON_CMD_HISTOGRAM_RESET), EOPNOTSUPP, "", 0);
	refused(_metadata, self, dump_of(self, KSTALLMON_CMD_MEMORY_GET), EOPNOTSUPP, "", 0);
}

/*
 * Attributes, the same faults for every command
 */

FIXTURE(attribute)
{
	FIXTURE_DATA(request) r;
};

/* @foreign: an attribute that the command does not take, though its set has it */
FIXTURE_VARIANT(attribute)
{
	int cmd;
	int flags;
	int foreign;
};

FIXTURE_VARIANT_ADD(attribute, event_get){
	.cmd = KSTALLMON_CMD_EVENT_GET,
	.flags = NLM_F_DUMP,
	.foreign = KSTALLMON_A_EVENT_SEQ,
};

FIXTURE_VARIANT_ADD(attribute, status_get){
	.cmd = KSTALLMON_CMD_STATUS_GET,
	.foreign = KSTALLMON_A_STATUS_NUMBERED,
};

FIXTURE_VARIANT_ADD(attribute, cpu_get){
	.cmd = KSTALLMON_CMD_CPU_GET,
	.flags = NLM_F_DUMP,
	.foreign = KSTALLMON_A_CPU_CPU,
};

FIXTURE_VARIANT_ADD(attribute, tunable_get){
	.cmd = KSTALLMON_CMD_TUNABLE_GET,
	.foreign = KSTALLMON_A_TUNABLE_SETTING,
};

FIXTURE_VARIANT_ADD(attribute, tunable_get_dump){
	.cmd = KSTALLMON_CMD_TUNABLE_GET,
	.flags = NLM_F_DUMP,
	.foreign = KSTALLMON_A_TUNABLE_VALUE,
};

FIXTURE_VARIANT_ADD(attribute, tunable_set){
	.cmd = KSTALLMON_CMD_TUNABLE_SET,
	.foreign = KSTALLMON_A_TUNABLE_VALUE,
};

FIXTURE_VARIANT_ADD(attribute, histogram_get){
	.cmd = KSTALLMON_CMD_HISTOGRAM_GET,
	.flags = NLM_F_DUMP,
	.foreign = KSTALLMON_A_HISTOGRAM_CPU,
};

FIXTURE_VARIANT_ADD(attribute, histogram_reset){
	.cmd = KSTALLMON_CMD_HISTOGRAM_RESET,
	.foreign = KSTALLMON_A_HISTOGRAM_KIND,
};

FIXTURE_VARIANT_ADD(attribute, zone_get){
	.cmd = KSTALLMON_CMD_ZONE_GET,
	.flags = NLM_F_DUMP,
	.foreign = KSTALLMON_A_MEMORY_TOTAL,
};

FIXTURE_VARIANT_ADD(attribute, memory_get){
	.cmd = KSTALLMON_CMD_MEMORY_GET,
	.foreign = KSTALLMON_A_MEMORY_TOTAL,
};

FIXTURE_VARIANT_ADD(attribute, vma_get){
	.cmd = KSTALLMON_CMD_VMA_GET,
	.flags = NLM_F_DUMP,
	.foreign = KSTALLMON_A_MEMORY_TOTAL,
};

FIXTURE_VARIANT_ADD(attribute, reclaim_get){
	.cmd = KSTALLMON_CMD_RECLAIM_GET,
	.flags = NLM_F_DUMP,
	.foreign = KSTALLMON_A_RECLAIM_TIME_COUNT,
};

FIXTURE_SETUP(attribute)
{
	request_setup(_metadata, &self->r, NULL);
}

FIXTURE_TEARDOWN(attribute)
{
	request_teardown(_metadata, &self->r, NULL);
}

TEST_F(attribute, unknown_is_refused)
{
	struct nl_msg *msg = nlt_request(&self->r.nlt, variant->cmd, variant->flags);

	nla_put_u64(msg, 100, 1);
	refused(_metadata, &self->r, msg, EINVAL, "nknown attribute", FIRST);
}

TEST_F(attribute, padding_is_refused)
{
	struct nl_msg *msg = nlt_request(&self->r.nlt, variant->cmd, variant->flags);

	nla_put(msg, KSTALLMON_A_EVENT_PAD, 0, NULL);
	refused(_metadata, &self->r, msg, EINVAL, "nsupported attribute", FIRST);
}

TEST_F(attribute, not_taken_by_the_command_is_refused)
{
	struct nl_msg *msg = nlt_request(&self->r.nlt, variant->cmd, variant->flags);

	nla_put_u64(msg, variant->foreign, 1);
	refused(_metadata, &self->r, msg, EINVAL, "attribute", FIRST);
}

TEST_F(attribute, leftover_bytes_are_refused)
{
	struct nl_msg *msg = nlt_request(&self->r.nlt, variant->cmd, variant->flags);

	nlmsg_append(msg, "ab", 2, 0);
	refused(_metadata, &self->r, msg, EINVAL, "leftover", 0);
}

/*
 * event-get
 */

TEST_F(request, since_of_another_length_is_refused)
{
	struct nl_msg *msg = dump_of(self, KSTALLMON_CMD_EVENT_GET);

	nla_put_u32(msg, KSTALLMON_A_EVENT_SINCE, 1);
	refused(_metadata, self, msg, EINVAL, "attribute length", FIRST);

	msg = dump_of(self, KSTALLMON_CMD_EVENT_GET);
	nla_put(msg, KSTALLMON_A_EVENT_SINCE, 12, "abcdefghijkl");
	refused(_metadata, self, msg, EINVAL, "attribute length", FIRST);

	msg = dump_of(self, KSTALLMON_CMD_EVENT_GET);
	nla_put(msg, KSTALLMON_A_EVENT_SINCE, 0, NULL);
	refused(_metadata, self, msg, EINVAL, "attribute length", FIRST);
}

TEST_F(request, since_marked_as_nest_is_refused)
{
	struct nl_msg *msg = dump_of(self, KSTALLMON_CMD_EVENT_GET);

	nla_put_u64(msg, KSTALLMON_A_EVENT_SINCE | NLA_F_NESTED, 1);
	refused(_metadata, self, msg, EINVAL, "NLA_F_NESTED not expected", FIRST);
}

/*
 * vma-get
 */

TEST_F(request, all_with_a_value_is_refused)
{
	struct nl_msg *msg = dump_of(self, KSTALLMON_CMD_VMA_GET);

	nla_put_u32(msg, KSTALLMON_A_MEMORY_ALL, 1);
	refused(_metadata, self, msg, ERANGE, "policy", FIRST);
}

/*
 * tunable-get
 */

TEST_F(request, get_without_name_is_refused)
{
	refused(_metadata, self, do_of(self, KSTALLMON_CMD_TUNABLE_GET), EINVAL, "name is missing",
		0);
}

TEST_F(request, get_dump_with_name_is_refused)
{
	struct nl_msg *msg = dump_of(self, KSTALLMON_CMD_TUNABLE_GET);

	nla_put_string(msg, KSTALLMON_A_TUNABLE_NAME, "period");
	/* Where a dump's handler refuses, only newer kernels pass on the place with its text. */
	refused(_metadata, self, msg, EINVAL, "name", ANY_PLACE);
	EXPECT_TRUE(!self->reply.offset || self->reply.offset == NLMSG_HDRLEN + GENL_HDRLEN);
}

TEST_F(request, get_of_unknown_name_is_refused)
{
	const char *const names[] = { "perio", "periods", "Period", " ", "" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		struct nl_msg *msg = do_of(self, KSTALLMON_CMD_TUNABLE_GET);

		nla_put_string(msg, KSTALLMON_A_TUNABLE_NAME, names[i]);
		refused(_metadata, self, msg, ENOENT, "no tunable of this name", FIRST);
	}
}

TEST_F(request, name_without_end_is_refused)
{
	struct nl_msg *msg = do_of(self, KSTALLMON_CMD_TUNABLE_GET);

	nla_put(msg, KSTALLMON_A_TUNABLE_NAME, strlen("period"), "period");
	refused(_metadata, self, msg, EINVAL, "policy", FIRST);

	msg = do_of(self, KSTALLMON_CMD_TUNABLE_GET);
	nla_put(msg, KSTALLMON_A_TUNABLE_NAME, 0, NULL);
	refused(_metadata, self, msg, EINVAL, "policy", FIRST);
}

TEST_F(request, name_too_long_is_refused)
{
	char name[2048];
	struct nl_msg *msg;

	memset(name, 'x', sizeof(name));
	name[31] = '\0';
	msg = do_of(self, KSTALLMON_CMD_TUNABLE_GET);
	nla_put_string(msg, KSTALLMON_A_TUNABLE_NAME, name);
	refused(_metadata, self, msg, ENOENT, "no tunable of this name", FIRST);

	name[31] = 'x';
	name[32] = '\0';
	msg = do_of(self, KSTALLMON_CMD_TUNABLE_GET);
	nla_put_string(msg, KSTALLMON_A_TUNABLE_NAME, name);
	refused(_metadata, self, msg, EINVAL, "policy", FIRST);

	name[32] = 'x';
	name[sizeof(name) - 1] = '\0';
	msg = do_of(self, KSTALLMON_CMD_TUNABLE_GET);
	nla_put_string(msg, KSTALLMON_A_TUNABLE_NAME, name);
	refused(_metadata, self, msg, EINVAL, "policy", FIRST);
}

/*
 * Afterwards
 */

TEST_F(request, two_faulty_requests_leave_the_socket_usable)
{
	refused(_metadata, self, do_of(self, KSTALLMON_CMD_TUNABLE_SET), EINVAL,
		"setting is missing", 0);
	refused(_metadata, self, do_of(self, 255), EOPNOTSUPP, "", 0);
	granted(_metadata, self, do_of(self, KSTALLMON_CMD_STATUS_GET));
	EXPECT_EQ(1, self->reply.messages);
}

TEST_HARNESS_MAIN
