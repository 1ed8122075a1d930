/* amavis.c - amavisd-new and amavis: the main line of each message.
 *
 *	(00088-01) Blocked SPAM {DiscardedInbound,Quarantined}, [192.0.2.1]:4711 [192.0.2.1]
 *	    <a@example.net> -> <b@example.org>,<c@example.org>, quarantine: x, Queue-ID: 4F1A2B,
 *	    Message-ID: <1@example.net>, mail_id: y, Hits: 17.3, size: 2345, 812 ms
 *	(00088-02) Passed CLEAN {RelayedInbound}, ..., queued_as: 5A6B7C/5A6B7D, 300 ms
 * A line for each recipient may follow; it has "tag2=" and is no message. Before 2.7 there
 * are no {actions}. Addresses come quoted, Message-ID and Subject are a stranger's. */
#include "dialect/dialect.h"

#include "poison.h"

static bool
claims(const struct line *l)
{
	struct slice t = l->tag;
	size_t i = t.n;

	while (i > 0 && t.p[i - 1] != '/')	/* its own log file says "/usr/sbin/amavisd" */
		i--;
	t = slice_from(t, i);
	return slice_eat(&t, SLICE("amavis")) && (t.n == 0 || slice_eq(t, SLICE("d")) ||
	    slice_eq(t, SLICE("d-new")) || slice_eq(t, SLICE("-new")));
}

static bool
is_id_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* The queue id at the front of *s. */
static bool
take_id(struct slice *s, struct slice *id)
{
	size_t n = 0;

	while (n < s->n && n < 32 && is_id_char(s->p[n]))
		n++;
	if (n < 5)
		return false;
	*id = slice_head(*s, n);
	*s = slice_from(*s, n);
	return true;
}

/* "(00088-01-2) " */
static bool
take_session(struct slice *s)
{
	struct slice rest = *s;
	uint64_t n;

	if (!slice_eat_char(&rest, '(') || !slice_u64(&rest, &n) ||
	    !slice_eat_char(&rest, '-'))
		return false;
	while (rest.n > 0 && (is_id_char(rest.p[0]) || rest.p[0] == '-'))
		rest = slice_from(rest, 1);
	if (!slice_eat(&rest, SLICE(") ")))
		return false;
	*s = rest;
	return true;
}

/* What comes behind the category: "(DETAILS)", "{ACTIONS}". Details are file names and
 * names of viruses and may hold brackets; actions are amavis's own. */
static void
take_details(struct slice *s, struct event *e)
{
	struct slice head;

	if (slice_starts(*s, SLICE(" (")) &&
	    (slice_cut_at(s, SLICE(") {"), &head) || slice_cut_at(s, SLICE("), "), &head)))
		e->sub = slice_from(head, 2);
	slice_cut_at(s, SLICE("}, "), &head);
}

/* "[192.0.2.1]:4711 [192.0.2.1] <a> -> <b>,<c>" */
static bool
take_envelope(struct slice *s, struct event *e)
{
	struct slice head, ip, rcpt;

	if (slice_starts(*s, SLICE("<")))
		head = slice_head(*s, 0);
	else if (!slice_cut_at(s, SLICE(" <"), &head))
		return false;
	else
		*s = (struct slice){ s->p - 1, s->n + 1 };
	if (slice_cut(&head, '[', &ip) && slice_cut(&head, ']', &ip)) {
		e->client_ip = ip;
		e->loopback = address_is_loopback(ip);
	}
	if (!scan_address(s, &e->from) || !slice_eat(s, SLICE(" -> ")) ||
	    !scan_address(s, &e->to))
		return false;
	for (e->nrcpt = 1; slice_starts(*s, SLICE(",<")); e->nrcpt++) {
		*s = slice_from(*s, 1);
		if (!scan_address(s, &rcpt))
			return false;
	}
	return true;
}

/* "KEY: " after ", "; the key has neither blank nor colon. */
static bool
take_key(struct slice *s, struct slice *key)
{
	struct slice rest = *s;
	size_t n;

	if (!slice_eat(&rest, SLICE(", ")))
		return false;
	n = slice_until(rest, ':', ' ');
	if (n > 20 || n + 1 >= rest.n || rest.p[n] != ':' || rest.p[n + 1] != ' ')
		return false;
	*key = slice_head(rest, n);
	*s = slice_from(rest, n + 2);
	return true;
}

static struct slice
take_value(struct slice *s)
{
	const char *end = s->n > 0 ? memchr(s->p, ',', s->n) : NULL;
	struct slice value = slice_head(*s, end != NULL ? (size_t)(end - s->p) : s->n);

	*s = slice_from(*s, value.n);
	return value;
}

/* Up to what follows a Message-ID: the last place, since it may imitate one. */
static void
take_message_id(struct slice *s, struct slice *mid)
{
	struct slice body = *s, subject;
	ptrdiff_t at;

	if (memchr(body.p, '"', body.n) != NULL &&
	    slice_cut_at(&body, SLICE(", Subject: \""), &subject))
		body = subject;
	at = slice_rfind(body, SLICE(", mail_id: "));
	if (at < 0)
		at = slice_rfind(body, SLICE(", Hits: "));
	*mid = slice_head(*s, at >= 0 ? (size_t)at : s->n);
	*s = slice_from(*s, mid->n);
}

/* "5A6B7C/5A6B7D": postfix's own line names one of several only, so each is a bond. */
static int
take_queued_as(struct slice ids, struct event *out)
{
	struct slice id;
	int n = 1;

	if (!take_id(&ids, &id))
		return n;
	out->new_id = id;
	if (out->id.n == 0 || ids.n == 0 || ids.p[0] != '/')
		return n;
	do {
		struct event *l = event_begin(&out[n++], EV_LINK);

		l->id = out->id;
		l->new_id = id;
	} while (n < EVENTS_MAX && slice_eat_char(&ids, '/') && take_id(&ids, &id));
	return n;
}

static int
take_fields(struct slice s, struct event *out)
{
	struct slice key, value, ids, id;
	int n = 1;

	while (take_key(&s, &key)) {
		if (slice_eq(key, SLICE("Message-ID"))) {
			take_message_id(&s, &out->mid);
			continue;
		}
		if (slice_eq(key, SLICE("Subject")) || slice_eq(key, SLICE("From")))
			break;
		value = take_value(&s);
		ids = value;
		if (slice_eq(key, SLICE("Queue-ID"))) {
			if (take_id(&ids, &id) && ids.n == 0)
				out->id = id;
		} else if (slice_eq(key, SLICE("Hits"))) {
			out->text = value;
		} else if (slice_eq(key, SLICE("size"))) {
			slice_u64(&value, &out->size);
		} else if (slice_eq(key, SLICE("queued_as"))) {
			n = take_queued_as(ids, out);
		}
	}
	return n;
}

static bool
set_kind(struct slice category, struct event *e)
{
	if (slice_eq(category, SLICE("SPAM")) || slice_eq(category, SLICE("SPAMMY"))) {
		e->kind = EV_SPAM;
	} else if (slice_eq(category, SLICE("INFECTED"))) {
		e->kind = EV_VIRUS;
	} else if (slice_eq(category, SLICE("BANNED"))) {
		e->kind = EV_BANNED;
	} else {
		e->kind = EV_HAM;
		return slice_eq(category, SLICE("CLEAN")) ||
		       slice_eq(category, SLICE("OVERSIZED")) ||
		       slice_starts(category, SLICE("UNCHECKED")) ||
		       slice_starts(category, SLICE("BAD-HEADER")) ||
		       slice_eq(category, SLICE("MTA-BLOCKED")) ||
		       slice_eq(category, SLICE("OTHER")) ||
		       slice_eq(category, SLICE("TEMPFAIL"));
	}
	return true;
}

static int
verdict(struct slice s, struct slice passed, struct event *out)
{
	struct event *e = event_begin(out, EV_HAM);
	struct slice category;
	size_t n = 0;
	int found;

	/* the line of one recipient says so behind all the rest */
	if (slice_has(slice_from(s, s.n > 160 ? s.n - 160 : 0), SLICE(", tag2=")))
		return 0;
	while (n < s.n && s.p[n] != ' ' && s.p[n] != ',')
		n++;
	category = slice_head(s, n);
	s = slice_from(s, n);
	if (!set_kind(category, e))
		return -1;
	e->stage = passed;
	take_details(&s, e);
	if (e->sub.n == 0)
		e->sub = category;
	slice_eat(&s, SLICE(", "));
	/* a line longer than amavis writes goes on in another one */
	if (!take_envelope(&s, e))
		return slice_ends(s, SLICE("...")) ? 1 : -1;
	found = take_fields(s, out);
	if (slice_eq(category, SLICE("UNCHECKED")) && found < EVENTS_MAX) {
		out[found] = out[0];	/* passed, for what should have looked did not */
		out[found].kind = EV_FILTER_FAIL;
		out[found].sub = SLICE("amavis");
		out[found++].new_id = SLICE("");
	}
	return found;
}

/* "(!)" and "(!!)" mark trouble. */
static int
trouble(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_QWARN);

	e->cls = REASON_resource;
	e->sub = SLICE("amavis");
	e->text = s;
	if (slice_has(s, SLICE("irus scanners failed")) ||
	    slice_has(s, SLICE("VIRUS SCANNERS FAILED")) ||
	    slice_has(s, SLICE("TROUBLE in ")) ||
	    slice_has(s, SLICE("av-scanner FAILED")) || slice_has(s, SLICE("SA TIMED OUT")))
		e->kind = EV_FILTER_FAIL;
	return 1;
}

/* What it says about itself when it starts and stops. */
static bool
is_talk(struct slice s)
{
	static const char *const heads[] = {
		"starting", "Perl version", "Module ", "Amavis::", "Net::Server",
		"Deleting db files",
		"Creating db", "Found ", "No ", "Not using", "Using ", "using ",
		"logging initialized",
		"INFO:", "user=", "Valid PID", "Process ", "Binding", "Group ", "User ",
		"Setting ",
		"initializing ", "SpamControl", "ANTI-", "DKIM", "Cached ", "Postfix",
		"perl=",
		"SQL ", "LDAP", "Internal decoder", "Decoder ", "config", "Configuration",
		"after_",
		"bind", "TempDir", "extra modules", "child", "HUPing", "Server ", "loaded",
		"Loaded",
		"shutting down", "stopping", "Exiting", "exiting", "sd_notify", "ZMQ",
		"SNMP",
		"open_on_specific_fd", "Requesting", "db_", "dbh", "Interface ",
		"OS_Fingerprint",
		"/usr/sbin/amavisd", "SQL::", "Lookup::",
	};

	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
		if (slice_starts(s, slice_of(heads[i])))
			return true;
	return false;
}

static int
parse(const struct line *l, struct event out[EVENTS_MAX])
{
	struct slice s = l->text;
	bool session = take_session(&s);
	int n;

	if (slice_starts(s, SLICE("(!")))
		n = trouble(s, out);
	else if (session && slice_eat(&s, SLICE("Passed ")))
		n = verdict(s, SLICE("Passed"), out);
	else if (session && slice_eat(&s, SLICE("Blocked ")))
		n = verdict(s, SLICE("Blocked"), out);
	else
		n = session || is_talk(s) ? 0 : -1;
	for (int i = 0; i < n; i++)
		out[i].service = l->tag;
	return n;
}

const struct dialect dialect_amavis = { .name = "amavis", .claims = claims, .parse = parse };
