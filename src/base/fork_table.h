/* SPDX-License-Identifier: MIT */
/*
 * fork_table.h - what a fork does with locks and with what they guard.
 *
 * One table a library.  A row tells of the locks of one rank; rows that belong
 * together are a floor.  From the table follows the rest:
 *
 *   before, in the parent  each floor is entered, its locks are taken, in the
 *                          order of the ranks;
 *   after, in the parent   they are released in reverse;
 *   in the child           all locks are free first; then each row mends what
 *                          it guards, innermost first.  So threads are made
 *                          and files opened when no lock is held any more.
 *
 * A thread that is inside a floor already, in a signal handler, may hold its
 * locks: they are left alone.  A fork in a handler that interrupts this
 * thread's fork finds some taken and some not, and takes none: its parent goes
 * on with them, and in its child, where all their other holders are not, all
 * are free.
 */
#ifndef BASE_FORK_TABLE_H
#define BASE_FORK_TABLE_H

#include "base/lock.h"

enum fork_act { FORK_TAKE, FORK_RELEASE, FORK_RESET };

/* How a child was made. */
enum fork_child {
	FORK_WHOLE,  /* nobody was changing what the locks guard */
	FORK_NESTED, /* in a fork: others were, and are not here */
	FORK_INSIDE, /* the thread was inside: no lock has been touched */
};

/*
 * The locks are `count` at `locks`, `stride` bytes apart, or `act` knows them.
 * A child has to `mend` something; NULL: nothing.
 */
struct fork_row {
	struct lock *locks;
	void (*act)(enum lock_rank rank, enum fork_act act);
	void (*mend)(enum fork_child how);
	enum lock_rank rank;
	uint16_t count, stride;
	unsigned floor;
};

enum { FORK_FLOORS = 8, FORK_ROWS = 24 };

/*
 * The table, which is written anew for each fork: so it costs no memory, and
 * no relocation at start.  Rows belong to the floor before them.
 */
struct fork_table {
	struct {
		bool (*enter)(void);
		void (*leave)(void);
	} floors[FORK_FLOORS];
	struct fork_row rows[FORK_ROWS];
	unsigned floor_count, row_count;
};

typedef void fork_fill_t(struct fork_table *t);

/* Who fills the table, always alike, from the outermost. */
void fork_filled_by(fork_fill_t *fill);

/*
 * A floor.  enter: false when the thread is inside already; NULL: always true.
 * leave: NULL: nothing to do.
 */
void fork_floor(struct fork_table *t, bool (*enter)(void), void (*leave)(void));

/* A row, without locks; with one; with an array of what has a lock in it. */
struct fork_row *fork_row(struct fork_table *t, enum lock_rank rank);
struct fork_row *fork_lock(struct fork_table *t, enum lock_rank rank,
			   struct lock *lock);
#define fork_locks(t, rank, array)                                             \
	fork_array(t, rank, &(array)[0].lock,                                  \
		   sizeof(array) / sizeof((array)[0]), sizeof((array)[0]))
struct fork_row *fork_array(struct fork_table *t, enum lock_rank rank,
			    struct lock *locks, size_t count, size_t stride);

/* The handlers. */
void fork_prepare(void);
void fork_parent(void);
void fork_child(void);

/* Whether this thread is in a handler that has interrupted its fork. */
bool fork_is_nested(void);

/* What a row's own `act` does to each of its locks. */
void fork_act(struct lock *lock, enum fork_act act);

/* To all locks of a row. */
void fork_act_row(const struct fork_row *row, enum fork_act act);

#endif
