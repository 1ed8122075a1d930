/* qmail_plesk.c - what Plesk puts around qmail, each with a tag of its own.
 *
 *	relaylock: /var/qmail/bin/relaylock: mail from 203.0.113.9:4711 (h.example.net)
 *	smtp_auth: SMTP user anna@example.org : /var/qmail/mailnames/... logged in from h.example.net [203.0.113.9]
 *	smtp_auth: FAILED: anna - password incorrect from unknown@ [203.0.113.9]
 *	qmail-queue-handlers[77]: call_handlers: DEFER during call '/usr/local/psa/handlers/info/05-grey-x/executable' handler
 * relaylock stands before qmail-smtpd and sees each connection. The queue's handlers tell some ten
 * lines of each mail; the only ones that say what qmail does not are those of a handler that refused it:
 * which mail that was they do not say. Handlers of deliveries are left out: qmail-send tells how those end. */
#include "dialect/qmail.h"

#include "poison.h"

/* "... [203.0.113.9]" at the end of *s, with the blank before it. */
static bool
take_ip(struct slice *s, struct event *e)
{
	struct slice head, ip = *s;

	if (!slice_rcut_at(&ip, SLICE(" ["), &head) || ip.n == 0 || ip.p[ip.n - 1] != ']')
		return false;
	ip.n--;
	if (!scan_is_ip(ip))
		return false;
	scan_set_client(e, slice_head(ip, 0), ip);
	*s = head;
	return true;
}

/* "mail from 203.0.113.9:4711 (h.example.net)" */
int
qmail_relaylock(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_CONNECT);
	struct slice ip, port;
	uint64_t n;

	(void)slice_eat(&s, SLICE("/var/qmail/bin/relaylock: "));
	if (!slice_eat(&s, SLICE("mail from ")) || !slice_cut_at(&s, SLICE(" ("), &port) ||
	    !slice_ends(s, SLICE(")")) || !slice_rcut_at(&port, SLICE(":"), &ip) || !scan_is_ip(ip) ||
	    !slice_u64(&port, &n) || port.n > 0 || n > 65535)
		return -1;
	s.n--;
	scan_set_client(e, slice_eq(s, SLICE("not defined")) ? slice_head(s, 0) : s, ip);
	e->client_port = (uint16_t)n;
	return 1;
}

/* The name of one that failed is whatever a stranger typed: it is read from behind. */
int
qmail_smtp_auth(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_AUTH_OK);
	struct slice head, why;

	if (slice_starts(s, SLICE("SMTP connect from ")))
		return 0;
	if (!take_ip(&s, e))
		return -1;
	if (slice_eat(&s, SLICE("SMTP user ")))
		return slice_has(s, SLICE(" logged in from ")) &&
		    slice_cut_at(&s, SLICE(" : "), &e->sasl_user) ? 1 : -1;
	if (!slice_eat(&s, SLICE("FAILED: ")) || !slice_rcut_at(&s, SLICE(" from "), &head))
		return -1;
	why = head;
	if (!slice_rcut_at(&why, SLICE(" - "), &e->sasl_user))
		return -1;
	e->kind = EV_AUTH_FAIL;
	e->sub = slice_starts(why, SLICE("no such user")) ? SLICE("user") : SLICE("password");
	return 1;
}

/* What a handler's name has to do with. */
static enum reason
handler_reason(struct slice name, bool temporary)
{
	static const struct {
		struct slice word;
		enum reason cls;
	} words[] = {
		{ { "spf", 3 }, REASON_spf }, { { "spam", 4 }, REASON_spam_content },
		{ { "drweb", 5 }, REASON_virus }, { { "avir", 4 }, REASON_virus },
		{ { "dmarc", 5 }, REASON_dmarc }, { { "domain-keys", 11 }, REASON_dkim },
		{ { "dk_check", 8 }, REASON_dkim }, { { "quota", 5 }, REASON_mailbox_full },
		{ { "limit", 5 }, REASON_ratelimit },
	};

	if (slice_has(name, SLICE("grey")))
		return temporary ? REASON_greylist : REASON_policy;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (slice_has(name, words[i].word))
			return words[i].cls;
	return REASON_other;
}

int
qmail_queue_handlers(struct slice s, struct event *out)
{
	bool temporary;

	if (slice_starts(s, SLICE("possibly qmail-smtpd exited by timeout"))) {
		event_begin(out, EV_LOST_CONN)->stage = SLICE("DATA");
		return 1;
	}
	if (!slice_eat(&s, SLICE("call_handlers: ")))
		return 0;
	temporary = slice_eat(&s, SLICE("DEFER during call '"));
	if (!temporary && !slice_eat(&s, SLICE("REJECT during call '")))
		return 0;
	event_begin(out, temporary ? EV_TEMPFAIL : EV_REJECT)->stage = SLICE("END-OF-MESSAGE");
	if (!slice_cut(&s, '\'', &out->text))
		out->text = s;
	out->cls = handler_reason(out->text, temporary);
	return 1;
}
