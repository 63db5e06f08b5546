#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
# The module out of reach, and tunables as they must not be: each has its error, nothing changes.

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import clientlib as c
import kst

IN_OTHER_NETNS = ("unshare", "--net")
WITHOUT_CAPABILITY = ("setpriv", "--bounding-set", "-sys_admin")
ROOT_OF_A_USER_NAMESPACE = ("unshare", "--user", "--map-root-user")
NOBODY = 65534


def described():
    """The tunables that are numbers, as the module describes them."""
    return [t for t in c.objects(c.succeeds("get", "--json")) if "value" in t]


def with_files(**texts):
    """A prefix that runs what follows where these files have these texts, in a mount namespace."""
    script = "".join(f"""
        mkdir -p "$(dirname {path})" && mount -t tmpfs none "$(dirname {path})" &&
        echo '{text}' >{path} || exit 99
        """ for path, text in texts.items())
    return ("unshare", "--mount", "sh", "-c", script + 'exec "$@"', "sh")


INSTALLED = {f"/lib/modules/{os.uname().release}/modules.dep": "updates/dkms/kstallmon.ko.xz:"}
LOCKDOWN = "/sys/kernel/security/lockdown"
ENFORCE = "/sys/module/module/parameters/sig_enforce"


@kst.test
def the_module_is_not_loaded_nor_installed():
    kst.unload()
    try:
        for words in c.ASKING:
            c.refused(*words, says=rf"^kstallmon: {words[0]}: the module is not loaded, and not "
                      rf"installed for this kernel: .*linux-headers-{re.escape(os.uname().release)}"
                      r".*dkms autoinstall.*modprobe kstallmon")
        assert not kst.loaded()
    finally:
        kst.load()


@kst.test
def the_module_is_installed_but_not_loaded():
    kst.unload()
    try:
        for words in c.ASKING:
            c.refused(*words, prefix=with_files(**INSTALLED),
                      says=rf"^kstallmon: {words[0]}: .*is kstallmon.ko loaded\? modprobe")
    finally:
        kst.load()


@kst.test
def the_module_is_installed_and_the_kernel_takes_signed_ones_only():
    signed = r"^kstallmon: status: .*not loaded.*signed modules only.*modprobe.*mokutil --import"
    kst.unload()
    try:
        for path, text in ((LOCKDOWN, "none [integrity] confidentiality"),
                           (LOCKDOWN, "none integrity [confidentiality]"), (ENFORCE, "Y")):
            c.refused("status", prefix=with_files(**INSTALLED, **{path: text}), says=signed)
        for path, text in ((LOCKDOWN, "[none] integrity confidentiality"), (ENFORCE, "N")):
            c.refused("status", prefix=with_files(**INSTALLED, **{path: text}),
                      says="is kstallmon.ko loaded")
    finally:
        kst.load()


def of_another_release(name):
    """A client that was built with another release or protocol than the module's."""
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), name)


@kst.test
def the_module_speaks_another_version_of_the_protocol():
    for client, mine, what in (("client-0", 0, "install the client that came with the module"),
                               ("client-2", 2, "install the module that came with the client")):
        for words in c.ASKING:
            done = subprocess.run([of_another_release(client), *words], capture_output=True,
                                  text=True, timeout=c.PATIENCE, check=False)
            c.is_error(done, rf"^kstallmon: {words[0]}: the module speaks version 1 of the "
                       rf"protocol, this client version {mine}: {what}")
        done = subprocess.run([of_another_release(client), "version"], capture_output=True,
                              text=True, timeout=c.PATIENCE, check=False)
        assert re.search(rf"^kstallmon: version: .*version 1 .* version {mine}: {what}.*\n$",
                         done.stderr) and not done.returncode, done


@kst.test
def the_module_is_of_another_release():
    done = subprocess.run([of_another_release("client-1"), "version"], capture_output=True,
                          text=True, timeout=c.PATIENCE, check=False)
    assert not done.returncode and done.stdout.startswith("kstallmon 0.0.1\nmodule "), done
    assert re.fullmatch(r"kstallmon: version: client and module are of different releases: .*"
                        r"'modprobe kstallmon'\n", done.stderr), done
    # It works all the same: what either does not know is passed over.
    done = subprocess.run([of_another_release("client-1"), "status"], capture_output=True,
                          text=True, timeout=c.PATIENCE, check=False)
    assert not done.returncode and not done.stderr, done


@kst.test
def the_version_without_the_module():
    kst.unload()
    try:
        client, module = c.succeeds("version").splitlines()
        assert client.startswith("kstallmon "), client
        assert module == "module not loaded", module
    finally:
        kst.load()


@kst.test
def help_needs_no_module():
    kst.unload()
    try:
        for verb in c.VERBS:
            c.succeeds(verb, "--help")
    finally:
        kst.load()


@kst.test
def not_in_the_initial_network_namespace():
    with c.unchanged():
        for words in c.ASKING:
            c.refused(*words, prefix=IN_OTHER_NETNS,
                      says=rf"^kstallmon: {words[0]}: .*loaded.*initial network namespace")
    text = c.succeeds("version", prefix=IN_OTHER_NETNS)
    assert "\nmodule loaded, but out of reach from this network namespace\n" in text, text


@kst.test
def neither_loaded_nor_in_the_initial_network_namespace():
    kst.unload()
    try:
        c.refused("status", prefix=IN_OTHER_NETNS, says="the module is not loaded")
    finally:
        kst.load()


@kst.test
def no_permission_as_nobody():
    def be_nobody():
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)

    # A copy, because nobody may not be allowed to enter the checkout.
    with tempfile.TemporaryDirectory() as directory, c.unchanged():
        os.chmod(directory, 0o755)
        client = os.path.join(directory, "kstallmon")
        shutil.copy(shutil.which("kstallmon"), client)
        os.chmod(client, 0o755)

        def as_nobody(*words):
            return subprocess.run([client, *words], capture_output=True, text=True, cwd="/",
                                  timeout=c.PATIENCE, check=False, preexec_fn=be_nobody)

        for words in c.ASKING:
            c.is_error(as_nobody(*words),
                       rf"^kstallmon: {words[0]}: no permission: needs CAP_SYS_ADMIN")
        done = as_nobody("version")
        assert done.returncode == 0 and not done.stderr, done
        assert "\nmodule loaded (only root may ask for its version)\n" in done.stdout, done


@kst.test
def no_permission_as_root_without_the_capability():
    with c.unchanged():
        for words in c.ASKING:
            c.refused(*words, prefix=WITHOUT_CAPABILITY, says=rf"{words[0]}: no permission")


@kst.test
def no_permission_as_root_of_a_user_namespace():
    with c.unchanged():
        for words in c.ASKING:
            c.refused(*words, prefix=ROOT_OF_A_USER_NAMESPACE, says=rf"{words[0]}: no permission")


@kst.test
def no_permission_hides_whether_a_tunable_exists():
    for words in (("get", "treshold"), ("set", "treshold=5"), ("set", "threshold=0")):
        done = c.run(*words, prefix=WITHOUT_CAPABILITY)
        c.is_error(done, "no permission")
        assert "did you mean" not in done.stderr and ".." not in done.stderr, done


@kst.test
def an_unknown_tunable_is_answered_with_the_nearest():
    with c.unchanged():
        for wrong, right in (("treshold", "threshold"), ("perod", "period"), ("hist", "history"),
                             ("History", "history"), ("slacks", "slack")):
            says = rf"no tunable '{wrong}': did you mean '{right}'"
            c.refused("get", wrong, says=says)
            c.refused("set", f"{wrong}=5", says=says)
        c.refused("get", "--json", "treshold", says="did you mean 'threshold'")


@kst.test
def an_unknown_tunable_like_none_has_no_nearest():
    with c.unchanged():
        for wrong in ("a" * 31, "a" * 32, "a" * 1000):
            for words in (("get", wrong), ("set", f"{wrong}=5")):
                done = c.run(*words)
                c.is_error(done, rf"no tunable '{wrong}': 'kstallmon get' lists them")
                assert "did you mean" not in done.stderr, done
        c.refused("get", "", says="no tunable '': 'kstallmon get' lists them")


@kst.test
def a_name_too_long_for_a_message():
    with c.unchanged():
        for words in (("get", "a" * 100000), ("set", "a" * 100000 + "=5")):
            c.refused(*words, says="too long|too much|no tunable")


@kst.test
def set_without_anything():
    c.refused("set", says="nothing to set.*NAME=VALUE")


@kst.test
def a_setting_without_name_or_value():
    with c.unchanged():
        for bad in ("threshold", "=5", "=", ""):
            c.refused("set", bad, says=rf"'{bad}' is not NAME=VALUE")
        c.refused("set", "threshold=", says="threshold: '' is not a number")


@kst.test
def a_value_that_is_no_number():
    with c.unchanged():
        for bad in ("five", "-1", "+5", "5ms", " 5", "5 ", "0x10", "5.0", "1e3", "=5", "5=5"):
            c.refused("set", f"threshold={bad}", says=rf"threshold: '{bad[:1]}.*is not a number"
                      .replace("+", r"\+"))


@kst.test
def a_value_out_of_range_is_answered_with_the_range():
    with c.unchanged():
        for t in described():
            says = rf"set: {t['name']} must be {t['min']}\.\.{t['max']} {t['unit']}$"
            for bad in (t["max"] + 1, 2**32 + t["min"], 2**64 - 1):
                c.refused("set", f"{t['name']}={bad}", says=says)
            if t["min"]:
                c.refused("set", f"{t['name']}={t['min'] - 1}", says=says)
    c.refused("set", "threshold=0", says=r"threshold must be 1\.\.60000 ms")


@kst.test
def a_value_beyond_64_bits():
    with c.unchanged():
        for bad in (2**64, 10**30):
            c.refused("set", f"threshold={bad}", says=rf"threshold: {bad} is too large")


@kst.test
def one_bad_setting_of_several_and_none_is_set():
    bad = ("threshold=0", "threshold=60001", "treshold=5", "threshold=five", "threshold=",
           "threshold")
    with c.unchanged():
        for wrong in bad:
            for words in ((wrong, "period=5", "rate=7"), ("history=64", "period=5", wrong)):
                c.refused("set", *words, says="t(h)?reshold")


@kst.test
def the_same_tunable_twice_and_none_is_set():
    with c.unchanged():
        c.refused("set", "threshold=30", "threshold=40", says="twice")
        c.refused("set", "threshold=30", "period=5", "threshold=30", says="twice")


@kst.test
def a_text_that_the_module_does_not_take_is_answered_in_its_words():
    with c.unchanged():
        for bad in ("five", "-1", "0-", "0;1", "0=1", "99999", "0 x", "\xe4", "0," * 600 + "0"):
            c.refused("set", f"cpus={bad}", "threshold=33", says="set: (cpus must be|.*policy)")
        c.refused("set", "cpus=five", says=r"set: cpus must be auto or a list of .*CPUs like 0-3,8$")


@kst.test
def a_text_too_long_for_a_message():
    with c.unchanged():
        c.refused("set", "cpus=" + "0," * 20000, says="too much|too long|policy")


@kst.test
def limits_of_the_ranges_are_within():
    before = c.parameters()
    for t in described():
        with c.tuned():
            for value in (t["min"], t["max"]):
                assert c.succeeds("set", f"{t['name']}={value}") == ""
                assert c.parameters() == {**before, t["name"]: value}


@kst.test
def several_settings_at_once():
    before = c.parameters()
    with c.tuned():
        assert c.succeeds("set", "period=7", "threshold=33", "slack=123", "history=48",
                          "rate=5") == ""
        assert c.parameters() == {**before, "period": 7, "threshold": 33, "slack": 123,
                                  "history": 48, "rate": 5}
        assert kst.tunables() == c.parameters()


@kst.test
def numbers_and_text_at_once():
    with c.tuned():
        for cpus in ("0", "0-1", "1", "auto"):
            assert c.succeeds("set", "threshold=33", f"cpus={cpus}", "rate=5") == ""
            now = kst.tunables()
            assert (now["cpus"], now["threshold"], now["rate"]) == (cpus, 33, 5), now
            assert now == c.parameters()
            assert c.objects(c.succeeds("get", "--json", "cpus"))[0]["text"] == cpus
            watched = kst.cpus() if cpus == "auto" else [0, 1][int(cpus[0]):int(cpus[-1]) + 1]
            # Each CPU finds out by itself.
            c.until(lambda watched=watched: watched == [
                cpu["cpu"] for cpu in kst.status()["cpus"] if cpu["watched"]], kst.status())


@kst.test
def a_parameter_written_in_sysfs_is_what_get_tells():
    with c.tuned(threshold=47):
        assert json.loads(c.succeeds("get", "--json", "threshold"))["value"] == 47


kst.run()
