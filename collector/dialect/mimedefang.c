/* mimedefang.c - MIMEDefang: mimedefang.pl (the filter), mimedefang (the milter) and
 * mimedefang-multiplexor.
 *
 *	4F1A2B: MDLOG,4F1A2B,spam,7.2,192.0.2.1,<a@example.net>,<b@example.org>,subject
 *	MDLOG,4F1A2B,virus,Eicar,192.0.2.1,<a@example.net>,rcpts=3,subject
 *	4F1A2B: Bouncing because filter instructed us to		(mimedefang)
 *	4F1A2B: Error from multiplexor: ERR No response from worker
 *	Worker 0 died prematurely -- check your filter rules		(mimedefang-multiplexor)
 *	Reap: worker 0 (pid 4711) exited normally with status 1 (WORKER DIED UNEXPECTEDLY)
 * A line of MDLOG is printed for each recipient; the verdict is the mail's, and its id makes it
 * one. What is in it is the admin's choice: the names of the suggested filters are known, others
 * are an information. Values are percent-encoded, but for filters that ask for none: only what
 * stands before them decides. */
#include "dialect/filter.h"

#include "poison.h"

static bool
claims(const struct line *l)
{
	struct slice t = scan_base(l->tag);

	return slice_eq(t, SLICE("mimedefang")) || slice_eq(t, SLICE("mimedefang.pl")) ||
	       slice_eq(t, SLICE("mimedefang-multiplexor"));
}

/* The kind of an event that md_graphdefang_log() was called with. */
static enum event_kind
kind_of(struct slice name)
{
	static const struct {
		struct slice name;
		enum event_kind kind;
	} names[] = {
		{ SLICE("spam"), EV_SPAM },
		{ SLICE("virus"), EV_VIRUS },
		{ SLICE("bad_filename"), EV_BANNED },
		{ SLICE("bad_extension"), EV_BANNED },
		{ SLICE("message/partial"), EV_BANNED },
		{ SLICE("suspicious_chars"), EV_BANNED },
		{ SLICE("mail_in"), EV_HAM },
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (slice_eq(name, names[i].name))
			return names[i].kind;
	return EV_INFO;
}

/* "4F1A2B,spam,7.2,192.0.2.1,<a@example.net>,<b@example.org>,subject" */
static int
mdlog(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_INFO);
	struct slice id, name, v1, v2;
	uint64_t n;

	if (!slice_cut(&s, ',', &id) || !slice_cut(&s, ',', &name) ||
	    !slice_cut(&s, ',', &v1) || !slice_cut(&s, ',', &v2))
		return -1;
	if (filter_is_id(id))
		e->id = id;
	e->kind = kind_of(name);
	e->sub = e->kind == EV_VIRUS && v1.n > 0 ? v1 : name;
	e->text = v1;
	if (scan_is_ip(v2))
		e->client_ip = v2;
	if (!scan_address(&s, &e->from))
		return 1;
	if (slice_eat(&s, SLICE(",rcpts=")) && slice_u64(&s, &n) && n <= UINT32_MAX)
		e->nrcpt = (uint32_t)n;
	else if (slice_eat_char(&s, ','))
		scan_address(&s, &e->to);
	return 1;
}

/* "4F1A2B: " of a mail that the filter speaks of. */
static void
take_mail(struct slice *s, struct slice *id)
{
	struct slice rest = *s;

	*id = slice_head(rest, 0);
	if (filter_take_id(&rest, id) && slice_eat(&rest, SLICE(": ")))
		*s = rest;
	else
		id->n = 0;
}

/* The mail is not looked at: the milter answers with a temporary failure. */
static bool
is_broken(struct slice s)
{
	static const char *const heads[] = { "Error from multiplexor: ", "MXCommand: ",
		"mfconnect: ", "Error communicating with ",
		"Filter did not create RESULTS file", "RESULTS file ", "Filter failed. ",
		"Unknown command '", "Overlong line in RESULTS", "Unable to stat RESULTS",
		"Could not create directory ", "Unable to write ", "Out of memory",
		"fork() failed", "No free workers",
		"doScan: ", "handleWorkerReceivedCommand", "map command failed",
		"Error in Event_HandleEvent", "Failed to allocate ",
		"Unable to activate worker", "Could not start worker ", "stream_by_",
		"Cannot read filter ", "COMMANDS file from mimedefang",
		"External filter exited with", "Problem running virus",
		"Clamd returned error", "Could not connect to ", "Cannot connect to ",
		"Timeout reading from ", "Error writing to ", "Did not get response from ",
		"Cannot fork ", "Could not exec ", "sendmail failure ",
		"sendmail non-zero exit", "Error reading RESULTS", "Could not open ",
		"Argh!!! ", "EventTcp_ReadBuf failed", "EventTcp_WriteBuf failed", "doWorkerCommand: ", NULL };

	return filter_begins(s, heads) ||
	    slice_has(slice_head(s, 80), SLICE(": Unable to obtain private data from milter context"));
}

/* "Worker 0 died prematurely", "Worker 0 ran out of memory", "Reap: worker ... UNEXPECTEDLY)",
 * "Killing busy worker 0 (pid 4711) ...: Busy timeout" */
static bool
is_dead_worker(struct slice s)
{
	uint64_t n;

	if (slice_starts(s, SLICE("Reap: worker ")))
		return slice_ends(s, SLICE("(WORKER DIED UNEXPECTEDLY)"));
	if (slice_starts(s, SLICE("Killing busy worker ")))
		return true;
	return (slice_eat(&s, SLICE("Worker ")) || slice_eat(&s, SLICE("Slave "))) &&
	       slice_u64(&s, &n) &&
	       (slice_starts(s, SLICE(" died prematurely")) ||
		   slice_starts(s, SLICE(" ran out of memory")) ||
		   slice_starts(s, SLICE(" stderr: ")));
}

static int
other(struct slice s, struct event *out)
{
	static const struct slice name = SLICE("mimedefang");
	static const char *const warnings[] = { "All workers are busy",
		"All slaves are busy", "Message contains ", "Invalid ", "Could not ",
		"Cannot ", "Unable ", "Attempt", "Unknown ", "Unexpected ", "Error ",
		"WARNING: ", "Hit per-domain ", "Did not start worker ", "Variable $",
		"Config file ", "get_smtp_return_code", "Call to ", "Skipped ",
		"Still some workers ", "reply_to_", "handle", "writen failed", "Tick ",
		"Macro name too long", "Illegal conn", "failed to clean up",
		"Falling back ", NULL };
	static const char *const actions[] = { "Bouncing because ", "Discarding because ",
		"Tempfailing because ", "filter: ", NULL };
	struct event *e;

	if (is_broken(s) || is_dead_worker(s))
		return filter_trouble(out, EV_FILTER_FAIL, name, s);
	if (filter_begins(s, warnings))
		return filter_trouble(out, EV_QWARN, name, s);
	if (!filter_begins(s, actions) && !slice_has(s, SLICE(" said DISCARD: ")))
		return 0;
	e = event_begin(out, EV_INFO); /* the MTA tells what became of the mail */
	e->text = s;
	return 1;
}

/* What the milter and the multiplexor say of themselves. */
static bool
is_talk(struct slice s)
{
	static const char *const heads[] = { "started; ", "Starting worker ",
		"Starting slave ", "Reap: worker ", "Reap: slave ", "Worker ", "Slave ",
		"Received SIG", "MIMEDefang alive", "MIMEDefang-", "Multiplexor alive",
		"stats ", "Killing ", "Scheduling ", "Bringing ", "mimedefang",
		"Filter time is ", "IP validation header", "Initialized ", "Re-read",
		"Stopping ", "rereading", "Not cleaning up ", "drop_privs",
		"INFO: ", "Exiting", NULL };

	return filter_begins(s, heads);
}

static int
parse(const struct line *l, struct event out[EVENTS_MAX])
{
	struct slice s = l->text, id;
	int n;

	take_mail(&s, &id);
	if (slice_eat(&s, SLICE("MDLOG,")))
		return filter_answer(l, out, mdlog(s, out));
	n = other(s, out);
	for (int i = 0; i < n; i++)
		out[i].id = id;
	/* of a mail, or from mimedefang.pl, it is whatever the admin's filter says */
	if (n == 0 && id.n == 0 && !is_talk(s) && !slice_ends(l->tag, SLICE(".pl")))
		n = -1;
	return filter_answer(l, out, n);
}

const struct dialect dialect_mimedefang = {
	.name = "mimedefang", .claims = claims, .parse = parse
};
