/* users_priv.h - what users.c and users_bytes.c share; nobody else includes it. */
#ifndef MX_USERS_PRIV_H
#define MX_USERS_PRIV_H

#include "users.h"

/* Room for n users. */
void users_reserve(struct users *u, uint32_t n);
/* A visitor, whose time is no longer that since the hour began. */
void users_set_add(struct user *u, bool failed, struct slice name, const struct users_seen *v);

#endif
