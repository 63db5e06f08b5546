#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# Tasks that reclaim memory themselves, on the host's behalf and in a memory cgroup, against what
# the kernel's own tracing tells of the same; and victims of the OOM killer.

import collections
import contextlib
import os
import re
import signal
import subprocess

import memorylib as m
from memorylib import kst

DISK = "/dev/ram0"
DISK_MIB = 4096
TRACING = "/sys/kernel/tracing"
CGROUPS = "/sys/fs/cgroup"
SCOPES = {"global": "direct", "memcg": "memcg"}
POINTS = [f"mm_vmscan_{what}_reclaim_{end}" for what in SCOPES.values() for end in ("begin", "end")]
LINE = re.compile(r"\s*(?P<comm>.*)-(?P<pid>\d+)\s+\[\d+\]\s+\S+\s+(?P<time>[\d.]+): "
                  r"mm_vmscan_(?P<what>direct|memcg)_reclaim_(?P<end>begin|end): (?P<rest>.*)")

# Nothing but what the tests want, and all of that.
TUNED = {"rate": 0, "reclaim_threshold": 1, "zone_interval": 100, "history": 16384,
         "zone_dwell": 600000, "threshold": 60000, "softirq_threshold": 0, "sched_threshold": 0}

Reclaim = collections.namedtuple("Reclaim", "scope pid order pages ns")


def put(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


class Reader:
    """A process that reads from the disk through the page cache."""

    def __init__(self, start, mib, how, cgroup=None):
        enter = (lambda: put(f"{cgroup}/cgroup.procs", str(os.getpid()))) if cgroup else None
        # pylint: disable-next=subprocess-popen-preexec-fn  # there is no other thread
        self._process = subprocess.Popen([f"{m.HERE}/reader", DISK, str(start), str(mib), how],
                                         stdout=subprocess.PIPE, text=True, preexec_fn=enter)
        self.pid = self._process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()

    def passes(self, count=1):
        """Wait until it has read all again."""
        for _ in range(count):
            assert self._process.stdout.readline() == "ready\n"


@contextlib.contextmanager
def traced():
    """Yields a list that gets all reclaim in the with block as tracing tells it, at its end."""
    found = []
    put(f"{TRACING}/trace", "")
    for point in POINTS:
        put(f"{TRACING}/events/vmscan/{point}/enable", "1")
    try:
        yield found
    finally:
        for point in POINTS:
            put(f"{TRACING}/events/vmscan/{point}/enable", "0")
    for name in os.listdir(f"{TRACING}/per_cpu"):
        with open(f"{TRACING}/per_cpu/{name}/stats", encoding="ascii") as stats:
            assert "overrun: 0\n" in stats.read(), "tracing has lost events"
    begun = {}
    with open(f"{TRACING}/trace", encoding="utf-8", errors="replace") as trace:
        for line in filter(None, map(LINE.match, trace)):
            pid, number = int(line["pid"]), int(re.search(r"(order|nr_reclaimed)=(\d+)",
                                                          line["rest"])[2])
            ns = int(line["time"].replace(".", "")) * 1000
            if line["end"] == "begin":
                begun[pid] = number, ns
            elif pid in begun:
                order, since = begun.pop(pid)
                scope = next(s for s, what in SCOPES.items() if what == line["what"])
                found.append(Reclaim(scope, pid, order, number, ns - since))
    assert not begun, begun


def totals():
    """Count and time in reclaim by scope, of all CPUs."""
    answer = {scope: [0, 0] for scope in SCOPES}
    for cpu in m.dump("reclaim-get"):
        assert sum(b["count"] for b in cpu["bucket"]) == cpu["count"], cpu
        assert cpu["longest"] <= cpu["time"], cpu
        answer[cpu["scope"]][0] += cpu["count"]
        answer[cpu["scope"]][1] += cpu["time"]
    return answer


def observed(action):
    """Do it, and compare what the module tells with tracing. Returns both: events, and Reclaims."""
    before, first, untimed = totals(), kst.settle() + 1, m.ask("memory-get")["untimed"]
    with traced() as found:
        action()
    after = totals()
    events = [e for e in m.dump("event-get", since=first) if e["type"] == "reclaim-stall"]
    assert m.ask("memory-get")["untimed"] == untimed
    for scope in SCOPES:
        of_scope = [r for r in found if r.scope == scope]
        assert after[scope][0] - before[scope][0] == len(of_scope), (scope, before, after)
        told_time = sum(e["duration"] for e in events if e["scope"] == scope)
        assert after[scope][1] - before[scope][1] >= told_time, (scope, before, after)
    known = collections.Counter(r[:-1] for r in found)
    told = collections.Counter((e["scope"], e["task"]["pid"], e["order"], e["reclaimed"])
                               for e in events)
    assert told <= known, told - known
    for event in events:
        assert event["duration"] >= kst.MS, event
    # Those that are long beyond doubt are all told. The two look at the clock one after the other.
    long = collections.Counter(r[:-1] for r in found if r.ns >= 5 * kst.MS)
    assert long <= told, long - told
    return events, found


@contextlib.contextmanager
def short_of_memory(leave_mib):
    """A hog has taken all but so much of each node, and the reserves are small."""
    # Little between the watermarks: kswapd, once awake, is late.
    with m.sysctls(min_free_kbytes=2048, watermark_scale_factor=1), \
            contextlib.ExitStack() as hogs:
        put("/proc/sys/vm/drop_caches", "3")
        before = m.ask("memory-get")["time-boot"]
        m.until(lambda: m.ask("memory-get")["time-boot"] > before, "no sample")
        zones = [z["zone"] for z in m.dump("zone-get")]
        for node in (0, 1):
            free = sum(z["free"] for z in zones if z["node"] == node)
            hog = hogs.enter_context(m.Hog(node, 4096))
            hog.take(free - leave_mib * 256)
        yield


def efficiency():
    """Pages reclaimed for each that is looked at, in the windows to come."""
    seen = {}

    def total(what):
        return sum(r[f"pg{what}-kswapd"] + r[f"pg{what}-direct"] for r in seen.values())

    def enough():
        memory = m.ask("memory-get")
        seen[memory["time-boot"]] = memory["reclaim"]
        return total("scan") > 20000
    m.until(enough, "nothing is reclaimed")
    return total("steal") / total("scan")


def storm(times, told=0):
    """Read until tasks were so often in reclaim on the host's behalf, and that was so often told.
    Returns who read."""
    begin, first = totals()["global"][0], kst.numbered() + 1

    def enough():
        return totals()["global"][0] >= begin + times and sum(
            e["type"] == "reclaim-stall" and e["task"]["comm"] == "reader"
            for e in m.dump("event-get", since=first)) >= told
    with Reader(0, 640, "once") as a, Reader(1024, 640, "once") as b, \
            Reader(2048, 640, "once") as c:
        m.until(enough, "too little reclaim")
        return {a.pid, b.pid, c.pid}


@kst.test
def all_tracepoints_are_there():
    assert "missing" not in m.ask("memory-get"), m.ask("memory-get")


@kst.test
def a_storm_of_direct_reclaim():
    with kst.tuned(**TUNED), short_of_memory(200):
        pids = set()
        events, found = observed(lambda: pids.update(storm(20, 4)))
    assert any(r.scope == "global" and r.pid in pids for r in found), len(found)
    named = [e for e in events if e["task"]["pid"] in pids and e["scope"] == "global"]
    assert named, (len(events), len(found))
    for event in named:
        assert event["task"]["comm"] == "reader", event
    print(f"# {len(found)} times in reclaim, {len(events)} told, {len(named)} by the readers")


@kst.test
def pages_in_use_make_reclaim_inefficient():
    with kst.tuned(**TUNED), short_of_memory(200):
        results = []
        for how in ("once", "hot"):
            with Reader(0, 512, how), Reader(1024, 512, how):
                results.append(efficiency())
    print(f"# steal/scan {results[0]:.3f} of pages read once, {results[1]:.3f} of those in use")
    assert results[1] < results[0], results


@kst.test
def a_memory_cgroup_at_its_limit():
    cgroup = f"{CGROUPS}/limited"
    put(f"{CGROUPS}/cgroup.subtree_control", "+memory")
    os.mkdir(cgroup)
    try:
        put(f"{cgroup}/memory.max", str(16 << 20))
        with kst.tuned(**TUNED):
            pids = []

            def squeeze():
                with Reader(0, 64, "hot", cgroup) as hot, Reader(512, 64, "once", cgroup) as once:
                    pids.extend((hot.pid, once.pid))
                    once.passes(2)
            events, found = observed(squeeze)
        mine = [r for r in found if r.pid in pids]
        assert mine and all(r.scope == "memcg" for r in mine), len(mine)
        named = [e for e in events if e["task"]["pid"] in pids]
        assert named, (len(events), len(found))
        for event in named:
            assert event["scope"] == "memcg", event
            assert event["task"]["cgroup-id"] == os.stat(cgroup).st_ino, event
        print(f"# {len(mine)} times in reclaim, {len(named)} told")
    finally:
        os.rmdir(cgroup)


@kst.test
def a_threshold_of_0_tells_none():
    with kst.tuned(**{**TUNED, "reclaim_threshold": 0}), short_of_memory(200):
        first = kst.settle() + 1
        storm(20)
        events = [e for e in m.dump("event-get", since=first) if e["type"] == "reclaim-stall"]
        assert not events, events


@kst.test
def a_victim_of_the_oom_killer():
    cgroup = f"{CGROUPS}/deadly"
    with kst.tuned(**TUNED):
        os.mkdir(cgroup)
        try:
            put(f"{cgroup}/memory.max", str(16 << 20))
            before = m.ask("memory-get")
            first = kst.settle() + 1
            hog = m.Hog(0, 64)
            put(f"{cgroup}/cgroup.procs", str(hog.pid))
            try:
                hog.take(32 * 256)
                raise SystemError("the hog lives")
            except AssertionError as error:
                assert str(-signal.SIGKILL) in str(error), error
            kst.settle()
            event, = [e for e in m.dump("event-get", since=first) if e["type"] == "oom-kill"]
            assert event["task"]["pid"] == event["task"]["tgid"] == hog.pid, event
            assert event["task"]["comm"] == "hog", event
            assert event["task"]["cgroup-id"] == os.stat(cgroup).st_ino, event
            zones = {(z["node"], z["name"]) for z in event["zone"]}
            assert zones == {(z["zone"]["node"], z["zone"]["name"])
                             for z in m.dump("zone-get")}, event
            assert all(z["free"] > 0 and z["state"] for z in event["zone"]), event
            m.until(lambda: m.ask("memory-get")["time-boot"] > before["time-boot"], "no sample")
        finally:
            m.until(lambda: not open(f"{cgroup}/cgroup.procs", encoding="ascii").read(), "alive")
            os.rmdir(cgroup)


subprocess.run(["modprobe", "brd", "rd_nr=1", f"rd_size={DISK_MIB << 10}"], check=True)
put(f"{TRACING}/buffer_size_kb", "16384")
kst.run()
