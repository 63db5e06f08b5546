#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# Thousands of processes: the highest are found exactly, none is missed, none is met twice.

import collections
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import kst
import vmas
from vmas import Mapper, maps, swept

MANY = 5000
MORE = 96  # children that have more mappings than the others, each another number
PATIENCE = 600


def state_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return file.read().split()[2]


def have(mapper, number):
    """Have children; returns their ids."""
    pids = [pid for pid, in mapper.tell("children", number, MORE)]
    assert len(set(pids)) == number
    return pids


@kst.test
def the_highest_of_5000():
    with kst.tuned(task_interval=500, task_keep=32), Mapper() as mapper:
        pids = have(mapper, MANY)
        # Those that work are not as they were when they were counted. Children map by themselves.
        end = time.monotonic() + PATIENCE
        for pid in pids:
            while state_of(pid) != "S":
                assert time.monotonic() < end, f"{pid} still maps"
                time.sleep(0.01)
        counts = {pid: maps(pid) for pid in map(int, filter(str.isdigit, os.listdir("/proc")))
                  if pid != os.getpid()}
        swept()
        kept = [(k["task"]["tgid"], k["vma"]["count"]) for k in vmas.kept()]
        assert len(kept) == 32
        # All but this one rest, or they would not be as they were.
        kept = [k for k in kept if k[0] != os.getpid()]
        highest = sorted(counts.items(), key=lambda c: (-c[1], c[0]))[:len(kept)]
        assert kept == highest, (kept, highest)
        assert len({count for pid, count in highest if pid in pids}) >= 24, highest
        now = vmas.memory()
        assert now["sweep-tasks"] > MANY, now
        print(f"# {now}")
        mapper.tell("reap")


@kst.test
def each_of_5000_once_while_others_come_and_go():
    churn = subprocess.Popen(["bash", "-c", "while :; do (:) & wait; done"],
                             start_new_session=True)
    try:
        with Mapper() as mapper:
            pids = set(have(mapper, MANY))
            for _ in range(3):
                met = collections.Counter(m["task"]["tgid"] for m in vmas.every())
                assert max(met.values()) == 1, met.most_common(3)
                assert pids <= set(met), len(pids - set(met))
                assert list(met) == sorted(met)
            mapper.tell("reap")
    finally:
        os.killpg(churn.pid, 9)
        churn.wait()


@kst.test
def more_than_can_be_remembered_are_counted_and_nobody_is_told_of_twice():
    # The room for them has grown if more were to be kept before.
    kst.unload()
    kst.load()
    with kst.tuned(task_interval=100, task_keep=1, rate=0, history=16384), Mapper() as mapper:
        mapper.reach(330)
        pids = {pid for pid, in mapper.tell("children", 1500, 0)}
        swept()
        before, since = vmas.memory()["untracked"], kst.numbered()
        assert before == 0, before
        with vmas.limited(350):
            swept()
            untracked, numbered = vmas.memory()["untracked"], kst.numbered()
            told = [e["task"]["tgid"] for e in vmas.events(since) if e["task"]["tgid"] in pids]
            assert len(told) == len(set(told)) >= 1000, len(told)
            assert untracked >= len(pids) - len(told) > 0, (untracked, len(told))
            states = [m["vma"]["state"] for m in vmas.every() if m["task"]["tgid"] in pids]
            assert states == [vmas.WARN] * len(pids)
            swept()
            assert not [e for e in vmas.events(numbered) if e["task"]["tgid"] in pids]
        mapper.tell("reap")


@kst.test
def unloading_in_the_midst_of_sweeps():
    with Mapper() as mapper:
        have(mapper, 1000)
        for turn in range(10):
            kst.unload()
            kst.load("task_interval=100")
            # Until then there may be one at any time, at any place.
            time.sleep(0.03 * turn)
        swept()
        assert vmas.memory()["sweep-tasks"] > 1000
        mapper.tell("reap")
    kst.unload()
    kst.load()


kst.run()
