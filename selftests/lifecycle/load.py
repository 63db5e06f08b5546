#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# The module comes and goes, with the parameters it is given and with none it cannot take.

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import kst


def last_kernel_words():
    return subprocess.run(["dmesg"], capture_output=True, text=True, check=True).stdout


def refused(param, value, text):
    kst.unload()
    try:
        done = kst.load(f"{param}={value}", check=False)
        assert done.returncode != 0
        assert not kst.loaded()
        assert text in last_kernel_words().splitlines()[-1] or text in last_kernel_words()
    finally:
        if not kst.loaded():
            kst.load()


@kst.test
def load_and_unload_50_times():
    instances = set()
    for _ in range(50):
        kst.unload()
        assert not kst.loaded()
        kst.load()
        instances.add(kst.status()["instance"])
    assert len(instances) == 50, instances
    assert 0 not in instances


@kst.test
def a_fresh_load_starts_from_nothing():
    kst.inject(0, 60)
    kst.settle()
    kst.unload()
    kst.load()
    now = kst.status()
    # The host's noise may have made an event already, but none of those before is there.
    assert now["overwritten"] == 0 and now["dropped"] == 0, now
    culprits = [e for e in kst.history() if "inject" in str(e.get("stack"))]
    assert not culprits, culprits


@kst.test
def parameters_given_at_load_are_in_force():
    kst.unload()
    given = {"period": 7, "threshold": 33, "slack": 123, "history": 48, "rate": 5,
             "softirq_threshold": 77, "sched_threshold": 0, "longest_gap": 500, "log_after": 2000,
             "zone_interval": 200, "zone_dwell": 0, "reclaim_threshold": 7, "task_interval": 300,
             "task_keep": 5, "cpus": "0"}
    kst.load(*(f"{name}={value}" for name, value in given.items()))
    try:
        assert kst.tunables() == given
        assert kst.status()["history-size"] == 48
    finally:
        kst.unload()
        kst.load()


@kst.test
def defaults_are_those_of_the_manual():
    assert kst.tunables() == {"period": 10, "threshold": 20, "slack": 4000, "history": 1024,
                              "rate": 10, "softirq_threshold": 50, "sched_threshold": 100,
                              "longest_gap": 1000, "log_after": 1000, "zone_interval": 1000,
                              "zone_dwell": 5000, "reclaim_threshold": 50, "task_interval": 5000,
                              "task_keep": 32, "cpus": "auto"}


@kst.test
def a_threshold_of_nothing_is_refused_at_load():
    refused("threshold", 0, "threshold must be 1..60000 ms")


@kst.test
def a_period_too_long_is_refused_at_load():
    refused("period", 1001, "period must be 1..1000 ms")


@kst.test
def a_word_for_a_number_is_refused_at_load():
    refused("history", "many", "history must be 16..16384 events")


@kst.test
def modinfo_describes_every_parameter():
    text = subprocess.run(["modinfo", "-p", kst.MODULE], capture_output=True, text=True,
                          check=True).stdout
    for name, bounds in (("period", "1..1000 ms"), ("threshold", "1..60000 ms"),
                         ("slack", "0..1000000 us"), ("history", "16..16384 events"),
                         ("rate", "0..10000 events/s")):
        assert re.search(rf"^{name}:.*\({re.escape(bounds)}\)$", text, re.M), text


kst.run()
