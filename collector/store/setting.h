/* setting.h - a row of setting.def, and whether a value is good for it. */
#ifndef MX_SETTING_H
#define MX_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "slice.h"

enum setting_kind { SETTING_PATH, SETTING_TEXT, SETTING_LIST, SETTING_SECONDS, SETTING_NUMBER,
	SETTING_CHOICE, SETTING_CLASS };

struct setting {
	enum setting_kind kind;
	const char *name, *def, *limits, *help;
	size_t offset;		/* of the field in its struct */
};

/* A number, or a time in whole seconds. */
bool setting_number(enum setting_kind kind, struct slice s, int64_t *v);

/* May it be v? Of a list: may one of its items? */
bool setting_check(const struct setting *s, const char *v, struct err *e);

#endif
