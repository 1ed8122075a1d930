/* shape_bare.c - lines without a stamp of ours: a program's that wrote to a terminal or lost its
 * stamp on the way, and those with the stamps of programs that are no business of ours.
 *
 * The time is that of the newest line before, or now: nothing tells better. What such a line
 * begins with must say whose it is ("sendmail[77]: ", "9d5c1f8a0b2e7741 smtp "); anything else
 * is no line at all, and counted as unknown. */
#include "input/shape.h"

#include "poison.h"

enum { TAG_MAX = 40, SESSION_DIGITS = 16 };

static bool
letter(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Is s of the form at its front: 0 a digit, A a letter, all else itself? */
static bool
has_form(struct slice s, const char *form)
{
	size_t i = 0;

	for (; form[i] != '\0'; i++)
		if (i >= s.n || (form[i] == '0' ? !digit(s.p[i]) : form[i] == 'A' ? !letter(s.p[i]) :
		    s.p[i] != form[i]))
			return false;
	return true;
}

/* nginx, BIND, ASSP, Kerio, Python's logging, rbldnsd. */
static bool
is_foreign_stamp(struct slice s)
{
	static const char *const forms[] = {
		"0000/00/00 00:00:00 ", "00-AAA-0000 00:00:00.", "AAA-00-00 00:00:00 ",
		"[00/AAA/0000 00:00:00] ", "[0000-00-00 00:00:00,000] ", "0000000000 0",
	};

	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
		if (has_form(s, forms[i]))
			return true;
	return false;
}

/* "sendmail[77]: text", "imapd: text" */
static bool
is_tagged(struct slice s)
{
	size_t i = 1;

	if (s.n == 0 || !letter(s.p[0]))
		return false;
	while (i < s.n && i < TAG_MAX && (letter(s.p[i]) || digit(s.p[i]) || s.p[i] == '-' ||
	    s.p[i] == '_' || s.p[i] == '/' || s.p[i] == '.'))
		i++;
	if (i < s.n && s.p[i] == '[') {
		for (i++; i < s.n && digit(s.p[i]); i++)
			;
		if (i == s.n || s.p[i++] != ']')
			return false;
	}
	return i + 1 < s.n && s.p[i] == ':' && s.p[i + 1] == ' ';
}

/* OpenSMTPD in the foreground: "9d5c1f8a0b2e7741 smtp connected ..." */
static bool
is_session(struct slice s)
{
	for (size_t i = 0; i < SESSION_DIGITS; i++)
		if (i >= s.n || !(digit(s.p[i]) || (s.p[i] >= 'a' && s.p[i] <= 'f')))
			return false;
	s = slice_from(s, SESSION_DIGITS);
	return slice_starts(s, SLICE(" smtp ")) || slice_starts(s, SLICE(" mta ")) ||
	    slice_starts(s, SLICE(" mda "));
}

bool
shape_bare(struct header *h, struct slice s, struct line *out)
{
	out->time = h->stamps.newest != 0 ? h->stamps.newest : h->stamps.now;
	out->host = h->host;
	if (is_tagged(s))
		return header_text(h, s, true, out);
	if (is_session(s))
		out->tag = SLICE("smtpd");
	else if (is_foreign_stamp(s))
		out->tag = SLICE("");
	else
		return false;
	out->own = true;
	out->ident = out->text = s;
	return true;
}
