/* SPDX-License-Identifier: MIT */
/*
 * info.c - the statistics that glibc offers, with the pools added.
 */
#include <malloc.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "heap/class.h"
#include "heap/hard.h"
#include "heap/hard_stats.h"
#include "heap/heap.h"
#include "heap/stats.h"
#include "next.h"
#include "next_symbol.h"
#include "rare.h"

/* Sums over all classes, in bytes but for the first. */
struct pools {
	size_t free_objects, used, free, committed;
};

static struct pools sum_pools(void)
{
	struct pools sum = { 0 };

	for (unsigned c = CLASS_FIRST; c <= class_last; c++) {
		struct class_stats s;

		heap_class_stats(c, &s);
		sum.free_objects += s.stock + s.reserve_current;
		sum.used += s.live * s.size;
		sum.committed += s.committed_bytes;
	}
	if (hard_on) {
		struct hard_sum hard;

		hard_sum_up(&hard);
		sum.used += hard.bytes;
		sum.committed += hard.mapped;
	}
	sum.free = sum.committed > sum.used ? sum.committed - sum.used : 0;
	return sum;
}

EXPORT struct mallinfo2 mallinfo2(void)
{
	struct mallinfo2 (*next_mallinfo2)(void);
	struct mallinfo2 info = { 0 };
	struct pools pools = sum_pools();

	*(void **)&next_mallinfo2 = next_symbol("mallinfo2");
	if (next_mallinfo2)
		info = next_mallinfo2();
	info.arena += pools.committed;
	info.ordblks += pools.free_objects;
	info.uordblks += pools.used;
	info.fordblks += pools.free;
	return info;
}

static int clamp(size_t n)
{
	return n > INT_MAX ? INT_MAX : (int)n;
}

/* The old struct of ints: what does not fit is shown as INT_MAX. */
EXPORT struct mallinfo mallinfo(void)
{
	struct mallinfo2 wide = mallinfo2();

	return (struct mallinfo){
		.arena = clamp(wide.arena),
		.ordblks = clamp(wide.ordblks),
		.smblks = clamp(wide.smblks),
		.hblks = clamp(wide.hblks),
		.hblkhd = clamp(wide.hblkhd),
		.usmblks = clamp(wide.usmblks),
		.fsmblks = clamp(wide.fsmblks),
		.uordblks = clamp(wide.uordblks),
		.fordblks = clamp(wide.fordblks),
		.keepcost = clamp(wide.keepcost),
	};
}

EXPORT int mallopt(int parameter, int value)
{
	int (*next_mallopt)(int, int);

	*(void **)&next_mallopt = next_symbol("mallopt");
	return next_mallopt ? next_mallopt(parameter, value) : 0;
}

EXPORT int malloc_trim(size_t pad)
{
	int (*next_trim)(size_t);
	bool trimmed = heap_trim();

	if (hard_on && hard_trim())
		trimmed = true;

	*(void **)&next_trim = next_symbol("malloc_trim");
	if (next_trim && next_trim(pad))
		trimmed = true;
	return trimmed;
}

static void print_pools(FILE *out)
{
	fputs("<pools>\n", out);
	for (unsigned c = CLASS_FIRST; c <= class_last; c++) {
		struct class_stats s;

		heap_class_stats(c, &s);
		if (!class_stats_shown(&s))
			continue;
		fprintf(out,
			"<class size=\"%zu\" live=\"%zu\" stock=\"%zu\" "
			"reserve=\"%zu\" committed=\"%zu\"/>\n",
			(size_t)s.size, (size_t)s.live, (size_t)s.stock,
			(size_t)s.reserve_current, (size_t)s.committed_bytes);
	}
	if (hard_on) {
		struct hard_sum hard;

		hard_sum_up(&hard);
		fprintf(out,
			"<hardened live=\"%zu\" bytes=\"%zu\" "
			"committed=\"%zu\"/>\n",
			hard.objects, hard.bytes, hard.mapped);
	}
	fputs("</pools>\n", out);
}

/* The pools come before the closing tag of what the next allocator wrote. */
EXPORT int malloc_info(int options, FILE *out)
{
	static const char closing[] = "</malloc>";
	int (*next_info)(int, FILE *);
	char *text = NULL, *end;
	size_t length;
	FILE *memory;
	int result = 0;

	*(void **)&next_info = next_symbol("malloc_info");
	memory = open_memstream(&text, &length);
	if (!memory)
		return -1;
	if (next_info)
		result = next_info(options, memory);
	fclose(memory);
	end = text ? strstr(text, closing) : NULL;
	if (result == 0 && end) {
		fwrite(text, 1, (size_t)(end - text), out);
		print_pools(out);
		fputs(end, out);
	} else if (result == 0) {
		fputs("<malloc version=\"1\">\n", out);
		print_pools(out);
		fputs("</malloc>\n", out);
	}
	free_first(text);
	return result;
}

EXPORT void malloc_stats(void)
{
	void (*next_stats)(void);
	struct pools pools = sum_pools();

	*(void **)&next_stats = next_symbol("malloc_stats");
	if (next_stats)
		next_stats();
	fprintf(stderr,
		"Pools (up to %d bytes):\nsystem bytes     = %10zu\n"
		"in use bytes     = %10zu\n",
		(int)class_border, pools.committed, pools.used);
}
