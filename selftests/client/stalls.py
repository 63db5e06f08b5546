#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# stalls: what it counts is what the history holds, sum for sum, and so is whom it blames.

import contextlib
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import clientlib as c
import kst

NAMES = c.spec_names()
KINDS = c.spec_enums()["stall-kind"]


def told(*options):
    """The one object that stalls prints."""
    found, = c.objects(c.succeeds("stalls", "--json", *options))
    assert set(found) == {"histograms", "culprits"}, found
    return found


@contextlib.contextmanager
def stalls():
    """Some stalls of all sorts in a module that has seen no others: events, and what is told."""
    with c.fresh():
        with c.tuned(softirq_threshold=50, sched_threshold=100, threshold=20):
            for cpu in kst.cpus():
                for ms in (40, 90, 90, 200):
                    kst.inject(cpu, ms)
            for _ in range(c.TRIES):
                kst.inject(1, 200, kind="softirq")
                kst.inject(1, 300, kind="sched")
                kst.inject(1, 150, 2, steal=90)
                kst.settle()
                events = c.ends(kst.history())
                if {e["kind"] for e in events} == KINDS and \
                        "hypervisor" in {e["class"] for e in events}:
                    break
        status = c.settle() and kst.status()
        assert status["overwritten"] == status["dropped"] == 0, status
        yield c.ends(kst.history()), told()


def same_bucket(ns):
    """The shortest of a bucket's durations: a power of two in ms."""
    return (1 << max((ns // kst.MS).bit_length() - 1, 0)) * kst.MS


def expected_histogram(events):
    """What a histogram of these events has."""
    durations = [e["duration-min"] for e in events]
    buckets = {}
    for ns in durations:
        buckets[same_bucket(ns)] = buckets.get(same_bucket(ns), 0) + 1
    expected = {"count": len(durations), "time": sum(durations),
                "longest": max(durations, default=0)}
    if buckets:
        expected["bucket"] = [{"from": ns, "count": buckets[ns]} for ns in sorted(buckets)]
    return expected


def functions(event):
    """The innermost functions of an event's stack, wherever in them the CPU was."""
    if event["class"] == "hypervisor":
        return ()
    frames = event.get("live-stack", event.get("stack", {"frame": []}))["frame"]
    return tuple(re.sub(r"\+0x[0-9a-f]+", "", frame) for frame in frames[:3])


def expected_culprits(events):
    """By class and functions: count, time, longest, kinds."""
    groups = {}
    for event in events:
        groups.setdefault((event["class"], functions(event)), []).append(event)
    return {key: (len(group), sum(e["duration-min"] for e in group),
                  max(e["duration-min"] for e in group), {e["kind"] for e in group})
            for key, group in groups.items()}


@kst.test
def each_cpu_has_a_histogram_of_each_kind():
    with stalls() as (_, found):
        histograms = found["histograms"]
    assert [(h["cpu"], h["kind"]) for h in histograms] == \
        [(cpu, kind) for cpu in kst.cpus() for kind in ("irq", "softirq", "sched")], histograms
    for histogram in histograms:
        assert set(histogram) | {"bucket"} == NAMES["histogram"], histogram
        for bucket in histogram.get("bucket", []):
            assert set(bucket) == NAMES["bucket"], histogram


@kst.test
def a_histogram_counts_what_the_history_has():
    with stalls() as (events, found):
        for histogram in found["histograms"]:
            those = [e for e in events
                     if (e["cpu"], e["kind"]) == (histogram["cpu"], histogram["kind"])]
            told_now = {name: histogram[name] for name in set(histogram) -
                        {"cpu", "kind", "since-boot"}}
            assert told_now == expected_histogram(those), (histogram, those)
        assert {h["kind"] for h in found["histograms"] if h["count"]} == KINDS


@kst.test
def culprits_are_what_the_stacks_of_the_history_have_in_common():
    with stalls() as (events, found):
        culprits, total = found["culprits"], sum(e["duration-min"] for e in events)
        expected = expected_culprits(events)
    found = {(one["class"], tuple(one["frame"])):
             (one["count"], one["time"], one["longest"], set(one["kind"])) for one in culprits}
    assert len(found) == len(culprits) and found == expected, (found, expected)
    assert ("hypervisor", ()) in found, found
    assert any("inject_irq_off_inner [kstallmon_inject]" in frames for _, frames in found), found
    times = [one["time"] for one in culprits]
    assert times == sorted(times, reverse=True), times
    for one in culprits:
        assert set(one) == {"count", "time", "longest", "share", "kind", "class", "frame"}, one
        assert abs(one["share"] - one["time"] / total) <= 0.0001, (one, total)


@kst.test
def count_limits_the_culprits():
    with stalls() as (_, found):
        culprits = found["culprits"]
        assert len(culprits) > 2, culprits
        for option in (("-n", "2"), ("--count", "2"), ("--count=2",)):
            assert told(*option)["culprits"] == culprits[:2]
        lines = c.succeeds("stalls", "-n", "2").splitlines()
        assert lines[-1] == f"and {len(culprits) - 2} more, see --count", lines
        assert "see --count" not in c.succeeds("stalls", "-n", len(culprits))


def tables(*options):
    """The tables of the text, each as a list of rows."""
    text = c.succeeds("stalls", "--count", "1000", *options)
    head, sums, buckets, held, culprits = text.rstrip("\n").split("\n\n")
    assert re.fullmatch(r"Stalls since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}:", head), head
    assert re.fullmatch(r"Stalls in the history: \d+", held), held
    return [part.splitlines() for part in (sums, buckets, culprits)] + [int(held.split()[-1])]


def as_text(ns):
    """A duration as tables show it."""
    if ns < kst.MS:
        return f"{ns} ns"
    return f"{ns / 1e6:.1f} ms" if ns < 1000 * kst.MS else f"{ns / 1e9:.3f} s"


def rows_of(histograms, by_cpu):
    """What the first two tables should say, without blanks."""
    sums, buckets = [], []
    for h in histograms:
        if by_cpu and not h["count"]:
            continue
        cpu = f"{h['cpu']} " if by_cpu else ""
        sums.append(f"{cpu}{h['kind']} {h['count']} {as_text(h['time'])} {as_text(h['longest'])}")
        buckets += [f"{cpu}{h['kind']} {as_text(b['from'])} {b['count']}"
                    for b in h.get("bucket", [])]
    return sums, buckets


def summed(histograms):
    """The histograms of all CPUs as one for each kind."""
    for kind in ("irq", "softirq", "sched"):
        those = [h for h in histograms if h["kind"] == kind]
        counts = {}
        for h in those:
            for b in h.get("bucket", []):
                counts[b["from"]] = counts.get(b["from"], 0) + b["count"]
        yield {"kind": kind, "count": sum(h["count"] for h in those),
               "time": sum(h["time"] for h in those), "longest": max(h["longest"] for h in those),
               "bucket": [{"from": ns, "count": counts[ns]} for ns in sorted(counts)]}


def bars_fit(rows):
    """The bars are as long as the counts, the longest of 40, and none is left out."""
    counts = [(int(row.split()[-2]), row.split()[-1]) for row in rows]
    most = max(count for count, _ in counts)
    for count, bar in counts:
        assert bar == "#" * -(-count * 40 // most), (rows, bar)


@kst.test
def text_says_the_same_as_json():
    with stalls() as (events, found):
        all_of_them = found["histograms"]
        for options, histograms in (((), list(summed(all_of_them))), (("--cpus",), all_of_them)):
            sums, buckets, culprits, held = tables(*options)
            by_cpu = bool(options)
            cpu = ["CPU"] if by_cpu else []
            assert sums[0].split() == [*cpu, "KIND", "STALLS", "TOTAL", "LONGEST"], sums
            assert buckets[0].split() == [*cpu, "KIND", "FROM", "COUNT"], buckets
            expected_sums, expected_buckets = rows_of(histograms, by_cpu)
            assert [" ".join(row.split()) for row in sums[1:]] == expected_sums, sums
            assert [" ".join(row.split()[:-1]) for row in buckets[1:]] == expected_buckets, buckets
            bars_fit(buckets[1:])
            assert held == len(events)
            assert culprits[0].split() == ["COUNT", "TOTAL", "LONGEST", "SHARE", "KIND",
                                           "CULPRIT"], culprits
            for row, one in zip(culprits[1:], found["culprits"], strict=True):
                name = " <- ".join(one["frame"]) or f"({one['class']})"
                kinds = [k for k in ("irq", "softirq", "sched") if k in one["kind"]]
                assert row.split() == [
                    str(one["count"]), *as_text(one["time"]).split(),
                    *as_text(one["longest"]).split(), row.split()[5], "%", ",".join(kinds),
                    *name.split()], (row, one)
                assert abs(float(row.split()[5]) / 100 - one["share"]) < 0.001, (row, one)


@kst.test
def a_reset_counts_anew_and_leaves_the_history():
    with stalls() as (events, found):
        since = found["histograms"][0]["since-boot"]
        assert c.succeeds("stalls", "--reset") == ""
        after = told()
        assert not any(h["count"] or h["time"] or h["longest"] or "bucket" in h
                       for h in after["histograms"]), after
        assert all(h["since-boot"] > since for h in after["histograms"]), (since, after)
        assert after["culprits"] == found["culprits"]
        with c.tuned(threshold=20):
            kst.inject(1, 90)
        c.settle()
        events = c.ends(kst.history(events[-1]["seq"] + 1))
        counts = {(h["cpu"], h["kind"]): h["count"] for h in told()["histograms"] if h["count"]}
        assert (1, "irq") in counts, counts
        assert sum(counts.values()) == len(events), (counts, events)


@kst.test
def stalls_that_the_rate_limit_held_back_count_too():
    with c.silence():
        c.succeeds("stalls", "--reset")
        before = kst.status()
        with c.tuned(threshold=20, rate=1):
            kst.inject(1, 60, 10, 10)
        c.settle()
        after = kst.status()
        counted = sum(h["count"] for h in told()["histograms"])
    assert after["suppressed"] > before["suppressed"], (before, after)
    assert counted >= 10 and counted == after["stalls"] - before["stalls"], (counted, after)


@kst.test
def nothing_seen_is_said():
    with c.fresh():
        assert told()["culprits"] == []
        sums = c.succeeds("stalls").rstrip("\n").split("\n\n")
    assert len(sums) == 3 and sums[2] == "Stalls in the history: 0", sums
    assert [row.split()[1] for row in sums[1].splitlines()[1:]] == ["0"] * 3, sums


kst.load_injector()
kst.run()
