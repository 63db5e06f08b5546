#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# Events about memory as they are printed: one of each type, caused for real, as text and as JSON.

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
MIB = (1 << 20) / os.sysconf("SC_PAGESIZE")
CGROUP = "/sys/fs/cgroup/kstallmon_test"
MIN_FREE = "/proc/sys/vm/min_free_kbytes"
LIMIT = "/proc/sys/vm/max_map_count"
ALWAYS = {"instance", "seq", "type", "time-boot", "time-real"}
LOST = {"dropped", "suppressed", "suppressed-longest"}
OWN = {"zone-state": {"zone", "reclaim"}, "oom-kill": {"cpu", "task", "zone", "reclaim"},
       "reclaim-stall": {"cpu", "task", "scope", "order", "duration", "reclaimed"},
       "vma-state": {"task", "vma"}}


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(str(text))


def events_of(kind, since):
    return [e for e in kst.history(since) if e["type"] == kind]


def wait_for(kind, since, cause=None):
    """Until there is such an event, which is caused again and again."""
    end = time.monotonic() + c.PATIENCE
    while not events_of(kind, since):
        assert time.monotonic() < end, f"no {kind}"
        if cause:
            cause()
        time.sleep(0.2)


def change_a_zone(since):
    """Watermarks that are above what is free, for a while."""
    before = read(MIN_FREE)
    zones = [r["zone"] for r in c.objects(c.succeeds("zones", "--json")) if r["type"] == "zone"]
    free = max(zone["free"] for zone in zones)
    try:
        write(MIN_FREE, int(free / MIB * 1024 * 3 / 4))
        wait_for("zone-state", since)
    finally:
        write(MIN_FREE, before)


def fill_a_cgroup():
    """A task in a cgroup wants more than its limit."""
    subprocess.run([sys.executable, "-S", "-c", f"""
open("{CGROUP}/cgroup.procs", "w").write("0")
kept = []
while True:
    kept.append(b"x" * (1 << 20))
"""], check=False, timeout=c.PATIENCE)


def near_the_limit(since):
    """A process has nearly all mappings that it may have."""
    before = read(LIMIT)
    try:
        write(LIMIT, 1000)
        with subprocess.Popen([sys.executable, "-S", "-c", """
import mmap, time
kept = [mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS,
                  prot=mmap.PROT_READ | (mmap.PROT_WRITE if i % 2 else 0))
        for i in range(850)]
time.sleep(1000)
"""]) as process:
            try:
                wait_for("vma-state", since)
            finally:
                process.kill()
    finally:
        write(LIMIT, before)


@functools.cache
def caused():
    """The first number of those events."""
    write("/sys/fs/cgroup/cgroup.subtree_control", "+memory")
    os.mkdir(CGROUP)
    write(f"{CGROUP}/memory.max", 20 << 20)
    since = kst.settle() + 1
    with c.tuned(zone_dwell=0, zone_interval=100, reclaim_threshold=1, task_interval=100):
        change_a_zone(since)
        near_the_limit(since)
        wait_for("reclaim-stall", since, fill_a_cgroup)
        wait_for("oom-kill", since, fill_a_cgroup)
    kst.settle()
    return since


@kst.test
def each_has_the_specs_names_and_no_others():
    with c.silence():
        since = caused()
        for kind, own in OWN.items():
            events = events_of(kind, since)
            assert events, kind
            for event in events:
                assert set(event) - LOST == ALWAYS | own, event
                assert set(event.get("task", NAMES["task"])) == NAMES["task"], event
                assert set(event.get("reclaim", NAMES["reclaim"])) == NAMES["reclaim"], event
                for zone in event.get("zone", []):
                    assert set(zone) | {"before", "reserved"} == NAMES["zone"], event
                    assert ("before" in zone) == (kind == "zone-state"), event


@kst.test
def each_tells_what_happened():
    with c.silence():
        since = caused()
        zone_state, oom_kill, reclaim_stall, vma_state = (
            events_of(kind, since)[0] for kind in ("zone-state", "oom-kill", "reclaim-stall",
                                                   "vma-state"))
    zone, = zone_state["zone"]
    assert zone["before"] == "ok" != zone["state"] and zone["free"] <= zone["high"], zone
    zones = [r["zone"] for r in c.objects(c.succeeds("zones", "--json")) if r["type"] == "zone"]
    assert [(z["node"], z["name"]) for z in oom_kill["zone"]] == \
        [(z["node"], z["name"]) for z in zones], (oom_kill, zones)
    comm = os.path.basename(os.path.realpath(sys.executable))[:15]
    assert comm.startswith(oom_kill["task"]["comm"]), (oom_kill, comm)
    assert reclaim_stall["duration"] >= kst.MS and reclaim_stall["order"] >= 0, reclaim_stall
    assert reclaim_stall["scope"] in ENUMS["reclaim-scope"], reclaim_stall
    vma = vma_state["vma"]
    assert (vma["before"], vma["state"]) == ("ok", "warn"), vma
    assert vma["count"] >= 800 and vma["limit"] == 1000, vma


def mib(pages):
    return f"{pages / MIB:.1f}"


def zone_as_text(zone):
    before = f"{zone['before']} -> " if "before" in zone else ""
    reserved = " (reserved)" if "reserved" in zone else ""
    return (f"node {zone['node']} {zone['name']} {before}{zone['state']}{reserved}, "
            f"free {mib(zone['free'])} MiB (min {mib(zone['min'])}, low {mib(zone['low'])}, "
            f"high {mib(zone['high'])})")


def efficiency_as_text(reclaim):
    scan = reclaim["pgscan-kswapd"] + reclaim["pgscan-direct"]
    steal = reclaim["pgsteal-kswapd"] + reclaim["pgsteal-direct"]
    return f", reclaimed {100 * steal / scan:.1f} % of {scan} pages scanned" if scan else ""


def task_as_text(task):
    of = f" of process {task['tgid']}" if task["tgid"] != task["pid"] else ""
    return f", task {task['comm']}/{task['pid']}{of}"


def growth_as_text(vma):
    if "growth" not in vma:
        return ""
    if abs(vma["growth"]) >= 100:
        return f", {vma['growth'] / 1000:+.1f}/s"
    return f", {vma['growth'] * 3.6:+.1f}/h"


def left_as_text(vma):
    if "time-to-limit" not in vma:
        return ""
    seconds = vma["time-to-limit"] / 1e9
    for name, unit in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        if seconds >= 2 * unit or name == "s":
            return f", at the limit in {seconds / unit:.1f} {name}"
    raise AssertionError(vma)


def as_text(e):
    """A record's JSON object as its text should be."""
    losses = f" (+{e['dropped']} dropped)" if "dropped" in e else ""
    if "suppressed" in e:
        longest = e.get("suppressed-longest")
        losses += f" (+{e['suppressed']} suppressed" + \
            (f", longest {longest // 100000 / 10:.1f} ms)" if longest else ")")
    cpu = f" cpu {e['cpu']}" if "cpu" in e else ""
    head, rest = f"#{e['seq']}{cpu} ", []
    if e["type"] == "zone-state":
        head += zone_as_text(e["zone"][0]) + efficiency_as_text(e["reclaim"])
        if e["zone"][0]["other-node-free"]:
            head += f", other nodes have {mib(e['zone'][0]['other-node-free'])} MiB to spare"
    elif e["type"] == "oom-kill":
        head += f"oom kill{task_as_text(e['task'])}{efficiency_as_text(e['reclaim'])}"
        rest = ["    " + zone_as_text(zone) for zone in e["zone"]]
    elif e["type"] == "reclaim-stall":
        head += f"reclaim stall {e['duration'] // 100000 / 10:.1f} ms, {e['scope']}, " \
            f"order {e['order']}, {e['reclaimed']} pages reclaimed{task_as_text(e['task'])}"
        if e["scope"] == "memcg":
            head += f" in cgroup {e['task']['cgroup-id']}"
    else:
        vma = e["vma"]
        head += f"process {e['task']['comm']}/{e['task']['tgid']} mappings {vma['before']} -> " \
            f"{vma['state']}, {vma['count']} of {vma['limit']} " \
            f"({100 * vma['count'] / vma['limit']:.1f} %){growth_as_text(vma)}{left_as_text(vma)}"
    return [head + losses] + rest


@kst.test
def text_says_the_same_as_json():
    with c.silence():
        since = caused()
        events = [e for e in kst.history(since) if e["type"] in OWN]
        text = c.succeeds("history", "--since", since)
    # Each line, and those below that belong to it.
    printed = {int(number): part.splitlines() for part, number in
               re.findall(r"^(#(\d+) .*\n(?: .*\n)*)", text, re.M)}
    for event in events:
        assert printed[event["seq"]] == as_text(event), event


@kst.test
def the_monitor_prints_what_the_history_does():
    with c.silence():
        since = caused()
        count = len(kst.history(since))
        for options in ((), ("--json",)):
            assert c.succeeds("monitor", "--since", since, "--count", count, *options) == \
                c.succeeds("history", "--since", since, *options)


@kst.test
def culprits_of_stalls_they_are_none():
    with c.silence():
        since = caused()
        ends = c.ends(kst.history())
        stalls, = c.objects(c.succeeds("stalls", "--json"))
        assert sum(one["count"] for one in stalls["culprits"]) == len(ends), (since, stalls)


@kst.test
def times_in_reclaim_are_counted():
    caused()
    times = [r for r in c.objects(c.succeeds("zones", "--json")) if r["type"] == "reclaim-time"]
    assert sum(r["count"] for r in times if r["scope"] == "memcg"), times
    for one in times:
        assert sum(b["count"] for b in one["bucket"]) == one["count"] > 0, one
        assert one["longest"] <= one["time"], one
    text = c.succeeds("zones").split("Times in direct reclaim:")[1]
    assert re.search(r"^SCOPE +COUNT +TOTAL +LONGEST$", text, re.M), text
    assert re.search(r"^memcg +[\d.]+ (ns|ms|s) +\d+ #+$", text, re.M), text


kst.run()
