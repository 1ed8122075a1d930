/* hide.c - see hide.h. */
#include "flow/hide.h"

#include "poison.h"

enum { TEXT_BYTES = 1 << 18 };

static void
hide(const struct pseudonyms *p, struct slice *address, struct arena *room)
{
	char word[PSEUDONYM_MAX];
	struct slice hidden;

	if (address->n == 0)
		return;
	hidden = pseudonym_of(p, *address, word);
	if (hidden.p == word)
		*address = arena_slice(room, hidden);
}

static void
hide_mid(const struct pseudonyms *p, struct slice *mid, struct arena *room)
{
	char word[PSEUDONYM_MAX];
	struct slice hidden = pseudonym_of_mid(p, *mid, word);

	if (hidden.p == word)
		*mid = arena_slice(room, hidden);
}

static void
hide_in_text(const struct pseudonyms *p, struct slice *text, struct arena *room)
{
	struct buf b = buf_new(TEXT_BYTES);

	if (!pseudonyms_wanted(*text))
		return;
	pseudonyms_text(p, *text, &b);
	*text = arena_slice(room, buf_slice(&b));
	buf_free(&b);
}

void
hide_event(const struct pseudonyms *p, struct event *e, struct arena *room)
{
	hide(p, &e->from, room);
	hide(p, &e->to, room);
	hide(p, &e->orig_to, room);
	hide(p, &e->sasl_user, room);
	hide_mid(p, &e->mid, room);
	hide_in_text(p, &e->text, room);
	hide_in_text(p, &e->helo, room);
}
