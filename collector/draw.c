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
	struct rrd_changed *changed;	/* of the round that is under way, else NULL */
	size_t n;
	size_t left_out;	/* block lists that there was no room for, as the state was told */
	bool cut;		/* a step could not read the state, because of why */
	struct err why;
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
	free(d->changed);
	free(d->state);
	free(d);
}

bool
draw_begin(struct draw *d, struct ingest *in, struct err *e)
{
	struct state *s = ingest_state(in);
	struct stateread *r = stateread_open(d->state, e);
	bool good;

	if (r == NULL)
		return false;
	d->cut = false;
	d->n = state_hosts(s);
	d->changed = xcalloc(d->n + 1, sizeof *d->changed);
	for (size_t i = 0; i < d->n; i++)
		d->changed[i] = (struct rrd_changed){ (int)i, state_draw_begin(s, (unsigned)i), false };
	good = rrd_store_begin(d->store, r, d->changed, d->n, e);
	stateread_close(r);
	if (!good)
		(void)draw_end(d, in, &(struct err){ "" });
	return good;
}

bool
draw_step(struct draw *d, int64_t now)
{
	struct stateread *r = stateread_open(d->state, &d->why);
	bool more = r != NULL && rrd_store_step(d->store, r, now);

	d->cut = r == NULL;
	stateread_close(r);
	return more;
}

/* How many block lists the pictures have, and how many not. */
static void
say_lists(struct draw *d, struct state *s)
{
	size_t most, left_out;

	rrd_store_lists(d->store, &most, &left_out);
	if (most == 0)
		return;
	state_limit(s, "rrd_lists", (int64_t)most, RRD_LISTS_MAX, (int64_t)(left_out - d->left_out),
	    (int64_t)time(NULL));
	d->left_out = left_out;
}

bool
draw_end(struct draw *d, struct ingest *in, struct err *e)
{
	struct state *s = ingest_state(in);
	bool good = rrd_store_end(d->store, e);

	say_lists(d, s);
	if (good && d->cut)
		good = err_set(e, "%s", d->why.text);
	for (size_t i = 0; i < d->n; i++)
		state_draw_end(s, (unsigned)i, d->changed[i].drawn && d->changed[i].minute != INT64_MAX);
	free(d->changed);
	d->changed = NULL;
	d->n = 0;
	return good;
}

bool
draw_under_way(const struct draw *d)
{
	return d->changed != NULL;
}

bool
draw_all(struct ingest *in, const struct draw_options *o, struct err *e)
{
	struct draw *d = draw_open(o, e);
	bool good = d != NULL && draw_begin(d, in, e);

	if (good) {
		while (draw_step(d, (int64_t)time(NULL)))
			;
		good = draw_end(d, in, e);
	}
	draw_close(d);
	return good;
}
