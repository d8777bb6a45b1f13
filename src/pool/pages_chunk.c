/* SPDX-License-Identifier: MIT */
/*
 * pages_chunk.c - the mappings of a page source, and their records.
 */
#include "pool/pages_chunk.h"

#include <stdlib.h>

#include "base/inject.h"
#include "base/sys.h"
#include "base/tool.h"
#include "pool/pool.h"

static void *map(struct chunks *t, size_t bytes)
{
	if (inject_fails("pages")) {
		t->on_purpose = true;
		return NULL;
	}
	return sys_map(NULL, bytes);
}

/*
 * Next to an aligned mapping the kernel's choice is often aligned as well;
 * where it is not, more is mapped and the ends are cut off.
 */
static void *map_aligned(struct chunks *t, size_t bytes, size_t align)
{
	size_t more = bytes + align, before;
	char *p = map(t, bytes), *aligned;

	if (!p || ((uintptr_t)p & (align - 1)) == 0)
		return p;
	sys_unmap(p, bytes);
	p = more < bytes ? NULL : map(t, more);
	if (!p)
		return NULL;
	aligned = (char *)round_up((uintptr_t)p, align);
	before = (size_t)(aligned - p);
	if (before)
		sys_unmap(p, before);
	if (more > before + bytes)
		sys_unmap(aligned + bytes, more - before - bytes);
	return aligned;
}

/* --- records --- */

static size_t record_bytes(bool single)
{
	return single ? offsetof(struct chunk, buddy) : sizeof(struct chunk);
}

struct chunk *chunk_find(const struct chunks *t, const void *base)
{
	const struct chunk_entry *e = hash_find(&t->table, (uintptr_t)base);

	return e ? e->chunk : NULL;
}

void chunk_walk(struct chunks *t, void (*visit)(struct chunk *c, void *arg),
		void *arg)
{
	for (struct chunk_entry *e = NULL; (e = hash_next(&t->table, e));)
		visit(e->chunk, arg);
}

/* --- mappings --- */

struct chunk *chunk_map(struct chunks *t, size_t bytes, size_t align,
			bool single)
{
	struct chunk_entry *e;
	struct chunk *c;

	if (!pool_hash_room(&t->table, sizeof(*e)))
		return NULL;
	c = calloc(1, record_bytes(single));
	if (!c)
		return NULL;
	c->base = map_aligned(t, bytes, align);
	if (!c->base) {
		free(c);
		return NULL;
	}
	sys_name(c->base, bytes, t->name);
	/*
	 * The first chunk of a process is no huge page, or where those are the
	 * rule a small program would pay 2 MiB for its first 4 KiB.
	 */
	if (!t->table.used)
		sys_stay_small(c->base, bytes);
	tool_mapping(c->base, bytes, true);
	c->bytes = bytes;
	c->single = single;
	if (!single)
		buddy_start(&c->buddy);
	e = hash_add(&t->table, (uintptr_t)c->base);
	e->chunk = c;
	t->maps++;
	t->held_bytes += bytes;
	t->overhead_bytes += record_bytes(single);
	return c;
}

void chunk_remove(struct chunks *t, struct chunk *c)
{
	hash_del(&t->table, hash_find(&t->table, (uintptr_t)c->base));
	t->held_bytes -= c->bytes;
	t->overhead_bytes -= record_bytes(c->single);
	free(c);
}

void chunk_unmap(void *base, size_t bytes)
{
	tool_mapping(base, bytes, false);
	sys_unmap(base, bytes);
}

static void end(struct chunk *c, void *unused)
{
	(void)unused;
	chunk_unmap(c->base, c->bytes);
	free(c);
}

void chunk_end(struct chunks *t)
{
	chunk_walk(t, end, NULL);
	free(t->table.entries);
	*t = (struct chunks){ 0 };
}
