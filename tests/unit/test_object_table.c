/*
 * test_object_table.c - names come and go beside a model, and none is lost.
 */
#include "unit/apart.h"

#include "pool/object_table.h"
#include "unit/chance.h"

enum { MOST = 32, NAMES = 4000, ROUNDS = 100000 };

static struct object_table *table;
static uintptr_t there[MOST];
static size_t count, bytes;

/* Each name is its own record. */
static void enter(uintptr_t name)
{
	object_table_enter(table, name, (void *)name);
	there[count++] = name;
}

static void leave(size_t i)
{
	uintptr_t name = there[i];

	there[i] = there[--count];
	object_table_leave(table, name);
	assert_null(object_table_find(table, name));
	assert_false(object_table_has(&table, name));
}

static void assert_all_there(void)
{
	for (size_t i = 0; i < count; i++) {
		assert_ptr_equal(object_table_find(table, there[i]),
				 (void *)there[i]);
		assert_true(object_table_has(&table, there[i]));
	}
}

static void begin(void)
{
	assert_true(object_table_fit(&table, MOST, &bytes));
}

/* The n-th of the names whose searches begin at `home`. */
static uintptr_t name_at(size_t home, unsigned n)
{
	uintptr_t name = 1;

	while (object_table_home(table, name) != home || n--)
		name++;
	return name;
}

static void without_a_table_nothing_is_there(void)
{
	assert_null(object_table_find(NULL, 1));
	assert_false(object_table_has(&table, 1));
	begin();
	assert_null(object_table_find(table, 0));
	assert_false(object_table_has(&table, 0));
}

/*
 * In a row of five that begins at one place, each may go first; then one whose
 * home is in the middle of the row, and one that stands at its home behind it.
 */
static void who_leaves_takes_nobody_along(void)
{
	begin();
	for (size_t home = 0; home <= table->mask; home++)
		for (size_t who = 0; who < 7; who++) {
			for (unsigned n = 0; n < 5; n++)
				enter(name_at(home, n));
			enter(name_at((home + 2) & table->mask, 0));
			enter(name_at((home + 6) & table->mask, 0));
			leave(who);
			assert_all_there();
			while (count) {
				leave(count / 2);
				assert_all_there();
			}
		}
	object_table_end(table);
}

static void at_random_none_is_lost(void)
{
	uint64_t state = 1;

	begin();
	for (int round = 0; round < ROUNDS; round++) {
		uintptr_t name = 1 + below(&state, NAMES);

		if (count < MOST && below(&state, 2)) {
			if (!object_table_find(table, name))
				enter(name);
		} else if (count) {
			leave(below(&state, count));
		}
		assert_all_there();
	}
	object_table_end(table);
}

static void a_table_that_grows_keeps_its_names(void)
{
	for (uintptr_t name = 1; name <= NAMES; name++) {
		size_t before = bytes;
		struct object_table *old = table;

		assert_true(object_table_fit(&table, name, &bytes));
		assert_true((table == old) == (bytes == before));
		assert_true(2 * name <= table->mask + 1);
		object_table_enter(table, name, (void *)name);
	}
	for (uintptr_t name = 1; name <= NAMES; name++)
		assert_ptr_equal(object_table_find(table, name), (void *)name);
	assert_null(object_table_find(table, NAMES + 1));
	object_table_end(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(without_a_table_nothing_is_there),
		APART(who_leaves_takes_nobody_along),
		APART(at_random_none_is_lost),
		APART(a_table_that_grows_keeps_its_names),
	};

	return cmocka_run_group_tests_name("object_table", tests, NULL, NULL);
}
