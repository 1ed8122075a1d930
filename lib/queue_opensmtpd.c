/* queue_opensmtpd.c - OpenSMTPD's spool: queue/HH/MSGID/EVPID, an envelope a recipient.
 *
 * What is counted are envelopes, as "smtpctl show queue" lists them: MSGID is 8 hexadecimal
 * digits, an envelope's 16 begin with them; "message" beside them is the content. corrupt/ holds
 * messages set aside, incoming/ those on their way in. An envelope is "key: value" lines; with
 * "queue compression" or "encryption" it is not to be read. */
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
};

static bool
is_hex(const char *name, size_t n)
{
	return strlen(name) == n && strspn(name, "0123456789abcdef") == n;
}

/* All three sorts of folders have names of their own length. */
static bool
on_entry(void *arg, const char *name, bool is_dir, struct err *e)
{
	struct walk *w = arg;
	char path[QUEUE_PATH_BYTES];

	if (is_dir && (is_hex(name, 2) || is_hex(name, 8))) {
		struct walk below = { w->q, path, w->box, 0 };

		if (!queue_path(path, w->path, name, e))
			return false;
		if (name[2] != '\0')
			below.dir = queue_dir(w->q, path);
		return queue_list(path, true, on_entry, &below, e);
	}
	if (!is_dir && is_hex(name, 16))
		queue_found(w->q, w->dir, w->box, name, 0);
	else if (is_dir || strcmp(name, "message") != 0)
		w->q->foreign++;
	return true;
}

static bool
walk(struct queue *q, const char *spool, struct err *e)
{
	static const struct {
		const char *folder;
		enum queue_box box;
	} folders[] = {
		{ "queue", QUEUE_DEFERRED }, { "incoming", QUEUE_INCOMING }, { "corrupt", QUEUE_CORRUPT }
	};

	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		char path[QUEUE_PATH_BYTES];
		struct walk w = { q, path, folders[i].box, 0 };

		if (!queue_path(path, spool, folders[i].folder, e))
			return false;
		if (!queue_list(path, folders[i].box != QUEUE_DEFERRED, on_entry, &w, e))
			return false;
	}
	return true;
}

/* --- files ---------------------------------------------------------------------------------- */

static int64_t
number(struct slice bytes, struct slice head)
{
	struct slice s;
	uint64_t n;

	return queue_line(bytes, head, &s) && slice_u64(&s, &n) && n < INT64_MAX ? (int64_t)n : 0;
}

static bool
look(struct queue_look *l, const char *name, struct queue_mail *m)
{
	struct slice bytes = queue_read(l, l->dirfd, name, 0, l->bytes, sizeof l->bytes), s;
	struct stat st;

	m->arrived = number(bytes, SLICE("ctime: "));
	if (m->arrived == 0)
		return false;	/* gone; or packed */
	m->any_sender = queue_line(bytes, SLICE("sender:"), &m->sender);
	if (slice_eq(m->sender, SLICE("@")))
		m->sender.n = 0;
	if (queue_line(bytes, SLICE("dest: "), &s))
		queue_mail_rcpt(m, s);
	if (queue_line(bytes, SLICE("errorline: "), &s))
		m->reason = queue_reason(s);
	if (m->box == QUEUE_DEFERRED && number(bytes, SLICE("retry: ")) == 0)
		m->box = QUEUE_INCOMING;
	if (queue_line(bytes, SLICE("flags: "), &s) &&
	    (slice_has(s, SLICE("suspend")) || slice_has(s, SLICE("hold"))))
		m->box = QUEUE_HOLD;
	if (fstatat(l->dirfd, "message", &st, AT_SYMLINK_NOFOLLOW) == 0)
		m->size = st.st_size;
	return true;
}

/* --- smtpctl show queue ---------------------------------------------------------------------- */

/* evpid|inet4|mta|flags|sender|rcpt|dest|ctime|expire|last try|retries|state|seconds|error */
static void
listed(struct queue *q, struct slice line, struct queue_listing *l)
{
	enum { ID, FLAGS = 3, SENDER, RCPT, DEST, CTIME, RETRIES = 10, FIELDS = 13 };
	struct queue_mail m = { .size = -1, .box = QUEUE_DEFERRED, .any_sender = true };
	struct slice field[FIELDS], s = line;
	uint64_t n;

	(void)l;
	for (int i = 0; i < FIELDS; i++)
		if (!slice_cut(&s, '|', &field[i]))
			return;
	if (slice_u64(&field[CTIME], &n) && n < INT64_MAX)
		m.arrived = (int64_t)n;
	m.sender = slice_eq(field[SENDER], SLICE("@")) ? SLICE("") : field[SENDER];
	m.reason = queue_reason(s);
	if (slice_eq(field[RETRIES], SLICE("0")))
		m.box = QUEUE_INCOMING;
	if (slice_has(field[FLAGS], SLICE("suspend")) || slice_has(field[FLAGS], SLICE("hold")))
		m.box = QUEUE_HOLD;
	queue_mail_rcpt(&m, field[DEST]);
	queue_told(q, &m);
}

static const char *const signs[] = { "/usr/sbin/smtpctl", "/usr/local/sbin/smtpctl", NULL };
static const char *const ask[] = { "/usr/sbin/smtpctl", "show", "queue", NULL };
static const char *const spools[] = { "/var/spool/smtpd", NULL };

const struct queue_mta queue_opensmtpd = {
	"opensmtpd", "OpenSMTPD", spools, signs, ask, "its folders are _smtpq's: give the program the "
	"capability CAP_DAC_READ_SEARCH", false, walk, look, listed
};
