/* family.c - the name of a log without what rotation adds to it (reader.h), and the
 * files that have the same (family.h).
 *
 * Rotation is logrotate's (".1", "-20261120", "-2026112010", "-1795208012", and what else dateformat can
 * put behind a day: "-20261120-1795208012", "-20261120101112", "_2026-11-20_10";
 * "mail-20261120.log" under "extension"), newsyslog's (".0", ".1.bz2"), savelog's
 * and Postfix's ("maillog.20261120-101112"). A file named by an address, as
 * central log hosts have them, is not rotated "192.0.2". */
#include "input/family.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input/reader.h"
#include "mem.h"

#include "poison.h"

/* '#' is a digit. Dates first; before ".log" only they count. */
enum { DATES = 8 };
static const char *const suffixes[] = {
	".########-######", "-########-######", "-####-##-##", ".####-##-##", "-##########",
	".##########", "-########", ".########",
	".####", ".###", ".##", ".#", ".old",
};
/* All but the last two we can read. */
static const char *const packers[] = { ".gz", ".zst", ".bz2", ".xz", ".lz4", ".Z" };
enum { PACKERS = sizeof packers / sizeof packers[0], READABLE = PACKERS - 2 };

static bool
ends_like(struct slice s, struct slice pattern)
{
	const char *p;

	if (s.n <= pattern.n || s.p[s.n - pattern.n - 1] == '/')
		return false;
	p = s.p + s.n - pattern.n;
	for (size_t i = 0; i < pattern.n; i++)
		if (pattern.p[i] == '#' ? p[i] < '0' || p[i] > '9' : p[i] != pattern.p[i])
			return false;
	return true;
}

/* "mx-192.0.2.10" is the log of a host and not the tenth of "mx-192.0.2". */
static bool
ends_in_address(struct slice s)
{
	char quad[INET_ADDRSTRLEN];
	struct in_addr a;
	size_t i = s.n;

	while (i > 0 && ((s.p[i - 1] >= '0' && s.p[i - 1] <= '9') || s.p[i - 1] == '.'))
		i--;
	s = slice_from(s, i);
	if (s.n >= sizeof quad)
		return false;
	memcpy(quad, s.p, s.n);
	quad[s.n] = '\0';
	return inet_pton(AF_INET, quad, &a) == 1;
}

static bool
is_separator(char c)
{
	return c == '-' || c == '_' || c == '.';
}

/* Two digits at i, from 1 to max? */
static bool
two_to(struct slice s, size_t i, int max)
{
	int v;

	if (i + 2 > s.n || !slice_is_digit(s.p[i]) || !slice_is_digit(s.p[i + 1]))
		return false;
	v = (s.p[i] - '0') * 10 + s.p[i + 1] - '0';
	return v >= 1 && v <= max;
}

/* Does it begin with a day, "20261120" or "2026-11-20"? */
static bool
starts_with_day(struct slice s)
{
	size_t sep = s.n > 4 && is_separator(s.p[4]);

	return s.n >= 8 + 2 * sep && (memcmp(s.p, "19", 2) == 0 || memcmp(s.p, "20", 2) == 0) &&
	    slice_is_digit(s.p[2]) && slice_is_digit(s.p[3]) && two_to(s, 4 + sep, 12) &&
	    (sep == 0 || s.p[7] == s.p[4]) && two_to(s, 6 + 2 * sep, 31);
}

/* How long the mark at its end is that begins with a day; 0: there is none. */
static size_t
day_mark(struct slice s)
{
	size_t mark = 0;

	if (s.n == 0 || !slice_is_digit(s.p[s.n - 1]))
		return 0;
	for (size_t i = s.n; i > 1 && (slice_is_digit(s.p[i - 1]) || is_separator(s.p[i - 1])); i--)
		if (is_separator(s.p[i - 1]) && s.p[i - 2] != '/' && starts_with_day(slice_from(s, i)))
			mark = s.n - i + 1;
	return mark;
}

/* Without the rotation mark at its end, a day or one of the first n suffixes; s itself if
 * there is none. */
static struct slice
unrotated(struct slice s, size_t n)
{
	size_t day = day_mark(s);

	if (day > 0)
		return slice_head(s, s.n - day);
	for (size_t i = 0; i < n; i++)
		if (ends_like(s, slice_of(suffixes[i])) && !ends_in_address(s))
			return slice_head(s, s.n - strlen(suffixes[i]));
	return s;
}

/* Which packer's name does it bear? -1: none. */
static int
packer_of(struct slice s)
{
	for (int i = 0; i < PACKERS; i++)
		if (ends_like(s, slice_of(packers[i])))
			return i;
	return -1;
}

void
reader_family(const char *path, char *out, size_t size)
{
	struct slice s = slice_of(path), extension = SLICE(".log");
	int packer = packer_of(s);
	struct slice stem;

	if (packer >= 0)
		s.n -= strlen(packers[packer]);
	stem = slice_head(s, s.n - (slice_ends(s, extension) ? extension.n : 0));
	if (stem.n < s.n && unrotated(stem, DATES).n < stem.n) {
		stem = unrotated(stem, DATES);
	} else {
		stem = unrotated(s, sizeof suffixes / sizeof suffixes[0]);
		extension.n = 0;
	}
	(void)snprintf(out, size, "%.*s%.*s", (int)stem.n, stem.p, (int)extension.n,
	    extension.p);
}

bool
family_by_day(const char *path)
{
	struct slice s = slice_of(path);

	if (packer_of(s) >= 0)
		return false;
	if (slice_ends(s, SLICE(".log")))
		s.n -= 4;
	return unrotated(s, DATES).n < s.n;
}

/* --- the files of a family ----------------------------------------------------------- */

/* The last written first. Of files of the same moment the greater date, or the
 * smaller number, is the newer one. */
static int
newer_first(const void *va, const void *vb)
{
	const struct family_file *a = va, *b = vb;
	const struct timespec *x = &a->st.st_mtim, *y = &b->st.st_mtim;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec > y->tv_sec ? -1 : 1;
	if (x->tv_nsec != y->tv_nsec)
		return x->tv_nsec > y->tv_nsec ? -1 : 1;
	if (a->number != b->number && a->number > 0 && b->number > 0)
		return a->number < b->number ? -1 : 1;
	return strcmp(b->path, a->path);
}

static unsigned
number_of(const char *path, const char *family)
{
	struct slice s = slice_of(path);
	uint64_t v;

	if (!slice_eat(&s, slice_of(family)) || !slice_eat_char(&s, '.') || !slice_u64(&s, &v) ||
	    v >= 10000 || (s.n > 0 && s.p[0] != '.'))
		return 0;
	return (unsigned)v + 1;
}

/* Is this name of a folder one of the family, and no copy in the making? */
static bool
belongs(int dir, const char *family, const char *name, struct family_file *f)
{
	const char *slash = strrchr(family, '/');
	size_t folder = slash != NULL ? (size_t)(slash - family) + 1 : 0;
	char path[PATH_BYTES], of[PATH_BYTES], plain[NAME_MAX + 1];
	int packer = packer_of(slice_of(name));
	struct stat st;

	if (snprintf(path, sizeof path, "%.*s%s", (int)folder, family, name) >= (int)sizeof path)
		return false;
	reader_family(path, of, sizeof of);
	if (strcmp(of, family) != 0 || fstatat(dir, name, &f->st, 0) != 0 ||
	    !S_ISREG(f->st.st_mode))
		return false;
	if (packer >= 0) {
		(void)snprintf(plain, sizeof plain, "%.*s",
		    (int)(strlen(name) - strlen(packers[packer])), name);
		if (fstatat(dir, plain, &st, 0) == 0)
			return false;
	}
	f->path = xstrdup(path);
	f->number = number_of(path, family);
	f->packed = packer >= 0;
	f->foreign = packer >= READABLE;
	return true;
}

size_t
family_list(const char *family, const char *path, struct family_file **out)
{
	char folder[PATH_BYTES];
	const char *slash = strrchr(family, '/');
	struct family_file *files = xcalloc(FAMILY_MAX, sizeof *files);
	struct dirent *e;
	size_t n = 0;
	DIR *dir;

	(void)snprintf(folder, sizeof folder, "%.*s", slash != NULL ? (int)(slash - family) + 1 : 1,
	    slash != NULL ? family : ".");
	dir = opendir(folder);
	while (dir != NULL && n < FAMILY_MAX && (e = readdir(dir)) != NULL) {
		if (!belongs(dirfd(dir), family, e->d_name, &files[n]))
			continue;
		if (strcmp(files[n].path, path) == 0)
			free(files[n].path);
		else
			n++;
	}
	if (dir != NULL)
		(void)closedir(dir);
	qsort(files, n, sizeof *files, newer_first);
	*out = files;
	return n;
}

void
family_free(struct family_file *files, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(files[i].path);
	free(files);
}
