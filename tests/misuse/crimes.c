/* SPDX-License-Identifier: MIT */
/*
 * crimes.c - each crime against the allocator, and when it is found.
 *
 *   crimes [CRIME [SIZE [cold|warm]]]
 *
 * A crime is committed by a child: in a class that nobody has used (cold), or
 * after 300 objects of it were allocated and freed (warm).  Then the child
 * frees the object, if it has not, allocates and frees many of its size, and
 * exits.  A line for each tells when it was stopped, by a signal:
 *
 *   once   by the crime itself        free   when the object was freed
 *   reuse  when memory was reused     exit   when the process ended
 *   gone   it was harmless: the content was not there any more
 *   no     never
 */
#include "misuse.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/wait.h>

enum { BIG = 256 << 10, WARM = 300, REUSED = 2000, APART = 100, SECONDS = 60 };

static const size_t sizes[] = { 16, 64, 128, 256, 4096, BIG };

static int stage; /* the pipe to the parent: a letter for each stage passed */
static size_t size;
static char *p;
static bool freed, harmless;
static char global[BIG] __attribute__((aligned(4096)));
static char *others[1000];

extern void free_sized(void *, size_t) __attribute__((weak));

static void *get(size_t n)
{
	void *got = malloc(n);

	CHECK(got);
	return opaque(got);
}

static void give(void *q)
{
	free(opaque(q));
}

static void reach(char c)
{
	CHECK(write(stage, &c, 1) == 1);
}

static void use_class(int count)
{
	for (int i = 0; i < count; i++)
		memset(others[i] = get(size), 0x55, size);
	for (int i = 0; i < count; i++)
		give(others[i]);
}

/* --- crimes --- */

static void free_twice(int between)
{
	give(p);
	for (int i = 0; i < between; i++)
		others[i] = get(size + (i & 1) * 16);
	for (int i = 0; i < between; i++)
		give(others[i]);
	give(p);
	freed = true;
}

static void double_free(int n)
{
	free_twice(n);
}

static void *thread(void *unused)
{
	give(p);
	return unused;
}

static void double_free_thread(int unused)
{
	pthread_t other;

	CHECK(pthread_create(&other, NULL, thread, NULL) == 0);
	CHECK(pthread_join(other, NULL) == 0);
	give(p);
	freed = true;
}

static void double_free_realloc(int unused)
{
	char *moved = opaque(realloc(p, size * 8));

	CHECK(moved);
	freed = true;
	if (moved == p) {
		harmless = true;
		return;
	}
	give(p);
}

static void free_again(void)
{
	give(p);
}

static void double_free_exit(int unused)
{
	atexit(free_again);
	give(p);
	reach('o');
	reach('f');
	reach('r');
	exit(0);
}

static void free_inside(int n)
{
	give(p + n);
}

static void free_stack(int unused)
{
	char local[4096] __attribute__((aligned(64)));

	memset(local, 1, sizeof(local));
	give(local + 64);
}

static void free_global(int unused)
{
	give(global + 64);
}

/* Where the next but some would be. */
static void free_never(int unused)
{
	give(p + ((size + 4096) & -(size_t)4096) * 7);
}

static int by_address(const void *a, const void *b)
{
	uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

	return x < y ? -1 : x > y;
}

/*
 * From now on `p` is an object beside which there is none, where it can be
 * had: what changes another object's content is found by nobody.
 */
static void move_apart(void)
{
	char *old = p;
	int chosen = 0;

	if (getenv("MPOOL_GUARD")) /* which has none, and not so many slots */
		return;
	for (int i = 0; i < APART; i++)
		others[i] = get(size);
	qsort(others, APART, sizeof(*others), by_address);
	for (int i = 1; i + 1 < APART && !chosen; i++)
		if (others[i + 1] - others[i] == others[i] - others[i - 1] &&
		    others[i + 1] - others[i] <= (long)size + 32)
			chosen = i;
	for (int i = 0; i < APART; i++)
		if (i != chosen)
			give(others[i]);
	p = others[chosen];
	memset(p, 0x55, size);
	give(old);
}

static void overflow(int n)
{
	move_apart();
	p[size - 1 + n] ^= 'A';
}

static void underflow(int n)
{
	move_apart();
	p[-n] ^= 'A';
}

/* Of bytes that all differ from what is there. */
static void copy_to(char *to, size_t bytes)
{
	static char from[BIG + 64];

	for (size_t i = 0; i < bytes; i++)
		from[i] = ~to[i];
	memcpy(to, opaque(from), bytes);
}

static void overflow_copy(int n)
{
	move_apart();
	copy_to(p, size + n);
}

static void underflow_copy(int n)
{
	move_apart();
	copy_to(p - n, size);
}

static void write_freed(int unused)
{
	give(p);
	freed = true;
	p[size / 2] ^= 'A';
}

static void read_freed(int unused)
{
	give(p);
	freed = true;
	harmless = p[size / 2] != 0x55;
}

/* All that malloc gives has been somebody's. */
static void read_fresh(int unused)
{
	use_class(100);
	for (int i = 0; i < 150; i++) {
		others[i] = get(size);
		for (size_t at = 0; at < size; at++)
			if (others[i][at])
				return;
	}
	harmless = true;
}

static void sized(int n)
{
	if (!free_sized)
		return;
	free_sized(p, size + n);
	freed = true;
}

static void read_none(int unused)
{
	volatile char *none = get(0);

	(void)*none;
}

static void write_none(int unused)
{
	char *none = get(0);

	none[0] = 'A';
	give(none);
}

static const struct crime {
	const char *name;
	void (*commit)(int argument);
	int argument;
} crimes[] = {
	{ "double-free", double_free, 0 },
	{ "double-free-after-1", double_free, 1 },
	{ "double-free-after-10", double_free, 10 },
	{ "double-free-after-100", double_free, 100 },
	{ "double-free-after-1000", double_free, 1000 },
	{ "double-free-by-thread", double_free_thread },
	{ "double-free-of-moved", double_free_realloc },
	{ "double-free-at-exit", double_free_exit },
	{ "free-inside-by-1", free_inside, 1 },
	{ "free-inside-by-8", free_inside, 8 },
	{ "free-stack", free_stack },
	{ "free-global", free_global },
	{ "free-never-allocated", free_never },
	{ "overflow-by-1", overflow, 1 },
	{ "overflow-by-8", overflow, 8 },
	{ "overflow-by-16", overflow, 16 },
	{ "overflow-by-32", overflow, 32 },
	{ "underflow-by-1", underflow, 1 },
	{ "underflow-by-8", underflow, 8 },
	{ "underflow-by-16", underflow, 16 },
	{ "underflow-by-32", underflow, 32 },
	{ "memcpy-overflow-by-1", overflow_copy, 1 },
	{ "memcpy-overflow-by-32", overflow_copy, 32 },
	{ "memcpy-underflow-by-32", underflow_copy, 32 },
	{ "write-after-free", write_freed },
	{ "read-after-free", read_freed },
	{ "uninitialised-content", read_fresh },
	{ "free-with-another-size", sized, 1 },
	{ "read-of-no-bytes", read_none },
	{ "write-to-no-bytes", write_none },
};

/* --- children --- */

static void child(const struct crime *c, bool warm)
{
	alarm(SECONDS);
	if (warm)
		use_class(WARM);
	p = get(size);
	memset(p, 0x55, size);
	c->commit(c->argument);
	reach(harmless ? 'g' : 'o');
	if (!freed)
		give(p);
	reach('f');
	for (int i = 0; i < REUSED; i++) {
		others[i % 100] = get(size);
		if (i >= 50)
			give(others[(i - 50) % 100]);
	}
	reach('r');
	exit(0);
}

static const char *verdict(const char *seen, int status)
{
	static const char *const when[] = { "once", "free", "reuse", "exit" };

	if (*seen == 'g')
		return "gone";
	if (WIFEXITED(status))
		return "no";
	CHECK(WTERMSIG(status) != SIGALRM);
	return when[strlen(seen)];
}

static void try(const struct crime *c, bool warm)
{
	char seen[8] = "", line[96];
	int ends[2], status;
	pid_t pid;

	CHECK(pipe(ends) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		close(ends[0]);
		stage = ends[1];
		child(c, warm);
	}
	close(ends[1]);
	for (ssize_t n = 0, got; (got = read(ends[0], seen + n, 4)) > 0;)
		n += got;
	CHECK(waitpid(pid, &status, 0) == pid);
	close(ends[0]);
	snprintf(line, sizeof(line), "%s %zu %s %s\n", c->name, size,
		 warm ? "warm" : "cold", verdict(seen, status));
	say(STDOUT_FILENO, line);
}

int main(int argc, char **argv)
{
	size_wanted(0, NULL); /* no core files */
	for (size_t i = 0; i < sizeof(crimes) / sizeof(*crimes); i++)
		for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++)
			for (int warm = 0; warm < 2; warm++) {
				size = sizes[s];
				if ((argc > 1 &&
				     strcmp(argv[1], crimes[i].name)) ||
				    (argc > 2 &&
				     (size_t)atol(argv[2]) != size) ||
				    (argc > 3 && warm != (argv[3][0] == 'w')))
					continue;
				try(&crimes[i], warm);
			}
	return 0;
}
