/* qmail_server.c - what stands before qmail-smtpd: tcpserver, sslserver, rblsmtpd, recordio.
 *
 *	tcpserver: pid 15513 from 198.51.100.7
 *	tcpserver: ok 15513 mx1.example.org:192.0.2.1:25 h.example.net:198.51.100.7:ident:44476
 *	tcpserver: deny 15513 mx1.example.org:192.0.2.1:25 :198.51.100.7::44476
 *	tcpserver: end 15513 status 256
 *	tcpserver: status: 3/40
 *	rblsmtpd: 203.0.113.9 pid 19597: 451 TEXT OF THE LIST
 *	15513 > 553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)
 * of ucspi-tcp 0.88, ucspi-tcp6, ucspi-ssl. With -v tcpserver says "pid" and then "ok" or "deny" of
 * each connection: the latter counts, for it tells the port. POP3 and IMAP go by it too. */
#include "dialect/qmail.h"

#include "poison.h"

static bool
take_port(struct slice *s, uint64_t *port)
{
	ptrdiff_t colon = slice_rfind(*s, SLICE(":"));
	struct slice digits;

	if (colon < 0)
		return false;
	digits = slice_from(*s, (size_t)colon + 1);
	if (!slice_u64(&digits, port) || digits.n > 0 || *port > UINT16_MAX)
		return false;
	s->n = (size_t)colon;
	return true;
}

/* "h.example.net:198.51.100.7:ident:44476"; name and ident may be empty, and ident is the
 * client's to say. */
static bool
take_client(struct slice s, struct event *e)
{
	struct slice name, ip, rest;
	uint64_t port;

	if (!take_port(&s, &port) || !slice_cut(&s, ':', &name))
		return false;
	rest = s;
	if (!slice_cut(&rest, ':', &ip) || !scan_is_ip(ip)) {	/* IPv6 has colons of its own */
		ptrdiff_t colon = slice_rfind(s, SLICE(":"));

		ip = slice_head(s, colon < 0 ? 0 : (size_t)colon);
		if (!scan_is_ip(ip))
			return false;
	}
	scan_set_client(e, name, ip);
	e->client_port = (uint16_t)port;
	return true;
}

static bool
is_mailbox_port(uint64_t port)
{
	return port == 110 || port == 995 || port == 143 || port == 993 || port == 4190;
}

/* "15513 HERE CLIENT" */
static int
connection(struct slice s, bool denied, struct event *out)
{
	struct event *e = event_begin(out, EV_CONNECT);
	struct slice pid, here;
	uint64_t port;

	if (!qmail_number(&s, &pid) || !slice_eat_char(&s, ' ') || !slice_cut(&s, ' ', &here) ||
	    !take_port(&here, &port) || !take_client(s, e))
		return -1;
	if (is_mailbox_port(port))
		return 0;
	if (!denied)
		return 1;
	out[1] = *e;	/* tcprules: it gets no greeting */
	out[1].kind = EV_REJECT;
	out[1].cls = REASON_policy;
	out[1].sub = SLICE("access_map");
	out[1].stage = SLICE("CONNECT");
	return 2;
}

static int
connections(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_STATS);
	uint64_t n, limit;

	if (!slice_u64(&s, &n) || !slice_eat_char(&s, '/') || !slice_u64(&s, &limit) || s.n > 0)
		return -1;
	e->stage = SLICE("connections");
	e->count = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
	return 1;
}

/* "4711 accept": sslserver; what else it says is how it was set up. */
static int
tls(struct slice s, struct event *out)
{
	struct slice pid;

	if (!qmail_number(&s, &pid) || !slice_starts(s, SLICE(" accept")))
		return 0;
	event_begin(out, EV_TLS);
	return 1;
}

int
qmail_tcpserver(struct slice s, struct event *out)
{
	static const struct slice talk[] = {
		{ "pid ", 4 }, { "cafile", 6 }, { "ccafile", 7 }, { "cadir", 5 }, { "cert", 4 },
		{ "key", 3 }, { "param", 5 }, { "done", 4 }, { "ciphers", 7 },
	};
	struct event *e;

	if (slice_eat(&s, SLICE("status: ")))
		return connections(s, out);
	if (slice_eat(&s, SLICE("ok ")))
		return connection(s, false, out);
	if (slice_eat(&s, SLICE("deny ")))
		return connection(s, true, out);
	if (slice_starts(s, SLICE("end "))) {
		event_begin(out, EV_DISCONNECT);
		return 1;
	}
	if (slice_eat(&s, SLICE("tls ")) || slice_eat(&s, SLICE("ssl ")))
		return tls(s, out);
	if (slice_eat(&s, SLICE("warning: ")) || slice_eat(&s, SLICE("fatal: "))) {
		e = event_begin(out, EV_QWARN);
		e->cls = REASON_resource;
		e->sub = SLICE("process");
		e->text = s;
		return 1;
	}
	if (slice_starts_any(s, talk, sizeof talk / sizeof talk[0]))
		return 0;
	return -1;
}

/* The kind of a refusal by its reply code; false if it is none. */
static bool
refusal(struct event *e)
{
	if (e->code / 100 != 4 && e->code / 100 != 5)
		return false;
	e->kind = e->code / 100 == 5 ? EV_REJECT : EV_TEMPFAIL;
	return true;
}

/* "ZONE blocked 203.0.113.9 TEXT", before ucspi-tcp 0.88. */
static int
blocked(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_TEMPFAIL);
	struct slice zone, ip;

	if (!slice_cut_at(&s, SLICE(" blocked "), &zone) || memchr(zone.p, ' ', zone.n) != NULL ||
	    !slice_cut(&s, ' ', &ip) || !scan_is_ip(ip))
		return -1;
	scan_set_client(e, slice_head(ip, 0), ip);
	e->cls = REASON_dnsbl;
	e->sub = zone;
	e->stage = SLICE("CONNECT");
	e->text = s;
	return 1;
}

/* "203.0.113.9 pid 19597[ ZONE]: 451 TEXT" */
int
qmail_rblsmtpd(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_TEMPFAIL);
	struct slice ip, pid, zone;

	if (slice_starts(s, SLICE("fatal: ")) || slice_starts(s, SLICE("usage: "))) {
		e->kind = EV_QWARN;
		e->cls = REASON_resource;
		e->sub = SLICE("process");
		e->text = s;
		return 1;
	}
	if (!slice_cut_at(&s, SLICE(" pid "), &ip) || !scan_is_ip(ip))
		return blocked(s, out);
	if (!qmail_number(&s, &pid) || !slice_cut_at(&s, SLICE(": "), &zone))
		return -1;
	if (slice_starts(s, SLICE("[RBL info] ")) || slice_starts(s, SLICE("greetdelay: ")))
		return 0;
	scan_set_client(e, slice_head(ip, 0), ip);
	scan_reply(s, e);
	if (!refusal(e))
		return -1;
	e->stage = SLICE("CONNECT");
	e->cls = REASON_dnsbl;
	if (slice_eat_char(&zone, ' '))
		e->sub = zone;
	else
		e->sub = reason_zone(e->text);
	if (slice_starts(e->text, SLICE("temporary RBL lookup error"))) {
		e->cls = REASON_dns;
		e->sub = SLICE("temp");
	}
	return 1;
}

/* Replies to commands and not to a recipient or a message; vchkpw says how logins went. */
static bool
is_command(unsigned code)
{
	return (code >= 500 && code <= 504) || code == 535 || code == 538 || code == 454;
}

/* "15513 > 553 TEXT": the whole dialogue; what the client says is behind '<'. */
int
qmail_recordio(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_REJECT);
	struct slice pid;

	if (!qmail_number(&s, &pid) || s.n < 3 || s.p[0] != ' ' || (s.p[1] != '<' && s.p[1] != '>') ||
	    s.p[2] != ' ')
		return -1;
	if (s.p[1] == '<')
		return 0;
	scan_reply(slice_from(s, 3), e);
	if (!refusal(e) || is_command(e->code))
		return 0;
	if (e->dsn.n == 0)
		e->dsn = qmail_dsn(e->text);
	e->cls = reason_of_text(e->text, e->dsn, e->code, false, &e->sub);
	return 1;
}
