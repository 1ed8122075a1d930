/* test_pieces.c - cut lines on their way through ingest: each piece is counted as what the
 * whole line is, whichever source brought which, and wherever the collector was killed.
 *
 * The dialect is the test's own. Its lines are "[NUMBER/OF] TEXT", and "TEXT-" followed by
 * "+TEXT"; a TEXT that begins with "reject" is one, with "known" is known, else unknown. */
#include <inttypes.h>
#include <unistd.h>

#include "dialect/dialect.h"
#include "ingest.h"
#include "state_dir.h"
#include "stateread.h"
#include "tap.h"

#include "poison.h"

#define AT "2026-11-18T12:30:"
#define B0 1795005000

static bool
claims(const struct line *l)
{
	return slice_eq(l->tag, SLICE("cut"));
}

static int
parse(const struct line *l, struct event out[EVENTS_MAX])
{
	if (slice_starts(l->text, SLICE("known")))
		return slice_ends(l->text, SLICE("end")) ? 0 : -1;
	if (!slice_starts(l->text, SLICE("reject")) || !slice_ends(l->text, SLICE("end")))
		return -1;
	event_begin(&out[0], EV_REJECT)->cls = REASON_relay_denied;
	return 1;
}

static bool
part(const struct line *l, struct part *p)
{
	struct slice s = l->text;
	uint64_t n, of;

	*p = (struct part){ .key = slice_head(s, 0) };
	if (slice_eat_char(&s, '[') && slice_u64(&s, &n) && slice_eat_char(&s, '/') &&
	    slice_u64(&s, &of) && slice_eat(&s, SLICE("] "))) {
		p->n = (unsigned)n;
		p->of = (unsigned)of;
	} else {
		s = l->text;
		p->first = !slice_eat_char(&s, '+');
		p->more = slice_ends(s, SLICE("-"));
		if (p->more)
			s.n--;
		if (p->first && !p->more)
			return false;
	}
	p->text = s;
	return true;
}

static const struct dialect cut = { .name = "cut", .claims = claims, .parse = parse, .part = part };
const struct dialect *const dialects[] = { &cut, NULL };

const struct dialect *
dialect_of(const struct line *l)
{
	return claims(l) ? &cut : NULL;
}

/* Literals may hold NUL bytes. */
#define L(s) { (s), sizeof(s) - 1 }

/* The letters say which of two relays has the line. */
static const struct {
	const char *who;
	struct slice text;
} lines[] = {
	{ "ab", L(AT "00Z mx1 cut[1]: [1/3] reject") },
	{ "ab", L(AT "00Z mx1 cut[1]: reject whole end") },
	{ "b", L(AT "01Z mx1 cut[1]: [2/3]  more") },
	{ "a", L(AT "01Z mx1 cut[1]: [3/3]  end") },
	{ "ab", L(AT "02Z mx2 cut[1]: [1/2] known") },
	{ "ab", L(AT "02Z mx1 cut[2]: known-") },
	{ "ab", L("2026-11-18T14:30:02Z mx3 cut[2]: known-") },	/* its clock is ahead */
	{ "ab", L("2026-11-19T12:30:02Z mx1 cut[2]: known end") },	/* a stamp that is wrong */
	{ "ab", L(AT "02Z mx1 cut[2]: +and end") },
	{ "ab", L("2026-11-18T14:30:02Z mx3 cut[2]: +end") },
	{ "a", L(AT "03Z mx2 cut[1]: [2/2] end") },
	{ "ab", L(AT "04Z mx1 cut[4]: reject end-") },		/* it only looks cut */
	{ "ab", L(AT "05Z mx1 cut[5]: [1/2] reject") },		/* its end is lost everywhere */
	{ "ab", L(AT "06Z mx1 cut[6]: +end") },			/* its beginning is */
	{ "a", L(AT "07Z mx1 cut[7]: [2/2] end") },
	{ "b", L(AT "07Z mx1 cut[7]: [1/2] reject") },
	{ "ab", L(AT "20Z mx1 other: foreign") },
	{ "ab", L(AT "59Z mx1 cut[8]: [1/2] reject") },
	{ "ab", L("2026-11-18T12:31:00Z mx1 cut[8]: [2/2] end") },	/* another minute */
	/* of these the parser keeps what it has read, too */
	{ "b", L("__REALTIME_TIMESTAMP=1795005061000000") },
	{ "b", L("_HOSTNAME=mx1") },
	{ "b", L("SYSLOG_IDENTIFIER=cut") },
	{ "b", L("MESSAGE") },
	{ "b", L("\11\0\0\0\0\0\0\0known") },	/* "known", an end of line, "end": 9 bytes */
	{ "b", L("end") },
	{ "b", L("") },
	{ "b", L("{\"log\":\"" AT "30Z mx1 cut[9]: known\",\"stream\":\"stderr\",\"time\":\"2026-11-18T12:30:30Z\"}") },
	{ "b", L("{\"log\":\"" AT "30Z mx1 cut[9]: known end\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-18T12:30:30Z\"}") },
	{ "b", L("{\"log\":\" end\\n\",\"stream\":\"stderr\",\"time\":\"2026-11-18T12:30:30Z\"}") },
};

enum { LINES = sizeof lines / sizeof *lines };

static char dir[] = "/tmp/mx-pieces.XXXXXX";
static char *reference;

struct world {
	struct ingest *in;
	struct feed *feed[2];
};

static struct world
begin(void)
{
	static const char *const names[] = { "a", "b" };
	struct err e = { "" };
	struct world w = { .in = ingest_open(dir, &ingest_defaults, &e) };

	for (int i = 0; w.in != NULL && i < 2; i++) {
		struct state *s = ingest_state(w.in);

		if (state_sources(s) <= (size_t)i)
			(void)state_source_add(s, names[i]);
		w.feed[i] = feed_open(w.in, state_source_at(s, (size_t)i), "UTC", 0, NULL, B0 + 86400, &e);
		if (w.feed[i] == NULL)
			die(&e);
	}
	if (w.in == NULL)
		die(&e);
	return w;
}

static void
drop(struct world *w)
{
	feed_close(w->feed[0]);
	feed_close(w->feed[1]);
	ingest_close(w->in);
}

static void
take(struct world *w, size_t i, int source)
{
	struct err e = { "" };

	if (strchr(lines[i].who, 'a' + source) != NULL &&
	    !ingest_line(w->in, w->feed[source], lines[i].text, false, &e))
		die(&e);
}

static void
commit(struct world *w)
{
	struct err e = { "" };

	feed_remember(w->feed[0]);
	feed_remember(w->feed[1]);
	if (!ingest_commit(w->in, true, &e))
		die(&e);
}

static void
end(struct world *w)
{
	ingest_end(w->in);
	commit(w);
	drop(w);
}

struct dump {
	const char *host;
	struct buf b;
};

static bool
dump_minute(void *arg, int host, int64_t minute, const struct cell *c)
{
	struct dump *d = arg;

	(void)host;
	buf_fmt(&d->b, "%s %" PRId64 ":", d->host, minute - B0 / 60);
	for (uint32_t i = 0; i < c->n; i++)
		if (c->pair[i].key < METRIC_N && c->pair[i].key != M_copies && c->pair[i].n != 0)
			buf_fmt(&d->b, " %s=%" PRId64, metrics[c->pair[i].key].name, c->pair[i].n);
	buf_char(&d->b, '\n');
	return true;
}

/* Every count of every minute; and the state is dropped. */
static char *
dump(void)
{
	struct dump d = { .b = buf_new(1 << 16) };
	struct err e = { "" };
	struct stateread *r = stateread_open(dir, &e);
	const struct stateread_host *hosts;
	size_t n;

	if (r == NULL || !stateread_hosts(r, &hosts, &n, &e))
		die(&e);
	for (size_t i = 0; i < n; i++) {
		d.host = hosts[i].name;
		if (!stateread_minutes(r, hosts[i].id, 0, INT32_MAX, dump_minute, &d, &e))
			die(&e);
	}
	stateread_close(r);
	drop_state(dir);
	return d.b.p;
}

static bool
same(void)
{
	char *got = dump();
	bool good = strcmp(got, reference) == 0;

	if (!good)
		printf("# got\n# %s", got);
	free(got);
	return good;
}

/* Both relays line by line. */
static void
test_by_hand(void)
{
	struct world w = begin();
	const struct ingest_totals *t = ingest_totals(w.in);

	for (size_t i = 0; i < LINES; i++) {
		take(&w, i, 0);
		take(&w, i, 1);
	}
	ingest_end(w.in);
	ok(t->lines - t->copies == 22 && t->events == 9 && t->known == 10 && t->foreign == 1 &&
	    t->unknown == 1, "each piece is what its line is: %d events, %d known, %d foreign, %d unknown of %d",
	    (int)t->events, (int)t->known, (int)t->foreign, (int)t->unknown, (int)(t->lines - t->copies));
	commit(&w);
	drop(&w);
	reference = dump();
	printf("# %s", reference);
}

static void
test_relays(void)
{
	struct world w = begin();

	for (int source = 0; source < 2; source++)
		for (size_t i = 0; i < LINES; i++)
			take(&w, i, source);
	end(&w);
	ok(same(), "one relay's log after the other's");
	w = begin();
	for (int source = 1; source >= 0; source--)
		for (size_t i = 0; i < LINES; i++)
			take(&w, i, source);
	end(&w);
	ok(same(), "and the other way round");
}

/* Commits every so many lines; killed after line k, and read on from the last commit. */
static void
test_kills(size_t every)
{
	bool good = true;

	for (size_t k = 0; good && k < LINES; k++) {
		struct world w = begin();
		size_t committed = 0;
		bool killed = false;

		for (size_t i = 0; i < LINES; i++) {
			take(&w, i, 0);
			take(&w, i, 1);
			if ((i + 1) % every == 0) {
				commit(&w);
				committed = i + 1;
			}
			if (i == k && !killed) {
				killed = true;
				drop(&w);
				w = begin();
				i = committed - 1;
			}
		}
		end(&w);
		good = same();
		if (!good)
			printf("# killed after line %zu\n", k);
	}
	ok(good, "killed at any line, a commit every %zu lines", every);
}

int
main(void)
{
	if (mkdtemp(dir) == NULL)
		return 1;
	test_by_hand();
	test_relays();
	test_kills(1);
	test_kills(2);
	test_kills(3);
	test_kills(LINES);
	free(reference);
	(void)rmdir(dir);
	return done_testing();
}
