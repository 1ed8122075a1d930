/* json.c - see json.h. A struct json is jansson's json_t under another name. */
#include "json.h"

#include <math.h>

#include <jansson.h>

#include "poison.h"

static const json_t *
theirs(const struct json *j)
{
	return (const json_t *)(const void *)j;
}

static const struct json *
ours(const json_t *j)
{
	return (const struct json *)(const void *)j;
}

struct json *
json_parse(struct slice text, struct err *e)
{
	json_error_t error;
	json_t *j = json_loadb(text.n > 0 ? text.p : "", text.n, 0, &error);

	if (j == NULL)
		err_set(e, "line %d: %s", error.line, error.text);
	return (struct json *)(void *)j;
}

void
json_free(struct json *j)
{
	json_decref((json_t *)(void *)j);
}

const struct json *
json_get(const struct json *j, const char *name)
{
	return ours(json_object_get(theirs(j), name));
}

size_t
json_count(const struct json *j)
{
	return json_array_size(theirs(j));
}

const struct json *
json_at(const struct json *j, size_t i)
{
	return ours(json_array_get(theirs(j), i));
}

struct slice
json_text(const struct json *j)
{
	struct slice s = { "", 0 };

	if (json_is_string(theirs(j)))
		s = (struct slice){ json_string_value(theirs(j)), json_string_length(theirs(j)) };
	return s;
}

double
json_number(const struct json *j)
{
	return json_is_number(theirs(j)) ? json_number_value(theirs(j)) : (double)NAN;
}

bool
json_is(const struct json *j, bool value)
{
	return value ? json_is_true(theirs(j)) : json_is_false(theirs(j));
}
