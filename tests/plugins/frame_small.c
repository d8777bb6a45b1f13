/* SPDX-License-Identifier: MIT */
/*
 * frame_small.c - allocates from a frame that is small; else the same as its
 * sister, so that code at one place has another shape after dlclose.
 */
#include <stdlib.h>
#include <string.h>

void run(int depth);

void run(int depth)
{
	volatile char frame[40 + 400];

	memset((char *)frame, 7, sizeof frame);
	for (int i = 0; i < 5; i++)
		free(malloc(100));
	if (depth)
		run(depth - 1);
	frame[0] = 1;
}
