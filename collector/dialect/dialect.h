/* dialect.h - what a dialect sees, and the words it answers in.
 *
 * A dialect turns a line into events. It is a pure function: no state, no
 * clock, no allocation, no I/O. All slices of an event point into the line or
 * are literals. Words follow the vocabulary of mail, not of one program. */
#ifndef MX_DIALECT_H
#define MX_DIALECT_H

#include <stdbool.h>
#include <stdint.h>

#include "dialect/scan.h"
#include "input/line.h"
#include "reason.h"
#include "slice.h"

/* What happened. The names in `mxgauge parse` are these, in capitals.
 *
 * CONNECT	client came in (client_*; screen: postscreen's CONNECT)
 * DISCONNECT	it left (auth_fail: from "auth=ok/total")
 * REJECT	5xx for a recipient or message (cls sub code dsn stage from to helo text)
 * TEMPFAIL	4xx for the same; cls greylist when it was greylisting
 * WARN_REJECT	a rule in test mode would have refused
 * CLIENT	a queue file was opened for a client (id client_* sasl_*); accepted only with QUEUED
 * NEW		a queue file was made, and nothing else is known (qmail)
 * PICKUP	a queue file was made from a local submission (id from; new_id: orig_id)
 * MSGID	the Message-ID of id (mid)
 * QUEUED	it is in the queue; Postfix says so at each retry (id from size nrcpt sess qp)
 * STARTED	qmail begins delivery number task of id (to where); without task: it is left to a
 *		queue run
 * DELIVERED	one recipient done (id to orig_to relay* delay delays dsn text where new_id); qmail
 *		names the delivery (task) instead of id and to, as for the next two
 * DEFERRED	one recipient must wait (cls sub)
 * BOUNCED	one recipient failed for good (cls sub)
 * EXPIRED	the rest of the recipients was given up
 * REMOVED	the queue file is gone (by_admin: postsuper, mail not delivered; all_done)
 * HELD RELEASED	on hold, released
 * DISCARDED	accepted and dropped (id may be empty)
 * FILTERED	an access rule sent it elsewhere (information)
 * REDIRECTED	a rule gives it to one other address, to, instead of all its recipients (orig_to: the
 *		recipient then; id may be empty)
 * ACCEPT	permit:, proxy-accept (information)
 * DSN_SENT	id made a notification new_id, or the one that QUEUED has qp of (stage: "sender
 *		non-delivery" ...)
 * LINK		id continues as new_id (requeue, orig_queue_id)
 * PROBE	an address probe's outcome: never counted as mail
 * SPAM VIRUS BANNED HAM	a filter's verdict on a message: it counts once for the mail id, whoever
 *		says so; where id is not known, once for its Message-ID mid; with neither it is
 *		counted as it stands (new_id: queued as; sub: what it is; text: the score)
 * DKIM SPF DMARC	how a check of the sender went (sub: pass fail softfail neutral none temperror
 *		permerror; text; from: the domain): information
 * POLICY	a policy service's answer, which the MTA logs too (sub: its action): information
 * AUTH_OK AUTH_FAIL TLS TLS_FAIL LOST_CONN TIMEOUT RATELIMIT SCREEN as named
 * QWARN	queue, disk, process or lookup trouble (cls sub text)
 * FILTER_FAIL	a filter, milter or policy service is broken (sub: which)
 * LOG_LOSS	the log daemon dropped count messages
 * STATS	a gauge from the log (stage: name, count: value)
 * DNSBL	how check_dnsbl found a block list (sub: its zone, stage: its health, asked answered
 *		latency_us) */
#define EVENT_KINDS(X) \
	X(CONNECT) X(DISCONNECT) X(REJECT) X(TEMPFAIL) X(WARN_REJECT) X(CLIENT) X(NEW) X(PICKUP) \
	X(MSGID) X(QUEUED) X(STARTED) X(DELIVERED) X(DEFERRED) X(BOUNCED) X(EXPIRED) X(REMOVED) \
	X(HELD) X(RELEASED) X(DISCARDED) X(FILTERED) X(REDIRECTED) X(ACCEPT) X(DSN_SENT) \
	X(LINK) X(PROBE) X(SPAM) X(VIRUS) X(BANNED) X(HAM) X(DKIM) X(SPF) X(DMARC) X(POLICY) X(AUTH_OK) X(AUTH_FAIL) X(TLS) \
	X(TLS_FAIL) X(LOST_CONN) X(TIMEOUT) X(RATELIMIT) X(SCREEN) X(QWARN) \
	X(FILTER_FAIL) X(LOG_LOSS) X(STATS) X(DNSBL) X(INFO)

enum event_kind {
#define X(name) EV_##name,
	EVENT_KINDS(X)
#undef X
	EVENT_KIND_N
};

/* Where a delivery went, by the agent that made it and never by an address. */
enum where {
	WHERE_NONE,	/* no delivery */
	WHERE_EXT,	/* smtp: a next hop */
	WHERE_LOCAL,	/* local virtual lmtp pipe: mailbox, file, command */
	WHERE_DISCARD,	/* discard(8), or a filter on loopback that said it dropped the mail */
	WHERE_FORWARD	/* local: "forwarded as": the mail goes on as new_id */
};

struct event {
	enum event_kind kind;
	enum where where;
	enum reason cls;	/* REJECT TEMPFAIL WARN_REJECT DEFERRED BOUNCED HELD DISCARDED QWARN */
	uint16_t code;		/* SMTP reply code, 0 if none was logged */
	uint16_t client_port, relay_port;
	bool loopback;		/* the client's address is loopback or a local socket */
	bool by_admin;		/* REMOVED EXPIRED HELD by postsuper or the like */
	bool outbound;		/* TLS TLS_FAIL LOST_CONN: we were the client */
	bool screen;		/* from postscreen */
	bool relay_loopback;	/* the next hop is on this machine */
	bool mailbox;		/* AUTH_OK AUTH_FAIL: to read mail (IMAP, POP3, ManageSieve), not to send */
	bool aborted;		/* REMOVED of a transaction that never completed */
	bool all_done;		/* REMOVED: no recipient was left; those that no line named were the
				 * same as others (Exim) */
	bool in_filter;		/* DELIVERED: id is a filter's own name of the mail. It is one that an MTA's
				 * delivery gave it, or else nothing but talk (Proxmox) */
	bool piped;		/* DELIVERED: by a command that may give the mail back as another one */
	bool no_end;		/* QUEUED, deliveries: no line will say that the mail is REMOVED; it
				 * is gone when all its recipients are (Sendmail, OpenSMTPD) */
	bool together;		/* QUEUED: all that wait are tried together; those that no line names
				 * then were the same as others (Sendmail) */
	bool twin;		/* REJECT TEMPFAIL: syslog gets this line twice, two are one (Exim's main and
				 * reject log) */
	bool timed;		/* DNSBL: latency_us is known */
	uint32_t usec;		/* where ids are reused within a second: when in it (qmail) */
	uint32_t nrcpt;		/* QUEUED, verdicts: recipients, 0: not said */
	uint32_t count;		/* how often (1 if 0); LOG_LOSS STATS: the number */
	uint32_t conn_use;
	uint32_t asked, answered, latency_us;	/* DNSBL: questions, and how long one took */
	uint32_t auth_fail;	/* DISCONNECT: AUTH commands that were refused */
	uint64_t size;		/* bytes */
	int64_t delay_ms;	/* since arrival; -1 if not logged: it is taken from the stamps */
	int32_t delays_ms[4];	/* before qmgr, in qmgr, connection, transmission; -1 */
	struct slice id;	/* queue id, empty for NOQUEUE */
	struct slice new_id;	/* the id it continues as, or the notification's; LINK */
	struct slice task;	/* qmail's delivery number */
	struct slice sess;	/* OpenSMTPD's session: CONNECT and AUTH_OK say who is in it, QUEUED
				 * of a mail that came in it need not */
	struct slice qp;	/* process id of qmail-queue: QUEUED DSN_SENT CLIENT */
	struct slice client_name, client_ip;	/* name empty if "unknown" */
	struct slice orig_client_name, orig_client_ip;
	struct slice helo, from, to, orig_to;	/* addresses without <> */
	struct slice sasl_method, sasl_user;
	struct slice mid;	/* Message-ID as printed */
	struct slice relay, relay_ip;	/* relay: host name, "local", "none", transport */
	struct slice dsn;	/* enhanced status code "5.7.1" */
	struct slice stage;	/* RCPT, END-OF-MESSAGE, ...; name of a STATS or DSN_SENT */
	struct slice sub;	/* below cls: the DNSBL zone, "one_word", "timeout" ... */
	struct slice text;	/* reply or reason as printed */
	struct slice tls_proto, tls_cipher, tls_trust;
	struct slice proto;	/* ESMTP, SMTP */
	struct slice service;	/* last component of the tag: smtpd, qmgr */
};

/* A Sendmail to= line or an amavis verdict may speak of many; more is cut there. */
enum { EVENTS_MAX = 64 };

/* parse() writes at most EVENTS_MAX events and returns
 *	n > 0	that many events
 *	0	a line we know and have no use for
 *	-1	a line we do not know (counted, and a sample kept for the admin)
 *	DIALECT_FOREIGN	another program's after all: the tag was no more than a guess of
 *		header.c's, or several programs go by that name */
enum { DIALECT_FOREIGN = -2 };

/* A piece of a line that the program, or its logger, cut into several. They are put together
 * (flow/join.h) before parse() sees the whole. */
struct part {
	struct slice key;	/* the same in all pieces of a line, beside host, tag and pid */
	struct slice text;	/* without what marks it as a piece; a part of the line's */
	unsigned n, of;		/* number from 1, and how many there are; 0: not said, then by time
				 * and in order of arrival */
	bool first, more;	/* where n or of is 0: the first one; another one follows, maybe if n
				 * is 0 */
	bool newline;		/* an end of line stood between it and the next one */
};

struct dialect {
	const char *name;
	/* Is the line this dialect's? By its tag alone: the answer is remembered for the tag. */
	bool (*claims)(const struct line *);
	int (*parse)(const struct line *, struct event out[EVENTS_MAX]);
	/* What is worth knowing of a tag: whoever remembers it hands it to parse() with
	 * each line of that tag. NULL: nothing is. */
	uint32_t (*note)(struct slice tag);
	/* Is the line a piece of one? NULL: this program's never are. */
	bool (*part)(const struct line *, struct part *);
};

/* Ready an event: all zero but the delays, which are "not logged". */
static inline struct event *
event_begin(struct event *e, enum event_kind kind)
{
	*e = (struct event){ .kind = kind, .delay_ms = -1, .delays_ms = { -1, -1, -1, -1 } };
	return e;
}

/* What a refusal's text means (dialect/reason.c): the order is structured
 * evidence by the caller first, then fixed texts, enhanced status code,
 * keywords, other. dsn may be empty, code 0. remote: the text is another
 * server's answer to us. Sets *sub to a literal or a part of text. */
enum reason reason_of_text(struct slice text, struct slice dsn, unsigned code, bool remote,
    struct slice *sub);

/* The zone at the front of text: "zen.example.org", with a dot, or empty. A leading label that is
 * a customer's secret key is not given out. */
struct slice reason_zone_here(struct slice text);

/* The zone in "... blocked using ZONE; ...", "listed at ZONE" and their like, without
 * a customer's key label in front; empty if there is none. */
struct slice reason_zone(struct slice text);

/* Why, for counting. A next hop's refusal is remote_refused, and below it (sub) the
 * class that its text has; where there is one, that one counts. */
static inline enum reason
event_reason(const struct event *e)
{
	enum reason r = REASON_none;

	if (e->cls == REASON_remote_refused)
		r = reason_by_name(e->sub);
	return r != REASON_none ? r : e->cls;
}

/* address_is_loopback() of what begins with a colon. */
bool address_is_loopback_6(struct slice ip);

/* "192.0.2.1", "2001:db8::1": is it 127/8, ::1 or ::ffff:127.x? */
static inline bool
address_is_loopback(struct slice ip)
{
	return slice_starts(ip, SLICE("127.")) ||
	    (ip.n > 0 && ip.p[0] == ':' && address_is_loopback_6(ip));
}

/* All dialects by list.def, in its order; NULL ends. */
extern const struct dialect *const dialects[];

/* The first dialect that claims the line, or NULL: a foreign line. */
const struct dialect *dialect_of(const struct line *l);

#endif
