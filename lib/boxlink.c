/* boxlink.c - lines over a connection with a mailbox server. See boxlink.h; who carries them is
 * boxlink_curl.c. */
#include "boxlink.h"

#include <stdlib.h>

#include "poison.h"

static bool
fill(struct boxlink *l, struct err *e)
{
	size_t got;

	if (l->begin > 0) {
		memmove(l->in, l->in + l->begin, l->end - l->begin);
		l->end -= l->begin;
		l->begin = 0;
	}
	if (l->end == sizeof l->in)
		return err_set(e, "the server sends a line of more than 64 KiB");
	if (!l->read(l, l->in + l->end, sizeof l->in - l->end, &got, e))
		return false;
	l->end += got;
	l->taken += got;
	return l->taken <= BOXLINK_ANSWER_MAX || err_set(e, "the server answers more than 4 MiB");
}

bool
boxlink_say(struct boxlink *l, struct slice s, struct err *e)
{
	struct buf b = buf_new(s.n + 3);
	bool good;

	buf_add(&b, s);
	buf_str(&b, "\r\n");
	l->taken = l->end - l->begin;
	good = l->write(l, buf_slice(&b), e);
	buf_free(&b);
	return good;
}

bool
boxlink_line(struct boxlink *l, struct slice *line, struct err *e)
{
	size_t looked = 0;

	for (;;) {
		struct slice all = { l->in + l->begin, l->end - l->begin }, new = slice_from(all, looked);

		if (slice_cut(&new, '\n', line)) {
			*line = slice_head(all, (size_t)(line->p - all.p) + line->n);
			l->begin += line->n + 1;
			if (line->n > 0 && line->p[line->n - 1] == '\r')
				line->n--;
			return true;
		}
		looked = all.n;
		if (!fill(l, e))
			return false;
	}
}

bool
boxlink_bytes(struct boxlink *l, size_t n, struct buf *b, struct err *e)
{
	while (n > 0) {
		struct slice here = slice_head((struct slice){ l->in + l->begin, l->end - l->begin }, n);

		if (here.n == 0) {
			if (!fill(l, e))
				return false;
			continue;
		}
		buf_add(b, slice_head(here, b->max - b->n));
		l->begin += here.n;
		n -= here.n;
	}
	return true;
}

void
boxlink_close(struct boxlink *l)
{
	if (l == NULL)
		return;
	l->hang_up(l);
	free(l);
}
