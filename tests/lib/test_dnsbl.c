/* test_dnsbl.c - patterns of codes, the table of lists, networks, and the names that are asked. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dnsbl_from.h"
#include "dnsbl_judge.h"
#include "dnsbl_log.h"
#include "dnsbl_targets.h"
#include "tap.h"

static const struct {
	const char *pattern;
	unsigned char ip[4];
	bool good, hit;
} patterns[] = {
	{ "127.0.0.2", { 127, 0, 0, 2 }, true, true },
	{ "127.0.0.2", { 127, 0, 0, 3 }, true, false },
	{ "127.0.0.[2..11]", { 127, 0, 0, 11 }, true, true },
	{ "127.0.0.[2..11]", { 127, 0, 0, 12 }, true, false },
	{ "127.0.[0;3].[2..4;9]", { 127, 0, 3, 9 }, true, true },
	{ "127.0.[0;3].[2..4;9]", { 127, 0, 2, 9 }, true, false },
	{ "127.0.0.2, 127.0.0.4", { 127, 0, 0, 4 }, true, true },
	{ "127.0.0", { 127, 0, 0, 2 }, false, false },
	{ "127.0.0.256", { 127, 0, 0, 2 }, false, false },
	{ "127.0.0.[4..2]", { 127, 0, 0, 3 }, false, false },
	{ "127.0.0.[2", { 127, 0, 0, 2 }, false, false },
	{ "127.0.0.2x", { 127, 0, 0, 2 }, false, false },
	{ "127.0.0.2,", { 127, 0, 0, 2 }, true, true },
	{ "", { 127, 0, 0, 2 }, false, false },
};

static void
test_patterns(void)
{
	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
		bool good, hit = dnsbl_match(slice_of(patterns[i].pattern), patterns[i].ip, &good);

		ok(good == patterns[i].good && hit == patterns[i].hit, "pattern \"%s\"", patterns[i].pattern);
	}
}

static bool
read_text(struct dnsbl_table *t, const char *text, struct err *e)
{
	char path[] = "/tmp/mx-dnsbl.XXXXXX";
	int fd = mkstemp(path);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0 &&
	    dnsbl_read(t, path, e);

	unlink(path);
	return good;
}

static const struct {
	const char *text, *complaint;
} bad[] = {
	{ "listed 127.0.0.2 x\n", ":1: a line \"list ZONE\" comes first" },
	{ "list a.example\n", ":1: a list has a zone" },
	{ "list a.example ip5\n", ":1: a list has a zone" },
	{ "list a.example allow\n", ":1: a list has a zone" },
	{ "list a.example ip4\n\tlisted 127.0.0 x\n", ":2: a code is like" },
	{ "list a.example ip4\n\tlisted bit 3 x\n", ":2: a bit is" },
	{ "list a.example ip4\n\tlisted bit 256 x\n", ":2: a bit is" },
	{ "list a.example ip4\n\n\tlistet 127.0.0.2\n", ":3: there is no \"listet\"" },
	{ "list a.example ip4\n\tdead\n", ":2: dead since when" },
};

static void
test_table(void)
{
	struct dnsbl_table t = { .rows = 0 };
	struct err e = { "" };

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct dnsbl_table none = { .rows = 0 };

		ok(!read_text(&none, bad[i].text, &e) && strstr(e.text, bad[i].complaint) != NULL, "bad table: %s",
		    bad[i].complaint);
		dnsbl_free(&none);
	}
	ok(dnsbl_read(&t, "plugins/dnsbl.conf", &e), "dnsbl.conf is well formed %s", e.text);
	ok(dnsbl_row(&t, SLICE("ZEN.spamhaus.org")) != NULL &&
	    strcmp(dnsbl_row(&t, SLICE("ZEN.spamhaus.org"))->zone, "zen.spamhaus.org") == 0, "a row by its name");
	is_str(dnsbl_row(&t, SLICE("KEY.zen.dq.spamhaus.net"))->zone, "*.zen.dq.spamhaus.net", "a row for keys");
	is_str(dnsbl_row(&t, SLICE("bl.example.org"))->zone, "*", "and for every other list");
	ok(dnsbl_row(&t, SLICE("dnsbl.sorbs.net"))->dead != NULL, "a dead one");
	ok(read_text(&t, "list zen.spamhaus.org ip4\n\tlisted 127.0.0.7 5 ours\n", &e) &&
	    dnsbl_row(&t, SLICE("zen.spamhaus.org"))->codes == 1 &&
	    dnsbl_row(&t, SLICE("zen.spamhaus.org"))->code[0].weight > 4.9, "a later row replaces it");
	dnsbl_free(&t);
}

static const struct {
	const char *zone;
	unsigned char ip[4];
	enum dnsbl_says says[3];
	size_t n;
} codes[] = {
	{ "zen.spamhaus.org", { 127, 0, 0, 4 }, { DNSBL_LISTED }, 1 },
	{ "zen.spamhaus.org", { 127, 0, 0, 77 }, { DNSBL_STRANGE }, 1 },
	{ "zen.spamhaus.org", { 127, 255, 255, 254 }, { DNSBL_BLOCKED }, 1 },
	{ "zen.spamhaus.org", { 127, 255, 255, 7 }, { DNSBL_BLOCKED }, 1 },
	{ "zen.spamhaus.org", { 192, 0, 2, 1 }, { DNSBL_OUTSIDE }, 1 },
	{ "multi.surbl.org", { 127, 0, 0, 192 }, { DNSBL_LISTED, DNSBL_LISTED }, 2 },
	{ "multi.surbl.org", { 127, 0, 0, 1 }, { DNSBL_BLOCKED }, 1 },
	{ "multi.surbl.org", { 127, 0, 0, 2 }, { DNSBL_STRANGE }, 1 },
	{ "hostkarma.junkemailfilter.com", { 127, 0, 0, 1 }, { DNSBL_NOTHING }, 1 },
	{ "list.dnswl.org", { 127, 0, 0, 255 }, { DNSBL_BLOCKED }, 1 },
	{ "list.dnswl.org", { 127, 0, 10, 3 }, { DNSBL_BLOCKED }, 1 },
	{ "unheard.example.org", { 127, 0, 0, 9 }, { DNSBL_LISTED }, 1 },
	{ "unheard.example.org", { 127, 0, 0, 1 }, { DNSBL_BLOCKED }, 1 },
	{ "unheard.example.org", { 0, 0, 0, 0 }, { DNSBL_OUTSIDE }, 1 },
};

static void
test_codes(void)
{
	struct dnsbl_table t = { .rows = 0 };

	(void)dnsbl_read(&t, "plugins/dnsbl.conf", NULL);
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		const struct dnsbl_row *row = dnsbl_row(&t, slice_of(codes[i].zone));
		struct dnsbl_reading r;
		size_t at = 0, n = 0;
		bool good = true;

		while (dnsbl_next(row, codes[i].ip, &at, &r)) {
			good = good && n < codes[i].n && r.says == codes[i].says[n];
			n++;
		}
		ok(good && n == codes[i].n, "%u.%u.%u.%u of %s", codes[i].ip[0], codes[i].ip[1], codes[i].ip[2],
		    codes[i].ip[3], codes[i].zone);
	}
	dnsbl_free(&t);
}

static void
test_questions(void)
{
	static const struct {
		const char *target, *question;
	} cases[] = {
		{ "192.0.2.99", "99.2.0.192.bl.example.org" },
		{ "::ffff:192.0.2.99", "99.2.0.192.bl.example.org" },
		{ "2001:db8::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.example.org" },
		{ "Mail.Example.com.", "mail.example.com.bl.example.org" },
	};
	struct dnsbl_run r = { .lists = 0 };
	struct err e = { "" };

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf b = buf_new(300);

		ok(dnsbl_add_target(&r, slice_of(cases[i].target), &e) &&
		    dnsbl_question(&b, &r.target[0], "bl.example.org") && strcmp(b.p, cases[i].question) == 0,
		    "the question for %s", cases[i].target);
		dnsbl_clear(&r);
		buf_free(&b);
	}
	ok(!dnsbl_add_target(&r, SLICE("no name"), &e) && !dnsbl_add_target(&r, SLICE("a..b"), &e) &&
	    !dnsbl_add_target(&r, SLICE(""), &e) && !dnsbl_add_target(&r, SLICE("a|b"), &e), "no names");
	ok(dnsbl_add_list(&r, &(struct dnsbl_table){ .rows = 0 }, SLICE("bl/example"), &e) == NULL, "no zone");
	dnsbl_clear(&r);
}

static void
test_networks(void)
{
	static const struct {
		const char *net;
		size_t n;
		const char *last;
	} cases[] = {
		{ "192.0.2.16/28", 16, "192.0.2.31" }, { "192.0.2.1/32", 1, "192.0.2.1" },
		{ "192.0.0.0/22", 1024, "192.0.3.255" }, { "2001:db8::10/126", 4, "2001:db8::13" },
		{ "192.0.2.0/19", 0, NULL }, { "192.0.2.0/33", 0, NULL }, { "2001:db8::/64", 0, NULL },
		{ "192.0.2.0/", 0, NULL }, { "example.org/28", 0, NULL },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct dnsbl_run r = { .lists = 0 };
		bool good = dnsbl_target_net(&r, slice_of(cases[i].net), NULL);

		ok(good == (cases[i].n > 0) && r.targets == cases[i].n &&
		    (!good || strcmp(r.target[r.targets - 1].text, cases[i].last) == 0), "network %s", cases[i].net);
		dnsbl_clear(&r);
	}
}

/* "zone kinds who how filter rejects" of each use, in the order in which they were found. */
static void
show_uses(const struct dnsbl_run *r, struct buf *b)
{
	for (size_t i = 0; i < r->lists; i++) {
		const struct dnsbl_list *l = &r->list[i];

		for (size_t u = 0; u < l->uses; u++)
			buf_fmt(b, "%s%s/%u/%s/%s/%s/%s", b->n > 0 ? " " : "", l->zone, l->kinds, l->use[u].who,
			    l->use[u].how, l->use[u].filter != NULL ? l->use[u].filter : "any",
			    l->use[u].rejects ? "rejects" : "no");
	}
}

static void
is_from(bool (*read)(struct dnsbl_from *, struct slice, struct err *), const char *text, const char *want,
    size_t unclear, const char *what)
{
	struct dnsbl_table t = { .rows = 0 };
	struct dnsbl_run r = { .lists = 0 };
	struct dnsbl_from f = { .run = &r, .table = &t };
	struct err e = { "" };
	struct buf b = buf_new(4096);

	ok(read(&f, slice_of(text), &e), "%s: understood %s", what, e.text);
	show_uses(&r, &b);
	is_str(b.p != NULL ? b.p : "", want, what);
	is_int((long long)f.unclear, (long long)unclear, "and so many are unclear");
	dnsbl_clear(&r);
	buf_free(&b);
}

static void
test_postfix(void)
{
	is_from(dnsbl_text_postfix, "smtpd_client_restrictions = permit_mynetworks, reject_rbl_client  zen.example.org=127.0.0.[2..11],\n"
	    "smtpd_recipient_restrictions = { check_x y }, warn_if_reject reject_rbl_client b.example.org reject_rhsbl_sender d.example.org\n"
	    "smtpd_relay_restrictions = permit_dnswl_client w.example.org=127.0.[2..14].[1..3]\n"
	    "smtp/inet/smtpd_client_restrictions = reject_rbl_client m.example.org\n"
	    "default_rbl_reply = $rbl_code reject_rbl_client\n",
	    "zen.example.org/3/Postfix/reject_rbl_client/127.0.0.[2..11]/rejects "
	    "b.example.org/3/Postfix/reject_rbl_client/any/no d.example.org/4/Postfix/reject_rhsbl_sender/any/rejects "
	    "w.example.org/11/Postfix/permit_dnswl_client/127.0.[2..14].[1..3]/no "
	    "m.example.org/3/Postfix/reject_rbl_client/any/rejects", 0, "restrictions of Postfix");
	is_from(dnsbl_text_postfix, "postscreen_dnsbl_action = enforce\npostscreen_dnsbl_threshold = 3\n"
	    "postscreen_dnsbl_sites = zen.example.org*3, b.example.org=127.0.0.2*2 w.example.org*-2\tc.example.org\n",
	    "zen.example.org/3/postscreen/postscreen_dnsbl_sites/any/rejects "
	    "b.example.org/3/postscreen/postscreen_dnsbl_sites/127.0.0.2/no "
	    "w.example.org/11/postscreen/postscreen_dnsbl_sites/any/no "
	    "c.example.org/3/postscreen/postscreen_dnsbl_sites/any/no", 0, "sites of postscreen");
	is_from(dnsbl_text_postfix, "postscreen_dnsbl_action = ignore\npostscreen_dnsbl_sites = zen.example.org\n",
	    "zen.example.org/3/postscreen/postscreen_dnsbl_sites/any/no", 0, "postscreen that only notes");
	is_from(dnsbl_text_postfix, "x = reject_rbl_client\ny = reject_rbl_client $zone, reject_rbl_client local\n", "", 2,
	    "zones that are no names");
}

static void
test_exim(void)
{
	is_from(dnsbl_text_exim, "LISTS = a.example.org=127.0.0.2,127.0.0.4 : b.example.org\n# dnslists = no.example.org\n"
	    "c:\n  deny message = x\n    # a remark\n    dnslists = LISTS : \\\n   # one within\n"
	    "      d.example.org/$sender_address_domain : +include_unknown : e.example.org&0.0.0.2\n"
	    "  warn !dnslists = <; f.example.org; g.example.org!=127.0.0.3; ${if eq{a}{b}{h.example.org}}\n"
	    "  accept dnslists = w.example.org,w2.example.org=127.0.0.1/$sender_host_address\n"
	    "  drop dnslists=i.example.org\n",
	    "a.example.org/3/Exim/dnslists/127.0.0.2,127.0.0.4/rejects b.example.org/3/Exim/dnslists/any/rejects "
	    "d.example.org/4/Exim/dnslists/any/rejects e.example.org/3/Exim/dnslists//rejects "
	    "f.example.org/3/Exim/dnslists/any/no g.example.org/3/Exim/dnslists//no "
	    "w.example.org/11/Exim/dnslists/127.0.0.1/no i.example.org/3/Exim/dnslists/any/rejects", 1, "Exim");
	is_from(dnsbl_text_exim, "A = B\nB = A\ndeny dnslists = A\n", "", 1, "macros in a circle");
}

static void
test_other_mtas(void)
{
	is_from(dnsbl_text_sendmail, "Kdnsbl dns -R A -T<TMP>\n# DNS based IP address spam list a.example.org\n"
	    "R$-.$-.$-.$-\t\t$: <?> $(dnsbl $4.$3.$2.$1.a.example.org. $: OK $)\n"
	    "R$-.$-.$-.$-\t\t$: <?> $(ednsbl $4.$3.$2.$1.b.example.org. $: OK $)\n",
	    "a.example.org/1/Sendmail/dnsbl/any/rejects b.example.org/1/Sendmail/enhdnsbl//rejects", 0, "Sendmail");
	is_from(dnsbl_text_spamassassin, "header __A eval:check_rbl('a', 'a.example.org.')\n"
	    "header A_SUB eval:check_rbl_sub('a', '127.0.0.2')\n"
	    "header\tB\teval:check_rbl_txt('b-firsttrusted','b.example.org.', 'x')\n"
	    "header C eval:check_rbl('c', 'c.example.org')\nscore C 0 0 0 0\n"
	    "header D eval:check_rbl_envfrom('d', 'd.example.org.')\nscore D 0 1 0 1\n"
	    "  urirhssub E multi.example.org. A 2\nuridnsbl F f.example.org. TXT\n"
	    "askdns G _DKIMDOMAIN_.g.example.org A /x/\naskdns H _SENDERDOMAIN_ TXT /y/\n"
	    "urirhsbl I i.example.org. A\ndns_query_restriction deny i.example.org\n#urirhsbl J j.example.org. A\n"
	    "score K 0\nscore K 1\nurirhsbl K k.example.org. A\n",
	    "a.example.org/3/SpamAssassin/check_rbl//no b.example.org/11/SpamAssassin/check_rbl//no "
	    "d.example.org/4/SpamAssassin/check_rbl//no multi.example.org/4/SpamAssassin/urirhssub//no "
	    "f.example.org/3/SpamAssassin/uridnsbl//no g.example.org/4/SpamAssassin/askdns//no "
	    "k.example.org/4/SpamAssassin/urirhsbl//no", 0, "SpamAssassin");
}

/* An answer to one question: none, "no such name", or an address. */
static struct dnsbl_reply
reply(bool answered, unsigned char last, double took_s)
{
	struct dnsbl_reply r = { .asked = true, .answered = answered, .took_s = took_s,
		.fault = last > 0 ? DNS_WELL : DNS_NO_NAME, .addr = { { 127, 0, 0, last } }, .n = last > 0 };

	return r;
}

static void
is_logged(struct dnsbl_run *r, const char *want, const char *what)
{
	struct buf b = buf_new(DNSBL_LINE_BYTES);

	dnsbl_log_line(&b, r, &r->list[0]);
	is_str(b.n > 0 ? b.p : "", want, what);
	buf_free(&b);
}

static void
test_log(void)
{
	struct dnsbl_code code = { .says = DNSBL_LISTED, .pattern = "127.0.0.[2..255]", .weight = 1, .words = "" };
	struct dnsbl_row row = { .zone = "*", .code = &code, .codes = 1 };
	struct dnsbl_reply of[2] = { reply(true, 2, 0.0401), reply(false, 0, 1.5) };
	char zone[] = "zen.example.org", keyed[] = "w32duasl7xhmhiqgeoc4tg3ojy.zen.dq.example.org", wide[300];
	struct dnsbl_list l = { .zone = zone, .health = DNSBL_OK, .latency_s = 0.01234, .row = &row,
		.test = reply(true, 2, 0.001), .random = reply(true, 0, 0.01234), .of = of };
	struct dnsbl_run r = { .list = &l, .lists = 1, .targets = 2 };

	is_logged(&r, "list=zen.example.org health=ok latency_ms=12.3 slowest_ms=40.1 asked=4 answered=3 listed=1 of=2",
	    "the line of a list");
	l.zone = keyed;
	l.health = DNSBL_TIMED_OUT;
	l.latency_s = (double)NAN;
	l.test = l.random = (struct dnsbl_reply){ .asked = true };
	r.targets = 0;
	is_logged(&r, "list=zen.dq.example.org health=timeout latency_ms=- slowest_ms=- asked=2 answered=0 listed=0 of=0",
	    "a customer's key stays a secret");
	ok(dnsbl_resolver(&r) == DNSBL_RESOLVES, "one list that is mute may be alone in that");
	r.control = (struct dnsbl_reply){ .asked = true };
	ok(dnsbl_resolver(&r) == DNSBL_MUTE, "unless nothing else is answered");
	r.control = reply(true, 2, 0.1);
	ok(dnsbl_resolver(&r) == DNSBL_LIES, "an answer for a name that nobody has is a lie");
	memset(wide, 'w', sizeof wide);
	for (size_t i = 50; i < sizeof wide; i += 51)
		wide[i] = '.';
	wide[sizeof wide - 1] = '\0';
	l.zone = wide;
	is_logged(&r, "", "a name that is too long is left out");
}

int
main(void)
{
	test_log();
	test_postfix();
	test_exim();
	test_other_mtas();
	test_patterns();
	test_table();
	test_codes();
	test_questions();
	test_networks();
	return done_testing();
}
