#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# zones: what it draws is what its JSON says, and that is what the kernel says of itself.

import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import clientlib as c
import kst

NAMES = c.spec_names()
ENUMS = c.spec_enums()
PAGE = os.sysconf("SC_PAGESIZE")
MIB = (1 << 20) / PAGE
MIN_FREE = "/proc/sys/vm/min_free_kbytes"


def told(*options):
    """What zones prints: the zones, the host, the times in reclaim."""
    records = c.objects(c.succeeds("zones", "--json", *options))
    by_type = {name: [r for r in records if r["type"] == name]
               for name in ("zone", "memory", "reclaim-time")}
    assert sum(map(len, by_type.values())) == len(records), records
    assert len({r["time-real"] for r in records}) == 1, records
    host, = by_type["memory"]
    return by_type["zone"], host, by_type["reclaim-time"]


def of_kernel():
    """By node and zone, the numbers of /proc/zoneinfo."""
    with open("/proc/zoneinfo", encoding="ascii") as file:
        text = file.read()
    return {(int(node), name): {key: int(value) for key, value in re.findall(
        r"^ +(?:pages )?(free|boost|min|low|high|managed|present) +(\d+)$", part, re.M)}
            for node, name, part in re.findall(
                r"^Node (\d+), zone +(\w+)\n(.*?)(?=^Node|\Z)", text, re.M | re.S)}


@kst.test
def json_has_the_specs_names_and_no_others():
    zones, host, times = told()
    for zone in zones:
        assert set(zone) == {"type", "time-real", "time-boot", "zone"}, zone
        assert set(zone["zone"]) - {"reserved"} == NAMES["zone"] - {"before", "reserved"}, zone
        assert zone["zone"]["state"] in ENUMS["zone-state"], zone
    assert NAMES["memory"] - {"zone", "task", "vma", "missing"} == \
        set(host) - {"type", "time-real", "missing"}, host
    assert set(host["reclaim"]) == NAMES["reclaim"], host
    for one in times:
        assert set(one) - {"type", "time-real"} == NAMES["reclaim-time"], one
        assert one["scope"] in ENUMS["reclaim-scope"], one


@kst.test
def zones_are_the_kernels():
    zones, host, _ = told()
    kernel = of_kernel()
    assert {(z["zone"]["node"], z["zone"]["name"]) for z in zones} == \
        {key for key, zone in kernel.items() if zone["managed"]}
    for zone in (z["zone"] for z in zones):
        now = kernel[zone["node"], zone["name"]]
        assert {n: zone[n] for n in ("min", "low", "high", "managed", "present")} == \
            {n: now[n] for n in ("min", "low", "high", "managed", "present")}, (zone, now)
    assert host["page-size"] == PAGE
    with open("/proc/meminfo", encoding="ascii") as file:
        total = int(re.search(r"^MemTotal: +(\d+) kB$", file.read(), re.M)[1])
    assert host["total"] * PAGE == total * 1024, (host, total)


def drawn(zone):
    """A zone's level as it should look."""
    def place(pages):
        return min(pages * 10 // zone["high"], 20)
    level = place(zone["free"])
    bar = ["#" if i < level else "." for i in range(20)]
    for mark in ("min", "low", "high"):
        bar[place(zone[mark])] = mark[0]
    if level == 20:
        bar[19] = ">"
    return "".join(bar)


def mib(pages):
    return f"{pages / MIB:.1f}"


def rows():
    """The table of zones, as lists of words, beside the JSON of the same sample."""
    def of_one_sample():
        (zones, _, _), text, (again, _, _) = told(), c.succeeds("zones"), told()
        return [z["time-boot"] for z in zones] == [z["time-boot"] for z in again] and (zones, text)
    zones, text = c.until(of_one_sample, "samples go on")
    head, table, *_ = text.split("\n\n")
    assert re.fullmatch(r"Zones at \d{4}-\d\d-\d\d [\d:]{8}\.\d{3}, in MiB:", head), head
    columns, *lines = table.splitlines()
    assert columns.split() == ["NODE", "ZONE", "STATE", "FREE", "LEVEL", "MIN", "LOW", "HIGH",
                               "BOOST", "PROTECTION", "MANAGED", "SINCE", "OTHER-NODES",
                               "CHANGES"], columns
    return [(line.replace(" (reserved)", "").split(), zone["zone"])
            for line, zone in zip(lines, zones, strict=True)]


def matches(words, zone):
    """A row says what the JSON does."""
    assert words == [
        str(zone["node"]), zone["name"], zone["state"], mib(zone["free"]), drawn(zone),
        *(mib(zone[n]) for n in ("min", "low", "high", "boost", "protection", "managed")),
        words[11], words[12], mib(zone["other-node-free"]), str(zone["changes"])], (words, zone)
    assert re.fullmatch(r"\d+\.\d", words[11]) and words[12] in ("s", "min", "h", "d"), words


@kst.test
def text_says_the_same_as_json():
    with c.tuned(zone_interval=60000):
        time.sleep(1)  # the sample that was under way
        for words, zone in rows():
            matches(words, zone)


def set_min_free(kib):
    with open(MIN_FREE, "w", encoding="ascii") as file:
        file.write(str(kib))


@kst.test
def a_level_below_its_watermarks_is_drawn():
    with open(MIN_FREE, encoding="ascii") as file:
        before = file.read()

    def level_drawn():
        """The table when some zone is below; until kswapd finds no more to raise it again."""
        zones = told()[0]
        # Three quarters of what is free is min; so high is above it.
        set_min_free(max(z["zone"]["free"] for z in zones) * PAGE // 1024 * 3 // 4)
        c.until(lambda: told()[0][0]["time-boot"] > zones[0]["time-boot"], "no sample")
        with c.tuned(zone_interval=60000):
            found = rows()
        return any(zone["free"] < zone["high"] for _, zone in found) and found
    try:
        found = c.until(level_drawn, "kswapd keeps all zones above their watermarks")
        terminal = c.on_terminal("zones")
    finally:
        set_min_free(before)
    for words, zone in found:
        matches(words, zone)
    low = [words for words, zone in found if zone["free"] < zone["high"]]
    assert low and all("." in words[4] for words in low), found
    states = re.findall(r"^ +\d+ +\w+ +(?:\x1b\[([\d;]+)m)?(\w+)", terminal, re.M)
    assert len(states) == len(found), terminal
    for colour, state in states:
        assert colour == {"ok": "32", "high": "", "low": "1;33", "min": "31"}[state], terminal


@kst.test
def the_host_is_told():
    text = c.succeeds("zones")
    assert re.search(r"^Host, over the last \d+\.\d{3} s:$", text, re.M), text
    for who in ("kswapd", "direct"):
        assert re.search(rf"^{who} +\d+\.\d +\d+\.\d +(-|\d+\.\d %)$", text, re.M), text
    for name in ("allocstall", "compact-stall", "oom-kill"):
        assert re.search(rf"^{name} +\d+\.\d/s$", text, re.M), text
    for name in ("slab-reclaimable", "slab-unreclaimable", "committed"):
        assert re.search(rf"^{name} +\d+\.\d MiB, \d+\.\d % of RAM$", text, re.M), text
    for name in ("untimed", "throttled"):
        assert re.search(rf"^{name} +\d+$", text, re.M), text
    assert re.search(r"^missing +(-|\w+(, \w+)*)$", text, re.M), text
    assert re.search(r"^Times in direct reclaim:", text, re.M), text


def watched(verb, *words, sets, is_end):
    """What comes of --watch until a signal, after so many ends of a set."""
    with c.Monitor(*words, verb=verb) as process:
        lines = [line for _ in range(sets) for line in process.lines_until(is_end)]
        more, status, said = process.end(signal.SIGTERM)
    assert status == 0 and not said, (status, said)
    return lines + more


@kst.test
def watch_goes_on_until_a_signal():
    for verb, last in (("zones", "Times in direct"), ("tasks", "max-map-count")):
        lines = watched(verb, "--watch", ".2", sets=3, is_end=lambda line, last=last:
                        line.startswith(last))
        assert sum(line.startswith(last) for line in lines) >= 3, lines
    lines = watched("zones", "--json", "--watch", "0.2", sets=3,
                    is_end=lambda line: '"memory"' in line)
    times = [record["time-real"] for record in c.objects("\n".join(lines))]
    assert times == sorted(times) and len(set(times)) >= 3, times


@kst.test
def watch_ends_with_the_module():
    with c.Monitor("--json", "--watch", ".1", verb="zones") as process:
        assert process.line()
        try:
            # It may be just answering.
            c.until(lambda: not subprocess.run(["rmmod", "kstallmon"], capture_output=True,
                                               check=False).returncode, "rmmod fails")
            _, status, said = process.end(None)
        finally:
            kst.load()
    assert status == 1, status
    assert re.fullmatch(r"kstallmon: zones: .*modprobe kstallmon\n", said), said


kst.run()
