/* SPDX-License-Identifier: MIT */
/*
 * structure.c - structures of many nodes: a list, a tree, plain growth.
 *
 * list and tree: built, walked and freed several times over; an operation is
 * one node through all three.  growth: objects that stay; an operation is one
 * allocation and its first write, page faults and all.
 */
#include "bench.h"

struct node {
	struct node *left;
	struct node *right;
	uint64_t value;
};

static volatile uint64_t sink;

static void list(const struct bench_case *c)
{
	uint64_t rounds = bench_count(c->count);
	uint64_t start = bench_now_ns();

	for (uint64_t r = 0; r < rounds; r++) {
		struct node *head = NULL;
		uint64_t sum = 0;

		for (size_t i = 0; i < c->live; i++) {
			struct node *n = malloc(c->size);

			n->left = head;
			n->value = i;
			head = n;
		}
		for (struct node *n = head; n; n = n->left)
			sum += n->value;
		while (head) {
			struct node *next = head->left;

			free(head);
			head = next;
		}
		sink = sum;
	}
	bench_time(c, start, rounds * c->live);
	bench_row("memory", c, ".peak", "MiB", bench_peak_mib());
}

/* A binary tree of random keys, each node with a name of 1..128 bytes. */
static void tree_free(struct node *n)
{
	if (!n)
		return;
	tree_free(n->left);
	tree_free(n->right);
	free(n);
}

static void tree(const struct bench_case *c)
{
	uint64_t rounds = bench_count(c->count);
	uint64_t seed = 0x1234567;
	uint64_t start = bench_now_ns();

	for (uint64_t r = 0; r < rounds; r++) {
		struct node *root = NULL;

		for (size_t i = 0; i < c->live; i++) {
			uint64_t key = bench_random(&seed);
			struct node **at = &root;
			size_t size = sizeof(struct node) + key % 105;

			while (*at)
				at = key < (*at)->value ? &(*at)->left
							: &(*at)->right;
			*at = malloc(size);
			(*at)->left = (*at)->right = NULL;
			(*at)->value = key;
		}
		tree_free(root);
	}
	bench_time(c, start, rounds * c->live);
}

static void growth(const struct bench_case *c)
{
	uint64_t count = bench_count(c->count);
	uint64_t seed = 0x1234567;
	uint64_t start = bench_now_ns();

	for (uint64_t i = 0; i < count; i++)
		bench_touch(malloc(bench_small_size(bench_random(&seed))));
	bench_time(c, start, count);
	bench_row("memory", c, ".peak", "MiB", bench_peak_mib());
}

static const struct bench_case cases[] = {
	{ "small", "list_1m", list, 40, 1000000, 6, 0 },
	{ "small", "tree_20k", tree, 128, 20000, 40, 0 },
	{ "small", "growth_20m", growth, 128, 0, 20000000, 3 },
};

BENCH_MAIN(cases)
