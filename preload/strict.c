/* SPDX-License-Identifier: MIT */
/*
 * strict.c - prctl, by which a program enters SECCOMP_MODE_STRICT.
 *
 * There the kernel kills at every call but read, write, exit and sigreturn, and
 * the clock cannot be read; glibc's frees of small blocks make do without.  So
 * must ours from then on.
 */
#include <linux/seccomp.h>
#include <stdarg.h>
#include <sys/prctl.h>

#include "base/sys.h"
#include "next.h"
#include "next_symbol.h"

typedef int prctl_function(int option, unsigned long a, unsigned long b,
			   unsigned long c, unsigned long d);

EXPORT ASIDE int prctl(int option, ...)
{
	static prctl_function *next_prctl;
	prctl_function *call = __atomic_load_n(&next_prctl, __ATOMIC_RELAXED);
	unsigned long argument[4];
	va_list more;
	int result;

	va_start(more, option);
	for (int i = 0; i < 4; i++)
		argument[i] = va_arg(more, unsigned long);
	va_end(more);
	if (!call) {
		*(void **)&call = next_symbol("prctl");
		__atomic_store_n(&next_prctl, call, __ATOMIC_RELAXED);
	}
	result = call(option, argument[0], argument[1], argument[2],
		      argument[3]);
	if (result == 0 && option == PR_SET_SECCOMP &&
	    argument[0] == SECCOMP_MODE_STRICT)
		__atomic_store_n(&sys_still, true, __ATOMIC_RELAXED);
	return result;
}
