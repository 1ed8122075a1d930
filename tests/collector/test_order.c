/* test_order.c - the counts are a function of the set of lines.
 *
 * Each situation of order_cases.h is a host, some have others beside; all are read together. In the order in
 * which they were written the counts must be those worked out by hand; in any other
 * order, twice, from two sources that each lack something, cut in two at every line, dropped
 * before the commit, and with mails put away all the time, every cell must be the same.
 * SEEDS says how many shuffled orders are tried. */
#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "commit.h"
#include "ingest.h"
#include "mem.h"
#include "order_dump.h"
#include "order_lines.h"
#include "state_dir.h"
#include "stateread.h"
#include "tap.h"
#include "users.h"

static char dir[] = "/tmp/mx-order.XXXXXX";
static char *reference;
/* --- reading ----------------------------------------------------------------------- */

static struct ingest *
begin(const struct ingest_settings *set)
{
	struct err e = { "" };
	struct ingest *in = ingest_open(dir, set, &e);

	if (in == NULL)
		die(&e);
	return in;
}

/* The source of this number, made when new. */
static struct feed *
feed(struct ingest *in, size_t source)
{
	static const char *const names[] = { "a", "b" };
	struct state *s = ingest_state(in);
	struct err e = { "" };
	struct feed *f;

	while (state_sources(s) <= source)
		(void)state_source_add(s, names[state_sources(s)]);
	f = feed_open(in, state_source_at(s, source), "UTC", 0, NULL, T0 + 30 * 86400, &e);
	if (f == NULL)
		die(&e);
	return f;
}

static void
take(struct ingest *in, struct feed *f, const struct item *it)
{
	struct err e = { "" };

	if (!ingest_line(in, f, slice_of(it->text), false, &e))
		die(&e);
}

/* every: commit after so many lines; 0: at the end */
static void
read_all(const struct ingest_settings *set, const struct item **order, size_t n, size_t every)
{
	struct ingest *in = begin(set);
	struct feed *f = feed(in, 0);

	for (size_t i = 0; i < n; i++) {
		take(in, f, order[i]);
		if (every > 0 && (i + 1) % every == 0)
			commit(in, true);
	}
	commit(in, true);
	feed_close(f);
	ingest_close(in);
}

/* --- what came out ------------------------------------------------------------------- */

static bool
same_as_before(void)
{
	char *got = sorted(dump(dir));
	bool same = strcmp(got, reference) == 0;

	if (!same)
		show_difference(reference, got);
	free(got);
	drop_state(dir);
	return same;
}

/* --- tests ----------------------------------------------------------------------------- */

static const enum metric judged[] = { M_recv_msg, M_recv_rcpt, M_recv_local, M_local_rcpt, M_own_rcpt,
	M_dlv_ext, M_dlv_local, M_defer, M_bounce, M_expire, M_dsn, M_held, M_discard, M_rej, M_tmp,
	M_auth_ok, M_auth_rcpt, M_half_seen, M_spam, M_unknown, M_foreign, M_b_in, M_b_delivered,
	M_b_bounced, M_b_expired, M_b_discarded, M_b_held, M_b_lost, M_b_msgs };

static long
wanted(const char *want, const char *name, bool *named)
{
	size_t n = strlen(name);

	*named = true;
	for (const char *p = want; (p = strstr(p, name)) != NULL; p += n)
		if ((p == want || p[-1] == ' ') && p[n] == '=')
			return strtol(p + n + 1, NULL, 10);
	*named = false;
	return 0;
}

static void
judge(const struct order_case *c, const struct cell *sum)
{
	int64_t left = cell_get(sum, M_b_in) - cell_get(sum, M_b_delivered) -
	    cell_get(sum, M_b_bounced) - cell_get(sum, M_b_expired) -
	    cell_get(sum, M_b_discarded) - cell_get(sum, M_b_held) - cell_get(sum, M_b_lost);
	struct buf wrong = buf_new(4096);
	bool named;

	for (size_t i = 0; i < sizeof judged / sizeof *judged; i++) {
		const char *name = metrics[judged[i]].name;
		int64_t n = cell_get(sum, judged[i]);
		long want = wanted(c->want, name, &named);

		if (n != want)
			buf_fmt(&wrong, " %s=%" PRId64 " (%ld)", name, n, want);
	}
	if (wanted(c->want, "recv_bytes", &named) != cell_get(sum, M_recv_bytes) && named)
		buf_fmt(&wrong, " recv_bytes=%" PRId64, cell_get(sum, M_recv_bytes));
	if (wanted(c->want, "conn", &named) != cell_get(sum, M_conn) && named)
		buf_fmt(&wrong, " conn=%" PRId64, cell_get(sum, M_conn));
	if (left != wanted(c->want, "open", &named))
		buf_fmt(&wrong, " open=%" PRId64, left);
	if (!ok(wrong.n == 0, "%s", c->name))
		printf("# got%s\n", wrong.p);
	buf_free(&wrong);
}

/* Of host accounts: messages, recipients, ends known, bounced, deferred are 0: to 4:, logins 5:,
 * to read mail 6:, failed 7:, of whom is not said 8:. A user without a set has one that is known
 * to be empty. */
static const char *const users[] = {
	"accounts user +0 anna@example.org 0:2 1:5 2:4 3:1 4:1 5:2 6:1 domains 7 ok 192.0.2.0/24 2/1@22\n",
	"accounts user +0 bob 0:1 1:1 2:1 5:1 domains 1 ok 2001:db8:1:2::/64 1/0@9 failed 203.0.113.0/24 0/1@20\n",
	"accounts user +0 carol 7:1 domains 0 failed 203.0.113.0/24 1/0@21\n",
	"accounts user +1 bob 0:1 1:1 2:1 5:1 domains 1 ok 198.51.100.0/24 1/0@4000\n",
	"accounts user +0 192.0.2.0/24 5:2 6:1 domains 0 ok anna@example.org 2/1@22\n",
	"accounts user +0 203.0.113.0/24 7:2 8:1 domains 0 failed ",
};

static void
test_users(void)
{
	size_t missing = 0;

	for (size_t i = 0; i < sizeof users / sizeof *users; i++)
		if (strstr(reference, users[i]) == NULL) {
			printf("# lacks %s", users[i]);
			missing++;
		}
	for (const char *p = reference; missing > 0 && (p = strstr(p, "accounts user ")) != NULL; p++)
		printf("# has %.*s\n", (int)strcspn(p, "\n"), p);
	ok(missing == 0, "what accounts and networks did");
}

static void
test_by_hand(void)
{
	const struct item *order[MAX];
	const struct stateread_host *hosts;
	struct stateread *r;
	struct err e = { "" };
	size_t n;

	read_all(&ingest_defaults, order, as_written(order), 0);
	r = stateread_open(dir, &e);
	if (r == NULL || !stateread_hosts(r, &hosts, &n, &e))
		die(&e);
	for (int c = 0; c < CASES; c++) {
		struct cell sum = { 0 };

		for (size_t i = 0; i < n; i++)
			if (strcmp(hosts[i].name, order_cases[c].name) == 0 &&
			    !stateread_sum(r, hosts[i].id, 0, INT32_MAX, &sum, &e))
				die(&e);
		judge(&order_cases[c], &sum);
		cell_free(&sum);
	}
	stateread_close(r);
	reference = sorted(dump(dir));
	test_users();
	drop_state(dir);
}

static void
test_orders(void)
{
	const struct item *order[MAX];
	const char *seeds = getenv("SEEDS");
	uint64_t most = seeds != NULL ? strtoul(seeds, NULL, 10) : 100;
	bool good = true;

	for (size_t by = 0; good && by < n_lines; by += 7) {
		read_all(&ingest_defaults, order, rotated(order, by, false), 0);
		good = same_as_before();
	}
	ok(good, "rotated");
	good = true;
	for (size_t by = 0; good && by < n_lines; by += 13) {
		read_all(&ingest_defaults, order, rotated(order, by, true), 0);
		good = same_as_before();
	}
	ok(good, "backwards and rotated");
	good = true;
	for (uint64_t seed = 1; good && seed <= most; seed++) {
		read_all(&ingest_defaults, order, shuffled(order, seed), 0);
		if (!(good = same_as_before()))
			printf("# seed %" PRIu64 "\n", seed);
	}
	ok(good, "shuffled");
}

/* Tiny memory: mails go to the disk and come back for every other line. */
static void
test_put_away(void)
{
	struct ingest_settings set = ingest_defaults;
	const struct item *order[MAX];
	bool good = true;

	set.max_mails = 3;
	for (uint64_t seed = 1; good && seed <= 8; seed++) {
		read_all(&set, order, seed == 1 ? as_written(order) : shuffled(order, seed),
		    5 + seed * 6);
		good = same_as_before();
	}
	ok(good, "mails put away and fetched back");
}

/* Of a line that is there twice each source must have both, or it counts once: rightly so. */
static bool
is_repeated(const struct item *it)
{
	for (size_t i = 0; i < n_lines; i++)
		if (&lines[i] != it && strcmp(lines[i].text, it->text) == 0)
			return true;
	return false;
}

static void
test_two_sources(void)
{
	const struct item *order[MAX];
	bool good = true;

	for (uint64_t seed = 1; good && seed <= 12; seed++) {
		struct ingest *in = begin(&ingest_defaults);
		struct feed *f = feed(in, 0), *g = feed(in, 1);

		/* even seeds: one behind the other; odd: both at once. Up to 4 the second is
		 * whole, then each lacks what the other has */
		as_written(order);
		for (size_t i = 0; i < n_lines; i++) {
			bool whole = seed <= 4 || order_cases[order[i]->test].ordered || is_repeated(order[i]);

			if (whole || i % 3 != 0)
				take(in, f, order[i]);
			if (seed % 2 == 1 && (whole || i % 3 != 1))
				take(in, g, order[i]);
			if (i % 100 == 99)
				commit(in, false);
		}
		shuffled(order, seed);
		for (size_t i = 0; seed % 2 == 0 && i < n_lines; i++) {
			bool whole = seed <= 4 || order_cases[order[i]->test].ordered || is_repeated(order[i]);

			if (whole || (order[i] - lines) % 3 != 1)
				take(in, g, order[i]);
		}
		commit(in, true);
		feed_close(f);
		feed_close(g);
		ingest_close(in);
		good = same_as_before();
	}
	ok(good, "two sources");
}

/* --- the same line by another path ------------------------------------------------------ */

enum way { FRACTION, NO_YEAR, WIRE, OTHER_PID, NO_PID, WAYS };

/* "tag[pid]: text" in three; the pid may be missing. False: it has no tag. */
static bool
parts(struct slice s, struct slice *tag, struct slice *pid, struct slice *text)
{
	*pid = SLICE("");
	if (!slice_cut_at(&s, SLICE(": "), tag) || memchr(tag->p, ' ', tag->n) != NULL)
		return false;
	*text = s;
	s = *tag;
	if (slice_cut(&s, '[', tag))
		*pid = slice_head(s, s.n - 1);
	return true;
}

/* How another path writes the line. */
static void
rewrite(enum way way, const struct item *it, struct buf *b)
{
	struct slice rest = slice_of(it->text), stamp, host, tag, pid, text;
	time_t t = T0 + it->at;
	struct tm tm;
	char bsd[20];

	buf_clear(b);
	strftime(bsd, sizeof bsd, "%b %e %H:%M:%S", gmtime_r(&t, &tm));
	if (!slice_cut(&rest, ' ', &stamp) || !slice_cut(&rest, ' ', &host))
		return;
	buf_fmt(b, "%s%.19s%s %.*s%s ", way == WIRE ? "<22>1 " : "", way == NO_YEAR ? bsd : it->text,
	    way == FRACTION ? ".987654+00:00" : way == NO_YEAR ? "" : "Z", (int)host.n, host.p,
	    way == WIRE ? ".example.org" : "");
	if (way < WIRE || !parts(rest, &tag, &pid, &text))
		buf_fmt(b, "%s%.*s", way == WIRE ? "- - - - " : "", (int)rest.n, rest.p);
	else if (way == WIRE)
		buf_fmt(b, "%.*s %.*s - - %.*s", (int)tag.n, tag.p, pid.n > 0 ? (int)pid.n : 1,
		    pid.n > 0 ? pid.p : "-", (int)text.n, text.p);
	else
		buf_fmt(b, "%.*s%s: %.*s", (int)tag.n, tag.p, way == NO_PID ? "" : "[7]", (int)text.n,
		    text.p);
}

/* round 0: the other path is behind; 1: it is first; 2: line by line. */
static void
test_ways(void)
{
	static const char *const names[] = { "fractions of seconds", "no year", "RFC 5424",
	    "another pid", "no pid" };
	struct buf b = buf_new(1 << 16);

	for (int i = 0; i < 3 * WAYS; i++) {
		struct ingest *in = begin(&ingest_defaults);
		struct feed *f = feed(in, 0), *g = feed(in, 1);
		enum way way = (enum way)(i / 3);
		struct item other;

		for (size_t k = 0; k < 2 * n_lines; k++) {
			const struct item *it = &lines[i % 3 == 2 ? k / 2 : k % n_lines];
			bool second = i % 3 == 2 ? k % 2 == 1 : k >= n_lines;

			rewrite(way, it, &b);
			other = *it;
			other.text = b.p;
			if (second == (i % 3 == 1))
				take(in, f, it);
			else
				take(in, g, &other);
		}
		commit(in, true);
		is_int((long)ingest_totals(in)->copies, (long)n_lines, "each line is known again");
		feed_close(f);
		feed_close(g);
		ingest_close(in);
		ok(same_as_before(), "another path, %s: round %d", names[way], i % 3);
	}
	buf_free(&b);
}

/* After the k-th line of each case the program ends: with a commit, or, lost more lines
 * later, without one; then it goes on from the commit. */
static void
test_cut(bool killed)
{
	bool good = true;

	for (int k = 1; good && k < longest; k++) {
		struct ingest *in = begin(&ingest_defaults);
		struct feed *f = feed(in, 0);

		for (size_t i = 0; i < n_lines; i++)
			if (lines[i].index < k)
				take(in, f, &lines[i]);
		feed_remember(f);
		commit(in, false);
		for (size_t i = 0; killed && i < n_lines; i++)
			if (lines[i].index >= k && lines[i].index < k + 3)
				take(in, f, &lines[i]);
		feed_close(f);
		ingest_close(in);
		in = begin(&ingest_defaults);
		f = feed(in, 0);
		for (size_t i = 0; i < n_lines; i++)
			if (lines[i].index >= k && !order_cases[lines[i].test].ordered)
				take(in, f, &lines[i]);
		for (size_t i = 0; i < n_lines; i++)
			if (lines[i].index >= k && order_cases[lines[i].test].ordered)
				take(in, f, &lines[i]);
		commit(in, true);
		feed_close(f);
		ingest_close(in);
		if (!(good = same_as_before()))
			printf("# cut before line %d\n", k);
	}
	ok(good, killed ? "killed after every line" : "cut at every line");
}

/* --- random worlds ---------------------------------------------------------------------- */

/* A line about one of four ids that knows no reason: ids are used again at once, filters
 * answer before they are asked, mails go in circles. Nobody says what is right to count; but
 * whatever it is must be the same in any order. */
static void
random_line(struct buf *b, long *at, uint32_t hosts)
{
	static const char *const texts[] = {
		SMTPD "%s: " OUTSIDE, SMTPD "%s: " LOOP, SMTPD "%s: client=filter.example.org[198.51.100.5]",
		SMTPD "%s: " LOOP ", orig_queue_id=%s, orig_client=mx.example.net[192.0.2.1]",
		CLEANUP "%s: message-id=<%s@example.net>", CLEANUP "%s: message-id=<1@example.net>",
		QMGR "%s: " FROM(1), QMGR "%s: " FROM(2), QMGR "%s: removed", QMGR "%s: removed",
		"postfix-two/qmgr[9]: %s: " FROM(3), "postfix-two/qmgr[9]: %s: removed",
		QMGR "%s: from=<a@example.net>, status=expired, returned to sender",
		PICKUP "%s: uid=1 from=<a@example.net>", PICKUP "%s: uid=1 from=<a@example.net> orig_id=%s",
		SMTP "%s: to=<u@example.org>, " FILTER DELAY(3) BACK("%s"),
		SMTP "%s: to=<v@example.org>, " FILTER DELAY(40) BACK("%s"),
		SMTP "%s: to=<u@example.org>, " FILTER DELAY(2) SENT "(250 Ok)",
		SMTP "%s: to=<v@example.org>, relay=filter.example.org[198.51.100.5]:10024, " DELAY(1)
		    SENT "(250 Ok: queued as %s)",
		SMTP "%s: to=<u@example.com>, " STORE DELAY(2) STORED("%s"),
		SMTP "%s: to=<v@example.com>, " STORE DELAY(50) STORED("%s"),
		SMTP "%s: to=<u@example.com>, " MX DELAY(2) REMOTE, SMTP "%s: to=<u@example.com>, " MX DELAY(2) DEFER,
		SMTP "%s: to=<v@example.com>, " MX DELAY(2) BOUNCED,
		LOCAL "%s: to=<u@example.org>, relay=local, " DELAY(1) BOX,
		LOCAL "%s: to=<u@example.org>, relay=local, " DELAY(1) SENT "(forwarded as %s)",
		PIPE "%s: to=<u@example.org>, relay=x, " DELAY(4) SENT "(delivered via x service)",
		PIPE "%s: to=<v@example.org>, relay=x, " DELAY(4) SENT "(delivered via x service)",
		BOUNCE "%s: sender non-delivery notification: %s",
		SUPER "%s: requeued", SUPER "%s: removed", SUPER "%s: placed on hold",
		SUPER "%s: released from hold",
		AMAVIS "(1-1) Passed SPAM {X}, [192.0.2.1]:4711 [192.0.2.1] <a@example.net> -> <u@example.org>, "
		    "Queue-ID: %s, mail_id: x, Hits: 9, size: 1, queued_as: %s/E000000001, 9 ms",
		"check_dnsbl[7]: list=%s.example.org health=ok latency_ms=12.3 asked=6 answered=6",
		"check_dnsbl[7]: list=%s.example.org health=servfail latency_ms=- asked=6 answered=1",
	};
	static const char *const ids[] = { "A000000001", "B000000001", "C000000001", "D000000001" };
	const char *p = texts[roll(sizeof texts / sizeof *texts)], *cut;
	char stamp[40];
	struct tm tm;
	time_t t;

	/* now and then a pause that parts two lives */
	*at += roll(12) == 0 ? roll(4000) : roll(4);
	t = T0 + *at;
	(void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S+00:00", gmtime_r(&t, &tm));
	buf_fmt(b, "%s mx%u ", stamp, 1 + roll(hosts));
	while ((cut = strstr(p, "%s")) != NULL) {
		buf_add(b, (struct slice){ p, (size_t)(cut - p) });
		buf_str(b, ids[roll(4)]);
		p = cut + 2;
	}
	buf_str(b, p);
}

static void
test_random(void)
{
	const struct item *order[MAX];
	const char *worlds = getenv("WORLDS");
	uint64_t most = worlds != NULL ? strtoul(worlds, NULL, 10) : 60;
	struct ingest_settings set = ingest_defaults;
	bool good = true;

	for (size_t i = 0; i < n_lines; i++)
		free(lines[i].text);
	set.max_mails = 2;
	for (uint64_t world = 1; good && world <= most; world++) {
		long at = 0;

		dice = world * 77;
		n_lines = 20 + roll(100);
		for (size_t i = 0; i < n_lines; i++) {
			struct buf b = buf_new(1000);

			random_line(&b, &at, 1 + (uint32_t)world % 3);
			lines[i] = (struct item){ 0, (int)i, b.p, at };
		}
		read_all(&ingest_defaults, order, as_written(order), 0);
		free(reference);
		reference = sorted(dump(dir));
		drop_state(dir);
		for (uint64_t seed = 1; good && seed <= 4; seed++) {
			(void)(seed == 1 ? rotated(order, 0, true) : shuffled(order, world * 5 + seed));
			read_all(seed == 3 ? &set : &ingest_defaults, order, n_lines, seed * 11);
			good = same_as_before();
		}
		if (!good)
			printf("# world %" PRIu64 "\n", world);
		for (size_t i = 0; i < n_lines; i++)
			free(lines[i].text);
	}
	n_lines = 0;
	ok(good, "lines without sense");
}

int
main(void)
{
	if (mkdtemp(dir) == NULL)
		return 1;
	make_lines();
	qsort(lines, n_lines, sizeof *lines, by_time);
	test_by_hand();
	test_orders();
	test_put_away();
	test_two_sources();
	test_ways();
	test_cut(false);
	test_cut(true);
	test_random();
	for (size_t i = 0; i < n_lines; i++)
		free(lines[i].text);
	free(reference);
	drop_state(dir);
	(void)rmdir(dir);
	return done_testing();
}
