/* mails.c - print all mails that a state has, a line for each fact: what tests compare.
 *
 *	mails DIR
 *
 * Host, queue id, and what is known: kind, time, texts. A bond between two mails is printed
 * once for a mail, as it says nothing new when it is told again (after a restart it may be).
 * In no order that means anything. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flow/mail.h"
#include "stateread.h"
#include "store/mails.h"

#include "poison.h"

static void
print_fact(const struct mail *m, const struct fact *f, struct buf *bonds)
{
	const struct slice text[] = { f->other_id, f->a, f->b, f->c, f->d, f->text };
	struct buf line = buf_new(1 << 20);

	buf_fmt(&line, "%u ", m->host);
	buf_clean(&line, mail_id(m), MAIL_ID_MAX);
	buf_fmt(&line, " %d %u %d %u %" PRId64 ".%u %" PRId64 " %" PRIu64 " %u", (int)f->kind, f->flags,
	    (int)f->cls, f->label, f->time, f->usec, f->delay_ms, f->size, f->nrcpt);
	for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
		buf_char(&line, '|');
		buf_clean(&line, text[i], MAIL_TEXT_MAX);
	}
	buf_char(&line, '\n');
	if (f->kind < FACT_FROM || strstr(bonds->p, line.p) == NULL)
		(void)fputs(line.p, stdout);
	if (f->kind >= FACT_FROM)
		buf_str(bonds, line.p);
	buf_free(&line);
}

static bool
print(void *arg, const struct mail *m)
{
	struct buf bonds = buf_new(MAIL_FACTS_MAX);
	uint32_t at = 0;
	struct fact f;

	(void)arg;
	buf_str(&bonds, "\n");
	while (mail_next(m, &at, &f))
		print_fact(m, &f, &bonds);
	buf_free(&bonds);
	return true;
}

int
main(int argc, char **argv)
{
	struct err e = { "usage: mails DIR" };
	struct stateread *r = argc == 2 ? stateread_open(argv[1], &e) : NULL;
	bool good = r != NULL && mails_each(r, print, NULL, &e);

	if (!good)
		(void)fprintf(stderr, "mails: %s\n", e.text);
	stateread_close(r);
	return good ? 0 : 1;
}
