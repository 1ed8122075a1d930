/* test_config.c - settings: what is taken, and what is said about what is not. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/config.h"
#include "tap.h"

#define SRC "source \"a\" { files = { \"/var/log/mail.log\" } }\n"

/* Texts without fault leave want empty. */
static const struct {
	const char *what, *text, *want;
} cases[] = {
	{ "the least configuration", SRC, "" },
	{ "every kind of setting",
	    "state = /srv/mx\nkeep_hours = 104w\nmax_open_mails = 1000\n"
	    "log_level = debug\nhost_alias = { \"a=b\", 'c=d' }\nhorizon = 90000\n" SRC, "" },
	{ "comments of all kinds",
	    "# one { \" '\nstate = /a//b # two\n// three\n/* four\n { \" */ user = x\n" SRC, "" },
	{ "listeners",
	    "source a { listen = { \"unix:/run/x\", \"udp:192.0.2.1:514\", 'relp:[::1]:2514', tcp:1 }\n"
	    " allow = { \"192.0.2.0/24\", \"::1\" } }\n", "" },
	{ "listeners that are none",
	    "source a {\n listen = { tcp:x }\n allow = { \"192.0.2.0/33\" }\n}\n",
	    "t.conf:2: listen: \"tcp:x\": must end with a port, as in tcp:127.0.0.1:5514\n"
	    "t.conf:3: allow: \"192.0.2.0/33\": the part behind / must be from 0 to 32\n" },
	{ "TLS",
	    "source a { listen = { \"tcp+tls:1\", \"relp+tls:2\" }\n tls_certificate = /c\n tls_key = /k\n"
	    " tls_ca = /a\n tls_peers = { \"*.example.org\" } }\n"
	    "source b { listen = { \"tcp+tls:3\" }\n tls_certificate = /c\n tls_key = /k\n"
	    " tls_clients = anonymous }\n"
	    "source c { listen = { \"tcp+tls:3\" }\n tls_certificate = /c\n tls_key = /k\n tls_peers = { "
	    "\"SHA256:0123456789012345678901234567890123456789012345678901234567890123\" } }\n", "" },
	{ "TLS, and nobody said who may come",
	    "source a {\n listen = { \"tcp+tls:1\" }\n}\n"
	    "source b {\n listen = { \"tcp+tls:3\" }\n tls_certificate = /c\n tls_key = /k\n"
	    " tls_peers = { x, \"*a\" }\n}\n"
	    "source c {\n listen = { \"tcp+tls:3\" }\n tls_certificate = /c\n tls_key = /k\n"
	    " tls_peers = { x }\n tls_clients = anonymous\n}\n",
	    "t.conf:8: tls_peers: \"*a\": must be a name, *.DOMAIN, * or SHA256:FINGERPRINT\n"
	    "t.conf:3: source \"a\" listens with TLS and lacks tls_certificate or tls_key\n"
	    "t.conf:3: source \"a\" listens with TLS and lacks tls_peers, those who may send\n"
	    "t.conf:9: source \"b\" has names in tls_peers and no tls_ca that vouches for them\n"
	    "t.conf:16: source \"c\": tls_clients = anonymous looks at no certificate; drop tls_peers "
	    "and tls_ca, or it\n" },
	{ "nothing at all", "", "t.conf: there is no source: nothing to read "
	    "(mxgauge setup proposes one)\n" },
	{ "an unknown name, with its line and a guess",
	    "# c\n# d\n\nstatte = /x\n" SRC,
	    "t.conf:4: there is no setting statte; did you mean state?\n" },
	{ "an unknown name far from all", "colour = blue\n" SRC,
	    "t.conf:1: there is no setting colour\n" },
	{ "all faults in one go, in order",
	    "usr = x\nkeep_hours = 1s\nfrob = 3\n\nlog_to = nowhere\n"
	    "source \"a\" {\n files = { \"/x\" }\n hst = y\n}\nusr = z\n",
	    "t.conf:1: there is no setting usr; did you mean user?\n"
	    "t.conf:2: keep_hours = 1s: must be from 8d to 3650d\n"
	    "t.conf:3: there is no setting frob\n"
	    "t.conf:5: log_to = nowhere: must be one of auto|stderr|syslog\n"
	    "t.conf:8: there is no setting hst in a source; did you mean host?\n"
	    "t.conf:10: there is no setting usr; did you mean user?\n" },
	{ "an unknown section", "sorce \"b\" {\n files = {\"/x\"}\n}\n" SRC,
	    "t.conf:1: there is no setting sorce; did you mean source?\n" },
	{ "under the least", "keep_minutes = 7d\n" SRC,
	    "t.conf:1: keep_minutes = 7d: must be from 8d to 60d\n" },
	{ "over the most", "max_open_mails = 50000001\n" SRC,
	    "t.conf:1: max_open_mails = 50000001: must be from 1000 to 50000000\n" },
	{ "no time", "horizon = 8 \n keep_hours = 3x\ncommit_interval = 1500ms\n" SRC,
	    "t.conf:1: horizon = 8: must be from 1h to 60d\n"
	    "t.conf:2: keep_hours = 3x: not a time in whole seconds; write 90s, 15m, 2h or 8d\n"
	    "t.conf:3: commit_interval = 1500ms: not a time in whole seconds; write 90s, 15m, "
	    "2h or 8d\n" },
	{ "no number", "max_open_mails = -5\n" SRC,
	    "t.conf:1: max_open_mails = -5: not a whole number\n" },
	{ "a number past 64 bits", "max_open_mails = 99999999999999999999999\n" SRC,
	    "t.conf:1: max_open_mails = 99999999999999999999999: not a whole number\n" },
	{ "no such word", "log_level = loud\n" SRC, "t.conf:1: log_level = loud: "
	    "must be one of error|warning|notice|info|debug\n" },
	{ "a relative path", "state = var/x\n" SRC,
	    "t.conf:1: state = var/x: must be a path from the root, /...\n" },
	{ "an empty path where one is needed", "state = \"\"\n" SRC,
	    "t.conf:1: state = : must be a path from the root, /...\n" },
	{ "a relative log", "source a { files = { mail.log } }\n",
	    "t.conf:1: files: mail.log: must be a path from the root, /...\n" },
	{ "an alias without a host", "host_alias = { \"a=b\", \"mx1\", \"=b\" }\n" SRC,
	    "t.conf:1: host_alias: \"mx1\" is not of the form NAME=HOST\n"
	    "t.conf:1: host_alias: \"=b\" is not of the form NAME=HOST\n" },
	{ "queues", "queues = { \"auto\", \"exim\", \"postfix:/q\" }\n" SRC, "" },
	{ "no queues", "queues = { \"post\", \"maildir\", \"exim:q\" }\n" SRC,
	    "t.conf:1: queues: \"post\": must be auto, postfix, exim, sendmail, qmail, opensmtpd or "
	    "maildir, and may have a folder behind it, MTA:/FOLDER\n"
	    "t.conf:1: queues: \"maildir\": must have a folder from the root behind it, maildir:/FOLDER\n"
	    "t.conf:1: queues: \"exim:q\": must have a folder from the root behind it, exim:/FOLDER\n" },
	{ "set twice", "user = a\nuser = b\n" SRC, "t.conf:2: user is set twice\n" },
	{ "a source twice", SRC SRC, "t.conf:2: found duplicate title 'a'\n" },
	{ "a source without files", "source b {\n host = x\n}\n",
	    "t.conf:3: source \"b\" ends without files, journal or listen\n" },
	{ "an unknown zone", "source b { files = {/x} timezone = Mars/Phobos }\n",
	    "t.conf:1: timezone = Mars/Phobos: " },
	{ "a quote left open", "user = \"abc\ngroup = \"x\"\n" SRC,
	    "t.conf:1: a quote (\") is opened and not closed in this line\n" },
	{ "a brace left open", "user = a\nsource b {\n files = { /x }\n",
	    "t.conf:2: a brace { is opened and never closed\n" },
	{ "a brace too many", SRC "\n}\n", "t.conf:3: a brace } that closes nothing\n" },
	{ "a comment left open", "\n/* abc\n" SRC,
	    "t.conf:2: a comment (/*) is opened and never closed\n" },
	{ "no equal sign", "user abc\n" SRC,
	    "t.conf:1: missing equal sign after option 'user'\n" },
	{ "a value too many", "user = a b\n" SRC, "t.conf:1: there is no setting b\n" },
	{ "no name", "user = a\n\"\" = b\n" SRC,
	    "t.conf:2: there is no setting without a name\n" },
	{ "reason sections", SRC "reason a { match = '^x\\s' class = policy }\n"
	    "reason b { text = \"y z\" class = dnsbl }\n", "" },
	{ "all faults of reason sections", SRC "reason a {\n match = '(b'\n class = polcy\n tex = c\n}\n"
	    "reasn b { }\n",
	    "t.conf:3: match = (b: missing closing parenthesis (at byte 3)\n"
	    "t.conf:4: class = polcy: there is no such class; did you mean policy?\n"
	    "t.conf:5: there is no setting tex in a reason; did you mean text?\n"
	    "t.conf:7: there is no setting reasn; did you mean reason?\n" },
	{ "reasons that lack something", SRC "reason a { match = b }\nreason b { class = policy }\n"
	    "reason c { match = d text = d class = policy }\nreason '' { text = d class = policy }\n",
	    "t.conf:2: reason \"a\" ends without class\n"
	    "t.conf:3: reason \"b\" must have match or text, and not both\n"
	    "t.conf:4: reason \"c\" must have match or text, and not both\n"
	    "t.conf:5: reason \"\": the name must have 1 to 63 bytes\n" },
	{ "a reason twice", SRC "reason a { text = b class = policy }\nreason a { }\n",
	    "t.conf:3: found duplicate title 'a'\n" },
	{ "a reason inside a source", "source a {\n files = { /x }\n reason b { }\n}\n",
	    "t.conf:3: there is no setting reason in a source\n" },
	{ "passive results", SRC "monitor m { type = nagios command_file = /f }\n"
	    "monitor n { type = nsca command = { \"/usr/sbin/send_nsca\", \"-H\", \"h\" } }\n"
	    "monitor o { type = nrdp url = \"https://h/nrdp/\" token_file = /t }\n"
	    "monitor p { type = icinga2 url = \"https://h:5665\" user = u password_file = /p ca_file = /c }\n"
	    "passive a { command = { \"/c\", \"-w\", \"1\" } interval = 1m monitors = { m, o } }\n"
	    "passive up { command = /c kind = host }\n", "" },
	{ "monitors that lack something", SRC "monitor m { }\nmonitor n { type = nagios url = \"x\" }\n"
	    "monitor o { type = nsca command = { c } }\nmonitor p { type = icinga2 url = \"ftp://h\" }\n"
	    "monitor q { type = nrdp url = \"https://u@h\" user = u key = /k }\nmonitor r { type = nagos }\n",
	    "t.conf:7: type = nagos: must be one of nagios|nsca|nrdp|icinga2\n"
	    "t.conf:2: monitor \"m\" ends without type\n"
	    "t.conf:3: monitor \"n\": url is nothing for type = nagios\n"
	    "t.conf:3: monitor \"n\" ends without command_file\n"
	    "t.conf:4: monitor \"o\" has no command that begins with a path, /...\n"
	    "t.conf:5: monitor \"p\" has no url, https://HOST...\n"
	    "t.conf:5: monitor \"p\" ends without user and password_file, or certificate and key\n"
	    "t.conf:6: monitor \"q\": url must be https://HOST[:PORT][/PATH]; who we are goes into user and "
	    "password_file\n"
	    "t.conf:6: monitor \"q\" must have certificate and key, or neither\n"
	    "t.conf:6: monitor \"q\" must have user and password_file, or neither\n"
	    "t.conf:6: monitor \"q\" ends without token_file\n" },
	{ "passive sections that cannot be", SRC "monitor m { type = nagios command_file = /f }\npassive_host = h\n"
	    "passive \"a;b\" { command = c }\npassive c { command = /c monitors = { n } comand = x }\n"
	    "passive d { command = /c service = c }\npassive mxgauge { command = /c }\n",
	    "t.conf:5: there is no setting comand in a passive; did you mean command?\n"
	    "t.conf:4: passive \"a;b\": service must not have ; ! | ` \" \\ or control characters, which mean "
	    "something to monitors\n"
	    "t.conf:4: passive \"a;b\" has no command that begins with a path, /...\n"
	    "t.conf:5: passive \"c\": there is no monitor \"n\"\n"
	    "t.conf:6: passive \"d\" is for the same host and service as \"c\"\n"
	    "t.conf: passive \"mxgauge\" is called as the heartbeat is; name one otherwise, or set heartbeat = "
	    "\"\"\n" },
	{ "a passive without a monitor", SRC "passive a { command = /c }\n",
	    "t.conf: there are passive sections and no monitor that would hear of them\n" },
	{ "a hostile name", "\"a\033[2J\" = 1\n" SRC, "t.conf:1: there is no setting a?[2J\n" },
};

static void
test_texts(void)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf text = buf_new(65536), errors = buf_new(65536);
		struct config *c;
		size_t n = strlen(cases[i].want);

		buf_str(&text, cases[i].text);
		c = config_parse("t.conf", &text, &errors);
		/* a want without newline is a beginning */
		if (n > 0 && cases[i].want[n - 1] != '\n' && errors.n > n)
			errors.p[n] = '\0';
		is_str(errors.p == NULL ? "" : errors.p, cases[i].want, cases[i].what);
		ok((c != NULL) == (n == 0), "%s: %s", cases[i].what,
		    n == 0 ? "a configuration" : "no configuration");
		config_free(c);
		buf_free(&text);
		buf_free(&errors);
	}
}

static void
test_values(void)
{
	struct buf text = buf_new(65536), errors = buf_new(65536);
	struct config *c;

	buf_str(&text, "keep_hours = 104w\nhost_alias = { 'a=b' }\nhost_alias += { 'c=d' }\n"
	    "log_to = syslog\nsource x { files = { /a, \"/b c\" } host = h }\n"
	    "source y { files = /d }\nstate = /srv/mx\n");
	c = config_parse("t.conf", &text, &errors);
	is_str(errors.p == NULL ? "" : errors.p, "", "no faults");
	if (c == NULL)
		return;
	is_int(c->keep_hours, 104LL * 7 * 86400, "weeks in seconds");
	is_int(c->keep_minutes, 8 * 86400, "a default");
	is_int((long long)c->host_alias.n, 2, "a list that was added to");
	is_str(c->host_alias.item[1], "c=d", "its second item");
	is_str(c->log_to, "syslog", "a choice");
	is_int((long long)c->nsources, 2, "two sources");
	is_str(c->source[0].name, "x", "the title");
	is_str(c->source[0].files.item[1], "/b c", "a path with a blank");
	is_str(c->source[0].host, "h", "the host");
	is_str(c->source[1].files.item[0], "/d", "a list of one without braces");
	is_str(c->source[1].timezone, "", "a text's default");
	is_str(c->rrd_dir, "/srv/mx/rrd", "the RRDs are in the state folder");
	config_free(c);
	buf_free(&text);
	buf_free(&errors);
}

/* A file, a folder, binary rubbish, nothing there. */
static void
test_files(void)
{
	char dir[] = "/tmp/mx-config.XXXXXX", path[64], want[160];
	struct buf errors = buf_new(65536);
	struct config *c;
	int fd;

	if (mkdtemp(dir) == NULL)
		abort();
	snprintf(path, sizeof path, "%s/c", dir);
	ok(config_read(path, &errors) == NULL, "no file");
	snprintf(want, sizeof want, "read %s: No such file or directory; \"mxgauge setup\" proposes a "
	    "configuration\n", path);
	is_str(errors.p, want, "its sentence");
	buf_clear(&errors);
	ok(config_read(dir, &errors) == NULL, "a folder");
	snprintf(want, sizeof want, "read %s: it is a directory\n", dir);
	is_str(errors.p, want, "its sentence");
	buf_clear(&errors);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	ok(write(fd, "a\0b", 3) == 3 && config_read(path, &errors) == NULL, "NUL bytes");
	snprintf(want, sizeof want, "%s: not a text file: it has NUL bytes\n", path);
	is_str(errors.p, want, "its sentence");
	buf_clear(&errors);
	ok(ftruncate(fd, 0) == 0 && pwrite(fd, SRC, sizeof SRC - 1, 0) > 0, "a good file");
	c = config_read(path, &errors);
	ok(c != NULL && errors.n == 0, "is read");
	config_free(c);
	ok(ftruncate(fd, 1 << 21) == 0 && config_read(path, &errors) == NULL, "2 MiB");
	close(fd);
	unlink(path);
	rmdir(dir);
	buf_free(&errors);
}

int
main(void)
{
	test_texts();
	test_values();
	test_files();
	return done_testing();
}
