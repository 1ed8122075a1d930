/* check_dnsbl - are we on block lists, and are the lists that our mail servers ask healthy themselves?
 *
 * Asks name servers and nobody else: no mail server, no web page. What is known of lists stands in
 * dnsbl.conf (lib/dnsbl.h); asking is lib/dnsbl_ask.c, what answers mean lib/dnsbl_judge.c, how bad
 * that is lib/dnsbl_tell.c. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "dnsbl_from.h"
#include "dnsbl_hits.h"
#include "dnsbl_log.h"
#include "dnsbl_targets.h"
#include "dnsbl_tell.h"
#include "near.h"

#include "plural.h"
#include "poison.h"

#define ETC_TABLE "/etc/mxgauge/dnsbl.conf"

enum { LIMITS_MAX = 64 };

static struct {
	struct opt_list list, domain_list, allow_list, table, host, domain;
	const char *resolver, *networks;
	const char *postfix, *exim, *sendmail, *spamassassin;
	bool all, own, no_health, no_history, no_table, log, unfound;
	double patience_s;
	int64_t tries;
	struct dnsbl_limit limit[LIMITS_MAX];
	size_t limits;
	bool read_somebody;	/* who may ask no list at all */
	bool from_state;
	struct checkstate state;
	int64_t least_hits;
} set = { .state = { CHECKSTATE_DEFAULT, .window_s = 3600 }, .least_hits = 20,
	.patience_s = 1.5, .tries = 2 };

static const struct opt opts[] = {
	{ 'H', "host", OPT_LIST, &set.host, "ADDRESS|NAME",
	    "look for it on the lists; a name for all its addresses, and itself on lists of domains; "
	    "may be given again" },
	{ 'l', "list", OPT_LIST, &set.list, "ZONE", "a list to ask; may be given again" },
	{ 0, "from-postfix", OPT_STRING, &set.postfix, "[=DIR]",
	    "the lists that this machine's Postfix asks, postscreen's too; DIR has its configuration" },
	{ 0, "from-exim", OPT_STRING, &set.exim, "[=FILE]", "the same of Exim" },
	{ 0, "from-sendmail", OPT_STRING, &set.sendmail, "[=FILE]",
	    "the same of Sendmail, from sendmail.cf" },
	{ 0, "from-spamassassin", OPT_STRING, &set.spamassassin, "[=DIR]",
	    "the same of SpamAssassin, from its rules" },
	{ 0, "domain-list", OPT_LIST, &set.domain_list, "ZONE",
	    "a list of domains that the table does not know as such" },
	{ 0, "allow-list", OPT_LIST, &set.allow_list, "ZONE", "a list on which one has to be" },
	{ 0, "all", OPT_FLAG, &set.all, NULL, "all living lists of the table that need no key" },
	{ 0, "domain", OPT_LIST, &set.domain, "NAME", "look for it on lists of domains" },
	{ 0, "networks", OPT_STRING, &set.networks, "FILE",
	    "look for all addresses of it: 192.0.2.1, 192.0.2.0/28 or 2001:db8::/124, one a line" },
	{ 0, "own", OPT_FLAG, &set.own, NULL, "look for the address from which this machine reaches the world" },
	{ 0, "resolver", OPT_STRING, &set.resolver, "ADDR[:PORT]", "name server; by default the system's: the one "
	    "that the mail server asks" },
	{ 0, "query-timeout", OPT_DURATION, &set.patience_s, "TIME",
	    "patience with the first try of a question; each further one has twice as long",
	    .min = 0.05, .max = 60 },
	{ 0, "tries", OPT_INT, &set.tries, "N", "ask so often", .min = 1, .max = 5 },
	{ 0, "from-state", OPT_FLAG, &set.from_state, NULL,
	    "compare how often lists hit by the collector's state with the week before; may be alone" },
	{ 's', "state", OPT_STRING, &set.state.state, "DIR", "the collector's state" },
	{ 0, "of", OPT_STRING, &set.state.host, "HOST", "of one mail server instead of the whole farm" },
	{ 0, "window", OPT_DURATION, &set.state.window_s, "TIME", "compare this time", .min = 60, .max = 86400 },
	{ 0, "at", OPT_TIME, &set.state.at, "TIME", "as of then: \"2026-11-20 03:00\", \"-2h\"" },
	{ 0, "stale", OPT_DURATION, &set.state.stale_s, "TIME", "UNKNOWN if the newest log line is older",
	    .min = 60, .max = 8 * 86400 },
	{ 0, "least-hits", OPT_INT, &set.least_hits, "N",
	    "judge lists of which so many hits were to be expected, or came", .min = 1, .max = 1e9 },
	{ 0, "no-health", OPT_FLAG, &set.no_health, NULL, "do not test the lists themselves" },
	{ 0, "no-history", OPT_FLAG, &set.no_history, NULL, "keep no latencies for the next runs" },
	{ 0, "log", OPT_FLAG, &set.log, NULL,
	    "log a line of each list (facility mail), from which the collector draws health and latency" },
	{ 0, "table", OPT_LIST, &set.table, "FILE", "more lists, or corrections, in the form of dnsbl.conf" },
	{ 0, "no-table", OPT_FLAG, &set.no_table, NULL, "leave out the dnsbl.conf that came with the program, and "
	    ETC_TABLE },
	{ 0 }
};

static const struct program program = {
	"check_dnsbl", "are we on DNS block lists, and are the lists healthy themselves?",
	"Asks all lists for all addresses at once. A listing is CRITICAL, on a list that means little (weight "
	"below 1 in dnsbl.conf) WARNING, unless thresholds say otherwise: -w and -c take the numbers below, or the "
	"zone of a list (-c zen.spamhaus.org), and then a listing elsewhere is a WARNING.\n\n"
	"Each list is tested by what it must list and must not (RFC 5782), and by a name that nobody can have "
	"listed. What it then is: ok; wildcard (lists the world: CRITICAL); parked (answers outside 127/8: "
	"CRITICAL); blocked (says that this resolver may not ask); dead (emptied, gone, or known as dead); "
	"refused, servfail, timeout; untested. Of a list that is wildcard, parked, blocked or dead no "
	"listing is believed. Other than that unhealthy lists are a WARNING by the default of \"unhealthy\".\n\n"
	"Where the mail server's configuration is read, the answer says what an ill list does to it: "
	"one that refuses mail for any answer of zen.spamhaus.org refuses all mail when that says \"blocked\" "
	"(use zen.spamhaus.org=127.0.0.[2..11]). A list known as dead that is still asked is a WARNING whatever "
	"thresholds say.\n\n"
	"Run it where the mail server runs: lists answer by who asks, so another machine's resolver says "
	"nothing about yours.\n\n"
	"With --from-state, hits of each list in the collector's logs are compared with the week before, as "
	"shares of all recipients: one that stopped hitting is dead, blocks the resolver, or is not asked any "
	"more; one that hits much more may have gone mad. What --log told the collector is judged there, too: "
	"lists that half of the runs found ill, and one that is three times as slow as in its week.\n\n"
	"Latencies of the last 100 runs are kept for p50 and p95, for each resolver, in "
	"NAGIOS_PLUGIN_STATE_DIRECTORY or /var/tmp/mxgauge-UID.",
	opts, .measures = dnsbl_measures,
	.needs = "-l ZONE|--all|--from-...",
	.examples = "check_dnsbl -H mx1.example.org -l zen.spamhaus.org -l bl.spamcop.net\n"
	    "check_dnsbl --all --networks /etc/mxgauge/outgoing -w operators=1 -c operators=3\n"
	    "check_dnsbl -H 192.0.2.25 -l zen.spamhaus.org -l dnsbl-3.uceprotect.net -c zen.spamhaus.org\n"
	    "# health of the lists that the mail server asks, alone\n"
	    "check_dnsbl --from-postfix --from-spamassassin -w p95=500ms -c unhealthy=50%\n"
	    "# does each list still hit?\n"
	    "check_dnsbl --from-state --window 1h -w hits_least=20: -c hits_most=1000"
};

/* --- lists ---------------------------------------------------------------------------------------- */

/* A zone has a dot before a letter, which no range has. */
static bool
take_limit(const char *text, bool critical)
{
	struct slice s = slice_of(text), label;

	if (slice_has(s, SLICE("=")) || !slice_cut_at(&s, SLICE("."), &label))
		return false;
	while (slice_cut(&s, '.', &label))
		;
	if (s.n == 0 || slice_is_digit(s.p[0]) || !slice_is_alnum(s.p[0]))
		return false;
	if (set.limits >= LIMITS_MAX)
		check_unknown("there are more than %d -w and -c for lists", LIMITS_MAX);
	set.limit[set.limits++] = (struct dnsbl_limit){ text, critical };
	return true;
}

static void
read_table(struct dnsbl_table *t, const char *path)
{
	struct err e = { "" };

	check_phase("reading %s", path);
	if (!dnsbl_read(t, path, &e))
		check_unknown("%s", e.text);
}

static void
read_tables(struct dnsbl_table *t)
{
	static const char *const near[] = {
		"../../../share/mxgauge/dnsbl.conf", "../../plugins/dnsbl.conf", "../../../plugins/dnsbl.conf", NULL
	};
	char path[4096];

	if (!set.no_table && near_find(near, path, sizeof path))
		read_table(t, path);
	else if (!set.no_table)
		check_unknown("no dnsbl.conf was found near the program; name one by --table, or --no-table");
	if (!set.no_table && access(ETC_TABLE, F_OK) == 0)
		read_table(t, ETC_TABLE);
	for (size_t i = 0; i < set.table.n; i++)
		read_table(t, set.table.v[i]);
}

/* By the state alone nobody is asked, and what is known of lists is not needed. */
static bool
needs_tables(void)
{
	return !set.from_state || set.all || set.list.n + set.domain_list.n + set.allow_list.n + set.table.n > 0 ||
	    set.postfix != NULL || set.exim != NULL || set.sendmail != NULL || set.spamassassin != NULL;
}

/* kinds 0: as the table says. */
static void
add_lists(struct dnsbl_run *r, const struct dnsbl_table *t, const struct opt_list *zones, unsigned kinds)
{
	struct err e = { "" };

	for (size_t i = 0; i < zones->n; i++) {
		struct dnsbl_list *l = dnsbl_add_list(r, t, slice_of(zones->v[i]), &e);

		if (l == NULL)
			check_unknown("%s", e.text);
		if (kinds == DNSBL_DOMAIN)
			l->kinds = kinds;
		l->wanted = l->wanted || kinds == DNSBL_ALLOW;
	}
}

static void
add_all(struct dnsbl_run *r, const struct dnsbl_table *t)
{
	struct err e = { "" };

	for (size_t i = 0; i < t->rows; i++)
		if (t->row[i].zone[0] != '*' && t->row[i].dead == NULL &&
		    dnsbl_add_list(r, t, slice_of(t->row[i].zone), &e) == NULL)
			check_unknown("%s", e.text);
}

static void
add_from(struct dnsbl_run *r, const struct dnsbl_table *t)
{
	const struct {
		const char *place, *who;
		bool (*read)(struct dnsbl_from *, const char *, struct err *);
	} all[] = { { set.postfix, "Postfix", dnsbl_from_postfix }, { set.exim, "Exim", dnsbl_from_exim },
		{ set.sendmail, "Sendmail", dnsbl_from_sendmail },
		{ set.spamassassin, "SpamAssassin", dnsbl_from_spamassassin } };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		struct dnsbl_from f = { .run = r, .table = t };
		struct err e = { "" };

		if (all[i].place == NULL)
			continue;
		check_phase("reading the configuration of %s", all[i].who);
		if (!all[i].read(&f, all[i].place, &e))
			check_unknown("%s: %s", all[i].who, e.text);
		if (f.found == 0)
			check_detail("%s asks no list", all[i].who);
		if (f.unclear > 0)
			check_detail("%s: %zu %s put together at run time and not asked, as %s", all[i].who,
			    f.unclear, PLURAL(f.unclear, "list is", "lists are"), check_clean(slice_of(f.example)));
		set.read_somebody = true;
	}
}

static void
find_lists(struct dnsbl_run *r, const struct dnsbl_table *t)
{
	add_from(r, t);
	add_lists(r, t, &set.list, 0);
	add_lists(r, t, &set.domain_list, DNSBL_DOMAIN);
	add_lists(r, t, &set.allow_list, DNSBL_ALLOW);
	if (set.all)
		add_all(r, t);
	if (r->lists == 0 && set.read_somebody)
		check_state(CHECK_OK, "no list is asked on this machine");
	else if (r->lists == 0 && !set.from_state)
		opt_fail(&program, "which lists? -l ZONE, --from-postfix and its like, or --all");
	else if (r->lists == 0 && set.host.n > 0)
		opt_fail(&program, "-H: there is no list to look it up on; for the hits of one mail server: --of HOST");
	for (size_t i = 0; i < set.limits; i++) {
		bool asked = false;

		for (size_t j = 0; j < r->lists; j++)
			asked = asked || slice_eq_nocase(slice_of(set.limit[i].zone), slice_of(r->list[j].zone));
		if (!asked)
			check_unknown("%s %s: that list is not asked", set.limit[i].critical ? "-c" : "-w",
			    check_clean(slice_of(set.limit[i].zone)));
	}
}

/* --- addresses -------------------------------------------------------------------------------------- */

static void
add_host(struct dnsbl_run *r, const char *host)
{
	struct net_addr a;
	struct err e = { "" };

	if (!dnsbl_add_target(r, slice_of(host), &e))
		check_unknown("-H %s%s", e.text, strchr(host, '/') != NULL ? "; networks are for --networks" : "");
	if (net_addr_parse(host, 0, &a))
		return;
	check_phase("asking for the addresses of %s", host);
	if (!dnsbl_target_host(r, host, &e)) {
		check_state(CHECK_CRITICAL, "%s", e.text);
		set.unfound = true;
	}
}

static void
find_targets(struct dnsbl_run *r)
{
	struct err e = { "" };

	for (size_t i = 0; i < set.domain.n; i++)
		if (!dnsbl_add_target(r, slice_of(set.domain.v[i]), &e))
			check_unknown("%s", e.text);
	if (set.networks != NULL)
		check_phase("reading %s", set.networks);
	if (set.networks != NULL && !dnsbl_target_file(r, set.networks, &e))
		check_unknown("%s", e.text);
	for (size_t i = 0; i < set.host.n; i++)
		add_host(r, set.host.v[i]);
	if (set.own && !dnsbl_target_own(r, &e))
		check_state(CHECK_UNKNOWN, "%s", e.text[0] != '\0' ? e.text :
		    "this machine has no way to the world");
	else if (e.text[0] != '\0')
		check_detail("%s", e.text);
	if (set.no_health && r->targets == 0)
		opt_fail(&program, "--no-health, and no address: there is nothing to ask");
}

static struct dns *
open_dns(bool first_word)
{
	struct dns_how how = { .resolver = set.resolver, .try_ms = (int)(set.patience_s * 1e3),
		.tries = (int)set.tries, .first_word = first_word };
	struct err e = { "" };
	struct dns *d = dns_open_how(&how, &e);

	if (d == NULL)
		check_unknown("%s", e.text);
	return d;
}

/* What the answers of name servers say. */
static void
ask_lists(struct dnsbl_run *r)
{
	struct buf resolver = buf_new(400);
	struct dnsbl_past *past;
	struct err e = { "" };

	r->dns = open_dns(false);
	r->plain = open_dns(true);
	r->no_health = set.no_health;
	r->deadline = check_deadline();
	dns_resolver(r->dns, &resolver);
	if (set.resolver == NULL)
		set.resolver = resolver.n > 0 ? resolver.p : "of the system";
	find_targets(r);
	check_phase("asking %zu %s", r->lists, PLURAL(r->lists, "list", "lists"));
	if (!dnsbl_ask(r, &e))
		check_unknown("%s", e.text);
	dnsbl_judge(r);
	if (set.log)
		check_phase("telling syslog");	/* whose reader may stand still */
	if (set.log && !dnsbl_log(r, &e))
		check_detail("%s", e.text);
	past = set.no_history ? NULL : xcalloc(r->lists, sizeof *past);
	if (past != NULL && !dnsbl_keep(r, slice_of(set.resolver), (int64_t)time(NULL), past, &e))
		check_detail("%s", e.text);
	dnsbl_tell(&(struct dnsbl_tell){ .run = r, .past = past, .limit = set.limit, .limits = set.limits,
		.resolver = set.resolver, .unfound = set.unfound });
}

int
main(int argc, char **argv)
{
	static struct dnsbl_table table;
	static struct dnsbl_run r;

	check_begin("DNSBL");
	check_own_limits(take_limit);
	opt_parse(&program, argc, argv);
	if (!set.from_state && (set.state.host != NULL || set.state.at != 0))
		opt_fail(&program, "%s needs --from-state", set.state.host != NULL ? "--of" : "--at");
	if (needs_tables())
		read_tables(&table);
	find_lists(&r, &table);
	if (r.lists > 0)
		ask_lists(&r);
	if (set.from_state)
		dnsbl_hits(&set.state, (double)set.least_hits);
	check_done();
}
