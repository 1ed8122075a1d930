/* postfix_talk.c - what any daemon of Postfix may write: warnings and worse, notices of what they
 * all share (lookup tables, DNS filters, TLS), and the talk of "smtpd -v" and debug_peer_list.
 *
 *	warning: | error: | fatal: | panic:  TEXT
 *	ignoring DNS RR: example.org. 300 IN AAAA 2001:db8::1
 *	cannot load Certification Authority data, CAfile="...": disabling TLS support
 *	private/anvil: wanted attribute: status
 *	match_hostname: mx.example.org ~? 192.0.2.0/24
 * It is asked last, and of talk it says only that it is known: who debugs a service for an hour
 * must not be told that its log is not understood. */
#include "dialect/postfix.h"

#include "poison.h"

#define H(head) { head, sizeof(head) - 1 }

/* How notices and talk begin. */
static const struct slice heads[] = {
	/* lookup tables, DNS, replies: without -v */
	H("ignoring DNS RR: "), H("discarding EHLO keywords: "), H("mapping DSN status "),
	H("skipping address family "), H("skipping SRV lookup "), H("database "), H("close database "),
	H("using backwards-compatible default "), H("Relaying allowed for "), H("relay_clientcerts: "),
	H("SASL authentication info: "), H("SASL authentication debug: "),
	H("SASL authentication trace: "), H("SASL authentication pass: "),
	/* Cyrus' SASL library itself, in the journal and in auth.log */
	H("looking for plugins in "), H("unable to dlopen "), H("unable to open Berkeley db "),
	H("_sasl_plugin_load failed on "), H("could not find auxprop plugin"), H("auxpropfunc error "),
	H("sql_select option missing"), H("sql plugin "), H("sql auxprop plugin "), H("ldapdb: "),
	H("begin transaction"), H("commit transaction"), H("OTP unavailable because "),
	H("DIGEST-MD5 "), H("CRAM-MD5 "), H("GSSAPI "), H("NTLM "), H("SCRAM-"),
	/* the dialogue, its milters and helpers */
	H("> "), H("< "), H(">>> "), H("<<< "), H("Using "), H("Host offered "), H("server features: "),
	H("trying... "), H("event: SMFI"), H("reply: SMFI"), H("skipping event SMFI"),
	H("query milter states "), H("send attr "), H("input attribute "), H("connect to subsystem "),
	H("auto_clnt"), H("starting new SASL client"), H("disposing SASL state information"),
	H("lookup "), H("pref "),
	/* TLS */
	H("initializing the "), H("looking for session "), H("looking up session "), H("save session "),
	H("remove session "), H("reloaded session "), H("put smtp"), H("get smtp"), H("read smtp"),
	H("write smtp"), H("delete smtp"), H("open smtp"), H("close smtp"), H("SNI data for "),
	/* processes, messages, queues */
	H("process generation: "), H("idle timeout -- exiting"), H("time to retire -- "),
	H("master disconnect -- "), H("connection established"), H("connection closed"), H("chroot /"),
	H("initial envelope "), H("extracted envelope "), H("PUSH boundary "), H("POP boundary "),
	H("start sorted recipient list"), H("end sorted recipient list"), H("start incoming queue "),
	H("start deferred queue "), H("done incoming queue "), H("done deferred queue "), H("fsspace: "),
};

/* What stands behind a name that is anybody's guess: "private/anvil: wanted attribute: status". */
static const struct slice parts[] = {
	H(": wanted attribute: "), H(": terminator (consumed)"), H(": non-terminator "),
	H(" stream disconnect"), H(" address list"), H(" TLS level: "), H(" all milters"),
	H(": cleanup flags = "), H(": using backwards-compatible default setting "),
	H(" asciified to "),
	/* "hash:/etc/aliases lookup: "a" = "b"", of debug_peer_list and of the tables "debug:" (3.11) */
	H(" lookup: \""), H(" update: \""), H(" delete: \""), H(" sequence: "),
};
#undef H

/* "match_hostname: a ~? b", "generic_checks: ...", "process_id = 12": the name of a C function
 * or of a parameter. */
static bool
begins_with_name(struct slice s)
{
	size_t n = 0;

	while (n < s.n &&
	       ((s.p[n] >= 'a' && s.p[n] <= 'z') || s.p[n] == '_' || slice_is_digit(s.p[n])))
		n++;
	return n < s.n && memchr(s.p, '_', n) != NULL &&
	    (s.p[n] == ':' || slice_starts(slice_from(s, n), SLICE(" = ")));
}

static bool
is_talk(struct slice s)
{
	if (slice_starts_any(s, heads, sizeof heads / sizeof heads[0]))
		return true;
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		if (slice_has(s, parts[i]))
			return true;
	if (slice_starts(s, SLICE("table ")))
		return slice_ends(s, SLICE(" has changed -- restarting")) ||
		    slice_ends(s, SLICE(" has changed - finishing in the background"));
	return begins_with_name(s);
}

/* Troubles that Postfix calls information, and those of Cyrus' SASL library with its database. */
static bool
is_trouble(struct slice s)
{
	return slice_ends(s, SLICE(": disabling TLS support")) ||
	    slice_starts(s, SLICE("cannot load Certificate Authority data")) ||	/* before 2.8 */
	    slice_starts(s, SLICE("SMTPS wrappermode (TCP port 465) requires ")) ||
	    slice_starts(s, SLICE("sql plugin could")) || slice_starts(s, SLICE("sql query failed: "));
}

int
pf_common(const struct pf_line *p, struct event *out)
{
	static const struct slice severities[] = {
		{ "warning: ", 9 }, { "error: ", 7 }, { "fatal: ", 7 }, { "panic: ", 7 },
	};
	struct slice s = p->text;

	for (size_t i = 0; i < sizeof severities / sizeof severities[0]; i++)
		if (slice_eat(&s, severities[i]))
			return pf_warning(
			    p, slice_head(severities[i], severities[i].n - 2), s, out);
	if (is_trouble(s))
		return pf_warning(p, SLICE("warning"), s, out);
	return is_talk(s) ? 0 : -1;
}
