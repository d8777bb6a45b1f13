/*
 * object_table.h - a set of names, each with a record: which blocks are ours.
 *
 * A name is a number other than 0.  Whoever changes the table holds its
 * owner's lock; whether a name is there can be asked without.
 */
#ifndef POOL_OBJECT_TABLE_H
#define POOL_OBJECT_TABLE_H

#include "base/common.h"

struct object_entry {
	uintptr_t name; /* 0: none */
	void *record;
};

/* At most half of the entries are taken. */
struct object_table {
	struct object_table *older;
	size_t mask; /* of the entries' number */
	struct object_entry entries[];
};

/*
 * Makes room for `count` names; *table is NULL at first.  Adds what it takes
 * to *bytes.  False: no memory, nothing is changed.
 */
bool object_table_fit(struct object_table **table, size_t count, size_t *bytes);

/* There is room for it, and it is not there yet. */
void object_table_enter(struct object_table *t, uintptr_t name, void *record);

/* It is there. */
void object_table_leave(struct object_table *t, uintptr_t name);

/* The record; NULL when the name is not there, or the table is NULL. */
void *object_table_find(const struct object_table *t, uintptr_t name);

void object_table_end(struct object_table *t);

/* Where a search for a name begins. */
static inline size_t object_table_home(const struct object_table *t,
				       uintptr_t name)
{
	return (size_t)((name * (uint64_t)0x9e3779b97f4a7c15) >> 32) & t->mask;
}

static inline uintptr_t object_table_name(const struct object_table *t,
					  size_t i)
{
	return __atomic_load_n(&t->entries[i].name, __ATOMIC_RELAXED);
}

/*
 * Whether it is there.  Without the lock it may be missed while others come
 * and go: then ask again with the lock.
 */
static inline bool object_table_has(struct object_table *const *table,
				    uintptr_t name)
{
	/* Pairs with the store in object_table_fit(). */
	const struct object_table *t = __atomic_load_n(table, __ATOMIC_ACQUIRE);
	uintptr_t there;

	if (unlikely(!t) || unlikely(!name))
		return false;
	for (size_t i = object_table_home(t, name), tries = 0; tries <= t->mask;
	     i = (i + 1) & t->mask, tries++) {
		there = object_table_name(t, i);
		if (likely(there == name))
			return true;
		if (!there)
			return false;
	}
	return false;
}

#endif
