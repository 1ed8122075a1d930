/* queue_sendmail.c - Sendmail's queue: qf files in mqueue or clientmqueue, in their sub-folders
 * (q1, q2 ... of a group; qf within them where there are df and xf beside it).
 *
 * qfID is a message, hfID a quarantined one, QfID one that was lost track of. The first six
 * characters of an id are year, month, day, hour, minute, second in base 60, in UTC (8.10 and
 * later). A file is lines of a letter and a value, and ends with a line ".". */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "logtime.h"
#include "queue.h"

#include "poison.h"

enum { DEPTH_MAX = 3, ID_MAX = 40 };

struct walk {
	struct queue *q;
	const char *path;
	uint16_t dir;
	int depth;
};

static int
digit60(char c)
{
	if (slice_is_digit(c))
		return c - '0';
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'x' ? c - 'a' + 36 : -1;
}

/* The year comes back after sixty: it is the last one that is not in the future. 0: no such id. */
static int64_t
arrival(const char *id, int64_t now)
{
	int d[6];
	int64_t t = 0;

	for (int i = 0; i < 6; i++)
		if ((d[i] = digit60(id[i])) < 0)
			return 0;
	if (d[1] > 11 || d[2] < 1 || d[2] > 31 || d[3] > 23 || d[4] > 59 || d[5] > 60)
		return 0;
	for (int year = 1900 + d[0]; year < 2200; year += 60) {
		int64_t at = civil_days(year, d[1] + 1, d[2]) * 86400 + d[3] * 3600 + d[4] * 60 + d[5];

		if (at > now + 86400)
			break;
		t = at;
	}
	return t;
}

static bool
on_entry(void *arg, const char *name, bool is_dir, struct err *e)
{
	static const struct {
		char head;
		enum queue_box box;
	} kinds[] = { { 'q', QUEUE_DEFERRED }, { 'h', QUEUE_HOLD }, { 'Q', QUEUE_CORRUPT } };
	struct walk *w = arg;
	char path[QUEUE_PATH_BYTES];

	if (is_dir && name[0] != '.' && w->depth < DEPTH_MAX && strcmp(name, "df") != 0 &&
	    strcmp(name, "xf") != 0) {
		struct walk below = { w->q, path, 0, w->depth + 1 };

		if (!queue_path(path, w->path, name, e))
			return false;
		below.dir = queue_dir(w->q, path);
		return queue_list(path, true, on_entry, &below, e);
	}
	if (is_dir || name[0] == '\0' || name[1] != 'f' || strlen(name) > ID_MAX ||
	    strlen(name) < 8) {
		w->q->foreign += is_dir;
		return true;	/* df, xf, tf and .hoststat are its own business */
	}
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (name[0] == kinds[i].head)
			queue_found(w->q, w->dir, kinds[i].box, name, arrival(name + 2, w->q->now));
	return true;
}

static bool
walk(struct queue *q, const char *spool, struct err *e)
{
	struct walk w = { q, spool, queue_dir(q, spool), 0 };

	return queue_list(spool, false, on_entry, &w, e);
}

/* --- files ---------------------------------------------------------------------------------- */

/* "RPFD:<x@example.net>": flags, a colon, the recipient. */
static struct slice
address(struct slice s)
{
	struct slice flags;

	if (s.n > 0 && s.p[0] != '<')
		(void)slice_cut(&s, ':', &flags);
	(void)slice_eat_char(&s, '<');
	if (slice_ends(s, SLICE(">")))
		s.n--;
	return s;
}

/* In df, beside qf or in a folder beside its folder. */
static int64_t
body_size(const struct queue_look *l, const char *name)
{
	char path[ID_MAX + 16];
	struct stat st;

	(void)snprintf(path, sizeof path, "df%s", name + 2);
	if (fstatat(l->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return st.st_size;
	(void)snprintf(path, sizeof path, "../df/df%s", name + 2);
	return fstatat(l->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_size : -1;
}

static void
take(struct queue_mail *m, char type, struct slice s)
{
	uint64_t n;

	if (type == 'T' && slice_u64(&s, &n)) {
		m->arrived = (int64_t)n;
	} else if (type == 'N' && slice_u64(&s, &n)) {
		if (m->box == QUEUE_DEFERRED && n == 0)
			m->box = QUEUE_INCOMING;
	} else if (type == 'S') {
		m->any_sender = true;
		m->sender = address(s);
	} else if (type == 'R') {
		queue_mail_rcpt(m, address(s));
	} else if (type == 'M') {
		m->reason = queue_reason(s);
	}
}

static bool
look(struct queue_look *l, const char *name, struct queue_mail *m)
{
	struct slice s = queue_read(l, l->dirfd, name, 0, l->bytes, sizeof l->bytes), row;

	while (slice_cut(&s, '\n', &row) && row.n > 0 && row.p[0] != 'H' && row.p[0] != '.')
		take(m, row.p[0], slice_from(row, 1));
	if (m->arrived == 0)
		return false;	/* gone, or still being written */
	m->size = body_size(l, name);
	return true;
}

/* --- mailq ---------------------------------------------------------------------------------- */

/* "6AKKl6Rb016923*      25 Fri Nov 20 20:47 <joe@example.net>", then indented "(Deferred: ...)" and
 * recipients in angles. */
static void
listed(struct queue *q, struct slice line, struct queue_listing *l)
{
	struct slice s = slice_trim(line), head;
	uint64_t size;

	if (line.p == NULL || (line.n > 14 && digit60(line.p[0]) >= 0)) {
		if (l->open)
			queue_told(q, &l->mail);
		l->open = false;
		if (line.p == NULL || arrival(line.p, q->now) == 0)
			return;
		l->open = true;
		l->text_n = 0;
		l->mail = (struct queue_mail){ .arrived = arrival(line.p, q->now), .size = -1,
			.box = QUEUE_DEFERRED };
		s = slice_trim(slice_from(line, 15));	/* behind the id and its mark */
		if (slice_u64(&s, &size))
			l->mail.size = (int64_t)size;
		l->mail.any_sender = slice_cut(&s, '<', &head);
		l->mail.sender = queue_listing_keep(l, slice_head(s, slice_until(s, '>', '>')));
	} else if (slice_has(s, SLICE(" is empty")) || slice_starts(s, SLICE("Total requests: "))) {
		l->ended = true;
	} else if (l->open && slice_eat_char(&s, '(')) {
		s.n -= slice_ends(s, SLICE(")"));
		l->mail.reason = queue_listing_keep(l, queue_reason(s));
	} else if (l->open && slice_eat_char(&s, '<')) {
		s.n -= slice_ends(s, SLICE(">"));
		queue_mail_rcpt(&l->mail, queue_listing_keep(l, s));
	}
}

static const char *const signs[] = { "/etc/mail/sendmail.cf", NULL };
static const char *const ask[] = { "/usr/bin/mailq", NULL };
static const char *const spools[] = { "/var/spool/mqueue", "/var/spool/clientmqueue", NULL };

const struct queue_mta queue_sendmail = {
	"sendmail", "Sendmail", spools, signs, ask, "its folders are root's: give the program the capability "
	"CAP_DAC_READ_SEARCH", false, walk, look, listed
};
