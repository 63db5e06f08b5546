#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# No address gets out, also where no name is known any more.

import contextlib
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
import kst


def ksoftirqd(cpu):
    """The task that runs the CPU's soft interrupts when there are many."""
    return int(subprocess.run(["pgrep", "-x", f"ksoftirqd/{cpu}"], capture_output=True, text=True,
                              check=True).stdout)


@contextlib.contextmanager
def real_time_first(cpu):
    """Real-time tasks may take all of the CPU, but RCU, which unloading waits for, goes on."""
    limit = "/proc/sys/kernel/sched_rt_runtime_us"
    with open(limit, encoding="ascii") as file:
        before = file.read()
    task = ksoftirqd(cpu)
    with open(limit, "w", encoding="ascii") as file:
        file.write("-1")
    os.sched_setscheduler(task, os.SCHED_FIFO, os.sched_param(60))
    try:
        yield
    finally:
        os.sched_setscheduler(task, os.SCHED_OTHER, os.sched_param(0))
        with open(limit, "w", encoding="ascii") as file:
            file.write(before)


def unnamed_stall():
    """An event whose culprit's module went before it was named."""
    other, cpu = kst.cpus()[:2]
    last = kst.settle()
    kst.load_injector()
    with real_time_first(cpu):
        culprit = subprocess.Popen([os.path.join(HERE, "stall_and_unload"), str(cpu), str(other),
                                    "120"])
        assert culprit.wait(90) == 0
    assert not os.path.exists(kst.STALL)
    events = [e for e in kst.stalls_of(culprit.pid, last) if "?" in e.get("stack", {}).get("frame", [])]
    assert events, kst.history(last + 1)
    return events[0]


@kst.test
def frames_of_a_module_that_is_gone_read_question_mark():
    frames = unnamed_stall()["stack"]["frame"]
    # The injector's frames come first; what called it is named all the same.
    assert frames[:2] == ["?", "?"], frames
    assert any(frame.startswith("vfs_write+0x") for frame in frames), frames


@kst.test
def the_text_shows_question_mark_too():
    event = unnamed_stall()
    text = kst.kstallmon("history", "--since", event["seq"]).stdout
    assert re.search(r"^\s+\?$", text, re.M), text


@kst.test
def no_output_holds_an_address():
    unnamed_stall()
    kst.inject(1, 60)
    kst.settle()
    for words in (["history"], ["history", "--json"], ["status"], ["status", "--json"], ["get"]):
        text = kst.kstallmon(*words).stdout
        assert text
        assert "0xffff" not in text, text
        assert not re.search(r"\bffff[0-9a-f]{12}\b", text), text


kst.run()
