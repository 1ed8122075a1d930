/* mailscanner.c - MailScanner: what it made of each message, and of batches of them.
 *
 *	Message 4F1A2B.A1B2C from 192.0.2.1 (a@example.net) to example.org is spam,
 *	    SpamAssassin (not cached, score=7.2, required 4, BAYES_99 3.50)
 *	Message 4F1A2B.A1B2C from 192.0.2.1 (a@example.net) to example.org is not spam, ...
 *	Infected message 4F1A2B.A1B2C came from 192.0.2.1
 *	Filename Checks: Windows/DOS Executable (4F1A2B.A1B2C invoice.exe)
 *	Requeue: 4F1A2B.A1B2C to 5A6B7C
 *	New Batch: Scanning 3 messages, 12345 bytes
 *	Virus Scanning: Found 2 viruses
 * Verdicts are the lines of messages; totals of batches say the same again. With Postfix a
 * message goes by its queue id and a random tail. Senders, subjects and names of files are a
 * stranger's. Of what it says in the language of its reports/ the verdicts alone are read: English, German,
 * Dutch, French, Italian, Spanish and Portuguese. */
#include "dialect/filter.h"

#include "poison.h"

static bool
claims(const struct line *l)
{
	struct slice t = scan_base(l->tag);

	return slice_eq(t, SLICE("MailScanner")) || slice_eq(t, SLICE("mailscanner"));
}

/* "4F1A2B.A1B2C", "k7B9Mc6b015925", "1a2b3c-0000xx-1A": the MTA's id. */
static bool
take_id(struct slice *s, struct slice *id)
{
	size_t n = 1;

	if (!filter_take_id(s, id))
		return false;
	if (s->n > 1 && s->p[0] == '.' && slice_is_alnum(s->p[1])) {
		while (n < s->n && n < 12 && slice_is_alnum(s->p[n]))
			n++;
		*s = slice_from(*s, n);
	}
	return true;
}

/* "spam", "not spam", "geen spam (te groot)", "n'est pas un polluriel": what stands before the first comma. Any word
 * before "spam" denies it. */
static enum event_kind
verdict_of(struct slice s)
{
	static const char *const good[] = { "whitelisted", "too big for spam checks", "inscrit sur la liste blanche",
		"n'est pas un polluriel", NULL };
	static const char *const bad[] = { "spam", "blacklisted", "polluriel", "inscrit sur la liste noire", NULL };

	if (filter_begins(s, good) || slice_has(s, SLICE(" spam")) || slice_has(s, SLICE(" Spam")) ||
	    slice_ends(s, SLICE(" lista branca")))
		return EV_HAM;
	if (filter_begins(s, bad) || slice_ends(s, SLICE(" lista negra")))
		return EV_SPAM;
	return EV_INFO;
}

/* "spam, SpamAssassin (not cached, score=7.2, required 4, BAYES_99 3.50)" */
static bool
take_verdict(struct slice s, struct event *e)
{
	struct slice head;

	e->sub = slice_head(s, slice_until(s, ',', ','));
	e->kind = verdict_of(e->sub);
	if (e->kind == EV_INFO && !slice_starts(s, SLICE("MCP")))
		return false;
	if (slice_cut(&s, '=', &head))	/* "score=", "Wertung=": the first of that kind */
		e->text = slice_head(s, slice_until(s, ',', ')'));
	return true;
}

/* "ID from IP (SENDER) to DOMAIN[,DOMAIN] is ...", "... ignored whitelist, had n recipients" */
static int
message(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_INFO);
	struct slice head;

	if (!take_id(&s, &e->id) || !slice_eat(&s, SLICE(" from ")) ||
	    !slice_cut_at(&s, SLICE(" ("), &e->client_ip) || !scan_is_ip(e->client_ip))
		return -1;
	e->loopback = address_is_loopback(e->client_ip);
	if (slice_rcut_at(&s, SLICE(") to "), &e->from)) {
		if (!slice_cut_at(&s, SLICE(" is "), &e->to))
			return -1;
		return take_verdict(s, e) ? 1 : -1;
	}
	if (!slice_rcut_at(&s, SLICE(") "), &head))
		return -1;
	e->from = head;
	if (slice_eat(&s, SLICE("is ")))
		return take_verdict(s, e) ? 1 : -1;
	e->text = s;
	return slice_starts(s, SLICE("ignored whitelist")) ? 1 : -1;
}

/* "Infected message ID came from IP" */
static int
infected(struct slice s, struct event *out)
{
	struct event *e = filter_event(out, EV_VIRUS, SLICE("virus"));

	if (!take_id(&s, &e->id) || !slice_eat(&s, SLICE(" came from ")))
		return -1;
	if (scan_is_ip(s))
		e->client_ip = s;
	return 1;
}

/* "Windows/DOS Executable (ID invoice.exe)": the rule's text is the admin's, the file's name
 * a stranger's. */
static int
banned(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_BANNED);
	struct slice rest = s, head;

	if (slice_starts(s, SLICE("Allowing ")))
		return 0;
	while (slice_cut_at(&rest, SLICE(" ("), &head)) {
		if (!take_id(&rest, &e->id) || !slice_eat(&rest, SLICE(" ")))
			continue;
		e->sub = slice_head(s, (size_t)(head.p + head.n - s.p));
		e->text =
		    slice_head(rest, slice_ends(rest, SLICE(")")) ? rest.n - 1 : rest.n);
		return 1;
	}
	return slice_has(s, SLICE(" renamed ")) ? 0 : -1;
}

/* "OLD to NEW" */
static int
requeued(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_LINK);

	if (!take_id(&s, &e->id) || !slice_eat(&s, SLICE(" to ")) ||
	    !take_id(&s, &e->new_id) || s.n > 0)
		return -1;
	return 1;
}

/* "Spam Actions: message ID actions are deliver,header": where it is not delivered, no MTA
 * says what became of it. */
static int
actions(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_INFO);

	if (!slice_eat(&s, SLICE("message ")))
		return 0;
	if (!take_id(&s, &e->id) || !slice_eat(&s, SLICE(" actions are ")))
		return -1;
	e->text = s;
	if (slice_has(s, SLICE("delete")) && !slice_has(s, SLICE("deliver")) &&
	    !slice_has(s, SLICE("forward")))
		e->kind = EV_DISCARDED;
	return 1;
}

/* "Found 3 messages waiting", "Scanning 3 messages, 12345 bytes" */
static int
batch(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_INFO);
	uint64_t n;

	if (slice_eat(&s, SLICE("Found "))) {
		e->kind = EV_STATS;
		e->stage = SLICE("mailscanner_waiting");
	} else if (!slice_eat(&s, SLICE("Scanning ")) &&
		   !slice_eat(&s, SLICE("Forwarding "))) {
		return -1;
	}
	if (!slice_u64(&s, &n) || n > UINT32_MAX)
		return -1;
	if (e->kind == EV_STATS)
		e->count = (uint32_t)n;
	e->text = s;
	return 1;
}

/* "Clamd::INFECTED:: Eicar :: ./ID/file", "./ID/file: Eicar FOUND": a scanner's own words. */
static int
scanner(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_INFO);
	struct slice head;

	if (slice_cut_at(&s, SLICE("::INFECTED::"), &head)) {
		s = slice_trim(s);
		e->sub = slice_cut_at(&s, SLICE(" :: "), &head) ? head : s;
		return 1;
	}
	if (!slice_ends(s, SLICE(" FOUND")))
		return -1;
	s.n -= 6;
	if (!slice_rcut_at(&s, SLICE(": "), &head))
		return -1;
	e->sub = s;
	return 1;
}

/* A scanner that does not answer, or MailScanner itself. */
static bool
is_broken(struct slice s)
{
	static const char *const heads[] = { "SpamAssassin timed out",
		"Commercial scanner ", "Commercial virus checker ", "Virus scanner ",
		"Virus Scanning: Denial Of Service", "File checker ",
		"Warning: no virus scanners found", "ERROR::", "Disinfection timed out",
		"MailScanner child died", NULL };
	static const struct slice parts[] = {
		SLICE("::ERROR::"),
		SLICE(": Failed to complete, timed out"),
		SLICE("::ERROR ::"),
	};

	if (filter_begins(s, heads))
		return true;
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		if (slice_has(slice_head(s, 64), parts[i]))
			return true;
	return false;
}

static bool
is_warning(struct slice s)
{
	static const char *const heads[] = { "RBL check ", "RBL Check ",
		"RBL Checks: ", "Custom Spam Scanner ", "Disabling ",
		"Unable to initialise database", "Could not ", "Unable to ", "Can't ",
		"Cannot ", "Failed to ", "Warning: ", "WARNING: ", "Error ",
		"ERROR: ", "Delete bayes lockfile", "Syntax error",
		"Config: ", "ConfigSQL ", "Skipping ", "Batch: Found invalid",
		"Making attempt ", "Message attempted to kill", "MailWatch: ", "Problem ",
		"Aborting ", "Undefined ", "Random signature file", "Spam-Virus ", NULL };

	return filter_begins(s, heads);
}

/* What is told of a message or a batch and was told, or is no vocabulary of ours. */
static int
other(struct slice s, struct event *out)
{
	static const char *const infos[] = { "Spam Checks: Found ", "Virus Scanning: ",
		"Other Checks: ", "Content Checks: ", "Found spam-virus ",
		"Found spam based virus ", "Found phishing ", "Found ip-based phishing ",
		"Password-protected archive ", "Non-delivery of ", "Delivery of ",
		"Saved infected ", "Saved entire message to ", "Quarantining ",
		"Silent: Delivered ", "Cleaned: Delivered ", "Uninfected: Delivered ",
		"Unscanned: Delivered ", "Sender Warnings: ", "Notices: Warned ",
		"Disinfection: ", "Reject message ", "MCP Checks: Found ",
		"MCP Actions: ", "HTML-", "HTML ", "SpamAssassin cache hit",
		"Whitelist refresh", "Deleted ", "Watermark", "Message ", NULL };
	static const char *const talk[] = { "Virus and Content Scanning: Starting",
		"MailScanner E-Mail ", "MailScanner Email Processor", "Using ", "Batch ",
		"Reading ", "Read ", "Auto: Found", "Config ", "Initialising ",
		"Connected to ", "Enabling ", "SpamAssassin", "MailScanner ", "Starting ",
		"Started ", "Process ", "Rebuild", "Skipped ", "Completed ", "Bayes",
		"User's home", "lock.pl", "I have found ", "Filename Checks: Allowing",
		"Filetype Checks: Allowing", "None of the files matched", "Expanding TNEF",
		"Startup: ", "Logging ", "Tried to", "Ended ",
		"Debug: ", "Phishing: ", "Updated ", "Clamd scanner", "Kaspersky",
		"Spam Actions: ", "Log ", "Building a message batch", "Stopping ",
		"Blacklist refresh", "Database", "Closing ", "Sleeping", NULL };
	struct event *e;

	if (filter_begins(s, talk) || slice_ends(s, SLICE(" Checks: Starting")) ||
	    slice_ends(s, SLICE(" bytes per second")))
		return 0;
	if (!filter_begins(s, infos))
		return -1;
	e = event_begin(out, EV_INFO);
	e->text = s;
	return 1;
}

static int
parse(const struct line *l, struct event out[EVENTS_MAX])
{
	struct slice s = l->text;
	static const struct slice name = SLICE("mailscanner");
	int n;

	if (slice_eat(&s, SLICE("Message ")))
		n = message(s, out);
	else if (slice_eat(&s, SLICE("Infected message ")))
		n = infected(s, out);
	else if (slice_eat(&s, SLICE("Filename Checks: ")) ||
		 slice_eat(&s, SLICE("Filetype Checks: ")))
		n = banned(s, out);
	else if (slice_eat(&s, SLICE("Requeue: ")))
		n = requeued(s, out);
	else if (slice_eat(&s, SLICE("Spam Actions: ")))
		n = actions(s, out);
	else if (slice_eat(&s, SLICE("New Batch: ")))
		n = batch(s, out);
	else if (is_broken(s))
		n = filter_trouble(out, EV_FILTER_FAIL, name, s);
	else if (is_warning(s))
		n = filter_trouble(out, EV_QWARN, name, s);
	else if ((n = scanner(s, out)) < 0)
		n = other(s, out);
	return filter_answer(l, out, n);
}

const struct dialect dialect_mailscanner = {
	.name = "mailscanner", .claims = claims, .parse = parse
};
