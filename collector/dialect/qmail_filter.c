/* qmail_filter.c - programs around qmail: spamdyke, simscan, qmail-scanner, vchkpw.
 *
 *	spamdyke[9]: DENIED_RBL_MATCH from: a@example.net to: u@example.org origin_ip: 203.0.113.9
 *	    origin_rdns: (unknown) auth: (unknown) encryption: (none) reason: bl.example.org
 *	simscan:[771]:SPAM REJECT (14.20/12.00):2.1403s:SUBJECT:203.0.113.9:a@example.net:u@example.org
 *	qmail-scanner[771]: Clear:RC:0(203.0.113.9):SA:1(9.1/5.0):<TAB>1.5<TAB>4521<TAB>FROM<TAB>TO ...
 *	vpopmail[8]: vchkpw-smtp: (PLAIN) login success u@example.org:203.0.113.9
 * spamdyke 4 and 5 stand between tcpserver and qmail-smtpd: what they deny the latter does not see.
 * DENIED_OTHER is the exception: there qmail-smtpd refused. simscan takes qmail-queue's place. */
#include "dialect/qmail.h"

#include "poison.h"

/* --- spamdyke ---------------------------------------------------------------------- */

static const struct {
	struct slice name;
	enum event_kind kind;
	uint16_t code;
	enum reason cls;
	struct slice sub;
} codes[] = {
#define CODE(name, kind, code, cls, sub) \
	{ { name, sizeof(name) - 1 }, EV_##kind, code, REASON_##cls, { sub, sizeof(sub) - 1 } }
	CODE("ALLOWED", ACCEPT, 0, none, ""),
	CODE("ALLOWED_AUTHENTICATED", ACCEPT, 0, none, ""),
	CODE("ALLOWED_TLS", ACCEPT, 0, none, ""),
	CODE("TLS_ENCRYPTED", TLS, 0, none, ""),
	CODE("TIMEOUT", TIMEOUT, 421, none, ""),
	CODE("UNKNOWN_AUTH", AUTH_FAIL, 504, none, ""),
	CODE("FAILED_AUTH", INFO, 0, none, ""),
	CODE("FAILED_TLS", TLS_FAIL, 454, tls_error, "handshake"),
	CODE("DENIED_RBL_MATCH", REJECT, 554, dnsbl, ""),
	CODE("DENIED_RHSBL_MATCH", REJECT, 554, rhsbl, ""),
	CODE("DENIED_RDNS_MISSING", TEMPFAIL, 421, rdns, "no_ptr"),
	CODE("DENIED_RDNS_RESOLVE", TEMPFAIL, 421, rdns, "unverified"),
	CODE("DENIED_IP_IN_RDNS", REJECT, 554, generic_host, "dynamic"),
	CODE("DENIED_IP_IN_CC_RDNS", REJECT, 554, generic_host, "dynamic"),
	CODE("DENIED_EARLYTALKER", REJECT, 554, protocol, "pregreet"),
	CODE("DENIED_GRAYLISTED", TEMPFAIL, 421, greylist, ""),
	CODE("DENIED_BLACKLIST_IP", REJECT, 554, policy, "blacklisted"),
	CODE("DENIED_BLACKLIST_NAME", REJECT, 554, policy, "blacklisted"),
	CODE("DENIED_SENDER_BLACKLISTED", REJECT, 554, policy, "blacklisted"),
	CODE("DENIED_RECIPIENT_BLACKLISTED", REJECT, 554, policy, "blacklisted"),
	CODE("DENIED_HEADER_BLACKLISTED", REJECT, 554, spam_content, "header_check"),
	CODE("DENIED_SENDER_NO_MX", TEMPFAIL, 421, unknown_sender, "domain"),
	CODE("DENIED_SENDER_NOT_LOCAL", REJECT, 554, policy, ""),
	CODE("DENIED_SENDER_NOT_AUTHORIZED", REJECT, 554, auth_failed, "sender_login_mismatch"),
	CODE("DENIED_RELAYING", REJECT, 554, relay_denied, ""),
	CODE("DENIED_AUTH_REQUIRED", REJECT, 554, auth_required, ""),
	CODE("DENIED_TOO_MANY_RECIPIENTS", TEMPFAIL, 421, ratelimit, "too_many_rcpt"),
	CODE("DENIED_UNQUALIFIED_RECIPIENT", REJECT, 554, unknown_rcpt, "domain"),
	CODE("DENIED_INVALID_RECIPIENT", REJECT, 554, unknown_rcpt, ""),
	CODE("DENIED_UNAVAILABLE_RECIPIENT", TEMPFAIL, 421, resource, "lookup"),
	CODE("DENIED_IDENTICAL_SENDER_RECIPIENT", REJECT, 554, policy, ""),
	CODE("DENIED_ZERO_RECIPIENTS", REJECT, 554, protocol, "bad_sequence"),
	CODE("DENIED_ACCESS_DENIED", REJECT, 554, policy, "access_map"),
	CODE("DENIED_REJECT_ALL", REJECT, 554, policy, ""),
#undef CODE
};

/* "from: A to: B origin_ip: I origin_rdns: N auth: U encryption: E[ reason: R]". A and B are
 * strangers' and may hold anything: the fields are taken from the end. */
static bool
dyke_fields(struct slice s, struct event *e, struct slice *reason)
{
	struct slice rest = s, user, name, ip, to, encryption;

	if (!slice_eat(&rest, SLICE("from: ")) ||
	    !slice_rcut_at(&rest, SLICE(" encryption: "), &s))
		return false;
	if (slice_cut_at(&rest, SLICE(" reason: "), &encryption))
		*reason = rest;
	else
		*reason = slice_head(rest, 0);
	user = s;
	if (!slice_rcut_at(&user, SLICE(" auth: "), &s))
		return false;
	name = s;
	if (!slice_rcut_at(&name, SLICE(" origin_rdns: "), &s))
		return false;
	ip = s;
	if (!slice_rcut_at(&ip, SLICE(" origin_ip: "), &s))
		return false;
	to = s;
	if (!slice_rcut_at(&to, SLICE(" to: "), &s))
		return false;
	scan_set_client(e, name, ip);
	if (!slice_eq(user, SLICE("(unknown)")) && !slice_eq(user, SLICE("(empty)")))
		e->sasl_user = user;
	if (!slice_eq(to, SLICE("(unknown)")))
		e->to = to;
	if (slice_eq(s, SLICE("(empty)")))
		e->from = slice_head(s, 0);
	else if (!slice_eq(s, SLICE("(unknown)")))
		e->from = s;
	return true;
}

/* Trouble of its own, and what it found odd about a client or a name server. */
static int
dyke_error(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_QWARN);

	if (slice_has(s, SLICE("unable to start SSL/TLS connection"))) {
		e->kind = EV_TLS_FAIL;
		e->sub = SLICE("handshake");
	} else if (!slice_has(s, SLICE("unable to ")) || slice_has(s, SLICE("SSL/TLS stream")) ||
	    slice_has(s, SLICE("authentication")) || slice_has(s, SLICE("file descriptor"))) {
		return 0;
	} else {
		e->cls = REASON_resource;
		e->sub = SLICE("spamdyke");
	}
	e->text = s;
	return 1;
}

/* qmail-smtpd refused, and spamdyke passed it on: the reason (5.0) is the reply. Where there is
 * none, or CHKUSER's, another line counts. */
static int
dyke_other(struct slice reason, struct event *e)
{
	scan_reply(reason, e);
	if (slice_has(reason, SLICE("chkuser")))
		return 0;
	if (e->code / 100 != 4 && e->code / 100 != 5)
		return 0;
	e->kind = e->code / 100 == 5 ? EV_REJECT : EV_TEMPFAIL;
	if (e->dsn.n == 0)
		e->dsn = qmail_dsn(e->text);
	e->cls = reason_of_text(e->text, e->dsn, e->code, false, &e->sub);
	return 1;
}

int
qmail_spamdyke(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_REJECT);
	struct slice code, reason;
	size_t i = 0;

	if (slice_eat(&s, SLICE("ERROR: ")))
		return dyke_error(s, out);
	if (slice_starts(s, SLICE("FILTER_")) || slice_starts(s, SLICE("DEBUG")) ||
	    slice_starts(s, SLICE("EXCESSIVE")))
		return 0;
	if (!slice_cut(&s, ' ', &code))
		return -1;
	while (i < sizeof codes / sizeof codes[0] && !slice_eq(code, codes[i].name))
		i++;
	if (!dyke_fields(s, e, &reason))
		return -1;
	e->stage = SLICE("RCPT");
	if (slice_eq(code, SLICE("DENIED_OTHER")))
		return dyke_other(reason, e);
	if (i == sizeof codes / sizeof codes[0])
		return -1;
	if (codes[i].kind == EV_INFO)
		return 0;
	e->kind = codes[i].kind;
	e->code = codes[i].code;
	e->cls = codes[i].cls;
	e->sub = codes[i].sub;
	e->text = code;
	if (e->cls == REASON_dnsbl || e->cls == REASON_rhsbl) {
		/* the list's name alone, or the text of the list */
		e->sub = memchr(reason.p, ' ', reason.n) == NULL && !slice_eq(reason, SLICE("(empty)")) ?
		    reason : reason_zone(reason);
		if (reason.n > 0)
			e->text = reason;
	}
	return 1;
}

/* --- simscan ------------------------------------------------------------------------- */

static const struct ruling simscan_rulings[] = {
	{ "CLEAN", EV_HAM, REASON_none, "", "" },
	{ "RELAYCLIENT", EV_HAM, REASON_none, "", "" },
	{ "PASSTHRU", EV_SPAM, REASON_none, "", "" },
	{ "SPAM DROPPED", EV_SPAM, REASON_none, "", "" },
	{ "SPAM REJECT", EV_REJECT, REASON_spam_content, "score", "END-OF-MESSAGE" },
	{ "VIRUS DROPPED", EV_VIRUS, REASON_none, "", "" },
	{ "VIRUS", EV_REJECT, REASON_virus, "", "END-OF-MESSAGE" },
	{ "ATTACH", EV_REJECT, REASON_attachment, "banned", "END-OF-MESSAGE" },
	{ "REGEX", EV_REJECT, REASON_spam_content, "body_check", "END-OF-MESSAGE" },
};

/* "SUBJECT:203.0.113.9:a@example.net:u@example.org,v@example.org"; all but the address may hold
 * any sign, and then stays what it is: a text. */
static void
simscan_envelope(struct slice s, struct event *e)
{
	struct slice to = s, from, ip;

	if (!slice_rcut_at(&to, SLICE(":"), &s))
		return;
	from = s;
	if (!slice_rcut_at(&from, SLICE(":"), &s) || !qmail_ip_at_end(&s, &ip))
		return;
	scan_set_client(e, slice_head(ip, 0), ip);
	e->from = from;
	e->nrcpt = 1;
	if (memchr(to.p, ',', to.n) == NULL)
		e->to = to;
	for (size_t i = 0; i < to.n; i++)
		e->nrcpt += to.p[i] == ',';
}

/* Accepted and dropped: that it is gone is told beside the verdict. */
static int
dropped(struct event *out)
{
	out[1] = out[0];
	out[1].kind = EV_DISCARDED;
	out[1].cls = out[0].kind == EV_VIRUS ? REASON_virus : REASON_spam_content;
	return 2;
}

/* "[771]:STATE[ (score/limit)]:1.2345s:..."; with a blank behind the pid: what it does */
int
qmail_simscan(struct slice s, struct event *out)
{
	const struct ruling *r;
	struct event *e = event_begin(out, EV_FILTER_FAIL);
	struct slice state, pid, seconds;
	int64_t ms;

	if (slice_eat_char(&s, '[') && (!qmail_number(&s, &pid) || !slice_eat(&s, SLICE("]:"))))
		return -1;
	r = qmail_ruling(simscan_rulings, sizeof simscan_rulings / sizeof *simscan_rulings, s);
	if (r == NULL) {
		if (!slice_has(s, SLICE("error")) && !slice_has(s, SLICE("can not")))
			return 0;
		e->sub = SLICE("simscan");
		e->text = slice_trim(s);
		return 1;
	}
	if (!slice_cut(&s, ':', &state))
		return -1;
	qmail_rule(e, r);
	if (slice_cut_at(&state, SLICE(" ("), &seconds)) {
		e->text = state;
		if (slice_ends(e->text, SLICE(")")))
			e->text.n--;
		state = seconds;
	}
	if (!scan_duration(&s, &ms) || !slice_eat_char(&s, ':'))
		return -1;
	if (e->text.n == 0 && e->kind != EV_HAM)	/* a virus, a file's name */
		e->text = slice_head(s, slice_until(s, ':', ':'));
	simscan_envelope(s, e);
	return slice_ends(state, SLICE("DROPPED")) ? dropped(out) : 1;
}

/* --- qmail-scanner --------------------------------------------------------------------- */

/* "Clear:RC:0(203.0.113.9):SA:1(9.1/5.0):<TAB>1.5<TAB>4521<TAB>FROM<TAB>TO<TAB>SUBJECT<TAB>ID" */
int
qmail_scanner(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_HAM);
	struct slice verdict, secs, size, from, to, subject, part;

	if (!slice_cut(&s, '\t', &verdict) || !slice_cut(&s, '\t', &secs) ||
	    !slice_cut(&s, '\t', &size) || !slice_cut(&s, '\t', &from) || !slice_cut(&s, '\t', &to) ||
	    !slice_cut(&s, '\t', &subject))
		return -1;
	if (slice_starts(verdict, SLICE("SPAM")))
		e->kind = EV_SPAM;
	else if (!slice_starts(verdict, SLICE("Clear:")))
		return -1;
	if (slice_cut_at(&verdict, SLICE(":SA:1("), &part))
		e->kind = EV_SPAM;
	else if (!slice_cut_at(&verdict, SLICE(":SA:0("), &part))
		verdict.n = 0;
	if (slice_cut(&verdict, ')', &part))
		e->text = part;
	(void)slice_u64(&size, &e->size);
	e->from = from;
	if (memchr(to.p, ',', to.n) == NULL)
		e->to = to;
	if (!slice_cut(&s, '\t', &e->mid))
		e->mid = s;
	return 1;
}

/* --- vchkpw ------------------------------------------------------------------------------ */

/* Behind "vchkpw-smtp: ". */
static const struct ruling vchkpw_rulings[] = {
	{ "password fail", EV_AUTH_FAIL, REASON_none, "password", "" },
	{ "vpopmail user not found ", EV_AUTH_FAIL, REASON_none, "user", "" },
	{ "system user not found ", EV_AUTH_FAIL, REASON_none, "user", "" },
	{ "system user shadow entry not found ", EV_AUTH_FAIL, REASON_none, "user", "" },
	{ "system password fail", EV_AUTH_FAIL, REASON_none, "password", "" },
	{ "null user name given ", EV_AUTH_FAIL, REASON_none, "user", "" },
	{ "null password given ", EV_AUTH_FAIL, REASON_none, "password", "" },
	{ "invalid user/domain characters ", EV_AUTH_FAIL, REASON_none, "user", "" },
	{ "user has no password ", EV_AUTH_FAIL, REASON_none, "password", "" },
	{ "smtp access denied ", EV_AUTH_FAIL, REASON_none, "access", "" },
	{ "pop access denied ", EV_AUTH_FAIL, REASON_none, "access", "" },
	{ "imap access denied ", EV_AUTH_FAIL, REASON_none, "access", "" },
	{ "webmail access denied ", EV_AUTH_FAIL, REASON_none, "access", "" },
	{ "no user found ", EV_AUTH_FAIL, REASON_none, "user", "" },
	{ "system password login success ", EV_AUTH_OK, REASON_none, "", "" },
	{ "login success ", EV_AUTH_OK, REASON_none, "", "" },
	{ "setgid ", EV_QWARN, REASON_resource, "process", "" },
	{ "setuid ", EV_QWARN, REASON_resource, "process", "" },
	{ "putenv(", EV_QWARN, REASON_resource, "process", "" },
	{ "chdir failed ", EV_QWARN, REASON_resource, "disk", "" },
	{ "autocreate dir errno ", EV_QWARN, REASON_resource, "disk", "" },
	{ "dir auto create failed ", EV_QWARN, REASON_resource, "disk", "" },
	{ "failed to vauth_getpw()", EV_QWARN, REASON_resource, "lookup", "" },
	{ "can't write SQL logs", EV_QWARN, REASON_resource, "lookup", "" },
};

/* "WORDS u@example.org:203.0.113.9"; the user is whatever a stranger types, and where a password
 * is printed it is left alone. */
static void
take_login(struct slice s, struct event *e)
{
	struct slice ip, head, rest;

	if (qmail_ip_at_end(&s, &ip))
		scan_set_client(e, slice_head(ip, 0), ip);
	rest = s;
	if (slice_rcut_at(&rest, SLICE("') "), &head))
		s = rest;
	else if (slice_starts(s, SLICE("(pass: ")))
		s.n = 0;	/* cut within the password */
	e->sasl_user = s;
}

/* "vchkpw-pop3", "vchkpw-imaps", "vchkpw-webmail": not to send mail */
static bool
is_mailbox(struct slice name)
{
	return slice_eat(&name, SLICE("vchkpw-")) && (slice_starts(name, SLICE("pop")) ||
	    slice_starts(name, SLICE("imap")) || slice_starts(name, SLICE("webmail")));
}

/* name: the tag; vchkpw's own name may stand in the text instead */
int
qmail_vchkpw(struct slice name, struct slice s, struct event *out)
{
	const struct ruling *r;
	struct event *e;
	struct slice mech;

	if (slice_starts(s, SLICE("vchkpw")) && !slice_cut_at(&s, SLICE(": "), &name))
		return -1;
	r = qmail_ruling(vchkpw_rulings, sizeof vchkpw_rulings / sizeof *vchkpw_rulings, s);
	if (r != NULL) {
		e = qmail_rule(out, r);
		s = slice_from(s, strlen(r->head));
		if (e->kind == EV_QWARN)
			return 1;
		(void)slice_eat_char(&s, ' ');
		e->mailbox = is_mailbox(name);
		take_login(s, e);
		return 1;
	}
	if (!slice_eat_char(&s, '(') || !slice_cut_at(&s, SLICE(") login success "), &mech) || mech.n > 16)
		return -1;
	e = event_begin(out, EV_AUTH_OK);
	e->sasl_method = mech;
	e->mailbox = is_mailbox(name);
	take_login(s, e);
	return 1;
}
