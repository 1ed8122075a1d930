/* smtp.c - what is said when, and what is thought of the replies. See smtp.h.
 *
 * Each command's reply is waited for before the next is said, so that each phase has its
 * own time. Grouped (where PIPELINING is offered) are those that belong to one phase: the
 * RCPTs, and RSET with QUIT; MAIL, RCPT and DATA only when the plan says so. */
#include "smtp.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "digest.h"
#include "smtp_priv.h"

#include "poison.h"

const char *const smtp_phase_name[SMTP_PHASES] = { "dns", "connect", "banner", "ehlo", "starttls",
	"auth", "mail", "rcpt", "data", "accept", "quit", "total" };

const struct smtp_await_row smtp_await_row[] = {
	[AWAIT_BANNER] = { SMTP_BANNER, 220 },
	[AWAIT_EHLO] = { SMTP_EHLO, 250 },
	[AWAIT_STARTTLS] = { SMTP_STARTTLS, 220 },
	[AWAIT_EHLO_TLS] = { SMTP_STARTTLS, 250 },
	[AWAIT_XCLIENT] = { SMTP_EHLO, 220 },
	[AWAIT_AUTH] = { SMTP_AUTH, 235 },
	[AWAIT_MAIL] = { SMTP_MAIL, 200 },
	[AWAIT_RCPT] = { SMTP_RCPT, 200 },
	[AWAIT_DATA] = { SMTP_DATA, 354 },
	[AWAIT_BODY] = { SMTP_ACCEPT, 200 },
	[AWAIT_RSET] = { SMTP_QUIT, 200 },
	[AWAIT_QUIT] = { SMTP_QUIT, 200 },
};

/* --- saying -------------------------------------------------------------------------------- */

static void
awaiting(struct smtp *s, enum smtp_await w)
{
	s->await[s->awaits++] = (unsigned char)w;
}

/* A command; shown is what the transcript has instead where it is secret. */
static void
say(struct smtp *s, enum smtp_await w, const char *shown, double now, struct slice command)
{
	smtp_note(s, '>', shown != NULL ? slice_of(shown) : command, now);
	buf_add(&s->out, command);
	buf_str(&s->out, "\r\n");
	awaiting(s, w);
}

static void __attribute__((format(printf, 4, 5)))
say_fmt(struct smtp *s, enum smtp_await w, double now, const char *fmt, ...)
{
	struct buf b = buf_new(2 * SMTP_WORD_MAX);
	va_list ap;

	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	say(s, w, NULL, now, buf_slice(&b));
	buf_free(&b);
}

bool
smtp_offers(const struct smtp *s, struct slice word, struct slice *params)
{
	struct slice all = buf_slice(&s->extensions), line;
	bool more = slice_cut(&all, '\n', &line);	/* the first is the server's name */

	while (more) {
		more = slice_cut(&all, '\n', &line);
		if (!more)
			line = all;
		if (slice_eq_nocase(slice_head(line, word.n), word) &&
		    (line.n == word.n || line.p[word.n] == ' ' || line.p[word.n] == '=')) {
			*params = slice_from(line, word.n + 1);
			return true;
		}
	}
	return false;
}

static bool
offers(const struct smtp *s, struct slice word)
{
	struct slice params;

	return smtp_offers(s, word, &params);
}

static void
ehlo(struct smtp *s, enum smtp_await w, double now)
{
	struct buf name = buf_new(SMTP_WORD_MAX);
	struct net_addr own;

	/* RFC 5321 4.1.3: who has no name with a dot says its address */
	if (s->plan->helo[0] != '\0')
		buf_str(&name, s->plan->helo);
	else if (net_own(s->fd, &own) && own.sa.ss_family != AF_UNIX) {
		buf_str(&name, own.sa.ss_family == AF_INET6 ? "[IPv6:" : "[");
		net_addr_print(&name, &own);
		buf_char(&name, ']');
	} else {
		buf_str(&name, "localhost");
	}
	say_fmt(s, w, now, "%s %s", s->plan->lmtp ? "LHLO" : "EHLO", name.p);
	buf_free(&name);
}

static void
rset_and_quit(struct smtp *s, double now)
{
	say_fmt(s, AWAIT_RSET, now, "RSET");
	if (offers(s, SLICE("PIPELINING")))
		say_fmt(s, AWAIT_QUIT, now, "QUIT");
}

/* Values as xtext (RFC 3461 4). */
static void
xclient(struct smtp *s, double now)
{
	struct buf b = buf_new(4096);

	if (!offers(s, SLICE("XCLIENT"))) {
		smtp_leave(s, SMTP_REFUSED, SMTP_EHLO, now, "XCLIENT is not offered");
		return;
	}
	buf_str(&b, "XCLIENT");
	for (size_t i = 0; i < s->plan->xclients; i++) {
		const char *value = strchr(s->plan->xclient[i], '=');

		buf_fmt(&b, " %.*s=", (int)(value - s->plan->xclient[i]), s->plan->xclient[i]);
		while (*++value != '\0')
			if (*value <= ' ' || *value == '+' || *value == '=')
				buf_fmt(&b, "+%02X", (unsigned)(unsigned char)*value);
			else
				buf_char(&b, *value);
	}
	s->xcliented = true;
	say(s, AWAIT_XCLIENT, NULL, now, buf_slice(&b));
	buf_free(&b);
}

/* --- login --------------------------------------------------------------------------------- */

static void
say_secret(struct smtp *s, const char *command, struct slice plain, double now)
{
	struct buf b = buf_new(8192), shown = buf_new(100);

	buf_str(&b, command);
	digest_base64(&b, plain);
	buf_fmt(&shown, "%s***", command);
	say(s, AWAIT_AUTH, shown.p, now, buf_slice(&b));
	buf_free(&b);
	buf_free(&shown);
}

/* May this mechanism be used here? */
static bool
auth_allowed(struct smtp *s, double now)
{
	struct slice offered = SLICE("");
	bool any = smtp_offers(s, SLICE("AUTH"), &offered);
	struct slice all = offered, word;

	s->mech = s->plan->mech != SASL_NONE ? s->plan->mech : sasl_best(offered);
	if (!any) {
		smtp_leave(s, SMTP_REFUSED, SMTP_AUTH, now, "no login is offered%s", s->tls != NULL ? "" :
		    offers(s, SLICE("STARTTLS")) ? " without TLS; STARTTLS is (-S)" : " (without TLS)");
		return false;
	}
	while (s->plan->mech != SASL_NONE && slice_next(&all, ' ', &word)) {
		any = sasl_mech_of(word) == s->mech;
		if (any)
			break;
	}
	if (s->mech == SASL_NONE || !any) {
		smtp_leave(s, SMTP_REFUSED, SMTP_AUTH, now, "%s is not offered, but %.*s",
		    s->mech == SASL_NONE ? "a mechanism that we know" : sasl_name(s->mech),
		    (int)slice_head(offered, 100).n, offered.p);
		return false;
	}
	if (sasl_is_clear(s->mech) && s->tls == NULL && !s->plan->clear_password &&
	    s->addr[s->addr_at].sa.ss_family != AF_UNIX) {
		smtp_leave(s, SMTP_OURS, SMTP_AUTH, now, "%s without TLS would show the password",
		    sasl_name(s->mech));
		return false;
	}
	return true;
}

static void
auth(struct smtp *s, double now)
{
	struct buf first = buf_new(2048), command = buf_new(64);
	struct err e = { "" };

	if (auth_allowed(s, now)) {
		s->sasl = sasl_new(s->mech, s->plan->user, s->plan->password);
		buf_fmt(&command, "AUTH %s", sasl_name(s->mech));
		if (!sasl_speaks_first(&s->sasl)) {
			say(s, AWAIT_AUTH, NULL, now, buf_slice(&command));
		} else if (sasl_answer(&s->sasl, SLICE(""), &first, &e)) {
			buf_char(&command, ' ');
			say_secret(s, command.p, buf_slice(&first), now);
		}
	}
	buf_free(&first);
	buf_free(&command);
}

/* 334: the server asks. */
static void
auth_go_on(struct smtp *s, double now)
{
	struct slice text = buf_slice(&s->reply.text);
	struct buf said = buf_new(4096), out = buf_new(4096);
	struct err e = { "" };

	if (digest_unbase64(&said, slice_trim(text)) || err_set(&e, "this is no base64"))
		(void)sasl_answer(&s->sasl, buf_slice(&said), &out, &e);
	smtp_reply_clear(&s->reply);
	if (e.text[0] == '\0') {
		say_secret(s, "", buf_slice(&out), now);
	} else {
		buf_str(&s->out, "*\r\n");	/* RFC 4954 4: never mind */
		awaiting(s, AWAIT_AUTH);
		smtp_flush(s, now);
		smtp_leave(s, SMTP_BROKEN, SMTP_AUTH, now, "challenge of %s: %s", sasl_name(s->mech),
		    e.text);
	}
	buf_free(&said);
	buf_free(&out);
}

/* --- the mail ------------------------------------------------------------------------------ */

static bool
is_ascii(const char *text)
{
	while (*text != '\0')
		if ((unsigned char)*text++ >= 128)
			return false;
	return true;
}

static void
data(struct smtp *s, double now)
{
	struct buf message;

	if (s->plan->no_chunking || !offers(s, SLICE("CHUNKING"))) {
		say_fmt(s, AWAIT_DATA, now, "DATA");
		return;
	}
	message = buf_new(s->out.max);
	smtp_message_write(&message, &s->plan->message, (int64_t)time(NULL), false);
	s->chunked = true;
	say_fmt(s, AWAIT_BODY, now, "BDAT %zu LAST", message.n);
	buf_add(&s->out, buf_slice(&message));
	s->body_on_way = true;
	buf_free(&message);
	for (size_t i = 1; s->plan->lmtp && i < s->plan->rcpts; i++)
		awaiting(s, AWAIT_BODY);
}

/* 354 came. */
static void
body(struct smtp *s, double now)
{
	smtp_message_write(&s->out, &s->plan->message, (int64_t)time(NULL), true);
	smtp_note(s, '>', SLICE("(the message)"), now);
	s->body_on_way = true;
	/* RFC 2033 4.2: LMTP answers for each recipient */
	for (size_t i = 0; i < (s->plan->lmtp ? s->plan->rcpts : 1); i++)
		awaiting(s, AWAIT_BODY);
}

static void
recipients(struct smtp *s, size_t from, double now)
{
	size_t n = offers(s, SLICE("PIPELINING")) ? s->plan->rcpts : from + 1;

	for (size_t i = from; i < n; i++)
		say_fmt(s, AWAIT_RCPT, now, "RCPT TO:<%s>", s->plan->rcpt[i]);
	s->rcpt_at = n;
}

static void
mail(struct smtp *s, double now)
{
	bool utf8 = !is_ascii(s->plan->from), together = s->plan->pipelining &&
	    offers(s, SLICE("PIPELINING"));

	for (size_t i = 0; i < s->plan->rcpts; i++)
		utf8 = utf8 || !is_ascii(s->plan->rcpt[i]);
	if (utf8 && !offers(s, SLICE("SMTPUTF8"))) {
		smtp_leave(s, SMTP_REFUSED, SMTP_MAIL, now,
		    "an address needs SMTPUTF8, which is not offered");
		return;
	}
	say_fmt(s, AWAIT_MAIL, now, "MAIL FROM:<%s>%s", s->plan->from, utf8 ? " SMTPUTF8" : "");
	if (together) {
		recipients(s, 0, now);
		if (s->plan->depth == SMTP_TO_ACCEPT &&
		    (s->plan->no_chunking || !offers(s, SLICE("CHUNKING"))))
			data(s, now);
	}
}

/* --- replies ------------------------------------------------------------------------------- */

static void
after_ehlo(struct smtp *s, double now)
{
	if (s->plan->tls == SMTP_USE_STARTTLS && s->tls == NULL) {
		if (!offers(s, SLICE("STARTTLS")))
			smtp_leave(s, SMTP_REFUSED, SMTP_STARTTLS, now, "STARTTLS is not offered");
		else if (smtp_tls_ready(s, &now))
			say_fmt(s, AWAIT_STARTTLS, now, "STARTTLS");
	} else if (s->plan->xclients > 0 && !s->xcliented) {
		xclient(s, now);
	} else if (s->plan->user.n > 0 && !s->authed) {
		auth(s, now);
	} else if (s->plan->depth <= SMTP_TO_EHLO) {
		say_fmt(s, AWAIT_QUIT, now, "QUIT");
	} else {
		mail(s, now);
	}
}

/* What comes after w, when nothing more is waited for. */
static void
proceed(struct smtp *s, enum smtp_await w, double now)
{
	if (w == AWAIT_QUIT) {
		smtp_done(s, now);
		return;
	}
	if (s->ended && w == AWAIT_DATA && s->code == 354) {
		smtp_done(s, now);	/* only hanging up keeps an empty message from being sent */
		return;
	}
	if (s->ended || (w == AWAIT_BANNER && s->plan->depth == SMTP_TO_BANNER))
		say_fmt(s, AWAIT_QUIT, now, "QUIT");
	else if (w == AWAIT_BANNER || w == AWAIT_XCLIENT)
		ehlo(s, AWAIT_EHLO, now);
	else if (w == AWAIT_EHLO || w == AWAIT_EHLO_TLS || w == AWAIT_AUTH)
		after_ehlo(s, now);
	else if (w == AWAIT_STARTTLS)
		smtp_begin_tls(s, now);
	else if (w == AWAIT_MAIL || (w == AWAIT_RCPT && s->rcpt_at < s->plan->rcpts))
		recipients(s, s->rcpt_at, now);
	else if (w == AWAIT_RCPT && s->plan->depth == SMTP_TO_RCPT)
		rset_and_quit(s, now);
	else if (w == AWAIT_RCPT)
		data(s, now);
	else if (w == AWAIT_DATA)
		body(s, now);
	else
		say_fmt(s, AWAIT_QUIT, now, "QUIT");
	if (s->state == SMTP_TALKING)
		smtp_flush(s, now);
}

static bool
code_matches(int code, const char *pattern)
{
	char digits[16];

	(void)snprintf(digits, sizeof digits, "%03d", code);
	for (int i = 0; i < 3; i++)
		if (pattern[i] != 'x' && pattern[i] != digits[i])
			return false;
	return true;
}

enum judged { GO_ON, ENOUGH, REFUSED };

/* A refusal that was hoped for is the end of a dialogue that went well. */
static enum judged
judge(const struct smtp *s, const struct smtp_await_row *row)
{
	const struct smtp_expect *x = &s->plan->expect[row->phase];
	int code = s->reply.code;
	bool usual = code == row->good || (row->good % 100 == 0 && code / 100 == row->good / 100);

	if (x->code[0] != '\0') {
		if (!code_matches(code, x->code) ||
		    slice_find_nocase(buf_slice(&s->reply.text), slice_of(x->text)) < 0)
			return REFUSED;
		return usual ? GO_ON : ENOUGH;
	}
	if (row->phase == SMTP_ACCEPT && (s->plan->message.eicar || s->plan->message.gtube) &&
	    code / 100 == 5)
		return ENOUGH;	/* the filter answers */
	return usual ? GO_ON : REFUSED;
}

static void
keep(char *to, const struct smtp *s)
{
	(void)snprintf(to, SMTP_TEXT, "%d %.*s", s->reply.code, (int)s->reply.text.n,
	    s->reply.text.n > 0 ? s->reply.text.p : "");
	for (char *c = to; *c != '\0'; c++)
		if (*c == '\n')
			*c = ' ';
}

static void
refused(struct smtp *s, enum smtp_phase phase, double now)
{
	const struct smtp_expect *x = &s->plan->expect[phase];
	struct slice text = buf_slice(&s->reply.text);
	enum smtp_verdict v = x->code[0] == '\0' && phase >= SMTP_MAIL && phase <= SMTP_ACCEPT &&
	    smtp_reply_greylists(s->code, text) ? SMTP_GREYLISTED : SMTP_REFUSED;
	char said[SMTP_TEXT];

	keep(said, s);
	if (x->code[0] != '\0')
		smtp_leave(s, v, phase, now, "%s (expected: %s%s%s)", said, x->code,
		    x->text[0] != '\0' ? " " : "", x->text);
	else if (s->code == 421)
		smtp_fail(s, v, phase, now, "%s", said);	/* it hangs up by itself */
	else
		smtp_leave(s, v, phase, now, "%s%s", v == SMTP_GREYLISTED ? "greylisted: " : "", said);
}

/* What a good reply tells. */
static void
learn(struct smtp *s, enum smtp_await w)
{
	if (w == AWAIT_BANNER)
		keep(s->banner, s);
	if (w == AWAIT_BODY)
		keep(s->accepted, s);
	if (w == AWAIT_EHLO || w == AWAIT_EHLO_TLS) {	/* RFC 3207 4.2: forget the one before TLS */
		buf_clear(&s->extensions);
		buf_add(&s->extensions, buf_slice(&s->reply.text));
	}
}

/* A server that says more than it was asked: its next reply would be taken for another's. */
static void
unasked(struct smtp *s, enum smtp_await w, struct slice rest, double now)
{
	struct buf b = buf_new(300);

	buf_clean(&b, smtp_reply_trim(rest), 100);
	if (slice_starts(rest, SLICE("421")))
		smtp_fail(s, SMTP_REFUSED, s->phase, now, "%s", b.p);
	else if (w == AWAIT_STARTTLS)
		smtp_fail(s, SMTP_BROKEN, SMTP_STARTTLS, now, "text without encryption behind the reply "
		    "to STARTTLS, an injection: \"%s\"", b.p);
	else
		smtp_fail(s, SMTP_BROKEN, s->phase, now, "more than was asked for: \"%s\"", b.p);
	buf_free(&b);
}

/* A refusal that was expected: there is no more to do but to leave. */
static void
end_well(struct smtp *s, enum smtp_phase phase)
{
	s->ended = true;
	s->ended_in = phase;
	keep(s->ended_by, s);
}

/* The login was taken. */
static bool
logged_in(struct smtp *s, double now)
{
	struct err e = { "" };

	s->authed = true;
	if (sasl_end(&s->sasl, &e))
		return true;
	smtp_leave(s, SMTP_BROKEN, SMTP_AUTH, now, "%s", e.text);
	return false;
}

void
smtp_replied(struct smtp *s, struct slice rest, double now)
{
	enum smtp_await w = s->await[0];
	const struct smtp_await_row *row = &smtp_await_row[w];
	enum judged j;

	memmove(s->await, s->await + 1, --s->awaits);
	if (s->body_on_way) {	/* a server that does not wait for the end */
		s->body_on_way = false;
		smtp_account(s, SMTP_DATA, now);
	}
	smtp_account(s, row->phase, now);
	s->code = s->reply.code;
	s->phase = row->phase;
	if (w == AWAIT_AUTH && s->code == 334 && rest.n == 0) {
		auth_go_on(s, now);
		smtp_flush(s, now);
		return;
	}
	j = judge(s, row);
	if (j == REFUSED) {
		refused(s, row->phase, now);
		return;
	}
	learn(s, w);
	if (w == AWAIT_AUTH && j == GO_ON && !logged_in(s, now))
		return;
	if (j == ENOUGH && !s->ended)
		end_well(s, row->phase);
	smtp_reply_clear(&s->reply);
	if (s->awaits > 0)
		return;
	if (rest.n > 0 && w != AWAIT_QUIT)
		unasked(s, w, rest, now);
	else
		proceed(s, w, now);
}

void
smtp_connected(struct smtp *s, double now)
{
	if (s->plan->tls == SMTP_USE_TLS) {
		smtp_begin_tls(s, now);
		return;
	}
	awaiting(s, AWAIT_BANNER);
}

void
smtp_secured(struct smtp *s, double now)
{
	struct tlsclient_facts *f = &s->tls_facts;

	tlsclient_facts(s->tls, f);
	s->was_tls = true;
	if (!s->plan->unverified && !f->trusted) {
		smtp_fail(s, SMTP_BROKEN, SMTP_STARTTLS, now, "the certificate is not trusted for %s: %s "
		    "(of %s, by %s)", s->host, f->why, f->subject, f->issuer);
		return;
	}
	if (s->plan->tls == SMTP_USE_TLS) {
		awaiting(s, AWAIT_BANNER);
	} else {
		ehlo(s, AWAIT_EHLO_TLS, now);
		smtp_flush(s, now);
	}
}
