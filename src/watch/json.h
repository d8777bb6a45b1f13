/* SPDX-License-Identifier: MIT */
/*
 * json.h - a snapshot as JSON.
 */
#ifndef WATCH_JSON_H
#define WATCH_JSON_H

#include "watch/snapshot.h"

/*
 * Schema mpool-stats/1: names are added, never changed.  "pools" is there when
 * there are any; "classes" is empty where nobody has used the small heap.
 */
void snapshot_json(const struct snapshot *snapshot, struct out *o);

#endif
