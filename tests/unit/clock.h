/*
 * clock.h - what tests that wait share.
 */
#ifndef UNIT_CLOCK_H
#define UNIT_CLOCK_H

#include <stdint.h>
#include <time.h>

__attribute__((unused)) static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

__attribute__((unused)) static void pause_ms(long ms)
{
	struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&pause, NULL);
}

#endif
