/* SPDX-License-Identifier: MIT */
/*
 * inject.h - faults on purpose: sources of memory that fail when asked to.
 *
 * MPOOL_FAIL=[SOURCE:]WHEN[,...], or mempool_fault_set(): WHEN is N (the N-th
 * call fails), N+ (that and all later ones), N/M (the N-th of each M) or P%
 * (each with this probability, decimals allowed; the sequence is the same in
 * each run).  SOURCE is "pages", "slabs" or the name of a mempool; none: all
 * of them together.  Nothing asked for: a call costs the test of a flag.
 * After the kernel's Documentation/fault-injection.
 */
#ifndef BASE_INJECT_H
#define BASE_INJECT_H

#include "base/fork_table.h"

enum {
	INJECT_RULES = 16, /* at most */
	INJECT_NAME = 31,  /* bytes of a source's name that count */
};

extern HIDDEN bool inject_on;

/* A floor of the table of fork. */
void inject_fork(struct fork_table *t);

/*
 * Replaces the rules by those of `rules`, and counts from the beginning; NULL
 * or "": none.  False when it cannot be read; then nothing changes.  Any
 * thread; a call of a source at the same time may follow either.
 */
bool inject_set(const char *rules);

/* Outlined half; counts the call.  Any thread, no lock. */
bool inject_fails_slow(const char *source);

/* Whether this call of a source must fail. */
static inline bool inject_fails(const char *source)
{
	return unlikely(__atomic_load_n(&inject_on, __ATOMIC_RELAXED)) &&
	       inject_fails_slow(source);
}

#endif
