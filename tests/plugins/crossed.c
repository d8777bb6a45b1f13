/* SPDX-License-Identifier: MIT */
/*
 * crossed.c - an allocator of which one function calls another by its name,
 * as Electric Fence's malloc calls memalign: a call that may come through
 * whatever is preloaded before it.
 *
 * CROSSED="malloc memalign" says which calls which; "free realloc", too.  What
 * it gives lies behind its size, and is never used again.
 */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ARENA = 256 << 20 };

static char *next, *end;

static void *take(size_t alignment, size_t size)
{
	uintptr_t at;

	if (!next) {
		next = mmap(NULL, ARENA, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		end = next + ARENA;
	}
	if (alignment < 16)
		alignment = 16;
	at = ((uintptr_t)next + sizeof(size_t) + alignment - 1) &
	     ~(alignment - 1);
	if (size > (size_t)(end - next) - 2 * alignment)
		return NULL;
	((size_t *)at)[-1] = size;
	next = (char *)at + size;
	return (void *)at;
}

/* The function that `from` calls; NULL: none, it does its work itself. */
static const char *calls(const char *from)
{
	const char *crossed = getenv("CROSSED");
	size_t length = strlen(from);

	if (!crossed || strncmp(crossed, from, length) != 0 ||
	    crossed[length] != ' ')
		return NULL;
	return crossed + length + 1;
}

static void *give(const char *from, size_t alignment, size_t size)
{
	const char *to = calls(from);
	void *p = NULL;

	if (!to)
		return take(alignment, size);
	if (strcmp(to, "malloc") == 0)
		return malloc(size);
	if (strcmp(to, "calloc") == 0)
		return calloc(1, size);
	if (strcmp(to, "realloc") == 0)
		return realloc(NULL, size);
	if (strcmp(to, "memalign") == 0)
		return memalign(alignment, size);
	if (strcmp(to, "aligned_alloc") == 0)
		return aligned_alloc(alignment, size);
	return posix_memalign(&p, alignment, size) ? NULL : p;
}

void *malloc(size_t size)
{
	return give("malloc", 16, size);
}

void free(void *p)
{
	if (p && calls("free"))
		p = realloc(p, 0);
}

/* Fresh memory is zero; what malloc may have from elsewhere is not. */
void *calloc(size_t n, size_t size)
{
	void *p = give("calloc", 16, n * size);

	return p ? memset(p, 0, n * size) : NULL;
}

void *realloc(void *p, size_t size)
{
	void *to;

	if (p && !size)
		return NULL;
	to = give("realloc", 16, size);
	if (p && to) {
		size_t old = ((size_t *)p)[-1];

		memcpy(to, p, old < size ? old : size);
	}
	return to;
}

void *memalign(size_t alignment, size_t size)
{
	return give("memalign", alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return give("aligned_alloc", alignment, size);
}

int posix_memalign(void **p, size_t alignment, size_t size)
{
	*p = give("posix_memalign", alignment, size);
	return *p ? 0 : ENOMEM;
}

size_t malloc_usable_size(void *p)
{
	return p ? ((size_t *)p)[-1] : 0;
}

/* As an aligned operator new has it, and operator delete believes it. */
void *crossed_new(size_t alignment, size_t size)
{
	return aligned_alloc(alignment, size);
}

int crossed_owns(void *p)
{
	return (char *)p > end - ARENA && (char *)p < end;
}
