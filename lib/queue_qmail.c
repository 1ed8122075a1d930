/* queue_qmail.c - qmail's queue: mess/N/ID is a message, ID the number of its inode.
 *
 * todo/ID: qmail-send has not seen it. info/N/ID: it has; its mtime is when the message came, and
 * local/N/ID and remote/N/ID say of each recipient whether it is done (D) or to do (T). A mess
 * with neither is on its way in. todo has sub-folders too where it was patched so. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "queue.h"

#include "poison.h"

struct walk {
	struct queue *q;
	const char *path;
	enum queue_box box;
	uint16_t dir;
	int64_t *count;		/* NULL: they are told */
	bool below;
};

static bool
on_entry(void *arg, const char *name, bool is_dir, struct err *e)
{
	struct walk *w = arg;
	char path[QUEUE_PATH_BYTES];

	if (name[strspn(name, "0123456789")] != '\0') {
		w->q->foreign++;
	} else if (is_dir && !w->below) {
		struct walk below = *w;

		if (!queue_path(path, w->path, name, e))
			return false;
		below.path = path;
		below.below = true;
		below.dir = w->count != NULL ? 0 : queue_dir(w->q, path);
		return queue_list(path, true, on_entry, &below, e);
	} else if (w->count != NULL) {
		(*w->count)++;
	} else {
		queue_found(w->q, w->dir, w->box, name, 0);
	}
	return true;
}

static bool
walk_folder(struct queue *q, const char *spool, const char *folder, enum queue_box box,
    int64_t *count, struct err *e)
{
	char path[QUEUE_PATH_BYTES];
	struct walk w = { q, path, box, 0, count, false };

	if (!queue_path(path, spool, folder, e))
		return false;
	w.dir = count != NULL ? 0 : queue_dir(q, path);
	return queue_list(path, false, on_entry, &w, e);
}

static bool
walk(struct queue *q, const char *spool, struct err *e)
{
	int64_t messages = 0, known = queue_total(q);

	if (!walk_folder(q, spool, "info", QUEUE_DEFERRED, NULL, e) ||
	    !walk_folder(q, spool, "todo", QUEUE_INCOMING, NULL, e) ||
	    !walk_folder(q, spool, "mess", QUEUE_INCOMING, &messages, e))
		return false;
	known = queue_total(q) - known;
	if (messages > known)
		q->n[QUEUE_INCOMING] += messages - known;	/* half injected */
	return true;
}

/* --- files ---------------------------------------------------------------------------------- */

/* "Tjoe@example.net\0Dann@example.net\0" */
static void
take_rcpts(struct queue_mail *m, struct slice s)
{
	struct slice one;

	while (slice_cut(&s, '\0', &one))
		if (slice_eat_char(&one, 'T'))
			queue_mail_rcpt(m, one);
}

/* The file of the same number in another part of the queue. */
static bool
beside(const struct queue_look *l, const char *part, const char *name, char path[QUEUE_PATH_BYTES])
{
	struct slice folder = slice_of(l->q->dir[l->dir]), spool;

	return slice_rcut_at(&folder, SLICE("/info/"), &spool) &&
	    snprintf(path, QUEUE_PATH_BYTES, "%.*s/%s/%.*s/%s", (int)spool.n, spool.p, part,
	    (int)folder.n, folder.p, name) < QUEUE_PATH_BYTES;
}

static void
take_side(struct queue_look *l, const char *side, const char *name, char *to, size_t size,
    struct queue_mail *m)
{
	char path[QUEUE_PATH_BYTES];

	if (beside(l, side, name, path))
		take_rcpts(m, queue_read(l, l->dirfd, path, 0, to, size));
}

static bool
look(struct queue_look *l, const char *name, struct queue_mail *m)
{
	enum { PART = sizeof l->bytes / 4 };
	struct slice s = queue_read(l, l->dirfd, name, 0, l->bytes, PART), one;

	if (s.n == 0)
		return false;
	m->arrived = l->mtime;
	while (slice_cut(&s, '\0', &one)) {	/* todo has all in one; u and p are who brought it */
		if (slice_eat_char(&one, 'F')) {
			m->any_sender = true;
			m->sender = one;
		} else if (slice_eat_char(&one, 'T')) {
			queue_mail_rcpt(m, one);
		}
	}
	if (m->box == QUEUE_DEFERRED) {
		char path[QUEUE_PATH_BYTES];
		struct stat st;

		if (beside(l, "mess", name, path) && fstatat(l->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
			m->size = st.st_size;
		take_side(l, "local", name, l->bytes + PART, PART, m);
		take_side(l, "remote", name, l->bytes + 2 * PART, PART, m);
	}
	return true;
}

/* No listing: qmail-qread needs the same rights as we do. */
static const char *const signs[] = {
	"/var/qmail/bin/qmail-send", "/var/lib/qmail/bin/qmail-send", "/usr/sbin/qmail-send", NULL
};
static const char *const ask[] = { NULL };
static const char *const spools[] = { "/var/qmail/queue", "/var/lib/qmail/queue", NULL };

const struct queue_mta queue_qmail = {
	"qmail", "qmail", spools, signs, ask, "its folders are for root and group qmail: give the program the "
	"capability CAP_DAC_READ_SEARCH", true, walk, look, NULL
};
