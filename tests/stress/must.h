/* SPDX-License-Identifier: MIT */
/*
 * must.h - a claim that ends the program when it is not so.
 */
#ifndef STRESS_MUST_H
#define STRESS_MUST_H

#include <stdio.h>
#include <stdlib.h>

#define MUST(claim)                                                            \
	do {                                                                   \
		if (!(claim)) {                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__,       \
				__LINE__, #claim);                             \
			abort();                                               \
		}                                                              \
	} while (0)

#endif
