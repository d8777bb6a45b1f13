/* SPDX-License-Identifier: MIT */
/*
 * profile.h - writes what was recorded: the file that `mpool prof` reads.
 *
 * Lines of words; the first says which format it is, the last is "end", so a
 * file that was cut is known as such.  Numbers are decimal, addresses hex with
 * 0x, names are quoted as in JSON.
 *
 *   mpool-profile 2
 *   version LIBRARY        of libmpool, without quotes
 *   program NAME
 *   unwinder NAME
 *   pid N
 *   period BYTES           mean distance of samples; 1: every allocation.
 *                          Again before rows of another one
 *   start UNIX_MS          of the process
 *   age MS                 of the process, at this moment
 *   rss BYTES PEAK_BYTES
 *   lost N                 samples that memory did not suffice for
 *   peak MS                age of the process when most bytes were live
 *   brief MS               what was freed within that is short-lived
 *   moment AGE_MS LIVE RESIDENT FORWARDED REQUESTS     bytes, and requests so
 *                          far, at moments of its life, the oldest first
 *   child PID              forked by it, or by one of these, when leaks are
 *                          looked for; has a profile of its own, or none
 *   cut N REASON           stacks that end before their beginning, and why
 *   map START END OFFSET BUILD_ID NAME     executable mappings, main first;
 *                          BUILD_ID is - if there is none; closed libraries
 *                          have addresses from 0xffff000000000000 on
 *   stack N ADDRESS... +N  return addresses, the innermost first; 0 where some
 *                          are left out of a deep one.  Behind them come the
 *                          last N of the row before.  Format 1 has no +N
 *   site STACK SIZE UNIT TOTAL LIVE PEAK BRIEF AGES_MS
 *                          counts of samples, one of which stands for
 *                          1 / (1 - exp(-UNIT / period)): of all, of those
 *                          that live, that lived at the peak, that were
 *                          short-lived; and the sum of ages of these.  Older
 *                          files end the row with LIVE and have no peak line
 *   leaks 1                live samples were looked for; they follow
 *   suppressions TEXT      what the program's __lsan_default_suppressions()
 *                          returns
 *   running N              threads that ran on meanwhile: what they moved, or
 *                          held in registers alone, may be taken for lost
 *   object ADDRESS STACK SIZE UNIT AGE_MS THREAD STATE
 *                          a live sample; STATE is lost or reachable, or
 *                          unknown when leaks were not looked for; "lost
 *                          indirectly": another lost one points to it
 *   objects N STACK SIZE UNIT OLDEST_MS NEWEST_MS THREAD STATE
 *                          the same of several whose ages differ little
 *   class SIZE HARDENED KEY N...    what the pools did: figures of a size
 *                          class that are not 0, by their keys in JSON
 *   forwarded KIND BYTES CALLS...   and what went past them, by size
 *   name ADDRESS LINE FUNCTION FILE        of a return address, by address:
 *                          'mpool prof --embed' adds them
 *   caller ADDRESS LINE FUNCTION FILE      the function before is inlined there
 *   end
 */
#ifndef WATCH_PROFILE_H
#define WATCH_PROFILE_H

#include "watch/dump.h"

/*
 * Writes it to `target`.  Until the end the samples are in that file anyway
 * (watch/lasting.h): DUMP_SAMPLED and DUMP_NOW_AND_THEN see to that alone.  The
 * thread is inside meanwhile (watch/record.h).  Returns 0 or an errno, EDEADLK
 * if it was inside already; then target->why says more.
 */
int profile_write(struct target *target, enum dump_why why);

#endif
