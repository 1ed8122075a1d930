/* replica_ldap.h - how far directories are behind each other, from their change numbers (CSN).
 *
 * Pure judging: who asks is plugins/check_replication_ldap.c. Each server has one CSN for each provider
 * (server id) whose changes it has: "20261120203354.705750Z#000000#001#000000". Tables of rows:
 *	csn		value
 *	agreement	of 389-DS: cn, host, status */
#ifndef MX_REPLICA_LDAP_H
#define MX_REPLICA_LDAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rows.h"
#include "slice.h"

enum { REPLICA_LDAP_IDS = 64 };

struct replica_ldap_csn {
	unsigned id;
	double time_s;		/* epoch */
	struct slice text;
};

struct replica_ldap {
	const char *name;
	bool answered;
	bool provider;		/* where there is one, only providers say what is newest */
	bool agreements;	/* 389-DS: asked for those in place of CSNs */
	const struct rows *rows;

	struct replica_ldap_csn csn[REPLICA_LDAP_IDS];	/* replica_ldap_read() fills these */
	size_t csns;
};

/* OpenLDAP's form, or 20 hexadecimal digits of 389-DS. False: it is neither. */
bool replica_ldap_csn(struct slice text, struct replica_ldap_csn *csn);

/* Find the CSNs of a server's rows; again for a later answer. What is none is told. */
void replica_ldap_read(struct replica_ldap *s);

/* Does the server lack something that another has? */
bool replica_ldap_behind(const struct replica_ldap *servers, size_t n, const struct replica_ldap *s);

/* All of it, by lag_state() and lag_copy(). */
void replica_ldap_judge(struct replica_ldap *servers, size_t n, int64_t now);

#endif
