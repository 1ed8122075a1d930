/* check_mail_roundtrip - send a message, find it in its mailbox: how long does mail take, does it come?
 *
 * Sends one marked message (lib/smtp.c), looks for it and for those of earlier runs in a mailbox
 * (lib/mailbox.c), deletes what it finds of its own, and remembers the others (lib/probes.c,
 * lib/keep.c), so that a message that comes after its run gave up is told as late and not as
 * lost. What is thought of it is lib/roundtrip.c. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "hash.h"
#include "hostport.h"
#include "keep.h"
#include "mem.h"
#include "net.h"
#include "roundtrip.h"
#include "secret.h"

#include "poison.h"

static const char check_name[] = "check_mail_roundtrip";

static struct {
	const char *host, *resolver, *source;
	int64_t port;
	bool four, six, starttls, tls;
	const char *rcpt, *from, *subject, *helo;
	int64_t size;
	const char *user, *password_file, *password_env, *auth;
	const char *mailbox, *box_user, *box_file, *box_env;
	struct opt_list folders, junk;
	bool cleartext, no_verify, greylist_ok, no_wait;
	const char *ca_file, *ca_dir, *tls_name;
	double lost_s;
	int64_t probes;
} set = { .from = "", .password_env = "MXGAUGE_PASSWORD", .box_env = "MXGAUGE_MAILBOX_PASSWORD",
	.lost_s = 1800, .probes = 20 };

static const struct opt opts[] = {
	{ 'H', "hostname", OPT_STRING, &set.host, "HOST", "the mail server to which the message is given" },
	{ 'p', "port", OPT_INT, &set.port, "PORT", "by default 25, with --tls 465, with --user 587",
	    .min = 0, .max = 65535 },
	{ '4', "ipv4", OPT_FLAG, &set.four, NULL, "IPv4 alone, for the mailbox too" },
	{ '6', "ipv6", OPT_FLAG, &set.six, NULL, "IPv6 alone" },
	{ 0, "resolver", OPT_STRING, &set.resolver, "ADDR[:PORT]",
	    "name server for the mail server; by default the system's" },
	{ 0, "source", OPT_STRING, &set.source, "ADDR", "address to send from" },
	{ 'S', "starttls", OPT_FLAG, &set.starttls, NULL, "go on with TLS after EHLO" },
	{ 0, "tls", OPT_FLAG, &set.tls, NULL, "TLS from the start (submissions, SMTPS)" },
	{ 'r', "rcpt", OPT_STRING, &set.rcpt, "ADDRESS", "to whom: whose mailbox it is" },
	{ 'f', "from", OPT_STRING, &set.from, "ADDRESS", "sender; by default the null sender, so that nothing "
	    "comes back", .empty = true },
	{ 0, "subject", OPT_STRING, &set.subject, "TEXT", "in place of \"mxgauge probe\"" },
	{ 0, "helo", OPT_STRING, &set.helo, "NAME", "name for EHLO; by default this host's, or its address "
	    "where that has no dot" },
	{ 0, "size", OPT_INT, &set.size, "BYTES", "make the message about so much longer",
	    .min = 0, .max = 32e6 },
	{ 'u', "user", OPT_STRING, &set.user, "NAME", "log in to send" },
	{ 0, "password-file", OPT_STRING, &set.password_file, "FILE", "its first line is the password" },
	{ 0, "password-env", OPT_STRING, &set.password_env, "VARIABLE", "where the password is else" },
	{ 0, "auth", OPT_CHOICE, &set.auth, "SCRAM-SHA-256|CRAM-MD5|PLAIN|LOGIN",
	    "by default the best that is offered" },

	{ 'b', "mailbox", OPT_STRING, &set.mailbox, "URL|DIR",
	    "where to find it: imaps://HOST[:PORT], imap:// (with STARTTLS), pop3s://, pop3://, or a Maildir" },
	{ 0, "mailbox-user", OPT_STRING, &set.box_user, "NAME", "log in so; by default the recipient" },
	{ 0, "mailbox-password-file", OPT_STRING, &set.box_file, "FILE", "its first line is the password" },
	{ 0, "mailbox-password-env", OPT_STRING, &set.box_env, "VARIABLE", "where the password is else" },
	{ 0, "folder", OPT_LIST, &set.folders, "NAME", "look here, too; may be given again" },
	{ 0, "junk", OPT_LIST, &set.junk, "NAME",
	    "a junk folder; by default the one that the server names, Junk and Spam, where there are such" },
	{ 0, "no-wait", OPT_FLAG, &set.no_wait, NULL,
	    "look for the messages of earlier runs, send one, and do not wait for it" },
	{ 0, "lost-after", OPT_DURATION, &set.lost_s, "TIME", "a message that did not come by then is lost",
	    .min = 1, .max = 7 * 86400 },
	{ 0, "probes", OPT_INT, &set.probes, "N", "loss and percentiles are of the last N messages",
	    .min = 1, .max = PROBES_MAX / 2 },
	{ 0, "greylist-ok", OPT_FLAG, &set.greylist_ok, NULL, "greylisting is no trouble" },

	{ 0, "cleartext", OPT_FLAG, &set.cleartext, NULL,
	    "show passwords without TLS, too; imap:// and pop3:// then speak none" },
	{ 0, "no-verify", OPT_FLAG, &set.no_verify, NULL, "do not judge certificates" },
	{ 0, "ca-file", OPT_STRING, &set.ca_file, "FILE", "trusted authorities" },
	{ 0, "ca-dir", OPT_STRING, &set.ca_dir, "DIR",
	    "the same, by hashes; by default the system's folder" },
	{ 0, "tls-name", OPT_STRING, &set.tls_name, "NAME",
	    "whose certificate the mail server's must be; by default the host's" },
	{ 0 }
};

static const struct program program = {
	"check_mail_roundtrip", "how long a message takes into its mailbox, and whether it comes",
	"Sends a message with a mark that nobody can guess, and looks for it in the mailbox until it is there "
	"or the time (-t) is up: that is CRITICAL, as is all that keeps it from being sent or looked for. The "
	"sentence has the phase, the code and the text. A message that comes later is found, told as late and "
	"deleted by one of the next runs; after --lost-after it is lost. Nothing but own messages, known by "
	"their X-Mxgauge-Token, is ever deleted, and of others not even the header is fetched where the "
	"server can search (IMAP).\n\n"
	"With --no-wait each run looks for what earlier ones sent: for mail that takes minutes, or where a "
	"check must be short. delivery is then told by the stamp that the mailbox gave the message.\n\n"
	"Use a mailbox for this alone. A message in a junk folder and a lost one are WARNING unless -w and "
	"-c junk= and loss= say otherwise. POP3 shows the inbox only. What is remembered lies in "
	"NAGIOS_PLUGIN_STATE_DIRECTORY, or /var/tmp/mxgauge-UID.",
	opts, .measures = roundtrip_measures,
	.needs = "-H HOST -r ADDRESS -b URL|DIR",
	.examples = "check_mail_roundtrip -t 60 -H mx1.example.org -r probe@example.org -b imaps://imap.example.org "
	    "--mailbox-password-file /etc/nagios/private/probe -w delivery=20s\n"
	    "check_mail_roundtrip --no-wait -H mx1.example.org -r probe@example.org -b imaps://imap.example.org "
	    "-w delivery=5m -c delivery=20m -w loss=0 -c loss=10%\n"
	    "check_mail_roundtrip -H mail.example.org -p 587 -S -u probe -r probe@example.org -b pop3s://mail.example.org\n"
	    "check_mail_roundtrip -H 127.0.0.1 -r probe@example.org -b /var/mail/vhosts/example.org/probe/Maildir"
};

/* --- options to plans ---------------------------------------------------------------------- */

static void
need(bool good, const char *sentence)
{
	if (!good)
		opt_fail(&program, "%s", sentence);
}

/* Is the server of the URL of the family that was asked for? Of a Maildir there is none. */
static bool
box_fits(int family, struct err *e)
{
	struct slice s = slice_of(set.mailbox), host;
	struct hostport h;

	if (!slice_cut_at(&s, SLICE("://"), &host))
		return true;
	if (!slice_cut(&s, '/', &host))
		host = s;
	return !hostport_parse(host, 1, &h, NULL) || net_fits(h.host, family, e);
}

static const struct mailbox_kind *
check_options(void)
{
	int family = net_family(set.four, set.six);
	const struct mailbox_kind *kind;
	struct err e = { "" };

	need(set.host != NULL, "to which mail server? -H");
	need(set.rcpt != NULL && set.rcpt[0] != '\0', "to whom? -r");
	need(set.mailbox != NULL && set.mailbox[0] != '\0', "where to find it? -b");
	kind = mailbox_kind(set.mailbox);
	need(!mailbox_is_maildir(kind) || strstr(set.mailbox, "://") == NULL,
	    "-b: there are imap://, imaps://, pop3:// and pop3s://, and a Maildir's folder");
	need(mailbox_is_maildir(kind) || strchr(set.mailbox, '@') == NULL,
	    "no name and no password in the URL, everybody could read them: --mailbox-user");
	need(!(set.starttls && set.tls), "--starttls and --tls exclude each other");
	need(!(set.four && set.six), "-4 and -6 exclude each other");
	need(net_fits(set.host, family, &e) && net_fits(set.source, family, &e) && box_fits(family, &e), e.text);
	need(set.user == NULL || set.user[0] != '\0', "--user is empty");
	need(mailbox_has_folders(kind) || set.folders.n + set.junk.n == 0,
	    "POP3 has one folder only: --folder and --junk say nothing");
	return kind;
}

static char *
password(const char *option, const char *file, const char *variable)
{
	struct err e = { "" };
	char *got = secret_read(option, file, variable, &e);

	if (got == NULL)
		check_unknown("%s", e.text);
	return got;
}

static void
make_plan(struct smtp_plan *p, const char *token)
{
	static struct net_addr source;
	struct err e = { "" };

	if (set.source != NULL && !net_addr_parse(set.source, 0, &source))
		opt_fail(&program, "--source %s: this is no address", set.source);
	*p = (struct smtp_plan){ .depth = SMTP_TO_ACCEPT, .helo = set.helo != NULL ? set.helo : smtp_own_name(),
		.tls = set.tls ? SMTP_USE_TLS : set.starttls ? SMTP_USE_STARTTLS : SMTP_PLAIN,
		.unverified = set.no_verify, .from = set.from, .rcpt = &set.rcpt, .rcpts = 1,
		.source = set.source != NULL ? &source : NULL, .clear_password = set.cleartext,
		.transcript = check_is_verbose(2) };
	p->message = (struct smtp_message){ .from = set.from, .to = set.rcpt, .subject = set.subject,
		.host = p->helo[0] != '\0' ? p->helo : "localhost", .token = token,
		.padding = (size_t)set.size };
	if (set.user != NULL) {
		p->user = slice_of(set.user);
		p->password = slice_of(password("--password-file", set.password_file, set.password_env));
		p->mech = set.auth != NULL ? sasl_mech_of(slice_of(set.auth)) : SASL_NONE;
	}
	if (!smtp_plan_check(p, &e))
		check_unknown("%s", e.text);
	if (p->tls != SMTP_PLAIN &&
	    (p->context = tlsclient_context_begin(set.ca_file, set.ca_dir, false, &e)) == NULL)
		check_unknown("%s", e.text);
}

/* Folders' names go into commands and paths. */
static void
add_folder(struct mailbox *m, const char *name, bool junk, bool wanted)
{
	for (const char *c = name; *c != '\0'; c++)
		if (*c < ' ' || *c > '~' || *c == '"' || *c == '\\')
			opt_fail(&program, "folder \"%s\": write it in ASCII as the server has it (modified UTF-7), without "
			    "quotes and backslashes", check_clean(slice_of(name)));
	if (name[0] == '\0' || strstr(name, "..") != NULL || mailbox_folder(m, name, junk, wanted) == NULL)
		opt_fail(&program, "folder \"%s\": there are too many, or its name cannot be", name);
}

static void
make_mailbox(struct mailbox *m)
{
	m->path = set.mailbox;
	m->link = (struct boxlink_plan){ .url = set.mailbox, .user = set.box_user != NULL ? set.box_user : set.rcpt,
		.cleartext = set.cleartext, .unverified = set.no_verify, .ca_file = set.ca_file,
		.ca_dir = set.ca_dir, .family = net_family(set.four, set.six) };
	if (!mailbox_is_maildir(m->kind))
		m->link.password = password("--mailbox-password-file", set.box_file, set.box_env);
	(void)mailbox_folder(m, "INBOX", false, true);
	for (size_t i = 0; i < set.folders.n; i++)
		add_folder(m, set.folders.v[i], false, true);
	for (size_t i = 0; i < set.junk.n; i++)
		add_folder(m, set.junk.v[i], true, true);
	if (set.junk.n == 0)
		mailbox_usual_junk(m);
}

/* --- what is remembered -------------------------------------------------------------------- */

/* Which service this is: two that differ in any of this do not take each other's messages. */
static struct slice
service(void)
{
	static struct buf b;
	char host[256] = "";

	(void)gethostname(host, sizeof host - 1);
	b = buf_new(8192);
	buf_fmt(&b, "%s\n%ld\n%s\n%" PRId64 "\n%s\n%s\n%s\n%s", host, (long)geteuid(), set.host, set.port, set.rcpt,
	    set.from, set.mailbox, set.box_user != NULL ? set.box_user : "");
	return buf_slice(&b);
}

static void
remember(struct roundtrip *r, struct mailbox *m, struct slice thing)
{
	struct buf b = buf_new(KEEP_BYTES);
	struct err e = { "" };

	if (!keep_lock(check_name, thing, clock_now() + (check_deadline() - clock_now()) / 2, &e) ||
	    !keep_read(check_name, thing, &b, &e))
		check_unknown("%s", e.text);
	probes_read(&r->probes, m, buf_slice(&b));
	buf_free(&b);
}

static void
keep(const struct roundtrip *r, const struct mailbox *m, struct slice thing)
{
	struct buf b = buf_new(KEEP_BYTES);
	struct err e = { "" };

	probes_write(&r->probes, m, &b);
	if (!keep_write(check_name, thing, buf_slice(&b), &e))
		check_unknown("%s", e.text);
	buf_free(&b);
}

/* --- sending and finding ------------------------------------------------------------------- */

static struct dns *
resolver(void)
{
	struct net_addr a;
	struct err e = { "" };
	struct dns *d;

	if (net_addr_parse(set.host, 0, &a))
		return NULL;
	d = dns_open(set.resolver, &e);
	if (d == NULL)
		check_unknown("%s", e.text);
	return d;
}

static void
send_one(struct roundtrip *r, const struct smtp_plan *plan, struct smtp_targets *t)
{
	*t = (struct smtp_targets){ .plan = plan, .dns = resolver(), .tls_name = set.tls_name,
		.port = set.port > 0 ? (uint16_t)set.port : set.tls ? 465 : set.user != NULL ? 587 : 25,
		.family = net_family(set.four, set.six), .count = 1,
		.deadline = check_deadline() };
	check_phase("sending to %s", set.host);
	r->began = clock_now();
	smtp_targets_host(t, set.host);
	smtp_targets_run(t);
	r->session = t->session[0];
	r->accepted = r->session->s.accepted[0] != '\0';
	if (r->accepted)	/* else it may yet come, where the server's answer was lost */
		probes_find(&r->probes, r->token)->fate = PROBE_SENT;
}

/* One look. What goes wrong at the end of the time, after one that went well, is no trouble of the
 * mailbox: the time was for waiting. */
static bool
look(struct roundtrip *r, struct mailbox *m)
{
	struct err e = { "" };
	double begun = clock_now();

	check_phase("looking into %s", r->where);
	if (mailbox_look(m, &e)) {
		if (!r->looked)
			r->find_s = clock_now() - begun;
		r->looked = true;
		return true;
	}
	if (r->looked && !m->ours && clock_now() >= m->deadline && m->deadline - begun < 1)
		return false;
	(void)snprintf(r->trouble, sizeof r->trouble, "%s", e.text);
	r->trouble_ours = m->ours;
	return false;
}

/* Until it came, or the time is up; a last look shortly before. */
static void
wait_for(struct roundtrip *r, struct mailbox *m)
{
	while (look(r, m) && !r->arrived) {
		double left = m->deadline - clock_now() - 0.1, s = fmin(mailbox_pause(m), left);
		struct timespec pause = { .tv_sec = (time_t)s, .tv_nsec = (long)(fmod(s, 1) * 1e9) };

		if (left <= 0)
			break;
		(void)nanosleep(&pause, NULL);
	}
	r->waited = clock_now() - r->began;
}

/* Send, and find: this run's message, or with --no-wait those of earlier ones. */
static void
go(struct roundtrip *r, struct mailbox *m, const struct smtp_plan *plan, struct slice thing)
{
	struct smtp_targets t;

	remember(r, m, thing);
	if (set.no_wait)
		(void)look(r, m);
	r->sent = clock_wall();
	(void)probes_add(&r->probes, r->token, r->sent);
	keep(r, m, thing);	/* whatever happens: it is known that there may be such a message */
	send_one(r, plan, &t);
	keep(r, m, thing);
	if (!set.no_wait && r->accepted)
		wait_for(r, m);
	else if (!set.no_wait)
		(void)look(r, m);
	mailbox_close(m);
	probes_age(&r->probes, clock_wall(), set.lost_s);
	probes_forget(&r->probes, (size_t)set.probes);
	keep(r, m, thing);
}

int
main(int argc, char **argv)
{
	static struct roundtrip r = { .find_s = (double)NAN };
	static struct mailbox m;
	static struct smtp_plan plan;
	struct hash_key random = hash_key_random();
	struct slice thing;

	check_begin("ROUNDTRIP");
	opt_parse(&program, argc, argv);
	m = (struct mailbox){ .kind = check_options(), .dial = boxlink_open,
		.deadline = check_deadline(), .found = roundtrip_found, .arg = &r };
	r.no_wait = set.no_wait;
	r.greylist_ok = set.greylist_ok;
	r.lost_s = set.lost_s;
	r.where = xstrdup(check_clean(slice_of(set.mailbox)));
	thing = service();
	(void)snprintf(m.sign, sizeof m.sign, "%016" PRIx64, keep_number(thing));
	(void)snprintf(r.token, sizeof r.token, "%s%016" PRIx64, m.sign, random.k[0]);
	make_plan(&plan, r.token);
	make_mailbox(&m);
	go(&r, &m, &plan, thing);
	roundtrip_tell(&r, &m);
	check_done();
}
