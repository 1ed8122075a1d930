/* test_relp.c - RELP: what is answered, and when. */
#include "tap.h"

#include "input/relp.h"
#include "mem.h"

#include "poison.h"

#define OPEN "1 open 46 relp_version=0\nrelp_software=x\ncommands=syslog\n"
#define OPENED "1 rsp 59 200 OK\nrelp_version=0\nrelp_software=mxgauge\ncommands=syslog\n"

/* What was handed out in [], then the answers before the commit, C, and those after it. */
static const struct {
	const char *what, *in, *want;
} cases[] = {
	{ "a session", OPEN "2 syslog 4 <1>a\n3 syslog 5 <2>bb\n4 close 0\n",
	    "[<1>a][<2>bb]." OPENED "C2 rsp 6 200 OK\n3 rsp 6 200 OK\n4 rsp 0\n0 serverclose 0\n" },
	{ "a line feed in the message, and one at its end", OPEN "2 syslog 6 <1>\na\n\n",
	    "[<1>\na]." OPENED "C2 rsp 6 200 OK\n" },
	{ "an empty message", OPEN "2 syslog 0\n3 syslog 0 \n", "[][]." OPENED
	    "C2 rsp 6 200 OK\n3 rsp 6 200 OK\n" },
	{ "not opened", "1 syslog 1 a\n", "!.1 rsp 14 500 open first\nC" },
	{ "opened twice", OPEN "2 open 30 relp_version=0\ncommands=syslog\n",
	    "!." OPENED "2 rsp 23 500 the session is open\nC" },
	{ "a number left out", OPEN "3 syslog 1 a\n",
	    "!." OPENED "3 rsp 28 500 transaction out of order\nC" },
	{ "what waits at a fault is not answered", OPEN "2 syslog 1 a\n3 frob 0\n",
	    "[a]!." OPENED "3 rsp 19 500 unknown command\nC" },
	{ "a length that does not fit", OPEN "2 syslog 1 ab\n",
	    "!." OPENED "2 rsp 13 500 bad frame\nC" },
	{ "a length of ten digits", OPEN "2 syslog 1000000000 a\n",
	    "!." OPENED "2 rsp 13 500 bad frame\nC" },
	{ "no number", "open 0\n", "!.0 rsp 13 500 bad frame\nC" },
	{ "a long command", "1 abcdefghijklmnopq 0\n", "!.1 rsp 13 500 bad frame\nC" },
	{ "an offer without syslog", "1 open 14 relp_version=0\n",
	    "!.1 rsp 47 500 relp_version and commands=syslog are needed\nC" },
};

static void
run(const char *in, size_t n, size_t step, struct buf *got)
{
	struct relp r = relp_new();
	struct buf out = buf_new(RELP_OUT_MAX);
	enum relp_answer a = RELP_MORE;

	for (size_t at = 0; at < n && a == RELP_MORE; at += step) {
		char *copy = xslicedup(slice_head((struct slice){ in + at, n - at }, step));
		struct slice s = { copy, n - at < step ? n - at : step }, line;
		bool cut = false;

		while ((a = relp_take(&r, &s, &line, &cut, &out)) == RELP_LINE) {
			buf_fmt(got, "%s[", cut ? "cut" : "");
			buf_add(got, slice_head(line, 50));
			buf_char(got, ']');
		}
		free(copy);
	}
	buf_str(got, a == RELP_BAD ? "!." : ".");
	buf_add(got, buf_slice(&out));
	buf_char(got, 'C');
	buf_clear(&out);
	relp_committed(&r, 0, &out);
	buf_add(got, buf_slice(&out));
	relp_free(&r);
	buf_free(&out);
}

static void
test_held(void)
{
	static const char in[] = OPEN "2 syslog 1 a\n3 syslog 1 b\n4 syslog 1 c\n5 close 0\n";
	struct slice s = SLICE(in), line;
	struct relp r = relp_new();
	struct buf out = buf_new(RELP_OUT_MAX);
	bool cut;

	while (relp_take(&r, &s, &line, &cut, &out) == RELP_LINE)
		;
	buf_clear(&out);
	relp_committed(&r, 2, &out);
	is_str(out.p, "2 rsp 6 200 OK\n", "what is held is not answered");
	is_int(relp_waiting(&r), 2, "it waits");
	ok(!relp_done(&r), "nor is the close");
	buf_clear(&out);
	relp_committed(&r, 0, &out);
	is_str(out.p, "3 rsp 6 200 OK\n4 rsp 6 200 OK\n5 rsp 0\n0 serverclose 0\n", "later they are");
	ok(relp_done(&r), "then all is said");
	relp_free(&r);
	buf_free(&out);
}

static void
test_long(void)
{
	size_t n = sizeof OPEN + 400000;
	char *in = xmalloc(n);
	int at = snprintf(in, n, OPEN "2 syslog 300000 ");
	struct buf got = buf_new(1000);

	memset(in + at, 'x', 300000);
	memcpy(in + at + 300000, "\n3 syslog 1 a\n", 14);
	run(in, (size_t)at + 300014, 777, &got);
	ok(strncmp(got.p, "cut[xxx", 7) == 0 && strstr(got.p, "][a].") != NULL,
	    "a long message is cut, and the next one whole");
	buf_free(&got);
	free(in);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		for (size_t step = 1; step < 200; step += step < 8 ? 1 : 61) {
			struct buf got = buf_new(4000);

			run(cases[i].in, strlen(cases[i].in), step, &got);
			if (strcmp(got.p, cases[i].want) != 0 || step == 1)
				is_str(got.p, cases[i].want, cases[i].what);
			buf_free(&got);
		}
	}
	test_held();
	test_long();
	return done_testing();
}
