/* SPDX-License-Identifier: MIT */
/*
 * guard_fault.c - SIGSEGV and SIGBUS: those that come from a slot are reported,
 * all others are the program's.
 */
#include "watch/guard_fault.h"

#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/config.h"
#include "watch/guard.h"
#include "watch/guard_report.h"

typedef void handler(int number, siginfo_t *info, void *context);

static guard_sigaction *kernel; /* asks it */
static pid_t owner;		/* the process of the table */

/*
 * What the program wants: one of two, the other is where a change is made, by a
 * thread that has blocked all signals.  version is odd meanwhile, and half of
 * it says which.  So nobody who reads waits, nor does a child that is forked in
 * the midst of a change find half of one.
 */
static struct wish {
	uint32_t version;
	struct sigaction action[2];
} segv, bus;

static struct wish *wish_of(int number)
{
	return number == SIGSEGV ? &segv : number == SIGBUS ? &bus : NULL;
}

/* ThreadSanitizer knows none, and the compiler says so. */
#ifdef __SANITIZE_THREAD__
#define fence(order) ((void)(order))
#else
#define fence(order) __atomic_thread_fence(order)
#endif

/* Again if the change after the next has begun. */
static struct sigaction read_wish(const struct wish *wish)
{
	struct sigaction action;
	uint32_t before, after;

	do {
		before = __atomic_load_n(&wish->version, __ATOMIC_ACQUIRE);
		action = wish->action[before / 2 % 2];
		fence(__ATOMIC_ACQUIRE);
		after = __atomic_load_n(&wish->version, __ATOMIC_RELAXED);
	} while (after - (before & ~1u) > 2);
	return action;
}

static bool is_handler(const struct sigaction *action)
{
	return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
}

/* --- a fault --- */

/* As the kernel does it: a fault comes again at once, what was sent, we send.
 */
static void take_default(int number, siginfo_t *info)
{
	struct sigaction action = { .sa_handler = SIG_DFL };

	kernel(number, &action, NULL);
	if (info->si_code <= 0)
		syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid),
			number, info);
}

static void pass_on(int number, siginfo_t *info, void *context)
{
	struct sigaction action = read_wish(wish_of(number));

	if (action.sa_handler == SIG_IGN && info->si_code <= 0)
		return;
	if (!is_handler(&action)) {
		take_default(number, info);
		return;
	}
	if (action.sa_flags & (int)SA_RESETHAND) {
		struct sigaction once = { .sa_handler = SIG_DFL };

		guard_fault_action(number, &once, NULL);
	}
	/* All three, whatever its flags say: so does the kernel. */
	((handler *)action.sa_sigaction)(number, info, context);
}

static const char *verb_of(const void *context)
{
#if defined(__x86_64__)
	enum { WRITES = 2 };
	const ucontext_t *c = context;

	return c->uc_mcontext.gregs[REG_ERR] & WRITES ? "written " : "read ";
#else
	(void)context;
	return "touched ";
#endif
}

/* True: the program may do it again, and will not be stopped. */
static bool is_settled(uintptr_t address, const void *context)
{
	struct guard_trace by;
	struct guard_slot *slot;
	enum guard_crime crime = guard_slots_touch(address, &slot);

	if (crime == GUARD_NO_CRIME)
		return false;
	guard_trace_here(&by, context);
	guard_report(crime, address, verb_of(context), slot, &by);
	return config.guard_go_on && guard_slots_forgive(address);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	int saved = errno;
	bool settled = info->si_code > 0 && guard_owns(info->si_addr) &&
		       is_settled((uintptr_t)info->si_addr, context);

	errno = saved;
	if (!settled)
		pass_on(number, info, context);
}

/* --- what the program wants --- */

/* Its handler's flags and mask are ours; it needs the stack if there is one. */
static int install(int number, const struct sigaction *wanted,
		   struct sigaction *was)
{
	struct sigaction ours = { .sa_flags = SA_ONSTACK };

	if (is_handler(wanted))
		ours = *wanted;
	ours.sa_flags |= SA_SIGINFO;
	ours.sa_flags &= ~(int)SA_RESETHAND;
	ours.sa_sigaction = on_fault;
	return kernel(number, &ours, was);
}

bool guard_fault_keeps(int number)
{
	return kernel && wish_of(number);
}

/* Returns the version before. */
static uint32_t begin_change(struct wish *wish)
{
	uint32_t even;

	do
		even = __atomic_load_n(&wish->version, __ATOMIC_RELAXED) & ~1u;
	while (!__atomic_compare_exchange_n(&wish->version, &even, even + 1,
					    true, __ATOMIC_ACQ_REL,
					    __ATOMIC_RELAXED));
	fence(__ATOMIC_RELEASE);
	return even;
}

static void end_change(struct wish *wish, uint32_t version)
{
	__atomic_store_n(&wish->version, version, __ATOMIC_RELEASE);
}

/*
 * In a child that shares memory with its parent (vfork), or that nobody
 * announced, the table is not the process's own.
 */
int guard_fault_action(int number, const struct sigaction *action,
		       struct sigaction *old)
{
	struct wish *wish = wish_of(number);
	struct sigaction wanted, was;
	sigset_t all, before;
	uint32_t even;
	int status = 0;

	if (getpid() != owner)
		return kernel(number, action, old);
	if (action) {
		wanted = *action; /* what is no address faults here */
		/* As the kernel does. */
		sigdelset(&wanted.sa_mask, SIGKILL);
		sigdelset(&wanted.sa_mask, SIGSTOP);
	}
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	even = begin_change(wish);
	was = wish->action[even / 2 % 2];
	wish->action[(even / 2 + 1) % 2] = action ? wanted : was;
	if (action)
		status = install(number, &wanted, NULL);
	end_change(wish, status ? even : even + 2);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (old && !status)
		*old = was;
	return status;
}

bool guard_fault_start(guard_sigaction *by)
{
	int saved = errno;
	bool done;

	kernel = by;
	owner = getpid();
	/* A fault between the two calls finds what it needs. */
	done = kernel(SIGSEGV, NULL, segv.action) == 0 &&
	       kernel(SIGBUS, NULL, bus.action) == 0 &&
	       install(SIGSEGV, segv.action, NULL) == 0;
	if (done && install(SIGBUS, bus.action, NULL)) {
		kernel(SIGSEGV, segv.action, NULL);
		done = false;
	}
	if (!done)
		kernel = NULL;
	errno = saved;
	return done;
}

/* A change that another thread was making will not be finished. */
void guard_fault_fork_child(void)
{
	owner = getpid();
	end_change(&segv, segv.version & ~1u);
	end_change(&bus, bus.version & ~1u);
}
