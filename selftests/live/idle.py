#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# Idle CPUs beat seldom, but one of them watches each period while any CPU is busy.

import collections
import contextlib
import os
import subprocess
import time

import livelib
from livelib import HOME, OTHERS, kst

PERIOD = kst.tunables()["period"] * kst.MS


def back_off(cpus, gap, tries=300):
    """Wait until each of the CPUs was seen to have backed off, and one of them to a gap in ns, at
    some time. The kernel's own work may keep another of them from that."""
    missing = set(cpus)
    longest = 0
    for _ in range(tries):
        gaps = {c["cpu"]: c["gap"] for c in kst.status()["cpus"]
                if c["cpu"] in cpus and c["state"] == "backed-off"}
        missing -= gaps.keys()
        longest = max(longest, *gaps.values(), 0)
        assert all(PERIOD < one <= gap for one in gaps.values()), gaps
        if not missing and longest == gap:
            return
        time.sleep(0.1)
    raise AssertionError((missing, longest, kst.status()["cpus"]))


@contextlib.contextmanager
def busy(cpu):
    """A CPU runs a task all the time."""
    with subprocess.Popen(["taskset", "-c", str(cpu), "bash", "-c", "while :; do :; done"]) as task:
        yield
        task.kill()


@kst.test
def idle_cpus_back_off_up_to_the_longest_gap():
    longest = kst.tunables()["longest_gap"] * kst.MS
    back_off(OTHERS, longest)
    assert kst.status()["backed-off"] <= len(OTHERS)  # we run
    with kst.tuned(longest_gap=150):
        time.sleep(2 * longest / 1e9)  # a gap that has begun may be longer
        back_off(OTHERS, 150 * kst.MS)


@kst.test
def a_task_brings_the_period_back():
    cpu = OTHERS[-1]
    for _ in range(3):
        livelib.wait_until(
            lambda: livelib.states(kst.status())[cpu] == "backed-off", "never backed off")
        with busy(cpu):
            # No beat is needed for it to come: one that is due in a second would be too late.
            livelib.wait_until(lambda: livelib.states(kst.status())[cpu] == "busy", "never busy")
            assert next(c["gap"] for c in kst.status()["cpus"] if c["cpu"] == cpu) == PERIOD
            beats = next(c["beats"] for c in kst.status()["cpus"] if c["cpu"] == cpu)
            livelib.wait_until(lambda before=beats: next(
                c["beats"] for c in kst.status()["cpus"] if c["cpu"] == cpu) >= before + 100,
                "it does not beat")


@kst.test
def no_back_off_with_a_longest_gap_below_the_period():
    with kst.tuned(longest_gap=1):
        livelib.wait_until(lambda: kst.status()["backed-off"] == 0, "backed off")
        for _ in range(10):
            time.sleep(0.2)
            now = kst.status()
            assert now["backed-off"] == 0, now
            assert {c["gap"] for c in now["cpus"]} == {PERIOD}, now
        assert "sentry" in livelib.states(now).values(), now


def others_share(cpu):
    """How often the other CPUs beat, all together, for a beat of this one, while nobody asks."""
    before = kst.status()
    time.sleep(3)
    beats = {a["cpu"]: a["beats"] - b["beats"]
             for a, b in zip(kst.status()["cpus"], before["cpus"])}
    return (sum(beats.values()) - beats[cpu]) / beats[cpu]


@kst.test
def one_sentry_and_no_more_while_one_cpu_is_busy():
    # This program and all that it starts run on the busy CPU, too.
    cpu = OTHERS[-1]
    os.sched_setaffinity(0, {cpu})
    try:
        with busy(cpu):
            time.sleep(3)
            samples = []
            wanted = {"backed-off": 2, "sentry": 1}
            # The kernel's own tasks wake one or another for a moment, on a slow host often.
            while samples.count(wanted) < 5:
                assert len(samples) < 300, samples
                time.sleep(0.1)
                states = livelib.states(kst.status())
                assert states.pop(cpu) == "busy"
                samples.append(collections.Counter(states.values()))
            shares = [others_share(cpu) for _ in range(5)]
    finally:
        os.sched_setaffinity(0, {HOME})

    for one, two in zip(samples, samples[1:]):
        # A status is not of one instant.
        assert min(one["backed-off"], two["backed-off"]) < len(OTHERS), samples
        assert min(one["sentry"], two["sentry"]) <= 1, samples
    # All others together keep the period once, not two or three times.
    assert 0.5 < min(shares) < 1.5, shares


livelib.stay_at_home()
kst.run()
