/* rows.h - what a database or directory answered: rows of named values, handed from a process
 * apart (apart.h) to the one that judges them.
 *
 * A value may be NULL, which is neither empty nor 0: whoever asks for a number gets NAN, as for one
 * that is not there at all. Names are compared without case. Everything in it is a stranger's text. */
#ifndef MX_ROWS_H
#define MX_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "apart.h"
#include "buf.h"
#include "mem.h"
#include "slice.h"

enum { ROWS_MAX = 5000, ROWS_FIELDS = 200, ROWS_VALUE = 1 << 14 };

struct row_field {
	struct slice name, value;
	bool null;
};

struct row {
	struct slice table;
	const struct row_field *field;
	size_t fields;
};

struct rows {
	struct row *row;
	size_t n;
	struct arena arena;
};

/* --- to write ------------------------------------------------------------------------- */

/* Begin a row of a table; and its fields. value NULL is NULL; what is longer than ROWS_VALUE
 * is cut. */
void rows_row(struct buf *b, const char *table);
void rows_field(struct buf *b, const char *name, const char *value, size_t n);
void rows_text(struct buf *b, const char *name, const char *value);

/* --- to read -------------------------------------------------------------------------- */

/* The rows that s has, as far as it goes: the last may be cut off, then it is left out. More than
 * ROWS_MAX, or fields than ROWS_FIELDS, are left out too. s has to stay. */
void rows_read(struct rows *r, struct slice s);
void rows_free(struct rows *r);

/* The first row of that table behind after (NULL: from the start); NULL if there is none. */
const struct row *rows_next(const struct rows *r, const char *table, const struct row *after);
/* The row of that table where the field has this text. */
const struct row *rows_find(const struct rows *r, const char *table, const char *field, struct slice text);
size_t rows_count(const struct rows *r, const char *table);

/* Is there such a field? NULL counts. */
bool row_has(const struct row *r, const char *name);
/* Its text; empty for NULL, and where there is none. r may be NULL. */
struct slice row_text(const struct row *r, const char *name);
bool row_is(const struct row *r, const char *name, const char *text);
/* NAN for NULL, for none, and for what is no number. */
double row_number(const struct row *r, const char *name);

/* The first of several names (they changed from release to release) that the row has; NULL if none. */
const char *row_any(const struct row *r, const char *const *names);

/* What a child process could not do, as a row of the table "error": which step, the library's number
 * and words. */
void rows_error(struct buf *b, const char *step, long number, const char *text);

/* What is wrong with a peer that was asked apart, as a sentence behind "NAME: "; false if nothing is:
 * it was late, died, or has a row "error". ours says that it is this machine's trouble. */
bool rows_trouble(const struct apart_job *j, const struct rows *r, struct buf *sentence, bool *ours);

#endif
