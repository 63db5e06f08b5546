#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The counting of results: a run that broke off, forgot something or lied must not look good."""

import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../kselftest"))
import ksft  # noqa: E402, staged beside this collection

TOP = os.environ.get("KST_TOP") or os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
KTAP = os.path.join(TOP, "selftests/vm/ktap")

GOOD = """TAP version 13
1..2
# timeout set to 45
# selftests: net: a
# TAP version 13
# 1..2
# # Starting 2 tests from 1 test cases.
# #  RUN           global.x ...
# #            OK  global.x
# ok 1 global.x
# ok 2 global.y
# # Totals: pass:2 fail:0 xfail:0 xpass:0 skip:0 error:0
ok 1 selftests: net: a
# selftests: net: b.sh
# just text
ok 2 selftests: net: b.sh
"""

# name, KTAP, arguments, last line, a text that must be in the output
CASES = [
    ("subtests count, and tests without any", GOOD, [], "3 passed, 0 failed", ""),
    ("a failed subtest, not its program too", GOOD.replace("# ok 2", "# # why\n# not ok 2").replace(
        "ok 1 selftests: net: a", "not ok 1 selftests: net: a # exit=1"), [],
     "2 passed, 1 failed", "FAILED net: a: global.y\n"),
    ("its diagnostics are shown", GOOD.replace("# ok 2", "# # because of that\n# not ok 2"), [],
     "2 passed, 1 failed", "because of that"),
    ("a skipped subtest", GOOD.replace("global.y", "global.y # SKIP no such thing"), [],
     "2 passed, 0 failed, 1 skipped", ""),
    ("a skipped program", GOOD.replace("b.sh\n", "b.sh # SKIP\n"), [],
     "2 passed, 0 failed, 1 skipped", ""),
    ("a program that skips all", GOOD.replace("# just text", "# TAP version 13\n# 1..0 # SKIP why"), [],
     "2 passed, 0 failed, 1 skipped", ""),
    ("a crash between subtests", GOOD[:GOOD.index("# ok 2")], [],
     "1 passed, 3 failed", "FAILED net: a: (ended early): test 2 of 2 is missing"),
    ("a crash between programs", GOOD[:GOOD.index("# selftests: net: b.sh")], [],
     "2 passed, 1 failed", "a planned test is missing"),
    ("a program that dies between subtests", GOOD.replace("# ok 2 global.y\n", "").replace(
        "ok 1 selftests: net: a", "not ok 1 selftests: net: a # exit=139"), [],
     "2 passed, 1 failed", "test 2 of 2 is missing"),
    ("a program that dies after its subtests", GOOD.replace(
        "ok 1 selftests: net: a", "not ok 1 selftests: net: a # exit=139"), [],
     "3 passed, 1 failed", "FAILED net: a: exit=139"),
    ("a program that ends too early with 0", GOOD.replace("# ok 2 global.y\n", ""), [],
     "2 passed, 1 failed", "test 2 of 2 is missing"),
    ("a timeout", GOOD.replace("ok 2 selftests: net: b.sh",
                               "not ok 2 selftests: net: b.sh # TIMEOUT 45 seconds"), [],
     "2 passed, 1 failed", "FAILED net: b.sh: TIMEOUT 45 seconds"),
    ("no plan in a program", GOOD.replace("# 1..2\n", ""), [], "3 passed, 1 failed", "no plan"),
    ("a plan behind the results", GOOD.replace("# 1..2\n", "").replace("# # Totals", "# 1..2\n# # Totals"), [],
     "3 passed, 0 failed", ""),
    ("more results than planned", GOOD.replace("# 1..2\n", "# 1..1\n"), [],
     "3 passed, 1 failed", "1 more results than planned"),
    ("bail out", GOOD.replace("# ok 2 global.y", "# Bail out! no memory"), [],
     "2 passed, 2 failed", "bail out: no memory"),
    ("two levels of subtests", GOOD.replace(
        "# ok 2", "# # TAP version 13\n# # 1..2\n# # ok 1 deep\n# # not ok 2 deeper\n# ok 2"), [],
     "3 passed, 1 failed", "FAILED net: a: global.y: deeper"),
    ("indented subtests", GOOD.replace(
        "# ok 2", "#   KTAP version 1\n#   1..2\n#   ok 1 deep\n#   ok 2 deeper\n# ok 2"), [],
     "4 passed, 0 failed", ""),
    ("a note that quotes a result", GOOD.replace("# ok 2", "# # not ok 7 quoted\n# ok 2"), [],
     "3 passed, 0 failed", ""),
    ("nothing at all", "", [], "0 passed, 1 failed", "no results at all"),
    ("a collection without results", GOOD, ["--expect", "net cli"], "3 passed, 1 failed",
     "FAILED cli: no results at all"),
    ("a VM that died with all results in", GOOD, ["--trouble", "net: vm: failed: splat"],
     "3 passed, 1 failed", "FAILED net: vm: failed: splat"),
    ("a staged test that did not run", GOOD, ["--expect", "net", "--list", "LIST"],
     "3 passed, 1 failed", "FAILED net: c: no result"),
    ("a staged test is named, not counted twice", GOOD.replace("1..2\n# timeout", "1..3\n# timeout"),
     ["--expect", "net", "--list", "LIST"], "3 passed, 1 failed", "FAILED net: c: no result"),
]


def check(name, text, args, last, contained, directory):
    """Runs the counter over one text; says what is wrong with the answer, or nothing."""
    listed = os.path.join(directory, "list")
    with open(listed, "w") as file:
        file.write("net:a\nnet:b.sh\nnet:c\nother:d\n")
    args = [listed if arg == "LIST" else arg for arg in args]
    run = subprocess.run([KTAP, *args], input=text, capture_output=True, text=True)
    if run.stdout.splitlines()[-1:] != [last]:
        return f"last line is not '{last}'", run
    if contained not in run.stdout:
        return f"'{contained}' is missing", run
    if run.returncode != (0 if " 0 failed" in last else 1):
        return f"exit status {run.returncode}", run
    return None, run


def main():
    ksft.print_header()
    ksft.set_plan(len(CASES))
    with tempfile.TemporaryDirectory() as directory:
        for case in CASES:
            wrong, run = check(*case, directory)
            if wrong:
                for line in [wrong, *(run.stdout + run.stderr).splitlines()]:
                    # Marked, so that the quoted lines can't be taken for results of ours.
                    ksft.print_msg("| " + line)
            ksft.test_result(not wrong, case[0])
    ksft.finished()


main()
