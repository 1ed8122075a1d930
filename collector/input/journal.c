/* journal.c - see journal.h: the home of systemd/sd-journal.h.
 *
 * An entry that comes late into a journal with entries of several hosts, behind newer ones
 * of another host, is passed over by libsystemd: who reads such a folder names each host in
 * a source of its own (journal_match). The cursor is taken at every entry, since it cannot
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
#include "mem.h"

#include "poison.h"

enum {
	CURSOR_MAX = 1024, SMALL_MAX = 256,
	FIELD_MAX = LINE_MAX_BYTES + 64,	/* with its name; more would be cut anyway */
	AHEAD_MAX = 1000	/* entries of the same time among which the cursor's is looked for */
};

/* What is wanted of an entry. */
enum field { TIME, HOST, TAG, COMM, SYSLOG_PID, PID, TRANSPORT, MESSAGE, FIELDS };

static const struct slice names[FIELDS] = {
	[TIME] = { "_SOURCE_REALTIME_TIMESTAMP=", 27 },
	[HOST] = { "_HOSTNAME=", 10 },
	[TAG] = { "SYSLOG_IDENTIFIER=", 18 },
	[COMM] = { "_COMM=", 6 },
	[SYSLOG_PID] = { "SYSLOG_PID=", 11 },
	[PID] = { "_PID=", 5 },
	[TRANSPORT] = { "_TRANSPORT=", 11 },
	[MESSAGE] = { "MESSAGE=", 8 },
};

struct journal {
	struct journal_what what;
	sd_journal *sd;		/* NULL: it is not there */
	int fd;
	dev_t dev;		/* of the path as it was opened */
	ino_t ino;
	bool replaced;		/* the path is another one's by now: read to the end, and leave */
	bool more;		/* not at the end, since the last look */
	bool placed;		/* behind the cursor */
	bool any;		/* an entry was there */
	struct buf cursor;
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
	buf_add(&j->cursor, cursor);
	for (enum field f = 0; f < FIELDS; f++)
		j->value[f] = buf_new(f == MESSAGE ? LINE_MAX_BYTES : SMALL_MAX);
	j->line = buf_new(LINE_MAX_BYTES);
	return j;
}

static void
leave(struct journal *j)
{
	sd_journal_close(j->sd);
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

/* 0, or an error number below it, as libsystemd has them. */
static int
open_path(struct journal *j)
{
	const char *paths[] = { j->what.where, NULL };
	struct stat st;

	if (is_system(j))
		return sd_journal_open(&j->sd, SD_JOURNAL_LOCAL_ONLY);
	if (stat(j->what.where, &st) != 0)
		return -errno;
	j->dev = st.st_dev;
	j->ino = st.st_ino;
	if (S_ISDIR(st.st_mode))
		return sd_journal_open_directory(&j->sd, j->what.where, 0);
	return sd_journal_open_files(&j->sd, paths, 0);
}

static void
open_it(struct journal *j)
{
	int rc = open_path(j);

	if (rc >= 0)
		rc = sd_journal_set_data_threshold(j->sd, FIELD_MAX);
	for (size_t i = 0; rc >= 0 && i < j->what.matches; i++)
		rc = sd_journal_add_match(j->sd, j->what.match[i], 0);
	if (rc >= 0) {
		rc = sd_journal_get_fd(j->sd);
		j->fd = rc >= 0 ? rc : -1;
		return;
	}
	if (j->sd != NULL)
		leave(j);
	j->sd = NULL;
	say(j, rc == -ENOENT ? "not there yet" : strerror(-rc));
}

/* A folder or file of that name is another one now. */
static bool
is_replaced(const struct journal *j)
{
	struct stat st;

	return !is_system(j) && stat(j->what.where, &st) == 0 &&
	    (st.st_dev != j->dev || st.st_ino != j->ino);
}

void
journal_look(struct journal *j)
{
	if (j->sd == NULL) {
		open_it(j);
	} else {
		j->replaced = is_replaced(j);
		(void)sd_journal_process(j->sd);
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

/* Look for the cursor's entry where it must be. 1: that is the present one. 0: it is not
 * there, but later ones may be. -1: nothing is there yet that is as late. */
static int
find_cursor(struct journal *j)
{
	uint64_t at = cursor_time(&j->cursor), time;
	int n = 0;

	while (n < AHEAD_MAX && sd_journal_next(j->sd) > 0) {
		n++;
		if (sd_journal_test_cursor(j->sd, j->cursor.p) > 0)
			return 1;
		if (sd_journal_get_realtime_usec(j->sd, &time) < 0 || time > at)
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
		return j->placed = sd_journal_seek_head(j->sd) >= 0;
	if (sd_journal_seek_cursor(j->sd, j->cursor.p) < 0) {
		say(j, "the place that was remembered makes no sense; reading from the start");
		buf_clear(&j->cursor);
		return false;
	}
	found = find_cursor(j);
	if (found == 0) {
		say(j, "the entry that was read last is gone; going on with the first later one. "
		    "What was written between, and vacuumed, is not counted");
		j->said.text[0] = '\0';	/* it is news each time */
		(void)sd_journal_seek_cursor(j->sd, j->cursor.p);
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
	sd_journal_restart_data(j->sd);
	while ((rc = sd_journal_enumerate_available_data(j->sd, &data, &n)) > 0) {
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
		if (sd_journal_get_realtime_usec(j->sd, &us) < 0 || us >= latest_us)
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

/* Of what came by syslog(3) the line in a file has the process id that the program put into
 * it, or none; of anything else journald's own, in both. */
static void
add_tag(struct journal *j)
{
	struct slice tag = value(j, j->there[TAG] ? TAG : COMM);
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

static bool
remember(struct journal *j)
{
	char *cursor;

	if (sd_journal_get_cursor(j->sd, &cursor) < 0)
		return false;
	buf_clear(&j->cursor);
	buf_str(&j->cursor, cursor);
	free(cursor);
	return !j->cursor.full;
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
	rc = sd_journal_next(j->sd);
	if (rc <= 0) {
		rest(j, rc);
		return tell(j, note);
	}
	j->any = true;
	rc = read_fields(j);
	if (!remember(j) || rc < 0) {
		say(j, rc < 0 ? strerror(-rc) : "an entry is damaged");
		buf_clear(&j->line);
	} else {
		put_together(j);
	}
	*out = (struct journal_line){ buf_slice(&j->line), j->cut };
	return 1;
}
