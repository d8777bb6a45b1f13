/* SPDX-License-Identifier: MIT */
/*
 * tree.c - threads in two locked trees, moving what they own between them.
 *
 * Each thread owns some groups: nodes below one of the roots, or below a pool
 * there.  Only the roots and their children's links are shared, and all their
 * locks.  At the end nothing may be left but the roots.
 */
#include "stress/stress.h"

#include "mempool/stats.h"
#include "mempool/tree.h"

enum { WORKERS = 4, GROUPS = 16 };

static void *roots[3]; /* two created trees; the third of the thread's own */
static double end;
static unsigned long rounds;
static int live;

struct group {
	unsigned char *node;
	unsigned tree;
	bool referenced;
};

static int count_down(void *node)
{
	void *p = mempool_tree_alloc(node, 10);

	MUST(p && !mempool_tree_free(p));
	__atomic_fetch_sub(&live, 1, __ATOMIC_RELAXED);
	return 0;
}

static void fill(unsigned char *p)
{
	memset(p, (int)mempool_tree_size(p), mempool_tree_size(p));
}

static void verify_group(const unsigned char *p)
{
	size_t size = mempool_tree_size(p);

	for (size_t i = 0; i < size; i++)
		MUST(p[i] == (unsigned char)size);
}

static void make_group(struct group *g, uint64_t *state)
{
	void *root;

	g->tree = (unsigned)below(state, 3);
	g->referenced = false;
	root = roots[g->tree];
	if (below(state, 4) == 0)
		g->node = mempool_tree_pool_named(root, 0, 2000, "pool");
	else
		g->node = mempool_tree_alloc(root, below(state, 300));
	MUST(g->node);
	fill(g->node);
	__atomic_fetch_add(&live, 1, __ATOMIC_RELAXED);
	MUST(!mempool_tree_set_destructor(g->node, count_down));
}

static void grow_group(struct group *g, uint64_t *state)
{
	unsigned char *p = g->node;

	for (size_t n = below(state, 6); n; n--) {
		p = mempool_tree_alloc(p, below(state, 200));
		MUST(p);
		fill(p);
	}
	MUST(mempool_tree_free_children(p) == 0);
	if (!g->referenced && below(state, 4) == 0) {
		p = mempool_tree_alloc(g->node, 1);
		MUST(mempool_tree_reference(g->node, p) == p);
		g->referenced = true;
	}
}

static void move_group(struct group *g, uint64_t *state)
{
	unsigned to = (unsigned)below(state, 2);
	void *moved = mempool_tree_steal(roots[to], g->node);

	MUST(moved == g->node || (!moved && g->referenced));
	if (moved)
		g->tree = to;
}

/* The youngest child leaves for another tree, out of a pool perhaps, and ends
 */
static void send_child(struct group *g, uint64_t *state)
{
	unsigned char *p = mempool_tree_alloc(g->node, 100);

	MUST(p);
	fill(p);
	MUST(mempool_tree_steal(roots[below(state, 2)], p) == p);
	verify_group(p);
	p = mempool_tree_realloc(NULL, p, 50 + below(state, 300));
	MUST(p && !mempool_tree_free(p));
}

static void act(struct group *g, uint64_t *state)
{
	if (!g->node) {
		make_group(g, state);
		return;
	}
	verify_group(g->node);
	switch (below(state, 5)) {
	case 0:
		MUST(mempool_tree_free(g->node) == 0);
		g->node = NULL;
		break;
	case 1:
		move_group(g, state);
		break;
	case 2:
		send_child(g, state);
		break;
	default:
		grow_group(g, state);
	}
}

static void *work(void *arg)
{
	uint64_t state = (uintptr_t)arg + 1;
	struct group groups[GROUPS] = { 0 };
	unsigned long done = 0;

	do {
		for (int i = 0; i < 100; i++)
			act(&groups[below(&state, GROUPS)], &state);
		done += 100;
	} while (seconds() < end);
	for (int i = 0; i < GROUPS; i++)
		if (groups[i].node)
			MUST(mempool_tree_free(groups[i].node) == 0);
	__atomic_fetch_add(&rounds, done, __ATOMIC_RELAXED);
	return NULL;
}

static void *look_on(void *unused)
{
	while (seconds() < end) {
		mempool_tree_check(roots[0]);
		mempool_tree_check(roots[1]);
		MUST(mempool_tree_total_blocks(roots[0]) > 0);
	}
	return unused;
}

int main(void)
{
	pthread_t threads[WORKERS + 1];

	end = deadline();
	for (int i = 0; i < 2; i++)
		roots[i] = mempool_tree_create(NULL);
	for (uintptr_t i = 0; i < WORKERS; i++)
		pthread_create(&threads[i], NULL, work, (void *)i);
	pthread_create(&threads[WORKERS], NULL, look_on, NULL);
	for (int i = 0; i <= WORKERS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 2; i++) {
		mempool_tree_check(roots[i]);
		MUST(mempool_tree_total_blocks(roots[i]) == 1);
		MUST(mempool_tree_free(roots[i]) == 0);
	}
	MUST(live == 0);
	printf("tree: %lu operations\n", rounds);
	return 0;
}
