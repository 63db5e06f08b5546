#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# Every stall is counted in its bucket, told or not, until all count anew.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import kst

GAP = 14 * kst.MS  # period and slack

# How many of each length, in ms: far enough from the bucket's ends that its bounds make no
# difference.
STALLS = {"irq": {50: 3, 100: 2, 200: 1, 400: 2}, "softirq": {100: 2, 200: 3},
          "sched": {200: 1, 400: 2, 800: 1}}


def bucket(ms):
    """The bucket's lower end, in ns."""
    return 2 ** (ms.bit_length() - 1) * kst.MS


def counts():
    """For each kind, how many are in which bucket."""
    return {kind: {b["from"]: b["count"] for b in histogram.get("bucket", [])}
            for (_, kind), histogram in kst.histograms().items()}


@kst.test
def all_kinds_count_from_nothing_on():
    kst.kstallmon("stalls", "--reset")
    histograms = kst.histograms()
    assert set(histograms) == {(0, kind) for kind in STALLS}, histograms
    for histogram in histograms.values():
        assert histogram["count"] == histogram["time"] == histogram["longest"] == 0, histogram
        assert not histogram.get("bucket"), histogram
        assert histogram["since-boot"] > 0


@kst.test
def every_stall_is_in_its_bucket():
    kst.kstallmon("stalls", "--reset")
    actual = {kind: [ns for ms, count in lengths.items()
                     for ns in kst.inject(0, ms, count, 30, kind=kind)]
              for kind, lengths in STALLS.items()}
    kst.settle()
    expected = {kind: {bucket(ms): count for ms, count in lengths.items()}
                for kind, lengths in STALLS.items()}
    assert counts() == expected, (counts(), expected)
    for kind, lengths in actual.items():
        histogram = kst.histograms()[0, kind]
        assert histogram["count"] == len(lengths), histogram
        assert max(lengths) - GAP <= histogram["longest"] <= max(lengths), (histogram, lengths)
        assert sum(lengths) - len(lengths) * GAP <= histogram["time"] <= sum(lengths), (
            histogram, lengths)


@kst.test
def what_the_events_tell_is_what_is_counted():
    kst.kstallmon("stalls", "--reset")
    with kst.tuned(rate=0):
        before = kst.settle()
        for ms in range(36, 140, 7):
            kst.inject(0, ms)
        events = kst.stalls_of(os.getpid(), before)
    expected = {}
    for event in events:
        start = bucket(event["duration-min"] // kst.MS)
        expected[start] = expected.get(start, 0) + 1
    assert counts() == {"irq": expected, "softirq": {}, "sched": {}}
    assert kst.histograms()[0, "irq"]["time"] == sum(e["duration-min"] for e in events)


@kst.test
def stalls_that_the_rate_limit_holds_back_are_counted():
    kst.kstallmon("stalls", "--reset")
    with kst.tuned(rate=1):
        before = kst.status()["suppressed"]
        kst.inject(0, 50, 10, 20)
        kst.settle()
        assert kst.status()["suppressed"] - before >= 8
    assert counts()["irq"] == {bucket(50): 10}


@kst.test
def a_reset_lets_all_count_anew():
    kst.inject(0, 50)
    kst.settle()
    before = kst.histograms()[0, "irq"]
    assert before["count"] > 0
    kst.kstallmon("stalls", "--reset")
    after = kst.histograms()[0, "irq"]
    assert after["count"] == 0 and after["since-boot"] > before["since-boot"], (before, after)
    kst.inject(0, 100)
    kst.settle()
    assert counts() == {"irq": {bucket(100): 1}, "softirq": {}, "sched": {}}


kst.run()
