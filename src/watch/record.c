/* SPDX-License-Identifier: MIT */
/*
 * record.c - remembers sampled allocations until they are freed.
 */
#include "watch/record.h"

#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/sys.h"
#include "heap/sample.h"
#include "watch/children.h"
#include "watch/lasting.h"
#include "watch/orphan.h"
#include "watch/process.h"
#include "watch/sites.h"
#include "watch/stack.h"

static uint64_t lost;
static uint32_t moving; /* blocks that realloc moves */
static struct {
	uint32_t when_ms, by; /* 0: by nobody */
	uint64_t changes;
} forked;
static uint64_t born_ms; /* the process, by the clock that is fast to read */
static bool on;
size_t record_period;
static size_t last_period; /* that was not 0 */
static void (*free_late)(void *p);

/* Owner: its thread. */
static __thread struct {
	bool inside;
	int cancel; /* the type outside */
	bool moving;
	uint32_t ignoring; /* calls of record_ignore() */
	void *late; /* what was freed inside, linked by its first words */
} own __attribute__((tls_model("initial-exec")));

static void signal_fence(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* --- in and out --- */

static COLD void turn_off(void)
{
	__atomic_store_n(&on, false, __ATOMIC_RELAXED);
	record_stop();
	live_forget_all();
}

bool record_is_on(void)
{
	bool is = __atomic_load_n(&on, __ATOMIC_ACQUIRE);

	if (is && is_orphan()) {
		turn_off();
		return false;
	}
	return is;
}

bool record_is_inside(void)
{
	return own.inside;
}

/*
 * The type and not the state: up to glibc 2.36 an asynchronous cancellation
 * that is on its way does not ask for the state any more.  And nothing inside
 * is a cancellation point (base/calls.c).
 */
bool record_enter(void)
{
	if (own.inside || !record_is_on())
		return false;
	own.inside = true;
	signal_fence();
	sample_hold(true);
	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &own.cancel);
	return true;
}

void record_leave(void)
{
	int cancel = own.cancel; /* what comes late enters again */
	void *p;

	sample_hold(false);
	own.inside = false;
	signal_fence();
	while (unlikely(own.late)) {
		p = __atomic_exchange_n(&own.late, NULL, __ATOMIC_RELAXED);
		while (p) {
			void *next = *(void **)p;

			free_late(p);
			p = next;
		}
	}
	pthread_setcanceltype(cancel, NULL);
}

void record_defer(void *p)
{
	*(void **)p = own.late;
	signal_fence();
	own.late = p;
}

/* --- what is recorded --- */

uint32_t record_now(void)
{
	return (uint32_t)(sys_about_now_ms() - born_ms);
}

static uint32_t thread_id(void)
{
	static __thread uint32_t id __attribute__((tls_model("initial-exec")));

	if (!id)
		id = (uint32_t)syscall(SYS_gettid);
	return id;
}

void record_start(size_t period, void (*late)(void *p))
{
	if (!on) {
		free_late = late;
		born_ms = sys_about_now_ms() - process_age_ms();
		orphan_start();
		stack_start();
	}
	last_period = period;
	__atomic_store_n(&record_period, period, __ATOMIC_RELAXED);
	/* Pairs with the acquire of record_is_on(). */
	__atomic_store_n(&on, true, __ATOMIC_RELEASE);
	sample_want(SAMPLE_RECORD, period);
}

void record_stop(void)
{
	sample_want(SAMPLE_RECORD, 0);
	__atomic_store_n(&record_period, 0, __ATOMIC_RELAXED);
}

size_t record_last_period(void)
{
	return last_period;
}

void record_alloc(void *p, size_t size, size_t period)
{
	uintptr_t frames[STACK_DEPTH];
	unsigned depth;
	int saved = errno;
	uint32_t now = record_now(), site;
	struct live sample = {
		.inverted = ~(uintptr_t)p,
		.born_ms = now,
		.thread = thread_id() | (own.ignoring ? LIVE_IGNORED : 0),
	};

	depth = stack_capture(frames);
	lasting_look(now, max_of(size, period));
	site = sites_add(frames, depth, size, sample_unit(size), period, now);
	sample.site = site;
	if (!site || !live_add(&sample)) {
		if (site)
			sites_free(site, UINT32_MAX);
		__atomic_fetch_add(&lost, 1, __ATOMIC_RELAXED);
	}
	errno = saved;
}

COLD void record_ignore(bool ignore)
{
	if (ignore)
		own.ignoring++;
	else if (own.ignoring)
		own.ignoring--;
}

COLD void record_ignore_at(const void *p)
{
	if (live_maybe(p) && record_enter()) {
		live_ignore(p);
		record_leave();
	}
}

bool record_forget(void *p, struct live *was)
{
	bool found = live_take(p, was);
	uint32_t now;

	if (found) {
		now = record_now();
		lasting_look(now, 0);
		sites_free(was->site, now - was->born_ms);
	}
	return found;
}

void record_kept(const struct live *was)
{
	sites_kept(was->site, record_now() - was->born_ms);
	if (live_add(was))
		return;
	sites_free(was->site, UINT32_MAX);
	__atomic_fetch_add(&lost, 1, __ATOMIC_RELAXED);
}

bool record_move(void)
{
	if (__atomic_load_n(&record_period, __ATOMIC_RELAXED) != 1 ||
	    own.moving)
		return false;
	own.moving = true;
	__atomic_fetch_add(&moving, 1, __ATOMIC_RELAXED);
	return true;
}

void record_moved(void)
{
	__atomic_fetch_sub(&moving, 1, __ATOMIC_RELAXED);
	own.moving = false;
}

bool record_is_settled(void)
{
	return !__atomic_load_n(&moving, __ATOMIC_RELAXED) && live_is_settled();
}

bool record_is_child(void)
{
	return forked.by;
}

bool record_has_news(void)
{
	return sites_changes() != forked.changes;
}

bool record_is_held(const struct live *sample)
{
	return sample->thread & LIVE_IGNORED ||
	       (forked.by && sample->thread != forked.by &&
		sample->born_ms <= forked.when_ms);
}

uint64_t record_lost(void)
{
	return __atomic_load_n(&lost, __ATOMIC_RELAXED);
}

/* --- fork --- */

/* A child that cannot know what it has inherited is off. */
static void mend(enum fork_child how)
{
	if (!on)
		return;
	orphan_announced();
	children_add();
	moving = own.moving;
	sites_peak_hold(false);
	forked.when_ms = record_now();
	forked.by = thread_id();
	forked.changes = sites_changes();
	lasting_fork_child(forked.when_ms);
	if (how != FORK_WHOLE)
		turn_off();
}

void record_fork(struct fork_table *t)
{
	fork_floor(t, record_enter, record_leave);
	fork_row(t, RANK_RECORD)->mend = mend;
	live_fork(t);
	sites_fork(t);
}
