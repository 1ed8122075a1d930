/* monitors.h - how "mxgauge passive" is, and how it gets on with each monitor: a small file beside the state,
 * replaced as a whole, written by it and read by whoever wants to know. */
#ifndef MX_MONITORS_H
#define MX_MONITORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum { MONITORS_ROWS = 20 };

struct monitor_row {
	char name[64], type[16];
	int64_t sent_at;		/* 0: never */
	int64_t failed_since;		/* 0: it takes what it is told */
	int64_t waiting, oldest_at;	/* results, and of when the first of them is */
	int64_t sent, refused, dropped;	/* ever */
	int64_t dropped_at;		/* when the last one was refused or dropped */
	char said[200];			/* why it failed, or what it refused last */
};

struct monitors {
	int64_t started_at, beat_at;	/* a sign of life each 10 s */
	int64_t pid;			/* 0: it has ended by itself */
	int64_t checks, overdue;	/* that it runs; those that wait to be run for longer than they should */
	size_t n;
	struct monitor_row row[MONITORS_ROWS];
};

/* *there tells whether the state in dir has such a file. False and *e: it cannot be read. Names and what was
 * said have no control characters, and are terminated. */
bool monitors_read(const char *dir, struct monitors *m, bool *there, struct err *e);
bool monitors_write(const char *dir, const struct monitors *m, struct err *e);
/* There is nothing to tell any more. */
void monitors_remove(const char *dir);

/* For how many seconds the results of a row have waited at the time now. */
int64_t monitors_lag(const struct monitor_row *r, int64_t now);

#endif
