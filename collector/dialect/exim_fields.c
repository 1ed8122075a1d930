/* exim_fields.c - hosts, addresses and fields as Exim writes them into all its lines.
 *
 *	mx.example.net (helo.example.net) [192.0.2.1]:4711 I=[192.0.2.9]:25 U=ident P=esmtps
 *	    X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=no DN="CN=x" SNI=mx A=plain:joe
 * The name is the verified one; an unverified client has its HELO name alone. HELO names may
 * hold blanks and brackets where helo_accept_junk_hosts lets them. */
#include "dialect/exim.h"

#include "poison.h"

static bool
is_id_part(struct slice s, size_t from, size_t n)
{
	for (size_t i = from; i < from + n; i++)
		if (!slice_is_alnum(s.p[i]))
			return false;
	return true;
}

bool
ex_id(struct slice *s, struct slice *id)
{
	size_t n;

	if (s->n >= 23 && s->p[6] == '-' && s->p[18] == '-' && is_id_part(*s, 7, 11) &&
	    is_id_part(*s, 19, 4))
		n = 23;
	else if (s->n >= 16 && s->p[6] == '-' && s->p[13] == '-' && is_id_part(*s, 7, 6) &&
	    is_id_part(*s, 14, 2))
		n = 16;
	else
		return false;
	if (!is_id_part(*s, 0, 6) || (s->n > n && slice_is_alnum(s->p[n])))
		return false;
	*id = slice_head(*s, n);
	*s = slice_from(*s, n);
	return true;
}

/* "NAME ", "(HELO) ", "NAME (HELO) ", or nothing, as a whole. */
static bool
names(struct slice s, struct event *e)
{
	struct slice name = { s.p, 0 }, helo = { s.p, 0 };

	if (s.n > 0)
		s.n--;	/* the blank before '[' */
	if (s.n > 0 && s.p[0] != '(') {
		name = slice_head(s, slice_until(s, ' ', ' '));
		s = slice_from(s, name.n);
		if (s.n > 0)
			s = slice_from(s, 1);
	}
	if (s.n > 0) {
		if (s.n < 2 || s.p[0] != '(' || s.p[s.n - 1] != ')')
			return false;
		helo = (struct slice){ s.p + 1, s.n - 2 };
	}
	e->client_name = name;
	e->helo = helo;
	return true;
}

bool
ex_is_address(struct slice s)
{
	size_t dots = 0, colons = 0;

	for (size_t i = 0; i < s.n; i++) {
		dots += s.p[i] == '.';
		colons += s.p[i] == ':';
		if (!slice_is_alnum(s.p[i]) && s.p[i] != '.' && s.p[i] != ':')
			return false;
	}
	return scan_is_ip(s) || dots == 3 || colons > 1;
}

void
ex_port(struct slice *s, uint64_t *port)
{
	*port = 0;
	if (s->n < 2 || s->p[0] != ':' || !slice_is_alnum(s->p[1]))
		return;
	*s = slice_from(*s, 1);
	if (slice_u64(s, port))
		return;
	while (s->n > 0 && (slice_is_alnum(s->p[0]) || s->p[0] == '_'))
		*s = slice_from(*s, 1);
}

bool
ex_duration(struct slice *s, int64_t *ms)
{
	size_t n = 0;

	*ms = -1;
	if (scan_duration(s, ms))
		return true;
	while (n < s->n && (s->p[n] == 'q' || s->p[n] == '.'))
		n++;
	if (n == 0 || n == s->n || s->p[n] != 's')
		return false;
	*s = slice_from(*s, n + 1);
	return true;
}

bool
ex_host(struct slice s, size_t *from, struct event *e, struct slice *rest)
{
	struct slice ip, tail;
	uint64_t port;

	while (*from < s.n) {
		const char *at = memchr(s.p + *from, '[', s.n - *from);
		size_t i = at != NULL ? (size_t)(at - s.p) : s.n;

		*from = i + 1;
		tail = slice_from(s, i + 1);
		if (at == NULL || (i > 0 && s.p[i - 1] != ' ') || !slice_cut(&tail, ']', &ip) ||
		    !ex_is_address(ip) || !names(slice_head(s, i), e))
			continue;
		ex_port(&tail, &port);
		scan_set_client(e, e->client_name, ip);
		e->client_port = port <= 65535 ? (uint16_t)port : 0;
		*rest = tail;
		return true;
	}
	return false;
}

bool
ex_quoted(struct slice *s, struct slice *text)
{
	size_t i = 1;

	if (s->n == 0 || s->p[0] != '"')
		return false;
	for (; i < s->n && s->p[i] != '"'; i++)
		if (s->p[i] == '\\')
			i++;
	if (i >= s->n)
		return false;
	*text = (struct slice){ s->p + 1, i - 1 };
	*s = slice_from(*s, i + 1);
	return true;
}

bool
ex_address(struct slice *s, struct slice *address)
{
	bool quoted = false;
	size_t i = 0;

	for (; i < s->n && (quoted || s->p[i] != ' '); i++) {
		if (s->p[i] == '"')
			quoted = !quoted;
		else if (s->p[i] == '\\' && quoted)
			i++;
	}
	if (quoted || i == 0 || i > s->n)
		return false;
	*address = slice_head(*s, i);
	*s = slice_from(*s, i);
	return true;
}

/* What a field is, beside where its value goes. */
enum field { F_NONE, F_SKIP, F_PROTO, F_CIPHER, F_AUTH, F_SIZE, F_IDENT };

static enum field
field_of(struct slice key)
{
	static const struct slice skipped[] = {
		{ "CV", 2 }, { "DN", 2 }, { "SNI", 3 }, { "Ci", 2 }, { "RT", 2 }, { "PRX", 3 },
		{ "PS", 2 }, { "M8S", 3 }, { "DKIM", 4 }, { "SPF", 3 }, { "DMARC", 5 }, { "ARC", 3 },
	};

	if (key.n == 1) {
		switch (key.p[0]) {
		case 'P': return F_PROTO;
		case 'X': return F_CIPHER;
		case 'A': return F_AUTH;
		case 'S': return F_SIZE;
		case 'U': return F_IDENT;
		case 'I': case 'Q': return F_SKIP;
		default: return F_NONE;
		}
	}
	for (size_t i = 0; i < sizeof skipped / sizeof skipped[0]; i++)
		if (slice_eq(key, skipped[i]))
			return F_SKIP;
	return F_NONE;
}

/* The key of " KEY=..." at the front, or empty. */
static struct slice
key_at(struct slice s)
{
	size_t n = 1;

	while (n < s.n && n < 7 && slice_is_alnum(s.p[n]))
		n++;
	if (n < 2 || n >= s.n || s.p[0] != ' ' || s.p[n] != '=')
		return slice_head(s, 0);
	return (struct slice){ s.p + 1, n - 1 };
}

/* " K", " PRDR", " L*-" ...: a word that is a field by itself. */
static bool
take_flag(struct slice *s)
{
	static const struct slice flags[] = {
		{ " DS", 3 }, { " TFO**", 6 }, { " TFO*", 5 }, { " TFO", 4 }, { " L", 2 }, { " L*", 3 },
		{ " L.", 3 }, { " L-", 3 }, { " L*-", 4 }, { " L.-", 4 }, { " PRDR", 5 }, { " K", 2 },
		{ " ARC", 4 }, { " SPF", 4 }, { " DMARC", 6 },
	};

	if (s->n < 2 || s->p[0] != ' ' || memchr("DTLPKAS", s->p[1], 7) == NULL)
		return false;
	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
		size_t n = flags[i].n;

		if (slice_starts(*s, flags[i]) && (s->n == n || s->p[n] == ' ' ||
		    slice_starts(slice_from(*s, n), SLICE(": ")))) {
			*s = slice_from(*s, n);
			return true;
		}
	}
	return false;
}

/* Up to the blank before the next field: names of users may hold blanks themselves. One
 * word if no field follows. */
static struct slice
long_value(struct slice s)
{
	size_t first = slice_until(s, ' ', ' '), n = first;

	while (n < s.n) {
		struct slice rest = slice_from(s, n);

		if (take_flag(&rest) || field_of(key_at(rest)) != F_NONE)
			return slice_head(s, n);
		n += 1 + slice_until(slice_from(s, n + 1), ' ', ' ');
	}
	return slice_head(s, first);
}

void
ex_auth(struct slice value, struct event *e)
{
	e->sasl_method = value;
	if (slice_cut(&value, ':', &e->sasl_method))
		e->sasl_user = value;
}

/* "TLS1.3:TLS_AES_256_GCM_SHA384:256", with '*' behind it for a session taken up again. */
static void
cipher(struct slice value, struct event *e)
{
	struct slice rest = value, proto;
	size_t n;

	e->tls_proto = value;
	if (!slice_cut(&rest, ':', &proto))
		return;
	e->tls_proto = proto;
	n = rest.n;
	while (n > 0 && (slice_is_digit(rest.p[n - 1]) || rest.p[n - 1] == '*'))
		n--;
	e->tls_cipher = n > 0 && rest.p[n - 1] == ':' ? slice_head(rest, n - 1) : rest;
}

/* A number, or a word that somebody put in its place ("sss"). */
static bool
size_of(struct slice value, struct event *e)
{
	for (size_t i = 0; i < value.n; i++)
		if (!slice_is_alnum(value.p[i]))
			return false;
	return slice_u64(&value, &e->size) ? value.n == 0 : value.n > 0;
}

bool
ex_field(struct slice *s, struct event *e, bool spaced)
{
	struct slice key = key_at(*s), value, rest, text;
	enum field f = field_of(key);

	if (f == F_NONE)
		return take_flag(s);
	rest = slice_from(*s, key.n + 2);
	if (rest.n > 0 && rest.p[0] == '"') {	/* DN, and SNI before 4.95 */
		if (!ex_quoted(&rest, &text) ||
		    (rest.n > 0 && rest.p[0] != ' ' && (spaced || !slice_starts(rest, SLICE(": ")))))
			return false;	/* "** ... DN="CN=x": TEXT" */
		*s = rest;
		return true;
	}
	value = spaced && (f == F_IDENT || f == F_AUTH) ? long_value(rest) :
	    slice_head(rest, slice_until(rest, ' ', ' '));
	if (!spaced && value.n > 0 && (value.p[value.n - 1] == ':' || value.p[value.n - 1] == ')'))
		value.n--;	/* "U=joe: TEXT", "(... I=[192.0.2.9]:25)" */
	if (f == F_SIZE && !size_of(value, e))
		return false;
	if (f == F_PROTO)
		e->proto = value;
	else if (f == F_CIPHER)
		cipher(value, e);
	else if (f == F_AUTH)
		ex_auth(value, e);
	*s = slice_from(rest, value.n);
	return true;
}

static bool
ends_here(struct slice s, const char *const *ends)
{
	for (; *ends != NULL; ends++)
		if (**ends == '\0' ? s.n == 0 : slice_starts(s, slice_of(*ends)))
			return true;
	return false;
}

bool
ex_client(struct slice *s, struct event *e, const char *const *ends)
{
	struct event at_start = *e;
	struct slice rest;

	for (size_t from = 0; ex_host(*s, &from, e, &rest); *e = at_start) {
		while (ex_field(&rest, e, false))
			;
		if (ends_here(rest, ends)) {
			*s = rest;
			return true;
		}
	}
	/* a process on this machine: the name of its user */
	if (s->n == 0 || s->p[0] == '(' || s->p[0] == '[')
		return false;
	rest = slice_from(*s, slice_until(*s, ' ', ':'));
	while (ex_field(&rest, e, false))
		;
	if (!ends_here(rest, ends)) {
		*e = at_start;
		return false;
	}
	e->loopback = true;
	*s = rest;
	return true;
}
