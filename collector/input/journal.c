/* journal.c - see journal.h: the home of systemd/sd-journal.h.
 *
 * An entry that comes late into a journal with entries of several hosts, behind newer ones
 * of another host, is passed over by libsystemd: who reads such a folder names each host in
 * a source of its own (journal_match). All that a service wrote at once has the same time, and of such
 * entries in two files libsystemd does not know the order: when journald copies them from /run to /var we
 * go back to the place, and know by the entries read last which of them were. The cursor is taken at every entry, since it cannot
 * be had any more once the file of that entry was vacuumed. */
#include "input/journal.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <systemd/sd-journal.h>

#include "buf.h"
#include "input/reader.h"
#include "lateload.h"
#include "mem.h"

#include "poison.h"

/* Loaded when a journal is opened: linked with a program it brings six libraries to each start. */
#define SD_FUNCTIONS(F) \
	F(sd_journal_add_match) F(sd_journal_close) F(sd_journal_enumerate_available_data) \
	F(sd_journal_get_cursor) F(sd_journal_get_fd) F(sd_journal_get_realtime_usec) \
	F(sd_journal_next) F(sd_journal_open) F(sd_journal_open_directory) \
	F(sd_journal_open_files) F(sd_journal_process) F(sd_journal_restart_data) \
	F(sd_journal_seek_cursor) F(sd_journal_seek_head) F(sd_journal_set_data_threshold) \
	F(sd_journal_test_cursor)
static struct {
	SD_FUNCTIONS(LATELOAD_MEMBER)
} libsystemd;

enum {
	ROOTS = 2, RECENT = 1024, CURSOR_MAX = 1024, SMALL_MAX = 256,
	FIELD_MAX = LINE_MAX_BYTES + 64,	/* with its name; more would be cut anyway */
	AHEAD_MAX = 1000	/* entries of the same time among which the cursor's is looked for */
};

/* What is wanted of an entry. */
enum field { TIME, HOST, TAG, COMM, SYSLOG_PID, PID, TRANSPORT, CONTAINER, MESSAGE, FIELDS };

static const struct slice names[FIELDS] = {
	[TIME] = { "_SOURCE_REALTIME_TIMESTAMP=", 27 },
	[HOST] = { "_HOSTNAME=", 10 },
	[TAG] = { "SYSLOG_IDENTIFIER=", 18 },
	[COMM] = { "_COMM=", 6 },
	[SYSLOG_PID] = { "SYSLOG_PID=", 11 },
	[PID] = { "_PID=", 5 },
	[TRANSPORT] = { "_TRANSPORT=", 11 },
	[CONTAINER] = { "CONTAINER_ID=", 13 },
	[MESSAGE] = { "MESSAGE=", 8 },
};

struct journal {
	struct journal_what what;
	sd_journal *sd;		/* NULL: it is not there */
	int fd;
	struct root {
		dev_t dev;
		ino_t ino;	/* 0: it was not there */
	} root[ROOTS];		/* the paths as they were opened */
	bool replaced;		/* one is another one's by now: read to the end, and leave */
	bool more;		/* not at the end, since the last look */
	bool placed;		/* behind the cursor */
	bool any;		/* an entry was there */
	struct buf cursor, next;	/* of the last entry, and of the present one */
	struct recent {
		uint64_t entry, file;	/* hashes of what its cursor says of it, and of its file */
	} recent[RECENT];	/* the entries read last */
	size_t recent_at;
	uint64_t file;		/* as there: of the last entry */
	bool again;		/* the place was looked for in another file just now */
	struct buf value[FIELDS];
	bool there[FIELDS];
	struct buf line;
	bool cut;
	struct err say, said;	/* trouble to tell, and the last that was told */
};

static void
say(struct journal *j, const char *what)
{
	struct err e;

	err_set(&e, "journal %s: %s", j->what.where, what);
	if (strcmp(e.text, j->said.text) != 0)
		j->say = j->said = e;
}

bool
journal_match_good(const char *match)
{
	size_t n = strspn(match, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

	return n > 0 && n <= 64 && (match[0] < '0' || match[0] > '9') && match[n] == '=';
}

struct journal *
journal_new(const struct journal_what *what, struct slice cursor)
{
	struct journal *j = xcalloc(1, sizeof *j);

	j->what = *what;
	j->fd = -1;
	j->cursor = buf_new(CURSOR_MAX);
	j->next = buf_new(CURSOR_MAX);
	buf_add(&j->cursor, cursor);
	for (enum field f = 0; f < FIELDS; f++)
		j->value[f] = buf_new(f == MESSAGE ? LINE_MAX_BYTES : SMALL_MAX);
	j->line = buf_new(LINE_MAX_BYTES);
	return j;
}

static void
leave(struct journal *j)
{
	if (j->sd != NULL)
		libsystemd.sd_journal_close(j->sd);
	j->sd = NULL;
	j->fd = -1;
	j->placed = j->replaced = j->more = false;
}

void
journal_free(struct journal *j)
{
	if (j == NULL)
		return;
	leave(j);
	buf_free(&j->cursor);
	buf_free(&j->next);
	for (enum field f = 0; f < FIELDS; f++)
		buf_free(&j->value[f]);
	buf_free(&j->line);
	free(j);
}

int
journal_fd(const struct journal *j)
{
	return j->fd;
}

struct slice
journal_cursor(const struct journal *j)
{
	return buf_slice(&j->cursor);
}

/* --- opening ------------------------------------------------------------------------- */

static bool
is_system(const struct journal *j)
{
	return strcmp(j->what.where, "system") == 0;
}

/* What is at the paths: the one that was asked for, or those of the system. libsystemd does not
 * see a folder that somebody makes later, as "mkdir /var/log/journal" does to keep the journal. */
static void
look_at_roots(const struct journal *j, struct root root[ROOTS])
{
	const char *const paths[ROOTS] = {
		is_system(j) ? "/run/log/journal" : j->what.where, "/var/log/journal"
	};
	struct stat st;

	for (int i = 0; i < ROOTS; i++) {
		root[i] = (struct root){ 0 };
		if ((i == 0 || is_system(j)) && stat(paths[i], &st) == 0)
			root[i] = (struct root){ st.st_dev, st.st_ino };
	}
}

/* 0, or an error number below it, as libsystemd has them. */
static int
open_path(struct journal *j)
{
	const char *paths[] = { j->what.where, NULL };
	struct stat st;

	look_at_roots(j, j->root);
	if (is_system(j))
		return libsystemd.sd_journal_open(&j->sd, SD_JOURNAL_LOCAL_ONLY);
	if (stat(j->what.where, &st) != 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return libsystemd.sd_journal_open_directory(&j->sd, j->what.where, 0);
	return libsystemd.sd_journal_open_files(&j->sd, paths, 0);
}

static void
open_it(struct journal *j)
{
	static const char *const functions[] = { SD_FUNCTIONS(LATELOAD_NAME) NULL };
	struct err e;
	int rc;

	if (!lateload("libsystemd.so.0", "libsystemd0", functions, &libsystemd, &e)) {
		say(j, e.text);
		return;
	}
	rc = open_path(j);
	if (rc >= 0)
		rc = libsystemd.sd_journal_set_data_threshold(j->sd, FIELD_MAX);
	for (size_t i = 0; rc >= 0 && i < j->what.matches; i++)
		rc = libsystemd.sd_journal_add_match(j->sd, j->what.match[i], 0);
	if (rc >= 0) {
		rc = libsystemd.sd_journal_get_fd(j->sd);
		j->fd = rc >= 0 ? rc : -1;
		return;
	}
	if (j->sd != NULL)
		leave(j);
	j->sd = NULL;
	say(j, rc == -ENOENT ? "not there yet" : strerror(-rc));
}

/* A folder or file of that name is there that is not the one that was opened. */
static bool
is_replaced(const struct journal *j)
{
	struct root root[ROOTS];

	look_at_roots(j, root);
	for (int i = 0; i < ROOTS; i++)
		if (root[i].ino != 0 && (root[i].dev != j->root[i].dev || root[i].ino != j->root[i].ino))
			return true;
	return false;
}

void
journal_look(struct journal *j)
{
	if (j->sd == NULL) {
		open_it(j);
	} else {
		j->replaced = is_replaced(j);
		(void)libsystemd.sd_journal_process(j->sd);
	}
	j->more = j->sd != NULL;
}

/* --- the place -------------------------------------------------------------------------- */

/* The time in a cursor, microseconds; 0 if it says none. */
static uint64_t
cursor_time(const struct buf *cursor)
{
	const char *at = strstr(cursor->p, ";t=");

	return at == NULL ? 0 : strtoull(at + 3, NULL, 16);
}

/* Is the present entry the cursor's, in whatever file it is? Of an entry that journald copied from
 * /run to /var all is the same but the number in its file: what stands before the boot's id. */
static bool
is_at_cursor(struct journal *j)
{
	const char *ours = strstr(j->cursor.p, ";b="), *its;
	char *cursor;
	bool same;

	if (libsystemd.sd_journal_test_cursor(j->sd, j->cursor.p) > 0)
		return true;
	if (ours == NULL || libsystemd.sd_journal_get_cursor(j->sd, &cursor) < 0)
		return false;
	its = strstr(cursor, ";b=");
	same = its != NULL && strcmp(ours, its) == 0;
	free(cursor);
	return same;
}

/* Look for the cursor's entry where it must be. 1: that is the present one. 0: it is not
 * there, but later ones may be. -1: nothing is there yet that is as late. */
static int
find_cursor(struct journal *j)
{
	uint64_t at = cursor_time(&j->cursor), time;
	int n = 0;

	while (n < AHEAD_MAX && libsystemd.sd_journal_next(j->sd) > 0) {
		n++;
		if (is_at_cursor(j))
			return 1;
		if (libsystemd.sd_journal_get_realtime_usec(j->sd, &time) < 0 || time > at)
			break;
	}
	return n > 0 ? 0 : -1;
}

/* Go where the next entry is the first to be read. False: it is not there yet. */
static bool
place(struct journal *j)
{
	int found;

	if (j->cursor.n == 0)
		return j->placed = libsystemd.sd_journal_seek_head(j->sd) >= 0;
	if (libsystemd.sd_journal_seek_cursor(j->sd, j->cursor.p) < 0) {
		say(j, "the place that was remembered makes no sense; reading from the start");
		buf_clear(&j->cursor);
		return false;
	}
	found = find_cursor(j);
	if (found == 0) {
		say(j, "the entry that was read last is gone; going on with the first later one. "
		    "What was written between, and vacuumed, is not counted");
		j->said.text[0] = '\0';	/* it is news each time */
		(void)libsystemd.sd_journal_seek_cursor(j->sd, j->cursor.p);
	}
	return j->placed = found >= 0;
}

/* --- an entry ------------------------------------------------------------------------------ */

static void
add_cut(struct journal *j, struct buf *b, struct slice s)
{
	size_t room = b->max - b->n;

	if (s.n > room)
		j->cut = true;
	buf_add(b, slice_head(s, room));
}

static int
read_fields(struct journal *j)
{
	const void *data;
	size_t n;
	int rc;

	memset(j->there, 0, sizeof j->there);
	j->cut = false;
	libsystemd.sd_journal_restart_data(j->sd);
	while ((rc = libsystemd.sd_journal_enumerate_available_data(j->sd, &data, &n)) > 0) {
		struct slice s = { data, n };
		enum field f = 0;

		while (f < FIELDS && (j->there[f] || !slice_starts(s, names[f])))
			f++;
		if (f == FIELDS)
			continue;
		j->there[f] = true;
		buf_clear(&j->value[f]);
		add_cut(j, &j->value[f], slice_from(s, names[f].n));
	}
	return rc;
}

static struct slice
value(const struct journal *j, enum field f)
{
	return j->there[f] ? buf_slice(&j->value[f]) : SLICE("");
}

static bool
is_control(char c)
{
	return (unsigned char)c < ' ' || c == 127;
}

/* As rsyslog does: a control character becomes # and three octal digits. */
static void
add_escaped(struct journal *j, struct slice s)
{
	while (s.n > 0) {
		size_t n = 0;
		char octal[4];
		unsigned char c;

		while (n < s.n && !is_control(s.p[n]))
			n++;
		add_cut(j, &j->line, slice_head(s, n));
		if (n < s.n) {
			c = (unsigned char)s.p[n++];
			octal[0] = '#';
			octal[1] = (char)('0' + c / 64);
			octal[2] = (char)('0' + c / 8 % 8);
			octal[3] = (char)('0' + c % 8);
			add_cut(j, &j->line, (struct slice){ octal, sizeof octal });
		}
		s = slice_from(s, n);
	}
}

/* Until the year 2200, which leaves a stamp four digits for the year. */
static bool
add_stamp(struct journal *j)
{
	static const uint64_t latest_us = 7258118400000000;
	struct slice said = value(j, TIME);
	uint64_t us;
	time_t t;
	struct tm tm;

	if (!slice_u64(&said, &us) || said.n > 0 || us >= latest_us)
		if (libsystemd.sd_journal_get_realtime_usec(j->sd, &us) < 0 || us >= latest_us)
			return false;
	t = (time_t)(us / 1000000);
	if (gmtime_r(&t, &tm) == NULL)
		return false;
	buf_fmt(&j->line, "%04d-%02d-%02dT%02d:%02d:%02d.%06u+00:00 ", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (unsigned)(us % 1000000));
	return true;
}

/* A word: what would end it is no part of a name. */
static void
add_host(struct journal *j)
{
	struct slice host = value(j, HOST);

	if (host.n == 0)
		host = slice_of(j->what.host);
	for (size_t i = 0; i < host.n; i++)
		buf_char(&j->line, is_control(host.p[i]) || host.p[i] == ' ' ? '?' : host.p[i]);
	buf_char(&j->line, ' ');
}

/* Of what a container printed the tag is its id, whatever name docker or podman was told to put there.
 * Of what came by syslog(3) the line in a file has the process id that the program put into
 * it, or none; of anything else journald's own, in both. */
static void
add_tag(struct journal *j)
{
	struct slice tag = value(j, j->there[CONTAINER] ? CONTAINER : j->there[TAG] ? TAG : COMM);
	struct slice pid = value(j, SYSLOG_PID);

	if (!j->there[SYSLOG_PID] && !slice_eq(value(j, TRANSPORT), SLICE("syslog")))
		pid = value(j, PID);
	if (tag.n == 0)
		return;
	add_escaped(j, tag);
	if (pid.n > 0) {
		buf_char(&j->line, '[');
		add_escaped(j, pid);
		buf_char(&j->line, ']');
	}
	buf_str(&j->line, ": ");
}

/* Like rsyslog without a NUL or a line end at the end. */
static struct slice
text(const struct journal *j)
{
	struct slice s = value(j, MESSAGE);

	if (s.n > 0 && s.p[s.n - 1] == '\0')
		s.n--;
	if (s.n > 0 && s.p[s.n - 1] == '\n')
		s.n--;
	return s;
}

static void
put_together(struct journal *j)
{
	buf_clear(&j->line);
	if (!j->there[MESSAGE] || !add_stamp(j))
		return;
	add_host(j);
	add_tag(j);
	add_escaped(j, text(j));
}

/* The hashes of a cursor: without the entry's number in its file. */
static struct recent
hashes_of(const struct buf *cursor)
{
	struct slice entry = buf_slice(cursor), head = { "", 0 }, file = { "", 0 };

	if (slice_cut_at(&entry, SLICE(";b="), &head))
		(void)slice_cut(&head, ';', &file);
	return (struct recent){ hash_bytes(&reader_key, entry), hash_bytes(&reader_key, file) };
}

/* Was it read before, from another file? */
static bool
is_copy(struct journal *j, struct recent now)
{
	for (size_t i = 0; i < RECENT; i++)
		if (j->recent[i].entry == now.entry && j->recent[i].file != now.file)
			return true;
	j->recent[j->recent_at++ % RECENT] = now;
	return false;
}

/* Of what has the same time as the last entry, some in this other file may stand before this one:
 * look for the last entry there, once. */
static bool
goes_back(struct journal *j, struct recent now)
{
	bool other = is_system(j) && j->cursor.n > 0 && j->file != 0 && now.file != j->file;

	j->again = other && !j->again;
	if (j->again)
		j->placed = false;
	else
		j->file = now.file;
	return j->again;
}

/* The cursor of the present entry becomes ours. False: there is nothing to be read of it. */
static bool
take(struct journal *j)
{
	char *cursor = NULL;
	struct recent now;
	int rc = libsystemd.sd_journal_get_cursor(j->sd, &cursor);

	buf_clear(&j->next);
	buf_str(&j->next, rc < 0 ? "" : cursor);
	free(cursor);
	now = hashes_of(&j->next);
	if (rc >= 0 && goes_back(j, now))
		return false;
	if (rc >= 0) {
		buf_clear(&j->cursor);
		buf_add(&j->cursor, buf_slice(&j->next));
		if (is_copy(j, now))
			return false;
		rc = read_fields(j);
	}
	if (rc < 0)
		say(j, strerror(-rc));
	return rc >= 0;
}

/* No more for now. */
static void
rest(struct journal *j, int rc)
{
	j->more = false;
	if (rc < 0)
		say(j, strerror(-rc));
	else if (!j->any && j->cursor.n == 0)
		say(j, "no entry that may be read yet; whoever runs mxgauged must be in the group "
		    "systemd-journal or adm");
	if (j->replaced)
		leave(j);
}

static int
tell(struct journal *j, struct err *note)
{
	if (j->say.text[0] == '\0')
		return 0;
	*note = j->say;
	j->say.text[0] = '\0';
	return -1;
}

int
journal_next(struct journal *j, struct journal_line *out, struct err *note)
{
	int rc = 0;

	if (!j->more || j->say.text[0] != '\0')
		return tell(j, note);
	if ((!j->placed && !place(j)) || j->say.text[0] != '\0') {
		j->more = j->placed;
		return tell(j, note);
	}
	rc = libsystemd.sd_journal_next(j->sd);
	if (rc <= 0) {
		rest(j, rc);
		return tell(j, note);
	}
	j->any = true;
	if (take(j))
		put_together(j);
	else
		buf_clear(&j->line);
	*out = (struct journal_line){ buf_slice(&j->line), j->cut };
	return 1;
}
