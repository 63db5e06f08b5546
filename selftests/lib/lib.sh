# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What shell tests share; bash. A test starts with
#   . "$(dirname "$0")/../lib/lib.sh"
# and ends with 'done_testing'. One that dies before has no plan, which counts as a failure.
#
#   expect_exit NAME STATUS COMMAND...  runs COMMAND; is its exit status STATUS?
#   expect_out NAME REGEX               is REGEX (extended) in what that printed on stdout?
#   expect_no_out NAME REGEX            is it nowhere in that?
#   expect_err NAME REGEX               the same for stderr
#   expect NAME COMMAND...              does COMMAND succeed?
#   pass NAME, fail NAME [NOTE...], skip NAME [REASON]
#   retry SECONDS COMMAND...            waits until COMMAND succeeds
#   load_inject                         loads kstallmon_inject.ko; then: inject KIND CPU MS ...
#
# After a command: $out, $err (texts) and $status. Temporary files go to $tmp, removed at the end.

lib=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# In the VM the runner says where the checkout is; on the host it is around us.
: "${KST_TOP:=$(cd "$lib/../.." && pwd)}"
: "${KST_BUILD:=$KST_TOP/build}"
PATH=$lib:$PATH

# shellcheck source=/dev/null
. "$KST_BUILD/ksrc/tools/testing/selftests/kselftest/ktap_helpers.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

out='' err='' status=0 command=''

note() {
	local text

	# Notes of several lines stay notes.
	while IFS= read -r text; do
		printf '# %s\n' "$text"
	done <<<"$*"
}

pass() { ktap_test_pass "$1"; }

fail() {
	local text

	for text in "${@:2}"; do
		note "$text"
	done
	ktap_test_fail "$1"
}

# ktap_helpers.sh has no room for a reason.
skip() {
	[[ -z ${2-} ]] || note "$2"
	ktap_test_skip "$1"
}

try() {
	command=$*
	status=0
	"$@" >"$tmp/out" 2>"$tmp/err" || status=$?
	out=$(tr -d '\0' <"$tmp/out")
	err=$(tr -d '\0' <"$tmp/err")
}

say_all() { note "$command: status $status"$'\n'"stdout: $out"$'\n'"stderr: $err"; }

verdict() {
	if (($2)); then pass "$1"; else say_all; fail "$1" "${@:3}"; fi
}

expect_exit() {
	try "${@:3}"
	verdict "$1" "$((status == $2))" "expected status $2"
}

expect() {
	try "${@:2}"
	verdict "$1" "$((status == 0))"
}

matches() { grep -Eq -e "$2" <<<"$1" && echo 1 || echo 0; }

expect_out() { verdict "$1" "$(matches "$out" "$2")" "stdout lacks: $2"; }
expect_no_out() { verdict "$1" "$((1 - $(matches "$out" "$2")))" "stdout has: $2"; }
expect_err() { verdict "$1" "$(matches "$err" "$2")" "stderr lacks: $2"; }
expect_no_err() { verdict "$1" "$((1 - $(matches "$err" "$2")))" "stderr has: $2"; }

retry() {
	local end=$((SECONDS + $1))

	until "${@:2}" >/dev/null 2>&1; do
		((SECONDS < end)) || return 1
		sleep 0.1
	done
}

load_inject() {
	[[ -e /sys/kernel/debug/kstallmon_inject/stall ]] ||
		insmod "$KST_BUILD/inject/kstallmon_inject.ko"
}

# Nothing to test here: the whole program is skipped.
skip_all() {
	ktap_skip_all "$*"
	exit "$KSFT_SKIP"
}

done_testing() {
	ktap_set_plan "$((KTAP_TESTNO - 1))"
	ktap_finished
}


ktap_print_header
