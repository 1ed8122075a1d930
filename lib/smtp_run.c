/* smtp_run.c - many dialogues and the questions to name servers in one poll loop. See smtp.h. */
#include <math.h>
#include <stdlib.h>

#include "clock.h"
#include "mem.h"
#include "smtp.h"

#include "poison.h"

void
smtp_pool_add(struct smtp_pool *p, struct smtp *s)
{
	p->v = xreallocarray(p->v, p->n + 1, sizeof *p->v);
	p->v[p->n++] = s;
}

/* Whom poll() is to watch; which[i] is the dialogue of fds[i]. The name server's come first. */
struct watched {
	struct pollfd *fds;
	struct smtp **which;
	size_t dns, n;
	double until;
};

static void
watch(struct smtp_pool *p, struct watched *w, double now)
{
	int ms = 60000;

	w->fds = xreallocarray(w->fds, p->n + DNS_POLLFDS, sizeof *w->fds);
	w->which = xreallocarray(w->which, p->n + DNS_POLLFDS, sizeof *w->which);
	w->until = p->deadline;
	w->n = w->dns = p->dns != NULL ? dns_poll(p->dns, w->fds, &ms) : 0;
	if (now + ms / 1e3 < w->until)
		w->until = now + ms / 1e3;
	for (size_t i = 0; i < p->n; i++) {
		double until;

		if (!smtp_wants(p->v[i], &w->fds[w->n], &until))
			continue;
		w->which[w->n++] = p->v[i];
		if (until < w->until)
			w->until = until;
	}
}

/* A dialogue that ended may begin again, and end at once. */
static void
tell(struct smtp_pool *p, struct smtp *s)
{
	for (int i = 0; s->state == SMTP_DONE && p->done != NULL && i < 1000; i++) {
		p->done(p->arg, s);
		if (s->state == SMTP_DONE)
			break;
	}
}

static void
serve(struct smtp_pool *p, struct watched *w)
{
	size_t had = p->n;

	for (size_t i = w->dns; i < w->n; i++) {
		struct smtp *s = w->which[i];
		double now = clock_now(), until;
		struct pollfd fd;

		if (w->fds[i].revents == 0 && smtp_wants(s, &fd, &until) && now < until)
			continue;
		smtp_ready(s, w->fds[i].revents, now);
		tell(p, s);
	}
	if (p->dns != NULL && dns_waiting(p->dns) > 0)
		dns_ready(p->dns, w->fds, w->dns);
	for (size_t i = had; i < p->n; i++)
		tell(p, p->v[i]);	/* some fail where they stand */
}

void
smtp_run(struct smtp_pool *p)
{
	struct watched w = { .n = 0 };

	for (size_t i = 0; i < p->n; i++)
		tell(p, p->v[i]);
	for (;;) {
		double now = clock_now(), wait;

		watch(p, &w, now);
		if (w.n == 0 && (p->dns == NULL || dns_waiting(p->dns) == 0))
			break;
		wait = w.until > now ? ceil((w.until - now) * 1e3) : 0;
		(void)poll(w.fds, (nfds_t)w.n, (int)wait);
		serve(p, &w);
		if (clock_now() >= p->deadline && w.n == w.dns)
			break;	/* only name servers are waited for */
	}
	free(w.fds);
	free(w.which);
}
