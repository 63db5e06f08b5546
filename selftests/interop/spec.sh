#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kstallmon.yaml and kstallmon.h say the same: the kernel's own generator makes from the one the
# names and values of the other.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

header=$KST_TOP/module/uapi/linux/kstallmon.h
ksrc=$KST_BUILD/ksrc
spec=$tmp/Documentation/netlink/specs/kstallmon.yaml

# The generator finds the schemas above the spec, and looks upwards for MAINTAINERS for ever.
mkdir -p "$(dirname "$spec")"
cp "$KST_TOP/module/uapi/kstallmon.yaml" "$spec"
cp "$ksrc"/Documentation/netlink/*.yaml "$tmp/Documentation/netlink/"
touch "$tmp/MAINTAINERS"

# Also checks the spec against its schema.
expect_exit "the kernel's generator takes the spec" 0 \
	"$ksrc/tools/net/ynl/ynl-gen-c.py" --mode uapi --header --spec "$spec"
made=$tmp/kstallmon.h
cp "$tmp/out" "$made"

# What the preprocessor leaves of the enumerations, a line for each enumerator.
enums() { cpp -P "$1" | sed 's/[,{]/\n/g' | tr -s ' \t\n'; }
# Definitions, without what differs in white space only.
defines() { cpp -P -dM -undef "$1" | grep -F KSTALLMON_ | tr -s ' \t' ' ' | sort; }

enums "$header" >"$tmp/enums_of_header"
enums "$made" >"$tmp/enums_of_spec"
expect "there are enumerators to compare" test "$(grep -c KSTALLMON_ "$tmp/enums_of_header")" -gt 80
expect "every enumerator is the spec's, in its place" \
	diff -u "$tmp/enums_of_spec" "$tmp/enums_of_header"

defines "$header" >"$tmp/defines_of_header"
defines "$made" >"$tmp/defines_of_spec"
expect "every definition is the spec's" diff -u "$tmp/defines_of_spec" "$tmp/defines_of_header"
expect "the family's name is defined" grep -qx '#define KSTALLMON_FAMILY_NAME "kstallmon"' \
	"$tmp/defines_of_header"
expect "the group's name is defined" grep -qx '#define KSTALLMON_MCGRP_EVENTS "events"' \
	"$tmp/defines_of_header"

# The enumerations are explained by the spec, the rest by the manual.
comments() { sed -n '/^#define _UAPI/,$p' "$1" | grep -E '^ \* (@|enum )'; }
comments "$header" >"$tmp/comments_of_header"
comments "$made" >"$tmp/comments_of_spec"
expect "the enumerations are explained in the spec's words" \
	diff -u "$tmp/comments_of_spec" "$tmp/comments_of_header"

done_testing
