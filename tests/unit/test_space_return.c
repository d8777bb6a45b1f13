/* SPDX-License-Identifier: MIT */
/*
 * test_space_return.c - the address range of the pools: what is given back,
 * and what space_check() finds.
 */
#include "unit/apart.h"

#include "heap/slab.h"
#include "unit/spaces.h"

/* --- giving back --- */

/* Everything in use has been so for long. */
static void pass_epochs(int epochs)
{
	for (int i = 0; i < epochs; i++) {
		clock_ms += DECAY_EPOCH_MS;
		if (space_is_due())
			space_look();
	}
}

static void of_what_was_in_use_for_long_few_slabs_are_kept(void)
{
	start();
	take(400);
	for (size_t i = 0; i < 400; i++)
		memory_of(slabs[i])[0] = 1;
	pass_epochs(2);
	give(400);
	assert_in_range(stats().kept_slabs, 1, KEEP_LEAST);
	assert_int_equal(stats().kept_slabs + stats().returned_slabs, 400);
	assert_int_equal(stats().used_slabs, 0);
	assert_int_equal(source.returned_bytes,
			 stats().returned_slabs * SLAB_BYTES);
}

static void a_big_heap_keeps_a_thirty_second_of_its_peak_for_good(void)
{
	start();
	take(MOST);
	pass_epochs(2);
	give(MOST);
	assert_in_range(stats().kept_slabs, MOST / 32 / 2 - 1, MOST / 32);
}

static void what_was_returned_reads_as_zeros_when_it_comes_back(void)
{
	start();
	take(400);
	for (size_t i = 0; i < 400; i++)
		memory_of(slabs[i])[0] = 1;
	give(400);
	space_trim();
	take(400);
	for (size_t i = 0; i < 400; i++)
		assert_int_equal(memory_of(slabs[i])[0], 0);
}

static void neighbours_are_returned_in_one_call(void)
{
	start();
	take(2000);
	pass_epochs(2);
	give(2000);
	assert_in_range(source.returns, 1, 100);
	space_trim();
	assert_int_equal(stats().kept_slabs, 0);
}

static void what_rose_just_now_is_kept_and_taken_again_without_a_call(void)
{
	long commits;

	start();
	take(400);
	commits = source.commits;
	for (int round = 0; round < 100; round++) {
		give(400);
		assert_int_equal(stats().kept_slabs, 400);
		clock_ms += DECAY_EPOCH_MS / 10;
		take(400);
	}
	assert_int_equal(source.returns, 0);
	assert_int_equal(source.commits, commits);
}

static void of_a_first_rise_no_more_than_so_many_slabs_are_kept(void)
{
	start();
	take(MOST);
	give(MOST);
	assert_in_range(stats().kept_slabs, DECAY_FRESH,
			DECAY_FRESH + MOST / 32);
}

static void a_rise_that_came_again_is_kept_whole(void)
{
	start();
	take(MOST);
	give(MOST);
	take(MOST);
	give(MOST);
	assert_int_equal(stats().kept_slabs, MOST);
}

static void what_did_not_rise_again_goes_at_the_next_look(void)
{
	start();
	take(400);
	give(400);
	assert_false(space_is_due());
	pass_epochs(1);
	assert_int_equal(stats().kept_slabs, 400);
	pass_epochs(1);
	assert_in_range(stats().kept_slabs, 0, KEEP_LEAST);
	assert_false(space_is_due());
	pass_epochs(4);
	space_check();
}

static void what_did_not_rise_again_goes_at_the_next_slab_given(void)
{
	start();
	take(400);
	give(400);
	take(1);
	clock_ms += 2 * DECAY_EPOCH_MS;
	give(1);
	assert_in_range(stats().kept_slabs, 0, KEEP_LEAST);
}

static void many_small_rises_are_no_big_one(void)
{
	start();
	take(600);
	pass_epochs(2);
	for (int i = 0; i < 1000; i++) {
		space_give(slabs[599]);
		slabs[599] = space_take();
	}
	give(600);
	assert_in_range(stats().kept_slabs, 0, KEEP_LEAST);
}

static void a_rise_through_returned_slabs_is_timed_as_it_happens(void)
{
	start();
	take(400);
	pass_epochs(2);
	give(400);
	clock_ms += 100 * DECAY_EPOCH_MS;
	take(400);
	give(400);
	assert_in_range(stats().kept_slabs, 400 - KEEP_LEAST, 400);
}

static void a_heap_within_the_stock_is_never_looked_after(void)
{
	start();
	for (int round = 0; round < 3; round++) {
		take(KEEP_LEAST);
		give(KEEP_LEAST);
		clock_ms += DECAY_EPOCH_MS;
		assert_false(space_is_due());
		assert_int_equal(vacant.decay.since_ms, 0);
	}
	assert_int_equal(source.returns, 0);
}

static void who_needs_memory_keeps_no_rise(void)
{
	start();
	take(400);
	vacant_refused();
	give(400);
	assert_in_range(stats().kept_slabs, 0, KEEP_LEAST);
}

static void a_trim_returns_all_that_is_kept(void)
{
	start();
	take(10);
	give(10);
	assert_int_equal(stats().kept_slabs, 10);
	assert_int_equal(space_trim(), 10 * SLAB_BYTES);
	assert_int_equal(stats().returned_slabs, 10);
	assert_int_equal(space_trim(), 0);
	space_check();
}

static void what_the_kernel_refuses_to_take_stays_kept(void)
{
	start();
	take(100);
	source.refuse_returns = true;
	give(100);
	assert_int_equal(stats().kept_slabs, 100);
	assert_int_equal(space_trim(), 0);
	take(100);
	space_check();
}

static void one_pinned_slab_does_not_keep_the_others(void)
{
	start();
	take(100);
	source.pinned = (uintptr_t)memory_of(50);
	for (size_t i = 0; i < 100; i += 2)
		space_give(i);
	space_trim();
	space_check();
	assert_int_equal(stats().kept_slabs, 1);
	assert_int_equal(stats().returned_slabs, 49);
}

static void at_the_end_of_the_process_nothing_more_is_returned(void)
{
	start();
	take(400);
	space_keep_all();
	give(400);
	assert_int_equal(stats().kept_slabs, 400);
	assert_int_equal(source.returns, 0);
	take(400);
	space_check();
}

/* --- when the kernel has refused memory --- */

static bool readable(const void *p)
{
	int pipe_ends[2];
	bool done;

	assert_int_equal(pipe(pipe_ends), 0);
	done = write(pipe_ends[1], p, 1) == 1;
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	return done;
}

/*
 * Slabs 0..149 are in use, and a call to commit more was refused.  There is
 * still address space: what was reserved ends further up.
 */
static void be_refused(void)
{
	start();
	take(150);
	while (space.next < space.committed)
		space_take();
	source_refuse();
	assert_int_equal(space_take(), SPACE_NONE);
	source_allow();
}

static void what_is_returned_then_is_charged_to_nobody(void)
{
	be_refused();
	space_give(7);
	space_trim();
	assert_false(readable(memory_of(7)));
	assert_int_equal(space_take(), 7);
	assert_true(readable(memory_of(7)));
	memory_of(7)[0] = 1;
	space_check();
}

static void what_was_returned_before_is_charged_to_nobody_either(void)
{
	start();
	take(150);
	while (space.next < space.committed)
		space_take();
	space_give(7);
	space_give(8);
	space_trim();
	space_take();
	assert_true(readable(memory_of(8)));
	source_refuse();
	space_take();
	assert_int_equal(space_take(), SPACE_NONE);
	source_allow();
	space_give(9);
	space_trim();
	assert_false(readable(memory_of(9)));
}

static void a_returned_slab_that_is_refused_stays_returned(void)
{
	be_refused();
	give(50);
	space_trim();
	source_refuse();
	assert_int_equal(space_take(), SPACE_NONE);
	assert_int_equal(stats().returned_slabs, 50);
	source_allow();
	take(50);
	space_check();
}

static void a_returned_slab_that_is_refused_hides_no_fresh_one(void)
{
	be_refused();
	vacant.refused_ms -= QUIET_MS + 1;
	take(2);
	assert_true(space.next < space.committed);
	space_give(7);
	space_trim();
	vacant_refused();
	source_refuse();
	assert_int_not_equal(space_take(), SPACE_NONE);
}

/* Takes fresh slabs until more must be committed. */
static void commit_more_slabs(void)
{
	long before = source.commits;

	while (source.commits == before)
		space_take();
}

static void with_memory_again_what_is_returned_costs_no_call_to_retake(void)
{
	long before;

	be_refused();
	give(50);
	space_trim();
	vacant.refused_ms -= QUIET_MS + 1;
	take(50);
	commit_more_slabs();
	give(50);
	space_trim();
	assert_true(readable(memory_of(7)));
	before = source.commits;
	take(50);
	assert_int_equal(source.commits, before);
	space_check();
}

static void what_was_returned_in_need_is_usable_when_the_need_is_over(void)
{
	be_refused();
	for (size_t i = 0; i < 100; i += 2)
		space_give(i);
	space_trim();
	assert_false(readable(memory_of(8)));
	vacant.refused_ms -= QUIET_MS + 1;
	vacant_granted();
	for (size_t i = 0; i < 100; i++)
		assert_true(readable(memory_of(i)));
	take(50);
	for (size_t i = 0; i < 50; i++)
		memory_of(slabs[i])[0] = 1;
	space_check();
}

static void a_need_is_not_over_when_the_kernel_refuses_again(void)
{
	be_refused();
	for (size_t i = 0; i < 100; i += 2)
		space_give(i);
	space_trim();
	vacant.refused_ms -= QUIET_MS + 1;
	source_refuse_calls(3, 1);
	vacant_granted();
	assert_true(vacant.tight);
	vacant_granted();
	assert_true(vacant.tight);
	take(50);
	for (size_t i = 0; i < 50; i++)
		memory_of(slabs[i])[0] = 1;
	space_check();
}

/* --- the end --- */

static void an_abandoned_space_hands_out_nothing(void)
{
	start();
	take(10);
	space_give(3);
	space_abandon();
	assert_int_equal(space_take(), SPACE_NONE);
	space_give(4);
	assert_int_equal(space_take(), SPACE_NONE);
}

/* --- what space_check() finds --- */

static void prepare(void)
{
	start();
	take(100);
	give(100);
	take(20);
	space_give(5);
	space_check();
}

static void a_slab_both_kept_and_returned_is_found(void)
{
	prepare();
	set_add(&vacant.returned, 5);
	space_check();
}

static void a_free_slab_with_a_class_is_found(void)
{
	prepare();
	space_map()[5] = 16;
	space_check();
}

static void a_wrong_count_of_kept_slabs_is_found(void)
{
	prepare();
	vacant.kept.count++;
	space_check();
}

static void a_wrong_count_of_returned_slabs_is_found(void)
{
	prepare();
	vacant.returned.count--;
	space_check();
}

static void a_slab_in_use_beyond_what_is_committed_is_found(void)
{
	prepare();
	space.committed = space.next - 1;
	space_check();
}

static void a_commit_beyond_what_is_reserved_is_found(void)
{
	prepare();
	space.committed = space.reserved + 1;
	space_check();
}

static void a_free_slab_below_the_lowest_word_is_found(void)
{
	prepare();
	vacant.kept.low = 1;
	space_check();
}

#define STATE  "a free slab has two states or a class"
#define COUNTS "the counts of free slabs are wrong"
#define BOUNDS "more is in use than committed, or than reserved"

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(of_what_was_in_use_for_long_few_slabs_are_kept),
		APART(a_big_heap_keeps_a_thirty_second_of_its_peak_for_good),
		APART(what_was_returned_reads_as_zeros_when_it_comes_back),
		APART(neighbours_are_returned_in_one_call),
		APART(what_rose_just_now_is_kept_and_taken_again_without_a_call),
		APART(of_a_first_rise_no_more_than_so_many_slabs_are_kept),
		APART(a_rise_that_came_again_is_kept_whole),
		APART(what_did_not_rise_again_goes_at_the_next_look),
		APART(what_did_not_rise_again_goes_at_the_next_slab_given),
		APART(many_small_rises_are_no_big_one),
		APART(a_rise_through_returned_slabs_is_timed_as_it_happens),
		APART(a_heap_within_the_stock_is_never_looked_after),
		APART(who_needs_memory_keeps_no_rise),
		APART(a_trim_returns_all_that_is_kept),
		APART(what_the_kernel_refuses_to_take_stays_kept),
		APART(one_pinned_slab_does_not_keep_the_others),
		APART(at_the_end_of_the_process_nothing_more_is_returned),
		APART(what_is_returned_then_is_charged_to_nobody),
		APART(what_was_returned_before_is_charged_to_nobody_either),
		APART(a_returned_slab_that_is_refused_stays_returned),
		APART(a_returned_slab_that_is_refused_hides_no_fresh_one),
		APART(with_memory_again_what_is_returned_costs_no_call_to_retake),
		APART(what_was_returned_in_need_is_usable_when_the_need_is_over),
		APART(a_need_is_not_over_when_the_kernel_refuses_again),
		APART(an_abandoned_space_hands_out_nothing),
		ABORTS(a_slab_both_kept_and_returned_is_found, STATE),
		ABORTS(a_free_slab_with_a_class_is_found, STATE),
		ABORTS(a_wrong_count_of_kept_slabs_is_found, COUNTS),
		ABORTS(a_wrong_count_of_returned_slabs_is_found, COUNTS),
		ABORTS(a_slab_in_use_beyond_what_is_committed_is_found, BOUNDS),
		ABORTS(a_commit_beyond_what_is_reserved_is_found, BOUNDS),
		ABORTS(a_free_slab_below_the_lowest_word_is_found,
		       "heap check"),
	};

	return cmocka_run_group_tests_name("space_return", tests, NULL, NULL);
}
