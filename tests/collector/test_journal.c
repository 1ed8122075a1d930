/* test_journal.c - entries of a real journal file as lines; cursors; journals that are not
 * there. The journal is made by systemd-journal-remote; without it those cases are left out. */
#define _POSIX_C_SOURCE 200809L
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "input/header.h"
#include "input/journal.h"
#include "input/reader.h"
#include "tap.h"

#include "poison.h"

#define REMOTE "/lib/systemd/systemd-journal-remote"

static char dir[] = "/tmp/test_journal.XXXXXX";
static char path[64], export[64];

/* An entry of one second after 1700000000; fields end in newlines. */
static void
entry(FILE *f, unsigned second, const char *fields, struct slice message)
{
	uint64_t n = message.n;
	unsigned char size[8];

	for (int i = 0; i < 8; i++)
		size[i] = (unsigned char)(n >> (8 * i));
	fprintf(f, "__REALTIME_TIMESTAMP=%u000000\n__MONOTONIC_TIMESTAMP=%u\n"
	    "_BOOT_ID=0123456789abcdef0123456789abcdef\n%s", 1700000000 + second, second + 1, fields);
	if (message.n > 0) {
		fputs("MESSAGE\n", f);
		fwrite(size, 1, sizeof size, f);
		fwrite(message.p, 1, message.n, f);
		fputc('\n', f);
	}
	fputc('\n', f);
}

static void
store(FILE *f)
{
	char command[256];

	fclose(f);
	snprintf(command, sizeof command, REMOTE " --output=%s %s 2>/dev/null", path, export);
	if (system(command) != 0) {
		puts("Bail out! " REMOTE " fails");
		exit(1);
	}
}

static FILE *
begin(void)
{
	FILE *f = fopen(export, "we");

	if (f == NULL)
		exit(1);
	return f;
}

static struct journal *
opened(const char *where, const char *match, struct slice cursor)
{
	static const char *matches[1];
	struct journal_what what = { .where = where, .match = matches, .matches = match != NULL,
		.host = "here" };
	struct journal *j;

	matches[0] = match;
	j = journal_new(&what, cursor);
	journal_look(j);
	return j;
}

/* The next line, "note: ..." or "" at the end. */
static const char *
next(struct journal *j, struct journal_line *line)
{
	static char text[600];
	struct err e;
	int rc = journal_next(j, line, &e);

	if (rc == 0)
		return "";
	if (rc < 0)
		(void)snprintf(text, sizeof text, "note: %s", e.text);
	else
		(void)snprintf(text, sizeof text, "%.*s", (int)line->raw.n, line->raw.n > 0 ? line->raw.p : "");
	return text;
}

static const struct {
	const char *fields;
	struct slice message;
	const char *want;
} cases[] = {
	{ "_SOURCE_REALTIME_TIMESTAMP=1699999999123456\n_HOSTNAME=mx1\n_TRANSPORT=syslog\n"
	  "SYSLOG_IDENTIFIER=postfix-one/smtp\nSYSLOG_PID=7\n_PID=8\n_COMM=smtp\n", { "hello", 5 },
	  "2023-11-14T22:13:19.123456+00:00 mx1 postfix-one/smtp[7]: hello" },
	{ "_HOSTNAME=mx1\n_TRANSPORT=syslog\nSYSLOG_IDENTIFIER=dovecot\n_PID=8\n", { "in", 2 },
	  "2023-11-14T22:13:21.000000+00:00 mx1 dovecot: in" },
	{ "_HOSTNAME=mx1\n_TRANSPORT=stdout\nSYSLOG_IDENTIFIER=rspamd\n_PID=8\n", { "out", 3 },
	  "2023-11-14T22:13:22.000000+00:00 mx1 rspamd[8]: out" },
	{ "_HOSTNAME=mx1\n_TRANSPORT=journal\n_COMM=spamd\n_PID=8\n", { "native\n", 7 },
	  "2023-11-14T22:13:23.000000+00:00 mx1 spamd[8]: native" },
	{ "SYSLOG_IDENTIFIER=a\n", { "x\n\t\0\x7f\xc3\xa4#012\n", 13 },
	  "2023-11-14T22:13:24.000000+00:00 here a: x#012#011#000#177\xc3\xa4#012" },
	{ "_HOSTNAME=m x\x01\nSYSLOG_IDENTIFIER=a\x01\n", { "t\0", 2 },
	  "2023-11-14T22:13:25.000000+00:00 m?x? a#001: t" },
	{ "_SOURCE_REALTIME_TIMESTAMP=99999999999999999\n_HOSTNAME=mx1\n", { "bare", 4 },
	  "2023-11-14T22:13:26.000000+00:00 mx1 bare" },
	{ "_HOSTNAME=mx1\nSYSLOG_IDENTIFIER=a\n", { "", 0 }, "" },
	{ "_HOSTNAME=mx1\nSYSLOG_IDENTIFIER=a\nMESSAGE=first\n", { "second", 6 },
	  "2023-11-14T22:13:28.000000+00:00 mx1 a: first" },
	{ "_HOSTNAME=node1\n_TRANSPORT=journal\nSYSLOG_IDENTIFIER=mail\nCONTAINER_ID=0123456789ab\nCONTAINER_NAME=mail\n_PID=8\n",
	  { "printed", 7 }, "2023-11-14T22:13:29.000000+00:00 node1 0123456789ab[8]: printed" },
};

enum { CASES = sizeof cases / sizeof *cases };

static void
test_lines(void)
{
	struct journal_line line = { { NULL, 0 }, false };
	struct journal *j;
	struct header *h;
	struct line l;
	struct err e;
	FILE *f = begin();
	static char big[100000];

	for (unsigned i = 0; i < CASES; i++)
		entry(f, i, cases[i].fields, cases[i].message);
	memset(big, '\n', sizeof big);
	entry(f, CASES, "_HOSTNAME=mx1\nSYSLOG_IDENTIFIER=a\n", (struct slice){ big, sizeof big });
	store(f);
	j = opened(path, NULL, SLICE(""));
	ok(journal_fd(j) >= 0, "there is something to wait for");
	for (unsigned i = 0; i < CASES; i++)
		is_str(next(j, &line), cases[i].want, "an entry as its line");
	(void)next(j, &line);
	is_int((long long)line.raw.n, LINE_MAX_BYTES, "a long entry is cut where a line is");
	ok(line.cut, "and marked");
	h = header_new("UTC", 0, 1700000000, SLICE(""), &e);
	ok(header_parse(h, line.raw, &l) == HEADER_LINE && l.time == 1700000000 + CASES,
	    "and it is a line still");
	header_free(h);
	is_str(next(j, &line), "", "that was all");
	journal_free(j);
}

/* Every place that can be remembered is gone on from. */
static void
test_cursors(void)
{
	char cursor[1024];
	struct journal_line line = { { NULL, 0 }, false };
	struct journal *j = opened(path, NULL, SLICE(""));
	bool good = true;

	for (unsigned i = 0; i + 1 < CASES; i++) {
		struct journal *again;

		(void)next(j, &line);
		(void)snprintf(cursor, sizeof cursor, "%s", journal_cursor(j).p);
		again = opened(path, NULL, slice_of(cursor));
		good = good && strcmp(next(again, &line), cases[i + 1].want) == 0;
		journal_free(again);
	}
	ok(good, "behind each cursor the next entry");
	journal_free(j);
	j = opened(path, "SYSLOG_PID=7", SLICE(""));
	is_str(next(j, &line), cases[0].want, "an entry that matches");
	is_str(next(j, &line), "", "and no other one");
	journal_free(j);
	j = opened(path, NULL, SLICE("rubbish"));
	ok(strstr(next(j, &line), "makes no sense") != NULL, "a cursor that is none is named");
	journal_look(j);
	is_str(next(j, &line), cases[0].want, "and all is read");
	journal_free(j);
}

static void
test_vacuumed(void)
{
	char cursor[1024];
	struct journal_line line = { { NULL, 0 }, false };
	struct journal *j = opened(path, NULL, SLICE(""));
	struct err e;
	FILE *f;

	while (journal_next(j, &line, &e) == 1)
		;
	(void)snprintf(cursor, sizeof cursor, "%s", journal_cursor(j).p);
	journal_free(j);
	unlink(path);
	f = begin();
	entry(f, 1, "_HOSTNAME=mx1\nSYSLOG_IDENTIFIER=a\n", SLICE("old"));
	store(f);
	j = opened(path, NULL, slice_of(cursor));
	is_str(next(j, &line), "", "the entry is gone, and nothing is later: wait");
	f = begin();
	entry(f, 500, "_HOSTNAME=mx1\nSYSLOG_IDENTIFIER=a\n", SLICE("new"));
	store(f);
	journal_look(j);
	ok(strstr(next(j, &line), "is gone") != NULL, "then say so");
	is_str(next(j, &line), "2023-11-14T22:21:40.000000+00:00 mx1 a: new", "and take the later ones");
	is_str(next(j, &line), "", "and no more");
	journal_free(j);
}

static void
test_not_there(void)
{
	struct journal_line line;
	struct journal *j = opened("/nonexistent/journal", NULL, SLICE(""));
	FILE *f;

	ok(strstr(next(j, &line), "not there yet") != NULL, "a journal that is not there");
	journal_look(j);
	is_str(next(j, &line), "", "is named once");
	is_int(journal_fd(j), -1, "and nothing to wait for");
	journal_free(j);
	j = opened(dir, NULL, SLICE(""));
	ok(strstr(next(j, &line), "no entry that may be read yet") != NULL, "a folder without entries");
	journal_look(j);
	is_str(next(j, &line), "", "is named once");
	journal_free(j);
	f = begin();
	fputs("no journal", f);
	fclose(f);
	j = opened(export, NULL, SLICE(""));
	ok(strncmp(next(j, &line), "note: ", 6) == 0, "a file that is no journal is named");
	is_str(next(j, &line), "", "once");
	journal_free(j);
}

int
main(void)
{
	ok(journal_match_good("_HOSTNAME=mx1") && journal_match_good("A="), "good matches");
	ok(!journal_match_good("a=1") && !journal_match_good("A") && !journal_match_good("=1") &&
	    !journal_match_good("1A=1") && !journal_match_good(""), "bad matches");
	if (mkdtemp(dir) == NULL)
		return 1;
	(void)snprintf(path, sizeof path, "%s/a.journal", dir);
	(void)snprintf(export, sizeof export, "%s/export", dir);
	test_not_there();
	if (access(REMOTE, X_OK) == 0) {
		test_lines();
		test_cursors();
		test_vacuumed();
	} else {
		ok(1, "entries # SKIP systemd-journal-remote is missing");
	}
	unlink(path);
	unlink(export);
	rmdir(dir);
	return done_testing();
}
