/* SPDX-License-Identifier: MIT */
/*
 * object_cache.c - libFuzzer against object caches: any sequence of calls on a
 * cache of any kind, beside a model.
 *
 * The first bytes choose the cache, then each operation is two bytes: what,
 * and on which slot or how many.  The model knows which objects are live, and
 * what they must contain after any number of uses; the constructor fails when
 * told to.  In the end every object made has been destroyed once.
 */
#include <errno.h>

#include "mempool/cache.h"
#include "pool/debug.h"

#include "pools.h"

enum { SLOTS = 256, SEAL = 0xcace };

enum operation {
	GET,
	GET_MANY,
	PUT,
	PUT_MANY,
	TRIM,
	WALK,
	FAIL,
	CHECK,
	OPERATIONS
};

/* The rest of the object repeats the last byte of `uses`. */
struct thing {
	unsigned seal;
	unsigned uses;
};

static mempool_cache_t *cache;
static size_t object_bytes, most;
static struct thing *slots[SLOTS];
static size_t live, visited;
static long made, unmade;
static bool failing;

static size_t rest_bytes(void)
{
	return object_bytes - sizeof(struct thing);
}

static bool is_whole(const void *object, void *arg)
{
	const struct thing *x = object;
	const uint8_t *rest = (const uint8_t *)(x + 1);

	(void)arg;
	for (size_t i = 0; i < rest_bytes(); i++)
		if (rest[i] != (uint8_t)x->uses)
			return false;
	return x->seal == SEAL;
}

static int construct(void *object, void *arg)
{
	struct thing *x = object;

	(void)arg;
	if (failing)
		return -EDOM;
	made++;
	x->seal = SEAL;
	x->uses = 0;
	memset(x + 1, 0, rest_bytes());
	return 0;
}

static void destroy(void *object, void *arg)
{
	must(is_whole(object, arg));
	((struct thing *)object)->seal = 0;
	unmade++;
}

static void get(size_t i)
{
	struct thing *x;

	if (slots[i])
		return;
	x = mempool_cache_get(cache, MEMPOOL_NOWAIT);
	if (!x) {
		must(failing || most);
		must(errno == (failing ? EDOM : ENOMEM) || most);
		return;
	}
	must(is_whole(x, NULL));
	x->uses++;
	memset(x + 1, (int)x->uses, rest_bytes());
	slots[i] = x;
	live++;
}

static void put(size_t i)
{
	if (slots[i])
		live--;
	mempool_cache_put(cache, slots[i]);
	slots[i] = NULL;
}

static int visit(void *object, void *arg)
{
	size_t i = 0;

	(void)arg;
	while (i < SLOTS && slots[i] != object)
		i++;
	must(i < SLOTS && is_whole(object, NULL));
	visited++;
	return 0;
}

static void check(void)
{
	struct mempool_stats s;

	mempool_cache_check(cache);
	must(mempool_cache_stats(cache, &s) == 0);
	must(s.live == live);
	must(s.live + s.stock == (uint64_t)(made - unmade));
}

static void operate(unsigned what, size_t i)
{
	switch (what % OPERATIONS) {
	case GET:
		get(i);
		break;
	case GET_MANY:
		for (size_t k = 0; k < SLOTS; k++)
			get((i + k) % SLOTS);
		break;
	case PUT:
		put(i);
		break;
	case PUT_MANY:
		for (size_t k = 0; k < i; k++)
			put(k);
		break;
	case TRIM:
		mempool_cache_trim(cache);
		must(made - unmade == (long)live);
		break;
	case WALK:
		visited = 0;
		must(mempool_cache_walk(cache, visit, NULL) == 0);
		must(visited == live);
		break;
	case FAIL:
		failing = i & 1;
		break;
	case CHECK:
		check();
		break;
	}
}

static bool create(const uint8_t *how)
{
	struct mempool_cache_options o = {
		.base = { .threading = how[0] % 3,
			  .align = (size_t)1 << how[1] % 13 },
		.construct = construct,
		.destroy = destroy,
		.verify = how[2] & 1 ? is_whole : NULL,
		.exhaustion = how[2] >> 1 & 1,
		.most = how[2] & 4 ? how[3] : 0,
		.ahead = how[4] % 16,
	};

	debug_flags = how[2] & 8 ? DEBUG_POISON : 0;
	object_bytes = sizeof(struct thing) + how[5] * (how[6] & 15);
	most = o.most + o.exhaustion;
	made = unmade = 0;
	failing = false;
	cache = mempool_cache_create(object_bytes, &o);
	if (!cache)
		must(errno == EINVAL);
	return cache;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 7 || !create(data))
		return 0;
	for (size_t at = 7; at + 1 < size; at += 2)
		operate(data[at], data[at + 1]);
	check();
	for (size_t i = 0; i < SLOTS; i++)
		put(i);
	check();
	mempool_cache_destroy(cache);
	must(made == unmade);
	return 0;
}
