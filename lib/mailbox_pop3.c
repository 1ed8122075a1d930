/* mailbox_pop3.c - probes in a mailbox behind POP3 (RFC 1939). See mailbox.h.
 *
 * There is one folder, nothing can be searched, and a session sees what was there when it began:
 * each look is a session of its own, and goes from the newest message back, to the one
 * that the last look began with (its UIDL is the mark) or over POP3_BACK of them. What DELE
 * names is gone only when QUIT was answered. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "mailbox_priv.h"

#include "poison.h"

enum { POP3_BACK = 500, UIDL_MAX = 70 };

/* Say it of message n (0: of none), and take the first line of the answer. *good: it is +OK. */
static bool
ask(struct boxlink *l, struct slice *answer, bool *good, struct err *e, const char *command, uint64_t n)
{
	char line[64];
	int at = snprintf(line, sizeof line, "%s", command);

	if (n > 0)
		(void)snprintf(line + at, sizeof line - (size_t)at, " %" PRIu64 "%s", n,
		    strcmp(command, "TOP") == 0 ? " 0" : "");
	if (!boxlink_say(l, slice_of(line), e) || !boxlink_line(l, answer, e))
		return false;
	*good = slice_eat(answer, SLICE("+OK"));
	if (!*good && !slice_starts(*answer, SLICE("-ERR")))
		return err_set(e, "this is no answer of POP3 to %s: \"%.*s\"", line,
		    (int)slice_head(*answer, 100).n, answer->p);
	return true;
}

/* The same, and anything but +OK is the end. */
static bool
demand(struct boxlink *l, struct slice *answer, struct err *e, const char *command, uint64_t n)
{
	bool good;

	if (!ask(l, answer, &good, e, command, n))
		return false;
	return good || err_set(e, "%s: %.*s", command, (int)slice_head(*answer, 300).n, answer->p);
}

/* What identifies message n; empty where the server has no such thing. */
static bool
uidl(struct boxlink *l, uint64_t n, char id[UIDL_MAX + 1], struct err *e)
{
	struct slice answer, number;
	bool good;

	id[0] = '\0';
	if (!ask(l, &answer, &good, e, "UIDL", n))
		return false;
	answer = slice_trim(answer);
	if (!good || !slice_cut(&answer, ' ', &number) || answer.n > UIDL_MAX)
		return true;
	for (size_t i = 0; i < answer.n; i++)
		if (answer.p[i] <= ' ' || answer.p[i] > '~')
			return true;
	memcpy(id, answer.p, answer.n);
	id[answer.n] = '\0';
	return true;
}

/* The header of message n, up to the final dot. */
static bool
top(struct boxlink *l, uint64_t n, struct buf *head, struct err *e)
{
	struct slice line;

	buf_clear(head);
	if (!demand(l, &line, e, "TOP", n))
		return false;
	for (;;) {
		if (!boxlink_line(l, &line, e))
			return false;
		if (slice_eat_char(&line, '.') && line.n == 0)
			return true;
		if (head->full)
			continue;
		buf_add(head, line);
		buf_char(head, '\n');
	}
}

struct walk {
	uint64_t n, back;	/* messages; how many are looked at */
	char newest[UIDL_MAX + 1];	/* that stays */
	size_t dropped;
};

static bool
one(struct mailbox *m, struct walk *w, uint64_t n, struct buf *head, bool *enough, struct err *e)
{
	struct boxlink *l = m->state;
	struct mailbox_folder *f = &m->folder[0];
	struct slice answer;
	char id[UIDL_MAX + 1];
	bool good;

	if (!uidl(l, n, id, e))
		return false;
	*enough = id[0] != '\0' && strcmp(id, f->mark) == 0;
	if (*enough && w->newest[0] == '\0')
		memcpy(w->newest, id, sizeof id);
	if (*enough)
		return true;
	if (!top(l, n, head, e))
		return false;
	if (w->dropped < MAILBOX_AT_ONCE && mailbox_judge(m, f, buf_slice(head), (double)NAN)) {
		if (!ask(l, &answer, &good, e, "DELE", n))
			return false;
		w->dropped += good;
		if (!good)
			mailbox_stuck(m, f->name, "the server does not delete");
	} else if (w->newest[0] == '\0') {
		memcpy(w->newest, id, sizeof id);
	}
	return true;
}

static bool
session(struct mailbox *m, struct walk *w, struct buf *head, struct err *e)
{
	struct boxlink *l = m->state;
	struct slice answer;
	bool enough = false;

	if (!demand(l, &answer, e, "STAT", 0))
		return false;
	answer = slice_trim(answer);
	if (!slice_u64(&answer, &w->n))
		return err_set(e, "STAT: there is no number in \"%.*s\"", (int)slice_head(answer, 100).n, answer.p);
	w->back = w->n < POP3_BACK ? w->n : POP3_BACK;
	for (uint64_t i = 0; i < w->back && !enough; i++)
		if (!one(m, w, w->n - i, head, &enough, e))
			return false;
	return demand(l, &answer, e, "QUIT", 0);
}

static bool
look(struct mailbox *m, struct err *e)
{
	struct buf head = buf_new(MAILBOX_HEAD_MAX);
	struct walk w = { .n = 0 };
	bool good;

	m->state = m->dial(&m->link, m->deadline, &m->ours, e);
	if (m->state == NULL)
		return false;
	good = session(m, &w, &head, e);
	if (good && m->undeleted[0] == '\0') {
		m->deleted += w.dropped;
		(void)snprintf(m->folder[0].mark, sizeof m->folder[0].mark, "%s", w.newest);
	}
	buf_free(&head);
	mailbox_close(m);
	return good;
}

static void
done(struct mailbox *m)
{
	boxlink_close(m->state);
}

static const char *const junk[] = { NULL };
const struct mailbox_kind mailbox_pop3 = { "POP3", false, junk, 0.5, 4, look, done };
