/* extraopts.c - see extraopts.h. */
#include "extraopts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "mem.h"
#include "slice.h"

#include "poison.h"

enum { INI_MAX = 1 << 20 };

/* The vector in the making, and the file text that its strings come from. */
struct vector {
	char **v;
	int n;
	struct arena arena;
};

static void
push(struct vector *to, char *arg)
{
	to->v = xreallocarray(to->v, (size_t)to->n + 2, sizeof *to->v);
	to->v[to->n++] = arg;
	to->v[to->n] = NULL;
}

static bool
readable(const char *dir, size_t n, const char *name, char *path, size_t size)
{
	return snprintf(path, size, "%.*s/%s", (int)n, dir, name) < (int)size &&
	    access(path, R_OK) == 0;
}

/* Where monitoring-plugins (both packagings) and their ancestors look. */
static bool
default_file(char *path, size_t size)
{
	static const char folders[] = "/etc/monitoring-plugins:/etc/nagios-plugins:"
	    "/etc/nagios:/usr/local/etc/monitoring-plugins:/usr/local/etc/nagios:"
	    "/usr/local/nagios/etc:/etc";
	static const char *const names[] = {
		"monitoring-plugins.ini", "plugins.ini", "nagios-plugins.ini"
	};
	const char *env = getenv("MP_CONFIG_FILE");
	const char *lists[] = { getenv("NAGIOS_CONFIG_PATH"), folders };

	if (env != NULL && env[0] != '\0')
		return snprintf(path, size, "%s", env) < (int)size;
	for (size_t l = 0; l < 2; l++) {
		for (const char *d = lists[l]; d != NULL && *d != '\0'; ) {
			size_t n = strcspn(d, ":");

			for (size_t i = 0; n > 0 && i < 3; i++)
				if (readable(d, n, names[i], path, size))
					return true;
			d += n + (d[n] == ':');
		}
	}
	return false;
}

static bool
read_file(const char *path, struct arena *a, struct slice *text, struct err *e)
{
	struct stat st;
	char *p;
	ssize_t n, got = 0;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);	/* of a pipe nobody may be the writer */

	if (fd < 0)
		return err_set(e, "open %s: %s", path, strerror(errno));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > INI_MAX) {
		close(fd);
		return err_set(e, "%s is not a file of at most 1 MiB", path);
	}
	p = arena_alloc(a, (size_t)st.st_size + 1);
	while (got < st.st_size && (n = read(fd, p + got, (size_t)(st.st_size - got))) != 0) {
		if (n < 0 && errno != EINTR) {
			err_set(e, "read %s: %s", path, strerror(errno));
			close(fd);
			return false;
		}
		got += n > 0 ? n : 0;
	}
	close(fd);
	*text = (struct slice){ p, (size_t)got };
	return true;
}

/* "warning = ratio=90%" as --warning=ratio=90%, "w = 5" as -w 5, "v =" or "v" as -v, "json =" as --json=. */
static bool
add_line(struct slice line, struct vector *to)
{
	struct slice value = line, key = line;
	bool has_value = slice_cut(&value, '=', &key);
	struct buf b = buf_new(INI_MAX);

	key = slice_trim(key);
	value = slice_trim(value);
	if (key.n == 0 || slice_has(key, SLICE(" ")) || memchr(line.p, '\0', line.n) != NULL) {
		buf_free(&b);
		return false;
	}
	buf_str(&b, key.n == 1 ? "-" : "--");
	buf_add(&b, key);
	if (has_value && key.n > 1) {	/* an empty one is none of the next line's */
		buf_char(&b, '=');
		buf_add(&b, value);
	}
	push(to, arena_strdup(&to->arena, buf_slice(&b)));
	if (has_value && value.n > 0 && key.n == 1)
		push(to, arena_strdup(&to->arena, value));
	buf_free(&b);
	return true;
}

static bool
add_section(struct slice text, const char *path, struct slice section, struct vector *to,
    struct err *e)
{
	bool inside = false, found = false;
	struct slice line;

	(void)slice_eat(&text, SLICE("\xef\xbb\xbf"));	/* what editors put in front of UTF-8 */
	for (int number = 1; slice_next(&text, '\n', &line); number++) {
		if (slice_ends(line, SLICE("\r")))
			line.n--;
		line = slice_trim(line);
		if (line.n == 0 || line.p[0] == '#' || line.p[0] == ';')
			continue;
		if (line.p[0] == '[') {
			if (!slice_ends(line, SLICE("]")))
				return err_set(e, "%s:%d: a section looks like [name]", path, number);
			line = slice_trim((struct slice){ line.p + 1, line.n - 2 });
			inside = slice_eq(line, section);
			found = found || inside;
		} else if (inside && !add_line(line, to)) {
			return err_set(e, "%s:%d: a line looks like \"option = value\"", path, number);
		}
	}
	if (!found)
		return err_set(e, "%s has no section [%.*s]", path, (int)section.n, section.p);
	return true;
}

static bool
expand_one(const char *program, const char *where, struct vector *to, struct err *e)
{
	struct slice section = slice_of(where), file = section, text = { "", 0 };
	char path[4096];

	if (!slice_cut(&file, '@', &section))
		file.n = 0;
	if (section.n == 0)
		section = slice_of(program);
	if (file.n >= sizeof path)
		return err_set(e, "the file name is too long");
	if (file.n > 0) {
		memcpy(path, file.p, file.n + 1);
	} else if (!default_file(path, sizeof path)) {
		return err_set(e, "no ini file was found; name it (--extra-opts=@FILE) or "
		    "put it at /etc/nagios/plugins.ini");
	}
	return read_file(path, &to->arena, &text, e) && add_section(text, path, section, to, e);
}

bool
extraopts_expand(const char *program, int *argc, char ***argv, int *words, struct err *e)
{
	static struct vector out;	/* its strings live on */
	static char **rest;		/* what is left of the command line */
	int n = 0;
	bool any = false;

	*words = 0;
	for (int i = 1; i < *argc; i++)
		any = any || strncmp((*argv)[i], "--extra-opts", 12) == 0;
	if (!any)
		return true;
	rest = xreallocarray(NULL, (size_t)*argc, sizeof *rest);
	push(&out, (*argv)[0]);
	for (int i = 1; i < *argc; i++) {
		const char *arg = (*argv)[i], *where = "";

		if (strncmp(arg, "--extra-opts=", 13) == 0)
			where = arg + 13;
		else if (strcmp(arg, "--extra-opts") != 0) {
			rest[n++] = (*argv)[i];
			continue;
		} else if (i + 1 < *argc && (*argv)[i + 1][0] != '-')
			where = (*argv)[++i];
		if (!expand_one(program, where, &out, e))
			return false;
	}
	*words = out.n - 1;
	for (int i = 0; i < n; i++)
		push(&out, rest[i]);
	*argc = out.n;
	*argv = out.v;
	return true;
}
