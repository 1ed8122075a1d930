/* sendmail_warn.c - trouble of the machine and the queue, and what Sendmail says of itself.
 *
 *	SYSERR(root): hash map "access": unsafe map file /etc/mail/access.db: ...
 *	rejecting connections on daemon MTA: load average: 14
 *	Losing qf5A3G4Vxx030840: savemail panic
 * Texts that no row knows are unknown: a new release should be noticed. */
#include "dialect/sendmail.h"

#include "poison.h"

struct row {
	struct slice head;
	enum reason cls;
	struct slice sub;
};

#define W(head, cls, sub) { { head, sizeof(head) - 1 }, REASON_##cls, { sub, sizeof(sub) - 1 } }

static const struct row warnings[] = {
	W("rejecting connections on daemon ", resource, "load"),
	W("have been rejecting connections", resource, "load"),
	W("rejecting new messages: min free", resource, "disk"),
	W("delaying=", resource, "load"), W("runqueue: Skipping queue run", resource, "load"),
	W("runqueue: Aborting queue run", resource, "load"), W("low on space", resource, "disk"),
	W("Losing ", resource, "queue"), W("Saved message in ", resource, "queue"),
	W("bogus queue file", resource, "queue"), W("queueup: ", resource, "queue"),
	W("gatherq: ", resource, "queue"), W("WorkList for ", resource, "queue"),
	W("FAILED to grow WorkList", resource, "queue"), W("dup_df: ", resource, "queue"),
	W("queue directory ", resource, "queue"), W("quarantine_queue_item: ", resource, "queue"),
	W("checkqueuerunner: ", resource, "queue"), W("readqf: ", resource, "queue"),
	W("persistent queue runner", resource, "queue"), W("restart queue runner", resource, "queue"),
	W("ERROR: persistent queue runner", resource, "queue"),
	W("queue control process: ", resource, "queue"), W("unable to write ", resource, "disk"),
	W("unable to read ", resource, "disk"), W("filesys_update failed", resource, "disk"),
	W("dferror: ", resource, "disk"), W("ownership change on ", resource, "config"),
	W("timeout connecting to ", resource, "lookup"), W("timeout during ", resource, "lookup"),
	W("socket_map_lookup", resource, "lookup"), W("ph_map_", resource, "lookup"),
	W("alias database ", resource, "lookup"), W("forward ", resource, "lookup"),
	W("include ", resource, "lookup"), W("deferred: udbexpand", resource, "lookup"),
	W("nisplus_", resource, "lookup"), W("dbopen(", resource, "lookup"),
	W("db_open(", resource, "lookup"), W("daemon ", resource, "config"),
	W("daemon process ", resource, "config"), W("daemon could not ", resource, "config"),
	W("daemon invoked ", resource, "config"), W("could not ", resource, "config"),
	W("Could not ", resource, "config"), W("My unqualified host name", resource, "config"),
	W("unable to qualify my own domain", resource, "config"),
	W("WARNING: ", resource, "config"), W("Warning: ", resource, "config"),
	W("File descriptors missing", resource, "config"), W("disconnect: ", resource, "config"),
	W("cannot get memory statistics", resource, "config"), W("can't ", resource, "config"),
	W("shared memory ", resource, "config"), W("sm_shmstop", resource, "config"),
	W("func=init_sem", resource, "config"), W("key=", resource, "config"),
	W("dangerous permissions", resource, "config"), W("user ", other, "attack"),
	W("POSSIBLE ATTACK from ", other, "attack"), W("rewrite: expansion too long", resource, "config"),
	W("mail loops back", loop, ""), W("config error: ", loop, ""),
	W("aliasing/forwarding loop broken: ", loop, ""), W("proc_list_probe: ", resource, "queue"),
	W("savemail: ", resource, "queue"), W("returntosender: ", resource, "queue"),
	W("ERROR: srv_features", resource, "lookup"), W("srvfeatures: ", resource, "config"),
	W("hostsignature for host ", dns, ""), W("Timeout.to_aconnect", remote_conn, "timeout"),
	W("smtpquit: ", resource, "command"), W("usershellok: ", resource, "config"),
	W("no fchown()", resource, "config"), W("sync_dir", resource, "disk"),
	W("Unsupported address family", resource, "config"), W("Bad line on ", resource, "config"),
	W("queue group name ", resource, "config"), W("smtps: TLS not available", tls_error, "config"),
};

/* At start, at stop, in between: of no use, and mostly without an id. */
static const struct slice talk[] = {
#define T(head) { head, sizeof(head) - 1 }
	T("starting daemon ("), T("started as: "), T("stopping daemon, reason="), T("restarting "),
	T("gethostbyaddr("), T("engine="), T("error: safesasl("), T("poststats: "), T("dns "),
	T("accepting connections again"), T("accepting new messages"), T("runqueue"),
	T("grew WorkList"), T("alias database "), T("SMTP outgoing connect on "),
	T("makeconnection"), T("Authentication-Warning: "), T("Fixed MIME "), T("Truncated "),
	T("Dropped invalid comments"), T("possible spam from <> to list"), T("collect: "),
	T("--- "), T("<-- "), T("==> "), T("finis, pid="), T("in background, pid="),
	T("interrupt"), T("dowork"), T("changed"), T("too young"), T("assigned id"), T("unlock"),
	T("alias "), T("ldap="), T("expand "), T("hesiod "), T("forward: "), T("sendenvelope"),
	T("dropenvelope"), T("unlink "), T("rq: "), T("sqr: "), T("rqe: "), T("rwg: "),
	T("mci_"), T("tls_"), T("rscheck(tls_"), T("stat=occ_exceeded"), T("clt_features"),
	T("x-connect"), T("TLSA="), T("dns_"), T("set automode"), T("fcntl("), T("connection_rate"),
	T("global connection rate"), T("conn_limits"), T("total: cnt"), T("hash "), T("main: where"),
	T("CurChildren"), T("NextMacroId"), T("*** "), T("setsender: "), T("cannot prescan"),
	T("server="), T("getauth "), T("lookup "), T("Adding "), T("smtp: doublequeue"),
	T("proxy mode requested"), T("Sending \""), T("headers too "), T("str_union"), T("\""),
	T("rcpt="), T("Milter"), T("arith_map"), T("done"), T("queueup"), T("disconnect level "),
	T("could not restart"), T("premature EOM"), T("bad line"),
#undef T
};

/* "SYSERR(USER): TEXT", "SYSERR: TEXT" */
static int
syserr(const struct sm_line *p, struct slice s, struct event *out)
{
	struct event *e = sm_event(out, EV_QWARN, p);
	struct slice user;

	if (slice_eat_char(&s, '(') && !slice_cut_at(&s, SLICE("): "), &user))
		return -1;
	(void)slice_eat(&s, SLICE(": "));
	e->text = s;
	e->cls = reason_of_text(s, e->dsn, 0, false, &e->sub);
	/* what it says is about this machine, unless it is a loop of mail */
	if (e->cls != REASON_loop && e->cls != REASON_dns) {
		e->cls = REASON_resource;
		e->sub = SLICE("syserr");
	}
	return 1;
}

/* What newaliases tells: "alias database /etc/aliases rebuilt by root", "/etc/aliases: 13 aliases, longest 10
 * bytes, 133 bytes total" */
static bool
is_rebuilt(struct slice s)
{
	if (slice_starts(s, SLICE("alias database ")))
		return slice_has(s, SLICE(" rebuilt by "));
	return s.n > 0 && (s.p[0] == '/' || slice_is_digit(s.p[0])) && slice_has(s, SLICE(" aliases, longest "));
}

/* What it logs of itself after an error of its own (LogLevel 10) or a SIGUSR1:
 *	  3: fl=0x2, mode=140777: SOCK localhost->[[UNIX: /dev/log]]
 *	MCI@0x0: NULL
 *	--- open file descriptors: --- */
static bool
is_state_dump(struct slice s)
{
	uint64_t fd;

	if (slice_starts(s, SLICE("MCI@")) || slice_starts(s, SLICE("--- ")))
		return true;
	s = slice_trim(s);
	return slice_u64(&s, &fd) &&
	    (slice_starts(s, SLICE(": fl=0x")) || slice_starts(s, SLICE(": CANNOT STAT")));
}

int
sm_warning(const struct sm_line *p, struct event *out)
{
	struct slice s = p->text;

	if (is_state_dump(s))
		return p->id.n > 0 ? sm_info(p, out) : 0;
	if (slice_eat(&s, SLICE("SYSERR")))
		return syserr(p, s, out);
	if (is_rebuilt(s))
		return p->id.n > 0 ? sm_info(p, out) : 0;
	for (size_t i = 0; i < sizeof warnings / sizeof warnings[0]; i++)
		if (slice_starts(s, warnings[i].head)) {
			struct event *e = sm_event(out, EV_QWARN, p);

			e->cls = warnings[i].cls;
			e->sub = warnings[i].sub;
			e->text = s;
			return 1;
		}
	if (slice_starts_any(s, talk, sizeof talk / sizeof talk[0]))
		return p->id.n > 0 ? sm_info(p, out) : 0;
	return -1;
}
