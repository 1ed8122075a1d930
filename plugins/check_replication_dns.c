/* check_replication_dns - do all name servers of a zone have it, and the same of it?
 *
 * Every address of every server is asked directly for the SOA, all at once. Serials are compared as
 * RFC 1982 says. How long a server is behind follows from when the newer serial was first seen
 * (lib/serial.c, kept from run to run), because a serial is a number and no time. What is the same
 * under one serial is not looked at. Names and answers are strangers'. */
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "dns.h"
#include "hostport.h"
#include "keep.h"
#include "lag.h"
#include "mem.h"
#include "net.h"
#include "plural.h"
#include "serial.h"

#include "poison.h"

enum { ZONES = 32, SERVERS = 256, TRIES = 3, NAME_BYTES = 256 };

static struct {
	struct opt_list zones, primaries, servers;
	const char *resolver;
	int64_t port;
	bool four, six;
} set = { .port = 53 };

static const struct opt opts[] = {
	{ 'H', "zone", OPT_LIST, &set.zones, "ZONE", "whose servers to ask; again for each further zone" },
	{ 0, "primary", OPT_LIST, &set.primaries, "HOST[:PORT]",
	    "the source of the zone, also where it is hidden: its serial is the right one" },
	{ 's', "server", OPT_LIST, &set.servers, "HOST[:PORT]",
	    "ask this one, in place of the servers that the zone names; again for each further one" },
	{ 'p', "port", OPT_INT, &set.port, "PORT", "where servers listen", .min = 1, .max = 65535 },
	{ 0, "resolver", OPT_STRING, &set.resolver, "ADDR[:PORT]",
	    "who is asked for the servers' names and addresses; by default the system's" },
	{ '4', "ipv4", OPT_FLAG, &set.four, NULL, "IPv4 alone" },
	{ '6', "ipv6", OPT_FLAG, &set.six, NULL, "IPv6 alone" },
	{ 0 }
};

static const struct measure measures[] = {
	LAG_MEASURES("15m", "2h"),
	{ "behind", "", "serials by which the server that is furthest behind is behind" },
	{ "differ", "", "servers that do not have the newest serial" },
	{ "lame", "", "servers that do not answer for the zone" },
	{ "servers", "", "addresses that answer for the zone; a number alone is the least", .least = true },
	{ 0 }
};

static const struct program program = {
	"check_replication_dns", "do all name servers of a zone have it, and the same of it?",
	"Looks up the name servers of each zone and all their addresses, and asks each for the SOA. The newest "
	"serial (RFC 1982: serials go round), or that of --primary, is the right one. A server with an older "
	"one is behind since the newer one was first seen, which is kept for the next run in "
	"NAGIOS_PLUGIN_STATE_DIRECTORY or in /var/tmp/mxgauge-UID; so the first run that sees a difference says 0 s. "
	"A server whose transfers hang goes on with its old serial: that is how it is found.\n\n"
	"CRITICAL are servers that give no answer, that refuse, fail (a zone that expired) or do not answer "
	"with authority (lame), and a serial newer than that of --primary: it was set back there, and no "
	"server will take the zone from it.\n\n"
	"The limits of lag are short where NOTIFY works; where a server comes for the zone by itself, let "
	"them be longer than REFRESH and RETRY of the SOA.",
	opts, .measures = measures,
	.needs = "-H ZONE",
	.examples = "check_replication_dns -H example.org\n"
	    "check_replication_dns -H example.org -H example.com --primary 192.0.2.53 -w 5m -c 1h\n"
	    "check_replication_dns -H example.org --server ns1.example.net --server 192.0.2.54:5353 -c servers=2"
};

/* One address to be asked for one zone. */
struct server {
	const char *zone;
	char name[NAME_BYTES];		/* as people know it */
	struct net_addr addr;
	bool primary;
	struct dns *dns;
	bool has_serial;
	uint32_t serial;
	const char *why;		/* without a serial */
};

/* A name whose addresses are looked up. */
struct host {
	const char *zone;
	char name[NAME_BYTES];
	uint16_t port;
	bool primary;
};

static struct {
	struct server server[SERVERS];
	size_t servers;
	struct dns *look;
	bool crowded;
} all;

static size_t lame, nameless, differ, answering;
static double behind, worst_lag;

/* --- who is to be asked ---------------------------------------------------------------- */

/* Is it the --primary, or an address that two names have? */
static bool
is_known(const char *zone, const struct net_addr *a)
{
	for (size_t i = 0; i < all.servers; i++)
		if (all.server[i].zone == zone && all.server[i].addr.len == a->len &&
		    memcmp(&all.server[i].addr.sa, &a->sa, a->len) == 0)
			return true;
	return false;
}

static void
add_server(const struct host *h, const struct net_addr *a)
{
	struct server *s = &all.server[all.servers];
	struct net_addr at = *a;
	struct buf b = buf_new(NAME_BYTES);

	net_addr_set_port(&at, h->port);
	if (is_known(h->zone, &at))
		return;
	if (all.servers == SERVERS) {
		all.crowded = true;
		return;
	}
	all.servers++;
	*s = (struct server){ .zone = h->zone, .addr = at, .primary = h->primary, .why = "gives no answer" };
	buf_str(&b, h->name);
	if (h->name[0] != '\0')
		buf_str(&b, " (");
	net_addr_print(&b, a);
	if (h->name[0] != '\0')
		buf_char(&b, ')');
	if (h->port != 53)
		buf_fmt(&b, " port %u", (unsigned)h->port);
	if (set.zones.n > 1)
		buf_fmt(&b, " for %s", h->zone);
	(void)snprintf(s->name, sizeof s->name, "%s", check_clean(buf_slice(&b)));
	buf_free(&b);
}

static void
on_addrs(void *arg, const struct dns_answer *a, const struct net_addr *addr, size_t n)
{
	struct host *h = arg;

	if (n == 0) {
		lag_state(CHECK_CRITICAL, h->zone, "%s has no address: %s%s", check_clean(slice_of(h->name)), a->why,
		    dns_asked(all.look, a));
		lame++;
		nameless++;
	}
	for (size_t i = 0; i < n; i++)
		add_server(h, &addr[i]);
	free(h);
}

/* name is an address, or looked up. */
static void
add_host(const char *zone, struct slice name, uint16_t port, bool primary)
{
	struct host *h = xcalloc(1, sizeof *h);
	struct net_addr a;

	*h = (struct host){ .zone = zone, .port = port, .primary = primary };
	(void)snprintf(h->name, sizeof h->name, "%.*s", (int)name.n, name.p);
	if (!net_addr_parse(h->name, port, &a)) {
		dns_addrs(all.look, h->name, net_family(set.four, set.six), on_addrs, h);
		return;
	}
	h->name[0] = '\0';
	add_server(h, &a);
	free(h);
}

static void
on_ns(void *arg, const struct dns_answer *a)
{
	const char *zone = arg;
	struct dns_cursor c = { 0 };
	struct dns_record r;
	size_t n = 0;

	while (dns_next(a, &c, &r)) {
		struct buf b = buf_new(NAME_BYTES);

		if (r.type == DNS_NS && dns_name(&r, &b) && b.n > 0 && n++ < SERVERS)
			add_host(zone, buf_slice(&b), (uint16_t)set.port, false);
		buf_free(&b);
	}
	if (n == 0)	/* resolvers fail (SERVFAIL), too, where all servers of the zone are dead */
		lag_state(CHECK_CRITICAL, zone, "its name servers are not known: %s%s", a->why[0] != '\0' ? a->why :
		    "the answer names none", dns_asked(all.look, a));
}

static void
add_given(const char *zone, const char *given, bool primary)
{
	struct hostport h;
	struct err e;

	if (!hostport_parse(slice_of(given), (unsigned)set.port, &h, &e) ||
	    !net_fits(h.host, net_family(set.four, set.six), &e))
		opt_fail(&program, "%s", e.text);
	add_host(zone, slice_of(h.host), (uint16_t)h.port, primary);
}

/* At most the first half of the time goes to names. */
static void
find_servers(void)
{
	double until = (clock_now() + check_deadline()) / 2;
	struct err e;

	all.look = dns_open(set.resolver, &e);
	if (all.look == NULL)
		check_unknown("%s", e.text);
	check_phase("looking up name servers of %s", check_clean(slice_of(set.zones.v[0])));
	for (size_t z = 0; z < set.zones.n; z++) {
		const char *zone = set.zones.v[z];

		for (size_t i = 0; i < set.primaries.n; i++)
			add_given(zone, set.primaries.v[i], true);
		for (size_t i = 0; i < set.servers.n; i++)
			add_given(zone, set.servers.v[i], false);
		if (set.servers.n == 0)
			dns_ask(all.look, zone, DNS_NS, on_ns, (void *)(uintptr_t)zone);
	}
	while (dns_waiting(all.look) > 0 && clock_now() < until)
		dns_wait(all.look, until);
	if (dns_waiting(all.look) > 0)
		lag_state(CHECK_CRITICAL, set.resolver != NULL ? set.resolver : "the system's resolver",
		    "it gave no answer in time, so not all servers are known%s",
		    set.resolver != NULL ? "" : dns_asked(all.look, NULL));
	if (all.crowded)
		check_state(CHECK_UNKNOWN, "there are more than %d addresses; make it several services", SERVERS);
}

/* --- asking ------------------------------------------------------------------------------ */

static bool
is_zone(const struct dns_record *r, const char *zone)
{
	struct buf b = buf_new(NAME_BYTES * 4);
	struct slice z = slice_of(zone);
	bool same;

	if (z.n > 1 && z.p[z.n - 1] == '.')
		z.n--;
	same = dns_owner(r, &b) && slice_eq_nocase(buf_slice(&b), z);
	buf_free(&b);
	return same;
}

static const char *
trouble(const struct dns_answer *a)
{
	switch (a->fault) {
	case DNS_TIMEOUT: return "gives no answer";
	case DNS_NOBODY: return "cannot be reached";
	case DNS_SERVFAIL: return "fails (SERVFAIL): it has the zone no more, or not yet";
	case DNS_REFUSED: return "refuses to answer for the zone";
	case DNS_NO_NAME: case DNS_NO_RECORD: return "does not know the zone";
	case DNS_WELL: return "gives no SOA of the zone";
	default: return "answers what cannot be read";
	}
}

static void
on_soa(void *arg, const struct dns_answer *a)
{
	struct server *s = arg;
	struct dns_cursor c = { 0 };
	struct dns_record r;

	s->why = trouble(a);
	while (!s->has_serial && a->state == DNS_FOUND && dns_next(a, &c, &r))
		s->has_serial = r.type == DNS_SOA && is_zone(&r, s->zone) && dns_soa(&r, &s->serial);
	if (s->has_serial && !a->authoritative) {
		s->has_serial = false;
		s->why = "answers, but not with authority: it does not serve the zone itself";
	}
}

/* The waits between tries double: all of them fit into what is left. */
static void
ask(struct server *s, double until)
{
	struct buf b = buf_new(100);
	struct dns_how how = { .tries = TRIES, .first_word = true, .direct = true };
	bool six = s->addr.sa.ss_family == AF_INET6;
	struct err e;

	how.try_ms = (int)((until - clock_now()) * 1000 / 8);
	buf_str(&b, six ? "[" : "");
	net_addr_print(&b, &s->addr);
	buf_fmt(&b, "%s:%u", six ? "]" : "", (unsigned)net_addr_port(&s->addr));
	how.resolver = b.p;
	s->dns = dns_open_how(&how, &e);
	if (s->dns == NULL)
		check_unknown("%s", e.text);
	dns_ask(s->dns, s->zone, DNS_SOA, on_soa, s);
	buf_free(&b);
}

static size_t
poll_all(double until)
{
	static struct pollfd fds[SERVERS * DNS_POLLFDS];
	size_t first[SERVERS + 1], n = 0, waiting = 0;
	int ms = (int)((until - clock_now()) * 1000) + 1;

	for (size_t i = 0; i < all.servers; i++) {
		first[i] = n;
		n += dns_poll(all.server[i].dns, fds + n, &ms);
	}
	first[all.servers] = n;
	(void)poll(fds, (nfds_t)n, ms);
	for (size_t i = 0; i < all.servers; i++) {
		dns_ready(all.server[i].dns, fds + first[i], first[i + 1] - first[i]);
		waiting += dns_waiting(all.server[i].dns);
	}
	return waiting;
}

static void
ask_all(void)
{
	double until = check_deadline();

	check_phase("asking %zu name servers", all.servers);
	for (size_t i = 0; i < all.servers; i++)
		ask(&all.server[i], until);
	while (all.servers > 0 && clock_now() < until && poll_all(until) > 0)
		;
}

/* --- the verdict -------------------------------------------------------------------------- */

/* The newest serial; of the primaries, where one answered. */
static const struct server *
newest(const char *zone)
{
	const struct server *best = NULL;

	for (size_t i = 0; i < all.servers; i++) {
		const struct server *s = &all.server[i];

		if (s->zone != zone || !s->has_serial || (best != NULL && best->primary && !s->primary))
			continue;
		if (best == NULL || (s->primary && !best->primary) || serial_newer(s->serial, best->serial))
			best = s;
	}
	return best;
}

static void
judge_server(const struct server *s, uint32_t right, const struct serials *seen, int64_t now)
{
	double by = (double)(right - s->serial), lag = serials_lag(seen, s->serial, now);

	if (serial_apart(right, s->serial) || serial_newer(s->serial, right)) {
		lag_state(CHECK_CRITICAL, s->name, serial_apart(right, s->serial) ?
		    "serial %u; nobody can say which of it and %u is newer (RFC 1982)" :
		    "serial %u is newer than %u of the primary, which was set back: it will not be taken",
		    (unsigned)s->serial, (unsigned)right);
		differ++;
		return;
	}
	answering++;
	lag_copy(s->name, lag, (double)NAN);
	worst_lag = lag > worst_lag ? lag : worst_lag;
	if (by == 0)
		return;
	differ++;
	behind = by > behind ? by : behind;
	check_detail("%s has serial %u, %s behind %u", s->name, (unsigned)s->serial, check_people(by, ""),
	    (unsigned)right);
}

static void
judge(const char *zone)
{
	struct buf thing = buf_new(1 << 14), kept = buf_new(KEEP_BYTES);
	const struct server *best = newest(zone);
	int64_t now = (int64_t)time(NULL);
	struct serials seen = { .n = 0 };
	size_t differed = differ;
	struct err e = { "" };
	bool known, kept_well = true;

	buf_str(&thing, zone);
	for (size_t i = 0; i < set.primaries.n; i++)
		buf_fmt(&thing, "\n%s", set.primaries.v[i]);
	known = keep_read(program.name, buf_slice(&thing), &kept, &e);
	serials_read(&seen, buf_slice(&kept));
	if (best != NULL)
		serials_see(&seen, best->serial, now);
	for (size_t i = 0; i < all.servers; i++) {
		const struct server *s = &all.server[i];

		if (s->zone != zone)
			continue;
		if (s->has_serial && best != NULL) {
			judge_server(s, best->serial, &seen, now);
			continue;
		}
		lag_state(CHECK_CRITICAL, s->name, "%s", s->why);
		lame++;
	}
	buf_clear(&kept);
	serials_write(&seen, &kept);
	if (best != NULL)
		kept_well = keep_write(program.name, buf_slice(&thing), buf_slice(&kept), known ? &e : NULL);
	if (!known || !kept_well)
		keep_failed(differ > differed, "since when servers differ is not known", &e);
	if (best != NULL)
		check_verbose(1, "%s: the newest serial is %u", zone, (unsigned)best->serial);
	buf_free(&thing);
	buf_free(&kept);
}

/* What is told when all is well. */
static void
say_well(void)
{
	const struct server *best = newest(set.zones.v[0]);

	if (differ > 0 && worst_lag == 0)
		check_words("lag", NULL, "%zu of %zu %s not have the newest serial yet", differ, all.servers,
		    all.servers == 1 ? "server does" : PLURAL(differ, "servers does", "servers do"));
	else if (differ == 0 && best != NULL && set.zones.n == 1)
		check_words("lag", NULL, "%zu %s serial %u", answering,
		    PLURAL(answering, "server has", "servers have"), (unsigned)best->serial);
	else if (differ == 0 && best != NULL)
		check_words("lag", NULL, "%zu %s of %zu zones %s the newest serial", answering,
		    PLURAL(answering, "server", "servers"), set.zones.n, PLURAL(answering, "has", "have"));
}

static void
tell_json(void)
{
	struct buf b = buf_new(1 << 17);

	buf_char(&b, '[');
	for (size_t i = 0; i < all.servers; i++) {
		const struct server *s = &all.server[i];

		buf_str(&b, i > 0 ? ",{\"zone\":" : "{\"zone\":");
		buf_json(&b, slice_of(s->zone));
		buf_str(&b, ",\"server\":");
		buf_json(&b, slice_of(s->name));
		if (s->has_serial)
			buf_fmt(&b, ",\"primary\":%s,\"serial\":%u}", s->primary ? "true" : "false", (unsigned)s->serial);
		else
			buf_fmt(&b, ",\"primary\":%s,\"serial\":null}", s->primary ? "true" : "false");
	}
	buf_char(&b, ']');
	check_extra("servers", buf_slice(&b));
	buf_free(&b);
}

int
main(int argc, char **argv)
{
	check_begin("DNS");
	opt_parse(&program, argc, argv);
	if (set.zones.n == 0)
		opt_fail(&program, "whose name servers? -H ZONE");
	if (set.zones.n > ZONES)
		opt_fail(&program, "more than %d zones: make it several services", ZONES);
	if (set.four && set.six)
		opt_fail(&program, "-4 and -6 exclude each other");
	find_servers();
	ask_all();
	for (size_t i = 0; i < set.zones.n; i++)
		judge(set.zones.v[i]);
	lag_tell();
	say_well();
	/* where nobody has a serial there is nothing that others could lack */
	check_known("behind", answering + differ > 0 ? behind : (double)NAN, "");
	check_known("differ", answering + differ > 0 ? (double)differ : (double)NAN, "");
	check_known("lame", all.servers + nameless > 0 ? (double)lame : (double)NAN, "");
	check_value("servers", (double)answering, "");
	if (all.servers + nameless > 0)
		check_words("lame", NULL, "%zu of %zu %s not answer for the zone", lame, all.servers + nameless,
		    all.servers + nameless == 1 ? "server does" : PLURAL(lame, "servers does", "servers do"));
	tell_json();
	check_done();
}
