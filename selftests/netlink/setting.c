// SPDX-License-Identifier: GPL-2.0
/*
 * Requests that set tunables, malformed in every way.
 */
#include <errno.h>

#include "requests.h"

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

TEST_HARNESS_MAIN
