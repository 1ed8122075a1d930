/* queue.h - what lies in an MTA's queue, by its folders alone: the MTA is not asked.
 *
 * Counting reads folders and never a file: one readdir() an entry. Ages come from names where
 * names carry them (Exim, Postfix with long queue ids, Sendmail, maildir); what else is
 * wanted (senders, recipients' domains, sizes, frozen) stands in the files, and is read from
 * all of them or from an even sample, within a time. Nothing is ever written, links are not
 * followed, a file that went away while we looked is none. Names and contents are strangers'.
 *
 *	struct queue q;
 *	queue_init(&q, queue_mta("postfix"), now);
 *	queue_walk(&q, "/var/spool/postfix", &e);	may be called for several spools
 *	queue_look(&q, 5000, 3.0);
 *	queue_free(&q);
 */
#ifndef MX_QUEUE_H
#define MX_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "hist.h"
#include "metric.h"
#include "queue_table.h"
#include "slice.h"

enum queue_box {
	QUEUE_INCOMING,		/* accepted, not tried yet */
	QUEUE_ACTIVE,		/* Postfix: in the queue manager's hands */
	QUEUE_DEFERRED,		/* to be tried again */
	QUEUE_HOLD,		/* held by an administrator, a rule or a filter */
	QUEUE_MAILDROP,		/* Postfix: submitted locally, pickup has not seen it */
	QUEUE_CORRUPT,		/* damaged, set aside */
	QUEUE_BOXES
};

/* "incoming", "active" ... as measurements are called; and the metric of each. */
extern const char *const queue_box_name[QUEUE_BOXES];
extern const enum metric queue_gauge[QUEUE_BOXES];

enum { QUEUE_DOMAINS_MAX = 32 };

/* What a file says. Slices point into the bytes that were read. */
struct queue_mail {
	int64_t arrived;	/* epoch; 0: not said */
	int64_t size;		/* of the message, bytes; -1: not said */
	enum queue_box box;	/* in which it is; the reader may know better than its folder */
	bool frozen;		/* Exim: not tried again by itself */
	bool any_sender;	/* the sender is known; n 0: the null sender of a notification */
	struct slice sender;
	struct slice domain[QUEUE_DOMAINS_MAX];	/* of recipients not done, each once */
	unsigned domains;
	struct slice reason;	/* why it waits, if the same file says so; else empty */
};

/* An address's domain is added; "" stands for one without. */
void queue_mail_rcpt(struct queue_mail *m, struct slice address);

struct queue;
struct queue_look;
struct queue_listing;

/* A reader of an MTA's spool: the places to be found are in queue_NAME.c. */
struct queue_mta {
	const char *name, *title;	/* as --mta has it; as people call it */
	const char *const *spools;	/* where packages put it; ends with NULL */
	const char *const *signs;	/* files that only a machine with this MTA has; likewise */
	const char *const *ask;		/* the command that lists the queue, and its arguments */
	const char *right;		/* how somebody else than root may read it */
	bool boxed;			/* its folders tell the box; else the files do */
	/* Tell queue_found() of all. False and *e if a folder of it cannot be read. */
	bool (*walk)(struct queue *q, const char *spool, struct err *e);
	/* Read that file. False: it is gone, or is none. */
	bool (*look)(struct queue_look *l, const char *name, struct queue_mail *m);
	/* A line of the command's answer: tell queue_told() when a message is complete. */
	void (*listed)(struct queue *q, struct slice line, struct queue_listing *l);
};

/* NULL if there is none of that name; and all of them, ended by NULL. */
const struct queue_mta *queue_mta(const char *name);
extern const struct queue_mta *const queue_mtas[];

struct queue_ages {
	struct hist hist;	/* of seconds, in the unit that hist.h calls milliseconds */
	int64_t n;
	int64_t oldest;		/* arrival; 0: none */
};

/* A name that may be looked at. */
struct queue_name {
	uint32_t at;		/* in names */
	uint16_t dir;
	uint8_t box;
};

struct queue {
	const struct queue_mta *mta;
	int64_t now;
	/* counted, exact */
	int64_t n[QUEUE_BOXES];
	int64_t foreign;	/* entries that are no message */
	/* by the names where all have it in them (ages_of_all), else of those that were looked at; by
	 * box it is the names' only where the folders tell the box */
	struct queue_ages all, age[QUEUE_BOXES];
	bool ages_of_all;
	/* looked at */
	int64_t looked, vanished, unreadable;
	int64_t looked_box[QUEUE_BOXES], frozen, null_sender, sized;
	double bytes;
	bool out_of_time;
	struct err trouble;	/* why the first that was unreadable was */
	struct queue_table to, from;	/* messages by recipients' and senders' domain */
	struct queue_table why;		/* by domain, 0 byte, reason */
	int64_t reasons;		/* mails of which a reason was read */
	size_t max_reasons;		/* where they stand in files of their own; 2,000 at first */
	/* names */
	struct queue_name *name;
	size_t names, cap;
	unsigned stride, skip;	/* each stride-th is kept; that many more are passed over */
	char *text;
	size_t text_n, text_cap;
	char **dir;
	size_t dirs;
};

void queue_init(struct queue *q, const struct queue_mta *mta, int64_t now);
void queue_free(struct queue *q);

/* Count one spool. Without a right or a folder: false and a sentence; what was counted
 * before it stays, so the whole is not to be believed. */
bool queue_walk(struct queue *q, const char *spool, struct err *e);

/* Read at most max of the files, at most for seconds: evenly, so that whenever it ends what was
 * read is a sample of the whole. max 0: all. */
void queue_look(struct queue *q, size_t max, double seconds);

/* For who may not read the folders: ask the MTA's own command (mta->ask[0], or where that is
 * here), of Postfix for the instance whose main.cf is in conf (NULL: the usual one). Adds to q, in
 * which nothing was walked. Slow, since it reads every file. False and what it said if it fails: that
 * is never an empty queue. */
bool queue_ask(struct queue *q, const char *command, const char *conf, struct err *e);

/* All that was counted. */
int64_t queue_total(const struct queue *q);

/* Was only a part looked at? */
bool queue_sampled(const struct queue *q);

/* How many of all a number of those looked at stands for, and how far it may be off (95 of 100
 * samples are nearer). Exact, and *off 0, where all were looked at. */
double queue_scaled(const struct queue *q, int64_t n, double *off);

/* Messages in a box: by the folders, else by what the files that were looked at say. */
double queue_in_box(const struct queue *q, enum queue_box box);
/* The arrival of the oldest, 0 if there is none or it is not known; *in: its box. Not of frozen and held
 * ones: those wait for a person. */
int64_t queue_oldest(const struct queue *q, enum queue_box *in);
/* Is that of all, and not only of a sample? And is any age known? */
bool queue_oldest_known(const struct queue *q);
bool queue_age_known(const struct queue *q);
/* Seconds since it arrived; 0 for 0. */
double queue_age(const struct queue *q, int64_t arrived);
/* The size of all messages, by those that were looked at. NAN: not known. */
double queue_bytes(const struct queue *q);

/* --- for readers ---------------------------------------------------------------------- */

/* A folder below which messages lie: its number for queue_found(). */
uint16_t queue_dir(struct queue *q, const char *path);

/* dir/name. False and *e if that is too long for anybody. */
enum { QUEUE_PATH_BYTES = 1024 };
bool queue_path(char path[QUEUE_PATH_BYTES], const char *dir, const char *name, struct err *e);

/* A message. arrived: by its name, else 0. Its file is dir/name. */
void queue_found(struct queue *q, uint16_t dir, enum queue_box box, const char *name,
    int64_t arrived);

/* A message of a listing: counted and looked at. */
void queue_told(struct queue *q, const struct queue_mail *m);

/* A listing being read: the message whose lines are not complete yet. */
struct queue_listing {
	bool open;
	bool ended;		/* what an empty queue says, or the last line, was seen */
	struct queue_mail mail;
	char text[4096];	/* what mail's slices point into */
	size_t text_n;
};
/* A copy that lives until the next message; cut where there is no room. */
struct slice queue_listing_keep(struct queue_listing *l, struct slice s);

/* Each entry of a folder but "." and "..": fn(arg, name, is_dir). Hidden ones too. False and *e if
 * it cannot be read; missing is no fault where may_miss says so. */
typedef bool (*queue_entry)(void *arg, const char *name, bool is_dir, struct err *e);
bool queue_list(const char *path, bool may_miss, queue_entry fn, void *arg, struct err *e);

/* What is read of a file. */
enum { QUEUE_LOOK_BYTES = 8192 };
struct queue_look {
	struct queue *q;
	int dirfd;		/* the folder of the name */
	uint16_t dir;
	bool wants_reason;	/* at most some thousand reasons are read */
	int64_t file_size, mtime;	/* of what queue_read() read last */
	char bytes[QUEUE_LOOK_BYTES];
	char reason[256];	/* for a reason that comes from another file */
};

/* Up to size bytes of folder/name from there on into to. Empty if it is gone, is no plain file
 * or may not be read; the latter is noted in q. */
struct slice queue_read(struct queue_look *l, int dirfd, const char *name, int64_t from, char *to,
    size_t size);

/* Of "name: value" or "name=value" lines: the rest of the first line that begins with head. */
bool queue_line(struct slice bytes, struct slice head, struct slice *value);

/* What mail servers say, without what differs from one mail to the next (addresses of hosts, "in
 * reply to", the DSN in front): so that equal reasons are equal. A part of text. */
struct slice queue_reason(struct slice text);

#endif
