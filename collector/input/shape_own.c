/* shape_own.c - the files that programs write themselves, without syslog.
 *
 *	2026-11-18 12:30:00 [77] 1vLabc-000000012Xy-0aBc <= anna@example.org ...	Exim
 *	@400000006b00b13d1078453c status: local 0/10 remote 0/20		multilog
 *	2026-11-18 12:30:00.123456789 new msg 7					tai64nlocal
 *	2026-11-18_12:30:00.12345 new msg 7					svlogd, in UTC
 *	1795005000.123456 new msg 7						accustamp
 *	@400000006b00b13d1078453c mail.info: Nov 18 12:30:00 tag[7]: ...	socklog, by any of these
 *	2026-11-18 12:30:00 #77(normal) <ab12cd>; task; ...			rspamd
 *	[2026/11/18 12:30:00] mod=syn|cli=192.0.2.1/4711|...			p0f
 *	Wed Nov 18 12:30:00 2026 -> fd[10]: Eicar-Test-Signature FOUND		ClamAV
 *	Wed Nov 18 12:30:00 2026 [77] info: spamd: result: ...			spamd
 *	Nov 18 12:30:00 imap-login: Info: Login: user=<anna>, ...		Dovecot
 *	dovecot: Nov 18 12:30:00 Info: imap-login: Login: user=<anna>, ...	Dovecot 1.x
 *	Wed 2026-11-18 12:30:00 CET mx1 tag[7]: ...		journalctl -o short-full
 *	1795005000.123456 mx1 tag[7]: ...			journalctl -o short-unix
 *	Wed Nov 18 12:30:00 2026 mail.info tag[7]: ...		OpenWrt's logread
 *	2026:11:18-12:30:00 mx1 tag[7]: ...			Sophos UTM
 *
 * None names the program or its host: the tag is told from the shape. Where many programs
 * share a stamp, what is written like no known one gets no tag. */
#include "input/shape.h"

#include "poison.h"

/* Seconds of year 2200: later stamps are rubbish. */
static const uint64_t latest = 7258118400;

static bool
set(const struct header *h, const char *tag, struct slice ident, struct slice text,
    struct line *out)
{
	out->host = h->host;
	out->tag = slice_of(tag);
	out->ident = ident;
	out->text = text;
	out->own = true;
	return true;
}

/* "123" as a process id, and what is behind it. */
static bool
pid_until(struct slice *s, char end, uint32_t *pid)
{
	struct slice t = *s;
	uint64_t v;

	if (!slice_u64(&t, &v) || v > UINT32_MAX || !slice_eat_char(&t, end))
		return false;
	*pid = (uint32_t)v;
	*s = t;
	return true;
}

/* "mx1 exim[77]: text"; of programs without a process id those that are no words of Exim. */
static bool
host_and_tag(struct slice s)
{
	size_t n = 0, from;
	struct slice tag;
	uint64_t pid;

	while (n < s.n && (slice_is_alnum(s.p[n]) || s.p[n] == '-' || s.p[n] == '.'))
		n++;
	if (n == 0 || n >= s.n || s.p[n] != ' ')
		return false;
	for (from = ++n; n < s.n && (slice_is_alnum(s.p[n]) || strchr("-_./()", s.p[n]) != NULL) &&
	    s.p[n] != '\0'; n++)
		;
	tag = slice_head(slice_from(s, from), n - from);
	s = slice_from(s, n);
	if (slice_starts(s, SLICE(": ")))
		return slice_eq(tag, SLICE("dovecot")) || slice_starts(tag, SLICE("postfix/"));
	return tag.n > 0 && slice_eat_char(&s, '[') && slice_u64(&s, &pid) && slice_eat(&s, SLICE("]: "));
}

/* --- qmail's loggers -------------------------------------------------------------- */

/* "1795005000.123456" */
static bool
epoch_stamp(struct slice *s, uint64_t *secs, uint32_t *usec)
{
	struct slice t = *s;
	uint64_t fraction;
	size_t n;

	if (!slice_u64(&t, secs) || *secs < 100000000 || *secs >= latest || !slice_eat_char(&t, '.'))
		return false;
	n = t.n;
	if (!slice_u64(&t, &fraction) || n - t.n != 6)
		return false;
	*usec = (uint32_t)fraction;
	*s = t;
	return true;
}

void
shape_splogger(struct header *h, struct line *out)
{
	struct slice s = out->text;
	uint64_t secs;
	uint32_t usec;

	/* The rest of a long line has a '+' instead of the blank, and keeps it. */
	if (!epoch_stamp(&s, &secs, &usec) || s.n == 0 || (s.p[0] != ' ' && s.p[0] != '+') ||
	    (int64_t)secs - out->time > DAY_S || out->time - (int64_t)secs > DAY_S)
		return;
	(void)slice_eat_char(&s, ' ');
	out->time = (int64_t)secs;
	out->usec = usec;
	out->tag = SLICE("qmail");
	out->text = s;
	stamp_remember(&h->stamps, out->time);
}

static int
hex_of(char c)
{
	if (slice_is_digit(c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "@" and 24 digits: seconds since 1970 TAI, from 2^62 on, and nanoseconds. */
static bool
tai64n(struct header *h, struct slice s, struct line *out)
{
	uint64_t v[2] = { 0, 0 };

	if (s.n < 26 || s.p[25] != ' ')
		return false;
	for (size_t i = 0; i < 24; i++) {
		int digit_value = hex_of(s.p[1 + i]);

		if (digit_value < 0)
			return false;
		v[i / 16] = v[i / 16] << 4 | (uint64_t)digit_value;
	}
	v[0] -= ((uint64_t)1 << 62) + 10;	/* daemontools know no leap seconds */
	if (v[0] >= latest || v[1] >= 1000000000)
		return false;
	out->time = (int64_t)v[0];
	out->usec = (uint32_t)(v[1] / 1000);
	stamp_remember(&h->stamps, out->time);
	s = slice_from(s, 26);
	if (header_within_logger(h, s, out))
		return true;
	if (slice_starts(s, SLICE("dovecot-auth: ")))	/* what libpam writes for it */
		return set(h, "dovecot-auth", s, slice_from(s, 14), out);
	return shape_dovecot(h, s, out) || set(h, "qmail", s, s, out);
}

static bool
accustamp(struct header *h, struct slice s, struct line *out)
{
	uint64_t secs;

	if (!epoch_stamp(&s, &secs, &out->usec) || !slice_eat_char(&s, ' '))
		return false;
	out->time = (int64_t)secs;
	stamp_remember(&h->stamps, out->time);
	return host_and_tag(s) ? header_rest(h, s, out) : set(h, "qmail", s, s, out);
}

static bool
svlogd(struct header *h, struct slice s, struct line *out)
{
	struct civil_stamp c;

	if (!stamp_civil(&s, '-', '_', &c) || !slice_eat_char(&s, ' '))
		return false;
	out->time = c.civil;
	out->usec = c.usec;
	stamp_remember(&h->stamps, out->time);
	return header_within_logger(h, s, out) || shape_dovecot(h, s, out) || set(h, "qmail", s, s, out);
}

/* --- Dovecot ----------------------------------------------------------------------- */

/* Its services, by the beginnings of their names. */
static const char *const services[] = {
	"aggregator", "anvil", "auth", "config", "deliver", "dict", "director", "dns", "doveadm",
	"dsync", "imap", "indexer", "ipc", "lda", "lmtp", "log", "managesieve", "master",
	"old-stats", "pop3", "quota-status", "replicator", "script", "ssl-params", "stats",
	"submission", "welcome", NULL
};

static bool
is_service(struct slice name)
{
	for (const char *const *at = services; *at != NULL; at++) {	/* 1.x wrote IMAP, POP3 */
		struct slice word = slice_of(*at), rest = slice_from(name, word.n);

		if (slice_eq_nocase(slice_head(name, word.n), word) && (rest.n == 0 || rest.p[0] == '-' ||
		    rest.p[0] == '_'))
			return true;
	}
	return false;
}

static bool
is_level(struct slice s)
{
	static const char *const levels[] = { "Info: ", "Warning: ", "Error: ", "Debug: ", "Fatal: ",
		"Panic: ", "Warn: ", NULL };

	for (const char *const *at = levels; *at != NULL; at++)
		if (slice_starts(s, slice_of(*at)))
			return true;
	return false;
}

/* "imap-login: Info: ", "imap(anna)<12><x>: Info: ", "lmtp(12, anna): Info: " */
bool
shape_dovecot(struct header *h, struct slice s, struct line *out)
{
	struct slice t = s, who = { NULL, 0 };
	size_t n = 0;

	while (n < s.n && (slice_is_alnum(s.p[n]) || s.p[n] == '-' || s.p[n] == '_'))
		n++;
	if (n == s.n || !is_service(slice_head(s, n)))
		return false;
	t = slice_from(s, n);
	if (t.p[0] != ':' && t.p[0] != '(' && t.p[0] != '<')
		return false;
	if (!slice_cut_at(&t, SLICE(": "), &who) || !is_level(t))
		return false;
	if (who.n > 0 && who.p[who.n - 1] != ')' && who.p[who.n - 1] != '>')
		return false;
	return set(h, "dovecot", s, s, out);
}

/* "dovecot: Nov 18 12:30:00 Info: imap-login: ", as 1.x wrote it; many had it write "2009-11-18 12:30:00" */
static bool
dovecot_1(struct header *h, struct slice s, struct line *out)
{
	struct civil_stamp c;

	if (!slice_eat(&s, SLICE("dovecot: ")))
		return false;
	if (stamp_civil(&s, '-', ' ', &c) && slice_eat_char(&s, ' '))
		out->time = stamp_zoned(&h->stamps, &s, c.civil);
	else if (!stamp_take(&h->stamps, &s, &out->time, &out->usec))
		return false;
	return is_level(s) && set(h, "dovecot", s, s, out);
}

/* --- stamps that many programs share ------------------------------------------------ */

/* "#77(normal) <ab12cd>; task; rspamd_task_write_log: id: ...", before it maybe "[info] ". */
static bool
rspamd(struct header *h, struct slice s, struct line *out)
{
	struct slice ident = s, word, repeats;
	uint64_t n;

	if (slice_eat_char(&s, '[') && !slice_cut_at(&s, SLICE("] "), &word))
		return false;
	if (!slice_eat_char(&s, '#') || !pid_until(&s, '(', &out->pid) ||
	    !slice_cut_at(&s, SLICE(") "), &word))
		return false;
	/* what it has counted instead of printing; nothing before it can hold a text */
	repeats = s;
	if (slice_cut_at(&repeats, SLICE(": "), &word) &&
	    slice_eat(&repeats, SLICE("Last message repeated ")) && slice_u64(&repeats, &n) &&
	    n > 0 && n <= UINT32_MAX && slice_eq(repeats, SLICE(" times"))) {
		out->repeat = (uint32_t)n;
		out->repeat_of_last = true;
		set(h, "", ident, SLICE(""), out);
		return true;
	}
	return set(h, "rspamd", ident, s, out);
}

/* 6-6-2 letters and digits, since 4.97 6-11-4. */
static bool
is_message_id(struct slice s)
{
	size_t first = s.n > 6 && s.p[6] == '-' ? 6 : 0, n = 0;
	size_t second = s.n > 13 && s.p[13] == '-' ? 13 : 18, end = second == 13 ? 16 : 23;

	if (first == 0 || s.n < end || s.p[second] != '-' || (s.n > end && s.p[end] != ' '))
		return false;
	for (n = 0; n < end; n++)
		if (n != first && n != second && !slice_is_alnum(s.p[n]))
			return false;
	return true;
}

/* How lines of Exim begin that have neither a message id nor a process id. */
static const char *const exim_begins[] = {
	"H=", "U=", "SMTP ", "TLS ", "no MAIL in ", "no host name found for ",
	"no IP address found for ", "Start queue run", "End queue run", "exim ", "Exim ",
	"rejected ", "temporarily rejected ", "refused connection", "Warning: ", "Connection from ",
	"unexpected disconnection ", "unqualified ", "sender verify ", "recipient verify ",
	"too many ", "lost connection while ", "rejecting ", "dropping ", "DKIM: ", "DMARC ",
	"SPF ", "Process ", "process ", "pid ", "listening ", "socket bind() ", "cannot ", "Cannot ",
	"could not ", "Could not ", "unable to ", "Unable to ", "failed to ", "Failed to ",
	"malware acl condition", "spam acl condition", "spamd ", "==", "**", "=>", "<=", "ETRN ",
	"VRFY ", "EXPN ", "ident ", "configuration ", "Configuration ", "remote host ", "invalid ",
	"timed out ", "closed connection ", "[", "daemon: ", "queue run: ", "1 args: ", "cwd=",
	"Accepted: ", "Auth", "Message ", "Spool ", "spool ", "retry ", "Retry ", "PRDR ", "PROXY ",
	"proxy ", "lookup ", "internal ", "syncing ", "overlong message header ", "XCLIENT ",
	"dnssec ", "(SSL_", "(gnutls", "Peer ", "OCSP ", "SIGHUP ", "Tainted ", "configured error code ", "expansion of ",
	"exec of ", "ridiculously long ", "ignoring AUTH=", "ACL for ", "ATRN ", "DSH=",
	"unexpected EOF while reading SMTP ", "temporarily refused connection ", "connection from [",
	"Start '", "End '", "Start ODMR ", "End ODMR ", "Abandon queue run: ", "log directory space check ",
	"DNS list lookup ", "dnslists domain ", "host lookup deferred ", "host name alias list ",
	"CNAME loop for ", "DANE error: ", "dcc acl condition", "DCC: ", "regex acl condition",
	"acl_smtp_mime: ", "demime acl condition", "SIGTERM received while ", "SIGINT received while ",
	"list matching forced ", "Expansion of ", "bmi error ", "failure to ", "Error loading ", "Lookup module ",
	"Couldn't ", "Error in ", "Error while ", "Format error in spool file ", "Rewrite of ", "rewrite: ",
	"Attempt to exec tainted ", "attempt to use tainted ", "SEGV_", "SIGSEGV", "Stat failed on ",
	"Wrong ownership on ", "bind of ", "debugging Exim ", "error in ", "fork ", "fork() ", "getsockname() ",
	"getsockopt() ", "setsockopt(", "IPv4 socket ", "IPv6 socket ", "Setting IPV6_", "link(\"", "unlink(",
	"rmdir(", "listen backlog ", "listen() ", "local_scan() ", "routing loop for ", "spoolfile error ",
	"smtp-wait database ", "string_sprintf ", "string too large ", "tainted search query ",
	"unknown item in dnslist ", "unknown log name ", "unknown named", "bad memory ", NULL
};

static bool
is_exim(struct slice s)
{
	struct slice word;

	if (is_message_id(s))
		return true;
	for (const char *const *at = exim_begins; *at != NULL; at++)
		if (slice_starts(s, slice_of(*at)))
			return true;
	if (slice_starts(s, SLICE("\"")))	/* "a@b.example" from env-from rewritten as "c@b.example" by rule 1 */
		return slice_has(s, SLICE(" rewritten as \""));
	/* "login authenticator failed for": the first word is the admin's */
	return slice_cut(&s, ' ', &word) && slice_starts(s, SLICE("authenticator "));
}

static bool
exim(struct header *h, struct slice s, const struct civil_stamp *c, struct line *out)
{
	struct slice ident = s, rest = s;
	bool pid = slice_eat_char(&rest, '[') && pid_until(&rest, ']', &out->pid) &&
	    slice_eat_char(&rest, ' ');

	if (pid)
		s = rest;
	else
		out->pid = 0;
	/* others write a comma or more than milliseconds */
	if ((c->digits != 0 && c->digits != 3) || !(pid || is_exim(s)))
		return set(h, "", ident, s, out);
	h->exim.time = out->time;
	h->exim.usec = out->usec;
	h->exim.open = true;
	stamp_forget(&h->stamps);	/* usual() does not see the next line */
	return set(h, "exim", ident, s, out);
}

/* "2026-11-18 12:30:00" and on. */
static bool
dated(struct header *h, struct slice s, struct line *out)
{
	struct civil_stamp c;

	if (!stamp_civil(&s, '-', ' ', &c) || s.n == 0)
		return false;
	out->usec = c.usec;
	if (s.p[0] == ',') {	/* Java's and Python's fraction */
		out->time = stamp_zoned(&h->stamps, &(struct slice){ NULL, 0 }, c.civil);
		return set(h, "", slice_from(s, 1), slice_from(s, 1), out);
	}
	if (s.p[0] != '+' && s.p[0] != '-' && s.p[0] != 'Z' && !slice_eat_char(&s, ' '))
		return false;
	out->time = stamp_zoned(&h->stamps, &s, c.civil);
	if (c.digits == 9)
		(void)slice_eat_char(&s, ' ');	/* s6-log has two */
	if (header_within_logger(h, s, out) || shape_dovecot(h, s, out))
		return true;
	if (host_and_tag(s))
		return header_rest(h, s, out);
	if (c.digits == 9)
		return set(h, "qmail", s, s, out);
	if (s.n > 0 && (s.p[0] == '#' || s.p[0] == '[') && rspamd(h, s, out))
		return true;
	return exim(h, s, &c, out);
}

/* Does it look like the rest of an entry in Exim's reject log (the envelope, header lines
 * behind a letter that says what they are to Exim, a line of dashes) or of any message with
 * line ends in it? What a stranger sent stands behind a letter or a blank. */
static bool
goes_on(struct slice s)
{
	if (s.n == 0 || s.p[0] == ' ' || s.p[0] == '\t')
		return true;
	if (s.n > 2 && s.p[1] == ' ' && (slice_is_alnum(s.p[0]) || s.p[0] == '*'))
		return true;
	return slice_starts(s, SLICE("Envelope-from: ")) || slice_starts(s, SLICE("Envelope-to: ")) ||
	    slice_starts(s, SLICE("----------"));
}

/* Text without line noise, which a message may hold and a log that was damaged does not. */
static bool
is_text(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' && s.p[i] != '\t')
			return false;
	return true;
}

static bool
exim_goes_on(struct header *h, struct slice s, struct line *out)
{
	out->time = h->exim.time;
	out->usec = h->exim.usec;
	out->goes_on = true;
	return set(h, "exim", s, s, out);
}

/* --- ClamAV, spamd, p0f ------------------------------------------------------------- */

/* "Wed Nov 18 12:30:00 2026 " and on. */
static bool
week_day(struct header *h, struct slice s, struct line *out)
{
	struct slice ident, word;

	if (s.n < 4 || s.p[3] != ' ' ||
	    !slice_has(SLICE("Mon Tue Wed Thu Fri Sat Sun"), slice_head(s, 3)))
		return false;
	s = slice_from(s, 4);
	if (!stamp_take(&h->stamps, &s, &out->time, &out->usec))
		return false;
	if (header_skip_priority(&s)) {
		out->host = h->host;
		return header_text(h, s, true, out);
	}
	if (host_and_tag(s))
		return header_rest(h, s, out);
	ident = s;
	if (slice_eat(&s, SLICE("-> ")))
		return set(h, "clamd", ident, s, out);
	if (slice_eat_char(&s, '[') && pid_until(&s, ']', &out->pid) && slice_eat_char(&s, ' ') &&
	    slice_cut_at(&s, SLICE(": "), &word) &&
	    (slice_eq(word, SLICE("info")) || slice_eq(word, SLICE("warn")) ||
	    slice_eq(word, SLICE("error")) || slice_eq(word, SLICE("dbg")))) {
		(void)slice_eat(&s, SLICE("spamd: "));
		return set(h, "spamd", ident, s, out);
	}
	out->pid = 0;
	return set(h, "", ident, ident, out);
}

/* "Wed 2026-11-18 12:30:00 CET " and on; the day is one of whatever language. */
static bool
short_full(struct header *h, struct slice s, struct line *out)
{
	struct slice day;
	struct civil_stamp c;

	if (!slice_cut(&s, ' ', &day) || day.n < 2 || day.n > 12 || !stamp_civil(&s, '-', ' ', &c) ||
	    !slice_eat_char(&s, ' ') || !stamp_named_zone(&h->stamps, &s, c.civil, &out->time))
		return false;
	out->usec = c.usec;
	return header_rest(h, s, out);
}

/* "2026:11:18-12:30:00 mx1 exim-in[7]: text" */
static bool
sophos(struct header *h, struct slice s, struct line *out)
{
	struct civil_stamp c;

	if (!stamp_civil(&s, ':', '-', &c) || !slice_eat_char(&s, ' '))
		return false;
	out->time = stamp_zoned(&h->stamps, &(struct slice){ NULL, 0 }, c.civil);
	return header_rest(h, s, out);
}

static bool
p0f(struct header *h, struct slice s, struct line *out)
{
	struct civil_stamp c;

	if (!slice_eat_char(&s, '[') || !stamp_civil(&s, '/', ' ', &c) || !slice_eat(&s, SLICE("] ")))
		return false;
	out->usec = c.usec;
	out->time = stamp_zoned(&h->stamps, &(struct slice){ NULL, 0 }, c.civil);
	return set(h, slice_starts(s, SLICE("mod=")) ? "p0f" : "", s, s, out);
}

/* --- programs that are no business of ours -------------------------------------------- */

/* Mail servers and proxies of which no line is read, but which may write beside those that
 * are: lines of another program, and no sign that one of ours has changed. */
static bool
others(struct header *h, struct slice s, struct line *out)
{
	static const char *const stamps[] = {
		"Y/N/D C [",		/* nginx */
		"[Y-N-D C,F]",		/* Python's logging */
		"[D/M/Y C]",		/* Kerio Connect */
		"M-D-y C ",		/* ASSP */
		"D-M-Y C.F ",		/* BIND */
		"Y-N-DTC.FZ,",		/* Exchange */
	};
	struct civil_stamp c;
	size_t i = 0;

	while (i < sizeof stamps / sizeof stamps[0] && !stamp_pattern(&s, stamps[i], &c))
		i++;
	if (i == sizeof stamps / sizeof stamps[0])
		return false;
	out->usec = 0;
	out->time = stamp_zoned(&h->stamps, &(struct slice){ NULL, 0 }, c.civil);
	return set(h, "", s, s, out);
}

bool
shape_own(struct header *h, struct slice raw, struct line *out)
{
	char c = raw.n > 0 ? raw.p[0] : '\0';
	bool good = false, open = h->exim.open;

	if (open && goes_on(raw))
		return exim_goes_on(h, raw, out);
	shape_break(h);
	if (c == '@')
		good = tai64n(h, raw, out);
	else if (c == '[')
		good = p0f(h, raw, out);
	else if (slice_is_digit(c))
		good = dated(h, raw, out) || svlogd(h, raw, out) || accustamp(h, raw, out) || sophos(h, raw, out);
	else if ((unsigned char)c >= 'A')
		good = week_day(h, raw, out) || dovecot_1(h, raw, out) || short_full(h, raw, out);
	good = good || others(h, raw, out);
	if (good || !open || !is_text(raw))
		return good;
	h->exim.open = true;	/* a message with line ends in it goes on */
	return exim_goes_on(h, raw, out);
}
