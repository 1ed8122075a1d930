/* sender.c - those who send us lines over the network, see sender.h. */
#include "sender.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hash.h"
#include "input/framing.h"
#include "mem.h"

#include "poison.h"

enum {
	FEED_IDLE_S = 3600,
	SOURCES_MAX = 20000	/* rows in the state, of all that ever sent */
};

struct sender {
	struct senders *all;
	struct state_source *src;
	const struct config_source *config;
	char *address;		/* or the configured host */
	struct feed *feed;	/* NULL: idle */
	struct recents recents;
	bool news, sessions;	/* since the last commit; ever */
};

struct senders {
	struct ingest *in;
	struct sender **sender;
	size_t n;
	int64_t crowded;	/* looked for by name and not told apart, since the last commit */
	struct buf clean;
};

struct senders *
senders_open(struct ingest *in)
{
	struct senders *all = xcalloc(1, sizeof *all);

	all->in = in;
	all->clean = buf_new(FRAME_MAX);
	return all;
}

void
senders_close(struct senders *all)
{
	if (all == NULL)
		return;
	for (size_t i = 0; i < all->n; i++) {
		feed_close(all->sender[i]->feed);
		recents_free(&all->sender[i]->recents);
		free(all->sender[i]->address);
		free(all->sender[i]);
	}
	free(all->sender);
	buf_free(&all->clean);
	free(all);
}

static struct sender *
find(const struct senders *all, const char *name)
{
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->sender[i]->src->name, name) == 0)
			return all->sender[i];
	return NULL;
}

static struct state_source *
source_named(struct state *state, const char *name)
{
	for (size_t i = 0; i < state_sources(state); i++)
		if (strcmp(state_source_at(state, i)->name, name) == 0)
			return state_source_at(state, i);
	return NULL;
}

struct sender *
sender_of(struct senders *all, const char *listener, const char *address,
    const struct config_source *c)
{
	struct state *state = ingest_state(all->in);
	char name[SENDER_NAME_MAX];
	struct state_source *src;
	struct sender *s;

	snprintf(name, sizeof name, "%s %s", listener, address);
	if ((s = find(all, name)) != NULL)
		return s;
	src = source_named(state, name);
	if (all->n >= SENDERS_MAX || (src == NULL && state_sources(state) >= SOURCES_MAX)) {
		all->crowded++;
		snprintf(name, sizeof name, "%s others", listener);
		if ((s = find(all, name)) != NULL)
			return s;
		src = source_named(state, name);
	}
	s = xcalloc(1, sizeof *s);
	s->all = all;
	s->config = c;
	s->src = src != NULL ? src : state_source_add(state, name);
	s->address = xstrdup(c->host[0] != '\0' ? c->host : address);
	recents_load(&s->recents, buf_slice(&s->src->cursor));
	all->sender = xreallocarray(all->sender, all->n + 1, sizeof *all->sender);
	all->sender[all->n++] = s;
	return s;
}

/* --- lines ------------------------------------------------------------------------ */

static struct slice
escaped(struct buf *b, struct slice raw)
{
	if (raw.n == 0 || (memchr(raw.p, '\n', raw.n) == NULL && memchr(raw.p, '\0', raw.n) == NULL))
		return raw;
	buf_clear(b);
	for (size_t i = 0; i < raw.n; i++) {
		if (raw.p[i] == '\n')
			buf_str(b, "#012");
		else if (raw.p[i] == '\0')
			buf_str(b, "#000");
		else
			buf_char(b, raw.p[i]);
	}
	return buf_slice(b);
}

bool
sender_line(struct sender *s, struct slice raw, bool cut, struct err *e)
{
	const char *zone = s->config->timezone;

	if (raw.n == 0)
		return true;
	if (s->feed == NULL) {
		s->feed = feed_open(s->all->in, s->src, zone[0] == '\0' ? NULL : zone, 0,
		    s->address, (int64_t)time(NULL), e);
		if (s->feed == NULL)
			return false;
		feed_live(s->feed, true);
		if (s->sessions)
			feed_resends(s->feed);
	}
	s->news = true;
	raw = escaped(&s->all->clean, raw);
	return ingest_line(s->all->in, s->feed, raw, cut || s->all->clean.full, e);
}

static uint64_t
hash_of(const struct sender *s, struct slice raw)
{
	return hash_bytes(state_key(ingest_state(s->all->in)), raw);
}

static bool
take(struct sender *s, struct repeat *again, struct slice raw, bool cut, struct err *e)
{
	s->sessions = true;
	repeat_carry_on(again, &s->recents);
	recents_add(&s->recents, again->self, hash_of(s, raw));
	return sender_line(s, raw, cut, e);
}

void
sender_begins(struct sender *s, struct repeat *again, uint64_t session)
{
	repeat_begin(again, &s->recents, session);
}

/* Does its stamp have a fraction of a second? "<22>1 2026-03-01T00:00:00.123456Z mx1 ..." */
static bool
is_exact(struct slice raw)
{
	struct slice pri, stamp;

	if (slice_eat_char(&raw, '<') && !slice_cut(&raw, '>', &pri))
		return false;
	(void)slice_eat(&raw, SLICE("1 "));
	return slice_cut(&raw, ' ', &stamp) && stamp.n > 20 && slice_is_digit(stamp.p[0]) &&
	    (stamp.p[19] == '.' || stamp.p[19] == ',');
}

bool
sender_takes(struct sender *s, struct repeat *again, struct slice raw, bool cut, struct err *e)
{
	if (repeat_running(again) && repeat_hold(again, hash_of(s, raw), is_exact(raw), raw, cut))
		return true;
	return sender_decides(s, again, e) && take(s, again, raw, cut, e);
}

bool
sender_decides(struct sender *s, struct repeat *again, struct err *e)
{
	struct slice line;
	bool cut;

	while (repeat_rest(again, &line, &cut))
		if (!take(s, again, line, cut, e))
			return false;
	return true;
}

void
sender_ends(struct sender *s, const struct repeat *again)
{
	recents_end(&s->recents, again->self);
	s->news = true;
}

void
sender_is_done(struct sender *s, const struct repeat *again)
{
	recents_drop(&s->recents, again->self);
	s->sessions = s->news = true;
}

/* --- commits ------------------------------------------------------------------------ */

void
senders_remember(struct senders *all, int64_t now)
{
	if (all->n > 0)
		state_limit(ingest_state(all->in), "senders", (int64_t)all->n, SENDERS_MAX, all->crowded,
		    now);
	all->crowded = 0;
	for (size_t i = 0; i < all->n; i++) {
		struct sender *s = all->sender[i];

		if (s->news) {
			s->src->read_at = now;
			s->src->changed = true;
			if (s->feed != NULL)
				feed_remember(s->feed);
			if (s->sessions) {
				buf_clear(&s->src->cursor);
				recents_store(&s->recents, now, &s->src->cursor);
			}
			s->news = false;
		} else if (s->feed != NULL && now - s->src->read_at > FEED_IDLE_S) {
			feed_close(s->feed);
			s->feed = NULL;
		}
	}
}
