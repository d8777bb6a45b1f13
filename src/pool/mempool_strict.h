/* SPDX-License-Identifier: MIT */
/*
 * mempool_strict.h - the elements of a mempool that knows them, one by one: a
 * strict one, or any with MEMPOOL_DEBUG.
 */
#ifndef POOL_MEMPOOL_STRICT_H
#define POOL_MEMPOOL_STRICT_H

#include "base/hash.h"

/*
 * All elements that the pool got from its source and has not given back; some
 * are out, with users.  Owner: the lock of the pool, under which every function
 * is called.
 */
struct strict {
	bool on;
	struct hash known;
	size_t out;
};

/* An element that is out.  False: no memory to remember it. */
bool strict_add(struct strict *s, void *element);

/* Of a known element: it goes out, or comes back into the reserve. */
void strict_mark(struct strict *s, const void *element, bool out);

/* Forgets a known element. */
void strict_remove(struct strict *s, const void *element);

/* Ends the program when `element` is not out: it was never, or came back. */
void strict_check(const struct strict *s, const void *element,
		  const char *pool);

/* Writes the elements that are out to stderr, a line each, 16 at most. */
void strict_list(const struct strict *s, const char *pool);

/* Forgets everything; frees the table. */
void strict_clear(struct strict *s);

#endif
