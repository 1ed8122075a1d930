/* ingest.c - see ingest.h. */
#include "ingest_priv.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dialect/dialect.h"
#include "flow/accounts.h"
#include "flow/hide.h"
#include "flow/origin.h"
#include "mem.h"

#include "poison.h"

enum {
	COMMIT_LINES = 200000,		/* between commits of an import: with more it needs more than 64 MB */
	COMMIT_CELLS = 10000,		/* 2 to 4 KB each, and what top tables have of them */
	IDLE_EVENTS = 20000,		/* a mail not spoken of for so many may leave */
	IDLE_EVENTS_LIVE = 2000,
	QUIET_S = 15 * 60,
	SLOW_S = 60			/* top tables and clean-up */
};

const struct ingest_settings ingest_defaults = {
	.horizon_s = 8 * 86400, .future_s = 86400, .keep_minutes = 8 * 1440, .keep_hours = 400 * 1440,
	.keep_mails = 8 * 1440, .keep_accounts = 35 * 1440, .keep_sources = 100 * 1440, .max_mails = 500000,
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
	in->tally = in->flow.tally = tally_new(state_key(in->state));
	in->flow.tops = tops_new();
	in->flow.specimens = specimens_new();
	in->flow.track = track_new(state_key(in->state), in->tally, state_fetch, in->state);
	in->seen = seen_new(state_seen_load, in->state);
	in->clocks = clocks_new(in->state);
	in->join = join_new(state_key(in->state), set->horizon_s, joined, in);
	if (set->hash_addresses)
		in->pseudonyms = pseudonyms_open(dir, true, e);
	if ((set->hash_addresses && in->pseudonyms == NULL) ||
	    !state_load(in->state, in->tally, in->flow.track, in->join, e)) {
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
	specimens_free(in->flow.specimens);
	tally_free(in->tally);
	pseudonyms_free(in->pseudonyms);
	arena_free(&in->hidden);
	state_close(in->state);
	free(in);
}

struct state *
ingest_state(struct ingest *in)
{
	return in->state;
}

/* Our clock was ahead. */
static void
take_back(struct ingest *in, int64_t after)
{
	join_disown(in->join, after);
	in->era++;
	state_disown(in->state, after, in->now);
}

static void
look_at_clock(struct ingest *in)
{
	int64_t at;

	in->looked = true;
	switch (state_clock(in->state, in->now, in->set.future_s, &at)) {
	case CLOCK_JUMPED:
		clocks_jumped(at, in->now);
		break;
	case CLOCK_BACK:
		clocks_back(in->now, at);
		take_back(in, at);
		break;
	case CLOCK_SURE: case CLOCK_AS_EVER:
		break;
	}
}

void
ingest_clock(struct ingest *in, int64_t now)
{
	if (in->looked && in->now == now)
		return;
	in->now = now;
	look_at_clock(in);
}

const struct ingest_totals *
ingest_totals(const struct ingest *in)
{
	return &in->total;
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

static inline bool
is_tag(const struct tag *t, struct slice text, uint64_t first, uint64_t last)
{
	return t->first == first && t->last == last && t->n == text.n &&
	    (text.n <= 16 || memcmp(t->text + 8, text.p + 8, text.n - 16) == 0);
}

/* A tag is kept in one of the two places from t on, the newer one first. */
static __attribute__((noinline)) const struct tag *
new_tag(struct feed *f, const struct line *l, struct tag *t, uint64_t first, uint64_t last)
{
	t[1] = t[0];
	t[0] = look_at_tag(f->in, l);
	if (l->tag.n == 0 || l->tag.n > sizeof t->text)
		return t;	/* found by nobody: its n is 0 */
	t->hash = hash_bytes(state_key(f->in->state), l->tag);
	t->first = first;
	t->last = last;
	t->n = (uint8_t)l->tag.n;
	memcpy(t->text, l->tag.p, l->tag.n);
	return t;
}

/* The same few tags come again and again. */
static inline const struct tag *
tag_of(struct feed *f, const struct line *l)
{
	uint64_t first, last;
	struct tag *t;

	hash_tail(l->tag.p, l->tag.n, &first, &last);
	t = &f->tag[((first ^ last) * 0x9e3779b97f4a7c15u >> 58) % (TAGS / 2) * 2];
	if (l->tag.n > 0 && is_tag(t, l->tag, first, last))
		return t;
	if (l->tag.n > 0 && is_tag(t + 1, l->tag, first, last))
		return t + 1;
	return new_tag(f, l, t, first, last);
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

static __attribute__((noinline)) void
show_unknown(struct ingest *in, unsigned host, const struct line *l)
{
	struct buf hidden = buf_new(2 * LINE_MAX_BYTES);

	if (in->pseudonyms != NULL)
		pseudonyms_text(in->pseudonyms, l->text, &hidden);
	tops_unknown(in->flow.tops, host, l->time / 3600, l->tag,
	    in->pseudonyms != NULL ? buf_slice(&hidden) : l->text);
	buf_free(&hidden);
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
		show_unknown(in, host, l);
	} else if (n == 0) {
		in->total.known++;
		counts[M_known]++;
	} else {
		in->total.events++;
	}
}

/* What the site wants to be seen otherwise than the log says. */
static __attribute__((noinline)) void
change_events(struct ingest *in, struct event *ev, int n)
{
	for (int i = 0; in->set.words != NULL && i < n; i++)
		siteword_apply(in->set.words, &ev[i]);
	for (int i = 0; in->pseudonyms != NULL && i < n; i++)
		hide_event(in->pseudonyms, &ev[i], &in->hidden);
}

static inline void
tell_flow(struct ingest *in, unsigned host, const struct tag *tag, const struct line *l,
    struct event *ev, int n, uint64_t hash)
{
	if (n <= 0 || (ev[0].twin && is_second_twin(in, host, l)))
		return;
	if (in->set.words != NULL || in->pseudonyms != NULL)
		change_events(in, ev, n);
	for (int i = 0; i < n; i++)
		flow_event(&in->flow, host, tag->label, l->time, &ev[i], l->repeat, hash);
	if (in->hidden.last != NULL)
		arena_free(&in->hidden);
}

static void
understand(struct ingest *in, const struct tag *tag, unsigned host, struct line *l,
    int64_t *counts, uint64_t hash)
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
	tell_flow(in, host, tag, l, ev, n, hash);
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
	tell_flow(in, w->host, &tag, &l, ev, n, hash_bytes(state_key(in->state), l.text) ^
	    hash_u64(state_key(in->state), (uint64_t)l.time));
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
		feed_count_timeless(in, f, f->host, state_newest(in->state)[f->host]);
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
	int64_t from = state_back_from(in->state, host);
	int64_t now = in->now > f->written_at ? in->now : f->written_at;

	return time < 60 || (from != 0 && time < from - in->set.horizon_s) ||
	    (in->set.future_s > 0 && time > now + in->set.future_s);
}

/* A line of another second than the host's line before. False: it is out of bounds. */
static __attribute__((noinline)) bool
new_second(struct ingest *in, struct feed *f, unsigned host, int64_t time)
{
	if (out_of_bounds(in, f, host, time))
		return false;
	if (f->src->oldest == 0)
		state_source_begins(in->state, f->src, time);
	if (time > f->src->newest)
		f->src->newest = time;
	state_host_line(in->state, host, time);
	f->second[host % SECONDS] = (struct second){ time, time / 60, time / 3600, host + 1 };
	return true;
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
	const struct second *at;
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
	if (!feed_host(f, &l)) {
		in->homeless++;
		return headless(in, f);
	}
	host = (unsigned)f->host;
	if (f->ahead_s != 0 && !l.stampless)
		clocks_line(in->clocks, host, l.time, in->now);
	at = &f->second[host % SECONDS];
	if ((at->time != l.time || at->host1 != host + 1) && !new_second(in, f, host, l.time)) {
		in->total.too_late++;
		f->misdated++;
		return timeless(in, f);
	}
	feed_count_timeless(in, f, f->host, l.time);
	if (l.repeat_of_last)
		lost = !feed_repeat(f, host, &l);
	else if (!l.goes_on)	/* after a restart that one says whose such a line is */
		feed_remember_line(f, host, raw);
	tag = tag_of(f, &l);
	hash = identity(in, tag, &l);
	new = first_sent(in, f, host, &l, hash, e);
	if (new > 0)
		new = seen_line(in->seen, host, at->minute, f->src->family, hash, e);
	if (new <= 0) {
		in->total.copies += new == 0;
		if (new == 0)
			count_lines(in, host, l.time, M_copies);
		return new == 0;
	}
	if (join_waiting(in->join) > 0)	/* a copy would confirm its own stamp */
		join_time(in->join, host, l.time);
	counts = tally_counts(in->tally, host, at->minute);
	counts[M_lines]++;
	if (cut) {
		in->total.cut++;
		counts[M_cut]++;
	}
	if (tag->dialect != NULL)
		tally_line(in->tally, host, at->hour, tag->program);
	if (lost) {
		in->total.unknown++;
		counts[M_unknown]++;
		counts[M_repeat_lost]++;
		return true;
	}
	understand(in, tag, host, &l, counts, hash);
	return true;
}

bool
ingest_lines(struct ingest *in, struct feed *f, const struct slice *raw, size_t n, bool cut,
    struct err *e)
{
	bool good = true;

	f->src->changed = true;
	if (!in->looked)
		look_at_clock(in);
	if (f->era != in->era)
		feed_new_era(f);
	feed_look_at_clock(f);
	for (size_t i = 0; good && i < n; ) {
		size_t end = n - i > LINES_MAX ? i + LINES_MAX : n;

		if (end > i + 1)
			header_within(f->header, (struct slice){ raw[i].p,
			    (size_t)(raw[end - 1].p - raw[i].p) + raw[end - 1].n });
		for (; good && i < end; i++)
			good = take(in, f, raw[i], cut && i + 1 == n, e);
		feed_keep_lines(f);
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
	int number = n > 0 ? state_host(in->state, ingest_host_name(in, slice_of(host))) : -1;

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
	    tally_cells(in->tally) >= COMMIT_CELLS || specimens_full(in->flow.specimens) ||
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
		{ "list_health", 0, CELL_LISTS, tally_left_out(in->tally) },
		{ "accounts", 0, ACCOUNTS_MAX, accounts_dropped(tally_accounts(in->tally)) },
		{ "piece_bytes", join_bytes(in->join), JOIN_BYTES, in->evicted[JOIN_BIG] },
	};

	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
		state_limit(in->state, limits[i].name, (int64_t)limits[i].used,
		    (int64_t)limits[i].cap, (int64_t)limits[i].hits, in->now);
	in->cut_told = in->total.cut;
	in->homeless = in->forgotten = 0;
	memset(in->evicted, 0, sizeof in->evicted);
}

/* For tell_limits(), how many mails were forgotten with a commit. Was there any? */
static bool
any_gone(struct ingest *in)
{
	uint64_t before = in->forgotten;

	for (unsigned h = 0; h < state_hosts(in->state); h++)
		in->forgotten += (uint64_t)state_gone(in->state, h);
	return in->forgotten > before;
}

/* *more: there is something left for another commit, which at the end has to follow. */
static bool
commit(struct ingest *in, bool last, bool *more, struct err *e)
{
	/* a clock that was set back must not let it wait until it is as late again */
	bool slow = last || state_disowning(in->state) || in->now - in->slow_at >= SLOW_S ||
	    in->now < in->slow_at;
	uint64_t lines = in->total.lines - in->lines_committed;
	bool bulk = lines > COMMIT_LINES / 10;
	bool much = lines >= COMMIT_LINES / 2 || tally_cells(in->tally) >= COMMIT_CELLS / 2;
	bool crowded = track_mails(in->flow.track) > in->set.max_mails;	/* or nothing more would be read */
	struct commit c = {
		.tally = in->tally, .seen = in->seen, .track = in->flow.track,
		.join = in->join,
		.tops = in->flow.tops,
		.specimens = slow || bulk || specimens_full(in->flow.specimens) ? in->flow.specimens : NULL,
		.now = in->now, .slow = slow, .with_tables = slow || much,
		.put_away = slow || bulk || crowded,
		.quiet_s = QUIET_S, .idle = bulk ? IDLE_EVENTS : IDLE_EVENTS_LIVE,
		.max_mails = in->set.max_mails, .keep_minutes = in->set.keep_minutes,
		.keep_hours = in->set.keep_hours, .keep_mails = in->set.keep_mails,
		.keep_accounts = in->set.keep_accounts, .keep_sources = in->set.keep_sources,
		.keep_undrawn = in->set.draws, .horizon = in->set.horizon_s / 60,
	};

	tell_limits(in);
	if (!state_commit(in->state, &c, e))
		return false;
	in->lines_committed = in->total.lines;
	in->sampled = false;
	*more = any_gone(in);
	*more = state_old_left(in->state) || *more;
	if (slow)
		in->slow_at = in->now;
	return true;
}

bool
ingest_commit(struct ingest *in, bool last, struct err *e)
{
	bool more;

	if (!in->looked)
		look_at_clock(in);
	do {
		if (!commit(in, last, &more, e))
			return false;
	} while (last && more);	/* nobody commits after it: what it found would be lost, or not be drawn */
	return true;
}
