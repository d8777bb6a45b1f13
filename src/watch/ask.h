/* SPDX-License-Identifier: MIT */
/*
 * ask.h - sampling, switched on and off from outside, through the page.
 */
#ifndef WATCH_ASK_H
#define WATCH_ASK_H

#include "base/common.h"

/*
 * Requests that the page gets are answered from now on.  `sample_every` is
 * called in our thread when there is to be a sample every so many bytes.
 */
void ask_start(void (*sample_every)(size_t period));

#endif
