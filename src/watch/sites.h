/* SPDX-License-Identifier: MIT */
/*
 * sites.h - where samples were allocated: stacks, each kept once, and for each
 * stack and size how many there were, are, and were at the peak.
 *
 * Rows are as the sampler saw them: not scaled.  A sample of unit u stands for
 * 1 / (1 - exp(-u / period)) allocations; the reader of a profile does that
 * sum, who has a mathematics library.
 *
 * The peak is the moment at which the live samples stood for most bytes.
 */
#ifndef WATCH_SITES_H
#define WATCH_SITES_H

#include "base/fork_table.h"
#include "watch/stack.h"

struct stack {
	uint32_t next; /* with the same hash */
	uint16_t depth;
	uint16_t generation; /* watch/modules.h */
	uint64_t hash;
	uintptr_t frames[]; /* depth of them, the innermost first */
};

struct site {
	uint32_t next; /* with the same hash */
	uint32_t stack;
	uint64_t size;	 /* bytes asked for */
	uint64_t unit;	 /* bytes that the sampler counted: the class's size */
	uint64_t period; /* mean bytes between samples when they were taken */
	uint64_t total, live;
	uint64_t worth;		  /* bytes that one stands for */
	uint64_t peak;		  /* live at the peak with the number `seen` */
	uint64_t seen;		  /* an earlier one: as many as live now */
	uint64_t brief, brief_ms; /* freed within SITES_BRIEF_MS; sum of ages */
};

enum { SITES_BRIEF_MS = 10 };

/*
 * The site of a sample, made when it is new, its counts raised by one.
 * now_ms: of the process's age.  Returns its number; 0 when memory is out.  Any
 * thread.
 */
uint32_t sites_add(const uintptr_t *frames, unsigned depth, size_t size,
		   size_t unit, size_t period, uint32_t now_ms);

/* A sample of this site was freed at this age; or was not, after all. */
void sites_free(uint32_t site, uint32_t age_ms);
void sites_kept(uint32_t site, uint32_t age_ms);

/*
 * While it is held, a new peak is none yet: rows that are read one by one are
 * those of one peak.  Returns the process's age at it.
 */
uint32_t sites_peak_hold(bool held);

/*
 * How many there are, numbered from 1, and one of them: a copy, for its counts
 * change; `peak` is that of the last one.  Size and stacks never change.
 */
uint32_t sites_count(void);
struct site sites_at(uint32_t site);
uint64_t sites_size(uint32_t site);
uint32_t sites_stacks(void);
const struct stack *sites_stack(uint32_t stack);

/* A number that grows with each sample that is taken or freed. */
uint64_t sites_changes(void);

/*
 * Keeps them in the file `fd`, too, from now on (watch/lasting.h).  False:
 * there is no room for it.  Until sites_unkeep().
 */
struct lasting_header;
bool sites_keep(int fd, const char *path, const struct lasting_header *header,
		const char *text);
void sites_keep_now(uint32_t now_ms, uint64_t rss, uint64_t peak_rss);
void sites_keep_text(const char *lines);
void sites_unkeep(void);

void sites_fork(struct fork_table *t);

#endif
