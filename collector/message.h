/* message.h - what mxgauged and "mxgauge passive" say, to stderr or to syslog, and how often.
 *
 * Every message is a row of message.def. A fault that goes on is said at growing
 * intervals, and once more when it is over. */
#ifndef MX_MESSAGE_H
#define MX_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

enum message {
#define MESSAGE(name, severity, sentence, help) MSG_##name,
#include "message.def"
#undef MESSAGE
	MESSAGE_N
};

/* Where messages go and which: severity is one of the words of log_level in
 * setting.def. On stderr each line begins with "<N>" if prefixed is true, as
 * the journal wants it. */
void message_open(bool to_syslog, bool prefixed, const char *severity);

/* Who says it, if it is not mxgauged. Before message_open(). */
void message_program(const char *name);

/* Another severity, after a reload. */
void message_level(const char *severity);

/* Say it, with what is particular to the case behind it. Control bytes are cleaned. */
void message(enum message id, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Say each line of text. */
void message_lines(enum message id, struct slice text);

/* A fault that may go on. Starts with zeros but for id, and for of, where several may have it. */
struct fault {
	enum message id;
	const char *of;		/* whose it is, for the word that it is over; NULL: there is one alone */
	int64_t since;		/* 0: all is well */
	int64_t say_at;		/* not before */
	uint64_t times;
};

/* It happened, now: said at once, then after 1, 5, 15, 60, 60 ... minutes. */
void fault_met(struct fault *f, int64_t now, const char *detail);
/* It worked: said once, if there was a fault. */
void fault_over(struct fault *f, int64_t now);

/* What strangers do wrong: each of them and each reason is a fault of its own, so that one does
 * not hide the next; but at most FAULTS_APART of an hour are told apart, the others are one.
 * Starts with zeros but for id. detail says who, and why. */
enum { FAULTS_APART = 32 };
struct faults {
	enum message id;
	struct {
		char detail[200];
		struct fault fault;
		int64_t last;
	} of[FAULTS_APART];
	struct fault others;
};

void faults_met(struct faults *f, int64_t now, const char *detail);

/* Append docs/messages.md. */
void message_manual(struct buf *out);

#endif
