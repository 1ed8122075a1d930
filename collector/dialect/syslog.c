/* syslog.c - log daemons that say they lost messages: what we count is then too low.
 *
 *	rsyslogd: imuxsock lost 57 messages from pid 4711 due to rate-limiting
 *	rsyslogd: imuxsock[pid: 4711, name: postfix/smtpd]: 57 messages lost due to rate-limiting
 *	rsyslogd: imjournal: 57 messages lost due to rate-limiting
 *	systemd-journald[1]: Suppressed 57 messages from postfix@-.service
 * All their other lines are without use. */
#include "dialect/dialect.h"

#include "poison.h"

/* The number of lost messages and who had sent them. */
static bool
take_loss(struct slice s, uint64_t *n, struct slice *who)
{
	struct slice head;

	*who = slice_head(s, 0);
	if (slice_eat(&s, SLICE("Suppressed "))) {	/* journald */
		if (!slice_u64(&s, n) || !slice_eat(&s, SLICE(" messages from ")))
			return false;
		*who = s;
		return true;
	}
	if (slice_eat(&s, SLICE("imuxsock lost "))) {
		if (!slice_u64(&s, n) || !slice_eat(&s, SLICE(" messages from ")))
			return false;
		*who = slice_cut_at(&s, SLICE(" due to"), &head) ? head : s;
		return true;
	}
	if (!slice_starts(s, SLICE("imuxsock")) && !slice_starts(s, SLICE("imjournal")))
		return false;
	if (slice_cut_at(&s, SLICE("]: "), &head)) {
		if (slice_cut_at(&head, SLICE("name: "), who))
			*who = head;
	} else if (!slice_cut_at(&s, SLICE(": "), &head)) {
		return false;
	}
	return slice_u64(&s, n) && slice_starts(s, SLICE(" messages lost"));
}

static bool
claims(const struct line *l)
{
	return slice_starts(l->tag, SLICE("rsyslog")) ||
	    slice_starts(l->tag, SLICE("systemd-journal"));
}

static int
parse(const struct line *l, struct event out[EVENTS_MAX])
{
	struct event *e = event_begin(out, EV_LOG_LOSS);
	uint64_t n;

	if (!take_loss(l->text, &n, &e->sub))
		return 0;
	e->count = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
	e->text = l->text;
	e->service = l->tag;
	return 1;
}

const struct dialect dialect_syslog = { .name = "syslog", .claims = claims, .parse = parse };
