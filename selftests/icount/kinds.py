#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# Stalls of softirqs and of the scheduler: told if and only if they are long enough, with bounds
# that hold, and once where one is within the other.

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import kst

GAP = 14 * kst.MS  # period and slack
LATENCY = kst.MS // 10  # from the end to whoever sees it
RT_PRIORITY = 50

THRESHOLD = {"softirq": 50, "sched": 100}

# By the injector's kinds: what is told, and whose code it was.
TOLD = {"softirq": ("softirq", "inject_bh_off_inner"),
        "softirq-handler": ("softirq", "inject_handler_inner"),
        "sched": ("sched", "inject_no_sched_inner"),
        "irq-in-softirq": ("irq", "inject_irq_off_inner"),
        "irq-in-sched": ("irq", "inject_irq_off_inner"),
        "softirq-in-sched": ("softirq", "inject_bh_off_inner")}


def told_while(action):
    """The ends of all stalls meanwhile, by whomever: here there is no noise."""
    before = kst.settle()
    result = action()
    last = kst.settle()
    events = kst.history(before + 1) if last > before else []
    return result, [e for e in events if e["type"] == "stall-end"]


def one(injected, ms):
    (actual,), events = told_while(lambda: kst.inject(0, ms, kind=injected))
    assert len(events) == 1, events
    event, = events
    kind, culprit = TOLD[injected]
    assert event["kind"] == kind, event
    assert event["class"] == "kernel", event
    assert event["duration-min"] <= actual <= event["duration-max"], (event, actual)
    return event, actual, culprit


def bounds(injected, ms):
    event, actual, culprit = one(injected, ms)
    # A handler's end is seen by ksoftirqd, which the kernel leaves other softirqs to by then.
    tolerance = 2 * GAP if injected == "softirq-handler" else GAP
    assert event["duration-min"] >= actual - tolerance, (event, actual)
    assert event["duration-max"] <= actual + tolerance + LATENCY, (event, actual)
    if ms >= THRESHOLD[event["kind"]] + 28:  # a beat came before the end
        assert kst.injected_frames(event, "live-stack")[0] == culprit, event


def nested(injected):
    before = kst.status()["stalls"]
    _, _, culprit = one(injected, 300)
    assert kst.status()["stalls"] == before + 1
    assert culprit


def case(function, injected, *args):
    def run():
        function(injected, *args)
    run.__name__ = "_".join(map(str, (function.__name__, "of_a_stall_of", injected, *args)))
    kst.test(run)


for length in (65, 80, 200, 1500):
    case(bounds, "softirq", length)
for length in (80, 200):
    case(bounds, "softirq-handler", length)
for length in (115, 150, 1500):
    case(bounds, "sched", length)
for both in ("irq-in-softirq", "irq-in-sched", "softirq-in-sched"):
    case(nested, both)


@kst.test
def the_culprit_is_found_behind_thunks_of_indirect_calls():
    with kst.tuned(rate=0):
        _, events = told_while(
            lambda: [kst.inject(0, 90, 10, gap, kind="softirq-pointer") for gap in (13, 17, 19)])
    inside = [e["live-stack"]["frame"][0] for e in events]
    assert len(events) == 30 and any("thunk" in frame for frame in inside), inside
    for event in events:
        # Not [0]: that is the callee at times.
        assert {"inject_pointer_inner", "inject_pointer_outer"} <= set(
            kst.injected_frames(event, "live-stack")), event


def all_are_caught(injected, ms):
    with kst.tuned(rate=0):
        # Gaps that drift through the phases of the beat.
        _, events = told_while(
            lambda: [kst.inject(0, ms, 3, gap, kind=injected) for gap in range(13, 33, 2)])
    kinds = [e["kind"] for e in events]
    wrong = [e for e in events if e["kind"] != TOLD[injected][0]]
    assert kinds == 30 * [TOLD[injected][0]], (len(kinds), wrong)


@kst.test
def every_softirq_stall_of_threshold_period_and_slack_is_caught():
    all_are_caught("softirq", 65)


@kst.test
def every_sched_stall_of_threshold_period_and_slack_is_caught():
    all_are_caught("sched", 115)


def nothing(injected, *lengths):
    _, events = told_while(lambda: [kst.inject(0, ms, 5, 7, kind=injected) for ms in lengths])
    assert not events, events


@kst.test
def nothing_below_the_threshold():
    nothing("softirq", 10, 30, 49)
    nothing("softirq-handler", 10, 30, 49)
    nothing("sched", 10, 60, 99)


@kst.test
def nothing_below_a_higher_threshold():
    with kst.tuned(softirq_threshold=300, sched_threshold=300):
        nothing("softirq", 290)
        nothing("sched", 290)


@kst.test
def a_lower_threshold_counts_from_the_next_beat_on():
    with kst.tuned(softirq_threshold=5, sched_threshold=5, period=1, slack=0, rate=0):
        for injected in ("softirq", "sched"):
            actual, events = told_while(
                lambda injected=injected: kst.inject(0, 10, 10, 20, kind=injected))
            events = [e for e in events if kst.injected_frames(e, "live-stack")]
            wrong = [e for e in events if e["kind"] != injected]
            assert len(events) == 10 and not wrong, (len(events), wrong)
            for event, length in zip(events, actual):
                assert event["duration-min"] <= length <= event["duration-max"], (event, length)


@kst.test
def a_threshold_of_0_is_off():
    with kst.tuned(softirq_threshold=0, sched_threshold=0):
        nothing("softirq", 300)
        nothing("softirq-handler", 300)
        nothing("sched", 300)
        nothing("softirq-in-sched", 300)
    with kst.tuned(sched_threshold=0):
        nothing("sched", 300)
        one("softirq", 300)
        one("softirq-in-sched", 300)


@kst.test
def what_is_off_hides_no_other_kind():
    with kst.tuned(softirq_threshold=0):
        _, events = told_while(lambda: kst.inject(0, 300, kind="softirq-in-sched"))
        assert [e["kind"] for e in events] == ["sched"], events
        one("irq-in-softirq", 300)


@kst.test
def who_comes_to_wait_during_a_softirq_stall_makes_no_stall_of_its_own():
    # The scheduler wants to switch only when softirqs have been held off for some time.
    competitor = subprocess.Popen(["bash", "-c", "while :; do :; done"])
    try:
        for _ in range(3):
            one("softirq", 300)
    finally:
        competitor.kill()
        competitor.wait()


@kst.test
def a_task_in_user_mode_that_others_wait_for_is_no_stall():
    spin = ["bash", "-c", "for ((i = 0; i < 100000; i++)); do :; done"]

    def compete():
        for process in [subprocess.Popen(spin) for _ in range(2)]:
            assert process.wait() == 0

    _, events = told_while(compete)
    assert not events, events


@kst.test
def a_task_that_the_scheduler_picks_again_is_no_stall():
    # It is in the kernel at nearly every tick, which asks for a switch, and calls the scheduler
    # soon after each; but its competitor weighs too little to get the CPU for a long time.
    competitor = subprocess.Popen(["nice", "-n", "19", "bash", "-c", "while :; do :; done"])
    copy = ["dd", "if=/dev/zero", "of=/dev/null", "bs=64k", "count=60000"]
    try:
        _, events = told_while(lambda: subprocess.run(copy, check=True, capture_output=True))
    finally:
        competitor.kill()
        competitor.wait()
    assert not events, events


@kst.test
def a_task_in_user_mode_that_may_not_be_preempted_is_no_stall():
    spin = ["chrt", "--fifo", str(RT_PRIORITY), "bash", "-c",
            "for ((i = 0; i < 100000; i++)); do :; done"]
    _, events = told_while(lambda: subprocess.run(spin, check=True))
    assert not events, events


@kst.test
def ksoftirqd_that_waits_for_its_turn_is_counted_and_no_stall():
    def deferred():
        return kst.status()["cpus"][0]["deferred"]

    def leave_to_ksoftirqd():
        # As a real-time task: ksoftirqd has to wait.
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(RT_PRIORITY))
        try:
            kst.inject(0, 30, 10, kind="ksoftirqd")
        finally:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))

    before = deferred()
    with kst.tuned(period=1, slack=0):  # to come before the tick, which runs them
        _, events = told_while(leave_to_ksoftirqd)
    assert not events, events
    assert deferred() > before


kst.run()
