/* SPDX-License-Identifier: MIT */
/*
 * hard.c - the hardened heap: who may enter, and which part serves whom.
 *
 * A thread keeps the arena that it gets with its first request.  While it is
 * inside, what its signal handlers ask for is somebody else's, and what they
 * free waits until it leaves.
 */
#include "heap/hard.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/sys.h"
#include "heap/adopt.h"
#include "heap/cache_enter.h"
#include "heap/hard_alone.h"
#include "heap/hard_canary.h"
#include "heap/hard_crime.h"
#include "heap/hard_lock.h"
#include "heap/hard_look.h"
#include "heap/hard_slot.h"
#include "heap/hard_trim.h"

enum { ARENAS = 16 };

bool hard_on, hard_full;
uint64_t hard_secret;
const char *hard_single;
struct lock hard_units_lock = LOCK(RANK_HARD_UNITS);

/* All there from the start: fork takes their locks. */
static struct arena *arenas;

/* Of each thread. */
static __thread struct {
	struct arena *arena;
	void *late; /* freed by handlers while this thread was inside */
	volatile bool inside;
} own __attribute__((tls_model("initial-exec")));

static RARE uint64_t draw(void)
{
	uint64_t random = 0;
	struct timespec now = { 0 };
	int saved = errno;

	if (syscall(SYS_getrandom, &random, sizeof(random), 1) !=
	    (long)sizeof(random)) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		random = sys_random() ^ (uint64_t)now.tv_nsec << 20;
	}
	errno = saved;
	return random;
}

static RARE bool start_arenas(void)
{
	arenas = sys_map(NULL, ARENAS * sizeof(*arenas));
	for (unsigned i = 0; i < ARENAS && arenas; i++) {
		lock_init(&arenas[i].lock, RANK_HARD);
		arenas[i].number = (uint8_t)i;
		arenas[i].random = draw() | 1;
	}
	return arenas;
}

/* dlsym: it may be missing, and without us nobody asks for it. */
RARE bool hard_start(bool full)
{
	static const char several = 0;
	const char *single = dlsym(RTLD_DEFAULT, "__libc_single_threaded");

	hard_single = single ? single : &several;
	hard_secret = draw();
	hard_full = full;
	hard_classes_start();
	hard_on = start_arenas() && units_start(draw());
	return hard_on;
}

/* --- inside --- */

static inline bool enter(void)
{
	if (unlikely(own.inside))
		return false;
	own.inside = true;
	signal_fence();
	if (unlikely(lock_orphaned()))
		heap_adopt();
	return true;
}

static NOINLINE void free_late(void)
{
	void *late = __atomic_exchange_n(&own.late, NULL, __ATOMIC_ACQUIRE);

	while (late) {
		void *p = late;

		late = *(void **)p;
		*(void **)p = NULL;
		hard_free(p);
	}
}

static void leave(void)
{
	signal_fence();
	own.inside = false;
	signal_fence();
	if (unlikely(own.late))
		free_late();
}

/* Before it enters: see cache_note_thread(). */
static RARE void begin_thread(void)
{
	static unsigned next;

	cache_note_thread(&heap_cache);
	own.arena = &arenas[__atomic_fetch_add(&next, 1, __ATOMIC_RELAXED) %
			    ARENAS];
}

/* --- objects --- */

bool hard_owns(const void *p)
{
	return unit_number(p) < UNITS_MOST;
}

/* Who knows of the object at `p`; its kind is for the caller to look at. */
static struct unit *hard_find(const void *p)
{
	size_t number = unit_number(p);

	if (unlikely(number >= units_ready()))
		hard_crime(HARD_NO_OBJECT, p, 0);
	return &units[number];
}

/*
 * Takes the lock that guards a unit.  NULL: there is nothing, or it has come or
 * gone meanwhile.
 */
static inline struct lock *try_unit(struct unit *u)
{
	unsigned kind = unit_kind(u), arena = unit_arena(u);
	struct lock *lock =
		kind == UNIT_SLOTS ? &arenas[arena].lock : &hard_units_lock;

	if (unlikely(kind == UNIT_NONE) || unlikely(kind == UNIT_TAKEN))
		return NULL;
	if (hard_only_one())
		return lock;
	lock_take(lock);
	if (likely(unit_kind(u) == kind) && likely(unit_arena(u) == arena))
		return lock;
	hard_unlock(lock);
	return NULL;
}

/* That of an object: nobody else makes it go. */
static struct lock *lock_unit(struct unit *u, const void *p)
{
	struct lock *lock = try_unit(u);

	if (unlikely(!lock))
		hard_crime(HARD_NO_OBJECT, p, 0);
	return lock;
}

static void *alloc_alone(size_t size, size_t alignment)
{
	struct arena *a = own.arena;
	void *p;

	hard_lock(&a->lock);
	hard_look_recent(a);
	hard_unlock(&a->lock);
	hard_lock(&hard_units_lock);
	p = alone_alloc(size, alignment);
	hard_unlock(&hard_units_lock);
	return p;
}

/* Of packed classes above `c`, from what there is already. */
static NOINLINE RARE void *alloc_larger(struct arena *a, unsigned c,
					size_t size)
{
	void *p = NULL;

	while (!p && ++c <= HARD_PACKED)
		if (a->piles[c].count || a->piles[c].units)
			p = slot_alloc_packed(a, c, size);
	return p;
}

static inline void *alloc(size_t size, size_t alignment, bool zero)
{
	struct arena *a = own.arena;
	unsigned c;
	void *p;

	if (likely(size - 1 < HARD_PACKED_MOST && alignment <= HARD_STEP))
		c = hard_packed_class(size);
	else
		c = hard_class_of(size, alignment);
	if (unlikely(c == HARD_CLASSES))
		return alloc_alone(size, alignment);
	hard_lock(&a->lock);
	p = likely(!hard_is_paged(c)) ? slot_alloc_packed(a, c, size)
				      : slot_alloc_paged(a, c, size, alignment);
	if (unlikely(!p) && c && alignment <= HARD_STEP)
		p = alloc_larger(a, c, size);
	hard_unlock(&a->lock);
	if (zero && !hard_full && p)
		memset(p, 0, size);
	return p;
}

void *hard_alloc(size_t size, size_t alignment, bool zero, bool *inside)
{
	void *p = NULL;

	*inside = false;
	if (unlikely(!own.arena))
		begin_thread();
	if (unlikely(!enter())) {
		*inside = true;
		return NULL;
	}
	if (likely(size <= PTRDIFF_MAX))
		p = alloc(size, alignment, zero);
	leave();
	return p;
}

/* In a handler.  An object of no bytes has no room for a link: it is lost. */
static RARE void wait_until_outside(void *p)
{
	struct unit *u = hard_find(p);
	void *late = __atomic_load_n(&own.late, __ATOMIC_RELAXED);

	if (u->kind != UNIT_ALONE && (u->kind != UNIT_SLOTS || !u->class))
		return;
	do
		*(void **)p = late;
	while (!__atomic_compare_exchange_n(
		&own.late, &late, p, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

void hard_free(void *p)
{
	struct lock *lock;
	struct unit *u;

	if (unlikely(!enter())) {
		wait_until_outside(p);
		return;
	}
	u = hard_find(p);
	lock = lock_unit(u, p);
	if (likely(u->kind == UNIT_SLOTS))
		slot_free(&arenas[u->arena], u, p);
	else
		alone_free(u, p);
	hard_unlock(lock);
	leave();
}

/* In a handler the lock may be its own thread's: read without. */
size_t hard_size(const void *p)
{
	bool entered = enter();
	struct unit *u = hard_find(p);
	struct lock *lock = entered ? lock_unit(u, p) : NULL;
	size_t size =
		u->kind == UNIT_SLOTS ? slot_size(u, p) : alone_size(u, p);

	if (entered) {
		hard_unlock(lock);
		leave();
	}
	return size;
}

RARE void hard_expect(const void *p, size_t size)
{
	size_t is = hard_size(p);

	/* What is aligned has a byte at least. */
	if (max_of(is, (size_t)1) != max_of(size, (size_t)1))
		hard_crime_size(p, is, size);
}

void *hard_resize(void *p, size_t size)
{
	struct unit *u = hard_find(p);
	struct lock *lock;
	void *to = NULL;

	if (!enter())
		return NULL;
	lock = lock_unit(u, p);
	if (u->kind == UNIT_SLOTS)
		to = slot_resize(&arenas[u->arena], u, p, size) ? p : NULL;
	else if (hard_class_of(size, HARD_STEP) == HARD_CLASSES)
		to = alone_resize(u, p, size);
	else
		alone_size(u, p);
	hard_unlock(lock);
	leave();
	return to;
}

/* Calls one of them for each unit in use, its lock held. */
static RARE bool walk(bool (*slots)(const struct unit *u),
		      bool (*alone)(const struct unit *u))
{
	bool any = false;

	for (size_t i = 1; i < units_ready(); i++) {
		struct unit *u = &units[i];
		struct lock *lock = try_unit(u);

		if (!lock)
			continue;
		if (u->kind == UNIT_SLOTS)
			any |= slots(u);
		else if (u->kind == UNIT_ALONE && alone)
			any |= alone(u);
		hard_unlock(lock);
	}
	return any;
}

RARE void hard_check(void)
{
	if (!enter())
		return;
	walk(hard_look_unit, alone_check);
	leave();
}

static RARE void empty_piles(struct arena *a, void *any)
{
	for (unsigned c = 0; c < HARD_CLASSES; c++)
		*(bool *)any |= pile_empty(a, c);
}

static RARE void keep_alone(void *any)
{
	(void)any;
}

RARE bool hard_trim(void)
{
	bool any = false;

	hard_visit(empty_piles, keep_alone, &any);
	if (!enter())
		return any;
	any |= walk(trim_unit, NULL);
	leave();
	return any;
}

RARE void hard_visit(void (*arena)(struct arena *a, void *data),
		     void (*alone)(void *data), void *data)
{
	if (!enter())
		return;
	for (unsigned i = 0; i < ARENAS; i++) {
		hard_lock(&arenas[i].lock);
		arena(&arenas[i], data);
		hard_unlock(&arenas[i].lock);
	}
	hard_lock(&hard_units_lock);
	alone(data);
	hard_unlock(&hard_units_lock);
	leave();
}

/* --- fork --- */

RARE void hard_fork(struct fork_table *t)
{
	fork_floor(t, enter, leave);
	fork_array(t, RANK_HARD, &arenas->lock, arenas ? ARENAS : 0,
		   sizeof(*arenas));
	fork_lock(t, RANK_HARD_UNITS, &hard_units_lock);
}

/* What a lost holder was changing is lost with it, but for the counts. */
static RARE void forget_slots(struct arena *a)
{
	a->given = a->freed = (struct recent){ 0 };
	for (unsigned c = 0; c < HARD_CLASSES; c++)
		memset(&a->piles[c], 0, offsetof(struct pile, served));
}

RARE void heap_adopted(void)
{
	for (unsigned i = 0; i < ARENAS && hard_on; i++)
		if (lock_is_taken(&arenas[i].lock)) {
			forget_slots(&arenas[i]);
			lock_reset(&arenas[i].lock);
		}
	if (hard_on && lock_is_taken(&hard_units_lock)) {
		units_abandon();
		lock_reset(&hard_units_lock);
	}
}
