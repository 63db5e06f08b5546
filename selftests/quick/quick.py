#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# On any kernel: a stall of each kind and its culprit, every command, zones, mappings, reclaim, and
# the module can be unloaded. What this kernel lacks is printed for the table of all kernels.

import json
import mmap
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import kst

CPU = kst.cpus()[-1]
RT = os.path.exists("/sys/kernel/realtime")
X86 = os.uname().machine == "x86_64"
# A pause of the host may cut a stall in two, or hold up who should see it.
TRIALS = 8
CULPRITS = {"irq": "inject_irq_off_inner", "softirq": "inject_bh_off_inner",
            "sched": "inject_no_sched_inner"}
# Kinds of the injector whose names are not those of the stalls. Of an ordinary task that wants the
# CPU a kernel with lazy preemption first takes a note only.
KINDS = {"sched-fair": "sched"}
MAPPINGS = 2000


def objects(*args):
    """What a command prints with --json."""
    return [json.loads(line) for line in kst.kstallmon(*args, "--json").stdout.splitlines()]


def lacks(what):
    """Say it to who makes the table."""
    print(f"# lacks: {what}", flush=True)


def looked_into(kind):
    """Whether a stall of this kind is looked into while it lasts: with interrupts off by NMI only."""
    return X86 or kind != "irq"


def told(injected, ms):
    """The begin and the end of a stall caused here."""
    kind = KINDS.get(injected, injected)
    for _ in range(TRIALS):
        before = kst.settle()
        actual, = kst.inject(CPU, ms, kind=injected)
        kst.settle()
        events = kst.history(before + 1)
        # A beginning that nobody looked into names no task.
        ids = {e["stall-id"] for e in kst.stalls_of(os.getpid(), before) if e["kind"] == kind}
        mine = [e for e in events if e.get("stall-id") in ids]
        if [e["type"] for e in mine] == ["stall-begin", "stall-end"] and \
                mine[1]["duration-max"] >= actual and \
                (not looked_into(kind) or kst.injected_frames(mine[0], "live-stack")):
            return mine
    raise AssertionError(events)


def case(injected):
    kind = KINDS.get(injected, injected)

    def run():
        with kst.tuned(rate=0):
            begin, end = told(injected, 400)
        assert begin["stall-id"] == end["stall-id"]
        assert begin["cpu"] == end["cpu"] == CPU
        assert end["class"] == "kernel", end
        if looked_into(kind):
            assert kst.injected_frames(begin, "live-stack")[0] == CULPRITS[kind], begin
            assert begin["live-stack"] == end["live-stack"], (begin, end)
        else:
            assert not {"task", "live-stack"} & set(begin), begin
    run.__name__ = f"a_stall_of_kind_{injected.replace('-', '_')}"
    kst.test(run)


for stalled in (*CULPRITS, *KINDS):
    if not (RT and stalled == "softirq"):
        case(stalled)


@kst.test
def the_end_names_the_culprit_too():
    """Without a live stack this is all there is: who had interrupts off, or its caller."""
    for _ in range(TRIALS):
        before = kst.settle()
        kst.inject(CPU, 200)
        for event in kst.stalls_of(os.getpid(), before):
            if "inject_irq_off_outer" in kst.injected_frames(event, "stack"):
                return
    raise AssertionError(kst.history(before + 1))


@kst.test
def verify_sees_each_kind():
    done = kst.kstallmon("verify", "--json", check=False)
    seen = {t["kind"]: t["seen"] for t in json.loads(done.stdout)["stalls"] if "seen" in t}
    assert done.returncode == 0, done
    assert set(seen) >= {"irq", "sched"} and all(seen.values()), done


@kst.test
def every_command():
    for verb in ("status", "history", "stalls", "zones", "tasks", "get"):
        assert kst.kstallmon(verb).stdout, verb
        assert objects(verb), verb
    assert "module" in kst.kstallmon("version").stdout
    assert "monitor" in kst.kstallmon("help").stdout
    kst.kstallmon("set", "threshold=30")
    assert kst.tunables()["threshold"] == 30
    assert kst.kstallmon("set", "threshold=0", check=False).returncode == 1
    assert kst.tunables()["threshold"] == 30
    kst.kstallmon("set", "threshold=20")


@kst.test
def a_subscriber_is_told():
    with kst.tuned(rate=0), subprocess.Popen(["kstallmon", "monitor", "--json"],
                                             stdout=subprocess.PIPE) as monitor:
        while not kst.status()["subscribers"]:
            time.sleep(0.1)
        _, end = told("irq", 200)
        for line in monitor.stdout:
            if json.loads(line).get("seq") == end["seq"]:
                break
        monitor.terminate()
        for line in monitor.stdout:
            pass
    assert monitor.returncode == 0, monitor.returncode


@kst.test
def zones_are_those_of_zoneinfo():
    zones = {(z["zone"]["node"], z["zone"]["name"]): z["zone"] for z in objects("zones")
             if z["type"] == "zone"}
    with open("/proc/zoneinfo", encoding="ascii") as file:
        words = [line.split() for line in file]
    here, seen = None, set()
    for line in words:
        if line[0] == "Node":
            here = zones.get((int(line[1].strip(",")), line[3]))
        elif here and line[0] in ("min", "low", "high", "managed", "present") and len(line) == 2:
            assert here[line[0]] == int(line[1]), (here, line)
            seen.add((here["node"], here["name"], line[0]))
    assert zones and len(seen) == 5 * len(zones), (zones, seen)


@kst.test
def mappings_are_counted_and_told():
    with open("/proc/sys/vm/max_map_count", "r+", encoding="ascii") as file:
        limit = file.read()
        with kst.tuned(task_interval=100):
            before = kst.numbered()
            # Each other page is of another kind, so that no two are one mapping.
            hold = [mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ << (i % 2))
                    for i in range(MAPPINGS)]
            file.seek(0)
            file.write(f"{MAPPINGS + 100}\n")
            file.flush()
            try:
                while not (mine := [e for e in kst.history(before + 1)
                                    if e["type"] == "vma-state" and
                                    e["task"]["tgid"] == os.getpid()]):
                    time.sleep(0.1)
            finally:
                file.seek(0)
                file.write(limit)
                file.flush()
            assert mine[0]["vma"]["state"] in ("warn", "crit"), mine
            found, = [t for t in objects("tasks", "--all") if t["type"] == "process" and
                      t["task"]["tgid"] == os.getpid()]
            with open("/proc/self/maps", encoding="ascii") as maps:
                lines = [line for line in maps if "[vsyscall]" not in line]
            assert len(lines) - 5 <= found["vma"]["count"] <= len(lines) + 5, (found, len(lines))
            assert found["vma"]["count"] > MAPPINGS
            del hold


def reclaims():
    """How often tasks were in reclaim."""
    return sum(o["count"] for o in objects("zones") if o["type"] == "reclaim-time")


@kst.test
def reclaim_is_watched():
    memory, = [o for o in objects("zones") if o["type"] == "memory"]
    missing = memory.get("missing", [])
    for name in missing:
        lacks(name)
    assert not {"mm_vmscan_direct_reclaim_begin", "mm_vmscan_direct_reclaim_end",
                "mark_victim"} & set(missing), missing
    os.makedirs("/sys/fs/cgroup/quick", exist_ok=True)
    with open("/sys/fs/cgroup/cgroup.subtree_control", "w", encoding="ascii") as file:
        file.write("+memory")
    with open("/sys/fs/cgroup/quick/memory.high", "w", encoding="ascii") as file:
        file.write(str(16 << 20))
    with kst.tuned(reclaim_threshold=0, rate=0):
        counted = reclaims()
        pid = os.fork()
        if not pid:
            with open("/sys/fs/cgroup/quick/cgroup.procs", "w", encoding="ascii") as file:
                file.write(str(os.getpid()))
            with open("/dev/shm/quick", "wb") as file:
                for _ in range(24):
                    file.write(bytes(1 << 20))
            os._exit(0)
        # Without swap it gets ever slower, and that is enough.
        while reclaims() == counted:
            time.sleep(0.1)
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    os.unlink("/dev/shm/quick")


@kst.test
def it_can_be_unloaded_and_loaded():
    kst.unload()
    assert not kst.loaded()
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    kst.load()
    assert kst.status()["loaded-boot"] > before
    assert kst.status()["watched"] == len(kst.cpus())


if RT:
    lacks("softirq kind (softirqs are tasks)")
if not X86:
    lacks("live stacks")
kst.run()
