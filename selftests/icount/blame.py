#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# A stall is a hypervisor's if half of it or more was stolen, whenever the tick accounts that.

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import kst


def blamed(kind, steal, late, culprit):
    before = kst.settle()
    actual, = kst.inject(0, 300, kind=kind, steal=steal, late=late)
    events = kst.stalls_of(os.getpid(), before)
    assert len(events) == 1, events
    event, = events
    assert event["kind"] == kind, event
    assert event["class"] == culprit, event
    # Nobody else steals here.
    if steal:
        assert event["steal"] == actual * steal // 100, (event, actual)
    else:
        assert "steal" not in event, event


def case(*args):
    def run():
        blamed(*args)
    kind, steal, late, _ = args
    run.__name__ = f"{steal}_percent_of_a_{kind}_stall_stolen{'_told_late' if late else ''}"
    kst.test(run)


for stalled in ("irq", "softirq", "sched"):
    case(stalled, 0, False, "kernel")
    for at_last in (False, True):
        case(stalled, 30, at_last, "kernel")
        case(stalled, 60, at_last, "hypervisor")
        case(stalled, 100, at_last, "hypervisor")


@kst.test
def what_is_stolen_is_told_late_though_others_want_the_cpu():
    with subprocess.Popen(["nice", "-n", "-10", "sh", "-c", "while :; do :; done"]) as hog:
        try:
            blamed("sched", 60, True, "hypervisor")
        finally:
            hog.kill()


@kst.test
def what_is_stolen_is_told_late_wherever_in_a_tick_the_end_is():
    # A beat may come right after the switch that ends the stall.
    before = kst.settle()
    stalls = kst.inject(0, 150, count=40, kind="sched", steal=60, late=True)
    events = kst.stalls_of(os.getpid(), before)
    assert [e.get("steal") for e in events] == [actual * 60 // 100 for actual in stalls], \
        (events, stalls)


@kst.test
def what_is_stolen_is_not_told_of_the_next_stall():
    before = kst.settle()
    kst.inject(0, 100, steal=100, late=True)
    kst.settle()
    kst.inject(0, 100)
    events = kst.stalls_of(os.getpid(), before)
    assert [e["class"] for e in events] == ["hypervisor", "kernel"], events


@kst.test
def what_is_stolen_between_stalls_is_not_told():
    before = kst.settle()
    # Too short to be told.
    kst.inject(0, 10, steal=100)
    kst.inject(0, 100)
    event, = kst.stalls_of(os.getpid(), before)
    assert event["class"] == "kernel"


kst.run()
