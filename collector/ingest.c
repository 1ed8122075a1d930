/* ingest.c - see ingest.h. */
#include "ingest.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clocks.h"
#include "dialect/dialect.h"
#include "flow/flow.h"
#include "flow/join.h"
#include "flow/seen.h"
#include "host.h"
#include "input/header.h"
#include "mem.h"

#include "poison.h"

enum {
	COMMIT_LINES = 320000,		/* between commits of an import */
	COMMIT_CELLS = 20000,		/* 2 to 4 KB each */
	IDLE_EVENTS = 20000,		/* a mail not spoken of for so many may leave */
	IDLE_EVENTS_LIVE = 2000,
	QUIET_S = 15 * 60,
	SLOW_S = 60,			/* top tables and clean-up */
	LINES_MAX = 64,			/* at once */
	TAGS = 64, HOST_TEXTS = 8, HOST_KEYS = 4,
	LAST_LINE_MAX = 2048,		/* longer lines are not remembered for repeats */
	LAST_LINES_MAX = 1 << 18,	/* of all hosts of a source, over a restart */
	UNFINISHED_MAX = 1 << 19	/* the parts of an entry or of docker's lines */
};

const struct ingest_settings ingest_defaults = {
	.horizon_s = 8 * 86400, .future_s = 86400, .keep_minutes = 8 * 1440, .keep_hours = 400 * 1440,
	.keep_mails = 8 * 1440, .max_mails = 500000,
};

struct last_line {		/* of one host in one feed, for "last message repeated" */
	char *p;
	uint32_t n, cap;
	struct slice now;	/* it is one of the lines that just came; NULL: it is p */
};

struct tag {
	const struct dialect *dialect;
	uint32_t note;		/* the dialect's own */
	uint16_t label;		/* hash of the instance's name */
	uint16_t program;	/* the tally's number */
	uint64_t hash;		/* of the text, for identity() */
	uint64_t first, last;	/* words of the text, see hash_tail() */
	uint8_t n;		/* 0: free */
	char text[47];
};

struct host_text {
	uint8_t n;		/* 0: free */
	char text[63];
	int host;
};

struct feed {
	struct ingest *in;
	struct state_source *src;
	struct header *header;
	struct host_text known[HOST_TEXTS];	/* hosts as they were printed */
	unsigned next_known;
	int host;		/* number of the last line's, -1: none yet */
	struct {		/* hosts by header.h's number for their text */
		uint32_t key;
		int host;
	} keyed[HOST_KEYS];
	int64_t written_at;	/* its lines are not later, if its clocks are right */
	int64_t told_at;	/* live: what its header takes for the time of day */
	int64_t ahead_s;	/* live: by how much a stamp without a year may be ahead of that; else 0 */
	bool resends;		/* who brings them may bring one again */
	uint32_t headless, misdated;	/* lines that wait for a time to be counted at */
	struct tag tag[TAGS];	/* what is known of tags, by a few of their bytes */
	struct last_line *last;
	size_t lasts;
	unsigned fresh[LINES_MAX];	/* hosts of which a line just came */
	unsigned n_fresh;
};

struct ingest {
	struct state *state;
	struct tally *tally;
	struct seen *seen;
	struct join *join;	/* pieces of lines, of all sources together */
	struct clocks *clocks;	/* of those whose lines arrive as they are written */
	struct flow flow;
	struct ingest_settings set;
	struct ingest_totals total;
	int64_t now, slow_at;
	uint64_t lines_committed;
	bool sampled;		/* gauges wait for the commit */
	uint64_t cut_told, homeless, forgotten, evicted[3];	/* what limits did since they were told */
};

static void joined(void *arg, const struct joined *w);

struct ingest *
ingest_open(const char *dir, const struct ingest_settings *set, struct err *e)
{
	struct ingest *in = xcalloc(1, sizeof *in);

	in->set = *set;
	in->now = (int64_t)time(NULL);
	if ((in->state = state_open(dir, e)) == NULL) {
		free(in);
		return NULL;
	}
	in->tally = in->flow.tally = tally_new();
	in->flow.tops = tops_new();
	in->flow.track = track_new(state_key(in->state), in->tally, state_fetch, in->state);
	in->seen = seen_new(state_seen_load, in->state);
	in->clocks = clocks_new(in->state);
	in->join = join_new(state_key(in->state), set->horizon_s, joined, in);
	if (!state_load(in->state, in->tally, in->flow.track, in->join, e)) {
		ingest_close(in);
		return NULL;
	}
	return in;
}

void
ingest_close(struct ingest *in)
{
	if (in == NULL)
		return;
	seen_free(in->seen);
	join_free(in->join);
	clocks_free(in->clocks);
	track_free(in->flow.track);
	tops_free(in->flow.tops);
	tally_free(in->tally);
	state_close(in->state);
	free(in);
}

struct state *
ingest_state(struct ingest *in)
{
	return in->state;
}

void
ingest_clock(struct ingest *in, int64_t now)
{
	in->now = now;
}

const struct ingest_totals *
ingest_totals(const struct ingest *in)
{
	return &in->total;
}

/* By which name the state knows it. */
static struct slice
host_name(const struct ingest *in, struct slice name)
{
	name = host_label(name);
	for (size_t i = 0; in->set.alias != NULL && in->set.alias[i][0] != NULL; i++)
		if (slice_eq(name, slice_of(in->set.alias[i][0])))
			return slice_of(in->set.alias[i][1]);
	return name.n > 0 ? name : SLICE("unknown");
}

static int
host_of(struct feed *f, struct slice name)
{
	struct host_text *k;

	for (k = f->known; k < f->known + HOST_TEXTS; k++)
		if (k->n == name.n && name.n > 0 && memcmp(k->text, name.p, name.n) == 0)
			return f->host = k->host;
	f->host = state_host(f->in->state, host_name(f->in, name));
	if (f->host >= 0 && name.n <= sizeof k->text) {
		k = &f->known[f->next_known++ % HOST_TEXTS];
		k->n = (uint8_t)name.n;
		k->host = f->host;
		memcpy(k->text, name.p, name.n);
	}
	return f->host;
}

/* Set f->host; false if there is no room for one more. */
static inline bool
find_host(struct feed *f, const struct line *l)
{
	uint32_t key = l->host_key;

	if (key != 0 && f->keyed[key % HOST_KEYS].key == key) {
		f->host = f->keyed[key % HOST_KEYS].host;
		return true;
	}
	if (host_of(f, l->host) < 0)
		return false;
	f->keyed[key % HOST_KEYS].key = key;
	f->keyed[key % HOST_KEYS].host = f->host;
	return true;
}

/* Lines that have no time of their own are counted where their neighbours are. Before the
 * first good line of a host that is not known: then, or when the source is done. */
static void
count_timeless(struct ingest *in, struct feed *f, int host, int64_t time)
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

	count_timeless(f->in, f, f->host >= 0 ? f->host : host_of(f, (struct slice){ "", 0 }),
	    f->in->now);
	for (size_t i = 0; i < f->lasts; i++) {
		size_t host = (i + 1 + (f->host > 0 ? (size_t)f->host : 0)) % f->lasts;
		const struct last_line *l = &f->last[host];

		if (l->n == 0 || memchr(l->p, '\0', l->n) != NULL)
			continue;
		if (b.n > 0)
			buf_char(&b, '\n');
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

/* Until keep_lines() where it lies, since soon another one may be that host's last. */
static inline void
remember_line(struct feed *f, unsigned host, struct slice raw)
{
	if (host >= f->lasts)
		more_lasts(f, host);
	if (f->last[host].now.p == NULL)
		f->fresh[f->n_fresh++] = host;
	f->last[host].now = raw;
}

static void
keep_lines(struct feed *f)
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

	while (all.n > 0) {
		if (!slice_cut(&all, '\n', &raw)) {
			raw = all;
			all.n = 0;
		}
		if (header_parse(f->header, raw, &l) == HEADER_LINE && host_of(f, l.host) >= 0)
			remember_line(f, (unsigned)f->host, raw);
		keep_lines(f);
	}
}

struct feed *
feed_open(struct ingest *in, struct state_source *src, const char *zone, int year,
    const char *host, int64_t now, struct err *e)
{
	struct feed *f = xcalloc(1, sizeof *f);

	f->in = in;
	f->src = src;
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

static inline void
look_at_clock(struct feed *f)
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

/* "last message repeated n times" is n times the line before of that host. */
static bool
resolve_repeat(struct feed *f, unsigned host, struct line *l)
{
	struct line before = *l;
	struct slice last = last_line(f, host);

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

static void
count_lines(struct ingest *in, unsigned host, int64_t time, enum metric m)
{
	tally_add(in->tally, host, time / 60, m, 1);
}

/* The instance is what stands before the service's name in the tag. */
static struct tag
look_at_tag(struct ingest *in, const struct line *l)
{
	ptrdiff_t slash = slice_rfind(l->tag, SLICE("/"));
	const struct dialect *d = dialect_of(l);

	return (struct tag){ .dialect = d,
	    .note = d != NULL && d->note != NULL ? d->note(l->tag) : 0, .label = (uint16_t)hash_bytes(&reader_key,
	    slice_head(l->tag, slash < 0 ? 0 : (size_t)slash)),
	    .program = (uint16_t)(d != NULL ? tally_program(in->tally, l->tag) : 0) };
}

/* The same few tags come again and again. */
static const struct tag *
tag_of(struct feed *f, const struct line *l)
{
	size_t n = l->tag.n;
	uint64_t first, last;
	struct tag *t;

	if (n == 0 || n > sizeof t->text) {
		f->tag[0] = look_at_tag(f->in, l);
		return &f->tag[0];
	}
	/* so that no two of Postfix's usual daemons meet */
	t = &f->tag[(n * 33 + (unsigned char)l->tag.p[n - 1] * 31u +
	    (unsigned char)l->tag.p[n * 2 / 3]) % TAGS];
	hash_tail(l->tag.p, n, &first, &last);
	if (t->n != n || t->first != first || t->last != last ||
	    (n > 16 && memcmp(t->text + 8, l->tag.p + 8, n - 16) != 0)) {
		*t = look_at_tag(f->in, l);
		t->hash = hash_bytes(state_key(f->in->state), l->tag);
		t->first = first;
		t->last = last;
		t->n = (uint8_t)n;
		memcpy(t->text, l->tag.p, n);
	}
	return t;
}

/* Of the two copies of a refusal that a program writes into one log (event.twin) the second
 * counts nothing. Its text may be followed by the message's header. */
static bool
is_second_twin(struct ingest *in, unsigned host, const struct line *l)
{
	struct slice rest = l->text, text;
	uint64_t hash = hash_u64(state_key(in->state), (uint64_t)l->time << 32 | l->pid);
	struct err e;

	if (!slice_cut(&rest, '\n', &text))
		text = rest;
	hash = hash_mix(hash, hash_bytes(state_key(in->state), text) | 1);
	return seen_nth(in->seen, host, l->time / 60, hash, &e) % 2 == 0;
}

/* What parse() said of a line. */
static inline void
count_answer(struct ingest *in, unsigned host, const struct tag *tag, const struct line *l, int n,
    int64_t *counts)
{
	if (n == DIALECT_FOREIGN) {
		in->total.foreign++;
		counts[M_foreign]++;
	} else if (n < 0) {
		in->total.unknown++;
		counts[M_unknown]++;
		tally_unknown(in->tally, host, l->time / 3600, tag->program);
		tops_unknown(in->flow.tops, host, l->time / 3600, l->tag, l->text);
	} else if (n == 0) {
		in->total.known++;
		counts[M_known]++;
	} else {
		in->total.events++;
	}
}

static inline void
tell_flow(struct ingest *in, unsigned host, const struct tag *tag, const struct line *l,
    struct event *ev, int n)
{
	if (n > 0 && ev[0].twin && is_second_twin(in, host, l))
		return;
	for (int i = 0; in->set.words != NULL && i < n; i++)
		siteword_apply(in->set.words, &ev[i]);
	for (int i = 0; i < n; i++)
		flow_event(&in->flow, host, tag->label, l->time, &ev[i], l->repeat);
}

static void
understand(struct ingest *in, const struct tag *tag, unsigned host, struct line *l,
    int64_t *counts)
{
	struct event ev[EVENTS_MAX];
	struct part part;
	int n;

	if (tag->dialect == NULL) {
		in->total.foreign++;
		counts[M_foreign]++;
		return;
	}
	l->note = tag->note;
	if (tag->dialect->part != NULL && l->repeat == 1 && !l->repeat_of_last &&
	    tag->dialect->part(l, &part)) {
		join_add(in->join, host, l, &part, 0, (struct slice){ NULL, 0 });
		return;
	}
	n = tag->dialect->parse(l, ev);
	count_answer(in, host, tag, l, n, counts);
	tell_flow(in, host, tag, l, ev, n);
}

/* A line whose pieces are together, or will never be: each piece is what the whole is. */
static void
joined(void *arg, const struct joined *w)
{
	struct ingest *in = arg;
	struct line l = w->line;
	struct tag tag = look_at_tag(in, &l);
	struct event ev[EVENTS_MAX];
	int n = -1;

	in->evicted[w->evicted] += w->pieces;
	for (size_t i = 0; w->evicted != JOIN_STAYED && i < w->pieces; i++)
		count_lines(in, w->host, w->piece[i].time, M_pieces_evicted);
	l.note = tag.note;
	if (tag.dialect == NULL)
		n = DIALECT_FOREIGN;	/* of an earlier release */
	else if (w->whole)
		n = tag.dialect->parse(&l, ev);
	for (size_t i = 0; i < w->pieces; i++)
		count_answer(in, w->host, &tag, &l, n,
		    tally_counts(in->tally, w->host, w->piece[i].time / 60));
	tell_flow(in, w->host, &tag, &l, ev, n);
}

void
ingest_end(struct ingest *in)
{
	join_end(in->join, false);
	in->total.waiting = join_waiting(in->join);
}

static bool
timeless(struct ingest *in, struct feed *f)
{
	if (f->host >= 0 && f->src->newest != 0 && state_newest(in->state)[f->host] != 0)
		count_timeless(in, f, f->host, state_newest(in->state)[f->host]);
	return true;
}

static bool
headless(struct ingest *in, struct feed *f)
{
	in->total.unknown++;
	f->headless++;
	return timeless(in, f);
}

static bool
out_of_bounds(const struct ingest *in, const struct feed *f, unsigned host, int64_t time)
{
	int64_t newest = state_newest(in->state)[host];
	int64_t now = in->now > f->written_at ? in->now : f->written_at;

	return time < 60 || (newest != 0 && time < newest - in->set.horizon_s) ||
	    (in->set.future_s > 0 && time > now + in->set.future_s);
}

/* The identity of a line but for its host: whole second, tag, text. Not the process id, which
 * is another or missing where a relay or the journal knows better. */
static inline uint64_t
identity(const struct ingest *in, const struct tag *tag, const struct line *l)
{
	const struct hash_key *key = state_key(in->state);
	uint64_t hash = hash_u64(key, (uint64_t)l->time);
	struct slice rest = l->ident;
	size_t n = l->tag.n, end;
	bool tagged = rest.p == l->tag.p;	/* else it was told by the text */

	if (l->repeat_of_last)
		hash += l->repeat * 2 + 1;
	if (!tagged)
		for (n = 0; n < rest.n && rest.p[n] != ' ' && rest.p[n] != ':' && rest.p[n] != '['; n++)
			;
	hash = hash_mix(hash, (tagged && tag->n == n && rest.n >= n ? tag->hash :
	    hash_bytes(key, slice_head(rest, n))) | 1);
	if (l->behind.p != NULL)
		return hash_mix(hash, hash_bytes(key, l->behind) | 1);
	rest = slice_from(rest, n);
	if (rest.n > 0 && rest.p[0] == '[') {
		for (end = 1; end < rest.n && slice_is_digit(rest.p[end]); end++)
			;
		if (end < rest.n && rest.p[end] == ']')
			rest = slice_from(rest, end + 1);
	}
	return hash_mix(hash, hash_bytes(key, rest) | 1);
}

/* 1: it was not there before, or stamps of seconds cannot tell; 0: its sender sends it again; -1: *e.
 * No program logs the same twice in a microsecond, so that neither the order in which such
 * lines come nor how late they do matters. */
static int
first_sent(struct ingest *in, const struct feed *f, unsigned host, const struct line *l,
    uint64_t hash, struct err *e)
{
	uint32_t nth;

	if (!f->resends || l->usec == 0)
		return 1;
	nth = seen_nth(in->seen, host, l->time / 60,
	    hash_mix(hash, hash_u64(state_key(in->state),
	    ((uint64_t)f->src->family << 20 | l->usec) ^ (uint64_t)l->pid << 32) | 1), e);
	return nth == 0 ? -1 : nth == 1;
}

/* Take one line in. */
static bool
take(struct ingest *in, struct feed *f, struct slice raw, bool cut, struct err *e)
{
	enum header_answer answer;
	const struct tag *tag;
	struct line l;
	uint64_t hash;
	int64_t *counts;
	unsigned host;
	bool lost = false;
	int new;

	answer = header_parse(f->header, raw, &l);
	if (answer == HEADER_MORE)
		return true;
	in->total.lines++;
	f->src->lines++;
	if (answer == HEADER_NONE)
		return headless(in, f);
	if (!find_host(f, &l)) {
		in->homeless++;
		return headless(in, f);
	}
	host = (unsigned)f->host;
	if (f->ahead_s != 0 && !l.stampless)
		clocks_line(in->clocks, host, l.time, in->now);
	if (out_of_bounds(in, f, host, l.time)) {
		in->total.too_late++;
		f->misdated++;
		return timeless(in, f);
	}
	count_timeless(in, f, f->host, l.time);
	if (f->src->oldest == 0)
		state_source_begins(in->state, f->src, l.time);
	if (l.time > f->src->newest)
		f->src->newest = l.time;
	state_host_line(in->state, host, l.time);
	if (join_waiting(in->join) > 0)
		join_time(in->join, l.time);
	if (l.repeat_of_last)
		lost = !resolve_repeat(f, host, &l);
	else if (!l.goes_on)	/* after a restart that one says whose such a line is */
		remember_line(f, host, raw);
	tag = tag_of(f, &l);
	hash = identity(in, tag, &l);
	new = first_sent(in, f, host, &l, hash, e);
	if (new > 0)
		new = seen_line(in->seen, host, l.time / 60, f->src->family, hash, e);
	if (new <= 0) {
		in->total.copies += new == 0;
		if (new == 0)
			count_lines(in, host, l.time, M_copies);
		return new == 0;
	}
	counts = tally_counts(in->tally, host, l.time / 60);
	counts[M_lines]++;
	if (cut) {
		in->total.cut++;
		counts[M_cut]++;
	}
	if (tag->dialect != NULL)
		tally_line(in->tally, host, l.time / 3600, tag->program);
	if (lost) {
		in->total.unknown++;
		counts[M_unknown]++;
		counts[M_repeat_lost]++;
		return true;
	}
	understand(in, tag, host, &l, counts);
	return true;
}

bool
ingest_lines(struct ingest *in, struct feed *f, const struct slice *raw, size_t n, bool cut,
    struct err *e)
{
	bool good = true;

	f->src->changed = true;
	look_at_clock(f);
	for (size_t i = 0; good && i < n; ) {
		size_t end = n - i > LINES_MAX ? i + LINES_MAX : n;

		if (end > i + 1)
			header_within(f->header, (struct slice){ raw[i].p,
			    (size_t)(raw[end - 1].p - raw[i].p) + raw[end - 1].n });
		for (; good && i < end; i++)
			good = take(in, f, raw[i], cut && i + 1 == n, e);
		keep_lines(f);
	}
	header_within(f->header, (struct slice){ "", 0 });
	return good;
}

bool
ingest_line(struct ingest *in, struct feed *f, struct slice raw, bool cut, struct err *e)
{
	return ingest_lines(in, f, &raw, 1, cut, e);
}

void
ingest_count(struct ingest *in, const char *host, enum metric m, int64_t n)
{
	int number = n > 0 ? state_host(in->state, host_name(in, slice_of(host))) : -1;

	if (number < 0)
		return;
	if (!metric_sampled(m))	/* a level is no sign of a log */
		state_host_line(in->state, (unsigned)number, in->now);
	tally_add(in->tally, (unsigned)number, in->now / 60, m, n);
	if (m == M_q_samples) {
		state_set_sampled(in->state, (unsigned)number, in->now);
		in->sampled = true;
	}
}

bool
ingest_full(const struct ingest *in)
{
	return in->total.lines - in->lines_committed >= COMMIT_LINES ||
	    tally_cells(in->tally) >= COMMIT_CELLS ||
	    track_mails(in->flow.track) > in->set.max_mails + in->set.max_mails / 4;
}

uint64_t
ingest_uncommitted(const struct ingest *in)
{
	return in->total.lines - in->lines_committed;
}

bool
ingest_dirty(const struct ingest *in)
{
	return ingest_uncommitted(in) > 0 || in->sampled;
}

static void
tell_limits(struct ingest *in)
{
	size_t mails = track_mails(in->flow.track), max = in->set.max_mails;
	size_t waiting = join_waiting(in->join);
	const struct { const char *name; uint64_t used, cap, hits; } limits[] = {
		{ "open_mails", mails, max, mails > max ? mails - max : 0 },
		{ "mail_age", 0, 0, in->forgotten },
		{ "hosts", state_hosts(in->state), HOSTS_MAX, in->homeless },
		{ "line_bytes", 0, LINE_MAX_BYTES, in->total.cut - in->cut_told },
		{ "pieces", waiting, JOIN_PIECES, in->evicted[JOIN_MANY] },
		{ "piece_bytes", join_bytes(in->join), JOIN_BYTES, in->evicted[JOIN_BIG] },
	};

	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
		state_limit(in->state, limits[i].name, (int64_t)limits[i].used,
		    (int64_t)limits[i].cap, (int64_t)limits[i].hits, in->now);
	in->cut_told = in->total.cut;
	in->homeless = in->forgotten = 0;
	memset(in->evicted, 0, sizeof in->evicted);
}

bool
ingest_commit(struct ingest *in, bool last, struct err *e)
{
	bool slow = last || in->now - in->slow_at >= SLOW_S;
	bool bulk = in->total.lines - in->lines_committed > COMMIT_LINES / 10;
	bool crowded = track_mails(in->flow.track) > in->set.max_mails;	/* or nothing more would be read */
	struct commit c = {
		.tally = in->tally, .seen = in->seen, .track = in->flow.track,
		.join = in->join,
		.tops = in->flow.tops, .now = in->now, .with_tops = slow, .put_away = slow || bulk || crowded,
		.quiet_s = QUIET_S, .idle = bulk ? IDLE_EVENTS : IDLE_EVENTS_LIVE,
		.max_mails = in->set.max_mails, .keep_minutes = in->set.keep_minutes,
		.keep_hours = in->set.keep_hours, .keep_mails = in->set.keep_mails,
		.keep_undrawn = in->set.draws,
	};

	tell_limits(in);
	if (!state_commit(in->state, &c, e))
		return false;
	in->lines_committed = in->total.lines;
	in->sampled = false;
	if (bulk)
		tops_rest(in->flow.tops);
	for (unsigned h = 0; slow && h < state_hosts(in->state); h++) {
		uint32_t n = state_forgotten(in->state, h);

		in->forgotten += n;
		if (n > 0)
			tally_add(in->tally, h, state_newest(in->state)[h] / 60, M_evicted, n);
	}
	if (slow)
		in->slow_at = in->now;
	return true;
}
