/* SPDX-License-Identifier: MIT */
/*
 * small.c - the two-level allocator: libmpool.so's heap inside this process.
 *
 * Up to 128 bytes, or as many as small_max says: this thread's magazine, as in
 * preload/malloc.c; the rest is malloc()'s.  When a class has run dry:
 *
 *   depot, slabs (cache.c) -> free slabs of the other classes -> malloc(),
 *   unless a limit of ours was reached -> reserve -> wait, if asked -> NULL
 */
#include "mempool/small.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/errors.h"
#include "base/tool.h"
#include "heap/cache_wait.h"
#include "heap/central.h"
#include "heap/check.h"
#include "heap/heap.h"
#include "heap/slab.h"
#include "heap/slab_crime.h"
#include "heap/stats.h"
#include "pool/start.h"

_Static_assert(MEMPOOL_SMALL_MAX == SMALL_MAX, "said to users");
_Static_assert(MEMPOOL_SMALL_CLASSES == SMALL_CLASSES, "said to users");

enum { OBJECTS_MOST = 64 << 20 };

static bool used, limited;

/* --- start --- */

extern void __hwasan_init(void) __attribute__((weak));
extern void __msan_init(void) __attribute__((weak));
extern void __tsan_init(void) __attribute__((weak));

/*
 * Sanitizers and valgrind see each object when malloc() makes it.  Built with
 * ThreadSanitizer ourselves, it sees our locks, and so who hands on to whom.
 */
bool heap_vetoed(void)
{
#ifndef __SANITIZE_THREAD__
	if (__tsan_init)
		return true;
#endif
	return tool_on || __hwasan_init || __msan_init;
}

/* What MPOOL_WAIT says is for libmpool.so. */
static COLD void start_with_defaults(void)
{
	start_library();
	config.wait_ms = 0;
	__atomic_store_n(&used, true, __ATOMIC_RELEASE);
}

static inline void ensure_start(void)
{
	if (unlikely(!__atomic_load_n(&used, __ATOMIC_ACQUIRE)))
		start_with_defaults();
}

static void set_low_water(size_t objects)
{
	for (unsigned c = CLASS_FIRST; c <= SMALL_CLASSES; c++) {
		lock_take(&central[c].lock);
		central[c].slabs.low_water = objects;
		lock_release(&central[c].lock);
	}
}

static int set_up(const struct mempool_small_options *o)
{
	size_t slabs = o->limit / SLAB_BYTES + (o->limit % SLAB_BYTES != 0);

	start_library();
	if (__atomic_exchange_n(&used, true, __ATOMIC_ACQ_REL) || heap_is_on())
		return -EBUSY;
	config.wait_ms = o->wait_ms;
	if (o->small_max)
		class_set_border(o->small_max);
	if (!heap_start())
		return heap_vetoed() ? 0 : -ENOMEM;
	if (slabs)
		space_set_limit(slabs);
	limited = slabs != 0;
	if (o->low_water)
		set_low_water(o->low_water);
	return central_set_reserve(o->reserve, o->reserve_wide, o->reserve_lock)
		       ? 0
		       : -ENOMEM;
}

static bool is_sound(const struct mempool_small_options *o)
{
	size_t small_max = o->small_max ? o->small_max : SMALL_MAX;

	return o->low_water <= OBJECTS_MOST && o->reserve <= OBJECTS_MOST &&
	       o->reserve_wide <= OBJECTS_MOST && small_max >= CLASS_STEP &&
	       small_max <= WIDE_MAX &&
	       (!o->limit ||
		o->limit >= (size_t)class_of(small_max) * SLAB_BYTES);
}

int mempool_small_setup(const struct mempool_small_options *options)
{
	static const struct mempool_small_options defaults;
	const struct mempool_small_options *o = options ? options : &defaults;
	int saved = errno, result = -EINVAL;

	if (is_sound(o))
		result = set_up(o);
	errno = result ? -result : saved;
	return result;
}

/* --- alloc --- */

static COLD void *ask_malloc(void *data)
{
	size_t size = *(size_t *)data;

	return limited ? NULL : malloc(size ? size : 1);
}

static COLD void *alloc_fallback(size_t size)
{
	int saved = errno;
	void *p = NULL;

	if (heap_gather())
		p = cache_alloc_slow(size);
	if (!p && heap_is_on() && config.wait_ms)
		p = cache_alloc_waiting(size, ask_malloc, &size);
	else if (!p && !(p = ask_malloc(&size)) && heap_is_on())
		p = cache_alloc_reserve(size);
	errno = p ? saved : ENOMEM;
	return p;
}

static NOINLINE void *alloc_slow(size_t size)
{
	void *p;

	ensure_start();
	if (unlikely(size > class_border))
		return malloc(size);
	p = cache_alloc_slow(size);
	return likely(p) ? p : alloc_fallback(size);
}

static void *alloc_wide(size_t size)
{
	void *p;

	if (size > class_border)
		return malloc(size);
	if (unlikely(!cache_pop_wide(size, &p)))
		return alloc_slow(size);
	return p;
}

void *mempool_small_alloc(size_t size)
{
	void *p;

	if (unlikely(size > SMALL_MAX))
		return alloc_wide(size);
	if (unlikely(!cache_pop(size, &p)))
		return alloc_slow(size);
	return p;
}

void *mempool_small_zalloc(size_t size)
{
	void *p;

	if (unlikely(size > max_of(class_border, (size_t)SMALL_MAX)))
		return calloc(1, size);
	p = mempool_small_alloc(size);
	return likely(p) ? memset(p, 0, size) : NULL;
}

void *mempool_small_calloc(size_t n, size_t size)
{
	size_t total;

	if (unlikely(__builtin_mul_overflow(n, size, &total)))
		return refused(ENOMEM);
	return mempool_small_zalloc(total);
}

/* --- free --- */

static NOINLINE void free_slow(void *p)
{
	if (slab_class_of(p)) {
		cache_free_slow(p);
		return;
	}
	slab_must_be_foreign(p);
	free(p);
}

void mempool_small_free(void *p)
{
	size_t slab, place;

	if (unlikely(!p))
		return;
	slab = space_slab_of(p);
	if (unlikely(slab >= WINDOW_SLABS)) {
		free(p);
		return;
	}
	place = __atomic_load_n(&space_map()[slab], __ATOMIC_RELAXED);
	if (unlikely(!cache_push(place, p)))
		free_slow(p);
}

size_t mempool_small_usable_size(const void *p)
{
	unsigned c;

	if (!p)
		return 0;
	c = slab_class_of(p);
	return c ? class_size(c) : malloc_usable_size((void *)p);
}

/* --- realloc --- */

/* malloc()'s block comes home when it is small; or stays, if memory is out. */
static void *realloc_foreign(void *p, size_t size)
{
	void *to = NULL;

	slab_must_be_foreign(p);
	if (size <= min_of(class_border, (size_t)SMALL_MAX) && !heap_vetoed())
		to = mempool_small_alloc(size);
	if (!to)
		return realloc(p, size ? size : 1);
	memcpy(to, p, min_of(malloc_usable_size(p), size));
	free(p);
	return to;
}

void *mempool_small_realloc(void *p, size_t size)
{
	size_t old;
	void *to;

	if (!p)
		return mempool_small_alloc(size);
	old = class_size(slab_class_of(p));
	if (!old)
		return realloc_foreign(p, size);
	if (class_keeps(old, size))
		return p;
	to = mempool_small_alloc(size);
	if (!to)
		return size < old ? p : NULL;
	memcpy(to, p, min_of(old, size));
	mempool_small_free(p);
	return to;
}

/* --- the whole --- */

bool mempool_small_trim(void)
{
	return heap_trim();
}

static void add_class(unsigned c, struct mempool_stats *sum)
{
	struct class_stats s;

	heap_class_stats(c, &s);
	sum->live += s.live;
	sum->live_bytes += s.live * s.size;
	sum->peak_bytes += s.peak * s.size;
	sum->stock += s.stock;
	sum->held_bytes += s.committed_bytes;
	sum->reserve_min += s.reserve_min;
	sum->reserve_current += s.reserve_current;
	sum->reserve_used += s.reserve_used;
	sum->refills += s.refills;
	sum->waits += s.waits;
	sum->failures += s.failures;
}

static void name_stats(struct mempool_stats *stats, const char *name)
{
	memset(stats, 0, sizeof *stats);
	strcpy(stats->name, name);
	strcpy(stats->kind, "small");
}

int mempool_small_stats(struct mempool_stats *stats)
{
	if (!stats)
		return failed(-EINVAL);
	name_stats(stats, "small heap");
	for (unsigned c = CLASS_FIRST; c <= class_last; c++)
		add_class(c, stats);
	return 0;
}

int mempool_small_class_stats(unsigned n, struct mempool_stats *stats)
{
	char name[sizeof stats->name];

	if (!stats || n < CLASS_FIRST || n > class_last)
		return failed(-EINVAL);
	snprintf(name, sizeof name, "small %zu", class_size(n));
	name_stats(stats, name);
	stats->object_size = class_size(n);
	add_class(n, stats);
	return 0;
}

void mempool_small_check(void)
{
	if (heap_is_on())
		heap_check();
}
