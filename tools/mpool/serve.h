/* SPDX-License-Identifier: MIT */
/*
 * serve.h - the statistics of all published programs, for Prometheus.
 */
#ifndef MPOOL_SERVE_H
#define MPOOL_SERVE_H

/* Once, to `path`, or stdout if that is NULL or "-".  An exit status. */
int serve_print(const char *path);

/*
 * By HTTP at ADDRESS:PORT until SIGINT or SIGTERM: GET /metrics, /healthz,
 * /debug/pprof/heap?pid=N, /report?pid=N.  An exit status.
 */
int serve_metrics(const char *address);

#endif
