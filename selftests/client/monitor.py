#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# monitor: where it begins, how it ends, and what it says meanwhile.

import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import clientlib as c
import kst


def my_line(line):
    """The first line of an event that this process had."""
    return re.match(rf"#\d+ cpu .*, task .*/{os.getpid()}\b", line)


def stall_until(accepted):
    """Cause stalls until one was seen."""
    end = time.monotonic() + c.PATIENCE
    while not accepted():
        assert time.monotonic() < end, "no stall is seen"
        kst.inject(1, 60)


def in_background(count=1000):
    """A process that causes stalls until it is killed, or has had enough."""
    kst.load_injector()
    pid = os.fork()
    if not pid:
        kst.inject(1, 60, count, 100)
        os._exit(0)
    return pid


def stop(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


@kst.test
def it_ends_after_count_events():
    pid = in_background()
    try:
        for option in (("-n", "3"), ("--count", "3"), ("--count=3",)):
            events = c.objects(c.succeeds("monitor", "--json", *option))
            assert len(events) == 3, events
            c.tiled(events, events[0]["seq"])
    finally:
        stop(pid)


@kst.test
def count_is_of_events_from_the_history_too():
    with c.silence():
        last = c.storm(10)
        events = c.objects(c.succeeds("monitor", "--json", "--since", last - 4, "-n", "3"))
        assert [e["seq"] for e in events] == [last - 4, last - 3, last - 2]


@kst.test
def it_ends_when_the_time_is_over():
    with c.silence():
        for seconds in ("0.5", "1", ".2", "1."):
            begin = time.monotonic()
            assert c.succeeds("monitor", "--timeout", seconds) == ""
            assert time.monotonic() - begin >= float(seconds)
        assert c.succeeds("monitor", "--timeout", "0") == ""


@kst.test
def no_time_at_all_still_prints_the_history():
    with c.silence():
        last = c.storm(10)
        events = c.objects(c.succeeds("monitor", "--json", "--since", last - 9, "--timeout", "0"))
        assert c.tiled(events, last - 9) == (10, 0)


@kst.test
def what_happened_until_the_time_was_over_is_printed():
    with c.silence():
        first = kst.numbered() + 1
        with c.Monitor("--json", "--since", first, "--timeout", "20").subscribed() as monitor:
            # When it looks again, events and the end of the time have come.
            monitor.send(signal.SIGSTOP)
            last = c.storm(100)
            time.sleep(20)
            lines, status, said = monitor.end(signal.SIGCONT)
    assert status == 0 and not said, said
    assert c.tiled(c.objects("\n".join(lines)), first) == (last - first + 1, 0)


@kst.test
def it_begins_with_the_next_event():
    with c.silence():
        last = c.storm(10)
        with c.Monitor("--json").subscribed() as monitor:
            # Between its joining and its first look events belong to the past yet.
            for _ in range(c.TRIES):
                now = c.storm(5)
                if monitor.has_spoken():
                    break
            records = monitor.records_up_to(now)
            monitor.end()
    assert records[0]["seq"] > last, (last, records[0])
    c.tiled(records, records[0]["seq"])


@kst.test
def since_tells_the_history_first_and_then_goes_on():
    with c.silence():
        before = c.storm(20)
        with c.Monitor("--json", "--since", before - 19) as monitor:
            past = monitor.records_up_to(before)
            last = c.storm(20)
            present = monitor.records_up_to(last)
            lines, status, said = monitor.end()
        assert status == 0 and not lines
        assert c.tiled(past + present, before - 19) == (last - before + 20, 0)
        assert c.summary(said) == (last - before + 20, 0, 0)


@kst.test
def since_1_tells_all_there_is():
    with c.silence():
        last = c.storm(20)
        held = len(kst.history())
        with c.Monitor("--json", "--since", "1") as monitor:
            records = monitor.records_up_to(last)
            monitor.end()
    assert held >= 20 and c.tiled(records, 1) == (held, last - held)


@kst.test
def since_a_number_to_come_passes_over_those_before():
    with c.silence():
        before = c.storm(5)
        with c.Monitor("--json", "--since", before + 11) as monitor:
            last = c.storm(30)
            records = monitor.records_up_to(last)
            monitor.end()
    assert c.tiled(records, before + 11) == (last - before - 10, 0)


def ends_by(number):
    with c.silence():
        first = kst.numbered() + 1
        for options in (("--json",), ()):
            with c.Monitor(*options, "--since", first) as monitor:
                last = c.storm(20)
                lines = monitor.lines_until(
                    lambda line: re.match(rf"#{last} |.*\"seq\":{last}\b", line))
                more, status, said = monitor.end(number)
            assert status == 0, (status, said)
            assert c.summary(said) == (last - first + 1, 0, 0), said
            heads = [line for line in lines + more if line[0] in "#{"]
            assert len(heads) == last - first + 1, heads


@kst.test
def sigint_ends_it_with_a_summary():
    ends_by(signal.SIGINT)


@kst.test
def sigterm_ends_it_with_a_summary():
    ends_by(signal.SIGTERM)


@kst.test
def the_summary_counts_what_is_gone():
    held = c.room(16)
    with c.silence(history=16):
        first = kst.numbered() + 1
        last = c.storm(60)
        with c.Monitor("--since", first) as monitor:
            lines = monitor.lines_until(lambda line: line.startswith(f"#{last} "))
            _, status, said = monitor.end()
    assert status == 0
    gone = last - first + 1 - held
    assert lines[0] == f"-- {gone} events gone: #{first} to #{last - held}", lines[0]
    assert c.summary(said) == (held, gone, 0), said


@kst.test
def a_pipes_reader_sees_an_event_while_it_runs():
    for options in ((), ("--json",), ("-t",)):
        with c.Monitor(*options).subscribed() as monitor:
            pid = in_background()
            try:
                # Nothing but an event's own line tells that it is printed: no second event, no end.
                monitor.lines_until(lambda line: f"/{pid}" in line or f'"pid":{pid},' in line)
                assert monitor.process.poll() is None
            finally:
                stop(pid)
            monitor.end()


@kst.test
def an_event_reaches_a_pipe_whole():
    with c.silence():
        first = kst.numbered() + 1
        with c.Monitor("--since", first) as monitor:
            # A long one: the host's noise, which may come after it, is seldom as long.
            for _ in range(c.TRIES):
                with c.tuned(cpus=1), c.tuned(threshold=20, period=1, slack=0):
                    kst.inject(1, 60)
                last = kst.settle()
                event = kst.history(last)[0]
                if event["task"]["pid"] == os.getpid() and c.injected(event):
                    break
            else:
                raise AssertionError(event)
            # Its stack, to the last frame, comes without anything further to happen.
            monitor.lines_until(lambda line: line.startswith(f"#{last} ") and my_line(line))
            monitor.lines_until(lambda line: line.startswith("    inject_irq_off_inner+0x"))
            monitor.lines_until(lambda line: line.startswith("    entry_SYSCALL_64"))
            assert monitor.process.poll() is None
            monitor.end()


@kst.test
def it_works_in_a_pipeline():
    done = subprocess.Popen(
        "kstallmon monitor | grep --line-buffered inject_irq_off_inner | head -n 1", shell=True,
        stdout=subprocess.PIPE, text=True)
    stall_until(lambda: done.poll() is not None)
    assert "inject_irq_off_inner+0x" in done.stdout.read()


@kst.test
def two_monitors_get_the_same():
    with c.silence():
        first = kst.numbered() + 1
        with c.Monitor("--json", "--since", first).subscribed() as one, \
                c.Monitor("--json", "--since", first) as two:
            last = c.storm(50)
            records = one.records_up_to(last)
            assert two.records_up_to(last) == records
            assert c.tiled(records, first) == (last - first + 1, 0)
            assert one.end()[1] == two.end()[1] == 0


@kst.test
def a_reader_that_goes_away_ends_it_quietly():
    with c.silence():
        first = kst.numbered() + 1
        with c.Monitor("--since", first).subscribed() as monitor:
            monitor.process.stdout.close()
            # Without an event, too.
            assert monitor.process.wait(c.PATIENCE) == 0
            assert monitor.process.stderr.read() == b""


def full_pipe(*options):
    """A monitor that can't go on because nobody reads its output."""
    first = kst.numbered() + 1
    monitor = c.Monitor("--since", first, *options)
    monitor.subscribed()
    last = c.storm(300)
    return monitor, first, last


@kst.test
def a_signal_ends_it_though_its_reader_is_stuck():
    with c.silence():
        for number in (signal.SIGINT, signal.SIGTERM):
            monitor, _, _ = full_pipe()
            with monitor:
                time.sleep(1)  # it may not be stuck yet, which is fine, too
                monitor.send(number)
                assert monitor.process.wait(c.PATIENCE) == 0
                c.summary(monitor.process.stderr.read().decode())


@kst.test
def the_timeout_ends_it_though_its_reader_is_stuck():
    with c.silence():
        monitor, _, _ = full_pipe("--timeout", "10")
        with monitor:
            assert monitor.process.wait(c.PATIENCE) == 0
            assert not monitor.process.stderr.read()


@kst.test
def it_says_when_the_module_goes_and_comes_back():
    with c.Monitor().subscribed() as monitor:
        kst.unload()
        monitor.lines_until(lambda line: line == "-- module gone")
        kst.load()
        instance = kst.status()["instance"]
        monitor.lines_until(lambda line: line == f"-- module back, instance {instance}")
        pid = in_background()
        try:
            monitor.lines_until(lambda line: f"/{pid}" in line)
        finally:
            stop(pid)
        _, status, said = monitor.end()
    assert status == 0 and c.summary(said)[2] == 1, said


@kst.test
def it_can_be_ended_while_the_module_is_away():
    with c.Monitor("--json").subscribed() as monitor:
        kst.unload()
        try:
            records = monitor.records_until(lambda r: r["type"] == "module-gone")
            assert set(records[-1]) == {"type", "instance", "time-boot", "time-real"}, records[-1]
            lines, status, said = monitor.end()
        finally:
            kst.load()
    assert status == 0 and not lines
    assert said.endswith(", not loaded now\n") and c.summary(said)[2] == 0, said


@kst.test
def time_in_front_of_every_record():
    stamp = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} (#|-- )")
    with c.Monitor("-t", "--since", "1").subscribed() as monitor:
        kst.unload()
        kst.load()
        lines = monitor.lines_until(lambda line: "-- module back" in line)
        monitor.end()
    assert all(stamp.match(line) or line.startswith("  ") for line in lines), lines


kst.run()
