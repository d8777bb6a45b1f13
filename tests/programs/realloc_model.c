/* SPDX-License-Identifier: MIT */
/*
 * realloc_model.c - random calls against a model that knows every byte.
 *
 * Usage: realloc_model [steps [seed]]
 * A third of the sizes lie around the border of 128 bytes, crossed both ways.
 */
#include "check.h"

#include <malloc.h>

enum { SLOTS = 2048 };

static struct {
	void *p;
	size_t size;
	unsigned seed;
} slot[SLOTS];

static uint32_t state;

static size_t random_size(void)
{
	if (random_next(&state) % 200 == 0)
		return random_next(&state) % 400000;
	switch (random_next(&state) % 12) {
	case 0:
	case 1:
	case 2:
		return random_next(&state) % 3000;
	case 3:
	case 4:
	case 5:
	case 6:
		return SMALL_MAX - 8 + random_next(&state) % 16;
	case 7:
		return random_next(&state) % SMALL_CLASSES * CLASS_STEP;
	default:
		return random_next(&state) % 160;
	}
}

/* Remembers what a slot holds now; its contents are written anew. */
static void hold(unsigned s, void *p, size_t size)
{
	CHECK(p);
	CHECK((uintptr_t)p % 16 == 0);
	slot[s].p = p;
	slot[s].size = size;
	slot[s].seed = random_next(&state);
	fill(p, size, slot[s].seed);
}

static void drop(unsigned s)
{
	CHECK(intact(slot[s].p, slot[s].size, slot[s].seed));
	free(slot[s].p);
	slot[s].p = NULL;
	slot[s].size = 0;
}

static void grow_or_shrink(unsigned s, size_t size)
{
	size_t kept = size < slot[s].size ? size : slot[s].size;
	void *p;

	if (size == 0 && slot[s].p) {
		/* As glibc does: freed, and nothing comes back. */
		CHECK(intact(slot[s].p, slot[s].size, slot[s].seed));
		CHECK(!realloc(slot[s].p, 0));
		slot[s].p = NULL;
		slot[s].size = 0;
		return;
	}
	p = size % 2 ? realloc(slot[s].p, size)
		     : reallocarray(slot[s].p, size / 2, 2);
	CHECK_THAT(p, "realloc from %zu to %zu", slot[s].size, size);
	CHECK_THAT(intact(p, kept, slot[s].seed),
		   "realloc from %zu to %zu lost something", slot[s].size,
		   size);
	hold(s, p, size);
}

static void refuse_to_grow(unsigned s)
{
	errno = 0;
	CHECK(!realloc(slot[s].p, opaque_size(SIZE_MAX / 2 + 8)));
	CHECK(errno == ENOMEM);
	CHECK(intact(slot[s].p, slot[s].size, slot[s].seed));
}

static void step(void)
{
	unsigned s = random_next(&state) % SLOTS;
	unsigned act = random_next(&state) % 16;
	size_t size = random_size();

	if (act < 8) {
		grow_or_shrink(s, size);
	} else if (slot[s].p) {
		if (act == 8)
			refuse_to_grow(s);
		else
			drop(s);
	} else if (act < 11) {
		hold(s, calloc(1, size), size);
	} else if (act == 11) {
		hold(s, memalign((size_t)16 << size % 9, size), size);
	} else {
		hold(s, malloc(size), size);
	}
}

/* Up and down across the border, one byte at a time. */
static void walk_across_the_border(void)
{
	unsigned char *p = malloc(1);

	CHECK(p);
	p[0] = 1;
	for (size_t size = 2; size <= 300; size++) {
		p = realloc(p, size);
		CHECK(p);
		p[size - 1] = (unsigned char)size;
		for (size_t i = 0; i < size; i++)
			CHECK(p[i] == (unsigned char)(i + 1));
	}
	for (size_t size = 300; size >= 1; size--) {
		p = realloc(p, size);
		CHECK(p);
		for (size_t i = 0; i < size; i++)
			CHECK(p[i] == (unsigned char)(i + 1));
	}
	free(p);
}

int main(int argc, char **argv)
{
	long steps = argc > 1 ? atol(argv[1]) : 500000;

	state = argc > 2 ? (uint32_t)atol(argv[2]) : 2463534242u;
	walk_across_the_border();
	for (long i = 0; i < steps; i++)
		step();
	for (unsigned s = 0; s < SLOTS; s++)
		drop(s);
	return all_held();
}
