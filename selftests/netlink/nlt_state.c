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

/* Whether everything told of all tunables is the same. */
bool nlt_same_values(const struct nlt_tunables *a, const struct nlt_tunables *b)
{
	return !memcmp(a, b, sizeof(*a));
}

int nlt_set(struct nlt *nlt, const char *name, uint64_t value)
{
	struct nl_msg *msg = nlt_request(nlt, KSTALLMON_CMD_TUNABLE_SET, 0);
	struct nlt_reply reply;

	nlt_put_setting(msg, name, value);
	nlt_ask(nlt, msg, &reply, NULL, NULL);
	return -reply.error;
}

static int set_all(struct nlt *nlt, const struct nlt_tunables *all, unsigned int attr)
{
	struct nl_msg *msg = nlt_request(nlt, KSTALLMON_CMD_TUNABLE_SET, 0);
	struct nlt_reply reply;
	unsigned int i;

	for (i = 0; i < all->nr; i++)
		nlt_put_setting(msg, nlt_text(&all->t[i], KSTALLMON_A_TUNABLE_NAME),
				nlt_num(&all->t[i], attr));
	nlt_ask(nlt, msg, &reply, NULL, NULL);
	return -reply.error;
}

int nlt_set_values(struct nlt *nlt, const struct nlt_tunables *all)
{
	return set_all(nlt, all, KSTALLMON_A_TUNABLE_VALUE);
}

int nlt_set_defaults(struct nlt *nlt, const struct nlt_tunables *all)
{
	return set_all(nlt, all, KSTALLMON_A_TUNABLE_DEFAULT);
}

/**
 * nlt_sensitive() - see stalls of 2 ms for sure, and tell all of them
 * @nlt: by whom
 *
 * Return: 0 or a negative errno.
 */
int nlt_sensitive(struct nlt *nlt)
{
	struct nl_msg *msg = nlt_request(nlt, KSTALLMON_CMD_TUNABLE_SET, 0);
	struct nlt_reply reply;

	nlt_put_setting(msg, "rate", 0);
	nlt_put_setting(msg, "threshold", 1);
	nlt_put_setting(msg, "period", 1);
	nlt_put_setting(msg, "slack", 0);
	nlt_ask(nlt, msg, &reply, NULL, NULL);
	return -reply.error;
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

/**
 * nlt_quiet() - let no more events come, and wait until all that came are numbered
 * @nlt: by whom
 * @status: the state then, which stays as it is until the threshold is lowered; or NULL
 *
 * Makes numbers comparable on a machine that may stall of itself at any time: nothing is detected
 * below the largest threshold, and every stall detected so far ends up in one of four counters.
 *
 * Return: 0, or a negative errno; -ETIMEDOUT: there are stalls in none of the counters.
 */
int nlt_quiet(struct nlt *nlt, struct nlt_record *status)
{
	const struct nlt_record *threshold;
	struct nlt_tunables all;
	struct nlt_record room;
	int tries, err;

	if (!status)
		status = &room;
	err = nlt_tunables(nlt, &all);
	if (err)
		return err;
	threshold = nlt_tunable(&all, "threshold");
	if (!threshold)
		return -ENOENT;
	err = nlt_set(nlt, "threshold", nlt_num(threshold, KSTALLMON_A_TUNABLE_MAX));
	for (tries = 0; !err && tries < 1000; tries++) {
		/* Also lets a beat that had read the lower threshold come to its end. */
		usleep(10000);
		err = nlt_status(nlt, status);
		if (!err && nlt_num(status, KSTALLMON_A_STATUS_STALLS) ==
				    nlt_num(status, KSTALLMON_A_STATUS_NUMBERED) +
					    nlt_num(status, KSTALLMON_A_STATUS_DROPPED) +
					    nlt_num(status, KSTALLMON_A_STATUS_SUPPRESSED))
			return 0;
	}
	return err ?: -ETIMEDOUT;
}
