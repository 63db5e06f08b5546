#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# No NMI that asks for a stack is unknown, whenever it comes: here the kernel panics at such.

import time

import livelib
from livelib import OTHERS, Staller, kst

# As near to the NMI's own way as can be: stalls end while it is under way.
FINEST = {"period": 1, "slack": 0, "threshold": 1, "longest_gap": 1}
ROUNDS = 6


def nmis():
    """How many NMIs came so far, by CPU."""
    with open("/proc/interrupts", encoding="ascii") as file:
        return next([int(word) for word in line.split()[1:] if word.isdigit()]
                    for line in file if line.split()[0] == "NMI:")


def storm(ms, count):
    """Stalls on three CPUs begin."""
    return [Staller(cpu, ms, count, 1).go() for cpu in OTHERS]


def every_cpu_tells():
    """All is well: a stall of each CPU is told while it lasts, with its stack."""
    for cpu in OTHERS:
        with livelib.Subscriber() as subscriber:
            staller = Staller(cpu, 1500).go()
            subscriber.until(lambda s=subscriber, staller=staller: s.begins(staller))
            staller.wait()


@kst.test
def an_unknown_nmi_would_be_a_panic():
    with open("/proc/sys/kernel/unknown_nmi_panic", encoding="ascii") as file:
        assert file.read() == "1\n"


@kst.test
def stalls_that_end_when_the_nmi_is_under_way():
    with kst.tuned(**FINEST):
        before = nmis()
        for ms in (1, 2, 3, 4):
            for staller in storm(ms, 150):
                assert len(staller.wait()) == 150
        came = [now - then for now, then in zip(nmis(), before)]
    assert all(came[cpu] >= 100 for cpu in OTHERS), came
    every_cpu_tells()


@kst.test
def cpus_go_offline_and_the_module_is_unloaded_meanwhile():
    before = sum(nmis())
    for _ in range(ROUNDS):
        kst.unload()
        kst.load(*(f"{name}={value}" for name, value in FINEST.items()))
        stallers = storm(2, 300)
        for cpu in OTHERS:
            livelib.online(cpu, False)
        time.sleep(0.1)
        for cpu in OTHERS:
            livelib.online(cpu, True)
        stallers += storm(3, 300)
        time.sleep(0.2)
        kst.unload()
        kst.load(*(f"{name}={value}" for name, value in FINEST.items()))
        for staller in stallers:
            staller.wait()
    assert sum(nmis()) > before + 10 * ROUNDS
    kst.unload()
    kst.load()
    every_cpu_tells()


livelib.stay_at_home()
kst.run()
