/* SPDX-License-Identifier: MIT */
/*
 * guard_report.h - what is wrong, with the stacks that tell where it comes
 * from: text for people, which `mpool report` names the lines in.
 *
 *   libmpool: CRIME of ADDRESS: WHERE IN WHICH OBJECT
 *     now, by thread N:
 *       #0 ADDRESS FILE+0xOFFSET
 *     allocated by thread N:
 *       ...
 *     freed by thread N:
 *       ...
 *     map START END OFFSET BUILD_ID NAME     of these files, as in a profile
 *   libmpool: end of the report of PROGRAM, process N: ...
 *
 * It goes to config.report, and a line to stderr then; else all to stderr.
 */
#ifndef WATCH_GUARD_REPORT_H
#define WATCH_GUARD_REPORT_H

#include "watch/guard_slots.h"

/*
 * `by` did it; slot: the object that it has to do with, or NULL; verb: "read ",
 * "written ", or "".  Where the program goes on, each site reports once.  Any
 * thread, handlers too; takes no lock of ours, allocates nothing.
 */
void guard_report(enum guard_crime crime, uintptr_t address, const char *verb,
		  const struct guard_slot *slot, const struct guard_trace *by);

#endif
