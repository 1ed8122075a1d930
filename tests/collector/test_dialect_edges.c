/* test_dialect_edges.c - the golden lines cut at every byte and with bytes changed: no
 * answer may reach outside the line. Also what a queue id is and is not. */
#include "tap.h"

#include <dirent.h>
#include <time.h>

#include "dialect/postfix.h"
#include "dialect_check.h"
#include "input/lines.h"
#include "poison.h"

/* In memory of its own, so that the sanitizer sees one byte too many. */
static void
check_copy(const struct line *l, size_t n, size_t change, char with)
{
	char *p = malloc(n > 0 ? n : 1);
	struct line copy = *l;

	if (p == NULL)
		exit(1);
	memcpy(p, l->text.p, n);
	if (change < n)
		p[change] = with;
	copy.text = (struct slice){ p, n };
	for (const struct dialect *const *d = dialects; *d != NULL; d++)
		check_line(*d, &copy);
	free(p);
}

static void
check_all(const struct line *l, unsigned *count)
{
	static const char changes[] = { '>', '<', '"', ' ', ':', '[', ']', ',', '\0', '\377' };

	for (size_t n = 0; n <= l->text.n; n++, ++*count)
		check_copy(l, n, n, ' ');
	for (size_t i = 0; i < l->text.n; i++, ++*count)
		check_copy(l, l->text.n, i, changes[i % sizeof changes]);
}

static bool
check_line_of(void *arg, struct file_line *l, struct err *e)
{
	(void)e;
	if (l->answer == HEADER_LINE && !l->line.repeat_of_last)
		check_all(&l->line, arg);
	return true;
}

static void
check_log(const char *path)
{
	struct err e;
	unsigned count = 0;

	(void)lines_each(path, "UTC", 2026, 1795305600, SLICE(""), check_line_of, &count, &e);
	ok(count > 0, "%s: %u damaged lines", path, count);
}

static void
check_folder(const char *dir)
{
	DIR *at = opendir(dir);
	struct dirent *d;
	char path[512];

	while (at != NULL && (d = readdir(at)) != NULL) {
		size_t n = strlen(d->d_name);

		if (n > 4 && strcmp(d->d_name + n - 4, ".log") == 0) {
			snprintf(path, sizeof path, "%s/%s", dir, d->d_name);
			check_log(path);
		}
	}
	if (at != NULL)
		closedir(at);
}

static void
test_ids(void)
{
	static const char *const good[] = {
		"4F1A2B3C4D", "ABCDEF", "12345", "3bFQm21Xz3zwb", "4XvBNmzbcdfzghj",
	};
	static const char *const bad[] = {
		"", "warning", "statistics", "NOQUEUE", "Deleted", "1234", "4F1A 2B3C",
		"reload",
		"ABCDEF-01", "4F1A2B3C4D4F1A2B3C4D4F1A2B3C4D4F1A2B3C4D",
	};

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		ok(pf_is_id(slice_of(good[i])), "'%s' is a queue id", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ok(!pf_is_id(slice_of(bad[i])), "'%s' is none", bad[i]);
}

/* Whose lines are whose. */
static void
test_claims(void)
{
	static const struct {
		const char *tag, *dialect;
	} cases[] = {
		{ "postfix/smtpd", "postfix" }, { "postfix/submission/smtpd", "postfix" },
		{ "postfix-in/smtpd", "postfix" }, { "mx/relay/smtp", "postfix" },
		{ "postfix", "postfix" }, { "postfix/postfix-script", "postfix" },
		{ "postfix/something-new", "postfix" }, { "postsuper", "postfix" },
		{ "postfix/policyd-spf", "spf" }, { "postfix/postgrey", "greylist" },
		{ "postfix/postfwd", "policy" }, { "postfix/policy-spf", "spf" },
		{ "postfix/spampd", NULL },
		{ "cyrus/lmtp", NULL }, { "dovecot", "dovecot" }, { "dovecot/lmtp", "dovecot" },
		{ "smtpd", "opensmtpd" },
		{ "opensmtpd", "opensmtpd" }, { "qpsmtpd", NULL },
		{ "", NULL },
		{ "/", NULL }, { "postfix/", NULL }, { "postgrey", "greylist" },
		{ "master", NULL },
		{ "amavis", "amavis" }, { "amavisd", "amavis" }, { "amavisd-milter", "scanproxy" },
		{ "/usr/sbin/amavisd", "amavis" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct line l = {
			.tag = slice_of(cases[i].tag), .text = SLICE("x"), .repeat = 1
		};
		const struct dialect *d = dialect_of(&l);

		is_str(d != NULL ? d->name : "none",
		    cases[i].dialect != NULL ? cases[i].dialect : "none", cases[i].tag);
	}
}

/* 64 KiB of one thing: the time must not grow with the square. */
static void
test_long(void)
{
	static const struct {
		const char *tag, *head, *again;
	} cases[] = {
		{ "postfix/smtpd", "NOQUEUE: reject: RCPT from x[192.0.2.1]: 550 5.7.1 no", "; from=<a>b" },
		{ "postfix/smtpd", "NOQUEUE: reject: RCPT from x[192.0.2.1]: 550 5.7.1 ", "content " },
		{ "postfix/cleanup", "4F1A2B3C4D: reject: header x", " from a[1]; from=<b>" },
		{ "postfix/smtp", "4F1A2B3C4D: to=<a", ">b" },
		{ "postfix/smtp", "4F1A2B3C4D: to=<a>, relay=b, status=sent (", "queued as " },
		{ "postfix/smtpd", "4F1A2B3C4D: client=x[192.0.2.1]", ", orig_client=" },
		{ "postfix/smtpd", "warning: ", "a[1]: SASL " },
		{ "amavis", "(1-1) Passed CLEAN, [192.0.2.1] <a> -> <b>", ",<c>" },
		{ "amavis", "(1-1) Passed CLEAN, <a> -> <b>, Message-ID: <x", ", mail_id: " },
	};
	char *p = malloc(65536);

	for (size_t i = 0; p != NULL && i < sizeof cases / sizeof cases[0]; i++) {
		struct line l = { .tag = slice_of(cases[i].tag), .repeat = 1 };
		size_t n = strlen(cases[i].head), again = strlen(cases[i].again);
		clock_t start;

		memcpy(p, cases[i].head, n);
		for (; n + again <= 65536; n += again)
			memcpy(p + n, cases[i].again, again);
		l.text = (struct slice){ p, n };
		start = clock();
		for (int k = 0; k < 4; k++)
			check_line(dialect_of(&l), &l);
		ok(clock() - start < CLOCKS_PER_SEC, "%s: 64 KiB of '%s'", cases[i].tag,
		    cases[i].again);
	}
	free(p);
}

int
main(void)
{
	check_folder("tests/logs/postfix");
	check_folder("tests/logs/amavis");
	check_folder("tests/logs/syslog");
	test_ids();
	test_claims();
	test_long();
	return done_testing();
}
