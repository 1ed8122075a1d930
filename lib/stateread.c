/* stateread.c - see stateread.h. The schema is in collector/store/state.c. */
#include "stateread_priv.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host.h"
#include "mem.h"
#include "stateread_mem.h"
#include "toplist.h"

#include "poison.h"

enum { STATE_VERSION = 9 };

static bool brief;	/* this program is */

bool
stateread_fail(struct stateread *r, struct err *e)
{
	int rc = sqlite3_errcode(r->db);

	if (rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB)
		return err_set(e, "%s/state.db is damaged (%s); " STATEREAD_MEND, r->dir,
		    sqlite3_errmsg(r->db));
	if (rc == SQLITE_READONLY || rc == SQLITE_CANTOPEN)
		return err_set(e, "%s/state.db cannot be read without the files state.db-wal and state.db-shm of it, "
		    "and this user may not; copies are made with \"mxgauge backup\"", r->dir);
	return err_set(e, "read %s/state.db: %s", r->dir, sqlite3_errmsg(r->db));
}

sqlite3_stmt *
stateread_prepare(struct stateread *r, const char *sql, struct err *e)
{
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(r->db, sql, -1, &st, NULL) != SQLITE_OK)
		(void)stateread_fail(r, e);
	return st;
}

sqlite3_stmt *
stateread_borrow(struct stateread *r, const char *sql, struct err *e)
{
	for (size_t i = 0; i < KEPT_MAX; i++) {
		sqlite3_stmt *st = r->kept[i].st;

		if (st == NULL || r->kept[i].sql != sql)
			continue;
		r->kept[i].st = NULL;
		return st;
	}
	return stateread_prepare(r, sql, e);
}

void
stateread_give_back(struct stateread *r, const char *sql, sqlite3_stmt *st)
{
	(void)sqlite3_reset(st);
	for (size_t i = 0; i < KEPT_MAX; i++)
		if (r->kept[i].st == NULL) {
			r->kept[i].sql = sql;
			r->kept[i].st = st;
			return;
		}
	sqlite3_finalize(st);
}

static bool
check_version(struct stateread *r, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int version = -1, rc;

	rc = sqlite3_prepare_v2(r->db, "SELECT key='version', value FROM meta WHERE key IN ('version','metrics')",
	    -1, &st, NULL);
	if (rc != SQLITE_OK && rc != SQLITE_ERROR)
		return stateread_fail(r, e);
	while (st != NULL && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		if (sqlite3_column_int(st, 0))
			version = sqlite3_column_int(st, 1);
		else
			r->metrics_known = sqlite3_column_int64(st, 1) == metric_fingerprint();
	}
	sqlite3_finalize(st);
	if (st != NULL && rc != SQLITE_DONE)
		return stateread_fail(r, e);
	if (version < 0)
		return err_set(e, "%s/state.db is no state of mxgauge", r->dir);
	if (version < STATE_VERSION)
		return err_set(e, "%s/state.db is of an older release (version %d, now %d): start mxgauged "
		    "or run \"mxgauge import\" once, and it is brought up to date", r->dir, version,
		    STATE_VERSION);
	if (version != STATE_VERSION)
		return err_set(e, "%s/state.db has version %d, this program reads version %d; use programs "
		    "of the same release", r->dir, version, STATE_VERSION);
	return true;
}

static bool
read_metrics(struct stateread *r, struct err *e)
{
	sqlite3_stmt *st;
	int rc;

	if (r->metrics_known)
		return true;
	st = stateread_prepare(r, "SELECT id, name FROM metric ORDER BY id", e);
	if (st == NULL)
		return false;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		size_t id = (size_t)sqlite3_column_int(st, 0);
		enum metric m;

		if (id >= CELL_DELAY)
			break;
		r->metric = xreallocarray(r->metric, id + 1, sizeof *r->metric);
		while (r->metrics_n <= id)
			r->metric[r->metrics_n++] = METRIC_N;
		if (id < METRIC_N && slice_eq(stateread_blob(st, 1), slice_of(metrics[id].name)))
			r->metric[id] = (enum metric)id;	/* as nearly always */
		else if (metric_by_name(stateread_blob(st, 1), &m))
			r->metric[id] = m;
	}
	for (size_t id = 0; id < r->metrics_n; id++)
		r->renumbered |= r->metric[id] != (enum metric)id;
	sqlite3_finalize(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE || stateread_fail(r, e);
}

/* Most who ask want none. If they cannot be read they are unknown. */
static void
read_words(struct stateread *r)
{
	sqlite3_stmt *st = NULL;

	if (!r->words_read)
		st = stateread_prepare(r, "SELECT text, id FROM word ORDER BY id", NULL);
	r->words_read = true;
	while (st != NULL && sqlite3_step(st) == SQLITE_ROW) {
		if (sqlite3_column_int64(st, 1) >= STATEREAD_PROGRAMS && r->programs < PROGRAMS_MAX)
			r->program[r->programs++] = arena_slice(&r->text, stateread_blob(st, 0));
		if (sqlite3_column_int64(st, 1) >= STATEREAD_PROGRAMS)
			continue;
		if ((r->words & 63) == 0)
			r->word = xreallocarray(r->word, r->words + 64, sizeof *r->word);
		r->word[r->words++] = arena_slice(&r->text, stateread_blob(st, 0));
	}
	sqlite3_finalize(st);
}

void
stateread_freeze(struct stateread *r)
{
	/* if it fails nothing is lost: reads then see the newest commit each */
	(void)sqlite3_exec(r->db, "BEGIN", NULL, NULL, NULL);
}

/* All that is read at the start is of one commit. */
static bool
read_start(struct stateread *r, struct err *e)
{
	stateread_freeze(r);
	if (!check_version(r, e))
		return false;
	/* most pages are read once, and memory that was never touched costs more than to read one again */
	if (brief)
		(void)sqlite3_exec(r->db, "PRAGMA cache_size = -64", NULL, NULL, NULL);
	return read_metrics(r, e);
}

void
stateread_briefly(void)
{
	(void)sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	(void)sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
	stateread_mem_begin();
	brief = true;
}

bool
stateread_is_copy(struct sqlite3 *db)
{
	unsigned char head[20];		/* sqlite.org/fileformat2.html, 1.3.3: the last two are 2 where it has a log */
	sqlite3_file *f = NULL;

	return sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &f) == SQLITE_OK && f != NULL &&
	    f->pMethods != NULL && f->pMethods->xRead(f, head, sizeof head, 0) == SQLITE_OK &&
	    head[18] == 1 && head[19] == 1;
}

/* A backup that was put in place, and what the state before it left there. */
static bool
has_others_log(const struct stateread *r, const char *path)
{
	char log[4096 + 8];
	struct stat st;

	(void)snprintf(log, sizeof log, "%s-wal", path);
	return stateread_is_copy(r->db) && stat(log, &st) == 0 && st.st_size > 0;
}

struct stateread *
stateread_open_frozen(const char *dir, struct err *e)
{
	struct stateread *r = xcalloc(1, sizeof *r);
	char path[4096];

	r->dir = xstrdup(dir);
	(void)snprintf(path, sizeof path, "%s/state.db", dir);
	if (access(path, R_OK) != 0) {
		int why = errno;

		(void)err_set(e, why == ENOENT ? "there is no state in %s: is --state right, and has "
		    "mxgauged or \"mxgauge import\" run?" : why == EACCES ? "%s/state.db may not be read "
		    "by this user (uid %u); put that user into the group that \"ls -ld %s\" shows" :
		    "%s/state.db cannot be read", dir, (unsigned)geteuid(), dir);
		stateread_close(r);
		return NULL;
	}
	if (sqlite3_open_v2(path, &r->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK) {
		(void)stateread_fail(r, e);
		stateread_close(r);
		return NULL;
	}
	(void)sqlite3_busy_timeout(r->db, 3000);
	if (has_others_log(r, path)) {
		(void)err_set(e, "%s/state.db is a backup, and the file state.db-wal beside it is of the state before: "
		    "start mxgauged, or remove state.db-wal and state.db-shm", dir);
		stateread_close(r);
		return NULL;
	}
	if (!read_start(r, e)) {
		stateread_close(r);
		return NULL;
	}
	return r;
}

struct stateread *
stateread_open(const char *dir, struct err *e)
{
	struct stateread *r = stateread_open_frozen(dir, e);

	if (r != NULL)
		(void)sqlite3_exec(r->db, "COMMIT", NULL, NULL, NULL);
	return r;
}

struct stateread *
stateread_on(struct sqlite3 *db, const char *dir, struct err *e)
{
	struct stateread *r = xcalloc(1, sizeof *r);

	r->dir = xstrdup(dir);
	r->db = db;
	r->borrowed = true;
	if (!check_version(r, e) || !read_metrics(r, e)) {
		stateread_close(r);
		return NULL;
	}
	return r;
}

void
stateread_close(struct stateread *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < KEPT_MAX; i++)
		sqlite3_finalize(r->kept[i].st);
	if (!r->borrowed)
		(void)sqlite3_close(r->db);
	toplist_free(&r->top);
	free(r->host);
	free(r->source);
	free(r->word);
	free(r->metric);
	free(r->dir);
	arena_free(&r->text);
	free(r);
}

struct sqlite3 *
stateread_db(struct stateread *r)
{
	return r->db;
}

int64_t
stateread_committed_at(struct stateread *r)
{
	sqlite3_stmt *st = stateread_prepare(r, "SELECT value FROM run WHERE key='committed_at'", NULL);
	int64_t at = 0;

	if (st != NULL && sqlite3_step(st) == SQLITE_ROW)
		at = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return at;
}

bool
stateread_hosts(struct stateread *r, const struct stateread_host **hosts, size_t *n, struct err *e)
{
	sqlite3_stmt *st;
	int rc;

	if (!r->hosts_read) {
		st = stateread_prepare(r, "SELECT id, name, first, newest, kept, skew, sampled FROM host"
		    " ORDER BY name", e);
		if (st == NULL)
			return false;
		while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
			struct stateread_host *h;

			if (sqlite3_column_int64(st, 3) <= 0 && sqlite3_column_int64(st, 6) <= 0)
				continue;	/* one that only others spoke of */
			r->host = xreallocarray(r->host, r->hosts + 1, sizeof *r->host);
			h = &r->host[r->hosts++];
			*h = (struct stateread_host){ .id = sqlite3_column_int(st, 0),
				.first = sqlite3_column_int64(st, 2),
				.newest = sqlite3_column_int64(st, 3),
				.kept = sqlite3_column_int64(st, 4),
				.skew = sqlite3_column_int64(st, 5),
				.sampled = sqlite3_column_int64(st, 6) };
			(void)snprintf(h->name, sizeof h->name, "%s", sqlite3_column_text(st, 1));
		}
		sqlite3_finalize(st);
		if (rc != SQLITE_DONE)
			return stateread_fail(r, e);
		r->hosts_read = true;
	}
	*hosts = r->host;
	*n = r->hosts;
	return true;
}

const struct stateread_host *
stateread_host_named(const struct stateread_host *hosts, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (host_meant(slice_of(name), slice_of(hosts[i].name)))
			return &hosts[i];
	return NULL;
}

int64_t
stateread_newest(const struct stateread_host *hosts, size_t n, int host)
{
	int64_t newest = 0;

	for (size_t i = 0; i < n; i++)
		if ((host == STATEREAD_FARM || hosts[i].id == host) && hosts[i].newest > newest)
			newest = hosts[i].newest;
	return newest;
}

int64_t
stateread_minutes_from(const struct stateread_host *hosts, size_t n, int host)
{
	int64_t from = 0;

	for (size_t i = 0; i < n; i++)
		if ((host == STATEREAD_FARM || hosts[i].id == host) && hosts[i].kept > from)
			from = hosts[i].kept;
	return from;
}

/* The state's number of what a key is of, to the enum's; METRIC_N: no longer known. Others stay. */
static uint32_t
number_of(const struct stateread *r, uint32_t key)
{
	return key >= CELL_DELAY ? key : key < r->metrics_n ? r->metric[key] : METRIC_N;
}

static void
renumber(struct stateread *r, struct cell *c)
{
	struct cell out = { 0 };

	for (uint32_t i = 0; i < c->n; i++) {
		uint32_t key = number_of(r, c->pair[i].key % CELL_HOP);

		if (key != METRIC_N)
			cell_add(&out, key + c->pair[i].key / CELL_HOP * CELL_HOP, c->pair[i].n);
	}
	cell_free(c);
	*c = out;
}

enum table { CELLS, HOURS };

/* Who takes the rows: a function, or a sum. */
struct taker {
	stateread_minute_fn *f;
	void *arg;
	struct cell_sum *sum;
	struct cell cell;
	bool stop;		/* f wants no more */
};

/* False: it is damaged. */
static bool
take_row(struct stateread *r, struct taker *t, int host, int row_host, int64_t minute, struct slice pairs)
{
	uint64_t below = r->only_metrics ? CELL_DELAY : UINT64_MAX;

	if (t->sum != NULL && !r->renumbered)
		return cell_sum_blob(t->sum, pairs, below);
	if (!cell_decode_below(pairs, below, &t->cell))
		return false;
	if (r->renumbered)
		renumber(r, &t->cell);
	if (t->sum != NULL) {
		cell_sum_add(t->sum, &t->cell);
		return true;
	}
	if (host >= 0)
		cell_whose(&t->cell, false);
	t->stop = !t->f(t->arg, row_host, minute, &t->cell);
	return true;
}

/* Rows have the key (minute or hour) * 65536 + host. Of all hosts the cells still have what is
 * no count of the farm's, and so have sums. */
static bool
each_row(struct stateread *r, enum table table, int host, int64_t from, int64_t to, struct taker *t,
    struct err *e)
{
	static const char *const sqls[] = {
		[CELLS] = "SELECT at, pairs FROM cell WHERE at >= ?1 AND at < ?2 ORDER BY at",
		[HOURS] = "SELECT at, pairs FROM hour WHERE at >= ?1 AND at < ?2 ORDER BY at",
	};
	struct stateread_rows rows;
	bool good = true;
	int rc = SQLITE_ROW;
	int64_t at;

	if (from >= to)
		return true;
	if (!stateread_rows_begin(&rows, r, sqls[table], host, from, to, e))
		return false;
	while (good && !t->stop && (rc = stateread_rows_next(&rows, &at)) == SQLITE_ROW) {
		int64_t minute = (at >> 16) * (table == HOURS ? 60 : 1);

		if (!take_row(r, t, host, (int)(at & 65535), minute, stateread_blob(rows.st, 1)))
			good = err_set(e, "%s/state.db is damaged: a cell cannot be read; " STATEREAD_MEND, r->dir);
	}
	if (good && rc != SQLITE_ROW && rc != SQLITE_DONE)
		good = stateread_fail(r, e);
	stateread_rows_end(&rows);
	cell_free(&t->cell);
	return good;
}

static bool
add_up(struct stateread *r, enum table table, int host, int64_t from, int64_t to,
    struct cell *sum, struct err *e)
{
	struct cell_sum all = { { NULL }, { 0 } };
	struct taker t = { .sum = &all };
	bool good = each_row(r, table, host, from, to, &t, e);

	cell_sum_end(&all, sum);
	cell_whose(sum, host == STATEREAD_FARM);
	return good;
}

bool
stateread_sum(struct stateread *r, int host, int64_t from, int64_t to, struct cell *sum,
    struct err *e)
{
	return add_up(r, CELLS, host, from, to, sum, e);
}

bool
stateread_sum_hours(struct stateread *r, int host, int64_t from, int64_t to, struct cell *sum,
    struct err *e)
{
	return add_up(r, HOURS, host, from, to, sum, e);
}

static bool
each_part(struct stateread *r, int host, int64_t from, int64_t to, struct taker *t, struct err *e)
{
	int64_t first = (from + 59) / 60, last = to / 60;

	if (first >= last)
		return each_row(r, CELLS, host, from, to, t, e);
	return each_row(r, CELLS, host, from, first * 60, t, e) &&
	    (t->stop || each_row(r, HOURS, host, first, last, t, e)) &&
	    (t->stop || each_row(r, CELLS, host, last * 60, to, t, e));
}

bool
stateread_parts(struct stateread *r, int host, int64_t from, int64_t to, stateread_minute_fn *f,
    void *arg, struct err *e)
{
	struct taker t = { .f = f, .arg = arg };

	return each_part(r, host, from, to, &t, e);
}

void
stateread_only_metrics(struct stateread *r, bool only)
{
	r->only_metrics = only;
}

bool
stateread_whole(struct stateread *r, int host, int64_t from, int64_t to, struct cell *sum, struct err *e)
{
	struct cell_sum all = { { NULL }, { 0 } };
	struct taker t = { .sum = &all };
	bool good = each_part(r, host, from, to, &t, e);

	cell_sum_end(&all, sum);
	cell_whose(sum, host == STATEREAD_FARM);
	return good;
}

bool
stateread_rows(struct stateread *r, int host, int64_t from, int64_t to, stateread_minute_fn *f, void *arg,
    struct err *e)
{
	struct taker t = { .f = f, .arg = arg };

	return each_row(r, CELLS, host, from, to, &t, e);
}

/* For the farm the cells of all hosts in a minute are one. */
struct joining {
	stateread_minute_fn *f;
	void *arg;
	struct cell sum;
	int64_t minute;
	bool any, stop;
};

static bool
join_row(void *arg, int host, int64_t minute, const struct cell *c)
{
	struct joining *j = arg;

	(void)host;
	if (j->any && minute != j->minute) {
		cell_whose(&j->sum, true);
		if (!j->f(j->arg, STATEREAD_FARM, j->minute, &j->sum)) {
			j->stop = true;
			return false;
		}
		cell_clear(&j->sum);
	}
	j->any = true;
	j->minute = minute;
	cell_join(&j->sum, c);
	return true;
}

bool
stateread_minutes(struct stateread *r, int host, int64_t from, int64_t to, stateread_minute_fn *f,
    void *arg, struct err *e)
{
	struct joining j = { .f = f, .arg = arg };
	struct taker t = { .f = host >= 0 ? f : join_row, .arg = host >= 0 ? arg : &j };
	bool good = each_row(r, CELLS, host, from, to, &t, e);

	if (host >= 0)
		return good;
	cell_whose(&j.sum, true);
	if (good && j.any && !j.stop)
		(void)f(arg, STATEREAD_FARM, j.minute, &j.sum);
	cell_free(&j.sum);
	return good;
}

bool
stateread_span(struct stateread *r, int64_t *first, int64_t *last)
{
	sqlite3_stmt *st = stateread_prepare(r,
	    "SELECT (SELECT min(at) FROM cell), (SELECT max(at) FROM cell)", NULL);
	bool found = st != NULL && sqlite3_step(st) == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL;

	if (found) {
		*first = sqlite3_column_int64(st, 0) >> 16;
		*last = sqlite3_column_int64(st, 1) >> 16;
	}
	sqlite3_finalize(st);
	return found;
}

/* The first of a host in a table of cells. */
static bool
oldest_row(struct stateread *r, const char *sql, int host, int64_t *oldest)
{
	struct stateread_rows rows;
	int64_t at;
	bool found;

	if (!stateread_rows_begin(&rows, r, sql, host, 0, INT64_MAX / 65536, NULL))
		return false;
	found = stateread_rows_next(&rows, &at) == SQLITE_ROW;
	if (found)
		*oldest = at >> 16;
	stateread_rows_end(&rows);
	return found;
}

bool
stateread_oldest(struct stateread *r, int host, int64_t *minute)
{
	return oldest_row(r, "SELECT at FROM cell WHERE at >= ?1 AND at < ?2 ORDER BY at", host, minute);
}

int64_t
stateread_begin(struct stateread *r, const struct stateread_host *hosts, size_t n, int host)
{
	int64_t first = INT64_MAX, hour;

	for (size_t i = 0; i < n; i++)
		if ((host == STATEREAD_FARM || hosts[i].id == host) && hosts[i].first < first)
			first = hosts[i].first;
	if (first != INT64_MAX && oldest_row(r, "SELECT at FROM hour WHERE at >= ?1 AND at < ?2 ORDER BY at", host,
	    &hour) && hour > first / 3600)
		return hour * 3600;
	return first;
}

struct slice
stateread_word(struct stateread *r, uint32_t word)
{
	read_words(r);
	return word < r->words ? r->word[word] : (struct slice){ "", 0 };
}

struct slice
stateread_program(struct stateread *r, uint32_t program)
{
	read_words(r);
	return program < r->programs ? r->program[program] : (struct slice){ "", 0 };
}

sqlite3_stmt *
stateread_prepare_span(struct stateread *r, const char *of_host, const char *of_all, int host, int64_t from,
    int64_t to)
{
	sqlite3_stmt *st = stateread_borrow(r, host >= 0 ? of_host : of_all, NULL);

	if (st == NULL)
		return NULL;
	sqlite3_bind_int64(st, 1, from);
	sqlite3_bind_int64(st, 2, to);
	if (host >= 0)
		sqlite3_bind_int(st, 4, host);
	return st;
}
