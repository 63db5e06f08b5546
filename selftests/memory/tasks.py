#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# Mappings are counted as the kernel counts them, and told of when they come near the limit.

import contextlib
import json
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import kst
import vmas
from vmas import CRIT, OK, WARN, Mapper, limited, maps, swept, told

HERE = os.path.dirname(os.path.abspath(__file__))
FAST = {"task_interval": 100, "rate": 0}
PATIENCE = 600


def until(condition, what):
    """Wait for it. This bounds only how long a test that fails takes."""
    end = time.monotonic() + PATIENCE
    while not (answer := condition()):
        assert time.monotonic() < end, what
        time.sleep(0.05)
    return answer


def rests():
    """Whether there is no sweep for a while: one that was begun takes its time."""
    before = vmas.memory()["sweeps"]
    time.sleep(1)
    return vmas.memory()["sweeps"] == before


def sweep():
    """One sweep of many at rest: a new interval counts at once."""
    before = vmas.memory()["sweeps"]
    kst.kstallmon("set", "task_interval=3599999")
    until(lambda: vmas.memory()["sweeps"] > before, "no sweep")


def one(pid, answer):
    """What an answer says of a process that is in it once."""
    found, = vmas.of(pid, answer)
    return found


def state_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return file.read().split()[2]


@kst.test
def the_count_is_the_number_of_maps():
    with kst.tuned(**FAST), Mapper() as mapper:
        for count in (100, 1000, 10000, 500):
            mapper.reach(count)
            swept()
            for answer in (vmas.kept(), vmas.every()):
                counted = one(mapper.pid, answer)
                assert counted["vma"]["count"] == count, (count, counted)
                assert counted["vma"]["state"] == OK, counted
                assert counted["task"]["comm"] == "mapper", counted
                assert counted["task"]["pid"] == mapper.pid, counted


@kst.test
def no_kernel_thread_is_counted():
    for counted in vmas.every():
        with open(f"/proc/{counted['task']['tgid']}/status", encoding="ascii") as file:
            assert "VmSize:" in file.read(), counted


@kst.test
def kept_are_the_highest_in_order():
    with kst.tuned(task_keep=3, **FAST), Mapper() as a, Mapper() as b, Mapper() as c:
        for mapper, count in ((a, 3000), (b, 5000), (c, 4000)):
            mapper.reach(count)
        swept()
        kept = [(k["task"]["tgid"], k["vma"]["count"]) for k in vmas.kept()]
        assert kept == [(b.pid, 5000), (c.pid, 4000), (a.pid, 3000)], kept


@kst.test
def a_dump_that_a_sweep_interrupts_says_so():
    with kst.tuned(task_interval=3600000, task_keep=300), Mapper() as mapper:
        mapper.tell("children", 300, 0)
        kst.kstallmon("set", "task_interval=100")
        swept()
        kst.kstallmon("set", "task_interval=3600000")
        until(rests, "sweeps go on")
        assert not vmas.interrupted(lambda: None)
        assert vmas.interrupted(sweep)
        mapper.tell("reap")


@kst.test
def the_client_reads_again_what_a_sweep_has_interrupted():
    def read():
        """What it prints when it reads slower than sweeps come, and what it says."""
        done = subprocess.run(["kstallmon", "tasks", "--json"], capture_output=True, text=True,
                              check=True, env={**os.environ, "LD_PRELOAD": f"{HERE}/slow.so",
                                               "SLOW_MS": "200"})
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    with kst.tuned(task_interval=3600000, task_keep=300), Mapper() as mapper:
        mapper.tell("children", 300, 0)
        kst.kstallmon("set", "task_interval=100")
        swept()
        told_in_vain, said = read()
        # Once, and three times again; better what it got then than nothing.
        assert "the processes changed each time while they were read" in said, said
        assert "slow: 4 dumps" in said and len(told_in_vain) == 300 + 1, (said, len(told_in_vain))
        kst.kstallmon("set", "task_interval=3600000")
        until(rests, "sweeps go on")
        told_at_rest, said = read()
        assert said == "slow: 1 dumps\n" and len(told_at_rest) == 300 + 1, (said, len(told_at_rest))
        mapper.tell("reap")


@kst.test
def sweeps_do_not_go_before_ordinary_tasks():
    def workers(name):
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                with open(f"/proc/{pid}/comm", encoding="utf-8") as comm:
                    # A queue's rescuer has its name too, from 6.7 on, and is there for need.
                    if re.fullmatch(f"kworker/[^R].*{name}\n", comm.read()):
                        found.append(os.getpriority(os.PRIO_PROCESS, int(pid)))
        return found

    with kst.tuned(**FAST, zone_interval=100):
        # A worker bears the name of what it does, or did last.
        for name, nice in ("kstallmon_samplers", 0), ("kstallmon_urgent", -20):
            found = until(lambda name=name: workers(name), f"no {name}")
            assert set(found) == {nice}, (name, found)


@kst.test
def more_or_fewer_are_kept_from_the_next_sweep_on():
    with kst.tuned(**FAST):
        memory = kst.status()["memory"]
        with Mapper() as mapper:
            mapper.tell("children", 100, 10)
            for keep in (1, 90, 5, 1024):
                with kst.tuned(task_keep=keep):
                    swept()
                    number, all_of_them = len(vmas.kept()), len(vmas.every())
                    assert all_of_them > 100 and number == min(keep, all_of_them), (keep, number)
                    # Both of what is told and of what is being found.
                    swept()
                    if keep == 1024:
                        assert kst.status()["memory"] > memory + 2 * 1024 * 80
            mapper.tell("reap")


@kst.test
def warned_before_its_mmap_fails_and_told_when_it_is_back():
    with kst.tuned(**FAST), limited(1000), Mapper() as mapper:
        since = kst.numbered()
        want = []
        for count, before, state in (
                (799, None, None), (800, OK, WARN), (949, None, None), (950, WARN, CRIT),
                (1000, None, None), (900, None, None), (899, CRIT, WARN), (750, None, None),
                (749, WARN, OK), (799, None, None)):
            mapper.reach(count)
            swept()
            want += [(before, state, count)] if state else []
            assert told(mapper.pid, since) == want, (count, told(mapper.pid, since))
        # Its mmap has not failed up to here: the mapper ends when one does.
        (_,), = mapper.tell("full")
        swept()
        assert maps(mapper.pid) == 1001, maps(mapper.pid)
        # A sweep may have come while it was on its way.
        passed = told(mapper.pid, since)[len(want):]
        states = [(before, state) for before, state, _ in passed]
        assert states in ([(OK, CRIT)], [(OK, WARN), (WARN, CRIT)]), passed
        full = one(mapper.pid, vmas.kept())["vma"]
        assert (full["count"], full["limit"], full["state"]) == (1001, 1000, CRIT), full
        assert "time-to-limit" not in full, full


@kst.test
def no_flood_from_a_process_that_dithers():
    with kst.tuned(**FAST), limited(1000), Mapper() as mapper:
        since = kst.numbered()
        for around in (800, 950, 900, 750):
            for _ in range(10):
                mapper.reach(around - 1)
                swept()
                mapper.reach(around)
                swept()
        changes = [(before, state) for before, state, _ in told(mapper.pid, since)]
        assert changes == [(OK, WARN), (WARN, CRIT), (CRIT, WARN), (WARN, OK)], changes


@kst.test
def those_that_are_not_kept_do_not_flood_either():
    with kst.tuned(task_keep=1, **FAST), limited(1000), Mapper() as high, Mapper() as low:
        since = kst.numbered()
        high.reach(990)
        for _ in range(10):
            low.reach(801)
            swept()
            low.reach(780)
            swept()
            assert [k["task"]["tgid"] for k in vmas.kept()] == [high.pid]
        assert told(low.pid, since) == [(OK, WARN, 801)], told(low.pid, since)
        assert one(low.pid, vmas.every())["vma"]["state"] == WARN
        assert told(high.pid, since) == [(OK, CRIT, 990)], told(high.pid, since)


@kst.test
def a_new_limit_counts_at_the_next_sweep():
    with kst.tuned(**FAST), Mapper() as mapper:
        mapper.reach(500)
        swept()
        since = kst.numbered()
        before = vmas.memory()["max-map-count"]
        with limited(600):
            swept()
            assert vmas.memory()["max-map-count"] == 600
            event, = [e for e in vmas.events(since) if e["task"]["tgid"] == mapper.pid]
            assert (event["vma"]["limit"], event["vma"]["state"]) == (600, WARN), event
        swept()
        assert vmas.memory()["max-map-count"] == before
        assert told(mapper.pid, since) == [(OK, WARN, 500), (WARN, OK, 500)]


@kst.test
def what_the_rate_limit_refuses_is_told_later():
    with kst.tuned(task_interval=1000, rate=1), Mapper() as parent:
        parent.reach(300)
        pids = [pid for pid, in parent.tell("children", 4, 0)] + [parent.pid]
        since = kst.numbered()
        with limited(350):
            until(lambda: all(told(pid, since) for pid in pids), pids)
            for pid in pids:
                (before, state, _), = told(pid, since)
                assert (before, state) == (OK, WARN), vmas.events(since)
        # One in a second at most, and none of them lost.
        told_at = [e["time-boot"] for e in vmas.events(since)]
        assert max(told_at) - min(told_at) >= (len(pids) - 2) * 10**9, vmas.events(since)
        assert not any(e.get("suppressed") for e in vmas.events(since)), vmas.events(since)
        parent.tell("reap")


@kst.test
def a_group_whose_leader_has_exited_counts_once():
    with kst.tuned(**FAST), Mapper() as mapper:
        mapper.reach(2000)
        mapper.tell("leave")
        until(lambda: state_of(mapper.pid) == "Z", "the leader lives")
        survivor, = set(map(int, os.listdir(f"/proc/{mapper.pid}/task"))) - {mapper.pid}
        swept()
        for answer in (vmas.kept(), vmas.every()):
            counted = one(mapper.pid, answer)
            assert counted["vma"]["count"] == maps(mapper.pid, survivor) >= 2000, counted
            assert (counted["task"]["comm"], counted["task"]["pid"]) == ("survivor", mapper.pid)
            assert not vmas.of(survivor, answer)
        with limited(2010):
            swept()
            assert told(mapper.pid, 0)[-1][:2] == (OK, CRIT), told(mapper.pid, 0)


@kst.test
def children_that_share_their_memory_do_not_count_again():
    with kst.tuned(**FAST), Mapper() as mapper:
        for how in ("vfork", "clone"):
            (child,), = mapper.tell(how)
            mapper.reach(1000)
            assert maps(child) == 1000
            swept()
            for answer in (vmas.kept(), vmas.every()):
                assert one(mapper.pid, answer)["vma"]["count"] == 1000
                assert not vmas.of(child, answer), answer
        mapper.tell("reap")


@kst.test
def a_new_interval_counts_at_once():
    with kst.tuned(task_interval=3600000), Mapper() as mapper:
        until(rests, "sweeps go on")
        sweep()
        assert vmas.of(mapper.pid, vmas.kept())


kst.run()
