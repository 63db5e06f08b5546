// SPDX-License-Identifier: GPL-2.0
/*
 * States and growth of mappings as the module judges them, on sequences that no process made.
 */
#include <limits.h>
#include <stddef.h>

#include "kselftest_harness.h"
#include "vma_state.h"

#define OK KSTALLMON_VMA_STATE_OK
#define WARN KSTALLMON_VMA_STATE_WARN
#define CRIT KSTALLMON_VMA_STATE_CRIT

#define S 1000000000ULL
#define MS 1000000ULL

TEST(states_begin_at_their_percentage)
{
	EXPECT_EQ(kst_vma_state(0, 100, OK), OK);
	EXPECT_EQ(kst_vma_state(79, 100, OK), OK);
	EXPECT_EQ(kst_vma_state(80, 100, OK), WARN);
	EXPECT_EQ(kst_vma_state(94, 100, OK), WARN);
	EXPECT_EQ(kst_vma_state(94, 100, WARN), WARN);
	EXPECT_EQ(kst_vma_state(95, 100, OK), CRIT);
	EXPECT_EQ(kst_vma_state(95, 100, WARN), CRIT);
	EXPECT_EQ(kst_vma_state(101, 100, CRIT), CRIT);
}

TEST(states_end_below_a_lower_one)
{
	EXPECT_EQ(kst_vma_state(90, 100, CRIT), CRIT);
	EXPECT_EQ(kst_vma_state(89, 100, CRIT), WARN);
	EXPECT_EQ(kst_vma_state(75, 100, CRIT), WARN);
	EXPECT_EQ(kst_vma_state(74, 100, CRIT), OK);
	EXPECT_EQ(kst_vma_state(75, 100, WARN), WARN);
	EXPECT_EQ(kst_vma_state(74, 100, WARN), OK);
}

/* Of 65530, 80 % are 52424 and 95 % are 62253.5. */
TEST(percentages_are_not_rounded)
{
	EXPECT_EQ(kst_vma_state(52423, 65530, OK), OK);
	EXPECT_EQ(kst_vma_state(52424, 65530, OK), WARN);
	EXPECT_EQ(kst_vma_state(62253, 65530, OK), WARN);
	EXPECT_EQ(kst_vma_state(62254, 65530, OK), CRIT);
	EXPECT_EQ(kst_vma_state(2040109464, INT_MAX, OK), WARN);
	EXPECT_EQ(kst_vma_state(2040109465, INT_MAX, OK), CRIT);
	EXPECT_EQ(kst_vma_state(UINT_MAX, UINT_MAX, OK), CRIT);
	EXPECT_EQ(kst_vma_state(0, 1, CRIT), OK);
}

/* All states that a process comes into while its mappings go up to the limit and back. */
TEST(all_the_way_up_and_down_is_four_changes)
{
	static const u32 at[] = { 800, 950, 899, 749 }, to[] = { WARN, CRIT, WARN, OK };
	u32 state = OK, nr = 0;

	for (u32 i = 0; i <= 2000; i++) {
		u32 count = i <= 1000 ? i : 2000 - i, now = kst_vma_state(count, 1000, state);

		if (now == state)
			continue;
		ASSERT_LT(nr, 4);
		EXPECT_EQ(count, at[nr]);
		EXPECT_EQ(now, to[nr]);
		state = now;
		nr++;
	}
	EXPECT_EQ(nr, 4);
}

TEST(dithering_changes_nothing)
{
	static const u32 around[] = { 80, 95, 75, 90 }, before[] = { OK, WARN, WARN, CRIT };

	for (u32 i = 0; i < 4; i++) {
		u32 state = before[i], changes = 0;

		for (u32 step = 0; step < 100; step++) {
			u32 now = kst_vma_state(around[i] - 1 + step % 2, 100, state);

			changes += now != state;
			state = now;
		}
		EXPECT_EQ(changes, 1);
	}
}

TEST(growth_is_not_known_at_first)
{
	struct kst_growth growth;

	kst_growth_begin(&growth, 5, 7 * S);
	EXPECT_FALSE(kst_growth_known(&growth));
	/* Too soon to say. */
	kst_growth_add(&growth, 6, 7 * S + MS - 1, 15 * S);
	EXPECT_FALSE(kst_growth_known(&growth));
	kst_growth_add(&growth, 15, 9 * S, 15 * S);
	EXPECT_TRUE(kst_growth_known(&growth));
	EXPECT_EQ(growth.rate, 5000);
}

TEST(growth_of_a_steady_mapper)
{
	struct kst_growth growth;

	kst_growth_begin(&growth, 0, 0);
	for (u64 i = 1; i < 100; i++) {
		kst_growth_add(&growth, 50 * i, 5 * S * i, 15 * S);
		EXPECT_EQ(growth.rate, 10000);
	}
}

/* A mapping every second, counted when it may be: there is none, one or two more each time. */
TEST(growth_of_a_steady_mapper_counted_irregularly)
{
	struct kst_growth growth;
	u64 now = 0;

	kst_growth_begin(&growth, 0, 0);
	for (u64 i = 0; i < 1000; i++) {
		now += 100 * MS + i * 7919 % 1900 * MS;
		kst_growth_add(&growth, now / S, now, 15 * S);
		if (now < 15 * S)
			continue;
		EXPECT_GT(growth.rate, 800);
		EXPECT_LT(growth.rate, 1200);
	}
}

TEST(growth_follows)
{
	struct kst_growth growth;
	u32 count = 0;
	u64 now = 0, i;

	kst_growth_begin(&growth, count, now);
	for (i = 0; i < 20; i++)
		kst_growth_add(&growth, count += 50, now += 5 * S, 15 * S);
	EXPECT_EQ(growth.rate, 10000);
	for (i = 0; i < 12; i++)
		kst_growth_add(&growth, count += 100, now += 5 * S, 15 * S);
	EXPECT_GT(growth.rate, 19000);
	EXPECT_LE(growth.rate, 20000);
	/* It arrives, and does not stay a little above. */
	for (i = 0; i < 60; i++)
		kst_growth_add(&growth, count, now += 5 * S, 15 * S);
	EXPECT_EQ(growth.rate, 0);
	for (i = 0; i < 60; i++)
		kst_growth_add(&growth, count -= 10, now += 5 * S, 15 * S);
	EXPECT_EQ(growth.rate, -2000);
	/* A long time without a count weighs as much as it is. */
	kst_growth_add(&growth, count + 3600, now + 3600 * S, 15 * S);
	EXPECT_GT(growth.rate, 950);
	EXPECT_LE(growth.rate, 1000);
}

TEST(growth_does_not_overflow)
{
	struct kst_growth growth;

	kst_growth_begin(&growth, 0, 0);
	kst_growth_add(&growth, INT_MAX, MS, 15 * S);
	EXPECT_EQ(growth.rate, INT_MAX * 1000000LL);
	kst_growth_add(&growth, 0, 2 * MS, 15 * S);
	EXPECT_GE(growth.rate, -INT_MAX * 1000000LL);
	EXPECT_LE(growth.rate, INT_MAX * 1000000LL);
	/* A year later, at the longest interval. */
	kst_growth_add(&growth, INT_MAX, 31536000 * S, 3 * 3600 * S);
	EXPECT_GT(growth.rate, 60000);
	EXPECT_LT(growth.rate, 70000000);
}

TEST(time_to_the_limit)
{
	EXPECT_EQ(kst_time_to_limit(900, 1000, 10000), 10 * S);
	EXPECT_EQ(kst_time_to_limit(999, 1000, 1), 1000 * S);
	EXPECT_EQ(kst_time_to_limit(0, 65530, 3), 65530000 * S / 3 / 1000 * 1000);
	/* Neither nearer nor there. */
	EXPECT_EQ(kst_time_to_limit(900, 1000, 0), 0);
	EXPECT_EQ(kst_time_to_limit(900, 1000, -10), 0);
	EXPECT_EQ(kst_time_to_limit(1000, 1000, 10), 0);
	EXPECT_EQ(kst_time_to_limit(1001, 1000, 10), 0);
	/* 0 means something else, and more than there are nanoseconds is the most there are. */
	EXPECT_EQ(kst_time_to_limit(0, 1, LLONG_MAX), 1);
	EXPECT_EQ(kst_time_to_limit(0, INT_MAX, 1), ULLONG_MAX);
}

TEST_HARNESS_MAIN
