/* check_smtp_latency - how long a mail server takes, phase by phase.
 *
 * Holds the dialogue that a sending mail server would hold, to the depth that is asked for,
 * with one server or with many at once, and ends it politely. It never delivers a message
 * unless told to (--message). What servers say passes check_clean() or the check's own
 * cleaning. The dialogue itself is lib/smtp.c, names and runs lib/smtp_targets.c. */
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "mem.h"
#include "mtasts.h"
#include "net.h"
#include "secret.h"
#include "smtp_judge.h"
#include "smtp_targets.h"

#include "poison.h"

static struct {
	struct opt_list hosts, mx;
	int64_t port, count, size;
	const char *socket, *resolver, *source;
	bool four, six, each_address;
	bool lmtp, starttls, tls, banner_only, message, eicar, gtube;
	const char *helo, *from, *subject;
	struct opt_list rcpt;
	const char *user, *password_file, *password_env, *auth;
	bool cleartext;
	struct opt_list xclient;
	int64_t proxy;
	const char *proxy_client;
	bool pipelining, no_chunking;
	bool no_verify, dane, mta_sts;
	const char *ca_file, *ca_dir, *tls_name, *tls_min;
	struct opt_list expect;
	bool greylist_ok;
	int talk;
} set = { .count = 1, .from = "", .tls_min = "1.2", .password_env = "MXGAUGE_PASSWORD" };

static const struct opt opts[] = {
	{ 'H', "hostname", OPT_LIST, &set.hosts, "HOST",
	    "name or address of a server; may be given again: all are asked at once" },
	{ 0, "mx", OPT_LIST, &set.mx, "DOMAIN",
	    "every address of every MX of this domain; may be given again" },
	{ 0, "socket", OPT_STRING, &set.socket, "PATH", "a server on a socket in the file system" },
	{ 'p', "port", OPT_INT, &set.port, "PORT",
	    "by default 25, with --tls 465, with --user 587, with --lmtp 24", .min = 0, .max = 65535 },
	{ '4', "ipv4", OPT_FLAG, &set.four, NULL, "IPv4 alone" },
	{ '6', "ipv6", OPT_FLAG, &set.six, NULL, "IPv6 alone" },
	{ 0, "each-address", OPT_FLAG, &set.each_address, NULL,
	    "each address of a host, and not the first that can be reached" },
	{ 0, "resolver", OPT_STRING, &set.resolver, "ADDR[:PORT]", "name server; by default the system's" },
	{ 0, "source", OPT_STRING, &set.source, "ADDR", "address to connect from" },

	{ 0, "lmtp", OPT_FLAG, &set.lmtp, NULL, "speak LMTP" },
	{ 'S', "starttls", OPT_FLAG, &set.starttls, NULL, "go on with TLS after EHLO" },
	{ 0, "tls", OPT_FLAG, &set.tls, NULL, "TLS from the start (submissions, SMTPS)" },
	{ 0, "banner", OPT_FLAG, &set.banner_only, NULL, "go to the banner only, then QUIT" },
	{ 'r', "rcpt", OPT_LIST, &set.rcpt, "ADDRESS",
	    "go to RCPT with this recipient, then RSET and QUIT; may be given again" },
	{ 'm', "message", OPT_FLAG, &set.message, NULL, "send a real message to each --rcpt" },
	{ 0, "eicar", OPT_FLAG, &set.eicar, NULL, "--message with the test virus EICAR" },
	{ 0, "gtube", OPT_FLAG, &set.gtube, NULL, "--message with the test spam GTUBE" },
	{ 0, "size", OPT_INT, &set.size, "BYTES", "make the message about so much longer",
	    .min = 0, .max = 32e6 },
	{ 'f', "from", OPT_STRING, &set.from, "ADDRESS", "sender; by default the null sender",
	    .empty = true },
	{ 0, "subject", OPT_STRING, &set.subject, "TEXT", "in place of \"mxgauge probe\"" },
	{ 0, "helo", OPT_STRING, &set.helo, "NAME", "name for EHLO; by default this host's, or its address "
	    "where that has no dot" },

	{ 'u', "user", OPT_STRING, &set.user, "NAME", "log in; the password comes from a file or "
	    "the environment" },
	{ 0, "password-file", OPT_STRING, &set.password_file, "FILE", "its first line is the password" },
	{ 0, "password-env", OPT_STRING, &set.password_env, "VARIABLE", "where the password is else" },
	{ 0, "auth", OPT_CHOICE, &set.auth, "SCRAM-SHA-256|CRAM-MD5|PLAIN|LOGIN",
	    "by default the best that is offered" },
	{ 0, "cleartext", OPT_FLAG, &set.cleartext, NULL, "show the password without TLS, too" },
	{ 0, "xclient", OPT_LIST, &set.xclient, "NAME=VALUE",
	    "pretend to be another client: ADDR=192.0.2.1; may be given again" },
	{ 0, "proxy", OPT_INT, &set.proxy, "1|2", "begin with a header of the PROXY protocol",
	    .min = 1, .max = 2 },
	{ 0, "proxy-client", OPT_STRING, &set.proxy_client, "ADDR", "and name this client in it" },
	{ 0, "pipelining", OPT_FLAG, &set.pipelining, NULL, "where it is offered, send MAIL, RCPT and "
	    "DATA in one go, as mail servers do; their single times then say little" },
	{ 0, "no-chunking", OPT_FLAG, &set.no_chunking, NULL, "DATA also where BDAT is offered" },

	{ 0, "no-verify", OPT_FLAG, &set.no_verify, NULL, "look at certificates without judging them" },
	{ 0, "ca-file", OPT_STRING, &set.ca_file, "FILE", "trusted authorities" },
	{ 0, "ca-dir", OPT_STRING, &set.ca_dir, "DIR",
	    "the same, by hashes; by default the system's folder" },
	{ 0, "tls-name", OPT_STRING, &set.tls_name, "NAME",
	    "whose certificate it must be; by default the host's" },
	{ 0, "tls-min", OPT_CHOICE, &set.tls_min, "1.0|1.1|1.2|1.3", "an older version is WARNING" },
	{ 0, "dane", OPT_FLAG, &set.dane, NULL, "the certificate must be what TLSA records say; needs "
	    "a resolver that validates" },
	{ 0, "mta-sts", OPT_FLAG, &set.mta_sts, NULL,
	    "with --mx: hold the MX against the domain's MTA-STS policy" },

	{ 'n', "count", OPT_INT, &set.count, "N", "run so often, one after the other",
	    .min = 1, .max = 1000 },
	{ 'e', "expect", OPT_LIST, &set.expect, "PHASE=CODE[ TEXT]",
	    "the reply must be this: \"banner=220 mx1\", accept=5xx; a refusal that was expected ends "
	    "the dialogue well" },
	{ 0, "greylist-ok", OPT_FLAG, &set.greylist_ok, NULL, "greylisting is no trouble" },
	{ 0 }
};

static const struct measure measures[] = {
	{ "total", "s", "the whole dialogue, with the name server's answers" },
	{ "dns", "s", "until the addresses are known" },
	{ "connect", "s", "until the connection stands" },
	{ "banner", "s", "until the server has said 220" },
	{ "ehlo", "s", "EHLO; with --xclient that too" },
	{ "starttls", "s", "STARTTLS, the handshake, and EHLO again" },
	{ "auth", "s", "login" },
	{ "mail", "s", "MAIL FROM" },
	{ "rcpt", "s", "RCPT TO, all of them" },
	{ "data", "s", "DATA, and sending the message" },
	{ "accept", "s", "from the final dot to the reply: filters work here" },
	{ "quit", "s", "RSET and QUIT" },
	{ "p50", "s", "with --count: half of the runs took at most this" },
	{ "p95", "s", "with --count: 95 % of the runs took at most this" },
	{ "max", "s", "with --count: the longest run" },
	{ "cert", "s", "until the certificate ends; a number alone is the least that is well, and needs its "
	    "unit: cert=21d", .least = true, .in_full = "21d" },
	{ "cert_left", "%", "the same as a share of its lifetime: cert_left=33%", .least = true },
	{ 0 }
};

static const struct program program = {
	"check_smtp_latency", "how long a mail server takes, phase by phase",
	"Without further options the dialogue goes to EHLO and ends with QUIT. A server that cannot be "
	"reached, does not answer in time, answers nonsense or refuses what was asked is CRITICAL, and "
	"the sentence has the phase, the code and the text. Each phase has its own limits: -w accept=5s "
	"finds a slow content filter, -w banner=2s a slow resolver or too few processes.\n\n"
	"With several servers all are asked at once, each measurement is the slowest server's, and the "
	"worst server stands first. The commands are sent one by one, so that each has its own time; "
	"only those of one phase go together where PIPELINING is offered. Where CHUNKING is offered "
	"messages go by BDAT.\n\n"
	"Certificates are verified by chain and name. Old versions of TLS and weak ciphers are spoken, "
	"so that they are seen and told. Do not go deeper than EHLO with servers of others.",
	opts, .measures = measures,
	.needs = "-H HOST|--mx DOMAIN|--socket PATH",
	.examples = "check_smtp_latency -H mx1.example.org -w banner=2s -c total=8s\n"
	    "check_smtp_latency --mx example.org --starttls -w cert=21d -c cert=7d\n"
	    "check_smtp_latency -H mx1.example.org -r probe@example.org -m -w accept=5s\n"
	    "check_smtp_latency -H mx1.example.org -r probe@example.org --eicar -e accept=5xx\n"
	    "check_smtp_latency -H mail.example.org --tls -u probe --password-file /etc/nagios/probe\n"
	    "check_smtp_latency --socket /run/dovecot/lmtp --lmtp -r probe@example.org"
};

/* --- options to plan ----------------------------------------------------------------------- */

static void
need(bool good, const char *sentence)
{
	if (!good)
		opt_fail(&program, "%s", sentence);
}

static void
check_options(void)
{
	bool deep = set.message || set.eicar || set.gtube;
	int family = net_family(set.four, set.six);
	struct err e = { "" };

	need(set.hosts.n + set.mx.n > 0 || set.socket != NULL, "whom to ask? -H, --mx or --socket");
	need(!(set.starttls && set.tls), "--starttls and --tls exclude each other");
	need(!(set.four && set.six), "-4 and -6 exclude each other");
	need(!deep || set.rcpt.n > 0, "a message needs a recipient: --rcpt");
	need(!(set.banner_only && (set.rcpt.n > 0 || set.user != NULL || set.starttls)),
	    "--banner goes no further than the banner");
	need(!set.dane || set.starttls || set.tls, "--dane needs --starttls or --tls");
	need(!set.dane || !set.no_verify, "--dane and --no-verify exclude each other");
	need(!set.mta_sts || set.mx.n > 0, "--mta-sts needs --mx");
	need(!set.mta_sts || set.starttls, "--mta-sts needs --starttls");
	need(set.proxy_client == NULL || set.proxy > 0, "--proxy-client needs --proxy");
	need(set.user == NULL || set.user[0] != '\0', "--user is empty");
	for (size_t i = 0; i < set.hosts.n; i++)
		need(net_fits(set.hosts.v[i], family, &e), e.text);
	need(net_fits(set.source, family, &e), e.text);
}

static const struct net_addr *
address_of(const char *option, const char *text)
{
	struct net_addr *a = xmalloc(sizeof *a);

	if (text == NULL)
		return NULL;
	if (!net_addr_parse(text, 0, a))
		opt_fail(&program, "%s %s: this is no address", option, text);
	return a;
}

static void
plan_expect(struct smtp_plan *p)
{
	for (size_t i = 0; i < set.expect.n; i++) {
		struct slice reply = slice_of(set.expect.v[i]), name;
		int phase = SMTP_PHASES;

		if (slice_cut(&reply, '=', &name))
			for (phase = SMTP_BANNER; phase < SMTP_TOTAL; phase++)
				if (slice_eq(name, slice_of(smtp_phase_name[phase])))
					break;
		if (phase >= SMTP_TOTAL || !smtp_expect_parse(reply, &p->expect[phase]))
			opt_fail(&program, "--expect %s: it is PHASE=CODE or \"PHASE=CODE TEXT\", as in "
			    "accept=5xx; phases: banner to quit", set.expect.v[i]);
	}
}

static void
plan_login(struct smtp_plan *p)
{
	struct err e = { "" };
	char *password;

	if (set.user == NULL)
		return;
	password = secret_read("--password-file", set.password_file, set.password_env, &e);
	if (password == NULL)
		check_unknown("%s", e.text);
	p->user = slice_of(set.user);
	p->password = slice_of(password);
	p->mech = set.auth != NULL ? sasl_mech_of(slice_of(set.auth)) : SASL_NONE;
	p->clear_password = set.cleartext;
}

static void
make_plan(struct smtp_plan *p)
{
	bool deep = set.message || set.eicar || set.gtube;
	struct err e = { "" };

	*p = (struct smtp_plan){ .lmtp = set.lmtp, .helo = set.helo != NULL ? set.helo : smtp_own_name(),
		.depth = set.banner_only ? SMTP_TO_BANNER : deep ? SMTP_TO_ACCEPT :
		    set.rcpt.n > 0 ? SMTP_TO_RCPT : SMTP_TO_EHLO,
		.tls = set.tls ? SMTP_USE_TLS : set.starttls ? SMTP_USE_STARTTLS : SMTP_PLAIN,
		.unverified = set.no_verify, .from = set.from, .rcpt = set.rcpt.v, .rcpts = set.rcpt.n,
		.xclient = set.xclient.v, .xclients = set.xclient.n, .proxy = (int)set.proxy,
		.proxy_client = address_of("--proxy-client", set.proxy_client),
		.source = address_of("--source", set.source), .pipelining = set.pipelining,
		.no_chunking = set.no_chunking, .transcript = check_is_verbose(2) };
	p->message = (struct smtp_message){ .from = set.from, .to = deep ? set.rcpt.v[0] : "",
		.host = p->helo[0] != '\0' ? p->helo : "localhost", .subject = set.subject, .eicar = set.eicar, .gtube = set.gtube,
		.padding = (size_t)set.size };
	plan_expect(p);
	plan_login(p);
	if (!smtp_plan_check(p, &e))
		check_unknown("%s", e.text);
	if (p->tls != SMTP_PLAIN &&
	    (p->context = tlsclient_context_begin(set.ca_file, set.ca_dir, set.dane, &e)) == NULL)
		check_unknown("%s", e.text);
	/* with one dialogue no time of a server's passes while it is waited for */
	if (p->tls != SMTP_PLAIN && (set.hosts.n != 1 || set.mx.n > 0 || set.each_address || set.count > 1) &&
	    !tlsclient_context_ready(p->context, &e))
		check_unknown("%s", e.text);
}

static uint16_t
port(void)
{
	if (set.port > 0)
		return (uint16_t)set.port;
	return set.lmtp ? 24 : set.tls ? 465 : set.user != NULL ? 587 : 25;
}

/* --- asking -------------------------------------------------------------------------------- */

static struct dns *
resolver(void)
{
	struct net_addr a;
	struct err e = { "" };
	struct dns *d;
	bool named = set.mx.n > 0;

	for (size_t i = 0; i < set.hosts.n; i++)
		named = named || !net_addr_parse(set.hosts.v[i], 0, &a);
	if (!named)
		return NULL;
	d = dns_open(set.resolver, &e);
	if (d == NULL)
		check_unknown("%s", e.text);
	return d;
}

static void
ask(struct smtp_targets *t)
{
	check_phase("asking %s", set.hosts.n > 0 ? set.hosts.v[0] : set.mx.n > 0 ? set.mx.v[0] :
	    set.socket);
	if (set.socket != NULL)
		smtp_targets_path(t, set.socket);
	for (size_t i = 0; i < set.hosts.n; i++)
		smtp_targets_host(t, set.hosts.v[i]);
	for (size_t i = 0; i < set.mx.n; i++)
		smtp_targets_mx(t, set.mx.v[i]);
	smtp_targets_run(t);
}

/* Is each MX one that the policy of its domain names? The certificates were verified. */
static void
judge_policies(const struct smtp_targets *t)
{
	for (size_t i = 0; i < set.mx.n; i++) {
		struct mtasts_policy p;
		struct err e = { "" };
		bool ours;

		check_phase("reading the MTA-STS policy of %s", set.mx.v[i]);
		if (!mtasts_fetch(&p, t->dns, set.mx.v[i], set.ca_file, t->deadline, &ours, &e)) {
			check_state(ours ? CHECK_UNKNOWN : CHECK_CRITICAL, "MTA-STS of %s: %s", set.mx.v[i], e.text);
			continue;
		}
		check_detail("MTA-STS of %s: mode %s, id %s, max_age %s", set.mx.v[i], p.mode, p.id,
		    check_people((double)p.max_age_s, "s"));
		for (size_t j = 0; j < t->targets; j++) {
			const struct smtp_target *g = t->target[j];

			if (g->domain != NULL && strcmp(g->domain, set.mx.v[i]) == 0 && g->sessions > 0 &&
			    g->addrs > 0 && !mtasts_matches(&p, g->host))
				check_state(CHECK_CRITICAL, "MTA-STS of %s: its policy does not name the MX %s",
				    set.mx.v[i], g->host);
		}
		mtasts_free(&p);
	}
}

int
main(int argc, char **argv)
{
	static struct smtp_plan plan;
	struct smtp_targets t = { .plan = &plan };
	struct smtp_judge j = { .greylist_ok = false };

	check_begin("SMTP");
	opt_parse(&program, argc, argv);
	check_options();
	make_plan(&plan);
	t.dns = resolver();
	t.port = port();
	t.family = net_family(set.four, set.six);
	t.tls_name = set.tls_name;
	t.each_address = set.each_address;
	t.dane = set.dane;
	t.count = (size_t)set.count;
	t.deadline = check_deadline();
	ask(&t);
	if (set.mta_sts)
		judge_policies(&t);
	j.greylist_ok = set.greylist_ok;
	j.tls_min = set.tls_min[2] - '0' + 10;
	smtp_judge(&j, &t);
	check_done();
}
