/* checkconfig.c - is the configuration good, and is there what it names?
 *
 * Faults are in the file; remarks are about the machine, which may be different
 * when mxgauged starts: a log that does not exist yet is waited for. So remarks
 * leave the exit status alone. */
#include "view/checkconfig.h"

#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "input/tls.h"
#include "plural.h"
#include "secret.h"
#include "store/account.h"
#include "store/config.h"

#include "poison.h"

static void __attribute__((format(printf, 2, 3)))
remark(const struct config *c, const char *fmt, ...)
{
	struct err e;
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	err_set(&e, "%s: %s", c->path, text);
	printf("%s\n", e.text);
}

static void
look_files(const struct config *c, const struct config_source *s)
{
	for (size_t i = 0; i < s->files.n; i++) {
		glob_t g = { 0 };

		if (glob(s->files.item[i], 0, NULL, &g) != 0 || g.gl_pathc == 0)
			remark(c, "source \"%s\": %s does not exist yet; it will be waited for", s->name,
			    s->files.item[i]);
		for (size_t k = 0; k < g.gl_pathc; k++) {
			if (access(g.gl_pathv[k], R_OK) != 0)
				remark(c, "source \"%s\": %s cannot be read%s%s: %s", s->name, g.gl_pathv[k],
				    c->user[0] == '\0' ? "" : " by ", c->user, strerror(errno));
		}
		globfree(&g);
	}
}

static void
look_journal(const struct config *c, const struct config_source *s)
{
	if (s->journal[0] == '/' && access(s->journal, R_OK) != 0)
		remark(c, "source \"%s\": journal %s: %s", s->name, s->journal, strerror(errno));
}

/* Each source's files, as the daemon's account finds them. */
static void
look_tls(const struct config *c, const struct config_source *s)
{
	const struct tls_rules rules = {
		.certificate = s->tls_certificate, .key = s->tls_key, .ca = s->tls_ca,
		.anonymous = strcmp(s->tls_clients, "anonymous") == 0,
		.peer = s->tls_peers.item, .peers = s->tls_peers.n
	};
	struct tls_server *t;
	struct stat st;
	struct err e;

	if (s->tls_certificate[0] == '\0')
		return;
	if ((t = tls_server_new(&rules, &e)) == NULL) {
		remark(c, "source \"%s\": %s", s->name, e.text);
		return;
	}
	if (tls_server_ends(t) < (int64_t)time(NULL))
		remark(c, "source \"%s\": tls_certificate = %s expired; senders will not accept it",
		    s->name, s->tls_certificate);
	if (stat(s->tls_key, &st) == 0 && (st.st_mode & 7) != 0)
		remark(c, "source \"%s\": tls_key = %s can be read by everybody", s->name, s->tls_key);
	tls_server_free(t);
}

static void
look_folder(const struct config *c, const char *what, const char *path, int how)
{
	if (access(path, how) != 0)
		remark(c, "%s: %s: %s", what, path, strerror(errno));
}

/* What mxgauge passive will want of this machine. */
static void
look_program(const struct config *c, const char *whose, const char *name, const char *path)
{
	if (access(path, X_OK) != 0)
		remark(c, "%s \"%s\": command %s: %s", whose, name, path, strerror(errno));
}

static void
look_monitor(const struct config *c, const struct config_monitor *m)
{
	const char *const secrets[] = { m->password_file, m->token_file };
	const char *const files[] = { m->ca_file, m->certificate, m->key };
	struct err e;

	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
		if (secrets[i][0] != '\0' && (!secret_is_private(secrets[i], &e) ||
		    (access(secrets[i], R_OK) != 0 && !err_set(&e, "%s: %s", secrets[i], strerror(errno)))))
			remark(c, "monitor \"%s\": %s", m->name, e.text);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (files[i][0] != '\0' && access(files[i], R_OK) != 0)
			remark(c, "monitor \"%s\": %s: %s", m->name, files[i], strerror(errno));
	if (m->command_file[0] != '\0' && access(m->command_file, W_OK) != 0)
		remark(c, "monitor \"%s\": command_file %s: %s", m->name, m->command_file, strerror(errno));
	if (m->command.n > 0)
		look_program(c, "monitor", m->name, m->command.item[0]);
	if (strncmp(m->url, "http://", 7) == 0)
		remark(c, "monitor \"%s\": everybody on the way reads what is sent to %s, our secrets too", m->name,
		    m->url);
}

static void
look(const struct config *c)
{
	for (size_t i = 0; i < c->npassives; i++)
		look_program(c, "passive", c->passive[i].name, c->passive[i].command.item[0]);
	for (size_t i = 0; i < c->nmonitors; i++)
		look_monitor(c, &c->monitor[i]);
	for (size_t i = 0; i < c->nsources; i++) {
		look_files(c, &c->source[i]);
		look_journal(c, &c->source[i]);
		look_tls(c, &c->source[i]);
	}
	look_folder(c, "state", c->state, R_OK | W_OK | X_OK);
	if (c->templates[0] != '\0')
		look_folder(c, "templates", c->templates, R_OK | X_OK);
}

/* Files are looked at by a child that is the daemon's account, because only the
 * kernel knows what modes, groups and access lists add up to. */
static void
look_as_account(const struct config *c)
{
	struct err e;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (!account_become(c->user, c->group, &e))
			remark(c, "%s; the files are looked at as who runs this", e.text);
		look(c);
		fflush(stdout);
		_exit(0);
	}
	if (pid < 0)
		look(c);
	else
		waitpid(pid, NULL, 0);
}

/* "; 2 files or patterns", nothing for none */
static void
say_many(size_t n, const char *one, const char *many)
{
	if (n > 0)
		printf("; %zu %s", n, PLURAL(n, one, many));
}

static void
say_good(const struct config *c)
{
	size_t files = 0, journals = 0, listeners = 0;

	for (size_t i = 0; i < c->nsources; i++) {
		files += c->source[i].files.n;
		journals += c->source[i].journal[0] != '\0';
		listeners += c->source[i].listen.n;
	}
	printf("%s: good", c->path);
	say_many(c->nsources, "source", "sources");
	say_many(files, "file or pattern", "files or patterns");
	say_many(journals, "journal", "journals");
	say_many(listeners, "listener", "listeners");
	if (c->nmonitors > 0) {
		say_many(c->npassives, "check", "checks");
		say_many(c->nmonitors, "monitor", "monitors");
	}
	putchar('\n');
}

int
checkconfig_run(const char *path)
{
	struct buf errors = buf_new(1 << 20);
	struct config *c = config_read(path, &errors);

	if (c == NULL) {
		fputs(errors.p, stderr);
		buf_free(&errors);
		return 2;
	}
	say_good(c);
	look_as_account(c);
	config_free(c);
	buf_free(&errors);
	return 0;
}
