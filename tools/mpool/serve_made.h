/* SPDX-License-Identifier: MIT */
/*
 * serve_made.h - answers that take a while: what another command of mpool
 * prints.
 *
 * It runs as a process of its own, so that it may fail, wait for a program that
 * is stopped, or take its time, while the server goes on.
 */
#ifndef MPOOL_SERVE_MADE_H
#define MPOOL_SERVE_MADE_H

#include <microhttpd.h>

struct made;

/*
 * Starts the command and suspends the connection till it has ended; words end
 * with NULL.  type: of what it prints.  NULL with errno, EAGAIN when too many
 * run.
 */
struct made *made_start(struct MHD_Connection *connection, const char *type,
			const char *const *words);

/* Queues what it has printed, or its complaint. */
enum MHD_Result made_reply(struct MHD_Connection *connection,
			   struct made *made);

/* When the request is over, answered or not. */
void made_end(struct made *made);

#endif
