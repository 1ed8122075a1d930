/* lag.c - see lag.h. One check is one process: the copies and the notes are the file's own. */
#include "lag.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "keep.h"
#include "mem.h"

#include "poison.h"

enum { SAY_BYTES = 1000, PLACES = 1 << 15 };

struct copy {
	char *name;
	double lag_s, silent_s;
};

/* Hashes: what strangers call things is of no interest later. */
struct note {
	uint64_t key, value;
	int64_t since;
	bool wanted;
};

static struct {
	struct copy copy[LAG_COPIES];
	size_t copies;
	struct note note[LAG_NOTES];
	uint16_t place[PLACES];	/* where a key's note is, and 1; by the key, the next free one else */
	size_t notes;
	bool many, much;	/* copies, and notes, that found no room */
	bool has_state;
	const char *check;	/* whose notes lag_tell() writes; NULL: none */
	struct slice thing;
	struct err unread;	/* why there are none */
	bool begun;		/* something is counted from this run on */
} all;

void
lag_copy(const char *name, double lag_s, double silent_s)
{
	if (all.copies < LAG_COPIES)
		all.copy[all.copies++] = (struct copy){ xstrdup(name), lag_s < 0 ? 0 : lag_s, silent_s };
	else
		all.many = true;
}

void
lag_state(enum check_state state, const char *name, const char *fmt, ...)
{
	struct buf b = buf_new(SAY_BYTES);
	va_list ap;

	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	check_state(state, "%s: %s", name, b.n > 0 ? b.p : "");
	all.has_state = true;
	buf_free(&b);
}

static const struct copy *
worst(double (*of)(const struct copy *))
{
	const struct copy *w = NULL;

	for (size_t i = 0; i < all.copies; i++)
		if (!isnan(of(&all.copy[i])) && (w == NULL || of(&all.copy[i]) > of(w)))
			w = &all.copy[i];
	return w;
}

static double
lag_of(const struct copy *c)
{
	return c->lag_s;
}

static double
silent_of(const struct copy *c)
{
	return c->silent_s;
}

static void
tell_number(struct buf *b, const char *name, double v)
{
	if (isnan(v))
		buf_fmt(b, ",\"%s\":null", name);
	else
		buf_fmt(b, ",\"%s\":%.6g", name, v);
}

static void
tell_json(void)
{
	struct buf b = buf_new(1 << 17);

	buf_char(&b, '[');
	for (size_t i = 0; i < all.copies; i++) {
		struct buf one = buf_new(SAY_BYTES);

		buf_str(&one, i > 0 ? ",{\"copy\":" : "{\"copy\":");
		buf_json(&one, slice_of(check_clean(slice_of(all.copy[i].name))));
		tell_number(&one, "lag", all.copy[i].lag_s);
		tell_number(&one, "silent", all.copy[i].silent_s);
		buf_char(&one, '}');
		if (b.n + one.n + 2 < b.max)
			buf_add(&b, buf_slice(&one));
		buf_free(&one);
	}
	buf_char(&b, ']');
	check_extra("copies", buf_slice(&b));
	buf_free(&b);
}

static void
tell_each(void)
{
	for (size_t i = 0; i < all.copies; i++) {
		const struct copy *c = &all.copy[i];
		struct buf b = buf_new(SAY_BYTES);

		if (!isnan(c->lag_s))
			buf_fmt(&b, "%s behind", check_people(c->lag_s, "s"));
		if (!isnan(c->silent_s))
			buf_fmt(&b, "%ssomething came from its source within the last %s", b.n > 0 ? ", " : "",
			    check_people(c->silent_s, "s"));
		check_verbose(1, "%s: %s", c->name, b.n > 0 ? b.p : "how far it is behind is not known");
		buf_free(&b);
	}
}

/* --- notes ------------------------------------------------------------------------------ */

static uint64_t
hashed(struct slice s)
{
	static const struct hash_key key = { { 0x6c62272e07bb0142u, 0x62b821756295c58du,
		0x27d4eb2f165667c5u, 0x85ebca77c2b2ae63u } };

	return hash_bytes(&key, s);
}

static struct note *
find(uint64_t key)
{
	size_t at = key % PLACES;

	while (all.place[at] != 0) {
		if (all.note[all.place[at] - 1].key == key)
			return &all.note[all.place[at] - 1];
		at = (at + 1) % PLACES;
	}
	if (all.notes == LAG_NOTES) {
		all.much = true;
		return NULL;
	}
	all.note[all.notes] = (struct note){ .key = key };
	all.place[at] = (uint16_t)++all.notes;
	return &all.note[all.notes - 1];
}

bool
lag_notes_read(const char *check, struct slice thing, struct err *e)
{
	struct buf b = buf_new(KEEP_BYTES);
	bool good = keep_read(check, thing, &b, e);
	struct slice s = buf_slice(&b);
	struct note n = { .wanted = false };

	while (good && slice_varint(&s, &n.key) && slice_varint(&s, &n.value) && slice_zigzag(&s, &n.since)) {
		struct note *at = find(n.key);

		if (at == NULL)
			break;
		*at = n;
	}
	buf_free(&b);
	return good;
}

static double
since(struct slice key, struct slice value, int64_t now, bool rests)
{
	struct note *n = find(hashed(key));
	uint64_t v = hashed(value);

	if (n == NULL)
		return 0;
	/* a clock that was set back must not make what is old new for ever */
	if (n->since == 0 || n->value != v || n->since > now)
		n->since = now;
	n->value = v;
	n->wanted = true;
	all.begun = all.begun || (n->since == now && rests);
	return (double)(now - n->since);
}

double
lag_since(struct slice key, struct slice value, int64_t now)
{
	return since(key, value, now, !slice_eq(value, LAG_WELL));
}

double
lag_silent_since(struct slice key, struct slice sign, int64_t now)
{
	return since(key, sign, now, check_has_limit("silent"));
}

double
lag_last_well(struct slice key, bool well, int64_t now)
{
	struct note *n = find(hashed(key));

	if (n == NULL)
		return (double)NAN;
	if (well || n->since > now)
		n->since = now;
	n->wanted = n->since != 0;
	return n->since == 0 ? (double)NAN : (double)(now - n->since);
}

void
lag_keep(struct slice key)
{
	struct note *n = find(hashed(key));

	if (n != NULL)
		n->wanted = n->since != 0;
}

bool
lag_notes_write(const char *check, struct slice thing, struct err *e)
{
	struct buf b = buf_new(KEEP_BYTES);
	bool good;

	for (size_t i = 0; i < all.notes; i++) {
		if (!all.note[i].wanted)
			continue;
		buf_varint(&b, all.note[i].key);
		buf_varint(&b, all.note[i].value);
		buf_zigzag(&b, all.note[i].since);
	}
	good = keep_write(check, thing, b.n > 0 ? buf_slice(&b) : SLICE(""), e);
	buf_free(&b);
	return good;
}

void
lag_begin(const char *check, struct slice thing)
{
	struct err e = { "" };

	if (!lag_notes_read(check, thing, &e))
		all.unread = e;
	all.check = check;
	all.thing = thing;
}

/* --- the answer -------------------------------------------------------------------------- */

bool
lag_answer(const struct apart_job *j, struct rows *r, const char *name)
{
	struct buf sentence = buf_new(2 * SAY_BYTES);
	bool ours, good;

	rows_read(r, buf_slice(&j->said));
	good = !rows_trouble(j, r, &sentence, &ours);
	if (!good)
		lag_state(ours ? CHECK_UNKNOWN : CHECK_CRITICAL, name, "%s", sentence.p);
	buf_free(&sentence);
	return good;
}

/* Keep the notes. */
static void
keep_notes(void)
{
	struct err e = { "" };
	bool kept = all.check == NULL || lag_notes_write(all.check, all.thing, &e);

	if (all.unread.text[0] != '\0')
		e = all.unread;
	else if (kept)
		return;
	keep_failed(all.begun, "since when something is so is not known", &e);
}

/* A lag that nobody knows has its reason among the states; without one it is UNKNOWN. */
void
lag_tell(void)
{
	const struct copy *far = worst(lag_of), *still = worst(silent_of);

	if (far != NULL) {
		check_value("lag", far->lag_s, "s");
		check_words("lag", NULL, "%s is %s behind", far->name, check_people(far->lag_s, "s"));
	} else if (all.has_state) {
		check_show("lag", (double)NAN, "s");
	} else {
		check_value("lag", (double)NAN, "s");
	}
	if (still != NULL) {
		check_value("silent", still->silent_s, "s");
		check_words("silent", NULL, "%s: nothing from its source for %s", still->name,
		    check_people(still->silent_s, "s"));
	} else {
		check_show("silent", (double)NAN, "s");
	}
	if (all.many)
		check_state(CHECK_UNKNOWN, "there are more than %d copies; the rest was not looked at", LAG_COPIES);
	if (all.much)
		check_detail("since when is remembered of %d things alone", LAG_NOTES);
	tell_each();
	tell_json();
	keep_notes();
}
