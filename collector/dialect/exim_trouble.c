/* exim_trouble.c - what Exim says of itself: its daemon's doings, and trouble of all sorts.
 *
 *	Start queue run: pid=4711
 *	exim 4.98 daemon started: pid=4711, -q30m, listening for SMTP on port 25
 *	spool directory space check failed: space=12 inodes=-1
 *	[ID ]malware acl condition: clamd: unable to connect to UNIX socket
 * Trouble goes to the main log and to the panic log. What an ACL's logwrite says is the
 * admin's own and stays unknown. */
#include "dialect/exim.h"

#include "poison.h"

/* A daemon's day: nothing happened. */
static bool
is_routine(struct slice s)
{
	static const struct slice heads[] = {
#define H(head) { head, sizeof(head) - 1 }
		H("Start queue run: "), H("End queue run: "), H("Start '"), H("End '"),
		H("listen backlog "), H("exim user lost privilege"), H("Suggested action: "),
		H("Warning: purging the environment"), H("Warning: No server certificate"),
		H("Warning: Using pre-hardcoded"), H("no immediate delivery: "),
		H("notify triggered queue run"), H("debugging Exim "), H("Spool file"),
		H("Start ODMR queue run: "), H("End ODMR queue run: "), H("ATRN "), H("SMTP connection identification "),
		H("SMTP connection outbound "),
#undef H
	};

	if (slice_starts_any(s, heads, sizeof heads / sizeof heads[0]))
		return true;
	if (slice_eat(&s, SLICE("pid ")))
		return slice_has(s, SLICE("SIGHUP received"));
	if (slice_starts(s, SLICE("socket bind() to port ")))
		return !slice_ends(s, SLICE(": daemon abandoned"));
	return slice_starts(s, SLICE("exim ")) &&
	    (slice_has(s, SLICE(" daemon started: ")) || slice_has(s, SLICE(" daemon terminating")));
}

struct trouble {
	struct slice text;
	enum reason cls;
	struct slice sub;
	enum event_kind kind;
};

#define T(text, cls, sub, kind) \
	{ { text, sizeof(text) - 1 }, REASON_##cls, { sub, sizeof(sub) - 1 }, EV_##kind }

/* How such lines begin. */
static const struct trouble heads[] = {
	T("spool directory space check failed", resource, "disk", QWARN),
	T("log directory space check failed", resource, "disk", QWARN),
	T("cannot accept message: ", resource, "disk", QWARN),
	T("Abandon queue run: ", resource, "load", QWARN),
	T("malware acl condition: ", resource, "malware", FILTER_FAIL),
	T("spam acl condition: ", resource, "spamd", FILTER_FAIL),
	T("spam acl condition warning", none, "", INFO),
	T("dcc acl condition: ", resource, "dcc", FILTER_FAIL),
	T("DCC: ", resource, "dcc", FILTER_FAIL),
	T("Temporary error with DCC", resource, "dcc", FILTER_FAIL),
	T("regex acl condition: ", resource, "regex", FILTER_FAIL),
	T("acl_smtp_mime: error", resource, "mime", FILTER_FAIL),
	T("DNS list lookup defer", dns, "temp", QWARN), T("DNS list lookup for ", dns, "", INFO),
	T("host name alias list truncated", none, "", INFO), T("Long ", dns, "", INFO),
	T("host lookup deferred for reverse lookup check", dns, "temp", INFO),
	T("CNAME loop for ", dns, "", INFO), T("dnslists domain ", resource, "config", QWARN),
	T("unknown item in dnslist", resource, "config", QWARN),
	T("DANE error: ", tls_error, "cert", INFO), T("dnssec fail on ", dns, "", INFO),
	T("timed out while reading local message", none, "", INFO),
	T("SIGTERM received while reading local message", none, "", INFO),
	T("SIGINT received while reading local message", none, "", INFO),
	T("overlong message header line received", protocol, "line_length", INFO),
	T("ridiculously long message header received", protocol, "line_length", INFO),
	T("socket bind() to port ", resource, "", QWARN),
	T("listen() failed", resource, "", QWARN), T("listen() on ", resource, "", QWARN),
	T("getsockname() failed", resource, "", QWARN),
	T("getsockopt() failed", resource, "", QWARN),
	T("setsockopt(", resource, "", QWARN),
	T("IPv4 socket creation failed", resource, "", QWARN),
	T("IPv6 socket creation failed", resource, "", QWARN),
	T("Failed to create IPv6 socket", resource, "", QWARN),
	T("Setting IPV6_V6ONLY", resource, "", QWARN),
	T("daemon: ", resource, "", QWARN), T("queue run: ", resource, "", QWARN),
	T("SIGSEGV", resource, "", QWARN), T("SEGV_", resource, "", QWARN),
	T("bad memory ", resource, "", QWARN), T("string_sprintf ", resource, "", QWARN),
	T("fork failed", resource, "", QWARN), T("fork of ", resource, "", QWARN),
	T("fork() failed", resource, "", QWARN),
	T("list matching forced to fail", dns, "", INFO),
	T("Failed to get ", resource, "lookup", QWARN), T("Failed to open ", resource, "", QWARN),
	T("Failed to create ", resource, "disk", QWARN), T("Failed to read ", resource, "", QWARN),
	T("Failed writing ", resource, "", QWARN), T("Could not open ", resource, "disk", QWARN),
	T("Stat failed on ", resource, "disk", QWARN), T("link(\"", resource, "disk", QWARN),
	T("attempt to open journal ", resource, "spool", QWARN), T("setrlimit(", resource, "", QWARN),
	T("failed to open ", resource, "", QWARN), T("Failed opening ", resource, "", QWARN),
	T("Couldn't ", resource, "", QWARN), T("Cannot open ", resource, "", QWARN),
	T("failed to expand", resource, "config", QWARN),
	T("Failed to expand", resource, "config", QWARN),
	T("expansion of ", resource, "config", QWARN),
	T("unable to expand ", resource, "config", QWARN),
	T("invalid message_size_limit", resource, "config", QWARN),
	T("Exim configuration error", resource, "config", QWARN),
	T("Expansion of ", resource, "config", QWARN),
	T("Error loading lookup module ", resource, "config", QWARN),
	T("Lookup module ", resource, "config", QWARN),
	T("too many lookups open", resource, "lookup", QWARN),
	T("failure to ", resource, "dmarc", QWARN), T("bmi error ", resource, "bmi", FILTER_FAIL),
	T("demime acl condition: ", resource, "mime", FILTER_FAIL),
	T("configuration file ", resource, "config", QWARN),
	T("configured error code starts with incorrect digit", resource, "config", QWARN),
	T("ACL for QUIT returned ERROR", resource, "config", QWARN),
	T("ACL for not-QUIT returned ERROR", resource, "config", QWARN),
	T("ACL \"warn\" with ", resource, "config", QWARN),
	T("\"discard\" verb not allowed", resource, "config", QWARN),
	T("\"drop\" verb not allowed", resource, "config", QWARN),
	T("unknown log name ", resource, "config", QWARN),
	T("unknown named", resource, "config", QWARN), T("Error in ", resource, "config", QWARN),
	T("attempt to use tainted", resource, "config", QWARN),
	T("Attempt to exec tainted", resource, "config", QWARN),
	T("Tainted ", resource, "config", QWARN), T("tainted ", resource, "config", QWARN),
	T("routing loop for ", loop, "", QWARN),
	T("Format error in spool file", resource, "spool", QWARN),
	T("Error reading spool file", resource, "spool", QWARN),
	T("Spool error", resource, "spool", QWARN),
	T("spoolfile error", resource, "spool", QWARN),
	T("Spool read error", resource, "spool", QWARN),
	T("Process failed (", resource, "", QWARN), T("Delivery status for ", resource, "", QWARN),
	T("Error while reading message with no usable sender", resource, "", QWARN),
	T("Error while handling error message", resource, "", QWARN),
	T("rewrite: ", resource, "config", QWARN), T("Rewrite of ", resource, "config", QWARN),
	T("rewrite rule repeat ignored", resource, "config", QWARN),
	T("smtp-wait database entry ", resource, "lookup", QWARN),
	T("string too large in smtp_printf", resource, "", QWARN),
	T("EHLO/HELO response must not contain newlines", resource, "config", QWARN),
	T("error in smtp_", resource, "config", QWARN), T("process ", resource, "", QWARN),
	T("unable to ", resource, "", QWARN),
	T("unlink(", resource, "disk", QWARN), T("rmdir(", resource, "disk", QWARN),
	T("SSL verify ", tls_error, "cert", INFO), T("SSL_write", tls_error, "", INFO),
	T("SSL channel closed", tls_error, "", INFO), T("TLS error ", tls_error, "", TLS_FAIL),
	T("SNI unusable", tls_error, "", INFO), T("ALPN unusable", tls_error, "", INFO),
	T("OCSP ", tls_error, "cert", INFO),
	T("DKIM: ", dkim, "", INFO), T("DMARC ", dmarc, "", INFO),
	T("ident connection to ", none, "", INFO), T("Wrong ownership on ", resource, "", QWARN),
	T("failed to ", resource, "", QWARN), T("exec of ", resource, "", QWARN),
	T("bind of ", resource, "", QWARN), T("invalid value for ", resource, "config", QWARN),
	T("User 0 set for ", resource, "config", QWARN),
	T("bounce_message_file ", resource, "config", QWARN),
	T("warn_message_file ", resource, "config", QWARN),
	T("(SSL_CTX_use_", resource, "config", QWARN),
	T("Child mail process returned ", resource, "command", QWARN),
	T("qualify/rewrite: ", protocol, "syntax", INFO),
	T("remote host address is the local host: ", loop, "", INFO),
	T("could not open ", resource, "", QWARN),
	T("exim: could not open panic log", resource, "", QWARN),
};

/* What such lines hold behind a name. */
static const struct trouble inside[] = {
	T(" SSL verify error", tls_error, "cert", INFO),
	T(" verify denied by event-action", tls_error, "cert", INFO),
	T(" after QUIT, client reset TCP", none, "", INFO),
	T(" transport process returned ", resource, "command", QWARN),
	T(" transport process vanished", resource, "command", QWARN),
	T(" transport returned DEFER", resource, "config", QWARN),
	T(": accepted by +include_", none, "", INFO),
	T(" failed to expand ", resource, "config", QWARN),
	T(" remote host address is the local host: ", loop, "", INFO),
	T(" lookup failed: ", resource, "lookup", QWARN),
	T(" transport (for ", resource, "config", QWARN),
	T("callout unencrypted to ", tls_error, "", INFO),
	T(": delivering unencrypted to H=", tls_error, "", INFO),
	T(" router: ", resource, "config", INFO),
};

static int
answer(const struct ex_line *l, const struct trouble *t, struct event *out)
{
	ex_info(l, out, t->cls, t->sub);
	out->kind = t->kind;
	return 1;
}

int
ex_trouble(const struct ex_line *l, struct event *out)
{
	struct slice s = l->text;

	if (is_routine(s))
		return 0;
	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
		if (slice_starts(s, heads[i].text))
			return answer(l, &heads[i], out);
	for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++)
		if (slice_has(s, inside[i].text))
			return answer(l, &inside[i], out);
	return -1;
}
