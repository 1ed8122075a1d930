/* draw.c - see draw.h. */
#include "draw.h"

#include <stdlib.h>
#include <time.h>

#include "buf.h"
#include "mem.h"
#include "stateread.h"
#include "store/rrd.h"
#include "store/template.h"

#include "poison.h"

enum { PATH_BYTES = 4096 };

struct draw {
	char *state;
	struct templates templates;
	struct rrd_store *store;
};

struct draw *
draw_open(const struct draw_options *o, struct err *e)
{
	struct draw *d = xcalloc(1, sizeof *d);
	struct rrd_options ro = { .templates = &d->templates, .cached = o->cached,
		.cached_wait_ms = o->cached_wait_ms,
		.rewrite_every_s = o->rewrite_every_s, .note = o->note, .note_arg = o->note_arg };
	struct buf rrd = buf_new(PATH_BYTES);
	char dir[PATH_BYTES];

	if (o->rrd != NULL)
		buf_str(&rrd, o->rrd);
	else
		buf_fmt(&rrd, "%s/rrd", o->state);
	d->state = xstrdup(o->state);
	if (rrd.full)
		err_set(e, "%s: the name is too long", o->state);
	else if (templates_find(o->templates, dir, sizeof dir, e) &&
	    templates_load(dir, &d->templates, e)) {
		ro.dir = rrd.p;
		d->store = rrd_store_open(&ro, e);
	}
	buf_free(&rrd);
	if (d->store == NULL) {
		draw_close(d);
		return NULL;
	}
	return d;
}

void
draw_close(struct draw *d)
{
	if (d == NULL)
		return;
	rrd_store_close(d->store);
	templates_free(&d->templates);
	free(d->state);
	free(d);
}

bool
draw_update(struct draw *d, struct ingest *in, int64_t now, struct err *e)
{
	struct state *s = ingest_state(in);
	struct stateread *r = stateread_open(d->state, e);
	size_t n = state_hosts(s);
	struct rrd_changed *changed;
	bool good;

	if (r == NULL)
		return false;
	changed = xcalloc(n, sizeof *changed);
	for (size_t i = 0; i < n; i++)
		changed[i] = (struct rrd_changed){ (int)i, state_undrawn(s, (unsigned)i), false };
	good = rrd_store_update(d->store, r, changed, n, now, e);
	for (size_t i = 0; i < n; i++)
		if (changed[i].drawn && changed[i].minute != INT64_MAX)
			state_drawn(s, (unsigned)i);
	free(changed);
	stateread_close(r);
	return good;
}

bool
draw_all(struct ingest *in, const char *dir, const char *templates, const char *cached,
    struct err *e)
{
	const struct draw_options o = { .state = dir, .templates = templates, .cached = cached };
	struct draw *d = draw_open(&o, e);
	bool good = d != NULL && draw_update(d, in, (int64_t)time(NULL), e);

	draw_close(d);
	return good;
}
