/* SPDX-License-Identifier: MIT */
/*
 * fuzz.h - what the fuzzers share.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__ubsan_default_options(void);

const char *__ubsan_default_options(void)
{
	return "halt_on_error=1";
}

static inline void must(bool claim)
{
	if (!claim)
		abort();
}

/* Bytes that a model wrote, looked at here and there and at the end. */
static inline void must_be(const uint8_t *p, size_t size, uint8_t fill)
{
	for (size_t i = 0; i < size; i += 1 + size / 256)
		must(p[i] == fill);
	must(!size || p[size - 1] == fill);
}

#endif
