/* family.c - the name of a log without what rotation adds to it (reader.h).
 *
 * Rotation is logrotate's (".1", "-20261120", "-2026112010", "-1795208012",
 * "mail-20261120.log" under "extension"), newsyslog's (".0", ".1.bz2"), savelog's
 * and Postfix's ("maillog.20261120-101112"). A file named by an address, as
 * central log hosts have them, is not rotated "192.0.2". */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "input/reader.h"

#include "poison.h"

/* '#' is a digit. Dates first; before ".log" only they count. */
enum { DATES = 8 };
static const char *const suffixes[] = {
	".########-######", "-########-######", "-####-##-##", ".####-##-##", "-##########",
	".##########", "-########", ".########",
	".####", ".###", ".##", ".#", ".old",
};
static const char *const packers[] = { ".gz", ".zst", ".bz2", ".xz", ".lz4", ".Z" };

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

/* Without the rotation mark at its end, one of the first n suffixes; s itself if
 * there is none. */
static struct slice
unrotated(struct slice s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ends_like(s, slice_of(suffixes[i])) && !ends_in_address(s))
			return slice_head(s, s.n - strlen(suffixes[i]));
	return s;
}

void
reader_family(const char *path, char *out, size_t size)
{
	struct slice s = slice_of(path), extension = SLICE(".log");
	struct slice stem;

	for (size_t i = 0; i < sizeof packers / sizeof packers[0]; i++) {
		if (ends_like(s, slice_of(packers[i]))) {
			s.n -= strlen(packers[i]);
			break;
		}
	}
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
