/* test_shapes.c - lines that came without syslog: what programs write into files of their
 * own, the journal, docker. Each case is a file of one to a few lines. */
#define _POSIX_C_SOURCE 200809L
#include "input/header.h"
#include "tap.h"

#include "poison.h"

#define B0 1795005000	/* 2026-11-18 12:30:00 UTC */
#define NOW (B0 + 600)
#define L(s) { (s), sizeof(s) - 1 }

#define ID "1vLabc-000000012Xy-0aBc"
#define EXIM "2026-11-18 12:30:00 "
#define NEW_MSG "new msg 7"

/* The last line of each text is looked at. */
static const struct {
	struct slice raw;
	int64_t time;
	uint32_t usec;
	const char *host, *tag;
	uint32_t pid;
	struct slice text;
	const char *ident;	/* NULL: not looked at */
	bool own, goes_on;
} cases[] = {
	/* qmail's loggers */
	{ L("@400000006afd9a521078453c " NEW_MSG), B0, 276317, "own", "qmail", 0, L(NEW_MSG), NEW_MSG,
	    true, false },
	{ L("2026-11-18_12:30:00.12345 " NEW_MSG), B0, 123450, "own", "qmail", 0, L(NEW_MSG), NEW_MSG,
	    true, false },
	{ L("1795005000.123456 " NEW_MSG), B0, 123456, "own", "qmail", 0, L(NEW_MSG), NEW_MSG, true, false },
	{ L(EXIM "x\n2026-11-18 12:30:00.123456789 " NEW_MSG), B0, 123456, "own", "qmail", 0, L(NEW_MSG),
	    NEW_MSG, true, false },
	{ L("Nov 18 12:30:01 mx1 qmail: 1795005000.000007 " NEW_MSG), B0, 7, "mx1", "qmail", 0, L(NEW_MSG),
	    "qmail: 1795005000.000007 " NEW_MSG, false, false },
	{ L("Nov 18 12:30:01 mx1 smtpd-ssl: 1795005000.000007 tcpserver: status: 0/20"), B0, 7, "mx1",
	    "qmail", 0, L("tcpserver: status: 0/20"), NULL, false, false },
	{ L("Nov 18 12:30:01 mx1 qmail: 1795005000.000007+rest of it"), B0, 7, "mx1", "qmail", 0,
	    L("+rest of it"), NULL, false, false },
	{ L("<22>1 2026-11-18T12:30:01Z mx1 qmail - - - 1795005000.000007 " NEW_MSG), B0, 7, "mx1", "qmail",
	    0, L(NEW_MSG), NULL, false, false },
	/* no stamp of splogger's: days away, no six digits, a process id */
	{ L("Nov 18 12:30:00 mx1 x: 1795095000.000007 " NEW_MSG), B0, 0, "mx1", "x", 0,
	    L("1795095000.000007 " NEW_MSG), NULL, false, false },
	{ L("Nov 18 12:30:00 mx1 x: 1795005000.00007 y"), B0, 0, "mx1", "x", 0, L("1795005000.00007 y"), NULL,
	    false, false },
	{ L("Nov 18 12:30:00 mx1 x[7]: 1795005000.000007 y"), B0, 0, "mx1", "x", 7,
	    L("1795005000.000007 y"), NULL, false, false },
	/* the same loggers around a log daemon's lines: socklog, s6-log */
	{ L("@400000006afd9a521078453c mail.info: Nov 18 12:30:00 postfix/smtpd[12]: x"), B0, 0, "own",
	    "postfix/smtpd", 12, L("x"), "postfix/smtpd[12]: x", false, false },
	{ L("2026-11-18_12:30:01.12345 192.0.2.7: mail.info: Nov 18 12:30:00 mx1 postfix/smtpd[12]: x"), B0, 0, "mx1",
	    "postfix/smtpd", 12, L("x"), NULL, false, false },
	{ L("2026-11-18T12:30:01.12345 mail.info: Nov 18 12:30:00 postfix/smtpd[12]: x"), B0, 0, "own",
	    "postfix/smtpd", 12, L("x"), NULL, false, false },
	{ L("2026-11-18 12:30:01.123456789  Nov 18 12:30:00 mx1 postfix/smtpd[12]: x"), B0, 0, "mx1",
	    "postfix/smtpd", 12, L("x"), NULL, false, false },
	{ L("@400000006afd9a521078453c mail.info: " NEW_MSG), B0, 276317, "own", "qmail", 0,
	    L("mail.info: " NEW_MSG), NULL, true, false },
	/* Exim */
	{ L(EXIM ID " <= anna@example.org"), B0, 0, "own", "exim", 0, L(ID " <= anna@example.org"),
	    ID " <= anna@example.org", true, false },
	{ L(EXIM "1vLabc-0006pc-00 Completed"), B0, 0, "own", "exim", 0, L("1vLabc-0006pc-00 Completed"),
	    NULL, true, false },
	{ L("2026-11-18 13:30:00.250 +0100 [77] " ID " Completed"), B0, 250000, "own", "exim", 77,
	    L(ID " Completed"), "[77] " ID " Completed", true, false },
	{ L("2026-11-18 08:00:00 -0430 H=x [192.0.2.1] rejected RCPT <a@example.org>"), B0, 0, "own", "exim",
	    0, L("H=x [192.0.2.1] rejected RCPT <a@example.org>"), NULL, true, false },
	{ L(EXIM "[77] what the admin's log_message says"), B0, 0, "own", "exim", 77,
	    L("what the admin's log_message says"), NULL, true, false },
	{ L(EXIM "login authenticator failed for x [192.0.2.1]: 535 no"), B0, 0, "own", "exim", 0,
	    L("login authenticator failed for x [192.0.2.1]: 535 no"), NULL, true, false },
	{ L(EXIM ID " Completed\r"), B0, 0, "own", "exim", 0, L(ID " Completed"), NULL, true, false },
	/* an entry of its reject log */
	{ L(EXIM ID " H=x [192.0.2.1] rejected after DATA\nEnvelope-from: <a@example.org>"), B0, 0, "own",
	    "exim", 0, L("Envelope-from: <a@example.org>"), NULL, true, true },
	{ L(EXIM ID " H=x rejected\nEnvelope-from: <a>\nEnvelope-to: <b>\nP Received: x\n\tby y\nF From: z\n"
	    "  Subject: s"), B0, 0, "own", "exim", 0, L("  Subject: s"), NULL, true, true },
	{ L(EXIM ID " H=x rejected\nEnvelope-from: <a>\n----------------------------------------"), B0, 0,
	    "own", "exim", 0, L("----------------------------------------"), NULL, true, true },
	{ L(EXIM "Warning: none\n Suggested action: some"), B0, 0, "own", "exim", 0,
	    L(" Suggested action: some"), NULL, true, true },
	/* a header that imitates a log line stands behind a letter or a blank */
	{ L(EXIM ID " H=x rejected\n  " EXIM ID " => b@example.org"), B0, 0, "own", "exim", 0,
	    L("  " EXIM ID " => b@example.org"), NULL, true, true },
	/* others with such a stamp */
	{ L(EXIM "some words"), B0, 0, "own", "", 0, L("some words"), "some words", true, false },
	{ L("2026-11-18 12:30:00,616 INFO [x] y"), B0, 0, "own", "", 0, L("616 INFO [x] y"), NULL, true, false },
	{ L("2026-11-18 12:30:00.123456 [77] y"), B0, 123456, "own", "", 77, L("y"), NULL, true, false },
	{ L(EXIM "mx1 postfix/smtpd[12]: connect from x[192.0.2.1]"), B0, 0, "mx1", "postfix/smtpd", 12,
	    L("connect from x[192.0.2.1]"), "postfix/smtpd[12]: connect from x[192.0.2.1]", false, false },
	{ L(EXIM "mx1 dovecot: imap-login: x"), B0, 0, "mx1", "dovecot", 0, L("imap-login: x"), NULL, false, false },
	{ L(EXIM "some words: x"), B0, 0, "own", "", 0, L("some words: x"), NULL, true, false },
	{ L("2026-11-18 13:30:00.25+01:00 mx1 postfix/smtpd[12]: x"), B0, 250000, "mx1", "postfix/smtpd", 12, L("x"),
	    NULL, false, false },
	{ L("2026-11-18 12:30:00 UTC mx1 postfix/smtpd[12]: x"), B0, 0, "mx1", "postfix/smtpd", 12, L("x"), NULL,
	    false, false },
	{ L("2026:11:18-12:30:00 mx1 exim-in[12]: x"), B0, 0, "mx1", "exim-in", 12, L("x"), NULL, false, false },
	/* journalctl's other forms */
	{ L("Wed 2026-11-18 12:30:00 UTC mx1 postfix/smtpd[12]: x"), B0, 0, "mx1", "postfix/smtpd", 12, L("x"),
	    "postfix/smtpd[12]: x", false, false },
	{ L("mer. 2026-11-18 09:30:00.123456 -03 mx1 postfix/smtpd[12]: x"), B0, 123456, "mx1", "postfix/smtpd", 12,
	    L("x"), NULL, false, false },
	{ L("\xd0\xa1\xd1\x80 2026-11-18 18:00:00 +0530 mx1 postfix/smtpd[12]: x"), B0, 0, "mx1", "postfix/smtpd", 12,
	    L("x"), NULL, false, false },
	{ L("1795005000.123456 mx1 postfix/smtpd[12]: x"), B0, 123456, "mx1", "postfix/smtpd", 12, L("x"),
	    "postfix/smtpd[12]: x", false, false },
	/* OpenWrt's logread */
	{ L("Wed Nov 18 12:30:00 2026 mail.info postfix/smtpd[12]: x"), B0, 0, "own", "postfix/smtpd", 12, L("x"),
	    "postfix/smtpd[12]: x", false, false },
	/* rspamd */
	{ L(EXIM "#77(normal) <ab12cd>; task; write: id: <x>"), B0, 0, "own", "rspamd", 77,
	    L("<ab12cd>; task; write: id: <x>"), "#77(normal) <ab12cd>; task; write: id: <x>", true, false },
	{ L("2026-11-18 12:30:00.123456 [info] #77(rspamd_proxy) <>; lua; x: y"), B0, 123456, "own", "rspamd",
	    77, L("<>; lua; x: y"), NULL, true, false },
	{ L(EXIM "#77(normal) <a>; task; write: id: Last message repeated 9 times"), B0, 0, "own", "rspamd",
	    77, L("<a>; task; write: id: Last message repeated 9 times"), NULL, true, false },
	/* p0f, ClamAV, spamd */
	{ L("[2026/11/18 12:30:00] mod=syn|cli=192.0.2.1/4711"), B0, 0, "own", "p0f", 0,
	    L("mod=syn|cli=192.0.2.1/4711"), NULL, true, false },
	{ L("[2026/11/18 12:30:00] other"), B0, 0, "own", "", 0, L("other"), NULL, true, false },
	{ L("Wed Nov 18 12:30:00 2026 -> fd[10]: Eicar FOUND"), B0, 0, "own", "clamd", 0,
	    L("fd[10]: Eicar FOUND"), "-> fd[10]: Eicar FOUND", true, false },
	{ L("Sun Nov  8 12:30:00 2026 -> x"), B0 - 864000, 0, "own", "clamd", 0, L("x"), NULL, true, false },
	{ L("Wed Nov 18 12:30:00 2026 [77] info: spamd: result: Y"), B0, 0, "own", "spamd", 77,
	    L("result: Y"), "[77] info: spamd: result: Y", true, false },
	{ L("Wed Nov 18 12:30:00 2026 [77] warn: prefork: x"), B0, 0, "own", "spamd", 77, L("prefork: x"), NULL,
	    true, false },
	{ L("Wed Nov 18 12:30:00 2026: global: x"), B0, 0, "own", "", 0, L("2026: global: x"), NULL, true, false },
	/* of no program of ours */
	{ L("2026/11/18 12:30:00 [info] 8#8: *1 client 192.0.2.1:4711 connected"), B0, 0, "own", "", 0,
	    L("info] 8#8: *1 client 192.0.2.1:4711 connected"), NULL, true, false },
	{ L("[2026-11-18 12:30:00,112] WARNING in limiter: x"), B0, 0, "own", "", 0, L(" WARNING in limiter: x"),
	    NULL, true, false },
	{ L("[18/Nov/2026 12:30:00] SMTP Spam attack"), B0, 0, "own", "", 0, L(" SMTP Spam attack"), NULL, true,
	    false },
	{ L("Nov-18-26 12:30:00 [SSL-out] 192.0.2.1 x"), B0, 0, "own", "", 0, L("[SSL-out] 192.0.2.1 x"), NULL,
	    true, false },
	{ L("18-Nov-2026 12:30:00.123 client 192.0.2.1#4711: x"), B0, 0, "own", "", 0,
	    L("client 192.0.2.1#4711: x"), NULL, true, false },
	{ L("2026-11-18T12:30:00.270Z,EX\\Default,1,2"), B0, 0, "own", "", 0, L("EX\\Default,1,2"), NULL, true,
	    false },
	/* Dovecot */
	{ L("Nov 18 12:30:00 imap-login: Info: Login: user=<anna>"), B0, 0, "own", "dovecot", 0,
	    L("imap-login: Info: Login: user=<anna>"), "imap-login: Info: Login: user=<anna>", true, false },
	{ L("Nov 18 12:30:00 imap(anna)<12><x>: Info: y"), B0, 0, "own", "dovecot", 0,
	    L("imap(anna)<12><x>: Info: y"), NULL, true, false },
	{ L("Nov 18 12:30:00 lmtp(12, anna): Error: y"), B0, 0, "own", "dovecot", 0,
	    L("lmtp(12, anna): Error: y"), NULL, true, false },
	{ L(EXIM "auth: Warning: y"), B0, 0, "own", "dovecot", 0, L("auth: Warning: y"), NULL, true, false },
	{ L("@400000006afd9a521078453c imap-login: Info: y"), B0, 276317, "own", "dovecot", 0,
	    L("imap-login: Info: y"), NULL, true, false },
	{ L("@400000006afd9a521078453c dovecot-auth: pam_unix(dovecot:auth): x"), B0, 276317, "own",
	    "dovecot-auth", 0, L("pam_unix(dovecot:auth): x"), NULL, true, false },
	{ L("dovecot: Nov 18 12:30:00 Info: imap-login: y"), B0, 0, "own", "dovecot", 0,
	    L("Info: imap-login: y"), "Info: imap-login: y", true, false },
	{ L("Nov 18 12:30:00 mx1 imap-login: Info: y"), B0, 0, "mx1", "imap-login", 0, L("Info: y"), NULL,
	    false, false },
	{ L("Nov 18 12:30:00 other: Info: y"), B0, 0, "own", "other", 0, L("Info: y"), NULL, false, false },
	/* the journal */
	{ L("{\"X\":{\"a\":[1,\"]}\"]},\"MESSAGE\":\"a \\\"b\\\" \\u00e4\\ud83d\\ude00\",\"_PID\":\"12\","
	    "\"__REALTIME_TIMESTAMP\":\"1795005000123456\",\"_HOSTNAME\":\"mx1\","
	    "\"SYSLOG_IDENTIFIER\":\"postfix/smtpd\"}"), B0, 123456, "mx1", "postfix/smtpd", 12,
	    L("a \"b\" \303\244\360\237\230\200"), "postfix/smtpd[12]: a \"b\" \303\244\360\237\230\200", false, false },
	{ L("{ \"__REALTIME_TIMESTAMP\" : \"1795005000000000\", \"_COMM\":\"x\", \"MESSAGE\":[97, 0,255] }"), B0,
	    0, "own", "x", 0, L("a\0\377"), NULL, false, false },
	{ L("{\"__REALTIME_TIMESTAMP\":\"1795005000000000\",\"SYSLOG_IDENTIFIER\":\"x\",\"MESSAGE\":null}"), B0,
	    0, "own", "x", 0, L(""), NULL, false, false },
	{ L("{\"__REALTIME_TIMESTAMP\":\"1795005000000000\",\"SYSLOG_IDENTIFIER\":\"x\","
	    "\"MESSAGE\":[\"a\",\"b\"],\"SYSLOG_PID\":\"7\",\"_PID\":\"8\"}"), B0, 0, "own", "x", 7, L("a"), NULL,
	    false, false },
	{ L("__REALTIME_TIMESTAMP=1795005000000007\n_HOSTNAME=mx1\nX\n\3\0\0\0\0\0\0\0a\nb\n"
	    "SYSLOG_IDENTIFIER=p\nMESSAGE=a=b\n"), B0, 7, "mx1", "p", 0, L("a=b"), "p: a=b", false, false },
	/* a value with line ends in it, one of which looks like a line; its length begins with one */
	{ L("__CURSOR=x\n__REALTIME_TIMESTAMP=1795005000000000\nMESSAGE\n\12\0\0\0\0\0\0\0ab\n\nX=1\n2x\n_COMM=p\n"),
	    B0, 0, "own", "p", 0, L("ab\n\nX=1\n2x"), NULL, false, false },
	{ L("__REALTIME_TIMESTAMP=1\n__REALTIME_TIMESTAMP=1795005000000000\nMESSAGE\n\0\0\0\0\0\0\0\0\n_COMM=p\n"),
	    B0, 0, "own", "p", 0, L(""), NULL, false, false },
	/* docker */
	{ L("{\"log\":\"Nov 18 12:30:00 mx1 postfix/smtpd[12]: x\\n\",\"stream\":\"stdout\","
	    "\"time\":\"2026-11-18T12:30:01.5Z\"}"), B0, 0, "mx1", "postfix/smtpd", 12, L("x"),
	    "postfix/smtpd[12]: x", false, false },
	{ L("{\"log\":\"postfix/smtpd[12]: x\\r\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-18T12:30:00.5Z\"}"),
	    B0, 500000, "own", "postfix/smtpd", 12, L("x"), NULL, false, false },
	{ L("{\"log\":\"some words\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-18T12:30:00.5Z\"}"), B0, 500000,
	    "own", "", 0, L("some words"), "some words", true, false },
	{ L("{\"log\":\"" EXIM ID " Completed\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-18T12:30:01Z\"}"), B0, 0,
	    "own", "exim", 0, L(ID " Completed"), NULL, true, false },
	{ L("{\"log\":\"Nov 18 12:30:00 mx1 p: a\",\"stream\":\"stdout\",\"time\":\"2026-11-18T12:30:00Z\"}\n"
	    "{\"log\":\"b\",\"stream\":\"stdout\",\"time\":\"2026-11-18T12:30:00Z\"}\n"
	    "{\"log\":\"c\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-18T12:30:00Z\"}"), B0, 0, "mx1", "p", 0,
	    L("abc"), NULL, false, false },
	/* what docker and podman send to the journal, under a tag of the admin's */
	{ L("{\"__REALTIME_TIMESTAMP\":\"1795005000123456\",\"_HOSTNAME\":\"node1\",\"SYSLOG_IDENTIFIER\":\"mail\",\"_PID\":\"567\","
	    "\"CONTAINER_ID\":\"0123456789ab\",\"MESSAGE\":\"Nov 18 12:30:00 mx1 postfix/smtpd[12]: x\"}"), B0, 123456, "mx1",
	    "postfix/smtpd", 12, L("x"), "postfix/smtpd[12]: x", false, false },
	{ L("__CURSOR=x\n__REALTIME_TIMESTAMP=1795005000000007\n_HOSTNAME=node1\nCONTAINER_ID=0123456789ab\n"
	    "SYSLOG_IDENTIFIER=mail\nMESSAGE=2026-11-18 12:30:00 #77(normal) <a>; lua; x: y\n"), B0, 7, "node1", "rspamd", 77,
	    L("<a>; lua; x: y"), NULL, true, false },
	/* log shippers: rsyslog, syslog-ng, Vector, GELF, Filebeat, Fluent Bit, Fluentd, Loki, Elasticsearch */
	{ L("{\"@timestamp\":\"2026-11-18T12:30:00.25+00:00\",\"host\":\"mx1\",\"programname\":\"postfix\",\"procid\":\"12\","
	    "\"message\":\" x\",\"syslogtag\":\"postfix/smtpd[12]:\"}"), B0, 250000, "mx1", "postfix/smtpd", 12, L("x"),
	    "postfix/smtpd[12]: x", false, false },
	{ L("{\"PROGRAM\":\"postfix/smtpd\",\"PID\":\"12\",\"MESSAGE\":\"x\",\"HOST_FROM\":\"a\",\"HOST\":\"mx1\","
	    "\"DATE\":\"Nov 18 11:30:00\",\"ISODATE\":\"2026-11-18T12:30:00+00:00\"}"), B0, 0, "mx1", "postfix/smtpd", 12,
	    L("x"), NULL, false, false },
	{ L("{\"appname\":\"postfix/smtpd\",\"hostname\":\"mx1\",\"message\":\"x\",\"procid\":12,"
	    "\"timestamp\":\"2026-11-18T12:30:00.5Z\"}"), B0, 500000, "mx1", "postfix/smtpd", 12, L("x"), NULL, false,
	    false },
	{ L("{\"version\":\"1.1\",\"host\":\"mx1\",\"short_message\":\"x\",\"timestamp\":1795005000.5,"
	    "\"_application_name\":\"prog\"}"), B0, 500000, "mx1", "prog", 0, L("x"), "prog: x", false, false },
	{ L("{\"@timestamp\":\"2026-11-18T12:30:07Z\",\"host\":{\"name\":\"a\"},\"log\":{\"offset\":7},"
	    "\"message\":\"Nov 18 12:30:00 mx1 postfix/smtpd[12]: x\"}"), B0, 0, "mx1", "postfix/smtpd", 12, L("x"),
	    "postfix/smtpd[12]: x", false, false },
	{ L("{\"_source\":{\"@timestamp\":\"2026-11-18T12:30:00Z\",\"host\":{\"ip\":[\"192.0.2.1\"],\"name\":\"mx1\"},"
	    "\"process\":{\"name\":\"postfix/smtpd\",\"pid\":12},\"message\":\"x\"}}"), B0, 0, "mx1", "postfix/smtpd", 12,
	    L("x"), NULL, false, false },
	{ L("{\"date\":1795005000.5,\"stream\":\"stdout\",\"log\":\"postfix/smtpd[12]: x\",\"time\":\"2026-11-18T12:30:00.5Z\"}"),
	    B0, 500000, "own", "postfix/smtpd", 12, L("x"), NULL, false, false },
	{ L("{\"date\":1795005000123,\"_HOSTNAME\":\"mx1\",\"SYSLOG_IDENTIFIER\":\"p\",\"_PID\":\"7\",\"MESSAGE\":\"x\"}"),
	    B0, 123000, "mx1", "p", 7, L("x"), NULL, false, false },
	{ L("{\"tag\":\"mail.info\",\"time\":\"2026-11-18 12:30:00 +0000\",\"host\":\"mx1\",\"message\":\"postfix/smtpd[12]: x\"}"),
	    B0, 0, "mx1", "postfix/smtpd", 12, L("x"), NULL, false, false },
	{ L("2026-11-18T12:30:00+00:00\tmail.info\t{\"host\":\"mx1\",\"ident\":\"p\",\"pid\":\"7\",\"message\":\"x\"}"), B0, 0,
	    "mx1", "p", 7, L("x"), NULL, false, false },
	{ L("mail.info: [1795005000.5, {\"host\":\"mx1\",\"ident\":\"p\",\"pid\":\"-\",\"message\":\"x\"}]"), B0, 500000,
	    "mx1", "p", 0, L("x"), "p: x", false, false },
	{ L("{\"message\":\"<22>Nov 18 12:30:00 mx1 postfix/smtpd[12]: x\",\"syslog_program\":\"postfix/smtpd\",\"syslog_pid\":\"12\","
	    "\"syslog_message\":\"x\",\"@timestamp\":\"2026-11-18T12:30:00.5Z\",\"host\":\"192.0.2.7\",\"syslog_hostname\":\"mx1\"}"), B0,
	    500000, "mx1", "postfix/smtpd", 12, L("x"), NULL, false, false },
	{ L("{\"labels\":{\"app\":\"x\"},\"line\":\"Nov 18 12:30:00 mx1 p[7]: x\",\"timestamp\":\"2026-11-18T12:30:09Z\"}"), B0,
	    0, "mx1", "p", 7, L("x"), NULL, false, false },
	{ L("{\"time\":\"2026-11-18T12:30:00Z\",\"level\":\"info\",\"msg\":\"some words\"}"), B0, 0, "own", "", 0,
	    L("some words"), NULL, true, false },
	/* rspamd, told to write JSON */
	{ L("{\"ts\":1795005000.123456,\"pid\":77,\"severity\":\"info\",\"worker_type\":\"normal\",\"id\":\"ab12cd\","
	    "\"module\":\"task\",\"function\":\"write\",\"message\":\"id: <x>\"}"), B0, 123456, "own", "rspamd", 77,
	    L("<ab12cd>; task; write: id: <x>"), NULL, false, false },
	/* containerd, CRI-O */
	{ L("2026-11-18T12:30:01.123456789Z stdout F Nov 18 12:30:00 mx1 postfix/smtpd[12]: x"), B0, 0, "mx1",
	    "postfix/smtpd", 12, L("x"), "postfix/smtpd[12]: x", false, false },
	{ L("2026-11-18T13:30:00.5+01:00 stderr F postfix/smtpd[12]: x"), B0, 500000, "own", "postfix/smtpd", 12,
	    L("x"), NULL, false, false },
	{ L("2026-11-18T12:30:00.5Z stdout F some words"), B0, 500000, "own", "", 0, L("some words"),
	    "some words", true, false },
	{ L("2026-11-18T12:30:00.1Z stdout P Nov 18 12:30:00 mx1 p: a\n"
	    "2026-11-18T12:30:00.1Z stderr F other: words\n2026-11-18T12:30:00.2Z stdout P b\n"
	    "2026-11-18T12:30:00.3Z stdout F c"), B0, 0, "mx1", "p", 0, L("abc"), NULL, false, false },
	{ L("2026-11-18T12:30:00.5Z stdout F: x"), B0, 500000, "stdout", "F", 0, L("x"), NULL, false, false },
};

/* The last answer to the lines of a text. */
static enum header_answer
last(struct header *h, struct slice all, struct line *l)
{
	struct slice raw;

	while (slice_cut(&all, '\n', &raw))
		(void)header_parse(h, raw, l);
	return header_parse(h, all, l);
}

static int
first_line(const char *s)
{
	return (int)strcspn(s, "\n");
}

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

/* Each case alone, and all of them by one parser. */
static void
test_cases(void)
{
	struct header *one = header_new("UTC", 0, NOW, SLICE("own"), NULL);

	for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
		size_t k = i / 2;
		struct header *h = i % 2 ? one : header_new("UTC", 0, NOW, SLICE("own"), NULL);
		struct line l = { 0 };
		bool good = last(h, cases[k].raw, &l) == HEADER_LINE;

		if (!ok(good && l.time == cases[k].time && l.usec == cases[k].usec &&
		    same(l.host, cases[k].host) && same(l.tag, cases[k].tag) && l.pid == cases[k].pid &&
		    slice_eq(l.text, cases[k].text) && l.repeat == 1 && !l.repeat_of_last &&
		    l.own == cases[k].own && l.goes_on == cases[k].goes_on &&
		    (cases[k].ident == NULL || same(l.ident, cases[k].ident)), "%zu: %.*s", k,
		    first_line(cases[k].raw.p), cases[k].raw.p)) {
			printf("# %s, time %lld.%06u, pid %u, own %d, goes on %d\n", good ? "good" : "bad",
			    (long long)(l.time - B0), (unsigned)l.usec, (unsigned)l.pid, l.own, l.goes_on);
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

static void
test_none(void)
{
	static const struct slice rows[] = {
		L("@400000006afd9992107845 x"), L("@400000006afd9a521078453cx"), L("@40000000FFfd99921078453c x"),
		L("@ffffffffffffffffffffffff x"), L("2026-02-30 12:30:00 x"), L("0000-12-30 00:00:00 x"),
		L("2026-11-18 12:30:00"), L("2026/13/18 12:30:00 [info] something"), L("[18/Nov/2026 12:30:00]"),
		L("18-Nov-2026 12:30 client x"), L("2026-11-18T12:30:00.270,EX,1,2,3"), L("99999999999999999999.123456 x"), L("1795005000.1234567 x"),
		L("[2026/11/18 12:30:00 mod=syn"), L("Wed Nov 18 12:30 2026 -> x"), L("Wxd Nov 18 12:30:00 2026 -> x"),
		L(" Suggested action: of nobody"), L("Envelope-from: <a@example.org>"),
		L("{"), L("{}"), L("{\"MESSAGE\":\"x\"}"), L("{\"__REALTIME_TIMESTAMP\":\"x\"}"),
		L("{\"__REALTIME_TIMESTAMP\":\"99999999999999999999\"}"),
		L("{\"__REALTIME_TIMESTAMP\":\"1795005000000000\""),
		L("{\"__REALTIME_TIMESTAMP\":\"1795005000000000\",\"MESSAGE\":\"x}"),
		L("{\"__REALTIME_TIMESTAMP\":\"1795005000000000\",\"MESSAGE\":\"\\u12\"}"),
		L("{\"__REALTIME_TIMESTAMP\":\"1795005000000000\",\"X\":[[[}"),
		L("{\"__REALTIME_TIMESTAMP\":\"1795005000000000\"} x"),
		L("{\"log\":\"x\\n\",\"time\":\"x\"}"), L("{\"time\":\"2026-11-18T12:30:00Z\",\"host\":\"mx1\"}"),
		L("{\"date\":75950050200,\"log\":\"x\"}"), L("{\"date\":9795005000,\"host\":\"mx1\",\"message\":\"x\"}"),
		L("{\"a\":{\"b\":{\"c\":"), L("{\"a\":{}"),
		L("Wed 2026-11-18 12:30:00 mx1 p: x"), L("Wed 2026-11-18 12:30:00 CET nothing of a tag"),
		L("__CURSOR=x\n"), L("__CURSOR=x\nno name"),
		L("__CURSOR=x\nMESSAGE\n\2\0\0\0\0\0\0\0abc"),
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct header *h = header_new("UTC", 0, NOW, SLICE("own"), NULL);
		struct line l;

		ok(last(h, rows[i], &l) == HEADER_NONE, "no line: %.*s", first_line(rows[i].p),
		    rows[i].p);
		ok(header_parse(h, (struct slice)L("Nov 18 12:30:00 mx1 p: x"), &l) == HEADER_LINE &&
		    l.time == B0, "and the next one is fine");
		header_free(h);
	}
}

/* What needs the next line is no line and no failure. */
static void
test_more(void)
{
	static const struct slice rows[] = {
		L("__CURSOR=x"), L("__CURSOR=x\nMESSAGE"), L("__CURSOR=x\nMESSAGE\n\4"),
		L("__CURSOR=x\nMESSAGE\n\377\377\377\377\377\377\377\377Nov 18 12:30:00 mx1 p[7]: forged text, long enough"),
		L("{\"log\":\"x\",\"stream\":\"stdout\",\"time\":\"2026-11-18T12:30:00Z\"}"),
	};
	static const struct slice usual[] = {
		L("Nov 18 12:30:00 mx1 p[7]: forged text, long enough to be usual"),
		L("2026-11-18T12:30:00.123456+00:00 mx1 p[7]: forged text, long enough to be usual"),
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct header *h = header_new("UTC", 0, NOW, SLICE("own"), NULL);
		struct line l;

		for (int k = 0; k < 4; k++)
			(void)header_parse(h, usual[k % 2], &l);
		ok(last(h, rows[i], &l) == HEADER_MORE, "more to come: %.*s",
		    first_line(rows[i].p), rows[i].p);
		if (i == 2 || i == 3)
			ok(header_parse(h, usual[0], &l) == HEADER_MORE &&
			    header_parse(h, usual[1], &l) == HEADER_MORE, "a value forges no line");
		header_free(h);
	}
}

static void
test_repeats(void)
{
	struct header *h = header_new("UTC", 0, NOW, SLICE("own"), NULL);
	struct line l;

	ok(header_parse(h, (struct slice)L("-- Boot 5f0c2d --"), &l) == HEADER_LINE && l.own && l.tag.n == 0,
	    "journalctl's remarks are nobody's");
	ok(header_parse(h, (struct slice)L(EXIM "#77(normal) log_reset: Last message repeated 4 times"), &l) ==
	    HEADER_LINE && l.repeat == 4 && l.repeat_of_last && l.tag.n == 0, "rspamd's repeats");
	header_free(h);
}

/* The source's zone, and Exim's own. */
static void
test_zones(void)
{
	struct header *h = header_new("Europe/Berlin", 0, NOW, SLICE(""), NULL);
	struct line l;

	if (h == NULL) {
		ok(1, "zones # SKIP no zone database here");
		return;
	}
	ok(header_parse(h, (struct slice)L("2026-11-18 13:30:00 " ID " Completed"), &l) == HEADER_LINE &&
	    l.time == B0, "Exim in the source's zone");
	ok(header_parse(h, (struct slice)L("2026-11-18 12:30:00 +0000 " ID " Completed"), &l) == HEADER_LINE &&
	    l.time == B0, "in the zone it names");
	ok(header_parse(h, (struct slice)L("2026-11-18_12:30:00.12345 x"), &l) == HEADER_LINE && l.time == B0,
	    "svlogd is in UTC");
	ok(header_parse(h, (struct slice)L("[2026/11/18 13:30:00] mod=x"), &l) == HEADER_LINE && l.time == B0,
	    "p0f in the source's zone");
	ok(header_parse(h, (struct slice)L("Wed Nov 18 13:30:00 2026 -> x"), &l) == HEADER_LINE && l.time == B0,
	    "ClamAV in the source's zone");
	ok(header_parse(h, (struct slice)L("Mi 2026-11-18 13:30:00 CET mx1 p: x"), &l) == HEADER_LINE && l.time == B0,
	    "journalctl in the source's zone");
	ok(header_parse(h, (struct slice)L("Wed 2026-11-18 12:30:00 UTC mx1 p: x"), &l) == HEADER_LINE && l.time == B0,
	    "but told to be in UTC in that");
	header_free(h);
}

int
main(void)
{
	test_cases();
	test_none();
	test_more();
	test_repeats();
	test_zones();
	return done_testing();
}
