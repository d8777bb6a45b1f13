/*
 * walk.c - walks up a call stack.
 *
 * Rules are remembered by address, so most frames cost a few loads.  A row of
 * the memo is valid when its two words agree, however threads mix them up.  It
 * is mapped when recording starts; where that was refused, each frame's rule is
 * looked up.
 *
 * Words are read where the stack is known to be mapped: what a wrong rule, or
 * the bottom of a coroutine's hand-made stack leads to is asked for first.
 */
#include "watch/walk.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
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

void walk_start(void)
{
	size_t bytes = round_up(ROWS * sizeof *memo, sys_page());

	if (memo)
		return;
	memo = sys_map(NULL, bytes);
	if (memo)
		sys_name(memo, bytes, "mpool record");
}

static struct rule rule_of(uintptr_t pc)
{
	uint64_t hash = pc * UINT64_C(0x9e3779b97f4a7c15);
	uint64_t word, check;
	struct row *row;
	struct rule rule;
	bool lasting;

	_Static_assert(sizeof rule == sizeof word && ROWS == 1 << (64 - 51),
		       "a rule is a word");
	if (unlikely(!memo))
		return rule_find(pc, &lasting);
	row = &memo[hash >> 51];
	word = __atomic_load_n(&row->rule, __ATOMIC_RELAXED);
	check = __atomic_load_n(&row->check, __ATOMIC_RELAXED);
	if (likely((check ^ word) == pc)) {
		memcpy(&rule, &word, sizeof rule);
		return rule;
	}
	rule = rule_find(pc, &lasting);
	if (lasting) {
		memcpy(&word, &rule, sizeof word);
		__atomic_store_n(&row->rule, word, __ATOMIC_RELAXED);
		__atomic_store_n(&row->check, word ^ pc, __ATOMIC_RELAXED);
	}
	return rule;
}

void walk_forget(void)
{
	for (unsigned row = 0; memo && row < ROWS; row++)
		__atomic_store_n(&memo[row].check, 0, __ATOMIC_RELAXED);
}

/* --- the stack's memory --- */

enum {
	PROBE = 4096,	   /* no page is smaller */
	FURTHEST = 8 << 20 /* from one frame to the next */
};

/* What this thread knows to be mapped; it lies in one stack. */
static __thread struct {
	uintptr_t from, to;
} known __attribute__((tls_model("initial-exec")));

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

static NOINLINE bool look(uintptr_t address)
{
	uintptr_t page = address & ~(uintptr_t)(PROBE - 1);

	if (!is_mapped(address))
		return false;
	/* What is next to it belongs to it, a large frame in between, too. */
	if (address < known.from && known.from - page <= PROBE)
		known.from = page;
	else if (address >= known.to && address - known.to < FURTHEST)
		known.to = page + PROBE;
	else {
		known.from = page;
		known.to = page + PROBE;
	}
	return true;
}

static bool load(uintptr_t address, uintptr_t *word)
{
	if (address % sizeof *word)
		return false;
	if (unlikely(address - known.from >= known.to - known.from) &&
	    !look(address))
		return false;
	*word = *(const uintptr_t *)address;
	return true;
}

/* --- frames --- */

/*
 * Of a function that pushes bp first: what a JIT or Go makes.  At the bottom of
 * a stack bp is 0, as the ABI has it: in ld.so's start code, which has no
 * tables, it is.
 */
static enum walk_end up_chain(struct walk *w)
{
	enum { SHORT = 64 << 10 };
	uintptr_t bp = w->bp;

	if (!bp) {
		w->pc = 0;
		return WALK_WHOLE;
	}
	if (bp < w->sp || bp - w->sp > SHORT || !load(bp, &w->bp) ||
	    !load(bp + 8, &w->pc))
		return WALK_TABLES;
	w->sp = bp + 16;
	return WALK_WHOLE;
}

static enum walk_end up_signal(struct walk *w)
{
	const ucontext_t *context = (const void *)w->sp;
	const greg_t *gregs = context->uc_mcontext.gregs;

	if (!load((uintptr_t)&gregs[REG_RIP], &w->pc) ||
	    !load((uintptr_t)&gregs[REG_RBP], &w->bp) ||
	    !load((uintptr_t)&gregs[REG_RSP], &w->sp))
		return WALK_MEMORY;
	w->exact = true;
	return WALK_WHOLE;
}

static enum walk_end up_frame(struct walk *w, struct rule rule)
{
	uintptr_t cfa = (rule.kind == RULE_SP ? w->sp : w->bp) +
			(uintptr_t)(int64_t)rule.offset;
	uintptr_t bp = w->bp;

	if (rule.kind == RULE_AT_BP && !load(cfa, &cfa))
		return WALK_MEMORY;
	if (cfa <= w->sp || cfa - w->sp > FURTHEST || !load(cfa - 8, &w->pc))
		return WALK_MEMORY;
	/* At some epilogues tables are wrong; few frames need it. */
	if (rule.saved && !load((rule.saved == SAVED_AT_CFA ? cfa : bp) +
					(uintptr_t)(int64_t)rule.bp_offset,
				&w->bp))
		w->bp = 0;
	w->sp = cfa;
	return WALK_WHOLE;
}

static enum walk_end go_up(struct walk *w)
{
	struct rule rule = rule_of(w->pc - !w->exact);

	w->exact = false;
	switch ((enum rule_kind)rule.kind) {
	case RULE_SP:
	case RULE_BP:
	case RULE_AT_BP:
		return up_frame(w, rule);
	case RULE_NONE:
		return up_chain(w);
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
