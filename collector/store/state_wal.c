/* state_wal.c - see state_wal.h.
 *
 * What is appended to the log waits in a buffer until that is full, or the last page of a
 * transaction is in it: its frame says so. So a commit is in the kernel's hands before SQLite
 * tells anybody of it, and a write that fails does so within its transaction. Everything that
 * is no appending, to read, to change a frame once more, to sync, writes the buffer first. Other
 * files than the log are left to the system's own functions. */
#include "store/state_wal.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

#include "poison.h"

enum {
	BUFFER_BYTES = 128 * 1024,
	FRAME_HEAD_BYTES = 24,		/* sqlite.org/fileformat2.html, 4.1 */
	FRAME_COMMIT = 4		/* there: pages of the database, in the last frame of a commit */
};

struct log {
	sqlite3_file base;
	sqlite3_file *real;		/* lies behind this struct */
	sqlite3_int64 at;		/* where the buffer goes */
	sqlite3_int64 end;		/* what is written from here on is appended */
	int n;
	bool last;			/* the page that follows ends a transaction */
	char *buffer;
};

static struct {
	sqlite3_vfs vfs;
	sqlite3_vfs *real;
} wal;

static int
flush(struct log *l)
{
	int n = l->n;

	l->n = 0;
	return n == 0 ? SQLITE_OK : l->real->pMethods->xWrite(l->real, l->buffer, n, l->at);
}

static bool
is_last(const char *head)
{
	static const char none[4];

	return memcmp(head + FRAME_COMMIT, none, sizeof none) != 0;
}

static int
append(struct log *l, const void *p, int n, sqlite3_int64 at)
{
	int rc = l->n + n > BUFFER_BYTES ? flush(l) : SQLITE_OK;

	if (rc != SQLITE_OK)
		return rc;
	if (l->n == 0)
		l->at = at;
	memcpy(l->buffer + l->n, p, (size_t)n);
	l->n += n;
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
	struct log *l = (struct log *)f;
	int rc;

	if (at == 0)
		l->end = 0;	/* all of it is in the database: the log begins anew */
	if (at >= l->end && n <= BUFFER_BYTES) {
		rc = at == l->end ? SQLITE_OK : flush(l);
		return rc == SQLITE_OK ? append(l, p, n, at) : rc;
	}
	rc = flush(l);
	return rc == SQLITE_OK ? l->real->pMethods->xWrite(l->real, p, n, at) : rc;
}

static int
log_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	struct log *l = (struct log *)f;
	int rc = flush(l);

	return rc == SQLITE_OK ? l->real->pMethods->xRead(l->real, p, n, at) : rc;
}

static int
log_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	struct log *l = (struct log *)f;
	int rc = flush(l);

	l->end = size;
	return rc == SQLITE_OK ? l->real->pMethods->xTruncate(l->real, size) : rc;
}

static int
log_sync(sqlite3_file *f, int flags)
{
	struct log *l = (struct log *)f;
	int rc = flush(l);

	return rc == SQLITE_OK ? l->real->pMethods->xSync(l->real, flags) : rc;
}

static int
log_size(sqlite3_file *f, sqlite3_int64 *size)
{
	struct log *l = (struct log *)f;
	int rc = flush(l);

	return rc == SQLITE_OK ? l->real->pMethods->xFileSize(l->real, size) : rc;
}

static int
log_close(sqlite3_file *f)
{
	struct log *l = (struct log *)f;
	int rc = flush(l), closed = l->real->pMethods->xClose(l->real);

	free(l->buffer);
	return rc == SQLITE_OK ? closed : rc;
}

static int
log_lock(sqlite3_file *f, int level)
{
	sqlite3_file *real = ((struct log *)f)->real;

	return real->pMethods->xLock(real, level);
}

static int
log_unlock(sqlite3_file *f, int level)
{
	sqlite3_file *real = ((struct log *)f)->real;

	return real->pMethods->xUnlock(real, level);
}

static int
log_reserved(sqlite3_file *f, int *held)
{
	sqlite3_file *real = ((struct log *)f)->real;

	return real->pMethods->xCheckReservedLock(real, held);
}

static int
log_control(sqlite3_file *f, int what, void *arg)
{
	struct log *l = (struct log *)f;
	int rc = flush(l);

	return rc == SQLITE_OK ? l->real->pMethods->xFileControl(l->real, what, arg) : rc;
}

static int
log_sector(sqlite3_file *f)
{
	sqlite3_file *real = ((struct log *)f)->real;

	return real->pMethods->xSectorSize(real);
}

static int
log_traits(sqlite3_file *f)
{
	sqlite3_file *real = ((struct log *)f)->real;

	return real->pMethods->xDeviceCharacteristics(real);
}

static const sqlite3_io_methods methods = {
	1, log_close, log_read, log_write, log_truncate, log_sync, log_size, log_lock, log_unlock,
	log_reserved, log_control, log_sector, log_traits,
	NULL, NULL, NULL, NULL, NULL, NULL	/* shared memory, mapping: the database's */
};

static int
log_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *f, int flags, int *out)
{
	struct log *l = (struct log *)f;
	int rc;

	(void)vfs;
	if (!(flags & SQLITE_OPEN_WAL))
		return wal.real->xOpen(wal.real, name, f, flags, out);
	*l = (struct log){ .real = (sqlite3_file *)(l + 1) };
	rc = wal.real->xOpen(wal.real, name, l->real, flags, out);
	if (l->real->pMethods == NULL)
		return rc;
	l->base.pMethods = &methods;
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
		wal.vfs.szOsFile += (int)sizeof(struct log);
		wal.vfs.xOpen = log_open;
		(void)sqlite3_vfs_register(&wal.vfs, 0);
	}
	return wal.vfs.zName;
}
