/* SPDX-License-Identifier: MIT */
/*
 * page.h - reads statistics pages, of processes that run or that have ended.
 */
#ifndef MPOOL_PAGE_H
#define MPOOL_PAGE_H

#include <stdbool.h>

#include "watch/page.h"
#include "watch/snapshot.h"

/*
 * Copies a page.  NULL, or what is wrong with it, errno's words included.
 * Torn copies are taken again, for a while.  "/proc/PID" is a page too: that
 * of a process which publishes none, read out of its memory (remote.h).
 */
const char *page_read(struct page *page, const char *path);

/* The same of bytes in memory; false: torn, or being written. */
const char *page_check(const void *bytes, size_t length);

/*
 * The page of a process id or a file name, or the end of the program with one
 * line that says what to do.  path: room for PATH_MAX bytes, or NULL.
 */
void page_load(struct page *page, const char *what, char *path);

/*
 * The path of a process's page, PATH_MAX bytes: the one that it would have in
 * the folder when there is none.
 */
void page_find(uint64_t pid, char *path);

/* Whether the process of this page still runs. */
bool page_alive(const struct page *page);

/*
 * Milliseconds since a process that runs has written its page; else 0.  From
 * PAGE_QUIET_MS on the page may lag behind what a user expects.
 */
enum { PAGE_QUIET_MS = 2000 };
uint64_t page_quiet_ms(const struct page *page);

/* The folder where 'mpool run' has pages published, whether it is there or not.
 */
const char *page_folder(void);

/*
 * The same, made when it is missing; NULL: there is no place for it.  First of
 * XDG_RUNTIME_DIR, /tmp and /dev/shm.
 */
const char *page_make_folder(void);

/* Why no page can be written there now; NULL: it can. */
const char *page_refusal(void);

/* The page of the running program that started last, or the end. */
const char *page_newest(void);

/* Calls `visit` for each page in the folder, its path included. */
void page_walk(void (*visit)(const struct page *page, const char *path,
			     void *arg),
	       void *arg);

/* Removes all pages of programs that have ended but the newest `kept`. */
void page_sweep(size_t kept);

/* What snapshot printers take, as long as the page is there. */
void page_snapshot(const struct page *page, struct snapshot *snapshot);

/* Allocations in all: those of the pools, and those that went past them. */
uint64_t page_allocations(const struct snapshot *snapshot);

#endif
