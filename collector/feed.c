/* feed.c - one source's way into the state: its header, its hosts, and the last line of each for
 * "last message repeated", over a restart and a rotation too. See ingest.h. */
#include "ingest_priv.h"

#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "mem.h"

#include "poison.h"

enum {
	LAST_LINE_MAX = 2048,		/* longer lines are not remembered for repeats */
	LAST_LINES_MAX = 1 << 18,	/* of all hosts of a source, over a restart */
	REPEATS_S = 3600,	/* syslogd says at least so often that a line goes on */
	ORDER_S = 2,		/* lines of one moment lie in any order */
	UNFINISHED_MAX = 1 << 19	/* the parts of an entry or of docker's lines */
};

/* The first label decides, unless both say a domain: mx1.dc1 and mx1.dc2 may be two. */
static bool
is_alias(struct slice alias, struct slice name)
{
	struct slice a = host_label(alias), b = host_label(name);

	if (a.n < alias.n && b.n < name.n)
		return slice_eq_nocase(alias, name);
	return slice_eq_nocase(a, b);
}

struct slice
ingest_host_name(const struct ingest *in, struct slice name)
{
	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	for (size_t i = 0; in->set.alias != NULL && in->set.alias[i][0] != NULL; i++)
		if (is_alias(slice_of(in->set.alias[i][0]), name))
			return slice_of(in->set.alias[i][1]);
	name = host_label(name);
	return name.n > 0 ? name : SLICE("unknown");
}

static int
host_of(struct feed *f, struct slice name)
{
	struct host_text *k = &f->known;

	if (k->n == name.n && name.n > 0 && memcmp(k->text, name.p, name.n) == 0)
		return f->host = k->host;
	f->host = state_host(f->in->state, ingest_host_name(f->in, name));
	if (f->host >= 0 && name.n <= sizeof k->text) {
		k->n = (uint8_t)name.n;
		k->host = f->host;
		memcpy(k->text, name.p, name.n);
	}
	return f->host;
}

bool
feed_host(struct feed *f, const struct line *l)
{
	if (l->host_mark != NULL && *l->host_mark > 0) {
		f->host = *l->host_mark - 1;
		return true;
	}
	if (host_of(f, l->host) < 0)
		return false;
	if (l->host_mark != NULL)
		*l->host_mark = f->host + 1;
	return true;
}

void
feed_count_timeless(struct ingest *in, struct feed *f, int host, int64_t time)
{
	if (f->headless + f->misdated == 0 || host < 0)
		return;
	state_host_line(in->state, (unsigned)host, time);
	tally_add(in->tally, (unsigned)host, time / 60, M_lines, f->headless);
	tally_add(in->tally, (unsigned)host, time / 60, M_unknown, f->headless);
	tally_add(in->tally, (unsigned)host, time / 60, M_too_late, f->misdated);
	f->headless = f->misdated = 0;
}

/* The last line of each host, the host of the last line last. */
void
feed_remember(struct feed *f)
{
	struct buf b = buf_new(LAST_LINES_MAX);

	if (f->headless + f->misdated > 0)
		feed_count_timeless(f->in, f, f->host >= 0 ? f->host : host_of(f, (struct slice){ "", 0 }),
		    f->in->now);
	for (size_t i = 0; i < f->lasts; i++) {
		size_t host = (i + 1 + (f->host > 0 ? (size_t)f->host : 0)) % f->lasts;
		const struct last_line *l = &f->last[host];

		if (l->n == 0 || memchr(l->p, '\0', l->n) != NULL)
			continue;
		if (b.n > 0)
			buf_char(&b, '\n');
		if (f->in->pseudonyms != NULL)	/* read again it says the same */
			pseudonyms_text(f->in->pseudonyms, (struct slice){ l->p, l->n }, &b);
		else
			buf_add(&b, (struct slice){ l->p, l->n });
	}
	free(f->src->last_line);
	f->src->last_line = b.p;
	free(f->src->unfinished.p);
	f->src->unfinished = buf_new(UNFINISHED_MAX);
	header_unfinished(f->header, &f->src->unfinished);
}

static __attribute__((noinline)) void
more_lasts(struct feed *f, unsigned host)
{
	size_t n = host + 8;

	f->last = xreallocarray(f->last, n, sizeof *f->last);
	memset(f->last + f->lasts, 0, (n - f->lasts) * sizeof *f->last);
	f->lasts = n;
}

void
feed_remember_line(struct feed *f, unsigned host, struct slice raw)
{
	if (host >= f->lasts)
		more_lasts(f, host);
	if (f->last[host].now.p == NULL)
		f->fresh[f->n_fresh++] = host;
	f->last[host].any = true;
	f->last[host].now = raw;
}

void
feed_keep_lines(struct feed *f)
{
	for (unsigned i = 0; i < f->n_fresh; i++) {
		struct last_line *l = &f->last[f->fresh[i]];

		l->n = l->now.n <= LAST_LINE_MAX ? (uint32_t)l->now.n : 0;
		if (l->n > l->cap) {
			l->cap = LAST_LINE_MAX;
			l->p = xrealloc(l->p, l->cap);
		}
		if (l->n > 0)
			memcpy(l->p, l->now.p, l->n);
		l->now.p = NULL;
	}
	f->n_fresh = 0;
}

/* Empty if there is none. */
static struct slice
last_line(const struct feed *f, unsigned host)
{
	const struct last_line *l = &f->last[host];

	if (host >= f->lasts)
		return (struct slice){ "", 0 };
	if (l->now.p != NULL)
		return slice_head(l->now, l->now.n <= LAST_LINE_MAX ? l->now.n : 0);
	return (struct slice){ l->p, l->n };
}

/* The repeat of a host's last line before the restart may come first. */
static void
recall_lines(struct feed *f)
{
	struct slice all = slice_of(f->src->last_line != NULL ? f->src->last_line : ""), raw;
	struct line l;

	while (slice_next(&all, '\n', &raw)) {
		if (header_parse(f->header, raw, &l) == HEADER_LINE && host_of(f, l.host) >= 0)
			feed_remember_line(f, (unsigned)f->host, raw);
		feed_keep_lines(f);
	}
}

struct feed *
feed_open(struct ingest *in, struct state_source *src, const char *zone, int year,
    const char *host, int64_t now, struct err *e)
{
	struct feed *f = xcalloc(1, sizeof *f);

	f->in = in;
	f->src = src;
	f->begun = src->lines == 0;
	f->era = in->era;
	f->host = -1;
	f->written_at = now;
	if (year > 0)		/* whoever says the year may have a log of all of it */
		f->written_at = (int64_t)(year - 1970 + 1) * 366 * 86400;
	f->header = header_new(zone, year, now, slice_of(host != NULL ? host : ""), e);
	if (f->header == NULL) {
		free(f);
		return NULL;
	}
	if (src->newest != 0)
		header_set_newest(f->header, src->newest);
	recall_lines(f);
	header_set_unfinished(f->header, buf_slice(&src->unfinished));
	return f;
}

void
feed_close(struct feed *f)
{
	if (f == NULL)
		return;
	header_free(f->header);
	for (size_t i = 0; i < f->lasts; i++)
		free(f->last[i].p);
	free(f->last);
	free(f);
}

void
feed_began_in(struct feed *f, int year)
{
	header_began_in(f->header, year);
}

bool
feed_years_torn(const struct feed *f)
{
	return header_years_torn(f->header);
}

void
feed_live(struct feed *f, bool arrives)
{
	f->ahead_s = arrives ? 30 * 86400 : 86400;
	f->told_at = INT64_MIN;
}

void
feed_clock(struct feed *f, int64_t now)
{
	header_clock(f->header, now);
}

void
feed_new_era(struct feed *f)
{
	memset(f->second, 0, sizeof f->second);
	f->era = f->in->era;
}

void
feed_look_at_clock(struct feed *f)
{
	if (f->ahead_s == 0 || f->told_at == f->in->now)
		return;
	f->written_at = f->told_at = f->in->now;
	header_live(f->header, f->told_at, f->ahead_s);
}

void
feed_resends(struct feed *f)
{
	f->resends = true;
}

struct state_source *
feed_source(struct feed *f)
{
	return f->src;
}

/* The file that rotation put aside just before that time, as far as we know it; NULL if none. */
static const struct state_source *
rotated_before(const struct feed *f, int64_t time)
{
	const struct state_source *best = NULL;

	for (size_t i = 0; i < state_sources(f->in->state); i++) {
		const struct state_source *o = state_source_at(f->in->state, i);

		if (o != f->src && o->family == f->src->family && o->last_line != NULL &&
		    o->newest <= time + ORDER_S && o->newest >= time - REPEATS_S &&
		    (best == NULL || o->newest > best->newest))
			best = o;
	}
	return best;
}

/* The last line of a host in the file before; from now on it is this one's. */
static struct slice
inherit_line(struct feed *f, unsigned host, int64_t time)
{
	const struct state_source *o = rotated_before(f, time);
	struct slice all = slice_of(o != NULL ? o->last_line : ""), raw;
	struct line l;

	while (slice_next(&all, '\n', &raw)) {
		if (header_parse(f->header, raw, &l) != HEADER_LINE ||
		    state_host(f->in->state, ingest_host_name(f->in, l.host)) != (int)host)
			continue;
		feed_remember_line(f, host, raw);
		return raw;
	}
	return (struct slice){ "", 0 };
}

bool
feed_repeat(struct feed *f, unsigned host, struct line *l)
{
	struct line before = *l;
	struct slice last = last_line(f, host);

	if (last.n == 0 && f->begun && (host >= f->lasts || !f->last[host].any))
		last = inherit_line(f, host, before.time);
	if (last.n == 0)
		return false;
	if (header_parse(f->header, last, l) != HEADER_LINE || l->repeat_of_last) {
		*l = before;
		l->ident = slice_head(l->text, 0);	/* its text was the parser's to keep */
		return false;
	}
	l->time = before.time;
	l->usec = before.usec;
	l->repeat = before.repeat;
	l->repeat_of_last = true;
	return true;
}
