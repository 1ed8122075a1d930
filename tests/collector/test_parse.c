/* test_parse.c - mxgauge parse: what it prints of a small log in each mode. */
#include "tap.h"

#include <unistd.h>

#include "poison.h"
#include "view/parse.h"

static const char log_text[] =
    "Nov  3 16:00:00 mx1 postfix/smtpd[7]: connect from unknown[192.0.2.9]:4711\n"
    "Nov  3 16:00:01 mx1 postfix/smtpd[7]: warning: unknown[192.0.2.9]: SASL LOGIN "
    "authentication failed: x\"y\n"
    "Nov  3 16:00:02 mx1 last message repeated 3 times\n"
    "Nov  3 16:00:03 mx2 last message repeated 5 times\n"
    "Nov  3 16:00:04 mx1 postfix/smtp[8]: 4F1A2B3C4D: to=<u@example.org>, "
    "relay=mx.example.org[192.0.2.1]:25, delay=0.41, delays=0.05/0/0.3/12, dsn=2.0.0, "
    "status=sent (250 ok)\n"
    "Nov  3 16:00:05 mx1 sshd[9]: hello\n"
    "Nov  3 16:00:06 mx1 postfix/smtpd[7]: setting up TLS connection from unknown[192.0.2.9]\n"
    "Nov  3 16:00:07 mx1 postfix/smtpd[7]: news \033[31mred\n"
    "no log line at all\n";

static char path[] = "/tmp/test_parse.XXXXXX";

/* What it prints, and whether it says it went well. */
static char *
run(enum parse_mode mode, const char *dialect, const char *file, bool *good, struct err *e)
{
	struct parse_options o = {
		.mode = mode, .dialect = dialect, .zone = "UTC", .year = 2026, .now = 1795305600
	};
	char *files[] = { (char *)(uintptr_t)file };
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	*good = out != NULL && view_parse(&o, files, 1, out, e);
	if (out != NULL)
		fclose(out);
	return text;
}

/* The end of what is printed of one line. */
static void
is_end(const char *line, const char *want)
{
	FILE *f = fopen(path, "w");
	struct err e = { "" };
	bool good;
	char *text;
	size_t n;

	if (f == NULL || fputs(line, f) < 0 || fclose(f) != 0)
		abort();
	text = run(PARSE_EVENTS, NULL, path, &good, &e);
	n = strlen(text);
	is_str(n > strlen(want) ? text + n - strlen(want) : text, want, want);
	free(text);
}

static void
test_fields(void)
{
	static const char amavis[] = "Nov  3 16:00:00 mx1 amavis[8]: (8-1) Passed CLEAN {RelayedInbound}, "
	    "<a@example.net> -> <b@example.org>, Queue-ID: 4F1A2B3C4D, Hits: %s, size: 9, 12 ms\n";
	char line[512];

	is_end("Nov  3 16:00:00 mx1 qmail: 1793721600.123456 status: local 0/10 remote 0/20\n",
	    "\"stage\":\"remote\",\"count\":0}\n");
	is_end("Nov  3 16:00:00 mx1 postfix/smtpd[7]: NOQUEUE: reject: RCPT from unknown[192.0.2.9]: 554 5.7.1 "
	    "Service unavailable; Client host [192.0.2.9] blocked using BL.Example.ORG; from=<> "
	    "to=<b@example.org> proto=SMTP helo=<x>\n", "\"reason_class\":\"dnsbl\","
	    "\"reason_sub\":\"bl.example.org\",\"proto\":\"SMTP\",\"text\":\"Service unavailable; "
	    "Client host [192.0.2.9] blocked using BL.Example.ORG\"}\n");
	(void)snprintf(line, sizeof line, amavis, "-1.05");
	is_end(line, ",\"score\":-1.05,\"text\":\"-1.05\"}\n");
	(void)snprintf(line, sizeof line, amavis, "3+2");
	is_end(line, "\"CLEAN\",\"text\":\"3+2\"}\n");
	(void)snprintf(line, sizeof line, amavis, "007");
	is_end(line, "\"CLEAN\",\"text\":\"007\"}\n");
	(void)snprintf(line, sizeof line, amavis, "1.");
	is_end(line, "\"CLEAN\",\"text\":\"1.\"}\n");
}

static void
test_events(void)
{
	static const char want[] =
	    "{\"kind\":\"CONNECT\",\"time\":1793721600,\"host\":\"mx1\",\"program\":\"postfix/smtpd\","
	    "\"service\":\"smtpd\",\"pid\":7,\"client_ip\":\"192.0.2.9\",\"client_port\":4711}\n"
	    "{\"kind\":\"AUTH_FAIL\",\"time\":1793721601,\"host\":\"mx1\",\"program\":\"postfix/smtpd\","
	    "\"service\":\"smtpd\",\"pid\":7,\"client_ip\":\"192.0.2.9\","
	    "\"reason_class\":\"auth_failed\",\"sasl_method\":\"LOGIN\",\"text\":\"x\\\"y\"}\n"
	    "{\"kind\":\"AUTH_FAIL\",\"time\":1793721602,\"host\":\"mx1\",\"program\":\"postfix/smtpd\","
	    "\"service\":\"smtpd\",\"pid\":7,\"repeat\":3,\"client_ip\":\"192.0.2.9\","
	    "\"reason_class\":\"auth_failed\",\"sasl_method\":\"LOGIN\",\"text\":\"x\\\"y\"}\n"
	    "{\"kind\":\"DELIVERED\",\"time\":1793721604,\"host\":\"mx1\",\"program\":\"postfix/smtp\","
	    "\"id\":\"4F1A2B3C4D\",\"service\":\"smtp\",\"pid\":8,\"to\":\"u@example.org\","
	    "\"relay\":\"mx.example.org\",\"relay_ip\":\"192.0.2.1\",\"relay_port\":25,"
	    "\"where\":\"ext\",\"dsn\":\"2.0.0\",\"code\":250,\"delay\":0.41,"
	    "\"delays\":[0.05,0,0.3,12],\"text\":\"250 ok\"}\n";
	struct err e = { "" };
	bool good;
	char *text = run(PARSE_EVENTS, NULL, path, &good, &e);

	ok(good, "events are printed %s", e.text);
	is_str(text, want, "each event is an object with the fields that are set");
	free(text);
}

static void
test_stats(void)
{
	struct err e = { "" };
	bool good;
	char *text = run(PARSE_STATS, NULL, path, &good, &e);

	ok(good, "counts are printed %s", e.text);
	ok(strstr(text, "{\"lines\":9,\"events\":4,\"known\":1,\"foreign\":1,\"unknown\":3,") == text,
	    "the four add up to the lines");
	ok(strstr(text, "\"postfix/smtpd\":{\"lines\":5,\"events\":3,\"known\":1,\"foreign\":0,"
	    "\"unknown\":1}") != NULL, "each program has its own");
	ok(strstr(text, "\"\":{\"lines\":2,") != NULL, "lines without a head have no program");
	free(text);
	text = run(PARSE_STATS, "amavis", path, &good, &e);
	ok(strstr(text, "{\"lines\":9,\"events\":0,\"known\":0,\"foreign\":7,\"unknown\":2,") == text,
	    "one dialect alone finds the others' lines foreign");
	free(text);
}

static void
test_unknown(void)
{
	struct err e = { "" };
	bool good;
	char *text = run(PARSE_UNKNOWN, NULL, path, &good, &e);

	ok(good, "unknown lines are printed %s", e.text);
	is_str(text, "Nov  3 16:00:03 mx2 last message repeated 5 times\n"
	    "Nov  3 16:00:07 mx1 postfix/smtpd[7]: news ?[31mred\nno log line at all\n",
	    "without what a terminal would obey");
	free(text);
}

static void
test_repeats(void)
{
	is_end("Nov  3 16:00:00 mx1 postfix/smtpd[7]: connect from unknown[192.0.2.9]\n"
	    "Nov  3 16:00:00 mx2 postfix/smtpd[8]: connect from unknown[192.0.2.8]\n"
	    "Nov  3 16:00:01 mx1 last message repeated 3 times\n",
	    "\"repeat\":3,\"client_ip\":\"192.0.2.9\"}\n");
}

static void
test_trouble(void)
{
	struct err e = { "" };
	bool good;

	free(run(PARSE_EVENTS, "sendfax", path, &good, &e));
	ok(!good && strstr(e.text, "postfix") != NULL, "no such dialect: %s", e.text);
	free(run(PARSE_EVENTS, NULL, "/nonexistent/mail.log", &good, &e));
	ok(!good && strstr(e.text, "/nonexistent/mail.log") != NULL, "no such file: %s", e.text);
}

int
main(void)
{
	int fd = mkstemp(path);
	size_t n = sizeof log_text - 1;

	if (fd < 0 || write(fd, log_text, n) != (ssize_t)n || close(fd) != 0)
		return 1;
	test_events();
	test_stats();
	test_unknown();
	test_repeats();
	test_trouble();
	test_fields();
	unlink(path);
	return done_testing();
}
