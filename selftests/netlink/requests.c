// SPDX-License-Identifier: GPL-2.0
/*
 * Every command's good and bad requests. A refusal has an errno, a text where the family or a
 * policy refuses, points at the bad attribute where there is one, and changes no tunable.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "kselftest_harness.h"
#include "nlt.h"

/* Where a request's first attribute is. */
#define FIRST (NLMSG_HDRLEN + GENL_HDRLEN)

FIXTURE(request)
{
	struct nlt nlt;
	struct nlt_tunables before;
	struct nlt_reply reply;
};

FIXTURE_SETUP(request)
{
	ASSERT_EQ(0, nlt_open(&self->nlt));
	ASSERT_EQ(0, nlt_tunables(&self->nlt, &self->before));
}

FIXTURE_TEARDOWN(request)
{
	EXPECT_EQ(0, nlt_set_values(&self->nlt, &self->before));
	nlt_close(&self->nlt);
}

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

/* @text must be a part of what the kernel says; @offset be what it points at, 0 for nothing. */
static void refused(struct __test_metadata *_metadata, FIXTURE_DATA(request) * self,
		    struct nl_msg *msg, int error, const char *text, unsigned int offset)
{
	struct nlt_tunables after;

	nlt_ask(&self->nlt, msg, &self->reply, NULL, NULL);
	EXPECT_EQ(error, self->reply.error);
	EXPECT_NE(NULL, strstr(self->reply.text, text))
	{
		TH_LOG("'%s' is not in '%s'", text, self->reply.text);
	}
	EXPECT_EQ(offset, self->reply.offset);
	EXPECT_EQ(0, self->reply.messages);
	ASSERT_EQ(0, nlt_tunables(&self->nlt, &after));
	EXPECT_TRUE(nlt_same_values(&self->before, &after));
}

static struct nl_msg *dump_of(FIXTURE_DATA(request) * self, int cmd)
{
	return nlt_request(&self->nlt, cmd, NLM_F_DUMP);
}

static struct nl_msg *do_of(FIXTURE_DATA(request) * self, int cmd)
{
	return nlt_request(&self->nlt, cmd, 0);
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
}

TEST_F(request, dump_of_a_do_command_is_refused)
{
	struct nl_msg *msg = dump_of(self, KSTALLMON_CMD_TUNABLE_SET);

	nlt_put_setting(msg, "threshold", 30);
	refused(_metadata, self, msg, EOPNOTSUPP, "", 0);
	refused(_metadata, self, dump_of(self, KSTALLMON_CMD_STATUS_GET), EOPNOTSUPP, "", 0);
	refused(_metadata, self, dump_of(self, KSTALLMON_CMD_HISTOGRAM_RESET), EOPNOTSUPP, "", 0);
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
	/* Where a dump's handler refuses, the kernel passes on its text and not the place. */
	refused(_metadata, self, msg, EINVAL, "name", 0);
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
 * tunable-set
 */

TEST_F(request, set_without_setting_is_refused)
{
	refused(_metadata, self, do_of(self, KSTALLMON_CMD_TUNABLE_SET), EINVAL,
		"setting is missing", 0);
}

TEST_F(request, set_by_name_and_value_outside_a_setting_is_refused)
{
	struct nl_msg *msg = do_of(self, KSTALLMON_CMD_TUNABLE_SET);

	nla_put_string(msg, KSTALLMON_A_TUNABLE_NAME, "threshold");
	nla_put_u64(msg, KSTALLMON_A_TUNABLE_VALUE, 30);
	refused(_metadata, self, msg, EINVAL, "nsupported attribute", FIRST);
}

TEST_F(request, setting_not_marked_as_nest_is_refused)
{
	struct nl_msg *msg = do_of(self, KSTALLMON_CMD_TUNABLE_SET);
	struct nlattr *nest = nlmsg_tail(nlmsg_hdr(msg));

	nlt_put_setting(msg, "threshold", 30);
	nest->nla_type &= ~NLA_F_NESTED;
	refused(_metadata, self, msg, EINVAL, "NLA_F_NESTED is missing", FIRST);
}

/* A setting made of up to two attributes, each left out if its type is 0. */
static struct nl_msg *setting_of(FIXTURE_DATA(request) * self, int name_type, const void *name,
				 int name_len, int value_type, const void *value, int value_len)
{
	struct nl_msg *msg = do_of(self, KSTALLMON_CMD_TUNABLE_SET);
	struct nlattr *nest = nla_nest_start(msg, KSTALLMON_A_TUNABLE_SETTING);

	if (name_type)
		nla_put(msg, name_type, name_len, name);
	if (value_type)
		nla_put(msg, value_type, value_len, value);
	/* Kept even if it is empty. */
	nla_nest_end_keep_empty(msg, nest);
	return msg;
}

#define NAME KSTALLMON_A_SETTING_NAME
#define VALUE KSTALLMON_A_SETTING_VALUE
#define TEXT KSTALLMON_A_SETTING_TEXT

TEST_F(request, setting_without_name_is_refused)
{
	uint64_t value = 30;

	refused(_metadata, self, setting_of(self, 0, NULL, 0, VALUE, &value, sizeof(value)), EINVAL,
		"name of a setting is missing", FIRST);
	refused(_metadata, self, setting_of(self, 0, NULL, 0, 0, NULL, 0), EINVAL,
		"name of a setting is missing", FIRST);
}

TEST_F(request, setting_without_value_is_refused)
{
	refused(_metadata, self, setting_of(self, NAME, "threshold", 10, 0, NULL, 0), EINVAL,
		"value of a setting is missing, or text", FIRST);
}

TEST_F(request, setting_with_unknown_attribute_is_refused)
{
	uint64_t value = 30;

	refused(_metadata, self,
		setting_of(self, NAME, "threshold", 10, TEXT + 1, &value, sizeof(value)), EINVAL,
		"nknown attribute", FIRST + NLA_HDRLEN + nla_total_size(10));
	refused(_metadata, self,
		setting_of(self, KSTALLMON_A_SETTING_PAD, NULL, 0, VALUE, &value, sizeof(value)),
		EINVAL, "nsupported attribute", FIRST + NLA_HDRLEN);
}

TEST_F(request, setting_with_name_without_end_is_refused)
{
	uint64_t value = 30;

	refused(_metadata, self,
		setting_of(self, NAME, "threshold", 9, VALUE, &value, sizeof(value)), EINVAL,
		"policy", FIRST + NLA_HDRLEN);
}

TEST_F(request, setting_with_name_too_long_is_refused)
{
	uint64_t value = 30;
	char name[33];

	memset(name, 'x', sizeof(name));
	name[32] = '\0';
	refused(_metadata, self,
		setting_of(self, NAME, name, sizeof(name), VALUE, &value, sizeof(value)), EINVAL,
		"policy", FIRST + NLA_HDRLEN);
}

TEST_F(request, setting_with_value_of_another_length_is_refused)
{
	unsigned int offset = FIRST + NLA_HDRLEN + nla_total_size(10);
	char value[12] = { 30 };

	refused(_metadata, self, setting_of(self, NAME, "threshold", 10, VALUE, value, 4), EINVAL,
		"attribute length", offset);
	refused(_metadata, self, setting_of(self, NAME, "threshold", 10, VALUE, value, 12), EINVAL,
		"attribute length", offset);
	refused(_metadata, self, setting_of(self, NAME, "threshold", 10, VALUE, value, 0), EINVAL,
		"attribute length", offset);
}

TEST_F(request, setting_with_text_without_end_is_refused)
{
	unsigned int offset = FIRST + NLA_HDRLEN + nla_total_size(5);

	refused(_metadata, self, setting_of(self, NAME, "cpus", 5, TEXT, "0", 1), EINVAL, "policy",
		offset);
	refused(_metadata, self, setting_of(self, NAME, "cpus", 5, TEXT, NULL, 0), EINVAL, "policy",
		offset);
}

TEST_F(request, setting_of_unknown_tunable_by_text_is_refused)
{
	refused(_metadata, self, setting_of(self, NAME, "cpu", 4, TEXT, "0", 2), ENOENT,
		"no tunable of this name", FIRST + NLA_HDRLEN);
}

TEST_F(request, setting_of_unknown_tunable_is_refused)
{
	uint64_t value = 30;

	refused(_metadata, self,
		setting_of(self, NAME, "thresholds", 11, VALUE, &value, sizeof(value)), ENOENT,
		"no tunable of this name", FIRST + NLA_HDRLEN);
}

TEST_F(request, tunable_named_twice_is_refused)
{
	struct nl_msg *msg = do_of(self, KSTALLMON_CMD_TUNABLE_SET);
	unsigned int second = FIRST + NLA_HDRLEN + nla_total_size(10) + nla_total_size(8);

	nlt_put_setting(msg, "threshold", 30);
	nlt_put_setting(msg, "threshold", 40);
	refused(_metadata, self, msg, EINVAL, "named twice", second + NLA_HDRLEN);

	msg = do_of(self, KSTALLMON_CMD_TUNABLE_SET);
	second = FIRST + NLA_HDRLEN + nla_total_size(5) + nla_total_size(2);
	nlt_put_text(msg, "cpus", "0");
	nlt_put_text(msg, "cpus", "0");
	refused(_metadata, self, msg, EINVAL, "named twice", second + NLA_HDRLEN);
}

TEST_F(request, hundreds_of_settings_are_refused)
{
	struct nl_msg *msg = do_of(self, KSTALLMON_CMD_TUNABLE_SET);
	unsigned int i;

	for (i = 0; i < 100; i++)
		nlt_put_setting(msg, i % 2 ? "threshold" : "period", 30);
	nlt_ask(&self->nlt, msg, &self->reply, NULL, NULL);
	EXPECT_EQ(EINVAL, self->reply.error);
	EXPECT_NE(NULL, strstr(self->reply.text, "named twice"));
}

TEST_F(request, two_faulty_requests_leave_the_socket_usable)
{
	refused(_metadata, self, do_of(self, KSTALLMON_CMD_TUNABLE_SET), EINVAL,
		"setting is missing", 0);
	refused(_metadata, self, do_of(self, 255), EOPNOTSUPP, "", 0);
	granted(_metadata, self, do_of(self, KSTALLMON_CMD_STATUS_GET));
	EXPECT_EQ(1, self->reply.messages);
}

TEST_HARNESS_MAIN
