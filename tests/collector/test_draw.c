/* test_draw.c - from log lines to pictures: each minute of each RRD is the state's, also
 * after late lines, and the page with the pictures is harmless. Runs $BUILD/bin/mxgauge. */
#include <dirent.h>
#include <math.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "mem.h"
#include "stateread.h"
#include "store/rrd.h"
#include "tap.h"

enum { HOURS = 27, MINUTES = HOURS * 60 };
#define START ((int64_t)1795046400)	/* 2026-11-19 00:00 UTC */

static char dir[64];

/* Two hosts, quieter at night, silent for half an hour; some deliveries with delays. */
static void
write_day(const char *name, int64_t from, int64_t to, int each)
{
	static const char *const reasons[] = {
		"554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using bl.example.org;",
		"550 5.1.1 <u@example.org>: Recipient address rejected: User unknown;",
		"450 4.2.0 <u@example.org>: Recipient address rejected: Greylisted;",
	};
	struct buf path = buf_new(200);
	unsigned x = 7;
	FILE *f;

	buf_fmt(&path, "%s/%s", dir, name);
	f = fopen(path.p, "w");
	buf_free(&path);
	for (int64_t t = from; f != NULL && t < to; t += 1 + (x >> 16) % (unsigned)each) {
		time_t at = (time_t)t;
		char stamp[64];
		struct tm tm;

		x = x * 1103515245 + 12345;
		if (t / 1800 % 20 == 13)
			continue;
		(void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S+00:00", gmtime_r(&at, &tm));
		fprintf(f, "%s mx%u postfix/smtpd[9]: NOQUEUE: reject: RCPT from unknown[192.0.2.7]: "
		    "%s from=<s@example.net> to=<u@example.org> proto=ESMTP helo=<x%u>\n", stamp,
		    1 + (x >> 20) % 2, reasons[(x >> 18) % 3], x);
		if ((x >> 16) % 3 == 0)
			fprintf(f, "%s mx1 postfix/smtp[8]: %08X: to=<u@example.net>, "
			    "relay=mx.example.net[198.51.100.9]:25, delay=%u.%02u, delays=0/0/0/0, "
			    "dsn=2.0.0, status=sent (250 ok)\n", stamp, x, (x >> 8) % 50, x % 100);
	}
	if (f != NULL)
		fclose(f);
}

/* check_dnsbl each ten minutes on both hosts, of two lists: one is ill in the fifth hour, and nobody asked
 * for five hours in the middle. */
static void
write_checks(const char *name)
{
	struct buf path = buf_new(200);
	FILE *f;

	buf_fmt(&path, "%s/%s", dir, name);
	f = fopen(path.p, "w");
	buf_free(&path);
	for (int64_t t = START + 1000; f != NULL && t < START + 60 * MINUTES - 100; t += 600) {
		time_t at = (time_t)t;
		int hour = (int)(t - START) / 3600;
		char stamp[64];
		struct tm tm;

		if (hour >= 10 && hour < 15)
			continue;
		(void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S+00:00", gmtime_r(&at, &tm));
		for (int host = 1; host <= 2; host++) {
			fprintf(f, "%s mx%d check_dnsbl[7]: list=bl.example.org health=%s latency_ms=%d.%d "
			    "asked=6 answered=%d\n", stamp, host, hour == 5 ? "servfail" : "ok", 20 * host + hour,
			    (int)(t / 600 % 10), hour == 5 ? 3 : 6);
			fprintf(f, "%s mx%d check_dnsbl[7]: list=quiet.example.org health=%s latency_ms=%s asked=6 "
			    "answered=%d\n", stamp, host, hour == 7 ? "timeout" : "ok", hour == 7 ? "-" : "3.5",
			    hour == 7 ? 0 : 6);
		}
	}
	if (f != NULL)
		fclose(f);
}

static int
run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static int
run(const char *fmt, ...)
{
	const char *build = getenv("BUILD");
	struct buf cmd = buf_new(3000);
	va_list ap;
	int rc;

	buf_fmt(&cmd, "cd '%s' && PATH=\"%s%s/bin:$PATH\" TZ=UTC && export TZ && ", dir,
	    build != NULL && build[0] == '/' ? "" : "$OLDPWD/", build != NULL ? build : "build");
	va_start(ap, fmt);
	buf_vfmt(&cmd, fmt, ap);
	va_end(ap);
	rc = system(cmd.p);
	buf_free(&cmd);
	return rc;
}

/* What the state says, a row a minute, a column a data source. */
struct table {
	const struct template *t;
	struct rrd_list list;	/* of a template of block lists, else "" */
	double v[MINUTES][64];
};

static bool
take(void *arg, int host, int64_t minute, const struct cell *c)
{
	struct table *w = arg;
	int64_t i = minute - START / 60;
	struct hist h;

	(void)host;
	for (size_t k = 0; i >= 0 && i < MINUTES && k < w->t->n_ds; k++) {
		const struct template_ds *ds = &w->t->ds[k];

		if (ds->source == DS_SHARE) {
			double by = (double)cell_get(c, cell_list(ds->by, w->list.word));

			w->v[i][k] = by > 0 ? ds->scale * (double)cell_get(c, cell_list(ds->of, w->list.word)) /
			    by : NAN;
			continue;
		}
		if (ds->source == DS_COUNT) {
			w->v[i][k] = (double)cell_get(c, ds->key + w->list.word);
			continue;
		}
		cell_hist(c, ds->hist, &h);
		w->v[i][k] = ds->q < 1 ? hist_quantile(&h, ds->q) : hist_max(&h);
	}
	return true;
}

/* What a run of check_dnsbl found holds for an hour and a half. */
static void
hold(struct table *w)
{
	for (size_t k = 0; k < w->t->n_ds; k++) {
		double v = NAN;

		for (int m = 0, since = 0; w->t->ds[k].source == DS_SHARE && m < MINUTES; m++, since++) {
			if (!isnan(w->v[m][k])) {
				v = w->v[m][k];
				since = 0;
			} else if (since < 90) {
				w->v[m][k] = v;
			}
		}
	}
}

/* How many values of an RRD rrdtool reads as something else; *seen: how many there are. */
static int
wrong(const char *host, const struct table *w, int64_t first, int64_t last, int *seen)
{
	struct buf cmd = buf_new(600);
	char line[8192];
	int bad = 0;
	FILE *p;

	buf_fmt(&cmd, "rrdtool fetch '%s/st/rrd/%s/%s%s%s.rrd' AVERAGE -r 60 -s %lld -e %lld", dir, host,
	    w->t->name, w->t->lists ? "-" : "", w->list.zone, (long long)START, (long long)(START + 60 * MINUTES - 60));
	p = popen(cmd.p, "r");
	buf_free(&cmd);
	while (p != NULL && fgets(line, sizeof line, p) != NULL) {
		char *at;
		int64_t i = (strtoll(line, &at, 10) - START) / 60 - 1;

		if (*at != ':' || i < 0 || i >= MINUTES)
			continue;
		at++;
		for (size_t k = 0; k < w->t->n_ds; k++) {
			double v = strtod(at, &at), want = w->v[i][k];
			bool count = w->t->ds[k].source == DS_COUNT;

			++*seen;
			if (i < first || i > last)
				want = NAN;
			if (count)
				v *= 60;
			if (isnan(v) != isnan(want) ||
			    fabs(v - want) > (count ? 1e-9 * fabs(want) : 0.00051))
				bad++;
		}
	}
	if (p != NULL)
		pclose(p);
	return bad;
}

/* One file of a host (NULL: of the farm), minutes from first to last. */
static int
wrong_file(struct stateread *r, const struct stateread_host *h, struct table *w, int64_t first,
    int64_t last, int *seen)
{
	struct err e;

	for (int m = 0; m < MINUTES; m++)
		for (size_t k = 0; k < w->t->n_ds; k++)
			w->v[m][k] = w->t->ds[k].source == DS_COUNT ? 0 : NAN;
	if (!stateread_minutes(r, h != NULL ? h->id : STATEREAD_FARM, 0, INT32_MAX, take, w, &e))
		return 1;
	hold(w);
	return wrong(h != NULL ? h->name : "_farm", w, first - START / 60, last - START / 60, seen);
}

/* The files of all block lists: those of which the host has none must not be there. */
static int
wrong_lists(struct stateread *r, const struct stateread_host *h, struct table *w, int64_t first,
    int64_t last, int *seen)
{
	const char *name = h != NULL ? h->name : "_farm";
	int bad = 0, files = 0;

	for (uint32_t word = 0; stateread_word(r, word).n > 0; word++) {
		struct cell sum = { .n = 0 };
		struct err e;

		if (!stateread_sum(r, h != NULL ? h->id : STATEREAD_FARM, 0, INT32_MAX, &sum, &e))
			bad++;
		if ((cell_get(&sum, CELL_WORD + word) > 0 || (word < CELL_LISTS &&
		    cell_get(&sum, cell_list(CELL_FACT_ASKED, word)) > 0)) && rrd_list_make(&w->list, r, word)) {
			int before = *seen;

			bad += wrong_file(r, h, w, first, last, seen);
			bad += *seen - before < MINUTES / 2;
			files++;
		}
		cell_free(&sum);
	}
	w->list = (struct rrd_list){ .word = 0 };
	bad += run("test $(ls st/rrd/%s | grep -c '^dnsbl') = %d", name, files) != 0;
	return bad;
}

static void
test_minutes(const char *what)
{
	static struct table w;
	const struct stateread_host *hosts;
	struct stateread *r;
	struct templates t;
	char state[80];
	struct err e;
	size_t n = 0;
	int64_t oldest = INT64_MAX, newest = 0;
	int bad = 0, lists = 0, seen = 0;

	(void)snprintf(state, sizeof state, "%s/st", dir);
	r = stateread_open(state, &e);
	if (!ok(r != NULL && templates_load("rrd-templates", &t, &e) &&
	    stateread_hosts(r, &hosts, &n, &e) && n == 2, "two hosts: %s", what))
		return;
	for (size_t i = 0; i < n; i++) {
		oldest = hosts[i].first < oldest ? hosts[i].first : oldest;
		newest = hosts[i].newest > newest ? hosts[i].newest : newest;
	}
	for (size_t i = 0; i < (n + 1) * t.n; i++) {
		size_t h = i / t.n;		/* n: the farm */
		int64_t first = (h < n ? hosts[h].first : oldest) / 60;
		int64_t last = (h < n ? hosts[h].newest : newest) / 60;

		w.t = &t.t[i % t.n];
		if (w.t->lists)
			lists += wrong_lists(r, h < n ? &hosts[h] : NULL, &w, first, last, &seen);
		else if (!w.t->sampled)		/* these hosts have no sensor */
			bad += wrong_file(r, h < n ? &hosts[h] : NULL, &w, first, last, &seen);
	}
	ok(seen > 3 * 100 * MINUTES, "%d values were read", seen);
	is_int(bad, 0, "each is what the state says");
	is_int(lists, 0, "those of the block lists too");
	templates_free(&t);
	stateread_close(r);
}

/* A refusal by a list, as somebody who chooses the list's name would have it. */
static void
refused_by(const char *file, const char *time, const char *zone)
{
	struct buf path = buf_new(200);
	FILE *f;

	buf_fmt(&path, "%s/%s", dir, file);
	f = fopen(path.p, "a");
	buf_free(&path);
	if (f == NULL)
		return;
	fprintf(f, "2026-11-20T%s+00:00 mx1 postfix/smtpd[9]: NOQUEUE: reject: RCPT from "
	    "unknown[192.0.2.7]: 554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using "
	    "%s; from=<s@example.net> to=<u@example.org> proto=ESMTP helo=<x>\n", time, zone);
	fclose(f);
}

static void
test_lists(void)
{
	char zone[40];

	refused_by("hostile.log", "01:00:01", "../../evil");
	refused_by("hostile.log", "01:00:02", ".hidden.example.org");
	refused_by("hostile.log", "01:00:03", "a:b%n.example.org");
	refused_by("hostile.log", "01:00:04", "ZEN.Example.ORG");
	is_int(run("mxgauge import --state st hostile.log > said"), 0, "lists of all sorts of names");
	test_minutes("with lists of all sorts of names");
	ok(run("test -s st/rrd/mx1/dnsbl-zen.example.org.rrd && ! test -e st/rrd/mx2/dnsbl-zen.example.org.rrd && "
	    "! find . | grep -e evil -e hidden -e a:b") == 0, "harmless names have files");
	for (int i = 0; i < 70; i++) {
		(void)snprintf(zone, sizeof zone, "l%d.example.org", i);
		refused_by("many.log", "02:00:00", zone);
		if (i < 10)
			refused_by("many.log", "02:00:01", zone);
	}
	is_int(run("mxgauge import --state st many.log > said"), 0, "73 lists");
	ok(run("test $(ls st/rrd/mx1/dnsbl-*.rrd | wc -l) = 64 && test -s st/rrd/mx1/dnsbl-l60.example.org.rrd && "
	    "! test -e st/rrd/mx1/dnsbl-l61.example.org.rrd") == 0, "64 of them are drawn, first come");
	ok(run("mxgauge status --state st | grep -Eq 'rrd_lists +64 +64 +9 '") == 0, "and the limit is told");
	ok(run("mxgauge graph --state st --out lists --span day --format svg >/dev/null && cd lists && "
	    "h() { sed -n '/<svg/s/.* height=\"\\([0-9]*\\).*/\\1/p' $1/dnsbl-hits-day.svg; } && "
	    "one=$(h mx2) && all=$(h mx1) && test $all -gt $((one + 7 * 10)) && test $all -lt $((one + 7 * 20))") == 0,
	    "the legend has eight of them, and on mx2 one");
	ok(run("found() { echo \"2026-11-20T02:30:0$1+00:00 mx1 check_dnsbl[7]: list=l50.example.org health=$2 asked=6 "
	    "answered=6\" >found.log && mxgauge import --state st found.log >said && mxgauge graph --state st --out $2 "
	    "--host mx1 --span day --format svg >/dev/null; } && found 1 ok && found 2 dead && "
	    "for i in lists ok dead; do sed 's/surface[0-9]*//' $i/mx1/dnsbl-hits-day.svg >$i.svg; done && "
	    "cmp -s lists.svg ok.svg && ! cmp -s lists.svg dead.svg") == 0,
	    "of those that hit less, only one that is ill has a place");
	ok(run("rm -r lists; mkdir y; mv st/rrd/mx2/dnsbl-* y; mxgauge graph --state st --out lists "
	    "--host mx2 --span day >/dev/null; mv y/* st/rrd/mx2; "
	    "test -e lists/mx2/flow-in-day.png && ! test -e lists/mx2/dnsbl-hits-day.png") == 0,
	    "a list without a file is left out");
}

/* A host whose name is markup, among the others. */
static void
test_hostile(void)
{
	ok(run("printf '%%s\\n' '2026-11-20T01:00:00+00:00 <b>x%%s postfix/smtpd[1]: connect from "
	    "unknown[192.0.2.1]' > evil.log && mxgauge import --state st evil.log > said") == 0,
	    "a host with a name of markup");
	ok(run("test -s 'st/rrd/%%3Cb%%3Ex%%25s/flow.rrd'") == 0, "has a harmless folder");
}

/* All pictures at once, as that takes seconds. */
static void
test_pictures(void)
{
	ok(run("mv st/rrd/mx2/remote.rrd x && mxgauge graph --state st --out out > said") == 0 &&
	    run("mv x st/rrd/mx2/remote.rrd; grep -q 'pictures in out' said") == 0, "mxgauge graph");
	is_int(run("for f in out/*/*.png; do head -c 8 $f | grep -q PNG || echo $f; done | grep ."), 256,
	    "PNG files");
	is_int(run("for t in day week month year; do for h in _farm mx1 mx2; do "
	    "test -s out/$h/flow-in-$t.png && grep -q \"src=.$h/flow-in-$t.png\" out/index.html || "
	    "exit 1; done; done"), 0, "all spans and hosts, and the page has them");
	is_int(run("ls out/* | grep -q new"), 256, "nothing half-made lies about");
	is_int(run("grep -iE '<script|http|onload|-nan' out/index.html"), 256,
	    "no scripts, nothing from elsewhere");
	ok(run("grep -q '&lt;b&gt;x%%s' out/index.html && ! grep -q '<b>' out/index.html && "
	    "grep -q 'src=\"%%253Cb%%253Ex%%2525s/flow-in-day.png' out/index.html && "
	    "test -s 'out/%%3Cb%%3Ex%%25s/flow-in-day.png'") == 0, "a host's name is text on the page");
	is_int(run("grep -o '<img[^>]*>' out/index.html | grep -v ' alt=\"[^\"]'"), 256,
	    "each picture says what it is");
	ok(run("mv st/rrd/mx2/remote.rrd x && { mxgauge graph --state st --out killed > said & } && p=$!; c=; while test -z \"$c\" && kill -0 $p; do "
	    "read -r c rest < /proc/$p/task/$p/children; done; test $(nproc) = 1 || kill -KILL $c; wait $p && "
	    "mv x st/rrd/mx2/remote.rrd && "
	    "for i in out killed; do grep -o '<img[^>]*>' $i/index.html > $i.img; done && test -s out.img && "
	    "cmp out.img killed.img && test $(ls killed/* | wc -l) = $(ls out/* | wc -l)") == 0,
	    "one of the processes that draw is killed: all are drawn");
	ok(run("mxgauge graph --state st --out svg --host mx1 --span day --format svg >/dev/null") == 0 &&
	    run("grep -q '<svg' svg/mx1/flow-in-day.svg && ! test -e svg/index.html") == 0, "SVG");
	ok(run("mxgauge graph --state st --out out --host nobody 2> said") != 0 &&
	    run("grep -q 'no host nobody' said") == 0, "a host that there is not");
	ok(run("mxgauge graph --state st --out said 2> err") != 0 &&
	    run("grep -q said err") == 0, "a folder that is a file");
	ok(run("mxgauge graph --state nothing --out out 2> err") != 0 && run("test -s err") == 0,
	    "no state");
	ok(run("grep -q 'mx1/remote-defer' out/index.html && ! grep -q 'mx2/remote-defer' out/index.html") == 0,
	    "what has no RRD is left out");
}

/* Three weeks on, no cell that is kept knows of a list. */
static void
test_silent_lists(void)
{
	ok(run("sed -n '1,/mx1.*blocked using bl/s/2026-11-19/2026-10-20/p' day.log > old.log && "
	    "sed -n '/blocked using bl/s/bl.example.org/l0.example.org/p' old.log | "
	    "sed 's/2026-10-20/2026-11-10/' > later.log && test -s later.log && "
	    "mxgauge import --state old old.log > said && mxgauge import --state old later.log > said") == 0,
	    "three weeks on");
	ok(run("test $(rrdtool last old/rrd/mx1/dnsbl-bl.example.org.rrd) = $(rrdtool last old/rrd/mx1/flow.rrd) && "
	    "test $(rrdtool last old/rrd/mx1/flow.rrd) -gt 1794268800") == 0,
	    "a list that is silent for so long is still drawn");
	ok(run("mxgauge graph --state old --out none --host mx1 --span week --format svg >/dev/null && "
	    "mxgauge graph --state st --out some --host mx1 --span week --format svg >/dev/null && "
	    "w() { sed -n '/<svg/s/.* width=\"\\([0-9]*\\).*/\\1/p' $1-week.svg; } && "
	    "test $(w none/mx1/dnsbl-hits) = $(w none/mx1/flow-in) && test $(w some/mx1/dnsbl-hits) -gt $(w some/mx1/flow-in)") == 0,
	    "the axis on the right has a name only where a latency was measured");
}

int
main(void)
{
	struct buf rm = buf_new(100);

	(void)snprintf(dir, sizeof dir, "%s", "/tmp/test_draw.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return 1;
	write_day("day.log", START, START + 60 * MINUTES - 100, 20);
	is_int(run("mxgauge import --state st day.log > said"), 0, "a day and three hours");
	test_minutes("imported at once");
	write_checks("checks.log");
	is_int(run("mxgauge import --state st checks.log > said"), 0, "what check_dnsbl found of lists, late");
	test_minutes("after that");
	write_day("late.log", START + 9 * 3600, START + 10 * 3600, 6);
	is_int(run("mxgauge import --state st late.log > said"), 0, "late: an hour of the day before");
	test_minutes("after late lines");
	test_lists();
	test_hostile();
	test_pictures();
	test_silent_lists();
	buf_fmt(&rm, "rm -rf '%s'", dir);
	ok(system(rm.p) == 0, "cleaned up");
	buf_free(&rm);
	return done_testing();
}
