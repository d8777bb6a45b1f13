/* SPDX-License-Identifier: MIT */
/*
 * refused_memory.c - a run in which any call for memory may be refused.
 *
 * The shim failmap.so refuses; this program takes every NULL as it comes, and
 * a model sees that what it was given keeps its contents.  Under the pools,
 * what is live at the end must be what was live before: nothing is lost.
 */
#include "snapshot.h"

#include <malloc.h>
#include <pthread.h>

enum { OBJECTS = 80000, WORKERS = 2, WORKER_OBJECTS = 6000 };

struct held {
	unsigned char *p;
	size_t size;
};

static struct held held[OBJECTS];
static struct held worker_held[WORKERS][WORKER_OBJECTS];

/* Mostly small, every class, sometimes beyond. */
static size_t size_of(unsigned i)
{
	return i % 50 == 49 ? 3000 : i % 129;
}

static void take(struct held *h, unsigned i)
{
	errno = 0;
	h->size = size_of(i);
	h->p = i % 3 ? malloc(h->size) : calloc(1, h->size);
	if (!h->p) {
		CHECK(errno == ENOMEM);
		return;
	}
	fill(h->p, h->size, i);
}

static void resize(struct held *h, unsigned i)
{
	size_t size = size_of(i * 7 + 3) + 1;
	size_t kept = size < h->size ? size : h->size;
	unsigned char *p = realloc(h->p, size);

	if (!p) {
		/* The old one is as it was. */
		CHECK(!h->p || intact(h->p, h->size, i));
		return;
	}
	CHECK(!h->p || intact(p, kept, i));
	h->p = p;
	h->size = size;
	fill(p, size, i);
}

static void drop(struct held *h, unsigned i)
{
	CHECK(!h->p || intact(h->p, h->size, i));
	free(h->p);
	h->p = NULL;
}

static void use(struct held *h, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		take(&h[i], i);
	for (unsigned i = 0; i < count; i += 4)
		resize(&h[i], i);
	for (unsigned i = 0; i < count; i += 3)
		drop(&h[i], i);
	malloc_trim(0);
	for (unsigned i = 0; i < count; i += 6)
		take(&h[i], i);
	for (unsigned i = 0; i < count; i++)
		drop(&h[i], i);
}

static void *work(void *argument)
{
	use(argument, WORKER_OBJECTS);
	return NULL;
}

int main(void)
{
	static struct class_row before[SMALL_CLASSES], after[SMALL_CLASSES];
	pthread_t worker[WORKERS];
	int started = 0;

	if (pools_present())
		read_classes(before);
	use(held, OBJECTS);
	if (pools_present()) {
		read_classes(after);
		for (int c = 0; c < SMALL_CLASSES; c++)
			CHECK_THAT(after[c].live == before[c].live,
				   "class %ld: %ld live before, %ld after",
				   after[c].size, before[c].live,
				   after[c].live);
	}
	for (int t = 0; t < WORKERS; t++)
		if (!pthread_create(&worker[started], NULL, work,
				    worker_held[t]))
			started++;
	use(held, OBJECTS / 4);
	while (started > 0)
		pthread_join(worker[--started], NULL);
	malloc_trim(0);
	use(held, OBJECTS / 4);
	return all_held();
}
