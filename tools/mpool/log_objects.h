/* SPDX-License-Identifier: MIT */
/*
 * log_objects.h - events become operations on numbered objects.
 */
#ifndef MPOOL_LOG_OBJECTS_H
#define MPOOL_LOG_OBJECTS_H

#include "log.h"

struct event {
	uint64_t time, pointer, old, size;
	uint32_t thread;
	uint8_t kind, align;
};

struct events {
	struct event *all;
	size_t count, room;
};

/* Fills ops and all figures of `log` from events in the order of time. */
void log_build(struct log *log, const struct events *events);

#endif
