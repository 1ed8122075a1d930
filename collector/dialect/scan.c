/* scan.c - see scan.h. */
#include "dialect/dialect.h"

#include "poison.h"

bool
scan_quoted_address(struct slice *s, struct slice *address)
{
	size_t i = 2;

	/* a quoted local part may hold anything, '>' too; the quotes are the program's */
	for (; i < s->n && s->p[i] != '"'; i++)
		if (s->p[i] == '\\')
			i++;
	if (i >= s->n)
		i = 1;	/* unquoted after all */
	i += slice_until(slice_from(*s, i), '>', '>');
	if (i >= s->n)
		return false;
	*address = (struct slice){ s->p + 1, i - 1 };
	*s = slice_from(*s, address->n + 2);
	return true;
}

/* "1r0abc-000000012Xy-0aBc", or as before 4.97 "1r0abc-00012X-0a". */
static bool
is_exim_id(struct slice s)
{
	size_t second = s.n == 23 ? 18 : 13;

	if (s.n != 23 && s.n != 16)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((i == 6 || i == second) ? s.p[i] != '-' : !slice_is_alnum(s.p[i]))
			return false;
	return true;
}

struct slice
scan_taken_as(struct slice answer)
{
	enum { SENDMAIL_ID_LEAST = 8 };
	struct slice head, id = answer;
	size_t n = 0;

	if (slice_cut_at(&id, SLICE(" Message accepted for delivery"), &head)) {
		for (n = head.n; n > 0 && slice_is_alnum(head.p[n - 1]); n--)
			;
		id = slice_from(head, n);
		return id.n >= SENDMAIL_ID_LEAST && (n == 0 || head.p[n - 1] == ' ') ? id :
		    slice_head(id, 0);
	}
	if (!slice_rcut_at(&id, SLICE("OK id="), &head))
		return slice_head(answer, 0);
	while (n < id.n && (slice_is_alnum(id.p[n]) || id.p[n] == '-'))
		n++;
	id = slice_head(id, n);
	return slice_head(id, is_exim_id(id) ? n : 0);
}

bool
scan_dsn(struct slice *s, struct slice *dsn)
{
	size_t i = 0, dots = 0;

	if (s->n < 5 || s->p[1] != '.')
		return false;
	if (s->n > 5 && s->p[3] == '.' && s->p[5] == ' ' && slice_is_digit(s->p[0]) &&
	    slice_is_digit(s->p[2]) && slice_is_digit(s->p[4])) {
		*dsn = slice_head(*s, 5);
		*s = slice_from(*s, 6);
		return true;
	}
	for (; i < s->n && i < 9 && (slice_is_digit(s->p[i]) || s->p[i] == '.'); i++)
		dots += s->p[i] == '.';
	if (dots != 2 || i < 5 || (i < s->n && s->p[i] != ' '))
		return false;
	*dsn = slice_head(*s, i);
	*s = slice_from(*s, i < s->n ? i + 1 : i);
	return true;
}

void
scan_reply(struct slice s, struct event *e)
{
	struct slice marked;

	if (s.n >= 3 && slice_is_digit(s.p[0]) && slice_is_digit(s.p[1]) && slice_is_digit(s.p[2]) &&
	    (s.n == 3 || s.p[3] == ' ' || s.p[3] == '-')) {
		e->code =
		    (uint16_t)((s.p[0] - '0') * 100 + (s.p[1] - '0') * 10 + s.p[2] - '0');
		s = slice_from(s, 4);
	}
	marked = s;
	if (slice_eat_char(&marked, '#') && scan_dsn(&marked, &e->dsn))	/* "550 #5.1.0 Address rejected." */
		s = marked;
	else
		(void)scan_dsn(&s, &e->dsn);
	e->text = s;
}

/* Longer than any mail waits: sums must not overflow. */
static const double LONGEST_S = 1e9;

bool
scan_duration(struct slice *s, int64_t *ms)
{
	static const struct {
		char unit;
		double seconds;
	} units[] = { { 'w', 604800 }, { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };
	struct slice rest = *s;
	double sum = 0, v;
	size_t i = 0;
	bool any = false;

	for (;;) {
		struct slice at = rest;

		if (!slice_decimal(&at, &v) || at.n == 0)
			break;
		while (i < sizeof units / sizeof units[0] && units[i].unit != at.p[0])
			i++;
		if (i == sizeof units / sizeof units[0])
			break;
		sum += v * units[i++].seconds;
		rest = slice_from(at, 1);
		any = true;
	}
	if (!any || sum > LONGEST_S)
		return false;
	*ms = (int64_t)(sum * 1000 + 0.5);
	*s = rest;
	return true;
}

bool
scan_hms(struct slice *s, int64_t *ms)
{
	struct slice rest = *s;
	uint64_t days = 0, h, m, sec;

	if (!slice_u64(&rest, &h))
		return false;
	if (slice_eat_char(&rest, '+')) {
		days = h;
		if (!slice_u64(&rest, &h))
			return false;
	}
	if (!slice_eat_char(&rest, ':') || !slice_u64(&rest, &m) || m > 59 ||
	    !slice_eat_char(&rest, ':') || !slice_u64(&rest, &sec) || sec > 60 || h > 1000000 ||
	    days > 10000)
		return false;
	*ms = (int64_t)(((days * 24 + h) * 60 + m) * 60 + sec) * 1000;
	*s = rest;
	return true;
}

bool
scan_is_ip(struct slice s)
{
	size_t dots = 0, colons = 0;

	if (s.n < 2 || s.n > 45)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = slice_lower(s.p[i]);

		if (c == '.')
			dots++;
		else if (c == ':')
			colons++;
		else if (!slice_is_digit(c) && (c < 'a' || c > 'f'))
			return false;
	}
	if (colons > 0)
		return colons >= 2;
	for (size_t i = 0; i < s.n; i++)
		if (!slice_is_digit(s.p[i]) && s.p[i] != '.')
			return false;
	return dots == 3;
}

struct slice
scan_base(struct slice tag)
{
	ptrdiff_t slash = slice_rfind(tag, SLICE("/"));

	return slice_from(tag, slash < 0 ? 0 : (size_t)slash + 1);
}

void
scan_set_client(struct event *e, struct slice name, struct slice ip)
{
	(void)slice_eat(&ip, SLICE("IPv6:"));
	e->client_ip = ip;
	e->loopback = ip.n > 0 && address_is_loopback(ip);
	if (!slice_eq(name, SLICE("unknown")) && !slice_eq(name, SLICE("(unknown)")))
		e->client_name = name;
}
