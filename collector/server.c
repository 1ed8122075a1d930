/* server.c - syslog from the network, see server.h: which listeners there are, and what the
 * daemon asks. */
#include "server.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "logtime.h"
#include "mem.h"
#include "plural.h"
#include "server_priv.h"

#include "poison.h"

enum { DRAIN_S = 1, EXPIRES_S = 7 * DAY_S, DESCRIPTORS = 2000 + 512 };

void
server_fail(struct server *s, const struct err *e)
{
	s->failed = true;
	s->hooks.failed(s->hooks.arg, e);
}

/* Those that are not wanted go, with their clients. */
static void
sweep(struct server *s)
{
	struct listener **at = &s->listener, *l;

	clients_sweep(s);
	while ((l = *at) != NULL) {
		if (l->wanted) {
			at = &l->next;
		} else {
			*at = l->next;
			listener_free(l);
		}
	}
}

static struct listener *
find(const struct server *s, const char *text)
{
	for (struct listener *l = s->listener; l != NULL; l = l->next)
		if (strcmp(l->text, text) == 0)
			return l;
	return NULL;
}

/* The ones that c has and s lacks, as a list; false: one cannot be had. */
static bool
open_new(struct server *s, const struct config *c, struct listener **new, struct err *e)
{
	for (size_t i = 0; i < c->nsources; i++) {
		for (size_t k = 0; k < c->source[i].listen.n; k++) {
			const char *text = c->source[i].listen.item[k];
			struct listener *l = find(s, text);

			if (l == NULL) {
				if ((l = listener_new(s, text, e)) == NULL)
					return false;
				l->next = *new;
				*new = l;
			}
			l->source = &c->source[i];
			l->wanted = true;
			if (!listener_load(l, e))
				return false;
		}
	}
	return true;
}

/* --- what the daemon calls ------------------------------------------------------------ */

static void
set_all(struct server *s)
{
	for (struct listener *l = s->listener; l != NULL; l = l->next) {
		bool reads = s->senders != NULL && (!s->paused || !listener_is_stream(l));

		(void)(reads ? event_add(l->event, NULL) : event_del(l->event));
	}
	clients_set_reading(s);
}

/* Each client takes one, and the state, RRDs and logs take some. At once for the largest
 * max_clients: on a reload we are confined, and may not. */
static void
raise_descriptors(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur >= DESCRIPTORS)
		return;
	r.rlim_cur = r.rlim_max == RLIM_INFINITY || r.rlim_max > DESCRIPTORS ? DESCRIPTORS : r.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &r);
}

struct server *
server_new(struct event_base *base, const struct server_hooks *hooks)
{
	struct server *s = xcalloc(1, sizeof *s);
	struct timespec ts;

	raise_descriptors();
	s->base = base;
	s->hooks = *hooks;
	s->refused.id = MSG_syslog_refused;
	s->full.id = MSG_syslog_full;
	s->bad.id = MSG_syslog_bad;
	(void)clock_gettime(CLOCK_REALTIME, &ts);	/* a session's number is never used again */
	s->serial = (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
	s->dropped.id = MSG_syslog_dropped;
	s->crowded.id = MSG_syslog_crowded;
	if (gethostname(s->host, sizeof s->host - 1) != 0)
		s->host[0] = '\0';
	s->tls.id = MSG_syslog_tls;
	s->expires.id = MSG_syslog_tls_expires;
	return s;
}

bool
server_open(struct server *s, const struct config *c, struct ingest *in, struct err *e)
{
	struct listener *new = NULL, *next;

	for (struct listener *l = s->listener; l != NULL; l = l->next)
		l->wanted = false;
	if (!open_new(s, c, &new, e)) {
		for (struct listener *l = s->listener; l != NULL; l = l->next)
			listener_take(l, false);
		for (; new != NULL; new = next) {
			next = new->next;
			listener_free(new);
		}
		return false;
	}
	for (; new != NULL; new = next) {
		next = new->next;
		new->next = s->listener;
		s->listener = new;
	}
	for (struct listener *l = s->listener; l != NULL; l = l->next)
		listener_take(l, true);
	sweep(s);
	s->config = c;
	s->in = in;
	s->senders = senders_open(in);
	s->paused = false;
	set_all(s);
	return true;
}

void
server_leave(struct server *s)
{
	if (s == NULL)
		return;
	senders_close(s->senders);
	s->senders = NULL;
	s->in = NULL;
	for (struct listener *l = s->listener; l != NULL; l = l->next)
		l->last_sender = NULL;
	clients_forget(s);
	set_all(s);
}

void
server_free(struct server *s)
{
	if (s == NULL)
		return;
	for (struct listener *l = s->listener; l != NULL; l = l->next)
		l->wanted = false;
	sweep(s);
	senders_close(s->senders);
	free(s);
}

/* Each limit stands in the state, and what it cost is a metric of this machine. */
static void
tell_limits(struct server *s, int64_t now)
{
	struct state *state = ingest_state(s->in);

	if (s->listener == NULL)
		return;
	state_limit(state, "clients", (int64_t)s->clients, s->config->max_clients, s->hits.clients, now);
	state_limit(state, "datagrams", (int64_t)s->held, s->config->datagram_bytes, s->hits.held, now);
	state_limit(state, "udp_dropped", 0, 0, s->hits.kernel, now);
	ingest_count(s->in, s->host, M_syslog_full, s->hits.clients);
	ingest_count(s->in, s->host, M_syslog_lost, s->hits.held + s->hits.kernel);
	s->hits.clients = s->hits.held = s->hits.kernel = 0;
}

void
server_remember(struct server *s, int64_t now)
{
	tell_limits(s, now);
	senders_remember(s->senders, now);
}

bool
server_awaited(const struct server *s)
{
	return clients_wait(s);
}

void
server_committed(struct server *s)
{
	clients_committed(s);
	if (s->paused) {
		s->paused = false;
		set_all(s);
	}
}

void
server_pause(struct server *s)
{
	s->paused = true;
	set_all(s);
}

/* Whoever checks certificates will not send to one that has expired. */
static void
look_at_certificates(struct server *s, int64_t now)
{
	const struct listener *first = NULL;
	char text[SENDER_NAME_MAX * 2];
	int64_t left;

	for (const struct listener *l = s->listener; l != NULL; l = l->next)
		if (l->tls != NULL && (first == NULL || tls_server_ends(l->tls) < tls_server_ends(first->tls)))
			first = l;
	left = first == NULL ? INT64_MAX : tls_server_ends(first->tls) - now;
	if (left > EXPIRES_S) {
		fault_over(&s->expires, now);
		return;
	}
	if (left < 0)
		snprintf(text, sizeof text, "%s: %s expired %" PRId64 " %s ago", first->name,
		    first->source->tls_certificate, -left / HOUR_S, PLURAL(-left / HOUR_S, "hour", "hours"));
	else
		snprintf(text, sizeof text, "%s: %s in %" PRId64 " %s", first->name,
		    first->source->tls_certificate, left / HOUR_S, PLURAL(left / HOUR_S, "hour", "hours"));
	fault_met(&s->expires, now, text);
}

void
server_tick(struct server *s, int64_t now)
{
	look_at_certificates(s, now);
	datagrams_release(s);
	if (s->deaf) {
		s->deaf = false;
		set_all(s);
	}
	clients_tick(s, now);
}

void
server_drain(struct server *s)
{
	int64_t until = server_now() + DRAIN_S;
	bool more;

	if (s->paused)
		s->hooks.commit(s->hooks.arg);	/* or what is held would be lost */
	more = !s->paused && s->senders != NULL;
	while (more && !s->failed && server_now() <= until && !ingest_full(s->in)) {
		more = false;
		datagrams_release(s);
		for (struct listener *l = s->listener; l != NULL; l = l->next)
			if (!listener_is_stream(l))
				more |= datagram_take(l);
		more |= clients_drain(s);
	}
}
