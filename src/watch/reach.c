/* SPDX-License-Identifier: MIT */
/*
 * reach.c - marks the samples that words in memory lead to.
 *
 * Samples come in the order of their addresses.  A word is looked up by
 * bisection, in steps that double from where the word before has led to: what
 * points to each other was often allocated together.  Reached ones wait on a
 * stack of numbers until their own words have been read.
 */
#include "watch/reach.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/sys.h"
#include "watch/sites.h"

enum { WORDS_PAGES = REACH_WORDS / (4 * KIB) };

static size_t size_of(const struct live *object)
{
	return sites_size(object->site);
}

static uintptr_t start_of(const struct reach *r, size_t at)
{
	return live_address(&r->objects[at]);
}

/* Where those begin, of low..high, that start above `address`. */
static size_t bisect(const struct reach *r, uintptr_t address, size_t low,
		     size_t high)
{
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (start_of(r, middle) <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The last sample that starts at or below `address`; count: none. */
static size_t at_or_below(const struct reach *r, uintptr_t address)
{
	size_t above = bisect(r, address, 0, r->count);

	return above ? above - 1 : r->count;
}

/* The same where the first one does. */
static size_t near_last(const struct reach *r, uintptr_t address)
{
	size_t at = r->last, step = 1;

	if (start_of(r, at) <= address) {
		for (; step < r->count - at; step *= 2) {
			if (start_of(r, at + step) > address)
				return bisect(r, address, at + 1, at + step) -
				       1;
			at += step;
		}
		return bisect(r, address, at + 1, r->count) - 1;
	}
	for (; step < at; step *= 2) {
		at -= step;
		if (start_of(r, at) <= address)
			return bisect(r, address, at + 1, at + step) - 1;
	}
	return bisect(r, address, 0, at) - 1;
}

/*
 * glibc's lists of free chunks point to a chunk's header, the last 16 bytes of
 * the chunk in front of it; an object there may use the first 8 of them.  That
 * is no reference to the object.
 */
static bool refers(const struct reach *r, const struct live *object,
		   uintptr_t word)
{
	size_t offset = word - live_address(object), size = size_of(object);

	if (offset >= size)
		return offset == 0;
	return !r->lists || !offset || offset % 16 || offset + 8 < size;
}

static void look_at(struct reach *r, uintptr_t word)
{
	size_t at;

	if (word < r->low || word > r->high)
		return;
	at = near_last(r, word);
	if (!refers(r, &r->objects[at], word))
		return;
	r->last = at;
	if (r->objects[at].mark == REACH_FOUND)
		return;
	if (r->lost) {
		if (&r->objects[at] != r->lost)
			r->objects[at].mark = REACH_INDIRECT;
		return;
	}
	r->objects[at].mark = REACH_FOUND;
	r->waiting[r->waits++] = (uint32_t)at;
}

/* Whether there is anything in these pages: to look would put it there. */
static bool is_there(const struct reach *r, uintptr_t from, uintptr_t to)
{
	enum { PRESENT_OR_SWAPPED = 3 };
	uint64_t entries[WORDS_PAGES + 1];
	size_t page = sys_page(), first = from / page;
	size_t bytes = ((to - 1) / page - first + 1) * sizeof *entries;
	ssize_t n = r->pagemap < 0 ? -1
				   : pread(r->pagemap, entries, bytes,
					   (off_t)(first * sizeof *entries));

	for (ssize_t i = 0; i < n / (ssize_t)sizeof *entries; i++)
		if (entries[i] >> 62 & PRESENT_OR_SWAPPED)
			return true;
	return n <= 0;
}

uintptr_t reach_next(const struct reach *r, uintptr_t from, uintptr_t to,
		     bool guard)
{
	enum { GUARD = 58, ROOM = REACH_WORDS / sizeof(uint64_t) };
	const uint64_t *entries = (const uint64_t *)(void *)r->words;
	size_t page = sys_page();

	while (from < to && r->pagemap >= 0) {
		size_t want = min_of((to - from + page - 1) / page, ROOM);
		ssize_t n = pread(r->pagemap, r->words, want * sizeof *entries,
				  (off_t)(from / page * sizeof *entries));

		if (n <= 0)
			break;
		n /= (ssize_t)sizeof *entries;
		for (ssize_t i = 0; i < n; i++, from += page)
			if ((entries[i] >> GUARD & 1) == guard)
				return from;
	}
	return to;
}

static size_t copy(struct reach *r, void *where, uintptr_t from, size_t bytes)
{
	struct iovec to = { where, bytes };
	struct iovec own = { (void *)from, bytes };
	ssize_t n = process_vm_readv(getpid(), &to, 1, &own, 1, 0);

	if (n < 0 && errno != EFAULT)
		r->blind = true;
	return n < 0 ? 0 : (size_t)n;
}

size_t reach_copy(struct reach *r, uintptr_t from, size_t bytes)
{
	return copy(r, r->words, from, bytes);
}

/* Objects are small and lie side by side: a page is copied for many of them. */
static const uintptr_t *page_of(struct reach *r, uintptr_t from)
{
	size_t page = sys_page(), slot = from / page % REACH_PAGES;
	char *at = r->pages + slot * page;

	from -= from % page;
	if (r->page[slot] != from) {
		size_t n = copy(r, at, from, page);

		memset(at + n, 0, page - n);
		r->page[slot] = from;
	}
	return (const uintptr_t *)at;
}

static void look_in_page(struct reach *r, uintptr_t from, uintptr_t to)
{
	const uintptr_t *words = page_of(r, from);
	size_t page = sys_page(), first = round_up(from % page, sizeof *words);
	size_t end = from % page + (to - from);

	for (size_t i = first / sizeof *words; i < end / sizeof *words; i++)
		look_at(r, words[i]);
}

/*
 * The kernel does the reading: other threads may unmap what is looked at, and
 * then it is skipped.
 */
static void look_through(struct reach *r, uintptr_t from, uintptr_t to)
{
	from = round_up(from, sizeof(uintptr_t));
	while (from < to && !r->blind) {
		size_t bytes =
			min_of(to - from, REACH_WORDS - from % REACH_WORDS);
		size_t n = bytes;

		if (is_there(r, from, from + bytes)) {
			n = reach_copy(r, from, bytes);
			for (size_t i = 0; i < n / sizeof *r->words; i++)
				look_at(r, r->words[i]);
		}
		from += n;
		if (n < bytes)
			from = round_up(from + 1, sys_page());
	}
}

static void look_into(struct reach *r, const struct live *object)
{
	uintptr_t from = live_address(object), to = from + size_of(object);
	uintptr_t edge = round_up(from + 1, sys_page());

	if (to - from > sys_page()) {
		look_through(r, from, to);
		return;
	}
	look_in_page(r, from, min_of(to, edge));
	if (to > edge)
		look_in_page(r, edge, to);
}

static void drain(struct reach *r)
{
	while (r->waits)
		look_into(r, &r->objects[r->waiting[--r->waits]]);
}

/* A root region, but for the samples that lie in it. */
static void look_between(struct reach *r, uintptr_t from, uintptr_t to)
{
	size_t next = at_or_below(r, from);

	next = next == r->count ? 0 : next;
	for (; next < r->count && from < to; next++) {
		const struct live *o = &r->objects[next];
		uintptr_t start = live_address(o), end = start + size_of(o);

		if (end <= from)
			continue;
		if (start >= to)
			break;
		look_through(r, from, max_of(from, start));
		from = end;
	}
	if (from < to)
		look_through(r, from, to);
}

void reach_words(struct reach *r, size_t bytes)
{
	for (size_t i = 0; i < bytes / sizeof *r->words; i++)
		look_at(r, r->words[i]);
	drain(r);
}

void reach_region(struct reach *r, uintptr_t from, uintptr_t to)
{
	look_between(r, from, to);
	drain(r);
}

void reach_indirect(struct reach *r)
{
	for (size_t i = 0; i < r->count; i++) {
		r->lost = &r->objects[i];
		if (r->lost->mark != REACH_FOUND)
			look_into(r, r->lost);
	}
	r->lost = NULL;
}

bool reach_holds(const struct reach *r, uintptr_t from, uintptr_t to)
{
	size_t at = at_or_below(r, to - 1);

	return at < r->count && live_address(&r->objects[at]) >= from;
}

void reach_start(struct reach *r)
{
	for (size_t i = 0; i < r->count; i++)
		r->objects[i].mark = REACH_LOST;
	r->low = 1; /* no word is in between */
	r->high = r->last = 0;
	if (r->count) {
		const struct live *last = &r->objects[r->count - 1];

		r->low = live_address(r->objects);
		r->high = live_address(last) + size_of(last);
	}
	r->waits = 0;
	memset(r->page, 0, sizeof r->page);
	r->lists = r->blind = false;
	r->pagemap = open("/proc/thread-self/pagemap", O_RDONLY | O_CLOEXEC);
}

void reach_end(struct reach *r)
{
	if (r->pagemap >= 0)
		close(r->pagemap);
}
