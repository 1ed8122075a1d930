/* line.h - one log line with its envelope taken off.
 *
 * input/header.c makes it from bytes, dialects read it. All slices point into
 * the reader's buffer (or the header parser's scratch space when escapes were
 * undone) and live until the next line is parsed. */
#ifndef MX_LINE_H
#define MX_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "slice.h"

struct line {
	int64_t time;		/* UTC epoch, whole seconds, of the event */
	uint32_t usec;		/* fraction where the stamp has one */
	int *host_mark;		/* the reader's own to write, until the next line is parsed: the same for the
				 * same text of a host, 0 at first; NULL: nothing is remembered of it */
	struct slice host;	/* as printed (of syslog-ng's "source@host/relay" the host);
				 * the source's own if the line names none, maybe empty */
	struct slice tag;	/* "postfix/submission/smtpd": program with its path, no pid */
	uint32_t note;		/* what the dialect noted of this tag when it saw it before; 0: nothing */
	uint32_t pid;		/* 0 if there is none */
	struct slice text;	/* after "tag[pid]: " and "[ID 1 mail.info] ", escapes undone;
				 * of "message repeated n times: [ x ]" it is x */
	uint32_t repeat;	/* how often the event happened: 1, or that n */
	bool repeat_of_last;	/* "last message repeated n times": no tag, no text */
	bool own;		/* from a file that the program writes itself, without syslog: tag (if
				 * it is none of the line's own), host and maybe pid are guessed */
	bool stampless;		/* its time is when it came, or that of the line before */
	bool goes_on;		/* such a program's: belongs to the line before (Exim's reject log) */
	struct slice ident;	/* tag[pid]: and text as they stand, escapes undone: without
				 * the pid and with host and time the identity of the line */
	struct slice behind;	/* of ident what follows tag and pid; NULL: nobody looked */
};

#endif
