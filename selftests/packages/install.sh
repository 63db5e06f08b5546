# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# First half: installation, a missing module, an upgrade under a running subscriber, another kernel.

# shellcheck source=selftests/packages/steps.sh
. "$(dirname "$0")/steps.sh"

list_files "$keep/before"
expect "the kernel of the image runs" test "$(uname -r)" = "$kernel"
expect "no unit has failed before" no_failed_units

step "install" install_debs "/mnt/old/kstallmon_${old}_"*.deb "/mnt/old/kstallmon-dkms_${old}_"*.deb
expect_no_out "nothing is said of a missing module" 'kstallmon-dkms: '
expect "DKMS has built for the running kernel" dkms_has "$old" "$kernel"
expect "the module has the packages' version" test "$(modinfo -F version kstallmon)" = "$old"
expect "modprobe kstallmon" modprobe kstallmon
expect "the service is active after the installation" retry 60 active
expect "it is started at boot" systemctl is-enabled kstallmon.service
expect "no unit has failed" no_failed_units
pid=$(systemctl show -P MainPID kstallmon.service)
expect "it has locked its memory" grep -Eq '^VmLck:\s+[1-9]' "/proc/$pid/status"
expect "it is among the last to be killed" grep -qx -e -900 "/proc/$pid/oom_score_adj"
expect "it holds no other capability" grep -qx 'CapEff:.0000000000200000' "/proc/$pid/status"
expect_exit "kstallmon status" 0 kstallmon status
expect_out "it tells the packages' version" "^version +${old//./\\.}\$"
expect_exit "kstallmon version" 0 kstallmon version
expect_out "client and module are of the same version" "^kstallmon ${old//./\\.}"
expect_out "... both" "^module ${old//./\\.}"

step "the injector builds from the headers" build_inject
expect "a stall is caused" inject irq 1 300
expect "the journal tells of it and names the culprit" told_by_journal
expect_exit "kstallmon history" 0 kstallmon history
expect_out "the history names it" inject_irq_off_inner
expect "the service complains of nothing" \
	bash -c '! journalctl -q -b -u kstallmon.service -o cat | grep -E "may be (paged|killed)|^kstallmon: "'

# A module that is not there, as after a kernel update without headers.
systemctl stop kstallmon.service
rmmod kstallmon
mv "/lib/modules/$kernel/updates/dkms/kstallmon.ko" /run/ && depmod
expect "without a module the service's start is no failure" systemctl start kstallmon.service
expect "the service does not run" test "$(systemctl show -P ActiveState kstallmon.service)" = inactive
expect "no unit has failed for want of the module" no_failed_units
expect "the journal says why" journal_has "modprobe: FATAL: Module kstallmon not found in directory .*$kernel"
mv /run/kstallmon.ko "/lib/modules/$kernel/updates/dkms/" && depmod
expect "with the module it starts, and loads it" systemctl start kstallmon.service
expect "it is active" active

# An upgrade while somebody listens.
before=$(instance)
kstallmon monitor --json >"$tmp/subscriber" 2>"$tmp/subscriber.err" &
subscriber=$!
# It locks its memory once it listens.
expect "a subscriber listens beside the service" \
	retry 60 grep -Eq '^VmLck:\s+[1-9]' "/proc/$subscriber/status"
step "upgrade" install_debs "/mnt/new/kstallmon_${new}_"*.deb "/mnt/new/kstallmon-dkms_${new}_"*.deb
expect_out "it tells that the loaded module stays" "kstallmon-dkms: module $old stays loaded; $new is used after"
expect "the loaded module is the old one" test "$(module_version)" = "$old"
expect "it is still the same load" test "$(instance)" = "$before"
expect "DKMS has built the new one" dkms_has "$new" "$kernel"
expect "DKMS has let go of the old one" bash -c "! dkms status | grep -F kstallmon/$old,"
expect "the old one's source is gone" test ! -e "/usr/src/kstallmon-$old"
expect "the subscriber still listens" kill -0 "$subscriber"
expect "the service is active after the upgrade" retry 60 active
expect "the old module is unloaded" rmmod kstallmon
expect "the new module is loaded" modprobe kstallmon
expect "it has the new version" test "$(module_version)" = "$new"
expect_exit "kstallmon version again" 0 kstallmon version
expect_out "client and module are of the new version" "^kstallmon ${new//./\\.}"
expect_out "... both" "^module ${new//./\\.}"
after=$(instance)
expect "it is another load" test "$after" != "$before"
expect "the subscriber has rejoined" retry 60 grep -q '"module-back"' "$tmp/subscriber"
expect "the service has rejoined" retry 60 journal_has "module back, instance $after"
expect "a stall is caused again" inject irq 1 300
told() {
	jq -es --argjson instance "$after" 'any(.[]; .type == "stall-end" and .instance == $instance and
		.kind == "irq" and .task.comm == "inject")' "$tmp/subscriber"
}
expect "the subscriber tells of it, as the new load's" retry 60 told
expect "it has told that the module went and came" \
	jq -es 'map(.type) | index("module-gone") < index("module-back")' "$tmp/subscriber"
expect "the subscriber is told to end" kill "$subscriber"
expect "it ends well" wait "$subscriber"
note "$(cat "$tmp/subscriber.err")"

# A newer kernel comes with its headers, as by an upgrade of the metapackages.
rmmod kstallmon_inject
step "install a newer kernel and its headers" install_debs /srv/kernel/*.deb
expect "DKMS has built for it" dkms_has "$new" "$next"
expect "the module for it has the new version" test "$(modinfo -k "$next" -F version kstallmon)" = "$new"
expect "that for the running kernel is still there" dkms_has "$new" "$kernel"

done_testing
