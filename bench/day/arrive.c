/* arrive.c - mail that is taken: from outside, from users, from the machine itself, and its way
 * through a content filter and back. However many queue files that makes, it is one mail. */
#include <string.h>

#include "day.h"
#include "poison.h"

/* How a mail came: what its first lines say. */
struct entry {
	struct client client;
	const char *service;
	unsigned pid;
	bool sasl;
};

uint32_t
mail_size_draw(void)
{
	uint32_t size = 900 + below(9000);

	while (size < 20000000 && chance(3000))
		size *= 3;
	return size;
}

static void
draw_rcpts(struct mail *m, unsigned n, void (*draw)(char[ADDRESS]))
{
	m->n = n;
	for (unsigned i = 0; i < n; i++) {
		bool again;

		do {
			again = false;
			draw(m->rcpts[i].to);
			for (unsigned k = 0; k < i; k++)
				again |= strcmp(m->rcpts[k].to, m->rcpts[i].to) == 0;
		} while (again);
		m->rcpts[i].open = true;
	}
}

void
envelope_draw(struct mail *m, bool outbound)
{
	if (outbound)
		local_address(m->from);
	else if (!chance(200))
		remote_address(m->from);
	draw_rcpts(m, chance(8300) ? 1 : 2 + below(RCPT_MAX - 1),
	    outbound ? remote_address : local_address);
}

static void
draw_mail(struct mail *m, enum host h, int64_t t, bool outbound)
{
	*m = (struct mail){ .host = h, .who = h == MXC ? "postfix-in" : "postfix", .came_at = t,
		.size = mail_size_draw() };
	queue_id(h, t, m->id);
	message_id(m->mid);
	envelope_draw(m, outbound);
}

static void
cleanup_line(const struct mail *m, int64_t t)
{
	say(m->host, t, m->who, "cleanup", some_pid(), "%s: message-id=<%s>", m->id, m->mid);
}

/* The queue file that comes back from a filter: the same mail, a little longer. The line with
 * client= names the first queue file only if the filter tells where it has it from. */
static void
come_back(struct mail *part, const struct mail *m, const char *who, int64_t t,
    const char *origin, bool tells)
{
	unsigned pid = some_pid();

	part->who = who;
	part->came_at = t;
	part->size = m->size + 420;
	queue_id(m->host, t, part->id);
	say(m->host, t, who, "smtpd", pid, "connect from localhost[127.0.0.1]");
	if (tells)
		say(m->host, t, who, "smtpd", pid, "%s: client=localhost[127.0.0.1], "
		    "orig_queue_id=%s, orig_client=%s", part->id, m->id, origin);
	else
		say(m->host, t, who, "smtpd", pid, "%s: client=localhost[127.0.0.1]", part->id);
	cleanup_line(part, t);
	mail_queued(part, t);
	say(m->host, t, who, "smtpd", pid, "disconnect from localhost[127.0.0.1] ehlo=1 %smail=1 "
	    "rcpt=%u data=1 quit=1 commands=%u", tells ? "xforward=2 " : "", part->n, part->n + 4);
}

static void
hand_over(const struct mail *m, const struct mail *rcpts, int64_t t, const char *port,
    const char *dsn, const char *reply, enum figure what)
{
	char relay[60];

	snprintf(relay, sizeof relay, "127.0.0.1[127.0.0.1]:%s", port);
	for (unsigned i = 0; i < rcpts->n; i++)
		if (delivery_line(m, t, "smtp", rcpts->rcpts[i].to, relay, dsn, "sent", reply) >= 0 &&
		    what == F_discard)
			truth_add(m->host, F_discard, 1);
}

static void
amavis_line(const struct mail *m, int64_t t, const char *verdict, const char *origin,
    const char *queued_as)
{
	char to[RCPT_MAX * (ADDRESS + 4)], seq[16], mail_id[16];
	size_t n = 0;

	for (unsigned i = 0; i < m->n; i++)
		n += (size_t)snprintf(to + n, sizeof to - n, "%s<%s>", i > 0 ? "," : "",
		    m->rcpts[i].to);
	snprintf(seq, sizeof seq, "%05u-%02u", below(100000), 1 + below(20));
	token(mail_id, 12);
	say(m->host, t, NULL, "amavis", some_pid(), "(%s) %s, %s <%s> -> %s, Queue-ID: %s, "
	    "Message-ID: <%s>, mail_id: %s, Hits: %u.%03u, size: %u%s%s, %u ms", seq, verdict, origin,
	    m->from, to, m->id, m->mid, mail_id, below(30), below(1000), m->size,
	    queued_as[0] != '\0' ? ", queued_as: " : "", queued_as, 200 + below(6000));
}

/* Mail that amavis keeps: it says so to Postfix, which takes it for delivered. */
static bool
kept_by_amavis(const struct mail *m, int64_t t, const char *origin)
{
	static const struct {
		unsigned of_10000;
		enum figure what;
		const char *verdict, *reply;
	} kinds[] = {
		{ 1200, F_spam, "Blocked SPAM {DiscardedInbound,Quarantined}", "spam" },
		{ 80, F_virus, "Blocked INFECTED (Test.Malware.One) {DiscardedInbound,Quarantined}",
		    "INFECTED: Test.Malware.One" },
		{ 60, F_banned, "Blocked BANNED (.exe,offer.exe) {DiscardedInbound,Quarantined}",
		    "BANNED: .exe,offer.exe" },
	};
	char reply[100];
	unsigned x = below(10000);

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (x >= kinds[i].of_10000) {
			x -= kinds[i].of_10000;
			continue;
		}
		amavis_line(m, t, kinds[i].verdict, origin, "");
		truth_add(m->host, kinds[i].what, 1);
		snprintf(reply, sizeof reply, "250 2.7.0 Ok, discarded, id=%05u-%02u - %s",
		    below(100000), below(20), kinds[i].reply);
		hand_over(m, m, t, "10024", "2.7.0", reply, F_discard);
		mail_removed(m, t);
		return true;
	}
	return false;
}

/* Through amavis. A mail of several recipients may come back in two parts. */
static void
through_amavis(const struct mail *m, int64_t t, const struct client *c, bool inbound)
{
	struct mail part[2] = { *m, *m };
	char origin[160], client[160], queued_as[60], reply[160];
	unsigned parts = m->n > 1 && chance(1500) ? 2 : 1;
	bool tagged = inbound && chance(700);

	snprintf(client, sizeof client, "%s[%s]", c->name, c->ip);
	if (inbound)
		snprintf(origin, sizeof origin, "[%s]:%u [%s]", c->ip, 1024 + below(60000), c->ip);
	else
		snprintf(origin, sizeof origin, "LOCAL [%s]", c->ip);
	t += 300000 + below(4 * SECOND);
	if (t >= DAY_END || (inbound && kept_by_amavis(m, t, origin)))
		return;
	if (parts == 2) {
		part[0].n = 1;
		part[1].n = m->n - 1;
		memmove(part[1].rcpts, m->rcpts + 1, part[1].n * sizeof m->rcpts[0]);
	}
	for (unsigned i = 0; i < parts; i++)
		come_back(&part[i], m, m->who, t, client, true);
	snprintf(queued_as, sizeof queued_as, "%s%s%s", part[0].id, parts > 1 ? "/" : "",
	    parts > 1 ? part[1].id : "");
	amavis_line(m, t, tagged ? "Passed SPAMMY {RelayedTaggedInbound}" : inbound ?
	    "Passed CLEAN {RelayedInbound}" : "Passed CLEAN {RelayedOutbound}", origin, queued_as);
	if (tagged)
		truth_add(m->host, F_spam, 1);
	for (unsigned i = 0; i < parts; i++) {
		snprintf(reply, sizeof reply, "250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 "
		    "Ok: queued as %s", part[i].id);
		hand_over(m, &part[i], t, "10024", "2.0.0", reply, F_lines);
	}
	mail_removed(m, t);
	for (unsigned i = 0; i < parts; i++)
		mail_deliver(&part[i], t + 20000);
}

/* Through a filter that tells nothing, into the second instance. */
static void
through_plain_filter(const struct mail *m, int64_t t)
{
	struct mail back = *m;
	char reply[80];

	t += 100000 + below(SECOND);
	if (t >= DAY_END)
		return;
	come_back(&back, m, "postfix-out", t, "", false);
	snprintf(reply, sizeof reply, "250 2.0.0 Ok: queued as %s", back.id);
	hand_over(m, m, t, "10025", "2.0.0", reply, F_lines);
	mail_removed(m, t);
	mail_deliver(&back, t + 20000);
}

static void
through_filter(const struct mail *m, int64_t t, const struct client *c, bool inbound)
{
	if (m->host == MXC)
		through_plain_filter(m, t);
	else
		through_amavis(m, t, c, inbound);
}

static void
count_received(const struct mail *m)
{
	truth_add(m->host, F_recv_msg, 1);
	truth_add(m->host, F_recv_rcpt, m->n);
	truth_add(m->host, F_recv_bytes, m->size);
}

static void
goodbye(const struct mail *m, const struct entry *e, int64_t t)
{
	say(m->host, t, m->who, e->service, e->pid, "disconnect from %s[%s] ehlo=2 starttls=1 %smail=1 "
	    "rcpt=%u data=1 quit=1 commands=%u", e->client.name, e->client.ip,
	    e->sasl ? "auth=1 " : "", m->n, m->n + 6 + e->sasl);
}

/* A proxy filter looks at the mail before it is queued: the outer smtpd has no queue id. */
static void
mail_proxied(struct mail *m, int64_t t, const struct entry *e)
{
	unsigned inner = some_pid();

	say(m->host, t, m->who, "smtpd", e->pid, "NOQUEUE: client=%s[%s]", e->client.name,
	    e->client.ip);
	t += 400000 + below(SECOND);
	say(m->host, t, m->who, "10026/smtpd", inner, "connect from localhost[127.0.0.1]");
	say(m->host, t, m->who, "10026/smtpd", inner, "%s: client=localhost[127.0.0.1], "
	    "orig_client=%s[%s]", m->id, e->client.name, e->client.ip);
	cleanup_line(m, t);
	if (mail_queued(m, t))
		count_received(m);
	say(m->host, t, m->who, "10026/smtpd", inner, "disconnect from localhost[127.0.0.1] ehlo=1 "
	    "xforward=1 mail=1 rcpt=%u data=1 quit=1 commands=%u", m->n, m->n + 5);
	say(m->host, t, m->who, "smtpd", e->pid, "proxy-accept: END-OF-MESSAGE: 250 2.0.0 Ok: queued "
	    "as %s; from=<%s> to=<%s> proto=ESMTP helo=<mail.%s>", m->id, m->from, m->rcpts[0].to,
	    e->client.name);
	goodbye(m, e, t);
	mail_deliver(m, t);
}

void
mail_inbound(enum host h, int64_t t)
{
	struct mail m;
	struct entry e = { .service = "smtpd", .pid = some_pid() };

	client_draw(&e.client);
	t = screen_pass(h, t, &e.client);
	t = greet(h, t, h == MXC ? "postfix-in" : "postfix", e.service, e.pid, &e.client);
	draw_mail(&m, h, t, false);
	if (h == MXB && chance(2000)) {
		mail_proxied(&m, t, &e);
		return;
	}
	say(h, t, m.who, e.service, e.pid, "%s: client=%s[%s]", m.id, e.client.name, e.client.ip);
	t += 50000 + below(600000);
	cleanup_line(&m, t);
	if (mail_queued(&m, t))
		count_received(&m);
	goodbye(&m, &e, t + 30000);
	through_filter(&m, t, &e.client, true);
}

void
mail_submitted(enum host h, int64_t t)
{
	struct mail m;
	struct entry e = { .service = "submission/smtpd", .pid = some_pid(), .sasl = true };

	client_draw(&e.client);
	t = greet(h, t, h == MXC ? "postfix-in" : "postfix", e.service, e.pid, &e.client);
	draw_mail(&m, h, t, true);
	say(h, t, m.who, e.service, e.pid, "%s: client=%s[%s], sasl_method=PLAIN, sasl_username=%s",
	    m.id, e.client.name, e.client.ip, m.from);
	t += 50000 + below(600000);
	cleanup_line(&m, t);
	if (mail_queued(&m, t)) {
		count_received(&m);
		truth_add(h, F_auth_ok, 1);
		truth_add(h, F_auth_rcpt, m.n);
	}
	goodbye(&m, &e, t + 30000);
	through_filter(&m, t, &e.client, false);
}

/* Written by a program of the machine: with sendmail(1), or webmail over loopback. */
void
mail_local(enum host h, int64_t t)
{
	static const struct client ours = { "localhost", "127.0.0.1" };
	struct mail m;
	unsigned pid = some_pid();
	bool webmail = chance(4000), filtered = chance(5000);

	draw_mail(&m, h, t, chance(6000));
	if (!is_local(m.from))
		local_address(m.from);
	if (webmail)
		say(h, t, m.who, "smtpd", pid, "connect from localhost[127.0.0.1]");
	if (webmail)
		say(h, t, m.who, "smtpd", pid, "%s: client=localhost[127.0.0.1]", m.id);
	else
		say(h, t, m.who, "pickup", 690, "%s: uid=33 from=<%s>", m.id, m.from);
	cleanup_line(&m, t);
	if (mail_queued(&m, t + 10000)) {
		truth_add(h, F_recv_local, 1);
		truth_add(h, F_local_rcpt, m.n);
	}
	if (webmail)
		say(h, t + 10000, m.who, "smtpd", pid, "disconnect from localhost[127.0.0.1] ehlo=1 "
		    "mail=1 rcpt=%u data=1 quit=1 commands=%u", m.n, m.n + 4);
	if (filtered)
		through_filter(&m, t + 20000, &ours, false);
	else
		mail_deliver(&m, t + 20000);
}
