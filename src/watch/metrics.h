/* SPDX-License-Identifier: MIT */
/*
 * metrics.h - the figures of a class and of a pool: each is said once.
 *
 * What is summed up, and what JSON and Prometheus show, goes through these
 * tables; so does the order in which they stand.
 */
#ifndef WATCH_METRICS_H
#define WATCH_METRICS_H

#include "base/common.h"

enum metric_type { METRIC_GAUGE, METRIC_COUNTER, METRIC_HISTOGRAM };

/*
 * A uint64_t at `offset` of a row.  In Prometheus counters end in _total, sizes
 * in _bytes.  A key of JSON with a dot is a member of a member; those of one
 * stand together.
 */
struct metric {
	char name[32]; /* of Prometheus, without its prefix */
	char key[24];  /* of JSON */
	char help[88];
	uint16_t offset;
	uint8_t type;
};

struct metrics {
	const struct metric *of;
	size_t count;
};

extern const struct metrics class_metrics; /* of struct snapshot_row */
extern const struct metrics pool_metrics;  /* of struct pools_row */

static inline uint64_t metric_of(const struct metric *m, const void *row)
{
	return *(const uint64_t *)((const char *)row + m->offset);
}

/* Adds each of a row's figures to those of `sum`. */
void metrics_add(const struct metrics *metrics, void *sum, const void *row);

#endif
