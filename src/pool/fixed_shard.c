/* SPDX-License-Identifier: MIT */
/*
 * fixed_shard.c - waiting for a shard.
 *
 * A nap rather than a yield: the holder may be a thread of lower priority.
 */
#include "pool/fixed_shard.h"

#include <errno.h>
#include <time.h>

enum { SPINS = 100, FIRST_NAP_NS = 10000, LONGEST_NAP_NS = 1000000 };

void shard_wait(struct shard *s)
{
	struct timespec nap = { 0, FIRST_NAP_NS };
	int saved = errno;

	for (int i = 0; !shard_try(s); i++) {
		while (i < SPINS &&
		       __atomic_load_n(&s->lock.word, __ATOMIC_RELAXED))
			i++;
		if (i < SPINS)
			continue;
		nanosleep(&nap, NULL);
		nap.tv_nsec = min_of(2 * nap.tv_nsec, (long)LONGEST_NAP_NS);
	}
	errno = saved;
}
