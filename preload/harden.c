/* SPDX-License-Identifier: MIT */
/*
 * harden.c - the hardened heap in the place of pools and next allocator.
 *
 * The pools decline every request, as they do a sample, and this layer over the
 * table of next.h serves it.  What the pools keep in reserve is still promised:
 * it is given, not hardened, when memory is out.  What was allocated before we
 * came, what a handler gets that has interrupted us, and what the kernel gives
 * us no mapping for, is the next allocator's, and so is its free.
 */
#include "harden.h"

#include <errno.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/config.h"
#include "base/fault.h"
#include "base/out.h"
#include "base/sys.h"
#include "heap/cache.h"
#include "heap/cache_wait.h"
#include "heap/hard.h"
#include "heap/hard_stats.h"
#include "heap/hard_unit.h"
#include "heap/heap.h"
#include "heap/slab.h"
#include "next.h"
#include "sized.h"
#include "watch/snapshot.h"

enum {
	ALIGNED = 16,
	DATA_MOST = 64,	      /* libraries whose data are known */
	STACK_MOST = 8 << 20, /* bytes of a stack that are told */
};

static struct next plain LARGE("harden");
static size_t promised; /* bytes of objects that have a reserve */

/* --- when there is none --- */

static RARE void tell(const char *line)
{
	(void)!write(STDERR_FILENO, line, strlen(line));
}

static RARE void tell_unhardened(void)
{
	static bool told;

	if (!__atomic_exchange_n(&told, true, __ATOMIC_RELAXED))
		tell("libmpool: MPOOL_HARDEN: the hardened heap has as many "
		     "mappings as it may have, see vm.max_map_count; what "
		     "finds no place there is not hardened\n");
}

/* The next allocator's large objects share mappings. */
static RARE void *unhardened(const struct next_request *r)
{
	void *p;

	if (!__atomic_load_n(&units_crowded, __ATOMIC_RELAXED))
		return NULL;
	p = next_ask(&plain, r);
	if (p)
		tell_unhardened();
	return p;
}

static RARE void *ask(void *request)
{
	const struct next_request *r = request;
	bool inside;
	void *p = hard_alloc(r->size, r->alignment, r->name == NEXT_CALLOC,
			     &inside);

	return p ? p : unhardened(r);
}

static RARE void *reserved(struct next_request *r)
{
	size_t size = r->size;
	void *p;

	if (max_of(size, r->alignment) > promised)
		return NULL;
	size = round_up(max_of(size, (size_t)1), r->alignment);
	p = config.wait_ms ? cache_alloc_waiting(size, ask, r)
			   : cache_alloc_reserve(size);
	if (p && r->name == NEXT_CALLOC)
		memset(p, 0, r->size);
	return p;
}

static NOINLINE RARE void *refused(struct next_request r, bool inside)
{
	void *p = inside ? next_ask(&plain, &r) : unhardened(&r);

	if (!p && !inside)
		p = reserved(&r);
	if (!p)
		errno = ENOMEM;
	return p;
}

/* --- the layer --- */

static inline void *serve(enum next_name name, size_t alignment, size_t size)
{
	bool inside;
	void *p = hard_alloc(size, alignment, name == NEXT_CALLOC, &inside);

	if (likely(p))
		return p;
	return refused((struct next_request){ name, alignment, size }, inside);
}

static void *hardened_malloc(size_t size)
{
	return serve(NEXT_MALLOC, ALIGNED, size);
}

static void *hardened_calloc(size_t n, size_t size)
{
	size_t total;

	if (unlikely(__builtin_mul_overflow(n, size, &total))) {
		errno = ENOMEM;
		return NULL;
	}
	return serve(NEXT_CALLOC, ALIGNED, total);
}

/* The next allocator knows what it makes of odd alignments. */
static RARE void *hardened_aligned(enum next_name name, size_t alignment,
				   size_t size)
{
	if (!alignment || alignment & (alignment - 1))
		return plain.aligned(name, alignment, size);
	return serve(name, max_of(alignment, (size_t)ALIGNED), size);
}

/* --- addresses that are no object of anybody --- */

static struct {
	uintptr_t start, end;
} data[DATA_MOST] LARGE("harden");
static unsigned data_count;

static RARE int note_data(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)size, (void)unused;
	for (int i = 0; i < info->dlpi_phnum && data_count < DATA_MOST; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + part->p_vaddr;

		if (part->p_type != PT_LOAD || !(part->p_flags & PF_W))
			continue;
		data[data_count].start = start;
		data[data_count++].end = start + part->p_memsz;
	}
	return 0;
}

/* Of a thread that others have made, its thread-local data end the stack. */
static RARE bool is_on_stack(uintptr_t p)
{
	uintptr_t from = (uintptr_t)__builtin_frame_address(0);
	uintptr_t ends[] = { (uintptr_t)getauxval(AT_RANDOM),
			     (uintptr_t)&heap_cache };

	for (int i = 0; i < 2; i++)
		if (p - from < STACK_MOST && ends[i] - from < STACK_MOST &&
		    p < ends[i])
			return true;
	return false;
}

static RARE void check_stray(const void *p)
{
	uintptr_t at = (uintptr_t)p;

	if (is_on_stack(at))
		fault("invalid free", p, 0, "the address is on the stack");
	if (at < sys_page())
		fault("invalid free", p, 0, "the address is none");
	for (unsigned i = 0; i < data_count; i++)
		if (at - data[i].start < data[i].end - data[i].start)
			fault("invalid free", p, 0,
			      "the address is in the data of the program or "
			      "of a library");
}

static RARE void free_stray(void *p)
{
	if (p)
		check_stray(p);
	plain.free(p);
}

static void hardened_free(void *p)
{
	if (likely(hard_owns(p)))
		hard_free(p);
	else
		free_stray(p);
}

static NOINLINE void *move(void *p, size_t size)
{
	size_t old = hard_size(p);
	void *to = serve(NEXT_REALLOC, ALIGNED, size);

	if (!to)
		return size < old ? p : NULL;
	memcpy(to, p, min_of(old, size));
	hard_free(p);
	return to;
}

static void *hardened_realloc(void *p, size_t size)
{
	void *to;

	if (!p)
		return serve(NEXT_REALLOC, ALIGNED, size);
	if (unlikely(!hard_owns(p))) {
		check_stray(p);
		return plain.realloc(p, size);
	}
	if (unlikely(!size)) {
		hard_free(p);
		return NULL;
	}
	to = hard_resize(p, size);
	return to ? to : move(p, size);
}

static size_t hardened_usable_size(void *p)
{
	return likely(hard_owns(p)) ? hard_size(p) : plain.usable_size(p);
}

RARE bool snapshot_hard(unsigned i, struct class_stats *stats)
{
	if (hard_on)
		hard_row_add(i, stats);
	return hard_on;
}

/* What this thread has of the pools goes back: nobody is served from it. */
RARE void harden_start(void)
{
	static const struct next hardening = {
		hardened_malloc,  hardened_free,    hardened_calloc,
		hardened_realloc, hardened_aligned, hardened_usable_size,
	};

	next.free(NULL); /* finds the next allocator, and starts the pools */
	if (!hard_start(config.harden == HARDEN_FULL)) {
		tell("libmpool: MPOOL_HARDEN: there are no addresses for the "
		     "hardened heap; going on without\n");
		return;
	}
	dl_iterate_phdr(note_data, NULL);
	promised = class_border;
	class_serve_none();
	heap_trim();
	next_wrap(&hardening, &plain);
	sized_start();
}
