/* postfix_warn.c - what follows "warning: ", "error: ", "fatal: " and "panic: ".
 *
 *	hostname x.example.org does not resolve to address 192.0.2.1[: why]
 *	mx.example.org[192.0.2.1]: SASL LOGIN authentication failed: UGFz[, sasl_username=joe]
 *	Connection rate limit exceeded: 31 from mx.example.org[192.0.2.1] for service smtpd
 *	connect to Milter service inet:127.0.0.1:8891: Connection refused
 *	ID: queue file size limit exceeded
 * The order of the rows is the order of the questions; what no row knows is still a
 * warning, of class other. */
#include "dialect/postfix.h"

#include "poison.h"

/* Is it our own authentication server that could not say whether the password is right? */
static bool
own_server_failed(struct slice reason)
{
	static const struct slice reasons[] = {
#define R(text) { text, sizeof(text) - 1 }
		R("Connection lost to authentication server"), R("Can't connect to authentication server"),
		R("Authentication backend error"), R("Temporary authentication failure"),
		R("generic failure"),	/* Cyrus' library */
#undef R
	};

	return slice_starts_any(reason, reasons, sizeof reasons / sizeof reasons[0]);
}

/* "CLIENT: SASL MECH authentication failed|aborted: why[, sasl_username=U]" */
static int
sasl_failed(struct slice s, struct event *e)
{
	struct slice reason;

	if (!pf_client(&s, e) || !slice_eat(&s, SLICE(": SASL ")) ||
	    !slice_cut_at(&s, SLICE(" authentication "), &e->sasl_method))
		return -1;
	if (!slice_eat(&s, SLICE("failed")) && !slice_eat(&s, SLICE("aborted")))
		return -1;
	slice_eat_char(&s, ':');
	reason = slice_trim(s);
	/* the name is whatever the client sent: all the rest of the line */
	if (slice_cut_at(&reason, SLICE(", sasl_username="), &s))
		e->sasl_user = slice_eq(reason, SLICE("(unavailable)")) ? slice_head(reason, 0) : reason;
	else
		s = reason;
	e->text = slice_trim(s);
	e->kind = EV_AUTH_FAIL;
	e->cls = REASON_auth_failed;
	if (own_server_failed(e->text)) {
		e->kind = EV_QWARN;
		e->cls = REASON_resource;
		e->sub = SLICE("auth_server");
	}
	return 1;
}

/* "WHAT limit exceeded: N from CLIENT for service S" */
static bool
over_limit(struct slice s, struct event *e)
{
	static const struct {
		struct slice head, sub;
	} limits[] = {
#define L(head, sub) { { head, sizeof(head) - 1 }, { sub, sizeof(sub) - 1 } }
		L("Connection concurrency limit exceeded: ", "conn_count"),
		L("Connection rate limit exceeded: ", "conn_rate"),
		L("Message delivery request rate limit exceeded: ", "msg_rate"),
		L("Recipient address rate limit exceeded: ", "rcpt_rate"),
		L("New TLS session rate limit exceeded: ", "newtls"),
		L("AUTH command rate limit exceeded: ", "auth"),
#undef L
	};
	struct slice head;

	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
		if (slice_eat(&s, limits[i].head)) {
			e->kind = EV_RATELIMIT;
			e->cls = REASON_ratelimit;
			e->sub = limits[i].sub;
			return slice_cut_at(&s, SLICE(" from "), &head) && pf_client(&s, e);
		}
	return false;
}

/* "HEAD CLIENT ..." of clients that misbehave, and of names that do not fit. */
static bool
about_client(struct slice s, struct event *e)
{
	struct slice head;

	if (slice_eat(&s, SLICE("hostname "))) {
		e->cls = REASON_rdns;
		e->sub = SLICE("unverified");
		if (!slice_cut_at(
			&s, SLICE(" does not resolve to address "), &e->client_name))
			return false;
		e->client_ip = slice_cut_at(&s, SLICE(": "), &head) ? head : s;
		e->loopback = address_is_loopback(e->client_ip);
		return true;
	}
	e->cls = REASON_protocol;
	if (slice_eat(&s, SLICE("non-SMTP command from "))) {
		e->sub = SLICE("non_smtp");
		return pf_client(&s, e);
	}
	if (slice_eat(&s, SLICE("Illegal address syntax from ")) ||
	    slice_eat(&s, SLICE("malformed BDAT command syntax from ")) ||
	    slice_eat(&s, SLICE("null BDAT request from "))) {
		e->sub = SLICE("syntax");
		return pf_client(&s, e);
	}
	if (pf_client(&s, e)) {
		bool other = slice_starts(s, SLICE(" sent non-SMTP command: "));	/* before 2.3 */

		e->sub = other ? SLICE("non_smtp") : SLICE("syntax");
		if (other || slice_starts(s, SLICE(": request longer than ")))
			return true;
		e->sub.n = 0;
	}
	e->cls = REASON_none;
	return false;
}

/* Before 2.9: "192.0.2.1: hostname x verification failed: why", "192.0.2.1: address not
 * listed for hostname x", with or without "smtpd_peer_init: ". */
static bool
old_name_check(struct slice s, struct event *e)
{
	slice_eat(&s, SLICE("smtpd_peer_init: "));
	if (!slice_has(s, SLICE(": address not listed for hostname ")) &&
	    !(slice_has(s, SLICE(": hostname ")) &&
		slice_has(s, SLICE(" verification failed"))))
		return false;
	if (!slice_cut_at(&s, SLICE(": "), &e->client_ip))
		return false;
	e->cls = REASON_rdns;
	e->sub = SLICE("unverified");
	return true;
}

/* Services of Postfix itself; a policy service may hide behind "private/" too. */
static bool
own_socket(struct slice name)
{
	static const char *const own[] = {
		"rewrite", "bounce", "defer", "trace", "verify", "proxymap", "proxywrite",
		"anvil",
		"scache", "tlsmgr", "tlsproxy", "retry", "error", "discard", "dnsblog",
		"smtpd",
		"cleanup", "flush", "qmgr", "pickup", "showq", "local", "smtp", "relay",
		"lmtp",
		"virtual", "resolve", "postlog",
	};

	slice_eat(&name, SLICE("private/"));
	slice_eat(&name, SLICE("public/"));
	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
		if (slice_eq(name, slice_of(own[i])))
			return true;
	return false;
}

static struct slice
up_to(struct slice s, struct slice end)
{
	ptrdiff_t at = slice_find(s, end);

	return at >= 0 ? slice_head(s, (size_t)at) : s;
}

/* A daemon that master cannot start, or an agent that the queue manager does not reach: no
 * mail goes there, and often it is the way to a filter.
 *
 *	/usr/lib/postfix/sbin/smtpd: bad command startup -- throttling
 *	connect to transport private/amavis: Connection refused
 *	transport amavis failure -- see a previous warning/... */
static bool
service_down(struct slice s, struct event *e)
{
	static const struct slice startup = SLICE(": bad command startup -- throttling");
	struct slice name;

	if (slice_starts(s, SLICE("/")) && slice_ends(s, startup) &&
	    slice_cut_at(&s, startup, &name))
		e->sub = scan_base(name);
	else if (slice_eat(&s, SLICE("connect to transport ")))
		e->sub = scan_base(up_to(s, SLICE(": ")));
	else if (slice_eat(&s, SLICE("transport ")) && slice_has(s, SLICE(" failure -- ")))
		e->sub = up_to(s, SLICE(" "));
	else
		return false;
	e->kind = EV_FILTER_FAIL;
	e->cls = REASON_resource;
	return true;
}

/* A milter, a proxy filter or a policy service that is not there or talks nonsense. */
static bool
filter_broken(struct slice s, struct event *e)
{
	static const struct {
		struct slice head, end;
	} filters[] = {
#define B(head, end) { { head, sizeof(head) - 1 }, { end, sizeof(end) - 1 } }
		B("connect to Milter service ", ": "), B("milter ", ": "),
		B("Milter ", ": "),
		B("connect to proxy filter ", ": "), B("connect to proxy service ", ": "),
		B("lost connection with proxy ", " "), B("timeout talking to proxy ", " "),
		B("proxy ", " rejected "), B("access policy server ", ": "),
		B("policy server ", ": "), B("smtpd_proxy_", ": "),
		B("timeout on Milter", ": "),
#undef B
	};

	for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++)
		if (slice_eat(&s, filters[i].head)) {
			e->kind = EV_FILTER_FAIL;
			e->cls = REASON_resource;
			e->sub = up_to(s, filters[i].end);
			return true;
		}
	if (service_down(s, e))
		return true;
	if (slice_starts(s, SLICE("connect to TCP map ")))
		return false;	/* a table: known_trouble() has it */
	if (slice_eat(&s, SLICE("problem talking to server ")) ||
	    slice_eat(&s, SLICE("problem talking to service ")) ||
	    slice_eat(&s, SLICE("timeout on ")) || slice_eat(&s, SLICE("connect to ")) ||
	    slice_eat(&s, SLICE("unexpected end-of-input from ")) ||
	    slice_eat(&s, SLICE("malformed numerical data from ")) ||
	    slice_eat(&s, SLICE("premature end-of-input on ")) ||
	    slice_eat(&s, SLICE("premature end-of-input from "))) {
		struct slice name = up_to(up_to(s, SLICE(": ")), SLICE(" "));

		e->cls = REASON_resource;
		e->sub = name;
		if (own_socket(name))
			e->sub = SLICE("process");
		else if (!slice_has(s, SLICE("mysql")) && !slice_has(s, SLICE("ldap")) &&
		    !slice_has(s, SLICE("pgsql")) && !slice_starts(s, SLICE("subsystem")))
			e->kind = EV_FILTER_FAIL;
		else
			e->sub = SLICE("lookup");
		return true;
	}
	return false;
}

/* A part of the text that tells the kind of trouble. */
static const struct {
	struct slice part;
	enum event_kind kind;
	enum reason cls;
	struct slice sub;
} troubles[] = {
#define T(part, kind, cls, sub) \
	{ { part, sizeof(part) - 1 }, EV_##kind, REASON_##cls, { sub, sizeof(sub) - 1 } }
	T("TLS library problem", INFO, tls_error, "handshake"),
	T("queue file size limit exceeded", REJECT, size, ""),
	T(" exceeds message size limit", REJECT, size, ""),
	T("message rejected: hopcount exceeded", REJECT, loop, ""),
	T("message rejected: ", REJECT, protocol, ""),
	T("No space left on device", QWARN, resource, "disk"),
	T("not enough free space", QWARN, resource, "disk"),
	T("Disk quota exceeded", QWARN, resource, "disk"),
	T("queue file write error", QWARN, resource, "disk"),
	T("Read-only file system", QWARN, resource, "disk"),
	T("Input/output error", QWARN, resource, "disk"),
	T("File too large", QWARN, resource, "disk"),
	T("write queue file", QWARN, resource, "disk"),
	T("Error writing message file", QWARN, resource, "disk"),
	T("mail_queue_enter", QWARN, resource, "disk"),
	/* the echo of a message that was too large, or of another line */
	T("mail_stream_cleanup: close error", INFO, none, ""),
	T("mail_stream_", QWARN, resource, "disk"),
	T("saving corrupt file", QWARN, resource, "corrupt"),
	T("qmgr_active_corrupt", QWARN, resource, "corrupt"),
	T("corrupt", QWARN, resource, "corrupt"),
	T("RBL lookup error", QWARN, dns, "temp"),
	T("dnsblog", QWARN, dns, "temp"),
	T("lookup error", QWARN, resource, "lookup"),
	T("lookup problem", QWARN, resource, "lookup"),
	T("lookup failure", QWARN, resource, "lookup"),
	T("unsupported dictionary type", QWARN, resource, "config"),
	T("table lookup", QWARN, resource, "lookup"),
	T("TCP map ", QWARN, resource, "lookup"),
	T(" socketmap server ", QWARN, resource, "lookup"),
	T("dict_", QWARN, resource, "lookup"),
	T("mysql", QWARN, resource, "lookup"),
	T("ldap", QWARN, resource, "lookup"),
	T("pgsql", QWARN, resource, "lookup"),
	T("SMTPS wrappermode", QWARN, resource, "config"),
	T("is unavailable. ", QWARN, resource, "lookup"),
	T("UNIX password database", QWARN, resource, "lookup"),
	T("looking up passwd info", QWARN, resource, "lookup"),
	T("is older than source file", QWARN, resource, "config"),
	T("auth socket", QWARN, resource, "auth_server"),
	T("SASL: Connect to ", QWARN, resource, "auth_server"),
	T("sql plugin could", QWARN, resource, "auth_server"),
	T("sql query failed", QWARN, resource, "auth_server"),
	T("SASL per-connection", QWARN, resource, "auth_server"),
	T("no SASL authentication mechanisms", QWARN, resource, "auth_server"),
	T("xsasl", QWARN, resource, "auth_server"),
	T("SASL authentication failure: cannot connect to ", QWARN, resource, "auth_server"),
	T("SASL authentication failure", INFO, auth_failed, ""),
	T("SASL authentication problem", QWARN, resource, "auth_server"),
	T("has reached its process limit", QWARN, resource, "proc_limit"),
	T("to avoid this condition, increase", INFO, none, ""),
	T("see http://www.postfix.org/STRESS_README", INFO, none, ""),
	T("see https://www.postfix.org/STRESS_README", INFO, none, ""),
	T("bad command startup", QWARN, resource, "process"),
	T("killed by signal", QWARN, resource, "process"),
	T(" exit status ", QWARN, resource, "process"),
	T("master_wakeup", QWARN, resource, "process"),
	T("transport ", QWARN, resource, "transport"),
	T("is using up", QWARN, resource, "load"),
	T("you may need to ", INFO, none, ""),
	T("please avoid flushing", INFO, none, ""),
	T("this may slow down", INFO, none, ""),
	T("lots of deferred mail, that is bad for performance", INFO, none, ""),
	T("so that Postfix ", INFO, none, ""),
	T("to turn off these warnings specify", INFO, none, ""),
	T("perhaps you need to create the maildirs", INFO, none, ""),
	T("resetting file time stamps", INFO, none, ""),
	T(" should return NO RESULT in case of NOT FOUND", INFO, none, ""),
	T("cannot connect to service", QWARN, resource, "process"),
	T("read timeout on ", QWARN, resource, "process"),
	T("timeout", QWARN, resource, "process"),
	T("do not list domain ", QWARN, resource, "config"),
	T(" is ignored", QWARN, resource, "config"),
	T("unused parameter", QWARN, resource, "config"),
	T("undefined parameter", QWARN, resource, "config"),
	T("unable to look up ", INFO, dns, ""),
	T("Unable to look up ", INFO, dns, ""),
	T("numeric domain name in ", INFO, dns, ""),
	T("malformed domain name in ", INFO, dns, ""),
	T("valid_hostname: ", INFO, dns, ""),
	T("valid_ipv4_hostaddr: ", INFO, dns, ""),
	T("numeric hostname", INFO, dns, ""),
	T("no MX host for ", INFO, dns, ""),
	T("Name service error", QWARN, dns, "temp"),
	T("host not found", QWARN, dns, ""),
	T("Address already in use", QWARN, resource, "process"),
	T("Cannot allocate memory", QWARN, resource, "memory"),
	T("Too many open files", QWARN, resource, "files"),
	T("mailer loop: ", QWARN, loop, ""),
	T("greeted me with my own hostname", QWARN, loop, ""),
	T("replied to HELO/EHLO with my own hostname", QWARN, loop, ""),
	T(" to subsystem ", QWARN, resource, "process"),
	T("fork: ", QWARN, resource, "process"),
	T(" offered no supported AUTH mechanisms", QWARN, auth_failed, ""),
	T(".cf, line ", QWARN, resource, "config"),
	T(" configuration problem", QWARN, resource, "config"),
	T("unknown smtpd restriction", QWARN, resource, "config"),
	T("support for restriction ", QWARN, resource, "config"),
	T(" access list", QWARN, resource, "config"),
	T("pipe flag `", QWARN, resource, "config"),
	T(" needs an \"owner-", QWARN, resource, "config"),
	T("required alias not found", QWARN, resource, "config"),
	T(" returns an empty string result", QWARN, resource, "config"),
	T("TLS", QWARN, tls_error, ""),
	T("ertificate", QWARN, tls_error, "cert"),
	T("getpeername", INFO, none, ""),
#undef T
};

/* Is it such a trouble? A refusal only where Postfix says so itself: behind a failed lookup's text
 * stands an address. */
static bool
is_trouble(struct slice s, struct slice part, enum event_kind kind)
{
	if (kind != EV_REJECT)
		return slice_has(s, part);
	return slice_starts(s, part) || (slice_starts(s, SLICE("BDAT request from ")) && slice_ends(s, part));
}

static bool
known_trouble(struct slice s, struct event *e)
{
	for (size_t i = 0; i < sizeof troubles / sizeof troubles[0]; i++)
		if (is_trouble(s, troubles[i].part, troubles[i].kind)) {
			e->kind = troubles[i].kind;
			e->cls = troubles[i].cls;
			e->sub = troubles[i].sub;
			return true;
		}
	return false;
}

/* "ID: " behind the severity. */
static void
take_id(struct slice *s, struct event *e)
{
	struct slice rest = *s, id;

	if (slice_eat(s, SLICE("NOQUEUE: ")))
		return;
	if (slice_cut(&rest, ':', &id) && pf_is_id(id) && slice_eat_char(&rest, ' ')) {
		e->id = id;
		*s = rest;
	}
}

/* "ID: virtual_alias_maps map lookup problem for x -- message not accepted, try again later": the client is
 * told 451, and no other line says so. */
static int
not_accepted(const struct pf_line *p, struct event *out)
{
	struct event *e = &out[1];

	if ((p->service != PF_CLEANUP && p->service != PF_ANY) || out->id.n == 0 ||
	    !slice_ends(out->text, SLICE(" -- message not accepted, try again later")))
		return 1;
	*e = *out;
	e->kind = EV_TEMPFAIL;
	e->cls = REASON_resource;
	e->sub = slice_starts(e->text, SLICE("unreasonable ")) ? SLICE("expansion") : SLICE("lookup");
	e->stage = SLICE("END-OF-MESSAGE");
	return 2;
}

int
pf_warning(
    const struct pf_line *p, struct slice severity, struct slice s, struct event *out)
{
	bool warning = slice_eq(severity, SLICE("warning"));
	struct event *e = pf_event(out, EV_QWARN, p);

	e->text = s;
	if (warning && !slice_starts(s, SLICE("hostname ")) &&
	    slice_has(s, SLICE(": SASL ")) && sasl_failed(s, e) > 0)
		return 1;
	pf_event(e, EV_INFO, p);
	e->text = s;
	if (warning && about_client(s, e))
		return 1;
	if (warning && p->service == PF_SMTPD && old_name_check(s, e))
		return 1;
	pf_event(e, EV_QWARN, p);
	e->text = s;
	if (over_limit(s, e))
		return 1;
	take_id(&s, e);
	e->text = s;
	if (filter_broken(s, e) || known_trouble(s, e)) {
		/* a message that is too large is refused with no other line */
		if (e->kind == EV_REJECT)
			e->stage = SLICE("END-OF-MESSAGE");
		return not_accepted(p, out);
	}
	e->cls = warning ? REASON_other : REASON_resource;
	e->sub = warning ? SLICE("") : severity;
	return not_accepted(p, out);
}
