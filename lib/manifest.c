/* manifest.c - see manifest.h. Nothing is followed: a link in a tree leads nowhere else. */
#include "manifest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digest.h"
#include "ossl.h"

#include "poison.h"

enum { LINK_BYTES = 4096, PATH_BYTES = 4096 };

static const char last_line[] = "end\n";

/* One walk. */
struct walk {
	struct buf lines;	/* of all entries, not sorted */
	size_t n;
	const struct opt_list *exclude;
	struct err *e;
};

static bool
excluded(const struct walk *w, const char *path)
{
	const char *last = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;

	for (size_t i = 0; i < w->exclude->n; i++)
		if (fnmatch(w->exclude->v[i], path, 0) == 0 || fnmatch(w->exclude->v[i], last, 0) == 0)
			return true;
	return false;
}

static void
put_path(struct buf *b, const char *path)
{
	for (; *path != '\0'; path++) {
		if (*path > ' ' && *path <= '~' && *path != '%')
			buf_char(b, *path);
		else
			buf_fmt(b, "%%%02x", (unsigned)(unsigned char)*path);
	}
}

static void
put_hash(struct buf *b, const unsigned char hash[DIGEST_SHA256_BYTES])
{
	digest_hex(b, hash, DIGEST_SHA256_BYTES);
	buf_char(b, ' ');
}

static bool
add_file(struct walk *w, int dir, const char *name, const char *path, const struct stat *st)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	unsigned char hash[DIGEST_SHA256_BYTES];
	bool good;

	if (fd < 0 && errno == ENOENT)
		return true;	/* gone meanwhile */
	good = fd >= 0 && digest_sha256_fd(fd, hash);
	if (!good)
		err_set(w->e, "read %s: %s", path, strerror(errno));
	else
		buf_fmt(&w->lines, "f %04o %lld ", (unsigned)(st->st_mode & 07777), (long long)st->st_size);
	if (good)
		put_hash(&w->lines, hash);
	if (fd >= 0)
		close(fd);
	return good;
}

static bool
add_link(struct walk *w, int dir, const char *name, const char *path)
{
	char to[LINK_BYTES];
	unsigned char hash[DIGEST_SHA256_BYTES];
	ssize_t n = readlinkat(dir, name, to, sizeof to);

	if (n < 0)
		return err_set(w->e, "read the link %s: %s", path, strerror(errno));
	if (!digest_sha256((struct slice){ to, (size_t)n }, hash))
		return err_set(w->e, "no SHA-256");
	buf_str(&w->lines, "l - - ");
	put_hash(&w->lines, hash);
	return true;
}

/* One name and all below; open folders are as many as it is deep. */
static bool
add(struct walk *w, int dir, const char *name, const char *path, int depth)
{
	struct stat st;
	struct dirent *d;
	DIR *list;
	int fd;
	bool good = true;

	if (excluded(w, path))
		return true;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return (errno == ENOENT && depth > 0) || err_set(w->e, "look at %s: %s", path, strerror(errno));
	if (++w->n > MANIFEST_ENTRIES || w->lines.full || depth > MANIFEST_DEPTH)
		return err_set(w->e, "%s: too many files, or too deep", path);
	if (S_ISREG(st.st_mode))
		good = add_file(w, dir, name, path, &st);
	else if (S_ISLNK(st.st_mode))
		good = add_link(w, dir, name, path);
	else if (S_ISDIR(st.st_mode))
		buf_fmt(&w->lines, "d %04o - - ", (unsigned)(st.st_mode & 07777));
	else
		return true;	/* sockets, pipes and devices are nobody's copies */
	if (good && w->lines.n > 0 && w->lines.p[w->lines.n - 1] == ' ') {
		put_path(&w->lines, path);
		buf_char(&w->lines, '\n');
	}
	if (!good || !S_ISDIR(st.st_mode))
		return good;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || (list = fdopendir(fd)) == NULL)
		return err_set(w->e, "list %s: %s", path, strerror(errno));
	while (good && (d = readdir(list)) != NULL) {
		char below[PATH_BYTES];

		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (snprintf(below, sizeof below, "%s/%s", path, d->d_name) >= (int)sizeof below)
			good = err_set(w->e, "%s: the path is too long", path);
		else
			good = add(w, fd, d->d_name, below, depth + 1);
	}
	closedir(list);
	return good;
}

static int
by_path(const void *a, const void *b)
{
	const struct manifest_entry *x = a, *y = b;

	return slice_order(x->path, y->path);
}

/* "f 0644 1834 HASH PATH" */
static bool
take_entry(struct slice line, struct manifest_entry *e)
{
	e->path = line;
	return slice_rcut_at(&e->path, SLICE(" "), &e->what) && e->path.n > 0 && e->what.n > 0 &&
	    (line.p[0] == 'f' || line.p[0] == 'd' || line.p[0] == 'l') && slice_find(e->path, SLICE("\r")) < 0;
}

static size_t
take_entries(struct manifest_entry *entry, struct slice s)
{
	struct slice line;
	size_t n = 0;

	while (n < MANIFEST_ENTRIES && slice_cut(&s, '\n', &line))
		if (take_entry(line, &entry[n]))
			n++;
	return n;
}

bool
manifest_make(struct buf *text, const struct opt_list *trees, const struct opt_list *exclude, int64_t now,
    struct err *e)
{
	struct walk w = { .lines = buf_new(MANIFEST_BYTES), .exclude = exclude, .e = e };
	struct manifest_entry *entry;
	char host[256] = "";
	bool good = ossl_load(e);

	for (size_t i = 0; good && i < trees->n; i++)
		good = add(&w, AT_FDCWD, trees->v[i], trees->v[i], 0);
	if (good && w.lines.full)
		good = err_set(e, "too many files");
	if (good) {
		size_t n;

		entry = xcalloc(w.n + 1, sizeof *entry);
		n = take_entries(entry, w.lines.n > 0 ? buf_slice(&w.lines) : SLICE(""));
		qsort(entry, n, sizeof *entry, by_path);
		(void)gethostname(host, sizeof host - 1);
		buf_fmt(text, "mxgauge-manifest 1 %lld %s\n", (long long)now, host);
		for (size_t i = 0; i < n; i++)
			buf_fmt(text, "%.*s %.*s\n", (int)entry[i].what.n, entry[i].what.p, (int)entry[i].path.n,
			    entry[i].path.p);
		buf_str(text, last_line);
		free(entry);
	}
	buf_free(&w.lines);
	return good;
}

bool
manifest_read(struct manifest *m, struct slice text, struct err *e)
{
	struct slice line, word;
	size_t most = 0;
	uint64_t made;

	if (!slice_cut(&text, '\n', &line) || !slice_eat(&line, SLICE("mxgauge-manifest 1 ")) ||
	    !slice_cut(&line, ' ', &word) || !slice_u64(&word, &made) || word.n > 0 || made > INT64_MAX)
		return err_set(e, "this is no manifest");
	m->host = line;
	m->made_at = (int64_t)made;
	for (size_t i = 0; i < text.n; i++)
		most += text.p[i] == '\n';
	m->entry = arena_alloc(&m->arena, (most < MANIFEST_ENTRIES ? most : MANIFEST_ENTRIES) * sizeof *m->entry + 1);
	while (slice_cut(&text, '\n', &line) && !slice_eq(line, SLICE("end"))) {
		if (m->n == MANIFEST_ENTRIES || !take_entry(line, &m->entry[m->n]))
			return err_set(e, "a line of it is none: %.*s", (int)slice_head(line, 100).n, line.p);
		if (m->n > 0 && by_path(&m->entry[m->n - 1], &m->entry[m->n]) >= 0)
			return err_set(e, "it is not sorted: %.*s", (int)slice_head(line, 100).n, line.p);
		m->n++;
	}
	return slice_eq(line, SLICE("end")) || err_set(e, "its end is missing");
}

size_t
manifest_compare(const struct manifest *a, const struct manifest *b,
    void (*differs)(void *arg, const struct manifest_entry *a, const struct manifest_entry *b), void *arg)
{
	size_t i = 0, k = 0, n = 0;

	while (i < a->n || k < b->n) {
		int c = i == a->n ? 1 : k == b->n ? -1 : by_path(&a->entry[i], &b->entry[k]);

		if (c != 0 || !slice_eq(a->entry[i].what, b->entry[k].what)) {
			differs(arg, c <= 0 ? &a->entry[i] : NULL, c >= 0 ? &b->entry[k] : NULL);
			n++;
		}
		i += c <= 0;
		k += c >= 0;
	}
	return n;
}
