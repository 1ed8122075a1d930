/* check_mx - the MX of a domain: do they resolve, answer, and answer alike?
 *
 * Asks name servers, then every address of every MX the same harmless questions, none of which
 * delivers a message, and compares the verdicts. Name servers' answers are lib/mxset.c, dialogues
 * lib/mxprobe.c, what is thought of them lib/mxjudge.c. For one's own domains only. */
#include <netinet/in.h>
#include <string.h>

#include "check.h"
#include "mem.h"
#include "mxjudge.h"
#include "net.h"

#include "poison.h"

static struct {
	const char *domain, *resolver, *source, *helo, *from, *rcpt, *unknown, *elsewhere;
	int64_t port;
	bool four, six, no_tls, no_probes, greylist_ok, null_mx;
	const char *ca_file, *ca_dir;
	struct opt_list ignore, must_refuse;
} set = { .port = 25, .from = "", .elsewhere = "mxgauge@example.net" };

static const struct opt opts[] = {
	{ 'H', "domain", OPT_STRING, &set.domain, "DOMAIN", "whose MX to look at: a domain of your own" },
	{ 'r', "rcpt", OPT_STRING, &set.rcpt, "ADDRESS", "a recipient that exists; by default postmaster, "
	    "whom many servers spare what others have to pass" },
	{ 0, "unknown", OPT_STRING, &set.unknown, "ADDRESS", "a recipient that does not exist; by default "
	    "mxgauge-no-such-user in the domain" },
	{ 0, "elsewhere", OPT_STRING, &set.elsewhere, "ADDRESS", "a recipient of another domain, for relaying" },
	{ 'f', "from", OPT_STRING, &set.from, "ADDRESS", "sender; by default the null sender",
	    .empty = true },
	{ 0, "helo", OPT_STRING, &set.helo, "NAME", "name for EHLO; by default this host's, or its address "
	    "where that has no dot" },
	{ 0, "no-probes", OPT_FLAG, &set.no_probes, NULL, "go to EHLO and STARTTLS only" },
	{ 0, "must-refuse", OPT_LIST, &set.must_refuse, "PROBE", "no MX may accept this; may be given again" },
	{ 0, "ignore", OPT_LIST, &set.ignore, "WHAT", "a probe, an extension, or private, alias, twins, "
	    "implicit, tls, certificate; may be given again" },
	{ 0, "greylist-ok", OPT_FLAG, &set.greylist_ok, NULL, "greylisting is no verdict and no difference" },
	{ 0, "null-mx", OPT_FLAG, &set.null_mx, NULL, "the domain is to take no mail (RFC 7505)" },
	{ 0, "no-tls", OPT_FLAG, &set.no_tls, NULL, "do not use STARTTLS where it is offered" },
	{ 0, "ca-file", OPT_STRING, &set.ca_file, "FILE", "trusted authorities" },
	{ 0, "ca-dir", OPT_STRING, &set.ca_dir, "DIR",
	    "the same, by hashes; by default the system's folder" },
	{ 'p', "port", OPT_INT, &set.port, "PORT", "where the servers listen", .min = 1, .max = 65535 },
	{ '4', "ipv4", OPT_FLAG, &set.four, NULL, "IPv4 alone" },
	{ '6', "ipv6", OPT_FLAG, &set.six, NULL, "IPv6 alone" },
	{ 0, "resolver", OPT_STRING, &set.resolver, "ADDR[:PORT]", "name server; by default the system's" },
	{ 0, "source", OPT_STRING, &set.source, "ADDR", "address to connect from" },
	{ 0 }
};

static const struct measure measures[] = {
	{ "differences", "", "things in which the servers differ", "0" },
	{ "mx", "", "hosts that receive mail for the domain; a number alone is the least", .least = true },
	{ "addresses", "", "their addresses; a number alone is the least", .least = true },
	{ "reached", "", "addresses that answered well; a number alone is the least", .least = true },
	{ "mx_ttl", "s", "the longest TTL of the MX: so long do senders keep them" },
	{ "address_ttl", "s", "the longest TTL of their addresses" },
	{ 0 }
};

static const struct program program = {
	"check_mx", "do the MX of a domain resolve, answer, and answer alike?",
	"Spammers prefer the MX that senders should try last, because it often refuses less. Every address of "
	"every MX is asked the same, and each difference is told: whether it takes an ordinary mail "
	"(ordinary), EHLO with one word (helo-word) or with the server's own name (helo-own), a sender without a "
	"full domain (sender-word), of the domain itself (sender-own), of a domain that does not exist "
	"(sender-nodomain), an unknown recipient (unknown-rcpt), and mail for another domain (relay); "
	"and STARTTLS, the version of TLS, whether the certificate can be trusted, SIZE, and the other "
	"extensions. Each question is a dialogue of its own that ends behind RCPT: no message is ever "
	"sent. With an address they come one after the other, with all addresses at once.\n\n"
	"CRITICAL are names that do not resolve, a null MX that nobody asked for, an MX that is an "
	"address, a server that does not answer, one that relays, and an ordinary mail to -r that no MX "
	"takes. WARNING are differences, an MX that "
	"is a CNAME, addresses that the world cannot reach, two MX with one address (twins), a domain "
	"without MX, and a server that said nothing to a probe.\n\n"
	"Let the monitor's address stand in no list of trusted ones, or the servers show it what "
	"strangers do not see; exempt it from greet pauses and fail2ban. A caching resolver tells what is "
	"left of a TTL: ask the domain's own name server with --resolver.",
	opts, .measures = measures,
	.needs = "-H DOMAIN",
	.examples = "check_mx -H example.org -r anna@example.org -t 60\n"
	    "check_mx -H example.org --must-refuse unknown-rcpt -w mx_ttl=1d -w address_ttl=1h\n"
	    "check_mx -H example.org --no-probes --ignore private -c reached=2\n"
	    "check_mx -H no-mail.example.org --null-mx"
};

/* As it stands in addresses: without the dot at the end that name servers like. */
static const char *
bare(const char *domain)
{
	size_t n = strlen(domain);

	return n > 1 && domain[n - 1] == '.' ? xslicedup((struct slice){ domain, n - 1 }) : domain;
}

static const char *
in_domain(const char *local)
{
	struct buf b = buf_new(SMTP_WORD_MAX + 1);

	buf_fmt(&b, "%s@%s", local, set.domain);
	return b.p != NULL ? b.p : "";
}

static const struct net_addr *
source(void)
{
	static struct net_addr a;

	if (set.source == NULL)
		return NULL;
	if (!net_addr_parse(set.source, 0, &a))
		opt_fail(&program, "--source %s: this is no address", set.source);
	return &a;
}

static int
probe_of(const char *name)
{
	int p = 0;

	while (p < MXPROBES && strcmp(mxprobe_row[p].name, name) != 0)
		p++;
	return p;
}

static void
make_plan(struct smtp_plan *p)
{
	struct err e = { "" };

	*p = (struct smtp_plan){ .helo = set.helo != NULL ? set.helo : smtp_own_name(), .depth = SMTP_TO_EHLO,
		.tls = set.no_tls ? SMTP_PLAIN : SMTP_USE_STARTTLS, .unverified = true, .from = set.from,
		.source = source(), .transcript = check_is_verbose(2) };
	p->rcpt = (const char *const[]){ set.rcpt, set.unknown, set.elsewhere, in_domain("mxgauge") };
	p->rcpts = 4;
	if (!smtp_plan_check(p, &e))
		check_unknown("%s", e.text);
	p->rcpts = 0;	/* the probes have one each */
	if (!set.no_tls && (p->context = tlsclient_context_new(set.ca_file, set.ca_dir, false, &e)) == NULL)
		check_unknown("%s", e.text);
}

static void
check_options(struct mxprobe_run *r, struct mxjudge *j)
{
	struct err e = { "" };
	struct net_addr a;

	if (set.domain == NULL)
		opt_fail(&program, "whose MX? -H DOMAIN");
	set.domain = bare(set.domain);
	if (net_addr_parse(set.domain, 0, &a))
		opt_fail(&program, "-H takes a domain, and %s is an address", set.domain);
	if (set.four && set.six)
		opt_fail(&program, "-4 and -6 exclude each other");
	if (!net_fits(set.domain, AF_UNSPEC, &e) || !net_fits(set.source, net_family(set.four, set.six), &e))
		opt_fail(&program, "%s", e.text);
	for (size_t i = 0; i < set.ignore.n; i++)
		if (probe_of(set.ignore.v[i]) < MXPROBES)
			r->leave_out[probe_of(set.ignore.v[i])] = true;
	for (size_t i = 0; i < set.must_refuse.n; i++) {
		int p = probe_of(set.must_refuse.v[i]);

		if (p >= MXPROBES)
			opt_fail(&program, "--must-refuse %s: there is no such probe; see --help",
			    set.must_refuse.v[i]);
		j->must_refuse[p] = true;
	}
	j->rcpt_exists = set.rcpt != NULL;
	if (set.rcpt == NULL)
		set.rcpt = in_domain("postmaster");
	if (set.unknown == NULL)
		set.unknown = in_domain("mxgauge-no-such-user");
	r->domain = set.domain;
	r->rcpt = set.rcpt;
	r->unknown = set.unknown;
	r->elsewhere = set.elsewhere;
	r->no_probes = set.no_probes;
	j->greylist_ok = set.greylist_ok;
	j->null_wanted = set.null_mx;
	j->ignored = set.ignore.v;
	j->ignores = set.ignore.n;
}

int
main(int argc, char **argv)
{
	static struct smtp_plan plan;
	static struct mxset m;
	static struct mxprobe_run r;
	struct mxjudge j = { .greylist_ok = false };
	struct err e = { "" };

	check_begin("MX");
	opt_parse(&program, argc, argv);
	check_options(&r, &j);
	make_plan(&plan);
	r.plan = &plan;
	r.deadline = check_deadline();
	m = (struct mxset){ .domain = set.domain, .dns = dns_open(set.resolver, &e),
		.family = net_family(set.four, set.six), .port = (uint16_t)set.port };
	if (m.dns == NULL)
		check_unknown("%s", e.text);
	check_phase("asking name servers for %s", set.domain);
	mxset_find(&m, check_deadline());
	check_phase("asking the MX of %s", set.domain);
	mxprobe_ask(&r, &m);
	mxjudge_tell(&j, &m, &r);
	check_done();
}
