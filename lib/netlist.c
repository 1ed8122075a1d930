/* netlist.c - see netlist.h. */
#include "netlist.h"

#include "buf.h"
#include "mem.h"
#include "wholefile.h"

#include "poison.h"

enum { FILE_BYTES = 4 << 20 };

bool
netlist_add(struct netlist *l, struct slice word)
{
	struct buf b = buf_new(100);
	struct slice inside;
	struct network n;
	bool good;

	if (slice_eat_char(&word, '[') && slice_cut(&word, ']', &inside)) {
		buf_add(&b, inside);
		buf_add(&b, word);
		word = buf_slice(&b);
	}
	good = !b.full && network_parse(word, &n);
	buf_free(&b);
	if (!good)
		return false;
	if (l->n == l->cap) {
		l->cap = l->cap > 0 ? l->cap * 2 : 16;
		l->net = xreallocarray(l->net, l->cap, sizeof *l->net);
	}
	l->net[l->n++] = n;
	return true;
}

static bool
add_lines(struct netlist *l, const char *path, struct slice text, struct err *e)
{
	struct slice line;

	for (unsigned number = 1; slice_cut(&text, '\n', &line); number++) {
		line = slice_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		line = slice_head(line, slice_until(line, ' ', '\t'));
		if (!netlist_add(l, line))
			return err_set(e, "%s:%u: \"%.*s\" is no network", path, number,
			    (int)slice_head(line, 100).n, line.p);
	}
	return true;
}

bool
netlist_read(struct netlist *l, const char *path, struct err *e)
{
	struct buf b = buf_new(FILE_BYTES);
	bool good = wholefile_read(&b, path, e);

	buf_char(&b, '\n');
	good = good && add_lines(l, path, buf_slice(&b), e);
	buf_free(&b);
	return good;
}
