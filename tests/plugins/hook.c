/* SPDX-License-Identifier: MIT */
/*
 * hook.c - a preloaded library that stands before functions of libc, and
 * allocates there under a lock of its own.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* not recursive */
static __thread int depth;

static void work(void)
{
	if (depth++ == 0) {
		pthread_mutex_lock(&mutex);
		free(strdup("hook"));
		free(malloc(70));
		free(malloc(5000));
		pthread_mutex_unlock(&mutex);
	}
	depth--;
}

#define HOOK(type, name, parameters, arguments)                                \
	type name parameters                                                   \
	{                                                                      \
		static type(*next) parameters;                                 \
                                                                               \
		work();                                                        \
		if (!next)                                                     \
			*(void **)&next = dlsym(RTLD_NEXT, #name);             \
		return next arguments;                                         \
	}

HOOK(void *, mmap, (void *at, size_t n, int p, int f, int fd, off_t o),
     (at, n, p, f, fd, o))
HOOK(int, munmap, (void *at, size_t n), (at, n))
HOOK(int, mprotect, (void *at, size_t n, int p), (at, n, p))
HOOK(int, madvise, (void *at, size_t n, int a), (at, n, a))
HOOK(int, clock_gettime, (clockid_t c, struct timespec *t), (c, t))
HOOK(int, close, (int fd), (fd))
HOOK(int, fstat, (int fd, struct stat *s), (fd, s))
HOOK(int, ftruncate, (int fd, off_t n), (fd, n))
HOOK(int, posix_fallocate, (int fd, off_t at, off_t n), (fd, at, n))
HOOK(ssize_t, read, (int fd, void *to, size_t n), (fd, to, n))
HOOK(ssize_t, write, (int fd, const void *from, size_t n), (fd, from, n))
HOOK(ssize_t, pwrite, (int fd, const void *from, size_t n, off_t at),
     (fd, from, n, at))
HOOK(pid_t, getpid, (void), ())
HOOK(long, sysconf, (int what), (what))
HOOK(int, getrlimit, (__rlimit_resource_t what, struct rlimit *l), (what, l))
HOOK(int, pthread_key_create, (pthread_key_t * k, void (*d)(void *)), (k, d))
HOOK(int, pthread_setspecific, (pthread_key_t k, const void *v), (k, v))
HOOK(int, pthread_mutex_trylock, (pthread_mutex_t * m), (m))
HOOK(int, pthread_sigmask, (int how, const sigset_t *s, sigset_t *o),
     (how, s, o))

int open(const char *name, int flags, ...)
{
	va_list more;
	int mode;

	va_start(more, flags);
	mode = va_arg(more, int);
	va_end(more);
	work();
	return openat(AT_FDCWD, name, flags, mode);
}
