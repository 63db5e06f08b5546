// SPDX-License-Identifier: GPL-2.0
/*
 * The states of a zone, by made-up samples one second apart: what is told, and in which order.
 */
#include <stdint.h>

#include "kselftest_harness.h"
#include "zone_state.h"

#define SECOND 1000000000ULL
#define DWELL (5 * SECOND)
#define TOLD_MAX 64

#define OK KSTALLMON_ZONE_STATE_OK
#define HIGH KSTALLMON_ZONE_STATE_HIGH
#define LOW KSTALLMON_ZONE_STATE_LOW
#define MIN KSTALLMON_ZONE_STATE_MIN

/* Who samples: min begins at 1050 pages, and is left above 1200. */
FIXTURE(zone)
{
	struct kst_zone_track track;
	struct kst_zone_levels levels;
	uint64_t now;
	uint64_t dwell;
	bool refuse; /* as the rate limit does */
	unsigned int nr;
	unsigned int before[TOLD_MAX], told[TOLD_MAX];
	uint64_t time[TOLD_MAX];
};

FIXTURE_SETUP(zone)
{
	self->levels = (struct kst_zone_levels){ .min = 1000, .low = 1400, .high = 1800 };
	self->now = 1000 * SECOND;
	self->dwell = DWELL;
	kst_zone_begin(&self->track, self->now);
}

FIXTURE_TEARDOWN(zone)
{
}

static void sample(FIXTURE_DATA(zone) * self, uint64_t free)
{
	self->now += SECOND;
	self->levels.free = free;
	kst_zone_step(&self->track, &self->levels, self->now);
	if (!kst_zone_due(&self->track, self->now, self->dwell) || self->refuse)
		return;
	if (self->nr < TOLD_MAX) {
		self->before[self->nr] = self->track.told;
		self->told[self->nr] = self->track.state;
		self->time[self->nr] = self->now;
	}
	self->nr++;
	kst_zone_told(&self->track);
}

static void samples(FIXTURE_DATA(zone) * self, uint64_t free, unsigned int nr)
{
	while (nr--)
		sample(self, free);
}

/* The changes told so far were from the first of these to the next, and so on; 0 ends them. */
#define EXPECT_TOLD(...) expect_told(_metadata, self, (unsigned int[]){ __VA_ARGS__, 0 })

static void expect_told(struct __test_metadata *_metadata, const FIXTURE_DATA(zone) * self,
			const unsigned int *states)
{
	unsigned int i;

	for (i = 0; states[i + 1]; i++) {
		ASSERT_LT(i, self->nr);
		EXPECT_EQ(states[i], self->before[i]);
		EXPECT_EQ(states[i + 1], self->told[i]);
	}
	EXPECT_EQ(i, self->nr);
}

TEST_F(zone, kswapd_between_low_and_high_tells_nothing)
{
	unsigned int i;

	/* Allocations take what is free in some seconds, kswapd wakes up and gets it back. */
	for (i = 0; i < 10000; i++) {
		sample(self, 1900);
		samples(self, 1700, 4);
		samples(self, 1390, 2);
		samples(self, 1600, 2);
	}
	EXPECT_TOLD(OK);
	EXPECT_EQ(4 * 10000 - 1, self->track.changes);
}

TEST_F(zone, fall_without_dwell_tells_all_in_order)
{
	uint64_t free;

	self->dwell = 0;
	for (free = 2500; free > 1000; free -= 10)
		sample(self, free);
	EXPECT_TOLD(OK, HIGH, LOW, MIN);
	EXPECT_EQ(3, self->track.changes);
}

TEST_F(zone, rise_without_dwell_tells_all_in_order)
{
	uint64_t free;

	self->dwell = 0;
	for (free = 1000; free < 2500; free += 10)
		sample(self, free);
	EXPECT_TOLD(OK, MIN, LOW, HIGH, OK);
}

TEST_F(zone, what_is_skipped_is_not_told)
{
	self->dwell = 0;
	sample(self, 1000);
	sample(self, 2000);
	EXPECT_TOLD(OK, MIN, OK);
}

TEST_F(zone, states_begin_at_the_watermarks)
{
	const struct {
		uint64_t free;
		unsigned int state;
	} cases[] = {
		{ 0, MIN },    { 1000, MIN },  { 1050, MIN },  { 1051, LOW },
		{ 1400, LOW }, { 1401, HIGH }, { 1800, HIGH }, { 1801, OK },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		self->levels.free = cases[i].free;
		EXPECT_EQ(cases[i].state, kst_zone_state(OK, &self->levels))
		{
			TH_LOG("at %ju", cases[i].free);
		}
	}
}

TEST_F(zone, min_is_left_half_way_up)
{
	self->levels.free = 1200;
	EXPECT_EQ(MIN, kst_zone_state(MIN, &self->levels));
	EXPECT_EQ(LOW, kst_zone_state(LOW, &self->levels));
	self->levels.free = 1201;
	EXPECT_EQ(LOW, kst_zone_state(MIN, &self->levels));
}

TEST_F(zone, min_is_told_at_once_and_once)
{
	unsigned int i;

	sample(self, 2000);
	for (i = 0; i < 1000; i++) {
		samples(self, 1010, 2);
		samples(self, 1390, 4);
	}
	EXPECT_TOLD(OK, MIN);
	EXPECT_EQ(1002 * SECOND, self->time[0]);
	EXPECT_EQ(2000, self->track.changes);
}

TEST_F(zone, reclaim_that_holds_a_zone_at_min_is_one_state)
{
	unsigned int i;

	for (i = 0; i < 1000; i++) {
		sample(self, 1000);
		sample(self, 1150);
	}
	EXPECT_TOLD(OK, MIN);
	EXPECT_EQ(1, self->track.changes);
}

TEST_F(zone, a_state_is_told_when_it_has_lasted)
{
	samples(self, 1700, 5);
	EXPECT_TOLD(OK);
	sample(self, 1700);
	EXPECT_TOLD(OK, HIGH);
	EXPECT_EQ(1001 * SECOND + DWELL, self->time[0]);
	EXPECT_EQ(1001 * SECOND, self->track.since);
	samples(self, 1300, 100);
	EXPECT_TOLD(OK, HIGH, LOW);
	samples(self, 2000, 100);
	EXPECT_TOLD(OK, HIGH, LOW, OK);
	EXPECT_EQ(3, self->track.changes);
}

TEST_F(zone, a_short_dip_tells_nothing)
{
	samples(self, 2000, 10);
	samples(self, 1700, 2);
	samples(self, 1300, 3);
	samples(self, 2000, 10);
	EXPECT_TOLD(OK);
	EXPECT_EQ(3, self->track.changes);
}

TEST_F(zone, back_to_ok_after_min)
{
	sample(self, 1000);
	samples(self, 2000, 5);
	EXPECT_TOLD(OK, MIN);
	sample(self, 2000);
	EXPECT_TOLD(OK, MIN, OK);
	EXPECT_EQ(1002 * SECOND + DWELL, self->time[1]);
}

/* Neither of the states lasts, but min is long over. */
TEST_F(zone, min_is_over_when_kswapd_is_back_at_work)
{
	unsigned int i;

	sample(self, 1000);
	for (i = 0; i < 1000; i++) {
		samples(self, 1390, 2);
		samples(self, 1700, 2);
	}
	ASSERT_EQ(2, self->nr);
	EXPECT_EQ(MIN, self->before[1]);
	EXPECT_EQ(1002 * SECOND + DWELL, self->time[1]);
}

TEST_F(zone, what_is_not_let_through_is_told_later)
{
	self->refuse = true;
	samples(self, 1000, 3);
	self->refuse = false;
	EXPECT_TOLD(OK);
	sample(self, 1000);
	EXPECT_TOLD(OK, MIN);
	samples(self, 1000, 100);
	EXPECT_TOLD(OK, MIN);
}

TEST_F(zone, changes_that_were_not_let_through_are_told_as_one)
{
	self->dwell = 0;
	self->refuse = true;
	sample(self, 1700);
	sample(self, 1300);
	self->refuse = false;
	sample(self, 1300);
	EXPECT_TOLD(OK, LOW);
	EXPECT_EQ(2, self->track.changes);
}

TEST_F(zone, equal_watermarks)
{
	self->dwell = 0;
	self->levels.low = self->levels.high = self->levels.min;
	sample(self, 1001);
	sample(self, 1000);
	sample(self, 1001);
	EXPECT_TOLD(OK, MIN, OK);
}

TEST_F(zone, no_watermarks)
{
	self->dwell = 0;
	self->levels.min = self->levels.low = self->levels.high = 0;
	sample(self, 0);
	sample(self, 1);
	sample(self, 0);
	EXPECT_TOLD(OK);
	EXPECT_EQ(0, self->track.changes);
}

/* min_free_kbytes far too large: all of the zone is below. */
TEST_F(zone, watermarks_above_all_memory)
{
	self->levels.min = 100000;
	self->levels.low = 125000;
	self->levels.high = 150000;
	samples(self, 90000, 100);
	EXPECT_TOLD(OK, MIN);
	self->levels.min = 80000;
	samples(self, 130000, 100);
	EXPECT_TOLD(OK, MIN, HIGH);
}

/* As seen while they are being set. */
TEST_F(zone, low_below_min)
{
	self->levels.min = 2000;
	self->levels.free = 1900;
	EXPECT_EQ(MIN, kst_zone_state(OK, &self->levels));
	self->levels.free = 2001;
	EXPECT_EQ(OK, kst_zone_state(OK, &self->levels));
}

TEST_F(zone, watermarks_near_the_largest_number)
{
	self->levels.min = UINT64_MAX - 8;
	self->levels.low = UINT64_MAX - 1;
	self->levels.high = UINT64_MAX;
	self->levels.free = UINT64_MAX;
	EXPECT_EQ(HIGH, kst_zone_state(OK, &self->levels));
	self->levels.free = UINT64_MAX - 8;
	EXPECT_EQ(MIN, kst_zone_state(OK, &self->levels));
}

TEST_HARNESS_MAIN
