/* SPDX-License-Identifier: MIT */
/*
 * fork_table.c - what a fork does with locks and with what they guard.
 */
#include "base/fork_table.h"

static fork_fill_t *fill;

/* Of this thread's forks, one in a handler of another; and what it entered. */
static __thread struct {
	uint8_t depth;
	uint8_t entered; /* a bit a floor */
} own __attribute__((tls_model("initial-exec")));

/* --- the table --- */

void fork_floor(struct fork_table *t, bool (*enter)(void), void (*leave)(void))
{
	t->floors[t->floor_count].enter = enter;
	t->floors[t->floor_count].leave = leave;
	t->floor_count++;
}

struct fork_row *fork_array(struct fork_table *t, enum lock_rank rank,
			    struct lock *locks, size_t count, size_t stride)
{
	struct fork_row *row = &t->rows[t->row_count++];

	*row = (struct fork_row){
		.locks = locks,
		.rank = rank,
		.count = (uint16_t)count,
		.stride = (uint16_t)stride,
		.floor = t->floor_count - 1,
	};
	return row;
}

struct fork_row *fork_row(struct fork_table *t, enum lock_rank rank)
{
	return fork_array(t, rank, NULL, 0, 0);
}

struct fork_row *fork_lock(struct fork_table *t, enum lock_rank rank,
			   struct lock *lock)
{
	return fork_array(t, rank, lock, 1, 0);
}

static void write_table(struct fork_table *t)
{
	t->floor_count = t->row_count = 0;
	if (fill)
		fill(t);
}

void fork_filled_by(fork_fill_t *by)
{
	fill = by;
#ifdef LOCK_WITNESS
	struct fork_table t;
	uint64_t ranks = 0;

	write_table(&t);
	for (unsigned i = 0; i < t.row_count; i++)
		ranks |= UINT64_C(1) << t.rows[i].rank;
	witness_expect(ranks);
#endif
}

/* --- locks --- */

void fork_act(struct lock *lock, enum fork_act act)
{
	switch (act) {
	case FORK_TAKE:
		lock_take(lock);
		break;
	case FORK_RELEASE:
		lock_release(lock);
		break;
	case FORK_RESET:
		lock_reset(lock);
		break;
	}
}

void fork_act_row(const struct fork_row *row, enum fork_act act)
{
	char *lock = (char *)row->locks;

	if (row->act)
		row->act(row->rank, act);
	for (unsigned i = 0; i < row->count; i++, lock += row->stride)
		fork_act((struct lock *)lock, act);
}

/* --- the handlers --- */

bool fork_is_nested(void)
{
	return own.depth > 1;
}

static void signal_fence(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static bool has_entered(unsigned floor)
{
	return own.entered >> floor & 1;
}

static void enter(const struct fork_table *t, unsigned floor)
{
	if (!t->floors[floor].enter || t->floors[floor].enter())
		own.entered |= (uint8_t)(1 << floor);
}

static void leave(const struct fork_table *t, unsigned floor)
{
	if (has_entered(floor) && t->floors[floor].leave)
		t->floors[floor].leave();
}

static bool begins_floor(const struct fork_table *t, unsigned i)
{
	return i == 0 || t->rows[i - 1].floor != t->rows[i].floor;
}

COLD void fork_prepare(void)
{
	struct fork_table t;

	if (own.depth++)
		return;
	signal_fence();
	own.entered = 0;
	witness_forking(true);
	write_table(&t);
	for (unsigned i = 0; i < t.row_count; i++) {
		if (begins_floor(&t, i))
			enter(&t, t.rows[i].floor);
		if (has_entered(t.rows[i].floor))
			fork_act_row(&t.rows[i], FORK_TAKE);
	}
}

static COLD void release_all(void)
{
	struct fork_table t;

	write_table(&t);
	for (unsigned i = t.row_count; i-- > 0;) {
		if (has_entered(t.rows[i].floor))
			fork_act_row(&t.rows[i], FORK_RELEASE);
		if (begins_floor(&t, i))
			leave(&t, t.rows[i].floor);
	}
	witness_forking(false);
}

void fork_parent(void)
{
	if (own.depth == 1)
		release_all();
	signal_fence();
	own.depth--;
}

/* In a nested one also those of floors that are yet to be entered. */
static void reset_all(const struct fork_table *t, bool nested)
{
	witness_clear();
	witness_forking(nested);
	for (unsigned i = 0; i < t->row_count; i++)
		if (nested || has_entered(t->rows[i].floor))
			fork_act_row(&t->rows[i], FORK_RESET);
}

static enum fork_child how_child(unsigned floor, bool nested)
{
	if (nested)
		return FORK_NESTED;
	return has_entered(floor) ? FORK_WHOLE : FORK_INSIDE;
}

COLD void fork_child(void)
{
	bool nested = fork_is_nested();
	struct fork_table t;

	write_table(&t);
	reset_all(&t, nested);
	for (unsigned i = t.row_count; i-- > 0;) {
		if (t.rows[i].mend)
			t.rows[i].mend(how_child(t.rows[i].floor, nested));
		if (!nested && begins_floor(&t, i))
			leave(&t, t.rows[i].floor);
	}
	signal_fence();
	own.depth--;
}
