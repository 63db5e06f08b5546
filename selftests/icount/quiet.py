#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# Where no stall is, none is told. The host's noise cannot make one here.

import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import kst


def nothing_while(action):
    before = kst.status()
    action()
    kst.settle()
    after = kst.status()
    assert after["stalls"] == before["stalls"], kst.history(before["numbered"] + 1)
    assert after["numbered"] == before["numbered"]
    assert after["beats"] > before["beats"]


@kst.test
def nothing_below_the_threshold():
    nothing_while(lambda: [kst.inject(0, ms, 5, 7) for ms in (1, 5, 10, 15, 19)])


@kst.test
def nothing_below_a_higher_threshold():
    with kst.tuned(threshold=100):
        nothing_while(lambda: kst.inject(0, 99, 3, 13))


@kst.test
def nothing_on_an_idle_cpu():
    nothing_while(lambda: time.sleep(10))


@kst.test
def nothing_on_a_cpu_busy_in_user_mode():
    nothing_while(lambda: subprocess.run(
        ["bash", "-c", "for ((i = 0; i < 300000; i++)); do :; done"], check=True))


@kst.test
def nothing_on_a_cpu_busy_in_the_kernel():
    nothing_while(lambda: subprocess.run(
        ["dd", "if=/dev/zero", "of=/dev/null", "bs=1M", "count=500"], check=True,
        capture_output=True))


@kst.test
def nothing_while_the_clock_is_set():
    def step():
        now = time.time()
        for delta in (3600, -7200, 0):
            time.clock_settime(time.CLOCK_REALTIME, now + delta)
            time.sleep(0.1)
    nothing_while(step)


@kst.test
def nothing_while_tunables_are_set():
    def twist():
        for period in (1, 1000, 3, 10):
            with kst.tuned(period=period, slack=period * 500):
                time.sleep(0.2)
    nothing_while(twist)


def beats_keep(period_ms, seconds):
    """Beats come a period apart, or up to the slack later, and a little for each interrupt."""
    late_ms = kst.tunables()["slack"] / 1000 + 0.1
    before = kst.status()
    time.sleep(seconds)
    after = kst.status()
    # Not the seconds slept: idle while the host reads a file, the VM's time leaps ahead.
    elapsed_ms = (after["time-boot"] - before["time-boot"]) / kst.MS
    beats = after["beats"] - before["beats"]
    assert elapsed_ms / (period_ms + late_ms) - 1 <= beats <= elapsed_ms / period_ms + 1, (
        beats, elapsed_ms)


@kst.test
def a_new_period_counts_from_the_next_beat_on():
    with kst.tuned(longest_gap=1):  # no back-off while it sleeps here
        beats_keep(10, 1)
        with kst.tuned(period=1000):
            beats_keep(1000, 5)
        beats_keep(10, 1)
        # To see whether a task is held off the CPU, beats come earlier.
        with kst.tuned(period=3, slack=0, sched_threshold=0):
            beats_keep(3, 1)


kst.run()
