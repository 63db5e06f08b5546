# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the programs of the matrix share: its rows, the packages of all suites, and a root of each
# release with the tools that its users build with. The mirror is the one that this machine uses.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$top/build
matrix=$top/selftests/matrix
roots=$build/roots

# The root in which one release's compiler builds for all kernels: not the release's own, in which
# DKMS builds for all headers that it finds.
# shellcheck disable=SC2034 # for who sources this
builds=builds builds_release=trixie

# What the client is linked with.
libraries="libnl-3-dev libnl-genl-3-dev libsmartcols-dev libjson-c-dev"

say() { echo "matrix: $*" >&2; }
die() { say "$*"; exit 1; }

# shellcheck disable=SC2034 # for who sources this
# Sets row, suite, headers, arch and flavour (amd64, cloud, rt) from a line of the table.
read_row() {
	row=$1
	read -r suite headers < <(awk -v row="$row" '$1 == row { print $2, $3 }' "$matrix/rows") ||
		die "no such row: '$row', see selftests/matrix/rows"
	case $headers in
	*-arm64) arch=arm64 ;;
	*) arch=amd64 ;;
	esac
	flavour=$arch
	[[ $row != *-cloud && $row != *-rt ]] || flavour=${row##*-}
	product=$build/matrix/$row
}

all_rows() { awk '!/^#/ { print $1 }' "$matrix/rows"; }

# The release whose tools a suite is built with.
release_of() { echo "${1%-backports}"; }

# site LABEL: where this machine gets Debian's packages of that label from.
site() {
	# shellcheck disable=SC2016 # apt's own
	apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' |
		sed -n "s/^$1 //p" | head -n 1
}

# The sources of a release, with its security updates and backports.
sources_of() {
	local release=$1 main security

	main=$(site Debian)
	[[ -n $main ]] || die "apt knows no Debian mirror: apt-get update?"
	echo "deb [check-valid-until=no] $main $release main"
	[[ $release != sid ]] || return 0
	security=$(site Debian-Security)
	[[ -z $security ]] || echo "deb [check-valid-until=no] $security $release-security main"
	[[ $release == bullseye ]] || echo "deb [check-valid-until=no] $main $release-backports main"
}

releases() { awk '!/^#/ { sub("-backports", "", $2); print $2 }' "$matrix/rows" | sort -u; }

# apt for the packages of all suites and architectures, apart from this machine's own.
apt_all() {
	local command=$1

	shift
	"$command" -o Dir::Etc::SourceList="$roots/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o Dir::State="$roots/apt/state" -o Dir::State::status="$roots/apt/status" \
		-o Dir::Cache="$roots/apt/cache" -o Dir::Cache::pkgcache=pkgcache.bin \
		-o Dir::Cache::srcpkgcache=srcpkgcache.bin -o APT::Sandbox::User=root \
		-o APT::Architectures::=amd64 -o APT::Architectures::=arm64 "$@"
}

setup_apt() {
	local release

	[[ ! -e $roots/apt/.stamp ]] || return 0
	rm -rf "$roots/apt"
	mkdir -p "$roots/apt/"{state/lists/partial,cache/archives/partial}
	touch "$roots/apt/status"
	for release in $(releases); do
		sources_of "$release"
	done >"$roots/apt/sources.list"
	say "reading the package lists of $(releases | paste -sd ' ') ..."
	apt_all apt-get update -qq >&2 || die "'apt-get update' failed"
	touch "$roots/apt/.stamp"
}

# The versions of this row's kernels, as in uname -r, newest first.
kernels_of_row() {
	apt_all apt-cache show "$headers:$arch/$suite" "$headers:$arch/$suite-security" 2>/dev/null |
		sed -n 's/^Depends:.* \?linux-headers-\([^ ,]*\).*/\1/p' | sort -Vru
}

kernel_of_row() { kernels_of_row | head -n 1; }

# Unpacks a row's kernel to where selftests/vm/run finds it: build/vm/kernels/VERSION.
fetch_kernel() {
	local kver=$1 arch=$2 dir=$build/vm/kernels/$1 package debs

	[[ ! -e $dir/.stamp ]] || return 0
	say "fetching the kernel $kver ..."
	debs=$roots/debs/$kver
	rm -rf "$debs" "$dir"
	mkdir -p "$debs" "$dir"
	# One package until 6.x, then three.
	for package in "linux-image-$kver-unsigned" "linux-binary-unsigned-$kver" \
		"linux-base-$kver" "linux-modules-$kver"; do
		apt_all apt-cache show "$package:$arch" >/dev/null 2>&1 || continue
		# A mirror may lack one that nobody installs: the signed one has the same kernel.
		(cd "$debs" && { apt_all apt-get download -qq "$package:$arch" ||
			apt_all apt-get download -qq "${package%-unsigned}:$arch"; } >&2) ||
			die "can't download $package"
	done
	for package in "$debs"/*.deb; do
		dpkg-deb -x "$package" "$dir"
	done
	# Where /lib is a link to /usr/lib, packages have it there.
	[[ -e $dir/lib ]] || ln -s usr/lib "$dir/lib"
	if [[ ! -e $dir/boot ]]; then
		mkdir "$dir/boot"
		ln -s "../usr/lib/modules/$kver/vmlinuz.unsigned" "$dir/boot/vmlinuz-$kver"
	fi
	depmod -b "$dir" "$kver"
	rm -rf "$debs"
	touch "$dir/.stamp"
}

# in_root ROOT COMMAND...: runs it in a root, in its directory /src.
in_root() {
	local root=$roots/$1

	shift
	# objtool reads /proc; all mounts go with the namespace.
	# shellcheck disable=SC2016 # for the inner shell
	unshare -m sh -c 'mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" &&
		cp /etc/resolv.conf "$1/etc/resolv.conf" && mkdir -p "$1/src" && root=$1 && shift &&
		exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C TERM=dumb \
			DEBIAN_FRONTEND=noninteractive chroot "$root" sh -c "cd /src && exec \"\$@\"" - "$@"' \
		- "$root" "$@"
}

# make_root RELEASE [ROOT]: makes the root of a release: what builds Debian packages there, and DKMS.
make_root() {
	local release=$1 root=${2:-$1} packages
	local dir=$roots/$root

	[[ ! -e $dir/.stamp ]] || return 0
	say "making a root of $release ..."
	rm -rf "$dir"
	# Debian 11 has dh_dkms in dkms itself.
	packages="build-essential debhelper dkms kmod xz-utils pkg-config scdoc $libraries"
	[[ $release == bullseye ]] || packages+=" dh-dkms"
	sources_of "$release" |
		mmdebstrap --quiet --mode=root --variant=apt --format=directory \
			--aptopt='Acquire::Check-Valid-Until "false"' \
			--include="$(tr -s '[:space:]' , <<<"$packages")" "$release" "$dir" - >&2 ||
		die "no root of $release"
	in_root "$root" apt-get -qq update >&2 || die "no package lists in the root of $release"
	touch "$dir/.stamp"
}

# The root of ./builds and ./cross, with what the headers' scripts call and what builds for arm64.
make_build_root() {
	local stamp=$roots/$builds/.stamp-tools

	make_root "$builds_release" "$builds"
	[[ ! -e $stamp ]] || return 0
	in_root "$builds" dpkg --add-architecture arm64
	in_root "$builds" apt-get -qq update >&2 || die "no package lists in the root of arm64"
	# shellcheck disable=SC2086 # words
	in_root "$builds" apt-get -qq -y --no-install-recommends install pahole gcc-aarch64-linux-gnu rsync \
		${libraries// /:arm64 }:arm64 >&2 || die "no cross compiler"
	touch "$stamp"
}

# sources [PATH...]: what a result stands for: the sources that it was made from (all).
sources() {
	(($#)) || set -- Kbuild Makefile dkms.conf module userspace selftests
	(cd "$top" && find "$@" -type f -print0 |
		sort -z | xargs -0 sha256sum | sha256sum | cut -c 1-16)
}

# fetch_headers KERNEL ARCH ROOT: unpacks a kernel's headers, and what they refer to, in a root.
fetch_headers() {
	local kver=$1 arch=$2 dir=$3 debs=$roots/debs/headers-$1 package packages

	[[ ! -e $dir/usr/src/linux-headers-$kver ]] || return 0
	# The programs in linux-kbuild are those of the machine that builds.
	packages=$(apt_all apt-cache depends --important "linux-headers-$kver:$arch" |
		sed -n 's/^ *Depends: \(linux-\(headers\|kbuild\)-[^: ]*\).*/\1/p')
	rm -rf "$debs"
	mkdir -p "$debs"
	for package in "linux-headers-$kver:$arch" $packages; do
		(cd "$debs" && apt_all apt-get download -qq "$package" >&2) || die "can't download $package"
	done
	for package in "$debs"/*.deb; do
		# Where /lib is a link to /usr/lib it has to stay one.
		dpkg-deb --fsys-tarfile "$package" | tar -x -C "$dir" --keep-directory-symlink
	done
	rm -rf "$debs"
}
