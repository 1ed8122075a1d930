/* state_tops.c - the top tables on disk.
 *
 * What a commit brings is a row of top_log, some hundred bytes; once a minute those rows are added to
 * table top, whose rows are large, and go. Who reads sees them then. So no commit writes much, and none
 * leaves anything in memory that could be lost. */
#include "buf.h"
#include "flow/origin.h"
#include "flow/top.h"
#include "store/state_db.h"
#include "toplist.h"

#include "poison.h"

enum { LOG_MAX = 256 << 20 };

struct storing {
	struct state *s;
	struct err *e;
	struct buf out;
	struct tops *tops;		/* lists of the log */
	struct origins *origins;	/* corrections of networks, of both */
};

/* --- tables ---------------------------------------------------------------------------------- */

/* Add to sum what is stored of it. */
static bool
read_top(struct storing *w, unsigned host, int64_t hour, enum top_kind kind, struct toplist *sum)
{
	sqlite3_stmt *get = w->s->get_top;
	bool found;

	sqlite3_bind_int64(get, 1, host);
	sqlite3_bind_int64(get, 2, hour);
	sqlite3_bind_int(get, 3, (int)kind);
	if (!db_find(w->s, get, &found, w->e))
		return false;
	if (found)
		(void)toplist_decode(sum, db_blob(get, 0));
	(void)sqlite3_reset(get);
	return true;
}

/* In its place; sum is freed. */
static bool
write_top(struct storing *w, unsigned host, int64_t hour, enum top_kind kind, struct toplist *sum)
{
	sqlite3_stmt *put = w->s->put_top;
	bool good;

	buf_clear(&w->out);
	toplist_encode(sum, &w->out);
	sqlite3_bind_int64(put, 1, host);
	sqlite3_bind_int64(put, 2, hour);
	sqlite3_bind_int(put, 3, (int)kind);
	sqlite3_bind_blob(put, 4, w->out.p, (int)w->out.n, SQLITE_STATIC);
	good = db_step(w->s, put, "write", w->e);
	toplist_free(sum);
	return good;
}

static bool
put_top(void *arg, unsigned host, int64_t hour, enum top_kind kind, struct toplist *list)
{
	struct toplist sum;

	toplist_init(&sum);
	if (!read_top(arg, host, hour, kind, &sum))
		return false;
	toplist_merge(&sum, list);
	return write_top(arg, host, hour, kind, &sum);
}

/* Corrections: of one host, hour and kind. */
static bool
put_origins(void *arg, const struct origin *list, size_t n)
{
	struct toplist sum;

	toplist_init(&sum);
	if (!read_top(arg, list->host, list->hour, (enum top_kind)list->kind, &sum))
		return false;
	for (size_t i = 0; i < n; i++) {
		char text[ORIGIN_TEXT];
		struct slice net = origin_text(&list[i], text);
		int64_t size = list[i].n < 0 ? -list[i].n : list[i].n;
		uint32_t times = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;

		if (list[i].n > 0)
			toplist_add(&sum, net, times);
		else
			toplist_take(&sum, net, times);
	}
	return write_top(arg, list->host, list->hour, (enum top_kind)list->kind, &sum);
}

/* --- the log --------------------------------------------------------------------------------- */

static void
log_head(struct buf *b, unsigned host, int64_t hour, unsigned kind, size_t n)
{
	buf_varint(b, host);
	buf_zigzag(b, hour);
	buf_varint(b, kind);
	buf_varint(b, n);
}

static bool
log_list(void *arg, unsigned host, int64_t hour, enum top_kind kind, struct toplist *list)
{
	struct buf *log = arg, b = buf_new(LOG_MAX);

	toplist_encode(list, &b);
	log_head(log, host, hour, kind, b.n);
	buf_add(log, buf_slice(&b));
	buf_free(&b);
	return true;
}

static bool
log_origins(void *arg, const struct origin *list, size_t n)
{
	struct buf *log = arg;

	log_head(log, list->host, list->hour, list->kind, n);
	for (size_t i = 0; i < n; i++) {
		buf_varint(log, list[i].family);
		buf_varint(log, list[i].net);
		buf_zigzag(log, list[i].n);
	}
	return true;
}

static bool
write_log(struct state *s, struct tops *tops, struct origins *origins, struct err *e)
{
	struct buf lists = buf_new(LOG_MAX), networks = buf_new(LOG_MAX);
	sqlite3_stmt *st;
	bool good = true;

	(void)tops_each(tops, log_list, &lists);
	(void)origins_each(origins, log_origins, &networks);
	if (lists.n + networks.n > 0) {
		st = db_prepare(s, "INSERT INTO top_log(lists, networks) VALUES(?1,?2)", e);
		good = st != NULL;
		if (good) {
			sqlite3_bind_blob(st, 1, lists.p, (int)lists.n, SQLITE_STATIC);
			sqlite3_bind_blob(st, 2, networks.p, (int)networks.n, SQLITE_STATIC);
			good = db_step(s, st, "write", e);
		}
		sqlite3_finalize(st);
	}
	buf_free(&lists);
	buf_free(&networks);
	return good;
}

/* Whose an entry of the log is, and how large; false at the end, or if it is damaged. */
static bool
take_head(struct slice *log, struct origin *o, uint64_t *n)
{
	uint64_t host, kind;

	if (!slice_varint(log, &host) || !slice_zigzag(log, &o->hour) || !slice_varint(log, &kind) ||
	    !slice_varint(log, n) || host >= HOSTS_MAX || kind >= TOP_KIND_N)
		return false;
	o->host = (uint16_t)host;
	o->kind = (uint8_t)kind;
	return true;
}

/* A damaged rest is left out: it is the tables' beginnings of one minute. */
static void
take_lists(struct storing *w, struct slice log)
{
	struct origin o;
	uint64_t n;

	while (take_head(&log, &o, &n) && n <= log.n) {
		(void)toplist_decode(tops_list(w->tops, o.host, o.hour, (enum top_kind)o.kind),
		    slice_head(log, (size_t)n));
		log = slice_from(log, (size_t)n);
	}
}

static void
take_networks(struct storing *w, struct slice log)
{
	struct origin o = { .n = 0 };
	uint64_t n, family;

	while (take_head(&log, &o, &n))
		for (; n > 0; n--) {
			if (!slice_varint(&log, &family) || !slice_varint(&log, &o.net) || !slice_zigzag(&log, &o.n))
				return;
			o.family = (uint8_t)family;
			origins_put(w->origins, &o);
		}
}

/* *any: there was something. */
static bool
read_log(struct storing *w, bool *any)
{
	sqlite3_stmt *st = db_prepare(w->s, "SELECT lists, networks FROM top_log", w->e);
	int rc;

	if (st == NULL)
		return false;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		*any = true;
		take_lists(w, db_blob(st, 0));
		take_networks(w, db_blob(st, 1));
	}
	return db_end(w->s, st, rc, w->e);
}

static bool
gather_origins(void *arg, const struct origin *list, size_t n)
{
	struct storing *w = arg;

	for (size_t i = 0; i < n; i++)
		origins_put(w->origins, &list[i]);
	return true;
}

/* Tops and origins themselves stay as they are: the commit may fail. */
bool
tops_store(struct state *s, struct tops *tops, struct origins *origins, bool whole, struct err *e)
{
	struct storing w = { .s = s, .e = e };
	bool any = false, good;

	if (!whole)
		return write_log(s, tops, origins, e);
	w.out = buf_new(LOG_MAX);
	w.tops = tops_new();
	w.origins = origins_new();
	good = read_log(&w, &any);
	if (good && any) {
		/* a correction may take back what the log has: only their sums are sure to be no less than 0 */
		(void)origins_each(origins, gather_origins, &w);
		origins = w.origins;
	}
	good = good && tops_each(w.tops, put_top, &w) && tops_each(tops, put_top, &w) &&
	    origins_each(origins, put_origins, &w) && (!any || db_run(s, "DELETE FROM top_log", e));
	tops_free(w.tops);
	origins_free(w.origins);
	buf_free(&w.out);
	return good;
}
