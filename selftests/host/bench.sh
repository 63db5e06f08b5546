#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What make bench makes of its figures: what is over a target or differs between runs is found.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

bench=$KST_TOP/selftests/bench/run

# The file $1 is the file $2 with what the filter $3 does.
figures() { jq "$3" "$tmp/$2.json" >"$tmp/$1.json"; }

# All are 100, but for what has a target.
sed -n 's/^    ("\([a-z0-9_]*\)", ".*/\1/p' "$bench" |
	jq -Rn '[inputs | {(.): 100}] | add' >"$tmp/all.json"
figures good all '.beat_insn_busy = 450 | .beat_insn_empty_timer = 901 |
	.idle_timer_irqs_per_s_added = 5 | .mmap_slowdown_finest = 0.005 |
	.memory_per_cpu = 32768 | .sweep_insn_per_task_10k = 120 | .sweep_longest_ns = 200000'
expect "a run has figures" jq -e 'length > 8' "$tmp/good.json"

met() { expect_exit "$1" 0 "$bench" --show "$tmp/$2.json"; }
missed() {
	expect_exit "$1" 1 "$bench" --show "$tmp/$2.json"
	expect_out "it is said" "^MISSED  $3"
}

met "targets can be met" good
expect_no_out "none is missed" MISSED
figures slow good '.beat_insn_busy = 450.1 | .beat_insn_empty_timer = 1000'
missed "a beat may be too long" slow beat_insn_busy
figures half good '.beat_insn_empty_timer = 900'
missed "a beat may be half of the empty timer" half beat_insn_busy
figures awake good '.idle_timer_irqs_per_s_added = 5.1'
missed "an idle CPU may be woken too often" awake idle_timer_irqs_per_s_added
figures large good '.memory_per_cpu = 32769'
missed "a CPU may take too much memory" large memory_per_cpu
figures steep good '.sweep_insn_per_task_10k = 121'
missed "of many processes each may cost more" steep sweep_insn_per_task_10k
figures dear good '.maps_insn_per_task = 99'
missed "a sweep may cost more than reading maps" dear sweep_insn_per_task_1k
figures long good '.sweep_longest_ns = 200001'
missed "a slice may be too long" long sweep_longest_ns
figures held good '.mmap_slowdown_finest = 0.0051'
missed "who maps may be held up" held mmap_slowdown_finest
figures sampled good '.zoneinfo_read_insn = 99'
missed "a sample may cost more than reading zoneinfo" sampled zone_sample_insn

agree() { expect_exit "$1" "$2" "$bench" --compare "$tmp/good.json" "$tmp/$3.json"; }

agree "a run agrees with itself" 0 good
figures near good '.spin_slowdown_default = 100.9 | .mmap_insn = 100.9'
agree "a run agrees with one that is near" 0 near
figures far good '.spin_slowdown_default = 101.1'
agree "a run does not agree with one that is far" 1 far
expect_out "it is said which figure is far" '^FAR     spin_slowdown_default '
figures noise good '.mmap_slowdown_finest = 0.004'
figures none good '.mmap_slowdown_finest = 0'
expect_exit "a difference may be noise" 0 "$bench" --compare "$tmp/noise.json" "$tmp/none.json"
figures away good '.mmap_slowdown_finest = 0.006'
expect_exit "noise has an end" 1 "$bench" --compare "$tmp/away.json" "$tmp/none.json"
figures less good 'del(.event_insn_worker)'
agree "a figure that is missing does not agree" 1 less

done_testing
