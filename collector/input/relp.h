/* relp.h - the server's side of RELP, the syslog transport that acknowledges.
 *
 * A frame is "TXNR COMMAND LENGTH[ DATA]\n"; transactions are numbered from 1 and
 * answered by "TXNR rsp LENGTH DATA\n". The sender keeps a message until its answer
 * comes, and sends it again on a new connection otherwise: so an answer may only be
 * given for what was committed. A pure state machine: bytes in, messages out; answers
 * go into a buffer. https://www.rsyslog.com/doc/relp.html describes the protocol. */
#ifndef MX_RELP_H
#define MX_RELP_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "slice.h"

enum {
	RELP_DATA_MAX = 1 << 16,	/* of a message; what lies behind is skipped */
	RELP_OUT_MAX = 1 << 18		/* makes room for the answers to a full list */
};

struct relp {
	enum { RELP_TXNR, RELP_COMMAND, RELP_LENGTH, RELP_DATA, RELP_TRAILER } state;
	uint32_t txnr, length, left;
	char command[16];	/* terminated */
	unsigned n;		/* bytes of the word that is read */
	struct buf data;
	bool cut, open, closing, broken;
	uint32_t next;		/* the number that must come now */
	uint32_t first, waiting; /* the list of those that wait for a commit: they follow
				  * each other, so that the first and their number is all */
	uint32_t close_txnr;
};

enum relp_answer {
	RELP_MORE,	/* *in is used up */
	RELP_LINE,	/* *line is a message, which waits for relp_committed() */
	RELP_CLOSING,	/* the sender is done: drop the connection once relp_done() */
	RELP_BAD	/* told in *out (500): drop the connection; what waits is not answered */
};

struct relp relp_new(void);
void relp_free(struct relp *r);

/* Take from the front of *in as far as to the end of one message; answers that depend
 * on no commit go to *out. The line may be empty, and lives until the next call; *cut: it
 * was longer than RELP_DATA_MAX. */
enum relp_answer relp_take(struct relp *r, struct slice *in, struct slice *line, bool *cut,
    struct buf *out);

/* All messages that were handed out but the last held ones are on disk: answer them. As
 * many as *out has room for; the rest next time. */
void relp_committed(struct relp *r, uint32_t held, struct buf *out);

/* How many wait? */
static inline uint32_t
relp_waiting(const struct relp *r)
{
	return r->waiting;
}

/* Closed by the sender, and everything answered. */
bool relp_done(const struct relp *r);

#endif
