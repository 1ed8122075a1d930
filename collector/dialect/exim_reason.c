/* exim_reason.c - why an ACL refused, and why a delivery failed.
 *
 * Exim's own texts first; an ACL's are the admin's words, and another server's are anybody's:
 * reason_of_text() reads those. */
#include "dialect/exim.h"

#include "poison.h"

struct meaning {
	struct slice text;
	enum reason cls;
	struct slice sub;
};

#define M(text, cls, sub) { { text, sizeof(text) - 1 }, REASON_##cls, { sub, sizeof(sub) - 1 } }

static bool
means(const struct meaning *m, size_t n, struct slice s, bool anywhere, struct event *e)
{
	for (size_t i = 0; i < n; i++) {
		if (anywhere ? !slice_has(s, m[i].text) : !slice_starts(s, m[i].text))
			continue;
		e->cls = m[i].cls;
		e->sub = m[i].sub;
		return true;
	}
	return false;
}

/* How the texts begin that are compiled in, or stand in Exim's own configuration. */
static const struct meaning refusals[] = {
	M("Could not complete sender verify", unknown_sender, "verify"),
	M("Sender verify failed", unknown_sender, "verify"),
	M("Could not complete recipient verify", unknown_rcpt, "verify"),
	M("response to \"RCPT TO:", unknown_rcpt, "verify"),
	M("Restricted characters in address", protocol, "syntax"),
	M("restricted characters in address", protocol, "syntax"),
	M("message too big", size, ""), M("Too many \"Received\" headers", loop, ""),
	M("maximum allowed line length", protocol, "line_length"),
	M("Non-CRLF-terminated header", protocol, "bare_lf"),
	M("no HELO/EHLO given", protocol, "bad_sequence"),
	M("Blacklisted file extension", attachment, "banned"), M("nice hosts say HELO first", helo, ""), M("no valid sender in any header", protocol, "syntax"),
	M("there is no valid sender in any header", protocol, "syntax"),
};

/* What a refusal without a reason is, by its place. */
static void
by_stage(struct event *e)
{
	if (slice_eq(e->stage, SLICE("HELO"))) {
		e->cls = REASON_helo;
		e->sub = SLICE("");
	} else if (slice_eq(e->stage, SLICE("MIME"))) {
		e->cls = REASON_attachment;
		e->sub = SLICE("");
	} else if (e->text.n == 0) {
		e->cls = REASON_policy;
		e->sub = SLICE("access_map");
	}
}

/* "This message contains malware (NAME)": the name. */
static void
virus_name(struct event *e)
{
	struct slice rest = e->text, head, name;

	if (slice_cut(&rest, '(', &head) && slice_cut(&rest, ')', &name) && name.n > 0)
		e->sub = name;
}

void
ex_refusal_reason(struct event *e)
{
	unsigned code = e->code != 0 ? e->code : e->kind == EV_TEMPFAIL ? 451 : 550;

	if (means(refusals, sizeof refusals / sizeof refusals[0], e->text, false, e))
		return;
	e->cls = reason_of_text(e->text, e->dsn, code, false, &e->sub);
	if (e->cls == REASON_other)
		by_stage(e);
	if (e->cls == REASON_virus)
		virus_name(e);
}

static const struct meaning failures[] = {
	M("retry timeout exceeded", expired, ""), M("all hosts ", expired, "hosts"),
	M("Unrouteable address", unknown_rcpt, ""),
	M("all relevant MX records point to non-existent hosts", dns, "nxdomain"),
	M("an MX or SRV record indicated no SMTP service", unknown_rcpt, "nullmx"),
	M("lowest numbered MX record points to local host", loop, ""),
	M("remote host address is the local host", loop, ""),
	M("Too many \"Received\" headers", loop, ""),
	M("host lookup did not complete", dns, "temp"), M("host lookup failed", dns, ""),
	M("unrouteable mail domain", dns, "nxdomain"), M("Unrouteable mail domain", dns, "nxdomain"),
	M("message is too big", size, ""), M("mailbox is full", mailbox_full, ""),
	M("a TLS session is required", tls_required, ""),
	M("authentication required but", auth_failed, ""),
	M("DANE error", tls_error, "cert"), M("TLS session", tls_error, "handshake"),
	M("Child process of ", resource, "command"), M("return message generated", resource, "command"),
	M("failed to lock mailbox", resource, "mailbox"),
	M("Failed to expand", resource, "config"), M("failed to expand", resource, "config"),
	M("Expansion of ", resource, "config"),
	M("routing yielded", resource, "config"), M("syntax error in redirection", resource, "config"),
	M("error in redirect data", resource, "config"), M("error in filter file", resource, "config"),
	M("Tainted ", resource, "config"), M("User 0 set for ", resource, "config"),
	M("delivery cancelled", policy, ""), M("forced failure", policy, ""),
};

static const struct meaning connections[] = {
	M("Connection refused", remote_conn, "refused"), M("Connection timed out", remote_conn, "timeout"),
	M("SMTP timeout", remote_conn, "timeout"), M("LMTP timeout", remote_conn, "timeout"),
	M("timed out", remote_conn, "timeout"), M("No route to host", remote_conn, "unreachable"),
	M("Network is unreachable", remote_conn, "unreachable"),
	M("Host is down", remote_conn, "unreachable"), M("Network Error", remote_conn, "unreachable"),
	M("Remote host closed connection", remote_conn, "lost"),
	M("Connection reset", remote_conn, "lost"), M("Broken pipe", remote_conn, "lost"),
	M("Malformed SMTP reply", remote_conn, "lost"),
};

/* What "defer (-N)" says of itself (macros.h). */
static bool
by_error(int error, struct event *e)
{
	static const struct {
		int error;
		enum reason cls;
		struct slice sub;
	} errors[] = {
#define E(error, cls, sub) { error, REASON_##cls, { sub, sizeof(sub) - 1 } }
		E(-4, resource, "mailbox"), E(-5, resource, "mailbox"), E(-6, resource, "mailbox"),
		E(-7, resource, "mailbox"), E(-8, resource, "mailbox"),
		E(-18, remote_conn, "lost"), E(-19, remote_conn, "lost"), E(-22, mailbox_full, ""),
		E(-9, resource, "mailbox"), E(-24, resource, "filter_down"), E(-25, resource, "config"),
		E(-26, resource, "disk"), E(-27, resource, "config"), E(-28, resource, "config"),
		E(-29, resource, "config"), E(-30, resource, "config"), E(-33, resource, "mailbox"),
		E(-34, resource, "config"), E(-39, resource, "mailbox"), E(-40, resource, "command"),
		E(-32, dns, ""), E(-35, resource, "lookup"), E(-36, dns, "temp"),
		E(-37, tls_error, "handshake"), E(-38, tls_required, ""), E(-42, auth_failed, ""),
		E(-43, remote_conn, "timeout"), E(-47, remote_conn, "lost"), E(-50, loop, ""),
#undef E
	};

	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
		if (error == errors[i].error) {
			e->cls = errors[i].cls;
			e->sub = errors[i].sub;
			return true;
		}
	return false;
}

/* "SMTP error from remote mail server after [pipelined ]RCPT TO:<a@b>: 550 TEXT",
 * "LMTP error after ...", before 4.84 "... after RCPT TO:<a@b>: host mx [192.0.2.9]: 550 TEXT":
 * the server's words. */
static bool
take_reply(struct slice *s)
{
	struct slice rest = *s, head;

	if (!slice_eat(&rest, SLICE("SMTP error from remote mail")) &&
	    !slice_eat(&rest, SLICE("SMTP error from remote server")) &&
	    !slice_eat(&rest, SLICE("LMTP error")) && !slice_eat(&rest, SLICE("PRDR error")))
		return false;
	if (!slice_cut_at(&rest, SLICE(" after "), &head))
		return false;
	slice_eat(&rest, SLICE("pipelined "));
	slice_eat(&rest, SLICE("sending data block"));
	if ((slice_eat(&rest, SLICE("RCPT TO:")) || slice_eat(&rest, SLICE("MAIL FROM:"))) &&
	    !scan_address(&rest, &head))
		return false;
	if (!slice_cut_at(&rest, SLICE(": "), &head))
		return false;
	if (slice_starts(rest, SLICE("host ")) && slice_cut_at(&rest, SLICE("]: "), &head))
		(void)head;
	*s = rest;
	return true;
}

/* Another server's answer: its class below remote_refused. */
static void
remote_reply(struct slice s, struct event *e)
{
	struct event reply = { 0 };
	struct slice sub;
	enum reason r;

	scan_reply(s, &reply);
	e->code = reply.code;
	e->dsn = reply.dsn;
	r = reason_of_text(s, e->dsn, e->code, true, &sub);
	e->cls = REASON_remote_refused;
	e->sub = r == REASON_other ? SLICE("") : slice_of(reason_name(r));
}

void
ex_delivery_reason(struct event *e, int error)
{
	static const size_t n_failures = sizeof failures / sizeof failures[0];
	static const size_t n_connections = sizeof connections / sizeof connections[0];
	struct slice s = e->text;

	if (take_reply(&s)) {
		remote_reply(s, e);
		return;
	}
	if (by_error(error, e) || means(failures, n_failures, s, false, e) ||
	    means(connections, n_connections, s, true, e))
		return;
	if (error > 0) {
		e->cls = REASON_resource;
		e->sub = SLICE("");
		return;
	}
	e->cls = reason_of_text(s, e->dsn, error != 0 ? 451 : 550, false, &e->sub);
}

void
ex_tls_reason(struct event *e)
{
	struct slice s = e->text;

	e->cls = REASON_tls_error;
	e->sub = SLICE("handshake");
	e->kind = EV_TLS_FAIL;
	/* the session was there, and its end was rude; but in TLS 1.3 the other side tells us
	 * only then that it does not like us */
	if ((slice_starts(s, SLICE("(recv)")) || slice_starts(s, SLICE("(send)")) ||
	    slice_starts(s, SLICE("(SSL_read)")) || slice_starts(s, SLICE("(SSL_write)"))) &&
	    !slice_has(s, SLICE("alert"))) {
		e->kind = EV_INFO;
		e->sub = SLICE("lost");
	}
}
