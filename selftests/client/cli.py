#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# The words that the client takes and those that it does not, and where its output can't go.

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import clientlib as c
import kst

OPTIONS = {
    "monitor": ("--count", "--timeout", "--since", "--rcvbuf"),
    "history": ("--since",),
    "stalls": ("--count",),
    "zones": ("--watch",),
    "tasks": ("--count", "--sort", "--watch"),
}
NO_WHOLE_NUMBERS = ("--timeout", "--sort", "--watch")

# No whole number from 1 on is written like this.
NO_NUMBER = ("", " ", "-1", "+1", "many", "5x", " 5", "5 ", "0x10", "1e3", "1.5", "5,5")
SOME_OF_THEM = ("", "-1", "5x")  # an exec costs much in an emulated VM
TOO_LARGE = "18446744073709551616"
NO_SECONDS = ("", ".", "-1", "+1", "5x", "0x10", "1e3", "1.2.3", "5,5", "inf", "nan",
              "99999999999999999999")


def version():
    with open(os.path.join(os.environ["KST_TOP"], "dkms.conf"), encoding="ascii") as file:
        return re.search(r'^PACKAGE_VERSION="(.*)"', file.read(), re.M).group(1)


def help_of(verb):
    def case():
        text = c.succeeds(verb, "--help")
        assert text.startswith("Usage: kstallmon " + ("VERB" if verb == "help" else verb)), text
        assert re.search(r"^Example: ", text, re.M), text
        assert re.search(r"^ {2}(sudo )?kstallmon \w+|^Example: kstallmon \w+", text, re.M), text
        assert c.succeeds(verb, "-h") == text
        assert c.succeeds("help", verb) == text
    case.__name__ = f"help_of_{verb}"
    return case


for v in c.VERBS:
    kst.test(help_of(v))


@kst.test
def help_lists_every_verb():
    text = c.succeeds("help")
    for verb in c.VERBS:
        assert re.search(rf"^  {verb} +\w", text, re.M), (verb, text)
    for same in (("--help",), ("-h",)):
        assert c.succeeds(*same) == text


@kst.test
def help_comes_before_what_is_wrong_behind_it():
    assert c.succeeds("monitor", "--help", "junk", "--nonsense") == c.succeeds("help", "monitor")


@kst.test
def no_verb():
    c.refused(says=r"no verb given.*kstallmon help")


@kst.test
def an_unknown_verb_is_answered_with_the_nearest():
    for wrong, right in (("monitr", "monitor"), ("histroy", "history"), ("stat", "status"),
                         ("gte", "get"), ("versions", "version")):
        c.refused(wrong, says=rf"'{wrong}'.*did you mean '{right}'")
    c.refused("help", "monitr", says=r"'monitr'.*did you mean 'monitor'")


@kst.test
def an_unknown_verb_like_none_has_no_nearest():
    for wrong in ("xyzzyx", "", "a" * 5000):
        done = c.run(wrong)
        c.is_error(done, "see 'kstallmon help'")
        assert "did you mean" not in done.stderr, done


@kst.test
def what_was_typed_is_harmless_in_the_error():
    done = c.run("\033[31m\nbad\x7f\\")
    c.is_error(done, re.escape(r"\x1b[31m\x0abad\x7f\x5c"))
    assert done.stderr.rstrip("\n").isprintable(), done


@kst.test
def an_unknown_option():
    for verb in c.VERBS:
        for option in ("--nonsense=5", "-x"):
            c.refused(verb, option, says=rf"^kstallmon: {verb}: .*{option}")


@kst.test
def an_option_without_its_argument():
    for verb, options in OPTIONS.items():
        for option in options:
            c.refused(verb, option, says=rf"{verb}: .*'{option}' needs an argument")
    for verb in ("monitor", "stalls", "tasks"):
        c.refused(verb, "-n", says="'-n' needs an argument")


@kst.test
def an_argument_for_an_option_that_takes_none():
    for verb in ("monitor", "history", "stalls", "status", "zones", "tasks", "get", "verify"):
        c.refused(verb, "--json=yes", says=rf"{verb}: .*'--json=yes' takes no argument")


@kst.test
def an_argument_too_many():
    for words in (("monitor", "junk"), ("monitor", "--timeout", "1", "junk"), ("history", "junk"),
                  ("stalls", "junk"), ("status", "junk"), ("zones", "junk"), ("tasks", "junk"),
                  ("verify", "junk"), ("get", "threshold", "junk"), ("version", "junk"),
                  ("help", "monitor", "junk")):
        c.refused(*words, says="'junk'")


@kst.test
def a_word_where_a_whole_number_belongs():
    for verb, options in OPTIONS.items():
        for option in options:
            if option not in NO_WHOLE_NUMBERS:
                for bad in NO_NUMBER if option == "--count" else SOME_OF_THEM:
                    c.refused(verb, option, bad,
                              says=rf"{option}: '{re.escape(bad)}' is not a number")
    c.refused("monitor", "-n", "many", says="'many' is not a number")


@kst.test
def a_number_out_of_an_options_range():
    for verb, options in OPTIONS.items():
        for option in options:
            if option not in NO_WHOLE_NUMBERS:
                for bad in ("0", TOO_LARGE):
                    c.refused(verb, option, bad, says=rf"{option}: {bad} is out of range, 1 to \d+")
    c.refused("monitor", "--rcvbuf", "4294967296", says="out of range")


@kst.test
def a_time_that_is_no_number_of_seconds():
    for bad in NO_SECONDS:
        c.refused("monitor", "--timeout", bad,
                  says=rf"--timeout: '{re.escape(bad)}' is not a number of seconds")
    for verb in ("zones", "tasks"):
        for bad in SOME_OF_THEM:
            c.refused(verb, "--watch", bad,
                      says=rf"{verb}: --watch: '{re.escape(bad)}' is not a number of seconds")
        for bad in ("0", "0.0", ".009"):
            c.refused(verb, "--watch", bad, says=rf"{verb}: --watch: {bad} is out of range, 0.01 to")


@kst.test
def an_order_that_there_is_not():
    for bad in ("", "Count", "size", "pids"):
        c.refused("tasks", "--sort", bad, says=rf"--sort: '{bad}' is none of count, growth, left, pid")


@kst.test
def versions_of_client_and_module():
    expected = f"kstallmon {version()}\nmodule {version()}\n"
    assert c.succeeds("version") == expected
    assert c.succeeds("--version") == expected
    assert c.succeeds("-V") == expected


# Where output can't go. monitor has an event to print.

PRINTING = ("monitor --since 1 --count 1", "history --json", "stalls", "stalls --json", "status",
            "zones", "zones --json", "zones --watch 1", "tasks --all", "tasks --all --json",
            "get --json", "version", "help", "monitor --help")


def have_events():
    """More than a pipe holds. The ends of stalls have a quarter of the history."""
    for _ in range(10):
        if len(c.succeeds("history")) > 70000:
            return
        c.storm(200)
    raise AssertionError(len(c.succeeds("history")))


def shell(script):
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True,
                          timeout=c.PATIENCE, check=False)


@kst.test
def a_full_disk_is_an_error():
    have_events()
    for words in PRINTING:
        c.is_error(shell(f"kstallmon {words} >/dev/full"), "can't write.* to standard output")


@kst.test
def so_is_one_that_gets_full_before_the_end():
    # Buffered by lines, it is the first write that fails and not the last.
    for words in PRINTING:
        c.is_error(shell(f"stdbuf --output=L kstallmon {words} >/dev/full"),
                   "can't write.* to standard output")


@kst.test
def a_closed_standard_output_is_an_error():
    for words in (*PRINTING, "set rate=10"):
        c.is_error(shell(f"kstallmon {words} >&-"), "standard output is closed")


@kst.test
def a_standard_output_only_for_reading_is_an_error():
    for words in PRINTING:
        c.is_error(shell(f"kstallmon {words} 1</dev/null"), "can't write.* to standard output")


@kst.test
def closed_standard_input_and_error_do_not_matter():
    done = shell("kstallmon get <&- 2>&-")
    assert done.returncode == 0 and done.stdout == c.succeeds("get"), done
    # An error has nowhere to go, least of all into a socket.
    done = shell("kstallmon get nonsense 2>&-")
    assert done.returncode == 1 and not done.stdout and not done.stderr, done


@kst.test
def a_reader_that_has_seen_enough_is_no_error():
    have_events()
    for words in ("history", "history --json", "monitor --since 1 --timeout 60",
                  "monitor --json --since 1 --timeout 60", "zones --watch .1",
                  "zones --json --watch .1", "tasks --watch .1", "tasks --json --all --watch .1"):
        done = shell(f"kstallmon {words} | head -n 1; echo ${{PIPESTATUS[*]}}")
        assert not done.stderr, done
        lines = done.stdout.splitlines()
        assert len(lines) == 2 and lines[1] == "0 0", (words, done)


@kst.test
def a_reader_that_never_reads_is_no_error():
    for words in ("status", "help"):
        # "true" is gone before the client prints.
        done = shell(f"{{ sleep 1; kstallmon {words}; }} | true; echo ${{PIPESTATUS[*]}}")
        assert done.stdout == "0 0\n" and not done.stderr, (words, done)


kst.run()
