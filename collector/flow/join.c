/* join.c - see join.h.
 *
 * What is known of one cut line is a group. Groups hang in a table by a hash of what their
 * pieces have in common, in a list as they came, and in one of two queues of their host by the
 * time at which they are given up: those that may be whole wait seconds, those that lack a
 * piece for certain much longer. A queue is a heap, lest stamps that fall make it slow.
 * The clock of a host is what two of its lines in a row have passed since anything of it waits,
 * so that one stamp that is wrong moves it nowhere. It is stored, and a restart changes
 * nothing. */
#include "flow/join.h"

#include <stdlib.h>

#include "buf.h"
#include "mem.h"

#include "poison.h"

enum {
	TOGETHER_S = 5, PATIENCE_S = 10,
	SLOTS = 4096, HOST_SLOTS = 1024,
	SAME_MAX = 8,			/* groups of one key: more, and the oldest leaves */
	TEXT_MAX = 65536,		/* of a whole line */
	PIECE_COST = 192,		/* bytes that a piece takes beside its texts */
	HOST_BYTES = 3 * VARINT_BYTES	/* of a clock on disk */
};

struct piece {
	struct piece *next;		/* of its group, in order */
	uint64_t number;
	int64_t time, deadline;
	uint64_t mark;
	uint32_t usec;
	unsigned n, of;
	bool first, more, newline, own, goes_on;
	struct slice host, tag, key, line, raw;	/* behind the struct */
	size_t at, text_n;		/* the piece's text in that of its line */
};

struct group {
	struct group *next_same;	/* in its slot */
	struct group *older, *newer;	/* of all, as they came */
	size_t place;			/* in its queue */
	uint64_t hash, number;		/* number: of the piece that came first */
	int64_t time, deadline;		/* of the piece that came first */
	unsigned host;
	uint32_t pid;
	bool numbered;
	struct piece *piece;
	size_t pieces, text;
};

struct queue {
	struct group **at;	/* a heap: the first is given up first */
	size_t n, cap;
};

/* A host of which something waits. INT64_MIN: not known. */
struct host {
	struct host *next;		/* in its slot */
	unsigned id;
	int64_t clock, line;		/* line: of which time its last one was */
	struct queue queue[2];		/* not numbered, numbered */
};

struct join {
	struct hash_key key;
	int64_t lasting_s;
	join_done_fn *done;
	void *arg;
	struct group *slot[SLOTS];
	struct group *oldest, *newest;
	struct host *host[HOST_SLOTS];
	bool clocks_changed;
	size_t pieces, bytes;
	unsigned evicts;	/* what joined.evicted says */
	uint64_t next, stored;		/* numbers of pieces; below stored they are on disk */
	uint64_t *gone;			/* of those on disk, what waits no more */
	size_t gone_n, gone_cap;
	struct buf text;
	struct join_piece *out;
	size_t out_cap;
};

struct join *
join_new(const struct hash_key *key, int64_t lasting_s, join_done_fn *done, void *arg)
{
	struct join *j = xcalloc(1, sizeof *j);

	j->key = *key;
	j->lasting_s = lasting_s;
	j->done = done;
	j->arg = arg;
	j->next = j->stored = 1;	/* 0 is the clocks' */
	j->text = buf_new((JOIN_PIECES + 1) * HOST_BYTES);
	return j;
}

static void
group_free(struct group *g)
{
	for (struct piece *p = g->piece, *next; p != NULL; p = next) {
		next = p->next;
		free(p);
	}
	free(g);
}

static void
host_free(struct host *h)
{
	free(h->queue[0].at);
	free(h->queue[1].at);
	free(h);
}

void
join_free(struct join *j)
{
	if (j == NULL)
		return;
	for (struct group *g = j->oldest, *next; g != NULL; g = next) {
		next = g->newer;
		group_free(g);
	}
	for (size_t i = 0; i < HOST_SLOTS; i++) {
		for (struct host *h = j->host[i], *next; h != NULL; h = next) {
			next = h->next;
			host_free(h);
		}
	}
	free(j->gone);
	free(j->out);
	buf_free(&j->text);
	free(j);
}

size_t
join_bytes(const struct join *j)
{
	return j->bytes;
}

size_t
join_waiting(const struct join *j)
{
	return j->pieces;
}

static struct slice
text_of(const struct piece *p)
{
	return slice_head(slice_from(p->line, p->at), p->text_n);
}

/* --- hosts ------------------------------------------------------------------------------ */

/* Where it is pointed to, or NULL stands. */
static struct host **
find_host(struct join *j, unsigned id)
{
	struct host **at = &j->host[id % HOST_SLOTS];

	while (*at != NULL && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

static struct host *
host_of(struct join *j, unsigned id, int64_t line)
{
	struct host **at = find_host(j, id);

	if (*at == NULL) {
		*at = xmalloc(sizeof **at);
		**at = (struct host){ .id = id, .clock = INT64_MIN, .line = line };
		j->clocks_changed = true;
	}
	return *at;
}

/* It is not known what time it is when nothing waits. */
static void
drop_host(struct join *j, struct host **at)
{
	struct host *h = *at;

	if (h->queue[0].n + h->queue[1].n > 0)
		return;
	*at = h->next;
	host_free(h);
	j->clocks_changed = true;
}

/* --- queues ----------------------------------------------------------------------------- */

static bool
is_sooner(const struct group *a, const struct group *b)
{
	return a->deadline != b->deadline ? a->deadline < b->deadline : a->number < b->number;
}

static void
put_at(struct queue *q, size_t place, struct group *g)
{
	q->at[place] = g;
	g->place = place;
}

/* Put g into the queue, where nothing is at that place. */
static void
settle(struct queue *q, struct group *g, size_t place)
{
	size_t next;

	for (; place > 0 && is_sooner(g, q->at[(place - 1) / 2]); place = (place - 1) / 2)
		put_at(q, place, q->at[(place - 1) / 2]);
	for (; (next = 2 * place + 1) < q->n; place = next) {
		if (next + 1 < q->n && is_sooner(q->at[next + 1], q->at[next]))
			next++;
		if (!is_sooner(q->at[next], g))
			break;
		put_at(q, place, q->at[next]);
	}
	put_at(q, place, g);
}

static void
enqueue(struct queue *q, struct group *g)
{
	if (q->n == q->cap) {
		q->cap = q->cap * 2 + 2;
		q->at = xreallocarray(q->at, q->cap, sizeof(struct group *));
	}
	settle(q, g, q->n++);
}

static void
dequeue(struct queue *q, const struct group *g)
{
	struct group *last = q->at[--q->n];

	if (last != g)
		settle(q, last, g->place);
}

/* --- groups ---------------------------------------------------------------------------- */

static size_t
cost(const struct piece *p)
{
	return PIECE_COST + p->host.n + p->tag.n + p->key.n + p->line.n + p->raw.n;
}

static void
unlink_group(struct join *j, struct group *g)
{
	struct host **host = find_host(j, g->host);
	struct group **at = &j->slot[g->hash % SLOTS];

	while (*at != g)
		at = &(*at)->next_same;
	*at = g->next_same;
	*(g->older != NULL ? &g->older->newer : &j->oldest) = g->newer;
	*(g->newer != NULL ? &g->newer->older : &j->newest) = g->older;
	dequeue(&(*host)->queue[g->numbered], g);
	drop_host(j, host);
	for (const struct piece *p = g->piece; p != NULL; p = p->next) {
		j->bytes -= cost(p);
		if (p->number >= j->stored)
			continue;
		if (j->gone_n == j->gone_cap) {
			j->gone_cap = j->gone_cap * 2 + 64;
			j->gone = xreallocarray(j->gone, j->gone_cap, sizeof *j->gone);
		}
		j->gone[j->gone_n++] = p->number;
	}
	j->pieces -= g->pieces;
}

static void
hand_out(struct join *j, const struct group *g, const struct piece *p, struct slice text,
    size_t from, size_t pieces, bool whole)
{
	const struct joined w = { .host = g->host, .whole = whole, .evicted = j->evicts, .piece = j->out + from,
		.pieces = pieces, .line = { .time = p->time, .usec = p->usec, .host = p->host,
		.tag = p->tag, .pid = g->pid, .repeat = 1, .own = p->own, .goes_on = p->goes_on,
		.text = text, .ident = text } };

	j->done(j->arg, &w);
}

/* Hand it out, and forget it. A rest whose beginning never came is as it stood. */
static void
finish(struct join *j, struct group *g, bool whole)
{
	bool apart = !g->numbered && !g->piece->first;
	size_t i = 0;

	unlink_group(j, g);
	if (g->pieces > j->out_cap) {
		j->out_cap = g->pieces;
		j->out = xreallocarray(j->out, j->out_cap, sizeof *j->out);
	}
	buf_clear(&j->text);
	for (const struct piece *p = g->piece; p != NULL; p = p->next) {
		buf_add(&j->text, text_of(p));
		if (p->newline && p->next != NULL)
			buf_char(&j->text, '\n');
		j->out[i] = (struct join_piece){ p->time, p->mark, p->raw };
		if (apart)
			hand_out(j, g, p, p->line, i, 1, true);
		i++;
	}
	if (!apart)
		hand_out(j, g, g->piece, buf_slice(&j->text), 0, i, whole);
	group_free(g);
}

/* It will not get better: whole if it does not lack a piece for certain. */
static void
give_up(struct join *j, struct group *g)
{
	finish(j, g, !g->numbered);
}

static bool
is_complete(const struct group *g)
{
	const struct piece *last = g->piece;

	if (!g->numbered && !last->first)
		return false;
	while (last->next != NULL)
		last = last->next;
	if (!g->numbered)
		return !last->more;
	return last->of != 0 ? g->pieces == last->of : !last->more && g->pieces == last->n;
}

static bool
earlier(const struct piece *a, const struct piece *b)
{
	return a->time != b->time ? a->time < b->time : a->usec < b->usec;
}

/* Does the group lack this piece? A beginning is not later than what follows it. */
static bool
lacks(const struct group *g, const struct piece *new)
{
	for (const struct piece *p = g->piece; p != NULL; p = p->next) {
		if (g->numbered ? p->n == new->n : p->first && new->first)
			return false;
		if (!g->numbered && ((p->first && earlier(new, p)) || (new->first && earlier(p, new))))
			return false;
	}
	return true;
}

/* The group that a piece belongs to, the nearest in time of those that lack it; or NULL. */
static struct group *
find(struct join *j, uint64_t hash, const struct piece *new)
{
	struct group *best = NULL;
	int64_t nearest = TOGETHER_S + 1;

	for (struct group *g = j->slot[hash % SLOTS]; g != NULL; g = g->next_same) {
		int64_t far = new->time > g->time ? new->time - g->time : g->time - new->time;

		if (g->hash == hash && far < nearest && lacks(g, new)) {
			nearest = far;
			best = g;
		}
	}
	return best;
}

/* A second beginning: what began before it gets nothing more. */
static void
close_same(struct join *j, uint64_t hash, bool numbered, int64_t time)
{
	struct group *g, *next, *last = NULL;
	unsigned n = 0;

	for (g = j->slot[hash % SLOTS]; g != NULL; g = next) {
		next = g->next_same;
		if (g->hash != hash)
			continue;
		if (!numbered && g->piece->first && g->time <= time) {
			give_up(j, g);
			continue;
		}
		n++;
		last = g;	/* new ones are put in front */
	}
	if (n >= SAME_MAX)
		give_up(j, last);
}

static struct group *
group_new(struct join *j, unsigned host, uint32_t pid, uint64_t hash, const struct piece *p)
{
	struct group *g = xcalloc(1, sizeof *g), **slot = &j->slot[hash % SLOTS];

	*g = (struct group){ .next_same = *slot, .older = j->newest, .hash = hash,
		.number = p->number, .time = p->time, .deadline = p->deadline, .host = host,
		.pid = pid, .numbered = p->n != 0 };
	*slot = g;
	*(j->newest != NULL ? &j->newest->newer : &j->oldest) = g;
	j->newest = g;
	enqueue(&host_of(j, host, p->time)->queue[g->numbered], g);
	return g;
}

static bool
before(const struct piece *a, const struct piece *b)
{
	if (a->n != b->n)
		return a->n < b->n;
	return a->first != b->first ? a->first : earlier(a, b);
}

static void
put_piece(struct join *j, struct group *g, struct piece *new)
{
	struct piece **at = &g->piece;

	while (*at != NULL && !before(new, *at))
		at = &(*at)->next;
	new->next = *at;
	*at = new;
	g->pieces++;
	g->text += new->text_n + 1;
	j->pieces++;
	j->bytes += cost(new);
}

static void
make_room(struct join *j)
{
	while (j->pieces > JOIN_PIECES || j->bytes > JOIN_BYTES) {
		j->evicts = j->pieces > JOIN_PIECES ? JOIN_MANY : JOIN_BIG;
		give_up(j, j->oldest);
		j->evicts = JOIN_STAYED;
	}
}

/* --- pieces ------------------------------------------------------------------------------ */

static struct slice
copy(char **at, struct slice s)
{
	char *p = *at;

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	*at += s.n;
	return (struct slice){ p, s.n };
}

static struct piece *
piece_new(const struct piece *from)
{
	struct piece *p = xmalloc(sizeof *p + from->host.n + from->tag.n + from->key.n +
	    from->line.n + from->raw.n);
	char *at = (char *)(p + 1);

	*p = *from;
	p->host = copy(&at, from->host);
	p->tag = copy(&at, from->tag);
	p->key = copy(&at, from->key);
	p->line = copy(&at, from->line);
	p->raw = copy(&at, from->raw);
	return p;
}

static void
take(struct join *j, unsigned host, uint32_t pid, const struct piece *from)
{
	uint64_t hash = hash_u64(&j->key, (uint64_t)host << 32 | pid);
	struct group *g;

	hash = hash_mix(hash ^ from->of, hash_bytes(&j->key, from->tag) | 1);
	hash = hash_mix(hash, hash_bytes(&j->key, from->key) | 1);
	hash = hash << 1 | (from->n != 0);
	g = find(j, hash, from);
	if (g == NULL) {
		if (from->n != 0 || from->first)
			close_same(j, hash, from->n != 0, from->time);
		g = group_new(j, host, pid, hash, from);
	}
	put_piece(j, g, piece_new(from));
	if (g->text > TEXT_MAX)
		finish(j, g, false);
	else if (is_complete(g))
		finish(j, g, true);
	else
		make_room(j);
}

static int64_t
patience(const struct join *j, bool numbered)
{
	return numbered ? j->lasting_s : PATIENCE_S;
}

void
join_add(struct join *j, unsigned host, const struct line *l, const struct part *p,
    uint64_t mark, struct slice raw)
{
	struct piece new = { .time = l->time, .usec = l->usec, .mark = mark, .n = p->n,
		.of = p->n != 0 ? p->of : 0, .first = p->n != 0 ? p->n == 1 : p->first,
		.more = p->more, .newline = p->newline, .own = l->own, .goes_on = l->goes_on,
		.host = l->host, .tag = l->tag, .key = p->key, .line = l->text, .raw = raw,
		.at = (size_t)(p->text.p - l->text.p), .text_n = p->text.n };

	const struct host *h = *find_host(j, host);

	/* a source may lag behind others of its host */
	new.deadline = (h != NULL && h->clock > l->time ? h->clock : l->time) + patience(j, p->n != 0);
	new.number = j->next++;
	take(j, host, l->pid, &new);
}

/* Of a host, what waited for as long as it may; or NULL. */
static struct group *
overdue(struct join *j, unsigned host)
{
	const struct host *h = *find_host(j, host);

	for (int q = 0; h != NULL && q < 2; q++)
		if (h->queue[q].n > 0 && h->queue[q].at[0]->deadline < h->clock)
			return h->queue[q].at[0];
	return NULL;
}

void
join_time(struct join *j, unsigned host, int64_t time)
{
	struct host *h = *find_host(j, host);
	struct group *g;
	int64_t passed;

	if (h == NULL || (time == h->line && time <= h->clock))
		return;
	passed = time < h->line ? time : h->line;
	h->line = time;
	j->clocks_changed = true;
	if (passed <= h->clock)
		return;
	h->clock = passed;
	while ((g = overdue(j, host)) != NULL)
		give_up(j, g);
}

void
join_end(struct join *j, bool all)
{
	for (int numbered = 0; numbered <= (all ? 1 : 0); numbered++) {
		for (struct group *g = j->oldest, *next; g != NULL; g = next) {
			next = g->newer;
			if (g->numbered == (numbered != 0))
				give_up(j, g);
		}
	}
}

/* --- a clock that was ahead ------------------------------------------------------------------ */

struct taken_out {
	struct piece *piece;
	unsigned host;
	uint32_t pid;
};

static int
by_number(const void *a, const void *b)
{
	const struct piece *x = ((const struct taken_out *)a)->piece, *y = ((const struct taken_out *)b)->piece;

	return x->number < y->number ? -1 : x->number > y->number;
}

/* All that waits is taken out, and what is not of later comes in again, as it came. */
void
join_disown(struct join *j, int64_t after)
{
	struct taken_out *out = xreallocarray(NULL, j->pieces + 1, sizeof *out);
	size_t n = 0;

	while (j->oldest != NULL) {
		struct group *g = j->oldest;

		unlink_group(j, g);
		for (struct piece *p = g->piece; p != NULL; p = p->next)
			out[n++] = (struct taken_out){ p, g->host, g->pid };
		free(g);
	}
	qsort(out, n, sizeof *out, by_number);
	for (size_t i = 0; i < n; i++) {
		struct piece *p = out[i].piece;
		int64_t waits = patience(j, p->n != 0);

		p->number = j->next++;
		if (p->deadline - waits > after)	/* by a clock that was ahead */
			p->deadline = p->time + waits;
		if (p->time <= after)
			take(j, out[i].host, out[i].pid, p);
		free(p);
	}
	free(out);
}

/* --- on disk -------------------------------------------------------------------------------- */

enum { FIRST = 1, MORE = 2, NEWLINE = 4, OWN = 8, GOES_ON = 16 };

static void
encode(struct buf *b, const struct group *g, const struct piece *p)
{
	buf_clear(b);
	buf_varint(b, g->host);
	buf_varint(b, g->pid);
	buf_zigzag(b, p->time);
	buf_zigzag(b, p->deadline);
	buf_varint(b, p->usec);
	buf_varint(b, p->n);
	buf_varint(b, p->of);
	buf_varint(b, (p->first ? FIRST : 0u) | (p->more ? MORE : 0u) | (p->newline ? NEWLINE : 0u) |
	    (p->own ? OWN : 0u) | (p->goes_on ? GOES_ON : 0u));
	buf_text(b, p->host);
	buf_text(b, p->tag);
	buf_text(b, p->key);
	buf_text(b, p->line);
	buf_varint(b, p->at);
	buf_varint(b, p->text_n);
}

/* They stand behind a number that is the clock of all hosts in states of earlier releases. */
static bool
put_clocks(struct join *j, join_put_fn *put, void *arg)
{
	buf_clear(&j->text);
	if (!j->clocks_changed)
		return true;
	if (j->pieces > 0)
		buf_zigzag(&j->text, 0);
	for (size_t i = 0; j->pieces > 0 && i < HOST_SLOTS; i++) {
		for (const struct host *h = j->host[i]; h != NULL; h = h->next) {
			buf_varint(&j->text, h->id);
			buf_zigzag(&j->text, h->clock);
			buf_zigzag(&j->text, h->line);
		}
	}
	return put(arg, 0, buf_slice(&j->text));
}

static bool
load_clocks(struct join *j, struct slice s)
{
	int64_t of_all, clock, line;
	uint64_t id;

	if (!slice_zigzag(&s, &of_all))
		return false;
	while (s.n > 0) {
		if (!slice_varint(&s, &id) || !slice_zigzag(&s, &clock) || !slice_zigzag(&s, &line))
			return false;
		host_of(j, (unsigned)id, line)->clock = clock;
	}
	j->clocks_changed = false;
	return true;
}

bool
join_changed(const struct join *j)
{
	return j->gone_n > 0 || j->next != j->stored || j->clocks_changed;
}

bool
join_each_change(struct join *j, join_put_fn *put, void *arg)
{
	for (size_t i = 0; i < j->gone_n; i++)
		if (!put(arg, j->gone[i], (struct slice){ "", 0 }))
			return false;
	for (const struct group *g = j->next != j->stored ? j->oldest : NULL; g != NULL; g = g->newer) {
		for (const struct piece *p = g->piece; p != NULL; p = p->next) {
			if (p->number < j->stored)
				continue;
			encode(&j->text, g, p);
			if (!put(arg, p->number, buf_slice(&j->text)))
				return false;
		}
	}
	return put_clocks(j, put, arg);
}

void
join_stored(struct join *j)
{
	j->stored = j->next;
	j->gone_n = 0;
	j->clocks_changed = false;
}

bool
join_load(struct join *j, uint64_t number, struct slice s)
{
	struct piece p = { .number = number };
	uint64_t host, pid, usec, n, of, flags, at, text_n;

	if (number == 0)
		return load_clocks(j, s);
	if (!slice_varint(&s, &host) || !slice_varint(&s, &pid) || !slice_zigzag(&s, &p.time) ||
	    !slice_zigzag(&s, &p.deadline) || !slice_varint(&s, &usec) || !slice_varint(&s, &n) ||
	    !slice_varint(&s, &of) || !slice_varint(&s, &flags) || !slice_text(&s, &p.host) ||
	    !slice_text(&s, &p.tag) || !slice_text(&s, &p.key) || !slice_text(&s, &p.line) ||
	    !slice_varint(&s, &at) || !slice_varint(&s, &text_n) || s.n > 0 || at > p.line.n ||
	    text_n > p.line.n - at || number < j->next)
		return false;
	p.usec = (uint32_t)usec;
	p.n = (unsigned)n;
	p.of = (unsigned)of;
	p.at = (size_t)at;
	p.text_n = (size_t)text_n;
	p.first = flags & FIRST;
	p.more = flags & MORE;
	p.newline = flags & NEWLINE;
	p.own = flags & OWN;
	p.goes_on = flags & GOES_ON;
	j->stored = j->next = number + 1;
	take(j, (unsigned)host, (uint32_t)pid, &p);
	return true;
}
