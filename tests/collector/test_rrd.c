/* test_rrd.c - minutes of RRDs read back by rrdtool are the counts, in whatever pieces they came and however the templates changed. */
#include "rrd_cells.h"

static void
test_exact(void)
{
	struct err e;

	ok(run("mx1.example.org", DAY + 700, RRD_COMPARE, &e), "a first run makes the file");
	is_int(wrong("mx1.example.org/one.rrd", "rej", M_rej, w.first - 5, DAY + 700), 0,
	    "each minute reads back as its count, zeros included, unknown before the first");
	is_int(wrong("mx1.example.org/one.rrd", "recv_bytes", M_recv_bytes, w.first, DAY + 700), 0,
	    "large numbers too");
	is_int(wrong("mx1.example.org/one.rrd", "tmp", M_tmp, w.first, DAY + 700), 0,
	    "and corrections below zero");
	ok(shell("touch -d 2020-01-01 @; cp -p @ ../before", "mx1.example.org/one.rrd") &&
	    run("mx1.example.org", DAY + 700, RRD_COMPARE, &e) &&
	    shell("cmp -s @ ../before && test ! @ -nt ../before", "mx1.example.org/one.rrd"),
	    "a second run writes nothing");
	for (int64_t end = DAY + 701; end < DAY + 720; end++)
		ok(run("mx1.example.org", end, RRD_NOTHING_CHANGED, &e), "one minute more");
	is_int(wrong("mx1.example.org/one.rrd", "rej", M_rej, w.first, DAY + 719), 0,
	    "minute by minute is exact as well");
	ok(run("mx1.example.org", DAY + 1500, RRD_NOTHING_CHANGED, &e) &&
	    run("all.example.org", DAY + 1500, RRD_NOTHING_CHANGED, &e) &&
	    same_rows("mx1.example.org/one.rrd", "all.example.org/one.rrd"),
	    "in pieces or at once: the same rows");
}

/* All that rrdtool says of the minutes from..to of mx1, in a file. */
static bool
past(int64_t from, int64_t to, const char *name)
{
	struct buf cmd = buf_new(900);
	bool good;

	for (int step = 60; step <= 86400; step *= step == 60 ? 10 : 144)
		for (int max = 0; max < 2; max++)
			buf_fmt(&cmd, "rrdtool fetch mx1.example.org/one.rrd %s -r %d -s %lld -e %lld %s ../%s"
			    " && ", max ? "MAX" : "AVERAGE", step, (long long)(60 * from),
			    (long long)(60 * to - 86400), cmd.n == 0 ? ">" : ">>", name);
	buf_str(&cmd, "true");
	good = shell(cmd.p, "");
	buf_free(&cmd);
	return good;
}

static void
test_late(void)
{
	struct err e;
	int64_t old;

	for (int i = 1430 - 100; i < 1430 - 40; i++)
		cell_add(&w.cell[i], CELL_METRIC + M_rej, 5);	/* an hour of the day before */
	ok(run("mx1.example.org", DAY + 1500, DAY - 100, &e), "late lines rewrite the past");
	is_int(wrong("mx1.example.org/one.rrd", "rej", M_rej, w.first, DAY + 1500), 0,
	    "all minutes are exact again");
	ok(run("fresh.example.org", DAY + 1500, RRD_COMPARE, &e) &&
	    same_rows("mx1.example.org/one.rrd", "fresh.example.org/one.rrd"),
	    "rewritten or fed in order: the same rows in every RRA");
	cell_add(&w.cell[1430 + 800], CELL_METRIC + M_rej, 1);
	ok(run("mx1.example.org", DAY + 1500, RRD_COMPARE, &e) &&
	    wrong("mx1.example.org/one.rrd", "rej", M_rej, w.first, DAY + 1500) == 0,
	    "a change that nobody told of is found by comparing");
	ok(!shell("ls @ | grep -q new", "mx1.example.org"), "nothing is left lying about");
	(void)shell("ls -i @ >../inode", "mx1.example.org/one.rrd");
	cell_add(&w.cell[1430 + 700], CELL_METRIC + M_spam, 1);
	ok(run("mx1.example.org", DAY + 1500, DAY + 700, &e) &&
	    shell("ls -i @ | cmp - ../inode", "mx1.example.org/one.rrd"),
	    "a late line of which the file shows nothing does not rewrite it");
	cell_add(&w.cell[1430 + 700], CELL_METRIC + M_rej, 1);
	ok(run("mx1.example.org", DAY + 1500, DAY + 700, &e) &&
	    !shell("ls -i @ | cmp -s - ../inode", "mx1.example.org/one.rrd") &&
	    wrong("mx1.example.org/one.rrd", "rej", M_rej, w.first, DAY + 1500) == 0,
	    "another one does");
	old = w.first;
	w.first += 2000;	/* the oldest cells are dropped */
	for (int i = 0; i < 2000; i++)
		cell_free(&w.cell[i]);
	memmove(w.cell, w.cell + 2000, 2000 * sizeof w.cell[0]);
	memset(w.cell + 2000, 0, 2000 * sizeof w.cell[0]);
	ok(past(old, w.first, "before"), "the past, before cells were dropped");
	cell_add(&w.cell[100], CELL_METRIC + M_rej, 7);
	ok(run("mx1.example.org", DAY + 1500, RRD_COMPARE, &e) &&
	    wrong("mx1.example.org/one.rrd", "rej", M_rej, w.first, DAY + 1500) == 0,
	    "rewriting a day of which the first cells are gone");
	ok(past(old, w.first, "after") && shell("cmp ../before ../after && grep -q '[1-9]e' ../after", ""),
	    "the past stays in every RRA");
}

static void
test_shapes(void)
{
	struct err e;
	static const char *const file = "mx1.example.org/one.rrd";

	write_conf("one", "ds = { spam, rej, tmp, recv_bytes, delay_p95, delay_max, virus }\n" RRAS);
	ok(run("mx1.example.org", DAY + 1500, RRD_COMPARE, &e) && w.noted[0] == '\0',
	    "a template with two metrics more");
	is_int(wrong(file, "rej", M_rej, w.first, DAY + 1500), 0, "the old ones keep their values");
	is_int(wrong(file, "spam", M_spam, w.first, DAY + 1500), 0, "the new ones have the past");
	write_conf("one", "ds = { rej }\n" RRAS);
	ok(run("mx1.example.org", DAY + 1501, RRD_COMPARE, &e) &&
	    wrong(file, "recv_bytes", M_recv_bytes, w.first, DAY + 1500) == 0,
	    "a template with fewer metrics: the file loses none");
	write_conf("one", "ds = { rej, tmp, recv_bytes, delay_p95, delay_max }\n" RRAS);
	ok(shell("head -c 5000 @ > x && mv x @", file), "cut off");
	ok(run("mx1.example.org", DAY + 1501, RRD_COMPARE, &e) &&
	    strstr(w.noted, "one.rrd.bad-2") != NULL, "%s", w.noted);
	is_int(wrong(file, "rej", M_rej, w.first, DAY + 1501), 0, "made anew from the cells");
	ok(shell("rrdtool create @ -s 300 -b 1779580000 DS:rej:GAUGE:600:0:U "
	    "RRA:AVERAGE:0.5:1:10", file) && run("mx1.example.org", DAY + 1501, RRD_COMPARE, &e) &&
	    strstr(w.noted, "step is 300") != NULL && shell("test -s @.bad-*-2 && test -s @.bad-*[0-9]-[0-9][0-9]", file),
	    "a step of 300 s: %s", w.noted);
	ok(shell("rrdtool create @ -s 60 -b 1779580000 DS:rej:GAUGE:600:0:U "
	    "RRA:AVERAGE:0.5:1:10", file) && run("mx1.example.org", DAY + 1501, RRD_COMPARE, &e) &&
	    strstr(w.noted, "rej is GAUGE") != NULL, "another type: %s", w.noted);
	is_int(wrong(file, "rej", M_rej, w.first, DAY + 1501), 0, "exact again");
	ok(shell("rrdtool update @ -t rej 1999999999:5", file) &&
	    run("mx1.example.org", DAY + 1501, RRD_COMPARE, &e) &&
	    wrong(file, "rej", M_rej, w.first, DAY + 1501) == 0,
	    "a file that knows the future is taken back");
	ok(shell("rm -f @; mkdir @", file) && !run("mx1.example.org", DAY + 1501, RRD_COMPARE, &e) &&
	    strstr(e.text, "one.rrd: it is no file") != NULL, "a folder in its place is an error");
	ok(shell("rmdir @", file), "taken away again");
}

/* What rrdtool has for a day of a consolidation, unknown ones too. */
static bool
rows(const char *cf, int step, int64_t from, int64_t to, const char *name)
{
	struct buf cmd = buf_new(900);
	bool good;

	buf_fmt(&cmd, "rrdtool fetch mx1.example.org/one.rrd %s -r %d -s %lld -e %lld > ../%s", cf, step,
	    (long long)(60 * from), (long long)(60 * to - 60 * 60), name);
	good = shell(cmd.p, "");
	buf_free(&cmd);
	return good;
}

/* Each row of STEP seconds in file NEW.rej is VALUE of those of OLD.rej that it is made of. */
#define JOINED(OLD, NEW, STEP, VALUE) \
	"awk 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == \"rej\") c = i + 1; next } NF { print $1, $c }' " \
	"../" NEW " > ../" NEW ".rej && awk -v step=" STEP " '{ t = $1 + 0; end = t + (step - t % step) % step } " \
	"NR == FNR { if ($2 != \"nan\" && $2 != \"-nan\") { if (!n[end]++ || $2 > max[end]) max[end] = $2; " \
	"s[end] += $2 } last = t; next } t > last { next } " \
	"$2 ~ /nan/ { if (n[t]) exit bad = 1; next } { known = n[t]; sum = s[t]; most = max[t]; v = " VALUE "; " \
	"if (v - $2 > 1e-6 * v || $2 - v > 1e-6 * v) exit bad = 1; good++ } " \
	"END { exit bad || good < 20 }' ../" OLD ".rej ../" NEW ".rej"

#define SHORT "\"AVERAGE 1m 12h 0.5\", "

/* The pictures of the past that only coarse rows have, after the template changed: kept, the
 * cells' first minute, is in the middle of a day, and the minutes before it are gone. */
static void
test_reshaped(void)
{
	static const struct {
		const char *what, *conf;
	} cases[] = {
		{ "a data source more", "ds = { rej, recv_bytes, spam }\n"
		    "rra = { " SHORT "\"AVERAGE 10m 35d 0.9\", \"MAX 1h 400d 0.9\" }\n" },
		{ "one less", "ds = { rej, spam }\n"
		    "rra = { " SHORT "\"AVERAGE 10m 35d 0.9\", \"MAX 1h 400d 0.9\" }\n" },
		{ "an RRA more", "ds = { rej, spam }\n"
		    "rra = { " SHORT "\"AVERAGE 10m 35d 0.9\", \"MAX 1h 400d 0.9\", \"AVERAGE 1d 2y 0.9\" }\n" },
		{ "a longer one", "ds = { rej, spam }\n"
		    "rra = { " SHORT "\"AVERAGE 10m 90d 0.9\", \"MAX 1h 800d 0.9\", \"AVERAGE 1d 2y 0.9\" }\n" },
		{ "another share of unknowns", "ds = { rej, spam }\n"
		    "rra = { " SHORT "\"AVERAGE 10m 90d 0.5\", \"MAX 1h 800d 0.5\", \"AVERAGE 1d 2y 0.5\" }\n" },
	};
	int64_t first, cut;
	struct err e;

	for (int i = 0; i < MINUTES; i++)
		cell_free(&w.cell[i]);
	make_cells();
	first = w.first;
	cut = first + 1430 + 1000;
	ok(shell("rm -rf mx1.example.org", ""), "begin anew");
	write_conf("one", "ds = { rej, recv_bytes }\n"
	    "rra = { " SHORT "\"AVERAGE 10m 35d 0.9\", \"MAX 1h 400d 0.9\" }\n");
	ok(run("mx1.example.org", cut + 1500, RRD_COMPARE, &e), "a file of minutes for 12 hours");
	ok(rows("AVERAGE", 600, first, cut + 1500, "before") && rows("MAX", 3600, first, cut + 1500, "max"),
	    "its coarse rows");
	for (int64_t i = 0; i < cut - first; i++) {	/* older cells are dropped */
		cell_free(&w.cell[i]);
		w.cell[i] = (struct cell){ 0 };
	}
	memmove(w.cell, w.cell + (cut - first), (size_t)(MINUTES - (cut - first)) * sizeof w.cell[0]);
	memset(w.cell + MINUTES - (cut - first), 0, (size_t)(cut - first) * sizeof w.cell[0]);
	w.first = cut;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		write_conf("one", cases[i].conf);
		ok(run("mx1.example.org", cut + 1500, RRD_COMPARE, &e) && w.noted[0] == '\0' &&
		    rows("AVERAGE", 600, first, cut + 1500, "after") &&
		    rows("MAX", 3600, first, cut + 1500, "max2") &&
		    shell("for f in before after max max2; do awk 'NR == 1 { for (i = 1; i <= NF; i++) "
		    "if ($i == \"rej\") c = i + 1; next } NF { print $1, $c }' ../$f > ../$f.rej; done; "
		    "grep -c '[1-9]e' ../before.rej >/dev/null && cmp ../before.rej ../after.rej && "
		    "cmp ../max.rej ../max2.rej", ""), "%s: each row that was there is there", cases[i].what);
		ok(wrong("mx1.example.org/one.rrd", "rej", M_rej, cut + 1500 - 700, cut + 1500) == 0 &&
		    wrong("mx1.example.org/one.rrd", "spam", M_spam, cut + 1500 - 700, cut + 1500) == 0,
		    "and each minute");
	}
	ok(shell("rrdtool info mx1.example.org/one.rrd | grep -q 'rra.1..rows = 12960'", ""),
	    "the longer RRA is longer");
	write_conf("one", "ds = { rej, spam }\n"
	    "rra = { " SHORT "\"AVERAGE 30m 35d 0.9\", \"MAX 2h 400d 0.9\" }\n");
	ok(run("mx1.example.org", cut + 1500, RRD_COMPARE, &e) &&
	    rows("AVERAGE", 1800, first, cut + 1500, "after") && rows("MAX", 7200, first, cut + 1500, "max2") &&
	    shell(JOINED("before", "after", "1800", "sum / known") " && "
	    JOINED("max", "max2", "7200", "most"), ""), "longer rows are made of the shorter ones that were there");
	ok(shell("rrdtool info mx1.example.org/one.rrd | grep -q 'ds.recv_bytes..type'", ""),
	    "a data source that the template dropped stays in the file");
}

static void
test_folder(void)
{
	static const struct {
		const char *host, *folder;
	} cases[] = {
		{ "mx1.example.org", "mx1.example.org" }, { "MX_1-a", "MX_1-a" },
		{ "_farm", "_farm" }, { "_other", "%5Fother" }, { "..", "%2E." },
		{ "../../etc", "%2E.%2F..%2Fetc" }, { "a/b", "a%2Fb" }, { "", "%00" },
		{ "a%2Fb", "a%252Fb" }, { "x\n<b>\xff", "x%0A%3Cb%3E%FF" },
	};
	char out[RRD_FOLDER_BYTES], other[RRD_FOLDER_BYTES], lengthy[256];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		rrd_folder(cases[i].host, out);
		is_str(out, cases[i].folder, "folder of a host");
	}
	memset(lengthy, '/', 255);
	lengthy[255] = '\0';
	rrd_folder(lengthy, out);
	lengthy[254] = 'x';
	rrd_folder(lengthy, other);
	ok(strlen(out) < 250 && strcmp(out, other) != 0, "long names are cut and stay apart");
}

static void
test_closed(void)
{
	struct stateread_host h[2] = {
		{ .id = 1, .newest = 6000 * 60 + 30 }, { .id = 2, .newest = 5990 * 60 }
	};
	struct rrd_minutes m;

	rrd_closed(h, 2, 1, 6000 * 60 + 40, &m);
	ok(m.end == 6000 && m.limit == 6001, "the minute of the newest line is open");
	rrd_closed(h, 2, 1, 6002 * 60 + 30, &m);
	is_int(m.end, 6001, "and closed two minutes after it");
	rrd_closed(h, 2, STATEREAD_FARM, 6000 * 60 + 40, &m);
	is_int(m.end, 6000, "a silent host does not hold the farm back");
	h[1].newest = 5999 * 60;
	rrd_closed(h, 2, STATEREAD_FARM, 6000 * 60 + 40, &m);
	ok(m.end == 5999 && m.limit == 6001, "one that lags a little does");
}

/* A day on which a host had nothing but lines that were too late. */
static void
test_too_late(void)
{
	int64_t first = w.first;
	struct err e;

	write_conf("one", "ds = { rej }\n" RRAS);
	w.first = DAY;
	for (int i = 0; i < 1440; i++)
		cell_clear(&w.cell[i]);
	cell_add(&w.cell[600], CELL_METRIC + M_too_late, 3);
	ok(run("late.example.org", DAY + 2400, RRD_COMPARE, &e), "a day of lines that are too late alone");
	ok(shell("test $(rrdtool fetch @ AVERAGE -r 60 -s 1779494400 -e 1779580740 | grep -c '^[0-9].*[0-9]e') -eq 1",
	    "late.example.org/one.rrd"), "one minute of it is known");
	ok(shell("test $(rrdtool fetch @ AVERAGE -r 86400 -s 1779494400 -e 1779494400 | grep -c '^[0-9].*[0-9]e') -eq 0",
	    "late.example.org/one.rrd"), "and nothing of the day");
	w.first = first;
}

/* The last cell that was dropped was of the minute before, and then the host had none all day: somebody watched. */
static void
test_quiet_since(void)
{
	int64_t first = w.first;
	struct err e;

	w.first = DAY;
	w.kept = DAY + 100;
	for (int i = 0; i < 1440; i++)
		cell_clear(&w.cell[i]);
	ok(run("quiet.example.org", DAY + 2400, RRD_COMPARE, &e) &&
	    wrong("quiet.example.org/one.rrd", "rej", CELL_METRIC + M_rej, w.kept, DAY + 2400) == 0,
	    "what is left of the first day that is kept is zero where it has no cell");
	(void)shell("ls -i @ >../inode", "quiet.example.org/one.rrd");
	ok(run("quiet.example.org", DAY + 2400, RRD_COMPARE, &e) &&
	    shell("ls -i @ | cmp - ../inode", "quiet.example.org/one.rrd"), "and is not made anew for it");
	w.first = first;
	w.kept = 0;
}

static void
test_templates(void)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "ds = { rej }\n", "keeps the minutes" },
		{ "ds = { nonsense }\n" RRAS, ":1: there is no metric nonsense" },
		{ "ds = { rej, rej }\n" RRAS, "rej is named twice" },
		{ "ds = { }\n" RRAS, "1 to" },
		{ "\nds = { rej\n", ":3: " },
		{ "colour = red\nds = { rej }\n", ":1: " },
		{ "ds = { rej }\nrra = { \"AVERAGE 7m 8d 0.5\" }\n", ":2: rra \"AVERAGE 7m" },
		{ "ds = { rej }\nrra = { \"MIN 1m 8d 0.5\" }\n", "MIN" },
		{ "ds = { rej }\n" RRAS "graph \"g\" {\n draw \"x\" { of = {tmp} }\n}\n", ":4: tmp is not" },
		{ "ds = { rej }\n" RRAS "graph \"g\" {\n draw \"x\" { of = {rej} colour = red }\n}\n",
		    "colour" },
		{ "ds = { rej }\n" RRAS "graph \"g\" {\n draw \"x\" { of = {rej} as = dots }\n}\n", "dots is none" },
		{ "ds = { rej }\n" RRAS "graph \"g\" {\n draw \"x\" { of = {rej} axis = top }\n}\n", "neither left" },
		{ "ds = { rej }\n" RRAS "graph \"g\" {\n draw \"x\" { of = {rej} as = area axis = right }\n}\n",
		    "line alone" },
		{ "ds = { latency }\n" RRAS, "each = \"dnsbl\" is missing" },
		{ "ds = { hits }\n" RRAS, "each = \"dnsbl\" is missing" },
		{ "ds = { rej, hits }\n" RRAS, "hits: that is of a block list" },
		{ "each = \"dnsbl\"\nds = { hits, rej }\n" RRAS, "rej: that is not known of each" },
		{ "each = \"host\"\nds = { rej }\n" RRAS, "each = \"host\" is not" },
		{ "ds = { rej }\n" RRAS "graph \"../g\" {\n draw \"x\" { of = {rej} }\n}\n", "needs a name" },
	};
	struct templates t;
	struct err e;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		write_conf("bad", cases[i].text);
		ok(!templates_load(w.conf, &t, &e) && strstr(e.text, cases[i].says) != NULL &&
		    strstr(e.text, "bad.conf:") != NULL, "%s", e.text);
	}
	e.text[0] = '\0';
	ok(templates_load("rrd-templates", &t, &e) && t.n >= 6 &&
	    strcmp(t.t[0].name, "flow") == 0, "the templates that we deliver %s", e.text);
	templates_free(&t);
	ok(!templates_load("/nonexistent", &t, &e), "%s", e.text);
}

int
main(void)
{
	if (!begin())
		return 1;
	test_exact();
	test_late();
	test_shapes();
	test_reshaped();
	test_folder();
	test_closed();
	test_too_late();
	test_quiet_since();
	test_templates();
	return end();
}
