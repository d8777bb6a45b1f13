/* SPDX-License-Identifier: MIT */
/*
 * cut.c - stores into a mapped file that somebody may cut.
 *
 * The log of allocations is such a file: each event is to be in it at once,
 * whatever ends the process, and a call for each would cost ten times as much
 * as a store.  So the handler is the price of a log that is asked for.  (The
statistics page is such a file only where it can be written by no call.)
 *
 * A program that installs a handler of its own replaces ours: cut_guard() is
 * called again and again, and goes in front of it.  A thread that blocks SIGBUS
 * would be killed by it all the same, so it is unblocked.  Limit: what is cut
 * before that ends the program.
 */
#include "watch/cut.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

__thread struct cut_watch cut_watch __attribute__((tls_model("initial-exec")));

static struct sigaction original; /* before ours came */
static struct sigaction behind;	  /* the program's last one */

static void take_default(int signal_number)
{
	struct sigaction action = { .sa_handler = SIG_DFL };

	sigaction(signal_number, &action, NULL);
}

/* As the kernel would have called it; the context is that of the fault. */
static void call(const struct sigaction *action, int signal_number,
		 siginfo_t *info, void *context)
{
	sigset_t before;

	pthread_sigmask(SIG_BLOCK, &action->sa_mask, &before);
	if (action->sa_flags & SA_SIGINFO)
		action->sa_sigaction(signal_number, info, context);
	else
		action->sa_handler(signal_number);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void pass_on(int signal_number, siginfo_t *info, void *context)
{
	static __thread bool passing __attribute__((tls_model("initial-exec")));
	struct sigaction action = passing ? original : behind;
	bool was_passing = passing;

	if (action.sa_handler == SIG_IGN && info->si_code <= 0)
		return;
	if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN) {
		/* A fault comes again at once; what was sent, we send. */
		take_default(signal_number);
		if (info->si_code <= 0)
			raise(signal_number);
		return;
	}
	if (action.sa_flags & (int)SA_RESETHAND)
		behind = (struct sigaction){ .sa_handler = SIG_DFL };
	/* It may call the handler that it found: that is ours. */
	passing = true;
	call(&action, signal_number, info, context);
	passing = was_passing;
}

static void on_bus_error(int signal_number, siginfo_t *info, void *context)
{
	struct cut_watch *w = &cut_watch;
	uintptr_t where = (uintptr_t)info->si_addr - (uintptr_t)w->from;
	int saved = errno;

	if (info->si_code > 0 && w->from && where < w->bytes &&
	    mmap(w->from, w->bytes, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED)
		w->happened = true;
	else
		pass_on(signal_number, info, context);
	errno = saved;
}

void cut_guard(void)
{
	struct sigaction ours = { .sa_sigaction = on_bus_error,
				  .sa_flags = SA_SIGINFO | SA_ONSTACK |
					      SA_RESTART };
	static uint32_t taking; /* one at a time; others do not wait */
	static bool taken;
	struct sigaction now;
	sigset_t bus;

	if (__atomic_exchange_n(&taking, 1, __ATOMIC_ACQUIRE))
		return;
	if (sigaction(SIGBUS, NULL, &now) == 0 &&
	    now.sa_sigaction != on_bus_error) {
		behind = now;
		if (!taken)
			original = now;
		taken = true;
		sigaction(SIGBUS, &ours, NULL);
	}
	__atomic_store_n(&taking, 0, __ATOMIC_RELEASE);
	sigemptyset(&bus);
	sigaddset(&bus, SIGBUS);
	pthread_sigmask(SIG_UNBLOCK, &bus, NULL);
}
