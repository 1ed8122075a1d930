/* nextstep.c - see nextstep.h. */
#include "nextstep.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "host.h"

#include "poison.h"

enum { SHOWN = 5, COMMAND_MAX = 900, URL_MAX = 2000 };

static bool
wanted(void)
{
	return check_worst() > CHECK_OK || check_is_verbose(1);
}

/* --- the command ------------------------------------------------------------------------ */

/* Does a shell take it as it stands, and a program not for an option? */
static bool
is_plain(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		    (c != '\0' && strchr("._:@+/-", c) != NULL)))
			return false;
	}
	return s.n > 0 && s.p[0] != '-';
}

/* The administrator's own words: in quotes where they need some. */
static void
put_word(struct buf *b, const char *word)
{
	if (is_plain(slice_of(word))) {
		buf_str(b, word);
		return;
	}
	buf_char(b, '\'');
	for (; *word != '\0'; word++)
		if (*word == '\'')
			buf_str(b, "'\\''");
		else
			buf_char(b, *word);
	buf_char(b, '\'');
}

void
nextstep_begin(struct nextstep *w, const struct checkstate *s)
{
	*w = (struct nextstep){ .command = buf_new(COMMAND_MAX) };
	buf_str(&w->command, "mxgauge trace --state ");
	put_word(&w->command, s->state);
}

bool
nextstep_add(struct nextstep *w, struct slice what)
{
	struct buf word = buf_new(300);
	bool new;

	if (!is_plain(what))
		return false;
	buf_char(&word, ' ');
	buf_add(&word, what);
	buf_char(&word, ' ');
	buf_char(&w->command, ' ');	/* so that the last word ends as the others */
	new = !word.full && !slice_has(buf_slice(&w->command), buf_slice(&word));
	w->command.n--;
	w->command.p[w->command.n] = '\0';
	if (new)
		buf_add(&w->command, slice_head(buf_slice(&word), word.n - 1));
	w->n += new && !w->command.full;
	buf_free(&word);
	return new;
}

void
nextstep_tell(struct nextstep *w)
{
	if (w->n > 0)
		check_detail("%s", w->command.p);
	buf_free(&w->command);
}

/* --- samples ---------------------------------------------------------------------------- */

/* Copies: what is read lives only as long as its row. */
struct sample {
	struct specimen s;
	int host;
	char bytes[SPECIMEN_KIND_MAX + SPECIMEN_TEXTS * SPECIMEN_TEXT_MAX];
};

struct choice {
	const char *const *kind;
	size_t kinds, n;
	struct sample best[SHOWN];	/* the smallest rank first */
};

static bool
is_of(struct slice kind, const char *name)
{
	size_t n = strlen(name);

	return slice_starts(kind, slice_of(name)) && (kind.n == n || kind.p[n] == '_');
}

/* How trace is asked for it: by its queue id, or by whom it tells of. */
static struct slice
handle(const struct specimen *s)
{
	static const enum specimen_text order[] = {
		SPECIMEN_ID, SPECIMEN_CLIENT, SPECIMEN_USER, SPECIMEN_TO, SPECIMEN_FROM
	};

	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		if (is_plain(s->text[order[i]]))
			return s->text[order[i]];
	return SLICE("");
}

static void
copy(struct sample *to, const struct specimen *s, int host)
{
	char *p = to->bytes;

	to->s = *s;
	to->host = host;
	memcpy(p, s->kind.p, s->kind.n);
	to->s.kind.p = p;
	p += s->kind.n;
	for (int i = 0; i < SPECIMEN_TEXTS; i++) {
		if (s->text[i].n > 0)
			memcpy(p, s->text[i].p, s->text[i].n);
		to->s.text[i].p = p;
		p += s->text[i].n;
	}
}

static void
place(struct choice *c, size_t at, const struct specimen *s, int host)
{
	c->n += c->n < SHOWN;
	for (size_t i = c->n - 1; i > at; i--)
		copy(&c->best[i], &c->best[i - 1].s, c->best[i - 1].host);
	copy(&c->best[at], s, host);
}

/* Different ones: five lines of one client say no more than one of them. */
static bool
choose(void *arg, int host, const struct specimen *s)
{
	struct choice *c = arg;
	struct slice h = handle(s);
	bool of = false;
	size_t at = 0;

	for (size_t i = 0; i < c->kinds; i++)
		of = of || is_of(s->kind, c->kind[i]);
	for (size_t i = 0; of && i < c->n; i++)
		of = !slice_eq(h, handle(&c->best[i].s));
	while (at < c->n && c->best[at].s.rank <= s->rank)
		at++;
	if (of && h.n > 0 && at < SHOWN)
		place(c, at, s, host);
	return true;
}

static void
put(struct buf *b, const char *before, struct slice text, const char *after)
{
	if (text.n > 0)
		buf_fmt(b, "%s%s%s", before, check_clean(text), after);
}

static void
tell_one(const struct checkstate *s, const struct sample *x, struct buf *json)
{
	static const char *const names[] = { "id", "client", "user", "from", "to", "said" };
	const struct slice *text = x->s.text;
	struct buf b = buf_new(900);

	buf_fmt(&b, "%s on %s, ", checkstate_time(x->s.time), check_clean(slice_of(checkstate_name(s, x->host))));
	if (slice_eq(x->s.kind, SLICE(SPECIMEN_SLOW)))
		buf_fmt(&b, "%s", check_people((double)specimen_delay_ms(&x->s) / 1000, "s"));
	else
		buf_fmt(&b, "%s", check_clean(x->s.kind));
	put(&b, ", ", text[SPECIMEN_ID], "");
	put(&b, ", from ", text[SPECIMEN_CLIENT], "");
	put(&b, ", user ", text[SPECIMEN_USER], "");
	put(&b, ", sender ", text[SPECIMEN_FROM], "");
	put(&b, ", recipient ", text[SPECIMEN_TO], "");
	put(&b, ": ", text[SPECIMEN_SAID], slice_cut_mark(text[SPECIMEN_SAID], SPECIMEN_TEXT_MAX));
	check_detail("%s", b.p);
	buf_fmt(json, "%s{\"time\":%lld,\"kind\":", json->n > 1 ? "," : "", (long long)x->s.time);
	buf_json(json, x->s.kind);
	buf_str(json, ",\"host\":");
	buf_json(json, slice_of(checkstate_name(s, x->host)));
	for (int i = 0; i < SPECIMEN_TEXTS; i++) {
		buf_fmt(json, ",\"%s\":", names[i]);
		buf_json(json, slice_of(check_clean(text[i])));
	}
	buf_char(json, '}');
	buf_free(&b);
}

void
nextstep_samples(const struct checkstate *s, int host, const char *const *kinds, size_t n)
{
	static struct choice c;
	struct buf json = buf_new(1 << 16);
	struct nextstep w;
	struct err e = { "" };

	if (!wanted() || n == 0)
		return;
	c = (struct choice){ .kind = kinds, .kinds = n };
	check_phase("reading samples in %s", s->state);
	if (!stateread_specimens(s->r, host, s->from * 60, s->to * 60, choose, &c, &e))
		check_unknown("%s", e.text);
	if (c.n == 0)
		return;
	check_detail("Samples:");
	nextstep_begin(&w, s);
	buf_char(&json, '[');
	for (size_t i = 0; i < c.n; i++) {
		tell_one(s, &c.best[i], &json);
		(void)nextstep_add(&w, handle(&c.best[i].s));
	}
	buf_char(&json, ']');
	nextstep_tell(&w);
	if (!json.full)
		check_extra("samples", buf_slice(&json));
	buf_free(&json);
}

/* --- the graph -------------------------------------------------------------------------- */

static void
put_escaped(struct buf *b, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++)
		if ((*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') ||
		    strchr("-._~", *p) != NULL)
			buf_char(b, (char)*p);
		else
			buf_fmt(b, "%%%02X", *p);
}

/* The pattern with its % filled in; what is none of them stays. */
static void
fill(struct buf *b, const char *pattern, const char *host, const char *template, const char *graph)
{
	for (; *pattern != '\0'; pattern++) {
		const char *put = NULL;

		if (*pattern == '%')
			put = pattern[1] == 'h' ? host : pattern[1] == 't' ? template :
			    pattern[1] == 'g' ? graph : NULL;
		if (put != NULL)
			put_escaped(b, put);
		else
			buf_char(b, *pattern);
		if (put != NULL || (*pattern == '%' && pattern[1] == '%'))
			pattern++;
	}
}

void
nextstep_graph(const struct checkstate *s, const char *host, const char *template, const char *graph)
{
	struct buf url = buf_new(URL_MAX), json = buf_new(URL_MAX * 2);
	const char *pattern = s->graph_url;
	struct stateread_run run;
	struct err e = { "" };

	if (!wanted())
		return;
	if (pattern == NULL && stateread_run(s->r, &run, &e))
		pattern = run.graph_url;
	if (pattern == NULL || *pattern == '\0')
		return;
	fill(&url, pattern, host != NULL ? host : HOST_FARM, template, graph);
	if (!url.full) {
		check_link("Graph", url.p);
		buf_json(&json, buf_slice(&url));
		check_extra("graph", buf_slice(&json));
	}
	buf_free(&url);
	buf_free(&json);
}

void
nextstep_graph_of(const struct checkstate *s, const char *host, const char *metric)
{
	static const struct {
		const char *start, *template, *graph;
	} rows[] = {
		{ "rej", "reject", "reject" }, { "tmp", "tempfail", "tempfail" },
		{ "defer", "remote", "defer" }, { "bounce", "remote", "bounce" },
		{ "auth", "conn", "auth" }, { "login", "conn", "auth" }, { "screen", "conn", "screen" },
		{ "tls", "conn", "tls" }, { "conn", "conn", "sessions" }, { "lost", "conn", "sessions" },
		{ "timeout", "conn", "sessions" }, { "spam", "flow", "filter" },
		{ "virus", "flow", "filter" }, { "banned", "flow", "filter" },
		{ "discard", "flow", "filter" }, { "filter", "flow", "filter" },
		{ "held", "flow", "filter" }, { "dlv", "flow", "out" }, { "dsn", "flow", "filter" },
		{ "expire", "flow", "out" }, { "unknown", "collector", "trouble" },
		{ "lines", "collector", "lines" }
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strncmp(metric, rows[i].start, strlen(rows[i].start)) == 0) {
			nextstep_graph(s, host, rows[i].template, rows[i].graph);
			return;
		}
	nextstep_graph(s, host, "flow", "in");
}
