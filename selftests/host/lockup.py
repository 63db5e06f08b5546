#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A stall that never ends is told all the same: to a subscriber, and in the kernel log.

The VM that has it can't end by itself. Started with "vm" this is the part that runs in it.
"""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import kst

TOP = os.environ["KST_TOP"]
NAME = "check-lockup"
CPU = 1
PATIENCE = 240
TRIALS = 3
CULPRITS = ["inject_irq_off_inner", "inject_irq_off_outer", "inject_request", "inject_write"]
LINE = re.compile(r"kstallmon: CPU (\d+): irq stall for (\d+\.\d) s so far, "
                  r"in inject_irq_off_inner\+\S+ \[kstallmon_inject\], task (\S+)/(\d+)")


def in_the_vm():
    """Lock up the CPU, and print what the subscriber is told."""
    # Isolated, so that nothing else is there and waits for ever; so it has to be asked for.
    kst.kstallmon("set", f"cpus=0-{CPU}")
    kst.load_injector()
    with subprocess.Popen(["kstallmon", "monitor", "--json"], stdout=subprocess.PIPE) as monitor:
        while not kst.status()["subscribers"]:
            time.sleep(0.1)
        if not (pid := os.fork()):
            kst.inject(CPU, 0, kind="lockup")
        for line in monitor.stdout:
            came = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            print(json.dumps({**json.loads(line), "came": came, "culprit": pid}), flush=True)


def told(vm):
    """What the subscriber was told of the stall."""
    for line in vm.stdout:
        if line.startswith("{"):
            event = json.loads(line)
            if event["type"] == "stall-begin" and event["cpu"] == CPU and (
                    "live-stack" not in event or kst.injected_frames(event, "live-stack")):
                return event
    raise AssertionError("the VM ended")


def lines():
    """The lines about it on the VM's console."""
    with open(os.path.join(kst.BUILD, "vm", NAME, "console.log"), encoding="utf-8",
              errors="replace") as console:
        return LINE.findall(console.read())


def lock_up():
    """Returns what the subscriber was told first, the lines on the console, and what it was told
    later until the VM was ended."""
    with tempfile.TemporaryDirectory() as tmp:
        monitor = os.path.join(tmp, "monitor")
        vm = subprocess.Popen(
            [os.path.join(TOP, "selftests/vm/run"), "--name", NAME, "--monitor", monitor,
             "--append", f"tsc=reliable isolcpus={CPU} irqaffinity=0", "--timeout", str(PATIENCE),
             "--", "/usr/bin/python3", os.path.abspath(__file__), "vm"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        begin = told(vm)
        while not lines():
            assert vm.poll() is None
            time.sleep(0.1)
        time.sleep(3)
        with socket.socket(socket.AF_UNIX) as end:
            end.connect(monitor)
            end.sendall(b"quit\n")
            while end.recv(4096):
                pass
        rest, said = vm.communicate()
    # It was the monitor that ended the VM, and nothing else was wrong.
    assert vm.returncode == 125 and "did not reach its end" in said, said
    return begin, lines(), [json.loads(line) for line in rest.splitlines() if line[0] == "{"]


@kst.test
def a_stall_that_never_ends():
    for _ in range(TRIALS):
        begin, told_by_log, later = lock_up()
        # The emulator may give the CPU no time for its NMI before the watcher has waited for
        # long; or the host paused the CPU before the lockup, and that was told first.
        if "live-stack" not in begin:
            continue
        assert (begin["type"], begin["kind"], begin["watcher"]) == ("stall-begin", "irq", 0), begin
        # Since the stall began, by what the watcher says of it.
        began = begin["time-boot"] - begin["duration-min"]
        assert begin["came"] - began < 1000 * kst.MS, begin
        assert CPU not in {event["cpu"] for event in later}, later
        (cpu, seconds, comm, pid), = told_by_log
        assert (int(cpu), int(pid)) == (CPU, begin["culprit"]), told_by_log
        assert float(seconds) >= 1, told_by_log
        assert (begin["task"]["pid"], begin["task"]["comm"]) == (begin["culprit"], comm), begin
        assert kst.injected_frames(begin, "live-stack") == CULPRITS, begin
        return
    raise AssertionError(begin)


if sys.argv[1:] == ["vm"]:
    in_the_vm()
else:
    kst.run()
