#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# A history that does not fit into memory is refused. Nobody dies for it.

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


def set_history(events):
    """In this process, which is in memory: the client may not be."""
    with open(f"{kst.PARAMETERS}/history", "w", encoding="ascii") as file:
        file.write(str(events))


@kst.test
def a_history_that_does_not_fit_is_refused_and_no_task_is_killed():
    os.makedirs(FILL, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100%", "fill", FILL], check=True)
    before, kills = kst.status(), oom_kills()
    try:
        with open(f"{FILL}/file", "wb", buffering=0) as file:
            while memory_available() > 16:
                file.write(bytes(1 << 20))
        error = None
        try:
            set_history(LARGEST)
        except OSError as caught:
            error = caught
    finally:
        subprocess.run(["umount", FILL], check=True)
    after = kst.status()
    set_history(before["history-size"])
    assert oom_kills() == kills
    assert error and error.errno == 12, error
    assert after["history-size"] == before["history-size"], after
    assert after["memory"] == before["memory"], after


@kst.test
def the_largest_history_fits_where_there_is_room():
    try:
        set_history(LARGEST)
        assert kst.status()["history-size"] == LARGEST
        assert kst.status()["memory"] > LARGEST * 4096
    finally:
        set_history(512)
    assert kst.status()["history-size"] == 512


kst.run()
