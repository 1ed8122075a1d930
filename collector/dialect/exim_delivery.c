/* exim_delivery.c - what became of each recipient.
 *
 *	=> a@example.org <list@example.org> R=dnslookup T=remote_smtp H=mx.example.org [192.0.2.9]*
 *	    X=TLS1.3:NAME:256 CV=yes C="250 OK id=1r0abc-000000012Xy-0aBc" QT=3s DT=1s
 *	=> joe <joe@example.org> R=local_user T=local_delivery
 *	=> :blackhole: <bin@example.org> R=aliases
 *	== a@example.org R=dnslookup T=remote_smtp defer (111): Connection refused
 *	** a@example.org R=dnslookup T=remote_smtp H=mx [192.0.2.9]: SMTP error from ...: 550 TEXT
 *	** a@example.org: retry timeout exceeded	behind its own "==": its end
 * "->" is another recipient of the same transmission, ">>" was transmitted while the mail came
 * in, "*>" was not transmitted at all. R= and T= are names that the admin chose. */
#include "dialect/exim.h"

#include "poison.h"

/* "|command args", "/file", "save file", ">address", a mailbox with blanks in its name: up to its
 * " <address>", which these always have; the last one before Exim's own fields. */
static bool
take_special(struct slice *s, struct event *e)
{
	static const struct slice ends[] = {
		{ "> R=", 4 }, { "> T=", 4 }, { "> F=<", 5 }, { "> P=<", 5 }, { "> Q=", 4 }, { "> SRS=<", 7 },
		{ ">: ", 3 },
		{ "> defer (", 9 },
		{ "> routing defer (", 17 },
	};
	size_t end = s->n;
	struct slice head, name;

	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		ptrdiff_t at = slice_find(*s, ends[i]);

		if (at >= 0 && (size_t)at < end)
			end = (size_t)at;
	}
	if (end == s->n)
		return false;
	head = slice_head(*s, end);
	if (!slice_rcut_at(&head, SLICE(" <"), &name))
		return false;
	e->to = name;
	e->orig_to = head;
	*s = slice_from(*s, end + 1);
	return true;
}

/* " (parent, parent)" */
static bool
skip_parents(struct slice *s)
{
	bool quoted = false;
	size_t i = 2;

	if (!slice_starts(*s, SLICE(" (")))
		return true;
	for (; i < s->n && (quoted || s->p[i] != ')'); i++)
		if (s->p[i] == '"')
			quoted = !quoted;
	if (i >= s->n)
		return false;
	*s = slice_from(*s, i + 1);
	return true;
}

/* "joe <joe@example.org>": a mailbox goes by its local part alone. */
static void
whole_address(struct event *e)
{
	struct slice local = e->orig_to;

	if (memchr(e->to.p, '@', e->to.n) != NULL || local.n <= e->to.n ||
	    local.p[e->to.n] != '@' || !slice_eq_nocase(slice_head(local, e->to.n), e->to))
		return;
	e->to = e->orig_to;
	e->orig_to = slice_head(e->to, 0);
}

/* "joe miller (a@example.org, "joe miller"@example.org) <a@example.org>": local parts are printed
 * without their quotes. */
static bool
take_spaced(struct slice *s, struct event *e)
{
	struct slice name;

	if (s->n == 0 || s->p[0] == '"' || !take_special(s, e))
		return false;
	if (slice_cut_at(&e->to, SLICE(" ("), &name))
		e->to = name;
	return true;
}

/* The recipient and what it was before aliases. */
static bool
take_recipient(struct slice *s, struct event *e)
{
	struct slice rest = *s, head;
	bool colon;

	if (rest.n == 0)
		return false;
	if (rest.p[0] == '|' || rest.p[0] == '/' || rest.p[0] == '>' ||
	    slice_starts(rest, SLICE("save ")))
		return take_special(s, e);
	if (!ex_address(&rest, &e->to))
		return false;
	head = e->to;
	colon = head.n > 1 && head.p[head.n - 1] == ':' && head.p[0] != ':';
	if (colon) {	/* "a@example.org: retry timeout exceeded" */
		e->to.n--;
		*s = (struct slice){ rest.p - 1, rest.n + 1 };
		return true;
	}
	if (!skip_parents(&rest))
		return false;
	if (slice_starts(rest, SLICE(" <"))) {
		rest = slice_from(rest, 1);
		if (!scan_address(&rest, &e->orig_to))
			return false;
		whole_address(e);
	}
	*s = rest;
	return true;
}

/* "NAME[ DS] [ADDR][:PORT][*]", or the name alone. */
static void
take_host(struct slice *s, struct event *e, bool *reused)
{
	struct slice rest, ip;
	uint64_t port = 0;

	e->relay = slice_head(*s, slice_until(*s, ' ', ' '));
	rest = slice_from(*s, e->relay.n);
	slice_eat(&rest, SLICE(" DS"));
	*s = rest;
	if (!slice_eat(&rest, SLICE(" [")) || !slice_cut(&rest, ']', &ip) || !ex_is_address(ip))
		return;
	e->relay_ip = ip;
	e->relay_loopback = address_is_loopback(ip);
	ex_port(&rest, &port);
	e->relay_port = port <= 65535 ? (uint16_t)port : 0;
	*reused = slice_eat_char(&rest, '*');
	*s = rest;
}

/* What a line says behind the recipient. */
struct way {
	struct slice transport, answer;
	bool routed, reused;
};

static bool
take_times(struct slice *s, struct event *e)
{
	struct slice rest = *s;
	int64_t ms;
	bool queue = slice_starts(rest, SLICE(" QT="));

	if (!queue && !slice_starts(rest, SLICE(" DT=")))
		return false;
	rest = slice_from(rest, 4);
	if (!ex_duration(&rest, &ms))
		return false;
	if (queue)
		e->delay_ms = ms;
	else
		e->delays_ms[3] = ms < INT32_MAX ? (int32_t)ms : INT32_MAX;
	*s = rest;
	return true;
}

/* "KEY=WORD" */
static bool
take_word(struct slice *s, struct slice key, struct slice *word)
{
	if (!slice_eat(s, key))
		return false;
	*word = slice_head(*s, slice_until(*s, ' ', ':'));
	*s = slice_from(*s, word->n);
	return true;
}

/* " ST=SHADOW[ (why it failed)]" */
static bool
take_shadow(struct slice *s)
{
	struct slice word, head;

	if (!take_word(s, SLICE(" ST="), &word))
		return false;
	if (slice_starts(*s, SLICE(" (")))
		slice_cut(s, ')', &head);
	return true;
}

/* SRS: up to 4.94, of a sender that was rewritten. */
static bool
take_envelope(struct slice *s)
{
	struct slice rest = *s, address;

	if (!slice_eat(&rest, SLICE(" F=")) && !slice_eat(&rest, SLICE(" P=")) &&
	    !slice_eat(&rest, SLICE(" SRS=")))
		return false;
	if (!scan_address(&rest, &address))
		return false;
	*s = rest;
	return true;
}

static void
take_fields(struct slice *s, struct event *e, struct way *w)
{
	struct slice word;

	for (;;) {
		if (take_word(s, SLICE(" R="), &word)) {
			w->routed = true;
		} else if (take_word(s, SLICE(" T="), &w->transport)) {
			w->routed = true;
		} else if (slice_eat(s, SLICE(" H="))) {
			take_host(s, e, &w->reused);
		} else if (slice_eat(s, SLICE(" C="))) {
			if (!ex_quoted(s, &w->answer))
				return;
		} else if (!take_envelope(s) && !take_times(s, e) && !take_shadow(s) &&
		    !ex_field(s, e, false)) {
			return;
		}
	}
}

/* "... queued as ID", "250 OK id=ID", "2.0.0 ID Message accepted for delivery". */
static struct slice
next_id(struct slice answer)
{
	struct slice head, rest = answer, id;
	size_t n = 0;

	if (slice_rcut_at(&rest, SLICE("queued as "), &head)) {
		while (rest.n > 0 && (rest.p[0] == '\\' || rest.p[0] == '"'))
			rest = slice_from(rest, 1);
		while (n < rest.n && n < 32 && (slice_is_alnum(rest.p[n]) || rest.p[n] == '-'))
			n++;
		return slice_head(rest, n);
	}
	if (slice_rcut_at(&rest, SLICE(" id="), &head) && ex_id(&rest, &id))
		return id;
	rest = answer;
	if (slice_cut_at(&rest, SLICE(" Message accepted for delivery"), &head) &&
	    slice_rcut_at(&head, SLICE(" "), &rest))
		return head;
	return slice_head(answer, 0);
}

static bool
is_lmtp(struct slice transport)
{
	return slice_find_nocase(transport, SLICE("lmtp")) >= 0;
}

/* A filter behind a pipe gives the mail back through "exim -oMr spam-scanned -bS", as DirectAdmin has it
 * by its transport spamcheck. Whether it did is told by the Message-ID alone. */
static bool
is_filter(struct slice transport)
{
	static const struct slice words[] = {
		{ "spam", 4 }, { "scan", 4 }, { "virus", 5 }, { "amavis", 6 }, { "drweb", 5 },
	};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (slice_find_nocase(transport, words[i]) >= 0)
			return true;
	return false;
}

/* The next hop's answer. One on this machine may say that it dropped the mail. */
static void
take_answer(struct slice answer, struct event *e)
{
	struct event reply = { 0 };

	scan_reply(answer, &reply);
	e->code = reply.code;
	e->dsn = reply.dsn;
	e->text = answer;
	e->new_id = next_id(answer);
	if (e->relay_loopback && slice_has(slice_head(reply.text, 40), SLICE("discarded")))
		e->where = WHERE_DISCARD;
}

/* again: in the same transmission as the recipient before. */
static int
delivered(struct slice s, bool again, struct event *e)
{
	struct way w = { 0 };
	bool no_place = slice_eq(e->to, SLICE(":blackhole:")) || slice_eq(e->to, SLICE("discarded"));

	/* "=> /dev/null <u@example.org> R=filter T=**bypassed**" is one too */
	take_fields(&s, e, &w);
	if (s.n > 0 || !w.routed)
		return -1;
	e->size = 0;	/* what was written, headers and all */
	e->where = WHERE_LOCAL;
	if ((no_place && w.transport.n == 0) || slice_eq(w.transport, SLICE("**bypassed**"))) {
		e->where = WHERE_DISCARD;
		e->to = e->orig_to;
		e->orig_to = slice_head(e->to, 0);
	} else if (e->relay_ip.n > 0 && !(e->relay_loopback && is_lmtp(w.transport))) {
		e->where = WHERE_EXT;
	}
	if (e->relay.n == 0) {
		e->relay = w.transport;
		e->piped = e->where == WHERE_LOCAL && is_filter(w.transport);
	}
	if (w.answer.n > 0)
		take_answer(w.answer, e);
	if (e->tls_proto.n == 0 || w.reused || again)
		return 1;
	e[1] = *e;
	e[1].kind = EV_TLS;
	e[1].where = WHERE_NONE;
	e[1].outbound = true;
	return 2;
}

/* "=> blackhole (DATA ACL discarded recipients): TEXT", "=> discarded (system filter)":
 * all recipients. Those that an ACL discarded at RCPT were told of one by one. */
static int
dropped_all(const struct ex_line *l, struct slice s, struct event *out)
{
	struct event *e = ex_event(out, EV_DELIVERED, l);

	e->text = s;
	if (slice_starts(s, SLICE("(RCPT ACL ")) || slice_starts(s, SLICE("(MAIL ACL "))) {
		e->kind = EV_INFO;
		return 1;
	}
	e->where = WHERE_DISCARD;
	e = ex_event(&out[1], EV_REMOVED, l);
	e->by_admin = true;	/* whatever recipients it had */
	return 2;
}

/* " DT=1s" behind everything, since 4.94. */
static void
drop_times(struct event *e)
{
	struct slice rest = e->text, head;
	int64_t ms;

	if (slice_rcut_at(&rest, SLICE(" DT="), &head) && ex_duration(&rest, &ms) &&
	    rest.n == 0)
		e->text = head;
}

static int
bounced(struct slice s, struct event *e)
{
	struct way w = { 0 };

	take_fields(&s, e, &w);
	e->kind = EV_BOUNCED;
	e->size = 0;
	if (!slice_eat(&s, SLICE(": ")) && !slice_eat(&s, SLICE(" : ")) &&
	    !slice_starts(s, SLICE(" routing yielded ")) &&
	    !slice_starts(s, SLICE(" mua_wrapper ")) && (s.n > 0 || !w.routed))
		return -1;
	e->text = slice_trim(s);
	drop_times(e);
	ex_delivery_reason(e, 0);
	return 1;
}

/* "(111): Connection refused H=mx [192.0.2.9]: TEXT", "(-44) H=mx [192.0.2.9]: TEXT" */
static bool
take_error(struct slice *s, int *error)
{
	bool minus;
	uint64_t n;

	if (!slice_eat_char(s, '('))
		return false;
	minus = slice_eat_char(s, '-');
	if (!slice_u64(s, &n)) {	/* a word in its place: some error of the system */
		n = 1;
		while (s->n > 0 && slice_is_alnum(s->p[0]))
			*s = slice_from(*s, 1);
	}
	if (n > 10000 || !slice_eat_char(s, ')'))
		return false;
	*error = minus ? -(int)n : (int)n;
	return true;
}

/* No attempt was made: its time has not come, or somebody said to wait. The numbers say little: that of
 * "retry time not reached" of routing is -51 up to 4.91, -52 up to 4.98, and then -59, while -52 to -58
 * became true failures. */
static bool
is_waiting(int error, struct slice text)
{
	enum { RETRY_BASE = -51 };
	static const struct slice waits[] = {
		{ "Retry time not yet reached", 26 },
		{ "domain is in queue_domains", 26 },
		{ "concurrency limit reached for transport", 39 },
		{ "remote deliveries suppressed", 28 },
		{ "reusing SMTP connection skips previous routing defer", 52 },
		{ "no host found for existing SMTP connection", 42 },
	};

	if (slice_starts(text, SLICE("SMTP delivery explicitly queued")) ||
	    slice_starts(text, SLICE("domain matches queue_smtp_domains")) ||	/* its old wording */
	    slice_starts(text, SLICE("first-pass only routing due to ")))
		return true;
	for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++)
		if (error <= RETRY_BASE && slice_starts(text, waits[i]))
			return true;
	return error <= RETRY_BASE && slice_find(text, SLICE("retry time not reached")) >= 0;
}

/* ": Connection refused", what errno means, before the next field. */
static struct slice
take_strerror(struct slice *s)
{
	static const struct slice ends[] = { { " H=", 3 }, { " DT=", 4 }, { ": ", 2 } };
	struct slice text = slice_from(*s, 2);

	if (!slice_starts(*s, SLICE(": ")))
		return slice_head(*s, 0);
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		ptrdiff_t at = slice_find(text, ends[i]);

		if (at >= 0)
			text = slice_head(text, (size_t)at);
	}
	*s = slice_from(*s, text.n + 2);
	return text;
}

static int
deferred(struct slice s, struct event *e)
{
	struct way w = { 0 };
	struct slice meaning = { s.p, 0 };
	int error;

	take_fields(&s, e, &w);
	if (!slice_eat(&s, SLICE(" routing")) && !slice_eat(&s, SLICE(" transporting")) && !w.routed &&
	    !slice_starts(s, SLICE(" defer (")))
		return -1;
	if (!slice_eat(&s, SLICE(" defer ")) || !take_error(&s, &error))
		return -1;
	e->kind = EV_DEFERRED;
	if (error > 0)
		meaning = take_strerror(&s);
	take_fields(&s, e, &w);
	slice_eat(&s, SLICE(": "));
	e->text = s.n > 0 ? slice_trim(s) : meaning;
	e->size = 0;
	drop_times(e);
	if (is_waiting(error, e->text))
		e->kind = EV_INFO;
	else
		ex_delivery_reason(e, error);
	return 1;
}

/* What follows the recipient. */
static int
outcome(struct slice s, struct slice flag, struct event *e)
{
	if (flag.p[0] == '*')
		return bounced(s, e);
	if (flag.p[1] == '=')
		return deferred(s, e);
	return delivered(s, flag.p[0] == '-', e);
}

int
ex_delivery(const struct ex_line *l, struct event *out)
{
	struct slice s = l->text, flag = slice_head(s, 2);
	struct event *e = ex_event(out, EV_DELIVERED, l);
	int n;

	s = slice_from(s, 3);
	if (flag.p[0] == '*' && flag.p[1] == '>')
		return 0;
	if (flag.p[1] == '>' && (slice_eat(&s, SLICE("blackhole ")) ||
	    (slice_starts(s, SLICE("discarded (")) && slice_eat(&s, SLICE("discarded ")))))
		return dropped_all(l, s, out);
	if (slice_starts(s, SLICE("mua_wrapper is set ")))
		return ex_info(l, out, REASON_none, SLICE(""));
	if (take_recipient(&s, e) && (n = outcome(s, flag, e)) >= 0)
		return n;
	e = ex_event(out, EV_DELIVERED, l);
	s = slice_from(l->text, 3);
	return take_spaced(&s, e) ? outcome(s, flag, e) : -1;
}
