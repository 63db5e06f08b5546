// SPDX-License-Identifier: GPL-2.0
/*
 * The tunable that is text: the lists of CPUs it takes and those it refuses, from netlink and from
 * the module parameter's file alike.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"
#include "nlt.h"

FIXTURE(texts)
{
	struct nlt nlt;
	struct nlt_tunables all;
};

FIXTURE_SETUP(texts)
{
	ASSERT_EQ(0, nlt_open(&self->nlt));
	ASSERT_EQ(0, nlt_tunables(&self->nlt, &self->all));
}

FIXTURE_TEARDOWN(texts)
{
	EXPECT_EQ(0, nlt_set_values(&self->nlt, &self->all));
	nlt_close(&self->nlt);
}

/* As the kernel's refusals of a list have it. */
static const char refusal[] = "cpus must be auto or a list of possible CPUs like 0-3,8";

static const char *const good_lists[] = { "0", "1", "0-1", "0,1", "1,0", "0,0-1", "auto" };

/* There are two CPUs here. */
static const char *const bad_lists[] = { "",	 " ",	   "x",	   "0x1",    "-1",     "-",
					 "0-",	 "1-0",	   "0-1-", "0.5",    "0:",     "2",
					 "1-2",	 "0,2",	   "9999", "0,9999", "0-9999", "4294967296",
					 "Auto", "AUTO",   "aut",  "autos",  "auto,0", "0,auto",
					 "0\n1", "0\njunk" };

/* A list of @len bytes. */
static void long_list(char *list, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		list[i] = i % 2 ? ',' : '0';
	list[len - 1] = '0';
	list[len] = '\0';
}

static const char *text_of(struct nlt *nlt, const char *name)
{
	static struct nlt_tunables all;
	const struct nlt_record *t;

	if (nlt_tunables(nlt, &all))
		return "(no answer)";
	t = nlt_tunable(&all, name);
	return t ? nlt_text(t, KSTALLMON_A_TUNABLE_TEXT) : "(none)";
}

TEST_F(texts, take_texts_as_they_are)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good_lists); i++) {
		EXPECT_EQ(0, nlt_set_text(&self->nlt, "cpus", good_lists[i]))
		{
			TH_LOG("'%s'", good_lists[i]);
		}
		EXPECT_STREQ(good_lists[i], text_of(&self->nlt, "cpus"));
	}
}

/* Asks to set a tunable by these attributes, each left out if it is NULL. */
static void set_by(FIXTURE_DATA(texts) * self, const char *name, const char *text,
		   const uint64_t *value, struct nlt_reply *reply)
{
	struct nl_msg *msg = nlt_request(&self->nlt, KSTALLMON_CMD_TUNABLE_SET, 0);
	struct nlattr *nest = nla_nest_start(msg, KSTALLMON_A_TUNABLE_SETTING | NLA_F_NESTED);

	nla_put_string(msg, KSTALLMON_A_SETTING_NAME, name);
	if (text)
		nla_put_string(msg, KSTALLMON_A_SETTING_TEXT, text);
	if (value)
		nla_put_u64(msg, KSTALLMON_A_SETTING_VALUE, *value);
	nla_nest_end(msg, nest);
	nlt_ask(&self->nlt, msg, reply, NULL, NULL);
}

/* Where in the request that set_by() makes the attribute behind the name is. */
static unsigned int behind_name(const char *name)
{
	return NLMSG_HDRLEN + GENL_HDRLEN + NLA_HDRLEN + nla_total_size(strlen(name) + 1);
}

static void expect_unchanged(struct __test_metadata *_metadata, FIXTURE_DATA(texts) * self)
{
	struct nlt_tunables after;

	ASSERT_EQ(0, nlt_tunables(&self->nlt, &after));
	EXPECT_TRUE(nlt_same_values(&self->all, &after));
}

TEST_F(texts, refuse_what_is_no_list_of_possible_cpus)
{
	struct nlt_reply reply;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad_lists); i++) {
		set_by(self, "cpus", bad_lists[i], NULL, &reply);
		EXPECT_EQ(EINVAL, reply.error)
		{
			TH_LOG("'%s'", bad_lists[i]);
		}
		EXPECT_STREQ(refusal, reply.text);
		EXPECT_EQ(behind_name("cpus"), reply.offset);
		expect_unchanged(_metadata, self);
	}
}

TEST_F(texts, are_not_set_by_value)
{
	struct nlt_reply reply;
	uint64_t value = 1;

	set_by(self, "cpus", NULL, &value, &reply);
	EXPECT_EQ(EINVAL, reply.error);
	EXPECT_STREQ("this tunable is set by attribute text, not value", reply.text);
	EXPECT_EQ(behind_name("cpus"), reply.offset);
	/* Nor by both: the one too many is pointed at. */
	set_by(self, "cpus", "0", &value, &reply);
	EXPECT_EQ(EINVAL, reply.error);
	EXPECT_STREQ("this tunable is set by attribute text, not value", reply.text);
	EXPECT_EQ(behind_name("cpus") + nla_total_size(strlen("0") + 1), reply.offset);
	expect_unchanged(_metadata, self);
}

TEST_F(texts, of_numbers_are_not_set_by_text)
{
	struct nlt_reply reply;
	uint64_t value = 30;

	set_by(self, "threshold", "30", NULL, &reply);
	EXPECT_EQ(EINVAL, reply.error);
	EXPECT_STREQ("this tunable is set by attribute value, not text", reply.text);
	EXPECT_EQ(behind_name("threshold"), reply.offset);
	set_by(self, "threshold", "30", &value, &reply);
	EXPECT_EQ(EINVAL, reply.error);
	EXPECT_STREQ("this tunable is set by attribute value, not text", reply.text);
	EXPECT_EQ(behind_name("threshold"), reply.offset);
	expect_unchanged(_metadata, self);
}

TEST_F(texts, need_one)
{
	struct nlt_reply reply;

	set_by(self, "cpus", NULL, NULL, &reply);
	EXPECT_EQ(EINVAL, reply.error);
	EXPECT_NE(NULL, strstr(reply.text, "missing"));
	EXPECT_EQ(NLMSG_HDRLEN + GENL_HDRLEN, reply.offset);
	expect_unchanged(_metadata, self);
}

static void take_length(struct nlmsghdr *nlh, void *arg)
{
	struct genlmsghdr *hdr = nlmsg_data(nlh);
	struct nlt_record rec = {};

	nlt_parse(&rec, genlmsg_attrdata(hdr, 0), genlmsg_attrlen(hdr, 0));
	*(unsigned int *)arg = rec.a[KSTALLMON_A_TUNABLE_TEXT].len;
}

TEST_F(texts, have_a_length)
{
	struct nl_msg *msg = nlt_request(&self->nlt, KSTALLMON_CMD_TUNABLE_GET, 0);
	struct nlt_reply reply;
	unsigned int len = 0;
	char list[2049];

	long_list(list, 1024);
	set_by(self, "cpus", list, NULL, &reply);
	EXPECT_EQ(EINVAL, reply.error);
	EXPECT_EQ(behind_name("cpus"), reply.offset);
	long_list(list, 2048);
	set_by(self, "cpus", list, NULL, &reply);
	EXPECT_EQ(EINVAL, reply.error);
	expect_unchanged(_metadata, self);

	long_list(list, 1023);
	set_by(self, "cpus", list, NULL, &reply);
	EXPECT_EQ(0, reply.error);
	nla_put_string(msg, KSTALLMON_A_TUNABLE_NAME, "cpus");
	nlt_ask(&self->nlt, msg, &reply, take_length, &len);
	EXPECT_EQ(0, reply.error);
	EXPECT_EQ(1024, len);
	/* And fits a dump beside the others. */
	EXPECT_EQ(0, strncmp(text_of(&self->nlt, "cpus"), list, NLT_TEXT - 1));
}

TEST_F(texts, are_the_same_by_parameter)
{
	char line[1100];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good_lists); i++) {
		snprintf(line, sizeof(line), "%s\n", good_lists[i]);
		EXPECT_EQ(0, nlt_set_text(&self->nlt, "cpus", good_lists[i]));
		EXPECT_STREQ(line, nlt_parameter("cpus"));
		EXPECT_EQ(0, nlt_set_text(&self->nlt, "cpus", "auto"));
		EXPECT_EQ(0, nlt_set_parameter("cpus", line));
		EXPECT_STREQ(good_lists[i], text_of(&self->nlt, "cpus"));
	}
	long_list(line, 1023);
	EXPECT_EQ(0, nlt_set_parameter("cpus", line));
	EXPECT_EQ(0, strncmp(line, nlt_parameter("cpus"), 1023));
	EXPECT_EQ(1024, strlen(nlt_parameter("cpus")));
}

TEST_F(texts, refuse_the_same_by_parameter)
{
	char line[3000];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad_lists); i++) {
		snprintf(line, sizeof(line), "%s\n", bad_lists[i]);
		EXPECT_EQ(EINVAL, nlt_set_parameter("cpus", line))
		{
			TH_LOG("'%s'", bad_lists[i]);
		}
	}
	long_list(line, 1024);
	EXPECT_EQ(EINVAL, nlt_set_parameter("cpus", line));
	/* Not what is left of it when it is cut. */
	memset(line, ' ', 1500);
	line[0] = '0';
	strcpy(line + 1500, "junk");
	EXPECT_EQ(EINVAL, nlt_set_parameter("cpus", line));
	long_list(line, 2999);
	EXPECT_EQ(EINVAL, nlt_set_parameter("cpus", line));
	expect_unchanged(_metadata, self);
}

TEST_HARNESS_MAIN
