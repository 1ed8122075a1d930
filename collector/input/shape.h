/* shape.h - what header.c and the shapes that have files of their own share: the memory of
 * one source. Nobody else includes it. */
#ifndef MX_SHAPE_H
#define MX_SHAPE_H

#include "buf.h"
#include "input/header.h"
#include "input/stamp.h"

enum { SCRATCH_MAX = 128 * 1024 };	/* the longest line, and RFC 5424's fields twice */

/* A host as it stood behind a stamp: most of what may stand there instead of a host is
 * looked for only where it is a new one. */
struct known_host {
	uint64_t word[2];	/* its bytes, zeros behind them; of more than 16 a hash */
	int mark;		/* see struct line */
	uint8_t n;		/* 0: free */
	char text[43];
};

/* They lie in one of four places from where their words say; a new one may drive one out. */
enum { HOST_PLACES = 4, HOSTS_FEW = 16, HOSTS_MANY = 4096 };

/* What is wanted of a journal entry or of docker's wrapper. */
enum field {
	F_TIME, F_HOST, F_TAG, F_COMM, F_SYSLOG_PID, F_PID, F_MESSAGE,	/* the journal's */
	F_LOG, F_STREAM, F_WHEN,					/* docker's */
	FIELDS_KEPT,			/* those before can be in a line that is not whole */
	F_ID = FIELDS_KEPT, F_MODULE, F_FUNCTION,			/* rspamd's */
	FIELDS
};

struct fields {
	struct {
		uint32_t at, n;
		bool there;
	} in[FIELDS];
	struct buf text;	/* their values, one behind the other */
};

/* Where in an entry of `journalctl -o export` the next byte stands. */
enum entry_at { ENTRY_OUT, ENTRY_NAME, ENTRY_LENGTH, ENTRY_DATA, ENTRY_END };

struct header {
	struct stamps stamps;
	struct slice host;	/* of lines that name none */
	struct buf scratch;
	struct slice clean;	/* the next lines lie here, and no '#' does */
	struct known_host *known;	/* HOST_PLACES more than known_places, a power of two */
	unsigned known_places, known_n;
	struct fields fields;
	struct {		/* an entry that is not whole yet */
		enum entry_at at;
		enum field field;	/* that the data are of; FIELDS: nobody's */
		unsigned bytes;		/* of the length, so far */
		uint64_t left;		/* the length, then what is missing */
	} entry;
	struct {		/* Exim's line that the next one may belong to */
		int64_t time;
		uint32_t usec;
		bool open;
	} exim;
	bool forwarded;		/* in a header behind a relay's */
	struct buf inner;	/* what a container printed, as its log daemon's line has it */
	struct buf partial[2];	/* what was cut of a container's: of stdout, of stderr */
};

/* Field by field: zeroing it whole costs more than all of these. */
static inline void
header_clear(struct line *out)
{
	out->usec = out->note = 0;
	out->host_mark = NULL;
	out->host = out->tag = out->text = out->ident = out->behind = (struct slice){ NULL, 0 };
	out->pid = 0;
	out->repeat = 1;
	out->repeat_of_last = out->own = out->goes_on = out->stampless = false;
}

/* header.c: any line but the usual ones. */
enum header_answer header_unusual(struct header *h, struct slice raw, struct line *out);
/* The same, but JSON and the journal's. */
enum header_answer header_plain(struct header *h, struct slice raw, struct line *out);
/* "tag[pid]: text"; with must_tag false if there is no tag with a colon. */
bool header_text(struct header *h, struct slice s, bool must_tag, struct line *out);
/* "host tag[pid]: text", maybe with what some log daemons have before either; false if there is no tag with
 * a colon. */
bool header_rest(struct header *h, struct slice s, struct line *out);
/* The whole line of a log daemon behind another logger's stamp: "mail.info: Nov 18 12:30:00 tag[pid]: text",
 * as socklog has it, or any with a stamp. */
bool header_within_logger(struct header *h, struct slice s, struct line *out);
/* A line whose parts came apart: put together as it would look in a file, since a copy
 * that came another way must be the same line. pid as printed; text escaped. */
bool header_put_together(struct header *h, struct slice tag, struct slice pid, struct slice text,
    struct line *out);

/* header_between.c: "mail.info", "mail:info" and their like, or "2.6": facility and severity? */
bool header_is_priority(struct slice s);
/* Skip them and their blank: BusyBox "mail.info ", AIX "mail:info ", and FreeBSD's, if told to be verbose,
 * "<mail.info> " or "<2.6> ", which it does before the host. */
bool header_skip_priority(struct slice *s);
/* Skip "INFO    " in place of a host, before a tag with a colon. */
bool header_skip_level(struct slice *s);
/* Skip "Message forwarded from mx1: ", as AIX' syslogd and older ones write what they received. */
bool header_skip_forwarded_from(struct slice *s, struct slice *host);
/* Skip the sender's host in "mx1 postfix/smtpd[12]: " behind the relay's, where its header had no stamp, or a
 * severity. Only with a tag like that: else the first word may be any program's. */
bool header_skip_relay(struct slice *s, struct slice *host);
/* The next field of RFC 5424 and its blank; "-" means that there is none. */
bool header_field(struct slice *s, struct slice *out);
/* Skip '-' or any number of [id name="value"]; values may hold ']' as "\]". */
bool header_structured_data(struct slice *s);
/* Take "postfix/smtpd 12 - - ": RFC 5424 behind the host, as NetBSD's syslogd -o syslog writes it. */
bool header_without_priority(struct slice *s, struct slice *tag, struct slice *pid);

/* "0123456789ab", "mail/0123456789ab", "docker/NAME": what docker's syslog and journald drivers make of the tag. */
bool header_is_container(struct slice tag);
/* May a line of some shape stand at the front of s? By few of its bytes. */
static inline bool
header_may_begin(struct slice s)
{
	return s.n > STAMP_BSD_BYTES && (s.p[0] == '<' || (s.p[3] == ' ' && (s.p[6] == ' ' || s.p[7] == ' ')) ||
	    (s.p[4] == '-' && s.p[7] == '-'));
}

/* header_usual.c: what is remembered of a host that stands behind a stamp; NULL: it is too long. */
struct known_host *header_know_host(struct header *h, struct slice host);

/* shape_own.c: files that programs write themselves. False: it is none of those. */
bool shape_own(struct header *h, struct slice raw, struct line *out);
/* Lines without a stamp of ours that say all the same whose they are (shape_bare.c). */
bool shape_bare(struct header *h, struct slice raw, struct line *out);
/* Is this, after a stamp, from Dovecot's own file? Fills tag and text. */
bool shape_dovecot(struct header *h, struct slice s, struct line *out);
/* splogger's second stamp at the front of out->text. */
void shape_splogger(struct header *h, struct line *out);
/* The next line cannot belong to this one of Exim's. */
static inline void
shape_break(struct header *h)
{
	h->exim.open = false;
}

/* What a program printed, noted at that time by whoever runs its container or ships its log. */
struct noted {
	int64_t time;
	uint32_t usec;
	bool err;		/* on stderr */
	bool end;		/* with its line end, which text has not */
	struct slice host;	/* of lines that name none */
	struct slice text;
};
/* shape_json.c: the line in n, of any shape; where it has no stamp, when it was noted. */
enum header_answer shape_noted(struct header *h, const struct noted *n, struct line *out);

/* shape_shipped.c: a name that log shippers have for a field of ours, FIELDS if it is none; *better: it counts
 * though another name for it was there. */
enum field field_shipped(struct slice name, bool *better);
/* The line that a record of a log shipper is. when: of those that have no time of their own, may be empty. */
enum header_answer shape_shipped(struct header *h, struct slice when, struct line *out);

/* shape_json.c: a line of a container's as CRI has it. False: it is none. */
bool shape_cri(struct header *h, struct slice raw, struct line *out, enum header_answer *answer);
/* The same: a line that begins with '{'. */
enum header_answer shape_json(struct header *h, struct slice raw, struct line *out);
/* The same behind Fluentd's "TIME\tTAG\t" or Fluent Bit's "TAG: [TIME, ". False: it is none. */
bool shape_fluent(struct header *h, struct slice raw, struct line *out);

/* shape_journal.c: the next line of an entry, maybe its first. While one is open every
 * line is its, and usual() must know no minute. */
enum header_answer shape_export(struct header *h, struct slice raw, struct line *out);
bool shape_export_begins(struct slice raw);
/* The line that the fields of an entry make. */
enum header_answer shape_entry(struct header *h, struct line *out);
/* Which field has this name, FIELDS if it is not wanted; of_entry: with those that the journal alone has. */
enum field field_named(struct slice name);
enum field field_of_entry(struct slice name);
struct slice field_value(const struct header *h, enum field f);
void fields_clear(struct header *h);
/* Values are added to h->fields.text between these two; the first one of a name counts. */
void field_begin(struct header *h, enum field f);
void field_end(struct header *h, enum field f);

#endif
