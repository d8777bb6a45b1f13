/* SPDX-License-Identifier: MIT */
/*
 * formats.h - what a profile can be written as.
 */
#ifndef MPOOL_FORMATS_H
#define MPOOL_FORMATS_H

#include <stdio.h>

#include "tally.h"

struct format_options {
	size_t lines;	  /* of a table; 0: all */
	bool diff;	  /* the tally is a difference of two profiles */
	bool filtered;	  /* by filters, that is */
	const char *more; /* behind the sum, from a comma on */
	bool all;	  /* each allocation is in it */
};

/* A table of functions. */
void format_table(FILE *out, const struct tally *tally, enum value value,
		  const struct format_options *options);

/*
 * The same of the callers of one function, or of whom it calls: what is
 * allocated on these ways.  False: there is no such function.
 */
bool format_neighbours(FILE *out, const struct tally *tally, enum value value,
		       const struct format_options *options,
		       const char *function, bool callers);

/*
 * A line for each way, "main;a;b 123": flamegraph.pl, speedscope.  Of a
 * difference, with both values, before and after, as difffolded.pl writes
 * them: flamegraph.pl.
 */
void format_collapsed(FILE *out, const struct tally *tally, enum value value,
		      bool diff);

/*
 * gperftools' text, "heap profile: ...": google-pprof, jeprof, go tool pprof.
 * It has two views: all that was allocated, and in the place of what lives
 * `view`.
 */
void format_legacy(FILE *out, const struct profile *profile,
		   enum heap_view view);

/*
 * profile.proto, gzip: go tool pprof, with all views, the value being the one
 * that is shown at first.  False: errno says why.
 */
bool format_pprof(int fd, const struct profile *profile,
		  struct symbols *symbols, enum value value);

/* JSON, a row for each stack. */
void format_json(FILE *out, const struct profile *profile,
		 struct symbols *symbols, enum value value);

/* Of either function that is not NULL.  Returns the one that is not there. */
const char *format_json_neighbours(FILE *out, const struct profile *profile,
				   const struct tally *tally, enum value value,
				   const char *callers, const char *callees);

/*
 * Of a row of JSON: function, file and line of the innermost frame, and stack,
 * an array with those of all.
 */
void format_json_row(FILE *out, const struct stack *stack,
		     struct symbols *symbols);

/* heaptrack's data, version 3: heaptrack_print, heaptrack_gui. */
void format_heaptrack(FILE *out, const struct profile *profile,
		      struct symbols *symbols);

/* The profile itself with the names of all its frames. */
void format_embedded(FILE *out, const char *path, const struct profile *profile,
		     struct symbols *symbols);

#endif
