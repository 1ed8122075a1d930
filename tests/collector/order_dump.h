/* order_dump.h - all that a state counted, as text, to be compared (for test_order.c). */
#ifndef MX_ORDER_DUMP_H
#define MX_ORDER_DUMP_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "state_dir.h"
#include "stateread.h"
#include "users.h"

enum { T0 = 1773136800 };	/* times are counted from there */

struct dump {
	struct stateread *r;
	const struct stateread_host *host;
	struct buf b;
};

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
dump_minute(void *arg, int host, int64_t minute, const struct cell *c)
{
	struct dump *d = arg;

	(void)host;
	for (uint32_t i = 0; i < c->n; i++) {
		uint32_t key = c->pair[i].key;

		if (key == M_copies)
			continue;
		buf_fmt(&d->b, "%s %+" PRId64 " ", d->host->name, minute - T0 / 60);
		if (key < METRIC_N) {
			buf_str(&d->b, metrics[key].name);
		} else if (key >= CELL_LIST && key < cell_list(CELL_FACTS, 0)) {
			buf_fmt(&d->b, "fact%u of ", (key - CELL_LIST) / CELL_LISTS);
			buf_add(&d->b, stateread_word(d->r, (key - CELL_LIST) % CELL_LISTS));
		} else if (key >= CELL_WORD) {
			buf_add(&d->b, stateread_word(d->r, key - CELL_WORD));
		} else {
			buf_fmt(&d->b, "delay%u", key);
		}
		buf_fmt(&d->b, " %" PRId64 "\n", c->pair[i].n);
	}
	return true;
}

/* The mails with unaccounted recipients. When that was is one of the lives of an id, and
 * depends on which was learnt last. */
static void
dump_lost(struct dump *d)
{
	struct stateread_lost lost[200];
	size_t n = stateread_lost(d->r, d->host->id, 0, INT64_MAX, lost, 200);

	for (size_t i = 0; i < n; i++)
		buf_fmt(&d->b, "%s lost %s %" PRId64 "\n", d->host->name, lost[i].id,
		    lost[i].rcpts);
}

static int
by_visitor(const void *a, const void *b)
{
	const struct users_visit *x = a, *y = b;
	size_t n = x->len < y->len ? x->len : y->len;
	int c = memcmp(x->text, y->text, n);

	return c != 0 ? c : (int)x->len - (int)y->len;
}

static void
dump_set(struct dump *d, const char *what, const struct users_set *s)
{
	if (s->n > 0)
		qsort(s->v, s->n, sizeof *s->v, by_visitor);
	for (unsigned i = 0; i < s->n; i++)
		buf_fmt(&d->b, " %s %.*s %u/%u@%" PRId64, what, s->v[i].len, s->v[i].text, s->v[i].n,
		    s->v[i].other, s->v[i].at - T0);
}

/* The hashes are of the state's own key: domains are told by how often there were any. */
static void
dump_user(struct dump *d, int64_t hour, const struct user *u)
{
	int64_t domains = 0;

	buf_fmt(&d->b, "%s user %+" PRId64 " %.*s", d->host->name, hour - T0 / 3600, u->len, u->text);
	for (int i = 0; i < USER_N; i++)
		if (u->num[i] != 0)
			buf_fmt(&d->b, " %d:%" PRId64, i, u->num[i]);
	for (uint32_t i = 0; i < u->domains.n; i++)
		domains += u->domains.pair[i].n > 0 ? u->domains.pair[i].n : 1000;
	buf_fmt(&d->b, " domains %" PRId64, domains);
	dump_set(d, "ok", &u->ok);
	dump_set(d, "failed", &u->failed);
	buf_char(&d->b, '\n');
}

static bool
dump_users(void *arg, int host, int64_t hour, struct slice accounts, struct slice networks)
{
	struct users u = { 0 };

	(void)host;
	if ((accounts.n > 0 && !users_decode(&u, hour, accounts, NULL)) ||
	    (networks.n > 0 && !users_decode(&u, hour, networks, NULL)))
		buf_str(&((struct dump *)arg)->b, "damaged\n");
	for (uint32_t i = 0; i < u.n; i++)
		dump_user(arg, hour, u.user[i]);
	users_free(&u);
	return true;
}

/* Every count of every minute of every host and of the farm, and the samples of unaccounted
 * recipients. */
static char *
dump(const char *dir)
{
	struct dump d = { .b = buf_new(1 << 22) };
	struct err e = { "" };
	const struct stateread_host *hosts;
	size_t n;

	d.r = stateread_open(dir, &e);
	if (d.r == NULL || !stateread_hosts(d.r, &hosts, &n, &e))
		die(&e);
	for (size_t i = 0; i < n; i++) {
		d.host = &hosts[i];
		if (!stateread_minutes(d.r, hosts[i].id, 0, INT32_MAX, dump_minute, &d, &e))
			die(&e);
		dump_lost(&d);
		if (!stateread_users(d.r, hosts[i].id, 0, INT32_MAX, dump_users, &d, &e))
			die(&e);
	}
	d.host = &(struct stateread_host){ .name = "_farm" };
	if (!stateread_minutes(d.r, STATEREAD_FARM, 0, INT32_MAX, dump_minute, &d, &e))
		die(&e);
	stateread_close(d.r);
	return d.b.p;
}

/* Words have numbers by the order of their coming: sort before comparing. */
static char *
sorted(char *text)
{
	struct buf b = buf_new(1 << 22);
	char *line[8192], *save = NULL;
	size_t n = 0;

	for (char *s = strtok_r(text, "\n", &save); s != NULL && n < 8192; s = strtok_r(NULL, "\n", &save))
		line[n++] = s;
	qsort(line, n, sizeof *line, by_text);
	for (size_t i = 0; i < n; i++)
		buf_fmt(&b, "%s\n", line[i]);
	free(text);
	return b.p;
}

/* Lines that only one of both has. */
static void
show_difference(const char *want, const char *got)
{
	int shown = 0;

	for (; (*want != '\0' || *got != '\0') && shown < 30; ) {
		size_t w = strcspn(want, "\n"), g = strcspn(got, "\n");
		int c = *want == '\0' ? 1 : *got == '\0' ? -1 :
		    strncmp(want, got, (w < g ? w : g) + 1);

		if (c != 0) {
			printf("# %s %.*s\n", c < 0 ? "lacks" : "has  ", (int)(c < 0 ? w : g),
			    c < 0 ? want : got);
			shown++;
		}
		if (c <= 0)
			want += w + (want[w] == '\n');
		if (c >= 0)
			got += g + (got[g] == '\n');
	}
}

#endif
