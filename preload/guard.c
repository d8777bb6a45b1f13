/* SPDX-License-Identifier: MIT */
/*
 * guard.c - gives sampled requests a guarded object.
 *
 * The layer right over the next allocator, for what lies in a slot must not
 * get there.  Which requests are samples the layer of record.c knows, which is
 * above it, and says so by guard_want(): so whoever counts or logs what passes
 * in between sees a request like any other.
 */
#include "guard.h"

#include <string.h>

#include "base/config.h"
#include "next.h"
#include "signals.h"
#include "watch/guard.h"

static struct next plain;

static __thread bool on_its_way __attribute__((tls_model("initial-exec")));

void guard_want(bool wanted)
{
	on_its_way = wanted;
}

static NOINLINE void *take(size_t alignment, size_t size)
{
	on_its_way = false;
	return guard_alloc(alignment, size);
}

static inline void *guarded(size_t alignment, size_t size)
{
	return unlikely(on_its_way) ? take(alignment, size) : NULL;
}

static void *guarding_malloc(size_t size)
{
	void *p = guarded(0, size);

	return p ? p : plain.malloc(size);
}

static void guarding_free(void *p)
{
	if (unlikely(guard_owns(p)))
		guard_free(p);
	else
		plain.free(p);
}

static void *guarding_calloc(size_t n, size_t size)
{
	void *p = guarded(0, n * size);

	return p ? p : plain.calloc(n, size);
}

/* Out of a slot.  What is no object there ends as its free does. */
static NOINLINE void *move_out(void *p, size_t size)
{
	size_t old = 0;
	bool is_object = guard_slots_size(p, &old);
	void *to = NULL;

	if (is_object && size) {
		to = guarding_malloc(size);
		if (!to)
			return NULL;
		memcpy(to, p, min_of(old, size));
	}
	guard_free(p);
	return to || !size ? to : plain.malloc(size);
}

static NOINLINE void *move_in(void *p, size_t size)
{
	size_t old = plain.usable_size(p);
	void *to = old ? take(0, size) : NULL;

	if (!to)
		return plain.realloc(p, size);
	memcpy(to, p, min_of(old, size));
	plain.free(p);
	return to;
}

static void *guarding_realloc(void *p, size_t size)
{
	if (unlikely(guard_owns(p)))
		return move_out(p, size);
	if (likely(!on_its_way))
		return plain.realloc(p, size);
	if (!p)
		return guarding_malloc(size);
	return size ? move_in(p, size) : plain.realloc(p, size);
}

/* What it makes of odd alignments, only the next allocator knows. */
static void *guarding_aligned(enum next_name name, size_t alignment,
			      size_t size)
{
	bool odd = !alignment || alignment & (alignment - 1);
	void *p = odd ? NULL : guarded(alignment, size);

	return p ? p : plain.aligned(name, alignment, size);
}

static size_t guarding_usable_size(void *p)
{
	size_t size = 0;

	if (likely(!guard_owns(p)))
		return plain.usable_size(p);
	guard_slots_size(p, &size);
	return size;
}

void guard_next(void)
{
	static const struct next guarding = {
		guarding_malloc,  guarding_free,    guarding_calloc,
		guarding_realloc, guarding_aligned, guarding_usable_size,
	};

	if (!guard_slots_start()) {
		guard_tell_off("no address space or mapping for the slots");
	} else if (!signals_start()) {
		guard_tell_off("no handler for SIGSEGV and SIGBUS");
		guard_slots_stop();
	} else {
		/* glibc's first call is a cancellation point: it is now. */
		next.free(next.malloc(1));
		next_wrap(&guarding, &plain);
		guard_start(config.guard);
	}
	config.guard = guard_period;
}
