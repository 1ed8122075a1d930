/* shape_bare.c - lines without a stamp: a program's that wrote to a terminal, or that lost it on
 * the way.
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

/* rbldnsd's log of questions: "1795206436 192.0.2.1 NAME A IN: NXDOMAIN/0/85" */
static bool
is_rbldnsd(struct slice s, int64_t *time)
{
	uint64_t t;

	if (!slice_u64(&s, &t) || t < 1000000000 || t > 9999999999 || s.n < 2 || s.p[0] != ' ' ||
	    !slice_is_digit(s.p[1]) || !slice_has(s, SLICE(" IN: ")))
		return false;
	*time = (int64_t)t;
	return true;
}

/* "sendmail[77]: text", "imapd: text" */
static bool
is_tagged(struct slice s)
{
	size_t i = 1;
	bool pid = false;

	if (s.n == 0 || !letter(s.p[0]))
		return false;
	while (i < s.n && i < TAG_MAX && (letter(s.p[i]) || slice_is_digit(s.p[i]) || s.p[i] == '-' ||
	    s.p[i] == '_' || s.p[i] == '/' || s.p[i] == '.'))
		i++;
	if (i < s.n && s.p[i] == '[') {
		for (i++; i < s.n && slice_is_digit(s.p[i]); i++)
			;
		if (i == s.n || s.p[i++] != ']')
			return false;
		pid = true;
	}
	if (!pid && s.p[0] < 'a')	/* "Subject: x" is no program's */
		return false;
	return i + 1 < s.n && s.p[i] == ':' && s.p[i + 1] == ' ';
}

/* OpenSMTPD in the foreground: "9d5c1f8a0b2e7741 smtp connected ..." */
static bool
is_session(struct slice s)
{
	for (size_t i = 0; i < SESSION_DIGITS; i++)
		if (i >= s.n || !(slice_is_digit(s.p[i]) || (s.p[i] >= 'a' && s.p[i] <= 'f')))
			return false;
	s = slice_from(s, SESSION_DIGITS);
	return slice_starts(s, SLICE(" smtp ")) || slice_starts(s, SLICE(" mta ")) ||
	    slice_starts(s, SLICE(" mda "));
}

/* What a web server in front of webmail says of each request. */
static bool
is_access_log(struct slice s)
{
	return slice_is_digit(s.p[0]) && slice_has(slice_head(s, 80), SLICE(" - - ["));
}

/* "-- Boot 5f0c... --", "-- Logs begin at ... --": what journalctl says between lines. */
static bool
is_journalctl(struct slice s)
{
	return slice_starts(s, SLICE("-- ")) && slice_ends(s, SLICE(" --"));
}

/* metalog's "                - Last output repeated 3 times -", or "twice": once more. */
static bool
is_repeat(struct slice s, uint32_t *n)
{
	uint64_t v = 1;

	if (s.n == 0 || s.p[0] != ' ')
		return false;
	while (slice_eat_char(&s, ' '))
		;
	if (!slice_eat(&s, SLICE("- Last output repeated ")) ||
	    (!slice_eat(&s, SLICE("twice -")) && (!slice_u64(&s, &v) || !slice_eat(&s, SLICE(" times -")))) ||
	    s.n > 0 || v == 0 || v > UINT32_MAX)
		return false;
	*n = (uint32_t)v;
	return true;
}

bool
shape_bare(struct header *h, struct slice s, struct line *out)
{
	out->stampless = true;
	out->time = h->stamps.newest != 0 ? h->stamps.newest : h->stamps.now;
	out->host = h->host;
	if (is_repeat(s, &out->repeat)) {
		out->repeat_of_last = true;
		out->ident = s;
		return true;
	}
	if (is_tagged(s))
		return header_text(h, s, true, out);
	if (is_session(s))
		out->tag = SLICE("smtpd");
	else if (is_rbldnsd(s, &out->time) || is_journalctl(s) || (s.n > 0 && is_access_log(s)))
		out->tag = SLICE("");
	else
		return false;
	out->own = true;
	out->ident = out->text = s;
	return true;
}
