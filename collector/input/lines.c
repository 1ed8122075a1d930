/* lines.c - see lines.h. */
#include "input/lines.h"

#include "input/reader.h"

#include "poison.h"

bool
lines_each(const char *path, const char *zone, int year, int64_t now, struct slice host,
    file_line_fn *f, void *arg, struct err *e)
{
	struct file_line l = { .header = header_new(zone, year, now, host, e) };
	struct reader *r = l.header != NULL ? reader_open(path, e) : NULL;
	int got = -1;

	while (r != NULL && (got = reader_line(r, true, &l.raw, e)) > 0) {
		l.number++;
		l.answer = header_parse(l.header, l.raw, &l.line);
		if (l.answer != HEADER_MORE && !f(arg, &l, e)) {
			got = -1;
			break;
		}
	}
	if (r != NULL)
		reader_close(r);
	header_free(l.header);
	return got == 0;
}
