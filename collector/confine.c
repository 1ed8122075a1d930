/* confine.c - see confine.h: the home of seccomp.h.
 *
 * The list is what mxgauged needs in all its life, reloads included, and what the C library,
 * SQLite, librrd, libevent, libsystemd and OpenSSL use for it, in this and in later versions
 * (openat2, statx, epoll_pwait2 ...). A call that an architecture does not have is passed over:
 * arm64 has no open. A forgotten one fails and is logged by the kernel ("audit: type=1326",
 * with its number): monitoring goes on. The rights of files and addresses are not judged here:
 * a filter sees numbers, not what a pointer points to. */
#define _DEFAULT_SOURCE	/* MAP_ANONYMOUS's header, FIONREAD */
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <seccomp.h>

#include "poison.h"

enum {
	TYPE_BITS = 0xf,	/* of a socket's type; above it are SOCK_CLOEXEC and its like */
	LATER_CALLS = 100	/* of kernels to come */
};

static const char *const allowed[] = {
	/* files: logs, state, RRDs, journals, the configuration on a reload */
	"open", "openat", "openat2", "creat", "close", "close_range", "read", "readv", "pread64",
	"preadv", "preadv2", "write", "writev", "pwrite64", "pwritev", "pwritev2", "lseek", "_llseek",
	"fsync", "fdatasync", "sync_file_range", "fallocate", "ftruncate", "ftruncate64", "truncate",
	"truncate64", "fadvise64", "fadvise64_64", "arm_fadvise64_64", "copy_file_range", "sendfile",
	"sendfile64", "flock", "fcntl", "fcntl64", "dup", "dup2", "dup3", "pipe", "pipe2",
	/* names */
	"stat", "stat64", "lstat", "lstat64", "fstat", "fstat64", "fstatat64", "newfstatat", "statx",
	"statfs", "statfs64", "fstatfs", "fstatfs64", "access", "faccessat", "faccessat2", "readlink",
	"readlinkat", "getdents", "getdents64", "getcwd", "mkdir", "mkdirat", "rmdir", "rename",
	"renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "chmod", "fchmod", "fchmodat",
	"fchmodat2", "fchown", "fchown32", "umask", "utime", "utimes", "utimensat", "utimensat_time64",
	"futimesat", "getxattr", "fgetxattr", "inotify_init", "inotify_init1", "inotify_add_watch",
	"inotify_rm_watch",
	/* sockets; which ones is said below */
	"bind", "listen", "accept", "accept4", "connect", "shutdown", "getsockname", "getpeername",
	"getsockopt", "setsockopt", "send", "sendto", "sendmsg", "sendmmsg", "recv", "recvfrom",
	"recvmsg", "recvmmsg", "recvmmsg_time64",
	/* waiting, time, signals to ourselves */
	"epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2",
	"poll", "ppoll", "ppoll_time64", "select", "_newselect", "pselect6", "pselect6_time64",
	"eventfd", "eventfd2", "signalfd", "signalfd4", "timerfd_create", "timerfd_settime",
	"timerfd_settime64", "timerfd_gettime", "timerfd_gettime64", "clock_gettime",
	"clock_gettime64", "clock_getres", "clock_getres_time64", "clock_nanosleep",
	"clock_nanosleep_time64", "nanosleep", "gettimeofday", "time", "times", "alarm", "setitimer",
	"getitimer", "rt_sigaction", "rt_sigprocmask", "rt_sigpending", "rt_sigreturn", "sigreturn",
	"sigaltstack", "rt_sigsuspend", "pause", "restart_syscall",
	/* memory; mmap and mprotect are below */
	"brk", "munmap", "mremap", "madvise", "msync", "mincore", "mlock", "mlock2", "munlock",
	"membarrier", "futex", "futex_time64", "set_robust_list", "get_robust_list", "rseq",
	/* who and where we are */
	"getpid", "getppid", "gettid", "getpgrp", "getpgid", "getsid", "getuid", "getuid32", "geteuid",
	"geteuid32", "getgid", "getgid32", "getegid", "getegid32", "getresuid", "getresuid32",
	"getresgid", "getresgid32", "getgroups", "getgroups32", "uname", "sysinfo", "getrlimit",
	"ugetrlimit", "getrusage", "getcpu", "sched_yield", "sched_getaffinity", "getrandom",
	"exit", "exit_group",
};

/* Calls of which only some uses are allowed. */
static const struct {
	const char *name;
	unsigned n;
	struct scmp_arg_cmp arg[2];
} bounded[] = {
	/* libraries may still be loaded (name services), but nothing that we wrote is ever run */
	{ "mmap", 1, { { 2, SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, 0 } } },
	{ "mmap", 1, { { 2, SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_WRITE } } },
	{ "mmap", 1, { { 2, SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_EXEC } } },
	{ "mmap2", 1, { { 2, SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, 0 } } },
	{ "mmap2", 1, { { 2, SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_WRITE } } },
	{ "mmap2", 1, { { 2, SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_EXEC } } },
	{ "mprotect", 1, { { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 } } },
	{ "socketpair", 1, { { 0, SCMP_CMP_EQ, AF_UNIX, 0 } } },
	{ "socket", 2, { { 0, SCMP_CMP_EQ, AF_UNIX, 0 },
	    { 1, SCMP_CMP_MASKED_EQ, TYPE_BITS, SOCK_STREAM } } },
	{ "socket", 2, { { 0, SCMP_CMP_EQ, AF_UNIX, 0 },
	    { 1, SCMP_CMP_MASKED_EQ, TYPE_BITS, SOCK_DGRAM } } },
	{ "socket", 2, { { 0, SCMP_CMP_EQ, AF_INET, 0 },
	    { 1, SCMP_CMP_MASKED_EQ, TYPE_BITS, SOCK_STREAM } } },
	{ "socket", 2, { { 0, SCMP_CMP_EQ, AF_INET, 0 },
	    { 1, SCMP_CMP_MASKED_EQ, TYPE_BITS, SOCK_DGRAM } } },
	{ "socket", 2, { { 0, SCMP_CMP_EQ, AF_INET6, 0 },
	    { 1, SCMP_CMP_MASKED_EQ, TYPE_BITS, SOCK_STREAM } } },
	{ "socket", 2, { { 0, SCMP_CMP_EQ, AF_INET6, 0 },
	    { 1, SCMP_CMP_MASKED_EQ, TYPE_BITS, SOCK_DGRAM } } },
	/* bytes that wait, not to block, is it a terminal: not to type into one (TIOCSTI) */
	{ "ioctl", 1, { { 1, SCMP_CMP_MASKED_EQ, UINT32_MAX, FIONREAD } } },
	{ "ioctl", 1, { { 1, SCMP_CMP_MASKED_EQ, UINT32_MAX, FIONBIO } } },
	{ "ioctl", 1, { { 1, SCMP_CMP_MASKED_EQ, UINT32_MAX, TCGETS } } },
	/* our own limits may be read, and that of descriptors follows max_clients on a reload */
	{ "prlimit64", 2, { { 0, SCMP_CMP_EQ, 0, 0 }, { 1, SCMP_CMP_EQ, RLIMIT_NOFILE, 0 } } },
	{ "prlimit64", 2, { { 0, SCMP_CMP_EQ, 0, 0 }, { 2, SCMP_CMP_EQ, 0, 0 } } },
};

/* What a reader needs beside those below. */
static const char *const reading[] = {
	"close", "read", "pread64", "lseek", "_llseek", "fstat", "fstat64", "newfstatat", "fstatat64",
	"statx", "stat", "stat64", "lstat", "lstat64", "getdents", "getdents64", "fcntl", "fcntl64",
	"brk", "munmap", "mremap", "madvise", "futex", "futex_time64", "rseq", "clock_gettime",
	"clock_gettime64", "gettimeofday", "time", "getrandom", "getpid", "gettid", "rt_sigprocmask",
	"rt_sigreturn", "sigreturn", "restart_syscall", "exit", "exit_group",
};

/* Only of these flags, where the call has them as that argument. */
static const struct {
	const char *name;
	unsigned flags;
} opening[] = { { "open", 1 }, { "openat", 2 } };

/* Allow a call as it is. 0, or an error number below it, as libseccomp has them. */
static int
allow(scmp_filter_ctx f, const char *name)
{
	int nr = seccomp_syscall_resolve_name(name);

	return nr == __NR_SCMP_ERROR ? 0 : seccomp_rule_add(f, SCMP_ACT_ALLOW, nr, 0);
}

/* And with these arguments. */
static int
allow_with(scmp_filter_ctx f, const char *name, unsigned n, const struct scmp_arg_cmp *arg)
{
	int nr = seccomp_syscall_resolve_name(name);

	return nr == __NR_SCMP_ERROR ? 0 : seccomp_rule_add_array(f, SCMP_ACT_ALLOW, nr, n, arg);
}

/* Our own memory; not a file's pages to be executed. */
static int
allow_memory(scmp_filter_ctx f)
{
	const struct scmp_arg_cmp plain = { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 };
	int rc = allow_with(f, "mmap", 1, &plain);

	rc = rc != 0 ? rc : allow_with(f, "mmap2", 1, &plain);
	return rc != 0 ? rc : allow_with(f, "mprotect", 1, &plain);
}

static int
allow_reading(scmp_filter_ctx f, int to)
{
	const struct scmp_arg_cmp answer = { 0, SCMP_CMP_EQ, (scmp_datum_t)to, 0 };
	const struct scmp_arg_cmp us = { 0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0 };
	int rc = allow_memory(f);

	for (size_t i = 0; rc == 0 && i < sizeof reading / sizeof *reading; i++)
		rc = allow(f, reading[i]);
	for (size_t i = 0; rc == 0 && i < sizeof opening / sizeof *opening; i++) {
		struct scmp_arg_cmp read = { opening[i].flags, SCMP_CMP_MASKED_EQ,
			O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY };

		rc = allow_with(f, opening[i].name, 1, &read);
	}
	rc = rc != 0 ? rc : allow_with(f, "write", 1, &answer);
	return rc != 0 ? rc : allow_with(f, "tgkill", 1, &us);	/* a failed assertion */
}

static int
allow_all(scmp_filter_ctx f)
{
	/* a failed assertion ends us by it */
	const struct scmp_arg_cmp us = { 0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0 };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof allowed / sizeof *allowed; i++)
		rc = allow(f, allowed[i]);
	for (size_t i = 0; rc == 0 && i < sizeof bounded / sizeof *bounded; i++)
		rc = allow_with(f, bounded[i].name, bounded[i].n, bounded[i].arg);
	return rc != 0 ? rc : allow_with(f, "tgkill", 1, &us);
}

/* Calls that are younger than libseccomp are unknown (ENOSYS): then the C library takes the
 * way that it has for older kernels, as it does not after EPERM. */
static int
deny_later(scmp_filter_ctx f)
{
	int rc = 0, nr = seccomp_syscall_resolve_name("clone3"), last = nr;

	if (nr == __NR_SCMP_ERROR || nr < 0)
		return 0;
	rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), nr, 0);
	for (nr = last + 1; rc == 0 && nr <= last + LATER_CALLS; nr++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);

		if (name == NULL)
			rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), nr, 0);
		free(name);
	}
	return rc;
}

#ifdef __SANITIZE_ADDRESS__
enum { SANITIZED = 1 };	/* its search for leaks is a thread that traces the others */
#else
enum { SANITIZED = 0 };
#endif

/* NULL and *e: there can be none. */
static scmp_filter_ctx
begin(struct err *e)
{
	scmp_filter_ctx f = NULL;

	if (SANITIZED)
		err_set(e, "this is a build with sanitizers");
	else if ((f = seccomp_init(SCMP_ACT_ERRNO(EPERM))) == NULL)
		err_set(e, "this kernel has no seccomp filters");
	if (f == NULL)
		return NULL;
	(void)seccomp_attr_set(f, SCMP_FLTATR_CTL_LOG, 1);	/* since Linux 4.14 */
	(void)seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);	/* a tree, not a list */
	return f;
}

static bool
end(scmp_filter_ctx f, int rc, struct err *e)
{
	if (rc == 0 && (rc = deny_later(f)) == 0)
		rc = seccomp_load(f);	/* also gives up new rights by setuid programs */
	seccomp_release(f);
	return rc == 0 || err_set(e, "seccomp: %s", strerror(-rc));
}

bool
confine(struct err *e)
{
	scmp_filter_ctx f = begin(e);

	return f != NULL && end(f, allow_all(f), e);
}

bool
confine_reader(int to, struct err *e)
{
	scmp_filter_ctx f = begin(e);

	return f != NULL && end(f, allow_reading(f, to), e);
}
