/* lost.c - see lost.h. Notes are made while the mails that changed are counted, and go with
 * the commit that follows at once: there are never more than such mails. Ids come from
 * strangers' servers: the hash is seeded. */
#include "flow/lost.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "mem.h"

#include "poison.h"

struct lost {
	struct hash_key key;
	struct lost_mail *mail;
	size_t n, cap;
	uint32_t *slot;		/* index + 1; open addressing by host and id */
	size_t mask;
};

struct lost *
lost_new(void)
{
	struct lost *l = xcalloc(1, sizeof *l);

	l->key = hash_key_random();
	return l;
}

void
lost_free(struct lost *l)
{
	if (l == NULL)
		return;
	free(l->mail);
	free(l->slot);
	free(l);
}

static uint32_t *
slot_of(const struct lost *l, unsigned host, struct slice id)
{
	size_t i = (hash_bytes(&l->key, id) + host) & l->mask;

	while (l->slot[i] != 0) {
		const struct lost_mail *m = &l->mail[l->slot[i] - 1];

		if (m->host == host && slice_eq((struct slice){ m->id, m->id_n }, id))
			break;
		i = (i + 1) & l->mask;
	}
	return &l->slot[i];
}

static void
grow(struct lost *l)
{
	l->cap = l->cap > 0 ? l->cap * 2 : 64;
	l->mail = xreallocarray(l->mail, l->cap, sizeof *l->mail);
	free(l->slot);
	l->mask = l->cap * 2 - 1;
	l->slot = xcalloc(l->mask + 1, sizeof *l->slot);
	for (size_t i = 0; i < l->n; i++) {
		const struct lost_mail *m = &l->mail[i];

		*slot_of(l, m->host, (struct slice){ m->id, m->id_n }) = (uint32_t)i + 1;
	}
}

void
lost_add(struct lost *l, unsigned host, struct slice id, int64_t time, int64_t n)
{
	struct lost_mail *m;
	uint32_t *slot;

	if (n == 0)
		return;
	if (l->n == l->cap)
		grow(l);
	id = slice_head(id, LOST_ID_MAX);
	slot = slot_of(l, host, id);
	if (*slot == 0) {
		m = &l->mail[l->n++];
		*m = (struct lost_mail){ .host = (uint16_t)host, .id_n = (uint8_t)id.n, .time = time };
		memcpy(m->id, id.p, id.n);
		*slot = (uint32_t)l->n;
	}
	m = &l->mail[*slot - 1];
	m->rcpts += n;
	if (n > 0 ? !m->begun || time > m->time : !m->begun && time > m->time)
		m->time = time;
	m->begun |= n > 0;
}

const struct lost_mail *
lost_mails(const struct lost *l, size_t *n)
{
	*n = l->n;
	return l->mail;
}

void
lost_clear(struct lost *l)
{
	free(l->mail);
	free(l->slot);
	l->mail = NULL;
	l->slot = NULL;
	l->n = l->cap = l->mask = 0;
}
