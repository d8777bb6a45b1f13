/* SPDX-License-Identifier: MIT */
/*
 * config.h - what the MPOOL_* environment variables ask for.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include "base/common.h"

/* Of small_max; heap/class.c holds them to its classes. */
enum {
	CONFIG_BORDER = 128,
	CONFIG_BORDER_LEAST = 16,
	CONFIG_BORDER_MOST = 8192,
};

enum harden { HARDEN_OFF, HARDEN_LIGHT, HARDEN_FULL };

/*
 * Written once, by config_read() before the program starts; read by all.
 * Before that, and for a variable that is absent or bad, the defaults hold.
 */
struct config {
	size_t small_max;    /* bytes up to which pools serve */
	size_t reserve;	     /* objects kept aside in each class up to 128 */
	size_t reserve_wide; /* and in each one beyond */
	bool reserve_lock;   /* pin the reserve in memory */
	unsigned wait_ms;    /* how long malloc may wait for a free */
	const char *stats;   /* "stderr" or a file name pattern; NULL: none */
	unsigned stats_interval_s; /* dump again and again; 0: no */
	bool stats_keep;	   /* after the end as well */
	const char *stats_labels;  /* on all metrics: base/label.h */
	int stats_signal;	   /* dump when it comes; 0: none */
	size_t sample;	     /* mean bytes between samples; 1: all; 0: off */
	const char *profile; /* file name pattern for what was sampled */
	const char *trace;   /* file name pattern for every call */
	const char *page;    /* file name pattern of the statistics page */
	bool leaks;	     /* look for leaks when the profile is written */
	size_t guard;	     /* mean bytes between guarded objects; 0: none */
	bool guard_go_on;    /* after a crime of one */
	const char *report;  /* file name pattern for crimes; NULL: stderr */
	bool huge;	     /* ask for 2 MiB pages */
	enum harden harden;  /* the hardened heap serves, not the pools */
	bool keep_deepbind;  /* leave RTLD_DEEPBIND in dlopen's flags */
};

extern struct config config;

/* Whether stacks are recorded. */
static inline bool config_records(void)
{
	return config.sample || config.leaks;
}

/* If not, nothing of watch/ is touched: see preload/cold.ld. */
static inline bool config_watches(void)
{
	return config.stats || config.stats_signal || config.trace ||
	       config.page || config.guard || config_records();
}

/* Set before config_read(): another library complains of the same names. */
extern HIDDEN bool config_quiet;

enum config_kind {
	VALUE_OWN,    /* is read by a function of its own */
	VALUE_COUNT,  /* size_t; may end in K, M or G */
	VALUE_NUMBER, /* unsigned */
	VALUE_SWITCH, /* bool */
	VALUE_PATTERN /* const char *: a file name */
};

/*
 * A variable as the user knows it, and the member of struct config that it is.
 * Arrays: no relocation at start.
 */
struct config_variable {
	char name[24];
	char accepted[80];
	char fallback[24];
	uint8_t kind;
	uint16_t offset;
	uint32_t most;
};

enum config_name {
	CONFIG_SWITCH,
	CONFIG_OFF_FOR,
	CONFIG_SMALL_MAX,
	CONFIG_RESERVE,
	CONFIG_RESERVE_WIDE,
	CONFIG_RESERVE_LOCK,
	CONFIG_WAIT,
	CONFIG_STATS,
	CONFIG_STATS_SIGNAL,
	CONFIG_STATS_INTERVAL,
	CONFIG_STATS_KEEP,
	CONFIG_STATS_LABEL,
	CONFIG_SAMPLE,
	CONFIG_PROFILE,
	CONFIG_LEAKS,
	CONFIG_GUARD,
	CONFIG_GUARD_GO_ON,
	CONFIG_REPORT,
	CONFIG_TRACE,
	CONFIG_PAGE,
	CONFIG_HUGE,
	CONFIG_DEEPBIND,
	CONFIG_HARDEN,
	CONFIG_FAIL, /* kept by base/inject.h */
	CONFIG_VARIABLES
};

extern const struct config_variable config_variables[CONFIG_VARIABLES];

/*
 * Reads the NAME=VALUE strings of `env`, which ends in NULL.  A bad value or
 * an unknown MPOOL_ name is told in one line on stderr each, and changes
 * nothing.  In a set-user-ID program all of them are ignored.
 */
void config_read(char **env);

#endif
