/* SPDX-License-Identifier: MIT */
/*
 * heap.c - libFuzzer against the heap: any sequence of calls, beside a model.
 *
 * Each operation is two bytes: what, and on which slot or of which size.  The
 * model knows what every live object must contain.  Memory may be refused at
 * any point.  After an input all is freed, and nothing may be missing.
 */
#include "base/config.h"
#include "base/tool.h"
#include "heap/cache_enter.h"
#include "heap/central.h"
#include "heap/check.h"
#include "heap/heap.h"
#include "heap/stats.h"
#include "heap/thread.h"

#include "../unit/objects.h"
#include "../unit/source.h"
#include "fuzz.h"

enum { SLOTS = 256, HOARD = 1 << 16, RESERVE = 16 };

enum operation {
	ALLOC,
	ALLOC_MANY,
	ALLOC_AT_LAST,
	FREE,
	FREE_MANY,
	REALLOC,
	GATHER,
	DROP,
	FLUSH,
	TRIM,
	REFUSE,
	ALLOW,
	CHECK,
	OPERATIONS
};

static struct slot {
	uint8_t *p;
	size_t size;
	uint8_t fill;
} slots[SLOTS];

static uint8_t fill;

/* Objects in great number, to come to the end of what is committed. */
static void *hoard[HOARD];
static size_t hoarded;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	/* With ASan looking on the heap would leave everything to malloc(). */
	tool_on = false;
	config.reserve = RESERVE;
	config.reserve_wide = RESERVE / 4;
	config.small_max = WIDE_MAX;
	heap_configured();
	must(heap_start());
	/* Refused once, the heap asks for each returned slab anew. */
	source_refuse();
	while (hoarded < HOARD && (hoard[hoarded] = object_alloc(SMALL_MAX)))
		hoarded++;
	source_allow();
	while (hoarded)
		object_free(hoard[--hoarded]);
	heap_trim();
	return 0;
}

static void verify(const struct slot *s)
{
	for (size_t i = 0; i < s->size; i++)
		must(s->p[i] == s->fill);
}

static void release(struct slot *s)
{
	if (!s->p)
		return;
	verify(s);
	object_free(s->p);
	s->p = NULL;
}

static void settle(struct slot *s, void *p, size_t size)
{
	release(s);
	if (!p)
		return;
	must((uintptr_t)p % CLASS_STEP == 0);
	must(slab_class_of(p) == class_of(size));
	s->p = p;
	s->size = size;
	s->fill = ++fill;
	memset(p, s->fill, size);
}

/* As the interposer does: within a class it stays where it is. */
static void resize(struct slot *s, size_t size)
{
	uint8_t *to;

	if (!s->p || class_of(s->size) == class_of(size))
		return;
	to = object_alloc(size);
	if (!to)
		return;
	memcpy(to, s->p, min_of(s->size, size));
	for (size_t i = 0; i < min_of(s->size, size); i++)
		must(to[i] == s->fill);
	settle(s, to, size);
}

/* All there is, or `most`. */
static void gather(size_t size, size_t most)
{
	while (most-- && hoarded < HOARD) {
		void *p = object_alloc(size);

		if (!p)
			return;
		memset(p, (int)size, class_size(slab_class_of(p)));
		hoard[hoarded++] = p;
	}
}

static void drop(size_t count)
{
	while (count-- && hoarded) {
		uint8_t *p = hoard[--hoarded];

		must(p[0] == p[class_size(slab_class_of(p)) - 1]);
		object_free(p);
	}
}

/* 1..8129 bytes, small ones mostly. */
static size_t size_of(uint8_t argument)
{
	return (size_t)argument * argument / 8 + 1;
}

static void perform(enum operation operation, uint8_t argument)
{
	struct slot *s = &slots[argument];
	size_t size = size_of(argument);

	switch (operation) {
	case ALLOC:
		settle(s, object_alloc(size), size);
		break;
	case ALLOC_MANY:
		for (unsigned i = 0; i < SLOTS; i++)
			if (!slots[i].p)
				settle(&slots[i], object_alloc(size), size);
		break;
	case ALLOC_AT_LAST:
		settle(s, object_alloc_at_last(size), size);
		break;
	case FREE:
		release(s);
		break;
	case FREE_MANY:
		for (unsigned i = argument; i < SLOTS; i += argument % 7 + 1)
			release(&slots[i]);
		break;
	case REALLOC:
		resize(s, slots[(uint8_t)(argument + 1)].size % WIDE_MAX + 1);
		break;
	case GATHER:
		gather(size, argument * 128u * 16 / max_of(size, 16ul));
		break;
	case DROP:
		drop(argument * 128u);
		break;
	case FLUSH:
		must(cache_enter(&heap_cache));
		thread_flush(&heap_cache);
		cache_leave(&heap_cache);
		break;
	case TRIM:
		heap_trim();
		break;
	case REFUSE:
		if (argument & 128)
			source_refuse();
		else
			source_refuse_calls(1 + argument % 4, 1 + argument / 4);
		break;
	case ALLOW:
		source_allow();
		break;
	case CHECK:
		heap_check();
		break;
	case OPERATIONS:
		break;
	}
}

static void check_books(void)
{
	heap_check();
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++) {
		struct class_stats s;

		heap_class_stats(c, &s);
		must(s.live == 0);
		must(s.stock + s.reserve_current == central[c].slabs.capacity);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i + 1 < size; i += 2)
		perform(data[i] % OPERATIONS, data[i + 1]);
	source_allow();
	for (unsigned i = 0; i < SLOTS; i++)
		release(&slots[i]);
	drop(HOARD);
	check_books();
	heap_trim();
	return 0;
}
