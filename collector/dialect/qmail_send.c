/* qmail_send.c - qmail-send: the queue.
 *
 *	new msg 9812
 *	info msg 9812: bytes 2345 from <s@example.net> qp 771 uid 89
 *	starting delivery 5: msg 9812 to remote u@example.org
 *	status: local 0/10 remote 1/20
 *	delivery 5: success: 192.0.2.9_accepted_message./Remote_host_said:_250_ok/
 *	bounce msg 9812 qp 774
 *	end msg 9812
 *	warning: TEXT, alert: TEXT
 * from qmail-1.03 to netqmail, notqmail, s/qmail, qmail-ldap and indimail, which puts the name of
 * one of its queues behind each line. A message's number is an inode: it is free for the next
 * one as soon as the message has ended. qp is the process that put the mail into the queue.
 * Strangers' text has no blanks (qsutil.c logsafe()). */
#include "dialect/qmail.h"

#include "poison.h"

/* Nothing more, or the name of a queue. */
static bool
take_end(struct slice s, struct slice *queue)
{
	*queue = s;
	if (s.n == 0)
		return true;
	if (!slice_eat_char(&s, ' ') || s.n == 0 || s.n > 31 || slice_is_digit(s.p[0]) ||
	    memchr(s.p, ' ', s.n) != NULL)
		return false;
	*queue = s;
	return true;
}

/* "9812", and nothing more. */
static int
of_message(enum event_kind kind, uint32_t usec, struct slice s, struct event *out)
{
	struct event *e = event_begin(out, kind);
	struct slice queue;

	if (!qmail_number(&s, &e->id) || !take_end(s, &queue))
		return -1;
	e->usec = usec;
	return 1;
}

static int
info(uint32_t usec, struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_QUEUED);
	struct slice uid, queue;

	if (!qmail_number(&s, &e->id) || !slice_eat(&s, SLICE(": bytes ")) ||
	    !slice_u64(&s, &e->size) || !slice_eat(&s, SLICE(" from <")) ||
	    !slice_rcut_at(&s, SLICE("> qp "), &e->from) || !qmail_number(&s, &e->qp) ||
	    !slice_eat(&s, SLICE(" uid ")) || !qmail_number(&s, &uid) || !take_end(s, &queue))
		return -1;
	e->usec = usec;
	return 1;
}

static int
starting(uint32_t usec, struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_STARTED);

	if (!qmail_number(&s, &e->task) || !slice_eat(&s, SLICE(": msg ")) ||
	    !qmail_number(&s, &e->id))
		return -1;
	if (slice_eat(&s, SLICE(" to local ")))
		e->where = WHERE_LOCAL;
	else if (slice_eat(&s, SLICE(" to remote ")))
		e->where = WHERE_EXT;
	else
		return -1;
	if (!slice_cut(&s, ' ', &e->to))
		e->to = s;
	else
		e->sess = s;	/* each queue of indimail counts its deliveries */
	e->usec = usec;
	return e->to.n > 0 ? 1 : -1;
}

static int
bounce(uint32_t usec, struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_DSN_SENT);
	struct slice queue;

	if (!qmail_number(&s, &e->id) || !slice_eat(&s, SLICE(" qp ")) ||
	    !qmail_number(&s, &e->qp) || !take_end(s, &queue))
		return -1;
	e->stage = SLICE("sender non-delivery");
	e->usec = usec;
	return 1;
}

/* "bounce/9812": a notification that would have nobody to go to. */
static int
discarding(uint32_t usec, struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_DISCARDED);
	ptrdiff_t slash;
	struct slice path;

	if (!slice_cut(&s, ' ', &path))	/* behind it a queue's name */
		path = s;
	slash = slice_rfind(path, SLICE("/"));
	path = slice_from(path, (size_t)(slash + 1));
	if (!qmail_number(&path, &e->id) || path.n > 0)
		return -1;
	e->cls = REASON_policy;
	e->sub = SLICE("null_sender");
	e->usec = usec;
	return 1;
}

/* " local 0/10 remote 3/20 exitasap": how many deliveries run, channel by channel. */
static int
status(struct slice s, struct event *out)
{
	int n = 0;

	while (n < 8 && slice_eat_char(&s, ' ')) {
		struct slice rest = s, name;
		uint64_t running, limit;

		if (!slice_cut(&rest, ' ', &name) || name.n == 0 || !slice_u64(&rest, &running) ||
		    !slice_eat_char(&rest, '/') || !slice_u64(&rest, &limit))
			break;
		event_begin(&out[n], EV_STATS);
		out[n].stage = name;
		out[n++].count = running < UINT32_MAX ? (uint32_t)running : UINT32_MAX;
		s = rest;
	}
	if (n == 0 && !slice_ends(s, SLICE("exiting")) && !slice_ends(s, SLICE(" asap")))
		return -1;
	return n;
}

/* The first that fits. */
static const struct ruling troubles[] = {
	{ "out of memory", EV_QWARN, REASON_resource, "memory", "" },
	{ "cannot start", EV_QWARN, REASON_resource, "config", "" },
	{ "unable to reread", EV_QWARN, REASON_resource, "config", "" },
	{ "oh no! lost", EV_QWARN, REASON_resource, "process", "" },
	{ "qmail-todo: oh no! lost", EV_QWARN, REASON_resource, "process", "" },
	{ "unable to start qmail-queue", EV_QWARN, REASON_resource, "process", "" },
	{ "", EV_QWARN, REASON_resource, "queue", "" },
};

static int
trouble(struct slice s, struct event *out)
{
	struct event *e = qmail_rule(out, qmail_ruling(troubles, sizeof troubles / sizeof *troubles, s));

	e->text = s;
	return 1;
}

/* indimail tells each delivery once more: "local: FROM TO SIZE QUEUE". */
static const struct slice heads[] = {
	{ "new msg ", 8 }, { "info msg ", 9 }, { "starting delivery ", 18 }, { "delivery ", 9 },
	{ "status: ", 8 }, { "end msg ", 8 }, { "bounce msg ", 11 }, { "warning: ", 9 },
	{ "alert: ", 7 }, { "triple bounce: discarding ", 26 }, { "double bounce: discarding ", 26 },
	{ "local: ", 7 }, { "remote: ", 8 },
};

bool
qmail_is_send(struct slice s)
{
	return slice_starts_any(s, heads, sizeof heads / sizeof heads[0]);
}

int
qmail_send(uint32_t usec, struct slice s, struct event *out)
{
	if (slice_eat(&s, SLICE("delivery ")))
		return qmail_delivery(usec, s, out);
	if (slice_eat(&s, SLICE("status:")))
		return status(s, out);
	if (slice_eat(&s, SLICE("starting delivery ")))
		return starting(usec, s, out);
	if (slice_eat(&s, SLICE("new msg ")))
		return of_message(EV_NEW, usec, s, out);
	if (slice_eat(&s, SLICE("info msg ")))
		return info(usec, s, out);
	if (slice_eat(&s, SLICE("end msg ")))
		return of_message(EV_REMOVED, usec, s, out);
	if (slice_eat(&s, SLICE("bounce msg ")))
		return bounce(usec, s, out);
	if (slice_eat(&s, SLICE("warning: ")) || slice_eat(&s, SLICE("alert: ")))
		return trouble(s, out);
	if (slice_eat(&s, SLICE("triple bounce: discarding ")) ||
	    slice_eat(&s, SLICE("double bounce: discarding ")))
		return discarding(usec, s, out);
	return 0;
}
