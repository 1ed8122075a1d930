/* genqueue.c - genqueue MTA DIR N [long]: the spool of an MTA with N messages, as it would lay it
 * out, for tests and measurements. MTA is postfix, exim, sendmail, qmail or opensmtpd.
 *
 * Message i came i seconds before 2026-11-20 12:00 UTC from user@fromI.example.org, I = i % 7 (each
 * eleventh has the null sender), and goes to user@toJ.example.net, J growing like the square root of
 * a number spread evenly, so that to0 is the rarest. Each 10th is held or frozen, each
 * 20th not tried yet. "long": Postfix with long queue ids. Knows nothing of the readers. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { NOON = 1795176000, DOMAINS = 100 };

static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

struct msg {
	long n, came;
	char from[64], to[64];
	int held, fresh;
};

static void
fail(const char *path)
{
	fprintf(stderr, "genqueue: %s: %s\n", path, strerror(errno));
	exit(1);
}

/* Three parts of a path; c 0: two. */
static void
folder(const char *a, const char *b, char c)
{
	char path[512];

	if (snprintf(path, sizeof path, "%s/%s%.*s%.*s", a, b, c != 0, "/", c != 0, &c) < 0 ||
	    (mkdir(path, 0700) != 0 && errno != EEXIST))
		fail(path);
}

static void
file(const char *path, const char *bytes, size_t n, long mtime)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0700);
	struct timespec t[2] = { { mtime, 0 }, { mtime, 0 } };

	if (fd < 0 || write(fd, bytes, n) != (ssize_t)n || futimens(fd, t) != 0 || close(fd) != 0)
		fail(path);
}

static struct msg
message(long i)
{
	struct msg m = { .n = i, .came = NOON - i, .held = i % 10 == 9, .fresh = i % 20 == 5 };
	unsigned x = (unsigned)i * 2654435761u >> 16, j = 0;

	while ((j + 1) * (j + 1) <= x % (DOMAINS * DOMAINS))
		j++;
	if (i % 11 != 3)
		(void)snprintf(m.from, sizeof m.from, "user@from%ld.example.org", i % 7);
	(void)snprintf(m.to, sizeof m.to, "user@to%u.example.net", j);
	return m;
}

/* --- Postfix ------------------------------------------------------------------------------- */

static size_t
record(char *at, char type, const char *data)
{
	size_t n = strlen(data);

	at[0] = type;
	at[1] = (char)n;	/* all are shorter than 128 bytes */
	memcpy(at + 2, data, n);
	return n + 2;
}

static void
postfix_id(char id[32], const struct msg *m, int longer)
{
	static const char digits[] = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
	long t = m->came, us = m->n % 1000000;
	char *p = id + 10;

	if (!longer) {
		(void)snprintf(id, 32, "%05lX%06lX", (m->n * 7919) % 1000000, 0x400000 + m->n);
		return;
	}
	for (int i = 0; i < 4; i++, us /= 52)
		*--p = digits[us % 52];
	for (int i = 0; i < 6; i++, t /= 52)
		*--p = digits[t % 52];
	(void)snprintf(id + 10, 22, "z%lx", 0x10000 + m->n);
}

static void
postfix_message(const char *dir, const struct msg *m, int longer)
{
	char id[32], path[512], b[2048], data[128];
	const char *box = m->held ? "hold" : m->fresh ? "active" : "deferred";
	size_t n = 0;

	postfix_id(id, m, longer);
	(void)snprintf(data, sizeof data, "%15d %15d %15d %15d %15d %15d", 1000 + (int)(m->n % 500), 300,
	    1, 0, 1000, 0);
	n += record(b + n, 'C', data);
	(void)snprintf(data, sizeof data, "%ld %ld", m->came, m->n % 1000000);
	n += record(b + n, 'T', data);
	n += record(b + n, 'A', "log_client_address=192.0.2.1");
	n += record(b + n, 'S', m->from);
	n += record(b + n, 'O', m->to);
	n += record(b + n, 'R', m->to);
	n += record(b + n, 'M', "");
	for (int i = 0; i < 12; i++)
		n += record(b + n, 'N', "a line of the content, as long as lines of mails are mostly");
	n += record(b + n, 'E', "");
	if (m->held || m->fresh)
		(void)snprintf(path, sizeof path, "%s/%s/%s", dir, box, id);
	else
		(void)snprintf(path, sizeof path, "%s/%s/%c/%s", dir, box, id[0], id);
	file(path, b, n, m->came + 4000);
	if (m->held || m->fresh)
		return;
	n = (size_t)snprintf(b, sizeof b, "<%s>: connect to mx.example.net[192.0.2.%ld]:25: Connection "
	    "%s\nrecipient=%s\noffset=400\nstatus=4.4.1\naction=delayed\nreason=connect to "
	    "mx.example.net[192.0.2.%ld]:25: Connection %s\n\n", m->to, m->n % 9,
	    m->n % 3 == 0 ? "timed out" : "refused", m->to, m->n % 9,
	    m->n % 3 == 0 ? "timed out" : "refused");
	(void)snprintf(path, sizeof path, "%s/defer/%c/%s", dir, id[0], id);
	file(path, b, n, m->came);
}

static void
postfix(const char *dir, long count, int longer)
{
	static const char *const boxes[] = {
		"maildrop", "incoming", "active", "deferred", "hold", "corrupt", "defer", "bounce"
	};
	static const char hashes[] = "0123456789ABCDEFGHJKLMNPQRSTVWXYZ";

	for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++) {
		folder(dir, boxes[i], 0);
		for (const char *h = hashes; (i == 3 || i == 6) && *h != '\0'; h++)
			folder(dir, boxes[i], *h);
	}
	for (long i = 0; i < count; i++) {
		struct msg m = message(i);

		postfix_message(dir, &m, longer);
	}
}

/* --- Exim ---------------------------------------------------------------------------------- */

static void
exim_message(const char *dir, const struct msg *m)
{
	char id[32], path[512], b[2048], stamp[8];
	long t = m->came;
	int n;

	for (int i = 5; i >= 0; i--, t /= 62)
		stamp[i] = base62[t % 62];
	stamp[6] = '\0';
	(void)snprintf(id, sizeof id, "%s-%06ld-%02ld", stamp, m->n % 1000000, m->n % 100);
	n = snprintf(b, sizeof b, "%s-H\nDebian-exim 61101 61101\n<%s>\n%ld 0\n-received_time_usec .%06ld\n"
	    "-helo_name mail.example.org\n%s%sXX\n1\n%s\n\n037  Subject: a message of the test\n", id, m->from,
	    m->came, m->n, m->fresh ? "-deliver_firsttime\n" : "", m->held ? "-frozen 1795176000\n" : "",
	    m->to);
	(void)snprintf(path, sizeof path, "%s/input/%c/%s-H", dir, id[5], id);
	file(path, b, (size_t)n, m->came);
	n = snprintf(b, sizeof b, "%s-D\n%500s\n", id, "content");
	(void)snprintf(path, sizeof path, "%s/input/%c/%s-D", dir, id[5], id);
	file(path, b, (size_t)n, m->came);
}

static void
exim(const char *dir, long count)
{
	folder(dir, "input", 0);
	for (const char *c = base62; *c != '\0'; c++)
		folder(dir, "input", *c);
	for (long i = 0; i < count; i++) {
		struct msg m = message(i);

		exim_message(dir, &m);
	}
}

/* --- the others ------------------------------------------------------------------------------ */

static void
sendmail(const char *dir, long count)
{
	char path[512], b[1024];

	for (long i = 0; i < count; i++) {
		struct msg m = message(i);
		time_t t = m.came;
		struct tm tm;
		int n;

		gmtime_r(&t, &tm);
		(void)snprintf(path, sizeof path, "%s/%cf%c%c%c%c%c%c%02ld%06ld", dir, m.held ? 'h' : 'q',
		    base62[tm.tm_year % 60], base62[tm.tm_mon], base62[tm.tm_mday], base62[tm.tm_hour],
		    base62[tm.tm_min], base62[tm.tm_sec], m.n % 100, m.n);
		n = snprintf(b, sizeof b, "V8\nT%ld\nK%ld\nN%d\nP30247\n%sFbs\n$_localhost [127.0.0.1]\nS<%s>\n"
		    "rRFC822; %s\nRPFD:<%s>\nH??Subject: a message of the test\n.\n", m.came,
		    m.fresh ? 0 : m.came, m.fresh ? 0 : 3, m.fresh ? "" :
		    "MDeferred: Connection refused by mx.example.net.\n", m.from, m.to, m.to);
		file(path, b, (size_t)n, m.came);
		memcpy(strrchr(path, '/') + 1, "df", 2);
		file(path, "content\n", 8, m.came);
	}
}

static void
qmail(const char *dir, long count)
{
	static const char *const split[] = { "mess", "info", "local", "remote" };
	char path[512], b[256];

	folder(dir, "todo", 0);
	for (size_t s = 0; s < 4; s++) {
		folder(dir, split[s], 0);
		for (int i = 0; i < 23; i++) {
			(void)snprintf(b, sizeof b, "%s/%d", split[s], i);
			folder(dir, b, 0);
		}
	}
	for (long i = 0; i < count; i++) {
		struct msg m = message(i);
		long id = 1000000 + i;
		int n = snprintf(b, sizeof b, "F%s%cT%s%c", m.from, 0, m.to, 0);
		char *rcpt = b + strlen(b) + 1;

		(void)snprintf(path, sizeof path, "%s/mess/%ld/%ld", dir, id % 23, id);
		file(path, "content\n", 8, m.came);
		if (m.fresh) {
			(void)snprintf(path, sizeof path, "%s/todo/%ld", dir, id);
			file(path, b, (size_t)n, m.came);
			continue;
		}
		(void)snprintf(path, sizeof path, "%s/info/%ld/%ld", dir, id % 23, id);
		file(path, b, (size_t)(rcpt - b), m.came);
		(void)snprintf(path, sizeof path, "%s/remote/%ld/%ld", dir, id % 23, id);
		file(path, rcpt, (size_t)n - (size_t)(rcpt - b), m.came);
	}
}

static void
opensmtpd(const char *dir, long count)
{
	char path[512], b[1024];

	folder(dir, "queue", 0);
	folder(dir, "incoming", 0);
	folder(dir, "corrupt", 0);
	for (int i = 0; i < 256; i++) {
		(void)snprintf(path, sizeof path, "queue/%02x", i);
		folder(dir, path, 0);
	}
	for (long i = 0; i < count; i++) {
		struct msg m = message(i);
		unsigned id = (unsigned)i * 2654435761u;
		int n = snprintf(path, sizeof path, "%s/queue/%02x/%08x", dir, id >> 24, id);

		if (mkdir(path, 0700) != 0)
			fail(path);
		(void)snprintf(path + n, sizeof path - (size_t)n, "/message");
		file(path, "content\n", 8, m.came);
		(void)snprintf(path + n, sizeof path - (size_t)n, "/%08x%08lx", id, i);
		n = snprintf(b, sizeof b, "version: 3\ndispatcher: out\ntype: mta\nsmtpname: mx1.example.org\n"
		    "%ssender: %s\nrcpt: %s\ndest: %s\nctime: %ld\nlast-try: 0\nttl: 0\nretry: %d\n%s",
		    m.fresh ? "" : "errorline: Network error on destination MXs\n", m.from[0] != '\0' ?
		    m.from : "@", m.to, m.to, m.came, m.fresh ? 0 : 2, m.held ? "flags: suspend\n" : "");
		file(path, b, (size_t)n, m.came);
	}
}

int
main(int argc, char **argv)
{
	static const char *const names[] = { "postfix", "exim", "sendmail", "qmail", "opensmtpd" };
	void (*const make[])(const char *, long) = { NULL, exim, sendmail, qmail, opensmtpd };
	long n = argc >= 4 ? strtol(argv[3], NULL, 10) : -1;

	if (n < 0) {
		fprintf(stderr, "usage: genqueue postfix|exim|sendmail|qmail|opensmtpd DIR N [long]\n");
		return 2;
	}
	if (mkdir(argv[2], 0700) != 0 && errno != EEXIST)
		fail(argv[2]);
	if (strcmp(argv[1], names[0]) == 0) {
		postfix(argv[2], n, argc > 4);
		return 0;
	}
	for (size_t i = 1; i < 5; i++) {
		if (strcmp(argv[1], names[i]) == 0) {
			make[i](argv[2], n);
			return 0;
		}
	}
	fprintf(stderr, "genqueue: no MTA %s\n", argv[1]);
	return 2;
}
