/* SPDX-License-Identifier: MIT */
/*
 * stack.c - the call stack of the caller.
 */
#include "watch/stack.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>
#include <unwind.h>

#include "watch/route.h"
#include "watch/rule.h"
#include "watch/walk.h"

/* The reasons of walk.h, and one more. */
enum { CUT_ROOM = WALK_ENDS, CUTS };

static uint64_t cuts[CUTS];

/* Addresses of this library. */
extern const char __ehdr_start[] HIDDEN;
extern const char _end[] HIDDEN;

static bool is_own(uintptr_t address)
{
	return address - (uintptr_t)__ehdr_start <
	       (uintptr_t)(_end - __ehdr_start);
}

static void count_cut(unsigned reason)
{
	__atomic_fetch_add(&cuts[reason], 1, __ATOMIC_RELAXED);
}

const char *stack_cut(unsigned reason, uint64_t *stacks)
{
	static const char *const words[CUTS] = {
		[WALK_TABLES] = "code has no unwind tables",
		[WALK_RULES] = "unwind tables say something unusual",
		[WALK_MEMORY] = "they lead to where no stack is",
		[CUT_ROOM] = "a handler's stack has no room to unwind",
	};

	if (++reason >= CUTS)
		return NULL;
	*stacks = __atomic_load_n(&cuts[reason], __ATOMIC_RELAXED);
	return words[reason];
}

/* --- what is kept --- */

/*
 * The innermost frames, then the last ones that came, in a ring: the frame with
 * the number n is the ring's n - RING_AT, as long as there is room for all,
 * too.
 */
struct trail {
	uintptr_t *frames;
	unsigned count; /* that came */
};

enum { RING_AT = STACK_INNER + 1, RING = STACK_DEPTH - RING_AT };

/* False: it goes too far. */
static bool trail_add(struct trail *t, uintptr_t frame)
{
	unsigned at = t->count++;

	if (at >= STACK_DEPTH)
		at = RING_AT + (at - RING_AT) % RING;
	t->frames[at] = frame;
	return t->count < STACK_WALKED;
}

static void reverse(uintptr_t *from, uintptr_t *to)
{
	for (; from < to && from < --to; from++) {
		uintptr_t frame = *from;

		*from = *to;
		*to = frame;
	}
}

/* Puts the ring in order; returns how many frames there are. */
static unsigned trail_end(struct trail *t)
{
	uintptr_t *ring = t->frames + RING_AT, *oldest;

	if (t->count <= STACK_DEPTH)
		return t->count;
	oldest = ring + (t->count - RING_AT) % RING;
	reverse(ring, oldest);
	reverse(oldest, ring + RING);
	reverse(ring, ring + RING);
	ring[-1] = 0;
	if (t->count == STACK_WALKED)
		ring[RING - 1] = 0;
	return STACK_DEPTH;
}

/* --- libgcc, where walk.h does not know the machine --- */

typedef _Unwind_Reason_Code backtrace_function(_Unwind_Trace_Fn, void *);
typedef _Unwind_Ptr address_function(struct _Unwind_Context *);

static backtrace_function *gcc_backtrace;
static address_function *gcc_address;

static _Unwind_Reason_Code add_frame(struct _Unwind_Context *context,
				     void *trail)
{
	struct trail *t = trail;
	uintptr_t frame = gcc_address(context);

	if (!t->count && is_own(frame))
		return _URC_NO_REASON;
	return frame && trail_add(t, frame) ? _URC_NO_REASON
					    : _URC_END_OF_STACK;
}

/*
 * Handlers' stacks may be small: 8 KiB is usual, a signal takes 3 of it on
 * machines with wide registers, and the unwinder 4.
 */
static bool has_room(void)
{
	enum { ROOM = 6 << 10 };
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	stack_t s;

	return sigaltstack(NULL, &s) != 0 || !(s.ss_flags & SS_ONSTACK) ||
	       here - (uintptr_t)s.ss_sp >= ROOM;
}

static unsigned capture_by_libgcc(uintptr_t *frames)
{
	struct trail t = { frames, 0 };

	if (!gcc_backtrace)
		return 0;
	if (!has_room()) {
		count_cut(CUT_ROOM);
		return 0;
	}
	gcc_backtrace(add_frame, &t);
	return trail_end(&t);
}

/* --- the walk --- */

#if RULES
/* The first ones are our own.  False: that is far enough. */
static inline bool add(struct trail *t, uintptr_t pc)
{
	return (!t->count && is_own(pc)) || trail_add(t, pc);
}

static unsigned walk_from(struct walk *w, struct trail *t)
{
	struct route *r = route_begin(w);
	enum walk_end end = WALK_WHOLE;

	while (!route_joins(r)) {
		end = walk_up(w);
		if (end != WALK_WHOLE || !w->pc)
			break;
		if (r)
			route_note(r, w);
		if (!add(t, w->pc))
			break;
	}
	if (route_joins(r))
		for (unsigned n = r->at; n-- > 0;)
			add(t, r->steps[n].pc);
	if (end != WALK_WHOLE)
		count_cut(end);
	if (r)
		route_end(r, w, end);
	return trail_end(t);
}
#endif

static NOINLINE unsigned capture(uintptr_t *frames)
{
#if RULES
	struct walk w = { .exact = true };
	struct trail t = { frames, 0 };

	__asm__ volatile("lea 0(%%rip), %0\n\t"
			 "mov %%rsp, %1\n\t"
			 "mov %%rbp, %2"
			 : "=&r"(w.pc), "=&r"(w.sp), "=&r"(w.bp));
	return walk_from(&w, &t);
#else
	return capture_by_libgcc(frames);
#endif
}

unsigned stack_capture_at(const void *context, uintptr_t frames[STACK_DEPTH])
{
	int saved = errno;
	unsigned kept;
#if RULES
	const greg_t *gregs = ((const ucontext_t *)context)->uc_mcontext.gregs;
	struct walk w = {
		.exact = true,
		.pc = (uintptr_t)gregs[REG_RIP],
		.sp = (uintptr_t)gregs[REG_RSP],
		.bp = (uintptr_t)gregs[REG_RBP],
	};
	struct trail t = { frames, 0 };

	trail_add(&t, w.pc + 1);
	kept = walk_from(&w, &t);
#else
	/* With the handler's frames, which nobody can tell from others. */
	(void)context;
	kept = capture_by_libgcc(frames);
#endif
	errno = saved;
	return kept;
}

unsigned stack_capture(uintptr_t frames[STACK_DEPTH])
{
	int saved = errno;
	unsigned kept = RULES ? capture(frames) : capture_by_libgcc(frames);

	errno = saved;
	return kept;
}

const char *stack_unwinder(void)
{
	return RULES ? "mpool" : "libgcc";
}

void stack_library_closed(void)
{
#if RULES
	walk_forget();
#endif
}

void stack_first_thread(void)
{
#if RULES
	walk_first_thread();
#endif
}

void stack_start(void)
{
	uintptr_t frames[STACK_DEPTH];
	void *library;

#if RULES
	walk_start();
#endif
	if (!RULES) {
		library = dlopen("libgcc_s.so.1", RTLD_NOW | RTLD_LOCAL);
		if (library) {
			*(void **)&gcc_address =
				dlsym(library, "_Unwind_GetIP");
			*(void **)&gcc_backtrace =
				dlsym(library, "_Unwind_Backtrace");
		}
	}
	/*
	 * Its first, slow, work: symbols are bound, tables are read.  How it
	 * ends is of no interest: in a thread of ours all frames are.
	 */
	stack_capture(frames);
	memset(cuts, 0, sizeof cuts);
}
