#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# Under PREEMPT_RT: stalls are seen as elsewhere, but for softirqs, which are tasks there. Stock
# kernels do not notice a sleeping lock that is taken where none may be, unless it is contended:
# probes at those locks do.

import json
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import kst

TRACING = "/sys/kernel/tracing/"
SLEEPING_LOCKS = ("rt_spin_lock", "rt_read_lock", "rt_write_lock", "mutex_lock")
# Calls within hard interrupts, the module's among them.
CONTROL = "ktime_get"


def trace(name, text):
    with open(TRACING + name, "w", encoding="ascii") as file:
        file.write(text)


def traced_stack():
    """A stack traced with interrupts off, or in them, that has a function of the module."""
    with open(TRACING + "trace", encoding="ascii") as file:
        stacks = file.read().split("<stack trace>")[1:]
    return next((stack for stack in stacks if " kst_" in stack), None)


def told(cpu, ms, kind, culprit):
    """Begin and end of a stall. The host may cut one in two, or hold up who should see it."""
    kst.load_injector()
    for _ in range(8):
        before = kst.settle()
        kst.inject(cpu, ms, kind=kind)
        kst.settle()
        mine = [e for e in kst.history(before + 1) if e["cpu"] == cpu and e["kind"] == kind and
                kst.injected_frames(e, "live-stack")[:1] == [culprit]]
        for begin in mine:
            for end in mine:
                if (begin["type"], end["type"]) == ("stall-begin", "stall-end") and \
                        begin["stall-id"] == end["stall-id"]:
                    return begin, end
    raise AssertionError(kst.history(before + 1))


@kst.test
def this_is_preempt_rt():
    assert "PREEMPT_RT" in os.uname().version, os.uname()
    assert os.path.exists("/sys/kernel/realtime")


@kst.test
def sleeping_locks_in_hard_context_would_be_seen():
    functions = (*SLEEPING_LOCKS, CONTROL)
    trace("kprobe_events", "".join(f"p:rt/{function} {function}\n" for function in functions))
    for function in functions:
        trace(f"events/rt/{function}/filter", "common_flags & 9")  # interrupts off, or hard
    trace("options/stacktrace", "1")
    trace(f"events/rt/{CONTROL}/enable", "1")
    while not traced_stack():
        time.sleep(0.1)
    trace(f"events/rt/{CONTROL}/enable", "0")
    trace("trace", "")
    for function in SLEEPING_LOCKS:
        trace(f"events/rt/{function}/enable", "1")


@kst.test
def softirqs_are_not_to_be_watched():
    tunable = json.loads(kst.kstallmon("get", "softirq_threshold", "--json").stdout)
    assert (tunable["min"], tunable["max"], tunable["value"]) == (0, 0, 0), tunable
    refused = kst.kstallmon("set", "softirq_threshold=50", check=False)
    assert refused.returncode == 1, refused
    assert "softirq_threshold must be 0..0 ms" in refused.stderr, refused
    kst.kstallmon("set", "softirq_threshold=0")


def case(cpu, kind, ms, culprit):
    def run():
        with kst.tuned(rate=0):
            begin, end = told(cpu, ms, kind, culprit)
        assert begin["task"]["pid"] == end["task"]["pid"] == os.getpid()
        assert begin["watcher"] != cpu
        assert begin["live-stack"] == end["live-stack"]
        assert begin["duration-min"] <= end["duration-max"]
        assert end["class"] == "kernel", end
    run.__name__ = f"stall_of_kind_{kind}_on_cpu_{cpu}_is_seen_alive"
    return run


for c in kst.cpus():
    kst.test(case(c, "irq", 200, "inject_irq_off_inner"))
    kst.test(case(c, "sched", 400, "inject_no_sched_inner"))


@kst.test
def disabled_softirqs_are_no_stall():
    before = kst.settle()
    for kind in ("softirq", "softirq-handler"):
        kst.inject(kst.cpus()[-1], 300, kind=kind)
    kst.settle()
    assert all(e["kind"] != "softirq" for e in kst.history(before + 1))


@kst.test
def a_long_stall_goes_to_the_kernel_log():
    cpu = kst.cpus()[-1]
    with kst.tuned(log_after=200):
        for _ in range(5):
            kst.inject(cpu, 1000)
            log = subprocess.run(["dmesg"], capture_output=True, text=True, check=True).stdout
            if f"kstallmon: CPU {cpu}: irq stall for" in log:
                return
    raise AssertionError(log)


def states():
    return {c["cpu"]: c for c in kst.status()["cpus"]}


def busy_state_of(cpu):
    """Wait until the CPU is busy."""
    for _ in range(300):
        if (now := states()[cpu])["state"] == "busy":
            return now
        time.sleep(0.1)
    raise AssertionError(now)


def backs_off(cpu):
    """Wait until the CPU beats so seldom that it must have backed off, for some seconds in which
    nobody asks: a process that ends gives each CPU's RCU thread work to do, and on a slow host
    that is all the time, if one is started for each look."""
    often = 1000 / 14  # period and slack
    seen = []
    for _ in range(20):
        before, begin = states()[cpu]["beats"], time.monotonic()
        time.sleep(5)
        seen.append((states()[cpu]["beats"] - before) / (time.monotonic() - begin))
        if seen[-1] < often / 2:
            return
    raise AssertionError(seen)


@kst.test
def an_idle_cpu_backs_off_until_a_task_runs():
    cpu = kst.cpus()[-1]
    # The one CPU is left alone: this task, and what it starts, stay on others. Of these one at
    # least is idle when it looks.
    assert len(kst.cpus()) > 2
    os.sched_setaffinity(0, set(kst.cpus()) - {cpu})
    try:
        backs_off(cpu)
        if not (pid := os.fork()):
            # A preemptible loop, that is here, and a kind one to the emulator.
            while True:
                kst.inject(cpu, 5000, kind="softirq")
        try:
            assert busy_state_of(cpu)["gap"] == 10 * kst.MS
            # Somebody idle stays up to watch it.
            for _ in range(300):
                if any(c["state"] == "sentry" for c in states().values()):
                    break
                time.sleep(0.1)
            else:
                raise AssertionError(states())
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        backs_off(cpu)
    finally:
        os.sched_setaffinity(0, range(os.cpu_count()))


def online(cpu, value):
    with open(f"/sys/devices/system/cpu/cpu{cpu}/online", "w", encoding="ascii") as file:
        file.write(str(value))


@kst.test
def cpus_go_and_come_back_with_what_they_had_to_tell():
    cpu = kst.cpus()[-1]
    before = kst.settle()
    with kst.tuned(rate=0):
        for _ in range(5):
            kst.inject(cpu, 60)
            online(cpu, 0)
            online(cpu, 1)
        assert len(kst.stalls_of(os.getpid(), before)) >= 5, kst.history(before + 1)
    online(cpu, 0)
    without = states()[cpu], kst.status()["watched"]
    online(cpu, 1)
    assert (without[0]["state"], without[1]) == ("offline", len(kst.cpus()) - 1), without
    assert kst.status()["watched"] == len(kst.cpus())


@kst.test
def no_sleeping_lock_was_taken_in_hard_context():
    assert not (stack := traced_stack()), stack


@kst.test
def it_is_unloaded_and_loaded_again():
    instances = {kst.status()["instance"]}
    for cpu in kst.cpus():
        # Still queued or pending when it goes, and its functions' names with it.
        kst.inject(cpu, 60, 3, 1)
        assert not (stack := traced_stack()), stack
        kst.unload()
        refused = kst.load("softirq_threshold=50", check=False)
        assert refused.returncode and not kst.loaded(), refused
        kst.load()
        assert kst.status()["watched"] == len(kst.cpus())
        instances.add(kst.status()["instance"])
    assert len(instances) == 1 + len(kst.cpus()), instances


kst.run()
