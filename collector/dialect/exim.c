/* exim.c - Exim 4.80 to 4.100: whose line it is, its stamp, its message id.
 *
 *	exim[4711]: 2026-11-03 16:04:31.123 +0100 [4711] 1r0abc-000000012Xy-0aBc <= joe@example.net ...
 *	exim[4711]: [1/2] 2026-11-03 16:04:31 H=(helo) [192.0.2.1] F=<a@example.net> rejected ...
 *	exim[4711]: [1\5] ... rejected after DATA ...	and the headers of the mail behind it
 * In its own files the stamp is off already, and lines without one belong to the line before:
 * headers of what was rejected. Long lines come in parts by syslog. */
#include "dialect/exim.h"

#include "poison.h"

static bool
claims(const struct line *l)
{
	struct slice base = scan_base(l->tag);

	if (!slice_eat(&base, SLICE("exim")))
		return false;
	return base.n == 0 || slice_is_digit(base.p[0]) || base.p[0] == '-' || base.p[0] == '_';
}

/* "[1/2] ", "[1\5] " */
static bool
take_mark(struct slice *s, struct part *p)
{
	struct slice rest = *s;
	uint64_t n, of;

	if (!slice_eat_char(&rest, '[') || !slice_u64(&rest, &n) || rest.n == 0 ||
	    (rest.p[0] != '/' && rest.p[0] != '\\'))
		return false;
	p->newline = rest.p[0] == '\\';
	rest = slice_from(rest, 1);
	if (!slice_u64(&rest, &of) || !slice_eat_char(&rest, ']') ||
	    (rest.n > 0 && !slice_eat_char(&rest, ' ')) || n == 0 || n > of || of < 2 || of > 10000)
		return false;
	p->n = (unsigned)n;
	p->of = (unsigned)of;
	*s = rest;
	return true;
}

static bool
part(const struct line *l, struct part *p)
{
	struct slice s = l->text;

	if (l->own || !take_mark(&s, p))
		return false;
	p->key = slice_head(s, 0);
	p->text = s;
	p->first = p->n == 1;
	p->more = p->n < p->of;
	return true;
}

static bool
is_form(struct slice s, const char *form)
{
	size_t i = 0;

	for (; form[i] != '\0'; i++)
		if (i >= s.n || (form[i] == '0' ? !slice_is_digit(s.p[i]) : s.p[i] != form[i]))
			return false;
	return true;
}

/* "2026-11-03 16:04:31[.123][ +0100] ", unless syslog_timestamp is off. */
static void
skip_stamp(struct slice *s)
{
	if (!is_form(*s, "0000-00-00 00:00:00"))
		return;
	*s = slice_from(*s, 19);
	if (is_form(*s, ".000"))
		*s = slice_from(*s, 4);
	if (is_form(*s, " +0000 ") || is_form(*s, " -0000 "))
		*s = slice_from(*s, 6);
	slice_eat_char(s, ' ');
}

/* "[4711] " */
static void
skip_pid(struct slice *s)
{
	struct slice rest = *s;
	uint64_t pid;

	if (slice_eat_char(&rest, '[') && slice_u64(&rest, &pid) && slice_eat(&rest, SLICE("] ")))
		*s = rest;
}

struct event *
ex_event(struct event *e, enum event_kind kind, const struct ex_line *l)
{
	event_begin(e, kind)->id = l->id;
	return e;
}

int
ex_info(const struct ex_line *l, struct event *out, enum reason cls, struct slice sub)
{
	struct event *e = ex_event(out, EV_INFO, l);

	e->cls = cls;
	e->sub = sub;
	e->text = l->text;
	return 1;
}

/* "=> ", "-> ", ">> ", "*> ", "== ", "** " */
static bool
is_delivery(struct slice s)
{
	if (s.n < 3 || s.p[2] != ' ')
		return false;
	return s.p[1] == '>' ? s.p[0] == '=' || s.p[0] == '-' || s.p[0] == '>' || s.p[0] == '*' :
	    s.p[1] == s.p[0] && (s.p[0] == '=' || s.p[0] == '*');
}

static int
parse_line(const struct ex_line *x, struct event *out)
{
	struct slice s = x->text;
	int n;

	if (x->id.n > 0) {
		if (slice_starts(s, SLICE("<= ")) || slice_starts(s, SLICE("(= ")))
			return ex_received(x, out);
		return is_delivery(s) ? ex_delivery(x, out) : ex_message(x, out);
	}
	/* most lines first */
	if (slice_starts(s, SLICE("SMTP connection ")) && (n = ex_session(x, out)) >= 0)
		return n;
	if ((n = ex_refusal(x, out)) >= 0 || (n = ex_session(x, out)) >= 0)
		return n;
	return ex_trouble(x, out);
}

/* Does it tell of a client or of an address, as all lines do that count? */
static bool
may_count(const struct ex_line *x)
{
	static const char *const marks[] = { "H=", "F=<", "U=", "[", "ejected ", "SMTP ", " from <",
		"ailed for", "efused " };

	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
		if (slice_has(x->text, slice_of(marks[i])))
			return true;
	return false;
}

/* "<=", "=>" and the like, with nothing behind them if the line was cut there. */
static bool
has_flag(struct slice s)
{
	static const char *const flags[] = { "<=", "(=", "=>", "->", ">>", "*>", "==", "**" };

	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
		if (slice_starts(s, slice_of(flags[i])) && (s.n == 2 || s.p[2] == ' '))
			return true;
	return false;
}

/* A line of no known form: what logwrite in an ACL or a filter says, or a condition that Exim
 * mentions by the way. It is information if it can't be one of those that count. */
static int
other(const struct ex_line *x, struct event *out)
{
	if (x->text.n == 0 || has_flag(x->text) ||
	    (x->id.n > 0 ? slice_has(x->text, SLICE("ejected ")) : may_count(x)))
		return -1;
	return ex_info(x, out, REASON_none, SLICE("logwrite"));
}

static int
parse(const struct line *l, struct event out[EVENTS_MAX])
{
	struct ex_line x = { .text = l->text, .by_syslog = !l->own };
	struct slice s;
	int n;

	if (l->goes_on)
		return 0;
	if (!slice_cut(&x.text, '\n', &s))	/* what follows is the mail's own header */
		s = x.text;
	if (!l->own) {
		skip_stamp(&s);
		skip_pid(&s);
	}
	x.text = s;
	if (ex_id(&s, &x.id) && (s.n == 0 || slice_eat_char(&s, ' ')))
		x.text = s;
	else
		x.id = slice_head(s, 0);
	if ((n = parse_line(&x, out)) < 0)
		n = other(&x, out);
	for (int i = 0; i < n; i++)
		out[i].service = l->tag;
	return n;
}

const struct dialect dialect_exim = {
	.name = "exim", .claims = claims, .parse = parse, .part = part
};
