/* dovecot_mail.c - lmtp, lda, imap, pop3, managesieve, submission: what was done with mail.
 *
 *	lmtp(bob)<1><s>: msgid=<1@example.net>: saved mail to INBOX
 *	lmtp(bob)<1><s>: sieve: msgid=<1@example.net>: stored mail into mailbox 'Lists'
 *	lmtp(bob): SESSION: msgid=<1@example.net>: saved mail to INBOX		before 2.3
 *	lda(bob): msgid=<1@example.net>: save failed to INBOX: Quota exceeded
 *	lmtp(1): Disconnect from local: Client has quit the connection (state=READY)
 *	imap(bob)<1><s>: Logged out in=50 out=874 deleted=0 ...
 *	submission(bob)<1><s>: Successfully relayed message: from=<a>, size=1, id=x, nrcpt=1, reply=`250 ..'
 * The MTA has counted each of these deliveries by the LMTP reply or the exit code, so they are
 * information. The text behind msgid= is Dovecot's unless deliver_log_format says otherwise. */
#include "dialect/dovecot.h"

#include "poison.h"

static const struct {
	const char *head, *sub;
} outcomes[] = {
	{ "saved mail to ", "saved" }, { "stored mail into mailbox ", "saved" },
	{ "save failed to ", "save_failed" }, { "failed to store into mailbox ", "save_failed" },
	{ "forwarded to ", "forwarded" }, { "redirected message to ", "forwarded" },
	{ "discarded duplicate ", "duplicate" }, { "discarding ", "discarded" },
	{ "Marked message to be discarded", "discarded" },
	{ "marked message to be discarded", "discarded" },
	{ "discarded", "discarded" }, { "rejected message from ", "rejected" }, { "Rejected", "rejected" },
	{ "not sending reject message to ", "rejected" }, { "Sending a rejection to ", "rejected" },
	{ "sent vacation response to ", "vacation" }, { "vacation", "vacation" },
	{ "discarded vacation", "vacation" }, { "discarding vacation", "vacation" },
	{ "sent notification", "notify" }, { "Local delivery failed", "save_failed" },
	{ "Temporarily failed", "save_failed" }, { "Permanently failed", "save_failed" },
	{ "Auto-submitted message discarded", "discarded" }, { "Return-Path missing", "rejected" },
	{ "Couldn't ", "save_failed" }, { "sieve: ", "sieve" }, { "execution of script ", "sieve" },
};

/* "msgid=<1@example.net>: saved mail to INBOX", with what sieve puts before it. */
static bool
delivery(struct slice s, struct event *e)
{
	struct slice head;

	/* before 2.3 the session's id comes first */
	if (!slice_starts(s, SLICE("msgid=")) && !slice_starts(s, SLICE("sieve: "))) {
		size_t n = slice_until(s, ':', ' ');

		if (n < 8 || !slice_starts(slice_from(s, n), SLICE(": ")))
			return false;
		s = slice_from(s, n + 2);
	}
	(void)slice_eat(&s, SLICE("sieve: "));
	if (!slice_eat(&s, SLICE("msgid=")))
		return false;
	if (slice_starts(s, SLICE("<")) && slice_cut_at(&s, SLICE(">: "), &head))
		e->mid = (struct slice){ head.p, head.n + 1 };
	else if (!slice_cut_at(&s, SLICE(": "), &e->mid))
		return false;
	(void)slice_eat(&s, SLICE("sieve: "));
	e->text = s;
	if (slice_cut(&s, ' ', &head) && !slice_eat(&s, SLICE("action: ")))	/* 2.4: "fileinto action: " */
		s = e->text;
	for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++)
		if (s.n > 0 && s.p[0] == outcomes[i].head[0] && slice_starts(s, slice_of(outcomes[i].head))) {
			e->sub = slice_of(outcomes[i].sub);
			break;
		}
	if (slice_eq(e->sub, SLICE("save_failed")))
		e->cls = slice_has(s, SLICE("uota exceeded")) ? REASON_mailbox_full : REASON_other;
	return true;
}

/* "<session>: Sent message to <bob@example.org> at 192.0.2.9:24: 250 2.0.0 OK (1/1 at 5 ms)" */
static bool
proxied(struct slice s, struct event *e)
{
	struct slice head;
	uint64_t n;

	if (slice_starts(s, SLICE("<")) && !slice_cut_at(&s, SLICE(">: "), &head))
		return false;
	if (!slice_eat(&s, SLICE("Sent message to ")) &&
	    !slice_eat(&s, SLICE("Failed to send message to ")))
		return false;
	e->sub = SLICE("proxy");
	if (scan_address(&s, &e->to) && slice_eat(&s, SLICE(" at ")) &&
	    slice_cut_at(&s, SLICE(": "), &head)) {
		struct slice port = head;

		if (slice_rcut_at(&port, SLICE(":"), &e->relay) && scan_is_ip(e->relay))
			e->relay_ip = e->relay;
		if (slice_u64(&port, &n) && port.n == 0 && n <= 65535)
			e->relay_port = (uint16_t)n;
	}
	e->text = s;
	return true;
}

static bool
is_session(struct slice s)
{
	static const char *const heads[] = {
		"Connect from ", "Disconnect from ", "Disconnected", "Connection closed", "Logged out",
		"Disconnecting", "Server shutting down", "Killed", "Client has quit", "Remote closed",
	};

	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
		if (s.n > 0 && s.p[0] == heads[i][0] && slice_starts(s, slice_of(heads[i])))
			return true;
	return false;
}

int
dv_mail(const struct dv_line *d, struct event *out)
{
	struct event *e = dv_event(out, EV_INFO, d, slice_head(d->text, 0));
	struct slice s = d->text, pid = d->user;
	uint64_t n;

	e->text = s;
	if (!slice_u64(&pid, &n))
		e->to = d->user;
	else if (slice_eat(&pid, SLICE(", ")))
		e->to = pid;	/* "lmtp(4711, bob)"; a number alone is the process, and no user yet */
	if (is_session(s)) {
		e->sub = SLICE("session");
		return 1;
	}
	if (delivery(s, e) || proxied(s, e))
		return 1;
	if (slice_starts(s, SLICE("Successfully relayed message: "))) {
		e->sub = SLICE("relayed");
		return 1;
	}
	if (slice_starts(s, SLICE("Failed to relay message: "))) {
		e->sub = SLICE("relay_failed");
		return 1;
	}
	/* what else they tell of mailboxes and commands (plugins: mail_log, notify, sieve) */
	e->sub = d->service;
	return 1;
}
