/* queue_maildir.c - any folder in which a file is a message: maildirs (new and cur are counted,
 * tmp is not), MailScanner's incoming, a milter's spool, a quarantine, a drop folder.
 *
 * Names that begin with ten digits and a point have the time in them, as maildirs'; else it is
 * the mtime, which a rename leaves alone. In folders below it is looked too, not deeper. */
#include <stdio.h>
#include <string.h>

#include "queue.h"

#include "poison.h"

struct walk {
	struct queue *q;
	const char *path;
	enum queue_box box;
	uint16_t dir;
	bool below;
};

static int64_t
arrival(const char *name)
{
	struct slice s = slice_of(name);
	uint64_t t;

	return strspn(name, "0123456789") == 10 && name[10] == '.' && slice_u64(&s, &t) ?
	    (int64_t)t : 0;
}

static bool
on_entry(void *arg, const char *name, bool is_dir, struct err *e)
{
	struct walk *w = arg;
	char path[QUEUE_PATH_BYTES];

	if (name[0] == '.' || (is_dir && (w->below || strcmp(name, "tmp") == 0)))
		return true;
	if (is_dir) {
		struct walk below = { w->q, path,
			strcmp(name, "cur") == 0 ? QUEUE_ACTIVE : QUEUE_INCOMING, 0, true };

		if (!queue_path(path, w->path, name, e))
			return false;
		below.dir = queue_dir(w->q, path);
		return queue_list(path, true, on_entry, &below, e);
	}
	queue_found(w->q, w->dir, w->box, name, arrival(name));
	return true;
}

static bool
walk(struct queue *q, const char *spool, struct err *e)
{
	struct walk w = { q, spool, QUEUE_INCOMING, queue_dir(q, spool), false };

	return queue_list(spool, false, on_entry, &w, e);
}

static bool
look(struct queue_look *l, const char *name, struct queue_mail *m)
{
	struct slice bytes = queue_read(l, l->dirfd, name, 0, l->bytes, sizeof l->bytes);

	if (bytes.n == 0)
		return false;
	m->arrived = arrival(name) > 0 ? arrival(name) : l->mtime;
	m->size = l->file_size;
	if (queue_line(bytes, SLICE("Return-Path:"), &m->sender)) {
		m->any_sender = slice_eat_char(&m->sender, '<') && slice_ends(m->sender, SLICE(">"));
		m->sender.n -= m->any_sender;
	}
	return true;
}

static const char *const none[] = { NULL };

const struct queue_mta queue_maildir = {
	"maildir", "the folder", none, none, none, "give the account of the check the right to read it",
	true, walk, look, NULL
};
