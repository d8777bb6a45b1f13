/* SPDX-License-Identifier: MIT */
/*
 * sources.h - what tests of page sources and regions ask of them.
 */
#ifndef UNIT_SOURCES_H
#define UNIT_SOURCES_H

#include <string.h>

#include "base/sys.h"
#include "mempool/pages.h"
#include "mempool/stats.h"
#include "chance.h"

struct named_stats {
	const char *name;
	struct mempool_stats found;
	bool seen;
};

static int keep_if_named(const struct mempool_stats *s, void *arg)
{
	struct named_stats *wanted = arg;

	if (strcmp(s->name, wanted->name) != 0)
		return 0;
	wanted->found = *s;
	wanted->seen = true;
	return 1;
}

/* The statistics of a pool; all zeros when there is none of this name. */
__attribute__((unused)) static struct mempool_stats stats_of(const char *name)
{
	struct named_stats wanted = { .name = name };

	mempool_stats_walk(keep_if_named, &wanted);
	return wanted.found;
}

__attribute__((unused)) static bool is_listed(const char *name)
{
	struct named_stats wanted = { .name = name };

	mempool_stats_walk(keep_if_named, &wanted);
	return wanted.seen;
}

__attribute__((unused)) static size_t chunk_size(void)
{
	return mempool_pages_size(MEMPOOL_MAX_ORDER);
}

/* A source with a name, and a limit if that is not 0. */
__attribute__((unused)) static mempool_pages_t *source_named(const char *name,
							     size_t limit)
{
	struct mempool_options o = { .name = name, .limit = limit };

	return mempool_pages_create(&o);
}

#endif
