#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# Ten thousand stalls under a monitor whose reader sleeps through most of them: what it printed and
# what it declared gone are what the kernel numbered.

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import clientlib as c
import kst

EACH = 5000

# Events that come while the reader sleeps: more than pipe, socket and history hold together.
NAP = 2500


def rage(cpu):
    """A process that stalls a CPU many times."""
    pid = os.fork()
    if not pid:
        try:
            # One more, as in c.storm().
            kst.inject(cpu, 2, EACH + 1, 2)
            os._exit(0)
        finally:
            os._exit(1)
    return pid


@kst.test
def ten_thousand_events_are_printed_or_declared_gone():
    cpus = kst.cpus()[:2]
    kst.load_injector()
    with c.silence(history=512):
        before = kst.status()
        first = before["numbered"] + 1
        with c.Monitor("--json", "--since", first).subscribed() as monitor:
            records = []
            with c.tuned(threshold=1, period=1, slack=0, rate=0):
                pids = [rage(cpu) for cpu in cpus]
                for nap in range(1, len(cpus) * EACH // NAP):
                    end = time.monotonic() + c.PATIENCE
                    while kst.numbered() < before["numbered"] + nap * NAP:
                        assert time.monotonic() < end, kst.status()
                        time.sleep(0.5)
                    # Awake, it reads until it has got so far.
                    now = kst.numbered()
                    records += monitor.records_until(lambda r: r.get("to", r.get("seq")) >= now)
                for pid in pids:
                    assert os.waitpid(pid, 0)[1] == 0
            last = kst.settle()
            after = kst.status()
            records += monitor.records_up_to(last)
            lines, status, said = monitor.end()

    printed, gone = c.tiled(records, first)
    dropped = after["dropped"] - before["dropped"]
    print(f"# {last - first + 1} numbered, {printed} printed, {gone} declared gone, "
          f"{dropped} dropped before they had a number")
    assert status == 0 and not lines
    assert printed + gone == last - first + 1
    assert c.summary(said) == (printed, gone, 0)
    # Every stall got a number or was counted, and the reader did sleep.
    assert after["suppressed"] == before["suppressed"]
    assert last - before["numbered"] + dropped >= len(cpus) * EACH
    assert gone > 0 and printed > 0
    assert after["overwritten"] - before["overwritten"] >= gone


kst.run()
