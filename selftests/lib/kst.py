# SPDX-License-Identifier: GPL-2.0
"""What the selftests in Python share: the client's words as objects, stalls, modules, KTAP."""

import contextlib
import json
import os
import subprocess
import sys
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../kselftest"))
import ksft

BUILD = os.environ["KST_BUILD"]
MODULE = os.path.join(BUILD, "module/kstallmon.ko")
INJECTOR = os.path.join(BUILD, "inject/kstallmon_inject.ko")
PARAMETERS = "/sys/module/kstallmon/parameters"
STALL = "/sys/kernel/debug/kstallmon_inject/stall"
STARVE = "/sys/kernel/debug/kstallmon_inject/starve"
MS = 1000000

_tests = []


def test(function):
    """Decorator: the function is a test case, its name is the name."""
    _tests.append(function)
    return function


class Skip(Exception):
    """This kernel has no means for the test case."""


def run():
    """Run all test cases of the program and exit."""
    ksft.print_header()
    ksft.set_plan(len(_tests))
    for function in _tests:
        name = function.__name__
        try:
            function()
            ksft.test_result_pass(name)
        except Skip as reason:
            ksft.print_msg(str(reason))
            ksft.test_result_skip(name)
        except Exception:  # a failed assertion or anything else: the trace says which
            for line in traceback.format_exc().splitlines():
                ksft.print_msg(line)
            ksft.test_result_fail(name)
        sys.stdout.flush()
    ksft.finished()


def kstallmon(*args, timeout=3600, check=True):
    """Run the client. Returns what subprocess.run() does, with text."""
    done = subprocess.run(["kstallmon", *map(str, args)], capture_output=True, text=True,
                          timeout=timeout, check=False)
    if check:
        assert done.returncode == 0, f"kstallmon {args}: {done.returncode}: {done.stderr}"
    return done


def status():
    """The module's status."""
    return json.loads(kstallmon("status", "--json").stdout)


def history(since=0):
    """The events of the history, oldest first."""
    lines = kstallmon("history", "--json", "--since", max(since, 1)).stdout.splitlines()
    return [e for e in map(json.loads, lines) if e["type"] != "lost"]


def numbered():
    """The last sequence number given."""
    return status()["numbered"]


def settle():
    """Wait until every detected event has its number; returns the last one."""
    while True:
        now = status()
        if not now["queued"]:
            return now["numbered"]
        time.sleep(0.05)


def stalls_of(pid, since):
    """The stalls numbered after `since` that interrupted task `pid`."""
    settle()
    return [e for e in history(since + 1) if e["type"] == "stall-end" and e["task"]["pid"] == pid]


def injected_frames(event, *stacks):
    """The injector's functions in these stacks of an event, innermost first."""
    return [frame.split("+")[0] for stack in stacks
            for frame in event.get(stack, {}).get("frame", []) if frame.startswith("inject_")]


def histograms():
    """The histograms by (cpu, kind)."""
    answer = json.loads(kstallmon("stalls", "--json").stdout)
    return {(h["cpu"], h["kind"]): h for h in answer["histograms"]}


def load_injector():
    """Load the injector if it is not."""
    if not os.path.exists(STALL):
        subprocess.run(["insmod", INJECTOR], check=True)


def truths(text):
    """What the injector says of its stalls: for each a dict with kind, actual_ns, unticked_ns."""
    return [{name: int(value) if value.isdigit() else value
             for name, value in (word.split("=") for word in line.split())}
            for line in text.splitlines()]


@contextlib.contextmanager
def starved(messages):
    """For so many events of a with block there is no memory for their messages."""
    load_injector()
    try:
        with open(STARVE, "w", encoding="ascii") as file:
            file.write(str(messages))
    except FileNotFoundError as error:
        raise Skip("the kernel does not ask whether an allocation shall fail") from error
    try:
        yield
    finally:
        with open(STARVE, "w", encoding="ascii") as file:
            file.write("0")


def inject(cpu, ms, count=1, gap_ms=50, kind="irq", steal=0, late=False):
    """Cause stalls in this task. Returns how long each was, in ns, measured from within."""
    load_injector()
    with open(STALL, "r+", buffering=1) as stall:
        stall.write(f"{kind} {cpu} {ms} {count} {gap_ms} {steal}{' late' if late else ''}")
        stall.flush()
        actual = [truth["actual_ns"] for truth in truths(stall.read())]
    assert len(actual) == count, actual
    return actual


def cpus():
    """The online CPUs."""
    return sorted(os.sched_getaffinity(0))


def loaded():
    """Whether the module is loaded."""
    return os.path.exists(PARAMETERS)


def load(*params, check=True):
    """Load the module with parameters like period=5."""
    return subprocess.run(["insmod", MODULE, *params], capture_output=True, text=True, check=check)


def unload():
    """Unload the module."""
    subprocess.run(["rmmod", "kstallmon"], capture_output=True, text=True, check=True)


def tunables():
    """All tunables and their values."""
    return {t["name"]: t["value"] if "value" in t else t["text"]
            for t in map(json.loads, kstallmon("get", "--json").stdout.splitlines())}


def _set(values):
    """Set tunables and wait until they count."""
    before = tunables()
    kstallmon("set", *(f"{name}={value}" for name, value in values.items()))
    if any(before[name] != values.get(name, before[name]) for name in ("period", "slack")):
        time.sleep(2 * (before["period"] / 1e3 + before["slack"] / 1e6))  # each CPU's next beat


@contextlib.contextmanager
def tuned(**values):
    """Set tunables for the time of a with block."""
    before = tunables()
    _set(values)
    try:
        yield
    finally:
        _set({name: before[name] for name in values})
