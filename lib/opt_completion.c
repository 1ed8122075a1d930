/* opt_completion.c - completion for bash out of the rows of options. See opt.h. */
#include "opt.h"

#include <string.h>

#include "slice.h"

#include "poison.h"

/* What completes the argument of o, as bash says it; false: nothing does. */
static bool
argument(struct buf *b, const struct opt *o, const struct measure *m)
{
	struct slice arg = slice_of(o->arg != NULL ? o->arg : "");

	if (slice_has(arg, SLICE("NAME=")) && slice_ends(arg, SLICE("RANGE")) && m != NULL) {
		buf_str(b, "compopt -o nospace 2>/dev/null; words=\"");
		for (; m->name != NULL; m++)
			buf_fmt(b, "%s=%s", m->name, m[1].name != NULL ? " " : "\"");
	} else if (o->type == OPT_CHOICE) {
		buf_str(b, "words=\"");
		for (size_t i = 0; i < arg.n; i++)
			buf_char(b, arg.p[i] == '|' ? ' ' : arg.p[i]);
		buf_char(b, '"');
	} else if (slice_starts(arg, SLICE("DIR"))) {
		buf_str(b, "kind=directory");
	} else if (slice_starts(arg, SLICE("FILE")) || slice_starts(arg, SLICE("PATH"))) {
		buf_str(b, "kind=file");
	} else if (slice_starts(arg, SLICE("HOST"))) {
		buf_str(b, "kind=hostname");
	} else {
		return false;
	}
	return true;
}

/* Cases of "the word before": what its argument is. One without suggestions has its case, too. */
static void
cases(struct buf *b, const struct opt *table, const struct measure *m)
{
	for (const struct opt *o = table; o != NULL && o->name != NULL; o++) {
		if (o->arg == NULL || o->arg[1] == '=')
			continue;
		buf_fmt(b, "\t--%s", o->name);
		if (o->letter != 0)
			buf_fmt(b, " | -%c", o->letter);
		buf_str(b, ") ");
		if (!argument(b, o, m))
			buf_str(b, "kind=none");
		buf_str(b, " ;;\n");
	}
}

static void
names(struct buf *b, const struct opt *table)
{
	for (const struct opt *o = table; o != NULL && o->name != NULL; o++)
		buf_fmt(b, " --%s%s", o->name, o->arg != NULL && o->arg[1] == '=' ? "=" : "");
}

/* The body for a program or one command of it. */
static void
options(struct buf *b, const struct opt *own, const char *args, const struct measure *m,
    const struct opt_manner *manner)
{
	buf_str(b, "\tcase $prev in\n");
	cases(b, own, m);
	cases(b, manner->common, m);
	buf_fmt(b, "\t*)\n\t\tkind=%s\n\t\tcase $cur in -*) kind= words=\"",
	    args != NULL && slice_has(slice_of(args), SLICE("FILE")) ? "file" : "none");
	names(b, own);
	names(b, manner->common);
	names(b, opt_own);
	buf_str(b, "\" ;; esac\n\t\t;;\n\tesac\n");
}

static void
function_name(struct buf *b, const char *program)
{
	buf_fmt(b, "_mxgauge_%s", program);
}

static void
commands(struct buf *b, const struct program *p, const struct opt_manner *m)
{
	buf_str(b, "\tif [ \"$COMP_CWORD\" -le 1 ] || [ \"${COMP_WORDS[1]}\" = help ]; then\n\t\twords=\"help");
	for (const struct command *c = p->commands; c->name != NULL; c++)
		buf_fmt(b, " %s", c->name);
	names(b, p->opts);
	names(b, opt_own);
	buf_str(b, "\"\n\telse\n\tcase ${COMP_WORDS[1]} in\n");
	for (const struct command *c = p->commands; c->name != NULL; c++) {
		buf_fmt(b, "\t%s)\n", c->name);
		options(b, c->opts, c->args, NULL, m);
		buf_str(b, "\t;;\n");
	}
	buf_str(b, "\tesac\n\tfi\n");
}

void
opt_completion(struct buf *b, const struct program *p, const struct opt_manner *m)
{
	buf_fmt(b, "# completion of %s for bash, made by \"%s --completion\"\n", p->name, p->name);
	function_name(b, p->name);
	/* bash parts words at "=" */
	buf_str(b, "()\n{\n"
	    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words= kind=\n"
	    "\tif [ \"$cur\" = = ]; then\n\t\tcur=\n"
	    "\telif [ \"$prev\" = = ] && [ \"$COMP_CWORD\" -gt 1 ]; then\n"
	    "\t\tprev=${COMP_WORDS[COMP_CWORD-2]}\n\tfi\n");
	if (p->commands != NULL)
		commands(b, p, m);
	else
		options(b, p->opts, p->args, p->measures, m);
	buf_str(b, "\tCOMPREPLY=()\n\tcase $kind in\n\tnone) return ;;\n"
	    "\t'') mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\") ;;\n"
	    "\t*) mapfile -t COMPREPLY < <(compgen -A \"$kind\" -- \"$cur\")\n"
	    "\t   [ \"$kind\" = hostname ] || compopt -o filenames 2>/dev/null ;;\n\tesac\n"
	    "\tcase ${COMPREPLY[0]-} in *=) compopt -o nospace 2>/dev/null ;; esac\n}\ncomplete -F ");
	function_name(b, p->name);
	buf_fmt(b, " %s\n", p->name);
}
