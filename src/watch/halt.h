/* SPDX-License-Identifier: MIT */
/*
 * halt.h - stops all other threads of the process for a while.
 *
 * A task that shares memory and files with the process, but is none of its
 * threads, attaches to each of them (ptrace), as LeakSanitizer does.  The
 * program sees nothing of it but calls that the kernel does not take up again
 * after a stop: epoll_wait() and some others return EINTR, signal(7).
 * It cannot be done where ptrace is refused or somebody else has attached, as
 * strace -f and debuggers do.
 */
#ifndef WATCH_HALT_H
#define WATCH_HALT_H

#include <sys/types.h>

#include "base/common.h"

/* Bytes of memory that halt_run() needs for the task's stack. */
enum { HALT_STACK = 64 << 10 };

/* stack, local: its stack pointer and thread pointer; 0: not known. */
struct halt_thread {
	pid_t id;
	int signal; /* that it was about to get */
	bool stopped;
	uintptr_t stack, local;
};

struct halt {
	struct halt_thread *threads; /* but for the caller */
	size_t count, room;
	pid_t process, caller;
};

/*
 * Has `act` called by the task while all other threads stand still; they may
 * hold any lock, so it must neither take one nor allocate.  The caller waits.
 * False: they could not be stopped, and `act` was not called.
 */
bool halt_run(void *stack, void (*act)(const struct halt *halt, void *arg),
	      void *arg);

/*
 * Inside `act`: copies a thread's registers, vectors included.  Returns how
 * many bytes; what did not fit is cut off.
 */
size_t halt_registers(const struct halt_thread *thread, void *buffer,
		      size_t room);

/* Whether no thread waits in a call that would return when it is stopped. */
bool halt_goes_unseen(void);

/* Threads of the process but for the caller; 0 also where /proc is missing. */
size_t halt_others(void);

#endif
