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
import time

import memorylib as m
from memorylib import kst

DISK = "/dev/ram0"
DISK_MIB = 4096
TRACING = "/sys/kernel/tracing"
LRU_GEN = "/sys/kernel/mm/lru_gen/enabled"
CGROUPS = "/sys/fs/cgroup"
SCOPES = {"global": "direct", "memcg": "memcg"}
POINTS = [f"mm_vmscan_{what}_reclaim_{end}" for what in SCOPES.values() for end in ("begin", "end")]
LINE = re.compile(r"\s*(?P<comm>.*)-(?P<pid>\d+)\s+\[\d+\]\s+\S+\s+(?P<time>[\d.]+): "
                  r"mm_vmscan_(?P<what>direct|memcg)_reclaim_(?P<end>begin|end): (?P<rest>.*)")

# Nothing but what the tests want, and all of that.
TUNED = {"rate": 0, "reclaim_threshold": 1, "zone_interval": 100, "history": 16384,
         "zone_dwell": 600000, "threshold": 60000, "softirq_threshold": 0, "sched_threshold": 0}

Reclaim = collections.namedtuple("Reclaim", "scope pid order pages ns")
# Of one scope, all CPUs: how many, how long in all, how many lasted for 2 ms and more.
Total = collections.namedtuple("Total", "count ns long")


def put(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


class Reader:
    """A process that reads from the disk through the page cache."""

    def __init__(self, start, mib, how, cgroup=None):
        enter = (lambda: put(f"{cgroup}/cgroup.procs", str(os.getpid()))) if cgroup else None
        # pylint: disable-next=subprocess-popen-preexec-fn  # there is no other thread
        self._process = subprocess.Popen([f"{m.HERE}/reader", DISK, str(start), str(mib), how],
                                         stdout=subprocess.DEVNULL, preexec_fn=enter)
        self.pid = self._process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()


@contextlib.contextmanager
def traced():
    """Yields two lists that at the end of the with block get what tracing tells of all reclaim in
    it: the scopes of those that ended, and those that also began there, as Reclaims."""
    ended, found = [], []
    put(f"{TRACING}/trace", "")
    for point in POINTS:
        put(f"{TRACING}/events/vmscan/{point}/enable", "1")
    try:
        yield ended, found
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
                continue
            scope = next(s for s, what in SCOPES.items() if what == line["what"])
            ended.append(scope)
            if pid in begun:
                order, since = begun.pop(pid)
                found.append(Reclaim(scope, pid, order, number, ns - since))


def totals():
    """What was counted in reclaim by scope."""
    def in_itself_right():
        # What is read may change meanwhile.
        cpus = m.dump("reclaim-get")
        return all(sum(b["count"] for b in cpu["bucket"]) == cpu["count"] and
                   cpu["longest"] <= cpu["time"] for cpu in cpus) and (cpus,)
    cpus, = m.until(in_itself_right, "buckets and counts differ")
    answer = {scope: Total(0, 0, 0) for scope in SCOPES}
    for cpu in cpus:
        this = (cpu["count"], cpu["time"],
                sum(b["count"] for b in cpu["bucket"] if b["from"] >= 2 * kst.MS))
        answer[cpu["scope"]] = Total(*map(sum, zip(answer[cpu["scope"]], this)))
    return answer


def lost():
    """Reclaim and events that the module knows it has lost."""
    now = kst.status()
    return m.ask("memory-get")["untimed"], now["dropped"], now["overwritten"]


def observed(action):
    """Do it, and compare what the module tells with tracing. Returns both: events, and Reclaims."""
    # Something may be in reclaim at any time, also while tracing is turned on and off.
    outer, first, before = totals(), kst.settle() + 1, lost()
    with traced() as (ended, found):
        inner, begin = totals(), time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        action()
        inner_end, end = totals(), time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    kst.settle()
    events = [e for e in m.dump("event-get", since=first) if e["type"] == "reclaim-stall"]
    outer_end = totals()
    assert lost() == before, (lost(), before)
    for scope in SCOPES:
        told = [e["duration"] for e in events if e["scope"] == scope]
        least, most = (
            Total(*(late - early for late, early in zip(lates[scope], earlies[scope])))
            for lates, earlies in ((inner_end, inner), (outer_end, outer)))
        seen = scope, least, most, len(told)
        assert least.count <= ended.count(scope) <= most.count, (seen, ended.count(scope))
        assert most.ns >= sum(told), (seen, sum(told))
        # All that lasted longer than the threshold are told.
        long = sum(ns >= 2 * kst.MS for ns in told)
        assert least.long <= long <= most.long, (seen, long)
    known = collections.Counter(r[:-1] for r in found)
    inside = collections.Counter(
        (e["scope"], e["task"]["pid"], e["order"], e["reclaimed"]) for e in events
        if begin <= e["time-boot"] - e["duration"] and e["time-boot"] <= end)
    assert inside <= known, inside - known
    for event in events:
        assert event["duration"] >= kst.MS, event
    # Tracing and the module look at the clock one after the other, and the host may take the CPU
    # away in between.
    long = collections.Counter(r[:-1] for r in found if r.ns >= 5 * kst.MS)
    told = collections.Counter((e["scope"], e["task"]["pid"], e["order"], e["reclaimed"])
                               for e in events)
    assert 2 * (long & told).total() >= long.total(), (long, told)
    return events, found


@contextlib.contextmanager
def short_of_memory(leave_mib):
    """A hog has taken all but so much of each node, and the reserves are small."""
    # Little between the watermarks: kswapd, once awake, is late.
    with m.sysctls(min_free_kbytes=2048, watermark_scale_factor=1), \
            contextlib.ExitStack() as hogs:
        put("/proc/sys/vm/drop_caches", "3")
        before = sample_now()["time-boot"]
        m.until(lambda: sample_now()["time-boot"] > before, "no sample")
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
    begin, first = totals()["global"].count, kst.numbered() + 1

    def enough():
        return totals()["global"].count >= begin + times and sum(
            e["type"] == "reclaim-stall" and e["task"]["comm"] == "reader"
            for e in m.dump("event-get", since=first)) >= told
    with Reader(0, 640, "once") as a, Reader(1024, 640, "once") as b, \
            Reader(2048, 640, "once") as c:
        m.until(enough, "too little reclaim")
        return {a.pid, b.pid, c.pid}


@contextlib.contextmanager
def a_cgroup(name):
    """A memory cgroup of 16 MiB for the time of a with block; its folder."""
    cgroup = f"{CGROUPS}/{name}"
    put(f"{CGROUPS}/cgroup.subtree_control", "+memory")
    os.mkdir(cgroup)
    try:
        put(f"{cgroup}/memory.max", str(16 << 20))
        yield cgroup
    finally:
        m.until(lambda: not open(f"{cgroup}/cgroup.procs", encoding="ascii").read(), "alive")
        os.rmdir(cgroup)


def be_killed(cgroup):
    """Take more memory than a cgroup may have. Returns the victim's process id."""
    hog = m.Hog(0, 64)
    put(f"{cgroup}/cgroup.procs", str(hog.pid))
    try:
        hog.take(32 * 256)
        raise SystemError("the hog lives")
    except AssertionError as error:
        assert str(-signal.SIGKILL) in str(error), error
    return hog.pid


def sample_now():
    """The last sample."""
    return m.ask("memory-get")


@kst.test
def all_tracepoints_that_the_kernel_has_are_there():
    there = {*os.listdir(f"{TRACING}/events/vmscan"), *os.listdir(f"{TRACING}/events/oom")}
    used = {*POINTS, "mm_vmscan_throttled", "mark_victim"}  # 5.10 does not have all
    assert set(m.ask("memory-get").get("missing", ())) == used - there, m.ask("memory-get")


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


@contextlib.contextmanager
def no_generations():
    """For the time of a with block pages have no generations. Where they have, those in use are
    found by way of the page tables, and pgscan counts hardly more than what can be had."""
    if not os.path.exists(LRU_GEN):
        yield
        return
    with open(LRU_GEN, encoding="ascii") as file:
        before = file.read()
    put(LRU_GEN, "n")
    try:
        yield
    finally:
        put(LRU_GEN, before)


@kst.test
def pages_in_use_make_reclaim_inefficient():
    with kst.tuned(**TUNED), no_generations(), short_of_memory(200):
        results = []
        for how in ("once", "hot"):
            with Reader(0, 512, how), Reader(1024, 512, how):
                results.append(efficiency())
    print(f"# steal/scan {results[0]:.3f} of pages read once, {results[1]:.3f} of those in use")
    assert results[1] < 0.5 * results[0], results


@kst.test
def the_host_s_counters_are_those_of_vmstat():
    """From one sample to another, of all that is counted some."""
    names = {"pgscan-kswapd": ["pgscan_kswapd"], "pgsteal-kswapd": ["pgsteal_kswapd"],
             "pgscan-direct": ["pgscan_direct"], "pgsteal-direct": ["pgsteal_direct"],
             "allocstall": ["allocstall_dma", "allocstall_dma32", "allocstall_normal",
                            "allocstall_movable"],
             "compact-stall": ["compact_stall"], "oom-kill": ["oom_kill"]}

    def vmstat():
        with open("/proc/vmstat", encoding="ascii") as file:
            now = dict(line.split() for line in file)
        return {name: sum(int(now.get(part, 0)) for part in parts)
                for name, parts in names.items()}

    def sample():
        """Have one taken, and no other for a while. Returns it between two looks at vmstat."""
        early, last = vmstat(), sample_now()
        kst.kstallmon("set", "zone_interval=3000")
        m.until(lambda: sample_now()["time-boot"] > last["time-boot"], "no sample")
        now, late = sample_now(), vmstat()
        kst.kstallmon("set", "zone_interval=60000")
        return early, now, late

    def compact():
        """Soon pages of 2 MiB are to be had by compaction only."""
        before, pages = vmstat()["compact-stall"], 0
        while vmstat()["compact-stall"] == before:
            assert pages < 1024, "pages are had without compaction"
            pages += 16
            m.sysctl("nr_hugepages", pages)
        m.sysctl("nr_hugepages", 0)

    def between_two():
        """Returns False if another sample came in between: the client took its time."""
        early, first, late = sample()
        if sample_now()["time-boot"] != first["time-boot"]:
            return False
        storm(20)
        compact()
        with a_cgroup("deadly") as cgroup:
            be_killed(cgroup)
        early_end, last, late_end = sample()
        window = last["reclaim"].pop("window")
        if last["time-boot"] - first["time-boot"] != window:
            return False
        for name, count in last["reclaim"].items():
            least, most = early_end[name] - late[name], late_end[name] - early[name]
            assert least <= count <= most and count > 0, (name, least, count, most)
        print(f"# {last['reclaim']}")
        return True

    with kst.tuned(**TUNED), short_of_memory(200):
        m.until(between_two, "there is always another sample")


@kst.test
def a_memory_cgroup_at_its_limit():
    with kst.tuned(**TUNED), a_cgroup("limited") as cgroup:
        pids = []

        def squeeze():
            # Not for a fixed time: on a slow machine the history would not hold all.
            begin, first = totals()["memcg"].count, kst.numbered() + 1

            def enough():
                return totals()["memcg"].count >= begin + 100 and any(
                    e["type"] == "reclaim-stall" and e["task"]["pid"] in pids
                    for e in m.dump("event-get", since=first))
            with Reader(0, 64, "hot", cgroup) as hot, Reader(512, 64, "once", cgroup) as once:
                pids.extend((hot.pid, once.pid))
                m.until(enough, "too little reclaim")
        events, found = observed(squeeze)
        mine = [r for r in found if r.pid in pids]
        assert mine and all(r.scope == "memcg" for r in mine), len(mine)
        named = [e for e in events if e["task"]["pid"] in pids]
        assert named, (len(events), len(found))
        for event in named:
            assert event["scope"] == "memcg", event
            assert event["task"]["cgroup-id"] == os.stat(cgroup).st_ino, event
        print(f"# {len(mine)} times in reclaim, {len(named)} told")


@kst.test
def a_threshold_of_0_tells_none():
    with kst.tuned(**{**TUNED, "reclaim_threshold": 0}), short_of_memory(200):
        first = kst.settle() + 1
        storm(20)
        events = [e for e in m.dump("event-get", since=first) if e["type"] == "reclaim-stall"]
        assert not events, events


@kst.test
def a_victim_of_the_oom_killer():
    with kst.tuned(**TUNED), a_cgroup("deadly") as cgroup:
        first = kst.settle() + 1
        pid = be_killed(cgroup)
        kst.settle()
        event, = [e for e in m.dump("event-get", since=first) if e["type"] == "oom-kill"]
        assert event["task"]["pid"] == event["task"]["tgid"] == pid, event
        assert event["task"]["comm"] == "hog", event
        assert event["task"]["cgroup-id"] == os.stat(cgroup).st_ino, event
        zones = {(z["node"], z["name"]) for z in event["zone"]}
        assert zones == {(z["zone"]["node"], z["zone"]["name"])
                         for z in m.dump("zone-get")}, event
        assert all(z["free"] > 0 and z["state"] for z in event["zone"]), event


subprocess.run(["modprobe", "brd", "rd_nr=1", f"rd_size={DISK_MIB << 10}"], check=True)
put(f"{TRACING}/buffer_size_kb", "16384")
# Nobody compacts a node that is nearly full of his own accord: it takes very long.
m.sysctl("compaction_proactiveness", 0)
kst.run()
