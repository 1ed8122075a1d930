/* pmg.c - the filter of Proxmox Mail Gateway, pmg-smtp-filter.
 *
 *	2C225C6817C7EEE1481: new mail message-id=<1@example.net>
 *	2C225C6817C7EEE1481: SA score=8/5 time=2.975 bayes=undefined autolearn=no hits=A(0.1),B(7.9)
 *	2C225C6817C7EEE1481: virus detected: Eicar-Test-Signature (clamav)
 *	2C225C6817C7EEE1481: accept mail to <b@example.org> (032F62C229B) (rule: default-accept)
 *	2C225C6817C7EEE1481: moved mail for <b@example.org> to spam quarantine - 2F45A681 (rule: Spam)
 *	2C225C6817C7EEE1481: block mail to <b@example.org> (rule: Block Viruses)
 *	2C225C6817C7EEE1481: processing time: 3.12 seconds (2.975, 0.05, 0)
 *	2C225C6817C7EEE1481: can't exec clamdscan: No such file or directory : ERROR at .../Utils.pm line 500.
 * PMG 5 to 8. Its name for a mail is in Postfix' delivery to it ("250 2.5.0 OK (2C225C6817C7EEE1481)"); where
 * it stands before the queue no line of Postfix with a queue id has it, and what it hands on is new. An
 * attachment that is put into quarantine leaves its mail. Rules' names are the admin's, addresses and
 * Message-IDs a stranger's. */
#include "dialect/filter.h"
#include "dialect/helper.h"

#include "poison.h"

static const struct slice name = SLICE("pmg-smtp-filter");

static bool
claims(const struct line *l)
{
	return slice_eq(l->tag, name);
}

/* "2C225C6817C7EEE1481: ": hexadecimal time, process and more. */
static bool
take_session(struct slice *s, struct slice *id)
{
	size_t n = 0;

	while (n < s->n && n < 32 && (slice_is_digit(s->p[n]) || (s->p[n] >= 'A' && s->p[n] <= 'F')))
		n++;
	*id = slice_head(*s, n);
	if (n < 12 || !slice_starts(slice_from(*s, n), SLICE(": ")))
		return false;
	*s = slice_from(*s, n + 2);
	return true;
}

/* "8/5 time=2.975 ...": found and wanted. */
static int
score(struct slice s, struct event *e)
{
	struct slice text = s;
	uint64_t found = 0, wanted;
	bool minus = slice_eat_char(&s, '-');

	if (!slice_u64(&s, &found) || !slice_eat_char(&s, '/') || !slice_u64(&s, &wanted))
		return -1;
	e->kind = !minus && found >= wanted ? EV_SPAM : EV_HAM;
	(void)slice_cut(&text, '/', &e->text);
	return 1;
}

/* A recipient's end in the filter: "<b@example.org>", and what follows it. */
static bool
take_recipient(struct slice *s, struct event *e)
{
	e->kind = EV_DELIVERED;
	e->in_filter = true;
	e->sub = slice_head(*s, 0);
	return scan_address(s, &e->to);
}

/* "<b@example.org> (032F62C229B) (rule: default-accept)" */
static int
accepted(struct slice s, struct event *e)
{
	if (!take_recipient(&s, e) || !slice_eat(&s, SLICE(" (")) || !slice_cut(&s, ')', &e->new_id) ||
	    !filter_is_id(e->new_id))
		return -1;
	e->where = WHERE_EXT;
	e->relay_loopback = true;
	return 1;
}

/* "<b@example.org> to spam quarantine - 2F45A681 (rule: Spam)", "<b@example.org> (rule: Block Viruses)" */
static int
kept_back(struct slice s, struct event *e)
{
	if (!take_recipient(&s, e))
		return -1;
	e->where = WHERE_DISCARD;
	e->text = slice_trim(s);
	if (slice_starts(s, SLICE(" to attachment quarantine"))) {
		e->kind = EV_INFO;
		e->where = WHERE_NONE;
	}
	return 1;
}

/* Perl's "die": "WHY : ERROR at FILE line N.", "WHY at FILE line N.", or without the place. What strangers wrote
 * never stands last in a line. */
static bool
is_error(struct slice s)
{
	struct slice why, place = s;
	uint64_t n;

	if (slice_ends(s, SLICE(": ERROR")))
		return true;
	return slice_rcut_at(&place, SLICE(" line "), &why) && slice_u64(&place, &n) && slice_eq(place, SLICE(".")) &&
	    slice_has(why, SLICE(" at /"));
}

/* What the filter says of a mail. */
static int
about_mail(struct slice s, struct event *e)
{
	if (slice_eat(&s, SLICE("new mail message-id="))) {
		e->kind = EV_MSGID;
		e->sub = slice_head(s, 0);
		e->mid = slice_trim(s);
		return 1;
	}
	if (slice_eat(&s, SLICE("SA score=")))
		return score(s, e);
	if (slice_eat(&s, SLICE("virus detected: "))) {
		e->kind = EV_VIRUS;
		e->sub = s;
		return 1;
	}
	if (slice_eat(&s, SLICE("accept mail to ")))
		return accepted(s, e);
	if (slice_eat(&s, SLICE("moved mail for ")) || slice_eat(&s, SLICE("block mail to ")))
		return kept_back(s, e);
	if (slice_starts(s, SLICE("processing time: "))) {
		e->kind = EV_REMOVED;
		e->sub = slice_head(s, 0);
		return 1;
	}
	e->text = s;
	if ((slice_starts(s, SLICE("reinject mail to ")) && slice_ends(s, SLICE(" failed"))) ||
	    (is_error(s) && !slice_starts(s, SLICE("unpack ")))) {
		e->kind = EV_FILTER_FAIL;
		e->cls = REASON_resource;
	}
	return 1;
}

static int
parse(const struct line *l, struct event out[EVENTS_MAX])
{
	static const char *const talk[] = { "starting database maintenance", "end database maintenance",
		"finished database maintenance", "Filter daemon ", "reloading configuration", "connecting to ",
		"new configuration ", "fast exit to reduce server load", "demo mode detected", NULL };
	static const char *const broken[] = { "ERROR", "unable ", "can't ", "database ", "processing took ",
		"sending data failed ", "DBI connect", "DBD::", NULL };
	static const char *const warnings[] = { "WARNING: ", "Cleanup failures: ", "fast exit because of errors",
		"unexpected SMTP result ", NULL };
	struct slice s = l->text, id;

	while (s.n > 0 && s.p[s.n - 1] == '\n')	/* PMG writes it, and rsyslog keeps it */
		s.n--;
	if (take_session(&s, &id)) {
		filter_event(out, EV_INFO, name)->id = id;
		return filter_answer(l, out, about_mail(s, out));
	}
	if (filter_begins(s, warnings))
		return filter_answer(l, out, filter_trouble(out, EV_QWARN, name, s));
	if (filter_begins(s, broken) || is_error(s))
		return filter_answer(l, out, filter_trouble(out, EV_FILTER_FAIL, name, s));
	return filter_begins(s, talk) || helper_is_net_server(s) ? 0 : -1;
}

const struct dialect dialect_pmg = { .name = "pmg", .claims = claims, .parse = parse };
