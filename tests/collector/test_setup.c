/* test_setup.c - what is proposed for a machine, and that the manual is current. */
#include <sys/stat.h>
#include <unistd.h>

#include "store/config.h"
#include "store/conftext.h"
#include "tap.h"
#include "view/setup.h"

static char root[] = "/tmp/mx-setup.XXXXXX";

static void
put(const char *path, const char *text)
{
	char full[200];
	FILE *f;

	snprintf(full, sizeof full, "%s%s", root, path);
	for (char *p = full + sizeof root; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		mkdir(full, 0755);
		*p = '/';
	}
	f = fopen(full, "w");
	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

/* Propose for what is below root; the proposal must be a configuration. */
static struct config *
propose(struct buf *text, const char *what)
{
	struct buf errors = buf_new(10000), copy = buf_new(1 << 20);
	struct config *c;

	buf_clear(text);
	setup_text(root, "/srv/my state", text);
	buf_add(&copy, buf_slice(text));
	c = config_parse("proposed", &copy, &errors);
	is_str(errors.p == NULL ? "" : errors.p, "", what);
	buf_free(&errors);
	buf_free(&copy);
	if (c == NULL)
		exit(1);
	return c;
}

static void
test_empty(struct buf *text)
{
	struct config *c = propose(text, "a machine without anything");

	is_str(c->source[0].files.item[0], "/var/log/mail.log", "a file that may come");
	is_str(c->state, "/srv/my state", "the state folder asked for");
	is_int(c->keep_hours, 400 * 86400, "settings keep their defaults");
	ok(strstr(text->p, "No mail system was found") != NULL, "says there is no mail system");
	ok(strstr(text->p, "The file below may come later") != NULL, "says there is no log");
	config_free(c);
}

/* A line's width on a terminal. */
static size_t
columns(struct slice line)
{
	size_t n = 0;

	for (size_t i = 0; i < line.n; i++)
		n = line.p[i] == '\t' ? n + 8 - n % 8 : n + 1;
	return n;
}

/* Settings behind a # have their default: without the # nothing changes. */
static void
test_defaults(struct buf *text)
{
	struct buf all = buf_new(1 << 20), errors = buf_new(10000);
	struct slice rest, line;
	struct config *c;
	size_t settings = 0, widest = 0;

	buf_clear(text);
	setup_text(root, NULL, text);
	rest = buf_slice(text);
	while (slice_cut(&rest, '\n', &line)) {
		struct slice s = line;

		widest = columns(line) > widest ? columns(line) : widest;
		while (slice_eat(&s, SLICE("\t")))
			;
		if (slice_eat(&s, SLICE("#")) && s.n > 0 && s.p[0] != ' ') {
			settings++;
			line = s;
		}
		buf_add(&all, line);
		buf_char(&all, '\n');
	}
	ok(settings > 40, "settings that have their default are shown");
	ok(widest <= 80, "no line is wider than a terminal");
	c = config_parse("uncommented", &all, &errors);
	is_str(errors.p == NULL ? "" : errors.p, "", "and each is as it may be typed");
	if (c != NULL) {
		is_str(c->source[0].tls_clients, "certificate", "those of a source, too");
		is_int(c->keep_hours, 400 * 86400, "and what it is without");
	}
	config_free(c);
	buf_free(&errors);
	buf_free(&all);
}

static void
test_journal(struct buf *text)
{
	struct config *c;
	char path[200];

	put("/var/log/journal/0123/none", "");
	c = propose(text, "a journal and no mail system");
	is_str(c->source[0].journal, "", "the journal is not proposed");
	config_free(c);
	put("/etc/postfix/main.cf", "");
	c = propose(text, "a mail system, a journal and no log");
	is_str(c->source[0].journal, "system", "the journal");
	is_int((long long)c->source[0].files.n, 0, "and no file");
	ok(strstr(text->p, "in the group systemd-journal or adm") != NULL, "says who may read it");
	config_free(c);
	snprintf(path, sizeof path, "%s/etc/postfix/main.cf", root);
	unlink(path);
}

static void
test_postfix(struct buf *text)
{
	struct config *c;

	put("/etc/postfix/main.cf", "# queue_directory = /no\nqueue_directory=/var/spool/one\n"
	    "multi_instance_directories = /etc/postfix-out,\n  /etc/postfix-none\n");
	put("/etc/postfix-out/main.cf", "queue_directory = /no\n queue_directory = x\n"
	    "queue_directory = /var/spool/two\nmulti_instance_name = postfix-out\n"
	    "syslog_name = ${multi_instance_name}\n");
	put("/var/log/mail.log", "Nov 20 10:00:00 mx1 cron[1]: x\n"
	    "Nov 20 10:00:00 mx1 postfix/smtpd[1]: connect from a.example.org[192.0.2.1]\n"
	    "Nov 20 10:00:00 mx1 postfix-out/qmgr[1]: 1234: removed\n");
	put("/var/log/syslog", "Nov 20 10:00:00 mx1 postfix/smtpd[1]: x\n");
	put("/etc/exim4/exim4.conf", "");
	c = propose(text, "two instances with a log");
	is_str(c->queues.item[0], "auto", "their queues are counted");
	is_int((long long)c->source[0].files.n, 1, "one log");
	is_str(c->source[0].files.item[0], "/var/log/mail.log", "that of the mail system");
	ok(strstr(text->p, "# Postfix in /etc/postfix: queue /var/spool/one, logs as postfix.\n")
	    != NULL, "the first instance");
	ok(strstr(text->p, "# Postfix in /etc/postfix-out: queue /var/spool/two, logs as "
	    "postfix-out.\n") != NULL, "the second");
	ok(strstr(text->p, "# /var/log/mail.log: 2 of its last 3 lines are the mail system's.\n")
	    != NULL, "what the log has");
	ok(strstr(text->p, "# Exim was found") != NULL, "another MTA is named");
	config_free(c);
}

static void
test_own_logs(struct buf *text)
{
	struct config *c;

	put("/etc/postfix/main.cf", "maillog_file = /var/log/postfix one.log\n");
	put("/var/log/postfix one.log", "Nov 20 10:00:00 mx1 postfix/smtpd[1]: x\n");
	c = propose(text, "Postfix writes its log itself");
	is_int((long long)c->source[0].files.n, 1, "one log");
	is_str(c->source[0].files.item[0], "/var/log/postfix one.log", "its own");
	config_free(c);
	put("/var/log/exim4/mainlog", "2026-11-20 10:00:00 1r0abc-000000012Xy-0aBc Completed\n"
	    "what no Exim writes\n");
	c = propose(text, "Exim writes its log itself");
	is_int((long long)c->source[0].files.n, 2, "both logs");
	ok(strstr(text->p, "/var/log/exim4/mainlog: 1 of its last 2 lines are") != NULL ||
	    strstr(text->p, "/var/log/exim4/mainlog: 2 of its last 2 lines are") != NULL,
	    "its lines are known as a mail system's");
	config_free(c);
	put("/etc/postfix/main.cf", "maillog_file = /var/log/a\033]0;x\007b\n");
	put("/var/log/a\033]0;x\007b", "Nov 20 10:00:00 mx1 postfix/smtpd[1]: x\n");
	c = propose(text, "a hostile name");
	ok(strstr(text->p, "/var/log/a?]0;x?b.") != NULL && strchr(text->p, '\033') == NULL,
	    "its control bytes are not printed");
	config_free(c);
}

static void
test_manual(void)
{
	struct buf want = buf_new(1 << 20), got = buf_new(1 << 20);
	char block[4096];
	FILE *f = fopen("docs/configuration.md", "r");
	size_t n;

	setup_manual(&want);
	while (f != NULL && (n = fread(block, 1, sizeof block, f)) > 0)
		buf_add(&got, (struct slice){ block, n });
	if (f != NULL)
		fclose(f);
	if (!ok(slice_eq(buf_slice(&want), buf_slice(&got)), "docs/configuration.md is current"))
		printf("# mxgauge setup --manual > docs/configuration.md\n");
	buf_free(&want);
	buf_free(&got);
}

int
main(void)
{
	struct buf text = buf_new(1 << 20);
	char command[100];

	if (mkdtemp(root) == NULL)
		abort();
	test_empty(&text);
	test_defaults(&text);
	test_journal(&text);
	test_postfix(&text);
	test_own_logs(&text);
	test_manual();
	buf_free(&text);
	snprintf(command, sizeof command, "rm -rf %s", root);
	if (system(command) != 0)
		return 1;
	return done_testing();
}
