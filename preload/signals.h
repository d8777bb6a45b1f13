/* SPDX-License-Identifier: MIT */
/*
 * signals.h - sigaction and signal, by which a program would take SIGSEGV and
 * SIGBUS from guards.
 */
#ifndef PRELOAD_SIGNALS_H
#define PRELOAD_SIGNALS_H

#include "watch/guard_fault.h"

/* Takes these two signals for guards.  False: that is refused. */
bool signals_start(void);

#endif
