/* probes.c - the fates of probes. See probes.h.
 *
 *	folder MARK NAME
 *	probe TOKEN FATE SENT TOOK [junk] [late] */
#include "probes.h"

#include <stdio.h>

#include "sample.h"

#include "poison.h"

static const char fates[] = "bsfl";

static bool
take(struct slice *line, struct slice *word)
{
	if (slice_cut(line, ' ', word))
		return true;
	*word = *line;
	*line = slice_from(*line, line->n);
	return word->n > 0;
}

static void
read_probe(struct probes *p, struct slice line)
{
	struct slice token, fate, number, word;
	struct probe *one;
	double sent;
	const char *at;

	if (!take(&line, &token) || token.n != SMTP_TOKEN - 1 || !take(&line, &fate) || fate.n != 1 ||
	    (at = strchr(fates, fate.p[0])) == NULL || fate.p[0] == '\0' || !take(&line, &number) ||
	    !slice_decimal(&number, &sent))
		return;
	one = probes_add(p, "", sent);
	memcpy(one->token, token.p, token.n);
	one->fate = (enum probe_fate)(at - fates);
	if (take(&line, &number))
		(void)slice_decimal(&number, &one->took);
	while (take(&line, &word)) {
		one->junk = one->junk || slice_eq(word, SLICE("junk"));
		one->late = one->late || slice_eq(word, SLICE("late"));
	}
}

static void
read_folder(struct mailbox *m, struct slice name)
{
	struct slice mark;

	if (!slice_cut(&name, ' ', &mark) || mark.n >= MAILBOX_MARK)
		return;
	for (size_t i = 0; i < m->folders; i++)
		if (slice_eq(name, slice_of(m->folder[i].name)))
			(void)snprintf(m->folder[i].mark, MAILBOX_MARK, "%.*s", (int)mark.n, mark.p);
}

void
probes_read(struct probes *p, struct mailbox *m, struct slice text)
{
	struct slice line;

	while (slice_cut(&text, '\n', &line)) {
		if (slice_eat(&line, SLICE("probe ")))
			read_probe(p, line);
		else if (slice_eat(&line, SLICE("folder ")))
			read_folder(m, line);
	}
}

void
probes_write(const struct probes *p, const struct mailbox *m, struct buf *b)
{
	for (size_t i = 0; i < m->folders; i++)
		if (m->folder[i].mark[0] != '\0')
			buf_fmt(b, "folder %s %s\n", m->folder[i].mark, m->folder[i].name);
	for (size_t i = 0; i < p->n; i++) {
		const struct probe *one = &p->v[i];

		buf_fmt(b, "probe %s %c %.6f %.6f%s%s\n", one->token, fates[one->fate], one->sent, one->took,
		    one->junk ? " junk" : "", one->late ? " late" : "");
	}
}

static void
drop(struct probes *p, size_t i)
{
	memmove(&p->v[i], &p->v[i + 1], (p->n - i - 1) * sizeof p->v[0]);
	p->n--;
}

struct probe *
probes_add(struct probes *p, const char *token, double now)
{
	struct probe *one;

	if (p->n == PROBES_MAX)
		drop(p, 0);
	one = &p->v[p->n++];
	*one = (struct probe){ .fate = PROBE_BEGUN, .sent = now };
	(void)snprintf(one->token, sizeof one->token, "%s", token);
	return one;
}

struct probe *
probes_find(struct probes *p, const char *token)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->v[i].token, token) == 0)
			return &p->v[i];
	return NULL;
}

static bool
is_known(const struct probe *one)
{
	return one->fate == PROBE_FOUND || one->fate == PROBE_LOST;
}

void
probes_age(struct probes *p, double now, double lost_s)
{
	for (size_t i = p->n; i-- > 0; ) {
		struct probe *one = &p->v[i];

		if (is_known(one) || now - one->sent <= lost_s)
			continue;
		if (one->fate == PROBE_SENT)
			one->fate = PROBE_LOST;
		else
			drop(p, i);
	}
}

void
probes_forget(struct probes *p, size_t n)
{
	size_t known = 0;

	for (size_t i = p->n; i-- > 0; )
		if (is_known(&p->v[i]) && known++ >= n)
			drop(p, i);
}

void
probes_sum(const struct probes *p, struct probes_sum *s)
{
	double took[PROBES_MAX];

	*s = (struct probes_sum){ .found = 0 };
	for (size_t i = 0; i < p->n; i++) {
		const struct probe *one = &p->v[i];

		if (one->fate == PROBE_FOUND)
			took[s->found++] = one->took;
		s->lost += one->fate == PROBE_LOST;
		s->junk += one->fate == PROBE_FOUND && one->junk;
		s->late += one->fate == PROBE_FOUND && one->late;
		s->waiting += one->fate == PROBE_SENT;
		if (is_known(one))
			s->last_lost = one->fate == PROBE_LOST;
	}
	sample_sort(took, s->found);
	s->p50 = sample_quantile(took, s->found, 0.5);
	s->p95 = sample_quantile(took, s->found, 0.95);
	s->max = sample_quantile(took, s->found, 1);
}
