/* SPDX-License-Identifier: MIT */
/*
 * walk.c - walks up a call stack.
 *
 * Rules are remembered by address, so most frames cost a few loads.  A row of
 * the memo is valid when its two words agree, however threads mix them up.  It
 * is mapped when recording starts; where that was refused, each frame's rule is
 * looked up.
 *
 * Words are read where the stack is known to be mapped: what a wrong rule, or
 * the bottom of a coroutine's hand-made stack leads to is asked for first. Only
 * the thread's own stack stays known, for it cannot go; all others may be
 * unmapped by the next walk, or have a guard page in between.
 */
#include "watch/walk.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/sys.h"
#include "watch/rule.h"

#if RULES

/* --- rules by address --- */

enum { ROWS = 1 << 13 };

static struct row {
	uint64_t check; /* address ^ rule */
	uint64_t rule;
} * memo;

/* Of the thread that started the program. */
static struct {
	uintptr_t local, top;
} first;

void walk_first_thread(void)
{
	first.local = (uintptr_t)__builtin_thread_pointer();
	first.top = getauxval(AT_RANDOM);
}

void walk_start(void)
{
	if (!first.local)
		walk_first_thread();
	if (!memo)
		memo = sys_map_named(round_up(ROWS * sizeof *memo, sys_page()),
				     "mpool record");
}

static struct rule rule_of(struct walk *w, uintptr_t pc)
{
	uint64_t hash = pc * UINT64_C(0x9e3779b97f4a7c15);
	uint64_t word, check;
	struct row *row;
	struct rule rule;
	bool lasting;

	_Static_assert(sizeof rule == sizeof word && ROWS == 1 << (64 - 51),
		       "a rule is a word");
	if (unlikely(!memo)) {
		w->passing = true;
		return rule_find(pc, &lasting);
	}
	row = &memo[hash >> 51];
	word = __atomic_load_n(&row->rule, __ATOMIC_RELAXED);
	check = __atomic_load_n(&row->check, __ATOMIC_RELAXED);
	if (likely((check ^ word) == pc)) {
		memcpy(&rule, &word, sizeof rule);
		return rule;
	}
	rule = rule_find(pc, &lasting);
	if (!lasting) {
		w->passing = true;
	} else {
		memcpy(&word, &rule, sizeof word);
		__atomic_store_n(&row->rule, word, __ATOMIC_RELAXED);
		__atomic_store_n(&row->check, word ^ pc, __ATOMIC_RELAXED);
	}
	return rule;
}

static uint32_t closings;

uint32_t walk_closings(void)
{
	return __atomic_load_n(&closings, __ATOMIC_RELAXED);
}

void walk_forget(void)
{
	__atomic_fetch_add(&closings, 1, __ATOMIC_RELAXED);
	for (unsigned row = 0; memo && row < ROWS; row++)
		__atomic_store_n(&memo[row].check, 0, __ATOMIC_RELAXED);
}

/* --- the stack's memory --- */

enum {
	PROBE = 4096,	    /* no page is smaller */
	FURTHEST = 8 << 20, /* from one frame to the next */
	TRIES = 4	    /* to reach the top of a stack */
};

/*
 * bytes: of this thread's own stack, up to its top, which are mapped; one store
 * at a time, for a handler may come in between.  failures: to reach the top.
 */
static __thread struct {
	uintptr_t top;
	size_t bytes;
	uint8_t failures;
} own __attribute__((tls_model("initial-exec")));

/*
 * The kernel reads the set before it finds that the first argument is nothing
 * that it could do.
 */
static bool is_mapped(uintptr_t address)
{
	enum { KERNEL_SIGSET_BYTES = 8 };
	int saved = errno;
	bool mapped = syscall(SYS_rt_sigprocmask, -1, address & ~7ul, NULL,
			      KERNEL_SIGSET_BYTES) < 0 &&
		      errno != EFAULT;

	errno = saved;
	return mapped;
}

/* Above the stacks of threads lies their TLS, in the same mapping. */
static uintptr_t find_top(void)
{
	uintptr_t local = (uintptr_t)__builtin_thread_pointer();

	return round_up(local == first.local ? first.top : local, PROBE);
}

/* Whether all from the page on is mapped, and so this thread's own stack. */
static bool is_own(uintptr_t page)
{
	uintptr_t end;

	if (!own.bytes)
		own.top = find_top();
	end = own.top - own.bytes;
	if (page >= end || end - page > FURTHEST || own.failures == TRIES)
		return false;
	for (uintptr_t at = page; at < end; at += PROBE)
		if (!is_mapped(at)) {
			own.failures++;
			return false;
		}
	own.bytes = own.top - page;
	return true;
}

uintptr_t walk_top(void)
{
	return own.top;
}

bool walk_owns(uintptr_t from, uintptr_t top)
{
	return top == own.top && own.top - from <= own.bytes;
}

static NOINLINE bool look(struct walk *w, uintptr_t address)
{
	uintptr_t page = address & -(uintptr_t)PROBE;

	if (is_own(page))
		return true;
	w->passing = true;
	if (w->page_end == page + PROBE)
		return true;
	w->page_end = is_mapped(address) ? page + PROBE : 0;
	return w->page_end;
}

static bool load(struct walk *w, uintptr_t address, uintptr_t *word)
{
	if (address % sizeof *word)
		return false;
	if (unlikely(own.top - 1 - address >= own.bytes) && !look(w, address))
		return false;
	*word = *(const uintptr_t *)address;
	return true;
}

/* --- frames --- */

/* Of a function that pushes bp first: what a JIT or Go makes. */
static bool up_chain(struct walk *w)
{
	enum { SHORT = 64 << 10 };
	uintptr_t at = w->bp, bp, pc;

	if (at < w->sp || at - w->sp > SHORT || !load(w, at, &bp) ||
	    !load(w, at + 8, &pc))
		return false;
	w->bp_at = at;
	w->sp = at + 16;
	w->bp = bp;
	w->pc = pc;
	return true;
}

/*
 * Behind a call that is all that its function does: "add $N, %rsp; ret", which
 * needs no table.  So are the trampolines of python3 -X perf.
 */
static bool up_epilogue(struct walk *w)
{
	static const unsigned char add[] = { 0x48, 0x83, 0xc4 };
	enum { RET = 0xc3, MOST = 0x7f, WORD = 8 };
	const unsigned char *code = (const void *)w->pc;

	if (!is_mapped(w->pc) || !is_mapped(w->pc + WORD) ||
	    memcmp(code, add, sizeof add) || code[3] > MOST || code[4] != RET ||
	    !load(w, w->sp + code[3], &w->pc))
		return false;
	w->sp += code[3] + WORD;
	w->passing = true;
	return true;
}

/*
 * At the bottom of a stack bp is 0, as the ABI has it: in ld.so's start code,
 * which has no tables, it is.
 */
static enum walk_end up_without_tables(struct walk *w, bool exact)
{
	if (up_chain(w) || (!exact && up_epilogue(w)))
		return WALK_WHOLE;
	if (w->bp)
		return WALK_TABLES;
	w->pc = 0;
	return WALK_WHOLE;
}

static enum walk_end up_signal(struct walk *w)
{
	const ucontext_t *context = (const void *)w->sp;
	const greg_t *gregs = context->uc_mcontext.gregs;

	if (!load(w, (uintptr_t)&gregs[REG_RIP], &w->pc) ||
	    !load(w, (uintptr_t)&gregs[REG_RBP], &w->bp) ||
	    !load(w, (uintptr_t)&gregs[REG_RSP], &w->sp))
		return WALK_MEMORY;
	w->exact = w->passing = true;
	return WALK_WHOLE;
}

static enum walk_end up_frame(struct walk *w, struct rule rule)
{
	uintptr_t cfa = (rule.kind == RULE_SP ? w->sp : w->bp) +
			(uintptr_t)(int64_t)rule.offset;
	uintptr_t bp = w->bp;

	if (rule.kind == RULE_AT_BP) {
		w->sp_at = cfa;
		if (!load(w, cfa, &cfa))
			return WALK_MEMORY;
	}
	if (cfa <= w->sp || cfa - w->sp > FURTHEST || !load(w, cfa - 8, &w->pc))
		return WALK_MEMORY;
	if (rule.saved) {
		w->bp_at = (rule.saved == SAVED_AT_CFA ? cfa : bp) +
			   (uintptr_t)(int64_t)rule.bp_offset;
		/* At some epilogues tables are wrong; few frames need it. */
		if (!load(w, w->bp_at, &w->bp)) {
			w->bp = 0;
			w->passing = true;
		}
	}
	w->sp = cfa;
	return WALK_WHOLE;
}

static enum walk_end go_up(struct walk *w)
{
	struct rule rule = rule_of(w, w->pc - !w->exact);
	bool exact = w->exact;

	w->exact = false;
	w->bp_at = w->sp_at = 0;
	w->used_bp = rule.kind == RULE_BP || rule.kind == RULE_AT_BP ||
		     rule.kind == RULE_NONE || rule.saved == SAVED_AT_BP;
	switch ((enum rule_kind)rule.kind) {
	case RULE_SP:
	case RULE_BP:
	case RULE_AT_BP:
		return up_frame(w, rule);
	case RULE_NONE:
		return up_without_tables(w, exact);
	case RULE_SIGNAL:
		return up_signal(w);
	case RULE_END:
		w->pc = 0;
		return WALK_WHOLE;
	case RULE_UNUSUAL:
		break;
	}
	return WALK_RULES;
}

enum walk_end walk_up(struct walk *w)
{
	enum { CODE_BITS = 47, NO_CODE = 4096 };
	enum walk_end end = go_up(w);

	if (end == WALK_WHOLE && w->pc &&
	    (w->pc >> CODE_BITS || w->pc < NO_CODE))
		return WALK_MEMORY;
	return end;
}

#endif
