/* dnsbl.h - what is known of block lists in the DNS: the codes that each answers with, its test
 * points, whom to ask for removal, and which of them are dead.
 *
 * It stands in files that administrators can read and add to (plugins/dnsbl.conf explains the
 * form); in the program is only what holds for a list that no file knows. */
#ifndef MX_DNSBL_H
#define MX_DNSBL_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "mem.h"
#include "slice.h"

/* What a list is asked for. */
enum { DNSBL_IP4 = 1, DNSBL_IP6 = 2, DNSBL_DOMAIN = 4, DNSBL_ALLOW = 8, DNSBL_IP = DNSBL_IP4 | DNSBL_IP6 };

/* What an address in an answer means, the worst for the list last. */
enum dnsbl_says {
	DNSBL_NOTHING,		/* a code that is no listing */
	DNSBL_LISTED,
	DNSBL_STRANGE,		/* inside 127/8, but the table does not know it */
	DNSBL_BLOCKED,		/* our resolver may not ask */
	DNSBL_OUTSIDE		/* of 127/8: nobody who runs a list says so */
};

struct dnsbl_code {
	enum dnsbl_says says;
	unsigned bit;		/* of the last byte, where the list combines bits; else 0 */
	const char *pattern;	/* for dnsbl_match */
	double weight;
	const char *words;
};

struct dnsbl_row {
	const char *zone;	/* "*.zen.dq.example.net": any name below; "*": every other list */
	unsigned kinds;
	const char *what, *by, *removal;	/* "" where nothing is known */
	const char *dead, *dead_words;	/* a date, or NULL: it lives */
	const char *test, *clean;	/* addresses or names; "none"; NULL: as RFC 5782 says */
	struct dnsbl_code *code;
	size_t codes;
};

struct dnsbl_table {
	struct arena memory;
	struct dnsbl_row *row;
	size_t rows;
};

/* Add what a file says; its rows win over those of the same zone that were there. */
bool dnsbl_read(struct dnsbl_table *t, const char *path, struct err *e);
void dnsbl_free(struct dnsbl_table *t);
/* The row for a zone; where no file has one, that of all lists which nobody knows: every answer in 127/8 is a
 * listing, but for those that are known to say that the resolver may not ask. */
const struct dnsbl_row *dnsbl_row(const struct dnsbl_table *t, struct slice zone);

/* Does ip match one of the patterns "127.0.0.2" "127.0.[0;3].[2..11]" (as Postfix writes them),
 * separated by commas? False and *good false: this is no such pattern. */
bool dnsbl_match(struct slice patterns, const unsigned char ip[4], bool *good);

/* What a list says by that address, and *code (NULL: no row of the table) that says so; *at
 * starts with 0. The next call tells the next bit. False: no more. */
struct dnsbl_reading {
	enum dnsbl_says says;
	const struct dnsbl_code *code;
};
bool dnsbl_next(const struct dnsbl_row *row, const unsigned char ip[4], size_t *at,
    struct dnsbl_reading *reading);

#endif
