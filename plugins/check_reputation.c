/* check_reputation - which networks send mail that is refused, and hardly any other?
 *
 * Reads the collector's state; asks nobody anything. Scores are of whole hours, since the tables of
 * networks are kept by the hour; how much is refused more than before is counted to the minute. With
 * --export it prints the bad networks as a list for review, and applies nothing. Names of hosts,
 * systems and registries were other people's words: they are cleaned. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asn.h"
#include "cell.h"
#include "check.h"
#include "checkstate.h"
#include "mem.h"
#include "metric.h"
#include "netlist.h"
#include "nextstep.h"
#include "plural.h"
#include "reputation.h"
#include "reputation_export.h"
#include "reputation_kept.h"
#include "rir.h"
#include "stateread.h"

#include "poison.h"

enum {
	SHOWN_MOST = 50, JSON_MOST = 1000, FEW = 3, WAVE = 20,
	ASKED = 100		/* networks by which a database of systems is known to be one */
};

static struct checkstate set = { CHECKSTATE_DEFAULT, .window_s = USUAL_WINDOW_H * 3600 };
static double half_life_s = USUAL_HALF_LIFE_H * 3600, rise_s = -1;	/* not said */
static int64_t bad_score = USUAL_BAD, good_weight = USUAL_GOOD_WEIGHT, doubt = USUAL_DOUBT, worst = 10,
    min_refused = 100;
static const char *by = "network", *prefix6 = "64", *mmdb, *export, *out;
static const char *action = "REJECT refused mail by far outweighs accepted mail of your network";
static struct opt_list ours_given, rir_files;

static const struct opt opts[] = {
	CHECKSTATE_OPTS(set),
	{ 0, "half-life", OPT_DURATION, &half_life_s, "TIME", "after so long a count weighs half", .min = 3600,
	    .max = 30 * 86400 },
	{ 0, "rise", OPT_DURATION, &rise_s, "TIME", "what is new: within this time, and the hour it began in; "
	    "by default 60 min, or half of a shorter --window",
	    .min = 600, .max = 86400 },
	{ 0, "bad-score", OPT_INT, &bad_score, "N", "from this score on a network is bad", .min = 1, .max = 99 },
	{ 0, "good-weight", OPT_INT, &good_weight, "N", "so many refused recipients weigh as much as one accepted",
	    .min = 1, .max = 10000 },
	{ 0, "doubt", OPT_INT, &doubt, "N", "so many must have been refused for half the score", .min = 1,
	    .max = 1e6 },
	{ 0, "min-refused", OPT_INT, &min_refused, "N",
	    "with fewer refused recipients in the window nothing is judged, only shown", .min = 0, .max = 1e9 },
	{ 0, "worst", OPT_INT, &worst, "N", "how many networks are shown, and make the share", .min = 1,
	    .max = SHOWN_MOST },
	{ 0, "by", OPT_CHOICE, &by, "network|as", "score networks, or autonomous systems (needs --mmdb)" },
	{ 0, "prefix6", OPT_CHOICE, &prefix6, "64|48", "how large a network of IPv6 is" },
	{ 0, "ours", OPT_LIST, &ours_given, "NET|FILE",
	    "leave these networks out; a FILE (with a / in front or ./) has one a line; may be given again" },
	{ 0, "mmdb", OPT_STRING, &mmdb, "FILE", "autonomous systems by this file in MaxMind's format" },
	{ 0, "rir", OPT_LIST, &rir_files, "FILE",
	    "abuse contacts by this file of a registry, unpacked; may be given again" },
	{ 0, "export", OPT_CHOICE, &export, "cidr|rbldnsd",
	    "write the bad networks as a list for review, in place of an answer" },
	{ 0, "out", OPT_STRING, &out, "FILE", "write that list to FILE, at once as a whole, and answer as ever" },
	{ 0, "action", OPT_STRING, &action, "TEXT", "the right side of a cidr map" },
	{ 0 }
};

static const struct measure measures[] = {
	{ "score", "", "the score of the worst network, 0 to 100" },
	{ "networks", "", "networks with a score of --bad-score or more" },
	{ "new", "", "those of them that were not so bad before --rise" },
	{ "share", "%", "share of the refused recipients that the --worst networks sent" },
	{ "rise", "", "refused recipients per minute within --rise, of as many as in the window before or as are "
	    "usual at this time of the week, whichever is more" },
	{ "spread", "", "how many networks it takes to make half of what was refused within --rise" },
	{ "refused", "", "recipients refused in the window for what the client did" },
	{ 0 }
};

static const struct program program = {
	"check_reputation", "networks that send mail which is refused, and hardly any other",
	"Answers from the state that mxgauged or \"mxgauge import\" keeps. A network is a /24, of IPv6 a "
	"/64 or /48, or with --by as an autonomous system. Its score is\n\n"
	"100 * bad / (bad + good-weight * good + doubt)\n\n"
	"where bad are the recipients refused to it and those of its mails that a filter condemned, and "
	"good the recipients of its other mails; each hour weighs half as much as the one a half-life "
	"later. With the defaults a network is bad (80) when more than 80 were refused, and 40 more for each "
	"that was accepted. Bad is counted as known at least, good as possible at most, because tables of "
	"networks are bounded: a network never looks bad because its good mail was not kept. "
	"docs/reputation.md has examples.\n\n"
	"Refusals that hit whoever comes are left out: greylisting, our own trouble, full mailboxes.\n\n"
	"rise and spread tell attacks apart: when refusals rise and a network or two make half of them, "
	"these attack; when it takes twenty or more, it is a botnet. Look at a week of the graph before "
	"limits are set.\n\n"
	"--export writes the bad networks for review. Nothing applies that list: whoever does so decides it, "
	"and reads it first. With --at only hours that were over by then are known by network.",
	opts, .measures = measures,
	.examples = "check_reputation -w new=5 -w rise=3 -c rise=10\n"
	    "check_reputation --mmdb /var/lib/GeoIP/GeoLite2-ASN.mmdb --by as -w networks=0\n"
	    "check_reputation --ours /etc/postfix/ours --export cidr --out /var/tmp/bad.cidr\n"
	    "check_reputation --export rbldnsd --rir /var/cache/ripe.db.inetnum --rir /var/cache/ripe.db.role"
};

static struct {
	struct reputation_rule rule;
	struct reputations all;
	size_t bad, new;
	struct rir_want *contact;
	size_t contacts;
	bool by_hours;		/* the running hour is not in the answer */
} run;

/* --- whose networks are ours ------------------------------------------------------------------- */

static void
know_ours(void)
{
	static struct netlist list;
	struct err e = { "" };

	reputation_house(&list);
	for (size_t i = 0; i < ours_given.n; i++) {
		const char *given = ours_given.v[i];

		if (given[0] == '/' || given[0] == '.') {
			if (!netlist_read(&list, given, &e))
				check_unknown("%s", e.text);
		} else if (!netlist_add(&list, slice_of(given))) {
			check_unknown("--ours %s: neither a network nor a file",
			    check_clean(slice_of(given)));
		}
	}
	run.rule.ours = list.net;
	run.rule.n_ours = list.n;
}

/* --- reading ----------------------------------------------------------------------------------- */

static int64_t
hours_up(double s)
{
	return (int64_t)ceil(s / 3600);
}

/* What the tables have of the running hour is of all of it: of an hour of the past also what came later. */
static void
choose_hours(void)
{
	struct reputation_rule *rule = &run.rule;
	int64_t newest = stateread_newest(set.hosts, set.n, set.id);

	run.by_hours = set.at != 0 && newest > set.as_of;
	rule->to = run.by_hours ? set.as_of / 3600 : (set.as_of + 3599) / 3600;
	rule->from = rule->to - hours_up(set.window_s);
	rule->rise = rule->to - hours_up(rise_s) - (run.by_hours ? 0 : 1);
	if (rule->rise < rule->from)
		rule->rise = rule->from;
}

static bool
is_kept(void)
{
	return set.id == STATEREAD_FARM && ours_given.n == 0 &&
	    reputation_kept(&run.all, set.r, &run.rule, (double)bad_score);
}

static void
read_all(void)
{
	struct reputation_rule *rule = &run.rule;
	struct err e = { "" };
	char name[ASN_NAME];

	rule->half_life_h = half_life_s / 3600;
	rule->good_weight = (double)good_weight;
	rule->doubt = (double)doubt;
	rule->wide6 = strcmp(prefix6, "48") == 0;
	rule->by_as = strcmp(by, "as") == 0;
	check_phase("reading networks in %s", set.state);
	if (mmdb != NULL && (rule->asn = asn_open(mmdb, &e)) == NULL)
		check_unknown("%s", e.text);
	if (!is_kept() && !reputation_read(&run.all, set.r, set.id, rule, &e))
		check_unknown("%s", e.text);
	for (size_t i = 0; rule->asn != NULL && i < run.all.n && i < ASKED; i++)
		(void)reputation_as(rule, &run.all.net[i], name);
	if (rule->asn != NULL && !asn_useful(rule->asn, &e))
		check_unknown("%s", e.text);
	for (size_t i = 0; i < run.all.n && run.all.net[i].score >= (double)bad_score; i++) {
		run.bad++;
		run.new += run.all.net[i].before < (double)bad_score;
	}
}

static size_t
shown(void)
{
	return run.all.n < (size_t)worst ? run.all.n : (size_t)worst;
}

static void
find_contacts(void)
{
	size_t n = run.bad > shown() ? run.bad : shown();
	struct err e = { "" };

	if (rir_files.n == 0)
		return;
	check_phase("reading %zu file%s of registries", rir_files.n, PLURAL(rir_files.n, "", "s"));
	n = n < RIR_WANTED_MAX ? n : RIR_WANTED_MAX;
	run.contact = xcalloc(n + 1, sizeof *run.contact);
	for (size_t i = 0; i < n; i++)
		if (run.all.net[i].net.family != NETWORK_AS)
			run.contact[run.contacts++].net = run.all.net[i].net;
	if (!rir_find(rir_files.v, rir_files.n, run.contact, run.contacts, &e))
		check_unknown("%s", e.text);
}

/* --- measurements ------------------------------------------------------------------------------- */

/* Refused recipients, and in how many minutes: those without a line were not watched. */
struct refused {
	int64_t from, to;	/* minutes */
	int64_t n, minutes;
	int64_t last;		/* minute, or first of an hour, that was counted */
};

static bool
add_refused(void *arg, int host, int64_t minute, const struct cell *c)
{
	struct refused *r = arg;
	int64_t first = (r->from + 59) / 60, hour = minute / 60;

	(void)host;
	r->n += reputation_blamed(c);
	if (minute == r->last || cell_get(c, M_lines) <= 0)
		return true;
	r->last = minute;
	r->minutes += hour >= first && hour < r->to / 60 ? 60 : 1;	/* as stateread_parts() gives them */
	return true;
}

static struct refused
refused_between(int64_t from, int64_t to)
{
	struct refused r = { .from = from, .to = to, .last = -1 };
	struct err e = { "" };

	stateread_only_metrics(set.r, true);
	if (!stateread_parts(set.r, set.id, from, to, add_refused, &r, &e))
		check_unknown("%s", e.text);
	stateread_only_metrics(set.r, false);
	r.n = r.n > 0 ? r.n : 0;
	return r;
}

static double
blamed_then(void *arg, const struct past *p, unsigned sample)
{
	(void)arg;
	return (double)reputation_blamed(&p->sample[sample]) * p->scale;
}

/* How many are usual at this time of the day and week; 0: that is not known. */
static double
usual_between(int64_t from, int64_t to)
{
	struct err e = { "" };
	struct usual u;
	struct past p;

	if (!past_read(&p, set.r, set.id, checkstate_first(&set), from, to, &e))
		check_unknown("%s", e.text);
	u = past_usual(&p, blamed_then, NULL);
	past_free(&p);
	return u.weeks >= PAST_NEEDED && !isnan(u.value) ? u.value : 0;
}

/* The rate within --rise, of that in the window before, or where the same time of the weeks before is known and
 * had more, of that: a morning is no attack, nor a Monday. NAN: there is too little before. */
static double
rise_of(int64_t *recent)
{
	int64_t cut = set.to - (int64_t)ceil(rise_s / 60), span = set.to - cut;
	struct refused before = refused_between(set.from, cut);
	double rate, usual = usual_between(cut, set.to) / (double)span;

	*recent = refused_between(cut, set.to).n;
	if (before.minutes < 2 * span)
		return NAN;
	/* of nothing all is infinitely more */
	rate = (double)(before.n > 0 ? before.n : 1) / (double)before.minutes;
	return (double)*recent / (double)span / (usual > rate ? usual : rate);
}

static const char *
name_of(const struct reputation *p)
{
	struct buf b = buf_new(200);
	char as[ASN_NAME];
	const char *name;

	reputation_print(&b, &p->net);
	if (p->net.family == NETWORK_AS && reputation_as(&run.rule, p, as) != 0 && as[0] != '\0')
		buf_fmt(&b, " %s", as);
	name = check_clean(buf_slice(&b));
	buf_free(&b);
	return name;
}

static void
value(const char *name, double v, const char *unit, bool judged)
{
	if (judged)
		(void)check_value(name, v, unit);
	else
		check_show(name, v, unit);
}

/* "7 refused, 8 condemned, at most 3 accepted" */
static void
add_counts(struct buf *b, const struct reputation *p)
{
	buf_fmt(b, "%s refused", check_people((double)p->refused, ""));
	if (p->judged > 0)
		buf_fmt(b, ", %s condemned", check_people((double)p->judged, ""));
	buf_fmt(b, ", %s%s accepted", p->accepted_most > (int64_t)p->accepted ? "at most " : "",
	    check_people((double)p->accepted_most, ""));
}

static void
word_score(void)
{
	const struct reputation *p = run.all.net;
	struct buf counts;

	if (run.all.n == 0) {
		check_words("score", NULL, "no network was refused anything in %s",
		    check_people(set.window_s, "s"));
		return;
	}
	counts = buf_new(200);
	add_counts(&counts, p);
	check_words("score", NULL, "score %.1f for %s: %s in %s", p->score, name_of(p), counts.p,
	    check_people(set.window_s, "s"));
	buf_free(&counts);
}

/* Who is behind a rise: of the whole hours that the tables have. */
static void
word_rise(double rise, int64_t recent)
{
	const struct reputation *p = &run.all.loudest;
	size_t spread = run.all.spread;
	bool more = run.all.more;
	struct buf who = buf_new(300);

	if (run.all.recent == 0 || p->recent == 0)
		buf_str(&who, "by whom is not known yet");
	else if (spread <= FEW && !more)
		buf_fmt(&who, "%s: %s sent %.0f%%", spread == 1 ? "one network attacks" : "few networks attack", name_of(p),
		    100.0 * (double)p->recent / (double)run.all.recent);
	else
		buf_fmt(&who, "%s%s%zu networks sent half, none more than %.0f%%", spread >= WAVE || more ?
		    "a botnet wave: " : "", more ? "more than " : "", spread,
		    100.0 * (double)p->recent / (double)run.all.recent);
	check_words("rise", NULL, "refusals rose to %.1f times (%s in %s), %s", rise,
	    check_people((double)recent, ""), check_people(rise_s, "s"), who.p);
	buf_free(&who);
}

static void
measure(void)
{
	bool enough = run.all.refused >= (uint64_t)min_refused;
	uint64_t by_worst = 0;
	double share;
	int64_t recent;
	double rise = rise_of(&recent);
	bool risen = enough && recent >= min_refused && !isnan(rise);

	for (size_t i = 0; i < shown(); i++)
		by_worst += run.all.net[i].refused;
	share = run.all.refused > 0 ? 100.0 * (double)by_worst / (double)run.all.refused : 0;
	value("score", run.all.n > 0 ? run.all.net[0].score : 0, "", enough);
	value("networks", (double)run.bad, "", enough);
	value("new", (double)run.new, "", enough);
	value("share", share, "%", enough);
	value("rise", rise, "", risen);
	value("spread", (double)(run.all.spread + (run.all.more ? 1 : 0)), "",
	    enough && run.all.recent >= (uint64_t)min_refused);
	check_value("refused", (double)run.all.refused, "");
	word_score();
	check_words("networks", NULL, "%zu network%s with a score of %lld or more", run.bad, PLURAL(run.bad, "", "s"),
	    (long long)bad_score);
	check_words("new", NULL, "%zu network%s became bad within %s", run.new, PLURAL(run.new, "", "s"),
	    check_people(rise_s, "s"));
	check_words("share", NULL, "the worst %zu sent %s of all that was refused", shown(),
	    check_people(share, "%"));
	if (!isnan(rise))
		word_rise(rise, recent);
	if (!enough)
		check_detail("Only %s refused recipients in the window (--min-refused %lld): nothing is judged",
		    check_people((double)run.all.refused, ""), (long long)min_refused);
}

/* --- details ------------------------------------------------------------------------------------- */

static const char *
host_name(int id)
{
	return check_clean(slice_of(checkstate_name(&set, id)));
}

static const char *
hour_name(int64_t hour)
{
	return checkstate_time(hour * 3600);
}

static void
tell_network(const struct reputation *p)
{
	const struct rir_want *c = reputation_contact(run.contact, run.contacts, &p->net);
	struct buf b = buf_new(600);
	char name[ASN_NAME];
	uint32_t as;

	buf_fmt(&b, "%5.1f  %s: ", p->score, name_of(p));
	add_counts(&b, p);
	if (p->score >= (double)bad_score && p->before < (double)bad_score)
		buf_str(&b, ", new");
	if (p->net.family != NETWORK_AS && (as = reputation_as(&run.rule, p, name)) != 0)
		buf_fmt(&b, ", AS%u %s", as, check_clean(slice_of(name)));
	if (c != NULL && c->mail[0] != '\0')
		buf_fmt(&b, ", %s", c->mail);
	if (c != NULL && c->registry[0] != '\0')
		buf_fmt(&b, " (%s %s)", c->registry, c->country);
	if (p->sample.n > 0)
		buf_fmt(&b, "; most on %s in the hour from %s: %s", host_name(p->sample.host),
		    hour_name(p->sample.hour), check_people((double)p->sample.n, ""));
	check_detail("%s", b.p);
	buf_free(&b);
}

static void
json_network(struct buf *b, const struct reputation *p)
{
	const struct rir_want *c = reputation_contact(run.contact, run.contacts, &p->net);
	struct buf name = buf_new(100);
	char as_name[ASN_NAME];
	uint32_t as = reputation_as(&run.rule, p, as_name);

	reputation_print(&name, &p->net);
	buf_fmt(b, "{\"network\":\"%s\",\"score\":%.1f,\"before\":%.1f,\"bad\":%.3f,\"good\":%.3f,\"refused\":%llu,"
	    "\"condemned\":%llu,\"accepted\":%llu,\"accepted_most\":%lld,\"recent\":%llu", name.p, p->score, p->before,
	    p->bad, p->good, (unsigned long long)p->refused, (unsigned long long)p->judged,
	    (unsigned long long)p->accepted, (long long)p->accepted_most, (unsigned long long)p->recent);
	if (as != 0) {
		buf_fmt(b, ",\"as\":%u,\"as_name\":", as);
		buf_json(b, slice_of(check_clean(slice_of(as_name))));
	}
	if (c != NULL)
		buf_fmt(b, ",\"contact\":\"%s\",\"registry\":\"%s\",\"country\":\"%s\"", c->mail, c->registry, c->country);
	if (p->sample.n > 0) {
		buf_str(b, ",\"sample\":{\"host\":");
		buf_json(b, slice_of(host_name(p->sample.host)));
		buf_fmt(b, ",\"hour\":%lld,\"n\":%llu}", (long long)p->sample.hour * 3600,
		    (unsigned long long)p->sample.n);
	}
	buf_char(b, '}');
	buf_free(&name);
}

static void
tell_json(void)
{
	struct buf b = buf_new(1 << 20);

	buf_char(&b, '[');
	for (size_t i = 0; i < run.all.n && i < JSON_MOST && (i < shown() || i < run.bad); i++) {
		if (i > 0)
			buf_char(&b, ',');
		json_network(&b, &run.all.net[i]);
	}
	buf_char(&b, ']');
	if (!b.full)
		check_extra("networks", buf_slice(&b));
	buf_clear(&b);
	buf_fmt(&b, "{\"half_life\":%.0f,\"good_weight\":%lld,\"doubt\":%lld,\"bad_score\":%lld,\"from\":%lld,"
	    "\"rise\":%lld,\"to\":%lld}", half_life_s, (long long)good_weight, (long long)doubt, (long long)bad_score,
	    (long long)run.rule.from * 3600, (long long)run.rule.rise * 3600, (long long)run.rule.to * 3600);
	check_extra("rule", buf_slice(&b));
	buf_free(&b);
}

static void
tell(void)
{
	static const char *const kinds[] = { "rej" };

	checkstate_tell_window(&set);
	if (run.all.n > 0)
		check_detail("The worst in the hours from %s to %s (score: refused, accepted):",
		    hour_name(run.rule.from), hour_name(run.rule.to));
	for (size_t i = 0; i < shown(); i++)
		tell_network(&run.all.net[i]);
	if (run.all.unknown_hours > 0)
		check_detail("In %lld %s of a host nothing says where accepted mail came from (an older release read "
		    "the log, or it names no clients): any network may have sent it, so scores are lower",
		    (long long)run.all.unknown_hours, PLURAL(run.all.unknown_hours, "hour", "hours"));
	if (run.by_hours)
		check_detail("Networks are known by whole hours: those that were over at %s",
		    checkstate_time(set.as_of));
	if (check_is_json())
		tell_json();
	nextstep_samples(&set, set.id, kinds, sizeof kinds / sizeof *kinds);
	nextstep_graph_of(&set, set.host, "rej");
}

/* --- the list for review --------------------------------------------------------------------------- */

static size_t
make_list(struct buf *b)
{
	struct reputation_export x = {
		.all = &run.all, .rule = &run.rule, .bad_score = (double)bad_score,
		.zone = strcmp(export, "rbldnsd") == 0, .action = action, .whose = checkstate_whose(&set),
		.host = host_name, .hour = hour_name, .contact = run.contact, .n_contacts = run.contacts,
	};
	char *made = xstrdup(checkstate_time(set.now)), *from = xstrdup(hour_name(run.rule.from));
	size_t n;

	x.made = made;
	x.from = from;
	x.to = hour_name(run.rule.to);
	n = reputation_export(b, &x);
	if (b->full)
		check_unknown("the list is longer than %d bytes: a higher --bad-score makes it shorter", EXPORT_BYTES);
	free(made);
	free(from);
	return n;
}

static void
write_list(void)
{
	struct buf b = buf_new(EXPORT_BYTES);
	struct err e = { "" };
	size_t n = make_list(&b);

	if (out != NULL) {
		if (!reputation_write(out, buf_slice(&b), &e))
			check_unknown("%s", e.text);
		check_detail("%s has %zu %s for review; nothing uses it by itself", out, n,
		    PLURAL(n, "network", "networks"));
		buf_free(&b);
		return;
	}
	if (fwrite(b.p, 1, b.n, stdout) != b.n || fflush(stdout) != 0)
		exit(3);	/* nobody is left to be told */
	exit(0);
}

static void
look_at_options(void)
{
	if (strcmp(by, "as") == 0 && mmdb == NULL)
		opt_fail(&program, "--by as needs --mmdb: which file says what is in which AS?");
	if (strcmp(by, "as") == 0 && export != NULL)
		opt_fail(&program, "--export lists networks: leave out --by as");
	if (export != NULL && set.hold_s > 0)
		opt_fail(&program, "--hold asks for the answers of minutes before: leave it out with --export");
	if (out != NULL && export == NULL)
		opt_fail(&program, "--out needs --export cidr or --export rbldnsd");
	if (rise_s < 0)
		rise_s = fmin(USUAL_RISE_H * 3600, set.window_s / 2);
	if (rise_s >= set.window_s)
		opt_fail(&program, "--rise is not shorter than --window: there is no time before it");
	for (const char *p = action; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			opt_fail(&program, "--action has a control character");
}

int
main(int argc, char **argv)
{
	check_begin("REPUTATION");
	opt_parse(&program, argc, argv);
	look_at_options();
	know_ours();
	checkstate_open(&set);
	choose_hours();
	read_all();
	find_contacts();
	if (export != NULL)
		write_list();
	measure();
	hold_answered();
	checkstate_tell_silent(&set);
	tell();
	check_done();	/* the kernel closes and frees quicker than we could */
}
