/* postfix.c - the Postfix dialect: whose line it is, its queue id, its daemon.
 *
 * Postfix 2.0 to 3.11. A tag is syslog_name/service[pid]: "postfix/smtpd",
 * "postfix/submission/smtpd", "mx-out/relay/smtp"; the last part is the daemon. Then
 *	[ID: | NOQUEUE: ] TEXT
 *	warning: | error: | fatal: | panic:  TEXT
 * Rules that hold in all these files: a verdict comes only from a place that the
 * program itself writes, never from a HELO name, an address or somebody's reply; a
 * line with a queue id is never dropped as known. */
#include "dialect/postfix.h"

#include "poison.h"

static struct slice
last_component(struct slice tag)
{
	size_t i = tag.n;

	while (i > 0 && tag.p[i - 1] != '/')
		i--;
	return slice_from(tag, i);
}

/* By length first: then hardly any name is compared in vain. */
static enum pf_service
service_of(struct slice name)
{
#define IS(lit, service) \
	if (memcmp(name.p, lit, sizeof(lit) - 1) == 0) \
		return service
	switch (name.n) {
	case 4:
		IS("smtp", PF_SMTP);
		IS("qmgr", PF_QMGR);
		IS("lmtp", PF_LMTP);
		IS("pipe", PF_PIPE);
		break;
	case 5:
		IS("smtpd", PF_SMTPD);
		IS("anvil", PF_ANVIL);
		IS("local", PF_LOCAL);
		IS("error", PF_ERROR);
		IS("retry", PF_ERROR);
		IS("oqmgr", PF_QMGR);
		IS("nqmgr", PF_QMGR);
		IS("qmqpd", PF_SMTPD);
		IS("defer", PF_BOUNCE);
		IS("trace", PF_BOUNCE);
		IS("showq", PF_OTHER);
		IS("flush", PF_OTHER);
		IS("spawn", PF_OTHER);
		IS("relay", PF_SMTP);
		break;
	case 6:
		IS("pickup", PF_PICKUP);
		IS("bounce", PF_BOUNCE);
		IS("master", PF_MASTER);
		IS("verify", PF_OTHER);
		IS("scache", PF_OTHER);
		IS("tlsmgr", PF_OTHER);
		break;
	case 7:
		IS("cleanup", PF_CLEANUP);
		IS("dnsblog", PF_DNSBLOG);
		IS("virtual", PF_VIRTUAL);
		IS("discard", PF_DISCARD);
		IS("postfix", PF_ANY);
		IS("postmap", PF_OTHER);
		IS("postcat", PF_OTHER);
		IS("postlog", PF_MASTER);
		IS("rewrite", PF_OTHER);
		break;
	case 8:
		IS("tlsproxy", PF_TLSPROXY);
		IS("proxymap", PF_OTHER);
		IS("postdrop", PF_OTHER);
		IS("sendmail", PF_OTHER);
		IS("postlogd", PF_MASTER);
		IS("postconf", PF_OTHER);
		IS("postkick", PF_OTHER);
		IS("postlock", PF_OTHER);
		break;
	case 9:
		IS("postsuper", PF_POSTSUPER);
		IS("postqueue", PF_OTHER);
		IS("postalias", PF_OTHER);
		IS("postmulti", PF_MASTER);
		break;
	case 10:
		IS("postscreen", PF_SCREEN);
		IS("proxywrite", PF_OTHER);
		break;
	case 12:
		IS("post-install", PF_MASTER);
		break;
	case 13:
		IS("nbdb_reindexd", PF_OTHER);
		break;
	case 14:
		IS("postfix-script", PF_MASTER);
		IS("posttls-finger", PF_OTHER);
		break;
	case 15:
		IS("trivial-rewrite", PF_OTHER);
		IS("postfix-wrapper", PF_MASTER);
		break;
	case 16:
		IS("postmulti-script", PF_MASTER);
		break;
	case 18:
		IS("postfix-tls-script", PF_MASTER);
		break;
	}
#undef IS
	return PF_UNKNOWN;
}

/* Policy services and milters that were given "postfix/..." as their name. Their lines
 * are another dialect's or nobody's, and no sign that Postfix changed. */
static bool
is_helper(struct slice name)
{
	static const char *const parts[] = {
		"polic", "spf", "grey", "postfwd", "srs", "dkim", "dmarc", "spam", "milter",
		"sasl", "amavis", "clam", "sts", "gld", ".pl", ".py", ".sh", "filter",
		"mailman",
	};

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		if (slice_find_nocase(name, slice_of(parts[i])) >= 0)
			return true;
	return false;
}

/* What runs without a '/' in its tag. */
static bool
is_single(struct slice name)
{
	static const struct slice singles[] = {
		{ "postfix", 7 }, { "postfix-script", 14 }, { "postsuper", 9 },
		{ "postdrop", 8 },
		{ "postscreen", 10 }, { "postmulti", 9 }, { "postqueue", 9 },
		{ "postmap", 7 },
		{ "postalias", 9 },
	};

	if (!slice_starts(name, SLICE("post")))
		return false;
	for (size_t i = 0; i < sizeof singles / sizeof singles[0]; i++)
		if (slice_eq(name, singles[i]))
			return true;
	return false;
}

/* Anything below "postfix" is ours, known or not, so that a new daemon of a new release
 * shows as unknown; below another name only the daemons that we know. Cyrus and Dovecot
 * have a "master" and an "lmtp" of their own. */
static bool
claims(const struct line *l)
{
	struct slice name = last_component(l->tag);

	if (name.n == l->tag.n)
		return is_single(name);
	if (name.n == 0)
		return false;
	if (slice_starts(l->tag, SLICE("postfix")))
		return service_of(name) != PF_UNKNOWN || !is_helper(name);
	if (slice_starts(l->tag, SLICE("cyrus")) || slice_starts(l->tag, SLICE("dovecot")))
		return false;
	return service_of(name) != PF_UNKNOWN;
}

/* What a byte is in a queue id: hexadecimal, else a letter or digit, vowel. */
enum { C_HEX = 1, C_ALNUM = 2, C_DIGIT = 4, C_VOWEL = 8 };
static const unsigned char id_class[256] = {
	['0'] = 7, ['1'] = 7, ['2'] = 7, ['3'] = 7, ['4'] = 7, ['5'] = 7, ['6'] = 7,
	['7'] = 7, ['8'] = 7, ['9'] = 7, ['A'] = 3, ['B'] = 3, ['C'] = 3, ['D'] = 3,
	['E'] = 3, ['F'] = 3, ['G'] = 2, ['H'] = 2, ['I'] = 10, ['J'] = 2, ['K'] = 2,
	['L'] = 2, ['M'] = 2, ['N'] = 2, ['O'] = 10, ['P'] = 2, ['Q'] = 2, ['R'] = 2,
	['S'] = 2, ['T'] = 2, ['U'] = 10, ['V'] = 2, ['W'] = 2, ['X'] = 2, ['Y'] = 2,
	['Z'] = 2, ['a'] = 10, ['b'] = 2, ['c'] = 2, ['d'] = 2, ['e'] = 10, ['f'] = 2,
	['g'] = 2, ['h'] = 2, ['i'] = 10, ['j'] = 2, ['k'] = 2, ['l'] = 2, ['m'] = 2,
	['n'] = 2, ['o'] = 10, ['p'] = 2, ['q'] = 2, ['r'] = 2, ['s'] = 2, ['t'] = 2,
	['u'] = 10, ['v'] = 2, ['w'] = 2, ['x'] = 2, ['y'] = 2, ['z'] = 2,
};

/* Long ids begin with the time: a digit until the year 2100. */
enum { ID_MIN = 5, ID_MAX = 32, ID_FIRST_MAX = 'Z' };

/* Short ids are upper case hexadecimal; long ids have no vowels. A little tolerance (any
 * letters with a digit among them) costs nothing and reads logs whose ids were made
 * anonymous. */
bool
pf_is_id(struct slice s)
{
	unsigned all = C_HEX | C_ALNUM, any = 0;

	if (s.n < ID_MIN || s.n > ID_MAX || s.p[0] > ID_FIRST_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned c = id_class[(unsigned char)s.p[i]];

		all &= c;
		any |= c;
	}
	return (all & C_HEX) != 0 || ((all & C_ALNUM) != 0 &&
	    ((any & C_DIGIT) != 0 || (s.n >= 10 && (any & C_VOWEL) == 0)));
}

/* How many bytes at the front of s are a queue id; 0: none. */
static size_t
id_length(struct slice s)
{
	size_t n = 0;

	while (n < s.n && n < ID_MAX && id_class[(unsigned char)s.p[n]] != 0)
		n++;
	return pf_is_id(slice_head(s, n)) ? n : 0;
}

struct slice
pf_queued_as(struct slice text)
{
	static const struct slice mark = { "queued as ", 10 };
	ptrdiff_t at = slice_rfind(text, mark);

	text = slice_from(text, at >= 0 ? (size_t)at + mark.n : text.n);
	return slice_head(text, id_length(text));
}

struct event *
pf_event(struct event *e, enum event_kind kind, const struct pf_line *p)
{
	event_begin(e, kind);
	e->id = p->id;
	return e;
}

int
pf_info(const struct pf_line *p, struct event *out, enum reason cls, struct slice sub)
{
	struct event *e = pf_event(out, EV_INFO, p);

	e->cls = cls;
	e->sub = sub;
	e->text = p->text;
	return 1;
}

/* "NAME[ADDR]" at the front of *s; a name has no blank. */
static inline bool
take_peer(struct slice *s, struct slice *name, struct slice *ip)
{
	size_t n = slice_until(*s, '[', ' ');
	struct slice rest;

	if (n == s->n || s->p[n] != '[')
		return false;
	rest = (struct slice){ s->p + n + 1, s->n - n - 1 };
	if (!slice_cut_near(&rest, ']', ip))
		return false;
	*name = (struct slice){ s->p, n };
	*s = rest;
	return true;
}

bool
pf_client(struct slice *s, struct event *e)
{
	struct slice rest = *s, name, ip;
	uint64_t port = 0;

	if (!take_peer(&rest, &name, &ip))
		return false;
	if (rest.n > 1 && rest.p[0] == ':' && rest.p[1] != ' ') {
		rest = slice_from(rest, 1);
		if (!slice_u64(&rest, &port) && !slice_eat(&rest, SLICE("unknown")))
			return false;
	}
	if (!slice_eq(name, SLICE("unknown")))
		e->client_name = name;
	if (!slice_eq(ip, SLICE("unknown")))
		e->client_ip = ip;
	e->client_port = port <= 65535 ? (uint16_t)port : 0;
	e->loopback = address_is_loopback(ip);
	*s = rest;
	return true;
}

bool
pf_relay(struct slice *s, struct event *e)
{
	struct slice rest = *s, name, ip;
	uint64_t port;

	if (!take_peer(&rest, &name, &ip))
		return false;
	e->relay = name;
	if (ip.n > 0 && memchr(ip.p, '/', ip.n) != NULL) {
		e->relay_loopback = true;	/* a socket of this machine */
	} else {
		e->relay_ip = ip;
		e->relay_loopback = address_is_loopback(ip);
	}
	*s = rest;
	if (rest.n > 1 && rest.p[0] == ':' && slice_is_digit(rest.p[1])) {
		rest = slice_from(rest, 1);
		if (slice_u64(&rest, &port) && port <= 65535) {
			e->relay_port = (uint16_t)port;
			*s = rest;
		}
	}
	return true;
}

/* <ADDRESS> where the next field or the end follows. An address in the internal form of
 * old releases may hold '>', so the end is where that is true for the first time. */
static bool
take_value(struct slice *s, struct slice *value)
{
	struct slice rest = *s;

	if (!scan_address(&rest, value))
		return false;
	while (rest.n > 0 && rest.p[0] != ',' && !slice_starts(rest, SLICE(" to=<")) &&
	       !slice_starts(rest, SLICE(" proto=")) &&
	       !slice_starts(rest, SLICE(" helo=<"))) {
		const char *end = memchr(rest.p, '>', rest.n);

		if (end == NULL)
			return false;
		rest = slice_from(rest, (size_t)(end - rest.p) + 1);
	}
	*value = (struct slice){ s->p + 1, (size_t)(rest.p - s->p) - 2 };
	*s = rest;
	slice_eat_char(s, ',');
	return true;
}

/* After " helo=": <H> and, since 3.10, sasl_method= sasl_username= sasl_sender= behind it.
 * H is the client's free text and goes to the last '>' that can be its end. */
static void
take_helo(struct slice s, struct event *e)
{
	struct slice sasl;
	ptrdiff_t at;

	if (!slice_eat_char(&s, '<'))
		return;
	if (s.n > 0 && s.p[s.n - 1] != '>' &&
	    (at = slice_rfind(s, SLICE("> sasl_"))) >= 0) {
		sasl = slice_from(s, (size_t)at + 2);
		s = slice_head(s, (size_t)at + 1);
		if ((at = slice_find(sasl, SLICE("sasl_username="))) >= 0) {
			e->sasl_user = slice_from(sasl, (size_t)at + 14);
			if ((at = slice_find(e->sasl_user, SLICE(" sasl_sender="))) >= 0)
				e->sasl_user = slice_head(e->sasl_user, (size_t)at);
		}
		if (slice_eat(&sasl, SLICE("sasl_method=")) &&
		    !slice_cut(&sasl, ' ', &e->sasl_method))
			e->sasl_method = sasl;
	}
	if (s.n > 0 && s.p[s.n - 1] == '>')
		s.n--;
	e->helo = s;
}

/* Is s, after a ';', the program's own list of fields up to the end of the line? */
static bool
tail_here(struct slice s, struct event *e)
{
	struct slice from = { 0 }, to = { 0 };
	size_t n = 0;

	if (slice_starts(s, SLICE(" from=<"))) {
		s = slice_from(s, 6);
		if (!take_value(&s, &from))
			return false;
	}
	if (slice_starts(s, SLICE(" to=<"))) {
		s = slice_from(s, 4);
		if (!take_value(&s, &to))
			return false;
	}
	e->from = from;
	e->to = to;
	if (!slice_eat(&s, SLICE(" proto=")))
		return s.n == 0;
	while (n < s.n && s.p[n] >= 'A' && s.p[n] <= 'Z')
		n++;
	e->proto = slice_head(s, n);
	s = slice_from(s, n);
	slice_eat_char(&s, ',');
	if (slice_eat(&s, SLICE(" helo=")))
		take_helo(s, e);
	else if (s.n > 0)
		return false;
	return n > 0;
}

enum { TAILS_MAX = 16 };	/* a line made of beginnings must not cost its square */

size_t
pf_tail(struct slice s, struct event *e)
{
	struct slice what = s, address;
	size_t at = 0, first = s.n;
	int tries = 0;

	/* "<client's text>: Helo command rejected": what is refused holds no tail */
	if (scan_address(&what, &address))
		at = s.n - what.n;
	for (;;) {
		const char *semi = at < s.n ? memchr(s.p + at, ';', s.n - at) : NULL;
		struct slice rest;

		if (semi == NULL)
			break;
		at = (size_t)(semi - s.p) + 1;
		rest = slice_from(s, at);
		if (!slice_starts(rest, SLICE(" from=<")) &&
		    !slice_starts(rest, SLICE(" to=<")) &&
		    !slice_starts(rest, SLICE(" proto=")))
			continue;
		if (tail_here(rest, e))
			return at - 1;
		if (first == s.n)
			first = at - 1;
		if (++tries == TAILS_MAX)
			break;
	}
	return first;	/* a line that was cut, or one without */
}

/* What systemd caught of a command's standard error: "postfix/postfix-script: starting ...", which
 * is in the log as well, and "/usr/sbin/postconf: warning: ...", which is not. -1 if it is neither. */
static int
standard_error(const struct pf_line *p, struct event *out)
{
	struct pf_line inner = { .text = p->text, .service = PF_OTHER };
	struct slice program;

	if (slice_starts(p->text, SLICE("postfix/")) || slice_starts(p->text, SLICE("postfix: ")))
		return 0;
	if (!slice_starts(p->text, SLICE("/")) || !slice_cut_at(&inner.text, SLICE(": "), &program) ||
	    service_of(last_component(program)) == PF_UNKNOWN)
		return -1;
	return pf_common(&inner, out);
}

/* Which daemon it was is not known; their lines are different enough. */
static int
any_daemon(const struct pf_line *p, struct event *out)
{
	static int (*const all[])(const struct pf_line *, struct event *) = {
		pf_smtpd, pf_cleanup, pf_qmgr, pf_pickup, pf_agent, pf_bounce, pf_screen,
		pf_postsuper, pf_dnsblog, pf_anvil, pf_master, pf_other, standard_error,
	};
	int found = -1;

	for (size_t i = 0; found < 0 && i < sizeof all / sizeof all[0]; i++)
		found = all[i](p, out);
	return found;
}

static int
dispatch(const struct pf_line *p, struct event *out)
{
	switch (p->service) {
	case PF_SMTPD: return pf_smtpd(p, out);
	case PF_QMGR: return pf_qmgr(p, out);
	case PF_CLEANUP: return pf_cleanup(p, out);
	case PF_SMTP: case PF_LMTP: case PF_LOCAL: case PF_VIRTUAL: case PF_PIPE:
	case PF_ERROR: case PF_DISCARD:
		return pf_agent(p, out);
	case PF_SCREEN: return pf_screen(p, out);
	case PF_DNSBLOG: return pf_dnsblog(p, out);
	case PF_TLSPROXY: return pf_tlsproxy(p, out);
	case PF_PICKUP: return pf_pickup(p, out);
	case PF_BOUNCE: return pf_bounce(p, out);
	case PF_POSTSUPER: return pf_postsuper(p, out);
	case PF_ANVIL: return pf_anvil(p, out);
	case PF_MASTER: return pf_master(p, out);
	case PF_OTHER: return pf_other(p, out);
	case PF_ANY: return any_daemon(p, out);
	case PF_UNKNOWN: break;
	}
	return -1;
}

/* The daemon, and behind it where its name begins in the tag; never 0. */
static uint32_t
note(struct slice tag)
{
	struct slice name = last_component(tag);

	return (uint32_t)(name.p - tag.p) << 8 | ((uint32_t)service_of(name) + 1);
}

/* "ID: " or "NOQUEUE: ". */
static inline void
take_id(struct pf_line *p)
{
	struct slice s = p->text;
	size_t n;

	if (slice_eat(&p->text, SLICE("NOQUEUE: "))) {
		p->has_id = true;
		return;
	}
	n = slice_hex16(s);	/* nearly all are no more than that */
	if (n < ID_MIN || n + 1 >= s.n || s.p[n] != ':' || s.p[n + 1] != ' ') {
		n = slice_until(slice_head(s, ID_MAX + 1), ':', ' ');
		if (n < ID_MIN || n + 1 >= s.n || s.p[n] != ':' || s.p[n + 1] != ' ' ||
		    !pf_is_id(slice_head(s, n)))
			return;
	}
	p->has_id = true;
	p->id = slice_head(s, n);
	p->text = slice_from(s, n + 2);
}

static int
parse(const struct line *l, struct event out[EVENTS_MAX])
{
	uint32_t noted = l->note != 0 ? l->note : note(l->tag);
	struct pf_line p = { .text = l->text, .service = (enum pf_service)((noted & 255) - 1) };
	struct slice service = slice_from(l->tag, noted >> 8);
	int found;

	while (p.text.n > 0 && p.text.p[p.text.n - 1] <= ' ' &&
	    (p.text.p[p.text.n - 1] == ' ' || p.text.p[p.text.n - 1] == '\r'))
		p.text.n--;
	if (p.text.n > 0 && p.text.p[0] <= ID_FIRST_MAX)
		take_id(&p);
	if (slice_starts(p.text, SLICE("to=")) && p.has_id)
		found = pf_delivery(&p, out);
	else
		found = dispatch(&p, out);
	if (found < 0)
		found = pf_common(&p, out);
	if (found < 0 && !slice_starts(l->tag, SLICE("postfix")) &&
	    scan_is_ip(slice_head(p.text, slice_until(p.text, ' ', ' '))))
		found = DIALECT_FOREIGN;	/* Barracuda's "outbound/smtp" */
	if (found == 0 && p.has_id)
		found = pf_info(&p, out, REASON_none, SLICE(""));
	for (int i = 0; i < found; i++)
		out[i].service = service;
	return found;
}

const struct dialect dialect_postfix = { .name = "postfix", .claims = claims, .parse = parse, .note = note };
