/* test_round.c - commits between the steps of a round of drawing: what they change is in the
 * RRDs after this round or the next, and never forgotten. */
#define _DEFAULT_SOURCE
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "draw.h"
#include "ingest.h"
#include "state_dir.h"
#include "tap.h"

#include "poison.h"

enum { START = 1763632800 };	/* 2025-11-20 10:00 UTC */

static struct {
	char dir[64], conf[80];
	struct ingest *in;
	struct feed *feed;
	struct draw *draw;
	int lines;
} w;

/* A refused recipient of that host in that minute; then a commit. */
static void
refuse(const char *host, int minute)
{
	time_t at = START + 60 * minute;
	char stamp[40], line[300];
	struct err e;
	struct tm tm;

	(void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S+00:00", gmtime_r(&at, &tm));
	(void)snprintf(line, sizeof line, "%s %s postfix/smtpd[9]: NOQUEUE: reject: RCPT from "
	    "unknown[192.0.2.7]: 554 5.7.1 <u@example.org>: Relay access denied; from=<s@example.net> "
	    "to=<u@example.org> proto=ESMTP helo=<x%d>", stamp, host, w.lines++);
	if (!ingest_line(w.in, w.feed, slice_of(line), false, &e) || !ingest_commit(w.in, true, &e))
		die(&e);
}

static void
begin(void)
{
	struct err e;

	if (!draw_begin(w.draw, w.in, &e))
		die(&e);
}

static void
steps(int n)
{
	while (n-- != 0 && draw_step(w.draw, START + 7200))
		;
}

static bool
end(void)
{
	struct err e = { "" };
	bool good = draw_end(w.draw, w.in, &e);

	if (!good)
		printf("# %s\n", e.text);
	return good;
}

/* Refusals of a host, as rrdtool reads them. */
static int
drawn(const char *host)
{
	char cmd[300], line[200];
	double sum = 0;
	FILE *p;

	(void)snprintf(cmd, sizeof cmd, "rrdtool fetch %s/rrd/%s/small.rrd AVERAGE -s %d -e %d", w.dir,
	    host, START - 600, START + 7200);
	p = popen(cmd, "r");
	while (p != NULL && fgets(line, sizeof line, p) != NULL) {
		char *v = strchr(line, ':');

		if (v != NULL && strstr(v, "nan") == NULL)
			sum += 60 * strtod(v + 1, NULL);
	}
	if (p != NULL)
		pclose(p);
	return (int)(sum + 0.5);
}

static void
open_all(void)
{
	struct draw_options o = { .state = w.dir, .templates = w.conf };
	struct ingest_settings set = ingest_defaults;
	struct err e;
	char path[100];
	FILE *f;

	(void)snprintf(w.conf, sizeof w.conf, "%s/conf", w.dir);
	(void)snprintf(path, sizeof path, "%s/small.conf", w.conf);
	if (mkdir(w.conf, 0700) != 0 || (f = fopen(path, "w")) == NULL)
		exit(1);
	fputs("title = \"Small\"\nds = { rej }\nrra = { \"AVERAGE 1m 1d 0.5\" }\n"
	    "graph \"g\" { title = \"G\" unit = \"x\" draw \"r\" { of = {rej} as = line colour = \"#D55E00\" } }\n",
	    f);
	fclose(f);
	set.draws = true;
	if ((w.in = ingest_open(w.dir, &set, &e)) == NULL ||
	    (w.feed = feed_open(w.in, state_source_add(ingest_state(w.in), "log"), "UTC", 0, NULL,
	    START + 7200, &e)) == NULL || (w.draw = draw_open(&o, &e)) == NULL)
		die(&e);
	ingest_clock(w.in, START + 7200);
}

int
main(void)
{
	char rm[100];

	(void)snprintf(w.dir, sizeof w.dir, "%s", "/tmp/mx-round.XXXXXX");
	if (mkdtemp(w.dir) == NULL)
		return 1;
	open_all();
	for (int i = 0; i < 60; i += 10)
		for (int h = 0; h < 3; h++)
			refuse(h == 0 ? "mxa" : h == 1 ? "mxb" : "mxc", i);
	begin();
	steps(-1);
	ok(end(), "a first round");
	is_int(drawn("mxa"), 6, "has the first host");
	is_int(drawn("_farm"), 18, "and the farm");

	refuse("mxa", 5);	/* late: the past changes */
	begin();
	steps(1);
	refuse("mxa", 7);	/* later than the mark, when mxa had its turn */
	refuse("mxb", 3);
	steps(-1);
	ok(end(), "a round with commits between its steps");
	is_int(drawn("mxa"), 7, "what came before its step is there");
	begin();
	steps(-1);
	ok(end(), "the next round");
	is_int(drawn("mxa"), 8, "has what came behind it");
	is_int(drawn("mxb"), 7, "what came before the step of another host");
	is_int(drawn("_farm"), 21, "the farm has all");

	refuse("mxc", 1);
	begin();
	steps(2);
	ok(!end(), "a round that ends early says so");
	ok(!draw_under_way(w.draw), "and is over");
	begin();
	steps(-1);
	ok(end(), "the next one");
	is_int(drawn("mxc"), 7, "makes up for it");
	is_int(drawn("_farm"), 22, "for the farm, too");

	refuse("_farm", 2);
	refuse("_FARM.example.org", 4);
	begin();
	steps(-1);
	ok(end(), "lines of a host that calls itself as the farm is called");
	is_int(drawn("_farm"), 24, "are in the farm's RRDs beside all others");
	is_int(drawn("%5Ffarm_"), 2, "and alone in those of the host, which has another name");

	begin();
	ingest_clock(w.in, START + 60 * 86400);	/* our clock jumps */
	refuse("mxa", 60 * 1440);
	steps(-1);
	ok(end(), "our own clock jumps after a round began");
	(void)snprintf(rm, sizeof rm, "%s/rrd/mxa/small.rrd.before", w.dir);
	ok(access(rm, F_OK) == 0, "what its rows take the place of is kept");

	feed_close(w.feed);
	draw_close(w.draw);
	ingest_close(w.in);
	(void)snprintf(rm, sizeof rm, "rm -rf %s", w.dir);
	return system(rm) != 0 || done_testing();
}
