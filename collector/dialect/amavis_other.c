/* amavis_other.c - amavis: trouble, and what else it says of messages and of itself.
 *
 *	(00088-01) (!!)AV: ALL VIRUS SCANNERS FAILED
 *	(00088-01) (!)ClamAV-clamd av-scanner FAILED: run_av error: ...
 *	(00088-01) (!)connect to /run/clamav/clamd.ctl failed, attempt #1: ...
 *	(00088-01) ClamAV-clamd: All attempts (1) failed connecting to ..., retrying (1)
 *	(00088-01) virus_scan: (Eicar-Test-Signature), detected by 1 scanners: ClamAV-clamd
 *	(00088-01) dkim: VALID Author+Sender signature by d=example.net, From: ...
 *	(00088-01) spam-tag, <a@example.net> -> <b@example.org>, Yes, score=6.1 tagged_above=...
 * What a line is, its beginning tells: the rest may be a stranger's. */
#include "dialect/amavis.h"

#include "poison.h"

/* A program that should look at mail does not, or amavis itself fails. */
static const char *const broken[] = { "WARN: all ", "TROUBLE",
	"ESMTP TROUBLE: ", "SMTP TROUBLE: ", "LMTP TROUBLE: ", "SA TIMED OUT", "PANIC, ",
	"FATAL: ", "policy_server FAILED: ", "Requesting process rundown after fatal error",
	NULL };

/* The same, where the mark says that it is trouble: without it this is talk. */
static const char *const broken_if_marked[] = { "AV: ", "run_av (", "SA failed",
	"_DIE: ", "file(1) utility (", "file utility failed", "checking with spam scanner ",
	"ERROR sql_storage: ", "Empty spamd response",
	"Error in spamd resp: ", "Failure reported by spamd: ", NULL };

/* "NAME av-scanner FAILED: ", "NAME client failed: ": the name is from the configuration. */
static bool
is_broken_scanner(struct slice s)
{
	static const struct slice words[] = {
		SLICE(" av-scanner FAILED: "),
		SLICE(" client failed: "),
	};
	struct slice name;

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (slice_cut_at(&s, words[i], &name))
			return name.n <= 64 && memchr(name.p, ':', name.n) == NULL &&
			       memchr(name.p, '<', name.n) == NULL;
	return false;
}

/* "NAME: Can't connect to ..., retrying (1)": the next try may do better. */
static bool
is_retry(struct slice s)
{
	static const char *const what[] = { "All attempts (", "Can't connect to ",
		"Can't send to ", "Empty result from ", "timed out, retrying (",
		"Error reading from ", "Error writing to ", NULL };
	struct slice name;

	return slice_cut_at(&s, SLICE(": "), &name) && name.n <= 64 &&
	       memchr(name.p, '<', name.n) == NULL && filter_begins(s, what);
}

int
amavis_trouble(struct slice s, bool marked, struct event *out)
{
	static const char *const lookups[] = { "connect_to_sql: unable ",
		"connect_to_ldap: ", "lookup_sql: ", "lookup_ldap: ",
		"Can't connect to a redis server", "DENIED ACCESS ", NULL };
	static const struct slice name = SLICE("amavis");

	if (filter_begins(s, broken) || is_broken_scanner(s) ||
	    (marked && filter_begins(s, broken_if_marked)))
		return filter_trouble(out, EV_FILTER_FAIL, name, s);
	if (marked || filter_begins(s, lookups) || is_retry(s))
		return filter_trouble(out, EV_QWARN, name, s);
	return 0;
}

/* "VALID Author+Sender+MailFrom signature by d=example.net, From: ..." */
static int
signature(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_DKIM);
	struct slice head;
	bool valid = slice_eat(&s, SLICE("VALID"));

	if (!valid && !slice_eat(&s, SLICE("FAILED")))
		return 0;
	e->sub = valid ? SLICE("pass") : SLICE("fail");
	if (!slice_cut_at(&s, SLICE(" signature by d="), &head))
		return -1;
	e->from = slice_head(s, slice_until(s, ',', ' '));
	return 1;
}

/* "<a> -> <b>, Yes, score=6.1 tagged_above=-999 ...": what SpamAssassin found. */
static int
score(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_INFO);
	struct slice head;

	if (!scan_address(&s, &e->from) || !slice_eat(&s, SLICE(" -> ")))
		return 0;
	if (!scan_address(&s, &e->to) && !slice_cut(&s, '>', &e->to))
		return -1;
	if (slice_eat(&s, SLICE(", Yes, ")))
		e->sub = SLICE("spam");
	else if (slice_eat(&s, SLICE(", No, ")))
		e->sub = SLICE("ham");
	else
		return -1;
	if (slice_cut(&s, '=', &head))
		e->text = slice_head(s, slice_until(s, ' ', ','));
	return 1;
}

/* "(NAME, NAME), detected by 1 scanners: ClamAV-clamd" */
static int
virus(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_INFO);

	if (!slice_eat_char(&s, '(') ||
	    !slice_cut_at(&s, SLICE("), detected by "), &e->sub))
		return -1;
	e->text = s;
	return 1;
}

/* "<a> -> <b>[,<c>], BODY=7BIT 250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued
 * as 5A6B7C": handed to the next server. */
static int
forwarded(struct slice s, struct event *out)
{
	struct event *e = filter_event(out, EV_INFO, SLICE("forwarded"));
	struct slice head;

	if (!scan_address(&s, &e->from) || !slice_eat(&s, SLICE(" -> ")) ||
	    !scan_address(&s, &e->to))
		return -1;
	if (slice_rcut_at(&s, SLICE(" from MTA("), &head))
		e->text = s;
	if (slice_rcut_at(&s, SLICE(": queued as "), &head) && filter_is_id(s))
		e->new_id = s;
	return 1;
}

/* "ipCA4fz25qKN [192.0.2.1] <a> -> <b>[,<c>]": a mail is looked at. */
static int
checking(struct slice s, struct event *out)
{
	struct event *e = filter_event(out, EV_INFO, SLICE("scan"));
	struct slice head, ip;

	if (!slice_cut_at(&s, SLICE(" <"), &head))
		return -1;
	s = (struct slice){ s.p - 1, s.n + 1 };
	if (slice_cut(&head, '[', &ip) && slice_cut(&head, ']', &ip) && scan_is_ip(ip))
		e->client_ip = ip;
	e->loopback = address_is_loopback(e->client_ip);
	if (!scan_address(&s, &e->from) || !slice_eat(&s, SLICE(" -> ")) ||
	    !scan_address(&s, &e->to))
		return -1;
	return 1;
}

/* What it says about itself when it starts and stops. */
static bool
is_talk(struct slice s)
{
	static const char *const heads[] = { "starting", "Perl version", "Module ",
		"Amavis::", "Net::Server", "Deleting db files", "Creating db", "BerkeleyDB",
		"Found ", "No ", "Not using", "Using ", "using ", "logging initialized",
		"INFO:", "user=", "Valid PID", "Process ", "Binding", "Group ", "User ",
		"Setting ", "initializing ", "SpamControl", "SpamAssassin ", "ANTI-",
		"DKIM", "dkim: ", "Cached ", "Postfix", "perl=", "SQL ", "LDAP",
		"Internal decoder", "Decoder ", "config", "Configuration", "after_", "bind",
		"TempDir", "extra modules", "child", "HUPing", "Server ", "loaded",
		"Loaded", "shutting down", "stopping", "Exiting", "exiting", "sd_notify",
		"ZMQ", "SNMP", "open_on_specific_fd", "Requesting", "db_", "dbh",
		"Interface ", "OS_Fingerprint", "/usr/sbin/amavisd",
		"SQL::", "Lookup::", "socket module", "warm restart",
		"Waiting for the process", "Sending SIG", "Master PID",
		"find_program_path: ", "Sophos ", "sophos_savi", "will bind to ",
		"modules loaded: ", "truncating a message ", "lookup_sql_field",
		"Removed PID", "do_log", "removing empty ", "Ignoring stale PID",
		"Unable to determine system uptime", "TLS ", "SSL ", "signal: ", NULL };

	return filter_begins(s, heads);
}

int
amavis_other(struct slice s, bool session, struct event *out)
{
	static const char *const about_mail[] = { "p.path BANNED:", "FAKE SENDER, ",
		"OVERSIZED from ", "Quarantined message ", "Quarantine release ",
		"ESMTP REJECT: ", "SMTP REJECT: ", "LMTP REJECT: ",
		"Turning AV infection into a spam report", "bounce killed",
		"bounce rescued", NULL };
	struct slice rest, mail_id;
	struct event *e;

	if (!session)
		return is_talk(s) ? 0 : -1;
	if (slice_eat(&s, SLICE("virus_scan: ")))
		return virus(s, out);
	if (slice_eat(&s, SLICE("dkim: ")))
		return signature(s, out);
	if (slice_eat(&s, SLICE("Checking: ")))
		return checking(s, out);
	rest = s;
	if (slice_cut(&rest, ' ', &mail_id) && mail_id.n <= 40 &&
	    (slice_eat(&rest, SLICE("FWD from ")) || slice_eat(&rest, SLICE("SEND from "))))
		return forwarded(rest, out);
	if (slice_eat(&s, SLICE("spam-tag, ")) || slice_eat(&s, SLICE("SPAM-TAG, ")) ||
	    slice_eat(&s, SLICE("SPAM, ")))
		return score(s, out);
	if (!filter_begins(s, about_mail))
		return 0; /* its levels of talk are many, and tell nothing of the vocabulary */
	e = event_begin(out, EV_INFO);
	e->text = s;
	return 1;
}
