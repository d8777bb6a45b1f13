/* SPDX-License-Identifier: MIT */
/*
 * test_trace.c - the log of allocations, as a reader finds it.
 */
#include "unit/apart.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>

#include "base/config.h"
#include "mempool/version.h"
#include "watch/trace.h"
#include "unit/limits.h"

enum { MOST = 1 << 20 };

static unsigned char log_bytes[MOST];
static size_t log_length;

static void start(void)
{
	static char name[] = "/tmp/test_trace.XXXXXX";

	close(mkstemp(name));
	config.trace = name;
	assert_true(trace_start());
}

static void read_log(void)
{
	FILE *f = fopen(config.trace, "rb");

	assert_non_null(f);
	log_length = fread(log_bytes, 1, MOST, f);
	fclose(f);
	unlink(config.trace);
}

static const struct trace_block *block(size_t number)
{
	return (const void *)(log_bytes + TRACE_HEADER + number * TRACE_BLOCK);
}

static uint64_t number_at(const unsigned char **at)
{
	uint64_t n = 0;
	int shift = 0;

	do
		n |= (uint64_t)(**at & 0x7f) << shift;
	while (shift += 7, *(*at)++ & 0x80);
	return n;
}

static uint64_t pointer_at(const unsigned char **at, uint64_t *last)
{
	uint64_t n = number_at(at);

	*last += n >> 1 ^ -(n & 1);
	return *last * 8;
}

/* Events in a block, which must lie within it and fill it to `used`. */
static size_t events_in(const struct trace_block *b)
{
	const unsigned char *at = (const unsigned char *)(b + 1);
	const unsigned char *end = (const unsigned char *)b + b->used;
	uint64_t last = 0;
	size_t count = 0;

	assert_int_equal(b->magic, TRACE_MAGIC);
	assert_true(b->used <= TRACE_BLOCK);
	for (; at < end; count++) {
		unsigned kind = *at++;

		assert_true(kind > TRACE_END && kind < TRACE_KINDS);
		number_at(&at);
		if (kind == TRACE_REALLOC)
			pointer_at(&at, &last);
		pointer_at(&at, &last);
		if (kind != TRACE_FREE)
			number_at(&at);
		if (kind == TRACE_MEMALIGN)
			number_at(&at);
	}
	assert_ptr_equal(at, end);
	return count;
}

static void each_event_is_in_the_file_at_once(void)
{
	static const char first[] =
		"mpool-trace 1\nversion " MEMPOOL_VERSION "\nprogram \"";
	const unsigned char *at;
	uint64_t last = 0;

	start();
	trace_event(TRACE_MALLOC, (void *)0x1000, 24, 0);
	trace_event(TRACE_REALLOC, (void *)0x800, 4096, 0x1000);
	trace_event(TRACE_MEMALIGN, (void *)0x4000, 1, 64);
	trace_event(TRACE_FREE, (void *)0x800, 0, 0);
	read_log();
	assert_memory_equal(log_bytes, first, sizeof first - 1);
	assert_int_equal(events_in(block(0)), 4);

	at = (const unsigned char *)(block(0) + 1);
	assert_int_equal(*at++, TRACE_MALLOC);
	number_at(&at);
	assert_int_equal(pointer_at(&at, &last), 0x1000);
	assert_int_equal(number_at(&at), 24);
	assert_int_equal(*at++, TRACE_REALLOC);
	number_at(&at);
	assert_int_equal(pointer_at(&at, &last), 0x1000);
	assert_int_equal(pointer_at(&at, &last), 0x800);
	assert_int_equal(number_at(&at), 4096);
	assert_int_equal(*at++, TRACE_MEMALIGN);
	number_at(&at);
	assert_int_equal(pointer_at(&at, &last), 0x4000);
	assert_int_equal(number_at(&at), 1);
	assert_int_equal(number_at(&at), 6);
	assert_int_equal(*at++, TRACE_FREE);
	number_at(&at);
	assert_int_equal(pointer_at(&at, &last), 0x800);
}

static void a_full_block_is_followed_by_another(void)
{
	enum { EVENTS = 50000 };
	size_t count = 0;

	start();
	for (uintptr_t i = 0; i < EVENTS; i++)
		trace_event(TRACE_MALLOC, (void *)(0x1000 + 16 * i), i, 0);
	read_log();
	assert_int_equal((log_length - TRACE_HEADER) % TRACE_BLOCK, 0);
	assert_true(log_length > TRACE_HEADER + 2 * TRACE_BLOCK);
	for (size_t i = 0; i < (log_length - TRACE_HEADER) / TRACE_BLOCK; i++)
		count += events_in(block(i));
	assert_int_equal(count, EVENTS);
}

static pthread_key_t key;

/* In every round of destructors. */
static void go_on(void *p)
{
	trace_event(TRACE_FREE, p, 0, 0);
	pthread_setspecific(key, p);
}

static void *work(void *p)
{
	trace_event(TRACE_MALLOC, p, 8, 0);
	pthread_setspecific(key, p);
	return NULL;
}

static void what_a_thread_does_at_its_end_goes_into_its_own_block(void)
{
	enum { THREADS = 5 };

#ifdef __SANITIZE_THREAD__
	apart_skip("ThreadSanitizer has left the thread by then");
#endif
	start();
	pthread_key_create(&key, go_on);
	for (int i = 0; i < THREADS; i++) {
		pthread_t thread;

		pthread_create(&thread, NULL, work, (void *)0x1000);
		pthread_join(thread, NULL);
	}
	read_log();
	assert_int_equal(log_length, TRACE_HEADER + THREADS * TRACE_BLOCK);
	for (size_t i = 0; i < THREADS; i++)
		assert_true(events_in(block(i)) >
			    PTHREAD_DESTRUCTOR_ITERATIONS);
}

static void a_descriptor_that_was_closed_is_opened_again(void)
{
	start();
	closefrom(3);
	trace_event(TRACE_MALLOC, (void *)0x1000, 24, 0);
	read_log();
	assert_int_equal(events_in(block(0)), 1);
}

static void another_file_of_that_name_is_left_alone(void)
{
	start();
	trace_event(TRACE_MALLOC, (void *)0x1000, 24, 0);
	closefrom(3);
	unlink(config.trace);
	fclose(fopen(config.trace, "w"));
	for (int i = 0; i < 50000; i++)
		trace_event(TRACE_MALLOC, (void *)0x1000, 24, 0);
	read_log();
	assert_int_equal(log_length, 0);
}

static void *trace_for_ever(void *started)
{
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	sem_post(started);
	for (uintptr_t p = 16;; p = p * 7919 % ((uintptr_t)1 << 46) | 8)
		trace_event(TRACE_MALLOC, (void *)p, p % 1000, 0);
	return NULL;
}

/* The first event of each thread takes the lock of the file. */
static void a_thread_that_is_cancelled_asynchronously_leaves_no_lock(void)
{
	sem_t started;

	if (LIMITS_SANITIZED)
		apart_skip("a sanitizer's own code is no place to be ended in");
	start();
	sem_init(&started, 0, 0);
	for (int i = 0; i < 300; i++) {
		pthread_t thread;

		assert_int_equal(
			pthread_create(&thread, NULL, trace_for_ever, &started),
			0);
		sem_wait(&started);
		for (volatile int spin = 0; spin < i * 23; spin++)
			;
		pthread_cancel(thread);
		pthread_join(thread, NULL);
	}
	for (uintptr_t p = 16; p < 500000; p += 16)
		trace_event(TRACE_MALLOC, (void *)(p * 7919), p, 0);
	unlink(config.trace);
}

/* What the library calls here; the program takes its descriptor after that. */
static int stranger = -1;

int posix_fallocate(int fd, off_t where, off_t bytes)
{
	if (stranger >= 0)
		assert_int_equal(dup2(stranger, fd), fd);
	else if (syscall(SYS_fallocate, fd, 0, where, bytes))
		return errno;
	return 0;
}

static void what_takes_the_descriptor_meanwhile_is_not_mapped(void)
{
	static char bytes[MOST], zeros[MOST];
	FILE *file = tmpfile();

	start();
	assert_int_equal(ftruncate(fileno(file), MOST), 0);
	stranger = fileno(file);
	for (int i = 0; i < 100; i++)
		trace_event(TRACE_MALLOC, &stranger, 40, 0);
	assert_int_equal(pread(stranger, bytes, MOST, 0), MOST);
	assert_memory_equal(bytes, zeros, MOST);
	read_log();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		APART(each_event_is_in_the_file_at_once),
		APART(a_full_block_is_followed_by_another),
		APART(what_a_thread_does_at_its_end_goes_into_its_own_block),
		APART(a_descriptor_that_was_closed_is_opened_again),
		APART(another_file_of_that_name_is_left_alone),
		APART(a_thread_that_is_cancelled_asynchronously_leaves_no_lock),
		APART(what_takes_the_descriptor_meanwhile_is_not_mapped),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
