# SPDX-License-Identifier: GPL-2.0
"""What the tests about memory share: the module's answers by the kernel's ynl library, from the
spec alone; settings of the kernel; and a process that takes memory."""

import contextlib
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
import kst

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(kst.BUILD, "ksrc/tools/net/ynl"))
import cli
import lib.ynl

PATIENCE = 600

_SPEC = os.path.join(os.environ["KST_TOP"], "module/uapi/kstallmon.yaml")


# The spec is checked against its schema by ../interop, which takes long.
_family = [cli.YnlFamily(_SPEC, schema="")]


def load(*params):
    """Load the module. It gets another family number than the one before."""
    kst.load(*params)
    lib.ynl.genl_family_name_to_id = None  # its cache
    _family[0] = cli.YnlFamily(_SPEC, schema="")


def ask(command):
    """What the module answers to a request of one message."""
    return _family[0].do(command, {})


def dump(command, **attrs):
    """What the module answers to a request of many messages."""
    return _family[0].dump(command, attrs)


def events(since, *kinds):
    """The events of these types numbered after `since`, oldest first."""
    kst.settle()
    return [e for e in dump("event-get", since=since + 1) if e["type"] in kinds]


def until(condition, what):
    """Ask until the answer is true, and return it. This bounds only how long a test that fails
    takes."""
    end = time.monotonic() + PATIENCE
    while not (answer := condition()):
        assert time.monotonic() < end, what
        time.sleep(0.02)
    return answer


def sysctl(name, value=None):
    """A setting of the kernel, or set it."""
    path = os.path.join("/proc/sys/vm", name)
    if value is not None:
        with open(path, "w", encoding="ascii") as file:
            file.write(str(value))
    with open(path, encoding="ascii") as file:
        return file.read().strip()


@contextlib.contextmanager
def sysctls(**values):
    """Settings of the kernel for the time of a with block."""
    before = {name: sysctl(name) for name in values}
    try:
        for name, value in values.items():
            sysctl(name, value)
        yield
    finally:
        for name, value in before.items():
            sysctl(name, value)


class Hog:
    """A process that takes pages of a node when it is told to, and holds them until the end."""

    def __init__(self, node, mib):
        self._process = subprocess.Popen([os.path.join(HERE, "hog"), str(node), str(mib)],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self._process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def take(self, pages):
        """Take as many more. Returns how many it has."""
        self._process.stdin.write(f"{pages}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"the hog is gone: {self._process.wait()}"
        return int(answer)

    def end(self):
        """Give all back."""
        self._process.communicate()
