/* spamd.c - SpamAssassin's spamd: what it made of each message, and how it fares; and OpenBSD's, which greylists
 * and has the same name.
 *
 *	spamd: connection from localhost [127.0.0.1]:49248 to port 783, fd 5
 *	spamd: processing message <1@example.org> for anna:1001
 *	spamd: identified spam (12.3/5.0) for anna:1001 in 1.1 seconds, 2345 bytes.
 *	spamd: result: Y 12 - BAYES_99,HTML_MESSAGE scantime=1.1,size=2345,user=anna,uid=1001,
 *	    required_score=5.0,rhost=localhost,raddr=127.0.0.1,rport=4711,mid=<1@example.org>,
 *	    autolearn=no
 *	prefork: server reached --max-children setting, consider raising it
 *	razor2: razor2 check failed: Connection refused
 *	OpenBSD 6 and 7, FreeBSD's obspamd:
 *	192.0.2.7: connected (3/1), lists: nixspam
 *	(GREY) 192.0.2.7: <a@example.net> -> <c@example.org>
 * The last two of a scan say the same; "result:" names the Message-ID, by which the verdict
 * counts once for the mail, so it alone is one. Without "mid=" it is what it is. Release 3.0
 * and the daemon's own file have no "spamd: " in front. */
#include "dialect/filter.h"
#include "dialect/helper.h"

#include "poison.h"

/* "spamd", "spamd-2" (some name the instances), "spamc": the client. */
static bool
claims(const struct line *l)
{
	struct slice t = scan_base(l->tag);

	if (slice_eq(t, SLICE("spamc")))
		return true;
	if (!slice_eat(&t, SLICE("spamd")))
		return false;
	if (t.n > 0 && t.p[0] == '-')
		t = slice_from(t, 1);
	while (t.n > 0 && slice_is_digit(t.p[0]))
		t = slice_from(t, 1);
	return t.n == 0 || slice_eq(t, SLICE("child"));
}

/* "KEY=" in "a=b,KEY=VALUE,c=d"; the list is in the order in which spamd prints it, and spamd
 * makes '_' of the commas and blanks in a Message-ID. */
static bool
take_field(struct slice *s, struct slice key, struct slice *value)
{
	struct slice rest = *s, head;

	if (!slice_cut_at(&rest, key, &head))
		return false;
	*value = slice_head(rest, slice_until(rest, ',', ' '));
	*s = slice_from(rest, value->n);
	return true;
}

/* "Y 12 - TESTS scantime=1.1,size=2345,...,mid=<1@example.org>,autolearn=no" */
static int
result(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_HAM);
	struct slice score, tests, value;

	if (slice_eat(&s, SLICE("Y ")))
		e->kind = EV_SPAM;
	else if (!slice_eat(&s, SLICE(". ")) && !slice_eat(&s, SLICE("N ")))
		return -1;
	if (!slice_cut_at(&s, SLICE(" - "), &score))
		return -1;
	e->text = slice_trim(score);
	e->sub = SLICE("spamd");
	if (!slice_cut_at(&s, SLICE("scantime="), &tests))
		return 1; /* cut off within the tests */
	if (take_field(&s, SLICE(",size="), &value))
		slice_u64(&value, &e->size);
	if (take_field(&s, SLICE(",mid="), &value) && filter_is_mid(value))
		e->mid = value;
	return 1;
}

/* "(12.3/5.0) for anna:1001 in 1.1 seconds, 2345 bytes." */
static int
scanned(struct slice s, struct slice what, struct event *out)
{
	struct event *e = filter_event(out, EV_INFO, what);
	struct slice head;

	if (!slice_eat(&s, SLICE("(")) || !slice_cut(&s, '/', &e->text))
		return -1;
	if (slice_cut_at(&s, SLICE(" seconds, "), &head))
		slice_u64(&s, &e->size);
	return 1;
}

/* "<1@example.org> for anna:1001", "(unknown) aka <...> for anna:1001" */
static int
begun(struct slice s, struct event *out)
{
	struct event *e = filter_event(out, EV_INFO, SLICE("scan"));
	struct slice user;
	ptrdiff_t at = slice_rfind(s, SLICE(" for "));

	if (at < 0)
		return -1;
	user = slice_head(s, (size_t)at);
	at = slice_rfind(user, SLICE(" aka <"));
	if (at >= 0)
		user = slice_head(user, (size_t)at);
	if (filter_is_mid(user))
		e->mid = user;
	return 1;
}

static int
trouble(struct slice s, struct event *out)
{
	/* it cannot look at mail, or not at all that comes */
	static const char *const broken[] = { "prefork: server reached --max-children",
		"server reached --max-c",
		"timeout: ", "service unavailable: ", "copy_config timeout",
		"respawning server", "fatal error: ", "cannot fork",
		"fork: ", "could not create ", "error: ", "restart failed",
		"still running as root! dying", "in paranoid mode, still running as root",
		"check: exceeded time limit", "connect to spamd on ",
		"connection attempt to spamd ", "server socket setup failed",
		"already running on ", "error returned from copy_config", "POSIX::set", "return setuid failed", "accept failed",
		"select failed", "Can't acquire lock ", "Can't release ", "waitpid failed", NULL };
	static const char *const warnings[] = { "prefork: child gave short message",
		"prefork: parent gave short message", "prefork: sysread",
		"prefork: syswrite", "prefork: error closing socket",
		"unauthorized connection", "bad protocol: ", "cannot ", "failed to ",
		"handle_user ", "accept_a_conn: ", "unable to ", "seteuid_to_user ",
		"Did not receive a response from the pyzor server", "still running as root: ", "accidental fork",
		"config: ", "plugin: ", "bayes: cannot ", "auto-whitelist: open",
		"rules: ", "dns: ", "pyzor: ", "util: setuid", "unknown order",
		"learn: exceeded time limit", "Use of uninitialized", "Can't locate ",
		NULL };

	if (filter_begins(s, broken))
		return filter_trouble(out, EV_FILTER_FAIL, SLICE("spamd"), s);
	if (filter_begins(s, warnings))
		return filter_trouble(out, EV_QWARN, SLICE("spamd"), s);
	return 0;
}

/* "child states: IIBB": how many are busy. */
static int
states(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_STATS);

	e->stage = SLICE("spamd_busy");
	for (size_t i = 0; i < s.n; i++)
		e->count += s.p[i] == 'B';
	return 1;
}

static bool
is_talk(struct slice s)
{
	static const char *const heads[] = { "connection from ", "got connection over ",
		"server ", "child ", "handled cleanup of ",
		"prefork: ", "creating default_prefs", "created ", "using default config",
		"setuid to ", "logger: ", "skipped large message",
		"Tell: ", "restarting using ",
		"zoom: ", "leaving stale ", "timing: ", NULL };

	return filter_begins(s, heads);
}

/* "FACILITY: text" of SpamAssassin's modules, information or warning: trouble by its words. */
static int
module(struct slice s, struct event *out)
{
	static const char *const facilities[] = { "archive-iterator", "askdns", "asn", "async", "auto-welcomelist",
		"auto-whitelist", "bayes", "channel", "check", "config", "dcc", "DecodeShortURLs", "diag", "dkim",
		"DMARC", "dns", "dnseval", "eval", "extracttext", "freemail", "geodb", "HashBL", "hashbl", "html",
		"info", "ldap", "learn", "locker", "logger", "mailspf", "markup", "message", "metadata", "mimeheader", "netset",
		"OLEVBMacro", "openphish", "pdfinfo", "phishing", "plugin", "prefork", "progress", "pyzor", "razor2",
		"received-header", "redis", "replacetags", "reporter", "reputation", "resource",
		"resourcelimits", "rules", "shortcircuit", "spf",
		"spamcop", "storage", "textcat", "timing", "TxRep", "uri", "uridnsbl", "urilocalbl", "util", "vbounce",
		"welcomelist", "wlbl_uri", NULL };
	struct slice rest = s, name;
	const char *const *at = facilities;

	if (!slice_cut_at(&rest, SLICE(": "), &name))
		return -1;
	while (*at != NULL && !slice_eq(name, slice_of(*at)))
		at++;
	if (*at == NULL)
		return -1;
	return helper_is_trouble(slice_head(rest, 100)) ? filter_trouble(out, EV_QWARN, SLICE("spamd"), s) : 0;
}

/* OpenBSD's: -1 if it is none of its lines. Mail headers, which it prints if told to, are behind an address. */
static int
openbsd(struct slice s, struct event *out)
{
	static const char *const talk[] = { "connected (", "disconnected after ", "From: ", "To: ", "Subject: ",
		"Body: ", NULL };
	static const char *const heads[] = { "whitelisting ", "new entry ", "new greytrap entry ", "updated entry ",
		"updated greytrap entry ", "Trapping ", "deleting ", "added ", "queueing ", "removing spamd database",
		"listening for incoming connections", "sync ", NULL };
	struct event *e = filter_event(out, EV_POLICY, SLICE("greylist"));
	bool black = slice_starts(s, SLICE("(BLACK) "));
	struct slice ip;

	if (black || slice_starts(s, SLICE("(GREY) "))) {
		s = slice_from(s, black ? 8 : 7);
		if (!slice_cut_at(&s, SLICE(": "), &ip) || !scan_is_ip(ip))
			return -1;
		scan_set_client(e, slice_head(s, 0), ip);
		if (black)
			e->sub = SLICE("tarpit");
		if (scan_address(&s, &e->from) && slice_eat(&s, SLICE(" -> ")))
			(void)scan_address(&s, &e->to);
		return 1;
	}
	if (slice_cut_at(&s, SLICE(": "), &ip) && scan_is_ip(ip))
		return filter_begins(s, talk) ? 0 : -1;
	return filter_begins(s, heads) ? 0 : -1;
}

static int
parse(const struct line *l, struct event out[EVENTS_MAX])
{
	struct slice s = l->text;
	int n;

	slice_eat(&s, SLICE("spamd: "));
	if (slice_eat(&s, SLICE("result: ")))
		n = result(s, out);
	else if (slice_eat(&s, SLICE("identified spam ")))
		n = scanned(s, SLICE("spam"), out);
	else if (slice_eat(&s, SLICE("clean message ")))
		n = scanned(s, SLICE("ham"), out);
	else if (slice_eat(&s, SLICE("processing message ")) ||
		 slice_eat(&s, SLICE("checking message ")))
		n = begun(s, out);
	else if (slice_eat(&s, SLICE("prefork: child states: ")))
		n = states(s, out);
	else if ((n = trouble(s, out)) == 0 && !is_talk(s) && !slice_eq(scan_base(l->tag), SLICE("spamc")) &&
	    (n = module(s, out)) < 0)
		n = openbsd(s, out);
	return filter_answer(l, out, n);
}

const struct dialect dialect_spamd = { .name = "spamd", .claims = claims, .parse = parse };
