/* SPDX-License-Identifier: MIT */
/*
 * test_hash.c - entries come and go beside a model, and none is lost.
 */
#include "unit/apart.h"

#include "base/hash.h"
#include "unit/chance.h"

enum { SLOTS = 32, MOST = SLOTS / 4 * 3, KEYS = 4000, ROUNDS = 100000 };

struct entry {
	uint64_t key;
	uint64_t value; /* twice the key */
	uint32_t mark;
};

static struct hash table;
static uint64_t there[KEYS];
static size_t count;

static void move_to(size_t slots)
{
	free(hash_move(&table, calloc(slots, sizeof(struct entry)), slots,
		       sizeof(struct entry)));
}

static void add(uint64_t key)
{
	struct entry *e = hash_add(&table, key);

	assert_int_equal(e->key, key);
	assert_int_equal(e->value, 0);
	assert_int_equal(e->mark, 0);
	e->value = 2 * key;
	e->mark = 1;
	there[count++] = key;
}

static void leave(size_t i)
{
	uint64_t key = there[i];

	there[i] = there[--count];
	hash_del(&table, hash_find(&table, key));
	assert_null(hash_find(&table, key));
	assert_false(hash_has(&table, key));
}

static void assert_all_there(void)
{
	assert_null(hash_check(&table));
	assert_int_equal(table.used, count);
	for (size_t i = 0; i < count; i++) {
		struct entry *e = hash_find(&table, there[i]);

		assert_non_null(e);
		assert_true(hash_has(&table, there[i]));
		assert_int_equal(e->value, 2 * there[i]);
	}
}

/* The n-th of the keys whose searches begin at `home`. */
static uint64_t key_at(size_t home, unsigned n)
{
	uint64_t key = 1;

	while ((hash_of(key) & (SLOTS - 1)) != home || n--)
		key++;
	return key;
}

static size_t place_of(uint64_t key)
{
	return (size_t)((struct entry *)hash_find(&table, key) -
			(struct entry *)(void *)table.entries);
}

static void without_memory_nothing_is_there(void)
{
	assert_null(hash_find(&table, 1));
	assert_null(hash_next(&table, NULL));
	assert_null(hash_check(&table));
	assert_true(hash_is_full(&table));
	move_to(SLOTS);
	assert_false(hash_is_full(&table));
	assert_null(hash_find(&table, 1));
	assert_null(hash_next(&table, NULL));
}

static void a_key_is_there_once(void)
{
	move_to(SLOTS);
	add(7);
	assert_ptr_equal(hash_add(&table, 7), hash_find(&table, 7));
	assert_all_there();
}

/*
 * In a row of five that begins at one place, each may go first; then one whose
 * home is in the middle of the row, and one that stands at its home behind it.
 */
static void who_leaves_takes_nobody_along(void)
{
	move_to(SLOTS);
	for (size_t home = 0; home < SLOTS; home++)
		for (size_t who = 0; who < 7; who++) {
			for (unsigned n = 0; n < 5; n++)
				add(key_at(home, n));
			add(key_at((home + 2) % SLOTS, 0));
			add(key_at((home + 6) % SLOTS, 0));
			leave(who);
			assert_all_there();
			while (count) {
				leave(count / 2);
				assert_all_there();
			}
		}
}

/* Or searches would get longer with each entry that ever was. */
static void who_stays_goes_back_towards_its_home(void)
{
	move_to(SLOTS);
	for (size_t home = 0; home < SLOTS; home++) {
		for (unsigned n = 0; n < 5; n++)
			add(key_at(home, n));
		for (unsigned n = 0; n < 4; n++) {
			hash_del(&table, hash_find(&table, key_at(home, n)));
			assert_int_equal(place_of(key_at(home, n + 1)), home);
			assert_int_equal(place_of(key_at(home, 4)),
					 (home + 3 - n) % SLOTS);
		}
		hash_del(&table, hash_find(&table, key_at(home, 4)));
		count = 0;
	}
}

static void who_went_leaves_nothing_behind(void)
{
	static const struct entry free_slot;

	move_to(SLOTS);
	for (uint64_t key = 1; key <= MOST; key++)
		add(key);
	while (count)
		leave(count / 2);
	for (size_t i = 0; i < SLOTS; i++)
		assert_memory_equal((struct entry *)(void *)table.entries + i,
				    &free_slot, sizeof free_slot);
}

static void at_random_none_is_lost(void)
{
	uint64_t state = 1;

	move_to(SLOTS);
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t key = 1 + below(&state, KEYS);

		if (!hash_is_full(&table) && below(&state, 2)) {
			if (!hash_find(&table, key))
				add(key);
		} else if (count) {
			leave(below(&state, count));
		}
		assert_all_there();
	}
}

static void a_table_that_grows_keeps_its_entries(void)
{
	size_t slots = 4;

	move_to(slots);
	for (uint64_t i = 0; i < KEYS; i++) {
		if (hash_is_full(&table)) {
			assert_int_equal(table.used, slots / 4 * 3);
			move_to(slots *= 2);
			assert_all_there();
		}
		add(0x7f0000000000 + (i << 12));
	}
	assert_all_there();
}

static void each_is_visited_once(void)
{
	uint64_t sum = 0;

	move_to(SLOTS);
	for (uint64_t key = 1; key <= MOST; key++)
		add(key);
	for (struct entry *e = NULL; (e = hash_next(&table, e));)
		sum += e->key;
	assert_int_equal(sum, MOST * (MOST + 1) / 2);
}

static void an_entry_out_of_its_way_is_noticed(void)
{
	struct entry *first, *second;

	move_to(SLOTS);
	add(key_at(3, 0));
	add(key_at(3, 1));
	first = hash_find(&table, there[0]);
	second = hash_find(&table, there[1]);
	memset(first, 0, sizeof *first);
	assert_non_null(hash_check(&table));
	*first = *second;
	assert_non_null(hash_check(&table));
	memset(second, 0, sizeof *second);
	assert_non_null(hash_check(&table));
	table.used = 1;
	assert_null(hash_check(&table));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(without_memory_nothing_is_there),
		APART(a_key_is_there_once),
		APART(who_leaves_takes_nobody_along),
		APART(who_stays_goes_back_towards_its_home),
		APART(who_went_leaves_nothing_behind),
		APART(at_random_none_is_lost),
		APART(a_table_that_grows_keeps_its_entries),
		APART(each_is_visited_once),
		APART(an_entry_out_of_its_way_is_noticed),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
