/* opt_help.c - help and manual page out of the rows of options. See opt.h. */
#include "opt.h"

#include <string.h>

#include "quantity.h"
#include "slice.h"

#include "poison.h"

enum { WIDTH = 79, COLUMN = 26, LABEL_MAX = 200, MAN_WIDTH = 72, MARGIN = 4, TEXT_MAX = 4096 };

static const char tool_exits[] =
    "0 when all went well, 1 when the work could not be done, 2 for a wrong command line.";

/* Text wrapped at WIDTH, every line behind the first indented; the first begins
 * at column at. */
static void
wrap(struct buf *b, struct slice text, size_t indent, size_t at)
{
	struct slice word;

	while (slice_next(&text, ' ', &word)) {
		if (at > indent && at + 1 + word.n > WIDTH) {
			buf_fmt(b, "\n%*s", (int)indent, "");
			at = indent;
		} else if (at > indent) {
			buf_char(b, ' ');
			at++;
		}
		buf_add(b, word);
		at += word.n;
	}
	buf_char(b, '\n');
}

/* Each paragraph wrapped; lines of a paragraph are joined. */
static void
paragraphs(struct buf *b, const char *text)
{
	struct slice rest = slice_of(text), line;

	while (slice_next(&rest, '\n', &line)) {
		if (line.n > 0)
			wrap(b, line, 0, 0);
		else
			buf_char(b, '\n');
	}
}

/* "default: 15m" as it could be typed, or nothing. */
static void
default_of(struct buf *b, const struct opt *o)
{
	double v;

	switch (o->type) {
	case OPT_STRING:
	case OPT_CHOICE:
		if (*(const char **)o->to != NULL)
			buf_str(b, *(const char **)o->to);
		break;
	case OPT_INT:
		if (*(int64_t *)o->to != 0)
			buf_fmt(b, "%lld", (long long)*(int64_t *)o->to);
		break;
	case OPT_DURATION:
		v = *(double *)o->to;
		if (v > 0)
			quantity_people(b, v, "s");
		break;
	default:
		break;
	}
}

static void
row_text(struct buf *b, const struct opt *o)
{
	struct buf d = buf_new(LABEL_MAX);

	buf_str(b, o->help);
	default_of(&d, o);
	if (d.n > 0)
		buf_fmt(b, " (default: %s)", d.p);
	buf_free(&d);
}

/* "  -w, --warning NAME=RANGE  text" */
static void
help_row(struct buf *b, const struct opt *o)
{
	struct buf label = buf_new(LABEL_MAX), text = buf_new(TEXT_MAX);

	if (o->letter != 0)
		buf_fmt(&label, "  -%c, --%s", o->letter, o->name);
	else
		buf_fmt(&label, "      --%s", o->name);
	if (o->arg != NULL)
		buf_fmt(&label, "%s%s", o->arg[1] == '=' ? "" : " ", o->arg);
	row_text(&text, o);
	buf_add(b, buf_slice(&label));
	if (label.n + 2 > COLUMN) {
		buf_fmt(b, "\n%*s", COLUMN, "");
		label.n = COLUMN;
	} else {
		buf_fmt(b, "%*s", (int)(COLUMN - label.n), "");
	}
	wrap(b, buf_slice(&text), COLUMN, COLUMN);
	buf_free(&label);
	buf_free(&text);
}

static void
help_pair(struct buf *b, const char *name, const char *text)
{
	size_t n = strlen(name) + 2;

	buf_fmt(b, "  %s", name);
	if (n + 2 > COLUMN)
		buf_fmt(b, "\n%*s", COLUMN, "");
	else
		buf_fmt(b, "%*s", (int)(COLUMN - n), "");
	wrap(b, slice_of(text), COLUMN, COLUMN);
}

static void
help_rows(struct buf *b, const struct opt *table)
{
	for (const struct opt *o = table; o != NULL && o->name != NULL; o++)
		help_row(b, o);
}

static const char *
unit_name(const char *unit)
{
	return *unit == '\0' || strcmp(unit, "c") == 0 ? "number" : unit;
}

/* What is measured, in which unit, and the limits that it has by itself. */
static void
measure_text(struct buf *b, const struct measure *m)
{
	buf_clear(b);
	buf_fmt(b, "%s [%s]", m->help, unit_name(m->unit));
	if (m->warn != NULL)
		buf_fmt(b, "; -w %s", m->warn);
	if (m->crit != NULL)
		buf_fmt(b, "%s -c %s", m->warn != NULL ? "," : ";", m->crit);
}

static void
help_measures(struct buf *b, const struct measure *m)
{
	struct buf text = buf_new(TEXT_MAX);

	buf_str(b, "\nMeasurements (for -w and -c; a bare RANGE means the first):\n");
	for (; m->name != NULL; m++) {
		measure_text(&text, m);
		help_pair(b, m->name, text.p);
	}
	buf_free(&text);
}

/* Where a command that is longer than n can go on in the next line: behind a blank outside of quotes, if
 * it can be before an option. Its length if there is none. */
static size_t
command_break(struct slice line, size_t n)
{
	size_t any = line.n, option = line.n;
	char quote = '\0';

	for (size_t i = 0; i + 1 < line.n && (i < n || any == line.n); i++) {
		char c = line.p[i];

		if (quote != '\0')
			quote = c == quote ? '\0' : quote;
		else if (c == '\'' || c == '"')
			quote = c;
		else if (c == ' ' && line.p[i + 1] == '-')
			any = option = i + 1;
		else if (c == ' ')
			any = i + 1;
	}
	return option < line.n ? option : any;
}

/* As they stand, but commands longer than width go on in further lines, so that a terminal holds them
 * and a shell takes them. */
static void
example_lines(struct buf *b, const char *text, size_t width)
{
	struct slice rest = slice_of(text), line;

	while (slice_next(&rest, '\n', &line)) {
		size_t margin = 0, n;

		while (margin + line.n > width && line.p[0] != '#' &&
		    (n = command_break(line, width - margin - 1)) < line.n) {
			buf_add(b, slice_head(line, n));
			buf_fmt(b, "\\\n%*s", MARGIN, "");
			line = (struct slice){ line.p + n, line.n - n };
			margin = MARGIN;
		}
		buf_add(b, line);
		buf_char(b, '\n');
	}
}

void
opt_help(struct buf *b, const struct program *p, const struct opt_manner *m)
{
	struct buf title = buf_new(LABEL_MAX);

	buf_fmt(&title, "%s - %s", p->name, p->summary);
	wrap(b, buf_slice(&title), 0, 0);
	buf_free(&title);
	buf_fmt(b, "\nUsage: %s", p->name);
	if (p->commands != NULL)
		buf_str(b, " COMMAND ...");
	if (p->needs != NULL)
		buf_fmt(b, " %s", p->needs);
	buf_fmt(b, " [OPTION]...%s%s\n", p->args != NULL ? " " : "", p->args != NULL ? p->args : "");
	if (p->about != NULL) {
		buf_char(b, '\n');
		paragraphs(b, p->about);
	}
	if (p->commands != NULL) {
		buf_fmt(b, "\nCommands (\"%s help COMMAND\" tells more):\n", p->name);
		for (const struct command *c = p->commands; c->name != NULL; c++)
			help_pair(b, c->name, c->summary);
	}
	buf_str(b, "\nOptions:\n");
	help_rows(b, p->opts);
	help_rows(b, m->common);
	help_rows(b, opt_own);
	if (p->measures != NULL)
		help_measures(b, p->measures);
	if (p->examples != NULL) {
		buf_str(b, "\nExamples:\n");
		example_lines(b, p->examples, WIDTH);
	}
}

/* Text for troff: minus signs stay minus signs, and no line begins a request. */
static void
troff(struct buf *b, struct slice s)
{
	bool fresh = true;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (fresh && (c == '.' || c == '\''))
			buf_str(b, "\\&");
		if (c == '-')
			buf_str(b, "\\-");
		else if (c == '\\')
			buf_str(b, "\\e");
		else
			buf_char(b, c);
		fresh = c == '\n';
	}
}

static void
troff_str(struct buf *b, const char *s)
{
	troff(b, slice_of(s));
}

static void
man_paragraphs(struct buf *b, const char *text)
{
	struct slice rest = slice_of(text), line;

	while (slice_next(&rest, '\n', &line)) {
		if (line.n == 0) {
			buf_str(b, ".PP\n");
			continue;
		}
		troff(b, line);
		buf_char(b, '\n');
	}
}

static void
man_rows(struct buf *b, const struct opt *table)
{
	struct buf text = buf_new(TEXT_MAX);

	for (const struct opt *o = table; o != NULL && o->name != NULL; o++) {
		buf_str(b, ".TP\n");
		if (o->letter != 0)
			buf_fmt(b, "\\fB\\-%c\\fR, ", o->letter);
		buf_str(b, "\\fB\\-\\-");
		troff_str(b, o->name);
		buf_str(b, "\\fR");
		if (o->arg != NULL) {
			buf_str(b, o->arg[1] == '=' ? "\\fI" : " \\fI");
			troff_str(b, o->arg);
			buf_str(b, "\\fR");
		}
		buf_char(b, '\n');
		buf_clear(&text);
		row_text(&text, o);
		troff(b, buf_slice(&text));
		buf_char(b, '\n');
	}
	buf_free(&text);
}

static void
man_pair(struct buf *b, const char *name, const char *args, const char *text)
{
	buf_str(b, ".TP\n\\fB");
	troff_str(b, name);
	buf_str(b, "\\fR");
	if (args != NULL) {
		buf_str(b, " \\fI");
		troff_str(b, args);
		buf_str(b, "\\fR");
	}
	buf_char(b, '\n');
	troff_str(b, text);
	buf_char(b, '\n');
}

static void
man_examples(struct buf *b, const char *text)
{
	struct buf lines = buf_new(TEXT_MAX);

	example_lines(&lines, text, MAN_WIDTH);
	buf_str(b, ".nf\n");
	troff(b, buf_slice(&lines));
	buf_str(b, ".fi\n");
	buf_free(&lines);
}

static void
man_measures(struct buf *b, const struct measure *m)
{
	struct buf text = buf_new(TEXT_MAX);

	buf_str(b, ".SH MEASUREMENTS\nFor \\-w and \\-c; a bare RANGE means the first.\n");
	for (; m->name != NULL; m++) {
		measure_text(&text, m);
		man_pair(b, m->name, NULL, text.p);
	}
	buf_free(&text);
}

/* Sub-commands with their own options: one page tells everything. */
static void
man_commands(struct buf *b, const struct command *c)
{
	buf_str(b, ".SH COMMANDS\n");
	for (; c->name != NULL; c++) {
		buf_str(b, ".SS ");
		troff_str(b, c->name);
		if (c->args != NULL) {
			buf_char(b, ' ');
			troff_str(b, c->args);
		}
		buf_char(b, '\n');
		troff_str(b, c->summary);
		buf_char(b, '\n');
		if (c->about != NULL) {
			buf_str(b, ".PP\n");
			man_paragraphs(b, c->about);
		}
		man_rows(b, c->opts);
		if (c->examples != NULL) {
			buf_str(b, ".PP\n");
			man_examples(b, c->examples);
		}
	}
}

/* Programs for administrators live in section 8; checks are called by Nagios, section 1. */
static void
man_title(struct buf *b, const struct program *p)
{
	buf_str(b, ".TH \"");
	for (const char *c = p->name; *c != '\0'; c++)
		if (*c == ' ')
			buf_str(b, "\\-");	/* "mxgauge import": mxgauge-import */
		else
			troff(b, (struct slice){ c, 1 });
	buf_fmt(b, "\" %s \"\" \"mxgauge " MX_VERSION "\"\n.SH NAME\n",
	    strncmp(p->name, "check_", 6) == 0 ? "1" : "8");
	troff_str(b, p->name);
	buf_str(b, " \\- ");
	troff_str(b, p->summary);
	buf_str(b, "\n.SH SYNOPSIS\n\\fB");
	troff_str(b, p->name);
	buf_str(b, p->commands != NULL ? "\\fR \\fICOMMAND\\fR" : "\\fR");
	if (p->needs != NULL) {
		buf_char(b, ' ');
		troff_str(b, p->needs);
	}
	buf_str(b, " [\\fIOPTION\\fR]...");
	if (p->args != NULL) {
		buf_str(b, " \\fI");
		troff_str(b, p->args);
		buf_str(b, "\\fR");
	}
	buf_char(b, '\n');
}

void
opt_man(struct buf *b, const struct program *p, const struct opt_manner *m)
{
	const char *exits = m->exit_status != NULL ? m->exit_status : tool_exits;

	man_title(b, p);
	buf_str(b, ".SH DESCRIPTION\n");
	man_paragraphs(b, p->about != NULL ? p->about : p->summary);
	if (p->commands != NULL)
		man_commands(b, p->commands);
	buf_str(b, ".SH OPTIONS\n");
	man_rows(b, p->opts);
	man_rows(b, m->common);
	man_rows(b, opt_own);
	if (p->measures != NULL)
		man_measures(b, p->measures);
	buf_str(b, ".SH EXIT STATUS\n");
	man_paragraphs(b, p->exit_status != NULL ? p->exit_status : exits);
	if (p->examples != NULL) {
		buf_str(b, ".SH EXAMPLES\n");
		man_examples(b, p->examples);
	}
}
