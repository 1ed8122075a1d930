/* qmail.c - qmail and its family: whose line it is, and which program wrote it.
 *
 *	new msg 9812					the queue: qmail_send.c
 *	tcpserver: ok 15513 mx1:192.0.2.1:25 h.example.net:198.51.100.7::44476
 *	rblsmtpd: 203.0.113.9 pid 19597: 451 TEXT	qmail_server.c
 *	qmail-smtpd[771]: badhelo: <x> at 203.0.113.9	qmail_smtpd.c, and what follows
 *	qlogenvelope: result=rejected code=553 ...
 *	CHKUSER rejected rcpt: from <...
 *	spamdyke[9]: DENIED_RDNS_MISSING from: ...	qmail_filter.c
 *	simscan:[771]:CLEAN (0.10/12.00):...
 *	smtp_auth: FAILED: anna - password incorrect ...	qmail_plesk.c
 * All of them write to one pipe. multilog, svlogd or splogger put a stamp before each line, which
 * input/header.c takes off: such lines have the tag "qmail", whatever splogger was told. Those
 * that know syslog themselves (spamdyke, vchkpw ...) come with their own tag.
 *
 * splogger(8) of qmail-1.03, netqmail and notqmail cuts a line after 799 bytes; the next piece
 * has the stamp of the first, and a '+' behind it instead of a blank. A line of exactly 799
 * bytes looks as if it went on. */
#include "dialect/qmail.h"

#include "poison.h"

enum { SPLOGGER_MAX = 799, STAMP_MAX = 27 };

typedef int parse_fn(struct slice s, struct event *out);

static int
known(struct slice s, struct event *out)
{
	(void)s;
	(void)out;
	return 0;
}

static int
smtpd(struct slice s, struct event *out)
{
	return qmail_smtpd(s, false, out);
}

static int
qlog_envelope(struct slice s, struct event *out)
{
	return qmail_qlog(s, false, out);
}

static int
qlog_received(struct slice s, struct event *out)
{
	return qmail_qlog(s, true, out);
}

static int
vpopmail(struct slice s, struct event *out)
{
	return qmail_vchkpw(slice_head(s, 0), s, out);
}

/* By the name that a line begins with, or by the tag. */
static const struct program {
	struct slice name;
	parse_fn *parse;
} programs[] = {
	{ { "tcpserver", 9 }, qmail_tcpserver },
	{ { "sslserver", 9 }, qmail_tcpserver },
	{ { "rblsmtpd", 8 }, qmail_rblsmtpd },
	{ { "qmail-smtpd", 11 }, smtpd },
	{ { "qlogenvelope", 12 }, qlog_envelope },
	{ { "qlogreceived", 12 }, qlog_received },
	{ { "spamdyke", 8 }, qmail_spamdyke },
	{ { "simscan", 7 }, qmail_simscan },
	{ { "qmail-scanner", 13 }, qmail_scanner },
	{ { "qmail-scanner-queue.pl", 22 }, qmail_scanner },
	{ { "vpopmail", 8 }, vpopmail },
	{ { "vchkpw", 6 }, vpopmail },
	{ { "policy_check", 12 }, known },	/* eMPF says what it looks at; qlog the outcome */
	{ { "qmail-daemon", 12 }, known },	/* indimail's qmail-start */
	{ { "relaylock", 9 }, qmail_relaylock },
	{ { "smtp_auth", 9 }, qmail_smtp_auth },
	{ { "qmail-queue-handlers", 20 }, qmail_queue_handlers },
	{ { "qmail-local-handlers", 20 }, known },	/* Plesk's, of deliveries */
	{ { "qmail-remote-handlers", 21 }, known },
};

static const struct program *
program_of(struct slice name)
{
	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
		if (slice_eq(name, programs[i].name))
			return &programs[i];
	return NULL;
}

static bool
claims(const struct line *l)
{
	struct slice t = l->tag;

	if (slice_eat(&t, SLICE("qmail")))
		return t.n == 0 || t.p[0] == '-' || t.p[0] == '_';
	return slice_starts(t, SLICE("vchkpw")) || program_of(scan_base(t)) != NULL;
}

const struct ruling *
qmail_ruling(const struct ruling *rows, size_t n, struct slice s)
{
	for (size_t i = 0; i < n; i++)
		if (slice_starts(s, slice_of(rows[i].head)))
			return &rows[i];
	return NULL;
}

struct event *
qmail_rule(struct event *e, const struct ruling *r)
{
	event_begin(e, r->kind);
	e->cls = r->cls;
	e->sub = slice_of(r->sub);
	e->stage = slice_of(r->stage);
	return e;
}

bool
qmail_number(struct slice *s, struct slice *number)
{
	size_t n = 0;

	while (n < s->n && n < 20 && slice_is_digit(s->p[n]))
		n++;
	*number = slice_head(*s, n);
	if (n == 0)
		return false;
	*s = slice_from(*s, n);
	return true;
}

static bool
is_hex(char c)
{
	return slice_is_digit(c) || (slice_lower(c) >= 'a' && slice_lower(c) <= 'f');
}

bool
qmail_ip_at_end(struct slice *s, struct slice *ip)
{
	ptrdiff_t colon = slice_rfind(*s, SLICE(":"));
	size_t at = s->n;

	if (colon >= 0 && scan_is_ip(slice_from(*s, (size_t)colon + 1))) {
		at = (size_t)colon;
	} else {	/* the name may end in what are hexadecimal digits: up to the first colon */
		while (at > 0 && (s->p[at - 1] == ':' || is_hex(s->p[at - 1])))
			at--;
		while (at < s->n && s->p[at] != ':')
			at++;
	}
	if (at == s->n || !scan_is_ip(slice_from(*s, at + 1)))
		return false;
	*ip = slice_from(*s, at + 1);
	s->n = at;
	return true;
}

struct slice
qmail_dsn(struct slice s)
{
	ptrdiff_t at = slice_rfind(s, SLICE("(#"));
	struct slice code, dsn = slice_head(s, 0);

	if (at < 0)
		return dsn;
	s = slice_from(s, (size_t)at + 2);
	if (!slice_cut(&s, ')', &code) || code.n > 9 || !scan_dsn(&code, &dsn))
		return slice_head(s, 0);
	return dsn;
}

/* "NAME: ", "NAME[123]: ", "NAME:[123]:", "NAME 123: ": what a line may begin with. */
static bool
take_name(struct slice *s, struct slice *name, bool *titled, bool *spaced)
{
	struct slice rest = *s, pid;
	size_t n = 0;

	while (n < rest.n && n < 24 && (slice_is_alnum(rest.p[n]) || rest.p[n] == '-' ||
	    rest.p[n] == '_' || rest.p[n] == '.'))
		n++;
	*name = slice_head(rest, n);
	rest = slice_from(rest, n);
	*titled = *spaced = false;
	if (slice_eat_char(&rest, '[')) {
		*titled = true;
		if (!qmail_number(&rest, &pid) || !slice_eat_char(&rest, ']'))
			return false;
	} else if (slice_eat_char(&rest, ' ')) {
		*spaced = true;
		if (!qmail_number(&rest, &pid))
			return false;
	}
	if (n == 0 || !slice_eat_char(&rest, ':'))
		return false;
	(void)slice_eat_char(&rest, ' ');
	*s = rest;
	return true;
}

/* A mail was taken by qmail-smtpd, and qmail-queue's process was so and so:
 * "mail recv: pid 210394 from <s@example.net> qp 210429", a toaster's. */
static int
mail_received(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_CLIENT);
	struct slice pid;

	if (!qmail_number(&s, &pid) || !slice_eat(&s, SLICE(" from <")) ||
	    !slice_rcut_at(&s, SLICE("> qp "), &e->from) || !qmail_number(&s, &e->qp) || s.n > 0)
		return -1;
	return 1;
}

/* A line that any of the programs may have written. */
static int
any(uint32_t usec, struct slice s, const struct program **who, struct event *out)
{
	struct slice rest = s, name;
	bool titled, spaced;

	if (qmail_is_send(s))
		return qmail_send(usec, s, out);
	if (take_name(&rest, &name, &titled, &spaced) && (*who = program_of(name)) != NULL) {
		if ((*who)->parse != smtpd)
			return (*who)->parse(rest, out);
		return spaced ? qmail_ldap(rest, out) : qmail_smtpd(rest, titled, out);
	}
	rest = s;
	if (slice_eat(&rest, SLICE("CHKUSER ")))
		return qmail_chkuser(rest, out);
	if (slice_starts(s, SLICE("Accept::")) || slice_starts(s, SLICE("Reject::")) ||
	    slice_starts(s, SLICE("Deferred::")))
		return qmail_spamcontrol(s, out);
	if (slice_eat(&rest, SLICE("mail recv: pid ")))
		return mail_received(rest, out);
	if (slice_starts(name, SLICE("vchkpw")))
		return qmail_vchkpw(name, s, out);
	if (s.n > 0 && slice_is_digit(s.p[0]))
		return qmail_recordio(s, out);
	return -1;
}

/* The stamp of splogger where header.c left it: that of syslog is far off, for it has no year. */
static void
skip_stamp(struct slice *s, uint32_t *usec)
{
	struct slice rest = *s, secs, fraction;
	uint64_t v;

	if (!qmail_number(&rest, &secs) || secs.n < 9 || !slice_eat_char(&rest, '.') ||
	    !qmail_number(&rest, &fraction) || fraction.n != 6 || !slice_eat_char(&rest, ' ') ||
	    !slice_u64(&fraction, &v))
		return;
	*usec = (uint32_t)v;
	*s = rest;
}

static int
parse(const struct line *l, struct event out[EVENTS_MAX])
{
	struct slice s = slice_trim(l->text);
	const struct program *own = program_of(scan_base(l->tag)), *who = NULL;
	uint32_t usec = l->usec;
	int n;

	if (s.n > 0 && s.p[0] == '1')
		skip_stamp(&s, &usec);
	n = any(usec, s, &who, out);

	if (n < 0 && who == NULL && own != NULL) {
		who = own;
		n = own->parse(s, out);
	} else if (n < 0 && who == NULL && slice_starts(l->tag, SLICE("vchkpw"))) {
		n = qmail_vchkpw(l->tag, s, out);
	}
	for (int i = 0; i < n; i++)
		out[i].service = who != NULL ? who->name : l->tag;
	return n;
}

/* The stamp that header.c took off: the same in all pieces of a line. */
static struct slice
stamp_of(const struct line *l)
{
	size_t end, at;

	if (l->ident.n < l->text.n || l->ident.p + (l->ident.n - l->text.n) != l->text.p)
		return slice_head(l->text, 0);
	end = l->ident.n - l->text.n;
	if (end > 0 && l->ident.p[end - 1] == ' ')
		end--;
	for (at = end; at > 0 && end - at < STAMP_MAX; at--)
		if (!slice_is_digit(l->ident.p[at - 1]) && l->ident.p[at - 1] != '.')
			break;
	return slice_head(slice_from(l->ident, at), end - at);
}

static bool
part(const struct line *l, struct part *p)
{
	struct slice s = l->text;
	bool goes_on = slice_eat_char(&s, '+');

	if (!slice_eq(l->tag, SLICE("qmail")) || (!goes_on && s.n != SPLOGGER_MAX))
		return false;
	*p = (struct part){ .key = stamp_of(l), .text = s, .first = !goes_on,
		.more = s.n == SPLOGGER_MAX };
	return true;
}

const struct dialect dialect_qmail = { .name = "qmail", .claims = claims, .parse = parse,
	.part = part };
