#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A pause of the whole machine, of which no steal time tells, is blamed on nobody.

Started with "vm" this is the part that runs in the VM. Its emulator is stopped from here.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import kst

NAME = "check-paused"
PAUSE_S = 0.6
LEAST = 500 * kst.MS
BUSY = "all CPUs are busy"


def in_the_vm():
    """Keep all CPUs in user mode until a pause was met there, and print what is told."""
    def met():
        return [e for e in kst.history() if e["type"] == "stall-end"
                and e["duration-min"] >= LEAST and e["context"] == "user"
                # No kernel code either that was in the way when it was looked into.
                and "live-stack" not in e]

    hogs = [subprocess.Popen(["taskset", "-c", str(cpu), "sh", "-c", "while :; do :; done"])
            for cpu in kst.cpus()]
    try:
        print(BUSY, flush=True)
        while not met():
            time.sleep(0.5)
        event = met()[0]
        print(json.dumps({"event": event,
                          "text": kst.kstallmon("history", "--since", event["seq"]).stdout,
                          "culprits": json.loads(
                              kst.kstallmon("stalls", "--json").stdout)["culprits"]}))
    finally:
        for hog in hogs:
            hog.kill()


def emulator():
    """The process id of the VM's emulator."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().split(b"\0")
            if b"qemu-system" in words[0] and any(f"/{NAME}/".encode() in w for w in words):
                return int(pid)
    raise AssertionError("no emulator")


@kst.test
def a_pause_is_blamed_on_nobody():
    with subprocess.Popen(
            [os.path.join(os.environ["KST_TOP"], "selftests/vm/run"), "--name", NAME,
             "--tcg-thread", "single", "--append", "tsc=reliable", "--timeout", "300", "--",
             "/usr/bin/python3", os.path.abspath(__file__), "vm"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as vm:
        for line in vm.stdout:
            if line.startswith(BUSY):
                break
        with contextlib.suppress(AssertionError):  # at its end
            while vm.poll() is None:
                pid = emulator()
                os.kill(pid, signal.SIGSTOP)
                time.sleep(PAUSE_S)
                os.kill(pid, signal.SIGCONT)
                time.sleep(3)
        rest, said = vm.communicate()
        assert vm.returncode == 0, said
    found, = (json.loads(line) for line in rest.splitlines() if line.startswith("{"))
    event = found["event"]
    assert event["kind"] == "irq" and event["class"] == "unknown", event
    assert "steal" not in event, event
    assert "cause unknown" in found["text"].splitlines()[0], found["text"]
    assert "stack" not in event, event
    # Pauses of other CPUs, or that others saw, have groups of their own.
    assert any(culprit["class"] == "unknown" and not culprit["frame"]
               and culprit["longest"] >= event["duration-min"] for culprit in found["culprits"]), found


if sys.argv[1:] == ["vm"]:
    in_the_vm()
else:
    kst.run()
