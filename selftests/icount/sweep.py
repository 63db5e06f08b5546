#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# How long a sweep keeps the CPU, and what it says of growth, where time is instructions.

import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import kst
import vmas
from vmas import Mapper, limited, maps, swept

SLICE_MAX = 200_000


@kst.test
def no_slice_is_long():
    with kst.tuned(task_interval=100, task_keep=1024), Mapper() as mapper:
        mapper.tell("children", 2000, 10)
        for _ in range(20):
            swept()
        now = vmas.memory()
        print(f"# {now}")
        assert now["sweep-tasks"] > 2000, now
        # All at once it would have been too long.
        assert now["sweep-time"] > SLICE_MAX, now
        assert 0 < now["slice-longest"] < SLICE_MAX, now
        mapper.tell("reap")


@kst.test
def growth_and_time_of_a_steady_mapper():
    limit, rate, seconds = 2000, 50, 60
    seen = []
    since = kst.numbered()
    with kst.tuned(task_interval=3600000), limited(limit), Mapper() as mapper:
        start = limit + 1 - rate * seconds // 2
        mapper.reach(start)
        # Not before: how it came to have so many is growth as well.
        kst.kstallmon("set", "task_interval=500")
        answer = []
        pacing = threading.Thread(
            target=lambda: answer.extend(mapper.tell("pace", rate * seconds, seconds * 1000)))
        pacing.start()
        while pacing.is_alive():
            time.sleep(0.5)
            seen += vmas.of(mapper.pid, vmas.kept())
        assert maps(mapper.pid) == limit + 1

    # By what the mapper itself says: how many it mapped from when to when.
    base = start - answer[0][2] + 1
    begin, end = answer[0][0], answer[-1][1]
    true_rate = (len(answer) - 1) * 10**12 / (end - begin)
    full = next(after for _, after, count in answer if base + count >= limit)
    judged = [m for m in seen if begin + 5 * 10**9 < m["time-boot"] < full - 2 * 10**9]
    assert len(judged) >= 20, (len(judged), seen)
    for m in judged:
        assert abs(m["vma"]["growth"] / true_rate - 1) < 0.2, (m, true_rate)
        left = full - m["time-boot"]
        assert abs(m["vma"]["time-to-limit"] / left - 1) < 0.2, (m, left)
    # And so were the events, while it mapped on and before it could not.
    events = [e for e in vmas.events(since) if e["task"]["tgid"] == mapper.pid]
    assert [(e["vma"]["before"], e["vma"]["state"]) for e in events] == \
        [(vmas.OK, vmas.WARN), (vmas.WARN, vmas.CRIT)], events
    for m in events:
        assert m["time-boot"] < full, (m, full)
        assert abs(m["vma"]["growth"] / true_rate - 1) < 0.2, (m, true_rate)
        left = full - m["time-boot"]
        assert abs(m["vma"]["time-to-limit"] / left - 1) < 0.3, (m, left)
    off = max(abs(m["vma"]["growth"] / true_rate - 1) for m in judged)
    print(f"# {len(judged)} counts, growth {true_rate:.0f} per 1000 s, off by {off:.2%} at most")


@kst.test
def growth_is_not_known_before_the_second_count():
    with kst.tuned(task_interval=3600000), Mapper() as mapper:
        mapper.reach(1000)
        kst.kstallmon("set", "task_interval=3599999")
        time.sleep(1)
        first, = vmas.of(mapper.pid, vmas.kept())
        assert "growth" not in first["vma"] and "time-to-limit" not in first["vma"], first
        kst.kstallmon("set", "task_interval=3599998")
        time.sleep(1)
        second, = vmas.of(mapper.pid, vmas.kept())
        assert second["vma"]["growth"] == 0 and "time-to-limit" not in second["vma"], second


kst.run()
