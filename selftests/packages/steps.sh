# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What both halves of the packages' test share.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/lib.sh"

# From the host: the versions of the packages and of the kernels.
old='' new='' kernel='' next=''
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/config"
: "${old:?}" "${new:?}" "${kernel:?}" "${next:?}"

# A directory that outlives the reboot, and is no part of what is compared.
keep=/root/kst-kept
mkdir -p "$keep"

# As expect_exit with status 0, with the time that it took.
step() {
	local begin=$SECONDS

	expect_exit "$1" 0 "${@:2}"
	note "took $((SECONDS - begin)) s"
}

# Without recommendations: there is no network to get them from, and they are there.
install_debs() { apt-get install -y --no-install-recommends "$@"; }

module_version() { cat /sys/module/kstallmon/version; }
dkms_has() { dkms status "kstallmon/$1" -k "$2" | grep -q ': installed'; }
active() { [[ $(systemctl is-active kstallmon.service) == active ]]; }
journal() { journalctl -q -b -u kstallmon.service -o cat; }
journal_has() { journal | grep -Eq -e "$1"; }
instance() { kstallmon status --json | jq .instance; }

no_failed_units() {
	systemctl --failed --no-legend --plain
	[[ -z $(systemctl --failed --no-legend --plain) ]]
}

# The injector, built here for the kernel that runs: it is not part of the packages.
build_inject() {
	rm -rf /run/inject
	cp -r /mnt/inject /run/inject
	make -C "/lib/modules/$(uname -r)/build" M=/run/inject modules
	insmod /run/inject/kstallmon_inject.ko
}

told_by_journal() {
	retry 60 journal_has 'irq stall [0-9.]+\.\.[0-9.]+ ms in kernel, task inject' &&
		journal_has 'inject_irq_off_inner.*\[kstallmon_inject\]'
}

# All files where packages put theirs, and what those of /etc contain. Not compared is the record of
# this test, what dpkg and systemd remember of each package and run, and caches.
list_files() {
	find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /mnt \
		-o -path "$keep" -o -path /var/log -o -path /var/cache -o -path /var/tmp -o -path /srv/kernel \
		-o -path '/var/lib/dpkg/*-old' -o -path /var/lib/systemd/timers \
		-o -path /var/lib/private -o -path /var/lib/apt/lists -o -path /root/.cache \) -prune -o -print | sort >"$1"
	find /etc -type f -exec sha256sum {} + | sort -k 2 >"$1.etc"
}
