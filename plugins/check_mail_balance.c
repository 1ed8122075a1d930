/* check_mail_balance - did every recipient that was accepted become something?
 *
 * Reads the collector's state; asks no mail server anything. The books of the window before
 * now (or before --at), in recipients: accepted = delivered + bounced + expired + discarded +
 * held + open + unaccounted. Unaccounted are those of mails that ended though nothing says what
 * became of them. The numbers are exact; queue ids of samples come from a table that keeps a
 * few hundred a host. Ids and host names were in log lines: they are cleaned. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cell.h"
#include "check.h"
#include "checkstate.h"
#include "mem.h"
#include "metric.h"
#include "nextstep.h"
#include "plural.h"
#include "stateread.h"

#include "poison.h"

enum { SAMPLES_SHOWN = 5, HOSTS_SHOWN = 10, USUAL_OLDER_S = 3600 };

static struct checkstate set = { .reads = CHECKSTATE_PARTS, CHECKSTATE_DEFAULT, .window_s = 86400 };
static double older_s = -1;	/* not said */

static const struct opt opts[] = {
	CHECKSTATE_OPTS(set),
	{ 0, "older", OPT_DURATION, &older_s, "TIME",
	    "judge mails that ended at least so long before: lines may still be on their way; by default "
	    "60 min, or half of a shorter --window",
	    .min = 0, .max = 8 * 86400 },
	{ 0 }
};

static const struct measure measures[] = {
	{ "unaccounted", "", "recipients of mails that ended more than --older ago and became nothing" },
	{ "open", "", "recipients that came in during the window, less those that left in it; below 0 where more left, "
	    "and a number alone is the most", .most = true },
	{ "accepted", "", "recipients accepted in the window, address expansion included" },
	{ "delivered", "", "recipients delivered, here or elsewhere" },
	{ "bounced", "", "recipients given back to the sender" },
	{ "expired", "", "recipients given up after too long in the queue" },
	{ "discarded", "", "recipients dropped by filters, rules or an administrator" },
	{ "held", "", "recipients put on hold" },
	{ 0 }
};

static const struct program program = {
	"check_mail_balance", "recipients that were accepted and became nothing, by the logs",
	"Answers from the state that mxgauged or \"mxgauge import\" keeps. Without thresholds it "
	"reports and stays OK; -c 0 is what most farms want: mail that vanished is never ordinary.\n\n"
	"A recipient is unaccounted when its mail ended and no line says that it was delivered, "
	"bounced, expired, discarded or held. Either the mail is lost, or the lines are: a log daemon "
	"that dropped some, a log that is not read. A mail still in the queue is open, not "
	"unaccounted, however old it is.\n\n"
	"Lines of one mail come by several ways: from relays whose queue is on disk, from rotations "
	"that are read later, after a restart. What comes late settles the books. So mails that ended "
	"less than --older ago are not judged; 60 minutes outlast a restart and the usual "
	"retries of log daemons. Farms whose nodes are cut off for longer need more.\n\n"
	"open is what the queues grew by within the window, so it is below zero when they were "
	"emptied; how many mails are queued now the queue itself knows best.",
	opts, .measures = measures,
	.examples = "check_mail_balance -c 0\n"
	    "check_mail_balance -H mx1 --window 7d -w 0 -w open=5000\n"
	    "check_mail_balance --at \"yesterday 03:00\" --older 15m -c 0"
};

/* The books of one host, in the order of measures[]. */
enum { UNACCOUNTED, OPEN, ACCEPTED, BOOKS_N = 8 };
struct books {
	int64_t n[BOOKS_N];
	int64_t late;		/* unaccounted, but not for long */
	bool any;
};

static const enum metric metric_of[BOOKS_N] = {
	M_b_lost, M_b_in /* OPEN is a difference */, M_b_in, M_b_delivered, M_b_bounced, M_b_expired,
	M_b_discarded, M_b_held
};

struct farm {
	struct books all;
	struct books *host;	/* by id */
	size_t hosts;
	bool late;		/* the part that is read is not judged */
};

/* farm: without what a host handed on to another. */
static void
add_cell(struct books *b, const struct cell *c, bool farm, bool late)
{
	int64_t lost = cell_get(c, M_b_lost);

	b->any = true;
	*(late ? &b->late : &b->n[UNACCOUNTED]) += lost;
	for (int i = ACCEPTED; i < BOOKS_N; i++) {
		int64_t n = cell_get(c, (uint32_t)metric_of[i]);

		if (farm)
			n -= cell_get(c, CELL_HOP + (uint32_t)metric_of[i]);
		b->n[i] += n;
		b->n[OPEN] += i == ACCEPTED ? n : -n;
	}
	b->n[OPEN] -= lost;
}

static bool
add_part(void *arg, int host, int64_t minute, const struct cell *c)
{
	struct farm *f = arg;

	(void)minute;
	add_cell(&f->all, c, set.id == STATEREAD_FARM, f->late);
	if ((size_t)host < f->hosts)
		add_cell(&f->host[host], c, false, f->late);
	return true;
}

static void
read_books(struct farm *f)
{
	int64_t cut = (set.as_of - (int64_t)older_s) / 60;
	struct err e = { "" };

	*f = (struct farm){ .host = NULL };
	for (size_t i = 0; i < set.n; i++)
		if ((size_t)set.hosts[i].id >= f->hosts)
			f->hosts = (size_t)set.hosts[i].id + 1;
	f->host = xcalloc(f->hosts + 1, sizeof *f->host);
	if (cut > set.to)
		cut = set.to;
	if (cut < set.kept)
		cut -= cut % 60;	/* not through an hour of which the minutes are gone */
	if (!stateread_parts(set.r, set.id, set.from, cut, add_part, f, &e))
		check_unknown("%s", e.text);
	f->late = true;
	if (!stateread_parts(set.r, set.id, cut, set.to, add_part, f, &e))
		check_unknown("%s", e.text);
}

/* Corrections on their way, and the parts of a mail that a filter divided just at the edge of
 * the window, can leave a sum below zero. */
static int64_t
lost_of(const struct books *b)
{
	return b->n[UNACCOUNTED] > 0 ? b->n[UNACCOUNTED] : 0;
}

static void
measure(const struct books *b)
{
	const char *on = set.host != NULL ? " on " : "", *who = set.host != NULL ?
	    checkstate_whose(&set) : "";

	check_value("unaccounted", (double)lost_of(b), "");
	for (int i = OPEN; i < BOOKS_N; i++)
		check_value(measures[i].name, (double)b->n[i], "");
	if (lost_of(b) > 0)
		check_words("unaccounted", NULL, "%s unaccounted of %s %s accepted in %s%s%s",
		    check_people((double)lost_of(b), ""), check_people((double)b->n[ACCEPTED], ""),
		    PLURAL(b->n[ACCEPTED], "recipient", "recipients"),
		    check_people(set.window_s, "s"), on, who);
	else if (b->n[ACCEPTED] == 0)
		check_words("unaccounted", NULL, "no recipients in %s%s%s",
		    check_people(set.window_s, "s"), on, who);
	else
		check_words("unaccounted", NULL, "%s %s accepted in %s%s%s, none unaccounted",
		    check_people((double)b->n[ACCEPTED], ""), PLURAL(b->n[ACCEPTED], "recipient", "recipients"),
		    check_people(set.window_s, "s"), on, who);
}

/* --- details ------------------------------------------------------------------------- */

static void
tell_books(const struct books *b)
{
	static const struct {
		const char *title;
		int at;
	} rows[] = {
		{ "accepted", ACCEPTED }, { "- delivered", 3 }, { "- bounced", 4 }, { "- expired", 5 },
		{ "- discarded", 6 }, { "- held", 7 }, { "- open", OPEN }
	};

	check_detail("The books (recipients):");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check_detail("%-14s %12lld", rows[i].title, (long long)b->n[rows[i].at]);
	check_detail("%-14s %12lld", "= unaccounted", (long long)(b->n[UNACCOUNTED] + b->late));
	if (b->late != 0)
		check_detail("%lld of them ended less than %s ago (--older) and %s not judged yet",
		    (long long)b->late, check_people(older_s, "s"), PLURAL(b->late, "is", "are"));
}

static const struct farm *sorted;	/* qsort() hands nothing on */

static int
by_lost(const void *a, const void *b)
{
	int64_t x = lost_of(&sorted->host[set.hosts[*(const size_t *)a].id]);
	int64_t y = lost_of(&sorted->host[set.hosts[*(const size_t *)b].id]);

	if (x != y)
		return x < y ? 1 : -1;
	return *(const size_t *)a < *(const size_t *)b ? -1 : 1;	/* by name, as they are */
}

static void
tell_host(const char *name, const struct books *b, size_t shown, struct buf *json)
{
	if (lost_of(b) > 0 && shown < HOSTS_SHOWN)
		check_detail("%s: %lld unaccounted of %lld accepted", check_clean(slice_of(name)), (long long)lost_of(b),
		    (long long)b->n[ACCEPTED]);
	buf_str(json, json->n > 1 ? "," : "");
	buf_json_name(json, slice_of(name));
	buf_char(json, ':');
	for (int i = 0; i < BOOKS_N; i++)
		buf_fmt(json, "%s\"%s\":%lld", i == 0 ? "{" : ",", measures[i].name, (long long)
		    (i == UNACCOUNTED ? lost_of(b) : b->n[i]));
	buf_char(json, '}');
}

/* The worst first. */
static void
tell_hosts(const struct farm *f)
{
	size_t *order = xcalloc(set.n + 1, sizeof *order), bad = 0;
	struct buf json = buf_new(1 << 20);

	for (size_t i = 0; i < set.n; i++)
		order[i] = i;
	sorted = f;
	if (set.n > 0)
		qsort(order, set.n, sizeof *order, by_lost);
	buf_char(&json, '{');
	for (size_t i = 0; i < set.n; i++) {
		const struct stateread_host *h = &set.hosts[order[i]];

		if (!f->host[h->id].any)
			continue;
		tell_host(h->name, &f->host[h->id], i, &json);
		bad += lost_of(&f->host[h->id]) > 0;
	}
	buf_char(&json, '}');
	if (bad > HOSTS_SHOWN)
		check_detail("and %zu %s more", bad - HOSTS_SHOWN, PLURAL(bad - HOSTS_SHOWN, "host", "hosts"));
	if (!json.full)
		check_extra("hosts", buf_slice(&json));
	buf_free(&json);
	free(order);
}

static void
tell_samples(void)
{
	struct stateread_lost lost[SAMPLES_SHOWN];
	int64_t cut = (set.as_of - (int64_t)older_s) / 60;
	size_t n = stateread_lost(set.r, set.id, set.from * 60, cut * 60, lost, SAMPLES_SHOWN);
	struct buf json = buf_new(4096);
	struct nextstep w;

	if (n == 0)
		return;
	nextstep_begin(&w, &set);
	buf_char(&json, '[');
	check_detail("Samples:");
	for (size_t i = 0; i < n; i++) {
		const char *host = check_clean(slice_of(checkstate_name(&set, lost[i].host)));

		check_detail("%s on %s: %lld recipient%s, gone at %s", check_clean(slice_of(lost[i].id)), host,
		    (long long)lost[i].rcpts, PLURAL(lost[i].rcpts, "", "s"), checkstate_time(lost[i].time));
		(void)nextstep_add(&w, slice_of(lost[i].id));
		buf_fmt(&json, "%s{\"id\":", i > 0 ? "," : "");
		buf_json(&json, slice_of(lost[i].id));
		buf_str(&json, ",\"host\":");
		buf_json(&json, slice_of(host));
		buf_fmt(&json, ",\"time\":%lld,\"rcpts\":%lld}", (long long)lost[i].time,
		    (long long)lost[i].rcpts);
	}
	nextstep_tell(&w);
	buf_char(&json, ']');
	if (!json.full)
		check_extra("samples", buf_slice(&json));
	buf_free(&json);
}

int
main(int argc, char **argv)
{
	struct farm f;

	check_begin("BALANCE");
	opt_parse(&program, argc, argv);
	if (older_s < 0)
		older_s = fmin(USUAL_OLDER_S, set.window_s / 2);
	if (older_s >= set.window_s)
		check_unknown("--older is not shorter than --window: there is no time between them");
	checkstate_open(&set);
	read_books(&f);
	measure(&f.all);
	hold_answered();
	checkstate_tell_silent(&set);
	checkstate_tell_window(&set);
	if (lost_of(&f.all) > 0)
		tell_samples();
	tell_hosts(&f);
	tell_books(&f.all);
	nextstep_graph(&set, set.host, "flow", "out");
	check_done();	/* the kernel closes and frees quicker than we could */
}
