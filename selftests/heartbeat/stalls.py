#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# Stalls caused on each CPU are seen, with a bound that holds and the culprit by name.

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import kst


def seen(cpu, ms):
    """A stall of `ms` on `cpu` by this task is told, and told right."""
    before = kst.settle()
    actual, = kst.inject(cpu, ms)
    assert actual >= ms * kst.MS

    events = [e for e in kst.stalls_of(os.getpid(), before) if e["duration-max"] >= actual]
    assert events, kst.history(before + 1)
    event = events[0]
    assert event["kind"] == "irq"
    assert event["cpu"] == cpu
    assert event["context"] == "kernel"
    assert event["duration-min"] <= event["duration-max"]
    assert event["task"]["tgid"] == os.getpid()
    with open("/proc/self/comm", encoding="ascii") as comm:
        assert event["task"]["comm"] == comm.read().rstrip("\n")

    # Interrupts came back in the function that had them off, called from its caller. Another
    # interrupt, or what it woke, may lie above when the beat's turn comes.
    names = event["stack"]["frame"]
    frames = [frame.split("+")[0] for frame in names]
    inner = frames.index("inject_irq_off_inner")
    assert frames[inner + 1] == "inject_irq_off_outer", frames
    assert names[inner].endswith(" [kstallmon_inject]")
    assert {"do_syscall_64", "do_el0_svc"} & set(frames), frames


def case(cpu, ms):
    def run():
        seen(cpu, ms)
    run.__name__ = f"stall_of_{ms}_ms_on_cpu_{cpu}"
    return run


for c in kst.cpus():
    for length in (40, 60, 120, 500):
        kst.test(case(c, length))


@kst.test
def stalls_on_both_cpus_at_once_have_ids_of_their_own():
    kst.load_injector()
    before = kst.settle()
    pids = []
    for cpu in kst.cpus():
        pid = os.fork()
        if not pid:
            kst.inject(cpu, 200, 2, 100)
            os._exit(0)
        pids.append(pid)
    for pid in pids:
        assert os.waitpid(pid, 0)[1] == 0
    kst.settle()
    events = [e for e in kst.history(before + 1) if e["type"] == "stall-end"]
    for cpu, pid in zip(kst.cpus(), pids):
        assert any(e["cpu"] == cpu and e["task"]["pid"] == pid for e in events), events
    ids = [e["stall-id"] for e in events]
    assert len(set(ids)) == len(ids), ids


@kst.test
def a_stall_by_every_tick_of_a_burst_is_counted():
    before = kst.status()
    with kst.tuned(rate=0):
        kst.inject(kst.cpus()[-1], 50, 20, 5)
        last = kst.settle()
    after = kst.status()
    # All of 34 ms and more are caught: threshold, period and slack.
    assert after["stalls"] - before["stalls"] >= 20
    assert last - before["numbered"] >= 20
    mine = kst.stalls_of(os.getpid(), before["numbered"])
    assert len(mine) >= 20, len(mine)


@kst.test
def no_stall_is_missed_while_periods_are_set():
    with kst.tuned(rate=0, period=10):
        before = kst.settle()
        pid = os.fork()
        if not pid:
            kst.inject(kst.cpus()[-1], 60, 20, 1)
            os._exit(0)
        os.sched_setaffinity(0, {kst.cpus()[0]})
        while os.waitpid(pid, os.WNOHANG)[0] == 0:
            kst.kstallmon("set", "period=10")
        os.sched_setaffinity(0, range(os.cpu_count()))
        events = kst.stalls_of(pid, before)
        assert len(events) >= 20, len(events)


def set_a_period_during_a_stall(cpu, other):
    """When setting began and ended, and the stall did, in seconds since boot."""
    # Builtins only, and never on the stalled CPU: nothing else makes this wait for it.
    setter = subprocess.Popen(
        ["taskset", "-c", str(other), "bash", "-c",
         f"exec 3>{kst.PARAMETERS}/period; echo ready; read -r; read -rt 2 <> <(:); "
         "read -r from _ </proc/uptime; echo 11 >&3; read -r to _ </proc/uptime; echo $from $to"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert setter.stdout.readline() == "ready\n"
    before = kst.settle()
    setter.stdin.write("go\n")
    setter.stdin.flush()
    kst.inject(cpu, 8000)
    out, _ = setter.communicate(timeout=600)
    stall = max(kst.stalls_of(os.getpid(), before), key=lambda e: e["duration-min"])
    end = stall["time-boot"] / 1e9
    return (*map(float, out.split()), end - stall["duration-min"] / 1e9, end)


@kst.test
def setting_a_period_waits_for_no_stalled_cpu():
    other, cpu = kst.cpus()[0], kst.cpus()[-1]
    kst.load_injector()
    trials = []
    with kst.tuned(period=10):
        # Once is enough: if it waited, none could be over well before the stall is. (Uptime comes
        # in steps of 10 ms.)
        for _ in range(5):
            trials.append(set_a_period_during_a_stall(cpu, other))
            set_from, set_to, stall_from, stall_to = trials[-1]
            if stall_from < set_from and set_to < stall_to - 1:
                return
    raise AssertionError(trials)


kst.run()
