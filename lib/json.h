/* json.h - read JSON that other programs write; the home of jansson. What is missing or of another type is
 * nothing (NULL, empty, NAN), so that chains of questions need no care; versions differ in what they say. */
#ifndef MX_JSON_H
#define MX_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "slice.h"

struct json;

/* The whole of text. NULL and *e: it is no JSON, and where. */
struct json *json_parse(struct slice text, struct err *e);
void json_free(struct json *j);

/* A member of an object; the elements of an array. */
const struct json *json_get(const struct json *j, const char *name);
size_t json_count(const struct json *j);
const struct json *json_at(const struct json *j, size_t i);

struct slice json_text(const struct json *j);
double json_number(const struct json *j);
bool json_is(const struct json *j, bool value);

#endif
