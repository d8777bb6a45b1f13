/* SPDX-License-Identifier: MIT */
/*
 * modules.h - executable memory of the program and its libraries, those that
 * have been closed included.
 *
 * A sample is named by what lay at its addresses when it was taken.  What
 * dlclose unloads is noted, with the number of the unloading; a stack with
 * frames where something has been unloaded keeps how many unloadings there had
 * been.  In a profile, closed libraries lie at addresses that no process has.
 *
 * At most GONE_MOST are noted, and the same one in the same place is one: of
 * what is unloaded later, samples may get the names of what lay there last.
 */
#ifndef WATCH_MODULES_H
#define WATCH_MODULES_H

#include "base/out.h"
#include "watch/loaded.h"

enum { GONE_MOST = 256 };

/* What is loaded now; NULL: memory is out.  Any thread, a handler too. */
struct modules *modules_list(void);
void modules_drop(struct modules *list);

/*
 * dlclose has returned; `before` is what was loaded until then, and is
 * dropped.
 */
void modules_closed(struct modules *before);

/* Of a stack that is taken now; 0 as a rule.  Any thread. */
unsigned modules_generation(const uintptr_t *frames, unsigned depth);

/*
 * Rows of a profile, "map START END OFFSET BUILD_ID NAME", the main program's
 * first: all of them, or those that hold one of `count` addresses.
 */
void modules_put(struct out *o, const struct modules *list,
		 const uint64_t *addresses, size_t count);

/* What a return address is in these terms. */
uint64_t modules_address(const struct modules *list, uintptr_t frame,
			 unsigned generation);

/*
 * For who writes stacks down as they come, and takes no lock of the loader's: a
 * number that grows with each library that is closed; what a return address of
 * an older stack is; the library that one of now is in, and its rows, with
 * addresses raised by `shift`, one caller at a time.  In a library that is no
 * longer there: false, and nothing.
 */
unsigned modules_closings(void);
uint64_t modules_place(uintptr_t frame, unsigned generation);
bool modules_find(uintptr_t frame, struct module_span *span);
void modules_put_one(struct out *o, uintptr_t frame, uint64_t shift);

/* NAME+0xOFFSET of such an address, the offset in the file; or nothing. */
void modules_put_name(struct out *o, const struct modules *list,
		      uint64_t address);

#endif
