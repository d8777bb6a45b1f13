/* SPDX-License-Identifier: MIT */
/*
 * calls.c - system calls under libc's names, for this library alone.
 *
 * What libc has under these names may be hooked by a program or by another
 * preloaded library, whose hook takes locks and allocates: a call of it from
 * under a lock of ours would hang.  And some are cancellation points, which
 * malloc and free must not be.  So all that we call by these names ends here,
 * at the kernel.  Hidden: nobody else does.  Weak: a test puts a kernel of its
 * own in between, by defining the name, or syscall().
 *
 * Not under sanitizers, which keep their books in libc's.
 */
#undef _FORTIFY_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/common.h"

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

#define OURS	  __attribute__((weak, visibility("hidden")))
#define OURS_RARE RARE OURS

/* --- memory --- */

OURS void *mmap(void *at, size_t bytes, int protection, int flags, int fd,
		off_t offset)
{
	return (void *)syscall(SYS_mmap, at, bytes, protection, flags, fd,
			       offset);
}

OURS int munmap(void *at, size_t bytes)
{
	return (int)syscall(SYS_munmap, at, bytes);
}

OURS int mprotect(void *at, size_t bytes, int protection)
{
	return (int)syscall(SYS_mprotect, at, bytes, protection);
}

OURS int madvise(void *at, size_t bytes, int advice)
{
	return (int)syscall(SYS_madvise, at, bytes, advice);
}

OURS_RARE int mlock(const void *at, size_t bytes)
{
	return (int)syscall(SYS_mlock, at, bytes);
}

OURS_RARE int munlock(const void *at, size_t bytes)
{
	return (int)syscall(SYS_munlock, at, bytes);
}

/* --- files --- */

/* A mode follows if a file may be made. */
static RARE int open_at(int folder, const char *name, int flags, va_list more)
{
	mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;

	return (int)syscall(SYS_openat, folder, name, flags, mode);
}

OURS_RARE int openat(int folder, const char *name, int flags, ...)
{
	va_list more;
	int fd;

	va_start(more, flags);
	fd = open_at(folder, name, flags, more);
	va_end(more);
	return fd;
}

OURS_RARE int open(const char *name, int flags, ...)
{
	va_list more;
	int fd;

	va_start(more, flags);
	fd = open_at(AT_FDCWD, name, flags, more);
	va_end(more);
	return fd;
}

OURS_RARE int close(int fd)
{
	return (int)syscall(SYS_close, fd);
}

OURS_RARE ssize_t read(int fd, void *to, size_t bytes)
{
	return syscall(SYS_read, fd, to, bytes);
}

OURS_RARE ssize_t write(int fd, const void *from, size_t bytes)
{
	return syscall(SYS_write, fd, from, bytes);
}

OURS_RARE ssize_t pread(int fd, void *to, size_t bytes, off_t where)
{
	return syscall(SYS_pread64, fd, to, bytes, where);
}

OURS_RARE ssize_t pwrite(int fd, const void *from, size_t bytes, off_t where)
{
	return syscall(SYS_pwrite64, fd, from, bytes, where);
}

OURS_RARE off_t lseek(int fd, off_t where, int whence)
{
	return syscall(SYS_lseek, fd, where, whence);
}

OURS_RARE int fcntl(int fd, int command, ...)
{
	va_list more;
	long argument;

	va_start(more, command);
	argument = va_arg(more, long);
	va_end(more);
	return (int)syscall(SYS_fcntl, fd, command, argument);
}

OURS_RARE int ftruncate(int fd, off_t bytes)
{
	return (int)syscall(SYS_ftruncate, fd, bytes);
}

/*
 * Where the file system cannot, each of its blocks is written to: beyond the
 * end of a file, and no other use is made of it here.
 */
OURS_RARE int posix_fallocate(int fd, off_t where, off_t bytes)
{
	enum { BLOCK_LEAST = 512 };
	off_t end = where + bytes;
	int saved = errno, error = 0;

	if (syscall(SYS_fallocate, fd, 0, where, bytes) != 0)
		error = errno;
	if (error == EOPNOTSUPP)
		for (error = 0; where < end && !error; where += BLOCK_LEAST) {
			off_t last = min_of(where + BLOCK_LEAST, end) - 1;

			error = pwrite(fd, "", 1, last) == 1 ? 0 : errno;
		}
	errno = saved;
	return error;
}

OURS_RARE int fstatat(int folder, const char *restrict name,
		      struct stat *restrict st, int flags)
{
	return (int)syscall(SYS_newfstatat, folder, name, st, flags);
}

OURS_RARE int fstat(int fd, struct stat *st)
{
	return (int)syscall(SYS_newfstatat, fd, "", st, AT_EMPTY_PATH);
}

OURS_RARE int stat(const char *restrict name, struct stat *restrict st)
{
	return (int)syscall(SYS_newfstatat, AT_FDCWD, name, st, 0);
}

OURS_RARE int fchmod(int fd, mode_t mode)
{
	return (int)syscall(SYS_fchmod, fd, mode);
}

OURS_RARE int fchown(int fd, uid_t owner, gid_t group)
{
	return (int)syscall(SYS_fchown, fd, owner, group);
}

OURS_RARE int flock(int fd, int operation)
{
	return (int)syscall(SYS_flock, fd, operation);
}

OURS_RARE int unlinkat(int folder, const char *name, int flags)
{
	return (int)syscall(SYS_unlinkat, folder, name, flags);
}

OURS_RARE int unlink(const char *name)
{
	return (int)syscall(SYS_unlinkat, AT_FDCWD, name, 0);
}

OURS_RARE int renameat(int from, const char *old, int to, const char *name)
{
	return (int)syscall(SYS_renameat2, from, old, to, name, 0);
}

OURS_RARE ssize_t readlink(const char *restrict name, char *restrict to,
			   size_t bytes)
{
	return syscall(SYS_readlinkat, AT_FDCWD, name, to, bytes);
}

OURS_RARE char *getcwd(char *to, size_t bytes)
{
	long n = syscall(SYS_getcwd, to, bytes);

	/* "(unreachable)...": it lies outside of the root. */
	return n > 0 && *to == '/' ? to : NULL;
}

/* --- the process --- */

OURS_RARE pid_t getpid(void)
{
	return (pid_t)syscall(SYS_getpid);
}

OURS_RARE uid_t geteuid(void)
{
	return (uid_t)syscall(SYS_geteuid);
}

OURS int getrlimit(__rlimit_resource_t which, struct rlimit *limit)
{
	return (int)syscall(SYS_prlimit64, 0, which, NULL, limit);
}

OURS_RARE int getrusage(__rusage_who_t who, struct rusage *usage)
{
	return (int)syscall(SYS_getrusage, who, usage);
}

OURS_RARE ssize_t process_vm_readv(pid_t pid, const struct iovec *to,
				   unsigned long parts,
				   const struct iovec *from,
				   unsigned long from_parts,
				   unsigned long flags)
{
	return syscall(SYS_process_vm_readv, pid, to, parts, from, from_parts,
		       flags);
}

/*
 * glibc's takes its own signals, 32 and 33, out of every mask: the thread that
 * SIGEV_THREAD timers share has blocked 32, and would lose that.
 */
OURS_RARE int pthread_sigmask(int how, const sigset_t *restrict set,
			      sigset_t *restrict old)
{
	enum { KERNEL_SIGSET_BYTES = 8 };
	int saved = errno, error = 0;

	if (syscall(SYS_rt_sigprocmask, how, set, old, KERNEL_SIGSET_BYTES))
		error = errno;
	errno = saved;
	return error;
}

OURS_RARE int nanosleep(const struct timespec *pause, struct timespec *left)
{
	return (int)syscall(SYS_clock_nanosleep, CLOCK_REALTIME, 0, pause,
			    left);
}

/* glibc's own name for it, as libgcc calls it: that is not hooked. */
extern int __pthread_key_create(pthread_key_t *key, void (*destructor)(void *));

OURS int pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
	return __pthread_key_create(key, destructor);
}

#endif
