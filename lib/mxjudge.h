/* mxjudge.h - what check_mx says: what is wrong with the MX of a domain, and where they differ. */
#ifndef MX_MXJUDGE_H
#define MX_MXJUDGE_H

#include <stdbool.h>

#include "mxprobe.h"
#include "mxset.h"

struct mxjudge {
	bool greylist_ok;		/* greylisting is no difference */
	bool rcpt_exists;		/* somebody said so: an MX has to take mail for it */
	bool null_wanted;		/* the domain is to take no mail */
	bool must_refuse[MXPROBES];	/* not only alike, but refused */
	const char *const *ignored;	/* names of extensions, "tls", "private" and their like */
	size_t ignores;
};

/* All findings and values, a line for each probe and each server, and with --json "servers". */
void mxjudge_tell(const struct mxjudge *j, const struct mxset *m, const struct mxprobe_run *r);

#endif
