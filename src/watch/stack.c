/* SPDX-License-Identifier: MIT */
/*
 * stack.c - the call stack of the caller.
 */
#include "watch/stack.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <ucontext.h>
#include <unwind.h>

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

/* --- libgcc, where walk.h does not know the machine --- */

typedef _Unwind_Reason_Code backtrace_function(_Unwind_Trace_Fn, void *);
typedef _Unwind_Ptr address_function(struct _Unwind_Context *);

static backtrace_function *gcc_backtrace;
static address_function *gcc_address;

struct frames {
	uintptr_t *at;
	unsigned count;
};

static _Unwind_Reason_Code add_frame(struct _Unwind_Context *context,
				     void *argument)
{
	struct frames *f = argument;

	if (f->count == STACK_ROOM)
		return _URC_END_OF_STACK;
	f->at[f->count++] = gcc_address(context);
	return _URC_NO_REASON;
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
	struct frames f = { frames, 0 };
	unsigned first = 0, kept = 0;

	if (!gcc_backtrace)
		return 0;
	if (!has_room()) {
		count_cut(CUT_ROOM);
		return 0;
	}
	gcc_backtrace(add_frame, &f);
	while (first < f.count && is_own(frames[first]))
		first++;
	while (first < f.count && kept < STACK_DEPTH && frames[first])
		frames[kept++] = frames[first++];
	return kept;
}

/* --- the walk --- */

#if RULES
static unsigned walk_from(struct walk *w, uintptr_t *frames, unsigned kept)
{
	enum walk_end end = WALK_WHOLE;

	while (kept < STACK_DEPTH) {
		end = walk_up(w);
		if (end != WALK_WHOLE || !w->pc)
			break;
		if (kept || !is_own(w->pc))
			frames[kept++] = w->pc;
	}
	if (end != WALK_WHOLE)
		count_cut(end);
	return kept;
}
#endif

static NOINLINE unsigned capture(uintptr_t *frames)
{
#if RULES
	struct walk w = { .exact = true };

	__asm__ volatile("lea 0(%%rip), %0\n\t"
			 "mov %%rsp, %1\n\t"
			 "mov %%rbp, %2"
			 : "=&r"(w.pc), "=&r"(w.sp), "=&r"(w.bp));
	return walk_from(&w, frames, 0);
#else
	return capture_by_libgcc(frames);
#endif
}

unsigned stack_capture_at(const void *context, uintptr_t frames[STACK_ROOM])
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

	frames[0] = w.pc + 1;
	kept = walk_from(&w, frames, 1);
#else
	/* With the handler's frames, which nobody can tell from others. */
	(void)context;
	kept = capture_by_libgcc(frames);
#endif
	errno = saved;
	return kept;
}

unsigned stack_capture(uintptr_t frames[STACK_ROOM])
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

void stack_start(void)
{
	uintptr_t frames[STACK_ROOM];
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
	/* Its first, slow, work: symbols are bound, tables are read. */
	stack_capture(frames);
}
