/* passive_work.c - what "mxgauge passive" does all day: run checks, store results, tell monitors, say how it is. */
#include "passive_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"
#include "monitors.h"
#include "store/passiveconf.h"

#include "poison.h"

enum {
	GATHER_S = 1,		/* from one delivery to the next, so that results travel together */
	RETRY_MAX_S = 60,
	OVERDUE_S = 60
};

/* --- results ----------------------------------------------------------------------------- */

static void
look_at_spool(struct passive *p, struct line *l)
{
	struct err e;

	if (!spool_count(p->spool, l->id, &l->count, &e)) {
		fault_met(&p->spool_fault, now_s(), e.text);
		return;
	}
	if (l->count.dropped > l->dropped_told)
		message(MSG_results_dropped, "monitor \"%s\": %" PRId64, l->c->name,
		    l->count.dropped - l->dropped_told);
	l->dropped_told = l->count.dropped;
}

static bool
store(struct job *j, const struct result *r)
{
	struct passive *p = j->all;
	int64_t to[MONITORS_MAX];
	size_t n = 0;
	struct err e;

	for (size_t i = 0; i < p->nlines; i++)
		if (passiveconf_tells(j->c, p->line[i].c))
			to[n++] = p->line[i].id;
	if (!spool_put(p->spool, to, n, r, &e)) {
		fault_met(&p->spool_fault, now_s(), e.text);
		return false;
	}
	fault_over(&p->spool_fault, now_s());
	for (size_t i = 0; i < p->nlines; i++)
		if (passiveconf_tells(j->c, p->line[i].c))
			look_at_spool(p, &p->line[i]);
	return true;
}

void
passive_forget(struct job *j)
{
	if (j->unstored != NULL)
		free((void *)(uintptr_t)j->unstored->text);
	free(j->unstored);
	j->unstored = NULL;
}

static void
on_result(void *arg, const struct result *r)
{
	struct job *j = arg;
	int64_t interval = r->state != RESULT_OK && j->c->retry_interval > 0 ? j->c->retry_interval :
	    j->c->interval;

	j->run = NULL;
	j->ran = true;
	j->due += (double)interval;
	if (j->due < clock_now())	/* it was late: no run is made up for */
		j->due = clock_now() + (double)interval;
	if (store(j, r))
		return;
	j->unstored = xmalloc(sizeof *j->unstored);
	*j->unstored = *r;	/* host and service are the configuration's */
	j->unstored->text = xstrdup(r->text);
}

void
passive_check(struct passive *p)
{
	size_t running = 0;

	for (size_t i = 0; i < p->njobs; i++)
		running += p->job[i].run != NULL;
	for (size_t i = 0; i < p->njobs; i++) {
		struct job *j = &p->job[i];

		if (j->unstored != NULL && store(j, j->unstored))
			passive_forget(j);
		if (j->run != NULL || j->unstored != NULL || j->due > clock_now() || (p->once && j->ran) ||
		    running >= (size_t)p->config->passive_jobs)
			continue;
		j->run = checkrun_start(p->base, j->c, on_result, j);
		running++;
	}
}

/* --- monitors ---------------------------------------------------------------------------- */

static bool
settle(struct passive *p, struct line *l, const int64_t *id, size_t n, bool refused)
{
	struct err e;

	if (n == 0 || spool_done(p->spool, l->id, id, n, refused, now_s(), &e))
		return true;
	fault_met(&p->spool_fault, now_s(), e.text);	/* it will hear of them once more */
	return false;
}

/* But for numbers, which differ from time to time. */
static bool
same_cause(const char *a, const char *b)
{
	for (;; a++, b++) {
		while (slice_is_digit(*a))
			a++;
		while (slice_is_digit(*b))
			b++;
		if (*a != *b || *a == '\0')
			return *a == *b;
	}
}

static void
on_delivered(void *arg, const struct delivered *d)
{
	struct line *l = arg;
	struct passive *p = l->all;
	char text[DELIVER_SAID + 100];
	bool good = settle(p, l, d->taken, d->ntaken, false), failed = l->fault.since != 0;

	good = settle(p, l, d->refused, d->nrefused, true) && good;
	l->now = NULL;
	if (d->nrefused > 0) {
		(void)snprintf(text, sizeof text, "monitor \"%s\": %s", l->c->name, d->refused_why);
		faults_met(&p->refused, now_s(), text);
		(void)snprintf(l->said, sizeof l->said, "%s", d->refused_why);
	}
	if (d->failed) {
		(void)snprintf(text, sizeof text, "monitor \"%s\": %s", l->c->name, d->why);
		if (!same_cause(l->said, d->why))
			l->fault.say_at = 0;	/* another cause is news */
		fault_met(&l->fault, now_s(), text);
		(void)snprintf(l->said, sizeof l->said, "%s", d->why);
	} else {
		if (l->fault.since != 0 && d->nrefused == 0)
			l->said[0] = '\0';
		(void)snprintf(text, sizeof text, "monitor \"%s\"", l->c->name);
		l->fault.of = text;
		fault_over(&l->fault, now_s());
		l->fault.of = NULL;
	}
	if (d->failed != failed)
		p->alive_at = 0;	/* the status is to tell it soon */
	if (d->failed || !good) {
		l->next = clock_now() + l->wait_s;
		l->wait_s = l->wait_s * 2 < RETRY_MAX_S ? l->wait_s * 2 : RETRY_MAX_S;
	} else {
		l->wait_s = PASSIVE_RETRY_S;
		/* what is left of a backlog goes at once */
		l->next = clock_now() + (d->ntaken + d->nrefused == DELIVER_MOST ? 0 : GATHER_S);
	}
	look_at_spool(p, l);
}

static void
tell(struct passive *p, struct line *l)
{
	struct spooled batch[DELIVER_MOST];
	struct arena memory = { 0 };
	size_t n = 0;
	struct err e;

	if (!spool_take(p->spool, l->id, batch, DELIVER_MOST, &n, &memory, &e))
		fault_met(&p->spool_fault, now_s(), e.text);
	else if (n > 0 && (l->now = deliver_start(p->base, l->c, batch, n, on_delivered, l, &e)) == NULL)
		fault_met(&l->fault, now_s(), e.text);
	if (l->now == NULL)
		l->next = clock_now() + PASSIVE_RETRY_S;
	arena_free(&memory);
}

void
passive_tell(struct passive *p)
{
	for (size_t i = 0; i < p->nlines; i++) {
		struct line *l = &p->line[i];

		if (l->now == NULL && l->count.waiting > 0 && l->next <= clock_now())
			tell(p, l);
	}
}

size_t
passive_deliveries(const struct passive *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->nlines; i++)
		n += p->line[i].now != NULL;
	return n;
}

/* --- how we are ---------------------------------------------------------------------------- */

static void
fill_row(struct monitor_row *r, const struct line *l)
{
	*r = (struct monitor_row){ .sent_at = l->count.sent_at, .failed_since = l->fault.since,
		.waiting = l->count.waiting, .oldest_at = l->count.oldest_at, .sent = l->count.sent,
		.refused = l->count.refused, .dropped = l->count.dropped, .dropped_at = l->count.dropped_at };
	(void)snprintf(r->name, sizeof r->name, "%s", l->c->name);
	(void)snprintf(r->type, sizeof r->type, "%s", l->c->type);
	(void)snprintf(r->said, sizeof r->said, "%s", l->said);
}

void
passive_status(struct passive *p, bool last)
{
	struct monitors m = { .started_at = p->started_at, .beat_at = now_s(), .pid = last ? 0 : (int64_t)getpid(),
		.checks = (int64_t)p->njobs, .n = p->nlines };
	struct err e;

	for (size_t i = 0; i < p->njobs; i++)
		m.overdue += p->job[i].run == NULL && p->job[i].due < clock_now() - OVERDUE_S;
	for (size_t i = 0; i < p->nlines; i++)
		fill_row(&m.row[i], &p->line[i]);
	if (!monitors_write(p->config->state, &m, &e))
		fault_met(&p->spool_fault, now_s(), e.text);
}

void
passive_reap(struct passive *p)
{
	for (size_t i = 0; i < p->njobs; i++)
		if (p->job[i].run != NULL)
			checkrun_look(p->job[i].run);
	for (size_t i = 0; i < p->nlines; i++)
		if (p->line[i].now != NULL)
			deliver_look(p->line[i].now);
}

void
passive_expire(struct passive *p)
{
	struct err e;

	if (!spool_expire(p->spool, now_s(), &e))
		fault_met(&p->spool_fault, now_s(), e.text);
	for (size_t i = 0; i < p->nlines; i++)
		look_at_spool(p, &p->line[i]);
}
