/* SPDX-License-Identifier: MIT */
/*
 * profile.h - a profile in memory, as src/watch/profile.h describes the file.
 */
#ifndef MPOOL_PROFILE_H
#define MPOOL_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "watch/history.h"

struct snapshot;

/* Executable memory of one file; the main program's comes first. */
struct mapping {
	uint64_t start, end, offset; /* offset in the file of `start` */
	char *build_id;		     /* hex, or "-" */
	char *file;
};

struct stack {
	uint32_t depth;
	uint64_t *frames; /* return addresses, the innermost first; 0: a gap */
};

/* What is counted: what lives, lived at the peak, was allocated, died soon. */
enum heap_view { VIEW_LIVE, VIEW_PEAK, VIEW_TOTAL, VIEW_BRIEF, VIEWS };

/* weight: how many allocations one sample stands for. */
struct site {
	uint32_t stack; /* index of stacks */
	uint64_t size, unit;
	uint64_t samples[VIEWS];
	uint64_t brief_ms; /* sum of ages */
	double weight;
};

/* INDIRECT: lost, and another lost one points to it. */
enum object_state {
	OBJECT_UNKNOWN,
	OBJECT_LOST,
	OBJECT_REACHABLE,
	OBJECT_INDIRECT,
};

/* Live samples, which differ in age alone. */
struct object {
	uint32_t stack;
	uint64_t samples, size, unit, oldest_ms, newest_ms, thread;
	enum object_state state;
	double weight;
};

/*
 * A frame's name, kept in the file for machines that lack the binaries.  The
 * callers of inlined functions follow these, with the same address.
 */
struct name {
	uint64_t address;
	char *function, *file;
	uint64_t line;
};

/* Stacks that end before their beginning, and why. */
struct cut {
	uint64_t stacks;
	char *why;
};

struct profile {
	char *program;
	char *version;	    /* of the library; NULL: unknown */
	char *suppressions; /* the program's own; NULL: none */
	char *path;	    /* of its file, absolute; NULL: of none */
	uint64_t pid, period, start_ms, age_ms, rss, peak_rss, lost;
	uint64_t running;	    /* threads, while leaks were looked for */
	uint64_t peak_ms, brief_ms; /* age at it; age that is short-lived */
	struct mapping *mappings;
	struct stack *stacks;
	struct site *sites;
	struct object *objects;
	struct name *names; /* sorted by address */
	struct cut cuts[8];
	uint32_t *children;	/* process ids */
	struct moment *moments; /* what its memory was, by age */
	struct snapshot *pools; /* what they did; NULL: unknown */
	unsigned format;
	uint64_t bytes; /* of all rows */
	size_t cut_count, child_count, moment_count;
	size_t mapping_count, stack_count, site_count, object_count, name_count;
	bool has_objects; /* leaks were looked for */
	bool has_peak;	  /* and what was short-lived: later files */
};

/*
 * Reads the `length` bytes of `text`, which it changes.  NULL, or what is
 * wrong, *line being where; the profile is empty then.
 */
const char *profile_parse(struct profile *profile, char *text, size_t length,
			  uint64_t *line);

/*
 * Reads a file, "-" being stdin.  NULL, or a static line that names the file,
 * where in it, and what is wrong.
 */
const char *profile_read(struct profile *profile, const char *path);

/* The same, or says it and exits. */
void profile_load(struct profile *profile, const char *path);

void profile_free(struct profile *profile);

/* All return addresses, sorted, each once; allocated. */
uint64_t *profile_addresses(const struct profile *profile, size_t *count);

/* The mapping that an address lies in; NULL: none. */
const struct mapping *profile_mapping(const struct profile *profile,
				      uint64_t address);

/* Directly or not. */
bool object_is_lost(enum object_state state);

/* Allocations and bytes that a site stands for. */
double site_count(const struct site *site, enum heap_view view);
double site_bytes(const struct site *site, enum heap_view view);

/* Bytes of all sites. */
double profile_bytes(const struct profile *profile, enum heap_view view);

/* What most is to be seen in: the peak if less than a tenth of it lives. */
enum heap_view profile_view(const struct profile *profile);

#endif
