/* smtp.h - one dialogue with a mail server, measured phase by phase, without ever waiting.
 *
 *	smtp_start(&s, &plan, host, addr, addrs, dns_s, deadline);
 *	smtp_run(&pool);			many at once, one poll loop
 *	if (s.verdict != SMTP_WELL) ... s.sentence
 *
 * A plan says how deep to go; it may be used by many dialogues. The first thing that is not
 * as planned ends the dialogue, with QUIT where that still has a meaning. SMTP, LMTP, SMTPS,
 * STARTTLS, AUTH, PIPELINING, CHUNKING, XCLIENT and PROXY. Whatever the server says is
 * hostile: texts kept here are cut, not cleaned. */
#ifndef MX_SMTP_H
#define MX_SMTP_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "dns.h"
#include "err.h"
#include "net.h"
#include "sasl.h"
#include "slice.h"
#include "smtp_message.h"
#include "smtp_reply.h"
#include "tlsclient.h"

/* In the order in which they come, but for TLS from the start, which comes before the banner. A
 * second EHLO and, with XCLIENT, the new greeting count to what made them necessary: starttls
 * and ehlo. data is DATA with the sending of the message, or that alone with CHUNKING;
 * accept is the time from the final dot on. */
enum smtp_phase {
	SMTP_DNS, SMTP_CONNECT, SMTP_BANNER, SMTP_EHLO, SMTP_STARTTLS, SMTP_AUTH, SMTP_MAIL,
	SMTP_RCPT, SMTP_DATA, SMTP_ACCEPT, SMTP_QUIT, SMTP_TOTAL, SMTP_PHASES
};
extern const char *const smtp_phase_name[SMTP_PHASES];

enum smtp_depth { SMTP_TO_BANNER, SMTP_TO_EHLO, SMTP_TO_RCPT, SMTP_TO_ACCEPT };
enum smtp_tls { SMTP_PLAIN, SMTP_USE_STARTTLS, SMTP_USE_TLS };
enum { SMTP_RCPT_MAX = 100, SMTP_WORD_MAX = 255, SMTP_TEXT = 400 };

/* What a reply has to be in place of the usual: a code such as "550" or "5xx", and words. */
struct smtp_expect {
	char code[4];		/* empty: nothing special */
	char text[SMTP_WORD_MAX + 1];	/* is in it, in either case; small letters here */
};
/* "550", "5xx", "220 mx1.example.org". False: it begins with no code. */
bool smtp_expect_parse(struct slice s, struct smtp_expect *x);

struct smtp_plan {
	bool lmtp;
	enum smtp_depth depth;
	const char *helo;		/* empty: our address */
	enum smtp_tls tls;
	struct tlsclient_context *context;	/* where TLS is spoken */
	bool unverified;		/* certificates are looked at and not judged */
	struct slice user, password;	/* no login where user is empty */
	enum sasl_mech mech;		/* SASL_NONE: the best that is offered */
	bool clear_password;		/* PLAIN and LOGIN also without TLS */
	const char *from;
	const char *const *rcpt;
	size_t rcpts;
	struct smtp_message message;
	const char *const *xclient;	/* "ADDR=192.0.2.1" */
	size_t xclients;
	int proxy;			/* version of the PROXY protocol, 0: none */
	const struct net_addr *proxy_client;	/* NULL: ourselves */
	const struct net_addr *source;	/* NULL: the system's choice */
	bool pipelining;		/* MAIL, RCPT and DATA in one go: their times blur */
	bool no_chunking;
	bool transcript;		/* keep smtp.talk */
	struct smtp_expect expect[SMTP_PHASES];
};
/* Are all its words such that they stay words (no line ends, not too long)? Ask before any use. */
bool smtp_plan_check(const struct smtp_plan *p, struct err *e);

/* The name of this host for EHLO; "" where it has no dot: mail servers dislike such. */
const char *smtp_own_name(void);

enum smtp_verdict {
	SMTP_WELL,
	SMTP_GREYLISTED,	/* the refusal of a greylist */
	SMTP_REFUSED,		/* the server's reply ended it */
	SMTP_BROKEN,		/* no answer, half of one, nonsense, bad TLS */
	SMTP_OURS		/* trouble of this machine's own */
};

struct smtp {
	const struct smtp_plan *plan;
	const char *host;		/* whose certificate it has to be */
	const struct net_addr *addr;	/* in turn, until one can be reached */
	size_t addrs, addr_at;
	const struct tlsclient_pin *pin;	/* DANE: with pins > 0 nothing else is trusted */
	size_t pins;
	void *owner;			/* the caller's */

	/* the answer */
	enum smtp_verdict verdict;
	enum smtp_phase phase;		/* that it came to, or failed in */
	char sentence[SMTP_TEXT * 2];	/* what went wrong, without the host */
	int code;			/* of the last reply */
	double phase_s[SMTP_PHASES];	/* NAN: was not reached */
	char banner[SMTP_TEXT];
	char accepted[SMTP_TEXT];	/* the last reply to the message */
	char ended_by[SMTP_TEXT];	/* the refusal that was expected, and where */
	enum smtp_phase ended_in;
	struct buf extensions;		/* of the last EHLO, a line each */
	bool was_tls;
	struct tlsclient_facts tls_facts;
	enum sasl_mech mech;
	bool chunked;
	char unreached[SMTP_TEXT];	/* addresses tried in vain before this one */
	struct buf talk;		/* with plan.transcript */

	/* its own */
	enum { SMTP_NEW, SMTP_CONNECTING, SMTP_HANDSHAKE, SMTP_TALKING, SMTP_LEAVING, SMTP_DONE } state;
	int fd;
	struct tlsclient *tls;
	short wants;			/* of poll(), for TLS */
	struct buf out;
	size_t out_done;
	struct smtp_reply reply;
	unsigned char await[SMTP_RCPT_MAX + 8];
	size_t awaits;
	struct sasl sasl;
	size_t rcpt_at;
	bool authed, xcliented, ended, body_on_way, peer_failed;
	double begun, mark, deadline, attempt_until, leave_until;
};

/* A fresh dialogue: *s may be an old one that smtp_end() saw. host and addr must live as long; the
 * name server took dns_s (NAN: it was not asked). */
void smtp_start(struct smtp *s, const struct smtp_plan *plan, const char *host,
    const struct net_addr *addr, size_t addrs, double dns_s, double deadline);
/* Close and forget everything but the answer's numbers and texts. */
void smtp_end(struct smtp *s);

/* For a poll loop: is there more to do, on what, until when, and do it. */
bool smtp_wants(const struct smtp *s, struct pollfd *fd, double *until);
void smtp_ready(struct smtp *s, short revents, double now);

/* "192.0.2.1", as it was reached or tried last. */
void smtp_address(const struct smtp *s, struct buf *b);
/* Does the last EHLO offer it? *params: what stands behind the word. */
bool smtp_offers(const struct smtp *s, struct slice word, struct slice *params);

/* Dialogues side by side: all that were added, also by the call-backs of d (may be NULL) and
 * by done, which is told of each that ends and may start it again. Returns when none has
 * anything to do any more, at the deadline at the latest. */
struct smtp_pool {
	struct smtp **v;
	size_t n;
	struct dns *dns;
	double deadline;
	void (*done)(void *arg, struct smtp *s);
	void *arg;
};
void smtp_pool_add(struct smtp_pool *p, struct smtp *s);
void smtp_run(struct smtp_pool *p);

#endif
