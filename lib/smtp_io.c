/* smtp_io.c - bytes in and out of a dialogue, its clock, and its end. See smtp.h. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"
#include "plural.h"
#include "quantity.h"
#include "smtp_priv.h"

#include "poison.h"

enum {
	CHUNK = 16384,
	CHUNKS = 16,		/* at once of one server: more than a reply may have */
	OUT_ROOM = 1 << 16,
	TALK_MAX = 1 << 16,
	SUBMISSIONS = 465	/* RFC 8314 */
};
/* How long a server may take to say good-bye to somebody who leaves early. */
static const double leave_s = 1;

/* --- time, transcript, end -------------------------------------------------------------- */

void
smtp_account(struct smtp *s, enum smtp_phase phase, double now)
{
	if (isnan(s->phase_s[phase]))
		s->phase_s[phase] = 0;
	s->phase_s[phase] += now - s->mark;
	s->mark = now;
}

void
smtp_note(struct smtp *s, char mark, struct slice line, double now)
{
	if (!s->plan->transcript)
		return;
	buf_fmt(&s->talk, "%.3f %c ", now - s->begun, mark);
	buf_add(&s->talk, slice_head(line, SMTP_TEXT));
	buf_char(&s->talk, '\n');
}

static void
finish(struct smtp *s, double now)
{
	double dns_s = isnan(s->phase_s[SMTP_DNS]) ? 0 : s->phase_s[SMTP_DNS];

	s->phase_s[SMTP_TOTAL] = dns_s + now - s->begun;
	tlsclient_free(s->tls);
	s->tls = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->state = SMTP_DONE;
}

void
smtp_done(struct smtp *s, double now)
{
	s->verdict = SMTP_WELL;
	finish(s, now);
}

static void __attribute__((format(printf, 4, 0)))
blame(struct smtp *s, enum smtp_verdict v, enum smtp_phase phase, const char *fmt, va_list ap)
{
	int n = snprintf(s->sentence, sizeof s->sentence, "%s: ", smtp_phase_name[phase]);

	(void)vsnprintf(s->sentence + n, sizeof s->sentence - (size_t)n, fmt, ap);
	s->verdict = v;
	s->phase = phase;
}

void
smtp_fail(struct smtp *s, enum smtp_verdict v, enum smtp_phase phase, double now,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	blame(s, v, phase, fmt, ap);
	va_end(ap);
	finish(s, now);
}

void
smtp_leave(struct smtp *s, enum smtp_verdict v, enum smtp_phase phase, double now,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	blame(s, v, phase, fmt, ap);
	va_end(ap);
	if (s->out_done < s->out.n) {	/* half a message is on its way */
		finish(s, now);
		return;
	}
	buf_str(&s->out, "QUIT\r\n");
	smtp_note(s, '>', SLICE("QUIT"), now);
	s->await[s->awaits++] = AWAIT_QUIT;
	smtp_reply_clear(&s->reply);
	s->state = SMTP_LEAVING;
	s->leave_until = now + leave_s;
	smtp_flush(s, now);
}

static enum smtp_phase
phase_now(const struct smtp *s)
{
	switch (s->state) {
	case SMTP_NEW:
	case SMTP_CONNECTING: return SMTP_CONNECT;
	case SMTP_HANDSHAKE: return SMTP_STARTTLS;
	default: break;
	}
	if (s->body_on_way)
		return SMTP_DATA;
	return s->awaits > 0 ? smtp_await_row[s->await[0]].phase : s->phase;
}

/* "the first 7 bytes of a reply: "220 mx1"", empty where none came. */
static const char *
half(const struct smtp *s, struct buf *b)
{
	if (s->reply.bytes > 0) {
		buf_fmt(b, ", after %zu %s of a reply", s->reply.bytes, PLURAL(s->reply.bytes, "byte", "bytes"));
		if (s->reply.code > 0)
			buf_fmt(b, " %d", s->reply.code);
		if (s->reply.line.n > 0) {
			buf_str(b, " that ends in \"");
			buf_clean(b, buf_slice(&s->reply.line), 80);
			buf_char(b, '"');
		}
	}
	return b->n > 0 ? b->p : "";
}

/* What a server waits for that says nothing. */
static const char *
hint(const struct smtp *s)
{
	return s->state == SMTP_TALKING && s->await[0] == AWAIT_BANNER && s->tls == NULL && s->reply.bytes == 0 &&
	    net_addr_port(&s->addr[s->addr_at]) == SUBMISSIONS ? ": this port speaks TLS from the start (--tls)" : "";
}

/* The time is up. */
static void
expire(struct smtp *s, double now)
{
	enum smtp_phase phase = phase_now(s);
	struct buf span = buf_new(64), piece = buf_new(300);

	quantity_people(&span, now - s->mark, "s");
	smtp_account(s, phase, now);
	if (phase == SMTP_CONNECT)
		smtp_fail(s, SMTP_BROKEN, phase, now, "no answer within %s", span.p);
	else if (s->state == SMTP_HANDSHAKE)
		smtp_fail(s, SMTP_BROKEN, phase, now, "no end of the TLS handshake within %s", span.p);
	else if (s->body_on_way)
		smtp_fail(s, SMTP_BROKEN, phase, now, "the server did not take the message within %s",
		    span.p);
	else
		smtp_fail(s, SMTP_BROKEN, phase, now, "no whole reply within %s%s%s", span.p,
		    half(s, &piece), hint(s));
	buf_free(&span);
	buf_free(&piece);
}

static void
closed(struct smtp *s, double now, const char *how)
{
	enum smtp_phase phase = phase_now(s);
	struct buf piece = buf_new(300);

	if (s->state == SMTP_LEAVING) {
		finish(s, now);
		return;
	}
	smtp_account(s, phase, now);
	if (phase == SMTP_QUIT && s->reply.bytes == 0 && s->await[0] == AWAIT_QUIT)
		smtp_done(s, now);	/* some do not say good-bye */
	else
		smtp_fail(s, SMTP_BROKEN, phase, now, "%s%s", how, half(s, &piece));
	buf_free(&piece);
}

/* --- out and in --------------------------------------------------------------------------- */

enum moved { MOVED, LATER, CLOSED, FAILED };

static enum moved
moved_tls(struct smtp *s, enum tlsclient_answer a)
{
	s->wants = (short)(a == TLSCLIENT_WANT_WRITE ? POLLOUT : POLLIN);
	if (a == TLSCLIENT_DONE)
		return MOVED;
	return a == TLSCLIENT_CLOSED ? CLOSED : a == TLSCLIENT_FAILED ? FAILED : LATER;
}

static enum moved
moved_plain(ssize_t n, struct err *e)
{
	if (n > 0)
		return MOVED;
	if (n == 0)
		return CLOSED;
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
		return LATER;
	err_set(e, "%s", strerror(errno));
	return FAILED;
}

static enum moved
write_some(struct smtp *s, size_t *n, struct err *e)
{
	struct slice left = slice_from(buf_slice(&s->out), s->out_done);
	ssize_t got;

	if (s->tls != NULL)
		return moved_tls(s, tlsclient_write(s->tls, left, n, e));
	got = send(s->fd, left.p, left.n, MSG_NOSIGNAL);
	*n = got > 0 ? (size_t)got : 0;
	return moved_plain(got, e);
}

static enum moved
read_some(struct smtp *s, char *to, size_t room, size_t *n, struct err *e)
{
	ssize_t got;

	if (s->tls != NULL)
		return moved_tls(s, tlsclient_read(s->tls, to, room, n, e));
	got = recv(s->fd, to, room, 0);
	*n = got > 0 ? (size_t)got : 0;
	return moved_plain(got, e);
}

void
smtp_flush(struct smtp *s, double now)
{
	struct err e = { "" };

	while (s->out_done < s->out.n) {
		size_t n = 0;
		enum moved m = write_some(s, &n, &e);

		/* what a server said before it closed is worth more than "broken pipe" */
		if (m == LATER || m == CLOSED || m == FAILED)
			return;
		s->out_done += n;
	}
	buf_clear(&s->out);
	s->out_done = 0;
	if (s->body_on_way) {
		s->body_on_way = false;
		smtp_account(s, SMTP_DATA, now);
	}
}

/* While leaving: is that the good-bye? */
static void
take_leave(struct smtp *s, struct slice in, double now)
{
	const char *why;

	while (in.n > 0 && s->state == SMTP_LEAVING) {
		enum smtp_reply_answer a = smtp_reply_take(&s->reply, &in, &why);

		if (a == SMTP_REPLY_MORE)
			return;
		smtp_note(s, '<', buf_slice(&s->reply.text), now);
		if (a == SMTP_REPLY_BAD || --s->awaits == 0 || s->reply.code == 221) {
			finish(s, now);
			return;
		}
		smtp_reply_clear(&s->reply);
	}
}

static void
note_reply(struct smtp *s, double now)
{
	struct slice text = buf_slice(&s->reply.text), line;
	struct buf b = buf_new(SMTP_TEXT);
	bool more = true;

	while (more && s->plan->transcript) {
		more = slice_cut(&text, '\n', &line);
		buf_clear(&b);
		buf_fmt(&b, "%d%c", s->reply.code, more ? '-' : ' ');
		buf_add(&b, slice_head(more ? line : text, SMTP_TEXT - 8));
		smtp_note(s, '<', buf_slice(&b), now);
	}
	buf_free(&b);
}

static void
take(struct smtp *s, struct slice in, double now)
{
	const char *why = "";

	while (in.n > 0 && s->state == SMTP_TALKING) {
		enum smtp_reply_answer a;

		if (s->awaits == 0) {	/* smtp_replied() sees to what comes with a reply */
			smtp_fail(s, SMTP_BROKEN, s->phase, now, "the server talks without being asked");
			return;
		}
		a = smtp_reply_take(&s->reply, &in, &why);
		if (a == SMTP_REPLY_BAD) {
			struct buf b = buf_new(300);
			enum smtp_phase phase = phase_now(s);

			buf_clean(&b, smtp_reply_trim(s->reply.line.n > 0 ? buf_slice(&s->reply.line) :
			    buf_slice(&s->reply.text)), 100);
			smtp_account(s, phase, now);
			smtp_fail(s, SMTP_BROKEN, phase, now, "%s: \"%s\"", why, b.n > 0 ? b.p : "");
			buf_free(&b);
			return;
		}
		if (a == SMTP_REPLY_WHOLE) {
			note_reply(s, now);
			smtp_replied(s, in, now);
			if (s->state == SMTP_TALKING)
				continue;
		}
		break;
	}
	if (s->state == SMTP_LEAVING)
		take_leave(s, in, now);
}

static void
receive(struct smtp *s, double now)
{
	char chunk[CHUNK];

	for (int i = 0; i < CHUNKS; i++) {
		struct err e = { "" };
		size_t n = 0;
		enum moved m;

		if (s->state != SMTP_TALKING && s->state != SMTP_LEAVING)
			return;
		m = read_some(s, chunk, sizeof chunk, &n, &e);
		if (m == LATER)
			return;
		if (m == MOVED && s->state == SMTP_LEAVING)
			take_leave(s, (struct slice){ chunk, n }, now);
		else if (m == MOVED)
			take(s, (struct slice){ chunk, n }, now);
		else
			closed(s, now, m == CLOSED ? "the server closed the connection" : e.text);
		now = clock_now();	/* what is read next came while this was looked at */
	}
	if (s->state == SMTP_LEAVING)
		finish(s, now);
}

/* --- connecting --------------------------------------------------------------------------- */

/* Say to the transcript and to the details that this address was tried in vain. */
static void
tried_in_vain(struct smtp *s, const char *why)
{
	struct buf b = buf_new(SMTP_TEXT);
	size_t n = strlen(s->unreached);

	smtp_address(s, &b);
	(void)snprintf(s->unreached + n, sizeof s->unreached - n, "%s%s: %s", n > 0 ? "; " : "", b.p,
	    why);
	buf_free(&b);
}

/* Begin with the address that it is at, or, after an error with that, with the next; or that
 * is it. */
static void
connect_on(struct smtp *s, int error, double now)
{
	for (;;) {
		size_t left = s->addrs - s->addr_at;

		s->state = SMTP_CONNECTING;
		/* a silent address must leave time for the others */
		s->attempt_until = left > 1 ? now + (s->deadline - now) / (left > 2 ? 3 : 2) :
		    s->deadline;
		if (error == 0)
			error = net_connect(&s->addr[s->addr_at], s->plan->source, &s->fd);
		if (error == 0)
			return;
		if (s->fd >= 0)
			close(s->fd);
		s->fd = -1;
		if (left <= 1 || now >= s->deadline)
			break;
		tried_in_vain(s, strerror(error));
		s->peer_failed = s->peer_failed || !net_error_is_ours(error);
		s->addr_at++;
		s->mark = now;
		error = 0;
	}
	smtp_account(s, SMTP_CONNECT, now);
	smtp_fail(s, net_error_is_ours(error) && !s->peer_failed ? SMTP_OURS : SMTP_BROKEN,
	    SMTP_CONNECT, now, "%s%s%s%s", strerror(error), s->unreached[0] != '\0' ? " (" : "",
	    s->unreached, s->unreached[0] != '\0' ? ")" : "");
}

/* The header is shorter than any socket's buffer. */
static bool
say_proxy(struct smtp *s, double now)
{
	struct net_addr own;
	const struct net_addr *client = s->plan->proxy_client;
	struct buf b = buf_new(200);
	struct err e = { "" };
	bool good;

	if (client == NULL && net_own(s->fd, &own))
		client = &own;
	good = net_proxy_header(&b, s->plan->proxy, client, &s->addr[s->addr_at], &e);
	if (good && send(s->fd, b.p, b.n, MSG_NOSIGNAL) != (ssize_t)b.n)
		good = err_set(&e, "the PROXY header was not taken");
	buf_free(&b);
	if (!good)
		smtp_fail(s, SMTP_OURS, SMTP_CONNECT, now, "%s", e.text);
	return good;
}

/* first: nobody has waited for the server yet, so that its answer came, if at all, while we worked. */
static void
handshake(struct smtp *s, bool first, double now)
{
	struct err e = { "" };
	enum moved m = moved_tls(s, tlsclient_handshake(s->tls, &e));

	if (m == LATER)
		return;
	if (first)
		now = clock_now();
	smtp_account(s, SMTP_STARTTLS, now);
	if (m == MOVED) {
		s->state = SMTP_TALKING;
		smtp_secured(s, now);
	} else {
		smtp_fail(s, SMTP_BROKEN, SMTP_STARTTLS, now, "TLS handshake: %s%s", m == CLOSED ?
		    "the server closed the connection" : e.text, strstr(e.text, "wrong version number") != NULL ?
		    ": what it says is no TLS" : "");
	}
}

bool
smtp_tls_ready(struct smtp *s, double *now)
{
	struct err e = { "" };
	double before = clock_now(), waited;
	bool good = tlsclient_context_ready(s->plan->context, &e);

	waited = clock_now() - before;
	*now += waited;
	s->begun += waited;
	s->mark += waited;
	if (!good)
		smtp_fail(s, SMTP_OURS, SMTP_STARTTLS, *now, "%s", e.text);
	return good;
}

void
smtp_begin_tls(struct smtp *s, double now)
{
	struct err e = { "" };

	if (!smtp_tls_ready(s, &now))
		return;
	s->tls = tlsclient_new(s->plan->context, s->fd, s->host, &e);
	s->phase = SMTP_STARTTLS;
	if (s->tls == NULL) {
		smtp_fail(s, SMTP_OURS, SMTP_STARTTLS, now, "%s", e.text);
		return;
	}
	if (s->pins > 0 && tlsclient_pin(s->tls, s->host, s->pin, s->pins) == 0) {
		smtp_fail(s, SMTP_BROKEN, SMTP_STARTTLS, now, "%s",
		    PLURAL(s->pins, "the TLSA record cannot be used", "none of the TLSA records can be used"));
		return;
	}
	s->state = SMTP_HANDSHAKE;
	handshake(s, true, now);
}

static void
connecting(struct smtp *s, short revents, double now)
{
	int error = revents != 0 ? net_connected(s->fd) : ETIMEDOUT;

	if (error != 0) {
		connect_on(s, error, now);
		return;
	}
	smtp_account(s, SMTP_CONNECT, now);
	s->state = SMTP_TALKING;
	s->phase = SMTP_CONNECT;
	if (s->plan->proxy == 0 || say_proxy(s, now))
		smtp_connected(s, now);
}

/* --- for the loop -------------------------------------------------------------------------- */

void
smtp_start(struct smtp *s, const struct smtp_plan *plan, const char *host,
    const struct net_addr *addr, size_t addrs, double dns_s, double deadline)
{
	*s = (struct smtp){ .plan = plan, .host = host, .addr = addr, .addrs = addrs, .fd = -1,
		.owner = s->owner, .pin = s->pin, .pins = s->pins, .deadline = deadline,
		.out = buf_new(plan->message.padding * 2 + OUT_ROOM), .reply = smtp_reply_new(),
		.extensions = buf_new(SMTP_REPLY_MAX), .talk = buf_new(TALK_MAX) };
	for (int i = 0; i < SMTP_PHASES; i++)
		s->phase_s[i] = (double)NAN;
	s->phase_s[SMTP_DNS] = dns_s;
	s->begun = s->mark = clock_now();
	s->phase = SMTP_CONNECT;
	connect_on(s, 0, s->begun);
}

void
smtp_end(struct smtp *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	tlsclient_free(s->tls);
	s->tls = NULL;
	buf_free(&s->out);
	smtp_reply_free(&s->reply);
	buf_free(&s->extensions);
	buf_free(&s->talk);
	sasl_free(&s->sasl);
}

bool
smtp_wants(const struct smtp *s, struct pollfd *fd, double *until)
{
	bool pending = s->out_done < s->out.n;

	if (s->state == SMTP_NEW || s->state == SMTP_DONE)
		return false;
	*until = s->deadline;
	if (s->state == SMTP_CONNECTING && s->attempt_until < *until)
		*until = s->attempt_until;
	if (s->state == SMTP_LEAVING && s->leave_until < *until)
		*until = s->leave_until;
	*fd = (struct pollfd){ .fd = s->fd };
	if (s->state == SMTP_CONNECTING)
		fd->events = POLLOUT;
	else if (s->state == SMTP_HANDSHAKE)
		fd->events = s->wants;
	else
		fd->events = (short)(POLLIN | (pending ? POLLOUT : 0));
	return true;
}

void
smtp_ready(struct smtp *s, short revents, double now)
{
	if (s->state == SMTP_CONNECTING) {
		if (revents != 0 || (now >= s->attempt_until && now < s->deadline))
			connecting(s, revents, now);
		now = clock_now();	/* with TLS from the start the handshake may be over by then */
	} else if (s->state == SMTP_HANDSHAKE && revents != 0) {
		handshake(s, false, now);
		now = clock_now();	/* our own work on it may have taken longer than the next reply takes */
	}
	if (s->state == SMTP_TALKING || s->state == SMTP_LEAVING) {
		smtp_flush(s, now);
		receive(s, now);
	}
	if (s->state == SMTP_LEAVING && now >= s->leave_until)
		finish(s, now);
	if (s->state != SMTP_DONE && s->state != SMTP_LEAVING && now >= s->deadline)
		expire(s, now);
}

void
smtp_address(const struct smtp *s, struct buf *b)
{
	net_addr_print(b, &s->addr[s->addr_at]);
}
