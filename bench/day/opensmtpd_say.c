/* opensmtpd_say.c - OpenSMTPD's lines in the words of three releases: see opensmtpd.h. */
#include <string.h>

#include "opensmtpd.h"
#include "poison.h"

void
os_id(char out[SESSION])
{
	snprintf(out, SESSION, "%08x%04x%04x", below(UINT32_MAX), below(65536), below(65536));
}

void
os_begin(struct os_session *s, enum host h)
{
	s->h = h;
	client_draw(&s->client);
	os_id(s->id);
}

static bool
is_v6(const char *ip)
{
	return strchr(ip, ':') != NULL;
}

static const char *
name_of(const struct client *c)
{
	return strcmp(c->name, "unknown") == 0 ? "<unknown>" : c->name;
}

/* "[2001:db8::1]" */
static void
address_of(const struct client *c, char out[ADDRESS])
{
	snprintf(out, ADDRESS, is_v6(c->ip) ? "[%s]" : "%s", c->ip);
}

/* "address=A host=H " of 6.2 */
static void
peer_of(const struct os_session *s, char *out, size_t size)
{
	char address[ADDRESS];

	address_of(&s->client, address);
	snprintf(out, size, "address=%s host=%s", address, name_of(&s->client));
}

bool
os_connect(const struct os_session *s, int64_t t)
{
	char peer[300];

	if (s->h == MXC)
		return say(s->h, t, NULL, "smtpd", OS_PID, "smtp-in: New session %s from host %s [%s%s]",
		    s->id, name_of(&s->client), is_v6(s->client.ip) ? "IPv6:" : "", s->client.ip);
	peer_of(s, peer, sizeof peer);
	return say(s->h, t, NULL, "smtpd", OS_PID, "%s smtp %sconnected %s", s->id,
	    s->h == MXB ? "event=" : "", peer);
}

bool
os_starttls(const struct os_session *s, int64_t t)
{
	char peer[300];

	if (s->h == MXA)
		return say(s->h, t, NULL, "smtpd", OS_PID, "%s smtp tls "
		    "ciphers=TLSv1.3:TLS_AES_256_GCM_SHA384:256", s->id);
	if (s->h == MXC)
		return say(s->h, t, NULL, "smtpd", OS_PID, "smtp-in: Started TLS on session %s: "
		    "version=TLSv1.2, cipher=ECDHE-RSA-AES256-GCM-SHA384, bits=256", s->id);
	peer_of(s, peer, sizeof peer);
	return say(s->h, t, NULL, "smtpd", OS_PID, "%s smtp event=starttls %s ciphers=\"version=TLSv1.2"
	    ", cipher=ECDHE-RSA-AES256-GCM-SHA384, bits=256\"", s->id, peer);
}

bool
os_login(const struct os_session *s, int64_t t, const char *user, const char *result)
{
	char peer[300];

	if (s->h == MXA)
		return say(s->h, t, NULL, "smtpd", OS_PID, "%s smtp authentication user=%s result=%s",
		    s->id, user, result);
	if (s->h == MXC)
		return say(s->h, t, NULL, "smtpd", OS_PID, "smtp-in: %s for user %s on session %s",
		    result[0] == 'o' ? "Accepted authentication" : "Authentication failed", user,
		    s->id);
	peer_of(s, peer, sizeof peer);
	return say(s->h, t, NULL, "smtpd", OS_PID, "%s smtp event=authentication user=%s %s result=%s",
	    s->id, user, peer, result);
}

bool
os_refuse(const struct os_session *s, int64_t t, const char *command, const char *reply)
{
	char peer[300];

	if (s->h == MXA)
		return say(s->h, t, NULL, "smtpd", OS_PID, "%s smtp failed-command command=\"%s\" "
		    "result=\"%s\"", s->id, command, reply);
	if (s->h == MXC)
		return say(s->h, t, NULL, "smtpd", OS_PID, "smtp-in: Failed command on session %s: "
		    "\"%s\" => %s", s->id, command, reply);
	peer_of(s, peer, sizeof peer);
	return say(s->h, t, NULL, "smtpd", OS_PID, "%s smtp event=failed-command %s command=\"%s\" "
	    "result=\"%s\"", s->id, peer, command, reply);
}

static bool
close_in_sentences(const struct os_session *s, int64_t t, const char *how)
{
	if (strcmp(how, "quit") == 0)
		return say(s->h, t, NULL, "smtpd", OS_PID, "smtp-in: Closing session %s", s->id);
	if (strcmp(how, "disconnect") == 0)
		return say(s->h, t, NULL, "smtpd", OS_PID, "smtp-in: Received disconnect from session "
		    "%s", s->id);
	return say(s->h, t, NULL, "smtpd", OS_PID, "smtp-in: Disconnecting session %s: %s%s", s->id,
	    strcmp(how, "timeout") == 0 ? "session timeout" : "IO error: ",
	    strncmp(how, "io-error: ", 10) == 0 ? how + 10 : "");
}

bool
os_close(const struct os_session *s, int64_t t, const char *how)
{
	const char *quote = strchr(how, ' ') != NULL ? "\"" : "";
	char peer[300];

	if (s->h == MXC)
		return close_in_sentences(s, t, how);
	if (s->h == MXA)
		return say(s->h, t, NULL, "smtpd", OS_PID, "%s smtp disconnected reason=%s%s%s", s->id,
		    quote, how, quote);
	peer_of(s, peer, sizeof peer);
	return say(s->h, t, NULL, "smtpd", OS_PID, "%s smtp event=closed %s reason=%s%s%s", s->id, peer,
	    quote, how, quote);
}

/* One line of the message and one for each recipient; before 6.4 the latter alone. */
bool
os_accept(const struct os_session *s, int64_t t, const struct os_mail *o)
{
	const struct mail *m = &o->m;
	char peer[300];
	bool said = true;

	peer_of(s, peer, sizeof peer);
	if (s->h == MXA)
		said = say(s->h, t, NULL, "smtpd", OS_PID, "%s smtp message msgid=%s size=%u nrcpt=%u "
		    "proto=ESMTP", s->id, m->id, m->size, m->n);
	for (unsigned i = 0; i < m->n; i++) {
		const char *to = m->rcpts[i].to;

		if (s->h == MXA)
			say(s->h, t, NULL, "smtpd", OS_PID, "%s smtp envelope evpid=%s%08x from=<%s> "
			    "to=<%s>", s->id, m->id, o->envelope[i], m->from, to);
		else if (s->h == MXB)
			said = say(s->h, t, NULL, "smtpd", OS_PID, "%s smtp event=message %s msgid=%s "
			    "from=<%s> to=<%s> size=%u ndest=1 proto=ESMTP", s->id, peer, m->id,
			    m->from, to, m->size);
		else
			said = say(s->h, t, NULL, "smtpd", OS_PID, "smtp-in: Accepted message %s on "
			    "session %s: from=<%s>, to=<%s>, size=%u, ndest=1, proto=ESMTP", m->id, s->id,
			    m->from, to, m->size);
	}
	return said;
}

/* "1h2m3s" */
static void
print_delay(char *out, size_t size, int64_t s)
{
	size_t n = 0;

	if (s >= 3600)
		n += (size_t)snprintf(out, size, "%lldh", (long long)(s / 3600));
	if (s >= 60)
		n += (size_t)snprintf(out + n, size - n, "%lldm", (long long)(s / 60 % 60));
	snprintf(out + n, size - n, "%llds", (long long)(s % 60));
}

int64_t
os_outcome(const struct os_mail *o, unsigned rcpt, int64_t t, const struct os_end *e)
{
	const struct mail *m = &o->m;
	const char *to = m->rcpts[rcpt].to, *event = m->host == MXB ? "event=" : "";
	int64_t delay = t / SECOND - m->came_at / SECOND;
	char text[32], session[SESSION], user[ADDRESS], relay[200];
	bool said;

	print_delay(text, sizeof text, delay);
	os_id(session);
	snprintf(user, sizeof user, "%.*s", (int)strcspn(to, "@"), to);
	if (e->relay != NULL)
		snprintf(relay, sizeof relay, e->relay_ip != NULL ? "%s (%s)" : "%.0s%s",
		    e->relay_ip != NULL ? e->relay_ip : "", e->relay);
	if (m->host == MXC && e->relay == NULL)
		said = say(m->host, t, NULL, "smtpd", OS_PID, "delivery: %s for %s%08x: from=<%s>, "
		    "to=<%s>, user=%s, method=maildir, delay=%s, stat=%s", e->result, m->id,
		    o->envelope[rcpt], m->from, to, user, text, e->stat);
	else if (m->host == MXC)
		said = say(m->host, t, NULL, "smtpd", OS_PID, "relay: %s for %s%08x: session=%s, "
		    "from=<%s>, to=<%s>, rcpt=<->, source=192.0.2.13, relay=%s, delay=%s, stat=%s",
		    e->result, m->id, o->envelope[rcpt], session, m->from, to, relay, text, e->stat);
	else if (e->relay == NULL)
		said = say(m->host, t, NULL, "smtpd", OS_PID, "%s mda %sdelivery evpid=%s%08x from=<%s> "
		    "to=<%s> rcpt=<%s> user=%s%s delay=%s result=%s stat=%s", session, event, m->id,
		    o->envelope[rcpt], m->from, to, to, user, m->host == MXB ? " method=mbox" : "",
		    text, e->result, e->stat);
	else
		said = say(m->host, t, NULL, "smtpd", OS_PID, "%s mta %sdelivery evpid=%s%08x from=<%s> "
		    "to=<%s> rcpt=<-> source=\"%s\" relay=\"%s\" delay=%s result=\"%s\" stat=\"%s\"",
		    session, event, m->id, o->envelope[rcpt], m->from, to,
		    e->relay_ip != NULL ? "192.0.2.11" : "-", relay, text, e->result, e->stat);
	return said ? delay : -1;
}

bool
os_outbound_tls(const struct os_mail *o, int64_t t, const char *ip, const char *name)
{
	enum host h = o->m.host;
	char session[SESSION];

	os_id(session);
	if (h == MXC) {
		say(h, t, NULL, "smtpd", OS_PID, "smtp-out: Connecting to tls://%s:25 (%s) on session "
		    "%s...", ip, name, session);
		return say(h, t, NULL, "smtpd", OS_PID, "smtp-out: Started TLS on session %s: "
		    "version=TLSv1.2, cipher=ECDHE-RSA-AES256-GCM-SHA384, bits=256", session);
	}
	say(h, t, NULL, "smtpd", OS_PID, "%s mta %sconnecting address=smtp://%s:25 host=%s", session,
	    h == MXB ? "event=" : "", ip, name);
	return say(h, t, NULL, "smtpd", OS_PID, "%s mta %s", session, h == MXB ?
	    "event=starttls ciphers=version=TLSv1.2, cipher=ECDHE-RSA-AES256-GCM-SHA384, bits=256" :
	    "tls ciphers=TLSv1.3:TLS_AES_256_GCM_SHA384:256");
}

bool
os_given_up(const struct os_mail *o, unsigned rcpt, int64_t t, const char *verb)
{
	const struct mail *m = &o->m;
	const char *to = m->rcpts[rcpt].to;
	char delay[32];

	print_delay(delay, sizeof delay, t / SECOND - m->came_at / SECOND);
	return say(m->host, t, NULL, "smtpd", OS_PID, "%s: %s for %s%08x: from=<%s>, to=<%s>, rcpt=<->, "
	    "delay=%s, stat=%s", is_local(to) ? "delivery" : "relay", verb, m->id, o->envelope[rcpt],
	    m->from[0] != '\0' ? m->from : "@", to, delay,
	    verb[0] == 'E' ? "Envelope expired" : "Removed by administrator");
}
