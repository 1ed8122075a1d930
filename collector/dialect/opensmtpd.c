/* opensmtpd.c - OpenSMTPD: whose line, which session, which part of the daemon.
 *
 *	762da7f342dc4a16 smtp connected address=192.0.2.1 host=mx.example.org	(6.4, 7.x)
 *	762da7f342dc4a16 smtp event=connected address=192.0.2.1 host=...	(6.0 to 6.3)
 *	smtp-in: New session 762da7f342dc4a16 from host mx.example.org [192.0.2.1]	(5.x)
 * A message has 8 hex digits; an envelope, which is one recipient of it, those and 8 more. No
 * line says that a message is gone: it is when its envelopes are. What a filter writes to
 * stderr comes as "FILTER: TEXT" and is none of ours. */
#include "dialect/opensmtpd.h"

#include "poison.h"

static bool
claims(const struct line *l)
{
	return slice_eq(l->tag, SLICE("smtpd")) || slice_eq(l->tag, SLICE("opensmtpd"));
}

bool
os_hex(struct slice *s, size_t n, struct slice *hex)
{
	size_t i = 0;

	while (i < s->n && (slice_is_digit(s->p[i]) || (s->p[i] >= 'a' && s->p[i] <= 'f')))
		i++;
	if (i != n)
		return false;
	*hex = slice_head(*s, n);
	*s = slice_from(*s, n);
	return true;
}

bool
os_word(struct slice *s, struct slice *word)
{
	size_t n = slice_until(*s, ' ', ' ');

	if (n == 0)
		return false;
	*word = slice_head(*s, n);
	*s = slice_from(*s, n + 1);
	return true;
}

bool
os_address(struct slice *s, struct slice key, struct slice *address)
{
	struct slice rest = *s;

	if (!slice_eat(&rest, key) || !slice_eat_char(&rest, '<') ||
	    !slice_cut(&rest, '>', address))
		return false;
	if (slice_eq(*address, SLICE("@")))	/* how queue.c prints <> */
		*address = slice_head(*address, 0);
	*s = rest;
	return true;
}

bool
os_client(struct slice address, struct slice name, struct event *e)
{
	if (slice_eat_char(&address, '[')) {
		if (address.n == 0 || address.p[address.n - 1] != ']')
			return false;
		address.n--;
	}
	if (!slice_eat(&address, SLICE("IPv6:")))
		(void)slice_eat(&address, SLICE("ipv6:"));
	if (slice_eq(name, SLICE("<unknown>")))
		name.n = 0;
	if (slice_eq(address, SLICE("local"))) {	/* its own socket: sendmail(8), a bounce */
		e->loopback = true;
		e->client_name = name;
		return true;
	}
	if (!scan_is_ip(address))
		return false;
	scan_set_client(e, name, address);
	return true;
}

void
os_tls(struct slice s, struct event *e)
{
	struct slice head;

	if (slice_eat_char(&s, '"') && s.n > 0 && s.p[s.n - 1] == '"')
		s.n--;
	e->text = s;
	if (slice_eat(&s, SLICE("version="))) {
		if (!slice_cut_at(&s, SLICE(", "), &e->tls_proto))
			return;
		if (slice_eat(&s, SLICE("cipher=")) && slice_cut_at(&s, SLICE(", "), &head))
			e->tls_cipher = head;
	} else if (slice_cut(&s, ':', &e->tls_proto)) {
		e->tls_cipher = slice_head(s, slice_until(s, ':', ':'));
	}
}

void
os_reply(struct slice s, struct event *e)
{
	struct slice dsn = { NULL, 0 };

	scan_reply(s, e);
	s = e->text;
	if (e->dsn.n == 0 && s.n > 5 && s.p[5] == ':') {
		s.n = 5;
		if (scan_dsn(&s, &dsn)) {
			e->dsn = dsn;
			e->text = slice_trim(slice_from(e->text, 6));
		}
	}
}

/* --- what the daemon says of itself -------------------------------------------------- */

struct head {
	struct slice text;
	enum reason cls;
	struct slice sub;
};

#define T(text, cls, sub) { { text, sizeof(text) - 1 }, REASON_##cls, { sub, sizeof(sub) - 1 } }

/* Warnings of which more is known than that they are some. */
static const struct head warnings[] = {
	T("Disabling incoming SMTP connections", resource, "proc_limit"),
	T("Failed to create SMTP session", resource, "proc_limit"),
	T("ctl client limit hit", resource, "proc_limit"),
	T("too many connections to control socket", resource, "proc_limit"),
	T("lost child", resource, "crash"),
	T("queue: cannot bounce", resource, "disk"),
	T("could not update envelope", resource, "disk"),
	T("invalid envelope", resource, "disk"),
	T("bounce: fdopen", resource, "disk"),
	T("smtpd: could not", resource, "disk"),
	T("smtpd: couldn't enqueue", resource, "disk"),
	T("TempFail injecting failure report", resource, "bounce"),
	T("PermFail injecting failure report", resource, "bounce"),
	T("cannot find ", resource, "lookup"),
	T("could not find table", resource, "lookup"),
	T("failure during ", resource, "lookup"),
	T("user credentials lookup fail", resource, "lookup"),
	T("credentials ", resource, "lookup"),
	T("source address table", resource, "lookup"),
	T("smarthost table", resource, "lookup"),
	T("Lookup table not found", resource, "lookup"),
	T("Failed to retrieve ", resource, "lookup"),
	T("Failed to get source address", resource, "lookup"),
	T("Failed to parse smarthost", resource, "config"),
	T("No auth table on action", resource, "config"),
	T("TLS required for action", resource, "config"),
};

/* Warnings that tell of no trouble, or of one that another line counts. */
static const struct slice quiet_warnings[] = {
#define H(head) { head, sizeof(head) - 1 }
	H("smtp: fd exhaustion over"), H("re-enabling ctl connections"), H("loop detected"),
	H("queue: no return path"), H("queue: double bounce"), H("no rules, nothing to do"),
};

/* How lines of -v and tracing begin, and what is said once at start and end. */
static const struct slice talk[] = {
	H("debug: "), H("info: "), H("smtp: "), H("mta: "), H("mda: "), H("expand: "), H("imsg: "),
	H("mproc: "), H("scheduler: "), H("queue-backend: "), H("rule #"), H("lookup: "),
	H("bounce: "), H("profile-imsg: "), H("profiling."), H("io: "), H("filter session"),
	H("filters "), H("<<< ["), H("proxy 0x"), H("setup_"), H("Exiting"),
	H("parent terminating"), H("queue: queue "), H("version: "),
};

/* How else lines of the daemon begin: one that fits nothing is unknown and not foreign. */
static const struct slice ours[] = {
	H("smtp"), H("mta"), H("mda"), H("relay"), H("delivery"), H("queue"), H("scheduler"), H("lka"),
	H("control"), H("ctl"), H("ca_"), H("ca:"), H("pony"), H("dispatcher"), H("bounce"), H("warn"),
	H("proxy"), H("table"),
#undef H
};

static bool
begins(struct slice s, const struct slice *heads, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (slice_starts(s, heads[i]))
			return true;
	return false;
}

#define BEGINS(s, heads) begins(s, heads, sizeof heads / sizeof *heads)

static struct event *
trouble(struct slice text, enum reason cls, struct slice sub, struct event *e)
{
	event_begin(e, EV_QWARN);
	e->cls = cls;
	e->sub = sub;
	e->text = text;
	return e;
}

/* The message or envelope that a warning names. */
static void
named_id(struct slice s, struct event *e)
{
	struct slice head, id;

	if ((slice_cut_at(&s, SLICE(" envelope "), &head) ||
	    slice_cut_at(&s, SLICE(" on message "), &head)) &&
	    (os_hex(&s, OS_EVPID, &id) || os_hex(&s, OS_MSGID, &id)))
		e->id = slice_head(id, OS_MSGID);
}

static int
warning(struct slice s, struct event *out)
{
	struct event *e = trouble(s, REASON_other, SLICE(""), out);

	if (BEGINS(s, quiet_warnings))
		return 0;
	if (slice_eat(&s, SLICE("lost processor: "))) {
		e->kind = EV_FILTER_FAIL;
		e->cls = REASON_resource;
		e->sub = slice_head(s, slice_until(s, ' ', ' '));
		return 1;
	}
	for (size_t i = 0; i < sizeof warnings / sizeof *warnings; i++)
		if (slice_starts(s, warnings[i].text)) {
			e->cls = warnings[i].cls;
			e->sub = warnings[i].sub;
			break;
		}
	named_id(s, e);
	return 1;
}

/* "getnameinfo: 192.0.2.1: Temporary failure in name resolution" of a client. */
static int
client_lookup(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_INFO);
	struct slice who;

	e->cls = REASON_dns;
	e->sub = SLICE("temp");
	e->text = s;
	if (slice_cut_at(&s, SLICE(": "), &who) && !os_client(who, SLICE(""), e))
		e->client_name = who;
	return 1;
}

/* Lines without a session. */
static int
daemon_line(struct slice s, struct event *out)
{
	struct slice rest = s, id;

	if (slice_eat(&s, SLICE("smtp-in: ")))
		return os_smtp_in(s, out);
	if (slice_eat(&s, SLICE("smtp-out: ")))
		return os_smtp_out(s, out);
	if (slice_eat(&s, SLICE("relay: ")))
		return os_outcome(s, false, out);
	if (slice_eat(&s, SLICE("delivery: ")))
		return os_outcome(s, true, out);
	if (slice_eat(&s, SLICE("warn: ")))
		return warning(s, out);
	if (slice_starts(s, SLICE("fatal: ")) || slice_starts(s, SLICE("fatal in "))) {
		trouble(s, REASON_resource, SLICE("crash"), out);
		return 1;
	}
	if (slice_eat(&s, SLICE("getnameinfo: ")) || slice_eat(&s, SLICE("getaddrinfo: ")))
		return client_lookup(s, out);
	if (slice_starts(s, SLICE("queue: ")) && slice_has(s, SLICE("failed to load envelope"))) {
		named_id(s, trouble(s, REASON_resource, SLICE("disk"), out));
		return 1;
	}
	if (BEGINS(s, talk) || (s.n < 64 && slice_ends(s, SLICE(" exiting"))))
		return 0;
	/* 5.1 and before wrote "MSGID: from=<...>, ..." */
	if (os_hex(&rest, OS_EVPID, &id) || os_hex(&rest, OS_MSGID, &id) || BEGINS(s, ours))
		return -1;
	return DIALECT_FOREIGN;
}

static int
parse(const struct line *l, struct event out[EVENTS_MAX])
{
	struct slice s = l->text, sess, part, word;
	int n;

	if (!os_hex(&s, OS_SESSION, &sess) || !slice_eat_char(&s, ' '))
		return daemon_line(l->text, out);
	if (!os_word(&s, &part))
		return -1;
	(void)slice_eat(&s, SLICE("event="));	/* 6.0 to 6.3 */
	if (!os_word(&s, &word))
		return -1;
	if (slice_eq(part, SLICE("smtp")))
		n = os_smtp(sess, word, s, out);
	else if (slice_eq(part, SLICE("mta")))
		n = os_mta(sess, word, s, out);
	else if (slice_eq(part, SLICE("mda")))
		n = os_mda(sess, word, s, out);
	else
		n = slice_eq(part, SLICE("filters")) ? 0 : -1;
	return n;
}

const struct dialect dialect_opensmtpd = {
	.name = "opensmtpd", .claims = claims, .parse = parse
};
