/* SPDX-License-Identifier: MIT */
/*
 * tree.c - libFuzzer against trees: any sequence of calls, beside a model.
 *
 * Each operation is three bytes: what, and for which two of the slots.  The
 * model knows each node's parent, bytes, references and whether its destructor
 * refuses; what a free leaves is told by the destructors, and must agree with
 * the parents that the library names.  At the end all is freed.
 */
#include "mempool/tree.h"

#include "fuzz.h"

enum { SLOTS = 48 };

enum operation {
	ALLOC,
	CREATE,
	POOL,
	FREE,
	FREE_CHILDREN,
	REALLOC,
	STEAL,
	REFERENCE,
	UNLINK,
	REFUSE,
	AGREE,
	NAME,
	LIMIT,
	OPERATIONS
};

/* Since a limit was set anything may be refused. */
static bool limited;

static struct slot {
	unsigned char *node;
	size_t size;
	bool refuses, pool;
} slots[SLOTS];

static struct slot *slot_of(const void *node)
{
	for (int i = 0; i < SLOTS; i++)
		if (node && slots[i].node == node)
			return &slots[i];
	return NULL;
}

static void verify(const struct slot *s)
{
	must(mempool_tree_size(s->node) == s->size);
	for (size_t i = 0; i < s->size; i++)
		must(s->node[i] == (unsigned char)s->size);
}

static int end(void *node)
{
	struct slot *s = slot_of(node);

	must(s != NULL);
	verify(s);
	if (s->refuses)
		return -1;
	s->node = NULL;
	return 0;
}

static void begin(struct slot *s, void *node, size_t size, bool pool)
{
	if (!node)
		return;
	*s = (struct slot){ node, size, false, pool };
	memset(node, (int)size, size);
	must(!mempool_tree_set_destructor(node, end));
}

static void resize(struct slot *s, size_t size)
{
	unsigned char *p = s->node, *to;
	size_t references = mempool_tree_references(p);

	/* Freed, perhaps: end() knows. */
	if (!size)
		return;
	to = mempool_tree_realloc(NULL, p, size);
	must(to ? !references && !s->pool : references || s->pool || limited);
	if (!to)
		return;
	s->node = to;
	for (size_t i = 0; i < size && i < s->size; i++)
		must(to[i] == (unsigned char)s->size);
	s->size = size;
	memset(to, (int)size, size);
}

static bool is_above(const void *above, const void *p)
{
	while (p && p != above)
		p = mempool_tree_parent(p);
	return p != NULL;
}

/* Within a tree this works unless it makes a loop. */
static void steal(struct slot *to, struct slot *s)
{
	void *before = mempool_tree_parent(s->node);
	bool loop = to->node && is_above(s->node, to->node);
	void *moved = mempool_tree_steal(to->node, s->node);

	must(!loop || !moved);
	must(mempool_tree_parent(s->node) == (moved ? to->node : before));
}

static void unlink_from(struct slot *from, struct slot *s)
{
	bool refuses = s->refuses;
	size_t references = mempool_tree_references(s->node);
	int result = mempool_tree_unlink(from->node, s->node);

	must(result || !s->node || !references ||
	     mempool_tree_references(s->node) < references);
	must(result != -16 || refuses);
}

static void act(unsigned operation, struct slot *a, struct slot *b, size_t size)
{
	int result;

	if (!a->node) {
		if (operation == ALLOC)
			begin(a, mempool_tree_alloc(b->node, size), size,
			      false);
		else if (operation == CREATE)
			begin(a,
			      mempool_tree_create(&(struct mempool_options){
				      .threading = size % 2 ? MEMPOOL_SINGLE
							    : MEMPOOL_LOCKED }),
			      0, false);
		else if (operation == POOL)
			begin(a, mempool_tree_pool(b->node, size * 8 + 1), 0,
			      true);
		return;
	}
	verify(a);
	switch (operation) {
	case FREE:
		result = mempool_tree_free(a->node);
		must(!result || a->node);
		break;
	case FREE_CHILDREN:
		mempool_tree_free_children(a->node);
		break;
	case REALLOC:
		resize(a, size);
		break;
	case STEAL:
		steal(b, a);
		break;
	case REFERENCE:
		if (mempool_tree_reference(b->node, a->node))
			must(mempool_tree_references(a->node) > 0);
		break;
	case UNLINK:
		unlink_from(b, a);
		break;
	case REFUSE:
	case AGREE:
		a->refuses = operation == REFUSE;
		break;
	case NAME:
		must(!mempool_tree_set_name(a->node, "%zu", size) || limited);
		break;
	case LIMIT:
		mempool_tree_set_limit(a->node, size * 4);
		limited = true;
		break;
	}
}

/* All that lives is well, and below something that lives. */
static void check(void)
{
	for (int i = 0; i < SLOTS; i++) {
		void *parent;

		if (!slots[i].node)
			continue;
		verify(&slots[i]);
		parent = mempool_tree_parent(slots[i].node);
		must(!parent || slot_of(parent));
		if (!parent)
			mempool_tree_check(slots[i].node);
	}
}

/* Who is kept by references from nobody needs one turn for each. */
static void end_all(void)
{
	bool some;

	for (int i = 0; i < SLOTS; i++)
		slots[i].refuses = false;
	do {
		some = false;
		for (int i = 0; i < SLOTS; i++) {
			if (!slots[i].node)
				continue;
			some = true;
			if (!mempool_tree_free(slots[i].node))
				continue;
			while (slots[i].node &&
			       !mempool_tree_unlink(NULL, slots[i].node))
				;
		}
	} while (some);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (; size >= 3; data += 3, size -= 3) {
		act(data[0] % OPERATIONS, &slots[data[1] % SLOTS],
		    &slots[data[2] % SLOTS], data[2] * (size_t)data[1] / 16);
		if (size % 7 == 0)
			check();
	}
	check();
	end_all();
	limited = false;
	return 0;
}
