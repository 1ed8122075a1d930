/* day.h - the parts of genday: a day in the life of a small mail farm, told twice.
 *
 * Once as log lines (say), once as figures (truth_*). Each part of the farm does both side
 * by side, so the truth is what was done and not what could be read from the lines. Nothing
 * here uses code of the collector: two that make the same mistake would agree.
 *
 * Times are microseconds since the midnight that the day began with. A line past the end of
 * the day is not written, and what it says is not counted. */
#ifndef DAY_H
#define DAY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "dice.h"

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define DAY_END (86400 * SECOND)

/* mxa: short queue ids, amavis behind, LMTP by socket. mxb: a newer Postfix with long ids,
 * amavis or a proxy filter, LMTP over TCP on loopback. mxc: two instances with a plain filter
 * in between that tells nothing but "queued as", local, virtual and pipe deliveries. */
enum host { MXA, MXB, MXC, HOSTS };
extern const char *const host_name[HOSTS];

/* What a mail system can do to fill a day: kinds of sessions, one is drawn by its weight. The
 * last has weight 0. */
struct visit {
	unsigned weight;
	void (*begin)(enum host, int64_t);
	bool takes_mail;
};

struct farm {
	const char *name;	/* "postfix" */
	const struct visit *visits;
	void (*advance)(unsigned second);	/* NULL, or: do all that happens until it is over */
};

/* ---- truth.c: figures by the names of lib/metric.def ---- */

#define FIGURES(X) \
	X(lines) X(unknown) X(conn) X(screened) X(screen_pass) X(screen_bad) X(screen_hangup) \
	X(lost) X(timeout) X(ratelimit) X(auth_ok) X(auth_fail) X(auth_rcpt) X(login_ok) \
	X(login_fail) X(tls_in) X(tls_out) \
	X(tls_fail) X(recv_msg) X(recv_rcpt) X(recv_bytes) X(recv_local) X(local_rcpt) \
	X(dlv_ext) X(dlv_local) X(dlv_bytes) X(rej) X(tmp) X(warn_rej) X(defer) X(bounce) \
	X(expire) X(dsn) X(own_rcpt) X(held) X(discard) X(spam) X(virus) X(banned) \
	X(half_seen) X(evicted) X(qwarn) X(filter_fail)

enum figure {
#define X(name) F_##name,
	FIGURES(X)
#undef X
	FIGURE_N
};

/* Classes of reasons; the second name is the one in defer_SHORT and bounce_SHORT. */
#define CLASSES(X) \
	X(dnsbl, dnsbl) X(rhsbl, rhsbl) X(helo, helo) X(rdns, rdns) \
	X(generic_host, generic_host) \
	X(unknown_rcpt, unknown_rcpt) X(unknown_sender, unknown_sndr) \
	X(relay_denied, relay_denied) X(greylist, greylist) X(ratelimit, ratelimit) \
	X(spam_content, spam_content) X(policy, policy) X(spf, spf) X(tls_required, tls_required) \
	X(auth_required, auth_req) X(auth_failed, auth_failed) X(size, size) X(mailbox_full, mailbox_full) \
	X(protocol, protocol) X(resource, resource) X(dns, dns) X(remote_conn, remote_conn)

enum class {
#define X(name, short_) C_##name,
	CLASSES(X)
#undef X
	CLASS_N
};

void truth_add(enum host h, enum figure f, int64_t n);
/* n recipients or messages refused, for good (code 5xx) or for now. zone: the block list of
 * C_dnsbl by its number, else ignored. */
void truth_refused(enum host h, unsigned code, enum class cls, unsigned zone, int64_t n);
void truth_deferred(enum host h, enum class cls);
void truth_bounced(enum host h, enum class cls);
/* The delay of a final delivery at the first attempt, as it was printed. */
void truth_delay(double seconds);
/* n recipients are on hold now (or, negative, no longer). */
void truth_on_hold(int64_t n);
void truth_write(FILE *f, uint64_t seed, const char *date);
int64_t truth_lines(void);

/* ---- out.c: the lines, in the order in which a log server gets them ---- */

struct out_form {
	unsigned year, month, day;
	bool iso;		/* RFC 3339 stamps and full host names */
	unsigned shuffle_minutes;
	int only;		/* this host's lines alone; -1: all */
	int lack;		/* of this host ... */
	unsigned lack_percent;	/* ... so many lines are lost */
};

void out_begin(FILE *f, const struct out_form *form);
/* Write a line: "WHO/SERVICE[PID]: text", without "WHO/" if who is NULL and without "[PID]" if
 * pid is 0. False if the day is over: then it did not happen. */
bool say(enum host h, int64_t t, const char *who, const char *service, unsigned pid,
    const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* The midnight that the day began with, UTC epoch. */
int64_t day_epoch(void);
/* No line will come any more that is older than the second. */
void out_advance(unsigned second);
void out_end(void);

/* ---- names.c: who takes part ---- */

struct client {
	char name[64];		/* "unknown" without a reverse name */
	char ip[48];
};

extern const char *const zones[];
enum { ZONE_N = 5, ADDRESS = 128, QUEUE_ID = 24 };

void client_draw(struct client *c);
void local_address(char out[ADDRESS]);
void remote_address(char out[ADDRESS]);
bool is_local(const char *address);
const char *domain_of(const char *address);
void helo_name(char out[ADDRESS]);
void message_id(char out[ADDRESS]);
/* So many characters of letters and digits, terminated. */
void token(char *out, unsigned n);
/* An id that no open mail of the host has; one in a while is that of a mail now gone. */
void queue_id(enum host h, int64_t t, char out[QUEUE_ID]);
/* The mail of that id is gone at t: it may be used again. */
void queue_id_free(enum host h, const char *id, int64_t t);
unsigned some_pid(void);

/* Fill in a template: %c client as name[ip], %i its address, %h HELO, %f sender, %t recipient,
 * %d the recipient's domain, %m and %p its mail exchanger's name and address, %z a zone. */
struct words {
	const struct client *client;
	const char *helo, *from, *to, *zone, *mx, *mx_ip;
};
void fill_in(char *out, size_t size, const char *template, const struct words *w);

/* ---- the farm at work: each begins at t ---- */

struct rcpt {
	char to[ADDRESS];
	bool open, deferred;
};

enum { RCPT_MAX = 8, QMGR_PID = 700 };

struct mail {
	enum host host;
	const char *who;	/* syslog_name of its instance */
	char id[QUEUE_ID];
	char from[ADDRESS];
	char mid[ADDRESS];
	int64_t came_at;	/* delays count from here */
	uint32_t size;
	unsigned n;
	struct rcpt rcpts[RCPT_MAX];
};

/* front.c: sessions that end before the queue, or are refused at its door */
void session_refused(enum host h, int64_t t);
void session_attack(enum host h, int64_t t);
void session_content_refused(enum host h, int64_t t);
void session_broken(enum host h, int64_t t);
/* connect from, TLS now and then; returns the time after it */
int64_t greet(enum host h, int64_t t, const char *who, const char *service, unsigned pid,
    const struct client *c);

/* screen.c: postscreen, and what else fills a log */
void session_screened(enum host h, int64_t t);
int64_t screen_pass(enum host h, int64_t t, const struct client *c);
void noise(enum host h, int64_t t);

/* arrive.c: mail that is taken */
uint32_t mail_size_draw(void);
/* Who sends m to whom: no recipient twice. */
void envelope_draw(struct mail *m, bool outbound);
void mail_inbound(enum host h, int64_t t);
void mail_submitted(enum host h, int64_t t);
void mail_local(enum host h, int64_t t);

/* deliver.c: from the queue to the end, with retries and notifications */
/* The first qmgr line. False if the day ended before it. */
bool mail_queued(const struct mail *m, int64_t t);
void mail_deliver(struct mail *m, int64_t t);
/* One line of a delivery agent; returns the delay as printed, or -1 past the day's end. */
double delivery_line(const struct mail *m, int64_t t, const char *service, const char *to,
    const char *relay, const char *dsn, const char *status, const char *text);
/* "removed", and the id may be used again. */
void mail_removed(const struct mail *m, int64_t t);

#endif
