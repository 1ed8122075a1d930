/* smtp_targets.c - from names to dialogues. See smtp_targets.h.
 *
 * Nothing is freed: a check ends with its answer. */
#include "smtp_targets.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mem.h"
#include "quantity.h"

#include "poison.h"

enum { MX_MAX = 100, PIN_BYTES = 4096 };

static struct smtp_target *
new_target(struct smtp_targets *t, const char *host)
{
	struct smtp_target *g = xcalloc(1, sizeof *g);

	*g = (struct smtp_target){ .all = t, .host = xstrdup(host), .asked = clock_now() };
	t->target = xreallocarray(t->target, t->targets + 1, sizeof *t->target);
	t->target[t->targets++] = g;
	return g;
}

static struct smtp_session *
new_session(struct smtp_target *g)
{
	struct smtp_targets *t = g->all;
	struct smtp_session *n;

	if (t->sessions >= SMTP_TARGETS_MAX) {
		t->left_out++;
		return NULL;
	}
	n = xcalloc(1, sizeof *n);
	n->target = g;
	n->s.owner = n;
	n->s.pin = g->pin;
	n->s.pins = g->pins;
	t->session = xreallocarray(t->session, t->sessions + 1, sizeof *t->session);
	t->session[t->sessions++] = n;
	g->sessions++;
	return n;
}

static void
start(struct smtp_target *g, const struct net_addr *addr, size_t addrs)
{
	struct smtp_targets *t = g->all;
	struct smtp_session *n = new_session(g);

	if (n == NULL)
		return;
	smtp_start(&n->s, t->plan, t->tls_name != NULL ? t->tls_name : g->host, addr, addrs, g->dns_s,
	    t->deadline);
	smtp_pool_add(&t->pool, &n->s);
}

/* One answer of a name server less is missing. */
static void
answered(struct smtp_target *g)
{
	if (--g->waiting > 0 || g->trouble[0] != '\0')
		return;
	g->dns_s = clock_now() - g->asked;
	for (size_t i = 0; i < g->addrs; i++)
		net_addr_set_port(&g->addr[i], g->all->port);
	if (!g->all->each_address && g->domain == NULL)
		start(g, g->addr, g->addrs);
	else
		for (size_t i = 0; i < g->addrs; i++)
			start(g, &g->addr[i], 1);
}

static void __attribute__((format(printf, 2, 3)))
trouble(struct smtp_target *g, const char *fmt, ...)
{
	va_list ap;

	if (g->trouble[0] != '\0')
		return;
	g->dns_s = clock_now() - g->asked;
	va_start(ap, fmt);
	(void)vsnprintf(g->trouble, sizeof g->trouble, fmt, ap);
	va_end(ap);
}

static void
on_addrs(void *arg, const struct dns_answer *a, const struct net_addr *addr, size_t n)
{
	struct smtp_target *g = arg;

	if (n > DNS_ADDRS_MAX)
		n = DNS_ADDRS_MAX;
	if (n > 0)
		memcpy(g->addr, addr, n * sizeof *addr);
	g->addrs = n;
	if (a->state != DNS_FOUND)
		trouble(g, "address of %s: %s%s", g->host, a->why, dns_asked(g->all->dns, a));
	answered(g);
}

static void
on_tlsa(void *arg, const struct dns_answer *a)
{
	struct smtp_target *g = arg;
	struct dns_cursor at = { 0 };
	struct dns_record r;

	while (a->state == DNS_FOUND && g->pins < SMTP_PINS_MAX && dns_next(a, &at, &r)) {
		const unsigned char *p = (const unsigned char *)r.data.p;

		if (r.type != DNS_TLSA || r.data.n < 4 || r.data.n > PIN_BYTES)
			continue;
		g->pin[g->pins++] = (struct tlsclient_pin){ .usage = p[0], .selector = p[1], .matching = p[2],
			.data = { xslicedup(slice_from(r.data, 3)), r.data.n - 3 } };
	}
	if (a->state == DNS_TROUBLE)
		trouble(g, "TLSA of %s: %s%s", g->host, a->why, dns_asked(g->all->dns, a));
	else if (g->pins == 0)
		trouble(g, "%s has no TLSA records", g->host);
	else if (!a->secure)
		trouble(g, "TLSA of %s: DNSSEC does not prove it (the zone is not signed, or the resolver "
		    "does not validate)", g->host);
	answered(g);
}

static void
resolve(struct smtp_target *g)
{
	struct smtp_targets *t = g->all;
	struct buf name = buf_new(600);

	g->waiting = t->dane ? 2 : 1;
	if (t->dane) {
		buf_fmt(&name, "_%u._tcp.%s", t->port, g->host);
		dns_ask(t->dns, name.p, DNS_TLSA, on_tlsa, g);
	}
	dns_addrs(t->dns, g->host, t->family, on_addrs, g);
	buf_free(&name);
}

void
smtp_targets_host(struct smtp_targets *t, const char *host)
{
	struct smtp_target *g = new_target(t, host);

	if (!net_addr_parse(host, t->port, &g->addr[0])) {
		resolve(g);
		return;
	}
	g->addrs = 1;
	if (host[0] == '[') {	/* certificates have addresses without brackets */
		struct buf bare = buf_new(64);

		net_addr_print(&bare, &g->addr[0]);
		free(g->host);
		g->host = xstrdup(bare.p);
		buf_free(&bare);
	}
	if (t->dane)
		trouble(g, "DANE needs a name, and %s is an address", host);
	else
		start(g, g->addr, 1);
}

void
smtp_targets_path(struct smtp_targets *t, const char *path)
{
	struct smtp_target *g = new_target(t, path);
	struct err e = { "" };

	g->addrs = 1;
	if (net_addr_unix(path, &g->addr[0], &e))
		start(g, g->addr, 1);
	else
		trouble(g, "%s", e.text);
}

/* One host of a domain; RFC 5321 5.1, RFC 7505. */
static void
found_mx(struct smtp_target *g, unsigned preference, const char *host, double dns_s)
{
	struct smtp_target *m = new_target(g->all, host);

	m->domain = g->domain;
	m->preference = preference;
	m->asked -= dns_s;	/* who sends mail waits for both answers */
	resolve(m);
}

static void
on_mx(void *arg, const struct dns_answer *a)
{
	struct smtp_target *g = arg;
	double dns_s = clock_now() - g->asked;
	struct buf host = buf_new(1024);
	struct dns_cursor at = { 0 };
	struct dns_record r;
	size_t n = 0;
	unsigned preference;
	bool null = false;

	g->waiting--;
	if (g->all->dane && a->state == DNS_FOUND && !a->secure)
		trouble(g, "MX of %s: DNSSEC does not prove it (the zone is not signed, or the resolver does "
		    "not validate)", g->host);
	while (a->state == DNS_FOUND && g->trouble[0] == '\0' && n < MX_MAX && dns_next(a, &at, &r)) {
		buf_clear(&host);
		if (!dns_mx(&r, &preference, &host))
			continue;
		n++;
		null = null || host.n == 0;
		if (host.n > 0)
			found_mx(g, preference, host.p, dns_s);
	}
	if (null)
		trouble(g, "%s takes no mail (null MX)%s", g->host, n > 1 ? ", and has others beside it" : "");
	else if (a->state == DNS_TROUBLE || a->fault == DNS_NO_NAME)
		trouble(g, "MX of %s: %s%s", g->host, a->why, dns_asked(g->all->dns, a));
	else if (n == 0 && g->trouble[0] == '\0')
		found_mx(g, 0, g->host, dns_s);		/* the domain itself is its mail server */
	buf_free(&host);
}

void
smtp_targets_mx(struct smtp_targets *t, const char *domain)
{
	struct smtp_target *g = new_target(t, domain);

	g->domain = domain;
	g->waiting = 1;
	dns_ask(t->dns, domain, DNS_MX, on_mx, g);
}

/* --- running ------------------------------------------------------------------------------- */

static void
on_done(void *arg, struct smtp *s)
{
	struct smtp_targets *t = arg;
	struct smtp_session *n = s->owner;

	if (s->verdict != SMTP_WELL || n->samples >= (t->count > 0 ? t->count : 1))
		return;
	n->sample = xreallocarray(n->sample, n->samples + 1, sizeof *n->sample);
	memcpy(n->sample[n->samples++], s->phase_s, sizeof s->phase_s);
	if (n->samples >= t->count || clock_now() >= t->deadline)
		return;
	smtp_end(s);
	smtp_start(s, t->plan, s->host, s->addr, s->addrs, n->target->dns_s, t->deadline);
}

/* A target without a dialogue has its sentence in one that never was. */
static void
mourn(struct smtp_target *g)
{
	struct smtp_targets *t = g->all;
	struct smtp_session *n;

	if (g->waiting > 0) {
		struct buf b = buf_new(100);

		quantity_people(&b, clock_now() - g->asked, "s");
		trouble(g, "no answer of the name server within %s%s", b.p, dns_asked(t->dns, NULL));
		buf_free(&b);
	}
	if (g->trouble[0] == '\0' || g->sessions > 0 || (n = new_session(g)) == NULL)
		return;
	n->s = (struct smtp){ .plan = t->plan, .host = g->host, .owner = n, .state = SMTP_DONE, .fd = -1,
		.verdict = SMTP_BROKEN, .phase = SMTP_DNS };
	for (int i = 0; i < SMTP_PHASES; i++)
		n->s.phase_s[i] = i == SMTP_DNS || i == SMTP_TOTAL ? g->dns_s : (double)NAN;
	(void)snprintf(n->s.sentence, sizeof n->s.sentence, "dns: %s", g->trouble);
}

void
smtp_targets_run(struct smtp_targets *t)
{
	t->pool.dns = t->dns;
	t->pool.deadline = t->deadline;
	t->pool.done = on_done;
	t->pool.arg = t;
	smtp_run(&t->pool);
	for (size_t i = 0; i < t->targets; i++)
		mourn(t->target[i]);
}

void
smtp_session_name(const struct smtp_session *n, struct buf *b)
{
	const struct smtp_target *g = n->target;
	struct buf addr = buf_new(256);

	if (n->s.addrs == 0 || n->s.addr[0].sa.ss_family == AF_UNIX) {
		buf_str(b, g->host);
		return;
	}
	smtp_address(&n->s, &addr);
	if (strcmp(addr.p, g->host) != 0)
		buf_fmt(b, "%s[%s]", g->host, addr.p);
	else
		buf_fmt(b, strchr(g->host, ':') != NULL ? "[%s]" : "%s", g->host);
	buf_fmt(b, ":%u", net_addr_port(&n->s.addr[n->s.addr_at]));
	buf_free(&addr);
}
