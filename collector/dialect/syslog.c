/* syslog.c - log daemons that say they lost messages: what we count is then too low; and what the kernel
 * says of memory and disks that ran out, for then mail waits.
 *
 *	rsyslogd: imuxsock lost 57 messages from pid 4711 due to rate-limiting
 *	rsyslogd: imuxsock[pid: 4711, name: postfix/smtpd]: 57 messages lost due to rate-limiting
 *	rsyslogd: imjournal: 57 messages lost due to rate-limiting
 *	systemd-journald[1]: Suppressed 57 messages from postfix@-.service
 *	rsyslogd: action 'action-1-builtin:omfwd' suspended (module 'builtin:omfwd'), next retry is ...
 *	kernel: [77.123456] Out of memory: Killed process 4711 (spamd) total-vm:...
 * All other lines of log daemons are without use, the kernel's are no business of ours. */
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

static int
trouble(const struct line *l, const char *sub, struct event *out)
{
	struct event *e = event_begin(out, EV_QWARN);

	e->cls = REASON_resource;
	e->sub = slice_of(sub);
	e->text = l->text;
	e->service = l->tag;
	return 1;
}

static int
kernel(const struct line *l, struct event *out)
{
	struct slice s = l->text, uptime;

	if (slice_starts(s, SLICE("[")) && slice_cut_at(&s, SLICE("] "), &uptime))
		(void)slice_eat_char(&s, ' ');
	if (slice_starts(s, SLICE("Out of memory: Kill")) ||
	    slice_starts(s, SLICE("Memory cgroup out of memory: Kill")))
		return trouble(l, "memory", out);
	if (slice_has(slice_head(s, 200), SLICE("No space left")))
		return trouble(l, "disk", out);
	return DIALECT_FOREIGN;
}

static bool
claims(const struct line *l)
{
	return slice_eq(l->tag, SLICE("kernel")) || slice_starts(l->tag, SLICE("rsyslog")) ||
	    slice_starts(l->tag, SLICE("systemd-journal"));
}

static int
parse(const struct line *l, struct event out[EVENTS_MAX])
{
	struct event *e = event_begin(out, EV_LOG_LOSS);
	uint64_t n;

	if (slice_eq(l->tag, SLICE("kernel")))
		return kernel(l, out);
	if (slice_starts(l->text, SLICE("action '")) && slice_has(l->text, SLICE("' suspended")))
		return trouble(l, "log", out);
	if (!take_loss(l->text, &n, &e->sub))
		return 0;
	e->count = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
	e->text = l->text;
	e->service = l->tag;
	return 1;
}

const struct dialect dialect_syslog = { .name = "syslog", .claims = claims, .parse = parse };
