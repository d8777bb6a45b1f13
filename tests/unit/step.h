/* SPDX-License-Identifier: MIT */
/*
 * step.h - lets something happen between any two instructions.
 *
 * The processor traps after each instruction; at the chosen one the trap's
 * handler acts, as another thread or a signal handler would in that moment.
 * For x86-64; elsewhere STEP_WORKS is 0.
 */
#ifndef UNIT_STEP_H
#define UNIT_STEP_H

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>

#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
#define STEP_WORKS	    1
#define STEP_FLAGS(context) ((context)->uc_mcontext.gregs[REG_EFL])
#else
#define STEP_WORKS	    0
#define STEP_FLAGS(context) (*(long long *)(context)->uc_link)
#endif

enum { STEP_TRAP_FLAG = 0x100 };

static volatile struct {
	bool (*act)(void); /* false: not here, try at the next instruction */
	long at, now;
	bool on, acted;
} step;

static void step_on_trap(int signal, siginfo_t *info, void *data)
{
	ucontext_t *context = data;

	(void)signal;
	(void)info;
	if (step.on && step.now++ >= step.at)
		step.acted = step.act();
	if (!step.on || step.acted)
		STEP_FLAGS(context) &= ~STEP_TRAP_FLAG;
	else
		STEP_FLAGS(context) |= STEP_TRAP_FLAG;
}

/*
 * Runs `body` and lets `act` happen once, after its n-th instruction or as
 * soon as it can.  False when the body is over before that.
 */
__attribute__((unused)) static bool step_through(void (*body)(void),
						 bool (*act)(void), long n)
{
	struct sigaction action = { .sa_sigaction = step_on_trap,
				    .sa_flags = SA_SIGINFO };

	sigaction(SIGTRAP, &action, NULL);
	step.act = act;
	step.at = n;
	step.now = 0;
	step.acted = false;
	step.on = true;
	raise(SIGTRAP);
	body();
	step.on = false;
	raise(SIGTRAP);
	return step.acted;
}

static bool step_never(void)
{
	return false;
}

/* How many instructions `body` takes, and a few of ours. */
__attribute__((unused)) static long step_count(void (*body)(void))
{
	step_through(body, step_never, LONG_MAX);
	return step.now;
}

#endif
