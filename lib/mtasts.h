/* mtasts.h - the MTA-STS policy of a domain (RFC 8461). */
#ifndef MX_MTASTS_H
#define MX_MTASTS_H

#include <stdbool.h>
#include <stdint.h>

#include "dns.h"
#include "err.h"
#include "slice.h"

enum { MTASTS_MX_MAX = 64 };

struct mtasts_policy {
	char id[40], mode[12];
	int64_t max_age_s;
	char *mx[MTASTS_MX_MAX];
	size_t mx_n;
};

/* The record and the policy, by HTTPS; waits until the deadline at most. ca_file may be NULL. False
 * and *e: there is none, or it is damaged; *ours: it is this machine's trouble, as no libcurl. Ended by mtasts_free(). */
bool mtasts_fetch(struct mtasts_policy *p, struct dns *d, const char *domain, const char *ca_file,
    double deadline, bool *ours, struct err *e);
void mtasts_free(struct mtasts_policy *p);

/* The two texts, without a network. */
bool mtasts_read_record(struct mtasts_policy *p, struct slice txt, struct err *e);
bool mtasts_read_policy(struct mtasts_policy *p, struct slice text, struct err *e);

/* May mail go to this host? "*.example.org" stands for one label more. */
bool mtasts_matches(const struct mtasts_policy *p, const char *host);

#endif
