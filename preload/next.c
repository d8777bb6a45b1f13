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
#include "heap/cache_enter.h"
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

static RARE void *memalign_by_posix(size_t alignment, size_t size)
{
	void *p;
	int error = next_posix_memalign(&p, max_of(alignment, sizeof(void *)),
					size);

	if (!error)
		return p;
	errno = error;
	return NULL;
}

/*
 * An allocator other than glibc's: few keep errno when they free, or set it
 * whenever they fail.
 */
static struct next foreign;

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

static RARE void *foreign_malloc(size_t size)
{
	return or_enomem(foreign.malloc(size));
}

static RARE void *foreign_calloc(size_t n, size_t size)
{
	return or_enomem(foreign.calloc(n, size));
}

static RARE void *foreign_realloc(void *p, size_t size)
{
	void *to = foreign.realloc(p, size);

	return size ? or_enomem(to) : to;
}

static RARE void *foreign_memalign(size_t alignment, size_t size)
{
	return or_enomem(foreign.memalign(alignment, size));
}

static RARE void put_before_foreign(struct next *found)
{
	foreign = *found;
	found->malloc = foreign_malloc;
	found->free = foreign_free;
	found->calloc = foreign_calloc;
	found->realloc = foreign_realloc;
	found->memalign = foreign_memalign;
}

/* --- what is put over it --- */

enum { LAYERS = 4 };

static struct layer {
	const struct next *over;
	struct next *below;
} layers[LAYERS];
static int layer_count;

static RARE void put_over(const struct layer *layer)
{
	size_t (*usable_size)(void *p) = next.usable_size;

	*layer->below = next;
	next = *layer->over;
	next.usable_size = usable_size;
}

RARE void next_wrap(const struct next *over, struct next *below)
{
	struct layer *layer = &layers[layer_count++];

	*layer = (struct layer){ over, below };
	if (next.malloc != first_malloc)
		put_over(layer);
}

static struct next counted;

static RARE void *counting_malloc(size_t size)
{
	forwarded_add(FORWARDED_MALLOC, size);
	return counted.malloc(size);
}

static RARE void counting_free(void *p)
{
	forwarded_add(FORWARDED_FREE, 0);
	counted.free(p);
}

static RARE void *counting_calloc(size_t n, size_t size)
{
	forwarded_add(FORWARDED_CALLOC, n * size);
	return counted.calloc(n, size);
}

static RARE void *counting_realloc(void *p, size_t size)
{
	forwarded_add(FORWARDED_REALLOC, size);
	return counted.realloc(p, size);
}

static RARE void *counting_memalign(size_t alignment, size_t size)
{
	forwarded_add(FORWARDED_ALIGNED, size);
	return counted.memalign(alignment, size);
}

RARE void next_count(void)
{
	static const struct next counting = {
		counting_malloc,  counting_free,     counting_calloc,
		counting_realloc, counting_memalign, NULL,
	};

	forwarded_counting = true;
	next_wrap(&counting, &counted);
}

/* --- finding it --- */

/* When only some other allocator behind the next one knows it. */
static RARE size_t unknown_usable_size(void *p)
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
	if (library_of((void *)found.usable_size) != library)
		found.usable_size = unknown_usable_size;
	if (library != library_of((void *)getauxval))
		put_before_foreign(&found);
	if (next.malloc == first_malloc) {
		next = found;
		for (int i = 0; i < layer_count; i++)
			put_over(&layers[i]);
	}
	resolving = false;
	if (cache_enter(&heap_cache)) /* starts the heap */
		cache_leave(&heap_cache);
	return true;
}

static void *first_malloc(size_t size)
{
	if (resolve())
		return next.malloc(size);
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

static RARE void *first_realloc(void *p, size_t size)
{
	if (resolve())
		return next.realloc(p, size);
	errno = ENOMEM;
	return NULL;
}

static RARE void *first_memalign(size_t alignment, size_t size)
{
	if (resolve())
		return next.memalign(alignment, size);
	errno = ENOMEM;
	return NULL;
}

static RARE size_t first_usable_size(void *p)
{
	return resolve() ? next.usable_size(p) : 0;
}
