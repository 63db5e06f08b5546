#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# An idle CPU is hardly woken, and one that wakes is watched at once as closely as a busy one.

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import kst

GAP = 14 * kst.MS  # period and slack
LATENCY = kst.MS // 10  # from the end to whoever sees it
LONGEST = 1000


def timer_interrupts():
    with open("/proc/interrupts", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.split()[0] == "LOC:")


def per_second(count, seconds):
    """How often something counts up while the CPU is idle."""
    time.sleep(3)  # what has gone before comes to rest
    # The VM's time leaps while it waits for the host: not the seconds slept.
    before, begin = count(), time.monotonic()
    time.sleep(seconds)
    return (count() - before) / (time.monotonic() - begin)


@kst.test
def thirty_idle_seconds():
    kst.unload()
    try:
        without = per_second(timer_interrupts, 30)
    finally:
        kst.load()
    before = kst.status()
    added = per_second(timer_interrupts, 30) - without
    kst.settle()
    after = kst.status()
    kst.ksft.print_msg(f"{without:.2f} timer interrupts each second without, {added:.2f} added")
    assert added <= 5, (added, without)
    assert after["stalls"] == before["stalls"]
    assert after["numbered"] == before["numbered"], kst.history(before["numbered"] + 1)
    assert after["beats"] > before["beats"]


def beats_between(longest_gap, least, most):
    with kst.tuned(longest_gap=longest_gap):
        added = per_second(lambda: kst.status()["beats"], 20)
    kst.ksft.print_msg(f"longest gap {longest_gap} ms: {added:.2f} beats each second")
    assert least <= added <= most, added


@kst.test
def the_longest_gap_is_kept():
    # Two programs that tell the beats, and what wakes the CPU by itself, are not idle.
    beats_between(200, 1000 / (200 + 4), 20)
    beats_between(1000, 1000 / (1000 + 4), 15)


@kst.test
def no_back_off_with_a_longest_gap_up_to_the_period():
    # 71 to 100; some less where the host was away, far more than with twice the period.
    beats_between(10, 60, 101)
    beats_between(1, 60, 101)


@kst.test
def a_stall_as_soon_as_an_idle_cpu_wakes():
    # It sleeps until its gap is the longest. With that, all of these could go unseen.
    count = 10
    before = kst.settle()
    lengths = kst.inject(0, 35, count, 3 * LONGEST)
    events = kst.stalls_of(os.getpid(), before)
    assert len(events) == count, events
    for event, length in zip(events, lengths):
        assert event["duration-min"] <= length <= event["duration-max"], (event, length)
        assert event["duration-max"] <= length + GAP + LATENCY, (event, length)


kst.run()
