/* boxlink.h - a connection with a mailbox server, logged in, and lines over it.
 *
 * Names, TLS or STARTTLS, certificates and the login are libcurl's; what is said afterwards is the
 * caller's. Everything ends at one deadline. Lines are at most 64 KiB, and what comes between two
 * boxlink_say() at most 4 MiB: a server that sends more is given up. */
#ifndef MX_BOXLINK_H
#define MX_BOXLINK_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "err.h"
#include "slice.h"

enum { BOXLINK_LINE_MAX = 1 << 16, BOXLINK_ANSWER_MAX = 1 << 22 };

struct boxlink {
	/* what carries it: all of s goes out; some bytes come in, at least one. They wait, until the
	 * deadline at most. False and *e: closed, broken, or the time is up. */
	bool (*write)(struct boxlink *l, struct slice s, struct err *e);
	bool (*read)(struct boxlink *l, char *p, size_t n, size_t *got, struct err *e);
	void (*hang_up)(struct boxlink *l);
	void *carrier;
	double deadline;	/* by clock_now() */
	/* its own */
	size_t begin, end, taken;
	char in[BOXLINK_LINE_MAX + 2];
};

struct boxlink_plan {
	const char *url;	/* "imaps://mail.example.org:993", imap: pop3: pop3s: */
	const char *user, *password;
	bool cleartext;		/* imap: and pop3: without STARTTLS */
	bool unverified;
	const char *ca_file, *ca_dir;	/* NULL: the system's */
	int family;		/* AF_UNSPEC, AF_INET, AF_INET6 */
};

/* NULL and *e, with the server's words where it said some; *ours: it is this machine's trouble. */
struct boxlink *boxlink_open(const struct boxlink_plan *p, double deadline, bool *ours,
    struct err *e);
void boxlink_close(struct boxlink *l);

/* The whole of s, to which a line end is added. */
bool boxlink_say(struct boxlink *l, struct slice s, struct err *e);
/* The next line without its end; it lives until the next call. */
bool boxlink_line(struct boxlink *l, struct slice *line, struct err *e);
/* The next n bytes: those that fit into b are added to it. */
bool boxlink_bytes(struct boxlink *l, size_t n, struct buf *b, struct err *e);

#endif
