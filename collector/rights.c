/* rights.c - see rights.h: the home of Linux' capabilities, without libcap: two calls are all
 * that is needed. Elsewhere there are none: root reads all, others what they may. */
#define _GNU_SOURCE	/* syscall() */
#include "rights.h"

#include "store/account.h"

#ifdef __linux__

#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "poison.h"

static const uint64_t reading = UINT64_C(1) << CAP_DAC_READ_SEARCH;

struct sets {
	uint64_t effective, permitted, inheritable;
};

static bool
get(struct sets *s)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &head, d) != 0)
		return false;
	s->effective = (uint64_t)d[1].effective << 32 | d[0].effective;
	s->permitted = (uint64_t)d[1].permitted << 32 | d[0].permitted;
	s->inheritable = (uint64_t)d[1].inheritable << 32 | d[0].inheritable;
	return true;
}

static void
put(const struct sets *s)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2];

	for (int i = 0; i < 2; i++)
		d[i] = (struct __user_cap_data_struct){ .effective = (uint32_t)(s->effective >> 32 * i),
			.permitted = (uint32_t)(s->permitted >> 32 * i),
			.inheritable = (uint32_t)(s->inheritable >> 32 * i) };
	(void)syscall(SYS_capset, &head, d);
}

void
rights_drop_reading(void)
{
	struct sets s;

	/* root without an account to become reads all by being root */
	if (geteuid() == 0 || !get(&s) || ((s.permitted | s.inheritable) & reading) == 0)
		return;
	s.effective &= ~reading;
	s.permitted &= ~reading;
	s.inheritable &= ~reading;	/* the ambient one goes with it */
	put(&s);
}

bool
rights_keep_reading(const char *user, const char *group, struct err *e)
{
	struct sets s;

	(void)prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
	if (!account_become(user, group, e))
		return false;
	(void)prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);	/* others of the account do not get at it */
	if (get(&s)) {
		s.permitted &= reading;
		s.effective = s.permitted;
		s.inheritable = 0;
		put(&s);
	}
	return true;
}

void
rights_drop_all(void)
{
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	put(&(struct sets){ 0 });
}

#else

void
rights_drop_reading(void)
{
}

bool
rights_keep_reading(const char *user, const char *group, struct err *e)
{
	return account_become(user, group, e);
}

void
rights_drop_all(void)
{
}

#endif
