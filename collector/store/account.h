/* account.h - whom a program runs as. */
#ifndef MX_ACCOUNT_H
#define MX_ACCOUNT_H

#include <stdbool.h>
#include <sys/types.h>

#include "err.h"

/* The ids of user. False and *e if there is no such account. */
bool account_find(const char *user, uid_t *uid, gid_t *gid, struct err *e);

/* Become user for good, with its groups, and group ("": none) beside them. Does
 * nothing if that is who we are, or if user is "". False and *e if we may not. */
bool account_become(const char *user, const char *group, struct err *e);

/* Root alone: make the folder, if it is not there, for user to write to. True, and nothing is done,
 * where we are somebody else or user is "". */
bool account_make_folder(const char *path, const char *user, struct err *e);

/* Root alone: work as the owner of folder from now on, so that what is made there is the owner's, too;
 * and be root again for a moment, to open what only root may. Nothing, where we are somebody else, root
 * owns it, or its owner cannot come there. */
void account_work_for(const char *folder);
void account_root_again(bool again);

#endif
