/* check_replication_imap - do the same mailboxes look alike on several servers?
 *
 * All servers are asked at once, each in a process apart (lib/apart.h), by STATUS, which opens no mailbox and
 * marks nothing as seen. IMAP is lib/imapask.c's. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "apart.h"
#include "check.h"
#include "clock.h"
#include "hostport.h"
#include "imapask.h"
#include "lag.h"
#include "mem.h"
#include "secret.h"

#include "poison.h"

enum { SERVERS_MAX = 16, BOXES_MAX = 50, BOX_BYTES = 200, NAME_BYTES = 600, AGAIN_MS = 500 };

static struct {
	struct opt_list hosts, boxes;
	const char *user, *password_file, *password_env, *ca_file;
	int64_t port;
	bool tls, cleartext, loose;
	char *password;
} set = { .password_env = "MXGAUGE_PASSWORD" };

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
	{ 0 }
};

static const struct measure measures[] = {
	LAG_MEASURES("5m", "30m"),
	{ "messages", "", "the largest difference of messages in a mailbox" },
	{ "servers", "", "servers that answered; a number alone is the least", .least = true },
	{ 0 }
};

static const struct program program = {
	"check_replication_imap", "do the same mailboxes look alike on several servers?",
	"A mailbox is alike where the number of messages, UIDNEXT and, where both servers tell it, HIGHESTMODSEQ "
	"(flags) are those of the first server. CRITICAL are a server that does not answer or lets the user not "
	"in, a mailbox that is not there, and another UIDVALIDITY: clients then take all messages for new ones.\n\n"
	"The lag is for how long a mailbox has not been alike, since runs last saw it so; they keep that in "
	"NAGIOS_PLUGIN_STATE_DIRECTORY or /var/tmp/mxgauge-UID. A mailbox that differs is looked at again a moment "
	"later. Use an account of its own to which a probe sends now and then, and which nobody else reads.\n\n"
	"STATUS opens no mailbox. Without --cleartext the password is sent over TLS only, to a server whose certificate "
	"is valid for the host.",
	opts, .measures = measures,
	.examples = "check_replication_imap -H imap1.example.org -H imap2.example.org -u probe --password-file /etc/mxgauge/imap\n"
	    "check_replication_imap -H imap1.example.org -H imap2.example.org -u probe --tls -m INBOX -m Archive -c messages=10\n"
	    "check_replication_imap -H 192.0.2.1 -H 192.0.2.2 -u probe --cleartext --loose"
};

/* --- in a process apart ---------------------------------------------------------------------------- */

struct peer {
	struct hostport at;
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

		if (!slice_cut(&before, ' ', &number)) {
			number = before;
			before = SLICE("");
		}
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

	buf_fmt(&url, strchr(p->at.host, ':') != NULL ? "%s://[%s]:%u/" : "%s://%s:%u/", set.tls ? "imaps" : "imap",
	    p->at.host, p->at.port);
	apart_phase(to, "asking for the mailboxes");
	make_commands(command);
	p->out = &b;
	if (!imapask(&(struct imapask){ .url = url.p, .starttls = !set.tls && !set.cleartext, .user = set.user,
	    .password = set.password, .ca_file = set.ca_file, .timeout_s = check_deadline() - clock_now() + 1 },
	    command, box_count(), on_status, p, &e))
		rows_error(&b, "IMAP", 0, e.text);
	apart_put(to, buf_slice(&b));
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
	struct err e = { "" };

	if (set.hosts.n < 2 || set.hosts.n > SERVERS_MAX)
		opt_fail(&program, "whom to compare? -H HOST, twice to %d times", SERVERS_MAX);
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
	set.port = set.port != 0 ? set.port : set.tls ? 993 : 143;
	for (size_t i = 0; i < set.hosts.n; i++)
		if (!hostport_parse(slice_of(set.hosts.v[i]), (unsigned)set.port, &p[i].at, &e))
			opt_fail(&program, "%s", e.text);
	set.password = secret_read(set.password_file, set.password_env, &e);
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
ask_all(struct peer *p, struct rows *r, bool *answered, bool tell)
{
	struct apart_job j[SERVERS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < set.hosts.n; i++)
		j[i] = (struct apart_job){ .work = converse, .arg = &p[i] };
	apart_run(j, set.hosts.n, check_deadline());
	for (size_t i = 0; i < set.hosts.n; i++) {
		if (tell) {
			answered[i] = lag_answer(&j[i], &r[i], set.hosts.v[i]);
		} else {
			rows_read(&r[i], buf_slice(&j[i].said));
			answered[i] = rows_count(&r[i], "box") == box_count();
		}
		n += answered[i];
	}
	return n;
}

/* Mail may just be coming in: whoever differs is asked again, and counts as it is then. */
static const struct rows *
ask(struct peer *p, bool *answered, size_t *n)
{
	static struct rows r[SERVERS_MAX], later[SERVERS_MAX];
	struct timespec moment = { 0, AGAIN_MS * 1000000L };
	bool again[SERVERS_MAX];

	*n = ask_all(p, r, answered, true);
	if (all_alike(r, answered) || clock_now() + 2 > check_deadline())
		return r;
	(void)nanosleep(&moment, NULL);
	return ask_all(p, later, again, false) == set.hosts.n ? later : r;
}

int
main(int argc, char **argv)
{
	static struct peer p[SERVERS_MAX];
	bool answered[SERVERS_MAX];
	const struct rows *r;
	struct buf thing = buf_new(1000);
	size_t n;

	check_begin("REPLICATION");
	opt_parse(&program, argc, argv);
	check_options(p);
	check_phase("asking");
	buf_fmt(&thing, "%s %s", set.hosts.v[0], set.user);
	lag_begin(program.name, buf_slice(&thing));
	r = ask(p, answered, &n);
	for (size_t s = 0; s < set.hosts.n; s++) {
		for (size_t i = 0; answered[s] && i < box_count(); i++) {
			const struct row *a = box_of(&r[0], i), *b = box_of(&r[s], i);

			if (b == NULL)
				lag_state(CHECK_CRITICAL, set.hosts.v[s], "it does not tell about the mailbox %s", box_name(i));
			else if (s > 0 && answered[0] && a != NULL)
				judge_box(set.hosts.v[s], set.hosts.v[0], box_name(i), a, b, (int64_t)time(NULL));
		}
	}
	lag_tell();
	lag_measure("messages", most_messages, "");
	check_value("servers", (double)n, "");
	check_done();
}
