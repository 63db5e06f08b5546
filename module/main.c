// SPDX-License-Identifier: GPL-2.0
/*
 * Bring-up and tear-down, in order. Rooms are brought up before those that call them.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>

#include "eventlog.h"
#include "heartbeat.h"
#include "history.h"
#include "idle.h"
#include "live.h"
#include "netlink.h"
#include "reclaim.h"
#include "sampler.h"
#include "tasks.h"
#include "tunables.h"
#include "watched.h"
#include "zones.h"

static int __init kst_init(void)
{
	int err;

	err = kst_heartbeat_init();
	if (err)
		return err;
	err = kst_eventlog_init();
	if (err)
		goto err_heartbeat;
	err = kst_tunables_start();
	if (err)
		goto err_eventlog;
	err = kst_reclaim_init();
	if (err)
		goto err_tunables;
	err = kst_netlink_init();
	if (err)
		goto err_reclaim;
	err = kst_live_arch_init();
	if (err)
		goto err_netlink;
	err = kst_samplers_init();
	if (err)
		goto err_live;
	err = kst_zones_init();
	if (err)
		goto err_samplers;
	err = kst_tasks_init();
	if (err)
		goto err_zones;
	kst_reclaim_start();
	kst_idle_init();
	err = kst_heartbeat_start();
	if (err)
		goto err_idle;
	err = kst_watched_init();
	if (err)
		goto err_hearts;

	pr_info(KST_VERSION " watches %u CPUs, period %u ms, threshold %u ms\n",
		num_online_cpus() - kst_idle_count(KSTALLMON_CPU_STATE_EXCLUDED),
		kst_tunable(period), kst_tunable(threshold));
	return 0;

err_hearts:
	/* Or a new list of CPUs would still kick them. */
	kst_tunables_stop();
	kst_heartbeat_stop();
err_idle:
	kst_idle_exit();
	kst_reclaim_stop();
	kst_tunables_stop(); /* or a new interval would start them again */
	kst_tasks_exit();
err_zones:
	kst_tunables_stop();
	kst_zones_exit();
err_samplers:
	kst_samplers_exit();
err_live:
	kst_live_arch_exit();
	kst_eventlog_drain();
err_netlink:
	kst_netlink_exit();
err_reclaim:
	kst_reclaim_exit();
err_tunables:
	kst_tunables_stop();
	kst_history_free();
err_eventlog:
	kst_eventlog_exit();
err_heartbeat:
	kst_heartbeat_exit();
	return err;
}

static void __exit kst_exit(void)
{
	kst_tunables_stop();
	kst_watched_exit();
	kst_heartbeat_stop();
	kst_idle_exit();
	kst_reclaim_stop();
	kst_tasks_exit();
	kst_zones_exit();
	kst_samplers_exit();
	kst_live_arch_exit();
	/* What was detected is still told to subscribers. */
	kst_eventlog_drain();
	kst_netlink_exit();
	kst_reclaim_exit();
	kst_eventlog_exit();
	kst_history_free();
	kst_heartbeat_exit();
	pr_info("unloaded\n");
}

module_init(kst_init);
module_exit(kst_exit);
MODULE_LICENSE("GPL");
MODULE_AUTHOR("the kstallmon developers");
MODULE_DESCRIPTION("tells what holds a CPU up, for how long, and whose code it is");
MODULE_VERSION(KST_VERSION);
