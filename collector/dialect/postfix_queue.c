/* postfix_queue.c - cleanup, pickup, qmgr, bounce and postsuper: a queue file's life.
 *
 *	ID: uid=0 from=<root>[ orig_id=OLD]				(pickup)
 *	ID: message-id=<1@example.org>					(cleanup)
 *	ID: reject: header Subject: x from mx[192.0.2.1]; from=<a> to=<b> proto=ESMTP
 *	    helo=<c>: 5.7.1 no
 *	ID: milter-reject: END-OF-MESSAGE from mx[192.0.2.1]: 5.7.1 text; from=<a> ...
 *	    (no 3-digit code)
 *	ID: from=<a@example.org>, size=1234, nrcpt=3 (queue active)	(qmgr, at every retry)
 *	ID: from=<a@example.org>, status=expired, returned to sender
 *	ID: sender non-delivery notification: NEW			(bounce)
 *	ID: removed[ (canceled)]					((...): cleanup of 3.10)
 * Senders and header text are a stranger's, so sizes, counts and clients are taken from
 * the end of the line. */
#include "dialect/postfix.h"

#include "poison.h"

static int
removed(const struct pf_line *p, struct slice s, struct event *out)
{
	struct event *e = pf_event(out, EV_REMOVED, p);

	if (s.n == 0)
		return 1;
	if (!slice_eq(s, SLICE(" (canceled)")) && !slice_eq(s, SLICE(" (discarded)")))
		return -1;
	e->aborted = true;
	e->text = (struct slice){ s.p + 2, s.n - 3 };
	return 1;
}

/* What a header or body check did, by its verb. */
static enum event_kind
check_kind(struct slice verb, struct slice text)
{
	if (slice_eq(verb, SLICE("reject")))
		return text.n > 0 && text.p[0] == '4' ? EV_TEMPFAIL : EV_REJECT;
	if (slice_eq(verb, SLICE("hold")))
		return EV_HELD;
	if (slice_eq(verb, SLICE("discard")))
		return EV_DISCARDED;
	if (slice_eq(verb, SLICE("filter")))
		return EV_FILTERED;
	if (slice_eq(verb, SLICE("redirect")))
		return EV_REDIRECTED;
	return EV_INFO;
}

/* Was it the content, a forbidden attachment, or a virus that the check is for? */
static void
check_reason(struct event *e, struct slice where, struct slice content)
{
	enum reason r;
	struct slice sub;

	if (e->kind == EV_HELD) {
		e->cls = REASON_policy;
		e->sub = SLICE("hold");
		return;
	}
	if (slice_starts(where, SLICE("mime-error"))) {
		e->cls = REASON_protocol;
		e->sub = SLICE("mime");
		return;
	}
	e->cls = REASON_spam_content;
	e->sub = slice_starts(where, SLICE("body")) ? SLICE("body_check")
						    : SLICE("header_check");
	if (slice_find_nocase(content, SLICE("content-")) == 0 &&
	    slice_find_nocase(content, SLICE("name=")) >= 0) {
		e->cls = REASON_attachment;
		e->sub = SLICE("bad_filename");
	}
	r = reason_of_text(e->text, SLICE(""), e->code, false, &sub);
	if (r == REASON_virus || r == REASON_attachment) {
		e->cls = r;
		e->sub = sub;
	}
}

enum { ORIGINS_MAX = 32 };	/* content is 200 bytes at most, and so is HELO */

/* Where " from CLIENT; " that the program wrote begins in s: the last place where what
 * follows looks like its own. */
static bool
take_origin(struct slice *s, struct event *e)
{
	struct slice head = *s, rest, found;
	ptrdiff_t at;

	for (int tries = 0; tries < ORIGINS_MAX &&
	    (at = slice_rfind(head, SLICE(" from "))) >= 0; tries++) {
		rest = slice_from(*s, (size_t)at + 6);
		found = rest;
		if ((slice_eat(&found, SLICE("local;")) || pf_client(&found, e)) &&
		    (found.n == 0 || found.p[0] == ';' || found.p[-1] == ';')) {
			pf_tail((struct slice){ rest.p, rest.n }, e);
			*s = slice_head(*s, (size_t)at);
			return true;
		}
		head = slice_head(head, (size_t)at);
	}
	return false;
}

/* "VERB: header CONTENT from CLIENT; FIELDS[: TEXT]" */
static int
content_check(const struct pf_line *p, struct slice verb, struct slice s, struct event *out)
{
	struct event *e = pf_event(out, EV_INFO, p);
	struct slice line = s, text = { "", 0 }, where;

	if (s.n > 0 && s.p[s.n - 1] != '>' && slice_rcut_at(&line, SLICE(">: "), &where)) {
		text = line;
		line = (struct slice){ where.p, where.n + 1 };
	} else {
		line = s;
	}
	if (!take_origin(&line, e)) {
		text = (struct slice){ "", 0 };
		line = s;
		if (!take_origin(&line, e))
			line = s;	/* smtp_header_checks and pickup name no client */
	}
	scan_reply(text, e);
	e->kind = check_kind(verb, text);
	if (!slice_cut(&line, ' ', &where))
		return -1;
	e->stage = e->kind == EV_INFO ? verb : SLICE("DATA");
	if (e->kind != EV_INFO && e->kind != EV_FILTERED && e->kind != EV_REDIRECTED)
		check_reason(e, where, line);
	if (e->kind == EV_REDIRECTED) {
		e->orig_to = e->to;
		e->to = text;
	}
	if (e->text.n == 0)
		e->text = line;
	return 1;
}

/* "milter-header-replace" is "replace" */
static struct slice
verb_of(struct slice action)
{
	size_t i = action.n;

	if (!slice_starts(action, SLICE("milter-")))
		return action;
	while (i > 0 && action.p[i - 1] != '-')
		i--;
	return slice_from(action, i);
}

static bool
is_check(struct slice s)
{
	return slice_starts(s, SLICE("header ")) || slice_starts(s, SLICE("body ")) ||
	    slice_starts(s, SLICE("mime-error ")) || slice_starts(s, SLICE("mime "));
}

int
pf_cleanup(const struct pf_line *p, struct event *out)
{
	struct slice s = p->text, verb;
	struct event *e;

	if (slice_eat(&s, SLICE("message-id="))) {
		e = pf_event(out, EV_MSGID, p);
		e->mid = s;
		return 1;
	}
	if (!p->has_id)
		return slice_starts(s, SLICE("milter-")) ? pf_action(p, out) : -1;
	if (slice_starts(s, SLICE("resent-message-id=")))
		return pf_info(p, out, REASON_none, SLICE(""));
	if (slice_eat(&s, SLICE("removed")))
		return removed(p, s, out);
	if (slice_cut(&s, ':', &verb) && slice_eat_char(&s, ' ') && is_check(s))
		return content_check(p, verb_of(verb), s, out);
	return pf_action(p, out);
}

int
pf_pickup(const struct pf_line *p, struct event *out)
{
	struct slice s = p->text, head;
	struct event *e = pf_event(out, EV_PICKUP, p);
	uint64_t uid;

	if (!p->has_id || !slice_eat(&s, SLICE("uid=")) || !slice_u64(&s, &uid) ||
	    (!slice_eat(&s, SLICE(" from=")) && !slice_eat(&s, SLICE(" sender="))))
		return -1;
	head = s;
	if (slice_rcut_at(&s, SLICE("> orig_id="), &head)) {
		if (pf_is_id(s))
			e->new_id = s;
		head.n++;
	}
	if (head.n >= 2 && head.p[0] == '<' && head.p[head.n - 1] == '>')
		head = (struct slice){ head.p + 1, head.n - 2 };
	e->from = head;
	return 1;
}

/* The number at the end of *s, and what stands before it: key. */
static bool
take_last_number(struct slice *s, struct slice key, uint64_t *n)
{
	struct slice digits;
	size_t i = s->n;

	while (i > 0 && slice_is_digit(s->p[i - 1]))
		i--;
	digits = slice_from(*s, i);
	if (!slice_ends(slice_head(*s, i), key) || !slice_u64(&digits, n))
		return false;
	*s = slice_head(*s, i - key.n);
	return true;
}

static bool
set_from(struct slice s, struct event *e)
{
	if (!slice_eat(&s, SLICE("from=")))
		return false;
	if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		s = (struct slice){ s.p + 1, s.n - 2 };
	e->from = s;
	return true;
}

static int
queued(const struct pf_line *p, struct event *out)
{
	struct event *e = pf_event(out, EV_QUEUED, p);
	struct slice s = p->text;
	uint64_t nrcpt = 0;

	if (slice_ends(s, SLICE(" (queue active)"))) {
		s.n -= 15;
		take_last_number(&s, SLICE(", nrcpt="), &nrcpt);	/* 1.x had none */
		if (nrcpt > UINT32_MAX || !take_last_number(&s, SLICE(", size="), &e->size))
			return -1;
		e->nrcpt = (uint32_t)nrcpt;
		return set_from(s, e) ? 1 : -1;
	}
	if (!slice_ends(s, SLICE(", returned to sender")))
		return -1;
	s.n -= 20;
	e->kind = EV_EXPIRED;
	e->cls = REASON_expired;
	if (slice_ends(s, SLICE(", status=expired"))) {
		s.n -= 16;
	} else if (slice_ends(s, SLICE(", status=force-expired"))) {
		s.n -= 22;
		e->by_admin = true;
	} else {
		return -1;
	}
	return set_from(s, e) ? 1 : -1;
}

int
pf_qmgr(const struct pf_line *p, struct event *out)
{
	struct slice s = p->text;

	if (!p->has_id)
		return -1;
	if (slice_starts(s, SLICE("from=")))
		return queued(p, out);
	if (slice_eat(&s, SLICE("removed")))
		return removed(p, s, out);
	if (slice_starts(s, SLICE("skipped, ")) || slice_starts(s, SLICE("transport ")) ||
	    slice_starts(s, SLICE("status=deferred (")) ||
	    slice_starts(s, SLICE("enabling VERP ")) || slice_starts(s, SLICE("sending ")))
		return pf_info(p, out, REASON_none, SLICE(""));
	return -1;
}

int
pf_bounce(const struct pf_line *p, struct event *out)
{
	struct event *e = pf_event(out, EV_DSN_SENT, p);
	struct slice s = p->text;

	if (!p->has_id)
		return -1;
	if (slice_starts(s, SLICE("not sending ")) || slice_starts(s, SLICE("no trace file ")))
		return pf_info(p, out, REASON_none, SLICE(""));
	if (slice_has(s, SLICE(" notification failed to ")))	/* 3.11 */
		return pf_warning(p, SLICE("warning"), s, out);
	if (!slice_cut_at(&s, SLICE(" notification: "), &e->stage) || !pf_is_id(s) ||
	    (!slice_starts(e->stage, SLICE("sender ")) &&
	    !slice_starts(e->stage, SLICE("postmaster "))))
		return -1;
	e->new_id = s;
	return 1;
}

int
pf_postsuper(const struct pf_line *p, struct event *out)
{
	static const struct {
		struct slice text;
		enum event_kind kind;
	} acts[] = {
		{ { "removed", 7 }, EV_REMOVED }, { { "placed on hold", 14 }, EV_HELD },
		{ { "released from hold", 18 }, EV_RELEASED }, { { "requeued", 8 }, EV_INFO },
		/* the mail expires when qmgr says so */
		{ { "expired", 7 }, EV_INFO },
	};
	static const struct slice totals[] = {
		{ "Deleted: ", 9 }, { "Requeued: ", 10 }, { "Placed on hold: ", 16 },
		{ "Released from hold: ", 20 }, { "Force-expired: ", 15 },
		{ "Expired: ", 9 },
		{ "Renamed to match inode number: ", 31 }, { "removed file ", 13 },
		{ "renamed file ", 13 }, { "remove ", 7 }, { "expire file ", 12 },
		{ "name/inode mismatch: ", 21 }, { "bogus file name: ", 17 },
	};

	for (size_t i = 0; p->has_id && i < sizeof acts / sizeof acts[0]; i++)
		if (slice_eq(p->text, acts[i].text)) {
			pf_event(out, acts[i].kind, p);
			out->by_admin = true;
			out->stage = p->text;
			if (acts[i].kind == EV_HELD) {
				out->cls = REASON_policy;
				out->sub = SLICE("hold");
			}
			return 1;
		}
	if (slice_starts_any(p->text, totals, sizeof totals / sizeof totals[0]))
		return pf_info(p, out, REASON_none, SLICE(""));
	return -1;
}
