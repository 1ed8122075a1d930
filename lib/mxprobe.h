/* mxprobe.h - the same harmless questions to every address of every MX, and their verdicts.
 *
 * First a dialogue to EHLO and STARTTLS, then one for each probe, one after the other with an
 * address and all addresses side by side. A probe ends behind RCPT with RSET: no message is ever
 * sent. It goes by TLS where the first dialogue did, as mail servers would. */
#ifndef MX_MXPROBE_H
#define MX_MXPROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "mxset.h"
#include "smtp.h"

enum mxprobe {
	MXPROBE_ORDINARY, MXPROBE_HELO_WORD, MXPROBE_HELO_OWN, MXPROBE_SENDER_WORD, MXPROBE_SENDER_OWN,
	MXPROBE_SENDER_NODOMAIN, MXPROBE_UNKNOWN, MXPROBE_RELAY, MXPROBES
};

struct mxprobe_row {
	const char *name;	/* "relay": for options and JSON */
	const char *words;	/* "relaying to another domain" */
};
extern const struct mxprobe_row mxprobe_row[MXPROBES];

enum mxprobe_verdict {
	MXPROBE_UNTOLD,		/* it did not come to it */
	MXPROBE_ACCEPTED,
	MXPROBE_GREYLISTED,
	MXPROBE_DEFERRED,	/* 4xx */
	MXPROBE_REFUSED,	/* 5xx */
	MXPROBE_HUNG_UP,	/* half a reply, none, or nonsense */
	MXPROBE_VERDICTS
};
extern const char *const mxprobe_verdict_name[MXPROBE_VERDICTS];

struct mxprobe_server {
	struct mxprobe_run *run;
	const struct mxset_host *host;
	const struct net_addr *addr;
	struct smtp first;		/* the dialogue to EHLO: extensions, TLS */
	bool reached;			/* it went well, but for STARTTLS that is not offered */
	struct {
		enum mxprobe_verdict verdict;
		char said[SMTP_TEXT * 2];	/* "rcpt: 550 5.1.1 ...": hostile */
	} probe[MXPROBES];
	struct smtp_plan plan;
	const char *rcpt;
	struct smtp s;
	unsigned at;			/* which probe runs */
};

struct mxprobe_run {
	/* set by the caller */
	const struct smtp_plan *plan;	/* EHLO, sender, TLS, source: of the first dialogue and ORDINARY */
	const char *domain;
	const char *rcpt, *unknown, *elsewhere;	/* who exists, who does not, who is not ours */
	bool leave_out[MXPROBES];
	bool no_probes;
	double deadline;
	/* found, in the order of mxset */
	struct mxprobe_server **server;
	size_t servers;
	struct smtp_pool pool;
	char sender_own[SMTP_WORD_MAX + 1];
};

/* Ask every address of m, until the deadline at the latest. The set lives as long as the run. */
void mxprobe_ask(struct mxprobe_run *r, const struct mxset *m);

#endif
