/* mailbox.c - what all kinds of mailboxes share. See mailbox.h. */
#include "mailbox.h"

#include <math.h>
#include <stdio.h>

#include "mailbox_priv.h"

#include "poison.h"

const struct mailbox_kind *
mailbox_kind(const char *where)
{
	struct slice s = slice_of(where);

	if (slice_starts(s, SLICE("imaps://")) || slice_starts(s, SLICE("imap://")))
		return &mailbox_imap;
	if (slice_starts(s, SLICE("pop3s://")) || slice_starts(s, SLICE("pop3://")))
		return &mailbox_pop3;
	return &mailbox_maildir;
}

bool
mailbox_is_maildir(const struct mailbox_kind *k)
{
	return k == &mailbox_maildir;
}

bool
mailbox_has_folders(const struct mailbox_kind *k)
{
	return k->folders;
}

struct mailbox_folder *
mailbox_folder(struct mailbox *m, const char *name, bool junk, bool wanted)
{
	struct mailbox_folder *f;

	for (size_t i = 0; i < m->folders; i++)
		if (strcmp(m->folder[i].name, name) == 0)
			return &m->folder[i];
	if (m->folders == MAILBOX_FOLDERS_MAX || strlen(name) >= MAILBOX_NAME)
		return NULL;
	f = &m->folder[m->folders++];
	*f = (struct mailbox_folder){ .junk = junk, .wanted = wanted };
	(void)snprintf(f->name, sizeof f->name, "%s", name);
	return f;
}

void
mailbox_usual_junk(struct mailbox *m)
{
	for (const char *const *name = m->kind->junk; *name != NULL; name++)
		(void)mailbox_folder(m, *name, true, false);
}

/* 32 digits, of which the first are our sign. */
static bool
is_token(const struct mailbox *m, struct slice s)
{
	if (s.n != SMTP_TOKEN - 1 || !slice_starts(s, slice_of(m->sign)))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!slice_is_digit(s.p[i]) && (s.p[i] < 'a' || s.p[i] > 'f'))
			return false;
	return true;
}

bool
mailbox_judge(struct mailbox *m, const struct mailbox_folder *f, struct slice head, double arrived)
{
	struct mailbox_found found = { .arrived = arrived, .folder = f };
	struct slice name, value;

	while (mailhead_next(&head, &name, &value)) {
		if (slice_eq_nocase(name, SLICE("received"))) {
			mailhead_received(&found.way, value);
		} else if (found.token[0] == '\0' && slice_eq_nocase(name, SLICE("x-mxgauge-token"))) {
			if (!is_token(m, value))
				return false;
			memcpy(found.token, value.p, value.n);
		}
	}
	if (found.token[0] == '\0')
		return false;
	if (isnan(arrived) && found.way.hops > 0 && found.way.hop[0].dated)
		found.arrived = (double)found.way.hop[0].at;
	m->found(m->arg, &found);
	return true;
}

void
mailbox_stuck(struct mailbox *m, const char *folder, const char *why)
{
	(void)snprintf(m->undeleted, sizeof m->undeleted, "probes in %.80s: %.200s", folder, why);
}

bool
mailbox_look(struct mailbox *m, struct err *e)
{
	bool good;

	m->undeleted[0] = '\0';
	m->ours = false;
	good = m->kind->look(m, e);
	m->looks++;
	if (!good)
		mailbox_close(m);
	return good;
}

double
mailbox_pause(const struct mailbox *m)
{
	double s = m->kind->pause_s * m->looks;

	return s < m->kind->longest_s ? s : m->kind->longest_s;
}

void
mailbox_close(struct mailbox *m)
{
	if (m->state != NULL)
		m->kind->close(m);
	m->state = NULL;
}
