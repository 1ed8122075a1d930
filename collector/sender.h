/* sender.h - those who send us lines over the network: each a source of its own.
 *
 * A sender is an address at a listener, "tcp/5514 192.0.2.7", with a row in the state and a
 * feed (zone, year, "last message repeated"). At most SENDERS_MAX are told apart, because an
 * address in a UDP packet is anybody's choice; those beyond share one name a listener. */
#ifndef MX_SENDER_H
#define MX_SENDER_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "ingest.h"
#include "input/repeat.h"
#include "store/config.h"

enum { SENDERS_MAX = 1024, SENDER_NAME_MAX = 200 };

struct senders;
struct sender;

/* in must outlive it. Nothing that was taken is committed by closing. */
struct senders *senders_open(struct ingest *in);
void senders_close(struct senders *all);

/* The sender "LISTENER ADDRESS", whose lines are of the configured source c: its zone, and
 * its host for lines that name none, else the address. It lives as long as all. */
struct sender *sender_of(struct senders *all, const char *listener, const char *address,
    const struct config_source *c);

/* Take a line in, which may have any bytes: line feeds and NULs are escaped as rsyslog
 * does (#012). False as ingest_line(). */
bool sender_line(struct sender *s, struct slice raw, bool cut, struct err *e);

/* A session over a connection: the same, but for what is sent again (repeat.h), and the
 * lines are remembered for the next session. */
void sender_begins(struct sender *s, struct repeat *again, uint64_t session);
bool sender_takes(struct sender *s, struct repeat *again, struct slice raw, bool cut,
    struct err *e);
/* What was held back was new. */
bool sender_decides(struct sender *s, struct repeat *again, struct err *e);
/* It hung up in due form; or said that it knows all its lines to be safe: nothing will be sent
 * again. */
void sender_ends(struct sender *s, const struct repeat *again);
void sender_is_done(struct sender *s, const struct repeat *again);

/* Put what is to be remembered into the state's sources, before a commit; feeds that
 * were idle for an hour are closed. */
void senders_remember(struct senders *all, int64_t now);

#endif
