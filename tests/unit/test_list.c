/* SPDX-License-Identifier: MIT */
/*
 * test_list.c - a list of whatever has a link in it.
 */
#include "unit/apart.h"

#include "base/list.h"
#include "unit/chance.h"

enum { MOST = 16, ROUNDS = 100000 };

struct entry {
	int number;
	struct link link; /* not first: an entry is not its link */
};

static struct entry all[MOST];
static struct list list;

/* What ought to be in the list, from its beginning. */
static struct entry *model[MOST];
static size_t count;

static void assert_as_model(void)
{
	size_t i = 0;

	assert_null(list_check(&list, count));
	assert_int_equal(list_empty(&list), count == 0);
	list_for_each_safe(struct entry, e, &list, link)
		assert_ptr_equal(e, model[i++]);
	assert_int_equal(i, count);
	for (const struct link *l = list.last; l; l = l->prev)
		assert_ptr_equal(l, &model[--i]->link);
	assert_int_equal(i, 0);
}

static void add(struct entry *e)
{
	list_add(&list, &e->link);
	memmove(model + 1, model, count++ * sizeof *model);
	model[0] = e;
}

static void add_tail(struct entry *e)
{
	list_add_tail(&list, &e->link);
	model[count++] = e;
}

static void del(struct entry *e)
{
	size_t i = 0;

	list_del(&list, &e->link);
	while (model[i] != e)
		i++;
	memmove(model + i, model + i + 1, (--count - i) * sizeof *model);
}

static void all_zeros_is_an_empty_list(void)
{
	assert_true(list_empty(&list));
	assert_null(list_first(&list, struct entry, link));
	assert_false(list_has(&list, &all[0].link));
	assert_as_model();
}

/* First, last, alone or in the middle: each way to leave. */
static void whoever_leaves_the_others_stay_in_order(void)
{
	for (size_t length = 1; length <= 4; length++)
		for (size_t who = 0; who < length; who++) {
			for (size_t i = 0; i < length; i++)
				add_tail(&all[i]);
			del(&all[who]);
			assert_as_model();
			while (count)
				del(model[0]);
			assert_as_model();
		}
}

static void at_random_a_list_is_as_its_model(void)
{
	uint64_t state = 1;

	for (int round = 0; round < ROUNDS; round++) {
		struct entry *e = &all[below(&state, MOST)];
		bool is_in = false;

		for (size_t i = 0; i < count; i++)
			is_in |= model[i] == e;
		assert_int_equal(list_has(&list, &e->link), is_in);
		if (is_in)
			del(e);
		else if (below(&state, 2))
			add(e);
		else
			add_tail(e);
		assert_as_model();
	}
}

static void who_is_visited_may_leave(void)
{
	int sum = 0;

	for (int i = 0; i < MOST; i++) {
		all[i].number = i;
		add_tail(&all[i]);
	}
	list_for_each_safe(struct entry, e, &list, link) {
		sum += e->number;
		del(e);
		memset(e, 0xff, sizeof *e);
	}
	assert_int_equal(sum, MOST * (MOST - 1) / 2);
	assert_as_model();
}

static void a_list_may_move(void)
{
	struct list old;

	add_tail(&all[0]);
	add_tail(&all[1]);
	old = list;
	list = (struct list){ 0 };
	assert_true(list_empty(&list));
	list = old;
	memset(&old, 0xff, sizeof old);
	del(&all[0]);
	add_tail(&all[2]);
	assert_as_model();
}

static void broken_links_are_noticed(void)
{
	for (size_t i = 0; i < 3; i++)
		add_tail(&all[i]);
	assert_non_null(list_check(&list, 2));
	assert_non_null(list_check(&list, 4));
	all[1].link.prev = NULL;
	assert_non_null(list_check(&list, 3));
	all[1].link.prev = &all[0].link;
	list.last = &all[1].link;
	assert_non_null(list_check(&list, 3));
	list.last = &all[2].link;
	all[2].link.next = &all[0].link;
	assert_non_null(list_check(&list, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(all_zeros_is_an_empty_list),
		APART(whoever_leaves_the_others_stay_in_order),
		APART(at_random_a_list_is_as_its_model),
		APART(who_is_visited_may_leave),
		APART(a_list_may_move),
		APART(broken_links_are_noticed),
	};

	return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
