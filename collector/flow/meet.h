/* meet.h - what lines have in common besides a queue id: a Message-ID, the number of a delivery,
 * a session, the process that put a mail into the queue.
 *
 * Each has a record in the table of mails, under an id that no mail can have. A line that
 * speaks of it leaves a fact there, and what two facts mean together is told to the mails: the
 * same in the end, in whatever order the lines came. */
#ifndef MX_MEET_H
#define MX_MEET_H

#include <stdbool.h>
#include <stdint.h>

#include "dialect/dialect.h"
#include "flow/mail.h"
#include "flow/track.h"

/* new: a MSGID, a pickup or a delivery by pipe(8) of m. What is picked up while a mail with the
 * same Message-ID is piped out continues that mail. */
void meet_pipe(struct track *t, struct mail *m, const struct fact *new);

/* qmail: "starting delivery 5: msg 12 to remote x" and "delivery 5: success". Numbers begin
 * again with each start of qmail-send. */
void meet_task(struct track *t, unsigned host, int64_t time, const struct event *e);

/* OpenSMTPD: who is in a session, and which mails came in it. */
void meet_session(struct track *t, unsigned host, int64_t time, const struct event *e);

/* qmail: by the process id of qmail-queue, which notification is about which mail, which mail
 * goes on as which when qmail-local forwards it, and whose mail came from which client. */
void meet_queuer(struct track *t, unsigned host, int64_t time, const struct event *e);

/* A verdict that names a Message-ID. Where it names no mail it counts here, unless somebody
 * else's verdict of the same kind names both. */
void meet_verdict(struct track *t, unsigned host, int64_t time, const struct event *e);

/* A rule that the first recipient of a mail met: the mail had no id yet. */
void meet_redirect(struct track *t, unsigned host, int64_t time, const struct event *e);

/* m had several recipients, and all attempts are to one address: did such a rule say so? */
void meet_one_of_several(struct track *t, struct mail *m);

/* The flag of FACT_VERDICT, 0 if it is none. */
unsigned meet_verdict_flag(enum event_kind kind);

#endif
