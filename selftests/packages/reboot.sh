# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Second half, after a reboot into the newer kernel: all is there by itself, and can be removed.

# shellcheck source=selftests/packages/steps.sh
. "$(dirname "$0")/steps.sh"

expect "the newer kernel runs" test "$(uname -r)" = "$next"
expect "the service is active by itself" retry 120 active
expect "it has loaded the module, of the new version" test "$(module_version)" = "$new"
expect "no unit has failed at boot" no_failed_units
expect_exit "kstallmon status works there" 0 kstallmon status
step "the injector builds from its headers" build_inject
expect "a stall is caused there" inject irq 1 300
expect "the journal tells of it and names the culprit" told_by_journal
rmmod kstallmon_inject

step "purge" apt-get purge -y kstallmon kstallmon-dkms
expect_no_out "nothing is said of a module in use" 'stays loaded'
expect "the module is not loaded" test ! -e /sys/module/kstallmon
expect "no client runs" bash -c '! grep -lx kstallmon /proc/[0-9]*/comm'
expect "no unit is known" test "$(systemctl show -P LoadState kstallmon.service)" = not-found
expect "no unit has failed after the removal" no_failed_units
expect "DKMS knows nothing of it" test -z "$(dkms status kstallmon)"
for version in "$kernel" "$next"; do
	expect "modprobe knows nothing of it on $version" bash -c "! modinfo -k $version kstallmon"
done
expect "dpkg knows nothing of it" bash -c '! dpkg -l kstallmon kstallmon-dkms'

# Left may be the newer kernel with what it upgraded, and the key that DKMS made for all modules
# of this host. A kernel has its directory, but nothing of ours in it.
list_files "$keep/after"
abi=${next%%-[a-z]*}
left() {
	local path

	comm -13 "$keep/before" "$keep/after" | while read -r path; do
		case $path in
		*/updates*|*kstallmon*) ;;
		*"$abi"*|/vmlinuz*|/initrd.img*|/var/lib/dkms/mok.*) continue ;;
		esac
		dpkg -S "$path" >/dev/null 2>&1 || echo "$path"
	done
}
expect "no file is left behind" test -z "$(left)"
[[ -z $(left) ]] || note "$(left)"
expect "no file is gone that had been there" test -z "$(comm -23 "$keep/before" "$keep/after")"
note "$(comm -23 "$keep/before" "$keep/after")"
expect "nothing in /etc has changed" diff "$keep/before.etc" "$keep/after.etc"

done_testing
