/* smtp_reply.c - take the replies of an SMTP server apart. See smtp_reply.h. */
#include "smtp_reply.h"

#include "poison.h"

struct smtp_reply
smtp_reply_new(void)
{
	return (struct smtp_reply){ .text = buf_new(SMTP_REPLY_MAX),
		.line = buf_new(SMTP_REPLY_MAX) };
}

void
smtp_reply_free(struct smtp_reply *r)
{
	buf_free(&r->text);
	buf_free(&r->line);
}

void
smtp_reply_clear(struct smtp_reply *r)
{
	buf_clear(&r->text);
	buf_clear(&r->line);
	r->code = 0;
	r->lines = 0;
	r->bytes = 0;
	r->bare_lf = false;
}

struct slice
smtp_reply_trim(struct slice s)
{
	while (s.n > 0 && (s.p[s.n - 1] == '\r' || s.p[s.n - 1] == '\n'))
		s.n--;
	return s;
}

/* Three digits, 200 to 599; 0 if it is no code. */
static int
code_of(struct slice line)
{
	if (line.n < 3 || !slice_is_digit(line.p[0]) || !slice_is_digit(line.p[1]) ||
	    !slice_is_digit(line.p[2]) || line.p[0] < '2' || line.p[0] > '5')
		return 0;
	return (line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 + line.p[2] - '0';
}

/* One whole line without its end. */
static enum smtp_reply_answer
take_line(struct smtp_reply *r, struct slice line, const char **why)
{
	int code = code_of(line);
	char after = line.n > 3 ? line.p[3] : ' ';

	if (code == 0 || (after != ' ' && after != '-')) {
		*why = "this is no reply of SMTP";
		return SMTP_REPLY_BAD;
	}
	if (r->lines > 0 && code != r->code) {
		*why = "the lines of one reply have different codes";
		return SMTP_REPLY_BAD;
	}
	r->code = code;
	if (r->lines++ > 0)
		buf_char(&r->text, '\n');
	buf_add(&r->text, slice_from(line, 4));
	return after == '-' ? SMTP_REPLY_MORE : SMTP_REPLY_WHOLE;
}

enum smtp_reply_answer
smtp_reply_take(struct smtp_reply *r, struct slice *in, const char **why)
{
	enum smtp_reply_answer a = SMTP_REPLY_MORE;
	struct slice piece;

	while (a == SMTP_REPLY_MORE && in->n > 0) {
		bool whole = slice_cut(in, '\n', &piece);
		struct slice line;

		if (!whole) {
			piece = *in;
			*in = slice_from(*in, in->n);
		}
		r->bytes += piece.n + (whole ? 1 : 0);
		if (r->bytes > SMTP_REPLY_MAX) {
			*why = "a reply of more than 64 KiB";
			return SMTP_REPLY_BAD;
		}
		buf_add(&r->line, piece);
		if (!whole)
			return SMTP_REPLY_MORE;
		line = buf_slice(&r->line);
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		else
			r->bare_lf = true;
		a = take_line(r, line, why);
		if (a != SMTP_REPLY_BAD)
			buf_clear(&r->line);	/* a bad one is shown to people */
	}
	return a;
}

/* One to three digits; false if there is none. */
static bool
eat_number(struct slice *s)
{
	size_t n = 0;

	while (n < s->n && n < 3 && slice_is_digit(s->p[n]))
		n++;
	*s = slice_from(*s, n);
	return n > 0;
}

struct slice
smtp_reply_enhanced(struct slice text)
{
	struct slice s = text;

	if (s.n < 1 || (s.p[0] != '2' && s.p[0] != '4' && s.p[0] != '5'))
		return SLICE("");
	s = slice_from(s, 1);
	if (!slice_eat_char(&s, '.') || !eat_number(&s) || !slice_eat_char(&s, '.') ||
	    !eat_number(&s))
		return SLICE("");
	return slice_head(text, text.n - s.n);
}

static bool
has_one(struct slice text, const char *const *words)
{
	for (; *words != NULL; words++)
		if (slice_find_nocase(text, slice_of(*words)) >= 0)
			return true;
	return false;
}

bool
smtp_reply_greylists(int code, struct slice text)
{
	static const char *const named[] = { "greylist", "graylist", "grey-list", "gray-list", "grey list", "gray list",
		NULL };
	static const char *const polite[] = { "try again later", "come back later", "retry later", NULL };
	/* Who is broken asks to come again, too: "451 4.7.1 Service unavailable - try again later" is Postfix whose milter
	 * is away, "4.7.0 Temporary server error. Please try again later" is Exchange. */
	static const char *const trouble[] = { "available", "error", "fail", "problem", "busy", "load", "too many", "limit",
		"quota", "maintenance", "timeout", "timed out", "resource", "unable", "could not", "cannot", NULL };
	struct slice enhanced = smtp_reply_enhanced(text);

	if (code != 450 && code != 451)
		return false;
	/* 4.3.x and 4.4.x: mail system and network; no policy speaks so */
	if (slice_starts(enhanced, SLICE("4.3.")) || slice_starts(enhanced, SLICE("4.4.")))
		return false;
	/* so says spamd(8) of OpenBSD to whom it does not know, and without an enhanced code */
	if (enhanced.n == 0 && slice_starts(text, SLICE("Temporary failure, please try again later")))
		return true;
	return has_one(text, named) || (has_one(text, polite) && !has_one(text, trouble));
}
