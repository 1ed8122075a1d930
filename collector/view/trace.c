/* trace.c - see trace.h.
 *
 * All mails of the state are looked through once to find those that are asked for, and
 * again as long as that brings mails which they are bound to: a day of 150,000
 * mails takes a fraction of a second a pass. Of more than TRACE_MAX mails the newest are shown. */
#include "view/trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "mem.h"
#include "net.h"
#include "plural.h"
#include "pseudonym.h"
#include "store/mails.h"
#include "when.h"

#include "poison.h"

enum { TRACE_MAX = 200, PASSES = 8, OUT_MAX = 16 << 20, TEXT_MAX = 160 };

struct found {
	struct mail mail;	/* with facts of its own */
};

struct trace {
	struct slice what;		/* as it was asked for, ... */
	struct slice hidden, hidden_mid;	/* as an address, as a Message-ID that is kept hashed */
	int host;		/* -1: any */
	struct found *found;
	size_t n, cap;
	bool more;		/* than TRACE_MAX, of which the oldest were dropped */
	struct id {		/* asked for by a bond */
		unsigned host;
		char text[MAIL_ID_MAX];
		size_t n;
	} *id;
	size_t ids, ids_cap;
	bool grown;
};

static struct slice
without_brackets(struct slice s)
{
	if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		return (struct slice){ s.p + 1, s.n - 2 };
	return s;
}

/* As it was meant: "<id@host>" and, copied from a log, "4F1A2B3C4D:". */
static struct slice
name_of(struct slice s)
{
	if (s.n > 1 && s.p[s.n - 1] == ':' && memchr(s.p, ':', s.n - 1) == NULL)
		s.n--;
	return without_brackets(s);
}

static bool
address_matches(struct slice address, struct slice what)
{
	if (what.n > 1 && what.p[0] == '@')
		return address.n > what.n &&
		    slice_eq_nocase(slice_from(address, address.n - what.n), what);
	return what.n > 0 && slice_eq_nocase(address, what);
}

static bool
is_asked(const struct trace *t, struct slice address)
{
	return address_matches(address, t->what) || pseudonym_same(address, t->hidden);
}

static bool
wanted(const struct trace *t, const struct mail *m)
{
	uint32_t at = 0;
	struct fact f;

	for (size_t i = 0; i < t->ids; i++)
		if (t->id[i].host == m->host &&
		    slice_eq(mail_id(m), (struct slice){ t->id[i].text, t->id[i].n }))
			return true;
	if (t->host >= 0 && m->host != t->host)
		return false;
	if (slice_eq(mail_id(m), t->what))
		return true;
	while (mail_next(m, &at, &f)) {
		switch (f.kind) {
		case FACT_MSGID:
			if (slice_eq(without_brackets(f.a), t->what) ||
			    (f.a.n > 0 && slice_eq(without_brackets(f.a), t->hidden_mid)))
				return true;
			break;
		case FACT_CLIENT: case FACT_SESSION:
			if (t->what.n > 0 && (slice_eq(f.b, t->what) || slice_eq_nocase(f.c, t->what) ||
			    pseudonym_same(f.c, t->hidden)))
				return true;
			break;
		case FACT_PICKUP: case FACT_QUEUED: case FACT_PROBE:
			if (is_asked(t, f.a))
				return true;
			break;
		case FACT_DELIVERED: case FACT_DEFERRED: case FACT_BOUNCED:
			if (is_asked(t, f.a) || is_asked(t, f.b))
				return true;
			break;
		default:
			break;
		}
	}
	return false;
}

static void
ask_for(struct trace *t, unsigned host, struct slice id)
{
	if (id.n == 0 || id.n > MAIL_ID_MAX)
		return;
	for (size_t i = 0; i < t->ids; i++)
		if (t->id[i].host == host &&
		    slice_eq(id, (struct slice){ t->id[i].text, t->id[i].n }))
			return;
	if (t->ids == t->ids_cap) {
		t->ids_cap = t->ids_cap > 0 ? t->ids_cap * 2 : 16;
		t->id = xreallocarray(t->id, t->ids_cap, sizeof *t->id);
	}
	t->id[t->ids] = (struct id){ .host = host, .n = id.n };
	memcpy(t->id[t->ids++].text, id.p, id.n);
	t->grown = true;
}

/* What another machine calls it is no mail of this host. */
static bool
is_outward(const struct fact *f)
{
	return f->kind == FACT_DELIVERED && (f->flags & FACT_OUTWARD);
}

static int
by_begin(const void *a, const void *b)
{
	const struct mail *x = &((const struct found *)a)->mail;
	const struct mail *y = &((const struct found *)b)->mail;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->n < y->n ? -1 : x->n > y->n;
}

static void
drop_oldest(struct trace *t)
{
	size_t drop = t->n > TRACE_MAX ? t->n - TRACE_MAX : 0;

	if (t->n > 1)
		qsort(t->found, t->n, sizeof *t->found, by_begin);
	for (size_t i = 0; i < drop; i++)
		free(t->found[i].mail.facts);
	t->n -= drop;
	if (drop > 0)
		memmove(t->found, t->found + drop, t->n * sizeof *t->found);
	t->more = t->more || drop > 0;
}

static bool
look(void *arg, const struct mail *m)
{
	struct trace *t = arg;
	struct mail *copy;

	for (size_t i = 0; i < t->n; i++)
		if (t->found[i].mail.host == m->host &&
		    slice_eq(mail_id(&t->found[i].mail), mail_id(m)) &&
		    t->found[i].mail.base == m->base)
			return true;
	if (!wanted(t, m))
		return true;
	if (t->n == t->cap) {
		t->cap = t->cap > 0 ? t->cap * 2 : 16;
		t->found = xreallocarray(t->found, t->cap, sizeof *t->found);
	}
	copy = &t->found[t->n++].mail;
	*copy = *m;
	copy->facts = xmalloc(m->n);
	memcpy(copy->facts, m->facts, m->n);
	if (t->n == TRACE_MAX * 2)
		drop_oldest(t);
	return true;
}

static void
ask_for_bound(struct trace *t, const struct mail *m)
{
	uint32_t at = 0;
	struct fact f;

	while (mail_next(m, &at, &f))
		if (f.kind == FACT_HOP_FROM || f.kind == FACT_HOP_INTO)
			ask_for(t, f.nrcpt, f.other_id);
		else if (f.other_id.n > 0 && f.kind != FACT_STARTED && !is_outward(&f))
			ask_for(t, m->host, f.other_id);
}

/* One look at all mails; t->grown: another may bring more. */
static bool
pass_over(struct stateread *r, struct trace *t, struct err *e)
{
	t->grown = false;
	if (!mails_each(r, look, t, e))
		return false;
	drop_oldest(t);
	for (size_t i = 0; i < t->n; i++)
		ask_for_bound(t, &t->found[i].mail);
	return true;
}

static int
fact_order(const void *a, const void *b)
{
	const struct fact *x = a, *y = b;

	if (fact_at(x) != fact_at(y))
		return fact_at(x) < fact_at(y) ? -1 : 1;
	return (int)x->kind - (int)y->kind;
}

/* " label VALUE" if there is one. */
static void
put(struct buf *b, const char *label, struct slice s)
{
	if (s.n == 0)
		return;
	buf_str(b, label);
	buf_clean(b, s, TEXT_MAX);
}

/* A text of which only so much is kept. */
static void
put_cut(struct buf *b, struct slice s, size_t kept)
{
	put(b, ": ", s);
	buf_str(b, slice_cut_mark(s, kept));
}

static void
put_said(struct buf *b, const struct fact *f)
{
	put_cut(b, f->text, f->kind == FACT_DELIVERED ? FACT_SENT_KEEP : FACT_TEXT_KEEP);
}

static void
put_reason(struct buf *b, const struct fact *f)
{
	put(b, " by ", f->c);
	if (f->cls != REASON_none)
		buf_fmt(b, ", %s", reason_name(f->cls));
	put(b, ", ", f->d);
	put_said(b, f);
}

static void
put_client(struct buf *b, const struct fact *f)
{
	if (f->b.n > 0 || f->c.n == 0) {
		buf_str(b, "accepted from ");
		buf_clean(b, f->a.n > 0 ? f->a : SLICE("unknown"), TEXT_MAX);
		if (f->b.n > 0) {
			buf_str(b, "[");
			buf_clean(b, f->b, TEXT_MAX);
			buf_str(b, "]");
		}
	}
	put(b, f->b.n > 0 ? ", authenticated as " : "authenticated as ", f->c);
}

struct names {
	const struct stateread_host *host;
	size_t n;
};

static const char *
host_name(const struct names *h, unsigned id)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->host[i].id == (int)id)
			return h->host[i].name;
	return "unknown";
}

/* A mail of another host. */
static void
put_hop(struct buf *b, const char *label, const struct fact *f, const struct names *hosts)
{
	put(b, label, f->other_id);
	put(b, " of ", slice_of(host_name(hosts, f->nrcpt)));
}

static void
put_fact(struct buf *b, const struct fact *f, const struct names *hosts)
{
	static const char *const verdict[] = { "spam", "virus", "banned", "clean" };
	bool hands_over = f->other_id.n > 0 && !is_outward(f);

	switch (f->kind) {
	case FACT_CLIENT:
	case FACT_SESSION:
		put_client(b, f);
		break;
	case FACT_NEW: buf_str(b, "a queue file was made"); break;
	case FACT_PICKUP:
		buf_str(b, "submitted on the machine");
		put(b, " by ", f->a);
		break;
	case FACT_MSGID: put(b, "Message-ID ", f->a); break;
	case FACT_QUEUED:
		buf_str(b, "queued, from <");
		buf_clean(b, f->a, TEXT_MAX);
		buf_fmt(b, ">, %llu %s", (unsigned long long)f->size, PLURAL(f->size, "byte", "bytes"));
		if (f->nrcpt > 0)
			buf_fmt(b, ", %u recipient%s", f->nrcpt, PLURAL(f->nrcpt, "", "s"));
		break;
	case FACT_STARTED:
		put(b, f->other_id.n > 0 ? "delivery begins: " : "waits for a queue run: ", f->a);
		break;
	case FACT_DELIVERED:
		put(b, hands_over ? "handed over for " : "delivered to ", f->a);
		put(b, " for ", f->b);
		put(b, hands_over ? " to " : " by ", f->c);
		if (f->delay_ms >= 0)
			buf_fmt(b, ", %.2f s after arrival", (double)f->delay_ms / 1000);
		put(b, hands_over ? ", goes on as " : ", queued there as ", f->other_id);
		put_said(b, f);
		break;
	case FACT_DEFERRED: put(b, "deferred: ", f->a); put_reason(b, f); break;
	case FACT_BOUNCED: put(b, "bounced: ", f->a); put_reason(b, f); break;
	case FACT_EXPIRED: buf_str(b, "expired, returned to the sender"); break;
	case FACT_REMOVED:
		buf_str(b, f->flags & FACT_BY_ADMIN ? "deleted by an administrator" : "removed");
		break;
	case FACT_HELD: buf_str(b, "put on hold"); put_said(b, f); break;
	case FACT_RELEASED: buf_str(b, "released from hold"); break;
	case FACT_DISCARDED: buf_str(b, "discarded"); put_said(b, f); break;
	case FACT_REFUSED: buf_str(b, "refused"); put_said(b, f); break;
	case FACT_PROBE: put(b, "address probe for ", f->a); put_said(b, f); break;
	case FACT_VERDICT:
		for (unsigned i = 0; i < 4; i++)
			if (f->flags & 1u << i)
				buf_fmt(b, "filter says %s", verdict[i]);
		if (f->flags & (FACT_REDIRECTED | FACT_REDIRECTED_FIRST))
			buf_str(b, "redirected by a rule");
		if (f->text.n > 0) {
			put(b, " (", f->text);
			buf_char(b, ')');
		}
		break;
	case FACT_NOTIFIED:
		put(b, "", f->text);
		put(b, " notification ", f->other_id);
		break;
	case FACT_FROM: put(b, "continues ", f->other_id); break;
	case FACT_INTO: put(b, "went on as ", f->other_id); break;
	case FACT_HOP_FROM: put_hop(b, "continues ", f, hosts); break;
	case FACT_HOP_INTO: put_hop(b, "went on as ", f, hosts); break;
	case FACT_DSN_OF: put(b, "is a notification about ", f->other_id); break;
	case FACT_VOID: put(b, "that delivery was another mail's: ", f->a); break;
	case FACT_PIPED: case FACT_PICKED: case FACT_JUDGED: case FACT_WHO: case FACT_CAME:
	case FACT_BOUNCED_BY: case FACT_FORWARDED: case FACT_ENDED:
		break;	/* of no mail */
	}
}

static void
put_mail(struct buf *b, const struct mail *m, const struct names *hosts)
{
	struct fact *f = NULL, one;
	size_t n = 0;
	uint32_t at = 0;

	while (mail_next(m, &at, &one)) {
		f = xreallocarray(f, n + 1, sizeof *f);
		f[n++] = one;
	}
	if (n > 1)
		qsort(f, n, sizeof *f, fact_order);
	if (b->n > 0)
		buf_char(b, '\n');
	buf_clean(b, slice_of(host_name(hosts, m->host)), 255);
	buf_char(b, ' ');
	buf_clean(b, mail_id(m), MAIL_ID_MAX);
	buf_char(b, '\n');
	for (size_t i = 0; i < n; i++) {
		/* a bond is told once for each recipient */
		if (i > 0 && f[i].kind >= FACT_FROM && f[i].kind == f[i - 1].kind &&
		    slice_eq(f[i].other_id, f[i - 1].other_id))
			continue;
		buf_str(b, "  ");
		when_print(b, f[i].time);
		buf_str(b, "  ");
		put_fact(b, &f[i], hosts);
		buf_char(b, '\n');
	}
	free(f);
}

/* --- what never was a mail ---------------------------------------------------------- */

struct samples {
	const struct trace *t;
	const struct names *hosts;
	struct buf *out;	/* NULL: they are counted */
	size_t n, skip;
};

/* Does a mail that was printed tell more? */
static bool
is_found(const struct trace *t, int host, struct slice id)
{
	for (size_t i = 0; id.n > 0 && i < t->n; i++)
		if (t->found[i].mail.host == host && slice_eq(mail_id(&t->found[i].mail), id))
			return true;
	return false;
}

static bool
put_sample(void *arg, int host, const struct specimen *s)
{
	struct samples *x = arg;
	const struct slice *text = s->text, what = x->t->what;

	if (slice_eq(s->kind, SLICE(SPECIMEN_SLOW)) || is_found(x->t, host, text[SPECIMEN_ID]) ||
	    !(slice_eq(text[SPECIMEN_ID], what) || slice_eq(text[SPECIMEN_CLIENT], what) ||
	    is_asked(x->t, text[SPECIMEN_USER]) || is_asked(x->t, text[SPECIMEN_FROM]) ||
	    is_asked(x->t, text[SPECIMEN_TO])))
		return true;
	if (x->n++ < x->skip || x->out == NULL)
		return true;
	if (x->n == x->skip + 1)
		buf_fmt(x->out, "%ssamples of lines\n", x->out->n > 0 ? "\n" : "");
	buf_str(x->out, "  ");
	when_print(x->out, s->time);
	put(x->out, "  ", slice_of(host_name(x->hosts, (unsigned)host)));
	put(x->out, " ", text[SPECIMEN_ID]);
	put(x->out, " counted as ", s->kind);
	put(x->out, ", client ", text[SPECIMEN_CLIENT]);
	put(x->out, ", user ", text[SPECIMEN_USER]);
	put(x->out, ", from ", text[SPECIMEN_FROM]);
	put(x->out, ", to ", text[SPECIMEN_TO]);
	put_cut(x->out, text[SPECIMEN_SAID], SPECIMEN_TEXT_MAX);
	buf_char(x->out, '\n');
	return true;
}

/* The newest TRACE_MAX of them. */
static bool
put_samples(struct stateread *r, const struct trace *t, const struct names *hosts, struct buf *out, size_t *n,
    struct err *e)
{
	struct samples all = { .t = t, .hosts = hosts }, newest = { .t = t, .hosts = hosts, .out = out };

	if (!stateread_specimens(r, t->host, 0, INT64_MAX / 65536 / 2, put_sample, &all, e))
		return false;
	*n = all.n;
	newest.skip = all.n > TRACE_MAX ? all.n - TRACE_MAX : 0;
	return all.n == 0 ||
	    stateread_specimens(r, t->host, 0, INT64_MAX / 65536 / 2, put_sample, &newest, e);
}

/* Append what is known of the mails that what names: a queue id, a Message-ID (with or
 * without <>), an address or its domain ("@example.org"), a client's IP address, who
 * authenticated; with the mails that they continue or became. Behind them the refusals and
 * failed logins of that name that the state keeps as samples. host: only of this host, or NULL.
 * p: for addresses that are kept hashed, or NULL. found: how many mails and samples. */
static bool
tell_of(struct stateread *r, const struct pseudonyms *p, const char *what, const char *host,
    struct buf *out, size_t *found, struct err *e)
{
	char hidden[PSEUDONYM_MAX], hidden_mid[PSEUDONYM_MAX];
	struct trace t = { .what = name_of(slice_of(what)), .host = -1 };
	struct names hosts = { NULL, 0 };
	size_t samples = 0;
	bool good = t.what.n > 0 ? stateread_hosts(r, &hosts.host, &hosts.n, e) :
	    err_set(e, "%s is the sender of all notifications: name a recipient or a queue id", what);

	if (p != NULL) {
		t.hidden = pseudonym_of(p, t.what, hidden);
		t.hidden_mid = pseudonym_of_mid(p, t.what, hidden_mid);
	}
	if (good && host != NULL && strcmp(host, HOST_FARM) != 0) {
		const struct stateread_host *named = stateread_host_named(hosts.host, hosts.n, host);

		good = named != NULL || err_set(e, "there is no host %s in the state", host);
		t.host = named != NULL ? named->id : -1;
	}
	for (int pass = 0; good && pass < PASSES && (pass == 0 || t.grown); pass++)
		good = pass_over(r, &t, e);
	for (size_t i = 0; i < t.n; i++) {
		if (good)
			put_mail(out, &t.found[i].mail, &hosts);
	}
	good = good && put_samples(r, &t, &hosts, out, &samples, e);
	for (size_t i = 0; i < t.n; i++)
		free(t.found[i].mail.facts);
	if (t.more)
		buf_fmt(out, "\nmore mails match: the newest %d are shown; a queue id names one\n", TRACE_MAX);
	*found = t.n + samples;
	free(t.found);
	free(t.id);
	return good;
}

/* A domain without @ is taken for a login or an id. */
static bool
looks_like_domain(const char *what)
{
	struct net_addr a;

	return strchr(what, '.') != NULL && strpbrk(what, "@/:") == NULL && !net_addr_parse(what, 0, &a);
}

static void
tell_unknown(const char *what)
{
	const bool domain = looks_like_domain(what);

	fprintf(stderr, "mxgauge: nothing is known of %s; mails are kept as long as keep_mails says%s%s\n", what,
	    domain ? "; a domain is written @" : "", domain ? what : "");
}

/* Of one name. */
static bool
print(struct stateread *r, const struct pseudonyms *p, const char *what, const char *host)
{
	struct buf out = buf_new(OUT_MAX);
	struct err e;
	size_t found = 0;
	bool good = tell_of(r, p, what, host, &out, &found, &e);

	if (good && found > 0 && (fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout) != 0))
		good = err_set(&e, "write the mails: %s", strerror(errno));
	if (!good)
		fprintf(stderr, "mxgauge: %s\n", e.text);
	else if (found == 0)
		tell_unknown(what);
	buf_free(&out);
	return good && found > 0;
}

int
trace_run(const char *dir, char **what, size_t n, const char *host)
{
	struct err e;
	struct stateread *r = stateread_open(dir, &e);
	bool good = r != NULL, hashed = pseudonyms_there(dir);
	struct pseudonyms *p = NULL;

	if (r == NULL)
		fprintf(stderr, "mxgauge: %s\n", e.text);
	else if (hashed && (p = pseudonyms_open(dir, false, &e)) == NULL)	/* an id may be asked for */
		fprintf(stderr, "mxgauge: addresses are kept hashed, and cannot be asked for: %s\n", e.text);
	for (size_t i = 0; r != NULL && i < n; i++) {
		if (i > 0)
			putchar('\n');
		good &= print(r, p, what[i], host);
	}
	pseudonyms_free(p);
	stateread_close(r);
	return good ? 0 : 1;
}
