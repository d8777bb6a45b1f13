/* SPDX-License-Identifier: MIT */
/*
 * test_cache_wait.c - who would rather wait for an object than be refused.
 */
#include "unit/apart.h"

#include "unit/clock.h"
#include "unit/forks.h"
#include "unit/scarce.h"
#include "unit/threads.h"

enum { WAITERS = 6, HANG_MS = 60000 };

/*
 * Somebody who waits.  `other` stands for the other allocator: `asked` counts
 * the questions, `answer` is what it gives; while `busy`, it takes its time.
 */
struct caller {
	pthread_t thread;
	void *got, *answer;
	unsigned asked;
	bool busy;
};

static void *other(void *data)
{
	struct caller *c = data;

	__atomic_add_fetch(&c->asked, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&c->busy, __ATOMIC_ACQUIRE))
		pause_ms(1);
	return __atomic_load_n(&c->answer, __ATOMIC_ACQUIRE);
}

static void *wait_for_one(void *data)
{
	struct caller *c = data;

	c->got = object_alloc(SIZE);
	if (!c->got)
		c->got = cache_alloc_waiting(SIZE, other, c);
	return NULL;
}

/* Returns when it is in line and sleeps. */
static void let_wait(struct caller *c)
{
	uint64_t waits = heaps_stats(C).waits;

	c->thread = start_thread(wait_for_one, c);
	while (heaps_stats(C).waits == waits)
		pause_ms(1);
}

/* Returns when it is in line and asks the other allocator. */
static void let_ask(struct caller *c)
{
	c->busy = true;
	c->thread = start_thread(wait_for_one, c);
	while (!__atomic_load_n(&c->asked, __ATOMIC_ACQUIRE))
		pause_ms(1);
}

static void let_go(struct caller *c)
{
	__atomic_store_n(&c->busy, false, __ATOMIC_RELEASE);
	join_thread(c->thread);
}

/* A heap that has nothing left; what was got is in objects[]. */
static size_t start_dry(size_t reserve)
{
	size_t got;

	heaps_start(reserve);
	config.wait_ms = HANG_MS;
	source_refuse();
	got = heaps_exhaust(SIZE, objects);
	while ((objects[got] = cache_alloc_reserve(SIZE)))
		got++;
	return got;
}

static void serves_in_order(size_t reserve)
{
	struct caller c[WAITERS] = { 0 };
	size_t n = start_dry(reserve);

	for (size_t i = 0; i < WAITERS; i++)
		let_wait(&c[i]);
	for (size_t i = 1; i <= WAITERS; i++)
		object_free(objects[n - i]);
	for (size_t i = 1; i <= WAITERS; i++) {
		join_thread(c[i - 1].thread);
		assert_ptr_equal(c[i - 1].got, objects[n - i]);
	}
	heaps_free(objects, n - WAITERS);
	assert_false(central[C].scarce);
	heaps_nothing_is_lost(C);
}

/* --- order --- */

static void waiters_are_served_in_the_order_they_came(void)
{
	serves_in_order(RESERVE);
}

static void without_a_reserve_they_are_too(void)
{
	serves_in_order(0);
}

static void who_still_asks_another_allocator_keeps_its_place(void)
{
	struct caller first = { 0 }, second = { 0 };
	size_t n = start_dry(RESERVE);

	let_ask(&first);
	let_wait(&second);
	object_free(objects[n - 1]);
	object_free(objects[n - 2]);
	join_thread(second.thread);
	assert_ptr_equal(second.got, objects[n - 2]);
	let_go(&first);
	assert_ptr_equal(first.got, objects[n - 1]);
	heaps_nothing_is_lost(C);
}

/* Objects that lie there belong to those before it, who do not look yet. */
static void what_lies_in_the_reserve_goes_in_the_order_they_came(void)
{
	struct caller first = { 0 }, second = { 0 };
	size_t n = start_dry(RESERVE);

	object_free(objects[n - 1]);
	assert_int_equal(central[C].reserve.current, 1);
	let_ask(&first);
	let_wait(&second);
	assert_int_equal(central[C].reserve.current, 0);
	let_go(&first);
	assert_ptr_equal(first.got, objects[n - 1]);
	object_free(objects[n - 2]);
	join_thread(second.thread);
	assert_ptr_equal(second.got, objects[n - 2]);
	heaps_nothing_is_lost(C);
}

/* It is handed one while others hold the lock, and goes on with it. */
static void who_was_refused_elsewhere_sleeps_without_the_lock(void)
{
	struct caller c = { 0 };
	size_t n = start_dry(0);

	let_ask(&c);
	lock_take(&central[C].lock);
	__atomic_store_n(&c.busy, false, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&central[C].reserve.waits, __ATOMIC_RELAXED))
		pause_ms(1);
	assert_true(reserve_give(&central[C].reserve, objects[n - 1]));
	join_thread(c.thread);
	lock_release(&central[C].lock);
	assert_ptr_equal(c.got, objects[n - 1]);
}

/* What is freed while it was not in line yet is no later one's. */
static void who_comes_finds_what_was_freed_just_before(void)
{
	size_t n = start_dry(0);
	void *got;

	config.wait_ms = 1;
	assert_null(cache_alloc_waiting(SIZE, object_none, NULL));
	assert_true(central[C].scarce);
	config.wait_ms = HANG_MS;
	object_free(objects[n - 1]);
	got = cache_alloc_waiting(SIZE, object_none, NULL);
	assert_ptr_equal(got, objects[n - 1]);
	assert_int_equal(heaps_stats(C).waits, 1);
	heaps_nothing_is_lost(C);
}

static void a_newcomer_does_not_overtake(void)
{
	struct caller c = { 0 };

	start_dry(RESERVE);
	let_wait(&c);
	source_allow();
	assert_null(object_alloc(SIZE));
	assert_non_null(object_alloc_at_last(SIZE));
	join_thread(c.thread);
	assert_non_null(c.got);
	heaps_nothing_is_lost(C);
}

/* One is handed to `first`, who does not go on with it; another is there. */
static size_t hand_one_over(struct caller *first)
{
	size_t n = start_dry(0);

	let_ask(first);
	object_free(objects[n - 1]);
	object_free(objects[n - 2]);
	return n;
}

/*
 * A thread that runs would find object after object, and keep those who were
 * handed one waiting for the processor.
 */
static void who_finds_one_stays_behind_those_who_were_handed_one(void)
{
	struct caller first = { 0 }, second = { 0 };
	size_t n = hand_one_over(&first);

	cache_behind_ms = HANG_MS;
	assert_null(object_alloc(SIZE));
	let_wait(&second);
	let_go(&first);
	assert_ptr_equal(first.got, objects[n - 1]);
	join_thread(second.thread);
	assert_ptr_equal(second.got, objects[n - 2]);
	assert_int_equal(second.asked, 0);
	object_free(second.got);
	assert_ptr_equal(object_alloc(SIZE), second.got);
	heaps_nothing_is_lost(C);
}

static void who_does_not_go_on_holds_nobody_up_for_long(void)
{
	struct caller first = { 0 }, second = { 0 };
	size_t n = hand_one_over(&first);

	let_wait(&second);
	join_thread(second.thread);
	assert_ptr_equal(second.got, objects[n - 2]);
	let_go(&first);
	assert_ptr_equal(first.got, objects[n - 1]);
	heaps_nothing_is_lost(C);
}

static void in_a_child_nobody_is_behind_the_parents_waiters(void)
{
	struct caller first = { 0 };
	pid_t child;

	forks_know_the_heap();
	hand_one_over(&first);
	fork_prepare();
	child = fork();
	if (!child) {
		fork_child();
		_exit(object_alloc(SIZE) == NULL);
	}
	fork_parent();
	assert_child_succeeds(child);
	let_go(&first);
}

/* One who has two passes one on. */
static void what_comes_beside_another_allocators_block_is_the_next_ones(void)
{
	struct caller first = { 0 }, second = { 0 };
	size_t n = start_dry(RESERVE);

	first.answer = &first;
	let_ask(&first);
	let_wait(&second);
	object_free(objects[n - 1]);
	assert_null(__atomic_load_n(&second.got, __ATOMIC_RELAXED));
	let_go(&first);
	assert_ptr_equal(first.got, &first);
	join_thread(second.thread);
	assert_ptr_equal(second.got, objects[n - 1]);
	heaps_nothing_is_lost(C);
}

static void a_block_of_another_allocator_tells_that_there_is_memory(void)
{
	struct caller first = { 0 }, second = { 0 };

	start_dry(RESERVE);
	first.answer = &first;
	let_ask(&first);
	let_wait(&second);
	source_allow();
	let_go(&first);
	join_thread(second.thread);
	assert_non_null(second.got);
	assert_int_equal(central[C].reserve.current, RESERVE);
	heaps_nothing_is_lost(C);
}

/* --- in vain --- */

static void nobody_frees_and_the_waiter_gets_null_in_time(void)
{
	struct caller c = { 0 };
	uint64_t start, failures;

	start_dry(RESERVE);
	failures = heaps_stats(C).failures;
	config.wait_ms = 60;
	start = now_ms();
	wait_for_one(&c);
	assert_null(c.got);
	assert_true(now_ms() - start >= 60);
	assert_int_equal(c.asked, 2);
	assert_int_equal(heaps_stats(C).failures, failures + 1);
}

static void before_the_answer_is_null_the_source_is_asked_again(void)
{
	struct caller c = { 0 };

	start_dry(RESERVE);
	config.wait_ms = 300;
	let_wait(&c);
	source_allow();
	join_thread(c.thread);
	assert_non_null(c.got);
	assert_int_equal(central[C].reserve.current, RESERVE);
	heaps_nothing_is_lost(C);
}

static void before_the_answer_is_null_the_other_allocator_is_asked_again(void)
{
	struct caller c = { 0 };

	start_dry(RESERVE);
	config.wait_ms = 300;
	let_wait(&c);
	__atomic_store_n(&c.answer, &c, __ATOMIC_RELEASE);
	join_thread(c.thread);
	assert_ptr_equal(c.got, &c);
	assert_int_equal(c.asked, 2);
	heaps_nothing_is_lost(C);
}

/* A handler that forks, and returns in the child too. */
static void *fork_meanwhile(void *data)
{
	struct caller *behind = data;
	pid_t child;

	if (behind->asked)
		return NULL;
	let_wait(behind);
	fork_prepare();
	child = fork();
	if (!child) {
		fork_child();
		config.wait_ms = 0;
		return NULL;
	}
	fork_parent();
	assert_child_succeeds(child);
	return behind;
}

static void in_a_handlers_child_a_waiter_leaves_no_line_of_strangers(void)
{
	struct caller behind = { 0 };
	pid_t parent = getpid();
	size_t n = start_dry(RESERVE);
	void *got;

	forks_know_the_heap();
	config.wait_ms = 100;
	got = cache_alloc_waiting(SIZE, fork_meanwhile, &behind);
	if (getpid() != parent) {
		assert_null(got);
		assert_true(list_empty(&central[C].reserve.queue));
		heaps_free(objects, n);
		heap_check();
		_exit(0);
	}
	assert_ptr_equal(got, &behind);
	object_free(objects[0]);
	join_thread(behind.thread);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(waiters_are_served_in_the_order_they_came),
		APART(without_a_reserve_they_are_too),
		APART(who_still_asks_another_allocator_keeps_its_place),
		APART(what_lies_in_the_reserve_goes_in_the_order_they_came),
		APART(who_was_refused_elsewhere_sleeps_without_the_lock),
		APART(who_comes_finds_what_was_freed_just_before),
		APART(a_newcomer_does_not_overtake),
		APART(who_finds_one_stays_behind_those_who_were_handed_one),
		APART(who_does_not_go_on_holds_nobody_up_for_long),
		APART(in_a_child_nobody_is_behind_the_parents_waiters),
		APART(what_comes_beside_another_allocators_block_is_the_next_ones),
		APART(a_block_of_another_allocator_tells_that_there_is_memory),
		APART(nobody_frees_and_the_waiter_gets_null_in_time),
		APART(before_the_answer_is_null_the_source_is_asked_again),
		APART(before_the_answer_is_null_the_other_allocator_is_asked_again),
		APART(in_a_handlers_child_a_waiter_leaves_no_line_of_strangers),
	};

	return cmocka_run_group_tests_name("cache_wait", tests, NULL, NULL);
}
