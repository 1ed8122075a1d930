/* mailbox_imap.c - probes in a mailbox behind IMAP (RFC 3501, UIDPLUS of RFC 4315, SPECIAL-USE of RFC
 * 6154). See mailbox.h.
 *
 * The server searches for the marker, and only what it finds is fetched: no body ever. The mark of a
 * folder is UIDVALIDITY:UIDNEXT, from where the next look goes on. Deleted are the probes'
 * UIDs alone; without UIDPLUS, EXPUNGE is said only where nothing else is marked as deleted.
 * A server may answer anything: an answer is read as a whole, bounded, and taken apart then. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "mailbox_priv.h"
#include "mem.h"

#include "poison.h"

enum {
	RESPONSE_MAX = 1 << 18,
	SINCE_S = 8 * 86400,	/* a first look goes back so far */
	MISSING_PAUSE = 8	/* a folder that was not there is asked for at each 8th look */
};

struct uids {
	uint32_t v[MAILBOX_AT_ONCE];
	size_t n;
	bool more;
};

struct imap {
	struct boxlink *link;
	unsigned tag;
	bool uidplus, special;	/* it can */
	struct buf response;	/* a line with its literals */
	char bye[300];
	uint32_t validity, next;	/* of the folder that is open */
	struct uids found, ours;
	const struct mailbox_folder *folder;
};

typedef void (*heard)(struct mailbox *m, struct slice response);

/* --- answers ------------------------------------------------------------------------------- */

/* "...{310}" announces 310 bytes. */
static bool
announces(struct slice line, uint64_t *n)
{
	struct slice number = line;
	ptrdiff_t at = slice_rfind(line, SLICE("{"));

	if (at < 0 || !slice_ends(line, SLICE("}")))
		return false;
	number = slice_from(line, (size_t)at + 1);
	return slice_u64(&number, n) && slice_eq(number, SLICE("}"));
}

static bool
next_response(struct imap *s, struct err *e)
{
	struct slice line;
	uint64_t n;

	buf_clear(&s->response);
	for (;;) {
		if (!boxlink_line(s->link, &line, e))
			return false;
		buf_add(&s->response, line);
		if (!announces(line, &n))
			break;
		if (n > BOXLINK_ANSWER_MAX)
			return err_set(e, "the server announces %" PRIu64 " bytes at once", n);
		buf_char(&s->response, '\n');
		if (!boxlink_bytes(s->link, (size_t)n, &s->response, e))
			return false;
	}
	return true;
}

/* Until the tagged answer. *answer lives until the next command. */
static bool
listen_to(struct mailbox *m, const char *tag, heard what, struct slice *answer, struct err *e)
{
	struct imap *s = m->state;

	for (;;) {
		if (!next_response(s, e))
			return s->bye[0] == '\0' ? false : err_set(e, "the server said BYE%s", s->bye);
		*answer = buf_slice(&s->response);
		if (slice_eat(answer, slice_of(tag)) && slice_eat_char(answer, ' '))
			return true;
		*answer = buf_slice(&s->response);
		if (!slice_eat(answer, SLICE("* ")))
			return err_set(e, "this is no answer of IMAP: \"%.*s\"", (int)slice_head(*answer, 100).n,
			    answer->n > 0 ? answer->p : "");
		if (slice_eat(answer, SLICE("BYE")))
			(void)snprintf(s->bye, sizeof s->bye, "%.*s", (int)answer->n, answer->p);
		else if (what != NULL)
			what(m, *answer);
	}
}

/* Say a command and hear the answer out. *good: it was OK, else *answer has "NO ...". False and *e
 * where there is no more to be had of this connection. */
static bool __attribute__((format(printf, 6, 7)))
command(struct mailbox *m, heard what, bool *good, struct slice *answer, struct err *e, const char *fmt, ...)
{
	struct imap *s = m->state;
	struct buf b = buf_new(8192);
	struct err why = { "" };
	struct slice words, name;
	char tag[16];
	va_list ap;
	bool heard_out;

	(void)snprintf(tag, sizeof tag, "m%u", ++s->tag);
	buf_fmt(&b, "%s ", tag);
	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	words = slice_from(buf_slice(&b), strlen(tag) + 1);
	(void)slice_eat(&words, SLICE("UID "));
	if (!slice_cut(&words, ' ', &name))
		name = words;
	heard_out = boxlink_say(s->link, buf_slice(&b), &why) && listen_to(m, tag, what, answer, &why);
	*good = heard_out && slice_starts(*answer, SLICE("OK"));
	if (!heard_out)
		err_set(e, "%.*s: %s", (int)name.n, name.p, why.text);
	buf_free(&b);
	return heard_out;
}

static bool
refused(struct err *e, const char *what, struct slice answer)
{
	return err_set(e, "%s: %.*s", what, (int)slice_head(answer, 300).n, answer.p);
}

/* --- taking them apart --------------------------------------------------------------------- */

/* Text in quotes, a literal, a list, or a word. What it holds; false: it is cut off. */
static bool
take_quoted(struct slice *s, struct slice *v)
{
	size_t i = 1;

	while (i < s->n && s->p[i] != '"')
		i += s->p[i] == '\\' ? 2 : 1;
	if (i >= s->n)
		return false;
	*v = slice_head(slice_from(*s, 1), i - 1);
	*s = slice_from(*s, i + 1);
	return true;
}

static bool
take_literal(struct slice *s, struct slice *v)
{
	struct slice rest = slice_from(*s, 1);
	uint64_t n;

	if (!slice_u64(&rest, &n) || !slice_eat(&rest, SLICE("}\n")) || n > rest.n)
		return false;
	*v = slice_head(rest, (size_t)n);
	*s = slice_from(rest, (size_t)n);
	return true;
}

/* Up to a blank or the end of the list; blanks in brackets belong to it: BODY[HEADER.FIELDS (A B)]. */
static bool
take_word(struct slice *s, struct slice *v)
{
	size_t i = 0;
	bool inside = false;

	for (; i < s->n && (inside || (s->p[i] != ' ' && s->p[i] != ')')); i++)
		if (s->p[i] == '[' || s->p[i] == ']')
			inside = s->p[i] == '[';
	*v = slice_head(*s, i);
	*s = slice_from(*s, i);
	return i > 0;
}

static bool
take_list(struct slice *s, struct slice *v)
{
	const char *begin = s->p;
	struct slice part;
	int depth = 0;

	do {
		bool good = true;

		if (s->n == 0)
			return false;
		if (s->p[0] == '"')
			good = take_quoted(s, &part);
		else if (s->p[0] == '{')
			good = take_literal(s, &part);
		else {
			depth += s->p[0] == '(' ? 1 : s->p[0] == ')' ? -1 : 0;
			*s = slice_from(*s, 1);
		}
		if (!good)
			return false;
	} while (depth > 0);
	*v = (struct slice){ begin, (size_t)(s->p - begin) };
	return true;
}

static bool
take_value(struct slice *s, struct slice *v)
{
	switch (s->n > 0 ? s->p[0] : '\0') {
	case '"':
		return take_quoted(s, v);
	case '{':
		return take_literal(s, v);
	case '(':
		return take_list(s, v);
	default:
		return take_word(s, v);
	}
}

static void
uids_add(struct uids *u, uint64_t uid)
{
	if (uid == 0 || uid > UINT32_MAX)
		return;
	if (u->n < MAILBOX_AT_ONCE)
		u->v[u->n++] = (uint32_t)uid;
	else
		u->more = true;
}

static void
uids_print(struct buf *b, const struct uids *u)
{
	for (size_t i = 0; i < u->n; i++)
		buf_fmt(b, "%s%" PRIu32, i > 0 ? "," : "", u->v[i]);
}

/* --- what is heard ------------------------------------------------------------------------- */

static void
on_capability(struct mailbox *m, struct slice r)
{
	struct imap *s = m->state;
	struct slice word;

	if (!slice_eat(&r, SLICE("CAPABILITY ")))
		return;
	while (take_word(&r, &word)) {
		s->uidplus = s->uidplus || slice_eq_nocase(word, SLICE("uidplus"));
		s->special = s->special || slice_eq_nocase(word, SLICE("special-use"));
		(void)slice_eat_char(&r, ' ');
	}
}

/* LIST (\HasNoChildren \Junk) "/" "Unwanted" */
static void
on_list(struct mailbox *m, struct slice r)
{
	struct slice flags, separator, name;
	char text[MAILBOX_NAME];

	if (!slice_eat(&r, SLICE("LIST ")) || !take_value(&r, &flags) || !slice_eat_char(&r, ' ') ||
	    !take_value(&r, &separator) || !slice_eat_char(&r, ' ') || !take_value(&r, &name) ||
	    slice_find_nocase(flags, SLICE("\\junk")) < 0 || name.n == 0 || name.n >= sizeof text)
		return;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] < ' ' || name.p[i] > '~' || name.p[i] == '"' || name.p[i] == '\\')
			return;
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	(void)mailbox_folder(m, text, true, false);
}

/* OK [UIDNEXT 4392] Predicted next UID */
static void
on_select(struct mailbox *m, struct slice r)
{
	struct imap *s = m->state;
	uint64_t n;

	if (!slice_eat(&r, SLICE("OK [UID")))
		return;
	if (slice_eat(&r, SLICE("VALIDITY ")) && slice_u64(&r, &n))
		s->validity = n <= UINT32_MAX ? (uint32_t)n : 0;
	else if (slice_eat(&r, SLICE("NEXT ")) && slice_u64(&r, &n))
		s->next = n <= UINT32_MAX ? (uint32_t)n : 0;
}

static void
on_search(struct mailbox *m, struct slice r)
{
	struct imap *s = m->state;
	uint64_t uid;

	if (!slice_eat(&r, SLICE("SEARCH")))
		return;
	while (slice_eat_char(&r, ' ') && slice_u64(&r, &uid))
		uids_add(&s->found, uid);
}

/* 12 FETCH (UID 4391 INTERNALDATE "21-Nov-2026 18:44:33 +0000" BODY[HEADER.FIELDS (...)] {310}... */
static void
on_fetch(struct mailbox *m, struct slice r)
{
	struct imap *s = m->state;
	struct slice key, value, head = SLICE("");
	uint64_t uid = 0;
	int64_t at;
	double arrived = (double)NAN;

	if (!slice_u64(&r, &uid) || !slice_eat(&r, SLICE(" FETCH (")))
		return;
	uid = 0;
	while (take_word(&r, &key) && slice_eat_char(&r, ' ') && take_value(&r, &value)) {
		if (slice_eq_nocase(key, SLICE("uid")))
			(void)slice_u64(&value, &uid);
		else if (slice_eq_nocase(key, SLICE("internaldate")) && mailhead_date(value, &at))
			arrived = (double)at;
		else if (slice_starts(key, SLICE("BODY[")))
			head = value;
		(void)slice_eat_char(&r, ' ');
	}
	if (uid > 0 && s->ours.n < MAILBOX_AT_ONCE && mailbox_judge(m, s->folder, head, arrived))
		uids_add(&s->ours, uid);
}

/* --- a look -------------------------------------------------------------------------------- */

/* "m:n" of an earlier look; 0 where it does not hold any more. */
static uint32_t
begin_at(const struct imap *s, const struct mailbox_folder *f)
{
	struct slice mark = slice_of(f->mark);
	uint64_t validity, next;

	if (!slice_u64(&mark, &validity) || !slice_eat_char(&mark, ':') || !slice_u64(&mark, &next) ||
	    s->validity == 0 || validity != s->validity || next > UINT32_MAX)
		return 0;
	return (uint32_t)next;
}

static bool
search(struct mailbox *m, const struct mailbox_folder *f, struct err *e)
{
	struct imap *s = m->state;
	uint32_t from = begin_at(s, f);
	time_t since = time(NULL) - SINCE_S;
	struct slice answer;
	struct tm tm;
	char range[64];
	bool good;

	gmtime_r(&since, &tm);
	if (from > 0)
		(void)snprintf(range, sizeof range, "UID %" PRIu32 ":*", from);
	else
		(void)strftime(range, sizeof range, "SINCE %d-%b-%Y", &tm);
	s->found = s->ours = (struct uids){ .n = 0 };
	if (!command(m, on_search, &good, &answer, e, "UID SEARCH %s HEADER X-Mxgauge-Token %s", range, m->sign))
		return false;
	return good || refused(e, "SEARCH", answer);
}

static bool
fetch(struct mailbox *m, struct err *e)
{
	struct imap *s = m->state;
	struct buf set = buf_new(4096);
	struct slice answer;
	bool good, rc;

	uids_print(&set, &s->found);
	rc = command(m, on_fetch, &good, &answer, e, "UID FETCH %s (UID INTERNALDATE "
	    "BODY.PEEK[HEADER.FIELDS (X-Mxgauge-Token Received)])", set.p);
	buf_free(&set);
	return rc && (good || refused(e, "FETCH", answer));
}

/* Without UIDPLUS: is anything but our probes marked as deleted? */
static bool
others_deleted(struct mailbox *m, bool *others, struct err *e)
{
	struct imap *s = m->state;
	struct slice answer;
	bool good;

	s->found = (struct uids){ .n = 0 };
	if (!command(m, on_search, &good, &answer, e, "UID SEARCH DELETED"))
		return false;
	*others = !good || s->found.more;
	for (size_t i = 0; i < s->found.n && !*others; i++) {
		bool is_ours = false;

		for (size_t j = 0; j < s->ours.n; j++)
			is_ours = is_ours || s->ours.v[j] == s->found.v[i];
		*others = !is_ours;
	}
	return true;
}

static bool
expunge(struct mailbox *m, const struct mailbox_folder *f, const char *set, struct err *e)
{
	struct imap *s = m->state;
	struct slice answer;
	bool good, others = false;

	if (!s->uidplus && !others_deleted(m, &others, e))
		return false;
	if (others) {
		mailbox_stuck(m, f->name, "they are marked as deleted only: the server has no UIDPLUS, and other "
		    "messages are marked, too");
		return true;
	}
	if (s->uidplus ? !command(m, NULL, &good, &answer, e, "UID EXPUNGE %s", set) :
	    !command(m, NULL, &good, &answer, e, "EXPUNGE"))
		return false;
	if (good)
		m->deleted += s->ours.n;
	else
		mailbox_stuck(m, f->name, "the server does not expunge");
	return true;
}

static bool
remove_ours(struct mailbox *m, const struct mailbox_folder *f, struct err *e)
{
	struct imap *s = m->state;
	struct buf set = buf_new(4096);
	struct slice answer;
	bool good, rc;

	uids_print(&set, &s->ours);
	rc = command(m, NULL, &good, &answer, e, "UID STORE %s +FLAGS.SILENT (\\Deleted)", set.p);
	if (rc && good)
		rc = expunge(m, f, set.p, e);
	else if (rc)
		mailbox_stuck(m, f->name, "the server lets nobody delete");
	buf_free(&set);
	return rc;
}

static bool
look_in(struct mailbox *m, struct mailbox_folder *f, struct err *e)
{
	struct imap *s = m->state;
	struct slice answer;
	bool good;

	s->validity = s->next = 0;
	s->folder = f;
	if (!command(m, on_select, &good, &answer, e, "SELECT \"%s\"", f->name))
		return false;
	f->missing = !good;
	if (!good)
		return !f->wanted || refused(e, f->name, answer);
	if (!search(m, f, e) || (s->found.n > 0 && !fetch(m, e)) ||
	    (s->ours.n > 0 && !remove_ours(m, f, e)))
		return false;
	if (s->next > 0 && !s->found.more && m->undeleted[0] == '\0')
		(void)snprintf(f->mark, sizeof f->mark, "%" PRIu32 ":%" PRIu32, s->validity, s->next);
	return true;
}

static bool
begin(struct mailbox *m, struct err *e)
{
	struct boxlink *link = m->dial(&m->link, m->deadline, &m->ours, e);
	struct imap *s;
	struct slice answer;
	bool good;

	if (link == NULL)
		return false;
	s = m->state = xcalloc(1, sizeof *s);
	s->link = link;
	s->response = buf_new(RESPONSE_MAX);
	return command(m, on_capability, &good, &answer, e, "CAPABILITY") &&
	    (!s->special || command(m, on_list, &good, &answer, e, "LIST (SPECIAL-USE) \"\" \"*\""));
}

static bool
look(struct mailbox *m, struct err *e)
{
	if (m->state == NULL && !begin(m, e))
		return false;
	for (size_t i = 0; i < m->folders; i++)
		if ((!m->folder[i].missing || m->looks % MISSING_PAUSE == 0) && !look_in(m, &m->folder[i], e))
			return false;
	return true;
}

/* A LOGOUT for politeness; nobody waits for the answer. */
static void
done(struct mailbox *m)
{
	struct imap *s = m->state;
	struct err e;

	(void)boxlink_say(s->link, SLICE("bye LOGOUT"), &e);
	boxlink_close(s->link);
	buf_free(&s->response);
	free(s);
}

static const char *const junk[] = { "Junk", "Spam", "INBOX.Junk", "INBOX.Spam", NULL };
const struct mailbox_kind mailbox_imap = { "IMAP", true, junk, 0.05, 1, look, done };
