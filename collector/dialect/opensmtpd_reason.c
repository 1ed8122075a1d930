/* opensmtpd_reason.c - why OpenSMTPD refused a command, or could not deliver.
 *
 * Its own texts are fixed; a filter's and the next hop's are anybody's. That a recipient is
 * unknown, and that its domain is not ours to relay for, it answers in the same words: "550
 * Invalid recipient". */
#include "dialect/opensmtpd.h"

#include "poison.h"

struct row {
	struct slice text;
	enum reason cls;
	struct slice sub;
};

#define R(text, cls, sub) { { text, sizeof(text) - 1 }, REASON_##cls, { sub, sizeof(sub) - 1 } }

static bool
look_up(struct slice s, const struct row *rows, size_t n, bool anywhere, struct event *e)
{
	for (size_t i = 0; i < n; i++)
		if (anywhere ? slice_has(s, rows[i].text) : slice_starts(s, rows[i].text)) {
			e->cls = rows[i].cls;
			e->sub = rows[i].sub;
			return true;
		}
	return false;
}

#define LOOK_UP(s, rows, anywhere, e) look_up(s, rows, sizeof rows / sizeof *rows, anywhere, e)

/* --- commands ------------------------------------------------------------------------ */

/* How texts begin that a client's words follow. */
static const struct row answers[] = {
	R("Invalid recipient", unknown_rcpt, ""),
	R("Sender rejected", auth_failed, "sender_login_mismatch"),
	R("Unsupported option ", protocol, "syntax"),
};

/* Parts of the others; all that is before them is the daemon's too. */
static const struct row sentences[] = {
	R("Must issue a STARTTLS command", tls_required, ""),
	R("Must issue an AUTH command", auth_required, ""),
	R("Too many messages sent", ratelimit, "msg_rate"),
	R("Too many recipients", ratelimit, "too_many_rcpt"),
	R("message too big", size, ""), R("Message too big", size, ""),
	R("Loop detected", loop, ""), R("Message is not RFC ", protocol, "mime"),
	R("Pipelining not supported", protocol, "pipelining"),
	R("Invalid domain name", helo, "invalid"), R("requires domain ", helo, "invalid"),
	R("Command unrecognized", protocol, "unknown_cmd"),
	R("Command not supported", protocol, "unknown_cmd"),
	R("feature is not supported yet", protocol, "unknown_cmd"),
	R("Command not allowed at this point", protocol, "bad_sequence"),
	R("Already identified", protocol, "bad_sequence"),
	R("Already indentified", protocol, "bad_sequence"),	/* so in 5.3 */
	R("No recipient specified", protocol, "bad_sequence"),
	R("address syntax error", protocol, "syntax"), R("ine too long", protocol, "syntax"),
	R("nsupported option", protocol, "syntax"), R("Channel already secured", protocol, "bad_sequence"),
	R("does not accept arguments", protocol, "syntax"),
	R("No parameters allowed", protocol, "syntax"), R("option too large", protocol, "syntax"),
	R("NOTIFY option NEVER", protocol, "syntax"),
	/* of filters that many sites took from the manual */
	R("must have rDNS", rdns, "no_ptr"), R("must have FCrDNS", rdns, "unverified"),
	R("IP reputation is too low", dnsbl, "senderscore"),
};

/* What stands at the daemon's end of a 4xx. */
static const struct row own_troubles[] = {
	R("Temporary Error", resource, ""), R("Temporary failure", resource, ""),
	R("Internal server error", resource, "filter_down"),
	R("Mailing list expansion problem", resource, "lookup"),
};

void
os_command_reason(struct event *e)
{
	struct slice s = e->text;

	if (LOOK_UP(s, answers, false, e))
		return;
	if (e->code == 524 && slice_starts(s, SLICE("Mailing list expansion problem"))) {
		e->cls = REASON_unknown_rcpt;	/* not in the table of virtual users */
		e->sub = SLICE("table");
		return;
	}
	if (e->code / 100 == 4 && LOOK_UP(s, own_troubles, false, e))
		return;
	if (LOOK_UP(s, sentences, true, e))
		return;
	e->cls = reason_of_text(s, e->dsn, e->code, false, &e->sub);
}

/* --- deliveries ---------------------------------------------------------------------- */

bool
os_is_tls_error(struct slice s)
{
	return slice_has(s, SLICE("SSL")) || slice_has(s, SLICE("TLS failed")) ||
	    slice_has(s, SLICE("handshake failed")) || slice_has(s, SLICE(" cert")) ||
	    slice_starts(s, SLICE("tls-")) || slice_starts(s, SLICE("cert-")) ||
	    slice_eq(s, SLICE("ca-failure")) || slice_eq(s, SLICE("CA failure")) ||
	    slice_eq(s, SLICE("no-ca")) || slice_eq(s, SLICE("no-client-cert"));
}

/* Of the system's and io.c's words. */
static const struct row connections[] = {
	R("Connection refused", remote_conn, "refused"), R("imed out", remote_conn, "timeout"),
	R("Connection timeout", remote_conn, "timeout"),
	R("No route to host", remote_conn, "unreachable"),
	R("Network is unreachable", remote_conn, "unreachable"),
	R("Network unreachable", remote_conn, "unreachable"),
	R("Host is down", remote_conn, "unreachable"),
	R("Connection failed: ", remote_conn, "unreachable"),
	R("Connection reset", remote_conn, "lost"), R("Broken pipe", remote_conn, "lost"),
	R("Connection closed unexpectedly", remote_conn, "lost"), R("IO Error", remote_conn, ""),
};

bool
os_connection_reason(struct slice s, struct event *e)
{
	static const struct slice heads[] = {
		{ "IO Error", 8 }, { "Connection ", 11 },
	};

	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
		if (slice_starts(s, heads[i]))
			return LOOK_UP(s, connections, true, e);
	return false;
}

/* How the texts begin that mta and mda write themselves. */
static const struct row own_texts[] = {
	R("Network error on destination", remote_conn, ""), R("No valid route to", remote_conn, ""),
	R("Address family mismatch", remote_conn, "unreachable"),
	R("Temporary failure in MX lookup", dns, "temp"), R("Domain does not exist", dns, "nxdomain"),
	R("Invalid domain name", dns, "nxdomain"), R("No MX found", dns, ""), R("Host not found", dns, ""),
	R("Destination seem to reject all", remote_refused, ""),
	R("Too many consecutive errors", remote_refused, ""),
	R("All routes to destination blocked", policy, "blacklisted"),
	R("Could not retrieve ", resource, "config"), R("Cannot retrieve ", resource, "config"),
	R("Failed to retrieve ", resource, "config"), R("Cannot parse smarthost", resource, "config"),
	R("No auth table", resource, "config"), R("TLS required for relaying", resource, "config"),
	R("TLS required but not", tls_required, ""), R("Refuse to AUTH over", tls_required, ""),
	R("AUTH not advertised", auth_failed, ""), R("no supported AUTH", auth_failed, ""),
	R("Credentials too large", resource, "config"), R("Bad response", protocol, "syntax"),
	R("Input too long", protocol, "syntax"), R("Remote host sent too much", protocol, "sync"),
	R("Error reading content", resource, "disk"), R("Loop detected", loop, ""),
	R("Temporary failure in user lookup", resource, "lookup"),
	R("Permanent failure in user lookup", unknown_rcpt, "table"),
	R("mda exited prematurely", resource, "command"), R("Out of memory", resource, ""),
	R("Cannot get ", resource, ""), R("fdopen failed", resource, ""),
	R("Error (user unknown", unknown_rcpt, "table"),
};

/* "BANNER rejected: 554 5.7.1 ...": the reply to a command that was for no recipient. */
static struct slice
rejected(struct slice s, struct event *e)
{
	static const struct row heads[] = {
		R("BANNER rejected: ", remote_refused, ""), R("EHLO rejected: ", remote_refused, ""),
		R("HELO rejected: ", remote_refused, ""), R("LHLO rejected: ", remote_refused, ""),
		R("STARTTLS rejected: ", tls_error, "handshake"),
		R("AUTH rejected: ", auth_failed, ""),
	};
	struct slice head;

	if (LOOK_UP(s, heads, false, e))
		(void)slice_cut_at(&s, SLICE(": "), &head);
	return s;
}

static bool
is_reply(struct slice s)
{
	return s.n >= 3 && slice_is_digit(s.p[0]) && slice_is_digit(s.p[1]) &&
	    slice_is_digit(s.p[2]) && (s.n == 3 || s.p[3] == ' ' || s.p[3] == '-');
}

void
os_delivery_reason(struct event *e)
{
	struct slice s = rejected(e->text, e), sub = { NULL, 0 };
	struct event reply;
	enum reason r;

	if (is_reply(s)) {
		scan_reply(s, event_begin(&reply, EV_INFO));
		e->code = reply.code;
		e->dsn = reply.dsn;
		if (e->cls != REASON_none && e->cls != REASON_remote_refused)
			return;
		r = reason_of_text(reply.text, reply.dsn, reply.code, true, &sub);
		e->cls = REASON_remote_refused;
		e->sub = r == REASON_other ? SLICE("") : slice_of(reason_name(r));
		return;
	}
	/* behind "Error (" a command of the administrator's may have said anything */
	if (!slice_starts(s, SLICE("Error (")) && os_is_tls_error(s)) {
		e->cls = REASON_tls_error;
		e->sub = SLICE("handshake");
	} else if (!os_connection_reason(s, e) && !LOOK_UP(s, own_texts, false, e)) {
		e->cls = reason_of_text(s, e->dsn, 0, false, &e->sub);
		if (e->cls == REASON_other && slice_starts(s, SLICE("Error ("))) {
			e->cls = REASON_resource;	/* what the command said last */
			e->sub = SLICE("command");
		}
	}
}
