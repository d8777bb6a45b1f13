/* SPDX-License-Identifier: MIT */
/*
 * out_write.c - writes bytes to a file descriptor, and nothing else comes of
 * it.
 *
 * System calls are made through syscall(2), because glibc's write() is a
 * cancellation point and malloc must not be one.
 */
#include "base/out_write.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { KERNEL_SIGSET_BYTES = 8 }; /* not glibc's 128 */

/* Returns whether `fd` took an interest in more within a second. */
static bool wait_writable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	struct timespec second = { .tv_sec = 1 };

	return syscall(SYS_ppoll, &p, 1, &second, NULL, 0) > 0;
}

static int write_all(int fd, const char *text, size_t length, bool bare)
{
	while (length) {
		long n = syscall(SYS_write, fd, text, length);

		if (n > 0) {
			text += n;
			length -= (size_t)n;
		} else if (n == 0) {
			return EIO;
		} else if (errno == EAGAIN && !bare) {
			if (!wait_writable(fd))
				return EAGAIN;
		} else if (errno != EINTR) {
			return errno;
		}
	}
	return 0;
}

int out_write_bare(int fd, const char *text, size_t length)
{
	int saved = errno;
	int error = write_all(fd, text, length, true);

	errno = saved;
	return error;
}

/*
 * The two signals are held back while writing.  One that comes of it is sent
 * to this thread and taken away; one that was pending before stays.
 */
int out_write(int fd, const char *text, size_t length)
{
	struct timespec now = { 0 };
	sigset_t held, before, old;
	int saved = errno;
	int error;

	sigemptyset(&held);
	sigaddset(&held, SIGPIPE);
	sigaddset(&held, SIGXFSZ);
	pthread_sigmask(SIG_BLOCK, &held, &old);
	sigemptyset(&before);
	sigpending(&before);

	error = write_all(fd, text, length, false);

	if (error == EPIPE && sigismember(&before, SIGPIPE))
		sigdelset(&held, SIGPIPE);
	if (error == EFBIG && sigismember(&before, SIGXFSZ))
		sigdelset(&held, SIGXFSZ);
	if (error == EPIPE || error == EFBIG)
		syscall(SYS_rt_sigtimedwait, &held, NULL, &now,
			KERNEL_SIGSET_BYTES);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = saved;
	return error;
}
