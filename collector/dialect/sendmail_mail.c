/* sendmail_mail.c - who sends, and what became of each recipient.
 *
 *	from=<s@example.net>, size=1234, class=0, nrcpts=2, msgid=<1@example.net>, proto=ESMTP,
 *	    daemon=MTA, tls_verify=NONE, auth=NONE, relay=mx.example.net [192.0.2.3]
 *	to=<a@example.org>,<b@example.org>, ctladdr=<s@example.net> (1000/1000), delay=00:00:03,
 *	    xdelay=00:00:02, mailer=esmtp, pri=150000, relay=mx.example.org. [192.0.2.9],
 *	    dsn=2.0.0, reply=..., stat=Sent (ok: queued)
 * Before 8.12 class= is followed by pri=; tls_verify, auth and reply since 8.16 and 8.17. The
 * list of recipients of a line is cut at some 800 bytes and goes on in another one.
 *
 * A from= line is printed once the message was read, or, without msgid, when a transaction
 * ended before: Sendmail gives a message that has none an id of its own. A message that is
 * refused at its end has a to= line for each recipient, without mailer. */
#include "dialect/sendmail.h"

#include "poison.h"

/* --- from= ---------------------------------------------------------------------- */

/* ", size=N, class=N, [pri=N, ]nrcpts=N" */
static bool
take_sizes(struct slice *s, struct event *e)
{
	struct slice rest = *s;
	uint64_t size, n;

	if (!slice_eat(&rest, SLICE(", size=")) || !slice_u64(&rest, &size) ||
	    !slice_eat(&rest, SLICE(", class=")))
		return false;
	slice_eat_char(&rest, '-');
	if (!slice_u64(&rest, &n))
		return false;
	if (slice_eat(&rest, SLICE(", pri="))) {
		slice_eat_char(&rest, '-');
		if (!slice_u64(&rest, &n))
			return false;
	}
	if (!slice_eat(&rest, SLICE(", nrcpts=")) || !slice_u64(&rest, &n))
		return false;
	e->size = size;
	e->nrcpt = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
	*s = rest;
	return true;
}

/* How many bytes a quoted string at the front of s has; 0 if there is none. */
static size_t
quoted(struct slice s)
{
	size_t n = 1;

	if (s.n == 0 || s.p[0] != '"')
		return 0;
	for (; n < s.n && s.p[n] != '"'; n++)
		if (s.p[n] == '\\')
			n++;
	return n < s.n ? n : 0;
}

enum { FROM_MAX = 200 };	/* a sender is cut there, maybe within its quotes */

static bool
take_sender(struct slice *s, struct event *e)
{
	struct slice rest = *s, from;
	size_t at;

	if (scan_address(&rest, &from) && take_sizes(&rest, e)) {
		e->from = from;
		*s = rest;
		return true;
	}
	at = FROM_MAX;
	rest = slice_from(*s, at);
	if (!take_sizes(&rest, e)) {
		at = quoted(*s);
		while (at < s->n && !slice_starts(slice_from(*s, at), SLICE(", size=")))
			at++;
		rest = slice_from(*s, at);
		if (!take_sizes(&rest, e))
			return false;
	}
	from = slice_head(*s, at);
	slice_eat_char(&from, '<');
	if (from.n > 0 && from.p[from.n - 1] == '>')
		from.n--;
	e->from = from;
	*s = rest;
	return true;
}

/* The fields between msgid and relay, in the order in which they are printed. msgid is a
 * stranger's and may look like any of them: so they are taken from the end, and only those
 * that are in order. */
static void
take_options(struct slice *s, struct event *e)
{
	static const struct slice keys[] = {
		{ "bodytype=", 9 }, { "proto=", 6 }, { "daemon=", 7 }, { "tls_verify=", 11 },
		{ "tls_version=", 12 }, { "cipher=", 7 }, { "auth=", 5 },
	};
	size_t last = sizeof keys / sizeof keys[0];
	struct slice head = *s, value = *s;

	while (slice_rcut_at(&value, SLICE(", "), &head)) {
		size_t i = last;

		while (i > 0 && !slice_starts(value, keys[i - 1]))
			i--;
		if (i == 0)
			return;
		last = i - 1;
		value = slice_from(value, keys[last].n);
		if (last == 1)
			e->proto = value;
		else if (last == 6 && !slice_eq(value, SLICE("NONE")))
			e->sasl_method = value;
		*s = value = head;
	}
}

/* Most builds print no auth=, but ESMTPA and ESMTPSA say that there was one (RFC 3848). */
static void
set_login(struct event *e)
{
	if (e->sasl_method.n == 0 && slice_starts(e->proto, SLICE("ESMTP")) &&
	    slice_ends(e->proto, SLICE("A")))
		e->sasl_method = SLICE("AUTH");
}

/* Where nothing was queued: all recipients were refused, or the client went away. */
static int
nothing_queued(struct event *out)
{
	out->kind = out->nrcpt > 0 && out->size > 0 ? EV_CLIENT : EV_INFO;
	return 1;
}

int
sm_from(const struct sm_line *p, struct event *out)
{
	struct event *e = sm_event(out, EV_CLIENT, p), *q;
	struct slice s = slice_from(p->text, 5), relay, head;
	bool has_msgid;

	if (p->id.n == 0 || !take_sender(&s, e) || !slice_rcut_at(&s, SLICE(", relay="), &head))
		return -1;
	relay = s;
	take_options(&head, e);
	set_login(e);
	has_msgid = slice_eat(&head, SLICE(", msgid="));
	if (!sm_take_client(&relay, e) && !slice_eq(relay, SLICE("[RESPONSE]")))
		return -1;
	if (e->nrcpt == 0 || !has_msgid)
		return nothing_queued(e);
	if (e->client_ip.n == 0 && !e->loopback)
		e->kind = EV_PICKUP;	/* from the command line: user@localhost */
	out[1] = out[2] = *e;
	out[1].kind = EV_MSGID;
	out[1].mid = head;
	q = &out[2];
	q->kind = EV_QUEUED;
	q->no_end = true;
	q->together = true;
	e->size = out[1].size = 0;
	e->nrcpt = out[1].nrcpt = 0;
	return 3;
}

/* --- to= ------------------------------------------------------------------------ */

/* What a to= line says of all its recipients. */
struct delivery {
	struct slice mailer, status, reply;
	bool attempted;		/* has xdelay */
};

/* Where the fields begin behind a list of recipients. */
static bool
at_fields(struct slice s)
{
	return slice_starts(s, SLICE(" ctladdr=")) || slice_starts(s, SLICE(" delay=")) ||
	       slice_starts(s, SLICE(" [more]"));
}

/* One recipient and the comma behind it: "<a@b>", "user", a file, "|command, with commas". */
static bool
take_rcpt(struct slice *s, struct slice *to)
{
	struct slice rest = *s;
	size_t n = quoted(*s);

	if (scan_address(&rest, to) && slice_eat_char(&rest, ',')) {
		*s = rest;
		return true;
	}
	while (n < s->n) {
		const char *comma = memchr(s->p + n, ',', s->n - n);

		if (comma == NULL)
			return false;
		n = (size_t)(comma - s->p);
		if (n + 1 < s->n && (s->p[n + 1] != ' ' || at_fields(slice_from(*s, n + 1))))
			break;
		n++;
	}
	if (n >= s->n)
		return false;
	*to = slice_head(*s, n);
	*s = slice_from(*s, n + 1);
	return true;
}

static void
set_relay(struct slice value, struct event *e)
{
	struct slice ip = slice_head(value, 0), head, name = value;

	if (value.n > 0 && value.p[value.n - 1] == ']' &&
	    slice_rcut_at(&value, SLICE("["), &head)) {
		ip = slice_head(value, value.n - 1);
		(void)slice_eat(&ip, SLICE("IPv6:"));
		name = slice_trim(head);
		if (name.n == 0)
			name = ip;
	}
	if (slice_eat_char(&name, '[') && name.n > 0 && name.p[name.n - 1] == ']')
		name.n--;
	if (name.n > 1 && name.p[name.n - 1] == '.')
		name.n--;
	e->relay = name;
	e->relay_ip = ip;
	e->relay_loopback = (ip.n > 0 && address_is_loopback(ip)) ||
	    (ip.n == 0 && slice_eq(name, SLICE("localhost")));
}

/* Up to the next field. */
static struct slice
take_value(struct slice *s)
{
	const char *end = s->n > 0 ? memchr(s->p, ',', s->n) : NULL;
	struct slice value = slice_head(*s, end != NULL ? (size_t)(end - s->p) : s->n);

	*s = slice_from(*s, value.n);
	return value;
}

/* A field whose text may have commas ends where one of the following fields begins. */
static struct slice
take_text(struct slice *s, struct slice next, struct slice or_next)
{
	ptrdiff_t at = slice_find(*s, next);
	struct slice value;

	if (at < 0)
		at = slice_find(*s, or_next);
	value = slice_head(*s, at < 0 ? s->n : (size_t)at);
	*s = slice_from(*s, value.n);
	return value;
}

/* "reply=550 5.1.1 TEXT, stat=User unknown": both are another server's; their border is a
 * guess, and decides nothing. */
static void
take_reply(struct slice *s, struct delivery *d)
{
	struct slice head, rest = *s;

	if (!slice_rcut_at(&rest, SLICE(", stat="), &head))
		return;
	d->reply = head;
	*s = slice_from(*s, head.n);
}

static bool
skip_key(struct slice *s)
{
	size_t i = 0;

	while (i < s->n && i < 20 && ((s->p[i] >= 'a' && s->p[i] <= 'z') || s->p[i] == '_'))
		i++;
	if (i == 0 || i == s->n || s->p[i] != '=')
		return false;
	*s = slice_from(*s, i + 1);
	return true;
}

/* "delay=.., xdelay=.., mailer=.., ... stat=S" from left to right: dsn stands before all that
 * strangers say. */
static bool
take_fields(struct slice *s, struct event *e, struct delivery *d)
{
	int64_t xdelay;

	for (;;) {
		if (slice_eat(s, SLICE("delay="))) {
			if (!scan_hms(s, &e->delay_ms))
				return false;
		} else if (slice_eat(s, SLICE("xdelay="))) {
			if (!scan_hms(s, &xdelay))
				return false;
			d->attempted = true;
		} else if (slice_eat(s, SLICE("mailer="))) {
			d->mailer = take_value(s);
		} else if (slice_eat(s, SLICE("relay="))) {
			set_relay(take_value(s), e);
		} else if (slice_eat(s, SLICE("dsn="))) {
			e->dsn = take_value(s);
		} else if (slice_eat(s, SLICE("stat="))) {
			d->status = *s;
			return true;
		} else if (slice_eat(s, SLICE("reply="))) {
			take_reply(s, d);
		} else if (slice_eat(s, SLICE("ctladdr="))) {
			take_text(s, SLICE(", delay="), SLICE(", xdelay="));
		} else if (slice_eat(s, SLICE("quarantine="))) {
			take_text(s, SLICE(", dsn="), SLICE(", stat="));
		} else if (skip_key(s)) {
			take_value(s);
		} else {
			return false;
		}
		if (s->n == 0)	/* a line without stat= was cut, or is of a strange release */
			return e->dsn.n > 0;
		(void)slice_eat(s, SLICE("..."));
		if (!slice_eat(s, SLICE(", ")))
			return false;
	}
}

/* Mailers that speak SMTP to another host; others fill mailboxes, files and programs, or
 * are the admin's and known by where they go. */
static enum where
where_of(const struct delivery *d, const struct event *e)
{
	struct slice m = d->mailer;

	if (slice_starts(m, SLICE("esmtp")) || slice_starts(m, SLICE("smtp")) ||
	    slice_starts(m, SLICE("dsmtp")) || slice_starts(m, SLICE("relay")))
		return WHERE_EXT;
	if (slice_eq(m, SLICE("discard")))
		return WHERE_DISCARD;
	if (slice_starts(m, SLICE("cyrus")) || slice_starts(m, SLICE("lmtp")) ||
	    slice_starts(m, SLICE("local")))
		return WHERE_LOCAL;
	return e->relay_ip.n > 0 && !e->relay_loopback ? WHERE_EXT : WHERE_LOCAL;
}

/* The id in "5A3G4Vxx030840 Message accepted for delivery" of another Sendmail, or in
 * "Ok: queued as 4F1A2B". */
static struct slice
queued_as(struct slice s)
{
	struct slice head, id;
	size_t n = 0;

	if (slice_rcut_at(&s, SLICE(" Message accepted for delivery"), &head)) {
		id = head;
		for (n = head.n; n > 0 && slice_is_alnum(head.p[n - 1]); n--)
			;
		id = slice_from(head, n);
		return sm_is_id(id) ? id : slice_head(id, 0);
	}
	if (!slice_rcut_at(&s, SLICE("queued as "), &head))
		return scan_taken_as(s);
	while (n < s.n && n < 32 && slice_is_alnum(s.p[n]))
		n++;
	return slice_head(s, n >= 5 ? n : 0);
}

/* A filter on this machine that takes a mail and drops it says so in its 250. */
static bool
filter_dropped(const struct delivery *d, const struct event *e)
{
	return e->relay_loopback && slice_has(slice_head(d->status, 40), SLICE("discarded"));
}

/* Texts of Sendmail itself about a delivery that failed. Of a next hop it tells no more
 * than that, before reply=. */
static const struct {
	struct slice head;
	enum reason cls;
	struct slice sub;
} own_texts[] = {
#define O(head, cls, sub) { { head, sizeof(head) - 1 }, REASON_##cls, { sub, sizeof(sub) - 1 } }
	O("Connection refused", remote_conn, "refused"),
	O("Connection timed out", remote_conn, "timeout"),
	O("Operation timed out", remote_conn, "timeout"), O("Connection reset", remote_conn, "lost"),
	O("Connection closed", remote_conn, "lost"), O("Broken pipe", remote_conn, "lost"),
	O("reply: read error", remote_conn, "lost"), O("I/O error", remote_conn, "lost"),
	O("No route to host", remote_conn, "unreachable"),
	O("Network is unreachable", remote_conn, "unreachable"),
	O("Host is down", remote_conn, "unreachable"),
	O("Network is down", remote_conn, "unreachable"),
	O("Name server: ", dns, "temp"), O("Transient parse error", dns, "temp"),
	O("Host unknown", dns, "nxdomain"), O("host map: ", dns, "temp"),
	O("Host does not accept mail: MX 0", unknown_rcpt, "nullmx"),
	O("Too many hops", loop, ""), O("aliasing/forwarding loop", loop, ""),
	O("mail loops back", loop, ""), O("Local configuration error", resource, "config"),
	O("local configuration error", resource, "config"),
	O("Message exceeds maximum", size, ""), O("Message is too large", size, ""),
	O("Cannot send 8-bit data", protocol, "mime"), O("Data format error", protocol, ""),
	O("Remote protocol error", protocol, ""), O("insufficient permission", resource, "mailbox"),
	O("Insufficient permission", resource, "mailbox"),
	O("can't create", resource, "mailbox"), O("Can't create output", resource, "mailbox"),
	O("unknown mailer error", resource, "command"), O("mailer ", resource, "command"),
	O("local mailer", resource, "command"), O("prog mailer", resource, "command"),
	O("Operating system error", resource, "command"),
	O("Internal error", resource, "command"), O("Resources unavailable", resource, ""),
	O("403 4.7.0 TLS ", tls_error, "handshake"), O("TLS handshake failed", tls_error, "handshake"),
	O("454 4.3.3 TLS ", tls_error, "handshake"),
	O("Cannot send message for ", expired, ""), O("delivery time expired", expired, ""),
#undef O
};

static bool
own_reason(struct slice s, struct event *e)
{
	for (size_t i = 0; i < sizeof own_texts / sizeof own_texts[0]; i++)
		if (slice_starts(s, own_texts[i].head)) {
			e->cls = own_texts[i].cls;
			e->sub = own_texts[i].sub;
			return true;
		}
	return false;
}

static void
why(const struct delivery *d, struct event *e)
{
	bool remote = where_of(d, e) == WHERE_EXT && !e->relay_loopback;
	struct slice s = d->status, sub;
	struct event reply = { .code = 0 };
	enum reason r;

	if (slice_eat(&s, SLICE("Deferred")))
		(void)slice_eat(&s, SLICE(": "));
	if (d->reply.n == 0 && own_reason(s, e))
		return;
	scan_reply(d->reply.n > 0 ? d->reply : s, &reply);
	if (reply.dsn.n == 0)
		reply.dsn = e->dsn;
	if (reply.code / 100 == 4 || reply.code / 100 == 5)
		e->code = reply.code;
	remote |= d->reply.n > 0;
	r = reason_of_text(reply.text, reply.dsn, e->code, remote, &sub);
	e->cls = remote ? REASON_remote_refused : r;
	e->sub = !remote ? sub : r == REASON_other ? SLICE("") : slice_of(reason_name(r));
}

/* A stat= that tells of no attempt: the message waits, or never was accepted. */
static bool
no_attempt(const struct delivery *d, struct event *e)
{
	if (d->attempted)
		return false;
	if (slice_eq(d->status, SLICE("queued"))) {
		e->kind = EV_STARTED;
	} else if (slice_eq(d->status, SLICE("quarantined"))) {
		e->kind = EV_HELD;
	} else if (slice_eq(d->status, SLICE("discarded"))) {
		e->kind = EV_DELIVERED;
		e->where = WHERE_DISCARD;
	} else if (d->mailer.n == 0) {
		e->kind = EV_REMOVED;	/* refused at its end, or the client went away */
		e->aborted = true;
	} else {
		return false;
	}
	return true;
}

static bool
set_outcome(const struct delivery *d, struct event *e)
{
	char digit = e->dsn.n > 0 ? e->dsn.p[0] : '\0';

	e->text = d->status;
	if (no_attempt(d, e)) {
		e->no_end = e->kind == EV_DELIVERED;
		return true;
	}
	e->no_end = true;
	if (digit == '2' || (digit == '\0' && slice_starts(d->status, SLICE("Sent")))) {
		e->kind = EV_DELIVERED;
		e->where = filter_dropped(d, e) ? WHERE_DISCARD : where_of(d, e);
		e->new_id = queued_as(d->status);
		return true;
	}
	if (digit == '4' || (digit == '\0' && slice_starts(d->status, SLICE("Deferred"))))
		e->kind = EV_DEFERRED;
	else if (digit == '5' || (digit == '\0' && d->status.n > 0))
		e->kind = EV_BOUNCED;
	else
		return false;
	why(d, e);
	return true;
}

/* One event for each recipient; those that are too many for one line are left out. */
int
sm_to(const struct sm_line *p, struct event out[EVENTS_MAX])
{
	struct slice s = slice_from(p->text, 3), tos[EVENTS_MAX];
	struct delivery d = { .attempted = false };
	struct event e;
	int n = 0;

	sm_event(&e, EV_DELIVERED, p);
	if (p->id.n == 0)
		return -1;
	do {
		struct slice to;

		if (!take_rcpt(&s, &to))
			return -1;
		if (n < EVENTS_MAX)
			tos[n++] = to;
	} while (s.n > 0 && s.p[0] != ' ');
	(void)slice_eat_char(&s, ' ');
	if (slice_eat(&s, SLICE("[more]")) && !slice_eat(&s, SLICE(", ")))
		return -1;
	if (!take_fields(&s, &e, &d) || !set_outcome(&d, &e))
		return -1;
	for (int i = 0; i < n; i++) {
		out[i] = e;
		out[i].to = tos[i];
	}
	return n;
}
