/* SPDX-License-Identifier: MIT */
/*
 * region_copy.c - allocations of a region that are filled at once, or moved.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/errors.h"
#include "pool/region.h"
#include "pool/region_watch.h"

/* --- copies --- */

void *mempool_region_memdup(mempool_region_t *region, const void *from,
			    size_t size)
{
	void *p;

	if (!from && size)
		return refused(EINVAL);
	p = mempool_region_alloc(region, size);
	if (p && size)
		memcpy(p, from, size);
	return p;
}

/* `length` characters and a zero. */
static char *copy_text(mempool_region_t *region, const char *from,
		       size_t length)
{
	char *p = mempool_region_alloc(region, length + 1);

	if (p) {
		memcpy(p, from, length);
		p[length] = '\0';
	}
	return p;
}

char *mempool_region_strdup(mempool_region_t *region, const char *from)
{
	if (!from)
		return refused(EINVAL);
	return copy_text(region, from, strlen(from));
}

char *mempool_region_strndup(mempool_region_t *region, const char *from,
			     size_t most)
{
	if (!from)
		return refused(EINVAL);
	return copy_text(region, from, strnlen(from, most));
}

/* --- text --- */

char *mempool_region_vasprintf(mempool_region_t *region, const char *format,
			       va_list arguments)
{
	struct region *r = region_of(region);
	size_t room, size;
	va_list again;
	char *p;
	int length;

	if (!r || !format)
		return refused(EINVAL);
	/* In a watched region there is no room, and this only measures. */
	room = min_of((size_t)(r->head.end - r->head.next), (size_t)INT_MAX);
	va_copy(again, arguments);
	length = vsnprintf(room ? r->head.next : NULL, room, format, again);
	va_end(again);
	if (length < 0)
		return NULL;
	size = (size_t)length + 1;
	p = mempool_region_alloc(region, size);
	if (p && size > room)
		vsnprintf(p, size, format, arguments);
	return p;
}

char *mempool_region_printf(mempool_region_t *region, const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	text = mempool_region_vasprintf(region, format, arguments);
	va_end(arguments);
	return text;
}

/* --- another size --- */

/* Whether it is in the block of a single allocation, the newest. */
static bool is_newest_own(const struct region *r, const char *p)
{
	return r->own && p >= r->own->start && p < r->own->top;
}

/* What a mark comes after must end where it did. */
static bool is_marked(const struct region *r, const char *p)
{
	return r->marked > p && r->marked <= r->limit;
}

/* Shrinks or grows in its place, if that can be. */
static bool resize_in_place(struct region *r, char *p, size_t old_size,
			    size_t new_size)
{
	size_t mask = r->head.mask;

	if (is_newest_own(r, p)) {
		struct region_block *b = r->own;

		if (new_size > (size_t)((char *)b + b->bytes - p))
			return false;
		r->own_bytes += (size_t)(p + new_size - b->top);
		b->top = p + new_size;
		return true;
	}
	if (p + ((old_size + mask) & ~mask) == r->head.next &&
	    !is_marked(r, p) && new_size <= (size_t)(r->limit - p)) {
		r->head.next = p + ((new_size + mask) & ~mask);
		return true;
	}
	return new_size <= old_size;
}

static void *move(struct region *r, void *p, size_t old_size, size_t new_size)
{
	void *to;

	if (r->watched)
		watch_must_hold(r, p, old_size);
	to = region_take(r, new_size, 1);
	if (!to)
		return NULL;
	memcpy(to, p, min_of(old_size, new_size));
	if (r->watched)
		watch_forget_one(r, p, old_size);
	return to;
}

void *mempool_region_realloc(mempool_region_t *region, void *p, size_t old_size,
			     size_t new_size)
{
	struct region *r = region_of(region);
	void *to = p;

	if (!p)
		return mempool_region_alloc(region, new_size);
	if (!r)
		return refused(EINVAL);
	old_size = max_of(old_size, 1);
	new_size = max_of(new_size, 1);
	watch_enter(r);
	if (r->watched && new_size <= old_size)
		watch_shrink(r, p, old_size, new_size);
	else if (r->watched || !resize_in_place(r, p, old_size, new_size))
		to = move(r, p, old_size, new_size);
	watch_leave(r);
	return to;
}
