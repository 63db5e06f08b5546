#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Suspending is no stall, however long interrupts are off for it; afterwards all is as before."""

import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
import kst

TOP = os.environ["KST_TOP"]
CPUS = {0, 1}

# A test waits as long where it is, that of the core with interrupts off. The first CPU takes even
# longer for it, and others do not know how fast they are. The host's noise is shorter.
DELAY_S = 2
DELAY = DELAY_S * 1000 * kst.MS
NOISE = DELAY // 2

WAYS = [("freezer", "mem"), ("platform", "freeze"), ("core", "mem"), ("none", "mem")]


class Told:
    """What the VM printed: when it was suspended, the events, the two states afterwards."""

    def __init__(self):
        done = subprocess.run(
            [os.path.join(TOP, "selftests/vm/run"), "--name", "check-suspend",
             "--smp", "2", "--tcg-thread", "single", "--append",
             f"tsc=reliable suspend.pm_test_delay={DELAY_S}", "--timeout", "300", "--",
             "taskset", "-c", "0", os.path.join(HERE, "suspend_guest.sh")],
            capture_output=True, text=True, check=False)
        assert done.returncode == 0, (done.stdout, done.stderr)
        lines = done.stdout.splitlines()
        objects = [json.loads(line) for line in lines if line.startswith("{")]
        self.times = {tuple(how): [int(float(time) * 1e9) for time in times]
                      for how, times in ((line.split()[1:3], line.split()[3:])
                                         for line in lines if line.startswith("suspended "))}
        self.events = [o for o in objects if o.get("type", "").startswith("stall-")]
        self.status = [o for o in objects if "watched" in o]


@kst.test
def suspending_is_no_stall():
    assert list(TOLD.times) == WAYS, TOLD.times
    for how, (begin, end) in TOLD.times.items():
        # It was more than a moment, as the clock that runs on meanwhile says.
        assert end - begin > NOISE, (how, begin, end)
        for event in TOLD.events:
            length = event.get("duration-max", event["duration-min"])
            meanwhile = begin < event["time-boot"] and event["time-boot"] - length < end
            assert not meanwhile or length < NOISE, (how, event)


@kst.test
def all_hearts_beat_on_afterwards():
    before, after = TOLD.status
    for status in before, after:
        assert (status["watched"], status["excluded"]) == (len(CPUS), 0), status
    for old, new in zip(before["cpus"], after["cpus"]):
        assert new["beats"] > old["beats"], (old, new)


@kst.test
def stalls_are_told_afterwards():
    woken = max(end for _, end in TOLD.times.values())
    told = {e["cpu"] for e in TOLD.events if e["type"] == "stall-end" and e["time-boot"] > woken
            and "inject_irq_off_inner" in kst.injected_frames(e, "stack")}
    assert told == CPUS, (told, TOLD.events)


TOLD = Told()
kst.run()
