#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# What is printed, as text and as JSON: complete, as the spec and the manual say, the same in both.

import datetime
import functools
import os
import pty
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import clientlib as c
import kst

NAMES = c.spec_names()
ENUMS = c.spec_enums()
SOMETIMES = {"dropped", "suppressed", "suppressed-longest", "stack"}


def bounds(event):
    """They stay bounds: the lower is rounded down, the upper up."""
    low, high = event["duration-min"] // 100000, -(-event["duration-max"] // 100000)
    return f"{low // 10}.{low % 10}..{high // 10}.{high % 10} ms"


def as_text(event):
    """An event's JSON object as its text should be."""
    task = event["task"]
    line = f"#{event['seq']} cpu {event['cpu']} {event['kind']} stall {bounds(event)}"
    line += f" in {event['context']}, task {task['comm']}"
    line += f"/{task['pid']}" if task["pid"] else " (idle)"
    if task["tgid"] != task["pid"]:
        line += f" of process {task['tgid']}"
    if "dropped" in event:
        line += f" (+{event['dropped']} dropped)"
    if "suppressed" in event:
        longest = event["suppressed-longest"] // 100000
        line += f" (+{event['suppressed']} suppressed, longest {longest // 10}.{longest % 10} ms)"
    stack = event.get("stack", {})
    lines = [line, *(f"    {frame}" for frame in stack.get("frame", []))]
    if "truncated" in stack:
        lines.append("    (truncated)")
    return lines


def held():
    """The events of the history, of which the last is our own stall."""
    with c.tuned(rate=0):
        kst.inject(1, 60)
    kst.settle()
    events = c.objects(c.succeeds("history", "--json"))
    assert any(e["task"]["pid"] == os.getpid() for e in events), events
    return events


def in_a_thread():
    """A stall in a task that is not the first of its process."""
    subprocess.run([sys.executable, "-c", f"""
import sys, threading
sys.path[:0] = {sys.path[:2]!r}
import kst
thread = threading.Thread(target=lambda: kst.inject(1, 60))
thread.start()
thread.join()
"""], check=True)


def with_losses():
    """Cause events that tell of others. Returns by which names they do."""
    before = kst.status()
    with c.tuned(threshold=1, period=1, slack=0, rate=1):
        kst.inject(1, 3, 20, 2)
        time.sleep(1.1)
        kst.inject(1, 3)
    with c.tuned(threshold=1, period=1, slack=0, rate=0):
        kst.inject(1, 3, 200, 0)  # without a pause no worker gets its turn
        kst.inject(1, 3, 2, 10)
    kst.settle()
    after = kst.status()
    assert after["suppressed"] > before["suppressed"], (before, after)
    # A kernel that is preemptible drops nothing.
    return {"suppressed", "suppressed-longest",
            *(["dropped"] if after["dropped"] > before["dropped"] else [])}


@kst.test
def an_event_has_the_specs_names_and_no_others():
    for event in held():
        assert set(event) <= NAMES["event"], event
        assert set(event) >= NAMES["event"] - SOMETIMES, event
        assert set(event["task"]) == NAMES["task"], event
        assert set(event.get("stack", {"frame": []})) - {"truncated"} == {"frame"}, event
        assert ("stack" in event) == (event["context"] == "kernel"), event
        assert event["type"] in ENUMS["event-type"], event
        assert event["kind"] in ENUMS["stall-kind"], event
        assert event["context"] in ENUMS["context"], event


@kst.test
def an_events_values_are_of_their_types():
    numbers = NAMES["event"] - {"type", "task", "kind", "context", "stack"}
    for event in held():
        assert all(type(event[name]) is int for name in numbers & set(event)), event
        assert isinstance(event["task"]["comm"], str)
        assert all(type(event["task"][n]) is int for n in ("pid", "tgid", "cgroup-id")), event
        assert all(isinstance(frame, str) for frame in event.get("stack", {}).get("frame", []))
        assert 0 < event["duration-min"] <= event["duration-max"], event


@kst.test
def an_event_tells_who_where_and_when():
    with open("/proc/self/comm", encoding="ascii") as file:
        comm = file.read().rstrip("\n")
    begin = time.time_ns()
    event = [e for e in held() if e["task"]["pid"] == os.getpid() and c.injected(e)][-1]
    assert event["time-real"] >= begin
    assert event["time-real"] <= time.time_ns()
    assert event["time-boot"] <= time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert event["instance"] == kst.status()["instance"]
    assert event["cpu"] == 1 and event["task"]["tgid"] == os.getpid()
    assert event["task"]["comm"] == comm


@kst.test
def losses_are_told_by_their_names():
    expected = with_losses()
    events = kst.history()
    assert expected <= set().union(*events), events
    for event in events:
        assert ("suppressed" in event) == ("suppressed-longest" in event), event
        assert event.get("suppressed", 1) > 0 and event.get("dropped", 1) > 0, event


@kst.test
def text_says_the_same_as_json():
    losses = with_losses()
    in_a_thread()
    held()
    with c.silence():
        events = c.objects(c.succeeds("history", "--json"))
        lines = c.succeeds("history").splitlines()
    expected = []
    for event in events:
        expected += as_text(event)
    assert lines == expected, [pair for pair in zip(lines, expected) if pair[0] != pair[1]][:3]
    text = "\n".join(lines)
    assert " suppressed, longest " in text and " of process " in text, text
    assert " dropped)" in text or "dropped" not in losses, text


@kst.test
def the_monitor_prints_what_the_history_does():
    held()
    with c.silence():
        events = c.objects(c.succeeds("history", "--json"))
        since = ("--since", events[0]["seq"])
        for options in ((), ("--json",), ("-t",)):
            assert (c.succeeds("monitor", *since, "--count", len(events), *options) ==
                    c.succeeds("history", *since, *options))


@kst.test
def time_in_front_is_the_events_local_time():
    held()
    with c.silence():
        events = c.objects(c.succeeds("history", "--json"))
        plain = c.succeeds("history").splitlines()
        for zone, minutes in (("UTC0", 0), ("XST-5:45", 345), ("XST3:30", -210)):
            zone_info = datetime.timezone(datetime.timedelta(minutes=minutes))
            times = [datetime.datetime.fromtimestamp(e["time-real"] // 10**9, zone_info)
                     .strftime("%Y-%m-%d %H:%M:%S.") + f"{e['time-real'] // 10**6 % 1000:03d} "
                     for e in events]
            lines = c.succeeds("history", "-t", env={"TZ": zone}).splitlines()
            heads = [line for line in lines if not line.startswith("    ")]
            assert [head[:24] for head in heads] == times, heads
            # The rest of the line is as without it, and so is the stack.
            stamp = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} ")
            assert [stamp.sub("", line, count=1) for line in lines] == plain
        assert c.succeeds("history", "--time", env={"TZ": zone}).splitlines() == lines


@kst.test
def time_changes_nothing_in_json():
    held()
    with c.silence():
        assert c.succeeds("history", "--json", "-t") == c.succeeds("history", "--json")


@kst.test
def status_has_the_specs_names_and_no_others():
    text = c.succeeds("status", "--json")
    status, = c.objects(text)
    assert set(status) == NAMES["status"] | {"cpus"}, set(status) ^ NAMES["status"]
    assert all(type(v) is int for n, v in status.items() if n not in ("version", "cpus")), status
    assert re.fullmatch(r"[0-9]+(\.[0-9]+)*", status["version"]), status
    assert [cpu["cpu"] for cpu in status["cpus"]] == kst.cpus()
    for cpu in status["cpus"]:
        assert set(cpu) == NAMES["cpu"], cpu
        assert all(type(value) is int for value in cpu.values()), cpu
    assert status["watched"] == sum(cpu["watched"] for cpu in status["cpus"])


@kst.test
def status_as_text_has_all_that_json_has():
    with c.silence():
        text = c.succeeds("status")
        status = kst.status()
        top, table = (part.splitlines() for part in text.strip("\n").split("\n\n"))
    rows = dict(line.split(maxsplit=1) for line in top)
    assert set(rows) == NAMES["status"], set(rows) ^ NAMES["status"]
    still = NAMES["status"] - {"time-boot", "time-real", "loaded-boot", "beats", "beat-time",
                               "subscribers", "memory"}
    assert {n: rows[n].strip() for n in still} == {n: str(status[n]) for n in still}
    assert re.fullmatch(r"[\d.]+ KiB", rows["memory"]), rows
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", rows["time-real"]), rows
    assert re.fullmatch(r"[\d.]+ (ns|ms|s)", rows["beat-time"]), rows
    assert table[0].split() == ["CPU", "WATCHED", "BEATS", "NS/BEAT", "STALLS", "LONGEST",
                                "QUEUED", "DROPPED", "SUPPRESSED"], table
    cells = [re.split(r"\s{2,}|\s(?=\S+$)", line.strip()) for line in table[1:]]
    assert [line.split()[0] for line in table[1:]] == [str(n) for n in kst.cpus()], table
    for line, cpu in zip(table[1:], status["cpus"]):
        assert line.split()[1] == "yes" and line.split()[-1] == str(cpu["suppressed"]), cells
        assert line.split()[4] == str(cpu["stalls"]), cells


@kst.test
def tunables_have_the_specs_names_and_no_others():
    tunables = c.objects(c.succeeds("get", "--json"))
    assert [t["name"] for t in tunables] == ["period", "slack", "threshold", "history", "rate"]
    for tunable in tunables:
        assert set(tunable) == NAMES["tunable"], tunable
        assert tunable["min"] <= tunable["value"] <= tunable["max"], tunable
        assert tunable["min"] <= tunable["default"] <= tunable["max"], tunable
        assert tunable["unit"] and tunable["doc"], tunable
        assert c.objects(c.succeeds("get", "--json", tunable["name"])) == [tunable]


@kst.test
def tunables_as_text_say_the_same_as_json():
    head, *rows = c.succeeds("get").splitlines()
    assert head.split() == ["NAME", "VALUE", "UNIT", "MIN", "MAX", "DEFAULT", "DESCRIPTION"], head
    tunables = c.objects(c.succeeds("get", "--json"))
    order = ("name", "value", "unit", "min", "max", "default", "doc")
    assert [row.split(maxsplit=6) for row in rows] == [[str(t[k]) for k in order] for t in tunables]
    one = c.succeeds("get", "threshold").splitlines()
    assert len(one) == 2 and one[1].split()[0] == "threshold", one


ALL_WORDS = [*([verb, *option] for verb in ("history", "status", "get")
                 for option in ((), ("--json",))), ["history", "-t"], ["version"], ["help"],
               ["monitor", "--since", "1", "--count", "3"],
               ["monitor", "--since", "1", "--count", "3", "--json"]]


@functools.cache
def all_outputs():
    """What the client prints when it might think of a terminal."""
    held()
    return [c.succeeds(*words, env={"TERM": "xterm-256color", "CLICOLOR_FORCE": "1"})
            for words in ALL_WORDS]


@kst.test
def no_control_characters_into_a_pipe():
    for text in all_outputs():
        assert text and not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text), text


@kst.test
def no_addresses_in_any_output():
    for text in all_outputs():
        c.no_addresses(text)


def on_terminal(*words, **env):
    """What the client writes to a terminal."""
    master, terminal = pty.openpty()
    with subprocess.Popen(["kstallmon", *words], stdin=terminal, stdout=terminal, stderr=terminal,
                          env={**os.environ, "TERM": "xterm", **env}) as process:
        os.close(terminal)
        text = b""
        while True:
            try:
                text += os.read(master, 65536)
            except OSError:  # all have closed the other end
                break
    os.close(master)
    assert process.returncode == 0, text
    return text.decode().replace("\r\n", "\n")


def culprit():
    """The number of the last event that we caused."""
    return [e["seq"] for e in kst.history() if c.injected(e)][-1]


@kst.test
def colour_on_a_terminal_marks_the_culprit():
    held()
    with c.silence():
        first = culprit()
        for verb in (("history",), ("monitor", "--count", "1")):
            plain = c.succeeds(*verb, "--since", str(first))
            coloured = on_terminal(*verb, "--since", str(first))
            assert "\x1b[1m" in coloured, coloured
            assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain, coloured
            # What is switched on is switched off on the same line.
            for line in coloured.splitlines():
                assert line.count("\x1b[1m") == line.count("\x1b[0m"), line


@kst.test
def no_colour_is_wanted():
    held()
    with c.silence():
        since = ["--since", str(culprit())]
        for words in (["history", *since], ["monitor", *since, "--count", "1"]):
            assert "\x1b" not in on_terminal(*words, NO_COLOR="1")
            # An empty value is as none.
            assert "\x1b" in on_terminal(*words, NO_COLOR="")


@kst.test
def json_has_no_colour_on_a_terminal():
    held()
    with c.silence():
        text = on_terminal("history", "--json")
        assert "\x1b" not in text, text
        assert text == c.succeeds("history", "--json")


@kst.test
def tables_on_a_terminal_are_complete():
    for words in (["get"], ["status"]):
        text = on_terminal(*words)
        for name in (("threshold", "60000") if words == ["get"] else ("SUPPRESSED", "instance")):
            assert name in text, text


kst.run()
