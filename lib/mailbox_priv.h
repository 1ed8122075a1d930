/* mailbox_priv.h - between mailbox.c and the kinds of mailboxes; nobody else's. */
#ifndef MX_MAILBOX_PRIV_H
#define MX_MAILBOX_PRIV_H

#include "mailbox.h"

struct mailbox_kind {
	const char *name;
	bool folders;		/* has more than one */
	const char *const *junk;	/* what they may be called; NULL ends them */
	double pause_s, longest_s;	/* between looks: the first, and after many */
	bool (*look)(struct mailbox *m, struct err *e);
	void (*close)(struct mailbox *m);
};
extern const struct mailbox_kind mailbox_imap, mailbox_pop3, mailbox_maildir;

/* Is this the header of a probe of ours? Then it is told. arrived as in struct mailbox_found. */
bool mailbox_judge(struct mailbox *m, const struct mailbox_folder *f, struct slice head,
    double arrived);
/* A probe stays where it is. */
void mailbox_stuck(struct mailbox *m, const char *folder, const char *why);

#endif
