/* exim_refusal.c - what was refused at the door.
 *
 *	H=(helo) [192.0.2.1] X=TLS1.3:NAME:256 CV=no F=<a@example.net> rejected RCPT <b@example.org>: TEXT
 *	[ID ]H=mx [192.0.2.1] F=<a@example.net> temporarily rejected after DATA: TEXT
 *	H=[192.0.2.1] rejected connection in "connect" ACL
 *	H=mx [192.0.2.1] sender verify fail for <a@example.net>: TEXT	the refusal itself follows
 *	rejected EHLO from [192.0.2.1]: syntactically invalid argument(s): TEXT
 *	SMTP protocol synchronization error (...): rejected "EHLO x" H=[192.0.2.1] next input="..."
 * The reply's code is not logged, but "temporarily" is said of 4xx. TEXT is the admin's
 * log_message, or Exim's own. Main log and reject log both get the line. */
#include "dialect/exim.h"

#include "poison.h"

static int
refused(const struct ex_line *l, struct event *e, bool temporarily)
{
	e->kind = temporarily ? EV_TEMPFAIL : EV_REJECT;
	e->twin = l->by_syslog;
	ex_refusal_reason(e);
	return 1;
}

/* ": TEXT" or nothing. A code at the front of TEXT is the reply's, if it is of its sort. */
static bool
take_text(struct slice s, struct event *e, bool temporarily)
{
	struct event reply = { 0 };

	if (!slice_eat(&s, SLICE(": ")))
		return slice_trim(s).n == 0 || slice_eq(s, SLICE(":"));
	e->text = slice_trim(s);
	scan_reply(e->text, &reply);
	if (reply.code / 100 != (temporarily ? 4 : 5))
		return true;
	e->code = reply.code;
	e->dsn = reply.dsn;
	e->text = slice_trim(reply.text);
	return true;
}

enum { ARGUMENT_MAX = 100 };	/* longer ones are cut there */

/* "<b@example.org>", or whatever else the client said, up to ": ": the address. */
static struct slice
take_argument(struct slice *s)
{
	struct slice rest = *s, address = slice_head(*s, 0);
	bool whole = scan_address(&rest, &address) && address.n + 2 <= ARGUMENT_MAX;
	ptrdiff_t at;
	size_t n;

	if (!whole) {
		rest = slice_from(*s, s->n > 0 && s->p[0] == '<' ? ARGUMENT_MAX : 0);
		address = slice_head(*s, 0);
	}
	at = slice_find(rest, SLICE(": "));
	n = s->n - rest.n + (at >= 0 ? (size_t)at : rest.n);
	if (n > 0 && s->p[0] != '<' && slice_until(slice_head(*s, n), ' ', ' ') == n)
		address = slice_head(*s, n);	/* without <> */
	*s = slice_from(*s, n);
	return address;
}

static const struct place {
	struct slice words, stage;
	enum { BARE, ARGUMENT, TO, FROM } then;
} places[] = {
#define P(words, stage, then) { { words, sizeof(words) - 1 }, { stage, sizeof(stage) - 1 }, then }
	P("RCPT ", "RCPT", TO), P("MAIL ", "MAIL", FROM),
	P("connection in \"connect\" ACL", "CONNECT", BARE),
	P("EHLO or HELO ", "HELO", ARGUMENT), P("DATA", "DATA", BARE),
	P("after DATA PRDR", "END-OF-MESSAGE", BARE), P("after DATA", "END-OF-MESSAGE", BARE),
	P("during MIME ACL checks", "MIME", BARE), P("AUTH ", "AUTH", ARGUMENT),
	P("ETRN ", "ETRN", ARGUMENT), P("ATRN ", "ATRN", ARGUMENT), P("VRFY ", "VRFY", TO),
	P("EXPN ", "EXPN", ARGUMENT), P("STARTTLS", "STARTTLS", ARGUMENT),
	P("WELLKNOWN ", "WELLKNOWN", ARGUMENT), P("DKIM ", "DKIM", ARGUMENT),
	P("QUIT", "QUIT", ARGUMENT), P("by local_scan()", "END-OF-MESSAGE", BARE),
	P("by non-SMTP ACL", "non-SMTP", BARE), P("by DCC", "", BARE),
#undef P
};

/* A content scan that refuses tells of the mail what it is, too. */
static int
with_verdict(struct event *out)
{
	if (out->cls != REASON_virus || out->id.n == 0)
		return 1;
	out[1] = out[0];
	out[1].kind = EV_VIRUS;
	out[1].twin = false;
	return 2;
}

/* After "rejected ": what, and why. */
static int
rejected(const struct ex_line *l, struct slice s, bool temporarily, struct event *e)
{
	const struct place *p = places, *end = places + sizeof places / sizeof places[0];
	struct slice address;

	while (p < end && !slice_eat(&s, p->words))
		p++;
	if (p == end)
		return -1;
	e->stage = p->stage;
	if (p->then != BARE) {
		address = take_argument(&s);
		if (p->then == TO)
			e->to = address;
		else if (p->then == FROM)
			e->from = address;
	}
	if (!take_text(s, e, temporarily))
		return -1;
	if (slice_starts(e->text, SLICE("discarded by "))) {	/* before 4.86 */
		e->kind = EV_DISCARDED;
		e->twin = l->by_syslog;
		e->cls = REASON_policy;
		e->sub = SLICE("discard");
		return 1;
	}
	if (p->stage.n == 0) {	/* DCC: what the ACL makes of it is told behind */
		e->kind = EV_INFO;
		return 1;
	}
	refused(l, e, temporarily);
	return with_verdict(e);
}

/* "RCPT <b@example.org>: discarded by RCPT ACL: TEXT" */
static int
discarded(const struct ex_line *l, struct slice s, struct event *e)
{
	e->stage = SLICE("RCPT");
	e->to = take_argument(&s);
	if (!slice_eat(&s, SLICE(": discarded by ")))
		return -1;
	e->kind = EV_DISCARDED;
	e->twin = l->by_syslog;
	e->cls = REASON_policy;
	e->sub = SLICE("discard");
	e->text = s;
	return 1;
}

/* Behind the client and its fields. */
static int
verdict(const struct ex_line *l, struct slice s, struct event *e)
{
	static const char *const by_scan[] = { " rejected by ", " temporarily rejected by ", NULL };
	bool temporarily;
	struct slice word;

	if (slice_eat(&s, SLICE(" F="))) {
		if (!scan_address(&s, &e->from)) {	/* local_scan's has no <> */
			if (!ex_address(&s, &e->from))
				return -1;
		}
		if (slice_eat(&s, SLICE(" A="))) {
			word = slice_head(s, slice_until(s, ' ', ' '));
			ex_auth(word, e);
			s = slice_from(s, word.n);
		}
		if (slice_eat(&s, SLICE(" H=")) && !ex_client(&s, e, by_scan))	/* local_scan() */
			return -1;
		while (ex_field(&s, e, false))
			;
		slice_eat(&s, SLICE(":"));	/* DCC's */
	}
	if (slice_eat(&s, SLICE(" RCPT ")))
		return discarded(l, s, e);
	if (slice_eat(&s, SLICE(" dropped by "))) {	/* 4.97: 'connect' ACL, TLS */
		e->stage = SLICE("CONNECT");
		if (slice_cut_at(&s, SLICE(": "), &word))
			e->text = slice_trim(s);
		return refused(l, e, false);
	}
	temporarily = slice_eat(&s, SLICE(" temporarily"));
	if (slice_eat(&s, SLICE(" rejected ")))
		return rejected(l, s, temporarily, e);
	if (!slice_starts(s, SLICE(" sender verify ")) && !slice_starts(s, SLICE(" Warning: ")) &&
	    !slice_starts(s, SLICE(" incomplete transaction (")))
		return -1;
	e->text = slice_from(s, 1);	/* the refusal, if it comes to one, has its own line */
	return 1;
}

/* "[DS]H=HOST ...", "U=USER ...", "F=<a@b> ...". */
static int
by_acl(const struct ex_line *l, struct event *e)
{
	static const char *const ends[] = { " F=", " rejected ", " temporarily rejected ",
		" sender verify ", " Warning: ", " incomplete transaction (", " RCPT ", " dropped by ",
		NULL };
	struct slice s = l->text;

	slice_eat(&s, SLICE("DS"));
	if (slice_eat(&s, SLICE("H="))) {
		if (!ex_client(&s, e, ends))
			return -1;
	} else if (slice_eat(&s, SLICE("U="))) {
		s = slice_from(s, slice_until(s, ' ', ' '));
		while (ex_field(&s, e, false))
			;
		e->loopback = true;
	} else {
		s = (struct slice){ s.p - 1, s.n + 1 };
	}
	return verdict(l, s, e);
}

/* "H=HOST" or "U=USER" in front of one of ends. */
static bool
tagged(struct slice *s, struct event *e, const char *const *ends)
{
	return (slice_eat(s, SLICE("H=")) || slice_eat(s, SLICE("U="))) && ex_client(s, e, ends);
}

/* "EHLO x" from HOST: it did not pass helo_verify. */
static int
helo_refused(const struct ex_line *l, struct slice s, bool temporarily, struct event *e)
{
	static const char *const nothing[] = { "", NULL };

	if (!slice_rcut_at(&s, SLICE("\" from "), &e->helo) || !ex_client(&s, e, nothing))
		return -1;
	slice_eat(&e->helo, SLICE("EHLO "));
	slice_eat(&e->helo, SLICE("HELO "));
	e->stage = SLICE("HELO");
	return refused(l, e, temporarily);
}

/* "EHLO from HOST: TEXT", "MAIL from HOST: no HELO/EHLO given", "MAIL command H=HOST: TEXT",
 * "MAIL FROM:<a@b> H=HOST: TEXT", "from <a@b>[ H=HOST]: TEXT"; "from" and H= before HOST may be
 * missing */
static int
by_exim(const struct ex_line *l, struct slice s, bool temporarily, struct event *e)
{
	static const char *const colon[] = { ": ", NULL };
	bool hello = slice_starts(s, SLICE("EHLO ")) || slice_starts(s, SLICE("HELO ")), ok;

	if (slice_eat(&s, SLICE("\"")))
		return helo_refused(l, s, temporarily, e);
	e->stage = hello ? SLICE("HELO") : SLICE("MAIL");
	if (slice_eat(&s, SLICE("MAIL command "))) {
		temporarily = true;	/* 421 */
		ok = tagged(&s, e, colon);
	} else if (slice_eat(&s, SLICE("MAIL FROM:"))) {
		ok = scan_address(&s, &e->from) && slice_eat(&s, SLICE(" ")) &&
		    (tagged(&s, e, colon) || ex_client(&s, e, colon));
	} else if (slice_eat(&s, SLICE("from "))) {
		e->stage = SLICE("END-OF-MESSAGE");
		ok = scan_address(&s, &e->from);
		slice_eat(&s, SLICE(" "));	/* not before every H= */
		ok = ok && (slice_starts(s, SLICE(": ")) || tagged(&s, e, colon));
	} else {
		ok = (slice_eat(&s, SLICE("EHLO from ")) || slice_eat(&s, SLICE("HELO from ")) ||
		    slice_eat(&s, SLICE("MAIL from ")) || slice_eat(&s, SLICE("MAIL ")) ||
		    slice_eat(&s, SLICE("XCLIENT from "))) &&
		    ex_client(&s, e, colon);
	}
	if (!ok || !take_text(s, e, temporarily))
		return -1;
	refused(l, e, temporarily);
	if (hello) {
		e->cls = REASON_helo;
		e->sub = SLICE("invalid");
	}
	return 1;
}

/* "unqualified sender rejected: <x> H=HOST[ (...)]" */
static int
unqualified(const struct ex_line *l, struct slice s, bool sender, struct event *e)
{
	static const char *const ends[] = { "", " (", NULL };

	e->stage = sender ? SLICE("MAIL") : SLICE("RCPT");
	if (!slice_eat(&s, SLICE(" rejected: ")) || !scan_address(&s, sender ? &e->from : &e->to) ||
	    !slice_eat(&s, SLICE(" ")) || !tagged(&s, e, ends))
		return -1;
	refused(l, e, false);
	e->cls = sender ? REASON_unknown_sender : REASON_unknown_rcpt;
	e->sub = SLICE("non_fqdn");
	return 1;
}

/* "too many recipients: message rejected: sender=<a@b> H=HOST" */
static int
too_many(const struct ex_line *l, struct slice s, struct event *e)
{
	static const char *const nothing[] = { "", NULL };
	bool temporarily = slice_eat(&s, SLICE("excess temporarily rejected: "));

	e->stage = SLICE("RCPT");
	if ((!temporarily && !slice_eat(&s, SLICE("message rejected: "))) ||
	    !slice_eat(&s, SLICE("sender=")) || !scan_address(&s, &e->from) ||
	    !slice_eat(&s, SLICE(" ")) || !tagged(&s, e, nothing))
		return -1;
	refused(l, e, temporarily);
	e->cls = REASON_ratelimit;
	e->sub = SLICE("too_many_rcpt");
	return 1;
}

/* The client of "... "COMMAND" H=HOST next input="TEXT"": both sides of it are the client's own
 * words, so it is left out where they imitate one. */
static void
client_between(struct slice s, const char *const *ends, struct event *e)
{
	struct slice head, rest = s;

	if (!slice_cut_at(&rest, SLICE("\" H="), &head) || slice_has(rest, SLICE("\" H=")))
		return;
	(void)ex_client(&rest, e, ends);
}

/* "(input sent without waiting for greeting): rejected connection from H=HOST input="...""
 * "(next input sent too soon: ...): rejected "COMMAND" H=HOST next input="..."" */
static int
too_soon(const struct ex_line *l, struct slice s, struct event *e)
{
	static const char *const input[] = { " input=\"", "", NULL };
	static const char *const next[] = { " next input=\"", NULL };
	struct slice why;

	if (!slice_cut_at(&s, SLICE("): rejected "), &why))
		return -1;
	if (slice_eat(&s, SLICE("connection from "))) {
		e->stage = SLICE("CONNECT");
		if (!tagged(&s, e, input))
			return -1;
	} else {
		client_between(s, next, e);
	}
	e->text = why;
	refused(l, e, false);
	e->cls = REASON_protocol;
	e->sub = SLICE("sync");
	return 1;
}

/* "refused connection from HOST (host_reject_connection)", "connection from HOST refused (IP
 * options)", "temporarily refused connection from HOST (tcp wrappers errno=2)" */
static int
connection(const struct ex_line *l, struct slice s, bool temporarily, struct event *e)
{
	static const char *const ends[] = { " (", ": ", " refused (", NULL };

	if (!ex_client(&s, e, ends))
		return -1;
	e->stage = SLICE("CONNECT");
	slice_eat(&s, SLICE(" refused"));
	if (slice_starts(s, SLICE(": not in reserve list"))) {
		e->kind = EV_RATELIMIT;
		e->cls = REASON_ratelimit;
		e->sub = SLICE("conn_count");
		e->text = slice_from(s, 2);
		return 1;
	}
	e->text = slice_from(s, 1);
	refused(l, e, temporarily);
	e->cls = temporarily ? REASON_resource : REASON_policy;
	e->sub = SLICE("");
	return 1;
}

/* "PRDR R=<b@example.org> refusal": one recipient after the mail was there. */
static int
prdr(const struct ex_line *l, struct slice s, struct event *e)
{
	e->stage = SLICE("END-OF-MESSAGE");
	e->text = s;
	if (!slice_eat(&s, SLICE("R=")) || !scan_address(&s, &e->to))
		return 1;	/* an ACL's own words: of what is not said */
	if (slice_eq(s, SLICE(" acceptance")))
		return 1;
	e->text = slice_head(s, 0);
	return refused(l, e, slice_eq(s, SLICE(" temporary refusal")));
}

/* local_scan() that crashed: the mail is refused for now. */
static int
scan_broken(const struct ex_line *l, struct event *out)
{
	out[0].stage = SLICE("END-OF-MESSAGE");
	out[0].text = l->text;
	refused(l, &out[0], true);
	out[0].cls = REASON_resource;
	out[0].sub = SLICE("filter_down");
	out[1] = out[0];
	out[1].kind = EV_FILTER_FAIL;
	out[1].twin = false;
	out[1].sub = SLICE("local_scan");
	return 2;
}

int
ex_refusal(const struct ex_line *l, struct event *out)
{
	struct slice s = l->text;
	struct event *e = ex_event(out, EV_INFO, l);
	bool temporarily;

	if (slice_starts(s, SLICE("H=")) || slice_starts(s, SLICE("DSH=")) ||
	    slice_starts(s, SLICE("U=")) || slice_starts(s, SLICE("F=")))
		return by_acl(l, e);
	if (slice_eat(&s, SLICE("SMTP protocol synchronization error (")) ||
	    slice_eat(&s, SLICE("SMTP protocol violation: synchronization error (")))	/* up to 4.6x */
		return too_soon(l, s, e);
	if (slice_eat(&s, SLICE("unqualified sender")))
		return unqualified(l, s, true, e);
	if (slice_eat(&s, SLICE("unqualified recipient")))
		return unqualified(l, s, false, e);
	if (slice_eat(&s, SLICE("too many recipients: ")))
		return too_many(l, s, e);
	if (slice_eat(&s, SLICE("PRDR ")))
		return prdr(l, s, e);
	if (slice_starts(s, SLICE("local_scan() function ")))
		return scan_broken(l, e);
	temporarily = slice_eat(&s, SLICE("temporarily "));
	if (slice_eat(&s, SLICE("rejected ")))
		return by_exim(l, s, temporarily, e);
	if (slice_eat(&s, SLICE("refused connection from ")) ||
	    slice_eat(&s, SLICE("connection from ")))
		return connection(l, s, temporarily, e);
	return -1;
}
