/* test_siteword.c - rules of one's own: which counts, what they may cost, which are none. */
#include "tap.h"

#include <string.h>

#include "flow/siteword.h"

#include "poison.h"

static struct event
refusal(enum event_kind kind, const char *text)
{
	struct event e;

	event_begin(&e, kind);
	e.cls = REASON_other;
	e.text = slice_of(text);
	return e;
}

/* The class and the name that text gets, "other" where no rule says more. */
static void
gives(struct sitewords *w, enum event_kind kind, const char *text, const char *want)
{
	struct event e = refusal(kind, text);
	char got[200];

	siteword_apply(w, &e);
	snprintf(got, sizeof got, "%s%s%.*s", reason_name(e.cls), e.sub.n > 0 ? " " : "", (int)e.sub.n,
	    e.sub.n > 0 ? e.sub.p : "");
	is_str(got, want, want);
}

static void
test_rules(void)
{
	struct sitewords *w = sitewords_new();
	struct err e;

	ok(sitewords_add(w, "dialup", REASON_generic_host, "dynamic .* range", NULL, &e) &&
	    sitewords_add(w, "exact", REASON_policy, "(?-i)^Go Away", NULL, &e) &&
	    sitewords_add(w, "plain", REASON_greylist, NULL, "Try [Later]", &e) &&
	    sitewords_add(w, "late", REASON_policy, "range", NULL, &e), "four rules");
	gives(w, EV_REJECT, "your Dynamic IP RANGE is bad", "generic_host dialup");
	gives(w, EV_TEMPFAIL, "a range", "policy late");
	gives(w, EV_WARN_REJECT, "Go Away", "policy exact");
	gives(w, EV_DEFERRED, "go away", "other");
	gives(w, EV_BOUNCED, "please TRY [later]", "greylist plain");
	gives(w, EV_REJECT, "try l", "other");
	gives(w, EV_REJECT, "dynamic \xff\xc3 range", "generic_host dialup");
	gives(w, EV_DELIVERED, "a range", "other");
	gives(w, EV_QWARN, "a range", "other");
	gives(w, EV_REJECT, "", "other");
	sitewords_free(w);
	sitewords_free(NULL);
}

static void
test_bounds(void)
{
	char text[2 * SITEWORD_TEXT_MAX + 1];
	struct sitewords *w = sitewords_new();
	const char *name;
	struct err e;

	ok(sitewords_add(w, "evil", REASON_policy, "(a+)+$", NULL, &e) &&
	    sitewords_add(w, "deep", REASON_policy, "(a|aa|b)+$", NULL, &e) &&
	    sitewords_add(w, "plain", REASON_greylist, NULL, "b", &e), "rules that take long");
	is_int((long long)sitewords_gave_up(w, &name), 0, "nobody gave up yet");
	ok(name == NULL, "and nobody is named");
	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	gives(w, EV_REJECT, text, "policy evil");
	text[40] = 'b';
	text[SITEWORD_TEXT_MAX - 1] = '!';
	gives(w, EV_REJECT, text, "greylist plain");
	ok(sitewords_gave_up(w, &name) >= 1, "a rule gave up");
	is_str(name == NULL ? "" : name, "evil", "the first one is named");
	memset(text, 'x', sizeof text - 1);
	text[SITEWORD_TEXT_MAX] = 'b';
	gives(w, EV_REJECT, text, "other");
	text[SITEWORD_TEXT_MAX - 2] = 'b';
	gives(w, EV_REJECT, text, "greylist plain");
	sitewords_free(w);
}

static void
test_faults(void)
{
	char longest[SITEWORD_PATTERN_MAX + 2];
	struct err e;

	ok(!siteword_check("(abc", &e), "no expression");
	is_str(e.text, "missing closing parenthesis (at byte 5)", "its sentence");
	ok(!siteword_check("(*UTF)a", &e), "texts are bytes");
	ok(!siteword_check("a{65535}{65535}", &e), "too large");
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	ok(!siteword_check(longest, &e), "too long");
	longest[sizeof longest - 2] = '\0';
	ok(siteword_check(longest, &e), "just short enough");
}

int
main(void)
{
	test_rules();
	test_bounds();
	test_faults();
	return done_testing();
}
