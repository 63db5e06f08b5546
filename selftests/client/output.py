#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# What is printed, as text and as JSON: complete, as the spec and the manual say, the same in both.

import datetime
import functools
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import clientlib as c
import kst

NAMES = c.spec_names()
ENUMS = c.spec_enums()
SOMETIMES = {"dropped", "suppressed", "suppressed-longest", "stack", "live-stack", "steal"}
# What only a stall that is over has, and only one that lasts.
OF_AN_END = {"duration-max", "class", "stack", "steal"}
OF_A_BEGIN = {"watcher"}
IF_LOOKED_INTO = {"context", "task", "live-stack"}
# Of events about memory, which memory_events.py looks at.
OF_MEMORY = {"zone", "reclaim", "scope", "order", "duration", "reclaimed", "vma"}
OF_STALLS = NAMES["event"] - OF_MEMORY

# Long enough for another CPU to look, though this machine is slow.
LIVE_MS = 400


def ms(nanoseconds):
    """A lower bound: rounded down."""
    return f"{nanoseconds // 100000 // 10}.{nanoseconds // 100000 % 10} ms"


def bounds(event):
    """They stay bounds: the lower is rounded down, the upper up."""
    low, high = event["duration-min"] // 100000, -(-event["duration-max"] // 100000)
    return f"{low // 10}.{low % 10}..{high // 10}.{high % 10} ms"


def who_as_text(event):
    line = ""
    if "task" in event:
        task = event["task"]
        line += f", task {task['comm']}"
        line += f"/{task['pid']}" if task["pid"] else " (idle)"
        if task["tgid"] != task["pid"]:
            line += f" of process {task['tgid']}"
    if "watcher" in event:
        line += f", seen by cpu {event['watcher']}"
    return line


def stack_as_text(stack):
    lines = [f"    {frame}" for frame in stack["frame"]]
    return lines + ["    (truncated)"] if "truncated" in stack else lines


def as_text(event):
    """A record's JSON object as its text should be."""
    if event["type"] == "lost":
        if event["count"] == 1:
            return [f"-- 1 event gone: #{event['from']}"]
        return [f"-- {event['count']} events gone: #{event['from']} to #{event['to']}"]
    line = f"#{event['seq']} cpu {event['cpu']} {event['kind']} "
    if event["type"] == "stall-begin":
        line += f"stalled for {ms(event['duration-min'])} so far"
    else:
        line += f"stall {bounds(event)}"
    if "context" in event:
        line += f" in {event['context']}"
    if event.get("class", "kernel") != "kernel":
        line += f", cause {event['class']}"
    if "steal" in event:
        line += f", steal {ms(event['steal'])}"
    line += who_as_text(event)
    if "dropped" in event:
        line += f" (+{event['dropped']} dropped)"
    if "suppressed" in event:
        line += f" (+{event['suppressed']} suppressed, longest {ms(event['suppressed-longest'])})"
    lines = [line]
    if "live-stack" in event:
        if event["type"] == "stall-end":
            lines.append("  while it lasted:")
        lines += stack_as_text(event["live-stack"])
    if "stack" in event:
        if "live-stack" in event:
            lines.append("  at its end:")
        lines += stack_as_text(event["stack"])
    return lines


def held():
    """The events of the history, among which is our own stall."""
    c.caused(lambda: kst.inject(1, 60), lambda events: any(
        e["task"]["pid"] == os.getpid() and c.injected(e) for e in c.ends(events)))
    return kst.history()


def latest():
    """The events that are the latest, with none missing between them."""
    first = max(kst.settle() - 9, 1)
    events = kst.history(first)
    assert [e["seq"] for e in events] == list(range(first, first + len(events))), events
    return events


def all_sorts():
    """The events of the history: of each kind, told while it lasted, and taken by a hypervisor."""
    def cause():
        for kind in ENUMS["stall-kind"]:
            kst.inject(1, LIVE_MS, kind=kind)
        kst.inject(1, LIVE_MS, steal=80)

    def told(events):
        ours = [e for e in c.ends(events) if e["task"]["pid"] == os.getpid()]
        begun = {e["stall-id"] for e in events if e["type"] == "stall-begin"}
        return {e["kind"] for e in ours} == ENUMS["stall-kind"] and \
            {"kernel", "hypervisor"} <= {e["class"] for e in ours} and \
            begun & {e["stall-id"] for e in ours}
    return [e for e in c.caused(cause, told) if e["type"] in c.STALLS]


def in_a_thread():
    """A stall in a task that is not the first of its process."""
    c.caused(lambda: subprocess.run([sys.executable, "-c", f"""
import sys, threading
sys.path[:0] = {sys.path[:2]!r}
import kst
thread = threading.Thread(target=lambda: kst.inject(1, 60))
thread.start()
thread.join()
"""], check=True), lambda events: any(
        e["task"]["pid"] != e["task"]["tgid"] for e in c.ends(events)))


def with_losses():
    """Cause events that tell of others. Returns by which names they do."""
    before = kst.status()
    with c.tuned(threshold=1, period=1, slack=0, rate=0):
        kst.inject(1, 3, 200, 0)  # without a pause no worker gets its turn
        kst.inject(1, 3, 2, 10)
    # At last: those above, and as much noise, may be nearly all that the history holds.
    with c.tuned(threshold=1, period=1, slack=0, rate=1):
        kst.inject(1, 3, 20, 2)
        time.sleep(1.1)
        kst.inject(1, 3)
    kst.settle()
    after = kst.status()
    assert after["suppressed"] > before["suppressed"], (before, after)
    # A kernel that is preemptible drops nothing.
    return {"suppressed", "suppressed-longest",
            *(["dropped"] if after["dropped"] > before["dropped"] else [])}


@kst.test
def an_event_has_the_specs_names_and_no_others():
    for event in all_sorts():
        assert set(event) <= OF_STALLS, event
        if event["type"] == "stall-end":
            assert set(event) >= OF_STALLS - SOMETIMES - OF_A_BEGIN, event
            assert not OF_A_BEGIN & set(event), event
            assert "stack" in event or event["context"] == "user" or event["kind"] != "irq", event
        else:
            assert event["type"] == "stall-begin", event
            assert set(event) >= OF_STALLS - SOMETIMES - OF_AN_END - IF_LOOKED_INTO, event
            assert not OF_AN_END & set(event), event
            assert ("task" in event) == ("context" in event), event
        for name in {"stack", "live-stack"} & set(event):
            assert set(event[name]) - {"truncated"} == {"frame"}, event
        assert set(event.get("task", NAMES["task"])) == NAMES["task"], event
        assert event["kind"] in ENUMS["stall-kind"], event
        assert event.get("context", "user") in ENUMS["context"], event
        assert event.get("class", "kernel") in ENUMS["stall-class"], event


@kst.test
def an_events_values_are_of_their_types():
    numbers = OF_STALLS - {"type", "task", "kind", "context", "class", "stack", "live-stack"}
    for event in all_sorts():
        assert all(type(event[name]) is int for name in numbers & set(event)), event
        if "task" in event:
            assert isinstance(event["task"]["comm"], str)
            assert all(type(event["task"][n]) is int for n in ("pid", "tgid", "cgroup-id")), event
        for name in {"stack", "live-stack"} & set(event):
            assert event[name]["frame"], event
            assert all(isinstance(frame, str) for frame in event[name]["frame"]), event
        assert 0 < event["duration-min"] <= event.get("duration-max", 1 << 63), event
        assert event.get("steal", 1) > 0, event


@kst.test
def a_stall_that_lasts_is_told_by_another_cpu_as_the_one_that_ends():
    events = all_sorts()
    ends = {e["stall-id"]: e for e in c.ends(events) if e["task"]["pid"] == os.getpid()}
    begins = [e for e in events if e["type"] == "stall-begin" and e["stall-id"] in ends]
    assert begins, events
    for begin in begins:
        end = ends[begin["stall-id"]]
        assert begin["watcher"] != begin["cpu"] == end["cpu"], (begin, end)
        assert begin["kind"] == end["kind"], (begin, end)
        assert begin["duration-min"] <= end["duration-max"], (begin, end)
        assert begin["time-boot"] <= end["time-boot"], (begin, end)
        assert begin.get("live-stack") in (None, end.get("live-stack")), (begin, end)


@kst.test
def an_event_tells_who_where_and_when():
    with open("/proc/self/comm", encoding="ascii") as file:
        comm = file.read().rstrip("\n")
    begin = time.time_ns()
    event = [e for e in c.ends(held()) if e["task"]["pid"] == os.getpid() and c.injected(e)][-1]
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
    all_sorts()
    with c.silence():
        records = c.objects(c.succeeds("history", "--json"))
        lines = c.succeeds("history").splitlines()
    expected = []
    for record in records:
        expected += as_text(record)
    assert lines == expected, [pair for pair in zip(lines, expected) if pair[0] != pair[1]][:3]
    text = "\n".join(lines)
    for part in (" suppressed, longest ", " of process ", " so far", "  while it lasted:\n",
                 "  at its end:\n", ", cause hypervisor, steal ", ", seen by cpu "):
        assert part in text, (part, text)
    assert " dropped)" in text or "dropped" not in losses, text


@kst.test
def the_monitor_prints_what_the_history_does():
    held()
    with c.silence():
        since = ("--since", latest()[0]["seq"])
        for options in ((), ("--json",), ("-t",)):
            assert (c.succeeds("monitor", *since, "--count", len(latest()), *options) ==
                    c.succeeds("history", *since, *options))


@kst.test
def time_in_front_is_the_events_local_time():
    held()
    with c.silence():
        events = latest()
        first = events[0]["seq"]
        plain = c.succeeds("history", "--since", first).splitlines()
        for zone, minutes in (("UTC0", 0), ("XST-5:45", 345), ("XST3:30", -210)):
            zone_info = datetime.timezone(datetime.timedelta(minutes=minutes))
            times = [datetime.datetime.fromtimestamp(e["time-real"] // 10**9, zone_info)
                     .strftime("%Y-%m-%d %H:%M:%S.") + f"{e['time-real'] // 10**6 % 1000:03d} "
                     for e in events]
            lines = c.succeeds("history", "-t", "--since", first, env={"TZ": zone}).splitlines()
            heads = [line for line in lines if not line.startswith("  ")]
            assert [head[:24] for head in heads] == times, heads
            # The rest of the line is as without it, and so is the stack.
            stamp = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} ")
            assert [stamp.sub("", line, count=1) for line in lines] == plain
        assert c.succeeds("history", "--time", "--since", first,
                          env={"TZ": zone}).splitlines() == lines


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
        assert cpu["state"] in ENUMS["cpu-state"], cpu
        assert all(type(cpu[name]) is int for name in NAMES["cpu"] - {"state"}), cpu
        assert cpu["watched"] == (cpu["state"] in ("busy", "sentry", "backed-off")), cpu
        assert (cpu["gap"] > 0) == bool(cpu["watched"]), cpu
        assert 0 < cpu["memory"] < status["memory"], (cpu, status)
    assert status["watched"] == sum(cpu["watched"] for cpu in status["cpus"])
    assert status["backed-off"] <= status["watched"]
    assert 0 < status["memory-history"] < status["memory"], status


@kst.test
def status_counts_the_cpus_that_are_not_watched():
    with c.tuned(cpus="1"):
        # Each CPU finds out by itself.
        c.until(lambda: kst.status()["excluded"] == len(kst.cpus()) - 1, "CPU 0 is watched")
        status = kst.status()
        text = c.succeeds("status")
    assert status["watched"] == 1, status
    states = {cpu["cpu"]: cpu["state"] for cpu in status["cpus"]}
    assert states[0] == "excluded" != states[1], states
    assert re.search(r"^excluded +1$", text, re.M), text
    assert re.search(r"^ +0 excluded +0 ns ", text, re.M), text


@kst.test
def status_as_text_has_all_that_json_has():
    with c.silence():
        text = c.succeeds("status")
        status = kst.status()
        top, table = (part.splitlines() for part in text.strip("\n").split("\n\n"))
    rows = dict(line.split(maxsplit=1) for line in top)
    assert set(rows) == NAMES["status"], set(rows) ^ NAMES["status"]
    still = NAMES["status"] - {"time-boot", "time-real", "loaded-boot", "beats", "beat-time",
                               "subscribers", "memory", "memory-history", "backed-off"}
    assert {n: rows[n].strip() for n in still} == {n: str(status[n]) for n in still}
    for name in ("memory", "memory-history"):
        assert re.fullmatch(r"[\d.]+ KiB", rows[name]), rows
    assert int(rows["backed-off"]) <= status["watched"], rows
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", rows["time-real"]), rows
    assert re.fullmatch(r"[\d.]+ (ns|ms|s)", rows["beat-time"]), rows
    assert table[0].split() == ["CPU", "STATE", "GAP", "BEATS", "NS/BEAT", "STALLS", "LONGEST",
                                "DEFERRED", "QUEUED", "DROPPED", "SUPPRESSED", "KIB"], table
    for line, cpu in zip(table[1:], status["cpus"], strict=True):
        assert len(line) <= 100, line
        number, state, gap, unit, _, _, stalls, *_, held_back, kib = line.split()
        assert int(number) == cpu["cpu"] and state in ENUMS["cpu-state"], (line, cpu)
        assert float(gap) > 0 and unit in ("ms", "s"), (line, cpu)
        assert int(stalls) == cpu["stalls"] and int(held_back) == cpu["suppressed"], (line, cpu)
        assert kib == f"{cpu['memory'] / 1024:.1f}", (line, cpu)


NUMBER = {"min", "max", "default", "value"}
TEXT = {"text", "default-text"}


@kst.test
def tunables_have_the_specs_names_and_no_others():
    tunables = c.objects(c.succeeds("get", "--json"))
    assert {t["name"] for t in tunables} == set(os.listdir(kst.PARAMETERS)), tunables
    for tunable in tunables:
        if "text" in tunable:
            assert set(tunable) == NAMES["tunable"] - NUMBER, tunable
        else:
            assert set(tunable) == NAMES["tunable"] - TEXT, tunable
            assert tunable["min"] <= tunable["value"] <= tunable["max"], tunable
            assert tunable["min"] <= tunable["default"] <= tunable["max"], tunable
        assert tunable["unit"] and tunable["doc"], tunable
        assert c.objects(c.succeeds("get", "--json", tunable["name"])) == [tunable]
    assert [t["name"] for t in tunables if "text" in t] == ["cpus"], tunables


@kst.test
def tunables_as_text_say_the_same_as_json():
    with c.tuned(cpus="0-1", threshold=33):
        head, *rows = c.succeeds("get").splitlines()
        tunables = c.objects(c.succeeds("get", "--json"))
    assert head.split() == ["NAME", "VALUE", "UNIT", "MIN", "MAX", "DEFAULT", "DESCRIPTION"], head
    for row, t in zip(rows, tunables, strict=True):
        if "text" in t:
            cells = [t["name"], t["text"], t["unit"], "-", "-", t["default-text"], t["doc"]]
        else:
            cells = [str(t[k]) for k in ("name", "value", "unit", "min", "max", "default", "doc")]
        assert row.split(maxsplit=6) == cells, (row, t)
    assert kst.tunables()["cpus"] == "auto"
    one = c.succeeds("get", "threshold").splitlines()
    assert len(one) == 2 and one[1].split()[0] == "threshold", one


ALL_WORDS = [*([verb, *option] for verb in ("history", "stalls", "status", "zones", "tasks", "get")
                 for option in ((), ("--json",))), ["history", "-t"], ["version"], ["help"],
               ["monitor", "--since", "1", "--count", "3"],
               ["monitor", "--since", "1", "--count", "3", "--json"]]


@functools.cache
def all_outputs():
    """What the client prints when it might think of a terminal."""
    all_sorts()
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
            coloured = c.on_terminal(*verb, "--since", str(first))
            assert "\x1b[1m" in coloured, coloured
            assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain, coloured
            # What is switched on is switched off on the same line.
            for line in coloured.splitlines():
                assert line.count("\x1b[1m") == line.count("\x1b[0m"), line
    # It is what ran while the stall lasted, if anybody has looked, and nothing else.
    marked = [line for line in coloured.splitlines() if "\x1b[1m" in line]
    assert len(marked) == 1 and "inject_irq_off_inner" in plain, coloured


@kst.test
def no_colour_is_wanted():
    held()
    with c.silence():
        since = ["--since", str(culprit())]
        for words in (["history", *since], ["monitor", *since, "--count", "1"]):
            assert "\x1b" not in c.on_terminal(*words, NO_COLOR="1")
            # An empty value is as none.
            assert "\x1b" in c.on_terminal(*words, NO_COLOR="")


@kst.test
def json_has_no_colour_on_a_terminal():
    held()
    with c.silence():
        text = c.on_terminal("history", "--json")
        assert "\x1b" not in text, text
        assert text == c.succeeds("history", "--json")


@kst.test
def tables_on_a_terminal_are_complete():
    for words, names in ((["get"], ("threshold", "60000")),
                         (["status"], ("SUPPRESSED", "instance")),
                         (["zones"], ("CHANGES", "slab-unreclaimable")),
                         (["tasks"], ("LEFT", "slice-longest"))):
        text = c.on_terminal(*words)
        for name in names:
            assert name in text, text


kst.run()
