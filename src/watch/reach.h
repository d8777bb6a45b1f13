/* SPDX-License-Identifier: MIT */
/*
 * reach.h - marks the samples that words in memory lead to.
 *
 * Every aligned word that points into a sample makes it reachable, and what it
 * holds is looked through in turn.  Takes no lock and no memory of malloc, and
 * leaves no pointer of its own lying about where others are looked for.
 */
#ifndef WATCH_REACH_H
#define WATCH_REACH_H

#include "watch/live.h"

/* INDIRECT: lost as well, but another lost one points to it. */
enum reach_mark { REACH_NOT, REACH_LOST, REACH_INDIRECT, REACH_FOUND };

enum {
	REACH_WORDS = 16 << 10, /* bytes of memory that are copied at a time */
	REACH_PAGES = 64,	/* copies of pages with objects */
};

/* objects are sorted by address; those that wait are marked already. */
struct reach {
	struct live *objects;
	uint32_t *waiting;	     /* room for as many */
	uintptr_t *words;	     /* REACH_WORDS bytes */
	char *pages;		     /* REACH_PAGES of them */
	uintptr_t page[REACH_PAGES]; /* whose copy it is; 0: none's */
	size_t count, waits;
	size_t last;	   /* object that a word led to */
	struct live *lost; /* looked through; NULL: what can be reached */
	uintptr_t low, high;
	int pagemap; /* descriptor, or -1 */
	bool lists;  /* glibc's own are looked at */
	bool blind;  /* the kernel does not let us look */
};

/* Marks all objects REACH_LOST. */
void reach_start(struct reach *r);
void reach_end(struct reach *r);

/* Copies what can be read to r->words.  Returns how much of it from the start.
 */
size_t reach_copy(struct reach *r, uintptr_t from, size_t bytes);

/*
 * The first page in a mapping that is a guard, or that is none.  `to`: there is
 * no such, or the kernel does not tell (before 6.15).
 */
uintptr_t reach_next(const struct reach *r, uintptr_t from, uintptr_t to,
		     bool guard);

/* What `bytes` of r->words lead to. */
void reach_words(struct reach *r, size_t bytes);

/* What this memory leads to, but for the samples that lie in it. */
void reach_region(struct reach *r, uintptr_t from, uintptr_t to);

/*
 * Marks those that are lost with another one.  As LeakSanitizer sees it: of a
 * ring, each is.
 */
void reach_indirect(struct reach *r);

/* Whether a sample starts there. */
bool reach_holds(const struct reach *r, uintptr_t from, uintptr_t to);

#endif
