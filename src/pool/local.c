/* SPDX-License-Identifier: MIT */
/*
 * local.c - a pool's memory in each thread, handed on when the thread ends.
 *
 * A thread that hangs something up for the first time enters a list, through
 * which others find its words of TLS; the destructor of a pthread key takes it
 * out again.  The key needs no memory of ours: what enters the list is TLS.
 *
 * Two locks.  `gate` is held while `leave` runs, so that a thread that ends
 * and one that destroys the pool do not hand on the same memory, and a fork
 * does not cut through it.  `list` guards the threads and slots and is held
 * for moments only.
 */
#include "pool/local.h"

#include <errno.h>
#include <pthread.h>

#include "base/list.h"
#include "base/thread_end.h"
#include "pool/start.h"

enum state { FRESH, LISTED, ENDED };

/* In TLS.  words[i] is NULL unless slots[i].pool is set.  Owner: `list`. */
struct thread {
	struct link link;
	void **words; /* its mempool_local */
	enum state state;
};

/* pool is NULL when the slot is free.  Owner: `list`. */
static struct {
	void *pool;
	local_leave_t *leave;
} slots[MEMPOOL_LOCAL_SLOTS];

__thread void *mempool_local[MEMPOOL_LOCAL_SLOTS];
static __thread struct thread self __attribute__((tls_model("initial-exec")));

static struct lock gate = LOCK(RANK_GATE), list = LOCK(RANK_LOCAL);
static struct list threads;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool usable;

/*
 * What hangs there, which is taken down; or NULL.  Under the list's lock, so
 * that no visitor is at it when `leave` frees it.
 */
static void *unhang(struct thread *t, int slot)
{
	void *memory;

	lock_take(&list);
	memory = t->words[slot];
	__atomic_store_n(&t->words[slot], NULL, __ATOMIC_RELAXED);
	lock_release(&list);
	return memory;
}

/* Caller holds the gate, so the pool of a hung slot stays. */
static void hand_on(struct thread *t)
{
	for (int i = 0; i < MEMPOOL_LOCAL_SLOTS; i++) {
		void *memory = unhang(t, i);

		if (memory)
			slots[i].leave(slots[i].pool, memory);
	}
}

/*
 * A thread ends.  Destructors of other keys may still use pools, which then
 * work without anything of this thread.
 */
static void on_thread_exit(void *thread)
{
	struct thread *t = thread;

	lock_take(&gate);
	t->state = ENDED;
	hand_on(t);
	lock_take(&list);
	list_del(&threads, &t->link);
	lock_release(&list);
	lock_release(&gate);
}

static void start_once(void)
{
	usable = thread_end_start(&key, on_thread_exit);
}

int local_open(void *pool, local_leave_t *leave)
{
	int saved = errno, slot = -1;

	start_library();
	pthread_once(&once, start_once);
	errno = saved;
	if (!usable)
		return -1;
	lock_take(&list);
	for (int i = 0; i < MEMPOOL_LOCAL_SLOTS && slot < 0; i++)
		if (!slots[i].pool)
			slot = i;
	if (slot >= 0) {
		slots[slot].pool = pool;
		slots[slot].leave = leave;
	}
	lock_release(&list);
	return slot;
}

/* The gate keeps the list of threads from getting shorter meanwhile. */
void local_close(int slot)
{
	struct thread *t;

	lock_take(&gate);
	lock_take(&list);
	t = list_first(&threads, struct thread, link);
	lock_release(&list);
	while (t) {
		void *memory = unhang(t, slot);

		if (memory)
			slots[slot].leave(slots[slot].pool, memory);
		lock_take(&list);
		t = list_next(t, struct thread, link);
		lock_release(&list);
	}
	lock_take(&list);
	slots[slot].pool = NULL;
	lock_release(&list);
	lock_release(&gate);
}

/* Enters the list, once the thread's end is sure to be seen. */
static bool enlist(struct thread *t)
{
	if (!thread_end_watch(&key, on_thread_exit, t))
		return false;
	t->words = mempool_local;
	t->state = LISTED;
	lock_take(&list);
	list_add(&threads, &t->link);
	lock_release(&list);
	return true;
}

bool local_hang(int slot, void *memory)
{
	struct thread *t = &self;

	if (t->state == ENDED || (t->state == FRESH && !enlist(t)))
		return false;
	__atomic_store_n(&mempool_local[slot], memory, __ATOMIC_RELEASE);
	return true;
}

void local_walk(int slot, void (*visit)(void *memory, void *arg), void *arg)
{
	lock_take(&list);
	list_for_each_safe(struct thread, t, &threads, link) {
		/* Pairs with the release in local_hang(). */
		void *memory =
			__atomic_load_n(&t->words[slot], __ATOMIC_ACQUIRE);

		if (memory)
			visit(memory, arg);
	}
	lock_release(&list);
}

/* What other threads had hung up goes through `leave`. */
static void mend(enum fork_child how)
{
	struct list all = threads;

	threads = (struct list){ 0 };
	if (how == FORK_WHOLE)
		list_for_each_safe(struct thread, t, &all, link)
			if (t != &self && lock_left_to_child(t, sizeof(*t)))
				hand_on(t);
	if (self.state == LISTED)
		list_add(&threads, &self.link);
}

void local_gate_fork(struct fork_table *t)
{
	fork_lock(t, RANK_GATE, &gate)->mend = mend;
}

void local_fork(struct fork_table *t)
{
	fork_lock(t, RANK_LOCAL, &list);
}
