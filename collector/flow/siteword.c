/* siteword.c - see siteword.h.
 *
 * PCRE2 counts its steps anew from each place where a match could begin, so the limit of steps
 * times that of the text bounds one rule on one text. Texts are bytes: no line's charset is
 * known. */
#include "flow/siteword.h"

#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "mem.h"

#include "poison.h"

enum { STEPS_MAX = 10000, HEAP_KB_MAX = 1024 };

struct siteword {
	char *name;
	enum reason cls;
	pcre2_code *match;	/* NULL: */
	char *text;		/* in lower case */
	size_t text_n;
};

struct sitewords {
	struct siteword *word;
	size_t n;
	pcre2_match_context *limits;
	pcre2_match_data *found;
	uint64_t gave_up;
	const char *first;	/* who gave up first */
};

struct sitewords *
sitewords_new(void)
{
	struct sitewords *w = xcalloc(1, sizeof *w);

	w->limits = pcre2_match_context_create(NULL);
	w->found = pcre2_match_data_create(1, NULL);
	if (w->limits == NULL || w->found == NULL)
		abort();	/* as xcalloc() */
	pcre2_set_match_limit(w->limits, STEPS_MAX);
	pcre2_set_heap_limit(w->limits, HEAP_KB_MAX);
	return w;
}

void
sitewords_free(struct sitewords *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < w->n; i++) {
		pcre2_code_free(w->word[i].match);
		free(w->word[i].name);
		free(w->word[i].text);
	}
	free(w->word);
	pcre2_match_data_free(w->found);
	pcre2_match_context_free(w->limits);
	free(w);
}

static pcre2_code *
compile(const char *match, struct err *e)
{
	size_t n = strlen(match), at;
	PCRE2_UCHAR why[256];
	pcre2_code *code;
	int fault;

	if (n > SITEWORD_PATTERN_MAX) {
		err_set(e, "longer than %d bytes", SITEWORD_PATTERN_MAX);
		return NULL;
	}
	code = pcre2_compile((PCRE2_SPTR)match, n, PCRE2_CASELESS | PCRE2_NEVER_UTF, &fault, &at, NULL);
	if (code != NULL)
		return code;
	if (pcre2_get_error_message(fault, why, sizeof why) < 0)
		why[0] = '\0';
	err_set(e, "%s (at byte %zu)", (const char *)why, at + 1);
	return NULL;
}

bool
siteword_check(const char *match, struct err *e)
{
	pcre2_code *code = compile(match, e);

	pcre2_code_free(code);
	return code != NULL;
}

bool
sitewords_add(struct sitewords *w, const char *name, enum reason cls, const char *match,
    const char *text, struct err *e)
{
	struct siteword one = { .cls = cls };

	if (match != NULL) {
		one.match = compile(match, e);
		if (one.match == NULL)
			return false;
	} else {
		one.text = xstrdup(text);
		one.text_n = strlen(text);
		for (size_t i = 0; i < one.text_n; i++)
			one.text[i] = slice_lower(one.text[i]);
	}
	one.name = xstrdup(name);
	w->word = xreallocarray(w->word, w->n + 1, sizeof *w->word);
	w->word[w->n++] = one;
	return true;
}

static bool
says(struct sitewords *w, const struct siteword *s, struct slice text)
{
	int got;

	if (s->match == NULL)
		return slice_find_nocase(text, (struct slice){ s->text, s->text_n }) >= 0;
	got = pcre2_match(s->match, (PCRE2_SPTR)text.p, text.n, 0, 0, w->found, w->limits);
	if (got >= 0)		/* 0: more groups than there is room for, which nobody asks for */
		return true;
	if (got != PCRE2_ERROR_NOMATCH && w->gave_up++ == 0)
		w->first = s->name;
	return false;
}

void
siteword_apply(struct sitewords *w, struct event *e)
{
	struct slice text = e->text;

	if (e->kind != EV_REJECT && e->kind != EV_TEMPFAIL && e->kind != EV_WARN_REJECT &&
	    e->kind != EV_DEFERRED && e->kind != EV_BOUNCED)
		return;
	if (text.n == 0)
		return;
	if (text.n > SITEWORD_TEXT_MAX)
		text.n = SITEWORD_TEXT_MAX;
	for (size_t i = 0; i < w->n; i++) {
		if (says(w, &w->word[i], text)) {
			e->cls = w->word[i].cls;
			e->sub = slice_of(w->word[i].name);
			return;
		}
	}
}

uint64_t
sitewords_gave_up(const struct sitewords *w, const char **first)
{
	*first = w->first;
	return w->gave_up;
}
