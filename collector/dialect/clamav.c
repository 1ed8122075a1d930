/* clamav.c - ClamAV: clamd, clamav-milter, freshclam.
 *
 *	/var/lib/amavis/tmp/x/parts/p001: Eicar-Test-Signature(44d8...:68) FOUND	(clamd)
 *	instream(127.0.0.1@4711): OK
 *	SelfCheck: Database status OK.
 *	ERROR: reload_th: Database load failed: Malformed database
 *	Message 4F1A2B from <a@example.net> to <b@example.org> with subject 'x' message-id
 *	    '<1@example.net>' date '...' infected by Eicar-Test-Signature	(clamav-milter)
 *	Clean message from <a@example.net> to <b@example.org>
 *	WARNING: Your ClamAV installation is OUTDATED!			(freshclam)
 * clamd's FOUND is no verdict: whoever asked it reports the mail. The milter writes a line for
 * each recipient where it was told to, with the queue id as "Message ID" (LogInfected Full) or
 * without any (Basic). Its own file is a file of clamd's to us: the three share one tag there.
 * File names, addresses and subjects are a stranger's; what an MTA's mail is, stands at the end. */
#include "dialect/filter.h"

#include "poison.h"

static bool
claims(const struct line *l)
{
	struct slice t = scan_base(l->tag);

	return slice_eq(t, SLICE("clamd")) || slice_eq(t, SLICE("clamav-milter")) ||
	       slice_eq(t, SLICE("freshclam")) || slice_eq(t, SLICE("clamav-daemon")) ||
	       slice_eq(t, SLICE("clamav")) || slice_eq(t, SLICE("clamav-freshclam"));
}

/* Whose name trouble goes by. */
static struct slice
program(const struct line *l)
{
	struct slice t = scan_base(l->tag);

	if (slice_eq(t, SLICE("clamav-milter")))
		return SLICE("clamav-milter");
	if (slice_eq(t, SLICE("freshclam")) || slice_eq(t, SLICE("clamav-freshclam")))
		return SLICE("freshclam");
	return SLICE("clamd");
}

/* "FILE: NAME(HASH:SIZE) FOUND": a name of a virus holds no blank. */
static int
found(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_INFO);
	struct slice file;
	ptrdiff_t at;

	s = slice_head(s, s.n - 6);
	if (!slice_rcut_at(&s, SLICE(": "), &file) || s.n == 0)
		return -1;
	at = slice_rfind(s, SLICE("("));
	e->sub = at > 0 && s.p[s.n - 1] == ')' ? slice_head(s, (size_t)at) : s;
	e->text = SLICE("FOUND");
	return 1;
}

/* "with subject 'S' message-id 'M' date 'D'": S and M may imitate what follows them, D is
 * the date header and so a stranger's too. */
static bool
take_headers(struct slice s, struct event *e)
{
	struct slice head;

	if (!slice_eat(&s, SLICE(" with subject '")))
		return s.n == 0;
	if (!slice_ends(s, SLICE("'")) || !slice_rcut_at(&s, SLICE("' date '"), &head) ||
	    !slice_rcut_at(&head, SLICE("' message-id '"), &s))
		return false;
	if (filter_is_mid(head))
		e->mid = head;
	return true;
}

/* "ID from <F> to <T> ...", "from <F> to <T>" */
static int
message(struct slice s, struct event *e)
{
	struct slice id;

	if (!slice_starts(s, SLICE("from ")) && filter_take_id(&s, &id) &&
	    slice_eat(&s, SLICE(" ")))
		e->id = id;
	if (!slice_eat(&s, SLICE("from ")))
		return -1;
	if (slice_starts(s, SLICE("<<"))) /* it puts < > around what it got with them */
		s = slice_from(s, 1);
	if (!scan_address(&s, &e->from))
		return -1;
	slice_eat_char(&s, '>');
	if (!slice_eat(&s, SLICE(" to ")))
		return -1;
	if (slice_starts(s, SLICE("<<")))
		s = slice_from(s, 1);
	if (!scan_address(&s, &e->to))
		return -1;
	slice_eat_char(&s, '>');
	return take_headers(s, e) ? 1 : -1;
}

/* "... infected by NAME": a name holds no blank, so it is the last word. */
static int
infected(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_VIRUS);
	struct slice head;

	if (!slice_rcut_at(&s, SLICE(" infected by "), &head) || s.n == 0 ||
	    memchr(s.p, ' ', s.n) != NULL)
		return -1;
	e->sub = s;
	return message(head, e);
}

/* The milter of release 0.9: "4F1A2B: /tmp/x: Eicar Intercepted virus from <a> to <b>" */
static int
intercepted(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_VIRUS);
	struct slice id = slice_head(s, 0), rest = s, head;

	if (filter_take_id(&rest, &id) && slice_eat(&rest, SLICE(": ")))
		e->id = id;
	if (!slice_cut_at(&rest, SLICE(" Intercepted virus from "), &head))
		return 0;
	e->sub = slice_rcut_at(&head, SLICE(" "), &s) ? head : SLICE("virus");
	if (scan_address(&rest, &e->from) && slice_eat(&rest, SLICE(" to ")))
		scan_address(&rest, &e->to);
	return 1;
}

/* The program whose trouble it is: in one file, freshclam's lines look like clamd's. */
static bool
is_update(struct slice s)
{
	static const char *const heads[] = { "Update failed",
		"Database update process failed", "Incremental update failed",
		"Your ClamAV installation is OUTDATED", "Can't download ", "getpatch: ",
		"downloadFile: ", "remote_cvdhead: ", "updatedb: ", "updatecustomdb: ",
		"check_for_new_database_version: ", "fc_update_database", "Can't query ",
		"Clamd was NOT notified", "NotifyClamd: ", "cdiff_apply: ", "Mirror ",
		"Giving up on ", "Download failed", "Local version: ", "FreshClam received error code ",
		"FreshClam previously received error code ", "Unexpected error when attempting to update ",
		"Downloaded database had lower version ", "Broken database version ", "DNS record is older than ",
		"Invalid DNS reply", "Broken DNS reply", "Bad (too short) DNS reply", "Broken TXT record",
		"Database directory ", "Forbidden; Blocked by CDN", "Too many requests", "buildcld: ",
		"create_curl_handle: ", "checkdbdir: ", "Connection failed", "HTTP GET failed",
		"Custom database update failed", "Expected newer version of ", "Invalid or corrupted CVD",
		"fc_download_url_database", "Problem with internal logger", NULL };

	/* "fc_update_database: daily.cld already up-to-date." */
	return filter_begins(s, heads) && !slice_ends(s, SLICE(" updated.")) && !slice_ends(s, SLICE(" up-to-date."));
}

/* Mail is not looked at, or with databases that grow old. */
static bool
is_broken(struct slice s)
{
	static const char *const heads[] = { "Update failed",
		"Database update process failed", "Database load ",
		"Database load:", "Database reload failed", "Database reload setup failed",
		"Database initialization error",
		"reload_th: ", "reload_db: ", "Can't allocate", "Memory allocation",
		"add_fd: Memory", "realloc_polldata: ", "Malformed database",
		"Not listening on any", "LOCAL: Socket ", "TCP: Cannot bind",
		"accept() failed", "thread dispatch failed", "pthread_create failed",
		"thrmgr_new failed", "Main socket gone", "All recv() descriptors gone",
		"Failed to poll sockets", "No clamd server appears to be available",
		"No reply from clamd", "Unknown reply from clamd", "Streaming failed",
		"FD send failed",
		"connect failed: ", "send failed: ", "Failed to flush STREAM",
		"Failed to initiate streaming", "Failed to write temporary file",
		"Failed to create socket", "Failed to init the socket", "Can't initialize",
		"Can't open/parse the config", "Failed to spawn reload", NULL };

	return filter_begins(s, heads);
}

static bool
is_warning(struct slice s)
{
	static const char *const heads[] = { "File path check failure", "ScanStream",
		"Probe for slot", "Can't ", "Cannot ", "Failed to ",
		"INSTREAM: ", "Control message truncated", "Unclaimed file descriptor",
		"fds_poll_recv: ", "MaxQueue ", "MaxThreads ",
		"Virus database is older than", "System limit for ",
		"VirusEvent: ", "Directory recursion limit", "Client read error",
		"recv failed ", "Error condition on fd", "LOCAL: Could not ",
		"Pruning unwanted", "Database test FAILED", "Could not ", "Not enough threads ",
		"An unknown error occurred ", "cli_gentempfd() failed", NULL };

	return filter_begins(s, heads) && !slice_starts(s, SLICE("MaxQueue set to")) &&
	       !slice_ends(s, SLICE(" returned: success"));
}

/* In a file "ERROR: " or "WARNING: " says so; by syslog the priority does, which is no part of
 * the line. */
static int
trouble(struct slice s, struct slice who, struct event *out)
{
	bool marked = slice_eat(&s, SLICE("ERROR: ")) || slice_eat(&s, SLICE("WARNING: "));
	bool broken = is_broken(s), update = is_update(s);

	if (!marked && !broken && !update && !is_warning(s))
		return 0;
	if (update)
		who = SLICE("freshclam");
	return filter_trouble(out, broken ? EV_FILTER_FAIL : EV_QWARN, who, s);
}

/* It is good as it is, or has been told. */
static bool
is_talk(struct slice s)
{
	static const char *const heads[] = { "+++ Started", "--- Stopped",
		"SelfCheck: ", "Database correctly reloaded", "Database reload completed",
		"Database status OK", "Activating the newly", "Reading databases from",
		"Loaded ", "Received ", "clamd daemon ", "clamav-milter ",
		"freshclam daemon ", "Log file size", "Not loading ", "Bytecode",
		"TCP: ", "LOCAL: ", "Limits: ", "Archive", "Image ", "Detection using ",
		"Alert", "Heuristic", "Portable Executable", "ELF support", "Mail files",
		"OLE2 ", "PDF support", "SWF support", "HTML support", "XMLDOCS support",
		"HWP3 support", "OneNote support", "Self checking", "Listening daemon",
		"MaxQueue set to", "Waiting for ", "Shutting down", "Pid file removed",
		"Socket file removed", "Closing ", "ClamAV update process started",
		"Current working dir is", "Max retries", "Received signal", "Downloading ",
		"Testing database", "Database test passed", "Database updated",
		"Clamd successfully notified", "Clamd was notified", "Trying again in ",
		"Trying to ", "Using IPv6", "Ignoring ", "DON'T PANIC",
		"Local version: ", "Recommended version", "SIGHUP caught",
		"Client disconnected", "Accepted connection", "Probe for ", "Local socket ",
		"Skipping ", "No stats for ", "Whitelist", "Allow list", "Only loading ",
		"daemonize", "Structured: ", "Phishing: ", "Update process terminated",
		"Force", "Mailbox", "Media (Graphics)", "Algorithmic", "Excluded ",
		"Included ", "Using cdiff", "Already up-to-date", "Connecting via ",
		"Retrieving ", "Giving ", "Querying ", "*Can't query", "Not running ",
		"database ", "VirusEvent", "fc_", "Current database is ", "Empty script ", "Properly loaded ",
		"Loading signatures ", "DNS Update Info disabled", "Local IPv", "TTL: ",
		/* what freshclam advises whoever is locked out, line by line */
		" ", "This means that you have been ", "This could mean ", "You are on cool-down ",
		"You are still on cool-down ", "Cool-down expired", "Hint: ", "Last cf-ray ", "Saved freshclam.dat",
		"Creating new freshclam.dat", "Magic bytes for ", "freshclam.dat ", "It probably doesn't ", NULL };
	static const char *const ends[] = {
		/* freshclam, behind the name of a database */
		" is up to date",
		" database is up-to-date",
		" updated (version: ",
		" (version: ",
		" downloaded",
		" [100%]",
	};

	if (filter_begins(s, heads))
		return true;
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
		if (slice_has(slice_head(s, 80), slice_of(ends[i])))
			return true;
	return slice_has(s, SLICE(" socket tcp:"));
}

/* What clamd says of a thing that it was asked to look at. */
static int
scanned(struct slice s, struct slice who, struct event *out)
{
	if (slice_ends(s, SLICE(" FOUND")))
		return found(s, out);
	if (slice_ends(s, SLICE(": OK")) || slice_ends(s, SLICE(": Empty file")) ||
	    slice_ends(s, SLICE(": Excluded")) || slice_ends(s, SLICE(": Access denied.")))
		return 0;
	if (slice_ends(s, SLICE(" ERROR")))
		return filter_trouble(out, EV_QWARN, who, s);
	return -1;
}

static int
parse(const struct line *l, struct event out[EVENTS_MAX])
{
	struct slice s = l->text, who = program(l);
	int n;

	if (slice_eat(&s, SLICE("Message "))) {
		n = infected(s, out);
	} else if (slice_eat(&s, SLICE("Clean message "))) {
		n = message(s, event_begin(out, EV_HAM));
	} else if ((n = trouble(s, who, out)) == 0 && s.n > 0 && !is_talk(s)) {
		n = scanned(s, who, out);
		if (n < 0)
			n = intercepted(s, out) > 0 ? 1 : -1;
	}
	return filter_answer(l, out, n);
}

const struct dialect dialect_clamav = {
	.name = "clamav", .claims = claims, .parse = parse
};
