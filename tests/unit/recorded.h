/* SPDX-License-Identifier: MIT */
/*
 * recorded.h - a sample as the interposer records one.
 */
#ifndef UNIT_RECORDED_H
#define UNIT_RECORDED_H

#include "watch/record.h"

/* Nothing, where the thread is inside. */
static inline void record_sample(void *p, size_t size, size_t period)
{
	if (!record_enter())
		return;
	record_alloc(p, size, period);
	record_leave();
}

#endif
