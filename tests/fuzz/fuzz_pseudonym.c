/* fuzz_pseudonym.c - texts with addresses in them: no name is left before an @ but those that are
 * nobody's, and what was replaced stays as it is. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pseudonym.h"

#include "poison.h"

static struct pseudonyms *
make(void)
{
	char dir[] = "/tmp/fuzz-pseudonym.XXXXXX", key[sizeof dir + 20];
	struct pseudonyms *p;
	struct err e;

	if (mkdtemp(dir) == NULL)
		abort();
	p = pseudonyms_open(dir, true, &e);
	(void)snprintf(key, sizeof key, "%s/addresses.key", dir);
	(void)unlink(key);
	(void)rmdir(dir);
	return p;
}

/* Does text end in a pseudonym or in one of the names that stand for nobody? */
static bool
is_hidden(struct slice text)
{
	struct slice end = slice_from(text, text.n > 15 ? text.n - 15 : 0);
	size_t n = 1;

	if (slice_ends(text, SLICE("double-bounce")) ||
	    slice_eq_nocase(slice_from(text, text.n > 13 ? text.n - 13 : 0), SLICE("mailer-daemon")))
		return true;
	while (n < end.n && end.p[n] >= 'a' && end.p[n] <= 'p')
		n++;
	return end.n == 15 && end.p[0] == '~' && n == end.n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct pseudonyms *p;
	struct buf once = buf_new(1 << 20);
	char word[PSEUDONYM_MAX], again[PSEUDONYM_MAX];
	struct slice text = { (const char *)data, n }, hidden;

	if (p == NULL && (p = make()) == NULL)
		abort();
	pseudonyms_text(p, text, &once);
	for (size_t i = 1; i < once.n; i++)
		if (once.p[i] == '@' && slice_is_alnum(once.p[i - 1]) && !is_hidden(slice_head(buf_slice(&once), i)))
			abort();
	hidden = pseudonym_of(p, text, word);
	if (!slice_eq(hidden, pseudonym_of(p, hidden, again)) || (hidden.p == word && hidden.n > PSEUDONYM_MAX))
		abort();
	buf_free(&once);
	return 0;
}
