#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# The manual page against the programs it describes, so that neither goes on alone.

import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import clientlib as c
import kst

PAGE = os.path.join(kst.BUILD, "userspace/kstallmon.8")


def plain(roff):
    """The page's words: no fonts, no requests, no frames of tables, single blanks."""
    roff = re.sub(r"\\f[BIRP]", "", roff)
    roff = re.sub(r"\\(-|&)|\\\(aq", lambda m: {"-": "-", "&": ""}.get(m[1], "'"), roff)
    roff = re.sub(r"^\.(SH|SS) (.*)$", r"\n\2\n", roff, flags=re.M)
    roff = re.sub(r"^[.'].*$", "", roff, flags=re.M)
    return re.sub(r"\s+", " ", re.sub(r"T[{}]", " ", roff))


with open(PAGE, encoding="utf-8") as page:
    ROFF = page.read()


def section(name, kind="SH"):
    """The words of a section, or with SS of a part of one."""
    ends = "SH" if kind == "SH" else "S[HS]"
    found = re.search(rf"^\.{kind} {name}$(.*?)(?=^\.{ends} |\Z)", ROFF, re.M | re.S)
    assert found, f"no {name} in the page"
    return plain(found[1])


@functools.cache
def options(verb):
    """The options in the help of a verb."""
    return set(re.findall(r"(?<![\w-])--?[a-z]+", re.split(
        r"^Example", c.succeeds(verb, "--help"), flags=re.M)[0]))


@kst.test
def every_verb_has_its_part():
    for verb in c.VERBS:
        assert section(verb, "SS").strip(), verb
        assert f"kstallmon {verb}" in section("SYNOPSIS"), verb
    listed = re.findall(r"^  (\w+) ", c.succeeds("help"), re.M)
    assert set(re.findall(r"^\.SS (.*)$", ROFF, re.M)) >= set(listed) == set(c.VERBS), listed


@kst.test
def every_option_of_every_help_is_described():
    everywhere = {"-h", "--help"}  # described once, for all verbs
    assert re.search(r"-h, --help .*[Aa]ll verbs", section("VERBS"))
    for verb in c.VERBS:
        part = section(verb, "SS")
        for option in options(verb) - everywhere:
            assert re.search(rf"(?<![\w-]){option}(?!\w)", part), (verb, option)


@kst.test
def every_option_described_is_in_a_help():
    for verb in c.VERBS:
        described = set(re.findall(r"(?<![\w-])--?[a-z]+", section(verb, "SS")))
        # What is said of a verb may speak of another verb's option, but not of none's.
        known = set().union(*(options(v) for v in c.VERBS)) | {"--version", "--help", "-h"}
        assert described <= known, (verb, described - known)
        synopsis = re.search(rf"kstallmon {verb}(.*?)(?= kstallmon |$)", section("SYNOPSIS"))[1]
        assert set(re.findall(r"(?<![\w-])--?[a-z]+", synopsis)) <= options(verb), synopsis


@kst.test
def every_tunable_with_its_unit_range_and_default():
    jiffy = 10**6 // 250  # of Debian's kernels
    part = section("TUNABLES")
    tunables = c.objects(c.succeeds("get", "--json"))
    for t in tunables:
        if "text" in t:
            row = rf" {t['name']} {t['unit']} text {t['default-text']} \w"
            assert re.search(row, part), (row, part)
            continue
        default = rf"({t['default']}|one jiffy)" if t["default"] == jiffy else t["default"]
        row = rf" {t['name']} {re.escape(t['unit'])} {t['min']}\.\.{t['max']} {default} \w"
        assert re.search(row, part), (row, part)
    assert len(re.findall(r"\d+\.\.\d+", part)) == len([t for t in tunables if "min" in t]), part


@kst.test
def every_name_of_the_json():
    names = c.spec_names()
    events = section("JSON", "SS")
    for name in set().union(*(names[part] for part in ("event", "task", "stack", "zone", "reclaim",
                                                       "vma"))):
        assert re.search(rf"\b{name}\b", events), name
    status = section("status", "SS")
    for name in names["status"] | names["cpu"] | {"cpus"}:
        assert re.search(rf"\b{name}\b", status), name
    stalls = section("stalls", "SS")
    for name in names["histogram"] | names["bucket"] | {"histograms", "culprits"}:
        assert re.search(rf"\b{name}\b", stalls), name
    memory = section("zones", "SS") + section("tasks", "SS")
    for name in names["memory"] | names["reclaim-time"]:
        assert re.search(rf"\b{name}\b", memory), name
    for enum, enumerators in c.spec_enums().items():
        for name in enumerators:
            part = status if enum == "cpu-state" else events
            assert re.search(rf"\b{name}\b", part), name


@kst.test
def every_other_record_has_its_example():
    for record in c.objects("\n".join(
            plain(line).replace(":...", ":0")
            for line in re.findall(r'^\{"type".*\}$', ROFF, re.M))):
        assert record["type"] in ("lost", "module-gone", "module-back"), record
        expected = {"lost": {"type", "count", "from", "to", "instance"}}.get(
            record["type"], {"type", "instance", "time-boot", "time-real"})
        assert set(record) == expected, record
    assert len(re.findall(r'^\{"type".*\}$', ROFF, re.M)) == 3


@kst.test
def exit_statuses():
    found = re.findall(r"(?:^| )(\d) (\w+)", section("EXIT STATUS"))
    assert [status for status, _ in found] == ["0", "1", "2"], found


@kst.test
def what_it_depends_on_is_named():
    for name in ("NO_COLOR", "TZ"):
        assert re.search(rf"\b{name}\b", section("ENVIRONMENT")), name
    assert f"{kst.PARAMETERS}/" in section("FILES")


@kst.test
def examples_of_every_help_work():
    with c.silence():
        c.storm(5)
        for verb in c.VERBS:
            examples = re.findall(r"^  (?:sudo )?(kstallmon .*)$",
                                  c.succeeds(verb, "--help").partition("\nExample")[2], re.M)
            assert examples or verb == "help", verb
            for example in examples:
                example = re.sub(r"--watch \d+", "", example)
                # It needs stalls to be seen, and its own test has them.
                if verb != "verify":
                    run_example(re.sub(r"--timeout \d+", "--timeout 1", example))


@kst.test
def examples_of_the_page_work():
    examples = re.findall(r"^kstallmon .*$", ROFF.partition("\n.SH EXAMPLES\n")[2], re.M)
    assert len(examples) >= 3, examples
    with c.silence():
        c.storm(50)
        for example in examples:
            example = plain(example).strip()
            example = re.sub(r"--timeout \d+", "--timeout 1", example)
            example = re.sub(r"--watch \d+", "", example)
            if "monitor" in example and "--timeout" not in example:
                example = re.sub(r"kstallmon monitor", "kstallmon monitor --timeout 1", example)
            run_example(example)


def run_example(line):
    """A line of shell that must have no complaints, run where it may leave files."""
    before = kst.tunables()
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run(["bash", "-o", "pipefail", "-c", line], cwd=directory, text=True,
                              capture_output=True, timeout=c.PATIENCE, check=False)
    c.succeeds("set", *(f"{name}={value}" for name, value in before.items()))
    assert done.returncode == 0 and not done.stderr, (line, done)


def renderer():
    """A program that complains of what is wrong with a page; which one is there depends."""
    if shutil.which("mandoc"):
        return ["mandoc", "-T", "lint", "-W", "warning", PAGE]
    if shutil.which("groff"):
        return ["groff", "-man", "-t", "-Tutf8", "-K", "utf8", "-ww", "-z", PAGE]
    return None


@kst.test
def it_renders_without_warnings():
    command = renderer()
    if not command:
        kst.ksft.print_msg("neither mandoc nor groff is here: nothing but the page's form is seen")
        assert ROFF.rstrip().endswith("netlink(7)"), ROFF[-100:]
        return
    done = subprocess.run(command, capture_output=True, text=True, timeout=c.PATIENCE, check=False)
    # scdoc begins a paragraph before each heading and list, which nobody sees.
    complaints = [line for line in (done.stdout + done.stderr).splitlines()
                  if "skipping paragraph macro: PP" not in line]
    assert not complaints, complaints


@kst.test
def the_spec_is_installed_where_the_page_says():
    found = re.search(r"PREFIX(/share/\S+/kstallmon\.yaml)", section("FILES"))
    assert found, section("FILES")
    with tempfile.TemporaryDirectory() as root:
        # What is staged is what gets installed: "all" is not made again.
        done = subprocess.run(["make", "-C", os.path.join(os.environ["KST_TOP"], "userspace"),
                               "-o", "all", "install", f"BUILD={kst.BUILD}", f"DESTDIR={root}",
                               "PREFIX=/usr"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done
        installed = {os.path.join(directory, name)[len(root):]
                     for directory, _, files in os.walk(root) for name in files}
        spec = f"/usr{found[1]}"
        assert installed == {spec, "/usr/sbin/kstallmon", "/usr/share/man/man8/kstallmon.8",
                             "/usr/lib/systemd/system/kstallmon.service",
                             "/usr/share/bash-completion/completions/kstallmon"}, installed
        with open(root + spec, "rb") as copy, \
                open(os.path.join(os.environ["KST_TOP"], "module/uapi/kstallmon.yaml"),
                     "rb") as original:
            assert copy.read() == original.read()


kst.run()
