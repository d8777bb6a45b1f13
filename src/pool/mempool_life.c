/* SPDX-License-Identifier: MIT */
/*
 * mempool_life.c - a mempool is made, gets another size, and ends.
 */
#include <linux/mempolicy.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/common.h"
#include "base/errors.h"
#include "base/out.h"
#include "mempool/pages.h"
#include "mempool/reserve.h"
#include "pool/debug.h"
#include "pool/mempool_inside.h"
#include "pool/start.h"

enum { WAIT_MS = 5000 };

/* --- what the source says --- */

/* "kmalloc-64", "pages-2" or "mempool". */
static void name_by_source(const struct mempool_inside *in, char *name)
{
	struct out o;

	out_memory(&o, name, MEMPOOL_NAME - 1);
	if (in->alloc == mempool_kmalloc)
		out_str(&o, "kmalloc-");
	else if (in->alloc == mempool_alloc_pages)
		out_str(&o, "pages-");
	else
		out_str(&o, "mempool");
	if (in->size)
		out_u64(&o, (uintptr_t)in->pool_data);
	name[o.used] = '\0';
}

static size_t size_by_source(const struct mempool_inside *in)
{
	if (in->alloc == mempool_kmalloc)
		return (size_t)in->pool_data;
	if (in->alloc == mempool_alloc_pages &&
	    (size_t)in->pool_data <= MEMPOOL_MAX_ORDER)
		return mempool_pages_size((unsigned)(size_t)in->pool_data);
	return 0;
}

/* --- memory from a NUMA node --- */

enum { NODES_MOST = 1024, WORD_BITS = 8 * sizeof(unsigned long) };

/* The calling thread's policy as it was. */
struct node_policy {
	bool changed;
	int mode;
	unsigned long nodes[NODES_MOST / WORD_BITS];
};

/*
 * From now on this thread's new pages come from `node`; -1: no change.  A hint,
 * so failure is silence.  libnuma would be a dependency.
 */
static void node_prefer(struct node_policy *before, int node)
{
	struct node_policy wanted = { 0 };
	int saved = errno;

	before->changed = false;
	if (node < 0 || node >= NODES_MOST)
		return;
	wanted.nodes[node / WORD_BITS] = 1ul << node % WORD_BITS;
	before->changed = syscall(SYS_get_mempolicy, &before->mode,
				  before->nodes, NODES_MOST, NULL, 0) == 0 &&
			  syscall(SYS_set_mempolicy, MPOL_PREFERRED,
				  wanted.nodes, NODES_MOST) == 0;
	errno = saved;
}

static void node_restore(const struct node_policy *before)
{
	int saved = errno;

	if (before->changed)
		syscall(SYS_set_mempolicy, before->mode, before->nodes,
			NODES_MOST);
	errno = saved;
}

/* --- the reserve --- */

/* What it has too much, one by one, the lock given up for each. */
static void give_surplus(struct mempool_inside *in)
{
	struct reserve *r = &in->reserve;

	lock_take(&in->pool.lock);
	while (r->current > r->min) {
		void *element = inside_take(in);

		r->used--;
		if (in->strict.on)
			strict_remove(&in->strict, element);
		inside_refresh(in);
		lock_release(&in->pool.lock);
		in->free(element, in->pool_data);
		lock_take(&in->pool.lock);
	}
	inside_refresh(in);
	lock_release(&in->pool.lock);
}

/* All that is there, and that is given back to the pool meanwhile. */
static void drain(struct mempool_inside *in)
{
	lock_take(&in->pool.lock);
	in->reserve.min = 0;
	lock_release(&in->pool.lock);
	give_surplus(in);
}

static bool wants(struct mempool_inside *in)
{
	bool yes;

	lock_take(&in->pool.lock);
	yes = reserve_wants(&in->reserve);
	inside_refresh(in);
	lock_release(&in->pool.lock);
	return yes;
}

/*
 * Waiters first, for that is whom a new element is given to.  False: the source
 * has failed before the reserve was full.
 */
static bool fill(struct mempool_inside *in, gfp_t flags)
{
	while (wants(in)) {
		void *element = inside_ask(in, flags);

		if (!element)
			return false;
		inside_give(in, element);
	}
	return true;
}

/* --- making --- */

static struct mempool_inside *make(mempool_t *pool, int min_nr, gfp_t flags,
				   int node)
{
	struct mempool_inside *in = calloc(1, sizeof(*in));
	size_t count = (size_t)max_of(min_nr, 1);
	char name[MEMPOOL_NAME];
	struct node_policy before;
	bool full;

	if (!in)
		return NULL;
	pool_init(&in->pool, &inside_kind, true);
	in->open = pool;
	in->alloc = pool->quick_alloc;
	in->free = pool->quick_free;
	in->pool_data = pool->pool_data;
	in->wait_ms = WAIT_MS;
	in->min_nr = min_nr;
	in->size = size_by_source(in);
	in->poison = in->size && (debug_flags & DEBUG_POISON);
	name_by_source(in, name);
	/* The source is asked in this name, which faults may be meant for. */
	memcpy(in->pool.entry.name, name, sizeof(name));
	in->reserve.elements = calloc(count, sizeof(void *));
	in->reserve.min = in->capacity = count;
	in->strict.on = debug_flags != 0;
	if (!in->reserve.elements) {
		free(in);
		return NULL;
	}
	node_prefer(&before, node);
	full = fill(in, flags);
	node_restore(&before);
	if (!full) {
		drain(in);
		strict_clear(&in->strict);
		free(in->reserve.elements);
		free(in);
		return NULL;
	}
	pool_open(&in->pool, name);
	return in;
}

int mempool_init_node(mempool_t *pool, int min_nr, mempool_alloc_t *alloc_fn,
		      mempool_free_t *free_fn, void *pool_data, gfp_t flags,
		      int node)
{
	struct mempool_inside *in;

	if (pool)
		*pool = (mempool_t){ 0 };
	if (!pool || min_nr < 0 || !alloc_fn || !free_fn || node < -1 ||
	    flags & ~MEMPOOL_FLAGS)
		return failed(-EINVAL);
	start_library();
	pool->quick_alloc = alloc_fn;
	pool->quick_free = free_fn;
	pool->pool_data = pool_data;
	in = make(pool, min_nr, flags, node);
	if (!in) {
		*pool = (mempool_t){ 0 };
		return failed(-ENOMEM);
	}
	pool->inside = in;
	lock_take(&in->pool.lock);
	inside_refresh(in);
	lock_release(&in->pool.lock);
	return 0;
}

int mempool_init(mempool_t *pool, int min_nr, mempool_alloc_t *alloc_fn,
		 mempool_free_t *free_fn, void *pool_data)
{
	return mempool_init_node(pool, min_nr, alloc_fn, free_fn, pool_data,
				 MEMPOOL_WAIT, -1);
}

mempool_t *mempool_create_node(int min_nr, mempool_alloc_t *alloc_fn,
			       mempool_free_t *free_fn, void *pool_data,
			       gfp_t flags, int node)
{
	mempool_t *pool = malloc(sizeof(*pool));

	if (!pool)
		return NULL;
	if (mempool_init_node(pool, min_nr, alloc_fn, free_fn, pool_data, flags,
			      node)) {
		int error = errno;

		free(pool);
		return refused(error);
	}
	pool->created = true;
	return pool;
}

mempool_t *mempool_create(int min_nr, mempool_alloc_t *alloc_fn,
			  mempool_free_t *free_fn, void *pool_data)
{
	return mempool_create_node(min_nr, alloc_fn, free_fn, pool_data,
				   MEMPOOL_WAIT, -1);
}

/* --- another size --- */

/*
 * Sets the size, and changes *table for the one to be freed, if it is larger
 * than what was there.  False: it is too small, for it was measured without
 * the lock.
 */
static bool set_min(struct mempool_inside *in, int min_nr, void ***table,
		    size_t capacity, bool *grown)
{
	struct reserve *r = &in->reserve;
	size_t min = (size_t)max_of(min_nr, 1);
	void **old;

	lock_take(&in->pool.lock);
	if (min > max_of(capacity, in->capacity)) {
		lock_release(&in->pool.lock);
		return false;
	}
	if (capacity > in->capacity) {
		old = r->elements;
		memcpy(*table, old, r->current * sizeof(void *));
		r->elements = *table;
		in->capacity = capacity;
		*table = old;
	}
	*grown = min >= r->min;
	r->min = min;
	__atomic_store_n(&in->min_nr, min_nr, __ATOMIC_RELAXED);
	inside_refresh(in);
	lock_release(&in->pool.lock);
	return true;
}

int mempool_resize(mempool_t *pool, int new_min_nr)
{
	struct mempool_inside *in = inside_of_pool(pool);
	size_t capacity = (size_t)max_of(new_min_nr, 1);
	void **table = NULL;
	bool grown;

	if (!in || new_min_nr < 0)
		return failed(-EINVAL);
	if (!set_min(in, new_min_nr, &table, 0, &grown)) {
		table = calloc(capacity, sizeof(void *));
		if (!table)
			return failed(-ENOMEM);
		set_min(in, new_min_nr, &table, capacity, &grown);
		free(table);
	}
	if (grown)
		fill(in, MEMPOOL_WAIT);
	else
		give_surplus(in);
	return 0;
}

/* --- the end --- */

static bool is_held(struct mempool_inside *in)
{
	bool held;

	lock_take(&in->pool.lock);
	held = in->stays && in->strict.out;
	if (held)
		strict_list(&in->strict, in->pool.entry.name);
	lock_release(&in->pool.lock);
	return held;
}

void mempool_exit(mempool_t *pool)
{
	struct mempool_inside *in = inside_of_pool(pool);
	bool created;

	if (!in)
		return;
	if (is_held(in)) {
		errno = EBUSY;
		return;
	}
	inside_send_away(in);
	/* Alive while the source, which may ask about the pool, is called. */
	roster_remove(&in->pool.entry);
	drain(in);
	strict_clear(&in->strict);
	free(in->reserve.elements);
	free(in);
	created = pool->created;
	*pool = (mempool_t){ .created = created };
}

void mempool_destroy(mempool_t *pool)
{
	static struct mempool_inside gone = {
		.pool = { .alive = POOL_DEAD, .entry.name = "mempool" }
	};

	mempool_exit(pool);
	if (!pool || pool->inside || !pool->created)
		return;
	pool->inside = &gone;
	pool_bury(pool);
}
