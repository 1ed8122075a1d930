/* opensmtpd_delivery.c - what became of each envelope, and sessions with next hops.
 *
 *	SESS mta delivery evpid=85ed94e4c14c50ac from=<s@example.net> to=<u@example.org>
 *	    rcpt=<-> source="192.0.2.9" relay="198.51.100.1 (mx.example.org)" delay=1m3s
 *	    result="Ok" stat="250 2.0.0 Ok: queued as 4F1A2B"
 *	SESS mda delivery evpid=... from=<> to=<> rcpt=<> user=bob delay=0s result=Ok stat=Delivered
 *	relay: Ok for 85ed94e4c14c50ac: session=SESS, from=<>, to=<>, rcpt=<->, source=192.0.2.9,
 *	    relay=198.51.100.1 (mx.example.org), delay=1s, stat=250 2.0.0 Ok	(5.4 to 5.9)
 *	delivery: TempFail for EVPID: from=<>, to=<>, user=bob, method=mbox, delay=0s, stat=...
 *	relay: Expire for EVPID: from=<>, to=<>, rcpt=<->, delay=4d, stat=Envelope expired	(all)
 * SESS is the one with the next hop, not the client's. delay counts from when the envelope was
 * made. Fields are taken from left to right up to stat, which is another server's text. That a
 * bounce was made no line says: it comes as a message of a client with address=local. */
#include "dialect/opensmtpd.h"

#include "poison.h"

/* "KEYvalue" and what parts it from the next field: a comma in 5.x; later a blank, with quotes
 * around what may hold one. */
static bool
take_value(struct slice *s, struct slice key, bool commas, struct slice *value)
{
	struct slice rest = *s, sep = commas ? SLICE(", ") : SLICE(" ");

	if (!slice_eat(&rest, key))
		return false;
	if (slice_eat_char(&rest, '"'))
		sep = SLICE("\" ");
	if (!slice_cut_at(&rest, sep, value))
		return false;
	*s = rest;
	return true;
}

static bool
take_address(struct slice *s, struct slice key, bool commas, struct slice *address)
{
	struct slice rest = *s;

	if (!os_address(&rest, key, address) ||
	    !slice_eat(&rest, commas ? SLICE(", ") : SLICE(" ")))
		return false;
	*s = rest;
	return true;
}

static struct slice
without_brackets(struct slice ip)
{
	if (ip.n > 2 && ip.p[0] == '[' && ip.p[ip.n - 1] == ']')
		ip = (struct slice){ ip.p + 1, ip.n - 2 };
	(void)slice_eat(&ip, SLICE("IPv6:"));
	return ip;
}

/* "198.51.100.1 (mx.example.org)", "[2001:db8::1] (mx.example.org)", or one alone; or the name
 * first. */
static void
set_relay(struct slice relay, struct event *e)
{
	struct slice ip = relay, name = { NULL, 0 };

	if (slice_cut_at(&relay, SLICE(" ("), &ip)) {
		name = relay;
		if (name.n > 0 && name.p[name.n - 1] == ')')
			name.n--;
	}
	ip = without_brackets(ip);
	if (!scan_is_ip(ip) && scan_is_ip(without_brackets(name))) {
		struct slice first = ip;

		ip = without_brackets(name);
		name = first;
	}
	e->relay = name.n > 0 ? name : ip;
	if (!scan_is_ip(ip))
		return;
	e->relay_ip = ip;
	e->relay_loopback = address_is_loopback(ip);
}

static bool
take_delay(struct slice *s, bool commas, struct event *e)
{
	struct slice delay;

	if (!take_value(s, SLICE("delay="), commas, &delay))
		return false;
	if (!scan_duration(&delay, &e->delay_ms))
		e->delay_ms = -1;
	return true;
}

/* The id that another instance on this machine, behind a filter, gave the mail. */
static struct slice
accepted_as(struct slice text)
{
	ptrdiff_t at = slice_rfind(text, SLICE(" Message accepted for delivery"));
	struct slice id = slice_head(text, 0), s;

	if (at < OS_MSGID)
		return id;
	s = (struct slice){ text.p + at - OS_MSGID, OS_MSGID };
	if (at > OS_MSGID && text.p[at - OS_MSGID - 1] != ' ')
		return id;
	(void)os_hex(&s, OS_MSGID, &id);
	return id;
}

/* A next hop on this machine may be a filter, or LMTP: it is known by its words only. */
static void
sent(bool local, struct event *e)
{
	struct event reply;

	e->kind = EV_DELIVERED;
	e->where = local ? WHERE_LOCAL : WHERE_EXT;
	if (local)
		return;
	scan_reply(e->text, event_begin(&reply, EV_INFO));
	e->code = reply.code;
	e->dsn = reply.dsn;
	if (!e->relay_loopback)
		return;
	e->new_id = accepted_as(e->text);
	if (slice_ends(e->text, SLICE(" Saved")))	/* Dovecot's LMTP */
		e->where = WHERE_LOCAL;
	else if (slice_has(slice_head(e->text, 40), SLICE("discarded")))
		e->where = WHERE_DISCARD;
}

/* Of the result's word, once the fields are there. */
static int
outcome(struct slice result, bool local, struct event *e)
{
	e->no_end = true;
	if (slice_eq(result, SLICE("Ok"))) {
		sent(local, e);
		return 1;
	}
	if (slice_eq(result, SLICE("TempFail")))
		e->kind = EV_DEFERRED;
	else if (slice_eq(result, SLICE("PermFail")))
		e->kind = EV_BOUNCED;
	else if (slice_eq(result, SLICE("Expire")))
		e->kind = EV_EXPIRED;
	else if (slice_eq(result, SLICE("Remove")))
		e->kind = EV_REMOVED;
	else
		return -1;
	e->by_admin = e->kind == EV_REMOVED;
	if (e->kind == EV_DEFERRED || e->kind == EV_BOUNCED)
		os_delivery_reason(e);
	return 1;
}

/* "from=<A> to=<A> rcpt=<A>": rcpt is what the client gave, "-" if it is the same. */
static bool
take_addresses(struct slice *s, bool commas, struct event *e)
{
	struct slice rcpt;

	if (!take_address(s, SLICE("from="), commas, &e->from) ||
	    !take_address(s, SLICE("to="), commas, &e->to))
		return false;
	if (take_address(s, SLICE("rcpt="), commas, &rcpt) && !slice_eq(rcpt, SLICE("-")) &&
	    !slice_eq(rcpt, e->to))
		e->orig_to = rcpt;
	return true;
}

static struct slice
unquoted(struct slice s)
{
	if (slice_eat_char(&s, '"') && s.n > 0 && s.p[s.n - 1] == '"')
		s.n--;
	return s;
}

/* Behind "mta delivery " or "mda delivery ". */
static int
delivery(struct slice s, bool local, struct event *e)
{
	struct slice evpid, value, result;

	if (!slice_eat(&s, SLICE("evpid=")) || !os_hex(&s, OS_EVPID, &evpid) ||
	    !slice_eat_char(&s, ' ') || !take_addresses(&s, false, e))
		return -1;
	e->id = slice_head(evpid, OS_MSGID);
	if (local) {
		if (!take_value(&s, SLICE("user="), false, &value))
			return -1;
		(void)take_value(&s, SLICE("method="), false, &value);	/* before 6.4 */
		e->relay = SLICE("local");
	} else {
		if (!take_value(&s, SLICE("source="), false, &value) ||
		    !take_value(&s, SLICE("relay="), false, &value))
			return -1;
		set_relay(value, e);
	}
	if (!take_delay(&s, false, e) || !take_value(&s, SLICE("result="), false, &result) ||
	    !slice_eat(&s, SLICE("stat=")))
		return -1;
	e->text = unquoted(s);
	return outcome(result, local, e);
}

int
os_outcome(struct slice s, bool local, struct event *out)
{
	struct event *e = event_begin(out, EV_INFO);
	struct slice result, evpid, value;

	if (!os_word(&s, &result) || !slice_eat(&s, SLICE("for ")) ||
	    !os_hex(&s, OS_EVPID, &evpid) || !slice_eat(&s, SLICE(": ")))
		return -1;
	e->id = slice_head(evpid, OS_MSGID);
	(void)take_value(&s, SLICE("session="), true, &value);
	if (!take_addresses(&s, true, e))
		return -1;
	if (local) {
		(void)take_value(&s, SLICE("user="), true, &value);
		(void)take_value(&s, SLICE("method="), true, &value);
		e->relay = SLICE("local");
	} else {
		(void)take_value(&s, SLICE("source="), true, &value);
		if (slice_eat(&s, SLICE("relay="))) {	/* 5.3 leaves the comma out behind it */
			if (!slice_cut_at(&s, SLICE(" delay="), &value))
				return -1;
			s = (struct slice){ s.p - 6, s.n + 6 };
			if (value.n > 0 && value.p[value.n - 1] == ',')
				value.n--;
			set_relay(value, e);
		}
	}
	if (!take_delay(&s, true, e) || !slice_eat(&s, SLICE("stat=")))
		return -1;
	e->text = s;
	return outcome(result, local, e);
}

int
os_mda(struct slice sess, struct slice word, struct slice s, struct event *out)
{
	(void)sess;
	if (!slice_eq(word, SLICE("delivery")))
		return -1;
	return delivery(s, true, event_begin(out, EV_INFO));
}

/* --- sessions with next hops --------------------------------------------------------- */

/* What went wrong with one: the deliveries it was for have lines of their own. */
static int
broken(struct slice why, struct event *e)
{
	e->text = why;
	if (os_is_tls_error(why)) {
		e->kind = EV_TLS_FAIL;
		e->cls = REASON_tls_error;
		e->sub = SLICE("handshake");
	} else if (!os_connection_reason(why, e)) {
		os_delivery_reason(e);
	}
	return 1;
}

int
os_mta(struct slice sess, struct slice word, struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_INFO);

	if (slice_eq(word, SLICE("delivery")))
		return delivery(s, false, e);
	e->sess = sess;
	e->outbound = true;
	e->text = s;
	if (slice_eq(word, SLICE("connecting")) || slice_eq(word, SLICE("connected")))
		return 0;
	if (slice_eq(word, SLICE("tls")) || slice_eq(word, SLICE("starttls"))) {
		e->kind = EV_TLS;
		os_tls(slice_eat(&s, SLICE("ciphers=")) ? s : slice_from(s, s.n), e);
		return 1;
	}
	if (slice_ends(word, SLICE("cert-check")) && slice_eat(&s, SLICE("result=\""))) {
		e->tls_trust = slice_head(s, slice_until(s, '"', '"'));
		return 1;
	}
	if (slice_eq(word, SLICE("host-rejects-all-mails"))) {
		e->cls = REASON_remote_refused;
		e->text = word;
		return 1;
	}
	if (slice_eq(word, SLICE("ssl_check_name:"))) {
		e->cls = REASON_tls_error;
		e->sub = SLICE("cert");
		return 1;
	}
	if (!slice_eat(&s, SLICE("reason=")))
		return -1;
	if (slice_eq(word, SLICE("disconnected")) || slice_eq(word, SLICE("closed")) ||
	    slice_eq(word, SLICE("closing")))
		return os_is_tls_error(s) ? broken(s, e) : 0;
	return slice_eq(word, SLICE("error")) ? broken(unquoted(s), e) : -1;
}

/* "SESS[ after 3 messages sent]: TEXT" behind "Error on session ". */
static int
session_error(struct slice s, struct event *e)
{
	struct slice head;

	if (!os_hex(&s, OS_SESSION, &e->sess) || !slice_cut_at(&s, SLICE(": "), &head))
		return -1;
	return broken(s, e);
}

/* Routes that are shut for a while and lookups that fail: the envelopes that wait for them
 * say so too. That envelopes are held back is said here alone. */
static int
route_line(struct slice s, struct event *e)
{
	static const struct {
		struct slice head;
		enum reason cls;
	} kinds[] = {
#define K(head, cls) { { head, sizeof(head) - 1 }, REASON_##cls }
		K("Disabling route ", remote_conn), K("Enabling route ", none),
		K("No valid route for ", remote_conn), K("Address family mismatch on ", remote_conn),
		K("Too many errors on ", remote_conn), K("Error on ", remote_conn),
		K("Failed to resolve MX for ", dns), K("No MX found for ", dns),
		K("hiwat reached on ", resource), K("back to lowat on ", none),
#undef K
	};

	e->text = s;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (!slice_starts(s, kinds[i].head))
			continue;
		e->cls = kinds[i].cls;
		if (e->cls != REASON_resource)
			return 1;
		e->kind = EV_QWARN;
		e->sub = SLICE("load");
		e->outbound = false;
		return 1;
	}
	return -1;
}

int
os_smtp_out(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_INFO);
	struct slice rest = s;

	e->outbound = true;
	if (slice_starts(s, SLICE("Connecting to ")) || slice_starts(s, SLICE("Connected on ")) ||
	    slice_starts(s, SLICE("Closing session ")))
		return 0;
	if (slice_eat(&rest, SLICE("Started TLS on session "))) {
		e->kind = EV_TLS;
		if (!os_hex(&rest, OS_SESSION, &e->sess) || !slice_eat(&rest, SLICE(": ")))
			return -1;
		os_tls(rest, e);
		return 1;
	}
	if (slice_eat(&rest, SLICE("Server certificate verification "))) {
		e->tls_trust = slice_head(rest, slice_until(rest, ' ', ' '));
		return 1;
	}
	(void)slice_eat(&rest, SLICE("TLS "));
	if (slice_eat(&rest, SLICE("Error on session ")))
		return session_error(rest, e);
	return route_line(s, e);
}
