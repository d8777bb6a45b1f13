/* SPDX-License-Identifier: MIT */
/*
 * proc.h - what /proc says of a process.
 */
#ifndef MPOOL_PROC_H
#define MPOOL_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct proc_status {
	uint64_t pid;	  /* of the process, when a thread's id was asked for */
	uint64_t own_pid; /* in its own PID namespace */
	uint64_t thread;  /* whose memory can be read: not a main one that ended
			   */
	char state;	  /* 'R', 'S', 'Z', ... */
	uint64_t uids[3]; /* real, effective, saved */
	uint64_t rss_bytes, peak_rss_bytes;
};

/* False: there is no such process. */
bool proc_status(uint64_t pid, struct proc_status *status);

/* Field 22 of /proc/PID/stat; 0: no such process. */
uint64_t proc_start_ticks(uint64_t pid);

/* The PID namespace of a process; 0: out of reach. */
uint64_t proc_namespace(uint64_t pid);

/*
 * The id here of the process that has `pid` in PID namespace `where`, and
 * started then; 0: it does not run, or where it cannot be seen.
 */
uint64_t proc_translate(uint64_t pid, uint64_t where, uint64_t start_ticks);

/*
 * The thread of this name that does not block the signal, so that it can be
 * sent to that alone; 0: none.
 */
uint64_t proc_thread(uint64_t pid, const char *name, int signal_number);

/*
 * The child of a process that runs the same file as this one: of 'mpool run',
 * the program.  0: it is another program, or has no child.
 */
uint64_t proc_child_of_own_kind(uint64_t pid);

/*
 * The name that libmpool goes by: argv[0] without its folder, or the kernel's
 * when the program has none.
 */
void proc_name(uint64_t pid, char *name, size_t size);

#endif
