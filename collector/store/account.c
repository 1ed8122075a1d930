/* account.c - whom a program runs as: the one home of initgroups and setgroups,
 * which POSIX does not know. */
#define _DEFAULT_SOURCE
#include "store/account.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "poison.h"

enum { GROUPS_MAX = 256 };

static struct {
	uid_t uid;	/* whom root works for; 0: nobody */
} owner;

bool
account_find(const char *user, uid_t *uid, gid_t *gid, struct err *e)
{
	struct passwd *p = getpwnam(user);

	if (p == NULL)
		return err_set(e, "there is no account %s", user);
	*uid = p->pw_uid;
	*gid = p->pw_gid;
	return true;
}

/* Be in group too, beside those that we are in. */
static bool
join_group(const char *group, struct err *e)
{
	gid_t in[GROUPS_MAX + 1];
	int n = getgroups(GROUPS_MAX, in);
	struct group *g = getgrnam(group);

	if (g == NULL)
		return err_set(e, "there is no group %s", group);
	if (n < 0)
		return err_set(e, "join the group %s: %s", group, strerror(errno));
	in[n] = g->gr_gid;
	return setgroups((size_t)n + 1, in) == 0 ||
	    err_set(e, "join the group %s: %s", group, strerror(errno));
}

bool
account_become(const char *user, const char *group, struct err *e)
{
	uid_t uid = 0;
	gid_t gid = 0;

	if (user[0] == '\0')
		return true;
	if (!account_find(user, &uid, &gid, e))
		return false;
	if (uid == geteuid() && uid == getuid())
		return true;
	if (geteuid() != 0)
		return err_set(e, "only root can become the account %s", user);
	/* groups first: without root's id it is too late for them */
	if (initgroups(user, gid) != 0)
		return err_set(e, "take the groups of %s: %s", user, strerror(errno));
	if (group[0] != '\0' && !join_group(group, e))
		return false;
	if (setgid(gid) != 0 || setuid(uid) != 0)
		return err_set(e, "become the account %s: %s", user, strerror(errno));
	if (uid != 0 && setuid(0) == 0)
		return err_set(e, "become the account %s: root came back", user);
	return true;
}

bool
account_make_folder(const char *path, const char *user, struct err *e)
{
	uid_t uid = (uid_t)-1;
	gid_t gid = (gid_t)-1;

	if (user[0] == '\0' || geteuid() != 0)
		return true;
	if (!account_find(user, &uid, &gid, e))
		return false;
	if (mkdir(path, 0750) != 0)
		return errno == EEXIST || err_set(e, "make %s: %s", path, strerror(errno));
	return chown(path, uid, gid) == 0 || err_set(e, "give %s to %s: %s", path, user, strerror(errno));
}

void
account_work_for(const char *folder)
{
	struct stat st;
	bool back;

	if (geteuid() != 0 || stat(folder, &st) != 0 || st.st_uid == 0)
		return;
	/* nobody can be an owner from outside of our user namespace, and one who cannot come there
	 * has no use for it */
	if (setegid(st.st_gid) == 0 && seteuid(st.st_uid) == 0 &&
	    faccessat(AT_FDCWD, folder, R_OK | W_OK | X_OK, AT_EACCESS) == 0) {
		owner.uid = st.st_uid;
		return;
	}
	back = seteuid(0) == 0 && setegid(getgid()) == 0;
	assert(back);
}

void
account_root_again(bool again)
{
	bool changed = owner.uid == 0 || seteuid(again ? 0 : owner.uid) == 0;

	assert(changed);
}
