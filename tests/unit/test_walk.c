/* SPDX-License-Identifier: MIT */
/*
 * test_walk.c - stacks as libgcc sees them, at every instruction.
 */
#include "unit/apart.h"

#include <execinfo.h>
#include <regex.h>
#include <sys/mman.h>

#include "unit/step.h"
#include "watch/route.h"
#include "watch/rule.h"
#include "watch/walk.h"
#include "unit/limits.h"

#if RULES && STEP_WORKS

static volatile struct {
	long stacks, cut, joined;
	unsigned deepest;
} seen;

/* With what is remembered of the last walk, and without. */
static void compare_routes(struct walk plain)
{
	struct walk w = plain;
	struct route *r = route_begin(&w);
	enum walk_end end = WALK_WHOLE, plain_end;

	assert_non_null(r);
	while (!route_joins(r)) {
		end = walk_up(&w);
		plain_end = walk_up(&plain);
		assert_int_equal(end, plain_end);
		assert_int_equal(w.pc, plain.pc);
		if (end != WALK_WHOLE || !w.pc)
			break;
		route_note(r, &w);
	}
	seen.joined += route_joins(r);
	for (unsigned n = route_joins(r) ? r->at : 0; n-- > 0;) {
		assert_int_equal(walk_up(&plain), WALK_WHOLE);
		assert_int_equal(r->steps[n].pc, plain.pc);
	}
	if (route_joins(r)) {
		assert_int_equal(walk_up(&plain), WALK_WHOLE);
		assert_int_equal(plain.pc, 0);
	}
	route_end(r, &w, end);
}

/*
 * Both go through the handler's frame to what it has interrupted.  A stack is
 * cut where the tables say something unusual, in ld.so's trampoline; libgcc's
 * first frame is this function.
 */
static bool compare(void)
{
	enum { MOST = 64 };
	void *theirs[MOST];
	int count = backtrace(theirs, MOST);
	enum walk_end end = WALK_WHOLE;
	struct walk w = { .exact = true };
	int i;

	__asm__ volatile("lea 0(%%rip), %0\n\t"
			 "mov %%rsp, %1\n\t"
			 "mov %%rbp, %2"
			 : "=&r"(w.pc), "=&r"(w.sp), "=&r"(w.bp));
	for (i = 1; i < count; i++) {
		end = walk_up(&w);
		if (end != WALK_WHOLE)
			break;
		assert_int_equal(w.pc, (uintptr_t)theirs[i]);
		if (w.exact)
			compare_routes((struct walk){ .pc = w.pc,
						      .sp = w.sp,
						      .bp = w.bp,
						      .exact = true });
	}
	assert_true(end == WALK_WHOLE || end == WALK_RULES);
	seen.stacks++;
	seen.cut += end != WALK_WHOLE;
	if (seen.deepest < (unsigned)count)
		seen.deepest = (unsigned)count;
	return false;
}

static int descending(const void *a, const void *b)
{
	return *(const int *)b - *(const int *)a;
}

static __attribute__((noinline)) int deep(int depth, size_t bytes)
{
	volatile char *room = __builtin_alloca(bytes);

	room[0] = 1;
	return depth ? deep(depth - 1, bytes + 24) + room[0] : 0;
}

/* gcc gives it a CFA that is itself on the stack. */
static __attribute__((noinline)) int realigned(int depth, size_t bytes)
{
	_Alignas(64) volatile char wide[64];
	volatile char *room = __builtin_alloca(bytes);

	wide[0] = room[0] = 1;
	return deep(depth, bytes) + wide[0];
}

static void much(void)
{
	static int numbers[40];
	char text[80];
	regex_t regex;

	for (int i = 0; i < 40; i++)
		numbers[i] = i * 37 % 41;
	qsort(numbers, 40, sizeof *numbers, descending);
	deep(10, 16);
	realigned(5, 48);
	snprintf(text, sizeof text, "%d %.3g %s", 42, 1e9 / 7, "words");
	assert_int_equal(regcomp(&regex, "a(b|c)*d", 0), 0);
	regexec(&regex, "xabcbd", 0, NULL, 0);
	regfree(&regex);
}

static void stacks_are_libgccs_at_every_instruction(void)
{
	if (LIMITS_SANITIZED)
		apart_skip("a sanitizer has a backtrace() of its own");
	walk_start();
	compare();
	much(); /* binds symbols: a trampoline's frames are unusual */
	step_through(much, compare, 0);
	assert_true(seen.stacks > 10000);
	assert_true(seen.deepest > 20);
	assert_true(seen.cut < seen.stacks / 50);
	assert_true(seen.joined > seen.stacks / 2);
}

static void what_leads_to_no_stack_is_cut(void)
{
	uintptr_t words[64];
	struct walk w;

	/* This function again and again, and then the bottom of a coroutine. */
	for (unsigned bad = 0; bad < 64; bad++) {
		for (unsigned i = 0; i < 64; i++)
			words[i] = i == bad ? UINT64_C(0xdeaddeaddeaddead)
					    : (uintptr_t)(words + i % 7);
		w = (struct walk){
			.pc = (uintptr_t)what_leads_to_no_stack_is_cut + 9,
			.sp = (uintptr_t)words,
			.bp = (uintptr_t)words,
		};
		for (int i = 0; i < 1000; i++)
			if (walk_up(&w) != WALK_WHOLE || !w.pc)
				break;
	}
	w = (struct walk){ .pc = (uintptr_t)descending + 1,
			   .sp = 64,
			   .bp = 64 };
	assert_int_equal(walk_up(&w), WALK_MEMORY);
	w = (struct walk){ .pc = UINT64_C(0xdeaddeaddead), .sp = 64, .bp = 64 };
	assert_int_equal(walk_up(&w), WALK_TABLES);
	w = (struct walk){ .pc = UINT64_C(0xdeaddeaddead), .sp = 64 };
	assert_int_equal(walk_up(&w), WALK_WHOLE);
	assert_int_equal(w.pc, 0);
}

/* From the last words of a stack, as a JIT's frames, to what lies behind it. */
static unsigned walk_past(uintptr_t *end)
{
	enum { JIT = 0xdeaddead };
	uintptr_t bottom = (uintptr_t)(end - 2);
	struct walk w = { .pc = JIT, .sp = bottom, .bp = bottom };
	unsigned frames = 0;

	end[-2] = (uintptr_t)end;
	end[-1] = JIT;
	while (walk_up(&w) == WALK_WHOLE && w.pc)
		frames++;
	return frames;
}

static void what_lies_between_stacks_or_was_one_is_not_read(void)
{
	enum { STACK = 64 << 10, WORDS = STACK / sizeof(uintptr_t) };
	uintptr_t *stack = mmap(NULL, 4 * STACK, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uintptr_t *guard = stack + WORDS, *other = guard + WORDS;

	assert_true(stack != MAP_FAILED);
	assert_int_equal(mprotect(guard, STACK, PROT_NONE), 0);
	assert_int_equal(mprotect(other + WORDS, STACK, PROT_NONE), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(walk_past(guard), 1);
		assert_int_equal(walk_past(other + WORDS), 1);
	}
	/* A coroutine's stack has gone, a smaller one is in its place. */
	assert_int_equal(walk_past(guard), 1);
	assert_int_equal(mprotect(guard - WORDS / 2, STACK / 2, PROT_NONE), 0);
	assert_int_equal(walk_past(guard - WORDS / 2), 1);
	munmap(stack, 4 * STACK);
}

/* As the trampolines of python3 -X perf, in which bp is anything. */
static void code_without_tables_that_only_calls_is_no_end(void)
{
	static const unsigned char last[] = { 0x48, 0x83, 0xc4, 0x18, 0xc3 };
	enum { PAGE = 4096, CALLER = 0xcafecafe };
	unsigned char *code = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uintptr_t words[] = { 1, 2, 3, CALLER, 5 };
	unsigned char *end;

	assert_true(code != MAP_FAILED);
	munmap(code + PAGE, PAGE);
	end = code + PAGE - sizeof last;
	for (uintptr_t bp = 0; bp < 2; bp++) {
		struct walk w = { .pc = (uintptr_t)code,
				  .sp = (uintptr_t)words,
				  .bp = bp };

		memcpy(code, last, sizeof last);
		assert_int_equal(walk_up(&w), WALK_WHOLE);
		assert_int_equal(w.pc, CALLER);
		assert_int_equal(w.sp, (uintptr_t)(words + 4));
		assert_int_equal(w.bp, bp);
		/* Other code, and where none can be read. */
		code[4]++;
		w = (struct walk){ .pc = (uintptr_t)code,
				   .sp = (uintptr_t)words,
				   .bp = 1 };
		assert_int_equal(walk_up(&w), WALK_TABLES);
		memcpy(end, last, sizeof last);
		w = (struct walk){ .pc = (uintptr_t)end,
				   .sp = (uintptr_t)words,
				   .bp = 1 };
		assert_int_equal(walk_up(&w), WALK_TABLES);
	}
	munmap(code, PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(stacks_are_libgccs_at_every_instruction),
		APART(what_leads_to_no_stack_is_cut),
		APART(what_lies_between_stacks_or_was_one_is_not_read),
		APART(code_without_tables_that_only_calls_is_no_end),
	};

	return cmocka_run_group_tests_name("walk", tests, NULL, NULL);
}

#else

static void stacks_are_walked(void)
{
	apart_skip("not step by step, or not on this machine");
}

int main(void)
{
	const struct CMUnitTest tests[] = { APART(stacks_are_walked) };

	return cmocka_run_group_tests_name("walk", tests, NULL, NULL);
}

#endif
