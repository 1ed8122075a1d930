/* repeat.c - what a sender sends again is not taken twice, see repeat.h. */
#include "input/repeat.h"

#include <stdlib.h>

#include "hash.h"
#include "mem.h"

#include "poison.h"

/* --- the last lines ---------------------------------------------------------------- */

static void
recent_free(struct recent *r)
{
	free(r->hash);
	*r = (struct recent){ 0 };
}

static struct recent *
find(struct recents *r, uint64_t session)
{
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		if (r->of[i].session == session && session != 0)
			return &r->of[i];
	return NULL;
}

/* A new one takes the place of the one that was silent for the longest time. */
static struct recent *
find_or_begin(struct recents *r, uint64_t session)
{
	struct recent *one = find(r, session), *oldest = &r->of[0];

	if (one != NULL)
		return one;
	for (size_t i = 1; i < SESSIONS_MAX; i++)
		if (r->of[i].turn < oldest->turn)
			oldest = &r->of[i];
	recent_free(oldest);
	oldest->session = session;
	return oldest;
}

static void
add(struct recent *one, uint64_t hash)
{
	size_t n = one->n;

	/* at 16, 32, 64 ...: many sessions have few lines */
	if (n < RECENT_MAX && (n == 0 || (n >= 16 && (n & (n - 1)) == 0)))
		one->hash = xreallocarray(one->hash, n == 0 ? 16 : n * 2, sizeof *one->hash);
	one->hash[one->next] = hash;
	one->next = (one->next + 1) % RECENT_MAX;
	one->n += one->n < RECENT_MAX;
}

void
recents_add(struct recents *r, uint64_t session, uint64_t hash)
{
	struct recent *one = find_or_begin(r, session);

	add(one, hash);
	one->turn = ++r->turn;
	one->clean = false;
	one->news = true;
}

void
recents_end(struct recents *r, uint64_t session)
{
	struct recent *one = find(r, session);

	if (one != NULL)
		one->clean = true;
}

void
recents_drop(struct recents *r, uint64_t session)
{
	struct recent *one = find(r, session);

	if (one != NULL)
		recent_free(one);
}

void
recents_free(struct recents *r)
{
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		recent_free(&r->of[i]);
	*r = (struct recents){ 0 };
}

/* The i-th, from the oldest. */
static uint64_t
recent_at(const struct recent *r, size_t i)
{
	return r->hash[(r->next + RECENT_MAX - r->n + i) % RECENT_MAX];
}

static void
forget_silent(struct recents *r)
{
	int64_t newest = 0;

	for (size_t i = 0; i < SESSIONS_MAX; i++)
		newest = r->of[i].at > newest ? r->of[i].at : newest;
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		if (r->of[i].session != 0 && newest - r->of[i].at > RECENT_IDLE_S)
			recent_free(&r->of[i]);
}

void
recents_store(struct recents *r, int64_t now, struct buf *b)
{
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		if (r->of[i].news)
			r->of[i].at = now;
		r->of[i].news = false;
	}
	forget_silent(r);
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		const struct recent *one = &r->of[i];

		if (one->session == 0)
			continue;
		buf_varint(b, one->session);
		buf_varint(b, one->turn);
		buf_zigzag(b, one->at);
		buf_varint(b, one->n * 2 + one->clean);
		for (size_t k = 0; k < one->n; k++) {
			uint64_t hash = recent_at(one, k);

			buf_add(b, (struct slice){ (const char *)&hash, sizeof hash });
		}
	}
}

/* False: these bytes are none. */
static bool
load(struct recent *one, struct slice *bytes)
{
	uint64_t n;

	if (!slice_varint(bytes, &one->session) || !slice_varint(bytes, &one->turn) ||
	    !slice_zigzag(bytes, &one->at) || !slice_varint(bytes, &n) || one->session == 0 ||
	    n / 2 > RECENT_MAX || n / 2 * 8 > bytes->n)
		return false;
	one->clean = n % 2 != 0;
	for (n /= 2; n > 0; n--) {
		add(one, hash_read64(bytes->p));
		*bytes = slice_from(*bytes, 8);
	}
	return true;
}

void
recents_load(struct recents *r, struct slice bytes)
{
	size_t i;

	recents_free(r);
	for (i = 0; i < SESSIONS_MAX && bytes.n > 0 && load(&r->of[i], &bytes); i++)
		if (r->of[i].turn > r->turn)
			r->turn = r->of[i].turn;
	if (bytes.n > 0)
		recents_free(r);
}

/* --- the beginning of a session ------------------------------------------------------ */

void
repeat_begin(struct repeat *r, const struct recents *of, uint64_t self)
{
	size_t n = 0;

	repeat_free(r);
	*r = (struct repeat){ .self = self, .held = buf_new(REPEAT_HELD_MAX) };
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		n += of->of[i].n;
	if (n == 0)
		return;
	r->list = xreallocarray(NULL, n, sizeof *r->list);
	r->start = xreallocarray(NULL, n, sizeof *r->start);
	for (uint32_t i = 0; i < SESSIONS_MAX; i++) {
		const struct recent *one = &of->of[i];

		for (size_t k = 0; k < one->n; k++) {
			r->list[r->starts] = recent_at(one, k);
			r->start[r->starts] = (struct repeat_start){ (uint32_t)r->starts, i };
			r->starts++;
		}
		r->part[i] = (struct repeat_part){ r->starts, one->session, one->clean };
	}
}

static void
end_run(struct repeat *r)
{
	free(r->list);
	free(r->start);
	r->list = NULL;
	r->start = NULL;
	r->starts = 0;
}

void
repeat_free(struct repeat *r)
{
	end_run(r);
	buf_free(&r->held);
	r->taken = r->known = r->given = 0;
}

static bool
keep(struct repeat *r, struct slice line, bool cut)
{
	struct buf head = buf_new(16);
	bool fits;

	buf_varint(&head, line.n * 2 + cut);
	fits = head.n + line.n <= r->held.max - r->held.n;
	if (fits) {
		buf_add(&r->held, buf_slice(&head));
		buf_add(&r->held, line);
	}
	buf_free(&head);
	return fits;
}

bool
repeat_hold(struct repeat *r, uint64_t hash, bool exact, struct slice line, bool cut)
{
	size_t left = 0, fit = 0;
	uint64_t whole = 0;	/* the session whose list this line ends */

	if (r->list == NULL)
		return false;
	for (size_t i = 0; i < r->starts; i++) {
		const struct repeat_part *part = &r->part[r->start[i].part];
		size_t at = r->start[i].at + r->taken;

		if (r->list[at] != hash || (part->clean && !exact))
			continue;
		fit++;
		if (at + 1 < part->end)
			r->start[left++] = r->start[i];
		else if (whole == 0)
			whole = part->session;
	}
	if (fit == 0 || (whole == 0 && !keep(r, line, cut)))
		return false;
	r->starts = left;
	r->taken++;
	if (whole != 0) {
		r->of = whole;
		r->known = r->taken;
		buf_clear(&r->held);
	}
	if (left == 0)
		repeat_free(r);
	return true;
}

bool
repeat_rest(struct repeat *r, struct slice *line, bool *cut)
{
	struct slice rest = slice_from(buf_slice(&r->held), r->given);
	uint64_t head;

	end_run(r);
	if (!slice_varint(&rest, &head)) {
		repeat_free(r);
		return false;
	}
	*line = slice_head(rest, (size_t)(head / 2));
	*cut = head % 2 != 0;
	r->given = r->held.n - rest.n + line->n;
	return true;
}

void
repeat_carry_on(struct repeat *r, struct recents *of)
{
	struct recent *one = find(of, r->of);

	if (one != NULL)
		one->session = r->self;
	r->of = 0;
}
