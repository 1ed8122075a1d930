/* test_header.c - every shape of a line's envelope, and the traps in them. */
#include "hash.h"
#include "input/header.h"
#include "tap.h"

#include "poison.h"

#define T "postfix/smtpd[12]: connect from unknown[192.0.2.1]"
#define TEXT "connect from unknown[192.0.2.1]"
#define TAG "postfix/smtpd"
#define B0 1795005000	/* 2026-11-18 12:30:00 UTC */
#define NOW (B0 + 600)

/* Literals may hold NUL bytes. */
#define L(s) { (s), sizeof(s) - 1 }

static const struct {
	struct slice raw;
	bool good;
	int64_t time;
	const char *host, *tag;
	uint32_t pid;
	struct slice text;
	const char *ident;	/* NULL: not looked at */
} cases[] = {
	/* H1, H13 */
	{ L("Nov 18 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("Nov  8 12:30:05 mx1 " T), true, B0 - 863995, "mx1", TAG, 12, L(TEXT), T },
	{ L("Nov 08 12:30:05 mx1 " T), true, B0 - 863995, "mx1", TAG, 12, L(TEXT), T },
	{ L("Nov 18 12:30:60 mx1 " T), true, B0 + 60, "mx1", TAG, 12, L(TEXT), T },
	{ L("Nov 18 12:30:00 mx1 " T "\r"), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("Nov 18 12:30:00 2001:db8::1 " T), true, B0, "2001:db8::1", TAG, 12, L(TEXT), T },
	{ L("Nov 18 12:30:00 2001:db8:: " T), true, B0, "2001:db8::", TAG, 12, L(TEXT), T },
	{ L("Nov 18 12:30:00 192.0.2.7 " T), true, B0, "192.0.2.7", TAG, 12, L(TEXT), T },
	{ L("Nov 18 12:30:00 mx1/loghost " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("Nov 18 12:30:00 s_sys@mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("Nov 18 12:30:00 s_sys@mx1/a/b " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("Nov 18 12:30:00 MX1.Example.org " T), true, B0, "MX1.Example.org", TAG, 12, L(TEXT), T },
	{ L("Nov 18 12:30:00 " T), true, B0, "own", TAG, 12, L(TEXT), T },
	{ L("Nov 18 12:30:00  " T), true, B0, "own", TAG, 12, L(TEXT), T },
	{ L("Nov 18 12:30:00 mx1 prog: text"), true, B0, "mx1", "prog", 0, L("text"), "prog: text" },
	{ L("Nov 18 12:30:00 mx1 prog text"), true, B0, "mx1", "prog", 0, L("text"), "prog text" },
	{ L("Nov 18 12:30:00 mx1 prog[7] text"), true, B0, "mx1", "prog", 7, L("text"), NULL },
	{ L("Nov 18 12:30:00 mx1 prog[7]:text"), true, B0, "mx1", "prog", 7, L("text"), NULL },
	{ L("Nov 18 12:30:00 mx1 prog[a/7]: text"), true, B0, "mx1", "prog", 0, L("text"), NULL },
	{ L("Nov 18 12:30:00 mx1 prog[99999999999]: x"), true, B0, "mx1", "prog", 0, L("x"), NULL },
	{ L("Nov 18 12:30:00 mx1 prog(pam)[7]: x"), true, B0, "mx1", "prog(pam)", 7, L("x"), NULL },
	{ L("Nov 18 12:30:00 mx1 /usr/sbin/amavisd[1568]: (x) y"), true, B0, "mx1",
	    "/usr/sbin/amavisd", 1568, L("(x) y"), NULL },
	{ L("Nov 18 12:30:00 mx1 postfix-out/submission/smtpd[3]: warning: x"), true, B0, "mx1",
	    "postfix-out/submission/smtpd", 3, L("warning: x"), NULL },
	{ L("Nov 18 12:30:00 mx1 kernel: [ 1.5] x[3]: y"), true, B0, "mx1", "kernel", 0,
	    L("[ 1.5] x[3]: y"), NULL },
	{ L("Nov 18 12:30:00 mx1 a:b[3]: y"), true, B0, "mx1", "a", 0, L("b[3]: y"), NULL },
	{ L("Nov 18 12:30:00 mx1 prog:   text"), true, B0, "mx1", "prog", 0, L("  text"), NULL },
	{ L("Nov 18 12:30:00 mx1 prog[7]:"), true, B0, "mx1", "prog", 7, L(""), NULL },
	{ L("Nov 18 12:30:00 mx1 [x] y"), true, B0, "mx1", "", 0, L("[x] y"), NULL },
	{ L("Nov 18 12:30:00 mx1"), true, B0, "mx1", "", 0, L(""), "" },
	{ L("Nov 18 12:30:00 mx1 qmail: 1795005000.123456 new msg 7"), true, B0, "mx1", "qmail", 0,
	    L("new msg 7"), "qmail: 1795005000.123456 new msg 7" },
	/* journalctl in other languages */
	{ L("nov 18 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("nov. 18 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("ноя 18 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("ноя 18 12:30:01 mx1 " T), true, B0 + 1, "mx1", TAG, 12, L(TEXT), T },
	{ L("ноя 18 12:31:01 mx1 " T), true, B0 + 61, "mx1", TAG, 12, L(TEXT), T },
	{ L("ноя 18 12:31 mx1 " T), false, 0, "", "", 0, L(""), NULL },
	{ L("lis 18 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("marras 18 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("Kas 18 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("жов 18 12:30:00 mx1 " T), true, B0 - 31 * 86400, "mx1", TAG, 12, L(TEXT), T },
	{ L("szept. 18 12:30:00 mx1 " T), true, B0 - 61 * 86400, "mx1", TAG, 12, L(TEXT), T },
	{ L("нояб 18 12:30:00 mx1 " T), false, 0, NULL, NULL, 0, L(""), NULL },
	{ L(" nov 18 12:30:00 mx1 " T), false, 0, NULL, NULL, 0, L(""), NULL },
	{ L("11月 18 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("11월 18 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("Okt 18 12:30:00 mx1 " T), true, B0 - 31 * 86400, "mx1", TAG, 12, L(TEXT), T },
	{ L("août 18 12:30:00 mx1 " T), true, B0 - 92 * 86400, "mx1", TAG, 12, L(TEXT), T },
	{ L("juil. 18 12:30:00 mx1 " T), true, B0 - 123 * 86400, "mx1", TAG, 12, L(TEXT), T },
	{ L("13月 18 12:30:00 mx1 " T), false, 0, "", "", 0, L(""), NULL },
	{ L("11x 18 12:30:00 mx1 " T), false, 0, "", "", 0, L(""), NULL },
	{ L("ja 18 12:30:00 mx1 " T), false, 0, "", "", 0, L(""), NULL },
	{ L("\0 18 12:30:00 mx1 " T), false, 0, "", "", 0, L(""), NULL },
	{ L("j\0 18 12:30:00 mx1 " T), false, 0, "", "", 0, L(""), NULL },
	/* docker compose */
	{ L("mail-postfix-1  | Nov 18 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("postfix_1 | 2026-11-18T12:30:00.123456789Z Nov 18 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("post fix  |Nov 18 12:30:00 mx1 " T), false, 0, "", "", 0, L(""), NULL },
	/* BusyBox' syslogd, and FreeBSD's with -v and with -vv */
	{ L("Nov 18 12:30:00 mx1 mail.info " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("Nov 18 12:30:00 mx1 local7.err prog: text"), true, B0, "mx1", "prog", 0, L("text"), "prog: text" },
	{ L("Nov 18 12:30:00 <mail.info> mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("Nov 18 12:30:00 <2.6> mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("2026-11-18T12:30:00.5Z mx1 mail.warn " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("Nov 18 12:30:00 mx1 mail.info: text"), true, B0, "mx1", "mail.info", 0, L("text"), NULL },
	{ L("Nov 18 12:30:00 mx1 mail.x prog: text"), true, B0, "mx1", "mail.x", 0, L("prog: text"), NULL },
	{ L("Nov 18 12:30:00 mx1 local8.info prog: text"), true, B0, "mx1", "local8.info", 0, L("prog: text"), NULL },
	{ L("Nov 18 12:30:00 mx1 2.6 prog: text"), true, B0, "mx1", "2.6", 0, L("prog: text"), NULL },
	{ L("Nov 18 12:30:00 mx1 mail:info " T), true, B0, "mx1", TAG, 12, L(TEXT), T },	/* AIX */
	{ L("Nov 18 12:30:00 mx1 auth:err|error prog: x"), true, B0, "mx1", "prog", 0, L("x"), "prog: x" },
	/* metalog */
	{ L("Nov 18 12:30:00 [postfix/smtpd] " TEXT), true, B0, "own", TAG, 0, L(TEXT), TAG ": " TEXT },
	{ L("Nov 18 12:30:00 [2001:db8::f] " T), true, B0, "[2001:db8::f]", TAG, 12, L(TEXT), T },
	/* docker logs -t */
	{ L("2026-11-18T12:30:01.123456789Z Nov 18 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("2026-11-18T12:30:01.123456789Z <22>Nov 18 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	/* NetBSD; AIX; a relay before a header without a stamp; templates with the severity alone */
	{ L("2026-11-18T12:30:00.123456+00:00 mx1 postfix/smtpd 12 - - " TEXT), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("2026-11-18T12:30:00Z mx1 prog - ID47 [a@1 k=\"x y\"] text"), true, B0, "mx1", "prog", 0, L("text"),
	    "prog: text" },
	{ L("2026-11-18T12:30:00Z mx1 prog 7 - text"), true, B0, "mx1", "prog", 0, L("7 - text"), NULL },
	{ L("Nov 18 12:30:00 loghost mail:info Message forwarded from mx1: " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("Nov 18 12:30:00 loghost Forwarded from mx1: prog: text"), true, B0, "mx1", "prog", 0, L("text"), NULL },
	{ L("Nov 18 12:30:00 192.0.2.7 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("Nov 18 12:30:00 mx1 info " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("Nov 18 12:30:00 mx1 prog other[7]: x"), true, B0, "mx1", "prog", 0, L("other[7]: x"), NULL },
	{ L("Nov 18 12:30:00 mx1 prog /bin/x[7]: y"), true, B0, "mx1", "prog", 0, L("/bin/x[7]: y"), NULL },
	{ L("2026-11-18T12:30:00.123456+00:00 INFO    " T "  "), true, B0, "own", TAG, 12, L(TEXT), T },
	{ L("2026-11-18T12:30:00+00:00 WARNING prog: text"), true, B0, "own", "prog", 0, L("text"), "prog: text" },
	{ L("2026-11-18T12:30:00+00:00 INFO some: text"), true, B0, "own", "some", 0, L("text"), NULL },
	{ L("2026-11-18T12:30:00+00:00 INFO1 " T), true, B0, "INFO1", TAG, 12, L(TEXT), T },
	{ L("2026-11-18T12:30:00+00:00 NOTICE of 3: text"), true, B0, "NOTICE", "of", 0, L("3: text"), NULL },
	/* months in other languages, as journalctl prints them */
	{ L("nov 18 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("nov. 18 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("\xd0\xbd\xd0\xbe\xd1\x8f 18 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("11\xe6\x9c\x88 18 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("Okt 18 12:30:00 mx1 " T), true, B0 - 31 * 86400, "mx1", TAG, 12, L(TEXT), T },
	{ L("ao\xc3\xbbt 18 12:30:00 mx1 " T), true, B0 - 92 * 86400, "mx1", TAG, 12, L(TEXT), T },
	{ L("M\xc3\xa4r 18 12:30:00 mx1 " T), true, B0 - 245 * 86400, "mx1", TAG, 12, L(TEXT), T },
	{ L("13\xe6\x9c\x88 18 12:30:00 mx1 " T), false, 0, NULL, NULL, 0, L(""), NULL },
	{ L("nove 18 12:30:00 mx1 " T), false, 0, NULL, NULL, 0, L(""), NULL },
	/* containers: docker compose, kubectl logs --prefix */
	{ L("mail-1  | Nov 18 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("mail_postfix.1.x7f@node1    | 2026-11-18T12:30:01.5Z Nov 18 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12,
	    L(TEXT), T },
	{ L("[pod/mail-0/postfix] Nov 18 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("mail-1    |Nov 18 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("mail-1|Nov 18 12:30:00 mx1 " T), false, 0, NULL, NULL, 0, L(""), NULL },
	{ L("mail 1 | Nov 18 12:30:00 mx1 " T), false, 0, NULL, NULL, 0, L(""), NULL },
	{ L("\xef\xbb\xbfNov 18 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	/* docker's syslog driver: the daemon's line around the container's, whose clock may be in another zone */
	{ L("Nov 18 12:30:00 node1 0123456789ab[567]: Nov 18 13:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("2026-11-18T12:30:00.5Z node1 mail/0123456789ab[567]: 2026-11-18T12:30:00+00:00 mx1 " T), true, B0, "mx1",
	    TAG, 12, L(TEXT), T },
	{ L("Nov 18 12:30:00 node1 docker/mail[567]: " T), true, B0, "node1", TAG, 12, L(TEXT), T },
	{ L("Nov 18 12:30:00 node1 0123456789ab[567]: Nov 18 12:30:00 imap-login: Info: x"), true, B0, "node1", "dovecot", 0,
	    L("imap-login: Info: x"), NULL },
	{ L("Nov 18 12:30:00 node1 0123456789ab[567]: some words"), true, B0, "node1", "0123456789ab", 567,
	    L("some words"), NULL },
	{ L("Nov 18 12:30:00 node1 0123456789ab[567]: Nov 18 12:30:00 mx1 0123456789ab[1]: Nov 18 12:30:00 mx2 " T), true, B0,
	    "mx1", "0123456789ab", 1, L("Nov 18 12:30:00 mx2 " T), NULL },
	{ L("Nov 18 12:30:00 node1 0123456789AB[567]: Nov 18 12:30:00 mx1 " T), true, B0, "node1", "0123456789AB", 567,
	    L("Nov 18 12:30:00 mx1 " T), NULL },
	/* a relay put its header before that of the sender, which counts */
	{ L("Nov 18 12:30:00 loghost " T), true, B0, "loghost", TAG, 12, L(TEXT), T },
	{ L("Nov 18 12:40:00 loghost Nov 18 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("Nov 18 12:40:00 loghost Nov  8 12:30:05 mx1 " T), true, B0 - 863995, "mx1", TAG, 12, L(TEXT), T },
	{ L("Nov 18 12:40:00 loghost 2026-11-18T12:30:00.5Z mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("2026-11-18T12:40:00+00:00 loghost Nov 18 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("2026-11-18T12:40:00+00:00 loghost <22>Nov 18 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("<22>Nov 18 12:40:00 loghost <22>Nov 18 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("Nov 18 12:40:00 loghost <22>1 2026-11-18T12:30:00Z mx1 postfix/smtpd 12 - - " TEXT), true, B0, "mx1",
	    TAG, 12, L(TEXT), T },
	{ L("Nov 18 12:40:00 mx1 Nov 18 12:30:00 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("Nov 18 12:30:00 mx1 <22>" T), true, B0, "mx1", "<22>" TAG, 12, L(TEXT), NULL },
	{ L("Nov 18 12:40:00 a Nov 18 12:35:00 b Nov 18 12:30:00 mx1 " T), true, B0 + 600, "a", "Nov", 0,
	    L("18 12:35:00 b Nov 18 12:30:00 mx1 " T), NULL },
	{ L("Nov 18 12:30:00 mx1 2026-11-18T12:29:59Z 1rNkxY-0001Ab-2C <= a@example.org H=x: y"), true, B0, "mx1",
	    "2026-11-18T12", 0, L("29:59Z 1rNkxY-0001Ab-2C <= a@example.org H=x: y"), NULL },
	{ L("Nov 18 12:30:00 mx1 Nov 38 12:30:00 mx2 x: y"), true, B0, "mx1", "Nov", 0,
	    L("38 12:30:00 mx2 x: y"), NULL },
	{ L("Nov 18 12:30:00 mx1 prog: Nov 18 12:35:00 mx2 " T), true, B0, "mx1", "prog", 0,
	    L("Nov 18 12:35:00 mx2 " T), NULL },
	{ L("Nov 18 12:30:00 mx1 <x> y"), true, B0, "mx1", "<x>", 0, L("y"), NULL },
	/* H2 */
	{ L("2026-11-18T12:30:00.123456+00:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("2026-11-18T12:30:00Z mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("2026-11-18T13:30:01,123456789+01:00 mx1 " T), true, B0 + 1, "mx1", TAG, 12, L(TEXT), T },
	{ L("2026-11-18T08:00:00.5-0430 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("2026-11-18T12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	/* H3 */
	{ L("<22>1 2026-11-18T12:30:00.123456+00:00 mx1 postfix/smtpd 12 - - " TEXT), true, B0,
	    "mx1", TAG, 12, L(TEXT), T },
	{ L("<22>1 2026-11-18T12:30:00Z mx1 postfix/smtpd 12 ID47 - \xef\xbb\xbf" TEXT), true, B0,
	    "mx1", TAG, 12, L(TEXT), T },
	{ L("<22>1 2026-11-18T12:30:00Z mx1 postfix/smtpd 12 - -  " TEXT), true, B0,
	    "mx1", TAG, 12, L(TEXT), T },
	{ L("<22>1 2026-11-18T12:30:00Z - prog - - - text"), true, B0, "own", "prog", 0, L("text"),
	    "prog: text" },
	{ L("<22>1 2026-11-18T12:30:00Z mx1 prog x7 - - text"), true, B0, "mx1", "prog", 0,
	    L("text"), "prog[x7]: text" },
	{ L("<22>1 - mx1 prog 7 - - text"), true, NOW, "mx1", "prog", 7, L("text"), NULL },
	{ L("<22>1 2026-11-18T12:30:00Z mx1 - - - - text"), true, B0, "mx1", "", 0, L("text"), "text" },
	{ L("<22>1 2026-11-18T12:30:00Z mx1 p 7 - [a@1 k=\"x] \\\" \\\\ \\]\"][b@1 l=\"y\"] text"), true,
	    B0, "mx1", "p", 7, L("text"), "p[7]: text" },
	{ L("<22>1 2026-11-18T12:30:00Z mx1 p 7 - [a@1 k=\"x] text"), false, 0, NULL, NULL, 0, L(""), NULL },
	{ L("<22>1 2026-11-18T12:30:00Z mx1 p 7 - -"), true, B0, "mx1", "p", 7, L(""), "p[7]: " },
	{ L("<22>1 2026-11-18T12:30:00Z mx1 p 7 -"), false, 0, NULL, NULL, 0, L(""), NULL },
	{ L("<22>1 2026-11-18T12:30:00Z mx1 p 7 - - a#011b"), true, B0, "mx1", "p", 7, L("a\tb"),
	    "p[7]: a\tb" },
	/* H4 */
	{ L("<22>Nov 18 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("<22>Nov 18 12:30:00 " T), true, B0, "own", TAG, 12, L(TEXT), T },
	{ L("<22>2026-11-18T12:30:00+00:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("<22>" T), true, NOW, "own", TAG, 12, L(TEXT), T },
	{ L("<22>mx1 " T), true, NOW, "mx1", TAG, 12, L(TEXT), T },
	{ L("<22>some more words: and more"), false, 0, NULL, NULL, 0, L(""), NULL },
	{ L("<192>Nov 18 12:30:00 mx1 " T), false, 0, NULL, NULL, 0, L(""), NULL },
	{ L("<>Nov 18 12:30:00 mx1 " T), false, 0, NULL, NULL, 0, L(""), NULL },
	/* H5 */
	{ L("Nov 18 12:30:00 2026 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("2026 Nov 18 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("Nov 18 2026 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("Nov 18 12:30:00.250 2026 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	{ L("Nov 18 12:30:00 2024 mx1 " T), true, B0 - 63072000, "mx1", TAG, 12, L(TEXT), T },
	{ L("Nov 18 12:30:00 20260 " T), true, B0, "20260", TAG, 12, L(TEXT), T },
	/* escapes */
	{ L("Nov 18 12:30:00 mx1 p[7]: a#011b#012c#177#033[m"), true, B0, "mx1", "p", 7,
	    L("a\tb\nc\177\033[m"), "p[7]: a\tb\nc\177\033[m" },
	{ L("Nov 18 12:30:00 mx1 p[7]: #303#244 #377"), true, B0, "mx1", "p", 7,
	    L("\303\244 \377"), NULL },
	{ L("Nov 18 12:30:00 mx1 p[7]: a#000b"), true, B0, "mx1", "p", 7, L("a\0b"), NULL },
	{ L("Nov 18 12:30:00 mx1 p[7]: # #1 #01 #040 #101 #176 #400 #999 #12 #"), true, B0, "mx1",
	    "p", 7, L("# #1 #01 #040 #101 #176 #400 #999 #12 #"), NULL },
	{ L("Nov 18 12:30:00 mx1 p[7]: 5.7.1 see #0123"), true, B0, "mx1", "p", 7,
	    L("5.7.1 see \n3"), NULL },
	{ L("Nov 18 12:30:00 mx1 p[7]: ##011#"), true, B0, "mx1", "p", 7, L("#\t#"), NULL },
	{ L("Nov 18 12:30:00 mx1 p[7]: a\0b"), true, B0, "mx1", "p", 7, L("a\0b"), NULL },
	{ L("\0\0\0Nov 18 12:30:00 mx1 " T), true, B0, "mx1", TAG, 12, L(TEXT), T },
	/* Solaris */
	{ L("Nov 18 12:30:00 mx1 sendmail[7]: [ID 197553 mail.info] text"), true, B0, "mx1",
	    "sendmail", 7, L("text"), "sendmail[7]: [ID 197553 mail.info] text" },
	{ L("Nov 18 12:30:00 mx1 p[7]: [ID x] text"), true, B0, "mx1", "p", 7, L("[ID x] text"), NULL },
	/* text that looks like an envelope stays text */
	{ L("Nov 18 12:30:00 mx1 " T " Nov 18 12:31:00 mx2 postfix/smtpd[1]: x"), true, B0, "mx1", TAG,
	    12, L(TEXT " Nov 18 12:31:00 mx2 postfix/smtpd[1]: x"), NULL },
	{ L("Nov 18 12:30:00 mx1 p[7]: x message repeated 3 times: [ y]"), true, B0, "mx1", "p", 7,
	    L("x message repeated 3 times: [ y]"), NULL },
	/* rubbish */
	{ L(""), false, 0, NULL, NULL, 0, L(""), NULL },
	{ L("\0\0\0\0"), false, 0, NULL, NULL, 0, L(""), NULL },
	{ L("   Nov 18 12:30:00 mx1 " T), false, 0, NULL, NULL, 0, L(""), NULL },
	{ L("Nov 18 12:30:00"), false, 0, NULL, NULL, 0, L(""), NULL },
	{ L("Nov 18 25:30:00 mx1 " T), false, 0, NULL, NULL, 0, L(""), NULL },
	{ L("Nov 18 12:30:0x mx1 " T), false, 0, NULL, NULL, 0, L(""), NULL },
	{ L("Nov 31 12:30:00 mx1 " T), false, 0, NULL, NULL, 0, L(""), NULL },
	{ L("Nov 99999999999999999999 12:30:00 mx1 " T), false, 0, NULL, NULL, 0, L(""), NULL },
	{ L("Nox 18 12:30:00 mx1 " T), false, 0, NULL, NULL, 0, L(""), NULL },
	{ L("2026-02-29T12:30:00Z mx1 " T), false, 0, NULL, NULL, 0, L(""), NULL },
	{ L("2026-11-18T12:30:00+99:00 mx1 " T), false, 0, NULL, NULL, 0, L(""), NULL },
	{ L("2026-11-18T12:30:00Zmx1 " T), false, 0, NULL, NULL, 0, L(""), NULL },
	{ L("192.0.2.1\tNov 18 12:30:00\tmx1\tmail\tinfo\tx"), false, 0, NULL, NULL, 0, L(""), NULL },
	{ L("18.11.2026 12:30:00 Mail.Info mx1 text text text"), false, 0, NULL, NULL, 0, L(""), NULL },
};

static bool
same(struct slice s, const char *want)
{
	return slice_eq(s, slice_of(want));
}

static void
show(const char *what, struct slice s)
{
	printf("# %s: %.*s\n", what, (int)s.n, s.p);
}

/* Each case alone, and all of them by one parser: what a line leaves behind must
 * not change the next. */
/* What is remembered with a host is that host's, or nobody's yet. */
static bool
is_marked(const struct line *l)
{
	int mark = 1;

	for (size_t i = 0; i < l->host.n; i++)
		mark = (mark * 31 + l->host.p[i]) % 1000003 + 1;
	if (l->host_mark == NULL)
		return true;
	if (*l->host_mark == 0)
		*l->host_mark = mark;
	return *l->host_mark == mark;
}

static void
test_cases(void)
{
	struct header *one = header_new("UTC", 0, NOW, SLICE("own"), NULL);

	for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
		size_t k = i / 2;
		struct header *h = i % 2 ? one : header_new("UTC", 0, NOW, SLICE("own"), NULL);
		struct line l = { 0 };
		bool good = header_parse(h, cases[k].raw, &l) == HEADER_LINE;
		bool right = good == cases[k].good;

		if (good && right)
			right = l.time == cases[k].time && same(l.host, cases[k].host) &&
			    same(l.tag, cases[k].tag) && l.pid == cases[k].pid &&
			    slice_eq(l.text, cases[k].text) && l.repeat == 1 &&
			    !l.repeat_of_last && is_marked(&l) &&
			    (cases[k].ident == NULL || same(l.ident, cases[k].ident));
		if (!ok(right, "%s", cases[k].raw.p)) {
			printf("# %s, time %lld, pid %u\n", good ? "good" : "bad",
			    (long long)(l.time - B0), (unsigned)l.pid);
			show("host", l.host);
			show("tag", l.tag);
			show("text", l.text);
			show("ident", l.ident);
		}
		if (h != one)
			header_free(h);
	}
	header_free(one);
}

/* The short way and the long one say the same: the first line of a host goes the long one. */
static void
test_usual(void)
{
	static const char *const pids[] = { "1", "12", "123", "4194", "41943", "419430", "4194304",
		"41943040", "419430400", "4294967295", "99999999999", "", "7x", "x", "1/2", "0", "007" };
	static const char *const texts[] = { "A1: x", "A1: #303#244 x", "#011", "A1: #1 x#40", "x" };
	char raw[3][160], all[600];
	bool right = true, clean = true;

	for (size_t i = 0; i < sizeof pids / sizeof pids[0] * sizeof texts / sizeof texts[0]; i++) {
		struct header *h = header_new("UTC", 0, NOW, SLICE("own"), NULL);
		const char *pid = pids[i % (sizeof pids / sizeof pids[0])];
		const char *text = texts[i / (sizeof pids / sizeof pids[0])];
		struct line l = { 0 }, first;

		(void)snprintf(raw[0], sizeof raw[0], "Nov 18 12:30:00 mx1 postfix/smtpd[%s]: %s "
		    "and so on, some fifty bytes more", pid, text);
		(void)header_parse(h, slice_of(raw[0]), &first);
		raw[1][0] = first.text.n < sizeof raw[1] ? '\0' : 'x';
		(void)snprintf(raw[1], sizeof raw[1], "%.*s", (int)first.text.n, first.text.p);
		right &= header_parse(h, slice_of(raw[0]), &l) == HEADER_LINE && l.pid == first.pid &&
		    same(l.text, raw[1]) && l.tag.n == first.tag.n && (l.behind.p == NULL ||
		    (slice_ends(l.ident, l.behind) && l.behind.p[-1] == ']' && l.behind.p[0] == ':'));
		header_free(h);
	}
	ok(right, "process ids of any length, and what is none");
	for (int k = 0; k < 8; k++) {	/* in which of three lines that lie together are escapes? */
		struct header *h = header_new("UTC", 0, NOW, SLICE("own"), NULL);
		struct slice rest = { all, 0 }, one;
		struct line l = { 0 };

		for (int i = 0; i < 3; i++)
			rest.n += (size_t)snprintf(all + rest.n, sizeof all - rest.n,
			    "Nov 18 12:30:00 mx1 postfix/smtpd[1]: A1: x%s and so on, some fifty bytes\n",
			    k >> i & 1 ? "#303" : "");
		(void)header_parse(h, slice_head(rest, rest.n / 3), &l);
		header_within(h, rest);
		for (int i = 0; i < 3; i++)
			clean &= slice_cut(&rest, '\n', &one) && header_parse(h, one, &l) == HEADER_LINE &&
			    slice_has(l.text, k >> i & 1 ? SLICE("x\303 and") : SLICE("x and"));
		header_free(h);
	}
	ok(clean, "escapes are found in whichever of several lines they are");
}

static bool
same_line(const struct line *a, const struct line *b)
{
	return a->time == b->time && a->usec == b->usec && a->pid == b->pid && a->repeat == b->repeat &&
	    a->repeat_of_last == b->repeat_of_last && slice_eq(a->host, b->host) &&
	    slice_eq(a->tag, b->tag) && slice_eq(a->text, b->text) && slice_eq(a->ident, b->ident);
}

/* With stamps of RFC 3339: what comes again, and what nearly does, is what it is alone. */
static void
test_usual_iso(void)
{
	static const char *const stamps[] = {
		"2026-11-18T12:30:00.123456+00:00", "2026-11-18T12:30:59.000001+00:00",
		"2026-11-18T12:30:60.000001+00:00", "2026-11-18T12:30:61.000001+00:00",
		"2026-11-18T12:30:00.123456+01:00", "2026-11-18T12:30:00.123456-04:30",
		"2026-11-18T12:30:00.123456+01:60", "2026-11-18T12:31:00.123456+01:00",
		"2026-11-18T12:30:0x.123456+01:00", "2026-11-18T12:30:x0.123456+01:00",
		"2026-11-18T12:30:00,123456+01:00", "2026-11-18T12:30:00.12345x+01:00",
		"2026-11-18T12:30:00.12345+01:00", "2026-11-18T12:30:00.1234567+01:00",
		"2026-11-18T12:30:00.123456+0100", "2026-11-18T12:30:00.123456Z",
		"2026-11-18T12:30:00.123456", "2026-11-18T12:30:00+01:00", "2026-11-18T12:30:00Z",
		"2026-11-18T12-30:00.123456+01:00", "2026-11-18 12:30:00.123456+01:00",
	};
	enum { N = sizeof stamps / sizeof stamps[0] };
	struct header *h = header_new("Europe/Berlin", 0, NOW, SLICE("own"), NULL);
	char raw[160];
	bool right = true;

	for (unsigned i = 0; i < 3 * N * N; i++) {	/* each behind each other one */
		struct header *alone = header_new("Europe/Berlin", 0, NOW, SLICE("own"), NULL);
		unsigned k = i % 3 == 1 ? i / 3 / N : i / 3 % N;
		struct line l = { 0 }, want = { 0 };

		(void)snprintf(raw, sizeof raw, "%s mx1 postfix/smtpd[7]: A1: and so on, some fifty "
		    "bytes more", stamps[k]);
		right &= header_parse(h, slice_of(raw), &l) == header_parse(alone, slice_of(raw), &want) &&
		    l.stampless == want.stampless && (l.stampless || same_line(&l, &want));
		header_free(alone);
	}
	header_free(h);
	ok(right, "%d stamps of RFC 3339, each behind each", N);
}

/* Host i: of all lengths, many the same for long; static. */
static const char *
host_name(unsigned i)
{
	static char name[80];

	(void)snprintf(name, sizeof name, "%.*s%u", 1 + (int)(i * 7 % 38), "a-node-of-the-farm.with-a-long-name."
	    "in.its.zone.example.org.", i);
	return name;
}

/* Many hosts by turns, as a central log has them: each is told from each other, and known again. */
static void
test_many_hosts(void)
{
	enum { ROUNDS = 4, HOSTS = 9000 };
	struct header *h = header_new("UTC", 0, NOW, SLICE("own"), NULL);
	unsigned again[HOSTS + 1] = { 0 }, wrong = 0;

	for (unsigned n = 300; n <= HOSTS; n += HOSTS - 300) {
		for (unsigned i = 0; i < ROUNDS * n; i++) {
			unsigned host = i % n;
			struct line l = { 0 };
			char raw[200];

			(void)snprintf(raw, sizeof raw, "%s %s postfix/smtpd[7]: connect from x[192.0.2.1]",
			    i / n % 2 == 0 ? "Nov 18 12:30:00" : "2026-11-18T12:30:00.123456+00:00",
			    host_name(host));
			if (header_parse(h, slice_of(raw), &l) != HEADER_LINE || l.time != B0 ||
			    !slice_eq(l.host, slice_of(host_name(host))) || (l.host_mark != NULL && *l.host_mark != 0 &&
			    *l.host_mark != (int)host + 1))
				wrong++;
			else if (l.host_mark != NULL && *l.host_mark != 0)
				again[n]++;
			else if (l.host_mark != NULL)
				*l.host_mark = (int)host + 1;
		}
		ok(wrong == 0, "%u hosts by turns, none taken for another (%u)", n, wrong);
	}
	/* but for a few that others drove out */
	ok(again[300] >= (ROUNDS - 1) * 290, "300 are known again, %u of %d times", again[300], (ROUNDS - 1) * 300);
	header_free(h);
}

/* Names of strangers, made so that header.c's words of them are the same. */
static void
test_made_hosts(void)
{
	struct header *h = header_new("UTC", 0, NOW, SLICE("own"), NULL);
	char name[2][33] = { "aaaaaaaa________........--------", "aaaaaaaa________........--------" };
	bool right = true;

	for (int i = 0; i < 2; i++) {
		uint64_t word;

		do {	/* the second eight bytes make nothing of the first */
			name[i][i]++;
			word = hash_mix(32 ^ hash_read64(name[i]), 0x9e3779b97f4a7c15u);
			memcpy(name[i] + 8, &word, 8);
		} while (strlen(name[i]) < 32 || strpbrk(name[i], " @/:,#") != NULL);
	}
	for (int i = 0; i < 6; i++) {
		struct line l = { 0 };
		char raw[200];

		(void)snprintf(raw, sizeof raw, "Nov 18 12:30:00 %s postfix/smtpd[7]: connect from x[192.0.2.1]",
		    name[i % 2]);
		right &= header_parse(h, slice_of(raw), &l) == HEADER_LINE && l.host_mark != NULL &&
		    (*l.host_mark == 0 || *l.host_mark == i % 2 + 1) && (i < 2 || *l.host_mark != 0);
		if (l.host_mark != NULL)
			*l.host_mark = i % 2 + 1;
	}
	ok(right && strcmp(name[0], name[1]) != 0, "nor such as were made to look the same");
	header_free(h);
}

static void
test_repeats(void)
{
	static const struct {
		const char *raw;
		uint32_t repeat;
		bool of_last;
		const char *text;
	} rows[] = {
		{ "Nov 18 12:30:00 mx1 p[7]: message repeated 3 times: [ a [b] c]", 3, false, "a [b] c" },
		{ "Nov 18 12:30:00 mx1 p[7]: message repeated 3 times: [a]", 3, false, "a" },
		{ "Nov 18 12:30:00 mx1 p[7]: message repeated 3 times: [ a was cu", 3, false, "a was cu" },
		{ "Nov 18 12:30:00 mx1 p[7]: message repeated 0 times: [ a]", 1, false,
		    "message repeated 0 times: [ a]" },
		{ "Nov 18 12:30:00 mx1 p[7]: message repeated 99999999999 times: [ a]", 1, false,
		    "message repeated 99999999999 times: [ a]" },
		{ "Nov 18 12:30:00 mx1 p[7]: message repeated x", 1, false, "message repeated x" },
		{ "<22>1 2026-11-18T12:30:00Z mx1 p 7 - - message repeated 2 times: [ a]", 2, false, "a" },
		{ "Nov 18 12:30:00 mx1 last message repeated 4 times", 4, true, "" },
		{ "Nov 18 12:30:00 mx1 --- last message repeated 4 times ---", 4, true, "" },
		{ "Nov 18 12:30:00 mx1 last message buffered 4 times", 4, true, "" },
		{ "Nov 18 12:30:00 last message repeated 4 times", 4, true, "" },
		{ "Nov 18 12:30:00 mx1 above message repeats 4 times", 4, true, "" },
		{ "                - Last output repeated 4 times -", 4, true, "" },
		{ "                - Last output repeated twice -", 1, true, "" },
		{ "Nov 18 12:30:00 mx1 mail.info last message repeated 4 times", 4, true, "" },
		{ "Nov 18 12:30:00 mx1 p[7]: last message repeated 4 times", 4, true, "" },
		{ "Nov 18 12:30:00 mx1 p: last message repeated 4 times", 4, true, "" },
		{ "Nov 18 12:30:00 mx1 p[7]: last message repeated 4 times over", 1, false,
		    "last message repeated 4 times over" },
		{ "Nov 18 12:30:00 mx1 p[7]: lost connection after DATA from x", 1, false,
		    "lost connection after DATA from x" },
		{ "Nov 18 12:30:00 mx1 last message repeated 4 times, or so", 1, false,
		    "message repeated 4 times, or so" },
		{ "Nov 18 12:30:00 mx1 p[7]: Last message 'a 'b' repeated 1' repeated 5 times, "
		    "suppressed by syslog-ng on mx1", 5, true, "" },
		{ "Nov 18 12:30:00 mx1 p[7]: Last message 'a'", 1, false, "Last message 'a'" },
	};
	struct header *h = header_new("UTC", 0, NOW, SLICE("own"), NULL);
	struct line l;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		bool good = header_parse(h, slice_of(rows[i].raw), &l) == HEADER_LINE;

		if (!ok(good && l.repeat == rows[i].repeat && l.repeat_of_last == rows[i].of_last &&
		    same(l.text, rows[i].text) && (!l.repeat_of_last || l.tag.n == 0), "%s",
		    rows[i].raw)) {
			printf("# repeat %u\n", (unsigned)l.repeat);
			show("text", l.text);
		}
	}
	header_free(h);
}

int
main(void)
{
	test_cases();
	test_usual();
	test_usual_iso();
	test_many_hosts();
	test_made_hosts();
	test_repeats();
	return done_testing();
}
