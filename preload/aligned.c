/*
 * aligned.c - aligned requests.
 *
 * A slab is aligned to its size, so an object is aligned to the largest power
 * of two that divides its class's size: rounding a request up to a multiple of
 * its alignment finds it a class that is aligned enough, among the wide ones,
 * too: between two powers of two all are multiples of an eighth of the larger.
 */
#include "aligned.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdlib.h>

#include "heap/cache.h"
#include "next.h"

static bool is_power_of_two(size_t n)
{
	return n && !(n & (n - 1));
}

/*
 * `size` is a multiple of the alignment.  What the pools cannot give now is
 * asked for with its alignment elsewhere.
 */
static void *pooled(enum next_name name, size_t alignment, size_t size)
{
	void *p;

	if (size <= SMALL_MAX ? cache_pop(size, &p) : cache_pop_wide(size, &p))
		return p;
	p = cache_alloc_slow(size);
	return p ? p : next_or_reserve(name, alignment, size);
}

/*
 * Where the next allocator's code lies, if it is not glibc's.  Its own aligned
 * operator new may call aligned_alloc by name, and its operator delete take
 * what came for its own (jemalloc 5.3.1): what it asks for itself is its.
 */
static struct {
	uintptr_t start;
	size_t bytes;
} foreign LARGE("aligned");

static inline bool is_foreign(const void *caller)
{
	return (uintptr_t)caller - foreign.start < foreign.bytes;
}

/* The next allocator knows what it makes of odd alignments. */
static inline void *aligned(enum next_name name, size_t alignment, size_t size,
			    const void *caller)
{
	size_t most = max_of(class_border, (size_t)SMALL_MAX);
	size_t rounded = round_up(max_of(size, (size_t)1), alignment);

	if (is_power_of_two(alignment) && alignment <= most && size <= most &&
	    rounded <= most && likely(!is_foreign(caller)))
		return pooled(name, alignment, rounded);
	return next.aligned(name, alignment, max_of(size, (size_t)1));
}

EXPORT void *memalign(size_t alignment, size_t size)
{
	return aligned(MEMALIGN, alignment, size, __builtin_return_address(0));
}

EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
	return aligned(ALIGNED_ALLOC, alignment, size,
		       __builtin_return_address(0));
}

/* The error is the result; errno says so, too, where glibc's does. */
EXPORT int posix_memalign(void **p, size_t alignment, size_t size)
{
	int saved = errno;
	void *got;

	if (alignment % sizeof(void *) || !is_power_of_two(alignment))
		return EINVAL;
	got = aligned(POSIX_MEMALIGN, alignment, size,
		      __builtin_return_address(0));
	if (!got)
		return ENOMEM;
	errno = saved;
	*p = got;
	return 0;
}

/* --- the next allocator's --- */

static struct {
	void *(*memalign)(size_t alignment, size_t size);
	void *(*aligned_alloc)(size_t alignment, size_t size);
	int (*posix_memalign)(void **p, size_t alignment, size_t size);
	uint8_t for_name[ALIGNED_NAMES]; /* itself, unless missing */
} by_name;

static RARE void *by_posix_memalign(size_t alignment, size_t size)
{
	void *p;
	int error = by_name.posix_memalign(
		&p, max_of(alignment, sizeof(void *)), size);

	if (!error)
		return p;
	errno = error;
	return NULL;
}

static void *aligned_by_name(enum next_name name, size_t alignment, size_t size)
{
	switch (by_name.for_name[name]) {
	case MEMALIGN:
		return by_name.memalign(alignment, size);
	case ALIGNED_ALLOC:
		return by_name.aligned_alloc(alignment, size);
	default:
		return by_posix_memalign(alignment, size);
	}
}

aligned_function *aligned_find(void)
{
	*(void **)&by_name.memalign = next_symbol("memalign");
	*(void **)&by_name.aligned_alloc = next_symbol("aligned_alloc");
	*(void **)&by_name.posix_memalign = next_symbol("posix_memalign");
	for (int name = 0; name < ALIGNED_NAMES; name++)
		by_name.for_name[name] = (uint8_t)name;
	return aligned_by_name;
}

/* The file's header lies where it is mapped, and tells how much that is. */
static RARE size_t bytes_of(const void *library)
{
	const ElfW(Ehdr) *header = library;
	const ElfW(Phdr) *part =
		(const void *)((const char *)library + header->e_phoff);
	size_t bytes = 0;

	for (unsigned i = 0; i < header->e_phnum; i++)
		if (part[i].p_type == PT_LOAD)
			bytes = part[i].p_vaddr + part[i].p_memsz;
	return bytes;
}

RARE void aligned_suit(const void *library)
{
	void *const found[ALIGNED_NAMES] = {
		(void *)by_name.memalign,
		(void *)by_name.aligned_alloc,
		(void *)by_name.posix_memalign,
	};
	int have = -1;

	foreign.start = (uintptr_t)library;
	foreign.bytes = bytes_of(library);
	for (int name = 0; name < ALIGNED_NAMES; name++)
		if (next_library(found[name]) == library)
			have = name;
	for (int name = 0; name < ALIGNED_NAMES && have >= 0; name++)
		if (next_library(found[name]) != library)
			by_name.for_name[name] = (uint8_t)have;
}
