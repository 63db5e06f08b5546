#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# A history that does not fit into memory is refused. Nobody dies for it.

import errno
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import kst

LARGEST = 16384
FILL = "/mnt/kst_fill"


def memory_available():
    """MiB that can be had without swapping."""
    with open("/proc/meminfo", encoding="ascii") as file:
        return next(int(line.split()[1]) // 1024 for line in file if line.startswith("MemAvail"))


def oom_kills():
    with open("/proc/vmstat", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("oom_kill "))


def drop_caches():
    """Else what is available cannot be told: the kernel finds more when it looks harder."""
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
        file.write("3")


def set_history(events):
    """In this process, which is in memory: the client may not be. Returns the error, or None."""
    try:
        # Without a buffer, which would be written once more when closed after an error.
        with open(f"{kst.PARAMETERS}/history", "wb", buffering=0) as file:
            file.write(b"%d" % events)
    except OSError as error:
        return error
    return None


def refused_when_full():
    """Fill the memory until the largest history is refused. Returns the error, or None."""
    with open(f"{FILL}/file", "wb", buffering=0) as file:
        for left in (24, 18, 14, 11, 8, 6, 4):
            drop_caches()
            while memory_available() > left:
                file.write(bytes(1 << 20))
            error = set_history(LARGEST)
            if error:
                return error
            assert not set_history(512)
    return None


@kst.test
def a_history_that_does_not_fit_is_refused_and_no_task_is_killed():
    set_history(512)
    os.makedirs(FILL, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100%", "fill", FILL], check=True)
    before, kills = kst.status(), oom_kills()
    try:
        error = refused_when_full()
    finally:
        subprocess.run(["umount", FILL], check=True)
    after = kst.status()
    assert oom_kills() == kills
    assert error and error.errno == errno.ENOMEM, error
    assert after["history-size"] == before["history-size"], after
    assert after["memory"] == before["memory"], after


@kst.test
def the_largest_history_fits_where_there_is_room():
    try:
        assert not set_history(LARGEST)
        assert kst.status()["history-size"] == LARGEST
        # Half of the events have a stack, and take a page.
        assert kst.status()["memory"] > LARGEST // 2 * 4096
    finally:
        set_history(512)
    assert kst.status()["history-size"] == 512


kst.run()
