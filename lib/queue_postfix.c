/* queue_postfix.c - Postfix's queue: a folder a box, a file a message, named by its queue id.
 *
 * deferred (and what else hash_queue_names names) has sub-folders of one character, to
 * hash_queue_depth. Long queue ids (enable_long_queue_ids) begin with the time of arrival. A
 * file is records of a type, a length in groups of seven bits, and data (Postfix's src/global/
 * rec_type.h, record.c); its mtime in deferred is the next attempt, not the arrival. defer/ holds
 * the reasons, by the same names; it is a log and no message. */
#include <stdio.h>
#include <string.h>

#include "queue.h"

#include "poison.h"

enum { DEPTH_MAX = 3, POINTERS_MAX = 16 };

struct walk {
	struct queue *q;
	const char *path;
	enum queue_box box;
	uint16_t dir;
	int depth;
};

/* --- queue ids ------------------------------------------------------------------------------ */

/* The value of a digit in base 52 (no vowels), or -1. */
static int
digit52(char c)
{
	static const char digits[] = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int)(at - digits);
}

/* Seconds in six digits or more, microseconds in four, 'z', the inode: when it came. 0 for a short
 * id, which has capital hexadecimals alone. */
static int64_t
arrival(const char *id)
{
	const char *z = strrchr(id, 'z');
	int64_t t = 0;

	if (z == NULL || z - id < 10 || z - id > 14)
		return 0;
	for (const char *p = id; p < z - 4; p++) {
		int d = digit52(*p);

		if (d < 0)
			return 0;
		t = t * 52 + d;
	}
	return t;
}

static bool
is_id(const char *name)
{
	size_t n = 0;

	while (slice_is_alnum(name[n]))
		n++;
	return name[n] == '\0' && n >= 6 && n <= 64;
}

/* --- walking --------------------------------------------------------------------------------- */

static bool
on_entry(void *arg, const char *name, bool is_dir, struct err *e)
{
	struct walk *w = arg;
	char path[QUEUE_PATH_BYTES];

	if (is_dir && name[0] != '.' && name[1] == '\0' && w->depth < DEPTH_MAX) {
		struct walk below = { w->q, path, w->box, 0, w->depth + 1 };

		if (!queue_path(path, w->path, name, e))
			return false;
		below.dir = queue_dir(w->q, path);
		return queue_list(path, true, on_entry, &below, e);
	}
	if (is_dir || !is_id(name)) {
		w->q->foreign++;
		return true;
	}
	queue_found(w->q, w->dir, w->box, name, arrival(name));
	return true;
}

/* Against the flow: what moves on while we look is rather seen twice than never. */
static bool
walk(struct queue *q, const char *spool, struct err *e)
{
	static const enum queue_box order[] = {
		QUEUE_DEFERRED, QUEUE_ACTIVE, QUEUE_INCOMING, QUEUE_MAILDROP, QUEUE_HOLD, QUEUE_CORRUPT
	};

	for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
		char path[QUEUE_PATH_BYTES];
		struct walk w = { q, path, order[i], 0, 0 };

		if (!queue_path(path, spool, queue_box_name[order[i]], e))
			return false;
		w.dir = queue_dir(q, path);
		if (!queue_list(path, order[i] == QUEUE_CORRUPT, on_entry, &w, e))
			return false;
	}
	return true;
}

/* --- files --------------------------------------------------------------------------------- */

static bool
record(struct slice *s, char *type, struct slice *data)
{
	struct slice rest = *s;
	uint64_t n;

	if (rest.n == 0)
		return false;
	*type = rest.p[0];
	rest = slice_from(rest, 1);
	if (!slice_varint(&rest, &n) || n > rest.n)
		return false;
	*data = slice_head(rest, (size_t)n);
	*s = slice_from(rest, (size_t)n);
	return true;
}

/* The n-th number of blank-padded ones; 0 if it is none. */
static int64_t
number(struct slice s, unsigned n)
{
	uint64_t v = 0;

	for (;; n--) {
		s = slice_trim(s);
		if (!slice_u64(&s, &v) || v > INT64_MAX)
			return 0;
		if (n == 0)
			return (int64_t)v;
	}
}

/* One segment. False: its end, or what is no record. */
static bool
take_record(struct queue_mail *m, char type, struct slice data, int64_t *behind)
{
	switch (type) {
	case 'C':
		m->size = number(data, 0);
		*behind = number(data, 1) + m->size;
		return true;
	case 'T':
		m->arrived = number(data, 0);
		return true;
	case 'S':
		m->any_sender = true;
		m->sender = data;
		return true;
	case 'R':
		queue_mail_rcpt(m, data);
		return true;
	case 'M': case 'E':
		return false;
	default:
		return true;
	}
}

/* bytes are those from offset start of the file. */
static void
take_segment(struct queue_mail *m, struct slice bytes, int64_t start, int64_t *behind)
{
	struct slice s = bytes, data;
	int pointers = 0;
	char type;

	while (record(&s, &type, &data) && take_record(m, type, data, behind)) {
		int64_t to = type == 'p' ? number(data, 0) - start : 0;

		if (to <= 0)
			continue;	/* its place is kept free for one, mostly */
		if (to >= (int64_t)bytes.n || ++pointers > POINTERS_MAX)
			return;
		s = slice_from(bytes, (size_t)to);
	}
}

/* .../deferred/A has its reasons in .../defer/A */
static void
look_at_reason(struct queue_look *l, const char *name, struct queue_mail *m)
{
	struct slice dir = slice_of(l->q->dir[l->dir]), spool, text = { NULL, 0 };
	char path[QUEUE_PATH_BYTES], bytes[4096];
	int64_t unreadable = l->q->unreadable;

	if (!slice_rcut_at(&dir, SLICE("/deferred"), &spool))
		return;
	if (snprintf(path, sizeof path, "%.*s/defer%.*s/%s", (int)spool.n, spool.p, (int)dir.n,
	    dir.p, name) >= (int)sizeof path)
		return;
	if (!queue_line(queue_read(l, l->dirfd, path, 0, bytes, sizeof bytes), SLICE("reason="), &text))
		l->q->unreadable = unreadable;	/* the message itself was read */
	text = queue_reason(text);
	if (text.n > 0)
		memcpy(l->reason, text.p, text.n);
	m->reason = (struct slice){ l->reason, text.n };
}

static bool
look(struct queue_look *l, const char *name, struct queue_mail *m)
{
	struct slice bytes = queue_read(l, l->dirfd, name, 0, l->bytes, sizeof l->bytes / 2);
	int64_t behind = 0;

	take_segment(m, bytes, 0, &behind);
	if (m->arrived == 0)
		return false;	/* gone, or still being written */
	if (m->domains == 0 && behind > 0 && behind < l->file_size) {
		/* "sendmail -t": recipients were taken from the header, and stand behind the content */
		char *half = l->bytes + sizeof l->bytes / 2;

		take_segment(m, queue_read(l, l->dirfd, name, behind, half, sizeof l->bytes / 2),
		    behind, &behind);
	}
	if (l->wants_reason && m->box == QUEUE_DEFERRED)
		look_at_reason(l, name, m);
	return true;
}

/* --- postqueue -j --------------------------------------------------------------------------- */

/* The string behind the next "key": and what follows it. Inside strings quotes have a
 * backslash, so that no sender can forge a key. Escapes in it stay as they are. */
static bool
string_of(struct slice *s, struct slice key, struct slice *value)
{
	struct slice rest = *s, head;
	size_t n = 0;

	if (!slice_cut_at(&rest, key, &head) || !slice_eat(&rest, SLICE(":")))
		return false;
	rest = slice_trim(rest);
	if (!slice_eat_char(&rest, '"'))
		return false;
	while (n < rest.n && rest.p[n] != '"')
		n += rest.p[n] == '\\' && n + 1 < rest.n ? 2 : 1;
	*value = slice_head(rest, n);
	*s = slice_from(rest, n);
	return true;
}

static int64_t
number_of(struct slice s, struct slice key)
{
	struct slice head;
	uint64_t n;

	if (!slice_cut_at(&s, key, &head) || !slice_eat(&s, SLICE(":")))
		return -1;
	s = slice_trim(s);
	return slice_u64(&s, &n) && n < INT64_MAX ? (int64_t)n : -1;
}

/* A line is a message, and complete. */
static void
listed(struct queue *q, struct slice line, struct queue_listing *l)
{
	struct queue_mail m = { .size = -1 };
	struct slice s = line, box, address, reason;

	(void)l;
	if (line.p == NULL || !string_of(&s, SLICE("\"queue_name\""), &box))
		return;
	for (int i = 0; i < QUEUE_BOXES; i++)
		if (slice_eq(box, slice_of(queue_box_name[i])))
			m.box = (enum queue_box)i;
	m.arrived = number_of(s, SLICE("\"arrival_time\""));
	m.size = number_of(s, SLICE("\"message_size\""));
	m.any_sender = string_of(&s, SLICE("\"sender\""), &m.sender);
	if (slice_eq(m.sender, SLICE("MAILER-DAEMON")))
		m.sender.n = 0;
	while (string_of(&s, SLICE("\"address\""), &address)) {
		queue_mail_rcpt(&m, address);
		if (slice_starts(s, SLICE("\", \"delay_reason\"")) &&
		    string_of(&s, SLICE("\"delay_reason\""), &reason) && m.reason.n == 0)
			m.reason = queue_reason(reason);
	}
	queue_told(q, &m);
}

static const char *const signs[] = { "/usr/sbin/postqueue", "/usr/local/sbin/postqueue", NULL };
static const char *const ask[] = { "/usr/sbin/postqueue", "-j", NULL };
static const char *const spools[] = { "/var/spool/postfix", NULL };

const struct queue_mta queue_postfix = {
	"postfix", "Postfix", spools, signs, ask, "its folders are 0700: give the program the capability "
	"CAP_DAC_READ_SEARCH, or let it ask postqueue", true, walk, look, listed
};
