/* SPDX-License-Identifier: MIT */
/*
 * mixed_statistics.c - mallinfo, mallinfo2, malloc_info and malloc_stats know
 * of small objects too, and malloc_trim gives their memory back.
 */
#include "check.h"

#include <malloc.h>

enum { OBJECTS = 200000, SIZE = 56, BYTES = OBJECTS * SIZE };

static void *object[OBJECTS];

struct numbers {
	size_t mallinfo2;
	size_t mallinfo;
	size_t malloc_info;
	size_t malloc_stats;
};

/* The last number in a text that follows `key`. */
static size_t last_number(const char *text, const char *key)
{
	const char *at = NULL;

	for (const char *next = strstr(text, key); next;
	     next = strstr(next + 1, key))
		at = next;
	CHECK_THAT(at, "no %s in: %s", key, text);
	at += strlen(key);
	while (*at && (*at < '0' || *at > '9'))
		at++;
	return (size_t)strtoull(at, NULL, 10);
}

/* What malloc_stats writes to stderr, through a file. */
static size_t in_use_by_malloc_stats(void)
{
	static char text[65536];
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);
	size_t length;

	CHECK(file && saved >= 0);
	fflush(stderr);
	CHECK(dup2(fileno(file), STDERR_FILENO) >= 0);
	malloc_stats();
	fflush(stderr);
	CHECK(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	rewind(file);
	length = fread(text, 1, sizeof(text) - 1, file);
	text[length] = '\0';
	fclose(file);
	return last_number(text, "in use bytes");
}

/* The sum of the numbers behind `key`, 0 if there are none. */
static size_t sum_of(const char *text, const char *key)
{
	size_t sum = 0;

	for (const char *at = strstr(text, key); at; at = strstr(at + 1, key))
		sum += (size_t)strtoull(at + strlen(key), NULL, 10);
	return sum;
}

/*
 * The "current" system memory of malloc_info's last, outermost, element, and
 * what is committed to each class of the pools, which have their own.
 */
static size_t system_by_malloc_info(void)
{
	char *text = NULL;
	size_t length = 0, number;
	FILE *file = open_memstream(&text, &length);

	CHECK(file);
	CHECK(malloc_info(1, file) == EINVAL || errno == EINVAL);
	CHECK(malloc_info(0, file) == 0);
	fclose(file);
	CHECK(strncmp(text, "<malloc", 7) == 0);
	CHECK(strstr(text, "</malloc>"));
	number = last_number(text, "<system type=\"current\" size=\"");
	number += sum_of(text, "committed=\"");
	free(text);
	return number;
}

static struct numbers take(void)
{
	struct numbers n;

	n.mallinfo2 = mallinfo2().uordblks + mallinfo2().hblkhd;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
	n.mallinfo = (size_t)mallinfo().uordblks + (size_t)mallinfo().hblkhd;
#pragma GCC diagnostic pop
	n.malloc_info = system_by_malloc_info();
	n.malloc_stats = in_use_by_malloc_stats();
	return n;
}

static void grew(const char *what, size_t before, size_t after)
{
	CHECK_THAT(after >= before + BYTES && after < before + 2 * BYTES,
		   "%s: %zu before, %zu with %d bytes more", what, before,
		   after, BYTES);
}

static void options_are_taken(void)
{
	CHECK(mallopt(M_MMAP_THRESHOLD, 256 * 1024) == 1);
	CHECK(mallopt(M_TRIM_THRESHOLD, 256 * 1024) == 1);
	CHECK(mallopt(M_ARENA_MAX, 4) == 1);
}

int main(void)
{
	struct numbers before = take(), with, after;
	long rss_with, rss_after;

	for (int i = 0; i < OBJECTS; i++) {
		object[i] = malloc(SIZE);
		CHECK(object[i]);
		memset(object[i], 1, SIZE);
	}
	with = take();
	grew("mallinfo2", before.mallinfo2, with.mallinfo2);
	grew("mallinfo", before.mallinfo, with.mallinfo);
	grew("malloc_info", before.malloc_info, with.malloc_info);
	grew("malloc_stats", before.malloc_stats, with.malloc_stats);
	rss_with = status_kib("VmRSS:");
	/* Survivors at both ends, so that only trimming helps. */
	for (int i = 1; i < OBJECTS - 1; i++)
		free(object[i]);
	CHECK(malloc_trim(0) == 1);
	rss_after = status_kib("VmRSS:");
	CHECK_THAT(rss_with - rss_after > BYTES / 1024 * 9 / 10,
		   "RSS is %ld KiB, and %ld after malloc_trim", rss_with,
		   rss_after);
	after = take();
	CHECK_THAT(after.mallinfo2 < before.mallinfo2 + BYTES / 10,
		   "mallinfo2: %zu before, %zu after", before.mallinfo2,
		   after.mallinfo2);
	free(object[0]);
	free(object[OBJECTS - 1]);
	options_are_taken();
	return all_held();
}
