/* SPDX-License-Identifier: MIT */
/*
 * history.h - what a program's memory was over time, in a bounded table.
 */
#ifndef WATCH_HISTORY_H
#define WATCH_HISTORY_H

#include "base/common.h"

enum {
	HISTORY_MOMENTS = 128,
	HISTORY_STEP_MS = 1000, /* between two moments, at first */
};

struct moment {
	uint64_t age_ms; /* of the program */
	uint64_t live_bytes, resident_bytes;
	uint64_t forwarded_bytes, requests; /* so far */
};

/* From the start of the program on, evenly; the oldest first. */
struct history {
	uint32_t count;
	uint32_t step_ms; /* 0: none yet */
	struct moment moments[HISTORY_MOMENTS];
};

/* Whether a moment of this age is to be kept. */
bool history_due(const struct history *history, uint64_t age_ms);

/* Adds what is due; a full table keeps every second moment from then on. */
void history_add(struct history *history, const struct moment *moment);

#endif
