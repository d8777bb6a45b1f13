/* SPDX-License-Identifier: MIT */
/*
 * next.c - the allocator behind us: what dlsym(RTLD_NEXT) finds.
 *
 * All functions of the table must come from one library: memalign of glibc
 * and free of jemalloc would not do.  Names are asked for only when they
 * surely exist, since a failing dlsym allocates its message.
 */
#include "next.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/common.h"
#include "base/config.h"
#include "heap/cache.h"
#include "heap/cache_enter.h"
#include "heap/cache_wait.h"
#include "heap/early.h"
#include "heap/heap.h"
#include "heap/slab.h"
#include "next_aligned.h"
#include "next_symbol.h"

static void *first_malloc(size_t size);
static void first_free(void *p);
static void *first_calloc(size_t n, size_t size);
static void *first_realloc(void *p, size_t size);
static void *first_aligned(enum next_name name, size_t alignment, size_t size);
static size_t first_usable_size(void *p);

struct next next = {
	first_malloc,  first_free,    first_calloc,
	first_realloc, first_aligned, first_usable_size,
};

struct beyond beyond = {
	SMALL_MAX,
	first_malloc,
	first_calloc,
	first_realloc,
};

static bool beyond_taken;

enum { EARLY_REQUESTS = 32 };

static unsigned early_requests;

/*
 * The first that are forwarded are occasions to look for misuse among what
 * this thread has freed; those after them go straight to the next allocator.
 */
static COLD void *early_malloc(size_t size)
{
	unsigned before =
		__atomic_fetch_add(&early_requests, 1, __ATOMIC_RELAXED);

	if (before + 1 >= EARLY_REQUESTS && !beyond_taken)
		__atomic_store_n(&beyond.malloc, next.malloc, __ATOMIC_RELEASE);
	if (before < EARLY_REQUESTS)
		early_look();
	return next.malloc(size);
}

/*
 * An allocator other than glibc's: few keep errno when they free, or set it
 * whenever they fail.
 */
static struct next foreign LARGE("next");

static RARE void foreign_free(void *p)
{
	int saved = errno;

	foreign.free(p);
	errno = saved;
}

static void *or_enomem(void *p)
{
	if (unlikely(!p))
		errno = ENOMEM;
	return p;
}

static ASIDE void *foreign_malloc(size_t size)
{
	return or_enomem(foreign.malloc(size));
}

static ASIDE void *foreign_calloc(size_t n, size_t size)
{
	return or_enomem(foreign.calloc(n, size));
}

static ASIDE void *foreign_realloc(void *p, size_t size)
{
	void *to = foreign.realloc(p, size);

	if (likely(size || !p))
		return or_enomem(to);
	/* Freed, as with glibc.  Some give an object of no bytes instead. */
	if (to)
		foreign_free(to);
	return NULL;
}

static ASIDE void *foreign_aligned(enum next_name name, size_t alignment,
				   size_t size)
{
	void *p = foreign.aligned(name, alignment, size);

	bool odd = alignment & (alignment - 1);

	return odd ? p : or_enomem(p);
}

static ASIDE void put_before_foreign(struct next *found)
{
	foreign = *found;
	found->malloc = foreign_malloc;
	found->free = foreign_free;
	found->calloc = foreign_calloc;
	found->realloc = foreign_realloc;
	found->aligned = foreign_aligned;
}

/* --- what is put over it --- */

enum { LAYERS = 8 };

static struct layer {
	const struct next *over;
	struct next *below;
} layers[LAYERS] LARGE("next");
static int layer_count;
static struct lock lock = LOCK(RANK_NEXT);

/* Other threads may be calling the table meanwhile. */
#define PUT(to, from, function)                                                \
	if ((from)->function)                                                  \
	__atomic_store_n(&(to)->function, (from)->function, __ATOMIC_RELEASE)

static void put_beyond(void)
{
	if (beyond_taken)
		return;
	PUT(&beyond, &next, malloc);
	PUT(&beyond, &next, calloc);
	PUT(&beyond, &next, realloc);
	if (__atomic_load_n(&early_requests, __ATOMIC_RELAXED) < EARLY_REQUESTS)
		__atomic_store_n(&beyond.malloc, early_malloc,
				 __ATOMIC_RELEASE);
}

RARE void next_take_beyond(const struct beyond *wide)
{
	beyond_taken = true;
	PUT(&beyond, wide, malloc);
	PUT(&beyond, wide, calloc);
	PUT(&beyond, wide, realloc);
	__atomic_store_n(&beyond.above, wide->above, __ATOMIC_RELEASE);
}

static ASIDE void put_over(const struct layer *layer)
{
	if (next.malloc == layer->over->malloc)
		return;
	*layer->below = next;
	PUT(&next, layer->over, malloc);
	PUT(&next, layer->over, free);
	PUT(&next, layer->over, calloc);
	PUT(&next, layer->over, realloc);
	PUT(&next, layer->over, aligned);
	PUT(&next, layer->over, usable_size);
	put_beyond();
}

ASIDE void next_wrap(const struct next *over, struct next *below)
{
	struct layer *layer;

	lock_take(&lock);
	layer = &layers[layer_count++];
	*layer = (struct layer){ over, below };
	if (next.malloc != first_malloc)
		put_over(layer);
	lock_release(&lock);
}

void next_fork(struct fork_table *t)
{
	fork_lock(t, RANK_NEXT, &lock);
}

/* --- finding it --- */

/* When only some other allocator behind the next one knows it. */
static RARE size_t unknown_usable_size(void *p)
{
	(void)p;
	return 0;
}

void *(*next_glibc_malloc)(size_t size);
void (*next_glibc_free)(void *p);

static COLD void find(struct next *found)
{
	*(void **)&found->malloc = next_symbol("malloc");
	*(void **)&found->free = next_symbol("free");
	*(void **)&found->calloc = next_symbol("calloc");
	*(void **)&found->realloc = next_symbol("realloc");
	*(void **)&found->usable_size = next_symbol("malloc_usable_size");
	found->aligned = next_aligned_find();
}

/*
 * Not glibc's.  An allocator brings calloc along; what it lacks else must not
 * be asked from the one behind it.  A library that wraps malloc and free alone
 * stands for the one behind it, to which all other names go, as without us.
 */
static ASIDE void suit_foreign(struct next *found, const void *library)
{
	if (next_library((void *)found->calloc) == library) {
		next_aligned_suit(library);
		if (next_library((void *)found->usable_size) != library)
			found->usable_size = unknown_usable_size;
	}
	put_before_foreign(found);
}

/* dlsym may call us back; the second time round there is nothing to offer. */
static COLD bool resolve(void)
{
	static __thread bool resolving
		__attribute__((tls_model("initial-exec")));
	struct next found;
	const void *library, *libc;

	if (resolving)
		return false;
	resolving = true;
	libc = next_library((void *)getauxval);
	find(&found);
	library = next_library((void *)found.malloc);
	if (library == libc && next_symbol_debugged(libc)) {
		find(&found);
	} else if (library != libc) {
		suit_foreign(&found, library);
	} else {
		next_glibc_free = found.free;
		next_glibc_malloc = found.malloc;
	}
	if (next.malloc == first_malloc) {
		next = found;
		put_beyond();
		for (int i = 0; i < layer_count; i++)
			put_over(&layers[i]);
	}
	resolving = false;
	if (heap_enter(&heap_cache))
		cache_leave(&heap_cache);
	return true;
}

COLD void *next_ask(const struct next *table, const struct next_request *r)
{
	switch (r->name) {
	case NEXT_MALLOC:
		return table->malloc(r->size);
	case NEXT_CALLOC:
		return table->calloc(1, r->size);
	case NEXT_REALLOC:
		return table->realloc(NULL, r->size);
	default:
		return table->aligned(r->name, r->alignment, r->size);
	}
}

static COLD void *ask(void *request)
{
	return next_ask(&next, request);
}

/*
 * The source has failed, or the pools are off: another allocator may still
 * have something, and if not, this is what the reserve is for.  Beyond a border
 * below SMALL_MAX there is neither reserve nor line.
 */
static COLD void *next_or_reserve(enum next_name name, size_t alignment,
				  size_t size)
{
	struct next_request r = { name, alignment, size };
	void *p;

	if (unlikely(size > class_border))
		p = ask(&r);
	else if (config.wait_ms)
		p = cache_alloc_waiting(size, ask, &r);
	else if (!(p = ask(&r)))
		p = cache_alloc_reserve(size);
	if (!p)
		errno = ENOMEM;
	return p;
}

void *next_alloc_slow(enum next_name name, size_t alignment, size_t size)
{
	void *p;

	if (unlikely(!class_served) && name == NEXT_MALLOC)
		return next.malloc(size);
	p = cache_alloc_slow(size);
	return likely(p) ? p : next_or_reserve(name, alignment, size);
}

/* All of an object: programs use what malloc_usable_size() says. */
void *next_calloc_slow(size_t size)
{
	void *p = cache_alloc_slow(size);

	if (likely(p))
		return memset(p, 0,
			      class_size(class_of(max_of(size, (size_t)1))));
	/* The reserve's may have been used. */
	p = next_or_reserve(NEXT_CALLOC, 0, size);
	size = class_size(slab_class_of(p));
	return size ? memset(p, 0, size) : p;
}

static void *first_malloc(size_t size)
{
	if (resolve())
		return early_malloc(size);
	errno = ENOMEM;
	return NULL;
}

static RARE void first_free(void *p)
{
	if (resolve())
		next.free(p);
}

static void *first_calloc(size_t n, size_t size)
{
	if (resolve())
		return next.calloc(n, size);
	errno = ENOMEM;
	return NULL;
}

static ASIDE void *first_realloc(void *p, size_t size)
{
	if (resolve())
		return next.realloc(p, size);
	errno = ENOMEM;
	return NULL;
}

static RARE void *first_aligned(enum next_name name, size_t alignment,
				size_t size)
{
	if (resolve())
		return next.aligned(name, alignment, size);
	errno = ENOMEM;
	return NULL;
}

static RARE size_t first_usable_size(void *p)
{
	return resolve() ? next.usable_size(p) : 0;
}
