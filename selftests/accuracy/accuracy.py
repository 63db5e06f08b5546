#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Causes random stalls, one after another, and compares what is told of each with the truth.

Runs in the VM. Prints tables for people and, as the last line, the figures as JSON.
"""

import argparse
import collections
import json
import os
import random
import subprocess
import sys
import threading
import time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"),
                os.path.join(os.environ["KST_BUILD"], "ksrc/tools/testing/selftests/kselftest")]
import kst

# The function that a stall's stack must name before any other of the injector.
CULPRITS = {"irq": "inject_irq_off_inner", "softirq": "inject_bh_off_inner",
            "sched": "inject_no_sched_inner"}
LONGEST_MS = 2000
PATIENCE = 600
NOBODYS_SHOWN = 30


class Stream:
    """The events as a subscriber gets them, each with the time when it came."""

    def __init__(self):
        self.events = []
        self.news = threading.Condition()
        self.monitor = subprocess.Popen(["kstallmon", "monitor", "--json"], stdout=subprocess.PIPE,
                                        text=True)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()
        while not kst.status()["subscribers"]:
            time.sleep(0.1)
        # Events up to this one may have been told before anybody listened.
        self.before = kst.settle()

    def read(self):
        for line in self.monitor.stdout:
            event = json.loads(line)
            event["came"] = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            with self.news:
                self.events.append(event)
                self.news.notify()

    def wait(self, condition, timeout):
        """Wait until the condition holds for one of the events. Returns whether it does."""
        with self.news:
            return self.news.wait_for(lambda: any(map(condition, self.events)), timeout)

    def catch_up(self):
        """Wait until all that has been detected came."""
        last = kst.settle()
        assert last == self.before or self.wait(lambda e: e.get("seq") == last, PATIENCE), last

    def keep_off(self, cpu):
        """Nobody who reads the events waits for a CPU that stalls."""
        others = set(range(os.cpu_count())) - {cpu}
        for task in (0, self.thread.native_id, self.monitor.pid):
            os.sched_setaffinity(task, others)


class Stall:
    """An injected stall and what was told of it."""

    def __init__(self, kind, cpu, ms):
        self.kind = kind
        self.cpu = cpu
        self.ms = ms
        self.pid = None
        self.truth = None
        self.told = None
        self.again = []

    def __str__(self):
        return f"{self.kind} on CPU {self.cpu}, {self.truth}: " + (
            tell(self.told) if self.told else "not told")

    def cause(self, file):
        """Stall in a child. All it needs is at hand: nothing but the stall holds it up."""
        reader, writer = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.write(file, f"{self.kind} {self.cpu} {self.ms} 1 0 0 tick".encode())
            os.write(writer, os.pread(file, 4096, 0))
            os._exit(0)
        os.close(writer)
        with open(reader, encoding="ascii") as pipe:
            self.truth, = kst.truths(pipe.read())
        os.waitpid(self.pid, 0)

    def is_told_by(self, event):
        return (event["type"] == "stall-end" and event["task"]["pid"] == self.pid and
                event["cpu"] == self.cpu)

    def judge(self, events):
        """Pick the event that tells the stall best; the others may only tell of others."""
        mine = sorted(filter(self.is_told_by, events), reverse=True,
                      key=lambda e: (e["kind"] == self.kind, e.get("duration-max", 0)))
        if mine:
            self.told = mine[0]
            self.again = [e for e in mine[1:]
                          if CULPRITS[self.kind] in kst.injected_frames(e, "stack", "live-stack")]

    def disturbed(self, threshold_ns):
        """Whether the host held interrupts off in a stall of a kind in which they come."""
        return not self.truth["actual_ns"] or (
            self.kind != "irq" and self.truth["unticked_ns"] >= threshold_ns)

    def in_bounds(self, tolerance_ns):
        return (self.told["duration-min"] - tolerance_ns <= self.truth["actual_ns"] <=
                self.told.get("duration-max", 0) + tolerance_ns)

    def culprit_right(self):
        return kst.injected_frames(self.told, "live-stack")[:1] == [CULPRITS[self.kind]]


def cause(stall, file, stream, rng):
    stream.keep_off(stall.cpu)
    time.sleep(rng.uniform(0.01, 0.04))
    stall.cause(file)
    if not stream.wait(stall.is_told_by, 2):
        stream.catch_up()
    return stall


def cause_stalls(count, seed, shortest_ms, disturbed_ns, stream):
    """Returns the stalls, and those that the host spoiled and that were repeated therefore."""
    rng = random.Random(seed)
    stalls, spoiled = [], []
    kst.load_injector()
    file = os.open(kst.STALL, os.O_RDWR | os.O_CLOEXEC)
    for number in range(1, count + 1):
        kind, cpu = rng.choice(sorted(shortest_ms)), rng.randrange(os.cpu_count())
        while True:
            ms = rng.randint(shortest_ms[kind], LONGEST_MS)
            stall = cause(Stall(kind, cpu, ms), file, stream, rng)
            if not stall.disturbed(disturbed_ns):
                break
            spoiled.append(stall)
        stalls.append(stall)
        if number % 10 == 0:
            print(f"accuracy: {number} of {count}, {len(spoiled)} repeated", flush=True)
    stream.catch_up()
    return stalls, spoiled


def figures(stalls, spoiled, events, tunables):
    """What the JSON has; and the stalls that something was wrong with."""
    period_ns = tunables["period"] * kst.MS
    long_ns = 3 * (tunables["threshold"] * kst.MS + period_ns + tunables["slack"] * 1000)
    begins = {e["stall-id"]: e for e in events if e["type"] == "stall-begin"}
    count = collections.Counter()
    wrong = []
    for stall in stalls:
        verdicts = {"seen": bool(stall.told), "told_once": not stall.again}
        if stall.told:
            verdicts["bounds_right"] = stall.in_bounds(period_ns)
            verdicts["kind_right"] = stall.told["kind"] == stall.kind
            count["bounds_with_tolerance"] += verdicts["bounds_right"] and not stall.in_bounds(0)
            if stall.truth["actual_ns"] > long_ns:
                asked = "culprit" if stall.kind == "irq" else f"culprit_{stall.kind}"
                count[f"{asked}_asked"] += 1
                verdicts[f"{asked}_right"] = stall.culprit_right()
            begin = begins.get(stall.told["stall-id"])
            count["begin_told"] += bool(begin)
            count["begin_came_in_time"] += bool(begin) and begin["came"] < stall.told["time-boot"]
        for verdict, right in verdicts.items():
            count[verdict] += right
        if not all(verdicts.values()):
            wrong.append((stall, [verdict for verdict, right in verdicts.items() if not right]))
    return count, wrong


def print_confusion(stalls):
    kinds = sorted(CULPRITS)
    table = collections.Counter((s.kind, s.told["kind"] if s.told else "none") for s in stalls)
    print("\ninjected  told as" + "".join(f"{kind:>10}" for kind in [*kinds, "none"]))
    for kind in kinds:
        print(f"{kind:17}" + "".join(f"{table[kind, told]:>10}" for told in [*kinds, "none"]))


def print_summary(result):
    def row(name, good, of):
        print(f"{name:64} {result[good]:>4} of {result[of]:>4}")

    print()
    row("seen", "seen", "injected")
    row("told once", "told_once", "injected")
    row("true length within the bounds", "bounds_right", "injected")
    row("  of these a period's tolerance for the emulator was needed", "bounds_with_tolerance",
        "bounds_right")
    row("kind", "kind_right", "injected")
    row("innermost function named live, long irq stalls", "culprit_right", "culprit_asked")
    for kind in ("softirq", "sched"):
        row(f"innermost function named live, long {kind} stalls", f"culprit_{kind}_right",
            f"culprit_{kind}_asked")
    row("told while it lasted", "begin_told", "injected")
    row("  of these the subscriber had it before the end", "begin_came_in_time", "begin_told")
    print(f"{'repeated, as the host had held interrupts off meanwhile':64} {result['disturbed']:>4}")
    print(f"{'events that nobody injected':64} {result['false_events']:>4}")


def tell(event):
    """An event in a line."""
    live, stack = (event.get(name, {}).get("frame", ["none"])[0] for name in ("live-stack", "stack"))
    return (f"cpu {event['cpu']} {event['kind']} {event['duration-min'] / kst.MS:.3f}.."
            f"{event.get('duration-max', 0) / kst.MS:.3f} ms, class {event.get('class')}, "
            f"in {event.get('context')}, task {event['task']['comm']}, live {live}, stack {stack}")


def print_nobodys(events):
    """On an emulator with several CPUs the host's noise is real to the guest."""
    sums = collections.defaultdict(list)
    for event in events:
        sums[event["kind"], event["class"], event["context"]].append(event["duration-min"])
    for (kind, blamed, context), lengths in sorted(sums.items()):
        print(f"  {len(lengths):>4} of kind {kind}, class {blamed}, context {context}, "
              f"up to {max(lengths) / kst.MS:.1f} ms")
    longest = sorted(events, key=lambda e: e["duration-min"], reverse=True)
    for event in longest[:NOBODYS_SHOWN]:
        print(f"  {tell(event)}")
    if events[NOBODYS_SHOWN:]:
        print(f"  and {len(events) - NOBODYS_SHOWN} shorter ones")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stalls", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    kst.kstallmon("set", "rate=0")
    tunables = kst.tunables()
    gap_ms = tunables["period"] + -(-tunables["slack"] // 1000)
    shortest_ms = {"irq": tunables["threshold"] + gap_ms,
                   "softirq": tunables["softirq_threshold"] + gap_ms,
                   "sched": tunables["sched_threshold"] + gap_ms}
    disturbed_ns = tunables["threshold"] * kst.MS

    stream = Stream()
    stalls, spoiled = cause_stalls(args.stalls, args.seed, shortest_ms, disturbed_ns, stream)
    events = [e for e in stream.events if e["type"] != "lost"]
    for stall in stalls + spoiled:
        stall.judge(events)
    told = {e["seq"] for s in stalls + spoiled for e in [s.told, *s.again] if e}
    nobodys = [e for e in events if e["type"] == "stall-end" and e["seq"] not in told]

    count, wrong = figures(stalls, spoiled, events, tunables)
    keys = ("seen", "told_once", "bounds_right", "bounds_with_tolerance", "kind_right",
            "culprit_asked", "culprit_right", "culprit_softirq_asked", "culprit_softirq_right",
            "culprit_sched_asked", "culprit_sched_right", "begin_told", "begin_came_in_time")
    result = {"injected": len(stalls), **{key: count[key] for key in keys},
              "disturbed": len(spoiled), "disturbed_seen": sum(bool(s.told) for s in spoiled),
              "false_events": len(nobodys), "seed": args.seed}

    for stall, verdicts in wrong:
        print(f"WRONG in {', '.join(verdicts)}: {stall}")
    print_confusion(stalls)
    print_summary(result)
    print_nobodys(nobodys)
    good = not wrong and result["disturbed_seen"] == len(spoiled)
    print(f"accuracy: {'all right' if good else 'FAILED'}, seed {args.seed}")
    print(json.dumps(result))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
