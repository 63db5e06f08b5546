# SPDX-License-Identifier: GPL-2.0
"""What the tests of the client share: refusals, silence, storms, monitors, the spec."""

import collections
import contextlib
import ctypes
import json
import os
import pty
import re
import select
import signal
import subprocess
import time

import kst

VERBS = ("monitor", "history", "stalls", "status", "zones", "tasks", "get", "set", "verify",
         "version", "help")

# Every way to ask the module for something. monitor must end by itself should it be answered.
ASKING = (("monitor", "--json", "--timeout", "1"), ("history",), ("status", "--json"), ("status",),
          ("stalls",), ("stalls", "--json"), ("stalls", "--reset"), ("zones",),
          ("zones", "--json"), ("zones", "--watch", "1"), ("tasks",), ("tasks", "--json", "--all"),
          ("tasks", "--watch", "1"), ("verify",), ("get",),
          ("get", "--json", "threshold"), ("set", "threshold=30"), ("set", "cpus=0"))

# The runner has its tests' output buffered by lines. The client's users have no such help.
for preset in ("_STDBUF_O", "LD_PRELOAD"):
    os.environ.pop(preset, None)

# Long enough for any machine; that something takes longer means that it never comes.
PATIENCE = 600

# How often to cause what the host's noise may spoil: an end is told late then, and of another task,
# or a stall is cut in two.
TRIES = 20


def until(condition, what):
    """Ask until the answer is true, and return it."""
    end = time.monotonic() + PATIENCE
    while not (answer := condition()):
        assert time.monotonic() < end, what
        time.sleep(0.1)
    return answer


def run(*args, prefix=(), env=None, text=True):
    """Run the client, whatever comes of it."""
    return subprocess.run([*prefix, "kstallmon", *map(str, args)], capture_output=True, text=text,
                          timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL,
                          env=None if env is None else {**os.environ, **env})


def succeeds(*args, **kwargs):
    """Run the client, which must succeed without a word of complaint. Returns its output."""
    done = run(*args, **kwargs)
    assert done.returncode == 0, (args, done)
    assert not done.stderr, (args, done)
    return done.stdout


def is_error(done, says):
    """The client failed as it should: status 1, one line on stderr, nothing on stdout."""
    assert done.returncode == 1, done
    assert not done.stdout, done
    assert re.fullmatch(r"kstallmon: [^\n]+\n", done.stderr), done
    assert re.search(says, done.stderr), (says, done)


def on_terminal(*words, **env):
    """What the client writes to a terminal."""
    master, terminal = pty.openpty()
    with subprocess.Popen(["kstallmon", *words], stdin=terminal, stdout=terminal, stderr=terminal,
                          env={**os.environ, "TERM": "xterm", **env}) as process:
        os.close(terminal)
        text = b""
        while True:
            if not select.select([master], [], [], PATIENCE)[0]:
                process.kill()
            try:
                text += os.read(master, 65536)
            except OSError:  # all have closed the other end
                break
    os.close(master)
    assert process.returncode == 0, (process, text)
    return text.decode().replace("\r\n", "\n")


def refused(*args, says, prefix=(), env=None):
    """The client refuses these words with an error that matches `says`."""
    is_error(run(*args, prefix=prefix, env=env), says)


# Tunables by the module's parameters: the truth to hold the client to, and without an exec, of
# which an emulated VM manages a few in a second.

def parameters():
    """All tunables and their values."""
    values = {}
    for name in os.listdir(kst.PARAMETERS):
        with open(os.path.join(kst.PARAMETERS, name), encoding="ascii") as file:
            text = file.read().rstrip("\n")
            values[name] = int(text) if text.isdigit() and name != "cpus" else text
    return values


def set_parameters(values):
    """Set tunables, one after the other."""
    for name, value in values.items():
        with open(os.path.join(kst.PARAMETERS, name), "w", encoding="ascii") as file:
            file.write(str(value))


@contextlib.contextmanager
def tuned(**values):
    """Set tunables for the time of a with block, at the end of which all are as before."""
    before = parameters()
    try:
        set_parameters(values)
        if {"period", "slack"} & set(values):
            # They count from each CPU's next beat on, which comes in the time of the old ones.
            time.sleep(2 * (before["period"] / 1000 + before["slack"] / 1000000))
        yield
    finally:
        set_parameters(before)


@contextlib.contextmanager
def unchanged():
    """No tunable is another one after the with block."""
    before = parameters()
    yield
    assert parameters() == before, (before, parameters())


# Of memory, only what happens at once and to nobody in a test that is not about it stays.
SILENT = {"threshold": 60000, "softirq_threshold": 0, "sched_threshold": 0, "rate": 0,
          "zone_dwell": 600000, "reclaim_threshold": 0}
STALLS = ("stall-end", "stall-begin")


def settle():
    """As kst.settle(), when no stall of any CPU lasts that began before: each has gone on since."""
    cpus = os.sched_getaffinity(0)
    for cpu in cpus:
        os.sched_setaffinity(0, {cpu})
    os.sched_setaffinity(0, cpus)
    return kst.settle()


@contextlib.contextmanager
def silence(**values):
    """For the time of a with block no event comes by itself: the history stands still."""
    with tuned(**SILENT, **values):
        settle()
        yield


@contextlib.contextmanager
def fresh(**values):
    """As silence(), in a module that is loaded anew and has seen nothing yet."""
    before = parameters()
    kst.unload()
    kst.load(*(f"{name}={value}" for name, value in {**SILENT, **values}.items()))
    try:
        yield
    finally:
        set_parameters(before)


def storm(count, cpu=1, ms=3, gap_ms=2):
    """Many short stalls, each of which is one event: no other CPU looks, so that none is told while
    it lasts. In silence, returns the last number.
    """
    with tuned(cpus=cpu), tuned(threshold=1, period=1, slack=0, rate=0):
        # One more: if the host holds the beat up that is to learn of the period, one is not seen.
        kst.inject(cpu, ms, count + 1, gap_ms)
    return settle()


def room(history):
    """How many events of a storm such a history holds: all are ends, which have a quarter of it."""
    return history // 4


def stall_as(comm):
    """A stall in a task of this name, given as bytes. Returns its pid. Not in silence."""
    kst.load_injector()
    pid = os.fork()
    if not pid:
        try:
            set_name = 15  # PR_SET_NAME
            ctypes.CDLL(None).prctl(set_name, ctypes.c_char_p(comm), 0, 0, 0)
            kst.inject(1, 60)
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0
    return pid


def caused(cause, told):
    """Cause stalls until the events that come of them are told as wanted. Returns the events."""
    since = kst.numbered() + 1
    with tuned(rate=0):
        for _ in range(TRIES):
            cause()
            kst.settle()
            events = kst.history(since)
            if told(events):
                return events
    raise AssertionError(events[-9:])


def injected(event):
    """Whether it is a stall that a test caused, and none of the machine's own."""
    return any(f.startswith("inject_irq_off_inner+0x")
               for name in ("live-stack", "stack") for f in event.get(name, {}).get("frame", []))


def ends(events):
    """Those of the events that tell of the end of a stall."""
    return [e for e in events if e["type"] == "stall-end"]


def objects(text):
    """The JSON objects of an output, one on each line."""
    found = [json.loads(line) for line in text.splitlines()]
    assert all(isinstance(one, dict) for one in found), text
    return found


def no_addresses(text):
    """Kernel addresses never get out."""
    assert "0xffff" not in text, text
    assert not re.search(r"\bffff[0-9a-f]{12}\b", text), text


def tiled(records, first):
    """Every number from `first` on is told once and in order, as an event or as lost.

    Returns how many there were of each.
    """
    following, printed, gone = first, 0, 0
    for record in records:
        if record["type"] == "lost":
            assert set(record) == {"type", "count", "from", "to", "instance"}, record
            assert record["from"] == following, (following, record)
            assert record["count"] == record["to"] - record["from"] + 1 > 0, record
            following = record["to"] + 1
            gone += record["count"]
        else:
            assert record["type"] in STALLS, record
            assert record["seq"] == following, (following, record)
            following += 1
            printed += 1
    return printed, gone


def _spec():
    import yaml  # takes seconds in a VM, and most programs need none of it

    with open(os.path.join(os.environ["KST_TOP"], "module/uapi/kstallmon.yaml"),
              encoding="utf-8") as file:
        return yaml.safe_load(file)


def spec_names():
    """The attributes' names in the protocol's spec, by set; what only requests have is left out."""
    names = {s["name"]: {a["name"] for a in s["attributes"] if a["type"] != "pad"}
             for s in _spec()["attribute-sets"]}
    names["event"].remove("since")
    names["tunable"].remove("setting")
    names["memory"].remove("all")
    return names


def spec_enums():
    """The enumerators' names in the protocol's spec, by enum."""
    return {d["name"]: {e if isinstance(e, str) else e["name"] for e in d["entries"]}
            for d in _spec()["definitions"]}


class Monitor:
    """A running `kstallmon monitor`, or another verb, whose output is read without waiting for
    ever."""

    def __init__(self, *args, verb="monitor", env=None):
        self.process = subprocess.Popen(["kstallmon", verb, *map(str, args)], bufsize=0,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env=None if env is None else {**os.environ, **env})
        self._lines = collections.deque()
        self._rest = b""
        self._patience = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def send(self, number):
        """Send it a signal."""
        self.process.send_signal(number)

    def _fill(self, seconds):
        """Read what there is or comes in time; False at the end of the output."""
        if select.select([self.process.stdout], [], [], seconds)[0]:
            piece = self.process.stdout.read(65536)
            if not piece:
                assert not self._rest, self._rest
                return False
            *lines, self._rest = (self._rest + piece).split(b"\n")
            self._lines.extend(lines)
        return True

    def has_spoken(self):
        """Whether there is anything to read."""
        return bool(self._lines) or bool(select.select([self.process.stdout], [], [], 0)[0])

    def line(self, before=()):
        """The next line; None at the end of the output. `before`: what was not wanted."""
        self._patience = self._patience if before else time.monotonic() + PATIENCE
        while not self._lines:
            if not self._fill(1):
                return None
            # Others may come all the time.
            assert time.monotonic() < self._patience, ("no such line", before[-9:])
        return self._lines.popleft().decode()

    def lines_until(self, accept):
        """The lines up to the first one that is accepted."""
        lines = []
        while not lines or not accept(lines[-1]):
            lines.append(self.line(lines))
            assert lines[-1] is not None, (lines, self.process.stderr.read())
        return lines

    def records_until(self, accept):
        """The same of JSON records."""
        records = []
        while not records or not accept(records[-1]):
            line = self.line(records)
            assert line is not None, (records[-3:], self.process.stderr.read())
            records.append(json.loads(line))
        return records

    def records_up_to(self, last):
        """The JSON records up to the one that tells of number `last`."""
        return self.records_until(lambda r: r.get("to", r.get("seq")) == last)

    def rest(self):
        """What else it printed before it ended, as lines."""
        lines = []
        while (line := self.line(lines)) is not None:
            lines.append(line)
        return lines

    def end(self, number=signal.SIGINT):
        """End it by a signal, or without one wait for its end.

        Returns its last lines, its exit status and what it said on stderr.
        """
        if number:
            self.send(number)
        lines = self.rest()
        said = self.process.stderr.read().decode()
        return lines, self.process.wait(PATIENCE), said

    def subscribed(self):
        """Wait until it listens."""
        end = time.monotonic() + PATIENCE
        while not kst.status()["subscribers"]:
            assert time.monotonic() < end and self.process.poll() is None, "it does not subscribe"
            time.sleep(0.05)
        return self

    def overruns(self):
        """How many messages its sockets had no room for."""
        with open("/proc/net/netlink", encoding="ascii") as file:
            rows = [line.split() for line in file]
        at = {name: i for i, name in enumerate(rows[0])}
        # libnl makes port numbers of the pid and, above its 22 bits, a counter.
        return sum(int(row[at["Drops"]]) for row in rows[1:]
                   if int(row[at["Pid"]]) & 0x3fffff == self.process.pid)


def summary(said):
    """The numbers in the summary of a monitor that was interrupted: events, gone, reloads."""
    found = re.fullmatch(r"kstallmon: (\d+) events, (\d+) gone, (\d+) reloads of the module"
                         r"(?:, not loaded now)?\n", said)
    assert found, said
    return tuple(map(int, found.groups()))
