# SPDX-License-Identifier: GPL-2.0
"""Mappings as the module counts them, by pyroute2, and processes that map."""

import contextlib
import os
import socket
import struct
import subprocess
import sys
import time

from pyroute2.netlink import (NETLINK_GENERIC, NLM_F_DUMP, NLM_F_REQUEST, NLMSG_DONE,
                               NLMSG_ERROR, genlmsg, nla)
from pyroute2.netlink.generic import GenericNetlinkSocket

NLM_F_DUMP_INTR = 0x10
EVENT_GET, MEMORY_GET, VMA_GET = 1, 10, 11
VMA_STATE = 6
OK, WARN, CRIT = 1, 2, 3
LIMIT = "/proc/sys/vm/max_map_count"
PATIENCE = 600  # bounds only how long a test that fails takes
MAPPER = os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "mapper")


# pylint: disable=invalid-name  # pyroute2 finds the class of a nest by its name in nla_map


class task(nla):
    nla_map = ((1, "PAD", "none"), (2, "comm", "asciiz"), (3, "pid", "uint32"),
               (4, "tgid", "uint32"), (5, "cgroup-id", "uint64"))


class vma(nla):
    nla_map = ((1, "PAD", "none"), (2, "count", "uint32"), (3, "limit", "uint32"),
               (4, "state", "uint32"), (5, "before", "uint32"), (6, "growth", "int64"),
               (7, "time-to-limit", "uint64"))


class Memory(genlmsg):
    task = task
    vma = vma
    nla_map = (
        (1, "PAD", "none"),
        (2, "all", "flag"),
        (3, "ZONE", "none"),
        (4, "task", "task"),
        (5, "vma", "vma"),
        (6, "time-boot", "uint64"),
        (7, "RECLAIM", "none"),
        (8, "page-size", "uint32"),
        (9, "total", "uint64"),
        (10, "slab-reclaimable", "uint64"),
        (11, "slab-unreclaimable", "uint64"),
        (12, "committed", "uint64"),
        (13, "untimed", "uint64"),
        (14, "throttled", "uint64"),
        (15, "MISSING", "none"),
        (16, "max-map-count", "uint32"),
        (17, "sweeps", "uint64"),
        (18, "sweep-time", "uint64"),
        (19, "sweep-tasks", "uint32"),
        (20, "slice-longest", "uint64"),
        (21, "untracked", "uint64"),
    )


class Event(genlmsg):
    task = task
    vma = vma
    nla_map = tuple((i, f"OTHER_{i}", "none") for i in range(30))
    nla_map = tuple({2: (2, "since", "uint64"), 4: (4, "seq", "uint64"), 5: (5, "type", "uint32"),
                     6: (6, "time-boot", "uint64"), 10: (10, "suppressed", "uint64"),
                     12: (12, "task", "task"), 29: (29, "vma", "vma")}.get(row[0], row)
                    for row in nla_map)


def _plain(value):
    """Attributes as a dict, without what pyroute2 wraps them in."""
    if isinstance(value, (nla, genlmsg)):
        return {name: _plain(inner) for name, inner in value["attrs"]}
    return value


def ask(command, flags=0, attrs=(), kind=Memory):
    """The messages of an answer, as dicts, and whether any of them has NLM_F_DUMP_INTR."""
    with contextlib.closing(GenericNetlinkSocket()) as family:
        family.bind("kstallmon", kind)
        msg = kind()
        msg["cmd"], msg["version"], msg["attrs"] = command, 1, list(attrs)
        answer = list(family.nlm_request(msg, msg_type=family.prid,
                                         msg_flags=NLM_F_REQUEST | flags))
    return [_plain(m) for m in answer], any(m["header"]["flags"] & NLM_F_DUMP_INTR for m in answer)


def memory():
    """The samplers' state."""
    answer, _ = ask(MEMORY_GET)
    return answer[0]


def interrupted(action):
    """Read the processes with the most mappings, do something after the first part of the answer,
    and read the rest. Returns whether any message has NLM_F_DUMP_INTR."""
    with contextlib.closing(GenericNetlinkSocket()) as family:
        family.bind("kstallmon", Memory)
        number = family.prid
    header = struct.Struct("=IHHII")
    done, parts, flags = False, 0, 0
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC) as sock:
        sock.send(header.pack(header.size + 4, number, NLM_F_REQUEST | NLM_F_DUMP, 1, 0) +
                  struct.pack("=BBxx", VMA_GET, 1))
        while not done:
            if parts == 1:
                action()
            # The kernel makes a part when the one before is read, and none longer than this.
            part, at = sock.recv(8192), 0
            while at < len(part):
                length, kind, flag, _, _ = header.unpack_from(part, at)
                assert kind != NLMSG_ERROR, part
                done = done or kind == NLMSG_DONE
                flags |= flag
                at += length + 3 & ~3
            parts += 1
    assert parts > 4, parts
    return bool(flags & NLM_F_DUMP_INTR)


def kept():
    """The processes with the most mappings, all of one sweep."""
    for _ in range(10):
        answer, interrupted = ask(VMA_GET, NLM_F_DUMP)
        if not interrupted:
            return answer
    raise AssertionError("each dump was interrupted by a sweep")


def every():
    """All processes."""
    return ask(VMA_GET, NLM_F_DUMP, [("all", True)])[0]


def of(pid, answer):
    """The answers about a process."""
    return [m for m in answer if m["task"]["tgid"] == pid]


def swept():
    """Wait for the end of a sweep that began after this was called."""
    last, end = memory()["sweeps"] + 2, time.monotonic() + PATIENCE
    while memory()["sweeps"] < last:
        assert time.monotonic() < end, f"no sweep {last}: {memory()}"
        time.sleep(0.02)


def events(since=0):
    """The events about mappings of which the number is above `since`."""
    answer, _ = ask(EVENT_GET, NLM_F_DUMP, [("since", since + 1)], Event)
    return [e for e in answer if e["type"] == VMA_STATE]


def told(pid, since):
    """What the events numbered after `since` tell of a process: before, state, count."""
    return [(e["vma"]["before"], e["vma"]["state"], e["vma"]["count"])
            for e in events(since) if e["task"]["tgid"] == pid]


def maps(pid, tid=None):
    """The lines of a process's maps, without [vsyscall]: that is no mapping of its own."""
    with open(f"/proc/{pid}/task/{tid or pid}/maps", encoding="utf-8") as file:
        return sum(not line.endswith("[vsyscall]\n") for line in file)


@contextlib.contextmanager
def limited(limit):
    """Set the limit for the time of a with block."""
    with open(LIMIT, "r+", encoding="ascii") as file:
        before = file.read()
        file.seek(0)
        file.write(str(limit))
        file.flush()
        try:
            yield
        finally:
            file.seek(0)
            file.write(before)
            file.flush()


class Mapper:
    """A process that does as told and answers each word when it is done."""

    def __init__(self, *args):
        self.process = subprocess.Popen([MAPPER, *map(str, args)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)
        self.pid = int(self.process.stdout.readline())

    def tell(self, *words):
        """Say a line; returns the lines of the answer, as lists of numbers."""
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        lines = []
        while (line := self.process.stdout.readline().split()) != ["done"]:
            assert line, f"the mapper ended: {self.process.wait()}"
            lines.append(list(map(int, line)))
        return lines

    def reach(self, count):
        """Map or unmap until the process has `count` mappings."""
        have = maps(self.pid)
        self.tell(*(("map", count - have) if count >= have else ("unmap", have - count)))
        assert maps(self.pid) == count, (maps(self.pid), count)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()
