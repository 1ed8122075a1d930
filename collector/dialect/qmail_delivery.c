/* qmail_delivery.c - what became of a delivery: qmail-remote's, qmail-local's and other texts.
 *
 *	5: success: 192.0.2.9_accepted_message./Remote_host_said:_250_2.0.0_Ok/
 *	5: success: did_0+1+0/qp_15528/
 *	5: deferral: Connected_to_192.0.2.9_but_connection_died._(#4.4.2)/
 *	5: failure: 192.0.2.9_does_not_like_recipient./Remote_host_said:_550_5.1.1_no/
 *	    Giving_up_on_192.0.2.9./
 *	5: failure: TEXT/I'm_not_going_to_try_again;_this_message_has_been_in_the_queue_too_long./
 *	5: report mangled, will defer
 * '_' stands for a blank and '/' for an end of line. What stands before "Remote_host_said:_" is
 * qmail's, what stands behind it the other server's; of a local delivery all is what the programs
 * in .qmail said. Which message it was says the line "starting delivery" alone: flow knows. */
#include "dialect/qmail.h"

#include "poison.h"

enum { TEXT_MAX = 2048 };	/* reason_of_text() reads no more */

/* reason_of_text() of a text in which '_' stands for a blank. */
static enum reason
reason_of(struct slice text, struct slice dsn, unsigned code, bool remote, struct slice *sub)
{
	char plain[TEXT_MAX];
	enum reason r;

	text = slice_head(text, sizeof plain);
	for (size_t i = 0; i < text.n; i++)
		plain[i] = text.p[i] == '_' ? ' ' : text.p[i];
	r = reason_of_text((struct slice){ plain, text.n }, dsn, code, remote, sub);
	if (sub->n > 0 && sub->p >= plain && sub->p < plain + text.n)	/* a block list's name */
		sub->p = text.p + (sub->p - plain);
	else if (sub->n == 0)
		*sub = SLICE("");
	return r;
}

/* Texts of qmail-remote and qmail-local; the first that is found. */
static const struct {
	struct slice words;
	enum reason cls;
	struct slice sub;
} ours[] = {
#define TEXT(words, cls, sub) { { words, sizeof(words) - 1 }, REASON_##cls, { sub, sizeof(sub) - 1 } }
	TEXT("but_connection_died", remote_conn, "lost"),
	TEXT("able_to_establish_an_SMTP_connection", remote_conn, ""),
	TEXT("find_any_host_by_that_name", dns, "temp"),
	TEXT("find_any_host_named_", dns, "nxdomain"),
	TEXT("find_a_mail_exchanger", dns, "nxdomain"),
	TEXT("CNAME_lookup_failed_temporarily", dns, "temp"),
	TEXT("listed_as_a_best-preference_MX", loop, ""),
	TEXT("This_message_is_looping", loop, ""),
	TEXT("no_mailbox_here_by_that_name", unknown_rcpt, ""),
	TEXT("partial_final_lines", protocol, ""),
	TEXT("Out_of_memory", resource, "memory"),
	TEXT("System_resources_temporarily_unavailable", resource, ""),
	TEXT("(qmail-remote)_was_invoked_improperly", resource, "config"),
	TEXT("Uh-oh:_", resource, "config"),
	TEXT("Home_directory_is_sticky", resource, "config"),
	TEXT("Temporary_error_on_maildir_delivery", resource, "mailbox"),
	TEXT("TLS_connect_failed", tls_error, ""), TEXT("TLS_not_available", tls_error, ""),
	TEXT("mail_is_looping", loop, ""),
#undef TEXT
};

/* "192.0.2.9_", "Connected_to_192.0.2.9_" where a line of s begins; patches put "(a@example.net)_" or
 * "<a@example.net>_" before it, the sender. */
static void
take_relay(struct slice s, struct event *e)
{
	struct slice part, ip, sender;

	while (slice_next(&s, '/', &part)) {
		if (slice_starts(part, SLICE("(")))
			(void)slice_cut_at(&part, SLICE(")_"), &sender);
		else if (slice_starts(part, SLICE("<")))
			(void)slice_cut_at(&part, SLICE(">_"), &sender);
		(void)slice_eat(&part, SLICE("Connected_to_"));
		if (!slice_cut(&part, '_', &ip) || !scan_is_ip(ip))
			continue;
		e->relay_ip = ip;
		e->relay_loopback = address_is_loopback(ip);
		return;
	}
}

/* "550-5.1.1_no/550_5.1.1_no/Giving_up_on_192.0.2.9./" */
static void
take_reply(struct slice s, struct event *e)
{
	ptrdiff_t up = slice_rfind(s, SLICE("/Giving_up_on_"));
	size_t n = 0;

	if (up >= 0)
		s = slice_head(s, (size_t)up);
	if (slice_ends(s, SLICE("/")))
		s.n--;
	e->text = s;
	while (n < 3 && n < s.n && slice_is_digit(s.p[n]))
		n++;
	if (n != 3 || (s.n > 3 && s.p[3] != '_' && s.p[3] != '-'))
		return;
	e->code = (uint16_t)((s.p[0] - '0') * 100 + (s.p[1] - '0') * 10 + s.p[2] - '0');
	e->text = s = slice_from(s, 4);
	for (n = 0; n < s.n && n < 9 && (slice_is_digit(s.p[n]) || s.p[n] == '.'); n++)
		;
	e->dsn = slice_head(s, n);
	if (scan_dsn(&(struct slice){ s.p, n }, &e->dsn))
		e->text = slice_from(s, n < s.n ? n + 1 : n);
	else
		e->dsn = qmail_dsn(s);
}

static bool
is_expired(struct slice text, const struct event *e)
{
	/* only a deferral that comes too late gets it: a server that says 5xx says it itself */
	return e->kind == EV_BOUNCED && e->code / 100 != 5 && slice_ends(text,
	    SLICE("I'm_not_going_to_try_again;_this_message_has_been_in_the_queue_too_long./"));
}

static void
set_reason(struct slice text, bool remote, struct event *e)
{
	if (is_expired(text, e)) {
		e->cls = REASON_expired;
		return;
	}
	if (remote) {
		enum reason r = reason_of(e->text, e->dsn, e->code, true, &e->sub);

		e->cls = REASON_remote_refused;
		e->sub = slice_of(reason_name(r));
		return;
	}
	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
		if (slice_has(text, ours[i].words)) {
			e->cls = ours[i].cls;
			e->sub = ours[i].sub;
			return;
		}
	if (slice_starts(text, SLICE("Unable_to_")))
		e->cls = REASON_resource;
	else
		e->cls = reason_of(text, e->dsn, 0, false, &e->sub);
}

/* "did_0+1+0/qp_15528/" at the end: into mailboxes, to other addresses, to programs. What the
 * programs wrote stands before it. */
static void
take_local(struct slice s, struct event *e)
{
	ptrdiff_t at = slice_rfind(s, SLICE("did_"));
	uint64_t boxes, forwards, commands;
	struct slice qp = slice_head(s, 0);

	if (at < 0 || (at > 0 && s.p[at - 1] != '/'))
		return;
	s = slice_from(s, (size_t)at + 4);
	if (!slice_u64(&s, &boxes) || !slice_eat_char(&s, '+') || !slice_u64(&s, &forwards) ||
	    !slice_eat_char(&s, '+') || !slice_u64(&s, &commands) || !slice_eat_char(&s, '/') ||
	    (slice_eat(&s, SLICE("qp_")) && (!qmail_number(&s, &qp) || !slice_eat_char(&s, '/'))) ||
	    s.n > 0)
		return;
	e->relay = SLICE("local");
	e->qp = qp;
	if (boxes == 0 && commands == 0 && forwards > 0)
		e->where = WHERE_FORWARD;
}

static void
report(struct slice text, struct event *e)
{
	struct slice head = text, said = text;
	bool remote = slice_cut_at(&said, SLICE("Remote_host_said:_"), &head);

	take_relay(head, e);
	if (remote) {
		take_reply(said, e);
	} else {
		e->dsn = qmail_dsn(text);
		e->text = slice_head(text, slice_ends(text, SLICE("/")) ? text.n - 1 : text.n);
	}
	if (e->kind == EV_DELIVERED && !remote)
		take_local(text, e);
	else if (e->kind != EV_DELIVERED)
		set_reason(text, remote, e);
}

int
qmail_delivery(uint32_t usec, struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_DEFERRED);
	struct slice text;

	if (!qmail_number(&s, &e->task) || !slice_eat(&s, SLICE(": ")))
		return -1;
	e->usec = usec;
	if (slice_eat(&s, SLICE("report mangled, will defer"))) {
		e->cls = REASON_resource;
		e->sub = SLICE("report");
		return 1;
	}
	if (slice_eat(&s, SLICE("success:")))
		e->kind = EV_DELIVERED;
	else if (slice_eat(&s, SLICE("failure:")))
		e->kind = EV_BOUNCED;
	else if (!slice_eat(&s, SLICE("deferral:")))
		return -1;
	if (s.n > 0 && !slice_eat_char(&s, ' '))
		return -1;
	if (slice_cut(&s, ' ', &text))
		e->sess = s;	/* each queue of indimail counts its deliveries */
	else
		text = s;
	if (e->kind == EV_DELIVERED)
		e->where = WHERE_LOCAL;	/* or elsewhere: "starting delivery" says it */
	report(text, e);
	return 1;
}
