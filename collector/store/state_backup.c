/* state_backup.c - see backup.h. One read transaction of SQLite sees one commit, however
 * long the copying takes; the writer is not held up. */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stateread.h"
#include "store/backup.h"

#include "poison.h"

/* The copy, compact, into an empty file. */
static bool
copy_into(struct stateread *r, const char *file, struct err *e)
{
	sqlite3 *db = stateread_db(r);
	sqlite3_stmt *st = NULL;
	bool good = sqlite3_prepare_v2(db, "VACUUM INTO ?1", -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_bind_text(st, 1, file, -1, SQLITE_STATIC) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_DONE;

	if (sqlite3_errcode(db) == SQLITE_CORRUPT)
		(void)stateread_fail(r, e);
	else if (!good)
		(void)err_set(e, "write %s: %s", file, sqlite3_errcode(db) == SQLITE_CANTOPEN ?
		    strerror(sqlite3_system_errno(db)) : sqlite3_errmsg(db));
	sqlite3_finalize(st);
	return good;
}

bool
backup_make(const char *dir, const char *file, struct err *e)
{
	struct stateread *r;
	struct stat st;
	bool good;

	if (lstat(file, &st) == 0)
		return err_set(e, "%s is there already; name another file", file);
	if (errno != ENOENT)
		return err_set(e, "write %s: %s", file, strerror(errno));
	if ((r = stateread_open(dir, e)) == NULL)
		return false;
	good = copy_into(r, file, e);
	if (good)
		(void)chmod(file, 0640);	/* as private as the state: it names people */
	else
		(void)unlink(file);
	stateread_close(r);
	return good;
}
