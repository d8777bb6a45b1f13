/* SPDX-License-Identifier: MIT */
/*
 * test_mempool_wait.c - those who wait in a mempool, in line.
 */
#include "unit/apart.h"
#include "unit/mempools.h"

enum { WAITERS = 6 };

/* --- order --- */

static void a_free_hands_its_element_to_who_waits(void)
{
	struct caller c = { 0 };
	void *element;
	mempool_t *pool = empty_pool(&element);

	let_wait(&c, pool);
	mempool_free(element, pool);
	join_thread(c.thread);
	assert_ptr_equal(c.got, element);
	assert_false(mempool_is_saturated(pool));
	end_of_empty(pool, element);
}

static void who_came_first_is_served_first(void)
{
	struct caller c[WAITERS] = { 0 };
	void *element;
	mempool_t *pool = empty_pool(&element);

	for (int i = 0; i < WAITERS; i++)
		let_wait(&c[i], pool);
	for (int i = 0; i < WAITERS; i++) {
		assert_null(mempool_alloc(pool, GFP_NOWAIT));
		mempool_free(element, pool);
		join_thread(c[i].thread);
		assert_ptr_equal(c[i].got, element);
		for (int later = i + 1; later < WAITERS; later++)
			assert_null(__atomic_load_n(&c[later].got,
						    __ATOMIC_RELAXED));
	}
	assert_int_equal(STAT(pool, waits), WAITERS);
	end_of_empty(pool, element);
}

static void with_several_elements_too_who_came_first_is_served_first(void)
{
	enum { ELEMENTS = 4 };
	struct caller c[WAITERS] = { 0 };
	mempool_t *pool = scarce_pool(ELEMENTS);
	void *elements[ELEMENTS];

	for (int i = 0; i < ELEMENTS; i++)
		elements[i] = mempool_alloc(pool, GFP_KERNEL);
	for (int i = 0; i < WAITERS; i++)
		let_wait(&c[i], pool);
	for (int i = 0; i < WAITERS; i++) {
		void *element =
			i < ELEMENTS ? elements[i] : c[i - ELEMENTS].got;

		mempool_free(element, pool);
		assert_null(mempool_alloc(pool, GFP_NOWAIT));
		join_thread(c[i].thread);
		assert_ptr_equal(c[i].got, element);
	}
	for (int i = WAITERS - ELEMENTS; i < WAITERS; i++)
		mempool_free(c[i].got, pool);
	end_of(pool);
}

/* The element goes past a newcomer who asks in the same moment. */
static void a_newcomer_does_not_overtake(void)
{
	struct caller c = { 0 };
	void *element;
	mempool_t *pool = empty_pool(&element);

	for (int round = 0; round < 50; round++) {
		let_wait(&c, pool);
		mempool_free(element, pool);
		assert_null(mempool_alloc(pool, GFP_NOWAIT));
		assert_null(mempool_alloc_preallocated(pool));
		join_thread(c.thread);
		assert_ptr_equal(c.got, element);
	}
	end_of_empty(pool, element);
}

static void a_pool_of_none_wakes_too(void)
{
	struct caller c = { 0 };
	mempool_t *pool = scarce_pool(0);
	void *element = mempool_alloc(pool, GFP_KERNEL);

	assert_true(mempool_is_saturated(pool));
	let_wait(&c, pool);
	mempool_free(element, pool);
	join_thread(c.thread);
	assert_ptr_equal(c.got, element);
	mempool_free(element, pool);
	mempool_destroy(pool);
	assert_int_equal(counting.live, 0);
}

/* --- deadlines --- */

static void after_the_deadline_the_answer_is_etimedout(void)
{
	void *element;
	mempool_t *pool = empty_pool(&element);

	for (long ms = 0; ms < 60; ms += 20) {
		struct caller c = { .pool = pool, .deadline = in_ms(ms) };

		call(&c);
		assert_null(c.got);
		assert_int_equal(c.error, ETIMEDOUT);
		assert_true(c.waited_us + 500 >= (uint64_t)ms * 1000);
	}
	assert_int_equal(STAT(pool, failures), 3);
	end_of_empty(pool, element);
}

static void a_deadline_in_the_past_still_finds_what_is_there(void)
{
	mempool_t *pool = scarce_pool(1);
	struct timespec past = { 1, 0 }, before = { -5, 0 };
	void *element = mempool_alloc_until(pool, GFP_KERNEL, &past);

	assert_non_null(element);
	assert_refused(mempool_alloc_until(pool, GFP_KERNEL, &past), ETIMEDOUT);
	assert_null(mempool_alloc_until(pool, GFP_KERNEL, &before));
	assert_refused(mempool_alloc_until(pool, GFP_NOWAIT, &past), ENOMEM);
	end_of_empty(pool, element);
}

static void whoever_gives_up_leaves_the_others_in_line(void)
{
	struct caller c[3] = { { 0 } };
	void *element;
	mempool_t *pool = empty_pool(&element);

	let_wait(&c[0], pool);
	c[1].deadline = in_ms(30);
	let_wait(&c[1], pool);
	let_wait(&c[2], pool);
	join_thread(c[1].thread);
	assert_int_equal(c[1].error, ETIMEDOUT);
	mempool_free(element, pool);
	join_thread(c[0].thread);
	mempool_free(c[0].got, pool);
	join_thread(c[2].thread);
	assert_ptr_equal(c[2].got, element);
	end_of_empty(pool, element);
}

/* Frees and deadlines as close together as can be; nothing may get lost. */
static void around_the_deadline_an_element_has_exactly_one_owner(void)
{
	void *element;
	mempool_t *pool = empty_pool(&element);
	int kept = 0, returned = 0;

	for (int round = 0; round < 150; round++) {
		struct caller c = { .deadline = in_ms(3) };
		struct timespec free_at = c.deadline;
		uint64_t target;

		let_wait(&c, pool);
		target = (uint64_t)free_at.tv_sec * 1000000 +
			 (uint64_t)free_at.tv_nsec / 1000;
		while (now_us() + 20 < target + (uint64_t)(round % 60))
			;
		mempool_free(element, pool);
		join_thread(c.thread);
		if (c.got) {
			assert_ptr_equal(c.got, element);
			assert_false(mempool_is_saturated(pool));
			kept++;
		} else {
			assert_int_equal(c.error, ETIMEDOUT);
			assert_true(mempool_is_saturated(pool));
			assert_ptr_equal(mempool_alloc(pool, GFP_KERNEL),
					 element);
			returned++;
		}
	}
	print_message("%d kept, %d returned\n", kept, returned);
	end_of_empty(pool, element);
}

/* The giver holds the pool's lock across the deadline. */
static void an_element_given_at_the_deadline_is_kept(void)
{
	void *element;
	mempool_t *pool = empty_pool(&element);
	struct caller c = { .deadline = in_ms(20) };
	uint32_t *wake;

	let_wait(&c, pool);
	lock_take(&pool->inside->pool.lock);
	/* Once more, if it has come before us. */
	while (list_empty(&pool->inside->reserve.queue)) {
		lock_release(&pool->inside->pool.lock);
		join_thread(c.thread);
		c.deadline = in_ms(20);
		let_wait(&c, pool);
		lock_take(&pool->inside->pool.lock);
	}
	pause_ms(60);
	assert_true(inside_put(pool->inside, element, &wake));
	lock_release(&pool->inside->pool.lock);
	reserve_wake(wake);
	join_thread(c.thread);
	assert_ptr_equal(c.got, element);
	end_of_empty(pool, element);
}

/* --- the source comes back --- */

/* The source gives again when it has been asked so often; nobody frees. */
static void recover(unsigned wait_ms, int asked, uint64_t least_us)
{
	struct caller c = { 0 };
	void *element;
	mempool_t *pool = empty_pool(&element);

	if (wait_ms)
		assert_int_equal(mempool_set_wait(pool, wait_ms), 0);
	counting.calls = 0;
	let_wait(&c, pool);
	while (__atomic_load_n(&counting.calls, __ATOMIC_RELAXED) < asked)
		pause_ms(1);
	source_gives(1);
	join_thread(c.thread);
	assert_non_null(c.got);
	assert_ptr_not_equal(c.got, element);
	assert_true(c.waited_us >= least_us);
	mempool_free(c.got, pool);
	end_of_empty(pool, element);
}

static void a_source_that_recovers_is_found_without_any_free(void)
{
	/* Without the knob this would take longer than a test may. */
	recover(20, 3 + APART_SECONDS / 5, 0);
}

static void without_the_knob_it_is_found_within_five_seconds(void)
{
	recover(0, 0, 4900000);
}

static void at_the_deadline_the_source_is_asked_a_last_time(void)
{
	struct caller c = { 0 };
	void *element;
	mempool_t *pool = empty_pool(&element);

	/* Again, if the deadline came before the source gave. */
	for (int round = 0; !c.got && round < 50; round++) {
		source_gives(0);
		c.deadline = in_ms(50);
		let_wait(&c, pool);
		source_gives(1);
		join_thread(c.thread);
	}
	assert_non_null(c.got);
	assert_int_equal(counting.last_flags, MEMPOOL_NOWAIT);
	mempool_free(c.got, pool);
	end_of_empty(pool, element);
}

static void who_asks_the_source_again_keeps_its_place(void)
{
	struct caller c[2] = { { 0 } };
	void *element;
	mempool_t *pool = empty_pool(&element);

	mempool_set_wait(pool, 5);
	let_wait(&c[0], pool);
	let_wait(&c[1], pool);
	pause_ms(60);
	mempool_free(element, pool);
	join_thread(c[0].thread);
	assert_ptr_equal(c[0].got, element);
	mempool_free(element, pool);
	join_thread(c[1].thread);
	assert_ptr_equal(c[1].got, element);
	assert_int_equal(STAT(pool, waits), 2);
	end_of_empty(pool, element);
}

static void who_wants_the_reserve_only_never_asks_the_source(void)
{
	struct caller c = { .flags = MEMPOOL_RESERVE_ONLY };
	void *element;
	mempool_t *pool = empty_pool(&element);

	mempool_set_wait(pool, 5);
	counting.calls = 0;
	let_wait(&c, pool);
	pause_ms(40);
	assert_int_equal(counting.calls, 0);
	mempool_free(element, pool);
	join_thread(c.thread);
	assert_ptr_equal(c.got, element);
	end_of_empty(pool, element);
}

static void who_waits_and_wants_it_cleared_gets_it_so(void)
{
	struct caller c = { .flags = __GFP_ZERO };
	void *element;
	mempool_t *pool = empty_pool(&element);

	mempool_set_size(pool, ELEMENT);
	let_wait(&c, pool);
	memset(element, 0xff, ELEMENT);
	mempool_free(element, pool);
	join_thread(c.thread);
	for (int i = 0; i < ELEMENT; i++)
		assert_int_equal(((char *)c.got)[i], 0);
	end_of_empty(pool, element);
}

/* A source that hands its caller's element over while it works. */
static mempool_t *slow_pool;
static void *slow_element;

static void *slowly(gfp_t flags, void *data)
{
	mempool_t *pool = __atomic_load_n(&slow_pool, __ATOMIC_ACQUIRE);
	void *element = counting_alloc(flags, data);

	if (element && pool && !(flags & MEMPOOL_NOWAIT))
		mempool_free(slow_element, pool);
	return element;
}

/* Both a free and the source serve one waiter: one too many, none lost. */
static void who_gets_two_passes_one_on(void)
{
	struct caller c[2] = { { 0 } };
	mempool_t *pool = mempool_create(1, slowly, counting_free, &counting);

	source_gives(0);
	slow_element = mempool_alloc(pool, GFP_KERNEL);
	mempool_set_wait(pool, 40);
	let_wait(&c[0], pool);
	let_wait(&c[1], pool);
	__atomic_store_n(&slow_pool, pool, __ATOMIC_RELEASE);
	source_gives(1);
	join_thread(c[0].thread);
	join_thread(c[1].thread);
	assert_non_null(c[0].got);
	assert_non_null(c[1].got);
	assert_ptr_not_equal(c[0].got, c[1].got);
	__atomic_store_n(&slow_pool, NULL, __ATOMIC_RELEASE);
	mempool_free(c[0].got, pool);
	mempool_free(c[1].got, pool);
	mempool_destroy(pool);
	assert_int_equal(counting.live, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(a_free_hands_its_element_to_who_waits),
		APART(who_came_first_is_served_first),
		APART(with_several_elements_too_who_came_first_is_served_first),
		APART(a_newcomer_does_not_overtake),
		APART(a_pool_of_none_wakes_too),
		APART(after_the_deadline_the_answer_is_etimedout),
		APART(a_deadline_in_the_past_still_finds_what_is_there),
		APART(whoever_gives_up_leaves_the_others_in_line),
		APART(around_the_deadline_an_element_has_exactly_one_owner),
		APART(an_element_given_at_the_deadline_is_kept),
		APART(a_source_that_recovers_is_found_without_any_free),
		APART(without_the_knob_it_is_found_within_five_seconds),
		APART(at_the_deadline_the_source_is_asked_a_last_time),
		APART(who_asks_the_source_again_keeps_its_place),
		APART(who_wants_the_reserve_only_never_asks_the_source),
		APART(who_waits_and_wants_it_cleared_gets_it_so),
		APART(who_gets_two_passes_one_on),
	};

	return cmocka_run_group_tests_name("mempool_wait", tests, NULL, NULL);
}
