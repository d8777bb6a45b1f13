/* SPDX-License-Identifier: MIT */
/*
 * web_stacks.h - the stacks of profiles, each name and frame once.
 *
 * A frame is function, file and line, and these are numbers.
 */
#ifndef MPOOL_WEB_STACKS_H
#define MPOOL_WEB_STACKS_H

#include "symbols.h"

/* Each text once; its number is its index. */
struct web_texts {
	char **all;
	uint32_t count, room;
	void *tree; /* of struct text */
};

enum { WEB_NO_FILE = UINT32_MAX };

struct web_frame {
	uint32_t function, file, line;
	uint32_t number; /* its index */
};

struct web_leak {
	enum object_state state;
	double count, bytes, variance;
	uint64_t oldest_ms;
	struct web_leak *next;
};

struct web_site {
	uint64_t size, samples[VIEWS], brief_ms;
	uint32_t weight; /* its number; with the sign */
	struct web_site *next;
};

struct web_stack {
	uint32_t *frames; /* the outermost first */
	uint32_t depth;
	struct web_site *sites;
	struct web_leak *leaks;
};

/* What is to be shown; owner: whoever made it. */
struct web_stacks {
	struct web_texts functions, files, weights;
	struct web_frame *frames;
	uint32_t frame_count, frame_room;
	void *frame_tree; /* of struct web_frame */
	struct web_stack *stacks;
	size_t stack_count;
};

struct web_stacks *web_stacks_new(void);

/*
 * Adds a profile, `sign` times: -1 for a base to compare with.  root: the
 * outermost function of all its stacks, or NULL.
 */
void web_stacks_add(struct web_stacks *s, const struct profile *profile,
		    struct symbols *symbols, double sign, const char *root);

void web_stacks_free(struct web_stacks *s);

#endif
