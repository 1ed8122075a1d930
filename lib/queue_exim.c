/* queue_exim.c - Exim's spool: input/ID-H, the envelope and header of each message.
 *
 * split_spool_directory puts them into sub-folders of one character; named queues (4.88) are
 * folders of the spool with an input of their own. Ids are 6-6-2 characters, since 4.97 6-11-4;
 * the first six are the second of arrival in base 62. The file's form is that of Exim's
 * spool_in.c, which promises nothing: lines "-name value", then those who have it as a tree,
 * then those who shall, with their number in front. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "queue.h"

#include "poison.h"

struct walk {
	struct queue *q;
	const char *path;
	uint16_t dir;
	bool below;
};

static int64_t
arrival(const char *id)
{
	int64_t t = 0;

	for (int i = 0; i < 6; i++) {
		char c = id[i];
		int d = slice_is_digit(c) ? c - '0' : c >= 'A' && c <= 'Z' ? c - 'A' + 10 : c - 'a' + 36;

		t = t * 62 + d;
	}
	return t;
}

/* "1xUVMa-0005zh-27-H" and "1xUVMa-00000005zh0-27aa-H". */
static bool
is_header(const char *name)
{
	static const char *const shapes[] = { "aaaaaa-aaaaaa-aa-H", "aaaaaa-aaaaaaaaaaa-aaaa-H" };

	for (size_t i = 0; i < 2; i++) {
		const char *p = name, *s = shapes[i];

		while (*p != '\0' && (*s == 'a' ? slice_is_alnum(*p) : *p == *s)) {
			p++;
			s++;
		}
		if (*p == '\0' && *s == '\0')
			return true;
	}
	return false;
}

/* -D is the body and -J the journal of a delivery; what has other ends is in the making. */
static bool
is_companion(const char *name)
{
	size_t n = strlen(name);

	return n > 2 && name[n - 2] == '-' && strchr("DJKT", name[n - 1]) != NULL;
}

static bool
on_entry(void *arg, const char *name, bool is_dir, struct err *e)
{
	struct walk *w = arg;
	char path[QUEUE_PATH_BYTES];

	if (is_dir && !w->below && slice_is_alnum(name[0]) && name[1] == '\0') {
		struct walk below = { w->q, path, 0, true };

		if (!queue_path(path, w->path, name, e))
			return false;
		below.dir = queue_dir(w->q, path);
		return queue_list(path, true, on_entry, &below, e);
	}
	if (!is_dir && is_header(name))
		queue_found(w->q, w->dir, QUEUE_DEFERRED, name, arrival(name));
	else if (is_dir || !is_companion(name))
		w->q->foreign++;
	return true;
}

static bool
walk_input(struct walk *w, bool may_miss, struct err *e)
{
	w->dir = queue_dir(w->q, w->path);
	return queue_list(w->path, may_miss, on_entry, w, e);
}

/* A named queue's folder has an input. */
static bool
on_queue(void *arg, const char *name, bool is_dir, struct err *e)
{
	struct walk *w = arg;
	char folder[QUEUE_PATH_BYTES], path[QUEUE_PATH_BYTES];
	struct walk below = { w->q, path, 0, false };

	if (!is_dir || strcmp(name, "input") == 0 || name[0] == '.')
		return true;
	return queue_path(folder, w->path, name, e) && queue_path(path, folder, "input", e) &&
	    walk_input(&below, true, e);
}

static bool
walk(struct queue *q, const char *spool, struct err *e)
{
	char path[QUEUE_PATH_BYTES];
	struct walk w = { q, path, 0, false };

	if (!queue_path(path, spool, "input", e) || !walk_input(&w, false, e))
		return false;
	w.path = spool;
	return queue_list(spool, false, on_queue, &w, e);
}

/* --- files ---------------------------------------------------------------------------------- */

static bool
line(struct slice *s, struct slice *l)
{
	return slice_cut(s, '\n', l);
}

/* "XX", or nodes as "YN name": who has it already. Their names are not needed. */
static bool
skip_tree(struct slice *s)
{
	struct slice l, rest = *s;

	while (line(&rest, &l)) {
		bool node = l.n > 3 && l.p[2] == ' ' && (l.p[0] == 'Y' || l.p[0] == 'N') &&
		    (l.p[1] == 'Y' || l.p[1] == 'N');

		if (!node && !slice_eq(l, SLICE("XX")))
			return true;	/* it is the number of recipients: leave it */
		*s = rest;
	}
	return false;
}

static void
take_rcpts(struct slice s, struct slice tree, struct queue_mail *m)
{
	struct slice l;
	uint64_t n;

	if (!line(&s, &l) || !slice_u64(&l, &n))
		return;
	for (; n > 0 && line(&s, &l); n--) {
		char node[QUEUE_TEXT_MAX];
		size_t len = slice_until(l, ' ', ' ');	/* one_time and errors_to follow */

		l = slice_head(l, len);
		if (l.n + 2 < sizeof node && tree.n > 0) {
			node[0] = ' ';
			memcpy(node + 1, l.p, l.n);
			node[l.n + 1] = '\n';
			if (slice_has(tree, (struct slice){ node, l.n + 2 }))
				continue;	/* delivered */
		}
		queue_mail_rcpt(m, l);
	}
}

/* The body has a file of its own. */
static int64_t
body_size(int dirfd, const char *name)
{
	char body[64];
	struct stat st;

	(void)snprintf(body, sizeof body, "%.*sD", (int)strlen(name) - 1, name);
	return fstatat(dirfd, body, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_size : 0;
}

static bool
look(struct queue_look *l, const char *name, struct queue_mail *m)
{
	struct slice s = queue_read(l, l->dirfd, name, 0, l->bytes, sizeof l->bytes), row, tree;
	uint64_t t;

	if (!line(&s, &row) || row.n != strlen(name) || memcmp(row.p, name, row.n) != 0)
		return false;	/* gone, or still being written */
	if (!line(&s, &row) || !line(&s, &m->sender) || !line(&s, &row) || !slice_u64(&row, &t))
		return false;
	m->arrived = (int64_t)t;
	m->any_sender = slice_eat_char(&m->sender, '<') && slice_ends(m->sender, SLICE(">"));
	m->sender.n -= m->any_sender;
	for (row = s; s.n > 0 && s.p[0] == '-' && line(&s, &row); ) {
		if (slice_starts(row, SLICE("-frozen ")))
			m->frozen = true;
		else if (slice_eq(row, SLICE("-deliver_firsttime")))
			m->box = QUEUE_INCOMING;
	}
	if (m->frozen)
		m->box = QUEUE_HOLD;
	tree = s;
	if (skip_tree(&s)) {
		tree.n -= s.n;
		take_rcpts(s, tree, m);
	}
	m->size = l->file_size + body_size(l->dirfd, name);
	return true;
}

/* --- exim -bp -------------------------------------------------------------------------------- */

/* "437", "1.8K", "12M" */
static int64_t
listed_size(struct slice s)
{
	double n;

	if (!slice_decimal(&s, &n))
		return -1;
	return (int64_t)(n * (slice_starts(s, SLICE("K")) ? 1024 : slice_starts(s, SLICE("M")) ?
	    1048576 : 1));
}

static bool
word(struct slice *s, struct slice *w)
{
	*s = slice_trim(*s);
	*w = slice_head(*s, slice_until(*s, ' ', ' '));
	*s = slice_from(*s, w->n);
	return w->n > 0;
}

/* "18m  1.8K 1xUVMb-0005zx-0f <> *** frozen ***", its recipients indented ("D" before those that
 * have it), an empty line. */
static void
listed(struct queue *q, struct slice line, struct queue_listing *l)
{
	struct slice s = line, age, size, id;

	if (line.n == 0) {
		if (l->open)
			queue_told(q, &l->mail);
		l->open = false;
	} else if (l->open) {
		s = slice_trim(line);
		if (!slice_starts(s, SLICE("D ")))
			queue_mail_rcpt(&l->mail, queue_listing_keep(l, s));
	} else if (word(&s, &age) && word(&s, &size) && word(&s, &id) && id.n >= 16) {
		l->open = true;
		l->text_n = 0;
		l->mail = (struct queue_mail){ .arrived = arrival(id.p), .box = QUEUE_DEFERRED,
			.size = listed_size(size), .frozen = slice_ends(s, SLICE("*** frozen ***")) };
		if (l->mail.frozen)
			l->mail.box = QUEUE_HOLD;
		l->mail.any_sender = word(&s, &id) && slice_eat_char(&id, '<') && id.n > 0;
		id.n -= l->mail.any_sender;
		l->mail.sender = queue_listing_keep(l, id);
	}
}

static const char *const signs[] = {
	"/usr/sbin/exim4", "/usr/sbin/exim", "/usr/exim/bin/exim", "/usr/local/sbin/exim", NULL
};
static const char *const ask[] = { "/usr/sbin/exim4", "-bp", NULL };
static const char *const spools[] = { "/var/spool/exim4", "/var/spool/exim", NULL };

const struct queue_mta queue_exim = {
	"exim", "Exim", spools, signs, ask, "put the account of the check into Exim's group (Debian-exim, exim)",
	false, walk, look, listed
};
