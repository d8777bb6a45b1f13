/* SPDX-License-Identifier: MIT */
/*
 * tool.c - tells AddressSanitizer and valgrind's memcheck which objects live.
 *
 * ASan's functions are there when the program is built with
 * -fsanitize=address, also when this library is not.  memcheck is told by
 * client requests, a few instructions that do nothing elsewhere; their header
 * comes with the package valgrind, and without it only ASan is told.
 */
#include "base/tool.h"

/* Before 3.25 it knows no RISC-V: its requests are nothing there. */
#if __has_include(<valgrind/memcheck.h>) && !defined __riscv
#include <valgrind/memcheck.h>
#else
static inline int tell_nobody(uintptr_t a, uintptr_t b)
{
	(void)a, (void)b;
	return 0;
}

#define NOBODY(a, b)				       tell_nobody((uintptr_t)(a), (uintptr_t)(b))
#define VALGRIND_CREATE_MEMPOOL(pool, redzone, zeroed) NOBODY(pool, zeroed)
#define VALGRIND_DESTROY_MEMPOOL(pool)		       NOBODY(pool, 0)
#define VALGRIND_MEMPOOL_ALLOC(pool, object, bytes)    NOBODY(pool, bytes)
#define VALGRIND_MEMPOOL_FREE(pool, object)	       NOBODY(pool, object)
#define VALGRIND_MAKE_MEM_NOACCESS(block, bytes)       NOBODY(block, bytes)
#define VALGRIND_MAKE_MEM_DEFINED(block, bytes)	       NOBODY(block, bytes)
#define VALGRIND_MAKE_MEM_UNDEFINED(block, bytes)      NOBODY(block, bytes)
#define VALGRIND_GET_VBITS(object, bits, bytes)	       NOBODY(object, bits)
#define VALGRIND_DISABLE_ERROR_REPORTING	       NOBODY(0, 0)
#define VALGRIND_ENABLE_ERROR_REPORTING		       NOBODY(0, 0)
#endif

/* sanitizer/asan_interface.h and sanitizer/lsan_interface.h */
extern void __asan_poison_memory_region(const volatile void *block,
					size_t bytes) __attribute__((weak));
extern void __asan_unpoison_memory_region(const volatile void *block,
					  size_t bytes) __attribute__((weak));
extern void __lsan_register_root_region(const void *block, size_t bytes)
	__attribute__((weak));
extern void __lsan_unregister_root_region(const void *block, size_t bytes)
	__attribute__((weak));

bool tool_on;

static bool memcheck;

void tool_start(void)
{
	char byte = 0;

	/* Other tools of valgrind do not know the request, and leave 0. */
	memcheck = VALGRIND_MAKE_MEM_DEFINED(&byte, sizeof byte) != 0;
	tool_on = memcheck || __asan_poison_memory_region;
}

void tool_pool_slow(const void *pool, bool made, bool kept)
{
	if (!memcheck)
		return;
	if (made)
		VALGRIND_CREATE_MEMPOOL(pool, 0, kept);
	else
		VALGRIND_DESTROY_MEMPOOL(pool);
}

static void hide(const void *from, size_t bytes)
{
	if (__asan_poison_memory_region)
		__asan_poison_memory_region(from, bytes);
}

static void show(const void *from, size_t bytes)
{
	if (__asan_unpoison_memory_region)
		__asan_unpoison_memory_region(from, bytes);
}

/*
 * Its first byte tells whether memcheck takes it for a live one.  One of no
 * bytes has none.
 */
static bool is_live(const void *object)
{
	unsigned char bits;

	return VALGRIND_GET_VBITS(object, &bits, 1) == 1;
}

void tool_object_slow(const void *pool, const void *object, size_t bytes,
		      bool live)
{
	if (live)
		show(object, bytes);
	else
		hide(object, bytes);
	if (!memcheck || !bytes || is_live(object) == live)
		return;
	if (live)
		VALGRIND_MEMPOOL_ALLOC(pool, object, bytes);
	else
		VALGRIND_MEMPOOL_FREE(pool, object);
}

void tool_object_again_slow(const void *pool, const void *object, size_t bytes)
{
	tool_object_slow(pool, object, bytes, true);
	(void)VALGRIND_MAKE_MEM_DEFINED(object, bytes);
}

void tool_kept_slow(const void *object, size_t bytes, bool kept)
{
	if (kept) {
		hide(object, bytes);
		(void)VALGRIND_MAKE_MEM_NOACCESS(object, bytes);
	} else {
		show(object, bytes);
		(void)VALGRIND_MAKE_MEM_UNDEFINED(object, bytes);
	}
}

void tool_mapping_slow(const void *start, size_t bytes, bool mapped)
{
	tool_kept_slow(start, bytes, mapped);
	if (!__lsan_register_root_region)
		return;
	if (mapped)
		__lsan_register_root_region(start, bytes);
	else
		__lsan_unregister_root_region(start, bytes);
}

void tool_look_away_slow(bool away)
{
	if (away)
		VALGRIND_DISABLE_ERROR_REPORTING;
	else
		VALGRIND_ENABLE_ERROR_REPORTING;
}
