/* ingest_priv.h - between ingest.c and feed.c; nobody else's. */
#ifndef MX_INGEST_PRIV_H
#define MX_INGEST_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "clocks.h"
#include "flow/flow.h"
#include "flow/join.h"
#include "flow/seen.h"
#include "ingest.h"
#include "input/header.h"
#include "mem.h"
#include "pseudonym.h"

enum {
	LINES_MAX = 64,			/* at once */
	TAGS = 64, SECONDS = 128
};

struct last_line {		/* of one host in one feed, for "last message repeated" */
	char *p;
	uint32_t n, cap;
	bool any;		/* there was one, though it may be too long to be kept */
	struct slice now;	/* it is one of the lines that just came; NULL: it is p */
};

struct tag {
	const struct dialect *dialect;
	uint32_t note;		/* the dialect's own */
	uint16_t label;		/* hash of the instance's name */
	uint16_t program;	/* the tally's number */
	uint64_t hash;		/* of the text, for identity() */
	uint64_t first, last;	/* words of the text, see hash_tail() */
	uint8_t n;		/* 0: free */
	char text[47];
};

struct second {			/* of a host's last line: most are of the same one as the line before */
	int64_t time, minute, hour;
	unsigned host1;		/* number of the host and 1; 0: free */
};

struct host_text {
	uint8_t n;		/* 0: free */
	char text[63];
	int host;
};

struct feed {
	struct ingest *in;
	struct state_source *src;
	struct header *header;
	struct host_text known;	/* the host of which header.h remembered nothing last */
	int host;		/* number of the last line's, -1: none yet */
	int64_t written_at;	/* its lines are not later, if its clocks are right */
	int64_t told_at;	/* live: what its header takes for the time of day */
	int64_t ahead_s;	/* live: by how much a stamp without a year may be ahead of that; else 0 */
	bool resends;		/* who brings them may bring one again */
	bool begun;		/* with the first line of its source: the one before is in another file */
	uint32_t headless, misdated;	/* lines that wait for a time to be counted at */
	struct tag tag[TAGS];	/* what is known of tags, by a few of their bytes */
	unsigned era;		/* the ingest's, when second was filled */
	struct second second[SECONDS];	/* by host */
	struct last_line *last;
	size_t lasts;
	unsigned fresh[LINES_MAX];	/* hosts of which a line just came */
	unsigned n_fresh;
};

struct ingest {
	struct state *state;
	struct tally *tally;
	struct seen *seen;
	struct join *join;	/* pieces of lines, of all sources together */
	struct clocks *clocks;	/* of those whose lines arrive as they are written */
	struct flow flow;
	struct ingest_settings set;
	struct pseudonyms *pseudonyms;	/* NULL: addresses are kept */
	struct arena hidden;	/* those of the line that is being counted */
	struct ingest_totals total;
	int64_t now, slow_at;
	uint64_t lines_committed;
	bool looked;		/* at our clock */
	unsigned era;		/* it was set back so often */
	bool sampled;		/* gauges wait for the commit */
	uint64_t cut_told, homeless, forgotten, evicted[3];	/* what limits did since they were told */
};

/* By which name the state knows it. */
struct slice ingest_host_name(const struct ingest *in, struct slice name);

/* Set f->host; false if there is no room for one more. */
bool feed_host(struct feed *f, const struct line *l);

/* Lines that have no time of their own are counted where their neighbours are. Before the
 * first good line of a host that is not known: then, or when the source is done. */
void feed_count_timeless(struct ingest *in, struct feed *f, int host, int64_t time);

/* Our clock was set back: what was in bounds before is looked at again. */
void feed_new_era(struct feed *f);

/* Live: its header learns what the time of day is. */
void feed_look_at_clock(struct feed *f);

/* A host's last line: until feed_keep_lines() it is where it lies, since soon another one may be
 * that host's last. */
void feed_remember_line(struct feed *f, unsigned host, struct slice raw);
void feed_keep_lines(struct feed *f);

/* "last message repeated n times" is n times the line before of that host: *l becomes that one.
 * False if nobody knows it. */
bool feed_repeat(struct feed *f, unsigned host, struct line *l);

#endif
