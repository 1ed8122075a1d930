/* p0f.c - passive fingerprints of clients: what system, how far away.
 *
 *	p0f 3, own log: mod=syn|cli=192.0.2.7/47704|srv=198.51.100.1/25|subj=cli|os=Linux 3.x|dist=0|...
 *	p0f 2 by syslog: 192.0.2.7:47704 - Linux 2.6 (newer, 2) (up: 12 hrs) -> 198.51.100.1:25
 *	    (distance 3, link: ethernet/modem)
 * Facts of connections: never counted. What stands behind the first field is not read. */
#include "dialect/dialect.h"

#include "poison.h"

static bool
claims(const struct line *l)
{
	return slice_eq(scan_base(l->tag), SLICE("p0f"));
}

/* "192.0.2.7/47704" */
static bool
take_peer(struct slice s, char sep, struct slice *ip, uint16_t *port)
{
	struct slice head;
	uint64_t n;

	if (sep == ':' ? !slice_rcut_at(&s, SLICE(":"), &head) : !slice_cut(&s, sep, &head))
		return false;
	if (!scan_is_ip(head) || !slice_u64(&s, &n) || s.n > 0 || n > 65535)
		return false;
	*ip = head;
	*port = (uint16_t)n;
	return true;
}

/* What this module has found out. */
static bool
take_fact(struct slice s, struct event *e)
{
	struct slice key, value;

	if (!slice_cut(&s, '=', &key))
		return false;
	value = slice_head(s, slice_until(s, '|', '|'));
	e->sub = key;
	e->text = value;
	return key.n > 0 && key.n < 20 && memchr(key.p, '|', key.n) == NULL;
}

static int
version3(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_INFO);
	struct slice client, server, subject;

	if (!slice_cut_at(&s, SLICE("|cli="), &e->stage) || !slice_cut_at(&s, SLICE("|srv="), &client) ||
	    !slice_cut_at(&s, SLICE("|subj="), &server) || !slice_cut(&s, '|', &subject) ||
	    !take_fact(s, e))
		return -1;
	if (slice_eq(subject, SLICE("cli"))) {
		if (!take_peer(client, '/', &e->client_ip, &e->client_port))
			return -1;
		e->loopback = address_is_loopback(e->client_ip);
		return 1;
	}
	return slice_eq(subject, SLICE("srv")) && take_peer(server, '/', &e->relay_ip, &e->relay_port) ?
	    1 : -1;
}

static int
version2(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_INFO);
	struct slice peer, os;

	if (slice_starts(s, SLICE("-> ")) || slice_starts(s, SLICE(">> Masquerade at ")))
		return 0;
	if (!slice_cut_at(&s, SLICE(" - "), &peer) ||
	    !take_peer(peer, ':', &e->client_ip, &e->client_port))
		return -1;
	e->loopback = address_is_loopback(e->client_ip);
	e->sub = SLICE("os");
	e->text = slice_trim(slice_cut_at(&s, SLICE(" -> "), &os) ? os : s);
	return 1;
}

static int
parse(const struct line *l, struct event out[EVENTS_MAX])
{
	struct slice s = slice_trim(l->text);
	int n = slice_eat(&s, SLICE("mod=")) ? version3(s, out) : version2(s, out);

	if (n < 0 && (slice_starts(s, SLICE("[+] ")) || slice_starts(s, SLICE("[!] "))))
		n = 0;
	if (n < 0 && slice_starts(s, SLICE("[-] "))) {	/* the last it says */
		struct event *e = event_begin(out, EV_QWARN);

		e->cls = REASON_resource;
		e->sub = SLICE("p0f");
		e->text = s;
		n = 1;
	}
	if (n > 0)
		out[0].service = scan_base(l->tag);
	return n;
}

const struct dialect dialect_p0f = { .name = "p0f", .claims = claims, .parse = parse };
