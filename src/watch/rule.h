/* SPDX-License-Identifier: MIT */
/*
 * rule.h - how the frame of a caller is found: what a compiler has noted for
 * an address (.eh_frame), cut down to what nearly all code on x86-64 needs.
 */
#ifndef WATCH_RULE_H
#define WATCH_RULE_H

#include "base/common.h"

/* Whether there are rules for this machine, and glibc can look for them. */
#if defined(__x86_64__) && __GLIBC_PREREQ(2, 35)
#define RULES 1
#else
#define RULES 0
#endif

enum rule_kind {
	RULE_NONE,    /* no table tells of this address */
	RULE_SP,      /* CFA = sp + offset */
	RULE_BP,      /* CFA = bp + offset */
	RULE_AT_BP,   /* CFA = *(bp + offset): a realigned stack */
	RULE_SIGNAL,  /* a handler returns here; the kernel's frame is at sp */
	RULE_END,     /* nobody called this */
	RULE_UNUSUAL, /* anything else */
};

enum rule_saved { SAVED_NOT, SAVED_AT_CFA, SAVED_AT_BP };

/* The CFA is what sp is in the caller; the return address lies below it. */
struct rule {
	uint64_t kind : 4;	/* enum rule_kind */
	uint64_t saved : 2;	/* enum rule_saved: where the caller's bp is */
	int64_t offset : 32;	/* of the CFA */
	int64_t bp_offset : 26; /* of the caller's bp */
};

/*
 * The rule for the instruction at `pc`.  *lasting: code there stays until a
 * library is closed; what a JIT made may be another soon.  Takes no lock,
 * touches no thread-local variable of others, allocates nothing.
 */
struct rule rule_find(uintptr_t pc, bool *lasting);

#endif
