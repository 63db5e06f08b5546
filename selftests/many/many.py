#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# All is well on a machine with many CPUs, some of which are not to be disturbed.

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import kst

COUNT = os.cpu_count()
ISOLATED, NOHZ_FULL, LAST = 29, 30, COUNT - 1
CPUS = "/sys/devices/system/cpu"
# Debian's kernel 5.10 can't do without a tick.
LEFT_OUT = {ISOLATED, NOHZ_FULL} if os.path.exists(f"{CPUS}/nohz_full") else {ISOLATED}
MEMORY_MAX = 32 << 10
SAMPLERS_MAX = 1 << 20
PATIENCE = 600
TRIALS = 8


def kernel_says(name):
    with open(f"{CPUS}/{name}", encoding="ascii") as file:
        return file.read().strip()


def excluded_are(cpus):
    """Wait until these CPUs, and no others, are left out."""
    end = time.monotonic() + PATIENCE
    while True:
        now = kst.status()
        left_out = {c["cpu"] for c in now["cpus"] if c["state"] == "excluded"}
        if left_out == cpus and now["excluded"] == len(cpus) and (
                now["watched"] == COUNT - len(cpus)):
            return
        assert time.monotonic() < end, (now, cpus)
        time.sleep(0.1)


def told(cpu):
    """Stall a CPU for long. Returns what is told of that: beginnings and ends."""
    before = kst.settle()
    kst.inject(cpu, 1000)
    kst.settle()
    mine = [e for e in kst.history(before + 1)
            if e["cpu"] == cpu and "inject_irq_off_inner" in kst.injected_frames(
                e, "live-stack", "stack")]
    return [[e for e in mine if e["type"] == kind] for kind in ("stall-begin", "stall-end")]


def told_while_it_lasts(cpu):
    # The emulator may give the watcher or the NMI no time before the stall ends.
    for _ in range(TRIALS):
        begins, ends = told(cpu)
        if begins:
            break
    begin, = begins
    assert begin["stall-id"] in {e["stall-id"] for e in ends}, (begin, ends)
    assert begin["watcher"] != cpu, begin


@kst.test
def cpus_that_are_not_to_be_disturbed_are_left_out():
    assert (kernel_says("online"), kernel_says("isolated")) == (f"0-{LAST}", str(ISOLATED))
    assert NOHZ_FULL not in LEFT_OUT or kernel_says("nohz_full") == str(NOHZ_FULL)
    excluded_are(LEFT_OUT)
    for cpu in LEFT_OUT:
        assert told(cpu) == [[], []]
    now = {c["cpu"]: c for c in kst.status()["cpus"]}
    assert {now[cpu]["beats"] for cpu in LEFT_OUT} == {0}, now


@kst.test
def a_stall_of_the_last_cpu():
    told_while_it_lasts(LAST)


@kst.test
def a_list_brings_in_those_that_were_left_out():
    with kst.tuned(cpus=f"0-{LAST}"):
        excluded_are(set())
        told_while_it_lasts(ISOLATED)
        told_while_it_lasts(NOHZ_FULL)
    excluded_are(LEFT_OUT)


@kst.test
def memory():
    now = kst.status()
    each = [c["memory"] for c in now["cpus"]]
    assert len(each) == COUNT
    assert 0 < min(each) and max(each) <= MEMORY_MAX, each
    samplers = now["memory"] - sum(each) - now["memory-history"]
    assert 0 < samplers <= SAMPLERS_MAX, now
    assert now["memory-history"] >= 4096 * now["history-size"] // 2, now


@kst.test
def unloading_and_loading():
    kst.unload()
    assert not kst.loaded()
    kst.load()
    excluded_are(LEFT_OUT)
    told_while_it_lasts(LAST)


kst.run()
