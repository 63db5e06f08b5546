#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# Stalls are told while they last, by another CPU, with the stack of the culprit.

import time

import livelib
from livelib import OTHERS, Staller, Subscriber, kst

LONG = 2000
TRIALS = 3
PERIOD = 10 * kst.MS


def true(staller, begin, end):
    """What a begin and an end tell of a stall is the same, and is true as far as it is known."""
    if "live-stack" in begin:
        assert begin["context"] == "kernel", begin
        assert kst.injected_frames(begin, "live-stack")[0] == livelib.CULPRITS[staller.kind], begin
        assert begin["live-stack"] == end["live-stack"], (begin, end)
    assert begin["watcher"] != staller.cpu, begin
    assert begin["duration-min"] <= end["duration-max"], (begin, end)


def unique(events):
    """No stall is told twice."""
    ids = [(e["type"], e["stall-id"]) for e in events]
    assert len(set(ids)) == len(ids), ids


def told_while_they_last(*stallers):
    """A stall of each is told while it lasts. Returns all pairs of events."""
    with Subscriber() as subscriber:
        for staller in stallers:
            staller.go()
        subscriber.until(lambda: all(map(subscriber.begins, stallers)))
        truths = [staller.wait()[0] for staller in stallers]
        subscriber.settle()

    unique(subscriber.events)
    pairs = []
    for staller, truth in zip(stallers, truths):
        mine = subscriber.pairs(staller)
        assert mine, (truth, subscriber.events)
        for begin, end in mine:
            true(staller, begin, end)
        if not staller.disturbed(truth):
            (begin, end), = mine
            # A stall ends after its length was measured in it. The host may take its time there.
            assert end["duration-min"] <= truth["actual_ns"] + PERIOD, (end, truth)
            assert truth["actual_ns"] <= end["duration-max"], (end, truth)
            assert end["time-boot"] - end["duration-max"] <= begin["time-boot"], (begin, end)
        assert mine[0][0]["came"] < mine[-1][1]["time-boot"], (truth, mine)
        pairs += mine
    return pairs


def told_while_all_last(cpus):
    """Stalls of these CPUs are told before the first of them ends, with the stacks of all."""
    for _ in range(TRIALS):
        pairs = told_while_they_last(*(Staller(cpu, LONG) for cpu in cpus))
        assert len(pairs) == len(cpus), pairs
        assert max(begin["came"] for begin, _ in pairs) < min(e["time-boot"] for _, e in pairs)
        # The emulator may give a CPU no time for its NMI before the watcher has waited for long.
        if all("live-stack" in begin for begin, _ in pairs):
            return
    raise AssertionError(pairs)


@kst.test
def three_of_four_cpus_that_stall_together():
    assert len(OTHERS) == 3
    told_while_all_last(OTHERS)


@kst.test
def three_of_four_cpus_that_stall_together_and_were_all_watching():
    with kst.tuned(longest_gap=1):
        told_while_all_last(OTHERS)


@kst.test
def a_stall_that_three_cpus_see():
    with kst.tuned(longest_gap=1):
        told_while_all_last([OTHERS[1]])


@kst.test
def softirqs_held_off():
    told_while_they_last(Staller(OTHERS[-1], 1000, kind="softirq"))


@kst.test
def softirqs_held_off_by_one_of_them():
    told_while_they_last(Staller(OTHERS[0], 1000, kind="softirq-handler"))


@kst.test
def the_scheduler_held_off():
    told_while_they_last(Staller(OTHERS[-1], 1000, kind="sched"))


@kst.test
def the_only_busy_cpu_of_four():
    # Before each stall all CPUs are idle for so long that all of them have backed off, and would
    # not look at any other for seconds if nobody asked them to.
    rest_ms, count = 6000, 4
    staller = Staller(OTHERS[-1], 700, count, rest_ms)
    with kst.tuned(longest_gap=10000), Subscriber() as subscriber:
        before = kst.status()
        staller.go()
        subscriber.until(lambda: len(subscriber.ends(staller)) >= count)
        staller.wait()
        after = kst.status()
        subscriber.settle()
    pairs = subscriber.pairs(staller)
    assert len(pairs) == count, subscriber.events
    for begin, end in pairs:
        true(staller, begin, end)
        assert begin["came"] < end["time-boot"], (begin, end)

    # They had backed off indeed: all CPUs together beat less than one does that keeps the period.
    beats = sum(a["beats"] - b["beats"] for a, b in zip(after["cpus"], before["cpus"]))
    elapsed_ns = after["time-boot"] - before["time-boot"]
    assert elapsed_ns > (count - 1) * rest_ms * kst.MS
    assert beats < elapsed_ns / (kst.tunables()["period"] * kst.MS), (beats, elapsed_ns)


@kst.test
def every_beginning_has_its_end_in_a_storm():
    count = 40
    with kst.tuned(rate=0, longest_gap=1), Subscriber() as subscriber:
        stallers = [Staller(cpu, 60 + cpu, count, 10 + cpu) for cpu in OTHERS]
        for staller in stallers:
            staller.go()
        for staller in stallers:
            staller.wait()
        # What begins meanwhile by the host's noise ends, too.
        time.sleep(1)
        subscriber.settle()
    unique(subscriber.events)
    begun, ended = ({e["stall-id"] for e in subscriber.events if e["type"] == kind}
                    for kind in ("stall-begin", "stall-end"))
    assert begun <= ended, begun - ended
    for staller in stallers:
        assert len(subscriber.ends(staller)) >= count
        assert subscriber.pairs(staller)


@kst.test
def beginnings_that_wait_for_the_rate_limit():
    # One watcher is left, which may tell one in a second.
    for _ in range(TRIALS):
        stallers = [Staller(cpu, 9000) for cpu in OTHERS]
        with Subscriber() as subscriber, kst.tuned(rate=1):
            for staller in stallers:
                staller.go()
            subscriber.until(lambda stallers=stallers, subscriber=subscriber: all(
                map(subscriber.begins, stallers)) or any(map(subscriber.ends, stallers)))
            for staller in stallers:
                staller.wait()
            subscriber.settle()
        unique(subscriber.events)
        begins = [subscriber.begins(staller) for staller in stallers]
        # The host's noise may use the limit up.
        if all(begins) and max(b["duration-min"] for mine in begins for b in mine) > 10**9:
            return
    raise AssertionError(subscriber.events)


@kst.test
def beginnings_that_had_no_time_to_wait_are_counted():
    # Noise may be counted as well.
    stallers = [Staller(cpu, 300, 5, 10) for cpu in OTHERS]
    with Subscriber() as subscriber, kst.tuned(rate=1):
        before = kst.status()["suppressed"]
        for staller in stallers:
            staller.go()
        for staller in stallers:
            staller.wait()
        subscriber.settle()
        after = kst.status()["suppressed"]
    told, ended = (sum(len(of(s)) for s in stallers)
                   for of in (subscriber.begins, subscriber.ends))
    assert after - before >= 2 * 15 - told - ended > 0, (before, after, told, ended)


livelib.stay_at_home()
kst.run()
