/* pictures.c - see pictures.h. */
#include "view/pictures.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "host.h"
#include "mem.h"
#include "plural.h"
#include "stateread.h"
#include "store/rrd.h"
#include "store/template.h"
#include "view/drawers.h"
#include "view/graph.h"
#include "view/page.h"
#include "poison.h"

enum { PATH_BYTES = 4096, WEEK = 1 /* of graph_spans */, ILL_LISTS = 3 };

/* A run. */
struct drawing {
	const struct pictures *p;
	struct templates templates;
	char rrd[PATH_BYTES];
	struct page page;
	int64_t end[GRAPH_SPANS];
	size_t total, failed;
	struct err *e;		/* of the first fault */
};

/* The counts of a host in all spans: minutes are kept for more than a week, hours for
 * more than a year. */
static bool
add_up(struct drawing *d, struct stateread *r, int id, struct page_host *h, struct err *e)
{
	for (size_t i = 0; i < GRAPH_SPANS; i++) {
		int64_t to = d->end[i], from = to - graph_spans[i].s;
		bool good = graph_spans[i].s <= 7 * 86400 ?
		    stateread_sum(r, id, from / 60, to / 60, &h->sum[i], e) :
		    stateread_sum_hours(r, id, from / 3600, to / 3600, &h->sum[i], e);

		if (!good)
			return false;
	}
	return true;
}

static bool
has_rrd(const struct graph *g, const struct rrd_list *list)
{
	struct buf path = buf_new(PATH_BYTES);
	bool has;

	graph_rrd(g, list, &path);
	has = !path.full && access(path.p, R_OK) == 0;
	buf_free(&path);
	return has;
}

struct candidate {
	struct rrd_list list;
	int64_t hits, ill;
};

static int
by_hits(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return x->hits != y->hits ? (x->hits < y->hits ? 1 : -1) : x->ill != y->ill ? (x->ill < y->ill ? 1 : -1) :
	    (x->list.word > y->list.word) - (x->list.word < y->list.word);
}

/* All that have a file, the most hits first; n of them. */
static struct candidate *
candidates(struct stateread *r, const struct page_host *h, size_t span, const struct graph *g, size_t *n)
{
	const struct cell *sum = &h->sum[span > WEEK ? span : WEEK];
	struct candidate *all = xcalloc(STATEREAD_PROGRAMS, sizeof *all);

	*n = 0;
	for (uint32_t word = 0; word < STATEREAD_PROGRAMS && stateread_word(r, word).n > 0; word++) {
		bool room = word < CELL_LISTS;
		struct candidate *c = &all[*n];

		c->hits = cell_get(sum, CELL_WORD + word);
		c->ill = room ? cell_get(&h->sum[span], cell_list(CELL_FACT_ILL, word)) : 0;
		if ((c->hits > 0 || (room && cell_get(sum, cell_list(CELL_FACT_ASKED, word)) > 0)) &&
		    rrd_list_make(&c->list, r, word) && has_rrd(g, &c->list))
			++*n;
	}
	qsort(all, *n, sizeof *all, by_hits);
	return all;
}

/* The block lists with the most hits; those of the week on the picture of a day, so that one
 * that stopped hitting is still on it. Where there are more than fit, up to three that are ill
 * take the place of the last ones. */
static void
choose_lists(struct drawing *d, struct stateread *r, const struct page_host *h, size_t span,
    struct graph *g)
{
	struct rrd_list *list = arena_alloc(&d->templates.memory, GRAPH_LISTS * sizeof *list);
	size_t n, shown;
	struct candidate *all = candidates(r, h, span, g, &n);

	shown = n < GRAPH_LISTS ? n : GRAPH_LISTS;
	for (size_t place = GRAPH_LISTS; place-- > GRAPH_LISTS - ILL_LISTS && n > shown; ) {
		size_t worst = shown;

		for (size_t i = shown + 1; i < n; i++)
			if (all[i].ill > all[worst].ill)
				worst = i;
		if (all[worst].ill > all[place].ill)
			all[place] = all[worst];
		all[worst].ill = 0;
	}
	for (size_t i = 0; i < shown; i++)
		list[i] = all[i].list;
	free(all);
	g->list = list;
	g->lists = shown;
}

/* All pictures of a host that there is data for. */
static void
list_pictures(struct drawing *d, struct stateread *r, struct page_host *h)
{
	size_t most = 0;

	for (size_t i = 0; i < d->templates.n; i++)
		most += d->templates.t[i].n_graph * GRAPH_SPANS;
	h->picture = xcalloc(most, sizeof *h->picture);
	for (size_t i = 0; i < d->templates.n; i++) {
		const struct template *t = &d->templates.t[i];

		for (size_t k = 0; k < t->n_graph * GRAPH_SPANS; k++) {
			const struct graph_span *span = &graph_spans[k % GRAPH_SPANS];
			struct graph g = { .rrd = d->rrd, .out = d->p->out, .host = h->name,
				.template = t, .graph = &t->graph[k / GRAPH_SPANS], .span = span,
				.end = d->end[k % GRAPH_SPANS], .sum = &h->sum[k % GRAPH_SPANS],
				.svg = d->p->svg };

			if (t->lists)
				choose_lists(d, r, h, k % GRAPH_SPANS, &g);
			if ((d->p->span == NULL || strcmp(d->p->span, span->name) == 0) &&
			    graph_has_data(&g))
				h->picture[h->n++].g = g;
		}
	}
	d->total += h->n;
}

/* Fill the page with the farm first, then the hosts by name. */
static bool
list_hosts(struct drawing *d, struct stateread *r, struct err *e)
{
	const struct stateread_host *hosts;
	int64_t newest = 0;
	size_t n;

	if (!stateread_hosts(r, &hosts, &n, e))
		return false;
	for (size_t i = 0; i < n; i++)
		newest = stateread_last(&hosts[i]) > newest ? stateread_last(&hosts[i]) : newest;
	d->page.drawn_at = (int64_t)time(NULL);
	for (size_t i = 0; i < GRAPH_SPANS; i++)
		d->end[i] = graph_end(newest, d->page.drawn_at, &graph_spans[i]);
	d->page.end = d->end[0];
	d->page.host = xcalloc(n + 1, sizeof *d->page.host);
	for (size_t i = 0; i <= n; i++) {
		struct page_host *h = &d->page.host[d->page.n];
		int id = i == 0 ? STATEREAD_FARM : hosts[i - 1].id;

		h->name = i == 0 ? HOST_FARM : hosts[i - 1].name;
		if (d->p->host != NULL && !host_meant(slice_of(d->p->host), slice_of(h->name)))
			continue;
		d->page.n++;
		if (!add_up(d, r, id, h, e))
			return false;
		list_pictures(d, r, h);
	}
	if (d->page.n == 0)
		return err_set(e, "there is no host %s in %s", d->p->host, d->p->state);
	if (d->total == 0)
		return err_set(e, "there are no RRDs in %s to draw from", d->rrd);
	return true;
}

static bool
make_folder(const char *dir, const char *below, struct err *e)
{
	struct buf path = buf_new(PATH_BYTES);
	bool good;

	buf_fmt(&path, "%s%s%s", dir, below[0] != '\0' ? "/" : "", below);
	good = !path.full && (mkdir(path.p, 0755) == 0 || errno == EEXIST);
	if (!good)
		err_set(e, "make the folder %s: %s", path.full ? dir : path.p,
		    path.full ? "the name is too long" : strerror(errno));
	buf_free(&path);
	return good;
}

/* The folders of all hosts, and the pictures of those that have one. */
static void
draw_all(struct drawing *d)
{
	struct page_picture **picture = xcalloc(d->total, sizeof *picture);
	char folder[RRD_FOLDER_BYTES];
	size_t n = 0;
	struct err why;

	for (size_t i = 0; i < d->page.n; i++) {
		struct page_host *h = &d->page.host[i];

		rrd_folder(h->name, folder);
		if (!make_folder(d->p->out, folder, &why)) {
			if (d->failed == 0)
				*d->e = why;
			d->failed += h->n;
			continue;
		}
		for (size_t k = 0; k < h->n; k++)
			picture[n++] = &h->picture[k];
	}
	d->failed += drawers_draw(picture, n, d->failed == 0 ? d->e : &why);
	free(picture);
}

static bool
finish(struct drawing *d, struct err *e)
{
	bool whole = d->p->host == NULL && d->p->span == NULL;
	struct buf index = buf_new(PATH_BYTES);
	bool good = true;

	buf_fmt(&index, "%s/index.html", d->p->out);
	if (whole)
		good = page_write(&d->page, index.p, e);
	if (good && d->failed == 0)
		printf("%zu %s in %s%s%s\n", d->total, PLURAL(d->total, "picture", "pictures"), d->p->out,
		    whole ? ", all of them on " : "", whole ? index.p : "");
	buf_free(&index);
	return good && d->failed == 0;
}

bool
pictures_draw(const struct pictures *p, struct err *e)
{
	struct drawing d = { .p = p, .e = e };
	struct stateread *r = stateread_open(p->state, e);
	char dir[PATH_BYTES];
	bool good = r != NULL;

	(void)snprintf(d.rrd, sizeof d.rrd, "%s%s", p->rrd != NULL ? p->rrd : p->state,
	    p->rrd != NULL ? "" : "/rrd");
	good = good && templates_find(p->templates, dir, sizeof dir, e) &&
	    templates_load(dir, &d.templates, e) && list_hosts(&d, r, e) &&
	    make_folder(p->out, "", e);
	if (good)
		draw_all(&d);
	good = good && finish(&d, e);
	for (size_t i = 0; i < d.page.n; i++) {
		for (size_t k = 0; k < GRAPH_SPANS; k++)
			cell_free(&d.page.host[i].sum[k]);
		free(d.page.host[i].picture);
	}
	free(d.page.host);
	templates_free(&d.templates);
	stateread_close(r);
	return good;
}
