#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Kernels that the module cannot be built for: one line says what is wrong and what to do, from
# make and in DKMS's log.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

kver=$(<"$KST_BUILD/vm/kernels/default")
kdir=$(readlink -f "/lib/modules/$kver/build")

make_module() { make -C "$KST_TOP" --no-print-directory module BUILD="$tmp/build" "$@"; }

# The last command was refused, with one line of ours, which matches.
expect_refusal() {
	expect_err "$1: it says so" "kstallmon: $2"
	verdict "$1: in one line" "$(($(grep -c 'kstallmon: ' <<<"$err") == 1))"
	verdict "$1: and nothing else is wrong" "$((1 - $(matches "$err" 'error:|warning:')))"
	expect "$1: nothing is built" test ! -e "$tmp/build/module/kstallmon.ko"
}

# The headers, all links but for files that a test changes.
shadow() {
	rm -rf "$tmp/headers"
	cp -rs "$kdir" "$tmp/headers"
}

change() {
	rm "$tmp/headers/$1"
	sed "$2" "$kdir/$1" >"$tmp/headers/$1"
}

config=include/config/auto.conf

expect_exit "make module without headers fails" 2 make_module KDIR=/nonexistent KVER=1.2.3-4
expect_refusal "without headers" \
	'no kernel headers at /nonexistent: install .*linux-headers-1\.2\.3-4.*make userspace'

for option in 64BIT HIGH_RES_TIMERS IRQ_WORK KALLSYMS NET STACKTRACE TRACEPOINTS; do
	shadow
	change "$config" "/^CONFIG_$option=/d"
	expect_exit "make module without CONFIG_$option fails" 2 make_module KDIR="$tmp/headers"
	expect_refusal "without CONFIG_$option" \
		"this kernel is configured without CONFIG_$option: .* use a distribution's .*kernel"
done

shadow
change "$config" '/^CONFIG_\(STACKTRACE\|NET\)=/d'
expect_exit "make module without two options fails" 2 make_module KDIR="$tmp/headers"
expect_refusal "without two options" '.* without CONFIG_NET CONFIG_STACKTRACE: '

# DKMS has the line in its log, and says where that is.
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$KST_TOP/dkms.conf")
mkdir "$tmp/dkms" "$tmp/src"
on_dkms() {
	dkms "$1" "kstallmon/$version" --dkmstree "$tmp/dkms" \
		--sourcetree "$tmp/src/usr/src" "${@:2}"
}
expect "the sources for DKMS" make -C "$KST_TOP" install-dkms DESTDIR="$tmp/src"
expect "dkms add" on_dkms add
expect_exit "dkms build without two options fails" 10 \
	on_dkms build -k "$kver" --kernelsourcedir "$tmp/headers"
expect_err "it names its log" "$tmp/dkms/kstallmon/$version/build/make.log"
expect_exit "its log" 0 cat "$tmp/dkms/kstallmon/$version/build/make.log"
expect_out "its log has the line" 'kstallmon: .* without CONFIG_NET CONFIG_STACKTRACE: '

# As old headers would say it: their Makefile is shared by all flavours, and not to be changed.
for old in 4.19.67 5.4.0 5.9.16; do
	expect_exit "make module for Linux $old fails" 2 \
		make_module KDIR="$kdir" KERNELVERSION="$old"
	expect_refusal "Linux $old" "needs Linux 5\.10 or newer; these headers are ${old//./\\.}: "
done
expect "but there is something to clean" test -e "$tmp/build/module/Kbuild"
expect "and make clean refuses nothing" \
	make -C "$kdir" M="$tmp/build/module" KERNELVERSION=4.19.67 clean

done_testing
