/* dovecot.c - Dovecot 1.0 to 2.4: whose line it is, which service, how bad.
 *
 *	imap-login: Info: Login: user=<bob>, ...		2.x, its own file
 *	imap-login: Login: user=<bob>, ...			2.x by syslog, tag dovecot or instance_name
 *	lmtp(bob)<4711><AbCd/session>: msgid=<1@example.net>: saved mail to INBOX
 *	auth-worker(4711): Error: sql: Connection lost
 *	auth(bob,192.0.2.7,sasl:plain)<session>: Info: sql: Password mismatch	2.4
 *	Fatal: auth(default): ...				1.x: the level comes first
 * Dovecot says itself what is trouble: Warning, Error, Fatal and Panic are QWARN. Logins are
 * dovecot_login.c's and the auth services' dovecot_auth.c's; what it does with mail (dovecot_mail.c)
 * the MTA counts. */
#include "dialect/dovecot.h"

#include "poison.h"

static bool
claims(const struct line *l)
{
	struct slice t = scan_base(l->tag);

	/* libpam writes by the name of the process: "auth: pam_unix(dovecot:auth): ..." */
	return slice_starts(l->tag, SLICE("dovecot")) || slice_starts(t, SLICE("dovecot")) ||
	    slice_eq(t, SLICE("auth")) || slice_eq(t, SLICE("auth-worker"));
}

struct event *
dv_event(struct event *out, enum event_kind kind, const struct dv_line *d, struct slice sub)
{
	struct event *e = event_begin(out, kind);

	e->service = d->service;
	e->sub = sub;
	return e;
}

static enum dv_level
take_level(struct slice *s)
{
	static const struct slice levels[] = {
		[DV_DEBUG] = { "Debug: ", 7 }, [DV_INFO] = { "Info: ", 6 },
		[DV_WARNING] = { "Warning: ", 9 }, [DV_ERROR] = { "Error: ", 7 },
		[DV_FATAL] = { "Fatal: ", 7 }, [DV_PANIC] = { "Panic: ", 7 },
	};

	for (unsigned i = DV_DEBUG; i < sizeof levels / sizeof levels[0]; i++)
		if (slice_eat(s, levels[i]))
			return (enum dv_level)i;
	if (slice_eat(s, SLICE("Warn: ")))	/* 1.x */
		return DV_WARNING;
	return DV_NONE;
}

static bool
is_name_char(char c)
{
	return slice_is_alnum(c) || c == '-' || c == '_';
}

/* "<4711><session>" and the ": " behind them. */
static bool
take_sessions(struct slice *s)
{
	struct slice rest = *s, id;

	while (slice_eat_char(&rest, '<'))
		if (!slice_cut(&rest, '>', &id))
			return false;
	if (!slice_eat(&rest, SLICE(": ")))
		return false;
	*s = rest;
	return true;
}

/* A user's name behind "auth(" is what a stranger typed, and so may look like the end of
 * the prefix with a level behind it: the last such place is the program's own. */
static bool
take_user(struct slice *s, bool stranger, struct slice *user)
{
	struct slice found = { 0 }, rest, probe;
	size_t at = 0;

	for (;;) {
		const char *end = at < s->n ? memchr(s->p + at, ')', s->n - at) : NULL;

		if (end == NULL)
			break;
		at = (size_t)(end - s->p) + 1;
		rest = slice_from(*s, at);
		if (!take_sessions(&rest))
			continue;
		probe = rest;
		if (found.p == NULL || take_level(&probe) != DV_NONE) {
			found = rest;
			*user = slice_head(*s, at - 1);
		}
		if (!stranger)
			break;
	}
	if (found.p == NULL)
		return false;
	*s = found;
	return true;
}

/* "lmtp(bob)<4711><session>: " at the front of d->text. */
static bool
take_service(struct dv_line *d)
{
	struct slice rest;
	size_t n = 0;

	while (n < d->text.n && n < 32 && is_name_char(d->text.p[n]))
		n++;
	rest = slice_from(d->text, n);
	if (n < 3)
		return false;
	if (slice_eat_char(&rest, '(')) {
		bool stranger = slice_starts(d->text, SLICE("auth"));

		if (!take_user(&rest, stranger, &d->user))
			return false;
	} else if (!take_sessions(&rest)) {
		return false;
	}
	d->service = slice_head(d->text, n);
	d->text = rest;
	return true;
}

/* --- trouble ---------------------------------------------------------------------- */

/* The two-way copy between servers: dsync, and what starts and feeds it. */
static bool
is_replication(const struct dv_line *d)
{
	return slice_starts(d->service, SLICE("dsync")) || slice_eq(d->service, SLICE("replicator")) ||
	    slice_eq(d->service, SLICE("aggregator")) || slice_eq(d->service, SLICE("doveadm"));
}

static int
trouble(const struct dv_line *d, struct event *out)
{
	struct event *e = dv_event(out, EV_QWARN, d, d->service);

	e->cls = REASON_resource;
	e->text = d->text;
	if (d->service.n == 0)
		e->sub = SLICE("dovecot");
	else if (is_replication(d))
		e->sub = SLICE("replication");
	if (slice_starts(d->text, SLICE("Killed with signal ")) ||
	    slice_starts(d->text, SLICE("SIGHUP received"))) {
		e->kind = EV_INFO;	/* the admin's doing */
		e->cls = REASON_none;
		e->sub = d->text.p[0] == 'K' ? SLICE("stop") : SLICE("reload");
	} else if (slice_starts(d->text, SLICE("service("))) {
		if (slice_has(d->text, SLICE("): process_limit (")))
			e->sub = SLICE("process_limit");
		else if (slice_has(d->text, SLICE("): client_limit (")))
			e->sub = SLICE("client_limit");
	}
	return 1;
}

/* --- which service ---------------------------------------------------------------- */

static bool
is_mail_service(struct slice s)
{
	return slice_eq(s, SLICE("lmtp")) || slice_eq(s, SLICE("lda")) ||
	    slice_eq(s, SLICE("dovecot-lda")) || slice_eq_nocase(s, SLICE("deliver")) ||
	    slice_eq_nocase(s, SLICE("imap")) || slice_eq_nocase(s, SLICE("pop3")) ||
	    slice_eq(s, SLICE("submission")) || slice_eq_nocase(s, SLICE("managesieve"));
}

/* What libpam writes for it. */
static bool
is_pam(struct slice s)
{
	return slice_starts(s, SLICE("pam_")) || slice_starts(s, SLICE("(pam_"));
}

/* Services that have nothing to say of mails and logins. */
static bool
is_other_service(struct slice s)
{
	static const char *const names[] = {
		"master", "anvil", "log", "stats", "old-stats", "config", "dict", "dict-async", "dns-client",
		"director", "doveadm", "replicator", "aggregator", "indexer", "indexer-worker",
		"ipc", "ssl-params", "imap-hibernate", "imap-urlauth", "imap-urlauth-worker",
		"quota-status", "quota-warning", "script", "script-login", "health-check", "fs-auth",
		"dsync-local", "dsync-server", "dsync", "welcome", "mail",
		"imap-urlauth-login", "ssl-build-param",
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (slice_eq(s, slice_of(names[i])))
			return true;
	return false;
}

/* The master of 1.x, by syslog: neither service nor level. */
static int
master_1(const struct dv_line *d, struct event *out)
{
	static const struct {
		const char *head;
		enum event_kind kind;
		const char *sub;
	} words[] = {
		{ "Dovecot starting up", EV_INFO, "start" },
		{ "SIGHUP received", EV_INFO, "reload" },
		{ "Killed with signal ", EV_INFO, "stop" },
		{ "SSL parameters regeneration completed", EV_INFO, "" },
		{ "Generating Diffie-Hellman parameters", EV_INFO, "" },
		{ "If you have trouble with authentication failures", EV_INFO, "" },
		{ "This message goes away after the first successful login", EV_INFO, "" },
		{ "Created login processes successfully", EV_INFO, "" },
		{ "child ", EV_QWARN, "process" },
		{ "Login process died too early", EV_QWARN, "process" },
		{ "Temporary failure in creating login processes", EV_QWARN, "process_limit" },
		{ "Time just moved backwards", EV_QWARN, "clock" },	/* its other processes say so, too */
	};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (slice_starts(d->text, slice_of(words[i].head))) {
			struct event *e = dv_event(out, words[i].kind, d, slice_of(words[i].sub));

			e->cls = e->kind == EV_QWARN ? REASON_resource : REASON_none;
			e->text = d->text;
			return 1;
		}
	return -1;
}

static int
by_service(const struct dv_line *d, struct event *out)
{
	struct slice s = d->service;

	if (s.n == 0 || slice_starts(d->text, SLICE("Time just moved backwards"))) {
		int n = master_1(d, out);

		if (n >= 0)
			return n;
	}
	if (slice_ends(s, SLICE("-login")) && !is_other_service(s))
		return dv_login(d, out);
	if (slice_eq(s, SLICE("auth")) || slice_eq(s, SLICE("auth-worker")) ||
	    is_pam(d->text))
		return dv_auth(d, out);
	if (is_mail_service(s))
		return dv_mail(d, out);
	if (slice_starts(d->text, SLICE("Dovecot v"))) {
		dv_event(out, EV_INFO, d, SLICE("start"))->text = d->text;
		return 1;
	}
	if (is_other_service(s)) {
		dv_event(out, EV_INFO, d, slice_head(s, 0))->text = d->text;
		return 1;
	}
	return -1;
}

static int
parse(const struct line *l, struct event out[EVENTS_MAX])
{
	struct dv_line d = { .text = slice_trim(l->text) };
	bool guessed = !slice_has(l->tag, SLICE("dovecot"));
	int n;

	if (guessed && !(slice_starts(d.text, SLICE("pam_")) && slice_has(d.text, SLICE("(dovecot:"))))
		return DIALECT_FOREIGN;
	(void)slice_eat(&d.text, SLICE("dovecot: "));
	d.level = take_level(&d.text);
	if (!slice_starts(d.text, SLICE("Dovecot v")) && !is_pam(d.text))
		(void)take_service(&d);
	if (d.level == DV_NONE)
		d.level = take_level(&d.text);
	if (d.level == DV_DEBUG)
		return 0;
	n = d.level >= DV_WARNING ? trouble(&d, out) : by_service(&d, out);
	for (int i = 0; i < n; i++)
		if (out[i].service.n == 0)
			out[i].service = scan_base(l->tag);
	return n;
}

const struct dialect dialect_dovecot = { .name = "dovecot", .claims = claims, .parse = parse };
