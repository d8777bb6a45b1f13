/* SPDX-License-Identifier: MIT */
/*
 * watched.c - does what gets into the way of who records its allocations:
 * the first argument says what.  Prints "done".
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void *kept;

static void allocate(int number)
{
	(void)number;
	free(malloc(100));
}

/* Has a handler allocate on a stack of its own, that of the least usual size.
 */
static void handle_on(void *stack, size_t bytes)
{
	stack_t own = { .ss_sp = stack, .ss_size = bytes };
	struct sigaction action = { .sa_handler = allocate,
				    .sa_flags = SA_ONSTACK };

	sigaltstack(&own, NULL);
	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < 100; i++)
		raise(SIGUSR1);
}

static void load(int calls)
{
	for (int i = 0; i < calls; i++) {
		char *p = malloc(20 + i % 300);

		memset(p, 1, 20);
		free(p);
	}
}

/* Nothing but what malloc and exit may need. */
static void confine(void)
{
	static const int allowed[] = {
		SYS_read,    SYS_write,	 SYS_exit_group,
		SYS_mmap,    SYS_munmap, SYS_mprotect,
		SYS_madvise, SYS_brk,	 SYS_futex,
	};
	enum { ALLOWED = sizeof allowed / sizeof *allowed };
	struct sock_filter filter[2 * ALLOWED + 2];
	struct sock_fprog program = { 0, filter };

	filter[program.len++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (int i = 0; i < ALLOWED; i++) {
		filter[program.len++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, allowed[i], 0, 1);
		filter[program.len++] = (struct sock_filter)BPF_STMT(
			BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	filter[program.len++] = (struct sock_filter)BPF_STMT(
		BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(77);
}

static void fork_and_load(void)
{
	if (fork() == 0) {
		usleep(100000);
		load(100000);
		exit(0);
	}
	wait(NULL);
}

/* The two plug-ins come to lie at the same place. */
static void load_plugins(char **names)
{
	for (int i = 0; i < 20; i++) {
		void *library = dlopen(names[i % 2], RTLD_NOW);
		void (*run)(int depth);

		if (!library)
			exit(1);
		*(void **)&run = dlsym(library, "run");
		run(i % 5);
		dlclose(library);
	}
}

/* The only pointer to a block, in one of very many mappings. */
static void hide_in_mappings(int calls)
{
	enum { BYTES = 4096 };

	for (int i = 0; i < calls; i++) {
		int access = PROT_READ | (i % 2 ? PROT_WRITE : 0);
		void **p = mmap(NULL, BYTES, access,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			exit(77);
		if (i % 1000 == 1)
			*p = malloc(333);
	}
}

static pthread_key_t key;

/* Comes back in each round of destructors, to the last. */
static void free_and_allocate(void *p)
{
	free(p);
	pthread_setspecific(key, malloc(40));
}

static void *end_thread(void *unused)
{
	(void)unused;
	pthread_setspecific(key, malloc(40));
	return NULL;
}

static void end_threads(int count)
{
	pthread_key_create(&key, free_and_allocate);
	for (int i = 0; i < count; i++) {
		pthread_t thread;

		pthread_create(&thread, NULL, end_thread, NULL);
		pthread_join(thread, NULL);
	}
}

/* Others empty, cut and fill the files that it is watched by. */
static void cut(char **files)
{
	static const off_t lengths[] = { 0, 100, 0, 1 << 13, 1, 0 };

	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		for (char **file = files; *file; file++)
			if (truncate(*file, lengths[i]) < 0)
				exit(1);
		load(20000);
		usleep(60000); /* more than PAGE_STALE_MS */
		load(20000);
	}
}

/* 64 children publish pages, and end without a word; then the parent, too. */
static void leave_pages(void)
{
	for (int i = 0; i < 64; i++) {
		if (fork() == 0) {
			load(2000);
			usleep(60000); /* more than PAGE_STALE_MS */
			load(2000);
			if (i % 2)
				_exit(0);
			raise(SIGKILL);
		}
		if (i % 16 == 15)
			while (wait(NULL) > 0)
				;
	}
}

static sigjmp_buf before_fault;
static char *own_mapping;

static void on_own_fault(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	siglongjmp(before_fault, info->si_addr == own_mapping ? 1 : 2);
}

/* The program's own SIGBUS: its handler is called, once and with the place. */
static void fault(void)
{
	struct sigaction action = { .sa_sigaction = on_own_fault,
				    .sa_flags = SA_SIGINFO | SA_RESETHAND };
	FILE *file = tmpfile();

	sigaction(SIGBUS, &action, NULL);
	for (int i = 0; i < 20; i++) { /* it is seen that there is one */
		load(1000);
		usleep(2000);
	}
	own_mapping = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fileno(file), 0);
	switch (sigsetjmp(before_fault, 1)) {
	case 0:
		exit(*own_mapping + 3);
	case 2:
		exit(2);
	}
}

static struct sigaction found;

static void call_found(int number, siginfo_t *info, void *context)
{
	found.sa_sigaction(number, info, context);
}

/* A handler that hands on to the one that it found, as crash reporters do. */
static void hand_on(void)
{
	struct sigaction action = { .sa_sigaction = call_found,
				    .sa_flags = SA_SIGINFO };

	sigaction(SIGBUS, &action, &found);
	for (int i = 0; i < 20; i++) {
		load(1000);
		usleep(2000);
	}
	raise(SIGBUS);
}

static void handle_and_cut(char **files)
{
	struct sigaction action = { .sa_sigaction = on_own_fault,
				    .sa_flags = SA_SIGINFO };

	sigaction(SIGBUS, &action, NULL);
	for (int i = 0; i < 20; i++) {
		load(1000);
		usleep(2000);
	}
	if (sigsetjmp(before_fault, 1))
		exit(5);
	cut(files);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	sigset_t all;

	load(2000);
	if (!strcmp(what, "close-all")) {
		closefrom(3);
		load(300000);
	} else if (!strcmp(what, "reuse-2")) {
		closefrom(2);
		if (open("own", O_CREAT | O_TRUNC | O_WRONLY, 0600) != 2)
			return 1;
		unlink(argv[2]); /* where the trace is */
		load(300000);
	} else if (!strcmp(what, "chdir")) {
		if (chdir("/") < 0)
			return 1;
		fork_and_load();
	} else if (!strcmp(what, "sandbox")) {
		confine();
		load(1000000);
		return write(1, "done\n", 5) != 5;
	} else if (!strcmp(what, "stay-in-sandbox")) {
		confine();
		(void)!write(1, "ready\n", 6);
		for (;;)
			load(100000);
	} else if (!strcmp(what, "plugins")) {
		load_plugins(argv + 2);
	} else if (!strcmp(what, "mappings")) {
		hide_in_mappings(30000);
	} else if (!strcmp(what, "threads")) {
		end_threads(2000);
	} else if (!strcmp(what, "large")) {
		for (int i = 0; i < 500; i++) {
			kept = realloc(kept, 20000 + i);
			usleep(1000);
		}
		fflush(stdout);
		raise(9);
	} else if (!strcmp(what, "small-stack")) {
		handle_on(malloc(8 << 10), 8 << 10);
	} else if (!strcmp(what, "cut")) {
		cut(argv + 2);
	} else if (!strcmp(what, "move-and-cut")) {
		closefrom(3);
		if (rename(argv[2], argv[3]) < 0)
			return 1;
		cut(argv + 3);
	} else if (!strcmp(what, "block-and-cut")) {
		sigfillset(&all);
		sigprocmask(SIG_BLOCK, &all, NULL);
		usleep(20000); /* it is seen that it is blocked */
		load(1000);
		cut(argv + 2);
	} else if (!strcmp(what, "handle-and-cut")) {
		handle_and_cut(argv + 2);
		fault();
	} else if (!strcmp(what, "chroot")) {
		kept = malloc(777);
		if (chroot(argv[2]) < 0 || chdir("/") < 0)
			return 77;
	} else if (!strcmp(what, "leave-pages")) {
		leave_pages();
	} else if (!strcmp(what, "hand-on")) {
		hand_on();
	} else if (!strcmp(what, "bus")) {
		raise(SIGBUS);
	} else if (!strcmp(what, "quick")) {
		kept = malloc(555);
		kept = NULL;
		puts("done");
		fflush(stdout);
		quick_exit(4);
	}
	puts("done");
	return 0;
}
