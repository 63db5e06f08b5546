#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# Every command of the family, driven by the kernel's own command-line client, ynl, from the spec
# alone. Its main() is called in here: reading the spec and checking it against its schema takes an
# emulated machine seconds, so that is done once, and again by a process only for notifications.

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import kst

TOP = os.environ["KST_TOP"]
KSRC = os.path.join(kst.BUILD, "ksrc")
YNL = os.path.join(KSRC, "tools/net/ynl")
SPEC = ["--spec", os.path.join(TOP, "module/uapi/kstallmon.yaml"),
        "--schema", os.path.join(KSRC, "Documentation/netlink/genetlink-c.yaml")]

sys.dont_write_bytecode = True
sys.path.insert(0, YNL)
import cli

STATUS = {"version", "instance", "time-boot", "time-real", "loaded-boot", "watched", "beats",
          "beat-time", "stalls", "numbered", "history-size", "history-held", "overwritten",
          "queued", "dropped", "suppressed", "unsent", "subscribers", "memory", "memory-history",
          "backed-off", "excluded"}
CPU = {"cpu", "watched", "beats", "beat-time", "stalls", "longest", "queued", "dropped",
       "suppressed", "state", "gap", "deferred", "memory"}
EVENT = {"instance", "seq", "type", "time-boot", "time-real", "cpu", "kind", "stall-id",
         "duration-min"}
END = EVENT | {"duration-max", "class", "context", "task", "stack"}
BEGIN = EVENT | {"watcher"}
LOST = {"dropped", "suppressed", "suppressed-longest"}
STALLS = ("stall-end", "stall-begin")
ZONE = {"node", "name", "state", "since-boot", "free", "min", "low", "high", "boost", "managed",
        "present", "protection", "other-node-free", "changes"}
RECLAIM = {"window", "pgscan-kswapd", "pgscan-direct", "pgsteal-kswapd", "pgsteal-direct",
           "allocstall", "compact-stall", "oom-kill"}
MEMORY = {"time-boot", "reclaim", "page-size", "total", "slab-reclaimable", "slab-unreclaimable",
          "committed", "untimed", "throttled", "max-map-count", "sweeps", "sweep-time",
          "sweep-tasks", "slice-longest", "untracked"}

# Bounds only how long a test that fails takes.
PATIENCE = 600

# The host's noise may spoil a stall: its end is told late then, and of another task.
TRIES = 20

printed = []
families = {}
read_family = cli.YnlFamily


def family(*args, **kwargs):
    if args not in families:
        families[args] = read_family(*args, **kwargs)
    return families[args]


cli.YnlFamily = family


def run(*args):
    """ynl's exit status and what it prints."""
    out = io.StringIO()
    sys.argv = ["ynl", *SPEC, *args]
    status = 0
    with contextlib.redirect_stdout(out):
        try:
            cli.main()
        except SystemExit as leave:
            status = leave.code
    printed.append(out.getvalue())
    return status, out.getvalue()


def ynl(*args, attrs=None):
    """What a granted request answers."""
    text = ["--json", json.dumps(attrs)] if attrs is not None else []
    status, out = run("--output-json", *args, *text)
    assert status == 0, out
    return json.loads(out)


def setting(**values):
    return {"setting": [{"name": name, "text" if isinstance(value, str) else "value": value}
                        for name, value in values.items()]}


def parameters():
    values = {}
    for name in os.listdir(kst.PARAMETERS):
        with open(os.path.join(kst.PARAMETERS, name), encoding="ascii") as file:
            text = file.read().rstrip("\n")
            values[name] = int(text) if name != "cpus" else text
    return values


@contextlib.contextmanager
def restored():
    """Tunables are afterwards what they were."""
    before = parameters()
    try:
        yield
    finally:
        for name, value in before.items():
            with open(os.path.join(kst.PARAMETERS, name), "w", encoding="ascii") as file:
                file.write(str(value))


def refused(attrs, error, text, where):
    """A tunable-set that says why not, and changes nothing."""
    before = parameters()
    status, out = run("--do", "tunable-set", "--json", json.dumps(attrs))
    assert status == 1, out
    for part in (error, text, where):
        assert part in out, out
    assert parameters() == before


def until(condition, what):
    """Ask until the answer is true, and return it."""
    end = time.monotonic() + PATIENCE
    while not (answer := condition()):
        assert time.monotonic() < end, what
        time.sleep(0.1)
    return answer


def culprit(event):
    """Whether the event is the end of a stall caused in the injector."""
    frames = event.get("stack", {}).get("frame", [])
    return any(frame.startswith("inject_irq_off_inner+0x") for frame in frames)


def told(event):
    """Whether an event of a stall has all that belongs to its type, and nothing else."""
    if event["type"] not in STALLS:
        return True
    if event["type"] == "stall-end":
        # User code has none, nor has what held off softirqs or the scheduler and was gone by then.
        lacks = {"stack"} if event["kind"] != "irq" or event["context"] == "user" else set()
        return END - lacks <= set(event) <= END | LOST | {"live-stack", "steal"}
    return BEGIN <= set(event) <= BEGIN | LOST | {"context", "task", "live-stack"}


@kst.test
def operations_are_listed():
    status, out = run("--list-ops")
    assert status == 0
    modes = {name: set(modes.split(", "))
             for name, modes in re.findall(r"^(\S+) +\[ (.*) \]$", out, re.M)}
    assert modes == {"event-get": {"dump"}, "status-get": {"do"}, "cpu-get": {"dump"},
                     "tunable-get": {"do", "dump"}, "tunable-set": {"do"},
                     "histogram-get": {"dump"}, "histogram-reset": {"do"},
                     "zone-get": {"dump"}, "memory-get": {"do"}, "vma-get": {"dump"},
                     "reclaim-get": {"dump"}}, out


@kst.test
def status_get():
    status = ynl("--do", "status-get")
    assert set(status) == STATUS, set(status) ^ STATUS
    assert status["watched"] == len(kst.cpus())
    assert status["numbered"] == status["history-held"] + status["overwritten"]
    with open(os.path.join(TOP, "dkms.conf"), encoding="ascii") as conf:
        assert f'PACKAGE_VERSION="{status["version"]}"' in conf.read()


@kst.test
def cpu_get():
    cpus = ynl("--dump", "cpu-get")
    assert [cpu["cpu"] for cpu in cpus] == kst.cpus()
    for cpu in cpus:
        assert set(cpu) == CPU, set(cpu) ^ CPU
        assert cpu["watched"] == 1 and cpu["beats"] > 0, cpu
        assert cpu["state"] in ("busy", "sentry", "backed-off") and cpu["gap"] > 0, cpu


@kst.test
def tunable_get_of_one():
    one = ynl("--do", "tunable-get", attrs={"name": "threshold"})
    assert one["name"] == "threshold"
    assert one["unit"] == "ms"
    assert one["value"] == parameters()["threshold"]


@kst.test
def tunable_get_of_all():
    tunables = ynl("--dump", "tunable-get")
    assert {t["name"]: t.get("value", t.get("text")) for t in tunables} == parameters()
    for t in tunables:
        if t["name"] == "cpus":
            assert set(t) == {"name", "unit", "doc", "text", "default-text"}
            continue
        assert set(t) == {"name", "unit", "min", "max", "default", "value", "doc"}
        assert t["min"] <= t["default"] <= t["max"]
        assert t["min"] <= t["value"] <= t["max"]


@kst.test
def tunable_set_of_one():
    with restored():
        assert ynl("--do", "tunable-set", attrs=setting(threshold=33)) is None
        assert parameters()["threshold"] == 33


@kst.test
def tunable_set_of_two():
    with restored():
        ynl("--do", "tunable-set", attrs=setting(threshold=44, rate=5))
        assert parameters()["threshold"] == 44
        assert parameters()["rate"] == 5


@kst.test
def tunable_set_of_a_text():
    with restored():
        ynl("--do", "tunable-set", attrs=setting(cpus="0", rate=5))
        assert parameters()["cpus"] == "0"
        assert parameters()["rate"] == 5
        assert ynl("--do", "tunable-get", attrs={"name": "cpus"})["text"] == "0"
        until(lambda: [cpu["state"] for cpu in ynl("--dump", "cpu-get")[1:]] == ["excluded"],
              "CPU 1 is watched")


@kst.test
def text_that_is_none_of_the_tunables_is_refused():
    refused(setting(period=20, cpus="five"), "Invalid argument", "cpus must be auto or",
            "'bad-attr': '.setting.text'")


@kst.test
def value_of_the_wrong_sort_is_refused():
    refused(setting(cpus=0), "Invalid argument", "text", "'.setting")
    refused(setting(threshold="30"), "Invalid argument", "value", "'.setting")


@kst.test
def value_out_of_range_is_refused():
    refused(setting(period=20, threshold=60001), "Numerical result out of range",
            "threshold must be 1..60000 ms", "'bad-attr': '.setting.value'")


@kst.test
def unknown_tunable_is_refused():
    refused(setting(nothing=1), "No such file or directory", "no tunable of this name",
            "'bad-attr': '.setting.name'")


@kst.test
def setting_without_value_is_refused():
    refused({"setting": [{"name": "threshold"}]}, "Invalid argument",
            "attribute value of a setting is missing", "'bad-attr': '.setting'")


@kst.test
def set_without_setting_is_refused():
    refused({}, "Invalid argument", "attribute setting is missing", "")


@kst.test
def attribute_that_the_command_does_not_take_is_refused():
    refused({"name": "threshold", "value": 30}, "Invalid argument", "attribute", "'.name'")


@kst.test
def event_get():
    with restored():
        ynl("--do", "tunable-set", attrs=setting(rate=0))
        for _ in range(TRIES):
            since = ynl("--do", "status-get")["numbered"] + 1
            actual, = kst.inject(1, 120)
            kst.settle()
            events = ynl("--dump", "event-get", attrs={"since": since})
            if any(map(culprit, events)):
                break
    assert [e["seq"] for e in events] == list(range(since, since + len(events)))
    assert all(map(told, events)), events
    event = next(filter(culprit, events), None)
    assert event, events
    assert event["type"] == "stall-end"
    assert event["kind"] == "irq"
    assert event["context"] == "kernel"
    assert event["cpu"] == 1
    assert event["duration-min"] < event["duration-max"]
    assert event["duration-max"] >= actual
    assert event["task"]["pid"] == event["task"]["tgid"] == os.getpid()
    assert event["task"]["cgroup-id"] > 0


@kst.test
def event_get_of_a_stall_told_while_it_lasted():
    with restored():
        ynl("--do", "tunable-set", attrs=setting(rate=0))
        since = ynl("--do", "status-get")["numbered"] + 1
        for _ in range(TRIES):
            kst.inject(1, 400)
            kst.settle()
            events = ynl("--dump", "event-get", attrs={"since": since})
            ids = {e["stall-id"] for e in filter(culprit, events)}
            ours = [e for e in events if e.get("stall-id") in ids]
            if any(e["type"] == "stall-begin" for e in ours):
                break
    assert all(map(told, events)), events
    assert any(e["type"] == "stall-begin" for e in ours), events
    begin, = [e for e in ours if e["type"] == "stall-begin"][:1]
    end, = [e for e in ours if e["type"] == "stall-end" and e["stall-id"] == begin["stall-id"]]
    assert begin["watcher"] == 0 and begin["cpu"] == end["cpu"] == 1, (begin, end)
    assert begin["kind"] == end["kind"] == "irq", (begin, end)
    assert begin["duration-min"] <= end["duration-max"], (begin, end)
    assert end["class"] == "kernel", end


@kst.test
def histograms():
    assert ynl("--do", "histogram-reset") is None
    kst.inject(1, 120)

    def whole():
        # What is read may change meanwhile, and a beat that counts the stall may come late.
        found = ynl("--dump", "histogram-get")
        return all(sum(b["count"] for b in h.get("bucket", [])) == h["count"] for h in found) and \
            any(h["longest"] > 20 * kst.MS for h in found
                if (h["cpu"], h["kind"]) == (1, "irq")) and found
    found = until(whole, "no stall is counted, or buckets and counts differ")
    assert [(h["cpu"], h["kind"]) for h in found] == \
        [(cpu, kind) for cpu in kst.cpus() for kind in ("irq", "softirq", "sched")], found
    for h in found:
        assert {"cpu", "kind", "since-boot", "count", "time", "longest"} == set(h) - {"bucket"}, h
        assert h["longest"] <= h["time"], h
    irq = [h for h in found if (h["cpu"], h["kind"]) == (1, "irq")][0]
    assert irq["count"] > 0, irq
    assert any(b["from"] <= irq["longest"] < 2 * b["from"] for b in irq["bucket"]), irq


@kst.test
def zone_get():
    zones = ynl("--dump", "zone-get")
    assert zones
    for zone in zones:
        assert set(zone) == {"time-boot", "zone"}, zone
        assert set(zone["zone"]) - {"reserved"} == ZONE, zone
        assert zone["zone"]["state"] in ("ok", "high", "low", "min"), zone
        assert zone["zone"]["min"] <= zone["zone"]["low"] <= zone["zone"]["high"], zone


@kst.test
def memory_get():
    memory = ynl("--do", "memory-get")
    assert set(memory) - {"missing"} == MEMORY, set(memory) ^ MEMORY
    assert set(memory["reclaim"]) == RECLAIM, memory
    assert memory["page-size"] == os.sysconf("SC_PAGESIZE")
    with open("/proc/sys/vm/max_map_count", encoding="ascii") as file:
        assert memory["max-map-count"] == int(file.read())


@kst.test
def vma_get():
    until(lambda: ynl("--do", "memory-get")["sweeps"], "no sweep")
    kept, every = ynl("--dump", "vma-get"), ynl("--dump", "vma-get", attrs={"all": True})
    assert kept and {1, os.getpid()} <= {one["task"]["tgid"] for one in every}, (kept, every)
    for one in kept + every:
        assert set(one) == {"time-boot", "task", "vma"}, one
        assert {"count", "limit", "state"} <= set(one["vma"]), one
        assert set(one["vma"]) <= {"count", "limit", "state", "growth", "time-to-limit"}, one
        assert one["vma"]["state"] == "ok", one
    # One that unmaps has a growth below zero.
    assert all(abs(one["vma"].get("growth", 0)) < 1 << 32 for one in kept + every)


@kst.test
def reclaim_get():
    for one in ynl("--dump", "reclaim-get"):
        assert set(one) == {"cpu", "scope", "count", "time", "longest", "bucket"}, one
        assert one["scope"] in ("global", "memcg"), one


@kst.test
def event_get_of_what_is_to_come():
    assert ynl("--dump", "event-get", attrs={"since": 1 << 40}) == []


def listened():
    """What a listener gets in two seconds. How long it takes until it listens is unknown, so stalls
    are caused until it ends."""
    # Not into a pipe: what the host's noise adds may be more than one holds.
    with restored(), tempfile.TemporaryFile("w+") as out, subprocess.Popen(
            [os.path.join(YNL, "cli.py"), *SPEC, "--output-json", "--subscribe", "events",
             "--sleep", "2"], stdout=out) as listener:
        ynl("--do", "tunable-set", attrs=setting(rate=0))
        end = time.monotonic() + PATIENCE
        while listener.poll() is None:
            if time.monotonic() > end:
                listener.kill()
            kst.inject(1, 60)
            time.sleep(0.3)
        out.seek(0)
        printed.append(out.read())
    assert listener.returncode == 0, (listener.returncode, printed[-1])
    return json.loads(printed[-1])


@kst.test
def subscribe_to_events():
    for _ in range(TRIES):
        events = listened()
        assert all(event["name"] == "event-ntf" for event in events), events
        mine = [e["msg"] for e in events if culprit(e["msg"])]
        if mine:
            break
    assert mine, events
    assert all(map(told, mine)), mine
    assert mine[0]["task"]["pid"] == os.getpid()


@kst.test
def no_address_is_in_any_output():
    assert any("inject_irq_off_inner" in text for text in printed)
    for text in printed:
        assert not re.search("0xffff|ffffffff[0-9a-f]{8}", text), text


kst.load_injector()
kst.run()
