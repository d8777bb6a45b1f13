/* SPDX-License-Identifier: MIT */
/*
 * out_write.h - writes bytes to a file descriptor, and nothing else comes of
 * it.
 */
#ifndef BASE_OUT_WRITE_H
#define BASE_OUT_WRITE_H

#include <stddef.h>

/*
 * Writes all of it.  EINTR and short writes are continued; a full pipe that
 * must not block is waited for up to a second.  No SIGPIPE or SIGXFSZ comes
 * of it.  Returns 0 or an errno.
 */
int out_write(int fd, const char *text, size_t length);

/*
 * The same by write(2) alone, for a process whose seccomp filter may kill at
 * any other call.  SIGPIPE and SIGXFSZ take their course.
 */
int out_write_bare(int fd, const char *text, size_t length);

#endif
