/* SPDX-License-Identifier: MIT */
/*
 * prof_options.h - what mpool prof is asked for.
 */
#ifndef MPOOL_PROF_OPTIONS_H
#define MPOOL_PROF_OPTIONS_H

#include "filter.h"
#include "prof_live.h"

enum format { TEXT, COLLAPSED, FLAME, PPROF, LEGACY, EMBED, JSON };

struct prof_request {
	enum format format;
	enum heap_view view; /* VIEWS: as it suits the profile */
	bool count, diff, merge, no_inline, formatted;
	struct filter filter;
	struct prof_live live;
	const char *out, *file, *base;
	const char *callers, *callees; /* of which functions */
	char **files;		       /* to be added: `file_count` of them */
	size_t file_count;
	size_t lines;
};

/*
 * Reads the command line, or says what is wrong with it and exits.  Samples a
 * running program meanwhile, when that is asked for.
 */
void prof_options(struct prof_request *request, int argc, char **argv);

#endif
