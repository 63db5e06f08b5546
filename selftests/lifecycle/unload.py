#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# Unloading is safe whatever goes on, and subscribers live through it.

import json
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import kst

PATIENCE = 600


class Monitor:
    """A running `kstallmon monitor --json`."""

    def __init__(self, *args):
        self.records = []
        self.process = subprocess.Popen(["kstallmon", "monitor", "--json", *args],
                                        stdout=subprocess.PIPE, text=True)
        while not kst.status()["subscribers"]:
            time.sleep(0.05)

    def until(self, accept):
        """Read up to the first record that is accepted, and return it."""
        patience = threading.Timer(PATIENCE, self.process.kill)
        patience.start()
        try:
            for line in self.process.stdout:
                record = json.loads(line)
                self.records.append(record)
                if accept(record):
                    return record
        finally:
            patience.cancel()
        raise AssertionError(f"the monitor ended: {self.records}")

    def end(self):
        self.process.terminate()
        self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, self.process.returncode


def caused():
    """Cause stalls until one is in the history as this process's, and return its event. The host's
    noise may use up what the rate limit leaves, or make another task's stall of it."""
    def mine(record):
        return (record["type"] == "stall-end" and record["task"]["pid"] == os.getpid() and
                kst.injected_frames(record, "live-stack", "stack"))
    for _ in range(20):
        kst.inject(1, 60)
        kst.settle()
        if found := list(filter(mine, kst.history())):
            return found[-1]
    raise AssertionError(kst.history()[-5:])


def same(event):
    """Accepts a record of that event."""
    return lambda record: (record["instance"], record.get("seq")) == \
        (event["instance"], event["seq"])


@kst.test
def a_subscriber_lives_through_a_reload():
    monitor = Monitor()
    old = kst.status()["instance"]
    kst.unload()
    monitor.until(lambda r: r["type"] == "module-gone")
    kst.load()
    new = kst.status()["instance"]
    back = monitor.until(lambda r: r["type"] == "module-back")
    assert back["instance"] == new != old, back
    event = caused()
    assert event["instance"] == new
    monitor.until(same(event))
    monitor.end()


@kst.test
def a_subscriber_gets_what_the_new_instance_saw_before_it_rejoined():
    monitor = Monitor()
    monitor.process.send_signal(19)  # SIGSTOP: it can only look later
    kst.unload()
    kst.load()
    event = caused()
    assert event["instance"] == kst.status()["instance"]
    monitor.process.send_signal(18)  # SIGCONT
    monitor.until(same(event))
    monitor.end()


@kst.test
def unloading_under_three_subscribers_in_a_storm():
    monitors = [Monitor() for _ in range(3)]
    for _ in range(5):
        pid = os.fork()
        if not pid:
            kst.inject(1, 25, 20, 1)
            os._exit(0)
        time.sleep(0.2)
        kst.unload()
        kst.load("threshold=1", "period=1", "slack=0", "rate=0")
        os.waitpid(pid, 0)
    kst.unload()
    kst.load()
    for monitor in monitors:
        monitor.end()


@kst.test
def unloading_during_a_stall():
    kst.load_injector()
    for _ in range(5):
        pid = os.fork()
        if not pid:
            kst.inject(1, 500)
            os._exit(0)
        time.sleep(0.1)
        kst.unload()
        kst.load()
        assert os.waitpid(pid, 0)[1] == 0
    assert kst.status()["watched"] == len(kst.cpus())


@kst.test
def unloading_during_dumps():
    stop = subprocess.Popen(["bash", "-c", "while :; do kstallmon history --json; "
                             "kstallmon status; done >/dev/null 2>&1"], start_new_session=True)
    try:
        for _ in range(10):
            time.sleep(0.05)
            while True:  # a dump under way holds the module
                if subprocess.run(["rmmod", "kstallmon"], capture_output=True,
                                  check=False).returncode == 0:
                    break
            kst.load()
    finally:
        os.killpg(stop.pid, 9)
        stop.wait()
    kst.status()


@kst.test
def setting_parameters_while_it_goes():
    writer = subprocess.Popen(["bash", "-c", f"while :; do echo 20 >{kst.PARAMETERS}/period; "
                               f"echo 64 >{kst.PARAMETERS}/history; done 2>/dev/null"],
                              start_new_session=True)
    try:
        for _ in range(10):
            time.sleep(0.05)
            while subprocess.run(["rmmod", "kstallmon"], capture_output=True,
                                 check=False).returncode:
                pass
            kst.load()
    finally:
        os.killpg(writer.pid, 9)
        writer.wait()
        kst.unload()
        kst.load()
    kst.status()


@kst.test
def unloading_while_cpus_come_and_go():
    pid = os.fork()
    if not pid:
        for _ in range(20):
            for value in "01":
                with open("/sys/devices/system/cpu/cpu1/online", "w", encoding="ascii") as file:
                    file.write(value)
        os._exit(0)
    while os.waitpid(pid, os.WNOHANG)[0] == 0:
        kst.unload()
        kst.load()
    assert kst.status()["watched"] == len(kst.cpus())


kst.run()
