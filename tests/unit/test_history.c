/* SPDX-License-Identifier: MIT */
/*
 * test_history.c - what a program's memory was over time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch/history.h"

static struct history history;

static void live_until(uint64_t end_ms)
{
	history = (struct history){ 0 };
	for (uint64_t ms = 0; ms <= end_ms; ms += 250)
		if (history_due(&history, ms))
			history_add(&history,
				    &(struct moment){ .age_ms = ms,
						      .live_bytes = ms });
}

static void a_moment_a_second_is_kept_at_first(void **state)
{
	(void)state;
	live_until(60000);
	assert_int_equal(history.count, 61);
	for (unsigned i = 0; i < history.count; i++)
		assert_int_equal(history.moments[i].age_ms, 1000 * i);
}

static void a_long_life_is_covered_from_its_start_to_now(void **state)
{
	uint64_t end_ms = UINT64_C(10) * 3600 * 1000;

	(void)state;
	live_until(end_ms);
	assert_in_range(history.count, HISTORY_MOMENTS / 2, HISTORY_MOMENTS);
	assert_int_equal(history.moments[0].age_ms, 0);
	assert_true(history.moments[history.count - 1].age_ms +
			    history.step_ms >
		    end_ms);
	for (unsigned i = 1; i < history.count; i++) {
		const struct moment *m = &history.moments[i];

		assert_int_equal(m->live_bytes, m->age_ms);
		assert_true(m->age_ms > m[-1].age_ms);
		assert_true(m->age_ms - m[-1].age_ms <= history.step_ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_moment_a_second_is_kept_at_first),
		cmocka_unit_test(a_long_life_is_covered_from_its_start_to_now),
	};

	return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
