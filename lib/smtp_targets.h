/* smtp_targets.h - from the names of mail servers to dialogues: addresses, MX, TLSA, several
 * runs each; all of it side by side under one deadline. */
#ifndef MX_SMTP_TARGETS_H
#define MX_SMTP_TARGETS_H

#include <stdbool.h>
#include <stdint.h>

#include "dns.h"
#include "smtp.h"

enum { SMTP_TARGETS_MAX = 256, SMTP_PINS_MAX = 32 };

struct smtp_targets;

/* A server that was named, or found by MX. */
struct smtp_target {
	struct smtp_targets *all;
	char *host;
	const char *domain;	/* whose MX it is, or NULL */
	unsigned preference;
	struct net_addr addr[DNS_ADDRS_MAX];
	size_t addrs;
	struct tlsclient_pin pin[SMTP_PINS_MAX];
	size_t pins;
	double asked;		/* when its name was */
	double dns_s;
	unsigned waiting;	/* for so many answers of name servers */
	char trouble[SMTP_TEXT];	/* "dns: ...", when it never came to a dialogue */
	size_t sessions;
};

/* A dialogue, run so often as wanted, one after the other. */
struct smtp_session {
	struct smtp s;		/* the last run */
	struct smtp_target *target;
	double (*sample)[SMTP_PHASES];
	size_t samples;		/* runs that went well */
};

struct smtp_targets {
	/* set by the caller */
	const struct smtp_plan *plan;
	struct dns *dns;	/* may be NULL where only addresses are given */
	uint16_t port;
	int family;		/* AF_UNSPEC, AF_INET, AF_INET6 */
	const char *tls_name;	/* NULL: the host's own */
	bool each_address;	/* a dialogue with each address of a host */
	bool dane;
	size_t count;		/* runs of each; 0 is 1 */
	double deadline;
	/* found */
	struct smtp_target **target;
	size_t targets;
	struct smtp_session **session;
	size_t sessions;
	size_t left_out;	/* beyond SMTP_TARGETS_MAX */
	struct smtp_pool pool;
};

/* A name, an address, or "[address]"; a socket in the file system; all hosts that receive mail
 * for a domain, with each of their addresses. Nothing is copied of the strings. */
void smtp_targets_host(struct smtp_targets *t, const char *host);
void smtp_targets_path(struct smtp_targets *t, const char *path);
void smtp_targets_mx(struct smtp_targets *t, const char *domain);

/* Everything, until the deadline at the latest. Afterwards each target has a session at least; one
 * whose names could not be resolved has failed in phase dns. */
void smtp_targets_run(struct smtp_targets *t);

/* "mx1.example.org[192.0.2.1]:25" */
void smtp_session_name(const struct smtp_session *s, struct buf *b);

#endif
