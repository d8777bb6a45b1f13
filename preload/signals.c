/* SPDX-License-Identifier: MIT */
/*
 * signals.c - sigaction, signal and its kin, by which a program would take
 * SIGSEGV and SIGBUS from guards.
 *
 * Without guards each call is one jump.
 */
#include "signals.h"

#include <errno.h>
#include <signal.h>

#include "next_symbol.h"

typedef void (*handler)(int number);
typedef handler signal_function(int number, handler wanted);

EXPORT handler __sysv_signal(int number, handler wanted);
#define SAME_AS(name) __attribute__((alias(name), leaf, nothrow))
EXPORT handler bsd_signal(int number, handler wanted) SAME_AS("signal");
EXPORT handler ssignal(int number, handler wanted) SAME_AS("signal");
EXPORT handler sysv_signal(int number, handler wanted) SAME_AS("__sysv_signal");

static int first_sigaction(int number, const struct sigaction *action,
			   struct sigaction *old);
static handler first_signal(int number, handler wanted);
static handler first_sysv_signal(int number, handler wanted);

static struct {
	guard_sigaction *sigaction;
	signal_function *signal, *sysv_signal;
} to = { first_sigaction, first_signal, first_sysv_signal };

EXPORT int sigaction(int number, const struct sigaction *action,
		     struct sigaction *old)
{
	return to.sigaction(number, action, old);
}

EXPORT handler signal(int number, handler wanted)
{
	return to.signal(number, wanted);
}

EXPORT handler __sysv_signal(int number, handler wanted)
{
	return to.sysv_signal(number, wanted);
}

/* --- behind us --- */

static guard_sigaction *next_sigaction;
static signal_function *next_signal, *next_sysv_signal;

static int first_sigaction(int number, const struct sigaction *action,
			   struct sigaction *old)
{
	guard_sigaction *found;

	*(void **)&found = next_symbol("sigaction");
	__atomic_store_n(&to.sigaction, found, __ATOMIC_RELAXED);
	return found(number, action, old);
}

static handler first_signal(int number, handler wanted)
{
	signal_function *found;

	*(void **)&found = next_symbol("signal");
	__atomic_store_n(&to.signal, found, __ATOMIC_RELAXED);
	return found(number, wanted);
}

static handler first_sysv_signal(int number, handler wanted)
{
	signal_function *found;

	*(void **)&found = next_symbol("__sysv_signal");
	__atomic_store_n(&to.sysv_signal, found, __ATOMIC_RELAXED);
	return found(number, wanted);
}

/* --- with guards --- */

static RARE int kept_sigaction(int number, const struct sigaction *action,
			       struct sigaction *old)
{
	return guard_fault_keeps(number)
		       ? guard_fault_action(number, action, old)
		       : next_sigaction(number, action, old);
}

static RARE handler by_sigaction(int number, handler wanted, int flags,
				 bool masked)
{
	struct sigaction action = { .sa_handler = wanted, .sa_flags = flags };
	struct sigaction old;

	if (wanted == SIG_ERR) {
		errno = EINVAL;
		return SIG_ERR;
	}
	if (masked)
		sigaddset(&action.sa_mask, number);
	return guard_fault_action(number, &action, &old) ? SIG_ERR
							 : old.sa_handler;
}

static RARE handler kept_signal(int number, handler wanted)
{
	return guard_fault_keeps(number)
		       ? by_sigaction(number, wanted, SA_RESTART, true)
		       : next_signal(number, wanted);
}

static RARE handler kept_sysv_signal(int number, handler wanted)
{
	return guard_fault_keeps(number)
		       ? by_sigaction(number, wanted,
				      (int)SA_RESETHAND | SA_NODEFER, false)
		       : next_sysv_signal(number, wanted);
}

/* --- of System V: with guards or without, these are rare --- */

static RARE handler other_sigset(int number, handler wanted)
{
	signal_function *found;

	*(void **)&found = next_symbol("sigset");
	return found(number, wanted);
}

/* As glibc's: SIG_HOLD blocks the signal, all else unblocks it. */
EXPORT RARE handler sigset(int number, handler wanted)
{
	struct sigaction action = { .sa_handler = wanted }, old;
	bool holds = wanted == SIG_HOLD;
	sigset_t one, before;

	if (!guard_fault_keeps(number))
		return other_sigset(number, wanted);
	if (guard_fault_action(number, holds ? NULL : &action, &old))
		return SIG_ERR;
	sigemptyset(&one);
	sigaddset(&one, number);
	pthread_sigmask(holds ? SIG_BLOCK : SIG_UNBLOCK, &one, &before);
	return sigismember(&before, number) ? SIG_HOLD : old.sa_handler;
}

EXPORT RARE int sigignore(int number)
{
	int (*found)(int number);

	if (guard_fault_keeps(number))
		return by_sigaction(number, SIG_IGN, 0, false) == SIG_ERR ? -1
									  : 0;
	*(void **)&found = next_symbol("sigignore");
	return found(number);
}

RARE bool signals_start(void)
{
	*(void **)&next_sigaction = next_symbol("sigaction");
	*(void **)&next_signal = next_symbol("signal");
	*(void **)&next_sysv_signal = next_symbol("__sysv_signal");
	if (!guard_fault_start(next_sigaction))
		return false;
	__atomic_store_n(&to.sigaction, kept_sigaction, __ATOMIC_RELEASE);
	__atomic_store_n(&to.signal, kept_signal, __ATOMIC_RELEASE);
	__atomic_store_n(&to.sysv_signal, kept_sysv_signal, __ATOMIC_RELEASE);
	return true;
}
