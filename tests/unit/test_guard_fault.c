/* SPDX-License-Identifier: MIT */
/*
 * test_guard_fault.c - SIGSEGV and SIGBUS: what the program asked for is kept
 * and told back, and comes after ours.
 */
#include "unit/apart.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/config.h"
#include "base/sys.h"
#include "watch/guard_fault.h"
#include "watch/guard_slots.h"

static volatile int calls;
static char *page;

static void open_page(int number)
{
	(void)number;
	calls++;
	mprotect(page, sys_page(), PROT_READ | PROT_WRITE);
}

static void other(int number)
{
	(void)number;
}

static struct sigaction asked(void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	sigaddset(&action.sa_mask, SIGUSR1);
	return action;
}

static struct sigaction in_kernel(int number)
{
	struct sigaction now;

	assert_int_equal(sigaction(number, NULL, &now), 0);
	return now;
}

/* cmocka has handlers of its own. */
static void forget_cmocka(void)
{
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
}

static void start_slots(void)
{
	assert_true(guard_slots_start());
	page = mmap(NULL, sys_page(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	assert_ptr_not_equal(page, MAP_FAILED);
	assert_true(guard_fault_start(sigaction));
}

static void start(void)
{
	forget_cmocka();
	start_slots();
}

static void nothing_is_kept_before_the_start(void)
{
	assert_false(guard_fault_keeps(SIGSEGV));
	assert_false(guard_fault_keeps(SIGBUS));
}

static void two_signals_are_kept(void)
{
	start();
	for (int number = 1; number < NSIG; number++)
		assert_int_equal(guard_fault_keeps(number),
				 number == SIGSEGV || number == SIGBUS);
}

static void what_was_asked_for_is_told_back_and_ours_stays_in_the_kernel(void)
{
	struct sigaction wanted = asked(open_page, SA_RESTART | SA_RESETHAND);
	struct sigaction old, ours;

	start();
	ours = in_kernel(SIGSEGV);
	assert_int_equal(guard_fault_action(SIGSEGV, &wanted, &old), 0);
	assert_ptr_equal(old.sa_handler, SIG_DFL);
	assert_int_equal(guard_fault_action(SIGSEGV, NULL, &old), 0);
	assert_ptr_equal(old.sa_handler, open_page);
	assert_int_equal(old.sa_flags & (SA_RESTART | (int)SA_RESETHAND),
			 SA_RESTART | (int)SA_RESETHAND);
	assert_true(sigismember(&old.sa_mask, SIGUSR1));
	assert_ptr_equal(in_kernel(SIGSEGV).sa_sigaction, ours.sa_sigaction);
	ours = in_kernel(SIGSEGV);
	assert_true(sigismember(&ours.sa_mask, SIGUSR1));
	assert_int_equal(guard_fault_action(SIGBUS, NULL, &old), 0);
	assert_ptr_equal(old.sa_handler, SIG_DFL);
}

static void a_handler_from_before_the_start_is_the_programs(void)
{
	struct sigaction wanted = asked(open_page, 0), old;

	assert_int_equal(sigaction(SIGSEGV, &wanted, NULL), 0);
	start_slots();
	assert_int_equal(guard_fault_action(SIGSEGV, NULL, &old), 0);
	assert_ptr_equal(old.sa_handler, open_page);
	*(volatile char *)page = 1;
	assert_int_equal(calls, 1);
}

static void a_fault_elsewhere_comes_to_the_programs_handler(void)
{
	struct sigaction wanted = asked(open_page, 0);

	start();
	assert_int_equal(guard_fault_action(SIGSEGV, &wanted, NULL), 0);
	*(volatile char *)page = 1;
	assert_int_equal(calls, 1);
}

static void a_handler_for_once_is_called_once(void)
{
	struct sigaction wanted = asked(open_page, SA_RESETHAND), old;

	start();
	assert_int_equal(guard_fault_action(SIGSEGV, &wanted, NULL), 0);
	*(volatile char *)page = 1;
	assert_int_equal(guard_fault_action(SIGSEGV, NULL, &old), 0);
	assert_ptr_equal(old.sa_handler, SIG_DFL);
}

static void what_is_ignored_and_sent_does_nothing(void)
{
	struct sigaction wanted = asked(SIG_IGN, 0);

	start();
	assert_int_equal(guard_fault_action(SIGSEGV, &wanted, NULL), 0);
	assert_int_equal(raise(SIGSEGV), 0);
}

static int refuses_bus(int number, const struct sigaction *action,
		       struct sigaction *old)
{
	if (number == SIGBUS && action) {
		errno = EPERM;
		return -1;
	}
	return sigaction(number, action, old);
}

static void a_start_that_is_refused_changes_nothing(void)
{
	struct sigaction wanted = asked(other, 0);

	forget_cmocka();
	assert_int_equal(sigaction(SIGSEGV, &wanted, NULL), 0);
	errno = 0;
	assert_false(guard_fault_start(refuses_bus));
	assert_int_equal(errno, 0);
	assert_false(guard_fault_keeps(SIGSEGV));
	assert_ptr_equal(in_kernel(SIGSEGV).sa_handler, other);
	assert_ptr_equal(in_kernel(SIGBUS).sa_handler, SIG_DFL);
}

static int refused_later;

static int refuses_later(int number, const struct sigaction *action,
			 struct sigaction *old)
{
	return refused_later && action ? -1 : sigaction(number, action, old);
}

static void a_change_that_is_refused_changes_nothing(void)
{
	struct sigaction wanted = asked(open_page, 0), old;

	forget_cmocka();
	assert_true(guard_fault_start(refuses_later));
	refused_later = 1;
	assert_int_equal(guard_fault_action(SIGSEGV, &wanted, &old), -1);
	assert_int_equal(guard_fault_action(SIGSEGV, NULL, &old), 0);
	assert_ptr_equal(old.sa_handler, SIG_DFL);
}

static void
a_freed_object_that_is_read_is_reported_and_the_program_goes_on(void)
{
	struct guard_trace by = { .thread = 1 };
	struct guard_slot *slot;
	uintptr_t changed, p;
	bool refused;

	start();
	config.guard_go_on = true;
	config.report = "/dev/null";
	slot = guard_slots_take(0, 100, true, &by, &refused);
	assert_non_null(slot);
	p = guard_address(slot);
	*(volatile char *)p = 1;
	assert_int_equal(guard_slots_give(p, &by, &slot, &changed),
			 GUARD_NO_CRIME);
	errno = 7;
	assert_int_equal(*(volatile char *)p, 0);
	assert_int_equal(errno, 7);
}

static void a_child_asks_for_itself(void)
{
	struct sigaction wanted = asked(open_page, 0), old;
	int status;

	start();
	if (fork() == 0) {
		guard_fault_fork_child();
		guard_fault_action(SIGSEGV, &wanted, NULL);
		guard_fault_action(SIGSEGV, NULL, &old);
		*(volatile char *)page = 1;
		_exit(old.sa_handler == open_page && calls == 1 ? 3 : 4);
	}
	assert_true(wait(&status) > 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 3);
	assert_int_equal(guard_fault_action(SIGSEGV, NULL, &old), 0);
	assert_ptr_equal(old.sa_handler, SIG_DFL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(nothing_is_kept_before_the_start),
		APART(two_signals_are_kept),
		APART(what_was_asked_for_is_told_back_and_ours_stays_in_the_kernel),
		APART(a_handler_from_before_the_start_is_the_programs),
		APART(a_fault_elsewhere_comes_to_the_programs_handler),
		APART(a_handler_for_once_is_called_once),
		APART(what_is_ignored_and_sent_does_nothing),
		APART(a_start_that_is_refused_changes_nothing),
		APART(a_change_that_is_refused_changes_nothing),
		APART(a_freed_object_that_is_read_is_reported_and_the_program_goes_on),
		APART(a_child_asks_for_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
