/* setting.c - see setting.h. */
#include "store/setting.h"

#include <math.h>
#include <string.h>

#include "flow/siteword.h"
#include "input/address.h"
#include "input/header.h"
#include "input/journal.h"
#include "input/peer.h"
#include "opt.h"
#include "quantity.h"
#include "queue_find.h"
#include "reason.h"

#include "poison.h"

static bool
seconds(struct slice s, int64_t *v)
{
	double d;

	if (!quantity_parse(s, "s", &d, NULL) || d != floor(d))
		return false;
	*v = (int64_t)d;
	return true;
}

bool
setting_number(enum setting_kind kind, struct slice s, int64_t *v)
{
	uint64_t n;

	if (kind == SETTING_SECONDS)
		return seconds(s, v);
	if (!slice_u64(&s, &n) || s.n > 0 || n > INT64_MAX)
		return false;
	*v = (int64_t)n;
	return true;
}

/* Is it one of the words of "a|b|c"? */
static bool
one_of(struct slice words, struct slice s)
{
	struct slice word;

	while (slice_cut(&words, '|', &word)) {
		if (slice_eq(word, s))
			return true;
	}
	return slice_eq(words, s);
}

static bool
check_number(const struct setting *s, const char *v, struct err *e)
{
	struct slice limits = slice_of(s->limits), low;
	int64_t n, least, most;

	if (!setting_number(s->kind, slice_of(v), &n))
		return err_set(e, "%s = %s: %s", s->name, v, s->kind == SETTING_NUMBER ?
		    "not a whole number" : "not a time in whole seconds; write 90s, 15m, 2h or 8d");
	if (slice_cut_at(&limits, SLICE(".."), &low) && setting_number(s->kind, low, &least) &&
	    setting_number(s->kind, limits, &most) && (n < least || n > most))
		return err_set(e, "%s = %s: must be from %.*s to %.*s", s->name, v, (int)low.n,
		    low.p, (int)limits.n, limits.p);
	return true;
}

/* Texts with a form of their own. */
static bool
check_text(const struct setting *s, const char *v, struct err *e)
{
	struct header *h;
	struct err why;

	if (v[0] == '\0')
		return true;
	if (strcmp(s->name, "journal") == 0 && v[0] != '/' && strcmp(v, "system") != 0)
		return err_set(e, "journal = %s: must be system, or a path from the root, /...", v);
	if (strcmp(s->name, "match") == 0 && !siteword_check(v, &why))
		return err_set(e, "match = %s: %s", v, why.text);
	if (strcmp(s->name, "timezone") == 0) {
		h = header_new(v, 0, 0, SLICE(""), &why);
		if (h == NULL)
			return err_set(e, "%s = %s: %s", s->name, v, why.text);
		header_free(h);
	}
	return true;
}

static bool
check_class(const char *v, struct err *e)
{
	struct opt_near near = { 0 };

	if (reason_by_name(slice_of(v)) != REASON_none)
		return true;
	for (unsigned i = REASON_none + 1; i < REASON_N; i++)
		opt_near(&near, v, reason_name((enum reason)i));
	if (near.word != NULL)
		return err_set(e, "class = %s: there is no such class; did you mean %s?", v, near.word);
	return err_set(e, "class = %s: there is no such class", v);
}

static bool
check_list(const struct setting *s, const char *v, struct err *e)
{
	struct queue_place q;
	struct listen_at at;
	struct network n;
	struct peer p;
	struct err why;

	if (strcmp(s->name, "host_alias") == 0 &&
	    (strchr(v, '=') == NULL || v[0] == '=' || v[strlen(v) - 1] == '='))
		return err_set(e, "%s: \"%s\" is not of the form NAME=HOST", s->name, v);
	if (strcmp(s->name, "files") == 0 && v[0] != '/')
		return err_set(e, "%s: %s: must be a path from the root, /...", s->name, v);
	if (strcmp(s->name, "journal_match") == 0 && !journal_match_good(v))
		return err_set(e, "%s: \"%s\" is not of the form FIELD=VALUE", s->name, v);
	if ((strcmp(s->name, "listen") == 0 && !listen_parse(v, &at, &why)) ||
	    (strcmp(s->name, "allow") == 0 && !allow_parse(v, &n, &why)) ||
	    (strcmp(s->name, "queues") == 0 && !queue_place_parse(v, &q, &why)) ||
	    (strcmp(s->name, "tls_peers") == 0 && !peer_parse(v, &p, &why)))
		return err_set(e, "%s: \"%s\": %s", s->name, v, why.text);
	return true;
}

bool
setting_check(const struct setting *s, const char *v, struct err *e)
{
	switch (s->kind) {
	case SETTING_NUMBER:
	case SETTING_SECONDS:
		return check_number(s, v, e);
	case SETTING_PATH:
		return v[0] == '/' || (v[0] == '\0' && s->def[0] == '\0') ||
		    err_set(e, "%s = %s: must be a path from the root, /...", s->name, v);
	case SETTING_CHOICE:
		return one_of(slice_of(s->limits), slice_of(v)) ||
		    err_set(e, "%s = %s: must be one of %s", s->name, v, s->limits);
	case SETTING_LIST:
		return check_list(s, v, e);
	case SETTING_TEXT:
		return check_text(s, v, e);
	case SETTING_CLASS:
		return check_class(v, e);
	}
	return true;
}
