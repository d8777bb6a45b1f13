/* SPDX-License-Identifier: MIT */
/*
 * order.h - the stacks of sites.h in the order of their callers: those that
 * have most in common stand side by side, and a profile says it once.
 */
#ifndef WATCH_ORDER_H
#define WATCH_ORDER_H

#include "base/common.h"

/* Zeroed: each stack keeps its number. */
struct order {
	uint32_t *stack_at;  /* by the new number - 1 */
	uint32_t *number_of; /* by the old one - 1 */
	uint32_t count;
	size_t bytes;
};

/* Of all that there are now; zeroed when memory is out. */
void order_make(struct order *o);
void order_drop(struct order *o);

/* One that came later keeps its number, which is larger. */
uint32_t order_number(const struct order *o, uint32_t stack);
uint32_t order_stack(const struct order *o, uint32_t number);

#endif
