/* machine.c - what this machine's mail system is, as far as files tell.
 *
 * Reads main.cf itself instead of asking postconf: that works for anybody who may
 * read it, and does not run what a configuration names. Of logs only the end is
 * looked at. Parameters are taken literally: a $name inside a value is not
 * expanded, but for the two that stand in Postfix's own defaults. */
#include "view/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "dialect/dialect.h"
#include "input/header.h"
#include "input/journal.h"
#include "slice.h"

#include "poison.h"

enum { PATH_SIZE = 4096, CONF_MAX = 1 << 20, END_BYTES = 256 << 10, JOURNAL_LINES = 1000 };

static bool
rooted(char out[PATH_SIZE], const char *root, const char *path)
{
	return snprintf(out, PATH_SIZE, "%s%s", root, path) < PATH_SIZE;
}

static bool
exists(const char *root, const char *path)
{
	char full[PATH_SIZE];
	struct stat st;

	return rooted(full, root, path) && stat(full, &st) == 0;
}

static void
look_others(struct machine *m, const char *root)
{
	static const struct { const char *path, *name; } others[] = {
		{ "/etc/exim4", "Exim" }, { "/etc/exim", "Exim" },
		{ "/etc/mail/sendmail.cf", "Sendmail" }, { "/etc/smtpd.conf", "OpenSMTPD" },
		{ "/etc/opensmtpd/smtpd.conf", "OpenSMTPD" }, { "/var/qmail/bin/qmail-send", "qmail" },
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		if (exists(root, others[i].path) &&
		    (n == 0 || strcmp(m->other[n - 1], others[i].name) != 0))
			m->other[n++] = others[i].name;
	}
}

/* --- logs --------------------------------------------------------------------------- */

/* Does some other MTA's dialect know the line? */
static bool
is_other_line(struct header *h, struct slice line)
{
	static const char *const names[] = { "exim", "sendmail", "qmail", "opensmtpd" };
	struct event events[EVENTS_MAX];
	const struct dialect *d;
	struct line l;

	if (header_parse(h, line, &l) != HEADER_LINE || (d = dialect_of(&l)) == NULL)
		return false;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(d->name, names[i]) == 0)
			return d->parse(&l, events) >= 0;
	return false;
}

/* Does a line look like one of Postfix's: "... postfix/smtpd[12]: ..." or with
 * another tag of ours, "mx/qmgr[12]: "? */
static bool
is_postfix_line(const struct machine *m, struct slice line)
{
	struct slice head = slice_head(line, 120), tag;

	for (size_t i = 0; i <= m->ninstances; i++) {
		char text[80];
		ptrdiff_t at;

		snprintf(text, sizeof text, " %.60s/", i == 0 ? "postfix" : m->instance[i - 1].tag);
		at = slice_find(head, slice_of(text));
		if (at < 0)
			continue;
		tag = slice_from(head, (size_t)at);
		if (slice_has(tag, SLICE("]: ")) || slice_has(tag, SLICE(": ")))
			return true;
	}
	return false;
}

static void
count_lines(const struct machine *m, struct machine_log *l, struct slice text)
{
	struct err e;
	struct header *h = header_new("UTC", 0, (int64_t)time(NULL), SLICE(""), &e);
	struct slice line;

	while (slice_cut(&text, '\n', &line)) {
		l->lines++;
		l->mail += is_postfix_line(m, line) || (h != NULL && is_other_line(h, line));
	}
	header_free(h);
}

static const char *
user_name(struct arena *a, uid_t uid)
{
	struct passwd *p = getpwuid(uid);

	return p == NULL ? "?" : arena_strdup(a, slice_of(p->pw_name));
}

static const char *
group_name(struct arena *a, gid_t gid)
{
	struct group *g = getgrgid(gid);

	return g == NULL ? "?" : arena_strdup(a, slice_of(g->gr_name));
}

static struct machine_log *
look_log(struct machine *m, const char *root, const char *path)
{
	struct machine_log *l = &m->log[m->nlogs];
	char full[PATH_SIZE];
	struct buf text;
	struct stat st;

	for (size_t i = 0; i < m->nlogs; i++) {
		if (strcmp(m->log[i].path, path) == 0)
			return &m->log[i];
	}
	/* a name with control bytes is an accident or an attack, and no source */
	for (const char *p = path; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ' || *p == 127)
			return NULL;
	}
	if (m->nlogs == MACHINE_LOGS || !rooted(full, root, path) || stat(full, &st) != 0 ||
	    !S_ISREG(st.st_mode))
		return NULL;
	*l = (struct machine_log){ .path = arena_strdup(&m->arena, slice_of(path)),
		.mode = st.st_mode, .owner = user_name(&m->arena, st.st_uid),
		.group = group_name(&m->arena, st.st_gid) };
	l->readable = postfix_conf_read(full, END_BYTES, true, &text);
	count_lines(m, l, buf_slice(&text));
	buf_free(&text);
	m->nlogs++;
	return l;
}

/* Those that other MTAs write themselves. */
static void
look_own_logs(struct machine *m, const char *root)
{
	static const char *const paths[] = { "/var/log/exim4/mainlog", "/var/log/exim/mainlog",
		"/var/log/exim/main.log", "/var/log/exim_mainlog", "/var/log/qmail/current",
		"/var/log/qmail/send/current", "/var/log/qmail/smtpd/current",
		"/var/log/qmail/qmail-send/current", "/var/log/qmail/qmail-smtpd/current" };

	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		struct machine_log *l = look_log(m, root, paths[i]);

		if (l != NULL && (l->mail > 0 || !l->readable))
			l->chosen = true;
	}
}

/* The logs that Postfix writes itself; and of the usual places the first that has
 * its lines, because the others have the same ones again. One that may not be read
 * is taken when none that may be read has any. */
static void
look_logs(struct machine *m, const char *root)
{
	static const char *const usual[] = { "/var/log/mail.log", "/var/log/maillog",
		"/var/log/mail", "/var/log/mail/mail.log", "/var/log/mail.info",
		"/var/log/syslog", "/var/log/messages" };
	struct machine_log *best = NULL, *closed = NULL;
	bool own = m->ninstances > 0;

	for (size_t i = 0; i < m->ninstances; i++) {
		struct machine_log *l = NULL;

		if (m->instance[i].log[0] == '/')
			l = look_log(m, root, m->instance[i].log);
		if (l != NULL)
			l->chosen = true;
		own = own && l != NULL;
	}
	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
		struct machine_log *l = look_log(m, root, usual[i]);

		if (l == NULL || l->chosen)
			continue;
		if (best == NULL && l->mail > 0)
			best = l;
		if (closed == NULL && !l->readable)
			closed = l;
	}
	if (best == NULL)
		best = closed;
	if (best != NULL && !own)
		best->chosen = true;
}

/* The first entries of the mail facility, which is where MTAs log. */
static void
count_entries(struct machine *m, const char *full)
{
	static const char *const match[] = { "SYSLOG_FACILITY=2" };
	struct journal_what what = { .where = full, .match = match, .matches = 1, .host = "mx" };
	struct journal *j = journal_new(&what, SLICE(""));
	struct journal_line line;
	struct err e;
	struct header *h = header_new("UTC", 0, (int64_t)time(NULL), SLICE(""), &e);

	journal_look(j);
	for (int i = 0; i < JOURNAL_LINES && journal_next(j, &line, &e) == 1; i++)
		m->journal_mail += is_postfix_line(m, line.raw) || (h != NULL && is_other_line(h, line.raw));
	header_free(h);
	journal_free(j);
}

static void
look_journal(struct machine *m, const char *root)
{
	static const char *const folders[] = { "/var/log/journal", "/run/log/journal" };
	char full[PATH_SIZE];

	m->journal = exists(root, "/run/systemd/journal");
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		if (!exists(root, folders[i]) || !rooted(full, root, folders[i]))
			continue;
		m->journal = true;
		if (m->journal_mail == 0)
			count_entries(m, full);
	}
	m->journal_chosen = m->journal && (m->journal_mail > 0 || m->ninstances > 0 ||
	    m->other[0] != NULL);
	for (size_t i = 0; i < m->nlogs; i++)
		m->journal_chosen = m->journal_chosen && !m->log[i].chosen;
}

void
machine_look(struct machine *m, const char *root)
{
	*m = (struct machine){ 0 };
	m->ninstances = postfix_instances(root, &m->arena, m->instance, POSTFIX_INSTANCES);
	look_others(m, root);
	look_own_logs(m, root);
	look_logs(m, root);
	look_journal(m, root);
}

void
machine_free(struct machine *m)
{
	arena_free(&m->arena);
}
