/* SPDX-License-Identifier: MIT */
/*
 * test_reserve.c - elements kept aside, and the queue of those who wait.
 */
#include "unit/apart.h"

#include "heap/reserve.h"
#include "unit/clock.h"
#include "unit/threads.h"

enum { MIN = 4, WAITERS = 5 };

static char element[16];
static void *kept[MIN];
static struct reserve reserve = { .elements = kept, .min = MIN };
static struct lock lock = LOCK(RANK_CLASS);

/* --- elements --- */

static void it_wants_elements_until_it_is_full(void)
{
	for (int i = 0; i < MIN; i++) {
		assert_true(reserve_wants(&reserve));
		assert_true(reserve_give(&reserve, &element[i]));
	}
	assert_false(reserve_wants(&reserve));
	assert_false(reserve_give(&reserve, &element[MIN]));
	assert_int_equal(reserve.current, MIN);
}

static void the_element_returned_last_is_taken_first(void)
{
	for (int i = 0; i < MIN; i++)
		reserve_give(&reserve, &element[i]);
	for (int i = MIN; i-- > 0;)
		assert_ptr_equal(reserve_take(&reserve), &element[i]);
}

static void an_empty_one_gives_null(void)
{
	assert_null(reserve_take(&reserve));
	assert_int_equal(reserve.used, 0);
}

static void what_is_taken_is_counted(void)
{
	for (int round = 0; round < 3; round++) {
		reserve_give(&reserve, &element[0]);
		reserve_take(&reserve);
	}
	assert_int_equal(reserve.used, 3);
}

static void a_reserve_of_none_wants_nothing(void)
{
	struct reserve none = { 0 };

	assert_false(reserve_wants(&none));
	assert_false(reserve_give(&none, &element[0]));
	assert_null(reserve_take(&none));
}

/* --- waiting --- */

/* A thread that waits; `got` once it is over. */
struct caller {
	pthread_t thread;
	int timeout_ms; /* negative: none */
	unsigned ask_ms;
	int enough;	 /* so many last questions */
	int asked, last; /* questions; of them last ones */
	void *got;
	uint64_t waited_ms;
};

static bool ask(void *data, bool last)
{
	struct caller *caller = data;

	__atomic_add_fetch(&caller->asked, 1, __ATOMIC_RELAXED);
	caller->last += last;
	return last && caller->last >= caller->enough;
}

static void *wait_for_one(void *data)
{
	struct caller *caller = data;
	uint64_t start = now_ms();
	struct timespec deadline;
	struct waiter self;

	caller->got = NULL;
	lock_take(&lock);
	reserve.waits++;
	reserve_join(&reserve, &self, &caller->got, 1);
	lock_release(&lock);
	deadline = waiter_deadline((unsigned)caller->timeout_ms);
	waiter_await(&self, caller->timeout_ms < 0 ? NULL : &deadline,
		     &caller->ask_ms, ask, caller);
	lock_take(&lock);
	assert_int_equal(reserve_leave(&reserve, &self), !caller->got);
	lock_release(&lock);
	caller->waited_ms = now_ms() - start;
	return NULL;
}

/* Returns when the caller is in the queue. */
static void let_wait_asking(struct caller *caller, int timeout_ms,
			    unsigned ask_ms)
{
	uint64_t before = reserve.waits, after = before;

	*caller = (struct caller){ .timeout_ms = timeout_ms, .ask_ms = ask_ms };
	caller->thread = start_thread(wait_for_one, caller);
	while (after == before) {
		pause_ms(1);
		lock_take(&lock);
		after = reserve.waits;
		lock_release(&lock);
	}
}

static void let_wait(struct caller *caller, int timeout_ms)
{
	let_wait_asking(caller, timeout_ms, 60000);
}

static void give(void *p)
{
	lock_take(&lock);
	assert_true(reserve_give(&reserve, p));
	lock_release(&lock);
}

static void a_waiter_is_handed_what_the_next_free_brings(void)
{
	struct caller caller;

	let_wait(&caller, -1);
	give(&element[0]);
	join_thread(caller.thread);
	assert_ptr_equal(caller.got, &element[0]);
	assert_int_equal(reserve.current, 0);
	assert_true(list_empty(&reserve.queue));
}

static void waiters_are_served_in_the_order_they_came(void)
{
	struct caller callers[WAITERS];

	for (int i = 0; i < WAITERS; i++)
		let_wait(&callers[i], -1);
	for (int i = 0; i < WAITERS; i++)
		give(&element[i]);
	for (int i = 0; i < WAITERS; i++) {
		join_thread(callers[i].thread);
		assert_ptr_equal(callers[i].got, &element[i]);
	}
	assert_int_equal(reserve.waits, WAITERS);
}

static void whose_turn_was_taken_by_another_is_still_the_next(void)
{
	struct waiter first, second;
	void *first_got = NULL, *second_got = NULL;

	reserve_join(&reserve, &first, &first_got, 1);
	reserve_join(&reserve, &second, &second_got, 1);
	reserve_give(&reserve, NULL);
	assert_true(waiter_is_out(&first));
	reserve_rejoin(&reserve, &first, &first_got, 1);
	assert_false(waiter_is_out(&first));
	reserve_give(&reserve, &element[0]);
	assert_ptr_equal(first_got, &element[0]);
	assert_false(waiter_is_out(&second));
	reserve_give(&reserve, &element[1]);
	assert_ptr_equal(second_got, &element[1]);
}

static void one_free_wakes_one_waiter_and_no_other(void)
{
	struct caller first, second;

	let_wait(&first, -1);
	let_wait(&second, 300);
	give(&element[0]);
	join_thread(first.thread);
	join_thread(second.thread);
	assert_ptr_equal(first.got, &element[0]);
	assert_null(second.got);
}

static void waiters_come_before_the_reserve(void)
{
	struct caller caller;

	let_wait(&caller, -1);
	give(&element[0]);
	give(&element[1]);
	join_thread(caller.thread);
	assert_ptr_equal(caller.got, &element[0]);
	assert_int_equal(reserve.current, 1);
}

static void when_the_time_is_over_the_answer_is_null(void)
{
	struct caller caller;

	let_wait(&caller, 50);
	join_thread(caller.thread);
	assert_null(caller.got);
	assert_true(caller.waited_ms >= 40);
	assert_true(list_empty(&reserve.queue));
}

static void no_wait_is_shorter_than_asked(void)
{
	for (int ms = 1; ms <= 40; ms += 3) {
		struct caller caller;

		let_wait(&caller, ms);
		join_thread(caller.thread);
		assert_null(caller.got);
		if (caller.waited_ms + 1 < (uint64_t)ms)
			fail_msg("%d ms instead of %d", (int)caller.waited_ms,
				 ms);
	}
}

static void a_wait_of_no_time_asks_and_goes(void)
{
	struct caller caller = { .timeout_ms = 0, .ask_ms = 60000 };

	wait_for_one(&caller);
	assert_null(caller.got);
	assert_int_equal(caller.asked, 1);
	assert_int_equal(caller.last, 1);
	assert_true(list_empty(&reserve.queue));
}

static void who_waits_asks_now_and_then_and_keeps_the_place(void)
{
	struct caller first, second;

	let_wait_asking(&first, -1, 1);
	let_wait(&second, -1);
	while (__atomic_load_n(&first.asked, __ATOMIC_RELAXED) < 3)
		pause_ms(1);
	give(&element[0]);
	give(&element[1]);
	join_thread(first.thread);
	join_thread(second.thread);
	assert_ptr_equal(first.got, &element[0]);
	assert_ptr_equal(second.got, &element[1]);
	assert_int_equal(first.last, 0);
}

static void the_last_question_is_asked_until_it_is_enough(void)
{
	struct caller caller = { .timeout_ms = 5, .ask_ms = 1, .enough = 3 };

	wait_for_one(&caller);
	assert_null(caller.got);
	assert_int_equal(caller.last, 3);
}

static void whoever_gives_up_leaves_the_others_in_line(void)
{
	struct caller callers[3];

	let_wait(&callers[0], -1);
	let_wait(&callers[1], 20);
	let_wait(&callers[2], -1);
	join_thread(callers[1].thread);
	assert_null(callers[1].got);
	give(&element[0]);
	give(&element[2]);
	join_thread(callers[0].thread);
	join_thread(callers[2].thread);
	assert_ptr_equal(callers[0].got, &element[0]);
	assert_ptr_equal(callers[2].got, &element[2]);
}

static void the_last_in_line_may_give_up_too(void)
{
	struct caller callers[3];

	let_wait(&callers[0], -1);
	let_wait(&callers[1], 20);
	join_thread(callers[1].thread);
	let_wait(&callers[2], -1);
	give(&element[0]);
	give(&element[2]);
	join_thread(callers[0].thread);
	join_thread(callers[2].thread);
	assert_ptr_equal(callers[0].got, &element[0]);
	assert_ptr_equal(callers[2].got, &element[2]);
}

/*
 * The giver holds the lock across the deadline: the waiter's sleep is over,
 * but it learns so only afterwards.
 */
static void an_element_given_at_the_deadline_is_not_lost(void)
{
	struct caller caller;

	let_wait(&caller, 20);
	lock_take(&lock);
	/* Once more, if it has come before us. */
	while (list_empty(&reserve.queue)) {
		lock_release(&lock);
		join_thread(caller.thread);
		let_wait(&caller, 20);
		lock_take(&lock);
	}
	pause_ms(60);
	assert_true(reserve_give(&reserve, &element[0]));
	lock_release(&lock);
	join_thread(caller.thread);
	assert_ptr_equal(caller.got, &element[0]);
	assert_int_equal(reserve.current, 0);
}

/* Frees and deadlines as close together as can be; nothing may get lost. */
static void around_the_deadline_an_element_has_exactly_one_owner(void)
{
	for (int round = 0; round < 60; round++) {
		struct caller caller;

		let_wait(&caller, 3);
		for (volatile int spin = 0; spin < round * 3000; spin++)
			;
		pause_ms(2);
		give(&element[0]);
		join_thread(caller.thread);
		lock_take(&lock);
		if (caller.got) {
			assert_ptr_equal(caller.got, &element[0]);
			assert_int_equal(reserve.current, 0);
		} else {
			assert_ptr_equal(reserve_take(&reserve), &element[0]);
		}
		assert_true(list_empty(&reserve.queue));
		lock_release(&lock);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(it_wants_elements_until_it_is_full),
		APART(the_element_returned_last_is_taken_first),
		APART(an_empty_one_gives_null),
		APART(what_is_taken_is_counted),
		APART(a_reserve_of_none_wants_nothing),
		APART(a_waiter_is_handed_what_the_next_free_brings),
		APART(waiters_are_served_in_the_order_they_came),
		APART(whose_turn_was_taken_by_another_is_still_the_next),
		APART(one_free_wakes_one_waiter_and_no_other),
		APART(waiters_come_before_the_reserve),
		APART(when_the_time_is_over_the_answer_is_null),
		APART(no_wait_is_shorter_than_asked),
		APART(a_wait_of_no_time_asks_and_goes),
		APART(who_waits_asks_now_and_then_and_keeps_the_place),
		APART(the_last_question_is_asked_until_it_is_enough),
		APART(whoever_gives_up_leaves_the_others_in_line),
		APART(the_last_in_line_may_give_up_too),
		APART(an_element_given_at_the_deadline_is_not_lost),
		APART(around_the_deadline_an_element_has_exactly_one_owner),
	};

	return cmocka_run_group_tests_name("reserve", tests, NULL, NULL);
}
