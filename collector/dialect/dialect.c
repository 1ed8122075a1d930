/* dialect.c - the table of dialects, made from list.def. */
#include "dialect/dialect.h"

#include "poison.h"

#define DIALECT(name) extern const struct dialect dialect_##name;
#include "list.def"
#undef DIALECT

const struct dialect *const dialects[] = {
#define DIALECT(name) &dialect_##name,
#include "list.def"
#undef DIALECT
	NULL
};

const struct dialect *
dialect_of(const struct line *l)
{
	for (const struct dialect *const *d = dialects; *d != NULL; d++)
		if ((*d)->claims(l))
			return *d;
	return NULL;
}
