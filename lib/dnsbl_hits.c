/* dnsbl_hits.c - see dnsbl_hits.h.
 *
 * Compared are shares: hits of a list of all recipients that were refused or accepted, so that a busy
 * hour is no alarm. A list that had no hit in the week is new, and has nothing to be compared with.
 * The same holds for latencies, where a few runs say little, and milliseconds hurt nobody. */
#include "dnsbl_hits.h"

#include <math.h>
#include <stdlib.h>

#include "metric.h"

#include "plural.h"
#include "poison.h"

enum { WEEK_HOURS = 7 * 24, JSON_BYTES = 1 << 16, RUNS_NOW = 3, RUNS_WEEK = 20, NAMED = 12 };

#define SLOW_S 0.1	/* faster than that is no trouble, however fast it was before */

struct compared {
	struct slice zone;
	double hits, expected, percent;		/* of what was to be expected */
};

static void
sum(struct checkstate *s, bool week, struct cell *c)
{
	struct err e = { "" };
	int64_t hour = s->from / 60;

	if (week ? !stateread_sum_hours(s->r, s->id, hour - WEEK_HOURS, hour, c, &e) :
	    !stateread_whole(s->r, s->id, s->from, s->to, c, &e))
		check_unknown("%s", e.text);
}

static double
recipients(const struct cell *c)
{
	int64_t n = cell_get(c, M_rej) + cell_get(c, M_recv_rcpt);

	return n > 0 ? (double)n : 0;
}

static void
measure(const char *name, const struct compared *c)
{
	if (c->zone.p == NULL) {
		check_show(name, (double)NAN, "%");
		return;
	}
	check_value(name, c->percent, "%");
	check_words(name, NULL, "%s: %s %s where its week lets expect %s", check_clean(c->zone),
	    check_people(c->hits, ""), PLURAL(c->hits, "hit", "hits"),
	    check_people(round(c->expected * 10) / 10, ""));
}

static void
tell(struct buf *json, const struct compared *c, bool judged)
{
	check_detail("%s: %s %s, %s expected%s", check_clean(c->zone), check_people(c->hits, ""),
	    PLURAL(c->hits, "hit", "hits"), check_people(round(c->expected * 10) / 10, ""), judged ? "" : "; not judged");
	buf_str(json, json->n > 1 ? "," : "");
	buf_json_name(json, c->zone);
	buf_fmt(json, ":{\"hits\":%.0f,\"expected\":%.1f}", c->hits, c->expected);
}

static void
compare(struct checkstate *s, const struct cell *now, const struct cell *week, double least_hits)
{
	struct compared least = { .percent = 0 }, most = { .percent = 0 };
	struct buf json = buf_new(JSON_BYTES);
	double scale = recipients(week) > 0 ? recipients(now) / recipients(week) : 0;

	buf_char(&json, '{');
	for (uint32_t i = 0; i < week->n; i++) {
		struct compared c;
		bool judged;

		if (week->pair[i].key < CELL_WORD || week->pair[i].n <= 0)
			continue;
		c = (struct compared){ .zone = stateread_word(s->r, week->pair[i].key - CELL_WORD),
			.hits = (double)cell_get(now, week->pair[i].key), .expected = (double)week->pair[i].n * scale };
		c.percent = c.expected > 0 ? 100 * c.hits / c.expected : 0;
		judged = c.expected > 0 && (c.expected >= least_hits || c.hits >= least_hits);
		tell(&json, &c, judged);
		if (judged && c.expected >= least_hits && (least.zone.p == NULL || c.percent < least.percent))
			least = c;
		if (judged && (most.zone.p == NULL || c.percent > most.percent))
			most = c;
	}
	buf_char(&json, '}');
	measure("hits_least", &least);
	measure("hits_most", &most);
	if (least.zone.p == NULL && most.zone.p == NULL)
		check_state(CHECK_OK, "of no list %s hits were to be expected in %s", check_people(least_hits, ""),
		    check_people(s->window_s, "s"));
	check_extra("hits", buf_slice(&json));
	buf_free(&json);
}

/* --- what check_dnsbl --log found --------------------------------------------------------------- */

/* Those that the state knows; of later ones there is no room for what check_dnsbl finds. */
static bool
is_list(const struct checkstate *s, uint32_t word)
{
	return word < CELL_LISTS && stateread_word(s->r, word).n > 0;
}

static void
tell_ill(struct checkstate *s, const struct cell *now)
{
	struct buf names = buf_new(800);
	size_t lists = 0, ill = 0;

	for (uint32_t word = 0; is_list(s, word); word++) {
		double share = cell_list_share(now, CELL_FACT_ILL, CELL_FACT_TESTED, word);
		int64_t runs = cell_get(now, cell_list(CELL_FACT_TESTED, word));
		const char *zone;

		if (isnan(share))
			continue;
		lists++;
		zone = check_clean(stateread_word(s->r, word));
		if (share > 0)
			check_detail("%s: ill in %s of %s logged runs", zone,
			    check_people((double)cell_get(now, cell_list(CELL_FACT_ILL, word)), ""),
			    check_people((double)runs, ""));
		if (share >= 0.5 && ++ill <= NAMED)
			buf_fmt(&names, "%s%s", ill > 1 ? ", " : "", zone);
	}
	if (lists == 0) {
		check_show("logged_ill", (double)NAN, "");
	} else {
		check_value("logged_ill", (double)ill, "");
		check_words("logged_ill", NULL, "%zu of %zu %s ill by the log%s%s%s", ill, lists,
		    PLURAL(lists, "list", "lists"), ill > 0 ? ": " : "", names.n > 0 ? names.p : "",
		    ill > NAMED ? ", ..." : "");
	}
	buf_free(&names);
}

static void
tell_slowed(struct checkstate *s, const struct cell *now, const struct cell *week)
{
	struct slice zone = { NULL, 0 };
	double most = 0, now_s = 0, week_s = 0;

	for (uint32_t word = 0; is_list(s, word); word++) {
		double fast = cell_list_share(week, CELL_FACT_US, CELL_FACT_TIMED, word) / 1e6;
		double slow = cell_list_share(now, CELL_FACT_US, CELL_FACT_TIMED, word) / 1e6;

		if (cell_get(now, cell_list(CELL_FACT_TIMED, word)) < RUNS_NOW ||
		    cell_get(week, cell_list(CELL_FACT_TIMED, word)) < RUNS_WEEK || slow < SLOW_S || fast <= 0)
			continue;
		if (zone.p == NULL || slow / fast > most) {
			zone = stateread_word(s->r, word);
			most = slow / fast;
			now_s = slow;
			week_s = fast;
		}
	}
	if (zone.p == NULL) {
		check_show("slowed", (double)NAN, "%");
		return;
	}
	check_value("slowed", 100 * most, "%");
	check_words("slowed", NULL, "%s answers in %s, in its week in %s", check_clean(zone),
	    check_people(now_s, "s"), check_people(week_s, "s"));
}

void
dnsbl_hits(struct checkstate *s, double least_hits)
{
	struct cell now = { .n = 0 }, week = { .n = 0 };

	checkstate_open(s);
	sum(s, false, &now);
	sum(s, true, &week);
	tell_ill(s, &now);
	tell_slowed(s, &now, &week);
	compare(s, &now, &week, least_hits);
	checkstate_tell_window(s);
	cell_free(&now);
	cell_free(&week);
}
