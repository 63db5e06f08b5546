#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# Tasks name themselves as they like. No name gets at the reader's terminal, none breaks JSON.

import functools
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import clientlib as c
import kst

NAMES = {
    "an_escape_sequence": b"\x1b[31;5mred\x1b[0m",
    "a_window_title": b"\x1b]0;title\x07",
    "control_characters": b"\x01\x02\b\t\n\v\f\r\x1f\x7f",
    "a_new_line_with_a_forged_event": b"a\n#1 cpu 0 irq",
    "quotes_and_backslashes": b"a\"b'c\\d\\\"e/f`$g",
    "what_looks_escaped_already": rb"\x1b[31m\u001b",
    "format_directives": b"%s%n%d%x%%%1$s",
    "invalid_utf8": b"\xff\xfe\x80a\xc3(b\xc0\xaf",
    "truncated_utf8": b"a\xe2\x82b\xf0\x9f\x98c\xc3",
    "surrogates_and_beyond": b"\xed\xa0\x80a\xf4\x90\x80\x80b",
    "utf8_that_is_printable": "äß→日本".encode(),
    "utf8_that_is_not": "\x9b31m\u202e\u200b".encode(),
    "brackets_and_commas": b"{\"x\":[1,2]},",
    "blanks": b"  a  b  ",
    "one_blank": b" ",
}


def escaped(name, utf8):
    """How text shows a name: printable characters as they are, the bytes of others as \\xNN."""
    shown = ""
    for char in name.decode("utf-8" if utf8 else "ascii", "surrogateescape"):
        if char.isprintable() and char != "\\" or char == " ":
            shown += char
        else:
            shown += "".join(f"\\x{b:02x}" for b in char.encode("utf-8", "surrogateescape"))
    return shown


@functools.cache
def told():
    """A stall in a task of each name, as the client tells of it: pids, JSON objects, outputs."""
    first, whats, pids = kst.numbered() + 1, {}, {}
    with c.tuned(rate=0):
        for _ in range(c.TRIES):
            whats |= {c.stall_as(NAMES[what]): what for what in NAMES.keys() - pids.keys()}
            kst.settle()
            pids = {whats[e["task"]["pid"]]: e["task"]["pid"] for e in c.ends(kst.history(first))
                    if e["task"]["pid"] in whats and c.injected(e)}
            if pids.keys() == NAMES.keys():
                break
    with c.silence():
        return pids, kst.history(first), {
            "text": bytes_of("history", first),
            "ascii": bytes_of("history", first, LC_ALL="C"),
            "json": bytes_of("history", first, "--json"),
            "live": bytes_of("monitor", first, "--timeout", "0"),
        }


def bytes_of(verb, since, *options, **env):
    done = c.run(verb, "--since", since, *options, env=env, text=False)
    assert done.returncode == 0 and not done.stderr, done
    return done.stdout


def case(what, name):
    def run():
        pids, events, outputs = told()
        assert what in pids, c.ends(events)[-9:]
        event = [e for e in c.ends(events) if e["task"]["pid"] == pids[what] and c.injected(e)][0]
        # Each byte that belongs to no character is replaced by itself.
        replaced = re.sub("[\udc80-\udcff]", "\ufffd", name.decode("utf-8", "surrogateescape"))
        assert event["task"]["comm"] == replaced, event
        for output, utf8 in (("text", True), ("ascii", False), ("live", True)):
            line = [text for text in outputs[output].decode("utf-8", "replace").split("\n")
                    if text.startswith(f"#{event['seq']} ")][0]
            assert f", task {escaped(name, utf8)}/{pids[what]}" in line, (line, name)
    run.__name__ = what
    return run


for k, n in NAMES.items():
    kst.test(case(k, n))


@kst.test
def nothing_in_any_output_that_a_terminal_obeys():
    for name, output in told()[2].items():
        text = output.decode()
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text), (name, text)
        assert name == "json" or "\u202e" not in text, (name, text)
        assert name != "ascii" or text.isascii(), text


@kst.test
def every_line_is_a_record():
    _, events, outputs = told()
    assert [json.loads(line) for line in outputs["json"].splitlines()] == events
    for name in ("text", "ascii", "live"):
        lines = outputs[name].decode().splitlines()
        heads = [line.split()[0] for line in lines if not line.startswith("  ")]
        assert heads == [f"#{e['seq']}" for e in events], heads


kst.run()
