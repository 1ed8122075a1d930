/* postfix_delivery.c - what became of a recipient, and the delivery agents' other lines.
 *
 *	ID: to=<u@example.org>, orig_to=<root>, relay=mx.example.org[192.0.2.9]:25, conn_use=2,
 *	    delay=0.41, delays=0.05/0.01/0.12/0.23, tls=may, dsn=2.0.0, status=sent (TEXT)
 * dsn, delays and conn_use since 2.3, tls since 3.11. The fields are taken from left to
 * right up to the first status, for TEXT is another server's and may look like anything. */
#include "dialect/postfix.h"

#include "poison.h"

/* "0.41", "12", "305471" seconds as milliseconds; -1 if it is no number. */
static int64_t
milliseconds(struct slice *s)
{
	int64_t ms = 0;
	size_t i = 0, frac = 0;

	for (; i < s->n && i < 12 && slice_is_digit(s->p[i]); i++)
		ms = ms * 10 + (s->p[i] - '0');
	if (i == 0)
		return -1;
	ms *= 1000;
	if (i < s->n && s->p[i] == '.') {
		static const int unit[6] = { 100, 10, 1 };

		for (i++; i < s->n && frac < 6 && slice_is_digit(s->p[i]); i++, frac++)
			ms += (s->p[i] - '0') * unit[frac];
	}
	*s = slice_from(*s, i);
	return ms;
}

static void
take_delays(struct slice *s, int32_t delays[4])
{
	for (int i = 0; i < 4; i++) {
		int64_t ms = milliseconds(s);

		if (ms < 0)
			return;
		delays[i] = ms < INT32_MAX ? (int32_t)ms : INT32_MAX;
		if (!slice_eat_char(s, '/'))
			return;
	}
}

/* What stands before the next field. */
static struct slice
take_value(struct slice *s)
{
	struct slice value = slice_head(*s, slice_until(*s, ',', ' '));

	*s = slice_from(*s, value.n);
	return value;
}

/* A field that this release has and we do not know yet: "word=". */
static bool
skip_key(struct slice *s)
{
	size_t i = 0;

	while (i < s->n && ((s->p[i] >= 'a' && s->p[i] <= 'z') || s->p[i] == '_'))
		i++;
	if (i == 0 || i == s->n || s->p[i] != '=')
		return false;
	*s = slice_from(*s, i + 1);
	return true;
}

static void
set_relay(struct slice value, struct event *e)
{
	struct slice s = value, port;
	uint64_t n;

	if (pf_relay(&s, e))
		return;
	e->relay = value;	/* "local", "none", a transport */
	if (slice_cut(&s, ':', &port) && slice_u64(&s, &n) && s.n == 0 && n <= 65535) {
		e->relay = e->relay_ip = port;	/* "192.0.2.1:25" */
		e->relay_port = (uint16_t)n;
		e->relay_loopback = address_is_loopback(port);
	}
}

/* "to=<A>[, orig_to=<B>], " where the next field's name follows. */
static bool
take_to(struct slice *s, struct slice *address)
{
	struct slice rest = *s;
	const char *end;

	if (!scan_address(&rest, address))	/* before 2.0, and from scripts: no <> */
		return slice_cut_at(s, SLICE(", "), address);
	while (!slice_starts(rest, SLICE(", relay=")) &&
	       !slice_starts(rest, SLICE(", orig_to="))) {
		end = rest.n > 0 ? memchr(rest.p, '>', rest.n) : NULL;
		if (end == NULL)
			return false;
		rest = slice_from(rest, (size_t)(end - rest.p) + 1);
		*address = (struct slice){ s->p + 1, (size_t)(end - s->p) - 1 };
	}
	*s = slice_from(rest, 2);
	return true;
}

/* "relay=R, conn_use=2, delay=1, ... status=S" up to the first status. */
static bool
take_fields(struct slice *s, struct event *e, struct slice *status)
{
	uint64_t n;

	for (;;) {
		if (slice_eat(s, SLICE("relay="))) {
			set_relay(take_value(s), e);
		} else if (slice_eat(s, SLICE("delay="))) {
			e->delay_ms = milliseconds(s);
		} else if (slice_eat(s, SLICE("delays="))) {
			take_delays(s, e->delays_ms);
		} else if (slice_eat(s, SLICE("dsn="))) {
			e->dsn = take_value(s);
		} else if (slice_eat(s, SLICE("status="))) {
			*status = take_value(s);
			slice_eat_char(s, ' ');
			return true;
		} else if (slice_eat(s, SLICE("conn_use="))) {
			if (slice_u64(s, &n))
				e->conn_use = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
		} else if (slice_eat(s, SLICE("tls="))) {
			e->tls_trust = take_value(s);
		} else if (skip_key(s)) {
			take_value(s);
		} else {
			return false;
		}
		(void)slice_eat(s, SLICE(", "));
		while (s->n > 0 && (s->p[0] == ',' || s->p[0] == ' '))
			*s = slice_from(*s, 1);
	}
}

static unsigned
reply_code(struct slice s)
{
	if (s.n < 3 || !slice_is_digit(s.p[0]) || !slice_is_digit(s.p[1]) ||
	    !slice_is_digit(s.p[2]) || (s.n > 3 && slice_is_digit(s.p[3])))
		return 0;
	return (unsigned)((s.p[0] - '0') * 100 + (s.p[1] - '0') * 10 + s.p[2] - '0');
}

/* "250 2.5.0 OK (2C225C6817C7EEE1481)": what Proxmox Mail Gateway's filter calls the mail. */
static struct slice
filter_name(struct slice s)
{
	struct slice name;

	if (!slice_eat(&s, SLICE("250 2.5.0 OK (")) || !slice_cut(&s, ')', &name) || !pf_is_id(name))
		return slice_head(s, 0);
	return name;
}

/* A filter on this machine that takes a mail and drops it says so in its 250. */
static bool
filter_dropped(const struct event *e)
{
	return e->relay_loopback && e->code / 100 == 2 &&
	    slice_has(slice_head(e->text, 40), SLICE("discarded"));
}

static void
sent(const struct pf_line *p, struct event *e)
{
	struct slice s = e->text;

	e->kind = EV_DELIVERED;
	e->where = p->service == PF_SMTP ? WHERE_EXT :
	    p->service == PF_DISCARD ? WHERE_DISCARD :
	    p->service == PF_ANY && e->relay_port > 0 ? WHERE_EXT : WHERE_LOCAL;
	e->code = (uint16_t)reply_code(s);
	if ((p->service == PF_LOCAL || p->service == PF_ANY) &&
	    slice_eat(&s, SLICE("forwarded as "))) {
		e->where = WHERE_FORWARD;
		e->new_id = s;
		if (!pf_is_id(s))
			e->new_id = SLICE("");
	} else if (p->service == PF_LOCAL && slice_eq(s, SLICE("discarded"))) {
		e->where = WHERE_DISCARD;	/* to postmaster, for whom there is no alias */
	} else if (p->service == PF_SMTP || p->service == PF_LMTP ||
		   p->service == PF_PIPE || p->service == PF_ANY) {
		e->new_id = pf_queued_as(s);
		if (e->new_id.n == 0)
			e->new_id = scan_taken_as(s);
		if (e->new_id.n == 0 && e->relay_loopback)
			e->new_id = filter_name(s);
		if (filter_dropped(e))
			e->where = WHERE_DISCARD;
	}
}

/* "mail transport unavailable": an agent of this machine does not start, often the one that
 * leads to a filter. That is said once more, as the second event. */
static int
transport_failed(const struct pf_line *p, struct event *out)
{
	struct event *e;

	if (out->kind != EV_DEFERRED || !slice_eq(out->sub, SLICE("transport")))
		return 1;
	e = pf_event(out + 1, EV_FILTER_FAIL, p);
	e->cls = REASON_resource;
	e->sub = SLICE("transport");
	e->text = out->text;
	return 2;
}

int
pf_delivery(const struct pf_line *p, struct event *out)
{
	struct slice s = slice_from(p->text, 3), status;
	struct event *e = pf_event(out, EV_DELIVERED, p);

	if (!take_to(&s, &e->to))
		return -1;
	if (slice_eat(&s, SLICE("orig_to=")) && !take_to(&s, &e->orig_to))
		return -1;
	if (!take_fields(&s, e, &status))
		return -1;
	if (slice_eat_char(&s, '(') && s.n > 0 && s.p[s.n - 1] == ')')
		s.n--;
	e->text = s;
	if (slice_eq(status, SLICE("sent"))) {
		sent(p, e);
		return 1;
	}
	if (slice_eq(status, SLICE("deferred")) || slice_eq(status, SLICE("SOFTBOUNCE")))
		e->kind = EV_DEFERRED;
	else if (slice_eq(status, SLICE("bounced")))
		e->kind = EV_BOUNCED;
	else if (slice_starts(status, SLICE("deliverable")) ||
	    slice_starts(status, SLICE("undeliverable")))
		e->kind = EV_PROBE;
	else if (slice_eq(status, SLICE("expired")) ||
		 slice_eq(status, SLICE("force-expired")))
		e->kind = EV_BOUNCED;
	else
		return -1;
	if (e->kind == EV_PROBE)
		e->stage = status;
	if (status.p[0] == 'd' && e->kind == EV_PROBE)
		e->code = (uint16_t)reply_code(s);	/* deliverable: nothing is wrong */
	else
		pf_delivery_reason(e);
	return transport_failed(p, out);
}

/* What another server said: its words' class below remote_refused. */
static void
remote_reply(struct slice s, struct event *e)
{
	struct slice dsn = e->dsn, sub;
	struct event reply = { 0 };
	ptrdiff_t ours = slice_rfind(s, SLICE(" (in reply to "));
	enum reason r;

	if (ours >= 0)
		s = slice_head(s, (size_t)ours);
	scan_reply(s, &reply);
	e->code = (uint16_t)reply_code(s);
	if (reply.dsn.n > 0)
		dsn = reply.dsn;
	r = reason_of_text(s, dsn, e->code, true, &sub);
	e->cls = REASON_remote_refused;
	e->sub = r == REASON_other ? SLICE("") : slice_of(reason_name(r));
}

static bool
connection_reason(struct slice s, struct event *e)
{
	static const struct {
		struct slice text, sub;
	} kinds[] = {
#define K(text, sub) { { text, sizeof(text) - 1 }, { sub, sizeof(sub) - 1 } }
		K("Connection refused", "refused"), K("timed out", "timeout"),
		K("read timeout", "timeout"), K("No route to host", "unreachable"),
		K("Network is unreachable", "unreachable"), K("Host is down", "unreachable"),
		K("Connection reset", "lost"), K("lost connection", "lost"),
		K("dropped connection", "lost"), K("No such file", "unreachable"),
#undef K
	};
	ptrdiff_t said;

	if (slice_starts(s, SLICE("connect to "))) {
		said = slice_find(s, SLICE(": server refused to talk to me: "));
		if (said >= 0) {
			remote_reply(slice_from(s, (size_t)said + 32), e);
			return true;
		}
		e->cls = REASON_remote_conn;
		e->sub = SLICE("");
		for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
			if (slice_has(s, kinds[i].text)) {
				e->sub = kinds[i].sub;
				break;
			}
		return true;
	}
	if (slice_starts(s, SLICE("lost connection with ")))
		e->sub = SLICE("lost");
	else if (slice_starts(s, SLICE("conversation with ")))
		e->sub = SLICE("timeout");
	else if (slice_starts(s, SLICE("delivery temporarily suspended")))
		e->sub = SLICE("suspended");
	else
		return false;
	e->cls = REASON_remote_conn;
	return true;
}

/* How the agents' own texts begin. */
static const struct {
	struct slice head;
	enum reason cls;
	struct slice sub;
} own_texts[] = {
#define O(head, cls, sub) \
	{ { head, sizeof(head) - 1 }, REASON_##cls, { sub, sizeof(sub) - 1 } }
	O("unknown user", unknown_rcpt, "table"), O("user unknown", unknown_rcpt, "table"),
	O("User unknown", unknown_rcpt, "table"), O("invalid recipient", unknown_rcpt, ""),
	O("unable to look up host", dns, ""), O("no MX host for ", dns, ""),
	O("unable to find primary relay", dns, ""), O("mail for ", loop, ""),
	O("mail forwarding loop", loop, ""), O("too many hops", loop, ""),
	O("mail transport unavailable", resource, "transport"),
	O("unknown mail transport error", resource, "transport"),
	O("bounce or trace service failure", resource, "bounce"),
	O("queue file write error", resource, "disk"),
	O("address resolver failure", resource, "lookup"),
	O("virtual alias", resource, "lookup"),
	O("Temporary lookup failure", resource, "lookup"),
	O("alias database unavailable", resource, "lookup"),
	O("message size ", size, ""), O("TLS is required", tls_required, ""),
	O("TLS is not available", tls_error, ""), O("Cannot start TLS", tls_error, "handshake"),
	O("Server certificate", tls_error, "cert"), O("No TLSA records", tls_error, "cert"),
	O("TLSA lookup error", dns, "temp"), O("no TLSA", tls_error, "cert"),
	O("SASL authentication failed", auth_failed, ""),
	O("Authentication failed", auth_failed, ""),
	O("SASL [CACHED] authentication failed", auth_failed, ""),
	O("local data error while talking to ", resource, "disk"),
	O("TLS policy lookup error ", resource, "lookup"),
	O("SMTPUTF8 is required", protocol, "smtputf8"),
	O("alias database loop", loop, ""),
	O("maildir access problem", resource, "mailbox"),
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
	if (slice_starts(s, SLICE("Host or domain name not found")) ||
	    slice_starts(s, SLICE("Name service error"))) {
		e->cls = REASON_dns;
		e->sub =
		    slice_has(s, SLICE("try again")) ? SLICE("temp") : SLICE("nxdomain");
		return true;
	}
	if (slice_starts(s, SLICE("Domain ")) && slice_has(s, SLICE("nullMX"))) {
		e->cls = REASON_unknown_rcpt;
		e->sub = SLICE("nullmx");
		return true;
	}
	return false;
}

void
pf_delivery_reason(struct event *e)
{
	struct slice s = e->text;
	ptrdiff_t at;

	if (slice_starts(s, SLICE("host ")) &&
	    (at = slice_find(s, SLICE("] said: "))) >= 0) {
		remote_reply(slice_from(s, (size_t)at + 8), e);
	} else if (slice_starts(s, SLICE("host ")) &&
		   (at = slice_find(s, SLICE(" refused to talk to me: "))) >= 0) {
		remote_reply(slice_from(s, (size_t)at + 24), e);
	} else if (!connection_reason(s, e) && !own_reason(s, e)) {
		e->cls = reason_of_text(s, e->dsn, 0, false, &e->sub);
		e->code = (uint16_t)reply_code(s);
		if ((e->cls == REASON_other || e->sub.n == 0) &&
		    (slice_starts(s, SLICE("Command ")) ||
			slice_starts(s, SLICE("temporary failure")))) {
			e->cls = REASON_resource;
			e->sub = SLICE("command");
		}
	}
}

/* A try that failed on the way to an outcome: "connect to H[A]:25: Connection refused",
 * "ID: host H[A] said: 450 ...", "ID: lost connection with H[A] while ...". */
static int
attempt(const struct pf_line *p, struct slice peer, struct event *out)
{
	struct event *e;

	pf_info(p, out, REASON_none, SLICE(""));
	e = out;
	e->outbound = true;
	pf_relay(&peer, e);
	pf_delivery_reason(e);
	return 1;
}

/* "replace: header X: y: z" of smtp_header_checks. */
static bool
is_check(struct slice s)
{
	struct slice verb;

	return slice_cut_at(&s, SLICE(": "), &verb) && memchr(verb.p, ' ', verb.n) == NULL &&
	    (slice_starts(s, SLICE("header ")) || slice_starts(s, SLICE("body ")) ||
	    slice_starts(s, SLICE("mime ")) || slice_starts(s, SLICE("nested ")));
}

/* Lines with a queue id that say how it goes, and no outcome. */
static bool
is_progress(struct slice s)
{
	static const struct slice heads[] = {
#define H(head) { head, sizeof(head) - 1 }
		H("enabling PIX "), H("Cannot start TLS"), H("TLS "), H("breaking line "),
		H("Server certificate "), H("SASL "), H("skipped, "), H("using "),
		H("sending "), H("Host or domain name not found"), H("server "),
		H("unable to look up "), H("mail for "), H("delivery "), H("removed "),
		H("Authentication failed"), H("TLSA lookup"), H("dropping "), H("status="),
		H("no "), H("disabling "), H("requeued"), H("Non-"), H("REQUIRETLS"),
		H("not sending "), H("SMTPUTF8 "), H("local data error "), H("passing <"),
#undef H
	};

	if (slice_starts_any(s, heads, sizeof heads / sizeof heads[0]))
		return true;
	return is_check(s);
}

/* "SASL [CACHED] authentication failed; [cannot authenticate to ]server H[A] said: ..." */
static bool
take_sasl(struct slice *s)
{
	struct slice rest = *s;

	if (!slice_eat(&rest, SLICE("SASL ")))
		return false;
	slice_eat(&rest, SLICE("[CACHED] "));
	if (!slice_eat(&rest, SLICE("authentication failed; ")))
		return false;
	slice_eat(&rest, SLICE("cannot authenticate to "));
	if (!slice_eat(&rest, SLICE("server ")))
		return false;
	*s = rest;
	return true;
}

int
pf_agent(const struct pf_line *p, struct event *out)
{
	struct slice s = p->text;

	if (slice_eat(&s, SLICE("connect to ")) || slice_eat(&s, SLICE("host ")) ||
	    slice_eat(&s, SLICE("lost connection with ")) ||
	    slice_eat(&s, SLICE("conversation with ")) || take_sasl(&s))
		return attempt(p, s, out);
	if (slice_eat(&s, SLICE("Used TLS for "))) {
		pf_info(p, out, REASON_none, SLICE(""));
		out->outbound = true;
		pf_relay(&s, out);
		return 1;
	}
	if (slice_has(s, SLICE(": replacing server reply \"")))	/* smtp_reply_filter */
		return pf_info(p, out, REASON_none, SLICE(""));
	if (p->has_id)
		return is_progress(s) ? pf_info(p, out, REASON_none, SLICE("")) : -1;
	return pf_tls(p, out);
}
