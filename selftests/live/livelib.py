# SPDX-License-Identifier: GPL-2.0
"""What the tests of stalls that last share: stalls prepared by processes, and a subscriber.

A stalled CPU holds up whoever changes mappings of a memory that it has used, and whatever it was
about to do for others. So tests and subscriber have one CPU of their own, and nothing is started,
opened or read for the first time while a stall lasts.
"""

import ctypes
import json
import os
import select
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import kst

HOME = 0
OTHERS = range(1, os.cpu_count())
PATIENCE = 600

MCL_CURRENT, MCL_FUTURE = 1, 2

# The function that a stack of a stall that lasts must name first, by the injector's kinds.
CULPRITS = {"irq": "inject_irq_off_inner", "softirq": "inject_bh_off_inner",
            "softirq-handler": "inject_handler_inner", "sched": "inject_no_sched_inner"}


def stay_at_home():
    """Run the program anew on its CPU alone, and with all of it in memory: on 7.3 a page comes
    over 9p by way of a kworker, which may be on any CPU."""
    if os.sched_getaffinity(0) != {HOME}:
        os.sched_setaffinity(0, {HOME})
        os.execv(sys.executable, [sys.executable, *sys.argv])
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(MCL_CURRENT | MCL_FUTURE):
        raise OSError(ctypes.get_errno(), "mlockall")


def wait_until(condition, what):
    """Ask until it is so. This bounds only how long a test that fails takes."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"{what}: {kst.status()}"
        time.sleep(0.05)


class Staller:
    """A process that stalls a CPU when it is told to."""

    def __init__(self, cpu, ms, count=1, gap_ms=50, kind="irq"):
        kst.load_injector()
        self.cpu, self.kind, self.count = cpu, kind, count
        order = f"{kind} {cpu} {ms} {count} {gap_ms}".encode()
        go, self._go = os.pipe()
        self._result, result = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            try:
                file = os.open(kst.STALL, os.O_RDWR)
                os.write(result, b"\n")
                os.read(go, 1)
                os.write(file, order)
                while piece := os.read(file, 65536):
                    os.write(result, piece)
            finally:
                os._exit(0)
        os.close(go)
        os.close(result)
        assert os.read(self._result, 1) == b"\n"

    def go(self):
        """Begin. Returns at once."""
        os.write(self._go, b"\n")
        return self

    def wait(self):
        """Wait for the end. Returns what was: a dict for each stall, none if a CPU went."""
        with open(self._result, encoding="ascii") as file:
            truths = kst.truths(file.read())
        os.close(self._go)
        os.waitpid(self.pid, 0)
        return truths

    def disturbed(self, truth):
        """Whether the host made parts of it, and stalls of another kind between them."""
        return self.kind != "irq" and (
            truth["unticked_ns"] >= kst.tunables()["threshold"] * kst.MS or not truth["actual_ns"])

    def caused(self, event):
        """Whether the event tells of one of these stalls, or of a part of one."""
        return (event.get("kind") == self.kind.removesuffix("-handler") and
                event["cpu"] == self.cpu and
                event.get("task", {}).get("pid") == self.pid and
                CULPRITS[self.kind] in kst.injected_frames(event, "live-stack", "stack"))


class Subscriber:
    """A running `kstallmon monitor --json`; each event gets "came", the time when it came. The
    host's noise uses up no rate limit meanwhile."""

    def __init__(self):
        self._unlimited = kst.tuned(rate=0)
        self.events = []
        self._rest = b""
        self._process = subprocess.Popen(["kstallmon", "monitor", "--json"], bufsize=0,
                                         stdout=subprocess.PIPE)
        wait_until(lambda: kst.status()["subscribers"], "no subscriber")
        # Events up to this one may have been told before there was a subscriber.
        self._before = kst.settle()

    def __enter__(self):
        self._unlimited.__enter__()
        return self

    def __exit__(self, *error):
        self._process.terminate()
        self._process.communicate(timeout=PATIENCE)
        self._unlimited.__exit__(*error)

    def until(self, condition):
        """Read events until it is so."""
        end = time.monotonic() + PATIENCE
        while not condition():
            # Not woken in between: some tests want this CPU idle.
            left = end - time.monotonic()
            assert left > 0, self.events
            if select.select([self._process.stdout], [], [], left)[0]:
                *lines, self._rest = (self._rest + self._process.stdout.read(65536)).split(b"\n")
                came = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
                self.events += [{**json.loads(line), "came": came} for line in lines]

    def settle(self):
        """Read all that is told of what has been detected by now."""
        last = kst.settle()
        self.until(lambda: last == self._before or any(e.get("seq") == last for e in self.events))

    def ends(self, staller):
        """The ends told of the staller's stalls."""
        return [e for e in self.events if e["type"] == "stall-end" and staller.caused(e)]

    def begins(self, staller):
        """Likewise the beginnings. One without a stack may be another's: what is told of it then
        does not say, for the emulator gave the CPU no time to handle the NMI."""
        return [e for e in self.events if e["type"] == "stall-begin" and (
            staller.caused(e) or
            "live-stack" not in e and (e["cpu"], e["kind"]) == (staller.cpu, staller.kind))]

    def pairs(self, staller):
        """Both, of those that have both. What runs at the end may be ksoftirqd."""
        ends = {e["stall-id"]: e for e in self.events if e["type"] == "stall-end"}
        pairs = [(b, ends[b["stall-id"]]) for b in self.begins(staller) if b["stall-id"] in ends]
        return [(b, e) for b, e in pairs if "live-stack" in b or staller.caused(e)]


def online(cpu, value):
    """Switch a CPU on or off."""
    with open(f"/sys/devices/system/cpu/cpu{cpu}/online", "w", encoding="ascii") as file:
        file.write(str(int(value)))


def states(status):
    """The states of the CPUs."""
    return {c["cpu"]: c["state"] for c in status["cpus"]}
