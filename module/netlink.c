// SPDX-License-Identifier: GPL-2.0
/*
 * The generic-netlink family: what may be asked, by whom, and what is refused. It reads
 * records and statistics and knows nothing of how they came about.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/ktime.h>
#include <net/genetlink.h>

#include "compat/compat.h"
#include "dump.h"
#include "encode.h"
#include "eventlog.h"
#include "heartbeat.h"
#include "history.h"
#include "netlink.h"
#include "stall.h"
#include "tunables.h"
#include "watched.h"

#define KST_NAME_MAX 31

static u32 kst_instance_id;
static u64 kst_loaded_boot;
static atomic64_t kst_unsent;

/* With no policy at all, attributes of a request would be passed over in silence. */
static const struct nla_policy kst_policy_none[2];

static const struct nla_policy kst_policy_event_get[KSTALLMON_A_EVENT_SINCE + 1] = {
	[KSTALLMON_A_EVENT_SINCE] = { .type = NLA_U64 },
};

static const struct nla_policy kst_policy_tunable_get[KSTALLMON_A_TUNABLE_NAME + 1] = {
	[KSTALLMON_A_TUNABLE_NAME] = { .type = NLA_NUL_STRING, .len = KST_NAME_MAX },
};

static const struct nla_policy kst_policy_vma_get[KSTALLMON_A_MEMORY_ALL + 1] = {
	[KSTALLMON_A_MEMORY_ALL] = { .type = NLA_FLAG },
};

static const struct nla_policy kst_policy_setting[KSTALLMON_A_SETTING_MAX + 1] = {
	[KSTALLMON_A_SETTING_NAME] = { .type = NLA_NUL_STRING, .len = KST_NAME_MAX },
	[KSTALLMON_A_SETTING_VALUE] = { .type = NLA_U64 },
	[KSTALLMON_A_SETTING_TEXT] = { .type = NLA_NUL_STRING, .len = KST_CPUS_MAX },
};

static const struct nla_policy kst_policy_tunable_set[KSTALLMON_A_TUNABLE_SETTING + 1] = {
	[KSTALLMON_A_TUNABLE_SETTING] = NLA_POLICY_NESTED(kst_policy_setting),
};

/**
 * kst_instance() - which load of the module this is
 *
 * Return: a random number, never 0.
 */
u32 kst_instance(void)
{
	return kst_instance_id;
}

/**
 * kst_permit() - whether the sender of a request may do so
 * @skb: the request
 * @extack: gets the reason if not, or NULL
 *
 * Return: 0 or -EPERM.
 */
int kst_permit(const struct sk_buff *skb, struct netlink_ext_ack *extack)
{
	if (netlink_capable(skb, CAP_SYS_ADMIN))
		return 0;
	NL_SET_ERR_MSG(extack, "CAP_SYS_ADMIN in the initial user namespace is needed");
	return -EPERM;
}

static void kst_collect_status(struct kst_status *status)
{
	struct kst_reclaim_stats reclaim;
	struct kst_tasks_stats tasks;
	struct kst_heartbeat_stats heart;
	struct kst_eventlog_stats log;
	unsigned int cpu;

	memset(status, 0, sizeof(*status));
	for_each_possible_cpu(cpu) {
		kst_heartbeat_stats(cpu, &heart);
		status->watched += kst_heartbeat_watched(&heart);
		status->backed_off += heart.state == KSTALLMON_CPU_STATE_BACKED_OFF;
		status->excluded += heart.state == KSTALLMON_CPU_STATE_EXCLUDED;
		status->hearts.pending += heart.pending;
		status->hearts.memory += heart.memory;
		status->hearts.beats += heart.beats;
		status->hearts.beat_time += heart.beat_time;
		status->hearts.stalls += heart.stalls;
		kst_eventlog_stats(cpu, &log);
		status->logs.queued += log.queued;
		status->logs.dropped += log.dropped;
		status->logs.suppressed += log.suppressed;
		status->logs.memory += log.memory;
	}
	kst_history_stats(&status->history);
	kst_reclaim_stats(&reclaim);
	kst_tasks_stats(&tasks);
	status->samplers = kst_zones_memory() + reclaim.memory + tasks.memory;
	status->loaded_boot = kst_loaded_boot;
	status->unsent = atomic64_read(&kst_unsent);
	status->subscribers = genl_has_listeners(&kst_family, &init_net, 0);
}

/* Begin an answer. Return: NULL without memory. */
static struct sk_buff *kst_reply_begin(struct genl_info *info, void **hdr)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);

	/* There is room for a header in it. */
	if (skb)
		*hdr = genlmsg_put_reply(skb, info, &kst_family, 0, info->genlhdr->cmd);
	return skb;
}

/* Send an answer, unless @err says that it is not whole. */
static int kst_reply_end(struct genl_info *info, struct sk_buff *skb, void *hdr, int err)
{
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, hdr);
	return genlmsg_reply(skb, info);
}

static int kst_status_get(struct sk_buff *skb, struct genl_info *info)
{
	int err = kst_permit(skb, info->extack);
	struct kst_status status;
	struct sk_buff *answer;
	void *hdr;

	if (err)
		return err;
	answer = kst_reply_begin(info, &hdr);
	if (!answer)
		return -ENOMEM;
	kst_collect_status(&status);
	return kst_reply_end(info, answer, hdr, kst_encode_status(answer, &status));
}

static int kst_memory_get(struct sk_buff *skb, struct genl_info *info)
{
	int err = kst_permit(skb, info->extack);
	struct kst_memory memory;
	struct sk_buff *answer;
	void *hdr;

	if (err)
		return err;
	answer = kst_reply_begin(info, &hdr);
	if (!answer)
		return -ENOMEM;
	kst_zones_host(&memory.host);
	kst_reclaim_stats(&memory.reclaim);
	kst_tasks_stats(&memory.tasks);
	return kst_reply_end(info, answer, hdr, kst_encode_memory(answer, &memory));
}

static int kst_histogram_reset_do(struct sk_buff *skb, struct genl_info *info)
{
	int err = kst_permit(skb, info->extack);

	if (!err)
		kst_histogram_reset();
	return err;
}

static struct kst_tunable *kst_named_tunable(const struct nlattr *name,
					     struct netlink_ext_ack *extack)
{
	struct kst_tunable *tunable = kst_tunable_find(nla_data(name));

	if (!tunable)
		NL_SET_ERR_MSG_ATTR(extack, name, "no tunable of this name");
	return tunable;
}

static int kst_tunable_get(struct sk_buff *skb, struct genl_info *info)
{
	struct kst_tunable *tunable;
	struct sk_buff *answer;
	int err = kst_permit(skb, info->extack);
	void *hdr;

	if (err)
		return err;
	if (!info->attrs[KSTALLMON_A_TUNABLE_NAME]) {
		NL_SET_ERR_MSG(info->extack, "attribute name is missing");
		return -EINVAL;
	}
	tunable = kst_named_tunable(info->attrs[KSTALLMON_A_TUNABLE_NAME], info->extack);
	if (!tunable)
		return -ENOENT;
	answer = kst_reply_begin(info, &hdr);
	if (!answer)
		return -ENOMEM;
	return kst_reply_end(info, answer, hdr, kst_encode_tunable(answer, tunable));
}

/* Check one setting of a request. @seen holds the tunables that it named before. */
static int kst_read_setting(const struct nlattr *attr, struct kst_setting *setting,
			    unsigned long *seen, struct netlink_ext_ack *extack)
{
	struct nlattr *tb[KSTALLMON_A_SETTING_MAX + 1];
	const struct nlattr *value, *other;
	const struct kst_tunable *tunable;
	int err;

	err = nla_parse_nested(tb, KSTALLMON_A_SETTING_MAX, attr, kst_policy_setting, extack);
	if (err)
		return err;
	if (!tb[KSTALLMON_A_SETTING_NAME]) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "attribute name of a setting is missing");
		return -EINVAL;
	}
	if (!tb[KSTALLMON_A_SETTING_VALUE] && !tb[KSTALLMON_A_SETTING_TEXT]) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "attribute value of a setting is missing, or text");
		return -EINVAL;
	}

	tunable = kst_named_tunable(tb[KSTALLMON_A_SETTING_NAME], extack);
	if (!tunable)
		return -ENOENT;
	value = tb[tunable->def_text ? KSTALLMON_A_SETTING_TEXT : KSTALLMON_A_SETTING_VALUE];
	other = tb[tunable->def_text ? KSTALLMON_A_SETTING_VALUE : KSTALLMON_A_SETTING_TEXT];
	if (!value || other) {
		kst_extack_msg(extack, other ?: attr,
			       tunable->def_text ?
				       "this tunable is set by attribute text, not value" :
				       "this tunable is set by attribute value, not text");
		return -EINVAL;
	}
	setting->id = tunable - kst_tunables;
	setting->value = tunable->def_text ? 0 : nla_get_u64(value);
	setting->text = tunable->def_text ? nla_data(value) : NULL;
	if (__test_and_set_bit(setting->id, seen)) {
		NL_SET_ERR_MSG_ATTR(extack, tb[KSTALLMON_A_SETTING_NAME],
				    "a tunable is named twice");
		return -EINVAL;
	}
	err = kst_setting_check(setting);
	if (err == -ERANGE || err == -EINVAL)
		kst_extack_msg(extack, value, tunable->refusal);
	return err;
}

static int kst_tunable_set(struct sk_buff *skb, struct genl_info *info)
{
	struct kst_setting settings[KST_NR_TUNABLES];
	DECLARE_BITMAP(seen, KST_NR_TUNABLES) = {};
	const struct nlattr *attr;
	unsigned int nr = 0;
	int err, rem;

	err = kst_permit(skb, info->extack);
	if (err)
		return err;

	/* None is named twice, so there are no more of them than tunables. */
	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem) {
		struct kst_setting setting;

		err = kst_read_setting(attr, &setting, seen, info->extack);
		if (err)
			return err;
		settings[nr++] = setting;
	}
	if (!nr) {
		NL_SET_ERR_MSG(info->extack, "attribute setting is missing");
		return -EINVAL;
	}
	err = kst_tunables_set(settings, nr);
	if (err == -ENOMEM)
		NL_SET_ERR_MSG(info->extack, "no memory for a history of this size");
	return err;
}

static const struct genl_ops kst_ops[] = {
	{
		.cmd = KSTALLMON_CMD_EVENT_GET,
		.start = kst_event_get_start,
		.dumpit = kst_event_get_dump,
		.done = kst_event_get_done,
		.policy = kst_policy_event_get,
		.maxattr = ARRAY_SIZE(kst_policy_event_get) - 1,
	},
	{
		.cmd = KSTALLMON_CMD_STATUS_GET,
		.doit = kst_status_get,
		.policy = kst_policy_none,
		.maxattr = ARRAY_SIZE(kst_policy_none) - 1,
	},
	{
		.cmd = KSTALLMON_CMD_CPU_GET,
		.dumpit = kst_cpu_get_dump,
		.policy = kst_policy_none,
		.maxattr = ARRAY_SIZE(kst_policy_none) - 1,
	},
	{
		.cmd = KSTALLMON_CMD_TUNABLE_GET,
		.doit = kst_tunable_get,
		.dumpit = kst_tunable_get_dump,
		.policy = kst_policy_tunable_get,
		.maxattr = ARRAY_SIZE(kst_policy_tunable_get) - 1,
	},
	{
		.cmd = KSTALLMON_CMD_TUNABLE_SET,
		.doit = kst_tunable_set,
		.policy = kst_policy_tunable_set,
		.maxattr = ARRAY_SIZE(kst_policy_tunable_set) - 1,
	},
	{
		.cmd = KSTALLMON_CMD_HISTOGRAM_GET,
		.dumpit = kst_histogram_get_dump,
		.policy = kst_policy_none,
		.maxattr = ARRAY_SIZE(kst_policy_none) - 1,
	},
	{
		.cmd = KSTALLMON_CMD_HISTOGRAM_RESET,
		.doit = kst_histogram_reset_do,
		.policy = kst_policy_none,
		.maxattr = ARRAY_SIZE(kst_policy_none) - 1,
	},
	{
		.cmd = KSTALLMON_CMD_ZONE_GET,
		.dumpit = kst_zone_get_dump,
		.policy = kst_policy_none,
		.maxattr = ARRAY_SIZE(kst_policy_none) - 1,
	},
	{
		.cmd = KSTALLMON_CMD_MEMORY_GET,
		.doit = kst_memory_get,
		.policy = kst_policy_none,
		.maxattr = ARRAY_SIZE(kst_policy_none) - 1,
	},
	{
		.cmd = KSTALLMON_CMD_VMA_GET,
		.dumpit = kst_vma_get_dump,
		.policy = kst_policy_vma_get,
		.maxattr = ARRAY_SIZE(kst_policy_vma_get) - 1,
	},
	{
		.cmd = KSTALLMON_CMD_RECLAIM_GET,
		.dumpit = kst_reclaim_get_dump,
		.policy = kst_policy_none,
		.maxattr = ARRAY_SIZE(kst_policy_none) - 1,
	},
};

static const struct genl_multicast_group kst_groups[] = {
	{ .name = KSTALLMON_MCGRP_EVENTS, KST_GENL_MCGRP_SYS_ADMIN },
};

struct genl_family kst_family __ro_after_init = {
	.name = KSTALLMON_FAMILY_NAME,
	.version = KSTALLMON_FAMILY_VERSION,
	.module = THIS_MODULE,
	.parallel_ops = true, /* resizing the history must hold up no other family */
	.ops = kst_ops,
	.n_ops = ARRAY_SIZE(kst_ops),
	.mcgrps = kst_groups,
	.n_mcgrps = ARRAY_SIZE(kst_groups),
};

/**
 * kst_netlink_publish() - send an event to whoever listens
 * @rec: numbered event
 *
 * Where no message can be allocated the listeners are told ENOBUFS, which needs no memory and
 * makes them ask the history, where the event is.
 *
 * Context: task.
 */
void kst_netlink_publish(const struct kst_logged *rec)
{
	struct sk_buff *skb;
	void *hdr;

	if (!genl_has_listeners(&kst_family, &init_net, 0))
		return;

	skb = genlmsg_new(kst_encode_size(rec), GFP_NOWAIT | __GFP_NOWARN);
	if (!skb)
		goto unsent;
	hdr = genlmsg_put(skb, 0, 0, &kst_family, 0, KSTALLMON_CMD_EVENT_NTF);
	if (!hdr || kst_encode_event(skb, rec)) {
		pr_warn_once("an event of type %u exceeds its computed size\n", rec->ev.type);
		nlmsg_free(skb);
		goto unsent;
	}
	genlmsg_end(skb, hdr);
	genlmsg_multicast_netns(&kst_family, &init_net, skb, 0, 0, GFP_NOWAIT | __GFP_NOWARN);
	return;

unsent:
	atomic64_inc(&kst_unsent);
	genl_set_err(&kst_family, &init_net, 0, 0, -ENOBUFS);
}

/**
 * kst_netlink_init() - answer requests from now on
 *
 * Return: 0 or a negative errno.
 */
int kst_netlink_init(void)
{
	kst_instance_id = get_random_u32() ?: 1;
	kst_loaded_boot = ktime_get_boottime_ns();
	return genl_register_family(&kst_family);
}

/**
 * kst_netlink_exit() - answer no more; no handler runs on return
 */
void kst_netlink_exit(void)
{
	genl_unregister_family(&kst_family);
}
