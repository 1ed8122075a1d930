/* qmail_smtpd_more.c - what qmail-smtpd says in s/qmail (SPAMCONTROL), indimail and qmail-ldap.
 *
 *	qmail-smtpd: pid 771 Reject::SNDR::Invalid_Relay P:ESMTP S:203.0.113.9:unknown H:x
 *	    F:a@example.net T:u@example.org
 *	qmail-smtpd: pid 771 from 203.0.113.9 Invalid RELAY client: MAIL from <a> RCPT <u>
 *	qmail-smtpd 771: no mail relay for 'rcpt to': <u@example.org>
 * No reply code is printed: whether it was a 4xx is known of the program. s/qmail's "Accept::AUTH"
 * comes with each recipient and is no login. tcpserver says who connects. */
#include "dialect/qmail.h"

#include "poison.h"

/* --- s/qmail ------------------------------------------------------------------------- */

/* Behind "Reject::" */
static const struct ruling sqmail_rulings[] = {
	{ "SNDR::Bad_Helo", EV_REJECT, REASON_helo, "invalid", "RCPT" },
	{ "SNDR::DNS", EV_REJECT, REASON_helo, "unresolved", "RCPT" },
	{ "SNDR::Invalid_Relay", EV_REJECT, REASON_relay_denied, "", "RCPT" },
	{ "SNDR::Missing_TLS", EV_REJECT, REASON_tls_required, "", "RCPT" },
	{ "TLS::", EV_REJECT, REASON_tls_required, "", "RCPT" },
	{ "ORIG::DNS", EV_REJECT, REASON_unknown_sender, "domain", "RCPT" },
	{ "ORIG::Bad_Mailfrom", EV_REJECT, REASON_policy, "blacklisted", "RCPT" },
	{ "ORIG::Invalid_Mailfrom", EV_REJECT, REASON_auth_failed, "sender_login_mismatch", "RCPT" },
	{ "ORIG::Invalid_Sender", EV_REJECT, REASON_auth_failed, "sender_login_mismatch", "RCPT" },
	{ "ORIG::Failed_Auth", EV_AUTH_FAIL, REASON_none, "", "AUTH" },
	{ "ORIG::Require_Auth", EV_REJECT, REASON_auth_required, "", "RCPT" },
	{ "ORIG::Missing_Auth", EV_REJECT, REASON_auth_required, "", "RCPT" },
	{ "AUTH::missing", EV_REJECT, REASON_auth_required, "", "RCPT" },
	{ "AUTH::", EV_AUTH_FAIL, REASON_none, "", "AUTH" },
	{ "RCPT::Bad_Rcptto", EV_REJECT, REASON_policy, "blacklisted", "RCPT" },
	{ "RCPT::Failed_Rcptto", EV_REJECT, REASON_unknown_rcpt, "", "RCPT" },
	{ "RCPT::Toomany_Rcptto", EV_TEMPFAIL, REASON_ratelimit, "too_many_rcpt", "RCPT" },
	{ "RCPT::Empty", EV_REJECT, REASON_protocol, "syntax", "RCPT" },
	{ "RBL::", EV_REJECT, REASON_dnsbl, "", "RCPT" },
	{ "SPF::", EV_REJECT, REASON_spf, "fail", "RCPT" },
	{ "DKIM::", EV_REJECT, REASON_dkim, "fail", "END-OF-MESSAGE" },
	{ "SMTP::Toomany_Hops", EV_REJECT, REASON_loop, "", "END-OF-MESSAGE" },
	{ "SMTP::Syntax_Error", EV_REJECT, REASON_protocol, "syntax", "RCPT" },
	{ "DATA::Invalid_Size", EV_REJECT, REASON_size, "", "RCPT" },
	{ "DATA::Bad_", EV_REJECT, REASON_attachment, "banned", "END-OF-MESSAGE" },
	{ "DATA::MIME_Attach", EV_REJECT, REASON_attachment, "banned", "END-OF-MESSAGE" },
	{ "DATA::Spam_Message", EV_REJECT, REASON_spam_content, "", "END-OF-MESSAGE" },
	{ "DATA::Vir", EV_REJECT, REASON_virus, "", "END-OF-MESSAGE" },	/* Virus_, Virs_Infected */
};

/* " P:ESMTP S:203.0.113.9:host H:helo F:from T:to ?~ 'user'" */
static bool
take_session(struct slice s, struct event *e)
{
	struct slice client, ip, head, rest;

	if (!slice_eat(&s, SLICE("P:")) || !slice_cut(&s, ' ', &e->proto) ||
	    !slice_eat(&s, SLICE("S:")) || !slice_cut_at(&s, SLICE(" H:"), &client))
		return false;
	if (slice_rcut_at(&client, SLICE(":"), &ip) && scan_is_ip(ip))
		scan_set_client(e, client, ip);
	if (slice_rcut_at(&s, SLICE(" ?~ "), &head) || slice_rcut_at(&s, SLICE(" '"), &head)) {
		rest = s;
		s = head;
		(void)slice_eat_char(&rest, '\'');
		if (slice_ends(rest, SLICE("'")))
			rest.n--;
		if (e->kind == EV_AUTH_FAIL || e->kind == EV_ACCEPT)
			e->sasl_user = rest;
	}
	rest = s;
	if (slice_rcut_at(&rest, SLICE(" T:"), &head)) {
		e->to = rest;
		rest = s = head;
		if (slice_rcut_at(&rest, SLICE(" F:"), &head)) {
			e->from = rest;
			s = head;
		}
	}
	e->helo = s;
	return true;
}

/* "Reject::SNDR::Bad_Helo P:..." */
int
qmail_spamcontrol(struct slice s, struct event *out)
{
	struct slice what;
	const struct ruling *r = NULL;
	bool accept = slice_starts(s, SLICE("Accept::"));

	if (!slice_cut(&s, ' ', &what))
		return -1;
	if (slice_eat(&what, SLICE("Reject::")))
		r = qmail_ruling(sqmail_rulings, sizeof sqmail_rulings / sizeof *sqmail_rulings, what);
	event_begin(out, accept ? EV_ACCEPT : EV_REJECT);
	if (r != NULL) {
		qmail_rule(out, r);
	} else if (slice_eat(&what, SLICE("Deferred::"))) {
		out->kind = EV_TEMPFAIL;
		out->cls = REASON_other;
	} else if (!accept) {
		out->cls = REASON_other;
	}
	out->text = what;
	return take_session(s, out) ? 1 : -1;
}

/* --- indimail ------------------------------------------------------------------------ */

/* Behind "pid 771 from 203.0.113.9 " */
static const struct ruling indimail_rulings[] = {
	{ "Invalid RELAY client", EV_REJECT, REASON_relay_denied, "", "RCPT" },
	{ "SMTP Access denied", EV_REJECT, REASON_policy, "access_map", "MAIL" },
	{ "Non-existing DNS_MX: MAIL", EV_REJECT, REASON_unknown_sender, "domain", "MAIL" },
	{ "Non-existing DNS_MX: HELO", EV_REJECT, REASON_helo, "unresolved", "MAIL" },
	{ "Invalid HELO greeting", EV_REJECT, REASON_helo, "invalid", "MAIL" },
	{ "Invalid SENDER address", EV_REJECT, REASON_policy, "blacklisted", "MAIL" },
	{ "Invalid RECIPIENT address", EV_REJECT, REASON_unknown_rcpt, "", "RCPT" },
	{ "Too many RECIPIENTS", EV_REJECT, REASON_ratelimit, "too_many_rcpt", "RCPT" },
	{ "qqt failure", EV_QWARN, REASON_resource, "process", "" },
	{ "Database error", EV_QWARN, REASON_resource, "lookup", "" },
	{ "HELO <", EV_ACCEPT, REASON_none, "", "" },
	{ "Blackholed ", EV_INFO, REASON_none, "", "" },
	{ "Routing ", EV_INFO, REASON_none, "", "" },
	{ "ETRN", EV_INFO, REASON_none, "", "" },
	{ "ATRN", EV_INFO, REASON_none, "", "" },
	{ "going down on SIGTERM", EV_INFO, REASON_none, "", "" },
};

/* The address behind the first "KEY<": a fixed word of this program's line. */
static struct slice
address_of(struct slice s, struct slice key)
{
	struct slice head, address = { NULL, 0 };

	if (slice_cut_at(&s, key, &head))
		(void)scan_address(&s, &address);
	return address;
}

/* "pid 771 from 203.0.113.9 TEXT", "pid 771 Reject::...", "pid 771 RCPT TO: <u>" */
int
qmail_indimail(struct slice s, struct event *out)
{
	const struct ruling *r;
	struct slice pid, ip;

	if (!slice_eat(&s, SLICE("pid ")) || !qmail_number(&s, &pid) || !slice_eat_char(&s, ' '))
		return -1;
	if (!slice_eat(&s, SLICE("from "))) {
		if (slice_starts(s, SLICE("RCPT TO:")) || slice_starts(s, SLICE("MAIL FROM:")))
			return 0;
		return qmail_spamcontrol(s, out);
	}
	if (!slice_cut(&s, ' ', &ip) || !scan_is_ip(ip))
		return -1;
	r = qmail_ruling(indimail_rulings, sizeof indimail_rulings / sizeof *indimail_rulings, s);
	if (r == NULL && slice_ends(s, SLICE("permanent failure")))
		event_begin(out, EV_REJECT)->cls = REASON_other;
	else if (r == NULL && slice_ends(s, SLICE("temporary failure")))
		event_begin(out, EV_TEMPFAIL)->cls = REASON_other;
	else if (r == NULL)
		return -1;
	else if (r->kind == EV_INFO)
		return 0;
	else
		qmail_rule(out, r);
	scan_set_client(out, slice_head(ip, 0), ip);
	out->text = s;
	out->from = address_of(s, SLICE("MAIL from "));
	if (out->from.p != NULL)
		out->to = address_of((struct slice){ out->from.p, (size_t)(s.p + s.n - out->from.p) },
		    SLICE("RCPT "));
	return 1;
}

/* --- qmail-ldap ------------------------------------------------------------------------- */

static const struct ruling ldap_rulings[] = {
	{ "message denied because of recipient verify", EV_INFO, REASON_none, "", "" },	/* and once more */
	{ "message denied because of more", EV_REJECT, REASON_ratelimit, "too_many_rcpt", "RCPT" },
	{ "message denied because: 'SMTP SIZE'", EV_REJECT, REASON_size, "", "MAIL" },
	{ "message denied because: refused mailfrom because return MX", EV_REJECT,
	    REASON_unknown_sender, "domain", "MAIL" },
	{ "message denied because: refused mailfrom", EV_REJECT, REASON_unknown_sender, "address", "MAIL" },
	{ "message denied because: mailfrom without", EV_REJECT, REASON_unknown_sender, "non_fqdn", "MAIL" },
	{ "message denied because: RFC2821 bounces", EV_REJECT, REASON_policy, "null_sender", "MAIL" },
	{ "message denied because: ", EV_REJECT, REASON_none, "", "" },
	{ "message permanently not accepted because: ", EV_REJECT, REASON_none, "", "END-OF-MESSAGE" },
	{ "message temporarly not accepted because: ", EV_TEMPFAIL, REASON_none, "", "END-OF-MESSAGE" },
	{ "refused mailfrom because return MX lookup", EV_TEMPFAIL, REASON_dns, "temp", "MAIL" },
	{ "bad mailfrom unknown: ", EV_REJECT, REASON_rdns, "no_ptr", "MAIL" },
	{ "bad mailfrom: ", EV_REJECT, REASON_policy, "blacklisted", "MAIL" },
	{ "no mail relay for 'rcpt to': ", EV_REJECT, REASON_relay_denied, "", "RCPT" },
	{ "'rcpt to' denied, looks like", EV_REJECT, REASON_relay_denied, "", "RCPT" },
	{ "'rcpt to' denied: ", EV_REJECT, REASON_policy, "blacklisted", "RCPT" },
	{ "bounce message denied because", EV_REJECT, REASON_policy, "multi_rcpt_bounce", "RCPT" },
	{ "RFC2821 syntax error in mail from", EV_REJECT, REASON_protocol, "syntax", "MAIL" },
	{ "syntax error in 'rcpt to'", EV_REJECT, REASON_protocol, "syntax", "RCPT" },
	{ "temporary ldap lookup failure", EV_TEMPFAIL, REASON_resource, "lookup", "RCPT" },
	{ "auth needed", EV_REJECT, REASON_auth_required, "", "MAIL" },
	{ "too many hops", EV_REJECT, REASON_loop, "", "END-OF-MESSAGE" },
	{ "datasize limit exceeded", EV_REJECT, REASON_size, "", "END-OF-MESSAGE" },
	{ "bad MIME attachement", EV_REJECT, REASON_attachment, "banned", "END-OF-MESSAGE" },
	{ "authentication success, user ", EV_AUTH_OK, REASON_none, "", "" },
	{ "authentication failed: ", EV_AUTH_FAIL, REASON_none, "", "" },
	{ "authentication type ", EV_AUTH_FAIL, REASON_none, "", "" },
	{ "connection timed out", EV_TIMEOUT, REASON_none, "", "" },
	{ "read error or connection closed", EV_LOST_CONN, REASON_none, "", "" },
	{ "write error, connection closed", EV_LOST_CONN, REASON_none, "", "" },
	{ "stray new line detected", EV_TEMPFAIL, REASON_protocol, "bare_lf", "DATA" },
	{ "Oversized line in data part", EV_REJECT, REASON_protocol, "", "DATA" },
	{ "aborting TLS", EV_TLS_FAIL, REASON_tls_error, "", "" },
	{ "out of memory", EV_QWARN, REASON_resource, "memory", "" },
	{ "unable to ", EV_QWARN, REASON_resource, "config", "" },
	{ "failed to start qmail-queue", EV_QWARN, REASON_resource, "process", "" },
	{ "compressed data read failed", EV_LOST_CONN, REASON_none, "", "" },
	{ "connection from ", EV_INFO, REASON_none, "", "" },
	{ "enabled options:", EV_INFO, REASON_none, "", "" },
	{ "mail from: ", EV_INFO, REASON_none, "", "" },
	{ "rcpt to: ", EV_INFO, REASON_none, "", "" },
	{ "message queued: ", EV_INFO, REASON_none, "", "" },
	{ "recipient verify", EV_INFO, REASON_none, "", "" },
	{ "remote ", EV_INFO, REASON_none, "", "" },
	{ "relaying allowed", EV_INFO, REASON_none, "", "" },
	{ "RBL ", EV_INFO, REASON_none, "", "" },
	{ "auth ", EV_INFO, REASON_none, "", "" },
	{ "reauthentication attempt", EV_INFO, REASON_none, "", "" },
	{ "TLS encryption required", EV_INFO, REASON_none, "", "" },
	{ "unrecognized command", EV_INFO, REASON_none, "", "" },
	{ "'mail from' first", EV_INFO, REASON_none, "", "" },
	{ "'rcpt to' first", EV_INFO, REASON_none, "", "" },
	{ "'noop'", EV_INFO, REASON_none, "", "" },
	{ "vrfy for", EV_INFO, REASON_none, "", "" },
	{ "help requested", EV_INFO, REASON_none, "", "" },
	{ "go ahead", EV_INFO, REASON_none, "", "" },
	{ "quit,", EV_INFO, REASON_none, "", "" },
	{ "force closing", EV_INFO, REASON_none, "", "" },
	{ "tarpitting", EV_INFO, REASON_none, "", "" },
	{ "DDC saved", EV_INFO, REASON_none, "", "" },
};

/* "TEXT" behind "qmail-smtpd 771: " */
int
qmail_ldap(struct slice s, struct event *out)
{
	const struct ruling *r = qmail_ruling(ldap_rulings, sizeof ldap_rulings / sizeof *ldap_rulings, s);
	struct slice text = s;

	if (r == NULL)
		return -1;
	if (r->kind == EV_INFO)
		return 0;
	qmail_rule(out, r);
	if (r->kind == EV_AUTH_OK) {
		out->sasl_user = slice_from(s, strlen(r->head));
		return 1;
	}
	out->text = s;
	if (r->cls == REASON_none && (r->kind == EV_REJECT || r->kind == EV_TEMPFAIL)) {
		out->text = text = slice_from(s, strlen(r->head));
		out->dsn = qmail_dsn(text);
		out->cls = reason_of_text(text, out->dsn, r->kind == EV_REJECT ? 500 : 400, false, &out->sub);
	}
	return 1;
}
