/* mailbox_maildir.c - probes in a Maildir. See mailbox.h.
 *
 * The mark of a folder is when it was looked through last: only files that came, or were moved,
 * since then are opened, and of these the header is read. Names may hold anything, and
 * what was listed may be gone or elsewhere a moment later. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "mailbox_priv.h"
#include "mem.h"

#include "poison.h"

enum {
	SLACK_S = 3600,		/* by which the clock of a file server may be wrong */
	SEEN = 1 << 16,		/* files whose header was read in this run */
	PARTS = 2 * MAILBOX_FOLDERS_MAX
};

struct maildir {
	uint64_t seen[SEEN];	/* 0: free; a place that is taken again costs a second look */
	struct timespec changed[PARTS];	/* of new/ and cur/ when they were listed last */
	char head[MAILBOX_HEAD_MAX];
};

/* Was this file looked at? It is from now on. */
static bool
was_seen(struct maildir *d, const struct stat *st)
{
	uint64_t key = ((uint64_t)st->st_ino * UINT64_C(0x9e3779b97f4a7c15)) ^
	    ((uint64_t)st->st_mtim.tv_sec << 20) ^ (uint64_t)st->st_mtim.tv_nsec;
	uint64_t *at = &d->seen[(key ^ key >> 32) % SEEN];

	if (*at == key && key != 0)
		return true;
	*at = key;
	return false;
}

static struct slice
read_head(struct maildir *d, int fd)
{
	size_t n = 0;
	ssize_t got;

	while (n < sizeof d->head && (got = read(fd, d->head + n, sizeof d->head - n)) > 0)
		n += (size_t)got;
	return (struct slice){ d->head, n };
}

static void
look_at(struct mailbox *m, const struct mailbox_folder *f, int dir, const char *name)
{
	struct maildir *d = m->state;
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	double arrived;

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		if (fd >= 0)
			close(fd);
		return;	/* read and moved while we looked, or no message */
	}
	arrived = (double)st.st_mtim.tv_sec + (double)st.st_mtim.tv_nsec / 1e9;
	if (mailbox_judge(m, f, read_head(d, fd), arrived)) {
		if (unlinkat(dir, name, 0) == 0)
			m->deleted++;
		else if (errno != ENOENT)
			mailbox_stuck(m, f->name, strerror(errno));
	}
	close(fd);
}

/* One of new/ and cur/. */
static bool
list(struct mailbox *m, const struct mailbox_folder *f, int fd, int64_t since, struct err *e)
{
	struct maildir *d = m->state;
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	bool good = true;

	if (dir == NULL) {
		close(fd);
		return err_set(e, "%s: %s", f->name, strerror(errno));
	}
	while (good && (entry = readdir(dir)) != NULL) {
		struct stat st;

		if (entry->d_name[0] == '.' ||
		    fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    (int64_t)st.st_ctim.tv_sec < since || was_seen(d, &st))
			continue;
		look_at(m, f, fd, entry->d_name);
		good = clock_now() < m->deadline || err_set(e, "%s: too many messages for the time", f->name);
	}
	closedir(dir);
	return good;
}

static bool
look_in(struct mailbox *m, struct mailbox_folder *f, const char *part, struct timespec *changed,
    struct err *e)
{
	char path[PATH_MAX];
	bool inbox = strcmp(f->name, "INBOX") == 0;
	struct stat st;
	int64_t since = strtoll(f->mark, NULL, 10) - SLACK_S;
	int fd;

	(void)snprintf(path, sizeof path, "%s/%s%s%s", m->path, inbox ? "" : f->name, inbox ? "" : "/",
	    part);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && !f->wanted) {
		f->missing = true;
		return true;
	}
	if (fd < 0 || fstat(fd, &st) != 0) {
		m->ours = errno == EMFILE || errno == ENFILE;
		if (fd >= 0)
			close(fd);
		return err_set(e, "%s: %s", path, strerror(errno));
	}
	f->missing = false;
	if (m->looks > 0 && memcmp(&st.st_mtim, changed, sizeof *changed) == 0) {
		close(fd);
		return true;
	}
	/* what changes in the same tick of the file system's clock would not be seen */
	*changed = time(NULL) - st.st_mtim.tv_sec > 1 ? st.st_mtim : (struct timespec){ .tv_sec = 0 };
	return list(m, f, fd, since, e);
}

static bool
look(struct mailbox *m, struct err *e)
{
	int64_t begun = (int64_t)time(NULL);

	if (m->state == NULL)
		m->state = xcalloc(1, sizeof(struct maildir));
	for (size_t i = 0; i < m->folders; i++) {
		struct maildir *d = m->state;
		struct mailbox_folder *f = &m->folder[i];

		if (!look_in(m, f, "new", &d->changed[2 * i], e) ||
		    !look_in(m, f, "cur", &d->changed[2 * i + 1], e))
			return false;
		if (m->undeleted[0] == '\0' && !f->missing)
			(void)snprintf(f->mark, sizeof f->mark, "%" PRId64, begun);
	}
	return true;
}

static void
done(struct mailbox *m)
{
	free(m->state);
}

static const char *const junk[] = { ".Junk", ".Spam", NULL };
const struct mailbox_kind mailbox_maildir = { "Maildir", true, junk, 0.02, 1, look, done };
