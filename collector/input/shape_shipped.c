/* shape_shipped.c - records of programs that carry logs about, one JSON object a line: rsyslog's and syslog-ng's
 * JSON templates, Fluentd, Fluent Bit, Vector, Logstash, Filebeat, GELF, exports of Elasticsearch and Splunk.
 *
 *	{"timestamp":"2026-11-18T12:30:00Z","host":"mx1","appname":"postfix/smtpd","procid":12,"message":"TEXT"}
 *	{"@timestamp":"2026-11-18T12:30:01Z","message":"Nov 18 12:30:00 mx1 postfix/smtpd[12]: TEXT"}
 *	{"ts":1795005000.123,"pid":12,"id":"ab12cd","module":"task","function":"x","message":"TEXT"}	rspamd
 *
 * A record that names the program is put together as its line would look; in any other the message is a line of
 * some shape, and the record's time and host are those of a line that has none. What has no message is no line. */
#include "input/shape.h"

#include "poison.h"

static const struct {
	const char *name;
	enum field field;
	bool better;
} names[] = {
	{ "@timestamp", F_WHEN, false }, { "timestamp", F_WHEN, false }, { "timereported", F_WHEN, true },
	{ "ISODATE", F_WHEN, true }, { "R_ISODATE", F_WHEN, false }, { "DATE", F_WHEN, false },
	{ "date", F_WHEN, false }, { "_time", F_WHEN, false }, { "ts", F_WHEN, false },
	{ "host", F_HOST, false }, { "hostname", F_HOST, false }, { "HOST", F_HOST, false },
	{ "host.name", F_HOST, false }, { "host.hostname", F_HOST, false },
	{ "logsource", F_HOST, false }, { "syslog_hostname", F_HOST, true },	/* Logstash */
	{ "log.syslog.hostname", F_HOST, true },
	{ "ident", F_TAG, false }, { "program", F_TAG, false }, { "programname", F_TAG, false },
	{ "PROGRAM", F_TAG, false }, { "appname", F_TAG, false }, { "app-name", F_TAG, false },
	{ "app_name", F_TAG, false }, { "application_name", F_TAG, false },
	{ "_application_name", F_TAG, false }, { "process.name", F_TAG, false },
	{ "application", F_TAG, false }, { "syslog_program", F_TAG, true },
	{ "log.syslog.appname", F_TAG, true },
	{ "syslogtag", F_TAG, true },	/* rsyslog's programname ends at the slash of "postfix/smtpd" */
	{ "syslog-tag", F_TAG, true }, { "syslog_tag", F_TAG, true }, { "tag", F_TAG, true },
	{ "pid", F_PID, false }, { "procid", F_PID, false }, { "PID", F_PID, false },
	{ "process_id", F_PID, false }, { "_process_id", F_PID, false }, { "process.pid", F_PID, false },
	{ "syslog_pid", F_PID, false }, { "log.syslog.procid", F_PID, false },
	{ "message", F_MESSAGE, false }, { "msg", F_MESSAGE, false }, { "short_message", F_MESSAGE, false },
	{ "syslog_message", F_MESSAGE, true }, { "line", F_MESSAGE, false }, { "_raw", F_MESSAGE, false }, { "textPayload", F_MESSAGE, false },
};

enum field
field_shipped(struct slice name, bool *better)
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (slice_eq(name, slice_of(names[i].name))) {
			*better = names[i].better;
			return names[i].field;
		}
	return FIELDS;
}

/* "1795005000.123456", or as milliseconds, microseconds, nanoseconds */
static bool
take_epoch(struct slice s, int64_t *time, uint32_t *usec)
{
	static const uint64_t latest = 7258118400;	/* year 2200: later ones are rubbish */
	uint64_t v, fraction = 0;
	size_t n = s.n, digits;

	if (!slice_u64(&s, &v))
		return false;
	*usec = 0;
	digits = n - s.n;
	if (digits > 10 && digits != 13 && digits != 16 && digits != 19)
		return false;
	for (; digits > 10; digits--) {
		*usec = (uint32_t)(v % 10) * 100000 + *usec / 10;
		v /= 10;
	}
	if (slice_eat_char(&s, '.')) {
		n = s.n;
		if (!slice_u64(&s, &fraction) || n > 9)
			return false;
		for (; n < 6; n++)
			fraction *= 10;
		for (; n > 6; n--)
			fraction /= 10;
		*usec = (uint32_t)fraction;
	}
	*time = (int64_t)v;
	return s.n == 0 && digits >= 9 && v < latest;
}

/* The time of a record; s has a blank at its end, as a stamp has. */
static bool
take_when(struct header *h, struct slice s, int64_t *time, uint32_t *usec)
{
	struct civil_stamp c;

	*usec = 0;
	if (stamp_take(&h->stamps, &s, time, usec))
		return s.n == 0;
	if (take_epoch(slice_head(s, s.n - 1), time, usec)) {
		stamp_remember(&h->stamps, *time);
		return true;
	}
	if (!stamp_civil(&s, '-', ' ', &c))
		return false;
	if (s.n > 1)
		(void)slice_eat_char(&s, ' ');
	*usec = c.usec;
	*time = stamp_zoned(&h->stamps, &s, c.civil);
	return s.n <= 1;
}

static bool
when_of(struct header *h, struct slice when, struct noted *n)
{
	char copy[48];
	struct slice own = field_value(h, F_WHEN);

	if (own.n > 0) {
		own.n++;	/* the blank that is behind it */
		return take_when(h, own, &n->time, &n->usec);
	}
	if (when.n == 0 || when.n >= sizeof copy)
		return false;
	memcpy(copy, when.p, when.n);
	copy[when.n] = ' ';
	return take_when(h, (struct slice){ copy, when.n + 1 }, &n->time, &n->usec);
}

static bool
is_number(struct slice s)
{
	uint64_t v;

	return slice_u64(&s, &v) && s.n == 0;
}

/* What the record says of the program, "tag[pid]:" or parts of it. False if that is nothing. */
static bool
program_of(const struct header *h, struct slice *tag, struct slice *pid)
{
	size_t n;

	*tag = h->fields.in[F_TAG].there ? field_value(h, F_TAG) : SLICE("");
	*pid = field_value(h, h->fields.in[F_SYSLOG_PID].there ? F_SYSLOG_PID : F_PID);
	if (tag->n > 0 && tag->p[tag->n - 1] == ':')
		tag->n--;
	n = slice_until(*tag, '[', '[');
	if (n + 2 < tag->n && tag->p[tag->n - 1] == ']') {
		*pid = (struct slice){ tag->p + n + 1, tag->n - n - 2 };
		tag->n = n;
	}
	if (!is_number(*pid))
		pid->n = 0;
	if (tag->n > 0 && memchr(tag->p, ' ', tag->n) != NULL)
		tag->n = 0;
	return tag->n > 0;
}

/* rspamd's own log, if told to be JSON: as it looks otherwise. */
static struct slice
rspamd_text(struct header *h, struct slice message)
{
	struct buf *b = &h->fields.text;
	size_t from = b->n;

	buf_char(b, '<');
	buf_add(b, field_value(h, F_ID));
	buf_str(b, ">; ");
	buf_add(b, field_value(h, F_MODULE));
	buf_str(b, "; ");
	buf_add(b, field_value(h, F_FUNCTION));
	buf_str(b, ": ");
	buf_add(b, message);
	return slice_from(buf_slice(b), from);
}

enum header_answer
shape_shipped(struct header *h, struct slice when, struct line *out)
{
	struct slice tag, pid;
	struct noted n = { .text = field_value(h, h->fields.in[F_MESSAGE].there ? F_MESSAGE : F_LOG),
		.host = h->fields.in[F_HOST].n > 0 ? field_value(h, F_HOST) : h->host, .end = true };
	bool timed = when_of(h, when, &n);

	if (slice_ends(n.text, SLICE("\n")))
		n.text.n--;
	if (n.text.n == 0)
		return HEADER_NONE;
	if (!timed)
		return header_plain(h, n.text, out);
	if (!program_of(h, &tag, &pid) && h->fields.in[F_FUNCTION].there && h->fields.in[F_MODULE].there) {
		tag = SLICE("rspamd");
		n.text = rspamd_text(h, n.text);
	}
	if (tag.n == 0 || slice_starts(n.text, tag))	/* the message is a line of some shape */
		return shape_noted(h, &n, out);
	shape_break(h);
	out->time = n.time;
	out->usec = n.usec;
	out->host = n.host;
	(void)slice_eat_char(&n.text, ' ');	/* rsyslog keeps the one after "tag:" */
	return header_put_together(h, tag, pid, n.text, out) ? HEADER_LINE : HEADER_NONE;
}
