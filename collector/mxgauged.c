/* mxgauged.c - the collector: follows the logs that its configuration names.
 *
 * Here is what happens before the loop: options, configuration, account, going to
 * the background. The loop is in daemon.c. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine.h"
#include "daemon.h"
#include "message.h"
#include "notify.h"
#include "opt.h"
#include "rights.h"
#include "sensor.h"
#include "store/account.h"
#include "store/config.h"

#include "poison.h"

enum { PATH_SIZE = 8192 };

static const char *config_path = CONFIG_DEFAULT_FILE;
static bool foreground, messages;

static const struct opt opts[] = {
	{ 'c', "config", OPT_STRING, &config_path, "FILE", "the configuration" },
	{ 'f', "foreground", OPT_FLAG, &foreground, NULL, "stay in the foreground, messages go to "
	    "stderr" },
	{ 0, "messages", OPT_FLAG, &messages, NULL, "print everything that it can say, and end" },
	{ 0 }
};

static const struct program program = {
	.name = "mxgauged", .summary = "follow the logs of mail servers and count", .opts = opts,
	.about = "Reads the logs that the configuration names as they grow, through rotations and "
	    "restarts, and commits exact counts each second to the state, which reports, graphs "
	    "and checks read.\n\n"
	    "SIGTERM and SIGINT commit and end; SIGHUP reads the configuration again; SIGUSR1 makes "
	    "it say how far it is.\n\n"
	    "\"mxgauge setup\" proposes a configuration and explains each setting, \"mxgauge "
	    "check-config\" names what is wrong in one, --messages what to do about each message.",
	.examples = "mxgauge setup > /etc/mxgauge/mxgauge.conf\nmxgauged --foreground",
	.exit_status = "0 after SIGTERM, 1 after a fault, 2 for a fault in the command line or the "
	    "configuration."
};

static int ready_fd = -1;	/* to the parent that waits, when going to the background */
static const struct config *config;

/* Also for a background daemon messages are on the terminal until it runs. */
static void
running(void)
{
	bool to_syslog = strcmp(config->log_to, "syslog") == 0 ||
	    (!foreground && strcmp(config->log_to, "auto") == 0);
	struct err e;
	int null;

	message_open(to_syslog, getenv("JOURNAL_STREAM") != NULL, config->log_level);
	if (strcmp(config->confine, "no") == 0)
		message(MSG_unconfined, "confine = no");
	else if (!confine(&e))
		message(MSG_unconfined, "%s", e.text);
	if (geteuid() == 0 && config->user[0] == '\0')
		message(MSG_as_root, "user is not set");
	notify("READY=1");
	if (foreground)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		(void)dup2(null, 0);
		(void)dup2(null, 1);
		if (to_syslog)
			(void)dup2(null, 2);
		close(null);
	}
	(void)!write(ready_fd, "", 1);
	close(ready_fd);
}

/* The parent stays until the child runs, so that its exit status tells. */
static bool
go_to_background(void)
{
	int fds[2], status = 0;
	char c;
	pid_t pid;

	if (pipe(fds) != 0 || (pid = fork()) < 0)
		return false;
	if (pid > 0) {
		close(fds[1]);
		if (read(fds[0], &c, 1) == 1)
			exit(0);
		(void)waitpid(pid, &status, 0);
		exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
	}
	close(fds[0]);
	ready_fd = fds[1];
	(void)fcntl(ready_fd, F_SETFD, FD_CLOEXEC);
	return setsid() >= 0 && chdir("/") == 0;
}

/* While we have the rights that we were started with; from then on only it can read all. */
static int
start_sensor(const struct config *c)
{
	struct err e;
	int fd = -1;

	if (c->queues.n > 0 && (fd = sensor_start(c, ready_fd, &e)) < 0)
		message(MSG_sensor_ended, "%s", e.text);
	rights_drop_reading();
	return fd;
}

static struct config *
read_config(const char *path)
{
	struct buf errors = buf_new(1 << 20);
	struct config *c = config_read(path, &errors);

	if (c == NULL)
		message_lines(MSG_config_fault, buf_slice(&errors));
	buf_free(&errors);
	return c;
}

/* The configuration's path from the root: a reload may happen elsewhere. */
static const char *
absolute(const char *path)
{
	static char full[PATH_SIZE];
	char here[PATH_SIZE / 2];

	if (path[0] == '/' || getcwd(here, sizeof here) == NULL ||
	    snprintf(full, sizeof full, "%s/%s", here, path) >= (int)sizeof full)
		return path;
	return full;
}

int
main(int argc, char **argv)
{
	struct buf manual = buf_new(1 << 20);
	const char *path;
	struct config *c;
	struct err e;
	int sensor;

	opt_parse(&program, argc, argv);
	if (messages) {
		message_manual(&manual);
		return fwrite(manual.p, 1, manual.n, stdout) != manual.n || fflush(stdout) != 0;
	}
	message_open(false, getenv("JOURNAL_STREAM") != NULL, "info");
	c = read_config(config_path);
	if (c == NULL)
		return 2;
	config = c;
	path = absolute(config_path);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);	/* a file size limit is an error like a full disk */
	(void)umask(027);
	if (!foreground && !go_to_background()) {
		message(MSG_cannot_start, "go to the background: %s", strerror(errno));
		return 1;
	}
	sensor = start_sensor(c);
	if (!account_make_folder(c->state, c->user, &e) || !account_make_folder(c->rrd_dir, c->user, &e) ||
	    !account_become(c->user, c->group, &e)) {
		message(MSG_cannot_start, "%s", e.text);
		return 1;
	}
	return daemon_run(c, path, sensor, running);
}
