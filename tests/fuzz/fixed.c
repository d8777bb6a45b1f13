/* SPDX-License-Identifier: MIT */
/*
 * fixed.c - libFuzzer against pools of one size: any calls, beside a model.
 *
 * The first four bytes choose the pool; then each operation is two bytes: what,
 * and on which slots.  The source may fail at any point.  In the end all is
 * freed, and nothing may be missing.
 */
#include "base/common.h"
#include "mempool/fixed.h"

#include "pools.h"

enum { SLOTS = 4096, HEAD = 4 };

enum operation {
	ALLOC,
	ALLOC_MANY,
	ALLOC_BULK,
	FREE,
	FREE_MANY,
	FREE_BULK,
	FREE_EVERY,
	TRIM,
	CHECK,
	REFUSE,
	ALLOW,
	OPERATIONS
};

static void *slots[SLOTS];
static size_t live, bytes;

static unsigned char mark_of(const void *p)
{
	return (unsigned char)((uintptr_t)p >> 3);
}

/* The object in the next slot is in use from now on. */
static void mark(mempool_fixed_t *pool)
{
	unsigned char *p = slots[live++];

	must(mempool_fixed_owns(pool, p));
	memset(p, mark_of(p), bytes);
}

static void unmark(unsigned char *p)
{
	must_be(p, bytes, mark_of(p));
	memset(p, ~mark_of(p), bytes);
}

static bool take(mempool_fixed_t *pool)
{
	unsigned char *p = live < SLOTS ? mempool_fixed_alloc(pool) : NULL;

	if (!p)
		return false;
	slots[live] = p;
	mark(pool);
	return true;
}

static void give(mempool_fixed_t *pool, size_t i)
{
	unmark(slots[i]);
	mempool_fixed_free(pool, slots[i]);
	slots[i] = slots[--live];
}

/* All or nothing. */
static void take_bulk(mempool_fixed_t *pool, size_t n)
{
	void **into = slots + live;
	bool got;

	n = n < SLOTS - live ? n : SLOTS - live;
	got = !mempool_fixed_alloc_bulk(pool, into, n);
	for (size_t i = 0; i < n; i++)
		must(got == (into[i] != NULL));
	for (size_t i = 0; got && i < n; i++)
		mark(pool);
}

/* Those that came last. */
static void give_bulk(mempool_fixed_t *pool, size_t n)
{
	n = n < live ? n : live;
	live -= n;
	for (size_t i = 0; i < n; i++)
		unmark(slots[live + i]);
	mempool_fixed_free_bulk(pool, slots + live, n);
}

static void perform(mempool_fixed_t *pool, enum operation operation,
		    unsigned argument)
{
	switch (operation) {
	case ALLOC:
		take(pool);
		break;
	case ALLOC_MANY:
		for (unsigned i = 0; i < argument * 4 && take(pool);)
			i++;
		break;
	case ALLOC_BULK:
		take_bulk(pool, argument * 8);
		break;
	case FREE:
		if (live)
			give(pool, argument * 16 % live);
		break;
	case FREE_MANY:
		for (unsigned i = 0; i < argument * 4 && live; i++)
			give(pool, live - 1);
		break;
	case FREE_BULK:
		give_bulk(pool, argument * 8);
		break;
	case FREE_EVERY:
		for (size_t i = live; i-- > 0;)
			if (i % (argument % 7 + 2))
				give(pool, i);
		break;
	case TRIM:
		mempool_fixed_trim(pool);
		break;
	case CHECK:
		mempool_fixed_check(pool);
		break;
	case REFUSE:
		refuse(argument);
		break;
	case ALLOW:
	case OPERATIONS:
		inject_set(NULL);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mempool_options o = { 0 };
	struct mempool_stats s;
	mempool_fixed_t *pool;

	if (size < HEAD)
		return 0;
	o.threading = (enum mempool_threading)(data[0] / 2 % 3);
	o.align = data[1] & 8 ? (size_t)1 << data[1] % 8 : 0;
	o.limit = data[1] & 16 ? (size_t)data[3] << 12 : 0;
	bytes = (size_t)(data[2] + 1) << (data[1] >> 5);
	pool = mempool_fixed_create(bytes, &o);
	if (!pool)
		return 0;
	for (size_t i = HEAD; i + 1 < size; i += 2)
		perform(pool, data[i] % OPERATIONS, data[i + 1]);
	inject_set(NULL);
	mempool_fixed_stats(pool, &s);
	must(s.live == live);
	while (live)
		give(pool, live - 1);
	mempool_fixed_trim(pool);
	mempool_fixed_check(pool);
	mempool_fixed_stats(pool, &s);
	must(s.live == 0 && s.stock == 0);
	mempool_fixed_destroy(pool);
	return 0;
}
