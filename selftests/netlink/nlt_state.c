// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "nlt.h"

/* Records of a dump, or the one record of a reply. */
struct records {
	struct nlt_record *rec;
	unsigned int nr;
	unsigned int max;
};

static void take_record(struct nlmsghdr *nlh, void *arg)
{
	struct genlmsghdr *hdr = nlmsg_data(nlh);
	struct records *all = arg;
	struct nlt_record *rec;

	if (all->nr >= all->max)
		return;
	rec = &all->rec[all->nr++];
	memset(rec, 0, sizeof(*rec));
	nlt_parse(rec, genlmsg_attrdata(hdr, 0), genlmsg_attrlen(hdr, 0));
}

/* Returns how many records came, or a negative errno. */
static int ask(struct nlt *nlt, int cmd, int flags, struct nlt_record *rec, unsigned int max)
{
	struct records all = { .rec = rec, .max = max };
	struct nlt_reply reply;

	nlt_ask(nlt, nlt_request(nlt, cmd, flags), &reply, take_record, &all);
	return reply.error ? -reply.error : (int)all.nr;
}

int nlt_tunables(struct nlt *nlt, struct nlt_tunables *all)
{
	int nr;

	memset(all, 0, sizeof(*all));
	nr = ask(nlt, KSTALLMON_CMD_TUNABLE_GET, NLM_F_DUMP, all->t, NLT_TUNABLES);
	if (nr > 0)
		all->nr = nr;
	return nr > 0 ? 0 : nr ?: -ENOENT;
}

const struct nlt_record *nlt_tunable(const struct nlt_tunables *all, const char *name)
{
	unsigned int i;

	for (i = 0; i < all->nr; i++)
		if (!strcmp(nlt_text(&all->t[i], KSTALLMON_A_TUNABLE_NAME), name))
			return &all->t[i];
	return NULL;
}

/* Whether the tunable is text. */
bool nlt_is_text(const struct nlt_record *tunable)
{
	return tunable->a[KSTALLMON_A_TUNABLE_TEXT].count;
}

/* Whether everything told of all tunables is the same. */
bool nlt_same_values(const struct nlt_tunables *a, const struct nlt_tunables *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static int set(struct nlt *nlt, struct nl_msg *msg)
{
	struct nlt_reply reply;

	nlt_ask(nlt, msg, &reply, NULL, NULL);
	return -reply.error;
}

int nlt_set(struct nlt *nlt, const char *name, uint64_t value)
{
	struct nl_msg *msg = nlt_request(nlt, KSTALLMON_CMD_TUNABLE_SET, 0);

	nlt_put_setting(msg, name, value);
	return set(nlt, msg);
}

int nlt_set_text(struct nlt *nlt, const char *name, const char *text)
{
	struct nl_msg *msg = nlt_request(nlt, KSTALLMON_CMD_TUNABLE_SET, 0);

	nlt_put_text(msg, name, text);
	return set(nlt, msg);
}

/* Numbers are taken from attribute @num of each tunable, texts from @text. */
static int set_all(struct nlt *nlt, const struct nlt_tunables *all, unsigned int num,
		   unsigned int text)
{
	struct nl_msg *msg = nlt_request(nlt, KSTALLMON_CMD_TUNABLE_SET, 0);
	unsigned int i;

	for (i = 0; i < all->nr; i++) {
		const struct nlt_record *t = &all->t[i];
		const char *name = nlt_text(t, KSTALLMON_A_TUNABLE_NAME);

		if (nlt_is_text(t))
			nlt_put_text(msg, name, nlt_text(t, text));
		else
			nlt_put_setting(msg, name, nlt_num(t, num));
	}
	return set(nlt, msg);
}

int nlt_set_values(struct nlt *nlt, const struct nlt_tunables *all)
{
	return set_all(nlt, all, KSTALLMON_A_TUNABLE_VALUE, KSTALLMON_A_TUNABLE_TEXT);
}

int nlt_set_defaults(struct nlt *nlt, const struct nlt_tunables *all)
{
	return set_all(nlt, all, KSTALLMON_A_TUNABLE_DEFAULT, KSTALLMON_A_TUNABLE_DEFAULT_TEXT);
}

int nlt_status(struct nlt *nlt, struct nlt_record *status)
{
	int nr = ask(nlt, KSTALLMON_CMD_STATUS_GET, 0, status, 1);

	return nr == 1 ? 0 : nr ?: -ENOENT;
}

uint64_t nlt_numbered(struct nlt *nlt)
{
	struct nlt_record status;

	return nlt_status(nlt, &status) ? 0 : nlt_num(&status, KSTALLMON_A_STATUS_NUMBERED);
}

/* Returns how many CPUs there are, or a negative errno. */
int nlt_cpus(struct nlt *nlt, struct nlt_record *cpus, unsigned int max)
{
	return ask(nlt, KSTALLMON_CMD_CPU_GET, NLM_F_DUMP, cpus, max);
}

int nlt_cpu(struct nlt *nlt, unsigned int cpu, struct nlt_record *rec)
{
	struct nlt_record cpus[NLT_CPUS];
	int i, nr = nlt_cpus(nlt, cpus, NLT_CPUS);

	for (i = 0; i < nr; i++) {
		if (nlt_num(&cpus[i], KSTALLMON_A_CPU_CPU) == cpu) {
			*rec = cpus[i];
			return 0;
		}
	}
	return nr < 0 ? nr : -ENOENT;
}

struct histograms {
	struct nlt_histogram *all;
	unsigned int nr;
	unsigned int max;
};

static void take_histogram(struct nlmsghdr *nlh, void *arg)
{
	struct genlmsghdr *hdr = nlmsg_data(nlh);
	struct histograms *histograms = arg;
	struct nlt_histogram *histogram;
	struct nlattr *attr;
	int rem;

	if (histograms->nr >= histograms->max)
		return;
	histogram = &histograms->all[histograms->nr++];
	memset(histogram, 0, sizeof(*histogram));
	nlt_parse(&histogram->top, genlmsg_attrdata(hdr, 0), genlmsg_attrlen(hdr, 0));
	nla_for_each_attr(attr, genlmsg_attrdata(hdr, 0), genlmsg_attrlen(hdr, 0), rem) {
		struct nlt_record bucket = {};

		if (nla_type(attr) != KSTALLMON_A_HISTOGRAM_BUCKET || histogram->nr == NLT_BUCKETS)
			continue;
		nlt_parse(&bucket, nla_data(attr), nla_len(attr));
		histogram->top.unknown += bucket.unknown;
		histogram->bucket[histogram->nr].from = nlt_num(&bucket, KSTALLMON_A_BUCKET_FROM);
		histogram->bucket[histogram->nr++].count =
			nlt_num(&bucket, KSTALLMON_A_BUCKET_COUNT);
	}
}

/* Returns how many histograms there are, or a negative errno. */
int nlt_histograms(struct nlt *nlt, struct nlt_histogram *all, unsigned int max)
{
	struct histograms histograms = { .all = all, .max = max };
	struct nlt_reply reply;

	nlt_ask(nlt, nlt_request(nlt, KSTALLMON_CMD_HISTOGRAM_GET, NLM_F_DUMP), &reply,
		take_histogram, &histograms);
	return reply.error ? -reply.error : (int)histograms.nr;
}

/* Nothing that begins from now on is a stall. Returns 0 or a negative errno. */
static int detect_nothing(struct nlt *nlt)
{
	struct nl_msg *msg = nlt_request(nlt, KSTALLMON_CMD_TUNABLE_SET, 0);
	const struct nlt_record *threshold;
	struct nlt_tunables all;
	int err;

	err = nlt_tunables(nlt, &all);
	threshold = nlt_tunable(&all, "threshold");
	if (err || !threshold) {
		nlmsg_free(msg);
		return err ?: -ENOENT;
	}
	nlt_put_setting(msg, "threshold", nlt_num(threshold, KSTALLMON_A_TUNABLE_MAX));
	nlt_put_setting(msg, "softirq_threshold", 0);
	nlt_put_setting(msg, "sched_threshold", 0);
	/* Idle CPUs that beat seldom are waited for: to be set wakes them, with this to stay up. */
	nlt_put_setting(msg, "longest_gap", 1);
	nlt_put_text(msg, "cpus", "auto");
	return set(nlt, msg);
}

/* Returns whether each CPU has come @beats further since @since, or a negative errno. */
static int have_beaten(struct nlt *nlt, const struct nlt_record *since, unsigned int beats)
{
	struct nlt_record cpus[NLT_CPUS];
	int i, nr = nlt_cpus(nlt, cpus, NLT_CPUS);

	for (i = 0; i < nr; i++)
		if (nlt_num(&cpus[i], KSTALLMON_A_CPU_WATCHED) &&
		    nlt_num(&cpus[i], KSTALLMON_A_CPU_BEATS) <
			    nlt_num(&since[i], KSTALLMON_A_CPU_BEATS) + beats)
			return 0;
	return nr < 0 ? nr : 1;
}

/**
 * nlt_sensitive() - see stalls of 2 ms for sure, and tell all of them
 * @nlt: by whom
 *
 * A new period counts from a CPU's next beat on, and until then a stall may pass unseen that the
 * old one did not promise to see. One beat may be on its way already; the second knows.
 *
 * Return: 0 or a negative errno.
 */
int nlt_sensitive(struct nlt *nlt)
{
	struct nl_msg *msg = nlt_request(nlt, KSTALLMON_CMD_TUNABLE_SET, 0);
	struct nlt_record since[NLT_CPUS];
	int tries, err, done = 0;

	nlt_put_setting(msg, "rate", 0);
	nlt_put_setting(msg, "threshold", 1);
	nlt_put_setting(msg, "period", 1);
	nlt_put_setting(msg, "slack", 0);
	nlt_put_text(msg, "cpus", "auto"); /* wakes those that beat seldom */
	err = set(nlt, msg);
	if (!err && nlt_cpus(nlt, since, NLT_CPUS) < 0)
		err = -EIO;
	for (tries = 0; !err && !done && tries < NLT_PATIENCE * 1000; tries++) {
		usleep(1000);
		done = have_beaten(nlt, since, 2);
		err = done < 0 ? done : 0;
	}
	return err ?: done ? 0 : -ETIMEDOUT;
}

/**
 * nlt_quiet() - let no more events come, and wait until all that came are numbered
 * @nlt: by whom
 * @status: the state then, which stays as it is until the threshold is lowered; or NULL
 *
 * Makes numbers comparable on a machine that may stall of itself at any time: nothing is detected
 * any more, and what was detected so far has ended and is told. Each CPU's next beat is the first
 * to know that; the one after it finds whether others took it for stalled before they knew, and
 * has come to its end when the third is counted.
 *
 * Return: 0 or a negative errno.
 */
int nlt_quiet(struct nlt *nlt, struct nlt_record *status)
{
	struct nlt_record since[NLT_CPUS], room;
	int tries, err, done = 0;
	uint64_t numbered = 0;

	if (!status)
		status = &room;
	err = detect_nothing(nlt);
	if (!err && nlt_cpus(nlt, since, NLT_CPUS) < 0)
		err = -EIO;
	for (tries = 0; !err && tries < NLT_PATIENCE * 100; tries++) {
		usleep(10000);
		if (!done)
			done = have_beaten(nlt, since, 3);
		err = done < 0 ? done : nlt_status(nlt, status);
		/* Twice the same: one that has left the queue may not have its number yet. */
		if (!err && done && !nlt_num(status, KSTALLMON_A_STATUS_QUEUED) &&
		    nlt_num(status, KSTALLMON_A_STATUS_NUMBERED) == numbered)
			return 0;
		numbered = nlt_num(status, KSTALLMON_A_STATUS_NUMBERED);
	}
	return err ?: -ETIMEDOUT;
}
