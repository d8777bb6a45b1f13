/* SPDX-License-Identifier: MIT */
/*
 * pages.c - libFuzzer against a page source: any sequence of calls, beside a
 * model that knows what each block must contain.
 *
 * Each operation is two bytes: what, and on which slot or of which order.
 * Memory may be refused at any point.  After an input all is freed, and each
 * chunk must be one free block that can be unmapped.
 */
#include "pool/pages.h"

#include "../unit/source.h"
#include "../unit/sources.h"
#include "fuzz.h"

enum { SLOTS = 256, LIMIT = 64 << 20 };

enum operation {
	ALLOC,
	ALLOC_MANY,
	TAKE,
	FREE,
	FREE_MANY,
	TRIM,
	REFUSE,
	ALLOW,
	OPERATIONS
};

static struct slot {
	uint8_t *p;
	size_t bytes;
	uint8_t fill;
} slots[SLOTS];

static mempool_pages_t *pages;
static uint8_t fill;
static size_t out_bytes;

/* The ends of a block: what overlaps it overwrites one of them. */
static void mark(struct slot *s, uint8_t *p, size_t bytes)
{
	if (!p)
		return;
	must((uintptr_t)p % sys_page() == 0);
	s->p = p;
	s->bytes = bytes;
	s->fill = ++fill;
	p[0] = p[bytes / 2] = p[bytes - 1] = fill;
	out_bytes += bytes;
	must(out_bytes <= LIMIT);
}

static void release(struct slot *s)
{
	if (!s->p)
		return;
	must(s->p[0] == s->fill && s->p[s->bytes / 2] == s->fill &&
	     s->p[s->bytes - 1] == s->fill);
	pages_give(pages, s->p, s->bytes);
	out_bytes -= s->bytes;
	s->p = NULL;
}

static void alloc(struct slot *s, unsigned order)
{
	uint8_t *p;

	release(s);
	p = mempool_pages_alloc(pages, order);
	must(!p || (uintptr_t)p % mempool_pages_size(order) == 0);
	must(p || order <= MEMPOOL_MAX_ORDER || errno == EINVAL);
	mark(s, p, mempool_pages_size(order));
}

static void take(struct slot *s, unsigned what)
{
	size_t align = (size_t)16 << what % 17, got = 0;
	uint8_t *p;

	release(s);
	p = pages_take(pages, (size_t)what * what * 257, align, &got);
	must(!p || (uintptr_t)p % align == 0);
	must(!p || got >= (size_t)what * what * 257);
	mark(s, p, got);
}

static void operate(enum operation what, uint8_t with)
{
	switch (what) {
	case ALLOC:
		alloc(&slots[with], with % 13);
		break;
	case ALLOC_MANY:
		for (unsigned i = 0; i < 16; i++)
			alloc(&slots[(with + i * 7) % SLOTS], with % 4);
		break;
	case TAKE:
		take(&slots[with], with);
		break;
	case FREE:
		release(&slots[with]);
		break;
	case FREE_MANY:
		for (unsigned i = 0; i < 32; i++)
			release(&slots[(with + i * 5) % SLOTS]);
		break;
	case TRIM:
		mempool_pages_trim(pages);
		break;
	case REFUSE:
		source_refuse_calls(1 + with % 8, 1 + with / 32);
		break;
	default:
		source_allow();
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mempool_options o = { .name = "fuzzed", .limit = LIMIT };
	struct mempool_stats s;

	source_allow();
	pages = mempool_pages_create(&o);
	must(pages != NULL);
	for (size_t i = 0; i + 1 < size; i += 2) {
		operate(data[i] % OPERATIONS, data[i + 1]);
		if (i % 64 == 0)
			mempool_pages_check(pages);
	}
	for (unsigned i = 0; i < SLOTS; i++)
		release(&slots[i]);
	mempool_pages_check(pages);
	mempool_pages_trim(pages);
	s = stats_of("fuzzed");
	must(s.live == 0 && s.held_bytes == s.overhead_bytes);
	mempool_pages_destroy(pages);
	return 0;
}
