/* state_wal.c - see state_wal.h.
 *
 * What is appended to the log waits in a buffer until that is full, or the last page of a
 * transaction is in it: its frame says so. So a commit is in the kernel's hands before SQLite
 * tells anybody of it, and a write that fails does so within its transaction. Everything that is
 * no appending, to read, to change a frame once more, to sync, writes the buffer first.
 *
 * Pages that are moved from the log into the database wait in a buffer as long as each is the next
 * of the file, but only when the whole log is moved: then SQLite truncates and syncs the database
 * before it takes any page for moved, and hears of a write that failed. While a reader needs what
 * is older, a part of the log is moved, and the last page of it is taken for moved at once. Other
 * files than these are left to the system's own functions. */
#include "store/state_wal.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

#include "poison.h"

enum {
	BUFFER_BYTES = 64 * 1024,	/* the page cache takes such whole ones the quickest */
	FRAME_HEAD_BYTES = 24,		/* sqlite.org/fileformat2.html, 4.1 */
	FRAME_COMMIT = 4,		/* there: pages of the database, in the last frame of a commit */
	MOVING_LOCK = 1			/* sqlite.org/walformat.html, 2.3: held while pages are moved */
};

struct file {
	sqlite3_file base;
	sqlite3_file *real;		/* lies behind this struct */
	sqlite3_int64 at;		/* where the buffer goes */
	int n;
	char *buffer;
	/* of the log alone */
	sqlite3_int64 end;		/* what is written from here on is appended */
	sqlite3_int64 read_to;		/* what was read last ended here */
	int ahead;			/* bytes in the buffer that were read ahead, from at on; then n is 0 */
	bool last;			/* the page that follows ends a transaction */
	/* of the database alone */
	bool whole;			/* the whole log is being moved into it */
};

static struct {
	sqlite3_vfs vfs;
	sqlite3_vfs *real;
} wal;

static int
flush(struct file *l)
{
	int n = l->n;

	l->n = 0;
	return n == 0 ? SQLITE_OK : l->real->pMethods->xWrite(l->real, l->buffer, n, l->at);
}

/* Into the buffer, which is written when this is not what follows, and whenever it is full: at
 * multiples of its size. */
static int
gather(struct file *l, const char *p, int n, sqlite3_int64 at)
{
	int rc = at != l->at + l->n ? flush(l) : SQLITE_OK;

	l->ahead = 0;
	if (l->n == 0)
		l->at = at;
	while (n > 0 && rc == SQLITE_OK) {
		int room = BUFFER_BYTES - (int)(at % BUFFER_BYTES), some = n < room ? n : room;

		memcpy(l->buffer + l->n, p, (size_t)some);
		l->n += some;
		p += some;
		n -= some;
		at += some;
		if (some == room) {
			rc = flush(l);
			l->at = at;
		}
	}
	return rc;
}

/* --- the database's log -------------------------------------------------------------- */

static bool
is_last(const char *head)
{
	static const char none[4];

	return memcmp(head + FRAME_COMMIT, none, sizeof none) != 0;
}

static int
append(struct file *l, const void *p, int n, sqlite3_int64 at)
{
	int rc = gather(l, p, n, at);

	if (rc != SQLITE_OK)
		return rc;
	l->end = at + n;
	if (n == FRAME_HEAD_BYTES)
		l->last = is_last(p);
	else if (l->last)
		return flush(l);
	return SQLITE_OK;
}

static int
log_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	struct file *l = (struct file *)f;
	int rc;

	if (at == 0)
		l->end = 0;	/* all of it is in the database: the log begins anew */
	if (at >= l->end)
		return append(l, p, n, at);
	rc = flush(l);
	l->ahead = 0;
	return rc == SQLITE_OK ? l->real->pMethods->xWrite(l->real, p, n, at) : rc;
}

/* Pages that are moved into the database are read one behind the other. Only we write
 * here, so that what was read ahead stays true until we do. */
static int
log_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	struct file *l = (struct file *)f;
	bool next = at >= l->read_to && at <= l->read_to + FRAME_HEAD_BYTES;
	int rc = flush(l);

	if (rc != SQLITE_OK)
		return rc;
	l->read_to = at + n;
	if (next && n <= BUFFER_BYTES && (at < l->at || at + n > l->at + l->ahead)) {
		l->at = at;
		l->ahead = l->real->pMethods->xRead(l->real, l->buffer, BUFFER_BYTES, at) == SQLITE_OK ?
		    BUFFER_BYTES : 0;	/* near the end of the file there is not so much */
	}
	if (at < l->at || at + n > l->at + l->ahead)
		return l->real->pMethods->xRead(l->real, p, n, at);
	memcpy(p, l->buffer + (at - l->at), (size_t)n);
	return SQLITE_OK;
}

/* --- the database --------------------------------------------------------------------- */

static int
db_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	struct file *l = (struct file *)f;
	int rc;

	if (l->whole)
		return gather(l, p, n, at);
	rc = flush(l);
	return rc == SQLITE_OK ? l->real->pMethods->xWrite(l->real, p, n, at) : rc;
}

static int
db_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	struct file *l = (struct file *)f;
	int rc = flush(l);

	return rc == SQLITE_OK ? l->real->pMethods->xRead(l->real, p, n, at) : rc;
}

static int
db_map(sqlite3_file *f, int region, int size, int extend, void volatile **out)
{
	sqlite3_file *real = ((struct file *)f)->real;

	return real->pMethods->xShmMap(real, region, size, extend, out);
}

/* Whoever moves pages first takes the lock for that, and then tries those of all readers that need
 * older pages: if none is held, all is moved. What waits at the end is of a moving that failed. */
static int
db_map_lock(sqlite3_file *f, int from, int n, int flags)
{
	struct file *l = (struct file *)f;
	int rc = l->real->pMethods->xShmLock(l->real, from, n, flags);

	if (from == MOVING_LOCK && n == 1) {
		l->whole = (flags & SQLITE_SHM_LOCK) && rc == SQLITE_OK;
		l->n = 0;
	} else if (rc != SQLITE_OK) {
		l->whole = false;
	}
	return rc;
}

static void
db_map_barrier(sqlite3_file *f)
{
	sqlite3_file *real = ((struct file *)f)->real;

	real->pMethods->xShmBarrier(real);
}

/* Writes nothing: the end of a moving is told so, but not asked whether all went well. */
static int
db_control(sqlite3_file *f, int what, void *arg)
{
	sqlite3_file *real = ((struct file *)f)->real;

	return real->pMethods->xFileControl(real, what, arg);
}

static int
db_unmap(sqlite3_file *f, int drop)
{
	sqlite3_file *real = ((struct file *)f)->real;

	return real->pMethods->xShmUnmap(real, drop);
}

/* --- both ------------------------------------------------------------------------------- */

static int
file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	struct file *l = (struct file *)f;
	int rc = flush(l);

	l->end = size;
	l->ahead = 0;
	return rc == SQLITE_OK ? l->real->pMethods->xTruncate(l->real, size) : rc;
}

static int
file_sync(sqlite3_file *f, int flags)
{
	struct file *l = (struct file *)f;
	int rc = flush(l);

	return rc == SQLITE_OK ? l->real->pMethods->xSync(l->real, flags) : rc;
}

static int
file_size(sqlite3_file *f, sqlite3_int64 *size)
{
	struct file *l = (struct file *)f;
	int rc = flush(l);

	return rc == SQLITE_OK ? l->real->pMethods->xFileSize(l->real, size) : rc;
}

static int
file_close(sqlite3_file *f)
{
	struct file *l = (struct file *)f;
	int rc = flush(l), closed = l->real->pMethods->xClose(l->real);

	free(l->buffer);
	return rc == SQLITE_OK ? closed : rc;
}

static int
file_lock(sqlite3_file *f, int level)
{
	sqlite3_file *real = ((struct file *)f)->real;

	return real->pMethods->xLock(real, level);
}

static int
file_unlock(sqlite3_file *f, int level)
{
	sqlite3_file *real = ((struct file *)f)->real;

	return real->pMethods->xUnlock(real, level);
}

static int
file_reserved(sqlite3_file *f, int *held)
{
	sqlite3_file *real = ((struct file *)f)->real;

	return real->pMethods->xCheckReservedLock(real, held);
}

static int
file_control(sqlite3_file *f, int what, void *arg)
{
	struct file *l = (struct file *)f;
	int rc = flush(l);

	return rc == SQLITE_OK ? l->real->pMethods->xFileControl(l->real, what, arg) : rc;
}

static int
file_sector(sqlite3_file *f)
{
	sqlite3_file *real = ((struct file *)f)->real;

	return real->pMethods->xSectorSize(real);
}

static int
file_traits(sqlite3_file *f)
{
	sqlite3_file *real = ((struct file *)f)->real;

	return real->pMethods->xDeviceCharacteristics(real);
}

static const sqlite3_io_methods log_methods = {
	1, file_close, log_read, log_write, file_truncate, file_sync, file_size, file_lock,
	file_unlock, file_reserved, file_control, file_sector, file_traits,
	NULL, NULL, NULL, NULL, NULL, NULL	/* shared memory, mapping: the database's */
};

static const sqlite3_io_methods db_methods = {
	2, file_close, db_read, db_write, file_truncate, file_sync, file_size, file_lock,
	file_unlock, file_reserved, db_control, file_sector, file_traits,
	db_map, db_map_lock, db_map_barrier, db_unmap, NULL, NULL
};

static int
file_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *f, int flags, int *out)
{
	struct file *l = (struct file *)f;
	int rc;

	(void)vfs;
	if (!(flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_DB)))
		return wal.real->xOpen(wal.real, name, f, flags, out);
	*l = (struct file){ .real = (sqlite3_file *)(l + 1) };
	rc = wal.real->xOpen(wal.real, name, l->real, flags, out);
	if (l->real->pMethods == NULL)
		return rc;
	l->base.pMethods = flags & SQLITE_OPEN_WAL ? &log_methods : &db_methods;
	l->buffer = xmalloc(BUFFER_BYTES);
	return rc;
}

const char *
state_wal_vfs(void)
{
	if (wal.real == NULL) {
		wal.real = sqlite3_vfs_find(NULL);
		wal.vfs = *wal.real;
		wal.vfs.zName = "mxgauge";
		wal.vfs.szOsFile += (int)sizeof(struct file);
		wal.vfs.xOpen = file_open;
		(void)sqlite3_vfs_register(&wal.vfs, 0);
	}
	return wal.vfs.zName;
}
