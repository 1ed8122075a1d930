/* roundtrip.h - what a check says of a message that it sent, and of those of earlier runs. */
#ifndef MX_ROUNDTRIP_H
#define MX_ROUNDTRIP_H

#include <stdbool.h>
#include <stddef.h>

#include "mailbox.h"
#include "opt.h"
#include "probes.h"
#include "smtp_targets.h"

struct roundtrip {
	/* set by the caller */
	bool no_wait;			/* what is sent now is looked for by later runs */
	bool greylist_ok;
	double lost_s;			/* after so long a message is lost */
	const char *where;		/* the mailbox, for people */

	/* what came of it */
	const struct smtp_session *session;	/* NULL: nothing was sent */
	char token[SMTP_TOKEN];		/* of this run's message */
	double began, sent;		/* when it began to be sent: clock_now(), since 1970 */
	bool accepted;
	bool arrived;			/* this run's message was found */
	double waited;			/* in vain, seconds */
	bool looked;			/* through the whole mailbox, once at least */
	double find_s;			/* until the end of the first look; NAN: none */
	char trouble[512];		/* why the mailbox could not be looked through; empty: it could */
	bool trouble_ours;

	/* what was found */
	struct mailbox_found last;	/* the one that was sent last */
	double last_sent, last_took;
	size_t found, junk, late, leftovers;
	double late_s;			/* the longest way of a late one */
	struct probes probes;
};

/* For mailbox.found: note what came, arg is the struct roundtrip. */
void roundtrip_found(void *arg, const struct mailbox_found *f);

/* Tell check.h all about it. The check's table of measures has roundtrip_measures. */
void roundtrip_tell(struct roundtrip *r, const struct mailbox *m);
extern const struct measure roundtrip_measures[];

#endif
