#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# Hearts stop and start with their CPUs.

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import kst

CPU = kst.cpus()[-1]


def online(value):
    with open(f"/sys/devices/system/cpu/cpu{CPU}/online", "w", encoding="ascii") as file:
        file.write(str(int(value)))


def cpu_status():
    return next(c for c in kst.status()["cpus"] if c["cpu"] == CPU)


@kst.test
def an_offline_cpu_is_not_watched():
    all_cpus = kst.status()["watched"]
    online(False)
    try:
        assert kst.status()["watched"] == all_cpus - 1
        before = cpu_status()
        assert not before["watched"]
        time.sleep(0.5)
        assert cpu_status()["beats"] == before["beats"]
    finally:
        online(True)


@kst.test
def a_cpu_that_comes_back_beats_on():
    online(False)
    before = cpu_status()
    online(True)
    assert cpu_status()["watched"]
    while cpu_status()["beats"] == before["beats"]:
        time.sleep(0.1)


@kst.test
def a_cpu_that_comes_back_tells_its_stalls():
    online(False)
    online(True)
    before = kst.settle()
    actual, = kst.inject(CPU, 120)
    events = kst.stalls_of(os.getpid(), before)
    assert any(e["cpu"] == CPU and e["duration-max"] >= actual for e in events), events


@kst.test
def tunables_set_while_cpus_come_and_go():
    pid = os.fork()
    if not pid:
        for _ in range(10):
            online(False)
            online(True)
        os._exit(0)
    with kst.tuned(period=10):
        while os.waitpid(pid, os.WNOHANG)[0] == 0:
            for period in (1, 1000, 10):
                kst.kstallmon("set", f"period={period}")
    assert kst.status()["watched"] == len(kst.cpus())
    assert cpu_status()["watched"]


def all_told():
    """The status at a moment when every stall that it counts has its number."""
    while (now := kst.status())["queued"]:
        time.sleep(0.05)
    return now


@kst.test
def events_queued_on_a_cpu_that_goes_are_not_lost():
    # The host's pauses are stalls as well: all that is counted in between is told.
    with kst.tuned(rate=0):
        before = all_told()
        for _ in range(5):
            kst.inject(CPU, 60, 3, 1)
            online(False)
            online(True)
        after = all_told()
    assert after["dropped"] == before["dropped"]
    told = [e for e in kst.history(before["numbered"] + 1)
            if e["type"] == "stall-end" and e["seq"] <= after["numbered"]]
    mine = [e for e in told if e["task"]["pid"] == os.getpid()]
    assert len(mine) >= 15, len(mine)
    assert after["stalls"] - before["stalls"] == len(told), (before, after)


kst.run()
