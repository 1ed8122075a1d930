/* state_place.c - is the file that is open the one that has the name state.db, and does the log beside it
 * belong to it?
 *
 * An administrator puts a backup in place of state.db, or takes it away, while it is open or after mxgauged was
 * killed. SQLite does not notice: it goes on in a file without a name, or plays the log of the one state into the
 * other. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stateread.h"
#include "store/state_db.h"

#include "poison.h"

enum { CLOSE_WAIT_MS = 1000 };	/* for readers, when the log is emptied */

static bool
drop(struct state *s, const char *name, struct err *e)
{
	char path[4096];

	(void)snprintf(path, sizeof path, "%s/%s", s->dir, name);
	return unlink(path) == 0 || errno == ENOENT ||
	    err_set(e, "remove %s, which is of the state before: %s", path, strerror(errno));
}

bool
place_take(struct state *s, struct err *e)
{
	return !stateread_is_copy(s->db) ||
	    (drop(s, "state.db-wal", e) && drop(s, "state.db-shm", e));
}

void
place_remember(struct state *s)
{
	struct stat st;

	s->placed = stat(sqlite3_db_filename(s->db, "main"), &st) == 0;
	s->dev = (uint64_t)st.st_dev;
	s->ino = (uint64_t)st.st_ino;
}

bool
place_kept(struct state *s, struct err *e)
{
	struct stat st;

	if (!s->placed)
		return true;
	if (stat(sqlite3_db_filename(s->db, "main"), &st) != 0)
		s->replaced = errno == ENOENT;	/* else the rights that we began with are gone, or a disk is */
	else
		s->replaced = (uint64_t)st.st_dev != s->dev || (uint64_t)st.st_ino != s->ino ||
		    stateread_is_copy(s->db);
	return !s->replaced || err_set(e, "%s/state.db was taken away or replaced while it was open", s->dir);
}

bool
state_replaced(const struct state *s)
{
	return s->replaced;
}

/* A state that is copied without its log after that is whole, and one that is put in its place finds none. */
void
place_leave(struct state *s)
{
	if (stateread_is_copy(s->db)) {
		(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	} else {
		(void)sqlite3_busy_timeout(s->db, CLOSE_WAIT_MS);
		state_checkpoint(s);
	}
}
