/* SPDX-License-Identifier: MIT */
/*
 * var.c - libFuzzer against pools of any size: any calls, beside a model.
 *
 * The first two bytes choose the pool; then each operation is four bytes: what,
 * on which slot, and of which size.  The source may fail at any point.  In the
 * end all is freed, and nothing may be missing.
 */
#include "base/common.h"
#include "mempool/var.h"

#include "pools.h"

enum { SLOTS = 256, HEAD = 2, STEP = 4 };

enum operation {
	ALLOC,
	ALLOC_MANY,
	CALLOC,
	ALIGNED,
	REALLOC,
	FREE,
	FREE_MANY,
	TRIM,
	CHECK,
	REFUSE,
	ALLOW,
	OPERATIONS
};

static struct slot {
	unsigned char *p;
	size_t size;
	unsigned char fill;
} slots[SLOTS];

static unsigned char fill;

static void settle(mempool_var_t *pool, struct slot *s, void *p, size_t size)
{
	s->p = p;
	s->size = size;
	if (!p)
		return;
	must((uintptr_t)p % 16 == 0);
	must(mempool_var_usable_size(pool, p) >= size);
	s->fill = ++fill;
	memset(p, s->fill, size);
}

static void release(mempool_var_t *pool, struct slot *s)
{
	if (!s->p)
		return;
	must_be(s->p, s->size, s->fill);
	mempool_var_free(pool, s->p);
	s->p = NULL;
}

static void resize(mempool_var_t *pool, struct slot *s, size_t size)
{
	unsigned char *p = mempool_var_realloc(pool, s->p, size);

	if (!p) {
		if (s->p)
			must_be(s->p, s->size, s->fill);
		return;
	}
	if (s->p)
		must_be(p, min_of(size, s->size), s->fill);
	settle(pool, s, p, size);
}

static void perform(mempool_var_t *pool, enum operation operation,
		    struct slot *s, size_t size)
{
	size_t align = (size_t)16 << size % 8;

	switch (operation) {
	case ALLOC:
		release(pool, s);
		settle(pool, s, mempool_var_alloc(pool, size), size);
		break;
	case ALLOC_MANY:
		for (struct slot *each = slots; each < slots + SLOTS; each++)
			if (!each->p)
				settle(pool, each,
				       mempool_var_alloc(pool, size), size);
		break;
	case CALLOC:
		release(pool, s);
		settle(pool, s, mempool_var_calloc(pool, size, 1), size);
		break;
	case ALIGNED:
		release(pool, s);
		settle(pool, s, mempool_var_aligned(pool, align, size), size);
		must((uintptr_t)s->p % align == 0);
		break;
	case REALLOC:
		resize(pool, s, size);
		break;
	case FREE:
		release(pool, s);
		break;
	case FREE_MANY:
		for (size_t i = 0; i < SLOTS; i++)
			if (i % 5 != size % 5)
				release(pool, &slots[i]);
		break;
	case TRIM:
		mempool_var_trim(pool);
		break;
	case CHECK:
		mempool_var_check(pool);
		break;
	case REFUSE:
		refuse(size);
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
	mempool_var_t *pool;

	if (size < HEAD)
		return 0;
	o.threading = (enum mempool_threading)(data[0] / 2 % 3);
	o.limit = data[0] & 8 ? (size_t)data[1] << 16 : 0;
	o.initial = data[0] & 16 ? o.limit : 0;
	pool = mempool_var_create(&o);
	if (!pool)
		return 0;
	for (size_t i = HEAD; i + STEP <= size; i += STEP)
		perform(pool, data[i] / 16 % OPERATIONS, &slots[data[i + 1]],
			(size_t)(data[i + 2] + 1) << data[i] % 11);
	inject_set(NULL);
	for (size_t i = 0; i < SLOTS; i++)
		release(pool, &slots[i]);
	mempool_var_trim(pool);
	mempool_var_check(pool);
	mempool_var_stats(pool, &s);
	must(s.live == 0 && s.live_bytes == 0 && s.stock == 0);
	mempool_var_destroy(pool);
	return 0;
}
