#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# The kernel log has one line of each stall that outlasts log_after, written while it lasts.

import os
import re
import time

import livelib
from livelib import OTHERS, Staller, kst

LINE = re.compile(r"kstallmon: CPU (?P<cpu>\d+): (?P<kind>\w+) stall for (?P<seconds>\d+\.\d) s "
                  r"so far, in (?P<symbol>\w+)\+\S+ \[kstallmon_inject\], "
                  r"task (?P<comm>.+)/(?P<pid>\d+)$")


class Log:
    """The kernel's log from now on: the lines that match, with the time when they came."""

    def __init__(self):
        self.lines = []
        self._file = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self._file, 0, os.SEEK_END)

    def read(self):
        """Read what there is. Returns the lines so far."""
        while True:
            try:
                record = os.read(self._file, 8192).decode()
            except BlockingIOError:
                return self.lines
            if line := LINE.match(record.splitlines()[0].partition(";")[2]):
                self.lines.append({**line.groupdict(), "came": time.clock_gettime_ns(
                    time.CLOCK_BOOTTIME)})

    def of(self, staller):
        """The lines about a staller's stalls."""
        return [line for line in self.read() if int(line["pid"]) == staller.pid]


def ends_of(staller, since):
    """The ends told of its stalls, oldest first."""
    kst.settle()
    return [e for e in kst.history(since + 1) if e["type"] == "stall-end" and staller.caused(e)]


@kst.test
def one_line_of_each_while_three_cpus_stall_and_all_watch():
    log, since = Log(), kst.settle()
    with kst.tuned(log_after=300, longest_gap=1):
        stallers = [Staller(cpu, 2000).go() for cpu in OTHERS]
        # Ends are written down one by one as stalls end: read all the time.
        livelib.wait_until(lambda: all(map(log.of, stallers)), "no lines")
        for staller in stallers:
            staller.wait()
        time.sleep(0.5)
    for staller in stallers:
        line, = log.of(staller)
        end = max(ends_of(staller, since), key=lambda e: e["duration-min"])
        assert (int(line["cpu"]), line["kind"]) == (staller.cpu, "irq"), line
        assert line["symbol"] == "inject_irq_off_inner", line
        assert line["comm"] == end["task"]["comm"], (line, end)
        assert 0.3 <= float(line["seconds"]) <= end["duration-max"] / 1e9, (line, end)
        assert line["came"] < end["time-boot"], (line, end)


@kst.test
def one_line_of_each_stall_of_a_series():
    log = Log()
    with kst.tuned(log_after=100, rate=1):
        staller = Staller(OTHERS[0], 600, 4, 100).go()
        staller.wait()
        kst.settle()
    assert len(log.of(staller)) == 4, log.lines


@kst.test
def one_line_of_the_other_kinds():
    for kind, symbol in (("softirq", "inject_bh_off_inner"), ("sched", "inject_no_sched_inner")):
        log = Log()
        with kst.tuned(log_after=150):
            staller = Staller(OTHERS[-1], 1500, kind=kind).go()
            truth, = staller.wait()
            kst.settle()
        lines = [line for line in log.of(staller) if line["kind"] == kind]
        assert lines, log.lines
        assert {line["symbol"] for line in lines} == {symbol}, lines
        # If the host took the CPU away meanwhile, there were several stalls.
        if not staller.disturbed(truth):
            assert len(lines) == 1, lines


@kst.test
def no_line_of_shorter_ones():
    log, since = Log(), kst.settle()
    staller = Staller(OTHERS[1], 300, 3).go()
    staller.wait()
    ends = ends_of(staller, since)
    assert len(ends) >= 3, ends
    outlasted = [e for e in ends if e["duration-max"] > kst.tunables()["log_after"] * kst.MS]
    assert len(log.of(staller)) <= len(outlasted), (log.lines, outlasted)


@kst.test
def no_line_at_all_if_log_after_is_0():
    log = Log()
    with kst.tuned(log_after=0):
        staller = Staller(OTHERS[1], 1500).go()
        staller.wait()
        kst.settle()
    assert not log.of(staller), log.lines


livelib.stay_at_home()
kst.run()
