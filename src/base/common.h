/* SPDX-License-Identifier: MIT */
/*
 * common.h - the few words that every file uses.
 */
#ifndef BASE_COMMON_H
#define BASE_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* _dl_find_object(), mallinfo2(); and all of libpthread in libc.so. */
#if !defined __GLIBC__ || !__GLIBC_PREREQ(2, 35)
#error "libmpool needs glibc 2.35: Debian 12, Ubuntu 22.04, Fedora 36 or later"
#endif

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define COLD	 __attribute__((cold, noinline))
#define NOINLINE __attribute__((noinline))
/* For data: reached without the global offset table. */
#define HIDDEN __attribute__((visibility("hidden")))
/*
 * Apart from what every process touches, on pages of its own: what is rare, and
 * small therefore; and, not with it, what programs do that are more than small.
 * Files of which this is true as a whole stand in preload/cold.ld.
 */
#define RARE	    __attribute__((cold, noinline, section(".text.rare")))
#define ASIDE	    __attribute__((noinline, section(".text.aside")))
#define LARGE(name) __attribute__((section(".bss.large." name)))
#define RARE_TEXT   __attribute__((section(".rodata.rare")))
#define EXPORT	    __attribute__((visibility("default")))

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)
#define TIB ((size_t)1 << 40)

#define min_of(a, b) ((a) < (b) ? (a) : (b))
#define max_of(a, b) ((a) > (b) ? (a) : (b))

/* Rounds up to a multiple of `unit`, a power of two. */
static inline size_t round_up(size_t n, size_t unit)
{
	return (n + unit - 1) & ~(unit - 1);
}

/* What overflows is SIZE_MAX, which nobody can have. */
static inline size_t product(size_t n, size_t size)
{
	size_t total;

	return __builtin_mul_overflow(n, size, &total) ? SIZE_MAX : total;
}

#endif
