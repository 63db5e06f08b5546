#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# monitor goes on printing while the kernel kills others for lack of memory, and needs none itself.

import collections
import contextlib
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import kst

SECONDS = 60
PATIENCE = 600

# Takes memory until it is killed. Small pages: each has to be found by itself.
HOG = """
kept = []
while True:
    kept.append(b"x" * (256 << 10))
"""

Held = collections.namedtuple("Held", "minflt majflt size locked maps")


def held(pid):
    """What a process has had to fault in so far, and what it has mapped."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        status = dict(line.split(":", 1) for line in file)
    with open(f"/proc/{pid}/maps", encoding="ascii") as file:
        maps = tuple(line.split()[0] for line in file)
    return Held(int(fields[7]), int(fields[9]), int(status["VmSize"].split()[0]),
                int(status["VmLck"].split()[0]), maps)


@contextlib.contextmanager
def written(path, text):
    """A kernel setting for the time of a with block, where the kernel has it."""
    if not os.path.exists(path):
        yield
        return
    with open(path, encoding="ascii") as file:
        before = file.read()
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    try:
        yield
    finally:
        with open(path, "w", encoding="ascii") as file:
            file.write(before)


@contextlib.contextmanager
def monitor(out, *options):
    """A monitor of all events, which has come to rest. Yields the process, what it holds, and a
    list of what it will say on stderr.
    """
    said = []
    with subprocess.Popen(["kstallmon", "monitor", "--json", *options], stdout=out,
                          stderr=subprocess.PIPE, text=True) as process, \
            contextlib.ExitStack() as at_last:
        at_last.callback(process.kill)
        try:
            wait_until(lambda: kst.status()["subscribers"], "it does not subscribe")

            def printed():
                # A stall more: the rate limit may hold one back.
                kst.inject(kst.cpus()[-1], 60)
                return os.fstat(out.fileno()).st_size

            def at_rest():
                before = held(process.pid)
                time.sleep(1)
                return before == held(process.pid)
            # It has also printed something, and with that all that it does first.
            wait_until(printed, "it prints nothing")
            wait_until(at_rest, "it goes on taking memory")
            yield process, held(process.pid), said
        finally:
            process.terminate()
            said.append(process.communicate(timeout=PATIENCE)[1])


def wait_until(true, what):
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def ballast():
    """Most of the memory there is, so that the rest is soon taken."""
    with open("/proc/meminfo", encoding="ascii") as file:
        available = next(int(line.split()[1]) for line in file if line.startswith("MemAvailable:"))
    return b"x" * max((available - (192 << 10)) << 10, 0)


def exhaust(seconds):
    """Let others be killed for so long, two at least. Returns their pids."""
    weight = ballast()
    killed, end = [], time.monotonic() + seconds
    while time.monotonic() < end or len(killed) < 2:
        with subprocess.Popen([sys.executable, "-S", "-c", HOG], stderr=subprocess.DEVNULL) as hog:
            # If anything else goes wrong, it is the one to be killed.
            with open(f"/proc/{hog.pid}/oom_score_adj", "w", encoding="ascii") as file:
                file.write("1000")
        assert hog.returncode == -9, hog.returncode
        killed.append(hog.pid)
    assert weight
    return killed


def read_up_to(out, last):
    """The records in a file that grows, up to number `last`."""
    records, rest = [], ""
    out.seek(0)
    end = time.monotonic() + PATIENCE
    while not records or records[-1]["seq"] < last:
        assert time.monotonic() < end, "nothing more is printed"
        *lines, rest = (rest + out.read()).split("\n")
        records += map(json.loads, lines)
        time.sleep(0.1)
    return records


@kst.test
def it_prints_all_and_takes_nothing_while_others_are_killed():
    # Pages may be moved to make room for larger ones, or to another node, which faults without
    # taking any memory: not here.
    with written("/proc/sys/vm/compact_unevictable_allowed", "0"), \
            written("/proc/sys/kernel/numa_balancing", "0"), \
            open("/dev/shm/monitor", "w+", encoding="utf-8") as out, \
            kst.tuned(zone_dwell=0, zone_interval=100, reclaim_threshold=1, rate=0):
        with monitor(out) as (process, before, said):
            assert before.locked > before.size * 9 // 10, before
            with open(f"/proc/{process.pid}/oom_score_adj", encoding="ascii") as file:
                assert file.read() == "-900\n"
            killed = exhaust(SECONDS)
            last = kst.settle()
            records = read_up_to(out, last)
            after = held(process.pid)
    kst.ksft.print_msg(f"{len(killed)} killed, {len(records)} records, {after}"[:200])
    assert process.returncode == 0 and " 0 gone," in said[0], (process, said)
    assert [r["seq"] for r in records] == \
        list(range(records[0]["seq"], records[0]["seq"] + len(records))), "a number is missing"
    victims = [r["task"]["tgid"] for r in records if r["type"] == "oom-kill"]
    assert victims == killed, (victims, killed)
    assert {"zone-state", "reclaim-stall"} <= {r["type"] for r in records}, "no reclaim"
    assert after == before, (before, after)


@kst.test
def without_its_lock_it_takes_no_memory_in_advance():
    with open("/dev/shm/monitor", "w", encoding="utf-8") as out:
        with monitor(out, "--no-lock") as (process, now, said):
            assert now.locked == 0, now
            with open(f"/proc/{process.pid}/oom_score_adj", encoding="ascii") as file:
                assert file.read() == "0\n"
        assert " 0 gone," in said[0] and said[0].count("\n") == 1, said


@kst.test
def a_lower_score_is_left_alone():
    with written("/proc/self/oom_score_adj", "-1000"), \
            open("/dev/shm/monitor", "w", encoding="utf-8") as out, \
            monitor(out) as (process, _, _):
        with open(f"/proc/{process.pid}/oom_score_adj", encoding="ascii") as file:
            assert file.read() == "-1000\n"


@kst.test
def where_it_may_not_it_says_so_and_goes_on():
    done = subprocess.run(["setpriv", "--bounding-set", "-ipc_lock,-sys_resource", "prlimit",
                           "--memlock=65536", "kstallmon", "monitor", "--timeout", "1"],
                          capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done
    line, = done.stderr.splitlines()
    assert line.startswith("kstallmon: monitor: when memory is short"), line
    assert "mlockall: " in line and "oom_score_adj: " in line, line


kst.run()
