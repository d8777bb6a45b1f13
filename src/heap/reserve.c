/*
 * reserve.c - elements kept aside, and the queue of those who wait for one.
 */
#include "heap/reserve.h"

#include "base/sys.h"

/* On the stack of the thread that waits.  Owner: the reserve's lock. */
struct waiter {
	struct waiter *next;
	void *element;
	uint32_t handed; /* futex word: 1 when element is there */
};

void *reserve_take(struct reserve *r)
{
	if (!r->current)
		return NULL;
	r->used++;
	return r->elements[--r->current];
}

static void enqueue(struct reserve *r, struct waiter *w)
{
	if (r->last)
		r->last->next = w;
	else
		r->first = w;
	r->last = w;
}

static void dequeue(struct reserve *r, struct waiter *w)
{
	struct waiter *before = NULL;

	for (struct waiter *at = r->first; at != w; at = at->next)
		before = at;
	if (before)
		before->next = w->next;
	else
		r->first = w->next;
	if (r->last == w)
		r->last = before;
}

/*
 * The wake comes before the lock is released: until then the waiter cannot
 * leave, so its stack is still there.
 */
bool reserve_give(struct reserve *r, void *element)
{
	struct waiter *w = r->first;

	if (w) {
		dequeue(r, w);
		w->element = element;
		__atomic_store_n(&w->handed, 1, __ATOMIC_RELEASE);
		sys_futex_wake(&w->handed, 1);
		return true;
	}
	if (r->current >= r->min)
		return false;
	r->elements[r->current++] = element;
	return true;
}

/*
 * Whether an element was handed over is decided under the lock, so one that
 * comes together with the deadline is kept, not lost.
 */
void *reserve_wait(struct reserve *r, struct lock *lock, int64_t timeout_ms)
{
	struct waiter self = { NULL, NULL, 0 };
	uint64_t start = sys_now_ms();

	r->waits++;
	enqueue(r, &self);
	while (!self.handed) {
		int64_t left = timeout_ms - (int64_t)(sys_now_ms() - start);

		if (timeout_ms >= 0 && left <= 0) {
			dequeue(r, &self);
			return NULL;
		}
		lock_release(lock);
		sys_futex_wait(&self.handed, 0, timeout_ms < 0 ? -1 : left);
		lock_take(lock);
	}
	return self.element;
}
