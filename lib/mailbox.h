/* mailbox.h - find the probes of one service in a mailbox, and delete them.
 *
 * By IMAP, POP3 or in a Maildir. A probe is known by its X-Mxgauge-Token: 32 hexadecimal digits,
 * of which the first 16 are the service's sign. Nothing else is touched, and of no
 * message more than the header is read. How far each folder was looked through is
 * remembered in its mark, so that a mailbox with 100,000 messages costs its size only once. */
#ifndef MX_MAILBOX_H
#define MX_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boxlink.h"
#include "err.h"
#include "mailhead.h"
#include "smtp_message.h"

enum {
	MAILBOX_FOLDERS_MAX = 16, MAILBOX_NAME = 200, MAILBOX_MARK = 100,
	MAILBOX_SIGN = 16,		/* digits */
	MAILBOX_AT_ONCE = 200,		/* probes that one look at a folder takes */
	MAILBOX_HEAD_MAX = 1 << 16	/* of a header so much is read */
};

struct mailbox_folder {
	char name[MAILBOX_NAME];	/* "INBOX"; of a Maildir the folder below it, ".Junk" */
	char mark[MAILBOX_MARK];	/* printable, without blanks; the caller's to keep */
	bool junk;
	bool wanted;			/* it is wrong if there is none */
	bool missing;
};

struct mailbox_found {
	char token[SMTP_TOKEN];
	double arrived;			/* seconds since 1970, by the clock over there; NAN: not told */
	const struct mailbox_folder *folder;
	struct mailhead_way way;
};

struct mailbox_kind;

struct mailbox {
	/* set by the caller */
	const struct mailbox_kind *kind;	/* mailbox_kind() */
	struct boxlink_plan link;	/* of a server */
	struct boxlink *(*dial)(const struct boxlink_plan *p, double deadline, bool *ours,
	    struct err *e);		/* boxlink_open, but for tests */
	const char *path;		/* of a Maildir */
	char sign[MAILBOX_SIGN + 1];
	struct mailbox_folder folder[MAILBOX_FOLDERS_MAX];
	size_t folders;
	double deadline;		/* by clock_now() */
	void (*found)(void *arg, const struct mailbox_found *f);	/* may come twice for one */
	void *arg;
	/* told */
	bool ours;			/* a failure is this machine's trouble */
	size_t deleted;
	char undeleted[300];		/* why some could not be; empty: all went */
	/* its own */
	void *state;
	unsigned looks;
};

/* By "imaps://", "imap://", "pop3s://", "pop3://", or else a path. */
const struct mailbox_kind *mailbox_kind(const char *where);
bool mailbox_is_maildir(const struct mailbox_kind *k);
bool mailbox_has_folders(const struct mailbox_kind *k);

/* One more folder to look into, unless it is there or the table is full. */
struct mailbox_folder *mailbox_folder(struct mailbox *m, const char *name, bool junk, bool wanted);
/* And the usual names of junk folders, where there are such. */
void mailbox_usual_junk(struct mailbox *m);

/* Look once through all folders: tell of each probe, and delete it. False and *e: there was no
 * end of it; what was told was there. Another look begins a new connection then. */
bool mailbox_look(struct mailbox *m, struct err *e);
/* How long to wait before the next look, in seconds. */
double mailbox_pause(const struct mailbox *m);
void mailbox_close(struct mailbox *m);

#endif
