/* SPDX-License-Identifier: MIT */
/*
 * demangle.h - C++ and Rust names as they stand in the source.
 */
#ifndef MPOOL_DEMANGLE_H
#define MPOOL_DEMANGLE_H

/* Of a symbol; without its version, and Rust's without the hash.  Allocated. */
char *demangle(const char *symbol);

#endif
