#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# In the VM of suspend.py: sleeps and wakes, and prints what was told. The VM's root does not live
# through that, for its 9p device has no memory of it; so all that is needed goes to memory first,
# and this ends the VM by itself.
set -e

root=/run/suspend client=$(command -v kstallmon)
mkdir -p $root/bin $root/proc $root/sys $root/dev
mapfile -t libraries < <(ldd "$client" | grep -o '/[^ ]*')
cp -L --parents /bin/busybox "$client" "${libraries[@]}" $root
for dir in proc sys dev; do
	mount --rbind /$dir $root/$dir
done
insmod "$KST_BUILD/inject/kstallmon_inject.ko"

echo "client=$client" >$root/script
cat >>$root/script <<'END'
exec >/dev/ttyS1 2>&1

uptime_now() {
	read -r uptime _ </proc/uptime
}

# How deep the kernel is to go, and whether for real: "none" wakes by the clock.
suspend() {
	echo "$1" >/sys/power/pm_test
	echo 0 >/sys/class/rtc/rtc0/wakealarm
	[ "$1" != none ] || echo +5 >/sys/class/rtc/rtc0/wakealarm
	uptime_now
	from=$uptime
	echo "$2" >/sys/power/state || echo "no $1 $2"
	uptime_now
	echo "suspended $1 $2 $from $uptime"
}

echo 0 >/sys/power/sync_on_suspend
suspend freezer mem
suspend platform freeze
suspend core mem
suspend none mem
"$client" status --json
sleep 3
"$client" status --json
for cpu in 0 1; do
	echo "irq $cpu 300" >/sys/kernel/debug/kstallmon_inject/stall
done
sleep 2
"$client" history --json
dmesg >/dev/ttyS3
echo "exit 0" >/dev/ttyS2
poweroff -f
END
exec chroot $root /bin/busybox sh /script
