#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
What the module costs, in instructions. For the VM with one CPU under -icount, where an instruction
takes 4 ns and time is the number of them. The last line of the output is the figures as JSON.

The same work (see work.c) is done without the module, with it at defaults and at its finest
settings, and with the empty timer, in turns in one VM, so that the kernel around is the same. Its
background (RCU, kworkers) takes some of the time in some windows. Of spinning, where the others are
all the same, the lower decile is what is taken without it: all that a heart does regularly is in
there. Of two programs that wake each other it is the lower quartile: some windows are shorter than
most, since a tick of theirs had less to do, and some whole runs are longer. Of one that sleeps,
whose windows differ with the phase of the heart, the mean of the middle half is taken.
"""

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import time
from socket import SOL_SOCKET

from pyroute2.netlink import NLM_F_DUMP, NLM_F_REQUEST, genlmsg
from pyroute2.netlink.generic import GenericNetlinkSocket

BUILD = os.environ["KST_BUILD"]
RAM = "/dev/shm"  # reading files over 9p takes idle time, and idle time leaps

SO_RCVBUFFORCE = 33

NS_PER_INSN = 4
WINDOW = 60_000_000  # as in work.c
ROUNDS = 2
SPIN_MS = 6000
PINGPONG_MS, PINGPONG_RUNS = 600, 16
SLEEPS_US, SLEEP_MS = range(92, 109, 2), 4000
STALL_MS, STALLS = 40, 20
STALL_CYCLE = (STALL_MS + 40) * 1_000_000
MMAP_MS = 12000
IDLE_S = 40
SETTLE_S = 3  # the heart backs off meanwhile

# kcompactd wakes up each 512 ms, since its timer is rounded to 8 jiffies. Setting this starts it.
COMPACTION = "/proc/sys/vm/compaction_proactiveness"
COMPACTION_NS = 512_000_000
IDLE_PHASES = 32
# What makes a pattern of minutes with these 512 ms, which in each boot begins elsewhere: the soft
# lockup detector each 4 s, and statistics each second or when woken after that.
QUIET = {"/proc/sys/kernel/watchdog": "0", "/proc/sys/vm/stat_interval": "3600"}

# As often as can be, and not at all within the time measured.
SWEEPS, NO_SWEEPS = "task_interval=100", "task_interval=3600000"
FINEST = ("period=1", "slack=0", "threshold=1", "softirq_threshold=1", "sched_threshold=1")


def decile(values):
    return statistics.quantiles(values, n=10)[0]


def quartile(values):
    return statistics.quantiles(values, n=4)[0]


def median(values):
    return statistics.median(values)


def midmean(values):
    values = sorted(values)
    return statistics.mean(values[len(values) // 4:-(len(values) // 4)])


def work(*args):
    done = subprocess.run([f"{RAM}/work", *map(str, args)], stdout=subprocess.PIPE, text=True,
                          check=True)
    return [list(map(int, line.split())) for line in done.stdout.splitlines()]


class Status(genlmsg):
    nla_map = ((4, "time-boot", "uint64"), (8, "beats", "uint64"), (9, "beat-time", "uint64"),
               (10, "stalls", "uint64"), (11, "numbered", "uint64"), (19, "subscribers", "uint32"),
               (20, "memory", "uint64"), (21, "memory-history", "uint64"))


class Cpu(genlmsg):
    nla_map = tuple((i, f"other-{i}", "none") for i in range(14)) + ((14, "memory", "uint64"),)


class Family(GenericNetlinkSocket):
    """The module. Not asked by way of its client: to start a program is to read files."""

    def __init__(self, kind=None):
        super().__init__()
        self.bind("kstallmon", kind or Status)

    def status(self):
        msg = Status()
        msg["cmd"] = 3  # KSTALLMON_CMD_STATUS_GET
        msg["version"] = 1
        answer, = self.nlm_request(msg, msg_type=self.prid, msg_flags=NLM_F_REQUEST)
        return {name: answer.get_attr(name) for _, name, _ in Status.nla_map}


def memory_per_cpu():
    with contextlib.closing(Family(Cpu)) as family:
        msg = Cpu()
        msg["cmd"] = 4  # KSTALLMON_CMD_CPU_GET
        msg["version"] = 1
        cpu, = family.nlm_request(msg, msg_type=family.prid, msg_flags=NLM_F_REQUEST | NLM_F_DUMP)
        return cpu.get_attr("memory")


def timer_interrupts():
    with open("/proc/interrupts", encoding="ascii") as table:
        return next(int(line.split()[1]) for line in table if line.lstrip().startswith("LOC:"))


class Samples:
    """What was measured under one configuration, of all rounds."""

    def __init__(self):
        self.spin = []  # ns lost in each window
        self.beats = []  # in a window
        self.beat_ns = []  # as the module measures itself
        self.pingpong = []  # ns of a round trip
        self.sleep = []  # ns busy for a sleep and waking up
        self.stall = []  # ns lost for a stall
        self.stall_beats = []  # for a stall
        self.stall_hardirq_ns = []  # for a stall, beyond what its beats take anyhow
        self.idle_interrupts = []  # per second
        self.mmap = []  # ns of mapping and unmapping a page

    def take_spin(self, family=None):
        before = family and family.status()
        self.spin += [ns for ns, in work("spin", SPIN_MS)]
        if not family:
            return
        # The CPU was busy from one status to the other.
        after = family.status()
        beats = after["beats"] - before["beats"]
        self.beats.append(beats / (after["time-boot"] - before["time-boot"]) * WINDOW)
        self.beat_ns.append((after["beat-time"] - before["beat-time"]) / beats)

    def take_wakeups(self):
        # Some runs take 57 instructions more for each round trip, from their begin to their end,
        # with or without the module: in one boot one of ten, in another every other.
        self.pingpong += [ns / trips for _ in range(PINGPONG_RUNS)
                          for trips, ns in work("pingpong", PINGPONG_MS)]
        # Of several lengths, or all would be of one phase with the heart.
        self.sleep += [ns / sleeps for us in SLEEPS_US
                       for sleeps, ns in work("sleep", us, SLEEP_MS)]

    def take_stalls(self, family=None):
        before = family and family.status()
        self.stall += [ns for ns, in work("stall", STALL_MS, STALLS)]
        if not family:
            return
        after = family.status()
        delta = {key: after[key] - before[key]
                 for key in ("beats", "beat-time", "time-boot", "stalls", "numbered")}
        assert delta["stalls"] == delta["numbered"] == STALLS, delta
        # What the beat that detects and the later one that judges take beyond a plain beat.
        self.stall_hardirq_ns.append(
            (delta["beat-time"] - delta["beats"] * median(self.beat_ns)) / STALLS)
        # Without the beats of starting and ending the programs.
        around = (delta["time-boot"] - STALLS * STALL_CYCLE) / WINDOW * median(self.beats)
        self.stall_beats.append((delta["beats"] - around) / STALLS)

    def take_mmap(self):
        self.mmap += [ns / times for times, ns in work("mmap", MMAP_MS)]

    def take_idle(self):
        time.sleep(SETTLE_S)
        begin, before = time.monotonic(), timer_interrupts()
        time.sleep(IDLE_S)
        after, end = timer_interrupts(), time.monotonic()
        self.idle_interrupts.append((after - before) / (end - begin))


@contextlib.contextmanager
def loaded(module, *params):
    subprocess.run(["insmod", f"{RAM}/{module}.ko", *params], check=True)
    time.sleep(1)
    try:
        yield
    finally:
        subprocess.run(["rmmod", module], check=True)
        time.sleep(1)


@contextlib.contextmanager
def listener():
    """A subscriber that never reads: what it does with its events is not the module's cost."""
    with contextlib.closing(Family()) as family:
        family.setsockopt(SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
        family.add_membership("events")
        yield


def write(path, text):
    """Returns what the file held before."""
    with open(path, "r+", encoding="ascii") as file:
        before = file.read()
        file.seek(0)
        file.write(text)
    return before


@contextlib.contextmanager
def quiet():
    before = {path: write(path, value) for path, value in QUIET.items()}
    try:
        yield
    finally:
        for path, value in before.items():
            write(path, value)


def start_compaction(phase):
    """Let kcompactd's wake-ups begin at one of the phases."""
    before = write(COMPACTION, "0")
    now = time.monotonic_ns()
    begin = (now // COMPACTION_NS + 2) * COMPACTION_NS + COMPACTION_NS * phase // IDLE_PHASES
    time.sleep((begin - now) / 1e9)
    write(COMPACTION, before)


def take_idle(samples, turn, loading):
    """Timers that come together share an interrupt, and for all of a boot the kernel's own come
    together or do not, as they happened to begin. So all their phases are gone through, and the
    module's too.
    """
    with quiet():
        for phase in range(turn - 1, IDLE_PHASES, ROUNDS):
            with loading():
                start_compaction(phase)
                samples.take_idle()


def measure():
    none, default, finest, empty, heard, swept, unswept = (Samples() for _ in range(7))
    memory = {}
    for turn in range(1, ROUNDS + 1):
        def progress(text):
            print(f"bench: round {turn} of {ROUNDS}: {text} ...", flush=True)

        progress("without the module")
        none.take_spin()
        none.take_wakeups()
        none.take_stalls()
        take_idle(none, turn, contextlib.nullcontext)

        progress("an empty timer")
        with loaded("kstallmon_empty_timer"):
            empty.take_spin()
        take_idle(empty, turn, lambda: loaded("kstallmon_empty_timer"))

        progress("the module at defaults")
        with loaded("kstallmon", "rate=0"), contextlib.closing(Family()) as family:
            default.take_spin(family)
            default.take_wakeups()
            default.take_stalls(family)
            heard.beats, heard.beat_ns = default.beats, default.beat_ns
            with listener():
                heard.take_stalls(family)
            memory = family.status()
            memory["memory-cpu"] = memory_per_cpu()
        take_idle(default, turn, lambda: loaded("kstallmon"))

        progress("the module at its finest settings")
        with loaded("kstallmon", *FINEST), contextlib.closing(Family()) as family:
            finest.take_spin(family)
            finest.take_wakeups()

        progress("sweeps over all processes")
        for samples, interval in (unswept, NO_SWEEPS), (swept, SWEEPS):
            with loaded("kstallmon", interval):
                samples.take_mmap()
    return none, default, finest, empty, heard, swept, unswept, memory


def figures(none, default, finest, empty, heard, swept, unswept, memory):
    def lost_insn(samples):
        return (decile(samples.spin) - decile(none.spin)) / NS_PER_INSN

    typical = {"pingpong": quartile, "sleep": midmean}

    def left(samples):
        return 1 - decile(samples.spin) / WINDOW

    def slowdown(samples, what):
        return typical[what](getattr(samples, what)) / typical[what](getattr(none, what)) - 1

    beat = lost_insn(default) / median(default.beats)

    def worker(samples):
        added = decile(samples.stall) - decile(none.stall) - median(samples.stall_hardirq_ns)
        return added / NS_PER_INSN - median(samples.stall_beats) * beat

    # Without what ticks and beats take of it, a round trip has two switches.
    trip = quartile(default.pingpong) * left(default) - quartile(none.pingpong) * left(none)
    sleep = midmean(default.sleep) - midmean(none.sleep)

    idle = statistics.mean(none.idle_interrupts)
    return {
        "beat_insn_busy": beat,
        "beat_insn_self": median(default.beat_ns) / NS_PER_INSN,
        "beat_insn_empty_timer": lost_insn(empty) / (WINDOW / 10_000_000),
        "beat_insn_finest": lost_insn(finest) / median(finest.beats),
        "idle_timer_irqs_per_s_added": statistics.mean(default.idle_interrupts) - idle,
        "idle_timer_irqs_per_s_added_empty_timer": statistics.mean(empty.idle_interrupts) - idle,
        "idle_timer_irqs_per_s_without": idle,
        "stall_insn_hardirq": median(default.stall_hardirq_ns) / NS_PER_INSN,
        "event_insn_worker": worker(default),
        "event_insn_worker_listener": worker(heard),
        "spin_slowdown_default": left(none) / left(default) - 1,
        "spin_slowdown_finest": left(none) / left(finest) - 1,
        "wakeup_slowdown_default": slowdown(default, "pingpong"),
        "wakeup_slowdown_finest": slowdown(finest, "pingpong"),
        "wakeup_idle_slowdown_default": slowdown(default, "sleep"),
        "wakeup_idle_slowdown_finest": slowdown(finest, "sleep"),
        "switch_insn_added": trip / 2 / NS_PER_INSN,
        "wakeup_idle_insn_added": sleep / NS_PER_INSN,
        "mmap_insn": median(unswept.mmap) / NS_PER_INSN,
        "mmap_slowdown_finest": median(swept.mmap) / median(unswept.mmap) - 1,
        "memory_per_cpu": memory["memory-cpu"],
        "memory_samplers": memory["memory"] - memory["memory-cpu"] - memory["memory-history"],
        "memory_history": memory["memory-history"],
    }


for built in ("bench/work", "bench/kstallmon_empty_timer.ko", "module/kstallmon.ko",
              "inject/kstallmon_inject.ko"):
    shutil.copy(os.path.join(BUILD, built), RAM)
subprocess.run(["insmod", f"{RAM}/kstallmon_inject.ko"], check=True)
print(json.dumps(figures(*measure())))
