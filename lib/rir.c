/* rir.c - see rir.h. What stands in the files is other people's: it is taken only where it looks like what it
 * should be. First all networks are found, with the handles that they name; then what those handles
 * are, and once more for the handles that organisations name. */
#include "rir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"

#include "poison.h"

enum { CHUNK = 1 << 18, LINE_MOST = 1000, PASSES = 3, WIDEST_4 = 8, WIDEST_6 = 12 };

/* An object of a dump, as far as it is of use. */
struct object {
	bool any, ranged, keyed;
	struct network first, last;
	char key[RIR_KEY];		/* by which others name it */
	char mail[RIR_MAIL], abuse[RIR_KEY], irt[RIR_KEY], org[RIR_KEY];
	char source[RIR_KEY], country[3];
};

struct handle {
	char key[RIR_KEY];
	char mail[RIR_MAIL];
	char next[RIR_KEY];		/* the abuse-c of an organisation */
};

struct rir {
	struct rir_want *want;
	size_t n;
	struct handle *handle;
	size_t handles, handles_cap;
	int pass;
	struct object o;
	bool skipping;			/* the rest of a line that is too long */
	size_t understood;		/* objects and lines */
};

/* --- texts ------------------------------------------------------------------------------- */

static void
take_word(char to[RIR_KEY], struct slice s)
{
	s = slice_trim(s);
	if (s.n == 0 || s.n >= RIR_KEY)
		return;
	for (size_t i = 0; i < s.n; i++)
		if (!slice_is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '_')
			return;
	memcpy(to, s.p, s.n);
	to[s.n] = '\0';
}

static void
take_mail(char to[RIR_MAIL], struct slice s)
{
	bool at = false;

	s = slice_trim(s);
	if (s.n < 3 || s.n >= RIR_MAIL || !slice_is_alnum(s.p[0]))
		return;
	for (size_t i = 0; i < s.n; i++) {
		at |= s.p[i] == '@';
		if (!slice_is_alnum(s.p[i]) && memchr("@._%+-=", s.p[i], 7) == NULL)
			return;
	}
	if (!at)
		return;
	memcpy(to, s.p, s.n);
	to[s.n] = '\0';
}

static void
take_country(char to[3], struct slice s)
{
	s = slice_trim(s);
	if (s.n != 2 || !slice_is_alnum(s.p[0]) || !slice_is_alnum(s.p[1]))
		return;
	to[0] = s.p[0];
	to[1] = s.p[1];
	to[2] = '\0';
}

/* --- ranges -------------------------------------------------------------------------------- */

static void
size_of(const struct network *first, const struct network *last, unsigned char size[16])
{
	int borrow = 0;

	for (int i = 15; i >= 0; i--) {
		int d = last->a[i] - first->a[i] - borrow;

		borrow = d < 0;
		size[i] = (unsigned char)(d + (borrow ? 256 : 0));
	}
}

static void
last_of(const struct network *n, struct network *last)
{
	unsigned all = n->family == 4 ? 32 : 128;

	*last = *n;
	last->bits = (uint8_t)all;
	for (unsigned bit = n->bits; bit < all; bit++)
		last->a[bit / 8] |= (unsigned char)(0x80 >> bit % 8);
}

static int
by_network(const void *a, const void *b)
{
	return network_compare(&((const struct rir_want *)a)->net, &((const struct rir_want *)b)->net);
}

/* The first of them that does not begin before that address. */
static size_t
first_from(const struct rir *r, const struct network *address)
{
	struct network all = *address;
	size_t low = 0, high = r->n;

	all.bits = 0;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (network_compare(&r->want[middle].net, &all) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Whole registries' blocks are nobody's. */
static bool
too_wide(const struct network *first, const struct network *last)
{
	struct network all;

	network_span(first, last, &all);
	return all.bits < (first->family == 4 ? WIDEST_4 : WIDEST_6);
}

/* --- what is found --------------------------------------------------------------------------- */

static void
place(struct rir_place *p, const struct object *o, const unsigned char size[16])
{
	if (p->any && memcmp(p->size, size, sizeof p->size) <= 0)
		return;
	p->any = true;
	memcpy(p->size, size, sizeof p->size);
	memcpy(p->mail, o->mail, sizeof p->mail);
	memcpy(p->abuse, o->abuse, sizeof p->abuse);
	memcpy(p->irt, o->irt, sizeof p->irt);
	memcpy(p->org, o->org, sizeof p->org);
}

static void
found_range(struct rir *r, const struct object *o)
{
	unsigned char size[16];

	if (network_compare(&o->first, &o->last) > 0 || too_wide(&o->first, &o->last))
		return;
	size_of(&o->first, &o->last, size);
	for (size_t i = first_from(r, &o->first); i < r->n; i++) {
		struct rir_want *w = &r->want[i];
		struct network end;

		last_of(&w->net, &end);
		if (w->net.family != o->first.family || memcmp(w->net.a, o->last.a, sizeof end.a) > 0)
			break;
		if (memcmp(end.a, o->last.a, sizeof end.a) > 0)
			continue;
		if (o->mail[0] != '\0' || o->abuse[0] != '\0' || o->irt[0] != '\0')
			place(&w->named, o, size);
		if (o->org[0] != '\0')
			place(&w->owned, o, size);
		if (w->placed && memcmp(w->size, size, sizeof size) <= 0)
			continue;
		w->placed = true;
		memcpy(w->size, size, sizeof size);
		memcpy(w->registry, o->source, sizeof w->registry);
		memcpy(w->country, o->country, sizeof w->country);
	}
}

static int
by_key(const void *a, const void *b)
{
	return strcasecmp(((const struct handle *)a)->key, ((const struct handle *)b)->key);
}

static struct handle *
handle_of(const struct rir *r, const char *key)
{
	struct handle wanted;

	if (key[0] == '\0' || r->handles == 0)
		return NULL;
	memcpy(wanted.key, key, sizeof wanted.key);
	return bsearch(&wanted, r->handle, r->handles, sizeof *r->handle, by_key);
}

static void
object_end(struct rir *r)
{
	struct object *o = &r->o;
	struct handle *h;

	if (o->any && (o->ranged || o->keyed))
		r->understood++;
	if (r->pass == 0 && o->ranged) {
		found_range(r, o);
	} else if (r->pass > 0 && o->keyed && (h = handle_of(r, o->key)) != NULL) {
		if (o->mail[0] != '\0')
			memcpy(h->mail, o->mail, sizeof h->mail);
		if (o->abuse[0] != '\0')
			memcpy(h->next, o->abuse, sizeof h->next);
	}
	*o = (struct object){ 0 };
}

/* --- lines ------------------------------------------------------------------------------------ */

/* "192.0.2.0 - 192.0.2.255", "2001:db8::/32" */
static void
take_range(struct object *o, struct slice s)
{
	struct slice first;

	o->any = true;
	s = slice_trim(s);
	if (slice_cut(&s, '-', &first)) {
		o->ranged = network_parse(slice_trim(first), &o->first) &&
		    network_parse(slice_trim(s), &o->last) && o->first.family == o->last.family;
		return;
	}
	o->ranged = network_parse(s, &o->first);
	if (!o->ranged)
		return;
	last_of(&o->first, &o->last);
	o->first.bits = o->last.bits;
}

static void
take_attribute(struct object *o, struct slice name, struct slice value)
{
	struct slice before;

	if (slice_cut(&value, '#', &before))	/* "RIPE # Filtered" */
		value = before;
	if (slice_eq_nocase(name, SLICE("inetnum")) || slice_eq_nocase(name, SLICE("inet6num"))) {
		take_range(o, value);
	} else if (slice_eq_nocase(name, SLICE("organisation")) || slice_eq_nocase(name, SLICE("irt")) ||
	    slice_eq_nocase(name, SLICE("nic-hdl"))) {
		o->any = o->keyed = true;
		take_word(o->key, value);
	} else if (slice_eq_nocase(name, SLICE("abuse-mailbox")) && o->mail[0] == '\0') {
		take_mail(o->mail, value);
	} else if (slice_eq_nocase(name, SLICE("abuse-c"))) {
		take_word(o->abuse, value);
	} else if (slice_eq_nocase(name, SLICE("mnt-irt"))) {
		take_word(o->irt, value);
	} else if (slice_eq_nocase(name, SLICE("org"))) {
		take_word(o->org, value);
	} else if (slice_eq_nocase(name, SLICE("country"))) {
		take_country(o->country, value);
	} else if (slice_eq_nocase(name, SLICE("source"))) {
		take_word(o->source, value);
	}
}

/* "ripencc|NL|ipv4|192.0.2.0|256|20010101|allocated|..." */
static bool
take_delegation(struct rir *r, struct slice line)
{
	struct slice field[6];
	struct object o = { .ranged = true };
	uint64_t n;

	for (size_t i = 0; i < 6; i++)
		if (!slice_cut(&line, '|', &field[i]))
			return false;
	if (!slice_u64(&field[4], &n) || field[4].n > 0 || !network_parse(field[3], &o.first) ||
	    !(slice_eq(field[2], SLICE("ipv4")) ? o.first.family == 4 && n > 0 && n <= UINT32_MAX :
	    slice_eq(field[2], SLICE("ipv6")) && o.first.family == 6 && n <= 128))
		return false;
	if (o.first.family == 4) {
		uint64_t last = (uint64_t)o.first.a[0] << 24 | (uint64_t)o.first.a[1] << 16 |
		    (uint64_t)o.first.a[2] << 8 | o.first.a[3];

		last += n - 1;
		if (last > UINT32_MAX)
			return false;
		o.last = o.first;
		for (int i = 3; i >= 0; i--, last >>= 8)
			o.last.a[i] = (unsigned char)last;
	} else {
		network_widen(&o.first, (unsigned)n);
		last_of(&o.first, &o.last);
		o.first.bits = o.last.bits;
	}
	take_word(o.source, field[0]);
	take_country(o.country, field[1]);
	r->understood++;
	if (r->pass == 0)
		found_range(r, &o);
	return true;
}

static void
take_line(struct rir *r, struct slice line)
{
	struct slice name;

	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (line.n == 0) {
		object_end(r);
	} else if (line.p[0] == '%' || line.p[0] == '#' || line.p[0] == ' ' || line.p[0] == '\t' ||
	    line.p[0] == '+') {
		return;		/* a remark; or more of an attribute: none that we take has more */
	} else if (memchr(line.p, '|', line.n) != NULL && take_delegation(r, line)) {
		return;
	} else if (slice_cut(&line, ':', &name)) {
		take_attribute(&r->o, name, line);
	}
}

/* The lines of one piece of a file; what is after its last newline is not taken. Returns how much was. */
static size_t
take_lines(struct rir *r, struct slice s)
{
	size_t all = s.n;
	struct slice line;

	while (slice_cut(&s, '\n', &line)) {
		if (!r->skipping)
			take_line(r, slice_head(line, LINE_MOST));
		r->skipping = false;
	}
	return all - s.n;
}

static void
file_begin(struct rir *r)
{
	r->o = (struct object){ 0 };
	r->skipping = false;
	r->understood = 0;
}

/* --- files ------------------------------------------------------------------------------------- */

static bool
read_on(struct rir *r, int fd, const char *path, char *chunk, struct err *e)
{
	size_t n = 0, taken;
	ssize_t got;

	while ((got = read(fd, chunk + n, CHUNK - n)) > 0 || (got < 0 && errno == EINTR)) {
		if (got < 0)
			continue;
		n += (size_t)got;
		taken = take_lines(r, (struct slice){ chunk, n });
		n -= taken;
		memmove(chunk, chunk + taken, n);
		if (n > CHUNK / 2) {	/* no such line is of use */
			if (!r->skipping)
				take_line(r, (struct slice){ chunk, LINE_MOST });
			r->skipping = true;
			n = 0;
		}
	}
	if (got < 0)
		return err_set(e, "read %s: %s", path, strerror(errno));
	if (n > 0 && !r->skipping)
		take_line(r, slice_head((struct slice){ chunk, n }, LINE_MOST));
	object_end(r);
	return true;
}

static bool
is_packed(int fd)
{
	unsigned char head[6];
	ssize_t n = pread(fd, head, sizeof head, 0);

	return (n >= 2 && head[0] == 0x1f && head[1] == 0x8b) || (n >= 3 && memcmp(head, "BZh", 3) == 0) ||
	    (n >= 6 && memcmp(head, "\xfd" "7zXZ", 6) == 0) || (n >= 4 && memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0);
}

static bool
read_file(struct rir *r, const char *path, char *chunk, struct err *e)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	bool good;

	if (fd < 0)
		return err_set(e, "open %s: %s", path, strerror(errno));
	file_begin(r);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		good = err_set(e, "%s is no file", path);
	else if (is_packed(fd))
		good = err_set(e, "%s is compressed: unpack it first", path);
	else
		good = read_on(r, fd, path, chunk, e);
	close(fd);
	if (good && r->understood == 0)
		return err_set(e, "%s has neither objects of a whois dump nor lines of a registry's "
		    "delegated-extended file", path);
	return good;
}

/* --- handles ------------------------------------------------------------------------------------ */

static void
want_handle(struct rir *r, const char *key)
{
	if (key[0] == '\0')
		return;
	if (r->handles == r->handles_cap) {
		r->handles_cap = r->handles_cap > 0 ? r->handles_cap * 2 : 64;
		r->handle = xreallocarray(r->handle, r->handles_cap, sizeof *r->handle);
	}
	r->handle[r->handles] = (struct handle){ .key = "" };
	memcpy(r->handle[r->handles++].key, key, RIR_KEY);
}

static void
sort_handles(struct rir *r)
{
	size_t kept = 0;

	if (r->handles > 1)
		qsort(r->handle, r->handles, sizeof *r->handle, by_key);
	for (size_t i = 0; i < r->handles; i++) {
		if (kept > 0 && strcasecmp(r->handle[kept - 1].key, r->handle[i].key) == 0) {
			if (r->handle[i].mail[0] != '\0' || r->handle[i].next[0] != '\0')
				r->handle[kept - 1] = r->handle[i];
			continue;	/* one of them was looked for before */
		}
		r->handle[kept++] = r->handle[i];
	}
	r->handles = kept;
}

/* Which handles the next pass looks for; false: none. */
static bool
next_handles(struct rir *r)
{
	size_t before = r->handles;

	if (r->pass == 0) {
		for (size_t i = 0; i < r->n; i++) {
			const struct rir_want *w = &r->want[i];

			if (w->named.mail[0] == '\0') {
				want_handle(r, w->named.abuse);
				want_handle(r, w->named.irt);
			}
			want_handle(r, w->owned.org);
		}
	}
	for (size_t i = 0; r->pass > 0 && i < before; i++) {
		struct handle h = r->handle[i];	/* more of them may move it */

		if (h.mail[0] == '\0')
			want_handle(r, h.next);
	}
	if (r->handles == before)
		return false;
	sort_handles(r);
	return true;
}

/* By the handle itself, or by the one that it names. */
static bool
mail_of(const struct rir *r, const char *key, char mail[RIR_MAIL])
{
	const struct handle *h = handle_of(r, key);

	if (h != NULL && h->mail[0] == '\0')
		h = handle_of(r, h->next);
	if (h == NULL || h->mail[0] == '\0')
		return false;
	memcpy(mail, h->mail, sizeof h->mail);
	return true;
}

static bool
settle_place(const struct rir *r, const struct rir_place *p, char mail[RIR_MAIL])
{
	if (!p->any)
		return false;
	if (p->mail[0] != '\0') {
		memcpy(mail, p->mail, sizeof p->mail);
		return true;
	}
	return mail_of(r, p->abuse, mail) || mail_of(r, p->irt, mail) || mail_of(r, p->org, mail);
}

/* The smaller range knows better. */
static void
settle(const struct rir *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct rir_want *w = &r->want[i];
		bool owner = w->owned.any && (!w->named.any ||
		    memcmp(w->owned.size, w->named.size, sizeof w->owned.size) < 0);

		if (!settle_place(r, owner ? &w->owned : &w->named, w->mail))
			(void)settle_place(r, owner ? &w->named : &w->owned, w->mail);
	}
}

static void
begin(struct rir *r, struct rir_want *want, size_t n)
{
	*r = (struct rir){ .want = want, .n = n < RIR_WANTED_MAX ? n : RIR_WANTED_MAX };
	if (r->n > 1)
		qsort(want, r->n, sizeof *want, by_network);
}

bool
rir_find(const char *const *files, size_t n_files, struct rir_want *want, size_t n, struct err *e)
{
	struct rir r;
	char *chunk = xmalloc(CHUNK);
	bool good = true;

	begin(&r, want, n);
	for (; good && r.pass < PASSES; r.pass++) {
		for (size_t i = 0; good && i < n_files; i++)
			good = read_file(&r, files[i], chunk, e);
		if (!good || !next_handles(&r))
			break;
	}
	if (good)
		settle(&r);
	free(r.handle);
	free(chunk);
	return good;
}

bool
rir_find_text(struct slice text, struct rir_want *want, size_t n, struct err *e)
{
	struct rir r;

	begin(&r, want, n);
	for (; r.pass < PASSES; r.pass++) {
		size_t taken;

		file_begin(&r);
		taken = take_lines(&r, text);
		take_line(&r, slice_head(slice_from(text, taken), LINE_MOST));
		object_end(&r);
		if (r.understood == 0)
			return err_set(e, "neither objects nor delegations");
		if (!next_handles(&r))
			break;
	}
	settle(&r);
	free(r.handle);
	return true;
}
