/* words.h - numbers and times as people read them. */
#ifndef MX_WORDS_H
#define MX_WORDS_H

#include <stdint.h>

#include "buf.h"

/* A word or number for one printf, on the stack of the caller's statement:
 * printf("%s", words_count(n).s). */
struct words {
	char s[48];
};

struct words words_count(int64_t n);			/* 1,234,567 */
struct words words_share(int64_t part, int64_t whole);	/* "93.4%", "-" of nothing */
struct words words_bytes(double n);			/* "1.2 GB" */
struct words words_seconds(double s);			/* "850 ms", "4.2 s", "3 min" */
/* Local time: "Wed 2026-11-18 00:00" and, with zone, " CET" after it. */
struct words words_time(int64_t t, bool zone);
/* "  " and a stranger's name as the first column of a table. Rows that begin alike must not look
 * alike: one that is longer than the column has a line of its own, the others are below it. */
void words_name(struct buf *out, struct slice name, size_t columns);

#endif
