/* SPDX-License-Identifier: MIT */
/*
 * thread_local.c - has thread-local variables, for which ld.so makes room when
 * a thread first touches them.
 */
static __thread int touched[64];

int touch(void)
{
	int *volatile p = touched;

	*p = 1;
	return *p;
}
