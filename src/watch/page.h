/* SPDX-License-Identifier: MIT */
/*
 * page.h - the statistics page: a small file that others may read at any time.
 *
 * The process maps it and writes to it now and then from its slow paths; who
 * reads it needs no signal, no ptrace, not even a living process.  A reader
 * copies the page while `sequence` is even and the same before and after (a
 * seqlock); all numbers are the machine's own.
 *
 * At its end others may ask for something.  That is seen when the page is next
 * written, and a thread of ours does it (occasion.h), made when it is first
 * needed: what is asked for takes locks that the caller of malloc may hold.
 */
#ifndef WATCH_PAGE_H
#define WATCH_PAGE_H

#include <string.h>

#include "base/label.h"
#include "heap/class.h"
#include "heap/stats.h"
#include "watch/forwarded.h"
#include "watch/history.h"
#include "watch/process.h"

#define PAGE_MAGIC "mpoolpg"

enum {
	PAGE_VERSION = 8,
	PAGE_PATH = 512,
	PAGE_STALE_MS = 50, /* not written again before that is over */
};

enum page_state { PAGE_RUNNING = 1, PAGE_ENDED = 2 };

enum page_want { PAGE_SAMPLE = 1, PAGE_NO_SAMPLES, PAGE_PROFILE };

/* What somebody else asks for; `number` is written last, and is a new one. */
struct page_request {
	uint64_t period; /* of PAGE_SAMPLE */
	uint32_t want;	 /* enum page_want */
	uint32_t number;
};

enum page_outcome {
	PAGE_DONE = 1,
	PAGE_IS_SAMPLED,  /* already */
	PAGE_IS_NOT,	  /* sampled */
	PAGE_SEEKS_LEAKS, /* so all is recorded, from the start to the end */
	PAGE_IN_SANDBOX,  /* where nothing can be done */
	PAGE_NO_THREAD,	  /* to do it; `why` */
	PAGE_NO_PROFILE,  /* can be written; `why` */
	PAGE_NOT_UNDERSTOOD,
};

/* Of the last request. */
struct page_answer {
	uint32_t number;
	uint32_t outcome; /* enum page_outcome */
	char why[104];
};

struct page {
	char magic[8];
	uint32_t version, bytes;       /* of the whole */
	char library[PROCESS_LIBRARY]; /* that writes it; since version 4 */
	uint32_t sequence;	       /* odd while it is written */
	uint32_t state;		       /* enum page_state */
	uint64_t pid;
	uint64_t pid_namespace; /* in which that counts; 0: unknown */
	uint64_t
		start_ticks; /* field 22 of /proc/PID/stat: the same process? */
	uint64_t start_unix_ms, age_ms;
	uint64_t peak_rss_bytes;
	uint64_t sample_period;
	uint64_t updates;
	uint32_t classes, class_bytes; /* rows in use, and the size of one */
	uint32_t signal; /* that has statistics written; 0: none */
	uint32_t forwarded_counted;
	uint32_t elsewhere; /* 0; for readers, see tools/mpool/page.c */
	uint32_t unused;
	char program[PROCESS_NAME];
	char profile[PAGE_PATH];  /* where the profile goes; "": none */
	char labels[LABELS_MOST]; /* base/label.h; since version 7 */
	struct forwarded_count forwarded[FORWARDED_KINDS];
	struct class_stats class[CLASSES];
	struct history history; /* since version 5 */
	/* Since version 8. */
	struct page_answer answer;
	struct page_request request; /* others write it, and we do not */
};

static inline void page_say(struct page_answer *answer,
			    enum page_outcome outcome, const char *why)
{
	answer->outcome = outcome;
	strncpy(answer->why, why ? why : "", sizeof answer->why - 1);
}

/*
 * Publishes the page that config.page names, numbered by the process id when a
 * running program has that; once, at start.  `profile` is
 * where the profile goes, "" when there is none.
 */
void page_start(const char *profile);

/*
 * In a new child: it gets a page of its own when it has lived for a while and
 * allocates, with its process id in the name.
 */
void page_fork_child(const char *profile);

/*
 * The history so far; false: there is no page, or it is being written all the
 * time.  Waits for its writer a while.
 */
bool page_history(struct history *history);

/*
 * Who answers requests, in our thread; `answer` is for him to fill.  And what
 * he calls when there is a profile from now on.
 */
typedef void page_answer_function(const struct page_request *request,
				  struct page_answer *answer);
void page_answer_by(page_answer_function *function);
void page_profile_at(const char *profile);

/* Answers what is asked for by now.  In our thread. */
void page_serve(void);

/* The last figures; the file stays if its name was meant for this process. */
void page_at_exit(void);

#endif
