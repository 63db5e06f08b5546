#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Kernels that are other than module/compat/ thinks: whatever it picks wrongly fails the build, and
# never compiles silently into a module that would call with the wrong arguments.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

kver=$(<"$KST_BUILD/vm/kernels/default")
kdir=$(readlink -f "/lib/modules/$kver/build")
common=$(sed -n 's,^include \(.*\)/Makefile$,\1,p' "$kdir/Makefile")

# The headers, all links but for what a test changes, and the module's sources.
cp -rs "$kdir" "$tmp/headers"
cp -rs "$common" "$tmp/common"
rm "$tmp/headers/Makefile"
echo "include $tmp/common/Makefile" >"$tmp/headers/Makefile"
mkdir "$tmp/src"
cp -r "$KST_TOP"/{Kbuild,dkms.conf,module} "$tmp/src"

change() {
	rm "$tmp/common/$1"
	sed "$2" "$common/$1" >"$tmp/common/$1"
	expect "$1 can be changed" test -n "$(diff "$common/$1" "$tmp/common/$1")"
}

restore() { ln -sf "$common/$1" "$tmp/common/$1"; }

compile() { make -C "$tmp/headers" M="$tmp/src" "module/$1.o"; }

for object in idle heartbeat dump eventlog watched live_x86 reclaim; do
	expect "$object compiles as it is" compile $object
done

# A tracepoint with arguments that nobody knows.
unknown() {
	change "include/trace/events/$2" "$3"
	rm -f "$tmp/src/module/$4.o"
	expect_exit "$1 with other arguments does not compile" 2 compile "$4"
	expect_err "$1: the compiler says why" "$1 has unknown arguments"
	restore "include/trace/events/$2"
}

unknown sched_switch sched.h 's/unsigned int prev_state),/unsigned long prev_state),/' idle
unknown mm_vmscan_direct_reclaim_begin vmscan.h \
	's/TP_PROTO(int order, gfp_t gfp_flags)/TP_PROTO(long order, gfp_t gfp_flags)/' reclaim
unknown mm_vmscan_direct_reclaim_end vmscan.h \
	's/TP_PROTO(unsigned long nr_reclaimed)/TP_PROTO(unsigned int nr_reclaimed)/' reclaim
unknown mm_vmscan_throttled vmscan.h 's/TP_PROTO(int nid, int usec/TP_PROTO(long nid, int usec/' reclaim
unknown mark_victim oom.h 's/TP_PROTO(\(.*\), uid_t uid)/TP_PROTO(\1, long uid)/' reclaim

# The other choice than this kernel's. Not KST_HAVE_NODE_PGSCAN, plain numbers to the compiler, for
# which Kbuild.include looks twice; nor KST_HAVE_VMSCAN_THROTTLED, without which there is less to see.
chosen() { grep -qw -- "-D$1" "$tmp/src/module/.$2.o.cmd"; }

other() {
	local flag=-D$1

	compile "$2" >"$tmp/log" 2>&1
	! chosen "$1" "$2" || flag=-U$1
	cp "$tmp/src/Kbuild" "$tmp/Kbuild"
	echo "ccflags-y += $flag" >>"$tmp/src/Kbuild"
	expect_exit "$flag does not compile" 2 compile "$2"
	expect_err "$flag: the compiler says why" "error: .*(implicit|undeclared)"
	cp "$tmp/Kbuild" "$tmp/src/Kbuild"
}

other KST_HAVE_HRTIMER_SETUP heartbeat
other KST_HAVE_GENL_INFO_DUMP dump
other KST_HAVE_WQ_PERCPU eventlog
other KST_HAVE_HK_TYPE watched
other KST_HAVE_APIC_STATIC_CALLS live_x86

# A header in which nothing is found because it is not the one that it was.
moved() {
	change "$1" "s/\<$2\>/moved/"
	expect_exit "no $2: refused" 2 compile heartbeat
	expect_err "no $2: it says what to do" \
		"kstallmon: .*does not have $2: .* reinstall them or get a newer kstallmon"
	restore "$1"
}

moved include/linux/hrtimer.h hrtimer_start_range_ns
moved include/linux/workqueue.h queue_work_on
moved include/linux/sched/isolation.h housekeeping_test_cpu
moved include/net/genetlink.h genl_register_family
moved include/trace/events/vmscan.h mm_vmscan_direct_reclaim_begin
moved arch/x86/include/asm/apic.h send_IPI_mask

change include/net/genetlink.h 's/cap_sys_admin\|GENL_MCAST_CAP_SYS_ADMIN/gone/'
expect_exit "a group that cannot be protected: refused" 2 compile heartbeat
expect_err "it says so" 'kstallmon: .* cannot protect a netlink group with CAP_SYS_ADMIN: boot a newer'

done_testing
