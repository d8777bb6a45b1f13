/* SPDX-License-Identifier: MIT */
/*
 * test_cache_wide.c - magazines of wide classes, whose free sides are short.
 */
#include "unit/apart.h"

#include "heap/class.h"
#include "unit/heaps.h"

enum { SIZE = 1000, BYTES_MOST = WIDE_MAX };

static void start(void)
{
	config.small_max = WIDE_MAX;
	heaps_start(0);
	/* Past the calls that need no magazine. */
	for (unsigned c = SMALL_CLASSES + 1; c <= CLASSES; c++) {
		for (int i = 0; i < 48; i++)
			objects[i] = object_alloc(class_size(c));
		heaps_free(objects, 48);
	}
}

static void nothing_is_lost(void)
{
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++)
		heaps_nothing_is_lost(c);
}

static void each_size_gets_an_object_of_its_class(void)
{
	start();
	for (int round = 0; round < 3; round++)
		for (size_t size = 129; size <= WIDE_MAX; size += 31) {
			void *p = object_alloc(size);

			assert_int_equal(slab_size_of(p),
					 class_size(class_of(size)));
			memset(p, 1, size);
			object_free(p);
		}
	nothing_is_lost();
}

static void a_free_side_is_full_after_as_many_objects_as_it_may_hold(void)
{
	for (unsigned c = SMALL_CLASSES + 1; c <= CLASSES; c++) {
		struct side *s = &heap_cache.of[c];
		unsigned fill = class_fill(c);

		if (c == SMALL_CLASSES + 1)
			start();
		for (unsigned i = 0; i < 3 * fill; i++)
			objects[i] = object_alloc(class_size(c));
		for (unsigned i = 0; i < 3 * fill; i++) {
			object_free(objects[i]);
			assert_true(magazine_freed(s->free, fill) <= fill);
			assert_true(magazine_freed(s->free, fill) > 0);
		}
	}
	nothing_is_lost();
}

/* Objects come back in the order of the free side, newest first. */
static void what_was_freed_last_is_used_first(void)
{
	unsigned c = class_of(SIZE), fill = class_fill(c);

	start();
	for (unsigned i = 0; i < 4 * fill; i++)
		objects[i] = object_alloc(SIZE);
	/* Both sides are used up, or nearly: one more magazine goes round. */
	while (!magazine_word_at_edge(heap_cache.of[c].alloc))
		object_alloc(SIZE);
	for (unsigned i = 0; i < fill - 1; i++)
		object_free(objects[i]);
	for (unsigned i = fill - 1; i-- > 0;)
		assert_ptr_equal(object_alloc(SIZE), objects[i]);
}

/* What was left in the slot where a free side rests is no object. */
static void whichever_is_freed_first_is_no_double_free(void)
{
	size_t size = 320, live = 0;
	uint64_t random = 1;

	start();
	for (int step = 0; step < 400000; step++) {
		random = random * 6364136223846793005u + 1;
		if (!live || (live < 250 && random >> 63)) {
			objects[live++] = object_alloc(size);
		} else {
			size_t i = (random >> 33) % live;

			object_free(objects[i]);
			objects[i] = objects[--live];
		}
	}
	heaps_free(objects, live);
	nothing_is_lost();
}

static void any_mixture_of_calls_keeps_the_books(void)
{
	static struct {
		uint8_t *p;
		size_t size;
	} slot[700];
	size_t live[CLASSES + 1] = { 0 };
	uint64_t random = 1;

	start();
	for (int step = 0; step < 300000; step++) {
		size_t i;

		random = random * 6364136223846793005u + 1442695040888963407u;
		i = (random >> 33) % COUNT_OF(slot);
		if (slot[i].p) {
			size_t size = slot[i].size;

			assert_int_equal(slot[i].p[0], (uint8_t)i);
			assert_int_equal(slot[i].p[size - 1], (uint8_t)i);
			live[class_of(size)]--;
			object_free(slot[i].p);
			slot[i].p = NULL;
		} else {
			size_t size = 1 + (random >> 20) % BYTES_MOST;

			slot[i].p = object_alloc(size);
			slot[i].size = size;
			slot[i].p[0] = slot[i].p[size - 1] = (uint8_t)i;
			live[class_of(size)]++;
		}
		if (step % 30000 == 0)
			heap_check();
	}
	for (unsigned c = CLASS_FIRST; c <= CLASSES; c++)
		assert_int_equal(heaps_stats(c).live, live[c]);
	nothing_is_lost();
	assert_true(heap_trim());
	nothing_is_lost();
}

static void what_a_thread_holds_is_counted_and_comes_back(void)
{
	unsigned c = class_of(SIZE);

	start();
	for (int i = 0; i < 100; i++)
		objects[i] = object_alloc(SIZE);
	heaps_free(objects, 70);
	assert_int_equal(heaps_stats(c).live, 30);
	heaps_flush();
	assert_int_equal(heaps_stats(c).live, 30);
	assert_null(heap_cache.of[c].free);
	nothing_is_lost();
}

static void beyond_the_border_nothing_is_served(void)
{
	config.small_max = 1024;
	heaps_start(0);
	assert_non_null(object_alloc(1024));
	assert_null(object_alloc(1025));
	assert_null(cache_alloc_reserve(1025));
}

static void below_128_too(void)
{
	config.small_max = 64;
	config.reserve = 8;
	heap_configured();
	for (int i = 0; i < 300; i++) {
		assert_non_null(object_alloc(64));
		assert_null(object_alloc(65));
	}
	heap_check();
}

static void a_wide_reserve_is_there_when_memory_is_out(void)
{
	size_t got;

	config.small_max = WIDE_MAX;
	config.reserve_wide = 5;
	heaps_start(7);
	space_set_limit(1);
	got = 0;
	while ((objects[got] = object_alloc(WIDE_MAX)))
		got++;
	for (int i = 0; i < 5; i++)
		assert_non_null(objects[got++] = cache_alloc_reserve(WIDE_MAX));
	assert_null(cache_alloc_reserve(WIDE_MAX));
	for (int i = 0; i < 7; i++)
		assert_non_null(cache_alloc_reserve(16));
	heaps_free(objects, got);
	assert_int_equal(heaps_stats(CLASSES).reserve_current, 5);
	heaps_nothing_is_lost(CLASSES);
}

static void an_object_freed_twice_is_found_at_the_call(void)
{
	void *p;

	start();
	p = object_alloc(SIZE);
	object_free(p);
	object_free(p);
}

static void one_freed_twice_with_others_between_is_found_when_drained(void)
{
	void *p, *q;

	start();
	p = object_alloc(SIZE);
	q = object_alloc(SIZE);
	object_free(p);
	object_free(q);
	object_free(p);
	heaps_flush();
	heap_trim();
}

static void a_free_inside_an_object_is_found_when_drained(void)
{
	start();
	object_free((char *)object_alloc(SIZE) + 32);
	heaps_flush();
	heap_trim();
}

/* A page of a large object is used though neither end lies on it. */
static void a_page_in_the_middle_of_an_object_is_not_given_back(void)
{
	size_t count = 4 * class_shapes[CLASSES - 1].capacity;
	size_t size = class_size(CLASSES - 1); /* 6544 bytes */

	start();
	for (size_t i = 0; i < count; i++) {
		objects[i] = object_alloc(size);
		memset(objects[i], 7, size);
	}
	for (size_t i = 0; i < count; i++)
		if (i % 5)
			object_free(objects[i]);
	heap_trim();
	for (size_t i = 0; i < count; i += 5)
		for (size_t b = 0; b < size; b++)
			assert_int_equal(((char *)objects[i])[b], 7);
	heap_check();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(each_size_gets_an_object_of_its_class),
		APART(a_free_side_is_full_after_as_many_objects_as_it_may_hold),
		APART(what_was_freed_last_is_used_first),
		APART(whichever_is_freed_first_is_no_double_free),
		APART(any_mixture_of_calls_keeps_the_books),
		APART(what_a_thread_holds_is_counted_and_comes_back),
		APART(beyond_the_border_nothing_is_served),
		APART(below_128_too),
		APART(a_wide_reserve_is_there_when_memory_is_out),
		APART(a_page_in_the_middle_of_an_object_is_not_given_back),
		ABORTS(an_object_freed_twice_is_found_at_the_call,
		       "double free of"),
		ABORTS(one_freed_twice_with_others_between_is_found_when_drained,
		       "double free of"),
		ABORTS(a_free_inside_an_object_is_found_when_drained,
		       "invalid free of"),
	};

	return cmocka_run_group_tests_name("cache_wide", tests, NULL, NULL);
}
