/* SPDX-License-Identifier: MIT */
/*
 * segv_first.c - a library that takes SIGSEGV in its constructor, before the
 * interposer's own runs.
 */
#include <signal.h>
#include <unistd.h>

static void on_fault(int number)
{
	static const char text[] = "the first handler\n";

	(void)number;
	_exit(write(STDOUT_FILENO, text, sizeof text - 1) < 0 ? 1 : 7);
}

__attribute__((constructor)) static void start(void)
{
	signal(SIGSEGV, on_fault);
}
