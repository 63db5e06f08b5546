#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# Both bounds hold, and what must be caught is, exactly. Here time is the number of instructions,
# so nothing but the module decides.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import kst

GAP = 14 * kst.MS  # period and slack
LATENCY = kst.MS // 10  # from interrupts on to the beat's look at the clock


def bounds(ms):
    before = kst.settle()
    actual, = kst.inject(0, ms)
    events = kst.stalls_of(os.getpid(), before)
    assert len(events) == 1, events
    event, = events
    assert event["duration-min"] <= actual <= event["duration-max"], (event, actual)
    assert event["duration-min"] >= actual - GAP, (event, actual)
    assert event["duration-max"] <= actual + GAP + LATENCY, (event, actual)


def case(ms):
    def run():
        bounds(ms)
    run.__name__ = f"bounds_of_a_stall_of_{ms}_ms"
    return run


for length in (35, 40, 60, 120, 500, 1000):
    kst.test(case(length))


@kst.test
def every_stall_of_threshold_period_and_slack_is_caught():
    with kst.tuned(rate=0):
        before = kst.settle()
        # Gaps that drift through the phases of the beat.
        for gap in range(13, 33):
            kst.inject(0, 35, 3, gap)
        assert len(kst.stalls_of(os.getpid(), before)) == 60


@kst.test
def a_lower_threshold_counts_from_the_next_beat_on():
    with kst.tuned(threshold=1, period=1, slack=0, rate=0):
        before = kst.settle()
        actual = kst.inject(0, 4, 10, 20)
        events = kst.stalls_of(os.getpid(), before)
        assert len(events) == 10, events
        for event, length in zip(events, actual):
            assert event["duration-min"] <= length <= event["duration-max"], (event, length)


kst.run()
