/* amavis.c - amavisd-new and amavis: the main line of each message.
 *
 *	(00088-01) Blocked SPAM {DiscardedInbound,Quarantined}, [192.0.2.1]:4711 [192.0.2.1]
 *	    <a@example.net> -> <b@example.org>,<c@example.org>, quarantine: x, Queue-ID: 4F1A2B,
 *	    Message-ID: <1@example.net>, mail_id: y, Hits: 17.3, size: 2345, 812 ms
 *	(00088-02) Passed CLEAN {RelayedInbound}, ..., queued_as: 5A6B7C/5A6B7D, 300 ms
 *	(00088-01) Passed SPAMMY, <a@example.net> -> <b@example.org>, Hits: 6.1, tag=-999,
 *	    tag2=5, kill=6.9, ...				one recipient's: no message
 *	(4711-01) INFECTED (x), <a> -> <b>, quarantine virus-4711-01, Message-ID: <1@x>
 *	(4711-02) Not-Delivered, <a> -> <b>, quarantine spam-4711-02, Message-ID: <2@x>, Hits: 9
 * Before 2.7 there are no {actions}; the last two shapes are from before 2.4. A message whose
 * recipients have different wishes gets a Passed and a Blocked line: both name its Queue-ID or
 * its Message-ID, by which it counts once. Addresses come quoted, Message-ID and Subject are a
 * stranger's. A line longer than some 980 bytes comes in pieces: one that is not the last
 * ends in "...", one that is not the first has "..." behind "(00088-01) (!)". */
#include "dialect/amavis.h"

#include "poison.h"

static bool
claims(const struct line *l)
{
	struct slice t = scan_base(l->tag); /* its own log file says "/usr/sbin/amavisd" */

	return slice_eat(&t, SLICE("amavis")) &&
	       (t.n == 0 || slice_eq(t, SLICE("d")) || slice_eq(t, SLICE("d-new")) ||
		   slice_eq(t, SLICE("-new")) || slice_eq(t, SLICE("d-maia")));
}

/* "(00088-01-2) " */
static bool
take_session(struct slice *s, struct slice *session)
{
	struct slice rest = *s;
	uint64_t n;

	if (!slice_eat_char(&rest, '(') || !slice_u64(&rest, &n) ||
	    !slice_eat_char(&rest, '-'))
		return false;
	while (rest.n > 0 && (slice_is_alnum(rest.p[0]) || rest.p[0] == '-'))
		rest = slice_from(rest, 1);
	if (!slice_eat(&rest, SLICE(") ")))
		return false;
	*session = slice_head(*s, (size_t)(rest.p - s->p));
	*s = rest;
	return true;
}

/* "(!)", "(!!)" in front of trouble. */
static bool
take_mark(struct slice *s)
{
	return slice_eat(s, SLICE("(!)")) || slice_eat(s, SLICE("(!!)"));
}

/* What comes behind the category: "(DETAILS)", "{ACTIONS}". Details are file names and
 * names of viruses and may hold brackets; actions are amavis's own. */
static void
take_details(struct slice *s, struct event *e, struct slice *actions)
{
	struct slice head;

	*actions = slice_head(*s, 0);
	if (slice_starts(*s, SLICE(" (")) && (slice_cut_at(s, SLICE(") {"), &head) ||
						 slice_cut_at(s, SLICE("), "), &head))) {
		e->sub = slice_from(head, 2);
		slice_cut_at(s, SLICE("}, "), actions);
		return;
	}
	if (slice_eat(s, SLICE(" {")))
		slice_cut_at(s, SLICE("}, "), actions);
}

/* "[192.0.2.1]:4711" in what comes before the sender. */
static void
take_client(struct slice s, struct event *e)
{
	struct slice ip;
	uint64_t port;

	if (!slice_cut(&s, '[', &ip) || !slice_cut(&s, ']', &ip))
		return;
	slice_eat(&ip, SLICE("IPv6:"));
	e->client_ip = ip;
	e->loopback = address_is_loopback(ip);
	if (slice_eat_char(&s, ':') && slice_u64(&s, &port) && port <= UINT16_MAX)
		e->client_port = (uint16_t)port;
}

/* "[192.0.2.1]:4711 [192.0.2.1] <a> -> <b>,<c>"; the line of one recipient may have none. */
static bool
take_envelope(struct slice *s, struct event *e)
{
	struct slice head, rcpt;

	if (slice_starts(*s, SLICE("<")))
		head = slice_head(*s, 0);
	else if (!slice_cut_at(s, SLICE(" <"), &head))
		return false;
	else
		*s = (struct slice){ s->p - 1, s->n + 1 };
	take_client(head, e);
	if (!scan_address(s, &e->from) || !slice_eat(s, SLICE(" -> ")))
		return false;
	if (slice_starts(*s, SLICE(", Hits: ")))
		return true;
	if (!scan_address(s, &e->to))
		return false;
	for (e->nrcpt = 1; slice_starts(*s, SLICE(",<")); e->nrcpt++) {
		*s = slice_from(*s, 1);
		if (!scan_address(s, &rcpt))
			return false;
	}
	if (slice_eat(s, SLICE(", ("))) /* the long template: where it came through */
		slice_cut(s, ')', &head);
	return true;
}

/* "KEY: " after ", "; the key has neither blank nor colon. */
static bool
take_key(struct slice *s, struct slice *key)
{
	struct slice rest = *s;
	size_t n;

	if (!slice_eat(&rest, SLICE(", ")) && !slice_eat(&rest, SLICE(" ")))
		return false;
	if (slice_eat(&rest, SLICE("quarantine "))) { /* before 2.4 without a colon */
		*key = SLICE("quarantine");
		*s = rest;
		return true;
	}
	n = slice_until(rest, ':', ' ');
	if (n > 20 || n + 1 >= rest.n || rest.p[n] != ':' || rest.p[n + 1] != ' ')
		return false;
	*key = slice_head(rest, n);
	*s = slice_from(rest, n + 2);
	return true;
}

/* Up to the next comma, or " size: " that comes without one. */
static struct slice
take_value(struct slice *s)
{
	const char *end = s->n > 0 ? memchr(s->p, ',', s->n) : NULL;
	struct slice value = slice_head(*s, end != NULL ? (size_t)(end - s->p) : s->n);
	ptrdiff_t at = value.n > 7 ? slice_find(value, SLICE(" size: ")) : -1;

	if (at > 0)
		value.n = (size_t)at;
	*s = slice_from(*s, value.n);
	return value;
}

/* Up to what follows a Message-ID: the last place, since it may imitate one. So may the
 * Subject of the long template, which stands in quotes and behind. */
static void
take_message_id(struct slice *s, struct slice *mid)
{
	static const struct slice id = SLICE(", mail_id: "),
				  subject = SLICE(", Subject: \"");
	struct slice body = *s, head;
	ptrdiff_t at = slice_rfind(body, id);

	if (at >= 0 && slice_has(slice_from(body, (size_t)at), SLICE("\"")) &&
	    slice_rcut_at(&body, subject, &head)) {
		body = head;
		at = slice_rfind(body, id);
	}
	if (at < 0)
		at = slice_rfind(body, SLICE(", Hits: "));
	head = slice_head(*s, at >= 0 ? (size_t)at : s->n);
	*s = slice_from(*s, head.n);
	at = slice_rfind(head, SLICE(", Resent-Message-ID: <"));
	*mid = slice_head(head, at >= 0 ? (size_t)at : head.n);
}

/* "5A6B7C/5A6B7D": postfix's own line names one of several only, so each is a bond. Where
 * the next server did not name one, its reply stands there. */
static int
take_queued_as(struct slice ids, struct event *out)
{
	struct slice id;
	int n = 1;

	if (!filter_take_id(&ids, &id) || (ids.n > 0 && ids.p[0] != '/'))
		return n;
	out->new_id = id;
	if (out->id.n == 0 || ids.n == 0)
		return n;
	do {
		struct event *l = event_begin(&out[n++], EV_LINK);

		l->id = out->id;
		l->new_id = id;
	} while (n < EVENTS_MAX && slice_eat_char(&ids, '/') && filter_take_id(&ids, &id));
	return n;
}

/* The fields behind the recipients: how many events; 0 if it is one recipient's line. */
static int
take_fields(struct slice s, struct event *out, struct slice *quarantine)
{
	struct slice key, value;
	int n = 1;

	while (take_key(&s, &key)) {
		if (slice_eq(key, SLICE("Message-ID"))) {
			take_message_id(&s, &out->mid);
			continue;
		}
		if (slice_eq(key, SLICE("Resent-Message-ID"))) {
			take_message_id(&s, &value);
			continue;
		}
		if (slice_eq(key, SLICE("Subject")) || slice_eq(key, SLICE("From")))
			break;
		value = take_value(&s);
		if (slice_eq(key, SLICE("Queue-ID")) && filter_is_id(value))
			out->id = value;
		else if (slice_eq(key, SLICE("quarantine")))
			*quarantine = value;
		else if (slice_eq(key, SLICE("Hits")))
			out->text = value;
		else if (slice_eq(key, SLICE("size")))
			slice_u64(&value, &out->size);
		else if (slice_eq(key, SLICE("queued_as")))
			n = take_queued_as(value, out);
		if (slice_starts(s, SLICE(", tag=")) || slice_starts(s, SLICE(", tag2=")))
			return 0;
	}
	return n;
}

static bool
set_kind(struct slice category, struct event *e)
{
	static const char *const good[] = { "CLEAN", "OVERSIZED", "UNCHECKED", "BAD-HEADER",
		"MTA-BLOCKED", "OTHER", "TEMPFAIL", NULL };

	if (slice_eq(category, SLICE("SPAM")) || slice_eq(category, SLICE("SPAMMY")))
		e->kind = EV_SPAM;
	else if (slice_eq(category, SLICE("INFECTED")))
		e->kind = EV_VIRUS;
	else if (slice_eq(category, SLICE("BANNED")))
		e->kind = EV_BANNED;
	else
		return filter_begins(category, good);
	return true;
}

/* What should have looked did not (UNCHECKED), or the mail did not get past amavis. */
static bool
is_failure(struct slice category, struct slice actions)
{
	return slice_eq(category, SLICE("UNCHECKED")) ||
	       slice_eq(category, SLICE("TEMPFAIL")) ||
	       slice_has(actions, SLICE("TempFailed"));
}

static int
verdict(struct slice s, struct slice passed, struct event *out)
{
	struct event *e = event_begin(out, EV_HAM);
	struct slice category = slice_head(s, slice_until(s, ' ', ','));
	struct slice actions, quarantine = slice_head(s, 0);
	int n;

	s = slice_from(s, category.n);
	if (category.n > 0 && !set_kind(category, e))
		return -1;
	e->stage = passed;
	take_details(&s, e, &actions);
	if (e->sub.n == 0)
		e->sub = category.n > 0 ? category : SLICE("CLEAN");
	slice_eat(&s, SLICE(", "));
	/* a line longer than amavis writes goes on in another one */
	if (!take_envelope(&s, e))
		return slice_ends(s, SLICE("...")) ? 1 : -1;
	n = take_fields(s, out, &quarantine);
	if (category.n == 0 && slice_starts(quarantine, SLICE("spam-"))) {
		e->kind = EV_SPAM;
		e->sub = SLICE("SPAM");
	}
	if (n > 0 && n < EVENTS_MAX && is_failure(category, actions)) {
		out[n] = *e;
		out[n].kind = EV_FILTER_FAIL;
		out[n].sub = SLICE("amavis");
		out[n++].new_id = SLICE("");
	}
	return n;
}

/* Before 2.4: the category alone. "SPAM, ...": one recipient's; the mail's follows. */
static int
old_verdict(struct slice s, struct event *out)
{
	if (slice_starts(s, SLICE("INFECTED (")) || slice_starts(s, SLICE("BANNED (")))
		return verdict(s, SLICE("Blocked"), out);
	if (slice_eat(&s, SLICE("Not-Delivered"))) {
		int n = verdict(s, SLICE("Blocked"), out);

		if (n > 0 && out->kind == EV_HAM) { /* INFECTED or BANNED said why */
			out->kind = EV_INFO;
			out->sub = SLICE("Not-Delivered");
		}
		return n;
	}
	return 0;
}

static int
parse(const struct line *l, struct event out[EVENTS_MAX])
{
	struct slice s = l->text, id;
	bool session = take_session(&s, &id);
	bool marked = take_mark(&s);
	int n = 0;

	if (!marked && slice_eat(&s, SLICE("Passed"))) {
		slice_eat(&s, SLICE(" "));
		n = verdict(s, SLICE("Passed"), out);
	} else if (!marked && slice_eat(&s, SLICE("Blocked "))) {
		n = verdict(s, SLICE("Blocked"), out);
	} else {
		n = marked ? 0 : old_verdict(s, out);
		if (n == 0)
			n = amavis_trouble(s, marked, out);
		if (n == 0)
			n = amavis_other(s, session, out);
	}
	return filter_answer(l, out, n);
}

/* amavis cuts at 980 bytes, and the admin may want another number ($logline_maxlen); text of
 * a shorter line that happens to end in dots is no piece. */
enum { PIECE_MIN = 400 };

static bool
part(const struct line *l, struct part *p)
{
	struct slice s = l->text;

	*p = (struct part){ .key = slice_head(s, 0) };
	take_session(&s, &p->key);
	take_mark(&s);
	p->first = !slice_eat(&s, SLICE("..."));
	p->more = l->text.n >= PIECE_MIN && slice_ends(s, SLICE("..."));
	if (p->first && !p->more)
		return false;
	p->text = p->first ? l->text : s;
	if (p->more)
		p->text.n -= 3;
	return true;
}

const struct dialect dialect_amavis = {
	.name = "amavis", .claims = claims, .parse = parse, .part = part
};
