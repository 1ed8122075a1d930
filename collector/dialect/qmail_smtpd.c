/* qmail_smtpd.c - what patches make qmail-smtpd say: qlog, CHKUSER, qregex, the logging patch.
 *
 *	qlogenvelope: result=rejected code=553 reason=qregexbmf detail=X helo=x mailfrom=a@example.net
 *	    rcptto=u@example.org relay=no ... remoteip=203.0.113.9 ... qp= pid=771
 *	qlogreceived: result=accepted code=250 reason=queueaccept ... qp=774 pid=771
 *	CHKUSER rejected rcpt: from <a@example.net|remoteinfo/auth:|chkuser-identify:> remote
 *	    <helo:x|remotehostname:unknown|remotehostip:203.0.113.9> rcpt <u@example.org> : not
 *	    existing recipient
 *	qmail-smtpd: message rejected (TEXT): a@example.net from 203.0.113.9 to u@example.org helo x
 *	qmail-smtpd[771]: badmailfrom: <a@example.net> at 203.0.113.9
 *	qmail-smtpd[771]: auth: auth-failed type=plain user=<u@example.org>
 * Several of them speak of one refusal. Which line counts: CHKUSER's for what CHKUSER refuses, and
 * qlog's is then a comment; qlog's for all else, and what "qmail-smtpd[PID]: " says is the comment,
 * for only a qmail with qlog writes that; the checker of passwords (vchkpw) for logins. Addresses
 * and HELO are strangers': fields are taken from both ends, or not at all if they stand twice. */
#include "dialect/qmail.h"

#include "poison.h"

/* --- qlog (sagredo's qmail-smtpd.c, qsmtpdlog()) -------------------------------------- */

static const struct ruling qlog_rulings[] = {
	{ "not_in_rcpthosts", EV_REJECT, REASON_relay_denied, "", "RCPT" },
	{ "dontrelay", EV_REJECT, REASON_relay_denied, "", "RCPT" },
	{ "validrcptto", EV_REJECT, REASON_unknown_rcpt, "", "RCPT" },
	{ "nomailbox", EV_REJECT, REASON_unknown_rcpt, "", "RCPT" },
	{ "brtlimit", EV_REJECT, REASON_ratelimit, "error_limit", "RCPT" },
	{ "max_rcpt_exceeded", EV_REJECT, REASON_ratelimit, "too_many_rcpt", "RCPT" },
	{ "nullsenderdenied", EV_REJECT, REASON_policy, "null_sender", "MAIL" },
	{ "authrequired", EV_REJECT, REASON_auth_required, "", "MAIL" },
	{ "authnotmailfrom", EV_REJECT, REASON_auth_failed, "sender_login_mismatch", "MAIL" },
	{ "qregexbhelo", EV_REJECT, REASON_helo, "", "RCPT" },
	{ "qregexbmf", EV_REJECT, REASON_policy, "blacklisted", "RCPT" },
	{ "qregexbmt", EV_REJECT, REASON_policy, "blacklisted", "RCPT" },
	{ "empf", EV_REJECT, REASON_policy, "access_map", "RCPT" },
	{ "spf", EV_REJECT, REASON_spf, "fail", "RCPT" },
	{ "rblreject", EV_REJECT, REASON_dnsbl, "", "RCPT" },
	{ "rbldelay", EV_REJECT, REASON_dnsbl, "", "RCPT" },
	{ "pregreet", EV_REJECT, REASON_protocol, "pregreet", "CONNECT" },
	{ "bad_newlines", EV_REJECT, REASON_protocol, "bare_lf", "DATA" },
	{ "alarmtimeout", EV_TIMEOUT, REASON_none, "", "" },
	{ "authfailed", EV_INFO, REASON_none, "", "" },
	{ "authinvalid", EV_AUTH_FAIL, REASON_none, "", "AUTH" },
	{ "out_of_memory", EV_REJECT, REASON_resource, "memory", "" },
	{ "cannot_read_controls", EV_REJECT, REASON_resource, "config", "" },
	{ "unknown_ip_me", EV_REJECT, REASON_resource, "config", "" },
	{ "qqtfailure", EV_REJECT, REASON_resource, "process", "DATA" },
	{ "databytes_limit_exceeded", EV_REJECT, REASON_size, "", "DATA" },
	{ "message_loop", EV_REJECT, REASON_loop, "", "END-OF-MESSAGE" },
	{ "queuereject", EV_REJECT, REASON_none, "", "END-OF-MESSAGE" },
	{ "queue_delay", EV_REJECT, REASON_none, "", "END-OF-MESSAGE" },
};

/* Behind "result=X code=N ", in the order in which they are printed. */
struct qlog {
	struct slice reason, detail, helo, from, to, user, mech, ip, port, host, qp;
};

/* From the end, for what strangers say stands in the middle. */
static bool
take_fields(struct slice s, struct qlog *q)
{
	struct slice rest, skip;
	struct {
		struct slice key, *value;
	} keys[] = {
		{ SLICE(" pid="), &skip }, { SLICE(" qp="), &q->qp },
		{ SLICE(" remotehost="), &q->host }, { SLICE(" remoteport="), &q->port },
		{ SLICE(" remoteip="), &q->ip }, { SLICE(" localport="), &skip },
		{ SLICE(" localip="), &skip }, { SLICE(" sslverified="), &skip },
		{ SLICE(" encrypted="), &skip }, { SLICE(" authtype="), &q->mech },
		{ SLICE(" authuser="), &q->user }, { SLICE(" size="), &skip },
		{ SLICE(" rcpthosts="), &skip }, { SLICE(" relay="), &skip },
		{ SLICE(" rcptto="), &q->to }, { SLICE(" mailfrom="), &q->from },
		{ SLICE(" helo="), &q->helo }, { SLICE(" detail="), &q->detail },
	};

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		rest = s;
		if (!slice_rcut_at(&rest, keys[i].key, &s))
			return false;
		*keys[i].value = rest;
	}
	q->reason = s;
	return slice_eat(&q->reason, SLICE("reason="));
}

static void
set_session(struct event *e, const struct qlog *q)
{
	struct slice port = q->port;
	uint64_t n;

	scan_set_client(e, q->host, q->ip);
	if (slice_u64(&port, &n) && n <= UINT16_MAX)
		e->client_port = (uint16_t)n;
	e->helo = q->helo;
	e->from = q->from;
	if (memchr(q->to.p, ',', q->to.n) == NULL)
		e->to = q->to;
	e->sasl_user = q->user;
	e->sasl_method = q->mech;
	e->text = q->detail.n > 0 ? q->detail : q->reason;
}

/* Why the queue took it not: words of a program in its place, '_' for blanks. */
static bool
is_told_already(struct slice detail)
{
	return slice_starts(detail, SLICE("Your_email_is_considered_spam")) ||
	    slice_starts(detail, SLICE("Your_email_was_rejected_because_it_"));	/* simscan's */
}

static void
set_words(struct event *e)
{
	char plain[256];
	struct slice text = slice_head(e->text, sizeof plain), sub;

	for (size_t i = 0; i < text.n; i++)
		plain[i] = text.p[i] == '_' ? ' ' : text.p[i];
	e->dsn = qmail_dsn(e->text);
	e->cls = reason_of_text((struct slice){ plain, text.n }, e->dsn, e->code, false, &sub);
	if (sub.n > 0 && (sub.p < plain || sub.p >= plain + text.n))
		e->sub = sub;
}

static int
qlog_refused(const struct qlog *q, unsigned code, struct event *out)
{
	const struct ruling *r = qmail_ruling(qlog_rulings, sizeof qlog_rulings / sizeof *qlog_rulings,
	    q->reason);
	bool chkuser = slice_starts(q->reason, SLICE("chkuser"));
	struct event *e = event_begin(out, EV_REJECT);

	if (chkuser && !slice_eq(q->detail, SLICE("domainmissing")) &&
	    !slice_eq(q->detail, SLICE("invalid")))
		return 0;	/* CHKUSER has a line of its own for all but these */
	if (chkuser) {
		e->cls = slice_eq(q->reason, SLICE("chkuser")) ? REASON_unknown_rcpt :
		    REASON_unknown_sender;
		e->stage = SLICE("RCPT");
	} else if (slice_eq(q->reason, SLICE("rcptcheck"))) {
		e->cls = slice_eq(q->detail, SLICE("overlimit")) ? REASON_ratelimit :
		    slice_eq(q->detail, SLICE("nomailbox")) ? REASON_unknown_rcpt :
		    slice_starts(q->detail, SLICE("cannot")) ? REASON_resource : REASON_other;
		e->stage = SLICE("RCPT");
	} else if (r != NULL) {
		qmail_rule(e, r);
	} else {
		e->cls = REASON_other;
	}
	if (e->kind == EV_INFO || (slice_starts(q->reason, SLICE("queue")) && is_told_already(q->detail)))
		return 0;
	set_session(e, q);
	if (e->kind == EV_REJECT) {
		e->code = (uint16_t)(code / 100 == 4 || code / 100 == 5 ? code : 451);
		e->kind = e->code / 100 == 4 ? EV_TEMPFAIL : EV_REJECT;
	}
	if (e->cls == REASON_dnsbl && !slice_eq(q->detail, SLICE("rblsmtpd")))
		e->sub = q->detail;
	if (e->cls == REASON_spf)
		e->sub = slice_eq(q->detail, SLICE("lookupfailure")) ? SLICE("temperror") : q->detail;
	if (e->cls == REASON_none && e->kind != EV_TIMEOUT && e->kind != EV_AUTH_FAIL)
		set_words(e);
	return 1;
}

int
qmail_qlog(struct slice s, bool received, struct event *out)
{
	struct event *e;
	struct qlog q;
	struct slice result, digits;
	uint64_t code = 0;

	if (!slice_eat(&s, SLICE("result=")) || !slice_cut(&s, ' ', &result) ||
	    !slice_eat(&s, SLICE("code=")) || !slice_cut(&s, ' ', &digits) || !take_fields(s, &q))
		return -1;
	if (digits.n == 3)
		(void)slice_u64(&digits, &code);
	if (slice_eq(result, SLICE("rejected")))
		return qlog_refused(&q, (unsigned)code, out);
	if (!slice_eq(result, SLICE("accepted")))
		return -1;
	e = event_begin(out, received ? EV_CLIENT : EV_ACCEPT);
	set_session(e, &q);
	e->text = q.reason;
	if (received)
		e->qp = q.qp;
	return 1;
}

/* --- CHKUSER 2.0 (chkuser.c) ----------------------------------------------------------- */

/* "TITLE: DESCRIPTION" */
static const struct ruling chkuser_rulings[] = {
	{ "rejected rcpt: max number of recipients", EV_REJECT, REASON_ratelimit, "too_many_rcpt", "RCPT" },
	{ "rejected rcpt: max number", EV_REJECT, REASON_ratelimit, "error_limit", "RCPT" },
	{ "rejected rcpt: invalid rcpt address", EV_REJECT, REASON_protocol, "syntax", "RCPT" },
	{ "rejected rcpt: invalid rcpt MX", EV_REJECT, REASON_unknown_rcpt, "domain", "RCPT" },
	{ "rejected rcpt: temporary DNS", EV_TEMPFAIL, REASON_dns, "temp", "RCPT" },
	{ "rejected rcpt: ", EV_REJECT, REASON_unknown_rcpt, "", "RCPT" },
	{ "rejected sender: invalid sender address", EV_REJECT, REASON_unknown_sender, "address", "MAIL" },
	{ "rejected sender: temporary DNS", EV_TEMPFAIL, REASON_dns, "temp", "MAIL" },
	{ "rejected sender: ", EV_REJECT, REASON_unknown_sender, "domain", "MAIL" },
	{ "rejected relaying: ", EV_REJECT, REASON_relay_denied, "", "RCPT" },
	{ "rejected intrusion: ", EV_REJECT, REASON_ratelimit, "error_limit", "RCPT" },
	{ "intrusion threshold: ", EV_RATELIMIT, REASON_none, "", "" },
	{ "must auth: ", EV_REJECT, REASON_auth_required, "", "RCPT" },
	{ "mbx overquota: ", EV_REJECT, REASON_mailbox_full, "", "RCPT" },
	{ "no auth resource: ", EV_TEMPFAIL, REASON_resource, "lookup", "RCPT" },
	{ "accepted sender: ", EV_INFO, REASON_none, "", "" },
	{ "accepted null sender: ", EV_INFO, REASON_none, "", "" },
	{ "accepted doublebounce: ", EV_INFO, REASON_none, "", "" },
	{ "accepted ", EV_ACCEPT, REASON_none, "", "" },
	{ "relaying rcpt: ", EV_ACCEPT, REASON_none, "", "" },
};

/* Title and description are the program's, but not beside each other. */
static const struct ruling *
chkuser_ruling(struct slice title, struct slice why)
{
	for (size_t i = 0; i < sizeof chkuser_rulings / sizeof *chkuser_rulings; i++) {
		struct slice head = slice_of(chkuser_rulings[i].head), part;

		if (slice_cut_at(&head, SLICE(": "), &part) ?
		    slice_eq(title, part) && slice_starts(why, head) : slice_starts(title, head))
			return &chkuser_rulings[i];
	}
	return NULL;
}

/* "a@example.net|remoteinfo/auth:X|chkuser-identify:Y", older "a@example.net:X:Y" */
static struct slice
chkuser_sender(struct slice s)
{
	struct slice head, rest = s;

	if (slice_rcut_at(&rest, SLICE("|remoteinfo/auth:"), &head))
		return head;
	for (int i = 0; i < 2; i++) {
		rest = s;
		if (slice_rcut_at(&rest, SLICE(":"), &head))
			s = head;
	}
	return s;
}

/* "helo:x|remotehostname:h|remotehostip:192.0.2.1", older "x:h:192.0.2.1" */
static void
chkuser_remote(struct slice s, struct event *e)
{
	struct slice head, host, ip = s;

	if (slice_rcut_at(&ip, SLICE("|remotehostip:"), &head)) {
		host = head;
		if (!slice_rcut_at(&host, SLICE("|remotehostname:"), &head))
			host = slice_head(s, 0);
		(void)slice_eat(&head, SLICE("helo:"));
	} else if (qmail_ip_at_end(&s, &ip)) {
		host = s;
		if (!slice_rcut_at(&host, SLICE(":"), &head))
			return;
	} else {
		return;
	}
	if (scan_is_ip(ip))
		scan_set_client(e, host, ip);
	e->helo = head;
}

/* "accepted rcpt: from <S> remote <R> rcpt <T> : DESCRIPTION", without "CHKUSER " */
int
qmail_chkuser(struct slice s, struct event *out)
{
	const struct ruling *r;
	struct slice title, why, from, remote, rcpt, second;

	if (!slice_cut_at(&s, SLICE(": from <"), &title))
		return -1;
	why = s;
	if (!slice_rcut_at(&why, SLICE("> : "), &s) || (r = chkuser_ruling(title, why)) == NULL)
		return -1;
	if (r->kind == EV_INFO)
		return 0;
	qmail_rule(out, r)->text = why;
	if (!slice_cut_at(&s, SLICE("> remote <"), &from) || !slice_cut_at(&s, SLICE("> rcpt <"), &remote))
		return -1;
	rcpt = s;
	if (slice_cut_at(&s, SLICE("> remote <"), &second) || slice_cut_at(&s, SLICE("> rcpt <"), &second))
		return 1;	/* somebody plays with it: who he is cannot be told */
	out->from = chkuser_sender(from);
	out->to = rcpt;
	chkuser_remote(remote, out);
	return 1;
}

/* --- "qmail-smtpd: " --------------------------------------------------------------------- */

/* The logging patch and qregex without qlog beside them. */
static const struct ruling smtpd_rulings[] = {
	{ "badhelo: ", EV_REJECT, REASON_helo, "", "RCPT" },
	{ "badmailfrom: ", EV_REJECT, REASON_policy, "blacklisted", "RCPT" },
	{ "badrcptto: excessive", EV_RATELIMIT, REASON_none, "", "" },
	{ "badrcptto: ", EV_REJECT, REASON_policy, "blacklisted", "RCPT" },
	{ "badmailto: ", EV_REJECT, REASON_policy, "blacklisted", "RCPT" },
	{ "validrcptto: drop", EV_REJECT, REASON_unknown_rcpt, "", "RCPT" },
	{ "read failed", EV_LOST_CONN, REASON_none, "", "" },
	{ "SSL error", EV_TLS_FAIL, REASON_tls_error, "handshake", "" },
	{ "unable to create ctx", EV_QWARN, REASON_resource, "config", "" },
	{ "failed to set session_id_context", EV_QWARN, REASON_resource, "config", "" },
	{ "missing certificate", EV_QWARN, REASON_resource, "config", "" },
	{ "error loading CA list", EV_QWARN, REASON_resource, "config", "" },
	{ "no valid RSA private key", EV_QWARN, REASON_resource, "config", "" },
	{ "exceeded datasize limit", EV_INFO, REASON_none, "", "" },	/* qlog says so */
	{ "message too big", EV_INFO, REASON_none, "", "" },
	{ "reject (auth not available", EV_INFO, REASON_none, "", "" },
	{ "reject (Syntax error, no parameters", EV_INFO, REASON_none, "", "" },
	{ "SNI provided", EV_INFO, REASON_none, "", "" },
};

/* Beside qlog. */
static const struct ruling titled_rulings[] = {
	{ "bad", EV_INFO, REASON_none, "", "" },	/* badhelo, badmailfrom, badrcptto */
	{ "validrcptto: ", EV_INFO, REASON_none, "", "" },
	{ "rcptcheck: ", EV_INFO, REASON_none, "", "" },
	{ "RCPTCHECK error: ", EV_QWARN, REASON_resource, "process", "" },
	{ "auth: auth-", EV_INFO, REASON_none, "", "" },
	{ "rbl: ", EV_INFO, REASON_none, "", "" },
	{ "GREETDELAY", EV_INFO, REASON_none, "", "" },
};

/* "badhelo: <x> at 203.0.113.9[ matches pattern: P]": the client behind the last of it. */
static void
take_at(struct slice s, struct event *e)
{
	struct slice ip, head;

	if (slice_rcut_at(&s, SLICE(" matches pattern: "), &head))
		s = head;
	ip = s;
	if (slice_rcut_at(&ip, SLICE(" at "), &head) && scan_is_ip(ip))
		scan_set_client(e, slice_head(ip, 0), ip);
	e->text = s;
}

/* "MESSAGE[ (REASON)]: FROM from IP to RCPT helo HELO" of the logging patch. */
static bool
take_envelope(struct slice s, struct event *e)
{
	struct slice to = s, from, ip, head;

	if (!slice_rcut_at(&to, SLICE(" helo "), &s))
		return false;
	e->helo = to;
	to = s;
	if (!slice_rcut_at(&to, SLICE(" to "), &s))
		return false;
	ip = s;
	if (!slice_rcut_at(&ip, SLICE(" from "), &s) || !scan_is_ip(ip))
		return false;
	from = s;
	if (!slice_rcut_at(&from, SLICE(": "), &head))
		return false;
	scan_set_client(e, slice_head(ip, 0), ip);
	if (!slice_eq(from, SLICE("(null)")))
		e->from = from;
	if (!slice_eq(to, SLICE("(null)")))
		e->to = to;
	e->text = head;
	return true;
}

/* "421 badiprbl: ip 203.0.113.9 rbl: bl.example.org" */
static int
numbered(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_REJECT);
	struct slice ip;

	scan_reply(s, e);
	if (e->code / 100 != 4 && e->code / 100 != 5)
		return -1;
	e->kind = e->code / 100 == 5 ? EV_REJECT : EV_TEMPFAIL;
	s = e->text;
	e->stage = SLICE("RCPT");
	if (slice_eat(&s, SLICE("badiprbl: ip ")) && slice_cut_at(&s, SLICE(" rbl: "), &ip)) {
		scan_set_client(e, slice_head(ip, 0), ip);
		e->cls = REASON_dnsbl;
		e->sub = s;
	} else {
		e->cls = reason_of_text(e->text, e->dsn, e->code, false, &e->sub);
	}
	return 1;
}

int
qmail_smtpd(struct slice s, bool titled, struct event *out)
{
	const struct ruling *r = titled ?
	    qmail_ruling(titled_rulings, sizeof titled_rulings / sizeof *titled_rulings, s) :
	    qmail_ruling(smtpd_rulings, sizeof smtpd_rulings / sizeof *smtpd_rulings, s);
	struct event fields;

	if (r != NULL && r->kind == EV_INFO)
		return 0;
	if (r != NULL) {
		qmail_rule(out, r);
		if (!take_envelope(s, out))
			take_at(s, out);
		return 1;
	}
	if (slice_starts(s, SLICE("pid ")))
		return qmail_indimail(s, out);
	if (s.n > 3 && slice_is_digit(s.p[0]))
		return numbered(s, out);
	event_begin(&fields, EV_REJECT);
	if (!take_envelope(s, &fields))
		return -1;
	if (!slice_has(fields.text, SLICE("reject")) && !slice_has(fields.text, SLICE("denied")))
		return 0;
	*out = fields;
	out->cls = reason_of_text(fields.text, slice_head(s, 0), 500, false, &out->sub);
	return 1;
}
