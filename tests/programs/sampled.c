/* SPDX-License-Identifier: MIT */
/*
 * sampled.c - allocates where the taking of a stack must not do anything.
 *
 *   sampled phdr         under ld.so's lock, in callbacks of dl_iterate_phdr,
 *                        while others allocate with a lock that these want
 *   sampled timer        in the thread of SIGEV_THREAD timers
 *   sampled tls FILE...  in ld.so, which makes room for the thread-local
 *                        variables of the libraries in a thread that was there
 *   sampled bottom       on a hand-made stack with a wrong return address
 */
#include "check.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

/* --- phdr --- */

enum { WALKS = 20000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int stop;

static int in_callback(struct dl_phdr_info *info, size_t size, void *unused)
{
	free(strdup(info->dlpi_name));
	pthread_mutex_lock(&mutex);
	free(malloc(100));
	pthread_mutex_unlock(&mutex);
	return 0;
}

/* From ever new places, so that the unwinder has to look at their tables. */
static void *allocate(void *unused)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		char text[64];

		pthread_mutex_lock(&mutex);
		free(malloc(50));
		snprintf(text, sizeof text, "%a", 1.0 / 7);
		free(strdup(text));
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void phdr(void)
{
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		CHECK(!pthread_create(&threads[i], NULL, allocate, NULL));
	for (int i = 0; i < WALKS; i++)
		dl_iterate_phdr(in_callback, NULL);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

/* --- timer --- */

enum { EXPIRIES = 500 };

static sem_t expired;

static void on_expiry(union sigval value)
{
	free(malloc(100));
	sem_post(&expired);
}

static void timer(void)
{
	struct itimerspec often = { { 0, 200000 }, { 0, 200000 } };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD };
	timer_t t;

	sem_init(&expired, 0, 0);
	event.sigev_notify_function = on_expiry;
	CHECK(!timer_create(CLOCK_MONOTONIC, &event, &t));
	CHECK(!timer_settime(t, 0, &often, NULL));
	for (int i = 0; i < EXPIRIES; i++)
		sem_wait(&expired);
	timer_delete(t);
}

/* --- tls --- */

static char **files;
static pthread_barrier_t opened;
static int (**touch)(void);

static void *touch_all(void *unused)
{
	free(malloc(10));
	pthread_barrier_wait(&opened);
	pthread_barrier_wait(&opened);
	for (int i = 0; files[i]; i++)
		CHECK(touch[i]() == 1);
	return NULL;
}

static void tls(int count)
{
	pthread_t thread;

	touch = calloc(count, sizeof *touch);
	pthread_barrier_init(&opened, NULL, 2);
	CHECK(!pthread_create(&thread, NULL, touch_all, NULL));
	pthread_barrier_wait(&opened);
	for (int i = 0; i < count; i++) {
		void *library = dlopen(files[i], RTLD_NOW | RTLD_LOCAL);

		CHECK(library != NULL);
		touch[i] = dlsym(library, "touch");
	}
	pthread_barrier_wait(&opened);
	pthread_join(thread, NULL);
	for (int i = 0; i < count; i++)
		CHECK(touch[i]() == 1);
}

/* --- bottom --- */

#if defined(__x86_64__)
static void *back;

static __attribute__((noinline, used)) void at_the_bottom(void)
{
	for (int i = 0; i < 100; i++)
		free(malloc(40 + i));
}

static void bottom(void)
{
	enum { BYTES = 64 << 10 };
	char *stack = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(stack != MAP_FAILED);
	/* The last frame touches the end of the mapping. */
	__asm__ volatile("mov %%rsp, %%rbx\n\t"
			 "mov %0, %%rsp\n\t"
			 "push %1\n\t"
			 "push %1\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "call at_the_bottom\n\t"
			 "mov %%rbx, %%rsp"
			 :
			 : "r"(stack + BYTES), "r"(0xdeaddeaddeaddeadul)
			 : "rbx", "rbp", "rax", "rcx", "rdx", "rsi", "rdi",
			   "r8", "r9", "r10", "r11", "memory", "cc");
}
#else
static void bottom(void)
{
}
#endif

int main(int count, char **arguments)
{
	const char *act = count > 1 ? arguments[1] : "";

	if (!strcmp(act, "phdr"))
		phdr();
	else if (!strcmp(act, "timer"))
		timer();
	else if (!strcmp(act, "bottom"))
		bottom();
	else if (!strcmp(act, "tls") && count > 2)
		tls((files = arguments + 2, count - 2));
	else
		return 2;
	puts("ok");
	return 0;
}
