/* mxprobe.c - the same questions to every MX. See mxprobe.h.
 *
 * Nothing is freed but what dialogues used: a check ends with its answer. */
#include "mxprobe.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "mem.h"

#include "poison.h"

const struct mxprobe_row mxprobe_row[MXPROBES] = {
	[MXPROBE_ORDINARY] = { "ordinary", "an ordinary mail" },
	[MXPROBE_HELO_WORD] = { "helo-word", "EHLO with one word" },
	[MXPROBE_HELO_OWN] = { "helo-own", "EHLO with the server's own name" },
	[MXPROBE_SENDER_WORD] = { "sender-word", "a sender whose domain has no dot" },
	[MXPROBE_SENDER_OWN] = { "sender-own", "a sender of the domain itself" },
	[MXPROBE_SENDER_NODOMAIN] = { "sender-nodomain", "a sender of a domain that does not exist" },
	[MXPROBE_UNKNOWN] = { "unknown-rcpt", "an unknown recipient" },
	[MXPROBE_RELAY] = { "relay", "relaying to another domain" },
};

const char *const mxprobe_verdict_name[MXPROBE_VERDICTS] = {
	[MXPROBE_UNTOLD] = "no verdict", [MXPROBE_ACCEPTED] = "accepted",
	[MXPROBE_GREYLISTED] = "greylisted", [MXPROBE_DEFERRED] = "deferred",
	[MXPROBE_REFUSED] = "refused", [MXPROBE_HUNG_UP] = "hung up",
};

/* The plan of the probe that is next, after the first dialogue's. .invalid never exists (RFC 2606). */
static void
make_plan(struct mxprobe_server *v)
{
	const struct mxprobe_run *r = v->run;
	struct smtp_plan *p = &v->plan;

	*p = *r->plan;
	p->depth = SMTP_TO_RCPT;
	p->tls = v->first.was_tls ? SMTP_USE_STARTTLS : SMTP_PLAIN;
	v->rcpt = r->rcpt;
	if (v->at == MXPROBE_HELO_WORD)
		p->helo = "mxgauge";
	else if (v->at == MXPROBE_HELO_OWN)
		p->helo = v->host->name;
	else if (v->at == MXPROBE_SENDER_WORD)
		p->from = "mxgauge@probe";
	else if (v->at == MXPROBE_SENDER_OWN)
		p->from = r->sender_own;
	else if (v->at == MXPROBE_SENDER_NODOMAIN)
		p->from = "mxgauge@no-such-domain.invalid";
	else if (v->at == MXPROBE_UNKNOWN)
		v->rcpt = r->unknown;
	else if (v->at == MXPROBE_RELAY)
		v->rcpt = r->elsewhere;
	p->rcpt = &v->rcpt;
	p->rcpts = 1;
}

/* The next probe that is wanted. It gets half of the time that is left: one that is never answered
 * leaves some for the others. */
static void
next(struct mxprobe_server *v)
{
	double now = clock_now();

	while (v->at < MXPROBES && v->run->leave_out[v->at])
		v->at++;
	if (v->at >= MXPROBES || v->run->no_probes || now >= v->run->deadline)
		return;
	make_plan(v);
	smtp_start(&v->s, &v->plan, v->host->name, v->addr, 1, 0, now + (v->run->deadline - now) / 2);
}

/* A server whose processes are all in use says nothing of the probe; and behind RCPT the verdict is
 * known, whatever becomes of the QUIT. */
static enum mxprobe_verdict
judge(const struct smtp *s)
{
	if (s->verdict == SMTP_WELL || (s->phase >= SMTP_DATA && s->verdict != SMTP_OURS))
		return MXPROBE_ACCEPTED;
	if (s->phase <= SMTP_BANNER || s->phase == SMTP_STARTTLS || s->verdict == SMTP_OURS)
		return MXPROBE_UNTOLD;
	if (s->verdict == SMTP_GREYLISTED)
		return MXPROBE_GREYLISTED;
	if (s->verdict == SMTP_BROKEN)
		return MXPROBE_HUNG_UP;
	return s->code / 100 == 5 ? MXPROBE_REFUSED : s->code / 100 == 4 ? MXPROBE_DEFERRED :
	    MXPROBE_UNTOLD;	/* what was to be said needs an extension */
}

static void
first_done(struct mxprobe_server *v)
{
	const struct smtp *s = &v->first;
	struct slice params;

	v->reached = s->verdict == SMTP_WELL || s->phase == SMTP_QUIT || (s->verdict == SMTP_REFUSED &&
	    s->phase == SMTP_STARTTLS && !smtp_offers(s, SLICE("STARTTLS"), &params));
	if (!v->reached)
		return;
	next(v);
	if (v->s.state != SMTP_NEW)
		smtp_pool_add(&v->run->pool, &v->s);
}

static void
on_done(void *arg, struct smtp *s)
{
	struct mxprobe_server *v = s->owner;

	(void)arg;
	if (s == &v->first) {
		if (!v->reached && v->s.state == SMTP_NEW)
			first_done(v);
		return;
	}
	if (v->at >= MXPROBES)
		return;
	v->probe[v->at].verdict = judge(s);
	if (clock_now() >= s->deadline && v->probe[v->at].verdict == MXPROBE_HUNG_UP)
		v->probe[v->at].verdict = MXPROBE_UNTOLD;	/* our own haste */
	(void)snprintf(v->probe[v->at].said, sizeof v->probe[v->at].said, "%s", s->sentence);
	v->at++;
	smtp_end(s);
	next(v);
}

void
mxprobe_ask(struct mxprobe_run *r, const struct mxset *m)
{
	(void)snprintf(r->sender_own, sizeof r->sender_own, "mxgauge@%s", r->domain);
	for (size_t i = 0; i < m->hosts; i++)
		for (size_t k = 0; k < m->host[i].addrs; k++) {
			struct mxprobe_server *v = xcalloc(1, sizeof *v);

			*v = (struct mxprobe_server){ .run = r, .host = &m->host[i], .addr = &m->host[i].addr[k] };
			v->first.owner = v->s.owner = v;
			r->server = xreallocarray(r->server, r->servers + 1, sizeof *r->server);
			r->server[r->servers++] = v;
			smtp_start(&v->first, r->plan, v->host->name, v->addr, 1, 0, r->deadline);
			smtp_pool_add(&r->pool, &v->first);
		}
	r->pool.deadline = r->deadline;
	r->pool.done = on_done;
	smtp_run(&r->pool);
}
