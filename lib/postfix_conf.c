/* postfix_conf.c - what main.cf says of an instance's places.
 *
 * Read instead of asking postconf: that works for anybody who may read it, costs nothing, and does
 * not run what a configuration names. Parameters are taken literally: a $name inside a
 * value is not expanded, but for the two that stand in Postfix's own defaults. */
#include "postfix_conf.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "slice.h"

#include "poison.h"

enum { PATH_SIZE = 4096, CONF_MAX = 1 << 20 };

bool
postfix_conf_read(const char *path, size_t max, bool end, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	bool good = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	char block[16384];
	ssize_t n;

	*out = buf_new(max);
	if (good && end && st.st_size > (off_t)max)
		good = lseek(fd, -(off_t)max, SEEK_END) >= 0;
	while (good && (n = read(fd, block, sizeof block)) > 0)
		buf_add(out, slice_head((struct slice){ block, (size_t)n }, max - out->n));
	if (fd >= 0)
		close(fd);
	return good;
}

/* The value of a parameter in main.cf's text: the last one wins, a line that
 * begins with a blank goes on. Empty if it is not set. */
static struct slice
parameter(struct arena *a, struct slice text, struct slice name)
{
	struct buf value = buf_new(PATH_SIZE);
	struct slice line, found;
	bool mine = false;

	while (slice_next(&text, '\n', &line)) {
		if (line.n > 0 && line.p[0] == '#')
			continue;
		if (line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t')) {
			if (mine) {
				buf_char(&value, ' ');
				buf_add(&value, slice_trim(line));
			}
			continue;
		}
		mine = slice_cut(&line, '=', &found) && slice_eq(slice_trim(found), name);
		if (mine) {
			buf_clear(&value);
			buf_add(&value, slice_trim(line));
		}
	}
	found = arena_slice(a, slice_trim(buf_slice(&value)));
	buf_free(&value);
	return found;
}

static const char *
or_default(struct arena *a, struct slice value, const char *def)
{
	return value.n == 0 ? def : arena_strdup(a, value);
}

/* An instance calls itself by syslog_name, which by default is $multi_instance_name,
 * or postfix where that is empty. */
static const char *
instance_tag(struct arena *a, struct slice conf)
{
	struct slice tag = parameter(a, conf, SLICE("syslog_name"));

	if (tag.n == 0 || slice_has(tag, SLICE("$")))
		tag = parameter(a, conf, SLICE("multi_instance_name"));
	return or_default(a, tag, "postfix");
}

/* False: there is none. *others: those that its main.cf names. */
static bool
look_instance(struct arena *a, const char *root, const char *dir, struct postfix_instance *i,
    struct slice *others)
{
	char path[PATH_SIZE];
	struct buf text;
	bool good;

	if (snprintf(path, sizeof path, "%s%s/main.cf", root, dir) >= PATH_SIZE)
		return false;
	good = postfix_conf_read(path, CONF_MAX, false, &text);
	if (good) {
		struct slice s = buf_slice(&text);

		i->dir = arena_strdup(a, slice_of(dir));
		i->queue = or_default(a, parameter(a, s, SLICE("queue_directory")),
		    "/var/spool/postfix");
		i->log = or_default(a, parameter(a, s, SLICE("maillog_file")), "");
		i->tag = instance_tag(a, s);
		*others = parameter(a, s, SLICE("multi_instance_directories"));
	}
	buf_free(&text);
	return good;
}

size_t
postfix_instances(const char *root, struct arena *a, struct postfix_instance *out, size_t max)
{
	struct slice others = { NULL, 0 }, of_other;
	size_t found = max > 0 && look_instance(a, root, "/etc/postfix", &out[0], &others);

	while (others.n > 0) {
		size_t n = 0;

		while (n < others.n && others.p[n] != ' ' && others.p[n] != ',' && others.p[n] != '\t')
			n++;
		if (n > 0 && found < max)
			found += look_instance(a, root, arena_strdup(a, slice_head(others, n)),
			    &out[found], &of_other);
		others = slice_from(others, n + 1);
	}
	return found;
}
