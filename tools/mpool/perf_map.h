/* SPDX-License-Identifier: MIT */
/*
 * perf_map.h - names of code that a program has made as it ran.
 *
 * Just-in-time compilers write them to /tmp/perf-PID.map, for perf: node with
 * --perf-basic-prof, python with -X perf, java with its agent.
 */
#ifndef MPOOL_PERF_MAP_H
#define MPOOL_PERF_MAP_H

#include "profile.h"

struct perf_map;

/*
 * That of the profile's process; empty when there is none, or it is a
 * stranger's.
 */
struct perf_map *perf_map_open(const struct profile *profile);

/* NULL: it has none.  Valid as long as the map. */
const char *perf_map_find(const struct perf_map *map, uint64_t address);

void perf_map_close(struct perf_map *map);

#endif
