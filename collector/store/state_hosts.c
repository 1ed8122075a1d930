/* state_hosts.c - the hosts of a state: their names, the span of their lines, and what of them is not drawn yet. */
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "mem.h"
#include "store/state_db.h"

#include "poison.h"

enum { NAME_MAX_BYTES = 255 };

/* No time of a line is later. */
#define LATEST ((int64_t)1 << 36)

/* The slot of that name, or the free one where it belongs. A central log has hundreds of hosts,
 * another one with each line. */
static uint16_t *
slot_of(struct state *s, struct slice name)
{
	char low[NAME_MAX_BYTES];
	size_t i;

	for (i = 0; i < name.n && i < sizeof low; i++)
		low[i] = slice_lower(name.p[i]);
	i = (size_t)hash_bytes(&s->key, (struct slice){ low, i }) % (HOSTS_MAX * 2);
	while (s->host_slot[i] != 0 && !slice_eq_nocase(name, slice_of(s->host_name[s->host_slot[i] - 1])))
		i = (i + 1) % (HOSTS_MAX * 2);
	return &s->host_slot[i];
}

bool
hosts_load(struct state *s, struct err *e)
{
	sqlite3_stmt *st = db_prepare(s, "SELECT id, name, first, newest, undrawn, kept, skew,"
	    " sampled FROM host ORDER BY id", e);
	int rc = SQLITE_DONE;

	if (st == NULL)
		return false;
	while (s->hosts < HOSTS_MAX && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		size_t h = s->hosts++;
		const char *name = (const char *)sqlite3_column_text(st, 1);
		uint16_t *slot;

		s->host_name[h] = xstrdup(name != NULL ? name : "");
		slot = slot_of(s, slice_of(s->host_name[h]));
		if (*slot == 0)		/* else the first of that name is meant */
			*slot = (uint16_t)(h + 1);
		s->host_first[h] = sqlite3_column_int64(st, 2);
		s->host_newest[h] = sqlite3_column_int64(st, 3);
		s->host_undrawn[h] = sqlite3_column_int64(st, 4);
		s->host_drawing[h] = INT64_MAX;
		s->host_kept[h] = sqlite3_column_int64(st, 5);
		s->host_skew[h] = sqlite3_column_int64(st, 6);
		s->host_sampled[h] = sqlite3_column_int64(st, 7);
		s->host_stored[h] = host_last(s, h) / 60 + 5;
		if (sqlite3_column_int64(st, 0) != (int64_t)h || s->host_newest[h] > LATEST ||
		    s->host_first[h] < -LATEST || s->host_first[h] > host_last(s, h) ||
		    s->host_sampled[h] > LATEST) {
			sqlite3_finalize(st);
			return err_set(e, "%s/state.db has a damaged table of hosts; import the logs "
			    "again into a new directory", s->dir);
		}
	}
	if (s->hosts == HOSTS_MAX)
		rc = SQLITE_DONE;
	return db_end(s, st, rc, e);
}

int
state_host(struct state *s, struct slice name)
{
	uint16_t *slot = slot_of(s, name = slice_head(name, slice_until(slice_head(name, NAME_MAX_BYTES), '\0', '\0')));
	size_t h = s->hosts;

	if (slice_eq_nocase(name, SLICE(HOST_FARM)))
		return state_host(s, SLICE(HOST_FARM "_"));
	if (*slot != 0)
		return *slot - 1;
	if (h == HOSTS_MAX)
		return -1;
	*slot = (uint16_t)(h + 1);
	s->host_name[h] = xslicedup(name);
	s->host_stored[h] = INT64_MIN;
	s->host_undrawn[h] = s->host_drawing[h] = INT64_MAX;
	s->host_changed[h] = true;
	s->hosts++;
	return (int)h;
}

const char *
state_host_name(const struct state *s, unsigned host)
{
	return host < s->hosts ? s->host_name[host] : "";
}

size_t
state_hosts(const struct state *s)
{
	return s->hosts;
}

void
state_host_line(struct state *s, unsigned host, int64_t time)
{
	if (time > s->host_newest[host]) {
		s->host_newest[host] = time;
		s->host_changed[host] = true;
	}
	if (s->host_first[host] == 0 || time < s->host_first[host]) {
		s->host_first[host] = time;
		s->host_changed[host] = true;
	}
}

const int64_t *
state_newest(const struct state *s)
{
	return s->host_newest;
}

int64_t
state_draw_begin(struct state *s, unsigned host)
{
	state_draw_end(s, host, false);		/* nobody ended the last one */
	s->host_drawing[host] = s->host_undrawn[host];
	s->host_undrawn[host] = INT64_MAX;
	return s->host_drawing[host];
}

void
state_draw_end(struct state *s, unsigned host, bool drawn)
{
	if (drawn)
		s->host_changed[host] = true;
	else if (s->host_drawing[host] < s->host_undrawn[host])
		s->host_undrawn[host] = s->host_drawing[host];
	s->host_drawing[host] = INT64_MAX;
}
