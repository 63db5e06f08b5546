#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# Zones fall below their watermarks, and the module tells: node 1 is filled by a hog, page by page.

import os
import random
import re
import select
import time

import memorylib
from memorylib import Hog, dump, events, kst, sysctl, sysctls, until

STATES = ["ok", "high", "low", "min"]
FAST = {"zone_interval": 100, "zone_dwell": 0, "rate": 0}
# Wide steps between the watermarks, and none that moves them meanwhile. And from 6.7 on, a CPU's own
# list must not grow as it likes: to fill it would take the zone past a watermark at a stroke.
STEADY = {"watermark_scale_factor": 200, "watermark_boost_factor": 0}
if os.path.exists("/proc/sys/vm/percpu_pagelist_high_fraction"):
    STEADY["percpu_pagelist_high_fraction"] = 1000000
ZONE_MOVABLE = 3


def zoneinfo():
    """The populated zones of /proc/zoneinfo by (node, name)."""
    with open("/proc/zoneinfo", encoding="ascii") as file:
        parts = re.split(r"^Node (\d+), zone +(\w+)$", file.read(), flags=re.M)[1:]
    zones = {}
    for node, name, text in zip(parts[0::3], parts[1::3], parts[2::3]):
        zone = {key: int(value) for key, value in
                re.findall(r"^ +(?:pages )?(free|boost|min|low|high|present|managed) +(\d+)$",
                           text, flags=re.M)}
        zone.setdefault("boost", 0)  # 5.10 does not show it; these tests set it to 0
        zone["protection"] = int(re.search(r"protection: \((.*)\)", text)[1]
                                 .split(",")[ZONE_MOVABLE])
        # What each CPU may have counted and not yet told.
        zone["drift"] = sum(map(int, re.findall(r"vm stats threshold: (\d+)", text)))
        if zone["present"]:
            zones[int(node), name] = zone
    return zones


def key(zone):
    return zone["node"], zone["name"]


def sampled():
    """The zones as sampled, by (node, name)."""
    return {key(m["zone"]): m["zone"] for m in dump("zone-get")}


def sample_time():
    return memorylib.ask("memory-get")["time-boot"]


def next_sample():
    """Wait for a sample that was begun after this call."""
    now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    until(lambda: sample_time() > now, "no sample")


def told(since):
    """The zones of zone-state events numbered after `since`."""
    return [e["zone"][0] for e in events(since, "zone-state")]


def filled(node):
    """The zone of the node that user pages come from first. Little in it can be reclaimed: kswapd
    must not raise it again soon."""
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
        file.write("3")
    return max((zone["managed"], k) for k, zone in zoneinfo().items() if k[0] == node)[1]


def level(k, name):
    """How many pages are free at the end of a state: a little below where it begins."""
    zone = zoneinfo()[k]
    gap = zone["low"] - zone["min"]
    return {"high": zone["high"] - gap // 8, "low": zone["low"] - gap // 8,
            "min": zone["min"] + gap // 16}[name]


def sink(hog, k, name, chunk=500):
    """Have the hog take pages until the zone's free ones are in a state, and sampled there. Once
    it is near its watermarks, each chunk is sampled. What kswapd finds meanwhile is taken too."""
    def sunk():
        zone = zoneinfo()[k]
        excess = zone["free"] - level(k, name)
        far = zone["free"] - zone["high"] - 4 * chunk
        if excess > 0:
            hog.take(far if far > 0 else min(excess, chunk))
        next_sample()
        return STATES.index(sampled()[k]["state"]) >= STATES.index(name)
    until(sunk, sampled()[k])


def above_high(node):
    return sum(max(zone["free"] - zone["high"], 0)
               for k, zone in zoneinfo().items() if k[0] == node)


@kst.test
def zones_are_as_in_zoneinfo():
    with kst.tuned(**FAST), sysctls(**STEADY):
        for _ in range(50):
            before = zoneinfo()
            next_sample()
            zones = sampled()
            after = zoneinfo()
            assert zones.keys() == before.keys()
            for k, zone in zones.items():
                for name in ("min", "low", "high", "boost", "managed", "present", "protection"):
                    assert zone[name] == before[k][name], (k, name, zone, before[k])
                assert zone["state"] in STATES and "before" not in zone, zone
            # Others take memory at any time; when they do not, all that differs is the drift.
            if all(min(before[k]["free"], after[k]["free"]) - zone["drift"] <= zones[k]["free"] <=
                   max(before[k]["free"], after[k]["free"]) + zone["drift"]
                   for k, zone in before.items()):
                break
        else:
            raise AssertionError((before, zones, after))


@kst.test
def memory_is_as_in_vmstat():
    with kst.tuned(**FAST):
        next_sample()
        memory = memorylib.ask("memory-get")
    assert memory["page-size"] == os.sysconf("SC_PAGESIZE"), memory
    assert memory["total"] == os.sysconf("SC_PHYS_PAGES"), memory
    assert memory["reclaim"]["window"] > 0, memory
    with open("/proc/vmstat", encoding="ascii") as file:
        vmstat = {name: int(value) for name, value in map(str.split, file)}
    for ours, theirs in (("slab-reclaimable", "nr_slab_reclaimable"),
                         ("slab-unreclaimable", "nr_slab_unreclaimable")):
        assert abs(memory[ours] - vmstat[theirs]) <= 0.2 * vmstat[theirs], (memory, vmstat)
    with open("/proc/meminfo", encoding="ascii") as file:
        kib = int(re.search(r"Committed_AS: +(\d+) kB", file.read())[1])
    assert abs(memory["committed"] * memory["page-size"] / 1024 - kib) <= 0.5 * kib, (memory, kib)


@kst.test
def a_hog_takes_a_zone_through_all_states():
    k = filled(1)
    since = kst.numbered()
    with sysctls(**STEADY), kst.tuned(**FAST):
        next_sample()
        assert sampled()[k]["state"] == "ok", sampled()
        changes = sampled()[k]["changes"]
        with Hog(1, 2048) as hog:
            for state in ("high", "low", "min"):
                sink(hog, k, state)
            other = above_high(0)
            at_min = sampled()[k]
        until(lambda: sampled()[k]["state"] == "ok", sampled()[k])
        next_sample()
        zones = told(since)
        changes = sampled()[k]["changes"] - changes

    assert [key(zone) for zone in zones] == [k] * len(zones), zones
    # Where kswapd finds much to reclaim the zone goes up again in between.
    states = [zone["state"] for zone in zones]
    assert states.index("high") < states.index("low") < states.index("min"), zones
    assert zones[-1]["state"] == "ok", zones
    assert [zone["before"] for zone in zones] == \
        ["ok"] + [zone["state"] for zone in zones[:-1]], zones
    assert changes == len(zones), (changes, zones)
    high, low, least = (zones[states.index(state)] for state in ("high", "low", "min"))
    assert high["low"] < high["free"] <= high["high"], high
    assert low["min"] < low["free"] <= low["low"], low
    assert least["free"] <= least["min"] + (least["low"] - least["min"]) / 8, least
    for zone in zones:
        assert "reserved" not in zone, zone
    # What is still to be had: nearly all of the other node.
    for zone in (least, at_min):
        assert abs(zone["other-node-free"] - other) < 0.1 * other, (zone, other)


@kst.test
def reclaim_is_counted_while_it_happens():
    k = filled(1)
    since = kst.numbered()
    with sysctls(**STEADY), kst.tuned(**FAST), Hog(1, 2048) as hog:
        sink(hog, k, "min")
        event, *_ = until(lambda: [e for e in events(since, "zone-state")
                                   if e["zone"][0]["state"] == "min"], "min is not told")
    reclaim = event["reclaim"]
    assert reclaim["window"] >= 100 * kst.MS / 2, reclaim
    assert reclaim["pgsteal-kswapd"] <= reclaim["pgscan-kswapd"], reclaim
    assert reclaim["pgsteal-direct"] <= reclaim["pgscan-direct"], reclaim
    assert reclaim["oom-kill"] == 0, reclaim


@kst.test
def a_short_dip_tells_nothing_with_the_default_dwell():
    k = filled(1)
    dwell_ms = kst.tunables()["zone_dwell"]
    assert dwell_ms == 5000
    # On a slow machine no dip is so short.
    for dwell_ms in (dwell_ms << turn for turn in range(6)):
        dwell_ns = dwell_ms * kst.MS
        since = kst.numbered()
        with sysctls(**STEADY), kst.tuned(zone_interval=100, zone_dwell=dwell_ms):
            changes = sampled()[k]["changes"]
            with Hog(1, 2048) as hog:
                sink(hog, k, "high", 100000)
                begin = time.monotonic_ns()
                sink(hog, k, "low", 100000)
            until(lambda: sampled()[k]["state"] == "ok", sampled()[k])
            dip_ns = time.monotonic_ns() - begin
            time.sleep(dwell_ns / 1e9 + 1)
            next_sample()
            changes = sampled()[k]["changes"] - changes
        if dip_ns < 0.8 * dwell_ns:
            break
    else:
        raise AssertionError(f"no dip was short: {dip_ns}")
    assert changes >= 2, changes
    assert not told(since), told(since)


@kst.test
def a_state_is_told_when_it_has_lasted():
    k = filled(1)
    dwell_ms = 3000
    since = kst.numbered()
    with sysctls(**STEADY), kst.tuned(zone_interval=100, zone_dwell=dwell_ms):
        with Hog(1, 2048) as hog:
            def low():
                sink(hog, k, "low", 100000)
                return [z for z in told(since) if z["state"] == "low"]
            until(low, "low is not told")
        until(lambda: [z for z in told(since) if z["state"] == "ok"], "ok is not told")
        before = None
        for event in events(since, "zone-state"):
            zone, = event["zone"]
            assert key(zone) == k, event
            if STATES.index(zone["state"]) > STATES.index(zone["before"]):
                began = zone["since-boot"]
            else:
                # Better by several states it may be, since some time after the last was told.
                began = before
            # Min does not wait.
            if zone["state"] != "min":
                assert event["time-boot"] - began >= dwell_ms * kst.MS, (began, event)
            before = event["time-boot"]


@kst.test
def a_zone_that_is_low_when_the_module_comes_is_told():
    k = filled(1)
    with sysctls(**STEADY), Hog(1, 2048) as hog:
        with kst.tuned(zone_interval=100):
            sink(hog, k, "min")
        kst.unload()
        # kswapd may have found some pages more.
        hog.take(max(zoneinfo()[k]["free"] - level(k, "min"), 0))
        memorylib.load()
        zone, *_ = until(lambda: [z for z in told(0) if key(z) == k], "it is not told")
    # And now.
    assert zone["before"] == "ok" and zone["state"] in ("low", "min"), zone


# The zones that every allocation may use lie below those that are used first. What is kept from
# them there is so much, on large hosts, that they never get anything: nobody's loss.
@kst.test
def a_reserved_zone_does_not_cry():
    dma, others = (0, "DMA"), sysctl("lowmem_reserve_ratio").split()[1:]
    if len([k for k in zoneinfo() if k[0] == 0]) == 1:
        raise kst.Skip("all of the node is one zone")

    def reserve(ratio):
        sysctl("lowmem_reserve_ratio", " ".join([str(ratio), *others]))

    def ours():
        return [zone for zone in told(since) if key(zone) == dma]

    with sysctls(**STEADY, lowmem_reserve_ratio=sysctl("lowmem_reserve_ratio")), \
            kst.tuned(zone_interval=100), Hog(0, 2048) as hog:
        since = kst.numbered()
        reserve(1)
        next_sample()
        zone = sampled()[dma]
        assert zone["state"] == "ok" and zone["reserved"], zone
        # Let it be used: when the zone above is down at its low watermark, the hog comes here.
        with kst.tuned(zone_dwell=600000):
            reserve(0)
            next_sample()
            zone = sampled()[dma]
            assert "reserved" not in zone and zone["protection"] == 0, zone
            upper = filled(0)
            while (now := zoneinfo())[dma]["free"] > now[dma]["high"]:
                hog.take(max(now[upper]["free"] - now[upper]["low"] - 1000, 20))
            reserve(1)
            next_sample()
        with kst.tuned(zone_dwell=0):
            next_sample()
            next_sample()
            zone = sampled()[dma]
            assert zone["state"] != "ok" and zone["reserved"] and zone["changes"], zone
            assert zone["protection"] >= zone["managed"], zone
            assert not ours(), ours()
            # Nothing but that held it back.
            reserve(0)
            next_sample()
            next_sample()
            zone = ours()[0]
            assert zone["state"] != "ok" and zone["before"] == "ok", zone


@kst.test
def a_new_interval_counts_at_once():
    with kst.tuned(zone_interval=60000):
        def rests():
            # One may be under way.
            before = sample_time()
            time.sleep(3)
            return sample_time() == before
        until(rests, "samples go on")
        last = sample_time()
        with kst.tuned(zone_interval=100):
            next_sample()
            next_sample()
            # With the old interval the second would come so late.
            assert sample_time() - last < 2 * 60000 * kst.MS


def child(function):
    """Run a function in a process of its own, whose memory only CPUs that it may use have seen: or
    to change a mapping it would wait for one that stalls. Returns where to read its result."""
    result, write = os.pipe()
    if not os.fork():
        try:
            os.write(write, str(function()).encode())
        finally:
            os._exit(0)
    os.close(write)
    return result


def result_of(result):
    with open(result, encoding="ascii") as file:
        return file.read()


def samples_during_stall(cpu, home, ms):
    """The times of samples while a CPU stalls, as the other one finds them."""
    since = kst.settle()
    go, ready = os.pipe()

    def poll():
        times = set()
        select.select([go], [], [], memorylib.PATIENCE)
        end = time.monotonic() + 1.3 * ms / 1000
        while time.monotonic() < end:
            times.add(sample_time())
            time.sleep(0.02)
        return " ".join(map(str, times))

    def stall():
        with open(kst.STALL, "w", encoding="ascii") as file:
            os.write(ready, b"\n")
            file.write(f"irq {cpu} {ms}")
        return "done"

    os.sched_setaffinity(0, {home})
    try:
        results = [child(poll), child(stall)]
        times, done = map(result_of, results)
    finally:
        os.sched_setaffinity(0, range(os.cpu_count()))
        os.close(go)
        os.close(ready)
    assert done == "done"
    stalls = events(since, "stall-begin", "stall-end")
    end = max((e for e in stalls if e["type"] == "stall-end" and e["cpu"] == cpu),
              key=lambda e: e["duration-min"])
    begin, = [e for e in stalls if e["type"] == "stall-begin" and e["stall-id"] == end["stall-id"]]
    assert end["duration-min"] > ms / 2 * kst.MS, end
    return [t for t in map(int, times.split()) if begin["time-boot"] < t < end["time-boot"]]


@kst.test
def a_stalled_cpu_does_not_hold_the_samples_up():
    kst.load_injector()
    with kst.tuned(zone_interval=100, rate=0):
        # The sampler is on one of the two, and then on the other.
        for cpu in (0, 1, 0, 1):
            # How many are found hangs on what the host leaves of the other CPU.
            for ms in (3000, 6000, 10000):
                times = samples_during_stall(cpu, 1 - cpu, ms)
                if len(times) >= 3:
                    break
            assert len(times) >= 3, (cpu, times)


@kst.test
def unload_while_sampling():
    kst.unload()
    try:
        for _ in range(20):
            kst.load("zone_interval=100")
            time.sleep(random.uniform(0, 0.25))
            kst.unload()
    finally:
        memorylib.load()
    assert sampled().keys() == zoneinfo().keys()


kst.run()
