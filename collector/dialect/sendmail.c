/* sendmail.c - Sendmail: whose line, which id, and what is said of a mail as a whole.
 *
 *	sm-mta[77]: 5A3G4Vxx030840: from=<s@example.net>, size=1234, class=0, nrcpts=2, ...
 *	sm-mta[79]: 5A3G4Vxx030840: to=<a@example.org>,<b@example.org>, delay=00:00:01, ...
 *	sm-mta[79]: 5A3G4Vxx030840: 5A3G4Vxx030842: DSN: User unknown
 *	sm-mta[79]: 5A3G4Vxx030840: done; delay=00:00:01, ntries=1
 * 8.8 to 8.18. A line longer than syslog may take comes in pieces: "ID[1]: TEXT ...",
 * "ID[2]: TEXT". Nothing is said of sessions below LogLevel 11, of the end of a mail below
 * 10, of deferrals below 9. */
#include "dialect/sendmail.h"

#include "poison.h"

enum { ID_MAX = 20 };

/* Its syslog label (-L), which packages choose. */
static bool
claims(const struct line *l)
{
	struct slice t = scan_base(l->tag);
	static const struct slice heads[] = {
#define H(head) { head, sizeof(head) - 1 }
		H("sm-mta"), H("sm-msp"), H("sm-acceptingconnections"), H("sm-que"),
		H("sm-client"), H("sendmail-"), H("MailScanner-in"), H("MailScanner-out"),
#undef H
	};

	if (t.n < l->tag.n && slice_starts(l->tag, SLICE("postfix")))
		return false;
	if (slice_eq(t, SLICE("sendmail")))
		return true;
	return slice_starts_any(t, heads, sizeof heads / sizeof heads[0]);
}

/* "5A3G4Vxx030840": the time in base 60, a sequence, and at least five digits of a pid; it
 * has 12 characters in 8.10 and 8.11, and more since. Before, "AAA12345". How many bytes at the
 * front of s are one; 0: none. */
static size_t
id_length(struct slice s)
{
	size_t n = 0, digits = 0;	/* at the end */

	for (; n < s.n && n <= ID_MAX; n++) {
		if (slice_is_digit(s.p[n]))
			digits++;
		else if (slice_is_alnum(s.p[n]))
			digits = 0;
		else
			break;
	}
	if (n > ID_MAX || digits < 5)
		return 0;
	if (n >= 12)
		return n;
	if (digits != 5 || n < 7 || n > 8)
		return 0;
	for (size_t i = 0; i < n - 5; i++)
		if (s.p[i] < 'A' || s.p[i] > 'Z')
			return 0;
	return n;
}

bool
sm_is_id(struct slice s)
{
	return s.n > 0 && id_length(s) == s.n;
}

/* "ID: " or "ID[2]: " at the front of *s, whose pieces' number goes to *n (0: none). */
static bool
take_id(struct slice *s, struct slice *id, unsigned *n)
{
	struct slice rest = *s;
	size_t length = id_length(rest);
	uint64_t part;

	*n = 0;
	if (length == 0 && slice_starts(rest, SLICE("NOQUEUE")))
		length = 7;
	if (length == 0 || length == rest.n)
		return false;
	*id = slice_head(rest, length);
	rest = slice_from(rest, length);
	if (slice_eat_char(&rest, '[')) {
		if (!slice_u64(&rest, &part) || part == 0 || part > 999 ||
		    !slice_eat_char(&rest, ']'))
			return false;
		*n = (unsigned)part;
	}
	if (!slice_eat(&rest, SLICE(": ")))
		return false;
	*s = rest;
	return true;
}

struct event *
sm_event(struct event *out, enum event_kind kind, const struct sm_line *p)
{
	struct event *e = event_begin(out, kind);

	e->id = p->id;
	e->service = p->service;
	return e;
}

int
sm_info(const struct sm_line *p, struct event *out)
{
	sm_event(out, EV_INFO, p)->text = p->text;
	return 1;
}

/* " [192.0.2.1]" or "[192.0.2.1]" at the front of *s. */
static bool
take_bracket(struct slice *s, struct slice *ip)
{
	struct slice rest = *s;

	slice_eat_char(&rest, ' ');
	if (!slice_eat_char(&rest, '[') || !slice_cut(&rest, ']', ip))
		return false;
	*s = rest;
	return true;
}

bool
sm_take_client(struct slice *s, struct event *e)
{
	struct slice rest = *s, name, ip = slice_head(*s, 0), user;
	size_t n = 0;

	slice_eat_char(&rest, ' ');	/* a client that has no name may leave two blanks */
	/* a name ends at a blank, or where the text goes on */
	while (n < rest.n && rest.p[n] != ' ' && rest.p[n] != ',' && rest.p[n] != '[')
		n++;
	name = slice_head(rest, n);
	rest = slice_from(rest, n);
	if (!take_bracket(&rest, &ip) && name.n == 0)
		return false;
	while (slice_cut(&name, '@', &user))	/* ident's */
		;
	if (slice_eat(&rest, SLICE(" (may be forged)")))
		name = slice_head(name, 0);
	if (name.n > 0 && name.p[name.n - 1] == ':')
		name.n--;	/* "localhost: possible SMTP attack" */
	if (slice_starts(ip, SLICE("UNIX:"))) {
		e->loopback = true;
		e->client_name = name;
	} else {
		scan_set_client(e, name, ip);
	}
	*s = rest;
	return true;
}

void
sm_set_outbound(struct event *e)
{
	e->outbound = true;
	e->relay = e->client_name;
	e->relay_ip = e->client_ip;
	e->relay_loopback = e->loopback;
	if (e->relay.n > 1 && e->relay.p[e->relay.n - 1] == '.')
		e->relay.n--;
	e->client_name = e->client_ip = slice_head(e->client_name, 0);
	e->loopback = false;
}

/* An alias that could not be expanded has no to= line: a file ":include:/etc/mail/list... Cannot
 * open /etc/mail/list: No such file or directory", or a loop, or an empty list, which it calls one. */
static bool
bad_alias(struct slice s, struct event *e)
{
	struct slice rest = s, to;

	if (slice_eq(s, SLICE("aliasing/forwarding loop broken"))) {
		e->cls = REASON_loop;
	} else if (slice_starts(s, SLICE(":include:")) &&
	    slice_cut_at(&rest, SLICE("... Cannot open "), &to)) {
		e->cls = REASON_resource;
		e->sub = SLICE("config");
		e->to = to;
	} else {
		return false;
	}
	e->no_end = true;
	e->text = s;
	return true;
}

/* "5A3G4Vxx030842: DSN: User unknown": a notification, or a copy for a list's owner. */
static int
offspring(const struct sm_line *p, struct slice s, struct slice new_id, struct event *out)
{
	struct event *e;
	struct slice what;

	if (slice_starts(s, SLICE("clone: "))) {
		/* the recipient was a list with an owner: its members have the new id */
		e = sm_event(out, EV_DELIVERED, p);
		e->where = WHERE_FORWARD;
		e->no_end = true;
		e->new_id = new_id;
		e->text = s;
		return 1;
	}
	if (!slice_cut_at(&s, SLICE(": "), &what))
		return -1;
	if (!slice_eq(what, SLICE("DSN")) && !slice_eq(what, SLICE("return to sender")) &&
	    !slice_eq(what, SLICE("sender notify")) && !slice_eq(what, SLICE("postmaster notify")))
		return -1;
	e = sm_event(out, EV_DSN_SENT, p);
	e->new_id = new_id;
	e->stage = what;
	e->text = s;
	if (!slice_eq(what, SLICE("sender notify")) &&
	    bad_alias(s, sm_event(out + 1, EV_BOUNCED, p)))
		return 2;
	/* no to= line tells of those that waited too long */
	if (!slice_starts(s, SLICE("Cannot send message for ")) &&
	    !slice_starts(s, SLICE("delivery time expired ")))
		return 1;
	sm_event(out + 1, EV_EXPIRED, p)->text = s;
	return 2;
}

/* "clone 5A3G4Vxx030840, owner=list-owner", of the copy: the same, said by releases before 8.12. */
static int
cloned(const struct sm_line *p, struct slice s, struct event *out)
{
	struct slice old = s;
	struct event *e;

	(void)slice_cut_at(&s, SLICE(", owner="), &old);
	if (!sm_is_id(old) || !sm_is_id(p->id))
		return -1;
	e = sm_event(out, EV_DELIVERED, p);
	e->id = old;
	e->where = WHERE_FORWARD;
	e->no_end = true;
	e->new_id = p->id;
	e->text = p->text;
	return 1;
}

/* "split: count=2, ids=5A3G4Vxx030841; 5A3G4Vxx030842": each has some of the recipients. */
static int
split(const struct sm_line *p, struct slice s, struct event out[EVENTS_MAX])
{
	struct slice head, id;
	int n = 0;

	if (!slice_cut_at(&s, SLICE(", id"), &head))
		return -1;
	slice_eat_char(&s, 's');
	if (!slice_eat_char(&s, '='))
		return -1;
	while (n < EVENTS_MAX && s.n > 0) {
		if (!slice_cut_at(&s, SLICE("; "), &id)) {
			id = s;
			s.n = 0;
		}
		if (!sm_is_id(id))
			return -1;
		sm_event(&out[n++], EV_LINK, p)->new_id = id;
	}
	return n > 0 ? n : -1;
}

/* What is said of a mail as a whole. */
static int
whole_mail(const struct sm_line *p, struct event out[EVENTS_MAX])
{
	struct slice s = p->text, new_id;
	struct event *e;
	unsigned n;

	if (slice_eq(s, SLICE("discarded"))) {
		/* a rule of the admin's dropped it, with all its recipients */
		e = sm_event(out, EV_REMOVED, p);
		e->by_admin = true;
		e->text = s;
		return 1;
	}
	if (slice_eq(s, SLICE("unquarantine"))) {
		sm_event(out, EV_RELEASED, p);
		return 1;
	}
	if (slice_eat(&s, SLICE("done; delay="))) {
		/* two aliases of one user, and one line: it tells of no duplicates */
		sm_event(out, EV_REMOVED, p)->all_done = true;
		return 1;
	}
	if (slice_eat(&s, SLICE("quarantine="))) {	/* by sendmail -Q */
		e = sm_event(out, EV_HELD, p);
		e->by_admin = true;
		e->text = s;
		return 1;
	}
	if (slice_eat(&s, SLICE("split: ")))
		return split(p, s, out);
	if (slice_eat(&s, SLICE("clone ")))
		return cloned(p, s, out);
	if (take_id(&s, &new_id, &n) && n == 0 && sm_is_id(new_id))
		return offspring(p, s, new_id, out);
	return -1;
}

/* Builds with _FFR_SE_TA_ID number sessions and transactions in front. */
static void
skip_numbers(struct slice *s)
{
	struct slice head;

	while (slice_starts(*s, SLICE("se_id=")) || slice_starts(*s, SLICE("ta_id=")))
		if (!slice_cut_at(s, SLICE(", "), &head))
			return;
}

static int
parse(const struct line *l, struct event out[EVENTS_MAX])
{
	struct sm_line p = { .text = l->text, .service = scan_base(l->tag) };
	unsigned piece = 0;
	int n = -1;

	if (take_id(&p.text, &p.id, &piece)) {
		if (slice_eq(p.id, SLICE("NOQUEUE")))
			p.id.n = 0;
	} else {
		p.id = slice_head(l->text, 0);
	}
	if (piece > 1)
		return -1;	/* its beginning was lost */
	skip_numbers(&p.text);
	if (slice_starts(p.text, SLICE("from=")))
		return sm_from(&p, out);
	if (slice_starts(p.text, SLICE("to=")))
		return sm_to(&p, out);
	if (slice_starts(p.text, SLICE("ruleset=")))
		return sm_ruleset(&p, out);
	if (slice_starts(p.text, SLICE("STARTTLS")))
		return sm_starttls(&p, out);
	if (slice_starts(p.text, SLICE("AUTH")))
		return sm_auth(&p, out);
	if (slice_starts(p.text, SLICE("Milter")) || slice_starts(p.text, SLICE("milter")))
		return sm_milter(&p, out);
	if (p.id.n > 0)
		n = whole_mail(&p, out);
	if (n < 0)
		n = sm_session(&p, out);
	if (n < 0)
		n = sm_warning(&p, out);
	return n < 0 ? sm_usrerr(&p, out) : n;
}

/* "delay=00:00:01, ...", "[more], ..." */
static bool
is_field(struct slice s)
{
	size_t n = 0;

	while (n < s.n && n < 20 && (slice_is_alnum(s.p[n]) || s.p[n] == '_'))
		n++;
	return (n > 0 && n < s.n && s.p[n] == '=') || slice_starts(s, SLICE("[more]"));
}

/* "ID[1]: TEXT ..." to "ID[3]: TEXT". The first piece keeps its id, for the whole line
 * needs one. Sendmail cuts behind a comma or a blank. The blank between two fields may be at
 * either side or lost, so it is taken from "]: ". */
static bool
part(const struct line *l, struct part *out)
{
	struct slice s = l->text, id;
	unsigned n;

	if (l->text.n < 10 || !take_id(&s, &id, &n) || n == 0)
		return false;
	*out = (struct part){ .key = id, .text = n == 1 ? l->text : s, .n = n, .first = n == 1 };
	if (n > 1 && is_field(s)) {
		out->text.p--;
		out->text.n++;
	}
	if (slice_ends(s, SLICE(" ..."))) {
		out->more = true;
		out->text.n -= 4;
		if (slice_ends(out->text, SLICE(", ")))
			out->text.n--;
	}
	return true;
}

const struct dialect dialect_sendmail = {
	.name = "sendmail", .claims = claims, .parse = parse, .part = part
};
