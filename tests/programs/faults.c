/* SPDX-License-Identifier: MIT */
/*
 * faults.c - a program that lives on SIGSEGV: what it asks for is what it gets.
 *
 * A page of its own is barred; each handler opens it, or jumps.
 */
#include "check.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/wait.h>

extern __sighandler_t __sysv_signal(int number, __sighandler_t handler);
extern __sighandler_t bsd_signal(int number, __sighandler_t handler);

enum { PAGE = 4096 };

static char *page;
static volatile int calls;
static volatile bool on_other_stack, has_blocked_itself, has_blocked_other;
static sigjmp_buf back;

static void look_around(void)
{
	sigset_t now;
	stack_t stack;

	calls++;
	sigprocmask(SIG_BLOCK, NULL, &now);
	has_blocked_itself = sigismember(&now, SIGSEGV);
	has_blocked_other = sigismember(&now, SIGUSR1);
	sigaltstack(NULL, &stack);
	on_other_stack = stack.ss_flags & SS_ONSTACK;
}

static void with_information(int number, siginfo_t *info, void *context)
{
	CHECK(number == SIGSEGV);
	CHECK(info->si_addr == page && context);
	look_around();
	CHECK(mprotect(page, PAGE, PROT_READ | PROT_WRITE) == 0);
}

static void without(int number)
{
	CHECK(number == SIGSEGV);
	look_around();
	CHECK(mprotect(page, PAGE, PROT_READ | PROT_WRITE) == 0);
}

static void jumping(int number)
{
	(void)number;
	look_around();
	siglongjmp(back, 1);
}

static void counting(int number)
{
	(void)number;
	calls++;
}

/* How often the handler was called when the page is touched once. */
static int touch(void)
{
	calls = 0;
	CHECK(mprotect(page, PAGE, PROT_NONE) == 0);
	*(volatile char *)page = 1;
	return calls;
}

static struct sigaction set(void *handler, int flags)
{
	struct sigaction action = { .sa_flags = flags }, old;

	action.sa_handler = (void (*)(int))handler;
	sigaddset(&action.sa_mask, SIGUSR1);
	sigaddset(&action.sa_mask, SIGKILL);
	CHECK(sigaction(SIGSEGV, &action, &old) == 0);
	return old;
}

static void handlers_of_each_kind(void)
{
	struct sigaction old;

	CHECK(set(with_information, SA_SIGINFO).sa_handler == SIG_DFL);
	CHECK(touch() == 1);
	CHECK(has_blocked_itself && has_blocked_other && !on_other_stack);
	old = set(without, SA_NODEFER);
	CHECK(old.sa_sigaction == with_information);
	CHECK(old.sa_flags & SA_SIGINFO);
	CHECK(sigismember(&old.sa_mask, SIGUSR1));
	CHECK(!sigismember(&old.sa_mask, SIGUSR2));
	CHECK(!sigismember(&old.sa_mask, SIGKILL));
	CHECK(touch() == 1);
	CHECK(!has_blocked_itself && has_blocked_other);
	set(without, SA_ONSTACK);
	CHECK(touch() == 1 && on_other_stack);
	set(without, 0);
	CHECK(touch() == 1 && !on_other_stack);
	set(without, SA_RESETHAND);
	CHECK(touch() == 1);
	CHECK(sigaction(SIGSEGV, NULL, &old) == 0);
	CHECK(old.sa_handler == SIG_DFL);
}

static void handlers_by_signal(void)
{
	struct sigaction now;

	CHECK(signal(SIGSEGV, without) == SIG_DFL);
	CHECK(touch() == 1 && has_blocked_itself);
	CHECK(sigaction(SIGSEGV, NULL, &now) == 0);
	CHECK(now.sa_flags & SA_RESTART);
	CHECK(__sysv_signal(SIGSEGV, without) == without);
	CHECK(touch() == 1 && !has_blocked_itself);
	CHECK(signal(SIGSEGV, SIG_IGN) == SIG_DFL);
	CHECK(raise(SIGSEGV) == 0);
	CHECK(signal(SIGSEGV, counting) == SIG_IGN);
	calls = 0;
	CHECK(raise(SIGSEGV) == 0 && calls == 1);
	CHECK(signal(SIGBUS, counting) == SIG_DFL);
	CHECK(raise(SIGBUS) == 0 && calls == 2);
	CHECK(signal(SIGSEGV, SIG_ERR) == SIG_ERR && errno == EINVAL);
	CHECK(sigaction(SIGKILL, &now, NULL) < 0 && errno == EINVAL);
}

static void handlers_by_other_names(void)
{
	struct sigaction now;
	sigset_t blocked;

	CHECK(bsd_signal(SIGSEGV, without) == counting);
	CHECK(touch() == 1 && has_blocked_itself);
	CHECK(ssignal(SIGSEGV, SIG_DFL) == without);
	CHECK(sysv_signal(SIGSEGV, without) == SIG_DFL);
	CHECK(touch() == 1 && !has_blocked_itself);
	CHECK(sigset(SIGSEGV, without) == SIG_DFL);
	CHECK(touch() == 1 && has_blocked_itself && !has_blocked_other);
	CHECK(sigset(SIGSEGV, SIG_HOLD) == without);
	CHECK(sigprocmask(SIG_BLOCK, NULL, &blocked) == 0);
	CHECK(sigismember(&blocked, SIGSEGV));
	CHECK(sigset(SIGSEGV, counting) == SIG_HOLD);
	CHECK(sigprocmask(SIG_BLOCK, NULL, &blocked) == 0);
	CHECK(!sigismember(&blocked, SIGSEGV));
	CHECK(sigaction(SIGSEGV, NULL, &now) == 0);
	CHECK(now.sa_handler == counting && !(now.sa_flags & SA_RESTART));
	CHECK(sigset(0, counting) == SIG_ERR && errno == EINVAL);
	CHECK(sigignore(SIGSEGV) == 0 && raise(SIGSEGV) == 0);
	CHECK(signal(SIGSEGV, counting) == SIG_IGN);
	CHECK(sigset(SIGUSR2, SIG_IGN) == SIG_DFL);
	CHECK(sigignore(SIGUSR1) == 0 && sigignore(99) < 0);
	CHECK(signal(SIGUSR1, SIG_DFL) == SIG_IGN);
}

static void jumps(void)
{
	set(jumping, SA_ONSTACK);
	for (volatile int i = 0; i < 3; i++) {
		if (!sigsetjmp(back, 1))
			touch();
		CHECK(calls == 1);
	}
}

static int deep(int depth)
{
	volatile char room[PAGE];

	room[0] = (char)depth;
	return depth > 1 << 20 ? 0 : deep(depth + 1) + room[0];
}

static void overflow_of_the_stack(void)
{
	set(jumping, SA_ONSTACK);
	if (!sigsetjmp(back, 1))
		deep(0);
	CHECK(on_other_stack);
}

static void *in_thread(void *unused)
{
	static __thread char stack[64 << 10];
	stack_t other = { .ss_sp = stack, .ss_size = sizeof stack };

	(void)unused;
	CHECK(sigaltstack(&other, NULL) == 0);
	set(with_information, SA_SIGINFO | SA_ONSTACK);
	CHECK(touch() == 1 && on_other_stack);
	return NULL;
}

/* How a child ends that does this. */
static int end_of(void (*act)(void))
{
	pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (!child) {
		struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		act();
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child);
	return status;
}

static void fault_by_default(void)
{
	signal(SIGSEGV, SIG_DFL);
	touch();
}

static void fault_ignored(void)
{
	signal(SIGSEGV, SIG_IGN);
	touch();
}

static void send_by_default(void)
{
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
}

static void handle_in_child(void)
{
	set(with_information, SA_SIGINFO);
	_exit(touch() == 1 ? 3 : 4);
}

static void children(void)
{
	int status;

	CHECK(WTERMSIG(end_of(fault_by_default)) == SIGSEGV);
	CHECK(WTERMSIG(end_of(fault_ignored)) == SIGSEGV);
	CHECK(WTERMSIG(end_of(send_by_default)) == SIGSEGV);
	status = end_of(handle_in_child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

/* It shares our memory, but not our handlers. */
static void a_child_of_vfork(void)
{
	struct sigaction now;
	pid_t child;

	set(with_information, SA_SIGINFO);
	child = vfork();
	if (!child) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Vfork): just that */
		signal(SIGSEGV, SIG_DFL);
		_exit(0);
	}
	CHECK(waitpid(child, NULL, 0) == child);
	CHECK(sigaction(SIGSEGV, NULL, &now) == 0);
	CHECK(now.sa_sigaction == with_information);
	CHECK(touch() == 1);
}

int main(void)
{
	static char stack[64 << 10];
	stack_t other = { .ss_sp = stack, .ss_size = sizeof stack };
	pthread_t thread;

	page = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(page != MAP_FAILED);
	CHECK(sigaltstack(&other, NULL) == 0);
	handlers_of_each_kind();
	handlers_by_signal();
	handlers_by_other_names();
	jumps();
	overflow_of_the_stack();
	CHECK(pthread_create(&thread, NULL, in_thread, NULL) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	children();
	a_child_of_vfork();
	return all_held();
}
