#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# CPUs come and go under load, stalls and reloads of the module: no heart is lost.

import os
import signal
import subprocess
import time

import livelib
from livelib import OTHERS, Staller, kst

CYCLES = 200
RELOAD_EACH = 20
LOAD = "while :; do for i in 1 2 3 4 5 6 7 8; do :; done; /bin/true; done"


def as_the_kernel_says():
    """The watched CPUs are those that are online, and no other."""
    now = kst.status()
    with open("/sys/devices/system/cpu/online", encoding="ascii") as file:
        online = file.read().strip()
    here = sum(int(last or first) - int(first) + 1 for first, _, last in (
        part.partition("-") for part in online.split(",")))
    return now["watched"] == here and now["excluded"] == 0 and all(
        c["watched"] == os.path.exists(f"/sys/devices/system/cpu/cpu{c['cpu']}/topology")
        for c in now["cpus"])


def every_heart_beats():
    before = kst.status()["cpus"]
    livelib.wait_until(lambda: all(new["beats"] > old["beats"] for old, new in zip(
        before, kst.status()["cpus"])), "a heart stands still")


def every_cpu_tells():
    for cpu in OTHERS:
        with livelib.Subscriber() as subscriber:
            staller = Staller(cpu, 1500).go()
            subscriber.until(lambda s=subscriber, staller=staller: s.begins(staller))
            staller.wait()
            subscriber.settle()
            assert subscriber.pairs(staller), subscriber.events


@kst.test
def two_hundred_cycles():
    load = [subprocess.Popen(["bash", "-c", LOAD], start_new_session=True) for _ in range(2)]
    for process in load:
        os.sched_setaffinity(process.pid, {0, *OTHERS})
    stallers = []
    try:
        for cycle in range(CYCLES):
            cpu = OTHERS[cycle % len(OTHERS)]
            stallers.append(Staller(OTHERS[(cycle + cycle // 3) % len(OTHERS)], 30, 2, 5).go())
            livelib.online(cpu, False)
            if cycle % RELOAD_EACH == RELOAD_EACH // 2:
                kst.unload()
                kst.load()
                assert as_the_kernel_says(), kst.status()
            livelib.online(cpu, True)
            # A heart that is lost would come back when its CPU does the next time.
            if cycle % RELOAD_EACH == 0:
                assert as_the_kernel_says(), kst.status()
                every_heart_beats()
            while len(stallers) > 4:
                stallers.pop(0).wait()
    finally:
        for process in load:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for staller in stallers:
            staller.wait()
    assert as_the_kernel_says(), kst.status()
    every_heart_beats()
    every_cpu_tells()


@kst.test
def a_cpu_that_is_offline_is_not_stalled():
    with livelib.Subscriber() as subscriber:
        for cpu in OTHERS:
            livelib.online(cpu, False)
            begin = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            time.sleep(3)
            end = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            livelib.online(cpu, True)
            every_heart_beats()
            subscriber.settle()
            # Neither for what of that time it was looked at, nor for all of it afterwards. A stall
            # from before may be told a little later.
            for event in subscriber.events:
                if event.get("cpu") == cpu:
                    assert not begin + 10**9 < event["time-boot"] < end, event
                    assert event.get("duration-max", 0) < end - begin, event


livelib.stay_at_home()
kst.run()
