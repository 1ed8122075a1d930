/* queue_ask.c - the MTA's own listing of its queue, for who may not read the folders.
 *
 * A command that fails, or says something on stderr and lists nothing, is trouble and never an
 * empty queue. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "command.h"
#include "mem.h"
#include "queue.h"

#include "poison.h"

enum { LINE_BYTES = 1 << 18, ERROR_BYTES = 400 };

struct reading {
	struct queue *q;
	int64_t before;		/* messages in q */
	struct queue_listing listing;
	struct buf line;	/* what has no end yet; of a longer one the beginning */
};

struct slice
queue_listing_keep(struct queue_listing *l, struct slice s)
{
	char *at = l->text + l->text_n;

	s = slice_head(s, sizeof l->text - l->text_n);
	if (s.n > 0)
		memcpy(at, s.p, s.n);
	l->text_n += s.n;
	return (struct slice){ at, s.n };
}

static void
take_text(void *arg, struct slice s)
{
	struct reading *r = arg;
	struct slice line;

	while (slice_cut(&s, '\n', &line)) {
		if (r->line.n > 0) {
			buf_add(&r->line, line);
			line = buf_slice(&r->line);
		}
		r->q->mta->listed(r->q, line, &r->listing);
		buf_clear(&r->line);
	}
	buf_add(&r->line, slice_head(s, r->line.max - r->line.n));
}

/* All was said. */
static void
take_end(struct reading *r)
{
	if (r->line.n > 0)
		r->q->mta->listed(r->q, buf_slice(&r->line), &r->listing);
	r->q->mta->listed(r->q, (struct slice){ NULL, 0 }, &r->listing);
}

bool
queue_ask(struct queue *q, const char *command, const char *conf, struct err *e)
{
	const char *argv[6] = { command };
	struct reading *r = xcalloc(1, sizeof *r);
	struct buf said = buf_new(ERROR_BYTES);
	int status = 0, n = 1;
	bool good;

	if (conf != NULL) {
		argv[n++] = "-c";
		argv[n++] = conf;
	}
	for (int i = 1; i < 3 && q->mta->ask[0] != NULL && q->mta->ask[i] != NULL; i++)
		argv[n++] = q->mta->ask[i];
	r->q = q;
	r->before = queue_total(q);
	r->line = buf_new(LINE_BYTES);
	good = command_run(argv, take_text, r, &said, &status, e);
	if (good)
		take_end(r);
	if (good && (!WIFEXITED(status) || WEXITSTATUS(status) != 0 ||
	    (said.n > 0 && queue_total(q) <= r->before && !r->listing.ended)))
		good = command_failed(e, command, buf_slice(&said), status);
	buf_free(&r->line);
	buf_free(&said);
	free(r);
	return good;
}
