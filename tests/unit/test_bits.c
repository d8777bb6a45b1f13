/* SPDX-License-Identifier: MIT */
/*
 * test_bits.c - a row of bits, against a model of one byte each.
 */
#include "unit/apart.h"

#include "base/bits.h"
#include "unit/chance.h"

enum { BITS = 300, ROUNDS = 20000 };

static uint64_t bits[(BITS + 63) / 64];
static bool model[BITS];

static size_t model_row(size_t from, size_t end)
{
	size_t i = from;

	while (i < end && model[i])
		i++;
	return i - from;
}

static size_t model_find(size_t end, size_t n)
{
	for (size_t i = 0; i + n <= end; i++)
		if (model_row(i, i + n) == n)
			return i;
	return end;
}

static void each_bit_is_as_it_was_filled(void)
{
	uint64_t random = 7;

	for (int round = 0; round < ROUNDS; round++) {
		size_t from = below(&random, BITS), count = 0;
		size_t n = below(&random, BITS - from + 1);
		bool value = below(&random, 2);

		bits_fill(bits, (unsigned)from, (unsigned)n, value);
		for (size_t i = from; i < from + n; i++)
			model[i] = value;
		for (size_t i = 0; i < BITS; i++) {
			assert_int_equal(bits_has(bits, i), model[i]);
			count += model[i];
		}
		assert_int_equal(bits_count(bits, bits_words(BITS)), count);
	}
}

static void the_first_row_is_found_that_is_long_enough(void)
{
	uint64_t random = 8;

	for (int round = 0; round < ROUNDS; round++) {
		size_t at = below(&random, BITS), end = below(&random, BITS);
		size_t n = 1 + below(&random, 1 + below(&random, 150));

		bits_fill(bits, at, min_of(n, BITS - at), round % 3);
		for (size_t i = 0; i < BITS; i++)
			model[i] = bits_has(bits, i);
		assert_int_equal(bits_find(bits, end, n), model_find(end, n));
		at = min_of(at, end);
		assert_int_equal(bits_row(bits, at, end), model_row(at, end));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(each_bit_is_as_it_was_filled),
		APART(the_first_row_is_found_that_is_long_enough),
	};

	return cmocka_run_group_tests_name("bits", tests, NULL, NULL);
}
