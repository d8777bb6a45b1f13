/* SPDX-License-Identifier: MIT */
/*
 * off.h - whether the library is to do nothing in this program.
 */
#ifndef BASE_OFF_H
#define BASE_OFF_H

#include "base/common.h"

/* The file that turns it off for the machine. */
#define OFF_FILE "/etc/libmpool.off"

/*
 * True by MPOOL=off, by MPOOL_OFF_FOR that names the program, or by OFF_FILE.
 * Asked before the first object is handed out, for what the pools have handed
 * out they must take back; the answer stays.  An OFF_FILE that cannot be read
 * counts, and is told in one line.  In a set-user-ID program the variables are
 * ignored.  Needs libc to be set up, no memory.  Any thread.
 */
bool off_asked(void);

/* Whether `value` is one that MPOOL may have. */
bool off_accepts(const char *value);

#endif
