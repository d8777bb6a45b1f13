/* SPDX-License-Identifier: MIT */
/*
 * region.c - libFuzzer against a region: any sequence of calls, beside a model
 * that knows every allocation, mark and cleanup.
 *
 * The first byte chooses alignment, limit, and whether the region is watched,
 * so that ASan sees each allocation, or takes the fast path.  Each operation is
 * two bytes: what, and how much of it.  Memory may be refused at any point.
 */
#include "base/tool.h"
#include "mempool/region.h"
#include "pool/start.h"

#include "../unit/source.h"
#include "../unit/sources.h"
#include "fuzz.h"

enum { OBJECTS = 1024, MARKS = 32 };

enum operation {
	ALLOC,
	LARGE,
	ALIGNED,
	REALLOC,
	PRINT,
	CLEANUP,
	KILL,
	MARK,
	REWIND,
	RESET,
	TRIM,
	REFUSE,
	ALLOW,
	OPERATIONS
};

/* An allocation, or a cleanup when `handle` is there. */
static struct object {
	uint8_t *p;
	size_t size;
	uint8_t fill;
	mempool_cleanup_t *handle;
} objects[OBJECTS];

static struct {
	struct mempool_mark mark;
	unsigned objects;
	size_t size;
} marks[MARKS];

static mempool_region_t *region;
static unsigned count, mark_count;
static uint8_t fill;
static bool resized; /* in its place, perhaps before a mark */

static void verify(const struct object *o)
{
	for (size_t i = 0; o->p && i < o->size; i++)
		must(o->p[i] == o->fill);
}

static void add(uint8_t *p, size_t size)
{
	if (!p || count == OBJECTS)
		return;
	objects[count++] = (struct object){ p, size, ++fill, NULL };
	memset(p, fill, size);
}

/* Cleanups come latest first, and none is left out. */
static void on_cleanup(void *data)
{
	struct object *o = data;

	while (count && !objects[count - 1].handle)
		count--;
	must(count && o == &objects[count - 1]);
	count--;
}

static void add_cleanup(void)
{
	struct object *o = &objects[count];

	if (count == OBJECTS)
		return;
	*o = (struct object){ 0 };
	o->handle = mempool_region_cleanup(region, on_cleanup, o);
	count += o->handle != NULL;
}

static struct object *pick(uint8_t with)
{
	return count ? &objects[with * count / 256] : NULL;
}

static void kill_one(struct object *o)
{
	if (!o || !o->handle)
		return;
	must(mempool_region_kill(region, o->handle) == 0);
	must(mempool_region_kill(region, o->handle) == -EINVAL);
	o->handle = NULL;
}

/* What is moved counts as new; in its place it stays as old as it was. */
static void resize(struct object *o, uint8_t with)
{
	size_t size = with * (size_t)(1 + with % 7 * 40);
	uint8_t *p;

	if (!o || !o->p)
		return;
	p = mempool_region_realloc(region, o->p, o->size, size);
	if (!p)
		return;
	for (size_t i = 0; i < o->size && i < size; i++)
		must(p[i] == o->fill);
	if (p == o->p) {
		o->size = size;
		resized = true;
		memset(p, o->fill, size);
		return;
	}
	o->p = NULL;
	add(p, size);
}

static void back_to(unsigned to, size_t size)
{
	while (count > to && !objects[count - 1].handle)
		count--;
	must(count == to);
	must(resized || mempool_region_size(region) == size);
}

static void rewind_to(uint8_t with)
{
	if (!mark_count)
		return;
	mark_count = with % mark_count + 1;
	mempool_region_rewind(region, marks[mark_count - 1].mark);
	back_to(marks[mark_count - 1].objects, marks[mark_count - 1].size);
}

static void add_mark(void)
{
	if (mark_count == MARKS)
		return;
	marks[mark_count].mark = mempool_region_mark(region);
	marks[mark_count].objects = count;
	marks[mark_count++].size = mempool_region_size(region);
}

static void operate(enum operation what, uint8_t with)
{
	size_t size = 1 + with;
	char *text;

	for (unsigned i = 0; i < count; i += 1 + count / 16)
		verify(&objects[i]);
	switch (what) {
	case ALLOC:
		add(mempool_region_alloc(region, size), size);
		break;
	case LARGE:
		size = with * 997u + 1;
		add(mempool_region_zalloc(region, size), size);
		break;
	case ALIGNED:
		add(mempool_region_aligned(region, (size_t)1 << with % 14,
					   size),
		    size);
		break;
	case REALLOC:
		resize(pick(with), (uint8_t)(with * 31 + 1));
		break;
	case PRINT:
		text = mempool_region_printf(region, "%*d", with * 8, 5);
		must(!text || text[strlen(text) - 1] == '5');
		break;
	case CLEANUP:
		add_cleanup();
		break;
	case KILL:
		kill_one(pick(with));
		break;
	case MARK:
		add_mark();
		break;
	case REWIND:
		rewind_to(with);
		break;
	case RESET:
		mempool_region_reset(region);
		mark_count = 0;
		resized = false;
		back_to(0, 0);
		break;
	case TRIM:
		mempool_region_trim(region);
		break;
	case REFUSE:
		source_refuse_calls(1 + with % 4, 1 + with / 16);
		break;
	default:
		source_allow();
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mempool_options o = { .name = "fuzzed" };

	if (!size)
		return 0;
	source_allow();
	start_library();
	tool_on = data[0] & 64;
	o.align = (size_t)1 << data[0] % 13;
	o.limit = data[0] & 128 ? 1 << 20 : 0;
	o.pages = mempool_pages_create(NULL);
	region = mempool_region_create(&o);
	must(region != NULL);
	count = mark_count = 0;
	resized = false;
	for (size_t i = 1; i + 1 < size; i += 2) {
		operate(data[i] % OPERATIONS, data[i + 1]);
		if (i % 16 == 1)
			mempool_region_check(region);
	}
	source_allow();
	mempool_region_check(region);
	mempool_region_destroy(region);
	while (count && !objects[count - 1].handle)
		count--;
	must(count == 0);
	mempool_pages_check(o.pages);
	must(mempool_pages_trim(o.pages) > 0);
	mempool_pages_destroy(o.pages);
	return 0;
}
