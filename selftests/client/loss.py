#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# What a reader misses it gets from the history; what is gone from there it is told, to the event.

import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import clientlib as c
import kst

# Room for a few events.
NARROW = 4096

STALLS = 400


def asleep(history, *options):
    """A monitor that sleeps through a storm and then reads all.

    Returns its output lines, what it said at its end, the first and the last number of the storm.
    """
    first = kst.numbered() + 1
    with c.tuned(history=history), \
            c.Monitor("--rcvbuf", NARROW, "--since", first, *options).subscribed() as monitor:
        monitor.send(signal.SIGSTOP)
        last = c.storm(STALLS)
        assert last - first + 1 >= STALLS
        assert monitor.overruns() > 0
        monitor.send(signal.SIGCONT)
        if "--json" in options:
            end = re.compile(rf'.*"(seq|to)":{last}\b')
        else:
            end = re.compile(rf"#{last} |-- .*#{last}$")
        lines = monitor.lines_until(end.match)
        more, status, said = monitor.end()
        assert status == 0, said
        assert not [line for line in more if not line.startswith("  ")], more
    return lines, said, first, last


@kst.test
def a_sleeper_loses_nothing_that_the_history_holds():
    with c.silence():
        lines, said, first, last = asleep(16384, "--json")
    assert c.tiled(c.objects("\n".join(lines)), first) == (last - first + 1, 0)
    assert c.summary(said) == (last - first + 1, 0, 0)


@kst.test
def a_sleeper_is_told_exactly_what_is_gone():
    with c.silence():
        lines, said, first, last = asleep(16, "--json")
        instance = kst.status()["instance"]
    records = c.objects("\n".join(lines))
    printed, gone = c.tiled(records, first)
    assert printed + gone == last - first + 1
    # Its socket took some, and then there is the history.
    assert printed >= c.room(16) and gone > 0, (printed, gone)
    assert all(r["instance"] == instance for r in records)
    assert c.summary(said) == (printed, gone, 0)


@kst.test
def as_text_too():
    with c.silence():
        lines, said, first, last = asleep(16)
    following, gone = first, 0
    for line in lines:
        if lost := re.fullmatch(r"-- (\d+) events? gone: #(\d+)(?: to #(\d+))?", line):
            count, begin, end = int(lost[1]), int(lost[2]), int(lost[3] or lost[2])
            assert (begin, count) == (following, end - begin + 1), line
            following = end + 1
            gone += count
        elif not line.startswith("  "):
            assert line.startswith(f"#{following} "), (following, line)
            following += 1
    assert following == last + 1 and gone > 0
    assert c.summary(said) == (last - first + 1 - gone, gone, 0)


@kst.test
def a_sleeper_wakes_again_and_again():
    with c.silence(history=64):
        first = kst.numbered() + 1
        records = []
        with c.Monitor("--json", "--rcvbuf", NARROW, "--since", first).subscribed() as monitor:
            for _ in range(4):
                monitor.send(signal.SIGSTOP)
                last = c.storm(100)
                monitor.send(signal.SIGCONT)
                records += monitor.records_up_to(last)
            _, status, said = monitor.end()
    printed, gone = c.tiled(records, first)
    assert status == 0 and printed + gone == last - first + 1 >= 400
    assert printed >= 4 * c.room(64), printed
    assert c.summary(said) == (printed, gone, 0)


@kst.test
def a_stuck_pipe_loses_nothing_that_the_history_holds():
    with c.silence(history=4096):
        first = kst.numbered() + 1
        with c.Monitor("--json", "--rcvbuf", NARROW, "--since", first).subscribed() as monitor:
            last = c.storm(STALLS)
            # Nobody has read yet: the pipe took its part, the socket another.
            assert monitor.overruns() > 0
            records = monitor.records_up_to(last)
            monitor.end()
    assert c.tiled(records, first) == (last - first + 1, 0)


@kst.test
def a_smaller_history_takes_away_what_was_there():
    with c.silence(history=512):
        first = kst.numbered() + 1
        with c.Monitor("--json", "--rcvbuf", NARROW, "--since", first).subscribed() as monitor:
            monitor.send(signal.SIGSTOP)
            last = c.storm(100)
            c.succeeds("set", "history=16")
            monitor.send(signal.SIGCONT)
            records = monitor.records_up_to(last)
            monitor.end()
    printed, gone = c.tiled(records, first)
    assert printed + gone == last - first + 1 and printed >= c.room(16)


@kst.test
def history_tells_what_is_overwritten():
    held = c.room(16)
    with c.fresh(history=16):
        last = c.storm(60)
        lost, *events = c.objects(c.succeeds("history", "--json", "--since", "1"))
        head = c.succeeds("history", "--since", "1").splitlines()[0]
        status = kst.status()
    assert lost == {"type": "lost", "count": last - held, "from": 1, "to": last - held,
                    "instance": status["instance"]}, lost
    assert c.tiled([lost, *events], 1) == (held, last - held)
    assert head == f"-- {last - held} events gone: #1 to #{last - held}", head
    assert status["overwritten"] == last - held and status["history-held"] == held, status


@kst.test
def history_without_since_is_no_loss():
    with c.fresh(history=16):
        last = c.storm(60)
        events = c.objects(c.succeeds("history", "--json"))
    assert [e["seq"] for e in events] == list(range(last - c.room(16) + 1, last + 1))


@kst.test
def history_since_counts_from_there():
    held = c.room(16)
    with c.fresh(history=16):
        last = c.storm(60)
        for since in (last - held, last - held - 4):
            lost, *events = c.objects(c.succeeds("history", "--json", "--since", since))
            assert (lost["from"], lost["to"]) == (since, last - held), lost
            assert c.tiled([lost, *events], since) == (held, last - held + 1 - since)
        one = c.succeeds("history", "--since", last - held).splitlines()[0]
        assert one == f"-- 1 event gone: #{last - held}", one
        events = c.objects(c.succeeds("history", "--json", "--since", last - held + 1))
        assert c.tiled(events, last - held + 1) == (held, 0)


@kst.test
def a_flood_of_one_type_leaves_the_others_in_the_history():
    with c.fresh(history=16):
        with c.tuned(threshold=20):
            for _ in range(c.TRIES):
                kst.inject(1, 400)
                c.settle()
                if any(e["type"] == "stall-begin" for e in kst.history()):
                    break
        begins = [e for e in kst.history() if e["type"] == "stall-begin"]
        assert begins, kst.history()
        last = c.storm(60)
        records = c.objects(c.succeeds("history", "--json", "--since", "1"))
    held = c.room(16)
    printed, gone = c.tiled(records, 1)
    assert printed + gone == last and printed == held + len(begins), (records, begins)
    assert [r for r in records if r["type"] == "stall-begin"] == begins, (records, begins)
    # What is gone between them is told where it was.
    assert records[-held - 1]["type"] == "lost" and len(c.ends(records)) == held, records


@kst.test
def what_there_was_no_memory_to_tell_comes_later():
    with c.silence(), c.Monitor("--json").subscribed() as monitor:
        first, unsent = kst.numbered() + 1, kst.status()["unsent"]
        with kst.starved(3):
            last = c.storm(10)
        records = monitor.records_up_to(last)
        assert kst.status()["unsent"] == unsent + 3, kst.status()
        assert c.tiled(records, first) == (last - first + 1, 0)
        # Nor after the last one that there was none for.
        with kst.starved(1000):
            final = c.storm(9)
        records = monitor.records_up_to(final)
        assert kst.status()["unsent"] == unsent + 3 + final - last, kst.status()
        assert c.tiled(records, last + 1) == (final - last, 0)
        _, status, said = monitor.end()
    assert status == 0 and c.summary(said) == (final - first + 1, 0, 0), (status, said)


@kst.test
def history_since_what_is_to_come_is_empty():
    with c.silence():
        last = c.storm(3)
        for since in (last + 1, last + 1000, 2**64 - 1):
            assert c.succeeds("history", "--since", since) == ""
            assert c.succeeds("history", "--json", "--since", since) == ""


kst.run()
