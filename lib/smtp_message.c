/* smtp_message.c - the message of a probe. See smtp_message.h.
 *
 * RFC 3834's Auto-Submitted keeps vacation robots silent; Precedence does so with the old
 * ones. The two test patterns are made of parts, so that a scanner finds no virus in us. */
#include "smtp_message.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "hash.h"

#include "poison.h"

/* The test file of EICAR, and GTUBE of SpamAssassin, both without their ends. */
static const char *const eicar[] = { "X5O!P%@AP[4\\PZX54(P^)7CC)7}$", "EICAR-STANDARD-",
	"ANTIVIRUS-TEST-FILE!$H+H*" };
static const char *const gtube[] = { "XJS*C4JDBQADN1.NSBN3*2IDNEN*", "GTUBE-STANDARD-ANTI-",
	"UBE-TEST-EMAIL*C.34X" };

/* 32 hexadecimal digits that nobody can foresee. */
static void
make_token(char token[SMTP_TOKEN])
{
	struct hash_key k = hash_key_random();

	(void)snprintf(token, SMTP_TOKEN, "%016" PRIx64 "%016" PRIx64, k.k[0], k.k[1]);
}

static void
head(struct buf *b, const struct smtp_message *m, const char *token, int64_t now)
{
	time_t t = (time_t)now;
	struct tm tm;
	char date[64];

	gmtime_r(&t, &tm);
	(void)strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &tm);
	buf_fmt(b, "Date: %s\r\nFrom: mxgauge <%s>\r\nTo: <%s>\r\n", date,
	    m->from[0] != '\0' ? m->from : m->to, m->to);
	buf_fmt(b, "Subject: %s %s\r\nMessage-ID: <%s@%s>\r\nX-Mxgauge-Token: %s\r\n",
	    m->subject != NULL ? m->subject : m->eicar ? "mxgauge test of virus filters" :
	    m->gtube ? "mxgauge test of spam filters" : "mxgauge probe", token, token, m->host, token);
	buf_str(b, "Auto-Submitted: auto-generated\r\nPrecedence: bulk\r\nMIME-Version: 1.0\r\n");
}

static void
parts(struct buf *b, const char *const part[3])
{
	for (int i = 0; i < 3; i++)
		buf_str(b, part[i]);
	buf_str(b, "\r\n");
}

static void
body(struct buf *b, const struct smtp_message *m)
{
	static const char line[] = "A line of a probe that measures mail servers, no more.\r\n";

	buf_str(b, "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
	    "This message measures how long mail takes. Nobody needs to read it.\r\n");
	if (m->gtube)
		parts(b, gtube);
	for (size_t n = 0; n < m->padding; n += sizeof line - 1)
		buf_str(b, line);
}

static void
write_plain(struct buf *b, const struct smtp_message *m, const char *token, int64_t now)
{
	head(b, m, token, now);
	if (!m->eicar) {
		body(b, m);
		return;
	}
	buf_fmt(b, "Content-Type: multipart/mixed; boundary=\"%s\"\r\n\r\n--%s\r\n", token, token);
	body(b, m);
	buf_fmt(b, "--%s\r\nContent-Type: application/octet-stream; name=\"eicar.com\"\r\n"
	    "Content-Disposition: attachment; filename=\"eicar.com\"\r\n\r\n", token);
	parts(b, eicar);
	buf_fmt(b, "--%s--\r\n", token);
}

/* A dot more before each line that begins with one, and the end. */
static void
stuff(struct buf *b, struct slice s)
{
	struct slice line;

	while (slice_cut(&s, '\n', &line)) {
		if (line.n > 0 && line.p[0] == '.')
			buf_char(b, '.');
		buf_add(b, line);
		buf_char(b, '\n');
	}
	buf_str(b, ".\r\n");
}

void
smtp_message_write(struct buf *b, const struct smtp_message *m, int64_t now, bool dots)
{
	struct buf plain = buf_new(m->padding + 8192);
	char fresh[SMTP_TOKEN];

	if (m->token == NULL)
		make_token(fresh);
	write_plain(&plain, m, m->token != NULL ? m->token : fresh, now);
	if (dots)
		stuff(b, buf_slice(&plain));
	else
		buf_add(b, buf_slice(&plain));
	buf_free(&plain);
}
