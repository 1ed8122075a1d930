/* test_report.c - sums over minutes and hours, the JSON and the text of a report. */
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "flow/join.h"
#include "flow/seen.h"
#include "flow/tally.h"
#include "flow/top.h"
#include "flow/track.h"
#include "store/state.h"
#include "tap.h"
#include "view/report.h"
#include "view/status.h"
#include "view/words.h"

enum { DAY = 1790000000 / 86400 };	/* some day of 2026, as epoch / 86400 */

static char dir[] = "/tmp/mx-report.XXXXXX";
static const int64_t day = (int64_t)DAY * 86400;

struct world {
	struct state *state;
	struct tally *tally;
	struct seen *seen;
	struct track *track;
	struct tops *tops;
	struct join *join;
};

static void
commit(struct world *w)
{
	struct commit c = { .tally = w->tally, .seen = w->seen, .track = w->track, .tops = w->tops,
		.join = w->join, .now = day + 90000, .slow = true, .with_tables = true, .max_mails = 1000,
		.keep_minutes = 8 * 1440, .keep_hours = 400 * 1440, .keep_mails = 8 * 1440 };
	struct err e;

	state_limit(w->state, "hosts", 2, 4096, 0, c.now);
	if (!state_commit(w->state, &c, &e)) {
		printf("Bail out! %s\n", e.text);
		exit(1);
	}
}

static void
count(struct world *w, unsigned host, int64_t minute, enum metric m, int64_t n)
{
	tally_add(w->tally, host, day / 60 + minute, m, n);
	state_host_line(w->state, host, day + minute * 60 + 30);
}

/* mx1: an hour from 00:10 on; mx2, with a hostile name: one minute. */
static void
fill(struct world *w)
{
	unsigned a = (unsigned)state_host(w->state, SLICE("mx1.example.org"));
	unsigned b = (unsigned)state_host(w->state, SLICE("mx2\"\033[2J"));

	for (int m = 10; m < 70; m++)
		count(w, a, m, M_rej, 10), count(w, a, m, M_rej_dnsbl, 10);
	count(w, a, 20, M_recv_rcpt, 100);
	count(w, a, 20, M_recv_msg, 50);
	count(w, a, 20, M_lines, 1000);
	count(w, a, 20, M_unknown, 7);
	count(w, a, 20, M_foreign, 200);
	count(w, a, 20, M_b_in, 100);
	count(w, a, 20, M_b_msgs, 2);
	count(w, a, 65, M_b_delivered, 95);
	count(w, b, 30, M_tmp, 5);
	count(w, b, 30, M_tmp_greylist, 5);
	tally_word(w->tally, a, day / 60 + 15, SLICE("bl.example.net"), 600);
	for (int run = 0; run < 4; run++) {
		const int64_t bl[CELL_FACTS] = { [CELL_FACT_TESTED] = 1, [CELL_FACT_ILL] = run == 0,
			[CELL_FACT_TIMED] = run != 0, [CELL_FACT_US] = run * 10000, [CELL_FACT_ASKED] = 6,
			[CELL_FACT_UNANSWERED] = run == 0 ? 6 : 0 };
		const int64_t quiet[CELL_FACTS] = { [CELL_FACT_ASKED] = 1, [CELL_FACT_UNANSWERED] = 1 };

		tally_list(w->tally, a, day / 60 + 20 + run, SLICE("bl.example.net"), bl, 1);
		tally_list(w->tally, a, day / 60 + 20 + run, SLICE("a.list.with.a.very.long.name.in.it.quiet.example.org"),
		    quiet, 1);
	}
	for (int i = 1; i <= 1000; i++)
		tally_delay(w->tally, a, day / 60 + 15, CELL_DELAY, (uint64_t)i * 1000, 1);
	tops_client(w->tops, a, day / 3600, SLICE("192.0.2.77"), 400);
	tops_add(w->tops, a, day / 3600, TOP_REASON, SLICE("evil\033]0;x\007 | text"), 3);
	commit(w);
}

static struct report
make(struct stateread *r, const char *host, int64_t from, int64_t to)
{
	struct report rep;
	struct err e = { "" };

	if (!ok(report_make(&rep, r, host, from, to, &e), "a report"))
		printf("# %s\n", e.text);
	return rep;
}

static void
test_sums(struct stateread *r)
{
	struct report rep = make(r, NULL, REPORT_WHOLE, REPORT_WHOLE);
	struct err e;

	is_int(rep.from, day + 600, "from the first line's minute");
	is_int(rep.to, day + 70 * 60, "to the end of the last line's");
	is_int(cell_get(&rep.sum, M_rej), 600, "all of the farm");
	is_int(report_open(&rep.sum), 5, "open recipients");
	report_free(&rep);
	rep = make(r, "mx1", day + 55 * 60, day + 62 * 60);
	is_int(cell_get(&rep.sum, M_rej), 70, "minutes across an hour");
	is_int((long long)rep.nhosts, 1, "of one host by its first label");
	report_free(&rep);
	rep = make(r, "mx1.example.org", day, day + 7200);
	is_int(cell_get(&rep.sum, M_rej), 600, "two whole hours");
	report_free(&rep);
	rep = make(r, NULL, day + 7200, day + 7200);
	is_int(cell_get(&rep.sum, M_rej), 0, "an empty period");
	report_free(&rep);
	ok(!report_make(&rep, r, "mx3", day, day + 60, &e), "an unknown host");
	is_str(e.text, "there is no host mx3 in the state; it knows mx1.example.org, mx2\"?[2J",
	    "its sentence");
	report_free(&rep);
}

static void
test_json(struct stateread *r)
{
	static const char *const parts[] = {
		"{\"period\":{\"from\":", "\"lines\":{\"read\":1000,\"events\":793,\"known\":0,"
		"\"foreign\":200,\"unknown\":7},\"counts\":{", "\"conn\":0,", "\"rej\":600,\"tmp\":5,",
		"\"rej_dnsbl\":600,\"tmp_greylist\":5}", "\"reject\":{\"dnsbl\":600},"
		"\"tempfail\":{\"greylist\":5},\"dnsbl\":{\"bl.example.net\":600},"
		"\"dnsbl_health\":{\"a.list.with.a.very.long.name.in.it.quiet.example.org\":{\"runs\":0,\"ill\":0,"
		"\"asked\":4,\"unanswered\":4,\"latency\":null},\"bl.example.net\":{\"runs\":4,\"ill\":1,"
		"\"asked\":24,\"unanswered\":6,\"latency\":0.020000}},\"delay\":{\"p50\":",
		"\"open\":{\"mails\":2,\"rcpts\":5},\"balance\":{\"accepted\":100,\"delivered\":95,"
		"\"bounced\":0,\"expired\":0,\"discarded\":0,\"held\":0,\"open\":5,\"unaccounted\":0},"
		"\"hops\":0,\"programs\":{},\"hosts\":{\"mx1.example.org\":{", "},\"mx2\\\"\\\\x1b[2J\":{",
	};
	struct report rep = make(r, NULL, REPORT_WHOLE, REPORT_WHOLE);
	struct buf out = buf_new(1 << 20);
	double p50 = 0;
	const char *at;

	report_json(&rep, &out);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		ok(strstr(out.p, parts[i]) != NULL, "JSON has %.50s", parts[i]);
	at = strstr(out.p, "\"p50\":");
	ok(at != NULL && sscanf(at, "\"p50\":%lf", &p50) == 1 && p50 > 485 && p50 < 515,
	    "the median of 1 to 1000 s");
	ok(strstr(out.p, "\"b_in\"") == NULL && strstr(out.p, "\"q_active\"") == NULL &&
	    strstr(out.p, "\"rej_helo\"") == NULL, "no books, gauges, or empty classes in counts");
	report_free(&rep);
	buf_clear(&out);
	rep = make(r, NULL, day + 7200, day + 7260);
	report_json(&rep, &out);
	ok(strstr(out.p, "\"delay\":{\"p50\":null,\"p95\":null,\"p99\":null,\"max\":null}") != NULL,
	    "no delay of nothing");
	report_free(&rep);
	buf_free(&out);
}

static size_t
longest_line(const char *text)
{
	size_t most = 0;

	for (; *text != '\0'; text += strcspn(text, "\n"), text += *text == '\n') {
		size_t n = strcspn(text, "\n");

		most = n > most ? n : most;
	}
	return most;
}

static void
test_text(struct stateread *r)
{
	static const char *const parts[] = {
		"Mail report: farm of 2 hosts (mx1.example.org, mx2\"?[2J)\n",
		("Of 705 recipients that clients asked for, 85.1% were refused\n(most: dnsbl), "
		"0.7% put off and 14.2% accepted.\n"),
		"  recipients refused                         600   85.1%, 85.7% without 4xx\n",
		"          600   100.0%  dnsbl: the client's address is on a DNS block list\n",
		"Refused clients by network\n  192.0.2.0/24   ",
		"Block lists that refused\n  bl.example.net   ",
		"  bl.example.net                             4    25.0%      20 ms       25.0%\n"
		"  y.long.name.in.it.quiet.example.org   ", "  0        -          -      100.0%\n",
		"= unaccounted for                            0   the books balance\n",
		"  not understood                               7   0.7% of the lines\n",
	};
	struct report rep = make(r, NULL, REPORT_WHOLE, REPORT_WHOLE);
	struct buf out = buf_new(1 << 20);

	report_text(&rep, &out);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		if (!ok(strstr(out.p, parts[i]) != NULL, "the text has: %.40s", parts[i]))
			printf("# %s\n", parts[i]);
	}
	ok(strchr(out.p, '\033') == NULL && strchr(out.p, '\007') == NULL, "hostile text is clean");
	ok(longest_line(out.p) <= 78, "no line is longer than 78: %zu", longest_line(out.p));
	if (getenv("SHOW") != NULL)
		fputs(out.p, stderr);
	report_free(&rep);
	buf_free(&out);
}

/* A large farm's year. */
static void
test_large(struct stateread *r)
{
	struct report rep = make(r, NULL, REPORT_WHOLE, REPORT_WHOLE);
	struct buf out = buf_new(1 << 20);

	for (uint32_t m = 0; m < METRIC_N; m++)
		cell_add(&rep.sum, m, 987654321);
	cell_add(&rep.hosts[0].sum, M_b_delivered, 2 * 987654321);
	report_text(&rep, &out);
	ok(strstr(out.p, " went from one to another") != NULL, "large numbers");
	ok(longest_line(out.p) <= 78, "make no line longer than 78: %zu", longest_line(out.p));
	report_free(&rep);
	buf_free(&out);
}

static void
test_status(struct stateread *r)
{
	struct buf out = buf_new(1 << 20);
	struct err e;

	ok(status_text(r, dir, day + 90010, &out, &e), "a status");
	ok(strstr(out.p, "last commit   10 s ago\n") != NULL, "the last commit's age");
	ok(strstr(out.p, "  hosts                             2        4,096   never\n") != NULL, "a limit");
	ok(strchr(out.p, '\033') == NULL, "hostile text is clean");
	if (getenv("SHOW") != NULL)
		fputs(out.p, stderr);
	buf_free(&out);
}

static void
test_words(void)
{
	is_str(words_count(-1234567).s, "-1,234,567", "thousands");
	is_str(words_count(INT64_MIN).s, "-9,223,372,036,854,775,808", "the least number");
	is_str(words_count(0).s, "0", "none");
	is_str(words_share(1, 3).s, "33.3%", "a third");
	is_str(words_share(1, 100000).s, "< 0.1%", "few");
	is_str(words_share(99999, 100000).s, "> 99.9%", "nearly all");
	is_str(words_share(0, 0).s, "-", "nothing of nothing");
	is_str(words_bytes(1250000).s, "1.2 MB", "bytes");
	is_str(words_seconds(4.21).s, "4.2 s", "seconds");
}

int
main(void)
{
	struct world w = { .tally = tally_new(NULL), .seen = seen_new(NULL, NULL), .tops = tops_new() };
	struct stateread *r;
	char command[100];
	struct err e;

	if (mkdtemp(dir) == NULL || (w.state = state_open(dir, &e)) == NULL)
		abort();
	w.track = track_new(state_key(w.state), w.tally, NULL, NULL);
	w.join = join_new(state_key(w.state), 0, NULL, NULL);
	if (!state_load(w.state, w.tally, w.track, w.join, &e))
		abort();
	fill(&w);
	r = stateread_open(dir, &e);
	if (r == NULL) {
		printf("Bail out! %s\n", e.text);
		return 1;
	}
	test_sums(r);
	test_json(r);
	test_text(r);
	test_large(r);
	test_status(r);
	test_words();
	stateread_close(r);
	track_free(w.track);
	seen_free(w.seen);
	join_free(w.join);
	tops_free(w.tops);
	tally_free(w.tally);
	state_close(w.state);
	snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command) != 0 || done_testing();
}
