/* state_facts.c - what the collector says of itself, and how near its tables are to their limits.
 *
 * Only what changed is written: a row or two in most commits, as each page that is touched has to
 * be written whole. How full a table is can wait for the minute. Hits add up over restarts. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "store/state_db.h"

#include "poison.h"

static struct fact_said *
fact_of(struct state *s, const char *key)
{
	for (size_t i = 0; i < s->n_said; i++)
		if (strcmp(s->said[i].key, key) == 0)
			return &s->said[i];
	assert(s->n_said < FACTS_MAX);
	s->said[s->n_said] = (struct fact_said){ .key = key, .changed = true };
	return &s->said[s->n_said++];
}

void
state_say(struct state *s, const char *key, int64_t value)
{
	struct fact_said *f = fact_of(s, key);

	f->changed = f->changed || f->value != value;
	f->value = value;
}

void
state_say_text(struct state *s, const char *key, const char *text)
{
	struct fact_said *f = fact_of(s, key);

	f->changed = true;
	f->text = text;
}

void
state_limit(struct state *s, const char *name, int64_t used, int64_t cap, int64_t hits,
    int64_t now)
{
	struct capacity *c = s->limit;

	while (c < s->limit + s->limits && strcmp(c->name, name) != 0)
		c++;
	if (c == s->limit + s->limits) {
		if (s->limits == LIMITS_MAX)
			return;	/* of other releases there may be some that we do not know */
		*c = (struct capacity){ .changed = true };
		(void)snprintf(c->name, sizeof c->name, "%s", name);
		s->limits++;
	}
	c->changed = c->changed || c->used != used || c->cap != cap || hits > 0;
	c->used = used;
	c->cap = cap;
	c->hits += hits;
	if (hits > 0) {
		c->hit_at = now;
		c->bit = true;
	}
}

void
state_set_skew(struct state *s, unsigned host, int64_t seconds)
{
	if (host >= s->hosts || s->host_skew[host] == seconds)
		return;
	s->host_skew[host] = seconds;
	s->host_changed[host] = true;
}

int64_t
state_skew(const struct state *s, unsigned host)
{
	return host < s->hosts ? s->host_skew[host] : 0;
}

void
state_set_sampled(struct state *s, unsigned host, int64_t when)
{
	if (host >= s->hosts)
		return;
	s->host_sampled[host] = when;
	if (s->host_first[host] == 0)
		s->host_first[host] = when;
	s->host_changed[host] = true;
}

bool
limits_load(struct state *s, struct err *e)
{
	sqlite3_stmt *st = db_prepare(s, "SELECT name, used, cap, hits, hit_at FROM capacity", e);
	int rc = SQLITE_DONE;

	if (st == NULL)
		return false;
	while (s->limits < LIMITS_MAX && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct capacity *c = &s->limit[s->limits++];
		struct slice name = slice_head(db_blob(st, 0), sizeof c->name - 1);

		memcpy(c->name, name.p, name.n);
		c->used = sqlite3_column_int64(st, 1);
		c->cap = sqlite3_column_int64(st, 2);
		c->hits = sqlite3_column_int64(st, 3);
		c->hit_at = sqlite3_column_int64(st, 4);
	}
	if (s->limits == LIMITS_MAX)
		rc = SQLITE_DONE;
	return db_end(s, st, rc, e);
}

static bool
store_said(struct state *s, struct err *e)
{
	sqlite3_stmt *st = db_prepare(s, "INSERT INTO run VALUES(?1,?2)"
	    " ON CONFLICT(key) DO UPDATE SET value=?2", e);
	bool good = st != NULL;

	for (size_t i = 0; good && i < s->n_said; i++) {
		const struct fact_said *f = &s->said[i];

		if (!f->changed)
			continue;
		sqlite3_bind_text(st, 1, f->key, -1, SQLITE_STATIC);
		if (f->text != NULL)
			sqlite3_bind_text(st, 2, f->text, -1, SQLITE_STATIC);
		else
			sqlite3_bind_int64(st, 2, f->value);
		good = db_step(s, st, "write", e);
	}
	sqlite3_finalize(st);
	return good;
}

static bool
store_limits(struct state *s, bool all, struct err *e)
{
	sqlite3_stmt *st = db_prepare(s, "INSERT INTO capacity VALUES(?1,?2,?3,?4,?5)"
	    " ON CONFLICT(name) DO UPDATE SET used=?2, cap=?3, hits=?4, hit_at=?5", e);
	bool good = st != NULL;

	for (size_t i = 0; good && i < s->limits; i++) {
		const struct capacity *c = &s->limit[i];

		if (!c->changed || !(all || c->bit))
			continue;
		sqlite3_bind_text(st, 1, c->name, -1, SQLITE_STATIC);
		sqlite3_bind_int64(st, 2, c->used);
		sqlite3_bind_int64(st, 3, c->cap);
		sqlite3_bind_int64(st, 4, c->hits);
		sqlite3_bind_int64(st, 5, c->hit_at);
		good = db_step(s, st, "write", e);
	}
	sqlite3_finalize(st);
	return good;
}

bool
facts_store(struct state *s, bool all, struct err *e)
{
	return store_said(s, e) && store_limits(s, all, e);
}

void
facts_committed(struct state *s, bool all)
{
	for (size_t i = 0; i < s->n_said; i++)
		s->said[i].changed = false;
	for (size_t i = 0; i < s->limits; i++) {
		s->limit[i].changed &= !(all || s->limit[i].bit);
		s->limit[i].bit = false;
	}
}
