/* parse.c - mxgauge parse: files through header and dialect, printed.
 *
 * Nothing is counted but lines: each line is events, known without use, foreign or unknown,
 * and these four add up to the lines. Pieces of a line are what the whole line is, and its
 * events come with the last of them. Programs' names come from the log, so the table of them
 * is bounded; what does not fit is added up under "...". */
#include "view/parse.h"

#include <errno.h>
#include <stdlib.h>

#include "buf.h"
#include "dialect/dialect.h"
#include "flow/join.h"
#include "hash.h"
#include "input/lines.h"
#include "input/reader.h"
#include "mem.h"
#include "plural.h"
#include "poison.h"

enum answer { ANSWER_EVENTS, ANSWER_KNOWN, ANSWER_FOREIGN, ANSWER_UNKNOWN, ANSWERS };
enum { PROGRAMS_MAX = 2048, PROGRAM_SLOTS = 4096, FLUSH_BYTES = 1 << 16, LAST_HOSTS = 1024,
	LAST_LINE_MAX = 2048,	/* longer lines are not remembered for repeats, as in imports */
	/* one event of a line of 64 KiB, most of it in several fields and escaped */
	JSON_MAX = 1 << 23,
	LASTING_S = 8 * 86400 /* a line that lacks a piece is given up after that */ };

struct program {
	struct slice name;
	uint64_t lines, answers[ANSWERS];
};

struct parsing {
	const struct parse_options *o;
	const struct dialect *only;
	FILE *out;
	struct buf buf;			/* what is printed next */
	struct buf last[LAST_HOSTS];	/* the lines before, by their hosts: "last message repeated" */
	struct program total, rest, programs[PROGRAMS_MAX];
	unsigned nprograms;
	uint16_t slot[PROGRAM_SLOTS];	/* 1 + number of the program */
	struct hash_key key;
	struct arena names;
	struct join *join;
	bool good;			/* the output could be written so far, or *e */
	struct err *e;
	struct event events[EVENTS_MAX];
};

static struct program *
program_of(struct parsing *p, struct slice name)
{
	uint64_t h = hash_bytes(&p->key, name);
	struct program *g;

	for (unsigned i = (unsigned)(h % PROGRAM_SLOTS);; i = (i + 1) % PROGRAM_SLOTS) {
		if (p->slot[i] == 0) {
			if (p->nprograms == PROGRAMS_MAX)
				return &p->rest;
			g = &p->programs[p->nprograms++];
			g->name = arena_slice(&p->names, name);
			p->slot[i] = (uint16_t)p->nprograms;
			return g;
		}
		g = &p->programs[p->slot[i] - 1];
		if (slice_eq(g->name, name))
			return g;
	}
}

static void
put_key(struct buf *b, const char *key)
{
	buf_str(b, ",\"");
	buf_str(b, key);
	buf_str(b, "\":");
}

static void
put_text(struct buf *b, const char *key, struct slice s)
{
	if (s.n == 0)
		return;
	put_key(b, key);
	buf_json(b, s);
}

static void
put_number(struct buf *b, const char *key, uint64_t n)
{
	if (n == 0)
		return;
	put_key(b, key);
	buf_fmt(b, "%llu", (unsigned long long)n);
}

static void
put_flag(struct buf *b, const char *key, bool on)
{
	if (!on)
		return;
	put_key(b, key);
	buf_str(b, "true");
}

/* Milliseconds as seconds without needless zeros: 410 is 0.41. */
static void
put_seconds(struct buf *b, int64_t ms)
{
	int frac = (int)(ms % 1000), digits = 3;

	buf_fmt(b, "%lld", (long long)(ms / 1000));
	if (frac == 0)
		return;
	for (; frac % 10 == 0; frac /= 10)
		digits--;
	buf_fmt(b, ".%0*d", digits, frac);
}

static void
put_delays(struct buf *b, const struct event *e)
{
	if (e->delay_ms >= 0) {
		put_key(b, "delay");
		put_seconds(b, e->delay_ms);
	}
	if (e->delays_ms[0] < 0)
		return;
	put_key(b, "delays");
	for (int i = 0; i < 4; i++) {
		buf_char(b, i == 0 ? '[' : ',');
		put_seconds(b, e->delays_ms[i] < 0 ? 0 : e->delays_ms[i]);
	}
	buf_char(b, ']');
}

static void
put_parties(struct buf *b, const struct event *e)
{
	put_text(b, "client_ip", e->client_ip);
	put_text(b, "client_name", e->client_name);
	put_number(b, "client_port", e->client_port);
	put_flag(b, "loopback", e->loopback);
	put_text(b, "orig_client_ip", e->orig_client_ip);
	put_text(b, "orig_client_name", e->orig_client_name);
	put_text(b, "helo", e->helo);
	if (e->from.p != NULL) {	/* from=<> is a sender too */
		put_key(b, "from");
		buf_json(b, e->from);
	}
	put_text(b, "to", e->to);
	put_text(b, "orig_to", e->orig_to);
	put_number(b, "nrcpt", e->nrcpt);
	put_number(b, "size", e->size);
	put_text(b, "relay", e->relay);
	put_text(b, "relay_ip", e->relay_ip);
	put_number(b, "relay_port", e->relay_port);
	put_flag(b, "relay_loopback", e->relay_loopback);
	put_flag(b, "in_filter", e->in_filter);
	put_flag(b, "piped", e->piped);
}

/* What is below the class; a block list in lower case, as it is counted. */
static void
put_sub(struct buf *b, const struct event *e)
{
	char zone[256];

	if ((e->cls != REASON_dnsbl && e->cls != REASON_rhsbl) || e->sub.n > sizeof zone) {
		put_text(b, "reason_sub", e->sub);
		return;
	}
	for (size_t i = 0; i < e->sub.n; i++)
		zone[i] = slice_lower(e->sub.p[i]);
	put_text(b, "reason_sub", (struct slice){ zone, e->sub.n });
}

static size_t
digits_at(struct slice s, size_t from)
{
	size_t n = from;

	while (n < s.n && slice_is_digit(s.p[n]))
		n++;
	return n - from;
}

/* Is it a number as JSON writes them, without an exponent? */
static bool
is_number(struct slice s)
{
	size_t n = s.n > 0 && s.p[0] == '-', whole = digits_at(s, n), frac;

	if (whole == 0 || (whole > 1 && s.p[n] == '0'))
		return false;
	n += whole;
	if (n == s.n || s.p[n] != '.')
		return n == s.n;
	frac = digits_at(s, n + 1);
	return frac > 0 && n + 1 + frac == s.n;
}

static void
put_count(struct buf *b, const struct event *e)
{
	if (e->kind != EV_STATS) {
		put_number(b, "count", e->count);
		return;
	}
	put_key(b, "count");	/* a level may be 0 */
	buf_fmt(b, "%u", (unsigned)e->count);
}

/* The text of a filter's verdict is its score, where it gave one. */
static void
put_score(struct buf *b, const struct event *e)
{
	if ((e->kind != EV_SPAM && e->kind != EV_HAM && e->kind != EV_VIRUS && e->kind != EV_BANNED) ||
	    !is_number(e->text))
		return;
	put_key(b, "score");
	buf_add(b, e->text);
}

static void
put_event(struct parsing *p, const struct line *l, const struct event *e)
{
	static const char *const kinds[EVENT_KIND_N] = {
#define X(name) [EV_##name] = #name,
		EVENT_KINDS(X)
#undef X
	};
	static const char *const wheres[] = { "", "ext", "local", "discard", "forward" };
	struct buf *b = &p->buf;

	buf_fmt(b, "{\"kind\":\"%s\",\"time\":%lld", kinds[e->kind], (long long)l->time);
	if (l->usec > 0)
		buf_fmt(b, ".%06u", (unsigned)l->usec);
	put_text(b, "host", l->host);
	put_text(b, "program", l->tag);
	put_text(b, "id", e->id);
	put_text(b, "new_id", e->new_id);
	put_text(b, "task", e->task);
	put_text(b, "sess", e->sess);
	put_text(b, "qp", e->qp);
	put_text(b, "service", e->service);
	put_number(b, "pid", l->pid);
	put_number(b, "repeat", l->repeat > 1 ? l->repeat : 0);
	put_text(b, "mid", e->mid);
	put_parties(b, e);
	put_text(b, "where", slice_of(wheres[e->where]));
	put_text(b, "dsn", e->dsn);
	put_number(b, "code", e->code);
	put_text(b, "stage", e->stage);
	put_text(b, "reason_class", slice_of(reason_name(e->cls)));
	put_sub(b, e);
	put_delays(b, e);
	put_number(b, "conn_use", e->conn_use);
	put_number(b, "auth_fail", e->auth_fail);
	put_number(b, "asked", e->asked);
	put_number(b, "answered", e->answered);
	put_number(b, "latency_us", e->latency_us);
	put_count(b, e);
	put_text(b, "tls_proto", e->tls_proto);
	put_text(b, "tls_cipher", e->tls_cipher);
	put_text(b, "tls_trust", e->tls_trust);
	put_text(b, "proto", e->proto);
	put_text(b, "sasl_method", e->sasl_method);
	put_text(b, "sasl_username", e->sasl_user);
	put_flag(b, "by_admin", e->by_admin);
	put_flag(b, "outbound", e->outbound);
	put_flag(b, "screen", e->screen);
	put_flag(b, "aborted", e->aborted);
	put_flag(b, "mailbox", e->mailbox);
	put_score(b, e);
	put_text(b, "text", e->text);
	buf_str(b, "}\n");
}

static const struct dialect *
dialect_for(const struct parsing *p, const struct line *l)
{
	if (p->only == NULL)
		return dialect_of(l);
	return p->only->claims(l) ? p->only : NULL;
}

/* Ask it. The events, if any, are in p->events. */
static enum answer
ask(struct parsing *p, const struct dialect *d, const struct line *l, int *n)
{
	*n = 0;
	if (d == NULL)
		return ANSWER_FOREIGN;
	*n = d->parse(l, p->events);
	for (int i = 0; p->o->words != NULL && i < *n; i++)
		siteword_apply(p->o->words, &p->events[i]);
	if (*n == DIALECT_FOREIGN)
		return ANSWER_FOREIGN;
	return *n > 0 ? ANSWER_EVENTS : *n == 0 ? ANSWER_KNOWN : ANSWER_UNKNOWN;
}

static void
count(struct program *g, enum answer a)
{
	g->lines++;
	g->answers[a]++;
}

static unsigned
host_number(const struct parsing *p, const struct line *l)
{
	return (unsigned)hash_bytes(&p->key, l->host);
}

/* What was the last line of this host. Two hosts seldom share a place; the one that was heard last has it. */
static struct buf *
last_of(struct parsing *p, const struct line *l)
{
	return &p->last[host_number(p, l) % LAST_HOSTS];
}

/* "last message repeated 3 times" is its host's line before once more. Fills *l anew; its time and
 * number stay. */
static bool
take_last(struct parsing *p, struct header *h, struct line *l)
{
	struct line again = *l;
	struct buf *last = last_of(p, l);
	char host[256];
	size_t n = l->host.n < sizeof host ? l->host.n : sizeof host;

	memcpy(host, l->host.p != NULL ? l->host.p : "", n);
	if (last->n == 0 || header_parse(h, buf_slice(last), l) != HEADER_LINE ||
	    l->repeat_of_last || !slice_eq(l->host, (struct slice){ host, n }))
		return false;
	l->time = again.time;
	l->usec = again.usec;
	l->repeat = again.repeat;
	return true;
}

static bool
flush(struct parsing *p)
{
	if (p->buf.n > 0 && fwrite(p->buf.p, 1, p->buf.n, p->out) != p->buf.n)
		p->good = err_set(p->e, "write the output: %s", strerror(errno));
	buf_clear(&p->buf);
	return p->good;
}

static bool
flush_when_full(struct parsing *p)
{
	return p->buf.n < FLUSH_BYTES ? p->good : flush(p);
}

/* A line that gave this answer. */
static void
take_answer(struct parsing *p, struct slice program, enum answer a, struct slice raw)
{
	count(&p->total, a);
	if (p->o->mode == PARSE_STATS)
		count(program_of(p, program), a);
	if (p->o->mode == PARSE_UNKNOWN && a == ANSWER_UNKNOWN) {
		buf_clean(&p->buf, raw, LINE_MAX_BYTES);
		buf_char(&p->buf, '\n');
		(void)flush_when_full(p);
	}
}

static void
put_events(struct parsing *p, const struct line *l, int n)
{
	for (int i = 0; p->o->mode == PARSE_EVENTS && i < n; i++) {
		put_event(p, l, &p->events[i]);
		(void)flush_when_full(p);
	}
}

static void
joined(void *arg, const struct joined *w)
{
	struct parsing *p = arg;
	enum answer a = ANSWER_UNKNOWN;
	int n = 0;

	if (w->whole)
		a = ask(p, dialect_for(p, &w->line), &w->line, &n);
	for (size_t i = 0; i < w->pieces; i++)
		take_answer(p, w->line.tag, a, w->piece[i].raw);
	put_events(p, &w->line, n);
}

static void
understand(struct parsing *p, const struct line *l, struct slice raw)
{
	const struct dialect *d = dialect_for(p, l);
	struct part part;
	enum answer a;
	int n;

	if (join_waiting(p->join) > 0)
		join_time(p->join, host_number(p, l), l->time);
	if (d != NULL && d->part != NULL && l->repeat == 1 && d->part(l, &part)) {
		join_add(p->join, host_number(p, l), l, &part, 0,
		    p->o->mode == PARSE_UNKNOWN ? raw : slice_head(raw, 0));
		return;
	}
	a = ask(p, d, l, &n);
	take_answer(p, l->tag, a, raw);
	put_events(p, l, n);
}

static bool
take_line(void *arg, struct file_line *fl, struct err *e)
{
	struct parsing *p = arg;
	bool good = fl->answer == HEADER_LINE, repeated = good && fl->line.repeat_of_last;

	(void)e;	/* it is p->e */
	if (repeated) {
		good = take_last(p, fl->header, &fl->line);
	} else if (good) {
		struct buf *last = last_of(p, &fl->line);

		buf_clear(last);
		if (fl->raw.n <= LAST_LINE_MAX)
			buf_add(last, fl->raw);
	}
	if (good)
		understand(p, &fl->line, fl->raw);
	else
		take_answer(p, SLICE(""), ANSWER_UNKNOWN, fl->raw);
	return p->good;
}

static int
by_name(const void *a, const void *b)
{
	const struct program *x = a, *y = b;
	size_t n = x->name.n < y->name.n ? x->name.n : y->name.n;
	int c = n > 0 ? memcmp(x->name.p, y->name.p, n) : 0;

	return c != 0 ? c : (x->name.n > y->name.n) - (x->name.n < y->name.n);
}

static void
put_counts(struct buf *b, const struct program *g)
{
	static const char *const names[ANSWERS] = { "events", "known", "foreign", "unknown" };

	buf_fmt(b, "\"lines\":%llu", (unsigned long long)g->lines);
	for (int a = 0; a < ANSWERS; a++)
		buf_fmt(b, ",\"%s\":%llu", names[a], (unsigned long long)g->answers[a]);
}

static bool
put_stats(struct parsing *p)
{
	struct buf *b = &p->buf;

	qsort(p->programs, p->nprograms, sizeof p->programs[0], by_name);
	buf_char(b, '{');
	put_counts(b, &p->total);
	buf_str(b, ",\"by_program\":{");
	for (unsigned i = 0; i < p->nprograms; i++) {
		if (i > 0)
			buf_char(b, ',');
		buf_json_name(b, p->programs[i].name);
		buf_str(b, ":{");
		put_counts(b, &p->programs[i]);
		buf_char(b, '}');
		if (!flush_when_full(p))
			return false;
	}
	if (p->rest.lines > 0) {
		buf_str(b, ",\"...\":{");
		put_counts(b, &p->rest);
		buf_char(b, '}');
	}
	buf_str(b, "}}\n");
	return true;
}

static bool
find_dialect(const char *name, const struct dialect **d, struct err *e)
{
	struct buf names = buf_new(256);

	for (const struct dialect *const *at = dialects; *at != NULL; at++) {
		if (strcmp((*at)->name, name) == 0) {
			*d = *at;
			buf_free(&names);
			return true;
		}
		buf_fmt(&names, " %s", (*at)->name);
	}
	err_set(e, "no dialect '%s'; there are:%.*s", name, (int)names.n, names.p);
	buf_free(&names);
	return false;
}

/* What a file lacks is said, and the others are read: they may be fine. False: some lack something, or p->good
 * is false. */
static bool
parse_files(struct parsing *p, char *const *files, size_t n, struct err *e)
{
	const struct parse_options *o = p->o;
	size_t failed = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < LAST_HOSTS; k++)
			buf_clear(&p->last[k]);
		if (lines_each(files[i], o->zone, o->year, o->now, o->host, take_line, p, e))
			continue;
		if (!p->good || n == 1)
			return false;
		fprintf(stderr, "mxgauge: %s\n", e->text);
		failed++;
	}
	return failed == 0 || err_set(e, "%zu of %zu files %s not read to the end", failed, n,
	    PLURAL(failed, "was", "were"));
}

bool
view_parse(const struct parse_options *o, char *const *files, size_t n, FILE *out,
    struct err *e)
{
	struct parsing *p = xcalloc(1, sizeof *p);
	struct err why;
	bool good;

	p->o = o;
	p->out = out;
	p->buf = buf_new(JSON_MAX);
	for (size_t i = 0; i < LAST_HOSTS; i++)
		p->last[i] = buf_new(LAST_LINE_MAX);
	p->key = hash_key_random();
	p->rest.name = SLICE("...");
	p->join = join_new(&p->key, LASTING_S, joined, p);
	p->good = true;
	p->e = e;
	good = o->dialect == NULL || find_dialect(o->dialect, &p->only, e);
	if (good) {
		bool whole = parse_files(p, files, n, &why);

		if (p->good)
			join_end(p->join, true);
		if (p->good && o->mode == PARSE_STATS && (whole || p->total.lines > 0))
			(void)put_stats(p);
		good = flush(p) && (fflush(out) == 0 || err_set(e, "write the output: %s", strerror(errno)));
		if (good && !whole)
			good = err_set(e, "%s", why.text);
	}
	join_free(p->join);
	buf_free(&p->buf);
	for (size_t i = 0; i < LAST_HOSTS; i++)
		buf_free(&p->last[i]);
	arena_free(&p->names);
	free(p);
	return good;
}
