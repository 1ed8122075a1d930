/* header_between.c - what stands between stamp and tag besides the host: priorities, relays, the
 * fields of RFC 5424.
 *
 *	Nov 18 12:30:00 mx1 mail.info tag[7]: text		BusyBox
 *	Nov 18 12:30:00 <mail.info> mx1 tag[7]: text		FreeBSD
 *	Nov 18 12:30:00 mx1 mail:info tag[7]: text		AIX
 *	Nov 18 12:30:00 loghost Message forwarded from mx1: tag[7]: text	AIX, old syslogds
 *	Nov 18 12:30:00 192.0.2.7 mx1 postfix/smtpd[7]: text	a relay, of a header without a stamp
 *	Nov 18 12:30:00 mx1 info postfix/smtpd[7]: text		templates with the severity alone
 *	2026-11-18T12:30:00.123456+00:00 INFO    tag[7]: text	the same in place of the host: boky/postfix
 *	2026-11-18T12:30:00Z mx1 tag 7 - - text			NetBSD, RFC 5424 without its priority
 *
 * Pure functions: what they take, they take from the front of a slice. */
#include "input/shape.h"

#include "poison.h"

enum { CONTAINER_ID = 12 };	/* digits of the short form */

static bool
is_severity(struct slice s)
{
	static const char *const severities[] = { "info", "warn", "warning", "err", "error", "notice", "crit",
		"debug", "alert", "emerg", "warn|warning", "err|error", NULL };
	const char *const *v = severities;

	while (*v != NULL && !slice_eq(s, slice_of(*v)))
		v++;
	return *v != NULL;
}

bool
header_is_priority(struct slice s)
{
	static const char *const facilities[] = { "mail", "daemon", "auth", "authpriv", "kern", "user", "syslog",
		"cron", "news", "uucp", "lpr", "ftp", "ntp", "security", "console", NULL };
	const char *const *f = facilities;
	struct slice facility;
	uint64_t n;

	if (!slice_cut(&s, '.', &facility) && !slice_cut(&s, ':', &facility))
		return false;
	if (slice_u64(&facility, &n))
		return n < 24 && facility.n == 0 && slice_u64(&s, &n) && n < 8 && s.n == 0;
	if (slice_eat(&facility, SLICE("local"))) {
		if (facility.n != 1 || facility.p[0] < '0' || facility.p[0] > '7')
			return false;
	} else {
		while (*f != NULL && !slice_eq(facility, slice_of(*f)))
			f++;
	}
	return *f != NULL && is_severity(s);
}

bool
header_skip_priority(struct slice *s)
{
	struct slice rest = *s, word;
	bool bracket = slice_eat_char(&rest, '<');

	if (!slice_cut(&rest, ' ', &word) || (bracket && !slice_ends(word, SLICE(">"))))
		return false;
	word.n -= bracket;
	if (!header_is_priority(word) || (!bracket && slice_is_digit(word.p[0])))
		return false;
	*s = rest;
	return true;
}

bool
header_skip_level(struct slice *s)
{
	static const char *const levels[] = { "INFO ", "NOTICE ", "WARN ", "WARNING ", "ERR ", "ERROR ", "CRIT ", "ALERT ",
		"EMERG ", "DEBUG ", NULL };
	const char *const *at = levels;
	struct slice rest = *s, tag;

	while (*at != NULL && !slice_eat(&rest, slice_of(*at)))
		at++;
	if (*at == NULL)
		return false;
	while (slice_eat_char(&rest, ' '))
		;
	tag = slice_head(rest, slice_until(rest, ' ', ' '));
	if (!slice_ends(tag, SLICE(":")))
		return false;
	*s = rest;
	return true;
}

bool
header_skip_forwarded_from(struct slice *s, struct slice *host)
{
	struct slice rest = *s, name;

	if (rest.n == 0 || (rest.p[0] != 'M' && rest.p[0] != 'F'))
		return false;
	if ((!slice_eat(&rest, SLICE("Message forwarded from ")) && !slice_eat(&rest, SLICE("Forwarded from "))) ||
	    !slice_cut_at(&rest, SLICE(": "), &name) || name.n == 0 || memchr(name.p, ' ', name.n) != NULL)
		return false;
	*host = name;
	*s = rest;
	return true;
}

bool
header_skip_relay(struct slice *s, struct slice *host)
{
	size_t n = 0, from;
	bool path = false;

	while (n < s->n && (slice_is_alnum(s->p[n]) || s->p[n] == '-' || s->p[n] == '.'))
		n++;
	if (n == 0 || n >= s->n || s->p[n] != ' ')
		return false;
	for (from = n + 1; from < s->n && (slice_is_alnum(s->p[from]) || s->p[from] == '-' || s->p[from] == '_' ||
	    s->p[from] == '/'); from++)
		path |= s->p[from] == '/';
	if (!path || from >= s->n || s->p[from] != '[' || s->p[n + 1] == '/')
		return false;
	if (!is_severity(slice_head(*s, n)))
		*host = slice_head(*s, n);
	*s = slice_from(*s, n + 1);
	return true;
}

bool
header_field(struct slice *s, struct slice *out)
{
	if (!slice_cut(s, ' ', out) || out->n == 0)
		return false;
	if (out->n == 1 && out->p[0] == '-')
		out->n = 0;
	return true;
}

bool
header_structured_data(struct slice *s)
{
	bool quoted = false;
	size_t i = 0;

	if (slice_eat_char(s, '-'))
		return s->n == 0 || s->p[0] == ' ';
	if (s->n == 0 || s->p[0] != '[')
		return false;
	for (i = 1; i < s->n; i++) {
		char c = s->p[i];

		if (quoted && c == '\\') {
			i++;
		} else if (c == '"') {
			quoted = !quoted;
		} else if (c == ']' && !quoted) {
			if (i + 1 < s->n && s->p[i + 1] == '[')
				continue;
			*s = slice_from(*s, i + 1);
			return s->n == 0 || s->p[0] == ' ';
		}
	}
	return false;
}

bool
header_without_priority(struct slice *s, struct slice *tag, struct slice *pid)
{
	struct slice rest = *s, msgid;
	uint64_t number;

	if (!slice_cut(&rest, ' ', tag) || tag->n == 0 || rest.n < 6 || (rest.p[0] != '-' && !slice_is_digit(rest.p[0])) ||
	    memchr(tag->p, ':', tag->n) != NULL || !header_field(&rest, pid) || !header_field(&rest, &msgid) || msgid.n > 32 ||
	    !header_structured_data(&rest) || !slice_eat_char(&rest, ' '))
		return false;
	msgid = *pid;
	if (pid->n > 0 && (!slice_u64(&msgid, &number) || msgid.n > 0))
		return false;
	*s = rest;
	return true;
}

bool
header_is_container(struct slice tag)
{
	struct slice id = tag;

	if (slice_starts(tag, SLICE("docker/")))
		return true;
	if (tag.n > CONTAINER_ID && tag.p[tag.n - CONTAINER_ID - 1] == '/')
		id = slice_from(tag, tag.n - CONTAINER_ID);
	if (id.n != CONTAINER_ID)
		return false;
	for (size_t i = 0; i < id.n; i++)
		if (!slice_is_digit(id.p[i]) && (id.p[i] < 'a' || id.p[i] > 'f'))
			return false;
	return true;
}
