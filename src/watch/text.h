/* SPDX-License-Identifier: MIT */
/*
 * text.h - a snapshot as a table for people.
 */
#ifndef WATCH_TEXT_H
#define WATCH_TEXT_H

#include "watch/snapshot.h"

/*
 * A summary, then the classes and the pools, those with most memory first, in
 * lines of at most 110 columns.  What is zero everywhere is left out and named.
 * Not for programs to read: they have JSON.
 */
void snapshot_text(const struct snapshot *snapshot, struct out *o);

#endif
