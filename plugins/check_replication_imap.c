/* check_replication_imap - do the same mailboxes look alike on several servers, and does Dovecot's replicator copy?
 *
 * All servers are asked at once, each in a process apart (lib/apart.h), by STATUS, which opens no mailbox and
 * marks nothing as seen. IMAP is lib/imapask.c's. The replicator is asked by doveadm, beside them;
 * lib/replica_dovecot.c understands it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

#include "apart.h"
#include "check.h"
#include "clock.h"
#include "command.h"
#include "hostport.h"
#include "imapask.h"
#include "lag.h"
#include "mem.h"
#include "replica_dovecot.h"
#include "secret.h"
#include "wholefile.h"

#include "poison.h"

enum { SERVERS_MAX = 16, BOXES_MAX = 50, BOX_BYTES = 200, NAME_BYTES = 600, AGAIN_MS = 500,
	REPLICATOR_BYTES = 1 << 24 };

static struct {
	struct opt_list hosts, boxes;
	const char *user, *password_file, *password_env, *ca_file, *doveadm, *file;
	int64_t port;
	bool tls, cleartext, loose, replicator;
	char *password;
} set = { .password_env = "MXGAUGE_PASSWORD", .doveadm = "/usr/bin/doveadm" };

static const struct opt opts[] = {
	{ 'H', "host", OPT_LIST, &set.hosts, "HOST[:PORT]", "a server; the others are compared with the first" },
	{ 'p', "port", OPT_INT, &set.port, "PORT", "where they listen; by default 143, with --tls 993", .min = 1, .max = 65535 },
	{ 'u', "user", OPT_STRING, &set.user, "NAME", "whose mailboxes; the password comes from a file or the environment" },
	{ 0, "password-file", OPT_STRING, &set.password_file, "FILE", "its first line is the password" },
	{ 0, "password-env", OPT_STRING, &set.password_env, "VARIABLE", "where the password is else" },
	{ 'm', "mailbox", OPT_LIST, &set.boxes, "NAME", "a mailbox, as IMAP writes its name; may be given again; by "
	    "default INBOX" },
	{ 0, "loose", OPT_FLAG, &set.loose, NULL, "compare the number of messages alone: for copies whose UIDs are their own" },
	{ 0, "tls", OPT_FLAG, &set.tls, NULL, "TLS from the start (imaps); by default STARTTLS is required" },
	{ 0, "cleartext", OPT_FLAG, &set.cleartext, NULL, "show the password without TLS" },
	{ 0, "ca-file", OPT_STRING, &set.ca_file, "FILE", "trusted authorities; by default the system's" },
	{ 'r', "replicator", OPT_FLAG, &set.replicator, NULL, "look at this machine's replicator of Dovecot 2.2 or 2.3, too; or, "
	    "without -H, alone" },
	{ 0, "doveadm", OPT_STRING, &set.doveadm, "COMMAND",
	    "how; words are split at blanks: \"/usr/bin/sudo -n /usr/bin/doveadm\"" },
	{ 0, "replicator-file", OPT_STRING, &set.file, "FILE", "what doveadm replicator status, status '*' and dsync-status "
	    "print stands there, in place of running it" },
	{ 0 }
};

static const struct measure measures[] = {
	LAG_MEASURES("5m", "30m"),
	{ "messages", "", "the largest difference of messages in a mailbox" },
	{ "servers", "", "servers that answered; a number alone is the least", .least = true },
	{ "failed", "", "users whose last copying failed", "0" },
	{ "success", "s", "since the user was copied who was not for the longest: an idle one is so once a day", "26h", "3d" },
	{ "running", "s", "for how long a user is being copied already" },
	{ "queue_sync", "", "users that wait to be copied while somebody waits for it" },
	{ "queue_high", "", "users that wait with new mail" },
	{ "queue_low", "", "users that wait with other changes" },
	{ "queue_failed", "", "users whose copying failed, and is tried again now" },
	{ "queue_full", "", "users to be compared as a whole" },
	{ "waiting", "", "users whose copying failed, and is tried again after a while" },
	{ "users", "", "users that the replicator knows; a number alone is the least", NULL, "1", .least = true },
	{ "age", "s", "how old the file of --replicator-file is", "10m", "30m" },
	{ 0 }
};

static const struct program program = {
	"check_replication_imap", "do the same mailboxes look alike on several servers, and does Dovecot's replicator copy?",
	"A mailbox is alike where the number of messages, UIDNEXT and, where both servers tell it, HIGHESTMODSEQ "
	"(flags) are those of the first server. CRITICAL are a server that does not answer or lets the user not "
	"in, a mailbox that is not there, and another UIDVALIDITY: clients then take all messages for new ones.\n\n"
	"The lag is for how long a mailbox has not been alike, since runs last saw it so; they keep that in "
	"NAGIOS_PLUGIN_STATE_DIRECTORY or /var/tmp/mxgauge-UID. A mailbox that differs is looked at again a moment "
	"later. Use an account of its own to which a probe sends now and then, and which nobody else reads.\n\n"
	"STATUS opens no mailbox. Without --cleartext the password is sent over TLS only, to a server whose certificate "
	"is valid for the host.\n\n"
	"With --replicator, the lag of a user is for how long it waits for a copying that ends well: as runs saw it, or since "
	"the attempt that failed or goes on. CRITICAL are a replicator that does not run, and copying that failed for all "
	"users. A server at the other end that is frozen makes nothing fail and no queue grow: users that are being copied "
	"and do not end are behind. doveadm replicator wants root, or the account of Dovecot's replicator: let sudo allow "
	"it. Dovecot 2.4 has no replicator any more: there, compare mailboxes by -H.",
	opts, .measures = measures,
	.needs = "-H HOST -H HOST -u NAME|--replicator",
	.examples = "check_replication_imap -H imap1.example.org -H imap2.example.org -u probe --password-file /etc/mxgauge/imap\n"
	    "check_replication_imap -H imap1.example.org -H imap2.example.org -u probe --tls -m INBOX -m Archive -c messages=10\n"
	    "check_replication_imap -H 192.0.2.1 -H 192.0.2.2 -u probe --cleartext --loose\n"
	    "check_replication_imap --replicator --doveadm \"/usr/bin/sudo -n /usr/bin/doveadm\" -c failed=5 -c running=1h"
};

/* --- in a process apart ---------------------------------------------------------------------------- */

struct peer {
	struct hostport at;
	char name[HOSTPORT_NAME];
	struct buf *out;
};

static const char *
box_name(size_t i)
{
	return set.boxes.n > 0 ? set.boxes.v[i] : "INBOX";
}

static size_t
box_count(void)
{
	return set.boxes.n > 0 ? set.boxes.n : 1;
}

/* "* STATUS INBOX (MESSAGES 3 UIDNEXT 4)": the last parentheses, since a name may have some too. */
static void
on_status(void *arg, size_t i, struct slice lines)
{
	struct peer *p = arg;
	struct slice before, word, number;

	if (!slice_rcut_at(&lines, SLICE(")"), &before) || !slice_rcut_at(&before, SLICE("("), &word))
		return;
	rows_row(p->out, "box");
	rows_text(p->out, "name", box_name(i));
	/* slice_rcut_at leaves in before what stands behind the parenthesis */
	while (slice_cut(&before, ' ', &word)) {
		char name[32];

		(void)slice_next(&before, ' ', &number);
		(void)snprintf(name, sizeof name, "%.*s", (int)slice_head(word, sizeof name - 1).n, word.p);
		rows_field(p->out, name, number.p, number.n);
	}
}

static void
make_commands(const char *command[BOXES_MAX])
{
	for (size_t i = 0; i < box_count(); i++) {
		struct buf b = buf_new(2 * BOX_BYTES + 100);

		buf_str(&b, "STATUS \"");
		for (const char *c = box_name(i); *c != '\0'; c++) {
			if (*c == '"' || *c == '\\')
				buf_char(&b, '\\');
			buf_char(&b, *c);
		}
		buf_fmt(&b, "\" (MESSAGES UIDNEXT UIDVALIDITY%s)", set.loose ? "" : " HIGHESTMODSEQ");
		command[i] = b.p;
	}
}

static void
converse(void *arg, int to)
{
	struct peer *p = arg;
	struct buf b = buf_new(APART_BYTES), url = buf_new(HOSTPORT_BYTES + 50);
	const char *command[BOXES_MAX];
	struct err e = { "" };
	bool ours;
	/* the server's last words say more than that whoever waits for us gave up */
	double left = check_deadline() - clock_now() - 0.2;

	buf_fmt(&url, strchr(p->at.host, ':') != NULL ? "%s://[%s]:%u/" : "%s://%s:%u/", set.tls ? "imaps" : "imap",
	    p->at.host, p->at.port);
	apart_phase(to, "asking for the mailboxes");
	make_commands(command);
	p->out = &b;
	if (!imapask(&(struct imapask){ .url = url.p, .starttls = !set.tls && !set.cleartext, .user = set.user,
	    .password = set.password, .ca_file = set.ca_file, .timeout_s = left },
	    command, box_count(), on_status, p, &ours, &e))
		rows_error(&b, ours ? "library" : "IMAP", 0, e.text);
	apart_put(to, buf_slice(&b));
}

/* What doveadm says when it fails, and whose trouble that is. Dovecot 2.4 prints how doveadm is used. */
static void
put_trouble(int to, const char *text)
{
	struct slice s = slice_of(text);
	bool away = slice_has(s, SLICE("Connection refused")) || slice_has(s, SLICE("No such file or directory"));
	struct buf b = buf_new(REPLICATOR_BYTES);

	rows_row(&b, "trouble");
	rows_text(&b, "text", slice_has(s, SLICE("usage:")) || slice_has(s, SLICE("nknown command")) ?
	    "this doveadm has no replicator: only Dovecot 2.2 and 2.3 have; compare mailboxes by -H" : text);
	rows_text(&b, "away", away && slice_has(s, SLICE("replicator-doveadm")) ? "y" : "");
	apart_put(to, buf_slice(&b));
}

static bool
run_doveadm(int to, struct buf *text, struct err *e)
{
	static const char *const what[][6] = { { "-f", "tab", "replicator", "status", NULL },
		{ "-f", "tab", "replicator", "status", "*", NULL }, { "-f", "tab", "replicator", "dsync-status", NULL } };

	for (size_t i = 0; i < sizeof what / sizeof what[0]; i++) {
		const char *argv[COMMAND_WORDS];

		command_words(set.doveadm, what[i], argv);
		apart_phase(to, "waiting for doveadm replicator %s", what[i][3]);
		if (!command_read(argv, text, e))
			return false;
	}
	return true;
}

static void
ask_replicator(void *arg, int to)
{
	struct buf text = buf_new(REPLICATOR_BYTES), rows = buf_new(APART_BYTES);
	struct err e = { "" };
	bool good;

	(void)arg;
	if (set.file != NULL)
		apart_phase(to, "reading %s", set.file);
	good = set.file != NULL ? wholefile_read(&text, set.file, &e) : run_doveadm(to, &text, &e);
	if (!good || !replica_dovecot_read(text.n > 0 ? buf_slice(&text) : SLICE(""), &rows, &e))
		put_trouble(to, e.text);
	else
		apart_put(to, buf_slice(&rows));
}

/* --- the check --------------------------------------------------------------------------------------- */

static double most_messages = (double)NAN;

static bool
same(const struct row *a, const struct row *b, const char *field)
{
	return !row_has(a, field) || !row_has(b, field) || slice_eq(row_text(a, field), row_text(b, field));
}

static bool
alike(const struct row *a, const struct row *b)
{
	return same(a, b, "MESSAGES") && (set.loose || (same(a, b, "UIDNEXT") && same(a, b, "HIGHESTMODSEQ")));
}

/* What differs, as people say it. */
static void
say_difference(const char *name, const char *first, const struct row *a, const struct row *b)
{
	struct slice n = row_text(b, "MESSAGES"), want = row_text(a, "MESSAGES");
	struct slice next = row_text(b, "UIDNEXT"), next_want = row_text(a, "UIDNEXT");

	if (!same(a, b, "MESSAGES"))
		check_detail("%s: %.*s messages, %s has %.*s", name, (int)n.n, n.p, first, (int)want.n, want.p);
	else if (!same(a, b, "UIDNEXT"))
		check_detail("%s: the next UID is %.*s, at %s %.*s", name, (int)next.n, next.p, first,
		    (int)next_want.n, next_want.p);
	else
		check_detail("%s: flags differ from %s", name, first);
}

static void
judge_box(const char *host, const char *first, const char *box, const struct row *a, const struct row *b, int64_t now)
{
	double off = fabs(row_number(a, "MESSAGES") - row_number(b, "MESSAGES")), lag = 0;
	struct buf name = buf_new(NAME_BYTES);

	buf_fmt(&name, "%s %s", host, box);
	if (isnan(off)) {
		lag_state(CHECK_CRITICAL, name.p, "the server does not tell how many messages there are");
		buf_free(&name);
		return;
	}
	if (!set.loose && !same(a, b, "UIDVALIDITY"))
		lag_state(CHECK_CRITICAL, name.p, "another UIDVALIDITY than at %s: clients take all messages for new", first);
	lag = lag_last_well(buf_slice(&name), alike(a, b), now);
	if (isnan(lag)) {
		buf_str(&name, " differs");
		lag = lag_since(buf_slice(&name), SLICE("differs"), now);
		name.n -= strlen(" differs");
		name.p[name.n] = '\0';
	}
	if (!alike(a, b))
		say_difference(name.p, first, a, b);
	most_messages = isnan(most_messages) || off > most_messages ? off : most_messages;
	lag_copy(name.p, lag, (double)NAN);
	buf_free(&name);
}

static void
check_options(struct peer *p)
{
	unsigned usual = set.tls ? 993 : 143;
	const char *names[SERVERS_MAX];
	struct err e = { "" };

	set.replicator = set.replicator || set.file != NULL;
	if (set.hosts.n == 0 && set.replicator)
		return;
	if (set.hosts.n < 2 || set.hosts.n > SERVERS_MAX)
		opt_fail(&program, "whom to compare? -H HOST, twice to %d times; or --replicator", SERVERS_MAX);
	if (set.user == NULL)
		opt_fail(&program, "whose mailboxes? -u NAME");
	if (set.tls && set.cleartext)
		opt_fail(&program, "--tls and --cleartext exclude each other");
	if (set.boxes.n > BOXES_MAX)
		opt_fail(&program, "more than %d mailboxes", BOXES_MAX);
	for (size_t i = 0; i < set.boxes.n; i++)
		for (const char *c = set.boxes.v[i]; *c != '\0'; c++)
			if (*c < ' ' || *c > '~' || strlen(set.boxes.v[i]) > BOX_BYTES)
				opt_fail(&program, "-m %s: not as IMAP writes it (modified UTF-7)", set.boxes.v[i]);
	check_readable("certificates of", set.ca_file);
	set.port = set.port != 0 ? set.port : usual;
	for (size_t i = 0; i < set.hosts.n; i++) {
		if (!hostport_parse(slice_of(set.hosts.v[i]), (unsigned)set.port, &p[i].at, &e))
			opt_fail(&program, "%s", e.text);
		hostport_name(&p[i].at, usual, p[i].name);
		names[i] = p[i].name;
	}
	opt_each_once(&program, names, set.hosts.n, strcasecmp);
	set.password = secret_read("--password-file", set.password_file, set.password_env, &e);
	if (set.password == NULL)
		check_unknown("%s", e.text);
}

static const struct row *
box_of(const struct rows *r, size_t i)
{
	return rows_find(r, "box", "name", slice_of(box_name(i)));
}

static bool
all_alike(const struct rows *r, const bool *answered)
{
	for (size_t s = 1; s < set.hosts.n; s++)
		for (size_t i = 0; answered[s] && answered[0] && i < box_count(); i++)
			if (box_of(&r[s], i) != NULL && box_of(&r[0], i) != NULL && !alike(box_of(&r[0], i), box_of(&r[s], i)))
				return false;
	return true;
}

static size_t
ask_all(struct peer *p, struct rows *r, bool *answered, struct rows *replicator)
{
	struct apart_job j[SERVERS_MAX + 1];
	size_t n = 0, jobs = set.hosts.n;

	for (size_t i = 0; i < jobs; i++)
		j[i] = (struct apart_job){ .work = converse, .arg = &p[i] };
	if (set.replicator && replicator != NULL)
		j[jobs++] = (struct apart_job){ .work = ask_replicator };
	apart_run(j, jobs, check_deadline());
	for (size_t i = 0; i < set.hosts.n; i++) {
		if (replicator != NULL) {
			answered[i] = lag_answer(&j[i], &r[i], p[i].name);
		} else {
			rows_read(&r[i], buf_slice(&j[i].said));
			answered[i] = rows_count(&r[i], "box") == box_count();
		}
		n += answered[i];
	}
	if (jobs > set.hosts.n)
		(void)lag_answer(&j[set.hosts.n], replicator, "replicator");
	return n;
}

/* Mail may just be coming in: whoever differs is asked again, and counts as it is then. */
static const struct rows *
ask(struct peer *p, bool *answered, size_t *n, struct rows *replicator)
{
	static struct rows r[SERVERS_MAX], later[SERVERS_MAX];
	struct timespec moment = { 0, AGAIN_MS * 1000000L };
	bool again[SERVERS_MAX];

	*n = ask_all(p, r, answered, replicator);
	if (all_alike(r, answered) || clock_now() + 2 > check_deadline())
		return r;
	(void)nanosleep(&moment, NULL);
	return ask_all(p, later, again, NULL) == set.hosts.n ? later : r;
}

static void
judge_replicator(const struct rows *r, int64_t now)
{
	const struct row *trouble = rows_next(r, "trouble", NULL);
	struct slice text = row_text(trouble, "text");

	if (trouble != NULL && row_is(trouble, "away", "y"))
		lag_state(CHECK_CRITICAL, "replicator", "it does not run: %.*s", (int)text.n, text.p);
	else if (trouble != NULL)
		lag_state(CHECK_UNKNOWN, "replicator", "%.*s", (int)text.n, text.p);
	else if (rows_next(r, "sum", NULL) != NULL)
		replica_dovecot_judge(r, now);
}

static void
judge_mailboxes(const struct peer *p, const struct rows *r, const bool *answered, int64_t now)
{
	for (size_t s = 0; s < set.hosts.n; s++) {
		for (size_t i = 0; answered[s] && i < box_count(); i++) {
			const struct row *a = box_of(&r[0], i), *b = box_of(&r[s], i);

			if (b == NULL)
				lag_state(CHECK_CRITICAL, p[s].name, "it does not tell about the mailbox %s", box_name(i));
			else if (s > 0 && answered[0] && a != NULL)
				judge_box(p[s].name, p[0].name, box_name(i), a, b, now);
		}
	}
}

static void
measure(const struct rows *replicator, size_t n)
{
	struct stat st;

	if (set.hosts.n > 0) {
		check_known("messages", most_messages, "");
		check_value("servers", (double)n, "");
	}
	if (rows_next(replicator, "sum", NULL) != NULL)
		replica_dovecot_measure(replicator);
	if (set.file != NULL && stat(set.file, &st) == 0)
		check_value("age", fmax(0, difftime(time(NULL), st.st_mtime)), "s");
}

int
main(int argc, char **argv)
{
	static struct peer p[SERVERS_MAX];
	static struct rows replicator;
	int64_t now = (int64_t)time(NULL);
	bool answered[SERVERS_MAX] = { false };
	const struct rows *r;
	struct buf thing = buf_new(1000);
	size_t n;

	check_begin("REPLICATION");
	opt_parse(&program, argc, argv);
	check_options(p);
	check_phase("asking");
	if (set.hosts.n > 0)
		buf_fmt(&thing, "%s %s", p[0].name, set.user);
	else
		buf_fmt(&thing, "replicator %s", set.file != NULL ? set.file : set.doveadm);
	lag_begin(program.name, buf_slice(&thing));
	r = ask(p, answered, &n, &replicator);
	judge_mailboxes(p, r, answered, now);
	judge_replicator(&replicator, now);
	lag_tell();
	measure(&replicator, n);
	check_done();
}
