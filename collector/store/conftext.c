/* conftext.c - read a configuration file and make it fit for libconfuse.
 *
 * libconfuse 3.3 counts the line of a comment more than once, takes a section
 * that is never closed for a good one, lets a forgotten quote swallow the lines
 * up to the next quote, and ends the program when it is handed a directory. So
 * the file is read here, comments become blanks, and what is left open is named
 * with the line in which it was opened. The grammar itself is libconfuse's. */
#include "conftext.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "poison.h"

enum { TEXT_MAX = 1 << 20, DEPTH_MAX = 16 };

struct scan {
	const char *path;
	char *p, *end;
	int line;
	int depth;
	int opened[DEPTH_MAX];		/* lines of the braces that are open */
};

/* Past the quoted text at s->p. A line break inside is always a forgotten quote. */
static bool
skip_quoted(struct scan *s, struct err *e)
{
	char quote = *s->p++;

	for (; s->p < s->end && *s->p != '\n'; s->p++) {
		if (*s->p == quote) {
			s->p++;
			return true;
		}
		if (*s->p == '\\' && s->p + 1 < s->end && s->p[1] != '\n')
			s->p++;
	}
	return err_set(e, "%s:%d: a quote (%c) is opened and not closed in this line",
	    s->path, s->line, quote);
}

static void
blank_line(struct scan *s)
{
	while (s->p < s->end && *s->p != '\n')
		*s->p++ = ' ';
}

static bool
blank_block(struct scan *s, struct err *e)
{
	int from = s->line;

	for (; s->p < s->end; s->p++) {
		if (s->p[0] == '*' && s->p + 1 < s->end && s->p[1] == '/') {
			s->p[0] = s->p[1] = ' ';
			s->p += 2;
			return true;
		}
		if (*s->p == '\n')
			s->line++;
		else
			*s->p = ' ';
	}
	return err_set(e, "%s:%d: a comment (/*) is opened and never closed", s->path, from);
}

static bool
brace(struct scan *s, struct err *e)
{
	if (*s->p++ == '{') {
		if (s->depth == DEPTH_MAX)
			return err_set(e, "%s:%d: braces are nested too deep", s->path, s->line);
		s->opened[s->depth++] = s->line;
		return true;
	}
	if (s->depth == 0)
		return err_set(e, "%s:%d: a brace } that closes nothing", s->path, s->line);
	s->depth--;
	return true;
}

/* "//" and "/" "*" begin a comment only where a word could begin: paths may have them. */
static bool
word_begins(const struct scan *s, const char *text)
{
	return s->p == text || strchr(" \t\r\n={},+()\"'", s->p[-1]) != NULL;
}

bool
conftext_strip(const char *path, struct buf *text, struct err *e)
{
	struct scan s = { .path = path, .line = 1 };

	if (text->n == 0)
		return true;
	s.p = text->p;
	s.end = text->p + text->n;
	if (memchr(text->p, '\0', text->n) != NULL)
		return err_set(e, "%s: not a text file: it has NUL bytes", path);
	while (s.p < s.end) {
		char next = s.p + 1 < s.end ? s.p[1] : '\0';
		bool good = true;

		if (*s.p == '"' || *s.p == '\'') {
			good = skip_quoted(&s, e);
		} else if (*s.p == '#' || (*s.p == '/' && next == '/' && word_begins(&s, text->p))) {
			blank_line(&s);
		} else if (*s.p == '/' && next == '*' && word_begins(&s, text->p)) {
			good = blank_block(&s, e);
		} else if (*s.p == '{' || *s.p == '}') {
			good = brace(&s, e);
		} else {
			s.line += *s.p == '\n';
			s.p++;
		}
		if (!good)
			return false;
	}
	if (s.depth > 0)
		return err_set(e, "%s:%d: a brace { is opened and never closed", path,
		    s.opened[s.depth - 1]);
	return true;
}

static bool
read_all(int fd, const char *path, struct buf *text, struct err *e)
{
	char block[8192];

	for (;;) {
		ssize_t n = read(fd, block, sizeof block);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, "read %s: %s", path, strerror(errno));
		if (n == 0)
			return true;
		buf_add(text, (struct slice){ block, (size_t)n });
		if (text->full)
			return err_set(e, "%s: longer than 1 MiB: no configuration", path);
	}
}

bool
conftext_read(const char *path, struct buf *text, struct err *e)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool good;

	*text = buf_new(TEXT_MAX);
	if (fd < 0)
		return err_set(e, "read %s: %s%s", path, strerror(errno), errno == ENOENT ?
		    "; \"mxgauge setup\" proposes a configuration" : "");
	(void)fcntl(fd, F_SETFL, 0);	/* only the opening must not wait, for a FIFO */
	if (fstat(fd, &st) != 0)
		good = err_set(e, "read %s: %s", path, strerror(errno));
	else if (S_ISDIR(st.st_mode))
		good = err_set(e, "read %s: it is a directory", path);
	else
		good = read_all(fd, path, text, e);
	close(fd);
	return good && conftext_strip(path, text, e);
}
