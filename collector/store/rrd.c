/* rrd.c - see rrd.h.
 *
 * Which minutes of which host are to be written; rrdmake.c does one file. */
#define _XOPEN_SOURCE 700	/* realpath is not in the base of POSIX.1-2008 */
#include "store/rrd.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "hash.h"
#include "host.h"
#include "mem.h"
#include "store/rrdlib.h"
#include "store/rrdmake.h"
#include "poison.h"

enum { PATH_BYTES = 4096 };

/* What the store remembers of a host. */
struct known {
	int host;
	int64_t changed;	/* not drawn yet: a fault, or too soon */
	int64_t undrawn;	/* what of it is known, where all is to be compared; 0: nothing */
	int64_t written;	/* minutes before this one are in the files */
	int64_t rewritten_at;	/* by the clock */
	bool unsure;		/* rows were handed over, and nobody said that they are written */
	struct rrdlists lists;	/* that it has files of */
};

struct rrd_store {
	struct rrd_options o;
	char *dir;
	struct rrdmake make;
	struct known *known;
	size_t n_known;
	int begin;		/* the host that was in the way last time comes first */
	struct rrd_changed *changed;	/* of this round, not ours */
	size_t n_changed;
	int *order;		/* hosts of this round; those before at were looked at */
	size_t n_order, at;
	bool all;		/* so far; else why is the first fault */
	struct err why;
	bool unsure;		/* of the host at hand: see known */
	size_t lists, left_out;	/* the most of a host: rrd_store_lists() */
};

/* DIR/NAME[-ZONE]TAIL; list may be NULL. */
static char *
join(const char *dir, const char *name, const struct rrd_list *list, const char *tail)
{
	struct buf t = buf_new(PATH_BYTES);

	buf_fmt(&t, "%s/%s%s%s%s", dir, name, list != NULL ? "-" : "",
	    list != NULL ? list->zone : "", tail);
	assert(!t.full);	/* each part is bounded */
	return t.p;
}

static bool
all_failed(const struct rrdmake_file *f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!f[i].failed)
			return false;
	return true;
}

/* Before the first minute that is kept there was a cell, of the day in which that is. */
static bool
load(struct rrd_store *s, const struct rrd_minutes *m, int64_t from, int64_t to, struct err *e)
{
	bool watched = m->dropped && m->kept % COLUMNS_MINUTES != 0 &&
	    from / COLUMNS_MINUTES == m->kept / COLUMNS_MINUTES;

	return columns_load(&s->make.columns, from, to, watched, m->source, m->arg, e);
}

/* Find the first minute, back to what changed or to the oldest cell, in which a file is wrong:
 * a late line is in few of them, and to rewrite one is megabytes. */
static bool
compare_all(struct rrd_store *s, struct rrdmake_file *f, size_t n, const struct rrd_minutes *m,
    struct err *e)
{
	int64_t from = m->changed > m->kept ? m->changed : m->kept, to = from;

	for (size_t i = 0; i < n; i++)
		if (!f[i].failed && f[i].old.map != NULL && f[i].next > to)
			to = f[i].next;
	for (int64_t at = from, end; at < to; at = end) {
		end = columns_end(at, to);
		if (!load(s, m, at, end, e))
			return false;
		for (size_t i = 0; i < n; i++)
			if (!f[i].failed && f[i].old.map != NULL)
				rrdmake_compare(&s->make, &f[i]);
	}
	return true;
}

/* Only the first fault is told; a file that failed is left as it was. */
static bool
keep_first(bool good, struct rrdmake_file *f, const struct err *from, struct err *e, bool *all)
{
	if (!good) {
		f->failed = true;
		if (*all)
			err_set(e, "%s", from->text);
		*all = false;
	}
	return good;
}

static bool
write_files(struct rrd_store *s, struct rrdmake_file *f, size_t n, const struct rrd_minutes *m,
    struct err *e)
{
	int64_t from = INT64_MAX, to = 0;
	struct err why;
	bool all = true;

	for (size_t i = 0; i < n; i++)
		(void)keep_first(rrdmake_plan(&s->make, &f[i], m, &why), &f[i], &why, e, &all);
	if (all_failed(f, n))
		return false;	/* rrdcached is away, or the disk: reading cells would be in vain */
	if (m->changed != RRD_NOTHING_CHANGED && !compare_all(s, f, n, m, e))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (f[i].failed ||
		    !keep_first(rrdmake_begin(&f[i], m, &why), &f[i], &why, e, &all))
			continue;
		from = f[i].next < from ? f[i].next : from;
		to = f[i].end > to ? f[i].end : to;
	}
	s->unsure = true;
	for (int64_t at = from, end; at < to && !all_failed(f, n); at = end) {
		end = columns_end(at, to);
		if (!load(s, m, at, end, e))
			return false;
		for (size_t i = 0; i < n; i++)
			if (!f[i].failed)
				(void)keep_first(rrdmake_feed(&s->make, &f[i], m, &why), &f[i], &why, e, &all);
	}
	for (size_t i = 0; i < n; i++)
		if (!f[i].failed)
			(void)keep_first(rrdmake_finish(&s->make, &f[i], m, &why), &f[i], &why, e, &all);
	s->unsure = !all;
	return all;
}

/* What a run that was killed left half-made; librrd adds six letters to its own. */
static void
sweep(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *d;

	while (dir != NULL && (d = readdir(dir)) != NULL)
		if (strstr(d->d_name, ".rrd.new") != NULL)
			(void)unlinkat(dirfd(dir), d->d_name, 0);
	if (dir != NULL)
		(void)closedir(dir);
}

/* Copies that no file which is drawn has use for, of block lists and templates that were: now that our clock is sure, what
 * went into its future is itself again. */
static void
sweep_before(const char *path, int64_t limit)
{
	DIR *dir = opendir(path);
	struct slice name;
	struct dirent *d;

	while (dir != NULL && (d = readdir(dir)) != NULL) {
		struct buf file = buf_new(PATH_BYTES), copy = buf_new(PATH_BYTES);
		struct rrdfile f;

		name = slice_of(d->d_name);
		if (slice_ends(name, SLICE(".rrd.before"))) {
			buf_fmt(&copy, "%s/%s", path, d->d_name);
			buf_add(&file, (struct slice){ copy.p, copy.n - strlen(".before") });
			if (rrdfile_open(&f, file.p, false, &(struct err){ "" }) == RRDFILE_OK && f.last_up / 60 > limit)
				(void)rename(copy.p, file.p);
			else
				(void)unlink(copy.p);
			rrdfile_close(&f);
		}
		buf_free(&file);
		buf_free(&copy);
	}
	if (dir != NULL)
		(void)closedir(dir);
}

/* The files of a host, in its folder; NULL if there are none. */
static struct rrdmake_file *
files_of(struct rrd_store *s, const struct rrd_minutes *m, const char *dir, size_t *n)
{
	const struct templates *all = s->o.templates;
	size_t most = all->n * (m->lists + 1);
	struct rrdmake_file *f = xcalloc(most, sizeof *f);
	struct columns_file *columns = xcalloc(most, sizeof *columns);

	*n = 0;
	for (size_t i = 0; i < all->n; i++) {
		const struct template *t = &all->t[i];
		size_t files = t->lists ? m->lists : t->sampled && !m->sampled ? 0 : 1;

		for (size_t k = 0; k < files; k++, ++*n) {
			const struct rrd_list *list = t->lists ? &m->list[k] : NULL;

			columns[*n] = (struct columns_file){ t, list != NULL ? list->word : 0,
				list != NULL && list->found };
			f[*n] = (struct rrdmake_file){ .t = t, .place = *n,
				.path = join(dir, t->name, list, ".rrd"),
				.new_path = join(dir, t->name, list, ".rrd.new"),
				.undo_path = join(dir, t->name, list, ".rrd.undo"),
				.before_path = join(dir, t->name, list, ".rrd.before") };
		}
	}
	columns_shape(&s->make.columns, columns, *n);
	free(columns);
	return f;
}

static char *
dir_of(const struct rrd_store *s, const char *host)
{
	char folder[RRD_FOLDER_BYTES];

	rrd_folder(host, folder);
	return join(s->dir, folder, NULL, "");
}

/* Whoever wants all RRDs made anew may take the folder of them away while we run. */
static bool
make_folder(const struct rrd_store *s, const char *dir)
{
	if (mkdir(dir, 0755) == 0 || errno == EEXIST)
		return true;
	if (errno != ENOENT || (mkdir(s->dir, 0755) != 0 && errno != EEXIST))
		return false;
	return mkdir(dir, 0755) == 0 || errno == EEXIST;
}

bool
rrd_store_write(struct rrd_store *s, const struct rrd_minutes *m, struct err *e)
{
	char *dir = dir_of(s, m->name);
	size_t n;
	struct rrdmake_file *f = files_of(s, m, dir, &n);
	bool good;

	s->unsure = m->unsure;
	if (!make_folder(s, dir)) {
		good = err_set(e, "make the folder %s: %s", dir, strerror(errno));
	} else {
		if (m->changed == RRD_COMPARE)
			sweep(dir);
		good = n == 0 || write_files(s, f, n, m, e);
		if (good && m->changed == RRD_COMPARE && !m->clock_unsure)
			sweep_before(dir, m->limit);
	}
	for (size_t i = 0; i < n; i++)
		rrdmake_end(&f[i]);
	free(f);
	free(dir);
	return good;
}

struct source {
	struct stateread *r;
	int host;
};

static bool
from_state(void *arg, int64_t from, int64_t to, stateread_minute_fn *f, void *f_arg, struct err *e)
{
	const struct source *s = arg;

	return stateread_minutes(s->r, s->host, from, to, f, f_arg, e);
}

static struct known *
known_host(struct rrd_store *s, int host)
{
	for (size_t i = 0; i < s->n_known; i++)
		if (s->known[i].host == host)
			return &s->known[i];
	s->known = xreallocarray(s->known, s->n_known + 1, sizeof *s->known);
	s->known[s->n_known] = (struct known){ .host = host, .changed = RRD_COMPARE };
	return &s->known[s->n_known++];
}

void
rrd_closed(const struct stateread_host *hosts, size_t n, int host, int64_t now,
    struct rrd_minutes *m)
{
	int64_t newest = 0, open = INT64_MAX;

	for (size_t i = 0; i < n; i++) {
		int64_t last = stateread_last(&hosts[i]), minute = last / 60;

		if (host != STATEREAD_FARM && hosts[i].id != host)
			continue;
		newest = minute > newest ? minute : newest;
		if (now - last < 120 && minute < open)
			open = minute;
	}
	m->limit = newest + 1;
	m->end = open < m->limit ? open : m->limit;
}

/* The block lists of a host: hours in which cells may be new to us are looked at. */
static bool
lists_of(struct rrd_store *s, struct stateread *r, struct known *k, struct rrd_minutes *m,
    struct rrd_list list[RRD_LISTS_MAX], struct err *e)
{
	int64_t from = k->changed < k->written ? k->changed : k->written;
	size_t left_out, seen = 0;

	for (size_t i = 0; i < s->o.templates->n; i++) {
		const struct template *t = &s->o.templates->t[i];
		char *dir;

		if (!t->lists)
			continue;
		seen++;
		if (k->changed != RRD_COMPARE)
			continue;
		dir = dir_of(s, m->name);
		rrdlists_files(&k->lists, r, dir, t->name);
		free(dir);
	}
	if (seen == 0)
		return true;
	if (!rrdlists_minutes(&k->lists, r, k->host, from > m->kept ? from : m->kept, m->end, e))
		return false;
	m->list = list;
	m->lists = rrdlists_choose(&k->lists, r, list, &left_out);
	s->lists = m->lists > s->lists ? m->lists : s->lists;
	s->left_out = left_out > s->left_out ? left_out : s->left_out;
	return true;
}

static bool
update_host(struct rrd_store *s, struct source *from, struct rrd_minutes *m, int64_t changed,
    int64_t now, struct err *e)
{
	struct rrd_list list[RRD_LISTS_MAX];
	struct known *k = known_host(s, from->host);
	bool wait;

	if (k->written > m->limit) {	/* our clock was ahead: the files begin anew from before that */
		k->written = m->end;
		k->changed = RRD_COMPARE;
	}
	wait = k->changed != RRD_COMPARE && now >= k->rewritten_at &&
	    now - k->rewritten_at < s->o.rewrite_every_s;

	if (changed < k->written && changed < k->changed)
		k->changed = changed;
	if (changed != RRD_NOTHING_CHANGED && (k->undrawn == 0 || changed < k->undrawn))
		k->undrawn = changed;
	if (!lists_of(s, from->r, k, m, list, e))
		return false;
	m->source = from_state;
	m->arg = from;
	m->changed = wait ? RRD_NOTHING_CHANGED : k->changed;
	m->undrawn = k->undrawn;
	m->unsure = k->unsure;
	if (!rrd_store_write(s, m, e)) {
		k->unsure = s->unsure && s->make.cached != NULL;
		if (k->unsure && k->written < k->changed)
			k->changed = k->written;	/* what it writes yet is not the last word */
		k->rewritten_at = wait ? k->rewritten_at : now;
		return false;
	}
	k->unsure = false;
	k->written = m->end > k->written ? m->end : k->written;
	if (m->changed != RRD_NOTHING_CHANGED) {
		k->changed = RRD_NOTHING_CHANGED;
		k->undrawn = 0;
		k->rewritten_at = now;
	}
	return true;
}

/* The oldest change of a host, or of any for the farm. */
static int64_t
oldest_change(const struct rrd_changed *changed, size_t n, int host)
{
	int64_t oldest = RRD_NOTHING_CHANGED;

	for (size_t i = 0; i < n; i++)
		if ((host == STATEREAD_FARM || changed[i].host == host) &&
		    changed[i].minute < oldest)
			oldest = changed[i].minute;
	return oldest;
}

/* Each host's cells have an age of their own. Of the farm all are there where those of each
 * host are that lost any: one that came later has all of its own. Longer ago than any picture shows is a stamp gone wrong. */
static void
find_kept(const struct stateread_host *hosts, size_t n, int host, struct rrd_minutes *m)
{
	enum { MOST = 400 * 1440 };
	int64_t first = INT64_MAX, kept = m->limit - m->limit % 1440 - MOST;

	for (size_t i = 0; i < n; i++) {
		if (host != STATEREAD_FARM && hosts[i].id != host)
			continue;
		first = hosts[i].first / 60 < first ? hosts[i].first / 60 : first;
		if (hosts[i].kept > hosts[i].first / 60)
			kept = hosts[i].kept > kept ? hosts[i].kept : kept;
	}
	m->dropped = kept > first;
	m->kept = m->dropped ? kept : first;
}

static void
not_drawn(struct rrd_changed *changed, size_t n, int host)
{
	for (size_t i = 0; i < n; i++)
		if (host == STATEREAD_FARM || changed[i].host == host)
			changed[i].drawn = false;
}

bool
rrd_store_begin(struct rrd_store *s, struct stateread *r, struct rrd_changed *changed,
    size_t n_changed, struct err *e)
{
	const struct stateread_host *hosts;
	size_t n, begin = 0;

	for (size_t i = 0; i < n_changed; i++)
		changed[i].drawn = false;
	s->n_order = s->at = 0;
	if (!stateread_hosts(r, &hosts, &n, e))
		return false;
	for (size_t i = 0; i < n_changed; i++)
		changed[i].drawn = true;
	s->changed = changed;
	s->n_changed = n_changed;
	s->order = xreallocarray(s->order, n + 1, sizeof *s->order);
	s->n_order = n > 0 ? n + 1 : 0;
	for (size_t i = 0; i < n; i++)
		if (hosts[i].id == s->begin)
			begin = i;
	if (s->begin == STATEREAD_FARM)
		begin = n;
	for (size_t k = 0; k < s->n_order; k++) {
		size_t i = (begin + k) % s->n_order;

		s->order[k] = i == n ? STATEREAD_FARM : hosts[i].id;
	}
	s->all = true;
	if (s->make.cached != NULL)
		cached_round(s->make.cached);
	return true;
}

static void
fault(struct rrd_store *s, int host, const struct err *why)
{
	if (s->all) {
		err_set(&s->why, "%s", why->text);
		s->begin = host;
	}
	s->all = false;
	not_drawn(s->changed, s->n_changed, host);
}

bool
rrd_store_step(struct rrd_store *s, struct stateread *r, int64_t now)
{
	const struct stateread_host *hosts;
	struct rrd_minutes m = { .name = NULL };
	struct source from = { .r = r };
	struct stateread_run run;
	struct err why;
	size_t n;

	if (s->at == s->n_order)
		return false;
	from.host = s->order[s->at++];
	if (!stateread_hosts(r, &hosts, &n, &why) || !stateread_run(r, &run, &why)) {
		fault(s, from.host, &why);
		return true;
	}
	m.name = from.host == STATEREAD_FARM ? HOST_FARM : NULL;
	m.clock_unsure = run.clock_jumped != 0;
	m.clock_sure = run.clock_sure;
	for (size_t i = 0; i < n; i++) {
		if (hosts[i].id == from.host)
			m.name = hosts[i].name;
		if (hosts[i].id == from.host || from.host == STATEREAD_FARM)
			m.sampled = m.sampled || hosts[i].sampled > 0;
	}
	rrd_closed(hosts, n, from.host, now, &m);
	find_kept(hosts, n, from.host, &m);
	if (m.name == NULL || m.limit <= m.kept)
		return true;	/* silent for longer than cells are kept */
	if (!update_host(s, &from, &m, oldest_change(s->changed, s->n_changed, from.host), now, &why))
		fault(s, from.host, &why);
	return true;
}

bool
rrd_store_end(struct rrd_store *s, struct err *e)
{
	if (s->all && s->at < s->n_order) {
		s->all = false;
		s->begin = s->order[s->at];
		err_set(&s->why, "%zu of %zu hosts did not have their turn", s->n_order - s->at,
		    s->n_order);
	}
	for (; s->at < s->n_order; s->at++)
		not_drawn(s->changed, s->n_changed, s->order[s->at]);
	s->changed = NULL;
	s->n_changed = s->n_order = s->at = 0;
	return s->all || err_set(e, "%s", s->why.text);
}

void
rrd_folder(const char *host, char out[RRD_FOLDER_BYTES])
{
	static const struct hash_key key = { { 0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9,
	    0x94d049bb133111eb, 0xd6e8feb86659fd93 } };
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
	struct buf t = buf_new(4 * PATH_BYTES);

	if (strcmp(host, HOST_FARM) == 0) {
		(void)snprintf(out, RRD_FOLDER_BYTES, "%s", HOST_FARM);
		return;
	}
	for (const char *c = host; *c != '\0'; c++) {
		if (strchr(plain, *c) != NULL || (c > host && (*c == '.' || *c == '_')))
			buf_char(&t, *c);
		else
			buf_fmt(&t, "%%%02X", (unsigned char)*c);
	}
	if (t.n == 0)
		buf_str(&t, "%00");	/* a host without a name */
	if (t.n <= 200)
		(void)snprintf(out, RRD_FOLDER_BYTES, "%s", t.p);
	else
		(void)snprintf(out, RRD_FOLDER_BYTES, "%.200s-%016llx", t.p,
		    (unsigned long long)hash_bytes(&key, slice_of(host)));
	buf_free(&t);
}

void
rrd_store_lists(const struct rrd_store *s, size_t *most, size_t *left_out)
{
	*most = s->lists;
	*left_out = s->left_out;
}

void
rrd_store_close(struct rrd_store *s)
{
	if (s == NULL)
		return;
	rrdmake_free(&s->make);
	free(s->known);
	free(s->order);
	free(s->dir);
	free(s);
}

struct rrd_store *
rrd_store_open(const struct rrd_options *o, struct err *e)
{
	struct rrd_store *s;
	char real[PATH_BYTES];

	if (!librrd_load(e))
		return NULL;
	if (mkdir(o->dir, 0755) != 0 && errno != EEXIST) {
		err_set(e, "make the folder %s: %s", o->dir, strerror(errno));
		return NULL;
	}
	if (realpath(o->dir, real) == NULL || strlen(real) > PATH_BYTES - 600) {
		err_set(e, "open the folder %s: %s", o->dir, strerror(errno));
		return NULL;
	}
	s = xcalloc(1, sizeof *s);
	s->o = *o;
	s->dir = xstrdup(real);		/* rrdcached wants absolute names */
	rrdmake_init(&s->make);
	if (o->cached != NULL) {
		s->make.cached = cached_new(o->cached, real, o->cached_wait_ms, e);
		if (s->make.cached == NULL) {
			rrd_store_close(s);
			return NULL;
		}
	}
	s->make.note = o->note;
	s->make.note_arg = o->note_arg;
	return s;
}
