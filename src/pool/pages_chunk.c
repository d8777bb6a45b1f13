/* SPDX-License-Identifier: MIT */
/*
 * pages_chunk.c - the mappings of a page source, and their records.
 */
#include "pool/pages_chunk.h"

#include <string.h>

#include "base/inject.h"
#include "base/sys.h"
#include "base/tool.h"

enum { STORE_BYTES = 64 << 10 };

struct chunk_store {
	struct chunk_store *next;
	size_t bytes;
};

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

static void *map_store(struct chunks *t, size_t bytes)
{
	struct chunk_store *s = map(t, bytes);

	if (!s)
		return NULL;
	sys_name(s, bytes, t->name);
	s->bytes = bytes;
	s->next = t->stores;
	t->stores = s;
	t->maps++;
	t->held_bytes += bytes;
	t->overhead_bytes += bytes;
	return s + 1;
}

static struct chunk *new_record(struct chunks *t)
{
	struct chunk *c = list_first(&t->spare, struct chunk, link);

	if (c) {
		list_del(&t->spare, &c->link);
		memset(c, 0, sizeof(*c));
		return c;
	}
	if ((size_t)(t->fresh_end - t->fresh) < sizeof(*c)) {
		size_t bytes = round_up(STORE_BYTES, sys_page());
		char *fresh = map_store(t, bytes);

		if (!fresh)
			return NULL;
		t->fresh = fresh;
		t->fresh_end = fresh - sizeof(struct chunk_store) + bytes;
	}
	c = (struct chunk *)t->fresh;
	t->fresh += sizeof(*c);
	return c;
}

/* --- the table --- */

/*
 * Room for one more.  Old tables stay mapped, together no more than the new
 * one.  False: memory is out.
 */
static bool make_room(struct chunks *t)
{
	size_t slots = t->table.slots ? 2 * t->table.slots : CHUNK_FEW;
	size_t bytes = slots * sizeof *t->few + sizeof(struct chunk_store);
	void *memory;

	if (!hash_is_full(&t->table))
		return true;
	memory = t->table.slots ? map_store(t, round_up(bytes, sys_page()))
				: t->few;
	if (memory)
		hash_move(&t->table, memory, slots, sizeof *t->few);
	return memory;
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
	struct chunk *c = make_room(t) ? new_record(t) : NULL;
	struct chunk_entry *e;

	if (!c)
		return NULL;
	c->base = map_aligned(t, bytes, align);
	if (!c->base) {
		list_add(&t->spare, &c->link);
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
	return c;
}

void chunk_remove(struct chunks *t, struct chunk *c)
{
	hash_del(&t->table, hash_find(&t->table, (uintptr_t)c->base));
	t->held_bytes -= c->bytes;
	list_add(&t->spare, &c->link);
}

void chunk_unmap(void *base, size_t bytes)
{
	tool_mapping(base, bytes, false);
	sys_unmap(base, bytes);
}

void chunk_forget(struct chunks *t)
{
	for (struct chunk_store *s = t->stores, *next; s; s = next) {
		next = s->next;
		sys_unmap(s, s->bytes);
	}
	memset(t, 0, sizeof(*t));
}
