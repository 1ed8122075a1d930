/* mail.h - what is known of one queue id, and what follows from it.
 *
 * A mail is a set of facts, one for each log line that spoke of it, in order of
 * arrival. Its contribution to the counts is a pure function of that set:
 * mail_count() sorts the facts by their own time, tells the lives of a reused id
 * apart, and adds to the tally. To learn something new is: take back what the old
 * facts gave, append, give what all facts give. So the counts cannot depend on
 * the order of the lines. */
#ifndef MX_MAIL_H
#define MX_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "dialect/dialect.h"
#include "flow/tally.h"
#include "slice.h"

enum { MAIL_ID_MAX = 31, MAIL_TEXT_MAX = 254 /* RFC 5321 4.5.3.1.3 */, MAIL_FACTS_MAX = 64 << 20 };

/* An id that begins so is of no mail but of what lines have in common (meet.c); the second
 * letter says of what. */
enum { MAIL_RECORD = '~', MAIL_JUDGED = 'v' };

enum fact_kind {
	FACT_CLIENT = 1,	/* a queue file was opened for a client */
	FACT_PICKUP,		/* or for a local submission */
	FACT_MSGID,
	FACT_QUEUED,
	FACT_DELIVERED,
	FACT_DEFERRED,
	FACT_BOUNCED,
	FACT_EXPIRED,
	FACT_REMOVED,
	FACT_HELD,
	FACT_RELEASED,
	FACT_DISCARDED,
	FACT_REFUSED,		/* cleanup or a milter refused it at its end */
	FACT_PROBE,		/* an address probe: no mail */
	FACT_VERDICT,		/* a filter's: flags say which */
	FACT_NOTIFIED,		/* it made the notification other_id */
	FACT_NEW,		/* its queue file was made */
	FACT_STARTED,		/* delivery number other_id to a began, or without number: it waits for
				 * a queue run; in the record of that number (meet.c) other_id is the mail */
	FACT_ENDED,		/* in the record of a number: that delivery's end, see FACT_END */
	/* bonds with other mails, told by track.c */
	FACT_FROM,		/* it continues other_id */
	FACT_INTO,		/* other_id, which continues it, is really there; nrcpt: its
				 * recipients, where a line of its own said FROM */
	FACT_DSN_OF,		/* it is a notification about other_id */
	FACT_SESSION,		/* who the client is in whose session it came */
	FACT_VOID,		/* the delivery to a at that very time was another mail's */
	/* of no mail but of what two lines have in common, where they meet (meet.c) */
	FACT_PIPED,		/* a Message-ID: pipe(8) delivered other_id */
	FACT_PICKED,		/* a Message-ID: other_id, picked up, has it */
	FACT_JUDGED,		/* a Message-ID: a verdict by queue id; flags as VERDICT */
	FACT_WHO,		/* a session: its client */
	FACT_CAME,		/* a session, a qmail-queue: other_id came by it */
	FACT_BOUNCED_BY,	/* a qmail-queue: it took the notification of other_id */
	FACT_FORWARDED,		/* a qmail-queue: a delivery of other_id went on by it */
	/* bonds with mails of other hosts, told by hops.c; nrcpt: the number of that host */
	FACT_HOP_FROM,		/* a delivery of other_id brought it; one fact each recipient */
	FACT_HOP_INTO		/* the delivery at that very time went on as other_id */
};

enum fact_flags {
	FACT_LOOPBACK = 1,	/* CLIENT: from this machine; deliveries: to it */
	FACT_SASL = 2,		/* CLIENT: authenticated */
	FACT_OUTSIDE = 4,	/* CLIENT: a proxy says that the client behind it is none of ours */
	FACT_REQUEUED = 1,	/* PICKUP: postsuper -r sent it round again */
	FACT_NULL_SENDER = 1,	/* QUEUED: from=<> */
	FACT_OWN_SENDER = 2,	/* QUEUED: double-bounce */
	FACT_TOGETHER = 4,	/* QUEUED: whom no line names when others are tried was the same as they */
	FACT_BY_ADMIN = 1,	/* REMOVED HELD EXPIRED */
	FACT_ALL_DONE = 2,	/* REMOVED: recipients that were not named were the same as others */
	FACT_ABORTED = 4,	/* REMOVED: refused at its end, so it never was received */
	FACT_WHERE = 6,		/* deliveries: enum where << 1, less WHERE_NONE */
	FACT_BY_PIPE = 8,	/* DELIVERED: by pipe(8), which may be a filter; forwarded by qmail */
	FACT_NO_END = 16,	/* QUEUED, deliveries: the mail is gone with its last recipient */
	FACT_OUTWARD = 32,	/* DELIVERED: to an MX host; other_id is its word, no mail of this host */
	FACT_PARTS = 64,	/* deliveries: part[] is known */
	FACT_GIVEN_UP = 128,	/* BOUNCED: since it took too long */
	FACT_IN_FILTER = 128,	/* DELIVERED: by a filter, under its own name of the mail */
	FACT_END = 96,		/* ENDED: kind of delivery, less FACT_DELIVERED, << 5 */
	/* FROM, INTO: what said so, none of them: a line of the mail itself or a filter's */
	FACT_BY_DELIVERY = 1,	/* a delivery, one fact each recipient */
	FACT_BY_MESSAGE_ID = 2,	/* it was picked up while pipe(8) delivered; with BY_DELIVERY:
				 * qmail-local forwarded it */
	FACT_BY_REQUEUE = 4,
	FACT_SPAM = 1, FACT_VIRUS = 2, FACT_BANNED = 4, FACT_HAM = 8,	/* VERDICT */
	FACT_REDIRECTED = 16,	/* VERDICT of a rule: it goes to one other address */
	FACT_REDIRECTED_FIRST = 32	/* the same, said before it had an id: to text */
};

enum { PART_UNKNOWN = 255 };

/* So much of a text is kept: of a reply, enough to see what they meant, and of one to what went well. */
enum { FACT_TEXT_KEEP = 160, FACT_SENT_KEEP = 48 };

/* A fact laid out for reading; slices point into the mail. */
struct fact {
	enum fact_kind kind;
	unsigned flags;
	enum reason cls;
	uint16_t label;		/* of the instance that printed it: hash of its name */
	int64_t time;
	uint32_t usec;		/* where ids are reused within a second: when in it */
	int64_t delay_ms;	/* deliveries, FROM; -1: not known */
	unsigned char part[4];	/* with FACT_PARTS: coarse buckets (hist_part()) of its parts, or PART_UNKNOWN */
	uint64_t size;		/* QUEUED */
	uint32_t nrcpt;
	struct slice other_id;
	/* what is kept for people: by kind
	 * CLIENT: a = name, with OUTSIDE the address of the client behind the proxy, b = address, c = SASL
	 * user; PICKUP, QUEUED: a = sender;
	 * SESSION, WHO: as CLIENT; MSGID: a; STARTED, VOID: a = recipient;
	 * deliveries: a = recipient, b = original one, c = relay, d = DSN, text */
	struct slice a, b, c, d, text;
};

/* A fact of which only kind and time are known. Field by field, and not with an
 * initialiser: gcc clears a struct of this size with "rep stos", and that takes longer
 * than all else that is done with a fact. */
static inline void
fact_init(struct fact *f, enum fact_kind kind, int64_t time)
{
	const struct slice none = { NULL, 0 };

	f->kind = kind;
	f->flags = 0;
	f->cls = REASON_none;
	f->label = 0;
	f->time = time;
	f->usec = 0;
	f->delay_ms = -1;
	f->size = 0;
	f->nrcpt = 0;
	f->other_id = f->a = f->b = f->c = f->d = f->text = none;
}

struct mail {
	uint64_t hash;		/* of host and id, under the state's key */
	int64_t base;		/* times of facts are stored relative to this */
	int64_t first, last;	/* of its facts, log time */
	int64_t asked;		/* track.c: time of the line that FROM was last held against */
	uint64_t touched;	/* track.c: when it was last spoken of */
	uint32_t n, cap;	/* bytes of facts */
	uint32_t counted;	/* bytes of facts that are in the tally already */
	uint32_t logged;	/* track.c: bytes of facts that the store's log has */
	uint16_t host;
	uint16_t label;		/* of its first fact that has one; 0: none yet */
	uint8_t id_n;
	bool real;		/* its own lines were seen, not only bonds */
	bool bound;		/* has FACT_FROM */
	bool piped, picked;	/* has a delivery by pipe(8) or PIPED; PICKUP or PICKED */
	bool hops;		/* has a delivery that says how another machine calls it */
	uint8_t msgids;		/* how many MSGID, 255: or more */
	bool waiting;		/* track.c: nothing of its own fits some FACT_FROM yet, perhaps */
	bool open;		/* track.c: when it was counted last, it was still in the queue */
	bool waits;		/* the store may have a row that says so */
	bool dirty, changed;	/* track.c: since it was counted, since the commit */
	bool away;		/* track.c: it is being put away */
	uint32_t place;		/* track.c: among all mails in order of birth */
	uint32_t into;		/* track.c: hash of the bond that was told last */
	char id[MAIL_ID_MAX];
	bool inside;		/* facts are right behind, MAIL_ROOM bytes (track.c), and not malloc()ed */
	unsigned char *facts;
};

/* Facts of this size are most mails' all. */
enum { MAIL_ROOM = 256 };

/* Going through all mails, have the cache fetch the one that comes after MAILS_AHEAD others:
 * there are more than fit into it. */
enum { MAILS_AHEAD = 6 };

static inline void
mail_fetch(const struct mail *m)
{
	for (size_t i = 0; i < sizeof *m + MAIL_ROOM; i += 64)
		__builtin_prefetch((const char *)m + i);
}

/* Append a fact. False if the mail is full (MAIL_FACTS_MAX). */
bool mail_add(struct mail *m, const struct fact *f);

/* Walk the facts: *at starts at 0. False at the end, or if damaged. */
bool mail_next(const struct mail *m, uint32_t *at, struct fact *f);
/* The same, but go to the next one of that kind. */
bool mail_next_kind(const struct mail *m, enum fact_kind kind, uint32_t *at, struct fact *f);
/* The same as mail_next() in the first upto bytes of facts. */
bool mail_next_of(const struct mail *m, uint32_t upto, uint32_t *at, struct fact *f);

enum {
	BOND_BEFORE_S = 120,	/* the next mail may begin this long before the transmission... */
	BOND_AFTER_S = 300	/* ...or be stamped this long after its end */
};

/* May a mail that began at start be the one that a hand-over speaks of? f: its fact, a
 * delivery or FROM: the next mail begins while the one before is transmitted. */
bool mail_bond_fits(const struct fact *f, int64_t start);

/* All facts of the first upto bytes, laid out: in few, which has room for n_few, or in memory
 * that the caller frees if *facts is not few. Returns how many there are. */
uint32_t mail_facts(const struct mail *m, uint32_t upto, struct fact *few, uint32_t n_few,
    struct fact **facts);

static inline bool
fact_is_delivery(enum fact_kind k)
{
	return k == FACT_DELIVERED || k == FACT_DEFERRED || k == FACT_BOUNCED;
}

/* Microseconds since the epoch. */
static inline int64_t
fact_at(const struct fact *f)
{
	return f->time * 1000000 + f->usec;
}

static inline bool
fact_is_bond(enum fact_kind k)
{
	return k >= FACT_FROM || k == FACT_VERDICT;
}

/* What is known of a mail then: it is still in the queue; it had several recipients, and
 * all attempts are to one address. */
enum mail_found { MAIL_OPEN = 1, MAIL_ONE_OF_SEVERAL = 2 };

/* Add sign (+1, -1) times what the first upto bytes of facts give. Returns enum mail_found, or'ed. */
unsigned mail_count(const struct mail *m, uint32_t upto, int sign, struct tally *t);
/* How often facts were compared while counting, since start: a test keeps it linear. */
extern uint64_t mail_steps;

/* Append the mail to a block, and take one from a block. hash is not stored. */
void mail_encode(struct buf *b, const struct mail *m);
bool mail_decode(struct slice *block, struct mail *m);
/* The same for what came after the first m->logged bytes of facts. mail_grow() fails
 * if that is not what m has so far. */
void mail_encode_more(struct buf *b, const struct mail *m);
bool mail_grow(struct slice *block, struct mail *m);

static inline bool
mail_is_record(const struct mail *m)
{
	return m->id_n > 0 && m->id[0] == MAIL_RECORD;
}

static inline struct slice
mail_id(const struct mail *m)
{
	return (struct slice){ m->id, m->id_n };
}

#endif
