#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# The rate limit holds back what is above it, and says so: to the event.

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import kst


@kst.test
def a_burst_above_the_limit_is_counted_and_told_by_the_next_event():
    with kst.tuned(rate=3):
        time.sleep(1.1)
        before = kst.status()
        lengths = kst.inject(0, 40, 10, 20)
        kst.settle()
        burst = kst.status()
        assert burst["stalls"] - before["stalls"] == 10
        assert burst["suppressed"] - before["suppressed"] == 7
        assert len(kst.stalls_of(os.getpid(), before["numbered"])) == 3

        time.sleep(1.1)
        kst.inject(0, 40)
        event = kst.stalls_of(os.getpid(), burst["numbered"])[0]
        assert event["suppressed"] == 7
        assert kst.MS < event["suppressed-longest"] <= max(lengths), (event, lengths)

        # Told once.
        time.sleep(1.1)
        last = kst.settle()
        kst.inject(0, 40)
        assert "suppressed" not in kst.stalls_of(os.getpid(), last)[0]


@kst.test
def no_limit_tells_all():
    with kst.tuned(rate=0):
        before = kst.status()
        kst.inject(0, 40, 30, 5)
        kst.settle()
        after = kst.status()
        assert after["suppressed"] == before["suppressed"]
        assert len(kst.stalls_of(os.getpid(), before["numbered"])) == 30


kst.run()
