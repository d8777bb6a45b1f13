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

enum { GONE_MOST = 256 };

/* What is loaded, to be given to modules_closed(); NULL: memory is out. */
void *modules_before_close(void);

/* dlclose has returned; once for each modules_before_close(). */
void modules_closed(void *before);

/* Of a stack that is taken now; 0 as a rule.  Any thread. */
unsigned modules_generation(const uintptr_t *frames, unsigned depth);

/*
 * Rows of a profile, "map START END OFFSET BUILD_ID NAME", the main program's
 * first.  Then modules_address() says what a return address is in these terms,
 * until modules_end().  One thread at a time.
 */
void modules_put(struct out *o);
uint64_t modules_address(uintptr_t frame, unsigned generation);
void modules_end(void);

#endif
