/* qmail_mail.c - how mail comes to qmail's queue: from outside, from users, from this machine.
 * Only a log with qlog tells from whom. */
#include <string.h>

#include "qmail.h"
#include "poison.h"

static void
draw_mail(struct mail *m, enum host h, bool outbound)
{
	*m = (struct mail){ .host = h, .size = mail_size_draw() };
	envelope_draw(m, outbound);
}

/* Into the queue, and what qlog says of it. */
static void
hand_over(struct qmail_session *s, const struct mail *m, int64_t t, enum qmail_origin origin)
{
	unsigned qp = qmail_enqueue(m, s->h == MXB ? origin : ORIGIN_UNTOLD, t);

	memcpy(s->from, m->from, ADDRESS);
	memcpy(s->to, m->rcpts[0].to, ADDRESS);
	if (s->h == MXB)
		qmail_qlog(s, t + below(500000), 250, "reason=queueaccept detail=", m->size, qp);
}

void
qmail_inbound(enum host h, int64_t t)
{
	struct qmail_session s = { .h = h };
	struct mail m;

	qmail_open(&s, h, t, 25);
	t += 200000 + below(900000);
	draw_mail(&m, h, false);
	for (unsigned i = 0; i < m.n && h != MXC; i++) {
		qmail_smtpd(h, t, "CHKUSER accepted rcpt: from <%s|remoteinfo/auth:|chkuser-identify:> "
		    "remote <helo:%s|remotehostname:%s|remotehostip:%s> rcpt <%s> : found existing "
		    "recipient", m.from, s.helo, s.client.name, s.client.ip, m.rcpts[i].to);
		if (h == MXA)
			say(h, t, NULL, "spamdyke", some_pid(), "ALLOWED from: %s to: %s origin_ip: %s "
			    "origin_rdns: (unknown) auth: (unknown) encryption: (none) reason: "
			    "250_ok_1793836800_qp_%u", m.from[0] != '\0' ? m.from : "(empty)",
			    m.rcpts[i].to, s.client.ip, some_pid());
		t += 20000 + below(30000);
	}
	if (h == MXB) {
		bool spam = chance(500);

		if (qmail_smtpd(h, t, "simscan:[%u]:%s/12.00):2.1403s:Hello:%s:%s:%s", some_pid(),
		    spam ? "PASSTHRU (14.20" : "CLEAN (0.10", s.client.ip, m.from, m.rcpts[0].to) && spam)
			truth_add(h, F_spam, 1);
	}
	hand_over(&s, &m, t + 20000, ORIGIN_UNTOLD);
	qmail_close(&s, t + 600000);
}

void
qmail_submitted(enum host h, int64_t t)
{
	struct qmail_session s = { .h = h };
	struct mail m;

	qmail_open(&s, h, t, h == MXB && chance(6000) ? 465 : 587);
	t += 200000 + below(900000);
	draw_mail(&m, h, true);
	if (say(h, t, NULL, "vpopmail", some_pid(), "vchkpw-submission: (PLAIN) login success %s:%s",
	    m.from, s.client.ip))
		truth_add(h, F_auth_ok, 1);
	s.user = m.from;
	t += 50000;
	if (h == MXA)
		say(h, t, NULL, "spamdyke", some_pid(), "ALLOWED_AUTHENTICATED from: %s to: %s "
		    "origin_ip: %s origin_rdns: (unknown) auth: %s encryption: TLS", m.from,
		    m.rcpts[0].to, s.client.ip, m.from);
	hand_over(&s, &m, t + 20000, ORIGIN_LOGIN);
	qmail_close(&s, t + 600000);
}

/* By qmail-inject or webmail; sometimes several within the same second, so that the number of
 * one that is delivered is that of the next. */
void
qmail_local(enum host h, int64_t t)
{
	struct qmail_session s = { .h = h, .client = { "localhost", "127.0.0.1" } };
	struct mail m;
	unsigned n = chance(3000) ? 3 + below(6) : 1;
	bool webmail = h == MXB && chance(5000);

	if (webmail)
		qmail_open(&s, h, t, 25);
	for (unsigned i = 0; i < n; i++) {
		draw_mail(&m, h, n == 1 && chance(6000));
		if (!is_local(m.from))
			local_address(m.from);
		t += 60000 + below(80000);
		if (webmail)
			hand_over(&s, &m, t, ORIGIN_LOOPBACK);
		else
			qmail_enqueue(&m, ORIGIN_UNTOLD, t);
	}
	if (webmail)
		qmail_close(&s, t + 600000);
}
