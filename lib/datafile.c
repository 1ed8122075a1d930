/* datafile.c - files of data looked at, listed, and lists compared. See datafile.h; datafile_head.c reads their heads. */
#include "datafile.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digest.h"
#include "mem.h"
#include "serial.h"

#include "poison.h"

/* The metadata of a MaxMind database stand in its last 128 KiB. */
enum { LOOK_BYTES = 128 << 10 };

static const char *const kind_name[DATAFILE_KINDS] = {
	[DATAFILE_BROKEN] = "broken", [DATAFILE_CLAMAV] = "clamav", [DATAFILE_SPAMASSASSIN] = "spamassassin",
	[DATAFILE_BAYES] = "bayes", [DATAFILE_GEOIP] = "geoip", [DATAFILE_RBLDNSD] = "rbldnsd",
	[DATAFILE_PLAIN] = "plain",
};

const char *
datafile_kind_name(enum datafile_kind kind)
{
	return kind_name[kind];
}

static bool
fits_name(char c)
{
	return slice_is_alnum(c) || c == '.' || c == '_' || c == '-';
}

/* The last part of a path, with so many folders before it. */
static struct slice
tail_of(struct slice path, size_t folders)
{
	size_t at = path.n;

	for (; at > 0; at--)
		if (path.p[at - 1] == '/' && folders-- == 0)
			break;
	return slice_from(path, at);
}

/* The last part of a path, without an ending that says only what kind of file it is: daily.cvd and daily.cld are
 * the same. Of a longer one with folders the front is cut off. */
static void
set_name(struct datafile *d, struct slice path, size_t folders)
{
	static const char *const endings[] = { ".cvd", ".cld", ".cud", ".cf", ".mmdb" };
	struct slice last = tail_of(path, 0), all = tail_of(path, folders);
	struct buf b = buf_new(path.n + 1);
	size_t n;

	buf_add(&b, slice_head(all, all.n - last.n));
	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
		if (last.n > strlen(endings[i]) && slice_ends(last, slice_of(endings[i])))
			last.n -= strlen(endings[i]);
	buf_add(&b, slice_starts(last, SLICE("bayes_")) ? SLICE("bayes") : last);
	all = b.n > 0 ? buf_slice(&b) : SLICE("");
	n = folders > 0 && all.n > sizeof d->name - 1 ? all.n - (sizeof d->name - 1) : 0;
	all = slice_head(slice_from(all, n), sizeof d->name - 1);
	for (size_t i = 0; i < all.n; i++)
		d->name[i] = fits_name(all.p[i]) ? all.p[i] : (char)'_';
	d->name[all.n] = '\0';
	buf_free(&b);
}

static bool
read_at(int fd, off_t at, char *to, struct slice *got)
{
	size_t n = 0;
	ssize_t r;

	while (n < LOOK_BYTES && (r = pread(fd, to + n, LOOK_BYTES - n, at + (off_t)n)) != 0) {
		if (r < 0 && errno != EINTR)
			return false;
		n += r > 0 ? (size_t)r : 0;
	}
	*got = (struct slice){ to, n };
	return true;
}

static bool
set_hash(struct datafile *d, int fd)
{
	unsigned char hash[DIGEST_SHA256_BYTES];
	struct buf b = buf_new(sizeof d->hash);
	bool good = digest_sha256_fd(fd, hash);

	if (good) {
		digest_hex(&b, hash, sizeof hash);
		memcpy(d->hash, b.p, DATAFILE_HASH);
	}
	buf_free(&b);
	return good;
}

/* By what stands in it, and by its name where that promises something. */
static bool
look_into(struct datafile *d, int fd, off_t size, struct slice name)
{
	static char bytes[LOOK_BYTES];
	struct slice head, tail;

	if (slice_eq(slice_of(d->name), SLICE("bayes"))) {
		d->kind = DATAFILE_BAYES;	/* each machine learns for itself: only the time counts */
		return true;
	}
	if (!read_at(fd, 0, bytes, &head))
		return false;
	if (slice_starts(head, SLICE("ClamAV-VDB:")) || slice_ends(name, SLICE(".cvd")) ||
	    slice_ends(name, SLICE(".cld"))) {
		d->kind = datafile_clamav(d, head) ? DATAFILE_CLAMAV : DATAFILE_BROKEN;
		return true;
	}
	if (datafile_spamassassin(d, head)) {
		d->kind = DATAFILE_SPAMASSASSIN;
		return true;
	}
	if (slice_ends(name, SLICE(".mmdb"))) {
		if (!read_at(fd, size > LOOK_BYTES ? size - LOOK_BYTES : 0, bytes, &tail))
			return false;
		d->kind = datafile_geoip(d, tail) ? DATAFILE_GEOIP : DATAFILE_BROKEN;
		return true;
	}
	d->kind = datafile_rbldnsd(d, head) ? DATAFILE_RBLDNSD : DATAFILE_PLAIN;
	return d->version != 0 || set_hash(d, fd);
}

/* Look at a file. False and *e: it cannot be read. */
static bool
look_at(struct datafile *d, const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	bool good;

	*d = (struct datafile){ .kind = DATAFILE_BROKEN };
	set_name(d, slice_of(path), 0);
	if (fd < 0)
		return err_set(e, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(e, "%s: this is no file", path);
	}
	d->made_at = st.st_mtime > 0 ? (int64_t)st.st_mtime : 0;
	errno = 0;
	good = look_into(d, fd, st.st_size, slice_of(path)) ||
	    err_set(e, "read %s: %s", path, errno != 0 ? strerror(errno) : "no SHA-256");
	close(fd);
	return good;
}

/* --- lists --------------------------------------------------------------------------------- */

const struct datafile *
datafiles_find(const struct datafiles *all, const char *name)
{
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->file[i].name, name) == 0)
			return &all->file[i];
	return NULL;
}

static bool
add(struct datafiles *all, const struct datafile *d)
{
	for (size_t i = 0; i < all->n; i++) {
		if (strcmp(all->file[i].name, d->name) != 0)
			continue;
		if (datafile_newer(d, &all->file[i]))
			all->file[i] = *d;
		return true;
	}
	if (all->n == DATAFILES)
		return false;
	all->file[all->n++] = *d;
	return true;
}

/* A file that was found, and how many folders its name has. */
struct found {
	struct datafile d;
	char *path;
	size_t folders;
};

static struct slice
folder_of(const struct found *f)
{
	struct slice path = slice_of(f->path);

	return slice_head(path, path.n - tail_of(path, 0).n);
}

/* SpamAssassin leaves the rules of the release before behind: 3.004006/, 4.000000/. */
static bool
is_release(struct slice folder)
{
	struct slice name = tail_of(slice_head(folder, folder.n > 0 ? folder.n - 1 : 0), 0);
	size_t n = 0;

	while (n < name.n && (slice_is_digit(name.p[n]) || name.p[n] == '.'))
		n++;
	return n > 0 && n == name.n;
}

static bool
are_one(const struct found *a, const struct found *b)
{
	return slice_eq(folder_of(a), folder_of(b)) || (is_release(folder_of(a)) && is_release(folder_of(b)));
}

/* Two files of one name in different folders are two: they are called by their folders, too, as far as they differ. */
static void
tell_apart(struct found *f, size_t n)
{
	bool wants[DATAFILES] = { false }, again = true;

	while (again) {
		again = false;
		for (size_t i = 0; i < n; i++)
			for (size_t k = 0; k < n; k++)
				wants[i] = wants[i] || (strcmp(f[i].d.name, f[k].d.name) == 0 && !are_one(&f[i], &f[k]));
		for (size_t i = 0; i < n; i++) {
			struct slice path = slice_of(f[i].path);

			if (wants[i] && tail_of(path, f[i].folders).n < path.n) {
				set_name(&f[i].d, path, ++f[i].folders);
				again = true;
			}
			wants[i] = false;
		}
	}
}

static bool
look_for(struct found *f, size_t *n, const char *pattern, bool must, struct err *e)
{
	glob_t found = { 0 };
	int rc = glob(pattern, 0, NULL, &found);
	bool good = true;

	if (rc != 0 && rc != GLOB_NOMATCH)
		good = err_set(e, "look for %s: %s", pattern, strerror(errno));
	else if (must && found.gl_pathc == 0)
		good = err_set(e, "%s: there is no such file", pattern);
	for (size_t k = 0; good && k < found.gl_pathc; k++) {
		if (*n == DATAFILES)
			good = err_set(e, "more than %d files", DATAFILES);
		else if (look_at(&f[*n].d, found.gl_pathv[k], e))
			f[(*n)++].path = xstrdup(found.gl_pathv[k]);
		else
			good = false;
	}
	globfree(&found);
	return good;
}

bool
datafiles_make(struct datafiles *all, const struct opt_list *patterns, bool must, struct err *e)
{
	struct found *f = xcalloc(DATAFILES, sizeof *f);
	bool good = true;
	size_t n = 0;

	for (size_t i = 0; good && i < patterns->n; i++)
		good = look_for(f, &n, patterns->v[i], must, e);
	if (must)
		tell_apart(f, n);
	for (size_t i = 0; i < n; i++) {
		if (good)
			(void)add(all, &f[i].d);
		free(f[i].path);
	}
	free(f);
	return good;
}

/* Of what has versions they count, else of what was hashed that, else the time. */
bool
datafile_same(const struct datafile *a, const struct datafile *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->version != 0 && b->version != 0)
		return a->version == b->version;
	if (a->hash[0] != '\0' && b->hash[0] != '\0')
		return strcmp(a->hash, b->hash) == 0;
	return a->made_at == b->made_at;
}

bool
datafile_newer(const struct datafile *a, const struct datafile *b)
{
	if (a->kind == DATAFILE_BROKEN || b->kind == DATAFILE_BROKEN)
		return a->kind != DATAFILE_BROKEN;
	if (a->kind == b->kind && a->version != 0 && b->version != 0)
		return serial_newer(a->version, b->version);
	return a->made_at > b->made_at;
}

/* --- as text --------------------------------------------------------------------------------- */

/* "KIND NAME VERSION MADE EXPIRES ENTRIES LEVEL HASH" */
void
datafiles_print(struct buf *b, const struct datafiles *all, const char *host, int64_t now)
{
	buf_fmt(b, "mxgauge-data 1 %lld %s\n", (long long)now, host);
	for (size_t i = 0; i < all->n; i++) {
		const struct datafile *d = &all->file[i];

		buf_fmt(b, "%s %s %lu %lld %lld %llu %lu %s\n", kind_name[d->kind], d->name, (unsigned long)d->version,
		    (long long)d->made_at, (long long)d->expires_at, (unsigned long long)d->entries,
		    (unsigned long)d->level, d->hash[0] != '\0' ? d->hash : "-");
	}
	buf_str(b, "end\n");
}

static bool
take_number(struct slice *s, uint64_t most, uint64_t *v)
{
	struct slice w;

	return slice_cut(s, ' ', &w) && slice_u64(&w, v) && w.n == 0 && *v <= most;
}

static bool
take_file(struct slice s, struct datafile *d)
{
	uint64_t version, made, expires, entries, level;
	struct slice kind, name;

	*d = (struct datafile){ .kind = DATAFILE_KINDS };
	if (!slice_cut(&s, ' ', &kind) || !slice_cut(&s, ' ', &name) || !take_number(&s, UINT32_MAX, &version) ||
	    !take_number(&s, INT64_MAX / 2, &made) || !take_number(&s, INT64_MAX / 2, &expires) ||
	    !take_number(&s, UINT64_MAX, &entries) || !take_number(&s, UINT32_MAX, &level))
		return false;
	for (int i = 0; i < DATAFILE_KINDS; i++)
		if (slice_eq(kind, slice_of(kind_name[i])))
			d->kind = (enum datafile_kind)i;
	if (d->kind == DATAFILE_KINDS || name.n == 0 || name.n >= sizeof d->name)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		if (!fits_name(name.p[i]))
			return false;
		d->name[i] = name.p[i];
	}
	if (s.n != DATAFILE_HASH && !slice_eq(s, SLICE("-")))
		return false;
	for (size_t i = 0; s.n == DATAFILE_HASH && i < s.n; i++) {
		if (!slice_is_alnum(s.p[i]))
			return false;
		d->hash[i] = s.p[i];
	}
	d->version = (uint32_t)version;
	d->made_at = (int64_t)made;
	d->expires_at = (int64_t)expires;
	d->entries = entries;
	d->level = (uint32_t)level;
	return true;
}

bool
datafiles_read(struct datafiles *all, struct slice text, struct err *e)
{
	struct slice line, word;
	struct datafile d;
	uint64_t made;

	if (!slice_cut(&text, '\n', &line) || !slice_eat(&line, SLICE("mxgauge-data 1 ")) ||
	    !slice_cut(&line, ' ', &word) || !slice_u64(&word, &made) || word.n > 0 || made > INT64_MAX / 2)
		return err_set(e, "this is no list of --print");
	all->made_at = (int64_t)made;
	all->n = 0;
	line = SLICE("");
	while (slice_cut(&text, '\n', &line) && !slice_eq(line, SLICE("end")))
		if (!take_file(line, &d) || !add(all, &d))
			return err_set(e, "a line of it is none: %.*s", (int)slice_head(line, 100).n, line.p);
	return slice_eq(line, SLICE("end")) || err_set(e, "its end is missing");
}
