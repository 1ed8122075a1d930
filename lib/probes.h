/* probes.h - what became of the probes of one service, over many runs of its check.
 *
 * A probe is written down before it is sent, so that none is forgotten whatever ends the check. One that
 * was not found counts as lost after a while, and as late when it comes after all. As text it
 * is a few lines that keep.h keeps. */
#ifndef MX_PROBES_H
#define MX_PROBES_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "mailbox.h"
#include "slice.h"
#include "smtp_message.h"

enum { PROBES_MAX = 1000 };

enum probe_fate {
	PROBE_BEGUN,	/* about to be sent: perhaps it never was */
	PROBE_SENT,	/* a server took it, and it was not found yet */
	PROBE_FOUND,
	PROBE_LOST
};

struct probe {
	char token[SMTP_TOKEN];
	enum probe_fate fate;
	double sent;		/* seconds since 1970 */
	double took;		/* when found, seconds */
	bool junk, late;	/* found in a junk folder; by a later run than it was sent by */
};

struct probes {
	struct probe v[PROBES_MAX];	/* in the order of sending */
	size_t n;
};

/* The text of an earlier run, with the marks of the mailbox's folders; what is no line of it is
 * passed over. */
void probes_read(struct probes *p, struct mailbox *m, struct slice text);
void probes_write(const struct probes *p, const struct mailbox *m, struct buf *b);

/* One more; the oldest leaves when there is no room. The pointer holds until the next probes_add
 * or probes_forget. */
struct probe *probes_add(struct probes *p, const char *token, double now);
struct probe *probes_find(struct probes *p, const char *token);

/* Sent longer than lost_s ago and not found: lost. What was only begun is forgotten then. */
void probes_age(struct probes *p, double now, double lost_s);
/* Keep those that are still looked for, and the last n of the others. */
void probes_forget(struct probes *p, size_t n);

/* Over those of which the fate is known. */
struct probes_sum {
	size_t found, lost, junk, late, waiting;
	double p50, p95, max;	/* NAN: none was found */
	bool last_lost;		/* the newest of which the fate is known */
};
void probes_sum(const struct probes *p, struct probes_sum *s);

#endif
