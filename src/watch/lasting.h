/* SPDX-License-Identifier: MIT */
/*
 * lasting.h - what was sampled, in a file that outlives the process.
 *
 * A mapped copy of the tables of sites.h, brought up to date with each sample:
 * whatever ends the process, the file tells what was sampled until then.
 * profile_write() replaces it by the profile proper; `mpool prof` reads both.
 *
 * The file is a struct lasting_header, then extents, each a struct
 * lasting_extent and what it says: lines of a profile; struct lasting_stack;
 * struct lasting_site.  Rows are numbered from 1 in the order of the file. What
 * is not complete is not counted in `used`.  All numbers are of 64 bits,
 * little-endian.
 *
 * Owner: the lock of sites.h.
 */
#ifndef WATCH_LASTING_H
#define WATCH_LASTING_H

#include "base/common.h"

struct stack;
struct site;

#define LASTING_MAGIC  "mpool-profile lasting\n"
#define LASTING_ENDING ".lasting"

enum lasting_kind {
	LASTING_END,
	LASTING_TEXT,
	LASTING_STACKS,
	LASTING_SITES,
	LASTING_KINDS
};

struct lasting_header {
	char magic[24];
	uint64_t bytes; /* to the first extent */
	uint64_t pid, start_ms, brief_ms;
	uint64_t period;	/* at first */
	uint64_t rss, peak_rss; /* bytes, a while ago */
	uint64_t age_ms;	/* at the last sample */
	uint64_t lost;		/* samples that are not in the file */
	uint64_t peak_ms, peak; /* age at the peak, and its number */
};

struct lasting_extent {
	uint64_t kind;	/* enum lasting_kind; 0: nothing more */
	uint64_t bytes; /* to the next extent */
	uint64_t used;	/* of what follows */
};

struct lasting_stack {
	uint64_t depth;
	uint64_t frames[]; /* as in a profile */
};

/* `peak` counts if `seen` is the header's peak; if not, `live` does. */
struct lasting_site {
	uint64_t stack, size, unit, period;
	uint64_t total, peak, seen, live;
	uint64_t brief, brief_ms;
};

/* --- when to begin --- */

/*
 * From the age `due_ms` on, or when much has been allocated in a new child, the
 * next sample calls `begin`, which may call sites_keep(); no lock is held.
 */
void lasting_want(uint32_t due_ms, void (*begin)(void));

extern HIDDEN bool lasting_on;
extern HIDDEN uint32_t lasting_due_ms; /* UINT32_MAX: never */

/*
 * Before a sample is noted that stands for `bytes`; takes care that a file that
 * is cut ends nothing.
 */
void lasting_look_slow(uint32_t now_ms, size_t bytes);

static inline void lasting_look(uint32_t now_ms, size_t bytes)
{
	if (__atomic_load_n(&lasting_on, __ATOMIC_RELAXED) ||
	    __atomic_load_n(&lasting_due_ms, __ATOMIC_RELAXED) != UINT32_MAX)
		lasting_look_slow(now_ms, bytes);
}

/* --- for sites.c --- */

/*
 * Begins in an empty file, `fd`, which it takes over; `text` is what a profile
 * begins with.  False: there is no room.
 */
bool lasting_begin(int fd, const char *path,
		   const struct lasting_header *header, const char *text);
void lasting_end(void);

/* Rows are added in the order of their numbers; sites are brought up to date.
 */
void lasting_stack(uint32_t number, const struct stack *stack);
void lasting_site(uint32_t number, const struct site *site);
void lasting_peak(uint64_t number, uint32_t at_ms);
void lasting_age(uint32_t now_ms);
void lasting_rss(uint64_t now, uint64_t peak);

/* More lines, 16 KiB of them at most. */
void lasting_text(const char *lines);

/* The file has another name now. */
void lasting_moved(const char *path);

/* In a child: the file is the parent's. */
void lasting_fork_child(uint32_t now_ms);

#endif
