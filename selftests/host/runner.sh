#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The VM runner says "passed" only of what passed: every way to fail is tried.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

run=$KST_TOP/selftests/vm/run
# Names of our own: a developer's VMs run at the same time.
name=runner-$$
trap 'rm -rf "$tmp" "$KST_BUILD/vm/$name"*' EXIT

# Starts a VM in the background ...
start() {
	rm -f "$tmp/$1.status"
	(
		"$run" --no-module --name "$name-$1" "${@:2}" >"$tmp/$1.out" 2>"$tmp/$1.err"
		echo $? >"$tmp/$1.status"
	) &
}

# ... and answers as if it ran now, once it is done.
finished() {
	while [[ ! -s $tmp/$1.status ]]; do
		sleep 0.2
	done
	cat "$tmp/$1.out"
	cat "$tmp/$1.err" >&2
	return "$(<"$tmp/$1.status")"
}

# These two wait most of the time, so they may do it beside the others.
start hang --timeout 40 -- sleep 1000
start quit --monitor "$tmp/monitor" -- bash -c 'echo up; sleep 1000'

start good -- bash -c 'pwd; cat /proc/uptime; echo to-stderr >&2'
start seven -- bash -c 'touch /etc/kst-only-in-the-vm && exit 7'
expect "a VM is starting" retry 20 grep -q booting "$tmp/hang.err"
expect_exit "a second VM of the same name is refused" 125 \
	"$run" --no-module --name "$name-hang" -- true
expect_err "it is told what to do" 'another --name'
expect_exit "a command that succeeds: exit 0" 0 finished good
expect_out "it runs in the checkout's directory" "^$KST_TOP\$"
expect_out "its stderr is part of the output" '^to-stderr$'
expect_err "progress is told" 'vm: booting .* \(2 CPUs, 1024 MiB'
expect "the verdict is kept" grep -qx 'exit 0' "$KST_BUILD/vm/$name-good/verdict"
expect "the log is kept" grep -q 'Linux version' "$KST_BUILD/vm/$name-good/dmesg"
expect_exit "a command's exit status is handed on" 7 finished seven
expect "the host's files are untouched" test ! -e /etc/kst-only-in-the-vm

start panic -- bash -c 'echo c >/proc/sysrq-trigger'
# Of a level that the console does not show.
start splat -- bash -c 'echo "<6>WARNING: so the test says" >/dev/kmsg'
expect_exit "a panic is a failure" 125 finished panic
expect_err "a panic is named" 'failed: .*panic'
expect_exit "a splat is a failure though the command succeeded" 125 finished splat
expect_err "a splat is shown" 'failed: in .*WARNING: so the test says'

start early -- /bin/busybox poweroff -f
start icount --icount -- nproc
expect_exit "a power-off before the job's end is a failure" 125 finished early
expect_err "it is named" 'failed: the VM did not reach its end'
expect_exit "icount: one CPU, exact time" 0 finished icount
expect_out "icount: one CPU" '^1$'

expect "the VM to be ended is up" retry 60 grep -q up "$tmp/quit.out"
/usr/bin/python3 - "$tmp/monitor" <<-'END'
	import socket, sys
	with socket.socket(socket.AF_UNIX) as monitor:
	    monitor.connect(sys.argv[1])
	    monitor.sendall(b"quit\n")
	    while monitor.recv(4096):
	        pass
END
expect_exit "a VM ended through the monitor is a failure" 125 finished quit
expect_err "it did not reach its end" 'failed: the VM did not reach its end'
expect_exit "a hang ends by the timeout" 124 finished hang
expect_err "the timeout is named" 'failed: not done within 40 s'

expect_exit "no job: wrong usage" 2 "$run" --no-module
expect_exit "an unknown option: wrong usage" 2 "$run" --nonsense -- true
expect_err "it is named" "unknown option '--nonsense'"
expect_exit "a module that is not there" 125 "$run" --module "$tmp/none.ko" -- true
expect_err "it is named" 'no .*none\.ko'

done_testing
