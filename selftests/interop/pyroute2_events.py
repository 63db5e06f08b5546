#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# The family by python3-pyroute2, from nothing but attribute maps: requests, a dump, a subscriber.

import contextlib
import errno
import os
import select
import sys
import time

from pyroute2.netlink import NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, genlmsg, nla
from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.netlink.generic import GenericNetlinkSocket

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import kst

(EVENT_GET, EVENT_NTF, STATUS_GET, CPU_GET, TUNABLE_GET, TUNABLE_SET, HISTOGRAM_GET,
 HISTOGRAM_RESET, ZONE_GET, MEMORY_GET, VMA_GET, RECLAIM_GET) = range(1, 13)
STALL_END, STALL_BEGIN = 1, 2
IRQ, SOFTIRQ, SCHED = 1, 2, 3

# Bounds only how long a test that fails takes.
PATIENCE = 600

# The host's noise may spoil a stall: its end is told late then, and of another task.
TRIES = 20


# pylint: disable=invalid-name  # pyroute2 finds the class of a nest by its name in nla_map


class task(nla):
    nla_map = ((1, "PAD", "none"), (2, "COMM", "asciiz"), (3, "PID", "uint32"),
               (4, "TGID", "uint32"), (5, "CGROUP_ID", "uint64"))


class stack(nla):
    nla_map = ((1, "FRAME", "asciiz"), (2, "TRUNCATED", "flag"))


class setting(nla):
    nla_flags = 1 << 15
    nla_map = ((1, "PAD", "none"), (2, "NAME", "asciiz"), (3, "VALUE", "uint64"),
               (4, "TEXT", "asciiz"))


class bucket(nla):
    nla_map = ((1, "PAD", "none"), (2, "FROM", "uint64"), (3, "COUNT", "uint64"))


class zone(nla):
    nla_map = ((1, "PAD", "none"), (2, "NODE", "uint32"), (3, "NAME", "asciiz"),
               (4, "STATE", "uint32"), (5, "BEFORE", "uint32"), (6, "SINCE_BOOT", "uint64"),
               (7, "FREE", "uint64"), (8, "MIN", "uint64"), (9, "LOW", "uint64"),
               (10, "HIGH", "uint64"), (11, "BOOST", "uint64"), (12, "MANAGED", "uint64"),
               (13, "PRESENT", "uint64"), (14, "PROTECTION", "uint64"),
               (15, "OTHER_NODE_FREE", "uint64"), (16, "CHANGES", "uint64"),
               (17, "RESERVED", "flag"))


class reclaim(nla):
    nla_map = ((1, "PAD", "none"), (2, "WINDOW", "uint64"), (3, "PGSCAN_KSWAPD", "uint64"),
               (4, "PGSCAN_DIRECT", "uint64"), (5, "PGSTEAL_KSWAPD", "uint64"),
               (6, "PGSTEAL_DIRECT", "uint64"), (7, "ALLOCSTALL", "uint64"),
               (8, "COMPACT_STALL", "uint64"), (9, "OOM_KILL", "uint64"))


class vma(nla):
    nla_map = ((1, "PAD", "none"), (2, "COUNT", "uint32"), (3, "LIMIT", "uint32"),
               (4, "STATE", "uint32"), (5, "BEFORE", "uint32"), (6, "GROWTH", "int64"),
               (7, "TIME_TO_LIMIT", "uint64"))


class Event(genlmsg):
    task = task
    stack = stack
    zone = zone
    reclaim = reclaim
    vma = vma
    nla_map = (
        (1, "PAD", "none"),
        (2, "SINCE", "uint64"),
        (3, "INSTANCE", "uint32"),
        (4, "SEQ", "uint64"),
        (5, "TYPE", "uint32"),
        (6, "TIME_BOOT", "uint64"),
        (7, "TIME_REAL", "uint64"),
        (8, "CPU", "uint32"),
        (9, "DROPPED", "uint64"),
        (10, "SUPPRESSED", "uint64"),
        (11, "SUPPRESSED_LONGEST", "uint64"),
        (12, "TASK", "task"),
        (13, "KIND", "uint32"),
        (14, "STALL_ID", "uint64"),
        (15, "DURATION_MIN", "uint64"),
        (16, "DURATION_MAX", "uint64"),
        (17, "CONTEXT", "uint32"),
        (18, "STACK", "stack"),
        (19, "CLASS", "uint32"),
        (20, "STEAL", "uint64"),
        (21, "LIVE_STACK", "stack"),
        (22, "WATCHER", "uint32"),
        (23, "ZONE", "zone"),
        (24, "RECLAIM", "reclaim"),
        (25, "SCOPE", "uint32"),
        (26, "ORDER", "uint32"),
        (27, "DURATION", "uint64"),
        (28, "RECLAIMED", "uint64"),
        (29, "VMA", "vma"),
    )


class Memory(genlmsg):
    zone = zone
    task = task
    vma = vma
    reclaim = reclaim
    nla_map = (
        (1, "PAD", "none"),
        (2, "ALL", "flag"),
        (3, "ZONE", "zone"),
        (4, "TASK", "task"),
        (5, "VMA", "vma"),
        (6, "TIME_BOOT", "uint64"),
        (7, "RECLAIM", "reclaim"),
        (8, "PAGE_SIZE", "uint32"),
        (9, "TOTAL", "uint64"),
        (10, "SLAB_RECLAIMABLE", "uint64"),
        (11, "SLAB_UNRECLAIMABLE", "uint64"),
        (12, "COMMITTED", "uint64"),
        (13, "UNTIMED", "uint64"),
        (14, "THROTTLED", "uint64"),
        (15, "MISSING", "asciiz"),
        (16, "MAX_MAP_COUNT", "uint32"),
        (17, "SWEEPS", "uint64"),
        (18, "SWEEP_TIME", "uint64"),
        (19, "SWEEP_TASKS", "uint32"),
        (20, "SLICE_LONGEST", "uint64"),
        (21, "UNTRACKED", "uint64"),
    )


class Status(genlmsg):
    nla_map = (
        (1, "PAD", "none"),
        (2, "VERSION", "asciiz"),
        (3, "INSTANCE", "uint32"),
        (4, "TIME_BOOT", "uint64"),
        (5, "TIME_REAL", "uint64"),
        (6, "LOADED_BOOT", "uint64"),
        (7, "WATCHED", "uint32"),
        (8, "BEATS", "uint64"),
        (9, "BEAT_TIME", "uint64"),
        (10, "STALLS", "uint64"),
        (11, "NUMBERED", "uint64"),
        (12, "HISTORY_SIZE", "uint32"),
        (13, "HISTORY_HELD", "uint32"),
        (14, "OVERWRITTEN", "uint64"),
        (15, "QUEUED", "uint32"),
        (16, "DROPPED", "uint64"),
        (17, "SUPPRESSED", "uint64"),
        (18, "UNSENT", "uint64"),
        (19, "SUBSCRIBERS", "uint32"),
        (20, "MEMORY", "uint64"),
        (21, "MEMORY_HISTORY", "uint64"),
        (22, "BACKED_OFF", "uint32"),
        (23, "EXCLUDED", "uint32"),
    )


class Cpu(genlmsg):
    nla_map = (
        (1, "PAD", "none"),
        (2, "CPU", "uint32"),
        (3, "WATCHED", "uint32"),
        (4, "BEATS", "uint64"),
        (5, "BEAT_TIME", "uint64"),
        (6, "STALLS", "uint64"),
        (7, "LONGEST", "uint64"),
        (8, "QUEUED", "uint32"),
        (9, "DROPPED", "uint64"),
        (10, "SUPPRESSED", "uint64"),
        (11, "STATE", "uint32"),
        (12, "GAP", "uint64"),
        (13, "DEFERRED", "uint64"),
        (14, "MEMORY", "uint64"),
    )


class Histogram(genlmsg):
    bucket = bucket
    nla_map = (
        (1, "PAD", "none"),
        (2, "CPU", "uint32"),
        (3, "KIND", "uint32"),
        (4, "SINCE_BOOT", "uint64"),
        (5, "COUNT", "uint64"),
        (6, "TIME", "uint64"),
        (7, "LONGEST", "uint64"),
        (8, "BUCKET", "bucket"),
    )


class Tunable(genlmsg):
    setting = setting
    nla_map = (
        (1, "PAD", "none"),
        (2, "NAME", "asciiz"),
        (3, "UNIT", "asciiz"),
        (4, "MIN", "uint64"),
        (5, "MAX", "uint64"),
        (6, "DEFAULT", "uint64"),
        (7, "VALUE", "uint64"),
        (8, "DOC", "asciiz"),
        (9, "SETTING", "setting"),
        (10, "TEXT", "asciiz"),
        (11, "DEFAULT_TEXT", "asciiz"),
    )


class Family(GenericNetlinkSocket):
    """A socket for messages of one class."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.bind("kstallmon", kind)

    def ask(self, cmd, flags=0, attrs=()):
        """A request; returns the messages of the answer."""
        msg = self.kind()
        msg["cmd"] = cmd
        msg["version"] = 1
        msg["attrs"] = list(attrs)
        return list(self.nlm_request(msg, msg_type=self.prid, msg_flags=NLM_F_REQUEST | flags))


def ask(kind, cmd, flags=0, attrs=()):
    with Family(kind) as family:
        return family.ask(cmd, flags, attrs)


def set_tunables(**values):
    settings = [("SETTING", {"attrs": [("NAME", name), ("TEXT" if isinstance(value, str) else
                                                          "VALUE", value)]})
                for name, value in values.items()]
    ask(Tunable, TUNABLE_SET, NLM_F_ACK, settings)


def parameter(name):
    with open(os.path.join(kst.PARAMETERS, name), encoding="ascii") as file:
        text = file.read().rstrip("\n")
    return text if name == "cpus" else int(text)


def mine(messages):
    """The ends of stalls among the messages that this process caused in the injector."""
    for msg in messages:
        if msg.get_attr("TYPE") != STALL_END or msg.get_attr("TASK").get_attr("PID") != os.getpid() or not msg.get_attr("STACK"):
            continue
        frames = msg.get_attr("STACK").get_attrs("FRAME")
        if any(frame.startswith("inject_irq_off_inner+0x") for frame in frames):
            yield msg


def plain(value):
    """An attribute's value without pyroute2's wrapping, which is never equal to another."""
    if isinstance(value, nla):
        return [(name, plain(inner)) for name, inner in value["attrs"]]
    return value


def until(condition, what):
    """Ask until the answer is true, and return it."""
    end = time.monotonic() + PATIENCE
    while not (answer := condition()):
        assert time.monotonic() < end, what
        time.sleep(0.05)
    return answer


def quiet():
    """Wait until what was detected is numbered."""
    until(lambda: not ask(Status, STATUS_GET)[0].get_attr("QUEUED"), "events stay in the queues")
    time.sleep(0.1)


@contextlib.contextmanager
def unlimited():
    """For the time of a with block no event is held back."""
    before = parameter("rate")
    set_tunables(rate=0)
    try:
        yield
    finally:
        set_tunables(rate=before)


@kst.test
def status_is_read():
    msg, = ask(Status, STATUS_GET)
    assert msg.get_attr("WATCHED") == len(kst.cpus())
    assert msg.get_attr("INSTANCE") != 0
    assert msg.get_attr("VERSION")[0].isdigit()
    assert msg.get_attr("NUMBERED") == msg.get_attr("HISTORY_HELD") + msg.get_attr("OVERWRITTEN")


@kst.test
def cpus_are_dumped():
    msgs = ask(Cpu, CPU_GET, NLM_F_DUMP)
    assert [m.get_attr("CPU") for m in msgs] == kst.cpus()
    assert all(m.get_attr("BEATS") > 0 and m.get_attr("GAP") > 0 for m in msgs)
    assert all(m.get_attr("STATE") in range(1, 4) and m.get_attr("MEMORY") > 0 for m in msgs)


@kst.test
def tunable_is_read_by_name():
    msg, = ask(Tunable, TUNABLE_GET, attrs=[("NAME", "period")])
    assert msg.get_attr("NAME") == "period"
    assert msg.get_attr("UNIT") == "ms"
    assert msg.get_attr("VALUE") == parameter("period")


@kst.test
def tunables_are_dumped():
    msgs = ask(Tunable, TUNABLE_GET, NLM_F_DUMP)
    assert sorted(m.get_attr("NAME") for m in msgs) == sorted(os.listdir(kst.PARAMETERS))
    for msg in msgs:
        if msg.get_attr("NAME") == "cpus":
            assert msg.get_attr("VALUE") is None, msg
            assert msg.get_attr("TEXT") == msg.get_attr("DEFAULT_TEXT") == "auto", msg
        else:
            assert msg.get_attr("MIN") <= msg.get_attr("VALUE") <= msg.get_attr("MAX"), msg


@kst.test
def tunables_are_set():
    before = {name: parameter(name) for name in ("threshold", "rate", "cpus")}
    try:
        set_tunables(threshold=77, rate=3, cpus="1")
        assert parameter("threshold") == 77
        assert parameter("rate") == 3
        assert parameter("cpus") == "1"
        until(lambda: ask(Status, STATUS_GET)[0].get_attr("EXCLUDED") == len(kst.cpus()) - 1,
              "others than CPU 1 are watched")
    finally:
        set_tunables(**before)


@kst.test
def bad_value_is_refused():
    before = parameter("threshold")
    try:
        set_tunables(threshold=60001)
    except NetlinkError as error:
        assert error.code == errno.ERANGE, error
    else:
        raise AssertionError("not refused")
    assert parameter("threshold") == before


@kst.test
def unknown_name_is_refused():
    try:
        ask(Tunable, TUNABLE_GET, attrs=[("NAME", "nothing")])
    except NetlinkError as error:
        assert error.code == errno.ENOENT, error
    else:
        raise AssertionError("not refused")


@kst.test
def history_is_dumped():
    with unlimited():
        for _ in range(TRIES):
            since = ask(Status, STATUS_GET)[0].get_attr("NUMBERED") + 1
            actual, = kst.inject(1, 120)
            quiet()
            msgs = ask(Event, EVENT_GET, NLM_F_DUMP, [("SINCE", since)])
            event = next(mine(msgs), None)
            if event:
                break
    assert event, msgs
    assert [m.get_attr("SEQ") for m in msgs] == list(range(since, since + len(msgs)))
    assert event["cmd"] == EVENT_GET
    assert event.get_attr("CPU") == 1
    assert event.get_attr("DURATION_MAX") >= actual
    assert event.get_attr("TASK").get_attr("TGID") == os.getpid()


@kst.test
def histograms_are_dumped_and_reset():
    ask(Histogram, HISTOGRAM_RESET, NLM_F_ACK)
    actual, = kst.inject(1, 120)

    def whole():
        # What is read may change meanwhile, and a beat that counts the stall may come late.
        msgs = ask(Histogram, HISTOGRAM_GET, NLM_F_DUMP)
        return all(sum(b.get_attr("COUNT") for b in m.get_attrs("BUCKET")) == m.get_attr("COUNT")
                   for m in msgs) and any(
                       m.get_attr("LONGEST") >= actual / 2 for m in msgs
                       if (m.get_attr("CPU"), m.get_attr("KIND")) == (1, IRQ)) and msgs
    # It is a lower bound: a period and the slack may be missing.
    msgs = until(whole, f"no stall of {actual} ns is counted, or buckets and counts differ")
    assert [(m.get_attr("CPU"), m.get_attr("KIND")) for m in msgs] == \
        [(cpu, kind) for cpu in kst.cpus() for kind in (IRQ, SOFTIRQ, SCHED)]
    for msg in msgs:
        assert all(b.get_attr("COUNT") for b in msg.get_attrs("BUCKET")), msg
    irq = [m for m in msgs if (m.get_attr("CPU"), m.get_attr("KIND")) == (1, IRQ)][0]
    assert irq.get_attr("COUNT") >= 1 and irq.get_attr("TIME") >= irq.get_attr("LONGEST"), irq


@kst.test
def zones_are_dumped():
    msgs = ask(Memory, ZONE_GET, NLM_F_DUMP)
    assert msgs
    for msg in msgs:
        one = msg.get_attr("ZONE")
        assert one.get_attr("MIN") <= one.get_attr("LOW") <= one.get_attr("HIGH"), msg
        assert one.get_attr("STATE") in range(1, 5) and one.get_attr("NAME"), msg


@kst.test
def memory_is_read():
    msg, = ask(Memory, MEMORY_GET)
    assert msg.get_attr("PAGE_SIZE") == os.sysconf("SC_PAGESIZE")
    assert 0 < msg.get_attr("SLAB_RECLAIMABLE") < msg.get_attr("TOTAL"), msg
    assert msg.get_attr("RECLAIM").get_attr("OOM_KILL") == 0, msg


@kst.test
def mappings_are_dumped():
    msgs = ask(Memory, VMA_GET, NLM_F_DUMP, [("ALL", True)])
    mine_now, = [m for m in msgs if m.get_attr("TASK").get_attr("TGID") == os.getpid()]
    assert 0 < mine_now.get_attr("VMA").get_attr("COUNT") < mine_now.get_attr("VMA").get_attr(
        "LIMIT"), mine_now
    ids = [m.get_attr("TASK").get_attr("TGID") for m in msgs]
    assert ids == sorted(set(ids)), ids


@kst.test
def event_is_received():
    with Family(Event) as family, unlimited():
        family.add_membership("events")
        found, end = [], time.monotonic() + PATIENCE
        while not found and time.monotonic() < end:
            kst.inject(1, 120)
            if select.select([family], [], [], 1)[0]:
                found = [m for m in mine(family.get())
                         if m.get_attr("DURATION_MAX") >= 120 * kst.MS]
        assert found, "no notification"
        assert found[0]["cmd"] == EVENT_NTF
        assert found[0].get_attr("CPU") == 1
        quiet()
        # The history tells the same.
        held, = ask(Event, EVENT_GET, NLM_F_DUMP, [("SINCE", found[0].get_attr("SEQ"))])[:1]
        assert [(name, plain(value)) for name, value in held["attrs"]] == \
            [(name, plain(value)) for name, value in found[0]["attrs"]]


kst.load_injector()
kst.run()
