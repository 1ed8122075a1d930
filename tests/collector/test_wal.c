/* test_wal.c - the database and its log through state_wal.h hold what an array holds that the same
 * was done to, whatever is written, read and cut in whatever order. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <sqlite3.h>

#include "dice.h"
#include "mem.h"
#include "store/state_wal.h"
#include "tap.h"

#include "poison.h"

enum { PAGE = 4096, FRAME = 24 + PAGE, LARGEST = 300 * FRAME, STEPS = 4000, MOVING_LOCK = 1,
	REGION = 32768 };

static char path[] = "/tmp/mx-wal.XXXXXX";

struct model {
	sqlite3_file *f;
	unsigned char *byte;
	int size;
	bool same;
};

static void
open_file(struct model *m, int kind)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(state_wal_vfs());

	(void)unlink(path);
	m->f = xcalloc(1, (size_t)vfs->szOsFile);
	m->byte = xcalloc(1, LARGEST);
	m->same = vfs->xOpen(vfs, path, m->f, kind | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) ==
	    SQLITE_OK;
	m->size = 0;
}

static void
close_file(struct model *m)
{
	(void)m->f->pMethods->xClose(m->f);
	free(m->f);
	free(m->byte);
	(void)unlink(path);
}

static void
put(struct model *m, int n, int at)
{
	unsigned char piece[PAGE];

	for (int i = 0; i < n; i++)
		piece[i] = (unsigned char)roll(256);
	if (n == 24)		/* the frame's head: does it end a commit? */
		memset(piece + 4, roll(8) == 0, 4);
	memcpy(m->byte + at, piece, (size_t)n);
	m->size = at + n > m->size ? at + n : m->size;
	m->same &= m->f->pMethods->xWrite(m->f, piece, n, at) == SQLITE_OK;
}

static void
get(struct model *m, int n, int at)
{
	unsigned char piece[PAGE];

	if (at + n > m->size)
		return;
	m->same &= m->f->pMethods->xRead(m->f, piece, n, at) == SQLITE_OK &&
	    memcmp(piece, m->byte + at, (size_t)n) == 0;
}

static void
cut(struct model *m, int size)
{
	memset(m->byte + size, 0, LARGEST - (size_t)size);
	m->size = size;
	m->same &= m->f->pMethods->xTruncate(m->f, size) == SQLITE_OK;
}

/* What others read of it. */
static bool
is_on_disk(struct model *m)
{
	unsigned char *all = xcalloc(1, LARGEST);
	int fd = open(path, O_RDONLY);
	bool good = fd >= 0 && read(fd, all, LARGEST) == m->size &&
	    memcmp(all, m->byte, (size_t)m->size) == 0;

	if (fd >= 0)
		(void)close(fd);
	free(all);
	return good;
}

static void
frame(struct model *m, int i)
{
	put(m, 24, i * FRAME);
	put(m, PAGE, i * FRAME + 24);
}

static void
test_log(void)
{
	struct model m;

	open_file(&m, SQLITE_OPEN_WAL);
	for (int i = 0; i < STEPS && m.same; i++) {
		int frames = m.size / FRAME, near = frames < 20 || roll(2) == 0 ? frames : 20;
		int some = near > 0 ? (int)roll((uint32_t)near) : 0, end = some + (int)roll(40);
		uint32_t what = roll(20);

		if (what < 10 && frames < 299)
			frame(&m, frames);
		else if (what < 12)
			frame(&m, roll(4) == 0 ? 0 : some);
		else if (what < 18)
			for (int k = some; k < end; k++)
				get(&m, PAGE, k * FRAME + 24);
		else if (what == 18)
			m.same &= m.f->pMethods->xSync(m.f, SQLITE_SYNC_NORMAL) == SQLITE_OK && is_on_disk(&m);
		else if (frames == 299)
			cut(&m, roll(2) == 0 ? 0 : some * FRAME);
	}
	ok(m.same, "a log");
	close_file(&m);
}

static void
test_database(void)
{
	void volatile *region;
	struct model m;

	open_file(&m, SQLITE_OPEN_MAIN_DB);
	m.same &= m.f->pMethods->xShmMap(m.f, 0, REGION, 1, &region) == SQLITE_OK;
	for (int i = 0; i < STEPS / 40 && m.same; i++) {
		int at = (int)roll(20) * PAGE;

		m.same &= m.f->pMethods->xShmLock(m.f, MOVING_LOCK, 1, SQLITE_SHM_LOCK |
		    SQLITE_SHM_EXCLUSIVE) == SQLITE_OK;
		for (; at + PAGE <= LARGEST && roll(60) != 0; at += PAGE * (int)(1 + (roll(8) == 0) * roll(5)))
			put(&m, PAGE, at);
		get(&m, PAGE, (int)roll(20) * PAGE);
		cut(&m, m.size);
		m.same &= is_on_disk(&m) && m.f->pMethods->xShmLock(m.f, MOVING_LOCK, 1,
		    SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE) == SQLITE_OK;
		put(&m, PAGE, (int)roll(20) * PAGE);
		m.same &= is_on_disk(&m);
	}
	ok(m.same, "the database, while its log is moved into it, and else");
	(void)m.f->pMethods->xShmUnmap(m.f, 1);
	close_file(&m);
}

int
main(void)
{
	int fd = mkstemp(path);

	if (fd < 0)
		return 1;
	(void)close(fd);
	test_log();
	test_database();
	return done_testing();
}
