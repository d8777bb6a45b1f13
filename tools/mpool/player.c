/* SPDX-License-Identifier: MIT */
/*
 * player.c - does the calls of a log again, in a process of its own.
 *
 * Each thread of the log is a thread here.  A call on an object waits until
 * those before it, of other threads, are done.  Nothing but the log's calls
 * goes to malloc while it runs; the first word and one byte a page of each
 * object are written, as a program would.
 */
#include "player.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, STEPS = 16, BUCKETS = 64 * STEPS };

struct slot {
	void *p;
	uint32_t turn; /* calls done on it */
};

static struct player_task *task;
static const struct op *ops;
static struct slot *slots;
static uint64_t histogram[BUCKETS];
static uint64_t most_ns, failed;
static pthread_barrier_t start_line;

static void *map(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED) {
		perror("mpool: player");
		_exit(1);
	}
	return p;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Buckets of a sixteenth of a power of two. */
static unsigned bucket_of(uint64_t ns)
{
	unsigned top;

	if (ns < STEPS)
		return (unsigned)ns;
	top = 63 - (unsigned)__builtin_clzll(ns);
	return (top - 3) * STEPS + (unsigned)(ns >> (top - 4) & (STEPS - 1));
}

static uint64_t bucket_end(unsigned bucket)
{
	unsigned top = bucket / STEPS + 3;

	if (bucket < STEPS)
		return bucket;
	return (UINT64_C(1) << top) +
	       (((uint64_t)(bucket % STEPS) + 1) << (top - 4)) - 1;
}

static void touch(char *p, uint64_t size)
{
	if (size)
		*p = 1;
	for (uint64_t at = PAGE; at < size; at += PAGE)
		p[at] = 1;
}

static void *call(const struct op *op, void *p)
{
	switch (op->kind) {
	case TRACE_CALLOC:
		return calloc(1, op->size);
	case TRACE_REALLOC:
		return realloc(p, op->size ? op->size : 1);
	case TRACE_MEMALIGN:
		return memalign((size_t)1 << op->align, op->size);
	default:
		return malloc(op->size);
	}
}

static void play_one(const struct op *op, bool timed)
{
	struct slot *s = &slots[op->object];
	void *p = NULL, *old;
	uint64_t start = 0, ns;

	while (__atomic_load_n(&s->turn, __ATOMIC_ACQUIRE) != op->turn)
		sched_yield();
	old = s->p;
	if (timed)
		start = now_ns();
	if (op->kind == TRACE_FREE)
		free(old);
	else
		p = call(op, old);
	if (timed) {
		ns = now_ns() - start;
		__atomic_fetch_add(&histogram[bucket_of(ns)], 1,
				   __ATOMIC_RELAXED);
		if (ns > __atomic_load_n(&most_ns, __ATOMIC_RELAXED))
			__atomic_store_n(&most_ns, ns, __ATOMIC_RELAXED);
	}
	if (p)
		touch(p, op->size);
	else if (op->kind != TRACE_FREE) {
		__atomic_fetch_add(&failed, 1, __ATOMIC_RELAXED);
		p = op->kind == TRACE_REALLOC ? old : NULL;
	}
	s->p = p;
	__atomic_store_n(&s->turn, op->turn + 1, __ATOMIC_RELEASE);
}

/* first[t] is the first op of thread t; next[i] the one after op i. */
static uint32_t *first, *next_op;

static void *play(void *argument)
{
	uint32_t thread = (uint32_t)(uintptr_t)argument;
	bool timed = task->latency;

	pthread_barrier_wait(&start_line);
	for (uint32_t i = first[thread]; i != UINT32_MAX; i = next_op[i])
		play_one(&ops[i], timed);
	return NULL;
}

static void link_threads(void)
{
	uint32_t *last = map(task->threads * sizeof *last + PAGE);

	first = map(task->threads * sizeof *first + PAGE);
	next_op = map(task->count * sizeof *next_op + PAGE);
	for (uint32_t t = 0; t < task->threads; t++)
		first[t] = last[t] = UINT32_MAX;
	for (uint32_t i = 0; i < task->count; i++) {
		uint32_t t = ops[i].thread;

		next_op[i] = UINT32_MAX;
		if (last[t] == UINT32_MAX)
			first[t] = i;
		else
			next_op[last[t]] = i;
		last[t] = i;
	}
}

/* The number in kB that `key` has in /proc/self/status, in bytes. */
static uint64_t status_bytes(const char *key)
{
	static char text[8192];
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
	char *at;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	at = strstr(text, key);
	return at ? strtoull(at + strlen(key), NULL, 10) * 1024 : 0;
}

static void reset_peak(void)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		if (write(fd, "5", 1) != 1)
			task->rss_before = status_bytes("VmHWM:");
		close(fd);
	}
}

static uint64_t quantile(double q)
{
	uint64_t all = 0, seen = 0;
	unsigned b;

	for (b = 0; b < BUCKETS; b++)
		all += histogram[b];
	for (b = 0; b < BUCKETS - 1; b++) {
		seen += histogram[b];
		if ((double)seen >= q * (double)all)
			break;
	}
	return bucket_end(b);
}

static void play_all(void)
{
	pthread_t *threads = map(task->threads * sizeof *threads + PAGE);
	uint64_t start;
	int error = 0;

	pthread_barrier_init(&start_line, NULL, task->threads);
	for (uint32_t t = 1; t < task->threads && !error; t++)
		error = pthread_create(&threads[t], NULL, play,
				       (void *)(uintptr_t)t);
	if (error) {
		fprintf(stderr, "mpool: player: %u threads: %s\n",
			task->threads, strerror(error));
		_exit(1);
	}
	task->rss_before = status_bytes("VmRSS:");
	reset_peak();
	start = now_ns();
	play(NULL);
	for (uint32_t t = 1; t < task->threads; t++)
		pthread_join(threads[t], NULL);
	task->ns = now_ns() - start;
	task->rss_peak = status_bytes("VmHWM:");
	task->rss_after = status_bytes("VmRSS:");
}

int command_play(int argc, char **argv)
{
	int fd = argc > 1 ? atoi(argv[1]) : -1;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < (off_t)sizeof *task)
		return 2;
	task = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_POPULATE, fd, 0);
	if (task == MAP_FAILED)
		return 2;
	ops = (const struct op *)(task + 1);
	slots = map(((size_t)task->objects + 1) * sizeof *slots);
	if (task->threads && task->count) {
		link_threads();
		play_all();
	}
	task->p50_ns = quantile(0.5);
	task->p99_ns = quantile(0.99);
	task->p999_ns = quantile(0.999);
	task->most_ns = most_ns;
	task->failed = failed;
	task->done = 1;
	/* Destructors of the allocators are none of our business. */
	_exit(0);
}
