/* check_mail_accounts - accounts that send unlike themselves, and passwords that are being guessed.
 *
 * Reads the collector's state; asks no mail server anything. misuse.h says what is compared with
 * what. The state has accounts and networks by the hour: so the window is whole hours, and what
 * began a minute ago is seen all the same, since the running hour counts by itself. Names of accounts
 * are what strangers typed, and pass check_clean(). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "checkstate.h"
#include "first.h"
#include "mem.h"
#include "misuse.h"
#include "misuse_kept.h"
#include "nextstep.h"
#include "plural.h"
#include "stateread.h"
#include "users.h"

#include "poison.h"

enum { SHOWN = MISUSE_SHOWN, SHOWN_JSON = 50, PLACES = 5, LONGEST_H = 48 };

static struct checkstate set = { CHECKSTATE_DEFAULT, .window_s = MISUSE_WINDOW_S };
static struct misuse_set judge = { .min_rcpt = MISUSE_MIN_RCPT, .base = MISUSE_BASE, .tries = MISUSE_TRIES };

static const struct opt opts[] = {
	CHECKSTATE_OPTS(set),
	{ 0, "min-rcpt", OPT_INT, &judge.min_rcpt, "N",
	    "an account that sent to fewer recipients in its busiest hour is not judged by rise, domains "
	    "and shares", .min = 1, .max = 1e9 },
	{ 0, "base", OPT_INT, &judge.base, "N",
	    "recipients in an hour that any account may send: what one without a past is compared with",
	    .min = 1, .max = 1e9 },
	{ 0, "tries", OPT_INT, &judge.tries, "N",
	    "failed logins after which one that succeeds from a new network was guessed", .min = 1,
	    .max = 1e9 },
	{ 0, "except", OPT_LIST, &judge.except, "NAME,...",
	    "accounts whose sending is not judged (newsletters, shared ones; @example.org: all of a "
	    "domain), and networks whose failed logins are not (192.0.2.0/24, as they are shown)" },
	{ 0, "except-file", OPT_STRING, &judge.except_file, "FILE",
	    "the same, a line each; what follows a # is a remark" },
	{ 0 }
};

/* In the order of what is told first. */
enum {
	RISE = MISUSE_RISE, RECIPIENTS = MISUSE_RECIPIENTS, MESSAGES = MISUSE_MESSAGES, DOMAINS = MISUSE_DOMAINS,
	NETWORKS = MISUSE_NETWORKS, BOUNCED = MISUSE_BOUNCED, DEFERRED = MISUSE_DEFERRED,
	FAILURES = MISUSE_FAILURES, SOURCES = MISUSE_SOURCES, ATTEMPTS = MISUSE_MEASURES, TARGETS, GUESSED, MEASURES
};

static const struct measure measures[] = {
	[RISE] = { "rise", "", "recipients of an account in an hour, as so many times what is usual of it" },
	[RECIPIENTS] = { "recipients", "", "most recipients of one account in an hour" },
	[MESSAGES] = { "messages", "", "most messages of one account in an hour" },
	[DOMAINS] = { "domains", "", "most domains in an hour to which an account had not sent before" },
	[NETWORKS] = { "networks", "", "most providers (/16, /32) new to an account that it was used from" },
	[BOUNCED] = { "bounced", "%", "largest share of an account's recipients that bounced" },
	[DEFERRED] = { "deferred", "%", "largest share of an account's recipients that had to wait" },
	[FAILURES] = { "failures", "", "most failed logins of one account" },
	[SOURCES] = { "sources", "", "most networks (/24, /64) that failed to log in as one account" },
	[ATTEMPTS] = { "attempts", "", "most failed logins from one network" },
	[TARGETS] = { "targets", "", "most accounts that one network failed to log in as" },
	[GUESSED] = { "guessed", "", "accounts used from a new network after --tries failed logins" },
	[MEASURES] = { 0 }
};

static const struct program program = {
	"check_mail_accounts", "accounts that send unlike themselves, and passwords that are guessed",
	"Answers from the state that mxgauged or \"mxgauge import\" keeps; without thresholds it reports and "
	"stays OK. A stolen password is found by what is sent with it, before the world lists us.\n\n"
	"rise compares the busiest hour of an account with what is usual of it: what it sent in an hour on "
	"its third busiest day of four weeks. The hours are those of the last seven days, and before those the "
	"same time of the day; an account without such a past, or with a small one, is compared with --base. "
	"rise=10 is 100 recipients in an hour by one who never sent to more than 10. domains and networks are "
	"those that the account did not have in that time. The last twenty hours are no past. Until the state "
	"knows three days these and guessed are not judged, and it is said.\n\n"
	"An account's networks are counted by provider, /16 and /32, since telephones change their address "
	"within one: three are a home, an office and a telephone. Failed logins are counted by /24 and /64, "
	"of SMTP, IMAP and POP3 together.\n\n"
	"Numbers are of the whole hours that the window touches, and the running one counts by itself: what "
	"begins is seen with the next answer. With --at all of that hour counts, also what came after that time.\n\n"
	"Of the whole farm, by the usual rule and hour, the answer is the one that the collector makes every ten "
	"seconds; all else is read anew.",
	opts, .measures = measures,
	.examples = "check_mail_accounts -w rise=10 -c rise=30 -w networks=3 -c networks=8 -c guessed=0\n"
	    "check_mail_accounts --except news@example.org,@lists.example.org -w rise=10 -w bounced=30%\n"
	    "check_mail_accounts -w attempts=300 -w targets=20 -w sources=50 --at \"yesterday 03:00\""
};

static struct misuse found;

/* Accounts whose mails are to be looked at; and does anybody guess passwords? */
static const struct roster_one *alarmed[MEASURES];
static size_t alarms;
static bool guessers;
static size_t guessed;			/* accounts, it seems */

/* --- the worst of each ----------------------------------------------------------------- */

/* Of equal ones the first by name, so that two answers are alike. */
static bool
is_before(const struct roster_one *a, const struct roster_one *b)
{
	return b == NULL || roster_order(a, b) < 0;
}

/* The largest of each, NAN where there is none. Whose that is, where it is 0, is looked for when it matters:
 * it is that of most. */
static struct {
	double v;
	const struct misuse_account *whose;
} most[MEASURES];

static void
take(int which, double v, const struct misuse_account *a)
{
	if (v > most[which].v || isnan(most[which].v)) {
		most[which].v = v;
		most[which].whose = a;
	} else if (v > 0 && v >= most[which].v && is_before(a->one, most[which].whose->one)) {
		most[which].whose = a;
	}
}

static void
find_most(void)
{
	for (int i = 0; i < MEASURES; i++)
		most[i].v = (double)NAN;
	for (size_t i = 0; i < found.accounts; i++) {
		const struct misuse_account *a = &found.account[i];

		take(FAILURES, a->failures, a);
		take(SOURCES, a->sources, a);
		if (a->exempt)
			continue;
		take(RECIPIENTS, a->recipients, a);
		take(MESSAGES, a->messages, a);
		for (int k = RISE; k <= DEFERRED && (a->judged || a->change != NULL); k++)
			take(k, misuse_value(&found, a, (enum misuse_measure)k), a);
	}
}

static const struct misuse_account *
account_with_most(int which)
{
	const struct misuse_account *a = NULL;

	if (most[which].v > 0)
		return most[which].whose;
	for (size_t i = 0; i < found.accounts; i++)
		if (misuse_value(&found, &found.account[i], (enum misuse_measure)which) >= most[which].v &&
		    is_before(found.account[i].one, a != NULL ? a->one : NULL))
			a = &found.account[i];
	return a;
}

static double
value_of_network(const struct misuse_network *n, int which)
{
	return n->exempt ? (double)NAN : which == ATTEMPTS ? n->attempts : n->targets;
}

static const struct misuse_network *
worst_network(int which, double *v)
{
	const struct misuse_network *worst = NULL;

	*v = (double)NAN;
	for (size_t i = 0; i < found.networks; i++) {
		double now = value_of_network(&found.network[i], which);

		if (isnan(*v) || now > *v)
			*v = now;
	}
	for (size_t i = 0; *v > 0 && i < found.networks; i++)
		if (value_of_network(&found.network[i], which) >= *v &&
		    is_before(found.network[i].one, worst != NULL ? worst->one : NULL))
			worst = &found.network[i];
	return worst;
}

/* --- words ----------------------------------------------------------------------------- */

/* "1 message", "1,234 messages"; it lives until the eighth call after this one. */
static const char *
several(double n, const char *noun)
{
	static char ring[8][60];
	static unsigned next;
	char *to = ring[next++ % 8];

	(void)snprintf(to, sizeof ring[0], "%s %s%s", check_people(n, ""), noun, PLURAL(n, "", "s"));
	return to;
}

static int
by_n(const void *a, const void *b)
{
	const struct users_visit *x = *(const struct users_visit *const *)a, *y = *(const struct users_visit *const *)b;
	uint32_t v = x->n > x->other ? x->n : x->other, w = y->n > y->other ? y->n : y->other;

	if (v != w)
		return v < w ? 1 : -1;
	return strncmp(x->text, y->text, USERS_TEXT);
}

/* "192.0.2.0/24 (12), 198.51.100.0/24 (3) and 7 more", the most frequent first; sent: only of those
 * that logged in to send. */
static const char *
visitors(const struct users_set *s, bool sent, size_t shown, struct buf *b)
{
	const struct users_visit *v[USERS_KEEP];
	size_t n = 0, all;

	for (unsigned i = 0; i < s->n; i++)
		if (!sent || s->v[i].n > 0)
			v[n++] = &s->v[i];
	all = s->more ? (size_t)(users_set_size(s) * (double)n / s->n) : n;
	first_sort(v, n, sizeof(struct users_visit *), shown, by_n);
	buf_clear(b);
	for (size_t i = 0; i < n && i < shown; i++) {
		uint32_t times = v[i]->n > 0 || sent ? v[i]->n : v[i]->other;

		buf_str(b, i > 0 ? ", " : "");
		buf_str(b, check_clean(users_visit_name(v[i])));
		if (shown > 1) {
			buf_str(b, " (");
			buf_str(b, check_people(times, ""));
			buf_char(b, ')');
		}
	}
	if (n > 0 && all > shown)
		buf_fmt(b, " and %s%zu more", s->more ? "about " : "", all - shown);
	return n > 0 ? b->p : "networks that the log does not name";
}

static const char *
name_of(const struct roster_one *one)
{
	return check_clean(roster_name(one));
}

static const char *
hour_of(const struct misuse_account *a)
{
	return checkstate_time((int64_t)a->hour * 3600);
}

static void
word_account(int which, const struct misuse_account *a, double v)
{
	struct buf b = buf_new(400);
	const struct user *u = misuse_account(&found, a);
	const char *who = name_of(a->one), *from = visitors(&u->ok, true, 1, &b);
	const char *name = measures[which].name;

	switch (which) {
	case RISE:
		check_words(name, NULL, "%s sent to %s in the hour from %s, %s times the %s that are %s, from %s",
		    who, several(a->recipients, "recipient"), hour_of(a),
		    check_people(v, ""), check_people(fmax(a->change->usual, (double)judge.base), ""),
		    a->change->usual >= (double)judge.base ? "usual of it" : "usual of anybody", from);
		break;
	case RECIPIENTS:
	case MESSAGES:
		check_words(name, NULL, "%s sent %s%s in the hour from %s, from %s", who,
		    which == MESSAGES ? "" : "to ", several(v, which == MESSAGES ? "message" : "recipient"),
		    hour_of(a), from);
		break;
	case DOMAINS:
		check_words(name, NULL, "%s sent to %s in the hour from %s where it had sent nothing before, from %s",
		    who, several(v, "domain"), hour_of(a), from);
		break;
	case NETWORKS:
		check_words(name, NULL, "%s was used from %s that it had not been used from before, in all from %s",
		    who, several(v, "provider"), visitors(&u->ok, true, 2, &b));
		break;
	case BOUNCED:
	case DEFERRED:
		check_words(name, NULL, "%s of the recipients of %s %s", check_people(v, "%"), who,
		    which == BOUNCED ? "bounced" : "had to wait");
		break;
	case FAILURES:
		check_words(name, NULL, "%s as %s, from %s", several(v, "failed login"), who,
		    visitors(&u->failed, false, 1, &b));
		break;
	default:
		check_words(name, NULL, "%s failed to log in as %s", several(v, "network"), who);
		break;
	}
	buf_free(&b);
}

static void
blame(int which, const struct misuse_account *a)
{
	guessers |= which == FAILURES || which == SOURCES;
	for (size_t i = 0; i < alarms; i++)
		if (alarmed[i] == a->one)
			return;
	if (which < FAILURES)
		alarmed[alarms++] = a->one;
}

static void
measure_account(int which)
{
	const struct measure *m = &measures[which];
	double v = most[which].v;
	bool unknown = !found.past && (which == RISE || which == DOMAINS || which == NETWORKS), rings;
	const struct misuse_account *a = NULL;

	if (isnan(v) && (unknown || which == BOUNCED || which == DEFERRED)) {
		check_show(m->name, (double)NAN, m->unit);
		return;
	}
	v = isnan(v) ? 0 : which == DOMAINS || which == NETWORKS || which == SOURCES ? round(v) : v;
	rings = check_value(m->name, v, m->unit) > CHECK_OK;
	if (rings || v > 0)
		a = account_with_most(which);
	if (rings && a != NULL)
		blame(which, a);
	if (a != NULL && v > 0)
		word_account(which, a, v);
	else if (which == RISE)
		check_words(m->name, NULL, "no account sent to %s in an hour",
		    several((double)judge.min_rcpt, "recipient"));
}

static void
measure_network(int which)
{
	const struct measure *m = &measures[which];
	struct buf b = buf_new(400);
	double v;
	const struct misuse_network *w = worst_network(which, &v);

	guessers |= check_value(m->name, v > 0 ? round(v) : 0, m->unit) > CHECK_OK;
	if (w != NULL && which == ATTEMPTS)
		check_words(m->name, NULL, "%s from %s", several(v, "failed login"), name_of(w->one));
	else if (w != NULL)
		check_words(m->name, NULL, "%s failed to log in as %s: %s", name_of(w->one),
		    several(round(v), "account"), visitors(&misuse_network(&found, w)->failed, false, 3, &b));
	buf_free(&b);
}

static bool
was_guessed(const struct misuse_account *a)
{
	return a->change != NULL && a->change->guessed != NULL;
}

static void
measure_guessed(void)
{
	const struct misuse_account *first = NULL;

	for (size_t i = 0; i < found.accounts; i++) {
		const struct misuse_account *a = &found.account[i];

		if (!was_guessed(a))
			continue;
		guessed++;
		if (is_before(a->one, first != NULL ? first->one : NULL))
			first = a;
	}
	if (!found.past) {
		check_show("guessed", (double)NAN, "");
		return;
	}
	guessers |= check_value("guessed", (double)guessed, "") > CHECK_OK;
	if (first != NULL)
		check_words("guessed", NULL, "%s was logged into from %s, where it had not been used, at %s after "
		    "many failed logins", name_of(first->one),
		    check_clean(users_visit_name(first->change->guessed)),
		    checkstate_time(first->change->guessed->at));
}

/* --- details --------------------------------------------------------------------------- */

static int order_by;
static bool order_all;		/* also those that did not fail, whom nobody sees as a rule */

static int
by_value(const void *a, const void *b)
{
	const struct misuse_account *x = a, *y = b;
	double v = order_by == FAILURES ? x->failures : x->recipients;
	double w = order_by == FAILURES ? y->failures : y->recipients;

	if (v < w || v > w)
		return v < w ? 1 : -1;
	return order_by == FAILURES && v <= 0 && !order_all ? 0 : roster_order(x->one, y->one);
}

static int
by_attempts(const void *a, const void *b)
{
	const struct misuse_network *x = a, *y = b;

	if (x->attempts < y->attempts || x->attempts > y->attempts)
		return x->attempts < y->attempts ? 1 : -1;
	return roster_order(x->one, y->one);
}

static void
tell_sender(const struct misuse_account *a)
{
	struct buf b = buf_new(900), text = buf_new(900);

	buf_fmt(&text, "%s sent %s to %s in the hour from %s", name_of(a->one),
	    several(a->messages, "message"), several(a->recipients, "recipient"), hour_of(a));
	if (a->change != NULL)
		buf_fmt(&text, "; usual are %s", check_people(a->change->usual, ""));
	buf_fmt(&text, "; %s", several(round(misuse_domains(&found, a)), "domain"));
	if (a->change != NULL)
		buf_fmt(&text, ", %s new", check_people(round(a->change->domains), ""));
	if (misuse_bounced(&found, a) > 0)
		buf_fmt(&text, "; %s bounced", check_people(misuse_bounced(&found, a), "%"));
	if (misuse_deferred(&found, a) > 0)
		buf_fmt(&text, "; %s had to wait", check_people(misuse_deferred(&found, a), "%"));
	check_detail("%s%s; from %s", text.p, a->exempt ? " (not judged: --except)" : "",
	    visitors(&misuse_account(&found, a)->ok, true, PLACES, &b));
	buf_free(&b);
	buf_free(&text);
}

static void
tell_senders(void)
{
	order_by = RECIPIENTS;
	first_sort(found.account, found.accounts, sizeof *found.account, SHOWN, by_value);
	for (size_t i = 0; i < found.accounts && i < SHOWN; i++)
		if (found.account[i].messages > 0)
			tell_sender(&found.account[i]);
}

static void
tell_failures(void)
{
	struct buf b = buf_new(900);

	order_by = FAILURES;
	order_all = check_is_json() || guessed > 0;
	first_sort(found.account, found.accounts, sizeof *found.account,
	    order_all ? found.accounts : SHOWN, by_value);
	for (size_t i = 0; i < found.accounts && i < SHOWN && found.account[i].failures > 0; i++) {
		const struct misuse_account *a = &found.account[i];

		check_detail("%s as %s, from %s", several(a->failures, "failed login"), name_of(a->one),
		    visitors(&misuse_account(&found, a)->failed, false, PLACES, &b));
	}
	first_sort(found.network, found.networks, sizeof *found.network,
	    check_is_json() ? found.networks : SHOWN, by_attempts);
	for (size_t i = 0; i < found.networks && i < SHOWN && found.network[i].attempts > 0; i++) {
		const struct misuse_network *n = &found.network[i];

		check_detail("%s from %s%s%s%s", several(n->attempts, "failed login"),
		    name_of(n->one), n->exempt ? " (not judged: --except)" : "",
		    n->targets > 0 ? ", as " : "",
		    n->targets > 0 ? visitors(&misuse_network(&found, n)->failed, false, PLACES, &b) : "");
	}
	for (size_t i = 0; guessed > 0 && i < found.accounts; i++)
		if (was_guessed(&found.account[i]))
			check_detail("%s was logged into after failed logins, from %s: was that its owner?",
			    name_of(found.account[i].one),
			    check_clean(users_visit_name(found.account[i].change->guessed)));
	buf_free(&b);
}

static void
put_number(struct buf *json, const char *name, double v)
{
	if (isnan(v))
		buf_fmt(json, ",\"%s\":null", name);
	else
		buf_fmt(json, ",\"%s\":%.1f", name, v);
}

static void
put_visitors(struct buf *json, const char *name, const struct users_set *s)
{
	buf_fmt(json, ",\"%s\":[", name);
	for (unsigned i = 0; i < s->n; i++) {
		buf_fmt(json, "%s{\"name\":", i > 0 ? "," : "");
		buf_json(json, slice_of(check_clean(users_visit_name(&s->v[i]))));
		buf_fmt(json, ",\"n\":%u,\"other\":%u,\"at\":%lld}", s->v[i].n, s->v[i].other,
		    (long long)s->v[i].at);
	}
	buf_char(json, ']');
}

static void
json_account(struct buf *json, const struct misuse_account *a)
{
	static const struct misuse_change unknown = { (double)NAN, (double)NAN, (double)NAN, (double)NAN, NULL };
	const struct misuse_change *c = a->change != NULL ? a->change : &unknown;
	const struct user *u = misuse_account(&found, a);

	buf_str(json, "{\"name\":");
	buf_json(json, slice_of(name_of(a->one)));
	put_number(json, "messages", user_number(u, USER_MSGS));
	put_number(json, "recipients", user_number(u, USER_RCPTS));
	buf_fmt(json, ",\"busiest\":{\"from\":%lld,\"recipients\":%u}", (long long)a->hour * 3600,
	    a->recipients);
	put_number(json, "usual", c->usual);
	put_number(json, "rise", c->rise);
	put_number(json, "domains", misuse_domains(&found, a));
	put_number(json, "new_domains", c->domains);
	put_number(json, "providers", misuse_providers(&found, a));
	put_number(json, "new_providers", c->networks);
	put_number(json, "bounced", misuse_bounced(&found, a));
	put_number(json, "deferred", misuse_deferred(&found, a));
	put_number(json, "logins", user_number(u, USER_OK));
	put_number(json, "mailbox_logins", user_number(u, USER_BOX));
	put_number(json, "failures", a->failures);
	put_number(json, "sources", a->sources);
	buf_fmt(json, ",\"exempt\":%s,\"guessed\":%s", a->exempt ? "true" : "false",
	    was_guessed(a) ? "true" : "false");
	put_visitors(json, "used_from", &u->ok);
	put_visitors(json, "failed_from", &u->failed);
	buf_char(json, '}');
}

/* The order of the accounts is that of their failures: those that send come in their turn. */
static void
tell_json(void)
{
	struct buf json = buf_new(1 << 20);
	size_t shown = 0;

	if (!check_is_json())
		return;
	buf_char(&json, '[');
	for (size_t i = 0; i < found.accounts; i++) {
		bool first = i < SHOWN_JSON, sends = found.account[i].judged;

		if (!first && !sends && !was_guessed(&found.account[i]))
			continue;
		buf_str(&json, shown++ > 0 ? "," : "");
		json_account(&json, &found.account[i]);
	}
	buf_char(&json, ']');
	if (!json.full)
		check_extra("accounts", buf_slice(&json));
	buf_clear(&json);
	json.full = false;
	buf_char(&json, '[');
	for (size_t i = 0; i < found.networks && i < SHOWN_JSON; i++) {
		const struct misuse_network *n = &found.network[i];

		buf_str(&json, i > 0 ? ",{\"name\":" : "{\"name\":");
		buf_json(&json, slice_of(name_of(n->one)));
		put_number(&json, "failures", n->attempts);
		put_number(&json, "accounts", n->targets);
		put_number(&json, "logins", user_number(misuse_network(&found, n), USER_OK));
		put_visitors(&json, "tried", &misuse_network(&found, n)->failed);
		buf_char(&json, '}');
	}
	buf_char(&json, ']');
	check_extra("networks", buf_slice(&json));
	buf_free(&json);
}

/* Of those who send, their mails, which are found by the sender; of those who guess, lines. */
static void
tell_next(void)
{
	static const char *const failed[] = { "auth_fail", "login_fail" };
	struct nextstep w;

	nextstep_begin(&w, &set);
	for (size_t i = 0; i < alarms; i++)
		(void)nextstep_add(&w, roster_name(alarmed[i]));
	nextstep_tell(&w);
	if (guessers)
		nextstep_samples(&set, set.id, failed, 2);
	nextstep_graph_of(&set, set.host, guessers && alarms == 0 ? "auth_fail" : "auth_ok");
}

/* All accounts are not asked for, and those that are named are at hand. */
static bool
is_kept(void)
{
	return set.id == STATEREAD_FARM && !check_is_json() &&
	    misuse_kept(&found, &judge, set.r, set.from / 60, set.to / 60);
}

int
main(int argc, char **argv)
{
	struct err e = { "" };

	check_begin("ACCOUNTS");
	opt_parse(&program, argc, argv);
	checkstate_open(&set);
	if (set.window_s > LONGEST_H * 3600)
		check_unknown("--window is more than %d hours", LONGEST_H);
	check_phase("reading the accounts in %s", set.state);
	judge.all_networks = check_is_json();
	set.from = set.from / 60 * 60;
	set.to = (set.to + 59) / 60 * 60;
	if (!is_kept() && !misuse_read(&found, &judge, set.r, set.id, checkstate_first(&set), set.from / 60,
	    set.to / 60, &e))
		check_unknown("%s", e.text);
	find_most();
	for (int i = RISE; i <= SOURCES; i++)
		measure_account(i);
	measure_network(ATTEMPTS);
	measure_network(TARGETS);
	measure_guessed();
	hold_answered();
	checkstate_tell_silent(&set);
	checkstate_tell_window(&set);
	if (!found.past)
		check_detail("What is usual of accounts is not known yet: %d days are needed",
		    MISUSE_NEEDED_DAYS);
	tell_senders();
	tell_failures();
	tell_json();
	tell_next();
	check_done();	/* the kernel closes and frees quicker than we could */
}
