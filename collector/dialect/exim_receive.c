/* exim_receive.c - mail that came in.
 *
 *	<= joe@example.net H=mx.example.net [192.0.2.1] P=esmtps X=TLS1.3:NAME:256 CV=no A=plain:joe
 *	    S=4321 id=1@example.net T="subject" from <joe@example.net> for a@example.org b@example.org
 *	<= <> R=1r0abc-000000012Xy-0aBc U=Debian-exim P=local S=999
 *	(= joe@example.net H=...	told that it was refused, and taken all the same
 * Sender, HELO name, Message-ID and subject are strangers': the line is believed only as a
 * whole, and with the first address that lets all of it be read. */
#include "dialect/exim.h"

#include "poison.h"

enum { LOG_BUFFER = 8192, CUT_NEAR = 512 };	/* Exim leaves out what does not fit */

/* "1@example.net", and what stands in quotes as one. */
static bool
take_mid(struct slice *s, struct event *e)
{
	struct slice rest = *s;

	if (!slice_eat(&rest, SLICE(" id=")) && !slice_eat(&rest, SLICE(" id*=")))
		return true;
	if (!ex_address(&rest, &e->mid))
		return false;
	*s = rest;
	return true;
}

/* An address, or a local part that was not made whole yet. */
static bool
is_recipient(struct slice s)
{
	if (memchr(s.p, '@', s.n) != NULL)
		return s.p[0] != '[';
	for (size_t i = 0; i < s.n; i++)
		if (!slice_is_alnum(s.p[i]) && s.p[i] != '.' && s.p[i] != '-' && s.p[i] != '_' &&
		    s.p[i] != '+')
			return false;
	return true;
}

/* The addresses behind " for": how many. */
static bool
take_recipients(struct slice *s, uint32_t *n)
{
	struct slice rest = *s, address;

	if (!slice_eat(&rest, SLICE(" for")))
		return true;
	while (slice_eat_char(&rest, ' ')) {
		if (!ex_address(&rest, &address) || !is_recipient(address))
			return false;
		(*n)++;
	}
	*s = rest;
	return true;
}

/* Everything behind the host. */
static bool
take_rest(struct slice s, struct event *e)
{
	struct slice whole = s, text;

	while (ex_field(&s, e, true))
		;
	if (!slice_has(slice_head(whole, whole.n - s.n), SLICE(" S=")))
		return false;
	if (!take_mid(&s, e))
		return false;
	if (slice_eat(&s, SLICE(" T=")) && !ex_quoted(&s, &text))
		return false;
	if (slice_eat(&s, SLICE(" from ")) && !scan_address(&s, &text))
		return false;
	return take_recipients(&s, &e->nrcpt) && s.n == 0;
}

/* "SENDER[ R=ID][ DS]" */
static bool
take_sender(struct slice *s, struct event *e, struct slice *about)
{
	if (slice_eat(s, SLICE("<>")))
		e->from = slice_head(*s, 0);
	else if (!ex_address(s, &e->from))
		return false;
	*about = slice_head(*s, 0);
	if (slice_eat(s, SLICE(" R=")) && !ex_id(s, about))
		/* -oMm of a submission may be anything */
		*s = slice_from(*s, slice_until(*s, ' ', ' '));
	slice_eat(s, SLICE(" DS"));
	return true;
}

static bool
take_line(struct slice s, struct event *e, struct slice *about)
{
	struct event at_start;
	struct slice rest;
	size_t from = 0;

	if (!take_sender(&s, e, about))
		return false;
	if (!slice_eat(&s, SLICE(" H=")))
		return take_rest(s, e);
	for (at_start = *e; ex_host(s, &from, e, &rest); *e = at_start)
		if (take_rest(rest, e))
			return true;
	return false;
}

static struct event *
add(struct event *out, int *n, enum event_kind kind, const struct event *all)
{
	struct event *e = &out[(*n)++];

	*e = *all;
	e->kind = kind;
	e->nrcpt = 0;
	e->size = 0;
	e->mid = (struct slice){ NULL, 0 };
	return e;
}

static void
notification(const struct ex_line *l, struct slice about, struct event *out, int *n)
{
	struct event *e = event_begin(&out[(*n)++], EV_DSN_SENT);

	e->id = about;
	e->new_id = l->id;
}

int
ex_received(const struct ex_line *l, struct event *out)
{
	bool fake = l->text.p[0] == '(';
	struct event all, *e;
	struct slice about;
	int n = 0;

	ex_event(&all, EV_QUEUED, l);
	if (l->id.n == 0 || !take_line(slice_from(l->text, 3), &all, &about))
		return -1;
	if (fake) {
		out[0] = all;
		out[0].kind = EV_REJECT;
		out[0].stage = SLICE("END-OF-MESSAGE");
		ex_refusal_reason(&out[0]);
		return 1;
	}
	if (l->text.n > LOG_BUFFER - CUT_NEAR)
		all.nrcpt = 0;	/* there may have been more */
	add(out, &n, all.client_ip.n > 0 ? EV_CLIENT : EV_PICKUP, &all);
	if (all.mid.n > 0)
		add(out, &n, EV_MSGID, &all)->mid = all.mid;
	e = add(out, &n, EV_QUEUED, &all);
	e->nrcpt = all.nrcpt;
	e->size = all.size;
	if (all.sasl_method.n > 0)
		add(out, &n, EV_AUTH_OK, &all);
	if (all.tls_proto.n > 0)
		add(out, &n, EV_TLS, &all);
	if (about.n > 0 && all.from.n == 0)
		notification(l, about, out, &n);
	return n;
}
