// SPDX-License-Identifier: GPL-2.0
/*
 * Tunables: that they describe themselves, take what they say they take, from netlink and from
 * the module parameters' files alike, and nothing else.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "harness.h"
#include "nlt.h"

FIXTURE(tunables)
{
	struct nlt nlt;
	struct nlt_tunables all;
};

FIXTURE_SETUP(tunables)
{
	ASSERT_EQ(0, nlt_open(&self->nlt));
	ASSERT_EQ(0, nlt_tunables(&self->nlt, &self->all));
}

FIXTURE_TEARDOWN(tunables)
{
	EXPECT_EQ(0, nlt_set_values(&self->nlt, &self->all));
	nlt_close(&self->nlt);
}

static const char *name_of(const struct nlt_record *t)
{
	return nlt_text(t, KSTALLMON_A_TUNABLE_NAME);
}

static uint64_t get(struct nlt *nlt, const char *name)
{
	struct nlt_tunables all;
	const struct nlt_record *t;

	if (nlt_tunables(nlt, &all))
		return UINT64_MAX;
	t = nlt_tunable(&all, name);
	return t ? nlt_num(t, KSTALLMON_A_TUNABLE_VALUE) : UINT64_MAX;
}

/* Those that are numbers. */
static void set_and_get(struct __test_metadata *_metadata, FIXTURE_DATA(tunables) * self,
			unsigned int attr)
{
	unsigned int i;

	for (i = 0; i < self->all.nr; i++) {
		const struct nlt_record *t = &self->all.t[i];

		if (nlt_is_text(t))
			continue;
		EXPECT_EQ(0, nlt_set(&self->nlt, name_of(t), nlt_num(t, attr)))
		{
			TH_LOG("%s=%llu", name_of(t), (unsigned long long)nlt_num(t, attr));
		}
		EXPECT_EQ(nlt_num(t, attr), get(&self->nlt, name_of(t)))
		{
			TH_LOG("%s", name_of(t));
		}
	}
}

/* A value just outside is not there where the range has no such neighbour. */
static unsigned int bad_values(const struct nlt_record *t, uint64_t *bad)
{
	uint64_t min = nlt_num(t, KSTALLMON_A_TUNABLE_MIN);
	uint64_t max = nlt_num(t, KSTALLMON_A_TUNABLE_MAX);
	unsigned int nr = 0;

	if (min)
		bad[nr++] = min - 1;
	bad[nr++] = max + 1;
	bad[nr++] = (1ULL << 31) + max;
	bad[nr++] = (1ULL << 32) + nlt_num(t, KSTALLMON_A_TUNABLE_DEFAULT);
	bad[nr++] = (1ULL << 63) + min;
	bad[nr++] = UINT64_MAX;
	return nr;
}

#define BAD_VALUES_MAX 6

TEST_F(tunables, describe_themselves)
{
	static const int of_both[] = { KSTALLMON_A_TUNABLE_NAME, KSTALLMON_A_TUNABLE_UNIT,
				       KSTALLMON_A_TUNABLE_DOC };
	static const int of_numbers[] = { KSTALLMON_A_TUNABLE_MIN, KSTALLMON_A_TUNABLE_MAX,
					  KSTALLMON_A_TUNABLE_DEFAULT, KSTALLMON_A_TUNABLE_VALUE };
	static const int of_texts[] = { KSTALLMON_A_TUNABLE_TEXT,
					KSTALLMON_A_TUNABLE_DEFAULT_TEXT };
	unsigned int i, j, texts = 0;

	for (i = 0; i < self->all.nr; i++) {
		const struct nlt_record *t = &self->all.t[i];

		TH_LOG("%s", name_of(t));
		for (j = 0; j < ARRAY_SIZE(of_both); j++)
			EXPECT_EQ(1, t->a[of_both[j]].count);
		for (j = 0; j < ARRAY_SIZE(of_numbers); j++) {
			EXPECT_EQ(!nlt_is_text(t), t->a[of_numbers[j]].count);
			EXPECT_EQ(nlt_is_text(t) ? 0 : sizeof(uint64_t), t->a[of_numbers[j]].len);
		}
		for (j = 0; j < ARRAY_SIZE(of_texts); j++)
			EXPECT_EQ(nlt_is_text(t), t->a[of_texts[j]].count);
		texts += nlt_is_text(t);
		EXPECT_EQ(0, t->a[KSTALLMON_A_TUNABLE_SETTING].count);
		EXPECT_EQ(0, t->unknown);
		EXPECT_NE('\0', nlt_text(t, KSTALLMON_A_TUNABLE_UNIT)[0]);
		EXPECT_LT(10, strlen(nlt_text(t, KSTALLMON_A_TUNABLE_DOC)));
		EXPECT_EQ(NULL, strchr(nlt_text(t, KSTALLMON_A_TUNABLE_DOC), '\n'));
		EXPECT_EQ(t, nlt_tunable(&self->all, name_of(t)));
	}
	EXPECT_EQ(1, texts);
}

TEST_F(tunables, are_within_their_range)
{
	unsigned int i;

	for (i = 0; i < self->all.nr; i++) {
		const struct nlt_record *t = &self->all.t[i];
		uint64_t min = nlt_num(t, KSTALLMON_A_TUNABLE_MIN);
		uint64_t max = nlt_num(t, KSTALLMON_A_TUNABLE_MAX);

		if (nlt_is_text(t))
			continue;
		EXPECT_LT(min, max);
		EXPECT_LE(min, nlt_num(t, KSTALLMON_A_TUNABLE_DEFAULT));
		EXPECT_GE(max, nlt_num(t, KSTALLMON_A_TUNABLE_DEFAULT));
		EXPECT_LE(min, nlt_num(t, KSTALLMON_A_TUNABLE_VALUE));
		EXPECT_GE(max, nlt_num(t, KSTALLMON_A_TUNABLE_VALUE));
	}
}

TEST_F(tunables, have_the_ranges_and_defaults_that_were_promised)
{
	static const struct {
		const char *name;
		uint64_t min, max, def;
	} promised[] = {
		{ "period", 1, 1000, 10 },
		{ "threshold", 1, 60000, 20 },
		{ "softirq_threshold", 0, 60000, 50 },
		{ "sched_threshold", 0, 60000, 100 },
		{ "longest_gap", 1, 10000, 1000 },
		{ "log_after", 0, 3600000, 1000 },
		{ "history", 16, 16384, 1024 },
		{ "rate", 0, 10000, 10 },
		{ "zone_interval", 100, 60000, 1000 },
		{ "zone_dwell", 0, 600000, 5000 },
		{ "reclaim_threshold", 0, 60000, 50 },
		{ "task_interval", 100, 3600000, 5000 },
		{ "task_keep", 1, 1024, 32 },
	};
	const struct nlt_record *cpus = nlt_tunable(&self->all, "cpus");
	unsigned int i;

	ASSERT_NE(NULL, cpus);
	EXPECT_STREQ("auto", nlt_text(cpus, KSTALLMON_A_TUNABLE_DEFAULT_TEXT));
	EXPECT_STREQ("cpulist", nlt_text(cpus, KSTALLMON_A_TUNABLE_UNIT));

	for (i = 0; i < ARRAY_SIZE(promised); i++) {
		const struct nlt_record *t = nlt_tunable(&self->all, promised[i].name);

		ASSERT_NE(NULL, t);
		EXPECT_EQ(promised[i].min, nlt_num(t, KSTALLMON_A_TUNABLE_MIN));
		EXPECT_EQ(promised[i].max, nlt_num(t, KSTALLMON_A_TUNABLE_MAX));
		EXPECT_EQ(promised[i].def, nlt_num(t, KSTALLMON_A_TUNABLE_DEFAULT));
	}
}

static void take_record(struct nlmsghdr *nlh, void *arg)
{
	struct genlmsghdr *hdr = nlmsg_data(nlh);

	nlt_parse(arg, genlmsg_attrdata(hdr, 0), genlmsg_attrlen(hdr, 0));
}

TEST_F(tunables, answer_by_name_as_in_the_dump)
{
	unsigned int i;

	for (i = 0; i < self->all.nr; i++) {
		struct nl_msg *msg = nlt_request(&self->nlt, KSTALLMON_CMD_TUNABLE_GET, 0);
		struct nlt_record one = {};
		struct nlt_reply reply;

		nla_put_string(msg, KSTALLMON_A_TUNABLE_NAME, name_of(&self->all.t[i]));
		nlt_ask(&self->nlt, msg, &reply, take_record, &one);
		EXPECT_EQ(0, reply.error);
		EXPECT_EQ(0, memcmp(&one, &self->all.t[i], sizeof(one)));
	}
}

TEST_F(tunables, take_their_smallest_value)
{
	set_and_get(_metadata, self, KSTALLMON_A_TUNABLE_MIN);
}

TEST_F(tunables, take_their_largest_value)
{
	set_and_get(_metadata, self, KSTALLMON_A_TUNABLE_MAX);
}

TEST_F(tunables, take_their_default)
{
	set_and_get(_metadata, self, KSTALLMON_A_TUNABLE_DEFAULT);
}

TEST_F(tunables, are_set_all_in_one_request)
{
	struct nlt_tunables want = self->all, after;
	unsigned int i;

	for (i = 0; i < want.nr; i++) {
		if (nlt_is_text(&want.t[i]))
			strcpy(want.t[i].a[KSTALLMON_A_TUNABLE_TEXT].text, "0-1");
		else
			want.t[i].a[KSTALLMON_A_TUNABLE_VALUE].num =
				nlt_num(&want.t[i], KSTALLMON_A_TUNABLE_MIN) + 1;
	}
	EXPECT_EQ(0, nlt_set_values(&self->nlt, &want));
	ASSERT_EQ(0, nlt_tunables(&self->nlt, &after));
	for (i = 0; i < want.nr; i++) {
		EXPECT_EQ(nlt_num(&want.t[i], KSTALLMON_A_TUNABLE_VALUE),
			  nlt_num(&after.t[i], KSTALLMON_A_TUNABLE_VALUE));
		EXPECT_STREQ(nlt_text(&want.t[i], KSTALLMON_A_TUNABLE_TEXT),
			     nlt_text(&after.t[i], KSTALLMON_A_TUNABLE_TEXT));
	}
}

TEST_F(tunables, refuse_values_out_of_range_and_say_the_range)
{
	uint64_t bad[BAD_VALUES_MAX];
	unsigned int i, j, nr;

	for (i = 0; i < self->all.nr; i++) {
		const struct nlt_record *t = &self->all.t[i];
		char range[256];

		if (nlt_is_text(t))
			continue;
		snprintf(range, sizeof(range), "%s must be %llu..%llu %s", name_of(t),
			 (unsigned long long)nlt_num(t, KSTALLMON_A_TUNABLE_MIN),
			 (unsigned long long)nlt_num(t, KSTALLMON_A_TUNABLE_MAX),
			 nlt_text(t, KSTALLMON_A_TUNABLE_UNIT));
		nr = bad_values(t, bad);
		for (j = 0; j < nr; j++) {
			struct nl_msg *msg = nlt_request(&self->nlt, KSTALLMON_CMD_TUNABLE_SET, 0);
			struct nlt_tunables after;
			struct nlt_reply reply;
			unsigned int offset = NLMSG_HDRLEN + GENL_HDRLEN + NLA_HDRLEN +
					      nla_total_size(strlen(name_of(t)) + 1);

			nlt_put_setting(msg, name_of(t), bad[j]);
			nlt_ask(&self->nlt, msg, &reply, NULL, NULL);
			EXPECT_EQ(ERANGE, reply.error)
			{
				TH_LOG("%s=%llu", name_of(t), (unsigned long long)bad[j]);
			}
			EXPECT_STREQ(range, reply.text);
			EXPECT_EQ(offset, reply.offset);
			ASSERT_EQ(0, nlt_tunables(&self->nlt, &after));
			EXPECT_TRUE(nlt_same_values(&self->all, &after));
		}
	}
}

/* Every pair of a good setting and a bad one behind it: the good one is not made either. */
TEST_F(tunables, set_none_if_the_last_of_them_is_bad)
{
	unsigned int i, j;

	for (i = 0; i < self->all.nr; i++) {
		for (j = 0; j < self->all.nr; j++) {
			const struct nlt_record *good = &self->all.t[i], *bad = &self->all.t[j];
			struct nl_msg *msg = nlt_request(&self->nlt, KSTALLMON_CMD_TUNABLE_SET, 0);
			struct nlt_tunables after;
			struct nlt_reply reply;

			if (i == j) {
				nlmsg_free(msg);
				continue;
			}
			if (nlt_is_text(good))
				nlt_put_text(msg, name_of(good), "0");
			else
				nlt_put_setting(msg, name_of(good),
						nlt_num(good, KSTALLMON_A_TUNABLE_VALUE) + 1);
			if (nlt_is_text(bad))
				nlt_put_text(msg, name_of(bad), "9999");
			else
				nlt_put_setting(msg, name_of(bad),
						nlt_num(bad, KSTALLMON_A_TUNABLE_MAX) + 1);
			nlt_ask(&self->nlt, msg, &reply, NULL, NULL);
			EXPECT_EQ(nlt_is_text(bad) ? EINVAL : ERANGE, reply.error);
			EXPECT_EQ(0, strncmp(reply.text, name_of(bad), strlen(name_of(bad))));
			ASSERT_EQ(0, nlt_tunables(&self->nlt, &after));
			EXPECT_TRUE(nlt_same_values(&self->all, &after))
			{
				TH_LOG("%s before %s", name_of(good), name_of(bad));
			}
		}
	}
}

TEST_F(tunables, set_none_if_one_is_unknown_or_malformed)
{
	struct nl_msg *msg = nlt_request(&self->nlt, KSTALLMON_CMD_TUNABLE_SET, 0);
	struct nlt_tunables after;
	struct nlt_reply reply;

	nlt_put_setting(msg, "history", 64);
	nlt_put_setting(msg, "nothing", 64);
	nlt_ask(&self->nlt, msg, &reply, NULL, NULL);
	EXPECT_EQ(ENOENT, reply.error);

	msg = nlt_request(&self->nlt, KSTALLMON_CMD_TUNABLE_SET, 0);
	nlt_put_setting(msg, "history", 64);
	nla_put_u64(msg, KSTALLMON_A_TUNABLE_VALUE, 64);
	nlt_ask(&self->nlt, msg, &reply, NULL, NULL);
	EXPECT_EQ(EINVAL, reply.error);

	ASSERT_EQ(0, nlt_tunables(&self->nlt, &after));
	EXPECT_TRUE(nlt_same_values(&self->all, &after));
}

/*
 * Module parameters
 */

/* Returns the value, or UINT64_MAX. */
static uint64_t read_parameter(const char *name)
{
	unsigned long long value;

	return sscanf(nlt_parameter(name), "%llu", &value) == 1 ? value : UINT64_MAX;
}

TEST_F(tunables, are_the_module_parameters)
{
	struct dirent *entry;
	unsigned int nr = 0;
	struct stat st;
	DIR *dir = opendir(NLT_PARAMETERS);

	ASSERT_NE(NULL, dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		nr++;
		EXPECT_NE(NULL, nlt_tunable(&self->all, entry->d_name))
		{
			TH_LOG("%s", entry->d_name);
		}
		EXPECT_EQ(0, fstatat(dirfd(dir), entry->d_name, &st, 0));
		EXPECT_EQ(0644, st.st_mode & 07777);
	}
	closedir(dir);
	EXPECT_EQ(self->all.nr, nr);
}

TEST_F(tunables, set_by_netlink_show_in_the_parameters)
{
	unsigned int i;

	for (i = 0; i < self->all.nr; i++) {
		const struct nlt_record *t = &self->all.t[i];
		uint64_t value = nlt_num(t, KSTALLMON_A_TUNABLE_MIN) + 3;

		if (nlt_is_text(t))
			continue;
		EXPECT_EQ(nlt_num(t, KSTALLMON_A_TUNABLE_VALUE), read_parameter(name_of(t)));
		EXPECT_EQ(0, nlt_set(&self->nlt, name_of(t), value));
		EXPECT_EQ(value, read_parameter(name_of(t)));
	}
}

TEST_F(tunables, set_by_parameter_show_over_netlink)
{
	unsigned int i;
	char text[32];

	for (i = 0; i < self->all.nr; i++) {
		const struct nlt_record *t = &self->all.t[i];
		uint64_t value = nlt_num(t, KSTALLMON_A_TUNABLE_MIN) + 5;

		if (nlt_is_text(t))
			continue;
		snprintf(text, sizeof(text), "%llu\n", (unsigned long long)value);
		EXPECT_EQ(0, nlt_set_parameter(name_of(t), text));
		EXPECT_EQ(value, get(&self->nlt, name_of(t)));
	}
}

TEST_F(tunables, refuse_the_same_ranges_by_parameter)
{
	uint64_t bad[BAD_VALUES_MAX];
	struct nlt_tunables after;
	unsigned int i, j, nr;
	char text[32];

	for (i = 0; i < self->all.nr; i++) {
		if (nlt_is_text(&self->all.t[i]))
			continue;
		nr = bad_values(&self->all.t[i], bad);
		for (j = 0; j < nr; j++) {
			snprintf(text, sizeof(text), "%llu", (unsigned long long)bad[j]);
			EXPECT_EQ(ERANGE, nlt_set_parameter(name_of(&self->all.t[i]), text))
			{
				TH_LOG("%s=%s", name_of(&self->all.t[i]), text);
			}
		}
		/* 2^64 */
		EXPECT_EQ(ERANGE,
			  nlt_set_parameter(name_of(&self->all.t[i]), "18446744073709551616"));
	}
	ASSERT_EQ(0, nlt_tunables(&self->nlt, &after));
	EXPECT_TRUE(nlt_same_values(&self->all, &after));
}

TEST_F(tunables, refuse_what_is_no_number_by_parameter)
{
	static const char *const bad[] = { "-1", "abc", "10ms", "1.5", " 30", "30 40", "\n" };
	struct nlt_tunables after;
	unsigned int i, j;

	for (i = 0; i < self->all.nr; i++) {
		if (nlt_is_text(&self->all.t[i]))
			continue;
		for (j = 0; j < ARRAY_SIZE(bad); j++) {
			EXPECT_EQ(EINVAL, nlt_set_parameter(name_of(&self->all.t[i]), bad[j]))
			{
				TH_LOG("%s, text %u", name_of(&self->all.t[i]), j);
			}
		}
	}
	ASSERT_EQ(0, nlt_tunables(&self->nlt, &after));
	EXPECT_TRUE(nlt_same_values(&self->all, &after));
}

TEST_HARNESS_MAIN
