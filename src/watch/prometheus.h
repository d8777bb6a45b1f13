/* SPDX-License-Identifier: MIT */
/*
 * prometheus.h - a snapshot in Prometheus' text format, version 0.0.4.
 */
#ifndef WATCH_PROMETHEUS_H
#define WATCH_PROMETHEUS_H

#include "watch/snapshot.h"

/*
 * Every sample carries pid and program; those of a class, its size; those of
 * pools (mempool_*) name, kind and size, 0 for any.
 */
void snapshot_prometheus(const struct snapshot *snapshot, struct out *o);

#endif
