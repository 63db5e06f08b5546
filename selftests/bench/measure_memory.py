#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
What it costs to watch memory, in instructions, beside what the same costs by way of /proc. For the
VM with one CPU under -icount, where an instruction takes 4 ns, and with 3 GiB for ten thousand
processes. The last line of the output is the figures as JSON.
"""

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.environ["KST_TOP"], "selftests/lib"))
import vmas

BUILD = os.environ["KST_BUILD"]
RAM = "/dev/shm"  # reading files over 9p takes idle time, and idle time leaps

NS_PER_INSN = 4
CROWDS = {"1k": 1000, "10k": 10000}
SWEEPS = 5
SPIN_MS, SPINS = 3000, 36
SAMPLE_INSN_MIN = 3000
RARELY = "3600000"


def progress(text):
    print(f"bench: {text} ...", flush=True)


@contextlib.contextmanager
def loaded(*params):
    subprocess.run(["insmod", f"{RAM}/kstallmon.ko", *params], check=True)
    try:
        yield
    finally:
        subprocess.run(["rmmod", "kstallmon"], check=True)


@contextlib.contextmanager
def crowd(count):
    """So many processes. Yields what asks one of them to do something: see crowd.c."""
    with subprocess.Popen([f"{RAM}/crowd", str(count)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as process:
        def ask(what):
            process.stdin.write(f"{what}\n")
            process.stdin.flush()
            return [int(word) for word in process.stdout.readline().split()]
        assert process.stdout.readline() == f"{count}\n"
        yield ask
        process.stdin.close()
    # The children are gone a little later.
    while sum(name.isdigit() for name in os.listdir("/proc")) > 500:
        time.sleep(1)


def sweeps():
    """Instructions for each process of a sweep, and the longest slice in ns."""
    with loaded("task_interval=1000"):
        taken = []
        while len(taken) < SWEEPS:
            before = vmas.memory()["sweeps"]
            while vmas.memory()["sweeps"] == before:
                time.sleep(0.2)
            memory = vmas.memory()
            taken.append(memory["sweep-time"] / memory["sweep-tasks"] / NS_PER_INSN)
        return statistics.median(taken), vmas.memory()["slice-longest"]


def zone_sample():
    """Of the windows of 60 ms in which a program spins, some have one sample, each 100 ms, and few
    of these have other work besides.
    """
    with loaded("zone_interval=100", f"task_interval={RARELY}"):
        done = subprocess.run([f"{RAM}/work", "spin", str(SPIN_MS)], stdout=subprocess.PIPE,
                              text=True, check=True)
    lost = [int(ns) for ns in done.stdout.split()]
    without = statistics.quantiles(lost, n=10)[0]
    sampled = [ns - without for ns in lost if ns - without > SAMPLE_INSN_MIN * NS_PER_INSN]
    assert len(sampled) > len(lost) / 2, lost
    return statistics.quantiles(sampled, n=10)[0] / NS_PER_INSN


def measure():
    figures = {}
    longest = []
    progress("samples of zones")
    # Of several, since the phases of the kernel's own work are the same for all of one.
    figures["zone_sample_insn"] = statistics.mean(zone_sample() for _ in range(SPINS))
    for name, count in CROWDS.items():
        progress(f"sweeps over {count} processes")
        with crowd(count) as ask:
            figures[f"sweep_insn_per_task_{name}"], slice_longest = sweeps()
            longest.append(slice_longest)
            if name == "1k":
                tasks, _, ns = ask("maps")
                figures["maps_insn_per_task"] = ns / tasks / NS_PER_INSN
                figures["zoneinfo_read_insn"] = ask("zoneinfo")[0] / NS_PER_INSN
    figures["sweep_longest_ns"] = max(longest)
    return figures


for built in ("bench/work", "bench/crowd", "module/kstallmon.ko"):
    shutil.copy(os.path.join(BUILD, built), RAM)
print(json.dumps(measure()))
