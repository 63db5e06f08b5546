#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# Tasks name themselves as they like. No name gets at the reader's terminal, none breaks JSON.

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


def event_of(pid, first):
    return [e for e in kst.history(first + 1) if e["task"]["pid"] == pid][0]


def case(what, name):
    def run():
        with c.silence():
            first = kst.numbered()
            pid = c.stall_as(name)
            event = event_of(pid, first)
            utf8 = c.run("history", "--since", event["seq"], text=False)
            ascii_only = c.run("history", "--since", event["seq"], text=False,
                               env={"LC_ALL": "C"})
            json_text = c.run("history", "--json", "--since", event["seq"], text=False).stdout
            live = c.run("monitor", "--since", event["seq"], "-n", "1", text=False).stdout

        # Each byte that belongs to no character is replaced by itself.
        as_json = re.sub("[\udc80-\udcff]", "\ufffd", name.decode("utf-8", "surrogateescape"))
        assert event["task"]["comm"] == as_json, event
        # Nothing that a terminal obeys, whatever its character set.
        for text in (utf8.stdout, ascii_only.stdout, json_text, live):
            shown = text.decode()
            assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown), shown
            assert "\u202e" not in shown or text is json_text, shown
        assert ascii_only.stdout.isascii()

        for done, is_utf8 in ((utf8, True), (ascii_only, False)):
            line = [text for text in done.stdout.decode().splitlines()
                    if text.startswith(f"#{event['seq']} ")][0]
            assert f", task {escaped(name, is_utf8)}/{pid}" in line, (line, name)
        assert live.splitlines()[0] == utf8.stdout.splitlines()[0]
    run.__name__ = what
    return run


for k, n in NAMES.items():
    kst.test(case(k, n))

kst.run()
