/* rspamd.c - rspamd: whose line, and what is broken.
 *
 *	<ab12cd>; task; rspamd_task_write_log: id: <...>, ...		(rspamd_task.c)
 *	<ab12cd>; milter; rspamd_milter_process_command: got connection from 192.0.2.1:4711
 *	<ab12cd>; proxy; proxy_milter_finish_handler: finished milter connection
 *	<ab12cd>; lua; clamav.lua:117: clamav: failed to scan, maximum retransmits exceed
 *	<452dec>; main; rspamd_cld_handler: normal process 4711 terminated abnormally by signal: 11
 *	cfg; rspamd_rcl_maybe_apply_lua_transform: ...
 *	rspamd_url_init: ...
 * By syslog and in its own file it is the same. A line that says the same as the three before
 * is left out, and "Last message repeated 5 times" comes later: of which, nobody knows. */
#include "dialect/rspamd.h"

#include "poison.h"

static bool
claims(const struct line *l)
{
	struct slice t = scan_base(l->tag);

	return slice_eq(t, SLICE("rspamd")) || slice_eq(t, SLICE("rspamd_proxy"));
}

/* "FUNCTION: " or "FILE.lua:117: " in front of the text. */
static bool
take_function(struct slice *s, struct slice *function)
{
	struct slice rest = *s;

	if (!slice_cut_at(&rest, SLICE(": "), function) || function->n == 0 ||
	    function->n > 80 || memchr(function->p, ' ', function->n) != NULL)
		return false;
	*s = rest;
	return true;
}

/* "<ab12cd>; module; " or "module; " in front of the function; all may be missing. */
static bool
take_source(struct slice *s, struct slice *module, struct slice *function)
{
	struct slice rest = *s, head;

	*module = slice_head(rest, 0);
	if (slice_starts(rest, SLICE("#")) && slice_cut_at(&rest, SLICE(") "), &head))
		*s = rest; /* "#4711(normal) ", where a journal kept it */
	if (slice_starts(rest, SLICE("<")) && !slice_cut_at(&rest, SLICE(">; "), &head))
		return false;
	head = slice_head(rest, 24);
	if (slice_cut_at(&head, SLICE("; "), module))
		rest = slice_from(rest, module->n + 2);
	if (!take_function(&rest, function))
		return false;
	*s = rest;
	return true;
}

/* Does s begin with one of the heads, or has it one of the parts near its begin, behind a name of its own and no
 * address of a stranger's? */
static bool
says(struct slice s, const char *const *heads, const struct slice *parts, size_t n)
{
	struct slice start = slice_head(s, 80);

	if (filter_begins(s, heads))
		return true;
	for (size_t i = 0; i < n; i++)
		if (slice_has(start, parts[i]) && memchr(start.p, '<', start.n) == NULL)
			return true;
	return false;
}

/* A program it needs does not answer, or a process of its own is gone. */
static bool
is_broken(struct slice s)
{
	static const char *const heads[] = { "cannot connect upstream",
		"cannot connect to upstream", "cannot select upstream ",
		"cannot find upstream ", "cannot copy message to send it to the upstream",
		"abnormally closing connection from backend", "caught fatal signal",
		"lost heartbeat ", "force kill worker ", "terminate worker ",
		"kill worker ", "cannot fork", "data corruption warning: ", "cannot spawn ",
		"cannot listen on ", "cannot create listen socket ",
		"cannot parse results from the master backend",
		"cannot find action in results", "cannot find scan results",
		"SAVDI (", "Unhandled response: ", "unhandled response: ", NULL };
	static const struct slice parts[] = {
		/* behind the name of a scanner or a process */
		SLICE(" terminated abnormally "),
		SLICE(": failed to scan, maximum retransmits "),
		SLICE(": failed to scan and retransmits exceed"),
		SLICE(": unhandled "),
		SLICE(": unexpected reply: "),
		SLICE(": ICAP ERROR: "),
		SLICE(": OPTIONS query failed: "),
		SLICE(": ERROR found: "),
		SLICE(" terminated normally, but lost "),
	};

	return says(s, heads, parts, sizeof parts / sizeof parts[0]);
}

/* Of strangers' mail none of these speaks: what is wrong with that has other words. */
static bool
is_warning(struct slice s)
{
	static const char *const heads[] = {
		/* Redis and other servers that it asks */
		"cannot connect to ", "cannot resolve ", "connection to redis server ", "got timeout", "got error",
		"got IO timeout with server ", "got unexpected http status", "error ", "timeout while querying ",
		"timeout waiting ", "mark upstream ", "cannot mark last alive upstream", "upstream ",
		"there are no alive ", "no upstreams reachable", "cannot make redis request",
		"cannot retrieve stat tokens", "call to redis failed", "redis_", "redis request wasn't scheduled",
		"redis received an error", "cannot check ", "cannot update ", "cannot upload ", "cannot execute ",
		"cannot save ", "cannot store file ", "failed to save ", "dmarc report is not saved ",
		"HTTP error", "invalid HTTP code", "bad HTTP code", "IO read error",
		/* files, maps, keys, sockets */
		"cannot load map: ", "cannot open ", "cannot create ", "cannot read ", "cannot get keys ", "cannot init ",
		"cannot write ", "cannot bind ", "cannot send ", "cannot call ", "cannot parse new config file",
		"can't open ", "can't read ", "can't load ", "can't verify ", "accept failed: ", "no servers defined",
		"cannot load dkim key ", "cannot load private key", "cannot stat key file", "signing failure: ",
		"rsa sign error", "public key for ",
		/* its clients */
		"abnormally closing milter connection", "abnormally closing connection from:",
		"abnormally closing control", "lost ", "processing of task time out: ", "message parsing error", NULL };
	static const struct slice parts[] = {
		/* behind the name of a rule or a map */
		SLICE(" - got error while "),
		SLICE(": map file is unavailable for reading"),
		SLICE(": redis error: "),
	};

	return says(s, heads, parts, sizeof parts / sizeof parts[0]);
}

/* Lines of a session or a task that are of no use by themselves. */
static int
other(struct slice module, struct slice s, struct event *out)
{
	struct event *e;

	if (slice_eat(&s, SLICE("greylisted until "))) {
		e = filter_event(out, EV_INFO, SLICE("greylist"));
		e->text = s;
		return 1;
	}
	if (slice_has(slice_head(s, 80), SLICE(": result - "))) { /* of a scanner */
		e = filter_event(out, EV_INFO, SLICE("virus"));
		e->text = s;
		return 1;
	}
	if (slice_eq(module, SLICE("milter")) &&
	    slice_eat(&s, SLICE("got connection from "))) {
		e = filter_event(out, EV_INFO, SLICE("milter"));
		if (!slice_rcut_at(&s, SLICE(":"), &e->client_ip))
			e->client_ip = s;
		if (!scan_is_ip(e->client_ip))
			e->client_ip.n = 0;
		e->loopback = address_is_loopback(e->client_ip);
		return 1;
	}
	return 0;
}

static int
parse(const struct line *l, struct event out[EVENTS_MAX])
{
	struct slice s = l->text, module, function;
	static const struct slice name = SLICE("rspamd");
	int n;

	if (!take_source(&s, &module, &function))
		n = slice_starts(s, SLICE("Last message repeated ")) ? 0 : -1;
	else if (slice_eq(function, SLICE("rspamd_task_write_log")))
		n = rspamd_task(s, out);
	else if (is_broken(s))
		n = filter_trouble(out, EV_FILTER_FAIL, name, s);
	else if (is_warning(s))
		n = filter_trouble(out, EV_QWARN, name, s);
	else
		n = other(module, s, out);
	return filter_answer(l, out, n);
}

const struct dialect dialect_rspamd = {
	.name = "rspamd", .claims = claims, .parse = parse
};
