/* datafile.h - what a file that filters work with says of its age and version: databases of ClamAV, rules and Bayes of
 * SpamAssassin, GeoIP, block lists.
 *
 * Only the head or the tail is looked at, and what stands in it may be anybody's; where a file says nothing of itself,
 * its modification time and the SHA-256 of what it holds are taken. */
#ifndef MX_DATAFILE_H
#define MX_DATAFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "opt.h"
#include "slice.h"

enum { DATAFILE_NAME = 64, DATAFILE_HASH = 64, DATAFILES = 200, DATAFILES_BYTES = 1 << 17 };

enum datafile_kind {
	DATAFILE_BROKEN,	/* its name says what it should be, and it is not */
	DATAFILE_CLAMAV, DATAFILE_SPAMASSASSIN, DATAFILE_BAYES, DATAFILE_GEOIP, DATAFILE_RBLDNSD, DATAFILE_PLAIN,
	DATAFILE_KINDS
};

struct datafile {
	enum datafile_kind kind;
	char name[DATAFILE_NAME];	/* letters, digits, and . _ - */
	char hash[DATAFILE_HASH + 1];	/* empty: the file says enough of itself */
	uint32_t version;		/* 0: it has none */
	int64_t made_at;
	int64_t expires_at;		/* 0: never */
	uint64_t entries;		/* signatures, nodes; 0: not known */
	uint32_t level;			/* of functionality, that an engine of ClamAV needs */
};

/* Of one machine, each name once. */
struct datafiles {
	struct datafile file[DATAFILES];
	size_t n;
	int64_t made_at;
};

/* "ClamAV-VDB:07 Nov 2026 03-30 -0500:27502:2067890:90:MD5:SIGNATURE:BUILDER:1795123000" */
bool datafile_clamav(struct datafile *d, struct slice head);
/* "# UPDATE version 1900123" */
bool datafile_spamassassin(struct datafile *d, struct slice head);
/* The metadata behind the last marker in the tail of a MaxMind database. */
bool datafile_geoip(struct datafile *d, struct slice tail);
/* $SOA and $TIMESTAMP among the lines of head, which may be cut in the last. False: neither is there. */
bool datafile_rbldnsd(struct datafile *d, struct slice head);

/* Look at the files that the patterns of the shell match; of several with one name the newest counts. Where must is
 * true, a pattern that matches nothing is trouble, and files of different folders have names of their own
 * ("lists_zone", "old_zone"), unless the folders are releases (3.004006). */
bool datafiles_make(struct datafiles *all, const struct opt_list *patterns, bool must, struct err *e);

/* As text, to be compared elsewhere: a first line with time and host, a line for each, "end"; and back. The text may be
 * a stranger's. */
void datafiles_print(struct buf *b, const struct datafiles *all, const char *host, int64_t now);
bool datafiles_read(struct datafiles *all, struct slice text, struct err *e);

/* NULL if it is not there. */
const struct datafile *datafiles_find(const struct datafiles *all, const char *name);

/* Do both hold the same, as far as they say; and is a newer than b? */
bool datafile_same(const struct datafile *a, const struct datafile *b);
bool datafile_newer(const struct datafile *a, const struct datafile *b);

/* "clamav" */
const char *datafile_kind_name(enum datafile_kind kind);

#endif
