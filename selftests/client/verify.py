#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# verify: trusts what it has seen, and nothing else.

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import clientlib as c
import kst

KINDS = ("irq", "softirq", "sched")


def verify(status=0):
    """The one object that verify prints."""
    done = c.run("verify", "--json")
    assert done.returncode == status and not done.stderr, done
    found, = c.objects(done.stdout)
    assert set(found) == {"cpu", "pid", "stalls"}, found
    assert [trial["kind"] for trial in found["stalls"]] == list(KINDS), found
    return found


def quiet():
    """What this machine's own host does to it is shorter than that and cuts no stall in two."""
    return c.tuned(threshold=300, rate=0)


@contextlib.contextmanager
def mute_injector():
    """For the time of a with block, the injector's file is one that says all and does nothing."""
    with tempfile.NamedTemporaryFile("w") as file:
        # What is written goes over the blanks, and what is read comes behind that.
        file.write(" " * 60 + "kind=? cpu=0 requested_ns=500000000 actual_ns=500000000\n")
        file.flush()
        subprocess.run(["mount", "--bind", file.name, kst.STALL], check=True)
        try:
            yield
        finally:
            subprocess.run(["umount", kst.STALL], check=True)


@kst.test
def every_kind_is_seen_and_the_events_say_the_same():
    with quiet():
        before = kst.settle()
        found = verify()
        kst.settle()
        events = {(e["kind"], e["duration-min"], e["duration-max"]): e
                  for e in kst.stalls_of(found["pid"], before)}
    for trial in found["stalls"]:
        event = events[trial["kind"], trial["duration-min"], trial["duration-max"]]
        assert event["cpu"] == found["cpu"] == kst.cpus()[-1], (trial, event)
        assert trial["seen"] is True, trial
        assert trial["inside"] == (trial["duration-min"] <= trial["injected"] + 10 * kst.MS and
                                   trial["injected"] <= trial["duration-max"]), trial
        assert ("live" in trial) == ("live-stack" in event), (trial, event)
        if "live" in trial:
            frames = [re.sub(r"\+0x[0-9a-f]+", "", frame) for frame in event["live-stack"]["frame"]]
            ours = [frame for frame in frames if frame.startswith("inject_")]
            assert trial["live"] == (ours[0] if ours else None), (trial, event)
    named = [trial["live"] for trial in found["stalls"] if trial.get("live")]
    assert named and all(name.endswith("_inner [kstallmon_inject]") for name in named), found


@kst.test
def a_stall_lasts_as_long_as_the_tunables_demand():
    with c.tuned(threshold=300, softirq_threshold=120, sched_threshold=150, period=20, slack=1000,
                 rate=0):
        found = verify()
    for trial, threshold in zip(found["stalls"], (300, 120, 150), strict=True):
        # That of the scheduler begins somewhat later than asked for.
        assert trial["injected"] >= (threshold + 20 + 1) * kst.MS, trial
        assert trial["injected"] < 2000 * kst.MS, trial


@kst.test
def a_table_for_people():
    with quiet():
        done = c.run("verify")
    assert done.returncode == 0 and not done.stderr, done
    head, empty, columns, *rows = done.stdout.splitlines()
    assert re.fullmatch(rf"Stalls caused on cpu {kst.cpus()[-1]} by task kstallmon/\d+:", head)
    assert not empty and columns.split() == ["KIND", "INJECTED", "SEEN", "INSIDE", "LIVE", "STACK"]
    for row, kind in zip(rows, KINDS, strict=True):
        assert re.match(rf"{kind} +[\d.]+ m?s +\d+\.\d\.\.\d+\.\d ms +(yes|NO) +\S", row), row
    assert "inject_irq_off_inner [kstallmon_inject]" in done.stdout, done.stdout


@kst.test
def a_kind_that_is_not_watched_is_skipped():
    with quiet(), c.tuned(softirq_threshold=0):
        found = verify()
        text = c.run("verify")
    trials = {trial["kind"]: trial for trial in found["stalls"]}
    assert trials["softirq"] == {"kind": "softirq", "skipped": "softirq_threshold is 0"}, found
    assert trials["irq"]["seen"] and trials["sched"]["seen"], found
    assert text.returncode == 0, text
    assert re.search(r"^softirq +skipped +softirq_threshold is 0$", text.stdout, re.M), text


@kst.test
def nothing_that_could_be_tried_is_not_all_seen():
    with c.silence():
        before = kst.status()
        found = verify(status=2)
        after = kst.status()
    skipped = [trial["skipped"] for trial in found["stalls"]]
    assert re.fullmatch(r"threshold and period ask for \d+ ms: not harmless", skipped[0]), skipped
    assert skipped[1:] == ["softirq_threshold is 0", "sched_threshold is 0"], skipped
    assert after["stalls"] == before["stalls"]


@kst.test
def a_stall_that_is_not_told_is_found():
    with c.tuned(threshold=300, softirq_threshold=0, sched_threshold=0, rate=0), mute_injector():
        done = c.run("verify")
    assert done.returncode == 2 and not done.stderr, done
    assert re.search(r"^irq +500\.0 ms +NO *$", done.stdout, re.M), done


@kst.test
def others_stalls_are_not_taken_for_ours():
    kst.load_injector()
    with c.tuned(threshold=20, softirq_threshold=0, sched_threshold=0, rate=0):
        with open(kst.STALL, "w", encoding="ascii") as stall, mute_injector():
            verifier = subprocess.Popen(["kstallmon", "verify", "--json"], stdout=subprocess.PIPE)
            end = time.monotonic() + c.PATIENCE
            # The same kind on the same CPU, as long as it waits.
            while verifier.poll() is None:
                if time.monotonic() > end:
                    verifier.kill()
                stall.write(f"irq {kst.cpus()[-1]} 500")
                stall.flush()
            said = verifier.stdout.read().decode()
    assert verifier.returncode == 2, (verifier, said)
    found, = c.objects(said)
    assert found["stalls"][0]["seen"] is False, found


@kst.test
def it_needs_the_injector():
    subprocess.run(["rmmod", "kstallmon_inject"], check=True)
    try:
        for words in (("verify",), ("verify", "--json")):
            c.refused(*words, says=r"^kstallmon: verify: needs kstallmon_inject\.ko .*debugfs")
    finally:
        kst.load_injector()


@kst.test
def stalls_are_caused_where_they_are_watched():
    with quiet(), c.tuned(cpus="0"):
        found = verify()
    assert found["cpu"] == 0, found
    # Nobody else watches, and the CPU itself can't look while interrupts are off.
    assert "live" not in found["stalls"][0], found


kst.load_injector()
kst.run()
