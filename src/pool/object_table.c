/*
 * object_table.c - a set of names, each with a record: which blocks are ours.
 *
 * Open addressing with linear probing; at most half of the entries are taken,
 * so every search ends soon.  A name that leaves pulls up those behind it
 * (Knuth, vol. 3, 6.4, algorithm R): no tombstones.
 *
 * A table that has become too small stays for those who may be reading it: all
 * the older ones together are smaller than the last.
 */
#include "pool/object_table.h"

#include <stdlib.h>

enum { ENTRIES_FIRST = 8 };

static void set_name(struct object_table *t, size_t i, uintptr_t name)
{
	__atomic_store_n(&t->entries[i].name, name, __ATOMIC_RELAXED);
}

/* The place of a name, or the empty one where it would be. */
static size_t place_of(const struct object_table *t, uintptr_t name)
{
	size_t i = object_table_home(t, name);

	while (object_table_name(t, i) && object_table_name(t, i) != name)
		i = (i + 1) & t->mask;
	return i;
}

bool object_table_fit(struct object_table **table, size_t count, size_t *bytes)
{
	struct object_table *old = *table, *t;
	size_t entries = old ? old->mask + 1 : ENTRIES_FIRST, size;

	if (old && 2 * count <= entries)
		return true;
	while (2 * count > entries)
		entries *= 2;
	size = sizeof *t + entries * sizeof(struct object_entry);
	t = calloc(1, size);
	if (!t)
		return false;
	t->older = old;
	t->mask = entries - 1;
	for (size_t i = 0; old && i <= old->mask; i++)
		if (old->entries[i].name)
			object_table_enter(t, old->entries[i].name,
					   old->entries[i].record);
	*bytes += size;
	/* Pairs with the load in object_table_has(). */
	__atomic_store_n(table, t, __ATOMIC_RELEASE);
	return true;
}

void object_table_enter(struct object_table *t, uintptr_t name, void *record)
{
	size_t i = place_of(t, name);

	t->entries[i].record = record;
	set_name(t, i, name);
}

void object_table_leave(struct object_table *t, uintptr_t name)
{
	size_t hole = place_of(t, name);

	for (size_t i = (hole + 1) & t->mask; object_table_name(t, i);
	     i = (i + 1) & t->mask) {
		size_t home = object_table_home(t, object_table_name(t, i));

		if (((i - home) & t->mask) < ((i - hole) & t->mask))
			continue;
		t->entries[hole].record = t->entries[i].record;
		set_name(t, hole, object_table_name(t, i));
		hole = i;
	}
	set_name(t, hole, 0);
}

void *object_table_find(const struct object_table *t, uintptr_t name)
{
	size_t i;

	if (!t || !name)
		return NULL;
	i = place_of(t, name);
	return object_table_name(t, i) ? t->entries[i].record : NULL;
}

void object_table_end(struct object_table *t)
{
	while (t) {
		struct object_table *older = t->older;

		free(t);
		t = older;
	}
}
