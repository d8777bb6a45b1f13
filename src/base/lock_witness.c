/* SPDX-License-Identifier: MIT */
/*
 * lock_witness.c - sees to it that locks are taken in the order of their ranks.
 */
#include "base/lock_witness.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/out.h"

#define LOCK_RANK_NAME(name) #name,

static const char *const names[] = { LOCK_RANKS(LOCK_RANK_NAME) };

/* What this thread holds; `last` counts while count is not 0. */
static __thread struct {
	unsigned count;
	uintptr_t last;
} held[RANKS] __attribute__((tls_model("initial-exec")));
static __thread bool forking __attribute__((tls_model("initial-exec")));
static uint64_t expected;

/* The thread holds `outer`, unless that is NONE. */
_Noreturn static void accuse(enum lock_rank rank, const char *what,
			     enum lock_rank outer)
{
	char line[OUT_LINE];
	struct out o;

	out_memory(&o, line, sizeof line);
	out_str(&o, "libmpool: lock order: ");
	out_str(&o, names[rank]);
	out_str(&o, what);
	if (outer != RANK_NONE)
		out_str(&o, names[outer]);
	out_line(&o, STDERR_FILENO);
	abort();
}

void lock_witness_ask(const void *lock, enum lock_rank rank)
{
	uint64_t known = __atomic_load_n(&expected, __ATOMIC_RELAXED);

	if (rank == RANK_NONE)
		accuse(rank, " is no rank", RANK_NONE);
	if (known && !(known >> rank & 1))
		accuse(rank, " is not in the table of fork", RANK_NONE);
	for (unsigned inner = rank + 1; inner < RANKS; inner++)
		if (held[inner].count)
			accuse(rank, " is taken by who holds ",
			       (enum lock_rank)inner);
	if (!forking && held[rank].count && (uintptr_t)lock <= held[rank].last)
		accuse(rank, " is taken by who holds a later one of ", rank);
}

void lock_witness_note(const void *lock, enum lock_rank rank)
{
	held[rank].count++;
	held[rank].last = (uintptr_t)lock;
}

/* Of one that was not held too: a child breaks what its parent held. */
void lock_witness_forget(const void *lock, enum lock_rank rank)
{
	(void)lock;
	if (held[rank].count)
		held[rank].count--;
}

void lock_witness_forking(bool begins)
{
	forking = begins;
}

void lock_witness_forget_all(void)
{
	for (unsigned rank = 0; rank < RANKS; rank++)
		held[rank].count = 0;
	forking = false;
}

void lock_witness_expect(uint64_t ranks)
{
	__atomic_store_n(&expected, ranks, __ATOMIC_RELAXED);
}
