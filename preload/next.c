/*
 * next.c - the allocator behind us: what dlsym(RTLD_NEXT) finds.
 *
 * All functions of the table must come from one library: memalign of glibc
 * and free of jemalloc would not do.  Names are asked for only when they
 * surely exist, since a failing dlsym allocates its message.
 */
#include "next.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/auxv.h>

#include "base/common.h"
#include "heap/cache.h"
#include "watch/forwarded.h"

static void *first_malloc(size_t size);
static void first_free(void *p);
static void *first_calloc(size_t n, size_t size);
static void *first_realloc(void *p, size_t size);
static void *first_memalign(size_t alignment, size_t size);
static size_t first_usable_size(void *p);

struct next next = {
	first_malloc,  first_free,     first_calloc,
	first_realloc, first_memalign, first_usable_size,
};

/* What the counting functions call. */
static struct next counted;

void *next_symbol(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

static const void *library_of(void *function)
{
	Dl_info info;

	return dladdr(function, &info) ? info.dli_fbase : NULL;
}

static int (*next_posix_memalign)(void **p, size_t alignment, size_t size);

static void *memalign_by_posix(size_t alignment, size_t size)
{
	void *p;
	int error = next_posix_memalign(&p, max_of(alignment, sizeof(void *)),
					size);

	if (!error)
		return p;
	errno = error;
	return NULL;
}

/* For an allocator other than glibc's, which keeps errno itself. */
static void (*foreign_free)(void *p);

static void free_keeping_errno(void *p)
{
	int saved = errno;

	foreign_free(p);
	errno = saved;
}

static void *counting_malloc(size_t size)
{
	forwarded_add(FORWARDED_MALLOC, size);
	return counted.malloc(size);
}

static void counting_free(void *p)
{
	forwarded_add(FORWARDED_FREE, 0);
	counted.free(p);
}

static void *counting_calloc(size_t n, size_t size)
{
	forwarded_add(FORWARDED_CALLOC, n * size);
	return counted.calloc(n, size);
}

static void *counting_realloc(void *p, size_t size)
{
	forwarded_add(FORWARDED_REALLOC, size);
	return counted.realloc(p, size);
}

static void *counting_memalign(size_t alignment, size_t size)
{
	forwarded_add(FORWARDED_ALIGNED, size);
	return counted.memalign(alignment, size);
}

void next_count(void)
{
	forwarded_counting = true;
	if (next.malloc == first_malloc || counted.malloc)
		return;
	counted = next;
	next.malloc = counting_malloc;
	next.free = counting_free;
	next.calloc = counting_calloc;
	next.realloc = counting_realloc;
	next.memalign = counting_memalign;
}

/* When only some other allocator behind the next one knows it. */
static size_t unknown_usable_size(void *p)
{
	(void)p;
	return 0;
}

/* dlsym may call us back; the second time round there is nothing to offer. */
static bool resolve(void)
{
	static __thread bool resolving
		__attribute__((tls_model("initial-exec")));
	struct next found;
	const void *library;

	if (resolving)
		return false;
	resolving = true;
	*(void **)&found.malloc = next_symbol("malloc");
	*(void **)&found.free = next_symbol("free");
	*(void **)&found.calloc = next_symbol("calloc");
	*(void **)&found.realloc = next_symbol("realloc");
	*(void **)&found.memalign = next_symbol("memalign");
	*(void **)&found.usable_size = next_symbol("malloc_usable_size");
	library = library_of((void *)found.malloc);
	if (library_of((void *)found.memalign) != library) {
		*(void **)&next_posix_memalign = next_symbol("posix_memalign");
		found.memalign = memalign_by_posix;
	}
	if (library_of((void *)found.free) != library_of((void *)getauxval)) {
		foreign_free = found.free;
		found.free = free_keeping_errno;
	}
	if (library_of((void *)found.usable_size) != library)
		found.usable_size = unknown_usable_size;
	if (next.malloc == first_malloc)
		next = found;
	resolving = false;
	if (cache_enter(&heap_cache)) /* starts the heap */
		cache_leave(&heap_cache);
	if (forwarded_counting)
		next_count();
	return true;
}

static void *first_malloc(size_t size)
{
	if (resolve())
		return next.malloc(size);
	errno = ENOMEM;
	return NULL;
}

static void first_free(void *p)
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

static void *first_realloc(void *p, size_t size)
{
	if (resolve())
		return next.realloc(p, size);
	errno = ENOMEM;
	return NULL;
}

static void *first_memalign(size_t alignment, size_t size)
{
	if (resolve())
		return next.memalign(alignment, size);
	errno = ENOMEM;
	return NULL;
}

static size_t first_usable_size(void *p)
{
	return resolve() ? next.usable_size(p) : 0;
}
