/* test_smtp.c - what check_smtp_latency is made of, without a network: replies, logins,
 * messages, PROXY headers, policies. */
#include <string.h>

#include "digest.h"
#include "mtasts.h"
#include "net.h"
#include "sasl.h"
#include "smtp.h"
#include "tap.h"

#include "poison.h"

/* "250 a\nb+left": code, text and what follows; "..." for more, "!why". */
static void
read_reply(struct buf *out, const char *text, size_t step)
{
	struct smtp_reply r = smtp_reply_new();
	struct slice all = slice_of(text);
	enum smtp_reply_answer a = SMTP_REPLY_MORE;
	const char *why = "";

	while (all.n > 0 && a == SMTP_REPLY_MORE) {
		struct slice piece = slice_head(all, step);

		all = slice_from(all, piece.n);
		a = smtp_reply_take(&r, &piece, &why);
		all = (struct slice){ piece.p, piece.n + all.n };
	}
	if (a == SMTP_REPLY_BAD)
		buf_fmt(out, "!%s", why);
	else if (a == SMTP_REPLY_MORE)
		buf_fmt(out, "...%zu", r.bytes);
	else
		buf_fmt(out, "%d %.*s+%.*s", r.code, (int)r.text.n, r.text.p != NULL ? r.text.p : "",
		    (int)all.n, all.p);
	smtp_reply_free(&r);
}

static void
test_replies(void)
{
	static const struct { const char *text, *want; } cases[] = {
		{ "220 mx1\r\n", "220 mx1+" },
		{ "220\r\n", "220 +" },
		{ "220-a\r\n220 b\r\nrest", "220 a\nb+rest" },
		{ "220-a\r\n220\r\n", "220 a\n+" },
		{ "220 bare\n250 next", "220 bare+250 next" },
		{ "220 half", "...8" },
		{ "220-a\r\n", "...7" },
		{ "120 no\r\n", "!this is no reply of SMTP" },
		{ "600 no\r\n", "!this is no reply of SMTP" },
		{ "22\r\n", "!this is no reply of SMTP" },
		{ "2200 no\r\n", "!this is no reply of SMTP" },
		{ "\r\n", "!this is no reply of SMTP" },
		{ "220-a\r\n250 b\r\n", "!the lines of one reply have different codes" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (size_t step = 1; step < 4; step++) {
			struct buf out = buf_new(1000);

			read_reply(&out, cases[i].text, step);
			if (!ok(strcmp(out.p, cases[i].want) == 0, "reply %zu in pieces of %zu", i, step))
				printf("# got %s\n# want %s\n", out.p, cases[i].want);
			buf_free(&out);
		}
	ok(slice_eq(smtp_reply_enhanced(SLICE("4.7.1 later")), SLICE("4.7.1")), "enhanced code");
	ok(smtp_reply_enhanced(SLICE("3.7.1 later")).n == 0, "no enhanced code");
	ok(smtp_reply_greylists(450, SLICE("4.2.0 Greylisted")), "greylisting");
	ok(smtp_reply_greylists(451, SLICE("4.7.1 Please try again later")), "greylisting, politely");
	ok(!smtp_reply_greylists(451, SLICE("4.3.0 try again later")), "trouble of the server's own");
	ok(smtp_reply_greylists(451, SLICE("4.7.1 Try again later")), "Rspamd's greylisting");
	ok(!smtp_reply_greylists(451, SLICE("4.7.1 Service unavailable - try again later")), "Postfix whose milter is away");
	ok(!smtp_reply_greylists(451, SLICE("4.7.0 Temporary server error. Please try again later. PRX2")),
	    "Exchange in trouble");
	ok(smtp_reply_greylists(451, SLICE("Temporary failure, please try again later.")), "spamd's greylisting");
	ok(!smtp_reply_greylists(451, SLICE("4.7.1 Temporary failure, please try again later.")), "somebody else's trouble");
	ok(!smtp_reply_greylists(450, SLICE("4.7.1 Error: too much mail, try again later")), "a limit");
	ok(smtp_reply_greylists(451, SLICE("4.7.1 Greylisted due to high load, try again later")), "greylisting that says why");
	ok(!smtp_reply_greylists(550, SLICE("greylisted")), "5xx is no greylisting");
}

static void
test_base64(void)
{
	static const char *const bad[] = { "a", "ab=c", "====", "ab==cd==", "a\xff==", "YQ" };
	static const char bytes[] = "\0\xff\x7f some bytes";
	struct buf b = buf_new(100), back = buf_new(100);

	for (size_t n = 0; n < sizeof bytes; n++) {
		buf_clear(&b);
		buf_clear(&back);
		digest_base64(&b, (struct slice){ bytes, n });
		ok(digest_unbase64(&back, buf_slice(&b)) &&
		    slice_eq(buf_slice(&back), (struct slice){ bytes, n }), "base64 of %zu bytes", n);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(!digest_unbase64(&back, slice_of(bad[i])), "%s is no base64", bad[i]);
	buf_free(&b);
	buf_free(&back);
}

/* RFC 2195 2, RFC 7677 3. */
static void
test_logins(void)
{
	static const char server_first[] = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	    "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
	static const char client_final[] = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
	struct sasl s = sasl_new(SASL_CRAM_MD5, SLICE("tim"), SLICE("tanstaaftanstaaf"));
	struct buf out = buf_new(4096);
	struct err e = { "" };

	ok(sasl_answer(&s, SLICE("<1896.697170952@postoffice.reston.mci.net>"), &out, &e), "CRAM-MD5");
	is_str(out.p, "tim b913a602c7eda7a495b4e6e7334d3890", "as RFC 2195 has it");
	sasl_free(&s);
	s = sasl_new(SASL_SCRAM_SHA_256, SLICE("user"), SLICE("pencil"));
	buf_clear(&out);
	ok(sasl_answer(&s, SLICE(""), &out, &e) && slice_starts(buf_slice(&out), SLICE("n,,n=user,r=")),
	    "SCRAM's first message");
	buf_clear(&s.nonce);
	buf_str(&s.nonce, "rOprNGfwEbeRWgbNEkqO");
	buf_clear(&s.first);
	buf_str(&s.first, "n=user,r=rOprNGfwEbeRWgbNEkqO");
	buf_clear(&out);
	ok(sasl_answer(&s, slice_of(server_first), &out, &e), "SCRAM's second message");
	is_str(out.p, client_final, "as RFC 7677 has it");
	ok(!sasl_end(&s, &e), "without the server's proof nobody is in");
	buf_clear(&out);
	ok(sasl_answer(&s, SLICE("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), &out, &e) &&
	    out.n == 0 && sasl_end(&s, &e), "the server's proof");
	ok(!sasl_answer(&s, SLICE(""), &out, &e), "and no more");
	sasl_free(&s);
	is_int(sasl_best(SLICE("LOGIN plain XOAUTH2 cram-md5")), SASL_CRAM_MD5, "the best of an offer");
	is_int(sasl_best(SLICE("XOAUTH2")), SASL_NONE, "none of an offer");
	buf_free(&out);
}

static void
test_message(void)
{
	struct smtp_message m = { .from = "", .to = "anna@example.org", .host = "probe.example.org",
		.subject = ".hidden", .token = "0123" };
	struct buf plain = buf_new(10000), dots = buf_new(10000);

	smtp_message_write(&plain, &m, 1700000000, false);
	smtp_message_write(&dots, &m, 1700000000, true);
	ok(slice_has(buf_slice(&plain), SLICE("Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n")), "date");
	ok(slice_has(buf_slice(&plain), SLICE("Message-ID: <0123@probe.example.org>\r\n")), "own id");
	ok(slice_ends(buf_slice(&dots), SLICE("\r\n.\r\n")), "the final dot");
	ok(!slice_has(buf_slice(&plain), SLICE("\r\n.")), "no dot without");
	m.eicar = true;
	buf_clear(&dots);
	smtp_message_write(&dots, &m, 1700000000, true);
	ok(slice_has(buf_slice(&dots), SLICE("\r\n\r\nX5O!P%@AP")), "the test virus begins its part");
	m.token = NULL;
	buf_clear(&plain);
	buf_clear(&dots);
	smtp_message_write(&plain, &m, 1700000000, false);
	smtp_message_write(&dots, &m, 1700000000, false);
	ok(!slice_eq(buf_slice(&plain), buf_slice(&dots)), "never twice the same without a token");
	buf_free(&plain);
	buf_free(&dots);
}

static void
test_proxy(void)
{
	struct net_addr a, b, six;
	struct buf out = buf_new(200);
	struct err e = { "" };

	ok(net_addr_parse("192.0.2.1", 1000, &a) && net_addr_parse("192.0.2.2", 25, &b) &&
	    net_addr_parse("[2001:db8::1]", 25, &six), "addresses");
	ok(!net_addr_parse("mx1", 25, &six), "a name is none");
	ok(net_proxy_header(&out, 1, &a, &b, &e), "version 1");
	is_str(out.p, "PROXY TCP4 192.0.2.1 192.0.2.2 1000 25\r\n", "as it has to be");
	buf_clear(&out);
	ok(net_proxy_header(&out, 2, &a, &b, &e) && out.n == 28 &&
	    memcmp(out.p + 12, "\x21\x11\0\x0c\xc0\0\2\1\xc0\0\2\2\x03\xe8\0\x19", 16) == 0, "version 2");
	buf_clear(&out);
	ok(net_proxy_header(&out, 2, NULL, &b, &e) && out.n == 16, "version 2, the proxy itself");
	ok(net_addr_parse("2001:db8::1", 1, &six) && !net_proxy_header(&out, 1, &a, &six, &e),
	    "not of two families");
	buf_free(&out);
}

static void
test_policies(void)
{
	static const struct { const char *text, *trouble; } cases[] = {
		{ "version: STSv1\r\nmode: enforce\r\nmx: a.example.org\r\nmax_age: 604800\r\n", "" },
		{ "version: STSv1\nmode: none\nmax_age: 0\n", "" },
		{ "mode: enforce\nmx: a\nmax_age: 1\n", "the policy does not say \"version: STSv1\"" },
		{ "version: STSv1\nmode: strict\nmx: a\nmax_age: 1\n",
		    "the policy's mode is not enforce, testing or none" },
		{ "version: STSv1\nmode: testing\nmx: a\nmax_age: 99999999\n",
		    "the policy has no max_age of 0 to 31557600" },
		{ "version: STSv1\nmode: testing\nmax_age: 9\n", "the policy names no mx" },
		{ "<html>moved</html>", "the policy does not say \"version: STSv1\"" },
	};
	static const struct { const char *host; bool good; } hosts[] = {
		{ "mx1.example.org", true }, { "MX1.Example.ORG", true }, { "mx2.example.org", false },
		{ "a.mail.example.org", true }, { "mail.example.org", false },
		{ "a.b.mail.example.org", false }
	};
	struct mtasts_policy p = { .mx_n = 0 };
	struct err e;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		e.text[0] = '\0';
		ok(mtasts_read_policy(&p, slice_of(cases[i].text), &e) == (cases[i].trouble[0] == '\0'),
		    "policy %zu", i);
		is_str(e.text, cases[i].trouble, "what is wrong with it");
		mtasts_free(&p);
	}
	(void)mtasts_read_policy(&p, SLICE("version: STSv1\nmode: enforce\nmx: mx1.example.org\n"
	    "mx: *.mail.example.org\nmax_age: 1\n"), &e);
	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
		ok(mtasts_matches(&p, hosts[i].host) == hosts[i].good, "%s", hosts[i].host);
	mtasts_free(&p);
	ok(mtasts_read_record(&p, SLICE("v=STSv1; id=20260101T00;"), &e), "a record");
	is_str(p.id, "20260101T00", "its id");
	ok(!mtasts_read_record(&p, SLICE("v=STSv1;"), &e), "a record without id");
}

static void
test_expectations(void)
{
	struct smtp_expect x;

	ok(smtp_expect_parse(SLICE("5xx"), &x) && strcmp(x.code, "5xx") == 0 && x.text[0] == '\0', "5xx");
	ok(smtp_expect_parse(SLICE("220 MX1"), &x) && strcmp(x.text, "mx1") == 0, "with a text");
	ok(!smtp_expect_parse(SLICE("xxx"), &x) && !smtp_expect_parse(SLICE("55"), &x) &&
	    !smtp_expect_parse(SLICE("5500"), &x) && !smtp_expect_parse(SLICE(""), &x), "no codes");
}

int
main(void)
{
	test_replies();
	test_base64();
	test_logins();
	test_message();
	test_proxy();
	test_policies();
	test_expectations();
	return done_testing();
}
