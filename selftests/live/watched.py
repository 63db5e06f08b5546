#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# The tunable cpus says which CPUs are watched, whatever goes on there.

import os
import time

import livelib
from livelib import OTHERS, Staller, kst

ALL = {0, *OTHERS}


def watched_are(cpus):
    """Wait until the status says so."""
    def so():
        now = kst.status()
        return (now["watched"], now["excluded"]) == (len(cpus), len(ALL) - len(cpus)) and all(
            (c["cpu"] in cpus) == c["watched"] == (c["state"] not in ("excluded", "offline"))
            for c in now["cpus"])
    livelib.wait_until(so, cpus)


def told(cpu, ms=150):
    """Stall a CPU. Returns all that is told of stalls of that CPU meanwhile."""
    before = kst.settle()
    staller = Staller(cpu, ms).go()
    staller.wait()
    kst.settle()
    events = [e for e in kst.history(before + 1) if e["cpu"] == cpu]
    return [e for e in events if staller.caused(e)], events


def only_these_tell(cpus):
    """Stalls on these are told, those on others are not, nor do their hearts beat."""
    watched_are(cpus)
    before = kst.status()
    for cpu in ALL:
        mine, events = told(cpu)
        assert bool(mine) == (cpu in cpus), (cpu, mine)
        assert cpu in cpus or not events, events
    for old, new in zip(before["cpus"], kst.status()["cpus"]):
        assert (new["beats"] > old["beats"]) == (new["cpu"] in cpus), (old, new)
        assert new["cpu"] in cpus or new["gap"] == 0, new


@kst.test
def all_are_by_default():
    watched_are(ALL)


@kst.test
def only_those_that_are_listed():
    with kst.tuned(cpus="0,2"):
        only_these_tell({0, 2})
        with kst.tuned(cpus="1-2"):
            only_these_tell({1, 2})
    only_these_tell(ALL)


@kst.test
def one_alone_has_nobody_to_watch_it():
    with kst.tuned(cpus="3"):
        watched_are({3})
        mine, events = told(3, 1000)
        assert [e["type"] for e in mine] == ["stall-end"], mine
        assert "stall-begin" not in {e["type"] for e in events}, events


@kst.test
def a_list_given_at_load():
    kst.unload()
    kst.load("cpus=0,2")
    try:
        assert kst.tunables()["cpus"] == "0,2"
        only_these_tell({0, 2})
    finally:
        kst.unload()
        kst.load()
    watched_are(ALL)


@kst.test
def a_cpu_that_comes_online_only_if_it_is_listed():
    with kst.tuned(cpus="0-2"):
        for cpu in (2, 3):
            livelib.online(cpu, False)
            assert livelib.states(kst.status())[cpu] == "offline"
        for cpu in (2, 3):
            livelib.online(cpu, True)
        watched_are({0, 1, 2})
    watched_are(ALL)


@kst.test
def a_stall_has_its_end_though_its_cpu_is_taken_off_the_list():
    cpu = OTHERS[-1]
    parameter = os.open(f"{kst.PARAMETERS}/cpus", os.O_WRONLY)
    with livelib.Subscriber() as subscriber:
        staller = Staller(cpu, 2000).go()
        subscriber.until(lambda: subscriber.begins(staller))
        os.write(parameter, b"0-2")
        written = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        staller.wait()
        subscriber.settle()
    os.close(parameter)
    try:
        (_, end), = subscriber.pairs(staller)
        assert written < end["time-boot"], (written, end)
        watched_are({0, 1, 2})
    finally:
        kst.kstallmon("set", "cpus=auto")
    watched_are(ALL)


livelib.stay_at_home()
kst.run()
