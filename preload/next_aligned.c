/* SPDX-License-Identifier: MIT */
/*
 * next_aligned.c - aligned requests of the allocator behind us, by name.
 */
#include "next_aligned.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdlib.h>

#include "next_symbol.h"

struct next_aligned_code next_aligned_code LARGE("aligned");

static struct {
	void *(*memalign)(size_t alignment, size_t size);
	void *(*aligned_alloc)(size_t alignment, size_t size);
	int (*posix_memalign)(void **p, size_t alignment, size_t size);
	uint8_t for_name[ALIGNED_NAMES]; /* itself, unless missing */
} by_name;

static ASIDE void *by_posix_memalign(size_t alignment, size_t size)
{
	void *p;
	int error = by_name.posix_memalign(
		&p, max_of(alignment, sizeof(void *)), size);

	if (!error)
		return p;
	errno = error;
	return NULL;
}

static void *aligned_by_name(enum next_name name, size_t alignment, size_t size)
{
	switch (by_name.for_name[name]) {
	case MEMALIGN:
		return by_name.memalign(alignment, size);
	case ALIGNED_ALLOC:
		return by_name.aligned_alloc(alignment, size);
	default:
		return by_posix_memalign(alignment, size);
	}
}

aligned_function *next_aligned_find(void)
{
	*(void **)&by_name.memalign = next_symbol("memalign");
	*(void **)&by_name.aligned_alloc = next_symbol("aligned_alloc");
	*(void **)&by_name.posix_memalign = next_symbol("posix_memalign");
	for (int name = 0; name < ALIGNED_NAMES; name++)
		by_name.for_name[name] = (uint8_t)name;
	return aligned_by_name;
}

/* The file's header lies where it is mapped, and tells how much that is. */
static ASIDE size_t bytes_of(const void *library)
{
	const ElfW(Ehdr) *header = library;
	const ElfW(Phdr) *part =
		(const void *)((const char *)library + header->e_phoff);
	size_t bytes = 0;

	for (unsigned i = 0; i < header->e_phnum; i++)
		if (part[i].p_type == PT_LOAD)
			bytes = part[i].p_vaddr + part[i].p_memsz;
	return bytes;
}

ASIDE void next_aligned_suit(const void *library)
{
	void *const found[ALIGNED_NAMES] = {
		(void *)by_name.memalign,
		(void *)by_name.aligned_alloc,
		(void *)by_name.posix_memalign,
	};
	int have = -1;

	next_aligned_code.start = (uintptr_t)library;
	next_aligned_code.bytes = bytes_of(library);
	for (int name = 0; name < ALIGNED_NAMES; name++)
		if (next_library(found[name]) == library)
			have = name;
	for (int name = 0; name < ALIGNED_NAMES && have >= 0; name++)
		if (next_library(found[name]) != library)
			by_name.for_name[name] = (uint8_t)have;
}
