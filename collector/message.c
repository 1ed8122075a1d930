/* message.c - what mxgauged says. See message.h; the sentences are in message.def. */
#include "message.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "err.h"
#include "logtime.h"

#include "poison.h"

enum { ERROR = LOG_ERR, WARNING = LOG_WARNING, NOTICE = LOG_NOTICE, INFO = LOG_INFO,
	DEBUG = LOG_DEBUG };

static const struct {
	const char *name;
	int severity;
	const char *sentence, *help;
} messages[] = {
#define MESSAGE(name, severity, sentence, help) { #name, severity, sentence, help },
#include "message.def"
#undef MESSAGE
};

static const struct { int severity; const char *word; } severities[] = {
	{ ERROR, "error" }, { WARNING, "warning" }, { NOTICE, "notice" }, { INFO, "info" },
	{ DEBUG, "debug" },
};

enum { SEVERITIES_N = sizeof severities / sizeof *severities };

static struct {
	bool to_syslog, prefixed;
	int severity;
	const char *program;
} out = { .severity = LOG_INFO, .program = "mxgauged" };

void
message_program(const char *name)
{
	out.program = name;
}

void
message_level(const char *severity)
{
	for (size_t i = 0; i < SEVERITIES_N; i++) {
		if (strcmp(severities[i].word, severity) == 0)
			out.severity = severities[i].severity;
	}
}

void
message_open(bool to_syslog, bool prefixed, const char *severity)
{
	out.to_syslog = to_syslog;
	out.prefixed = prefixed;
	message_level(severity);
	/* never the mail facility: we would read ourselves */
	if (to_syslog)
		openlog(out.program, LOG_PID, LOG_DAEMON);
}

void
message(enum message id, const char *fmt, ...)
{
	int severity = messages[id].severity;
	char text[1024];
	struct buf line = buf_new(2048);
	va_list ap;

	if (severity > out.severity)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	buf_str(&line, messages[id].sentence);
	if (text[0] != '\0') {
		buf_str(&line, ": ");
		buf_clean(&line, slice_of(text), 1000);
	}
	if (out.to_syslog)
		syslog(severity, "%s", line.p);
	else if (out.prefixed)
		fprintf(stderr, "<%d>%s\n", severity, line.p);
	else
		fprintf(stderr, "%s: %s\n", out.program, line.p);
	buf_free(&line);
}

void
message_lines(enum message id, struct slice text)
{
	struct slice line;

	while (slice_cut(&text, '\n', &line))
		message(id, "%.*s", (int)line.n, line.p);
}

/* A clock that was set back: it lasts since then, and is told again no later than it would have been. */
static void
set_back(struct fault *f, int64_t now)
{
	if (f->since <= now)
		return;
	f->say_at -= f->since - now;
	f->since = now;
}

void
fault_met(struct fault *f, int64_t now, const char *detail)
{
	static const int wait_min[] = { 1, 4, 10, 45 };
	int64_t age_min;
	size_t i = 0;

	f->times++;
	set_back(f, now);
	if (f->since == 0) {
		f->since = now;
		message(f->id, "%s", detail);
	} else if (now >= f->say_at) {
		message(f->id, "%s (%" PRIu64 " times in %" PRId64 " min)", detail, f->times,
		    (now - f->since) / 60);
	} else {
		return;
	}
	/* at 1, 5, 15 and 60 minutes, and then each hour */
	for (age_min = (now - f->since) / 60; i < 4 && age_min >= wait_min[i]; i++)
		age_min -= wait_min[i];
	f->say_at = now + 60 * (i < 4 ? wait_min[i] : 60);
}

void
fault_over(struct fault *f, int64_t now)
{
	if (f->since == 0)
		return;
	set_back(f, now);
	message(MSG_over, "\"%s\" after %" PRId64 " s%s%s", messages[f->id].sentence, now - f->since,
	    f->of != NULL ? ": " : "", f->of != NULL ? f->of : "");
	f->since = f->say_at = 0;
	f->times = 0;
}

void
faults_met(struct faults *f, int64_t now, const char *detail)
{
	char key[sizeof f->of[0].detail];
	size_t i, old = FAULTS_APART;

	snprintf(key, sizeof key, "%s", detail);
	for (i = 0; i < FAULTS_APART && strcmp(f->of[i].detail, key) != 0; i++)
		if (old == FAULTS_APART && (f->of[i].last == 0 || now - f->of[i].last > HOUR_S))
			old = i;
	if (i == FAULTS_APART && (i = old) == FAULTS_APART) {
		f->others.id = f->id;
		fault_met(&f->others, now, detail);
		return;
	}
	if (strcmp(f->of[i].detail, key) != 0) {
		memcpy(f->of[i].detail, key, sizeof key);
		f->of[i].fault = (struct fault){ .id = f->id };
	}
	f->of[i].last = now;
	fault_met(&f->of[i].fault, now, detail);
}

void
message_manual(struct buf *b)
{
	buf_str(b, "# What mxgauged says\n"
	    "\n"
	    "<!-- made by `mxgauged --messages` from collector/message.def -->\n"
	    "\n"
	    "Messages go to stderr in the foreground and else to syslog, facility daemon\n"
	    "(`log_to`, `log_level`). Each begins with the sentence given here; what is\n"
	    "particular to the case follows behind a colon. A fault that goes on is said at\n"
	    "once, after 1, 5, 15 and 60 minutes and then each hour, and once more when it is\n"
	    "over.\n");
	for (size_t s = 0; s < SEVERITIES_N; s++) {
		buf_fmt(b, "\n## %s\n\n", severities[s].word);
		for (size_t i = 0; i < MESSAGE_N; i++) {
			if (messages[i].severity == severities[s].severity)
				buf_fmt(b, "- **%s**: %s\n", messages[i].sentence, messages[i].help);
		}
	}
}
