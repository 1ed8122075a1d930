/* opt.c - read a command line by a table of options. See opt.h.
 *
 * Not getopt_long: it prints its own sentences, to stderr, and a check must
 * answer on stdout. */
#include "opt.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "err.h"
#include "extraopts.h"
#include "mem.h"
#include "quantity.h"
#include "slice.h"
#include "when.h"

#include "poison.h"

enum { OUTPUT_MAX = 1 << 20, SENTENCE_MAX = 1024 };

static const struct opt no_opts[] = { { 0 } };
static const struct opt_manner plain = { .common = no_opts };
static const struct opt_manner *manner = &plain;
static bool in_file;	/* what is parsed now stands in the file of --extra-opts */

const struct opt opt_own[] = {
	{ 'h', "help", OPT_HELP, NULL, NULL, "print this help" },
	{ 'V', "version", OPT_VERSION, NULL, NULL, "print the version" },
	{ 0, "man", OPT_MAN, NULL, NULL, "print the manual page; pipe it to \"man -l -\"" },
	{ 0, "completion", OPT_COMPLETION, NULL, NULL, "print what bash reads to complete these options" },
	{ 0 }
};

void
opt_set_manner(const struct opt_manner *m)
{
	manner = m;
}

void
opt_fail(const struct program *p, const char *fmt, ...)
{
	static const char where[] = "--extra-opts: ";
	char text[SENTENCE_MAX];
	size_t n = in_file ? sizeof where - 1 : 0;
	va_list ap;

	memcpy(text, where, n);
	va_start(ap, fmt);
	(void)vsnprintf(text + n, sizeof text - n, fmt, ap);
	va_end(ap);
	if (manner->fail != NULL) {
		manner->fail(p, text);
	} else {
		struct buf b = buf_new(2 * SENTENCE_MAX);

		buf_clean(&b, slice_of(text), SENTENCE_MAX);
		fprintf(stderr, "%s: %s\n", p->name, b.p);
		buf_free(&b);
	}
	exit(2);
}

void
opt_each_once(const struct program *p, const char *const *names, size_t n,
    int (*compare)(const char *, const char *))
{
	for (size_t i = 1; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (compare(names[k], names[i]) == 0)
				opt_fail(p, "%s is given twice: it is like itself", names[k]);
}

/* Edits that lead from a to b: insert, delete, replace, swap two neighbours. */
static unsigned
distance(const char *a, const char *b)
{
	enum { N = 48 };
	unsigned rows[3][N + 1], *before = rows[0], *last = rows[1], *row = rows[2];
	size_t n = strlen(b);

	if (n > N || strlen(a) > N)
		return N;
	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned i = 1; a[i - 1] != '\0'; i++) {
		unsigned *free_row = before;

		before = last;
		last = row;
		row = free_row;
		row[0] = i;
		for (unsigned j = 1; j <= n; j++) {
			unsigned best = last[j - 1] + (a[i - 1] != b[j - 1]);

			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
	}
	return row[n];
}

void
opt_near(struct opt_near *best, const char *typed, const char *word)
{
	size_t n = strlen(typed);
	unsigned d = distance(typed, word);

	/* "--timeou" and "--time" both mean --timeout */
	if (n >= 3 && strncmp(typed, word, n) == 0)
		d = 1;
	if (d <= 1 + n / 4 && (best->word == NULL || d < best->distance))
		*best = (struct opt_near){ word, d };
}

/* The i-th of all rows that apply to p; NULL after the last. */
static const struct opt *
row_at(const struct program *p, size_t i)
{
	const struct opt *tables[] = {
		p->opts != NULL ? p->opts : no_opts, manner->common, opt_own
	};

	for (size_t t = 0; t < 3; t++)
		for (const struct opt *o = tables[t]; o->name != NULL; o++)
			if (i-- == 0)
				return o;
	return NULL;
}

/* How somebody who typed an option that is not there finds the right one. */
static const char *
where_options_are(const struct program *p)
{
	return p->commands != NULL ? "a command's options stand behind the command" : "--help lists the options";
}

static const struct opt *
by_letter(const struct program *p, char letter)
{
	const struct opt *o;

	for (size_t i = 0; (o = row_at(p, i)) != NULL; i++)
		if (o->letter == letter)
			return o;
	opt_fail(p, "unknown option -%c; %s", letter, where_options_are(p));
}

/* The long name of -H is --hostname in the guidelines for monitoring plugins, --host in what
 * people type: both are -H, whatever its row calls it. */
static bool
is_called(const struct opt *o, struct slice name)
{
	return slice_eq(name, slice_of(o->name)) || (o->letter == 'H' &&
	    (slice_eq(name, SLICE("host")) || slice_eq(name, SLICE("hostname"))));
}

static const struct opt *
by_name(const struct program *p, struct slice name)
{
	struct opt_near near = { 0 };
	const struct opt *o;
	char *typed;

	for (size_t i = 0; (o = row_at(p, i)) != NULL; i++)
		if (is_called(o, name))
			return o;
	typed = xslicedup(name);
	for (size_t i = 0; (o = row_at(p, i)) != NULL; i++)
		opt_near(&near, typed, o->name);
	if (near.word != NULL)
		opt_fail(p, "unknown option --%.64s; did you mean --%s?", typed, near.word);
	opt_fail(p, "unknown option --%.64s; %s", typed, where_options_are(p));
}

static bool
takes_argument(const struct opt *o)
{
	return o->type >= OPT_STRING && o->type <= OPT_TIME;
}

static bool
may_lack_argument(const struct opt *o)
{
	return strncmp(o->arg, "[=", 2) == 0;
}

static _Noreturn void
print_and_exit(struct buf *b)
{
	fputs(b->p, stdout);
	exit(fflush(stdout) == 0 ? manner->help_status : 2);
}

static void
set_without_argument(const struct program *p, const struct opt *o)
{
	struct buf b = buf_new(OUTPUT_MAX);

	switch (o->type) {
	case OPT_FLAG:
		*(bool *)o->to = true;
		break;
	case OPT_COUNT:
		if (*(int *)o->to < (int)o->max)
			++*(int *)o->to;
		break;
	case OPT_VERSION:
		buf_fmt(&b, "%s v" MX_VERSION " (mxgauge " MX_VERSION ")\n", p->name);
		print_and_exit(&b);
	case OPT_MAN:
		opt_man(&b, p, manner);
		print_and_exit(&b);
	case OPT_COMPLETION:
		opt_completion(&b, p, manner);
		print_and_exit(&b);
	default:
		opt_help(&b, p, manner);
		print_and_exit(&b);
	}
	buf_free(&b);
}

static bool
is_choice(const char *words, const char *value)
{
	struct slice rest = slice_of(words), word;

	while (slice_cut(&rest, '|', &word))
		if (slice_eq(word, slice_of(value)))
			return true;
	return slice_eq(rest, slice_of(value));
}

/* "from 1 to 1000"; written as the option is, so a duration comes with a unit, and a year without a comma. */
static void
check_limits(const struct program *p, const struct opt *o, const char *shown,
    const char *value, double v)
{
	struct buf b = buf_new(SENTENCE_MAX);

	if ((o->min == 0 && o->max == 0) || (v >= o->min && v <= o->max)) {
		buf_free(&b);
		return;
	}
	if (o->type == OPT_DURATION) {
		quantity_people(&b, o->min, "s");
		buf_str(&b, " to ");
		quantity_people(&b, o->max, "s");
	} else {
		buf_fmt(&b, "%.0f to %.0f", o->min, o->max);
	}
	opt_fail(p, "%s %.64s is out of its limits: %s may be from %s", shown, value, o->arg, b.p);
}

static void
set_int(const struct program *p, const struct opt *o, const char *shown, const char *value)
{
	struct slice s = slice_of(value);
	bool negative = slice_eat_char(&s, '-');
	uint64_t v;

	if (!slice_u64(&s, &v) || s.n > 0 || v > INT64_MAX)
		opt_fail(p, "%s wants a whole number, not \"%.64s\"", shown, value);
	*(int64_t *)o->to = negative ? -(int64_t)v : (int64_t)v;
	check_limits(p, o, shown, value, (double)*(int64_t *)o->to);
}

static void
set_argument(const struct program *p, const struct opt *o, const char *shown, const char *value)
{
	struct err e = { "" };
	struct opt_list *list;

	/* a macro of the monitoring's, or a variable of a script's, that is not set */
	if (value[0] == '\0' && !o->empty && !may_lack_argument(o))
		opt_fail(p, "%s is empty", shown);
	switch (o->type) {
	case OPT_STRING:
		*(const char **)o->to = value;
		break;
	case OPT_CHOICE:
		if (!is_choice(o->arg, value))
			opt_fail(p, "%s may be %s, not \"%.64s\"", shown, o->arg, value);
		*(const char **)o->to = value;
		break;
	case OPT_LIST:
		list = o->to;
		list->v = xreallocarray(list->v, list->n + 1, sizeof *list->v);
		list->v[list->n++] = value;
		if (in_file)
			list->of_file = list->n;
		break;
	case OPT_INT:
		set_int(p, o, shown, value);
		break;
	case OPT_DURATION:
		if (!quantity_parse(slice_of(value), "s", o->to, &e))
			opt_fail(p, "%s: %s", shown, e.text);
		check_limits(p, o, shown, value, *(double *)o->to);
		break;
	case OPT_TIME:
		if (!when_parse(slice_of(value), (int64_t)time(NULL), o->to, &e))
			opt_fail(p, "%s: %s", shown, e.text);
		break;
	default:
		break;
	}
}

/* A long option in the place of an argument means that the argument was
 * forgotten: nobody has a directory called --json or --warning=5. */
static bool
is_option(const struct program *p, const char *arg)
{
	struct slice s = slice_of(arg), name;
	const struct opt *o;

	if (!slice_eat(&s, SLICE("--")))
		return false;
	if (!slice_cut(&s, '=', &name))
		name = s;
	for (size_t i = 0; (o = row_at(p, i)) != NULL; i++)
		if (is_called(o, name))
			return true;
	return false;
}

static const char *
next_argument(const struct program *p, const struct opt *o, const char *shown,
    char **argv, int argc, int *i)
{
	if (*i + 1 >= argc)
		opt_fail(p, "%s needs an argument: %s %s", shown, shown, o->arg);
	if (is_option(p, argv[*i + 1]))
		opt_fail(p, "%s needs an argument (%s), but %s follows", shown, o->arg, argv[*i + 1]);
	return argv[++*i];
}

static void
long_option(const struct program *p, char **argv, int argc, int *i)
{
	struct slice value = slice_of(argv[*i] + 2), name = value;
	bool has_value = slice_cut(&value, '=', &name);
	const struct opt *o = by_name(p, name);
	char shown[64];

	(void)snprintf(shown, sizeof shown, "--%s", o->name);
	if (!takes_argument(o)) {
		if (has_value && value.n > 0)	/* "verbose =" of an ini file has none */
			opt_fail(p, "%s takes no argument, leave out \"=%.64s\"", shown, value.p);
		set_without_argument(p, o);
	} else {
		set_argument(p, o, shown, has_value ? value.p :
		    may_lack_argument(o) ? "" : next_argument(p, o, shown, argv, argc, i));
	}
}

static void
short_options(const struct program *p, char **argv, int argc, int *i)
{
	for (const char *c = argv[*i] + 1; *c != '\0'; c++) {
		const struct opt *o = by_letter(p, *c);
		char shown[3] = { '-', *c, '\0' };

		if (takes_argument(o)) {
			if (c[1] == '=')	/* of a letter it would be part of the argument */
				opt_fail(p, "%s%.64s: no \"=\" behind a letter, but %s %.64s", shown, c + 1, shown, c + 2);
			set_argument(p, o, shown,
			    c[1] != '\0' ? c + 1 : next_argument(p, o, shown, argv, argc, i));
			return;
		}
		set_without_argument(p, o);
	}
}

/* As many operands as the synopsis asks for: "ID" is one, "FILE..." one or more,
 * "[FILE...]" any number. */
static void
check_operands(const struct program *p, int n, char **argv)
{
	struct slice rest = slice_of(p->args != NULL ? p->args : ""), word;
	int least = 0, most = 0;

	while (slice_next(&rest, ' ', &word)) {
		if (slice_has(word, SLICE("...")))
			most = INT32_MAX;
		else if (most < INT32_MAX)
			most++;
		least += word.p[0] != '[';
	}
	if (n < least)
		opt_fail(p, "something is missing: %s [OPTION]... %s", p->name, p->args);
	if (n > most && p->args == NULL)
		opt_fail(p, "\"%.64s\" is no option, and %s takes nothing else; --help lists the options",
		    argv[1], p->name);
	if (n > most)
		opt_fail(p, "\"%.64s\" is too much: %s [OPTION]... %s", argv[n], p->name, p->args);
}

int
opt_parse(const struct program *p, int argc, char **argv)
{
	struct err e = { "" };
	bool only_operands = false;
	char **own = argv;	/* the caller's, which finds the operands in it */
	int operands = 0, room = argc - 1, of_file = 0;

	if (manner->begin != NULL)
		manner->begin(p, argc, argv);
	if (manner->extra_opts && !extraopts_expand(p->name, &argc, &argv, &of_file, &e))
		opt_fail(p, "--extra-opts: %s", e.text);
	if (manner->begin != NULL && argv != own)
		manner->begin(p, argc, argv);
	for (int i = 1; i < argc; i++) {
		in_file = i <= of_file;
		if (only_operands || argv[i][0] != '-' || argv[i][1] == '\0')
			argv[++operands] = argv[i];
		else if (strcmp(argv[i], "--") == 0)
			only_operands = true;
		else if (argv[i][1] == '-')
			long_option(p, argv, argc, &i);
		else
			short_options(p, argv, argc, &i);
	}
	in_file = false;
	check_operands(p, operands, argv);
	if (operands > room)
		opt_fail(p, "\"%.64s\" in the ini file is no option", argv[1]);
	for (int i = 1; i <= operands; i++)
		own[i] = argv[i];
	if (manner->ready != NULL)
		manner->ready(p);
	return operands;
}

/* The command c of the tool p, as a program of its own: "mxgauge import". */
static struct program
as_program(const struct program *p, const struct command *c)
{
	char *name = xmalloc(strlen(p->name) + strlen(c->name) + 2);

	(void)snprintf(name, strlen(p->name) + strlen(c->name) + 2, "%s %s", p->name, c->name);
	return (struct program){ .name = name, .summary = c->summary, .about = c->about,
		.opts = c->opts, .args = c->args, .examples = c->examples,
		.exit_status = p->exit_status, .needs = c->needs };
}

static const struct command *
find_command(const struct program *p, const char *name)
{
	struct opt_near near = { 0 };

	for (const struct command *c = p->commands; c->name != NULL; c++) {
		if (strcmp(name, c->name) == 0)
			return c;
		opt_near(&near, name, c->name);
	}
	if (near.word != NULL)
		opt_fail(p, "unknown command \"%.64s\"; did you mean \"%s\"?", name, near.word);
	opt_fail(p, "unknown command \"%.64s\"; \"%s help\" lists the commands", name, p->name);
}

int
opt_commands(const struct program *p, int argc, char **argv)
{
	struct buf b = buf_new(OUTPUT_MAX);
	const struct command *c;
	struct program sub;
	int n, status;

	if (argc < 2)
		opt_fail(p, "no command; \"%s help\" lists the commands", p->name);
	if (argv[1][0] == '-') {
		struct program options = *p;	/* "mxgauge --state X import" is an error */

		options.args = NULL;
		(void)opt_parse(&options, argc, argv);
		opt_fail(p, "the command comes first; \"%s help\" lists the commands", p->name);
	}
	if (strcmp(argv[1], "help") == 0) {
		if (argc > 3)
			opt_fail(p, "too much was given: %s help [COMMAND]", p->name);
		sub = argc == 3 ? as_program(p, find_command(p, argv[2])) : *p;
		opt_help(&b, &sub, manner);
		print_and_exit(&b);
	}
	c = find_command(p, argv[1]);
	sub = as_program(p, c);
	n = opt_parse(&sub, argc - 1, argv + 1);
	status = c->run(n, argv + 2);
	free((char *)(uintptr_t)sub.name);
	return status;
}
