/* SPDX-License-Identifier: MIT */
/*
 * halt.c - stops all other threads of the process for a while.
 *
 * Threads are listed and attached to until a list holds no new one: whom all
 * others wait for cannot make more.  Only raw system calls, no locks and no
 * memory of malloc: the task shares errno with the caller, who waits.
 */
#include "watch/halt.h"

#ifdef __riscv
#include <asm/ptrace.h>
#endif
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/out.h"
#include "base/sys.h"

enum {
	FIRST_ROOM = 1024,    /* threads */
	PATIENCE_US = 5000000 /* with threads that do not stop: vfork */
};

struct entry { /* struct linux_dirent64 */
	uint64_t inode;
	int64_t offset;
	uint16_t length;
	uint8_t type;
	char name[];
};

struct task {
	struct halt halt;
	void (*act)(const struct halt *halt, void *arg);
	void *arg;
	uint32_t may_start;
	bool done;
};

/* --- the list of threads --- */

/* "/proc/PROCESS/task", and of one thread: "/THREAD/NAME". */
static int open_task(pid_t process, pid_t thread, const char *name)
{
	char path[64];
	struct out o;

	out_memory(&o, path, sizeof path - 1);
	out_str(&o, "/proc/");
	out_i64(&o, process);
	out_str(&o, "/task");
	if (thread) {
		out_char(&o, '/');
		out_i64(&o, thread);
		out_char(&o, '/');
		out_str(&o, name);
	}
	path[o.used] = '\0';
	return (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
}

/*
 * The number that a text begins with; -1: with none.  A strtol() that is
 * compiled today wants glibc 2.38 when it runs.
 */
static long decimal(const char *text)
{
	long n = *text >= '0' && *text <= '9' ? 0 : -1;

	for (; *text >= '0' && *text <= '9'; text++)
		n = 10 * n + (*text - '0');
	return n;
}

/*
 * Calls `visit` with each thread's id till it says false.  False then, or when
 * they cannot be listed.
 */
static bool each_thread(pid_t process, bool (*visit)(void *arg, pid_t id),
			void *arg)
{
	int fd = open_task(process, 0, NULL);
	char entries[4 * KIB] __attribute__((aligned(8)));
	bool on = fd >= 0;
	long n = 0;

	while (on &&
	       (n = syscall(SYS_getdents64, fd, entries, sizeof entries)) > 0)
		for (long at = 0; on && at < n;) {
			const struct entry *e = (void *)(entries + at);
			pid_t id = (pid_t)decimal(e->name);

			on = id < 0 || visit(arg, id);
			at += e->length;
		}
	if (fd >= 0)
		syscall(SYS_close, fd);
	return on && n == 0;
}

static bool count_thread(void *arg, pid_t id)
{
	(void)id;
	++*(size_t *)arg;
	return true;
}

size_t halt_others(void)
{
	size_t count = 0;

	each_thread(getpid(), count_thread, &count);
	return count ? count - 1 : 0;
}

/* What a file of a thread begins with; "": it is not there. */
static const char *read_task(pid_t process, pid_t thread, const char *name,
			     char text[256])
{
	int fd = open_task(process, thread, name);
	long n = fd < 0 ? 0 : syscall(SYS_read, fd, text, 255);

	if (fd >= 0)
		syscall(SYS_close, fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* Ended, and not yet gone: the main thread after pthread_exit(). */
static bool has_ended(pid_t process, pid_t thread)
{
	char text[256];
	const char *end =
		strrchr(read_task(process, thread, "stat", text), ')');

	return !end || end[2] == 'Z' || end[2] == 'X';
}

/* It runs, or waits in a call that the kernel takes up again. */
static bool goes_on(void *process, pid_t thread)
{
	static const long taken_up[] = {
		SYS_futex, SYS_nanosleep, SYS_clock_nanosleep,
		SYS_wait4, SYS_waitid,	  SYS_rt_sigsuspend,
		SYS_ppoll, SYS_pselect6,
#ifdef __x86_64__
		SYS_poll,  SYS_select,	  SYS_pause,
#endif
	};
	char text[256];
	long number;

	read_task(*(pid_t *)process, thread, "syscall", text);
	if (strncmp(text, "running", 7) == 0)
		return true;
	number = decimal(text);
	for (size_t i = 0; i < sizeof taken_up / sizeof *taken_up; i++)
		if (number == taken_up[i])
			return true;
	return has_ended(*(pid_t *)process, thread);
}

bool halt_goes_unseen(void)
{
	pid_t process = getpid();

	return each_thread(process, goes_on, &process);
}

/* --- attaching --- */

static bool make_room(struct halt *h)
{
	size_t room = h->room ? 2 * h->room : FIRST_ROOM;
	struct halt_thread *threads =
		sys_map(NULL, round_up(room * sizeof *threads, sys_page()));

	if (!threads)
		return false;
	if (h->threads) {
		memcpy(threads, h->threads, h->count * sizeof *threads);
		sys_unmap(h->threads,
			  round_up(h->room * sizeof *threads, sys_page()));
	}
	h->threads = threads;
	h->room = room;
	return true;
}

static bool attach(void *arg, pid_t id)
{
	struct halt *h = arg;

	if (id == h->caller)
		return true;
	for (size_t i = h->count; i-- > 0;)
		if (h->threads[i].id == id)
			return true;
	if (h->count == h->room && !make_room(h))
		return false;
	if (ptrace(PTRACE_SEIZE, id, NULL, NULL) < 0)
		return has_ended(h->process, id);
	h->threads[h->count++] = (struct halt_thread){ .id = id };
	ptrace(PTRACE_INTERRUPT, id, NULL, NULL);
	return true;
}

static void nap(uint64_t us)
{
	struct timespec t = { .tv_nsec = (long)us * 1000 };

	syscall(SYS_nanosleep, &t, NULL);
}

/* False: it goes on, for it waits where nothing can interrupt it. */
static bool wait_for_stop(struct halt_thread *t, uint64_t *patience_us)
{
	int status;
	long id;

	for (uint64_t us = 10;; us = min_of(2 * us, UINT64_C(1000))) {
		id = syscall(SYS_wait4, t->id, &status, __WALL | WNOHANG, NULL);
		if (id)
			break;
		if (*patience_us < us)
			return false;
		nap(us);
		*patience_us -= us;
	}
	t->stopped = id > 0 && WIFSTOPPED(status);
	if (t->stopped && status >> 16 != PTRACE_EVENT_STOP)
		t->signal = WSTOPSIG(status);
	return true;
}

static bool stop_all(struct halt *h)
{
	uint64_t patience_us = PATIENCE_US;
	size_t stopped = 0;

	do {
		for (; stopped < h->count; stopped++)
			if (!wait_for_stop(&h->threads[stopped], &patience_us))
				return false;
		if (!each_thread(h->process, attach, h))
			return false;
	} while (stopped < h->count);
	return true;
}

/* What is not detached here the kernel detaches when the task ends. */
static void let_go(const struct halt *h)
{
	for (size_t i = 0; i < h->count; i++)
		if (h->threads[i].stopped)
			ptrace(PTRACE_DETACH, h->threads[i].id, NULL,
			       (void *)(intptr_t)h->threads[i].signal);
}

/* --- registers --- */

static size_t get_registers(pid_t id, int which, void *buffer, size_t room)
{
	struct iovec to = { buffer, room };

	if (ptrace(PTRACE_GETREGSET, id, (void *)(intptr_t)which, &to) < 0)
		return 0;
	return to.iov_len;
}

size_t halt_registers(const struct halt_thread *thread, void *buffer,
		      size_t room)
{
#ifdef __x86_64__
	enum { VECTORS = NT_X86_XSTATE };
#else
	enum { VECTORS = NT_FPREGSET };
#endif
	size_t n = get_registers(thread->id, NT_PRSTATUS, buffer, room);

	return n +
	       get_registers(thread->id, VECTORS, (char *)buffer + n, room - n);
}

static void note_stack(struct halt_thread *t)
{
	struct user_regs_struct r = { 0 };

	get_registers(t->id, NT_PRSTATUS, &r, sizeof r);
#if defined(__x86_64__)
	t->stack = r.rsp;
	t->local = r.fs_base;
#elif defined(__aarch64__)
	t->stack = r.sp;
	get_registers(t->id, NT_ARM_TLS, &t->local, sizeof t->local);
#elif defined(__riscv)
	t->stack = r.sp;
	t->local = r.tp;
#endif
}

/* --- the task --- */

static int work(void *arg)
{
	struct task *task = arg;
	struct halt *h = &task->halt;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!__atomic_load_n(&task->may_start, __ATOMIC_ACQUIRE))
		sys_futex_wait(&task->may_start, 0, -1);
	if (stop_all(h)) {
		for (size_t i = 0; i < h->count; i++)
			if (h->threads[i].stopped)
				note_stack(&h->threads[i]);
		task->act(h, task->arg);
		task->done = true;
	}
	let_go(h);
	return 0;
}

/* Signals are held back: their handlers would run in the task. */
bool halt_run(void *stack, void (*act)(const struct halt *halt, void *arg),
	      void *arg)
{
	struct task task = {
		.halt = { .process = getpid(),
			  .caller = (pid_t)syscall(SYS_gettid) },
		.act = act,
		.arg = arg,
	};
	sigset_t all, old;
	int id;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	id = clone(work, (char *)stack + HALT_STACK,
		   CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_UNTRACED, &task);
	if (id > 0) {
		prctl(PR_SET_PTRACER, id);
		__atomic_store_n(&task.may_start, 1, __ATOMIC_RELEASE);
		sys_futex_wake(&task.may_start, 1);
		while (syscall(SYS_wait4, id, NULL, __WALL, NULL) < 0 &&
		       errno == EINTR)
			;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (task.halt.threads)
		sys_unmap(task.halt.threads,
			  round_up(task.halt.room * sizeof(struct halt_thread),
				   sys_page()));
	return task.done;
}
