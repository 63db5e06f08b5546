#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A kernel that is locked down refuses the module, and the client says why it is not there."""

import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
import kst

TOP = os.environ["KST_TOP"]

# The module is not signed, as one that DKMS has built is not by a key that this kernel trusts.
GUEST = f"""
mount -t securityfs none /sys/kernel/security
echo "state $(cat /sys/kernel/security/lockdown)"
echo "insmod $(insmod {kst.MODULE} 2>&1)"
mount -t tmpfs none "/lib/modules/$(uname -r)"
echo updates/dkms/kstallmon.ko: >"/lib/modules/$(uname -r)/modules.dep"
echo "client $(kstallmon status 2>&1)"
"""


@kst.test
def the_client_tells_of_lockdown():
    done = subprocess.run(
        [os.path.join(TOP, "selftests/vm/run"), "--name", "check-lockdown", "--no-module",
         "--append", "lockdown=integrity", "--timeout", "300", "--", "sh", "-c", GUEST],
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout, done.stderr)
    state, insmod, *client = done.stdout.splitlines()
    assert "[integrity]" in state, state
    assert re.search("not permitted|rejected", insmod), insmod
    assert len(client) == 1, client
    assert re.match(r"client kstallmon: status: the module is not loaded.*signed modules only "
                    r"\(Secure Boot or lockdown\): modprobe.*mokutil --import", client[0]), client


kst.run()
