#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# tasks: which processes it shows, in which order, and that text, JSON and kernel agree.

import contextlib
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import clientlib as c
import kst
from vmas import limited

NAMES = c.spec_names()
ENUMS = c.spec_enums()

# Maps so many pages, each apart from its neighbours by what may be done with it.
MAPPER = """
import mmap, sys
kept = [mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS,
                  prot=mmap.PROT_READ | (mmap.PROT_WRITE if i % 2 else 0))
        for i in range(int(sys.argv[1]))]
print("mapped", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def mappers(*counts):
    """Processes with at least so many mappings. Yields their pids."""
    with contextlib.ExitStack() as stack:
        started = []
        for count in counts:
            process = stack.enter_context(subprocess.Popen(
                [sys.executable, "-S", "-c", MAPPER, str(count)], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, text=True))
            assert process.stdout.readline() == "mapped\n"
            started.append(process)
        yield [process.pid for process in started]
        for process in started:
            process.stdin.close()


def told(*options):
    """What tasks prints: the processes and the figures of the sweeps."""
    *processes, memory = c.objects(c.succeeds("tasks", "--json", *options))
    assert memory["type"] == "memory", memory
    assert all(p["type"] == "process" for p in processes), processes
    return processes, memory


def swept():
    """Wait for a sweep that has begun after this was called."""
    end = told()[1]["sweeps"] + 2
    c.until(lambda: told()[1]["sweeps"] >= end, "no sweep")


def pids(processes):
    return [p["task"]["tgid"] for p in processes]


def maps(pid):
    """The kernel's own count; [vsyscall] is nobody's."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as file:
        return sum(not line.endswith("[vsyscall]\n") for line in file)


@kst.test
def json_has_the_specs_names_and_no_others():
    with c.tuned(task_interval=100):
        swept()
        processes, memory = told("--all")
        kept, _ = told()
    assert processes and kept
    for process in processes + kept:
        assert set(process) == {"type", "time-real", "time-boot", "task", "vma"}, process
        assert set(process["task"]) == NAMES["task"], process
        assert set(process["vma"]) | {"growth", "time-to-limit"} == NAMES["vma"] - {"before"}
        assert process["vma"]["state"] in ENUMS["vma-state"], process
    assert NAMES["memory"] - {"zone", "task", "vma", "missing"} == \
        set(memory) - {"type", "time-real", "missing"}, memory


@kst.test
def most_mappings_come_first():
    with c.tuned(task_interval=100), mappers(1000, 3000, 2000) as ours:
        swept()
        for options in ((), ("--all",), ("--sort", "count")):
            processes, _ = told(*options)
            counts = [p["vma"]["count"] for p in processes]
            assert counts == sorted(counts, reverse=True), counts
            assert pids(processes)[:3] == [ours[1], ours[2], ours[0]], (processes, ours)
            for process in processes[:3]:
                assert process["vma"]["count"] == maps(process["task"]["tgid"]), process


@kst.test
def the_module_keeps_as_many_as_it_is_told():
    with c.tuned(task_interval=100, task_keep=2), mappers(1000, 3000, 2000) as ours:
        swept()
        assert pids(told()[0]) == ours[1:]
        assert set(pids(told("--all")[0])) > set(ours)


@kst.test
def all_are_all():
    with mappers(10, 10) as ours:
        found = pids(told("--all")[0])
    assert len(found) == len(set(found)), found
    assert {1, *ours, os.getpid()} <= set(found), (ours, found)


@kst.test
def states_are_coloured_on_a_terminal():
    with c.tuned(task_interval=100), mappers(3000, 2600, 1000) as ours:
        swept()
        highest = told()[0][0]
        assert highest["task"]["tgid"] == ours[0], highest
        with limited(highest["vma"]["count"]):
            swept()
            text = c.on_terminal("tasks")
    states = dict(re.findall(r"^ *(\d+) .* % +((?:\x1b\[[\d;]+m)?\w+)", text, re.M))
    assert [states.get(str(pid)) for pid in ours] == ["\x1b[31mcrit", "\x1b[1;33mwarn", "ok"], text


@kst.test
def other_orders():
    with c.tuned(task_interval=100), mappers(100, 200):
        swept()
        for options in ((), ("--all",)):
            found = pids(told("--sort", "pid", *options)[0])
            assert found == sorted(found), found
            growths = [p["vma"].get("growth", -1 << 63)
                       for p in told("--sort", "growth", *options)[0]]
            assert growths == sorted(growths, reverse=True), growths
            left = [p["vma"].get("time-to-limit", 1 << 64)
                    for p in told("--sort", "left", *options)[0]]
            assert left == sorted(left), left


@kst.test
def count_limits_them():
    with c.tuned(task_interval=3600000), mappers(10, 10):
        everyone, _ = told("--all")
        for option in (("-n", "2"), ("--count", "2")):
            assert len(told("--all", *option)[0]) == 2
        assert len(told("--all", "-n", len(everyone) + 10)[0]) >= len(everyone)
        text = c.succeeds("tasks", "--all", "-n", "1")
    assert re.search(r"^and \d+ more, see --count$", text, re.M), text


def growth(vma):
    if "growth" not in vma:
        return []
    if abs(vma["growth"]) >= 100:
        return [f"{vma['growth'] / 1000:+.1f}/s"]
    return [f"{vma['growth'] * 3.6:+.1f}/h"]


@kst.test
def text_says_the_same_as_json():
    with c.tuned(task_interval=100), mappers(1000, 500):
        swept()
        with c.tuned(task_interval=3600000):
            def of_one_sweep():
                # One may be under way.
                before, text, (_, memory) = told(), c.succeeds("tasks"), told()
                return before[1]["sweeps"] == memory["sweeps"] and (*before, text)
            processes, memory, text = c.until(of_one_sweep, "sweeps go on")
            table, figures = (part.splitlines() for part in text.rstrip("\n").split("\n\n"))
    assert table[0].split() == ["PID", "NAME", "COUNT", "LIMIT", "SHARE", "STATE", "GROWTH",
                                "LEFT"], table
    for line, process in zip(table[1:], processes, strict=True):
        task, vma = process["task"], process["vma"]
        expected = [str(task["tgid"]), task["comm"], str(vma["count"]), str(vma["limit"]),
                    f"{100 * vma['count'] / vma['limit']:.1f}", "%", vma["state"], *growth(vma)]
        words = line.split()
        assert words[:len(expected)] == expected, (line, process)
        assert (len(words) > len(expected)) == ("time-to-limit" in vma), (line, process)
    rows = dict(line.split(maxsplit=1) for line in figures)
    assert set(rows) == {"sweeps", "sweep-tasks", "sweep-time", "slice-longest", "untracked",
                         "max-map-count"}, rows
    for name in ("sweeps", "sweep-tasks", "untracked", "max-map-count"):
        assert rows[name] == str(memory[name]), (rows, memory)


kst.run()
