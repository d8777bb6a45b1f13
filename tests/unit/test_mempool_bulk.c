/* SPDX-License-Identifier: MIT */
/*
 * test_mempool_bulk.c - many elements at once.
 */
#include "unit/apart.h"
#include "unit/chance.h"
#include "unit/mempools.h"

enum { MIN = 8 };

static void return_all(mempool_t *pool, void **elems, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		mempool_free(elems[i], pool);
}

static void empty_slots_are_filled_and_full_ones_left_alone(void)
{
	mempool_t *pool = scarce_pool(MIN);
	char mine[2];
	void *elems[MIN] = { [1] = &mine[0], [5] = &mine[1] };

	source_gives(3);
	assert_int_equal(mempool_alloc_bulk(pool, elems, MIN, 2), 0);
	assert_ptr_equal(elems[1], &mine[0]);
	assert_ptr_equal(elems[5], &mine[1]);
	for (int i = 0; i < MIN; i++)
		assert_non_null(elems[i]);
	assert_int_equal(STAT(pool, reserve_used), 3);
	elems[1] = elems[5] = NULL;
	return_all(pool, elems, MIN);
	end_of(pool);
}

static void a_bulk_of_a_working_source_leaves_the_reserve_alone(void)
{
	mempool_t *pool = scarce_pool(MIN);
	void *elems[MIN] = { NULL };

	source_gives(FOREVER);
	assert_int_equal(mempool_alloc_bulk(pool, elems, MIN, 0), 0);
	assert_int_equal(STAT(pool, reserve_used), 0);
	return_all(pool, elems, MIN);
	end_of(pool);
}

static void assert_einval(mempool_t *pool, void **elems, unsigned count,
			  unsigned allocated)
{
	assert_errno(mempool_alloc_bulk(pool, elems, count, allocated), EINVAL);
}

static void bulk_arguments_must_fit(void)
{
	mempool_t *pool = scarce_pool(MIN);
	void *elems[MIN + 1] = { NULL };

	assert_einval(pool, elems, MIN + 1, 0);
	assert_einval(pool, elems, 0, 1);
	assert_einval(pool, elems, 2, 1);
	assert_einval(pool, elems, 2, 3);
	assert_einval(pool, NULL, 1, 0);
	elems[0] = elems;
	assert_einval(pool, elems, 2, 0);
	assert_einval(pool, elems, 2, 2);
	assert_int_equal(mempool_alloc_bulk(pool, elems, 1, 1), 0);
	assert_int_equal(mempool_alloc_bulk(pool, NULL, 0, 0), 0);
	errno = 0;
	assert_int_equal(mempool_free_bulk(pool, NULL, 1), 0);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(mempool_free_bulk(pool, NULL, 0), 0);
	end_of(pool);
}

struct bulk_caller {
	pthread_t thread;
	mempool_t *pool;
	unsigned count;
	void *elems[MIN];
	int result;
};

static void *call_bulk(void *data)
{
	struct bulk_caller *c = data;

	c->result = mempool_alloc_bulk(c->pool, c->elems, c->count, 0);
	return NULL;
}

static void let_wait_for(struct bulk_caller *c, mempool_t *pool, unsigned count)
{
	uint64_t before = STAT(pool, waits);

	c->pool = pool;
	c->count = count;
	c->thread = start_thread(call_bulk, c);
	while (STAT(pool, waits) == before)
		pause_ms(1);
}

static void who_waits_for_many_is_woken_once_it_has_all(void)
{
	mempool_t *pool = scarce_pool(MIN);
	struct bulk_caller c = { 0 };
	void *elems[MIN];

	for (int i = 0; i < MIN; i++)
		elems[i] = mempool_alloc(pool, GFP_KERNEL);
	let_wait_for(&c, pool, 5);
	for (int i = 0; i < 4; i++) {
		mempool_free(elems[i], pool);
		pause_ms(5);
		assert_int_not_equal(pthread_tryjoin_np(c.thread, NULL), 0);
	}
	mempool_free(elems[4], pool);
	join_thread(c.thread);
	assert_int_equal(c.result, 0);
	for (int i = 0; i < 5; i++)
		assert_ptr_equal(c.elems[i], elems[i]);
	return_all(pool, elems, MIN);
	end_of(pool);
}

static void single_and_bulk_waiters_stand_in_one_line(void)
{
	mempool_t *pool = scarce_pool(MIN);
	struct bulk_caller many = { 0 };
	struct caller one = { 0 };
	void *elems[MIN] = { NULL };

	assert_int_equal(mempool_alloc_bulk(pool, elems, MIN, 0), 0);
	let_wait_for(&many, pool, 2);
	let_wait(&one, pool);
	mempool_free(elems[0], pool);
	pause_ms(20);
	assert_null(__atomic_load_n(&one.got, __ATOMIC_RELAXED));
	assert_int_equal(mempool_free_bulk(pool, &elems[1], 2), 2);
	assert_null(elems[1]);
	assert_null(elems[2]);
	join_thread(many.thread);
	join_thread(one.thread);
	assert_non_null(one.got);
	mempool_free(one.got, pool);
	return_all(pool, many.elems, 2);
	return_all(pool, &elems[3], MIN - 3);
	end_of(pool);
}

static void who_waits_for_many_takes_what_the_source_gives_meanwhile(void)
{
	mempool_t *pool = scarce_pool(MIN);
	struct bulk_caller c = { 0 };
	void *elems[MIN] = { NULL };

	mempool_set_wait(pool, 10);
	assert_int_equal(mempool_alloc_bulk(pool, elems, MIN, 0), 0);
	let_wait_for(&c, pool, 5);
	mempool_free(elems[0], pool);
	source_gives(4);
	join_thread(c.thread);
	assert_int_equal(c.result, 0);
	return_all(pool, c.elems, 5);
	return_all(pool, &elems[1], MIN - 1);
	end_of(pool);
}

static void a_bulk_of_a_destroyed_pool_is_canceled_and_nothing_lost(void)
{
	mempool_t *pool = scarce_pool(MIN);
	struct bulk_caller c = { 0 };
	void *elems[MIN] = { NULL };

	assert_int_equal(mempool_alloc_bulk(pool, elems, MIN, 0), 0);
	let_wait_for(&c, pool, 5);
	mempool_free(elems[0], pool);
	mempool_free(elems[1], pool);
	mempool_destroy(pool);
	join_thread(c.thread);
	assert_int_equal(c.result, -ECANCELED);
	assert_ptr_equal(c.elems[0], elems[0]);
	assert_ptr_equal(c.elems[1], elems[1]);
	assert_null(c.elems[2]);
	for (int i = 0; i < MIN; i++)
		counting_free(elems[i], &counting);
	assert_int_equal(counting.live, 0);
}

static void *take_many_again_and_again(void *data)
{
	struct bulk_caller *c = data;
	uint64_t state = (uintptr_t)c | 1;

	for (int i = 0; i < 2000; i++) {
		unsigned count;

		count = 1 + (unsigned)below(&state, MIN);
		memset(c->elems, 0, sizeof(c->elems));
		if (mempool_alloc_bulk(c->pool, c->elems, count, 0))
			abort();
		if (i % 2)
			return_all(c->pool, c->elems, count);
		else if (mempool_free_bulk(c->pool, c->elems, count) != count)
			abort();
	}
	return NULL;
}

static void bulk_users_do_not_block_each_other(void)
{
	mempool_t *pool = scarce_pool(MIN);
	struct bulk_caller callers[4] = { 0 };

	mempool_set_wait(pool, 60000);
	for (int i = 0; i < 4; i++) {
		callers[i].pool = pool;
		pthread_create(&callers[i].thread, NULL,
			       take_many_again_and_again, &callers[i]);
	}
	for (int i = 0; i < 4; i++)
		join_thread(callers[i].thread);
	end_of(pool);
}

static void a_bulk_free_fills_up_and_leaves_the_rest(void)
{
	mempool_t *pool = scarce_pool(MIN);
	void *elems[MIN + 3] = { NULL };
	unsigned left = 0;

	source_gives(4);
	for (int i = 0; i < MIN + 3; i++)
		if (i != 2)
			elems[i] = mempool_alloc(pool, GFP_KERNEL);
	assert_int_equal(STAT(pool, reserve_current), 2);
	assert_int_equal(mempool_free_bulk(pool, elems, MIN + 3), MIN - 2);
	for (int i = 0; i < MIN + 3; i++)
		left += elems[i] != NULL;
	assert_int_equal(left, 4);
	assert_null(elems[MIN - 2]);
	assert_non_null(elems[MIN - 1]);
	assert_int_equal(mempool_free_bulk(pool, elems, MIN + 3), 0);
	return_all(pool, elems, MIN + 3);
	end_of(pool);
}

static void who_waits_for_many_is_served_after_shrinking(void)
{
	mempool_t *pool = scarce_pool(MIN);
	struct bulk_caller c = { 0 };
	void *elems[MIN] = { NULL };

	assert_int_equal(mempool_alloc_bulk(pool, elems, MIN, 0), 0);
	let_wait_for(&c, pool, MIN);
	assert_int_equal(mempool_resize(pool, 1), 0);
	return_all(pool, elems, MIN);
	join_thread(c.thread);
	assert_int_equal(c.result, 0);
	return_all(pool, c.elems, MIN);
	assert_int_equal(counting.live, 1);
	end_of(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(empty_slots_are_filled_and_full_ones_left_alone),
		APART(a_bulk_of_a_working_source_leaves_the_reserve_alone),
		APART(bulk_arguments_must_fit),
		APART(who_waits_for_many_is_woken_once_it_has_all),
		APART(single_and_bulk_waiters_stand_in_one_line),
		APART(who_waits_for_many_takes_what_the_source_gives_meanwhile),
		APART(a_bulk_of_a_destroyed_pool_is_canceled_and_nothing_lost),
		APART(bulk_users_do_not_block_each_other),
		APART(a_bulk_free_fills_up_and_leaves_the_rest),
		APART(who_waits_for_many_is_served_after_shrinking),
	};

	return cmocka_run_group_tests_name("mempool_bulk", tests, NULL, NULL);
}
