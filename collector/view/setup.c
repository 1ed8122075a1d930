/* setup.c - propose a configuration for this machine, and the manual of all settings.
 *
 * Everything said of a setting comes from its row in setting.def. Nothing on the
 * machine is changed: the proposal goes to stdout. */
#include "view/setup.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "plural.h"
#include "view/machine.h"
#include "view/words.h"

#include "poison.h"

enum { COLUMNS = 78 };

struct row {
	const char *kind, *name, *def, *limits, *help;
};

static const struct row rows[] = {
#define SETTING(kind, name, def, limits, help) { #kind, #name, def, limits, help },
#include "store/setting.def"
};

static const struct row source_rows[] = {
#define SOURCE_SETTING(kind, name, def, limits, help) { #kind, #name, def, limits, help },
#include "store/setting.def"
};

static const struct row reason_rows[] = {
#define REASON_SETTING(kind, name, def, limits, help) { #kind, #name, def, limits, help },
#include "store/setting.def"
};

static const struct row passive_rows[] = {
#define PASSIVE_SETTING(kind, name, def, limits, help) { #kind, #name, def, limits, help },
#include "store/setting.def"
};

static const struct row monitor_rows[] = {
#define MONITOR_SETTING(kind, name, def, limits, help) { #kind, #name, def, limits, help },
#include "store/setting.def"
};

/* Text as comment lines of at most COLUMNS, each behind margin. */
static void
comment_at(struct buf *out, const char *margin, const char *text)
{
	size_t column = 0;

	while (*text != '\0') {
		size_t n = strcspn(text, " ");

		if (column == 0 || column + 1 + n > COLUMNS) {
			buf_fmt(out, "%s%s#", column == 0 ? "" : "\n", margin);
			column = (margin[0] == '\t' ? 8 : 0) + 1;
		}
		buf_char(out, ' ');
		buf_add(out, (struct slice){ text, n });
		column += 1 + n;
		text += n;
		text += strspn(text, " ");
	}
	buf_char(out, '\n');
}

static void
comment(struct buf *out, const char *text)
{
	comment_at(out, "", text);
}

/* A value as the file needs it: in quotes, where it could be more than a word. */
static void
value(struct buf *out, const char *s)
{
	if (s[0] != '\0' && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789/._-") == strlen(s)) {
		buf_str(out, s);
		return;
	}
	buf_char(out, '"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\' || *s == '$')
			buf_char(out, '\\');
		buf_char(out, *s);
	}
	buf_char(out, '"');
}

/* "8d to 60d", "a, b or c": what the limits column means. */
static void
limits(struct buf *out, const struct row *r)
{
	struct slice rest = slice_of(r->limits), word;

	if (slice_cut_at(&rest, SLICE(".."), &word))
		buf_fmt(out, "%.*s to %.*s", (int)word.n, word.p, (int)rest.n, rest.p);
	else if (rest.n > 0) {
		for (bool first = true; slice_cut(&rest, '|', &word); first = false)
			buf_fmt(out, "%s%.*s", first ? "" : ", ", (int)word.n, word.p);
		buf_fmt(out, " or %.*s", (int)rest.n, rest.p);
	}
}

/* --- what was found ------------------------------------------------------------------ */

static void __attribute__((format(printf, 2, 3)))
say(struct buf *out, const char *fmt, ...)
{
	struct buf b = buf_new(2000), clean = buf_new(2000);
	va_list ap;

	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	buf_clean(&clean, buf_slice(&b), 2000);
	comment(out, clean.p == NULL ? "" : clean.p);
	buf_free(&b);
	buf_free(&clean);
}

static void
say_log(const struct machine_log *l, struct buf *out)
{
	if (!l->readable)
		say(out, "%s: there, but you may not read it (owner %s, group %s, mode %03o): "
		    "who runs mxgauged needs to.", l->path, l->owner, l->group,
		    (unsigned)l->mode & 0777);
	else if (l->mail > 0)
		say(out, "%s: %s of its last %s lines %s the mail system's%s.", l->path,
		    words_count(l->mail).s, words_count(l->lines).s, PLURAL(l->mail, "is", "are"), l->chosen ? "" :
		    "; not proposed, because another log has the same lines");
	else
		say(out, "%s: no line of a mail system at its end.", l->path);
}

static bool
any_chosen(const struct machine *m)
{
	for (size_t i = 0; i < m->nlogs; i++) {
		if (m->log[i].chosen)
			return true;
	}
	return false;
}

static void
findings(const struct machine *m, struct buf *out)
{
	if (m->ninstances == 0 && m->other[0] == NULL)
		comment(out, "No mail system was found: there is no /etc/postfix/main.cf. On a log host "
		    "that is as it should be; name the files that the mail hosts' lines are in.");
	for (size_t i = 0; i < m->ninstances; i++)
		say(out, "Postfix in %s: queue %s, logs as %s%s%s.", m->instance[i].dir,
		    m->instance[i].queue, m->instance[i].tag,
		    m->instance[i].log[0] == '\0' ? "" : " to ", m->instance[i].log);
	for (size_t i = 0; m->other[i] != NULL; i++)
		say(out, "%s was found.", m->other[i]);
	for (size_t i = 0; i < m->nlogs; i++)
		say_log(&m->log[i], out);
	if (m->journal_mail > 0)
		comment(out, m->journal_chosen ? "The journal has lines of the mail system." :
		    "The journal has lines of the mail system; not proposed, because a log has them too.");
	else if (m->journal_chosen)
		comment(out, "No log file has lines of a mail system. There is a journal, and no such line "
		    "was found in it either, or you may not read it.");
	if (m->journal_chosen)
		comment(out, "Who runs mxgauged must be in the group systemd-journal or adm.");
	else if (!any_chosen(m))
		comment(out, "No log file has lines of a mail system. The file below may come later: mxgauged "
	    "waits for it.");
}

/* Who should run it: an account of its own, in the group that may read the logs. */
static void
account(const struct machine *m, const char **user, const char **group, struct buf *out)
{
	for (size_t i = 0; i < m->nlogs; i++) {
		const struct machine_log *l = &m->log[i];

		if (l->chosen && (l->mode & 0044) == 0040 && strcmp(l->group, "root") != 0 &&
		    *group == NULL)
			*group = l->group;
		if (l->chosen && (l->mode & 0044) == 0)
			say(out, "Only %s may read %s (mode %03o): mxgauged cannot, unless it runs as "
			    "that account.", l->owner, l->path, (unsigned)l->mode & 0777);
	}
	if (geteuid() != 0)
		return;
	if (getpwnam("mxgauge") != NULL)
		*user = "mxgauge";
	else
		comment(out, "There is no account mxgauge yet. One of its own is best: "
		    "useradd --system --user-group --groups adm --home-dir /var/lib/mxgauge "
		    "--shell /usr/sbin/nologin mxgauge; then set user = mxgauge.");
}

/* What a row means and may be, as a comment. */
static void
explain(struct buf *out, const char *margin, const struct row *r)
{
	struct buf text = buf_new(1000);

	buf_str(&text, r->help);
	if (r->limits[0] != '\0') {
		buf_str(&text, " [");
		limits(&text, r);
		buf_char(&text, ']');
	}
	comment_at(out, margin, text.p);
	buf_free(&text);
}

/* The row's setting with its default, to be uncommented. */
static void
leave(struct buf *out, const char *margin, const struct row *r)
{
	buf_fmt(out, "%s#%s = ", margin, r->name);
	if (strcmp(r->kind, "LIST") == 0)
		buf_str(out, "{ }");
	else
		value(out, r->def);
	buf_char(out, '\n');
}

static void
settings(const char *const set[][2], struct buf *out)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct row *r = &rows[i];
		const char *v = NULL;

		for (size_t k = 0; set[k][0] != NULL; k++) {
			if (strcmp(set[k][0], r->name) == 0)
				v = set[k][1];
		}
		buf_char(out, '\n');
		explain(out, "", r);
		if (v == NULL) {
			leave(out, "", r);
		} else if (strcmp(r->kind, "LIST") == 0) {
			buf_fmt(out, "%s = { \"%s\" }\n", r->name, v);
		} else {
			buf_fmt(out, "%s = ", r->name);
			value(out, v);
			buf_char(out, '\n');
		}
	}
}

static void
source_files(const struct machine *m, struct buf *out)
{
	size_t n = 0;

	buf_str(out, "\tfiles = { ");
	for (size_t i = 0; i < m->nlogs; i++) {
		if (m->log[i].chosen) {
			buf_str(out, n++ > 0 ? ",\n\t    " : "");
			value(out, m->log[i].path);
		}
	}
	buf_fmt(out, "%s }\n", n == 0 ? "/var/log/mail.log" : "");
}

static void
source(const struct machine *m, struct buf *out)
{
	buf_str(out, "\n# A source is where lines come from; there may be several. Files that "
	    "differ in\n# zone or host need sources of their own.\n"
	    "source \"mail\" {\n");
	for (size_t i = 0; i < sizeof source_rows / sizeof *source_rows; i++) {
		const struct row *r = &source_rows[i];

		explain(out, "\t", r);
		if (strcmp(r->name, "journal") == 0 && m->journal_chosen)
			buf_str(out, "\tjournal = system\n");
		else if (strcmp(r->name, "files") == 0 && !m->journal_chosen)
			source_files(m, out);
		else
			leave(out, "\t", r);
	}
	buf_str(out, "}\n");
}

/* Root's is the system's; anybody else has one at home. */
static const char *
usual_state(char out[4096])
{
	const char *home = getenv("HOME"), *xdg = getenv("XDG_STATE_HOME");

	if (geteuid() != 0 && xdg != NULL && xdg[0] == '/')
		snprintf(out, 4096, "%s/mxgauge", xdg);
	else if (geteuid() != 0 && home != NULL && home[0] == '/')
		snprintf(out, 4096, "%s/.local/state/mxgauge", home);
	else
		snprintf(out, 4096, "/var/lib/mxgauge");
	return out;
}

void
setup_text(const char *root, const char *state, struct buf *out)
{
	const char *user = NULL, *group = NULL;
	struct machine m;
	char usual[4096];
	bool mta;

	machine_look(&m, root);
	buf_fmt(out, "# Configuration of mxgauged, by `mxgauge setup` on %s.\n"
	    "# Settings that begin with # have their default. Try it with `mxgauge\n"
	    "# check-config`; mxgauged takes it over on SIGHUP.\n#\n",
	    words_time((int64_t)time(NULL), true).s);
	findings(&m, out);
	account(&m, &user, &group, out);
	mta = m.ninstances > 0 || m.other[0] != NULL;
	settings((const char *const[][2]){ { "state", state == NULL ? usual_state(usual) : state },
	    { mta ? "queues" : "", "auto" }, { user == NULL ? "" : "user", user }, { user == NULL || group == NULL ? "" : "group", group },
	    { NULL, NULL } }, out);
	source(&m, out);
	machine_free(&m);
}

static void
manual_rows(struct buf *out, const struct row *r, size_t n)
{
	buf_str(out, "| setting | default | may be | meaning |\n|---|---|---|---|\n");
	for (size_t i = 0; i < n; i++) {
		struct buf may = buf_new(200);

		limits(&may, &r[i]);
		buf_fmt(out, "| `%s` | %s%s%s | %s | %s |\n", r[i].name, r[i].def[0] == '\0' ? "" : "`",
		    r[i].def, r[i].def[0] == '\0' ? "" : "`", may.p != NULL ? may.p :
		    strcmp(r[i].kind, "PATH") == 0 ? "absolute path" :
		    strcmp(r[i].kind, "CLASS") == 0 ? "class" :
		    strcmp(r[i].kind, "LIST") == 0 ? "list" : "text", r[i].help);
		buf_free(&may);
	}
}

void
setup_manual(struct buf *out)
{
	buf_str(out,
	    "# The configuration of mxgauged\n"
	    "\n"
	    "<!-- made by `mxgauge setup --manual` from collector/store/setting.def -->\n"
	    "\n"
	    "`mxgauge setup` looks at the machine and prints a configuration to begin with;\n"
	    "`mxgauge check-config [FILE]` names every fault with its line. The file is\n"
	    "`" "/etc/mxgauge/mxgauge.conf" "` unless `--config` says otherwise. mxgauged reads it again\n"
	    "on SIGHUP: if there is a fault, it says so and goes on as before.\n"
	    "\n"
	    "```\n"
	    "# a comment; // and /* */ are comments too\n"
	    "state = /var/lib/mxgauge\n"
	    "keep_mails = 14d\n"
	    "host_alias = { \"mx1-old=mx1\", \"mx1-mgmt=mx1\" }\n"
	    "\n"
	    "source \"mail\" {\n"
	    "\tfiles = { /var/log/mail.log }\n"
	    "}\n"
	    "source \"branch office\" {\n"
	    "\tfiles = { \"/srv/log/branch-*/mail.log\" }\n"
	    "\ttimezone = Europe/Lisbon\n"
	    "}\n"
	    "reason \"dialup\" {\n"
	    "\tclass = generic_host\n"
	    "\tmatch = 'dynamic .* range|dial-?up'\n"
	    "}\n"
	    "```\n"
	    "\n"
	    "Texts with blanks or other signs stand in quotes; `${NAME}` is taken from the\n"
	    "environment, outside of single quotes. Times are written as `90s`, `15m`, `2h`, `8d`\n"
	    "or `2w`.\n"
	    "\n"
	    "## The whole daemon\n"
	    "\n");
	manual_rows(out, rows, sizeof rows / sizeof *rows);
	buf_str(out, "\nA change of `state`, `user`, `group`, `confine`, `queues`, `queue_sample`, "
	    "`queue_ask` or `log_to`\nneeds a restart.\n"
	    "\n## Inside `source \"NAME\" { }`\n\n");
	manual_rows(out, source_rows, sizeof source_rows / sizeof *source_rows);
	buf_str(out, "\nA file that does not exist yet is waited for. A rotated file is read to its end, "
	    "whether it\nwas renamed or copied and truncated; rotations that were missed while the "
	    "daemon was down\nare found by their content, compressed or not.\n"
	    "\nA journal is read by libsystemd, from its first entry and then from the place that is "
	    "remembered;\nwho runs mxgauged must be in the group `systemd-journal` or `adm`. Name its "
	    "folder, not a file\nof it, so that rotation is followed. Lines that a file has too are "
	    "known as copies, if syslogd\nstamped them within the same second; better name one of "
	    "the two. Of a folder with journals of\nseveral hosts (`systemd-journal-remote`) give "
	    "each host a source, because an entry that comes late\nis passed over when another host's "
	    "newer ones were read:\n`journal = /var/log/journal/remote`, `journal_match = { "
	    "\"_HOSTNAME=mx1\" }`.\n"
	    "\n## Inside `reason \"NAME\" { }`\n\n");
	manual_rows(out, reason_rows, sizeof reason_rows / sizeof *reason_rows);
	buf_str(out, "\nWhat a text of a rule of your own, or of another site, means. Of several sections "
	    "the first one\nthat is found counts: the event gets its class, and its name as "
	    "`reason_sub` in `mxgauge parse`.\nWrite expressions in single quotes, where `\\s` and "
	    "`$` stay what they are (only `\\\\` is\n`\\` and `\\'` is `'`). The first 1000 bytes of a text "
	    "are looked at, and an expression that takes too\nmany steps on one counts as not found. "
	    "`mxgauge import` and `mxgauge parse` take the sections of the\nfile that `--config` names, "
	    "else those of mxgauged's.\n"
	    "\n## Inside `passive \"NAME\" { }`\n\n");
	manual_rows(out, passive_rows, sizeof passive_rows / sizeof *passive_rows);
	buf_str(out, "\nA check that `mxgauge passive` runs, and whose results it sends to the monitors: "
	    "[passive.md](passive.md).\n"
	    "\n## Inside `monitor \"NAME\" { }`\n\n");
	manual_rows(out, monitor_rows, sizeof monitor_rows / sizeof *monitor_rows);
}

static bool
print(struct buf *out, struct err *e)
{
	bool good = fwrite(out->p, 1, out->n, stdout) == out->n && fflush(stdout) == 0;

	if (!good)
		err_set(e, "write to stdout: %s", strerror(errno));
	buf_free(out);
	return good;
}

bool
setup_run(const char *root, const char *state, struct err *e)
{
	struct buf out = buf_new(1 << 20);
	struct stat st;

	if (root[0] != '\0' && stat(root, &st) != 0)
		return err_set(e, "look at %s: %s", root, strerror(errno));
	if (root[0] != '\0' && !S_ISDIR(st.st_mode))
		return err_set(e, "look at %s: this is no folder", root);
	setup_text(root, state, &out);
	return print(&out, e);
}

bool
setup_run_manual(struct err *e)
{
	struct buf out = buf_new(1 << 20);

	setup_manual(&out);
	return print(&out, e);
}
