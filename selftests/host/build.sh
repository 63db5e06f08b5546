#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Building, installing and removing, in a copy of the checkout: what is there, what is not, and
# whether anything stays behind.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

copy=$tmp/copy
root=$tmp/root
kver=$(<"$KST_BUILD/vm/kernels/default")
kdir=/lib/modules/$kver/build

# The checkout as it stands, committed or not, with its state now as what "clean" means.
mkdir -p "$copy"
(
	cd "$KST_TOP" || exit 1
	git ls-files -z --cached --others --exclude-standard |
		rsync -a --from0 --files-from=- --ignore-missing-args . "$copy"
	cd "$copy" || exit 1
	git init -q
	git add -A
	git -c user.name=test -c user.email=test@localhost commit -q -m copy
) || fail "copying the checkout"

in_copy() { make -C "$copy" --no-print-directory "$@"; }

expect_clean() { expect "git status is clean after $1" test -z "$(git -C "$copy" status --porcelain)"; }

version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$copy/dkms.conf")
expect "dkms.conf has a version" test -n "$version"

expect_exit "make module without headers fails" 2 in_copy module KDIR=/nonexistent
expect_err "it says which headers are missing" 'no kernel headers at /nonexistent'
expect "nothing was built" test ! -e "$copy/build/module/kstallmon.ko"

expect "make userspace needs no headers" in_copy userspace KDIR=/nonexistent
expect_clean "make userspace"
expect_exit "the client tells its version" 0 "$copy/build/userspace/kstallmon" version
expect_out "the client's version is dkms.conf's" "(^|[ v])${version//./\\.}(\$|[^0-9.])"

expect "make module" in_copy module KDIR="$kdir"
expect_clean "make module"
expect_no_err "make module warns of nothing" '[Ww]arning:'
expect_exit "the module has a version" 0 /sbin/modinfo -F version "$copy/build/module/kstallmon.ko"
expect_out "the module's version is dkms.conf's" "^${version//./\\.}\$"
expect_exit "the module is for the headers' kernel" 0 \
	/sbin/modinfo -F vermagic "$copy/build/module/kstallmon.ko"
expect_out "its vermagic names it" "^$kver "

# As root or not, nothing outside DESTDIR may be touched.
expect "make install DESTDIR=" in_copy install DESTDIR="$root" PREFIX=/usr KDIR="$kdir"
expect_clean "make install"
expect "the client is installed" test -x "$root/usr/sbin/kstallmon"
expect "a man page is installed" compgen -G "$root/usr/share/man/man8/kstallmon*"
expect "DKMS gets its sources" test -e "$root/usr/src/kstallmon-$version/dkms.conf"
cp -r "$root/usr/src/kstallmon-$version" "$tmp/dkms"
expect "DKMS gets all that Kbuild lists" make -C "$kdir" M="$tmp/dkms" modules
expect "DKMS can clean up" make -C "$kdir" M="$tmp/dkms" clean
expect_exit "the installed files" 0 find "$root" -type f
expect_no_out "the injector is not among them" inject
expect_no_out "nor is anything built for one kernel" '\.ko$'

expect "make uninstall DESTDIR=" in_copy uninstall DESTDIR="$root" PREFIX=/usr
expect_exit "what stays behind" 0 find "$root" -type f -o -type l
expect_no_out "no file stays behind" .

expect "make clean" in_copy clean
expect "nothing built is left" test ! -e "$copy/build"
expect_clean "make clean"

done_testing
