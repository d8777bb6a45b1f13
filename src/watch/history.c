/* SPDX-License-Identifier: MIT */
/*
 * history.c - what a program's memory was over time.
 *
 * A moment a second; when the table is full every second one goes, and the step
 * doubles.  So the table covers the whole life of the program at all times,
 * with 64 to 128 moments of it once it has lived for two minutes.
 */
#include "watch/history.h"

bool history_due(const struct history *history, uint64_t age_ms)
{
	uint32_t n = history->count;

	return !n ||
	       age_ms >= history->moments[n - 1].age_ms + history->step_ms;
}

static void thin(struct history *history)
{
	for (uint32_t i = 0; i < HISTORY_MOMENTS / 2; i++)
		history->moments[i] = history->moments[2 * i];
	history->count = HISTORY_MOMENTS / 2;
	/* 2^31 ms are 24 days; what lives longer than 128 of these, thins on.
	 */
	if (history->step_ms < UINT32_C(1) << 30)
		history->step_ms *= 2;
}

void history_add(struct history *history, const struct moment *moment)
{
	if (!history->count)
		history->step_ms = HISTORY_STEP_MS;
	if (history->count == HISTORY_MOMENTS)
		thin(history);
	history->moments[history->count++] = *moment;
}
