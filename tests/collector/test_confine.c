/* test_confine.c - what confine() refuses, asked of the kernel itself before and after: each
 * probe has arguments with which the call can do nothing. And what the daemon needs, still
 * works. */
#define _DEFAULT_SOURCE
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdint.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "tap.h"

#define BAD UINTPTR_MAX		/* no address, no file, no process */
#define CLONE_ALONE 0x800	/* CLONE_SIGHAND, which is invalid alone */

static const struct {
	const char *what;
	long nr;
	unsigned long arg[3];
	int want;
} probes[] = {
	{ "execve", SYS_execve, { BAD, BAD, BAD }, EPERM },
	{ "execveat", SYS_execveat, { BAD, BAD, BAD }, EPERM },
	{ "clone", SYS_clone, { CLONE_ALONE, 0, 0 }, EPERM },
	{ "ptrace", SYS_ptrace, { 9999, BAD, 0 }, EPERM },
	{ "process_vm_readv", SYS_process_vm_readv, { BAD, 0, 0 }, EPERM },
	{ "kill", SYS_kill, { 1u << 30, 0, 0 }, EPERM },
	{ "tgkill of another", SYS_tgkill, { 1u << 30, 1u << 30, 0 }, EPERM },
	{ "mount", SYS_mount, { BAD, BAD, BAD }, EPERM },
	{ "umount2", SYS_umount2, { BAD, BAD, 0 }, EPERM },
	{ "pivot_root", SYS_pivot_root, { BAD, BAD, 0 }, EPERM },
	{ "chroot", SYS_chroot, { BAD, 0, 0 }, EPERM },
	{ "unshare", SYS_unshare, { BAD, 0, 0 }, EPERM },
	{ "setns", SYS_setns, { BAD, 0, 0 }, EPERM },
	{ "setuid", SYS_setuid, { BAD, 0, 0 }, EPERM },
	{ "capset", SYS_capset, { BAD, BAD, 0 }, EPERM },
	{ "bpf", SYS_bpf, { 9999, BAD, 0 }, EPERM },
	{ "perf_event_open", SYS_perf_event_open, { BAD, 0, 0 }, EPERM },
	{ "init_module", SYS_init_module, { BAD, 0, BAD }, EPERM },
	{ "keyctl", SYS_keyctl, { 9999, 0, 0 }, EPERM },
	{ "io_uring_setup", SYS_io_uring_setup, { 0, BAD, 0 }, EPERM },
	{ "memfd_create", SYS_memfd_create, { BAD, 0, 0 }, EPERM },
	{ "open_by_handle_at", SYS_open_by_handle_at, { BAD, BAD, 0 }, EPERM },
	{ "settimeofday", SYS_settimeofday, { BAD, 0, 0 }, EPERM },
	{ "sethostname", SYS_sethostname, { BAD, 1, 0 }, EPERM },
	{ "mknodat", SYS_mknodat, { BAD, BAD, 0 }, EPERM },
	{ "prctl", SYS_prctl, { 9999, 0, 0 }, EPERM },
	{ "a packet socket", SYS_socket, { AF_PACKET, 99, 0 }, EPERM },
	{ "a netlink socket", SYS_socket, { AF_NETLINK, 99, 0 }, EPERM },
	{ "a raw socket", SYS_socket, { AF_INET, SOCK_RAW, BAD }, EPERM },
	{ "mprotect to run", SYS_mprotect, { 1, 4096, PROT_READ | PROT_EXEC }, EPERM },
	{ "mmap to write and run", SYS_mmap, { 0, 0, PROT_READ | PROT_WRITE | PROT_EXEC }, EPERM },
	{ "ioctl TIOCSTI", SYS_ioctl, { BAD, TIOCSTI, 0 }, EPERM },
	{ "clone3: glibc goes on to clone", SYS_clone3, { BAD, 0, 0 }, ENOSYS },
	{ "a call of later kernels", 500, { 0, 0, 0 }, ENOSYS },
};

enum { PROBES_N = sizeof probes / sizeof *probes };

static int
probe(size_t i)
{
	errno = 0;
	if (syscall(probes[i].nr, probes[i].arg[0], probes[i].arg[1], probes[i].arg[2], 0, 0, 0) >= 0)
		return 0;
	return errno;
}

static int
field(const char *name)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	int v = -1;

	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			v = (int)strtol(line + strlen(name), NULL, 10);
	if (f != NULL)
		fclose(f);
	return v;
}

/* Files as the daemon handles them: SQLite with its WAL, renames, maps, inotify. */
static void
files_work(const char *dir)
{
	char path[200], other[200];
	struct statvfs fs;
	sqlite3 *db;
	int fd;

	snprintf(path, sizeof path, "%s/db", dir);
	ok(sqlite3_open(path, &db) == SQLITE_OK && sqlite3_exec(db, "PRAGMA journal_mode=WAL;"
	    "CREATE TABLE t(a); INSERT INTO t VALUES(1); PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL,
	    NULL) == SQLITE_OK, "SQLite writes");
	sqlite3_close(db);
	snprintf(other, sizeof other, "%s/other", dir);
	fd = inotify_init1(IN_CLOEXEC);
	ok(fd >= 0 && inotify_add_watch(fd, dir, IN_MODIFY) >= 0, "inotify");
	close(fd);
	fd = open(path, O_RDWR);
	ok(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED && fsync(fd) == 0, "mmap, fsync");
	close(fd);
	ok(rename(path, other) == 0 && unlink(other) == 0 && statvfs(dir, &fs) == 0 && rmdir(dir) == 0,
	    "rename, unlink, statvfs, rmdir");
}

static void
sockets_work(void)
{
	struct sockaddr_storage at = { .ss_family = AF_INET };
	struct addrinfo want = { .ai_socktype = SOCK_STREAM }, *found = NULL;
	socklen_t n = sizeof at;
	int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), c = socket(AF_INET, SOCK_STREAM, 0);

	ok(bind(l, (struct sockaddr *)&at, sizeof(struct sockaddr_in)) == 0 && listen(l, 1) == 0 &&
	    getsockname(l, (struct sockaddr *)&at, &n) == 0 &&
	    connect(c, (struct sockaddr *)&at, n) == 0 && accept(l, NULL, NULL) >= 0,
	    "TCP: listen, connect, accept");
	ok(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0, "a local socket of datagrams");
	ok(getaddrinfo("localhost", "1", &want, &found) == 0, "names are looked up");
	if (found != NULL)
		freeaddrinfo(found);
}

/* A failed assertion must end us, and not go on. */
static void
abort_works(void)
{
	struct err e;
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		(void)setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
		if (confine(&e))
			abort();
		_exit(0);
	}
	ok(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
	    "abort() ends it by SIGABRT");
}

/* Of who reads queues: files may be read and the answer given, no more. What failed, as bits. */
static void
reader_is_confined(void)
{
	int answer[2], status = 0;
	struct err e;
	pid_t pid;

	if (!ok(pipe(answer) == 0, "a pipe"))
		return;
	pid = fork();
	if (pid == 0) {
		int other = dup(answer[1]), bad = 0;

		if (!confine_reader(answer[1], &e))
			_exit(64);
		bad |= (open("/", O_RDONLY | O_DIRECTORY) < 0 || open("/etc/passwd", O_RDONLY) < 0) * 1;
		bad |= (write(answer[1], "x", 1) != 1) * 2;
		bad |= (open("/dev/null", O_WRONLY) >= 0 || open("/dev/null", O_RDWR) >= 0) * 4;
		bad |= (write(other, "x", 1) >= 0 || unlink("/nothing") == 0 || errno != EPERM) * 8;
		bad |= (socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || fork() >= 0 || setuid(0) == 0) * 16;
		_exit(bad);
	}
	(void)waitpid(pid, &status, 0);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a reader may read, answer, and nothing else (%d)",
	    WEXITSTATUS(status));
	close(answer[0]);
	close(answer[1]);
}

int
main(void)
{
	char dir[] = "/tmp/mx-confine.XXXXXX";
	int before[PROBES_N], got;
	struct rlimit descriptors;
	struct err e = { "" };

#ifdef __SANITIZE_ADDRESS__
	printf("1..0 # SKIP seccomp: a build with sanitizers runs without\n");
	return 0;
#endif
	for (size_t i = 0; i < PROBES_N; i++)
		before[i] = probe(i);
	abort_works();
	reader_is_confined();
	if (mkdtemp(dir) == NULL || !ok(confine(&e), "confine: %s", e.text))
		return 1;
	is_int(field("Seccomp:"), 2, "the kernel says: filtered");
	is_int(field("NoNewPrivs:"), 1, "and no new rights");
	for (size_t i = 0; i < PROBES_N; i++) {
		got = probe(i);
		is_int(got, probes[i].want, probes[i].what);
		if (before[i] == got)
			printf("# %s: the same without the filter\n", probes[i].what);
	}
	is_int(fork(), -1, "fork() fails");
	is_int(system(NULL) != 0 ? system("true") : -1, -1, "system() fails");
	is_int(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
	    == MAP_FAILED, 1, "no memory to write and run");
	is_int(setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 }), -1, "limits cannot be changed");
	is_int(getrlimit(RLIMIT_NOFILE, &descriptors) | setrlimit(RLIMIT_NOFILE, &descriptors), 0,
	    "but that of descriptors can");
	files_work(dir);
	sockets_work();
	return done_testing();
}
